// What a row says of which answer is better, as a share of votes for its first answer (1: all, 0.5: a tie). A label that
// is there but cannot be read refuses the row; it is never taken as no label.
#pragma once

#include "corpus/row.h"

enum label_rule {
    LABEL_FIRST,        // the first answer is the chosen one; "share", "votes" or annotators may say how sure that is
    LABEL_VOTES,        // these alone say it
    LABEL_ZERO_ONE,     // 0: the first, 1: the second
    LABEL_ONE_ZERO,     // 1: the first, 0: the second
    LABEL_ONE_TWO,      // 1: the first, 2: the second, 0: a tie
    LABEL_SIGNED_3,     // -3: the first by far, ... 3: the second by far; evenly between them
    LABEL_SCORES,       // two members: the larger one's answer
    LABEL_WINNER_FLAGS, // three members: the first won, the second won, a tie
    LABEL_WINNER,       // model_a, model_b, the name of either, or a word for a tie
};
// keys: the members that the rule looks at, with "|" between them.
bool label_share(struct row *r, const json_t *object, enum label_rule rule, const char *keys, double *share);
// Good (1) or bad (0), of "label" or another member; numbers as texts count where they are unambiguous.
bool label_good(struct row *r, const json_t *object, const char *key, double *score);
bool label_has_votes(const json_t *object); // share, votes or annotators
bool label_is_vote(const char *member);     // annotator1, annotator_2, ...
// Whether votes or the two numbers of `scores` ("a|b", NULL: none) say that the other answer is better than `share` does;
// the row is then refused.
bool label_contradicted(struct row *r, const json_t *object, double share, const char *scores);
// A finite number in the member, also as a text ("4.5").
bool label_number(struct row *r, const json_t *object, const char *key, double *number);
// Emits the pair with the one that has more votes as chosen.
bool emit_voted(struct row *r, bool is_chat, const struct turn_list *prompt, struct response first,
                struct response second, double share);
