#include "config.h"

#include "stats/bradley_terry.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/cholesky.h"
#include "stats/clusters.h"
#include "stats/special.h"

enum { MAX_PLAYERS = 500 };

// wins[a * n + b]: votes for a against b, ties as halves: all that the strengths follow from.
struct table {
    int n;
    double *wins;
    int *group; // (n), each the number of its group
    int n_groups;
};

static double met(const struct table *t, int a, int b)
{
    return t->wins[a * t->n + b] + t->wins[b * t->n + a];
}

// Marks what can be reached from `from` along won games (or lost ones, or any).
enum direction { WON, LOST, ANY };
static int reach(const struct table *t, int from, enum direction d, bool *is_reached, int *queue)
{
    int n = 1;
    memset(is_reached, 0, (size_t)t->n * sizeof *is_reached);
    is_reached[from] = true;
    queue[0] = from;
    for (int at = 0; at < n; at++)
        for (int b = 0; b < t->n; b++) {
            const int a = queue[at];
            const double games = d == WON ? t->wins[a * t->n + b] : d == LOST ? t->wins[b * t->n + a] : met(t, a, b);
            if (!is_reached[b] && games > 0) {
                is_reached[b] = true;
                queue[n++] = b;
            }
        }
    return n;
}

// Numbers the groups. True when strengths are finite: in every group each is ahead of each other over some chain of won
// games (Ford 1957).
static bool find_groups(struct table *t)
{
    bool *is_reached = mem_alloc((size_t)t->n + 1, sizeof *is_reached), is_finite = true;
    int *queue = mem_alloc((size_t)t->n + 1, sizeof *queue);
    for (int i = 0; i < t->n; i++)
        t->group[i] = -1;
    for (int i = 0; i < t->n; i++) {
        if (t->group[i] >= 0)
            continue;
        const int size = reach(t, i, ANY, is_reached, queue);
        for (int k = 0; k < size; k++)
            t->group[queue[k]] = t->n_groups;
        t->n_groups++;
        if (reach(t, i, WON, is_reached, queue) < size || reach(t, i, LOST, is_reached, queue) < size)
            is_finite = false;
    }
    free(queue);
    free(is_reached);
    return is_finite;
}

static double beats(double gap)
{
    return gap >= 0 ? 1 / (1 + exp(-gap)) : exp(gap) / (1 + exp(gap));
}

static double log_beats(double gap)
{
    return gap >= 0 ? -log1p(exp(-gap)) : gap - log1p(exp(gap));
}

static double log_likelihood(const struct table *t, const double *s)
{
    double sum = 0;
    for (int a = 0; a < t->n; a++)
        for (int b = 0; b < t->n; b++)
            if (t->wins[a * t->n + b] > 0)
                sum += t->wins[a * t->n + b] * log_beats(s[a] - s[b]);
    return sum;
}

// Minus the second derivative, with 1/size between all of a group: regular, and the same on differences within groups.
static void information(const struct table *t, const double *s, double *matrix, double *gradient)
{
    const int n = t->n;
    memset(gradient, 0, (size_t)n * sizeof *gradient);
    for (int a = 0; a < n; a++) {
        int size = 0;
        for (int b = 0; b < n; b++)
            size += t->group[b] == t->group[a];
        for (int b = 0; b < n; b++)
            matrix[a * n + b] = t->group[b] == t->group[a] ? 1.0 / size : 0;
    }
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++)
            if (a != b && met(t, a, b) > 0) {
                const double p = beats(s[a] - s[b]), weight = met(t, a, b) * p * (1 - p);
                matrix[a * n + a] += weight;
                matrix[a * n + b] -= weight;
                gradient[a] += t->wins[a * n + b] - met(t, a, b) * p;
            }
}

// Leaves the factor of the information at the end in `matrix`; false where there is none, since somebody is so far ahead
// that rounding decides by how much.
static bool climb(const struct table *t, double *s, double *matrix)
{
    double *step = mem_alloc((size_t)t->n + 1, sizeof *step), *next = mem_alloc((size_t)t->n + 1, sizeof *next);
    double value = log_likelihood(t, s);
    for (int round = 0; round < 100; round++) {
        double scale = 2, largest = 0, at_next = -INFINITY;
        information(t, s, matrix, step);
        if (!cholesky(matrix, t->n))
            break;
        cholesky_solve(matrix, t->n, step);
        const double enough = value - 1e-12 * fabs(value); // rounding: the last steps change it by less
        while (!(at_next >= enough) && scale > 1e-6) {     // concave: some part of the step is no step back
            scale /= 2;
            for (int i = 0; i < t->n; i++)
                next[i] = s[i] + scale * step[i];
            at_next = log_likelihood(t, next);
        }
        for (int i = 0; i < t->n; i++)
            largest = fmax(largest, fabs(step[i]));
        if (largest < 1e-13 || !(at_next >= enough))
            break;
        memcpy(s, next, (size_t)t->n * sizeof *s);
        value = at_next;
    }
    information(t, s, matrix, step);
    const bool is_sure = cholesky(matrix, t->n);
    free(next);
    free(step);
    return is_sure;
}

// The sandwich: what each cluster moves the strengths by, squared and added up.
static void cover(struct bt_fit *f, const struct bt_vote *votes, int n, const double *factor)
{
    int *cluster = mem_alloc((size_t)n + 1, sizeof *cluster);
    const int n_clusters = n ? clusters_number(&votes->cluster, sizeof *votes, n, cluster) : 0, players = f->n_players;
    double *moved = mem_alloc((size_t)n_clusters * (size_t)players + 1, sizeof *moved);
    for (int i = 0; i < n; i++) {
        const struct bt_vote *v = &votes[i];
        const double residual = v->share - beats(f->players[v->a].strength - f->players[v->b].strength);
        moved[cluster[i] * players + v->a] += residual;
        moved[cluster[i] * players + v->b] -= residual;
    }
    for (int c = 0; c < n_clusters; c++) {
        double *m = moved + c * players;
        cholesky_solve(factor, players, m);
        for (int a = 0; a < players; a++)
            for (int b = 0; b < players; b++)
                f->covariance[a * players + b] += m[a] * m[b];
    }
    for (int i = 0; i < players * players; i++)
        f->covariance[i] = n_clusters > 1 ? f->covariance[i] * n_clusters / (n_clusters - 1.0) : NAN;
    free(moved);
    free(cluster);
}

void bt_fini(struct bt_fit *f)
{
    free(f->players);
    free(f->covariance);
    *f = (struct bt_fit){0};
}

static void fit(struct bt_fit *f, struct table *t, const struct bt_vote *votes, int n, double level)
{
    const int players = f->n_players;
    const size_t size = (size_t)players;
    double *s = mem_alloc(size + 1, sizeof *s), *matrix = mem_alloc(size * size + 1, sizeof *matrix);
    for (int i = 0; i < n; i++) {
        t->wins[votes[i].a * players + votes[i].b] += votes[i].share;
        t->wins[votes[i].b * players + votes[i].a] += 1 - votes[i].share;
        f->players[votes[i].a].n++;
        f->players[votes[i].b].n++;
    }
    f->is_held = !find_groups(t);
    f->n_groups = t->n_groups;
    for (int a = 0; a < players && f->is_held; a++)
        for (int b = 0; b < a; b++)
            if (met(t, a, b) > 0) {
                t->wins[a * players + b] += 0.5;
                t->wins[b * players + a] += 0.5;
            }
    const bool is_sure = climb(t, s, matrix);
    for (int i = 0; i < players; i++) {
        f->players[i].strength = s[i];
        f->players[i].group = t->group[i];
    }
    if (is_sure)
        cover(f, votes, n, matrix);
    for (int i = 0; i < players * players && !is_sure; i++)
        f->covariance[i] = NAN;
    const double z = normal_quantile((1 + level) / 2);
    for (int i = 0; i < players; i++) {
        struct bt_player *p = &f->players[i];
        p->std_error = sqrt(f->covariance[i * players + i]);
        p->interval = (struct interval){p->strength - z * p->std_error, p->strength + z * p->std_error};
    }
    free(matrix);
    free(s);
}

int bt_fit(struct bt_fit *f, int n_players, const struct bt_vote *votes, int n, double level, struct err *e)
{
    *f = (struct bt_fit){0};
    if (n_players > MAX_PLAYERS)
        return err_set(e, ERR_LIMIT, "strengths are fitted for at most %d models, here are %d", MAX_PLAYERS, n_players);
    const size_t size = (size_t)n_players;
    struct table t = {.n = n_players};
    t.wins = mem_alloc(size * size + 1, sizeof *t.wins);
    t.group = mem_alloc(size + 1, sizeof *t.group);
    f->n_players = n_players;
    f->players = mem_alloc(size + 1, sizeof *f->players);
    f->covariance = mem_alloc(size * size + 1, sizeof *f->covariance);
    fit(f, &t, votes, n, level);
    free(t.group);
    free(t.wins);
    return 0;
}

double bt_beats(const struct bt_fit *f, int a, int b, double level, struct interval *out)
{
    const int n = f->n_players;
    *out = (struct interval){0, 1};
    if (f->players[a].group != f->players[b].group)
        return NAN;
    const double gap = f->players[a].strength - f->players[b].strength,
                 variance = f->covariance[a * n + a] + f->covariance[b * n + b] - 2 * f->covariance[a * n + b],
                 half = normal_quantile((1 + level) / 2) * sqrt(fmax(variance, 0));
    if (!isnan(variance))
        *out = (struct interval){beats(gap - half), beats(gap + half)};
    return beats(gap);
}

// ---- whose order is uncertain ----

static struct bt_pair doubt_of(const struct bt_fit *f, int x, int y, double level)
{
    const struct bt_player *p = f->players;
    const bool turn = p[y].group == p[x].group && p[y].strength > p[x].strength;
    struct bt_pair pair = {.a = turn ? y : x, .b = turn ? x : y, .n = p[x].n + p[y].n, .doubt = 0.5};
    const int n = f->n_players, a = pair.a, b = pair.b;
    const double gap = p[a].strength - p[b].strength,
                 variance = f->covariance[a * n + a] + f->covariance[b * n + b] - 2 * f->covariance[a * n + b];
    pair.beats = bt_beats(f, a, b, level, &pair.interval);
    if (!isnan(pair.beats) && !isnan(variance) && gap > 0)
        pair.doubt = normal_tail(gap / sqrt(fmax(variance, 0)));
    return pair;
}

static int most_doubtful_first(const void *x, const void *y)
{
    const struct bt_pair *p = x, *q = y;
    if (p->doubt != q->doubt)
        return p->doubt < q->doubt ? 1 : -1;
    if (p->n != q->n)
        return p->n - q->n;
    return p->a != q->a ? p->a - q->a : p->b - q->b;
}

struct bt_pair *bt_doubts(const struct bt_fit *f, double level, int *n)
{
    const int players = f->n_players;
    struct bt_pair *list = mem_alloc((size_t)players * (size_t)players / 2 + 1, sizeof *list);
    *n = 0;
    for (int a = 0; a < players; a++)
        for (int b = a + 1; b < players; b++)
            list[(*n)++] = doubt_of(f, a, b, level);
    qsort(list, (size_t)*n, sizeof *list, most_doubtful_first);
    return list;
}
