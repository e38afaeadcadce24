#include "config.h"

#include "ui/key_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "ui/term/keys.h"

static const char *const page_names[PAGE_N] = {
    [PAGE_RUNS] = "runs", [PAGE_CURVES] = "curves", [PAGE_SAMPLES] = "samples", [PAGE_LOG] = "log",
    [PAGE_COMPARE] = "compare", [PAGE_LABEL] = "label", [PAGE_DATA] = "data", [PAGE_LAUNCH] = "new-run",
    [PAGE_RECIPES] = "recipes", [PAGE_EVALS] = "evaluations", [PAGE_HELP] = "help",
};
enum { EVERYWHERE = PAGE_N, CTRL_C = 3, MAX_BYTES = 256 * 1024 };

struct key_file {
    const char *where;
    int line;
    int section;                       // enum page, or EVERYWHERE; -1: none yet
    char *(*keys)[PAGE_N];
    int set_at[COMMAND_MAX_ROWS][PAGE_N]; // the line that did; 0: as in the table
};

const char *key_page_name(enum page page)
{
    return page_names[page];
}

char *key_file_path(void)
{
    const char *own = getenv("ATTUNE_KEYS"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (own && *own)
        return mem_strdup(own);
    if (config && *config == '/')
        return path_join(config, "attune/keys.conf");
    return path_join(home && *home ? home : "/", ".config/attune/keys.conf");
}

static int take_section(struct key_file *f, const char *name, struct err *e)
{
    f->section = strcmp(name, "everywhere") == 0 ? EVERYWHERE : -1;
    for (int page = 0; page < PAGE_N; page++)
        if (strcmp(page_names[page], name) == 0)
            f->section = page;
    if (f->section >= 0)
        return 0;
    struct str near = {0};
    str_add_near(&near, name, page_names, PAGE_N);
    int code = err_set(e, ERR_INPUT, "%s:%d: there is no page %s%s: [everywhere], or a page such as [runs] or [curves]",
                       f->where, f->line, name, str_text(&near));
    str_fini(&near);
    return code;
}

static int check_keys(struct key_file *f, const char *command, const char *keys, struct err *e)
{
    for (const char *k = keys; *k;) {
        const size_t n = strcspn(k, " ");
        const int key = key_from_name(k, (unsigned)n);
        if (!key)
            return err_set(e, ERR_INPUT, "%s:%d: there is no key %.*s for %s: keys are characters, Ctrl-a, Alt-a, F1 to "
                           "F12, Enter, Space, Tab, Esc, Up, PgDn and the like, apart by a blank", f->where, f->line,
                           (int)n, k, command);
        if (key == CTRL_C)
            return err_set(e, ERR_INPUT,
                           "%s:%d: Ctrl-c cannot be given to %s: pressed twice it leaves the console, always", f->where,
                           f->line, command);
        k += n + strspn(k + n, " ");
    }
    return 0;
}

static int unknown_command(struct key_file *f, const char *name, struct err *e)
{
    const char *names[COMMAND_MAX_ROWS];
    size_t n = 0;
    for (const struct command_row *r = command_rows; r->id; r++)
        if (f->section == EVERYWHERE || r->pages >> f->section & 1)
            names[n++] = r->name;
    struct str near = {0};
    str_add_near(&near, name, names, n);
    int code = err_set(e, ERR_INPUT, "%s:%d: there is no command %s %s%s%s", f->where, f->line, name,
                       f->section == EVERYWHERE ? "" : "on the page ",
                       f->section == EVERYWHERE ? "at all" : page_names[f->section],
                       str_text(&near));
    str_fini(&near);
    return code;
}

// "name = keys", trimmed.
static int take_binding(struct key_file *f, char *line, struct err *e)
{
    char *is = strchr(line, '=');
    bool found = false;
    if (!is || is == line)
        return err_set(e, ERR_INPUT, "%s:%d: \"%s\" is neither a [page] nor COMMAND = KEYS", f->where, f->line, line);
    if (f->section < 0)
        return err_set(e, ERR_INPUT,
                       "%s:%d: which page is this for? A line such as [everywhere] or [curves] comes first", f->where,
                       f->line);
    char *name_end = is;
    while (name_end > line && name_end[-1] == ' ')
        name_end--;
    const char *keys = is + 1 + strspn(is + 1, " ");
    *name_end = '\0';
    int code = check_keys(f, line, keys, e);
    for (const struct command_row *r = command_rows; r->id && !code; r++) {
        if (strcmp(r->name, line) != 0)
            continue;
        for (int page = 0; page < PAGE_N; page++) {
            if (!(r->pages >> page & 1) || (f->section != EVERYWHERE && f->section != page))
                continue;
            char **at = &f->keys[r - command_rows][page];
            free(*at);
            *at = mem_strdup(keys);
            f->set_at[r - command_rows][page] = f->line;
            found = true;
        }
    }
    return code ? code : found ? 0 : unknown_command(f, line, e);
}

// A comment begins at a '#' at the line's beginning or after a blank; the key is called Hash.
static void cut_comment(char *line)
{
    for (char *at = line; (at = strchr(at, '#')); at++) {
        if (at == line || at[-1] == ' ') {
            *at = '\0';
            return;
        }
    }
}

static int take_line(struct key_file *f, char *line, struct err *e)
{
    for (char *c = line; *c; c++)
        if (*c == '\t' || *c == '\r')
            *c = ' ';
    cut_comment(line);
    line += strspn(line, " ");
    size_t n = strlen(line);
    while (n > 0 && line[n - 1] == ' ')
        line[--n] = '\0';
    if (n == 0)
        return 0;
    if (line[0] == '[' && line[n - 1] == ']') {
        line[n - 1] = '\0';
        return take_section(f, line + 1, e);
    }
    return take_binding(f, line, e);
}

static const char *keys_of(const struct key_file *f, const struct command_row *r, int page)
{
    const char *own = f->keys[r - command_rows][page];
    return own ? own : r->keys;
}

static bool has_key(const char *keys, int key)
{
    for (const char *k = keys; *k;) {
        const size_t n = strcspn(k, " ");
        if (key_from_name(k, (unsigned)n) == key)
            return true;
        k += n + strspn(k + n, " ");
    }
    return false;
}

// Two commands of one page that want the same key, one of them because of the file.
static int check_page(const struct key_file *f, int page, struct err *e)
{
    for (const struct command_row *a = command_rows; a->id; a++) {
        const int line = f->set_at[a - command_rows][page];
        if (!line)
            continue;
        for (const char *k = keys_of(f, a, page); *k;) {
            const size_t n = strcspn(k, " ");
            const int key = key_from_name(k, (unsigned)n);
            for (const struct command_row *b = command_rows; b->id; b++)
                if (b != a && b->pages >> page & 1 && has_key(keys_of(f, b, page), key))
                    return err_set(
                        e, ERR_INPUT,
                        "%s:%d: on the page %s the key %.*s of %s is that of %s: give %s another one there, or none",
                        f->where, line, page_names[page], (int)n, k, a->name, b->name, b->name);
            k += n + strspn(k + n, " ");
        }
    }
    return 0;
}

int key_file_take(const char *text, const char *where, struct err *e)
{
    struct key_file *f = mem_alloc(1, sizeof *f);
    char *copy = mem_strdup(text);
    int code = 0;
    *f = (struct key_file){.where = where, .section = -1, .keys = mem_alloc(COMMAND_MAX_ROWS, sizeof *f->keys)};
    for (char *line = copy; line && !code;) {
        char *end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        f->line++;
        code = take_line(f, line, e);
        line = end;
    }
    for (int page = 0; page < PAGE_N && !code; page++)
        code = check_page(f, page, e);
    if (!code) {
        command_bind(f->keys);
    } else {
        for (int i = 0; i < COMMAND_MAX_ROWS; i++)
            for (int page = 0; page < PAGE_N; page++)
                free(f->keys[i][page]);
        free(f->keys);
    }
    free(copy);
    free(f);
    return code;
}

int key_file_load(const char *path, struct err *e)
{
    char *text;
    size_t n_bytes;
    if (!file_exists(path))
        return 0;
    int code = file_read(path, MAX_BYTES, &text, &n_bytes, e);
    if (code)
        return code;
    if (strlen(text) != n_bytes)
        code = err_set(e, ERR_INPUT, "%s is no text: it has a byte 0", path);
    if (!code)
        code = key_file_take(text, path, e);
    free(text);
    return code;
}

static void print_row(const struct command_row *r, const char *keys, struct str *out)
{
    const size_t before = out->len;
    str_addf(out, "%s =", r->name);
    for (const char *k = keys; *k;) { // by its name: a plain # would begin a comment
        char name[32];
        const size_t n = strcspn(k, " ");
        str_addf(out, " %s", key_name(key_from_name(k, (unsigned)n), name, sizeof name));
        k += n + strspn(k + n, " ");
    }
    const int used = (int)(out->len - before);
    str_addf(out, "%*s # %s\n", used < 36 ? 36 - used : 0, "", r->help);
}

void key_file_print(struct str *out)
{
    for (int page = 0; page < PAGE_N; page++) {
        str_addf(out, "%s[%s]\n", page ? "\n" : "", page_names[page]);
        for (const struct command_row *r = command_rows; r->id; r++)
            if (r->pages >> page & 1)
                print_row(r, row_keys(r, (enum page)page), out);
    }
}
