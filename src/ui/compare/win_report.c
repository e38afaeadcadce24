#include "config.h"

#include "ui/compare/win_report.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/bias.h"

enum { N_DRAWS = 1000, SEED = 1 };

// An answer to a pair whose answers two models gave.
struct ballot {
    int a, b;             // models, a < b
    int order;            // when it was given
    struct win_vote vote; // for a
    bool is_a_first;
};

static int by_models(const void *x, const void *y)
{
    const struct ballot *p = x, *q = y;
    return p->a != q->a ? p->a - q->a : p->b != q->b ? p->b - q->b : p->order - q->order;
}

bool win_ballot(const struct judged_votes *v, int at, struct win_vote *out)
{
    const struct judged_vote *vote = &v->votes[at];
    const struct judged_text *p = &v->pairs[vote->pair];
    const bool is_graded = verdict_is_graded(vote->verdict);
    if (p->model_a < 0 || p->model_b < 0 || p->model_a == p->model_b || vote->is_repeat ||
        (!is_graded && vote->verdict != VERDICT_BOTH_BAD))
        return false;
    const double share = vote->verdict < VERDICT_TIE ? 1 : vote->verdict > VERDICT_TIE ? 0 : 0.5;
    *out = (struct win_vote){is_graded ? share : WIN_BOTH_BAD, (double)p->length_gap, p->prompt};
    return true;
}

// All that count, those of the same two models together. The caller frees.
static struct ballot *ballots_of(const struct judged_votes *v, int *n)
{
    struct ballot *list = mem_alloc((size_t)v->n_votes + 1, sizeof *list);
    *n = 0;
    for (int i = 0; i < v->n_votes; i++) {
        const struct judged_vote *vote = &v->votes[i];
        const struct judged_text *p = &v->pairs[vote->pair];
        const bool turn = p->model_a > p->model_b;
        struct win_vote seen;
        if (!win_ballot(v, i, &seen))
            continue;
        if (turn)
            seen =
                (struct win_vote){seen.share == WIN_BOTH_BAD ? WIN_BOTH_BAD : 1 - seen.share, -seen.length_gap, p->prompt};
        list[(*n)++] = (struct ballot){.a = turn ? p->model_b : p->model_a, .b = turn ? p->model_a : p->model_b, .order = i,
                                       .vote = seen, .is_a_first = vote->swapped == turn};
    }
    qsort(list, (size_t)*n, sizeof *list, by_models);
    return list;
}

// Being a's answer, and being shown first: each judgement is two answers.
static double side_correlation(const struct ballot *list, int n)
{
    double *is_a = mem_alloc(2 * (size_t)n + 1, sizeof *is_a), *is_first = mem_alloc(2 * (size_t)n + 1, sizeof *is_first);
    for (int i = 0; i < n; i++) {
        is_a[2 * i] = 1;
        is_first[2 * i] = list[i].is_a_first;
        is_first[2 * i + 1] = !list[i].is_a_first;
    }
    const double r = correlation(is_a, is_first, 2 * n);
    free(is_first);
    free(is_a);
    return r;
}

static struct win_two compare_two(const struct ballot *list, int n, double level, struct win_vote *votes)
{
    struct win_two two = {.a = list->a, .b = list->b, .side_r = side_correlation(list, n)};
    int count = 0;
    double sum = 0;
    for (int i = 0; i < n; i++)
        if (list[i].vote.share != WIN_BOTH_BAD) {
            sum += list[i].vote.share;
            votes[count++] = list[i].vote;
        }
    two.n_both_bad = n - count;
    if (2 * sum < count) { // seen from the other side
        two.a = list->b;
        two.b = list->a;
        two.side_r = -two.side_r;
        for (int i = 0; i < count; i++)
            votes[i] = (struct win_vote){1 - votes[i].share, -votes[i].length_gap, votes[i].cluster};
    }
    two.votes = mem_alloc((size_t)count + 1, sizeof *two.votes);
    for (int i = 0; i < count; i++)
        two.votes[i] = votes[i];
    two.rate = win_rate_of(votes, count, level);
    two.bootstrap = win_rate_bootstrap(votes, count, level, N_DRAWS, SEED);
    two.sign_p = binomial_test(two.rate.wins, two.rate.wins + two.rate.losses, 0.5);
    two.length = win_rate_length_controlled(votes, count, level);
    two.sequence = sequential_of(votes, count, 1 - level);
    return two;
}

static int most_votes_first(const void *x, const void *y)
{
    const struct win_two *p = x, *q = y;
    return p->rate.n != q->rate.n ? q->rate.n - p->rate.n : p->a != q->a ? p->a - q->a : p->b - q->b;
}

static int fit_strengths(struct win_report *r, const struct ballot *list, int n, int n_models, struct err *e)
{
    struct bt_vote *votes = mem_alloc((size_t)n + 1, sizeof *votes);
    int *player = mem_alloc((size_t)n_models + 1, sizeof *player), n_players = 0,
        count = 0; // of a model, from 1; 0: none yet
    r->players = mem_alloc((size_t)n_models + 1, sizeof *r->players);
    for (int i = 0; i < n; i++) {
        const int models[] = {list[i].a, list[i].b};
        if (list[i].vote.share == WIN_BOTH_BAD)
            continue;
        for (int k = 0; k < 2; k++)
            if (!player[models[k]]) {
                r->players[n_players] = models[k];
                player[models[k]] = ++n_players;
            }
        votes[count++] =
            (struct bt_vote){player[list[i].a] - 1, player[list[i].b] - 1, list[i].vote.share, list[i].vote.cluster};
    }
    const int code = bt_fit(&r->strengths, n_players, votes, count, r->level, e);
    free(player);
    free(votes);
    return code;
}

void win_report_fini(struct win_report *r)
{
    bt_fini(&r->strengths);
    for (int i = 0; i < r->n_twos; i++)
        free(r->twos[i].votes);
    free(r->players);
    free(r->twos);
    *r = (struct win_report){0};
}

int win_report_make(struct win_report *r, const struct judged_votes *v, double level, struct err *e)
{
    *r = (struct win_report){.level = level};
    int n, cap = 0;
    struct ballot *list = ballots_of(v, &n);
    struct win_vote *votes = mem_alloc((size_t)n + 1, sizeof *votes);
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && list[end].a == list[i].a && list[end].b == list[i].b;)
            end++;
        MEM_GROW(r->twos, r->n_twos, cap);
        r->twos[r->n_twos++] = compare_two(list + i, end - i, level, votes);
    }
    if (r->n_twos)
        qsort(r->twos, (size_t)r->n_twos, sizeof *r->twos, most_votes_first);
    const int code = fit_strengths(r, list, n, v->n_models, e);
    free(votes);
    free(list);
    if (code)
        win_report_fini(r);
    return code;
}
