#include "config.h"

#include "corpus/records.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The end of the line at `at` (its newline, or the end of the bytes).
static size_t line_end(const struct records *r, size_t at)
{
    const char *newline = memchr(r->bytes + at, '\n', r->n_bytes - at);
    return newline ? (size_t)(newline - r->bytes) : r->n_bytes;
}

static void skip_space(struct records *r)
{
    for (; r->at < r->n_bytes && is_space(r->bytes[r->at]); r->at++)
        r->line += r->bytes[r->at] == '\n';
}

// Past a text, r->at being behind its opening quote. A text cannot span lines: a forgotten quote ends at the newline.
static void skip_text(struct records *r)
{
    for (; r->at < r->n_bytes; r->at++) {
        const char c = r->bytes[r->at];
        if (c == '\\' && r->at + 1 < r->n_bytes && r->bytes[r->at + 1] != '\n')
            r->at++;
        else if (c == '"')
            return;
        else if (c == '\n') {
            r->line++;
            return;
        }
    }
}

// Walks one element up to the ',' or ']' that ends it, or (object) behind the bracket that closes it. False at the end of
// the file.
static bool walk(struct records *r, bool object)
{
    size_t depth = 0;
    for (; r->at < r->n_bytes; r->at++) {
        const char c = r->bytes[r->at];
        r->line += c == '\n';
        if (c == '"') {
            r->at++;
            skip_text(r);
            if (r->at == r->n_bytes)
                return false;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == ']')) {
            return true;
        } else if ((c == ']' || c == '}') && depth && --depth == 0 && object) {
            r->at++;
            return true;
        }
    }
    return false;
}

static bool has_line(const char *bytes, size_t n, const char *line)
{
    size_t length = strlen(line);
    for (size_t at = 0; at + length <= n;) {
        const char *found = memmem(bytes + at, n - at, line, length);
        if (!found)
            return false;
        size_t begin = (size_t)(found - bytes), end = begin + length;
        if ((begin == 0 || bytes[begin - 1] == '\n') && (end == n || bytes[end] == '\n' || bytes[end] == '\r'))
            return true;
        at = end;
    }
    return false;
}

// An object on several lines, as jq and json.dump(indent) write them: the first line does not close it, and the next goes on
// inside of it.
static bool is_spread(struct records r, size_t first)
{
    struct records line = {.bytes = r.bytes, .n_bytes = line_end(&r, first), .at = first};
    if (r.bytes[first] != '{' || walk(&line, true))
        return false;
    r.at = line.n_bytes;
    skip_space(&r);
    return r.at < r.n_bytes && (r.bytes[r.at] == '"' || r.bytes[r.at] == '}');
}

void records_start(struct records *r, const char *bytes, size_t n_bytes, bool plain_text)
{
    if (n_bytes >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) { // a byte order mark says nothing here
        bytes += 3;
        n_bytes -= 3;
    }
    *r = (struct records){.bytes = bytes, .n_bytes = n_bytes, .line = 1};
    size_t first = 0;
    while (first < n_bytes && is_space(bytes[first]))
        first++;
    if (plain_text) {
        static const char mark[] = "<|endoftext|>"; // how collections of stories part their texts
        r->form = RECORDS_TEXTS;
        r->separator = has_line(bytes, n_bytes, mark) ? mark : NULL;
    } else if (first < n_bytes && bytes[first] == '[') {
        r->form = RECORDS_ARRAY;
    } else {
        r->form = first < n_bytes && is_spread(*r, first) ? RECORDS_OBJECTS : RECORDS_LINES;
    }
}

static void trim(struct record *row)
{
    while (row->n_bytes && is_space(row->bytes[row->n_bytes - 1]))
        row->n_bytes--;
    while (row->n_bytes && is_space(row->bytes[0])) {
        row->line += row->bytes[0] == '\n';
        row->bytes++;
        row->n_bytes--;
    }
}

static bool next_line(struct records *r, struct record *out)
{
    while (r->at < r->n_bytes) {
        size_t end = line_end(r, r->at);
        *out = (struct record){.bytes = r->bytes + r->at, .n_bytes = end - r->at, .line = r->line};
        r->at = end < r->n_bytes ? end + 1 : end;
        r->line++;
        trim(out);
        if (out->n_bytes)
            return true;
    }
    return false;
}

// From its '{' to the '}' that closes it.
static bool next_object(struct records *r, struct record *out)
{
    skip_space(r);
    if (r->at >= r->n_bytes)
        return false;
    *out = (struct record){.bytes = r->bytes + r->at, .line = r->line};
    const size_t begin = r->at;
    const bool closed = r->bytes[begin] == '{' && walk(r, true);
    if (!closed && r->bytes[begin] != '{') { // a word between two objects: to the end of its line
        r->at = line_end(r, begin);
        out->damage = "text stands between two objects";
    } else if (!closed) {
        out->damage = "the file ends inside of this object: it was cut, or a bracket is missing";
        out->at_end = true;
    }
    out->n_bytes = r->at - begin;
    return true;
}

static bool next_text(struct records *r, struct record *out)
{
    while (r->at < r->n_bytes) {
        *out = (struct record){.bytes = r->bytes + r->at, .line = r->line};
        bool ended = false;
        while (r->at < r->n_bytes && !ended) {
            size_t end = line_end(r, r->at);
            struct record line = {.bytes = r->bytes + r->at, .n_bytes = end - r->at};
            trim(&line);
            if (r->separator)
                ended = line.n_bytes == strlen(r->separator) && memcmp(line.bytes, r->separator, line.n_bytes) == 0;
            else
                ended = line.n_bytes == 0;
            if (!ended)
                out->n_bytes = (size_t)(r->bytes + end - out->bytes);
            r->at = end < r->n_bytes ? end + 1 : end;
            r->line++;
        }
        trim(out);
        if (out->n_bytes)
            return true;
    }
    return false;
}

static bool next_element(struct records *r, struct record *out)
{
    skip_space(r);
    if (!r->opened) {
        r->opened = true;
        r->at++; // records_start saw the '['
        skip_space(r);
        if (r->at < r->n_bytes && r->bytes[r->at] == ']') { // an empty array
            r->at++;
            r->ended = true;
            skip_space(r);
        }
    }
    *out = (struct record){.bytes = r->bytes + r->at, .line = r->line};
    if (r->ended) {
        if (r->at >= r->n_bytes)
            return false;
        out->n_bytes = r->n_bytes - r->at;
        out->damage = "text stands behind the end of the array";
        r->at = r->n_bytes;
        return true;
    }
    if (r->at >= r->n_bytes) {
        r->ended = true;
        out->damage = "the file ends before the array does: it was cut";
        out->at_end = true;
        return true;
    }
    size_t begin = r->at;
    bool closed = walk(r, false);
    out->n_bytes = r->at - begin;
    trim(out);
    if (!closed) {
        r->ended = true;
        out->damage = "the file ends inside of this element: it was cut, or a bracket is missing";
        out->at_end = true;
        return true;
    }
    r->ended = r->bytes[r->at] == ']';
    r->at++;
    if (out->n_bytes == 0)
        out->damage = "a comma without an element";
    return true;
}

bool records_next(struct records *r, struct record *out)
{
    switch (r->form) {
    case RECORDS_LINES:
        return next_line(r, out);
    case RECORDS_OBJECTS:
        return next_object(r, out);
    case RECORDS_ARRAY:
        return next_element(r, out);
    case RECORDS_TEXTS:
        return next_text(r, out);
    }
    return false;
}
