// Judgements as statistics read them: numbers instead of texts, with what stands again under another number brought
// together.
#pragma once

#include "store/labels.h"

// A judgement that stands.
struct judged_vote {
    int64_t at_ms;
    int annotator;        // 0 .. n_annotators-1
    int pair;             // 0 .. n_pairs-1: the same prompt with the same two answers, whichever of them is A
    enum verdict verdict; // of A and B as pairs[pair] has them
    bool swapped;         // that B was shown first
    bool is_repeat;       // the annotator has answered this pair before
    double seconds;       // NaN: unknown
};
struct judged_text {      // a pair
    int prompt;           // 0 .. n_prompts-1: the same text is the same prompt
    int64_t length_gap;   // of A minus B, in characters
    int model_a, model_b; // 0 .. n_models-1; -1: not known
    int64_t id;           // as asked_pair.id, of the first that it was known by
    int run;              // whose pair that was, 0 .. n_runs-1; -1: brought
    double known;         // of an attention check: 1 where A is better, 0 where B is; NaN: it is none
};
struct judged_prompt {
    int64_t length; // in characters, of several turns all of them with their roles
    char hash[65];  // judged_prompt_hash
};
struct judged_votes {
    struct judged_vote *votes; // in the order in which they were given
    struct judged_text *pairs; // in the order in which the project came to know them
    struct judged_prompt *prompts; // (n_prompts)
    char **annotators, **models, **runs; // names; a model of a run's own pairs is "RUN step N"
    int n_votes, n_pairs, n_prompts, n_annotators, n_models, n_runs;
    struct judged_source { // every judged pair as the store has it, in the order of labels_judged
        int pair;
        bool is_turned; // its A is B of pairs[pair]
        char hash[65];
    } *sources;
    int n_sources;
};
void judged_votes_fini(struct judged_votes *v);
// run NULL: of all runs, and pairs that people brought. 0 with nothing in it where nobody has judged. One moment's state.
int judged_votes_read(struct store *s, const char *run, struct judged_votes *out, struct err *e);
// Of a prompt as the store has it; turns NULL: a plain text.
void judged_prompt_hash(const char *prompt, const char *turns, char hex[65]);
// Not a skip and not a flag: something was said of the answers.
bool verdict_is_answer(enum verdict v);
