// attune remove RUN...: to the trash, back from it, or off the disk.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/human.h"
#include "cli/edit.h"

static const struct param options[] = {
    {.name = "restore",
     .type = PARAM_BOOL,
     .fallback = "no",
     .help = "Brings them back from the trash, or from the archive."},
    {.name = "purge",
     .type = PARAM_BOOL,
     .fallback = "no",
     .help = "Deletes them from the trash for good, which frees the disk; without names all that is in it."},
    {.name = "older",
     .type = PARAM_FLOAT,
     .fallback = "0",
     .min = 0,
     .max = 36500,
     .help = "With --purge: only what has been in the trash for so many days."},
    {.name = "trash", .type = PARAM_BOOL, .fallback = "no", .help = "Lists what is in the trash, with its size."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_remove = {
    .name = "remove",
    .synopsis =
        "attune remove RUN... [--restore|--purge]  |  attune remove --trash  |  attune remove --purge [--older DAYS]",
    .summary = "Puts runs into the trash, brings them back, or empties it.",
    .help =
        "A removed run's folder stands in trash/NAME of the project and takes the room it took before, until --purge. "
        "\"attune "
        "undo\" and --restore bring it back. Its name stays taken as long. What people judged of its answers is kept in any "
        "case. \"attune archive\" only takes a run from the list.\n"
        "  attune remove dpo-1 dpo-2\n"
        "  attune remove --purge --older 30",
    .options = options,
    .run = run,
};

static int remove_runs(struct args *a, struct store *s, struct err *e)
{
    for (int i = 0; i < a->n_words; i++) {
        struct str readers = {0};
        int code = store_dependents(s, a->words[i], &readers, e);
        if (!code && readers.len)
            fprintf(stderr, "attune remove: files of %s are the model or data of %s\n", a->words[i], str_text(&readers));
        str_fini(&readers);
        if (code)
            return code;
    }
    int code = edit_runs(s, a->words, a->n_words, ATTRIBUTE_TRASHED, "1", NULL, e);
    for (int i = 0; i < a->n_words && !code; i++) {
        struct run_info info = {.name = a->words[i], .trashed_ms = 1};
        char size[32];
        printf("%s: is in the trash; --purge frees %s\n", info.name,
               human_bytes(size, sizeof size, (double)store_run_bytes(s, &info)));
    }
    return code;
}

static int restore(struct args *a, struct store *s, struct err *e)
{
    int n = a->n_words, code;
    struct run_edit *edits = malloc(sizeof *edits * (size_t)(2 * n));
    BUG_IF(!edits);
    for (int i = 0; i < n; i++) {
        edits[2 * i] = (struct run_edit){a->words[i], ATTRIBUTE_TRASHED, "0"};
        edits[2 * i + 1] = (struct run_edit){a->words[i], ATTRIBUTE_ARCHIVED, "0"};
    }
    code = store_edit(s, edits, 2 * n, e);
    for (int i = 0; i < n && !code; i++)
        printf("%s: is on the list again\n", a->words[i]);
    free(edits);
    return code;
}

static int purge(struct store *s, const char *name, int64_t *sum, struct err *e)
{
    char size[32];
    int64_t bytes = 0;
    int code = store_purge(s, name, &bytes, e);
    if (!code)
        printf("%s: deleted, %s\n", name, human_bytes(size, sizeof size, (double)bytes));
    *sum += bytes;
    return code;
}

static int purge_all(struct store *s, double days, struct err *e)
{
    struct run_info *runs = NULL;
    int n = 0, n_gone = 0, code = store_runs_on(s, SHELF_TRASH, &runs, &n, e);
    const int64_t before = clock_wall_ms() - (int64_t)(days * 86400e3);
    int64_t sum = 0;
    char size[32];
    for (int i = 0; i < n && !code; i++) {
        if (runs[i].trashed_ms > before)
            continue;
        code = purge(s, runs[i].name, &sum, e);
        n_gone++;
    }
    if (!code)
        printf("%d %s deleted, %s freed, %d left in the trash\n", n_gone, text_plural(n_gone, "run", "runs"),
               human_bytes(size, sizeof size, (double)sum), n - n_gone);
    run_infos_free(runs, n);
    return code;
}

static int list_trash(struct store *s, struct err *e)
{
    struct run_info *runs = NULL;
    int n = 0, code = store_runs_on(s, SHELF_TRASH, &runs, &n, e);
    char size[32], age[32];
    double sum = 0;
    for (int i = 0; i < n && !code; i++) {
        double bytes = (double)store_run_bytes(s, &runs[i]);
        sum += bytes;
        printf("%-30s %10s   for %s\n", runs[i].name, human_bytes(size, sizeof size, bytes),
               human_seconds(age, sizeof age, (double)(clock_wall_ms() - runs[i].trashed_ms) / 1000));
    }
    if (!code)
        printf("%d %s in the trash, %s\n", n, text_plural(n, "run", "runs"), human_bytes(size, sizeof size, sum));
    run_infos_free(runs, n);
    return code;
}

static int work(struct args *a, struct store *s, struct err *e)
{
    const bool back = settings_bool(&a->settings, "restore"), away = settings_bool(&a->settings, "purge");
    const double days = settings_float(&a->settings, "older");
    int64_t sum = 0;
    int code = 0;
    if (back + away + settings_bool(&a->settings, "trash") > 1)
        return err_set(e, ERR_USAGE, "--restore, --purge and --trash exclude one another");
    if (days > 0 && (!away || a->n_words))
        return err_set(e, ERR_USAGE, "--older is for --purge without names");
    if (settings_bool(&a->settings, "trash"))
        return list_trash(s, e);
    if (away && a->n_words == 0)
        return purge_all(s, days, e);
    if (a->n_words == 0)
        return err_set(e, ERR_USAGE, "something is missing; usage: %s", command_remove.synopsis);
    for (int i = 0; i < a->n_words && away && !code; i++)
        code = purge(s, a->words[i], &sum, e);
    return away ? code : back ? restore(a, s, e) : remove_runs(a, s, e);
}

static int run(int argc, char **argv)
{
    return look_command(&command_remove, argc, argv, 0, -1, work);
}
