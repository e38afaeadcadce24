#!/usr/bin/env python3
"""Makes tests/golden/objectives.json: losses and derivatives of every objective, to 17 digits.

Independent of the C code: formulas are written as in the papers, without stable forms, in decimal arithmetic with 60
digits, and derivatives are central differences of the loss (step 1e-20), so no derivative is written down here.
Run: python3 tests/golden/objectives.py > tests/golden/objectives.json   (Python 3.11's decimal)
"""
import json
from decimal import Decimal as D, getcontext

getcontext().prec = 60
STEP = D(10) ** -20


def log_sigmoid(z):
    return -(1 + (-z).exp()).ln()


def dpo(s, p):
    beta, smoothing = D(p.get("beta", "0.1")), D(p.get("label-smoothing", "0"))
    keep = 0 if p.get("reference-free") == "yes" else 1
    z = beta * ((s[0]["logp"] - keep * s[0]["ref"]) - (s[1]["logp"] - keep * s[1]["ref"]))
    return -(1 - smoothing) * log_sigmoid(z) - smoothing * log_sigmoid(-z)


def rm(s, p):
    margin, centring = D(p.get("margin", "0")), D(p.get("centring", "0"))
    m = s[0]["score"] - s[1]["score"] - margin * (s[0]["label"] - s[1]["label"])
    return -log_sigmoid(m) + centring * (s[0]["score"] + s[1]["score"]) ** 2


# One group alone is the whole batch here: n_groups is 1 and n_tokens its length.
def sft(s, p):
    reduction = p.get("reduction", "token")
    return -s[0]["logp"] / (1 if reduction == "sum" else s[0]["n"])


PAIRS = [
    [dict(logp="-12", ref="-13", n=6, label=1), dict(logp="-15", ref="-14", n=8, label=0)],
    [dict(logp="-20", ref="-18", n=10, label=1), dict(logp="-10", ref="-11.5", n=5, label=0)],
]
SCORED = [
    [dict(score="1.5", label=1), dict(score="-0.25", label=0)],
    [dict(score="-2", label="0.75"), dict(score="0.5", label="0.25")],
]
TEXTS = [[dict(logp="-12", n=6, label=1)], [dict(logp="-20.5", n=10, label=1)]]
CASES = [
    ("dpo", dpo, PAIRS, "logp", [{}, {"beta": "0.5"}, {"label-smoothing": "0.1"}, {"reference-free": "yes"},
                                 {"beta": "0.02", "label-smoothing": "0.25", "reference-free": "yes"}]),
    ("rm", rm, SCORED, "score", [{}, {"margin": "1"}, {"centring": "0.01"}, {"margin": "0.5", "centring": "0.1"}]),
    ("sft", sft, TEXTS, "logp", [{}, {"reduction": "sequence"}, {"reduction": "sum"}]),
]


def number(x):
    return float(x)


rows = []
for name, loss, groups, by, settings in CASES:
    for p in settings:
        for group in groups:
            s = [{k: D(v) for k, v in q.items()} for q in group]
            slopes = []
            for i in range(len(s)):
                up = [dict(q) for q in s]
                down = [dict(q) for q in s]
                up[i][by] += STEP
                down[i][by] -= STEP
                slopes.append(number((loss(up, p) - loss(down, p)) / (2 * STEP)))
            rows.append({"objective": name, "settings": p, "seqs": [{k: number(v) for k, v in q.items()} for q in s],
                         "loss": number(loss(s, p)), "d_" + by: slopes})
print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
