// attune.db: runs, settings, controls; files that are damaged, foreign, old or new; several processes at once.
#include "config.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/names.h"
#include "store/run_edits.h"
#include "store/sql.h"
#include "store/store.h"

static char *add(struct store *s, const char *name, const char *objective)
{
    char *out = NULL;
    json_t *settings = json_pack("{s:f, s:s}", "beta", 0.1, "model", "m");
    assert_ok(store_add_run(s, name, objective, "m", "d.jsonl", settings, &out, e));
    json_decref(settings);
    return out;
}

static void store_keeps_runs_and_makes_names(void **state)
{
    char *dir = test_folder();
    struct store *s = NULL;
    struct run_info *runs = NULL, one;
    int n = 0;
    struct err fault = {0};
    assert_int_equal(store_open(&s, dir, false, &fault), ERR_NOT_FOUND);
    assert_ok(store_open(&s, dir, true, e));
    assert_ok(store_check(s, e));
    char *a = add(s, NULL, "dpo"), *b = add(s, "", "dpo"), *c = add(s, "warm-up_2.x", "sft");
    assert_string_equal(a, "dpo-1");
    assert_string_equal(b, "dpo-2");
    char *folder = store_run_dir(s, "warm-up_2.x");
    assert_true(file_is_dir(folder));
    store_close(s);

    assert_ok(store_open(&s, dir, false, e));
    assert_ok(store_set_note(s, "dpo-2", "higher beta", e));
    json_t *settings = json_pack("{s:f}", "beta", 0.25);
    assert_ok(store_update_settings(s, "dpo-2", settings, e));
    json_decref(settings);
    assert_ok(store_edit(s, &(struct run_edit){"dpo-1", ATTRIBUTE_ARCHIVED, "1"}, 1, e));
    assert_ok(store_runs(s, &runs, &n, e));
    assert_int_equal(n, 2);
    assert_string_equal(runs[0].name, "dpo-2");
    assert_string_equal(runs[0].note, "higher beta");
    assert_close(json_number_value(json_object_get(runs[0].settings, "beta")), 0.25, 0);
    assert_string_equal(runs[1].objective, "sft");
    assert_true(llabs(clock_wall_ms() - runs[1].created_ms) < 60000);
    run_infos_free(runs, n);
    assert_ok(store_find_run(s, "dpo-1", &one, e));
    assert_true(one.hidden);
    run_info_fini(&one);

    // Errors name what is near, and what is taken stays as it was.
    char *out = NULL;
    assert_int_equal(store_find_run(s, "dpo-3", &one, &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "did you mean dpo-2?"));
    assert_int_equal(store_add_run(s, "dpo-2", "sft", "m", "d", NULL, &out, &fault), ERR_STATE);
    assert_int_equal(store_add_run(s, "DPO-1", "sft", "m", "d", NULL, &out, &fault), ERR_STATE);
    assert_non_null(strstr(fault.text, "in the archive"));
    assert_null(out);
    char *leftover = store_run_dir(s, "left/x");
    assert_ok(file_make_dirs(leftover, e));
    assert_int_equal(store_add_run(s, "left", "sft", "m", "d", NULL, &out, &fault), ERR_STATE);
    assert_int_equal(store_set_note(s, "nobody", "x", &fault), ERR_NOT_FOUND);
    assert_ok(store_runs(s, &runs, &n, e));
    assert_int_equal(n, 2);
    run_infos_free(runs, n);
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    free(leftover);
    free(folder);
    free(a);
    free(b);
    free(c);
    free(dir);
}

static void store_keeps_where_runs_come_from(void **state)
{
    char *dir = test_folder(), *out = NULL;
    struct store *s = NULL;
    struct run_info run, *runs = NULL;
    struct err fault = {0};
    int n = 0;
    assert_ok(store_open(&s, dir, true, e));
    free(add(s, "first", "sft"));
    free(add(s, "base", "dpo"));
    json_t *settings = json_pack("{s:f}", "beta", 0.5);
    assert_ok(store_add_fork(s, NULL, "ipo", "m2", "d2", settings, "base", 300, &out, e));
    assert_string_equal(out, "base-fork-1");
    free(out);
    assert_ok(store_add_fork(s, "again", "dpo", "m", "d", settings, "base-fork-1", 0, &out, e));
    free(out);
    assert_int_equal(store_add_fork(s, NULL, "dpo", "m", "d", settings, "nobody", 3, &out, &fault), ERR_NOT_FOUND);
    assert_int_equal(store_add_fork(s, "again", "dpo", "m", "d", settings, "base", 3, &out, &fault), ERR_STATE);
    json_decref(settings);
    assert_ok(store_find_run(s, "base-fork-1", &run, e));
    assert_string_equal(run.parent_name, "base");
    assert_int_equal(run.parent_step, 300);
    assert_string_equal(run.objective, "ipo");
    assert_string_equal(run.data, "d2");
    const int64_t fork = run.id;
    run_info_fini(&run);
    assert_ok(store_edit(s, &(struct run_edit){"base", ATTRIBUTE_ARCHIVED, "1"}, 1, e)); // its name is known all the same
    assert_ok(store_runs(s, &runs, &n, e));
    assert_int_equal(n, 3);
    assert_null(runs[0].parent_name);
    assert_int_equal(runs[0].parent, 0);
    assert_string_equal(runs[1].parent_name, "base");
    assert_int_equal(runs[2].parent, fork);
    assert_int_equal(runs[2].parent_step, 0);
    run_infos_free(runs, n);
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void store_refuses_names_that_are_paths(void **state)
{
    static const char *const bad[] = {"", ".", "..", "a/b", "../x", "-rf", ".hidden", "a b", "a\n", "\xc3\xa4", "a\\b", "~",
                                      "0123456789012345678901234567890123456789012345678901234567890123456789"};
    static const char *const good[] = {"a", "7", "dpo-1", "Run_2.b", "x..y"};
    struct err fault;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(run_name_check(bad[i], &fault), ERR_USAGE);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(run_name_check(good[i], e));
    char *dir = test_folder(), *out = NULL;
    struct store *s = NULL;
    assert_ok(store_open(&s, dir, true, e));
    assert_int_equal(store_add_run(s, "../../x", "sft", "m", "d", NULL, &out, &fault), ERR_USAGE);
    assert_int_equal(store_add_run(s, NULL, "../sft", "m", "d", NULL, &out, &fault), ERR_USAGE);
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void store_hands_controls_over_in_order(void **state)
{
    char *dir = test_folder();
    struct store *s = NULL;
    struct control c[8];
    struct err fault;
    assert_ok(store_open(&s, dir, true, e));
    free(add(s, "a", "dpo"));
    free(add(s, "b", "dpo"));
    assert_int_equal(store_last_control(s, "a"), 0);
    assert_ok(store_post_control(s, "a", CONTROL_PAUSE, NULL, NULL, e));
    assert_ok(store_post_control(s, "b", CONTROL_STOP, NULL, NULL, e));
    assert_ok(store_post_control(s, "a", CONTROL_SET, "lr", "1e-5", e));
    assert_int_equal(store_controls_after(s, "a", 0, c, 8, &fault), 2);
    assert_int_equal(c[0].kind, CONTROL_PAUSE);
    assert_int_equal(c[1].kind, CONTROL_SET);
    assert_string_equal(c[1].key, "lr");
    assert_string_equal(c[1].value, "1e-5");
    assert_int_equal(store_last_control(s, "a"), c[1].id);
    assert_int_equal(store_controls_after(s, "a", c[0].id, c, 8, &fault), 1);
    assert_int_equal(store_controls_after(s, "a", 0, c, 1, &fault), 1);
    assert_int_equal(store_controls_after(s, "a", store_last_control(s, "a"), c, 8, &fault), 0);
    assert_int_equal(store_post_control(s, "a", CONTROL_SET, "lr", "", &fault), ERR_USAGE);
    assert_int_equal(store_post_control(s, "a", CONTROL_SET, "lr",
                                        "0.0000000000000000000000000000000000000000000000000000000000000001", &fault),
                     ERR_USAGE);
    assert_int_equal(store_post_control(s, "c", CONTROL_STOP, NULL, NULL, &fault), ERR_NOT_FOUND);
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void execute(const char *path, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void store_refuses_what_is_none_of_ours(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "attune.db");
    struct store *s = NULL;
    struct err fault = {0};
    // A text file, which stays as it is.
    assert_ok(file_write(path, "This is my diary, and no store at all. It is longer than a header of SQLite's, see.\n",
                         84, e));
    assert_int_equal(store_open(&s, dir, true, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "not a file of Attune's"));
    assert_int_equal(file_size(path), 84);
    unlink(path);
    // Another program's database.
    execute(path, "CREATE TABLE songs(name)");
    assert_int_equal(store_open(&s, dir, true, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "another program"));
    unlink(path);
    // From a newer Attune.
    execute(path, "CREATE TABLE runs(name); PRAGMA application_id=0x4174756e; PRAGMA user_version=1000");
    assert_int_equal(store_open(&s, dir, true, &fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "newer Attune"));
    unlink(path);
    // An empty file is what a crash right after its creation leaves.
    assert_ok(file_write(path, "", 0, e));
    assert_ok(store_open(&s, dir, false, e));
    free(add(s, "a", "dpo"));
    store_close(s);
    // Every page damaged in turn, and the file cut: an error or the right answer, never a crash.
    char *whole = NULL;
    size_t n_bytes = 0;
    int refused = 0;
    assert_ok(file_read(path, 1 << 20, &whole, &n_bytes, e));
    for (size_t at = 0; at < n_bytes; at += 512) {
        char *broken = malloc(n_bytes);
        memcpy(broken, whole, n_bytes);
        memset(broken + at, 0xa5, 512);
        assert_ok(file_write(path, broken, n_bytes, e));
        free(broken);
        struct run_info *runs = NULL;
        int n = 0;
        int code = store_open(&s, dir, false, &fault);
        if (!code) {
            code = store_runs(s, &runs, &n, &fault);
            if (!code)
                run_infos_free(runs, n);
            if (!code)
                code = store_check(s, &fault);
            store_close(s);
        }
        if (code) {
            assert_true(code == ERR_INPUT || code == ERR_UNSUPPORTED || code == ERR_FAIL);
            refused++;
        }
    }
    assert_true(refused > 4);
    assert_ok(file_write(path, whole, n_bytes / 2, e));
    int code = store_open(&s, dir, false, &fault);
    if (!code) {
        code = store_check(s, &fault);
        store_close(s);
    }
    assert_int_equal(code, ERR_INPUT);
    free(whole);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

// The store as version 1 made it, with a run of that time: it must open, whatever the version is now.
static void store_opens_what_version_1_made(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "attune.db");
    struct store *s = NULL;
    struct run_info run;
    execute(path, "CREATE TABLE runs(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, objective TEXT NOT "
                  "NULL, model TEXT NOT NULL, data TEXT NOT NULL, settings TEXT NOT NULL, created_ms INTEGER NOT NULL,"
                  " note TEXT NOT NULL DEFAULT '', hidden INTEGER NOT NULL DEFAULT 0);"
                  "CREATE TABLE controls(id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs(id),"
                  " at_ms INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL DEFAULT '', value TEXT NOT NULL "
                  "DEFAULT '');CREATE INDEX controls_of_run ON controls(run, id);"
                  "INSERT INTO runs VALUES(1, 'old', 'dpo', 'm', 'd', '{\"beta\": 0.5}', 1700000000000, 'first', 0);"
                  "INSERT INTO controls VALUES(7, 1, 1700000000001, 2, '', '');"
                  "PRAGMA application_id=0x4174756e; PRAGMA user_version=1");
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(store_find_run(s, "old", &run, e));
    assert_string_equal(run.note, "first");
    assert_null(run.parent_name);
    assert_close(json_number_value(json_object_get(run.settings, "beta")), 0.5, 0);
    run_info_fini(&run);
    assert_int_equal(store_last_control(s, "old"), 7);
    assert_ok(store_post_control(s, "old", CONTROL_RESUME, NULL, NULL, e));
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

static void migrations_run_all_or_not_at_all(void **state)
{
    static const char *const one[] = {"CREATE TABLE a(x); INSERT INTO a VALUES(1)", NULL};
    static const char *const three[] = {"CREATE TABLE a(x); INSERT INTO a VALUES(1)", "ALTER TABLE a ADD y DEFAULT 5",
                                        "UPDATE a SET x = x + y", NULL};
    static const char *const broken[] = {"CREATE TABLE a(x); INSERT INTO a VALUES(1)", "ALTER TABLE a ADD y DEFAULT 5",
                                         "UPDATE b SET x = 1", NULL};
    struct sql_schema schema = {.what = "a test", .application_id = 4711, .migrations = one};
    char *dir = test_folder(), *path = path_join(dir, "x.db");
    struct sql s;
    int64_t x = 0;
    struct err fault = {0};
    assert_ok(sql_open(&s, path, SQL_CREATE, e));
    assert_ok(sql_migrate(&s, &schema, e));
    schema.migrations = broken;
    assert_int_equal(sql_migrate(&s, &schema, &fault), ERR_FAIL);
    assert_ok(sql_int(&s, "PRAGMA user_version", &x, e));
    assert_int_equal(x, 1);
    assert_ok(sql_int(&s, "SELECT count(*) FROM pragma_table_info('a')", &x, e));
    assert_int_equal(x, 1); // column y went away again with the transaction
    schema.migrations = three;
    assert_ok(sql_migrate(&s, &schema, e));
    assert_ok(sql_migrate(&s, &schema, e));
    assert_ok(sql_int(&s, "SELECT x FROM a", &x, e));
    assert_int_equal(x, 6);
    assert_ok(sql_int(&s, "PRAGMA user_version", &x, e));
    assert_int_equal(x, 3);
    schema.migrations = one;
    assert_int_equal(sql_migrate(&s, &schema, &fault), ERR_UNSUPPORTED);
    sql_close(&s);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

static void a_full_disk_is_said_and_nothing_is_half_written(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "x.db");
    struct sql s;
    struct err fault = {0};
    int64_t n = 0;
    assert_ok(sql_open(&s, path, SQL_CREATE, e));
    assert_ok(sql_exec(&s, "CREATE TABLE a(x)", e));
    assert_ok(sql_exec(&s, "PRAGMA max_page_count=8", e)); // the same error as of a disk that is full
    assert_ok(sql_begin(&s, e));
    int code = 0;
    for (int i = 0; !code && i < 100; i++)
        code = sql_exec(&s, "INSERT INTO a VALUES(randomblob(3000))", &fault);
    assert_int_equal(code, ERR_LIMIT);
    assert_non_null(strstr(fault.text, "disk is full"));
    sql_rollback(&s);
    assert_ok(sql_int(&s, "SELECT count(*) FROM a", &n, e));
    assert_int_equal(n, 0);
    sql_close(&s);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

static void several_processes_add_runs_at_once(void **state)
{
    enum { N_PROCESSES = 3, N_RUNS = 10 };
    char *dir = test_folder();
    struct store *s = NULL;
    for (int p = 0; p < N_PROCESSES; p++)
        if (fork() == 0) {
            int code = store_open(&s, dir, true, NULL);
            for (int i = 0; !code && i < N_RUNS; i++) {
                char *name = NULL;
                code = store_add_run(s, NULL, "dpo", "m", "d", NULL, &name, NULL);
                free(name);
            }
            _exit(code ? 1 : 0);
        }
    for (int p = 0; p < N_PROCESSES; p++) {
        int status = 1;
        wait(&status);
        assert_int_equal(status, 0);
    }
    struct run_info *runs = NULL;
    int n = 0;
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(store_runs(s, &runs, &n, e));
    assert_int_equal(n, N_PROCESSES * N_RUNS);
    run_infos_free(runs, n);
    store_close(s);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void store_dir_follows_option_environment_and_folders(void **state)
{
    char *dir = test_folder(), *real = realpath(dir, NULL), *deep = path_join(real, "a/b"), *got;
    struct store *s = NULL;
    unsetenv("ATTUNE_PROJECT");
    assert_ok(store_open(&s, real, true, e));
    store_close(s);
    assert_ok(file_make_dirs(deep, e));
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(deep), 0);
    got = store_project_dir(NULL);
    assert_string_equal(got, real);
    free(got);
    setenv("ATTUNE_PROJECT", "/somewhere", 1);
    got = store_project_dir(NULL);
    assert_string_equal(got, "/somewhere");
    free(got);
    got = store_project_dir("/given");
    assert_string_equal(got, "/given");
    free(got);
    unsetenv("ATTUNE_PROJECT");
    assert_int_equal(chdir("/"), 0);
    setenv("XDG_DATA_HOME", "/data", 1);
    got = store_project_dir(NULL);
    assert_string_equal(got, "/data/attune");
    free(got);
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(chdir(before), 0);
    assert_ok(file_remove_tree(dir, e));
    free(before);
    free(deep);
    free(real);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_keeps_runs_and_makes_names),
        cmocka_unit_test(store_keeps_where_runs_come_from),
        cmocka_unit_test(store_refuses_names_that_are_paths),
        cmocka_unit_test(store_hands_controls_over_in_order),
        cmocka_unit_test(store_refuses_what_is_none_of_ours),
        cmocka_unit_test(store_opens_what_version_1_made),
        cmocka_unit_test(migrations_run_all_or_not_at_all),
        cmocka_unit_test(a_full_disk_is_said_and_nothing_is_half_written),
        cmocka_unit_test(several_processes_add_runs_at_once),
        cmocka_unit_test(store_dir_follows_option_environment_and_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
