// Measuring training steps and sampling. Cases have random weights and random tokens: speed does not depend on their values.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/param.h"

struct bench_case {
    const char *name, *what;
    const char *objective; // "sft", "dpo", "rloo"; NULL: nothing is learnt, answers are sampled alone
    const char *family;    // "llama", "gpt2"
    int d_model, n_layers, n_heads, d_ff, vocab;
    int groups, prompt, response, responses; // per step: tokens of each prompt, of each response, responses a prompt
    bool recompute;
    bool large;    // measured only when it is asked for by name: of a GPU, or of patience
    bool untied;   // the head has weights of its own
    int lora_rank; // 0: all weights are trained
    double spread; // of the logarithms of lengths, whose medians prompt and response are then; 0: all are equal
    bool start;    // no step is measured, but how long a run takes to its first
};
extern const struct bench_case bench_cases[]; // ends with a row without name
const struct bench_case *bench_case_find(const char *name);
json_t *bench_case_config(const struct bench_case *c);

// A model of the config with weights for measuring; frozen: to be trained by an adapter.
struct model;
struct backend;
struct backend_ops;
int bench_model(struct model **out, const json_t *config, bool frozen, const struct backend_ops *ops, struct backend *backend,
                struct err *e);

// A case ready to be stepped.
struct bench_stand;
struct bench_place {
    const char *device, *precision;
    int threads;
};
int bench_stand_open(struct bench_stand **out, const struct bench_case *c, const struct bench_place *place, struct err *e);
void bench_stand_close(struct bench_stand *s); // NULL is fine
struct bench_step {
    double seconds, sampling; // the whole step; of it, what answers took
};
int bench_stand_step(struct bench_stand *s, struct bench_step *out, struct err *e);
// Floating-point operations of a step by the model's arithmetic: 6 per weight and token, attention's 12 d per
// pair of query and key and layer, both forward and backward; the head only for response tokens. Sampling is a forward
// of the same rows, a third of that, before what is learnt.
double bench_stand_flops(const struct bench_stand *s);
// Rows that a step learns from; where answers are sampled: the tokens of these.
double bench_stand_tokens(const struct bench_stand *s);
double bench_stand_bytes(const struct bench_stand *s); // of the device that it holds now; 0: not known
bool bench_case_samples(const struct bench_case *c); // answers are sampled

// Multiply-adds of all threads in registers: floating-point operations per second.
double bench_calibrate(int threads, double seconds);
const char *bench_calibrator_name(void);

// Seconds from a run's process start to its first step, of a case that says `start`.
int bench_start(double *seconds, const struct bench_case *c, const struct bench_place *place, struct err *e);
// What a training step waits for recording.
int bench_recording(double *p99, double *median, struct err *e);
char *bench_folder(void); // a new temporary one, to be removed and freed; NULL: errno says why
