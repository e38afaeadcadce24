// Everything a person can ask of the console is a row of one table (commands.c): keys, hint line, help page, the
// ":" prompt and scripts all come from it. Handlers switch on the id.
#pragma once

#include <stdbool.h>

enum page {
    PAGE_RUNS,
    PAGE_CURVES,
    PAGE_SAMPLES,
    PAGE_LOG,
    PAGE_COMPARE,
    PAGE_LABEL,
    PAGE_DATA,
    PAGE_LAUNCH,
    PAGE_RECIPES,
    PAGE_EVALS,
    PAGE_HELP,
    PAGE_N
};
enum {
    IN_RUNS = 1 << PAGE_RUNS, IN_CURVES = 1 << PAGE_CURVES, IN_SAMPLES = 1 << PAGE_SAMPLES, IN_LOG = 1 << PAGE_LOG,
    IN_COMPARE = 1 << PAGE_COMPARE, IN_LABEL = 1 << PAGE_LABEL, IN_DATA = 1 << PAGE_DATA,
    IN_LAUNCH = 1 << PAGE_LAUNCH, IN_RECIPES = 1 << PAGE_RECIPES, IN_EVALS = 1 << PAGE_EVALS, IN_HELP = 1 << PAGE_HELP,
    IN_RUN = IN_CURVES | IN_SAMPLES | IN_LOG,
    IN_ALL = (1 << PAGE_N) - 1,
    IN_DIGITS = IN_COMPARE | IN_LABEL, // where digits are judgements, and pages are turned with Alt and a digit
};
enum { N_NUMBERED = PAGE_LAUNCH }; // pages that stand in the strip at the top, with a number

enum command_id {
    CMD_NONE,
    // the manager
    CMD_QUIT, CMD_BACK, CMD_HELP, CMD_PROMPT, CMD_REDRAW, CMD_SUSPEND, CMD_FREEZE, CMD_SNAPSHOT, CMD_GLYPHS, CMD_COLORS,
    CMD_PAGE_RUNS, CMD_PAGE_CURVES, CMD_PAGE_SAMPLES, CMD_PAGE_LOG, CMD_PAGE_COMPARE, CMD_PAGE_DATA, CMD_PAGE_NEXT,
    CMD_PAGE_PREVIOUS, CMD_WAIT, CMD_SIZE, CMD_KEYS,
    CMD_COPY_TEXT, CMD_TEACH, CMD_MOUSE, CMD_PICTURES, CMD_HINTS, CMD_GO, CMD_ALERT,
    // moving, wherever there is something to move in
    CMD_UP, CMD_DOWN, CMD_LEFT, CMD_RIGHT, CMD_PAGE_UP, CMD_PAGE_DOWN, CMD_FIRST, CMD_LAST, CMD_NEXT_PANE, CMD_PREVIOUS_PANE,
    CMD_FIND, CMD_FIND_NEXT, CMD_FIND_PREVIOUS,
    // runs
    CMD_OPEN, CMD_SELECT, CMD_SELECT_ALL, CMD_SORT, CMD_NEW, CMD_COPY, CMD_DEMO,
    CMD_FILTER, CMD_COLUMNS, CMD_GROUP, CMD_SHELF, CMD_TAG, CMD_NOTE, CMD_RENAME, CMD_PIN, CMD_ARCHIVE, CMD_REMOVE,
    CMD_UNDO, CMD_REDO,
    CMD_PAUSE, CMD_STOP, CMD_RESUME, CMD_CHECKPOINT, CMD_SET, CMD_SET_LR, CMD_SET_BETA, CMD_NEXT_RUN, CMD_PREVIOUS_RUN,
    // curves
    CMD_ZOOM_IN, CMD_ZOOM_OUT, CMD_PAN_LEFT, CMD_PAN_RIGHT, CMD_FIT, CMD_CURSOR, CMD_SMOOTH, CMD_SMOOTH_MORE,
    CMD_SMOOTH_LESS, CMD_X_AXIS, CMD_Y_SCALE, CMD_CLIP, CMD_RAISE, CMD_FULL, CMD_METRIC, CMD_FOLLOW,
    CMD_RANGE, CMD_X_LOG, CMD_LAYOUT, CMD_BANDS, CMD_DELTA, CMD_PIN_CURVE, CMD_MULTIPLES, CMD_DIFF, CMD_BEST,
    CMD_FORK, CMD_GUIDES, CMD_GRID, CMD_SCATTER, CMD_BOX, CMD_COLOR_BY, CMD_BUDGET, CMD_HEAT_MAP, CMD_PARALLEL,
    // what leaves the project
    CMD_DATA_FILE, CMD_PICTURE, CMD_EXPORT, CMD_VIEW,
    // samples, log
    CMD_HEAT, CMD_WRAP, CMD_LEVEL,
    // comparing
    CMD_COMPARE, CMD_ASK, CMD_PROMPTS, CMD_RESAMPLE, CMD_SEED, CMD_TEMPERATURE, CMD_WARMER, CMD_COOLER, CMD_LENGTH,
    CMD_TOP_P, CMD_SIDE, CMD_MODEL, CMD_DROP, CMD_REFERENCE, CMD_REWARD, CMD_SWAP, CMD_BLIND, CMD_SETTINGS, CMD_WINS,
    CMD_WRITE, CMD_GRADE, CMD_GO_ON, CMD_GO_ON_CHOSEN, CMD_ASK_ALL, CMD_SCORES, CMD_NEXT_MODELS, CMD_SLICES, CMD_SCROLL_UP,
    CMD_SCROLL_DOWN,
    // the form
    CMD_EDIT, CMD_RESET, CMD_LAUNCH, CMD_PLAN, CMD_PRESET, CMD_SAVE_PRESET,
    // data
    CMD_DOUBLES, CMD_TRAIN_ON,
    // recipes
    CMD_RECIPES, CMD_START,
    // evaluations
    CMD_EVALS, CMD_INTERVALS,
    // labels: judgements in the order of enum verdict, as they are shown
    CMD_JUDGE_MUCH_LEFT, CMD_JUDGE_LEFT, CMD_JUDGE_SLIGHT_LEFT, CMD_JUDGE_SAME, CMD_JUDGE_SLIGHT_RIGHT, CMD_JUDGE_RIGHT,
    CMD_JUDGE_MUCH_RIGHT, CMD_JUDGE_BOTH_BAD, CMD_JUDGE_CANNOT, CMD_JUDGE_SKIP, CMD_JUDGE_FLAG,
    CMD_PAGE_LABEL, CMD_LABEL_RUN, CMD_LABEL_SOURCE, CMD_REASONS, CMD_CORRECT, CMD_ORDER,
    CMD_STATISTICS, CMD_GUIDELINE, CMD_REVEAL, CMD_BOTH_DOWN, CMD_BOTH_UP, CMD_LABEL_LIST,
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
// The row's keys on that page: those of the table, or what a person gave it instead (ui/key_file.h).
const char *row_keys(const struct command_row *row, enum page page);
enum { COMMAND_MAX_ROWS = 256 };
// keys: (COMMAND_MAX_ROWS, PAGE_N) by the row's place in the table, NULL: as in the table; taken, and freed with the next
// ones. NULL: all as in the table.
void command_bind(char *(*keys)[PAGE_N]);
// Rows usable on this page whose name, title or help match the letters typed in order, best first; at most max.
int command_search(const char *typed, enum page page, const struct command_row **out, int max);
