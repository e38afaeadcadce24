// What a compare asks of models, and what becomes of the rows. For compare.c.
#pragma once

#include "ui/compare/compare.h"

void compare_ask_answer(struct compare *c, struct compare_side *s); // its state is SIDE_WAITING
void compare_ask_cancel(struct compare *c, struct compare_side *s); // everything that is asked about it
