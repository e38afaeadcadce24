// The hash of a model folder: which model a run was made with. Hashing a large model takes as long as reading it, so the
// hash is remembered under what the file system says of the files.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "model/model_parts.h"

enum { MAX_CONFIG = 16 << 20 };

// What the model computes depends on its config as much as on its weights (rotary base, norm's epsilon; rank and
// alpha of an adapter): both are hashed.
static void add_json(struct sha256 *hash, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (text)
        sha256_add(hash, text, strlen(text) + 1);
    free(text);
}

// Adds a file's place, size and times; false when it cannot be asked.
static bool add_state(struct sha256 *hash, const char *path)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (!real || stat(real, &st) < 0) {
        free(real);
        return false;
    }
    const int64_t facts[] = {(int64_t)st.st_dev, (int64_t)st.st_ino, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec,
                             (int64_t)st.st_mtim.tv_nsec, (int64_t)st.st_ctim.tv_sec, (int64_t)st.st_ctim.tv_nsec};
    sha256_add(hash, real, strlen(real) + 1);
    sha256_add(hash, facts, sizeof facts);
    free(real);
    return true;
}

// Where the hash of files in this state is remembered; NULL where there is no place.
static char *remembered_at(const char state[65])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct str dir = {0};
    if (cache && *cache == '/')
        str_addf(&dir, "%s/attune/hashes", cache);
    else if (home && *home == '/')
        str_addf(&dir, "%s/.cache/attune/hashes", home);
    char *path = dir.len && file_make_dirs(str_text(&dir), NULL) == 0 ? path_join(str_text(&dir), state) : NULL;
    str_fini(&dir);
    return path;
}

static bool is_hash(const char *text, size_t n)
{
    return n == 64 && strspn(text, "0123456789abcdef") == 64;
}

// Of the weights alone, remembered.
static int hash_files(const struct shards *s, char hash[65], struct err *e)
{
    struct sha256 state, all;
    char key[65], *known = NULL, *bytes = NULL;
    size_t n;
    bool stated = true;
    sha256_init(&state);
    for (int i = 0; i < s->n && stated; i++)
        stated = add_state(&state, s->files[i]->path);
    sha256_hex(&state, key);
    known = stated ? remembered_at(key) : NULL;
    if (known && file_read(known, 64, &bytes, &n, NULL) == 0 && is_hash(bytes, n)) {
        memcpy(hash, bytes, 64);
        hash[64] = '\0';
    } else {
        sha256_init(&all);
        for (int i = 0; i < s->n; i++)
            sha256_add(&all, s->files[i]->map, s->files[i]->map_bytes);
        sha256_hex(&all, hash);
        if (known)
            file_write(known, hash, 64, NULL); // without it, it is computed again
    }
    free(bytes);
    free(known);
    return 0;
}

static int hash_base(const char *dir, char hash[65], struct err *e)
{
    char *path = path_join(dir, "config.json"), weights[65];
    json_t *config = NULL;
    struct shards s = {0};
    struct sha256 all;
    int code = json_read(path, MAX_CONFIG, &config, e);
    if (!code)
        code = weight_shards_open(&s, dir, NULL, e);
    if (!code)
        code = hash_files(&s, weights, e);
    if (!code) {
        sha256_init(&all);
        sha256_add(&all, weights, 64);
        add_json(&all, config);
        sha256_hex(&all, hash);
    }
    weight_shards_close(&s);
    json_decref(config);
    free(path);
    return code;
}

int model_folder_hash(const char *dir, char hash[65], struct err *e)
{
    if (!adapter_is_folder(dir))
        return hash_base(dir, hash, e);
    char *base = adapter_base(dir, e), *weights = path_join(dir, "adapter_model.safetensors");
    char *path = path_join(dir, "adapter_config.json"), own[65];
    json_t *config = NULL;
    struct sha256 all;
    int code = base ? hash_base(base, hash, e) : e ? e->code : ERR_NOT_FOUND;
    if (!code)
        code = sha256_file(weights, own, e);
    if (!code)
        code = json_read(path, MAX_CONFIG, &config, e);
    if (!code) {
        sha256_init(&all);
        sha256_add(&all, hash, 64);
        sha256_add(&all, own, 64);
        add_json(&all, config);
        sha256_hex(&all, hash);
    }
    json_decref(config);
    free(base);
    free(weights);
    free(path);
    return code;
}
