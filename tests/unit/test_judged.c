// Judgements in numbers: what is the same pair, what is a repeat, and what the reports on judges and on models make of
// them.
#include "config.h"

#include "testing.h"

#include "store/judged_votes.h"
#include "ui/label/judge_report.h"
#include "ui/compare/win_report.h"

static char *dir;
static struct store *store;

static int open_store(void **state)
{
    dir = test_folder();
    assert_ok(store_open(&store, dir, true, e));
    return 0;
}

static int close_store(void **state)
{
    store_close(store);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    return 0;
}

struct said {
    const char *prompt, *a, *b, *model, *model_b, *annotator;
    enum verdict verdict;
    bool swapped;
    double seconds;
};

static void say(const char *run, struct said s)
{
    struct asked_pair p = {.id = run ? 1 : 0,
                           .prompt = (char *)s.prompt,
                           .a = (char *)s.a,
                           .b = (char *)s.b,
                           .model = (char *)s.model,
                           .model_b = (char *)s.model_b};
    struct judgement j = {.verdict = s.verdict, .swapped = s.swapped, .seconds = s.seconds};
    bool again;
    text_copy(j.annotator, sizeof j.annotator, s.annotator);
    asked_pair_hash(&p);
    assert_ok(labels_add(store, run, &p, &j, false, &again, e));
}

static void the_same_pair_is_known_by_any_number_and_order(void **state)
{
    char *name;
    struct judged_votes v;
    assert_ok(judged_votes_read(store, NULL, &v, e));
    assert_true(v.n_votes == 0 && v.n_pairs == 0 && v.n_annotators == 0);
    judged_votes_fini(&v);
    assert_ok(store_add_run(store, "r", "online-dpo", "m", "d", NULL, &name, e));
    free(name);
    say(NULL, (struct said){"q", "long answer", "b", "m1", "m2", "ann", VERDICT_MUCH_A, false, 5});
    say("r", (struct said){"q", "b", "long answer", "step 3", NULL, "ann", VERDICT_B, true, NAN}); // the same, exchanged
    say(NULL, (struct said){"q", "b", "c\xc3\xa9", NULL, NULL, "bob", VERDICT_TIE, false, 2});
    say(NULL, (struct said){"other", "b", "c", NULL, NULL, "bob", VERDICT_SKIP, false, 2});
    assert_ok(judged_votes_read(store, NULL, &v, e));
    assert_int_equal(v.n_sources, 4);
    assert_int_equal(v.n_pairs, 3);
    assert_int_equal(v.n_prompts, 2);
    assert_int_equal(v.n_annotators, 2);
    assert_string_equal(v.annotators[1], "bob");
    assert_int_equal(v.n_models, 3);
    assert_string_equal(v.models[v.pairs[0].model_b], "m2");
    assert_string_equal(v.models[2], "r step 3");
    assert_true(v.pairs[0].length_gap == 10 && v.pairs[1].length_gap == -1); // letters, not bytes
    assert_true(v.pairs[0].run == -1 && v.pairs[0].prompt == v.pairs[1].prompt && v.pairs[1].model_a == -1);
    const struct judged_vote *first = &v.votes[0], *second = &v.votes[1];
    assert_true(first->pair == 0 && second->pair == 0 && !first->is_repeat && second->is_repeat);
    assert_int_equal(first->verdict, VERDICT_MUCH_A);
    assert_int_equal(second->verdict, VERDICT_A); // seen from the other side
    assert_true(!second->swapped && v.sources[1].is_turned && !v.sources[0].is_turned);
    assert_true(isnan(second->seconds) && v.votes[3].verdict == VERDICT_SKIP);
    judged_votes_fini(&v);
    assert_ok(judged_votes_read(store, "r", &v, e));
    assert_true(v.n_votes == 1 && v.n_pairs == 1 && !v.votes[0].is_repeat && v.pairs[0].run == 0);
    assert_int_equal(v.votes[0].verdict, VERDICT_B); // alone it is as the run has it
    judged_votes_fini(&v);
    struct err e = {0};
    assert_int_equal(judged_votes_read(store, "none", &v, &e), ERR_NOT_FOUND);
}

static void models_are_known_from_whoever_names_them(void **state)
{
    struct judged_votes v;
    say(NULL, (struct said){"q", "x", "y", NULL, NULL, "ann", VERDICT_A, false, 1});
    say(NULL, (struct said){"q", "y", "x", "of y", "of x", "bob", VERDICT_A, false, 1});
    assert_ok(judged_votes_read(store, NULL, &v, e));
    assert_int_equal(v.n_pairs, 1);
    assert_string_equal(v.models[v.pairs[0].model_a], "of x");
    assert_string_equal(v.models[v.pairs[0].model_b], "of y");
    judged_votes_fini(&v);
}

static void what_is_taken_back_does_not_count(void **state)
{
    struct judgement undone;
    struct judged_votes v;
    say(NULL, (struct said){"q", "a", "b", "m", NULL, "ann", VERDICT_A, false, 1});
    say(NULL, (struct said){"q2", "a", "b", "m", NULL, "ann", VERDICT_A, false, 1});
    assert_ok(labels_undo(store, NULL, 0, "ann", &undone, e));
    judgement_fini(&undone);
    assert_ok(judged_votes_read(store, NULL, &v, e));
    assert_true(v.n_votes == 1 && v.votes[0].pair == 0);
    judged_votes_fini(&v);
}

static char texts[400][16];

// A vote of `who` on pair i, whose answers have 2 and 3 letters: B is the longer one.
static void vote(int i, const char *who, enum verdict verdict, bool swapped, double seconds)
{
    snprintf(texts[i], sizeof texts[i], "q%d", i);
    say(NULL, (struct said){texts[i], "aa", "bbb", "old", "new", who, verdict, swapped, seconds});
}

static void a_report_tells_judges_apart(void **state)
{
    struct judged_votes v;
    struct judge_report r;
    struct str warning = {0};
    for (int i = 0; i < 40; i++) {
        vote(i, "ann", i % 4 ? VERDICT_A : VERDICT_MUCH_B, i % 2, i < 2 ? 100 : 10 + i);
        vote(i, "bob", i % 4 ? VERDICT_MUCH_A : VERDICT_B, i % 2, 1);
        vote(i, "cyd", i % 2 ? VERDICT_B : VERDICT_A, i % 2, NAN); // whatever is shown first
    }
    vote(40, "ann", VERDICT_BOTH_BAD, false, 30);
    vote(41, "ann", VERDICT_SKIP, false, 30);
    vote(42, "ann", VERDICT_FLAG, false, 30);
    for (int i = 0; i < 4; i++) // the same pairs with their sides exchanged; one of them judged otherwise
        say(NULL, (struct said){texts[i], "bbb", "aa", NULL, NULL, "ann",
                                i == 0   ? VERDICT_MUCH_A
                                : i == 1 ? VERDICT_A
                                         : VERDICT_B,
                                false, 20});
    assert_ok(judged_votes_read(store, NULL, &v, e));
    assert_ok(judge_report_make(&r, &v, e));
    const struct judge_line *ann = &r.lines[0], *bob = &r.lines[1], *cyd = &r.lines[2];
    assert_int_equal(r.n, 3);
    assert_int_equal(r.n_answered, 41);
    assert_true(ann->n == 45 && ann->n_again == 4 && ann->n_skips == 1 && ann->n_flags == 1 && ann->n_ties == 0);
    assert_true(ann->n_timed == 45 && ann->n_idle == 2);
    assert_close(ann->median_s, 29, 1e-9); // of 12 .. 49, 30 and four times 20
    assert_close(ann->per_hour, 3600 * 43 / (38 * 30.5 + 30 + 80), 1e-9);
    assert_true(isnan(cyd->per_hour) && cyd->n_timed == 0 && bob->median_s == 1);
    assert_true(ann->self.n == 4 && ann->self.n_same == 3 && ann->self.n_side == 3 && ann->self.n_sided == 4);
    assert_true(bob->self.n == 0 && isnan(bob->self.kappa));
    assert_int_equal(r.n_twos, 3);
    const struct judge_match *both = &r.twos[0].match; // ann and bob: the same sides, other grades
    assert_true(r.twos[0].a == 0 && r.twos[0].b == 1 && both->n == 40 && both->n_same == 0 && both->n_side == 40);
    assert_close(both->kappa, 1, 1e-12);
    assert_true(both->weighted < 1 && both->weighted > 0.6);
    assert_true(ann->n_met == 80 && ann->n_met_side == 40 + 10); // cyd agrees in every fourth
    assert_int_equal(r.n_shared, 40);
    assert_true(cyd->side.n == 40 && cyd->side.k == 40 && cyd->side.p < 1e-9);
    assert_true(bob->length.n == 40 && bob->length.k == 10);
    assert_true(bob->fast.k == 40 && bob->fast.n == 40);
    assert_true(cyd->ability < ann->ability && cyd->ability < 0.6);
    assert_close(r.alpha_nominal, 1 - 119 * 30.0 / (80 * 40), 1e-12); // by hand: 30 disagreements, 80 for A, 40 for B
    assert_close(r.percent, 10 / 3.0 / 40, 1e-12);
    assert_true(r.alpha_ordinal < 0.2 && r.gwet < 0.5);
    judge_line_warn(cyd, 0.2, &warning);
    assert_non_null(strstr(str_text(&warning), "prefers the answer shown first (100 % of 40"));
    str_clear(&warning);
    judge_line_warn(bob, 0.2, &warning);
    assert_non_null(strstr(str_text(&warning), "the shorter answer"));
    assert_non_null(strstr(str_text(&warning), "100 % in less than 3 s"));
    str_fini(&warning);
    judge_report_fini(&r);
    judged_votes_fini(&v);
}

static void a_report_without_overlap_says_nothing_of_it(void **state)
{
    struct judged_votes v;
    struct judge_report r;
    struct str warning = {0};
    vote(0, "ann", VERDICT_A, false, NAN);
    vote(1, "bob", VERDICT_B, false, NAN);
    assert_ok(judged_votes_read(store, NULL, &v, e));
    assert_ok(judge_report_make(&r, &v, e));
    assert_true(r.n_twos == 0 && r.n_shared == 0 && isnan(r.alpha_ordinal) && isnan(r.percent) && isnan(r.gwet));
    assert_close(r.lines[0].ability, 1, 1e-9);
    judge_line_warn(&r.lines[0], 0.2, &warning);
    assert_int_equal(warning.len, 0);
    judge_report_fini(&r);
    judged_votes_fini(&v);
}

static void models_are_compared_from_either_side(void **state)
{
    struct judged_votes v;
    struct win_report r;
    for (int i = 0; i < 30; i++) // "new" wins 20, ties 5, loses 5; it is A in every third
        say(NULL,
            i % 3 == 0
                ? (struct said){(snprintf(texts[i], sizeof texts[i], "q%d", i), texts[i]), "bbb", "aa", "new", "old", "ann",
                                i < 20   ? VERDICT_A
                                : i < 25 ? VERDICT_TIE
                                         : VERDICT_MUCH_B,
                                false, NAN}
                : (struct said){(snprintf(texts[i], sizeof texts[i], "q%d", i), texts[i]), "aa", "bbb", "old", "new", "ann",
                                i < 20   ? VERDICT_MUCH_B
                                : i < 25 ? VERDICT_TIE
                                         : VERDICT_A,
                                true, NAN});
    say(NULL, (struct said){"q0", "aa", "bbb", "old", "new", "ann", VERDICT_A, true, NAN}); // again: no second vote
    say(NULL, (struct said){"q1", "aa", "bbb", "old", "new", "bob", VERDICT_B, true, NAN}); // the prompt's second vote
    say(NULL, (struct said){"q2", "aa", "bbb", "old", "new", "bob", VERDICT_BOTH_BAD, true, NAN});
    say(NULL, (struct said){"x", "aa", "bbb", "old", NULL, "ann", VERDICT_A, true, NAN}); // of one model
    say(NULL, (struct said){"y", "aa", "bbb", "old", "third", "ann", VERDICT_A, true, NAN});
    assert_ok(judged_votes_read(store, NULL, &v, e));
    assert_ok(win_report_make(&r, &v, 0.95, e));
    assert_int_equal(r.n_twos, 2);
    const struct win_two *w = &r.twos[0];
    assert_string_equal(v.models[w->a], "new");
    assert_string_equal(v.models[w->b], "old");
    assert_true(w->rate.n == 31 && w->rate.wins == 21 && w->rate.ties == 5 && w->rate.losses == 5 &&
                w->rate.n_clusters == 30);
    assert_int_equal(w->n_both_bad, 1);
    assert_close(w->rate.rate, 23.5 / 31, 1e-12);
    assert_true(w->bootstrap.low < w->rate.rate && w->rate.rate < w->bootstrap.high);
    assert_close(w->sign_p, binomial_test(21, 26, 0.5), 1e-15);
    assert_int_equal(w->sequence.wins + w->sequence.ties + w->sequence.losses, 30);
    assert_true(w->sequence.e_a > 20 && w->sequence.e_b < 1);
    assert_close(w->side_r, 1, 1e-12); // A is shown first where new is A, B where it is not: always new's
    assert_int_equal(w->length.state, LENGTH_CONSTANT);
    assert_int_equal(r.strengths.n_players, 3);
    assert_true(r.strengths.is_held && r.strengths.n_groups == 1); // the third has only lost
    assert_string_equal(v.models[r.twos[1].a], "old");
    win_report_fini(&r);
    judged_votes_fini(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_pair_is_known_by_any_number_and_order, open_store, close_store),
        cmocka_unit_test_setup_teardown(models_are_known_from_whoever_names_them, open_store, close_store),
        cmocka_unit_test_setup_teardown(what_is_taken_back_does_not_count, open_store, close_store),
        cmocka_unit_test_setup_teardown(a_report_tells_judges_apart, open_store, close_store),
        cmocka_unit_test_setup_teardown(a_report_without_overlap_says_nothing_of_it, open_store, close_store),
        cmocka_unit_test_setup_teardown(models_are_compared_from_either_side, open_store, close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
