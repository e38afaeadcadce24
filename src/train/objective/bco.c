// Binary Classifier Optimization.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"
#include "train/objective/stable.h"
#include "train/objective/weighting.h"

enum { BETA, UDM };
enum { COUNT, MEAN }; // of all rewards that training has seen

static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [UDM] =
        {.name = "udm",
         .type = PARAM_BOOL,
         .fallback = "no",
         .group = "objective",
         .help =
             "Weigh bad responses by how much their prompts look like those of good ones, for data whose good and bad "
             "responses come from different prompts (underlying distribution matching)."},
    {0}};
static const char *const metrics[] = {"delta", NULL};

// delta: the mean of all rewards seen so far, this batch's included (Welford's update, response by response).
static void bco_prepare(struct objective_run *r, struct seq *seqs, const int *first, int n_groups)
{
    for (int i = 0; i < first[n_groups] && !r->held_out; i++) {
        r->state[COUNT] += 1;
        r->state[MEAN] += (r->values[BETA] * (seqs[i].logp - seqs[i].ref) - r->state[MEAN]) / r->state[COUNT];
    }
    for (int i = 0; i < first[n_groups]; i++)
        seqs[i].prepared = r->state[MEAN];
}

// L = -log sigmoid(R - delta) of a good response, -w log sigmoid(-(R - delta)) of a bad one, R = beta a.
static double loss_of_one(const struct objective_run *r, struct seq *s)
{
    const double beta = r->values[BETA], z = beta * (s->logp - s->ref) - s->prepared;
    const double weight = udm_weight(s->prompt_odds); // 1 without udm
    s->reward = beta * (s->logp - s->ref);
    if (s->label > 0.5) {
        s->d_logp = -beta * sigmoid(-z);
        return softplus(-z);
    }
    s->d_logp = weight * beta * sigmoid(z);
    return weight * softplus(z);
}

// Data make groups of one response; where there are more, each counts by itself.
static double bco_loss(const struct objective_run *r, struct seq *s, int n, double *extra)
{
    double loss = 0;
    for (int i = 0; i < n; i++)
        loss += loss_of_one(r, &s[i]);
    extra[0] = s->prepared;
    return loss;
}

static void bco_needs(const double *values, struct needs *n)
{
    if (values[UDM] == 0)
        n->columns = 0;
}

const struct objective objective_bco = {
    .name = "bco",
    .title = "Binary Classifier Optimization",
    .summary =
        "Trains the implicit reward as a classifier of good and bad single responses, around the running mean of "
        "all rewards. Pairs are read as a good and a bad response each.",
    .paper = "Jung et al. 2024, arXiv:2404.04656",
    .formula =
        "R = beta * (log pi(y | x) - log ref(y | x)); delta = mean of all R seen so far\n"
        "loss = -log sigmoid(R - delta) of a good response\n"
        "loss = -w * log sigmoid(-(R - delta)) of a bad one\n"
        "w = 1, or with udm: p / (1 - p) between 0.5 and 10, p = probability that the prompt belongs to good responses",
    .pitfalls =
        "delta remembers the whole run: after a change of beta it follows slowly. udm trains a logistic classifier on "
        "the mean token embeddings of at most 1024 prompts before the first step, with both classes weighing the same; "
        "where good and bad responses share their prompts (as in pairs) its weights are about 1 and it only costs "
        "time.",
    .data = DATA_BINARY | DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE, .columns = COLUMN_PROMPT_ODDS},
    .needs_now = bco_needs,
    .params = params,
    .metrics = metrics,
    .prepare = bco_prepare,
    .loss = bco_loss,
};
