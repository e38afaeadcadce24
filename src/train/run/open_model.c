#include "config.h"

#include "train/run/open_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"

struct backend_options engine_backend_options(const char *precision, int threads)
{
    return (struct backend_options){threads, strcmp(precision, "bf16") == 0 ? PRECISION_BF16 : PRECISION_F32};
}

int engine_open_backend(const struct backend_ops **ops, struct backend **backend, const char *device,
                        const char *precision, int threads, struct err *e)
{
    const struct backend_options options = engine_backend_options(precision, threads);
    if (strcmp(device, "auto") != 0) {
        *ops = backend_find(device);
        if (!*ops)
            return err_set(e, ERR_UNSUPPORTED, "device %s: this Attune has no such backend (%s); use --device cpu", device,
                           strcmp(device, "cuda") == 0 ? "CUDA is not built yet" : "see attune doctor");
        return (*ops)->open(backend, &options, e);
    }
    int code = ERR_UNSUPPORTED;
    for (const struct backend_ops *const *b = backends; *b; b++) {
        *ops = *b;
        code = (*b)->open(backend, &options, e);
        if (!code)
            return 0;
    }
    return code;
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
