// What answers earn: a list of named rewards, each with a weight; those of weight 0 are only watched.
//
//   reward_spec.c      their notation
//   reward_kinds.h     what there is: reward_model.c, reward_preference.c, reward_rules.c, reward_command.c
//   rewards.c          the list, and what an answer earns in all
//
// An answer's total is the weighted sum of its scores; then it is clipped (reward-clip), then brought to mean 0 and spread 1
// of its batch (reward-norm), and last the penalties for how it ended are taken off, which are in units of that. With
// reward-norm the metrics reward and reward_std, and the scores of held-out answers, are of before.
#pragma once

#include "base/err.h"
#include "base/notes.h"
#include "base/param.h"
#include "base/str.h"
#include "corpus/corpus.h"
#include "model/backend.h"
#include "text/tokenizer.h"
#include "train/online/rollouts.h"

struct rewards;

extern const struct param reward_params[];

struct rewards_options {
    const struct settings *settings; // with reward_params and rollout_params
    const struct backend_ops *ops;
    struct backend *backend;
    int max_batch_tokens, vocab_size;        // of the policy
    const struct tokenizer *tokenizer;       // the policy's, to read its answers
    const struct corpus *corpus, *held_out;  // where prompts come from: of training, of probes
    void (*say)(void *with, const char *text); // what a person should know, such as a program that was started again
    void *with;
    int max_length; // of a prompt with its answer; 0: not known
};
int rewards_open(struct rewards **out, const struct rewards_options *o, struct err *e);
void rewards_free(struct rewards *r); // NULL is fine
// Into b->scores what each answer earns in all, and of each reward the mean and the spread to facts. held_out: the prompts'
// examples are those of that corpus.
int rewards_score(struct rewards *r, struct rollout_batch *b, bool held_out, struct metric_list *facts, struct err *e);
// The folder of the first reward model that counts or, watched, that has no weight: of the setting for one, else of the
// list. Heap; NULL: there is none.
char *rewards_model_of(const char *setting, const char *rewards, bool watched);
// A person is the reward (feedback person): scores are NaN, and what there is of rewards is only watched.
bool rewards_are_a_persons(const struct settings *s);
// Whether held-out answers, one to a prompt, earn something: not what a person would say, nor what compares answers with
// each other.
bool rewards_score_single_answers(const struct settings *s);
// What is learnt from only compares a prompt's answers with each other, and is 0 in the mean whatever is learnt: there is no
// metric reward.
bool rewards_are_relative(const struct settings *s);
void rewards_say_doubts(const struct settings *s, struct notes *notes); // what should be known of them
// Whether held-out answers, one to a prompt, have the metric "rewards/NAME/mean" or ".../std": not of what compares, nor of
// the only reward, which is "reward". told (may be NULL): the names of all such means, each as ", eval/rewards/NAME/mean".
bool rewards_tell(const struct settings *s, const char *metric, struct str *told);
// Whether the settings name a reward that is optimized, or a person is it, and can be read, without loading any.
int rewards_check(const struct settings *s, struct err *e);
// Calls `visit` with the folder of each model that scores answers, until one call is an error, which it returns.
// kind->look() tells whether the model could (reward_kinds.h).
struct reward_kind;
typedef int (*rewards_visit)(void *with, const struct reward_kind *kind, const char *folder, struct err *e);
int rewards_models(const struct settings *s, rewards_visit visit, void *with, struct err *e);
// Whether what these settings name is learnt from: 1 when "rewards/NAME/mean" is of a reward with a weight, 0 when it is
// only watched, -1 when there is no such reward.
int rewards_weighed(const struct settings *s, const char *metric);
