// The kernels for AVX2 with FMA; compiled with -mavx2 -mfma and called only where cpu_level() says so.
#include "config.h"

#define VW 8
#define KERNELS cpu_kernels_avx2
#define KERNELS_NAME "avx2"
#include "cpu/kernels_impl.h"
