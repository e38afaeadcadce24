// What a key, a line or a paste does: the page is asked first, then the commands that belong to no page.
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/term/clipboard.h"
#include "ui/term/keys.h"
#include "ui/term/screen.h"
#include "ui/ui_internal.h"

static int save_screen(struct ui *ui, const char *path, bool with_styles, struct err *e)
{
    struct str text = {0};
    ui_draw(ui);
    canvas_save(&ui->canvas, with_styles, &text);
    int code = 0;
    if (strcmp(path, "-") == 0) {
        if (fwrite(str_text(&text), 1, text.len, stdout) != text.len || fflush(stdout) != 0)
            code = err_errno(e, "cannot write the snapshot");
    } else {
        code = file_write(path, str_text(&text), text.len, e);
    }
    str_fini(&text);
    return code;
}

static void snapshot_command(struct ui *ui, const char *arg)
{
    char path[1024] = "";
    struct err fault = {0};
    bool with_styles = arg && text_ends(arg, " styles");
    if (arg)
        text_copy(path, sizeof path, arg);
    if (with_styles)
        path[strlen(path) - strlen(" styles")] = '\0';
    if (!path[0])
        ui_ask(ui, CMD_SNAPSHOT, "save the screen as", "attune.txt");
    else if (ui->has_screen && strcmp(path, "-") == 0)
        ui_say_error(ui, "snapshot: a file's name is needed here");
    else if (save_screen(ui, path, with_styles, &fault))
        ui_say_error(ui, "%s", fault.text);
    else if (ui->has_screen) // a script's next picture is not to show it
        ui_say(ui, "The screen was saved as %s", path);
}

// To the clipboard of the terminal, which may be far away; with a name, into a file.
static void copy_text(struct ui *ui, const char *file)
{
    struct view *v = &ui->views[ui->page];
    struct str text = {0}, bytes = {0};
    struct err fault = {0};
    if (!v->ops->copy || !v->ops->copy(v, &text)) {
        str_clear(&text);
        ui_draw(ui);
        canvas_save(&ui->canvas, false, &text);
    }
    file = file ? file : ui->copy_file;
    if (file && file_write(file, str_text(&text), text.len, &fault))
        ui_say_error(ui, "%s", fault.text);
    else if (file)
        ui_say(ui, "%zu bytes are in %s now", text.len, file);
    else if (!ui->has_screen)
        ui_say_error(ui, "copy-text: without a terminal a file's name is needed");
    else if (!clipboard_sequence(str_text(&text), text.len, clipboard_multiplexer(), &bytes))
        ui_say_error(ui, "%zu bytes are more than a terminal's clipboard takes (%d): \":copy-text FILE\" writes them",
                     text.len, CLIPBOARD_MAX);
    else {
        screen_send(str_text(&bytes), bytes.len);
        ui_say(ui, "%zu bytes were given to the terminal's clipboard. If it does not take them: :copy-text FILE", text.len);
    }
    str_fini(&text);
    str_fini(&bytes);
}

static void keys_command(struct ui *ui, const char *arg)
{
    while (arg && *arg) {
        size_t n = strcspn(arg, " ");
        int key = key_from_name(arg, (unsigned)n);
        if (n && !key) {
            ui_say_error(ui, "keys: there is no key %.*s", (int)n, arg);
            return;
        }
        if (n)
            ui_key(ui, key);
        arg += n + (arg[n] == ' ');
    }
}

static void suspend(struct ui *ui)
{
    if (!ui->has_screen)
        return;
    screen_suspend();
    struct sigaction normal = {.sa_handler = SIG_DFL}, ours;
    sigaction(SIGTSTP, &normal, &ours);
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
    screen_return();
    ui->dirty = true;
}

static void open_form(struct ui *ui, enum command_id id, const char *arg)
{
    ui->engine_failed = false;
    ui_show(ui, PAGE_LAUNCH);
    struct view *v = &ui->views[PAGE_LAUNCH];
    if (v->is_open && v->ops->command)
        v->ops->command(v, id, arg);
}

// The pairs of a run, a set or a file; without one those that the page has.
static void label_pairs(struct ui *ui, const char *source)
{
    ui_show(ui, PAGE_LABEL);
    struct view *v = &ui->views[PAGE_LABEL];
    if (v->is_open && source && *source)
        v->ops->command(v, CMD_LABEL_SOURCE, source);
}

// The alert's line on page Log, with what stands around it.
static void show_alert(struct ui *ui)
{
    const struct run_row *r = ui_run(ui);
    if (!r || (!r->alert && r->status.state != RUN_DEAD)) {
        ui_say(ui, r ? "%s has no alert." : "There is no run here.", r ? r->info.name : "");
        return;
    }
    ui_show(ui, PAGE_LOG);
    struct view *v = &ui->views[PAGE_LOG];
    if (v->is_open)
        v->ops->command(v, CMD_ALERT, NULL);
}

static enum view_result manager_command(struct ui *ui, enum command_id id, const char *arg)
{
    switch (id) {
    case CMD_QUIT:
        if (arg) // the question was answered
            ui->quit = ui->gives_up = true;
        else
            ui_quit(ui);
        break;
    case CMD_BACK:
        pages_back(ui);
        break;
    case CMD_HELP:
        ui_show(ui, PAGE_HELP);
        break;
    case CMD_PROMPT:
        prompt_open(ui, "");
        break;
    case CMD_REDRAW:
        if (ui->has_screen)
            screen_resized();
        break;
    case CMD_SUSPEND:
        suspend(ui);
        break;
    case CMD_FREEZE:
        ui->frozen = !ui->frozen;
        break;
    case CMD_SNAPSHOT:
        snapshot_command(ui, arg);
        break;
    case CMD_GLYPHS:
        glyphs_command(ui, arg);
        break;
    case CMD_COLORS:
        colors_command(ui, arg);
        break;
    case CMD_COPY_TEXT:
        copy_text(ui, arg);
        break;
    case CMD_VIEW:
        view_command(ui, arg);
        break;
    case CMD_PICTURES:
        pictures_command(ui, arg);
        break;
    case CMD_MOUSE:
        mouse_command(ui, arg);
        break;
    case CMD_HINTS:
        hints_command(ui, arg);
        break;
    case CMD_ALERT:
        show_alert(ui);
        break;
    case CMD_TEACH:
        teach_begin(ui);
        break;
    case CMD_KEYS:
        keys_command(ui, arg);
        break;
    case CMD_PAGE_RUNS:
    case CMD_PAGE_CURVES:
    case CMD_PAGE_SAMPLES:
    case CMD_PAGE_LOG:
    case CMD_PAGE_COMPARE:
        ui_show(ui, PAGE_RUNS + (id - CMD_PAGE_RUNS));
        break;
    case CMD_PAGE_LABEL:
        label_pairs(ui, arg);
        break;
    case CMD_LABEL_RUN: // the one under the cursor
        label_pairs(ui, ui->run_name);
        break;
    case CMD_PAGE_DATA:
        ui_show(ui, PAGE_DATA);
        if (arg && ui->views[PAGE_DATA].is_open)
            view_data.command(&ui->views[PAGE_DATA], id, arg);
        break;
    case CMD_RECIPES:
        ui_show(ui, PAGE_RECIPES);
        break;
    case CMD_EVALS:
        ui_show(ui, PAGE_EVALS);
        break;
    case CMD_PAGE_NEXT:
        pages_turn(ui, 1);
        break;
    case CMD_PAGE_PREVIOUS:
        pages_turn(ui, -1);
        break;
    case CMD_NEXT_RUN:
        pages_turn_run(ui, 1);
        break;
    case CMD_PREVIOUS_RUN:
        pages_turn_run(ui, -1);
        break;
    case CMD_NEW:
    case CMD_COPY:
    case CMD_DEMO:
        open_form(ui, id, arg);
        break;
    case CMD_COMPARE:
        ui_compare(ui, arg);
        break;
    case CMD_DATA_FILE:
    case CMD_PICTURE:
    case CMD_EXPORT:
    case CMD_EXPORT_TO:
        export_command(ui, id, arg);
        break;
    case CMD_WAIT:
    case CMD_SIZE:
        ui_say_error(ui, "This is a command of scripts: attune -e '...'");
        break;
    default: {
        enum view_result result = find_command(ui, id, arg);
        if (result == VIEW_IGNORED)
            result = run_edit(ui, id, arg);
        return result == VIEW_IGNORED ? run_control(ui, id, arg) : result;
    }
    }
    return VIEW_CHANGED;
}

// What was chosen on the help page. A command without a key is one that needs to be told something.
void ui_run_wanted(struct ui *ui)
{
    const struct command_row *row = ui->wanted;
    struct str line = {0};
    ui->wanted = NULL;
    if (!row)
        return;
    pages_back(ui);
    str_addf(&line, "%s ", row->name);
    if (row->arg && !*row->keys)
        prompt_open(ui, str_text(&line));
    else
        ui_dispatch(ui, row->id, NULL);
    str_fini(&line);
}

enum view_result ui_dispatch(struct ui *ui, enum command_id id, const char *arg)
{
    struct view *v = &ui->views[ui->page];
    if (ui_refuses(ui, id, arg)) {
        ui->wanted = NULL;
        return VIEW_CHANGED;
    }
    if (id == CMD_FIND && arg)
        find_remember(ui, arg); // also where the page looks in its own way, n and N go on
    enum view_result result = v->ops->command ? v->ops->command(v, id, arg) : VIEW_IGNORED;
    if (result == VIEW_IGNORED)
        result = manager_command(ui, id, arg);
    if (result == VIEW_CHANGED)
        ui->dirty = true;
    ui_run_wanted(ui);
    return result;
}

void ui_line(struct ui *ui, const char *line)
{
    char name[64];
    line += strspn(line, " ");
    size_t n = strcspn(line, " ");
    if (n == 0)
        return;
    if (n >= sizeof name) {
        ui_say_error(ui, "There is no such command; ? lists them");
        return;
    }
    memcpy(name, line, n);
    name[n] = '\0';
    const char *arg = line + n + strspn(line + n, " ");
    if (strspn(name, "0123456789") == n) { // a number alone: a line, a step, a vote
        text_copy(name, sizeof name, ui->page == PAGE_CURVES ? "cursor" : ui->page == PAGE_COMPARE ? "grade" : "go");
        arg = line;
    }
    const struct command_row *row = command_by_name(name, ui->page);
    if (!row) {
        const struct command_row *found[4];
        int n_found = command_search(name, ui->page, found, 4);
        struct str near = {0};
        for (int i = 0; i < n_found; i++)
            str_addf(&near, "%s%s", i ? ", " : "", found[i]->name);
        if (n_found)
            ui_say_error(ui, "There is no command %s on this page. Near it: %s", name, str_text(&near));
        else
            ui_say_error(ui, "There is no command %s on this page; ? lists those that are", name);
        str_fini(&near);
        return;
    }
    if (*arg && !row->arg) {
        ui_say_error(ui, "%s takes nothing behind its name: nothing was done. \"%s\" alone does it", row->name, row->name);
        return;
    }
    char *copy = *arg ? mem_strdup(arg) : NULL;
    ui_dispatch(ui, row->id, copy);
    free(copy);
}

static bool asks_to_quit(const struct ui *ui)
{
    return ui->prompt.kind == PROMPT_CONFIRM && ui->prompt.id == CMD_QUIT;
}

void ui_quit(struct ui *ui)
{
    const char *due = jobs_due(ui);
    struct str question = {0};
    if (!due || asks_to_quit(ui) || !ui->has_screen) {
        ui->quit = true;
        ui->gives_up = asks_to_quit(ui);
        return;
    }
    str_addf(&question, "%s; the console closes after that. Close it at once, without that?", due);
    ui_confirm(ui, CMD_QUIT, "at once", str_text(&question));
    str_fini(&question);
}

// What went wrong in the end is to be read.
void ui_quit_tick(struct ui *ui)
{
    if (!asks_to_quit(ui) || jobs_due(ui))
        return;
    prompt_close(ui);
    ui->quit = !(ui->message[0] && ui->message_is_error);
}

static void interrupt(struct ui *ui)
{
    double now = clock_seconds();
    if (asks_to_quit(ui) || now - ui->interrupt_s < 2) {
        ui_quit(ui);
        return;
    }
    ui->interrupt_s = now;
    if (ui->prompt.kind)
        prompt_close(ui);
    ui_say(ui, "Ctrl-c again leaves the console; runs go on.");
}

static void run_answer(struct ui *ui, struct prompt_answer answer)
{
    if (answer.kind == ANSWER_LINE)
        ui_line(ui, answer.text);
    else if (answer.kind == ANSWER_COMMAND)
        ui_dispatch(ui, answer.id, answer.text);
    free(answer.text);
}

// Where digits are judgements and there is nothing to judge, they turn pages as everywhere else.
static const struct command_row *page_by_digit(const struct ui *ui, int key)
{
    const struct command_row *row =
        IN_DIGITS >> ui->page & 1 && key >= '1' && key <= '9' ? command_by_key(key, PAGE_RUNS) : NULL;
    const bool is_page = row && ((row->id >= CMD_PAGE_RUNS && row->id <= CMD_PAGE_DATA) || row->id == CMD_PAGE_LABEL);
    return is_page ? row : NULL;
}

// A key of the page that has done nothing says why.
static void say_idle(struct ui *ui, int key, const struct command_row *row)
{
    char name[24];
    const enum command_id id = row->id;
    key_name(key, name, sizeof name);
    if (id == CMD_UP || id == CMD_PAGE_UP || id == CMD_FIRST)
        ui_say(ui, "%s (%s): there is nothing more above.", name, row->title);
    else if (id == CMD_DOWN || id == CMD_PAGE_DOWN || id == CMD_LAST)
        ui_say(ui, "%s (%s): there is nothing more below.", name, row->title);
    else
        ui_say(ui, "%s (%s) has nothing to do here just now. ? lists the keys.", name, row->title);
}

// A terminal sends Alt and a key as Esc and the key, and so does a slow link that brings the two of them together.
static bool is_esc_and_key(const struct ui *ui, int key)
{
    return key & KEY_ALT_ && !(key & KEY_MOUSE_) && (ui->prompt.kind || !command_by_key(key, ui->page));
}

void ui_key(struct ui *ui, int key)
{
    if (key == KEY_NONE_)
        return;
    if (is_esc_and_key(ui, key)) {
        ui_key(ui, KEY_ESCAPE_);
        if (!ui->quit)
            ui_key(ui, key & ~KEY_ALT_);
        return;
    }
    if (key == 3) {
        interrupt(ui);
        return;
    }
    if (ui->message[0]) {
        ui->message[0] = '\0';
        ui->dirty = true;
    }
    if (ui->teach) {
        teach_key(ui, key);
        return;
    }
    if (ui->prompt.kind) {
        run_answer(ui, prompt_key(ui, key));
        ui->dirty = true;
        return;
    }
    struct view *v = &ui->views[ui->page];
    if (v->ops->key) {
        enum view_result result = v->ops->key(v, key);
        if (result != VIEW_IGNORED) {
            ui->dirty |= result == VIEW_CHANGED;
            return;
        }
    }
    const struct command_row *row = command_by_key(key, ui->page), *page = page_by_digit(ui, key);
    if (row && ui_dispatch(ui, row->id, NULL) != VIEW_IGNORED)
        return;
    if (page)
        ui_dispatch(ui, page->id, NULL);
    else if (row)
        say_idle(ui, key, row);
    else if (key > ' ' && key < 127)
        ui_say(ui, "%c does nothing on this page. ? lists the keys.", key);
}

void ui_paste(struct ui *ui, const char *text, size_t n_bytes)
{
    struct view *v = &ui->views[ui->page];
    ui->message[0] = '\0';
    ui->dirty = true;
    if (ui->prompt.kind ? prompt_paste(ui, text, n_bytes)
                        : v->ops->paste && v->ops->paste(v, text, n_bytes) != VIEW_IGNORED)
        return;
    ui_say(ui, "What was pasted (%zu bytes) was not taken: there is no field for text here.", n_bytes);
}
