#include "config.h"

#include "model/merge_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/merge_folder.h"
#include "model/names.h"

enum { MAX_JSON = 16 << 20 };

// ---- names ----

const char *merge_bare_name(const char *name)
{
    static const char *const prefixes[] = {"model.", "transformer."};
    for (size_t i = 0; i < 2; i++)
        if (text_starts(name, prefixes[i]))
            return name + strlen(prefixes[i]);
    return name;
}

const struct st_tensor *merge_find(const struct shards *s, const char *name, const struct st_file **file)
{
    static const char *const prefixes[] = {"", "model.", "transformer."};
    const struct st_tensor *found = NULL;
    for (size_t i = 0; i < 3 && !found; i++) {
        struct str full = {0};
        str_addf(&full, "%s%s", prefixes[i], merge_bare_name(name));
        found = weight_shards_find(s, str_text(&full), file);
        str_fini(&full);
    }
    return found;
}

static bool is_head(const char *name)
{
    return strcmp(name, "lm_head.weight") == 0 || strcmp(name, "score.weight") == 0;
}

static bool is_read(const char *name) // the head counts; masks and tables of angles do not
{
    return is_head(name) || !names_is_harmless(name);
}

static int refuse_shape(const struct st_tensor *have, const char *dir, const struct st_tensor *base, struct err *e)
{
    struct str a = {0}, b = {0};
    for (int i = 0; i < have->n_dims; i++)
        str_addf(&a, "%s%lld", i ? ", " : "", (long long)have->dims[i]);
    for (int i = 0; i < base->n_dims; i++)
        str_addf(&b, "%s%lld", i ? ", " : "", (long long)base->dims[i]);
    int code =
        err_set(e, ERR_INPUT, "%s cannot be merged: its tensor \"%.200s\" has the shape (%s), that of the base (%s)",
                dir, have->name, str_text(&a), str_text(&b));
    str_fini(&a);
    str_fini(&b);
    return code;
}

// ---- opening ----

int merge_read_arch(struct arch *a, json_t **config, const char *dir, struct err *e)
{
    char *path = path_join(dir, "config.json");
    int code = json_read(path, MAX_JSON, config, e);
    if (!code)
        code = arch_from_config(a, *config, path, NULL, e);
    free(path);
    return code;
}

static bool same_ropes(const struct arch *a, const struct arch *base)
{
    return rope_same(&a->ropes[ATTN_FULL], &base->ropes[ATTN_FULL]) &&
           rope_same(&a->ropes[ATTN_SLIDING], &base->ropes[ATTN_SLIDING]);
}

// What decides how weights are computed with; shapes alone would not tell.
static int same_arch(const struct arch *a, const struct arch *base, const char *dir, struct err *e)
{
    const struct {
        const char *what;
        double have, want;
        bool number; // that says something to a person
    } rows[] = {{"vocabulary (vocab_size)", a->vocab_size, base->vocab_size, true},
                {"number of layers", a->n_layers, base->n_layers, true},
                {"width (hidden_size)", a->d_model, base->d_model, true},
                {"number of attention heads", a->n_heads, base->n_heads, true},
                {"number of key-value heads", a->n_kv_heads, base->n_kv_heads, true},
                {"size of an attention head", a->head_dim, base->head_dim, true},
                {"size of the MLP", a->d_ff, base->d_ff, true},
                {"activation function", a->act, base->act, false},
                {"tie of head and embedding (tie_word_embeddings)", a->tied, base->tied, false},
                {"epsilon of the norms", a->norm_eps, base->norm_eps, true},
                {"rotary base (rope_theta)", a->ropes[0].theta, base->ropes[0].theta, true},
                {"kind of rotary scaling", a->ropes[0].scaling, base->ropes[0].scaling, false},
                {"factor of rotary scaling", a->ropes[0].factor, base->ropes[0].factor, true},
                {"rotary scaling", same_ropes(a, base), true, false},
                {"sliding window", a->sliding_window, base->sliding_window, true},
                {"list of layers with a sliding window (layer_types)",
                 memcmp(a->sliding_layers, base->sliding_layers, sizeof a->sliding_layers), 0, false}};
    if (a->family != base->family)
        return err_set(e, ERR_USAGE, "%s cannot be merged: it is a %s model, the base is a %s model", dir,
                       arch_family_name(a->family), arch_family_name(base->family));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].have != rows[i].want && rows[i].number)
            return err_set(e, ERR_USAGE, "%s cannot be merged: its %s is %.9g, that of the base %.9g", dir,
                           rows[i].what, rows[i].have, rows[i].want);
        else if (rows[i].have != rows[i].want)
            return err_set(e, ERR_USAGE, "%s cannot be merged: its %s is not that of the base", dir, rows[i].what);
    return 0;
}

int merge_source_open(struct merge_source *s, const char *dir, const struct arch *base, struct err *e)
{
    json_t *config = NULL;
    struct arch arch;
    int code;
    *s = (struct merge_source){.dir = dir, .base = base, .transposed = base->family == ARCH_GPT2,
                               .is_adapter = adapter_is_folder(dir)};
    if (!file_is_dir(dir)) {
        code = err_set(e, ERR_NOT_FOUND, "there is no model folder %s", dir);
    } else if (s->is_adapter) {
        code = adapter_open(&s->adapter, dir, NULL, e);
        if (!code && s->adapter.scores)
            code = err_set(e, ERR_UNSUPPORTED, "%s is a reward model's adapter: it has more than the low-rank matrices that "
                           "can be merged", dir);
    } else {
        code = merge_read_arch(&arch, &config, dir, e);
        if (!code)
            code = same_arch(&arch, base, dir, e);
        if (!code)
            code = weight_shards_open(&s->files, dir, NULL, e);
    }
    json_decref(config);
    return code;
}

void merge_source_close(struct merge_source *s)
{
    adapter_close(&s->adapter);
    weight_shards_close(&s->files);
    *s = (struct merge_source){0};
}

// ---- changes ----

static int delta_of_model(struct merge_source *s, const struct st_tensor *t, const float *base, float *scratch,
                          double *delta, struct err *e)
{
    const struct st_file *file;
    const struct st_tensor *own = merge_find(&s->files, t->name, &file);
    if (!own)
        return err_set(e, ERR_INPUT, "%s cannot be merged: it holds no tensor \"%.200s\", which the base has", s->dir,
                       t->name);
    if (own->n_dims != t->n_dims || memcmp(own->dims, t->dims, (size_t)t->n_dims * sizeof *t->dims) != 0)
        return refuse_shape(own, s->dir, t, e);
    int code = st_to_f32(file, own, scratch, e);
    for (size_t j = 0; !code && j < t->n_elements; j++)
        delta[j] = (double)scratch[j] - (double)base[j];
    return code;
}

// A tensor of the base as PEFT names its module, whatever prefix the base's file has: "model.layers.0.mlp.up_proj".
// False when it is no weight of a module.
static bool module_of(const struct merge_source *s, const char *tensor, struct str *module)
{
    const char *bare = merge_bare_name(tensor), *prefix = s->base->family == ARCH_GPT2 ? "transformer." : "model.";
    if (!text_ends(bare, ".weight"))
        return false;
    str_add(module, is_head(bare) ? "" : prefix);
    str_addn(module, bare, strlen(bare) - strlen(".weight"));
    return true;
}

// delta (out, in), or (in, out) where the base is stored so, = factor B (out, r) A (r, in).
static int multiply(const struct merge_source *s, const struct adapter_pair *pair, const struct st_tensor *t, double *delta,
                    struct err *e)
{
    const struct st_tensor *a = pair->a, *b = pair->b;
    const int64_t rank = pair->rank, in = a->dims[1], out = b->dims[0];
    const bool fits = t->n_dims == 2 && t->dims[s->transposed] == out && t->dims[!s->transposed] == in;
    if (!fits)
        return err_set(e, ERR_INPUT,
                       "%s cannot be merged: its \"%.200s\" does not fit the base's tensor of %lld x %lld", s->dir,
                       a->name, (long long)t->dims[0], (long long)(t->n_dims > 1 ? t->dims[1] : 1));
    float *values = mem_try_alloc(a->n_elements + b->n_elements, sizeof *values, "an adapter's matrices", e);
    if (!values)
        return ERR_LIMIT;
    float *bv = values + a->n_elements;
    int code = st_to_f32(s->adapter.file, a, values, e);
    if (!code)
        code = st_to_f32(s->adapter.file, b, bv, e);
    for (int64_t o = 0; !code && o < out; o++)
        for (int64_t k = 0; k < rank; k++) {
            const double scaled = pair->factor * (double)bv[o * rank + k];
            for (int64_t i = 0; i < in; i++)
                delta[s->transposed ? i * out + o : o * in + i] += scaled * (double)values[k * in + i];
        }
    free(values);
    return code;
}

static int delta_of_adapter(struct merge_source *s, const struct st_tensor *t, double *delta, struct err *e)
{
    struct adapter_pair pair = {0};
    struct str module = {0};
    int code = 0;
    memset(delta, 0, t->n_elements * sizeof *delta);
    if (module_of(s, t->name, &module))
        code = adapter_find(&s->adapter, str_text(&module), &pair, e);
    if (!code && pair.a)
        code = multiply(s, &pair, t, delta, e);
    str_fini(&module);
    return code;
}

int merge_source_delta(struct merge_source *s, const struct st_tensor *t, const float *base, float *scratch,
                       double *delta, struct err *e)
{
    int code = s->is_adapter ? delta_of_adapter(s, t, delta, e) : delta_of_model(s, t, base, scratch, delta, e);
    for (size_t j = 0; !code && j < t->n_elements; j++)
        if (!isfinite(delta[j]))
            code = err_set(e, ERR_NUMERIC, "%s or the base holds a number that is not finite in \"%.200s\"", s->dir,
                           t->name);
    return code;
}

int merge_source_all_used(const struct merge_source *s, const struct shards *base, struct err *e)
{
    const struct st_file *file;
    if (s->is_adapter)
        return adapter_all_used(&s->adapter, e);
    bool own_head = false;
    int code = merge_find(base, "lm_head.weight", &file)
                   ? 0
                   : weight_shards_own_head(&s->files, s->base->family, &own_head, e);
    if (!code && own_head && s->base->tied)
        code = err_set(e, ERR_INPUT,
                       "%s cannot be merged: it has a head that is not its token embedding, which the base has not",
                       s->dir);
    if (code)
        return code;
    for (int i = 0; i < s->files.n; i++)
        for (size_t j = 0; j < s->files.files[i]->n_tensors; j++) {
            const char *name = s->files.files[i]->tensors[j].name;
            if (is_read(name) && strcmp(name, "lm_head.weight") != 0 && !merge_find(base, name, &file))
                return err_set(e, ERR_INPUT,
                               "%s cannot be merged: it holds the tensor \"%.200s\", which the base has not", s->dir,
                               name);
        }
    return 0;
}
