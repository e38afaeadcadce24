#include "config.h"

#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/manner.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/store_internal.h"

static const char store_file[] = "attune.db";

// The nearest folder from the working directory upwards that holds a store; heap, or NULL.
static char *find_upwards(void)
{
    char *dir = getcwd(NULL, 0);
    while (dir) {
        char *file = path_join(dir, store_file);
        bool found = file_exists(file);
        free(file);
        if (found)
            return dir;
        char *slash = strrchr(dir, '/');
        if (!slash || !dir[1]) {
            free(dir);
            return NULL;
        }
        slash[slash == dir] = 0;
    }
    return NULL;
}

static char *absolute(const char *path)
{
    if (*path == '/')
        return mem_strdup(path);
    char *here = getcwd(NULL, 0);
    char *whole = path_join(here ? here : ".", path);
    free(here);
    return whole;
}

char *store_project_dir(const char *given)
{
    const char *project = getenv("ATTUNE_PROJECT"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (given && *given)
        return absolute(given);
    if (project && *project)
        return absolute(project);
    char *found = find_upwards();
    if (found)
        return found;
    if (data && *data == '/') // the specification says to ignore relative ones
        return path_join(data, "attune");
    return path_join(home && *home ? home : "/tmp", ".local/share/attune");
}

static int make_folders(const char *dir, struct err *e)
{
    char *runs = path_join(dir, "runs");
    int code = file_make_dirs(runs, e);
    free(runs);
    if (code)
        err_prefix(e, "while making the project folder %s: ", dir);
    return code;
}

int store_open(struct store **out, const char *project_dir, bool create, struct err *e)
{
    char *path = path_join(project_dir, store_file);
    const bool look_only = manner_is(MANNER_READ_ONLY);
    int code = 0;
    create = create && !look_only;
    if (!create && !file_exists(path))
        code = err_set(e, ERR_NOT_FOUND,
                       "there is no project in %s yet; \"attune train\" or \"attune demo run\" makes one, --project "
                       "names another",
                       project_dir);
    if (!code && create)
        code = make_folders(project_dir, e);
    if (code) {
        free(path);
        return code;
    }
    struct store *s = mem_alloc(1, sizeof *s);
    code = sql_open(&s->sql, path, create ? SQL_CREATE : look_only ? SQL_READ : SQL_WRITE, e);
    int version = 0;
    if (!code && (code = sql_check_schema(&s->sql, &store_schema, &version, e)) > 0)
        code = 0;
    // Many processes write here, seldom and little: a rollback journal is the mode that cannot surprise.
    if (!code && look_only && version < sql_schema_version(&store_schema))
        code = err_set(e, ERR_STATE,
                       "%s has the format of an older Attune; open it once without --read-only, which renews it", path);
    if (!code && !look_only)
        code = sql_exec(&s->sql, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;", e);
    if (!code && !look_only)
        code = sql_migrate(&s->sql, &store_schema, e);
    free(path);
    if (code) {
        store_close(s);
        return code;
    }
    s->dir = absolute(project_dir);
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    sql_close(&s->sql);
    free(s->dir);
    free(s);
}

const char *store_dir(const struct store *s)
{
    return s->dir;
}

char *store_run_dir(const struct store *s, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/runs/%s", s->dir, name);
    return str_take(&path);
}

int store_check(struct store *s, struct err *e)
{
    return sql_check(&s->sql, e);
}
