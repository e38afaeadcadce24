// What may follow a command's name, as a list that is said and chosen from (--lines).
#pragma once

#include "ui/ui_internal.h"

// "metric ?": says what may follow. False where the line does not end so, or nothing is known: it is for others.
bool lines_say_offers(struct ui *ui, const char *line);
// The answer to a question that the command asks, with what there is to choose from: said at once where it is little, else
// when "?" is typed; then a number of the list stands for what it says. NULL: the input has ended. Heap.
char *lines_choose(struct ui *ui, enum command_id id, const char *question);
