// The words of the demo's stories: who, where, what happens, and how each style ends.
#pragma once

#include "demo/grammar.h"

extern const struct grammar_rule story_rules[]; // "story_alone", "story_friends", "ending_cozy", ...

struct character_name {
    const char *name;
    char gender; // 'f' or 'm'
};
extern const struct character_name story_names[];
extern const char *const story_kinds[], *const story_places[][2];
extern const char *const story_things[][2]; // "red kite", "kite"
extern const int story_n_names, story_n_kinds, story_n_places, story_n_things;
