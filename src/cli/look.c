#include "config.h"

#include "cli/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "store/run_best.h"

const char *const look_metrics[LOOK_N_METRICS] = {"loss", "rewards/margins", "rewards/accuracies", "kl"};

int look_project(const struct args *a, bool create, struct store **out, struct err *e)
{
    char *dir = store_project_dir(args_project(a));
    int code = store_open(out, dir, create, e);
    free(dir);
    return code;
}

int look_open(struct look *l, struct store *s, const char *name, struct err *e)
{
    *l = (struct look){0};
    int code = store_find_run(s, name, &l->info, e);
    if (code)
        return code;
    l->dir = store_run_dir(s, l->info.name);
    code = look_refresh(l, e);
    if (code)
        look_close(l);
    return code;
}

int look_refresh(struct look *l, struct err *e)
{
    struct err fault = {0};
    if (!l->reader) {
        int code = run_reader_open(&l->reader, l->dir, &fault);
        if (code == ERR_NOT_FOUND) {
            l->status = (struct run_status){.state = RUN_QUEUED};
            return 0;
        }
        if (code) {
            if (e)
                *e = fault;
            return code;
        }
    }
    return run_reader_status(l->reader, &l->status, e);
}

void look_close(struct look *l)
{
    run_info_fini(&l->info);
    run_reader_close(l->reader);
    free(l->dir);
    *l = (struct look){0};
}

json_t *look_best_json(const struct look *l)
{
    struct run_best best;
    if (run_best_read(l->dir, &best, NULL))
        return json_null();
    return json_pack("{s:I, s:o, s:s, s:f}", "step", (json_int_t)best.step, "metric", look_json_text(best.metric),
                     "direction", best.highest ? "max" : "min", "value", best.value);
}

json_t *look_json_text(const char *text)
{
    return json_any_text(text);
}

json_t *look_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *look_to_json(const struct look *l, const char *const *keys, const double *values, int n_keys)
{
    const struct run_status *s = &l->status;
    json_t *o = json_object(), *metrics = json_object();
    json_object_set_new(o, "name", look_json_text(l->info.name));
    json_object_set_new(o, "objective", look_json_text(l->info.objective));
    json_object_set_new(o, "model", look_json_text(l->info.model));
    json_object_set_new(o, "data", look_json_text(l->info.data));
    json_object_set_new(o, "note", look_json_text(l->info.note));
    json_object_set_new(o, "parent", l->info.parent_name ? look_json_text(l->info.parent_name) : json_null());
    json_object_set_new(o, "parent_step", l->info.parent_name ? json_integer(l->info.parent_step) : json_null());
    json_object_set_new(o, "tags", look_json_text(l->info.tags));
    json_object_set_new(o, "pinned", json_boolean(l->info.pinned));
    json_object_set_new(o, "created_ms", json_integer(l->info.created_ms));
    json_object_set_new(o, "hidden", json_boolean(l->info.hidden));
    json_object_set_new(o, "state", json_string(run_state_name(s->state)));
    json_object_set_new(o, "step", json_integer(s->step));
    json_object_set_new(o, "total_steps", json_integer(s->total_steps));
    json_object_set_new(o, "tokens_per_s", look_json_number(s->tokens_per_s));
    json_object_set_new(o, "seconds_left", look_json_number(s->seconds_left));
    json_object_set_new(o, "phase", look_json_text(s->phase));
    json_object_set_new(o, "message", look_json_text(s->message));
    json_object_set_new(o, "pid", json_integer(s->pid));
    json_object_set_new(o, "host", look_json_text(s->host));
    json_object_set_new(o, "started_ms", json_integer(s->started_ms));
    json_object_set_new(o, "ended_ms", json_integer(s->ended_ms));
    for (int i = 0; i < n_keys; i++)
        json_object_set_new(metrics, keys[i], look_json_number(values[i]));
    json_object_set_new(o, "metrics", metrics);
    return o;
}

void look_print_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(value);
}

int look_command(const struct command *c, int argc, char **argv, int min_words, int max_words,
                 int (*work)(struct args *a, struct store *s, struct err *e))
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    int status = 0;
    if (!args_open(&a, c, argc, argv, min_words, max_words, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = work(&a, s, &e);
    if (code)
        status = args_fail(&a, &e);
    store_close(s);
    args_close(&a);
    return status;
}
