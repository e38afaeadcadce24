// How a run's state and numbers read, the same everywhere.
#pragma once

#include "base/str.h"
#include "ui/term/canvas.h"
#include "ui/runs/run_list.h"

bool run_is_bad(const struct run_row *r); // failed, dead, missing or unreadable: its description says what to do
const char *run_state_text(const struct run_row *r); // "running", "dead"; "unreadable" when run.db cannot be read
struct style run_state_style(const struct run_row *r);
// One line: why it failed or what it does now, else objective, model, data.
void run_describe(const struct run_row *r, struct str *out);
// "0.512", "1.2e-05", "-" for NaN, "nan!" never: in at most `width` (>= 5) columns.
const char *number_text(char *out, size_t size, double value, int width);
// "now", "4 min", "3 h", "2 d": coarse, so that an idle screen stays as it is.
const char *age_text(char *out, size_t size, int64_t since_ms);
