// A little world to train in, made on the spot: a tokenizer, a model of a few thousand parameters and preference
// pairs whose chosen answers can be told from the rejected ones.
#pragma once

#include "testing.h"

#include "train/run/open_model.h"
#include "train/run/run.h"

struct world {
    char *dir, *tokenizer_dir, *config_path, *model_dir, *pairs_path; // model_dir: a saved model with the tokenizer
};
void world_make(struct world *w, const char *family); // "gpt2", "opt", "llama", "qwen3", "gemma2"
void world_remove(struct world *w);
// Rewrites the pairs: n of them.
void world_pairs(const struct world *w, int n);
// Makes a model of a gpt2 world say one token whatever stands before it; -1: any of the vocabulary, equally likely.
void model_say(struct model *m, int token);
// The folder of a model that does; heap.
char *world_sayer(const struct world *w, const char *name, int token);

// A trainer with all that belongs to it.
struct bench {
    const struct backend_ops *ops;
    struct backend *backend;
    struct tokenizer *tokenizer;
    struct corpus *corpus;
    struct text_rules rules;
    struct dataset_options text;
    struct dataset train, held_out;
    struct model *model;
    struct trainer *trainer;
    struct run_tables tables;
    struct settings settings;
};
struct bench_options {
    const char *objective;
    const char *settings; // "lr=0.01 beta=0.2": of the run's and the objective's rows; may be NULL
    int threads, steps, lora_rank;
    struct ranks ranks;
    const struct backend_ops *ops; // NULL: the cpu's
    enum precision precision;
};
void bench_make(struct bench *b, const struct world *w, const struct bench_options *o);
void bench_free(struct bench *b);
// All trainable weights, on the heap; *n floats.
float *bench_weights(const struct bench *b, size_t *n);
void bench_evaluate(struct bench *b, struct metric_list *out);

// Rules for texts under a template by name ("auto": plain texts alone), of these lengths. With text_rules_fini.
void test_rules(struct text_rules *r, const struct tokenizer *t, const char *chat_template, int max_length,
                int max_prompt_length);
