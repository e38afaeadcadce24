#include "config.h"

#include "corpus/map.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "corpus/row.h"

// What a member can be: the names under which the shapes know it.
static const char *const names[] = {"prompt",     "chosen",   "rejected", "completion", "label",  "messages",
                                    "system",     "instruction", "input", "output",     "share",  "votes",
                                    "completions", "tools",   "text"};
enum { N_NAMES = sizeof names / sizeof *names, NAME_BYTES = 64, PATH_BYTES = 200 };

// The next "name=path" of the map into both; false at its end. *wrong: it is no such pair.
static bool next_pair(const char **at, char name[NAME_BYTES], char path[PATH_BYTES], bool *wrong)
{
    const size_t n = strcspn(*at, ","), n_name = strcspn(*at, "=,");
    *wrong = false;
    if (!**at)
        return false;
    *wrong = n_name == n || n_name == 0 || n_name >= NAME_BYTES || n - n_name - 1 == 0 || n - n_name - 1 >= PATH_BYTES;
    snprintf(name, NAME_BYTES, "%.*s", (int)n_name, *at);
    snprintf(path, PATH_BYTES, "%.*s", *wrong ? 0 : (int)(n - n_name - 1), *wrong ? "" : *at + n_name + 1);
    *at += n + ((*at)[n] == ',');
    return true;
}

int map_check(const char *map, struct err *e)
{
    char name[NAME_BYTES], path[PATH_BYTES];
    bool wrong;
    while (next_pair(&map, name, path, &wrong)) {
        bool known = false;
        for (int i = 0; i < N_NAMES; i++)
            known = known || strcmp(names[i], name) == 0;
        if (!wrong && known)
            continue;
        struct str text = {0};
        str_addf(&text, wrong ? "map says \"%s%s\": " : "map names \"%s%s\", which rows do not have", name, "");
        if (wrong)
            str_add(&text, "write NAME=MEMBER pairs with commas between them, such as "
                           "prompt=question,chosen=better,rejected=worse");
        else
            str_add_near(&text, name, names, N_NAMES);
        if (!wrong)
            str_add(&text, "; known are prompt, chosen, rejected, completion, label, messages, system, instruction, "
                           "input, output, share, votes, completions, tools and text");
        int code = err_set(e, ERR_USAGE, "%s", str_text(&text));
        str_fini(&text);
        return code;
    }
    return 0;
}

bool map_missing(const char *map, const json_t *row, char *path, size_t size)
{
    char name[NAME_BYTES], at[PATH_BYTES];
    bool wrong;
    while (next_pair(&map, name, at, &wrong))
        if (!row_member(row, at)) {
            text_copy(path, size, at);
            return true;
        }
    return false;
}

json_t *map_apply(const char *map, const json_t *row)
{
    char name[NAME_BYTES], path[PATH_BYTES];
    bool wrong;
    json_t *out = json_object();
    while (next_pair(&map, name, path, &wrong)) {
        const json_t *value = row_member(row, path);
        if (value)
            json_object_set(out, name, (json_t *)value);
    }
    return out;
}
