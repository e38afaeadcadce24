// What an objective at work needs, how its parameters come to it, and the loss of a group with what every objective has.
// table.c has the objectives themselves.
#include "config.h"

#include "train/objective/objective.h"

#include <string.h>

#include "base/str.h"
#include "corpus/corpus.h"
#include "train/objective/correction.h"
#include "train/objective/weighting.h"

struct needs objective_needs(const struct objective_run *r)
{
    const struct objective *o = r->objective;
    struct needs n = o->needs;
    n.batch_first = o->prepare;
    if (o->needs_now)
        o->needs_now(r->values, &n);
    if (r->is_cut && (n.columns & COLUMN_TOKENS))
        n.columns |= COLUMN_SETS;
    if (r->options.wpo)
        n.reads |= READ_SUM_SQUARES;
    return n;
}

double objective_loss(const struct objective_run *r, struct seq *seqs, int n, double *metrics)
{
    const struct objective *o = r->objective;
    for (int i = 0; i < n; i++) {
        seqs[i].d_logp = seqs[i].d_score = seqs[i].d_kl = seqs[i].d_rival = seqs[i].d_value = seqs[i].reward = 0;
        for (int k = 0; k < seqs[i].n && seqs[i].tokens.d_logp; k++)
            seqs[i].tokens.d_logp[k] = 0;
        for (int k = 0; k < seqs[i].n && seqs[i].tokens.d_value; k++)
            seqs[i].tokens.d_value[k] = 0;
    }
    if (o->hold)
        o->hold(r, seqs, n);
    const double loss = o->loss(r, seqs, n, metrics), factor = weighting_factor(&r->options, seqs, n);
    for (int i = 0; i < n; i++) {
        seqs[i].d_logp *= factor;
        seqs[i].d_kl *= factor;
        seqs[i].d_rival *= factor;
        for (int k = 0; k < seqs[i].n && seqs[i].tokens.d_logp; k++)
            seqs[i].tokens.d_logp[k] *= factor;
    }
    return loss * factor;
}

const struct param *objective_options(const struct objective *o)
{
    return o->online ? correction_params(o) : weighting_params(o);
}

double objective_value(const struct objective_run *r, const char *name)
{
    for (int i = 0; r->objective->params[i].name; i++)
        if (strcmp(r->objective->params[i].name, name) == 0)
            return r->values[i];
    BUG("objective %s has no parameter %s", r->objective->name, name);
}

static double value_of(const struct param *p, const struct settings *s)
{
    switch (p->type) {
    case PARAM_BOOL:
        return settings_bool(s, p->name);
    case PARAM_INT:
        return (double)settings_int(s, p->name);
    case PARAM_FLOAT:
        return settings_float(s, p->name);
    case PARAM_CHOICE:
        for (int i = 0; p->choices[i]; i++)
            if (strcmp(p->choices[i], settings_text(s, p->name)) == 0)
                return i;
        break;
    case PARAM_TEXT:
    case PARAM_PATH:
        break;
    }
    BUG("objective parameter %s is no number and no choice", p->name);
}

void objective_configure(struct objective_run *r, const struct objective *o, const struct settings *s)
{
    r->objective = o;
    int n = 0;
    for (const struct param *p = o->params; p->name; p++) {
        BUG_IF(n == OBJECTIVE_MAX_PARAMS);
        r->values[n++] = value_of(p, s);
    }
    r->options = weighting_from(o, s);
    r->correction = correction_from(o, s);
}

const char *objective_data_text(const struct objective *o)
{
    static _Thread_local char text[200];
    struct str s = {0};
    for (unsigned kind = 1; kind <= DATA_PROMPT; kind <<= 1)
        if (o->data & kind)
            str_addf(&s, "%s%s", s.len ? " or " : "", data_kind_name((enum data_kind)kind));
    if (o->data == DATA_PROMPT)
        str_add(&s, ", which rows of every kind have");
    text_copy(text, sizeof text, str_text(&s));
    str_fini(&s);
    return text;
}

int objective_check_data(const struct objective *o, unsigned data_kind, const char *where, struct err *e)
{
    if ((o->data & data_kind) || o->data == DATA_PROMPT)
        return 0;
    const bool makes_pairs = data_kind == DATA_LIST && (o->data & DATA_PAIR);
    return err_set(e, ERR_USAGE,
                   "objective %s learns from %s, but %s holds %s: choose other data or another objective%s", o->name,
                   objective_data_text(o), where, data_kind_name((enum data_kind)data_kind),
                   makes_pairs ? ", or make pairs of them with pairs-from-lists best-worst (or all)" : "");
}
