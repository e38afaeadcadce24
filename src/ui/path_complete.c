#include "config.h"

#include "ui/path_complete.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum { MOST_CHOICES = 300 }; // bytes of them

static void name_choices(const glob_t *found, struct str *choices)
{
    for (size_t i = 0; i < found->gl_pathc && choices->len < MOST_CHOICES; i++) {
        char *name = mem_strdup(found->gl_pathv[i]);
        size_t n = strlen(name);
        bool folder = n > 1 && name[n - 1] == '/';
        if (folder)
            name[n - 1] = '\0';
        str_addf(choices, "%s%s%s", i ? "  " : "", path_base(name), folder ? "/" : "");
        free(name);
    }
}

// Bytes that all of them begin with, to a character's edge.
static size_t in_common(const glob_t *found)
{
    const char *first = found->gl_pathv[0];
    size_t n = strlen(first);
    for (size_t i = 1; i < found->gl_pathc; i++)
        while (n > 0 && strncmp(first, found->gl_pathv[i], n) != 0)
            n--;
    while (n > 0 && (first[n] & 0xc0) == 0x80)
        n--;
    return n;
}

enum path_completed path_complete(const char *typed, char **longer, struct str *choices)
{
    glob_t found;
    struct str pattern = {0};
    enum path_completed result = PATH_WHOLE;
    for (const char *t = typed; *t; t++) {
        if (strchr("*?[\\", *t))
            str_addc(&pattern, '\\');
        str_addc(&pattern, *t);
    }
    str_addc(&pattern, '*');
    if (glob(str_text(&pattern), GLOB_MARK | GLOB_TILDE, NULL, &found) == 0) {
        size_t n = in_common(&found);
        if (n > strlen(typed) || (typed[0] == '~' && n > 0)) {
            *longer = mem_strndup(found.gl_pathv[0], n);
            result = PATH_LONGER;
        } else if (found.gl_pathc > 1) {
            name_choices(&found, choices);
            result = PATH_CHOICES;
        }
    }
    globfree(&found);
    str_fini(&pattern);
    return result;
}
