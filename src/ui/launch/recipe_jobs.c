// What the page of recipes asks of the engine, on threads of their own: which there are, and starting one.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/ui_internal.h"

struct list_job {
    char *dir;
    json_t *list;
};

static int list_work(void *arg, struct err *e)
{
    struct list_job *j = arg;
    return engine_recipes(j->dir, &j->list, e);
}

static void list_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct list_job *j = arg;
    if (code)
        ui_say_error(ui, "%s", e->text);
    json_decref(ui->recipes);
    ui->recipes = code ? json_array() : j->list;
    ui->asking_recipes = false;
    ui->more = true; // the view may go on
    free(j->dir);
    free(j);
}

void ui_ask_recipes(struct ui *ui)
{
    if (ui->asking_recipes)
        return;
    struct list_job *j = mem_alloc(1, sizeof *j);
    j->dir = mem_strdup(store_dir(ui->store));
    ui->asking_recipes = true;
    job_start(ui, list_work, list_done, j);
}

const json_t *ui_recipes(struct ui *ui)
{
    return ui->recipes;
}

struct recipe_job {
    char *dir, *path, *name;
    json_t *changes;
};

static int start_work(void *arg, struct err *e)
{
    struct recipe_job *j = arg;
    struct store *s;
    int code = store_open(&s, j->dir, true, e);
    if (code)
        return code;
    code = engine_recipe_start(s, j->path, j->changes, NULL, &j->name, e);
    store_close(s);
    return code;
}

static void start_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct recipe_job *j = arg;
    ui->runs.next_list_s = 0;
    if (code) {
        ui_say_error(ui, "%s", e->text);
    } else {
        ui_say(ui, "%s has started; its stages are runs of the list as well.", j->name);
        ui_choose_run(ui, j->name);
        if (ui->page == PAGE_RECIPES) // nobody went elsewhere meanwhile
            ui->show(ui, PAGE_RUNS);
    }
    json_decref(j->changes);
    free(j->dir);
    free(j->path);
    free(j->name);
    free(j);
}

void ui_start_recipe(struct ui *ui, const char *path, json_t *changes)
{
    struct recipe_job *j = mem_alloc(1, sizeof *j);
    *j = (struct recipe_job){.dir = mem_strdup(store_dir(ui->store)), .path = mem_strdup(path), .changes = changes};
    ui_say(ui, "Checking and starting ...");
    job_start_due(ui, "A recipe is being checked, and starts then", start_work, start_done, j);
}
