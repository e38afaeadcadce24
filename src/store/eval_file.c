#include "config.h"

#include "store/eval_file.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

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
