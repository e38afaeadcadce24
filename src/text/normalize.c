#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/component.h"

static const struct {
    const char *type;
    int options;
} unicode_forms[] = {
    {"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
    {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
    {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
    {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
};

static int read_step(void *list, const json_t *component, const char *type, const char *where, struct err *e)
{
    struct normalizer *z = list;
    struct normalizer_step step = {0};
    const char *text = NULL;
    int code = 0;
    if (strcmp(type, "Prepend") == 0) {
        step.kind = NORM_PREPEND;
        code = component_text(component, "prepend", &text, &step.n_text, where, e);
    } else if (strcmp(type, "Replace") == 0) {
        step.kind = NORM_REPLACE;
        code = component_text(component, "content", &text, &step.n_text, where, e);
        if (!code)
            code = pattern_from_json(&step.pattern, json_object_get(component, "pattern"), where, e);
    } else if (strcmp(type, "Lowercase") == 0) {
        step.kind = NORM_LOWERCASE;
    } else if (strcmp(type, "Strip") == 0) {
        step.kind = NORM_STRIP;
        code = json_get_bool(component, "strip_left", true, &step.left, where, e);
        if (!code)
            code = json_get_bool(component, "strip_right", true, &step.right, where, e);
    } else {
        step.kind = NORM_UNICODE;
        for (size_t i = 0; i < sizeof unicode_forms / sizeof *unicode_forms; i++)
            if (strcmp(type, unicode_forms[i].type) == 0)
                step.options = unicode_forms[i].options;
        if (!step.options)
            return err_set(e, ERR_UNSUPPORTED,
                           "%s of type \"%.60s\" is not supported; known are Prepend, Replace, Lowercase, Strip, NFC, "
                           "NFD, NFKC, NFKD and Sequence",
                           where, type);
    }
    if (code)
        return code;
    if (text)
        step.text = mem_strndup(text, step.n_text);
    MEM_GROW(z->steps, z->n, z->cap);
    z->steps[z->n++] = step;
    return 0;
}

int normalizer_read(struct normalizer *z, const json_t *value, const char *where, struct err *e)
{
    return component_each(value, "normalizers", read_step, z, where, e);
}

void normalizer_fini(struct normalizer *z)
{
    for (size_t i = 0; i < z->n; i++) {
        pattern_free(z->steps[i].pattern);
        free(z->steps[i].text);
    }
    free(z->steps);
    *z = (struct normalizer){0};
}

static bool is_ascii(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] >= 128)
            return false;
    return true;
}

static int to_form(const char *text, size_t n, int options, struct str *out, struct err *e)
{
    if (is_ascii(text, n)) { // ASCII is its own form, in all four
        str_addn(out, text, n);
        return 0;
    }
    utf8proc_uint8_t *made = NULL;
    utf8proc_ssize_t got = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &made,
                                        (utf8proc_option_t)options);
    if (got < 0)
        return err_set(e, got == UTF8PROC_ERROR_NOMEM ? ERR_LIMIT : ERR_INPUT,
                       "cannot bring a text of %zu bytes into its Unicode form: %s", n, utf8proc_errmsg(got));
    str_addn(out, (const char *)made, (size_t)got);
    free(made);
    return 0;
}

static void to_lower(const char *text, size_t n, struct str *out)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t used = utf8_decode(text + i, n - i, &code);
        char lower[4];
        if (code == 0x130) // the one character whose lower case is two
            str_add(out, "i\xcc\x87");
        else
            str_addn(out, lower, utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)code), lower));
        i += used;
    }
}

// Unicode's White_Space.
static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static void strip(const char *text, size_t n, bool left, bool right, struct str *out)
{
    size_t start = 0, end = 0;
    bool begun = !left;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t used = utf8_decode(text + i, n - i, &code);
        if (!is_space(code)) {
            start = begun ? start : i;
            begun = true;
            end = i + used;
        }
        i += used;
    }
    if (!right && begun)
        end = n;
    if (end > start)
        str_addn(out, text + start, end - start);
}

static int run_step(const struct normalizer_step *step, const char *text, size_t n, bool goes_on, struct str *out,
                    struct err *e)
{
    switch (step->kind) {
    case NORM_PREPEND:
        str_addn(out, step->text, n ? step->n_text : 0);
        str_addn(out, text, n);
        return 0;
    case NORM_REPLACE: return pattern_replace(step->pattern, text, n, step->text, step->n_text, out, e);
    case NORM_UNICODE: return to_form(text, n, step->options, out, e);
    case NORM_LOWERCASE: to_lower(text, n, out); return 0;
    case NORM_STRIP: strip(text, n, step->left, step->right && !goes_on, out); return 0;
    }
    BUG("kind %d", (int)step->kind);
}

int normalizer_run(const struct normalizer *z, const char *text, size_t n, bool goes_on, struct str *out,
                   struct err *e)
{
    str_clear(out);
    if (z->n == 0)
        str_addn(out, text, n);
    struct str other = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < z->n; i++) {
        if (i) { // the last step's output is this one's input
            struct str swap = other;
            other = *out;
            *out = swap;
            str_clear(out);
            text = str_text(&other);
            n = other.len;
        }
        code = run_step(&z->steps[i], text, n, goes_on, out, e);
    }
    if (code == 0)
        code = text_fits(out, e);
    if (code == 0)
        code = text_fits(&other, e);
    str_fini(&other);
    return code;
}
