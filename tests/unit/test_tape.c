// What sampling leaves on a tape is what a forward of the same texts would make, bit for bit: an update that takes it has
// the same log-probabilities and gradients.
#include "testing.h"

#include "base/rng.h"
#include "golden_decoder.h"
#include "model/generator.h"
#include "model/tape.h"

enum { N_TOKENS = 12, N_SAMPLES = 3, MOST_ROWS = 1024 };
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

// ---- sampling ----

struct answers {
    struct gen_sample *of[8]; // of the golden prompts, N_SAMPLES each
};

static void keep(void *arg, struct gen_sample *samples, bool whole)
{
    assert_true(whole);
    *(struct gen_sample **)arg = samples;
}

// To n prompts, each another one's number of tokens, so that streams leave at different times.
static void ask(struct answers *a, struct model *m, struct tape *tape, int n)
{
    struct generator *g;
    assert_ok(generator_of(&g, m, e));
    generator_set_tape(g, tape);
    for (int i = 0; i < n; i++) {
        const struct gen_request q = {.prompt = golden.groups[i].prompt, .n_prompt = golden.groups[i].n_prompt,
                                      .n_samples = N_SAMPLES, .number = (uint32_t)i, .on_end = keep, .arg = &a->of[i],
            .options = {.max_new_tokens = N_TOKENS - 3 * i, .temperature = 1, .top_p = 1, .seed = 5}};
        assert_ok(generator_submit(g, &q, NULL, e));
    }
    while (generator_is_busy(g))
        assert_ok(generator_step(g, e));
    generator_set_tape(g, NULL);
}

static void answers_fini(struct answers *a, int n)
{
    for (int i = 0; i < n; i++)
        gen_samples_free(a->of[i], N_SAMPLES);
}

// The batch of all but each answer's last token, of which nothing is computed, and where its rows and targets are on the
// tape.
static void pack_answers(struct pack *pack, int32_t *rows, int32_t *logits, const struct answers *a, int n)
{
    struct pack_group groups[8] = {{0}};
    int row = 0, target = 0;
    for (int i = 0; i < n; i++) {
        groups[i] = (struct pack_group){.prompt = golden.groups[i].prompt, .n_prompt = golden.groups[i].n_prompt,
                                        .n_responses = N_SAMPLES};
        for (int k = 0; k < groups[i].n_prompt; k++)
            rows[row++] = a->of[i][0].prompt_row + k;
        for (int s = 0; s < N_SAMPLES; s++) {
            const struct gen_sample *sample = &a->of[i][s];
            groups[i].responses[s] = sample->tokens;
            groups[i].n_response[s] = sample->n_tokens - 1;
            assert_int_equal(sample->rows[sample->n_tokens - 1], -1);
            for (int k = 0; k < sample->n_tokens - 1; k++) {
                rows[row++] = sample->rows[k];
                logits[target++] = sample->logit_rows[k];
            }
        }
    }
    assert_in_range(row, 1, MOST_ROWS);
    pack_init(pack, groups, n, true);
    assert_int_equal(pack->batch.n_tokens, row);
    assert_int_equal(pack->batch.n_targets, target);
}

// ---- updates ----

struct update {
    float said[3][MOST_ROWS]; // log-probabilities, entropies, whether they are the most likely
    float *grads;
    size_t n_grads;
};

// taken NULL: by a forward of its own.
static struct update *update(struct model *m, const struct seq_batch *batch, const struct taken *taken)
{
    struct update *u = mem_alloc(1, sizeof *u);
    struct decoder *d;
    float coef[MOST_ROWS], *grads = m->grads ? m->grads : m->lora_grads;
    u->n_grads = m->grads ? m->n_floats : m->n_lora_floats;
    for (int i = 0; i < batch->n_targets; i++)
        coef[i] = 0.1f * (float)(i % 7) - 0.25f;
    m->ops->zero(m->backend, grads, u->n_grads * sizeof(float));
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(taken ? decoder_take(d, batch, taken, e) : decoder_forward(d, batch, true, e));
    assert_ok(decoder_logprobs(d, batch, u->said[0], u->said[1], u->said[2], e));
    assert_ok(decoder_backward(d, batch, coef, NULL, e));
    u->grads = golden_download(m, grads, u->n_grads);
    decoder_free(d);
    return u;
}

static bool are_same(const struct update *a, const struct update *b, int n_targets)
{
    bool same = memcmp(a->grads, b->grads, a->n_grads * sizeof *a->grads) == 0;
    for (int i = 0; i < 3; i++)
        same = same && memcmp(a->said[i], b->said[i], (size_t)n_targets * sizeof *a->said[i]) == 0;
    return same;
}

static void update_free(struct update *u)
{
    free(u->grads);
    free(u);
}

static void train_adapter(struct model *m)
{
    assert_ok(model_add_lora(m, 2, 8, "all-linear", 3, e));
    float *values = mem_alloc(m->n_lora_floats, sizeof *values);
    struct rng r = rng_make(8, RNG_TEST, 2);
    for (size_t i = 0; i < m->n_lora_floats; i++)
        values[i] = (float)(0.1 * rng_normal(&r));
    cpu->upload(backend, m->lora_weights, values, m->n_lora_floats * sizeof *values);
    free(values);
    assert_ok(model_set_trainable(m, TRAIN_ADAPTER, e));
}

static void check(const json_t *one, bool adapter, bool with_logits)
{
    struct model *m = golden_model(one, "weights", cpu, backend);
    int32_t rows[MOST_ROWS], logits[MOST_ROWS];
    struct answers answers;
    struct pack pack;
    const int n = golden.n_groups;
    if (adapter)
        train_adapter(m);
    else
        assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    struct tape *tape = tape_new(m);
    assert_non_null(tape);
    tape_start(tape, MOST_ROWS, with_logits ? MOST_ROWS : 0);
    ask(&answers, m, tape, n);
    assert_true(tape_is_good(tape, tape->number));
    assert_true((tape->logits != NULL) == with_logits);
    pack_answers(&pack, rows, logits, &answers, n);
    const struct taken taken = {tape, rows, logits};
    struct update *own = update(m, &pack.batch, NULL), *took = update(m, &pack.batch, &taken);
    assert_true(are_same(own, took, pack.batch.n_targets));
    rows[1] = rows[0]; // it is those rows that are taken
    struct update *wrong = update(m, &pack.batch, &taken);
    assert_false(are_same(own, wrong, pack.batch.n_targets));
    model_weights_changed(m);
    assert_false(tape_is_good(tape, tape->number));
    update_free(own), update_free(took), update_free(wrong);
    pack_fini(&pack);
    answers_fini(&answers, n);
    tape_free(tape);
    model_free(m);
}

static void an_update_takes_what_sampling_has_made(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        check(one, false, true);
        check(one, false, false);
        check(one, true, true);
    }
}

// Answers that the tape has no room for are made as ever, and have no place.
static void a_tape_ends(void **state)
{
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, backend);
    struct tape *tape = tape_new(m);
    struct answers whole, cut;
    const int n_prompt = golden.groups[0].n_prompt;
    ask(&whole, m, NULL, 1);
    assert_null(whole.of[0][0].rows);
    tape_start(tape, (size_t)n_prompt + 3 * N_SAMPLES - 1, MOST_ROWS);
    const uint64_t first = tape->number;
    ask(&cut, m, tape, 1);
    for (int s = 0; s < N_SAMPLES; s++) {
        const struct gen_sample *sample = &cut.of[0][s];
        assert_memory_equal(sample->tokens, whole.of[0][s].tokens, N_TOKENS * sizeof *sample->tokens);
        assert_memory_equal(sample->logprobs, whole.of[0][s].logprobs, N_TOKENS * sizeof *sample->logprobs);
        assert_int_equal(sample->prompt_row, 0);
        for (int t = 0; t < N_TOKENS; t++) {
            assert_int_equal(sample->rows[t], t < 2 ? n_prompt + t * N_SAMPLES + s : -1);
            assert_int_equal(sample->logit_rows[t], t == 0 ? 0 : t < 3 ? 1 + (t - 1) * N_SAMPLES + s : -1);
        }
    }
    tape_start(tape, 1, 1); // what was there is forgotten, whatever the room
    assert_false(tape_is_good(tape, first));
    assert_true(tape_is_good(tape, first + 1));
    assert_false(tape_is_good(NULL, 1));
    answers_fini(&whole, 1), answers_fini(&cut, 1);
    tape_free(tape);
    model_free(m);
}

// What is planned before there is a model is what is taken, but for what places are rounded up to.
static void its_memory_is_known_before(void **state)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(golden.file, "cases"), i, one)
    {
        struct model *m = golden_model(one, "weights", cpu, backend);
        struct tape *tape = tape_new(m);
        tape_start(tape, 160, 96);
        const double planned = tape_plan(&m->arch, 160, 96);
        assert_true(planned <= (double)tape->bytes && planned > 0.95 * (double)tape->bytes);
        tape_free(tape);
        model_free(m);
    }
}

// Activations that are kept rounded are not those that sampling has.
static void bf16_has_none(void **state)
{
    struct backend *rounding;
    assert_ok(cpu->open(&rounding, &(struct backend_options){.n_threads = 2, .precision = PRECISION_BF16}, e));
    struct model *m = golden_model(json_array_get(json_object_get(golden.file, "cases"), 0), "weights", cpu, rounding);
    assert_null(tape_new(m));
    model_free(m);
    cpu->close(rounding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_takes_what_sampling_has_made),
        cmocka_unit_test(a_tape_ends),
        cmocka_unit_test(its_memory_is_known_before),
        cmocka_unit_test(bf16_has_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
