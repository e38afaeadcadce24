// DESIGN. One mutex, two conditions. The driver publishes a job (task, arg, n_blocks) and raises `round`;
// workers that see a new round take blocks from the atomic counter until none is left. The driver takes
// blocks as well, then waits until every worker has left the round. Who waits spins a little (a training step is
// hundreds of jobs of a few microseconds), then offers its core to others for a while, and sleeps at last: waking a
// sleeper takes long, on a virtual machine a good part of a millisecond, and jobs end unevenly.
#include "config.h"

#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { SPINS = 2000 };
static const double PATIENCE = 1e-3; // seconds

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

struct pool {
    int n_threads;
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    // written by the driver before `round` is raised, read by workers after they saw it
    pool_task task;
    void *arg;
    int n_blocks;
    atomic_int next_block;
    atomic_uint n_busy;
    atomic_uint round;
    atomic_bool quit;
};

struct worker {
    struct pool *pool;
    int index;
};

static void take_blocks(struct pool *p, int thread)
{
    for (;;) {
        int block = atomic_fetch_add(&p->next_block, 1);
        if (block >= p->n_blocks)
            return;
        p->task(p->arg, block, thread);
    }
}

// False when patience ended before *at was (equal) or was no longer (!equal) the value.
static bool spin_until(atomic_uint *at, unsigned value, bool equal)
{
    double end = 0;
    for (int i = 0; (atomic_load(at) == value) != equal; i++) {
        if (i < SPINS) {
            cpu_relax();
            continue;
        }
        if (end == 0)
            end = clock_seconds() + PATIENCE;
        else if (clock_seconds() > end)
            return false;
        sched_yield();
    }
    return true;
}

static void *worker_main(void *data)
{
    struct worker w = *(struct worker *)data;
    free(data);
    struct pool *p = w.pool;
    unsigned seen = 0;
    for (;;) {
        if (!spin_until(&p->round, seen, false)) {
            pthread_mutex_lock(&p->lock);
            while (atomic_load(&p->round) == seen)
                pthread_cond_wait(&p->wake, &p->lock);
            pthread_mutex_unlock(&p->lock);
        }
        seen++;
        if (atomic_load(&p->quit))
            return NULL;
        take_blocks(p, w.index);
        if (atomic_fetch_sub(&p->n_busy, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

int pool_new(struct pool **out, int n_threads, struct err *e)
{
    struct pool *p = mem_alloc(1, sizeof *p);
    p->n_threads = 1;
    p->threads = mem_alloc((size_t)n_threads, sizeof *p->threads);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); // signals go to the thread that asked for them
    int code = 0;
    for (int i = 1; i < n_threads; i++) {
        struct worker *w = mem_alloc(1, sizeof *w);
        *w = (struct worker){p, i};
        if (pthread_create(&p->threads[i], NULL, worker_main, w) != 0) {
            free(w);
            code = err_set(e, ERR_LIMIT, "cannot start %d compute threads; the system allowed %d", n_threads, i);
            break;
        }
        p->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code) {
        pool_free(p);
        return code;
    }
    *out = p;
    return 0;
}

static void start_round(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->round, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

void pool_run(struct pool *p, int n_blocks, pool_task task, void *arg)
{
    if (n_blocks <= 0)
        return;
    if (p->n_threads == 1 || n_blocks == 1) {
        for (int block = 0; block < n_blocks; block++)
            task(arg, block, 0);
        return;
    }
    p->task = task;
    p->arg = arg;
    p->n_blocks = n_blocks;
    atomic_store(&p->next_block, 0);
    atomic_store(&p->n_busy, (unsigned)p->n_threads - 1);
    start_round(p);
    take_blocks(p, 0);
    if (!spin_until(&p->n_busy, 0, true)) {
        pthread_mutex_lock(&p->lock);
        while (atomic_load(&p->n_busy) > 0)
            pthread_cond_wait(&p->done, &p->lock);
        pthread_mutex_unlock(&p->lock);
    }
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    atomic_store(&p->quit, true);
    start_round(p);
    for (int i = 1; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    free(p->threads);
    free(p);
}
