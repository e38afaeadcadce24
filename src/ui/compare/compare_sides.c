// Who stands side by side: words that name models, and what scores them or is compared with them.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/compare/compare_page.h"

// What was said is not what is judged any more.
void compare_begin(struct compare_page *p)
{
    p->graded = 0;
    p->token = -1;
    p->c.every_number = false;
}

static void want(struct compare_page *p, const char *word)
{
    if (p->n_wanted < MOST_WANTED)
        p->wanted[p->n_wanted++] = mem_strdup(word);
}

// Words that name models become sides.
static void take_wanted_sides(struct compare_page *p)
{
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    for (int i = 0; i < p->n_wanted; i++) {
        struct compare_model model;
        struct err fault = {0};
        if (p->c.n == COMPARE_MOST) {
            ui_say_error(p->c.ui, "At most %d models are compared: x takes one out", COMPARE_MOST);
        } else if (checkpoint_list_find(l, ui_runs(p->c.ui), p->wanted[i], &model, &fault)) {
            ui_say_error(p->c.ui, "%s", fault.text);
        } else {
            const int place = p->c.n;
            compare_put(&p->c, place, model);
            compare_want_prompts(p, &compare_at(&p->c, place)->model);
            compare_ask_side(&p->c, place);
        }
        free(p->wanted[i]);
    }
    p->n_wanted = 0;
    compare_begin(p);
    if (p->c.blind)
        compare_shuffle(p);
    compare_want(&p->c);
}

static void forget_later(struct compare_page *p)
{
    free(p->later_arg);
    p->later_arg = NULL;
    p->later = CMD_NONE;
}

enum view_result compare_do_later(struct compare_page *p, enum command_id id, const char *arg)
{
    char *kept = arg ? mem_strdup(arg) : NULL;
    forget_later(p);
    p->later = id;
    p->later_arg = kept;
    ui_say(p->c.ui, "Votes and checkpoints are still being read: it follows when they are there.");
    return VIEW_CHANGED;
}

void compare_take_wanted(struct compare_page *p)
{
    char *reward = p->wanted_reward;
    if (!ui_checkpoints(p->c.ui) || ui_reads_checkpoints(p->c.ui))
        return;
    if (p->n_wanted > 0)
        take_wanted_sides(p);
    p->wanted_reward = NULL;
    if (reward)
        compare_set_reward(p, reward);
    free(reward);
}

// MODEL words apart by blanks; without any the selected runs, or the one under the cursor beside what it started from.
static void want_models(struct compare_page *p, const char *words)
{
    while (p->n_wanted > 0) // of an earlier wish that was still waiting
        free(p->wanted[--p->n_wanted]);
    forget_later(p);
    struct run_row *rows[COMPARE_MOST];
    const int n = words ? 0 : run_list_selected(ui_runs(p->c.ui), rows, COMPARE_MOST);
    const struct run_row *run = ui_run(p->c.ui);
    while (p->c.n > 0 && (words || n > 0 || run))
        compare_remove(&p->c, p->c.n - 1);
    for (int i = 0; i < n; i++)
        want(p, rows[i]->info.name);
    if (n < 2 && !words && run) {
        if (n == 0)
            want(p, run->info.name);
        if (run->info.model && *run->info.model)
            want(p, (n ? rows[0] : run)->info.model);
    }
    while (words && *words) {
        const size_t length = strcspn(words, " ");
        char *word = mem_strndup(words, length);
        if (*word)
            want(p, word);
        free(word);
        words += length + (words[length] == ' ');
    }
}

enum view_result compare_these(struct compare_page *p, const char *words)
{
    int64_t step;
    if (words && *words == '@' && text_to_i64(words + 1, &step)) {
        compare_samples(p, step);
    } else {
        want_models(p, words);
        ui_look_for_checkpoints(p->c.ui);
    }
    return VIEW_CHANGED;
}

enum view_result compare_add_side(struct compare_page *p, const char *word)
{
    if (p->c.n == COMPARE_MOST) {
        ui_say_error(p->c.ui, "At most %d models are compared: x takes one out", COMPARE_MOST);
    } else if (!word) {
        compare_choose(p, p->c.n);
    } else {
        want(p, word);
        ui_look_for_checkpoints(p->c.ui);
    }
    return VIEW_CHANGED;
}

enum view_result compare_change_side(struct compare_page *p, const char *word)
{
    struct compare_model model;
    struct err fault = {0};
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    if (word && p->c.n == 0) {
        return compare_add_side(p, word);
    } else if (!word) {
        compare_choose(p, p->c.n ? p->c.focus : 0);
    } else if (!l) {
        return compare_do_later(p, CMD_MODEL, word);
    } else if (checkpoint_list_find(l, ui_runs(p->c.ui), word, &model, &fault)) {
        ui_say_error(p->c.ui, "%s", fault.text);
    } else {
        compare_begin(p);
        compare_put(&p->c, p->c.focus, model);
        compare_ask_side(&p->c, p->c.focus);
        compare_want(&p->c);
    }
    return VIEW_CHANGED;
}

// A model that is no side: what log pi is compared with, what scores.
static bool find_model(struct compare_page *p, const char *word, struct compare_model *out)
{
    const struct checkpoint_list none = {0}, *l = ui_checkpoints(p->c.ui);
    struct err fault = {0};
    if (checkpoint_list_find(l ? l : &none, ui_runs(p->c.ui), word, out, &fault) == 0)
        return true;
    ui_say_error(p->c.ui, "%s", fault.text);
    return false;
}

enum view_result compare_set_reference(struct compare_page *p, const char *word)
{
    struct compare_model m;
    if (p->c.n == 0)
        return VIEW_KEPT;
    struct compare_side *s = compare_at(&p->c, p->c.focus);
    if (!word) {
        ui_ask(p->c.ui, CMD_REFERENCE, "compare its tokens with (RUN@STEP or a folder)",
               s->model.reference ? s->model.reference : "");
    } else if (find_model(p, word, &m)) {
        free(s->model.reference);
        s->model.reference = mem_strdup(m.folder);
        compare_model_fini(&m);
        s->answer.has_reference = false;
        for (int i = 0; i < s->answer.n_tokens; i++)
            s->answer.tokens[i].reference = NAN;
        p->c.look = LOOK_REFERENCE;
        compare_changed(&p->c);
        compare_want(&p->c);
    }
    return VIEW_CHANGED;
}

enum view_result compare_set_reward(struct compare_page *p, const char *word)
{
    struct compare_model m;
    if (!word) {
        ui_ask(p->c.ui, CMD_REWARD, "reward model (RUN@STEP or a folder)", p->c.reward ? p->c.reward_label : "");
    } else if (!ui_checkpoints(p->c.ui)) { // later
        free(p->wanted_reward);
        p->wanted_reward = mem_strdup(word);
    } else if (find_model(p, word, &m)) {
        free(p->c.reward);
        p->c.reward = mem_strdup(m.folder);
        text_copy(p->c.reward_label, sizeof p->c.reward_label, m.label);
        compare_model_fini(&m);
        for (int i = 0; i < p->c.n; i++) {
            p->c.sides[i].answer.score = NAN;
            p->c.sides[i].answer.has_score = false;
        }
        for (int i = 0; i < p->c.n_kept; i++) {
            p->c.kept[i].score = NAN;
            p->c.kept[i].has_score = false;
        }
        compare_want(&p->c);
    }
    return VIEW_CHANGED;
}

enum view_result compare_swap(struct compare_page *p)
{
    const int beside = compare_beside(&p->c);
    if (beside < 0)
        return VIEW_KEPT;
    const int kept = p->c.order[0];
    p->c.order[0] = p->c.order[beside];
    p->c.order[beside] = kept;
    compare_changed(&p->c);
    return VIEW_CHANGED;
}
