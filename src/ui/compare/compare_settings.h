// Panels in the answers' place: what differs between the runs whose checkpoints are compared, and all votes of the project.
#pragma once

#include "ui/compare/compare_page.h"

void compare_draw_settings(struct compare_page *p, struct canvas *c, struct rect r);
// The list of prompts, beside the answers.
void compare_draw_prompts(struct compare_page *p, struct canvas *c, struct rect r);
// Of sides A and B as they were chosen first, over the prompts that were asked.
void compare_draw_scores(struct compare_page *p, struct canvas *c, struct rect r);
