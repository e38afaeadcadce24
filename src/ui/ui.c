// The console from its beginning to its end: what it holds, and the loop or the script that it serves meanwhile.
#include "config.h"

#include "ui/ui.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "ui/eval_table.h"
#include "ui/screen.h"
#include "ui/ui_internal.h"

static void ui_fini(struct ui *ui)
{
    data_jobs_forget(ui);
    data_source_fini(&ui->train_on);
    jobs_wait(ui, 1);
    for (int i = 0; i < PAGE_N; i++)
        if (ui->views[i].is_open && ui->views[i].ops->close)
            ui->views[i].ops->close(&ui->views[i]);
    engine_description_free(ui->description);
    launch_plan_fini(&ui->plan);
    json_decref(ui->memory);
    json_decref(ui->recipes);
    eval_table_free(ui->evals);
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
    struct ui ui = {.show = ui_show, .wake_fd = {-1, -1}, .interrupt_s = -1e9, .refreshed_s = -1e9};
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
    if (options->run && options->beside) {
        run_list_select(&ui.runs, options->run);
        run_list_select(&ui.runs, options->beside);
    }
    if (options->run)
        ui_open_run(&ui, options->run, PAGE_CURVES);
    code = options->script ? script_run(&ui, options->script, e) : loop_run(&ui, e);
    if (ui.has_screen)
        screen_close();
out:
    ui_fini(&ui);
    return code;
}
