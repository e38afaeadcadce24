#include "config.h"

#include "ui/fixture.h"

#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"

char *project;

struct recipe {
    const char *name, *objective;
    enum run_state state;
    int64_t step, total;
    double beta, best_margin;
    const char *message;
};

static const struct recipe recipes[] = {
    {"sft-base", "sft", RUN_DONE, 400, 400, 0, 0, ""},
    {"dpo-1", "dpo", RUN_DONE, 2000, 2000, 0.1, 1.8, ""},
    {"dpo-wide-beta", "dpo", RUN_RUNNING, 1240, 2000, 0.3, 1.2, ""},
    {"dpo-2", "dpo", RUN_PAUSED, 960, 2000, 0.1, 2.4, ""},
    {"dpo-hot", "dpo", RUN_FAILED, 311, 2000, 0.1, 0.3,
     "the loss is not finite at step 311 (lr 0.1): resume with a smaller learning rate"},
    {"rm-1", "rm", RUN_DEAD, 77, 500, 0, 0.9, ""},
    {"dpo-next", "dpo", RUN_QUEUED, 0, 0, 0.1, 0, ""},
};
enum { N_RECIPES = sizeof recipes / sizeof *recipes };

static void put(struct run_writer *w, const char *key, int64_t step, double value)
{
    assert_ok(run_writer_metric(w, key, step, value, e));
}

static void write_points(struct run_writer *w, const struct recipe *r, int index, int n_points)
{
    struct rng noise = rng_make(7, RNG_TEST, (uint32_t)index);
    assert_ok(run_writer_begin(w, e));
    for (int i = 1; i <= n_points; i++) {
        int64_t step = r->step * i / n_points;
        double x = (double)step / (double)(r->total ? r->total : 1), rise = 1 - exp(-3 * x);
        double wobble = rng_normal(&noise) * 0.05;
        bool pairs = strcmp(r->objective, "sft") != 0;
        put(w, "loss", step, r->state == RUN_FAILED && i == n_points ? NAN : 0.693 - 0.2 * rise + wobble * 0.3);
        put(w, "lr", step, 1e-4 * (1 - x));
        if (!pairs)
            continue;
        put(w, "rewards/margins", step, r->best_margin * rise + wobble);
        put(w, "rewards/chosen", step, r->best_margin * rise * 0.3 + wobble);
        put(w, "rewards/rejected", step, -r->best_margin * rise * 0.7 + wobble);
        put(w, "rewards/accuracies", step, 0.5 + 0.25 * rise + wobble * 0.2);
        put(w, "kl", step, 4 * rise * r->best_margin / 2 + fabs(wobble));
        put(w, "completions/mean_length", step, 190 + 20 * rise + wobble * 10);
    }
    assert_ok(run_writer_commit(w, e));
}

// Tokens of five bytes, which end inside of characters, too, and the end of the response.
static void add_credits(struct run_sample *sample)
{
    static const double rewards[] = {0.4, -0.02, -0.5, 0.1, 1, -1.2, 0, 0.7};
    const int n = (int)strlen(sample->response), size = 5;
    sample->credits = mem_alloc((size_t)n, sizeof *sample->credits);
    for (int at = 0; at < n; at += size)
        sample->credits[sample->n_credits++] = (struct run_credit){n - at < size ? n - at : size, rewards[at / size % 8]};
    sample->credits[sample->n_credits++] = (struct run_credit){0, -0.3};
}

static void write_texts(struct run_writer *w, const struct recipe *r)
{
    static const char *const responses[] = {
        "The fox waited by the river until the moon came up.\nThen it went home, tired and content.",
        "\033[31mred\033[0m and \007 bell: a sample may hold anything, it is only shown.",
        "\xe7\x8b\x90\xe3\x81\xaf\xe5\xb7\x9d\xe3\x81\xa7\xe5\xbe\x85\xe3\x81\xa3\xe3\x81\x9f\xe3\x80\x82 A wide one, "
        "and a broken byte \xff here.",
    };
    int64_t at = (int64_t)FIXTURE_CLOCK * 1000 - 3600000;
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_event(w, at, 0, "info", "start", "training starts on cpu, 2 threads", e));
    for (int i = 0; i < 12; i++) {
        struct run_sample sample = {.at_ms = at + i * 60000, .step = r->step * (i + 1) / 12,
                                    .prompt = "Tell me about the fox by the river.",
            .response = (char *)responses[i % 3], .logp = -20.5 - i, .reward = i % 4 == 3 ? NAN : 0.25 * i};
        add_credits(&sample);
        assert_ok(run_writer_sample(w, &sample, e));
        free(sample.credits);
    }
    assert_ok(run_writer_event(w, at + 600000, r->step / 2, "info", "checkpoint", "checkpoint at the middle, 1.2 MiB", e));
    assert_ok(run_writer_event(w, at + 660000, r->step / 2, "info", "control", "lr set to 5e-05", e));
    assert_ok(run_writer_event(w, at + 700000, r->step * 2 / 3, "warn", "gradient",
                               "the gradient's norm 41.2 was clipped to 1 for 20 steps in a row; a smaller learning "
                               "rate may learn more", e));
    if (r->state == RUN_FAILED)
        assert_ok(run_writer_event(w, at + 800000, r->step, "error", "nonfinite", r->message, e));
    assert_ok(run_writer_commit(w, e));
}

static void write_status(struct run_writer *w, const struct recipe *r)
{
    struct run_status s = {.state = r->state == RUN_DEAD ? RUN_RUNNING : r->state, .step = r->step, .total_steps = r->total,
                           .heartbeat_ms = (int64_t)FIXTURE_CLOCK * 1000,
                           .started_ms = (int64_t)FIXTURE_CLOCK * 1000 - 3600000};
    run_status_self(&s);
    if (r->state == RUN_DEAD)
        s.pid_start = 1; // a process of this number that started at another time: not this one
    if (run_state_is_live(r->state)) {
        s.tokens_per_s = 5230;
        s.seconds_left = 245;
    }
    text_copy(s.message, sizeof s.message, r->message);
    assert_ok(run_writer_status(w, &s, e));
}

static void set_clock(int64_t seconds)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)seconds);
    setenv("ATTUNE_CLOCK", text, 1);
}

static struct run_writer *add_run(struct store *s, const char *name, const char *objective, double beta)
{
    struct run_writer *w;
    char *given, *dir;
    json_t *settings = json_pack("{s:f, s:i}", "lr", 1e-4, "seed", 1);
    if (beta > 0)
        json_object_set_new(settings, "beta", json_real(beta));
    assert_ok(store_add_run(s, name, objective, "/models/stories260K", "/data/pairs.jsonl", settings, &given, e));
    json_decref(settings);
    dir = store_run_dir(s, given);
    w = NULL;
    if (strcmp(name, "dpo-next") != 0)
        assert_ok(run_writer_open(&w, dir, e));
    free(dir);
    free(given);
    return w;
}

char *fixture_project(int n_points)
{
    struct store *s;
    char *dir = test_folder();
    set_clock(FIXTURE_CLOCK - 7200);
    assert_ok(store_open(&s, dir, true, e));
    for (int i = 0; i < N_RECIPES; i++) {
        const struct recipe *r = recipes + i;
        set_clock(FIXTURE_CLOCK - 7200 + i * 900);
        struct run_writer *w = add_run(s, r->name, r->objective, r->beta);
        if (w) {
            write_points(w, r, i, n_points);
            write_texts(w, r);
            write_status(w, r);
            run_writer_close(w);
        }
    }
    store_close(s);
    set_clock(FIXTURE_CLOCK);
    return dir;
}

char *fixture_online(int n_points)
{
    static const struct recipe rloo = {"rloo-1", "rloo", RUN_RUNNING, 1240, 2000, 0.05, 0, ""};
    struct store *s;
    char *dir = test_folder();
    set_clock(FIXTURE_CLOCK - 7200);
    assert_ok(store_open(&s, dir, true, e));
    struct run_writer *w = add_run(s, rloo.name, rloo.objective, rloo.beta);
    assert_ok(run_writer_begin(w, e));
    for (int i = 1; i <= n_points; i++) {
        const int64_t step = rloo.step * i / n_points;
        const double rise = 1 - exp(-3.0 * i / n_points), wobble = sin(i * 1.7);
        put(w, "reward", step, 2 * rise + 0.1 * wobble);
        put(w, "rollout/sample_s", step, 16.2 + 0.1 * wobble);
        put(w, "rollout/wait_s", step, 16.2 + 0.1 * wobble);
        put(w, "rollout/tokens_per_s", step, 12300 - 200 * wobble);
        put(w, "loss", step, 0.05 * wobble);
        put(w, "step_s", step, 30);
    }
    assert_ok(run_writer_commit(w, e));
    write_status(w, &rloo);
    run_writer_close(w);
    store_close(s);
    set_clock(FIXTURE_CLOCK);
    return dir;
}

void fixture_step(struct run_writer *w, int run, int64_t step)
{
    double x = (double)step / 2000;
    struct run_status s = {.state = RUN_RUNNING, .step = step, .total_steps = 100000,
                           .heartbeat_ms = (int64_t)FIXTURE_CLOCK * 1000,
        .tokens_per_s = 5000 + 13.0 * (double)(step % 7), .seconds_left = (100000 - (double)step) / 10};
    run_status_self(&s);
    assert_ok(run_writer_begin(w, e));
    put(w, "loss", step, 0.693 - 0.2 * (1 - exp(-x)) + 0.01 * sin((double)step * 1.7 + run));
    put(w, "rewards/margins", step, (1 + 0.1 * run) * (1 - exp(-x)) + 0.05 * sin((double)step * 2.3 + run));
    put(w, "kl", step, 2 * (1 - exp(-x)) + 0.05 * cos((double)step + run));
    assert_ok(run_writer_status(w, &s, e));
    assert_ok(run_writer_commit(w, e));
}

char *fixture_live(int n, int n_points, struct run_writer **writers)
{
    struct store *s;
    char *dir = test_folder();
    set_clock(FIXTURE_CLOCK);
    assert_ok(store_open(&s, dir, true, e));
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "live-%d", i + 1);
        writers[i] = add_run(s, name, "dpo", 0.1);
        assert_ok(run_writer_begin(writers[i], e));
        for (int k = 1; k < n_points; k++) {
            put(writers[i], "loss", k, 0.693 - 0.2 * (1 - exp(-k / 2000.0)) + 0.01 * sin(k * 1.7 + i));
            put(writers[i], "rewards/margins", k, (1 + 0.1 * i) * (1 - exp(-k / 2000.0)) + 0.05 * sin(k * 2.3 + i));
            put(writers[i], "kl", k, 2 * (1 - exp(-k / 2000.0)) + 0.05 * cos(k + i));
        }
        assert_ok(run_writer_commit(writers[i], e));
        fixture_step(writers[i], i, n_points);
    }
    store_close(s);
    return dir;
}

char *fixture_many(int n, int n_points)
{
    struct store *s;
    char *dir = test_folder();
    assert_ok(store_open(&s, dir, true, e));
    for (int i = 0; i < n; i++) {
        const struct run_status status = {.state = RUN_DONE, .step = n_points, .total_steps = n_points};
        char name[32];
        snprintf(name, sizeof name, "many-%d", i + 1);
        struct run_writer *w = add_run(s, name, i % 3 ? "dpo" : "ipo", 0.1 * (i % 5 + 1));
        assert_ok(run_writer_begin(w, e));
        for (int k = 1; k <= n_points; k++) {
            put(w, "loss", k, 0.693 - 0.2 * (1 - exp(-k / 20.0)) + 0.01 * sin(k * 1.7 + i));
            put(w, "rewards/margins", k, (1 + 0.001 * i) * (1 - exp(-k / 20.0)));
        }
        assert_ok(run_writer_status(w, &status, e));
        assert_ok(run_writer_commit(w, e));
        run_writer_close(w);
    }
    store_close(s);
    return dir;
}

int fixture_set_up(void **state)
{
    project = fixture_project(300);
    return 0;
}

int fixture_tear_down(void **state)
{
    assert_ok(file_remove_tree(project, e));
    free(project);
    return 0;
}
