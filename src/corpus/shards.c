#include "config.h"

#include "corpus/shards.h"

#include <ctype.h>
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { MAX_FILES = 100000, MAX_SHOWN = 8 };

// What a file's name says: "train-00001-of-00003-hash.parquet" is number 1 of 3 of "train" in ".parquet".
struct shard {
    char *path;
    const char *name;  // in path
    size_t n_set;      // bytes of the name that the files of one data set share
    const char *ending;
    long number, of;   // of -1: does not say
};

static const char *const endings[] = {".parquet", ".jsonl", ".json", ".csv", ".tsv", ".parquet.gz", ".jsonl.gz", ".json.gz",
                                      ".csv.gz", ".tsv.gz", NULL};
// What stands beside data and is none.
static const char *const descriptions[] = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json",
                                           "package.json", "config.json", NULL};

static const char *data_ending(const char *name)
{
    for (size_t i = 0; descriptions[i]; i++)
        if (strcmp(name, descriptions[i]) == 0)
            return NULL;
    for (size_t i = 0; endings[i] && name[0] != '.'; i++)
        if (text_ends(name, endings[i]))
            return endings[i];
    return NULL;
}

bool shards_is_data(const char *name)
{
    return data_ending(name) != NULL;
}

static size_t digits(const char *text)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n]))
        n++;
    return n;
}

static struct shard read_name(char *path)
{
    struct shard s = {.path = path, .name = path_base(path), .of = -1};
    s.ending = data_ending(s.name) ? data_ending(s.name) : "";
    const size_t stem = strlen(s.name) - strlen(s.ending);
    for (const char *at = s.name; (at = strchr(at, '-')); at++) {
        const size_t number = digits(at + 1), of = strncmp(at + 1 + number, "-of-", 4) == 0 ? digits(at + 5 + number) : 0;
        if (number && number < 10 && of && of < 10) {
            s.n_set = (size_t)(at - s.name);
            s.number = strtol(at + 1, NULL, 10);
            s.of = strtol(at + 5 + number, NULL, 10);
            return s;
        }
    }
    s.n_set = stem;
    while (s.n_set && isdigit((unsigned char)s.name[s.n_set - 1]) && stem - s.n_set < 9)
        s.n_set--;
    s.number = s.n_set < stem ? strtol(s.name + s.n_set, NULL, 10) : 0;
    return s;
}

// By data set, number and name.
static int compare(const void *va, const void *vb)
{
    const struct shard *a = va, *b = vb;
    const size_t n = a->n_set < b->n_set ? a->n_set : b->n_set;
    int order = strncmp(a->name, b->name, n);
    if (!order)
        order = (a->n_set > b->n_set) - (a->n_set < b->n_set);
    if (!order)
        order = strcmp(a->ending, b->ending);
    if (!order)
        order = (a->number > b->number) - (a->number < b->number);
    return order ? order : strcmp(a->path, b->path);
}

static bool same_set(const struct shard *a, const struct shard *b)
{
    return a->n_set == b->n_set && strncmp(a->name, b->name, a->n_set) == 0 && strcmp(a->ending, b->ending) == 0;
}

// The files [begin, end) are one data set: all of its shards must be there.
static int check_set(const struct shard *s, size_t begin, size_t end, const char *path, struct err *e)
{
    for (size_t i = begin; i < end && s[begin].of >= 0; i++) {
        const long wanted = (long)(i - begin);
        if (s[i].of != s[begin].of)
            return err_set(e, ERR_INPUT, "cannot use %s as data: %s and %s belong to two different sets of shards", path,
                           s[begin].name, s[i].name);
        if (i > begin && s[i].number == s[i - 1].number)
            return err_set(e, ERR_INPUT, "cannot use %s as data: %s and %s are the same shard", path, s[i - 1].name,
                           s[i].name);
        if (s[i].number != wanted || (i + 1 == end && wanted + 1 < s[i].of))
            return err_set(e, ERR_INPUT, "cannot use %s as data: the shard %.*s-%05ld-of-%05ld%s is missing; copy it there "
                           "as well", path, (int)s[begin].n_set, s[begin].name,
                           s[i].number != wanted ? wanted : wanted + 1, s[begin].of, s[begin].ending);
    }
    return 0;
}

static int several_sets(const struct shard *s, size_t n, const char *path, struct err *e)
{
    struct str names = {0};
    size_t n_sets = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && same_set(&s[i - 1], &s[i]))
            continue;
        const bool one = i + 1 == n || !same_set(&s[i], &s[i + 1]);
        if (n_sets++ < MAX_SHOWN) {
            str_add(&names, names.len ? ", " : "");
            if (one)
                str_addf(&names, "%s/%s", path, s[i].name);
            else
                str_addf(&names, "'%s/%.*s*%s'", path, (int)s[i].n_set, s[i].name, s[i].ending);
        }
    }
    int code = err_set(e, ERR_USAGE, "%s holds %zu data sets: give one of them (%s%s)", path, n_sets, str_text(&names),
                       n_sets > MAX_SHOWN ? ", ..." : "");
    str_fini(&names);
    return code;
}

static int no_files(const char *path, bool arrow, struct err *e)
{
    if (arrow)
        return err_set(e, ERR_UNSUPPORTED, "%s holds Arrow files, which are not read here: write Parquet or JSON lines "
                       "instead (ds.to_parquet(\"FILE\") in Python)", path);
    return err_set(e, ERR_NOT_FOUND, "no data in %s: it holds no file that ends in .parquet, .jsonl, .json, .csv or .tsv",
                   path);
}

static int list_folder(struct shard **out, size_t *n, const char *path, struct err *e)
{
    size_t cap = 0;
    bool arrow = false;
    DIR *dir = opendir(path);
    if (!dir)
        return err_errno(e, "cannot open the folder %s", path);
    for (struct dirent *entry; (entry = readdir(dir));) {
        arrow = arrow || text_ends(entry->d_name, ".arrow");
        if (!data_ending(entry->d_name) || *n >= MAX_FILES)
            continue;
        char *file = path_join(path, entry->d_name);
        if (file_is_dir(file)) {
            free(file);
            continue;
        }
        MEM_GROW(*out, *n, cap);
        (*out)[(*n)++] = read_name(file);
    }
    closedir(dir);
    if (*n)
        return 0;
    char *inner = path_join(path, "data"); // where collections keep it, beside what describes it
    int code = 0;
    if (strcmp(path_base(path), "data") != 0 && file_is_dir(inner))
        code = list_folder(out, n, inner, e);
    else
        code = no_files(path, arrow, e);
    free(inner);
    return code;
}

static int list_pattern(struct shard **out, size_t *n, const char *path, struct err *e)
{
    glob_t found = {0};
    int code = glob(path, GLOB_NOSORT, NULL, &found);
    if (code || found.gl_pathc == 0) {
        globfree(&found);
        return err_set(e, ERR_NOT_FOUND, "no data: there is no file like %s", path);
    }
    *out = mem_alloc(found.gl_pathc, sizeof **out);
    for (size_t i = 0; i < found.gl_pathc; i++)
        (*out)[(*n)++] = read_name(mem_strdup(found.gl_pathv[i]));
    globfree(&found);
    return 0;
}

bool shards_named_by(const char *path)
{
    return file_is_dir(path) || (strpbrk(path, "*?[") && !file_exists(path));
}

int shards_find(struct shards *out, const char *path, struct err *e)
{
    struct shard *s = NULL;
    size_t n = 0;
    const bool folder = file_is_dir(path);
    int code = folder ? list_folder(&s, &n, path, e) : list_pattern(&s, &n, path, e);
    if (!code)
        qsort(s, n, sizeof *s, compare);
    for (size_t begin = 0, end; !code && begin < n; begin = end) {
        end = begin + 1;
        while (end < n && same_set(&s[begin], &s[end]))
            end++;
        if (folder && end - begin < n) {
            char *dir = path_dir(s[0].path); // may be the "data" inside
            code = several_sets(s, n, dir, e);
            free(dir);
        } else {
            code = check_set(s, begin, end, path, e);
        }
    }
    *out = (struct shards){0};
    if (!code)
        out->paths = mem_alloc(n, sizeof *out->paths);
    for (size_t i = 0; i < n; i++) {
        if (code)
            free(s[i].path);
        else
            out->paths[out->n++] = s[i].path;
    }
    free(s);
    return code;
}

void shards_fini(struct shards *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->paths[i]);
    free(s->paths);
    *s = (struct shards){0};
}
