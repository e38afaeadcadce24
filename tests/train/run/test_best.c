// What may be asked of keep-best and patience, what evaluations make of it, and which checkpoints stay.
#include "config.h"

#include "fixture.h"

#include "base/json.h"
#include "train/run/best.h"
#include "train/run/checkpoint.h"
#include "train/run/params.h"

// ---- what may be asked for ----

// As best_open of the objective with these settings; e may be NULL.
static int open_best(struct best *b, const char *objective, const char *words, struct notes *notes, struct err *e_out)
{
    const struct objective *o;
    struct run_tables tables;
    struct settings s;
    assert_ok(objective_find(&o, objective, e));
    run_settings_init(&s, &tables, o);
    char *list = strdup(words), *save = NULL;
    for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        assert_ok(settings_set(&s, word, value, e));
    }
    int code = best_open(b, o, &s, notes, e_out);
    free(list);
    settings_fini(&s);
    return code;
}

static void what_a_run_could_not_have_is_refused(void **state)
{
    static const struct {
        const char *objective, *settings, *why;
    } rows[] = {
        {"dpo", "patience=3", "name one with keep-best"},
        {"dpo", "min-delta=0.1", "name one with keep-best"},
        {"dpo", "keep-best=loss", "the held-out one is eval/loss"},
        {"dpo", "keep-best=max:rewards/margins", "the held-out one is eval/rewards/margins"},
        {"dpo", "keep-best=eval/odd", "write max:eval/odd or min:eval/odd"},
        {"dpo", "keep-best=max:", "is no metric's name"},
        {"dpo", "keep-best=eval/loss eval-share=0", "give a file with eval-data"},
        {"dpo", "keep-best=eval/loss eval-every=0 patience=2", "give eval-every"},
        {"dpo", "keep-best=kl probe-every=0", "give probe-every"},
        {"rm", "keep-best=kl", "is of sampled answers"},
        {"preference-model", "keep-best=kl", "is of sampled answers"},
        {"sdpo", "stages=3 keep-best=eval/loss", "each stage's own reference"},
        {"sdpo", "stages=3 keep-best=eval/rewards/accuracies", "each stage's own reference"},
        {"paft", "keep-best=eval/loss", "merge RUN@best"},
        {"rloo", "keep-best=eval/reward probe-every=0", "give probe-every"},
        {"rloo", "keep-best=reward reward-model=x", "that of the rows that are trained on; the held-out one is eval/reward"},
        {"rloo", "keep-best=eval/loss reward-model=x", "has: kl, eval/completions/mean_length, eval/reward"},
        {"rloo", "keep-best=max:completions/clipped_ratio rewards=length:1..9@2", "eval/reward, eval/rewards/length/mean"},
        {"rloo", "keep-best=eval/rewards/model/mean reward-model=x", "has: kl, eval/completions/mean_length, eval/reward"},
        {"rloo", "keep-best=eval/rewards/preference/mean rewards=preference:x,length:1..9", "eval/rewards/length/mean"},
        {"rloo", "keep-best=max:style/song reward-model=x", "has: kl"},
        {"rloo", "keep-best=eval/reward rewards=preference:x", "neither a person nor a comparison"},
        {"online-dpo", "keep-best=min:completions/mean_length feedback=person", "has: kl, eval/completions/mean_length"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct best b;
        struct err fault = {0};
        assert_int_equal(open_best(&b, rows[i].objective, rows[i].settings, NULL, &fault), ERR_USAGE);
        if (!strstr(fault.text, rows[i].why))
            fail_msg("%s %s: %s", rows[i].objective, rows[i].settings, fault.text);
    }
}

static void the_direction_is_known_or_said_and_doubts_are_noted(void **state)
{
    static const struct {
        const char *objective, *settings, *metric;
        bool highest;
        const char *doubt; // NULL: none
    } rows[] = {
        {"dpo", "keep-best=eval/loss patience=2", "eval/loss", false, NULL},
        {"dpo", "keep-best=max:eval/loss", "eval/loss", true, NULL},
        {"dpo", "keep-best=eval/rewards/accuracies", "eval/rewards/accuracies", true, NULL},
        {"rm", "keep-best=eval/rewards/ece", "eval/rewards/ece", false, NULL},
        {"dpo", "keep-best=eval/loss eval-share=0 eval-data=x", "eval/loss", false, NULL},
        {"dpo", "keep-best=eval/loss eval-every=0", "eval/loss", false, NULL}, // the better of beginning and end
        {"dpo", "keep-best=kl", "kl", false, NULL},
        {"dpo", "keep-best=min:completions/mean_length", "completions/mean_length", false, NULL},
        {"tdpo1", "keep-best=min:eval/kl/chosen", "eval/kl/chosen", false, NULL},
        {"dpo", "keep-best=min:eval/odd", "eval/odd", false, "none of the usual"},
        {"rloo", "keep-best=max:style/song reward-model=x probe-styles=yes", "style/song", true, NULL},
        {"sdpo", "stages=3 keep-best=eval/logps/chosen", "eval/logps/chosen", true, NULL},
        {"sdpo", "stages=1 keep-best=eval/loss", "eval/loss", false, NULL},
        {"rloo", "keep-best=eval/reward patience=2 eval-every=0", "eval/reward", true, "that rloo is given to raise"},
        {"grpo", "keep-best=eval/rewards/model/mean reward-model=x rewards=length:1..9@0", "eval/rewards/model/mean", true, "given to raise"},
        {"grpo", "keep-best=eval/rewards/watched/mean watch-model=x", "eval/rewards/watched/mean", true, NULL},
        {"grpo", "keep-best=eval/rewards/length/mean rewards=length:1..9@0.5", "eval/rewards/length/mean", true,
         "given to raise"},
        {"grpo",
         "keep-best=min:eval/rewards/short/mean rewards=style:cozy,short=length:1..9@0", "eval/rewards/short/mean", false,
         NULL},
        {"grpo", "keep-best=kl", "kl", false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct best b;
        struct notes notes = {0};
        assert_ok(open_best(&b, rows[i].objective, rows[i].settings, &notes, e));
        assert_true(b.on);
        assert_string_equal(b.now.metric, rows[i].metric);
        assert_int_equal(b.now.highest, rows[i].highest);
        assert_int_equal(notes.n, rows[i].doubt ? 1 : 0);
        if (rows[i].doubt && !strstr(notes.texts[0], rows[i].doubt))
            fail_msg("%s: %s", rows[i].settings, notes.texts[0]);
        notes_fini(&notes);
    }
    struct best b;
    assert_ok(open_best(&b, "dpo", "", NULL, e));
    assert_false(b.on);
}

// ---- what evaluations say ----

static void improvements_are_told_from_their_absence(void **state)
{
    static const struct {
        bool highest;
        double min_delta, values[6];
        const char *improved;  // a letter a value: '+' better, '-' not, '.' not measured
        int64_t step, waited; // at the end
    } rows[] = {
        {false, 0, {3, 2, 2, 1, 4, NAN}, "++-+--", 4, 2},
        {true, 0, {3, 2, 2, 1, 4, NAN}, "+---+-", 5, 1},
        {false, 0.5, {3, 2.5, 2.4, 2.2, 1.75, 1.5}, "+-+-+-", 5, 1}, // 0.5 less is not enough, of the best, not of the last
        {true, 0.5, {1, 1.5, 1.75, 2, 2.25, 2.5}, "+-+--+", 6, 0},
        {false, 0, {NAN, -INFINITY, INFINITY, 5, 5, 6}, "---+--", 4, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct best b = {.on = true, .min_delta = rows[i].min_delta, .patience = 2,
                         .now = {.highest = rows[i].highest, .metric = "eval/loss"}};
        for (int k = 0; k < 6; k++) {
            bool improved;
            struct metric_list list = {.n = 2, .items = {{"kl", 0.1}, {"eval/loss", rows[i].values[k]}}};
            assert_ok(best_look(&b, &list, k + 1, &improved, e));
            if (improved != (rows[i].improved[k] == '+'))
                fail_msg("row %zu, value %d: %g", i, k, rows[i].values[k]);
            assert_int_equal(best_is_over(&b), b.waited >= 2);
        }
        assert_int_equal(b.now.step, rows[i].step);
        assert_int_equal(b.waited, rows[i].waited);
    }
}

static void lists_without_the_metric_are_no_evaluations(void **state)
{
    struct best b = {.on = true, .patience = 1, .now = {.metric = "eval/loss"}};
    struct metric_list probe = {.n = 2, .items = {{"kl", 0.1}, {"completions/mean_length", 9}}}, both = probe, other = probe,
                       none = {0};
    struct err fault = {0};
    bool improved;
    metric_add(&both, "eval/loss", 1);
    assert_int_equal(best_look(&b, &probe, 0, &improved, &fault), ERR_USAGE); // it never was there
    assert_non_null(strstr(fault.text, "no row is held out"));
    metric_add(&other, "eval/other", 1);
    assert_int_equal(best_look(&b, &other, 0, &improved, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "it has: kl, completions/mean_length, eval/other"));
    assert_int_equal(best_look(&b, &none, 0, &improved, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "eval-data"));
    assert_ok(best_look(&b, &both, 0, &improved, e));
    assert_true(improved);
    for (int64_t step = 1; step < 4; step++) {
        assert_ok(best_look(&b, &probe, step, &improved, e));
        assert_false(improved);
        assert_false(best_is_over(&b));
    }
    assert_ok(best_look(&b, &both, 4, &improved, e));
    assert_true(best_is_over(&b));
    b.patience = 0;
    assert_false(best_is_over(&b));
}

static void what_is_known_comes_back_from_a_checkpoint(void **state)
{
    const struct best asked = {.on = true, .patience = 4, .min_delta = 0.25, .now = {.metric = "eval/loss"}};
    struct best rows[] = {asked, asked, asked};
    rows[1].seen = true;
    rows[1].waited = 2;
    rows[2].seen = rows[2].known = true;
    rows[2].waited = 3;
    rows[2].now.step = 40;
    rows[2].now.value = 0.1 + 0.2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct best b = asked;
        char *dir = test_folder(), *path = path_join(dir, "x.json");
        json_t *out = best_to_json(&rows[i]), *in;
        assert_ok(json_write(path, out, e)); // as the file has it
        assert_ok(json_read(path, 4096, &in, e));
        assert_ok(best_from_json(&b, in, path, e));
        assert_int_equal(b.seen, rows[i].seen);
        assert_int_equal(b.known, rows[i].known);
        assert_int_equal(b.waited, rows[i].waited);
        assert_int_equal(b.now.step, rows[i].now.step);
        assert_true(b.now.value == rows[i].now.value);
        struct best other = asked;
        other.now.highest = true;
        assert_int_equal(best_from_json(&other, in, path, NULL), ERR_INPUT);
        json_object_set_new(in, "step", json_string("forty"));
        assert_int_equal(best_from_json(&b, in, path, NULL), ERR_INPUT);
        json_object_del(in, "step");
        assert_int_equal(best_from_json(&b, in, path, NULL), i == 2 ? ERR_INPUT : 0); // a value without its step
        json_decref(in);
        json_decref(out);
        assert_ok(file_remove_tree(dir, e));
        free(dir);
        free(path);
    }
    struct best b = asked;
    assert_int_equal(best_from_json(&b, NULL, "x", NULL), ERR_INPUT);
}

// ---- which checkpoints stay ----

static void the_best_checkpoint_is_kept_beside_the_newest(void **state)
{
    static const struct {
        const char *there;
        int keep;
        int64_t best; // -1: none
        const char *left;
    } rows[] = {
        {"0 9 18 27", 1, -1, "27"},       {"0 9 18 27", 2, -1, "18 27"},   {"0 9 18 27", 1, 9, "9 27"},
        {"0 9 18 27", 1, 0, "0 27"},      {"0 9 18 27", 1, 27, "27"},      {"0 9 18 27", 2, 18, "18 27"},
        {"0 9 18 27", 2, 9, "9 18 27"},   {"0 9 18 27", 9, 9, "0 9 18 27"}, {"9 100", 1, 9, "9 100"},
        {"9", 1, 9, "9"},                 {"0 9 18 27", 2, 8, "18 27"},    {"0 9 18 27", 1, -2, "0 9 18 27"}, // unreadable
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *dir = test_folder(), *checkpoints = path_join(dir, "checkpoints"), *list = strdup(rows[i].there), *save = NULL;
        struct str left = {0};
        for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
            struct str name = {0};
            str_addf(&name, "%s/step-%s", checkpoints, word);
            assert_ok(file_make_dirs(str_text(&name), e));
            str_fini(&name);
        }
        char *best = path_join(checkpoints, "best.json");
        if (rows[i].best == -2)
            assert_ok(file_write(best, "{}", 2, e));
        else if (rows[i].best >= 0)
            assert_ok(run_best_write(dir, &(struct run_best){.step = rows[i].best, .metric = "eval/loss", .value = 1}, e));
        checkpoint_remove_old(dir, rows[i].keep);
        for (int step = 0; step <= 100; step++) {
            struct str name = {0};
            str_addf(&name, "%s/step-%d", checkpoints, step);
            if (file_is_dir(str_text(&name)))
                str_addf(&left, "%s%d", left.len ? " " : "", step);
            str_fini(&name);
        }
        assert_string_equal(str_text(&left), rows[i].left);
        str_fini(&left);
        assert_ok(file_remove_tree(dir, e));
        free(dir);
        free(checkpoints);
        free(list);
        free(best);
    }
}

static void a_damaged_word_about_the_best_is_no_word(void **state)
{
    static const char *const rows[] = {
        "{}", "[1]", "nothing", "{\"step\": 3, \"metric\": \"eval/loss\", \"direction\": \"up\", \"value\": 1}",
        "{\"step\": -1, \"metric\": \"eval/loss\", \"direction\": \"min\", \"value\": 1}",
        "{\"step\": 3, \"metric\": \"\", \"direction\": \"min\", \"value\": 1}",
        "{\"step\": 3, \"metric\": \"eval/loss\", \"direction\": \"min\"}"};
    char *dir = test_folder(), *checkpoints = path_join(dir, "checkpoints"), *path = path_join(checkpoints, "best.json");
    struct run_best b = {.step = 7};
    assert_int_equal(run_best_read(dir, &b, NULL), ERR_NOT_FOUND);
    assert_ok(file_make_dirs(checkpoints, e));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(file_write(path, rows[i], strlen(rows[i]), e));
        assert_int_equal(run_best_read(dir, &b, NULL), ERR_INPUT);
        assert_int_equal(b.step, 7);
    }
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    free(checkpoints);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_run_could_not_have_is_refused),
        cmocka_unit_test(the_direction_is_known_or_said_and_doubts_are_noted),
        cmocka_unit_test(improvements_are_told_from_their_absence),
        cmocka_unit_test(lists_without_the_metric_are_no_evaluations),
        cmocka_unit_test(what_is_known_comes_back_from_a_checkpoint),
        cmocka_unit_test(the_best_checkpoint_is_kept_beside_the_newest),
        cmocka_unit_test(a_damaged_word_about_the_best_is_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
