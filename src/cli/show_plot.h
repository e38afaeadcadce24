// attune show RUN... --plot: the page of curves as text, for a plain terminal or a pipe.
#pragma once

#include "cli/plots.h"

int show_plot(struct store *s, const struct args *a, struct err *e);
