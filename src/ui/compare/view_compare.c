// Checkpoints side by side: the commands of the page. What it holds and shows is in compare.h and the files beside it.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ui/compare/compare_page.h"

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
    free(p->later_arg);
    free(p->set);
    free(p->marks);
    free(p->order);
    compare_forget_gaps(p);
    for (int i = 0; i < p->n_said; i++)
        free(p->votes[i].note);
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

static enum view_result ask_all(struct compare_page *p)
{
    compare_begin(p);
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
    p->asks_all = false;
    p->prompt_at = -1;
    compare_set_conversation(&p->c, NULL, text);
    return ask_all(p);
}

// to: its place in the order that the prompts have now.
static enum view_result go_to_prompt(struct compare_page *p, int to)
{
    const struct prompt_set *set = compare_prompts(p);
    if (!p->set || !set) {
        ui_say(p->c.ui, "o opens a file of prompts, e asks one.");
        return VIEW_KEPT;
    }
    to = compare_prompt_at(p, to < 0 ? 0 : to >= set->n ? set->n - 1 : to);
    if (to == p->prompt_at)
        return VIEW_KEPT;
    p->asks_all = false;
    p->prompt_at = to;
    compare_set_conversation(&p->c, set->histories[to], set->prompts[to]);
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
    if (!set || set == compare_prompts(p))
        return false;
    free(p->set);
    p->set = mem_strdup(set->path);
    p->set_serial = set->serial;
    free(p->marks);
    p->marks = mem_alloc((size_t)set->n, 1);
    for (int i = 0; i < p->n_said; i++)
        p->votes[i].prompt_at = -1; // of other prompts
    p->prompt_at = -1;
    p->prompt_order = PROMPTS_OF_FILE;
    compare_sort(p);
    compare_forget_gaps(p);
    go_to_prompt(p, p->wanted_at);
    p->wanted_at = 0;
    return true;
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
        ui_ask(c->ui, id,
               id == CMD_SEED     ? "seed"
               : id == CMD_LENGTH ? "longest answer, in tokens"
               : id == CMD_TOP_P  ? "top-p"
                                  : "temperature",
               "");
        return VIEW_CHANGED;
    }
    if (!text_to_double(arg, &value) || value < least || value > most || (whole && value != floor(value))) {
        ui_say_error(c->ui, "%s: a %snumber from %g to %.10g, not %s", command_row(id)->name, whole ? "whole " : "", least,
                     most, arg);
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
        struct compare_side *s = compare_at(&p->c, i);
        if (!all && i != p->c.focus)
            continue;
        s->begins = false; // who reads is left in peace
        changed |= text_pane_scroll(&s->pane, direction * (page ? text_pane_page(&s->pane) : 1));
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

// One level up: from the token, a panel, one side alone; then the manager's.
static enum view_result leave(struct compare_page *p)
{
    if (p->token < 0 && p->panel == PANEL_ANSWERS && !p->zoomed)
        return VIEW_IGNORED;
    if (p->token >= 0)
        p->token = -1;
    else if (p->panel != PANEL_ANSWERS)
        p->panel = PANEL_ANSWERS;
    else
        p->zoomed = false;
    compare_changed(&p->c);
    return VIEW_CHANGED;
}

static enum view_result toggle_blind(struct compare_page *p)
{
    p->c.blind = !p->c.blind;
    compare_begin(p);
    compare_shuffle(p);
    ui_say(p->c.ui,
           p->c.blind ? "Names are hidden until you vote, and sides are shuffled for every prompt." : "Names are shown.");
    return VIEW_CHANGED;
}

static enum view_result remove_side(struct compare_page *p)
{
    if (p->c.n == 0)
        return VIEW_KEPT;
    compare_remove(&p->c, p->c.focus);
    compare_begin(p);
    return VIEW_CHANGED;
}

static enum view_result grade(struct compare_page *p, const char *arg)
{
    if (!arg && !compare_can_vote(p)) // a key
        return VIEW_IGNORED;
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
        return compare_add_side(p, arg);
    case CMD_MODEL:
        return compare_change_side(p, arg);
    case CMD_DROP:
        return remove_side(p);
    case CMD_PAN_LEFT:
        return compare_scrub(p, -1);
    case CMD_PAN_RIGHT:
        return compare_scrub(p, 1);
    case CMD_REFERENCE:
        return compare_set_reference(p, arg);
    case CMD_REWARD:
        return compare_set_reward(p, arg);
    case CMD_SWAP:
        return compare_swap(p);
    case CMD_BLIND:
        return toggle_blind(p);
    case CMD_GRADE:
        return grade(p, arg);
    case CMD_UNDO:
        return compare_unvote(p);
    case CMD_ORDER:
        return compare_order(p, arg);
    case CMD_ASK_ALL:
        return compare_ask_all(p);
    case CMD_REDO:
        return compare_revote(p);
    case CMD_GO_ON:
    case CMD_GO_ON_CHOSEN:
        return compare_go_on(p, id == CMD_GO_ON_CHOSEN, arg);
    case CMD_SEED:
    case CMD_LENGTH:
    case CMD_TOP_P:
    case CMD_TEMPERATURE:
        return set_number(p, id, arg);
    default:
        return VIEW_IGNORED;
    }
}

// What has no meaning before there are models.
static bool is_about_sides(enum command_id id)
{
    static const enum command_id ids[] = {CMD_RESAMPLE, CMD_HEAT, CMD_DIFF, CMD_WARMER, CMD_COOLER, CMD_STOP, CMD_DROP,
                                          CMD_PAN_LEFT, CMD_PAN_RIGHT, CMD_SWAP, CMD_REFERENCE, CMD_SETTINGS, CMD_FULL,
                                          CMD_SCORES, CMD_SCROLL_UP, CMD_SCROLL_DOWN, CMD_LEFT, CMD_RIGHT};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static enum view_result command_compare(struct view *v, enum command_id id, const char *arg)
{
    struct compare_page *p = page_of(v);
    if (p->c.n == 0 && is_about_sides(id)) {
        ui_say(v->ui, "No model is here yet: a adds one, and = on the list of runs brings those that are selected.");
        return VIEW_CHANGED;
    }
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
        p->asks_all = false;
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
    case CMD_SCORES:
        return show_panel(p, PANEL_SCORES);
    case CMD_NEXT_MODELS:
        return compare_next_models(p);
    case CMD_SLICES:
        return compare_slices(p, arg);
    case CMD_WRITE:
        return write_answers(p, arg);
    case CMD_BACK:
        return leave(p);
    case CMD_FULL:
        return toggle(p, &p->zoomed);
    case CMD_NEXT_PANE:
    case CMD_PREVIOUS_PANE:
        return set_focus(p, id == CMD_NEXT_PANE ? 1 : -1);
    case CMD_UP:
    case CMD_DOWN:
        return go_to_prompt(p, compare_position(p) + (id == CMD_DOWN ? 1 : -1));
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
    return key >= '1' && key <= '8' && compare_can_vote(p) ? compare_vote(p, key) : VIEW_IGNORED;
}

static enum view_result paste_compare(struct view *v, const char *text, size_t n_bytes)
{
    struct compare_page *p = page_of(v);
    if (!p->choosing || !line_edit_paste(&p->filter, text, n_bytes))
        return VIEW_IGNORED;
    p->choice = 0;
    return VIEW_CHANGED;
}

static bool digits_compare(const struct view *v)
{
    const struct compare_page *p = v->state;
    return p->choosing || compare_can_vote(p);
}

static const char *hints_compare(struct view *v)
{
    const struct compare_page *p = page_of(v);
    if (p->choosing)
        return "Enter choose  Up/Down move  Tab complete a path  Esc leave";
    if (!compare_can_vote(p)) // digits are no votes yet
        return p->c.n ? "e ask  o prompts  a add  c change  x take out  1-7 pages  ? help  q back"
                      : "a add  V votes  1-7 pages  ? help  q back";
    return NULL;
}

// While all are asked: the next one, once this one was answered and scored. What was said before is there at once.
static void ask_next(struct compare_page *p)
{
    const struct prompt_set *set = compare_prompts(p);
    int next;
    while ((next = compare_next_unknown(p)) >= 0) {
        p->prompt_at = next;
        compare_set_conversation(&p->c, set->histories[next], set->prompts[next]);
        ask_all(p);
        compare_note_gap(p);
    }
    if (next == -2) {
        p->asks_all = false;
        ui_say(p->c.ui, "All prompts were asked: H shows what the rewards differ by, O sorts by it.");
    }
}

// What was asked for before all was read.
static void take_later(struct view *v)
{
    struct compare_page *p = page_of(v);
    const enum command_id id = p->later;
    char *arg = p->later_arg;
    if (!id || !ui_wins(v->ui) || !ui_checkpoints(v->ui))
        return;
    p->later = CMD_NONE;
    p->later_arg = NULL;
    command_compare(v, id, arg);
    free(arg);
}

static enum view_refresh refresh_compare(struct view *v)
{
    struct compare_page *p = page_of(v);
    compare_take_wanted(p);
    take_later(v);
    take_set(p);
    compare_note_gap(p);
    if (p->asks_all)
        ask_next(p);
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
    .takes_digits = digits_compare,
    .refresh = refresh_compare,
    .save = compare_save,
    .restore = compare_restore,
    .tell = compare_tell,
    .complete = compare_complete,
};
