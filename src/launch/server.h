// A model that stays loaded: attune-engine serve, asked line by line. One thread.
#pragma once

#include <jansson.h>

#include "launch/engine.h"

struct engine_server;

// loaded: what is loaded and how, as options of the process, {"model": DIR, "tokenizer": DIR, ...}.
int engine_server_start(struct engine_server **out, const json_t *loaded, struct err *e);
// Asks and waits for the end of the answer; take gets each row (borrowed), and an error of it ends the question. `what` is
// sample, score, credit, agree or eval; options and words are those of the command (either may be NULL).
int engine_server_ask(struct engine_server *s, const char *what, const json_t *options, const json_t *words,
                      int (*take)(void *arg, const json_t *row, struct err *e), void *arg, struct err *e);
// code: how the last question ended. Without an error the process ends by itself.
int engine_server_end(struct engine_server *s, int code, struct err *e);
