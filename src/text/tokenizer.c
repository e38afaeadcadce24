#include "config.h"

#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_added; i++)
        free(t->added[i].text);
    free(t->added);
    added_set_fini(&t->raw);
    added_set_fini(&t->normalized);
    free(t->special);
    normalizer_fini(&t->normalizer);
    pretokenizer_fini(&t->pretokenizer);
    decoder_fini(&t->decoder);
    free(t->before.data);
    free(t->after.data);
    free(t->chat_template);
    free(t->tool_template);
    json_decref(t->special_tokens);
    notes_fini(&t->notes);
    bpe_fini(&t->bpe);
    vocab_fini(&t->vocab);
    free(t);
}

// How many bytes at the start of a broken sequence go together into one U+FFFD: the longest beginning of a
// valid sequence (Unicode 3.9, "substitution of maximal subparts").
static size_t broken_length(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t more;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        more = 1;
    else if ((p[0] & 0xf0) == 0xe0)
        more = 2;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        more = 3;
    else
        return 1;
    if (p[0] == 0xe0)
        low = 0xa0;
    if (p[0] == 0xed)
        high = 0x9f;
    if (p[0] == 0xf0)
        low = 0x90;
    if (p[0] == 0xf4)
        high = 0x8f;
    size_t length = 1;
    while (more-- && length < n && p[length] >= low && p[length] <= high) {
        length++;
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

static void add_lossy(const char *text, size_t n, struct str *out)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t used = utf8_decode(text + i, n - i, &code);
        if (code == UTF8_BAD) {
            used = broken_length((const unsigned char *)text + i, n - i);
            str_add(out, "\xef\xbf\xbd");
        } else {
            str_addn(out, text + i, used);
        }
        i += used;
    }
}

struct encoding {
    const struct tokenizer *t;
    const struct encode_options *o;
    struct bpe_scratch scratch;
    struct pieces pieces;
    struct str normal;
    struct ids out;
    size_t n_before; // tokens that lie wholly before the cut
};

// In what follows `cut` is a place in that very text; at its end or behind it, all of the text is before it.
static int encode_words(struct encoding *c, const char *text, size_t n, bool at_start, size_t cut, struct err *e)
{
    struct pieces *p = &c->pieces;
    p->cut = cut;
    int code = pretokenizer_run(&c->t->pretokenizer, text, n, at_start, p, e);
    for (size_t i = 0; code == 0 && i < p->n; i++) {
        const size_t start = p->items[i].start, end = start + p->items[i].n, before = c->out.n;
        size_t n_within = 0;
        if (start < p->cut && p->cut < end) {
            code = bpe_encode_cut(&c->t->bpe, &c->scratch, p->text + start, end - start, p->cut - start, &c->out,
                                  &n_within, e);
            c->n_before = before + n_within;
        } else {
            code = bpe_encode(&c->t->bpe, &c->scratch, p->text + start, end - start, &c->out, e);
            c->n_before = end <= p->cut ? c->out.n : c->n_before;
        }
    }
    return code;
}

// Where `cut` is in the normalized text: behind all that the text before it alone becomes as well.
static int normalized_cut(const struct encoding *c, const char *text, size_t n, size_t *cut, struct err *e)
{
    const char *normal = str_text(&c->normal);
    if (*cut == 0 || *cut >= n) {
        *cut = *cut ? c->normal.len : 0;
        return 0;
    }
    struct str before = {0};
    int code = normalizer_run(&c->t->normalizer, text, *cut, true, &before, e);
    size_t same = 0;
    while (same < before.len && same < c->normal.len && before.data[same] == normal[same])
        same++;
    while (same > 0 && same < c->normal.len && ((unsigned char)normal[same] & 0xc0) == 0x80)
        same--;
    *cut = same;
    str_fini(&before);
    return code;
}

// A stretch between raw added tokens, at `shift` in the text: normalized, then searched for the normalized ones.
static int encode_stretch(struct encoding *c, const char *text, size_t n, size_t shift, size_t cut, struct err *e)
{
    const bool normalizes = c->t->normalizer.n;
    if (normalizes) {
        int code = normalizer_run(&c->t->normalizer, text, n, false, &c->normal, e);
        if (!code)
            code = normalized_cut(c, text, n, &cut, e);
        if (code)
            return code;
        text = str_text(&c->normal);
        n = c->normal.len;
    }
    struct added_walk walk;
    // Normalizing moves texts: where special tokens count only in places, they are looked for before it alone.
    added_walk_init(&walk, &c->t->normalized, c->t->added, text, n,
                    c->o->parse_special && !(normalizes && c->o->n_plain));
    walk.plain = c->o->plain;
    walk.n_plain = c->o->n_plain;
    walk.shift = shift;
    int32_t token;
    size_t start, end;
    int code = 0;
    while (code == 0 && added_walk_next(&walk, &token, &start, &end)) {
        if (token < 0) {
            code = encode_words(c, text + start, end - start, shift == 0 && start == 0, cut > start ? cut - start : 0, e);
            continue;
        }
        ids_add(&c->out, c->t->added[token].id);
        c->n_before = end <= cut ? c->out.n : c->n_before;
    }
    return code;
}

static int encode_text(struct encoding *c, const char *text, size_t n, size_t cut, struct err *e)
{
    struct added_walk walk;
    added_walk_init(&walk, &c->t->raw, c->t->added, text, n, c->o->parse_special);
    walk.plain = c->o->plain;
    walk.n_plain = c->o->n_plain;
    int32_t token;
    size_t start, end;
    int code = 0;
    while (code == 0 && added_walk_next(&walk, &token, &start, &end)) {
        if (token < 0) {
            code = encode_stretch(c, text + start, end - start, start, cut > start ? cut - start : 0, e);
            continue;
        }
        ids_add(&c->out, c->t->added[token].id);
        c->n_before = end <= cut ? c->out.n : c->n_before;
    }
    return code;
}

int tokenizer_encode_cut(const struct tokenizer *t, const char *text, size_t n_bytes, const struct encode_options *o,
                         int32_t **ids, size_t *n_ids, size_t *n_before, struct err *e)
{
    if (n_bytes > TOKENIZER_TEXT_MAX)
        return err_set(e, ERR_LIMIT, "cannot tokenize a text of %zu MiB: the most is %zu MiB; split it", n_bytes >> 20,
                       TOKENIZER_TEXT_MAX >> 20);
    struct encoding c = {.t = t, .o = o};
    struct str lossy = {0};
    size_t cut = o->cut < n_bytes ? o->cut : n_bytes;
    if (n_bytes && !utf8_is_valid(text, n_bytes)) {
        if (o->n_plain)
            return err_set(e, ERR_INPUT, "a text is not valid UTF-8");
        add_lossy(text, cut, &lossy);
        const size_t lossy_cut = lossy.len;
        add_lossy(text + cut, n_bytes - cut, &lossy);
        cut = lossy_cut;
        text = str_text(&lossy);
        n_bytes = lossy.len;
    }
    bpe_scratch_init(&c.scratch, n_bytes > 8192);
    for (size_t i = 0; o->add_special && i < t->before.n; i++)
        ids_add(&c.out, t->before.data[i]);
    c.n_before = c.out.n;
    int code = encode_text(&c, text, n_bytes, cut, e);
    for (size_t i = 0; o->add_special && i < t->after.n; i++)
        ids_add(&c.out, t->after.data[i]);
    bpe_scratch_fini(&c.scratch);
    pieces_fini(&c.pieces);
    str_fini(&c.normal);
    str_fini(&lossy);
    if (code) {
        free(c.out.data);
        return code;
    }
    if (!c.out.data)
        c.out.data = mem_alloc(1, sizeof *c.out.data);
    *ids = c.out.data;
    *n_ids = c.out.n;
    *n_before = c.n_before;
    return 0;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n_bytes, bool add_special, bool parse_special,
                     int32_t **ids, size_t *n_ids, struct err *e)
{
    size_t n_before;
    const struct encode_options o = {.add_special = add_special, .parse_special = parse_special};
    return tokenizer_encode_cut(t, text, n_bytes, &o, ids, n_ids, &n_before, e);
}

int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n_ids, bool skip_special, char **text,
                     size_t *n_bytes, struct err *e)
{
    struct pieces p = {0};
    for (size_t i = 0; i < n_ids; i++) {
        const char *token = tokenizer_token(t, ids[i]); // ids without token (a padded embedding) say nothing
        if (!token || (skip_special && t->special[ids[i]]))
            continue;
        if (p.n && !t->has_decoder)
            str_addc(&p.own, ' ');
        MEM_GROW(p.items, p.n, p.cap);
        p.items[p.n++] = (struct piece){p.own.len, t->vocab.tokens[ids[i]].n_bytes};
        str_addn(&p.own, token, t->vocab.tokens[ids[i]].n_bytes);
    }
    p.text = str_text(&p.own);
    int code = text_fits(&p.own, e);
    if (code == 0)
        code = decoder_run(&t->decoder, &p, e);
    if (code == 0) {
        *n_bytes = p.own.len;
        *text = p.own.data ? str_take(&p.own) : mem_strdup("");
    }
    pieces_fini(&p);
    return code;
}

// Decodes behind an ordinary token and takes that token's text off again.
int tokenizer_decode_more(const struct tokenizer *t, const int32_t *ids, size_t n_ids, bool skip_special, char **text,
                          size_t *n_bytes, struct err *e)
{
    int32_t *before = NULL;
    size_t n_before = 0, n_first = 0;
    char *first = NULL, *both = NULL;
    int code = tokenizer_encode(t, "a", 1, false, false, &before, &n_before, e);
    if (!code)
        code = tokenizer_decode(t, before, n_before, skip_special, &first, &n_first, e);
    if (!code) {
        int32_t *all = mem_alloc(n_before + n_ids + 1, sizeof *all);
        memcpy(all, before, n_before * sizeof *all);
        if (n_ids)
            memcpy(all + n_before, ids, n_ids * sizeof *all);
        code = tokenizer_decode(t, all, n_before + n_ids, skip_special, &both, n_bytes, e);
        free(all);
    }
    if (!code && *n_bytes >= n_first && memcmp(both, first, n_first) == 0) {
        *n_bytes -= n_first;
        memmove(both, both + n_first, *n_bytes + 1);
        *text = both;
        both = NULL;
    } else if (!code) { // a decoder that looks across tokens: as a text of its own
        code = tokenizer_decode(t, ids, n_ids, skip_special, text, n_bytes, e);
    }
    free(before);
    free(first);
    free(both);
    return code;
}

int tokenizer_vocab_size(const struct tokenizer *t)
{
    return t->vocab.n;
}

const char *tokenizer_token(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->vocab.n ? t->vocab.tokens[id].text : NULL;
}

int32_t tokenizer_token_id(const struct tokenizer *t, const char *token)
{
    int32_t id = bytes_map_get(&t->vocab.added, token, strlen(token));
    return id >= 0 ? id : bytes_map_get(&t->vocab.model, token, strlen(token));
}

bool tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->vocab.n && t->special[id];
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

const char *tokenizer_chat_template(const struct tokenizer *t)
{
    return t->chat_template;
}

const char *tokenizer_tool_template(const struct tokenizer *t)
{
    return t->tool_template;
}

const json_t *tokenizer_special_tokens(const struct tokenizer *t)
{
    return t ? t->special_tokens : NULL;
}

const struct notes *tokenizer_notes(const struct tokenizer *t)
{
    return &t->notes;
}

const char *tokenizer_hash(const struct tokenizer *t)
{
    return t->hash;
}
