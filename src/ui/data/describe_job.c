// What the engine offers, asked by a job when a page or the prompt wants to know.
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ui/ui_internal.h"

static int describe_work(void *arg, struct err *e)
{
    return engine_describe(arg, e);
}

static void describe_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct engine_description **found = arg;
    ui->asking_engine = false;
    if (code)
        ui_say_error(ui, "%s", e->text);
    else if (ui->description)
        engine_description_free(*found);
    else
        ui->description = *found;
    free(found);
    ui->engine_failed = code != 0;
    ui->more = true; // the view may go on
}

const struct engine_description *ui_want_description(struct ui *ui)
{
    if (!ui->description && !ui->asking_engine && !ui->engine_failed) {
        ui->asking_engine = true;
        job_start(ui, describe_work, describe_done, mem_alloc(1, sizeof(struct engine_description *)));
    }
    return ui->description;
}
