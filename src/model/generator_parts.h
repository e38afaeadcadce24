// The parts of generator.h among each other: generator.c decides who decodes when, generator_networks.c computes.
#pragma once

#include "model/generate.h"
#include "model/kv_cache.h"
#include "model/packed_weights.h"
#include "model/tape.h"

struct gen_job {
    struct gen_request r;
    struct gen_sample *samples; // (n_samples)
    int max_new;    // tokens of each, by its options and the model's longest sequence
    int n_started, n_ended;
    bool stopped;   // by its listener
    struct gen_job *next; // waiting, or live
};

// A prompt in the cache, for the streams that it was computed for.
struct seat {
    size_t first;
    int n_prompt, n_users;
};

struct stream {
    struct gen_job *job;
    int sample;
    int position;      // of the last token, which is not in the cache yet
    struct seat *seat;
    size_t own;        // its rows in the cache
};

// What the host says of a forward of some rows and of the draws behind it: the host's copy is uploaded as one.
struct gen_plan {
    int32_t *tokens, *positions, *put_ids; // of each row; put_ids: where in the cache its keys and values go
    int32_t *row_ids;                      // the rows that logits are made of
    struct kv_rows *kv_rows;               // of each draw: what its row attends to, in decoding; in the same place
    struct attn_segment *segments;         // those of prompts, of which there are no more than draws
    struct sample_row *draws;              // and how its token is drawn
    size_t bytes;
};

struct generator {
    struct parts parts;
    struct gen_second second; // .model NULL: none
    struct parts second_parts; // with the scratch of the other
    struct kv_cache cache;
    struct packed_weights packed; // of the model, while it is worth that
    struct tape *tape;       // NULL: nothing is kept
    bool on_tape;            // the rows of the present forward are on it,
    struct tape_place place; // from here on
    struct gen_job *waiting, *live; // lists, oldest first
    // device, for `rows` rows
    char *block;
    size_t rows, logit_rows;
    char *plan_block;
    struct gen_plan plan; // in it, for as many rows and draws as there are now
    int32_t *drawn_tokens;
    const float *hidden; // (n, C): what the model's last forward came to
    float *x, *wide, *logits, *logprobs, *entropy;
    float *second_x, *second_logits; // with a second network
    float *drawn;     // (set_rows), and behind it
    uint32_t *sets;   // (set_rows, sampled_set_words): when a job wants to keep them
    size_t set_rows;
    struct layer_acts acts;
    struct final_acts final;
    // host, for as many
    char *host_plan_block;
    struct gen_plan host_plan;
    char *host_said; // of what is said of drawn tokens: `drawn_tokens` to `sets`
    float *shares; // of the second network, of rows of logits
    struct stream streams[GENERATE_MAX_STREAMS];
    int n_streams;
};

// Which networks run for some streams: the model unless all are the second one's alone, the second one where it has a say.
struct speakers {
    bool model, second;
};
struct speakers gen_speakers(const struct stream *streams, int n);
// Lays out a plan for n rows and n_draws draws in its block (NULL: it only counts). Returns the bytes that it takes.
size_t gen_lay_plan(struct gen_plan *plan, char *block, size_t n, size_t n_draws);
// Says how the streams' tokens are drawn, each from logits of row logit_row[i] (NULL: its own), the draws behind them as the
// last one's, and uploads the plan.
void gen_send_plan(struct generator *g, const struct stream *streams, int n_streams, const int *logit_row, int n_draws);
// n rows of the plan through these networks, into g->hidden and g->second_x; their keys and values go to the
// rows of the cache that put_ids names. most_keys 0: prompts, in n_segments segments; else a row a stream, which attends to
// so many keys at most.
void gen_run(struct generator *g, struct speakers who, int n, int n_segments, int most_keys);
// Logits of n rows named in row_ids, and a token for each of the streams that draw from them: stream i from row
// logit_row[i] (NULL: its own). Into g->drawn_tokens, g->logprobs and, of jobs that keep it, g->entropy, (n_streams).
void gen_draw(struct generator *g, int n, const struct stream *streams, int n_streams, const int *logit_row);
// With a tape: places on it for a forward of n rows and the logits of n_logits of them.
void gen_take_place(struct generator *g, int n, int n_logits);
// Tells the samples of n streams, which have a new token each, where they are on it. logit_row: of prompts, as for gen_draw;
// NULL: of a row a stream.
void gen_tell_place(struct generator *g, const struct stream *streams, int n, const int *logit_row);
// A run and a draw for a new row of each of the n streams, in `rows` rows: those behind the streams draw as the last one
// does, for nobody. Where calls are recorded, it is one recording.
void gen_decode(struct generator *g, int n, int rows, int most_keys);
