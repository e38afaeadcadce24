// Judging pairs by typed answers: the names that the commands of page Label have, or their digits.
#include "config.h"

#include "ui/label/lines_label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ui/label/label_desk.h"
#include "ui/lines_talk.h"

static void say_pair(const struct label_shown *s)
{
    const struct asked_pair *p = &s->pair;
    if (!s->has_pair) {
        lines_say("No pair waits for you%s%s. \"back\" leaves, \"undo\" takes the last judgement back.",
                  s->source[0] ? " in " : "", s->source);
        return;
    }
    lines_say("Pair %lld of %s, %d waiting.", (long long)s->number, s->source, s->n_waiting);
    lines_say_text("Prompt: ", p->prompt);
    lines_say_text("Left answer: ", s->swapped ? p->b : p->a);
    lines_say_text("Right answer: ", s->swapped ? p->a : p->b);
    if (s->was_judged)
        lines_say("You have judged it before; another judgement takes its place.");
}

static void say_how(void)
{
    for (const struct command_row *r = command_rows; r->id; r++)
        if (r->id >= CMD_JUDGE_MUCH_LEFT && r->id <= CMD_JUDGE_FLAG)
            lines_say("%s, %s: %s", strcmp(r->keys, "Space") == 0 ? "-" : r->keys, r->name, r->help);
    lines_say("note TEXT, before the judgement: a note that is saved with it.");
    lines_say("undo, redo; repeat: the pair once more; back.");
}

// The desk's word, and its error where it could not.
static bool at_desk(struct label_desk *d, struct label_request *r, struct label_shown *shown)
{
    struct err fault = {0};
    label_shown_fini(shown);
    const int code = label_desk_do(d, r, shown, &fault);
    label_request_fini(r);
    if (code)
        lines_say("That was not done: %s", fault.text);
    else if (shown->said[0])
        lines_say("%s", shown->said);
    return !code;
}

static const struct command_row *row_of(const char *word)
{
    for (const struct command_row *r = command_rows; r->id; r++)
        if (r->id >= CMD_JUDGE_MUCH_LEFT && r->id <= CMD_JUDGE_FLAG && *word && strcmp(r->keys, word) == 0)
            return r;
    return command_by_name(word, PAGE_LABEL);
}

static bool judge(struct label_desk *d, enum command_id id, double begun_s, char **note, struct label_shown *shown)
{
    struct label_request r = {.what = LABEL_JUDGE,
                              .verdict = (enum verdict)(VERDICT_MUCH_A + (int)(id - CMD_JUDGE_MUCH_LEFT)),
                              .seconds = clock_seconds() - begun_s,
                              .note = *note};
    *note = NULL; // the request's now
    if (!at_desk(d, &r, shown))
        return false;
    struct label_request save = {.what = LABEL_SAVE};
    return at_desk(d, &save, shown);
}

static void serve(struct ui *ui, struct label_desk *d, struct label_shown *shown)
{
    char *note = NULL;
    say_pair(shown);
    lines_say("Type 1 to 9 or a judgement's name; \"help\" lists them.");
    for (double begun_s = clock_seconds();;) {
        char *line = lines_ask(ui, "judge> ");
        char *word = line ? line + strspn(line, " ") : NULL;
        if (!word || strcmp(word, "back") == 0 || strcmp(word, "quit") == 0) {
            free(line);
            break;
        }
        const struct command_row *row = row_of(word);
        const enum command_id id = row ? row->id : CMD_NONE;
        bool moved = false;
        if (!*word || strcmp(word, "repeat") == 0) {
            say_pair(shown);
        } else if (strcmp(word, "help") == 0) {
            say_how();
        } else if (strncmp(word, "note ", 5) == 0) {
            free(note);
            note = mem_strdup(word + 5);
            lines_say("The note goes with the next judgement.");
        } else if (id >= CMD_JUDGE_MUCH_LEFT && id <= CMD_JUDGE_FLAG && !shown->has_pair) {
            lines_say("There is no pair to judge.");
        } else if (id >= CMD_JUDGE_MUCH_LEFT && id <= CMD_JUDGE_FLAG) {
            moved = !ui_refuses(ui, id, NULL) && judge(d, id, begun_s, &note, shown);
            if (ui->message[0])
                lines_say("%s", ui->message);
        } else if (id == CMD_UNDO || id == CMD_REDO) {
            struct label_request r = {.what = id == CMD_UNDO ? LABEL_UNDO : LABEL_REDO};
            moved = at_desk(d, &r, shown);
        } else {
            lines_say("\"%s\" is no judgement; \"help\" lists them.", word);
        }
        if (moved) {
            say_pair(shown);
            begun_s = clock_seconds();
        }
        free(line);
    }
    free(note);
}

void lines_label(struct ui *ui, const char *source)
{
    struct label_desk *d = NULL;
    struct label_shown shown = {0};
    struct err fault = {0};
    struct label_request r = {.what = LABEL_FIRST, .text = source && *source ? mem_strdup(source) : NULL};
    if (r.text)
        r.what = run_list_find(&ui->runs, source) ? LABEL_RUN : file_exists(source) ? LABEL_FILE : LABEL_SET;
    if (label_desk_open(&d, store_dir(ui->store), labels_annotator(), &fault)) {
        lines_say("%s", fault.text);
        label_request_fini(&r);
        return;
    }
    if (at_desk(d, &r, &shown))
        serve(ui, d, &shown);
    label_shown_fini(&shown);
    label_desk_close(d);
}
