// A pool of compute threads. Work is split in fixed blocks that do not depend on the number of threads, so
// results do not either; threads only decide who does which block.
//
// Owner: one driver thread (the trainer). pool_run may be called from that thread alone and returns when all
// blocks are done. Task functions must not call pool_run.
#pragma once

#include <stddef.h>

#include "base/err.h"

struct pool;

// n_threads >= 1 counts the calling thread: 1 starts none.
int pool_new(struct pool **out, int n_threads, struct err *e);
void pool_free(struct pool *p); // NULL is fine

// Calls task(arg, block) for every block in 0 .. n_blocks-1, in any order, on any thread.
// `thread` (0 .. n_threads-1) is for scratch memory only; results must not depend on it.
typedef void (*pool_task)(void *arg, int block, int thread);
void pool_run(struct pool *p, int n_blocks, pool_task task, void *arg);
