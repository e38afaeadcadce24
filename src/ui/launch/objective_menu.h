// All objectives in a list that is narrowed by typing, with what the one under the cursor does and needs: the form's
// field for the objective, opened.
#pragma once

#include <stdbool.h>

#include "launch/engine.h"
#include "ui/term/canvas.h"
#include "ui/term/line_edit.h"

struct objective_menu {
    const struct engine_description *engine; // borrowed
    struct line_edit typed;
    int *found;                              // (n) indices of the objectives that match what was typed
    int n, cursor, top, visible;
};
enum menu_answer { MENU_KEPT, MENU_CHANGED, MENU_TAKEN, MENU_LEFT };

// With the cursor on the objective `name`.
void objective_menu_open(struct objective_menu *m, const struct engine_description *engine, const char *name);
void objective_menu_fini(struct objective_menu *m);
// MENU_TAKEN: objective_menu_chosen is wanted; MENU_LEFT: nothing is.
void objective_menu_paste(struct objective_menu *m, const char *text, size_t n_bytes); // as if it were typed
enum menu_answer objective_menu_key(struct objective_menu *m, int key);
const struct engine_objective *objective_menu_chosen(const struct objective_menu *m); // NULL: nothing matches
void objective_menu_draw(struct objective_menu *m, struct canvas *c, struct rect area);
