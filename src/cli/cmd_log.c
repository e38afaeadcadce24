// attune log RUN: its events, or what its engine printed.
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"

static const struct param options[] = {
    {.name = "engine", .type = PARAM_BOOL, .fallback = "no", .help = "Prints the engine's own output (engine.log) instead."},
    {.name = "follow", .type = PARAM_BOOL, .fallback = "no", .help = "Goes on with new events until the run ends."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_log = {
    .name = "log",
    .synopsis = "attune log RUN [--follow] [--engine] [--json]",
    .summary = "Prints what happened in a run.",
    .help = "One line an event: time, step, level, kind, text.",
    .options = options,
    .json = true,
    .run = run,
};

static int print_file(const struct look *l, struct err *e)
{
    char *path = path_join(l->dir, "engine.log"), line[8192];
    FILE *f = fopen(path, "re");
    int code = 0;
    if (!f && errno == ENOENT)
        code = err_set(e, ERR_NOT_FOUND, "run %s has no engine.log: no engine was started", l->info.name);
    else if (!f)
        code = err_errno(e, "cannot read %s", path);
    while (f && fgets(line, sizeof line, f)) {
        struct str shown = {0};
        str_add_visible(&shown, line, strlen(line), true);
        fputs(str_text(&shown), stdout);
        str_fini(&shown);
    }
    if (f)
        fclose(f);
    free(path);
    return code;
}

static int print_new(struct look *l, int64_t *last, json_t *all, struct err *e)
{
    struct run_event *events = NULL;
    char when[64];
    int n = 0, code = l->reader ? run_reader_events(l->reader, *last, &events, &n, e) : 0;
    for (int i = 0; !code && i < n; i++) {
        *last = events[i].id;
        if (all) {
            json_array_append_new(all, json_pack("{s:I, s:I, s:o, s:o, s:o}", "at_ms", (json_int_t)events[i].at_ms, "step",
                                                 (json_int_t)events[i].step, "level",
                                                 look_json_text(events[i].level), "kind",
                                                 look_json_text(events[i].kind), "text", look_json_text(events[i].text)));
            continue;
        }
        if (print_is_plain()) {
            char step[32];
            snprintf(step, sizeof step, "%lld", (long long)events[i].step);
            print_record(stdout, 5, clock_text(when, sizeof when, events[i].at_ms, "%Y-%m-%d %H:%M:%S"), step,
                         events[i].level, events[i].kind, events[i].text);
            continue;
        }
        printf("%s  %6lld  %-5s  %-10s  ", clock_text(when, sizeof when, events[i].at_ms, "%Y-%m-%d %H:%M:%S"),
               (long long)events[i].step, events[i].level, events[i].kind);
        print_visible(stdout, events[i].text, 0);
        putchar('\n');
    }
    run_events_free(events, n);
    fflush(stdout);
    return code;
}

static int print_log(struct look *l, const struct args *a, struct err *e)
{
    int64_t last = 0;
    if (args_json(a)) {
        json_t *all = json_array();
        int code = print_new(l, &last, all, e);
        if (!code)
            look_print_json(json_incref(all));
        json_decref(all);
        return code;
    }
    for (;;) {
        bool over = l->status.state != RUN_QUEUED && !run_state_is_live(l->status.state); // before: nothing is missed
        int code = print_new(l, &last, NULL, e);
        if (code || over || !settings_bool(&a->settings, "follow") || ferror(stdout))
            return code;
        nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
        code = look_refresh(l, e);
        if (code)
            return code;
    }
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct look l = {0};
    int status = 0;
    if (!args_open(&a, &command_log, argc, argv, 1, 1, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = look_open(&l, s, a.words[0], &e);
    if (!code)
        code = settings_bool(&a.settings, "engine") ? print_file(&l, &e) : print_log(&l, &a, &e);
    if (code)
        status = args_fail(&a, &e);
    look_close(&l);
    store_close(s);
    args_close(&a);
    return status;
}
