#!/usr/bin/env python3
"""Writes stats.json: statistics of judgements by SciPy, statsmodels, scikit-learn and krippendorff, and where these have none
by plain formulas in numpy.

    pip install numpy scipy statsmodels scikit-learn krippendorff
    python3 tests/golden/make_stats_golden.py > tests/golden/stats.json

Random inputs are drawn with a fixed seed and stand in the file; NaN is written as null.
"""
import json
import math

import numpy as np
from scipy import stats

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
out["wilson"] = [[k, n, level, *stats.binomtest(k, n).proportion_ci(level, "wilson")] for k, n in COUNTS for level in (0.95, 0.9)]
out["clopper_pearson"] = [[k, n, level, *stats.binomtest(k, n).proportion_ci(level, "exact")] for k, n in COUNTS
                          for level in (0.95, 0.9)]

print(json.dumps(plain(out), indent=None, separators=(",", ":")).replace('],"', '],\n"').replace('},"', '},\n"'))
