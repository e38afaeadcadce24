// The console's bars as they are stated, measured on the real program in a pseudo-terminal: a table for docs/benchmarks.md.
// `make bench-ui`, some minutes. What fails here is only told; tests/ui/test_bars.c is what fails the suite.
#include "config.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ui/fixture.h"
#include "ui/rig.h"

enum { MAX_RUNS = 1000, LONG_POINTS = 100000 };

static struct run_writer *writers[MAX_RUNS];
static int64_t next_step;

struct live {
    char *dir;
    int n;
    double next_s;
};

static struct live make_live(int n, int n_points)
{
    const struct live l = {fixture_live(n, n_points, writers), n, 0};
    next_step = n_points + 1;
    return l;
}

static void end_live(struct live *l)
{
    for (int i = 0; i < l->n; i++)
        run_writer_close(writers[i]);
    assert_ok(file_remove_tree(l->dir, e));
    free(l->dir);
}

// One more point of three metrics for each run, 10 times a second.
static void step_live(struct live *l)
{
    const double now = clock_seconds();
    if (now < l->next_s)
        return;
    for (int i = 0; i < l->n; i++)
        fixture_step(writers[i], i, next_step);
    next_step++;
    l->next_s = fmax(l->next_s + 0.1, now);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row(const char *bar, const char *what, const char *stated, double got, const char *unit, bool well)
{
    printf("| %s | %s | %s | %.*f %s%s |\n", bar, what, stated, got < 10 ? 2 : got < 100 ? 1 : 0, got, unit,
           well ? "" : " **over**");
    fflush(stdout);
}

static void quit(struct rig *r)
{
    rig_send(r, "\003\003");
    rig_end(r);
}

// What a program had of the processors, which others at work beside it change less than they do the time that passes.
static double cpu_seconds(pid_t pid)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(pid, &clock) == 0)
        clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// From keys to what they bring.
enum { KEYS_MOST = 2000 };
struct keys {
    int n;
    double wall_s[KEYS_MOST], cpu_s[KEYS_MOST];
    double begin_s, begin_cpu_s;
    double last_s, last_cpu_s;
};

static void key_begins(struct keys *k, const struct rig *r)
{
    k->begin_cpu_s = cpu_seconds(r->pid);
    k->begin_s = clock_seconds();
}

static void key_brings(struct keys *k, const struct rig *r)
{
    k->last_s = clock_seconds();
    k->last_cpu_s = cpu_seconds(r->pid);
}

static void key_ends(struct keys *k)
{
    k->wall_s[k->n] = k->last_s - k->begin_s;
    k->cpu_s[k->n++] = k->last_cpu_s - k->begin_cpu_s;
}

static void key_rows(struct keys *k, const char *bar, const char *what, const char *stated, double bar_ms)
{
    char text[200];
    for (int i = 0; i < 2; i++) {
        double *s = i ? k->cpu_s : k->wall_s;
        qsort(s, (size_t)k->n, sizeof *s, compare);
        const double p99 = s[k->n * 99 / 100] * 1000;
        snprintf(text, sizeof text, "%s: median", i ? "the console's processor meanwhile" : what);
        row(bar, text, "", s[k->n / 2] * 1000, "ms", true);
        row(bar, "p99", i ? "" : stated, p99, "ms", i || p99 <= bar_ms);
    }
}

static void measure_keys(struct live *l, bool loaded, double bar_ms)
{
    static struct keys k;
    struct rig r;
    k = (struct keys){0};
    rig_start(&r, &(struct rig_options){.project = l->dir, .width = 80, .height = 24});
    rig_wait(&r, "> p live-16");
    while (k.n < KEYS_MOST) {
        if (loaded)
            step_live(l);
        rig_settle(&r, 0);
        key_begins(&k, &r);
        rig_send(&r, k.n / 10 % 2 ? "k" : "j");
        rig_read(&r, 5);
        key_brings(&k, &r);
        key_ends(&k);
        rig_settle(&r, 0.003);
    }
    quit(&r);
    key_rows(&k, "Q1", loaded ? "key to first byte, 16 live runs at 10 Hz" : "key to first byte, idle",
             loaded ? "16 ms" : "8 ms", bar_ms);
}

static void measure_rate(struct live *l, const char *keys, const char *page, int width, int height, double bar)
{
    enum { SECONDS = 20 };
    struct rig r;
    char text[120], stated[40];
    rig_start(&r, &(struct rig_options){.project = l->dir, .width = width, .height = height});
    rig_wait(&r, "live-16");
    rig_send(&r, keys);
    rig_wait(&r, page);
    size_t bytes = 0;
    double begin = clock_seconds(), from = begin + 1;
    while (clock_seconds() < from + SECONDS) {
        if (clock_seconds() < from)
            bytes = r.bytes;
        step_live(l);
        rig_read(&r, 0.02);
    }
    const double rate = (double)(r.bytes - bytes) / (clock_seconds() - from);
    quit(&r);
    snprintf(text, sizeof text, "16 live runs at 10 Hz, %s, %dx%d, for %d s", page, width, height, SECONDS);
    snprintf(stated, sizeof stated, "%.0f B/s", bar);
    row("Q4", text, stated, rate, "B/s", rate <= bar);
}

static void measure_start(int n_runs, int n_points, double bar_ms)
{
    struct live l = make_live(n_runs, n_points);
    struct rig r;
    char last[40], text[120], stated[40];
    double first = 0;
    snprintf(last, sizeof last, "live-%d ", n_runs);
    const double begin = clock_seconds();
    rig_start(&r, &(struct rig_options){.project = l.dir, .width = 80, .height = 24});
    while (!rig_shows(&r, last) || rig_shows(&r, "reading")) {
        if (clock_seconds() > begin + 60)
            break;
        rig_read(&r, 0.05);
        if (!first && rig_shows(&r, "attune"))
            first = clock_seconds() - begin;
    }
    const double usable = clock_seconds() - begin, cpu = cpu_seconds(r.pid) * 1000;
    quit(&r);
    if (n_runs == 16)
        row("Q7", "start to the first frame, 16 runs", "50 ms", first * 1000, "ms", first <= 0.050);
    snprintf(text, sizeof text, "start to a list that is read, %d runs", n_runs);
    snprintf(stated, sizeof stated, "%.0f ms", bar_ms);
    row("Q7", text, bar_ms ? stated : "", usable * 1000, "ms", !bar_ms || usable * 1000 <= bar_ms);
    row("Q7", "the same, time of its processor", "", cpu, "ms", true);
    end_live(&l);
}

static double resident_mb(pid_t pid)
{
    char path[64], line[128];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "VmRSS: %ld", &kb);
    if (f)
        fclose(f);
    return (double)kb / 1024;
}

// Three metrics more, so that there are six.
static void add_metrics(int n, int n_points)
{
    static const char *const keys[] = {"grad_norm", "completions/mean_length", "lr"};
    for (int i = 0; i < n; i++) {
        assert_ok(run_writer_begin(writers[i], e));
        for (int step = 1; step <= n_points; step++)
            for (int m = 0; m < 3; m++)
                assert_ok(run_writer_metric(writers[i], keys[m], step, 1 + sin(step * 1.3 + i + m), e));
        assert_ok(run_writer_commit(writers[i], e));
    }
}

// 16 runs of 100 000 points over one another: the key that makes most work, and what it takes of memory.
static void measure_long_runs(void)
{
    enum { KEYS = 100 };
    static struct keys k;
    struct live l = make_live(16, LONG_POINTS);
    struct rig r;
    add_metrics(16, LONG_POINTS);
    rig_start(&r, &(struct rig_options){.project = l.dir, .width = 200, .height = 50});
    rig_wait(&r, "> p live-16");
    for (int i = 0; i < 16; i++)
        rig_send(&r, " ");
    rig_send(&r, "g\r");
    rig_wait(&r, "[2 Curves]");
    rig_settle(&r, 3);
    while (k.n < KEYS) {
        rig_settle(&r, 0.05);
        key_begins(&k, &r);
        rig_send(&r, k.n / 3 % 2 ? "[" : "]");
        for (double wait = 2; rig_read(&r, wait); wait = 0.06)
            key_brings(&k, &r);
        key_ends(&k);
    }
    const double mb = resident_mb(r.pid);
    quit(&r);
    key_rows(&k, "Q2", "smoothing changed to the last byte of it, 16 x 100 000 points, 200x50", "33 ms", 33);
    row("Q10", "resident memory then, 6 metrics", "64 MB", mb, "MB", mb <= 64);
    end_live(&l);
}

// ATTUNE_BENCH=live, start or long: only that part.
static bool is_asked(const char *part)
{
    const char *word = getenv("ATTUNE_BENCH");
    return !word || strcmp(word, part) == 0;
}

int main(void)
{
    puts("| bar | what | stated | measured |\n|---|---|---|---|");
    if (is_asked("live")) {
        struct live l = make_live(16, 2000);
        measure_keys(&l, false, 8);
        measure_keys(&l, true, 16);
        measure_rate(&l, "", "[1 Runs]", 80, 24, 2500);
        measure_rate(&l, "", "[1 Runs]", 200, 50, 8000);
        measure_rate(&l, "\r", "[2 Curves]", 80, 24, 2500);
        measure_rate(&l, "\r", "[2 Curves]", 200, 50, 8000);
        end_live(&l);
    }
    if (is_asked("start")) {
        measure_start(16, 2000, 0);
        measure_start(100, 200, 300);
        measure_start(1000, 20, 1000);
    }
    if (is_asked("long"))
        measure_long_runs();
    return 0;
}
