// The demo's little world, whose truth is known: stories that end in one of a few styles, the share that each style
// has in the corpus (the model's habit), and how much people like each (their utilities). Preference pairs are
// drawn from the utilities by Bradley-Terry, so what tuning does to the shares can be compared with closed forms.
// Everything is a pure function of a seed.
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DEMO_COZY, DEMO_ADVENTURE, DEMO_SONG, DEMO_N_STYLES, DEMO_NO_STYLE = -1 };

struct demo_style {
    const char *name;    // "cozy"
    const char *summary; // what such an ending tells
    double share;        // in the corpus; the shares add up to 1
    double utility;      // to people, in nats: P(a preferred to b) = 1 / (1 + exp(u_b - u_a))
};
extern const struct demo_style demo_styles[DEMO_N_STYLES];

// The style of a text (a whole story or only its ending): the style whose words it has most of; DEMO_NO_STYLE when
// it has none, or as many of two.
int demo_style(const char *text, size_t n);

struct demo_story {
    char *opening; // the story up to its ending; works as a prompt
    char *ending;  // begins with a blank
    int style;
};
// Story `index` of the corpus with this seed. Free with demo_story_fini.
void demo_story_make(struct demo_story *s, uint64_t seed, uint32_t index);
void demo_story_fini(struct demo_story *s);

struct demo_pair {
    char *prompt;
    char *chosen, *rejected; // begin with a blank
    int chosen_style, rejected_style;
    double preference; // the true probability that people choose as they did
};
// Pair `index`; its story is none of the corpus with the same seed (below 2^31 stories).
void demo_pair_make(struct demo_pair *p, uint64_t seed, uint32_t index);
void demo_pair_fini(struct demo_pair *p);

// Closed forms. P(a preferred to b); shares of the styles in the corpus, at the optimum of KL-bound reward
// maximisation and of DPO (share * exp(utility / beta), normalised), and of preference matching (exp(utility),
// normalised, whatever the corpus).
double demo_preference(int a, int b);
void demo_shares_reference(double shares[DEMO_N_STYLES]);
void demo_shares_kl(double beta, double shares[DEMO_N_STYLES]);
void demo_shares_matching(double shares[DEMO_N_STYLES]);
// Of alpha times entropy and beta times agreement with the reference (objective spl): share^(beta / alpha) * exp(utility /
// alpha), normalised. alpha = beta is KL-bound tuning and DPO; (1, 0) preference matching.
void demo_shares_plane(double alpha, double beta, double shares[DEMO_N_STYLES]);
json_t *demo_truth(void); // all of this, as written beside the pairs; a new reference

// JSON lines, written atomically: {"text"} a story, or {"prompt", "chosen", "rejected", styles, preference}. Stories
// become plain text with blank lines between when the path ends in .txt.
int demo_write_corpus(const char *path, uint32_t n, uint64_t seed, struct err *e);
int demo_write_pairs(const char *path, uint32_t n, uint64_t seed, struct err *e);
