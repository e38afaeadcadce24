#include "config.h"

#include "text/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define TEMPLATE_MAX ((size_t)1 << 20)

static const char *const special_keys[] = {"bos_token", "eos_token",  "unk_token", "sep_token",
                                           "pad_token", "cls_token", "mask_token"};
enum { N_SPECIAL_KEYS = sizeof special_keys / sizeof *special_keys };

// The text of a token given as "text" or {"content": "text"}; NULL when it is neither.
static const char *token_text(const json_t *value)
{
    if (json_is_object(value))
        value = json_object_get(value, "content");
    return json_string_value(value);
}

static int add_special_text(struct tokenizer *t, const char *text, const char *where, struct err *e)
{
    int32_t id = text ? bytes_map_get(&t->vocab.model, text, strlen(text)) : -1;
    if (id < 0) // an added token already, or one that no text of ours needs
        return 0;
    return tokenizer_add(t, (struct added_token){.id = id, .special = true}, text, strlen(text), where, e);
}

// The special tokens that a file names, where the vocabulary has them.
static int add_specials(struct tokenizer *t, const json_t *file, const char *where, struct err *e)
{
    int code = 0;
    for (int i = 0; code == 0 && i < N_SPECIAL_KEYS; i++)
        code = add_special_text(t, token_text(json_object_get(file, special_keys[i])), where, e);
    // Lists, or objects of names and tokens; transformers 5 has the second and third.
    static const char *const more[] = {"additional_special_tokens", "extra_special_tokens", "model_specific_special_tokens"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        json_t *list = json_object_get(file, more[i]), *item;
        const char *name;
        size_t k;
        json_array_foreach(list, k, item)
            if (code == 0)
                code = add_special_text(t, token_text(item), where, e);
        json_object_foreach(list, name, item)
            if (code == 0)
                code = add_special_text(t, token_text(item), where, e);
    }
    return code;
}

// {"50256": {"content": ..., ...}, ...}
static int add_decoder_list(struct tokenizer *t, const json_t *config, const char *where, struct err *e)
{
    const char *key;
    json_t *item;
    json_object_foreach(json_object_get(config, "added_tokens_decoder"), key, item) {
        int64_t id;
        if (!text_to_i64(key, &id))
            return err_set(e, ERR_INPUT, "%s: \"%.40s\" in added_tokens_decoder is not an id", where, key);
        int code = tokenizer_add_token(t, item, id, where, e);
        if (code)
            return code;
    }
    return 0;
}

// bos or eos: tokenizer_config.json, then special_tokens_map.json, then the model's config.json; the first that
// speaks of it, also to say that there is none (null).
static int find_token(struct tokenizer *t, const char *key, const json_t *config, const json_t *map,
                      const json_t *model, const char *dir, int32_t *out, struct err *e)
{
    const json_t *value = json_object_get(config, key);
    if (!value)
        value = json_object_get(map, key);
    if (json_is_null(value))
        return 0;
    const char *text = token_text(value);
    if (text) {
        *out = tokenizer_token_id(t, text);
        if (*out < 0)
            return err_set(e, ERR_INPUT, "the tokenizer in %s names \"%.80s\" as its %s, but has no such token", dir,
                           text, key);
        return 0;
    }
    if (value)
        return err_set(e, ERR_INPUT, "the tokenizer in %s: %s must be a text or an object with \"content\"", dir, key);
    struct str id_key = {0};
    str_addf(&id_key, "%s_id", key);
    value = json_object_get(model, id_key.data);
    str_fini(&id_key);
    if (json_is_array(value))
        value = json_array_get(value, 0);
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    if (id >= 0 && id < t->vocab.n && t->vocab.tokens[id].text)
        *out = (int32_t)id;
    return 0;
}

// Which classes of transformers put bos and eos around a text by their settings, whatever the post-processor says.
static bool sets_own_ends(const json_t *config)
{
    static const char *const classes[] = {"LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer"};
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    for (size_t i = 0; class && i < sizeof classes / sizeof *classes; i++) {
        size_t n = strlen(classes[i]);
        if (strncmp(class, classes[i], n) == 0 && (class[n] == '\0' || strcmp(class + n, "Fast") == 0))
            return true;
    }
    return false;
}

static int set_end(struct ids *ends, const json_t *config, const char *key, bool fallback, int32_t id,
                   const char *where, struct err *e)
{
    bool add;
    int code = json_get_bool(config, key, fallback, &add, where, e);
    if (code)
        return code;
    ends->n = 0;
    if (add && id >= 0)
        ids_add(ends, id);
    return 0;
}

// Models have special tokens of their own: any "..._token" of the settings, and extra_special_tokens by name.
static void name_own_specials(struct tokenizer *t, const json_t *config)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)config, key, value)
        if (strlen(key) > 6 && text_ends(key, "_token") && token_text(value) &&
            !json_object_get(t->special_tokens, key))
            json_object_set_new(t->special_tokens, key, json_string(token_text(value)));
    json_object_foreach(json_object_get(config, "extra_special_tokens"), key, value)
        if (token_text(value) && !json_object_get(t->special_tokens, key))
            json_object_set_new(t->special_tokens, key, json_string(token_text(value)));
}

// The special tokens by name, for chat templates: as the first file that speaks of one has it.
static void name_specials(struct tokenizer *t, const json_t *config, const json_t *map)
{
    t->special_tokens = json_object();
    for (int i = 0; i < N_SPECIAL_KEYS; i++) {
        const json_t *value = json_object_get(config, special_keys[i]);
        const char *text = token_text(value ? value : json_object_get(map, special_keys[i]));
        if (text)
            json_object_set_new(t->special_tokens, special_keys[i], json_string(text));
    }
    if (!json_object_get(t->special_tokens, "bos_token") && t->bos >= 0) // known from the model's config.json
        json_object_set_new(t->special_tokens, "bos_token", json_string(tokenizer_token(t, t->bos)));
    if (!json_object_get(t->special_tokens, "eos_token") && t->eos >= 0)
        json_object_set_new(t->special_tokens, "eos_token", json_string(tokenizer_token(t, t->eos)));
    name_own_specials(t, config);
    json_t *more = json_array(), *list = json_object_get(config, "additional_special_tokens"), *item;
    size_t i;
    json_array_foreach(list ? list : json_object_get(map, "additional_special_tokens"), i, item)
        if (token_text(item))
            json_array_append_new(more, json_string(token_text(item)));
    if (json_array_size(more))
        json_object_set(t->special_tokens, "additional_special_tokens", more);
    json_decref(more);
}

static int read_template_file(const char *dir, const char *name, char **out, struct err *e)
{
    char *path = path_join(dir, name);
    size_t n;
    int code = file_exists(path) ? file_read(path, TEMPLATE_MAX, out, &n, e) : 0;
    free(path);
    return code;
}

// From files of their own, or from tokenizer_config.json: one text, or several by name, of which transformers takes
// "default" and, for conversations with tools, "tool_use".
static int read_template(struct tokenizer *t, const char *dir, const json_t *config, struct err *e)
{
    int code = read_template_file(dir, "chat_template.jinja", &t->chat_template, e);
    if (!code)
        code = read_template_file(dir, "additional_chat_templates/tool_use.jinja", &t->tool_template, e);
    if (code || t->chat_template)
        return code;
    const json_t *value = json_object_get(config, "chat_template"), *item;
    size_t i;
    json_array_foreach(value, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *text = json_string_value(json_object_get(item, "template"));
        if (name && text && strcmp(name, "default") == 0 && !t->chat_template)
            t->chat_template = mem_strdup(text);
        if (name && text && strcmp(name, "tool_use") == 0 && !t->tool_template)
            t->tool_template = mem_strdup(text);
    }
    if (json_is_string(value))
        t->chat_template = mem_strdup(json_string_value(value));
    return 0;
}

int tokenizer_config_apply(struct tokenizer *t, const char *dir, const json_t *config, const json_t *map,
                           bool has_tokenizer_json, struct err *e)
{
    char *where = path_join(dir, "tokenizer_config.json"), *model_path = path_join(dir, "config.json");
    json_t *model = NULL;
    int code = file_exists(model_path) ? json_read(model_path, TEMPLATE_MAX, &model, e) : 0;
    if (!code)
        code = tokenizer_check_config(config, where, &t->notes, e);
    if (!code)
        code = add_decoder_list(t, config, where, e);
    if (!code)
        code = add_specials(t, config, where, e);
    if (!code)
        code = add_specials(t, map, where, e);
    if (!code)
        code = find_token(t, "bos_token", config, map, model, dir, &t->bos, e);
    if (!code)
        code = find_token(t, "eos_token", config, map, model, dir, &t->eos, e);
    if (!code && !has_tokenizer_json && !config && !map) { // GPT-2's own files come alone
        static const char text[] = "<|endoftext|>";
        code = add_special_text(t, text, where, e);
        int32_t id = tokenizer_token_id(t, text);
        t->bos = t->bos < 0 ? id : t->bos;
        t->eos = t->eos < 0 ? id : t->eos;
    }
    if (!code && (!has_tokenizer_json || sets_own_ends(config))) {
        bool llama = sets_own_ends(config);
        if (!has_tokenizer_json || json_object_get(config, "add_bos_token"))
            code = set_end(&t->before, config, "add_bos_token", llama, t->bos, where, e);
        if (!code && (!has_tokenizer_json || json_object_get(config, "add_eos_token")))
            code = set_end(&t->after, config, "add_eos_token", false, t->eos, where, e);
    }
    if (!code)
        name_specials(t, config, map);
    if (!code)
        code = read_template(t, dir, config, e);
    json_decref(model);
    free(where);
    free(model_path);
    return code;
}
