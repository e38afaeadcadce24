// Alignment via Optimal Transport: the distribution of rewards over a batch is made better than the other at every
// quantile. In one dimension the transport plan sorts both sides and matches equal ranks.
//
// The ranks are taken once for the whole batch, in prepare(). A small step changes no rank, so the gradient is that
// of the matched numbers, and what a group is matched with is a constant to its own loss.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/batch_order.h"
#include "train/objective/margin.h"

enum { BETA, LABEL_SMOOTHING };

static const struct param params[] = {[BETA] = MARGIN_BETA_OF("0.01"), [LABEL_SMOOTHING] = MARGIN_LABEL_SMOOTHING, {0}};

// ---- paired: the policy's differences of a pair against the reference's ----

// prepared of the chosen response: the reference's difference of equal rank, log ref(chosen) - log ref(rejected) of
// another pair.
static void aot_prepare(struct objective_run *r, struct seq *seqs, const int *first, int n_groups)
{
    for (int g = 0; g < n_groups; g++) {
        struct seq *s = seqs + first[g];
        s[0].prepared = s[0].logp - s[1].logp;
        s[1].prepared = s[0].ref - s[1].ref;
    }
    batch_order(seqs, first, n_groups, 0);
    batch_order(seqs, first, n_groups, 1);
    for (int k = 0; k < n_groups; k++)
        seqs[first[batch_order_at(seqs, first, k, 0)]].prepared =
            seqs[first[batch_order_at(seqs, first, k, 1)] + 1].prepared;
}

static double aot_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA];
    struct margin m = margin_of(s, beta, SCORE_RATIO); // the rewards are the pair's own
    m.z = beta * (s[0].logp - s[1].logp - s[0].prepared);
    return margin_send(s, m, curve_logistic(m.z, r->values[LABEL_SMOOTHING]));
}

// ---- unpaired: chosen log-ratios against rejected ones ----

static double ratio(const struct seq *s)
{
    return s->logp - s->ref;
}

// prepared of either response: the log-ratio of equal rank on the other side. Every matched couple is seen from both
// of its groups; r->prepared, their mean loss, is what the groups' losses count too much.
static void aot_unpaired_prepare(struct objective_run *r, struct seq *seqs, const int *first, int n_groups)
{
    for (int g = 0; g < n_groups; g++)
        for (int i = 0; i < 2; i++)
            seqs[first[g] + i].prepared = ratio(&seqs[first[g] + i]);
    batch_order(seqs, first, n_groups, 0);
    batch_order(seqs, first, n_groups, 1);
    r->prepared = 0;
    for (int k = 0; k < n_groups; k++) {
        struct seq *chosen = &seqs[first[batch_order_at(seqs, first, k, 0)]];
        struct seq *rejected = &seqs[first[batch_order_at(seqs, first, k, 1)] + 1];
        chosen->prepared = ratio(rejected);
        rejected->prepared = ratio(chosen);
        const double z = r->values[BETA] * (ratio(chosen) - ratio(rejected));
        r->prepared += curve_logistic(z, r->values[LABEL_SMOOTHING]).loss / n_groups;
    }
}

static double aot_unpaired_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA], smoothing = r->values[LABEL_SMOOTHING];
    const struct margin m = margin_of(s, beta, SCORE_RATIO);
    const struct curve chosen = curve_logistic(beta * (ratio(&s[0]) - s[0].prepared), smoothing);
    const struct curve rejected = curve_logistic(beta * (s[1].prepared - ratio(&s[1])), smoothing);
    s[0].d_logp = chosen.slope * m.by_chosen;
    s[1].d_logp = rejected.slope * m.by_rejected;
    return chosen.loss + rejected.loss - r->prepared;
}

const struct objective objective_aot = {
    .name = "aot",
    .title = "Alignment via Optimal Transport (paired)",
    .summary = "Makes the policy's differences between chosen and rejected larger than the reference's at every "
               "quantile of the batch, not pair by pair.",
    .paper = "Melnyk et al. 2024, arXiv:2406.05882",
    .formula = "u: log pi(chosen) - log pi(rejected) of all pairs of the batch, sorted\n"
               "v: log ref(chosen) - log ref(rejected) of all pairs, sorted by itself\n"
               "z = beta * (u_i - v_i); loss = the mean over i of\n"
               "-(1 - s) * log sigmoid(z) - s * log sigmoid(-z)\n"
               "s: label-smoothing",
    .pitfalls = "What a pair is compared with depends on the batch: with batch-size 1 it is dpo, and small batches "
                "say little about quantiles; take at least 16. Every step costs one more forward pass.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .prepare = aot_prepare,
    .loss = aot_loss,
};

const struct objective objective_aot_unpaired = {
    .name = "aot-unpaired",
    .title = "Alignment via Optimal Transport (unpaired)",
    .summary = "Makes the chosen responses' log-ratios larger than the rejected ones' at every quantile of the batch, "
               "whichever prompts they belong to.",
    .paper = "Melnyk et al. 2024, arXiv:2406.05882",
    .formula = "a: log pi - log ref of all chosen responses of the batch, sorted\n"
               "b: log pi - log ref of all rejected ones, sorted by itself\n"
               "z = beta * (a_i - b_i); loss = the mean over i of\n"
               "-(1 - s) * log sigmoid(z) - s * log sigmoid(-z)\n"
               "s: label-smoothing",
    .pitfalls = "Chosen and rejected of one prompt need not be told apart for the loss to be small: watch "
                "rewards/accuracies. With batch-size 1 it is dpo; take at least 16. Every step costs one more forward "
                "pass.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .prepare = aot_unpaired_prepare,
    .loss = aot_unpaired_loss,
};
