// Checkpoints side by side: the commands of the page. What it holds and shows is in compare.h and the files beside it.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ui/compare_page.h"

static struct compare_page *page_of(struct view *v)
{
    return v->state;
}

static int open_compare(struct view *v, struct err *e)
{
    struct compare_page *p = mem_alloc(1, sizeof *p);
    compare_init(&p->c, v->ui);
    p->view = v;
    p->prompt_at = p->token = -1;
    p->shuffle_seed = (uint64_t)clock_wall_ms();
    v->state = p;
    return 0;
}

static void close_compare(struct view *v)
{
    struct compare_page *p = v->state;
    if (!p)
        return;
    compare_fini(&p->c);
    for (int i = 0; i < p->n_wanted; i++)
        free(p->wanted[i]);
    free(p->wanted_reward);
    free(p->set);
    line_edit_fini(&p->filter);
    free(p);
}

static void shown_compare(struct view *v)
{
    ui_look_for_checkpoints(v->ui);
    ui_look_for_wins(v->ui);
}

static void draw_compare(struct view *v, struct canvas *c, struct rect area)
{
    compare_draw(page_of(v), c, area);
}

// ---- asking ----

// What was said is not what is judged any more.
static void begin(struct compare_page *p)
{
    p->graded = 0;
    p->token = -1;
    p->c.every_number = false;
}

static enum view_result ask_all(struct compare_page *p)
{
    begin(p);
    if (p->c.blind)
        compare_shuffle(p);
    compare_ask(&p->c);
    return VIEW_CHANGED;
}

static enum view_result ask_prompt(struct compare_page *p, const char *text)
{
    if (!text) {
        ui_ask(p->c.ui, CMD_ASK, "prompt", p->c.prompt ? p->c.prompt : "");
        return VIEW_CHANGED;
    }
    p->prompt_at = -1;
    compare_set_prompt(&p->c, text);
    return ask_all(p);
}

static enum view_result go_to_prompt(struct compare_page *p, int to)
{
    const struct prompt_set *set = ui_prompts(p->c.ui);
    if (!p->set || !set) {
        ui_say(p->c.ui, "o opens a file of prompts, e asks one.");
        return VIEW_KEPT;
    }
    to = to < 0 ? 0 : to >= set->n ? set->n - 1 : to;
    if (to == p->prompt_at)
        return VIEW_KEPT;
    p->prompt_at = to;
    compare_set_prompt(&p->c, set->prompts[to]);
    return ask_all(p);
}

static enum view_result open_prompts(struct compare_page *p, const char *path)
{
    if (!path)
        ui_ask(p->c.ui, CMD_PROMPTS, "file of prompts (any data, or text with one a line)", p->set ? p->set : "");
    else
        ui_look_for_prompts(p->c.ui, path);
    return VIEW_CHANGED;
}

// The file that was asked for is there.
static bool take_set(struct compare_page *p)
{
    const struct prompt_set *set = ui_prompts(p->c.ui);
    if (!set || (p->set && strcmp(p->set, set->path) == 0))
        return false;
    free(p->set);
    p->set = mem_strdup(set->path);
    p->prompt_at = -1;
    go_to_prompt(p, 0);
    return true;
}

// ---- sides ----

// A run's own prompts, where nothing was asked yet.
static void want_prompts_of(struct compare_page *p, const struct compare_model *m)
{
    const struct run_row *r = m->run ? run_list_find(ui_runs(p->c.ui), m->run) : NULL;
    if (r && !p->c.prompt && !p->set && r->info.data && file_exists(r->info.data))
        ui_look_for_prompts(p->c.ui, r->info.data);
}

static void want(struct compare_page *p, const char *word)
{
    if (p->n_wanted < MOST_WANTED)
        p->wanted[p->n_wanted++] = mem_strdup(word);
}

// Words that name models become sides, the first ones at the empty page's places.
static bool take_wanted(struct compare_page *p)
{
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    if (!l || p->n_wanted == 0)
        return false;
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
            want_prompts_of(p, &compare_at(&p->c, place)->model);
            compare_ask_side(&p->c, place);
        }
        free(p->wanted[i]);
    }
    p->n_wanted = 0;
    begin(p);
    if (p->c.blind)
        compare_shuffle(p);
    compare_want(&p->c);
    return true;
}

// MODEL words apart by blanks; without any the selected runs, or the one under the cursor beside what it started from.
static void want_models(struct compare_page *p, const char *words)
{
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

static enum view_result compare_these(struct compare_page *p, const char *words)
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

static enum view_result add_side(struct compare_page *p, const char *word)
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

static enum view_result change_side(struct compare_page *p, const char *word)
{
    struct compare_model model;
    struct err fault = {0};
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    if (!word || p->c.n == 0) {
        compare_choose(p, p->c.n ? p->c.focus : 0);
    } else if (!l || checkpoint_list_find(l, ui_runs(p->c.ui), word, &model, &fault)) {
        ui_say_error(p->c.ui, "%s", l ? fault.text : "The checkpoints are still being read");
    } else {
        begin(p);
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

static enum view_result set_reference(struct compare_page *p, const char *word)
{
    struct compare_model m;
    if (p->c.n == 0)
        return VIEW_KEPT;
    struct compare_side *s = compare_at(&p->c, p->c.focus);
    if (!word) {
        ui_ask(p->c.ui, CMD_REFERENCE, "compare its tokens with (RUN@STEP or a folder)", s->model.reference ? s->model.reference : "");
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

static enum view_result set_reward(struct compare_page *p, const char *word)
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

static enum view_result swap(struct compare_page *p)
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

// ---- how they are asked ----

static enum view_result set_number(struct compare_page *p, enum command_id id, const char *arg)
{
    struct compare *c = &p->c;
    double value;
    const bool whole = id == CMD_SEED || id == CMD_LENGTH;
    const double least = id == CMD_LENGTH ? 1 : id == CMD_TOP_P ? 0.0001 : 0;
    const double most = id == CMD_LENGTH ? 100000 : id == CMD_SEED ? 4294967295.0 : id == CMD_TOP_P ? 1 : 100;
    if (!arg) {
        ui_ask(c->ui, id, id == CMD_SEED ? "seed" : id == CMD_LENGTH ? "longest answer, in tokens" : id == CMD_TOP_P ? "top-p" : "temperature", "");
        return VIEW_CHANGED;
    }
    if (!text_to_double(arg, &value) || value < least || value > most || (whole && value != floor(value))) {
        ui_say_error(c->ui, "%s: a %snumber from %g to %.10g, not %s", command_row(id)->name, whole ? "whole " : "", least, most, arg);
        return VIEW_KEPT;
    }
    if (id == CMD_SEED)
        c->seed = (int64_t)value;
    else if (id == CMD_LENGTH)
        c->max_tokens = (int)value;
    else if (id == CMD_TOP_P)
        c->top_p = value;
    else
        c->temperature = value;
    return ask_all(p);
}

static enum view_result warm(struct compare_page *p, double by)
{
    const double to = round((p->c.temperature + by) * 10) / 10;
    if (to < 0 || to > 100)
        return VIEW_KEPT;
    p->c.temperature = to;
    return ask_all(p);
}

// ---- looking ----

static enum view_result set_look(struct compare_page *p, const char *arg)
{
    static const char *const names[N_LOOKS] = {"text", "reference", "entropy", "other"};
    int look = (p->c.look + 1) % N_LOOKS;
    if (arg)
        for (look = 0; look < N_LOOKS && strcmp(names[look], arg) != 0;)
            look++;
    if (look == N_LOOKS) {
        ui_say_error(p->c.ui, "tokens: text, reference, entropy or other, not %s", arg);
        return VIEW_KEPT;
    }
    p->c.look = (enum compare_look)look;
    compare_changed(&p->c);
    compare_want(&p->c);
    return VIEW_CHANGED;
}

static enum view_result move_token(struct compare_page *p, int by)
{
    if (p->c.n == 0)
        return VIEW_KEPT;
    const struct compare_answer *x = &compare_at(&p->c, p->c.focus)->answer;
    int to = p->token + by;
    if (to < -1 || to >= x->n_tokens)
        return VIEW_KEPT;
    p->token = to;
    p->c.every_number = to >= 0;
    compare_changed(&p->c);
    compare_want(&p->c);
    return VIEW_CHANGED;
}

static enum view_result set_focus(struct compare_page *p, int by)
{
    if (p->c.n < 2)
        return VIEW_KEPT;
    p->c.focus = (p->c.focus + by + p->c.n) % p->c.n;
    p->token = -1;
    compare_changed(&p->c);
    compare_want(&p->c);
    return VIEW_CHANGED;
}

static enum view_result scroll(struct compare_page *p, bool all, int direction, bool page)
{
    bool changed = false;
    if (p->panel != PANEL_ANSWERS) {
        p->panel_top = p->panel_top + direction < 0 ? 0 : p->panel_top + direction;
        return VIEW_CHANGED;
    }
    for (int i = 0; i < p->c.n; i++) {
        struct text_pane *pane = &compare_at(&p->c, i)->pane;
        if (all || i == p->c.focus)
            changed |= text_pane_scroll(pane, direction * (page ? text_pane_page(pane) : 1));
    }
    return changed ? VIEW_CHANGED : VIEW_KEPT;
}

static enum view_result toggle(struct compare_page *p, bool *what)
{
    *what = !*what;
    compare_changed(&p->c);
    return VIEW_CHANGED;
}

static enum view_result show_panel(struct compare_page *p, enum compare_panel panel)
{
    p->panel = p->panel == panel ? PANEL_ANSWERS : panel;
    p->panel_top = 0;
    return VIEW_CHANGED;
}

static enum view_result write_answers(struct compare_page *p, const char *path)
{
    struct err fault = {0};
    if (!path) {
        ui_ask(p->c.ui, CMD_WRITE, "write the answers as", "compare.jsonl");
        return VIEW_CHANGED;
    }
    const int n = compare_write(&p->c, path, &fault);
    if (n < 0)
        ui_say_error(p->c.ui, "%s", fault.text);
    else
        ui_say(p->c.ui, "%d answers were written to %s", n, path);
    return VIEW_CHANGED;
}

static enum view_result toggle_blind(struct compare_page *p)
{
    p->c.blind = !p->c.blind;
    begin(p);
    compare_shuffle(p);
    ui_say(p->c.ui, p->c.blind ? "Names are hidden until you vote, and sides are shuffled for every prompt." : "Names are shown.");
    return VIEW_CHANGED;
}

static enum view_result remove_side(struct compare_page *p)
{
    if (p->c.n == 0)
        return VIEW_KEPT;
    compare_remove(&p->c, p->c.focus);
    begin(p);
    return VIEW_CHANGED;
}

static enum view_result grade(struct compare_page *p, const char *arg)
{
    if (!arg || arg[0] < '1' || arg[0] > '8' || arg[1]) {
        ui_say_error(p->c.ui, "grade: 1 (A much better) to 7 (B much better), or 8 (both bad)");
        return VIEW_KEPT;
    }
    return compare_vote(p, arg[0]);
}

static enum view_result command_of_sides(struct compare_page *p, enum command_id id, const char *arg)
{
    switch (id) {
    case CMD_COMPARE:
        return compare_these(p, arg);
    case CMD_SIDE:
        return add_side(p, arg);
    case CMD_MODEL:
        return change_side(p, arg);
    case CMD_DROP:
        return remove_side(p);
    case CMD_PAN_LEFT:
        return compare_scrub(p, -1);
    case CMD_PAN_RIGHT:
        return compare_scrub(p, 1);
    case CMD_REFERENCE:
        return set_reference(p, arg);
    case CMD_REWARD:
        return set_reward(p, arg);
    case CMD_SWAP:
        return swap(p);
    case CMD_BLIND:
        return toggle_blind(p);
    case CMD_GRADE:
        return grade(p, arg);
    case CMD_UNDO:
        return compare_unvote(p);
    case CMD_SEED:
    case CMD_LENGTH:
    case CMD_TOP_P:
    case CMD_TEMPERATURE:
        return set_number(p, id, arg);
    default:
        return VIEW_IGNORED;
    }
}

static enum view_result command_compare(struct view *v, enum command_id id, const char *arg)
{
    struct compare_page *p = page_of(v);
    switch (id) {
    case CMD_ASK:
        return ask_prompt(p, arg);
    case CMD_PROMPTS:
        return open_prompts(p, arg);
    case CMD_RESAMPLE:
        p->c.seed = p->c.seed < 4294967295 ? p->c.seed + 1 : 0;
        return ask_all(p);
    case CMD_WARMER:
        return warm(p, 0.1);
    case CMD_COOLER:
        return warm(p, -0.1);
    case CMD_STOP:
        compare_stop(&p->c);
        return VIEW_CHANGED;
    case CMD_HEAT:
        return set_look(p, arg);
    case CMD_DIFF:
        return toggle(p, &p->c.plain);
    case CMD_SETTINGS:
        return show_panel(p, PANEL_SETTINGS);
    case CMD_WINS:
        return show_panel(p, PANEL_WINS);
    case CMD_WRITE:
        return write_answers(p, arg);
    case CMD_FULL:
        return toggle(p, &p->zoomed);
    case CMD_NEXT_PANE:
    case CMD_PREVIOUS_PANE:
        return set_focus(p, id == CMD_NEXT_PANE ? 1 : -1);
    case CMD_UP:
    case CMD_DOWN:
        return go_to_prompt(p, p->prompt_at + (id == CMD_DOWN ? 1 : -1));
    case CMD_FIRST:
        return go_to_prompt(p, 0);
    case CMD_LAST:
        return go_to_prompt(p, PROMPT_SET_MOST);
    case CMD_LEFT:
    case CMD_RIGHT:
        return move_token(p, id == CMD_RIGHT ? 1 : -1);
    case CMD_PAGE_UP:
    case CMD_PAGE_DOWN:
        return scroll(p, false, id == CMD_PAGE_DOWN ? 1 : -1, true);
    case CMD_SCROLL_UP:
    case CMD_SCROLL_DOWN:
        return scroll(p, true, id == CMD_SCROLL_DOWN ? 1 : -1, false);
    default:
        return command_of_sides(p, id, arg);
    }
}

static enum view_result key_compare(struct view *v, int key)
{
    struct compare_page *p = page_of(v);
    if (p->choosing)
        return compare_choose_key(p, key);
    return key >= '1' && key <= '8' ? compare_vote(p, key) : VIEW_IGNORED;
}

static enum view_result paste_compare(struct view *v, const char *text, size_t n_bytes)
{
    struct compare_page *p = page_of(v);
    if (!p->choosing || !line_edit_paste(&p->filter, text, n_bytes))
        return VIEW_IGNORED;
    p->choice = 0;
    return VIEW_CHANGED;
}

static const char *hints_compare(struct view *v)
{
    return page_of(v)->choosing ? "Enter choose  Up/Down move  Esc leave" : NULL;
}

static enum view_refresh refresh_compare(struct view *v)
{
    struct compare_page *p = page_of(v);
    take_wanted(p);
    if (p->wanted_reward && ui_checkpoints(v->ui)) {
        set_reward(p, p->wanted_reward);
        free(p->wanted_reward);
        p->wanted_reward = NULL;
    }
    take_set(p);
    return REFRESH_DRAW;
}

const struct view_ops view_compare = {
    .title = "Compare",
    .open = open_compare,
    .close = close_compare,
    .shown = shown_compare,
    .draw = draw_compare,
    .command = command_compare,
    .key = key_compare,
    .paste = paste_compare,
    .hints = hints_compare,
    .refresh = refresh_compare,
};
