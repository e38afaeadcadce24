// The clock is set, back and forth, while the console is open (Q21): it goes on, says nothing that cannot be, and keeps what
// people do in the order in which they did it.
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "store/labels.h"
#include "ui/fixture.h"
#include "ui/rig.h"
#include "ui/side_by_side.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static struct run_writer *writers[2]; // of a run of this machine, and of one of another
static char *clock_file;
static volatile int64_t *offset;
static int64_t step;

static void set_clock(int64_t seconds)
{
    *offset = seconds - (int64_t)time(NULL);
}

// A run of another machine is known by its heartbeat alone, which is by that machine's clock.
static void beat(struct run_writer *w, const char *host, int64_t seconds)
{
    struct run_status s = {.state = RUN_RUNNING,
                           .step = step,
                           .total_steps = 1000,
                           .tokens_per_s = 5000,
                           .seconds_left = 600,
                           .started_ms = (int64_t)FIXTURE_CLOCK * 1000,
                           .heartbeat_ms = seconds * 1000};
    run_status_self(&s);
    if (host)
        text_copy(s.host, sizeof s.host, host);
    assert_ok(run_writer_status(w, &s, e));
}

static int set_up(void **state)
{
    step = 50;
    project = fixture_live(2, (int)step, writers);
    clock_file = path_join(project, "clock");
    const int fd = open(clock_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && ftruncate(fd, sizeof *offset) == 0);
    void *map = mmap(NULL, sizeof *offset, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    close(fd);
    offset = map;
    set_clock(FIXTURE_CLOCK + 2 * HOUR);
    beat(writers[0], NULL, FIXTURE_CLOCK + 2 * HOUR);
    beat(writers[1], "elsewhere.example", FIXTURE_CLOCK + 2 * HOUR);
    return 0;
}

static int tear_down(void **state)
{
    run_writer_close(writers[0]);
    run_writer_close(writers[1]);
    munmap((void *)offset, sizeof *offset);
    free(clock_file);
    return fixture_tear_down(state);
}

static void begin(struct rig *r, const char *const *args)
{
    rig_start(r, &(struct rig_options){
                     .project = project, .width = 120, .height = 30, .set_clock = clock_file, .args = args});
}

// Seconds of the processor that a process has used.
static double processor_s(pid_t pid)
{
    char path[64], *text = NULL;
    size_t n;
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    assert_ok(file_read(path, 1 << 16, &text, &n, e));
    assert_int_equal(
        sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    free(text);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// The new point of the run of this machine is shown, and the console rests.
static void goes_on(struct rig *r)
{
    char shown[32];
    fixture_step(writers[0], 0, ++step);
    beat(writers[0], NULL, FIXTURE_CLOCK);
    snprintf(shown, sizeof shown, "%lld/", (long long)step);
    rig_wait(r, shown);
    rig_settle(r, 0.5);
    const double from = processor_s(r->pid), until = clock_seconds() + 2;
    const size_t bytes = r->bytes;
    while (clock_seconds() < until)
        rig_read(r, 0.1);
    assert_true(processor_s(r->pid) - from < 0.5);
    assert_true(r->bytes - bytes < 400);
}

// elapsed: seconds since the runs began; below 0: they have not begun yet, so none are shown.
static void expect_sense(struct rig *r, const char *age, int64_t elapsed)
{
    struct str shown = {0};
    long long seconds = -1;
    rig_wait(r, age);
    rig_settle(r, 0.3);
    rig_text(r, false, &shown);
    const char *row = strstr(str_text(&shown), "a live-1"), *total = row ? strstr(row, "/1000") : NULL;
    assert_non_null(total);
    if ((sscanf(total, "/1000 %lld", &seconds) == 1) != (elapsed >= 0) ||
        (elapsed >= 0 && (seconds < elapsed || seconds > elapsed + 120)))
        fail_msg("%lld seconds, not %lld:\n%s", seconds, (long long)elapsed, str_text(&shown));
    assert_null(strstr(str_text(&shown), "dead"));
    str_fini(&shown);
}

struct jump {
    int64_t after; // the runs began
    const char *age;
};

static void jump(const struct jump *jumps, size_t n)
{
    struct rig r;
    begin(&r, NULL);
    rig_wait(&r, "> b live-2");
    rig_command(&r, "columns state,step,elapsed,age");
    expect_sense(&r, "2 h", 2 * HOUR);
    for (size_t i = 0; i < n; i++) {
        set_clock(FIXTURE_CLOCK + jumps[i].after);
        goes_on(&r);
        rig_send(&r, "\014");
        expect_sense(&r, jumps[i].age, jumps[i].after);
        beat(writers[1], "elsewhere.example", FIXTURE_CLOCK + 2 * HOUR + (int64_t)i + 1); // its clock goes on as before
    }
    rig_quit(&r);
}

static void ages_follow_back_beyond_the_beginning_and_forth_again_q21(void **state)
{
    jump((const struct jump[]){{-HOUR, "now"}, {DAY + 2 * HOUR, "26 h"}}, 2);
}

static void ages_follow_forth_and_back_and_nothing_hangs_or_dies_q21(void **state)
{
    jump((const struct jump[]){{HOUR, "1 h"}, {DAY + 2 * HOUR, "26 h"}, {2 * HOUR, "2 h"}}, 3);
}

static void live_curves_go_on_q21(void **state)
{
    struct rig r;
    begin(&r, NULL);
    rig_wait(&r, "> b live-2");
    rig_command(&r, "open live-1");
    rig_wait(&r, "[2 Curves]");
    set_clock(FIXTURE_CLOCK - DAY);
    goes_on(&r);
    rig_quit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_follow_forth_and_back_and_nothing_hangs_or_dies_q21),
        cmocka_unit_test(ages_follow_back_beyond_the_beginning_and_forth_again_q21),
        cmocka_unit_test(live_curves_go_on_q21),
    };
    return run_side_by_side(3, tests, sizeof tests / sizeof *tests, set_up, tear_down);
}
