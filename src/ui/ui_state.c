// What is at hand everywhere in the console: its runs, the one under the cursor, and the message line.
#include "config.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/state_files.h"
#include "ui/ui_internal.h"

bool ui_talks(struct ui *ui)
{
    return ui->talks;
}

struct run_list *ui_runs(struct ui *ui)
{
    return &ui->runs;
}

struct run_row *ui_run(struct ui *ui)
{
    const struct run_list *l = &ui->runs;
    if (!ui->run_name[0])
        return NULL;
    // It is asked for a thousand times a frame, and stands where it stood.
    for (int i = 0; i < l->n && (ui->run_at >= l->n || strcmp(l->rows[ui->run_at]->info.name, ui->run_name) != 0); i++)
        ui->run_at = i;
    return ui->run_at < l->n && strcmp(l->rows[ui->run_at]->info.name, ui->run_name) == 0 ? l->rows[ui->run_at] : NULL;
}

void ui_choose_run(struct ui *ui, const char *name)
{
    text_copy(ui->run_name, sizeof ui->run_name, name);
}

struct store *ui_store(struct ui *ui)
{
    return ui->store;
}

void ui_open_run(struct ui *ui, const char *name, enum page page)
{
    ui_choose_run(ui, name);
    ui->show(ui, page);
}

const struct label_options *ui_label_options(struct ui *ui)
{
    return ui->label;
}

void ui_compare(struct ui *ui, const char *models)
{
    ui->show(ui, PAGE_COMPARE);
    struct view *v = &ui->views[PAGE_COMPARE];
    if (v->is_open)
        v->ops->command(v, CMD_COMPARE, models);
}

void ui_more(struct ui *ui)
{
    ui->more = ui->more_is_asked = true;
}

enum page ui_help_page(struct ui *ui)
{
    return ui->back_to;
}

void ui_run_row(struct ui *ui, const struct command_row *row)
{
    ui->wanted = row;
}

static int state_now(struct ui *ui)
{
    const struct run_row *r = ui_run(ui);
    return r ? (int)r->status.state : -1;
}

static void say(struct ui *ui, bool is_error, const char *format, va_list args)
{
    struct str s = {0};
    str_vaddf(&s, format, args);
    text_copy(ui->message, sizeof ui->message, str_text(&s));
    str_fini(&s);
    ui->message_is_error = is_error;
    ui->message_s = clock_seconds();
    ui->message_state = state_now(ui);
    ui->dirty = true;
    if (is_error)
        state_log(ui, ui->message);
    if (is_error && !ui->script_failed) {
        ui->script_failed = true;
        memcpy(ui->script_error, ui->message, sizeof ui->script_error);
    }
}

void ui_say(struct ui *ui, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(ui, false, format, args);
    va_end(args);
}

void ui_say_error(struct ui *ui, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(ui, true, format, args);
    va_end(args);
}

void ui_forget_message(struct ui *ui, double now_s)
{
    enum { SOON_S = 1, LATER_S = 15, ERROR_S = 60 };
    const double age = now_s - ui->message_s;
    if (!ui->message[0] || !ui->has_screen || ui->frozen)
        return;
    if (age > ERROR_S ||
        (!ui->message_is_error && (age > LATER_S || (age > SOON_S && ui->message_state != state_now(ui))))) {
        ui->message[0] = '\0';
        ui->dirty = true;
    }
}
