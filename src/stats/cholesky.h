// Systems of linear equations with a symmetric positive definite matrix.
#pragma once

#include <stdbool.h>

// a (n, n), of which the lower half is read, becomes L with A = L L' there; false, with a spoilt, where A is not positive
// definite (or so nearly not that rounding decides).
bool cholesky(double *a, int n);
// Solves A x = b in place of b (n).
void cholesky_solve(const double *l, int n, double *b);
