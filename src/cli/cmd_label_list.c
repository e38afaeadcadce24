// attune label list, label export: pairs that wait for a person, and what people said as data for training.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "store/labels.h"

static const struct param list_options[] = {
    {.name = "annotator", .type = PARAM_TEXT, .fallback = "",
     .help = "For whom: pairs that this annotator has skipped are left out. Without it the name of the account."},
    {0},
};
static const struct param export_options[] = {
    {.name = "all", .type = PARAM_BOOL, .fallback = "no", .help = "Pairs of all runs, and those that people brought along."},
    {.name = "ties", .type = PARAM_BOOL, .fallback = "no",
     .help = "Writes pairs whose answers are equally good as well, with their votes: for objectives that learn from ties."},
    {0},
};

static int run_list(int argc, char **argv);
static int run_export(int argc, char **argv);

const struct command command_label_list = {
    .name = "label list",
    .synopsis = "attune label list RUN [--annotator NAME] [--json]",
    .summary = "Lists the pairs of answers that a run wants judged.",
    .help = "With --json the texts are whole. \"attune label --stdin\" takes the judgements.",
    .options = list_options,
    .json = true,
    .run = run_list,
};
const struct command command_label_export = {
    .name = "label export",
    .synopsis = "attune label export RUN|--all FILE [--ties]",
    .summary = "Writes judged pairs as preference data that \"attune train\" reads.",
    .help = "Each line has prompt, chosen and rejected, and with several annotators their votes [for the chosen answer, for the "
            "other, ties]. \"margin\" is by how much the chosen one is better, the mean of the verdicts: 1 slightly, 2 better, 3 much better. "
            "Pairs without a better answer (ties, both bad, not to be told) and those that somebody flagged or all skipped are left out, and counted on standard "
            "error.\n"
            "  attune label export --all labels.jsonl\n"
            "  attune train --objective dpo --model MODEL --data labels.jsonl",
    .options = export_options,
    .run = run_export,
};

static json_t *pair_json(const struct asked_pair *p)
{
    json_t *o = json_object();
    json_object_set_new(o, "pair", json_integer(p->id));
    json_object_set_new(o, "step", json_integer(p->step));
    json_object_set_new(o, "at_ms", json_integer(p->at_ms));
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

static int list(struct store *s, struct look *l, const char *annotator, bool json, struct err *e)
{
    struct pair_ref *waiting = NULL;
    int n = 0, code = labels_waiting(s, l->reader, l->info.name, annotator, &waiting, &n, e);
    if (code)
        return code;
    json_t *all = json_array();
    if (!json)
        printf("waiting for you: %d %s\n", n, text_plural(n, "pair", "pairs"));
    for (int i = 0; !code && i < n; i++) {
        struct asked_pair p;
        code = run_reader_pair(l->reader, waiting[i].id, &p, e);
        if (code)
            break;
        if (json) {
            json_array_append_new(all, pair_json(&p));
        } else {
            printf("\n%spair %lld%s  step %lld\n", print_on(stdout, PRINT_BOLD), (long long)p.id, print_off(stdout), (long long)p.step);
            print_part("prompt", p.prompt);
            print_part("A", p.a);
            print_part("B", p.b);
        }
        asked_pair_fini(&p);
    }
    if (json && !code)
        look_print_json(json_incref(all));
    json_decref(all);
    free(waiting);
    return code;
}

static int run_list(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct look l = {0};
    int status = 0;
    if (!args_open(&a, &command_label_list, argc, argv, 1, 1, &status))
        return status;
    const char *annotator = args_text(&a, "annotator");
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = look_open(&l, s, a.words[0], &e);
    if (!code)
        code = list(s, &l, annotator ? annotator : labels_annotator(), args_json(&a), &e);
    if (code)
        status = args_fail(&a, &e);
    look_close(&l);
    store_close(s);
    args_close(&a);
    return status;
}

// ---- as data ----

struct exported {
    int64_t written, ties, both_bad, cannot, flagged, skipped;
};

// The prompt as training is to read it: messages where the run had messages.
static int prompt_json(const struct judged_pair *p, json_t **out, struct err *e)
{
    char where[64];
    *out = NULL;
    if (!p->pair.turns[0]) {
        *out = look_json_text(p->pair.prompt);
        return 0;
    }
    snprintf(where, sizeof where, "the messages of pair %lld", (long long)p->pair.id);
    return json_parse(p->pair.turns, strlen(p->pair.turns), where, out, e);
}

static int write_pair(struct file_out *out, const struct judged_pair *p, struct err *e)
{
    json_t *prompt;
    int code = prompt_json(p, &prompt, e);
    if (code)
        return code;
    const bool b = p->n_b > p->n_a;
    const int64_t n = p->n_a + p->n_b + p->n_ties, better = b ? p->n_b : p->n_a, worse = b ? p->n_a : p->n_b;
    json_t *o = json_object();
    json_object_set_new(o, "prompt", prompt);
    json_object_set_new(o, "chosen", look_json_text(b ? p->pair.b : p->pair.a));
    json_object_set_new(o, "rejected", look_json_text(b ? p->pair.a : p->pair.b));
    if (n > 1 || better == worse) {
        json_t *votes = json_pack("[I, I]", (json_int_t)better, (json_int_t)worse);
        if (p->n_ties)
            json_array_append_new(votes, json_integer(p->n_ties));
        json_object_set_new(o, "votes", votes);
    }
    json_object_set_new(o, "margin", json_real((b ? p->grades : 0 - p->grades) / (double)n));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6));
    BUG_IF(!text);
    code = file_out_write(out, text, strlen(text), e);
    if (!code)
        code = file_out_write(out, "\n", 1, e);
    free(text);
    json_decref(o);
    return code;
}

// Whether there is something to learn from the pair; else it is counted as what it is.
static bool is_wanted(const struct judged_pair *p, bool ties, struct exported *count)
{
    if (p->n_flags) {
        count->flagged++;
        return false;
    }
    if (p->n_a + p->n_b + p->n_ties == 0) {
        count->both_bad += p->n_both_bad > 0;
        count->cannot += p->n_both_bad == 0 && p->n_cannot > 0;
        count->skipped += p->n_both_bad + p->n_cannot == 0;
        return false;
    }
    count->ties += p->n_a == p->n_b;
    return p->n_a != p->n_b || ties;
}

static int export(struct store *s, const char *run, const char *path, bool ties, struct exported *count, struct err *e)
{
    struct judged_pair *list = NULL;
    struct file_out *out = NULL;
    int n = 0, code = labels_judged(s, run, &list, &n, e);
    if (!code)
        code = file_out_open(&out, path, e);
    for (int i = 0; !code && i < n; i++)
        if (is_wanted(&list[i], ties, count)) {
            code = write_pair(out, &list[i], e);
            count->written++;
        }
    if (!code && count->written == 0)
        code = err_set(e, ERR_NOT_FOUND, "%s%s has no pair with a better answer yet: %s is not written", run ? "run " : "",
                       run ? run : "the project", path);
    if (out && code)
        file_out_abort(out);
    else if (!code)
        code = file_out_commit(out, e);
    judged_pairs_free(list, n);
    return code;
}

static void say_left_out(const struct exported *c, bool ties)
{
    const struct {
        int64_t n;
        const char *one, *more;
    } kinds[] = {{ties ? 0 : c->ties, "tie", "ties"}, {c->both_bad, "both bad", "both bad"},
                 {c->cannot, "not to be told", "not to be told"}, {c->flagged, "flagged", "flagged"},
                 {c->skipped, "skipped", "skipped"}};
    struct str text = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].n)
            str_addf(&text, "%s%lld %s", text.len ? ", " : "", (long long)kinds[i].n, text_plural(kinds[i].n, kinds[i].one, kinds[i].more));
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
    struct exported count = {0};
    int status = 0;
    if (!args_open(&a, &command_label_export, argc, argv, 1, 2, &status))
        return status;
    const bool all = settings_bool(&a.settings, "all"), ties = settings_bool(&a.settings, "ties");
    const char *path = a.words[a.n_words - 1];
    int code = a.n_words == (all ? 1 : 2) ? 0
               : err_set(&e, ERR_USAGE, all ? "with --all there is no RUN: only the file to write"
                                            : "which run's pairs (or --all), and into which file?");
    if (!code)
        code = look_project(&a, false, &s, &e);
    if (!code)
        code = export(s, all ? NULL : a.words[0], path, ties, &count, &e);
    say_left_out(&count, ties);
    if (code)
        status = args_fail(&a, &e);
    else
        printf("%s: %lld %s\n", path, (long long)count.written, text_plural(count.written, "pair", "pairs"));
    store_close(s);
    args_close(&a);
    return status;
}
