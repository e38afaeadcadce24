// The console without a terminal: commands of the table one after the other, on a canvas of a fixed size.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/ui_internal.h"

void script_refresh(struct ui *ui)
{
    jobs_collect(ui);
    models_serve(ui);
    do
        ui_refresh(ui, clock_seconds(), true);
    while (ui->more);
}

static int wait_for(struct ui *ui, const char *text, struct err *e)
{
    enum { PATIENCE_S = 60 };
    double until = clock_seconds() + PATIENCE_S;
    if (!text)
        return err_set(e, ERR_USAGE, "wait: which text should the screen show?");
    for (;;) {
        struct str shown = {0};
        script_refresh(ui);
        ui_draw(ui);
        canvas_save(&ui->canvas, false, &shown);
        bool is_there = strstr(str_text(&shown), text) != NULL;
        str_fini(&shown);
        if (is_there)
            return 0;
        if (clock_seconds() > until)
            return err_set(e, ERR_FAIL, "wait: the screen did not show \"%s\" within %d s", text, PATIENCE_S);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

static int set_size(struct ui *ui, const char *text, struct err *e)
{
    int width, height, used = 0;
    if (!text || sscanf(text, "%dx%d%n", &width, &height, &used) != 2 || text[used] || width < 1 || height < 1 ||
        width > 1000 || height > 1000)
        return err_set(e, ERR_USAGE, "size: WIDTHxHEIGHT such as 80x24, at most 1000x1000");
    canvas_resize(&ui->canvas, width, height);
    ui_draw(ui); // the view learns what it has room for, and reads it
    script_refresh(ui);
    return 0;
}

void script_do(struct ui *ui, const char *line)
{
    enum { MOST_ROUNDS = 4 };
    ui->script_failed = false;
    ui_line(ui, line);
    for (int i = 0; i < MOST_ROUNDS && (i == 0 || ui->jobs); i++) { // the next command may need what this one asked for
        jobs_wait(ui, 70);
        script_refresh(ui); // a page may ask for more
    }
}

static int run_line(struct ui *ui, const char *line, struct err *e)
{
    char name[64] = "";
    sscanf(line, "%63s", name);
    const char *arg = line + strlen(name);
    arg += strspn(arg, " ");
    if (strcmp(name, "wait") == 0)
        return wait_for(ui, *arg ? arg : NULL, e);
    if (strcmp(name, "size") == 0)
        return set_size(ui, *arg ? arg : NULL, e);
    script_do(ui, line);
    return ui->script_failed ? err_set(e, ERR_USAGE, "%s: %s", name, ui->script_error) : 0;
}

int script_run(struct ui *ui, const char *script, struct err *e)
{
    char *copy = mem_strdup(script);
    int code = 0, line_number = 0;
    for (char *at = copy; at && !code && !ui->quit;) {
        char *end = strpbrk(at, ";\n");
        if (end)
            *end++ = '\0';
        at += strspn(at, " \t\r");
        size_t n = strlen(at);
        while (n > 0 && strchr(" \t\r", at[n - 1]))
            at[--n] = '\0';
        line_number++;
        if (at[0] && at[0] != '#') {
            code = run_line(ui, at, e);
            if (code)
                err_prefix(e, "script, command %d: ", line_number);
        }
        at = end;
    }
    jobs_wait(ui, 70);
    if (ui->script_failed && !code)
        code = err_set(e, ERR_FAIL, "%s", ui->script_error);
    free(copy);
    return code;
}
