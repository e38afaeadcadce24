#include "config.h"

#include "ui/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/compare/compare_ask.h"

void compare_init(struct compare *c, struct ui *ui)
{
    *c = (struct compare){.ui = ui, .seed = 1, .temperature = 0.7, .top_p = 1, .max_tokens = 200};
    for (int i = 0; i < COMPARE_MOST; i++) {
        c->order[i] = i;
        c->sides[i].answer.score = NAN;
    }
}

static void side_fini(struct compare_side *s)
{
    compare_model_fini(&s->model);
    compare_answer_fini(&s->answer);
    free(s->history);
    text_pane_fini(&s->pane);
    *s = (struct compare_side){.answer.score = NAN};
}

void compare_fini(struct compare *c)
{
    for (int i = 0; i < c->n; i++)
        side_fini(&c->sides[i]);
    for (int i = 0; i < c->n_kept; i++)
        compare_answer_fini(&c->kept[i]);
    free(c->prompt);
    free(c->history);
    free(c->reward);
}

static void keep_models(struct compare *c)
{
    const char *folders[COMPARE_MOST + 1];
    int n = 0;
    for (int i = 0; i < c->n; i++)
        if (c->sides[i].model.folder)
            folders[n++] = c->sides[i].model.folder;
    if (c->reward && n < COMPARE_MOST)
        folders[n++] = c->reward;
    ui_keep_models(c->ui, folders, n);
}

// What somebody was asked about it and has not said is asked again.
static void forget_unanswered(struct compare_answer *x)
{
    x->has_score = !isnan(x->score);
    x->has_entropy = x->n_tokens > 0 && !isnan(x->tokens[0].entropy);
    x->has_reference = x->n_tokens > 0 && !isnan(x->tokens[0].reference);
    if (x->n_tokens == 0 || isnan(x->tokens[0].other)) {
        free(x->other);
        x->other = NULL;
    }
}

// What was said whole is kept, for when somebody comes back to it.
static void put_away(struct compare *c, struct compare_side *s)
{
    enum { MOST = sizeof c->kept / sizeof *c->kept };
    forget_unanswered(&s->answer);
    if (s->answer.state == SIDE_WHOLE && s->answer.key) {
        if (c->n_kept == MOST) {
            compare_answer_fini(&c->kept[0]);
            memmove(c->kept, c->kept + 1, (MOST - 1) * sizeof *c->kept);
            c->n_kept--;
        }
        c->kept[c->n_kept++] = s->answer;
        s->answer = (struct compare_answer){.score = NAN};
    }
    compare_answer_fini(&s->answer);
    s->drawn = false;
}

static bool take_back(struct compare *c, struct compare_side *s, const char *key)
{
    for (int i = c->n_kept - 1; i >= 0; i--)
        if (strcmp(c->kept[i].key, key) == 0) {
            s->answer = c->kept[i];
            memmove(&c->kept[i], &c->kept[i + 1], (size_t)(c->n_kept - 1 - i) * sizeof *c->kept);
            c->n_kept--;
            return true;
        }
    return false;
}

void compare_put(struct compare *c, int place, struct compare_model model)
{
    if (place == c->n) {
        c->order[c->n] = c->n;
        c->n++;
    }
    struct compare_side *s = compare_at(c, place);
    compare_ask_cancel(c, s);
    put_away(c, s);
    compare_model_fini(&s->model);
    s->model = model;
    keep_models(c);
    compare_changed(c);
}

void compare_remove(struct compare *c, int place)
{
    const int side = c->order[place];
    compare_ask_cancel(c, &c->sides[side]);
    put_away(c, &c->sides[side]);
    side_fini(&c->sides[side]);
    memmove(&c->sides[side], &c->sides[side + 1], (size_t)(c->n - 1 - side) * sizeof *c->sides);
    memmove(&c->order[place], &c->order[place + 1], (size_t)(c->n - 1 - place) * sizeof *c->order);
    c->n--;
    c->sides[c->n] = (struct compare_side){.answer.score = NAN};
    for (int i = 0; i < c->n; i++)
        c->order[i] -= c->order[i] > side;
    if (c->focus >= c->n)
        c->focus = c->n > 0 ? c->n - 1 : 0;
    keep_models(c);
    compare_changed(c);
}

static char *key_of(const struct compare *c, const struct compare_model *m, const char *history)
{
    struct str key = {0};
    str_addf(&key, "%s\n%lld %.17g %.17g %d\n%s\n%s", m->folder, (long long)c->seed, c->temperature, c->top_p, c->max_tokens,
             history ? history : "", c->prompt);
    return str_take(&key);
}

const struct compare_answer *compare_kept(const struct compare *c, const struct compare_model *m)
{
    char *key = key_of(c, m, compare_history(c, &c->sides[c->order[c->focus]]));
    const struct compare_answer *found = NULL;
    for (int i = 0; i < c->n && !found; i++)
        if (c->sides[i].answer.state == SIDE_WHOLE && c->sides[i].answer.key && strcmp(c->sides[i].answer.key, key) == 0)
            found = &c->sides[i].answer;
    for (int i = 0; i < c->n_kept && !found; i++)
        if (strcmp(c->kept[i].key, key) == 0)
            found = &c->kept[i];
    free(key);
    return found;
}

void compare_ask_side(struct compare *c, int place)
{
    struct compare_side *s = compare_at(c, place);
    if (!s->model.folder) // what a run wrote down stays
        return;
    compare_ask_cancel(c, s);
    put_away(c, s);
    if (!c->prompt)
        return;
    s->begins = true;
    char *key = key_of(c, &s->model, compare_history(c, s));
    if (take_back(c, s, key)) {
        free(key);
    } else {
        s->answer.key = key;
        s->answer.asked_s = clock_seconds();
        s->answer.state = SIDE_WAITING;
        compare_ask_answer(c, s);
    }
    compare_changed(c); // the others' differences
}

void compare_ask(struct compare *c)
{
    for (int i = 0; i < c->n; i++)
        compare_ask_side(c, i);
    compare_want(c);
}

bool compare_is_asked(const struct compare *c)
{
    for (int i = 0; i < c->n; i++)
        if (c->sides[i].answer.state == SIDE_WAITING || c->sides[i].answer.state == SIDE_STREAMING)
            return true;
    return false;
}

void compare_stop(struct compare *c)
{
    for (int i = 0; i < c->n; i++) {
        struct compare_side *s = &c->sides[i];
        const bool unfinished = s->answer.state == SIDE_WAITING || s->answer.state == SIDE_STREAMING;
        compare_ask_cancel(c, s);
        if (unfinished) {
            s->answer.state = SIDE_FAILED;
            text_copy(s->answer.trouble, sizeof s->answer.trouble, "stopped: r asks again");
            s->drawn = false;
        }
    }
}
