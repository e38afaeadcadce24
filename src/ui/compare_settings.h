// What differs between the runs whose checkpoints are compared: settings, and where they stand.
#pragma once

#include "ui/compare_page.h"

void compare_draw_settings(struct compare_page *p, struct canvas *c, struct rect r);
