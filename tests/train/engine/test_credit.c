// What tokens earned, as `attune-engine credit` and `attune credit` say it, between models whose log-probabilities are
// known: "flat" finds all 320 tokens equally likely, "sure" says one token and nothing else.
#include "config.h"

#include "fixture.h"

#include "base/json.h"
#include "train/learn/credit.h"

enum { WORD = 77 };

static struct world world;
static char *flat, *sure, *word;

// What a program says; the test fails when it does.
static char *said_by(const char *program, const char *arguments)
{
    struct str command = {0}, all = {0};
    char bytes[4096], *path = test_build(program);
    size_t n;
    str_addf(&command, "cd '%s' && '%s' %s", world.dir, path, arguments);
    FILE *f = popen(str_text(&command), "r");
    assert_non_null(f);
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        str_addn(&all, bytes, n);
    if (pclose(f) != 0)
        fail_msg("%s: %s", str_text(&command), str_text(&all));
    str_fini(&command);
    free(path);
    return str_take(&all);
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static json_t *credit(const char *model, const char *reference, const char *prompt, const char *response)
{
    struct str arguments = {0};
    json_t *line;
    str_addf(&arguments, "credit --model '%s' --reference '%s' --beta 0.5 --prompt '%s' --response '%s' --threads 1", model,
             reference, prompt, response);
    char *text = said_by("attune-engine", str_text(&arguments));
    assert_ok(json_parse(text, strcspn(text, "\n"), "credit", &line, e));
    free(text);
    str_fini(&arguments);
    return line;
}

// From one in 320 to certain is a gain of beta log 320, the other way round a loss of it.
static void a_token_earns_beta_times_what_it_became_likelier(void **state)
{
    for (int gains = 0; gains < 2; gains++) {
        json_t *line = credit(gains ? sure : flat, gains ? flat : sure, "Day 1:", word);
        const json_t *response = json_array_get(json_object_get(line, "responses"), 0);
        const json_t *tokens = json_object_get(response, "tokens");
        assert_close(number(line, "beta"), 0.5, 0);
        double sum = 0;
        for (size_t i = 0; i < json_array_size(tokens); i++) {
            const json_t *token = json_array_get(tokens, i);
            sum += number(token, "reward");
            assert_close(number(token, "reward"), 0.5 * (number(token, "logp") - number(token, "ref")), 1e-9);
            assert_close(number(token, gains ? "ref" : "logp"), -log(320), 1e-5);
        }
        const json_t *first = json_array_get(tokens, 0);
        assert_int_equal(number(first, "id"), WORD);
        assert_string_equal(json_string_value(json_object_get(first, "text")), word);
        assert_close(number(first, gains ? "logp" : "ref"), 0, 1e-5);
        assert_close(number(first, "reward"), gains ? 0.5 * log(320) : -0.5 * log(320), 1e-5);
        assert_close(number(response, "reward"), sum, 1e-9);
        json_decref(line);
    }
}

// Of a file: each of its responses as if it had been given alone.
static void rows_of_a_file_are_credited_each_for_itself(void **state)
{
    static const char *const keys[] = {"chosen", "rejected"};
    struct str arguments = {0};
    char *pairs, *rest = NULL, *file_rest = NULL;
    size_t size;
    int n = 0;
    str_addf(&arguments, "credit --model '%s' --reference '%s' --beta 0.5 --data '%s' --limit 3 --threads 1",
             world.model_dir, sure, world.pairs_path);
    char *text = said_by("attune-engine", str_text(&arguments));
    assert_ok(file_read(world.pairs_path, 1 << 20, &pairs, &size, e));
    char *pair = strtok_r(pairs, "\n", &file_rest);
    for (char *row = strtok_r(text, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest), n++) {
        json_t *line, *given;
        assert_ok(json_parse(row, strlen(row), "credit", &line, e));
        assert_ok(json_parse(pair, strlen(pair), "the file", &given, e));
        assert_close(number(line, "line"), n + 1, 0);
        for (size_t i = 0; i < 2; i++) {
            const json_t *response = json_array_get(json_object_get(line, "responses"), i);
            json_t *alone = credit(world.model_dir, sure, json_string_value(json_object_get(given, "prompt")),
                                   json_string_value(json_object_get(given, keys[i])));
            const json_t *same = json_array_get(json_object_get(alone, "responses"), 0);
            const json_t *tokens = json_object_get(response, "tokens"), *same_tokens = json_object_get(same, "tokens");
            assert_close(number(response, "label"), i == 0, 0);
            assert_int_equal(json_array_size(tokens), json_array_size(same_tokens));
            for (size_t k = 0; k < json_array_size(tokens); k++) {
                const json_t *x = json_array_get(tokens, k), *y = json_array_get(same_tokens, k);
                assert_close(number(x, "id"), number(y, "id"), 0);
                assert_close(number(x, "logp"), number(y, "logp"), 1e-4);
                assert_close(number(x, "ref"), number(y, "ref"), 1e-3);
                assert_close(number(x, "reward"), number(y, "reward"), 1e-3);
            }
            assert_close(number(response, "reward"), number(same, "reward"), 1e-2);
            json_decref(alone);
        }
        json_decref(line);
        json_decref(given);
        pair = strtok_r(NULL, "\n", &file_rest);
    }
    assert_int_equal(n, 3);
    free(pairs);
    free(text);
    str_fini(&arguments);
}

// The beta of whatever the objective calls so, and 1 where it has none; spl weighs the policy by its alpha.
static void beta_is_the_objectives_own(void **state)
{
    for (int i = 0; objectives[i]; i++) {
        struct objective_run r = {.objective = objectives[i]};
        double wanted = 1, of_policy = 0;
        for (int k = 0; objectives[i]->params[k].name; k++) {
            r.values[k] = 2 + k;
            if (strcmp(objectives[i]->params[k].name, "beta") == 0)
                wanted = 2 + k;
            if (strcmp(objectives[i]->name, "spl") == 0 && strcmp(objectives[i]->params[k].name, "alpha") == 0)
                of_policy = 2 + k;
        }
        const struct credit_weights w = credit_weights(&r);
        assert_close(w.reference, wanted, 0);
        assert_close(w.policy, of_policy ? of_policy : wanted, 0);
        assert_close(credit_of(w, -3, -5), w.policy * -3 - w.reference * -5, 1e-12 * (w.policy + w.reference));
    }
}

// For people: the sign stands before the number.
static void the_line_of_a_token_has_its_sign(void **state)
{
    for (int gains = 0; gains < 2; gains++) {
        struct str arguments = {0}, wanted = {0};
        str_addf(&arguments, "credit --model '%s' --reference '%s' --beta 0.5 --prompt 'Day 1:' --response '%s'",
                 gains ? sure : flat, gains ? flat : sure, word);
        char *text = said_by("attune", str_text(&arguments));
        str_addf(&wanted, "  %+10.4f  %s\n", (gains ? 0.5 : -0.5) * log(320), word);
        if (!strstr(text, str_text(&wanted)))
            fail_msg("no line \"%s\" in:\n%s", str_text(&wanted), text);
        free(text);
        str_fini(&arguments);
        str_fini(&wanted);
    }
}

static int make_world(void **state)
{
    struct tokenizer *t;
    const int32_t id = WORD;
    size_t n;
    world_make(&world, "gpt2");
    flat = world_sayer(&world, "flat", -1);
    sure = world_sayer(&world, "sure", WORD);
    assert_ok(tokenizer_load(&t, world.tokenizer_dir, e));
    assert_ok(tokenizer_decode(t, &id, 1, true, &word, &n, e));
    tokenizer_free(t);
    return 0;
}

static int remove_world(void **state)
{
    free(flat);
    free(sure);
    free(word);
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_earns_beta_times_what_it_became_likelier),
        cmocka_unit_test(rows_of_a_file_are_credited_each_for_itself),
        cmocka_unit_test(beta_is_the_objectives_own),
        cmocka_unit_test(the_line_of_a_token_has_its_sign),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
