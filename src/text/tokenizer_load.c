// Reading a tokenizer's files: tokenizer.json or vocab.json + merges.txt.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "text/tokenizer_config.h"

struct loading {
    struct tokenizer *t;
    const char *dir;
    struct sha256 hash;
};

// DIR/name or DIR/name.gz on the heap, or NULL when neither is there.
static char *find_file(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    if (file_exists(path))
        return path;
    struct str packed = {0};
    str_addf(&packed, "%s.gz", path);
    free(path);
    path = str_take(&packed);
    if (file_exists(path))
        return path;
    free(path);
    return NULL;
}

static int read_hashed(struct loading *l, const char *path, char **text, size_t *n, struct err *e)
{
    int code = file_read(path, TOKENIZER_FILE_MAX, text, n, e);
    if (code == 0)
        sha256_add(&l->hash, *text, *n);
    return code;
}

static int read_json(struct loading *l, const char *path, json_t **out, struct err *e)
{
    char *text;
    size_t n;
    int code = read_hashed(l, path, &text, &n, e);
    if (code)
        return code;
    code = json_parse(text, n, path, out, e);
    free(text);
    if (code == 0 && !json_is_object(*out)) {
        json_decref(*out);
        code = err_set(e, ERR_INPUT, "%s must hold a JSON object", path);
    }
    return code;
}

static int read_vocab(struct tokenizer *t, const json_t *vocab, const char *where, struct err *e)
{
    if (!json_is_object(vocab) || json_object_size(vocab) == 0)
        return err_set(e, ERR_INPUT, "%s: the vocabulary must be an object of token texts and ids", where);
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)vocab, text, id) {
        if (!json_is_integer(id))
            return err_set(e, ERR_INPUT, "%s: token \"%.80s\" has no whole number as its id", where, text);
        int code = vocab_add(&t->vocab, text, strlen(text), json_integer_value(id), false, where, e);
        if (code)
            return code;
    }
    return 0;
}

// "left right", split at its only space.
static int add_merge_line(struct bpe *b, const char *line, size_t n, const char *where, struct err *e)
{
    const char *space = memchr(line, ' ', n);
    size_t n_left = space ? (size_t)(space - line) : n;
    if (!space || memchr(space + 1, ' ', n - n_left - 1))
        return err_set(e, ERR_INPUT, "%s: merge %zu, \"%.*s\", is not two tokens with a space between", where,
                       b->n_merges + 1, (int)(n > 80 ? 80 : n), line);
    char *left = mem_strndup(line, n_left), *right = mem_strndup(space + 1, n - n_left - 1);
    int code = bpe_add_merge(b, left, n_left, right, n - n_left - 1, where, e);
    free(left);
    free(right);
    return code;
}

static int read_merges(struct tokenizer *t, const json_t *merges, const char *where, struct err *e)
{
    if (!json_is_array(merges))
        return err_set(e, ERR_INPUT, "%s: \"merges\" must be a list", where);
    int code = bpe_reserve(&t->bpe, json_array_size(merges), e);
    size_t i;
    const json_t *merge;
    json_array_foreach(merges, i, merge) {
        if (code)
            return code;
        const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
        if (json_is_string(merge))
            code = add_merge_line(&t->bpe, json_string_value(merge), json_string_length(merge), where, e);
        else if (json_array_size(merge) == 2 && json_is_string(left) && json_is_string(right))
            code = bpe_add_merge(&t->bpe, json_string_value(left), json_string_length(left), json_string_value(right),
                                 json_string_length(right), where, e);
        else
            code = err_set(e, ERR_INPUT, "%s: merge %zu is neither a text nor a pair of texts", where, i + 1);
    }
    return code;
}

// Settings of a BPE model that change its results and that Attune does not have must be unset.
static int refuse_model_settings(const json_t *model, const char *where, struct err *e)
{
    static const char *const texts[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (int i = 0; i < 2; i++) {
        const json_t *value = json_object_get(model, texts[i]);
        if (json_is_string(value) && json_string_length(value))
            return err_set(e, ERR_UNSUPPORTED, "%s: a BPE model with %s \"%.40s\" is not supported", where, texts[i],
                           json_string_value(value));
    }
    if (json_number_value(json_object_get(model, "dropout")) != 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: a BPE model with dropout is not supported; set it to null", where);
    return 0;
}

static int read_model(struct tokenizer *t, const json_t *model, const char *where, struct err *e)
{
    const char *type, *unk;
    if (!json_is_object(model))
        return err_set(e, ERR_INPUT, "%s must be an object", where);
    int code = json_get_text(model, "type", json_object_get(model, "merges") ? "BPE" : "", &type, where, e);
    if (code)
        return code;
    if (strcmp(type, "BPE") != 0)
        return err_set(e, ERR_UNSUPPORTED, "%s of type \"%.60s\" is not supported; Attune reads BPE models", where,
                       type);
    code = refuse_model_settings(model, where, e);
    if (!code)
        code = json_get_bool(model, "ignore_merges", false, &t->bpe.ignore_merges, where, e);
    if (!code)
        code = json_get_bool(model, "byte_fallback", false, &t->bpe.byte_fallback, where, e);
    if (!code)
        code = json_get_bool(model, "fuse_unk", false, &t->bpe.fuse_unk, where, e);
    if (!code)
        code = json_get_text(model, "unk_token", NULL, &unk, where, e);
    if (!code)
        code = read_vocab(t, json_object_get(model, "vocab"), where, e);
    if (code)
        return code;
    if (unk && (t->bpe.unk = bytes_map_get(&t->vocab.model, unk, strlen(unk))) < 0)
        return err_set(e, ERR_INPUT, "%s: the unknown token \"%.80s\" is not in the vocabulary", where, unk);
    return read_merges(t, json_object_get(model, "merges"), where, e);
}

static int read_added_list(struct tokenizer *t, const json_t *list, const char *where, struct err *e)
{
    if (list && !json_is_null(list) && !json_is_array(list))
        return err_set(e, ERR_INPUT, "%s must be a list", where);
    size_t i;
    const json_t *item;
    int code = 0;
    json_array_foreach(list, i, item) {
        if (code)
            break;
        const json_t *id = json_object_get(item, "id");
        code = tokenizer_add_token(t, item, json_is_integer(id) ? json_integer_value(id) : -1, where, e);
    }
    return code;
}

// Truncation and padding in the file are left to the caller, as transformers does: they belong to one use of
// the tokenizer and say nothing about what a text's tokens are.
static int load_tokenizer_json(struct loading *l, const char *path, struct err *e)
{
    struct tokenizer *t = l->t;
    json_t *root;
    int code = read_json(l, path, &root, e);
    if (code)
        return code;
    struct str where = {0};
    code = tokenizer_check_json(root, path, &t->notes, e);
    const json_t *decoder = json_object_get(root, "decoder");
    t->has_decoder = json_is_object(decoder);
#define PART(name, call)                                                                                               \
    if (code == 0) {                                                                                                   \
        const json_t *part = json_object_get(root, name);                                                              \
        str_clear(&where);                                                                                             \
        str_addf(&where, "%s: %s", path, name);                                                                        \
        code = call;                                                                                                   \
    }
    PART("model", read_model(t, part, where.data, e))
    PART("added_tokens", read_added_list(t, part, where.data, e))
    PART("normalizer", normalizer_read(&t->normalizer, part, where.data, e))
    PART("pre_tokenizer", pretokenizer_read(&t->pretokenizer, part, where.data, e))
    PART("decoder", decoder_read(&t->decoder, part, where.data, e))
    PART("post_processor", postprocessor_read(t, part, where.data, e))
#undef PART
    str_fini(&where);
    json_decref(root);
    return code;
}

static int read_merges_txt(struct loading *l, const char *path, struct err *e)
{
    char *text;
    size_t n, n_lines = 0;
    int code = read_hashed(l, path, &text, &n, e);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++)
        n_lines += text[i] == '\n';
    code = bpe_reserve(&l->t->bpe, n_lines + 1, e);
    for (const char *line = text; code == 0 && line < text + n;) {
        const char *end = memchr(line, '\n', (size_t)(text + n - line));
        size_t length = end ? (size_t)(end - line) : (size_t)(text + n - line);
        const char *next = line + length + 1;
        while (length && line[length - 1] == '\r')
            length--;
        if (length && !(line == text && text_starts(line, "#version")))
            code = add_merge_line(&l->t->bpe, line, length, path, e);
        line = next;
    }
    free(text);
    return code;
}

// What old tokenizers without a tokenizer.json are: GPT-2's, with bos put before a text when the settings say so.
static int load_vocab_and_merges(struct loading *l, const char *vocab, const char *merges, const json_t *config,
                                 struct err *e)
{
    struct tokenizer *t = l->t;
    json_t *root;
    int code = read_json(l, vocab, &root, e);
    if (code)
        return code;
    code = read_vocab(t, root, vocab, e);
    json_decref(root);
    if (!code)
        code = read_merges_txt(l, merges, e);
    bool add_space;
    if (!code)
        code = json_get_bool(config, "add_prefix_space", false, &add_space, "tokenizer_config.json", e);
    if (code)
        return code;
    pretokenizer_gpt2(&t->pretokenizer, add_space);
    decoder_byte_level(&t->decoder);
    t->has_decoder = true;
    return 0;
}

static int load_files(struct loading *l, struct err *e)
{
    char *json = find_file(l->dir, "tokenizer.json"), *vocab = find_file(l->dir, "vocab.json");
    char *merges = find_file(l->dir, "merges.txt"), *config_path = find_file(l->dir, "tokenizer_config.json");
    char *map_path = find_file(l->dir, "special_tokens_map.json");
    json_t *config = NULL, *map = NULL;
    int code = 0;
    if (!json && !(vocab && merges))
        code = err_set(e, ERR_NOT_FOUND,
                       "there is no tokenizer in %s: neither tokenizer.json nor vocab.json with merges.txt (nor these "
                       "with .gz)",
                       l->dir);
    if (!code && config_path)
        code = read_json(l, config_path, &config, e);
    if (!code && map_path)
        code = read_json(l, map_path, &map, e);
    if (!code)
        code = json ? load_tokenizer_json(l, json, e) : load_vocab_and_merges(l, vocab, merges, config, e);
    if (!code)
        code = tokenizer_config_apply(l->t, l->dir, config, map, json != NULL, e);
    json_decref(config);
    json_decref(map);
    free(json);
    free(vocab);
    free(merges);
    free(config_path);
    free(map_path);
    return code;
}

// Once all tokens are known: the sets that the text is searched for, and the model's tables.
static int finish(struct tokenizer *t, struct err *e)
{
    t->special = mem_alloc((size_t)t->vocab.n, sizeof *t->special);
    struct str normal = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < t->n_added; i++) {
        const struct added_token *token = &t->added[i];
        t->special[token->id] |= token->special;
        if (!token->normalized) {
            added_set_add(&t->raw, token->text, token->n, (int32_t)i);
            continue;
        }
        code = normalizer_run(&t->normalizer, token->text, token->n, false, &normal, e);
        added_set_add(&t->normalized, str_text(&normal), normal.len, (int32_t)i);
    }
    str_fini(&normal);
    t->bpe.bytes = t->pretokenizer.bytes;
    bpe_finish(&t->bpe);
    return code;
}

int tokenizer_load(struct tokenizer **out, const char *dir, struct err *e)
{
    struct tokenizer *t = mem_alloc(1, sizeof *t);
    t->bos = t->eos = t->bpe.unk = -1;
    t->bpe.vocab = &t->vocab;
    struct loading l = {.t = t, .dir = dir};
    sha256_init(&l.hash);
    int code = load_files(&l, e);
    sha256_hex(&l.hash, t->hash);
    if (code == 0)
        code = finish(t, e);
    if (code) {
        tokenizer_free(t);
        return code;
    }
    *out = t;
    return 0;
}
