// Objectives in words: what the list, the explanation and the documentation page say, all from the engine's description.
#pragma once

#include <stdio.h>

#include "base/str.h"
#include "launch/engine.h"

// What objectives are sorted by: what they learn from.
enum objective_group { OBJECTIVES_TEXTS, OBJECTIVES_PAIRS, OBJECTIVES_BINARY, OBJECTIVES_LISTS,
    OBJECTIVES_ONLINE, OBJECTIVES_REWARD, N_OBJECTIVE_GROUPS };
extern const char *const objective_group_titles[N_OBJECTIVE_GROUPS];

const json_t *objective_json(const struct engine_description *d, const struct engine_objective *o);
enum objective_group objective_group_of(const json_t *o);
// "reference, batch": what it needs beside the data, short; "" for nothing.
void objective_add_needs(struct str *s, const json_t *o);
// What it costs, one sentence a line, also under other values of its parameters; "" for nothing.
void objective_add_costs(struct str *s, const json_t *o);
// "0.0001 to 100", "yes or no", "token, sequence or sum".
void objective_add_range(struct str *s, const struct param *p);
// "loss, rewards/margins": the names that its runs log beside the loss.
void objective_add_metrics(struct str *s, const json_t *o);

// docs/objectives.md.
void objective_page(FILE *out, const struct engine_description *d);
