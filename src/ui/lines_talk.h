// What the console says and hears as lines (--lines).
#pragma once

#include "ui/ui_internal.h"

// A line that a person types, without its end, on the heap; NULL at the end. A prompt only where somebody sits there,
// else both are said, so that what comes out reads as a conversation.
char *lines_ask(struct ui *ui, const char *prompt);
// Text from outside, its control bytes made visible.
void lines_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void lines_say_text(const char *before, const char *text);
void lines_watch(struct ui *ui); // reads what changed, and calls for alerts
bool lines_read(int ms);         // what is typed within so long; false when nothing came
char *lines_take(void);          // a whole line of what was read; NULL: there is none
bool lines_ended(void);          // nothing more can come
void lines_fini(void);
