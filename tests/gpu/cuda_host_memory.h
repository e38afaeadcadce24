// What the parts of the stand-in share: streams, launches (cuda_host_block.cc), and device memory (cuda_host_memory.cc),
// which is open while kernels run.
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

enum { LANES = 32, MOST_THREADS = 1024 }; // of a warp; of a block
void cuda_host_run(const char *name, dim3 grid, dim3 block, size_t shared, const std::function<void()> &kernel);

void cuda_host_memory_open(bool open); // whether it can be touched
void cuda_host_memory_room(size_t *free_bytes, size_t *total);
void *cuda_host_memory_new(size_t bytes); // NULL: the limit is reached
void cuda_host_memory_delete(void *p);
// A fault of the caller when [p, p + bytes) is not inside of one allocation.
void cuda_host_memory_check(const void *p, size_t bytes, const char *what);
bool cuda_host_memory_has(const void *p); // whether it is device memory
[[noreturn]] void cuda_host_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
