// Reward models on a tiny model: token-level scores and their gradients, votes and ties, and that a saved one is what
// it was.
#include "config.h"

#include "fixture.h"

#include "train/run/checkpoint.h"
#include "train/data/comparison.h"
#include "train/learn/numbers.h"

static struct world world;

static void train(struct bench *b, int steps)
{
    struct step_result r = {0};
    for (int i = 0; i < steps; i++)
        assert_ok(trainer_step(b->trainer, &r, e));
}

// Scores of the first n groups by a model that may be another than the trainer's.
static const struct needs last = {.networks = NETWORK_SCORE}, each = {.networks = NETWORK_SCORE | NETWORK_TOKEN_SCORE};

static void scores_of(struct bench *b, struct model *m, struct needs needs, int n, struct seq *out)
{
    struct decoder *decoder;
    struct packed packed;
    int groups[64];
    for (int i = 0; i < n; i++)
        groups[i] = i;
    assert_ok(decoder_new(&decoder, m, false, e));
    assert_ok(packed_init(&packed, &b->train, 512, needs.networks, e));
    const struct reading reading = {.needs = needs};
    assert_ok(forward_groups(decoder, &packed, &b->train, groups, n, 512, &reading, out, NULL, e));
    packed_fini(&packed);
    decoder_free(decoder);
}

// ---- token-level rewards ----

enum { GROUPS = 4 };

// The mean loss of a few groups in one piece; with gradients when asked.
static double loss_of(struct bench *b, bool backward)
{
    struct trainer *t = b->trainer;
    struct objective_run *r = &t->options.objective;
    const struct reading reading = reading_for(r, NULL);
    const int groups[GROUPS] = {0, 1, 2, 3};
    struct seq seqs[2 * GROUPS];
    double extra[OBJECTIVE_MAX_METRICS], loss = 0;
    assert_int_equal(pack_groups(&t->packed, &b->train, groups, GROUPS, 4096, reading.needs.networks), GROUPS);
    assert_ok(decoder_forward(t->decoder, &t->packed.batch, backward, e));
    assert_ok(numbers_read(t->decoder, &t->packed, &b->train, groups, GROUPS, &reading, seqs, NULL, e));
    for (int g = 0; g < GROUPS; g++)
        loss += objective_loss(r, seqs + 2 * g, 2, extra) / GROUPS;
    if (backward)
        assert_ok(numbers_send(t->decoder, &t->packed, seqs, reading.needs, 1.0 / GROUPS, e));
    return loss;
}

// Every tensor's gradient, against the loss a step along it forwards and backwards. What is compared is large enough to
// stand above the rounding of an f32 forward pass.
static void token_level_gradients_are_slopes_of_the_loss(void **state)
{
    struct bench b;
    bench_make(&b, &world, &(struct bench_options){.objective = "rm-token", .steps = 10,
                                                   .settings = "lr=0.003 centring=0.05"});
    train(&b, 10); // the head begins at zero, where nothing reaches the layers
    struct model *m = b.model;
    b.ops->zero(b.backend, m->grads, m->n_floats * sizeof(float));
    loss_of(&b, true);
    float *grads = malloc(m->n_floats * sizeof *grads), *weights = malloc(m->n_floats * sizeof *weights),
          *moved = malloc(m->n_floats * sizeof *moved);
    b.ops->download(b.backend, grads, m->grads, m->n_floats * sizeof *grads);
    b.ops->download(b.backend, weights, m->weights, m->n_floats * sizeof *weights);
    int n_checked = 0;
    for (int k = 0; k < m->n_tensors; k++) {
        const struct tensor *t = &m->tensors[k];
        const size_t n = (size_t)t->rows * (size_t)t->cols;
        double norm = 0, ends[2];
        for (size_t i = 0; i < n; i++)
            norm += (double)grads[t->offset + i] * grads[t->offset + i];
        norm = sqrt(norm);
        if (norm < 1e-3)
            continue;
        const double h = 3e-3;
        for (int down = 0; down < 2; down++) {
            memcpy(moved, weights, m->n_floats * sizeof *moved);
            for (size_t i = 0; i < n; i++)
                moved[t->offset + i] += (float)((down ? -h : h) * grads[t->offset + i] / norm);
            b.ops->upload(b.backend, m->weights, moved, m->n_floats * sizeof *moved);
            b.ops->weights_changed(b.backend);
            ends[down] = loss_of(&b, false);
        }
        const double slope = (ends[0] - ends[1]) / (2 * h);
        if (!(fabs(slope - norm) <= 0.01 * norm + 2e-4))
            fail_msg("tensor kind %d layer %d: slope %.6g, gradient %.6g", (int)t->kind, t->layer, slope, norm);
        n_checked++;
    }
    assert_true(n_checked > 10);
    free(grads);
    free(weights);
    free(moved);
    bench_free(&b);
}

static void one_token_has_the_same_score_at_both_levels(void **state)
{
    struct bench b;
    struct seq whole[16], tokens[16];
    bench_make(&b, &world, &(struct bench_options){.objective = "rm", .settings = "lr=0.003", .steps = 5});
    train(&b, 5);
    scores_of(&b, b.model, last, 8, whole);
    scores_of(&b, b.model, each, 8, tokens);
    for (int i = 0; i < 16; i++)
        assert_true(whole[i].score != tokens[i].score);
    for (int i = 0; i < b.train.n_seqs; i++)
        b.train.seqs[i].n = 1;
    scores_of(&b, b.model, last, 8, whole);
    scores_of(&b, b.model, each, 8, tokens);
    for (int i = 0; i < 16; i++)
        assert_true(whole[i].score != 0 && whole[i].score == tokens[i].score);
    bench_free(&b);
}

// The mean over tokens by hand: the score of each beginning of a response is that of its last token.
static void token_scores_average_over_the_response(void **state)
{
    struct bench b;
    struct seq all[2], one[2];
    bench_make(&b, &world, &(struct bench_options){.objective = "rm-token", .settings = "lr=0.003", .steps = 5});
    train(&b, 5);
    scores_of(&b, b.model, each, 1, all);
    struct ds_seq *s = &b.train.seqs[b.train.groups[0].first_seq];
    const int n = s->n;
    double sum = 0;
    for (s->n = 1; s->n <= n; s->n++) {
        scores_of(&b, b.model, last, 1, one);
        sum += one[0].score;
    }
    s->n = n;
    assert_close(all[0].score, sum / n, 1e-6);
    bench_free(&b);
}

static void rm_token_learns_and_is_saved_as_what_it_is(void **state)
{
    for (int rank = 0; rank <= 4; rank += 4) {
        struct bench b;
        struct metric_list after;
        struct model *again;
        struct seq before[16], loaded[16];
        char *dir = path_join(world.dir, rank ? "token-adapter" : "token-model");
        bench_make(&b, &world, &(struct bench_options){.objective = "rm-token", .steps = 80, .lora_rank = rank,
                                                       .settings = rank ? "lr=0.02" : "lr=0.003"});
        train(&b, 80);
        bench_evaluate(&b, &after);
        assert_true(metric_value(&after, "eval/rewards/accuracies") > 0.9);
        assert_ok(model_save(b.model, dir, SAVE_F32, e));
        assert_ok(model_load(&again, dir, b.ops, b.backend, LOAD_SCORE, e));
        assert_true(again->scores_tokens);
        scores_of(&b, b.model, each, 8, before);
        scores_of(&b, again, each, 8, loaded);
        for (int i = 0; i < 16; i++)
            assert_close(loaded[i].score, before[i].score, 1e-5 * (1 + fabs(before[i].score)));
        model_free(again);
        free(dir);
        bench_free(&b);
    }
}

// ---- comparisons ----

static void a_comparison_shows_both_responses_and_cuts_them_alike(void **state)
{
    const struct turn turns[] = {{.role = "user", .text = "Where?"}, {.role = "assistant", .text = "Here."},
                                 {.role = "user", .text = "W\xc3\xa4nn?"}};
    const struct response answers[] = {{.text = "Now, or soon.", .score = 1}, {.text = "Ni\xc3\xa9 again."}};
    struct example x = {.turns = turns, .n_turns = 1, .responses = answers, .n_responses = 2};
    struct str text = {0};
    comparison_text(&text, &x, false, 100);
    assert_string_equal(str_text(&text), "[CONTEXT] Where?\n"
                                         "[RESPONSE A] Now, or soon.\n"
                                         "[RESPONSE B] Ni\xc3\xa9 again.\n"
                                         "[BETTER]");
    str_clear(&text);
    comparison_text(&text, &x, true, 3); // the context keeps its end, responses their beginning, and no letter is torn
    assert_string_equal(str_text(&text), "[CONTEXT] re?\n[RESPONSE A] Ni\n[RESPONSE B] Now\n[BETTER]");
    str_clear(&text);
    x.n_turns = 3;
    comparison_text(&text, &x, true, comparison_longest(&x));
    assert_string_equal(str_text(&text), "[CONTEXT] user: Where?\nassistant: Here.\nuser: W\xc3\xa4nn?\n[RESPONSE A] "
                                         "Ni\xc3\xa9 again.\n[RESPONSE B] Now, or soon.\n[BETTER]");
    str_clear(&text);
    comparison_text(&text, &x, false, 4);
    assert_true(text_starts(str_text(&text), "[CONTEXT] nn?\n"));
    str_fini(&text);
}

static void pairs_are_shown_in_an_order_that_the_seed_draws(void **state)
{
    struct bench b;
    int flipped = 0;
    bench_make(&b, &world, &(struct bench_options){.objective = "preference-model", .steps = 1});
    assert_int_equal(b.train.n_groups, 60);
    for (int g = 0; g < 60; g++) {
        const struct ds_group *group = &b.train.groups[g];
        const struct ds_seq *s = &b.train.seqs[group->first_seq];
        flipped += group->flipped;
        assert_int_equal(group->flipped, comparison_flipped(1, group->example));
        assert_close(s[0].label, 1, 0);
        assert_int_equal(s[0].n, s[1].n);
        assert_true(group->n_prompt + s[0].n <= 128);
    }
    assert_in_range(flipped, 15, 45);
    assert_int_equal(b.held_out.n_groups, 40); // each of 20 in both orders
    for (int g = 0; g < 40; g += 2) {
        assert_int_equal(b.held_out.groups[g].example, b.held_out.groups[g + 1].example);
        assert_true(!b.held_out.groups[g].flipped && b.held_out.groups[g + 1].flipped);
    }
    bench_free(&b);
}

static void a_preference_model_learns_to_judge_in_both_orders(void **state)
{
    struct bench b;
    struct metric_list before, after;
    bench_make(&b, &world, &(struct bench_options){.objective = "preference-model", .steps = 150,
                                                   .settings = "lr=0.003"});
    bench_evaluate(&b, &before);
    train(&b, 150);
    bench_evaluate(&b, &after);
    assert_true(metric_value(&after, "eval/rewards/accuracies") > 0.9);
    assert_true(metric_value(&after, "eval/orders_agree") > 0.8);
    assert_true(fabs(metric_value(&after, "eval/position_bias")) < 0.15);
    assert_true(metric_value(&after, "eval/loss") < metric_value(&before, "eval/loss"));
    assert_true(isfinite(metric_value(&after, "eval/rewards/ece")));
    bench_free(&b);
}

// ---- votes ----

static void write_votes(const char *preference)
{
    struct str text = {0};
    for (int i = 0; i < 40; i++)
        str_addf(&text, "{\"prompt\": \"Day %d: my friend\", \"chosen\": \" is kind and warm.\", \"rejected\": "
                 "\" is cold and dull.\", \"share\": %s}\n", i, i % 2 ? "1" : preference);
    assert_ok(file_write(world.pairs_path, str_text(&text), text.len, e));
    str_fini(&text);
}

// Held out are rows 3, 7, ..., which have all votes; two thirds of the others have the share under test.
static void a_split_vote_is_learnt_as_a_probability_and_a_tie_as_equal_scores(void **state)
{
    struct bench b;
    struct metric_list after;
    write_votes("0.5");
    bench_make(&b, &world, &(struct bench_options){.objective = "rm", .settings = "lr=0.001", .steps = 1});
    assert_int_equal(b.train.n_groups, 30);
    bench_free(&b);
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .settings = "lr=0.001", .steps = 1});
    assert_int_equal(b.train.n_groups, 10); // ties teach it nothing
    assert_int_equal(b.train.n_ties, 20);
    bench_free(&b);
    write_votes("0.8");
    bench_make(&b, &world, &(struct bench_options){.objective = "rm", .steps = 60,
                                                   .settings = "lr=0.003 batch-size=10"});
    for (int i = 0; i < b.train.n_groups; i++) { // only split votes
        struct ds_seq *s = &b.train.seqs[b.train.groups[i].first_seq];
        s[0].label = 0.8;
        s[1].label = 1 - 0.8;
    }
    train(&b, 60);
    bench_evaluate(&b, &after);
    assert_close(metric_value(&after, "eval/rewards/margins"), log(0.8 / 0.2), 0.3);
    bench_free(&b);
    world_pairs(&world, 80);
}

// Before the first step nothing is stated: every pair is even, and one of its sides wins. Taught and right it is sure.
static void evaluation_says_how_calibrated_rewards_are(void **state)
{
    static const char *const names[] = {"rm", "dpo", "ipo"};
    for (int i = 0; i < 3; i++) {
        struct bench b;
        struct metric_list before, after;
        bench_make(&b, &world, &(struct bench_options){.objective = names[i], .settings = "lr=0.003", .steps = 60});
        bench_evaluate(&b, &before);
        train(&b, 30);
        bench_evaluate(&b, &after);
        if (i == 2) { // whose rewards are no log-odds
            assert_true(isnan(metric_value(&after, "eval/rewards/ece")));
        } else {
            assert_close(metric_value(&before, "eval/rewards/ece"), 0, 1e-6);
            // All of 20 pairs are right: the error is what the rewards leave to doubt, on average.
            assert_close(metric_value(&after, "eval/rewards/accuracies"), 1, 0);
            assert_true(metric_value(&after, "eval/rewards/ece") > 0.001);
        }
        bench_free(&b);
    }
}

// ---- what all of them keep ----

static const char *const kinds[] = {"rm", "rm-token", "preference-model"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static void micro_batches_do_not_change_the_step(void **state)
{
    for (int i = 0; i < N_KINDS; i++) {
        struct bench whole, pieces;
        struct step_result a, b;
        struct bench_options o = {.objective = kinds[i], .steps = 3, .settings = "batch-size=12 lr=0.001"};
        bench_make(&whole, &world, &o);
        o.settings = "batch-size=12 lr=0.001 max-batch-tokens=70";
        bench_make(&pieces, &world, &o);
        for (int step = 0; step < 3; step++) {
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

// Six steps in one go, and three, a checkpoint, another process and three more: the same bits.
static void a_resumed_run_ends_with_the_same_bits(void **state)
{
    for (int i = 0; i < N_KINDS; i++) {
        struct bench whole, first, second;
        const struct bench_options o = {.objective = kinds[i], .steps = 6, .lora_rank = i == 1 ? 4 : 0};
        struct checkpoint_facts facts = {kinds[i], "key", NULL};
        char *dir = path_join(world.dir, kinds[i]), *name, *folder;
        int64_t step;
        size_t n, m;
        json_t *settings = json_object(), *again;
        bench_make(&whole, &world, &o);
        bench_make(&first, &world, &o);
        bench_make(&second, &world, &o);
        facts.data_hash = first.train.hash;
        train(&whole, 6);
        train(&first, 3);
        assert_ok(checkpoint_write(first.trainer, dir, &facts, settings, NULL, SAVE_F32, 1, &name, e));
        folder = checkpoint_latest(dir, &step);
        assert_non_null(folder);
        assert_int_equal(step, 3);
        assert_ok(checkpoint_restore(second.trainer, folder, &facts, &again, e));
        train(&second, 3);
        float *x = bench_weights(&whole, &n), *y = bench_weights(&second, &m);
        assert_int_equal(n, m);
        assert_memory_equal(x, y, n * sizeof *x);
        free(x);
        free(y);
        json_decref(settings);
        json_decref(again);
        free(name);
        free(folder);
        free(dir);
        bench_free(&whole);
        bench_free(&first);
        bench_free(&second);
    }
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_level_gradients_are_slopes_of_the_loss),
        cmocka_unit_test(one_token_has_the_same_score_at_both_levels),
        cmocka_unit_test(token_scores_average_over_the_response),
        cmocka_unit_test(rm_token_learns_and_is_saved_as_what_it_is),
        cmocka_unit_test(a_comparison_shows_both_responses_and_cuts_them_alike),
        cmocka_unit_test(pairs_are_shown_in_an_order_that_the_seed_draws),
        cmocka_unit_test(a_preference_model_learns_to_judge_in_both_orders),
        cmocka_unit_test(micro_batches_do_not_change_the_step),
        cmocka_unit_test(a_resumed_run_ends_with_the_same_bits),
        cmocka_unit_test(evaluation_says_how_calibrated_rewards_are),
        cmocka_unit_test(a_split_vote_is_learnt_as_a_probability_and_a_tie_as_equal_scores),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
