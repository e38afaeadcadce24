// attune export --svg, --png, --csv, --jsonl and --tensorboard: what a project recorded, for other programs.
#pragma once

#include "cli/args.h"

extern const struct param export_data_options[];
bool export_data_wanted(const struct args *a); // one of them was given; else a checkpoint is exported
int export_data(const struct args *a, struct err *e);
