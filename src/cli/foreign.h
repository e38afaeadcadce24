// Names that options have in other programs (transformers, trl, axolotl, LLaMA-Factory, mlx-lm), and spellings with
// underscores or capitals: who types one is told what it is called here, or why there is nothing of the kind.
#pragma once

#include "base/err.h"
#include "base/param.h"

struct foreign {
    const char *names; // separated by blanks, with - for _
    const char *ours;  // NULL: there is no such option ...
    const char *with;  // ... in commands that have this one
    const char *note;  // what else to know; without `ours` why there is none
};
extern const struct foreign foreign_options[]; // ends with a row without names

// Completes *e, ERR_USAGE, when this unknown name is one of those and what it is called here is among the settings;
// else leaves it alone and returns 0.
int foreign_explain(const struct settings *s, const char *name, struct err *e);
// As settings_set; an unknown name is explained where other programs know it, else the nearest one is named.
int foreign_set(struct settings *s, const char *name, const char *value, struct err *e);
