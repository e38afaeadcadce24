// attune data import|show: what is in a file of preference data.
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
#include "cli/args.h"
#include "cli/piped.h"
#include "cli/print.h"
#include "corpus/corpus.h"
#include "corpus/lists.h"
#include "corpus/shards.h"

static int run_import(int argc, char **argv);
static int run_show(int argc, char **argv);

#define READING_PARAMS                                                                                                  \
    {.name = "map", .type = PARAM_TEXT, .fallback = "", .group = "data",                                                \
     .help = "Which member of a row is what, where the names do not say it: prompt=question,chosen=better,rejected=worse. " \
             "Paths lead into members: prompt=question.text."},                                                         \
    {.name = "label-from", .type = PARAM_TEXT, .fallback = "", .group = "data",                                         \
     .help = "Which of several labels counts, such as safer (instead of better) or correctness."}

static const struct param import_options[] = {
    READING_PARAMS,
    {.name = "limit", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e15, .unit = "rows", .group = "data",
     .help = "Reads at most so many rows; 0 reads all."},
    {.name = "out", .type = PARAM_PATH, .fallback = "", .group = "data",
     .help = "Writes the rows that can be used to this file, as JSON lines in Attune's own form."},
    LIST_PAIRING_PARAMS("Turns"),
    {0},
};
static const struct param show_options[] = {
    READING_PARAMS,
    {.name = "row", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 1e15, .group = "data",
     .help = "Which of the rows that can be used, counted from 1."},
    {0},
};

const struct command command_data_import = {
    .name = "data import",
    .synopsis = "attune data import FILE|FOLDER [--map NAMES] [--limit N] [--out FILE] [--pairs-from-lists HOW] [--json]",
    .summary = "Says what a data file is recognized as, and which rows are refused and why.",
    .help = "Reads .jsonl, .json, .csv, .tsv, .parquet and .txt (also .gz) in the shapes that preference data usually has: prompt, chosen "
            "and rejected; HH transcripts; message lists; instructions; labels; ranked lists; prompts; texts. Pairs "
            "may say how sure they are: \"share\" is the probability that the chosen answer is better, \"votes\" "
            "counts [for it, for the other, ties], \"annotator1\", ... say 1, 2 or 0 (a tie). Nothing is changed; "
            "training takes the file as it is, without the refused rows. Of a folder it says what each file is; shards of one data set are one file.\n"
            "  attune data import pairs.jsonl\n"
            "  attune data import hh.jsonl.gz --out clean.jsonl\n"
            "  attune data import mine.jsonl --map prompt=question,chosen=better,rejected=worse\n"
            "  attune data import ultrafeedback.jsonl --pairs-from-lists best-worst --out pairs.jsonl",
    .options = import_options,
    .json = true,
    .run = run_import,
};
const struct command command_data_show = {
    .name = "data show",
    .synopsis = "attune data show FILE [N] [--map NAMES] [--json]",
    .summary = "Shows one row of a data file as Attune understands it.",
    .help = "Rows are counted without the refused ones; \"attune data import\" lists those.",
    .options = show_options,
    .json = true,
    .run = run_show,
};

struct lengths {
    double mean;
    size_t max;
};

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

// part -1: the prompts; 0, 1: those responses; 2: all responses.
static struct lengths measure(const struct corpus *c, int part)
{
    struct lengths l = {0};
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < c->n_examples; i++) {
        const struct example *x = &c->examples[i];
        size_t prompt = 0;
        for (int t = 0; t < x->n_turns && part < 0; t++)
            prompt += characters(x->turns[t].text);
        int n = part < 0 ? 1 : x->n_responses;
        for (int r = 0; r < n; r++) {
            if (part == 0 || part == 1 ? r != part : false)
                continue;
            size_t length = part < 0 ? prompt : characters(x->responses[r].text);
            sum += (double)length;
            count++;
            l.max = length > l.max ? length : l.max;
        }
    }
    l.mean = count ? sum / (double)count : 0;
    return l;
}

static const struct length_part {
    const char *name;
    int part;
    int kinds; // enum data_kind
} length_parts[] = {
    {"prompt", -1, DATA_SFT | DATA_PAIR | DATA_BINARY | DATA_LIST | DATA_PROMPT},
    {"chosen", 0, DATA_PAIR},
    {"rejected", 1, DATA_PAIR},
    {"response", 2, DATA_SFT | DATA_BINARY | DATA_LIST},
};
enum { N_LENGTH_PARTS = sizeof length_parts / sizeof *length_parts };

// Pairs whose votes say less than that the chosen answer is better.
static void count_votes(const struct corpus *c, size_t *ties, size_t *split)
{
    *ties = *split = 0;
    for (size_t i = 0; c->kind == DATA_PAIR && i < c->n_examples; i++) {
        *ties += pair_is_tie(&c->examples[i]);
        *split += !pair_is_tie(&c->examples[i]) && c->examples[i].responses[0].score < 1;
    }
}

static json_t *lists_json(const struct corpus *c)
{
    struct list_summary s;
    lists_summarize(c, &s);
    return json_pack("{s:I, s:i, s:i, s:I, s:I, s:I}", "responses", (json_int_t)s.n_responses, "shortest", s.shortest,
                     "longest", s.longest, "ordered_pairs", (json_int_t)s.n_pairs, "ties", (json_int_t)s.n_ties,
                     "lists_with_ties", (json_int_t)s.n_with_ties);
}

static void print_lists(const struct corpus *c)
{
    struct list_summary s;
    lists_summarize(c, &s);
    if (s.shortest == s.longest)
        printf("%zu %s of %d %s: ", c->n_examples,
               text_plural((int64_t)c->n_examples, "list", "lists"), s.longest,
               text_plural(s.longest, "response", "responses"));
    else
        printf("%zu lists of %d to %d responses, %.1f on average: ", c->n_examples, s.shortest, s.longest,
               (double)s.n_responses / (double)c->n_examples);
    printf("%zu %s with an order, %zu %s in %zu %s\n", s.n_pairs,
           text_plural((int64_t)s.n_pairs, "pair", "pairs"), s.n_ties, text_plural((int64_t)s.n_ties, "tie", "ties"),
           s.n_with_ties, text_plural((int64_t)s.n_with_ties, "list", "lists"));
}

static json_t *fields_json(const struct corpus *c, bool used)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_fields; i++)
        if (c->fields[i].used == used)
            json_array_append_new(list, json_string(c->fields[i].name));
    return list;
}

static void print_fields(const struct corpus *c, bool used)
{
    struct str line = {0};
    for (size_t i = 0; i < c->n_fields; i++) {
        const struct corpus_field *f = &c->fields[i];
        if (f->used != used)
            continue;
        str_add(&line, line.len ? ", " : "");
        str_add_visible(&line, f->name, strlen(f->name), false);
        if (f->meant)
            str_addf(&line, " (did you mean %s?)", f->meant);
    }
    if (line.len) {
        printf("  %-9s ", used ? "read" : "not read");
        print_wrapped(stdout, str_text(&line), 12, 12, print_width(stdout));
    }
    str_fini(&line);
}

static json_t *import_json(const struct corpus *c)
{
    size_t ties, split;
    count_votes(c, &ties, &split);
    json_t *refused = json_array(), *lengths = json_object();
    for (size_t i = 0; i < c->n_refused; i++)
        json_array_append_new(refused, json_pack("{s:I, s:s}", "line", (json_int_t)c->refused[i].line, "reason",
                                                 c->refused[i].reason));
    for (int i = 0; i < N_LENGTH_PARTS; i++) {
        if (!(length_parts[i].kinds & (int)c->kind))
            continue;
        struct lengths l = measure(c, length_parts[i].part);
        json_object_set_new(lengths, length_parts[i].name,
                            json_pack("{s:f, s:I}", "mean", l.mean, "max", (json_int_t)l.max));
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:s}", "path", c->path, "shape", c->shape, "kind",
                             data_kind_name(c->kind), "rows", (json_int_t)c->n_rows, "examples",
                             (json_int_t)c->n_examples, "characters", lengths, "refused", refused, "sha256", c->hash);
    if (c->kind == DATA_PAIR) {
        json_object_set_new(root, "ties", json_integer((json_int_t)ties));
        json_object_set_new(root, "split_votes", json_integer((json_int_t)split));
    }
    if (c->kind == DATA_LIST)
        json_object_set_new(root, "lists", lists_json(c));
    json_object_set_new(root, "fields_read", fields_json(c, true));
    json_object_set_new(root, "fields_not_read", fields_json(c, false));
    return root;
}

static void print_json(json_t *root)
{
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}

// A line for a row, or, of many, one for each reason.
static void print_refused(const struct corpus *c)
{
    enum { EACH = 20, MOST = 64 };
    struct refusal reasons[MOST];
    const int n = c->n_refused > EACH ? corpus_refusals(c, reasons, MOST) : 0;
    if (c->n_refused)
        printf("Refused:\n");
    for (size_t i = 0; !n && i < c->n_refused; i++) {
        const char *file = c->refused[i].file;
        printf("  %s%s%s %lld: ", file ? file : "", file ? ", " : "", c->unit, (long long)c->refused[i].line);
        print_visible(stdout, c->refused[i].reason, 0);
        putchar('\n');
    }
    for (int i = 0; i < n; i++) {
        printf("  %zu %s, the first in %s%s%s %lld: ", reasons[i].n, text_plural((int64_t)reasons[i].n, "row", "rows"),
               reasons[i].file ? reasons[i].file : "", reasons[i].file ? ", " : "", c->unit, (long long)reasons[i].line);
        print_visible(stdout, reasons[i].reason, 0);
        putchar('\n');
    }
    if (c->all_refused)
        printf("Among them are %s.\n", c->all_refused);
}

static void print_import(const struct corpus *c)
{
    printf("%s%s%s: %s\n", print_on(stdout, PRINT_BOLD), data_kind_name(c->kind), print_off(stdout), c->shape);
    printf("%zu %s read, %zu %s, %zu %s refused\n", c->n_rows, text_plural((int64_t)c->n_rows, "row", "rows"),
           c->n_examples, text_plural((int64_t)c->n_examples, "example", "examples"), c->n_refused,
           text_plural((int64_t)c->n_refused, "row", "rows"));
    if (c->kind == DATA_LIST)
        print_lists(c);
    size_t ties, split;
    count_votes(c, &ties, &split);
    if (ties || split)
        printf("%zu %s and %zu %s; reward models learn from both, other objectives leave ties out\n", ties,
               text_plural((int64_t)ties, "tie", "ties"), split,
               text_plural((int64_t)split, "split vote", "split votes"));
    for (int i = 0; i < N_LENGTH_PARTS; i++) {
        struct lengths l = {0};
        if (length_parts[i].kinds & (int)c->kind)
            l = measure(c, length_parts[i].part);
        if (l.max)
            printf("  %-9s %.0f characters on average, %zu at most\n", length_parts[i].name, l.mean, l.max);
    }
    print_fields(c, true);
    print_fields(c, false);
    print_refused(c);
}

static struct corpus_reading reading_of(const struct args *a)
{
    return (struct corpus_reading){settings_text(&a->settings, "map"), settings_text(&a->settings, "label-from")};
}

enum { MAX_FOLDERS = 8 }; // one in another

struct folder_table {
    const struct args *args;
    struct print_table table;
    json_t *all;
    int n_others; // files that are no data by their names
};

static void add_file(struct folder_table *t, const char *path, const char *name)
{
    const struct corpus_reading how = reading_of(t->args);
    struct corpus *c = NULL;
    struct err fault = {0};
    const int code = corpus_load_as(&c, path, (size_t)settings_int(&t->args->settings, "limit"), &how, &fault);
    json_array_append_new(t->all, code ? json_pack("{s:s, s:s}", "path", path, "error", fault.text) : import_json(c));
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

static int import_file(struct args *a, struct err *e)
{
    struct corpus *c = NULL;
    const struct corpus_reading how = reading_of(a);
    const char *out = args_text(a, "out");
    int code = corpus_load_as(&c, a->words[0], (size_t)settings_int(&a->settings, "limit"), &how, e);
    if (!code)
        lists_to_pairs(c, list_pairing_from(&a->settings));
    if (!code && out)
        code = corpus_write(c, out, e);
    if (!code && args_json(a))
        print_json(import_json(c));
    else if (!code)
        print_import(c);
    if (!code && out && !args_json(a))
        printf("Written to %s: %zu %s\n", out, c->n_examples, text_plural((int64_t)c->n_examples, "row", "rows"));
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
    if (piped_open(&a, true, &e) || (file_is_dir(a.words[0]) && !is_one_set(a.words[0]) ? import_folder(&a, a.words[0], &e) : import_file(&a, &e)))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}

static void print_block(const char *title, enum print_style style, const char *text)
{
    struct str s = {0};
    str_add_visible(&s, text, strlen(text), true);
    printf("%s%s%s\n%s\n", print_on(stdout, style), title, print_off(stdout), str_text(&s));
    str_fini(&s);
}

static void print_example(const struct corpus *c, size_t i)
{
    const struct example *x = &c->examples[i];
    printf("row %zu of %zu, line %lld\n", i + 1, c->n_examples, (long long)x->line);
    if (x->tools)
        print_block("tools", PRINT_BOLD, x->tools);
    for (int t = 0; t < x->n_turns; t++) {
        if (x->is_chat || x->turns[t].text[0])
            print_block(x->is_chat ? x->turns[t].role : "prompt", PRINT_BOLD, x->turns[t].text);
        if (x->turns[t].json)
            print_block("  with", PRINT_DIM, x->turns[t].json);
    }
    for (int r = 0; r < x->n_responses; r++) {
        double score = x->responses[r].score;
        char title[64] = "text";
        if (c->kind == DATA_PAIR && pair_is_tie(x))
            snprintf(title, sizeof title, "one of a tie");
        else if (c->kind == DATA_PAIR && x->responses[0].score < 1)
            snprintf(title, sizeof title, "%s (%.0f %% of the votes)", r == 0 ? "chosen" : "rejected", 100 * score);
        else if (c->kind == DATA_PAIR)
            snprintf(title, sizeof title, "%s", r == 0 ? "chosen" : "rejected");
        else if (c->kind == DATA_BINARY)
            snprintf(title, sizeof title, "%s", score > 0 ? "good" : "bad");
        else if (c->kind == DATA_LIST)
            snprintf(title, sizeof title, "score %g", score);
        bool low = (c->kind == DATA_PAIR && r == 1) || (c->kind == DATA_BINARY && score <= 0);
        print_block(title, low ? PRINT_BAD : PRINT_GOOD, x->responses[r].text);
        if (x->responses[r].json)
            print_block("  with", PRINT_DIM, x->responses[r].json);
    }
}

static void print_example_json(const struct corpus *c, size_t i)
{
    const struct example *x = &c->examples[i];
    json_t *turns = json_array(), *responses = json_array();
    for (int t = 0; t < x->n_turns; t++)
        json_array_append_new(turns, json_pack("{s:s, s:s}", "role", x->turns[t].role, "content", x->turns[t].text));
    for (int r = 0; r < x->n_responses; r++)
        json_array_append_new(responses, json_pack("{s:s, s:f}", "text", x->responses[r].text, "score",
                                                   x->responses[r].score));
    json_t *root = json_pack("{s:I, s:I, s:b, s:o, s:o}", "row", (json_int_t)i + 1, "line", (json_int_t)x->line, "chat",
                             x->is_chat, "prompt", turns, "responses", responses);
    if (root)
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(root);
}

static int run_show(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_data_show, argc, argv, 1, 2, &status))
        return status;
    struct err e = {0};
    struct corpus *c = NULL;
    const struct corpus_reading how = reading_of(&a);
    int64_t row = settings_int(&a.settings, "row");
    int code = a.n_words > 1 && (!text_to_i64(a.words[1], &row) || row < 1)
                   ? err_set(&e, ERR_USAGE, "\"%s\" is no number of a row: write attune data show FILE 3", a.words[1])
                   : piped_open(&a, true, &e);
    if (!code)
        code = corpus_load_as(&c, a.words[0], 0, &how, &e);
    if (!code && (size_t)row > c->n_examples)
        code = err_set(&e, ERR_USAGE, "%s has no row %lld: %zu can be used", c->path, (long long)row, c->n_examples);
    if (code)
        status = args_fail(&a, &e);
    else if (args_json(&a))
        print_example_json(c, (size_t)row - 1);
    else
        print_example(c, (size_t)row - 1);
    corpus_free(c);
    args_close(&a);
    return status;
}
