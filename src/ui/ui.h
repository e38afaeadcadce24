// The console: `attune` without a command.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// What is to be judged on the label page.
struct label_options {
    const char *annotator; // NULL: the account
    const char *source;    // a run, a set or a file; NULL: what waits
    const char *set;       // what a set of that file is called; NULL: as the file
    const char *checks;    // a file of attention checks for a new set; NULL: none
    double check_share;    // of its pairs
    double overlap;        // the share of a new set's pairs that all annotators judge
    double repeats;        // the share of a new set's pairs that come a second time
    uint64_t seed;         // of a new set; 0: by the clock
    int order;             // enum label_order; LABEL_ORDERS: as it is
};

enum { UI_COMPARE_MOST = 4 };
struct ui_compare { // texts as a person gives them, checked; NULL: not given
    const char *const *models; // RUN, RUN@STEP, RUN@best or a folder; ends with NULL
    const char *prompt, *prompts, *reward, *temperature, *top_p, *max_tokens, *seed;
    bool blind;
};
struct ui_options {
    const char *project; // NULL: found as store_project_dir does
    const char *script;  // commands separated by ';' or newlines: run without a terminal, then leave; NULL: the console
    const char *run;     // the run whose curves are shown first; NULL: the list
    const char *beside;  // another one, which lies over it there; may be NULL
    const struct label_options *label; // shows the label page first; NULL: the list
    bool fresh;          // as on the first day: what the console keeps of a project is neither read nor written
    bool slow;           // for a link of few bytes: ASCII, no sparklines, one frame a second for data
    const char *view;    // a file of ":view export" that is shown first; NULL: none
    const char *copy_file; // where Y writes what it copies; NULL: to the clipboard of the terminal
    const char *on_alert; // a program that is called for each new alert (ui/runs/alert_call.h); NULL: none
    bool lines;           // without a screen: commands are read line by line from standard input, answers are sentences
    const struct ui_compare *compare; // opens with these side by side; NULL: does not
    int width, height;   // of the screen of a script; 0: 80 x 24
};
// Returns when the person quits or the script ends. Runs go on.
int ui_console(const struct ui_options *options, struct err *e);
