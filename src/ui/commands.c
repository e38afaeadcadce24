// THE TABLE of the console's commands, and the ways to find a row: by key, by name, by a few letters.
#include "config.h"

#include "ui/commands.h"

#include <stdlib.h>
#include <string.h>

#include "ui/term/keys.h"
#include "ui/term/words.h"

// A numbered page, by its digit where digits are not judgements.
#define PAGE_ROWS(id, name, digit, help)                                                            \
    {id, name, name, digit " Alt-" digit, IN_ALL & ~IN_DIGITS, NULL, help, 0},                      \
    {id, name, name, "Alt-" digit, IN_DIGITS, NULL, help, 0}

// Within a page a key stands in one row only (a test checks). Rows with the same key on other pages are fine.
const struct command_row command_rows[] = {
    // id, name, title, keys, pages, argument, help, place on the hint line
    {CMD_OPEN, "open", "open", "Enter", IN_RUNS, "RUN", "Open a run's curves, samples and log.", 1},
    {CMD_SELECT, "select", "select", "Space", IN_RUNS, "RUN", "Select the run: selected runs are drawn in one plot.", 2},
    {CMD_SELECT_ALL, "select-all", "select all", "*", IN_RUNS, NULL,
     "Select all runs that are shown; none when some are selected.", 0},
    {CMD_NEW, "new", "new", "a", IN_RUNS, "OBJECTIVE", "Start a run: choose objective, model, data, settings.", 3},
    {CMD_NEW, "new", "new", "", IN_RUN, "OBJECTIVE", "Start a run: choose objective, model, data, settings.", 0},
    {CMD_DEMO, "demo", "demo", "d", IN_RUNS, NULL, "Start the demo: DPO on the small model that comes with Attune.", 14},
    {CMD_COPY, "copy", "copy run", "C", IN_RUNS | IN_RUN, NULL, "Fill the form for a new run with this run's settings.", 0},
    {CMD_RECIPES, "recipes", "recipes", "R", IN_RUNS, NULL, "Experiments of several stages: look at them, start one.", 8},
    {CMD_EVALS, "evaluations", "evaluations", "E", IN_RUNS | IN_RUN, NULL,
     "What was measured of checkpoints, of all runs in one table.", 11},
    {CMD_SORT, "sort", "sort", "o", IN_RUNS, "FIELD",
     "Sort by a column, a setting or a metric, such as age, loss, beta or kl@max; again: the other way round.", 8},
    {CMD_FILTER, "filter", "filter", "\\", IN_RUNS, "EXPRESSION",
     "Show only runs that pass: objective=dpo,ipo loss<0.6 -tag:debug; words, field=value, : holds, < >, OR, ( ), * "
     "and ?, /pattern/.", 4},
    {CMD_COLUMNS, "columns", "columns", "f", IN_RUNS, "FIELD,FIELD...|usual",
     "Choose the columns: any setting, any metric (newest, best, smallest, largest, at a step, its course).", 9},
    {CMD_GROUP, "group", "group", "B", IN_RUNS, "FIELD",
     "Group by a field, with mean and standard deviation of each group; empty: no groups.", 12},
    {CMD_TAG, "tag", "tag", "m", IN_RUNS, "+TAG -TAG...",
     "Give tags to the selected runs, or to this one, and take them away.", 13},
    {CMD_NOTE, "note", "note", "M", IN_RUNS, "TEXT", "Write a note to the run.", 0},
    {CMD_RENAME, "rename", "rename", "F2", IN_RUNS, "NAME", "Give the run another name, with its folder.", 0},
    {CMD_PIN, "pin", "pin", "P", IN_RUNS, NULL,
     "Keep the selected runs, or this one, on top of the list, or not any more.", 0},
    {CMD_ARCHIVE, "archive", "archive", "A", IN_RUNS, NULL,
     "Take the selected runs, or this one, from the list, with all files kept; in the archive: put them back.", 0},
    {CMD_SHELF, "show-archive", "archive", "V", IN_RUNS, NULL, "Show the archive, or the list again.", 0},
    {CMD_REMOVE, "remove", "remove", "D", IN_RUNS, "NAME",
     "Put the selected runs, or this one, into the trash: the name, or how many, is to be typed.", 0},
    {CMD_UNDO, "undo", "undo", "u", IN_RUNS, NULL,
     "Take back the last change of tags, notes, names, pins, archive or trash.", 0},
    {CMD_REDO, "redo", "redo", "U", IN_RUNS, NULL, "Do again what was taken back.", 0},

    {CMD_PAUSE, "pause", "pause", "p", IN_RUNS, NULL, "Pause the run under the cursor between two steps, or go on.", 7},
    {CMD_PAUSE, "pause", "pause", "p", IN_RUN, NULL, "Pause the run between two steps, or go on.", 1},
    {CMD_STOP, "stop", "stop", "s", IN_RUNS, NULL,
     "Stop the run, when you confirm: it writes a checkpoint and ends; r continues it.", 6},
    {CMD_STOP, "stop", "stop", "s", IN_RUN, NULL,
     "Stop the run, when you confirm: it writes a checkpoint and ends; r continues it.", 2},
    {CMD_RESUME, "resume", "resume", "r", IN_RUNS, NULL, "Go on with a paused, stopped, failed or dead run.", 6},
    {CMD_RESUME, "resume", "resume", "r", IN_RUN, NULL, "Go on with a paused, stopped, failed or dead run.", 2},
    {CMD_CHECKPOINT, "checkpoint", "checkpoint", "c", IN_RUNS | IN_RUN, NULL, "Write a checkpoint now and go on.", 0},
    {CMD_SET_LR, "lr", "lr", "R", IN_RUN, "VALUE", "Change the learning rate while the run runs.", 3},
    {CMD_SET_BETA, "beta", "beta", "b", IN_RUN, "VALUE", "Change beta while the run runs.", 4},
    {CMD_SET_LR, "lr", "lr", "", IN_RUNS, "VALUE", "Change the learning rate while the run runs.", 0},
    {CMD_SET_BETA, "beta", "beta", "b", IN_RUNS, "VALUE", "Change beta while the run runs.", 0},
    {CMD_SET, "set", "set", "e", IN_RUNS | IN_RUN, "NAME VALUE", "Change a setting of the run while it runs.", 10},
    {CMD_ALERT, "alert", "alert", "!", IN_RUNS | IN_RUN, NULL, "Go from the run's alert to its line on page Log.", 0},
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
    {CMD_SMOOTH, "smooth", "smooth by", "", IN_CURVES, "0..0.99|mean STEPS|gaussian STEPS",
     "Set the smoothing: an average over what came before, a mean of so many steps around each point, a Gaussian so "
     "wide; 0: as recorded.", 0},
    {CMD_X_AXIS, "x-axis", "x axis", "x", IN_CURVES, NULL, "What the x axis counts.", 0},
    {CMD_X_AXIS, "x", "x by", "", IN_CURVES, "step|time|wall|tokens|epochs|METRIC",
     "Draw by steps, training time, time of the clock, tokens, epochs, or by any metric: reward by kl.", 0},
    {CMD_Y_SCALE, "y-scale", "log scale", "y", IN_CURVES, NULL, "Linear or logarithmic y axis.", 0},
    {CMD_CLIP, "clip", "clip", "a", IN_CURVES, "PERCENT|BELOW ABOVE",
     "Leave outliers out of the y range: one percent at each end, or so many.", 0},
    {CMD_RANGE, "range", "range", "v", IN_CURVES, "FROM TO",
     "Mark from here to where the cursor goes: slope, mean, area of the range; + zooms into it.", 0},
    {CMD_X_LOG, "x-log", "log x axis", "X", IN_CURVES, NULL, "Logarithmic x axis, or linear again.", 0},
    {CMD_GUIDES, "guides", "guides", "|", IN_CURVES, "off|lines|dots",
     "Lines or dots across the charts, at the numbers of the axis.", 0},
    {CMD_RAISE, "raise", "raise", "t", IN_CURVES, "RUN",
     "Draw another of the overlaid runs on top and the others dim; after the last, all alike.", 0},
    {CMD_FULL, "full", "full screen", "Enter z", IN_CURVES, NULL, "One chart alone, or all again.", 8},
    {CMD_METRIC, "metric", "metric", "m", IN_CURVES, "NAME", "Go to the chart of a metric.", 0},
    {CMD_FILTER, "filter", "filter", "\\", IN_CURVES, "WORDS",
     "Only charts with these words: a|b either, !a without, * any letters; empty: all.", 0},
    {CMD_LAYOUT, "layout", "layout", "L", IN_CURVES, "NAME",
     "Another choice of charts: all, preference, reward, throughput, dpo-pm.", 9},
    {CMD_SORT, "sort", "sort", "o", IN_CURVES, "off|name|value|smoothed|least|most",
     "Sort the values at the cursor, the greatest first; the same again: the other way.", 0},
    {CMD_SCATTER, "scatter", "scatter", "", IN_CURVES, "X Y",
     "A point for each run at the newest values of two metrics, or at kl@min, reward@max, or by a setting; off.", 0},
    {CMD_BOX, "box", "boxes", "", IN_CURVES, "METRIC SETTING",
     "Boxes of the runs' newest values of a metric (@min, @max) over the values of a setting; off.", 0},
    {CMD_HEAT_MAP, "heat-map", "heat map", "", IN_CURVES, "METRIC",
     "A row of shades for each run: a metric over the steps, dark where it is high; off.", 0},
    {CMD_PARALLEL, "parallel", "parallel axes", "", IN_CURVES, "NAME NAME...",
     "A line for each run through axes of settings and metrics (newest, @min, @max); off.", 0},
    {CMD_COLOR_BY, "color-by", "colours by", "", IN_CURVES, "SETTING|PATTERN...|off",
     "One colour for runs with the same value of a setting, or whose names fit the same pattern: dpo-* ppo-*.", 0},
    {CMD_BUDGET, "budget", "budget", "", IN_CURVES, "VALUE|off",
     "A value of the chosen chart that is not to be passed: a marked range (v) says at which step each curve crosses "
     "it.", 0},
    {CMD_GRID, "grid", "grid", "", IN_CURVES, "RxC|auto",
     "So many rows and columns of charts on the screen, or as many as there is good room for.", 0},
    {CMD_BANDS, "bands", "groups", "B", IN_CURVES, "mean|range|sd|interval|se|quartiles",
     "Runs that differ in the seed alone as a mean with a band: sd, 95 %, standard error, min-max; as a median with "
     "quartiles; as the mean alone; and back.", 0},
    {CMD_GROUP, "group", "group by", "", IN_CURVES, "SETTING",
     "Draw runs with the same value of a setting as one mean; seed: alike but for it; off.", 0},
    {CMD_DELTA, "delta", "difference", "D", IN_CURVES, NULL, "Each run minus the pinned one, or the runs themselves.", 0},
    {CMD_PIN_CURVE, "pin", "pin", "P", IN_CURVES, "RUN", "The run on top is the one that others are compared with.", 0},
    {CMD_MULTIPLES, "multiples", "one a run", "V", IN_CURVES, NULL,
     "The chosen chart once for each run, or for each group of runs (B, :group), all on one scale.", 0},
    {CMD_DIFF, "diff", "settings", "d", IN_CURVES, NULL, "The settings in which the runs differ.", 0},
    {CMD_BEST, "best", "best run", "", IN_CURVES, "METRIC",
     "Which run is best by a metric, and draw it on top; min: or max: before it says which way.", 0},
    {CMD_FORK, "fork", "fork", "f", IN_CURVES, "NAME=VALUE...",
     "A new run from the newest checkpoint before the cursor, with other settings: lr=1e-5 objective=ipo.", 10},

    {CMD_HEAT, "heat", "rewards", "t", IN_SAMPLES, NULL,
     "Show what each token of the response earned, or the plain text.", 3},
    {CMD_WRAP, "wrap", "wrap", "W", IN_LOG, NULL, "Break long lines, or cut them.", 4},
    {CMD_LEVEL, "level", "level", "v", IN_LOG, NULL, "All events, warnings and errors, or the engine's own output.", 3},

    {CMD_COMPARE, "compare", "compare", "=", IN_RUNS, "MODEL...",
     "Compare the selected runs' newest checkpoints, or the run under the cursor with what it started from.", 5},
    {CMD_COMPARE, "compare-samples", "samples", "S", IN_CURVES, NULL,
     "What the runs wrote at the cursor's step, side by side.", 0},
    {CMD_COMPARE, "compare", "compare", "", IN_COMPARE, "MODEL...",
     "Compare these: RUN, RUN@STEP, RUN@best, RUN@base (what it began from) or a model's folder.", 0},
    {CMD_ASK, "ask", "ask", "e", IN_COMPARE, "TEXT", "Type a prompt: all sides answer it.", 1},
    {CMD_RESAMPLE, "resample", "again", "r", IN_COMPARE, NULL, "Let them answer again, with the next seed.", 2},
    {CMD_GRADE, "grade", "vote", "1 2 3 4 5 6 7 8", IN_COMPARE, "1..8",
     "Vote: 1 A is much better, 2 better, 3 slightly, 4 about the same, 5 to 7 the same for B, 8 both are bad. It is "
     "kept as a label.", 3},
    {CMD_HEAT, "tokens", "tokens", "t", IN_COMPARE, "text|reference|entropy|other",
     "What the style of a token says: its log-ratio to what the run started from, the entropy, or how likely the other "
     "side finds it.", 4},
    {CMD_SIDE, "side", "add", "a", IN_COMPARE, "MODEL",
     "Add a model: RUN, RUN@STEP, RUN@best, RUN@base or a folder; without one, a list.", 5},
    {CMD_PROMPTS, "prompts", "prompts", "o", IN_COMPARE, "FILE",
     "Take prompts from a data file, or a text with one a line; j and k go through them.", 6},
    {CMD_BLIND, "blind", "blind", "b", IN_COMPARE, NULL, "Hide names and shuffle sides until you vote, or show them.", 7},
    {CMD_DIFF, "diff", "diff", "d", IN_COMPARE, NULL, "Mark the words that the two answers do not share, or not.", 8},
    {CMD_WARMER, "warmer", "warmer", "+ =", IN_COMPARE, NULL, "Answer again, 0.1 warmer.", 9},
    {CMD_COOLER, "cooler", "cooler", "- _", IN_COMPARE, NULL, "Answer again, 0.1 cooler.", 0},
    {CMD_TEMPERATURE, "temperature", "temperature", "T", IN_COMPARE, "VALUE",
     "Answer again at this temperature; 0: always the likeliest token.", 0},
    {CMD_TOP_P, "top-p", "top-p", "", IN_COMPARE, "VALUE",
     "Choose among the likeliest tokens that have this share together.", 0},
    {CMD_SEED, "seed", "seed", "", IN_COMPARE, "N", "Answer with this seed: the same one gives the same answers.", 0},
    {CMD_LENGTH, "length", "length", "L", IN_COMPARE, "TOKENS", "The longest answer.", 0},
    {CMD_STOP, "stop", "stop", "S", IN_COMPARE, NULL, "Stop what is being answered; what was said stays.", 0},
    {CMD_MODEL, "model", "model", "c Enter", IN_COMPARE, "MODEL", "Another model for the side in focus.", 10},
    {CMD_DROP, "drop", "take out", "x", IN_COMPARE, NULL, "Take the side in focus out.", 0},
    {CMD_PAN_LEFT, "earlier", "earlier", "[ <", IN_COMPARE, NULL,
     "The side in focus: the checkpoint before, of the same run.", 0},
    {CMD_PAN_RIGHT, "later", "later", "] >", IN_COMPARE, NULL,
     "The side in focus: the next checkpoint of the same run.", 11},
    {CMD_SWAP, "swap", "swap", "s", IN_COMPARE, NULL, "Exchange the first side and the one in focus.", 0},
    {CMD_REFERENCE, "reference", "reference", "v", IN_COMPARE, "MODEL",
     "What the tokens of the side in focus are compared with.", 0},
    {CMD_REWARD, "reward", "reward", "m", IN_COMPARE, "MODEL", "A reward model that scores all answers.", 0},
    {CMD_SETTINGS, "settings", "settings", "D", IN_COMPARE, NULL,
     "What differs in how they were trained, and where the runs stand.", 0},
    {CMD_WINS, "wins", "wins", "V", IN_COMPARE, NULL,
     "All votes of the project: how often which model won, and whether that is decided.", 0},
    {CMD_NEXT_MODELS, "next-models", "next models", "M", IN_COMPARE, NULL,
     "Compare the two models whose order is the least certain by all votes so far.", 0},
    {CMD_SLICES, "slices", "slices", "", IN_COMPARE, "length|words|beginning N, or MEMBER FILE",
     "Cut the win rates of V by the prompt's length, a word that prompts share, how they begin, or a member of the "
     "rows they come from.", 0},
    {CMD_WRITE, "write", "write", "w", IN_COMPARE, "FILE",
     "Write the answers as JSON lines, with every token's numbers.", 0},
    {CMD_FULL, "zoom", "zoom", "z", IN_COMPARE, NULL, "The side in focus alone, or all.", 0},
    {CMD_SCROLL_DOWN, "scroll-down", "scroll", "J", IN_COMPARE, NULL, "All answers one line down.", 0},
    {CMD_SCROLL_UP, "scroll-up", "scroll up", "K", IN_COMPARE, NULL, "All answers one line up.", 0},
    {CMD_UNDO, "undo", "undo", "u", IN_COMPARE, NULL, "Take the last vote of this sitting back; as often as you like.", 0},
    {CMD_REDO, "redo", "redo", "U", IN_COMPARE, NULL, "Give the vote that was taken back again.", 0},
    {CMD_ORDER, "order", "order", "O", IN_COMPARE, "file|scores|votes",
     "Prompts in the file's order, where rewards of A and B differ most first, or where votes are most divided first.", 0},
    {CMD_ASK_ALL, "ask-all", "ask all", "A", IN_COMPARE, NULL,
     "Ask all prompts of the file, one after the other, for their rewards; again: no more.", 0},
    {CMD_SCORES, "scores", "scores", "H", IN_COMPARE, NULL,
     "A histogram of what the rewards of A and B differ by, over the prompts that were asked.", 0},
    {CMD_GO_ON, "go-on", "go on", "f", IN_COMPARE, "TEXT", "Say something more: every side goes on from its own answer.", 0},
    {CMD_GO_ON_CHOSEN, "go-on-chosen", "go on from it", "F", IN_COMPARE, "TEXT",
     "Say something more: all sides go on from the answer of the side in focus.", 0},

    {CMD_OPEN, "show", "whole row", "Enter z", IN_DATA, NULL, "The row under the cursor alone, or the list again.", 1},
    {CMD_FILTER, "filter", "filter", "\\", IN_DATA, "EXPRESSION",
     "Show only rows that pass: words, chosen:sorry, gap>200, side=shorter, flag=same,opposite; none shows all.", 2},
    {CMD_FIND, "find", "find", "/", IN_DATA, "EXPRESSION",
     "Go to the next row that holds what you type; it may also be as for filter.", 3},
    {CMD_FIND_NEXT, "find-next", "next match", "n", IN_DATA, NULL, "To the next row that matches.", 0},
    {CMD_FIND_PREVIOUS, "find-previous", "match before", "N", IN_DATA, NULL, "To the match before.", 0},
    {CMD_SORT, "sort", "sort", "o", IN_DATA, "FIELD",
     "Sort by row, prompt-length, chosen-length, rejected-length, gap or response-length; again: the other way round.", 5},
    {CMD_DOUBLES, "doubles", "doubles", "D", IN_DATA, NULL,
     "Show only rows that are there twice, say the opposite of another one, or are held out as well; again: all.", 6},
    {CMD_WRITE, "write", "write", "w", IN_DATA, "FILE",
     "Write the rows that are shown to a new file, which training reads.", 8},
    {CMD_TRAIN_ON, "train", "train on it", "t", IN_DATA, NULL, "Fill the form for a new run with this data set.", 7},
    {CMD_NEXT_PANE, "next-pane", "numbers", "Tab", IN_DATA, NULL, "The rows, the set in numbers, the refused rows.", 4},

    {CMD_PAGE_DATA, "data", "look at data", "F7 Alt-7", IN_LAUNCH, "FILE", "Look at the data set that the form has.", 6},
    {CMD_EDIT, "edit", "edit", "Enter", IN_LAUNCH, "NAME VALUE", "Edit the value under the cursor; Enter keeps it.", 1},
    {CMD_SELECT, "choose", "choose", "Space", IN_LAUNCH, NULL, "The next choice of the field under the cursor.", 2},
    {CMD_LAUNCH, "launch", "launch", "F10 L", IN_LAUNCH, NULL, "Start the run with these settings.", 3},
    {CMD_RESET, "reset", "default", "r", IN_LAUNCH, NULL, "Put the field under the cursor back to its default.", 5},
    {CMD_FIND, "find", "find", "/", IN_LAUNCH, "NAME", "Go to the field whose name or meaning holds what you type.", 8},
    {CMD_PLAN, "plan", "dry run", "F5 d", IN_LAUNCH, NULL,
     "Check everything and say steps, minutes and memory; nothing is started.", 4},
    {CMD_PRESET, "preset", "load preset", "F3 p", IN_LAUNCH, "NAME",
     "Fill the form with settings that were saved under a name.", 0},
    {CMD_SAVE_PRESET, "save-preset", "save preset", "F2 w", IN_LAUNCH, "NAME",
     "Save what is in the form under a name, for attune train --preset too.", 7},
    {CMD_FIND, "find", "find", "/", IN_ALL & ~IN_LAUNCH & ~IN_COMPARE & ~IN_LABEL & ~IN_DATA & ~IN_HELP, "EXPRESSION",
     "Go to the line that holds what you type; it may also be as for filter, such as step>300.", 18},
    {CMD_FIND_NEXT, "find-next", "next match", "n", IN_ALL & ~IN_COMPARE & ~IN_LABEL & ~IN_DATA & ~IN_HELP, NULL,
     "To the next line that matches.", 0},
    {CMD_FIND_PREVIOUS, "find-previous", "match before", "N", IN_ALL & ~IN_COMPARE & ~IN_LABEL & ~IN_DATA & ~IN_HELP, NULL,
     "To the match before.", 0},
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

    {CMD_LABEL_RUN, "label-pairs", "label pairs", "L", IN_RUNS | IN_SAMPLES | IN_LOG, NULL,
     "Judge the pairs of answers that this run asks about.", 0},
    {CMD_LABEL_RUN, "label-pairs", "label pairs", "", IN_CURVES, NULL,
     "Judge the pairs of answers that this run asks about.", 0},
    {CMD_JUDGE_MUCH_LEFT, "left-much-better", "left much better", "1", IN_LABEL, NULL,
     "The left answer is much better; the next pair comes.", 1},
    {CMD_JUDGE_LEFT, "left-better", "left better", "2", IN_LABEL, NULL, "The left answer is better.", 2},
    {CMD_JUDGE_SLIGHT_LEFT, "left-slightly-better", "left slightly", "3", IN_LABEL, NULL,
     "The left answer is slightly better.", 3},
    {CMD_JUDGE_SAME, "same", "about the same", "4", IN_LABEL, NULL, "You would not care which of the two you got.", 4},
    {CMD_JUDGE_SLIGHT_RIGHT, "right-slightly-better", "right slightly", "5", IN_LABEL, NULL,
     "The right answer is slightly better.", 5},
    {CMD_JUDGE_RIGHT, "right-better", "right better", "6", IN_LABEL, NULL, "The right answer is better.", 6},
    {CMD_JUDGE_MUCH_RIGHT, "right-much-better", "right much", "7", IN_LABEL, NULL, "The right answer is much better.", 7},
    {CMD_JUDGE_BOTH_BAD, "both-bad", "both bad", "8", IN_LABEL, NULL, "Nothing is to be learnt from either.", 8},
    {CMD_JUDGE_CANNOT, "cannot-judge", "cannot judge", "9", IN_LABEL, NULL,
     "You cannot tell; the pair does not come to you again.", 9},
    {CMD_JUDGE_SKIP, "skip", "skip", "Space", IN_LABEL, NULL, "Not now: \":order skipped\" brings it again.", 10},
    {CMD_JUDGE_FLAG, "flag", "flag", "f", IN_LABEL, NULL,
     "Something is wrong with the pair: it is kept out of the data.", 11},
    {CMD_UNDO, "undo", "undo", "u", IN_LABEL, NULL,
     "Take the last judgement back and show its pair again; as often as you like.", 12},
    {CMD_REDO, "redo", "redo", "U", IN_LABEL, NULL, "Give the judgement that was taken back again.", 13},
    {CMD_REASONS, "reasons", "reasons", "r", IN_LABEL, "LETTERS",
     "Why: letters a to h before the judgement (correct, complete, clear, concise, tone, honest, safe, format).", 14},
    {CMD_NOTE, "note", "note", "e", IN_LABEL, "TEXT", "A note that is saved with the judgement.", 15},
    {CMD_CORRECT, "correct", "correct", "E", IN_LABEL, "left|right",
     "Write a better answer in your editor: it becomes a pair with the one it corrects.", 0},
    {CMD_ORDER, "order", "order", "o", IN_LABEL, "ORDER",
     "Which pair comes next: random, in-order, uncertain, disagreement, skipped, or disputed (your word is then the "
     "last).", 0},
    {CMD_FILTER, "filter", "filter", "\\", IN_LABEL, "EXPRESSION",
     "Only pairs that pass come: words, prompt:code, answer-length>500, gap<20, number=1,7, OR, ( ), -; empty: all.", 0},
    {CMD_LABEL_LIST, "list", "list", "p", IN_LABEL, NULL,
     "The pairs that wait as a list: marked ones are judged with one key, and taken back with one.", 0},
    {CMD_SELECT, "mark", "mark", "m", IN_LABEL, NULL, "In the list: mark the pair, or not any more.", 0},
    {CMD_RANGE, "mark-range", "mark range", "v", IN_LABEL, NULL,
     "In the list: mark all from here to where the cursor goes.", 0},
    {CMD_SELECT_ALL, "mark-all", "mark all", "*", IN_LABEL, NULL,
     "In the list: mark all pairs that pass the filter; none when some are marked.", 0},
    {CMD_OPEN, "show", "show", "Enter", IN_LABEL, NULL, "In the list: show this pair.", 0},
    {CMD_GO, "go", "go to", "#", IN_LABEL, "NUMBER",
     "Show the pair with that number, also to change what you said of it.", 0},
    {CMD_STATISTICS, "statistics", "statistics", "s", IN_LABEL, NULL,
     "What your judgements add up to: pace, sides, lengths, agreement with yourself and with others.", 0},
    {CMD_GUIDELINE, "guideline", "guideline", "|", IN_LABEL, "TEXT",
     "What annotators of this set are to go by; with a text: write it.", 0},
    {CMD_REVEAL, "reveal", "reveal", "R", IN_LABEL, NULL,
     "Whose answers the last pair's were, what the file and others say.", 0},
    {CMD_DIFF, "diff", "diff", "d", IN_LABEL, NULL, "Underline the words that one answer alone has.", 0},
    {CMD_BOTH_DOWN, "both-down", "both down", "J", IN_LABEL, NULL, "Both answers one line down.", 0},
    {CMD_BOTH_UP, "both-up", "both up", "K", IN_LABEL, NULL, "Both answers one line up.", 0},
    {CMD_FULL, "full", "full screen", "z", IN_LABEL, NULL, "One text alone, or all again.", 0},
    {CMD_FIND, "find", "find", "/", IN_LABEL, "TEXT", "Look for a text in the prompt and both answers.", 0},
    {CMD_FIND_NEXT, "find-next", "find next", "n", IN_LABEL, NULL, "The next place that reads so.", 0},
    {CMD_FIND_PREVIOUS, "find-previous", "find previous", "N", IN_LABEL, NULL, "The place before that reads so.", 0},
    {CMD_LABEL_SOURCE, "pairs", "pairs", "O", IN_LABEL, "RUN|SET|FILE",
     "Judge other pairs: those of a run, of a set, or of a file.", 0},
    {CMD_EXPORT, "export", "export", "w", IN_LABEL, "FILE", "Write the judged pairs as data for training.", 0},

    {CMD_OPEN, "run", "run it", "Enter", IN_HELP, NULL, "Go back and do what the line under the cursor says.", 1},
    {CMD_FIND, "find", "find", "/", IN_HELP, "TEXT", "Show the commands whose name or meaning holds what you type.", 2},

    {CMD_GO, "go", "go to", "", IN_RUNS | IN_SAMPLES | IN_DATA | IN_RECIPES | IN_EVALS, "NUMBER",
     "Go to the line, or row of data, of that number; the number alone after : does the same, on curves for a step.", 0},
    {CMD_DATA_FILE, "write", "write", "w", IN_RUNS | IN_CURVES | IN_SAMPLES | IN_EVALS, "FILE",
     "Write what this page is about as a table: .csv or .jsonl.", 0},
    {CMD_PICTURE, "picture", "picture", "W", IN_CURVES, "FILE", "Write the charts as a picture: .svg, .png or .txt.", 0},
    {CMD_EXPORT, "export", "export", "", IN_RUNS | IN_RUN | IN_EVALS, "WHAT FILE",
     "Write a plot, a table, a report, or files for TensorBoard.", 0},
    {CMD_VIEW, "view", "view", "", IN_RUNS | IN_RUN | IN_EVALS, "[save|export] NAME",
     "Show a kept view: page, runs, axes, filter. save NAME keeps this one, export FILE writes it for attune --view "
     "FILE.", 0},

    {CMD_UP, "up", "up", "Up k", IN_ALL, NULL, "One line up.", 0},
    {CMD_DOWN, "down", "down", "Down j", IN_ALL, NULL, "One line down.", 0},
    {CMD_LEFT, "left", "left", "Left h", IN_ALL & ~IN_EVALS, NULL, "To the left; on curves: an earlier step.", 0},
    {CMD_RIGHT, "right", "right", "Right l", IN_ALL & ~IN_EVALS, NULL, "To the right; on curves: a later step.", 0},
    {CMD_PAGE_UP, "page-up", "page up", "PgUp Ctrl-u", IN_ALL, NULL, "A page up.", 0},
    {CMD_PAGE_DOWN, "page-down", "page down", "PgDn Ctrl-d", IN_ALL, NULL, "A page down.", 0},
    {CMD_FIRST, "first", "first", "Home g", IN_ALL, NULL, "To the beginning.", 0},
    {CMD_LAST, "last", "last", "End G", IN_ALL, NULL, "To the end.", 0},
    {CMD_NEXT_PANE, "next-pane", "next", "Tab", IN_ALL & ~IN_DATA, NULL, "To the next pane.", 0},
    {CMD_PREVIOUS_PANE, "previous-pane", "previous", "Shift-Tab", IN_ALL, NULL, "To the previous pane.", 0},

    PAGE_ROWS(CMD_PAGE_RUNS, "runs", "1", "The list of runs."),
    PAGE_ROWS(CMD_PAGE_CURVES, "curves", "2", "The run's curves."),
    PAGE_ROWS(CMD_PAGE_SAMPLES, "samples", "3", "What the model writes."),
    PAGE_ROWS(CMD_PAGE_LOG, "log", "4", "What happened: events and the engine's output."),
    PAGE_ROWS(CMD_PAGE_COMPARE, "compare-page", "5", "Checkpoints side by side."),
    {CMD_PAGE_LABEL, "label", "label", "6 Alt-6", IN_ALL & ~IN_DIGITS, "RUN|SET|FILE",
     "Pairs of answers that you judge, one key each: those at hand, or of what you name.", 0},
    {CMD_PAGE_LABEL, "label", "label", "Alt-6", IN_DIGITS, "RUN|SET|FILE",
     "Pairs of answers that you judge, one key each: those at hand, or of what you name.", 0},
    {CMD_PAGE_DATA, "data", "data", "7 Alt-7", IN_ALL & ~IN_LAUNCH & ~IN_DIGITS, "FILE",
     "A data set as training reads it: that of the run, or a file that you name.", 0},
    {CMD_PAGE_DATA, "data", "data", "Alt-7", IN_DIGITS, "FILE",
     "A data set as training reads it: that of the run, or a file that you name.", 0},
    {CMD_PAGE_NEXT, "next-page", "next page", "}", IN_ALL, NULL, "The next page.", 0},
    {CMD_PAGE_PREVIOUS, "previous-page", "previous page", "{", IN_ALL, NULL, "The previous page.", 0},

    {CMD_PROMPT, "command", "command", ":", IN_ALL, NULL, "Type a command's name; a few of its letters are enough.", 17},
    {CMD_HELP, "help", "help", "? F1", IN_ALL & ~IN_HELP, NULL, "All keys and commands of this page.", 19},
    {CMD_BACK, "back", "back", "q Esc", IN_ALL & ~IN_RUNS & ~IN_LAUNCH, NULL, "One level up.", 20},
    {CMD_BACK, "back", "back", "Esc q", IN_LAUNCH, NULL, "To the page before; what is in the form stays.", 20},
    {CMD_QUIT, "quit", "quit", "q", IN_RUNS, NULL, "Leave the console; runs go on.", 20},
    {CMD_FREEZE, "freeze", "freeze", "Z", IN_ALL, NULL, "Hold the picture still, or follow again; nothing is lost.", 0},
    {CMD_REDRAW, "redraw", "redraw", "Ctrl-l", IN_ALL, NULL, "Paint the whole screen again.", 0},
    {CMD_SUSPEND, "suspend", "suspend", "Ctrl-z", IN_ALL, NULL, "Back to the shell; fg returns.", 0},
    {CMD_SNAPSHOT, "snapshot", "snapshot", "", IN_ALL, "FILE", "Save the screen as text.", 0},
    {CMD_GLYPHS, "glyphs", "glyphs", "", IN_ALL, "braille|block|ascii", "How curves are drawn.", 0},
    {CMD_COLORS, "colors", "colours", "", IN_ALL, "auto|dark|light|contrast|256|16|8|mono",
     "How many colours, and for which background; auto asks the terminal.", 0},
    {CMD_PICTURES, "pictures", "pictures", "", IN_ALL, "off|auto|kitty|sixel",
     "Draw curves as pictures, where the terminal says that it shows them; off, as at first: with cells.", 0},
    {CMD_COPY_TEXT, "copy-text", "copy text", "Y", IN_ALL, "FILE",
     "Copy what the cursor is on, or the screen, to the clipboard of your terminal; with a name: into that file.", 0},
    {CMD_MOUSE, "mouse", "mouse", "", IN_ALL, "on|off",
     "Press and turn the wheel here; off leaves the mouse to the terminal.", 0},
    {CMD_HINTS, "hints", "hints", "", IN_ALL, "on|off", "The line of keys at the bottom; off leaves it to the page.", 0},
    {CMD_WAIT, "wait", "wait", "", IN_ALL, "TEXT", "In scripts: wait until the screen shows the text.", 0},
    {CMD_SIZE, "size", "size", "", IN_ALL, "WIDTHxHEIGHT", "In scripts: the size of the screen.", 0},
    {CMD_TEACH, "teach", "teach keys", "", IN_ALL & ~IN_HELP, NULL,
     "Asks for the keys of this page, one after another; what was wrong comes again, Esc ends it.", 0},
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

static char *(*bound)[PAGE_N];

void command_bind(char *(*keys)[PAGE_N])
{
    for (int i = 0; bound && i < COMMAND_MAX_ROWS; i++)
        for (int page = 0; page < PAGE_N; page++)
            free(bound[i][page]);
    free(bound);
    bound = keys;
}

const char *row_keys(const struct command_row *row, enum page page)
{
    const char *own = bound ? bound[row - command_rows][page] : NULL;
    return own ? own : row->keys;
}

const struct command_row *command_by_key(int key, enum page page)
{
    for (const struct command_row *r = command_rows; r->id; r++) {
        if (!is_on(r, page))
            continue;
        for (const char *k = row_keys(r, page); *k;) {
            size_t n = strcspn(k, " ");
            if (key_from_name(k, (unsigned)n) == key)
                return r;
            k += n + (k[n] == ' ');
        }
    }
    return NULL;
}

static int match_cost(const struct command_row *r, const char *typed)
{
    if (!*typed)
        return 0; // the table's order: what belongs to the page first
    const int by_name = fuzzy_cost(r->name, typed);
    if (by_name >= 0 && by_name < 200)
        return by_name;
    if (strcasestr(r->title, typed))
        return 150;
    if (by_name >= 0)
        return by_name;
    return strcasestr(r->help, typed) && strlen(typed) >= 3 ? 400 : -1;
}

int command_search(const char *typed, enum page page, const struct command_row **out, int max)
{
    int cost[COMMAND_MAX_ROWS], n = 0;
    for (const struct command_row *r = command_rows; r->id; r++) {
        int c = is_on(r, page) ? match_cost(r, typed) : -1;
        if (c < 0)
            continue;
        int at = n < max ? n : max;
        while (at > 0 && cost[at - 1] > c)
            at--;
        if (at >= max || at >= COMMAND_MAX_ROWS)
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
