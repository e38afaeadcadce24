// The manager: pages, and what commands do. Views report; only this file changes pages and ends the console.
#include "config.h"

#include "ui/ui.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/screen.h"
#include "ui/ui_internal.h"

static const struct view_ops *const pages[PAGE_N] = {
    [PAGE_RUNS] = &view_runs, [PAGE_CURVES] = &view_curves, [PAGE_SAMPLES] = &view_samples,
    [PAGE_LOG] = &view_log,   [PAGE_LAUNCH] = &view_launch, [PAGE_HELP] = &view_help,
};

bool ui_page_exists(enum page page)
{
    return pages[page] != NULL;
}

const char *ui_page_title(enum page page)
{
    return pages[page] ? pages[page]->title : "";
}

struct run_list *ui_runs(struct ui *ui)
{
    return &ui->runs;
}
struct run_row *ui_run(struct ui *ui)
{
    return ui->run_name[0] ? run_list_find(&ui->runs, ui->run_name) : NULL;
}

void ui_choose_run(struct ui *ui, const char *name)
{
    text_copy(ui->run_name, sizeof ui->run_name, name);
}

struct store *ui_store(struct ui *ui)
{
    return ui->store;
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

static bool is_run_page(enum page page)
{
    return IN_RUN >> page & 1;
}

void ui_show(struct ui *ui, enum page page)
{
    if (!pages[page])
        return;
    if (is_run_page(page) && !ui_run(ui)) {
        ui_say(ui, "There is no run to show yet: n starts one.");
        return;
    }
    struct view *v = &ui->views[page];
    struct err fault = {0};
    if (!v->is_open) {
        *v = (struct view){.ops = pages[page], .ui = ui, .is_open = true};
        if (v->ops->open && v->ops->open(v, &fault)) {
            ui_say_error(ui, "%s", fault.text);
            if (v->ops->close)
                v->ops->close(v);
            v->is_open = false;
            return;
        }
    }
    if (page != ui->page && (page == PAGE_HELP || page == PAGE_LAUNCH) && ui->page != PAGE_HELP)
        ui->back_to = ui->page;
    ui->page = page;
    ui->dirty = true;
    if (v->ops->shown)
        v->ops->shown(v);
    if (v->ops->refresh)
        ui->more = v->ops->refresh(v) == REFRESH_MORE;
}

void ui_open_run(struct ui *ui, const char *name, enum page page)
{
    ui_choose_run(ui, name);
    ui_show(ui, page);
}

void ui_more(struct ui *ui)
{
    ui->more = true;
}

enum page ui_help_page(struct ui *ui)
{
    return ui->back_to;
}

static void go_back(struct ui *ui)
{
    if (ui->page == PAGE_HELP || ui->page == PAGE_LAUNCH) {
        enum page to = ui->page == PAGE_HELP || ui->back_to != PAGE_LAUNCH ? ui->back_to : PAGE_RUNS;
        ui_show(ui, to == ui->page ? PAGE_RUNS : to);
    } else if (ui->page != PAGE_RUNS) {
        ui_show(ui, PAGE_RUNS);
    }
}

static void turn_page(struct ui *ui, int step)
{
    int page = ui->page;
    for (int i = 0; i < PAGE_N; i++) {
        page = (page + step + PAGE_LOG + 1) % (PAGE_LOG + 1);
        if (pages[page]) {
            ui_show(ui, (enum page)page);
            return;
        }
    }
}

static void turn_run(struct ui *ui, int step)
{
    for (int i = 0; i < ui->runs.n; i++) {
        if (strcmp(ui->runs.rows[i]->info.name, ui->run_name) == 0) {
            int to = (i + step + ui->runs.n) % ui->runs.n;
            ui_open_run(ui, ui->runs.rows[to]->info.name, ui->page);
            return;
        }
    }
}

int ui_snapshot(struct ui *ui, const char *path, bool with_styles, struct err *e)
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
    else if (ui_snapshot(ui, path, with_styles, &fault))
        ui_say_error(ui, "%s", fault.text);
    else if (ui->has_screen) // a script's next picture is not to show it
        ui_say(ui, "The screen was saved as %s", path);
}

static void glyphs_command(struct ui *ui, const char *arg)
{
    enum glyphs g = GLYPHS_ASCII;
    if (!arg) {
        ui_ask(ui, CMD_GLYPHS, "glyphs (braille, block, ascii)", "");
        return;
    }
    if (strcmp(arg, "braille") == 0)
        g = GLYPHS_BRAILLE;
    else if (strcmp(arg, "block") == 0)
        g = GLYPHS_BLOCK;
    else if (strcmp(arg, "ascii") != 0) {
        ui_say_error(ui, "glyphs: braille, block or ascii, not %s", arg);
        return;
    }
    if (g != GLYPHS_ASCII && !ui->canvas.utf8)
        ui_say_error(ui, "glyphs: this terminal's locale is not UTF-8, so only ascii can be shown");
    else
        ui->canvas.glyphs = g;
}

static void colors_command(struct ui *ui, const char *arg)
{
    if (!arg)
        ui_ask(ui, CMD_COLORS, "colours (256, 16, 8, mono, dark, light)", "");
    else if (ui->has_screen && !screen_set_colors(arg))
        ui_say_error(ui, "colors: 256, 16, 8, mono, dark or light, not %s", arg);
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

static enum view_result manager_command(struct ui *ui, enum command_id id, const char *arg)
{
    switch (id) {
    case CMD_QUIT:
        ui->quit = true;
        break;
    case CMD_BACK:
        go_back(ui);
        break;
    case CMD_HELP:
        ui_show(ui, PAGE_HELP);
        break;
    case CMD_PROMPT:
        prompt_open(ui);
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
    case CMD_KEYS:
        keys_command(ui, arg);
        break;
    case CMD_PAGE_RUNS:
    case CMD_PAGE_CURVES:
    case CMD_PAGE_SAMPLES:
    case CMD_PAGE_LOG:
        ui_show(ui, PAGE_RUNS + (id - CMD_PAGE_RUNS));
        break;
    case CMD_PAGE_NEXT:
        turn_page(ui, 1);
        break;
    case CMD_PAGE_PREVIOUS:
        turn_page(ui, -1);
        break;
    case CMD_NEXT_RUN:
        turn_run(ui, 1);
        break;
    case CMD_PREVIOUS_RUN:
        turn_run(ui, -1);
        break;
    case CMD_NEW:
    case CMD_COPY:
    case CMD_DEMO:
        open_form(ui, id, arg);
        break;
    case CMD_WAIT:
    case CMD_SIZE:
        ui_say_error(ui, "This is a command of scripts: attune -e '...'");
        break;
    default:
        return run_control(ui, id, arg);
    }
    return VIEW_CHANGED;
}

enum view_result ui_dispatch(struct ui *ui, enum command_id id, const char *arg)
{
    struct view *v = &ui->views[ui->page];
    enum view_result result = v->ops->command ? v->ops->command(v, id, arg) : VIEW_IGNORED;
    if (result == VIEW_IGNORED)
        result = manager_command(ui, id, arg);
    if (result == VIEW_CHANGED)
        ui->dirty = true;
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
    char *copy = *arg ? mem_strdup(arg) : NULL;
    ui_dispatch(ui, row->id, copy);
    free(copy);
}

static void interrupt(struct ui *ui)
{
    double now = clock_seconds();
    if (now - ui->interrupt_s < 2)
        ui->quit = true;
    ui->interrupt_s = now;
    if (ui->prompt.kind)
        prompt_close(ui);
    ui_say(ui, "Ctrl-c again leaves the console; runs go on.");
}

void ui_key(struct ui *ui, int key)
{
    if (key == KEY_NONE_)
        return;
    if (key == 3) {
        interrupt(ui);
        return;
    }
    if (ui->message[0]) {
        ui->message[0] = '\0';
        ui->dirty = true;
    }
    if (ui->prompt.kind) {
        prompt_key(ui, key);
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
    const struct command_row *row = command_by_key(key, ui->page);
    if (row)
        ui_dispatch(ui, row->id, NULL);
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

// What was said of a state that is over, by this console or another, or long ago.
static void forget_message(struct ui *ui, double now_s)
{
    enum { SOON_S = 1, LATER_S = 15, ERROR_S = 60 };
    const double age = now_s - ui->message_s;
    if (!ui->message[0] || !ui->has_screen || ui->frozen)
        return;
    if (age > ERROR_S || (!ui->message_is_error && (age > LATER_S || (age > SOON_S && ui->message_state != state_now(ui))))) {
        ui->message[0] = '\0';
        ui->dirty = true;
    }
}

void ui_refresh(struct ui *ui, double now_s, bool all)
{
    struct err fault = {0};
    forget_message(ui, now_s);
    bool changed = run_list_poll(&ui->runs, now_s, all, &fault);
    if (fault.code)
        ui_say_error(ui, "%s", fault.text);
    struct run_row *run = ui_run(ui);
    if (!run && ui->runs.n)
        ui_choose_run(ui, ui->runs.rows[ui->runs.n - 1]->info.name);
    if (!run && is_run_page(ui->page))
        ui_show(ui, PAGE_RUNS);
    // Ages and other texts that depend on the time of day only are brought up to date now and then.
    bool stale = now_s - ui->refreshed_s > 10;
    if (!changed && !ui->more && !stale && ui->generation == ui->runs.generation)
        return;
    ui->refreshed_s = now_s;
    ui->generation = ui->runs.generation;
    struct view *v = &ui->views[ui->page];
    enum view_refresh result = REFRESH_NOTHING;
    do {
        result = v->ops->refresh ? v->ops->refresh(v) : REFRESH_NOTHING;
    } while (all && result == REFRESH_MORE);
    ui->more = result == REFRESH_MORE;
    if (!ui->frozen)
        ui->data_dirty = true;
}

static void ui_fini(struct ui *ui)
{
    jobs_wait(ui, 1);
    for (int i = 0; i < PAGE_N; i++)
        if (ui->views[i].is_open && ui->views[i].ops->close)
            ui->views[i].ops->close(&ui->views[i]);
    engine_description_free(ui->description);
    line_edit_fini(&ui->prompt.line);
    free(ui->prompt.arg);
    run_list_fini(&ui->runs);
    canvas_fini(&ui->canvas);
    store_close(ui->store);
    for (int i = 0; i < 2; i++)
        if (ui->wake_fd[i] >= 0)
            close(ui->wake_fd[i]);
}

int ui_console(const struct ui_options *options, struct err *e)
{
    struct ui ui = {.wake_fd = {-1, -1}, .interrupt_s = -1e9, .refreshed_s = -1e9};
    char *dir = store_project_dir(options->project);
    int code = store_open(&ui.store, dir, true, e);
    free(dir);
    if (code)
        return code;
    run_list_init(&ui.runs, ui.store);
    if (pipe2(ui.wake_fd, O_CLOEXEC | O_NONBLOCK) != 0) {
        code = err_errno(e, "cannot make a pipe");
        goto out;
    }
    if (!options->script) {
        code = screen_open(e);
        if (code)
            goto out;
        ui.has_screen = true;
    }
    int width = options->width ? options->width : 80, height = options->height ? options->height : 24;
    if (ui.has_screen)
        screen_size(&width, &height);
    canvas_init(&ui.canvas, width, height, ui.has_screen ? screen_glyphs() : GLYPHS_BRAILLE,
                ui.has_screen ? screen_utf8() : true);
    ui_show(&ui, PAGE_RUNS);
    ui_refresh(&ui, clock_seconds(), true);
    if (ui.has_screen && screen_taken_for())
        ui_say(&ui, "This machine does not know the terminal %s; it is taken for %s. The package ncurses-term may have it.",
               getenv("TERM"), screen_taken_for());
    if (options->run)
        ui_open_run(&ui, options->run, PAGE_CURVES);
    code = options->script ? script_run(&ui, options->script, e) : loop_run(&ui, e);
    if (ui.has_screen)
        screen_close();
out:
    ui_fini(&ui);
    return code;
}
