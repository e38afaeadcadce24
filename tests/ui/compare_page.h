// The compare page in the real program, over a run with two checkpoints that differ; the engine answers for real.
#pragma once

#include <jansson.h>

#include "testing.h"

#include "ui/fixture.h"
#include "ui/rig.h"

extern char *demo, *changed; // a folder of the model, and one of the model with some weights gone
extern const char question[];

int compare_set_up(void **state);
int compare_tear_down(void **state);
void compare_copy_model(const char *to, bool damage);
// What the command answers, and the page must too.
json_t *compare_answer_of(const char *model, const char *seed, const char *prompt);
// How the answer begins on the screen: words that fit into the first line of a side.
void compare_beginning(const char *model, const char *seed, const char *prompt, char out[24]);

void compare_start(struct rig *r, int width, int height);     // shows the page
void compare_two_sides(struct rig *r, int width, int height); // the two checkpoints have answered the question
void compare_ask(struct rig *r, const char *prompt);
