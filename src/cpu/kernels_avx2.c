// The kernels for AVX2 with FMA and F16C, which come together; compiled with -mavx2 -mfma -mf16c and called only where
// cpu_level() says so.
#include "config.h"

#define VW 8
#define KERNELS cpu_kernels_avx2
#define KERNELS_NAME "avx2"
#include "cpu/kernels_impl.h"
