// The report of an experiment: one HTML file that needs nothing beside itself, with what was done, what came out, and how to
// do it again. Text from models and data is escaped, and a policy in the file's head forbids scripts and loading whatever it
// says.
#pragma once

#include <jansson.h>

#include "cli/plots.h"

struct report {
    struct store *store;
    struct plots *plots;         // runs and curves, which have been read
    int n_samples;               // prompts of each run
    json_t *evaluations;         // as of eval_file_list, of all runs
    const struct engine_description *engine; // NULL: it could not be asked
};

void report_html(struct report *r, struct str *out);

// ---- the parts, each a section or nothing ----
void report_settings(const struct report *r, struct str *out);    // what differs, then all
void report_evaluations(const struct report *r, struct str *out); // with intervals
void report_samples(const struct report *r, struct str *out);     // at the start and at the end
void report_origins(const struct report *r, struct str *out);     // which models and data a run came from
void report_commands(const struct report *r, struct str *out);    // that repeat it
// What they share.
void report_text(struct str *out, const char *text); // escaped, on one line
void report_name(struct str *out, const struct report *r, const struct run_row *row); // a run with its letter and colour
