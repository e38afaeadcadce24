// PAFT: two runs of one base in parallel, merged. The loss here is that by which the merged model is judged; the
// experiment itself is train/paft_run.c.
#include "config.h"

#include "corpus/corpus.h"
#include "model/merge.h"
#include "train/objective/margin.h"

enum { BETA };

static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    {.name = "l1", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 1000, .group = "objective",
     .help = "Of the imitating run: after each step every change since the start shrinks by learning rate times this, "
             "down to none."},
    {.name = "sft-lr", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 10, .group = "objective",
     .help = "Learning rate of the imitating run; 0: the same as that of the preference run (lr)."},
    {.name = "merge", .type = PARAM_CHOICE, .fallback = "ties", .choices = merge_methods, .group = "objective",
     .help = "How the two runs' changes of the base are merged, as in attune model merge."},
    {.name = "density", .type = PARAM_FLOAT, .fallback = "0.5", .min = 0.001, .max = 1, .group = "objective",
     .help = "With ties: the share of each tensor's change that is kept, by magnitude."},
    {.name = "drop", .type = PARAM_FLOAT, .fallback = "0.5", .min = 0, .max = 0.999, .group = "objective",
     .help = "With dare-ties: the probability with which a number of a change is dropped."},
    {.name = "lambda", .type = PARAM_FLOAT, .fallback = "1", .min = -100, .max = 100, .group = "objective",
     .help = "What the merged change is multiplied by before it is added to the base."},
    {.name = "sft-weight", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 100, .group = "objective",
     .help = "Weight of the imitating run's change in the merge; with linear the two weights are made to sum to 1."},
    {.name = "dpo-weight", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 100, .group = "objective",
     .help = "Weight of the preference run's change in the merge; with linear the two weights are made to sum to 1."},
    {.name = "parallel", .type = PARAM_BOOL, .fallback = "yes", .group = "objective",
     .help = "Train both runs at the same time, each with half of the threads; no: one after the other, in half of the "
             "memory, with the same result."},
    {0}};

static double paft_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], SCORE_RATIO);
    return margin_send(s, m, curve_logistic(m.z, 0));
}

const struct objective objective_paft = {
    .name = "paft",
    .title = "Parallel fine-tuning, merged (PAFT)",
    .summary = "Imitates the chosen answers and learns the preferences in two runs side by side, NAME.sft and "
               "NAME.dpo, both from the base, then merges what each has changed: alignment without one stage spoiling "
               "the other.",
    .paper = "Pentyala et al. 2024, arXiv:2406.17923",
    .formula = "delta_sft: from minimizing -log pi(chosen) / N + l1 * |delta|_1, the latter by a proximal step\n"
               "delta_dpo: from minimizing DPO's loss\n"
               "theta = base + lambda * merge(delta_sft, delta_dpo)\n"
               "evaluated by loss = -log sigmoid(z), z = DPO's margin of theta with the base as reference",
    .pitfalls = "Three runs stand in the list: stop, pause and resume the experiment, and its two runs follow. Too "
                "large an l1 leaves of the imitation nothing to merge (watch sparsity of NAME.sft); with linear "
                "merging the paper finds no gain.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .of_runs = true,
    .params = params,
    .loss = paft_loss,
};
