// What prompts that were judged are called by a member of the data's rows ("category"), for slices of win rates.
#pragma once

#include "store/judged_votes.h"

struct win_by {
    char **names; // in the order in which the file has them first
    int n_names, cap_names;
    int *of_prompt; // (votes->n_prompts): -1: the file does not have it, or the row not that member
    int n_found;    // prompts that have one
};
void win_by_fini(struct win_by *b);
// ERR_INPUT where no row has the member, or no judged prompt is in the file.
int win_by_field(struct win_by *b, const struct judged_votes *votes, const char *data, const char *field, struct err *e);
