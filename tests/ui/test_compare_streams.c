// Models that answer beside the console: how soon the first token is there, whether four streams hold up keys, how many are
// loaded, and that none outlives the console.
#include "config.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "ui/compare_page.h"
#include "ui/side_by_side.h"

// ---- bars ----

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void the_first_token_is_there_soon(void **state)
{
    enum { N = 9 };
    struct rig r;
    double seconds[N];
    compare_two_sides(&r, 100, 30);
    for (int i = 0; i < N; i++) {
        char begins[24], seed[8];
        snprintf(seed, sizeof seed, "%d", i + 2);
        compare_beginning(demo, seed, question, begins);
        begins[6] = '\0'; // the first token or two
        const double key = clock_seconds();
        rig_send(&r, "r");
        rig_wait(&r, begins);
        seconds[i] = clock_seconds() - key;
        rig_settle(&r, 0.3);
    }
    qsort(seconds, N, sizeof *seconds, by_size);
    print_message("          key to first token: median %.0f ms, worst %.0f ms, bar 300 ms\n", 1000 * seconds[N / 2],
                  1000 * seconds[N - 1]);
    assert_true(seconds[N / 2] < 0.3);
    rig_quit(&r);
}

// While four answers stream, keys that change the picture are answered as at other times: at the median, thrice the bar.
static void four_streams_hold_nothing_up(void **state)
{
    enum { MOST = 400 };
    struct rig r;
    double seconds[MOST];
    int n = 0;
    struct str line = {0};
    compare_start(&r, 200, 50);
    str_addf(&line, "compare dpo-1@100 dpo-1@200 %s %s", demo, changed);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "D changed");
    rig_command(&r, "temperature 3"); // babble, which does not end
    rig_command(&r, "length 900");
    compare_ask(&r, question);
    rig_wait(&r, "tok ...");
    while (n < MOST && rig_shows(&r, "tok ...")) {
        rig_settle(&r, 0);
        const double key = clock_seconds();
        rig_send(&r, n % 2 ? "\t" : "d");
        if (!rig_read(&r, 5))
            fail_msg("no answer to a key while answers stream");
        seconds[n++] = clock_seconds() - key;
        rig_settle(&r, 0.002);
    }
    assert_true(n > 5);
    qsort(seconds, (size_t)n, sizeof *seconds, by_size);
    print_message("          %d keys while four answers stream: median %.1f ms, p95 %.1f ms, bar 33 ms\n", n,
                  1000 * seconds[n / 2], 1000 * seconds[n * 95 / 100]);
    assert_true(seconds[n / 2] < 0.1); // a machine that does other work as well has late keys, but not most of them
    rig_quit(&r);
    str_fini(&line);
}

// ---- processes ----

static bool is_child(const char *pid, pid_t parent)
{
    char *text, path[300];
    size_t n;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if (file_read(path, 1 << 16, &text, &n, NULL))
        return false;
    const char *state = strrchr(text, ')');
    const bool found = state && atol(state + 3) == (long)parent && state[2] != 'Z';
    free(text);
    return found;
}

static int children_of(pid_t parent, pid_t *out, int max)
{
    DIR *proc = opendir("/proc");
    int n = 0;
    for (const struct dirent *d; proc && (d = readdir(proc)) != NULL;)
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && n < max && is_child(d->d_name, parent))
            out[n++] = (pid_t)atol(d->d_name);
    closedir(proc);
    return n;
}

static void expect_ends(const pid_t *pids, int n)
{
    const double until = clock_seconds() + 20;
    for (int i = 0; i < n; i++)
        while (kill(pids[i], 0) == 0) {
            if (clock_seconds() > until)
                fail_msg("process %d outlives the console", (int)pids[i]);
            usleep(20000);
        }
}

static void models_end_with_the_console_however_it_ends(void **state)
{
    for (int killed = 0; killed < 2; killed++) {
        struct rig r;
        pid_t pids[16];
        compare_two_sides(&r, 100, 30);
        const int n = children_of(r.pid, pids, 16);
        assert_int_equal(n, 2);
        if (killed) {
            rig_kill(&r, SIGKILL);
            assert_int_equal(rig_end(&r), -SIGKILL);
        } else {
            rig_quit(&r);
        }
        expect_ends(pids, n);
    }
}

static void a_model_that_dies_is_loaded_again(void **state)
{
    struct rig r;
    pid_t pids[16];
    char begins[24];
    compare_two_sides(&r, 100, 30);
    const int n = children_of(r.pid, pids, 16);
    for (int i = 0; i < n; i++)
        kill(pids[i], SIGKILL);
    expect_ends(pids, n);
    compare_beginning(demo, "2", question, begins);
    rig_send(&r, "r");
    rig_wait(&r, "seed 2");
    rig_wait(&r, begins);
    rig_quit(&r);
}

static void no_more_models_are_loaded_than_four(void **state)
{
    struct rig r;
    pid_t pids[16], before[16];
    struct str line = {0};
    char *reward = test_source("share/attune/models/demo-reward");
    compare_start(&r, 200, 50);
    str_addf(&line, "compare dpo-1@100 dpo-1@200 %s %s", demo, changed);
    rig_command(&r, str_text(&line));
    rig_wait(&r, "D changed");
    compare_ask(&r, question);
    rig_wait(&r, "A and B share");
    for (double end = clock_seconds() + 30; children_of(r.pid, before, 16) != 4 && clock_seconds() < end;)
        rig_read(&r, 0.05);
    str_clear(&line);
    str_addf(&line, "reward %s", reward); // a fifth: the idle one that was asked longest ago makes room
    rig_command(&r, str_text(&line));
    rig_wait(&r, "rm ");
    // One leaves before the other comes: four, one of which was not there before.
    bool has_changed = false;
    for (double end = clock_seconds() + 30; !has_changed && clock_seconds() < end; rig_read(&r, 0.05)) {
        const int n = children_of(r.pid, pids, 16);
        assert_true(n <= 4);
        has_changed = n == 4 && memcmp(pids, before, 4 * sizeof *pids) != 0;
    }
    assert_true(has_changed);
    rig_send(&r, "r");
    rig_wait(&r, "seed 2");
    rig_settle(&r, 1);
    assert_true(children_of(r.pid, pids, 16) <= 4);
    rig_quit(&r);
    str_fini(&line);
    free(reward);
}

int main(void)
{
    setenv("USER", "tester", 1);
    const struct CMUnitTest bars[] = { // of time: alone
        cmocka_unit_test_setup_teardown(the_first_token_is_there_soon, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(four_streams_hold_nothing_up, compare_set_up, compare_tear_down),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(models_end_with_the_console_however_it_ends, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(a_model_that_dies_is_loaded_again, compare_set_up, compare_tear_down),
        cmocka_unit_test_setup_teardown(no_more_models_are_loaded_than_four, compare_set_up, compare_tear_down),
    };
    return run_side_by_side(1, bars, sizeof bars / sizeof *bars, NULL, NULL) +
           run_side_by_side(3, tests, sizeof tests / sizeof *tests, NULL, NULL);
}
