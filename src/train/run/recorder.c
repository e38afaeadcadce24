#include "config.h"

#include "train/run/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/run/checkpoint.h"

enum { RING = 256 };
static const double HEARTBEAT_S = 2, BATCH_S = 0.2;

enum kind { METRICS, EVENT, SAMPLE, ROLLOUT, OFFER, CLOSE_PAIR, CHECKPOINT };
struct record {
    enum kind kind;
    int64_t step, at_ms, control_id;
    union {
        struct metric_list metrics;
        struct {
            char level[8], kind[24], text[480];
        } event;
        struct run_sample sample;
        struct run_rollout rollout;
        struct asked_pair offer;
        struct {
            int64_t id;
            enum pair_state state;
        } close;
        char name[64];
    } u;
};

struct recorder {
    struct run_writer *writer; // the thread's
    char *run_dir;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t put, taken;
    // guarded by lock
    struct record ring[RING];
    uint64_t n_put, n_done; // message i stands in ring[i % RING] while n_done <= i < n_put
    struct run_status status;
    bool status_changed, stopping, hurry;
    struct err failure; // code 0: none
};

static int write_checkpoint(struct recorder *r, const struct record *m, struct err *e)
{
    struct run_checkpoint row = {.step = m->step, .at_ms = m->at_ms};
    struct str path = {0};
    str_addf(&path, "checkpoints/%s", m->u.name);
    row.path = str_take(&path);
    char *dir = path_join(r->run_dir, row.path);
    int code = checkpoint_digest(dir, row.sha256, &row.bytes, e);
    if (code == ERR_NOT_FOUND)
        code = 0; // already replaced by newer ones
    else if (!code)
        code = run_writer_checkpoint(r->writer, &row, e);
    free(dir);
    free(row.path);
    return code;
}

static int write_message(struct recorder *r, struct record *m, struct err *e)
{
    int64_t id;
    int code = 0;
    switch (m->kind) {
    case METRICS:
        for (int i = 0; !code && i < m->u.metrics.n; i++)
            code = run_writer_metric(r->writer, m->u.metrics.items[i].key, m->step, m->u.metrics.items[i].value, e);
        break;
    case EVENT:
        code = run_writer_event(r->writer, m->at_ms, m->step, m->u.event.level, m->u.event.kind, m->u.event.text, e);
        break;
    case SAMPLE:
        code = run_writer_sample(r->writer, &m->u.sample, e);
        free(m->u.sample.prompt);
        free(m->u.sample.response);
        free(m->u.sample.credits);
        break;
    case ROLLOUT:
        code = run_writer_rollout(r->writer, &m->u.rollout, e);
        free(m->u.rollout.prompt);
        free(m->u.rollout.response);
        free(m->u.rollout.tokens);
        break;
    case OFFER:
        code = run_writer_offer(r->writer, &m->u.offer, &id, e);
        asked_pair_fini(&m->u.offer);
        break;
    case CLOSE_PAIR:
        code = run_writer_close_pair(r->writer, m->u.close.id, m->u.close.state, m->step, e);
        break;
    case CHECKPOINT:
        code = write_checkpoint(r, m, e);
        break;
    }
    return code;
}

// One transaction of messages [from, to) and the status. The slots are the thread's until n_done moves on.
static int write_batch(struct recorder *r, uint64_t from, uint64_t to, struct run_status *status, struct err *e)
{
    int code = run_writer_begin(r->writer, e);
    if (code)
        return code;
    for (uint64_t i = from; !code && i < to; i++) {
        struct record *m = &r->ring[i % RING];
        if (m->control_id > status->control_id)
            status->control_id = m->control_id;
        code = write_message(r, m, e);
    }
    status->heartbeat_ms = clock_wall_ms();
    if (!code)
        code = run_writer_status(r->writer, status, e);
    int ended = run_writer_commit(r->writer, code ? NULL : e);
    return code ? code : ended;
}

static struct timespec deadline(double seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); // the heart beats on when somebody sets the clock back
    int64_t ns = t.tv_nsec + (int64_t)(seconds * 1e9);
    return (struct timespec){t.tv_sec + ns / 1000000000, ns % 1000000000};
}

// Waits, with the lock, for something to write: a batch is gathered for BATCH_S unless somebody is waiting.
static void wait_for_work(struct recorder *r)
{
    struct timespec until = deadline(HEARTBEAT_S);
    while (r->n_put == r->n_done && !r->status_changed && !r->stopping && !r->hurry)
        if (pthread_cond_timedwait(&r->put, &r->lock, &until) == ETIMEDOUT)
            return;
    until = deadline(BATCH_S);
    while (!r->stopping && !r->hurry && r->n_put - r->n_done < RING / 2)
        if (pthread_cond_timedwait(&r->put, &r->lock, &until) == ETIMEDOUT)
            return;
}

static void *recorder_main(void *arg)
{
    struct recorder *r = arg;
    pthread_mutex_lock(&r->lock);
    for (bool last = false; !last;) {
        wait_for_work(r);
        last = r->stopping;
        const uint64_t from = r->n_done, to = r->n_put;
        struct run_status status = r->status;
        struct err fault = {0};
        const bool failed_before = r->failure.code != 0;
        r->status_changed = false;
        pthread_mutex_unlock(&r->lock);
        // After a failure only the status is tried again: the reason for the end is worth one more attempt.
        int code = write_batch(r, failed_before ? to : from, to, &status, &fault);
        pthread_mutex_lock(&r->lock);
        if (code && !r->failure.code)
            r->failure = fault;
        if (status.control_id > r->status.control_id)
            r->status.control_id = status.control_id;
        r->n_done = to;
        r->hurry = r->hurry && r->n_put != r->n_done;
        pthread_cond_broadcast(&r->taken);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

int recorder_start(struct recorder **out, struct run_writer *writer, const struct run_status *status,
                   const char *run_dir, struct err *e)
{
    struct recorder *r = mem_alloc(1, sizeof *r);
    sigset_t all, old;
    pthread_condattr_t monotonic;
    r->writer = writer;
    r->run_dir = mem_strdup(run_dir);
    r->status = *status;
    r->status_changed = true;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->put, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&r->taken, NULL);
    sigfillset(&all); // signals are the trainer's
    pthread_sigmask(SIG_SETMASK, &all, &old);
    errno = pthread_create(&r->thread, NULL, recorder_main, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (errno) {
        int code = err_errno(e, "cannot start the recorder's thread");
        free(r->run_dir);
        free(r);
        return code;
    }
    *out = r;
    return 0;
}

int recorder_stop(struct recorder *r, struct err *e)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->put);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    int code = r->failure.code;
    if (code && e)
        *e = r->failure;
    run_writer_close(r->writer);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->put);
    pthread_cond_destroy(&r->taken);
    free(r->run_dir);
    free(r);
    return code;
}

// The slot for the next message, with the lock held; put_end gives both back.
static struct record *put_begin(struct recorder *r, enum kind kind, int64_t step)
{
    pthread_mutex_lock(&r->lock);
    while (r->n_put - r->n_done == RING)
        pthread_cond_wait(&r->taken, &r->lock);
    struct record *m = &r->ring[r->n_put % RING];
    m->kind = kind;
    m->step = step;
    m->at_ms = clock_wall_ms();
    m->control_id = 0;
    return m;
}

// The thread is woken when it sleeps for lack of messages, and when half of the ring is used.
static void put_end(struct recorder *r)
{
    const uint64_t waiting = ++r->n_put - r->n_done;
    const bool wake = waiting == 1 || waiting == RING / 2;
    pthread_mutex_unlock(&r->lock);
    if (wake)
        pthread_cond_signal(&r->put);
}

void recorder_metrics(struct recorder *r, int64_t step, const struct metric_list *list)
{
    struct record *m = put_begin(r, METRICS, step);
    m->u.metrics = *list;
    put_end(r);
}

void recorder_event(struct recorder *r, int64_t step, const char *level, const char *kind, int64_t control_id,
                    const char *format, ...)
{
    va_list args;
    char text[sizeof((struct record *)0)->u.event.text];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "step %lld: %s: %s\n", (long long)step, kind, text);
    struct record *m = put_begin(r, EVENT, step);
    m->control_id = control_id;
    text_copy(m->u.event.level, sizeof m->u.event.level, level);
    text_copy(m->u.event.kind, sizeof m->u.event.kind, kind);
    text_copy(m->u.event.text, sizeof m->u.event.text, text);
    put_end(r);
}

void recorder_sample(struct recorder *r, const struct run_sample *sample)
{
    struct record *m = put_begin(r, SAMPLE, sample->step);
    m->u.sample = *sample;
    m->u.sample.at_ms = m->at_ms;
    put_end(r);
}

void recorder_rollout(struct recorder *r, const struct run_rollout *rollout)
{
    struct record *m = put_begin(r, ROLLOUT, rollout->step);
    m->u.rollout = *rollout;
    m->u.rollout.at_ms = m->at_ms;
    put_end(r);
}

void recorder_offer(struct recorder *r, const struct asked_pair *pair)
{
    struct record *m = put_begin(r, OFFER, pair->step);
    m->u.offer = *pair;
    m->u.offer.at_ms = m->at_ms;
    put_end(r);
}

void recorder_close_pair(struct recorder *r, int64_t id, enum pair_state state, int64_t step)
{
    struct record *m = put_begin(r, CLOSE_PAIR, step);
    m->u.close.id = id;
    m->u.close.state = state;
    put_end(r);
}

void recorder_checkpoint(struct recorder *r, int64_t step, const char *name)
{
    struct record *m = put_begin(r, CHECKPOINT, step);
    text_copy(m->u.name, sizeof m->u.name, name);
    put_end(r);
}

void recorder_status(struct recorder *r, const struct run_status *status)
{
    pthread_mutex_lock(&r->lock);
    const bool wake = status->state != r->status.state;
    const int64_t control_id = r->status.control_id;
    r->status = *status;
    r->status.control_id = control_id;
    r->status_changed = r->status_changed || wake;
    pthread_mutex_unlock(&r->lock);
    if (wake)
        pthread_cond_signal(&r->put);
}

int recorder_flush(struct recorder *r, struct err *e)
{
    pthread_mutex_lock(&r->lock);
    const uint64_t all = r->n_put;
    while (r->n_done < all) {
        r->hurry = true;
        pthread_cond_signal(&r->put);
        pthread_cond_wait(&r->taken, &r->lock);
    }
    int code = r->failure.code;
    if (code && e)
        *e = r->failure;
    pthread_mutex_unlock(&r->lock);
    return code;
}

int recorder_check(struct recorder *r, struct err *e)
{
    pthread_mutex_lock(&r->lock);
    int code = r->failure.code;
    if (code && e)
        *e = r->failure;
    pthread_mutex_unlock(&r->lock);
    return code;
}
