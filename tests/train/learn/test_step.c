// What one training step does, number by number: the gradient it follows, how far it goes, and what it leaves when it fails.
// With eps far above rounding a first update is -lr g / (|g| + eps), so that the gradient can be read from the weights.
#include "config.h"

#include "fixture.h"

#include "train/learn/value.h"

static struct world world;

enum { POLICY, VALUE };

static struct model *model_of(const struct bench *b, int which)
{
    return which == VALUE ? b->trainer->value->model : b->model;
}

// All that is trained of one of the two networks; heap.
static float *weights_of(const struct bench *b, int which, size_t *n)
{
    struct param_block blocks[2];
    const struct model *m = model_of(b, which);
    assert_int_equal(model_param_blocks(m, blocks), 1);
    float *all = malloc(blocks[0].n * sizeof *all);
    b->ops->download(b->backend, all, blocks[0].weights, blocks[0].n * sizeof *all);
    *n = blocks[0].n;
    return all;
}

static void move_weights(struct bench *b, int which, const double *direction, double by)
{
    struct param_block blocks[2];
    size_t n;
    float *w = weights_of(b, which, &n);
    for (size_t i = 0; i < n; i++)
        w[i] += (float)(by * direction[i]);
    model_param_blocks(model_of(b, which), blocks);
    b->ops->upload(b->backend, blocks[0].weights, w, n * sizeof *w);
    b->ops->weights_changed(b->backend);
    free(w);
}

// Away from the reference, and from scores of zero: there some slopes vanish. Padding stays zero.
static void nudge(struct bench *b, int which)
{
    const struct model *m = model_of(b, which);
    double *direction = calloc(m->n_floats, sizeof *direction);
    for (int i = 0; i < m->n_tensors; i++)
        for (size_t k = 0; k < (size_t)m->tensors[i].rows * (size_t)m->tensors[i].cols; k++)
            direction[m->tensors[i].offset + k] = sin(1.7 * (double)k + i);
    move_weights(b, which, direction, 0.01);
    free(direction);
}

static double norm_of(const double *g, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += g[i] * g[i];
    return sqrt(sum);
}

// ---- the gradient that a step follows ----

static const char readable[] = "lr=1 eps=0.1 batch-size=4";

static void make_readable(struct bench *b, const char *objective, const char *more)
{
    char settings[160];
    snprintf(settings, sizeof settings, "%s %s", readable, more);
    bench_make(b, &world, &(struct bench_options){.objective = objective, .settings = settings, .steps = 8});
    for (int which = POLICY; which <= (b->trainer->value ? VALUE : POLICY); which++)
        nudge(b, which);
}

// Makes the first step and reads the gradient from what it did; heap.
static double *step_gradient(struct bench *b, int which, struct step_result *r, size_t *n)
{
    float *before = weights_of(b, which, n);
    assert_ok(trainer_step(b->trainer, r, e));
    float *after = weights_of(b, which, n);
    double *g = malloc(*n * sizeof *g);
    for (size_t i = 0; i < *n; i++) {
        const double x = (double)after[i] - (double)before[i];
        g[i] = -0.1 * x / (1 - fabs(x));
    }
    free(before);
    free(after);
    return g;
}

static const struct pulled {
    const char *objective, *settings, *norm;
    int which;
} pulled[] = {{"sft", "", "grad_norm", POLICY},
              {"sft", "reduction=sequence", "grad_norm", POLICY},
              {"dpo", "beta=0.5", "grad_norm", POLICY},
              {"dpo", "beta=0.5 ld-alpha=0.3", "grad_norm", POLICY},
              {"rm", "", "grad_norm", POLICY},
              {"tdpo1", "beta=0.5", "grad_norm", POLICY},
              {"npo", "retain-kl=1000", "grad_norm", POLICY},
              {"cringe", "", "grad_norm", POLICY},
              {"dro-v", "tau=1 value-lr=1", "value_grad_norm", VALUE}};
enum { N_PULLED = sizeof pulled / sizeof *pulled };

static double loss_beside(const struct pulled *p, const double *direction, double by)
{
    struct bench b;
    struct step_result r;
    make_readable(&b, p->objective, p->settings);
    move_weights(&b, p->which, direction, by);
    assert_ok(trainer_step(b.trainer, &r, e));
    bench_free(&b);
    return r.loss;
}

// The mean over the batch's groups is what goes down, and the norm that is logged is that of its gradient.
static void the_gradient_is_the_slope_of_the_logged_loss(void **state)
{
    for (int i = 0; i < N_PULLED; i++) {
        const struct pulled *p = &pulled[i];
        struct bench b;
        struct step_result r;
        size_t n;
        char settings[80];
        snprintf(settings, sizeof settings, "%s clip=0", p->settings);
        make_readable(&b, p->objective, settings);
        double *g = step_gradient(&b, p->which, &r, &n);
        const double norm = norm_of(g, n);
        assert_true(norm > 1e-3);
        assert_close(metric_value(&r.metrics, p->norm), norm, 1e-3 * norm);
        for (size_t k = 0; k < n; k++)
            g[k] /= norm;
        const double h = 0.01, slope = (loss_beside(p, g, h) - loss_beside(p, g, -h)) / (2 * h);
        assert_close(slope, norm, 0.02 * norm);
        free(g);
        bench_free(&b);
    }
}

// Each network by its own norm; gradients below it are left as they are.
static void gradients_are_clipped_to_the_norm_that_was_asked_for(void **state)
{
    for (int i = 0; i < N_PULLED; i++)
        for (int wide = 0; wide < 2; wide++) {
            struct bench b;
            struct step_result r;
            size_t n;
            char settings[80];
            const double clip = wide ? 1000 : 0.02;
            snprintf(settings, sizeof settings, "%s clip=%g", pulled[i].settings, clip);
            make_readable(&b, pulled[i].objective, settings);
            double *g = step_gradient(&b, pulled[i].which, &r, &n);
            const double full = metric_value(&r.metrics, pulled[i].norm);
            assert_true(full > 0.04);
            assert_close(norm_of(g, n), wide ? full : clip, 1e-3 * (wide ? full : clip));
            free(g);
            bench_free(&b);
        }
}

// ---- what the value network reads ----

// All of the prompt up to its last token, and nothing of the responses.
static void a_value_reads_the_whole_prompt_and_no_response(void **state)
{
    struct bench b;
    struct seq seqs[8];
    int groups[] = {2, 5};
    bench_make(&b, &world, &(struct bench_options){.objective = "dro-v", .steps = 8});
    struct value_net *v = b.trainer->value;
    float ones[32];
    for (int i = 0; i < 32; i++)
        ones[i] = i % 2 ? 1 : -0.5f;
    b.ops->upload(b.backend, model_weight(v->model, T_SCORE_W, 0), ones, sizeof ones);
    b.ops->weights_changed(b.backend);
    assert_ok(value_read(v, &b.train, groups, 2, 64, false, seqs, e));
    const double before[] = {seqs[0].value, seqs[1].value};
    assert_true(fabs(before[0]) > 1e-4 && fabs(before[0] - before[1]) > 1e-5);
    for (int g = 0; g < 2; g++) {
        const struct ds_group *group = &b.train.groups[groups[g]];
        const size_t places[] = {group->prompt, group->prompt + (size_t)group->n_prompt - 1,
                                 b.train.seqs[group->first_seq].first};
        for (int i = 0; i < 3; i++) {
            const int32_t was = b.train.tokens[places[i]];
            b.train.tokens[places[i]] = (was + 7) % 320;
            assert_ok(value_read(v, &b.train, groups, 2, 64, false, seqs, e));
            b.train.tokens[places[i]] = was;
            if (i < 2)
                assert_true(fabs(seqs[g].value - before[g]) > 1e-5);
            else
                assert_true(seqs[g].value == before[g]);
            assert_true(seqs[1 - g].value == before[1 - g]);
        }
    }
    // One by one, in pieces of two or three prompts, or all at once.
    static const int many[] = {7, 2, 0, 5, 9, 1, 4, 3, 8};
    double alone[9];
    int n_prompt = 0;
    for (int i = 0; i < 9; i++) {
        assert_ok(value_read(v, &b.train, &many[i], 1, 1, false, seqs, e));
        alone[i] = seqs[0].value;
        n_prompt = b.train.groups[many[i]].n_prompt > n_prompt ? b.train.groups[many[i]].n_prompt : n_prompt;
    }
    for (int pieces = 2; pieces <= 9; pieces++) {
        struct seq all[9] = {0};
        assert_ok(value_read(v, &b.train, many, 9, pieces * n_prompt, false, all, e));
        for (int i = 0; i < 9; i++)
            assert_close(all[i].value, alone[i], 1e-5);
    }
    // What an evaluation logs is the mean of what it reads there.
    struct metric_list list;
    double mean = 0;
    for (int g = 0; g < b.held_out.n_groups; g++) {
        assert_int_equal(b.held_out.groups[g].n_seqs, 1);
        assert_ok(value_read(v, &b.held_out, &g, 1, 64, false, seqs, e));
        mean += seqs[0].value / b.held_out.n_groups;
    }
    bench_evaluate(&b, &list);
    assert_close(metric_value(&list, "eval/value"), mean, 1e-5);
    bench_free(&b);
}

// ---- how far a step goes ----

// As if the next update were the first: it then moves whatever feels a gradient by the learning rate.
static void forget_moments(struct optimizer *o)
{
    o->t = 0;
    for (int i = 0; i < o->n_blocks; i++) {
        o->model->ops->zero(o->model->backend, o->m[i], o->blocks[i].n * sizeof(float));
        o->model->ops->zero(o->model->backend, o->v[i], o->blocks[i].n * sizeof(float));
    }
}

static double farthest(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static void steps_go_as_far_as_the_schedule_says(void **state)
{
    static const double factors[] = {0.5, 1, 1, 0.75, 0.5, 0.25}; // linear, two steps of warm-up
    static const char settings[] = "lr=0.01 value-lr=0.02 eps=1e-16 schedule=linear warmup=2 tau=1";
    struct bench b;
    bench_make(&b, &world, &(struct bench_options){.objective = "dro-v", .settings = settings, .steps = 6});
    for (int k = 0; k < 6; k++) {
        struct step_result r;
        size_t n, n_value;
        float *policy = weights_of(&b, POLICY, &n), *value = weights_of(&b, VALUE, &n_value);
        forget_moments(&b.trainer->optimizer);
        forget_moments(&b.trainer->value->optimizer);
        assert_ok(trainer_step(b.trainer, &r, e));
        float *policy_now = weights_of(&b, POLICY, &n), *value_now = weights_of(&b, VALUE, &n_value);
        assert_close(r.lr, 0.01 * factors[k], 1e-12);
        assert_close(metric_value(&r.metrics, "lr"), 0.01 * factors[k], 1e-12);
        assert_close(farthest(policy_now, policy, n), 0.01 * factors[k], 1e-6);
        assert_close(farthest(value_now, value, n_value), 0.02 * factors[k], 1e-6);
        free(policy);
        free(value);
        free(policy_now);
        free(value_now);
    }
    bench_free(&b);
}

// Shrinking takes lr * l1 of the same learning rate as the update.
static void the_proximal_step_follows_the_schedule(void **state)
{
    struct bench b;
    struct step_result r;
    size_t n;
    static const char settings[] = "lr=0.01 l1=0.25 eps=1e-16 schedule=linear warmup=2";
    bench_make(&b, &world, &(struct bench_options){.objective = "sft", .settings = settings, .steps = 6});
    float *before = weights_of(&b, POLICY, &n);
    assert_ok(trainer_step(b.trainer, &r, e));
    float *after = weights_of(&b, POLICY, &n);
    assert_close(farthest(after, before, n), 0.01 * 0.5 * 0.75, 1e-6);
    free(before);
    free(after);
    bench_free(&b);
}

// ---- a step that fails ----

static double (*inner_loss)(const struct objective_run *, struct seq *, int, double *);
static int calls_left; // until the loss (or the slope) of a group is not finite; negative: never
static bool slope_alone;

static double stumbling_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double loss = inner_loss(r, s, n, metrics);
    if (calls_left < 0 || calls_left-- > 0)
        return loss;
    if (!slope_alone)
        return INFINITY;
    for (int i = 0; i < n; i++)
        s[i].d_logp = s[i].d_value = INFINITY;
    return loss;
}

// A later micro-batch fails when earlier ones have left gradients; or the loss is finite and its slope is not.
static void a_failed_step_leaves_no_trace(void **state)
{
    static const char *const rows[] = {"dpo", "bco", "beta-dpo", "dro-v"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int slope = 0; slope < 2; slope++) {
            struct bench fell, never;
            struct step_result r, same;
            struct err fault = {0};
            size_t n, m;
            const struct bench_options o = {.objective = rows[i], .settings = "lr=0.003 max-batch-tokens=30", .steps = 8};
            bench_make(&fell, &world, &o);
            bench_make(&never, &world, &o);
            struct objective stumbling = *fell.trainer->options.objective.objective;
            inner_loss = stumbling.loss;
            stumbling.loss = stumbling_loss;
            fell.trainer->options.objective.objective = &stumbling;
            calls_left = -1;
            for (int k = 0; k < 2; k++) {
                assert_ok(trainer_step(fell.trainer, &r, e));
                assert_ok(trainer_step(never.trainer, &same, e));
            }
            double *remembered = fell.trainer->options.objective.state;
            double before[OBJECTIVE_MAX_STATE];
            memcpy(before, remembered, sizeof before);
            calls_left = 3;
            slope_alone = slope;
            assert_int_equal(trainer_step(fell.trainer, &r, &fault), ERR_NUMERIC);
            assert_non_null(strstr(fault.text, slope ? "the gradients of step 3" : "the loss of step 3"));
            assert_int_equal(fell.trainer->step, 2);
            assert_memory_equal(remembered, before, sizeof before);
            assert_true(optimizer_grad_norm(&fell.trainer->optimizer) == 0);
            if (fell.trainer->value)
                assert_true(optimizer_grad_norm(&fell.trainer->value->optimizer) == 0);
            calls_left = -1; // and made again it is the step of the run that never failed
            assert_ok(trainer_step(fell.trainer, &r, e));
            assert_ok(trainer_step(never.trainer, &same, e));
            assert_true(r.loss == same.loss && r.grad_norm == same.grad_norm);
            float *x = weights_of(&fell, POLICY, &n), *y = weights_of(&never, POLICY, &m);
            assert_memory_equal(x, y, n * sizeof *x);
            free(x);
            free(y);
            if (fell.trainer->value) {
                x = weights_of(&fell, VALUE, &n);
                y = weights_of(&never, VALUE, &m);
                assert_memory_equal(x, y, n * sizeof *x);
                free(x);
                free(y);
            }
            bench_free(&fell);
            bench_free(&never);
        }
}

// ---- evaluation ----

static void counting_prepare(struct objective_run *r, struct seq *seqs, const int *first, int n_groups)
{
    r->state[0] += 1;
    r->values[0] *= 2;
}

// Whatever an objective's prepare() does, an evaluation changes nothing that the next step reads.
static void an_evaluation_moves_nothing_of_the_objective(void **state)
{
    struct bench b;
    struct metric_list list;
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .settings = "beta=0.5", .steps = 8});
    struct objective counting = *b.trainer->options.objective.objective;
    counting.prepare = counting_prepare;
    b.trainer->options.objective.objective = &counting;
    bench_evaluate(&b, &list);
    bench_evaluate(&b, &list);
    assert_true(b.trainer->options.objective.state[0] == 0);
    assert_true(b.trainer->options.objective.values[0] == 0.5);
    assert_false(b.trainer->options.objective.held_out);
    assert_int_equal(b.trainer->step, 0);
    bench_free(&b);
}

// Random numbers of an evaluation are of the run's seed and the trainer's step, whatever step has been made last.
static void an_evaluation_draws_by_seed_and_step(void **state)
{
    struct bench b;
    struct metric_list first, again;
    bench_make(&b, &world, &(struct bench_options){.objective = "cringe", .settings = "k=20 seed=5", .steps = 8});
    bench_evaluate(&b, &first);
    b.trainer->options.objective.seed = 99;
    b.trainer->options.objective.step = 77;
    bench_evaluate(&b, &again);
    assert_true(metric_value(&first, "eval/loss") == metric_value(&again, "eval/loss"));
    b.trainer->options.seed = 6;
    bench_evaluate(&b, &again);
    assert_true(metric_value(&first, "eval/loss") != metric_value(&again, "eval/loss"));
    b.trainer->options.seed = 5;
    b.trainer->step = 3;
    bench_evaluate(&b, &again);
    assert_true(metric_value(&first, "eval/loss") != metric_value(&again, "eval/loss"));
    bench_free(&b);
}

// What an objective knows of the training data alone is what held-out data are judged by.
static void evaluations_use_what_training_has_learnt(void **state)
{
    static const struct {
        const char *objective, *metric;
        int state;
    } rows[] = {{"bco", "eval/delta", 1}, {"beta-dpo", "eval/gap_mean", 0}, {"beta-dpo", "eval/gap_std", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;
        struct step_result r;
        struct metric_list list;
        bench_make(&b, &world, &(struct bench_options){.objective = rows[i].objective, .steps = 8});
        for (int k = 0; k < 3; k++)
            assert_ok(trainer_step(b.trainer, &r, e));
        const double known = b.trainer->options.objective.state[rows[i].state];
        assert_true(fabs(known) > 1e-6);
        bench_evaluate(&b, &list);
        assert_close(metric_value(&list, rows[i].metric), known, 1e-12 * fabs(known));
        assert_true(b.trainer->options.objective.state[rows[i].state] == known);
        bench_free(&b);
    }
}

// Answers of different lengths, now the chosen one and now the other being the longer.
static void write_pairs(void)
{
    static const char *const good[] = {" is kind and warm.", " was a joy to see and is bright today.",
                                       " made us all smile."};
    static const char *const bad[] = {" is lost again and made a bad noise.", " is cold.", " is lost, cold and dull."};
    struct str text = {0};
    for (int i = 0; i < 80; i++)
        str_addf(&text, "{\"prompt\": \"Day %d: the river\", \"chosen\": \"%s\", \"rejected\": \"%s\"}\n", i + 1,
                 good[i % 3], bad[i / 3 % 3]);
    assert_ok(file_write(world.pairs_path, str_text(&text), text.len, e));
    str_fini(&text);
}

static int make_world(void **state)
{
    world_make(&world, "llama");
    write_pairs();
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_the_slope_of_the_logged_loss),
        cmocka_unit_test(gradients_are_clipped_to_the_norm_that_was_asked_for),
        cmocka_unit_test(a_value_reads_the_whole_prompt_and_no_response),
        cmocka_unit_test(steps_go_as_far_as_the_schedule_says),
        cmocka_unit_test(the_proximal_step_follows_the_schedule),
        cmocka_unit_test(a_failed_step_leaves_no_trace),
        cmocka_unit_test(an_evaluation_moves_nothing_of_the_objective),
        cmocka_unit_test(an_evaluation_draws_by_seed_and_step),
        cmocka_unit_test(evaluations_use_what_training_has_learnt),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
