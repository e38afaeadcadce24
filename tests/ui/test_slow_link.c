// The console far away: 150 ms and 50 kB/s each way, sixteen live runs at 10 Hz, a person who goes from page to page. How
// long a key takes to be seen, what it costs in bytes, and that the console says that it draws less often.
// ATTUNE_BARS=whole: for twenty minutes, with 100 000 points a metric.
#include "config.h"

#include <math.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ui/fixture.h"
#include "ui/rig.h"

enum { N_LIVE = 16, TRIP_MS = 300, MOST_KEYS = 20000 };

static struct run_writer *writers[N_LIVE];
static struct rig rig;
static int64_t next_step;
static double next_s;
static size_t asked; // bytes of the question that were heard

static bool whole(void)
{
    const char *word = getenv("ATTUNE_BARS");
    return word && strcmp(word, "whole") == 0;
}

static int set_up(void **state)
{
    const int n_points = whole() ? 100000 : 2000;
    project = fixture_live(N_LIVE, n_points, writers);
    next_step = n_points + 1;
    return 0;
}

static int tear_down(void **state)
{
    for (int i = 0; i < N_LIVE; i++)
        run_writer_close(writers[i]);
    assert_ok(file_remove_tree(project, e));
    free(project);
    return 0;
}

// The terminal's side of the console's question how long the way is; its answer goes the same way back.
static void answer(const char *bytes, size_t n)
{
    static const char question[] = "\033[c";
    for (size_t i = 0; i < n; i++) {
        asked = bytes[i] == question[asked] ? asked + 1 : bytes[i] == question[0];
        if (asked == strlen(question)) {
            rig_send(&rig, "\033[?62c");
            asked = 0;
        }
    }
}

static void load(void)
{
    const double now = clock_seconds();
    if (now < next_s)
        return;
    for (int i = 0; i < N_LIVE; i++)
        fixture_step(writers[i], i, next_step);
    next_step++;
    next_s = fmax(next_s + 0.1, now);
}

static void start(void)
{
    char *link = test_build("tests/tools/slow_link"), *attune = test_build("attune"), delay[16];
    snprintf(delay, sizeof delay, "%d", TRIP_MS / 2);
    const char *args[] = {delay, "50000", attune, "--fresh", NULL};
    rig_start(&rig, &(struct rig_options){.project = project, .program = link, .width = 80, .height = 24, .args = args});
    rig.heard = answer;
    free(link);
    free(attune);
}

// Seconds until the screen shows it.
static double seen_after(const char *keys, const char *what)
{
    const double begin = clock_seconds();
    rig_send(&rig, keys);
    while (!rig_shows(&rig, what)) {
        if (clock_seconds() > begin + 30 || rig.has_ended) {
            struct str shown = {0};
            rig_text(&rig, false, &shown);
            fail_msg("after \"%s\" the screen does not show \"%s\":\n%s", keys, what, str_text(&shown));
        }
        load();
        rig_read(&rig, 0.01);
    }
    return clock_seconds() - begin;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Each key and what it brings; all of them together end where they began.
static const struct {
    const char *keys, *what;
} walk[] = {
    {"j", "> o live-15"}, {"j", "> n live-14"}, {"k", "> o live-15"}, {"k", "> p live-16"},
    {"\r", "[2 Curves]"}, {"?", "[Help]"},      {"\033", "[2 Curves]"}, {"]", "EMA 0.9"}, {"[", "EMA 0.8"},
    {"4", "[4 Log]"},     {"v", "warnings and errors"}, {"v", "own output"}, {"v", "all events"},
    {"3", "[3 Samples]"}, {"5", "[5 Compare]"}, {"6", "[6 Label]"}, {"7", "[7 Data]"},
    {"1", "[1 Runs]"},    {":", "Tab complete"}, {"\033", "q quit"},
};
enum { N_WALK = sizeof walk / sizeof *walk };

static void a_key_is_seen_soon_over_a_slow_link(void **state)
{
    static double seconds[MOST_KEYS];
    const double length = whole() ? 1200 : 12;
    int n = 0, n_said = 0, worst = 0;
    start();
    seen_after("", "> p live-16");
    for (double end = clock_seconds() + 8; clock_seconds() < end && !rig_shows(&rig, "slow link");) {
        load();
        rig_read(&rig, 0.05);
    }
    const double begin = clock_seconds();
    const size_t bytes = rig.bytes;
    while ((clock_seconds() < begin + length || n % N_WALK) && n < MOST_KEYS) {
        seconds[n] = seen_after(walk[n % N_WALK].keys, walk[n % N_WALK].what);
        worst = seconds[n] > seconds[worst] ? n : worst;
        n_said += rig_shows(&rig, "slow link");
        n++;
        for (double until = clock_seconds() + (whole() ? 0.7 : 0.1); clock_seconds() < until;) { // a person looks
            load();
            rig_read(&rig, 0.01);
        }
    }
    const double lasted = clock_seconds() - begin, most = seconds[worst];
    const char *slowest = walk[worst % N_WALK].what;
    rig_send(&rig, "\003\003");
    assert_int_equal(rig_end(&rig), 0);
    qsort(seconds, (size_t)n, sizeof *seconds, compare);
    print_message(
        "          150 ms and 50 kB/s each way, 80x24, %d keys in %.0f s: seen after %.0f ms at the median, %.0f at p99, "
        "%.0f at most (\"%s\"), of which %d are the way; %.0f B/s; a slow link was said at %d of them\n",
        n, lasted, seconds[n / 2] * 1e3, seconds[n * 99 / 100] * 1e3, most * 1e3, slowest, TRIP_MS,
        (double)(rig.bytes - bytes) / lasted, n_said);
    assert_true(n_said > n / 2);
    assert_true(seconds[n / 2] < 0.001 * TRIP_MS + 3 * 0.1); // three times, for busy machines
    assert_true((double)(rig.bytes - bytes) / lasted < 5000); // a tenth of the link: no queue grows
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_seen_soon_over_a_slow_link),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
