// DPO on pairs that the policy makes itself, and imitation of its own best answers.
#include "config.h"

#include "corpus/corpus.h"
#include "corpus/diversity.h"
#include "train/objective/margin.h"
#include "train/objective/picks.h"
#include "train/objective/policy_gradient.h"

enum { SAMPLES, BETA, LOSS, CHOICE, POOL };
enum { BEST_WORST, DIVERSE };

// How surprising an answer is to the policy, a token: what nobody else says is surprising.
static double surprise(const struct said *s)
{
    double sum = 0;
    for (int t = 0; t < s->n; t++)
        sum -= (double)s->logp[t];
    return sum / s->n;
}

static int pick_diverse(const struct objective_run *r, const struct said *said, int n, int *taken, double *labels)
{
    double scores[MOST_SAMPLES], diversity[MOST_SAMPLES];
    BUG_IF(n > MOST_SAMPLES);
    for (int i = 0; i < n; i++) {
        scores[i] = said[i].score;
        diversity[i] = surprise(&said[i]);
    }
    labels[0] = 1;
    labels[1] = 0;
    return diverse_pair(scores, diversity, n, r->values[POOL], &taken[0], &taken[1]) ? 2 : 0;
}

static int pick_pair(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                     double *labels)
{
    return (int)r->values[CHOICE] == DIVERSE ? pick_diverse(r, said, n, taken, labels)
                                             : pick_best_and_worst(said, n, taken, labels);
}

static int pick_best(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                     double *labels)
{
    taken[0] = best_said(said, n);
    labels[0] = 1;
    return 1;
}

static const char *const losses[] = {"sigmoid", "ipo", NULL};
static const char *const choices[] = {"best-worst", "divpo", NULL};
static const struct param pair_params[] = {
    [SAMPLES] = PG_SAMPLES("2", 2),
    [BETA] = MARGIN_BETA,
    [LOSS] = {.name = "pair-loss", .type = PARAM_CHOICE, .fallback = "sigmoid", .choices = losses, .group = "objective",
              .help = "What is learnt from a pair: DPO's logistic loss, or IPO's square, which asks for a margin and "
                      "no more."},
    [CHOICE] = {.name = "pair-choice", .type = PARAM_CHOICE, .fallback = "best-worst", .choices = choices,
                .group = "objective",
                .help = "Which two of the answers make the pair: the best and the worst, or (DivPO) of the better ones the "
                        "most surprising and of the worse ones the least, so that more different things are said."},
    [POOL] = {.name = "pool", .type = PARAM_FLOAT, .fallback = "0.25", .min = 0.01, .max = 0.5, .group = "objective",
              .help = "With pair-choice divpo: the share of the answers that count as the better ones, and as the "
                      "worse ones."},
    {0}};
static const struct param best_params[] = {PG_SAMPLES("8", 1), {0}};

// IPO's tau is beta: (a - b - 1 / (2 beta))^2, with a - b = z / beta.
static double pair_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA];
    const struct margin m = margin_of(s, beta, SCORE_RATIO);
    if ((int)r->values[LOSS] == 0)
        return margin_send(s, m, (struct curve){softplus(-m.z), -sigmoid(-m.z)});
    const double off = m.z / beta - 1 / (2 * beta);
    return margin_send(s, m, (struct curve){off * off, 2 * off / beta});
}

static double best_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    s[0].d_logp = -1.0 / s[0].n;
    return -s[0].logp / s[0].n;
}

static const struct online pairs = {.pick = pick_pair, .n_picked = 2, .by_order = true},
                          best = {.pick = pick_best, .n_picked = 1, .by_order = true};

const struct objective objective_online_dpo = {
    .name = "online-dpo",
    .title = "Online DPO",
    .summary = "Samples answers to each prompt, lets the reward say which is best and which is worst, and makes a step of "
               "DPO on that pair: the pairs are always of what the model says now.",
    .paper = "Guo et al. 2024 (OAIF), arXiv:2402.04792; iterative: Xiong et al. 2023, arXiv:2312.11456",
    .formula = "chosen, rejected: the answers with the highest and the lowest score of `samples` ones; with pair-choice "
               "divpo (Lanchantin et al. 2025, arXiv:2501.18101) of the `pool` with the highest scores the one with the "
               "largest -log pi / tokens, of the pool with the lowest the one with the least\n" FORMULA_MARGIN
               "loss = -log sigmoid(z); with pair-loss ipo (a - b - 1 / (2 * beta))^2",
    .pitfalls = "A prompt whose answers all score the same is left out of its batch. The reward says only which is better: "
                "how much better is lost, and near ties are learnt like clear cases. Its optimum is KL-bound, so minorities "
                "are driven out as by dpo. More samples make clearer pairs, and an iterative best-against-worst DPO.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE},
    .online = &pairs,
    .log_odds = true,
    .params = pair_params,
    .loss = pair_loss,
};
const struct objective objective_best_of_n = {
    .name = "best-of-n",
    .title = "Best-of-n distillation",
    .summary = "Samples several answers to each prompt and imitates the best: the simplest way to a higher reward, with no "
               "negative examples that could push other text up.",
    .paper = "Dong et al. 2023 (RAFT), arXiv:2304.06767; Gui et al. 2024 (BoNBoN), arXiv:2406.00832",
    .formula = "best: the answer with the highest score of `samples` ones\nloss = -log pi(best) / tokens",
    .pitfalls = "Nothing holds the model to the reference but few steps and a small learning rate: KL grows by up to log n "
                "- (n - 1) / n a round. What is never sampled is never learnt, and variety goes first.",
    .data = DATA_PROMPT,
    .online = &best,
    .params = best_params,
    .loss = best_loss,
};
