// The form of a new run while it is on the screen: what a person sees and edits of it.
#pragma once

#include <jansson.h>

#include "ui/commands.h"
#include "ui/data/data_set.h"
#include "ui/launch/form.h"
#include "ui/launch/form_memory.h"
#include "ui/launch/launch_plan.h"
#include "ui/term/line_edit.h"
#include "ui/launch/objective_menu.h"

struct launch_state {
    struct form form;
    bool has_form;
    int cursor, top, visible;
    enum command_id wish; // CMD_NEW, CMD_COPY or CMD_DEMO that came before the engine had said what it offers
    char wish_arg[80]; // an objective or a run
    struct data_source wish_data; // path NULL: none
    bool editing;
    bool typed;        // a person put something in that has not become a run
    struct line_edit line;
    char *before;      // the text before editing; NULL: nothing was edited
    int scroll;        // lines of the command above its first one that is shown
    bool choosing;     // the objective, from the menu, which then has the whole page
    struct objective_menu menu;
    struct form_memory memory;
    json_t *kept;      // what was put in the last time, until the engine has said which fields there are; else NULL
    bool planning;   // what it would take has the page
    int plan_top, plan_height; // its lines above the window; lines of the window
    const struct launch_plan *plan;
    json_t *origin;  // the texts of the run that was copied; NULL: none
    char copied[80]; // its name
};

// What a person had put in and not started (launch_session.c).
void launch_save(const struct launch_state *s, json_t *into);
void launch_restore(struct launch_state *s, const json_t *from);
void launch_take_kept(struct launch_state *s); // the form was just made

bool launch_tell(const struct launch_state *s, bool all, struct str *out); // tell of view.h (launch_tell.c)
void launch_draw(struct launch_state *s, struct canvas *c, struct rect area); // notes how many fields are visible
