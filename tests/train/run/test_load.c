// What a run learns from and what it is judged by: the rows of its datasets, read back as texts.
#include "config.h"

#include "whole.h"

enum { N_DAYS = 80, MOST_DAYS = 99 };

// Which days ("Day 17: ...") the prompts of a dataset are of; the prompt is read from its tokens.
static int days_of(const struct run *r, const struct dataset *d, bool days[MOST_DAYS + 1])
{
    int n = 0;
    memset(days, 0, MOST_DAYS + 1);
    for (int g = 0; g < d->n_groups; g++) {
        char *text;
        size_t bytes;
        int day;
        const struct ds_group *group = &d->groups[g];
        assert_ok(
            tokenizer_decode(r->tokenizer, d->tokens + group->prompt, (size_t)group->n_prompt, true, &text, &bytes, e));
        assert_int_equal(sscanf(text, "Day %d", &day), 1);
        assert_in_range(day, 1, MOST_DAYS);
        n += !days[day];
        days[day] = true;
        free(text);
    }
    return n;
}

static void held_out_rows_are_not_trained_on(void **state)
{
    static const char *const objectives_here[] = {"dpo", "sft", "kto"};
    for (size_t i = 0; i < sizeof objectives_here / sizeof *objectives_here; i++) {
        struct run r;
        bool train[MOST_DAYS + 1], eval[MOST_DAYS + 1];
        load_run(&r, objectives_here[i], "eval-share=0.3");
        const int n_train = days_of(&r, &r.train, train), n_eval = days_of(&r, &r.eval, eval);
        assert_true(n_train > 40 && n_eval > 10);
        assert_int_equal(n_train + n_eval, N_DAYS);
        for (int day = 1; day <= N_DAYS; day++)
            assert_int_equal(train[day] + eval[day], 1);
        unload_run(&r);
    }
}

static void a_file_for_evaluation_is_what_is_evaluated(void **state)
{
    struct run r;
    struct str rows = {0}, settings = {0};
    bool train[MOST_DAYS + 1], eval[MOST_DAYS + 1];
    char *path = path_join(world.dir, "later.jsonl");
    for (int day = 90; day < 97; day++)
        str_addf(&rows,
                 "{\"prompt\": \"Day %d: the moon\", \"chosen\": \" is bright.\", \"rejected\": \" is lost.\"}\n", day);
    assert_ok(file_write(path, str_text(&rows), rows.len, e));
    str_addf(&settings, "eval-share=0.3 eval-data=%s", path);
    load_run(&r, "dpo", str_text(&settings));
    assert_int_equal(days_of(&r, &r.train, train), N_DAYS); // nothing of it is held out
    assert_int_equal(days_of(&r, &r.eval, eval), 7);
    for (int day = 1; day <= MOST_DAYS; day++) {
        assert_int_equal(train[day], day <= N_DAYS);
        assert_int_equal(eval[day], day >= 90 && day < 97);
    }
    unload_run(&r);
    str_fini(&rows);
    str_fini(&settings);
    free(path);
}

// Two halves of what is not held out, without a row of the other; and what is held out is the same for both.
static void a_part_holds_nothing_of_the_other(void **state)
{
    static const char *const shares[] = {"eval-share=0.3", "eval-share=0"};
    for (int i = 0; i < 2; i++) {
        struct run r[3];
        bool train[3][MOST_DAYS + 1], eval[3][MOST_DAYS + 1];
        static const char *const parts[] = {"1/2", "2/2", "all"};
        int n[3], n_eval[3];
        for (int k = 0; k < 3; k++) {
            char settings[60];
            snprintf(settings, sizeof settings, "%s part=%s", shares[i], parts[k]);
            load_run(&r[k], "rm", settings);
            n[k] = days_of(&r[k], &r[k].train, train[k]);
            n_eval[k] = days_of(&r[k], &r[k].eval, eval[k]);
        }
        assert_true(n[0] > 10 && n[1] > 10);
        assert_int_equal(n[0] + n[1], n[2]);
        assert_int_equal(n[2] + n_eval[2], N_DAYS);
        assert_int_equal(n_eval[2] > 0, i == 0);
        for (int day = 1; day <= N_DAYS; day++) {
            assert_int_equal(train[0][day] + train[1][day], train[2][day]);
            assert_int_equal(train[2][day] + eval[2][day], 1);
            assert_int_equal(eval[0][day], eval[2][day]);
            assert_int_equal(eval[1][day], eval[2][day]);
        }
        for (int k = 0; k < 3; k++)
            unload_run(&r[k]);
    }
}

// An epoch of the trainer's order is every group of the part once, and nothing else.
static void an_epoch_takes_every_row_once(void **state)
{
    struct run r;
    load_run(&r, "sft", "eval-share=0.3 part=2/2 batch-size=1");
    struct trainer *t = r.trainer;
    bool *seen = calloc((size_t)r.train.n_groups, 1);
    assert_int_equal(r.total_steps, r.train.n_groups);
    for (int i = 0; i < r.train.n_groups; i++) {
        struct step_result step;
        assert_ok(trainer_step(t, &step, e));
        assert_in_range(t->groups[0], 0, r.train.n_groups - 1);
        assert_false(seen[t->groups[0]]);
        seen[t->groups[0]] = true;
    }
    free(seen);
    unload_run(&r);
}

// A stage's groups alone, from its first step on, each once before any of them again.
static void a_stage_takes_its_own_rows(void **state)
{
    static const int stage[] = {3, 8, 9, 20};
    struct run r;
    load_run(&r, "sft", "batch-size=2 steps=9");
    struct step_result step;
    int seen[21] = {0};
    for (int i = 0; i < 3; i++)
        assert_ok(trainer_step(r.trainer, &step, e));
    group_source_take_part(r.trainer->source, stage, 4, 6);
    for (int i = 0; i < 2; i++) {
        assert_ok(trainer_step(r.trainer, &step, e));
        for (int k = 0; k < 2; k++) {
            assert_in_range(r.trainer->groups[k], 0, 20);
            seen[r.trainer->groups[k]]++;
        }
    }
    for (int k = 0; k < 4; k++)
        assert_int_equal(seen[stage[k]], 1);
    unload_run(&r);
}

static void epochs_become_steps(void **state)
{
    static const struct {
        const char *settings;
        double epochs, batch;
    } rows[] = {{"batch-size=7 epochs=2.5", 2.5, 7}, {"batch-size=4", 1, 4}, {"batch-size=1000 epochs=0.001", 0.001, 1000}};
    struct run r;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        load_run(&r, "sft", rows[i].settings);
        assert_int_equal(r.total_steps, ceil(rows[i].epochs * r.train.n_groups / rows[i].batch));
        assert_int_equal(r.trainer->options.total_steps, r.total_steps);
        unload_run(&r);
    }
    load_run(&r, "sft", "batch-size=7 epochs=2.5 steps=3"); // what is said plainly counts
    assert_int_equal(r.total_steps, 3);
    char hash[65];
    assert_ok(model_folder_hash(r.model->dir, hash, e));
    assert_string_equal(r.model_key, hash);
    assert_true(strlen(r.model_key) == 64);
    unload_run(&r);
}

// What compares two answers sees held-out pairs both ways round, or it could live on the place of the better one.
static void comparisons_are_judged_both_ways_round(void **state)
{
    struct run r;
    load_run(&r, "preference-model", "eval-share=0.3");
    const int n_train = r.train.n_groups, n_eval = r.eval.n_groups;
    int n_held_out = 0;
    for (size_t i = 0; i < r.corpus->n_examples; i++)
        n_held_out += r.held_out[i];
    assert_int_equal(n_train, N_DAYS - n_held_out);
    assert_int_equal(n_eval, 2 * n_held_out);
    unload_run(&r);
}

static void stages_are_in_the_order_that_was_asked_for(void **state)
{
    struct run r;
    load_run(&r, "sdpo", "stages=3 order=file steps=9");
    assert_int_equal(r.stages.n, 3);
    for (int g = 0; g < r.train.n_groups; g++)
        assert_int_equal(r.stages.groups[g], g);
    unload_run(&r);
    load_run(&r, "sdpo", "stages=3 order=easy-first steps=9");
    int n_moved = 0;
    for (int i = 0; i < r.train.n_groups; i++) {
        n_moved += r.stages.groups[i] != i;
        for (int k = 0; k < i; k++) {
            const double *before = r.train.refs + r.train.groups[r.stages.groups[k]].first_seq;
            const double *after = r.train.refs + r.train.groups[r.stages.groups[i]].first_seq;
            assert_true(before[0] - before[1] >= after[0] - after[1]);
        }
    }
    assert_true(n_moved > 0);
    unload_run(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_out_rows_are_not_trained_on),
        cmocka_unit_test(a_file_for_evaluation_is_what_is_evaluated),
        cmocka_unit_test(a_part_holds_nothing_of_the_other),
        cmocka_unit_test(an_epoch_takes_every_row_once),
        cmocka_unit_test(a_stage_takes_its_own_rows),
        cmocka_unit_test(epochs_become_steps),
        cmocka_unit_test(comparisons_are_judged_both_ways_round),
        cmocka_unit_test(stages_are_in_the_order_that_was_asked_for),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
