// A stand-in for NVIDIA's library: three cards, one that says everything, one that says its memory only, and one that is lost. The
// process FAKE_NVML_PID computes on the first two, another one on the first.
#include <stddef.h>
#include <stdlib.h>

struct utilization {
    unsigned gpu, memory;
};
struct memory {
    unsigned long long total, free, used;
};
struct process {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance, compute_instance;
};
enum { OK = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15 };
static int cards[3];
static int is_ready;

int nvmlInit_v2(void);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
int nvmlDeviceGetUtilizationRates(void *device, struct utilization *out);
int nvmlDeviceGetMemoryInfo(void *device, struct memory *out);
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts);
int nvmlDeviceGetTemperature(void *device, unsigned sensor, unsigned *celsius);
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *n, struct process *out);

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

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *n, struct process *out)
{
    const char *asked = getenv("FAKE_NVML_PID");
    const unsigned pid = asked ? (unsigned)atoi(asked) : 77, room = *n;
    *n = device == &cards[0] ? 2 : 1;
    if (room < *n)
        return INSUFFICIENT_SIZE;
    out[0] = (struct process){pid, device == &cards[0] ? 3ull << 30 : ~0ull, ~0u, ~0u}; // all bits: not available
    if (*n == 2)
        out[1] = (struct process){1, 1ull << 30, ~0u, ~0u};
    return OK;
}
