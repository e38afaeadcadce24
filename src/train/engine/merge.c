// attune-engine merge: several models or adapters over one base become one model.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/adapter.h"
#include "model/merge_folder.h"
#include "text/tokenizer.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"

static const char *const dtypes[] = {"base", "f32", "bf16", "f16", NULL};
const struct param engine_merge_params[] = {
    {.name = "base", .type = PARAM_PATH, .fallback = "",
     .help = "The model that all inputs started from; adapters alone name it themselves."},
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .help = "The tokenizer's folder, when it is not the model's."},
    {.name = "out", .type = PARAM_PATH, .help = "The folder to write; it must not exist yet."},
    {.name = "method", .type = PARAM_CHOICE, .fallback = "ties", .choices = merge_methods,
     .help = "How the inputs' changes of the base are combined."},
    {.name = "weights", .type = PARAM_TEXT, .fallback = "", .help = "One number an input, separated by commas."},
    {.name = "lambda", .type = PARAM_FLOAT, .fallback = "1", .min = -100, .max = 100,
     .help = "Scales the merged change."},
    {.name = "density", .type = PARAM_FLOAT, .fallback = "0.2", .min = 0, .max = 1,
     .help = "ties: the share of each tensor's change that is kept, by magnitude."},
    {.name = "drop", .type = PARAM_FLOAT, .fallback = "0.5", .min = 0, .max = 1,
     .help = "dare-ties: the probability with which a number of a change is dropped."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 4294967295.0,
     .help = "dare-ties: fixes what is dropped."},
    {.name = "dtype", .type = PARAM_CHOICE, .fallback = "base", .choices = dtypes,
     .help = "Number format of the weights."},
    {0}};

static int choice_of(const struct settings *s, const char *name, const char *const *choices)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], settings_text(s, name)) == 0)
            return i;
    BUG("%s is no choice of %s", settings_text(s, name), name);
}

// ---- vocabularies ----

static bool has_tokenizer(const char *dir)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer.json.gz", "vocab.json"};
    bool found = false;
    for (size_t i = 0; i < 3 && !found; i++) {
        char *path = path_join(dir, names[i]);
        found = file_exists(path);
        free(path);
    }
    return found;
}

static int same_vocabulary(const struct tokenizer *a, const char *a_dir, const struct tokenizer *b, const char *b_dir,
                           struct err *e)
{
    const int n = tokenizer_vocab_size(a), m = tokenizer_vocab_size(b);
    if (strcmp(tokenizer_hash(a), tokenizer_hash(b)) == 0)
        return 0;
    for (int id = 0; id < n || id < m; id++) {
        const char *x = tokenizer_token(a, id), *y = tokenizer_token(b, id);
        if (!x != !y || (x && strcmp(x, y) != 0))
            return err_set(e, ERR_USAGE,
                           "the vocabularies of %s and %s differ: token %d is \"%.40s\" in one and \"%.40s\" in the "
                           "other; models can be merged over one vocabulary only",
                           a_dir, b_dir, id, x ? x : "(none)", y ? y : "(none)");
    }
    return 0;
}

// Folders without a tokenizer are not compared.
static int check_vocabularies(const struct merge_job *job, struct err *e)
{
    struct tokenizer *first = NULL;
    const char *first_dir = NULL;
    int code = 0;
    for (int i = -2; i < job->options.n && !code; i++) {
        const char *dir = i == -2 ? job->tokenizer : i == -1 ? job->base : job->inputs[i];
        struct tokenizer *t = NULL;
        if (!dir || (i > -2 && !has_tokenizer(dir)))
            continue;
        code = tokenizer_load(&t, dir, e);
        if (!code && first)
            code = same_vocabulary(first, first_dir, t, dir, e);
        if (first) {
            tokenizer_free(t);
        } else {
            first = t;
            first_dir = dir;
        }
    }
    tokenizer_free(first);
    return code;
}

// ---- the command ----

// --base, or the base that the first adapter names.
static char *find_base(const struct settings *s, char **inputs, int n, struct err *e)
{
    char *found = *settings_text(s, "base") ? mem_strdup(settings_text(s, "base")) : NULL;
    for (int i = 0; i < n && !found; i++)
        found = adapter_base(inputs[i], NULL);
    if (!found)
        err_set(e, ERR_USAGE,
                "the base is missing: give --base the model that the others were fine-tuned from, because what is "
                "merged are their changes of it");
    return found;
}

static json_t *counts_json(const struct merge_counts *c)
{
    return json_pack("{s:f, s:f, s:f}", "sparsity", merge_sparsity(c), "l1_norm", c->l1, "sign_conflicts",
                     merge_conflicts(c));
}

static json_t *answer(const struct merge_job *job, const struct merge_result *r)
{
    const struct merge_options *o = &job->options;
    json_t *inputs = json_array();
    for (int i = 0; i < o->n; i++) {
        json_t *row = counts_json(&r->report.inputs[i]);
        json_object_set_new(row, "path", json_string(job->inputs[i]));
        json_object_set_new(row, "weight", json_real(o->weights[i]));
        json_object_set_new(row, "kept", json_real((double)r->report.inputs[i].n_kept / (double)r->report.inputs[i].n));
        json_array_append_new(inputs, row);
    }
    return json_pack("{s:s, s:s, s:s, s:f, s:o, s:o, s:i, s:I, s:I}", "path", job->out, "base", job->base, "method",
                     merge_methods[o->method], "lambda", o->lambda, "inputs", inputs, "result",
                     counts_json(&r->report.result), "tensors", r->n_tensors, "params", (json_int_t)r->n_params,
                     "memory_bytes", (json_int_t)r->memory);
}

int engine_merge(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct merge_result result;
    struct merge_job job = {.out = settings_text(s, "out"),
                            .inputs = (const char *const *)rest,
                            .tokenizer = *settings_text(s, "tokenizer") ? settings_text(s, "tokenizer") : NULL,
                            .dtype = (enum merge_dtype)choice_of(s, "dtype", dtypes),
                            .options = {.method = (enum merge_method)choice_of(s, "method", merge_methods),
                                        .n = n_rest,
                                        .lambda = settings_float(s, "lambda"),
                                        .density = settings_float(s, "density"),
                                        .drop = settings_float(s, "drop"),
                                        .seed = (uint64_t)settings_int(s, "seed")}};
    if (n_rest < 1 || n_rest > MERGE_MAX_INPUTS)
        return err_set(e, ERR_USAGE, "name 1 to %d models or adapters to merge", MERGE_MAX_INPUTS);
    for (int i = 0; i < n_rest; i++)
        if (!file_is_dir(rest[i]))
            return err_set(e, ERR_NOT_FOUND, "there is no model folder %s", rest[i]);
    int code = merge_weights(&job.options, settings_text(s, "weights"), e);
    if (!code)
        code = merge_check(&job.options, e);
    char *base = code ? NULL : find_base(s, rest, n_rest, e);
    if (!code && !base)
        code = ERR_USAGE;
    job.base = base;
    if (!code)
        code = check_vocabularies(&job, e);
    if (!code)
        code = merge_folders(&job, &result, e);
    if (!code)
        code = engine_print(answer(&job, &result), e);
    free(base);
    return code;
}
