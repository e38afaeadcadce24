// Starting engines, asking them, and what is said when they fail.
#include "config.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "launch/engine.h"
#include "store/run_db.h"

static struct store *project(char **dir)
{
    struct store *s = NULL;
    char *folder = test_folder();
    *dir = realpath(folder, NULL);
    free(folder);
    assert_ok(store_open(&s, *dir, true, e));
    return s;
}

static void add(struct store *s, const char *name)
{
    char *out = NULL;
    assert_ok(store_add_run(s, name, "dpo", "m", "d", NULL, &out, e));
    free(out);
}

static void an_engine_starts_detached_and_only_once(void **state)
{
    char *dir, *text;
    size_t n_bytes;
    struct store *s = project(&dir);
    struct run_reader *r = NULL;
    struct run_status status;
    struct err fault = {0};
    add(s, "works");
    assert_ok(engine_start(s, "works", e));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // it is no child of ours: nothing is left to wait for
    char *run_dir = store_run_dir(s, "works"), *log = path_join(run_dir, "engine.log");
    assert_ok(run_reader_open(&r, run_dir, e));
    assert_ok(run_reader_status(r, &status, e));
    assert_int_equal(status.state, RUN_RUNNING);
    assert_true(getsid(status.pid) != getsid(0));
    assert_int_equal(engine_start(s, "works", &fault), ERR_STATE);
    assert_non_null(strstr(fault.text, "running already"));
    struct str want = {0};
    str_addf(&want, "folder %s, terminal 0", dir);
    for (int i = 0; i < 500; i++) { // the log follows the report
        assert_ok(file_read(log, 1 << 16, &text, &n_bytes, e));
        bool there = strstr(text, str_text(&want)) != NULL;
        free(text);
        if (there)
            break;
        assert_true(i < 499);
        usleep(10000);
    }
    kill(status.pid, SIGKILL);
    for (int i = 0; i < 500 && status.state != RUN_DEAD; i++) {
        usleep(10000);
        assert_ok(run_reader_status(r, &status, e));
    }
    assert_int_equal(status.state, RUN_DEAD);
    int first = status.pid;
    assert_ok(engine_start(s, "works", e)); // a dead one can be continued
    assert_ok(run_reader_status(r, &status, e));
    assert_int_equal(status.state, RUN_RUNNING);
    assert_true(status.pid != first);
    kill(status.pid, SIGKILL);
    run_reader_close(r);
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    str_fini(&want);
    free(log);
    free(run_dir);
    free(dir);
}

static void an_engine_that_fails_says_why(void **state)
{
    char *dir;
    struct store *s = project(&dir);
    struct err fault = {0};
    add(s, "says-why");
    add(s, "dies");
    add(s, "fails-later");
    for (int i = 0; i < 2; i++) { // also with the words of the first time in the log
        assert_int_equal(engine_start(s, "says-why", &fault), ERR_FAIL);
        assert_string_equal(fault.text, "run says-why could not start: model m: there is no config.json");
    }
    assert_int_equal(engine_start(s, "dies", &fault), ERR_FAIL);
    assert_non_null(strstr(fault.text, "without a word"));
    assert_int_equal(engine_start(s, "fails-later", &fault), ERR_INPUT);
    assert_string_equal(fault.text, "run fails-later failed: the data hold no pairs");
    assert_int_equal(engine_start(s, "nobody", &fault), ERR_NOT_FOUND);
    char *peer = strdup(getenv("ATTUNE_ENGINE"));
    setenv("ATTUNE_ENGINE", "/nowhere/attune-engine", 1);
    assert_int_equal(engine_start(s, "dies", &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "/nowhere/attune-engine"));
    setenv("ATTUNE_ENGINE", dir, 1); // a folder cannot be run
    assert_int_equal(engine_start(s, "dies", &fault), ERR_IO);
    setenv("ATTUNE_ENGINE", peer, 1);
    free(peer);
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void calls_bring_json_or_the_engines_words(void **state)
{
    json_t *answer = NULL;
    struct err fault = {0};
    assert_ok(engine_call((const char *[]){"chatter", NULL}, &answer, e));
    assert_int_equal(json_array_size(answer), 2);
    json_decref(answer);
    assert_int_equal(engine_call((const char *[]){"refuse", NULL}, &answer, &fault), ERR_LIMIT);
    assert_string_equal(fault.text, "that is too large");
    assert_int_equal(engine_call((const char *[]){"wrong", NULL}, &answer, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "attune-engine wrong"));
    assert_int_equal(engine_call((const char *[]){"unknown", NULL}, &answer, &fault), ERR_USAGE);
}

static void the_description_becomes_tables(void **state)
{
    struct engine_description *d = NULL, *again = NULL;
    assert_ok(engine_describe(&d, e));
    assert_ok(engine_describe(&again, e));
    engine_description_free(again);
    const struct engine_objective *o = engine_find_objective(d, "dpo");
    assert_non_null(o);
    assert_true(o->needs_reference);
    assert_string_equal(o->params[0].name, "beta");
    assert_true(d->params[2].live);
    assert_null(engine_find_objective(d, "ppo"));
    engine_description_free(d);
}

static void a_child_talks_line_by_line(void **state)
{
    struct engine_child c;
    char line[100] = "";
    assert_ok(engine_child_start(&c, (const char *[]){"echo", NULL}, e));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write(c.in_fd, "hello\n", 6), 6);
        ssize_t n = read(c.out_fd, line, sizeof line - 1);
        assert_true(n > 0);
        line[n] = 0;
        assert_string_equal(line, "got hello\n");
    }
    assert_ok(engine_child_end(&c, false, e)); // the end of its input ends it
    assert_ok(engine_child_start(&c, (const char *[]){"echo", NULL}, e));
    double start = clock_seconds();
    assert_ok(engine_child_end(&c, true, e));
    assert_true(clock_seconds() - start < 5);
}

static void paths_become_absolute(void **state)
{
    static const struct param table[] = {{.name = "model", .type = PARAM_PATH, .fallback = ""},
                                         {.name = "data", .type = PARAM_PATH, .fallback = ""},
                                         {.name = "name", .type = PARAM_TEXT, .fallback = ""},
                                         {0}};
    const struct param *const tables[] = {table, NULL};
    struct settings s;
    char *dir = test_folder(), *real = realpath(dir, NULL), *before = getcwd(NULL, 0), *file = path_join(real, "m");
    assert_ok(file_write(file, "", 0, e));
    settings_init(&s, tables);
    assert_int_equal(chdir(real), 0);
    assert_ok(settings_set(&s, "model", "m", e));
    assert_ok(settings_set(&s, "data", "not-there", e));
    assert_ok(settings_set(&s, "name", "m", e));
    engine_resolve_paths(&s);
    assert_int_equal(chdir(before), 0);
    assert_string_equal(settings_text(&s, "model"), file);
    assert_string_equal(settings_text(&s, "data"), "not-there");
    assert_string_equal(settings_text(&s, "name"), "m");
    settings_fini(&s);
    assert_ok(file_remove_tree(dir, e));
    free(file);
    free(before);
    free(real);
    free(dir);
}

// Of what people write where they stand. What is no file here, or is absolute, stays as it is.
static void programs_and_folders_of_rewards_are_meant_from_here(void **state)
{
    static const struct param params[] = {{.name = "reward-command", .type = PARAM_TEXT, .fallback = ""},
                                          {.name = "rewards", .type = PARAM_TEXT, .fallback = ""},
                                          {0}};
    static const struct param *const tables[] = {params, NULL};
    static const char *const rows[][4] = { // what is given; before the folder, how it is written, behind it
        {"./s.sh", "cd '", "it'\\''s, a@b", "' && ./s.sh"},
        {"python3 s.sh --fast", "cd '", "it'\\''s, a@b", "' && python3 s.sh --fast"},
        {"cat|./s.sh", "cd '", "it'\\''s, a@b", "' && cat|./s.sh"},
        {"cd '/elsewhere' && ./s.sh", "cd '/elsewhere' && ./s.sh", NULL, ""},
        {"/bin/sh -c true", "/bin/sh -c true", NULL, ""},
        {"./not-there", "./not-there", NULL, ""},
        {"regex:s\\,sh@2, x=command:./s.sh@0.5", "regex:s\\,sh@2, x=command:cd '", "it'\\\\''s\\, a\\@b", "' && ./s.sh@0.5"},
        {"m=model:rm@-1,json", "m=model:", "it's\\, a\\@b", "/rm@-1,json"},
        {"json,preference:rm", "json,preference:", "it's\\, a\\@b", "/rm"},
        {"length:2..4,model:nowhere,model:/", "length:2..4,model:nowhere,model:/", NULL, ""},
    };
    char *dir = test_folder(), *real = realpath(dir, NULL), *odd = path_join(real, "it's, a@b"), *before = getcwd(NULL, 0);
    assert_int_equal(mkdir(odd, 0777) | chdir(odd) | mkdir("rm", 0777), 0);
    assert_ok(file_write("s.sh", "x", 1, e));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *name = i < 6 ? "reward-command" : "rewards";
        struct settings s;
        struct str want = {0};
        settings_init(&s, tables);
        assert_ok(settings_set(&s, name, rows[i][0], e));
        engine_resolve_paths(&s);
        engine_resolve_paths(&s); // once more changes nothing
        str_add(&want, rows[i][1]);
        if (rows[i][2])
            str_addf(&want, "%s/%s", real, rows[i][2]);
        str_add(&want, rows[i][3]);
        assert_string_equal(settings_text(&s, name), str_text(&want));
        settings_fini(&s);
        str_fini(&want);
    }
    assert_int_equal(chdir(before), 0);
    assert_ok(file_remove_tree(dir, e));
    free(odd);
    free(real);
    free(dir);
    free(before);
}

int main(void)
{
    char *peer = test_build("tests/unit/launch_peer");
    setenv("ATTUNE_ENGINE", peer, 1);
    free(peer);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_starts_detached_and_only_once),
        cmocka_unit_test(an_engine_that_fails_says_why),
        cmocka_unit_test(calls_bring_json_or_the_engines_words),
        cmocka_unit_test(the_description_becomes_tables),
        cmocka_unit_test(a_child_talks_line_by_line),
        cmocka_unit_test(paths_become_absolute),
        cmocka_unit_test(programs_and_folders_of_rewards_are_meant_from_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
