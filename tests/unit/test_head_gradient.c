// What objectives read of the head beyond log-probabilities, through a whole model: the numbers against a plain decoder
// in double precision, and the gradient of each such objective's loss against central differences of it. What
// objectives hold without gradient (gates, weights, the chosen response's KL) stays in the differences what it was.
//
// Bounds: numbers within 2e-5 (single precision, sums of some ten tokens); slopes as in test_decoder_gradient, 5e-5 of
// the tensor's largest component times the direction's length.
#include "config.h"

#include "testing.h"

#include "base/rng.h"
#include "golden_decoder.h"
#include "objective_batch.h"
#include "reference_decoder.h"
#include "train/learn/numbers.h"
#include "train/objective/stable.h"
#include "train/objective/weighting.h"

static const double STEP = 1e-5, BOUND = 5e-5;
enum { N_PAIRS = 3, N_TEXTS = 2 * N_PAIRS, MAX_TEXT = 32, MAX_TARGETS = 64, N_SINGLE = 1 };

static struct golden golden;
static const struct backend_ops *cpu;
static struct backend *backend;

static int set_up(void **state)
{
    golden_open(&golden);
    cpu = backend_find("cpu");
    assert_ok(cpu->open(&backend, &(struct backend_options){.n_threads = 2}, e));
    return 0;
}

static int tear_down(void **state)
{
    cpu->close(backend);
    golden_close(&golden);
    return 0;
}

// The golden responses as pairs of different lengths.
static void make_pairs(struct dataset *d)
{
    static const int choice[N_PAIRS][3] = {{0, 0, 1}, {1, 0, 1}, {1, 2, 0}};
    *d = (struct dataset){.tokens = mem_alloc(N_TEXTS * MAX_TEXT, sizeof *d->tokens),
                          .groups = mem_alloc(N_PAIRS, sizeof *d->groups), .seqs = mem_alloc(N_TEXTS, sizeof *d->seqs)};
    for (int g = 0; g < N_PAIRS; g++) {
        const struct pack_group *from = &golden.groups[choice[g][0]];
        d->groups[d->n_groups++] = (struct ds_group){.prompt = d->n_tokens, .n_prompt = from->n_prompt,
                                                     .first_seq = d->n_seqs, .n_seqs = 2};
        memcpy(d->tokens + d->n_tokens, from->prompt, (size_t)from->n_prompt * sizeof *d->tokens);
        d->n_tokens += (size_t)from->n_prompt;
        for (int i = 0; i < 2; i++) {
            const int n = from->n_response[choice[g][i + 1]];
            d->seqs[d->n_seqs++] = (struct ds_seq){.first = d->n_tokens, .n = n, .label = i == 0};
            memcpy(d->tokens + d->n_tokens, from->responses[choice[g][i + 1]], (size_t)n * sizeof *d->tokens);
            d->n_tokens += (size_t)n;
        }
    }
}

// Everything of one check. Plain numbers come from `policy` and the logits of the start.
struct check {
    struct model *m;
    struct dataset data;
    struct packed packed;
    struct decoder *decoder;
    struct live_reference *live;
    struct reference policy;
    double *start[N_TEXTS]; // (tokens of the text, vocabulary)
    int32_t rivals[MAX_TARGETS];
    struct objective_run run;
    struct seq have[N_TEXTS], base[N_TEXTS]; // read by the engine; plain, at the model's weights
    double share; // of the sum of the groups' losses
};

static int text_of(const struct dataset *d, int seq, int32_t *ids)
{
    const struct ds_group *g = &d->groups[seq / 2];
    const struct ds_seq *s = &d->seqs[seq];
    memcpy(ids, d->tokens + g->prompt, (size_t)g->n_prompt * sizeof *ids);
    memcpy(ids + g->n_prompt, d->tokens + s->first, (size_t)s->n * sizeof *ids);
    return g->n_prompt + s->n;
}

static void add_token(const struct check *c, struct seq *s, const double *l, const double *q, int target, int rival,
                      double weight)
{
    const int vocab = c->m->arch.vocab_size;
    const double lse = ref_log_sum_exp(l, vocab), start_lse = ref_log_sum_exp(q, vocab);
    double squares = 0;
    s->logp += weight * (l[target] - lse);
    s->tail += (1 - weight) * (l[target] - lse);
    s->ref += weight * (q[target] - start_lse);
    s->rival += softplus(l[target] - l[rival]);
    for (int v = 0; v < vocab; v++) {
        squares += exp(2 * (l[v] - lse));
        s->kl += exp(q[v] - start_lse) * (q[v] - start_lse - l[v] + lse);
    }
    s->sum_squares += log(squares);
}

static void plain_numbers(const struct check *c, struct seq *seqs)
{
    const struct dataset *d = &c->data;
    const int vocab = c->m->arch.vocab_size;
    for (int k = 0, target = 0; k < N_TEXTS; k++) {
        int32_t ids[MAX_TEXT];
        const int n = text_of(d, k, ids), n_prompt = d->groups[k / 2].n_prompt, other = d->seqs[k ^ 1].n;
        double *logits = reference_logits(&c->policy, ids, n, NULL);
        seqs[k] = (struct seq){.n = n - n_prompt, .label = k % 2 == 0, .prepared = c->base[k].prepared};
        for (int j = n_prompt; j < n; j++, target++)
            add_token(c, &seqs[k], logits + (j - 1) * vocab, c->start[k] + (j - 1) * vocab, ids[j], c->rivals[target],
                      j - n_prompt < other ? 1 : 1 - c->run.options.tail_cut);
        free(logits);
    }
}

// The rivals that the draws choose at the model's weights: the k likeliest others in order, then by their shares.
static int plain_rival(const double *logits, int vocab, int target, int k, double draw)
{
    int best[8] = {0};
    double all = 0, below = 0;
    for (int b = 0; b < k; b++) {
        best[b] = -1;
        for (int v = 0; v < vocab; v++) {
            bool taken = v == target;
            for (int i = 0; i < b; i++)
                taken = taken || best[i] == v;
            if (!taken && (best[b] < 0 || logits[v] > logits[best[b]]))
                best[b] = v;
        }
        all += exp(logits[best[b]] - logits[best[0]]);
    }
    for (int b = 0; b < k; b++)
        if (draw * all < (below += exp(logits[best[b]] - logits[best[0]])))
            return best[b];
    return best[0];
}

static void choose_rivals(struct check *c, int k)
{
    const int vocab = c->m->arch.vocab_size;
    for (int t = 0, target = 0; t < N_TEXTS; t++) {
        int32_t ids[MAX_TEXT];
        const int n = text_of(&c->data, t, ids), n_prompt = c->data.groups[t / 2].n_prompt;
        double *logits = reference_logits(&c->policy, ids, n, NULL);
        for (int j = n_prompt; j < n; j++, target++)
            if (k)
                c->rivals[target] = plain_rival(logits + (j - 1) * vocab, vocab, ids[j], k, c->packed.draws[target]);
        free(logits);
    }
}

static double plain_loss(const struct check *c)
{
    struct seq seqs[N_TEXTS];
    double metrics[OBJECTIVE_MAX_METRICS], loss = 0;
    plain_numbers(c, seqs);
    for (int g = 0; g < N_PAIRS; g++)
        loss += c->run.objective->loss(&c->run, seqs + 2 * g, 2, metrics) *
                weighting_factor(&c->run.options, c->base + 2 * g, 2);
    return c->share * loss;
}

static double difference(const struct check *c, double *values, const double *direction, size_t n)
{
    double loss[2], *keep = mem_alloc(n, sizeof *keep);
    memcpy(keep, values, n * sizeof *keep);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++)
            values[i] = keep[i] + (side ? -STEP : STEP) * direction[i];
        loss[side] = plain_loss(c);
    }
    memcpy(values, keep, n * sizeof *keep);
    free(keep);
    return (loss[0] - loss[1]) / (2 * STEP);
}

// Returns the largest component.
static double check_tensor(const struct check *c, double *values, const float *grads, size_t n, const char *name)
{
    double *direction = mem_alloc(n, sizeof *direction), largest = 0, got = 0;
    struct rng rng = rng_make(11, RNG_TEST, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        direction[i] = rng_below(&rng, 2) ? 1 : -1;
        got += direction[i] * grads[i];
        largest = fmax(largest, fabs(grads[i]));
    }
    const double size = largest < 1e-6 ? 1 : largest; // zero in exact arithmetic
    double want = difference(c, values, direction, n);
    if (!(fabs(got - want) <= BOUND * size * sqrt((double)n)))
        fail_msg("%s: slope %.9g, difference %.9g", name, got, want);
    for (int k = 0; k < N_SINGLE; k++) {
        const size_t i = (size_t)rng_below(&rng, n);
        memset(direction, 0, n * sizeof *direction);
        direction[i] = 1;
        want = difference(c, values, direction, n);
        if (!(fabs(grads[i] - want) <= BOUND * size))
            fail_msg("%s: element %zu has gradient %.9g, difference %.9g", name, i, (double)grads[i], want);
    }
    free(direction);
    return largest;
}

static void disturb(struct model *m, float *weights, size_t n, double by)
{
    float *values = golden_download(m, weights, n);
    struct rng rng = rng_make(5, RNG_TEST, 2);
    for (size_t i = 0; i < n; i++)
        values[i] += (float)(by * rng_normal(&rng));
    cpu->upload(backend, weights, values, n * sizeof *values);
    cpu->weights_changed(backend);
    free(values);
}

// A model that has moved from its start; with `rank` by adapters, else by all of its weights.
static void start(struct check *c, const json_t *one, int rank)
{
    *c = (struct check){.m = golden_model(one, "weights", cpu, backend)};
    struct model *m = c->m;
    struct reference before;
    make_pairs(&c->data);
    reference_init(&before, m);
    for (int k = 0; k < N_TEXTS; k++) {
        int32_t ids[MAX_TEXT];
        const int n = text_of(&c->data, k, ids);
        c->start[k] = reference_logits(&before, ids, n, NULL);
    }
    reference_fini(&before);
    if (rank)
        assert_ok(model_add_lora(m, rank, 6, "all-linear", 3, e));
    assert_ok(model_set_trainable(m, rank ? TRAIN_ADAPTER : TRAIN_ALL, e));
    assert_ok(live_reference_new(&c->live, m, e));
    if (rank)
        disturb(m, m->lora_weights, m->n_lora_floats, 0.15);
    else
        disturb(m, m->weights, m->n_floats, 0.03);
    reference_init(&c->policy, m);
    assert_ok(packed_init(&c->packed, &c->data, 4096, false, e));
    assert_ok(decoder_new(&c->decoder, m, false, e));
}

static void stop(struct check *c)
{
    packed_fini(&c->packed);
    decoder_free(c->decoder);
    live_reference_free(c->live);
    reference_fini(&c->policy);
    for (int k = 0; k < N_TEXTS; k++)
        free(c->start[k]);
    dataset_fini(&c->data);
    model_free(c->m);
}

static void compare_numbers(const struct check *c, struct needs needs, const char *name)
{
    for (int k = 0; k < N_TEXTS; k++) {
        const struct seq *a = &c->have[k], *b = &c->base[k];
        const double pairs[][2] = {{a->logp, b->logp}, {a->tail, b->tail}, {a->kl, needs.reads & READ_KL ? b->kl : 0},
                                   {a->rival, needs.reads & READ_RIVAL ? b->rival : 0},
                                   {a->sum_squares, needs.reads & READ_SUM_SQUARES ? b->sum_squares : 0}};
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
            if (!(fabs(pairs[i][0] - pairs[i][1]) <= 2e-5 * (1 + fabs(pairs[i][1]))))
                fail_msg("%s: number %zu of response %d is %.9g, not %.9g", name, i, k, pairs[i][0], pairs[i][1]);
    }
}

// The engine's pass over one batch; numbers of the plain decoder stand beside it in c->base.
static void run(struct check *c, const char *name)
{
    const int groups[N_PAIRS] = {0, 1, 2};
    double metrics[OBJECTIVE_MAX_METRICS], largest = 0;
    const struct reading reading = reading_for(&c->run, c->live);
    assert_int_equal(pack_groups(&c->packed, &c->data, groups, N_PAIRS, 4096, false), N_PAIRS);
    assert_ok(decoder_forward(c->decoder, &c->packed.batch, true, e));
    assert_ok(numbers_read(c->decoder, &c->packed, &c->data, groups, N_PAIRS, &reading, c->have, NULL, e));
    choose_rivals(c, reading.n_rivals);
    plain_numbers(c, c->base);
    compare_numbers(c, reading.needs, name);
    for (int k = 0; k < N_TEXTS; k++)
        c->have[k].ref = c->base[k].ref;
    for (int g = 0; g < N_PAIRS; g++) {
        objective_loss(&c->run, c->have + 2 * g, 2, metrics);
        objective_loss(&c->run, c->base + 2 * g, 2, metrics);
        largest = fmax(largest, weighting_factor(&c->run.options, c->base + 2 * g, 2));
    }
    c->share = 1 / largest; // so that a gradient is there to be compared, however small the weights
    assert_ok(numbers_send(c->decoder, &c->packed, c->have, reading.needs, c->share, e));
}

static const struct {
    const char *name, *settings;
} cases[] = {
    {"tdpo1", "{}"},
    {"tdpo2", "{\"alpha\": 0.7, \"beta\": 0.3}"},
    {"tdpo2", "{\"wpo\": true}"},
    {"cringe", "{\"alpha\": 0.5}"},
    {"cringe", "{\"k\": 5, \"alpha\": 2}"},
    {"pairwise-cringe", "{\"gate-gradient\": true, \"gate-tau\": 20}"},
    {"pairwise-cringe", "{\"k\": 3, \"wpo\": true, \"gate-bias\": 5}"},
    {"npo", "{\"retain-kl\": 1}"},
    {"npo", "{\"retain-kl\": 0.5, \"retain\": 2, \"beta\": 0.5}"},
    {"dpo", "{\"wpo\": true}"},
    {"dpo", "{\"wpo\": true, \"ld-alpha\": 0.4}"},
    {"sppo-hard", "{\"ld-alpha\": 0, \"beta\": 0.1}"},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static struct objective_run objective_of(const struct check *c, int i)
{
    json_t *settings = json_loads(cases[i].settings, 0, NULL);
    struct objective_run r = configured(cases[i].name, settings);
    json_decref(settings);
    r.n_groups = N_PAIRS;
    r.seed = 3;
    r.step = 7;
    for (int k = 0; k < N_TEXTS; k++)
        r.n_tokens += c->data.seqs[k].n;
    return r;
}

static const json_t *golden_case(const char *name)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
            return one;
    fail_msg("no case %s", name);
    return NULL;
}

// Every `stride`-th case.
static void every_weight(const char *model, int stride)
{
    struct check c;
    start(&c, golden_case(model), 0);
    for (int i = 0; i < N_CASES; i += stride) {
        double largest = 0;
        c.run = objective_of(&c, i);
        cpu->zero(backend, c.m->grads, c.m->n_floats * sizeof(float));
        run(&c, cases[i].name);
        float *grads = golden_download(c.m, c.m->grads, c.m->n_floats);
        for (int t = 0; t < c.m->n_tensors; t++) {
            const struct tensor *tensor = &c.m->tensors[t];
            char name[160];
            snprintf(name, sizeof name, "%s %s %s kind %d layer %d", model, cases[i].name, cases[i].settings,
                     (int)tensor->kind, tensor->layer);
            const double size = check_tensor(&c, c.policy.weights + tensor->offset, grads + tensor->offset,
                                             (size_t)tensor->rows * (size_t)tensor->cols, name);
            largest = fmax(largest, size);
        }
        assert_true(largest > 1e-3);
        free(grads);
    }
    stop(&c);
}

static void gradients_of_a_tied_head_are_slopes(void **state)
{
    every_weight("llama-gqa-tied", 1);
}

static void gradients_of_a_head_of_its_own_are_slopes(void **state)
{
    every_weight("qwen2-bias-untied", 3);
}

static void gradients_through_a_projection_are_slopes(void **state)
{
    every_weight("opt-post-norm-projected", 4);
}

static void gradients_of_adapters_are_slopes(void **state)
{
    struct check c;
    start(&c, golden_case("gpt2"), 3);
    for (int i = 0; i < N_CASES; i++) {
        c.run = objective_of(&c, i);
        cpu->zero(backend, c.m->lora_grads, c.m->n_lora_floats * sizeof(float));
        run(&c, cases[i].name);
        assert_true(c.m->adapter_on);
        float *grads = golden_download(c.m, c.m->lora_grads, c.m->n_lora_floats);
        for (int k = 0; k < c.m->arch.n_layers * N_LAYER_TENSORS; k++) {
            const struct lora_pair *pair = &c.m->lora_pairs[k];
            if (pair->in == 0)
                continue;
            check_tensor(&c, c.policy.lora + pair->a, grads + pair->a, (size_t)pair->in * 3, cases[i].settings);
            check_tensor(&c, c.policy.lora + pair->b, grads + pair->b, (size_t)pair->out * 3, cases[i].settings);
        }
        free(grads);
    }
    stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_a_tied_head_are_slopes),
        cmocka_unit_test(gradients_of_a_head_of_its_own_are_slopes),
        cmocka_unit_test(gradients_through_a_projection_are_slopes),
        cmocka_unit_test(gradients_of_adapters_are_slopes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
