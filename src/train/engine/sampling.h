// Answers to prompts: jobs of the model's generator, printed as rows in the order of prompts and samples. Several may be
// under way at once.
#pragma once

#include "base/err.h"
#include "base/param.h"

struct sampling;
extern const struct param engine_sample_params[];

// Reads the prompts and submits them; nothing is computed yet. `say` gets each row (a new reference); an error of it stops
// this sampling.
typedef int (*sampling_say)(void *arg, json_t *row, struct err *e);
int sampling_start(struct sampling **out, const struct settings *s, char **words, int n_words, sampling_say say, void *arg,
                   struct err *e);
bool sampling_is_done(const struct sampling *x);
// What went wrong with it alone; 0: nothing.
int sampling_fault(const struct sampling *x, struct err *e);
struct generator *sampling_generator(const struct sampling *x);
size_t sampling_bytes(const struct sampling *x); // that its answers may take
void sampling_free(struct sampling *x);          // also one that is not done; NULL is fine
