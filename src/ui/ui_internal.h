// What the manager's own files share. They stand here from the bottom to the top, and each uses only those before it; the
// views are between run_control.c and pages.c and see only view.h.
#pragma once

#include <stdbool.h>

#include "launch/engine.h"
#include "ui/line_edit.h"
#include "ui/ui.h"
#include "ui/view.h"

enum prompt_kind { PROMPT_NONE, PROMPT_COMMAND, PROMPT_ASK, PROMPT_CONFIRM };
enum { MAX_FOUND = 10 };

struct prompt {
    enum prompt_kind kind;
    char label[160];
    struct line_edit line;
    enum command_id id; // ASK, CONFIRM: what Enter or y runs
    char *arg;          // CONFIRM
    int chosen;         // COMMAND: row of the list above, -1 none
};

// What a key of the prompt asks to be run: a line such as "smooth 0.6", or a command with an argument (NULL: none).
struct prompt_answer {
    enum { ANSWER_NONE, ANSWER_LINE, ANSWER_COMMAND } kind;
    enum command_id id;
    char *text; // the caller's
};

struct ui {
    void (*show)(struct ui *ui, enum page page); // ui_show of pages.c, for those below it
    struct store *store;
    struct run_list runs;
    struct view views[PAGE_N];
    enum page page, back_to; // back_to: where help and the form return to
    char run_name[128];      // the run that is open or under the cursor; "" none
    struct prompt prompt;
    char message[1024];
    bool message_is_error;
    double message_s;        // when it was said
    int message_state;       // of the run under the cursor then: a message about another state is an old one
    struct canvas canvas;
    bool has_screen;   // a terminal; false in a script
    bool frozen;
    bool dirty;        // a person's doing changed the picture: draw at once
    bool data_dirty;   // data changed it: draw when the byte budget allows
    bool more;         // the view has data left to read
    bool quit;
    double interrupt_s; // when Ctrl-c was pressed last
    double refreshed_s;
    uint64_t generation; // of the runs, when the view was refreshed last
    struct engine_description *description;
    bool asking_engine, engine_failed; // a page that needs the description asks again when it is shown again
    json_t *recipes; // NULL: not asked yet
    bool asking_recipes;
    struct eval_table *evals; // NULL: not read yet
    uint64_t evals_stamp;
    struct err evals_fault;
    bool reading_evals;
    int export_kind;   // what the path that is asked for is to hold
    struct job *jobs;
    int wake_fd[2];    // a byte here wakes the loop: signals and finished jobs
    bool script_failed;
    char script_error[512];
};

// ui_state.c, and the first of what view.h offers
void ui_forget_message(struct ui *ui, double now_s); // of a state that is over, by this console or another, or long ago

// jobs.c: work that may take seconds, on a thread of its own. `work` may touch only its argument; `done` is called
// in the console's thread with what work returned, and frees the argument.
typedef int (*job_work)(void *arg, struct err *e);
typedef void (*job_done)(struct ui *ui, void *arg, int code, const struct err *e);
void job_start(struct ui *ui, job_work work, job_done done, void *arg);
void jobs_collect(struct ui *ui);             // calls done for those that have ended
void jobs_wait(struct ui *ui, double seconds); // until all have ended, so long at most

// prompt.c
void prompt_open(struct ui *ui);
void prompt_close(struct ui *ui);
struct prompt_answer prompt_key(struct ui *ui, int key);
bool prompt_paste(struct ui *ui, const char *text, size_t n_bytes); // false: it takes no text
int prompt_lines(const struct ui *ui, int width);                     // how many lines it needs
void prompt_draw(struct ui *ui, struct canvas *c, struct rect line, struct rect above);

// export_jobs.c: files for other programs
void export_command(struct ui *ui, enum command_id id, const char *arg);

// run_control.c: commands that act on the current run
enum view_result run_control(struct ui *ui, enum command_id id, const char *arg);
// Whether the current run can take the command now; commands that act on none are always true.
bool run_takes(struct ui *ui, enum command_id id);

// pages.c: which page is shown, and how it follows the runs
bool ui_page_exists(enum page page);
const char *ui_page_title(enum page page);
void ui_show(struct ui *ui, enum page page);
void pages_back(struct ui *ui); // from help, the form or a run's page
void pages_turn(struct ui *ui, int step);
void pages_turn_run(struct ui *ui, int step); // the same page of another run
// Reads what changed in the store and lets the view follow; ui->more: there is more to read at once.
void ui_refresh(struct ui *ui, double now_s, bool all);

// chrome.c
void ui_draw(struct ui *ui); // everything, onto ui->canvas

// dispatch.c: what a person asks for
enum view_result ui_dispatch(struct ui *ui, enum command_id id, const char *arg); // checks the page
void ui_key(struct ui *ui, int key);
void ui_paste(struct ui *ui, const char *text, size_t n_bytes); // text for a field, and nothing elsewhere
void ui_line(struct ui *ui, const char *line); // "zoom-in", "smooth 0.6"

// loop.c
int loop_run(struct ui *ui, struct err *e);

// script.c
int script_run(struct ui *ui, const char *script, struct err *e);

// ui.c: ui_console
