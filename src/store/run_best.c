#include "config.h"

#include "store/run_best.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"

static char *file_of(const char *run_dir)
{
    return path_join(run_dir, "checkpoints/best.json");
}

int run_best_write(const char *run_dir, const struct run_best *b, struct err *e)
{
    json_t *root = json_pack("{s:I, s:s, s:s, s:f}", "step", (json_int_t)b->step, "metric", b->metric, "direction",
                             b->highest ? "max" : "min", "value", b->value);
    char *path = file_of(run_dir);
    int code = root ? json_write(path, root, e) : err_set(e, ERR_FAIL, "%s cannot be written: its value is no number", path);
    json_decref(root);
    free(path);
    return code;
}

int run_best_remove(const char *run_dir, struct err *e)
{
    char *path = file_of(run_dir);
    int code = file_exists(path) ? file_remove_tree(path, e) : 0;
    free(path);
    return code;
}

int run_best_read(const char *run_dir, struct run_best *out, struct err *e)
{
    enum { MOST = 1 << 16 };
    char *path = file_of(run_dir);
    const char *metric = NULL, *direction = NULL;
    struct run_best best = {0};
    json_t *root = NULL;
    int code = file_exists(path) ? json_read(path, MOST, &root, e)
                                 : err_set(e, ERR_NOT_FOUND, "there is no %s: the run keeps no best checkpoint", path);
    if (!code)
        code = json_get_int(root, "step", -1, 0, INT64_MAX, &best.step, path, e);
    if (!code)
        code = json_get_double(root, "value", NAN, &best.value, path, e);
    if (!code)
        code = json_get_text(root, "metric", "", &metric, path, e);
    if (!code)
        code = json_get_text(root, "direction", "", &direction, path, e);
    if (!code && (best.step < 0 || !isfinite(best.value) || !*metric || strlen(metric) >= sizeof best.metric ||
                  (strcmp(direction, "min") != 0 && strcmp(direction, "max") != 0)))
        code = err_set(e, ERR_INPUT, "%s does not say which checkpoint is the best: it is damaged", path);
    if (!code) {
        text_copy(best.metric, sizeof best.metric, metric);
        best.highest = strcmp(direction, "max") == 0;
        *out = best;
    }
    json_decref(root);
    free(path);
    return code;
}

char *run_base_folder(const char *model)
{
    char *shared = *model && *model != '/' && !file_is_dir(model) ? path_share(model) : NULL;
    const char *folder = shared && file_is_dir(shared) ? shared : model;
    char *absolute = file_is_dir(folder) ? realpath(folder, NULL) : NULL;
    free(shared);
    return absolute;
}
