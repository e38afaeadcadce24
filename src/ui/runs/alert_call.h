// A program that a person wants called when something is wrong with a run: a mail, a bell, a message. It gets one JSON
// object on its standard input and has 30 s. Runs know nothing of it: it is a child of the console that watches, and
// nobody waits for it.
#pragma once

#include "ui/runs/run_list.h"

struct alert_calls;
// ERR_NOT_FOUND where there is no such program.
int alert_calls_new(struct alert_calls **out, const char *program, const char *project, struct err *e);
void alert_calls_free(struct alert_calls *c); // NULL is fine; what runs still has two seconds
// Calls it for alerts that are new, and sees to those that it was called for. c NULL: nothing.
void alert_calls_look(struct alert_calls *c, const struct run_list *l, double now_s);
// What went wrong with a call since the last time; NULL: nothing.
const char *alert_calls_trouble(struct alert_calls *c);
