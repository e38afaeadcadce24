#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/component.h"

// GPT-2's: contractions, words, numbers, other signs, each with the space before it; then spaces.
static const char gpt2_regex[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static const char *const behavior_names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                             "Contiguous"};

static int read_behavior(struct pretokenizer_step *step, const json_t *component, const char *fallback,
                         const char *where, struct err *e)
{
    const char *name;
    int code = json_get_text(component, "behavior", fallback, &name, where, e);
    if (code)
        return code;
    for (int i = 0; name && i < 5; i++)
        if (strcmp(name, behavior_names[i]) == 0) {
            step->behavior = i;
            return 0;
        }
    return err_set(e, ERR_UNSUPPORTED, "%s: the split behavior \"%.40s\" is not known", where, name ? name : "");
}

static int read_byte_level(struct pretokenizer_step *step, const json_t *component, const char *where, struct err *e)
{
    bool use_regex;
    step->kind = PRE_BYTES;
    step->behavior = SPLIT_ISOLATED;
    int code = json_get_bool(component, "add_prefix_space", true, &step->add_space, where, e);
    if (!code)
        code = json_get_bool(component, "use_regex", true, &use_regex, where, e);
    if (!code && use_regex)
        code = pattern_regex(&step->pattern, gpt2_regex, where, e);
    return code;
}

static int read_split(struct pretokenizer_step *step, const json_t *component, const char *where, struct err *e)
{
    int code = read_behavior(step, component, NULL, where, e);
    if (!code)
        code = json_get_bool(component, "invert", false, &step->invert, where, e);
    if (!code)
        code = pattern_from_json(&step->pattern, json_object_get(component, "pattern"), where, e);
    return code;
}

static int read_digits(struct pretokenizer_step *step, const json_t *component, const char *where, struct err *e)
{
    bool individual;
    int code = json_get_bool(component, "individual_digits", false, &individual, where, e);
    step->behavior = individual ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
    return code ? code : pattern_regex(&step->pattern, "\\p{N}", where, e);
}

static int read_step(void *list, const json_t *component, const char *type, const char *where, struct err *e)
{
    struct pretokenizer *z = list;
    struct pretokenizer_step step = {.kind = PRE_SPLIT};
    int code;
    if (z->bytes)
        return err_set(e, ERR_UNSUPPORTED, "%s: \"%.60s\" after ByteLevel is not supported; ByteLevel must be last",
                       where, type);
    if (strcmp(type, "ByteLevel") == 0) {
        code = read_byte_level(&step, component, where, e);
        z->bytes = true;
    } else if (strcmp(type, "Split") == 0) {
        code = read_split(&step, component, where, e);
    } else if (strcmp(type, "Digits") == 0) {
        code = read_digits(&step, component, where, e);
    } else if (strcmp(type, "Punctuation") == 0) {
        code = read_behavior(&step, component, "Isolated", where, e);
        if (!code) // ASCII's punctuation includes signs that Unicode calls symbols
            code = pattern_regex(&step.pattern, "[\\p{P}$+<=>^`|~]", where, e);
    } else if (strcmp(type, "WhitespaceSplit") == 0) {
        step.behavior = SPLIT_REMOVED;
        code = pattern_regex(&step.pattern, "\\s", where, e);
    } else if (strcmp(type, "Metaspace") == 0) {
        step.kind = PRE_METASPACE;
        code = metaspace_read(&step.metaspace, component, where, e);
    } else {
        code = err_set(e, ERR_UNSUPPORTED,
                       "%s of type \"%.60s\" is not supported; known are ByteLevel, Split, Digits, Punctuation, "
                       "WhitespaceSplit, Metaspace and Sequence",
                       where, type);
    }
    if (code) {
        pattern_free(step.pattern);
        return code;
    }
    MEM_GROW(z->steps, z->n, z->cap);
    z->steps[z->n++] = step;
    return 0;
}

int pretokenizer_read(struct pretokenizer *z, const json_t *value, const char *where, struct err *e)
{
    return component_each(value, "pretokenizers", read_step, z, where, e);
}

void pretokenizer_gpt2(struct pretokenizer *z, bool add_space)
{
    struct pretokenizer_step step = {.kind = PRE_BYTES, .behavior = SPLIT_ISOLATED, .add_space = add_space};
    struct err fault;
    if (pattern_regex(&step.pattern, gpt2_regex, "GPT-2's pre-tokenizer", &fault) != 0)
        BUG("%s", fault.text);
    MEM_GROW(z->steps, z->n, z->cap);
    z->steps[z->n++] = step;
    z->bytes = true;
}

void pretokenizer_fini(struct pretokenizer *z)
{
    for (size_t i = 0; i < z->n; i++)
        pattern_free(z->steps[i].pattern);
    free(z->steps);
    *z = (struct pretokenizer){0};
}

void pieces_fini(struct pieces *p)
{
    str_fini(&p->own);
    free(p->items);
    *p = (struct pieces){0};
}

static void add_piece(struct pieces *p, size_t start, size_t end)
{
    if (end <= start)
        return;
    MEM_GROW(p->items, p->n, p->cap);
    p->items[p->n++] = (struct piece){start, end - start};
}

// Takes the stretches of a piece in order, matches and what stands between them, and joins or drops them as
// the behavior says. A piece is given out once it cannot grow any more.
struct splitter {
    const struct pretokenizer_step *step;
    struct pieces *out;
    size_t start, end;  // the stretch that may still grow
    bool open, was_match;
};

static void close_stretch(struct splitter *s)
{
    if (s->open)
        add_piece(s->out, s->start, s->end);
    s->open = false;
}

static void stretch(struct splitter *s, size_t start, size_t end, bool match)
{
    match = match != s->step->invert;
    bool joins = false;
    switch (s->step->behavior) {
    case SPLIT_REMOVED:
        if (match) {
            close_stretch(s);
            return;
        }
        break;
    case SPLIT_ISOLATED: break;
    case SPLIT_WITH_PREVIOUS: joins = match && !s->was_match; break;
    case SPLIT_WITH_NEXT: joins = !match && s->was_match; break;
    case SPLIT_CONTIGUOUS: joins = match == s->was_match; break;
    }
    if (!(joins && s->open)) {
        close_stretch(s);
        s->start = start;
    }
    s->open = true;
    s->end = end;
    s->was_match = match;
}

static int split_piece(struct splitter *s, struct pattern_walk *walk, const char *text, struct piece piece,
                       struct err *e)
{
    const char *base = text + piece.start;
    size_t done = 0, from = 0, start, end;
    s->open = s->was_match = false;
    while (from <= piece.n) {
        int found = pattern_find(walk, base, piece.n, from, &start, &end, e);
        if (found < 0)
            return found;
        if (!found)
            break;
        if (start > done)
            stretch(s, piece.start + done, piece.start + start, false);
        stretch(s, piece.start + start, piece.start + end, true);
        done = end;
        uint32_t code;
        from = end > start ? end : end < piece.n ? end + utf8_decode(base + end, piece.n - end, &code) : piece.n + 1;
    }
    if (done < piece.n)
        stretch(s, piece.start + done, piece.start + piece.n, false);
    close_stretch(s);
    return 0;
}

static int split(const struct pretokenizer_step *step, const struct pieces *in, struct pieces *out, struct err *e)
{
    struct splitter s = {.step = step, .out = out};
    struct pattern_walk walk;
    pattern_walk_init(&walk, step->pattern);
    int code = 0;
    for (size_t i = 0; code == 0 && i < in->n; i++)
        code = split_piece(&s, &walk, in->text, in->items[i], e);
    pattern_walk_fini(&walk);
    return code;
}

// Where a place of the text comes to lie while the text is written anew: the first place offered that is not before it.
struct cut_carrier {
    size_t at, to;
    bool done;
};
static void carry_cut(struct cut_carrier *c, size_t at, size_t to)
{
    if (c->done || at < c->at)
        return;
    c->to = to;
    c->done = true;
}

// Puts a space before each piece that has none.
static void add_spaces(struct pieces *p)
{
    struct pieces out = {0};
    struct cut_carrier c = {.at = p->cut};
    for (size_t i = 0; i < p->n; i++) {
        const char *text = p->text + p->items[i].start;
        size_t before = out.own.len;
        carry_cut(&c, p->items[i].start, out.own.len);
        if (*text != ' ')
            str_addc(&out.own, ' ');
        if (c.at < p->items[i].start + p->items[i].n)
            carry_cut(&c, c.at, out.own.len + (c.at - p->items[i].start));
        str_addn(&out.own, text, p->items[i].n);
        add_piece(&out, before, out.own.len);
    }
    carry_cut(&c, SIZE_MAX, out.own.len);
    out.cut = c.to;
    out.text = str_text(&out.own);
    pieces_fini(p);
    *p = out;
}

static void metaspace(const struct metaspace *m, struct pieces *p, bool at_start)
{
    struct pieces out = {0};
    struct cut_carrier c = {.at = p->cut};
    for (size_t i = 0; i < p->n; i++) {
        const char *text = p->text + p->items[i].start;
        size_t n = p->items[i].n, begin = out.own.len;
        carry_cut(&c, p->items[i].start, out.own.len);
        bool first = at_start && p->items[i].start == 0;
        bool has = *text == ' ' || (n >= m->n_mark && memcmp(text, m->mark, m->n_mark) == 0);
        if (!has && (m->prepend == PREPEND_ALWAYS || (m->prepend == PREPEND_FIRST && first)))
            str_addn(&out.own, m->mark, m->n_mark);
        for (size_t k = 0; k < n;) {
            bool mark = text[k] == ' ' || (n - k >= m->n_mark && memcmp(text + k, m->mark, m->n_mark) == 0);
            carry_cut(&c, p->items[i].start + k, out.own.len);
            if (mark && m->split) { // a mark begins a new piece
                add_piece(&out, begin, out.own.len);
                begin = out.own.len;
            }
            if (text[k] == ' ')
                str_addn(&out.own, m->mark, m->n_mark);
            else
                str_addn(&out.own, text + k, mark ? m->n_mark : 1);
            k += text[k] == ' ' || !mark ? 1 : m->n_mark;
        }
        add_piece(&out, begin, out.own.len);
    }
    carry_cut(&c, SIZE_MAX, out.own.len);
    out.cut = c.to;
    out.text = str_text(&out.own);
    pieces_fini(p);
    *p = out;
}

int pretokenizer_run(const struct pretokenizer *z, const char *text, size_t n, bool at_start, struct pieces *out,
                     struct err *e)
{
    out->n = 0;
    out->text = text;
    add_piece(out, 0, n);
    for (size_t i = 0; i < z->n; i++) {
        const struct pretokenizer_step *step = &z->steps[i];
        if (step->kind == PRE_METASPACE)
            metaspace(&step->metaspace, out, at_start);
        if (step->kind == PRE_BYTES && step->add_space)
            add_spaces(out);
        if (step->pattern) {
            struct pieces next = {.text = out->text};
            int code = split(step, out, &next, e);
            free(out->items);
            out->items = next.items;
            out->n = next.n;
            out->cap = next.cap;
            if (code)
                return code;
        }
        int code = text_fits(&out->own, e);
        if (code)
            return code;
    }
    return 0;
}
