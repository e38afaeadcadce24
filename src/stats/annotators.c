#include "config.h"

#include "stats/annotators.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/cholesky.h"

// The grid that margins are integrated out on: the trapezoidal rule is exact to rounding for posteriors as wide as those of
// a hundred votes.
enum { N_NODES = 161, FIRST_ROUNDS = 3, MAX_ROUNDS = 500 };
#define NODE_STEP 0.2
#define NODE_MOST 16.0
#define ABILITY_MEAN 1.0
#define ABILITY_VARIANCE 0.25
#define SPREAD_PAIRS 6.0 // what the prior of the spread weighs
#define SPREAD_MODE 4.0  // squared

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
    int *order, *first; // votes by pair: order[first[j]] .. order[first[j + 1] - 1]
    double *b, *log_b;   // (n_annotators, N_NODES): P(prefers B | margin), and its log
    int n_voted;
    // What the last expect() found at the abilities and spread of *f.
    double value;        // log of their posterior density, but for a constant
    double *n_at, *b_at; // (n_annotators, N_NODES): expected votes, and votes for B, of pairs with that margin
    double squares;      // expected sum of margin^2 over pairs with votes
    double *information; // (n_annotators + 1, same): minus the second derivative, by ability and log spread
    double *at;          // (n_annotators + 1): where a step began
    double *step;        // (n_annotators + 1)
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
        for (int k = 0; k < N_NODES; k++) {
            m->log_b[i * N_NODES + k] = log_logistic(m->f->ability[i] * node(k));
            m->b[i * N_NODES + k] = logistic(m->f->ability[i] * node(k));
        }
}

// P(margin is node k | the pair's votes), adding up to 1. A vote for A at a margin is one for B at its negative. Returns
// the log of what it was divided by: of the votes' probability, but for a constant.
static double posterior(const struct em *m, int pair, double p[N_NODES])
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
    return largest + log(sum) - log(m->f->spread);
}

enum { MAX_SCORES = 40 };
// The derivatives of a pair's votes by each ability that they show, and last by the log spread, at every node. Of more
// annotators than there is room for the first count: a step is a little shorter then, and leads to the same end. Returns
// how many.
static int scores_of(const struct em *m, int pair, double scores[MAX_SCORES][N_NODES], int who[MAX_SCORES])
{
    int n = 0;
    for (int v = m->first[pair]; v < m->first[pair + 1]; v++) {
        const struct annotator_vote *vote = &m->votes[m->order[v]];
        int at = 0;
        while (at < n && who[at] != vote->annotator)
            at++;
        if (at == MAX_SCORES - 1)
            continue;
        if (at == n) {
            who[n] = vote->annotator;
            memset(scores[n++], 0, sizeof scores[0]);
        }
        for (int k = 0; k < N_NODES; k++)
            scores[at][k] += (vote->share - m->b[vote->annotator * N_NODES + k]) * node(k);
    }
    who[n] = m->f->n_annotators;
    for (int k = 0; k < N_NODES; k++)
        scores[n][k] = node(k) * node(k) / (m->f->spread * m->f->spread);
    return n + 1;
}

// What is not known of a pair's margin takes from the information: the covariance of its scores (Louis 1982).
static void subtract_missing(struct em *m, int pair, const double p[N_NODES])
{
    double scores[MAX_SCORES][N_NODES], weighted[N_NODES], means[MAX_SCORES] = {0};
    int who[MAX_SCORES];
    const int size = m->f->n_annotators + 1, n = scores_of(m, pair, scores, who);
    for (int v = 0; v < n; v++)
        for (int k = 0; k < N_NODES; k++)
            means[v] += p[k] * scores[v][k];
    for (int v = 0; v < n; v++) {
        for (int k = 0; k < N_NODES; k++)
            weighted[k] = p[k] * (scores[v][k] - means[v]);
        for (int w = 0; w <= v; w++) {
            double covariance = 0;
            for (int k = 0; k < N_NODES; k++)
                covariance += weighted[k] * scores[w][k];
            m->information[who[v] * size + who[w]] -= covariance;
            if (v != w)
                m->information[who[w] * size + who[v]] -= covariance;
        }
    }
}

// The priors' part of the value, and what there would be to know if margins were known.
static void add_complete(struct em *m)
{
    const int n = m->f->n_annotators, size = n + 1;
    const double variance = m->f->spread * m->f->spread;
    m->value -= SPREAD_PAIRS * (log(m->f->spread) + SPREAD_MODE / (2 * variance));
    m->information[n * size + n] += 2 * (m->squares + SPREAD_PAIRS * SPREAD_MODE) / variance;
    for (int i = 0; i < n; i++) {
        double sum = 1 / ABILITY_VARIANCE;
        for (int k = 0; k < N_NODES; k++) {
            const double b = m->b[i * N_NODES + k];
            sum += m->n_at[i * N_NODES + k] * b * (1 - b) * node(k) * node(k);
        }
        m->information[i * size + i] += sum;
        m->value -= (m->f->ability[i] - ABILITY_MEAN) * (m->f->ability[i] - ABILITY_MEAN) / (2 * ABILITY_VARIANCE);
    }
}

static void expect(struct em *m)
{
    const int size = m->f->n_annotators + 1;
    const size_t bytes = (size_t)m->f->n_annotators * N_NODES * sizeof *m->n_at;
    memset(m->n_at, 0, bytes);
    memset(m->b_at, 0, bytes);
    memset(m->information, 0, (size_t)size * (size_t)size * sizeof *m->information);
    m->squares = m->value = 0;
    tabulate(m);
    for (int j = 0; j < m->f->n_pairs; j++) {
        double p[N_NODES];
        if (m->first[j] == m->first[j + 1])
            continue;
        m->value += posterior(m, j, p);
        for (int k = 0; k < N_NODES; k++)
            m->squares += p[k] * node(k) * node(k);
        for (int v = m->first[j]; v < m->first[j + 1]; v++) {
            const struct annotator_vote *vote = &m->votes[m->order[v]];
            for (int k = 0; k < N_NODES; k++) {
                m->n_at[vote->annotator * N_NODES + k] += p[k];
                m->b_at[vote->annotator * N_NODES + k] += p[k] * vote->share;
            }
        }
        subtract_missing(m, j, p);
    }
    add_complete(m);
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

// What the expectations make most probable: never less than before.
static void maximize(struct em *m)
{
    struct annotator_fit *f = m->f;
    f->spread = sqrt((m->squares + SPREAD_PAIRS * SPREAD_MODE) / (m->n_voted + SPREAD_PAIRS));
    for (int i = 0; i < f->n_annotators; i++)
        f->ability[i] = best_ability(f->ability[i], m->n_at + i * N_NODES, m->b_at + i * N_NODES);
}

// The step that Newton's method makes from here, into m->step, cut to lengths of at most 1; false where the curvature is of
// the wrong kind. The gradient is that of the expectations (Fisher's identity).
static bool newton(struct em *m)
{
    const int n = m->f->n_annotators;
    const double variance = m->f->spread * m->f->spread;
    double largest = 1;
    for (int i = 0; i < n; i++) {
        m->step[i] = (ABILITY_MEAN - m->f->ability[i]) / ABILITY_VARIANCE;
        for (int k = 0; k < N_NODES; k++) {
            const int at = i * N_NODES + k;
            m->step[i] += (m->b_at[at] - m->n_at[at] * m->b[at]) * node(k);
        }
    }
    m->step[n] = (m->squares + SPREAD_PAIRS * SPREAD_MODE) / variance - m->n_voted - SPREAD_PAIRS;
    if (!cholesky(m->information, n + 1))
        return false;
    cholesky_solve(m->information, n + 1, m->step);
    for (int i = 0; i <= n; i++)
        largest = fmax(largest, fabs(m->step[i]));
    for (int i = 0; i <= n; i++)
        m->step[i] /= largest;
    return true;
}

// EM climbs from everywhere, but slowly at the end, where abilities and spread make up for one another; Newton's method is
// quick there. So Newton steps are tried, and one that leads down or nowhere is taken back for a step of EM. From expect()
// to expect().
static void climb(struct em *m)
{
    struct annotator_fit *f = m->f;
    const int n = f->n_annotators;
    const double before = m->value;
    double largest = 0;
    memcpy(m->at, f->ability, (size_t)n * sizeof *m->at);
    m->at[n] = f->spread;
    if (f->n_rounds >= FIRST_ROUNDS && newton(m)) {
        for (int i = 0; i < n; i++)
            f->ability[i] += m->step[i];
        f->spread *= exp(m->step[n]);
        for (int i = 0; i <= n; i++)
            largest = fmax(largest, fabs(m->step[i]));
        expect(m);
        f->converged = largest < 1e-8; // and what is left is its square
        if (m->value >= before - 1e-10 * fabs(before))
            return;
        memcpy(f->ability, m->at, (size_t)n * sizeof *m->at);
        f->spread = m->at[n];
        expect(m);
    }
    maximize(m);
    expect(m);
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
    const size_t cells = (size_t)n_annotators * N_NODES + 1, size = (size_t)n_annotators + 1;
    int code = ERR_LIMIT;
    if ((f->ability = mem_try_alloc((size_t)n_annotators + 1, sizeof *f->ability, "abilities of annotators", e)) &&
        (f->pairs = mem_try_alloc((size_t)n_pairs + 1, sizeof *f->pairs, "shares of pairs", e)) &&
        (m.order = mem_try_alloc((size_t)n + 1, sizeof *m.order, "votes by pair", e)) &&
        (m.first = mem_try_alloc((size_t)n_pairs + 2, sizeof *m.first, "votes by pair", e)) &&
        (m.log_b = mem_try_alloc(cells, sizeof *m.log_b, "the grid of annotators", e)) &&
        (m.b = mem_try_alloc(cells, sizeof *m.b, "the grid of annotators", e)) &&
        (m.n_at = mem_try_alloc(cells, sizeof *m.n_at, "the grid of annotators", e)) &&
        (m.b_at = mem_try_alloc(cells, sizeof *m.b_at, "the grid of annotators", e)) &&
        (m.information =
             mem_try_alloc(size * size, sizeof *m.information, "what every two annotators have in common", e)) &&
        (m.at = mem_try_alloc(size, sizeof *m.at, "abilities of annotators", e)) &&
        (m.step = mem_try_alloc(size, sizeof *m.step, "abilities of annotators", e)))
        code = 0;
    for (int i = 0; i < n_annotators && !code; i++)
        f->ability[i] = ABILITY_MEAN;
    if (!code) {
        sort_votes(&m);
        expect(&m);
        for (; !f->converged && f->n_rounds < MAX_ROUNDS; f->n_rounds++)
            climb(&m);
        tabulate(&m);
        for (int j = 0; j < n_pairs; j++)
            describe(&m, j);
    }
    free(m.order);
    free(m.first);
    free(m.b);
    free(m.log_b);
    free(m.n_at);
    free(m.b_at);
    free(m.information);
    free(m.at);
    free(m.step);
    if (code)
        annotator_fit_fini(f);
    return code;
}
