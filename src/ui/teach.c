// :teach asks for the key of one command of the page after another. A key is an answer then and does nothing else; what was
// answered wrongly comes again at the end, and Esc ends it.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/term/keys.h"
#include "ui/ui_internal.h"

struct teach {
    enum page page;
    const struct command_row *rows[2 * COMMAND_MAX_ROWS]; // that are asked; behind the first n_new those that were missed
    int n_new, n, at, n_wrong;
    char text[600]; // what is shown: how the last answer was, and the question
};

// Esc is for ending: it is no answer.
static bool has_key(const struct command_row *row, enum page page, int wanted)
{
    for (const char *k = row_keys(row, page); *k;) {
        const size_t n = strcspn(k, " ");
        const int key = key_from_name(k, (unsigned)n);
        if (key != KEY_ESCAPE_ && (key == wanted || wanted == KEY_NONE_))
            return true;
        k += n + (k[n] == ' ');
    }
    return false;
}

// Those of the hint line first, for they are used most; then as the table has them, where the page's own come first.
static void choose_rows(struct teach *t)
{
    enum { HINTS = 32 };
    for (int hint = 1; hint <= HINTS; hint++)
        for (const struct command_row *r = command_rows; r->id; r++)
            if (r->pages >> t->page & 1 && (hint < HINTS ? r->hint == hint : r->hint == 0) && has_key(r, t->page, KEY_NONE_))
                t->rows[t->n++] = r;
    t->n_new = t->n;
}

static void ask(struct teach *t, const char *said)
{
    const struct command_row *r = t->rows[t->at];
    snprintf(t->text, sizeof t->text, "%s%sKey %d of %d: which one is \"%s\"? %s  (Esc ends)", said, *said ? "  " : "",
             t->at + 1, t->n, r->title, r->help);
}

static void end(struct ui *ui)
{
    const struct teach *t = ui->teach;
    const int n_right = t->at < t->n_new ? t->at - t->n_wrong : t->n_new - t->n_wrong;
    ui->teach = NULL;
    if (t->at == 0)
        ui_say(ui, "No key was asked for.");
    else
        ui_say(ui, "%d of %d keys at once%s.", n_right, t->at < t->n_new ? t->at : t->n_new,
               t->at == t->n ? ", the others after a second look" : "");
    free((void *)t);
}

void teach_begin(struct ui *ui)
{
    if (ui->talks) {
        ui_say_error(ui, "teach asks for keys of the screen; here commands are typed by their names");
        return;
    }
    struct teach *t = mem_alloc(1, sizeof *t);
    t->page = ui->page;
    choose_rows(t);
    ui->teach = t;
    if (t->n == 0)
        end(ui);
    else
        ask(t, "");
}

void teach_key(struct ui *ui, int key)
{
    struct teach *t = ui->teach;
    const struct command_row *asked = t->rows[t->at], *pressed = command_by_key(key, t->page);
    char said[240], name[32];
    ui->dirty = true;
    if (key == KEY_ESCAPE_) {
        end(ui);
        return;
    }
    if (has_key(asked, t->page, key)) {
        snprintf(said, sizeof said, "Right.");
    } else {
        key_name(key, name, sizeof name);
        snprintf(said, sizeof said, "No: %s is %s%s%s; %s is %s.", name, pressed ? "\"" : "",
                 pressed ? pressed->title : "no key here", pressed ? "\"" : "", asked->title, row_keys(asked, t->page));
        t->n_wrong += t->at < t->n_new;
        if (t->n < (int)(sizeof t->rows / sizeof *t->rows))
            t->rows[t->n++] = asked;
    }
    t->at++;
    if (t->at < t->n)
        ask(t, said);
    else
        end(ui);
}

const char *teach_text(const struct ui *ui)
{
    return ui->teach->text;
}

void teach_fini(struct ui *ui)
{
    free(ui->teach);
    ui->teach = NULL;
}
