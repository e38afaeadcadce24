// THE TABLE of objectives. A new one is a file beside this one, its declaration and its row here, its line in
// src/train/local.mk, and its rows in tests/golden/objectives/.
#include "config.h"

#include "train/objective/objective.h"

#include <string.h>

#include "base/str.h"

extern const struct objective objective_sft;
extern const struct objective objective_discopop, objective_dpo, objective_dpo_norm, objective_dpop, objective_exo,
    objective_f_dpo, objective_gpo, objective_ipo, objective_r_dpo, objective_robust_dpo, objective_rpo, objective_spl;
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
    objective_best_of_n, objective_online_dpo, objective_pm_rlhf, objective_ppo, objective_ppo_ptx, objective_reinforce,
    objective_reinforce_pp, objective_rloo;
extern const struct objective objective_dno, objective_inpo, objective_nash_md, objective_rso, objective_slic_rank,
    objective_sppo, objective_xpo;
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
    &objective_spl,
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
    &objective_ppo_ptx,
    &objective_pm_rlhf,
    &objective_conditional_pm_rlhf,
    &objective_rloo,
    &objective_reinforce,
    &objective_reinforce_pp,
    &objective_grpo,
    &objective_dr_grpo,
    &objective_gspo,
    &objective_online_dpo,
    &objective_best_of_n,
    &objective_rso,
    &objective_slic_rank,
    // ... against each other, or another's answers
    &objective_nash_md,
    &objective_xpo,
    &objective_sppo,
    &objective_dno,
    &objective_inpo,

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
