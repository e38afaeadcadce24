// A model that stays loaded: attune-engine serve-model, asked line by line. Several questions may be under way at once, and
// nobody waits who does not want to: the commands do (engine_server_call), the console puts the descriptors into its poll.
// One thread a server.
#pragma once

#include <jansson.h>
#include <poll.h>

#include "launch/engine.h"

struct engine_server;

// Who gets an answer. Both are called by engine_server_take, and may ask and cancel, but not end the server.
struct engine_asker {
    int (*row)(void *arg, const json_t *row, struct err *e); // borrowed; an error cancels the question and is how it ends
    void (*end)(void *arg, int code, const struct err *e);   // exactly once; code 0: the answer is whole
    void *arg;
};
enum { ENGINE_SERVER_MOST = 64 }; // questions under way

// loaded: what is loaded and how, as options of the process, {"model": DIR, "tokenizer": DIR, ...}.
int engine_server_start(struct engine_server **out, const json_t *loaded, struct err *e);
// `what` is sample, score, credit, tokens, agree or eval; options and words are those of the command (either may be NULL).
// *id: for engine_server_cancel. ERR_LIMIT with ENGINE_SERVER_MOST questions, ERR_STATE when the process has ended: `end` is
// not called then.
int engine_server_ask(struct engine_server *s, const char *what, const json_t *options, const json_t *words,
                      const struct engine_asker *asker, int64_t *id, struct err *e);
// It ends as ERR_INTERRUPTED, in engine_server_take, and has no more rows. One that has ended is left alone.
void engine_server_cancel(struct engine_server *s, int64_t id);
int engine_server_n_asked(const struct engine_server *s); // questions under way
// What to wait for before there is something to take; returns how many, 0 when the process has ended.
int engine_server_fds(const struct engine_server *s, struct pollfd out[2]);
// Sends and hands out what there is without waiting, a bounded share at a time. When the process has ended by itself all
// questions end, and this is the error of that.
int engine_server_take(struct engine_server *s, struct err *e);
// Asks and waits for the end of the answer; take gets each row (borrowed), and an error of it ends the question.
int engine_server_call(struct engine_server *s, const char *what, const json_t *options, const json_t *words,
                       int (*take)(void *arg, const json_t *row, struct err *e), void *arg, struct err *e);
// code: how the last question ended. Without an error the process ends by itself, else it is ended. Questions under way are
// forgotten: nobody is called.
int engine_server_end(struct engine_server *s, int code, struct err *e);
