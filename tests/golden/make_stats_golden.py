#!/usr/bin/env python3
"""Writes stats.json: statistics of judgements by SciPy, statsmodels, scikit-learn, krippendorff and irrCAC, and where these have none
by plain formulas in numpy.

    pip install "scipy>=1.17" statsmodels scikit-learn krippendorff && pip install --no-deps irrCAC
    python3 tests/golden/make_stats_golden.py > tests/golden/stats.json

Random inputs are drawn with a fixed seed and stand in the file; NaN is written as null.
"""
import json
import math
import warnings

import krippendorff
import numpy as np
import pandas as pd
import statsmodels.api as sm
from irrCAC.raw import CAC
from scipy import optimize, stats
from sklearn.metrics import cohen_kappa_score

out = {}


def plain(x):
    """Without numpy's types and NaN, for JSON."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(v) for v in x]
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        return None if math.isnan(x) else float(x)
    return x


# ---- distributions ----

out["special"] = {
    "beta": [[x, a, b, stats.beta.cdf(x, a, b)] for x, a, b in
             [(0.3, 2, 5), (0.9, 0.5, 0.5), (0.01, 30, 1), (0.5, 1000, 1010), (0.5023, 50000, 49500), (0.999, 3.5, 0.7)]],
    "density": [[k, n, p, stats.binom.pmf(k, n, p)] for k, n, p in
                [(0, 5, 0.2), (5, 5, 0.2), (3, 10, 0.5), (499, 1000, 0.5), (30, 1000, 0.01), (50123, 100000, 0.5)]],
    "normal": [[p, stats.norm.ppf(p)] for p in [1e-12, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999999]],
    "student": [[p, df, stats.t.ppf(p, df)] for p, df in
                [(0.975, 1), (0.975, 2), (0.975, 7), (0.9, 30), (0.025, 12), (0.995, 1000), (0.6, 4)]],
    "two_sided": [[t, df, 2 * stats.t.sf(abs(t), df)] for t, df in [(2, 5), (-1.3, 40), (12, 3), (0.001, 9)]],
}

# ---- counts ----

COUNTS = [(0, 1), (1, 1), (0, 10), (10, 10), (3, 10), (5, 10), (37, 55), (18, 55), (64, 128), (70, 128), (5200, 10000),
          (4999, 10000), (31, 31), (260, 500)]
out["binomial_test"] = [[k, n, p, stats.binomtest(k, n, p).pvalue] for k, n in COUNTS for p in (0.5, 0.1, 0.73)]
out["wilson"] = [[k, n, level, *stats.binomtest(k, n).proportion_ci(level, "wilson")] for k,
                 n in COUNTS for level in (0.95, 0.9)]
out["clopper_pearson"] = [[k, n, level, *stats.binomtest(k, n).proportion_ci(level, "exact")] for k, n in COUNTS
                          for level in (0.95, 0.9)]

# ---- win rates ----

MASK = (1 << 64) - 1


class Philox:
    """Philox4x32-10 (Salmon et al. 2011) as a stream of numbers below n."""

    def __init__(self, seed, stream, sub):
        self.seed, self.stream, self.index, self.left = seed, stream << 32 | sub, 0, []

    def u32(self):
        if not self.left:
            c = [self.index & 0xFFFFFFFF, self.index >> 32, self.stream & 0xFFFFFFFF, self.stream >> 32]
            k = [self.seed & 0xFFFFFFFF, self.seed >> 32]
            for _ in range(10):
                x, y = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
                c = [(y >> 32) ^ c[1] ^ k[0], y & 0xFFFFFFFF, (x >> 32) ^ c[3] ^ k[1], x & 0xFFFFFFFF]
                k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
            self.index += 1
            self.left = c
        return self.left.pop()

    def below(self, n):
        reject = (1 << 64) % n
        while True:
            x = self.u32() << 32 | self.u32()
            if x >= reject:
                return x % n


def bootstrap(share, cluster, level, draws, seed):
    ids = list(dict.fromkeys(cluster))
    sums = [share[cluster == g].sum() for g in ids]
    counts = [(cluster == g).sum() for g in ids]
    rates = []
    for i in range(draws):
        r = Philox(seed, 21, i)
        drawn = [r.below(len(ids)) for _ in ids]
        rates.append(sum(sums[g] for g in drawn) / sum(counts[g] for g in drawn))
    return np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])


def win_case(rng, n, clusters, level, lift, length_effect, ties, constant=False, spread=1.0):
    cluster = rng.integers(0, clusters, n)
    gap = np.round(rng.normal(20, 60, n)) if not constant else np.full(n, 5.0)
    z = lift + length_effect * gap / 60 + spread * rng.normal(size=clusters)[cluster]
    share = np.where(rng.random(n) < ties, 0.5, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float))
    case = dict(share=share, cluster=cluster, gap=gap, level=level)
    g = len(set(cluster.tolist()))
    # the mean by least squares on a constant, with its cluster-robust error
    ols = sm.OLS(share, np.ones(n)).fit()
    robust = ols.get_robustcov_results(cov_type="cluster", groups=cluster, use_correction=False)
    error = float(robust.bse[0]) * math.sqrt(g / (g - 1))
    rate = float(ols.params[0])
    size = rate * (1 - rate) / error**2 if error > 1e-12 else g
    t = stats.t.ppf((1 + level) / 2, g - 1)
    centre = (rate + t * t / (2 * size)) / (1 + t * t / size)
    half = t / (1 + t * t / size) * math.sqrt(rate * (1 - rate) / size + t * t / (4 * size * size))
    case.update(rate=rate, std_error=error, low=max(centre - half, 0), high=min(centre + half, 1))
    case["bootstrap"] = [400, 7, *bootstrap(share, cluster, level, 400, 7)]
    if constant or set(share.tolist()) == {1.0}:
        return case
    x = np.column_stack([np.ones(n), np.tanh(gap / np.std(gap, ddof=1))])
    glm = sm.GLM(share, x, family=sm.families.Binomial()).fit(tol=1e-14, tol_criterion="params", maxiter=200,
                                                              cov_type="cluster",
                                                             cov_kwds=dict(groups=cluster, use_correction=True))
    z = stats.norm.ppf((1 + level) / 2)
    logistic = lambda v: 1 / (1 + math.exp(-v))
    case["controlled"] = dict(intercept=glm.params[0], effect=glm.params[1], std_error=glm.bse[0],
                              effect_std_error=glm.bse[1],
                              rate=logistic(glm.params[0]), low=logistic(glm.params[0] - z * glm.bse[0]),
                              high=logistic(glm.params[0] + z * glm.bse[0]), effect_p=glm.pvalues[1])
    return case


rng = np.random.default_rng(1)
out["win_rate"] = [win_case(rng, *a) for a in
                   [(64, 64, 0.95, 0.6, 0.0, 0.15), (200, 40, 0.95, 0.3, 1.0, 0.1), (60, 12, 0.9, -1.0, 2.0, 0.0),
                    (400, 25, 0.95, 0.0, -0.7, 0.3), (9, 7, 0.95, 0.0, 0.0, 0.2), (30, 30, 0.95, 30.0, 0.0, 0.0)]]
out["win_rate"].append(win_case(rng, 40, 20, 0.95, 0.5, 0.0, 0.1, constant=True))

# ---- the sequential test ----

STAKES = np.array([0.96, 0.64, 0.427, 0.284, 0.19, 0.126, 0.084, 0.056, 0.0375, 0.025, 0.0167])


def capital(x, m):
    """The average over stakes of the capital of who bets, vote after vote, that the mean is above m."""
    money = np.ones(len(STAKES))
    for v in x:
        with np.errstate(over="ignore"):
            money = money * (1 + STAKES * (v - m) / m)
    return money.mean()


def sequence(rng, n, win, tie, alpha):
    u = rng.random(n)
    x = np.where(u < win, 1.0, np.where(u < win + tie, 0.5, 0.0))
    low, high, decided, e_max = 0.0, 1.0, 0, 1.0
    for t in range(1, n + 1):
        up = lambda m: math.log(capital(x[:t], m)) - math.log(2 / alpha)
        down = lambda m: math.log(capital(1 - x[:t], 1 - m)) - math.log(2 / alpha)
        if up(1e-9) > 0:
            low = max(low, optimize.brentq(up, 1e-9, 1 - 1e-12, xtol=1e-15, rtol=1e-14))
        if down(1 - 1e-9) > 0:
            high = min(high, optimize.brentq(down, 1e-12, 1 - 1e-9, xtol=1e-15, rtol=1e-14))
        e_max = max(e_max, capital(x[:t], 0.5), capital(1 - x[:t], 0.5))
        if not decided and e_max >= 2 / alpha:
            decided = t
    return dict(share=x, alpha=alpha, e_a=capital(x, 0.5), e_b=capital(1 - x, 0.5), e_max=e_max, decided_at=decided, low=low,
                high=high)


rng = np.random.default_rng(2)
out["sequential"] = [sequence(rng, *a) for a in
                     [(60, 0.5, 0.1, 0.05), (80, 0.8, 0.1, 0.05), (40, 0.1, 0.3, 0.01), (25, 1.0, 0.0, 0.05),
                      (30, 0.0, 1.0, 0.05)]]

# ---- agreement ----


def agreement_case(rng, units, raters, values, missing, noise):
    truth = rng.integers(0, len(values), units)
    at = np.clip(truth[:, None] + np.round(rng.normal(0, noise, (units, raters))).astype(int), 0, len(values) - 1)
    ratings = np.array(values, float)[at]
    ratings[rng.random(ratings.shape) < missing] = np.nan
    frame = pd.DataFrame(ratings, columns=[f"r{i}" for i in range(raters)])
    both = ratings[~np.isnan(ratings[:, 0]) & ~np.isnan(ratings[:, 1])]
    case = dict(ratings=ratings.ravel(), n_units=units, n_raters=raters, values=values)
    labels = [str(v) for v in values]
    name = lambda column: [labels[values.index(v)] for v in column]
    for kind, weights in (("nominal", None), ("linear", "linear"), ("quadratic", "quadratic")):
        case["kappa_" + kind] = cohen_kappa_score(name(both[:, 0]), name(both[:, 1]), labels=labels, weights=weights)
    case["percent_two"] = float(np.mean(both[:, 0] == both[:, 1]))
    shares = []
    for row in ratings:
        row = row[~np.isnan(row)]
        if len(row) > 1:
            shares.append(np.mean([row[i] == row[j] for i in range(len(row)) for j in range(len(row)) if i != j]))
    case["percent"] = np.mean(shares)
    for kind, weights in (("nominal", "identity"), ("linear", "linear"), ("quadratic", "quadratic")):
        # irrCAC rounds what it reports, so its weights and counts are taken and its formula is worked out again
        cac = CAC(frame, weights=weights, categories=values)
        w = np.array(cac.weights_mat, float)
        counts = np.array([[np.sum(row == v) for v in values] for row in ratings], float)
        total = counts.sum(1)
        seen = np.mean([c @ (w @ c - 1) / (n * (n - 1)) for c, n in zip(counts, total) if n > 1])
        share = np.mean([c / n for c, n in zip(counts, total) if n > 0], axis=0)
        chance = w.sum() / (len(values) * (len(values) - 1)) * np.sum(share * (1 - share))
        case["gwet_" + kind] = (seen - chance) / (1 - chance)
        reported = cac.gwet()["est"]["coefficient_value"]
        assert abs(reported - case["gwet_" + kind]) < 1e-4, (kind, reported, case["gwet_" + kind])
    for level in ("nominal", "ordinal", "interval"):
        case["alpha_" + level] = krippendorff.alpha(reliability_data=ratings.T, level_of_measurement=level)
    return case


warnings.simplefilter("ignore")  # of irrCAC
rng = np.random.default_rng(3)
out["agreement"] = [agreement_case(rng, *a) for a in
                    [(40, 2, [-3, -2, -1, 0, 1, 2, 3], 0.0, 1.0), (60, 4, [-3, -2, -1, 0, 1, 2, 3], 0.4, 1.2),
                     (30, 3, [-1, 0, 1], 0.2, 0.6), (25, 2, [0, 1], 0.1, 0.5), (50, 5, [-2, -1, 0, 1, 2], 0.6, 2.0)]]

# ---- correlation ----

rng = np.random.default_rng(4)
x = rng.random(30)
y = x + rng.random(30)
out["correlation"] = dict(x=x, y=y, r=stats.pearsonr(x, y).statistic)

# ---- Bradley-Terry ----


def bt_case(rng, players, n, clusters, ties, spread, level, extra=0):
    strength = rng.normal(0, spread, players)
    a = rng.integers(0, players, n)
    b = (a + rng.integers(1, players, n)) % players
    cluster = rng.integers(0, clusters, n)
    share = np.where(rng.random(n) < ties, 0.5, (rng.random(n) < 1 / (1 + np.exp(strength[b] - strength[a]))).astype(float))
    if extra:  # one who wins everything: no finite fit without the ties that hold it
        a, b = np.append(a, [players] * extra), np.append(b, rng.integers(0, players, extra))
        share, cluster = np.append(share, np.ones(extra)), np.append(cluster, rng.integers(0, clusters, extra))
        players += 1
    design = np.zeros((len(a), players))
    design[np.arange(len(a)), a] = 1
    design[np.arange(len(a)), b] -= 1
    held = []
    if extra:
        held = sorted({(min(x, y), max(x, y)) for x, y in zip(a.tolist(), b.tolist())})
    full = np.vstack([design] + [np.eye(players)[x] - np.eye(players)[y] for x, y in held])
    wanted = np.append(share, [0.5] * len(held))
    glm = sm.GLM(wanted, full[:, 1:], family=sm.families.Binomial()).fit(tol=1e-14, tol_criterion="params", maxiter=300)
    s = np.append(0, glm.params)
    s -= s.mean()
    p = 1 / (1 + np.exp(-full @ s))
    bread = np.linalg.pinv(full.T @ (full * (p * (1 - p))[:, None]))
    residual = (share - 1 / (1 + np.exp(-design @ s)))[:, None] * design
    scores = np.array([residual[cluster == g].sum(0) for g in sorted(set(cluster.tolist()))])
    g = len(scores)
    covariance = bread @ (scores.T @ scores) @ bread * g / (g - 1)
    z = stats.norm.ppf((1 + level) / 2)
    gap, error = s[0] - s[1], math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    logistic = lambda v: 1 / (1 + math.exp(-v))
    return dict(a=a, b=b, share=share, cluster=cluster, n_players=players, level=level, strength=s,
                std_error=np.sqrt(np.diag(covariance)), held=bool(extra),
                beats=[logistic(gap), logistic(gap - z * error), logistic(gap + z * error)])


rng = np.random.default_rng(5)
out["bradley_terry"] = [bt_case(rng, *a) for a in
                        [(4, 200, 50, 0.1, 0.7, 0.95), (7, 400, 60, 0.2, 1.0, 0.9), (2, 50, 50, 0.0, 0.3, 0.95),
                         (3, 80, 20, 0.1, 0.5, 0.95, 6)]]

# ---- annotators ----

NODES = np.arange(161) * 0.2 - 16


def annotator_case(rng, annotators, pairs, votes, ties, abilities):
    margin = rng.normal(0, 2, pairs)
    who = rng.integers(0, annotators, votes)
    pair = rng.integers(0, pairs, votes)
    z = np.array(abilities)[who] * margin[pair]
    share = np.where(rng.random(votes) < ties, 0.5, (rng.random(votes) < 1 / (1 + np.exp(-z))).astype(float))
    voted = np.array(sorted(set(pair.tolist())))
    log_sigmoid = lambda v: -np.logaddexp(0, -v)

    def joint(params):
        """log of (density of margin at node times likelihood) for each pair and node, and the log prior."""
        ability, spread = params[:-1], math.exp(params[-1])
        logs = np.tile(-NODES**2 / (2 * spread**2) - math.log(spread), (pairs, 1))
        for i, j, y in zip(who, pair, share):
            logs[j] += y * log_sigmoid(ability[i] * NODES) + (1 - y) * log_sigmoid(-ability[i] * NODES)
        prior = -np.sum((ability - 1) ** 2) / (2 * 0.25) - 3 * math.log(spread**2) - 12 / spread**2
        return logs, prior

    def objective(params):
        logs, prior = joint(params)
        top = logs.max(1, keepdims=True)
        return -(np.sum((top[:, 0] + np.log(np.exp(logs - top).sum(1)))[voted]) + prior)

    def gradient(params):
        ability, spread = params[:-1], math.exp(params[-1])
        logs, _ = joint(params)
        w = np.exp(logs - logs.max(1, keepdims=True))
        w /= w.sum(1, keepdims=True)
        g = np.zeros_like(params)
        for i, j, y in zip(who, pair, share):
            g[i] += np.sum(w[j] * (y - 1 / (1 + np.exp(-ability[i] * NODES))) * NODES)
        g[:-1] -= (ability - 1) / 0.25
        g[-1] = np.sum(w[voted] @ (NODES**2)) / spread**2 - len(voted) - 6 + 24 / spread**2
        return -g

    # not EM: the marginal posterior is maximized as it stands, and polished by Newton on its exact gradient
    at = optimize.minimize(objective, np.append(np.ones(annotators), math.log(2)), jac=gradient, method="BFGS",
                           options=dict(gtol=1e-9, maxiter=2000)).x
    for _ in range(6):
        h = 1e-5
        hessian = np.array([(gradient(at + h * e) - gradient(at - h * e)) / (2 * h) for e in np.eye(len(at))])
        at = at - np.linalg.solve((hessian + hessian.T) / 2, gradient(at))
    assert np.abs(gradient(at)).max() < 1e-10, gradient(at)
    logs, _ = joint(at)
    w = np.exp(logs - logs.max(1, keepdims=True))
    w /= w.sum(1, keepdims=True)
    edges = np.append(NODES - 0.1, NODES[-1] + 0.1)
    quantile = lambda p, q: float(np.interp(q, np.append(0, np.cumsum(p)), edges))
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    return dict(annotator=who, pair=pair, share=share, n_annotators=annotators, n_pairs=pairs, ability=at[:-1],
                spread=math.exp(at[-1]), pair_share=w @ sigmoid(NODES), margin=w @ NODES,
                p_b=w[:, 81:].sum(1) + w[:, 80] / 2, low=[sigmoid(quantile(p, 0.025)) for p in w],
                high=[sigmoid(quantile(p, 0.975)) for p in w])


rng = np.random.default_rng(6)
out["annotators"] = [annotator_case(rng, *a) for a in
                     [(3, 40, 110, 0.1, [1.5, 1.0, 0.1]), (5, 30, 140, 0.0, [2, 1, 1, 0.5, -1]), (2, 20, 30, 0.3, [1, 1]),
                      (1, 10, 10, 0.0, [1])]]

print(json.dumps(plain(out), indent=None, separators=(",", ":")).replace('],"', '],\n"').replace('},"', '},\n"'))
