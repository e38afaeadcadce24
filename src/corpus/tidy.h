// A row as the shapes look at it: what tables and CSV files write around the content is taken away first.
#pragma once

#include "corpus/row.h"

// In place: members that are null are none; messages that stand in a text as JSON are messages again. False, with the row
// refused: messages stand in a text in a form that is no JSON.
bool row_tidy(struct row *r, json_t *object);
// The row's system text, in r->system ("system_prompt" or "system", the first that says something). row_emit puts it before
// the dialogue.
bool row_take_system(struct row *r, const json_t *object);
