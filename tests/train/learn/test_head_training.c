// Training with what objectives read of the head beyond log-probabilities: the reference beside the model, rivals,
// weights of pairs and of tails.
#include "config.h"

#include "fixture.h"

#include "train/learn/reference.h"

static struct world world;

static void train(struct bench *b, int steps)
{
    struct step_result r;
    for (int i = 0; i < steps; i++)
        assert_ok(trainer_step(b->trainer, &r, e));
}

static void assert_same_weights(const struct bench *a, const struct bench *b)
{
    size_t n, m;
    float *x = bench_weights(a, &n), *y = bench_weights(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n * sizeof *x);
    free(x);
    free(y);
}

static void assert_trained_alike(const struct bench_options *first, const struct bench_options *second)
{
    struct bench a, b;
    bench_make(&a, &world, first);
    bench_make(&b, &world, second);
    train(&a, first->steps);
    train(&b, second->steps);
    assert_same_weights(&a, &b);
    bench_free(&a);
    bench_free(&b);
}

static const struct {
    const char *objective, *settings;
    int lora_rank;
} cases[] = {
    {"tdpo1", "wpo=yes", 4},
    {"tdpo2", "", 0},
    {"cringe", "k=4 alpha=0.3", 0},
    {"pairwise-cringe", "k=2 gate-gradient=yes wpo=yes", 4},
    {"npo", "retain=1 retain-kl=1", 0},
    {"dpo", "wpo=yes ld-alpha=0.3", 0},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static struct bench_options options_of(int i, char *text, size_t size, const char *more)
{
    snprintf(text, size, "%s %s", cases[i].settings, more);
    return (struct bench_options){.objective = cases[i].objective, .settings = text, .steps = 4,
                                  .lora_rank = cases[i].lora_rank};
}

static void threads_and_recomputation_give_the_same_bits(void **state)
{
    for (int i = 0; i < N_CASES; i++) {
        char plain[100], other[100];
        const struct bench_options a = options_of(i, plain, sizeof plain, "");
        struct bench_options b = options_of(i, other, sizeof other, "recompute=yes");
        b.threads = 3;
        assert_trained_alike(&a, &b);
    }
}

// But for rounding; rivals are drawn by a token's place in the data, so they are the same tokens.
static void micro_batches_do_not_change_the_step(void **state)
{
    for (int i = 0; i < N_CASES; i++) {
        char text[2][100];
        struct bench whole, pieces;
        struct step_result a, b;
        const struct bench_options o = options_of(i, text[0], sizeof text[0], "batch-size=12 lr=0.001");
        const struct bench_options p = options_of(i, text[1], sizeof text[1],
                                                  "batch-size=12 lr=0.001 max-batch-tokens=40");
        bench_make(&whole, &world, &o);
        bench_make(&pieces, &world, &p);
        for (int step = 0; step < 4; step++) {
            assert_ok(trainer_step(whole.trainer, &a, e));
            assert_ok(trainer_step(pieces.trainer, &b, e));
            assert_int_equal(a.n_tokens, b.n_tokens);
            assert_close(b.loss, a.loss, 2e-4 * fabs(a.loss));
            assert_close(b.grad_norm, a.grad_norm, 2e-3 * a.grad_norm);
        }
        bench_free(&whole);
        bench_free(&pieces);
    }
}

static double held_out_kl(struct bench *b)
{
    struct metric_list metrics;
    bench_evaluate(b, &metrics);
    return metric_value(&metrics, "eval/kl/chosen");
}

// The reference is what the run started from, also when the run went through a checkpoint and a fresh process.
static void the_reference_stays_what_the_run_started_from(void **state)
{
    const struct checkpoint_facts facts = {"tdpo2", "model", "data"};
    for (int rank = 0; rank <= 4; rank += 4) {
        const struct bench_options o = {.objective = "tdpo2", .settings = "beta=0.5 recompute=yes", .steps = 12,
                                        .lora_rank = rank};
        struct bench alone, first, second;
        json_t *settings = json_object(), *again = NULL;
        char *name = NULL, *dir = path_join(world.dir, rank ? "resumed-adapter" : "resumed");
        int64_t step;
        bench_make(&alone, &world, &o);
        assert_close(held_out_kl(&alone), 0, 0);
        train(&alone, 6);
        const double middle = held_out_kl(&alone);
        assert_true(middle > 1e-4);
        train(&alone, 6);

        bench_make(&first, &world, &o);
        train(&first, 6);
        assert_ok(checkpoint_write(first.trainer, dir, &facts, settings, NULL, SAVE_F32, 1, &name, e));
        bench_free(&first);
        bench_make(&second, &world, &o);
        char *folder = checkpoint_latest(dir, &step);
        assert_ok(checkpoint_restore(second.trainer, folder, &facts, &again, e));
        assert_true(held_out_kl(&second) == middle);
        train(&second, 6);
        assert_same_weights(&alone, &second);
        assert_true(held_out_kl(&second) == held_out_kl(&alone));
        assert_true(alone.model->adapter_on && second.model->adapter_on);
        bench_free(&alone);
        bench_free(&second);
        json_decref(settings);
        json_decref(again);
        free(name);
        free(dir);
        free(folder);
    }
}

// tdpo2 with alpha 0 is dpo to the last bit, and so is everything that is switched off.
static void what_is_switched_off_changes_no_bit(void **state)
{
    const struct bench_options dpo = {.objective = "dpo", .steps = 6};
    assert_trained_alike(&dpo, &(struct bench_options){.objective = "tdpo2", .settings = "alpha=0", .steps = 6});
    assert_trained_alike(&dpo, &(struct bench_options){.objective = "dpo", .settings = "wpo=no ld-alpha=1",
                                                       .steps = 6});
}

static void wpo_and_tails_change_what_is_learnt(void **state)
{
    static const char *const settings[] = {"", "wpo=yes", "ld-alpha=0"};
    float *weights[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        struct bench b;
        bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .settings = settings[i], .steps = 4});
        train(&b, 4);
        weights[i] = bench_weights(&b, &n);
        bench_free(&b);
    }
    assert_memory_not_equal(weights[0], weights[1], n * sizeof **weights);
    assert_memory_not_equal(weights[0], weights[2], n * sizeof **weights);
    for (int i = 0; i < 3; i++)
        free(weights[i]);
}

static void read_numbers(struct bench *b, const struct dataset *d, int n, int max_tokens, const struct reading *r,
                         struct seq *seqs)
{
    struct packed packed;
    int groups[8];
    assert_true(n <= 8);
    for (int i = 0; i < n; i++)
        groups[i] = i;
    assert_ok(packed_init(&packed, d, max_tokens, false, e));
    assert_ok(forward_groups(b->trainer->decoder, &packed, d, groups, n, max_tokens, r, seqs, NULL, e));
    packed_fini(&packed);
}

// Without its tail the longer response counts as if it ended where the shorter one does.
static void a_tail_that_does_not_count_is_as_if_it_were_cut_off(void **state)
{
    enum { N = 8 };
    struct bench b;
    struct seq whole[2 * N], none[2 * N], half[2 * N], cut[2 * N];
    int n_longer = 0;
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 1});
    struct dataset shorter = b.train;
    shorter.seqs = malloc((size_t)b.train.n_seqs * sizeof *shorter.seqs);
    memcpy(shorter.seqs, b.train.seqs, (size_t)b.train.n_seqs * sizeof *shorter.seqs);
    for (int i = 0; i < b.train.n_seqs; i += 2)
        for (int k = 0; k < 2; k++)
            shorter.seqs[i + k].n = shorter.seqs[i + 1 - k].n < shorter.seqs[i + k].n ? shorter.seqs[i + 1 - k].n
                                                                                       : shorter.seqs[i + k].n;
    read_numbers(&b, &b.train, N, 512, &(struct reading){0}, whole);
    read_numbers(&b, &b.train, N, 512, &(struct reading){.tail_cut = 1}, none);
    read_numbers(&b, &b.train, N, 512, &(struct reading){.tail_cut = 0.5}, half);
    read_numbers(&b, &shorter, N, 512, &(struct reading){0}, cut);
    for (int i = 0; i < 2 * N; i++) {
        n_longer += whole[i].n > cut[i].n;
        assert_int_equal(none[i].n, whole[i].n);
        assert_close(none[i].logp, cut[i].logp, 1e-4);
        assert_close(none[i].logp + none[i].tail, whole[i].logp, 1e-9);
        assert_close(half[i].logp, (whole[i].logp + none[i].logp) / 2, 1e-9);
        assert_close(whole[i].tail, 0, 0);
    }
    assert_true(n_longer >= 2);
    free(shorter.seqs);
    bench_free(&b);
}

static void rivals_follow_seed_and_step_alone(void **state)
{
    enum { N = 8 };
    struct bench b;
    struct seq one[2 * N], pieces[2 * N], next[2 * N], likeliest[2 * N];
    struct reading r = {.needs.reads = READ_RIVAL, .n_rivals = 20, .seed = 5, .step = 3};
    int n_other = 0;
    bench_make(&b, &world, &(struct bench_options){.objective = "cringe", .steps = 1});
    read_numbers(&b, &b.train, N, 512, &r, one);
    read_numbers(&b, &b.train, N, 24, &r, pieces);
    r.step = 4;
    read_numbers(&b, &b.train, N, 512, &r, next);
    r.n_rivals = 1;
    read_numbers(&b, &b.train, N, 512, &r, likeliest);
    const int n = b.train.groups[N - 1].first_seq + b.train.groups[N - 1].n_seqs;
    for (int i = 0; i < n; i++) {
        assert_close(pieces[i].rival, one[i].rival, 1e-4);
        assert_true(one[i].rival > 0);
        n_other += fabs(next[i].rival - one[i].rival) > 1e-3;
        assert_true(likeliest[i].rival < one[i].rival + 1e-9); // its logit is the highest, so the gap is the smallest
    }
    assert_true(n_other > n / 2);
    bench_free(&b);
}

// References whose tails count less are other numbers: the cache does not take one for the other.
static void the_reference_cache_knows_how_tails_count(void **state)
{
    struct bench b;
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 1});
    char *path = path_join(world.dir, "tails.bin");
    struct reference_options o = {.path = path, .model_key = "one", .max_batch_tokens = 512};
    const size_t bytes = (size_t)b.train.n_seqs * sizeof(double);
    double *plain = malloc(bytes);
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    memcpy(plain, b.train.refs, bytes);
    o.tail_cut = 0.5;
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    assert_memory_not_equal(plain, b.train.refs, bytes);
    o.tail_cut = 0;
    assert_ok(reference_fill(&b.train, NULL, b.model, &o, e));
    assert_memory_equal(plain, b.train.refs, bytes);
    free(plain);
    free(path);
    bench_free(&b);
}

static double bad_logp(struct bench *b)
{
    struct seq seqs[16];
    double sum = 0;
    read_numbers(b, &b->train, 8, 512, &(struct reading){0}, seqs);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < b->train.groups[i].n_seqs; k++) {
            const int number = b->train.groups[i].first_seq + k;
            sum += b->train.seqs[number].label < 0.5 ? seqs[number].logp / seqs[number].n : 0;
        }
    return sum;
}

static void unlearning_and_contrast_make_bad_responses_unlikely(void **state)
{
    static const char *const objectives_here[][2] = {{"npo", "retain=1"}, {"npo", "retain-kl=1"}, {"cringe", "k=3"},
                                                     {"pairwise-cringe", ""}};
    for (int i = 0; i < 4; i++) {
        struct bench b;
        const char *name = objectives_here[i][0], *settings = objectives_here[i][1];
        bench_make(&b, &world, &(struct bench_options){.objective = name, .settings = settings, .steps = 40});
        const double before = bad_logp(&b);
        assert_true(before < 0);
        train(&b, 40);
        if (!(bad_logp(&b) < before - 1))
            fail_msg("%s %s: bad responses are at %g after %g", name, settings, bad_logp(&b), before);
        bench_free(&b);
    }
}

static int make_world(void **state)
{
    world_make(&world, "llama");
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
        cmocka_unit_test(threads_and_recomputation_give_the_same_bits),
        cmocka_unit_test(micro_batches_do_not_change_the_step),
        cmocka_unit_test(the_reference_stays_what_the_run_started_from),
        cmocka_unit_test(what_is_switched_off_changes_no_bit),
        cmocka_unit_test(wpo_and_tails_change_what_is_learnt),
        cmocka_unit_test(a_tail_that_does_not_count_is_as_if_it_were_cut_off),
        cmocka_unit_test(rivals_follow_seed_and_step_alone),
        cmocka_unit_test(the_reference_cache_knows_how_tails_count),
        cmocka_unit_test(unlearning_and_contrast_make_bad_responses_unlikely),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
