// TensorBoard's event files of runs.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "export/export.h"
#include "export/run_metrics.h"
#include "export/tfevents.h"

struct board {
    const struct export_wish *wish;
    const char *dir;
    int n_runs;
};

static int write_scalars(struct tfevents *t, struct run_metrics *m, double start_s, struct err *e)
{
    struct run_clock clock = run_metrics_clock(m);
    int64_t step = 0;
    int code = 0;
    while (!code && run_metrics_next(m, &step)) {
        for (int i = 0; i < m->n; i++) {
            double value;
            if (run_metrics_value(m, i, step, &value))
                tfevents_scalar(t, m->of[i].key, value);
        }
        code = tfevents_end(t, start_s + run_clock_at(&clock, step), step, e);
    }
    return code;
}

// The n-th sample of a step is "samples/n": a run samples the same prompts each time. Shown as it is, not as Markdown.
static int write_samples(struct tfevents *t, struct run_reader *r, struct err *e)
{
    struct run_sample *list = NULL;
    int n = 0, code = run_reader_samples(r, INT32_MAX, &list, &n, e), nth = 0;
    for (int i = n - 1; i >= 0 && !code; i--) { // the oldest first
        struct str text = {0};
        char tag[32];
        nth = i + 1 < n && list[i + 1].step == list[i].step ? nth + 1 : 1;
        snprintf(tag, sizeof tag, "samples/%d", nth);
        const char *parts[] = {list[i].prompt, list[i].response};
        for (int k = 0; k < 2; k++) { // indented by four: Markdown's way to say "as it is"
            str_add(&text, k ? "\n\nresponse:\n\n    " : "prompt:\n\n    ");
            for (const char *c = parts[k]; *c; c++) {
                str_addc(&text, *c);
                if (*c == '\n')
                    str_add(&text, "    ");
            }
        }
        tfevents_text(t, tag, str_text(&text));
        code = tfevents_end(t, (double)list[i].at_ms / 1000, list[i].step, e);
        str_fini(&text);
    }
    run_samples_free(list, n);
    return code;
}

static int write_run(struct tfevents *t, const struct run_info *info, struct run_reader *r, struct run_metrics *m,
                     double start_s, struct err *e)
{
    json_t *settings = json_copy(info->settings);
    json_object_set_new(settings, "objective", json_string(info->objective));
    tfevents_hparams(t, settings, info->name, start_s);
    json_decref(settings);
    int code = tfevents_end(t, start_s, 0, e);
    if (!code)
        code = write_scalars(t, m, start_s, e);
    return code ? code : write_samples(t, r, e);
}

static int board_run(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e)
{
    struct board *b = arg;
    struct run_metrics m;
    struct run_status status;
    int code = run_reader_status(r, &status, e);
    if (!code)
        code = run_metrics_load(&m, r, b->wish->keys, b->wish->n_keys, e);
    if (code)
        return code;
    if (m.n == 0) { // an experiment whose parts did the training
        run_metrics_fini(&m);
        return 0;
    }
    const double start_s = (double)(status.started_ms > 0 ? status.started_ms : info->created_ms) / 1000;
    struct tfevents *t = NULL;
    struct str path = {0};
    str_addf(&path, "%s/%s", b->dir, info->name);
    code = file_make_dirs(str_text(&path), e);
    // The name is that of the run, not of this moment: written again it replaces itself.
    str_addf(&path, "/events.out.tfevents.%010lld.attune", (long long)(info->created_ms / 1000));
    if (!code)
        code = tfevents_open(&t, str_text(&path), start_s, e);
    if (!code)
        code = write_run(t, info, r, &m, start_s, e);
    if (!code && t)
        code = tfevents_commit(t, e);
    else
        tfevents_abort(t);
    if (!code)
        b->n_runs++;
    str_fini(&path);
    run_metrics_fini(&m);
    return code;
}

int export_tensorboard(const struct export_wish *w, const char *dir, int *n_runs, struct err *e)
{
    struct board b = {.wish = w, .dir = dir};
    const int code = export_each(w, board_run, &b, e);
    *n_runs = b.n_runs;
    return code;
}
