// The kernels without special instructions: what every machine can run.
#include "config.h"

#define VW 4
#define KERNELS cpu_kernels_generic
#define KERNELS_NAME "generic"
#include "cpu/kernels_impl.h"
