// run.db: one writer, readers of other processes; kill -9 in the middle; dead runs; 1000 runs.
#include "config.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/file_system.h"
#include "store/run_db.h"
#include "store/sql.h"

static void metrics(struct run_writer *w, int from, int to)
{
    assert_ok(run_writer_begin(w, e));
    for (int i = from; i < to; i++) {
        assert_ok(run_writer_metric(w, "loss", i, 1.0 / (i + 1), e));
        assert_ok(run_writer_metric(w, "kl", i, i, e));
    }
    assert_ok(run_writer_commit(w, e));
}

static void reader_sees_what_the_writer_committed(void **state)
{
    char *dir = test_folder();
    struct run_writer *w = NULL;
    struct run_reader *r = NULL;
    struct metric_point *points = NULL;
    struct err fault;
    int n = 0;
    int64_t cursor = 0;
    assert_int_equal(run_reader_open(&r, dir, &fault), ERR_NOT_FOUND);
    assert_ok(run_writer_open(&w, dir, e));
    assert_ok(run_reader_open(&r, dir, e));
    int64_t version = run_reader_version(r);
    assert_int_equal(run_reader_version(r), version);
    metrics(w, 0, 10);
    assert_true(run_reader_version(r) != version);
    assert_ok(run_reader_points(r, "loss", &cursor, &points, &n, e));
    assert_int_equal(n, 10);
    assert_int_equal(points[9].step, 9);
    assert_close(points[9].value, 0.1, 0);
    free(points);
    assert_ok(run_reader_points(r, "loss", &cursor, &points, &n, e));
    assert_int_equal(n, 0);
    free(points);
    metrics(w, 10, 12);
    assert_ok(run_reader_points(r, "loss", &cursor, &points, &n, e));
    assert_int_equal(n, 2);
    assert_int_equal(points[0].step, 10);
    free(points);
    int64_t other = 0;
    assert_ok(run_reader_points(r, "no such", &other, &points, &n, e));
    assert_int_equal(n, 0);
    free(points);

    const char *keys[] = {"kl", "none", "loss"};
    double values[3];
    assert_ok(run_reader_latest(r, keys, 3, values, e));
    assert_close(values[0], 11, 0);
    assert_true(isnan(values[1]));
    char **names = NULL;
    assert_ok(run_reader_keys(r, &names, &n, e));
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "loss");
    free(names[0]);
    free(names[1]);
    free(names);

    struct run_status s = {.state = RUN_RUNNING, .step = 12, .total_steps = 100, .heartbeat_ms = clock_wall_ms()}, got;
    assert_ok(run_reader_status(r, &got, e));
    assert_int_equal(got.state, RUN_QUEUED);
    run_status_self(&s);
    text_copy(s.phase, sizeof s.phase, "step 12");
    assert_ok(run_writer_status(w, &s, e));
    assert_ok(run_reader_status(r, &got, e));
    assert_int_equal(got.state, RUN_RUNNING);
    assert_int_equal(got.pid, (int)getpid());
    assert_string_equal(got.phase, "step 12");
    assert_ok(run_writer_last_status(w, &got, e));
    assert_int_equal(got.total_steps, 100);

    assert_ok(run_writer_event(w, 5, 1, "info", "control", "lr 1e-5", e));
    assert_ok(run_writer_event(w, 6, 2, "error", "nonfinite", "loss is NaN", e));
    struct run_event *events = NULL;
    assert_ok(run_reader_events(r, 0, &events, &n, e));
    assert_int_equal(n, 2);
    assert_string_equal(events[1].kind, "nonfinite");
    int64_t first = events[0].id;
    run_events_free(events, n);
    assert_ok(run_reader_events(r, first, &events, &n, e));
    assert_int_equal(n, 1);
    run_events_free(events, n);

    struct run_sample sample = {.step = 3, .prompt = "a\x1b[31m", .response = "\xff\xfe", .logp = -1.5, .reward = NAN},
                      *samples;
    assert_ok(run_writer_sample(w, &sample, e));
    sample.step = 4;
    assert_ok(run_writer_sample(w, &sample, e));
    assert_ok(run_reader_samples(r, 5, &samples, &n, e));
    assert_int_equal(n, 2);
    assert_int_equal(samples[0].step, 4);
    assert_string_equal(samples[0].response, "\xff\xfe"); // bytes as the model made them
    assert_true(isnan(samples[0].reward));
    run_samples_free(samples, n);

    struct run_checkpoint c = {.step = 10, .bytes = 1 << 20, .path = "checkpoints/10", .sha256 = "abc"}, *list;
    assert_ok(run_writer_checkpoint(w, &c, e));
    assert_ok(run_reader_checkpoints(r, &list, &n, e));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].path, "checkpoints/10");
    run_checkpoints_free(list, n);
    assert_ok(run_reader_check(r, e));
    run_writer_close(w);
    run_reader_close(r);
    // A run that has ended is read without its writer, also by a fresh reader.
    assert_ok(run_reader_open(&r, dir, e));
    cursor = 0;
    assert_ok(run_reader_points(r, "kl", &cursor, &points, &n, e));
    assert_int_equal(n, 12);
    free(points);
    run_reader_close(r);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void rewards_of_tokens_come_back_or_are_left_out_as_a_whole(void **state)
{
    static const char *const damaged[] = {"5 0.5 9 1", "5 0.5 -1 1", "5 nan", "5", "five 1", "99999999999999999999 1"};
    char *dir = test_folder(), *path = path_join(dir, "run.db");
    struct run_writer *w;
    struct run_reader *r;
    struct run_sample *samples;
    struct sql sql;
    struct run_credit credits[] = {{5, 0.25}, {0, -1.5}};
    struct run_sample sample = {.step = 1, .prompt = "p", .response = "hello", .credits = credits, .n_credits = 2};
    int n;
    struct run_status status = {.state = RUN_FAILED};
    assert_ok(run_writer_open(&w, dir, e));
    assert_ok(run_writer_sample(w, &sample, e));
    assert_ok(run_writer_status(w, &status, e));
    run_writer_close(w);
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_samples(r, 1, &samples, &n, e));
    assert_int_equal(samples[0].n_credits, 2);
    assert_int_equal(samples[0].credits[0].n_bytes, 5);
    assert_close(samples[0].credits[1].reward, -1.5, 0);
    run_samples_free(samples, n);
    run_reader_close(r);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        char text[200];
        snprintf(text, sizeof text, "UPDATE samples SET credits = '%s'", damaged[i]);
        assert_ok(sql_open(&sql, path, SQL_WRITE, e));
        assert_ok(sql_exec(&sql, text, e));
        sql_close(&sql);
        assert_ok(run_reader_open(&r, dir, e));
        assert_ok(run_reader_samples(r, 1, &samples, &n, e));
        assert_int_equal(samples[0].n_credits, 0);
        assert_string_equal(samples[0].response, "hello");
        run_samples_free(samples, n);
        run_reader_close(r);
    }
    // A file of the first format, which had no such column.
    assert_ok(sql_open(&sql, path, SQL_WRITE, e));
    assert_ok(sql_exec(&sql, "DROP TABLE pairs_asked; DROP TABLE rollouts; ALTER TABLE samples DROP COLUMN credits; "
                             "ALTER TABLE status DROP COLUMN failure; PRAGMA user_version=1", e));
    sql_close(&sql);
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_samples(r, 1, &samples, &n, e));
    assert_int_equal(n, 1);
    run_samples_free(samples, n);
    assert_ok(run_reader_status(r, &status, e));
    assert_int_equal(status.failure, ERR_FAIL); // why it failed was not kept
    run_reader_close(r);
    assert_ok(run_writer_open(&w, dir, e)); // which brings it up to date
    assert_ok(run_writer_sample(w, &sample, e));
    status.failure = ERR_LIMIT;
    assert_ok(run_writer_status(w, &status, e));
    run_writer_close(w);
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_samples(r, 2, &samples, &n, e));
    assert_int_equal(samples[0].n_credits, 2);
    assert_int_equal(samples[1].n_credits, 0);
    run_samples_free(samples, n);
    assert_ok(run_reader_status(r, &status, e));
    assert_int_equal(status.failure, ERR_LIMIT);
    run_reader_close(r);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

static void values_that_are_not_finite_come_back(void **state)
{
    char *dir = test_folder();
    struct run_writer *w = NULL;
    struct run_reader *r = NULL;
    struct metric_point *p = NULL;
    int n = 0;
    int64_t cursor = 0;
    const double values[] = {NAN, INFINITY, -INFINITY, -0.0, 5e-324, 1.7976931348623157e308, 0.1};
    assert_ok(run_writer_open(&w, dir, e));
    for (int i = 0; i < 7; i++)
        assert_ok(run_writer_metric(w, "x", i, values[i], e));
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_points(r, "x", &cursor, &p, &n, e));
    assert_int_equal(n, 7);
    assert_true(isnan(p[0].value));
    for (int i = 1; i < 7; i++)
        assert_true(p[i].value == values[i]);
    free(p);
    run_reader_close(r);
    run_writer_close(w);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void rewind_forgets_later_steps_and_readers_notice(void **state)
{
    char *dir = test_folder();
    struct run_writer *w = NULL;
    struct run_reader *r = NULL;
    struct metric_point *p = NULL;
    int n = 0;
    int64_t cursor = 0;
    assert_ok(run_writer_open(&w, dir, e));
    metrics(w, 0, 20);
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_points(r, "loss", &cursor, &p, &n, e));
    free(p);
    assert_ok(run_writer_rewind(w, 9, e));
    run_writer_close(w); // a crash right after the rewind must not use numbers again that readers have seen
    assert_ok(run_writer_open(&w, dir, e));
    metrics(w, 10, 13);
    assert_ok(run_reader_points(r, "loss", &cursor, &p, &n, e));
    assert_int_equal(n, 3);
    assert_int_equal(p[0].step, 10);
    free(p);
    cursor = 0;
    assert_ok(run_reader_points(r, "loss", &cursor, &p, &n, e));
    assert_int_equal(n, 13);
    for (int i = 0; i < n; i++)
        assert_int_equal(p[i].step, i);
    free(p);
    run_reader_close(r);
    run_writer_close(w);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// A batch that cannot be written is dropped whole, keys and all, and the next one works.
static void a_batch_that_fails_leaves_nothing(void **state)
{
    char *dir = test_folder();
    struct run_writer *w = NULL;
    struct run_reader *r = NULL;
    struct err fault = {0};
    int n = 0;
    assert_ok(run_writer_open(&w, dir, e));
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_metric(w, "new", 1, 1, e));
    char *huge = malloc((64 << 20) + 2); // beyond the stated maximum of a value
    memset(huge, 'x', (64 << 20) + 1);
    huge[(64 << 20) + 1] = 0;
    struct run_sample sample = {.step = 1, .prompt = huge, .response = "r"};
    assert_int_equal(run_writer_sample(w, &sample, &fault), ERR_LIMIT);
    free(huge);
    assert_int_equal(run_writer_metric(w, "new", 2, 2, &fault), ERR_LIMIT);
    assert_int_equal(run_writer_commit(w, &fault), ERR_LIMIT);
    assert_ok(run_reader_open(&r, dir, e));
    char **names = NULL;
    assert_ok(run_reader_keys(r, &names, &n, e));
    assert_int_equal(n, 0);
    free(names);
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_metric(w, "new", 3, 3, e));
    assert_ok(run_writer_commit(w, e));
    const char *key = "new";
    double value;
    assert_ok(run_reader_latest(r, &key, 1, &value, e));
    assert_close(value, 3, 0);
    run_reader_close(r);
    run_writer_close(w);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// kill -9 of the writer at different moments: what is there is whole batches, all of them that were reported.
static void a_killed_writer_leaves_whole_batches(void **state)
{
    enum { BATCH = 20 };
    for (int round = 0; round < 6; round++) {
        char *dir = test_folder();
        int done[2];
        assert_int_equal(pipe(done), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct run_writer *w = NULL;
            struct run_status s = {.state = RUN_RUNNING, .heartbeat_ms = clock_wall_ms()};
            run_status_self(&s);
            if (run_writer_open(&w, dir, NULL) != 0 || run_writer_status(w, &s, NULL) != 0)
                _exit(1);
            for (int b = 0;; b++) {
                run_writer_begin(w, NULL);
                for (int i = 0; i < BATCH; i++)
                    run_writer_metric(w, "loss", b * BATCH + i, i, NULL);
                if (run_writer_commit(w, NULL) != 0 || write(done[1], "x", 1) != 1)
                    _exit(1);
            }
        }
        close(done[1]);
        char byte;
        int n_done = 0, n = 0;
        while (n_done <= 3 + round * 7 && read(done[0], &byte, 1) == 1)
            n_done++;
        usleep(300 * (unsigned)round);
        kill(pid, SIGKILL);
        while (read(done[0], &byte, 1) == 1)
            n_done++;
        siginfo_t info;
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0); // it is a zombie from here on
        int64_t cursor = 0;
        struct run_reader *r = NULL;
        struct run_status got;
        assert_ok(run_reader_open(&r, dir, e));
        assert_ok(run_reader_status(r, &got, e));
        assert_int_equal(got.state, RUN_DEAD);
        waitpid(pid, NULL, 0);
        close(done[0]);
        struct metric_point *points = NULL;
        assert_ok(run_reader_check(r, e));
        assert_ok(run_reader_status(r, &got, e));
        assert_int_equal(got.state, RUN_DEAD);
        assert_ok(run_reader_points(r, "loss", &cursor, &points, &n, e));
        assert_int_equal(n % BATCH, 0);
        assert_true(n >= n_done * BATCH && n <= (n_done + 1) * BATCH);
        free(points);
        // The next engine takes over where it ended.
        struct run_writer *w = NULL;
        assert_ok(run_writer_open(&w, dir, e));
        assert_ok(run_writer_rewind(w, 9, e));
        assert_ok(run_writer_metric(w, "loss", 10, 0, e));
        assert_ok(run_reader_points(r, "loss", &cursor, &points, &n, e));
        assert_int_equal(n, 1);
        free(points);
        run_writer_close(w);
        run_reader_close(r);
        assert_ok(file_remove_tree(dir, e));
        free(dir);
    }
}

static void death_is_told_from_life(void **state)
{
    struct run_status s = {.state = RUN_RUNNING, .heartbeat_ms = clock_wall_ms()};
    run_status_self(&s);
    assert_true(run_status_is_alive(&s));
    s.heartbeat_ms = 0; // a machine that was suspended: the process is there
    assert_true(run_status_is_alive(&s));
    s.pid_start++; // the number belongs to another process now
    assert_false(run_status_is_alive(&s));
    run_status_self(&s);
    text_copy(s.host, sizeof s.host, "another-host.example");
    assert_false(run_status_is_alive(&s));
    s.heartbeat_ms = clock_wall_ms() - 5000;
    assert_true(run_status_is_alive(&s));
    struct run_beat beat = {0};
    assert_true(run_status_lives_on(&s, &beat));
    s.heartbeat_ms -= 86400000; // its clock was set, or ours: the heart beats on
    assert_true(run_status_lives_on(&s, &beat));
    beat.seen_s -= 31;
    assert_false(run_status_lives_on(&s, &beat));
    s.heartbeat_ms++;
    assert_true(run_status_lives_on(&s, &beat));
    for (int i = 0; i <= RUN_DEAD; i++) {
        enum run_state back;
        assert_true(run_state_from_name(run_state_name((enum run_state)i), &back));
        assert_int_equal(back, i);
    }
}

static void damaged_and_foreign_files_are_refused(void **state)
{
    char *dir = test_folder(), *path = path_join(dir, "run.db");
    struct run_writer *w = NULL;
    struct run_reader *r = NULL;
    struct err fault = {0};
    char junk[4096];
    memset(junk, 'j', sizeof junk);
    assert_ok(file_write(path, junk, sizeof junk, e));
    assert_int_equal(run_reader_open(&r, dir, &fault), ERR_INPUT);
    assert_int_equal(run_writer_open(&w, dir, &fault), ERR_INPUT);
    assert_int_equal(file_size(path), sizeof junk);
    unlink(path);
    assert_ok(file_write(path, "", 0, e));
    assert_int_equal(run_reader_open(&r, dir, &fault), ERR_NOT_FOUND);
    assert_ok(run_writer_open(&w, dir, e));
    metrics(w, 0, 500);
    run_writer_close(w);
    char *whole = NULL;
    size_t n_bytes = 0;
    int refused = 0;
    assert_ok(file_read(path, 1 << 20, &whole, &n_bytes, e));
    for (size_t at = 0; at < n_bytes; at += 1024) {
        char *broken = malloc(n_bytes);
        memcpy(broken, whole, n_bytes);
        memset(broken + at, 0x5a, 1024);
        assert_ok(file_write(path, broken, n_bytes, e));
        free(broken);
        int64_t cursor = 0;
        int n = 0, code = run_reader_open(&r, dir, &fault);
        if (!code) {
            struct metric_point *points = NULL;
            struct run_status status;
            struct run_event *events = NULL;
            if (run_reader_points(r, "loss", &cursor, &points, &n, &fault) == 0)
                free(points);
            run_reader_status(r, &status, &fault);
            if (run_reader_events(r, 0, &events, &n, &fault) == 0)
                run_events_free(events, n);
            code = run_reader_check(r, &fault);
            run_reader_close(r);
        }
        refused += code != 0;
    }
    assert_true(refused > 5);
    free(whole);
    assert_ok(file_remove_tree(dir, e));
    free(path);
    free(dir);
}

static void network_file_systems_use_a_rollback_journal_and_say_so(void **state)
{
    assert_string_equal(file_system_network_name(0x6969), "NFS");
    assert_string_equal(file_system_network_name((long)(int)0xff534d42), "CIFS"); // a sign-extended number
    assert_null(file_system_network_name(0xef53));
    char *dir = test_folder();
    struct run_writer *w = NULL;
    struct run_reader *r = NULL;
    struct run_event *events = NULL;
    int n = 0;
    setenv("ATTUNE_JOURNAL", "rollback", 1);
    for (int i = 0; i < 2; i++) { // said once, not at every start
        assert_ok(run_writer_open(&w, dir, e));
        metrics(w, i * 5, i * 5 + 5);
        run_writer_close(w);
    }
    unsetenv("ATTUNE_JOURNAL");
    char *wal = path_join(dir, "run.db-wal");
    assert_false(file_exists(wal));
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_events(r, 0, &events, &n, e));
    assert_int_equal(n, 1);
    assert_string_equal(events[0].level, "warn");
    assert_non_null(strstr(events[0].text, "network file system"));
    run_events_free(events, n);
    run_reader_close(r);
    assert_ok(file_remove_tree(dir, e));
    free(wal);
    free(dir);
}

// What the list of runs does for each: open, look, close. The bound is wide: it catches a change of kind only.
static void a_thousand_runs_are_looked_at_quickly(void **state)
{
    enum { N = 1000 };
    char *dir = test_folder(), *first = path_join(dir, "first");
    struct run_writer *w = NULL;
    assert_ok(file_make_dirs(first, e));
    assert_ok(run_writer_open(&w, first, e));
    metrics(w, 0, 100);
    struct run_status s = {.state = RUN_DONE, .step = 100};
    assert_ok(run_writer_status(w, &s, e));
    run_writer_close(w);
    char *bytes = NULL, *from = path_join(first, "run.db");
    size_t n_bytes;
    assert_ok(file_read(from, 1 << 20, &bytes, &n_bytes, e));
    for (int i = 0; i < N; i++) {
        struct str path = {0};
        str_addf(&path, "%s/%d", dir, i);
        assert_ok(file_make_dirs(str_text(&path), e));
        str_add(&path, "/run.db");
        FILE *f = fopen(str_text(&path), "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n_bytes, f), n_bytes);
        fclose(f);
        str_fini(&path);
    }
    const char *keys[] = {"loss", "kl"};
    double values[2], start = clock_seconds();
    for (int i = 0; i < N; i++) {
        struct run_reader *r = NULL;
        struct run_status status;
        struct str path = {0};
        str_addf(&path, "%s/%d", dir, i);
        assert_ok(run_reader_open(&r, str_text(&path), e));
        assert_ok(run_reader_status(r, &status, e));
        assert_ok(run_reader_latest(r, keys, 2, values, e));
        assert_close(values[1], 99, 0);
        run_reader_close(r);
        str_fini(&path);
    }
    double took = clock_seconds() - start;
    print_message("          1000 runs opened and read in %.3f s\n", took);
    assert_true(took < 10);
    free(bytes);
    free(from);
    free(first);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_sees_what_the_writer_committed),
        cmocka_unit_test(rewards_of_tokens_come_back_or_are_left_out_as_a_whole),
        cmocka_unit_test(values_that_are_not_finite_come_back),
        cmocka_unit_test(rewind_forgets_later_steps_and_readers_notice),
        cmocka_unit_test(a_batch_that_fails_leaves_nothing),
        cmocka_unit_test(a_killed_writer_leaves_whole_batches),
        cmocka_unit_test(death_is_told_from_life),
        cmocka_unit_test(damaged_and_foreign_files_are_refused),
        cmocka_unit_test(network_file_systems_use_a_rollback_journal_and_say_so),
        cmocka_unit_test(a_thousand_runs_are_looked_at_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
