// Products with operands rounded to bf16 and sums in f32, through oneDNN on CPUs with AMX.
#pragma once

#include <stdbool.h>

#include "cpu/kernels.h"

struct bf16;

enum { BF16_MAX_SHAPES = 1024 }; // shapes of products for which oneDNN's code is kept


// NULL when bf16 products are fast and available here, else the reason in words.
const char *bf16_refusal(void);
int bf16_open(struct bf16 **out, const struct cpu_kernels *k, int n_threads, struct err *e);
void bf16_close(struct bf16 *h); // NULL is fine

// Whether a product is one of the large ones that are rounded; by its shape alone.
bool bf16_is_large(const struct gemm *g);
// Like cpu_gemm_block, for large products. From any pool thread.
int bf16_gemm(struct bf16 *h, const struct gemm *g, int thread, struct err *e);
int bf16_n_shapes(struct bf16 *h); // kept now
