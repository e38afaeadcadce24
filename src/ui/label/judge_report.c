#include "config.h"

#include "ui/label/judge_report.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

#define LEVEL 0.95

static int side_of(enum verdict v)
{
    return (v > VERDICT_TIE) - (v < VERDICT_TIE);
}

// For A, as shares are counted.
static double share_of(enum verdict v)
{
    return (1 - side_of(v)) / 2.0;
}

// Whether the answer is a vote on a question: no repeat, and no attention check, on which all agree who look at it.
static bool is_vote(const struct judged_votes *v, const struct judged_vote *vote)
{
    return !vote->is_repeat && isnan(v->pairs[vote->pair].known);
}

// ---- two answers to the same pair ----

struct matching {
    struct judge_match match;
    double *sides, *grades; // (n_graded, 2)
    int n_graded, cap, cap_sides;
};

static void match_add(struct matching *m, enum verdict x, enum verdict y)
{
    m->match.n++;
    m->match.n_same += x == y;
    if (!verdict_is_graded(x) || !verdict_is_graded(y))
        return;
    if (side_of(x) && side_of(y)) {
        m->match.n_sided++;
        m->match.n_side += side_of(x) == side_of(y);
    }
    if (m->n_graded == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 16;
        m->sides = mem_realloc(m->sides, 2 * (size_t)m->cap, sizeof *m->sides);
        m->grades = mem_realloc(m->grades, 2 * (size_t)m->cap, sizeof *m->grades);
    }
    const int at = 2 * m->n_graded++;
    m->sides[at] = side_of(x);
    m->sides[at + 1] = side_of(y);
    m->grades[at] = x;
    m->grades[at + 1] = y;
}

static struct judge_match match_end(struct matching *m)
{
    m->match.kappa = agreement_of_two(m->sides, m->n_graded, 2, 0, 1, AGREE_NOMINAL).kappa;
    m->match.weighted = agreement_of_two(m->grades, m->n_graded, 2, 0, 1, AGREE_QUADRATIC).kappa;
    free(m->sides);
    free(m->grades);
    return m->match;
}

// Answers by pair: those of pair p are votes[order[first[p]]] .. , in the order in which they were given.
struct by_pair {
    int *order, *first;
};

static struct by_pair answers_by_pair(const struct judged_votes *v)
{
    struct by_pair p = {mem_alloc((size_t)v->n_votes + 1, sizeof *p.order),
                        mem_alloc((size_t)v->n_pairs + 2, sizeof *p.first)};
    int *at = mem_alloc((size_t)v->n_pairs + 1, sizeof *at);
    for (int i = 0; i < v->n_votes; i++)
        p.first[v->votes[i].pair + 1] += verdict_is_answer(v->votes[i].verdict);
    for (int i = 0; i < v->n_pairs; i++) {
        p.first[i + 1] += p.first[i];
        at[i] = p.first[i];
    }
    for (int i = 0; i < v->n_votes; i++)
        if (verdict_is_answer(v->votes[i].verdict))
            p.order[at[v->votes[i].pair]++] = i;
    free(at);
    return p;
}

// Each repeat beside the answer before it.
static void match_self(struct judge_report *r, const struct judged_votes *v, const struct by_pair *p)
{
    struct matching *own = mem_alloc((size_t)r->n + 1, sizeof *own);
    for (int pair = 0; pair < v->n_pairs; pair++)
        for (int i = p->first[pair]; i < p->first[pair + 1]; i++) {
            const struct judged_vote *again = &v->votes[p->order[i]];
            if (!again->is_repeat)
                continue;
            int k = i - 1;
            while (v->votes[p->order[k]].annotator != again->annotator)
                k--;
            match_add(&own[again->annotator], v->votes[p->order[k]].verdict, again->verdict);
        }
    for (int i = 0; i < r->n; i++)
        r->lines[i].self = match_end(&own[i]);
    free(own);
}

static int most_pairs_first(const void *x, const void *y)
{
    const struct judge_two *a = x, *b = y;
    const int order = (b->match.n > a->match.n) - (b->match.n < a->match.n);
    return order ? order : a->a != b->a ? a->a - b->a : a->b - b->b;
}

// The first answers of every two annotators to the same pairs.
static int match_others(struct judge_report *r, const struct judged_votes *v, const struct by_pair *p, struct err *e)
{
    const size_t n = (size_t)r->n;
    struct matching *all = mem_try_alloc(n * n + 1, sizeof *all, "what every two annotators have in common", e);
    if (!all)
        return ERR_LIMIT;
    for (int pair = 0; pair < v->n_pairs; pair++)
        for (int i = p->first[pair]; i < p->first[pair + 1]; i++)
            for (int k = p->first[pair]; k < i; k++) {
                const struct judged_vote *x = &v->votes[p->order[k]], *y = &v->votes[p->order[i]];
                const bool in_order = x->annotator < y->annotator;
                if (x->annotator == y->annotator || !is_vote(v, x) || !is_vote(v, y))
                    continue;
                match_add(&all[(size_t)(in_order ? x : y)->annotator * n + (size_t)(in_order ? y : x)->annotator],
                          (in_order ? x : y)->verdict, (in_order ? y : x)->verdict);
            }
    int cap = 0;
    for (int a = 0; a < r->n; a++)
        for (int b = a + 1; b < r->n; b++) {
            struct matching *m = &all[(size_t)a * n + (size_t)b];
            if (m->match.n == 0)
                continue;
            MEM_GROW(r->twos, r->n_twos, cap);
            r->twos[r->n_twos++] = (struct judge_two){a, b, match_end(m)};
            r->lines[a].n_met += m->match.n_sided;
            r->lines[b].n_met += m->match.n_sided;
            r->lines[a].n_met_side += m->match.n_side;
            r->lines[b].n_met_side += m->match.n_side;
        }
    free(all);
    if (r->n_twos)
        qsort(r->twos, (size_t)r->n_twos, sizeof *r->twos, most_pairs_first);
    return 0;
}

// ---- all together ----

// Ratings of the pairs that two or more gave a grade to, NaN where one gave none: (n_shared, n).
static int overlap(struct judge_report *r, const struct judged_votes *v, const struct by_pair *p, struct err *e)
{
    double values[VERDICT_MUCH_B - VERDICT_MUCH_A + 1];
    const int n_values = VERDICT_MUCH_B - VERDICT_MUCH_A + 1;
    const size_t n = (size_t)r->n;
    double *grades = mem_try_alloc((size_t)v->n_pairs * n + 1, sizeof *grades, "the grades of all annotators", e);
    if (!grades)
        return ERR_LIMIT;
    for (int i = 0; i < n_values; i++)
        values[i] = VERDICT_MUCH_A + i;
    for (int pair = 0; pair < v->n_pairs; pair++) {
        double *row = grades + (size_t)r->n_shared * n;
        int n_graded = 0;
        for (size_t i = 0; i < n; i++)
            row[i] = NAN;
        for (int i = p->first[pair]; i < p->first[pair + 1]; i++) {
            const struct judged_vote *vote = &v->votes[p->order[i]];
            if (!is_vote(v, vote) || !verdict_is_graded(vote->verdict))
                continue;
            row[vote->annotator] = vote->verdict;
            n_graded++;
        }
        r->n_shared += n_graded > 1;
        r->n_answered += p->first[pair + 1] > p->first[pair];
    }
    r->percent = agreement_percent(grades, r->n_shared, r->n);
    r->alpha_ordinal = agreement_alpha(grades, r->n_shared, r->n, ALPHA_ORDINAL);
    r->gwet = agreement_gwet(grades, r->n_shared, r->n, values, n_values, AGREE_QUADRATIC);
    for (size_t i = 0; i < (size_t)r->n_shared * n; i++)
        grades[i] = isnan(grades[i]) ? NAN : (grades[i] > 0) - (grades[i] < 0);
    r->alpha_nominal = agreement_alpha(grades, r->n_shared, r->n, ALPHA_NOMINAL);
    free(grades);
    return 0;
}

static int fit(struct judge_report *r, const struct judged_votes *v, struct err *e)
{
    struct annotator_vote *votes = mem_try_alloc((size_t)v->n_votes + 1, sizeof *votes, "votes", e);
    int n = 0;
    if (!votes)
        return ERR_LIMIT;
    for (int i = 0; i < v->n_votes; i++)
        if (verdict_is_graded(v->votes[i].verdict) && is_vote(v, &v->votes[i]))
            votes[n++] =
                (struct annotator_vote){v->votes[i].annotator, v->votes[i].pair, 1 - share_of(v->votes[i].verdict)};
    const int code = annotators_fit(&r->fit, v->n_annotators, v->n_pairs, votes, n, e);
    free(votes);
    for (int i = 0; i < r->n && !code; i++)
        r->lines[i].ability = r->fit.ability[i];
    return code;
}

// ---- one annotator ----

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

// seconds (n): those of answers that took no longer than JUDGE_IDLE_S.
static void measure_time(struct judge_line *l, double *seconds, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += seconds[i];
    qsort(seconds, (size_t)n, sizeof *seconds, ascending);
    l->median_s = n == 0 ? NAN : (seconds[n / 2] + seconds[(n - 1) / 2]) / 2;
    l->per_hour = sum > 0 ? 3600 * n / sum : NAN;
}

// The first answer to a check counts: whatever else than that the better answer is better is a failure.
static void count_check(struct judge_line *l, const struct judged_vote *vote, double known)
{
    if (isnan(known) || vote->is_repeat)
        return;
    l->n_checks++;
    l->n_failed += !verdict_is_graded(vote->verdict) || side_of(vote->verdict) != (known > 0.5 ? -1 : 1);
}

static void describe(struct judge_line *l, const struct judged_votes *v, int annotator, double *seconds,
                     struct bias_judgement *judgements)
{
    int n = 0, n_graded = 0;
    for (int i = 0; i < v->n_votes; i++) {
        const struct judged_vote *vote = &v->votes[i];
        if (vote->annotator != annotator)
            continue;
        l->n_skips += vote->verdict == VERDICT_SKIP;
        l->n_flags += vote->verdict == VERDICT_FLAG;
        if (!verdict_is_answer(vote->verdict))
            continue;
        l->n++;
        l->n_again += vote->is_repeat;
        count_check(l, vote, v->pairs[vote->pair].known);
        l->n_ties += vote->verdict == VERDICT_TIE;
        l->n_timed += !isnan(vote->seconds);
        if (vote->seconds > JUDGE_IDLE_S)
            l->n_idle++;
        else if (!isnan(vote->seconds))
            seconds[n++] = vote->seconds;
        // An answer without a grade counts for its time alone: as a tie it counts for neither side nor length.
        judgements[n_graded++] =
            (struct bias_judgement){.share = verdict_is_graded(vote->verdict) ? share_of(vote->verdict) : 0.5,
                                    .length_gap = (double)v->pairs[vote->pair].length_gap,
                                    .seconds = vote->seconds,
                                    .is_b_first = vote->swapped};
    }
    measure_time(l, seconds, n);
    l->failed = binomial_clopper_pearson(l->n_failed, l->n_checks, LEVEL);
    l->side = bias_of_side(judgements, n_graded, LEVEL);
    l->length = bias_of_length(judgements, n_graded, LEVEL);
    l->fast = bias_of_speed(judgements, n_graded, JUDGE_FAST_S, LEVEL);
}

void judge_report_fini(struct judge_report *r)
{
    annotator_fit_fini(&r->fit);
    free(r->lines);
    free(r->twos);
    *r = (struct judge_report){0};
}

int judge_report_make(struct judge_report *r, const struct judged_votes *v, struct err *e)
{
    *r = (struct judge_report){.n = v->n_annotators, .lines = mem_alloc((size_t)v->n_annotators + 1, sizeof *r->lines)};
    struct by_pair p = answers_by_pair(v);
    double *seconds = mem_alloc((size_t)v->n_votes + 1, sizeof *seconds);
    struct bias_judgement *judgements = mem_alloc((size_t)v->n_votes + 1, sizeof *judgements);
    for (int i = 0; i < r->n; i++)
        describe(&r->lines[i], v, i, seconds, judgements);
    match_self(r, v, &p);
    int code = match_others(r, v, &p, e);
    if (!code)
        code = overlap(r, v, &p, e);
    if (!code)
        code = fit(r, v, e);
    free(judgements);
    free(seconds);
    free(p.first);
    free(p.order);
    if (code)
        judge_report_fini(r);
    return code;
}

static void warn(struct str *out, const struct bias *b, const char *more, const char *less)
{
    if (b->p < 0.05)
        str_addf(out, "%sprefers %s (%.0f %% of %d, p = %.2g)", out->len ? "; " : "", b->share > 0.5 ? more : less,
                 100 * (b->share > 0.5 ? b->share : 1 - b->share), b->n, b->p);
}

void judge_line_warn(const struct judge_line *l, double most_failed, struct str *out)
{
    if (l->n_failed > most_failed * l->n_checks)
        str_addf(out, "failed %d of %d attention checks (%.0f %%, 95 %% interval %.0f to %.0f %%)", l->n_failed, l->n_checks,
                 100.0 * l->n_failed / l->n_checks, 100 * l->failed.low, 100 * l->failed.high);
    warn(out, &l->side, "the answer shown first", "the answer shown second");
    warn(out, &l->length, "the longer answer", "the shorter answer");
    if (l->fast.n >= 20 && l->fast.share > 0.1)
        str_addf(out, "%sanswered %.0f %% in less than %d s", out->len ? "; " : "", 100 * l->fast.share, JUDGE_FAST_S);
    if (l->self.n >= 10 && l->self.n_sided && l->self.n_side < 0.75 * l->self.n_sided)
        str_addf(out, "%sprefers another answer the second time in %d of %d", out->len ? "; " : "",
                 l->self.n_sided - l->self.n_side, l->self.n_sided);
    if (l->ability < 0)
        str_addf(out, "%smostly says the opposite of the others", out->len ? "; " : "");
}
