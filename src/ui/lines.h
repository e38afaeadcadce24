// The console as lines (--lines), for the files of that.
#pragma once

#include "ui/ui_internal.h"

// A line that a person types, without its end, on the heap; NULL at the end. A prompt only where somebody sits there.
char *lines_ask(struct ui *ui, const char *prompt);
// Text from outside on one line, or with its own lines where `whole`.
void lines_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void lines_say_text(const char *before, const char *text);
// Pairs of answers, judged by typed answers; until "back" or the end.
void lines_label(struct ui *ui, const char *source);
