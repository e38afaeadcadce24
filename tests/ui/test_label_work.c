// Judging several pairs at once, drafts, attention checks, in the real program; kill -9 at any of them.
#include "config.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

#include "base/rng.h"
#include "ui/label_page.h"

static void a_range_is_marked_and_judged_with_one_key(void **state)
{
    struct rig r;
    struct judgement *said;
    int all;
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "\\number<=30\r");
    rig_wait(&r, "30 pairs that wait pass the filter");
    rig_wait(&r, "filtered  order: random");
    rig_send(&r, "p");
    rig_wait(&r, "0 of 30 marked");
    rig_send(&r, "jvjjj");
    rig_wait(&r, "4 of 30 marked, a range");
    rig_send(&r, "vGm");
    rig_wait(&r, "5 of 30 marked");
    rig_send(&r, "8");
    wait_count(&r, 5, N);
    rig_wait(&r, "saved 5 pairs \"both bad\"; u takes all back");
    rig_wait(&r, "0 of 25 marked");
    rig_quit(&r);
    assert_int_equal(read_standing(&said, &all), 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(said[i].verdict, VERDICT_BOTH_BAD);
        assert_int_equal(said[i].act, said[0].id);
    }
    judgements_free(said, 5);
    start(&r);
    wait_count(&r, 5, N);
    rig_send(&r, "u");
    rig_wait(&r, "taken back: 5 pairs \"both bad\"");
    wait_count(&r, 0, N);
    rig_send(&r, "U");
    wait_count(&r, 5, N);
    rig_send(&r, ":filter number=20,21\rp");
    rig_wait(&r, "0 of 2 marked");
    rig_send(&r, "*2");
    wait_count(&r, 7, N);
    rig_wait(&r, "No pair that waits passes the filter");
    rig_send(&r, "p");
    rig_wait(&r, "Only pairs that pass number=20,21 come");
    rig_send(&r, ":filter colour=red\r");
    rig_wait(&r, "pairs have no \"colour\"");
    rig_quit(&r);
}

// All of what one key judges, or nothing of it.
static void kill_9_leaves_no_part_of_what_is_judged_at_once(void **state)
{
    enum { ROUNDS = 12, AT_ONCE = 40 };
    struct rng random = rng_make(5, RNG_TEST, 10);
    int n_before = 0, n_whole = 0;
    write_pairs(ROUNDS * AT_ONCE);
    for (int i = 0; i < ROUNDS; i++) {
        struct rig r;
        struct judgement *said;
        int all;
        start(&r);
        wait_count(&r, n_before, ROUNDS * AT_ONCE);
        rig_send(&r, "p");
        char listed[40];
        snprintf(listed, sizeof listed, "0 of %d marked", ROUNDS * AT_ONCE - n_before);
        rig_wait(&r, listed);
        rig_send(&r, "v");
        for (int k = 1; k < AT_ONCE; k++)
            rig_send(&r, "j");
        rig_wait(&r, "40 of ");
        rig_send(&r, "4");
        usleep((useconds_t)rng_below(&random, i % 2 ? 15000 : 150000));
        kill(r.pid, SIGKILL);
        while (rig_read(&r, 0.2))
            continue;
        const bool seen = shows_count(&r, n_before + AT_ONCE, ROUNDS * AT_ONCE);
        assert_int_equal(rig_end(&r), -SIGKILL);
        const int n = read_standing(&said, &all);
        assert_true(n == n_before + AT_ONCE || (n == n_before && !seen));
        n_whole += n > n_before;
        judgements_free(said, n);
        n_before = n;
    }
    print_message("          %d kills, %d after all was saved\n", ROUNDS, n_whole);
}

static void write_script(const char *path, const char *text)
{
    assert_ok(file_write(path, text, strlen(text), e));
    assert_int_equal(chmod(path, 0700), 0);
    setenv("VISUAL", path, 1);
}

static void what_is_begun_outlives_leaving_and_kill_9(void **state)
{
    struct rig r;
    struct judgement *said;
    struct str text = {0};
    char *editor = path_join(dir, "editor.sh"), *seen = path_join(dir, "seen"), *first;
    size_t n;
    int all;
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "rb");
    rig_wait(&r, "b complete");
    rig_send(&r, "re");
    rig_wait(&r, "note (is saved with the judgement");
    rig_send(&r, "half a thou");
    rig_wait(&r, "half a thou");
    kill(r.pid, SIGKILL);
    assert_int_equal(rig_end(&r), -SIGKILL);
    start(&r);
    rig_wait(&r, "because: complete  note: half a thou");
    rig_send(&r, "e\x05ght\r");
    rig_wait(&r, "note: half a thought");
    rig_send(&r, "e, or not\x1b"); // left: it stays as it was
    rig_wait_gone(&r, ", or not");
    rig_wait(&r, "note: half a thought");
    rig_send(&r, "\x1b" "1");
    rig_wait(&r, "[1 Runs]");
    rig_quit(&r);
    write_script(editor, "#!/bin/sh\necho half an answer >\"$1\"\nexit 1\n");
    start(&r);
    rig_wait(&r, "note: half a thought");
    rig_send(&r, "E");
    rig_wait(&r, "ended with an error");
    kill(r.pid, SIGKILL);
    assert_int_equal(rig_end(&r), -SIGKILL);
    str_addf(&text, "#!/bin/sh\ncp \"$1\" %s\necho a whole answer >\"$1\"\n", seen);
    write_script(editor, str_text(&text));
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "E");
    rig_wait(&r, "saved the correction of #");
    assert_ok(file_read(seen, 1000, &first, &n, e));
    assert_string_equal(first, "half an answer\n");
    free(first);
    rig_send(&r, "2");
    wait_count(&r, 2, N + 1);
    rig_quit(&r);
    assert_int_equal(read_standing(&said, &all), 2);
    assert_string_equal(said[1].note, "half a thought");
    assert_string_equal(said[1].reasons, "b");
    judgements_free(said, 2);
    unsetenv("VISUAL");
    str_fini(&text);
    free(seen);
    free(editor);
}

static void an_annotator_who_fails_checks_is_named(void **state)
{
    struct rig r;
    struct str rows = {0}, command = {0};
    char *known = path_join(dir, "known.jsonl"), *out = path_join(dir, "stats.txt"), *text;
    size_t n;
    write_pairs(9);
    for (int i = 0; i < 5; i++)
        str_addf(&rows,
                 "{\"prompt\": \"question 50%d\", \"chosen\": \"good answer\", \"rejected\": \"bad answer %d\"}\n", i,
                 i);
    assert_ok(file_write(known, rows.data, rows.len, e));
    const char *args[] = {"label",    data,  "--annotator",   "ann", "--repeats", "0",
                          "--checks", known, "--check-share", "0.1", NULL};
    rig_start(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24, .args = args});
    for (int i = 0; i < 10; i++) {
        wait_count(&r, i, 10);
        rig_send(&r, "4"); // of everything
    }
    rig_wait(&r, "Nothing is left of this set");
    rig_quit(&r);
    str_addf(&command, "%s/attune label stats --project %s >%s", getenv("ATTUNE_BUILDDIR"), dir, out);
    assert_int_equal(system(str_text(&command)), 0);
    assert_ok(file_read(out, 100000, &text, &n, e));
    assert_non_null(strstr(text, "0/1 passed"));
    assert_non_null(strstr(text, "ann failed 1 of 1 attention checks (100 %"));
    free(text);
    free(known);
    free(out);
    str_fini(&rows);
    str_fini(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_range_is_marked_and_judged_with_one_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kill_9_leaves_no_part_of_what_is_judged_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_begun_outlives_leaving_and_kill_9, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_annotator_who_fails_checks_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
