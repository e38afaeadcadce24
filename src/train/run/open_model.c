#include "config.h"

#include "train/run/open_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "gpu/cards.h"

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
    struct backend_options options = {.n_threads = threads, .device = card_taken()};
    struct err unknown; // of a run that has opened with it: there is none
    BUG_IF(read_precision(precision, &options.precision, &unknown));
    return options;
}

// "cuda:1" is device 1 of the backend cuda; "cuda" is any of its, -1.
static int read_device(const char *device, char name[16], int *number, struct err *e)
{
    const char *colon = strchr(device, ':');
    int end = 0;
    snprintf(name, 16, "%.*s", colon ? (int)(colon - device) : 15, device);
    *number = -1;
    if (colon && strcmp(name, "cuda") != 0)
        return err_set(e, ERR_USAGE, "device %s: GPUs alone have numbers, as in cuda:1", device);
    if (colon && (strspn(colon + 1, "0123456789") != strlen(colon + 1) || sscanf(colon + 1, "%4d%n", number, &end) != 1 ||
                  colon[1 + end]))
        return err_set(e, ERR_USAGE, "device %s: behind cuda: stands the number of a GPU, counted from 0, as in cuda:1", device);
    return 0;
}

// The one of that number, or, where it is negative, a free one; where that cannot be used, any that can.
static int open_one(const struct backend_ops *ops, struct backend **out, struct backend_options o, int number, struct err *e)
{
    const int n = ops->n_devices();
    o.device = number < 0 ? 0 : number;
    if (n > 1 && number < n)
        o.device = card_take(n, number);
    const int first = o.device;
    int code = ops->open(out, &o, e);
    for (int i = 0; i < n && code && number < 0; i++) {
        o.device = i;
        if (i != first && !ops->open(out, &o, NULL)) {
            card_take(n, i);
            code = 0;
        }
    }
    return code;
}

// The first backend that loads and opens. why: of the first that does not.
static int open_any(const struct backend_ops **ops, struct backend **out, const struct backend_options *o, struct err *why)
{
    struct err fault = {0};
    int code = ERR_UNSUPPORTED;
    *why = (struct err){0};
    for (const char *const *name = backend_names; *name && code; name++) {
        *ops = backend_load(*name, &fault);
        code = *ops ? open_one(*ops, out, *o, -1, &fault) : ERR_UNSUPPORTED;
        if (code && !why->code)
            *why = fault;
    }
    return code;
}

int engine_open_device(const struct backend_ops **ops, struct backend **backend, const char *device, const char *precision,
                       int threads, struct err *passed_over, struct err *e)
{
    struct backend_options options = {.n_threads = threads, .device = card_taken()};
    struct err why = {0};
    char name[16];
    int number;
    *passed_over = (struct err){0};
    if (read_precision(precision, &options.precision, e))
        return ERR_USAGE;
    if (strcmp(device, "auto") == 0) {
        const int code = open_any(ops, backend, &options, passed_over);
        return code ? err_set(e, code, "%s", passed_over->text) : 0;
    }
    int code = read_device(device, name, &number, e);
    if (code)
        return code;
    *ops = backend_load(name, &why);
    code = *ops ? open_one(*ops, backend, options, number, &why) : ERR_UNSUPPORTED;
    if (!code || strcmp(name, "cpu") == 0)
        return code ? err_set(e, code, "%s", why.text) : 0;
    return err_set(e, code, "device %s cannot be used: %s. Use --device auto or cpu, or see attune doctor", device, why.text);
}

int engine_open_backend(const struct backend_ops **ops, struct backend **backend, const char *device,
                        const char *precision, int threads, struct err *e)
{
    struct err passed_over;
    return engine_open_device(ops, backend, device, precision, threads, &passed_over, e);
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
