// attune data import: what is in a file of preference data, or in each file of a folder.
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/data_summary.h"
#include "cli/piped.h"
#include "cli/print.h"
#include "corpus/lists.h"
#include "corpus/shards.h"
#include "text/tokenizer.h"

static int run_import(int argc, char **argv);

static const struct param import_options[] = {
    READING_PARAMS,
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e15, .unit = "rows", .group = "data",
     .help = "Reads at most so many rows; 0 reads all."},
    {.name = "out", .type = PARAM_PATH, .fallback = "", .group = "data",
     .help = "Writes the rows that can be used to this file, as JSON lines in Attune's own form."},
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .group = "data",
     .help = "Counts lengths in tokens of this model folder's tokenizer, of the texts alone; else in characters."},
    {.name = "held-out", .type = PARAM_PATH, .fallback = "", .group = "data",
     .help = "Another data file; says how many rows have a prompt that is in it as well."},
    LIST_PAIRING_PARAMS("Turns"),
    {0},
};

const struct command command_data_import = {
    .name = "data import",
    .synopsis = "attune data import FILE|FOLDER [--map NAMES] [--limit N] [--out FILE] [--pairs-from-lists HOW] [--json]",
    .summary = "Says what a data file is recognized as, and which rows are refused and why.",
    .help = "Reads .jsonl, .json, .csv, .tsv, .parquet and .txt (also .gz) in the shapes that preference data usually has: "
            "prompt, chosen and rejected; HH transcripts; message lists; instructions; labels; ranked lists; prompts; "
            "texts. Pairs may say how sure they are: \"share\" is the probability that the chosen answer is better, "
            "\"votes\" counts [for it, for the other, ties], \"annotator1\", ... say 1, 2 or 0 (a tie). Nothing is changed; "
            "training takes the file as it is, without the refused rows. Lengths, the share of pairs whose chosen answer is "
            "the longer one, and rows that are there twice or say the opposite of another are told as well. Of a folder it "
            "says what each file is; shards of one data set are one file.\n"
            "  attune data import pairs.jsonl\n"
            "  attune data import hh.jsonl.gz --out clean.jsonl\n"
            "  attune data import hh.jsonl.gz --tokenizer ./SmolLM2-135M --held-out hh-test.jsonl.gz\n"
            "  attune data import mine.jsonl --map prompt=question,chosen=better,rejected=worse\n"
            "  attune data import ultrafeedback.jsonl --pairs-from-lists best-worst --out pairs.jsonl",
    .options = import_options,
    .json = true,
    .run = run_import,
};

static void print_json(json_t *root)
{
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}

enum { MAX_FOLDERS = 8 }; // one in another

struct folder_table {
    const struct args *args;
    struct print_table table;
    json_t *all;
    int n_others; // files that are no data by their names
};

static json_t *file_json(const struct corpus *c)
{
    struct survey *s = survey_new(c, NULL);
    json_t *json = data_summary_json(c, s);
    survey_free(s);
    return json;
}

static void add_file(struct folder_table *t, const char *path, const char *name)
{
    const struct corpus_reading how = data_reading(t->args);
    struct corpus *c = NULL;
    struct err fault = {0};
    const int code = corpus_load_as(&c, path, (size_t)settings_int(&t->args->settings, "limit"), &how, &fault);
    json_array_append_new(t->all, code ? json_pack("{s:s, s:s}", "path", path, "error", fault.text) : file_json(c));
    print_table_cell(&t->table, -1, "%s", name);
    if (code) {
        print_table_cell(&t->table, -1, "%s", "");
        print_table_cell(&t->table, -1, "%s", "");
        print_table_cell(&t->table, PRINT_BAD, "%s", fault.text);
    } else {
        print_table_cell(&t->table, -1, "%zu", c->n_examples);
        print_table_cell(&t->table, -1, "%zu", c->n_refused);
        print_table_cell(&t->table, -1, "%s: %s", data_kind_name(c->kind), c->shape);
    }
    corpus_free(c);
}

// "train-*-of-00003*.parquet" of a shard's name; false of other names.
static bool shards_pattern(const char *name, struct str *pattern)
{
    const char *of = strstr(name, "-of-"), *number = of;
    while (number > name && isdigit((unsigned char)number[-1]))
        number--;
    const size_t digits = of ? strspn(of + 4, "0123456789") : 0;
    const char *ending = of ? strchr(of + 4 + digits, '.') : NULL;
    if (!of || number == of || number == name || number[-1] != '-' || !digits)
        return false;
    str_clear(pattern);
    str_addn(pattern, name, (size_t)(number - name));
    str_add(pattern, "*");
    str_addn(pattern, of, 4 + digits);
    str_addf(pattern, "*%s", ending ? ending : "");
    return true;
}

// inside: where `dir` is in the folder that was asked for; "" for that itself.
static int add_folder(struct folder_table *t, const char *dir, const char *inside, int depth, struct err *e)
{
    struct dirent **names = NULL;
    const int n = scandir(dir, &names, NULL, alphasort);
    int code = n < 0 ? err_errno(e, "cannot read the folder %s", dir) : 0;
    struct str pattern = {0}, before = {0};
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        if (shards_is_data(name) && shards_pattern(name, &pattern)) { // one line for all of a set
            const bool again = strcmp(str_text(&pattern), str_text(&before)) == 0;
            str_clear(&before);
            str_add(&before, str_text(&pattern));
            name = again ? "." : str_text(&before);
        }
        char *path = path_join(dir, name), *shown = path_join(inside, name);
        if (name[0] == '.' || code)
            ;
        else if (file_is_dir(path))
            code = depth < MAX_FOLDERS ? add_folder(t, path, shown, depth + 1, e) : 0;
        else if (shards_is_data(name) || text_ends(name, ".txt") || text_ends(name, ".ndjson"))
            add_file(t, path, shown);
        else
            t->n_others++;
        free(path);
        free(shown);
        free(names[i]);
    }
    free(names);
    str_fini(&pattern);
    str_fini(&before);
    return code;
}

// What each file of a folder is, a line each.
static int import_folder(const struct args *a, const char *dir, struct err *e)
{
    static const char *const titles[] = {"FILE", "EXAMPLES", "REFUSED", "WHAT IT IS"};
    struct folder_table t = {.args = a, .all = json_array()};
    const bool json = args_json(a);
    print_table_init(&t.table, isatty(STDOUT_FILENO) ? "lrrL" : "lrrl");
    for (int i = 0; i < 4; i++)
        print_table_cell(&t.table, PRINT_DIM, "%s", titles[i]);
    int code = add_folder(&t, dir, "", 0, e);
    const size_t n = json_array_size(t.all);
    print_table_end(&t.table, json || code || n == 0 ? NULL : stdout, print_width(stdout));
    if (!code && !json && n == 0)
        printf("There are no data in %s.\n", dir);
    if (!code && !json && t.n_others)
        printf("%d other %s no data by %s.\n", t.n_others, text_plural(t.n_others, "file is", "files are"),
               text_plural(t.n_others, "its name", "their names"));
    if (json && !code)
        print_json(json_incref(t.all));
    json_decref(t.all);
    return code;
}

// A folder with the shards of one data set, "train-00000-of-00003.parquet": one file to a run.
static bool is_one_set(const char *dir)
{
    struct shards shards;
    if (shards_find(&shards, dir, NULL))
        return false;
    const bool is = strstr(path_base(shards.paths[0]), "-of-") != NULL;
    shards_fini(&shards);
    return is;
}

// The texts in numbers, with the tokenizer and the other file that were given.
static int survey_file(const struct args *a, const struct corpus *c, struct survey **out, struct err *e)
{
    const char *dir = args_text(a, "tokenizer"), *other = args_text(a, "held-out");
    const struct corpus_reading how = data_reading(a);
    struct tokenizer *t = NULL;
    struct corpus *held_out = NULL;
    int code = dir ? tokenizer_load(&t, dir, e) : 0;
    if (!code && other)
        code = corpus_load_as(&held_out, other, 0, &how, e);
    if (!code)
        *out = survey_new(c, &(struct survey_options){.measure = t ? survey_tokens : NULL, .measure_with = t});
    if (held_out) {
        struct survey *theirs = survey_new(held_out, NULL);
        survey_share(*out, theirs);
        survey_free(theirs);
    }
    corpus_free(held_out);
    tokenizer_free(t);
    return code;
}

static int import_file(struct args *a, struct err *e)
{
    struct corpus *c = NULL;
    struct survey *s = NULL;
    const struct corpus_reading how = data_reading(a);
    const char *out = args_text(a, "out");
    int code = corpus_load_as(&c, a->words[0], (size_t)settings_int(&a->settings, "limit"), &how, e);
    if (!code)
        lists_to_pairs(c, list_pairing_from(&a->settings));
    if (!code)
        code = survey_file(a, c, &s, e);
    if (!code && out)
        code = corpus_write(c, out, e);
    if (!code && args_json(a))
        print_json(data_summary_json(c, s));
    else if (!code)
        data_summary_print(c, s);
    if (!code && out && !args_json(a))
        print_said("Written to %s: %zu %s\n", out, c->n_examples, text_plural((int64_t)c->n_examples, "row", "rows"));
    survey_free(s);
    corpus_free(c);
    return code;
}

static int run_import(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_data_import, argc, argv, 1, 1, &status))
        return status;
    if (piped_open(&a, true, &e) || (file_is_dir(a.words[0]) && !is_one_set(a.words[0]) ? import_folder(&a, a.words[0], &e)
                                                                                         : import_file(&a, &e)))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
