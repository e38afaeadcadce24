#!/usr/bin/env python3
"""python3 tests/golden/objectives/head.py > tests/golden/objectives/head.json

Objectives that read more of the head than log-probabilities, and WPO's weight as an option of others.
"""
from common import D, Golden, PAIRS, each, log_sigmoid, one_by_one, sigmoid


def ratio(s):
    return s["logp"] - s["ref"]


def dpo(s, p):
    return -log_sigmoid(D(p.get("beta", "0.1")) * (ratio(s[0]) - ratio(s[1])))


def sppo_hard(s, p):
    half = 1 / (2 * D(p.get("beta", "0.001")))
    return (ratio(s[0]) - half) ** 2 + (ratio(s[1]) + half) ** 2


# The weight of a pair is a constant: it is taken from the unchanged numbers. `tail` is what ld-alpha left out.
def wpo_weights(groups, p):
    return [sum((s["logp"] + s.get("tail", D(0)) - s["sum_squares"]) / s["n"] for s in g).exp() for g in groups]


def weighted(loss):
    return lambda groups, p, f: [w * loss(g, p) for g, w in zip(groups, f)]


def tdpo(s, beta, alpha, kl_chosen):
    z = beta * (ratio(s[0]) - ratio(s[1]) - alpha * (s[1]["kl"] - kl_chosen))
    return -log_sigmoid(z)


def tdpo1(s, p):
    return tdpo(s, D(p.get("beta", "0.1")), 1, s[0]["kl"])


def tdpo2(groups, p, f):
    return [tdpo(g, D(p.get("beta", "0.1")), D(p.get("alpha", "0.5")), kl) for g, kl in zip(groups, f)]


def kls(groups, p, f):
    return {"kl/chosen": sum(g[0]["kl"] for g in groups) / len(groups),
            "kl/rejected": sum(g[1]["kl"] for g in groups) / len(groups)}


# The mean over groups times this share is the mean over the batch's tokens.
def per_token(groups):
    return D(len(groups)) / sum(s["n"] for g in groups for s in g)


def cringe_group(g, p, share):
    alpha = D(p.get("alpha", "1"))
    good = -share * sum(s["logp"] for s in g if s["label"] == 1)
    bad = share * alpha * sum(s["rival"] for s in g if s["label"] == 0)
    return good, bad


def cringe(groups, p, f):
    return [sum(cringe_group(g, p, per_token(groups))) for g in groups]


def gate(g, p):
    return sigmoid((D(p.get("gate-bias", "0")) - (g[0]["logp"] - g[1]["logp"])) / D(p.get("gate-tau", "10")))


def pairwise_cringe(groups, p, f):
    gates = [gate(g, p) for g in groups] if p.get("gate-gradient") == "yes" else f
    return [w * loss for w, loss in zip(gates, cringe(groups, p, f))]


def gates(groups, p):
    return [gate(g, p) for g in groups]


def pairwise_metrics(groups, p, f):
    parts = [cringe_group(g, p, per_token(groups)) for g in groups]
    n = len(groups)
    return {"loss/imitation": sum(w * a for w, (a, b) in zip(f, parts)) / n,
            "loss/contrast": sum(w * b for w, (a, b) in zip(f, parts)) / n, "gate": sum(f) / n}


def npo_response(s, p):
    beta, retain, kl = (D(p.get(k, d)) for k, d in (("beta", "0.1"), ("retain", "0"), ("retain-kl", "0")))
    if s["label"] == 0:
        return 2 / beta * (1 + (s["logp"] - s["ref"]).exp() ** beta).ln()
    return (-retain * s["logp"] + kl * s["kl"]) / s["n"]


def npo(g, p):
    return sum(npo_response(s, p) for s in g)


def with_numbers(groups, **columns):
    """The groups with more numbers for each response."""
    return [[{**s, **{k: v[g][i] for k, v in columns.items()}} for i, s in enumerate(group)] for g,
            group in enumerate(groups)]


HEAD = with_numbers(PAIRS, kl=[["0.4", "0.9"], ["2.5", "1.25"]], rival=[["3.5", "6.25"], ["11", "1.5"]],
                    sum_squares=[["-7", "-11.5"], ["-14", "-6"]])
SINGLES = [[s] for g in HEAD for s in g]  # pairs are read response by response
TAILS = with_numbers(HEAD, tail=[["0", "-1.75"], ["-4", "0"]])

golden = Golden()
golden.add("dpo", weighted(dpo), one_by_one(HEAD), [{"wpo": "yes"}, {"wpo": "yes", "beta": "0.5"}], frozen=wpo_weights)
golden.add("dpo", weighted(dpo), one_by_one(TAILS), [{"wpo": "yes", "ld-alpha": "0.5"}], frozen=wpo_weights)
golden.add("sppo-hard", weighted(sppo_hard), one_by_one(HEAD), [{"wpo": "yes"}], frozen=wpo_weights)
golden.add("tdpo1", each(tdpo1), one_by_one(HEAD) + [HEAD], [{}, {"beta": "0.5"}], by=("logp", "kl"), metrics=kls)
golden.add("tdpo2", tdpo2, one_by_one(HEAD) + [HEAD], [{}, {"alpha": "1"}, {"alpha": "0"}, {"beta": "0.5", "alpha": "2"}],
           by=("logp", "kl"), frozen=lambda groups, p: [g[0]["kl"] for g in groups], metrics=kls)
golden.add("cringe", cringe, [SINGLES] + one_by_one(SINGLES), [{}, {"alpha": "0.3", "k": "5"}], by=("logp", "rival"))
golden.add("pairwise-cringe", pairwise_cringe, one_by_one(HEAD) + [HEAD],
           [{}, {"alpha": "0.3", "gate-bias": "2", "gate-tau": "5"}, {"gate-gradient": "yes"},
            {"gate-gradient": "yes", "alpha": "2", "gate-bias": "-4", "gate-tau": "1"}], by=("logp", "rival"), frozen=gates,
           metrics=pairwise_metrics)
golden.add("npo", each(npo), one_by_one(SINGLES) + [SINGLES],
           [{}, {"beta": "0.5"}, {"retain": "1"}, {"retain-kl": "1"}, {"retain": "0.5", "retain-kl": "2"}],
           by=("logp", "kl"))
golden.print()
