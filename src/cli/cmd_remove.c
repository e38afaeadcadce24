// attune remove RUN...: to the trash, back from it, or off the disk.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/manner.h"
#include "base/mem.h"
#include "cli/edit.h"
#include "cli/print.h"

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
    {.name = "dry-run",
     .type = PARAM_BOOL,
     .fallback = "no",
     .help = "Says what would be removed or deleted, with sizes, and does nothing."},
    {.name = "yes",
     .type = PARAM_BOOL,
     .fallback = "no",
     .help = "Deletes with --purge without asking, also on a terminal."},
    {.name = "trash", .type = PARAM_BOOL, .fallback = "no", .help = "Lists what is in the trash, with its size."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_remove = {
    .name = "remove",
    .synopsis = "attune remove RUN... [--restore|--purge] [--dry-run]  |  attune remove --trash  |  attune remove "
                "--purge [--older DAYS] [--yes]",
    .summary = "Puts runs into the trash, brings them back, or empties it.",
    .help =
        "A removed run's folder stands in trash/NAME of the project and takes the room it took before, until --purge. "
        "\"attune "
        "undo\" and --restore bring it back. Its name stays taken as long. What people judged of its answers is kept "
        "in any "
        "case. On a terminal --purge asks before it deletes. \"attune archive\" only takes a run from the list.\n"
        "  attune remove dpo-1 dpo-2\n"
        "  attune remove --purge --older 30 --dry-run\n"
        "  attune remove --purge --older 30 --yes",
    .options = options,
    .run = run,
};

static int say_removal(const struct args *a, struct store *s, struct err *e)
{
    for (int i = 0; i < a->n_words; i++) {
        struct run_info info = {0};
        char size[32];
        int code = store_find_run(s, a->words[i], &info, e);
        if (code)
            return code;
        printf("%s: would go to the trash, %s\n", info.name,
               human_bytes(size, sizeof size, (double)store_run_bytes(s, &info)));
        run_info_fini(&info);
    }
    return 0;
}

static int remove_runs(struct args *a, struct store *s, struct err *e)
{
    if (settings_bool(&a->settings, "dry-run"))
        return say_removal(a, s, e);
    for (int i = 0; i < a->n_words; i++) {
        struct str readers = {0};
        int code = store_dependents(s, a->words[i], &readers, e);
        if (!code && readers.len)
            fprintf(stderr, "attune remove: files of %s are the model or data of %s\n", a->words[i],
                    str_text(&readers));
        str_fini(&readers);
        if (code)
            return code;
    }
    int code = edit_runs(s, a->words, a->n_words, ATTRIBUTE_TRASHED, "1", NULL, e);
    for (int i = 0; i < a->n_words && !code; i++) {
        struct run_info info = {.name = a->words[i], .trashed_ms = 1};
        char size[32];
        print_said("%s: is in the trash; --purge frees %s\n", info.name,
                   human_bytes(size, sizeof size, (double)store_run_bytes(s, &info)));
    }
    return code;
}

static int restore(struct args *a, struct store *s, struct err *e)
{
    int n = a->n_words, code = manner_may_change("--restore", e);
    if (code)
        return code;
    struct run_edit *edits = malloc(sizeof *edits * (size_t)(2 * n));
    BUG_IF(!edits);
    for (int i = 0; i < n; i++) {
        edits[2 * i] = (struct run_edit){a->words[i], ATTRIBUTE_TRASHED, "0"};
        edits[2 * i + 1] = (struct run_edit){a->words[i], ATTRIBUTE_ARCHIVED, "0"};
    }
    code = store_edit(s, edits, 2 * n, e);
    for (int i = 0; i < n && !code; i++)
        print_said("%s: is on the list again\n", a->words[i]);
    free(edits);
    return code;
}

static int purge(struct store *s, const char *name, int64_t *sum, struct err *e)
{
    char size[32];
    int64_t bytes = 0;
    int code = store_purge(s, name, &bytes, e);
    if (!code)
        print_said("%s: deleted, %s\n", name, human_bytes(size, sizeof size, (double)bytes));
    *sum += bytes;
    return code;
}

// What --purge is to delete: of the trash the named runs, or those that have been there for so many days.
struct doomed {
    struct run_info *trash; // all that is in it
    int n_trash;
    char **names; // (n), borrowed
    int n;
    double bytes;
};

static int find_doomed(const struct args *a, struct store *s, struct doomed *d, struct err *e)
{
    const int64_t before = clock_wall_ms() - (int64_t)(settings_float(&a->settings, "older") * 86400e3);
    *d = (struct doomed){0};
    int code = store_runs_on(s, SHELF_TRASH, &d->trash, &d->n_trash, e);
    if (code)
        return code;
    d->names = mem_alloc((size_t)(a->n_words + d->n_trash) + 1, sizeof *d->names);
    for (int i = 0; i < a->n_words; i++)
        d->names[d->n++] = a->words[i]; // what is not in the trash is refused where it is deleted
    for (int i = 0; i < d->n_trash; i++) {
        bool named = a->n_words == 0 && d->trash[i].trashed_ms <= before;
        if (named)
            d->names[d->n++] = d->trash[i].name;
        for (int k = 0; k < a->n_words; k++)
            named |= strcmp(a->words[k], d->trash[i].name) == 0;
        d->bytes += named ? (double)store_run_bytes(s, &d->trash[i]) : 0;
    }
    return 0;
}

// Nothing brings back what is deleted: who sits at a terminal is asked. Scripts have said what they mean.
static int ask_first(const struct args *a, const struct doomed *d, struct err *e)
{
    char line[16] = "", size[32];
    if (settings_bool(&a->settings, "yes") || d->n == 0)
        return 0;
    if (manner_is(MANNER_NO_INPUT))
        return err_set(e, ERR_USAGE,
                       "--purge deletes for good and --no-input lets nobody be asked: give --yes as well");
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return 0;
    fprintf(stderr, "Delete %d %s (%s) for good? [y/N] ", d->n, text_plural(d->n, "run", "runs"),
            human_bytes(size, sizeof size, d->bytes));
    fflush(stderr);
    if (!fgets(line, sizeof line, stdin) || (strcmp(line, "y\n") != 0 && strcmp(line, "yes\n") != 0))
        return err_set(e, ERR_INTERRUPTED, "nothing was deleted");
    return 0;
}

static int purge_them(const struct args *a, struct store *s, struct err *e)
{
    struct doomed d;
    char size[32];
    int64_t sum = 0;
    const bool dry = settings_bool(&a->settings, "dry-run");
    int code = find_doomed(a, s, &d, e);
    if (!code && !dry)
        code = manner_may_change("--purge", e);
    if (!code && !dry)
        code = ask_first(a, &d, e);
    for (int i = 0; i < d.n && !code; i++)
        if (dry)
            printf("%s: would be deleted\n", d.names[i]);
        else
            code = purge(s, d.names[i], &sum, e);
    if (!code && dry)
        printf("%d %s would be deleted, %s freed; nothing was done\n", d.n, text_plural(d.n, "run", "runs"),
               human_bytes(size, sizeof size, d.bytes));
    else if (!code && a->n_words == 0)
        print_said("%d %s deleted, %s freed, %d left in the trash\n", d.n, text_plural(d.n, "run", "runs"),
                   human_bytes(size, sizeof size, (double)sum), d.n_trash - d.n);
    free(d.names);
    run_infos_free(d.trash, d.n_trash);
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
        if (print_is_plain()) {
            print_record(stdout, 3, runs[i].name, human_bytes(size, sizeof size, bytes),
                         human_seconds(age, sizeof age, (double)(clock_wall_ms() - runs[i].trashed_ms) / 1000));
            continue;
        }
        printf("%-30s %10s   for %s\n", runs[i].name, human_bytes(size, sizeof size, bytes),
               human_seconds(age, sizeof age, (double)(clock_wall_ms() - runs[i].trashed_ms) / 1000));
    }
    if (!code && !print_is_plain())
        printf("%d %s in the trash, %s\n", n, text_plural(n, "run", "runs"), human_bytes(size, sizeof size, sum));
    run_infos_free(runs, n);
    return code;
}

static int work(struct args *a, struct store *s, struct err *e)
{
    const bool back = settings_bool(&a->settings, "restore"), away = settings_bool(&a->settings, "purge");
    const double days = settings_float(&a->settings, "older");
    if (back + away + settings_bool(&a->settings, "trash") > 1)
        return err_set(e, ERR_USAGE, "--restore, --purge and --trash exclude one another");
    if (days > 0 && (!away || a->n_words))
        return err_set(e, ERR_USAGE, "--older is for --purge without names");
    if (settings_bool(&a->settings, "trash"))
        return list_trash(s, e);
    if (away)
        return purge_them(a, s, e);
    if (a->n_words == 0)
        return err_set(e, ERR_USAGE, "something is missing; usage: %s", command_remove.synopsis);
    return back ? restore(a, s, e) : remove_runs(a, s, e);
}

static int run(int argc, char **argv)
{
    return look_command(&command_remove, argc, argv, 0, -1, work);
}
