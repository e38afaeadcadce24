// Functions of mathematical statistics that the C library lacks, in double precision.
#pragma once

// I_x(a, b), the regularized incomplete beta function, for a, b > 0 and 0 <= x <= 1. The continued fraction of DLMF 8.17.22
// by Lentz's method; what stands before it is a binomial probability, and computed as one.
double beta_regularized(double x, double a, double b);
// C(n, k) p^k (1-p)^(n-k) for real 0 <= k <= n, without the cancellation of log-gammas (Loader 2000, "Fast and Accurate
// Computation of Binomial Probabilities").
double binomial_density(double k, double n, double p);
// The quantiles below which the share p of a distribution lies, 0 < p < 1; -INFINITY and INFINITY at 0 and 1.
double normal_quantile(double p);                 // Wichura 1988, AS 241
double student_quantile(double p, double df);     // by bisection; df > 0, INFINITY: normal
double normal_tail(double z);                     // P(Z > z)
double student_two_sided(double t, double df);    // P(|T| > |t|)
