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
};
extern const struct bench_case bench_cases[]; // ends with a row without name
const struct bench_case *bench_case_find(const char *name);

// A case ready to be stepped.
struct bench_stand;
int bench_stand_open(struct bench_stand **out, const struct bench_case *c, const char *precision, int threads,
                     struct err *e);
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
bool bench_case_samples(const struct bench_case *c); // answers are sampled

// Multiply-adds of all threads in registers: floating-point operations per second.
double bench_calibrate(int threads, double seconds);
const char *bench_calibrator_name(void);

// Seconds of a run's start (process start to its first step), and of recording per step (99th percentile).
int bench_startup(double *seconds, int threads, struct err *e);
int bench_recording(double *p99, double *median, struct err *e);
