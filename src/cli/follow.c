#include "config.h"

#include "cli/follow.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/manner.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/print.h"
#include "store/run_best.h"

enum { POLL_MS = 100, PLAIN_SECONDS = 5 };

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void progress_text(struct look *l, struct str *s)
{
    static const char *const titles[LOOK_N_METRICS] = {"loss", "margin", "accuracy", "kl"};
    double values[LOOK_N_METRICS] = {NAN, NAN, NAN, NAN};
    char text[64];
    const struct run_status *st = &l->status;
    str_clear(s);
    str_addf(s, "%s  ", l->info.name);
    if (st->state == RUN_QUEUED || st->state == RUN_STARTING || st->step == 0) {
        str_add(s, st->phase[0] ? st->phase : run_state_name(st->state));
        return;
    }
    if (st->total_steps > 0)
        str_addf(s, "step %lld/%lld", (long long)st->step, (long long)st->total_steps);
    if (text_starts(st->phase, "waiting for you"))
        str_addf(s, "  %s", st->phase);
    else if (st->seconds_left > 0)
        str_addf(s, "  %s left", human_seconds(text, sizeof text, st->seconds_left));
    if (l->reader)
        run_reader_latest(l->reader, look_metrics, LOOK_N_METRICS, values, NULL);
    for (int i = 0; i < LOOK_N_METRICS; i++)
        if (!isnan(values[i]))
            str_addf(s, "  %s %s", titles[i], print_number(text, sizeof text, values[i]));
    if (st->tokens_per_s > 0)
        str_addf(s, "  %s tokens/s", human_count(text, sizeof text, st->tokens_per_s));
    if (st->state == RUN_PAUSED)
        str_add(s, "  paused");
}

static void draw(FILE *out, const struct str *line, bool terminal)
{
    if (!terminal) {
        fprintf(out, "%s\n", str_text(line));
    } else {
        fputc('\r', out);
        print_visible(out, str_text(line), print_width(out) - 1);
        fputs("\033[K", out);
    }
    fflush(out);
}

static void print_warning(FILE *out, const struct run_event *event, bool terminal)
{
    const bool error = strcmp(event->level, "error") == 0;
    struct str text = {0};
    str_add(&text, error ? "error: " : "warning: ");
    if (event->step > 0)
        str_addf(&text, "step %lld: ", (long long)event->step);
    str_add_visible(&text, event->text, strlen(event->text), false);
    if (terminal) {
        fputs("\r\033[K", out); // in the place of the progress line, which is drawn again below
        fputs(print_on(out, error ? PRINT_BAD : PRINT_WARN), out);
        print_wrapped(out, str_text(&text), 0, 2, print_width(out));
        fputs(print_off(out), out);
    } else {
        fprintf(out, "%s\n", str_text(&text));
    }
    fflush(out);
    str_fini(&text);
}

// The warnings and errors after *last that this engine has recorded, not those of an earlier life of the run. The error
// that ended it is left out: that is said by who follows.
static int print_warnings(struct look *l, FILE *out, bool terminal, int64_t *last, bool *printed, struct err *e)
{
    struct run_event *events = NULL;
    int n = 0, code = l->reader ? run_reader_events(l->reader, *last, &events, &n, e) : 0;
    for (int i = 0; !code && i < n; i++) {
        *last = events[i].id;
        if (strcmp(events[i].level, "info") == 0 || strcmp(events[i].kind, "end") == 0 ||
            events[i].at_ms < l->status.started_ms)
            continue;
        print_warning(out, &events[i], terminal);
        *printed = true;
    }
    run_events_free(events, n);
    return code;
}

int follow_run(struct look *l, FILE *out, bool warnings, bool *detached, struct err *e)
{
    const char *term = getenv("TERM");
    bool terminal = isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
    struct sigaction act = {.sa_handler = note_interrupt}, old_int, old_term;
    struct str line = {0}, shown = {0};
    double next = 0;
    int64_t version = -1, last_event = 0;
    int code = 0;
    interrupted = 0;
    sigaction(SIGINT, &act, &old_int);
    sigaction(SIGTERM, &act, &old_term);
    for (;;) {
        int64_t now_version = l->reader ? run_reader_version(l->reader) : -1;
        double now = clock_seconds();
        // The status is read at least once a second: a process may be gone without having written anything.
        if (now_version != version || now >= next || !l->reader) {
            version = now_version;
            code = look_refresh(l, e);
            bool above = false;
            if (!code && warnings)
                code = print_warnings(l, out, terminal, &last_event, &above, e);
            if (code)
                break;
            if (above && terminal)
                str_clear(&shown);
        }
        bool over = l->status.state != RUN_QUEUED && !run_state_is_live(l->status.state);
        if (!manner_is(MANNER_QUIET))
            progress_text(l, &line);
        bool changed = !manner_is(MANNER_QUIET) && strcmp(str_text(&line), str_text(&shown)) != 0;
        if (terminal ? changed : (over && !manner_is(MANNER_QUIET)) || (now >= next && changed)) {
            draw(out, &line, terminal);
            str_clear(&shown);
            str_add(&shown, str_text(&line));
        }
        if (now >= next)
            next = now + (terminal ? 1 : PLAIN_SECONDS);
        if (over || interrupted)
            break;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000L * 1000L}, NULL);
    }
    if (terminal && !manner_is(MANNER_QUIET))
        fputc('\n', out);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    *detached = !code && interrupted && (l->status.state == RUN_QUEUED || run_state_is_live(l->status.state));
    str_fini(&line);
    str_fini(&shown);
    return code;
}

// ---- summary ----

struct change {
    char *key;
    double start, end; // single values, for training metrics means of the first and the last SMOOTH steps
    int n;
};
enum { SMOOTH = 10 };

static double mean_of(const struct metric_point *p, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += p[i].value;
    return n > 0 ? sum / n : NAN;
}

static int read_change(struct run_reader *r, const char *key, struct change *c, struct err *e)
{
    struct metric_point *points = NULL;
    int64_t cursor = 0;
    int n = 0, code = run_reader_points(r, key, &cursor, &points, &n, e);
    if (code)
        return code;
    // Rare ones (evaluation, probes) have their own spacing: single values say more.
    int few = text_starts(key, "eval/") || text_starts(key, "style/") || n < 4 * SMOOTH ? 1 : SMOOTH;
    *c = (struct change){.key = mem_strdup(key), .n = n};
    c->start = n > 0 ? mean_of(points, few) : NAN;
    c->end = n > 0 ? mean_of(points + n - few, few) : NAN;
    free(points);
    return 0;
}

static bool is_machinery(const char *key)
{
    static const char *const names[] = {"lr", "step_s", "tokens_per_s", "grad_norm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return false;
}

static int read_changes(struct look *l, struct change **out, int *n, struct err *e)
{
    char **keys = NULL;
    int n_keys = 0, count = 0;
    *out = NULL;
    *n = 0;
    if (!l->reader)
        return 0;
    int code = run_reader_keys(l->reader, &keys, &n_keys, e);
    if (code)
        return code;
    struct change *changes = mem_alloc((size_t)n_keys + 1, sizeof *changes);
    for (int i = 0; i < n_keys; i++) {
        if (!code && !is_machinery(keys[i]) && (code = read_change(l->reader, keys[i], &changes[count], e)) == 0)
            count++;
        free(keys[i]);
    }
    free(keys);
    *out = changes;
    *n = count;
    return code;
}

static void free_changes(struct change *changes, int n)
{
    for (int i = 0; i < n; i++)
        free(changes[i].key);
    free(changes);
}

static char *last_checkpoint(struct look *l)
{
    struct run_checkpoint *list = NULL;
    char *path = NULL;
    int n = 0;
    if (l->reader && run_reader_checkpoints(l->reader, &list, &n, NULL) == 0 && n > 0) {
        struct str s = {0};
        str_addf(&s, "%s/%s", l->dir, list[n - 1].path);
        path = str_take(&s);
    }
    run_checkpoints_free(list, n);
    return path;
}

int follow_summary(struct look *l, FILE *out, struct err *e)
{
    struct change *changes = NULL;
    int n = 0, code = read_changes(l, &changes, &n, e);
    if (!code && n > 0) {
        struct print_table table;
        char text[64];
        static const char *const titles[] = {"METRIC", "START", "END"};
        print_table_init(&table, "lrr");
        for (int i = 0; i < 3; i++)
            print_table_cell(&table, PRINT_DIM, "%s", titles[i]);
        for (int i = 0; i < n; i++) {
            print_table_cell(&table, -1, "%s", changes[i].key);
            print_table_cell(&table, -1, "%s", print_number(text, sizeof text, changes[i].start));
            print_table_cell(&table, PRINT_BOLD, "%s", print_number(text, sizeof text, changes[i].end));
        }
        fputc('\n', out);
        print_table_end(&table, out, print_width(out));
    }
    free_changes(changes, n);
    char took[64], speed[64], *checkpoint = last_checkpoint(l);
    const struct run_status *s = &l->status;
    fputc('\n', out);
    if (s->ended_ms > s->started_ms && s->started_ms > 0) {
        fprintf(out, "%lld %s in %s", (long long)s->step, text_plural(s->step, "step", "steps"),
                human_seconds(took, sizeof took, (double)(s->ended_ms - s->started_ms) / 1000));
        if (s->tokens_per_s > 0)
            fprintf(out, ", %s tokens/s", human_count(speed, sizeof speed, s->tokens_per_s));
        fputc('\n', out);
    }
    if (s->state == RUN_DONE && s->message[0])
        fprintf(out, "%s%s\n", run_info_is_experiment(&l->info) ? "" : "Ended early: ", s->message);
    if (checkpoint)
        fprintf(out, "Tuned model: %s\n", checkpoint);
    struct run_best best;
    if (run_best_read(l->dir, &best, NULL) == 0)
        fprintf(out, "Best by %s: step %lld (%s); \"attune export %s@best OUT\" writes it\n", best.metric,
                (long long)best.step, print_number(took, sizeof took, best.value), l->info.name);
    free(checkpoint);
    return code;
}

json_t *follow_summary_json(struct look *l, struct err *e)
{
    struct change *changes = NULL;
    int n = 0;
    if (read_changes(l, &changes, &n, e)) {
        free_changes(changes, n);
        return NULL;
    }
    json_t *o = look_to_json(l, NULL, NULL, 0), *metrics = json_object_get(o, "metrics");
    for (int i = 0; i < n; i++) {
        json_t *pair = json_object();
        json_object_set_new(pair, "start", look_json_number(changes[i].start));
        json_object_set_new(pair, "end", look_json_number(changes[i].end));
        json_object_set_new(pair, "points", json_integer(changes[i].n));
        json_object_set_new(metrics, changes[i].key, pair);
    }
    char *checkpoint = last_checkpoint(l);
    json_object_set_new(o, "checkpoint", checkpoint ? look_json_text(checkpoint) : json_null());
    json_object_set_new(o, "best", look_best_json(l));
    free(checkpoint);
    free_changes(changes, n);
    return o;
}

int follow_to_end(struct look *l, bool json, struct err *e)
{
    FILE *out = json ? stderr : stdout;
    bool detached = false;
    const char *name = l->info.name;
    int code = follow_run(l, out, true, &detached, e);
    if (code)
        return code;
    if (detached)
        return err_set(e, ERR_INTERRUPTED,
                       "not waiting any more; run %s goes on. \"attune show %s\" looks at it, \"attune stop %s\" stops "
                       "it", name,
                       name, name);
    const struct run_status *s = &l->status;
    if (json) {
        json_t *summary = follow_summary_json(l, e);
        if (!summary)
            return e ? e->code : ERR_FAIL;
        look_print_json(summary);
    } else if (s->state == RUN_DONE || s->state == RUN_STOPPED) {
        code = follow_summary(l, out, e);
    }
    if (code)
        return code;
    if (s->state == RUN_DONE)
        return 0;
    if (s->state == RUN_STOPPED)
        return err_set(e, ERR_INTERRUPTED, "run %s was stopped at step %lld; \"attune resume %s\" continues it", name,
                       (long long)s->step, name);
    if (s->state == RUN_DEAD)
        return err_set(e, ERR_FAIL,
                       "the engine of run %s is gone without a word at step %lld; \"attune resume %s\" continues it",
                       name, (long long)s->step, name);
    return err_set(e, s->failure, "run %s failed at step %lld: %s", name, (long long)s->step, s->message);
}
