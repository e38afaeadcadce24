// What a run says of itself while it works.
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "train/run/run.h"

void run_phase(struct run *r, enum run_state state, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->status.phase, sizeof r->status.phase, format, args);
    va_end(args);
    r->status.state = state;
    recorder_status(r->recorder, &r->status);
}

bool run_loading(void *arg, const char *what, int done, int all)
{
    struct run *r = arg;
    run_phase(r, RUN_STARTING, "%s %d/%d", what, done, all);
    if (!signals_asked_to_stop() && !controls_hold_stop(&r->controls))
        return true;
    recorder_event(r->recorder, 0, "info", "stop", 0, "stopped before the first step, while %s", what);
    return false;
}

void run_report_borrowed(const struct run *r, char *from)
{
    if (from)
        recorder_event(r->recorder, 0, "info", "reference", 0,
                       "reference log-probabilities taken from run %s: same model, data and text rules", from);
    free(from);
}

char *run_text_of(const struct run *r, const struct dataset *d, const struct ds_seq *s)
{
    char *text = NULL;
    size_t n;
    if (tokenizer_decode_more(r->tokenizer, d->tokens + s->first, (size_t)s->n, true, &text, &n, NULL))
        return mem_strdup("");
    return text;
}
