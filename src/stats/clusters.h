// Which of several observations belong together.
#pragma once

#include <stddef.h>

// A number 0 .. G-1 for each of n observations, in the order in which clusters come first, into dense (n). Returns G.
// Element i's cluster is the int at cluster + i * stride bytes (a member of an array of structs).
int clusters_number(const int *cluster, size_t stride, int n, int *dense);
