#include "config.h"

#include "train/run/open_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"

static int read_precision(const char *name, enum precision *out, struct err *e)
{
    static const enum precision all[] = {PRECISION_F32, PRECISION_TF32, PRECISION_BF16};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(name, precision_name(all[i])) == 0) {
            *out = all[i];
            return 0;
        }
    return err_set(e, ERR_USAGE, "there is no precision \"%.40s\"; take f32, tf32 or bf16", name);
}

struct backend_options engine_backend_options(const char *precision, int threads)
{
    struct backend_options options = {.n_threads = threads};
    struct err unknown; // of a run that has opened with it: there is none
    BUG_IF(read_precision(precision, &options.precision, &unknown));
    return options;
}

int engine_open_backend(const struct backend_ops **ops, struct backend **backend, const char *device,
                        const char *precision, int threads, struct err *e)
{
    struct backend_options options = {.n_threads = threads};
    struct err why;
    if (read_precision(precision, &options.precision, e))
        return ERR_USAGE;
    int code = ERR_UNSUPPORTED;
    if (strcmp(device, "auto") != 0) {
        *ops = backend_load(device, &why);
        if (*ops)
            code = (*ops)->open(backend, &options, &why);
        return !code || strcmp(device, "cpu") == 0
                   ? (code ? err_set(e, code, "%s", why.text) : 0)
                   : err_set(e, code, "device %s cannot be used: %s. Use --device auto or cpu, or see attune doctor", device,
                             why.text);
    }
    for (const char *const *name = backend_names; *name && code; name++) {
        *ops = backend_load(*name, &why);
        code = *ops ? (*ops)->open(backend, &options, &why) : ERR_UNSUPPORTED;
    }
    return code ? err_set(e, code, "%s", why.text) : 0;
}

static int new_model(struct model **out, const char *path, const struct backend_ops *ops, struct backend *backend,
                     uint64_t seed, char key[80], struct err *e)
{
    enum { MAX_CONFIG = 1 << 20 };
    json_t *config;
    char hash[65];
    struct sha256 s;
    int code = json_read(path, MAX_CONFIG, &config, e);
    if (code)
        return code;
    code = model_new(out, config, ops, backend, seed, e);
    if (code)
        err_prefix(e, "cannot make a model from %s: ", path);
    char *text = json_dumps(config, JSON_SORT_KEYS | JSON_COMPACT);
    sha256_init(&s);
    sha256_add(&s, text, strlen(text));
    sha256_add(&s, &seed, sizeof seed);
    sha256_hex(&s, hash);
    if (key)
        snprintf(key, 80, "new:%s", hash);
    free(text);
    json_decref(config);
    return code;
}

int engine_load_model(struct model **out, const char *path, const struct backend_ops *ops, struct backend *backend,
                      unsigned how, uint64_t seed, char key[80], struct err *e)
{
    if (text_ends(path, ".json")) {
        if (how & LOAD_SCORE)
            return err_set(e, ERR_USAGE, "a reward model starts from a trained model: give --model a folder, not %s", path);
        return new_model(out, path, ops, backend, seed, key, e);
    }
    int code = key ? model_folder_hash(path, key, e) : 0;
    return code ? err_prefix(e, "cannot load the model %s: ", path) : model_load(out, path, ops, backend, how, e);
}
