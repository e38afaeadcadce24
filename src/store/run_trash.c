// The trash: folders of runs that were removed, until somebody empties it.
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "store/run_edits.h"
#include "store/store_internal.h"

char *store_trash_dir(const struct store *s, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/trash/%s", s->dir, name);
    return str_take(&path);
}

// What the disk gives back: blocks, as du counts them; a file with several names counts once for each of them that is not
// the last.
static int64_t tree_bytes(const char *path, int depth)
{
    enum { MAX_DEPTH = 30 };
    struct stat st;
    if (lstat(path, &st) != 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return st.st_nlink > 1 ? 0 : (int64_t)st.st_blocks * 512;
    int64_t bytes = (int64_t)st.st_blocks * 512;
    DIR *d = depth < MAX_DEPTH ? opendir(path) : NULL;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *inside = path_join(path, entry->d_name);
        bytes += tree_bytes(inside, depth + 1);
        free(inside);
    }
    if (d)
        closedir(d);
    return bytes;
}

int64_t store_run_bytes(const struct store *s, const struct run_info *run)
{
    char *dir = run->trashed_ms ? store_trash_dir(s, run->name) : store_run_dir(s, run->name);
    int64_t bytes = tree_bytes(dir, 0);
    free(dir);
    return bytes;
}

// The row stays without its name, for judgements name it and ids are never used twice; nothing of it is left to read.
static int bury(struct store *s, const struct run_info *run, struct err *e)
{
    struct str text = {0};
    long long id = (long long)run->id;
    str_addf(
        &text,
        "UPDATE runs SET name = '%lld:purged', note = '', tags = '', pinned = 0, settings = '{}', model = '', data = '' "
        "WHERE id = %lld;"
        "DELETE FROM controls WHERE run = %lld;"
        "UPDATE run_edits SET state = 2 WHERE act IN (SELECT act FROM run_edits WHERE run = %lld);"
        "UPDATE run_edits SET before = '', after = '' WHERE run = %lld;",
        id, id, id, id, id);
    int code = sql_exec(&s->sql, str_text(&text), e);
    str_fini(&text);
    return code;
}

int store_purge(struct store *s, const char *name, int64_t *bytes, struct err *e)
{
    struct run_info run = {0};
    int code = store_find_kept(s, name, &run, e);
    if (code)
        return code;
    char *dir = store_trash_dir(s, run.name);
    *bytes = store_run_bytes(s, &run);
    if (!run.trashed_ms)
        code = err_set(e, ERR_STATE, "run %s is not in the trash; \"attune remove %s\" puts it there", run.name, run.name);
    // The files first: what a crash leaves of them is still in the trash, to be emptied again.
    if (!code && file_exists(dir))
        code = file_remove_tree(dir, e);
    if (!code)
        code = run_aliases_remove(s, run.name, e);
    if (!code)
        code = sql_begin(&s->sql, e);
    if (!code) {
        code = bury(s, &run, e);
        if (code)
            sql_rollback(&s->sql);
        else
            code = sql_commit(&s->sql, e);
    }
    free(dir);
    run_info_fini(&run);
    return code;
}
