// Writes a run that looks like DPO into a project, at once or live, to try the console without training:
//
//     tests/tools/fake_run PROJECT NAME STEPS [STEPS_A_SECOND [SEED]]
//
// Without a rate all steps are written at once. It obeys pause, resume, stop and set as an engine does.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/run_db.h"
#include "store/store.h"

struct fake {
    struct store *store;
    struct run_writer *writer;
    const char *name;
    struct run_status status;
    struct rng rng;
    double lr, beta;
};

static _Noreturn void die(const struct err *e)
{
    fprintf(stderr, "fake_run: %s\n", e->text);
    exit(1);
}

static void metric(struct fake *f, const char *key, int64_t step, double value)
{
    struct err fault = {0};
    if (run_writer_metric(f->writer, key, step, value, &fault))
        die(&fault);
}

static double noise(struct fake *f, double size)
{
    return size * rng_normal(&f->rng);
}

static void write_step(struct fake *f, int64_t step)
{
    double x = (double)step / (double)f->status.total_steps, learned = 1 - exp(-4 * x * f->beta * 10);
    double margin = 1.8 * learned + noise(f, 0.25), chosen = 0.4 * learned - 0.9 * x * x + noise(f, 0.12);
    metric(f, "loss", step, step == 777 ? NAN : log(2) - 0.45 * learned + noise(f, 0.06));
    metric(f, "rewards/chosen", step, chosen);
    metric(f, "rewards/rejected", step, chosen - margin);
    metric(f, "rewards/margins", step, margin);
    metric(f, "rewards/accuracies", step, fmin(1, 0.5 + 0.35 * learned + noise(f, 0.05)));
    metric(f, "grad_norm", step, exp(noise(f, 0.5)));
    metric(f, "lr", step, f->lr * fmin(1, 20 * x) * (1 - 0.9 * x));
    metric(f, "tokens_per_s", step, 5200 + noise(f, 200));
    metric(f, "step_s", step, 0.31 + noise(f, 0.01));
    metric(f, "logps/chosen", step, -180 - 14 * x + noise(f, 3));
    metric(f, "logps/rejected", step, -185 - 60 * x + noise(f, 3));
    if (step % 20 == 0) {
        metric(f, "eval/loss", step, log(2) - 0.4 * learned);
        metric(f, "eval/rewards/accuracies", step, 0.5 + 0.3 * learned);
        metric(f, "eval/rewards/margins", step, 1.5 * learned);
        metric(f, "kl", step, 4.2 * x + noise(f, 0.05));
        metric(f, "completions/mean_length", step, 190 + 40 * x + noise(f, 2));
        metric(f, "style/hopeful", step, 0.15 + 0.8 * learned);
        metric(f, "style/wry", step, 0.85 - 0.8 * learned);
    }
}

static void apply_controls(struct fake *f, int64_t step)
{
    struct control list[16];
    struct err fault = {0};
    int n = store_controls_after(f->store, f->name, f->status.control_id, list, 16, &fault);
    if (n < 0)
        die(&fault);
    for (int i = 0; i < n; i++) {
        char text[200] = "";
        f->status.control_id = list[i].id;
        if (list[i].kind == CONTROL_PAUSE)
            f->status.state = RUN_PAUSED;
        else if (list[i].kind == CONTROL_RESUME)
            f->status.state = RUN_RUNNING;
        else if (list[i].kind == CONTROL_STOP)
            f->status.state = RUN_STOPPED;
        else if (list[i].kind == CONTROL_SET) {
            double *value = strcmp(list[i].key, "lr") == 0 ? &f->lr : &f->beta;
            snprintf(text, sizeof text, "%s %g -> %s", list[i].key, *value, list[i].value);
            text_to_double(list[i].value, value);
        }
        if (text[0] && run_writer_event(f->writer, clock_wall_ms(), step, "info", "set", text, &fault))
            die(&fault);
    }
}

static void save(struct fake *f, int64_t step)
{
    struct err fault = {0};
    char path[64];
    snprintf(path, sizeof path, "checkpoints/step-%lld", (long long)step);
    struct run_checkpoint c = {.step = step, .at_ms = clock_wall_ms(), .bytes = 1000000, .path = path};
    if (run_writer_checkpoint(f->writer, &c, &fault))
        die(&fault);
}

static void run(struct fake *f, double rate)
{
    struct err fault = {0};
    int64_t steps = f->status.total_steps, step = 0;
    double start = clock_seconds();
    while (step < steps && f->status.state != RUN_STOPPED) {
        int64_t until = rate > 0 ? step + (int64_t)fmax(1, rate / 10) : step + 5000;
        if (run_writer_begin(f->writer, &fault))
            die(&fault);
        apply_controls(f, step);
        for (; step < steps && step < until && f->status.state == RUN_RUNNING; step++) {
            write_step(f, step + 1);
            if ((step + 1) % (steps / 5 + 1) == 0)
                save(f, step + 1);
        }
        f->status.step = step;
        f->status.heartbeat_ms = clock_wall_ms();
        f->status.tokens_per_s = 5200;
        f->status.seconds_left = rate > 0 ? (double)(steps - step) / rate : 0;
        if (run_writer_status(f->writer, &f->status, &fault) || run_writer_commit(f->writer, &fault))
            die(&fault);
        if (rate > 0)
            nanosleep(&(struct timespec){.tv_nsec = 100000000 < (long)(1e9 / rate) ? 999999999 : 100000000}, NULL);
    }
    printf("%lld steps in %.2f s\n", (long long)step, clock_seconds() - start);
    if (f->status.state != RUN_STOPPED)
        f->status.state = RUN_DONE;
    f->status.ended_ms = clock_wall_ms();
    if (run_writer_begin(f->writer, &fault) || run_writer_status(f->writer, &f->status, &fault) ||
        run_writer_commit(f->writer, &fault))
        die(&fault);
}

int main(int argc, char **argv)
{
    struct err fault = {0};
    int64_t steps, seed = 1;
    double rate = 0;
    if (argc < 4 || !text_to_i64(argv[3], &steps) || steps < 1 || (argc > 4 && !text_to_double(argv[4], &rate)) ||
        (argc > 5 && !text_to_i64(argv[5], &seed))) {
        fprintf(stderr, "usage: fake_run PROJECT NAME STEPS [STEPS_A_SECOND [SEED]]\n");
        return 2;
    }
    struct fake f = {
        .rng = rng_make((uint64_t)seed, RNG_TEST, 0), .lr = 5e-5, .beta = 0.07 + 0.02 * (double)(seed % 5)};
    char *name;
    json_t *settings = json_pack("{s:f, s:f, s:i}", "lr", f.lr, "beta", f.beta, "steps", (int)steps);
    if (store_open(&f.store, argv[1], true, &fault) ||
        store_add_run(f.store, argv[2], "dpo", "models/fake", "data/fake.jsonl", settings, &name, &fault))
        die(&fault);
    char *dir = store_run_dir(f.store, name);
    f.name = name;
    if (run_writer_open(&f.writer, dir, &fault))
        die(&fault);
    f.status = (struct run_status){.state = RUN_RUNNING, .total_steps = steps, .started_ms = clock_wall_ms(),
                                   .phase = "training"};
    run_status_self(&f.status);
    run(&f, rate);
    run_writer_close(f.writer);
    store_close(f.store);
    json_decref(settings);
    free(dir);
    free(name);
    return 0;
}
