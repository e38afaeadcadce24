// The order in which the prompts of a file come: the file's, or where answers or judges disagree first. And what
// rewards of two answers differ by, prompt after prompt, which is known as far as prompts were answered in this
// sitting.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/compare/compare_page.h"

static const char *const names[N_ORDERS] = {"file", "scores", "votes"};

const char *compare_order_name(enum prompt_order o)
{
    return names[o];
}

const struct prompt_set *compare_prompts(const struct compare_page *p)
{
    const struct prompt_set *set = ui_prompts(p->c.ui);
    return p->set && set && set->serial == p->set_serial ? set : NULL;
}

// ---- differences of rewards ----

// What they are of: whoever is another, or answers otherwise, has none yet.
static char *gaps_key(const struct compare *c)
{
    struct str key = {0};
    str_addf(&key, "%s\n%s\n%s\n%.17g %.17g %d %lld", compare_model_key(&c->sides[0].model),
             compare_model_key(&c->sides[1].model), c->reward, c->temperature, c->top_p, c->max_tokens,
             (long long)c->seed);
    return str_take(&key);
}

void compare_forget_gaps(struct compare_page *p)
{
    free(p->gaps);
    free(p->gaps_of);
    p->gaps = NULL;
    p->gaps_of = NULL;
}

void compare_note_gap(struct compare_page *p)
{
    const struct compare *c = &p->c;
    const struct prompt_set *set = compare_prompts(p);
    if (!p->set || !set || p->prompt_at < 0 || c->n < 2 || !c->reward || compare_is_asked(c) ||
        isnan(c->sides[0].answer.score) || isnan(c->sides[1].answer.score) || c->sides[0].history ||
        c->sides[1].history || strcmp(c->prompt, set->prompts[p->prompt_at]) != 0)
        return;
    char *key = gaps_key(c);
    if (!p->gaps_of || strcmp(key, p->gaps_of) != 0) {
        compare_forget_gaps(p);
        p->gaps = mem_alloc((size_t)set->n, sizeof *p->gaps);
        for (int i = 0; i < set->n; i++)
            p->gaps[i] = NAN;
        p->gaps_of = key;
    } else {
        free(key);
    }
    p->gaps[p->prompt_at] = c->sides[0].answer.score - c->sides[1].answer.score;
}

// ---- the order ----

struct rank {
    double first, second; // larger ones come first; NaN: nothing is known, last
    int at;
};

static int by_rank(const void *x, const void *y)
{
    const struct rank *a = x, *b = y;
    if (isnan(a->first) != isnan(b->first))
        return isnan(a->first) ? 1 : -1;
    if (!isnan(a->first) && a->first != b->first)
        return a->first < b->first ? 1 : -1;
    if (!isnan(a->first) && a->second != b->second)
        return a->second < b->second ? 1 : -1;
    return a->at - b->at;
}

static struct rank rank_of(struct compare_page *p, const struct prompt_set *set, int at)
{
    if (p->prompt_order == PROMPTS_BY_SCORES)
        return (struct rank){p->gaps ? fabs(p->gaps[at]) : NAN, 0, at};
    char *turns = set->histories[at] ? compare_turns_with(set->histories[at], set->prompts[at], NULL) : NULL,
         *text = turns ? compare_turns_text(turns) : NULL;
    const struct prompt_votes *v = win_table_prompt(ui_wins(p->c.ui), text ? text : set->prompts[at]);
    free(turns);
    free(text);
    return v && v->n ? (struct rank){v->minority / v->n, v->n, at} : (struct rank){NAN, NAN, at};
}

void compare_sort(struct compare_page *p)
{
    const struct prompt_set *set = compare_prompts(p);
    free(p->order);
    p->order = NULL;
    if (!set || !p->set || p->prompt_order == PROMPTS_OF_FILE)
        return;
    struct rank *ranks = mem_alloc((size_t)set->n + 1, sizeof *ranks);
    for (int i = 0; i < set->n; i++)
        ranks[i] = rank_of(p, set, i);
    qsort(ranks, (size_t)set->n, sizeof *ranks, by_rank);
    p->order = mem_alloc((size_t)set->n + 1, sizeof *p->order);
    for (int i = 0; i < set->n; i++)
        p->order[i] = ranks[i].at;
    free(ranks);
}

int compare_prompt_at(const struct compare_page *p, int position)
{
    return p->order ? p->order[position] : position;
}

int compare_position(const struct compare_page *p)
{
    const struct prompt_set *set = compare_prompts(p);
    for (int i = 0; p->order && p->prompt_at >= 0 && set && i < set->n; i++)
        if (p->order[i] == p->prompt_at)
            return i;
    return p->prompt_at;
}

static int n_known(const struct compare_page *p, const struct prompt_set *set)
{
    int n = 0;
    for (int i = 0; p->gaps && i < set->n; i++)
        n += !isnan(p->gaps[i]);
    return n;
}

enum view_result compare_order(struct compare_page *p, const char *arg)
{
    const struct prompt_set *set = compare_prompts(p);
    int order = (p->prompt_order + 1) % N_ORDERS;
    if (!p->set || !set) {
        ui_say_error(p->c.ui, "The prompts of a file are sorted: o opens one");
        return VIEW_KEPT;
    }
    if (arg)
        for (order = 0; order < N_ORDERS && strcmp(names[order], arg) != 0;)
            order++;
    if (order == N_ORDERS) {
        ui_say_error(p->c.ui, "order: file, scores or votes, not %s", arg);
        return VIEW_KEPT;
    }
    p->prompt_order = (enum prompt_order)order;
    compare_sort(p);
    if (order == PROMPTS_BY_SCORES)
        ui_say(p->c.ui,
               "Where rewards of A and B differ most comes first; known of %d of %d prompts (A asks the rest).",
               n_known(p, set), set->n);
    else
        ui_say(p->c.ui, order == PROMPTS_BY_VOTES
                            ? "Where votes are most divided comes first, prompts without votes last."
                            : "Prompts come in the order of the file.");
    return VIEW_CHANGED;
}

// ---- all of them ----

enum view_result compare_ask_all(struct compare_page *p)
{
    const struct prompt_set *set = compare_prompts(p);
    if (p->asks_all) {
        p->asks_all = false;
        ui_say(p->c.ui, "The other prompts are not asked.");
    } else if (!p->set || !set || p->c.n < 2 || !p->c.reward) {
        ui_say_error(p->c.ui, "Asking all prompts needs two sides (a), a file of prompts (o) and a reward model (m)");
        return VIEW_KEPT;
    } else {
        p->asks_all = true;
        p->ask_next = 0;
        ui_say(p->c.ui, "All prompts are asked one after the other; A again stops.");
    }
    return VIEW_CHANGED;
}

int compare_next_unknown(struct compare_page *p)
{
    const struct prompt_set *set = compare_prompts(p);
    if (!set || !p->set || p->c.n < 2 || compare_is_asked(&p->c))
        return -1;
    const bool answered = p->c.sides[0].answer.state == SIDE_WHOLE && p->c.sides[1].answer.state == SIDE_WHOLE;
    for (int i = 0; i < 2; i++)
        if (answered && p->c.sides[i].asked[ASK_SCORE].turn)
            return -1;
    while (p->ask_next < set->n && p->gaps && !isnan(p->gaps[p->ask_next]))
        p->ask_next++;
    return p->ask_next < set->n ? p->ask_next++ : -2; // one that nobody could score is not asked for ever
}

void compare_want_prompts(struct compare_page *p, const struct compare_model *m)
{
    const struct run_row *r = m->run ? run_list_find(ui_runs(p->c.ui), m->run) : NULL;
    if (r && !p->c.prompt && !p->set && r->info.data && file_exists(r->info.data))
        ui_look_for_prompts(p->c.ui, r->info.data);
}
