// Pairs of answers to judge: one key, one judgement. Which pair comes and what was said of it is the desk's
// (label_desk.h); the page works at it in jobs, one after the other: a judgement is written down before the next pair
// is shown, and on the disk before the next key is taken.
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/label/label_view.h"

static int open_label(struct view *v, struct err *e)
{
    struct label_state *s = v->state = mem_alloc(1, sizeof *s);
    s->focus = LABEL_LEFT;
    s->version = s->range = -1;
    return 0;
}

static void close_label(struct view *v)
{
    struct label_state *s = v->state;
    if (s->busy)
        return; // a thread still holds what would be freed
    label_desk_close(s->desk);
    label_shown_fini(&s->now);
    for (int i = 0; i < s->n_queued; i++)
        label_request_fini(&s->queued[i]);
    for (int i = 0; i < LABEL_PANES; i++)
        text_pane_fini(&s->panes[i]);
    text_pane_fini(&s->guideline);
    label_forget_words(s);
    free(s->write_to);
    free(s->marked);
    free(s);
}

// ---- where pairs come from ----

// A run, a set or a file, by its name.
static void choose_source(struct view *v, const char *name, const struct label_options *o)
{
    struct label_request r = {.what = LABEL_SET, .text = mem_strdup(name)};
    struct label_set set;
    if (run_list_find(ui_runs(v->ui), name)) {
        r.what = LABEL_RUN;
    } else if (label_set_find(ui_store(v->ui), name, &set, NULL) == 0) {
        label_set_fini(&set);
    } else if (file_exists(name)) {
        r.what = LABEL_FILE;
        r.name = o && o->set ? mem_strdup(o->set) : NULL;
        r.repeats = o ? o->repeats : 0.05;
        r.seed = o ? o->seed : 0;
        r.checks = o && o->checks ? mem_strdup(o->checks) : NULL;
        r.shared = o ? 1 - o->overlap : 0;
        r.check_share = o ? o->check_share : 0;
    }
    label_ask(v, r);
}

static void begin(struct view *v, struct label_state *s)
{
    const struct label_options *o = ui_label_options(v->ui);
    struct run_row *run = ui_run(v->ui);
    s->has_asked = true;
    if (o && o->source)
        choose_source(v, o->source, o);
    else
        label_ask(v, (struct label_request){.what = LABEL_FIRST, .text = run ? mem_strdup(run->info.name) : NULL});
    if (o && o->order != LABEL_ORDERS)
        label_ask(v, (struct label_request){.what = LABEL_ORDER, .order = o->order});
}

static void shown_label(struct view *v)
{
    struct label_state *s = v->state;
    if (!s->has_asked)
        begin(v, s);
}

// Others write as well, and a run asks for more: once a second at most, and of a set only when attune.db has changed.
static enum view_refresh refresh_label(struct view *v)
{
    struct label_state *s = v->state;
    const double now = clock_seconds();
    if (!s->busy && s->now.kind != LABEL_OF_NOTHING && now - s->looked_s > 0.9) {
        const int64_t version = labels_version(ui_store(v->ui));
        if (s->now.kind == LABEL_OF_RUN || version != s->version)
            label_ask(v, (struct label_request){.what = LABEL_LOOK});
        s->version = version;
        s->looked_s = now;
    }
    return s->now.has_pair || s->busy ? REFRESH_DRAW : REFRESH_NOTHING; // the time that it takes
}

// ---- commands ----

static enum view_result say_no_pair(struct view *v)
{
    const struct label_state *s = v->state;
    ui_say(v->ui, s->busy ? "The pairs are still being read."
                          : "No pair is here to be judged: o another order, O other pairs; Alt and a digit turn pages.");
    return VIEW_CHANGED;
}

static bool is_about_a_pair(enum command_id id)
{
    return id == CMD_NOTE || id == CMD_REASONS || id == CMD_CORRECT || id == CMD_DIFF || id == CMD_BOTH_DOWN ||
           id == CMD_BOTH_UP || id == CMD_FULL;
}

// Digits are judgements; they turn pages where there is no source of pairs.
static bool digits_label(const struct view *v)
{
    const struct label_state *s = v->state;
    return s->now.kind != LABEL_OF_NOTHING || s->busy;
}

static enum view_result judge(struct view *v, enum verdict verdict)
{
    struct label_state *s = v->state;
    if (s->listing)
        return label_list_judge(v, verdict);
    if (!digits_label(v))
        return VIEW_IGNORED;
    if (s->now.kind == LABEL_OF_NOTHING || (!s->now.has_pair && !s->busy))
        return say_no_pair(v);
    label_ask(v, (struct label_request){.what = LABEL_JUDGE, .verdict = verdict, .number = label_meant(s)});
    return VIEW_KEPT; // the picture changes when it is saved
}

static enum view_result ask_for(struct view *v, enum label_what what)
{
    label_ask(v, (struct label_request){.what = what});
    return VIEW_KEPT;
}

static enum view_result order(struct view *v, const char *arg)
{
    struct label_state *s = v->state;
    enum label_order o = (enum label_order)((s->now.order + 1) % LABEL_ORDERS);
    if (arg && !label_order_from_name(arg, &o)) {
        ui_say_error(v->ui, "order: random, in-order, uncertain, disagreement, skipped or disputed, not %s", arg);
        return VIEW_KEPT;
    }
    if (s->now.kind != LABEL_OF_NOTHING)
        label_ask(v, (struct label_request){.what = LABEL_ORDER, .order = o});
    return VIEW_KEPT;
}

static enum view_result filter(struct view *v, const char *arg)
{
    const struct label_state *s = v->state;
    if (arg)
        label_ask(v, (struct label_request){.what = LABEL_FILTER, .text = mem_strdup(arg)});
    else
        ui_ask_live(v->ui, CMD_FILTER, "only pairs that pass", s->now.filter ? s->now.filter : "");
    return VIEW_KEPT;
}

static enum view_result go(struct view *v, const char *arg)
{
    int64_t number;
    if (!arg)
        ui_ask(v->ui, CMD_GO, "go to the pair with number", "");
    else if (!text_to_i64(arg + (*arg == '#'), &number))
        ui_say_error(v->ui, "go: the number of a pair, not %s", arg);
    else
        label_ask(v, (struct label_request){.what = LABEL_GO, .number = number});
    return VIEW_KEPT;
}

static enum view_result note(struct view *v, const char *arg)
{
    struct label_state *s = v->state;
    if (!s->now.has_pair) // it is being looked for
        return VIEW_KEPT;
    if (!arg) {
        ui_ask_live(v->ui, CMD_NOTE, "note (is saved with the judgement; - for none)", s->note ? s->note : "");
        return VIEW_KEPT;
    }
    free(s->note);
    s->note = !*arg || strcmp(arg, "-") == 0 ? NULL : mem_strdup(arg);
    label_keep_draft(v, NULL);
    return VIEW_CHANGED;
}

static void typed_label(struct view *v, enum command_id id, const char *text)
{
    if (id == CMD_NOTE)
        label_keep_draft(v, text);
}

static void flip_reason(struct view *v, char letter)
{
    struct label_state *s = v->state;
    char *at = strchr(s->reasons, letter);
    if (at) {
        memmove(at, at + 1, strlen(at));
    } else {
        const size_t n = strlen(s->reasons);
        if (n + 1 < sizeof s->reasons) {
            s->reasons[n] = letter;
            s->reasons[n + 1] = '\0';
        }
    }
    label_keep_draft(v, NULL);
}

static bool is_reason(int key)
{
    for (const struct label_reason *r = label_reasons; r->letter; r++)
        if (key == r->letter)
            return true;
    return false;
}

static enum view_result reasons(struct view *v, const char *arg)
{
    struct label_state *s = v->state;
    for (; arg && *arg; arg++)
        if (is_reason(*arg))
            flip_reason(v, *arg);
        else if (*arg != ' ')
            ui_say_error(v->ui, "reasons: letters from a to h, not %c", isprint((unsigned char)*arg) ? *arg : '?');
    s->choosing_reasons = !arg && s->now.has_pair;
    return VIEW_CHANGED;
}

static enum view_result key_label(struct view *v, int key)
{
    struct label_state *s = v->state;
    if (!s->choosing_reasons)
        return VIEW_IGNORED;
    if (is_reason(key)) {
        flip_reason(v, (char)key);
        return VIEW_CHANGED;
    }
    s->choosing_reasons = false; // any other key ends it; a digit judges, as ever
    return key == 27 || key == 13 || key == 'r' ? VIEW_CHANGED : VIEW_IGNORED;
}

static enum view_result reveal(struct view *v)
{
    struct label_state *s = v->state;
    if (s->now.has_pair && s->now.was_judged)
        label_note_whose(s);
    if (s->revealed[0])
        ui_say(v->ui, "%s", s->revealed);
    else
        ui_say(v->ui, "Whose answers they are is told when you have judged them.");
    return VIEW_CHANGED;
}

static enum view_result guideline(struct view *v, const char *arg)
{
    struct label_state *s = v->state;
    if (arg) {
        label_ask(v, (struct label_request){.what = LABEL_GUIDE, .text = mem_strdup(arg)});
        return VIEW_KEPT;
    }
    s->with_guideline = !s->with_guideline;
    if (s->with_guideline && (!s->now.guideline || !*s->now.guideline))
        ui_ask(v->ui, CMD_GUIDELINE, "what annotators of this set are to go by", "");
    return VIEW_CHANGED;
}

static enum view_result command_label(struct view *v, enum command_id id, const char *arg)
{
    struct label_state *s = v->state;
    if (id >= CMD_JUDGE_MUCH_LEFT && id <= CMD_JUDGE_FLAG)
        return judge(v, (enum verdict)(VERDICT_MUCH_A + (int)(id - CMD_JUDGE_MUCH_LEFT)));
    const enum view_result listed = label_list_command(v, id);
    if (listed != VIEW_IGNORED)
        return listed;
    if (is_about_a_pair(id) && !s->now.has_pair && !s->busy)
        return say_no_pair(v);
    switch (id) {
    case CMD_FILTER:
        return filter(v, arg);
    case CMD_UNDO:
        return ask_for(v, LABEL_UNDO);
    case CMD_REDO:
        return ask_for(v, LABEL_REDO);
    case CMD_ORDER:
        return order(v, arg);
    case CMD_GO:
        return go(v, arg);
    case CMD_NOTE:
        return note(v, arg);
    case CMD_REASONS:
        return reasons(v, arg);
    case CMD_REVEAL:
        return reveal(v);
    case CMD_CORRECT:
        return label_edit(v, arg);
    case CMD_GUIDELINE:
        return guideline(v, arg);
    case CMD_EXPORT:
        if (s->busy && arg) { // the newest judgement is to be in it
            free(s->write_to);
            s->write_to = mem_strdup(arg);
            return VIEW_KEPT;
        }
        return label_write(v, &s->now, arg);
    case CMD_LABEL_SOURCE:
        if (arg)
            choose_source(v, arg, NULL);
        else
            ui_ask(v->ui, CMD_LABEL_SOURCE, "pairs of which run, set or file", "");
        return VIEW_KEPT;
    default:
        return label_read(v, id, arg);
    }
}

static const char *hints_label(struct view *v)
{
    const struct label_state *s = v->state;
    if (s->choosing_reasons)
        return "a-h reasons  1-9 label  r done";
    if (s->listing)
        return s->width < 60 ? "m mark  1-9 label  u undo  p back"
                             : "m mark  v range  * all  1-9 label what is marked  u undo  \\ filter  Enter show  p back";
    if (s->statistics && s->width < 160)
        return "s more or back  1-9 label+next  u undo  ? help  q back";
    if (!digits_label(v))
        return "O pairs  1-7 pages  ? help  q back";
    if (!s->now.has_pair)
        return "O pairs  u undo  o order  s statistics  w export  ? help  q back";
    if (s->width < 60)
        return "1-9 label  u undo  ? help  q back";
    if (s->width < 170 && s->width >= 110)
        return "1-9 label and next  Space skip  u undo  r reasons  e note  f flag  J K scroll both  Tab pane  s "
               "statistics  ? help  q back";
    if (s->width < 110)
        return "1-9 label+next  Space skip  u undo  r reasons  e note  f flag  ? help  q back";
    return "1-9 label and next  Space skip  u undo  U redo  r reasons  e note  f flag  E correct  J K scroll both  Tab "
           "pane  d diff  "
           "s statistics  | guideline  R reveal  ? help  q back";
}

static void draw(struct view *v, struct canvas *c, struct rect area)
{
    struct label_state *s = v->state;
    label_draw(s, c, area);
    if (s->now.has_pair && !(s->seen_s > 0))
        s->seen_s = clock_seconds();
}

const struct view_ops view_label = {
    .title = "Label",
    .open = open_label,
    .close = close_label,
    .shown = shown_label,
    .draw = draw,
    .command = command_label,
    .key = key_label,
    .hints = hints_label,
    .takes_digits = digits_label,
    .refresh = refresh_label,
    .patience_s = 1,
    .typed = typed_label,
};
