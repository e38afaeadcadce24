// attune label, label --stdin, label undo: judgements of pairs, from the keyboard or as lines.
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "store/labels_pending.h"
#include "ui/label/label_desk.h"
#include "ui/ui.h"

#define ANNOTATOR                                                                                                       \
    {.name = "annotator", .type = PARAM_TEXT, .fallback = "",                                                            \
     .help = "Who judges; without it the name of the account. Each annotator has one vote for a pair."}

static const char *const orders[] = {"random", "in-order", "uncertain", "disagreement", "skipped", "disputed", NULL};
static const struct param options[] = {
    {.name = "stdin", .type = PARAM_BOOL, .fallback = "no",
     .help = "Reads judgements from standard input, one JSON object a line."},
    {.name = "run", .type = PARAM_TEXT, .fallback = "",
     .help = "The run whose pairs are judged: their numbers count within it."},
    ANNOTATOR,
    {.name = "set", .type = PARAM_TEXT, .fallback = "", .help = "What the set of a file is called; without it as the file."},
    {.name = "repeats", .type = PARAM_FLOAT, .fallback = "0.05", .min = 0, .max = 0.5,
     .help = "The share of a new set's pairs that come a second time with their sides exchanged, to see how steady a "
             "judge is."},
    {.name = "overlap", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1,
     .help = "The share of a new set's pairs that all annotators judge, to see how far they agree. Each other pair is "
             "judged by one of them: it is reserved for who sees it, for ten minutes."},
    {.name = "checks", .type = PARAM_PATH, .fallback = "",
     .help = "A file of pairs in which one answer is known to be better: attention checks, which lie among a new set's "
             "pairs by lot and look like them. \"attune label stats\" says who failed how many; they are not exported "
             "as data."},
    {.name = "check-share", .type = PARAM_FLOAT, .fallback = "0.05", .min = 0.001, .max = 0.5,
     .help = "The share of a new set's pairs that are attention checks, where --checks has some."},
    {.name = "seed", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 9e15,
     .help = "What order and sides of a new set follow from; 0 takes the clock."},
    {.name = "order", .type = PARAM_CHOICE, .fallback = "", .choices = orders,
     .help = "Which pair comes next; without it a set goes by lot, and a run's pairs as it asks for them."},
    {0},
};
static const struct param undo_options[] = {
    {.name = "run", .type = PARAM_TEXT, .fallback = "", .help = "Looks at judgements of this run's pairs only."},
    {.name = "pair", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 9e15,
     .help = "Looks at judgements of this pair only; 0 looks at all."},
    ANNOTATOR,
    {0},
};

static int run(int argc, char **argv);
static int run_undo(int argc, char **argv);

const struct command command_label = {
    .own_set = true,
    .changes = true,
    .name = "label",
    .synopsis = "attune label [RUN|SET|FILE] [--annotator NAME] | --stdin [--run RUN]",
    .summary = "Judge pairs of answers: one key each in the console, or one JSON object a line.",
    .help = "Without --stdin the console opens where pairs are judged: those that a run waits for, those of a set, or those "
            "of any file of preference data, which becomes a set that a later call goes on with. Keys 1 to 7 say how much "
            "better the left or the right answer is, 8 that both are bad, 9 that you cannot tell; u takes back. Each "
            "judgement is on the disk before the next pair comes.\n"
            "  attune label pairs.jsonl --annotator ann --repeats 0.1\n\n"
            "With --stdin a line judges a pair that a run asks for, or one that it brings along:\n"
            "  {\"pair\": 12, \"verdict\": \"A\"}\n"
            "  {\"prompt\": \"...\", \"a\": \"...\", \"b\": \"...\", \"verdict\": \"much-B\"}\n"
            "The verdict is much-A, A, slightly-A, tie, slightly-B, B, much-B, both-bad, cannot (to be told), skip (for "
            "now) or flag (something is wrong with the pair), and is always of a and b as the pair has them. "
            "A line may also have \"note\" (a text), \"reasons\" (letters), \"seconds\" (that it took), \"swapped\" (true "
            "where b was shown first), \"annotator\", \"occasion\": 1 (a second look, which is no vote), \"final\": true "
            "(the last word where annotators disagree), and \"replace\": true, which corrects what the same annotator said "
            "before. A pair that is brought along may name the models that gave a and b: \"model\" and \"model_b\".\n\n"
            "Every line is answered with one: {\"pair\": 12, \"saved\": true} when the judgement is on the disk, else "
            "\"saved\": false with \"error\". A judgement that was saved already is answered with \"again\": true and kept "
            "once, so that who was cut off may send the line again; one that comes when the run goes on without it has "
            "\"late\": true. The exit status is that of the first line that was refused.\n"
            "  attune label list dpo-1\n"
            "  attune label --stdin --run dpo-1 --annotator ann <judgements.jsonl",
    .options = options,
    .run = run,
};
const struct command command_label_undo = {
    .changes = true,
    .name = "label undo",
    .synopsis = "attune label undo [--run RUN] [--pair N] [--annotator NAME]",
    .summary = "Takes back the newest judgement that an annotator gave.",
    .help = "Once more takes back the one before it; what was given at once with it is taken back with it. The "
            "judgement stays in the project as one that does not count, and its pair waits again where its run still "
            "asks for it.",
    .options = undo_options,
    .run = run_undo,
};

struct labelling {
    struct store *store;
    struct look look; // of --run
    bool has_run;
    const char *annotator;
};

static int unknown_member(const json_t *line, const char *where, struct err *e)
{
    static const char *const known[] = {"pair",      "prompt",  "a",       "b",        "model",
                                        "model_b",   "verdict", "note",    "seconds",  "swapped",
                                        "annotator", "replace", "reasons", "occasion", "final"};
    const size_t n = sizeof known / sizeof *known;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)line, key, value) {
        size_t i = 0;
        while (i < n && strcmp(key, known[i]) != 0)
            i++;
        if (i < n)
            continue;
        struct str near = {.max = 200}, shown = {.max = 100};
        str_add_near(&near, key, known, n);
        str_add_visible(&shown, key, strlen(key), false);
        err_set(e, ERR_INPUT, "%s: there is no member \"%s\" in a judgement%s", where, str_text(&shown), str_text(&near));
        str_fini(&near);
        str_fini(&shown);
        return ERR_INPUT;
    }
    return 0;
}

static int read_verdict(const json_t *line, const char *where, struct judgement *j, struct err *e)
{
    const char *said;
    int code = json_get_text(line, "verdict", NULL, &said, where, e);
    if (code || (said && verdict_from_name(said, &j->verdict)))
        return code;
    struct str shown = {.max = 100};
    str_add_visible(&shown, said ? said : "", said ? strlen(said) : 0, false);
    err_set(e, ERR_INPUT, "%s: %s%s%s: much-A, A, slightly-A, tie, slightly-B, B, much-B, both-bad, cannot, skip and flag "
                                "are verdicts", where,
            said ? "\"" : "there is no \"verdict\"", str_text(&shown), said ? "\" is no verdict" : "");
    str_fini(&shown);
    return ERR_INPUT;
}

// What is said of the pair. Note and reasons are borrowed from the line.
static int read_judgement(const struct labelling *l, const json_t *line, const char *where, struct judgement *j,
                          bool *replace, struct err *e)
{
    const char *annotator, *note, *reasons;
    int64_t occasion;
    int code = json_is_object(line) ? unknown_member(line, where, e)
                                    : err_set(e, ERR_INPUT, "%s: a judgement is a JSON object", where);
    if (!code)
        code = read_verdict(line, where, j, e);
    if (!code)
        code = json_get_text(line, "note", "", &note, where, e);
    if (!code)
        code = json_get_text(line, "annotator", l->annotator, &annotator, where, e);
    if (!code)
        code = json_get_double(line, "seconds", NAN, &j->seconds, where, e);
    if (!code)
        code = json_get_bool(line, "swapped", false, &j->swapped, where, e);
    if (!code)
        code = json_get_bool(line, "replace", false, replace, where, e);
    if (!code)
        code = json_get_text(line, "reasons", "", &reasons, where, e);
    if (!code)
        code = json_get_int(line, "occasion", 0, 0, 1, &occasion, where, e);
    if (!code)
        code = json_get_bool(line, "final", false, &j->is_final, where, e);
    if (code)
        return code;
    j->occasion = (int)occasion;
    j->reasons = (char *)reasons;
    if (j->seconds < 0)
        return err_set(e, ERR_INPUT, "%s: \"seconds\" is less than 0", where);
    if (!*annotator || !text_copy(j->annotator, sizeof j->annotator, annotator))
        return err_set(e, ERR_INPUT, "%s: the name of an annotator has 1 to %zu bytes", where, sizeof j->annotator - 1);
    j->note = (char *)note;
    return 0;
}

// The texts of a pair that is brought along; borrowed from the line.
static int read_brought(const json_t *line, const char *where, struct asked_pair *p, struct err *e)
{
    const char *texts[3];
    static const char *const keys[] = {"prompt", "a", "b"};
    for (int i = 0; i < 3; i++) {
        int code = json_get_text(line, keys[i], NULL, &texts[i], where, e);
        if (code)
            return code;
        if (!texts[i])
            return err_set(e, ERR_INPUT,
                           "%s: there is no \"%s\": a judgement has \"pair\", or \"prompt\", \"a\" and \"b\"", where,
                           keys[i]);
    }
    if (strcmp(texts[1], texts[2]) == 0)
        return err_set(e, ERR_INPUT, "%s: both answers are the same text", where);
    const char *model, *model_b;
    int code = json_get_text(line, "model", "", &model, where, e);
    if (!code)
        code = json_get_text(line, "model_b", "", &model_b, where, e);
    if (code)
        return code;
    if (*model_b && !*model)
        return err_set(e, ERR_INPUT, "%s: \"model_b\" gave b: which \"model\" gave a?", where);
    *p = (struct asked_pair){.prompt = (char *)texts[0], .a = (char *)texts[1], .b = (char *)texts[2],
                             .model = (char *)model,
                             .model_b = (char *)model_b};
    asked_pair_hash(p);
    return 0;
}

// Of the pair with that number in the run of --run.
static int save_asked(struct labelling *l, const json_t *line, const char *where, struct judgement *j, bool replace,
                      bool *again, bool *late, struct err *e)
{
    struct asked_pair p = {0};
    int code = json_get_int(line, "pair", 0, 1, INT64_MAX, &j->pair, where, e);
    if (code)
        return code;
    if (json_object_get(line, "prompt") || json_object_get(line, "a") || json_object_get(line, "b") ||
        json_object_get(line, "model") || json_object_get(line, "model_b"))
        return err_set(e, ERR_INPUT,
                       "%s: it has the number of a pair and texts as well: only one of them can say which", where);
    if (!l->has_run)
        return err_set(e, ERR_USAGE, "%s: pairs are numbered within their run: which one is --run?", where);
    code = l->look.reader ? 0 : look_refresh(&l->look, e); // its engine may have begun since
    if (!code && !l->look.reader)
        code = err_set(e, ERR_NOT_FOUND, "run %s has asked for nothing: no engine has taken it up", l->look.info.name);
    if (!code)
        code = run_reader_pair(l->look.reader, j->pair, &p, e);
    if (code)
        return err_prefix(e, "%s: ", where);
    *late = p.state != PAIR_WAITING;
    code = labels_add(l->store, l->look.info.name, &p, j, replace, again, e);
    asked_pair_fini(&p);
    return code ? err_prefix(e, "%s: ", where) : 0;
}

// One line: its answer is written when what it says is on the disk, or why not.
static int take_line(struct labelling *l, const char *text, size_t n, int64_t number, struct err *e)
{
    char where[64];
    json_t *line = NULL, *answer = json_object();
    struct judgement j = {0};
    bool again = false, late = false, replace = false;
    snprintf(where, sizeof where, "standard input:%lld", (long long)number);
    int code = json_parse(text, n, where, &line, e);
    const json_t *pair = json_object_get(line, "pair");
    if (!code)
        code = read_judgement(l, line, where, &j, &replace, e);
    if (!code && pair) {
        code = save_asked(l, line, where, &j, replace, &again, &late, e);
    } else if (!code) {
        struct asked_pair p;
        code = read_brought(line, where, &p, e);
        if (!code && labels_add(l->store, NULL, &p, &j, replace, &again, e))
            code = err_prefix(e, "%s: ", where);
    }
    if (!code || json_is_integer(pair))
        json_object_set_new(answer, "pair", code ? json_copy((json_t *)pair) : json_integer(j.pair));
    json_object_set_new(answer, "saved", json_boolean(!code));
    if (again)
        json_object_set_new(answer, "again", json_true());
    if (!code && late)
        json_object_set_new(answer, "late", json_true());
    if (code) {
        json_object_set_new(answer, "line", json_integer(number));
        json_object_set_new(answer, "error", look_json_text(e->text));
    }
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(answer);
    json_decref(line);
    return code;
}

// All lines; the first error that one was refused for.
static int take_all(struct labelling *l, struct err *e)
{
    enum { MAX_LINE = 16 << 20 };
    char *text = NULL;
    size_t cap = 0;
    ssize_t n;
    int first = 0;
    int64_t number = 0;
    while ((n = getline(&text, &cap, stdin)) >= 0) {
        struct err fault = {0};
        number++;
        if (strspn(text, " \t\r\n") == (size_t)n)
            continue;
        int code = n <= MAX_LINE ? take_line(l, text, (size_t)n, number, &fault)
                                 : err_set(&fault, ERR_LIMIT, "standard input:%lld: the line has more than 16 MiB",
                                           (long long)number);
        if (n > MAX_LINE)
            printf("{\"saved\":false,\"line\":%lld,\"error\":\"the line has more than 16 MiB\"}\n", (long long)number);
        if (code && !first) {
            first = code;
            *e = fault;
        }
        if (fflush(stdout) != 0) { // nobody hears whether it was saved
            if (!first)
                first = err_errno(e, "cannot answer");
            break;
        }
    }
    if (ferror(stdin) && !first)
        first = err_errno(e, "cannot read standard input");
    free(text);
    return first;
}

static const char *annotator_of(const struct args *a)
{
    const char *given = args_text(a, "annotator");
    return given ? given : labels_annotator();
}

// The page of the console; *a has --run or one word.
static int open_page(const struct args *a, struct err *e)
{
    const char *order = args_text(a, "order");
    struct label_options label = {.annotator = args_text(a, "annotator"), .set = args_text(a, "set"),
                                  .source = a->n_words ? a->words[0] : args_text(a, "run"),
                                  .repeats = settings_float(&a->settings, "repeats"), .checks = args_text(a, "checks"),
                                  .overlap = settings_float(&a->settings, "overlap"),
                                  .check_share = settings_float(&a->settings, "check-share"),
                                  .seed = (uint64_t)settings_int(&a->settings, "seed"), .order = LABEL_ORDERS};
    enum label_order chosen;
    if (order && label_order_from_name(order, &chosen))
        label.order = chosen;
    if (a->n_words && args_text(a, "run"))
        return err_set(e, ERR_USAGE, "--run and %s: only one of them can say whose pairs", a->words[0]);
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_set(e, ERR_USAGE, "there is no terminal for the console here; judgements as lines of JSON come with "
                                     "--stdin (\"attune label --help\" shows one)");
    const struct ui_options ui = {.project = args_project(a), .label = &label};
    return ui_console(&ui, e);
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct labelling l = {0};
    int status = 0;
    if (!args_open(&a, &command_label, argc, argv, 0, 1, &status))
        return status;
    const char *name = args_text(&a, "run");
    if (!settings_bool(&a.settings, "stdin")) {
        if (open_page(&a, &e))
            status = args_fail(&a, &e);
        args_close(&a);
        return status;
    }
    int code = a.n_words == 0 ? 0 : err_set(&e, ERR_USAGE, "with --stdin the run is --run %s", a.words[0]);
    if (!code)
        code = look_project(&a, true, &l.store, &e); // who brings pairs needs no run to have been there
    if (!code)
        code = labels_recover(l.store, NULL, &e);
    if (!code && name)
        code = look_open(&l.look, l.store, name, &e);
    l.has_run = !code && name;
    l.annotator = annotator_of(&a);
    if (!code && isatty(STDIN_FILENO))
        fprintf(stderr, "Reading judgements from the keyboard, one JSON object a line; Ctrl-D ends them.\n");
    if (!code)
        code = take_all(&l, &e);
    if (code)
        status = args_fail(&a, &e);
    look_close(&l.look);
    store_close(l.store);
    args_close(&a);
    return status;
}

static int run_undo(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct judgement undone = {0};
    int status = 0;
    if (!args_open(&a, &command_label_undo, argc, argv, 0, 0, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = labels_recover(s, NULL, &e);
    if (!code)
        code = labels_undo(s, args_text(&a, "run"), settings_int(&a.settings, "pair"), annotator_of(&a), &undone, &e);
    if (code)
        status = args_fail(&a, &e);
    else if (*undone.run)
        print_said("taken back: %s of pair %lld of run %s\n", verdict_name(undone.verdict), (long long)undone.pair,
                   undone.run);
    else
        print_said("taken back: %s of pair %lld of those that were brought\n", verdict_name(undone.verdict),
                   (long long)undone.pair);
    judgement_fini(&undone);
    store_close(s);
    args_close(&a);
    return status;
}
