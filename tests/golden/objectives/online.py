#!/usr/bin/env python3
"""python3 tests/golden/objectives/online.py > tests/golden/objectives/online.json

Objectives that learn from the policy's own answers. A response is a score and its tokens' numbers; a row has the advantages
and returns that follow, the loss of each group with these held, and its derivatives by each token's log-probability and value. All numbers
are multiples of 1/64, so that they are the same in single precision."""
import json
from decimal import Decimal as D

from common import STEP

rows = []


def num(x):
    return D(x)


def get(p, key, default):
    return p.get(key, default)


# ---- what is earned, and what it is worth ----

def penalty(kind, p, a, t):
    logp, ref = a["old_logp"][t], a["reference"][t]
    if kind == "none":
        return D(0)
    if kind == "entropy":
        return logp
    if kind == "kl":
        return logp - ref
    alpha = D(get(p, "alpha", "0.3"))
    natural = ref.exp() > alpha
    return logp if natural else logp - ref


def rewards(kind, beta, p, a):
    r = [-beta * penalty(kind, p, a, t) for t in range(len(a["old_logp"]))]
    r[-1] += a["score"]
    return r


def variance(xs):
    m = sum(xs) / len(xs)
    return sum((x - m) ** 2 for x in xs) / (len(xs) - 1)


def gae(groups, p, kind, beta):
    gamma, lam = D(get(p, "gamma", "1")), D(get(p, "lambda", "0.95"))
    rew = [[rewards(kind, beta, p, a) for a in g] for g in groups]
    if get(p, "whiten-rewards", "no") == "yes":
        flat = [x for g in rew for a in g for x in a]
        m, sd = sum(flat) / len(flat), (variance(flat) + D("1e-8")).sqrt()
        rew = [[[(x - m) / sd + m for x in a] for a in g] for g in rew]
    adv, ret = [], []
    for g, rg in zip(groups, rew):
        adv.append([])
        ret.append([])
        for a, r in zip(g, rg):
            n, v = len(r), a["old_value"]
            delta = [r[t] + gamma * (v[t + 1] if t + 1 < n else 0) - v[t] for t in range(n)]
            A = [sum((gamma * lam) ** (s - t) * delta[s] for s in range(t, n)) for t in range(n)]
            adv[-1].append(A)
            ret[-1].append([x + y for x, y in zip(A, v)])
    if get(p, "whiten", "yes") == "yes":
        flat = [x for g in adv for a in g for x in a]
        m, sd = sum(flat) / len(flat), (variance(flat) + D("1e-8")).sqrt()
        adv = [[[(x - m) / sd for x in a] for a in g] for g in adv]
    return adv, ret


def spread(groups, totals):
    return [[[t] * len(a["old_logp"]) for a, t in zip(g, ts)] for g, ts in zip(groups, totals)]


def total(kind, beta, p, a):
    return sum(rewards(kind, beta, p, a))


def leave_one_out(groups, p, kind, beta):
    out = []
    for g in groups:
        R = [total(kind, beta, p, a) for a in g]
        out.append([R[i] - sum(R[j] for j in range(len(R)) if j != i) / (len(R) - 1) for i in range(len(R))])
    return spread(groups, out), None


def group_relative(groups, p, scale):
    scores = [[a["score"] for a in g] for g in groups]
    flat = [s for g in scores for s in g]
    out = []
    for g in scores:
        m = sum(g) / len(g)
        d = {"group": variance(g).sqrt() + D("1e-4"), "batch": variance(flat).sqrt() + D("1e-4"), "none": D(1)}[scale]
        out.append([(s - m) / d for s in g])
    return spread(groups, out), None


# ---- losses of groups ----

def clip(x, lo, hi):
    return min(max(x, lo), hi)


def surrogate(rho, A, lo, hi):
    return max(-A * rho, -A * clip(rho, 1 - lo, 1 + hi))


def n_tokens(groups):
    return sum(len(a["logp"]) for g in groups for a in g)


def token_loss(groups, adv, lo, hi):
    out = []
    for g, ag in zip(groups, adv):
        out.append(sum(surrogate((x - o).exp(), A, lo, hi) for a, aa in zip(g, ag) for x, o, A in zip(a["logp"], a["old_logp"], aa))
                   * len(groups) / n_tokens(groups))
    return out


def value_loss(groups, ret, p):
    c, coef = D(get(p, "value-clip", "0.2")), D(get(p, "vf-coef", "0.1"))
    out = []
    for g, rg in zip(groups, ret):
        s = D(0)
        for a, r in zip(g, rg):
            for v, old, R in zip(a["value"], a["old_value"], r):
                vc = clip(v, old - c, old + c) if c > 0 else v
                s += max((v - R) ** 2, (vc - R) ** 2) / 2
        out.append(coef * s * len(groups) / n_tokens(groups))
    return out


def clips(p):
    return D(get(p, "clip-low", "0.2")), D(get(p, "clip-high", "0.2"))


def answer_loss(groups, adv, lo, hi):
    return [sum(surrogate((sum(a["logp"]) - sum(a["old_logp"])).exp(), aa[0], lo, hi) for a, aa in zip(g, ag)) / len(g)
            for g, ag in zip(groups, adv)]


def both(a, b):
    return [x + y for x, y in zip(a, b)]


def actor_critic(groups, adv, ret, p, longest):
    return both(token_loss(groups, adv, *clips(p)), value_loss(groups, ret, p))


def by_answers(groups, adv, ret, p, longest):
    return answer_loss(groups, adv, *clips(p))


def reinforce_loss(groups, adv, ret, p, longest):
    return [sum(-aa[0] * sum(a["logp"]) for a, aa in zip(g, ag)) / len(g) for g, ag in zip(groups, adv)]


def grpo_loss(defaults, sequence=False):
    def loss(groups, adv, ret, p, longest):
        lo, hi = D(get(p, "clip-low", defaults["low"])), D(get(p, "clip-high", defaults["high"]))
        beta, mean = D(get(p, "beta", defaults["beta"])), get(p, "loss-mean", defaults["mean"])
        out = []
        for g, ag in zip(groups, adv):
            s = D(0)
            for a, aa in zip(g, ag):
                n = len(a["logp"])
                w = {"tokens": D(len(groups)) / n_tokens(groups), "answers": D(1) / (len(g) * n),
                     "longest": D(1) / (len(g) * (longest or n))}[mean]
                whole = ((sum(a["logp"]) - sum(a["old_logp"])) / n).exp()
                for x, o, r, A in zip(a["logp"], a["old_logp"], a["reference"], aa):
                    rho = whole if sequence else (x - o).exp()
                    if get(p, "clipping", "ratio") == "weight":
                        # the gradient of -min(rho, 1 + high) A log pi with the weight held: an antiderivative of it
                        top = 1 + hi
                        s += w * (-A * rho if rho <= top else -A * top * (1 + (rho / top).ln()))
                    else:
                        s += w * surrogate(rho, A, lo, hi)
                    s += w * beta * ((r - x).exp() - 1 - (r - x))
            out.append(s)
        return out
    return loss


# ---- the objectives ----

def ppo(groups, p, state):
    return gae(groups, p, "kl", D(get(p, "beta", "0.05")) * (1 + state[0]))


def pm(kind):
    def judge(groups, p, state):
        beta = D(get(p, "beta", "0.1"))
        return gae(groups, p, kind, beta) if get(p, "estimator", "rloo") == "gae" else leave_one_out(groups, p, kind, beta)
    return judge


def pm_loss(groups, adv, ret, p, longest):
    return actor_critic(groups, adv, ret, p, longest) if ret else by_answers(groups, adv, ret, p, longest)


def rloo(groups, p, state):
    return leave_one_out(groups, p, "kl", D(get(p, "beta", "0.05")))


def reinforce(groups, p, state):
    R = [[total("kl", D(get(p, "beta", "0.05")), p, a) for a in g] for g in groups]
    flat = [r for g in R for r in g]
    mean = sum(flat) / len(flat)
    base = get(p, "baseline", "running")
    out = []
    for g in R:
        b = {"running": state[0] if state[1] > 0 else mean, "batch": mean, "prompt": sum(g) / len(g), "none": D(0)}[base]
        out.append([r - b for r in g])
    return spread(groups, out), None


def reinforce_pp(groups, p, state):
    beta = D(get(p, "beta", "0.01"))
    adv = []
    for g in groups:
        m = sum(a["score"] for a in g) / len(g) if get(p, "group-baseline", "no") == "yes" else D(0)
        adv.append([])
        for a in g:
            r = rewards("kl", beta, p, a)
            r[-1] -= m
            adv[-1].append([sum(r[t:]) for t in range(len(r))])
    flat = [x for g in adv for a in g for x in a]
    mean, sd = sum(flat) / len(flat), (variance(flat) + D("1e-8")).sqrt()
    return [[[(x - mean) / sd for x in a] for a in g] for g in adv], None


def plus_loss(groups, adv, ret, p, longest):
    return token_loss(groups, adv, *clips(p))


GRPO = dict(low="0.2", high="0.2", beta="0.04", mean="answers")
DR = dict(low="0.2", high="0.2", beta="0", mean="longest")
GSPO = dict(low="3e-4", high="4e-4", beta="0", mean="answers")


def relative(default):
    return lambda groups, p, state: group_relative(groups, p, get(p, "scale-rewards", default))


# ---- batches ----

def answer(score, old, moved, ref, value, value_now):
    return dict(score=D(score), old_logp=[D(x) for x in old], logp=[D(x) + D(y) for x, y in zip(old, moved)],
                reference=[D(x) for x in ref], old_value=[D(x) for x in value], value=[D(x) for x in value_now])


BATCH = [
    [answer("1.5", ["-0.5", "-2", "-1"], ["0.125", "-0.25", "0.375"], ["-0.375", "-3", "-0.25"], ["0.25", "0.3125", "0.5"],
            ["0.75", "0.25", "0.53125"]),
     answer("-0.75", ["-1.25", "-0.125"], ["-0.5", "0.0625"], ["-1.5", "-0.25"], ["-0.125", "0.0625"], ["-0.5", "0.125"]),
     answer("0.25", ["-3", "-0.75", "-0.25", "-1.5"], ["0.3125", "-0.125", "0", "0.25"], ["-2.5", "-1", "-1.25", "-1.75"],
            ["0", "0.125", "0.25", "0.5"], ["0.0625", "0.5", "-0.25", "0.4375"])],
    [answer("2", ["-0.25"], ["0.0625"], ["-0.5"], ["1"], ["1.5"]),
     answer("0", ["-2.25", "-0.5"], ["-0.3125", "-0.0625"], ["-2", "-0.625"], ["0.5", "-0.25"], ["0.125", "0"]),
     answer("-1", ["-0.875", "-1.125", "-4"], ["0.5", "-0.625", "0.03125"], ["-1.125", "-0.875", "-1"], ["-0.5", "-0.75", "-1"],
            ["-0.625", "-0.25", "-1.125"])],
]
# On-policy: nothing has moved. The known advantages of RLOO and GRPO: scores 1, 0, 0, 2.
STILL = [[answer(s, ["-0.5", "-1"], ["0", "0"], ["-0.75", "-0.5"], ["0", "0"], ["0", "0"]) for s in ("1", "0", "0", "2")]]
# The known numbers of GAE: rewards -0.1, 0.05, 1 (here by a penalty of 0.1 nats times 1, ...), values 0.2, 0.3, 0.5.


def slopes(loss, groups, adv, ret, p, longest, key):
    out = []
    for g in range(len(groups)):
        out.append([])
        for i in range(len(groups[g])):
            out[-1].append([])
            for t in range(len(groups[g][i][key])):
                ends = []
                for sign in (1, -1):
                    was = groups[g][i][key][t]
                    groups[g][i][key][t] = was + sign * STEP
                    ends.append(sum(loss(groups, adv, ret, p, longest)))
                    groups[g][i][key][t] = was
                out[-1][-1].append(float((ends[0] - ends[1]) / (2 * STEP)))
    return out


def floats(x):
    return [floats(y) for y in x] if isinstance(x, list) else float(x)


def add(name, judge, loss, settings, batches=(BATCH, STILL), state=None, longest=0):
    for p in settings:
        for groups in batches:
            adv, ret = judge(groups, p, [D(x) for x in (state or ["0", "0"])])
            row = {"objective": name, "settings": p,
                   "groups": [[{k: floats(v) for k, v in a.items()} for a in g] for g in groups], "advantage": floats(adv)}
            if state:
                row["state"] = [float(x) for x in state]
            if longest:
                row["longest"] = longest
            if ret:
                row["return"] = floats(ret)
            row["loss"] = floats(loss(groups, adv, ret, p, longest))
            row["d_logp"] = slopes(loss, groups, adv, ret, p, longest, "logp")
            if ret:
                row["d_value"] = slopes(loss, groups, adv, ret, p, longest, "value")
            rows.append(row)


add("ppo", ppo, actor_critic, [{}, {"beta": "0.5", "whiten": "no"}, {"gamma": "0.9", "lambda": "0.5", "whiten-rewards": "yes"},
                               {"clip-high": "0.28", "value-clip": "0", "vf-coef": "0.5", "lambda": "1"}])
add("ppo", ppo, actor_critic, [{"kl-target": "2", "whiten": "no"}], state=["0.5"])
for n, k in (("pm-rlhf", "entropy"), ("conditional-pm-rlhf", "conditional")):
    add(n, pm(k), pm_loss, [{}, {"beta": "1"}, {"estimator": "gae", "whiten": "no"}, {"estimator": "gae", "beta": "0.5"}])
add("conditional-pm-rlhf", pm("conditional"), pm_loss, [{"alpha": "1", "beta": "1"}, {"alpha": "0.05"},
                                                        {"alpha": "0.05", "estimator": "gae"}])
add("rloo", rloo, by_answers, [{}, {"beta": "1", "clip-low": "0.05", "clip-high": "0.5"}])
add("reinforce", reinforce, reinforce_loss, [{}, {"baseline": "batch"}, {"baseline": "prompt", "beta": "0.5"}, {"baseline": "none"}])
add("reinforce", reinforce, reinforce_loss, [{}], state=["0.375", "3"])
add("reinforce-pp", reinforce_pp, plus_loss, [{}, {"group-baseline": "yes", "beta": "0.5"}])
add("grpo", relative("group"), grpo_loss(GRPO), [{}, {"scale-rewards": "batch", "loss-mean": "tokens", "clip-high": "0.28"},
                                                 {"scale-rewards": "none", "beta": "0.5"}, {"clipping": "weight", "clip-high": "0.1"}])
add("dr-grpo", relative("none"), grpo_loss(DR), [{}, {"beta": "0.25"}], longest=8)
add("gspo", relative("group"), grpo_loss(GSPO, True), [{}, {"clip-low": "0.5", "clip-high": "0.5"}])
print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
