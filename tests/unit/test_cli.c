// The command line: options from tables, names of commands, wrapped text, aligned tables.
#include "config.h"

#include "testing.h"

#include "cli/args.h"
#include "cli/foreign.h"
#include "cli/print.h"
#include "launch/engine.h"

static const char *const colours[] = {"red", "blue", NULL};
static const struct param table[] = {
    {.name = "lr", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 1},
    {.name = "steps", .type = PARAM_INT, .fallback = "10"},
    {.name = "shuffle", .type = PARAM_BOOL, .fallback = "yes"},
    {.name = "colour", .type = PARAM_CHOICE, .fallback = "red", .choices = colours},
    {.name = "set", .type = PARAM_TEXT, .fallback = ""},
    {.name = "model", .type = PARAM_PATH},
    {0},
};
static int nothing(int argc, char **argv)
{
    return argc - argc;
}
static const struct command command = {
    .name = "test", .synopsis = "attune test", .summary = "", .options = table, .json = true, .run = nothing};

static int parse(struct args *a, bool *help, struct err *e, int argc, const char **argv)
{
    assert_int_equal(args_tables(a, &command, argc, (char **)argv, e), 0);
    return args_parse(a, argc, (char **)argv, help, e);
}
#define PARSE(...) parse(&a, &help, &fault, (int)(sizeof(const char *[]){"test", __VA_ARGS__} / sizeof(char *)), \
                         (const char *[]){"test", __VA_ARGS__})

static void args_take_every_form_of_option(void **state)
{
    struct args a;
    struct err fault = {0};
    bool help;
    assert_int_equal(PARSE("one", "--lr", "0.5", "--steps=7", "--no-shuffle", "two", "--set", "colour=blue", "--json", "-",
                           "--", "--lr"), 0);
    assert_close(settings_float(&a.settings, "lr"), 0.5, 0);
    assert_int_equal(settings_int(&a.settings, "steps"), 7);
    assert_false(settings_bool(&a.settings, "shuffle"));
    assert_string_equal(settings_text(&a.settings, "colour"), "blue");
    assert_true(args_json(&a));
    assert_false(help);
    assert_null(args_project(&a));
    assert_int_equal(a.n_words, 4);
    assert_string_equal(a.words[2], "-");
    assert_string_equal(a.words[3], "--lr"); // after -- nothing is an option
    args_close(&a);
    assert_int_equal(PARSE("--shuffle=off", "--project", "/p", "--lr", "1e-3", "--lr", "2e-3", "--help"), 0);
    assert_false(settings_bool(&a.settings, "shuffle"));
    assert_string_equal(args_project(&a), "/p");
    assert_close(settings_float(&a.settings, "lr"), 2e-3, 0); // the last one counts
    assert_true(help);
    args_close(&a);
    assert_int_equal(PARSE("--set", "lr=0.25=x", "x"), ERR_USAGE);
    args_close(&a);
}

static void args_refuse_with_what_is_allowed(void **state)
{
    struct args a;
    struct err fault = {0};
    bool help;
    const struct {
        const char *first, *second, *said;
    } wrong[] = {
        {"--lrr", "1", "did you mean --lr"}, {"--lr", "2", "out of range"},     {"--lr=", "x", "not a number"},
        {"--steps", "1.5", "whole number"},  {"--colour", "green", "red, blue"}, {"--set", "lr", "NAME=VALUE"},
        {"--set", "x=1", "no setting"},      {"--no-lr", "x", "no setting"},     {"-v", "x", "no option -v"},
        {"--learning_rate", "1", "did you mean --lr?"}, {"--learning-rate=1", "x", "did you mean --lr?"},
        {"--set", "max_steps=3", "did you mean --steps?"}, {"--COLOUR", "red", "did you mean --colour?"},
        {"--logging_steps", "1", "every step is recorded"}, {"--output_dir", "x", "the folder of all runs"},
        {"--per_device_train_batch_size", "1", "no setting"}, // there is no --batch-size here to mean
        {"--", "--", NULL},
    };
    for (size_t i = 0; wrong[i].said; i++) {
        int code = PARSE(wrong[i].first, wrong[i].second);
        if (code != ERR_USAGE || !strstr(fault.text, wrong[i].said))
            fail_msg("%s %s: %d %s", wrong[i].first, wrong[i].second, code, fault.text);
        args_close(&a);
    }
    assert_int_equal(PARSE("--lr"), ERR_USAGE);
    assert_non_null(strstr(fault.text, "needs a value"));
    args_close(&a);
    const char *argv[] = {"test", "--objective=dpo", "--set", "objective=rm", "--", "--objective", "sft"};
    assert_string_equal(args_peek(7, (char **)argv, "objective"), "rm");
    assert_string_equal(args_peek(2, (char **)argv, "objective"), "dpo");
    assert_null(args_peek(1, (char **)argv, "objective"));
}

static bool any_command_has(const char *name)
{
    for (const struct command *const *c = commands; *c; c++) {
        struct args a;
        struct err fault = {0};
        char *words[] = {(char *)"help", NULL}; // train then has the parameters of all objectives
        struct settings all;
        assert_int_equal(args_tables(&a, *c, 1, words, &fault), 0);
        settings_init(&all, a.tables);
        const bool has = settings_find(&all, name) != NULL;
        settings_fini(&all);
        if (has)
            return true;
    }
    return false;
}

static void foreign_names_are_explained_by_options_that_there_are(void **state)
{
    char *engine = test_build("attune-engine"), *name;
    struct str seen = {0};
    setenv("ATTUNE_ENGINE", engine, 1);
    for (const struct foreign *f = foreign_options; f->names; f++) {
        char *names = strdup(f->names), *rest = names;
        if (!any_command_has(f->ours ? f->ours : f->with))
            fail_msg("no command has --%s, which \"%s\" points to", f->ours ? f->ours : f->with, f->names);
        if (!f->ours && !f->note)
            fail_msg("\"%s\": neither a name nor a reason", f->names);
        while ((name = strsep(&rest, " "))) {
            char *key = NULL;
            assert_true(asprintf(&key, " %s ", name) > 0);
            if (seen.len && strstr(str_text(&seen), key))
                fail_msg("%s stands in two rows: only the first is read", name);
            str_addf(&seen, "%s", key);
            free(key);
        }
        free(names);
    }
    str_fini(&seen);
    free(engine);
}

static void commands_are_found_by_their_longest_name(void **state)
{
    int n;
    char *two[] = {"demo", "run", "x"}, *one[] = {"runs", "run"}, *none[] = {"demo", "x"};
    assert_string_equal(command_match(3, two, &n)->name, "demo run");
    assert_int_equal(n, 2);
    assert_string_equal(command_match(2, one, &n)->name, "runs");
    assert_int_equal(n, 1);
    assert_null(command_match(2, none, &n));
    assert_null(command_match(0, NULL, &n));
    for (const struct command *const *c = commands; *c; c++) { // every row is whole, and no name is there twice
        assert_ptr_equal(command_find((*c)->name), *c);
        assert_true(text_starts((*c)->synopsis, "attune "));
        assert_true(text_starts((*c)->synopsis + 7, (*c)->name));
        assert_true(text_ends((*c)->summary, "."));
        assert_non_null((*c)->run);
    }
}

static char *written(FILE *f)
{
    static char text[4096];
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

static void text_is_wrapped_and_tables_are_aligned(void **state)
{
    FILE *f = tmpfile();
    print_wrapped(f, "one two three four\n\n  kept   as it is\nfive", 2, 4, 13);
    assert_string_equal(written(f), "one two\n    three\n    four\n\n      kept   as it is\n    five\n");
    struct print_table t;
    f = tmpfile();
    print_table_init(&t, "lLr");
    const char *cells[] = {"a", "b", "n", "\xc3\xa4\xe4\xb8\xad", "a long text of a model\x1b[31m", "12345", "", "x", ""};
    for (size_t i = 0; i < 9; i++)
        print_table_cell(&t, -1, "%s", cells[i]);
    print_table_end(&t, f, 26);
    assert_string_equal(written(f), "a    b                   n\n"
                                    "\xc3\xa4\xe4\xb8\xad  a long text...  12345\n"
                                    "     x                    \n");
    f = tmpfile();
    print_table_init(&t, "Lrrl"); // the last column goes first, then the second; then the first is cut
    t.spare = "-2-1";
    const char *wide[] = {"a name of a run", "12345", "1", "created", "b", "1", "2", "then"};
    for (size_t i = 0; i < 8; i++)
        print_table_cell(&t, -1, "%s", wide[i]);
    print_table_end(&t, f, 17);
    assert_string_equal(written(f), "a name of a...  1\n"
                                    "b               2\n");
    f = tmpfile();
    print_table_init(&t, "lrW");
    const char *wrapped[] = {"kl", "1", "of the whole distribution", "reward", "20", "a score"};
    for (size_t i = 0; i < 6; i++)
        print_table_cell(&t, -1, "%s", wrapped[i]);
    print_table_end(&t, f, 24);
    assert_string_equal(written(f), "kl       1  of the whole\n"
                                    "            distribution\n"
                                    "reward  20  a score\n");
    char text[32];
    assert_string_equal(print_number(text, sizeof text, NAN), "-");
    assert_string_equal(print_number(text, sizeof text, 0.00002), "2.00e-05");
    assert_string_equal(print_number(text, sizeof text, 0.69314), "0.6931");
    assert_string_equal(print_number(text, sizeof text, -INFINITY), "-inf");
}

int main(void)
{
    commands = command_table;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(args_take_every_form_of_option),
        cmocka_unit_test(args_refuse_with_what_is_allowed),
        cmocka_unit_test(foreign_names_are_explained_by_options_that_there_are),
        cmocka_unit_test(commands_are_found_by_their_longest_name),
        cmocka_unit_test(text_is_wrapped_and_tables_are_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
