// Supervised fine-tuning: the negative log-likelihood of texts, or of the chosen answers of pairs.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/objective.h"

enum { REDUCTION, L1 };
enum { BY_TOKEN, BY_SEQUENCE, BY_SUM };

static const char *const reductions[] = {"token", "sequence", "sum", NULL};
static const struct param params[] = {
    [REDUCTION] = {.name = "reduction", .type = PARAM_CHOICE, .fallback = "token", .choices = reductions,
                   .group = "objective",
                   .help = "What is averaged: all tokens of the batch alike (token), each text's own mean "
                           "(sequence), or the texts' sums (sum)."},
    [L1] = {.name = "l1", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1000, .group = "objective",
            .help = "After each step every change since the start shrinks by learning rate times this, down to none: "
                    "keeps most weights exactly as they were (PAFT)."},
    {0}};

// L = -sum_t log pi(y_t) / N. The trainer takes the mean over groups, so "token" multiplies by groups / tokens
// of the whole batch: the mean is then over all its tokens, however it is cut into micro-batches.
static double sft_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double weight = 1;
    if (r->values[REDUCTION] == BY_TOKEN)
        weight = r->n_groups / r->n_tokens;
    else if (r->values[REDUCTION] == BY_SEQUENCE)
        weight = 1.0 / s[0].n;
    s[0].d_logp = -weight;
    return -weight * s[0].logp;
}

const struct objective objective_sft = {
    .name = "sft",
    .title = "Supervised fine-tuning",
    .summary = "Imitates given texts (of preference pairs: the chosen ones); the usual first stage before "
               "preferences.",
    .paper = "Ouyang et al. 2022, arXiv:2203.02155, section 3.5",
    .formula = "loss = -sum_t log pi(y_t | x, y_<t) / N        N by reduction: the batch's tokens, the text's, or 1\n"
               "with l1, after each step: d = theta - start; theta = start + sign(d) max(|d| - lr * l1, 0)",
    .pitfalls = "Prompts are not learnt, only responses. With \"sequence\" short texts weigh as much as long ones; "
                "\"sum\" needs a smaller learning rate. An adapter's l1 is that of its own two matrices; with all "
                "weights it keeps a copy of those at the start.",
    .data = DATA_SFT | DATA_PAIR,
    .needs = {.reads = READ_TOKEN_STATS},
    .params = params,
    .loss = sft_loss,
};
