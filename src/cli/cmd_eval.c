// attune eval: a model or a run's checkpoints, measured on held-out prompts.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/child_lines.h"
#include "cli/eval_print.h"
#include "cli/look.h"
#include "cli/piped.h"
#include "cli/print.h"
#include "cli/source.h"
#include "store/eval_file.h"

static const struct param options[] = {
    SOURCE_OPTIONS,
    {.name = "checkpoint", .type = PARAM_TEXT, .fallback = "", .group = "model",
     .help = "Which one of the run, by its name or step: step-200 or 200; unset: the newest."},
    {.name = "curve", .type = PARAM_BOOL, .fallback = "no",
     .help = "Measures all kept checkpoints of the run and shows their rewards over their distance from the reference."},
    {.name = "list", .type = PARAM_BOOL, .fallback = "no",
     .help = "Shows what has been measured of the named runs instead."},
    {.name = "data", .type = PARAM_PATH, .fallback = "", .group = "prompts",
     .help = "A file with prompts, of any layout; unset: the rows that the run holds out."},
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9, .group = "prompts",
     .help = "At most so many rows of that file are read; 0: all."},
    {.name = "rows", .type = PARAM_INT, .fallback = "128", .min = 1, .max = 1000000, .unit = "prompts", .group = "prompts",
     .help = "How many different prompts are answered, the first ones."},
    {.name = "samples", .type = PARAM_INT, .fallback = "2", .min = 1, .max = 256, .unit = "answers", .group = "answers",
     .help = "Answers to each; the preference matching divergence needs two."},
    {.name = "max-tokens", .type = PARAM_INT, .fallback = "128", .min = 1, .max = 1048576, .unit = "tokens",
     .group = "answers",
     .help = "Longest answer."},
    {.name = "temperature", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 100, .group = "answers",
     .help = "Of the answers; 0: the likeliest token. KL and entropy are estimates of the model's own only at 1."},
    {.name = "top-p", .type = PARAM_FLOAT, .fallback = "1", .min = 0.0001, .max = 1, .group = "answers",
     .help = "Only the likeliest tokens with this share together."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 4294967295.0, .group = "answers",
     .help = "Fixes the answers."},
    {.name = "reference", .type = PARAM_PATH, .fallback = "", .group = "compared with",
     .help = "The model for KL and win rate, a folder or RUN[@STEP]; unset: what the run started from; none: without."},
    {.name = "reward-model", .type = PARAM_PATH, .fallback = "", .group = "compared with",
     .help = "A reward model that scores the answers, a folder or RUN[@STEP]; unset: the run's own; none: without."},
    {.name = "gold-model", .type = PARAM_PATH, .fallback = "", .group = "compared with",
     .help = "A second judge, which the training did not see; unset: the run's watch-model; none: without."},
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1e6, .group = "compared with",
     .help = "What rewards are divided by in the preference matching divergence; 0: the run's beta, else 1."},
    {.name = "styles", .type = PARAM_BOOL, .fallback = "no",
     .help = "Counts the styles of the demo's stories, whose true shares are known."},
    {.name = "details", .type = PARAM_BOOL, .fallback = "no", .help = "With --json every answer too, with its numbers."},
    TEXT_OPTIONS,
    {0},
};

static int run(int argc, char **argv);

const struct command command_eval = {
    .changes = true,
    .name = "eval",
    .synopsis = "attune eval (--model DIR | --run NAME [--checkpoint step-N] [--curve] | --list RUN...) [--data FILE] "
                "[--reward-model DIR] [--json]",
    .summary = "Measures a model on held-out prompts.",
    .help = "It answers the prompts; of the answers are told: their reward and how often they win against those of the "
            "reference, the preference matching divergence, KL to the reference, entropy, perplexity, length, variety and "
            "the demo's styles, with 95 % intervals. The same seed gives the same numbers. What is measured of a run's "
            "checkpoint is kept beside it (eval.json) and shown by --list, by \"attune show\" and by the console (E).\n\n"
            "Intervals know that answers to one prompt belong together: of means the normal one over prompts, of shares "
            "Wilson's with as many trials as prompts.\n\n"
            "  attune eval --run ppo-1 --reward-model rm-1 --rows 200\n"
            "  attune eval --run ppo-1 --curve --reward-model rm-1 --gold-model rm-2\n"
            "  attune eval --model models/demo --data prompts.jsonl --styles\n"
            "  attune eval --list ppo-1 pm-rlhf-1",
    .options = options,
    .json = true,
    .run = run,
};

// ---- asking ----

struct listener {
    json_t *evaluation, *answers; // answers NULL: nobody wants them
    char said[64];                // the progress that was told last
    bool is_terminal, open_line;
};

// On a terminal one line that counts; elsewhere a line for each thing that is done.
static void say_progress(struct listener *l, const json_t *row)
{
    const char *what = json_string_value(json_object_get(row, "progress"));
    if (!what)
        return;
    if (l->is_terminal) {
        fprintf(stderr, "\r\x1b[K%s: %lld/%lld", what, (long long)json_integer_value(json_object_get(row, "done")),
                (long long)json_integer_value(json_object_get(row, "all")));
        l->open_line = true;
    } else if (strcmp(what, l->said) != 0) {
        fprintf(stderr, "%s\n", what);
    }
    text_copy(l->said, sizeof l->said, what);
}

static int take_row(void *arg, const json_t *row, struct err *e)
{
    struct listener *l = arg;
    json_t *evaluation = json_object_get(row, "evaluation"), *answer = json_object_get(row, "answer");
    if (evaluation)
        l->evaluation = json_incref(evaluation);
    else if (answer && l->answers)
        json_array_append(l->answers, answer);
    else
        say_progress(l, row);
    return 0;
}

// Folders of models that are named by a run.
static int find_others(const struct args *a, char *found[3], struct err *e)
{
    static const char *const names[] = {"reference", "reward-model", "gold-model"};
    int code = 0;
    for (int i = 0; i < 3 && !code; i++) {
        const char *word = settings_text(&a->settings, names[i]);
        if (strcmp(word, "none") == 0)
            found[i] = mem_strdup(word);
        else if (*word)
            code = source_model(a, word, &found[i], e);
        if (code)
            err_prefix(e, "--%s: ", names[i]);
    }
    return code;
}

// *out: {"how", "of", "measures"} and with details "answers"; kept beside the model where that is a checkpoint.
static int measure(const struct args *a, const char *dir, char *const others[3], json_t **out, struct err *e)
{
    static const char *const other_flags[] = {"--reference", "--reward-model", "--gold-model"};
    static const char *const flags[] = {"--data", "--limit", "--rows", "--samples", "--max-tokens", "--temperature",
                                        "--top-p", "--seed",
                                        "--beta", "--styles", "--details"};
    enum { N_FLAGS = sizeof flags / sizeof *flags };
    const char *argv[3 + 6 + 2 * N_FLAGS + TEXT_ARGS + 1] = {"eval", "--model", dir};
    struct listener l = {.answers = settings_bool(&a->settings, "details") ? json_array() : NULL,
                         .is_terminal = isatty(STDERR_FILENO)};
    char *facts = path_join(dir, "state.json");
    int n = 3;
    for (int i = 0; i < 3; i++)
        if (others[i]) {
            argv[n++] = other_flags[i];
            argv[n++] = others[i];
        }
    for (int i = 0; i < N_FLAGS; i++) {
        argv[n++] = flags[i];
        argv[n++] = settings_text(&a->settings, flags[i] + 2);
    }
    source_pass_text(a, argv, n);
    int code = child_lines(argv, take_row, &l, e);
    if (l.open_line)
        fputs("\r\x1b[K", stderr);
    if (!code && !l.evaluation)
        code = err_set(e, ERR_FAIL, "the engine ended without an evaluation");
    if (!code && file_exists(facts))
        code = eval_file_put(dir, l.evaluation, e);
    if (!code) {
        *out = json_copy(l.evaluation);
        if (l.answers)
            json_object_set(*out, "answers", l.answers);
    }
    json_decref(l.evaluation);
    json_decref(l.answers);
    free(facts);
    return code;
}

// ---- runs ----

// The kept checkpoints of a run.
struct kept {
    char *name;
    int64_t *steps;
    char **dirs;
    int n;
};

static int find_kept(const struct args *a, const char *name, struct kept *k, struct err *e)
{
    struct store *s = NULL;
    struct look l = {0};
    struct run_checkpoint *list = NULL;
    int n = 0, code = look_project(a, false, &s, e);
    *k = (struct kept){.name = mem_strdup(name)};
    if (!code)
        code = look_open(&l, s, name, e);
    if (!code && l.reader)
        code = run_reader_checkpoints(l.reader, &list, &n, e);
    k->steps = mem_alloc((size_t)n + 1, sizeof *k->steps);
    k->dirs = mem_alloc((size_t)n + 1, sizeof *k->dirs);
    for (int i = 0; i < n && !code; i++) {
        char *dir = path_join(l.dir, list[i].path);
        if (file_is_dir(dir)) {
            k->steps[k->n] = list[i].step;
            k->dirs[k->n++] = dir;
        } else {
            free(dir);
        }
    }
    if (!code && !k->n)
        code = source_no_checkpoint(&l.info, e);
    run_checkpoints_free(list, n);
    look_close(&l);
    store_close(s);
    return code;
}

static void kept_fini(struct kept *k)
{
    for (int i = 0; i < k->n; i++)
        free(k->dirs[i]);
    free(k->dirs);
    free(k->steps);
    free(k->name);
}

static json_t *named(const struct kept *k, int i, json_t *evaluation)
{
    json_t *row = json_pack("{s:s, s:I}", "run", k->name, "step", (json_int_t)k->steps[i]);
    json_object_update(row, evaluation);
    return row;
}

static int show_list(const struct args *a, json_t **rows, struct err *e)
{
    struct store *s = NULL;
    int code = look_project(a, false, &s, e);
    *rows = json_array();
    for (int w = 0; w < a->n_words && !code; w++) {
        struct look l = {0};
        code = look_open(&l, s, a->words[w], e);
        if (!code)
            code = eval_file_list(l.dir, l.info.name, *rows, e);
        look_close(&l);
    }
    store_close(s);
    if (code || args_json(a))
        return code;
    if (json_array_size(*rows))
        eval_print_list(*rows, true);
    else
        puts("Nothing has been measured of the kept checkpoints: attune eval --run NAME does it.");
    return 0;
}

static int measure_curve(const struct args *a, char *const others[3], json_t **rows, struct err *e)
{
    const char *name = args_text(a, "run");
    struct kept k = {0};
    int code = 0;
    *rows = json_array();
    if (!name || strchr(name, '@') || args_text(a, "checkpoint") || args_text(a, "model"))
        return err_set(e, ERR_USAGE, "--curve measures all kept checkpoints of one run: name it with --run NAME alone");
    code = find_kept(a, name, &k, e);
    for (int i = 0; i < k.n && !code; i++) {
        json_t *one = NULL;
        fprintf(stderr, "step %lld (%d of %d)\n", (long long)k.steps[i], i + 1, k.n);
        code = measure(a, k.dirs[i], others, &one, e);
        if (!code)
            json_array_append_new(*rows, named(&k, i, one));
        json_decref(one);
    }
    kept_fini(&k);
    if (!code && !args_json(a))
        eval_print_curve(*rows);
    return code;
}

static int measure_one(const struct args *a, char *const others[3], json_t **out, struct err *e)
{
    const char *name = args_text(a, "run"), *checkpoint = args_text(a, "checkpoint");
    char *dir = NULL;
    int code = 0;
    if (checkpoint && (!name || strchr(name, '@'))) {
        code = err_set(e, ERR_USAGE, "--checkpoint says which one of a run: give --run NAME with it");
    } else if (checkpoint) {
        struct str at = {0};
        str_addf(&at, "%s@%s", name, text_starts(checkpoint, "step-") ? checkpoint + 5 : checkpoint);
        code = source_checkpoint(a, str_text(&at), &dir, e);
        str_fini(&at);
    } else {
        code = source_folder(a, &dir, e);
    }
    if (!code)
        code = measure(a, dir, others, out, e);
    if (!code && !args_json(a))
        eval_print(*out);
    free(dir);
    return code;
}

static int eval(struct args *a, json_t **out, struct err *e)
{
    char *others[3] = {NULL, NULL, NULL};
    const bool list = settings_bool(&a->settings, "list");
    if (list && (a->n_words == 0 || args_text(a, "run") || args_text(a, "model")))
        return err_set(e, ERR_USAGE, "name the runs whose evaluations are to be listed: attune eval --list RUN...");
    if (list)
        return show_list(a, out, e);
    if (a->n_words)
        return err_set(e, ERR_USAGE, "\"%s\" is one word too many: the model is named by --model DIR or --run NAME",
                       a->words[0]);
    if (settings_bool(&a->settings, "details") && !args_json(a))
        return err_set(e, ERR_USAGE, "--details are for programs: give --json with it");
    int code = piped_open(a, false, e);
    if (!code)
        code = find_others(a, others, e);
    if (!code)
        code = settings_bool(&a->settings, "curve") ? measure_curve(a, others, out, e) : measure_one(a, others, out, e);
    for (int i = 0; i < 3; i++)
        free(others[i]);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    json_t *out = NULL;
    int status = 0;
    if (!args_open(&a, &command_eval, argc, argv, 0, -1, &status))
        return status;
    if (eval(&a, &out, &e))
        status = args_fail(&a, &e);
    else if (args_json(&a))
        look_print_json(json_incref(out));
    json_decref(out);
    args_close(&a);
    return status;
}
