// attune-engine model DIR: what a model folder holds, without loading the weights.
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "model/adapter.h"
#include "model/arch.h"
#include "model/safetensors.h"
#include "model/st_types.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"

const struct param engine_model_params[] = {
    {.name = "json", .type = PARAM_BOOL, .fallback = "yes", .help = "The answer is always JSON."}, {0}};

enum { MAX_CONFIG_BYTES = 16 << 20 };

static json_t *architecture(const struct arch *a)
{
    const enum rope_scaling scaling = a->ropes[ATTN_FULL].scaling;
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:b, s:b, s:b, s:s, s:I}", "family",
                     arch_family_name(a->family), "vocab_size", a->vocab_size, "layers", a->n_layers, "d_model", a->d_model,
                     "heads", a->n_heads, "kv_heads", a->n_kv_heads, "head_dim", a->head_dim, "d_ff", a->d_ff,
                     "max_positions", a->max_positions, "norm", a->norm == NORM_RMS ? "rms" : "layer", "tied_head", a->tied,
                     "attention_bias", a->qkv_bias, "rotary", a->rope, "rope_scaling",
                     scaling == ROPE_PLAIN ? "none" : rope_scaling_name(scaling), "params",
                     (json_int_t)arch_n_params(a));
}

static int is_weights(const struct dirent *entry)
{
    return text_ends(entry->d_name, ".safetensors");
}

static int add_file(json_t *files, json_t *tensors, const char *dir, const char *name, struct err *e)
{
    char *path = path_join(dir, name);
    struct st_file *f = NULL;
    int code = st_open(&f, path, e);
    if (!code)
        json_array_append_new(files, json_pack("{s:s, s:I}", "name", name, "bytes", (json_int_t)file_size(path)));
    for (size_t i = 0; !code && i < f->n_tensors; i++) {
        const struct st_tensor *t = &f->tensors[i];
        json_t *shape = json_array();
        for (int d = 0; d < t->n_dims; d++)
            json_array_append_new(shape, json_integer(t->dims[d]));
        json_array_append_new(tensors, json_pack("{s:s, s:s, s:o, s:I}", "name", t->name, "dtype", st_dtype_name(t->dtype),
                                                 "shape", shape, "elements", (json_int_t)t->n_elements));
    }
    if (!code)
        st_close(f);
    free(path);
    return code;
}

// config.json of a model, or adapter_config.json of PEFT; *answer gets what they say.
static int add_configs(json_t *answer, const char *dir, struct err *e)
{
    char *config_path = path_join(dir, "config.json"), *adapter_path = path_join(dir, "adapter_config.json");
    json_t *config = NULL, *adapter = NULL;
    struct notes notes = {0};
    struct arch arch;
    int code = 0;
    if (file_exists(adapter_path)) {
        struct adapter read = {0};
        code = json_read(adapter_path, MAX_CONFIG_BYTES, &adapter, e);
        if (!code)
            json_object_set_new(answer, "adapter", adapter);
        if (!code)
            code = adapter_open(&read, dir, &notes, e);
        adapter_close(&read);
    }
    if (!code && (!adapter || file_exists(config_path))) {
        code = json_read(config_path, MAX_CONFIG_BYTES, &config, e);
        if (!code)
            code = arch_from_config(&arch, config, config_path, &notes, e);
        if (!code)
            json_object_set_new(answer, "architecture", architecture(&arch));
    }
    json_t *warnings = json_array();
    for (size_t i = 0; i < notes.n; i++)
        json_array_append_new(warnings, json_string(notes.texts[i]));
    json_object_set_new(answer, "warnings", warnings);
    notes_fini(&notes);
    json_decref(config);
    free(config_path);
    free(adapter_path);
    return code;
}

int engine_model(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct dirent **names = NULL;
    if (n_rest != 1)
        return err_set(e, ERR_USAGE, "name one model folder");
    if (!file_is_dir(rest[0]))
        return err_set(e, ERR_NOT_FOUND, "there is no model folder %s", rest[0]);
    json_t *answer = json_object(), *files = json_array(), *tensors = json_array();
    int n = scandir(rest[0], &names, is_weights, alphasort);
    int code = n < 0 ? err_errno(e, "cannot read the folder %s", rest[0]) : add_configs(answer, rest[0], e);
    for (int i = 0; i < n; i++) {
        if (!code)
            code = add_file(files, tensors, rest[0], names[i]->d_name, e);
        free(names[i]);
    }
    free(names);
    json_object_set_new(answer, "files", files);
    json_object_set_new(answer, "tensors", tensors);
    if (code) {
        json_decref(answer);
        return code;
    }
    return engine_print(answer, e);
}
