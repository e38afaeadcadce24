#include "config.h"

#include "store/eval_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum { FORMAT = 1, MAX_BYTES = 16 << 20 };

static int check(const json_t *root, const char *path, struct err *e)
{
    const json_t *list = json_object_get(root, "evaluations"), *one;
    int64_t format;
    size_t i;
    int code = json_get_int(root, "format", 0, 0, INT32_MAX, &format, path, e);
    if (code)
        return code;
    if (format != FORMAT)
        return err_set(e, ERR_UNSUPPORTED, "%s was written by another version of Attune (format %lld)", path,
                       (long long)format);
    json_array_foreach(list, i, one)
        if (!json_is_object(json_object_get(one, "how")) || !json_is_object(json_object_get(one, "measures")))
            list = NULL;
    return json_is_array(list) ? 0 : err_set(e, ERR_INPUT, "%s holds no evaluations: it is damaged; remove it", path);
}

int eval_file_read(const char *checkpoint, json_t **list, struct err *e)
{
    char *path = path_join(checkpoint, EVAL_FILE);
    json_t *root = NULL;
    int code = 0;
    if (!file_exists(path)) {
        *list = json_array();
    } else {
        code = json_read(path, MAX_BYTES, &root, e);
        if (!code)
            code = check(root, path, e);
        if (!code)
            *list = json_incref(json_object_get(root, "evaluations"));
        json_decref(root);
    }
    free(path);
    return code;
}

int eval_file_put(const char *checkpoint, json_t *evaluation, struct err *e)
{
    char *path = path_join(checkpoint, EVAL_FILE);
    json_t *list = NULL, *one;
    size_t i;
    int code = eval_file_read(checkpoint, &list, e);
    if (!code) {
        json_object_set_new(evaluation, "at", json_integer((json_int_t)clock_wall_ms()));
        json_array_foreach(list, i, one)
            if (json_equal(json_object_get(one, "how"), json_object_get(evaluation, "how")))
                break;
        if (i < json_array_size(list))
            json_array_set(list, i, evaluation);
        else
            json_array_append(list, evaluation);
        json_t *root = json_pack("{s:i, s:O}", "format", FORMAT, "evaluations", list);
        code = json_write(path, root, e);
        json_decref(root);
    }
    json_decref(list);
    free(path);
    return code;
}

static int by_step(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

// The steps of the folders checkpoints/step-N, in their order, on the heap.
static int64_t *find_steps(const char *checkpoints, int *n)
{
    int64_t *steps = NULL, step;
    const struct dirent *entry;
    int cap = 0;
    DIR *dir = opendir(checkpoints);
    *n = 0;
    while (dir && (entry = readdir(dir)))
        if (text_starts(entry->d_name, "step-") && text_to_i64(entry->d_name + 5, &step) && step >= 0) {
            MEM_GROW(steps, *n, cap);
            steps[(*n)++] = step;
        }
    if (dir)
        closedir(dir);
    if (*n)
        qsort(steps, (size_t)*n, sizeof *steps, by_step);
    return steps;
}

static char *folder_of(const char *checkpoints, int64_t step)
{
    struct str path = {0};
    str_addf(&path, "%s/step-%lld", checkpoints, (long long)step);
    return str_take(&path);
}

int eval_file_list(const char *run_dir, const char *run, json_t *rows, struct err *e)
{
    char *checkpoints = path_join(run_dir, "checkpoints");
    int n, code = 0;
    int64_t *steps = find_steps(checkpoints, &n);
    for (int i = 0; i < n; i++) {
        char *folder = folder_of(checkpoints, steps[i]);
        struct err fault = {0};
        json_t *list = NULL, *one;
        size_t at;
        if (eval_file_read(folder, &list, &fault) && !code)
            code = err_set(e, fault.code, "%s", fault.text);
        json_array_foreach(list, at, one) {
            json_t *row = json_pack("{s:s, s:I}", "run", run, "step", (json_int_t)steps[i]);
            json_object_update(row, one);
            json_array_append_new(rows, row);
        }
        json_decref(list);
        free(folder);
    }
    free(steps);
    free(checkpoints);
    return code;
}

static uint64_t mixed(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

uint64_t eval_file_stamp(const char *run_dir)
{
    char *checkpoints = path_join(run_dir, "checkpoints");
    uint64_t stamp = 1;
    int n;
    int64_t *steps = find_steps(checkpoints, &n);
    for (int i = 0; i < n; i++) {
        char *folder = folder_of(checkpoints, steps[i]), *path = path_join(folder, EVAL_FILE);
        struct stat st;
        if (stat(path, &st) == 0) {
            stamp = mixed(stamp, (uint64_t)steps[i]);
            stamp = mixed(stamp, (uint64_t)st.st_ino);
            stamp = mixed(stamp, (uint64_t)st.st_size);
            stamp = mixed(stamp, (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec);
        }
        free(path);
        free(folder);
    }
    free(steps);
    free(checkpoints);
    return stamp;
}
