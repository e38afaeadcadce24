#!/usr/bin/env python3
"""python3 tests/golden/objectives/lists.py > tests/golden/objectives/lists.json"""
from common import D, Golden, PAIRS, each, log_sigmoid, one_by_one

TWO = D(2)


def values(s, beta):
    return [beta * (y["logp"] - y["ref"]) for y in s]


def ranked(scores, labels):
    """Places from 1 by descending score; of equal scores the worse label first. Equal in both: a set of places."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], labels[i]))
    places = [[] for _ in scores]
    for place, i in enumerate(order, 1):
        for j in range(len(scores)):
            if (scores[j], labels[j]) == (scores[i], labels[i]):
                places[j].append(place)
    return places


def discounts(scores, labels):
    return [sum(1 / (1 + D(p)).ln() for p in places) / len(places) for places in ranked(scores, labels)]


def lipo_labels(s, p):
    if p.get("labels") != "wins":
        return [y["label"] for y in s]
    return [(sum((D(1) if y["label"] > x["label"] else D("0.5") if y["label"] == x["label"] else D(0)) for x in s) - D("0.5"))
            / (len(s) - 1) for y in s]


def lipo_frozen(groups, p):
    return [discounts(values(s, D(p.get("beta", "0.05"))), [y["label"] for y in s]) for s in groups]


def lipo_group(s, p, disc):
    z, psi, kind = values(s, D(p.get("beta", "0.05"))), lipo_labels(s, p), p.get("list-loss", "lambda")
    pairs = [(i, j) for i in range(len(s)) for j in range(len(s)) if psi[i] > psi[j]]
    if kind == "lambda":
        return sum((abs(TWO ** psi[i] - TWO ** psi[j]) * abs(disc[i] - disc[j]) * -log_sigmoid(z[i] - z[j]) for i,
                    j in pairs), D(0))
    if kind == "pair-logistic":
        return sum((-log_sigmoid(z[i] - z[j]) for i, j in pairs), D(0))
    if kind == "pair-hinge":
        return sum((max(D(0), 1 - (z[i] - z[j])) for i, j in pairs), D(0))
    if kind == "softmax":
        weights = [max(D(0), x) for x in psi]
        return -sum((w / sum(weights) * (a.exp() / sum(b.exp() for b in z)).ln() for w, a in zip(weights, z)), D(0))
    if kind == "point-mse":
        return sum((x - a) ** 2 for x, a in zip(psi, z))
    inside = [min(D(1), max(D(0), x)) for x in psi]
    return -sum(x * log_sigmoid(a) + (1 - x) * log_sigmoid(-a) for x, a in zip(inside, z))


def lipo(groups, p, f):
    return [lipo_group(s, p, disc) for s, disc in zip(groups, f)]


def plackett_luce(s, p):
    """Stage by stage from the best label down; at its stage a response stands against what is still worse."""
    z, loss = values(s, D(p.get("beta", "0.1"))), D(0)
    for level in sorted({y["label"] for y in s}, reverse=True):
        rest = sum((a.exp() for a, y in zip(z, s) if y["label"] < level), D(0))
        for a, y in zip(z, s):
            if y["label"] == level:
                loss -= (a.exp() / (a.exp() + rest)).ln()
    return loss


def best_nll(s, per_token):
    best = [y for y in s if y["label"] == max(x["label"] for x in s)]
    return sum(-y["logp"] / (y["n"] if per_token else 1) for y in best) / len(best)


def rrhf(s, p):
    scores = [y["logp"] / y["n"] ** D(p.get("length-penalty", "1")) for y in s]
    rank = sum((max(D(0), a - b) for a, x in zip(scores, s) for b, y in zip(scores, s) if x["label"] < y["label"]), D(0))
    return D(p.get("rank-weight", "1")) * rank + D(p.get("sft-weight", "1")) * best_nll(s,
                                                                                        p.get("sft-reduction",
                                                                                              "mean") == "mean")


def pro(s, p):
    loss = D(p.get("sft-weight", "0.05")) * (len(s) - 1) ** 2 * best_nll(s, False)
    for y in s:
        rivals = [x for x in s if x["label"] < y["label"]]
        if rivals:
            t = [y["label"] - x["label"] for x in rivals]
            top = (y["logp"] / y["n"] * max(t)).exp()
            loss -= (top / (top + sum((x["logp"] / x["n"] * ti).exp() for x, ti in zip(rivals, t)))).ln()
    return loss


def softmax(x):
    return [a.exp() / sum(b.exp() for b in x) for a in x]


def targets(s, alpha):
    return softmax([y["label"] / D(alpha) for y in s])


def infonca(s, p):
    return -sum(w * m.ln() for w, m in zip(targets(s, p.get("alpha", "0.01")), softmax(values(s, D(p.get("beta", "0.01"))))))


def nca(s, p):
    return -sum(w * log_sigmoid(a) + log_sigmoid(-a) / len(s)
                for w, a in zip(targets(s, p.get("alpha", "0.01")), values(s, D(p.get("beta", "0.01")))))


def exo_rw(s, p):
    model, want = softmax(values(s, D(p.get("beta", "0.5")))), targets(s, p.get("alpha", "0.5"))
    return sum(m * (m / w).ln() for m, w in zip(model, want))


def y(logp, ref, n, label):
    return dict(logp=logp, ref=ref, n=n, label=label)


# Lists of different length, in no order: without ties, with ties, with ties at the top, of two, untouched by training.
LISTS = [
    [y("-20", "-22", 9, "0.4"), y("-31.5", "-30", 14, "0.9"), y("-12.25", "-13", 6, "0.1"), y("-8", "-7.5", 3, "0.6")],
    [y("-14", "-15.5", 7, "3"), y("-18", "-16", 8, "5"), y("-9.5", "-10", 5, "3"), y("-11", "-12", 4, "1"),
     y("-30", "-27", 20, "5")],
    [y("-6", "-5", 3, "-1"), y("-10.5", "-12", 4, "0"), y("-7", "-7.25", 5, "0")],
    [y("-10", "-9", 5, "0.25"), y("-9", "-9.5", 7, "0.5")],
    [y("-10", "-10", 5, "1"), y("-12", "-12", 5, "0.5"), y("-7", "-7", 4, "0.5"), y("-3", "-3", 2, "0")],
]
# The lists of the design's table: s = (0.5, -0.3, 0.2, 0.1) with labels (0.9, 0.6, 0.4, 0.1).
TABLE = [[y(s, "0", 1, label) for s, label in zip(("0.5", "-0.3", "0.2", "0.1"), ("0.9", "0.6", "0.4", "0.1"))]]
TABLE_ROWS = [
    ("lipo-lambda", {"beta": "1"}, "0.68796250", ("-0.44299508", "0.02734778", "0.13690074", "0.27874656")),
    ("plackett-luce", {"beta": "1"}, "3.11620929", ("-0.65040676", "-0.60140359", "0.18215357", "1.06965678")),
    ("rrhf", {"sft-weight": "0"}, "0.90000000", ("0.0", "-2.0", "1.0", "1.0")),
    ("pro", {"sft-weight": "0"}, "3.03580777", ("-0.54022547", "-0.29457585", "0.04302517", "0.51439839")),
]
ALL = one_by_one(LISTS) + one_by_one(PAIRS) + [LISTS]

golden = Golden()
losses = {"lipo-lambda": lipo, "plackett-luce": each(plackett_luce), "rrhf": each(rrhf), "pro": each(pro)}
for name, p, loss, slopes in TABLE_ROWS:
    golden.add(name, losses[name], [TABLE], [p], frozen=lipo_frozen if name == "lipo-lambda" else None)
    row = golden.rows[-1]
    assert abs(row["loss"][0] - float(loss)) < 6e-9, row
    assert all(abs(a - float(b)) < 6e-9 for a, b in zip(row["d_logp"][0], slopes)), row
golden.add("lipo-lambda", lipo, ALL, [{}, {"beta": "1"}, {"labels": "wins"}, {"list-loss": "point-mse"}] +
           [{"beta": "0.6", "labels": "wins", "list-loss": kind}
            for kind in ("pair-logistic", "pair-hinge", "softmax", "point-mse", "point-sigmoid")], frozen=lipo_frozen)
golden.add("lipo-lambda", lipo, one_by_one(LISTS[:2]), [{"list-loss": kind} for kind in ("softmax", "point-sigmoid")],
           frozen=lipo_frozen)
golden.add("plackett-luce", each(plackett_luce), ALL, [{}, {"beta": "1"}])
# The second of PAIRS has equal means: the hinge has no slope there.
golden.add("rrhf", each(rrhf), one_by_one(LISTS) + [[PAIRS[0]], LISTS],
           [{}, {"rank-weight": "100", "length-penalty": "0.5"}, {"sft-weight": "0.1", "sft-reduction": "sum"}],
           metrics=lambda groups, p,
           f: {"nll_loss": sum(best_nll(s, p.get("sft-reduction", "mean") == "mean") for s in groups) / len(groups)})
golden.add("pro", each(pro), ALL, [{}, {"sft-weight": "0"}],
           metrics=lambda groups, p, f: {"nll_loss": sum(best_nll(s, False) for s in groups) / len(groups)})
for name, loss in (("infonca", infonca), ("nca", nca)):
    golden.add(name, each(loss), ALL, [{}, {"beta": "0.5", "alpha": "1"}, {"beta": "0.1", "alpha": "3"}])
golden.add("exo-rw", each(exo_rw), ALL, [{}, {"beta": "0.1", "alpha": "2"}, {"beta": "1", "alpha": "0.05"}])
golden.print()
