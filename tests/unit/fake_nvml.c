// A stand-in for NVIDIA's library: three cards, one that says everything, one that says its memory only, and one that is
// lost.
#include <stddef.h>

struct utilization {
    unsigned gpu, memory;
};
struct memory {
    unsigned long long total, free, used;
};
enum { OK = 0, NOT_SUPPORTED = 3, GPU_IS_LOST = 15 };
static int cards[3];
static int is_ready;

int nvmlInit_v2(void);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
int nvmlDeviceGetUtilizationRates(void *device, struct utilization *out);
int nvmlDeviceGetMemoryInfo(void *device, struct memory *out);
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts);
int nvmlDeviceGetTemperature(void *device, unsigned sensor, unsigned *celsius);

int nvmlInit_v2(void)
{
    is_ready = 1;
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *n)
{
    *n = is_ready ? 3 : 0;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    *device = &cards[index];
    return index == 2 ? GPU_IS_LOST : OK;
}

int nvmlDeviceGetUtilizationRates(void *device, struct utilization *out)
{
    *out = (struct utilization){97, 40};
    return device == &cards[0] ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetMemoryInfo(void *device, struct memory *out)
{
    const unsigned long long used = device == &cards[0] ? 61ull << 30 : 1ull << 30;
    *out = (struct memory){80ull << 30, (80ull << 30) - used, used};
    return OK;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts)
{
    *milliwatts = 412000;
    return device == &cards[0] ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetTemperature(void *device, unsigned sensor, unsigned *celsius)
{
    *celsius = 63;
    return device == &cards[0] && sensor == 0 ? OK : NOT_SUPPORTED;
}
