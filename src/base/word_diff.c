#include "config.h"

#include "base/word_diff.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { MOST_CELLS = 64 * 1024 * 1024 }; // about a tenth of a second

struct word {
    const char *at;
    size_t n;
    uint64_t hash;
    bool shared;
};
struct words {
    struct word *list;
    int n, cap;
};

static bool is_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Bytes of the letter or digit at text[0..n), 0 when it is something else; *wide: it stands for a word by itself.
static size_t letter_at(const char *text, size_t n, bool *wide)
{
    uint32_t code;
    const size_t used = utf8_decode(text, n, &code);
    *wide = false;
    if (code == UTF8_BAD)
        return 0;
    if (code < 0x80)
        return isalnum((int)code) || code == '_' ? 1 : 0;
    *wide = utf8_columns(code) > 1;
    if (code >= 0x2000 && code <= 0x206f) // punctuation
        return 0;
    return *wide ? 0 : used;
}

static size_t word_length(const char *text, size_t n)
{
    bool wide;
    size_t length = 0;
    for (size_t used; length < n && (used = letter_at(text + length, n - length, &wide)) > 0; length += used)
        while (length + used < n && (text[length + used] == '\'' || text[length + used] == '-') && length + used + 1 < n &&
               letter_at(text + length + used + 1, n - length - used - 1, &wide))
            used++;
    if (length == 0) {
        uint32_t code;
        length = utf8_decode(text, n, &code);
        while (length < n) { // what joins it: accents
            const size_t used = utf8_decode(text + length, n - length, &code);
            if (code == UTF8_BAD || utf8_columns(code) != 0)
                break;
            length += used;
        }
    }
    return length;
}

static void cut_words(struct words *w, const char *text, size_t n)
{
    for (size_t at = 0, length; at < n; at += length) {
        length = 1;
        if (is_blank((unsigned char)text[at]))
            continue;
        length = word_length(text + at, n - at);
        uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
        for (size_t i = 0; i < length; i++)
            hash = (hash ^ (unsigned char)text[at + i]) * 0x100000001b3u;
        MEM_GROW(w->list, w->n, w->cap);
        w->list[w->n++] = (struct word){text + at, length, hash, false};
    }
}

static bool same(const struct word *a, const struct word *b)
{
    return a->hash == b->hash && a->n == b->n && memcmp(a->at, b->at, a->n) == 0;
}

// row[j]: the length of the longest common subsequence of a's words and b's first j (of the last j when backward).
static void lengths(const struct word *a, int n_a, const struct word *b, int n_b, bool backward, int *row)
{
    memset(row, 0, ((size_t)n_b + 1) * sizeof *row);
    for (int i = 0; i < n_a; i++) {
        const struct word *x = &a[backward ? n_a - 1 - i : i];
        int diagonal = 0;
        for (int j = 1; j <= n_b; j++) {
            const int above = row[j];
            if (same(x, &b[backward ? n_b - j : j - 1]))
                row[j] = diagonal + 1;
            else if (row[j - 1] > row[j])
                row[j] = row[j - 1];
            diagonal = above;
        }
    }
}

// Marks the words of a longest common subsequence. rows: room for 2 (n_b + 1) numbers.
static void mark(struct word *a, int n_a, struct word *b, int n_b, int *rows)
{
    if (n_a == 0 || n_b == 0)
        return;
    if (n_a == 1) {
        for (int j = 0; j < n_b; j++)
            if (same(a, &b[j])) {
                a->shared = b[j].shared = true;
                return;
            }
        return;
    }
    int *forward = rows, *backward = rows + n_b + 1, cut = 0;
    const int half = n_a / 2;
    lengths(a, half, b, n_b, false, forward);
    lengths(a + half, n_a - half, b, n_b, true, backward);
    for (int j = 1; j <= n_b; j++)
        if (forward[j] + backward[n_b - j] > forward[cut] + backward[n_b - cut])
            cut = j;
    mark(a, half, b, cut, rows);
    mark(a + half, n_a - half, b + cut, n_b - cut, rows);
}

static void add_piece(struct word_diff *d, int side, int *cap, size_t n_bytes, bool shared)
{
    int *n = &d->n_pieces[side];
    if (*n > 0 && d->pieces[side][*n - 1].shared == shared) {
        d->pieces[side][*n - 1].n_bytes += n_bytes;
        return;
    }
    MEM_GROW(d->pieces[side], *n, *cap);
    d->pieces[side][(*n)++] = (struct word_piece){n_bytes, shared};
}

static void make_pieces(struct word_diff *d, int side, const char *text, size_t n, const struct words *w)
{
    int cap = 0;
    const size_t first = w->n ? (size_t)(w->list[0].at - text) : n;
    if (first > 0)
        add_piece(d, side, &cap, first, true);
    for (int i = 0; i < w->n; i++) {
        const char *end = i + 1 < w->n ? w->list[i + 1].at : text + n;
        add_piece(d, side, &cap, (size_t)(end - w->list[i].at), w->list[i].shared);
    }
}

void word_diff_make(struct word_diff *out, const char *a, size_t n_a, const char *b, size_t n_b)
{
    struct words x = {0}, y = {0};
    int start = 0, end = 0;
    *out = (struct word_diff){0};
    cut_words(&x, a, n_a);
    cut_words(&y, b, n_b);
    while (start < x.n && start < y.n && same(&x.list[start], &y.list[start])) {
        x.list[start].shared = y.list[start].shared = true;
        start++;
    }
    while (end < x.n - start && end < y.n - start && same(&x.list[x.n - 1 - end], &y.list[y.n - 1 - end])) {
        x.list[x.n - 1 - end].shared = y.list[y.n - 1 - end].shared = true;
        end++;
    }
    const int left = x.n - start - end, right = y.n - start - end;
    out->too_long = left > 0 && right > MOST_CELLS / left;
    if (left > 0 && right > 0 && !out->too_long) {
        int *rows = mem_alloc(2 * ((size_t)right + 1), sizeof *rows);
        mark(x.list + start, left, y.list + start, right, rows);
        free(rows);
    }
    for (int i = 0; i < x.n; i++)
        out->n_shared += x.list[i].shared;
    out->n_words[0] = x.n;
    out->n_words[1] = y.n;
    out->n_same_start = start;
    make_pieces(out, 0, a, n_a, &x);
    make_pieces(out, 1, b, n_b, &y);
    free(x.list);
    free(y.list);
}

void word_diff_fini(struct word_diff *d)
{
    free(d->pieces[0]);
    free(d->pieces[1]);
    *d = (struct word_diff){0};
}
