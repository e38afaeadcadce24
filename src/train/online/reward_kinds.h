// What an answer can be scored by: a kind is a row of reward_kinds[] (rewards.c) and a file.
#pragma once

#include "train/online/rewards.h"

// A batch of answers, with texts for those who read them.
struct reward_answers {
    struct rollout_batch *batch;
    char **prompts, **texts; // (n_seqs) without special tokens; NULL where no kind wants them
    bool *chats;             // (n_seqs) the prompt is a conversation; as texts
    int n;
};
struct reward_kind {
    const char *name;
    const char *help; // what stands behind the colon, and what is scored
    bool wants_texts;
    bool compares; // it says nothing of an answer that is the only one to its prompt
    // What can be told before there is a run of a kind that is a model's folder, without a weight of it; o has neither
    // ops nor backend. NULL: opening it loads nothing, and is tried.
    int (*look)(const char *arg, const struct rewards_options *o, struct err *e);
    // arg: what stands behind the colon, "" when nothing does.
    int (*open)(void **with, const char *arg, const struct rewards_options *o, struct err *e);
    int (*score)(void *with, const struct reward_answers *a, double *scores, struct err *e);
    void (*close)(void *with);
};
extern const struct reward_kind reward_kind_model, reward_kind_preference, reward_kind_length, reward_kind_regex,
    reward_kind_json, reward_kind_repetition, reward_kind_style, reward_kind_command;

// One part of "[NAME=]KIND[:ARG][@WEIGHT],...": a backslash keeps the sign behind it from its meaning. *at moves behind it;
// false at the end. name and arg are on the heap.
struct reward_part {
    char *name, *kind, *arg;
    double weight;
};
int reward_part_read(const char **at, struct reward_part *out, struct err *e); // 1: one more, 0: the end, or an error
void reward_part_fini(struct reward_part *p);
