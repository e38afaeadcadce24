// How busy the machine is on which runs of the project run: processors, memory, graphics cards. Read by a job's thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { MACHINE_GPUS = 8, MACHINE_GPU_PROCESSES = 32 };
struct machine {
    double cpu;                      // share 0..1 of all processors since the last reading; NaN: not known yet
    uint64_t memory_used, memory;    // bytes; 0: not known
    int n_gpus;                      // 0 where NVML is not there
    struct machine_gpu {
        double use;                  // share 0..1 of the time; NaN: it does not say, as of the others
        uint64_t memory_used, memory;
        double watts, celsius;
        // Processes that compute on it, at most so many. A container may hide them, or count them otherwise than /proc.
        int n_processes;
        struct machine_gpu_process {
            int pid;
            uint64_t memory; // 0: it does not say
        } processes[MACHINE_GPU_PROCESSES];
    } gpus[MACHINE_GPUS];
};

struct machine_reader;
// proc: "/proc"; nvml: "libnvidia-ml.so.1". Tests have others, also by ATTUNE_PROC and ATTUNE_NVML when NULL is given.
struct machine_reader *machine_reader_new(const char *proc, const char *nvml);
void machine_reader_free(struct machine_reader *r); // NULL is fine
void machine_read(struct machine_reader *r, struct machine *out);
// What one process uses, by its number and start (field 22 of its stat): false where it is not there any more.
struct machine_process {
    uint64_t ticks;  // of processors, since it began
    uint64_t memory; // bytes that are resident
    int n_threads;
};
bool machine_process(const struct machine_reader *r, int pid, int64_t start, struct machine_process *out);
// The cards that a process computes on: "0", "0,2"; empty for none. *memory (may be NULL): of all of them, 0: not said.
void machine_cards_of(const struct machine *m, int pid, struct str *out, uint64_t *memory);
// "cpu 87% mem 3.1/15G gpu 97% 61/80G 412W": as much of it as fits into so many columns; nothing when the first part does
// not.
void machine_text(const struct machine *m, int columns, struct str *out);
