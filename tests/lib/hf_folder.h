// Model folders as Hugging Face has them, and what a model says of given tokens.
#pragma once

#include <unistd.h>

#include "testing.h"

#include "base/json.h"
#include "base/mem.h"
#include "model/decoder.h"
#include "packing.h"

// A folder of links to a weights file and a config; heap. NULL config: write one into it.
static inline char *hf_folder(const char *folder, const char *name, const char *weights, const char *config)
{
    char *dir = path_join(folder, name), *to = path_join(dir, "model.safetensors"), *at = path_join(dir, "config.json");
    char *real = realpath(weights, NULL), *real_config = config ? realpath(config, NULL) : NULL;
    assert_ok(file_remove_tree(dir, e));
    assert_ok(file_make_dirs(dir, e));
    assert_non_null(real);
    assert_int_equal(symlink(real, to), 0);
    if (config)
        assert_int_equal(symlink(real_config, at), 0);
    free(real);
    free(real_config);
    free(to);
    free(at);
    return dir;
}

static inline int32_t *json_ids(const json_t *list, int *n)
{
    *n = (int)json_array_size(list);
    int32_t *ids = mem_alloc((size_t)*n + 1, sizeof *ids);
    for (int i = 0; i < *n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, (size_t)i));
    return ids;
}

// Log-probabilities of ids[n_prompt ..] after what stands before them: (n - n_prompt).
static inline void hf_logprobs(struct model *m, const int32_t *ids, int n_prompt, int n, float *out)
{
    const struct pack_group group = {
        .prompt = ids, .n_prompt = n_prompt, .responses = {ids + n_prompt}, .n_response = {n - n_prompt}, .n_responses = 1};
    struct pack pack;
    struct decoder *d;
    pack_init(&pack, &group, 1, true);
    assert_ok(decoder_new(&d, m, false, e));
    assert_ok(decoder_forward(d, &pack.batch, false, e));
    assert_ok(decoder_logprobs(d, &pack.batch, out, NULL, NULL, e));
    decoder_free(d);
    pack_fini(&pack);
}
