// Curves side by side in the registers of AVX2; compiled with -mavx2 and called only where the processor has it.
#include "config.h"

#define WIDE 4
#define SMOOTH_KERNELS smooth_kernels_avx2
#include "ui/series/smooth_lanes_impl.h"
