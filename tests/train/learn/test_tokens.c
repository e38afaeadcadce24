// Objectives that see each token of a response: what their source knows of the tokens reaches the loss, what the loss says
// of each goes back to policy and value network, and how the batch is cut changes nothing. The objective here is PPO's
// clipped surrogate with a squared error of the value (Schulman et al. 2017), as a test knows it.
#include "config.h"

#include "fixture.h"

#include "base/mem.h"
#include "train/learn/numbers.h"

static struct world world;

static int set_up(void **state)
{
    world_make(&world, "llama");
    return 0;
}

static int tear_down(void **state)
{
    world_remove(&world);
    return 0;
}

static const double CLIP = 0.2, VALUE_SHARE = 0.5;

static double clipped_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double loss = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < s[i].n; k++) {
            const struct token_numbers *t = &s[i].tokens;
            const double advantage = (double)t->columns[TOKEN_ADVANTAGE][k];
            const double ratio = exp((double)t->logp[k] - (double)t->columns[TOKEN_OLD_LOGP][k]);
            const double bounded = ratio < 1 - CLIP ? 1 - CLIP : ratio > 1 + CLIP ? 1 + CLIP : ratio;
            const bool is_clipped = bounded * advantage < ratio * advantage;
            loss -= (is_clipped ? bounded : ratio) * advantage;
            t->d_logp[k] = is_clipped ? 0 : -ratio * advantage;
            if (t->value) {
                const double off = (double)t->value[k] - (double)t->columns[TOKEN_REWARD][k];
                loss += VALUE_SHARE * off * off;
                t->d_value[k] = 2 * VALUE_SHARE * off;
            }
        }
    return loss;
}

static const struct param params[] = {{.name = "value-lr", .type = PARAM_FLOAT}, {0}}, none[] = {{0}};
static const struct objective clipped = {.name = "clipped", .data = DATA_PAIR, .loss = clipped_loss, .params = params,
                                         .needs = {.networks = NETWORK_VALUE | NETWORK_TOKEN_VALUE,
                                                   .columns = COLUMN_TOKENS}};

// A bench whose data know of every token what a rollout would, made up: old log-probabilities near the policy's.
static void make(struct bench *b, const char *settings)
{
    struct model *value;
    bench_make(b, &world, &(struct bench_options){.objective = "dpo", .steps = 20, .settings = settings});
    for (int c = 0; c < N_TOKEN_COLUMNS; c++)
        b->train.token_columns[c] = mem_alloc(b->train.n_tokens, sizeof(float));
    for (size_t i = 0; i < b->train.n_tokens; i++) {
        b->train.token_columns[TOKEN_OLD_LOGP][i] = -5.2f + 0.7f * (float)sin((double)i);
        b->train.token_columns[TOKEN_ADVANTAGE][i] = (float)cos(3.0 * (double)i);
        b->train.token_columns[TOKEN_REWARD][i] = (float)sin(0.3 * (double)i);
    }
    b->trainer->options.objective.objective = &clipped;
    b->trainer->options.objective.values[0] = 1e-3;
    assert_ok(model_load(&value, world.model_dir, b->ops, b->backend, LOAD_SCORE, e));
    float *head = mem_alloc((size_t)value->arch.d_embed, sizeof *head); // a zero one sends nothing back
    for (int i = 0; i < value->arch.d_embed; i++)
        head[i] = 0.4f * (float)cos(1.7 * i);
    b->ops->upload(b->backend, model_weight(value, T_SCORE_W, 0), head, (size_t)value->arch.d_embed * sizeof *head);
    free(head);
    assert_ok(model_set_trainable(value, TRAIN_ALL, e));
    assert_ok(trainer_add_value(b->trainer, value, e));
}

enum { GROUPS = 3 };

static double loss_of(struct bench *b, bool backward)
{
    struct trainer *t = b->trainer;
    struct objective_run *r = &t->options.objective;
    const struct reading reading = reading_for(r, NULL);
    const int groups[GROUPS] = {0, 1, 2};
    struct seq seqs[2 * GROUPS];
    double extra[OBJECTIVE_MAX_METRICS], loss = 0;
    assert_int_equal(pack_groups(&t->packed, &b->train, groups, GROUPS, 4096, reading.needs.networks), GROUPS);
    packed_start_tokens(&t->packed, &b->train, groups, GROUPS);
    assert_ok(decoder_forward(t->decoder, &t->packed.batch, backward, e));
    assert_ok(numbers_read(t->decoder, &t->packed, &b->train, groups, GROUPS, &reading, seqs, NULL, e));
    assert_ok(value_read(t->value, &b->train, groups, GROUPS, 4096, backward, seqs, e));
    for (int g = 0; g < GROUPS; g++)
        loss += objective_loss(r, seqs + 2 * g, 2, extra) / GROUPS;
    if (backward) {
        assert_ok(numbers_send(t->decoder, &t->packed, seqs, reading.needs, 1.0 / GROUPS, e));
        assert_ok(value_send(t->value, &b->train, groups, GROUPS, seqs, 1.0 / GROUPS, e));
    }
    return loss;
}

// Each tensor's gradient against the loss a step along it forwards and backwards.
static int check_gradients(struct bench *b, struct model *m, const char *which, double (*loss_of_all)(struct bench *, bool))
{
    const size_t bytes = m->n_floats * sizeof(float);
    float *grads = malloc(bytes), *weights = malloc(bytes), *moved = malloc(bytes);
    int n_checked = 0;
    b->ops->zero(b->backend, m->grads, bytes);
    loss_of_all(b, true);
    b->ops->download(b->backend, grads, m->grads, bytes);
    b->ops->download(b->backend, weights, m->weights, bytes);
    for (int k = 0; k < m->n_tensors; k++) {
        const struct tensor *t = &m->tensors[k];
        const size_t n = (size_t)t->rows * (size_t)t->cols;
        double norm = 0, ends[2];
        for (size_t i = 0; i < n; i++)
            norm += (double)grads[t->offset + i] * grads[t->offset + i];
        norm = sqrt(norm);
        if (norm < 0.05)
            continue;
        const double h = 1e-3;
        for (int down = 0; down < 2; down++) {
            memcpy(moved, weights, bytes);
            for (size_t i = 0; i < n; i++)
                moved[t->offset + i] += (float)((down ? -h : h) * grads[t->offset + i] / norm);
            b->ops->upload(b->backend, m->weights, moved, bytes);
            ends[down] = loss_of_all(b, false);
        }
        b->ops->upload(b->backend, m->weights, weights, bytes);
        const double slope = (ends[0] - ends[1]) / (2 * h);
        if (!(fabs(slope - norm) <= 0.02 * norm + 0.01))
            fail_msg("%s, tensor kind %d layer %d: slope %.6g, gradient %.6g", which, (int)t->kind, t->layer, slope, norm);
        n_checked++;
    }
    free(grads);
    free(weights);
    free(moved);
    return n_checked;
}

static void gradients_of_tokens_are_slopes_of_the_loss(void **state)
{
    struct bench b;
    make(&b, "batch-size=3");
    assert_true(check_gradients(&b, b.model, "policy", loss_of) > 10);
    assert_true(check_gradients(&b, b.trainer->value->model, "value network", loss_of) > 10);
    bench_free(&b);
}

// In pieces of a few responses, and evaluated in pieces: the same loss, and the same step but for rounding.
static void how_the_batch_is_cut_changes_nothing(void **state)
{
    struct step_result r[2];
    for (int i = 0; i < 2; i++) {
        struct bench b;
        make(&b, i ? "batch-size=8 max-batch-tokens=40" : "batch-size=8");
        struct trainer *t = b.trainer;
        struct objective_run *o = &t->options.objective;
        struct tally tally = {0};
        struct seq *seqs = mem_alloc((size_t)b.train.n_seqs, sizeof *seqs);
        int groups[8], first[9];
        assert_ok(trainer_step(t, &r[i], e));
        memcpy(groups, t->groups, sizeof groups);
        struct bench again; // before the step
        make(&again, i ? "batch-size=8 max-batch-tokens=40" : "batch-size=8");
        const struct reading reading = reading_for(o, NULL);
        assert_ok(forward_groups(again.trainer->decoder, &again.trainer->packed, &again.train, groups, 8,
                                 i ? 40 : 4096, &reading, seqs, NULL, e));
        assert_ok(value_read(again.trainer->value, &again.train, groups, 8, i ? 40 : 4096, false, seqs, e));
        score_groups(&again.trainer->options.objective, &again.train, groups, 8, seqs, first, &tally);
        assert_close(tally.loss / 8, r[i].loss, 1e-5 * fabs(r[i].loss));
        free(seqs);
        bench_free(&again);
        bench_free(&b);
    }
    assert_close(r[1].loss, r[0].loss, 1e-5 * fabs(r[0].loss));
    assert_close(r[1].grad_norm, r[0].grad_norm, 1e-3 * r[0].grad_norm);
    assert_close(metric_value(&r[1].metrics, "value_grad_norm"), metric_value(&r[0].metrics, "value_grad_norm"),
                 1e-3 * metric_value(&r[0].metrics, "value_grad_norm"));
}

// Each response has the columns of its own tokens, and the log-probabilities that its sum is of.
static void columns_are_those_of_the_response(void **state)
{
    struct bench b;
    enum { N = 5 };
    const int groups[N] = {4, 0, 7, 2, 1};
    struct seq seqs[2 * N];
    make(&b, "batch-size=4");
    const struct reading reading = reading_for(&b.trainer->options.objective, NULL);
    assert_ok(forward_groups(b.trainer->decoder, &b.trainer->packed, &b.train, groups, N, 60, &reading, seqs, NULL, e));
    for (int i = 0; i < 2 * N; i++) {
        const struct ds_seq *s = &b.train.seqs[b.train.groups[groups[i / 2]].first_seq + i % 2];
        double sum = 0;
        assert_int_equal(seqs[i].n, s->n);
        for (int k = 0; k < s->n; k++) {
            assert_close(seqs[i].tokens.columns[TOKEN_ADVANTAGE][k], (float)cos(3.0 * (double)(s->first + (size_t)k)), 0);
            sum += (double)seqs[i].tokens.logp[k];
        }
        assert_close(sum, seqs[i].logp, 1e-9);
    }
    bench_free(&b);
}

// ---- a number a response, or the same to each of its tokens ----

static double of_responses(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    for (int i = 0; i < n; i++)
        s[i].d_logp = i ? 0.25 : -0.5;
    return s[0].logp;
}

static double of_tokens(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < s[i].n; k++)
            s[i].tokens.d_logp[k] = i ? 0.25 : -0.5;
    return s[0].logp;
}

static void a_number_a_response_is_that_number_a_token(void **state)
{
    const struct objective both[2] = {{.name = "responses", .data = DATA_PAIR, .loss = of_responses, .params = none},
                                      {.name = "tokens", .data = DATA_PAIR, .loss = of_tokens, .params = none,
                                       .needs = {.columns = COLUMN_TOKENS}}};
    float *weights[2];
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        struct bench b;
        struct step_result r;
        bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 5, .settings = "batch-size=4 lr=0.01"});
        b.trainer->options.objective.objective = &both[i];
        for (int k = 0; k < 4; k++)
            assert_ok(trainer_step(b.trainer, &r, e));
        weights[i] = bench_weights(&b, &n);
        bench_free(&b);
    }
    assert_memory_equal(weights[0], weights[1], n * sizeof **weights);
    free(weights[0]);
    free(weights[1]);
}

// ---- what is said of the distribution that tokens were drawn from ----

// A response's tokens among what was left to draw from, each with a weight of its own, and its sum over the whole
// vocabulary.
static double among_sets(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double loss = 0;
    for (int i = 0; i < n; i++) {
        s[i].d_logp = 0.3 - 0.2 * i;
        loss += s[i].d_logp * s[i].logp;
        for (int k = 0; k < s[i].n; k++) {
            const double weight = cos(2.0 * k + i);
            loss += weight * (double)s[i].tokens.logp[k];
            s[i].tokens.d_logp[k] = weight;
        }
    }
    return loss;
}

static const struct objective drawn = {.name = "drawn", .data = DATA_PAIR, .loss = among_sets, .params = none,
                                       .needs = {.columns = COLUMN_TOKENS | COLUMN_SETS}};

// Of three tokens in a row: one is drawn from the whole vocabulary, one from itself alone, one from some.
static int make_set(const struct bench *b, size_t token, int32_t *ids)
{
    int n = 0;
    for (int32_t v = 0; token % 3 && v < b->model->arch.vocab_size; v++)
        if (v == b->train.tokens[token] || (token % 3 == 2 && (v + (int32_t)token) % 7 == 0))
            ids[n++] = v;
    return n;
}

static void make_drawn(struct bench *b, bool with_sets)
{
    bench_make(b, &world, &(struct bench_options){.objective = "dpo", .steps = 20, .settings = "batch-size=3"});
    int32_t *ids = mem_alloc((size_t)b->model->arch.vocab_size, sizeof *ids);
    for (size_t i = 5; with_sets && i < b->train.n_tokens; i++) {
        const int n = make_set(b, i, ids);
        if (n > 0)
            dataset_put_set(&b->train, i, ids, (size_t)n);
    }
    free(ids);
    b->trainer->options.objective.objective = &drawn;
    b->trainer->options.objective.inv_temperature = 1 / 0.7f;
}

static double drawn_loss(struct bench *b, struct seq *seqs, bool backward)
{
    struct trainer *t = b->trainer;
    const struct reading reading = reading_for(&t->options.objective, NULL);
    const int groups[GROUPS] = {0, 1, 2};
    double extra[OBJECTIVE_MAX_METRICS], loss = 0;
    assert_int_equal(pack_groups(&t->packed, &b->train, groups, GROUPS, 4096, 0), GROUPS);
    packed_start_tokens(&t->packed, &b->train, groups, GROUPS);
    assert_ok(decoder_forward(t->decoder, &t->packed.batch, backward, e));
    assert_ok(numbers_read(t->decoder, &t->packed, &b->train, groups, GROUPS, &reading, seqs, NULL, e));
    for (int g = 0; g < GROUPS; g++)
        loss += objective_loss(&t->options.objective, seqs + 2 * g, 2, extra);
    if (backward)
        assert_ok(numbers_send(t->decoder, &t->packed, seqs, reading.needs, 1, e));
    return loss;
}

// By the logits of each token's row, in double.
static void numbers_are_those_of_the_sets(void **state)
{
    struct bench b;
    struct seq seqs[2 * GROUPS];
    make_drawn(&b, true);
    drawn_loss(&b, seqs, false);
    const struct seq_batch *batch = &b.trainer->packed.batch;
    const size_t vocab = (size_t)b.model->arch.vocab_size;
    float *logits = mem_alloc((size_t)batch->n_targets * vocab, sizeof *logits);
    assert_ok(decoder_logits(b.trainer->decoder, batch->target_rows, batch->n_targets, logits, e));
    int n_with = 0, target = 0;
    for (int i = 0; i < 2 * GROUPS; i++) {
        const struct ds_seq *s = &b.train.seqs[b.train.groups[i / 2].first_seq + i % 2];
        double sum = 0;
        for (int k = 0; k < s->n; k++, target++) {
            const int32_t *ids = NULL;
            const size_t token = s->first + (size_t)k, n = dataset_set(&b.train, token, &ids);
            const float *l = logits + (size_t)target * vocab;
            double all = 0, left = 0;
            for (size_t v = 0; v < vocab; v++)
                all += exp((double)l[v] / 0.7);
            for (size_t v = 0; v < n; v++)
                left += exp((double)l[ids[v]] / 0.7);
            const double own = (double)l[b.train.tokens[token]] / 0.7;
            assert_true(token < 5 || (n > 0) == (token % 3 > 0));
            assert_close(seqs[i].tokens.full_logp[k], own - log(all), 3e-5);
            assert_close(seqs[i].tokens.logp[k], own - log(n ? left : all), 3e-5);
            assert_true(n || seqs[i].tokens.logp[k] == seqs[i].tokens.full_logp[k]);
            assert_true(n != 1 || seqs[i].tokens.logp[k] == 0);
            sum += (double)seqs[i].tokens.full_logp[k];
            n_with += n > 1;
        }
        assert_close(sum, seqs[i].logp, 1e-9);
    }
    assert_true(n_with > 5);
    free(logits);
    bench_free(&b);
}

static double drawn_slope(struct bench *b, bool backward)
{
    struct seq seqs[2 * GROUPS];
    return drawn_loss(b, seqs, backward);
}

static void gradients_through_sets_are_slopes_of_the_loss(void **state)
{
    for (int with_sets = 0; with_sets < 2; with_sets++) {
        struct bench b;
        make_drawn(&b, with_sets);
        assert_true(check_gradients(&b, b.model, with_sets ? "sets" : "temperature", drawn_slope) > 10);
        bench_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_sets),
        cmocka_unit_test(gradients_through_sets_are_slopes_of_the_loss),
        cmocka_unit_test(gradients_of_tokens_are_slopes_of_the_loss),
        cmocka_unit_test(columns_are_those_of_the_response),
        cmocka_unit_test(how_the_batch_is_cut_changes_nothing),
        cmocka_unit_test(a_number_a_response_is_that_number_a_token),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
