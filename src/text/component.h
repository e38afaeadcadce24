// The normalizer, pre-tokenizer and decoder of a tokenizer.json: each a flat list of steps (Sequences are
// unrolled). Reading refuses what it does not know with ERR_UNSUPPORTED.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "text/pattern.h"

#define SEQUENCE_DEPTH 8 // Sequences inside of Sequences

// Calls row(list, component, where, e) for each component in `value` (null: none), Sequences unrolled;
// `member` is the name of a Sequence's list.
typedef int (*component_read)(void *list, const json_t *component, const char *type, const char *where, struct err *e);
int component_each(const json_t *value, const char *member, component_read row, void *list, const char *where,
                   struct err *e);
// A required text member.
int component_text(const json_t *component, const char *key, const char **text, size_t *n, const char *where,
                   struct err *e);

// Metaspace, as pre-tokenizer and as decoder.
struct metaspace {
    char mark[5]; // the character that stands for a space
    size_t n_mark;
    enum { PREPEND_NEVER, PREPEND_FIRST, PREPEND_ALWAYS } prepend;
    bool split;
};
int metaspace_read(struct metaspace *m, const json_t *component, const char *where, struct err *e);

struct normalizer {
    struct normalizer_step {
        enum { NORM_PREPEND, NORM_REPLACE, NORM_UNICODE, NORM_LOWERCASE, NORM_STRIP } kind;
        struct pattern *pattern; // NORM_REPLACE
        char *text;              // what is put before, or instead
        size_t n_text;
        int options; // NORM_UNICODE: of utf8proc
        bool left, right; // NORM_STRIP
    } *steps;
    size_t n, cap;
};
int normalizer_read(struct normalizer *z, const json_t *value, const char *where, struct err *e);
void normalizer_fini(struct normalizer *z);
// Valid UTF-8 in, *out cleared and filled. An empty text stays empty.
// goes_on: more of the text follows, so that nothing is stripped at its end.
int normalizer_run(const struct normalizer *z, const char *text, size_t n, bool goes_on, struct str *out,
                   struct err *e);

// A text cut into pieces.
struct pieces {
    const char *text; // points into `own` or to the caller's
    struct str own;
    struct piece {
        size_t start, n;
    } *items;
    size_t n, cap;
    size_t cut; // a place of the text that is carried along: where the pieces have it
};
void pieces_fini(struct pieces *p);

struct pretokenizer {
    struct pretokenizer_step {
        enum { PRE_SPLIT, PRE_BYTES, PRE_METASPACE } kind;
        struct pattern *pattern; // PRE_SPLIT; PRE_BYTES: GPT-2's, or NULL
        enum { SPLIT_REMOVED, SPLIT_ISOLATED, SPLIT_WITH_PREVIOUS, SPLIT_WITH_NEXT, SPLIT_CONTIGUOUS } behavior;
        bool invert;
        bool add_space; // PRE_BYTES: a space before a piece that does not begin with one
        struct metaspace metaspace;
    } *steps;
    size_t n, cap;
    bool bytes; // ends in ByteLevel: the model works on bytes
};
int pretokenizer_read(struct pretokenizer *z, const json_t *value, const char *where, struct err *e);
// ByteLevel alone, as GPT-2 has it.
void pretokenizer_gpt2(struct pretokenizer *z, bool add_space);
void pretokenizer_fini(struct pretokenizer *z);
// A mark that is put before a character belongs to it: out->cut, set by the caller, moves accordingly.
// at_start: the text begins where the person's text begins (for prepend_scheme "first"). *out is reused.
int pretokenizer_run(const struct pretokenizer *z, const char *text, size_t n, bool at_start, struct pieces *out,
                     struct err *e);

struct decoder {
    struct decoder_step {
        enum { DEC_BYTES, DEC_REPLACE, DEC_BYTE_FALLBACK, DEC_FUSE, DEC_STRIP, DEC_METASPACE } kind;
        struct pattern *pattern;
        char *text;
        size_t n_text;
        int64_t start, stop; // DEC_STRIP: at most so many from the left, from the right
        struct metaspace metaspace;
    } *steps;
    size_t n, cap;
};
int decoder_read(struct decoder *z, const json_t *value, const char *where, struct err *e);
void decoder_byte_level(struct decoder *z); // ByteLevel alone
void decoder_fini(struct decoder *z);
// The pieces (each a token's text) become the pieces of the text.
int decoder_run(const struct decoder *z, struct pieces *p, struct err *e);

// Appends `text` to out with all matches replaced.
int pattern_replace(const struct pattern *p, const char *text, size_t n, const char *by, size_t n_by, struct str *out,
                    struct err *e);
// ERR_LIMIT when something did not fit into *s.
int text_fits(const struct str *s, struct err *e);
