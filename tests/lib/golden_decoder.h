// The golden decoders of tests/golden/decoder: their batch, expectations and models.
#pragma once

#include "testing.h"

#include <jansson.h>

#include "base/json.h"
#include "base/mem.h"
#include "model/model.h"
#include "packing.h"

struct golden {
    json_t *file;
    struct pack_group groups[8];
    int n_groups;
    float *coef, *score_coef;
    int n_targets, n_seqs;
};

static inline int32_t *golden_ids(const json_t *list, int *n)
{
    *n = (int)json_array_size(list);
    int32_t *ids = mem_alloc((size_t)*n + 1, sizeof *ids);
    for (int i = 0; i < *n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, (size_t)i));
    return ids;
}

static inline float *golden_floats(const json_t *list, int *n)
{
    *n = (int)json_array_size(list);
    float *values = mem_alloc((size_t)*n + 1, sizeof *values);
    for (int i = 0; i < *n; i++)
        values[i] = (float)json_number_value(json_array_get(list, (size_t)i));
    return values;
}

static inline void golden_open(struct golden *g)
{
    *g = (struct golden){0};
    char *path = test_source("tests/golden/decoder/expected.json");
    assert_ok(json_read(path, 1 << 20, &g->file, e));
    free(path);
    const json_t *group, *response;
    size_t i, j;
    json_array_foreach(json_object_get(g->file, "groups"), i, group)
    {
        struct pack_group *out = &g->groups[g->n_groups++];
        out->prompt = golden_ids(json_object_get(group, "prompt"), &out->n_prompt);
        json_array_foreach(json_object_get(group, "responses"), j, response)
        {
            out->responses[j] = golden_ids(response, &out->n_response[j]);
            out->n_responses++;
        }
    }
    g->coef = golden_floats(json_object_get(g->file, "coef"), &g->n_targets);
    g->score_coef = golden_floats(json_object_get(g->file, "score_coef"), &g->n_seqs);
}

static inline void golden_close(struct golden *g)
{
    for (int i = 0; i < g->n_groups; i++) {
        free((void *)g->groups[i].prompt);
        for (int r = 0; r < g->groups[i].n_responses; r++)
            free((void *)g->groups[i].responses[r]);
    }
    free(g->coef);
    free(g->score_coef);
    json_decref(g->file);
}

// part: "weights" or "grads".
static inline struct model *golden_model(const json_t *golden_case, const char *part, const struct backend_ops *ops,
                                         struct backend *backend)
{
    struct str name = {0};
    str_addf(&name, "tests/golden/decoder/%s/%s", json_string_value(json_object_get(golden_case, "name")), part);
    char *path = test_source(str_text(&name));
    struct model *m = NULL;
    assert_ok(model_load(&m, path, ops, backend,
                         json_array_size(json_object_get(golden_case, "scores")) > 0 ? LOAD_SCORE : 0, e));
    free(path);
    str_fini(&name);
    return m;
}

// The values of a tensor in host memory; heap.
static inline float *golden_download(const struct model *m, const float *device, size_t n)
{
    float *host = mem_alloc(n, sizeof *host);
    m->ops->download(m->backend, host, device, n * sizeof *host);
    return host;
}
