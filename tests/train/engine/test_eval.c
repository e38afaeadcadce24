// Evaluations of models whose every number is known: "flat" finds all 320 tokens equally likely, "sure" says one token and
// nothing else, "mute" ends at once.
#include "config.h"

#include "fixture.h"

#include "base/json.h"
#include "store/eval_file.h"
#include "train/run/checkpoint.h"
#include "train/run/held_out.h"

enum { WORD = 77, END = 0 };

static struct world world;
static char *flat, *sure, *mute;

// What the engine says to it; ok: whether it must end well.
static char *said(bool ok, const char *model, const char *arguments)
{
    struct str command = {0}, all = {0};
    char bytes[4096], *path = test_build("attune-engine");
    size_t n;
    str_addf(&command, "'%s' eval --model '%s' --data '%s' --rows 6 --samples 3 --max-tokens 5 %s 2>&1", path, model,
             world.pairs_path,
             arguments);
    FILE *f = popen(str_text(&command), "r");
    assert_non_null(f);
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        str_addn(&all, bytes, n);
    if ((pclose(f) == 0) != ok)
        fail_msg("%s: %s", str_text(&command), str_text(&all));
    str_fini(&command);
    free(path);
    return str_take(&all);
}

static json_t *measured(const char *model, const char *reference, const char *more)
{
    struct str arguments = {0};
    json_t *line, *found;
    str_addf(&arguments, "--reference '%s' %s", reference, more);
    char *text = said(true, model, str_text(&arguments)), *at = strstr(text, "{\"evaluation\"");
    assert_non_null(at);
    assert_ok(json_parse(at, strcspn(at, "\n"), "eval", &line, e));
    found = json_incref(json_object_get(line, "evaluation"));
    json_decref(line);
    free(text);
    str_fini(&arguments);
    return found;
}

static double number(const json_t *evaluation, const char *measure, const char *which)
{
    const json_t *value = json_object_get(json_object_get(json_object_get(evaluation, "measures"), measure), which);
    if (!json_is_number(value))
        fail_msg("%s has no %s", measure, which);
    return json_number_value(value);
}

static double value(const json_t *evaluation, const char *measure)
{
    return number(evaluation, measure, "value");
}

static void a_model_is_nothing_away_from_itself(void **state)
{
    static const char *const zero[] = {"kl/k1", "kl/k3", "kl/exact", "kl/k1/token", "kl/k3/token", "kl/exact/token"};
    json_t *x = measured(world.model_dir, world.model_dir, "");
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++) {
        assert_close(value(x, zero[i]), 0, 0);
        assert_close(number(x, zero[i], "high"), 0, 0);
    }
    assert_true(value(x, "entropy") > 0.1);
    json_decref(x);
}

// -log pi = entropy = log 320 at every token, and KL(flat || sure) is out of sight.
static void a_flat_model_has_the_entropy_of_its_vocabulary(void **state)
{
    json_t *x = measured(flat, flat, "");
    assert_close(value(x, "entropy"), log(320), 1e-5);
    assert_close(value(x, "entropy/sampled"), log(320), 1e-5);
    assert_close(value(x, "perplexity"), 320, 1e-2);
    assert_close(value(x, "data/perplexity"), 320, 1e-2);
    json_decref(x);
}

// One word, five times: KL to the flat one is log 320 a token, and what is said is all the same.
static void a_sure_model_is_a_vocabulary_away_from_a_flat_one(void **state)
{
    json_t *x = measured(sure, flat, "");
    assert_close(value(x, "length"), 5, 0);
    assert_close(value(x, "truncated"), 1, 0);
    assert_close(value(x, "kl/k1"), 5 * log(320), 1e-4);
    assert_close(value(x, "kl/k1/token"), log(320), 1e-5);
    assert_close(value(x, "kl/exact"), 5 * log(320), 1e-4);
    assert_close(value(x, "kl/exact/token"), log(320), 1e-5);
    assert_close(value(x, "kl/k3/token"), log(320) - 1 + 1.0 / 320, 1e-5);
    assert_close(value(x, "entropy"), 0, 1e-5);
    assert_close(value(x, "perplexity"), 1, 1e-5);
    assert_close(value(x, "distinct/1"), 1.0 / (6 * 3 * 5), 1e-12);
    assert_close(value(x, "distinct/3"), 1.0 / (6 * 3 * 3), 1e-12);
    assert_close(json_number_value(json_object_get(json_object_get(x, "how"), "rows")), 6, 0);
    json_decref(x);
}

// The two orders of a divergence: a policy that is flat is infinitely far from one that is sure, a sure one log 320.
static void divergence_is_from_the_policy(void **state)
{
    json_t *x = measured(flat, sure, "");
    assert_true(value(x, "kl/exact/token") > 10 * log(320));
    assert_true(value(x, "kl/k1/token") > 10 * log(320));
    json_decref(x);
}

// Neither threads nor how many answers are computed at once change a number; the seed does.
static void numbers_are_those_of_one_thread(void **state)
{
    json_t *one = measured(world.model_dir, flat, "--threads 1"), *three = measured(world.model_dir, flat, "--threads 3");
    json_t *batches = measured(world.model_dir, flat, "--threads 1 --max-batch-tokens 16");
    json_t *drawn_anew = measured(world.model_dir, flat, "--threads 1 --seed 2");
    assert_true(json_equal(one, three));
    assert_true(json_equal(one, batches));
    assert_true(value(one, "kl/k1") != value(drawn_anew, "kl/k1"));
    json_decref(one);
    json_decref(three);
    json_decref(batches);
    json_decref(drawn_anew);
}

static void what_cannot_be_measured_is_refused(void **state)
{
    const struct {
        const char *model, *arguments, *says;
    } rows[] = {
        {mute, "", "every one of the 18 answers is empty"},
        {flat, "--reward-model REF", "scores nothing"},
        {flat, "--reference nowhere", "the reference, nowhere, is not there"},
        {flat, "--data ''", "there are no prompts: give --data FILE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str arguments = {0};
        const char *ref = strstr(rows[i].arguments, "REF");
        if (ref)
            str_addf(&arguments, "%.*s'%s'", (int)(ref - rows[i].arguments), rows[i].arguments, world.model_dir);
        else
            str_add(&arguments, rows[i].arguments);
        char *text = said(false, rows[i].model, str_text(&arguments));
        if (!strstr(text, rows[i].says))
            fail_msg("not \"%s\" but: %s", rows[i].says, text);
        free(text);
        str_fini(&arguments);
    }
}

static json_t *evaluation(double beta, double reward)
{
    return json_pack("{s:{s:f}, s:{s:{s:f}}}", "how", "beta", beta, "measures", "reward", "value", reward);
}

static void evaluations_are_kept_by_how_they_were_made(void **state)
{
    char before[65], after[65];
    int64_t bytes;
    json_t *list, *x[] = {evaluation(1, 0.5), evaluation(2, 0.6), evaluation(1, 0.7)};
    assert_ok(checkpoint_digest(flat, before, &bytes, e));
    assert_ok(eval_file_read(flat, &list, e));
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    for (int i = 0; i < 3; i++)
        assert_ok(eval_file_put(flat, x[i], e));
    assert_ok(eval_file_read(flat, &list, e));
    assert_int_equal(json_array_size(list), 2);
    assert_close(value(json_array_get(list, 0), "reward"), 0.7, 0);
    assert_close(value(json_array_get(list, 1), "reward"), 0.6, 0);
    assert_true(json_is_integer(json_object_get(json_array_get(list, 0), "at")));
    json_decref(list);
    assert_ok(checkpoint_digest(flat, after, &bytes, e));
    assert_string_equal(before, after);

    struct err fault = {0};
    char *path = path_join(flat, EVAL_FILE);
    assert_ok(file_write(path, "{\"format\": 1, \"evaluations\": [{}]}", 34, e));
    assert_int_equal(eval_file_read(flat, &list, &fault), ERR_INPUT);
    assert_ok(file_write(path, "{\"format\": 9, \"evaluations\": []}", 32, e));
    assert_int_equal(eval_file_read(flat, &list, &fault), ERR_UNSUPPORTED);
    free(path);
    for (int i = 0; i < 3; i++)
        json_decref(x[i]);
}

// The rows that a run of the same settings holds out.
static void held_out_rows_are_those_of_the_run(void **state)
{
    json_t *settings = json_pack("{s:s, s:f, s:i, s:i}", "data", world.pairs_path, "eval-share", 0.25, "seed", 11,
                                 "max-rows", 30);
    struct corpus *c, *whole;
    bool *use;
    assert_ok(held_out_load(&c, &use, "dpo", settings, e));
    assert_ok(corpus_load(&whole, world.pairs_path, 30, e));
    bool *wanted = calloc(whole->n_examples, sizeof *wanted);
    corpus_split(whole, 0.25, 11, wanted);
    assert_int_equal(c->n_examples, whole->n_examples);
    for (size_t i = 0; i < c->n_examples; i++)
        assert_int_equal(use[i], wanted[i]);
    corpus_free(c);
    corpus_free(whole);
    free(use);
    free(wanted);
    json_object_set_new(settings, "eval-data", json_string(world.pairs_path)); // a file of its own: all of it
    assert_ok(held_out_load(&c, &use, "dpo", settings, e));
    assert_null(use);
    corpus_free(c);
    json_object_set_new(settings, "eval-data", json_string(""));
    json_object_set_new(settings, "eval-share", json_real(0));
    assert_int_equal(held_out_load(&c, &use, "dpo", settings, NULL), ERR_USAGE);
    json_decref(settings);
}

static int make_world(void **state)
{
    world_make(&world, "gpt2");
    flat = world_sayer(&world, "flat", -1);
    sure = world_sayer(&world, "sure", WORD);
    mute = world_sayer(&world, "mute", END);
    return 0;
}

static int remove_world(void **state)
{
    free(flat);
    free(sure);
    free(mute);
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_nothing_away_from_itself),
        cmocka_unit_test(a_flat_model_has_the_entropy_of_its_vocabulary),
        cmocka_unit_test(a_sure_model_is_a_vocabulary_away_from_a_flat_one),
        cmocka_unit_test(divergence_is_from_the_policy),
        cmocka_unit_test(numbers_are_those_of_one_thread),
        cmocka_unit_test(what_cannot_be_measured_is_refused),
        cmocka_unit_test(held_out_rows_are_those_of_the_run),
        cmocka_unit_test(evaluations_are_kept_by_how_they_were_made),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
