// DESIGN. Which weights say a batch never depends on who is faster. When batch b is asked for, all batches up to b + n
// are ordered, of the weights of that moment; so the weights of batch b are those that batch b - n was about to teach. A
// slow trainer lets the thread wait, a slow sampler the trainer, and a run is the same bit for bit. Orders stand in a
// ring; one brings its weights along, in host memory, unless the one before it has the same. The trainer's thread puts
// orders in and takes the oldest out; the thread does them one after the other, with a copy of the policy on a backend of
// its own, for a backend has one driver.
//
// Weights of the past are not kept, so a checkpoint keeps what was said: it waits until all orders are done.
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "train/online/rollout_parts.h"

enum { MOST_ORDERS = ROLLOUT_MOST_AHEAD + 1 };

struct order {
    int64_t position, step; // step: of the weights
    float *weights;         // NULL: the copy has them already
    struct rollout_batch batch;
    int code;
    struct err fault;
};

struct rollout_ahead {
    struct rollouts *r;
    const struct backend_ops *ops;
    int64_t next;        // the position of the next order
    int64_t weights_of;  // the step that the newest order's weights are of; -1: of none
    struct rollout_sampler sampler; // the thread's, with all that it points to
    struct backend *backend;
    struct model *copy;
    struct packed packed;
    pthread_t thread;
    bool has_thread;
    atomic_int n_answered; // prompts of the order under way
    atomic_bool quit;
    pthread_mutex_t lock;
    pthread_cond_t put, done;
    // guarded by lock; the orders themselves are the thread's from put to done, then the trainer's
    struct order orders[MOST_ORDERS]; // a ring
    int first, n, n_done;             // the oldest; how many; how many of these, the oldest ones, are done
};

static struct order *order_at(struct rollout_ahead *a, int i)
{
    return &a->orders[(a->first + i) % MOST_ORDERS];
}

// ---- the thread ----

static bool go_on(void *arg, const char *what, int done, int all)
{
    struct rollout_ahead *a = arg;
    atomic_store(&a->n_answered, done);
    return !atomic_load(&a->quit);
}

static void say(struct rollout_ahead *a, struct order *o)
{
    atomic_store(&a->n_answered, 0);
    if (o->weights)
        o->code = model_put_trained(a->copy, o->weights, &o->fault);
    free(o->weights);
    o->weights = NULL;
    if (!o->code)
        o->code = rollout_say(&a->sampler, o->position, a->r->source.batch_size, &o->batch, &o->fault);
    o->batch.step = o->step;
}

static void *work(void *arg)
{
    struct rollout_ahead *a = arg;
    pthread_mutex_lock(&a->lock);
    while (!atomic_load(&a->quit)) {
        if (a->n_done == a->n) {
            pthread_cond_wait(&a->put, &a->lock);
            continue;
        }
        struct order *o = order_at(a, a->n_done); // its place stays while others are put in and taken out
        pthread_mutex_unlock(&a->lock);
        say(a, o);
        pthread_mutex_lock(&a->lock);
        a->n_done++;
        pthread_cond_signal(&a->done);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static int start(struct rollout_ahead *a, struct err *e)
{
    sigset_t all, old;
    sigfillset(&all); // signals are the trainer's
    pthread_sigmask(SIG_SETMASK, &all, &old);
    a->has_thread = pthread_create(&a->thread, NULL, work, a) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return a->has_thread ? 0 : err_set(e, ERR_LIMIT, "cannot start the thread that samples ahead: use rollout-ahead 0");
}

int rollout_ahead_new(struct rollout_ahead **out, struct rollouts *r, struct err *e)
{
    struct rollout_ahead *a = mem_alloc(1, sizeof *a);
    const struct model *policy = r->trainer->model;
    pthread_condattr_t monotonic;
    BUG_IF(r->o.ahead > ROLLOUT_MOST_AHEAD);
    a->r = r;
    a->ops = policy->ops;
    a->weights_of = -1;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->put, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    a->sampler = r->sampler;
    a->sampler.packed = &a->packed;
    a->sampler.decoder = NULL;
    a->sampler.reference = NULL; // it is the trainer's thread's
    a->sampler.progress = go_on;
    a->sampler.with = a;
    data_order_init(&a->sampler.order, r->o.prompts->n_groups, r->o.seed);
    int code = a->ops->open(&a->backend, &r->o.machine, e);
    if (!code)
        code = model_twin(&a->copy, policy, a->backend, e);
    if (!code)
        code = decoder_new(&a->sampler.decoder, a->copy, false, e);
    if (!code)
        code = packed_init(&a->packed, &r->sizes, a->sampler.max_batch_tokens, 0, e);
    a->sampler.model = a->copy;
    if (!code)
        code = start(a, e);
    if (code) {
        rollout_ahead_free(a);
        return code;
    }
    *out = a;
    return 0;
}

// The oldest order goes, with what it holds.
static void drop(struct rollout_ahead *a)
{
    struct order *o = order_at(a, 0);
    free(o->weights);
    rollout_batch_fini(&o->batch);
    *o = (struct order){0};
    a->first = (a->first + 1) % MOST_ORDERS;
    a->n--;
    a->n_done -= a->n_done > 0;
}

void rollout_ahead_free(struct rollout_ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->quit, true);
    pthread_cond_signal(&a->put);
    pthread_mutex_unlock(&a->lock);
    if (a->has_thread)
        pthread_join(a->thread, NULL);
    while (a->n > 0)
        drop(a);
    packed_fini(&a->packed);
    decoder_free(a->sampler.decoder);
    model_free(a->copy);
    data_order_fini(&a->sampler.order);
    if (a->backend)
        a->ops->close(a->backend);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->put);
    pthread_cond_destroy(&a->done);
    free(a);
}

// ---- orders ----

// Behind the end of the run nobody asks. Where batches come out smaller than they should be there are more of them, and
// the last ones are ordered when they are asked for.
static bool will_be_asked(const struct rollout_ahead *a, int64_t position)
{
    const struct trainer *t = a->r->trainer;
    const int64_t batches = (a->next - position) / a->r->source.batch_size;
    const int minibatches = t->options.minibatches ? t->options.minibatches : 1;
    const int passes = t->options.passes ? t->options.passes : 1;
    return t->step + batches * minibatches * passes < t->options.total_steps;
}

static void put(struct rollout_ahead *a, const struct order *o, bool is_done)
{
    pthread_mutex_lock(&a->lock);
    *order_at(a, a->n++) = *o;
    a->n_done += is_done;
    pthread_cond_signal(&a->put);
    pthread_mutex_unlock(&a->lock);
    a->next = o->position + a->r->source.batch_size;
}

static int order(struct rollout_ahead *a, struct err *e)
{
    const struct model *policy = a->r->trainer->model;
    struct order o = {.position = a->next, .step = a->r->trainer->step};
    if (a->weights_of != o.step) {
        o.weights = mem_try_alloc(model_n_trained(policy), sizeof *o.weights, "the weights of answers to come", e);
        int code = o.weights ? model_get_trained(policy, o.weights, e) : ERR_LIMIT;
        if (code) {
            free(o.weights);
            return code;
        }
    }
    a->weights_of = o.step;
    put(a, &o, false);
    return 0;
}

static int order_all(struct rollout_ahead *a, int64_t position, struct err *e)
{
    const int64_t last = position + (int64_t)a->r->o.ahead * a->r->source.batch_size;
    if (a->n == 0)
        a->next = position;
    BUG_IF(a->n > 0 && order_at(a, 0)->position != position);
    int code = 0;
    while (!code && a->next <= last && (a->next == position || will_be_asked(a, position)))
        code = order(a, e);
    return code;
}

// Until that many are done, or for a moment.
static bool wait_for(struct rollout_ahead *a, int n)
{
    static const long A_MOMENT_NS = 100000000;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += A_MOMENT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&a->lock);
    while (a->n_done < n && pthread_cond_timedwait(&a->done, &a->lock, &until) != ETIMEDOUT)
        ;
    const bool done = a->n_done >= n;
    pthread_mutex_unlock(&a->lock);
    return done;
}

static bool report(const struct rollout_ahead *a)
{
    const struct rollout_options *o = &a->r->o;
    return !o->progress || o->progress(o->with, "sampling answers", atomic_load(&a->n_answered), a->r->source.batch_size);
}

static int outcome(const struct order *o, struct err *e)
{
    if (o->code && e)
        *e = o->fault;
    return o->code;
}

int rollout_ahead_await(struct rollout_ahead *a, int64_t position, struct rollout_batch **out, struct err *e)
{
    int code = order_all(a, position, e);
    while (!code && !wait_for(a, 1))
        if (!report(a))
            code = err_set(e, ERR_INTERRUPTED, "stopped while answers were sampled");
    if (code)
        return code;
    *out = &order_at(a, 0)->batch;
    return outcome(order_at(a, 0), e);
}

void rollout_ahead_take(struct rollout_ahead *a, struct rollout_batch *out)
{
    struct order *o = order_at(a, 0);
    *out = o->batch;
    o->batch = (struct rollout_batch){0};
    pthread_mutex_lock(&a->lock);
    drop(a);
    pthread_mutex_unlock(&a->lock);
}

// ---- checkpoints ----

static void file_of(int i, char name[40])
{
    snprintf(name, 40, "state.ahead-%d.safetensors", i);
}

int rollout_ahead_write(struct rollout_ahead *a, const char *dir, struct err *e)
{
    int code = 0;
    while (!wait_for(a, a->n))
        report(a);
    for (int i = 0; i < a->n && !code; i++) {
        char name[40];
        file_of(i, name);
        code = outcome(order_at(a, i), e);
        if (!code)
            code = rollout_write(&order_at(a, i)->batch, dir, name, e);
    }
    return code;
}

json_t *rollout_ahead_save(struct rollout_ahead *a)
{
    json_t *list = json_array();
    for (int i = 0; i < a->n; i++) {
        const struct order *o = order_at(a, i);
        json_array_append_new(list, json_pack("{s:I, s:I, s:f, s:f}", "position", (json_int_t)o->position, "step",
                                              (json_int_t)o->step, "entropy", o->batch.entropy, "sample_s",
                                              o->batch.sample_s));
    }
    return list;
}

// All answers to just the prompts that stand at its position.
static bool answers_prompts(struct rollout_ahead *a, const struct order *o)
{
    const struct dataset *d = &o->batch.data, *prompts = a->r->o.prompts;
    bool fits = d->n_groups == a->r->source.batch_size;
    for (int g = 0; g < d->n_groups && fits; g++) {
        const struct ds_group *x = &d->groups[g];
        const struct ds_group *p = &prompts->groups[data_order_at(&a->r->sampler.order, o->position + g)];
        fits = x->example == p->example && x->n_prompt == p->n_prompt && x->n_seqs == a->r->o.samples &&
               memcmp(d->tokens + x->prompt, prompts->tokens + p->prompt, (size_t)p->n_prompt * sizeof *d->tokens) == 0;
    }
    return fits;
}

static int restore_one(struct rollout_ahead *a, const json_t *saved, int i, const char *dir, struct err *e)
{
    static const char where[] = "the state of answers sampled ahead";
    struct order o = {0};
    char name[40];
    double entropy = 0, seconds = 0;
    int code = json_get_int(saved, "position", -1, 0, INT64_MAX / 2, &o.position, where, e);
    if (!code && o.position != a->r->position + (int64_t)i * a->r->source.batch_size)
        code = err_set(e, ERR_INPUT, "%s: batch %d begins with prompt %lld, which is not the next one: it is damaged",
                       where, i, (long long)o.position);
    if (!code)
        code = json_get_int(saved, "step", -1, 0, INT64_MAX, &o.step, where, e);
    if (!code)
        code = json_get_double(saved, "entropy", 0, &entropy, where, e);
    if (!code)
        code = json_get_double(saved, "sample_s", 0, &seconds, where, e);
    file_of(i, name);
    if (!code)
        code = rollout_read(a->r, &o.batch, dir, name, e);
    if (!code && !answers_prompts(a, &o)) {
        rollout_batch_fini(&o.batch);
        code = err_set(e, ERR_INPUT, "%s: batch %d does not answer the prompts that it should: it is damaged", where, i);
    }
    if (code)
        return code;
    free(o.batch.data.refs); // what the reference says is added when it is asked for
    o.batch.data.refs = NULL;
    o.batch.first_prompt = o.position;
    o.batch.step = o.step;
    o.batch.entropy = entropy;
    o.batch.sample_s = seconds;
    put(a, &o, true);
    return 0;
}

int rollout_ahead_restore(struct rollout_ahead *a, const json_t *saved, const char *dir, struct err *e)
{
    const int n = (int)json_array_size(saved);
    while (!wait_for(a, a->n))
        ;
    pthread_mutex_lock(&a->lock);
    while (a->n > 0)
        drop(a);
    pthread_mutex_unlock(&a->lock);
    a->weights_of = -1; // the weights are others now, whatever their step
    if (n > a->r->o.ahead + 1)
        return err_set(e, ERR_INPUT, "the checkpoint holds %d batches of answers sampled ahead, more than rollout-ahead %d "
                       "can have: it is damaged, or of another run", n, a->r->o.ahead);
    int code = 0;
    for (int i = 0; i < n && !code; i++)
        code = restore_one(a, json_array_get(saved, (size_t)i), i, dir, e);
    return code;
}
