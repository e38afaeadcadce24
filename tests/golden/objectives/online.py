#!/usr/bin/env python3
"""python3 tests/golden/objectives/online.py > tests/golden/objectives/online.json

Objectives that learn from the policy's own answers. A response is a score and its tokens' numbers; a row has the advantages
and returns that follow, the loss of each group with these held, its derivatives by each token's log-probability and value, what is measured, and
what the objective remembers. Nearly all numbers are multiples of 1/64, so that they are the same in single precision."""
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
            A = [sum(((gamma * lam) ** (s - t) if s > t else 1) * delta[s] for s in range(t, n)) for t in range(n)]
            adv[-1].append(A)
            ret[-1].append([x + y for x, y in zip(A, v)])
    if get(p, "whiten", "yes") == "yes":
        flat = [x for g in adv for a in g for x in a]
        m, sd = sum(flat) / len(flat), (variance(flat) + D("1e-8")).sqrt()
        adv = [[[(x - m) / sd for x in a] for a in g] for g in adv]
    return adv, ret, rew


def rewards_of(groups, p, kind, beta):
    return [[rewards(kind, beta, p, a) for a in g] for g in groups]


def spread(groups, totals):
    return [[[t] * len(a["old_logp"]) for a, t in zip(g, ts)] for g, ts in zip(groups, totals)]


def total(kind, beta, p, a):
    return sum(rewards(kind, beta, p, a))


def leave_one_out(groups, p, kind, beta):
    out = []
    for g in groups:
        R = [total(kind, beta, p, a) for a in g]
        out.append([R[i] - sum(R[j] for j in range(len(R)) if j != i) / (len(R) - 1) for i in range(len(R))])
    return spread(groups, out), None, rewards_of(groups, p, kind, beta)


def group_relative(groups, p, scale):
    scores = [[a["score"] for a in g] for g in groups]
    flat = [s for g in scores for s in g]
    out = []
    for g in scores:
        m = sum(g) / len(g)
        d = {"group": variance(g).sqrt() + D("1e-4"), "batch": variance(flat).sqrt() + D("1e-4"), "none": D(1)}[scale]
        out.append([(s - m) / d for s in g])
    return spread(groups, out), None, rewards_of(groups, p, "none", D(0))


# ---- losses of groups ----

def clip(x, lo, hi):
    return min(max(x, lo), hi)


def surrogate(rho, A, lo, hi):
    return max(-A * rho, -A * clip(rho, 1 - lo, 1 + hi))


def n_tokens(groups):
    return sum(len(a["logp"]) for g in groups for a in g)


def weights(p, a):
    """What each token counts: the trainer's probability of it over the sampler's, of itself or of the whole answer, held or left out beyond
    the cap. Of an answer that has one ratio alone, corrected by tokens, they are the mean of its tokens' (as TRL's GSPO has it)."""
    by, cap = get(p, "is-correction", "none"), D(get(p, "is-cap", "2"))
    n = len(a["old_logp"])
    if by == "none":
        return [D(1)] * n
    ratios = [(o - q).exp() for o, q in zip(a["old_logp"], a["sampler_logp"])]
    if by == "sequence":
        whole = D(1)
        for r in ratios:
            whole *= r
        ratios = [whole] * n
    return [r if r <= cap else D(0) if get(p, "is-mode", "truncate") == "mask" else cap for r in ratios]


def average(xs):
    return sum(xs) / len(xs)


def token_loss(groups, adv, lo, hi, p={}):
    out = []
    for g, ag in zip(groups, adv):
        out.append(sum(w * surrogate((x - o).exp(), A, lo, hi) for a, aa in zip(g, ag)
                       for x, o, A, w in zip(a["logp"], a["old_logp"], aa, weights(p, a))) * len(groups) / n_tokens(groups))
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


def answer_loss(groups, adv, lo, hi, p={}):
    return [sum(average(weights(p, a)) * surrogate((sum(a["logp"]) - sum(a["old_logp"])).exp(), aa[0], lo, hi) for a,
                aa in zip(g, ag)) / len(g)
            for g, ag in zip(groups, adv)]


def both(a, b):
    return [x + y for x, y in zip(a, b)]


def actor_critic(groups, adv, ret, p, longest):
    return both(token_loss(groups, adv, *clips(p), p), value_loss(groups, ret, p))


def by_answers(groups, adv, ret, p, longest):
    return answer_loss(groups, adv, *clips(p), p)


def reinforce_loss(groups, adv, ret, p, longest):
    return [sum(-aa[0] * sum(w * x for w, x in zip(weights(p, a), a["logp"])) for a, aa in zip(g, ag)) / len(g) for g,
            ag in zip(groups, adv)]


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
                of_answer = average(weights(p, a))
                for x, o, r, A, of_token in zip(a["logp"], a["old_logp"], a["reference"], aa, weights(p, a)):
                    c = of_answer if sequence else of_token
                    rho = whole if sequence else (x - o).exp()
                    if get(p, "clipping", "ratio") == "weight":
                        # the gradient of -min(rho, 1 + high) A log pi with the weight held: an antiderivative of it
                        top = 1 + hi
                        s += c * w * (-A * rho if rho <= top else -A * top * (1 + (rho / top).ln()))
                    else:
                        s += c * w * surrogate(rho, A, lo, hi)
                    s += w * beta * ((r - x).exp() - 1 - (r - x))
            out.append(s)
        return out
    return loss


# ---- what is measured ----

def moves(groups, adv, of):
    """Of each group (log of a ratio, advantage): of its tokens, or of its answers."""
    out = []
    for g, ag in zip(groups, adv):
        out.append([])
        for a, aa in zip(g, ag):
            m = [x - o for x, o in zip(a["logp"], a["old_logp"])]
            out[-1] += list(zip(m, aa)) if of == "token" else [(sum(m) / (len(m) if of == "mean" else 1), aa[0])]
    return out


def measures(groups, adv, of, policy, lo=None, hi=None, clipping="ratio"):
    """lo None: nothing is bounded. A mean over answers is one of each group's mean. The effective sample size is that of
    the whole batch."""
    m = moves(groups, adv, of)
    flat = [x for g in m for x in g]

    def mean(f):
        if of == "token":
            return sum(f(*x) for x in flat) / len(flat)
        return sum(sum(f(*x) for x in g) / len(g) for g in m) / len(m)

    def low(x, A):
        return D(lo is not None and clipping == "ratio" and A < 0 and x.exp() < 1 - lo)

    def high(x, A):
        return D(lo is not None and (A > 0 or clipping == "weight") and x.exp() > 1 + hi)

    rho = [[x.exp() for x, A in g] for g in m]
    return {"loss/policy_avg": sum(policy) / len(groups), "policy/approxkl_avg": mean(lambda x, A: x * x / 2),
            "clip_ratio/low_mean": mean(low), "clip_ratio/high_mean": mean(high), "ratio/mean": mean(lambda x, A: x.exp()),
            "ratio/min": min(x for g in rho for x in g), "ratio/max": max(x for g in rho for x in g),
            "ratio/ess": mean(lambda x, A: x.exp()) ** 2 / mean(lambda x, A: (2 * x).exp())}


def value_measures(groups, ret, p):
    c, n = D(get(p, "value-clip", "0.2")), D(0)
    for g, rg in zip(groups, ret):
        for a, r in zip(g, rg):
            n += sum((clip(v, old - c, old + c) - R) ** 2 > (v - R) ** 2 for v, old,
                     R in zip(a["value"], a["old_value"], r)) if c > 0 else 0
    return {"loss/value_avg": sum(value_loss(groups, ret, dict(p, **{"vf-coef": "1"}))) / len(groups),
            "val/clipfrac_avg": n / n_tokens(groups)}


def actor_critic_measures(groups, adv, ret, p, longest):
    return measures(groups, adv, "token", token_loss(groups, adv, *clips(p), p), *clips(p)) | value_measures(groups, ret, p)


def answer_measures(groups, adv, ret, p, longest):
    return measures(groups, adv, "answer", answer_loss(groups, adv, *clips(p), p), *clips(p))


def pm_measures(groups, adv, ret, p, longest):
    if ret:
        return actor_critic_measures(groups, adv, ret, p, longest)
    return answer_measures(groups, adv, ret, p, longest) | {"loss/value_avg": D(0), "val/clipfrac_avg": D(0)}


def plain_measures(groups, adv, ret, p, longest):
    return measures(groups, adv, "token", reinforce_loss(groups, adv, ret, p, longest))


def plus_measures(groups, adv, ret, p, longest):
    return measures(groups, adv, "token", token_loss(groups, adv, *clips(p), p), *clips(p))


def grpo_measures(defaults, sequence=False):
    def f(groups, adv, ret, p, longest):
        lo, hi = D(get(p, "clip-low", defaults["low"])), D(get(p, "clip-high", defaults["high"]))
        policy = grpo_loss(defaults, sequence)(groups, adv, ret, dict(p, beta="0"), longest)
        return measures(groups, adv, "mean" if sequence else "token", policy, lo, hi, get(p, "clipping", "ratio"))
    return f


# ---- what is remembered ----

def ppo_state(groups, p, state):
    """Ziegler et al. 2019, section 2.2; then the beta of this batch."""
    beta, target = D(get(p, "beta", "0.05")) * (1 + state[0]), D(get(p, "kl-target", "0"))
    answers = [a for g in groups for a in g]
    kl = sum(sum(a["old_logp"]) - sum(a["reference"]) for a in answers) / len(answers)
    factor = D(1)
    if target > 0:
        factor += clip(kl / target - 1, D("-0.2"), D("0.2")) * len(answers) / D(get(p, "kl-horizon", "10000"))
    return [(1 + state[0]) * factor - 1, beta]


def reinforce_state(groups, p, state):
    R = [total("kl", D(get(p, "beta", "0.05")), p, a) for g in groups for a in g]
    mean = sum(R) / len(R)
    return [mean if state[1] == 0 else D("0.9") * state[0] + D("0.1") * mean, state[1] + 1]


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
    return spread(groups, out), None, rewards_of(groups, p, "kl", D(get(p, "beta", "0.05")))


def reinforce_pp(groups, p, state):
    beta = D(get(p, "beta", "0.01"))
    adv, rew = [], []
    for g in groups:
        m = sum(a["score"] for a in g) / len(g) if get(p, "group-baseline", "no") == "yes" else D(0)
        adv.append([])
        rew.append([])
        for a in g:
            r = rewards("kl", beta, p, a)
            adv[-1].append([sum(r[t:]) - m for t in range(len(r))])
            rew[-1].append(r)
    flat = [x for g in adv for a in g for x in a]
    mean, sd = sum(flat) / len(flat), (variance(flat) + D("1e-8")).sqrt()
    return [[[(x - mean) / sd for x in a] for a in g] for g in adv], None, rew


def plus_loss(groups, adv, ret, p, longest):
    return token_loss(groups, adv, *clips(p), p)


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
     answer("-1", ["-0.875", "-1.125", "-4"], ["0.5", "-0.625", "0.03125"], ["-1.125", "-0.875", "-1"],
            ["-0.5", "-0.75", "-1"],
            ["-0.625", "-0.25", "-1.125"])],
]
# On-policy: nothing has moved. The known advantages of RLOO and GRPO: scores 1, 0, 0, 2.
STILL = [[answer(s, ["-0.5", "-1"], ["0", "0"], ["-0.75", "-0.5"], ["0", "0"], ["0", "0"]) for s in ("1", "0", "0", "2")]]
# Groups of two sizes, ratios beyond the bounds on both sides.
UNEQUAL = [
    [answer("1", ["-1", "-0.5"], ["0.5", "-0.5"], ["-1.5", "-0.25"], ["0.5", "1"], ["0", "1.5"]),
     answer("-0.5", ["-2", "-1.5", "-0.25", "-3", "-1"], ["0.125", "-0.75", "-0.0625", "1", "0.25"],
            ["-1", "-1", "-0.5", "-2", "-4"],
            ["0", "-0.5", "-1", "-0.75", "-0.25"], ["0.5", "-0.625", "-2", "-0.875", "0.125"])],
    [answer("0.5", ["-0.75"], ["-0.375"], ["-0.5"], ["-1"], ["-0.9375"]),
     answer("0.5", ["-1.25", "-2.5", "-0.5"], ["0.25", "0.125", "-0.25"], ["-2", "-1.5", "-0.125"], ["1", "0.25", "0"],
            ["0.5", "0.3125", "0.5"]),
     answer("3", ["-4", "-0.25"], ["1.5", "0.125"], ["-2", "-0.5"], ["1", "2"], ["1.125", "3"]),
     answer("-2", ["-0.5", "-0.125"], ["-1", "-0.0625"], ["-0.25", "-0.75"], ["-0.5", "-1"], ["-0.75", "-0.5"])],
]
# One answer whose rewards (beta 1) are -0.1, 0.05 and 1.
EXPECTED = [[answer("1", ["-0.4", "-0.55", "-1"], ["0", "0", "0"], ["-0.5", "-0.5", "-1"], ["0.2", "0.3", "0.5"],
                    ["0.2", "0.3", "0.5"])]]
# And one whose first and last token are natural (alpha 0.3), with one that is the same throughout.
NATURAL = [[answer("5", ["-0.5", "-2", "-1"], ["0", "0", "0"], ["-0.4", "-3", "-0.2"], ["0", "0", "0"],
                   ["0", "0", "0"]) for _ in range(2)]]


def sampled_otherwise(groups):
    """The same, drawn with other arithmetic: ratios from 3/8 to 4, of answers on both sides of the cap."""
    away, out, k = ["0.125", "-0.5", "1.375", "-0.0625", "0", "0.75", "-1", "0.25", "-0.25"], [], 0
    for g in groups:
        out.append([])
        for a in g:
            n = len(a["old_logp"])
            out[-1].append(dict(a, sampler_logp=[o - D(away[(k + t) % len(away)]) for t, o in enumerate(a["old_logp"])]))
            k += n
    return out


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


def nothing(groups, p, state):
    return []


def add(name, judge, loss, measured, settings, batches=(BATCH, STILL, UNEQUAL), state=None, longest=0,
        remembered=nothing, known=None):
    """known: what must come out, from elsewhere: advantages, returns or rewards of the first group's first answer, or of its answers'
    first tokens."""
    for p in settings:
        for groups in batches:
            before = [D(x) for x in (state or ["0", "0"])]
            adv, ret, rew = judge(groups, p, before)
            row = {"objective": name, "settings": p,
                   "groups": [[{k: floats(v) for k, v in a.items()} for a in g] for g in groups]}
            if state:
                row["state"] = [float(x) for x in state]
            if longest:
                row["longest"] = longest
            row["reward"], row["advantage"] = floats(rew), floats(adv)
            if ret:
                row["return"] = floats(ret)
            row["loss"] = floats(loss(groups, adv, ret, p, longest))
            row["d_logp"] = slopes(loss, groups, adv, ret, p, longest, "logp")
            if ret:
                row["d_value"] = slopes(loss, groups, adv, ret, p, longest, "value")
            after = remembered(groups, p, before)
            row["metrics"] = {k: float(v) for k, v in measured(groups, adv, ret, p, longest).items()}
            if name in ("ppo", "ppo-ptx"):
                row["metrics"]["kl_coef"] = float(after[1])
            row["state_after"] = floats(after)
            for key, numbers in (known or {}).items():
                have = [a[0] for a in row[key][0]] if len(row[key][0]) == len(numbers) else row[key][0][0]
                assert all(abs(x - y) < 1e-8 for x, y in zip(have, numbers)), (name, key, have, numbers)
            rows.append(row)


def add_ppo(settings, **more):
    add("ppo", ppo, actor_critic, actor_critic_measures, settings, remembered=ppo_state, **more)


def add_ptx(settings):
    """The loss of the answers: that of the texts beside them is sft's, and added by the trainer."""
    add("ppo-ptx", ppo, actor_critic, actor_critic_measures, settings, remembered=ppo_state)


def add_pm(name, kind, settings, **more):
    add(name, pm(kind), pm_loss, pm_measures, settings, **more)


def add_reinforce(settings, **more):
    add("reinforce", reinforce, reinforce_loss, plain_measures, settings, remembered=reinforce_state, **more)


def add_relative(name, scale, defaults, settings, sequence=False, **more):
    add(name, relative(scale), grpo_loss(defaults, sequence), grpo_measures(defaults, sequence), settings, **more)


add_ppo([{}, {"beta": "0.5", "whiten": "no"}, {"gamma": "0.9", "lambda": "0.5", "whiten-rewards": "yes"},
         {"clip-high": "0.28", "value-clip": "0", "vf-coef": "0.5", "lambda": "1"}, {"beta": "0", "lambda": "0"}])
add_ppo([{"kl-target": "2", "whiten": "no"}, {"kl-target": "0.5", "kl-horizon": "60"},
         {"kl-target": "0.0625", "kl-horizon": "60"}], state=["0.5"])
add_ppo([{"beta": "1", "whiten": "no"}], batches=(EXPECTED,),
        known={"reward": [-0.1, 0.05, 1], "advantage": [0.68875, 0.725, 0.5], "return": [0.88875, 1.025, 1]})
add_ptx([{}, {"beta": "0.5", "whiten": "no", "ptx-coef": "0.5"}])
for n, k in (("pm-rlhf", "entropy"), ("conditional-pm-rlhf", "conditional")):
    add_pm(n, k, [{}, {"beta": "1"}, {"estimator": "gae", "whiten": "no"}, {"estimator": "gae", "beta": "0.5"}])
add_pm("conditional-pm-rlhf", "conditional",
       [{"alpha": "1", "beta": "1"}, {"alpha": "0.05"}, {"alpha": "0.05", "estimator": "gae"},
                                              {"alpha": "0"}])
add_pm("conditional-pm-rlhf", "conditional", [{"alpha": "0.3"}], batches=(NATURAL,), known={"reward": [0.05, -0.1, 5.1]})
add_pm("conditional-pm-rlhf", "conditional", [{"alpha": "1"}], batches=(NATURAL,), known={"reward": [0.01, -0.1, 5.08]})
RLOO = ("rloo", rloo, by_answers, answer_measures)
add(*RLOO, [{}, {"beta": "1", "clip-low": "0.05", "clip-high": "0.5"}])
add(*RLOO, [{"beta": "0"}], batches=(STILL,), known={"advantage": [1 / 3, -1, -1, 5 / 3]})
add_reinforce([{}, {"baseline": "batch"}, {"baseline": "prompt", "beta": "0.5"}, {"baseline": "none"}])
add_reinforce([{}, {"baseline": "batch"}], state=["0.375", "3"])
add("reinforce-pp", reinforce_pp, plus_loss, plus_measures,
    [{}, {"group-baseline": "yes", "beta": "0.5"}, {"beta": "0", "clip-high": "0.05"}])
add_relative("grpo", "group", GRPO, [{}, {"scale-rewards": "batch", "loss-mean": "tokens", "clip-high": "0.28"},
                                     {"scale-rewards": "none", "beta": "0.5"}, {"clipping": "weight", "clip-high": "0.1"}])
add_relative("grpo", "group", GRPO, [{"beta": "0"}], batches=(STILL,),
             known={"advantage": [0.26108921, -0.78326764, -0.78326764, 1.30544607]})
add_relative("grpo", "group", GRPO, [{"loss-mean": "longest"}], longest=8)
add_relative("dr-grpo", "none", DR, [{}, {"beta": "0.25"}], longest=8)
add_relative("gspo", "group", GSPO, [{}, {"clip-low": "0.5", "clip-high": "0.5"}, {"loss-mean": "tokens", "beta": "0.1"},
                                     {"clipping": "weight", "clip-high": "0.0625"}], sequence=True)
# Sampled with other arithmetic than the trainer's.
AWAY = (sampled_otherwise(BATCH), sampled_otherwise(UNEQUAL))
CORRECTED = [{"is-correction": by, "is-mode": mode} for by in ("token", "sequence") for mode in ("truncate", "mask")]
add_ppo(CORRECTED[:1], batches=AWAY)
add(*RLOO, CORRECTED, batches=AWAY)
add_reinforce(CORRECTED[1:3], batches=AWAY)
add_relative("grpo", "group", GRPO,
             CORRECTED + [{"is-correction": "token", "is-cap": "1.25", "clipping": "weight", "clip-high": "0.1"}],
             batches=AWAY)
add_relative("gspo", "group", GSPO, CORRECTED[:3], sequence=True, batches=AWAY)
print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
