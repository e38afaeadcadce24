// What has been written is there after a crash: the order of writing, fsync and rename as the kernel is asked for it.
#include "config.h"

#include "disk_trace.h"

#include "base/json.h"
#include "store/labels.h"
#include "store/run_db.h"
#include "store/sql.h"
#include "store/store.h"
#include "store/store_internal.h"

static char *dir;

static void files_are_synced_renamed_and_their_folder_synced(void **state)
{
    char *path = path_join(dir, "a.txt"), *temporary = path_join(dir, "a.txt.tmp");
    for (int i = 0; i < 2; i++) { // new, and in the place of another
        disk_trace_begin();
        assert_ok(file_write(path, "all of it", 9, e));
        assert_durable(temporary, path, 9);
        assert_int_equal(n_disk_events, 3);
    }
    free(path);
    free(temporary);
}

static void files_in_pieces_are_whole_before_they_are_renamed(void **state)
{
    struct file_out *out;
    char *path = path_join(dir, "b.txt"), *temporary = path_join(dir, "b.txt.tmp");
    disk_trace_begin();
    assert_ok(file_out_open(&out, path, e));
    assert_ok(file_out_write(out, "first, ", 7, e));
    assert_ok(file_out_write(out, "second", 6, e));
    assert_int_equal(n_disk_events, 0);
    assert_false(file_exists(path));
    assert_ok(file_out_commit(out, e));
    assert_durable(temporary, path, 13);
    json_t *value = json_pack("{s:i}", "a", 1);
    char *json = path_join(dir, "c.json"), *json_temporary = path_join(dir, "c.json.tmp");
    disk_trace_begin();
    assert_ok(json_write(json, value, e));
    assert_durable(json_temporary, json, file_size(json));
    json_decref(value);
    free(json);
    free(json_temporary);
    free(path);
    free(temporary);
}

static void what_cannot_be_synced_replaces_nothing(void **state)
{
    char *path = path_join(dir, "d.txt"), *temporary = path_join(dir, "d.txt.tmp"), *bytes;
    size_t n;
    struct err fault = {0};
    assert_ok(file_write(path, "old", 3, e));
    disk_trace_begin();
    disk_refuses = "/d.txt.tmp";
    assert_true(file_write(path, "new", 3, &fault) < 0);
    assert_non_null(strstr(fault.text, "d.txt"));
    disk_refuses = NULL;
    assert_int_equal(n_disk_events, 0); // not renamed
    assert_false(file_exists(temporary));
    assert_ok(file_read(path, 100, &bytes, &n, e));
    assert_string_equal(bytes, "old");
    free(bytes);
    disk_trace_begin();
    disk_refuses_rename = "/d.txt";
    assert_true(file_write(path, "new", 3, &fault) < 0);
    assert_false(file_exists(temporary));
    disk_trace_begin();
    disk_refuses = strrchr(dir, '/'); // the folder: the person hears of it
    assert_true(file_write(path, "new", 3, &fault) < 0);
    disk_refuses = NULL;
    free(path);
    free(temporary);
}

// ---- SQLite ----

// Every change of the store is on the disk when the call returns: first the way back, then the file.
static void the_store_syncs_every_change(void **state)
{
    struct store *s;
    char *project = path_join(dir, "project"), *db = path_join(project, "attune.db"), *name;
    char *journal = path_join(project, "attune.db-journal");
    int64_t level;
    json_t *settings = json_pack("{s:s}", "model", "m");
    assert_ok(store_open(&s, project, true, e));
    assert_ok(sql_int(&s->sql, "PRAGMA synchronous", &level, e));
    assert_int_equal(level, 2); // FULL
    for (int i = 0; i < 3; i++) {
        disk_trace_begin();
        if (i == 0)
            assert_ok(store_add_run(s, "one", "dpo", "m", "d", settings, &name, e));
        else if (i == 1)
            assert_ok(store_post_control(s, "one", CONTROL_SET, "beta", "0.5", e));
        else
            assert_ok(store_set_note(s, "one", "a note", e));
        const int way_back = disk_synced(journal, -1, 0), changed = disk_synced(db, -1, 0);
        assert_true(way_back >= 0);
        assert_true(changed > way_back);
    }
    store_close(s);
    assert_ok(store_open(&s, project, false, e)); // as every other process opens it
    assert_ok(sql_int(&s->sql, "PRAGMA synchronous", &level, e));
    assert_int_equal(level, 2);
    disk_trace_begin();
    assert_ok(store_post_control(s, "one", CONTROL_STOP, "", "", e));
    assert_true(disk_synced(db, -1, 0) > disk_synced(journal, -1, 0) && disk_synced(journal, -1, 0) >= 0);
    store_close(s);
    json_decref(settings);
    free(name);
    free(project);
    free(db);
    free(journal);
}

// A judgement is told to be saved: its way back is gone for good, not only removed from a folder that is still to be
// written.
static void a_judgement_outlives_a_power_cut(void **state)
{
    struct store *s;
    char *project = path_join(dir, "labels"), *db = path_join(project, "attune.db"),
         *journal = path_join(project, "attune.db-journal");
    struct asked_pair p = {.prompt = "p", .a = "a", .b = "b"};
    struct judgement j = {.annotator = "ann", .verdict = VERDICT_A, .seconds = NAN}, undone;
    bool again;
    assert_ok(store_open(&s, project, true, e));
    asked_pair_hash(&p);
    for (int i = 0; i < 2; i++) {
        disk_trace_begin();
        if (i == 0)
            assert_ok(labels_add(s, NULL, &p, &j, false, &again, e));
        else
            assert_ok(labels_undo(s, NULL, 0, "ann", &undone, e));
        const int way_back = disk_synced(journal, -1, 0), changed = disk_synced(db, -1, 0);
        assert_true(way_back >= 0 && changed > way_back);
        assert_true(disk_synced(project, -1, changed) > changed);
    }
    judgement_fini(&undone);
    store_close(s);
    free(project);
    free(db);
    free(journal);
}

// A run's own file may lose its last moments, never its order: what moves from the log into the file has been synced before.
static void a_runs_log_is_synced_before_it_becomes_the_file(void **state)
{
    struct run_writer *w;
    char *run = path_join(dir, "run"), *db = path_join(run, "run.db"), *wal = path_join(run, "run.db-wal");
    assert_ok(file_make_dirs(run, e));
    assert_ok(run_writer_open(&w, run, e));
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_metric(w, "loss", 1, 0.5, e));
    assert_ok(run_writer_commit(w, e));
    disk_trace_begin();
    run_writer_close(w);
    assert_true(disk_synced(wal, -1, 0) >= 0);
    assert_true(disk_synced(db, -1, 0) > disk_synced(wal, -1, 0));
    free(run);
    free(db);
    free(wal);
}

// On a network file system, where a log has no place.
static void a_runs_journal_is_synced_at_every_commit(void **state)
{
    struct run_writer *w;
    char *run = path_join(dir, "networked"), *db = path_join(run, "run.db"), *journal = path_join(run, "run.db-journal");
    setenv("ATTUNE_JOURNAL", "rollback", 1);
    assert_ok(file_make_dirs(run, e));
    assert_ok(run_writer_open(&w, run, e));
    unsetenv("ATTUNE_JOURNAL");
    disk_trace_begin();
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_metric(w, "loss", 1, 0.5, e));
    assert_ok(run_writer_commit(w, e));
    assert_true(disk_synced(journal, -1, 0) >= 0);
    assert_true(disk_synced(db, -1, 0) > disk_synced(journal, -1, 0));
    run_writer_close(w);
    free(run);
    free(db);
    free(journal);
}

static int make_dir(void **state)
{
    dir = disk_folder();
    return 0;
}

static int remove_dir(void **state)
{
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_synced_renamed_and_their_folder_synced),
        cmocka_unit_test(files_in_pieces_are_whole_before_they_are_renamed),
        cmocka_unit_test(what_cannot_be_synced_replaces_nothing),
        cmocka_unit_test(the_store_syncs_every_change),
        cmocka_unit_test(a_judgement_outlives_a_power_cut),
        cmocka_unit_test(a_runs_log_is_synced_before_it_becomes_the_file),
        cmocka_unit_test(a_runs_journal_is_synced_at_every_commit),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
