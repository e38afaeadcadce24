// What the parts of the stand-in share: streams, and device memory (cuda_host_memory.cc), which is open while kernels run.
#pragma once

#include <functional>
#include <stddef.h>
#include <vector>

struct cuda_host_stream {
    int device;
    std::vector<std::function<void()>> work; // in its order
    bool captures = false;                   // work is that of a graph; what was queued before waits in `before`
    std::vector<std::function<void()>> before;
};
// A fault of the caller when the thread's device is not the stream's.
void cuda_host_stream_check(cudaStream_t stream, const char *what);

void cuda_host_memory_open(bool open); // whether it can be touched
void *cuda_host_memory_new(size_t bytes); // NULL: the limit is reached
void cuda_host_memory_delete(void *p);
// A fault of the caller when [p, p + bytes) is not inside of one allocation.
void cuda_host_memory_check(const void *p, size_t bytes, const char *what);
bool cuda_host_memory_has(const void *p); // whether it is device memory
[[noreturn]] void cuda_host_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
