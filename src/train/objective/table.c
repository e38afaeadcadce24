// THE TABLE of objectives. A new one is a file beside this one, its declaration and its row here, its line in
// src/train/local.mk, and its rows in tests/golden/objectives/.
#include "config.h"

#include "train/objective/objective.h"

#include <string.h>

#include "base/str.h"
#include "corpus/corpus.h"
#include "train/objective/weighting.h"

extern const struct objective objective_sft;
extern const struct objective objective_discopop, objective_dpo, objective_dpo_norm, objective_dpop, objective_exo,
    objective_f_dpo, objective_gpo, objective_ipo, objective_r_dpo, objective_robust_dpo, objective_rpo;
extern const struct objective objective_cpo, objective_orpo, objective_simpo, objective_slic;
extern const struct objective objective_apo_down, objective_apo_zero, objective_bco_pair, objective_nca_pair,
    objective_sppo_hard;
extern const struct objective objective_aot, objective_aot_unpaired, objective_beta_dpo;
extern const struct objective objective_exo_rw, objective_infonca, objective_lipo_lambda, objective_nca,
    objective_plackett_luce, objective_pro, objective_rrhf;
extern const struct objective objective_paft, objective_sdpo;
extern const struct objective objective_cringe, objective_npo, objective_pairwise_cringe, objective_tdpo1,
    objective_tdpo2;
extern const struct objective objective_bco, objective_d2o, objective_dro_v, objective_kto;
extern const struct objective objective_conditional_pm_rlhf, objective_dr_grpo, objective_grpo, objective_gspo,
    objective_pm_rlhf, objective_ppo, objective_reinforce, objective_reinforce_pp, objective_rloo;
extern const struct objective objective_preference_model, objective_rm, objective_rm_list, objective_rm_token;

const struct objective *const objectives[] = {
    // imitation
    &objective_sft,

    // pairs, by the margin of their log-ratios
    &objective_dpo,
    &objective_robust_dpo,
    &objective_r_dpo,
    &objective_dpo_norm,
    &objective_dpop,
    &objective_rpo,
    &objective_ipo,
    &objective_gpo,
    &objective_f_dpo,
    &objective_exo,
    &objective_discopop,
    // pairs, without a reference
    &objective_simpo,
    &objective_orpo,
    &objective_cpo,
    &objective_slic,
    // pairs, each response by itself
    &objective_nca_pair,
    &objective_bco_pair,
    &objective_sppo_hard,
    &objective_apo_zero,
    &objective_apo_down,
    // pairs, by what the whole batch says
    &objective_beta_dpo,
    &objective_aot,
    &objective_aot_unpaired,
    // pairs, token by token
    &objective_tdpo1,
    &objective_tdpo2,
    &objective_pairwise_cringe,

    // good and bad responses, one by one
    &objective_kto,
    &objective_bco,
    &objective_dro_v,
    &objective_cringe,
    // bad ones alone
    &objective_npo,
    &objective_d2o,

    // pairs, in more than one run of the loop
    &objective_sdpo,
    &objective_paft,

    // lists (and pairs, as lists of two)
    &objective_plackett_luce,
    &objective_lipo_lambda,
    &objective_rrhf,
    &objective_pro,
    &objective_infonca,
    &objective_nca,
    &objective_exo_rw,

    // the policy's own answers and their rewards (online)
    &objective_ppo,
    &objective_pm_rlhf,
    &objective_conditional_pm_rlhf,
    &objective_rloo,
    &objective_reinforce,
    &objective_reinforce_pp,
    &objective_grpo,
    &objective_dr_grpo,
    &objective_gspo,

    // reward models
    &objective_rm,
    &objective_rm_list,
    &objective_rm_token,
    &objective_preference_model,
    NULL,
};

int objective_find(const struct objective **out, const char *name, struct err *e)
{
    const char *names[200];
    size_t n = 0;
    for (const struct objective *const *o = objectives; *o; o++) {
        if (strcmp((*o)->name, name) == 0) {
            *out = *o;
            return 0;
        }
        if (n < sizeof names / sizeof *names)
            names[n++] = (*o)->name;
    }
    struct str text = {.max = 600};
    str_add_near(&text, name, names, n);
    if (!text.len)
        str_add(&text, "; \"attune objectives\" lists them");
    int code = err_set(e, ERR_USAGE, "there is no objective \"%.60s\"%s", name, str_text(&text));
    str_fini(&text);
    return code;
}

struct needs objective_needs(const struct objective_run *r)
{
    const struct objective *o = r->objective;
    struct needs n = o->needs;
    n.batch_first = o->prepare;
    if (o->needs_now)
        o->needs_now(r->values, &n);
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
    return weighting_params(o);
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
}

const char *objective_data_text(const struct objective *o)
{
    static _Thread_local char text[200];
    struct str s = {0};
    for (unsigned kind = 1; kind <= DATA_PROMPT; kind <<= 1)
        if (o->data & kind)
            str_addf(&s, "%s%s", s.len ? " or " : "", data_kind_name((enum data_kind)kind));
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
