#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/component.h"

static int read_strip(struct decoder_step *step, const json_t *component, const char *where, struct err *e)
{
    const char *text;
    size_t n;
    step->kind = DEC_STRIP;
    int code = component_text(component, "content", &text, &n, where, e);
    if (!code)
        code = json_get_int(component, "start", 0, 0, INT32_MAX, &step->start, where, e);
    if (!code)
        code = json_get_int(component, "stop", 0, 0, INT32_MAX, &step->stop, where, e);
    uint32_t c = UTF8_BAD;
    if (!code && (n == 0 || utf8_decode(text, n, &c) != n))
        code = err_set(e, ERR_INPUT, "%s: Strip's \"content\" must be one character", where);
    if (!code) {
        step->text = mem_strndup(text, n);
        step->n_text = n;
    }
    return code;
}

static int read_step(void *list, const json_t *component, const char *type, const char *where, struct err *e)
{
    struct decoder *z = list;
    struct decoder_step step = {0};
    const char *text;
    int code = 0;
    if (strcmp(type, "ByteLevel") == 0) {
        step.kind = DEC_BYTES;
    } else if (strcmp(type, "Replace") == 0) {
        step.kind = DEC_REPLACE;
        code = component_text(component, "content", &text, &step.n_text, where, e);
        if (!code)
            code = pattern_from_json(&step.pattern, json_object_get(component, "pattern"), where, e);
        if (!code)
            step.text = mem_strndup(text, step.n_text);
    } else if (strcmp(type, "ByteFallback") == 0) {
        step.kind = DEC_BYTE_FALLBACK;
    } else if (strcmp(type, "Fuse") == 0) {
        step.kind = DEC_FUSE;
    } else if (strcmp(type, "Strip") == 0) {
        code = read_strip(&step, component, where, e);
    } else if (strcmp(type, "Metaspace") == 0) {
        step.kind = DEC_METASPACE;
        code = metaspace_read(&step.metaspace, component, where, e);
    } else {
        return err_set(e, ERR_UNSUPPORTED,
                       "%s of type \"%.60s\" is not supported; known are ByteLevel, Replace, ByteFallback, Fuse, "
                       "Strip, Metaspace and Sequence",
                       where, type);
    }
    if (code)
        return code;
    MEM_GROW(z->steps, z->n, z->cap);
    z->steps[z->n++] = step;
    return 0;
}

int decoder_read(struct decoder *z, const json_t *value, const char *where, struct err *e)
{
    return component_each(value, "decoders", read_step, z, where, e);
}

void decoder_byte_level(struct decoder *z)
{
    MEM_GROW(z->steps, z->n, z->cap);
    z->steps[z->n++] = (struct decoder_step){.kind = DEC_BYTES};
}

void decoder_fini(struct decoder *z)
{
    for (size_t i = 0; i < z->n; i++) {
        pattern_free(z->steps[i].pattern);
        free(z->steps[i].text);
    }
    free(z->steps);
    *z = (struct decoder){0};
}

// The bytes that a byte-level token stands for; a token with other characters (an added one) is itself.
static void add_bytes(const char *text, size_t n, struct str *out)
{
    size_t before = out->len;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += utf8_decode(text + i, n - i, &code);
        int byte = bpe_char_byte(code);
        if (byte < 0) {
            out->len = before;
            str_addn(out, text, n);
            return;
        }
        str_addc(out, (char)byte);
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static void add_fallback(const char *text, size_t n, struct str *out)
{
    if (n == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>' && hex_digit(text[3]) >= 0 && hex_digit(text[4]) >= 0)
        str_addc(out, (char)(hex_digit(text[3]) * 16 + hex_digit(text[4])));
    else
        str_addn(out, text, n);
}

static void add_stripped(const struct decoder_step *step, const char *text, size_t n, struct str *out)
{
    size_t start = 0, end = n;
    for (int64_t i = 0; i < step->start && end - start >= step->n_text; i++) {
        if (memcmp(text + start, step->text, step->n_text) != 0)
            break;
        start += step->n_text;
    }
    for (int64_t i = 0; i < step->stop && end - start >= step->n_text; i++) {
        if (memcmp(text + end - step->n_text, step->text, step->n_text) != 0)
            break;
        end -= step->n_text;
    }
    str_addn(out, text + start, end - start);
}

// Marks become spaces; in the first token they vanish (they are what the pre-tokenizer put there).
static void add_unmarked(const struct metaspace *m, const char *text, size_t n, bool first, struct str *out)
{
    for (size_t i = 0; i < n;) {
        bool mark = n - i >= m->n_mark && memcmp(text + i, m->mark, m->n_mark) == 0;
        if (!mark)
            str_addc(out, text[i]);
        else if (!first || m->prepend == PREPEND_NEVER)
            str_addc(out, ' ');
        i += mark ? m->n_mark : 1;
    }
}

static int run_step(const struct decoder_step *step, const struct pieces *in, struct pieces *out, struct err *e)
{
    for (size_t i = 0; i < in->n; i++) {
        const char *text = in->text + in->items[i].start;
        size_t n = in->items[i].n, before = out->own.len;
        int code = 0;
        switch (step->kind) {
        case DEC_BYTES: add_bytes(text, n, &out->own); break;
        case DEC_REPLACE:
            code = pattern_replace(step->pattern, text, n, step->text, step->n_text, &out->own, e);
            break;
        case DEC_BYTE_FALLBACK: add_fallback(text, n, &out->own); break;
        case DEC_FUSE: BUG("Fuse has its own way");
        case DEC_STRIP: add_stripped(step, text, n, &out->own); break;
        case DEC_METASPACE: add_unmarked(&step->metaspace, text, n, i == 0, &out->own); break;
        }
        if (code)
            return code;
        MEM_GROW(out->items, out->n, out->cap);
        out->items[out->n++] = (struct piece){before, out->own.len - before};
    }
    return text_fits(&out->own, e);
}

int decoder_run(const struct decoder *z, struct pieces *p, struct err *e)
{
    for (size_t i = 0; i < z->n; i++) {
        if (z->steps[i].kind == DEC_FUSE) { // the pieces lie one behind the other
            if (p->n)
                p->items[0] = (struct piece){0, p->own.len};
            p->n = p->n ? 1 : 0;
            continue;
        }
        struct pieces next = {0};
        int code = run_step(&z->steps[i], p, &next, e);
        next.text = str_text(&next.own);
        pieces_fini(p);
        *p = next;
        if (code)
            return code;
    }
    return 0;
}
