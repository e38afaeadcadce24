// The weight files of a folder.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/members.h"
#include "base/str.h"
#include "model/model_parts.h"
#include "model/names.h"

enum { MAX_JSON = 256 << 20, MAX_SHARDS = 4096 };

// Of "__metadata__" one member says how matrices are stored; the rest is anybody's.
static int check_layout(const struct st_file *f, struct err *e)
{
    static const struct member_row members[] = {{"format", MEMBER_NEUTRAL, "pt np mlx"}, {0}};
    static const struct member_row *const tables[] = {members, NULL};
    return members_check(f->metadata, tables, f->path, NULL, e);
}

static int open_one(struct shards *s, const char *dir, const char *name, struct err *e)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(path_base(s->files[i]->path), name) == 0)
            return 0;
    if (s->n == MAX_SHARDS)
        return err_set(e, ERR_LIMIT, "%s has more than %d weight files", dir, MAX_SHARDS);
    if (strchr(name, '/'))
        return err_set(e, ERR_INPUT, "the weight index of %s names \"%.200s\", which is not in that folder", dir, name);
    char *path = path_join(dir, name);
    s->files = mem_realloc(s->files, (size_t)s->n + 1, sizeof *s->files);
    int code = st_open(&s->files[s->n], path, e);
    if (!code)
        code = check_layout(s->files[s->n++], e);
    free(path);
    return code;
}

static int open_indexed(struct shards *s, const char *dir, const char *index, struct notes *notes, struct err *e)
{
    static const struct member_row members[] = {{"weight_map", MEMBER_USED, NULL}, {"metadata", MEMBER_HARMLESS, NULL}, {0}};
    static const struct member_row *const tables[] = {members, NULL};
    json_t *json;
    int code = json_read(index, MAX_JSON, &json, e);
    if (code)
        return code;
    const json_t *map = json_object_get(json, "weight_map");
    const char *key;
    json_t *value;
    code = members_check(json, tables, index, notes, e);
    if (!code && !json_is_object(map))
        code = err_set(e, ERR_INPUT, "%s has no \"weight_map\" object", index);
    else if (!code)
        json_object_foreach((json_t *)map, key, value) {
            code = json_is_string(value) ? open_one(s, dir, json_string_value(value), e)
                                         : err_set(e, ERR_INPUT, "%s: the file of \"%.200s\" is not a text", index, key);
            if (code)
                break;
        }
    if (!code)
        s->map = json_incref((json_t *)map);
    json_decref(json);
    return code;
}

int weight_shards_open(struct shards *s, const char *dir, struct notes *notes, struct err *e)
{
    *s = (struct shards){0};
    char *index = path_join(dir, "model.safetensors.index.json"), *single = path_join(dir, "model.safetensors");
    char *pickled = path_join(dir, "pytorch_model.bin");
    int code;
    if (file_exists(single))
        code = open_one(s, dir, "model.safetensors", e);
    else if (file_exists(index))
        code = open_indexed(s, dir, index, notes, e);
    else if (file_exists(pickled))
        code = err_set(e, ERR_UNSUPPORTED,
                       "%s has its weights in pytorch_model.bin, which can run code when it is read; convert it to "
                       "model.safetensors (save_pretrained does)", dir);
    else
        code = err_set(e, ERR_NOT_FOUND, "%s has no model.safetensors and no model.safetensors.index.json", dir);
    free(index);
    free(single);
    free(pickled);
    if (code)
        weight_shards_close(s);
    return code;
}

void weight_shards_close(struct shards *s)
{
    for (int i = 0; i < s->n; i++)
        st_close(s->files[i]);
    free(s->files);
    json_decref(s->map);
    *s = (struct shards){0};
}

const struct st_tensor *weight_shards_find(const struct shards *s, const char *name, const struct st_file **file)
{
    const char *only = json_string_value(json_object_get(s->map, name));
    for (int i = 0; i < s->n; i++) {
        const struct st_tensor *t =
            only && strcmp(path_base(s->files[i]->path), only) != 0 ? NULL : st_find(s->files[i], name);
        if (t) {
            *file = s->files[i];
            return t;
        }
    }
    return NULL;
}

int weight_shards_own_head(const struct shards *s, enum arch_family family, bool *own, struct err *e)
{
    const struct st_file *head_file, *embed_file;
    const struct st_tensor *head = weight_shards_find(s, "lm_head.weight", &head_file), *embed = NULL;
    struct str name = {0};
    for (int bare = 0; bare < 2 && !embed; bare++) {
        names_full(family, names_row(family, T_TOKEN_EMBED), -1, bare, &name);
        embed = weight_shards_find(s, str_text(&name), &embed_file);
    }
    str_fini(&name);
    *own = false;
    if (!head || !embed)
        return 0;
    *own = true;
    if (head->n_elements != embed->n_elements)
        return 0; // whoever loads it says which shape is wrong
    if (head->dtype == embed->dtype) {
        *own = memcmp(head->bytes, embed->bytes, head->n_bytes) != 0;
        return 0;
    }
    const size_t n = head->n_elements;
    float *values = mem_try_alloc(2 * n, sizeof *values, "a head and an embedding to compare", e);
    int code = values ? st_to_f32(head_file, head, values, e) : ERR_LIMIT;
    if (!code)
        code = st_to_f32(embed_file, embed, values + n, e);
    if (!code)
        *own = memcmp(values, values + n, n * sizeof *values) != 0;
    free(values);
    return code;
}
