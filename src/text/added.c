#include "config.h"

#include "text/added.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"

void added_set_fini(struct added_set *s)
{
    free(s->nodes);
    *s = (struct added_set){0};
}

static int32_t child_of(const struct added_set *s, int32_t node, unsigned char byte)
{
    int32_t child = s->nodes[node].child;
    while (child && s->nodes[child].byte != byte)
        child = s->nodes[child].sibling;
    return child;
}

static int32_t add_node(struct added_set *s, unsigned char byte, int32_t sibling)
{
    MEM_GROW(s->nodes, s->n, s->cap);
    s->nodes[s->n] = (struct trie_node){.byte = byte, .token = -1, .sibling = sibling};
    return (int32_t)s->n++;
}

void added_set_add(struct added_set *s, const char *text, size_t n, int32_t token)
{
    if (n == 0)
        return;
    if (s->n == 0)
        add_node(s, 0, 0);
    int32_t node = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        int32_t child = child_of(s, node, byte);
        if (!child) {
            child = add_node(s, byte, s->nodes[node].child);
            s->nodes[node].child = child;
        }
        node = child;
    }
    s->nodes[node].token = token;
    s->starts[(unsigned char)text[0]] = true;
}

// The longest text of the set that stands at `at`: its token and length, or -1.
static int32_t longest_at(const struct added_set *s, const char *text, size_t n, size_t at, size_t *length)
{
    int32_t best = -1, node = 0;
    for (size_t i = at; i < n; i++) {
        node = child_of(s, node, (unsigned char)text[i]);
        if (!node)
            break;
        if (s->nodes[node].token >= 0) {
            best = s->nodes[node].token;
            *length = i + 1 - at;
        }
    }
    return best;
}

static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x85 ||
           (c != UTF8_BAD && utf8proc_category((utf8proc_int32_t)c) >= UTF8PROC_CATEGORY_ZS &&
            utf8proc_category((utf8proc_int32_t)c) <= UTF8PROC_CATEGORY_ZP);
}

static bool is_word(uint32_t c)
{
    if (c == UTF8_BAD)
        return false;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return c == 0x200c || c == 0x200d; // Join_Control
    }
}

// The code point that ends before `end`, and where it begins.
static uint32_t code_before(const char *text, size_t end, size_t *start)
{
    size_t i = end - 1;
    while (i > 0 && end - i < 4 && ((unsigned char)text[i] & 0xc0) == 0x80)
        i--;
    uint32_t code;
    utf8_decode(text + i, end - i, &code);
    *start = i;
    return code;
}

static bool stands_alone(const char *text, size_t n, size_t start, size_t end)
{
    size_t unused;
    uint32_t after = UTF8_BAD;
    if (end < n)
        utf8_decode(text + end, n - end, &after);
    return (start == 0 || !is_word(code_before(text, start, &unused))) && (end == n || !is_word(after));
}

void added_walk_init(struct added_walk *w, const struct added_set *set, const struct added_token *tokens,
                     const char *text, size_t n, bool specials)
{
    *w = (struct added_walk){.set = set, .tokens = tokens, .text = text, .n = n, .specials = specials, .pending = -1};
}

static bool in_plain(struct added_walk *w, size_t start, size_t end)
{
    start += w->shift;
    end += w->shift;
    for (; w->n_plain && w->plain->end <= start; w->plain++) // the walk only goes on
        w->n_plain--;
    return w->n_plain && w->plain->start < end;
}

// Finds the next token that counts from w->from on: its bounds, widened over the spaces that it takes.
static int32_t next_token(struct added_walk *w, size_t *start, size_t *end)
{
    const struct added_set *s = w->set;
    for (size_t i = w->from; s->n && i < w->n;) {
        size_t length;
        int32_t token = s->starts[(unsigned char)w->text[i]] ? longest_at(s, w->text, w->n, i, &length) : -1;
        if (token < 0) {
            i++;
            continue;
        }
        const struct added_token *t = &w->tokens[token];
        w->from = i + length;
        bool counts = (!t->special || (w->specials && !in_plain(w, i, i + length))) &&
                      (!t->single_word || stands_alone(w->text, w->n, i, i + length));
        if (!counts) {
            i = w->from;
            continue;
        }
        *start = i;
        *end = i + length;
        size_t before;
        while (t->lstrip && *start > w->at && is_space(code_before(w->text, *start, &before)))
            *start = before;
        while (t->rstrip && *end < w->n) {
            uint32_t code;
            size_t used = utf8_decode(w->text + *end, w->n - *end, &code);
            if (!is_space(code))
                break;
            *end += used;
        }
        return token;
    }
    w->from = w->n;
    return -1;
}

bool added_walk_next(struct added_walk *w, int32_t *token, size_t *start, size_t *end)
{
    if (w->pending >= 0) {
        *token = w->pending;
        *start = w->at;
        *end = w->pending_end;
        w->at = *end;
        w->pending = -1;
        return true;
    }
    size_t token_start, token_end;
    int32_t found = next_token(w, &token_start, &token_end);
    if (found < 0) {
        *token = -1;
        *start = w->at;
        *end = w->n;
        w->at = w->n;
        return *start < *end;
    }
    if (token_start > w->at) { // the text before it comes first
        *token = -1;
        *start = w->at;
        *end = token_start;
        w->at = token_start;
        w->pending = found;
        w->pending_end = token_end;
        return true;
    }
    *token = found;
    *start = w->at;
    *end = token_end > w->at ? token_end : w->at;
    w->at = *end;
    return true;
}
