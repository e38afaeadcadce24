// The words of the demo's stories: who, where, what happens, and how each style ends.
#pragma once

#include "demo/grammar.h"

extern const struct grammar_rule story_rules[]; // "story_alone", "story_friends", "ending_cozy", ...

// Who plays in the stories: the same little company in all of them, so that a small model gets to know it.
struct character {
    const char *name, *kind;
    char gender; // 'f' or 'm'
};
extern const struct character story_cast[];
extern const char *const story_places[][2]; // "by the river", "the river"
extern const char *const story_things[][2]; // "red kite", "kite"
extern const int story_n_cast, story_n_places, story_n_things;
