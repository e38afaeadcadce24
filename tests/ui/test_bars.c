// The console's bars (key latency, silence when idle, bytes a second, a storm of sizes), measured on the real program in
// a pseudo-terminal. Limits of time are three times the bar, so that a busy machine does not fail them; the figures are
// printed. Limits of bytes are the bars themselves.
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ui/fixture.h"
#include "store/run_edits.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

enum { N_LIVE = 16, N_POINTS = 2000 };

static struct run_writer *writers[N_LIVE];
static int64_t next_step = N_POINTS + 1;

static int set_up(void **state)
{
    project = fixture_live(N_LIVE, N_POINTS, writers);
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

// ATTUNE_BARS=whole: as long as the bars say, for measurements; the suite takes a part of it.
static bool whole(void)
{
    const char *word = getenv("ATTUNE_BARS");
    return word && strcmp(word, "whole") == 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// One more point of three metrics for each of the 16 runs; call it 10 times a second.
static void step_all(void)
{
    for (int i = 0; i < N_LIVE; i++)
        fixture_step(writers[i], i, next_step);
    next_step++;
}

struct load {
    double next_s;
    double period_s; // 0: no load
};

static void load(struct load *l)
{
    double now = clock_seconds();
    if (l->period_s <= 0 || now < l->next_s)
        return;
    step_all();
    l->next_s = fmax(l->next_s + l->period_s, now);
}

// Seconds from a key to the first byte of its frame. Bytes that data caused are read away first.
static double key_latency(struct rig *r, const char *key)
{
    rig_settle(r, 0);
    double begin = clock_seconds();
    rig_send(r, key);
    if (!rig_read(r, 5)) {
        struct str shown = {0};
        rig_text(r, false, &shown);
        fail_msg("no answer to %s:\n%s", key, str_text(&shown));
    }
    double seconds = clock_seconds() - begin;
    rig_settle(r, 0.003); // the rest of the frame, which a pseudo-terminal may hand over in pieces
    return seconds;
}

static void measure_keys(const char *name, double period_s, int n_keys, double bar_ms)
{
    struct rig r;
    struct load l = {clock_seconds(), period_s};
    double *seconds = mem_alloc((size_t)n_keys, sizeof *seconds);
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "> p live-16");
    for (int i = 0; i < n_keys; i++) {
        load(&l);
        seconds[i] = key_latency(&r, i / 10 % 2 ? "k" : "j");
    }
    rig_quit(&r);
    qsort(seconds, (size_t)n_keys, sizeof *seconds, compare);
    double p99 = seconds[n_keys * 99 / 100] * 1000;
    print_message("          %s: key to first byte median %.2f ms, p99 %.2f ms, bar %.0f ms\n", name,
                  seconds[n_keys / 2] * 1000, p99, bar_ms);
    assert_true(p99 <= 3 * bar_ms);
    free(seconds);
}

static void keys_are_answered_at_once_when_idle_q1(void **state)
{
    measure_keys("idle", 0, 400, 8);
}

static void keys_are_answered_at_once_under_load_q1(void **state)
{
    measure_keys("16 live runs at 10 Hz", 0.1, 400, 16);
}

static long voluntary_switches(pid_t pid)
{
    char path[64], line[256];
    long n = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "voluntary_ctxt_switches: %ld", &n);
    if (f)
        fclose(f);
    return n;
}

// Of the processors, by user and system.
static double cpu_seconds(pid_t pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f) {
        if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
            user = system = 0;
        fclose(f);
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// Nothing happens: nothing is written, and the program wakes once a second at most. The runs are stopped for it.
static void an_idle_console_is_silent_q3(void **state)
{
    const int SECONDS = whole() ? 60 : 3;
    struct rig r;
    char *still = fixture_project(50);
    struct store *s;
    assert_ok(store_open(&s, still, false, e));
    assert_ok(store_edit(s, &(struct run_edit){"dpo-wide-beta", ATTRIBUTE_ARCHIVED, "1"}, 1, e));
    assert_ok(store_edit(s, &(struct run_edit){"dpo-2", ATTRIBUTE_ARCHIVED, "1"}, 1, e));
    store_close(s);
    rig_start(&r, &(struct rig_options){.project = still, .width = 80, .height = 24});
    rig_wait(&r, "> g dpo-next");
    rig_settle(&r, 1.2);
    size_t bytes = r.bytes;
    long switches = voluntary_switches(r.pid);
    double used = cpu_seconds(r.pid), end = clock_seconds() + SECONDS;
    while (clock_seconds() < end)
        rig_read(&r, end - clock_seconds());
    bytes = r.bytes - bytes;
    switches = voluntary_switches(r.pid) - switches;
    used = cpu_seconds(r.pid) - used;
    print_message("          idle for %d s: %zu bytes, %ld wakeups, %.2f %% of a processor\n", SECONDS, bytes, switches,
                  100 * used / SECONDS);
    rig_quit(&r);
    assert_int_equal(bytes, 0);
    assert_true(switches <= SECONDS + 1);
    if (whole()) // a tick of the clock that it is counted in is 10 ms
        assert_true(used / SECONDS <= 0.001);
    assert_ok(file_remove_tree(still, e));
    free(still);
}

// One console under load: what it shows, and the bytes that it may write in a second.
struct measured {
    const char *page, *keys;
    int width, height;
    double bar;
    struct rig r;
    size_t bytes, before; // when its time began; before the last frame
    double begin_s, rate; // rate 0: its time is not over
    bool begun;
};

// Frames of a slow console are measured whole, with their pauses: from the end of one to the beginning of another.
static void measure(struct measured *m, bool slow, bool came, double seconds)
{
    const double now = clock_seconds();
    if (!m->begun && m->before != m->bytes && !came) {
        m->begun = true;
        m->bytes = m->before;
        m->begin_s = now;
    }
    if (m->rate > 0 || !m->begun || now < m->begin_s + seconds || (slow && !came))
        return;
    m->rate = (double)((slow ? m->before : m->r.bytes) - m->bytes) / (now - m->begin_s);
    print_message("          16 live runs at 10 Hz%s, %s, %dx%d: %.0f B/s, bar %.0f\n", slow ? ", --slow" : "", m->page,
                  m->width, m->height, m->rate, m->bar);
    if (!(m->rate > 0 && m->rate <= m->bar))
        fail_msg("%.0f B/s", m->rate);
}

// Reads what all write for 20 ms in all. Returns how many are not yet measured.
static int turn(struct measured *all, int n, bool slow, double seconds)
{
    int n_left = 0;
    for (int i = 0; i < n; i++)
        all[i].before = all[i].r.bytes;
    for (int i = 0; i < n; i++)
        rig_read(&all[i].r, 0.02 / n);
    for (int i = 0; i < n && seconds > 0; i++) {
        measure(&all[i], slow, all[i].r.bytes != all[i].before, seconds);
        n_left += all[i].rate <= 0;
    }
    return n_left;
}

// All consoles see the same runs at the same time.
static void measure_bytes(struct measured *all, int n, bool slow)
{
    const double seconds = whole() ? 30 : slow ? 10 : 2;
    struct load l = {clock_seconds(), 0.1};
    for (int i = 0; i < n; i++) {
        struct measured *m = &all[i];
        rig_start(&m->r, &(struct rig_options){.project = project, .width = m->width, .height = m->height, .slow = slow});
        rig_wait(&m->r, "live-16");
        rig_send(&m->r, m->keys);
        rig_wait(&m->r, m->page);
    }
    for (double end = clock_seconds() + 0.7; clock_seconds() < end;) { // what is there already is drawn
        load(&l);
        turn(all, n, slow, 0);
    }
    for (int i = 0; i < n; i++) {
        all[i].bytes = all[i].r.bytes;
        all[i].begin_s = clock_seconds();
        all[i].begun = !slow;
    }
    do
        load(&l);
    while (turn(all, n, slow, seconds) > 0);
    for (int i = 0; i < n; i++)
        rig_quit(&all[i].r);
}

static void live_runs_stay_within_the_byte_budget_q4(void **state)
{
    struct measured all[] = {{.page = "[1 Runs]", .keys = "", .width = 80, .height = 24, .bar = 2500},
                             {.page = "[1 Runs]", .keys = "", .width = 200, .height = 50, .bar = 8000},
                             {.page = "[2 Curves]", .keys = "\r", .width = 80, .height = 24, .bar = 2500},
                             {.page = "[2 Curves]", .keys = "\r", .width = 200, .height = 50, .bar = 8000}};
    measure_bytes(all, 4, false);
}

static void slow_asks_for_few_bytes_q5(void **state)
{
    struct measured all[] = {{.page = "[1 Runs]", .keys = "", .width = 80, .height = 24, .bar = 500},
                             {.page = "[1 Runs]", .keys = "", .width = 200, .height = 50, .bar = 500},
                             {.page = "[2 Curves]", .keys = "\r", .width = 80, .height = 24, .bar = 500}};
    measure_bytes(all, 3, true);
}

static void moving_the_cursor_costs_few_bytes_q6(void **state)
{
    struct rig r;
    size_t most = 0;
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24, .background = "dark"});
    rig_wait(&r, "> p live-16");
    rig_settle(&r, 1.2);
    for (int i = 0; i < 100 * (whole() ? 5 : 1); i++) {
        size_t before = r.bytes;
        rig_send(&r, i / 12 % 2 ? "k" : "j");
        for (int t = 0; t < 60 && r.bytes == before; t++) // a late answer must not count with the next one
            rig_settle(&r, 0.015);
        if (r.bytes - before > most)
            most = r.bytes - before;
    }
    rig_quit(&r);
    print_message("          cursor move: at most %zu bytes, bar 300\n", most);
    assert_true(most <= 300);
}

// After a storm of sizes from 1 x 1 to 300 x 100 the picture is that of a fresh start.
static void a_storm_of_sizes_ends_as_a_fresh_start_q11(void **state)
{
    struct rig r, fresh;
    struct str after = {0}, want = {0};
    struct rng random = rng_make(11, RNG_TEST, 0);
    rig_start(&r, &(struct rig_options){.project = project, .width = 80, .height = 24});
    rig_wait(&r, "> p live-16");
    rig_send(&r, "\r");
    rig_wait(&r, "[2 Curves]");
    for (int i = 0; i < 1000; i++) { // the sanitizer build runs the same
        rig_resize(&r, 1 + (int)rng_below(&random, 300), 1 + (int)rng_below(&random, 100));
        if (i % 25 == 0)
            rig_send(&r, i % 50 ? "1" : "2");
        rig_read(&r, i % 10 ? 0 : 0.002);
    }
    rig_resize(&r, 120, 40);
    rig_send(&r, "1");
    rig_wait(&r, "[1 Runs]");
    double begin = clock_seconds();
    rig_resize(&r, 100, 30);
    rig_start(&fresh, &(struct rig_options){.project = project, .width = 100, .height = 30});
    rig_wait(&fresh, "> p live-16");
    rig_settle(&fresh, 0.3);
    rig_text(&fresh, true, &want);
    do {
        rig_read(&r, 0.05);
        rig_text(&r, true, &after);
    } while (strcmp(str_text(&after), str_text(&want)) != 0 && clock_seconds() < begin + 5);
    rig_quit(&fresh);
    rig_quit(&r);
    if (strcmp(str_text(&after), str_text(&want)) != 0)
        fail_msg("after the storm:\n%s\nfresh:\n%s", str_text(&after), str_text(&want));
    str_fini(&after);
    str_fini(&want);
}

int main(void)
{
    const struct CMUnitTest times[] = {
        // one after the other: nothing else is to take the processor
        cmocka_unit_test(keys_are_answered_at_once_when_idle_q1),
        cmocka_unit_test(moving_the_cursor_costs_few_bytes_q6),
        cmocka_unit_test(keys_are_answered_at_once_under_load_q1),
    };
    const struct CMUnitTest bytes[] = {
        cmocka_unit_test(slow_asks_for_few_bytes_q5),
        cmocka_unit_test(live_runs_stay_within_the_byte_budget_q4),
        cmocka_unit_test(a_storm_of_sizes_ends_as_a_fresh_start_q11),
        cmocka_unit_test(an_idle_console_is_silent_q3),
    };
    return cmocka_run_group_tests(times, set_up, tear_down) +
           run_side_by_side(whole() ? 1 : 4, bytes, sizeof bytes / sizeof *bytes, set_up, tear_down);
}
