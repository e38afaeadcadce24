#include "config.h"

#include <string.h>

#include "base/json.h"
#include "text/tokenizer_parts.h"

// "bos" or "eos" as [text, id] of BertProcessing and RobertaProcessing.
static int read_pair(struct tokenizer *t, const json_t *component, const char *key, struct ids *out, const char *where,
                     struct err *e)
{
    const json_t *id = json_array_get(json_object_get(component, key), 1);
    if (!json_is_integer(id) || !tokenizer_token(t, (int32_t)json_integer_value(id)) ||
        json_integer_value(id) > INT32_MAX)
        return err_set(e, ERR_INPUT, "%s: \"%s\" must be [text, id] of a token of the vocabulary", where, key);
    ids_add(out, (int32_t)json_integer_value(id));
    return 0;
}

static int read_template_token(struct tokenizer *t, const json_t *component, const char *name, struct ids *out,
                               const char *where, struct err *e)
{
    const json_t *token = json_object_get(json_object_get(component, "special_tokens"), name);
    const json_t *ids = json_object_get(token, "ids"), *id;
    if (!json_is_array(ids))
        return err_set(e, ERR_INPUT, "%s: \"special_tokens\" does not say the ids of %.80s", where, name);
    size_t i;
    json_array_foreach(ids, i, id) {
        json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
        if (value < 0 || value >= t->vocab.n || !t->vocab.tokens[value].text)
            return err_set(e, ERR_INPUT, "%s: an id of %.80s is not in the vocabulary", where, name);
        ids_add(out, (int32_t)value);
    }
    return 0;
}

static int read_template(struct tokenizer *t, const json_t *component, const char *where, struct err *e)
{
    const json_t *items = json_object_get(component, "single"), *item;
    if (!json_is_array(items))
        return err_set(e, ERR_INPUT, "%s: \"single\" must be a list", where);
    bool seen = false;
    size_t i;
    json_array_foreach(items, i, item) {
        const json_t *special = json_object_get(item, "SpecialToken");
        if (json_is_object(json_object_get(item, "Sequence"))) {
            if (seen)
                return err_set(e, ERR_UNSUPPORTED, "%s: the text stands twice in \"single\"", where);
            seen = true;
            continue;
        }
        const char *name;
        int code = json_get_text(special, "id", NULL, &name, where, e);
        if (code)
            return code;
        if (!name)
            return err_set(e, ERR_INPUT, "%s: an item of \"single\" is neither a Sequence nor a SpecialToken", where);
        code = read_template_token(t, component, name, seen ? &t->after : &t->before, where, e);
        if (code)
            return code;
    }
    if (!seen)
        return err_set(e, ERR_INPUT, "%s: \"single\" has no place for the text", where);
    return 0;
}

static int read_step(void *list, const json_t *component, const char *type, const char *where, struct err *e)
{
    struct tokenizer *t = list;
    if (strcmp(type, "ByteLevel") == 0)
        return 0; // it only moves offsets, which nobody asks for here
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(t, component, where, e);
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0) {
        int code = read_pair(t, component, "cls", &t->before, where, e);
        return code ? code : read_pair(t, component, "sep", &t->after, where, e);
    }
    return err_set(e, ERR_UNSUPPORTED,
                   "%s of type \"%.60s\" is not supported; known are TemplateProcessing, BertProcessing, "
                   "RobertaProcessing, ByteLevel and Sequence",
                   where, type);
}

int postprocessor_read(struct tokenizer *t, const json_t *value, const char *where, struct err *e)
{
    return component_each(value, "processors", read_step, t, where, e);
}
