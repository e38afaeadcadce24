// Judged pairs as data: each shape with what is right worked out by hand, soft labels against the model's own fit, and
// a file of judgements that another project takes.
#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "stats/annotators.h"
#include "ui/label/label_export.h"

static char *dir, *path;
static struct store *store;

static int set_up(void **state)
{
    dir = test_folder();
    path = path_join(dir, "out.jsonl");
    assert_ok(store_open(&store, dir, true, e));
    return 0;
}

static int tear_down(void **state)
{
    store_close(store);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
    return 0;
}

static void says(const char *who, const char *prompt, enum verdict v, bool is_final)
{
    struct asked_pair p = {.prompt = (char *)prompt, .a = (char *)"first", .b = (char *)"second"};
    struct judgement j = {
        .verdict = v, .seconds = 2.5, .is_final = is_final, .swapped = v > 0, .note = "n", .reasons = "b"};
    bool again;
    asked_pair_hash(&p);
    text_copy(j.annotator, sizeof j.annotator, who);
    assert_ok(labels_add(store, NULL, &p, &j, false, &again, e));
}

static json_t *written(enum label_shape shape, bool ties, const char *set, int n, struct label_exported *count)
{
    const struct label_export what = {.shape = shape, .ties = ties, .set = set};
    char *text;
    size_t n_bytes;
    json_t *list = json_array(), *row;
    assert_ok(label_export(store, &what, path, count, e));
    assert_ok(file_read(path, 1 << 20, &text, &n_bytes, e));
    for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
        assert_ok(json_parse(at, (size_t)(end - at), "a row", &row, e));
        json_array_append_new(list, row);
    }
    free(text);
    assert_int_equal(json_array_size(list), n);
    return list;
}

static const char *text_at(const json_t *list, int i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(list, (size_t)i), key));
}

static double number_at(const json_t *list, int i, const char *key)
{
    return json_number_value(json_object_get(json_array_get(list, (size_t)i), key));
}

static void judge_some(void)
{
    says("ann", "p", VERDICT_SLIGHT_B, false);
    says("bob", "p", VERDICT_MUCH_B, false);
    says("cyd", "p", VERDICT_A, false);
    says("ann", "tie", VERDICT_TIE, false);
    says("ann", "bad", VERDICT_BOTH_BAD, false);
    says("ann", "skipped", VERDICT_SKIP, false);
    says("ann", "settled", VERDICT_A, false);
    says("bob", "settled", VERDICT_A, false);
    says("eve", "settled", VERDICT_B, true);
}

static void pairs_have_votes_and_a_margin(void **state)
{
    struct label_exported count;
    judge_some();
    json_t *list = written(LABELS_AS_PAIRS, false, NULL, 2, &count);
    assert_string_equal(text_at(list, 0, "chosen"), "second");
    assert_close(number_at(list, 0, "margin"), 2.0 / 3, 1e-5); // (1 + 3 - 2) / 3
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "votes")), 2);
    assert_string_equal(text_at(list, 1, "prompt"), "settled");
    assert_string_equal(text_at(list, 1, "chosen"), "second"); // two votes against the last word
    assert_null(json_object_get(json_array_get(list, 1), "votes"));
    assert_int_equal(count.ties, 1);
    assert_int_equal(count.both_bad, 1);
    assert_int_equal(count.skipped, 1);
    json_decref(list);
    json_decref(written(LABELS_AS_PAIRS, true, NULL, 3, &count));
}

static void shares_are_those_of_the_annotators_model(void **state)
{
    struct label_exported count;
    struct annotator_fit fit;
    char prompt[20];
    struct annotator_vote votes[90];
    int n = 0;
    for (int i = 0; i < 30; i++) { // two who agree, and one who says the opposite half of the time
        snprintf(prompt, sizeof prompt, "p%d", i);
        const enum verdict right = i % 3 ? VERDICT_A : VERDICT_B;
        static const char *const names[] = {"ann", "bob", "cyd"};
        for (int who = 0; who < 3; who++) {
            const enum verdict v = who == 2 && i % 2 ? (enum verdict) - (int)right : right;
            says(names[who], prompt, v, false);
            votes[n++] = (struct annotator_vote){who, i, v > 0};
        }
    }
    assert_ok(annotators_fit(&fit, 3, 30, votes, n, e));
    json_t *list = written(LABELS_AS_SHARES, false, NULL, 30, &count);
    for (int i = 0; i < 30; i++) {
        const bool b = strcmp(text_at(list, i, "chosen"), "second") == 0;
        assert_int_equal(b, i % 3 == 0);
        const double share = number_at(list, i, "share");
        assert_close(share, b ? fit.pairs[i].share : 1 - fit.pairs[i].share, 1e-5);
        assert_close(number_at(list, i, "share_low"), b ? fit.pairs[i].interval.low : 1 - fit.pairs[i].interval.high,
                     1e-5);
        assert_true(number_at(list, i, "share_low") < share && share < number_at(list, i, "share_high"));
    }
    // Where cyd says the opposite, less is known.
    assert_true(number_at(list, 1, "share") < number_at(list, 2, "share"));
    annotator_fit_fini(&fit);
    json_decref(list);
}

static void other_shapes(void **state)
{
    struct label_exported count;
    judge_some();
    json_t *list = written(LABELS_AS_BINARY, false, NULL, 6, &count);
    assert_string_equal(text_at(list, 0, "completion"), "first");
    assert_true(json_is_false(json_object_get(json_array_get(list, 0), "label")));
    assert_true(json_is_true(json_object_get(json_array_get(list, 1), "label")));
    assert_string_equal(text_at(list, 2, "prompt"), "bad"); // two bad answers
    assert_true(json_is_false(json_object_get(json_array_get(list, 2), "label")));
    assert_true(json_is_false(json_object_get(json_array_get(list, 3), "label")));
    json_decref(list);
    list = written(LABELS_AS_TEXTS, false, NULL, 2, &count);
    assert_string_equal(text_at(list, 1, "completion"), "second");
    json_decref(list);
    list = written(LABELS_AS_JUDGEMENTS, false, NULL, 9, &count);
    assert_string_equal(text_at(list, 8, "annotator"), "eve");
    assert_string_equal(text_at(list, 8, "verdict"), "B");
    assert_true(json_is_true(json_object_get(json_array_get(list, 8), "final")));
    assert_string_equal(text_at(list, 8, "reasons"), "b");
    assert_close(number_at(list, 8, "seconds"), 2.5, 0);
    json_decref(list);
}

static void of_a_set_only_its_pairs(void **state)
{
    struct label_exported count;
    struct label_set set = {.name = (char *)"mine"};
    struct asked_pair pairs[] = {{.prompt = (char *)"settled", .a = (char *)"first", .b = (char *)"second"},
                                 {.prompt = (char *)"unjudged", .a = (char *)"first", .b = (char *)"second"}};
    struct err fault;
    judge_some();
    assert_ok(label_set_add(store, &set, pairs, NULL, NULL, 2, e));
    json_t *list = written(LABELS_AS_PAIRS, false, "mine", 1, &count);
    assert_string_equal(text_at(list, 0, "prompt"), "settled");
    json_decref(list);
    const struct label_export none = {.set = "other"};
    assert_int_equal(label_export(store, &none, path, &count, &fault), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pairs_have_votes_and_a_margin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shares_are_those_of_the_annotators_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_shapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_a_set_only_its_pairs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
