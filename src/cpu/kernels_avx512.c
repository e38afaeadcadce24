// The kernels for AVX-512; compiled with -mavx512f and its usual companions, called only where the CPU has them.
#include "config.h"

#define VW 16
#define KERNELS cpu_kernels_avx512
#define KERNELS_NAME "avx512"
#include "cpu/kernels_impl.h"
