#include "config.h"

#include "base/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { N_FOLDERS = sizeof ((struct path_places *)0)->folders / sizeof(char *) };

static char *real_in(const char *folder, const char *text)
{
    char *path = folder ? path_join(folder, text) : NULL, *found = path ? realpath(path, NULL) : NULL;
    free(path);
    return found;
}

static char *find_shared(const char *text)
{
    char *path = path_share(text), *found = path && file_exists(path) ? realpath(path, NULL) : NULL;
    free(path);
    return found;
}

char *path_find(const struct path_places *p, const char *text)
{
    char *found = NULL;
    for (size_t i = 0; i < N_FOLDERS && !found; i++)
        found = real_in(p->folders[i], text);
    if (!found && *text != '/')
        found = find_shared(text);
    if (!found && *text != '/' && p->recipes) {
        char *beside = path_join("recipes", text);
        found = find_shared(beside);
        free(beside);
    }
    return found;
}

// ---- lines for the shell ----

static bool names_a_file(const char *folder, const char *command)
{
    static const char *const between = " \t\n;|&<>()'\"";
    bool found = false;
    for (const char *at = command; !found && *(at += strspn(at, between));) {
        const size_t n = strcspn(at, between);
        char *word = mem_strndup(at, n), *path = path_join(folder, word);
        found = *word != '/' && file_is_regular(path);
        free(path);
        free(word);
        at += n;
    }
    return found;
}

static char *find_command(const struct path_places *p, const char *command)
{
    char *folder = NULL;
    struct str out = {0};
    for (size_t i = 0; i < N_FOLDERS && !folder && !text_starts(command, "cd "); i++)
        if (p->folders[i] && names_a_file(p->folders[i], command))
            folder = realpath(p->folders[i], NULL);
    if (!folder)
        return NULL;
    str_add(&out, "cd '");
    for (const char *c = folder; *c; c++)
        str_addf(&out, *c == '\'' ? "'\\%c'" : "%c", *c);
    str_addf(&out, "' && %s", command);
    free(folder);
    return str_take(&out);
}

// ---- lists of rewards ----

// Behind what stands before one of the signs; a backslash keeps the sign behind it from its meaning.
static const char *before_sign(const char *at, const char *signs)
{
    while (*at && !strchr(signs, *at))
        at += *at == '\\' && at[1] ? 2 : 1;
    return at;
}

// What stands behind the kind of a part of a list of rewards, from `at` to `end`.
static void add_argument(const struct path_places *p, struct str *out, const char *kind, size_t n_kind, const char *at,
                         const char *end)
{
    struct str plain = {0};
    for (const char *c = at; c < end; c++) {
        c += *c == '\\' && c + 1 < end;
        str_addc(&plain, *c);
    }
    char *found = n_kind == 7 && memcmp(kind, "command", 7) == 0 ? find_command(p, str_text(&plain))
                  : (n_kind == 5 && memcmp(kind, "model", 5) == 0) || (n_kind == 10 && memcmp(kind, "preference", 10) == 0)
                      ? path_find(p, str_text(&plain))
                      : NULL;
    for (const char *c = found; c && *c; c++)
        str_addf(out, strchr("@,\\", *c) ? "\\%c" : "%c", *c);
    if (!found)
        str_addn(out, at, (size_t)(end - at));
    free(found);
    str_fini(&plain);
}

// [NAME=]KIND[:WHAT][@WEIGHT],... (reward_spec.c reads it)
static char *find_rewards(const struct path_places *p, const char *list)
{
    struct str out = {0};
    for (const char *at = list; *at;) {
        const char *kind = at + strspn(at, " \t\n,"), *end = before_sign(kind, "=:@,");
        if (*end == '=') {
            kind = end + 1;
            end = before_sign(kind, ":@,");
        }
        const char *what = end + (*end == ':'), *behind = *end == ':' ? before_sign(what, "@,") : end;
        const char *next = before_sign(behind, ",");
        str_addn(&out, at, (size_t)(what - at));
        add_argument(p, &out, kind, (size_t)(end - kind), what, behind);
        str_addn(&out, behind, (size_t)(next - behind));
        at = next;
        if (*at)
            str_addc(&out, *at++);
    }
    return str_take(&out);
}

char *path_of_setting(const struct path_places *p, const struct param *param, const char *text)
{
    return !*text                                      ? NULL
           : param->type == PARAM_PATH                    ? path_find(p, text)
           : strcmp(param->name, "reward-command") == 0 ? find_command(p, text)
           : strcmp(param->name, "rewards") == 0        ? find_rewards(p, text)
                                                        : NULL;
}
