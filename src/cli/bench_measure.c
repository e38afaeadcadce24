#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/bench.h"
#include "corpus/corpus.h"
#include "launch/engine.h"

// ---- the split ----

static int write_part(const struct corpus *c, const bool *held_out, bool which, int most, const char *path, int *n,
                      struct err *e)
{
    struct corpus part = *c;
    part.examples = mem_alloc(c->n_examples, sizeof *part.examples);
    part.n_examples = 0;
    for (size_t i = 0; i < c->n_examples; i++)
        if (held_out[i] == which && (!most || part.n_examples < (size_t)most))
            part.examples[part.n_examples++] = c->examples[i];
    *n = (int)part.n_examples;
    int code = file_exists(path) ? 0 : corpus_write(&part, path, e);
    free(part.examples);
    return code;
}

int bench_split(struct bench_data *d, const struct store *s, const struct settings *settings, struct err *e)
{
    const char *path = settings_text(settings, "data");
    struct corpus *c = NULL;
    struct sha256 hash;
    char hex[65], name[80];
    *d = (struct bench_data){0};
    int code = corpus_load(&c, path, (size_t)settings_int(settings, "max-rows"), e);
    if (code)
        return code;
    if (c->kind != DATA_PAIR) {
        code = err_set(e, ERR_USAGE, "objectives are compared on preference pairs, but %s holds %s", path,
                       data_kind_name(c->kind));
        corpus_free(c);
        return code;
    }
    const char *const facts[] = {"max-rows", "eval-share", "eval-rows", "seed"};
    sha256_init(&hash);
    sha256_add(&hash, c->hash, strlen(c->hash));
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        sha256_add(&hash, settings_text(settings, facts[i]), strlen(settings_text(settings, facts[i])) + 1);
    sha256_hex(&hash, hex);
    char *dir = path_join(store_dir(s), "bench");
    snprintf(name, sizeof name, "%.12s-train.jsonl", hex);
    d->train = path_join(dir, name);
    snprintf(name, sizeof name, "%.12s-held-out.jsonl", hex);
    d->held_out = path_join(dir, name);
    bool *held_out = mem_alloc(c->n_examples, sizeof *held_out);
    corpus_split(c, settings_float(settings, "eval-share"), (uint64_t)settings_int(settings, "seed"), held_out);
    for (size_t i = 0; i < c->n_examples; i++)
        d->is_chat = d->is_chat || c->examples[i].is_chat;
    code = file_make_dirs(dir, e);
    if (!code)
        code = write_part(c, held_out, false, 0, d->train, &d->n_train, e);
    if (!code)
        code = write_part(c, held_out, true, (int)settings_int(settings, "eval-rows"), d->held_out, &d->n_held_out, e);
    if (!code && (d->n_train == 0 || d->n_held_out == 0))
        code = err_set(e, ERR_INPUT, "%s: of %zu pairs %d are left to learn from and %d are held out; give more pairs, or "
                                     "another --eval-share or --seed", path, c->n_examples, d->n_train, d->n_held_out);
    free(held_out);
    free(dir);
    corpus_free(c);
    if (code)
        bench_data_fini(d);
    return code;
}

void bench_data_fini(struct bench_data *d)
{
    free(d->train);
    free(d->held_out);
    *d = (struct bench_data){0};
}

// ---- scores ----

void bench_scores_fini(struct bench_scores *s)
{
    free(s->chosen);
    free(s->rejected);
    *s = (struct bench_scores){0};
}

// Text as training makes it: data of messages by the run's template, plain prompts as they are.
static const char *template_for(const struct bench_data *d, const struct settings *settings)
{
    const char *given = settings_text(settings, "chat-template");
    const bool usual = strcmp(given, "auto") == 0 || strcmp(given, "plain") == 0;
    return usual && !d->is_chat ? "none" : given;
}

static int read_child(struct engine_child *child, struct str *out)
{
    char bytes[16384];
    ssize_t n;
    while ((n = read(child->out_fd, bytes, sizeof bytes)) > 0)
        str_addn(out, bytes, (size_t)n);
    return n < 0 ? ERR_IO : 0;
}

// The lines of `attune-engine score` as one array.
static int ask_engine(const char *model, const struct bench_data *d, const struct settings *settings, json_t **lines,
                      struct err *e)
{
    const char *const args[] = {"score",
                                "--model",
                                model,
                                "--data",
                                d->held_out,
                                "--tokenizer",
                                settings_text(settings, "tokenizer"),
                                "--chat-template",
                                template_for(d, settings),
                                "--device",
                                settings_text(settings, "device"),
                                "--precision",
                                settings_text(settings, "precision"),
                                "--threads",
                                settings_text(settings, "threads"),
                                NULL};
    struct engine_child child;
    struct str text = {0};
    int code = engine_child_start(&child, args, e);
    if (code)
        return code;
    const int cut = read_child(&child, &text);
    code = engine_child_end(&child, false, e);
    if (!code && cut)
        code = err_set(e, ERR_IO, "cannot read what attune-engine score says");
    json_t *all = json_array();
    for (const char *at = str_text(&text); !code && *at;) {
        const size_t n = strcspn(at, "\n");
        json_t *line = NULL;
        code = json_parse(at, n, "answer of attune-engine score", &line, e);
        if (!code)
            json_array_append_new(all, line);
        at += n + (at[n] == '\n');
    }
    str_fini(&text);
    if (code)
        json_decref(all);
    else
        *lines = all;
    return code;
}

// Ties, pairs that people found equally good, say nothing about right and wrong.
static int take_lines(struct bench_scores *s, const json_t *lines, struct err *e)
{
    const size_t n = json_array_size(lines);
    *s = (struct bench_scores){.chosen = mem_alloc(n + 1, sizeof *s->chosen),
                               .rejected = mem_alloc(n + 1, sizeof *s->rejected)};
    for (size_t i = 0; i < n; i++) {
        const json_t *responses = json_object_get(json_array_get(lines, i), "responses");
        const json_t *chosen = json_array_get(responses, 0), *rejected = json_array_get(responses, 1);
        s->scored = json_object_get(chosen, "score") != NULL;
        const char *key = s->scored ? "score" : "logp";
        if (!json_is_number(json_object_get(chosen, key)) || !json_is_number(json_object_get(rejected, key))) {
            bench_scores_fini(s);
            return err_set(e, ERR_INPUT,
                           "attune-engine score gave no two numbers for pair %zu; are both programs of one version?",
                           i + 1);
        }
        if (json_number_value(json_object_get(chosen, "label")) == json_number_value(json_object_get(rejected, "label")))
            continue;
        s->chosen[s->n] = json_number_value(json_object_get(chosen, key));
        s->rejected[s->n++] = json_number_value(json_object_get(rejected, key));
    }
    if (s->n)
        return 0;
    bench_scores_fini(s);
    return err_set(e, ERR_INPUT, "of %zu held-out pairs none has a better response", n);
}

int bench_score(struct bench_scores *out, const char *model, const struct bench_data *d, const struct settings *settings,
                const char *cache, struct err *e)
{
    json_t *known = NULL, *lines = NULL;
    int code = 0;
    // A cache of other pairs or of another checkpoint is only a reason to compute again.
    if (cache && json_read(cache, 1 << 28, &known, NULL) == 0) {
        const char *data = json_string_value(json_object_get(known, "data")),
                   *of = json_string_value(json_object_get(known, "model"));
        if (data && of && strcmp(data, d->held_out) == 0 && strcmp(of, model) == 0)
            lines = json_incref(json_object_get(known, "lines"));
        json_decref(known);
    }
    const bool fresh = !lines;
    if (fresh)
        code = ask_engine(model, d, settings, &lines, e);
    if (!code)
        code = take_lines(out, lines, e);
    if (!code && fresh && cache) {
        json_t *keep = json_pack("{s:s, s:s, s:O}", "data", d->held_out, "model", model, "lines", lines);
        code = keep ? json_write(cache, keep, e) : 0; // a path that is no UTF-8 is not kept
        json_decref(keep);
        if (code)
            bench_scores_fini(out);
    }
    json_decref(lines);
    return code;
}

// ---- a run's numbers ----

// The first and the last value of a metric and the sum of all; NaN and 0 without any.
static int read_metric(struct look *l, const char *key, double *first, double *last, double *sum, struct err *e)
{
    struct metric_point *points = NULL;
    int64_t cursor = 0;
    int n = 0;
    *first = *last = NAN;
    *sum = 0;
    int code = run_reader_points(l->reader, key, &cursor, &points, &n, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++)
        *sum += points[i].value;
    if (n) {
        *first = points[0].value;
        *last = points[n - 1].value;
    }
    free(points);
    return 0;
}

static char *last_checkpoint(struct look *l, struct err *e)
{
    struct run_checkpoint *list = NULL;
    int n = 0;
    char *path = NULL;
    if (run_reader_checkpoints(l->reader, &list, &n, e))
        return NULL;
    if (n)
        path = path_join(l->dir, list[n - 1].path);
    else
        err_set(e, ERR_STATE, "run %s keeps no checkpoint", l->info.name);
    run_checkpoints_free(list, n);
    return path;
}

// Its answers are letters, and its responses have no probability of their own.
static int own_judgement(struct bench_row *row, struct look *l, struct err *e)
{
    double ignored;
    row->scored = true;
    row->chosen = row->rejected = NAN;
    int code = read_metric(l, "eval/rewards/accuracies", &ignored, &row->accuracy, &ignored, e);
    return code ? code : read_metric(l, "eval/rewards/margins", &ignored, &row->margin, &ignored, e);
}

// A tie counts half.
static void compare(struct bench_row *row, const struct bench_scores *end, const struct bench_scores *start)
{
    row->scored = end->scored;
    row->accuracy = row->margin = row->chosen = row->rejected = 0;
    for (int i = 0; i < end->n; i++) {
        const double chosen = end->chosen[i] - (end->scored ? 0 : start->chosen[i]);
        const double rejected = end->rejected[i] - (end->scored ? 0 : start->rejected[i]);
        row->accuracy += (chosen > rejected ? 1 : chosen == rejected ? 0.5 : 0) / end->n;
        row->margin += (chosen - rejected) / end->n;
        row->chosen += chosen / end->n;
        row->rejected += rejected / end->n;
    }
    if (end->scored)
        row->chosen = row->rejected = NAN;
}

int bench_measure(struct bench_row *row, struct look *l, const struct bench_data *d, const struct bench_scores *start,
                  const struct settings *settings, struct err *e)
{
    struct bench_scores end = {0};
    double ignored;
    char *checkpoint = last_checkpoint(l, e);
    if (!checkpoint)
        return e->code;
    char *cache = path_join(l->dir, "held-out.json");
    int code = row->compares ? own_judgement(row, l, e) : bench_score(&end, checkpoint, d, settings, cache, e);
    if (!code && !row->compares && end.n != start->n)
        code = err_set(e, ERR_INPUT, "run %s was scored on %d held-out pairs, its start on %d", l->info.name, end.n,
                       start->n);
    if (!code && !row->compares)
        compare(row, &end, start);
    if (!code)
        code = read_metric(l, "kl", &ignored, &row->kl, &ignored, e);
    if (!code)
        code = read_metric(l, "completions/mean_length", &row->length_before, &row->length, &ignored, e);
    if (!code)
        code = read_metric(l, "step_s", &ignored, &ignored, &row->seconds, e);
    if (row->seconds == 0) // another kind of training, which records no steps of its own
        row->seconds = NAN;
    bench_scores_fini(&end);
    free(cache);
    free(checkpoint);
    return code;
}
