// Sets of pairs in attune.db, the sides that answers are shown on, the vote and what is none, and stores of five
// grades.
#include "config.h"

#include "testing.h"

#include <sqlite3.h>

#include "base/rng.h"
#include "store/label_sets.h"
#include "store/sql.h"

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

static struct asked_pair pair(const char *prompt, const char *a, const char *b)
{
    return (struct asked_pair){.prompt = (char *)prompt, .a = (char *)a, .b = (char *)b};
}

static void make_set(const char *name, struct label_set *set)
{
    struct asked_pair pairs[] = {pair("p", "a", "b"), pair("q", "a", "b"), pair("p", "a", "b"), pair("p", "b", "a")};
    const double shares[] = {1, NAN, 0, 0.25};
    *set = (struct label_set){.name = (char *)name, .source = "x.jsonl", .seed = UINT64_MAX - 3, .repeats = 0.1};
    assert_ok(label_set_add(store, set, pairs, shares, NULL, 4, e));
}

static void a_set_is_read_as_it_was_made(void **state)
{
    struct label_set made, got, *list;
    struct label_item *items;
    struct asked_pair p;
    struct err fault;
    int n;
    make_set("first", &made);
    assert_int_equal(made.n, 3); // one stood there twice
    assert_ok(label_set_find(store, "FIRST", &got, e));
    assert_int_equal(got.id, made.id);
    assert_true(got.seed == UINT64_MAX - 3);
    assert_string_equal(got.source, "x.jsonl");
    assert_close(got.repeats, 0.1, 0);
    assert_int_equal(got.n, 3);
    label_set_fini(&got);
    assert_ok(label_set_items(store, made.id, &items, &n, e));
    assert_int_equal(n, 3);
    assert_close(items[0].share, 1, 0);
    assert_true(isnan(items[1].share));
    assert_ok(label_pair(store, items[2].pair, &p, e));
    assert_string_equal(p.prompt, "p");
    assert_string_equal(p.a, "b");
    asked_pair_fini(&p);
    assert_int_equal(label_pair(store, 99, &p, &fault), ERR_NOT_FOUND);
    free(items);
    struct label_set again = {.name = "first"};
    struct asked_pair one = pair("p", "x", "y");
    assert_int_equal(label_set_add(store, &again, &one, NULL, NULL, 1, &fault), ERR_STATE);
    again = (struct label_set){.name = "much", .repeats = 0.6};
    assert_int_equal(label_set_add(store, &again, &one, NULL, NULL, 1, &fault), ERR_USAGE);
    assert_int_equal(label_set_find(store, "firts", &got, &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "did you mean first?"));
    assert_ok(label_set_append(store, "first", &one, 0.5, e));
    assert_ok(label_set_append(store, "first", &one, 0.5, e)); // is there already
    assert_ok(label_set_append(store, "votes", &one, NAN, e));
    assert_ok(label_set_set_guideline(store, made.id, "Be fair.", e));
    assert_ok(label_sets(store, &list, &n, e));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].name, "votes");
    assert_int_equal(list[0].n, 1);
    assert_int_equal(list[1].n, 4);
    assert_string_equal(list[1].guideline, "Be fair.");
    label_sets_free(list, n);
}

static void add(const char *who, int64_t id, enum verdict v, int occasion, bool is_final)
{
    struct asked_pair p;
    struct judgement j = {.verdict = v, .seconds = 2, .occasion = occasion, .is_final = is_final, .reasons = "ac"};
    bool again;
    text_copy(j.annotator, sizeof j.annotator, who);
    assert_ok(label_pair(store, id, &p, e));
    assert_ok(labels_add(store, NULL, &p, &j, false, &again, e));
    assert_false(again);
    asked_pair_fini(&p);
}

static void a_second_look_is_no_vote_and_the_last_word_is_the_only_one(void **state)
{
    struct label_set set;
    struct label_item *items;
    struct judgement *said;
    struct judged_pair *judged;
    struct err fault;
    int n, n_said;
    int64_t cursor = 0, row, final_id;
    make_set("votes", &set);
    assert_ok(label_set_items(store, set.id, &items, &n, e));
    add("ann", items[0].pair, VERDICT_SLIGHT_A, 0, false);
    add("ann", items[0].pair, VERDICT_MUCH_B, 1, false); // the pair came again
    add("bob", items[0].pair, VERDICT_B, 0, false);
    assert_ok(labels_judged(store, NULL, &judged, &n, e));
    assert_int_equal(n, 1);
    assert_int_equal(judged[0].n_a, 1);
    assert_int_equal(judged[0].n_b, 1);
    assert_close(judged[0].grades, 1, 0); // -1 + 2
    judged_pairs_free(judged, n);
    add("cyd", items[0].pair, VERDICT_A, 0, true);
    assert_ok(labels_judged(store, NULL, &judged, &n, e));
    assert_int_equal(judged[0].n_a, 1);
    assert_int_equal(judged[0].n_b, 0);
    judged_pairs_free(judged, n);
    assert_ok(label_set_since(store, set.id, &cursor, &said, &n_said, e));
    assert_int_equal(n_said, 4);
    assert_int_equal(said[1].occasion, 1);
    assert_string_equal(said[1].reasons, "ac");
    assert_true(said[3].is_final);
    assert_int_equal(said[3].pair, items[0].pair);
    final_id = said[3].id;
    assert_int_equal(cursor, final_id);
    judgements_free(said, n_said);
    assert_int_equal(labels_take_back(store, final_id, "ann", &row, &fault), ERR_NOT_FOUND); // it is not ann's
    assert_ok(labels_take_back(store, final_id, "cyd", &row, e));
    assert_int_equal(labels_take_back(store, final_id, "cyd", &row, &fault), ERR_NOT_FOUND);
    assert_ok(labels_judged(store, NULL, &judged, &n, e));
    assert_int_equal(judged[0].n_b, 1); // votes count again
    judged_pairs_free(judged, n);
    assert_ok(label_set_since(store, set.id, &cursor, &said, &n_said, e));
    assert_int_equal(n_said, 1);
    assert_int_equal(said[0].verdict, VERDICT_UNDO);
    assert_int_equal(said[0].supersedes, final_id);
    judgements_free(said, n_said);
    free(items);
}

static void sides_are_balanced_in_each_eight_and_follow_from_the_seed(void **state)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        for (uint64_t block = 0; block < 50; block++) {
            int n = 0;
            for (uint64_t k = 0; k < 8; k++) {
                n += label_side(seed, block * 8 + k);
                assert_int_equal(label_side(seed, block * 8 + k), label_side(seed, block * 8 + k));
            }
            assert_int_equal(n, 4);
        }
    // Not the same eight always, nor for every seed.
    int blocks_differ = 0, seeds_differ = 0;
    for (uint64_t k = 0; k < 8; k++) {
        blocks_differ += label_side(1, k) != label_side(1, k + 8);
        seeds_differ += label_side(1, k) != label_side(2, k);
    }
    assert_true(blocks_differ > 0 && seeds_differ > 0);
    assert_true(label_seed(1, "ann") != label_seed(1, "bob"));
    assert_true(label_seed(1, "ann") != label_seed(2, "ann"));
    assert_true(label_seed(1, "ann") == label_seed(1, "ann"));
}

// Which of two models wrote A: by turns, in pairs, in eights, or by lot.
static bool model_of(int pattern, int k, struct rng *r)
{
    return pattern == 0 ? k & 1 : pattern == 1 ? k >> 1 & 1 : pattern == 2 ? k >> 2 & 1 : rng_below(r, 2);
}

static void side_and_model_have_nothing_to_do_with_each_other(void **state)
{
    enum { N = 10000 };
    for (int pattern = 0; pattern < 4; pattern++) {
        struct rng r = rng_make(7, RNG_TEST, (uint32_t)pattern);
        double sx = 0, sy = 0, sxy = 0;
        for (int k = 0; k < N; k++) {
            const double side = label_side(20270115, (uint64_t)k), model = model_of(pattern, k, &r);
            sx += side;
            sy += model;
            sxy += side * model;
        }
        const double x = sx / N, y = sy / N, cov = sxy / N - x * y;
        const double correlation = cov / sqrt(x * (1 - x) * y * (1 - y));
        if (!(fabs(correlation) < 0.02))
            fail_msg("pattern %d: the correlation is %g", pattern, correlation);
    }
}

static void a_store_of_five_grades_is_brought_up_to_date(void **state)
{
    struct sql s;
    struct store *opened;
    struct judgement *said;
    int n;
    int64_t cursor = 0;
    char *old = test_folder(), *path = path_join(old, "attune.db");
    const char *two[] = {store_schema.migrations[0], store_schema.migrations[1], NULL};
    const struct sql_schema schema = {
        .what = "an old store", .application_id = store_schema.application_id, .migrations = two};
    assert_ok(sql_open(&s, path, SQL_CREATE, e));
    assert_ok(sql_migrate(&s, &schema, e));
    assert_ok(sql_exec(&s,
                       "INSERT INTO runs(id, name, objective, model, data, settings, created_ms) VALUES(1, 'r', 'dpo', "
                       "'m', 'd', '{}', 5);"
                       "INSERT INTO pairs_judged(id, run, number, hash, prompt, turns, a, b, step, model, at_ms) "
                       "VALUES(1, 1, 1, 'h', 'p', '', 'a', 'b', 1, 'm', 5);",
                       e));
    static const char *const names[] = {"much-A", "A", "tie", "B", "much-B", "both-bad", "skip", "flag", "undo"};
    for (int v = -2; v <= 6; v++) {
        char text[300];
        snprintf(text, sizeof text,
                 "INSERT INTO judgements(pair, run, annotator, verdict, swapped, seconds, note, at_ms) "
                 "VALUES(1, 1, 'w%d', %d, 0, 1.5, 'n', 5)",
                 v + 2, v);
        assert_ok(sql_exec(&s, text, e));
    }
    sql_close(&s);
    assert_ok(store_open(&opened, old, false, e));
    assert_ok(labels_since(opened, "r", &cursor, &said, &n, e));
    assert_int_equal(n, 9);
    for (int i = 0; i < n; i++) {
        assert_string_equal(verdict_name(said[i].verdict), names[i]);
        assert_int_equal(said[i].occasion, 0);
        assert_string_equal(said[i].reasons, "");
    }
    judgements_free(said, n);
    store_close(opened);
    assert_ok(file_remove_tree(old, e));
    free(path);
    free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_set_is_read_as_it_was_made, open_store, close_store),
        cmocka_unit_test_setup_teardown(a_second_look_is_no_vote_and_the_last_word_is_the_only_one, open_store,
                                        close_store),
        cmocka_unit_test(sides_are_balanced_in_each_eight_and_follow_from_the_seed),
        cmocka_unit_test(side_and_model_have_nothing_to_do_with_each_other),
        cmocka_unit_test(a_store_of_five_grades_is_brought_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
