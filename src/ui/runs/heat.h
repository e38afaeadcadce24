// Text whose tokens show what they earned: the heat line of a sample.
//
// Five levels of a token's reward, by its share of the largest of the text. Each differs from the others without colour:
// strong ones are reversed, and what lost is underlined where what gained is bold.
#pragma once

#include "store/run_db.h"
#include "ui/term/canvas.h"

enum heat { HEAT_MUCH_LESS, HEAT_LESS, HEAT_SAME, HEAT_MORE, HEAT_MUCH_MORE, N_HEATS };
struct style heat_style(enum heat heat);
// largest: the largest |reward| among those that it is compared with.
enum heat heat_of(double reward, double largest);
double heat_largest(const struct run_credit *credits, int n);

// The response in r as canvas_paragraph draws it, token by token; a token without text at its end, which ends the response,
// is drawn as "<end>". Returns how many lines it has.
int heat_paragraph(struct canvas *c, struct rect r, const struct run_sample *sample);
// What the styles mean, on one line: how likely a token is now, beside the start. Nothing where it does not fit. Returns its
// width.
int heat_legend(struct canvas *c, int x, int y, int width, const struct run_sample *sample);
