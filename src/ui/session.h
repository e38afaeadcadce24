// What the console keeps of a project from one time to the next: PROJECT/console.json. Scripts keep nothing.
#pragma once

#include "ui/ui.h"

struct ui;

void session_load(struct ui *ui);   // before the first page is shown; a damaged file is put aside, with a word
void session_return(struct ui *ui); // to where it was left, and what happened since; the runs must have been read
void session_touch(struct ui *ui, double now_s);          // a person did something
void session_tick(struct ui *ui, double now_s);           // writes soon after
void session_save(struct ui *ui);                         // at the end
