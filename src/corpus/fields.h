// What the rows of a file have, for the person: which members were read and which were not, and whether all rows of one
// kind were refused.
#pragma once

#include <jansson.h>

#include "corpus/corpus.h"

struct shape;
struct fields; // what has been counted so far

struct fields *fields_new(void);
void fields_free(struct fields *f); // NULL is fine
void fields_note(struct fields *f, const json_t *row, bool refused);
// Into c->fields, and c->all_refused where every row of one value of a member was refused.
void fields_finish(struct fields *f, struct corpus *c, const struct shape *s, const char *label_from);
