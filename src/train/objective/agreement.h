// How far two reward models agree on the same responses. Where they were taught on two halves of the data, what one
// finds good and the other does not is made up: the measure of over-optimization of Bai et al. 2022, arXiv:2204.05862,
// section 4.2.
#pragma once

struct agreement {
    int n_responses;           // that both scored
    double correlation;        // of their scores (Pearson); NaN where one of them is constant
    int n_pairs;               // of responses to one prompt
    double margin_correlation; // of the score differences inside of pairs: what is left when prompts do not differ
    double ranked_alike;       // share of pairs with the same winner; equal scores count a half
    int n_labelled;            // pairs whose labels differ
    double accuracy[2];        // of each of the two, on those
};
// Scores of both, NaN where one has none, and labels; group g has responses first[g] .. first[g + 1] - 1.
struct agreement agreement_of(const double *a, const double *b, const double *labels, const int *first, int n_groups);
