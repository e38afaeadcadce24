// What a sample says of its whole: means and shares with 95 % intervals, and how far shares are from those that are right.
#pragma once

struct estimate {
    double value, low, high; // NaN: not known
};
// The mean of independent values with its normal interval, 1.96 standard errors to each side; of one value there is none.
struct estimate estimate_mean(const double *values, int n);
// The sum of sums over that of counts, pairs (sum, count) being independent: an average over all tokens of answers to
// several prompts, say. The interval is that of the residuals sum - ratio * count (the delta method).
struct estimate estimate_ratio(const double *sums, const double *counts, int n);
// Wilson's interval (1927) of a share that was found in n independent trials. The share may be one of parts of trials (half
// for a tie, a mean over a trial's pairs): their spread is at most that of whole ones, so the interval is then too wide
// rather than too narrow.
struct estimate estimate_share(double share, double n);

double standard_deviation(const double *values, int n); // of the sample: n - 1

// Half the sum of differences; 0: the same, 1: nothing in common.
double total_variation(const double *p, const double *q, int n);
// KL(p || q) in nats; infinite where q has nothing of what p has.
double shares_kl(const double *p, const double *q, int n);
