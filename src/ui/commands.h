// Everything a person can ask of the console is a row of one table (commands.c): keys, hint line, help page, the
// ":" prompt and scripts all come from it. Handlers switch on the id.
#pragma once

#include <stdbool.h>

enum page { PAGE_RUNS, PAGE_CURVES, PAGE_SAMPLES, PAGE_LOG, PAGE_LAUNCH, PAGE_RECIPES, PAGE_EVALS, PAGE_HELP, PAGE_N };
enum {
    IN_RUNS = 1 << PAGE_RUNS, IN_CURVES = 1 << PAGE_CURVES, IN_SAMPLES = 1 << PAGE_SAMPLES, IN_LOG = 1 << PAGE_LOG,
    IN_LAUNCH = 1 << PAGE_LAUNCH, IN_RECIPES = 1 << PAGE_RECIPES, IN_EVALS = 1 << PAGE_EVALS, IN_HELP = 1 << PAGE_HELP,
    IN_RUN = IN_CURVES | IN_SAMPLES | IN_LOG,
    IN_ALL = (1 << PAGE_N) - 1,
};

enum command_id {
    CMD_NONE,
    // the manager
    CMD_QUIT, CMD_BACK, CMD_HELP, CMD_PROMPT, CMD_REDRAW, CMD_SUSPEND, CMD_FREEZE, CMD_SNAPSHOT, CMD_GLYPHS, CMD_COLORS,
    CMD_PAGE_RUNS, CMD_PAGE_CURVES, CMD_PAGE_SAMPLES, CMD_PAGE_LOG, CMD_PAGE_NEXT, CMD_PAGE_PREVIOUS, CMD_WAIT, CMD_SIZE, CMD_KEYS,
    // moving, wherever there is something to move in
    CMD_UP, CMD_DOWN, CMD_LEFT, CMD_RIGHT, CMD_PAGE_UP, CMD_PAGE_DOWN, CMD_FIRST, CMD_LAST, CMD_NEXT_PANE, CMD_PREVIOUS_PANE,
    // runs
    CMD_OPEN, CMD_SELECT, CMD_SELECT_NONE, CMD_SORT, CMD_NEW, CMD_COPY, CMD_DEMO, CMD_HIDE,
    CMD_PAUSE, CMD_STOP, CMD_RESUME, CMD_CHECKPOINT, CMD_SET, CMD_SET_LR, CMD_SET_BETA, CMD_NEXT_RUN, CMD_PREVIOUS_RUN,
    // curves
    CMD_ZOOM_IN, CMD_ZOOM_OUT, CMD_PAN_LEFT, CMD_PAN_RIGHT, CMD_FIT, CMD_CURSOR, CMD_SMOOTH, CMD_SMOOTH_MORE,
    CMD_SMOOTH_LESS, CMD_X_AXIS, CMD_Y_SCALE, CMD_CLIP, CMD_RAISE, CMD_FULL, CMD_METRIC, CMD_FOLLOW,
    // what leaves the project
    CMD_DATA_FILE, CMD_PICTURE, CMD_EXPORT,
    // samples, log
    CMD_HEAT, CMD_WRAP, CMD_LEVEL,
    // the form
    CMD_EDIT, CMD_RESET, CMD_LAUNCH, CMD_FIND,
    // recipes
    CMD_RECIPES, CMD_START,
    // evaluations
    CMD_EVALS, CMD_INTERVALS,
    CMD_N,
    CMD_EXPORT_TO, // the answer to where something is to be written: no row, for nobody asks for it by itself
};

struct command_row {
    enum command_id id;
    const char *name;  // "zoom-in", for ":" and scripts; hyphens, no spaces
    const char *title; // "zoom in", short, for the hint line
    const char *keys;  // names separated by spaces: "+ =", "Space", "F10", "Ctrl-l", "Up k"; "": none
    unsigned pages;    // IN_...
    const char *arg;   // what may follow the name: "0..0.99", "NAME VALUE"; NULL: nothing
    const char *help;  // one sentence
    int hint;          // place on the hint line, 1 first; 0: not there
};
extern const struct command_row command_rows[]; // ends with id CMD_NONE
const struct command_row *command_row(enum command_id id);
const struct command_row *command_by_name(const char *name, enum page page); // exact, or a unique beginning; else NULL
const struct command_row *command_by_key(int key, enum page page);
// Rows usable on this page whose name, title or help match the letters typed in order, best first; at most max.
int command_search(const char *typed, enum page page, const struct command_row **out, int max);
