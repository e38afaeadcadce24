#include "config.h"

#include "ui/launch/path_complete.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void name_choices(const glob_t *found, struct words *choices)
{
    for (size_t i = 0; i < found->gl_pathc; i++)
        words_add(choices, found->gl_pathv[i]);
}

enum path_completed path_complete(const char *typed, char **longer, struct words *choices)
{
    struct words all = {0};
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
        name_choices(&found, &all);
        const size_t n = words_common(&all);
        if (n > strlen(typed) || (typed[0] == '~' && n > 0)) {
            *longer = mem_strndup(found.gl_pathv[0], n);
            result = PATH_LONGER;
        } else if (found.gl_pathc > 1) {
            *choices = all;
            all = (struct words){0};
            result = PATH_CHOICES;
        }
    }
    globfree(&found);
    words_fini(&all);
    str_fini(&pattern);
    return result;
}

// The names alone, "hf/  other.json", as many as a few lines hold.
void path_choices_text(const struct words *paths, struct str *out)
{
    enum { MOST_BYTES = 300 };
    int i = 0;
    for (; i < paths->n && out->len < MOST_BYTES; i++) {
        const char *path = paths->texts[i], *name = path + strlen(path);
        while (name > path && (name[-1] != '/' || !*name))
            name--;
        str_addf(out, "%s%s", i ? "  " : "", name);
    }
    if (i < paths->n)
        str_addf(out, "  and %d more", paths->n - i);
}
