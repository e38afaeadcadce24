#include "config.h"

#include "text/bpe_train_write.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"

static json_t *added_token(const struct vocab_token *t, bool with_id, int id)
{
    json_t *o = with_id ? json_pack("{s:i}", "id", id) : json_object();
    json_object_set_new(o, "content", json_string(t->text));
    json_object_set_new(o, "single_word", json_false());
    json_object_set_new(o, "lstrip", json_false());
    json_object_set_new(o, "rstrip", json_false());
    json_object_set_new(o, "normalized", json_false());
    json_object_set_new(o, "special", json_true());
    return o;
}

static json_t *byte_level(bool trim)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", (int)trim,
                     "use_regex", 1);
}

static json_t *model(const struct bpe_learned *l)
{
    json_t *vocab = json_object(), *merges = json_array();
    for (size_t i = 0; i < l->n_tokens; i++)
        json_object_set_new(vocab, l->tokens[i].text, json_integer((json_int_t)i));
    for (size_t i = 0; i < l->n_merges; i++) {
        const struct bpe_learned_merge *m = &l->merges[i];
        json_array_append_new(merges, json_sprintf("%s %s", l->tokens[m->left].text, l->tokens[m->right].text));
    }
    return json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout", "unk_token",
                     "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0,
                     "ignore_merges", 0, "vocab", vocab, "merges", merges);
}

// bos, eos, pad and the others, as both small files have them.
static void set_specials(json_t *o, const struct bpe_learned *l)
{
    static const char *const keys[] = {"bos_token", "eos_token", "pad_token"};
    json_t *others = json_array();
    for (int i = 0; i < l->n_specials; i++) {
        if (i < 3)
            json_object_set_new(o, keys[i], json_string(l->tokens[i].text));
        else
            json_array_append_new(others, json_string(l->tokens[i].text));
    }
    if (l->n_specials == 1)
        json_object_set_new(o, "eos_token", json_string(l->tokens[0].text));
    if (json_array_size(others))
        json_object_set(o, "additional_special_tokens", others);
    json_decref(others);
}

static int write(const char *dir, const char *name, json_t *value, struct err *e)
{
    char *path = path_join(dir, name);
    int code = json_write(path, value, e);
    free(path);
    json_decref(value);
    return code;
}

int bpe_train_write(const struct bpe_learned *l, const char *out_dir, struct err *e)
{
    int code = file_make_dirs(out_dir, e);
    if (code)
        return code;
    json_t *added = json_array(), *decoder = json_object();
    for (int i = 0; i < l->n_specials; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        json_array_append_new(added, added_token(&l->tokens[i], true, i));
        json_object_set_new(decoder, id, added_token(&l->tokens[i], false, 0));
    }
    json_t *map = json_object(),
           *config = json_pack("{s:s, s:b, s:b, s:o}", "tokenizer_class", "PreTrainedTokenizerFast", "add_prefix_space",
                               0, "clean_up_tokenization_spaces", 0, "added_tokens_decoder", decoder);
    set_specials(map, l);
    set_specials(config, l);
    json_t *whole = json_pack("{s:s, s:n, s:n, s:o, s:n, s:o, s:o, s:o, s:o}", "version", "1.0", "truncation",
                              "padding", "added_tokens", added, "normalizer", "pre_tokenizer", byte_level(true),
                              "post_processor", byte_level(false), "decoder", byte_level(true), "model", model(l));
    // tokenizer.json comes last: a folder that holds it is complete.
    code = write(out_dir, "tokenizer_config.json", config, e);
    if (code) {
        json_decref(map);
        json_decref(whole);
        return code;
    }
    code = write(out_dir, "special_tokens_map.json", map, e);
    if (code) {
        json_decref(whole);
        return code;
    }
    return write(out_dir, "tokenizer.json", whole, e);
}
