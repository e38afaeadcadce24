// The parameters of every run, beside those of its objective.
#pragma once

#include "base/param.h"
#include "train/objective/objective.h"

extern const struct param run_params[];

// Settings of a run: run_params and the objective's rows. The tables list must outlive the settings.
struct run_tables {
    const struct param *list[8];
};
bool run_continues_adapter(const struct settings *s); // adapter = continue
// ERR_USAGE where base-precision asks for weights in few bits that are not frozen.
int run_check_base_precision(const struct objective *o, const struct settings *s, struct err *e);
void run_settings_init(struct settings *s, struct run_tables *tables, const struct objective *o);
