#include "config.h"

#include "ui/runs/run_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/human.h"

bool run_is_bad(const struct run_row *r)
{
    return r->trouble[0] || r->status.state == RUN_FAILED || r->status.state == RUN_DEAD;
}

const char *run_state_text(const struct run_row *r)
{
    if (r->is_missing)
        return "missing";
    if (r->looked_s < 0) // nobody has looked yet: it need not be queued
        return "reading";
    return r->trouble[0] ? "unreadable" : run_state_name(r->status.state);
}

struct style run_state_style(const struct run_row *r)
{
    if (r->trouble[0])
        return STYLE(COLOR_BAD, .attr = ATTR_BOLD);
    switch (r->status.state) {
    case RUN_STARTING:
    case RUN_RUNNING:
        return STYLE(COLOR_GOOD);
    case RUN_PAUSED:
        return STYLE(COLOR_WARN);
    case RUN_FAILED:
    case RUN_DEAD:
        return STYLE(COLOR_BAD, .attr = ATTR_BOLD);
    default:
        return STYLE(COLOR_DEFAULT);
    }
}

// The last part of a path, and the one before it where the last is as short as "hf" or "final".
static const char *path_end(const char *path)
{
    const char *base = path_base(path), *at = base;
    if (strlen(base) > 5 || base - path < 2)
        return base;
    for (at -= 2; at > path && *at != '/'; at--)
        continue;
    return at == path && *at != '/' ? path : at + 1;
}

// Of runs whose policy answers as it learns: how fast it speaks, and what of a step that takes.
static void add_sampling(const struct run_row *r, struct str *out)
{
    char text[32];
    if (!isfinite(r->values[VALUE_DECODE]))
        return;
    str_addf(out, "decode %s tok/s", human_count(text, sizeof text, r->values[VALUE_DECODE]));
    if (isfinite(r->sampling_share))
        str_addf(out, ", rollouts %.0f %% of step", 100 * r->sampling_share);
    str_add(out, "  ");
}

void run_describe(const struct run_row *r, struct str *out)
{
    if (r->trouble[0]) {
        str_add(out, r->trouble);
        return;
    }
    const struct run_status *s = &r->status;
    if (s->state == RUN_FAILED || (s->state == RUN_STOPPED && s->message[0])) {
        str_add(out, s->message[0] ? s->message : "it failed without a message; see its log");
        return;
    }
    if (s->state == RUN_DEAD) {
        str_addf(out, "its process %d is gone since step %lld: r goes on from the newest checkpoint", s->pid,
                 (long long)s->step);
        return;
    }
    if (s->state == RUN_DONE && s->message[0])
        str_addf(out, "%s%s.  ", run_info_is_experiment(&r->info) ? "" : "ended early: ", s->message);
    if (r->alert)
        str_addf(out, "%s: %s.  ", r->alert->name, r->alert_text);
    if (r->n_waiting)
        str_addf(out, "waiting for you: %d %s  ", r->n_waiting, text_plural(r->n_waiting, "pair", "pairs"));
    if (run_state_is_live(s->state) && s->phase[0] && strcmp(s->phase, "training") != 0 &&
        strcmp(s->phase, run_state_name(s->state)) != 0 && !(r->n_waiting && text_starts(s->phase, "waiting for you")))
        str_addf(out, "%s  ", s->phase);
    if (run_state_is_live(s->state))
        add_sampling(r, out);
    str_add(out, r->info.objective);
    static const char *const shown[] = {"lr", "beta", "seed"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const json_t *value = json_object_get(r->settings, shown[i]);
        if (json_is_string(value))
            str_addf(out, "  %s %s", shown[i], json_string_value(value));
        else if (json_is_number(value))
            str_addf(out, "  %s %g", shown[i], json_number_value(value));
    }
    str_addf(out, "  model %s", path_end(r->info.model));
    if (r->info.data[0])
        str_addf(out, "  data %s", path_base(r->info.data));
}

// "1.2e-5": an exponent without needless zeros. Returns its length.
static int power_text(char *out, size_t size, double value, int digits)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", digits, value);
    char *e = strchr(text, 'e');
    int n = e ? snprintf(out, size, "%.*se%d", (int)(e - text), text, atoi(e + 1)) : snprintf(out, size, "%s", text);
    return n;
}

const char *number_text(char *out, size_t size, double value, int width)
{
    if (isnan(value)) {
        snprintf(out, size, "-");
        return out;
    }
    if (isinf(value)) {
        snprintf(out, size, value > 0 ? "inf" : "-inf");
        return out;
    }
    double a = fabs(value);
    if (a != 0 && (a < 0.001 || a >= 100000)) {
        for (int digits = 2; digits >= 0; digits--)
            if (power_text(out, size, value, digits) <= width)
                return out;
        if (a < 0.001)
            snprintf(out, size, "0");
        return out;
    }
    int decimals = a < 10 ? 3 : a < 100 ? 2 : a < 1000 ? 1 : 0;
    int n = snprintf(out, size, "%.*f", decimals, value);
    while (n > width && decimals > 0)
        n = snprintf(out, size, "%.*f", --decimals, value);
    return out;
}

const char *age_text(char *out, size_t size, int64_t since_ms)
{
    int64_t s = (clock_wall_ms() - since_ms) / 1000;
    if (s < 60)
        snprintf(out, size, "now");
    else if (s < 3600)
        snprintf(out, size, "%d min", (int)(s / 60));
    else if (s < 2 * 86400)
        snprintf(out, size, "%d h", (int)(s / 3600));
    else
        snprintf(out, size, "%d d", (int)(s / 86400));
    return out;
}
