// Batches as recordings (src/model/decoder_record.c) on the host's build of the cuda backend: what is recorded says and
// feels what calls do, bit for bit, whatever came before; when it is replayed is counted.
#include "config.h"

#include "../train/fixture.h"

#include <string.h>

#include "base/rng.h"
#include "golden_decoder.h"
#include "model/decoder_internal.h"

extern const struct backend_ops backend_cuda;
size_t cuda_host_launches(const char *part, size_t *n_blocks);
size_t cuda_host_allocations(void);
size_t cuda_host_replays(void);

static struct golden golden;
static struct backend_ops unrecorded; // no batch is filled up, no call recorded

static bool records_nothing(const struct backend *b)
{
    return false;
}

static int set_up(void **state)
{
    golden_open(&golden);
    unrecorded = backend_cuda;
    unrecorded.records = records_nothing;
    return 0;
}

static int tear_down(void **state)
{
    golden_close(&golden);
    return 0;
}

// ---- steps of one decoder ----

enum { N_PACKS = 3, MOST_TARGETS = 64, MOST_SCORES = 16 };

// What happens before a step.
enum { NOTHING, OTHER_WEIGHTS, ADAPTER_OFF, ADAPTER_ON, NEW_DECODER };

// Packs 0 and 1 are filled up to the same sizes, 2 has more targets. What is larger comes first: room that grows ends all
// recordings.
static const struct step {
    int pack, before, parts; // parts: of three, that are replayed
} steps[] = {
    {2, NOTHING, 0}, {0, NOTHING, 0}, {1, NOTHING, -1}, {0, NOTHING, 3}, {1, OTHER_WEIGHTS, 3}, {0, ADAPTER_OFF, -1},
    {0, ADAPTER_ON, 3}, {2, NOTHING, -1}, {2, NOTHING, -1}, {1, NEW_DECODER, 0}, {0, NOTHING, -1}, {1, NOTHING, 3},
};
enum { N_STEPS = sizeof steps / sizeof *steps };

struct lesson {
    const char *name;
    enum precision precision;
    bool adapter, recompute, reference;
};

struct outcome {
    float logprobs[MOST_TARGETS], entropy[MOST_TARGETS], kl[MOST_TARGETS], scores[MOST_SCORES];
    float *grads;
    size_t n_grads, replays, launches;
};

static const json_t *find_case(const char *name)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
            return one;
    fail_msg("there is no golden decoder %s", name);
    return NULL;
}

// An adapter as if it had been trained: its b is zero in a new one.
static void add_adapter(struct model *m)
{
    struct rng rng = rng_make(5, RNG_TEST, 1);
    assert_ok(model_add_lora(m, 3, 6, "all-linear", 3, e));
    float *values = mem_alloc(m->n_lora_floats, sizeof *values);
    for (size_t i = 0; i < m->n_lora_floats; i++)
        values[i] = (float)(0.2 * rng_normal(&rng));
    m->ops->upload(m->backend, m->lora_weights, values, m->n_lora_floats * sizeof *values);
    free(values);
}

static void make_packs(struct pack packs[N_PACKS])
{
    for (int i = 0; i < N_PACKS; i++) {
        struct pack_group groups[8];
        memcpy(groups, golden.groups, sizeof groups);
        groups[1].n_response[2] -= 2 - i; // 23, 24 or 25 targets, of 33, 34 or 35 rows
        pack_init(&packs[i], groups, golden.n_groups, true);
    }
}

static void take_step(struct model *m, struct decoder *d, struct decoder *reference, const struct pack *pack,
                      struct outcome *out)
{
    float kl_coef[MOST_TARGETS];
    struct param_block blocks[2];
    struct head_reads reads = {.logprobs = out->logprobs, .entropy = out->entropy};
    struct decoder_slopes slopes = {.logprob = golden.coef};
    for (int i = 0; i < MOST_TARGETS; i++)
        kl_coef[i] = 0.25f - (float)(i % 3);
    *out = (struct outcome){.replays = cuda_host_replays(), .launches = cuda_host_launches("", NULL)};
    if (reference) {
        assert_ok(decoder_forward(reference, &pack->batch, false, e));
        reads.reference = reference;
        reads.kl = out->kl;
        slopes.kl = kl_coef;
        out->replays = cuda_host_replays();
        out->launches = cuda_host_launches("", NULL);
    }
    assert_ok(decoder_forward(d, &pack->batch, true, e));
    assert_in_range(d->n_tokens, pack->batch.n_tokens, decoder_most_rows(&m->arch, pack->batch.n_tokens)); // as is planned
    assert_ok(decoder_head(d, &pack->batch, &reads, e));
    if (model_tensor(m, T_SCORE_W, -1)) {
        assert_ok(decoder_scores(d, &pack->batch, out->scores, e));
        slopes.score = golden.score_coef;
    }
    assert_ok(decoder_send(d, &pack->batch, &slopes, e));
    assert_ok(m->ops->sync(m->backend, e));
    out->replays = cuda_host_replays() - out->replays;
    out->launches = cuda_host_launches("", NULL) - out->launches;
    const int n_blocks = model_param_blocks(m, blocks);
    for (int i = 0; i < n_blocks; i++) {
        out->grads = mem_realloc(out->grads, out->n_grads + blocks[i].n, sizeof *out->grads);
        m->ops->download(m->backend, out->grads + out->n_grads, blocks[i].grads, blocks[i].n * sizeof *out->grads);
        out->n_grads += blocks[i].n;
    }
}

// Gradients are added up over all steps, as those of micro-batches are.
static void take_steps(const struct backend_ops *ops, const struct lesson *l, struct outcome *out)
{
    struct backend *b;
    struct decoder *d, *reference = NULL;
    struct model *other = NULL;
    struct pack packs[N_PACKS];
    const json_t *one = find_case(l->name);
    assert_ok(ops->open(&b, &(struct backend_options){.precision = l->precision}, e));
    struct model *m = golden_model(one, "weights", ops, b);
    if (l->adapter)
        add_adapter(m);
    assert_ok(model_set_trainable(m, l->adapter ? TRAIN_ADAPTER : TRAIN_ALL, e));
    assert_ok(decoder_new(&d, m, l->recompute, e));
    if (l->reference) {
        other = golden_model(one, "weights", ops, b);
        ops->scale(b, other->weights, 0.875f, other->n_floats);
        model_weights_changed(other);
        assert_ok(decoder_new(&reference, other, false, e));
    }
    make_packs(packs);
    for (int i = 0; i < N_STEPS; i++) {
        if (steps[i].before == OTHER_WEIGHTS) {
            ops->scale(b, m->weights, 1.125f, m->n_floats);
            model_weights_changed(m);
        } else if (steps[i].before == ADAPTER_OFF || steps[i].before == ADAPTER_ON) {
            m->adapter_on = l->adapter && steps[i].before == ADAPTER_ON;
        } else if (steps[i].before == NEW_DECODER) {
            decoder_free(d);
            assert_ok(decoder_new(&d, m, l->recompute, e));
        }
        take_step(m, d, reference, &packs[steps[i].pack], &out[i]);
    }
    for (int i = 0; i < N_PACKS; i++)
        pack_fini(&packs[i]);
    decoder_free(d), decoder_free(reference);
    model_free(m), model_free(other);
    ops->close(b);
}

// The most that two gradients differ by, of the largest.
static double difference(const float *a, const float *b, size_t n)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
        largest = fmax(largest, fabs((double)a[i]));
    }
    return largest > 0 ? most / largest : most;
}

static void compare_step(const struct lesson *l, int i, const struct outcome *want, const struct outcome *got)
{
    if (memcmp(want->logprobs, got->logprobs, sizeof want->logprobs) != 0 ||
        memcmp(want->entropy, got->entropy, sizeof want->entropy) != 0 ||
        memcmp(want->kl, got->kl, sizeof want->kl) != 0 || memcmp(want->scores, got->scores, sizeof want->scores) != 0)
        fail_msg("%s, step %d: what is said differs by %.2g", l->name, i,
                 difference(want->logprobs, got->logprobs, MOST_TARGETS));
    for (size_t k = 0; k < want->n_grads; k++) // 0 and -0 are the same
        if (!(want->grads[k] == got->grads[k]))
            fail_msg("%s, step %d: gradients differ, number %zu of %zu: %g and %g, by %.2g of the largest", l->name, i, k,
                     want->n_grads, (double)want->grads[k], (double)got->grads[k],
                     difference(want->grads, got->grads, want->n_grads));
    assert_int_equal(want->replays, 0);
    if (steps[i].parts >= 0 && steps[i].before != ADAPTER_ON)
        assert_int_equal(got->replays, steps[i].parts);
    if (steps[i].parts == 3 && steps[i].before == NOTHING)
        assert_true(got->launches <= 8 && want->launches > 40); // those of the scores
}

static const struct lesson lessons[] = {
    {"llama-gqa-tied", PRECISION_F32, false, false, true},
    {"gpt2", PRECISION_BF16, false, false, false},
    {"qwen2-bias-untied", PRECISION_F32, true, false, false},
    {"opt-post-norm-projected", PRECISION_F32, false, true, false},
    {"gemma2", PRECISION_BF16, true, true, false},
};

static void recorded_steps_have_the_bits_of_calls(void **state)
{
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
        struct outcome want[N_STEPS], got[N_STEPS];
        take_steps(&unrecorded, &lessons[i], want);
        take_steps(&backend_cuda, &lessons[i], got);
        print_message("          %s: %zu launches as calls; recorded %zu, and %zu graphs\n", lessons[i].name,
                      want[3].launches, got[3].launches, got[3].replays);
        for (int k = 0; k < N_STEPS; k++)
            compare_step(&lessons[i], k, &want[k], &got[k]);
        for (int k = 0; k < N_STEPS; k++)
            free(want[k].grads), free(got[k].grads);
        assert_int_equal(cuda_host_allocations(), 0);
    }
}

// ---- training ----

enum { N_UPDATES = 8 };

static float *train(const struct backend_ops *ops, const struct world *w, const char *objective, int lora_rank, size_t *n,
                    size_t *launches)
{
    struct bench b;
    struct step_result r;
    bench_make(&b, w, &(struct bench_options){.objective = objective, .settings = "batch-size=2 lr=0.003", .steps = N_UPDATES,
                                              .lora_rank = lora_rank, .ops = ops});
    *launches = cuda_host_launches("", NULL);
    for (int i = 0; i < N_UPDATES; i++)
        assert_ok(trainer_step(b.trainer, &r, e));
    *launches = cuda_host_launches("", NULL) - *launches;
    float *weights = bench_weights(&b, n);
    bench_free(&b);
    return weights;
}

static void training_gives_the_same_weights_with_fewer_launches(void **state)
{
    static const struct {
        const char *objective;
        int lora_rank;
    } ways[] = {{"dpo", 0}, {"tdpo2", 4}};
    struct world w;
    world_make(&w, "gpt2");
    world_pairs(&w, 4);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        size_t n, n_got, launches, recorded;
        float *want = train(&unrecorded, &w, ways[i].objective, ways[i].lora_rank, &n, &launches);
        float *got = train(&backend_cuda, &w, ways[i].objective, ways[i].lora_rank, &n_got, &recorded);
        print_message("          %s%s: %zu launches in %d steps, recorded %zu\n", ways[i].objective,
                      ways[i].lora_rank ? " LoRA" : "", launches, N_UPDATES, recorded);
        assert_int_equal(n, n_got);
        assert_memory_equal(want, got, n * sizeof *want);
        assert_true(recorded < launches);
        free(want), free(got);
    }
    world_remove(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_steps_have_the_bits_of_calls),
        cmocka_unit_test(training_gives_the_same_weights_with_fewer_launches),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
