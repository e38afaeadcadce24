#!/usr/bin/env python3
"""python3 tests/golden/objectives/pairs.py > tests/golden/objectives/pairs.json"""
from common import D, Golden, PAIRS, each, log_sigmoid, one_by_one, sigmoid


def ratios(s):
    """Log-ratios of chosen and rejected."""
    return s[0]["logp"] - s[0]["ref"], s[1]["logp"] - s[1]["ref"]


def means(s):
    """Mean log-probabilities per token."""
    return s[0]["logp"] / s[0]["n"], s[1]["logp"] / s[1]["n"]


def margin(s, p, beta="0.1"):
    a, b = ratios(s)
    return D(p.get("beta", beta)) * (a - b)


def smoothed(z, p):
    e = D(p.get("label-smoothing", "0"))
    return -(1 - e) * log_sigmoid(z) - e * log_sigmoid(-z)


def nll(groups, p, f):
    return {"nll_loss": sum(-g[0]["logp"] / g[0]["n"] for g in groups) / len(groups)}


def dpo(s, p):
    if p.get("reference-free") == "yes":
        return smoothed(D(p.get("beta", "0.1")) * (s[0]["logp"] - s[1]["logp"]), p)
    return smoothed(margin(s, p), p)


def robust_dpo(s, p):
    z, e = margin(s, p), D(p.get("label-smoothing", "0.1"))
    return (-(1 - e) * log_sigmoid(z) + e * log_sigmoid(-z)) / (1 - 2 * e)


def ipo(s, p):
    a, b = ratios(s)
    h = a - b if p.get("log-ratio") == "sum" else a / s[0]["n"] - b / s[1]["n"]
    return (h - 1 / (2 * D(p.get("beta", "0.1")))) ** 2


GPO = {
    "logistic": lambda z: (1 + (-z).exp()).ln(),
    "hinge": lambda z: max(D(0), 1 - z),
    "squared": lambda z: (z - 1) ** 2,
    "exponential": lambda z: (-z).exp(),
    "truncated-quadratic": lambda z: max(D(0), 1 - z) ** 2,
    "savage": lambda z: 1 / (1 + z.exp()) ** 2,
}


def gpo(s, p):
    return GPO[p.get("function", "truncated-quadratic")](margin(s, p))


def slic(s, p):
    delta, weight = D(p.get("delta", "1")), D(p.get("lambda", "0.1"))
    return max(D(0), delta - s[0]["logp"] + s[1]["logp"]) - weight * s[0]["logp"]


def dpop(s, p):
    beta, weight = D(p.get("beta", "0.3")), D(p.get("lambda", "50"))
    a, b = ratios(s)
    return -log_sigmoid(beta * (a - b - weight * max(D(0), -a)))


def chosen_lost(groups, p, f):
    return {"chosen_lost": sum(max(D(0), -ratios(g)[0]) for g in groups) / len(groups)}


def rpo(s, p):
    eta = D(p.get("eta", "0.005"))
    imitation = -eta * means(s)[0] if p.get("sft") == "mean" else -eta * D(p.get("beta", "0.1")) * s[0]["logp"]
    return -log_sigmoid(margin(s, p)) + imitation


def r_dpo(s, p):
    alpha = D(p.get("alpha", "0.05")) * (-1 if p.get("length-sign") == "minus" else 1)
    return -log_sigmoid(margin(s, p) + alpha * (s[0]["n"] - s[1]["n"]))


def length_difference(groups, p, f):
    return {"length_difference": sum(g[0]["n"] - g[1]["n"] for g in groups) / len(groups)}


def simpo(s, p):
    beta = D(p.get("beta", "2.5"))
    gamma = beta * D(p.get("gamma-beta-ratio", "0.55"))
    a, b = means(s)
    return -log_sigmoid(beta * a - beta * b - gamma)


def log_odds(mean):
    return (mean.exp() / (1 - mean.exp())).ln()


def orpo(s, p):
    a, b = means(s)
    return -a - D(p.get("lambda", "0.1")) * log_sigmoid(log_odds(a) - log_odds(b))


def orpo_metrics(groups, p, f):
    zs = [log_odds(means(g)[0]) - log_odds(means(g)[1]) for g in groups]
    return {**nll(groups, p, f), "log_odds_ratio": sum(log_sigmoid(z) for z in zs) / len(zs),
            "log_odds_chosen": sum(zs) / len(zs)}


def cpo(s, p):
    z = D(p.get("beta", "0.1")) * (s[0]["logp"] - s[1]["logp"])
    return smoothed(z, p) - D(p.get("alpha", "1")) * means(s)[0]


# f'(u) of u = pi / ref, with all its constants, as the paper's table has it.
F_DPO = {
    "reverse-kl": lambda u, alpha: u.ln() + 1,
    "forward-kl": lambda u, alpha: -1 / u,
    "js": lambda u, alpha: (2 * u / (1 + u)).ln(),
    "alpha": lambda u, alpha: (1 - (-alpha * u.ln()).exp()) / alpha,
}


def f_dpo(s, p):
    slope, alpha = F_DPO[p.get("divergence", "js")], D(p.get("alpha", "0.5"))
    a, b = ratios(s)
    return -log_sigmoid(D(p.get("beta", "0.1")) * (slope(a.exp(), alpha) - slope(b.exp(), alpha)))


def exo(s, p):
    e = D(p.get("label-smoothing", "0.001"))
    q = sigmoid(margin(s, p, "0.5"))
    return q * (q / (1 - e)).ln() + (1 - q) * ((1 - q) / e).ln()


def rewards(s, p, beta="0.1"):
    a, b = ratios(s)
    return D(p.get("beta", beta)) * a, D(p.get("beta", beta)) * b


def nca_pair(s, p):
    w, l = rewards(s, p, "0.01")
    return -log_sigmoid(w) - log_sigmoid(-w) / 2 - log_sigmoid(-l) / 2


def bco_pair(s, p):
    w, l = rewards(s, p)
    return -log_sigmoid(w) - log_sigmoid(-l)


def sppo_hard(s, p):
    a, b = ratios(s)
    target = 1 / (2 * D(p.get("beta", "0.001")))
    return (a - target) ** 2 + (b + target) ** 2


def apo_zero(s, p):
    w, l = rewards(s, p)
    return 1 - sigmoid(w) + sigmoid(l)


def apo_down(s, p):
    w, l = rewards(s, p)
    return sigmoid(w) + 1 - sigmoid(w - l)


def discopop(s, p):
    z = margin(s, p, "0.05")
    m = sigmoid(z / D(p.get("tau", "0.05")))
    return (1 - m) * (1 + (-z).exp()).ln() + m * (-z).exp()


def spl(s, p):
    """Entropy and cross-entropy apart; written from the two responses' preference shares, not from a margin."""
    alpha, beta = D(p.get("alpha", "0.2")), D(p.get("beta", "0.1"))
    w, l = ((alpha * y["logp"]).exp() / (beta * y["ref"]).exp() for y in s)
    return -(w / (w + l)).ln()


def dpo_norm(s, p):
    a, b = ratios(s)
    return smoothed(D(p.get("beta", "5")) * (a / s[0]["n"] - b / s[1]["n"]), p)


# One text alone is the whole batch here: n_groups is 1 and n_tokens its length.
def sft(s, p):
    reduction = p.get("reduction", "token")
    return -s[0]["logp"] / (1 if reduction == "sum" else s[0]["n"])


# A pair that is told apart by far, and one in which the model is nearly certain of every token.
FAR = [dict(logp="-41.25", ref="-62.5", n=31, label=1), dict(logp="-80", ref="-47.5", n=12, label=0)]
CERTAIN = [dict(logp="-0.03125", ref="-2", n=5, label=1), dict(logp="-0.0078125", ref="-0.5", n=4, label=0)]
ALL = one_by_one(PAIRS + [FAR, CERTAIN])
TEXTS = [[dict(logp="-12", n=6, label=1)], [dict(logp="-20.5", n=10, label=1)]]
golden = Golden()


def add(name, loss, settings, metrics=None):
    golden.add(name, each(loss), ALL, settings, metrics=metrics)


golden.add("sft", each(sft), one_by_one(TEXTS), [{}, {"reduction": "sequence"}, {"reduction": "sum"}])
add("dpo", dpo, [{}, {"beta": "0.5"}, {"label-smoothing": "0.1"}, {"reference-free": "yes"},
                 {"beta": "0.02", "label-smoothing": "0.25", "reference-free": "yes"}])
add("robust-dpo", robust_dpo, [{}, {"beta": "0.5", "label-smoothing": "0.3"}])
add("ipo", ipo, [{}, {"log-ratio": "sum"}, {"beta": "0.5", "log-ratio": "mean"}])
add("gpo", gpo,
    [{}] + [{"function": f} for f in GPO] + [{"beta": "1", "function": "savage"},
                                             {"beta": "0.3", "function": "exponential"}])
add("slic", slic, [{}, {"delta": "4", "lambda": "0.5"}], nll)
add("dpop", dpop, [{}, {"beta": "0.1", "lambda": "5"}], chosen_lost)
add("rpo", rpo, [{}, {"sft": "mean", "eta": "0.2", "beta": "0.5"}], nll)
add("r-dpo", r_dpo, [{}, {"length-sign": "minus"}, {"alpha": "0.5", "beta": "0.05"}], length_difference)
add("simpo", simpo, [{}, {"beta": "2", "gamma-beta-ratio": "0.8"}])
add("orpo", orpo, [{}, {"lambda": "1"}], orpo_metrics)
add("cpo", cpo, [{}, {"alpha": "0.25", "beta": "0.3", "label-smoothing": "0.1"}], nll)
add("f-dpo", f_dpo, [{}] + [{"divergence": d} for d in F_DPO] + [{"divergence": "alpha", "alpha": "0.2", "beta": "0.3"}])
add("exo", exo, [{}, {"beta": "0.1", "label-smoothing": "0.05"}, {"beta": "0.1"}])
add("nca-pair", nca_pair, [{}, {"beta": "0.1"}])
add("bco-pair", bco_pair, [{}, {"beta": "0.5"}])
add("sppo-hard", sppo_hard, [{}, {"beta": "0.1"}])
add("apo-zero", apo_zero, [{}, {"beta": "0.5"}])
add("apo-down", apo_down, [{}, {"beta": "0.5"}])
def online_dpo(s, p):
    if p.get("pair-loss") == "ipo":
        a, b = ratios(s)
        return (a - b - 1 / (2 * D(p.get("beta", "0.1")))) ** 2
    return -log_sigmoid(margin(s, p))


add("online-dpo", online_dpo, [{}, {"beta": "0.5", "pair-loss": "ipo"}])
golden.add("best-of-n", each(lambda s, p: -s[0]["logp"] / s[0]["n"]),
           [[[dict(logp="-12", n=6, label=1)], [dict(logp="-3.5", n=2, label=1)]]], [{}])


# ---- self-play: ref is log pi_t (inpo: the mean of it and of the reference), label how often an answer wins ----

def sppo(s, p):
    return sum((x["logp"] - x["ref"] - (x["label"] - D("0.5")) / D(p.get("beta", "0.001"))) ** 2 / 2 for x in s)


def dno(s, p):
    eta, pairs = D(p.get("eta", "0.1")), [(i, k) for i in range(len(s)) for k in range(i + 1, len(s))]
    loss = D(0)
    for i, k in pairs:
        z = eta * (s[i]["logp"] - s[i]["ref"] - s[k]["logp"] + s[k]["ref"])
        loss -= sigmoid(s[i]["label"] - s[k]["label"]) * log_sigmoid(z) + sigmoid(s[k]["label"] - s[i]["label"]) * log_sigmoid(-z)
    return loss / len(pairs)


def inpo(s, p):
    a, b = ratios(s)
    return (a - b - 1 / (2 * D(p.get("eta", "0.0075")))) ** 2


def nash(groups, p, f):
    """f: what each answer is worth, held."""
    return [sum(-w * x["logp"] for w, x in zip(ws, g)) / len(g) for ws, g in zip(f, groups)]


def nash_worth(groups, p):
    return [[x["label"] - D(p.get("tau", "0.1")) * (x["logp"] - x["ref"]) for x in g] for g in groups]


def xpo(s, p):
    """The policy's answer and the reference's, whichever won."""
    w, l = (0, 1) if s[0]["label"] > s[1]["label"] else (1, 0)
    z = D(p.get("beta", "0.1")) * (s[w]["logp"] - s[w]["ref"] - s[l]["logp"] + s[l]["ref"])
    return -log_sigmoid(z) + D(p.get("alpha", "1e-5")) * s[1]["logp"]


def in_twos(loss):
    """The mean over pairs that stand one after the other."""
    return lambda s, p: sum(loss(s[i:i + 2], p) for i in range(0, len(s), 2)) * 2 / len(s)


def rso(s, p):
    gamma, kind = D(p.get("gamma", "0.05")), p.get("pair-loss", "sigmoid-norm")
    a, b = ratios(s)
    z = gamma * (s[0]["logp"] - s[1]["logp"] if kind == "hinge" else a - b)
    return -log_sigmoid(z) if kind == "sigmoid-norm" else max(D(0), 1 - z)


def said(*answers):
    return [dict(logp=x, ref=r, n=n, label=l) for x, r, n, l in answers]


WON = [[said(("-12", "-13", 6, "0.8125"), ("-15", "-14", 8, "0.25"))],
       [said(("-20.5", "-18", 9, "0.625"), ("-3", "-3", 2, "0.375"))]]
THREE = [[said(("-12", "-13", 6, "0.75"), ("-15", "-14", 8, "0.125"), ("-9.5", "-11", 5, "0.625"))]]
BEAT = [[said(("-12", "-13", 6, "0.25"))], [said(("-20.5", "-18", 9, "-0.375"), ("-3", "-3.5", 2, "0.125"))]]
LOST = [[said(("-12", "-13", 6, "0"), ("-15", "-14", 8, "1"))]]
TWO_PAIRS = [[said(("-12", "-13", 6, "1"), ("-15", "-14", 8, "0"), ("-20.5", "-18", 9, "1"), ("-3", "-3.5", 2, "0"))]]

golden.add("sppo", each(sppo), WON, [{}, {"beta": "0.5"}])
golden.add("dno", each(dno), WON + THREE, [{}, {"eta": "0.5"}])
golden.add("inpo", each(inpo), ALL, [{}, {"eta": "0.25", "tau": "0.125"}])
golden.add("nash-md", nash, BEAT, [{}, {"tau": "0.5"}, {"tau": "0"}], frozen=nash_worth)
golden.add("xpo", each(in_twos(xpo)), WON + LOST + TWO_PAIRS, [{}, {"alpha": "0.25", "beta": "0.5"}])
golden.add("rso", each(in_twos(rso)), ALL + TWO_PAIRS,
           [{}, {"gamma": "0.375", "pair-loss": "hinge-norm"}, {"gamma": "0.25", "pair-loss": "hinge"}])
golden.add("slic-rank", each(in_twos(slic)), ALL + TWO_PAIRS, [{}, {"delta": "4", "lambda": "0.5"}])
add("discopop", discopop, [{}, {"beta": "0.1", "tau": "0.5"}])
add("dpo-norm", dpo_norm, [{}, {"beta": "2", "label-smoothing": "0.1"}])
add("spl", spl, [{}, {"alpha": "1", "beta": "0"}, {"alpha": "1", "beta": "1"}, {"alpha": "0.05", "beta": "0.3"}])
golden.print()
