// A data set as numbers: how long its texts are, which answer is the longer one how often, and what is in it more than once.
// All of it can fool who trains on it: a loss of preferences learns that longer is better as readily as anything else, and
// rows that say the opposite of each other teach nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "corpus/corpus.h"

enum { SURVEY_PARTS = 3, SURVEY_BINS = 20, SURVEY_GAPS = 10 };

// The lengths of one kind of text, in the unit of the survey.
struct survey_lengths {
    const char *name; // "prompt", "chosen", "rejected" or "response"
    size_t n;         // texts
    double mean;
    uint32_t median, p95, max; // the smallest length that so many are not longer than
    size_t bins[SURVEY_BINS];  // [0]: empty ones; [k]: 2^(k-1) <= length < 2^k; the last one has all that are longer
};
// What is to be said of one row.
enum survey_flag {
    SURVEY_SAME = 1,     // an earlier row has the same prompt and the same answers
    SURVEY_OPPOSITE = 2, // another row prefers the answer that this one rejects, or calls bad what this one calls good
    SURVEY_PROMPT = 4,   // another row has the same prompt
    SURVEY_TIE = 8,      // neither answer is better
    SURVEY_SHARED = 16,  // its prompt is in the other data set as well (survey_share)
};
struct survey_row {
    uint32_t prompt, first, second; // lengths; of pairs first is the chosen answer; of lists the best; second 0: none
    uint32_t flags;
};
struct survey {
    bool tokens; // the unit, else characters
    struct survey_lengths parts[SURVEY_PARTS];
    int n_parts;
    struct survey_row *rows; // (n), as the corpus' examples
    uint64_t *prompts;       // (n), what survey_share compares
    size_t n;
    size_t n_prompts; // distinct ones
    size_t n_same, n_opposite, n_prompt, n_shared; // rows with these flags
    size_t n_ties, n_split; // pairs without a better answer; pairs whose votes were not all for one
    size_t n_good;          // of answers that are good or bad
    // Pairs, without ties
    size_t n_longer, n_shorter, n_equal; // the chosen answer is so, beside the rejected one
    double mean_gap;                     // of chosen - rejected
    uint32_t gap_step;                   // w: gaps[k] counts those with (k - 5) w <= gap < (k - 4) w, and beyond at both
                                         // ends
    size_t gaps[SURVEY_GAPS];
};

// How long a text is; negative: it cannot be measured, and counts as 0.
typedef int64_t (*survey_measure)(void *with, const char *text, size_t n_bytes);
// Called now and then with how many rows have been looked at; false ends the survey.
typedef bool (*survey_go_on)(void *with, size_t n_rows);

struct survey_options {
    survey_measure measure; // NULL: characters; else tokens
    void *measure_with;
    survey_go_on go_on; // NULL: always
    void *go_with;
};
// A survey_measure with a struct tokenizer: the tokens of the text alone, without what a template or the tokenizer puts
// around it.
int64_t survey_tokens(void *tokenizer, const char *text, size_t n_bytes);
// NULL when it was to end. Texts are the same when they differ in the case of ASCII letters and in blanks alone; they are
// compared by 64 bits of a hash, so that among ten million different texts two are taken for the same with a probability of
// 3e-6.
struct survey *survey_new(const struct corpus *c, const struct survey_options *o);
void survey_free(struct survey *s); // NULL is fine
// Marks the rows whose prompt stands in `other` as well (rows of training that are also held out). Empty prompts are nothing
// in common.
void survey_share(struct survey *s, const struct survey *other);

// How often it would be right to take the longer answer of a pair, equal ones by a coin's throw: a share with its 95 %
// interval by Wilson's score (Wilson 1927). NaN without pairs.
double survey_longer(const struct survey *s, double *low, double *high);
