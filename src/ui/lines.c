// The console for who hears the screen, or has a line at a time: commands of the table by their names, questions and
// answers one below the other, no cursor that is moved. What a command says in the message line is said here; lists and
// numbers are sentences; a page that has no sentences yet is printed as the characters of its screen.
#include "config.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/manner.h"
#include "base/mem.h"
#include "ui/runs/alert_call.h"
#include "ui/label/lines_label.h"
#include "ui/lines_offers.h"
#include "ui/lines_talk.h"
#include "ui/runs/run_text.h"

enum { LOG_LINES = 10, FOLLOW_S = 10, CTRL_U = 21 };

static struct words said_alerts;

// Each alert once.
static void say_alerts(struct ui *ui)
{
    const char *trouble = alert_calls_trouble(ui->alert_calls);
    for (int i = 0; i < ui->runs.n; i++) {
        const struct run_row *r = ui->runs.rows[i];
        struct str s = {0};
        bool said = false;
        if (r->alert && run_state_is_live(r->status.state))
            str_addf(&s, "Alert on %s: %s: %s.", r->info.name, r->alert->name, r->alert_text);
        for (int k = 0; k < said_alerts.n; k++)
            said |= text_starts(str_text(&s), said_alerts.texts[k]);
        if (s.len && !said) {
            struct str key = {0};
            lines_say("%s", str_text(&s));
            str_addf(&key, "Alert on %s: %s:", r->info.name, r->alert->name);
            words_add(&said_alerts, str_text(&key));
            str_fini(&key);
        }
        str_fini(&s);
    }
    if (trouble)
        lines_say("%s", trouble);
}

// ---- what there is ----

static void add_number(struct str *s, const char *name, double value)
{
    char text[32];
    if (!isnan(value))
        str_addf(s, ", %s %s", name, number_text(text, sizeof text, value, 8));
}

static void add_run(struct str *s, const struct run_row *r)
{
    char left[40];
    str_addf(s, "%s, %s, %s", r->info.name, r->info.objective, run_state_text(r));
    if (r->status.total_steps > 0)
        str_addf(s, ", step %lld of %lld", (long long)r->status.step, (long long)r->status.total_steps);
    add_number(s, "loss", r->values[VALUE_LOSS]);
    add_number(s, "margin", r->values[VALUE_MARGIN]);
    add_number(s, "accuracy", r->values[VALUE_ACCURACY]);
    add_number(s, "kl", r->values[VALUE_KL]);
    if (run_state_is_live(r->status.state) && r->status.seconds_left > 0)
        str_addf(s, ", %s left", human_seconds(left, sizeof left, r->status.seconds_left));
    if (r->alert)
        str_addf(s, ", alert %s: %s", r->alert->name, r->alert_text);
    str_addc(s, '.');
}

static void say_runs(struct ui *ui)
{
    lines_say("%d %s, %d live.", ui->runs.n, text_plural(ui->runs.n, "run", "runs"), ui->runs.n_live);
    for (int i = 0; i < ui->runs.n; i++) {
        struct str s = {0};
        add_run(&s, ui->runs.rows[i]);
        lines_say("%d: %s", i + 1, str_text(&s));
        str_fini(&s);
    }
}

static void say_run(const struct run_row *r)
{
    struct str s = {0};
    add_run(&s, r);
    str_addc(&s, ' ');
    run_describe(r, &s);
    lines_say("%s", str_text(&s));
    str_fini(&s);
}

static void say_numbers(struct run_row *r)
{
    struct run_reader *reader = run_row_reader(r);
    char **keys = NULL, text[32];
    int n = 0;
    say_run(r);
    if (!reader || run_reader_keys(reader, &keys, &n, NULL))
        return;
    double *values = mem_alloc((size_t)n + 1, sizeof *values);
    if (run_reader_latest(reader, (const char *const *)keys, n, values, NULL) == 0)
        for (int i = 0; i < n; i++)
            lines_say("%s %s", keys[i], number_text(text, sizeof text, values[i], 10));
    for (int i = 0; i < n; i++)
        free(keys[i]);
    free(keys);
    free(values);
}

static void say_log(struct run_row *r)
{
    struct run_reader *reader = run_row_reader(r);
    struct run_event *events = NULL;
    int n = 0;
    char at[40];
    if (!reader || run_reader_events(reader, 0, &events, &n, NULL))
        n = 0;
    for (int i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++)
        lines_say("%s, step %lld, %s, %s: %s", clock_text(at, sizeof at, events[i].at_ms, "%H:%M:%S"),
                  (long long)events[i].step, events[i].level, events[i].kind, events[i].text);
    run_events_free(events, n);
    if (n == 0)
        lines_say("Nothing was recorded yet.");
    if (r->alert)
        lines_say("Alert: %s: %s.", r->alert->name, r->alert_text);
}

// What the page tells of itself (all: as when one comes to it; else what a command did), or where it has no words the
// characters of its screen; without the lines that are blank.
static void say_told(struct ui *ui, bool all)
{
    struct view *v = &ui->views[ui->page];
    struct str text = {0};
    if (!v->is_open || !v->ops->tell || !v->ops->tell(v, all, &text)) {
        str_clear(&text);
        ui_draw(ui);
        canvas_save(&ui->canvas, false, &text);
    }
    for (const char *line = str_text(&text); *line;) {
        const size_t n = strcspn(line, "\n");
        char *one = mem_strndup(line, n);
        if (strspn(line, " ") < n)
            lines_say_text("", one);
        free(one);
        line += n + (line[n] == '\n');
    }
    str_fini(&text);
}

static void say_page(struct ui *ui)
{
    struct run_row *r = ui_run(ui);
    if (ui->page == PAGE_RUNS)
        say_runs(ui);
    else if (ui->page == PAGE_CURVES && r)
        say_numbers(r);
    else if (ui->page == PAGE_LOG && r)
        say_log(r);
    else
        say_told(ui, true);
}

static void say_help(const struct ui *ui)
{
    for (const struct command_row *r = command_rows; r->id; r++)
        if (r->pages >> ui->page & 1 && r->id != CMD_WAIT && r->id != CMD_SIZE)
            lines_say("%s%s%s: %s", r->name, r->arg ? " " : "", r->arg ? r->arg : "", r->help);
    lines_say("follow SECONDS, from \"curves\": the run's numbers every so many seconds, and alerts, until it ends or "
              "you press Enter.");
    lines_say("NAME ?, of a command that something follows: what there is to choose from, such as \"open ?\".");
    lines_say("repeat: this page once more. quit.");
}

// ---- commands ----

// A sentence each time that many seconds have passed and the run has moved.
static void follow(struct ui *ui, double every_s)
{
    int64_t step = -1;
    double said_s = -1e9;
    const bool person = isatty(STDIN_FILENO);
    for (;;) {
        lines_watch(ui);
        struct run_row *r = ui_run(ui);
        if (!r)
            return;
        const bool over = r->status.state != RUN_QUEUED && !run_state_is_live(r->status.state);
        if (over || (r->status.step != step && clock_seconds() - said_s >= every_s)) {
            say_run(r);
            step = r->status.step;
            said_s = clock_seconds();
        }
        say_alerts(ui);
        if (over || ferror(stdout))
            return;
        if (!person || lines_ended())
            poll(NULL, 0, 200); // what stands in the input is for afterwards
        else if (lines_read(200)) {
            free(lines_take());
            return;
        }
    }
}

// What models are asked is heard when all have said it, or when a person goes on with Enter.
static void wait_for_answers(struct ui *ui)
{
    struct pollfd fds[2 * MODELS_MOST];
    const bool person = isatty(STDIN_FILENO);
    while (models_are_asked(ui) && !ferror(stdout)) {
        poll(fds, (nfds_t)models_fds(ui, fds), 100);
        lines_watch(ui);
        if (person && lines_read(0)) {
            free(lines_take());
            return;
        }
    }
}

static void open_run(struct ui *ui, const char *arg)
{
    int64_t number = 0;
    if (text_to_i64(arg, &number) && number >= 1 && number <= ui->runs.n)
        ui_open_run(ui, ui->runs.rows[number - 1]->info.name, PAGE_CURVES);
    else if (run_list_find(&ui->runs, arg))
        ui_open_run(ui, arg, PAGE_CURVES);
    else
        lines_say(*arg ? "There is no run %s; \"runs\" lists them." : "Which run? A name or a number of the list.",
                  arg);
}

// What the command wants to know, until it knows it.
static void answer_questions(struct ui *ui)
{
    while (ui->prompt.kind) {
        struct str question = {0};
        const enum prompt_kind kind = ui->prompt.kind;
        str_addf(&question, "%s%s ", kind == PROMPT_COMMAND ? "What exactly?" : ui->prompt.label,
                 kind == PROMPT_CONFIRM ? " y or n:" : ":");
        const enum command_id asks = kind == PROMPT_ASK ? ui->prompt.id : CMD_NONE;
        char *line = manner_is(MANNER_NO_INPUT) ? NULL : lines_choose(ui, asks, str_text(&question));
        if (!line) {
            if (manner_is(MANNER_NO_INPUT))
                lines_say("The command asks \"%s\", which --no-input forbids: give it behind the command's name.",
                          str_text(&question));
            prompt_close(ui);
        } else if (kind == PROMPT_CONFIRM) {
            ui_key(ui, line[0] == 'y' ? 'y' : 'n');
        } else {
            if (*line && kind == PROMPT_ASK) {
                ui_key(ui, KEY_END_);
                ui_key(ui, CTRL_U);
            }
            ui_paste(ui, line, strlen(line));
            ui_key(ui, KEY_ENTER_);
        }
        free(line);
        str_fini(&question);
        jobs_wait(ui, 70);
        script_refresh(ui);
    }
}

static void serve(struct ui *ui, const char *line)
{
    char name[64] = "";
    sscanf(line, "%63s", name);
    const char *arg = line + strlen(name);
    arg += strspn(arg, " ");
    const enum page before = ui->page;
    const struct command_row *row = command_by_name(name, ui->page);
    const enum command_id id = row ? row->id : CMD_NONE;
    char run[128];
    text_copy(run, sizeof run, ui->run_name);
    ui->message[0] = '\0';
    if (strcmp(name, "quit") == 0 || strcmp(name, "q") == 0)
        ui->quit = true;
    else if (strcmp(name, "repeat") == 0)
        say_page(ui);
    else if (lines_say_offers(ui, line))
        return;
    else if (id == CMD_HELP)
        say_help(ui);
    else if (id == CMD_OPEN && (IN_RUNS >> ui->page & 1))
        open_run(ui, arg);
    else if (id == CMD_FOLLOW && ui_run(ui))
        follow(ui, atof(arg) > 0 ? atof(arg) : FOLLOW_S);
    else if (id == CMD_PAGE_LABEL || id == CMD_LABEL_RUN)
        lines_label(ui, *arg ? arg : id == CMD_LABEL_RUN ? ui->run_name : "");
    else {
        script_do(ui, line);
        answer_questions(ui);
        wait_for_answers(ui);
    }
    if (ui->message[0])
        lines_say("%s", ui->message);
    const bool is_number = name[0] && strspn(name, "0123456789") == strlen(name);
    const bool names_page = id >= CMD_PAGE_RUNS && id <= CMD_PAGE_DATA;
    const bool finds = id == CMD_FIND || id == CMD_FIND_NEXT || id == CMD_FIND_PREVIOUS;
    const bool other_run = strcmp(run, ui->run_name) != 0 && ui->page != PAGE_EVALS; // whose cursor goes through runs
    const bool may_tell = ui->page == PAGE_RUNS || ui->page == PAGE_SAMPLES || (int)ui->page >= PAGE_COMPARE ||
                          (ui->page == PAGE_CURVES && id != CMD_FOLLOW);
    if (!ui->quit && (ui->page != before || other_run || names_page))
        say_page(ui);
    else if (!ui->quit && (!ui->message[0] || (finds && !ui->message_is_error)) && may_tell && (id || is_number) &&
             id != CMD_HELP)
        say_told(ui, false);
}

int lines_run(struct ui *ui, struct err *e)
{
    (void)e;
    ui->canvas.glyphs = GLYPHS_ASCII;
    ui->talks = true;
    lines_watch(ui);
    lines_say("Attune, line by line. \"help\" lists the commands of where you are, \"quit\" leaves; runs go on.");
    say_runs(ui);
    while (!ui->quit && !ferror(stdout)) {
        struct str prompt = {0};
        const bool of_run = IN_RUN >> ui->page & 1 && ui->run_name[0];
        lines_watch(ui);
        say_alerts(ui);
        str_addf(&prompt, "%s%s%s> ", ui_page_title(ui->page), of_run ? " " : "", of_run ? ui->run_name : "");
        char *line = lines_ask(ui, str_text(&prompt));
        str_fini(&prompt);
        if (!line)
            break;
        if (line[strspn(line, " ")])
            serve(ui, line + strspn(line, " "));
        free(line);
    }
    lines_fini();
    words_fini(&said_alerts);
    return 0;
}
