// Splits a Jinja text into data and tags as transformers' environment does (trim_blocks, lstrip_blocks), and
// writes the tags in one fixed way. Two texts that normalize to the same bytes render the same.
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "text/chat_template_table.h"

#define QUOTE '\x1f' // around string literals, whose content is written without escapes
#define DATA '\x1e'  // before data

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 128;
}

// The literal that begins at *p, unescaped, into out.
static const char *read_literal(const char *p, const char *end, struct str *out)
{
    char quote = *p++;
    for (; p < end && *p != quote; p++) {
        if (*p == '\\' && p + 1 < end) {
            p++;
            if (strchr("ntr\\'\"", *p)) {
                str_addc(out, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p == 'r' ? '\r' : *p);
                continue;
            }
            str_addc(out, '\\');
        }
        str_addc(out, *p);
    }
    return p < end ? p + 1 : end;
}

// x["name"] is written x.name.
static void add_literal(const char **p, const char *end, struct str *out)
{
    struct str text = {0};
    *p = read_literal(*p, end, &text);
    bool plain = text.len && !isdigit((unsigned char)text.data[0]);
    for (size_t i = 0; i < text.len; i++)
        plain = plain && is_word(text.data[i]);
    const char *next = *p;
    while (next < end && isspace((unsigned char)*next))
        next++;
    bool member = plain && next < end && *next == ']' && out->len >= 2 && out->data[out->len - 1] == '[' &&
                  (is_word(out->data[out->len - 2]) || strchr(")]", out->data[out->len - 2]));
    if (member) {
        out->data[out->len - 1] = '.';
        *p = next + 1;
    } else {
        str_addc(out, QUOTE);
    }
    str_addn(out, str_text(&text), text.len);
    if (!member)
        str_addc(out, QUOTE);
    str_fini(&text);
}

// The inside of a tag: no spaces but one between two words.
static void add_inside(const char *p, const char *end, struct str *out)
{
    bool space = false;
    while (p < end) {
        if (isspace((unsigned char)*p)) {
            space = true;
            p++;
            continue;
        }
        if (space && is_word(*p) && out->len && is_word(out->data[out->len - 1]))
            str_addc(out, ' ');
        space = false;
        if (*p == '\'' || *p == '"')
            add_literal(&p, end, out);
        else
            str_addc(out, *p++);
    }
}

// The end marker of a tag that begins at p, past its "{%"; literals may hold anything.
static const char *tag_end(const char *p, char kind)
{
    char last = kind == '{' ? '}' : kind;
    for (; *p; p++) {
        if (kind != '#' && (*p == '\'' || *p == '"')) {
            char quote = *p++;
            for (; *p && *p != quote; p++)
                p += *p == '\\' && p[1];
            if (!*p)
                return NULL;
        } else if (*p == last && p[1] == '}') {
            return p;
        }
    }
    return NULL;
}

static void add_data(const char *p, const char *end, bool after_block, bool strip_start, bool before_block,
                     bool strip_end, bool at_start, struct str *out)
{
    if (strip_start)
        while (p < end && isspace((unsigned char)*p))
            p++;
    else if (after_block && p < end && *p == '\n')
        p++;
    const char *stop = end;
    if (strip_end) {
        while (stop > p && isspace((unsigned char)stop[-1]))
            stop--;
    } else if (before_block) {
        while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        bool line_start = stop > p ? stop[-1] == '\n' : at_start || after_block;
        if (!line_start)
            stop = end;
    }
    if (stop > p) {
        str_addc(out, DATA);
        str_addn(out, p, (size_t)(stop - p));
    }
}

static void remove_all(struct str *s, const char *what)
{
    size_t n = strlen(what);
    for (char *hit = s->data; hit && (hit = strstr(hit, what));) {
        memmove(hit, hit + n, strlen(hit + n) + 1);
        s->len -= n;
    }
}

int jinja_normalize(const char *jinja, struct str *out, struct err *e)
{
    const char *p = jinja;
    bool after_block = false, strip_start = false;
    for (;;) {
        const char *open = p;
        while (*open && !(open[0] == '{' && open[1] && strchr("{%#", open[1])))
            open++;
        bool is_tag = *open != '\0', block = is_tag && open[1] != '{';
        const char *end = open;
        if (!is_tag && end > p && end[-1] == '\n') // the last newline of a template is not rendered
            end--;
        add_data(p, end, after_block, strip_start, block && open[2] != '+', is_tag && open[2] == '-', p == jinja, out);
        if (!is_tag)
            break;
        char kind = open[1];
        const char *inside = open + 2, *close = tag_end(inside, kind);
        if (!close)
            return err_set(e, ERR_INPUT, "the chat template is not valid Jinja: a {%c has no end", kind);
        p = close + 2;
        after_block = block;
        strip_start = close > inside && close[-1] == '-';
        if (kind == '#')
            continue;
        const char *inside_end = close - (close > inside && (close[-1] == '-' || close[-1] == '+'));
        if (inside < inside_end && (*inside == '-' || *inside == '+'))
            inside++;
        str_addn(out, open, 2);
        add_inside(inside, inside_end, out);
        str_addn(out, close, 2);
    }
    remove_all(out, "{%if not add_generation_prompt is defined%}{%set add_generation_prompt=false%}{%endif%}");
    return 0;
}
