#include "config.h"

#include "stats/annotators.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// The grid that margins are integrated out on: the trapezoidal rule is exact to rounding for posteriors as wide as those of
// a hundred votes.
enum { N_NODES = 161, MAX_ROUNDS = 20000 };
#define NODE_STEP 0.2
#define NODE_MOST 16.0
#define ABILITY_MEAN 1.0
#define ABILITY_VARIANCE 0.25
#define SPREAD_PAIRS 6.0     // what the prior of the spread weighs
#define SPREAD_MODE 4.0      // squared

static double node(int k)
{
    return k * NODE_STEP - NODE_MOST;
}

static double log_logistic(double z)
{
    return z >= 0 ? -log1p(exp(-z)) : z - log1p(exp(z));
}

static double logistic(double z)
{
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

struct em {
    struct annotator_fit *f;
    const struct annotator_vote *votes;
    int n;
    int *order, *first;  // votes by pair: order[first[j]] .. order[first[j + 1] - 1]
    double *log_b;       // (n_annotators, N_NODES): log P(prefers B | margin)
    double *n_at, *b_at; // (n_annotators, N_NODES): expected votes, and votes for B, of pairs with that margin
    double squares;      // expected sum of margin^2 over pairs with votes
    int n_voted;
};

// Votes in the order of their pairs, by counting.
static void sort_votes(struct em *m)
{
    int *at = mem_alloc((size_t)m->f->n_pairs + 1, sizeof *at);
    for (int i = 0; i < m->n; i++)
        m->first[m->votes[i].pair + 1]++;
    for (int j = 0; j < m->f->n_pairs; j++) {
        m->n_voted += m->first[j + 1] > 0;
        m->f->pairs[j].n = m->first[j + 1];
        m->first[j + 1] += m->first[j];
        at[j] = m->first[j];
    }
    for (int i = 0; i < m->n; i++)
        m->order[at[m->votes[i].pair]++] = i;
    free(at);
}

static void tabulate(struct em *m)
{
    for (int i = 0; i < m->f->n_annotators; i++)
        for (int k = 0; k < N_NODES; k++)
            m->log_b[i * N_NODES + k] = log_logistic(m->f->ability[i] * node(k));
}

// P(margin is node k | the pair's votes), adding up to 1. A vote for A at a margin is one for B at its negative.
static void posterior(const struct em *m, int pair, double p[N_NODES])
{
    const double variance = m->f->spread * m->f->spread;
    double largest = -INFINITY, sum = 0;
    for (int k = 0; k < N_NODES; k++)
        p[k] = -node(k) * node(k) / (2 * variance);
    for (int v = m->first[pair]; v < m->first[pair + 1]; v++) {
        const struct annotator_vote *vote = &m->votes[m->order[v]];
        const double *log_b = m->log_b + vote->annotator * N_NODES;
        for (int k = 0; k < N_NODES; k++)
            p[k] += vote->share * log_b[k] + (1 - vote->share) * log_b[N_NODES - 1 - k];
    }
    for (int k = 0; k < N_NODES; k++)
        largest = fmax(largest, p[k]);
    for (int k = 0; k < N_NODES; k++)
        sum += p[k] = exp(p[k] - largest);
    for (int k = 0; k < N_NODES; k++)
        p[k] /= sum;
}

static void expect(struct em *m)
{
    const size_t bytes = (size_t)m->f->n_annotators * N_NODES * sizeof *m->n_at;
    memset(m->n_at, 0, bytes);
    memset(m->b_at, 0, bytes);
    m->squares = 0;
    tabulate(m);
    for (int j = 0; j < m->f->n_pairs; j++) {
        double p[N_NODES];
        if (m->first[j] == m->first[j + 1])
            continue;
        posterior(m, j, p);
        for (int k = 0; k < N_NODES; k++)
            m->squares += p[k] * node(k) * node(k);
        for (int v = m->first[j]; v < m->first[j + 1]; v++) {
            const struct annotator_vote *vote = &m->votes[m->order[v]];
            for (int k = 0; k < N_NODES; k++) {
                m->n_at[vote->annotator * N_NODES + k] += p[k];
                m->b_at[vote->annotator * N_NODES + k] += p[k] * vote->share;
            }
        }
    }
}

// The ability that the expected votes and the prior make most probable; concave, by Newton with steps of at most 1.
static double best_ability(double ability, const double *n_at, const double *b_at)
{
    for (int round = 0; round < 100; round++) {
        double slope = (ABILITY_MEAN - ability) / ABILITY_VARIANCE, curve = 1 / ABILITY_VARIANCE;
        for (int k = 0; k < N_NODES; k++) {
            const double p = logistic(ability * node(k));
            slope += (b_at[k] - n_at[k] * p) * node(k);
            curve += n_at[k] * p * (1 - p) * node(k) * node(k);
        }
        const double step = fmin(fmax(slope / curve, -1), 1);
        ability += step;
        if (fabs(step) < 1e-14)
            break;
    }
    return ability;
}

// Returns the largest change of an ability or of the spread.
static double maximize(struct em *m)
{
    struct annotator_fit *f = m->f;
    const double spread = sqrt((m->squares + SPREAD_PAIRS * SPREAD_MODE) / (m->n_voted + SPREAD_PAIRS));
    double change = fabs(spread - f->spread);
    f->spread = spread;
    for (int i = 0; i < f->n_annotators; i++) {
        const double ability = best_ability(f->ability[i], m->n_at + i * N_NODES, m->b_at + i * N_NODES);
        change = fmax(change, fabs(ability - f->ability[i]));
        f->ability[i] = ability;
    }
    return change;
}

// Where the distribution function of the margin reaches `share`; a node's mass is spread over its cell.
static double margin_at(const double p[N_NODES], double share)
{
    double below = 0;
    int k = 0;
    while (k < N_NODES - 1 && below + p[k] < share)
        below += p[k++];
    return node(k) + (p[k] > 0 ? ((share - below) / p[k] - 0.5) * NODE_STEP : 0);
}

static void describe(const struct em *m, int pair)
{
    struct annotator_pair *out = &m->f->pairs[pair];
    double p[N_NODES];
    posterior(m, pair, p);
    for (int k = 0; k < N_NODES; k++) {
        out->share += p[k] * logistic(node(k));
        out->margin += p[k] * node(k);
        out->p_b += node(k) > NODE_STEP / 2 ? p[k] : k == N_NODES / 2 ? p[k] / 2 : 0;
    }
    out->interval = (struct interval){logistic(margin_at(p, 0.025)), logistic(margin_at(p, 0.975))};
}

void annotator_fit_fini(struct annotator_fit *f)
{
    free(f->ability);
    free(f->pairs);
    *f = (struct annotator_fit){0};
}

int annotators_fit(struct annotator_fit *f, int n_annotators, int n_pairs, const struct annotator_vote *votes, int n,
                   struct err *e)
{
    *f = (struct annotator_fit){.n_annotators = n_annotators, .n_pairs = n_pairs, .spread = sqrt(SPREAD_MODE)};
    struct em m = {.f = f, .votes = votes, .n = n};
    const size_t cells = (size_t)n_annotators * N_NODES + 1;
    int code = ERR_LIMIT;
    if ((f->ability = mem_try_alloc((size_t)n_annotators + 1, sizeof *f->ability, "abilities of annotators", e)) &&
        (f->pairs = mem_try_alloc((size_t)n_pairs + 1, sizeof *f->pairs, "shares of pairs", e)) &&
        (m.order = mem_try_alloc((size_t)n + 1, sizeof *m.order, "votes by pair", e)) &&
        (m.first = mem_try_alloc((size_t)n_pairs + 2, sizeof *m.first, "votes by pair", e)) &&
        (m.log_b = mem_try_alloc(cells, sizeof *m.log_b, "the grid of annotators", e)) &&
        (m.n_at = mem_try_alloc(cells, sizeof *m.n_at, "the grid of annotators", e)) &&
        (m.b_at = mem_try_alloc(cells, sizeof *m.b_at, "the grid of annotators", e)))
        code = 0;
    for (int i = 0; i < n_annotators && !code; i++)
        f->ability[i] = ABILITY_MEAN;
    if (!code) {
        sort_votes(&m);
        while (!f->converged && f->n_rounds < MAX_ROUNDS) {
            expect(&m);
            f->converged = maximize(&m) < 1e-12;
            f->n_rounds++;
        }
        tabulate(&m);
        for (int j = 0; j < n_pairs; j++)
            describe(&m, j);
    }
    free(m.order);
    free(m.first);
    free(m.log_b);
    free(m.n_at);
    free(m.b_at);
    if (code)
        annotator_fit_fini(f);
    return code;
}
