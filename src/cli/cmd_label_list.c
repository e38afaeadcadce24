// attune label list, label export: pairs that wait for a person, and what people said as data for training.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "store/labels_pending.h"
#include "ui/label/label_export.h"
#include "ui/label/label_queue.h"

static const struct param list_options[] = {
    {.name = "annotator", .type = PARAM_TEXT, .fallback = "",
     .help = "For whom: pairs that this annotator has skipped are left out. Without it the name of the account."},
    {0},
};
// in the order of enum label_shape
static const char *const shapes[] = {"pairs", "shares", "binary", "texts", "judgements", NULL};
static const struct param export_options[] = {
    {.name = "all", .type = PARAM_BOOL, .fallback = "no", .help = "Pairs of all runs, and those that people brought along."},
    {.name = "soft", .type = PARAM_BOOL, .fallback = "no",
     .help = "The same as --as shares. A share says how sure a label is: of ordinary annotators, how many would prefer the "
             "chosen answer? That follows from all votes, from how far each annotator agrees with the others, and from how "
             "hard pairs are."},
    {.name = "set", .type = PARAM_TEXT, .fallback = "", .help = "Pairs of this set."},
    {.name = "as", .type = PARAM_CHOICE, .fallback = "pairs", .choices = shapes,
     .help = "What is written: pairs; shares (soft labels, by how far each annotator can be relied on); binary (each answer "
             "good or bad); texts (the better answer alone); judgements (all of them, for another project)."},
    {.name = "ties", .type = PARAM_BOOL, .fallback = "no",
     .help = "Writes pairs whose answers are equally good as well, with their votes: for objectives that learn from ties."},
    {.name = "checks", .type = PARAM_BOOL, .fallback = "no",
     .help = "Writes attention checks as well, whose answers were known before: they are no data and else left out."},
    {0},
};

static int run_list(int argc, char **argv);
static int run_export(int argc, char **argv);

const struct command command_label_list = {
    .name = "label list",
    .synopsis = "attune label list RUN|SET [--annotator NAME] [--json]",
    .summary = "Lists the pairs of answers that a run wants judged, or that a set has left.",
    .help = "A name that a run and a set share is the run's, as for \"attune label\". With --json the texts are whole. "
            "\"attune label --stdin\" takes judgements of a run's pairs, \"attune label SET\" those of a set.",
    .options = list_options,
    .json = true,
    .run = run_list,
};
const struct command command_label_export = {
    .own_set = true,
    .name = "label export",
    .synopsis = "attune label export RUN|--set NAME|--all FILE [--as SHAPE] [--ties] [--soft] [--checks]",
    .summary = "Writes judged pairs as preference data that \"attune train\" reads.",
    .help = "Each line has prompt, chosen and rejected, and with several annotators their votes [for the chosen answer, for "
            "the other, ties]. \"margin\" is by how much the chosen one is better, the mean of the verdicts: 1 slightly, 2 "
            "better, 3 much better. Pairs without a better answer (ties, both bad, not to be told) and those that somebody "
            "flagged or all skipped are left out, and counted on standard error.\n\n"
            "As shares \"share\" takes the place of votes, with the 95 % interval \"share_low\" to \"share_high\"; \"attune "
            "label stats\" shows what the annotators' abilities are. The objectives that learn from shares (\"attune "
            "objectives\") read it as the probability that the label is right.\n"
            "  attune label export --all labels.jsonl\n"
            "  attune train --objective dpo --model MODEL --data labels.jsonl",
    .options = export_options,
    .run = run_export,
};

// What is listed: the pairs of a run or of a set that wait for the annotator.
struct listed {
    struct store *store;
    struct look run;
    struct label_set set; // name NULL: a run's pairs are listed
    struct queue queue;   // of the set
    int *waiting;           // (n) places in it
    struct pair_ref *asked; // (n) of the run
    int n;
};

static json_t *pair_json(const struct listed *l, int64_t number, const struct asked_pair *p)
{
    json_t *o = json_object();
    json_object_set_new(o, "pair", json_integer(number));
    if (!l->set.name) {
        json_object_set_new(o, "step", json_integer(p->step));
        json_object_set_new(o, "at_ms", json_integer(p->at_ms));
    }
    json_object_set_new(o, "model", look_json_text(p->model));
    json_object_set_new(o, "prompt", look_json_text(p->prompt));
    json_object_set_new(o, "a", look_json_text(p->a));
    json_object_set_new(o, "b", look_json_text(p->b));
    return o;
}

static void print_part(const char *name, const char *text)
{
    struct str shown = {0};
    str_add_visible(&shown, text, strlen(text), false);
    const int at = printf("  %-7s", name);
    print_wrapped(stdout, str_text(&shown), at, at, print_width(stdout));
    str_fini(&shown);
}

static void print_pair(const struct listed *l, int64_t number, const struct asked_pair *p)
{
    printf("\n%spair %lld%s", print_on(stdout, PRINT_BOLD), (long long)number, print_off(stdout));
    if (l->set.name)
        printf("\n");
    else
        printf("  step %lld\n", (long long)p->step);
    print_part("prompt", p->prompt);
    print_part("A", p->a);
    print_part("B", p->b);
}

static int print_all(struct listed *l, bool json, struct err *e)
{
    json_t *all = json_array();
    int code = 0;
    if (!json)
        printf("waiting for you: %d %s\n", l->n, text_plural(l->n, "pair", "pairs"));
    for (int i = 0; !code && i < l->n; i++) {
        struct asked_pair p;
        const struct queue_item *item = l->set.name ? &l->queue.items[l->waiting[i]] : NULL;
        const int64_t number = item ? item->number : l->asked[i].id; // as the console shows it
        code = item ? label_pair(l->store, item->pair, &p, e) : run_reader_pair(l->run.reader, number, &p, e);
        if (code)
            break;
        if (json)
            json_array_append_new(all, pair_json(l, number, &p));
        else
            print_pair(l, number, &p);
        asked_pair_fini(&p);
    }
    if (json && !code)
        look_print_json(json_incref(all));
    json_decref(all);
    return code;
}

static int read_set(struct listed *l, const char *annotator, struct err *e)
{
    text_copy(l->queue.annotator, sizeof l->queue.annotator, annotator);
    l->queue.set = l->set;
    l->queue.held = -1;
    queue_begin(&l->queue, l->store, NULL, LABEL_OF_SET, l->set.name);
    const int code = queue_read(&l->queue, l->store, e);
    l->waiting = mem_alloc((size_t)l->queue.n + 1, sizeof *l->waiting);
    for (int i = 0; !code && i < l->queue.n; i++)
        if (queue_waits(&l->queue, i, 0))
            l->waiting[l->n++] = i;
    return code;
}

// A run, or a set of that name; where there is neither both are named.
static int find_listed(struct listed *l, const char *name, struct err *e)
{
    struct err no_run = {0}, no_set = {0};
    int code = look_open(&l->run, l->store, name, &no_run);
    if (code == ERR_NOT_FOUND && (code = label_set_find(l->store, name, &l->set, &no_set)) == 0)
        return 0;
    if (code == ERR_NOT_FOUND)
        return err_set(e, ERR_NOT_FOUND, "%s; %s", no_run.text, no_set.text);
    *e = no_set.code ? no_set : no_run;
    return code;
}

static int list(struct listed *l, const char *name, const char *annotator, bool json, struct err *e)
{
    int code = labels_recover(l->store, NULL, e);
    if (!code)
        code = find_listed(l, name, e);
    if (!code)
        code = l->set.name ? read_set(l, annotator, e)
                           : labels_waiting(l->store, l->run.reader, l->run.info.name, annotator, &l->asked, &l->n, e);
    return code ? code : print_all(l, json, e);
}

static int run_list(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct listed l = {0};
    int status = 0;
    if (!args_open(&a, &command_label_list, argc, argv, 1, 1, &status))
        return status;
    const char *annotator = args_text(&a, "annotator");
    int code = look_project(&a, false, &l.store, &e);
    if (!code)
        code = list(&l, a.words[0], annotator ? annotator : labels_annotator(), args_json(&a), &e);
    if (code)
        status = args_fail(&a, &e);
    look_close(&l.run);
    queue_fini(&l.queue); // with the set
    free(l.waiting);
    free(l.asked);
    store_close(l.store);
    args_close(&a);
    return status;
}

// ---- as data ----

static enum label_shape shape_of(const struct args *a)
{
    int i = 0;
    while (strcmp(settings_text(&a->settings, "as"), shapes[i]) != 0)
        i++;
    return (enum label_shape)i;
}

static void say_left_out(const struct label_exported *c, bool ties)
{
    struct str text = {0};
    label_exported_text(c, ties, &text);
    if (text.len)
        fprintf(stderr, "left out: %s\n", str_text(&text));
    if (ties && c->ties)
        fprintf(stderr, "%lld of them %s equal votes\n", (long long)c->ties, text_plural(c->ties, "has", "have"));
    str_fini(&text);
}

static int run_export(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct label_exported count = {0};
    int status = 0;
    if (!args_open(&a, &command_label_export, argc, argv, 1, 2, &status))
        return status;
    const bool all = settings_bool(&a.settings, "all"), one = all || args_text(&a, "set");
    const char *path = a.words[a.n_words - 1];
    struct label_export what = {.run = one ? NULL : a.words[0], .set = args_text(&a, "set"),
                                .ties = settings_bool(&a.settings, "ties"),
                                .checks = settings_bool(&a.settings, "checks")};
    int code = a.n_words == (one ? 1 : 2) && !(all && what.set) ? 0
               : err_set(&e, ERR_USAGE, one ? "with --all or --set there is no RUN, and not both: only the file to write"
                                            : "which run's pairs (or --set NAME, or --all), and into which file?");
    what.shape = settings_bool(&a.settings, "soft") ? LABELS_AS_SHARES : shape_of(&a);
    if (!code)
        code = look_project(&a, false, &s, &e);
    if (!code)
        code = label_export(s, &what, path, &count, &e);
    say_left_out(&count, what.ties);
    if (code)
        status = args_fail(&a, &e);
    else
        print_said("%s: %lld %s\n", path, (long long)count.written,
               what.shape == LABELS_AS_JUDGEMENTS ? text_plural(count.written, "judgement", "judgements")
                                                  : text_plural(count.written, "pair", "pairs"));
    store_close(s);
    args_close(&a);
    return status;
}
