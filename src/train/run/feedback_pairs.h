// The pairs that a run has asked people about, and what they say of them: the memory of feedback.h.
//
// It follows from run.db (which pairs there are, which were learnt from) and from the judgements in the order of the store:
// nothing else of it has to be kept.
#pragma once

#include "store/labels.h"
#include "train/online/rollouts.h"

struct feedback_pair {
    int64_t id, step; // its number in run.db; the update before which it was said
    char hash[65];
    bool used;        // learnt from
    int n_votes, n_flags; // judgements that stand, skips apart
    double grades;    // their sum: positive where B is better
};
struct feedback_pairs {
    struct feedback_pair *list; // by id
    int n, cap;
    struct feedback_vote {
        int64_t id; // of the judgement
        int pair;   // in list
        enum verdict verdict;
    } *votes; // that stand
    int n_votes, cap_votes;
};

void feedback_pairs_fini(struct feedback_pairs *t);
// Adds those of run.db that are not there yet: open ones and used ones.
int feedback_pairs_read(struct feedback_pairs *t, const char *run_dir, struct err *e);
// A judgement, of whatever pair: of none of these it is passed over. In the order of the store.
void feedback_pairs_hear(struct feedback_pairs *t, const struct judgement *j);

bool feedback_pair_waits(const struct feedback_pair *p);  // nobody has answered
bool feedback_pair_teaches(const struct feedback_pair *p); // people find one answer better, and nothing wrong with it
// How many wait; were judged and are new; were learnt from and may be again.
struct feedback_counts {
    int waiting, fresh, stored;
};
struct feedback_counts feedback_pairs_count(const struct feedback_pairs *t);

// A group of two answers as bytes, for asked_pair.tokens: its tokens exactly, and what the reference says of them.
void feedback_pack(const struct rollout_batch *b, int group, struct asked_pair *out);
// The group again, behind those of *b, its answers with these scores. ERR_INPUT when it is not what was packed, for a model
// of that vocabulary.
int feedback_unpack(struct rollout_batch *b, const struct asked_pair *p, const double scores[2], int vocab_size,
                    struct err *e);
