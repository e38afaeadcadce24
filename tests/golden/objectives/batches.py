#!/usr/bin/env python3
"""python3 tests/golden/objectives/batches.py > tests/golden/objectives/batches.json

Objectives that look at the whole batch. Their losses here take the whole batch as well, ranks and all, so that the
derivatives show whether it is right to hold what other groups say constant."""
from common import D, Golden, PAIRS, log_sigmoid


def smoothed(z, p):
    e = D(p.get("label-smoothing", "0"))
    return -(1 - e) * log_sigmoid(z) - e * log_sigmoid(-z)


def aot(groups, p, f):
    """Each loss stands with the group whose difference under the policy it holds."""
    n, beta = range(len(groups)), D(p.get("beta", "0.01"))
    policy, reference = ([g[0][key] - g[1][key] for g in groups] for key in ("logp", "ref"))
    order = sorted(n, key=lambda g: policy[g])
    losses = [smoothed(beta * (policy[g] - sorted(reference)[rank]), p) for rank, g in enumerate(order)]
    return [losses[order.index(g)] for g in n]


def aot_unpaired(groups, p, f):
    """A couple's loss belongs to the chosen and to the rejected response's group, less the mean so that it counts once."""
    n, beta = range(len(groups)), D(p.get("beta", "0.01"))
    chosen, rejected = ([g[i]["logp"] - g[i]["ref"] for g in groups] for i in (0, 1))
    losses = [smoothed(beta * (a - b), p) for a, b in zip(sorted(chosen), sorted(rejected))]
    mean = sum(losses) / len(losses)
    return [losses[sorted(chosen).index(chosen[g])] + losses[sorted(rejected).index(rejected[g])] - mean for g in n]


# ---- beta-DPO ----

def philox(seed, stream, index):
    """Philox4x32-10 of Salmon et al. 2011."""
    c = [index & 0xFFFFFFFF, index >> 32, stream & 0xFFFFFFFF, stream >> 32]
    k = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        x, y = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(y >> 32) ^ c[1] ^ k[0], y & 0xFFFFFFFF, (x >> 32) ^ c[3] ^ k[1], x & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def uniforms(seed, step, n):
    """Two numbers of 53 bits from each block, its words taken from the last."""
    words = [w for i in range((n + 1) // 2) for w in reversed(philox(seed, 7 << 32 | step, i))]
    return [D((high << 32 | low) >> 11) / 2 ** 53 for high, low in zip(words[::2], words[1::2])][:n]


def gaps(groups):
    return [g[0]["logp"] - g[0]["ref"] - g[1]["logp"] + g[1]["ref"] for g in groups]


STATE = (D("1.5"), D("2.25"))


def batch_of(state, seed, step):
    def frozen(groups, p):
        """Running mean and deviation, the beta of the batch, and who is kept."""
        gap, n, momentum = gaps(groups), len(groups), D(p.get("momentum", "0.9"))
        mean = sum(gap) / n
        deviation = (sum((x - mean) ** 2 for x in gap) / (n - 1)).sqrt() if n > 1 else D(0)
        m0 = momentum * state[0] + (1 - momentum) * mean
        s0 = momentum * state[1] + (1 - momentum) * deviation
        n_kept = max(1, int(n * D(p.get("keep-share", "0.8"))))
        # An exponential race: E / w, the first n_kept to arrive.
        weights = [(-((x - m0) / s0) ** 2 / 2).exp() if s0 else D(1) for x in gap]
        arrival = [-(1 - u).ln() / w for u, w in zip(uniforms(seed, step, n), weights)]
        kept = [g in sorted(range(n), key=lambda g: arrival[g])[:n_kept] for g in range(n)]
        inside = [x for x, k in zip(gap, kept) if k]
        beta = D(p.get("beta", "0.1")) * (1 + D(p.get("alpha", "0.6")) * (sum(inside) / len(inside) - m0))
        return m0, s0, max(D("0.001"), beta), kept
    return frozen


def beta_dpo(groups, p, f):
    _, _, beta, kept = f
    return [-log_sigmoid(beta * x) * len(groups) / sum(kept) if k else D(0) for x, k in zip(gaps(groups), kept)]


def beta_dpo_metrics(groups, p, f):
    return {"gap_mean": f[0], "gap_std": f[1], "beta_used": f[2], "mask_count": sum(f[3])}


MORE = [
    [dict(logp="-7.25", ref="-11.5", n=4, label=1), dict(logp="-22", ref="-19.75", n=11, label=0)],
    [dict(logp="-31", ref="-30.5", n=17, label=1), dict(logp="-16.5", ref="-16", n=9, label=0)],
    [dict(logp="-9.5", ref="-4", n=3, label=1), dict(logp="-13", ref="-15.125", n=6, label=0)],
    [dict(logp="-18.75", ref="-26", n=12, label=1), dict(logp="-40", ref="-28", n=20, label=0)],
]
BATCHES = [PAIRS, PAIRS[:1], PAIRS + MORE]
golden = Golden()
for name, loss in (("aot", aot), ("aot-unpaired", aot_unpaired)):
    golden.add(name, loss, BATCHES, [{}, {"beta": "0.1"}, {"beta": "0.5", "label-smoothing": "0.1"}])
for state, seed, step in (((D(0), D(0)), 0, 0), (STATE, 1, 1), (STATE, 77, 300)):
    golden.add("beta-dpo", beta_dpo, BATCHES,
               [{"keep-share": "1"}, {}, {"keep-share": "0.5", "alpha": "0.02", "momentum": "0.5"}],
               frozen=batch_of(state, seed, step), state=state if any(state) else None, metrics=beta_dpo_metrics,
               seed=seed, step=step)
golden.print()
