// Editing the value of the field under the cursor, checked as it is typed.
#pragma once

#include "ui/view.h"

struct launch_state;

void launch_begin_edit(struct launch_state *s, const char *text);
enum view_result launch_edit_key(struct view *v, int key); // while it is edited
void launch_move(struct launch_state *s, int to);          // the cursor, to a field or the nearest
// The form is of another objective now, and has other fields: the cursor stays on the one of that name while there is one.
void launch_hold_cursor(struct launch_state *s, const char *field);
// Fills the form with a preset of the project, or saves it as one; without a name they ask for it.
enum view_result launch_load_preset(struct view *v, const char *arg);
void launch_complete(struct view *v, enum command_id id, const char *before, struct words *out); // complete of view.h
enum view_result launch_save_preset(struct view *v, const char *arg);
