// The console from its beginning to its end: what it holds, and the loop or the script that it serves meanwhile.
#include "config.h"

#include "ui/ui.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/manner.h"
#include "ui/runs/alert_call.h"
#include "ui/runs/eval_table.h"
#include "ui/key_file.h"
#include "ui/machine.h"
#include "ui/plot/plot_pictures.h"
#include "ui/term/screen.h"
#include "ui/session.h"
#include "ui/ui_internal.h"

static void ui_fini(struct ui *ui)
{
    data_jobs_forget(ui);
    data_source_fini(&ui->train_on);
    jobs_wait(ui, 1);
    const bool all_ended = !ui->jobs;
    ui->jobs = NULL; // what has not ended is told to nobody: what it would be told to is closed now
    models_fini(ui);
    for (int i = 0; i < PAGE_N; i++)
        if (ui->views[i].is_open && ui->views[i].ops->close)
            ui->views[i].ops->close(&ui->views[i]);
    compare_jobs_fini(ui);
    if (all_ended) // else a thread may still read it
        engine_description_free(ui->description);
    launch_plan_fini(&ui->plan);
    json_decref(ui->memory);
    json_decref(ui->recipes);
    json_decref(ui->session);
    eval_table_free(ui->evals);
    prompt_fini(ui);
    teach_fini(ui);
    filter_free(ui->find);
    alert_calls_free(ui->alert_calls);
    run_list_fini(&ui->runs);
    canvas_fini(&ui->canvas);
    free(ui->machine);
    plot_pictures_free(ui->plots);
    if (!ui->reading_machine)
        machine_reader_free(ui->machine_reader);
    command_bind(NULL);
    store_close(ui->store);
    for (int i = 0; i < 2; i++)
        if (ui->wake_fd[i] >= 0)
            close(ui->wake_fd[i]);
}

static void load_keys(struct ui *ui)
{
    struct err fault = {0};
    char *path = key_file_path();
    if (key_file_load(path, &fault))
        ui_say_error(ui, "%s. Until then the keys are as they come with Attune.", fault.text);
    free(path);
}

// As if somebody had typed it.
static void open_compare(struct ui *ui, const struct ui_compare *x)
{
    const struct {
        enum command_id id;
        const char *text;
    } said[] = {{CMD_TEMPERATURE, x->temperature}, {CMD_TOP_P, x->top_p}, {CMD_LENGTH, x->max_tokens}, {CMD_SEED, x->seed},
                {CMD_PROMPTS, x->prompts}, {CMD_ASK, x->prompt}, {CMD_REWARD, x->reward}};
    ui_show(ui, PAGE_COMPARE);
    for (int i = 0; x->models[i]; i++)
        ui_dispatch(ui, CMD_SIDE, x->models[i]);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (said[i].text)
            ui_dispatch(ui, said[i].id, said[i].text);
    if (x->blind)
        ui_dispatch(ui, CMD_BLIND, NULL);
}

int ui_console(const struct ui_options *options, struct err *e)
{
    // Curves grow in place with mappings of their own; among the small things each growth would leave a hole.
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    struct ui ui = {.show = ui_show, .typed = find_typed, .wake_fd = {-1, -1}, .interrupt_s = -1e9, .refreshed_s = -1e9};
    if (!options->script && !options->lines && manner_is(MANNER_NO_INPUT))
        return err_set(e, ERR_USAGE, "the console asks for keys, which --no-input forbids: give commands with -e or "
                                     "--script, or a command such as \"attune runs\"");
    char *dir = store_project_dir(options->project);
    int code = store_open(&ui.store, dir, true, e);
    free(dir);
    if (code)
        return code;
    run_list_init(&ui.runs, ui.store);
    json_t *view = NULL;
    if (options->on_alert)
        code = alert_calls_new(&ui.alert_calls, options->on_alert, store_dir(ui.store), e);
    if (!code && options->view)
        code = view_file_read(options->view, &view, e);
    if (code)
        goto out;
    if (pipe2(ui.wake_fd, O_CLOEXEC | O_NONBLOCK) != 0) {
        code = err_errno(e, "cannot make a pipe");
        goto out;
    }
    if (!options->script && !options->lines) {
        loop_take_signals(&ui);
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
    if (ui.has_screen)
        load_keys(&ui);
    if (ui.has_screen && !options->fresh)
        session_load(&ui);
    ui_show(&ui, PAGE_RUNS);
    ui.mouse = true;
    ui.label = options->label;
    ui.copy_file = options->copy_file;
    if (options->slow) {
        ui.slow = true;
        ui.canvas.glyphs = GLYPHS_ASCII;
    }
    if (ui.has_screen) { // a person sees the first frame before all runs are read, and has the keys then
        ui_refresh(&ui, clock_seconds(), false);
        ui_draw(&ui);
        screen_show(&ui.canvas);
    } else {
        ui_refresh(&ui, clock_seconds(), true);
    }
    session_return(&ui);
    if (ui.has_screen && ui.mouse)
        screen_set_mouse(true);
    if (ui.has_screen && screen_taken_for())
        ui_say(&ui, "This machine does not know the terminal %s; it is taken for %s. The package ncurses-term may have it.",
               getenv("TERM"), screen_taken_for());
    if (options->run && options->beside) {
        run_list_select(&ui.runs, options->run);
        run_list_select(&ui.runs, options->beside);
    }
    if (options->run)
        ui_open_run(&ui, options->run, PAGE_CURVES);
    if (view)
        code = view_file_show(&ui, view, options->view, e);
    if (options->label)
        ui_show(&ui, PAGE_LABEL);
    if (options->compare)
        open_compare(&ui, options->compare);
    if (!code)
        code = options->lines ? lines_run(&ui, e) : options->script ? script_run(&ui, options->script, e) : loop_run(&ui, e);
    if (ui.has_screen)
        screen_close();
    loop_finish(&ui);
    session_save(&ui);
out:
    json_decref(view);
    ui_fini(&ui);
    return code;
}
