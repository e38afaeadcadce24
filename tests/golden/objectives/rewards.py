#!/usr/bin/env python3
"""python3 tests/golden/objectives/rewards.py > tests/golden/objectives/rewards.json"""
from itertools import combinations

from common import D, Golden, each, log_sigmoid, one_by_one


def rm_pair(a, b, share, p):
    margin, centring = D(p.get("margin", "0")), D(p.get("centring", "0"))
    m = a - b - margin * (share - (1 - share))
    return -share * log_sigmoid(m) - (1 - share) * log_sigmoid(-m) + centring * (a + b) ** 2


def rm(s, p):
    return rm_pair(s[0]["score"], s[1]["score"], s[0]["label"], p)


def rm_list(s, p):
    pairs = list(combinations(s, 2))
    return sum(rm_pair(a["score"], b["score"], (D(a["label"] >= b["label"]) + D(a["label"] > b["label"])) / 2, p)
               for a, b in pairs) / len(pairs)


def rm_token(s, p):
    scores = [x["score"] * (x["n"] if p.get("reduction") == "sum" else 1) for x in s]
    return rm_pair(*scores, s[0]["label"], p)


def preference_model(s, p):
    chosen, rejected = s[0]["logp"].exp(), s[1]["logp"].exp()
    says = chosen / (chosen + rejected)
    return -s[0]["label"] * says.ln() - (1 - s[0]["label"]) * (1 - says).ln()


SCORED = [
    [dict(score="1.5", label=1, n=4), dict(score="-0.25", label=0, n=7)],
    [dict(score="-2", label="0.75", n=5), dict(score="0.5", label="0.25", n=2)],
    [dict(score="0.125", label="0.5", n=3), dict(score="0.75", label="0.5", n=3)],
]
LISTS = [
    [dict(score="0.5", label="9"), dict(score="-0.3", label="6"), dict(score="0.2", label="4"),
     dict(score="0.1", label="1")],
    [dict(score="1.25", label="2"), dict(score="2", label="2"), dict(score="-1", label="5")],
    [dict(score="0.4", label="-2"), dict(score="0.6", label="-1")],
]
SETTINGS = [{}, {"margin": "1"}, {"centring": "0.01"}, {"margin": "0.5", "centring": "0.1"}]
golden = Golden()
golden.add("rm", each(rm), one_by_one(SCORED), SETTINGS, by=("score",))
golden.add("rm-list", each(rm_list), one_by_one(LISTS), SETTINGS, by=("score",))
golden.add("rm-token", each(rm_token), one_by_one(SCORED), SETTINGS + [dict(p, reduction="sum") for p in SETTINGS],
           by=("score",))
LETTERS = [
    [dict(logp="-0.5", label=1, n=1), dict(logp="-1.25", label=0, n=1)],
    [dict(logp="-7", label="0.8", n=2), dict(logp="-4.5", label="0.2", n=2)],
    [dict(logp="-0.9", label="0.5", n=1), dict(logp="-0.6", label="0.5", n=1)],
]
golden.add("preference-model", each(preference_model), one_by_one(LETTERS), [{}])
golden.print()
