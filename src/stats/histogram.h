// How often which differences come, in bins of one width around zero.
#pragma once

// n_bins is odd: the one in the middle is centred on 0, and the outer ones reach as far as the largest value of either sign.
// counts: (n_bins), filled. Values that are not finite are passed over. Returns the bins' width; 0 where every value is 0 or
// there is none (all of them are in the middle).
double histogram_around_zero(const double *values, int n, int n_bins, int *counts);
