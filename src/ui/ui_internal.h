// What the manager's own files share. They stand here from the bottom to the top, and each uses only those before it; the
// views are between run_control.c and pages.c and see only view.h.
#pragma once

#include <stdbool.h>

#include <poll.h>

#include "launch/engine.h"
#include "ui/term/keys.h"
#include "ui/data/data_set.h"
#include "ui/launch/launch_plan.h"
#include "ui/term/line_edit.h"
#include "ui/term/link.h"
#include "ui/ui.h"
#include "ui/view.h"

enum prompt_kind { PROMPT_NONE, PROMPT_COMMAND, PROMPT_ASK, PROMPT_CONFIRM };
enum { MAX_FOUND = 10 };

struct prompt {
    enum prompt_kind kind;
    char label[160];
    struct line_edit line;
    enum command_id id; // ASK, CONFIRM: what Enter or y runs
    char *arg;          // CONFIRM; of a live ASK: the text before
    bool live;          // ASK: what is typed is followed, and may be empty
    int chosen;         // COMMAND: row of the list above, -1 none
    struct words files; // COMMAND, ASK: those that Tab found, until the line changes
    int back;           // COMMAND: lines back in the history; 0: none
    struct rect offered; // COMMAND: the lines of the list, as drawn last
};

// What the list above the prompt offers: commands while a name is typed, then what may follow it.
struct offers {
    const struct command_row *rows[MAX_FOUND];
    int n_rows;
    const struct command_row *row; // the command whose argument is typed; NULL: a name is
    struct words words;
    size_t from;                   // byte of the line where the word begins that is being typed
    bool is_file;                  // a path is typed, which only Tab looks for
};

// What a key of the prompt asks to be run: a line such as "smooth 0.6", or a command with an argument (NULL: none).
struct prompt_answer {
    enum { ANSWER_NONE, ANSWER_LINE, ANSWER_COMMAND } kind;
    enum command_id id;
    char *text; // the caller's
};

// What can be pressed with the mouse in the lines around a page: a page's name in the strip, a hint.
struct zone {
    struct rect r;
    const struct command_row *row; // NULL: shows `page`
    enum page page;
};
enum { MAX_ZONES = 40 };

struct ui {
    void (*show)(struct ui *ui, enum page page); // ui_show of pages.c, for those below it
    void (*typed)(struct ui *ui, enum command_id id, const char *text); // find_typed of find.c, for the prompt
    struct filter *find; // what / looked for last; NULL: nothing yet
    int find_from;       // the line it began at
    bool prompt_was_live; // the command comes from a live prompt: the cursor has moved with what was typed
    struct store *store;
    struct run_list runs;
    struct view views[PAGE_N];
    enum page page, back_to; // back_to: where help and the form return to
    int run_at;              // where ui_run found it last
    char run_name[128];      // the run that is open or under the cursor; "" none
    struct prompt prompt;
    const struct command_row *wanted; // by help: what is run once its command is over
    struct words history; // lines that were run from the prompt, the oldest first
    char message[1024];
    bool message_is_error;
    double message_s;        // when it was said
    int message_state;       // of the run under the cursor then: a message about another state is an old one
    struct canvas canvas;
    struct zone zones[MAX_ZONES]; // of the last drawing
    int n_zones;
    struct rect page_area;        // where the page was drawn
    char colors[12];              // what was asked for last; "": nothing
    bool mouse;                   // it is wanted
    char pictures[8];             // what was asked for: "off", "auto", "kitty", "sixel"; "": nothing, which is off
    struct plot_pictures *plots;  // NULL: there was none yet
    bool draws_pictures;          // while a frame for the terminal is drawn
    unsigned paints;              // screen_paints when they were sent last
    double no_pictures_until_s;   // after a slow link

    bool no_hints;                // the hint line is the page's
    bool has_screen;   // a terminal; false in a script
    bool talks;        // line by line (--lines): there is no screen, but a person who can be asked
    bool frozen;
    bool dirty;        // a person's doing changed the picture: draw at once
    bool data_dirty;   // data changed it: draw when the byte budget allows
    bool more;         // the view has data left to read
    bool more_is_asked; // by a person's doing: when it is read, that is drawn like what they did
    bool quit, gives_up; // gives_up: a person leaves before what would be lost has ended
    double interrupt_s; // when Ctrl-c was pressed last
    double refreshed_s;
    uint64_t generation; // of the runs, when the view was refreshed last
    struct engine_description *description;
    bool asking_engine, engine_failed; // a page that needs the description asks again when it is shown again
    json_t *recipes; // NULL: not asked yet
    bool asking_recipes;
    struct launch_plan plan; // of the form, as it was asked for last
    uint64_t plan_number;
    bool starting_runs, has_started; // they are being checked; they were started and the form does not know yet
    json_t *memory; // the answer to ui_ask_memory; NULL: it is not known
    bool asking_memory, has_memory; // has_memory: the form has not taken it yet
    struct data_set data;
    bool data_is_of_form;        // it was opened from there
    struct data_source train_on; // for the form; path NULL: none
    struct data_job *data_job; // NULL: nothing is read
    struct eval_table *evals; // NULL: not read yet
    uint64_t evals_stamp;
    struct err evals_fault;
    bool reading_evals;
    const struct label_options *label; // NULL: nothing was said of labels
    struct link link;
    const char *copy_file;           // of ui_options
    bool slow;                       // as --slow asks: few bytes, one frame a second for data
    double link_period_s;            // as it was drawn last
    struct machine *machine;         // NULL: no run lives here, or there is no room to show it
    struct machine_reader *machine_reader;
    bool reading_machine;
    double machine_s;                // when it is read next
    struct models *models; // NULL: none was asked yet
    struct checkpoint_list *checkpoints; // the three of compare_lists.h, NULL: not read yet
    bool reading_checkpoints;
    struct prompt_set *prompts;
    struct win_table *wins;
    int64_t wins_asked; // how often: only what was asked for last counts
    struct win_cut *wins_cut; // NULL: as usual
    struct teach *teach; // keys are answers; NULL: they are keys
    int export_kind;   // what the path that is asked for is to hold
    struct job *jobs;
    int wake_fd[2];    // a byte here wakes the loop: signals and finished jobs
    bool keeps_state; // of the person, beside the project (state_files.h)
    bool keeps_session, session_failed, has_news; // has_news: what happened since is still to be said
    double news_until_s;  // when it is said although runs that are written all the time were not read to their ends
    json_t *session;      // as it was read or written last; NULL in scripts
    enum page left_page;  // the page that was left upwards last, and when: q twice leaves the console from there
    double left_page_s;
    double session_due_s; // when it is looked at again; 0: nobody did anything
    struct alert_calls *alert_calls; // NULL: nobody is to be called
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
// The same for work that would be lost with the console, in words for the person, "A new run is being checked".
void job_start_due(struct ui *ui, const char *due, job_work work, job_done done, void *arg);
const char *jobs_due(const struct ui *ui); // such words; NULL: nothing would be lost
void jobs_collect(struct ui *ui);             // calls done for those that have ended
void jobs_wait(struct ui *ui, double seconds); // until all have ended, so long at most

// offers.c
void offers_find(struct ui *ui, const char *line, int max, struct offers *out);
// The row of this page that something may follow; NULL: there is none.
const struct command_row *offers_row(const struct ui *ui, enum command_id id);
void offers_fini(struct offers *o);
// models.c: the models that are kept loaded
int models_fds(struct ui *ui, struct pollfd *out); // to wait for, at most 2 MODELS_MOST; returns how many
void models_serve(struct ui *ui);                  // hands out what has come, without waiting
bool models_are_asked(const struct ui *ui);        // somebody waits for an answer
void models_fini(struct ui *ui);                   // ends them all, and every question

void compare_jobs_fini(struct ui *ui); // compare_jobs.c
// data_jobs.c
void data_jobs_forget(struct ui *ui); // closes the data set, and lets go of what reads it

// teach.c: asks for the keys of the page
void teach_begin(struct ui *ui);
void teach_key(struct ui *ui, int key); // while ui->teach is there
const char *teach_text(const struct ui *ui);
void teach_fini(struct ui *ui);

// prompt.c
void prompt_fini(struct ui *ui);
void prompt_open(struct ui *ui, const char *line); // with this in it already
void prompt_close(struct ui *ui);
struct prompt_answer prompt_key(struct ui *ui, int key);
bool prompt_paste(struct ui *ui, const char *text, size_t n_bytes); // false: it takes no text
int prompt_lines(const struct ui *ui, int width);                     // how many lines it needs
void prompt_draw(struct ui *ui, struct canvas *c, struct rect line, struct rect above);

// find.c: / n N on the page that is shown
enum view_result find_command(struct ui *ui, enum command_id id, const char *arg);
void find_remember(struct ui *ui, const char *text); // for n and N; what is no filter is not
void find_typed(struct ui *ui, enum command_id id, const char *text);

// run_edit.c: tags, notes, names, pins, archive, trash
enum view_result run_edit(struct ui *ui, enum command_id id, const char *arg);

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
void ui_follow(struct ui *ui, double now_s); // the view alone: what a key asked of it, before the key's frame

// chrome.c
void ui_draw(struct ui *ui); // everything, onto ui->canvas

// look.c: commands of the console's looks
void glyphs_command(struct ui *ui, const char *arg);
void colors_command(struct ui *ui, const char *arg);
void mouse_command(struct ui *ui, const char *arg);
void hints_command(struct ui *ui, const char *arg);

// read_only.c: says so and returns true where only reading is allowed
bool ui_refuses(struct ui *ui, enum command_id id, const char *arg);

// view_file.c: views that can be opened elsewhere
void view_command(struct ui *ui, const char *arg);
int view_file_read(const char *path, json_t **view, struct err *e);           // checked, as far as without a project
int view_file_show(struct ui *ui, const json_t *view, const char *path, struct err *e); // a failure leaves what is shown

// pictures.c: charts as pixels. begin and end stand around ui_draw for the terminal; `hold`: new data waits.
void pictures_command(struct ui *ui, const char *arg);
bool pictures_set(struct ui *ui, const char *word); // false for another word
void pictures_begin(struct ui *ui, bool hold, double now_s);
void pictures_end(struct ui *ui);    // before screen_show
size_t pictures_show(struct ui *ui); // after it; returns the bytes that were sent
bool pictures_wait(const struct ui *ui); // something waited

// dispatch.c: what a person asks for
enum view_result ui_dispatch(struct ui *ui, enum command_id id, const char *arg); // checks the page
void ui_run_wanted(struct ui *ui); // what a view asked for (ui_run_row)
void ui_key(struct ui *ui, int key);
void ui_paste(struct ui *ui, const char *text, size_t n_bytes); // text for a field, and nothing elsewhere
void ui_line(struct ui *ui, const char *line); // "zoom-in", "smooth 0.6"
void ui_quit(struct ui *ui); // asks first where something would be lost with the console
void ui_quit_tick(struct ui *ui); // it is over: what was asked answers itself

// machine_job.c
void machine_tick(struct ui *ui, double now_s);

// mouse.c
void ui_mouse(struct ui *ui, struct mouse m);

// loop.c
// Before the screen is opened, for curses takes those that nobody has taken.
void loop_take_signals(struct ui *ui);
int loop_run(struct ui *ui, struct err *e);
void loop_finish(struct ui *ui); // behind it and the screen: waits for what would be lost (jobs_due)

// lines.c: the console as lines, for who hears the screen
int lines_run(struct ui *ui, struct err *e);

// script.c
void script_refresh(struct ui *ui);                   // all that has come is read
void script_do(struct ui *ui, const char *line);      // a command, with what it asked for
int script_run(struct ui *ui, const char *script, struct err *e);

// ui.c: ui_console
