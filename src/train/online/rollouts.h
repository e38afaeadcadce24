// A source of groups that the policy makes itself (on-policy): prompts of the data are answered, the answers scored, and
// judged by the objective (struct online), before the first update that is made of them.
//
//   rollout_sample.c   prompts -> answers
//   rollout_numbers.c  answers -> log-probabilities, values, advantages; which of them are learnt from
//   rollout_facts.c    what there is to say of a batch
//   rollout_ahead.c    answers that a thread of its own samples while the trainer learns from others
//   rollout_state.c    batches in a checkpoint
//   rollout_unscored.c answers that nobody has scored yet
//   rollout_params.c   its parameters
//   rollouts.c         the source
//
// The answer to prompt number `p` of training (counted from its beginning, over all epochs) with the sample number k is a
// function of (seed, p, k) and the policy alone. Log-probabilities are those of the forward pass that trains, not of the
// sampler's, at the temperature that was sampled with; ratios are among the tokens that each was drawn from, penalties over
// the whole vocabulary.
//
// Ahead of training by n batches (`ahead`), batch b is said by the policy as it was when batch b - n was asked for, and
// its log-probabilities are that one's, however fast either side is; the first n + 1 batches are said by the policy of
// the beginning. So a run is the same bit for bit here too, also when it was interrupted: a checkpoint waits for what is
// under way, and keeps it. (Where the end of a run is moved, what is ordered just before the old end differs.)
//
// Owner: the trainer's thread.
#pragma once

#include "model/generator.h"
#include "train/learn/group_source.h"
#include "train/learn/reference.h" // progress_fn
#include "train/learn/trainer.h"

// What was said to a batch of prompts.
struct rollout_batch {
    struct dataset data; // a group a prompt, its answers in the order of their samples, tokens with columns
    bool *ended;         // (n_seqs) by its own end; else it was cut off
    bool *own;           // (n_seqs) said by the policy alone, until facts are told; NULL: all, or none
    double *scores;      // (n_seqs) what the rewards made of it; NaN: nobody has scored it
    double entropy;      // of the policy's distribution, the mean over all tokens; of a batch as it was drawn
    int64_t first_prompt; // the number of the first group's prompt
    int64_t step;         // updates that had been made of the weights that said it
    double sample_s;      // it took to be said
};

void rollout_batch_fini(struct rollout_batch *b);
// Whether what is told of a batch is told of this answer: of the policy's own, of all where it gives none.
static inline bool rollout_counts(const struct rollout_batch *b, int answer)
{
    return !b->own || b->own[answer];
}

enum { ROLLOUT_MOST_AHEAD = 8 };
struct rollout_options {
    const struct dataset *prompts; // groups without responses (dataset_options.prompts)
    int batch_size;                // prompts
    int samples;                   // answers to each
    int max_length;                // of prompt and answer together
    struct gen_options sampling;   // without its seed
    uint64_t seed;
    bool dynamic;   // prompts whose answers all score the same are not learnt from: others are drawn in their place
    int ahead;       // batches; 0: strictly on-policy
    struct backend_options machine; // on which the copy of the policy answers, when it is ahead
    bool ended_only; // answers that were cut off are judged, but not learnt from
    // The answers' scores, into b->scores; adds what there is to say of them to facts.
    int (*score)(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e);
    // All answers of a batch once they are judged; step: of the first update that is made of them. NULL: nobody keeps them.
    void (*keep)(void *with, const struct rollout_batch *b, int64_t step);
    progress_fn progress; // may be NULL; false: ERR_INTERRUPTED, and the same batch will be drawn when asked again
    void *with;           // of these three
};

extern const struct param rollout_params[]; // rows of a run's settings, for what follows
// What the settings say of it: sampling, batch_size, samples, seed, dynamic, ended_only.
void rollout_options_read(struct rollout_options *o, const struct settings *s);
bool rollout_is_cut(const struct settings *s); // answers are not drawn from the whole vocabulary

void rollouts_new(struct group_source **out, const struct rollout_options *o);
// Before the first batch: whose policy, reference and value network answer. The trainer must outlive the source's use, its
// model the source.
int rollouts_attach(struct group_source *s, struct trainer *t, struct err *e);
// Whether the first update that is made of a batch takes what was computed in sampling, instead of a forward of its own:
// where the backend decodes as it trains, the policy alone has said all of it just before, the update is made of the
// whole batch, and memory is plentiful (model/tape.h). It is told from the first batch on.
bool rollouts_are_taken(struct group_source *s);

// ---- for a source whose answers are judged elsewhere (train/run/feedback.h) ----
// Answers to n prompts from `position` on, measured and kept; where the source is stays as it was.
int rollouts_answer(struct group_source *s, int64_t position, int n, struct rollout_batch *b, struct metric_list *facts,
                    struct err *e);
// Makes *b, with its scores, the batch that is learnt from, as the objective picks: out->n groups, 0: none. Takes it.
void rollouts_learn(struct group_source *s, struct rollout_batch *b, struct group_batch *out);
