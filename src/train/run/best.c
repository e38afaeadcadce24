#include "config.h"

#include "train/run/best.h"

#include <math.h>
#include <string.h>

#include "base/json.h"

static int fail_missing(const struct best *b, const struct metric_list *list, struct err *e)
{
    struct str have = {.max = 700};
    bool any = !text_starts(b->now.metric, "eval/") && list->n;
    for (int i = 0; i < list->n; i++) {
        str_addf(&have, "%s%s", i ? ", " : "", list->items[i].key);
        any |= text_starts(list->items[i].key, "eval/");
    }
    int code = any ? err_set(e, ERR_USAGE, "keep-best: this run measures no %s on what is held out; it has: %s",
                             b->now.metric, str_text(&have))
                   : err_set(e, ERR_USAGE, "keep-best: there is no %s, since no row is held out: give a file with "
                                           "eval-data, or a larger eval-share", b->now.metric);
    str_fini(&have);
    return code;
}

int best_look(struct best *b, const struct metric_list *list, int64_t step, bool *improved, struct err *e)
{
    int at = 0;
    *improved = false;
    while (at < list->n && strcmp(list->items[at].key, b->now.metric) != 0)
        at++;
    if (at == list->n)
        return b->seen ? 0 : fail_missing(b, list, e);
    const double value = list->items[at].value, gain = b->now.highest ? value - b->now.value : b->now.value - value;
    b->seen = true;
    *improved = isfinite(value) && (!b->known || gain > b->min_delta);
    if (*improved) {
        b->known = true;
        b->now.step = step;
        b->now.value = value;
        b->waited = 0;
    } else {
        b->waited++;
    }
    return 0;
}

bool best_is_over(const struct best *b)
{
    return b->on && b->patience > 0 && b->waited >= b->patience;
}

void best_describe(const struct best *b, struct str *out)
{
    if (b->known)
        str_addf(out, "%s was best at step %lld (%.4g)", b->now.metric, (long long)b->now.step, b->now.value);
    else
        str_addf(out, "%s was never a number", b->now.metric);
}

json_t *best_to_json(const struct best *b)
{
    json_t *o = json_pack("{s:s, s:s, s:b, s:I}", "metric", b->now.metric, "direction", b->now.highest ? "max" : "min",
                          "seen", b->seen, "waited", (json_int_t)b->waited);
    if (b->known) {
        json_object_set_new(o, "step", json_integer(b->now.step));
        json_object_set_new(o, "value", json_real(b->now.value));
    }
    return o;
}

int best_from_json(struct best *b, const json_t *saved, const char *where, struct err *e)
{
    struct best was = *b;
    const char *metric = NULL, *direction = NULL;
    int64_t step = -1;
    int code = json_get_text(saved, "metric", "", &metric, where, e);
    if (!code)
        code = json_get_text(saved, "direction", "", &direction, where, e);
    if (!code)
        code = json_get_bool(saved, "seen", false, &was.seen, where, e);
    if (!code)
        code = json_get_int(saved, "waited", 0, 0, INT64_MAX, &was.waited, where, e);
    if (!code)
        code = json_get_int(saved, "step", -1, 0, INT64_MAX, &step, where, e);
    if (!code)
        code = json_get_double(saved, "value", NAN, &was.now.value, where, e);
    if (code)
        return code;
    was.known = step >= 0;
    was.now.step = was.known ? step : 0;
    if (was.known != (isfinite(was.now.value) != 0) || strcmp(metric, b->now.metric) != 0 ||
        strcmp(direction, b->now.highest ? "max" : "min") != 0)
        return err_set(e, ERR_INPUT, "%s does not say what the best %s was: it is damaged", where, b->now.metric);
    if (!was.known)
        was.now.value = 0;
    *b = was;
    return 0;
}

int best_publish(const struct best *b, const char *run_dir, struct err *e)
{
    return b->known ? run_best_write(run_dir, &b->now, e) : run_best_remove(run_dir, e);
}
