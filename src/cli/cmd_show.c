// attune show RUN: all about one run.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/eval_print.h"
#include "cli/look.h"
#include "cli/show_plot.h"
#include "cli/print.h"
#include "store/eval_file.h"
#include "store/labels.h"
#include "store/run_best.h"

static const struct param options[] = {
    {.name = "metrics", .type = PARAM_TEXT, .fallback = "",
     .help = "Prints step and value of every point of this metric instead; \"all\" lists the metrics. With --plot: what is "
             "drawn, metrics or titles of the console's charts, separated by commas."},
    {.name = "samples", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 10000,
     .help = "Prints so many of the newest samples as well."},
    {.name = "plot", .type = PARAM_BOOL, .fallback = "no",
     .help = "Draws the curves instead, as text: also of several runs, also into a pipe."},
    {.name = "size", .type = PARAM_TEXT, .fallback = "",
     .help = "Columns and lines of what --plot draws; else the terminal's width, or 80x24."},
    {.name = "ascii", .type = PARAM_BOOL, .fallback = "no", .help = "Draws with plain characters."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_show = {
    .name = "show",
    .synopsis = "attune show RUN [--metrics KEY] [--json]\n"
                "       attune show RUN... --plot [--metrics A,B] [--size 80x24] [--ascii]",
    .summary = "Shows a run: settings, newest numbers, events, checkpoints and their evaluations.",
    .help = "  attune show dpo-1 --metrics rewards/margins > margins.tsv\n"
            "  attune show dpo-1 --plot\n"
            "  attune show dpo-1 dpo-2 --plot --metrics loss,kl --smooth 0.9 | less",
    .options = options,
    .json = true,
    .run = run,
    .more_options = plots_options,
};

static void free_keys(char **keys, int n)
{
    for (int i = 0; i < n; i++)
        free(keys[i]);
    free(keys);
}

static int print_points(struct look *l, const char *key, bool json, struct err *e)
{
    struct metric_point *points = NULL;
    int64_t cursor = 0;
    int n = 0, code = run_reader_points(l->reader, key, &cursor, &points, &n, e);
    if (code)
        return code;
    if (n == 0) {
        free(points);
        return err_set(e, ERR_NOT_FOUND, "run %s has no metric \"%s\"; \"--metrics all\" lists them", l->info.name, key);
    }
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        if (json)
            json_array_append_new(list, json_pack("[I, o]", (json_int_t)points[i].step, look_json_number(points[i].value)));
        else
            printf("%lld\t%.9g\n", (long long)points[i].step, points[i].value);
    if (json)
        look_print_json(json_pack("{s:o, s:O}", "key", look_json_text(key), "points", list));
    json_decref(list);
    free(points);
    return 0;
}

static int print_keys(struct look *l, bool json, struct err *e)
{
    char **keys = NULL;
    int n = 0, code = run_reader_keys(l->reader, &keys, &n, e);
    if (code)
        return code;
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        if (json)
            json_array_append_new(list, look_json_text(keys[i]));
        else
            printf("%s\n", keys[i]);
    if (json)
        look_print_json(json_incref(list));
    json_decref(list);
    free_keys(keys, n);
    return 0;
}

static void heading(const char *text)
{
    printf("\n%s%s%s\n", print_on(stdout, PRINT_BOLD), text, print_off(stdout));
}

static void print_head(const struct look *l, int n_waiting)
{
    char text[64];
    const struct run_status *s = &l->status;
    printf("%s%s%s  %s  %s", print_on(stdout, PRINT_BOLD), l->info.name, print_off(stdout), l->info.objective,
           run_state_name(s->state));
    if (s->total_steps > 0)
        printf("  step %lld/%lld", (long long)s->step, (long long)s->total_steps);
    if (run_state_is_live(s->state) && s->seconds_left > 0)
        printf("  %s left", human_seconds(text, sizeof text, s->seconds_left));
    putchar('\n');
    if (n_waiting)
        printf("  waiting for you: %d %s (attune label list %s)\n", n_waiting, text_plural(n_waiting, "pair", "pairs"),
               l->info.name);
    if (l->info.parent_name)
        printf("  %-9sstep %lld of %s\n", "forked", (long long)l->info.parent_step, l->info.parent_name);
    const bool said = !run_state_is_live(s->state) || (n_waiting && text_starts(s->phase, "waiting for you"));
    const char *lines[][2] = {{"note", l->info.note}, {"phase", said ? "" : s->phase},
                              {"message", s->message}, {"model", l->info.model}, {"data", l->info.data}, {"folder", l->dir}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (*lines[i][1]) {
            printf("  %-9s", lines[i][0]);
            print_visible(stdout, lines[i][1], 0);
            putchar('\n');
        }
    printf("  %-9s%s\n", "created", print_time(text, sizeof text, l->info.created_ms));
    if (s->ended_ms > 0)
        printf("  %-9s%s\n", "ended", print_time(text, sizeof text, s->ended_ms));
}

// *out: the settings as they are now, with what was changed while the run ran.
static int settings_now(struct store *s, const struct look *l, json_t **out, struct err *e)
{
    int64_t last = 0;
    *out = json_copy(l->info.settings);
    return store_changed_settings(s, l->info.name, &last, l->status.control_id, *out, e);
}

static void print_value(const json_t *value)
{
    char *text = json_is_string(value) ? mem_strdup(json_string_value(value))
                 : json_is_real(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    char number[64];
    if (!text)
        snprintf(number, sizeof number, "%.9g", json_real_value(value));
    print_visible(stdout, text ? text : number, 0);
    free(text);
}

static void print_settings(const struct look *l, json_t *now)
{
    const char *name;
    json_t *value;
    heading("Settings");
    json_object_foreach(now, name, value) {
        const json_t *before = json_object_get(l->info.settings, name);
        if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0) ||
            json_is_object(value) || strcmp(name, "model") == 0 || strcmp(name, "data") == 0)
            continue;
        printf("  %-20s ", name);
        print_value(value);
        if (before && !json_equal(before, value)) {
            fputs(" (started with ", stdout);
            print_value(before);
            putchar(')');
        }
        putchar('\n');
    }
}

static void print_metrics(char **keys, const double *values, int n)
{
    struct print_table t;
    char text[64];
    heading("Newest numbers");
    print_table_init(&t, "lr");
    for (int i = 0; i < n; i++) {
        print_table_cell(&t, -1, "  %s", keys[i]);
        print_table_cell(&t, -1, "%s", print_number(text, sizeof text, values[i]));
    }
    print_table_end(&t, stdout, print_width(stdout));
}

static void print_events(const struct run_event *events, int n)
{
    char text[64];
    heading("Events");
    for (int i = 0; i < n; i++) {
        int style = strcmp(events[i].level, "error") == 0  ? PRINT_BAD
                    : strcmp(events[i].level, "warn") == 0 ? PRINT_WARN
                                                           : -1;
        int at = printf("  %s  %6lld  ", print_time(text, sizeof text, events[i].at_ms), (long long)events[i].step);
        struct str shown = {0};
        str_add_visible(&shown, events[i].text, strlen(events[i].text), false);
        if (style >= 0)
            fputs(print_on(stdout, (enum print_style)style), stdout);
        print_wrapped(stdout, str_text(&shown), at, at, print_width(stdout));
        if (style >= 0)
            fputs(print_off(stdout), stdout);
        str_fini(&shown);
    }
}

static void print_checkpoints(const struct look *l, const struct run_checkpoint *list, int n)
{
    char size[64], text[64], value[64];
    struct run_best best;
    const bool has_best = run_best_read(l->dir, &best, NULL) == 0;
    heading("Checkpoints");
    for (int i = 0; i < n; i++) {
        printf("  step %-7lld %10s  %s  %s", (long long)list[i].step, human_bytes(size, sizeof size, (double)list[i].bytes),
               print_time(text, sizeof text, list[i].at_ms), list[i].path);
        if (has_best && list[i].step == best.step) {
            fputs("  best by ", stdout);
            print_visible(stdout, best.metric, 0);
            printf(" (%s): %s@best", print_number(value, sizeof value, best.value), l->info.name);
        }
        putchar('\n');
    }
}

static void print_samples(const struct run_sample *samples, int n)
{
    heading("Samples");
    for (int i = 0; i < n; i++) {
        struct str shown = {0};
        str_addf(&shown, "step %lld: ", (long long)samples[i].step);
        str_add_visible(&shown, samples[i].prompt, strlen(samples[i].prompt), false);
        str_add(&shown, " | ");
        str_add_visible(&shown, samples[i].response, strlen(samples[i].response), false);
        fputs("  ", stdout);
        print_wrapped(stdout, str_text(&shown), 2, 4, print_width(stdout));
        str_fini(&shown);
    }
}

// What each token earned, with its piece of the response.
static json_t *tokens_json(const struct run_sample *s)
{
    json_t *tokens = json_array();
    const char *at = s->response;
    for (int i = 0; i < s->n_credits; i++) {
        char *piece = mem_strndup(at, (size_t)s->credits[i].n_bytes);
        json_array_append_new(tokens, json_pack("{s:o, s:o}", "text", look_json_text(piece), "reward",
                                                look_json_number(s->credits[i].reward)));
        at += s->credits[i].n_bytes;
        free(piece);
    }
    return tokens;
}

// Of the settings that are not any more what they were: what they were.
static json_t *settings_before(const struct look *l, json_t *now)
{
    const char *name;
    json_t *value, *before = json_object();
    json_object_foreach(l->info.settings, name, value)
        if (!json_equal(value, json_object_get(now, name)))
            json_object_set(before, name, value);
    return before;
}

static json_t *to_json(const struct look *l, int n_waiting, json_t *now, char **keys, const double *values, int n_keys,
                       const struct run_event *events, int n_events, const struct run_checkpoint *list, int n_list,
                       const struct run_sample *samples, int n_samples, json_t *evaluations)
{
    json_t *o = look_to_json(l, (const char *const *)keys, values, n_keys);
    json_t *event_list = json_array(), *checkpoints = json_array(), *sample_list = json_array();
    for (int i = 0; i < n_events; i++)
        json_array_append_new(event_list,
                              json_pack("{s:I, s:I, s:o, s:o, s:o}", "at_ms", (json_int_t)events[i].at_ms, "step",
                                        (json_int_t)events[i].step, "level", look_json_text(events[i].level), "kind",
                                        look_json_text(events[i].kind), "text", look_json_text(events[i].text)));
    for (int i = 0; i < n_list; i++)
        json_array_append_new(checkpoints,
                              json_pack("{s:I, s:I, s:I, s:o, s:o}", "step", (json_int_t)list[i].step, "at_ms",
                                        (json_int_t)list[i].at_ms, "bytes", (json_int_t)list[i].bytes, "path",
                                        look_json_text(list[i].path), "sha256", look_json_text(list[i].sha256)));
    for (int i = 0; i < n_samples; i++)
        json_array_append_new(
            sample_list, json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "step", (json_int_t)samples[i].step, "prompt",
                                   look_json_text(samples[i].prompt), "response", look_json_text(samples[i].response),
                                   "logp", look_json_number(samples[i].logp), "reward",
                                   look_json_number(samples[i].reward), "tokens", tokens_json(&samples[i])));
    json_object_set_new(o, "waiting_pairs", json_integer(n_waiting));
    json_object_set_new(o, "folder", look_json_text(l->dir));
    json_object_set(o, "settings", now);
    json_object_set_new(o, "started_with", settings_before(l, now));
    json_object_set_new(o, "events", event_list);
    json_object_set_new(o, "checkpoints", checkpoints);
    json_object_set_new(o, "best", look_best_json(l));
    json_object_set_new(o, "samples", sample_list);
    json_object_set(o, "evaluations", evaluations);
    return o;
}

static int show(struct store *s, struct look *l, const struct args *a, struct err *e)
{
    json_t *now = NULL, *evaluations = json_array();
    char **keys = NULL;
    double *values = NULL;
    struct run_event *events = NULL;
    struct run_checkpoint *list = NULL;
    struct run_sample *samples = NULL;
    struct pair_ref *waiting = NULL;
    int n_waiting = 0, n_keys = 0, n_events = 0, n_list = 0, n_samples = 0, code = settings_now(s, l, &now, e);
    int wanted = (int)settings_int(&a->settings, "samples");
    if (!code && l->reader) {
        code = run_reader_keys(l->reader, &keys, &n_keys, e);
        values = mem_alloc((size_t)n_keys + 1, sizeof *values);
        if (!code)
            code = run_reader_latest(l->reader, (const char *const *)keys, n_keys, values, e);
        if (!code)
            code = run_reader_events(l->reader, 0, &events, &n_events, e);
        if (!code)
            code = run_reader_checkpoints(l->reader, &list, &n_list, e);
        if (!code && wanted > 0)
            code = run_reader_samples(l->reader, wanted, &samples, &n_samples, e);
    }
    if (!code)
        code = labels_waiting(s, l->reader, l->info.name, labels_annotator(), &waiting, &n_waiting, e);
    struct err damaged = {0}; // of an eval.json: no reason to say nothing of the run
    if (!code && eval_file_list(l->dir, l->info.name, evaluations, &damaged))
        fprintf(stderr, "attune show: %s\n", damaged.text);
    if (!code && args_json(a)) {
        look_print_json(to_json(l, n_waiting, now, keys, values, n_keys, events, n_events, list, n_list, samples, n_samples,
                                evaluations));
    } else if (!code) {
        print_head(l, n_waiting);
        print_settings(l, now);
        if (n_keys)
            print_metrics(keys, values, n_keys);
        if (n_events)
            print_events(events, n_events);
        if (n_list)
            print_checkpoints(l, list, n_list);
        if (json_array_size(evaluations)) {
            heading("Evaluations");
            eval_print_list(evaluations, false);
        }
        if (n_samples)
            print_samples(samples, n_samples);
    }
    json_decref(now);
    json_decref(evaluations);
    free(waiting);
    free_keys(keys, n_keys);
    free(values);
    run_events_free(events, n_events);
    run_checkpoints_free(list, n_list);
    run_samples_free(samples, n_samples);
    return code;
}

static int show_run(struct store *s, const struct args *a, struct err *e)
{
    struct look l = {0};
    const char *key = args_text(a, "metrics");
    int code = a->n_words > 1 ? err_set(e, ERR_USAGE, "\"%s\" is too much: only --plot takes several runs", a->words[1])
                              : look_open(&l, s, a->words[0], e);
    if (!code && key && !l.reader)
        code = err_set(e, ERR_STATE, "run %s has no numbers yet: it is %s", l.info.name, run_state_name(l.status.state));
    if (!code && key)
        code = strcmp(key, "all") == 0 ? print_keys(&l, args_json(a), e) : print_points(&l, key, args_json(a), e);
    else if (!code)
        code = show(s, &l, a, e);
    look_close(&l);
    return code;
}

static int show_either(struct args *a, struct store *s, struct err *e)
{
    return settings_bool(&a->settings, "plot") ? show_plot(s, a, e) : show_run(s, a, e);
}

static int run(int argc, char **argv)
{
    return look_command(&command_show, argc, argv, 1, -1, show_either);
}
