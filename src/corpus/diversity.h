// Pairs that teach a model to say more different good things (DivPO, Lanchantin et al. 2025, arXiv:2501.18101): of a
// prompt's better answers the one that is least like the others is chosen, of its worse ones the one that is most like them
// rejected.
#pragma once

#include <stdbool.h>

// The better and the worse pool are the `share` (at most 0.5) of n answers with the highest and the lowest scores, at least
// one each; of equal scores the earlier is the better one. The chosen answer also has a score above the lowest of all, the
// rejected one a score below the chosen one's. Of equal diversities the earlier counts. False when all scores are equal.
// diversity: the higher, the less like the others; of a model's own answers minus log pi(y) / tokens, its mean surprise.
bool diverse_pair(const double *scores, const double *diversity, int n, double share, int *chosen, int *rejected);

// How rare each text's words are among all n: the mean over its words of 1 / (how often the word occurs in all texts). 1:
// each word is said once, and nowhere else; 0: no words. Upper and lower case of ASCII are one; what is written without
// spaces (Chinese, Japanese) counts by characters.
void word_rarity(const char *const *texts, int n, double *out);
