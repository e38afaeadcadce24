// What a view is. The manager (ui_internal.h) owns the loop, the screen, the prompt and the stack of pages; a view draws
// into the rectangle it is given and answers commands. Handlers report what they did; the manager acts on it.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/filter.h"
#include "launch/engine.h"
#include "launch/server.h"
#include "ui/term/canvas.h"
#include "ui/commands.h"
#include "ui/term/keys.h"
#include "ui/runs/run_list.h"
#include "ui/ui.h"
#include "ui/term/words.h"

struct data_set;
struct data_source;
struct eval_table;
struct launch_plan;
struct plot_pictures;
struct ui;
struct view;

enum view_result {
    VIEW_IGNORED, // not mine, or nothing to do here: the manager may handle it
    VIEW_KEPT,    // handled, the picture is the same
    VIEW_CHANGED, // handled, draw again
};

enum view_refresh {
    REFRESH_NOTHING, // nothing on my page changed
    REFRESH_DRAW,    // draw again
    REFRESH_MORE,    // draw again, and call me again at once (keys are served in between): data is still being read
};

// What / looks through: lines with a cursor on one of them.
struct find_ops {
    int (*count)(struct view *v, int *at); // lines; *at: the one under the cursor, -1 none
    bool (*matches)(struct view *v, int i, struct filter *f);
    void (*go)(struct view *v, int i);     // puts the cursor there
};

struct view_ops {
    const char *title; // in the strip at the top: "Curves"
    // Makes the view's own state in v->state; called once, when the page is first shown.
    int (*open)(struct view *v, struct err *e);
    // Frees v->state; called once at the end, also after a failed open.
    void (*close)(struct view *v);
    // The page is being shown (again), perhaps for another run: ui_run(v->ui).
    void (*shown)(struct view *v);
    // Draws everything in `area`; the rectangle is clipped and blank. Any size down to 1 x 1. Must not read the disk.
    void (*draw)(struct view *v, struct canvas *c, struct rect area);
    // A command of the table that this page lists. `arg` is what followed its name in ":" or a script; else NULL.
    // A wrong argument is reported with ui_say_error and VIEW_KEPT.
    enum view_result (*command)(struct view *v, enum command_id id, const char *arg);
    // Any key before the table is asked: only for pages with text fields. NULL: none.
    enum view_result (*key)(struct view *v, int key);
    // Text that was pasted, for pages with text fields; VIEW_IGNORED where there is none to take it. NULL: never.
    enum view_result (*paste)(struct view *v, const char *text, size_t n_bytes);
    // What the keys mean at this moment, in the hint line's place, such as "Enter keep  Esc leave" (key and title apart by
    // one space, such pairs by two). NULL, also as the function: those of the table.
    const char *(*hints)(struct view *v);
    bool (*takes_digits)(const struct view *v); // at this moment, of a page of IN_DIGITS; else they turn pages
    // The runs may have changed (at most 10 times a second). Reads what is new, within about 5 ms, else REFRESH_MORE.
    enum view_refresh (*refresh)(struct view *v);
    // A press of the first button or the wheel, in cells from the corner of what was drawn last. VIEW_IGNORED: the wheel
    // moves up and down. NULL: always that.
    enum view_result (*mouse)(struct view *v, struct mouse m);
    bool drags; // mouse is told of drags and releases as well, which may be outside of what was drawn
    // What Y copies: the text of what the cursor is on. False, also as NULL: the screen as it is.
    bool (*copy)(struct view *v, struct str *out);
    // What may follow a command's name in ":", where the table does not say it: metrics, settings, columns. `before` is what
    // stands before the word that is being typed ("beta " of "beta 0.1"). NULL: nothing.
    void (*complete)(struct view *v, enum command_id id, const char *before, struct words *out);
    // What a person set here and will want back the next time, into an empty object; and the other way, after `open` and
    // before `shown`: what is missing or damaged (ui/kept.h) stays as it is. NULL: the page keeps nothing.
    void (*save)(const struct view *v, json_t *into);
    void (*restore)(struct view *v, const json_t *from);
    // What the page draws as a picture, by the ending of a file's name (.svg, .png, .txt); appends the file's bytes. And the
    // metrics that it draws, borrowed; returns how many. Both or neither.
    int (*picture)(struct view *v, const char *path, struct str *bytes, struct err *e);
    int (*metrics)(struct view *v, const char **keys, int max);
    // It is called after so many seconds also when no run has changed; 0: after 10, for ages and the like.
    double patience_s;
    // What is being typed where ui_ask_live asked for it, after every key, and as it was when it is left with Esc. NULL:
    // nothing.
    void (*typed)(struct view *v, enum command_id id, const char *text);
    const struct find_ops *find; // NULL: there is nothing to look through
    // The page as sentences, a line each, for who hears it (--lines): all of it, or what a command has moved to or changed.
    // False, also as NULL: there are none for what it shows, and the characters of the screen are said.
    bool (*tell)(struct view *v, bool all, struct str *out);
};
// draw is required; NULL at another pointer means nothing is to be done there.

struct view {
    const struct view_ops *ops;
    struct ui *ui;
    void *state;
    bool is_open;
};

// One row a page (pages.c); the order of enum page.
extern const struct view_ops view_runs, view_curves, view_samples, view_log, view_label, view_launch, view_recipes,
    view_evals, view_help, view_compare, view_data;

// What a view may ask of the manager.
bool ui_talks(struct ui *ui); // line by line: a question (ui_ask) takes the place of a list that keys move in
struct run_list *ui_runs(struct ui *ui);
struct run_row *ui_run(struct ui *ui); // the run that is open; NULL when there is none
struct store *ui_store(struct ui *ui);
void ui_open_run(struct ui *ui, const char *name, enum page page); // shows that page of it
void ui_say(struct ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3))); // the message line
void ui_say_error(struct ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Asks for a value in the prompt line, "LABEL> TEXT"; Enter runs command `id` with what was typed.
void ui_ask(struct ui *ui, enum command_id id, const char *label, const char *text);
// The same for a text that may be empty; the view's `typed` follows it.
void ui_ask_live(struct ui *ui, enum command_id id, const char *label, const char *text);
// Asks yes or no in the prompt line; y runs command `id` with `arg`.
void ui_confirm(struct ui *ui, enum command_id id, const char *arg, const char *question);
// The list's cursor: commands that act on a run act on this one, and the other pages show it.
void ui_choose_run(struct ui *ui, const char *name);
struct plot_pictures *ui_pictures(struct ui *ui); // where charts are to be pictures in this frame; NULL: nowhere
// A command left work to do: refresh is called at once, between keys, as after REFRESH_MORE.
void ui_more(struct ui *ui);
// Work that may take long, on a thread of its own: `work` may touch only `arg`; `done` is called in the console's thread
// with what work returned, and frees arg. due: what would be lost with the console, which asks then before it closes, "A
// file is being written"; NULL: nothing.
void ui_work(struct ui *ui, const char *due, int (*work)(void *arg, struct err *e),
             void (*done)(struct ui *ui, void *arg, int code, const struct err *e), void *arg);
// Lends the terminal to the person's editor ($VISUAL, $EDITOR, else vi) with that file, which stays: a text that was begun
// there is gone on with, else it begins with `before`. *after: what it left, on the heap.
int ui_edit_file(struct ui *ui, const char *path, const char *before, char **after, struct err *e);
const struct label_options *ui_label_options(struct ui *ui); // of the command line; NULL: none
enum page ui_help_page(struct ui *ui); // the page that help is about
// Back to that page, and there what the row does: at once, or in the prompt where something has to follow its name.
void ui_run_row(struct ui *ui, const struct command_row *row);
// What the engine offers; NULL while it is being asked (the view is refreshed when the answer is there).
const struct engine_description *ui_want_description(struct ui *ui);
// The recipes as the engine last said them (launch/engine.h), NULL before; asking is answered by a refresh.
const json_t *ui_recipes(struct ui *ui);
void ui_ask_recipes(struct ui *ui);
void ui_start_recipe(struct ui *ui, const char *path, json_t *changes); // takes changes; goes to the list when it has begun
// What a run of these settings (taken) would take; answered by a refresh. n_runs, at_most: of a sweep, else 1.
void ui_ask_plan(struct ui *ui, const char *objective, json_t *settings, int n_runs, int at_most);
const struct launch_plan *ui_plan(struct ui *ui); // as it was asked for last
// What training a model with these settings (taken) would take of memory; answered by a refresh. One question at a time.
void ui_ask_memory(struct ui *ui, const char *objective, json_t *settings);
bool ui_is_asking_memory(struct ui *ui);
bool ui_take_memory(struct ui *ui, const json_t **plan); // a new answer, borrowed; NULL: it is not known
// Checks a sweep, adds and starts it; settings and lists, which stand in for its own, are taken. Goes to the list.
void ui_start_sweep(struct ui *ui, const struct engine_sweep *sweep, json_t *settings, json_t *lists);
// The evaluations of all runs, listed with the newest run first (ui/runs/eval_table.h; borrowed until the view returns:
// another one comes when they have changed); NULL before they were read. *trouble: the first file that cannot be read, else
// NULL.
// Looking for new ones is answered by a refresh.
struct eval_table *ui_evals(struct ui *ui, const char **trouble);
void ui_look_for_evals(struct ui *ui);
// A stamp that changes with them.
uint64_t ui_evals_stamp(struct ui *ui);
// Forks a run (launch/engine.h) from its newest checkpoint at or before the step, negative: of all. changes:
// "lr=1e-5 objective=ipo", also at=STEP and name=NAME. Says how it went; both runs are selected then.
void ui_fork(struct ui *ui, const char *run, int64_t at, const char *changes);
// Shows these models side by side: words that name checkpoints or folders; "@STEP": what the selected
// runs wrote at that step; NULL: the selected runs.
void ui_compare(struct ui *ui, const char *models);
// Models that answer: at most MODELS_MOST are kept loaded, each in a process of its own. Asks that of a folder, which is
// loaded when it is not; never waits. What there is to ask, and the rows: launch/server.h. options and words (taken, may be
// NULL) are those of the question. The asker is called from the console's loop; its `end` comes exactly once, also when the
// console ends, unless this fails: ERR_LIMIT while as many other models answer.
enum { MODELS_MOST = 4 };
int ui_ask_model(struct ui *ui, const char *folder, const char *what, json_t *options, json_t *words,
                 const struct engine_asker *asker, int64_t *id, struct err *e);
void ui_cancel_question(struct ui *ui, int64_t id); // it ends as ERR_INTERRUPTED, later; one that has ended is left alone
// These folders' models are closed last when another one needs the place.
void ui_keep_models(struct ui *ui, const char *const *folders, int n);
// The data set of page Data as far as it was read (ui/data/data_set.h; borrowed until the view returns); *n_counted: rows
// whose tokens were counted.
const struct data_set *ui_data(struct ui *ui, size_t *n_counted);
// Reads another one in its place, where it is another or it is to be read again; each part that was read is answered by a
// refresh.
void ui_read_data(struct ui *ui, const struct data_source *from, bool again);
void ui_show_data(struct ui *ui, const struct data_source *from);  // page Data, from the form
bool ui_take_data_of_form(struct ui *ui);                          // whether it was opened so, once
void ui_new_run_on(struct ui *ui, const struct data_source *from); // the form, with this data
bool ui_take_train_on(struct ui *ui, struct data_source *out);     // which, once; false: none
void ui_back_to_form(struct ui *ui);
// Starts the engine of a run that was just added to the store, and goes to the list with the cursor on it.
void ui_start_new_run(struct ui *ui, const char *name);
// Checks these, which takes seconds and says so, then adds and starts them in this order. settings: taken; the texts are
// copied.
struct new_run {
    const char *objective, *name; // name "": the objective with a number
    json_t *settings;
};
enum { NEW_RUNS_MOST = 4 };
void ui_start_runs(struct ui *ui, const struct new_run *runs, int n);
bool ui_take_started(struct ui *ui); // whether they were started, once
