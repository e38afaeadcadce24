// THE TABLE of the console's commands, and the ways to find a row: by key, by name, by a few letters.
#include "config.h"

#include "ui/commands.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "ui/keys.h"

// Within a page a key stands in one row only (a test checks). Rows with the same key on other pages are fine.
const struct command_row command_rows[] = {
    // id, name, title, keys, pages, argument, help, place on the hint line
    {CMD_OPEN, "open", "open", "Enter", IN_RUNS, "RUN", "Open a run's curves, samples and log.", 1},
    {CMD_SELECT, "select", "select", "Space", IN_RUNS, "RUN", "Select the run: selected runs are drawn in one plot.", 2},
    {CMD_SELECT_NONE, "select-none", "select none", "U", IN_RUNS, NULL, "Select no run.", 0},
    {CMD_NEW, "new", "new run", "n", IN_RUNS, "OBJECTIVE", "Start a run: choose objective, model, data, settings.", 3},
    {CMD_NEW, "new", "new run", "n", IN_RUN, "OBJECTIVE", "Start a run: choose objective, model, data, settings.", 9},
    {CMD_DEMO, "demo", "demo", "d", IN_RUNS, NULL, "Start the demo: DPO on the small model that comes with Attune.", 4},
    {CMD_COPY, "copy", "copy run", "C", IN_RUNS | IN_RUN, NULL, "Fill the form for a new run with this run's settings.", 0},
    {CMD_RECIPES, "recipes", "recipes", "R", IN_RUNS, NULL, "Experiments of several stages: look at them, start one.", 6},
    {CMD_EVALS, "evaluations", "evaluations", "E", IN_RUNS | IN_RUN, NULL,
     "What was measured of checkpoints, of all runs in one table.", 11},
    {CMD_SORT, "sort", "sort", "o", IN_RUNS, "COLUMN",
     "Sort by age, name, state, step, loss, margin, accuracy or kl; again: the other way round.", 0},
    {CMD_HIDE, "hide", "hide", "D", IN_RUNS, NULL, "Take the run out of the list; its files are kept.", 0},

    {CMD_PAUSE, "pause", "pause", "p", IN_RUNS, NULL, "Pause the run between two steps, or go on.", 5},
    {CMD_PAUSE, "pause", "pause", "p", IN_RUN, NULL, "Pause the run between two steps, or go on.", 1},
    {CMD_STOP, "stop", "stop", "s", IN_RUNS | IN_RUN, NULL, "Stop the run, when you confirm: it writes a checkpoint and ends; r continues it.", 2},
    {CMD_RESUME, "resume", "resume", "r", IN_RUNS | IN_RUN, NULL, "Go on with a paused, stopped, failed or dead run.", 2},
    {CMD_CHECKPOINT, "checkpoint", "checkpoint", "c", IN_RUNS | IN_RUN, NULL, "Write a checkpoint now and go on.", 0},
    {CMD_SET_LR, "lr", "lr", "l", IN_RUN, "VALUE", "Change the learning rate while the run runs.", 3},
    {CMD_SET_BETA, "beta", "beta", "b", IN_RUN, "VALUE", "Change beta while the run runs.", 4},
    {CMD_SET_LR, "lr", "lr", "l", IN_RUNS, "VALUE", "Change the learning rate while the run runs.", 0},
    {CMD_SET_BETA, "beta", "beta", "b", IN_RUNS, "VALUE", "Change beta while the run runs.", 0},
    {CMD_SET, "set", "set", "e", IN_RUNS | IN_RUN, "NAME VALUE", "Change a setting of the run while it runs.", 10},
    {CMD_NEXT_RUN, "next-run", "next run", "J", IN_RUN, NULL, "Show the next run.", 0},
    {CMD_PREVIOUS_RUN, "previous-run", "previous run", "K", IN_RUN, NULL, "Show the previous run.", 0},

    {CMD_ZOOM_IN, "zoom-in", "zoom", "+ =", IN_CURVES, NULL, "Show half as many steps, around the cursor or the end.", 5},
    {CMD_ZOOM_OUT, "zoom-out", "zoom out", "- _", IN_CURVES, NULL, "Show twice as many steps.", 0},
    {CMD_PAN_LEFT, "pan-left", "earlier", "< ,", IN_CURVES, NULL, "Move the window towards earlier steps.", 0},
    {CMD_PAN_RIGHT, "pan-right", "later", ">", IN_CURVES, NULL, "Move the window towards later steps.", 0},
    {CMD_FIT, "fit", "whole run", "0", IN_CURVES, NULL, "Show all steps and follow the run.", 0},
    {CMD_FOLLOW, "follow", "follow", "F", IN_CURVES, NULL, "Keep the newest step in the window.", 0},
    {CMD_CURSOR, "cursor", "cursor", ".", IN_CURVES, "STEP", "A cursor that reads values; Left and Right move it.", 6},
    {CMD_SMOOTH_MORE, "smooth-more", "smooth", "]", IN_CURVES, NULL, "Smooth more.", 7},
    {CMD_SMOOTH_LESS, "smooth-less", "smooth less", "[", IN_CURVES, NULL, "Smooth less.", 0},
    {CMD_SMOOTH, "smooth", "smooth by", "", IN_CURVES, "0..0.99", "Set the smoothing; 0 shows the points as they are.", 0},
    {CMD_X_AXIS, "x-axis", "x axis", "x", IN_CURVES, NULL, "What the x axis counts.", 0},
    {CMD_Y_SCALE, "y-scale", "log scale", "y", IN_CURVES, NULL, "Linear or logarithmic y axis.", 0},
    {CMD_CLIP, "clip", "clip", "a", IN_CURVES, NULL, "Leave outliers out of the y range.", 0},
    {CMD_RAISE, "raise", "raise", "t", IN_CURVES, "RUN", "Draw another of the overlaid runs on top.", 0},
    {CMD_FULL, "full", "full screen", "Enter z", IN_CURVES, NULL, "One chart alone, or all again.", 8},
    {CMD_METRIC, "metric", "metric", "m", IN_CURVES, "NAME", "Show another metric in the chosen chart.", 0},

    {CMD_HEAT, "heat", "rewards", "t", IN_SAMPLES, NULL, "Show what each token of the response earned, or the plain text.", 3},
    {CMD_WRAP, "wrap", "wrap", "w", IN_LOG, NULL, "Break long lines, or cut them.", 4},
    {CMD_LEVEL, "level", "level", "v", IN_LOG, NULL, "All events, warnings and errors, or the engine's own output.", 3},

    {CMD_EDIT, "edit", "edit", "Enter", IN_LAUNCH, "NAME VALUE", "Edit the value under the cursor; Enter keeps it.", 1},
    {CMD_SELECT, "choose", "choose", "Space", IN_LAUNCH, NULL, "The next choice of the field under the cursor.", 2},
    {CMD_LAUNCH, "launch", "launch", "F10 L", IN_LAUNCH, NULL, "Start the run with these settings.", 3},
    {CMD_RESET, "reset", "default", "r", IN_LAUNCH, NULL, "Put the field under the cursor back to its default.", 5},
    {CMD_FIND, "find", "find", "/", IN_LAUNCH, "NAME", "Go to the field whose name or meaning holds what you type.", 4},
    {CMD_PAN_LEFT, "command-up", "command up", "<", IN_LAUNCH, NULL, "The command at the bottom, one line up.", 0},
    {CMD_PAN_RIGHT, "command-down", "command down", ">", IN_LAUNCH, NULL, "The command at the bottom, one line down.", 0},

    {CMD_OPEN, "show", "show", "Enter", IN_RECIPES, NULL, "Show the recipe's file alone, or the list again.", 1},
    {CMD_START, "start", "start", "s", IN_RECIPES, "NAME=VALUE...",
     "Start the recipe: its inputs, such as model=DIR data=FILE, and changes, such as dpo.beta=0.3.", 2},
    {CMD_COPY, "copy", "copy", "C", IN_RECIPES, NULL, "Copy the recipe into the project, to be edited there.", 3},

    {CMD_OPEN, "open", "open", "Enter", IN_EVALS, NULL, "Open the curves of the run under the cursor.", 1},
    {CMD_SORT, "sort", "sort", "o", IN_EVALS, "COLUMN",
     "Sort by the chosen column, the best first; again: the other way round.", 2},
    {CMD_RIGHT, "right", "column", "Right l", IN_EVALS, NULL,
     "Choose the next column; more of them than you see are on the right.", 3},
    {CMD_LEFT, "left", "column", "Left h", IN_EVALS, NULL, "Choose the column before.", 0},
    {CMD_SELECT, "select", "select", "Space", IN_EVALS, NULL, "Select the run: the selected ones stand first.", 4},
    {CMD_INTERVALS, "intervals", "intervals", "i", IN_EVALS, NULL,
     "Show the 95 % intervals beside the values, or more columns.", 5},

    {CMD_DATA_FILE, "write", "write", "w", IN_RUNS | IN_CURVES | IN_SAMPLES | IN_EVALS, "FILE",
     "Write what this page is about as a table: .csv or .jsonl.", 0},
    {CMD_PICTURE, "picture", "picture", "W", IN_CURVES, "FILE", "Write the charts as a picture: .svg, .png or .txt.", 0},
    {CMD_EXPORT, "export", "export", "", IN_RUNS | IN_RUN | IN_EVALS, "WHAT FILE",
     "Write a plot, a table, a report, or files for TensorBoard.", 0},

    {CMD_UP, "up", "up", "Up k", IN_ALL, NULL, "One line up.", 0},
    {CMD_DOWN, "down", "down", "Down j", IN_ALL, NULL, "One line down.", 0},
    {CMD_LEFT, "left", "left", "Left h", IN_ALL & ~IN_EVALS, NULL, "To the left; on curves: an earlier step.", 0},
    {CMD_RIGHT, "right", "right", "Right", IN_ALL & ~IN_EVALS, NULL, "To the right; on curves: a later step.", 0},
    {CMD_PAGE_UP, "page-up", "page up", "PgUp Ctrl-u", IN_ALL, NULL, "A page up.", 0},
    {CMD_PAGE_DOWN, "page-down", "page down", "PgDn Ctrl-d", IN_ALL, NULL, "A page down.", 0},
    {CMD_FIRST, "first", "first", "Home g", IN_ALL, NULL, "To the beginning.", 0},
    {CMD_LAST, "last", "last", "End G", IN_ALL, NULL, "To the end.", 0},
    {CMD_NEXT_PANE, "next-pane", "next", "Tab", IN_ALL, NULL, "To the next pane.", 0},
    {CMD_PREVIOUS_PANE, "previous-pane", "previous", "Shift-Tab", IN_ALL, NULL, "To the previous pane.", 0},

    {CMD_PAGE_RUNS, "runs", "runs", "1 Alt-1", IN_ALL, NULL, "The list of runs.", 0},
    {CMD_PAGE_CURVES, "curves", "curves", "2 Alt-2", IN_ALL, NULL, "The run's curves.", 0},
    {CMD_PAGE_SAMPLES, "samples", "samples", "3 Alt-3", IN_ALL, NULL, "What the model writes.", 0},
    {CMD_PAGE_LOG, "log", "log", "4 Alt-4", IN_ALL, NULL, "What happened: events and the engine's output.", 0},
    {CMD_PAGE_NEXT, "next-page", "next page", "}", IN_ALL, NULL, "The next page.", 0},
    {CMD_PAGE_PREVIOUS, "previous-page", "previous page", "{", IN_ALL, NULL, "The previous page.", 0},

    {CMD_PROMPT, "command", "command", ":", IN_ALL, NULL, "Type a command's name; a few of its letters are enough.", 18},
    {CMD_HELP, "help", "help", "? F1", IN_ALL & ~IN_HELP, NULL, "All keys and commands of this page.", 19},
    {CMD_BACK, "back", "back", "q Esc", IN_ALL & ~IN_RUNS & ~IN_LAUNCH, NULL, "One level up.", 20},
    {CMD_BACK, "back", "back", "Esc q", IN_LAUNCH, NULL, "To the page before; what is in the form stays.", 20},
    {CMD_QUIT, "quit", "quit", "q", IN_RUNS, NULL, "Leave the console; runs go on.", 20},
    {CMD_FREEZE, "freeze", "freeze", "Z", IN_ALL, NULL, "Hold the picture still, or follow again; nothing is lost.", 0},
    {CMD_REDRAW, "redraw", "redraw", "Ctrl-l", IN_ALL, NULL, "Paint the whole screen again.", 0},
    {CMD_SUSPEND, "suspend", "suspend", "Ctrl-z", IN_ALL, NULL, "Back to the shell; fg returns.", 0},
    {CMD_SNAPSHOT, "snapshot", "snapshot", "", IN_ALL, "FILE", "Save the screen as text.", 0},
    {CMD_GLYPHS, "glyphs", "glyphs", "", IN_ALL, "braille|block|ascii", "How curves are drawn.", 0},
    {CMD_COLORS, "colors", "colours", "", IN_ALL, "256|16|8|mono|dark|light", "How many colours, and for which background.", 0},
    {CMD_WAIT, "wait", "wait", "", IN_ALL, "TEXT", "In scripts: wait until the screen shows the text.", 0},
    {CMD_SIZE, "size", "size", "", IN_ALL, "WIDTHxHEIGHT", "In scripts: the size of the screen.", 0},
    {CMD_KEYS, "keys", "keys", "", IN_ALL, "KEY...", "Press keys, such as: keys j j Enter.", 0},
    {CMD_NONE, NULL, NULL, NULL, 0, NULL, NULL, 0},
};

const struct command_row *command_row(enum command_id id)
{
    for (const struct command_row *r = command_rows; r->id; r++)
        if (r->id == id)
            return r;
    return NULL;
}

static bool is_on(const struct command_row *r, enum page page)
{
    return r->pages >> page & 1;
}

const struct command_row *command_by_name(const char *name, enum page page)
{
    const struct command_row *found = NULL;
    int n_found = 0;
    size_t n = strlen(name);
    for (const struct command_row *r = command_rows; r->id; r++) {
        if (!is_on(r, page) || strncmp(r->name, name, n) != 0)
            continue;
        if (!r->name[n])
            return r;
        found = r;
        n_found++;
    }
    return n_found == 1 && n > 0 ? found : NULL;
}

const struct command_row *command_by_key(int key, enum page page)
{
    for (const struct command_row *r = command_rows; r->id; r++) {
        if (!is_on(r, page))
            continue;
        for (const char *k = r->keys; *k;) {
            size_t n = strcspn(k, " ");
            if (key_from_name(k, (unsigned)n) == key)
                return r;
            k += n + (k[n] == ' ');
        }
    }
    return NULL;
}

// Small is good; -1: the letters are not there. A beginning beats a whole word beats scattered letters.
static int match_cost(const struct command_row *r, const char *typed)
{
    size_t n = strlen(typed);
    if (strncasecmp(r->name, typed, n) == 0)
        return (int)(strlen(r->name) - n);
    if (strcasestr(r->name, typed) || strcasestr(r->title, typed))
        return 100;
    int gaps = 0;
    const char *at = r->name;
    const char *t = typed;
    for (; *t; t++) {
        const char *from = at;
        while (*at && tolower((unsigned char)*at) != tolower((unsigned char)*t))
            at++;
        if (!*at)
            break;
        gaps += (int)(at - from);
        at++;
    }
    if (!*t)
        return 200 + gaps;
    return strcasestr(r->help, typed) && n >= 3 ? 400 : -1;
}

int command_search(const char *typed, enum page page, const struct command_row **out, int max)
{
    int cost[128], n = 0;
    for (const struct command_row *r = command_rows; r->id; r++) {
        int c = is_on(r, page) ? match_cost(r, typed) : -1;
        if (c < 0)
            continue;
        int at = n < max ? n : max;
        while (at > 0 && cost[at - 1] > c)
            at--;
        if (at >= max || at >= 128)
            continue;
        int last = n < max ? n : max - 1;
        for (int i = last; i > at; i--) {
            cost[i] = cost[i - 1];
            out[i] = out[i - 1];
        }
        cost[at] = c;
        out[at] = r;
        if (n < max)
            n++;
    }
    return n;
}
