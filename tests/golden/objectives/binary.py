#!/usr/bin/env python3
"""python3 tests/golden/objectives/binary.py > tests/golden/objectives/binary.json

Single responses that are good (label 1) or bad (label 0)."""
from common import D, Golden, each, log_sigmoid, sigmoid


def number(p, key, default):
    return D(p.get(key, default))


def log_ratio(s):
    return s["logp"] - s["ref"]


# The mean over the batch's answers to other prompts, clamped after the mean.
def kto_z0(groups, p):
    others = [log_ratio(s) for g in groups for s in g if s.get("mismatched")]
    return max(D(0), sum(others) / len(others)) if others and p.get("loss", "kto") == "kto" else D(0)


def kto(groups, p, z0):
    beta = number(p, "beta", "0.1")
    out = []
    for g in groups:
        a = log_ratio(g[0])
        if g[0]["label"] == 1:
            out.append(number(p, "desirable-weight", "1") * (1 - sigmoid(beta * (a - z0))))
        else:
            out.append(number(p, "undesirable-weight", "1") * (1 - sigmoid(beta * (z0 - a))))
    return out


def kto_kl(groups, p, z0):
    return {"kl_estimate": z0}


def bco_delta_from(count, mean):
    def delta(groups, p):
        rewards = [number(p, "beta", "0.1") * log_ratio(s) for g in groups for s in g]
        return (D(count) * D(mean) + sum(rewards)) / (D(count) + len(rewards))
    return delta


def bco(groups, p, delta):
    beta = number(p, "beta", "0.1")
    out = []
    for g in groups:
        margin = beta * log_ratio(g[0]) - delta
        weight = min(max(g[0].get("prompt_odds", D(0)).exp(), D("0.5")), D(10))
        out.append(-log_sigmoid(margin) if g[0]["label"] == 1 else -weight * log_sigmoid(-margin))
    return out


# The policy takes the value as it is, and the value network the policy: f holds the values. The policy's part is divided
# by tau; the value network's part is counted without its size, as the change from where it stands.
def values(groups, p):
    return [g[0]["value"] for g in groups]


def dro_v(groups, p, held):
    tau = number(p, "tau", "1")
    out = []
    for g, v in zip(groups, held):
        s = g[0]
        policy = (s["label"] - v - tau * log_ratio(s)) ** 2 / 2 / tau
        value = (s["label"] - s["value"] - tau * log_ratio(s)) ** 2 / 2
        stands = (s["label"] - v - tau * log_ratio(s)) ** 2 / 2
        out.append(policy + value - stands)
    return out


def dro_metrics(groups, p, held):
    ds = [g[0]["label"] - g[0]["value"] - number(p, "tau", "1") * log_ratio(g[0]) for g in groups]
    return {"loss/value": sum(d * d / 2 for d in ds) / len(ds), "td_error": sum(abs(d) for d in ds) / len(ds),
            "value": sum(values(groups, p)) / len(groups)}


# The bad response, then the model's own answers.
def d2o(g, p):
    beta, alpha = number(p, "beta", "0.1"), number(p, "alpha", "0.1")
    own = sum(log_ratio(s) for s in g[1:]) / len(g[1:])
    return -log_sigmoid(beta * own - alpha * log_ratio(g[0]))


def other(logp, ref):
    return dict(logp=logp, ref=ref, n=4, label=0, mismatched=1)


# z0 = 0.3 here, so that the pairs of the field's reference numbers appear.
MOVED = [
    [dict(logp="-12", ref="-13", n=6, label=1), other("-30", "-31")],
    [dict(logp="-15", ref="-14", n=8, label=0), other("-22.5", "-22")],
    [dict(logp="-20", ref="-18", n=10, label=1), other("-9", "-9.6")],
    [dict(logp="-10", ref="-11.5", n=5, label=0), other("-9", "-9.1")],
]
BEHIND = [[g[0], other("-31", "-30")] for g in MOVED]  # the mean is below zero: clamped
ALONE = [[g[0]] for g in MOVED]
ODDS = [[dict(g[0], prompt_odds=odds)] for g, odds in zip(MOVED, ("0.3", "1.25", "-4", "7"))]

golden = Golden()
golden.add("kto", kto, [MOVED, BEHIND], [{}, {"beta": "0.5", "desirable-weight": "1.33"}, {"undesirable-weight": "3"}],
           frozen=kto_z0,
           metrics=kto_kl)
golden.add("kto", kto, [ALONE], [{"loss": "apo-zero"}, {"loss": "apo-zero", "beta": "0.3", "undesirable-weight": "0.5"}],
           frozen=kto_z0, metrics=kto_kl)
for start in ((0, 0), (12, "0.25")):
    golden.add("bco", bco, [ALONE, ODDS], [{}, {"beta": "0.01"}], frozen=bco_delta_from(*start),
               state=[D(start[0]), D(start[1])] if start[0] else None, metrics=lambda groups, p, delta: {"delta": delta})
VALUED = [[dict(g[0], label="1" if g[0]["label"] else "-1", value=v)] for g, v in zip(MOVED, ("0.2", "0.2", "0.2", "-0.7"))]
SCORED = [[dict(g[0], label=r, value=v)] for g, r, v in zip(MOVED, ("1.5", "-0.25", "0.125", "-2"), ("0", "1", "-1", "0.5"))]
golden.add("dro-v", dro_v, [VALUED, SCORED], [{}, {"tau": "0.25"}, {"tau": "3"}], by=("logp", "value"), frozen=values,
           metrics=dro_metrics)
BAD = dict(logp="-15", ref="-14", n=8, label=0)
OWN = [dict(logp=l, ref=r, n=n, label=1) for l, r,
       n in (("-12", "-13", 6), ("-20", "-18", 10), ("-7.5", "-7", 3), ("-30", "-36", 12))]
golden.add("d2o", each(d2o), [[[BAD] + OWN], [[BAD] + OWN[:1]], [[dict(BAD, logp="-4")] + OWN[1:3], [BAD] + OWN[:2]]],
           [{}, {"alpha": "0.4"}, {"beta": "1", "alpha": "0.02"}])
golden.print()
