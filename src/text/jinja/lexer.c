// A template's text as tokens. Python's jinja2 decides which white space around tags belongs to the output
// (trim_blocks, lstrip_blocks and the signs - and + inside tags), and this follows its rules one by one.
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/jinja/ast.h"

struct lexer {
    struct jparser *p;
    const char *at, *end;
    int line;
    bool line_starting; // what was read last ended with a newline
};

static struct jtoken *add(struct lexer *x, enum jtoken_kind kind)
{
    struct jparser *p = x->p;
    MEM_GROW(p->tokens, p->n_tokens, p->cap_tokens);
    struct jtoken *token = &p->tokens[p->n_tokens++];
    *token = (struct jtoken){.kind = kind, .line = x->line};
    return token;
}

static bool looks_at(const struct lexer *x, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(x->end - x->at) >= n && memcmp(x->at, text, n) == 0;
}

static void skip(struct lexer *x, size_t n)
{
    for (; n && x->at < x->end; n--)
        x->line += *x->at++ == '\n';
}

static size_t space_at(const char *at, const char *end)
{
    uint32_t code;
    size_t used = at < end ? utf8_decode(at, (size_t)(end - at), &code) : 0;
    return used && jx_is_space(code) ? used : 0;
}

static void skip_space(struct lexer *x)
{
    for (size_t used; (used = space_at(x->at, x->end));)
        skip(x, used);
}

static const char *trim_end(const char *start, const char *end)
{
    while (end > start) {
        const char *last = end - 1;
        while (last > start && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        if (!space_at(last, end))
            break;
        end = last;
    }
    return end;
}

// Text in front of a tag whose sign is `sign`; statements take the blanks in front of them on their line with them.
static void add_data(struct lexer *x, const char *start, const char *end, char sign, bool statement, int line)
{
    if (sign == '-') {
        end = trim_end(start, end);
    } else if (sign != '+' && statement) {
        const char *line_start = end;
        while (line_start > start && line_start[-1] != '\n')
            line_start--;
        if ((line_start > start || x->line_starting) && trim_end(line_start, end) == line_start)
            end = line_start;
    }
    if (end == start)
        return;
    struct jtoken *token = add(x, T_DATA);
    token->line = line;
    token->text = start;
    token->n = (size_t)(end - start);
}

static char sign_at(const char *at, const char *end)
{
    return at < end && (*at == '-' || *at == '+') ? *at : 0;
}

// At the end of a statement or comment, `closing` being "%}" or "#}": reads it with what it swallows.
static bool close_tag(struct lexer *x, const char *closing, bool plus)
{
    char sign = looks_at(x, closing) ? 0 : sign_at(x->at, x->end);
    struct lexer ahead = *x;
    if (sign == '+' && !plus)
        return false;
    ahead.at += sign != 0;
    if (!looks_at(&ahead, closing))
        return false;
    skip(x, (sign != 0) + strlen(closing));
    if (sign == '-')
        skip_space(x);
    else if (!sign && plus && x->at < x->end && *x->at == '\n')
        skip(x, 1);
    x->line_starting = x->at[-1] == '\n';
    return true;
}

static void read_number(struct lexer *x)
{
    const char *start = x->at, *p = start;
    char digits[80];
    size_t n = 0;
    bool is_float = false;
    int base = 10;
    if (*p == '0' && p + 1 < x->end && strchr("xXoObB", p[1])) {
        base = p[1] == 'x' || p[1] == 'X' ? 16 : p[1] == 'o' || p[1] == 'O' ? 8 : 2;
        p += 2;
    }
    for (; p < x->end && n < sizeof digits - 1; p++) {
        bool digit = base == 16 ? strchr("0123456789abcdefABCDEF_", *p) && *p : (*p >= '0' && *p <= '9') || *p == '_';
        bool next_digit = p + 1 < x->end && p[1] >= '0' && p[1] <= '9';
        if (*p == '.' && base == 10 && !is_float && next_digit && !(start > x->p->text && start[-1] == '.'))
            is_float = true;
        else if (base == 10 && (*p == 'e' || *p == 'E') &&
                 (next_digit || (p + 2 < x->end && (p[1] == '+' || p[1] == '-') && p[2] >= '0' && p[2] <= '9'))) {
            is_float = true;
            digits[n++] = *p;
            if (!next_digit)
                digits[n++] = *++p;
            continue;
        } else if (!digit)
            break;
        if (*p != '_')
            digits[n++] = *p;
    }
    digits[n] = '\0';
    if (n >= sizeof digits - 2)
        jx_refuse(x->p, x->line, "a number of more than %zu digits", n - 1);
    struct jtoken *token = add(x, is_float ? T_FLOAT : T_INT);
    errno = 0;
    char *rest;
    if (is_float)
        token->f = strtod(digits, &rest);
    else
        token->i = strtoll(digits, &rest, base);
    if ((errno == ERANGE && !is_float) || *rest || n == 0)
        jx_refuse(x->p, x->line, "\"%.30s\" is not a number of at most 64 bits", digits);
    skip(x, (size_t)(p - start));
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

// A code point in `n` digits at `at`, or -1.
static int64_t coded(const char *at, const char *end, int n, int base)
{
    int64_t code = 0;
    for (int i = 0; i < n; i++) {
        int digit = at + i < end ? digit_value(at[i]) : 99;
        if (digit >= base)
            return -1;
        code = code * base + digit;
    }
    return code;
}

// What a backslash and the characters at `at` stand for in Python; returns how many bytes were read.
static size_t unescape(struct lexer *x, const char *at, const char *end, char *out, size_t *n)
{
    static const char plain[] = "n\nt\tr\rf\fb\bv\va\a\\\\''\"\"";
    for (const char *p = plain; *p; p += 2)
        if (*at == *p) {
            out[(*n)++] = p[1];
            return 1;
        }
    if (*at == '\n')
        return 1;
    int width = *at == 'x' ? 2 : *at == 'u' ? 4 : *at == 'U' ? 8 : 0, used = width + 1;
    int64_t code = width ? coded(at + 1, end, width, 16) : -1;
    if (!width && *at >= '0' && *at <= '7') {
        for (used = 1; used < 3 && at + used < end && at[used] >= '0' && at[used] <= '7'; used++)
            ;
        code = coded(at, end, used, 8);
        width = used;
    }
    if (width) {
        size_t more = code >= 0 ? utf8_encode((uint32_t)code, out + *n) : 0;
        if (!more && code != 0)
            jx_refuse(x->p, x->line, "\\%.*s in a text is no character", used, at);
        if (code == 0 && !more)
            out[(*n)++] = '\0';
        *n += more;
        return (size_t)used;
    }
    out[(*n)++] = '\\'; // Python leaves what it does not know
    return 0;
}

static void read_text(struct lexer *x)
{
    const char quote = *x->at, *start = x->at + 1, *p = start;
    while (p < x->end && *p != quote)
        p += *p == '\\' && p + 1 < x->end ? 2 : 1;
    if (p >= x->end)
        jx_refuse(x->p, x->line, "a text that begins with %c has no end", quote);
    struct jtoken *token = add(x, T_TEXT);
    char *out = arena_alloc(&x->p->t->arena, (size_t)(p - start) + 8);
    size_t n = 0;
    for (const char *at = start; at < p;) {
        if (*at == '\\')
            at += 1 + unescape(x, at + 1, p, out, &n);
        else
            out[n++] = *at++;
    }
    token->text = out;
    token->n = n;
    skip(x, (size_t)(p + 1 - x->at));
}

static bool name_at(const char *at, const char *end, size_t *used)
{
    uint32_t code;
    *used = at < end ? utf8_decode(at, (size_t)(end - at), &code) : 0;
    if (!*used || code >= 128)
        return *used && jx_is_all(jx_text(at, *used), IS_ALNUM);
    return code == '_' || digit_value((char)code) < 10 || ((code | 32) >= 'a' && (code | 32) <= 'z');
}

static void read_operator(struct lexer *x)
{
    static const char *const two[] = {"//", "**", "==", "!=", ">=", "<="};
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (looks_at(x, two[i])) {
            add(x, T_OP)->op = OP2(two[i][0], two[i][1]);
            skip(x, 2);
            return;
        }
    if (!*x->at || !strchr("+-/*%~[](){}><=.:|,;", *x->at)) {
        struct str shown = {0};
        uint32_t code;
        str_add_visible(&shown, x->at, utf8_decode(x->at, (size_t)(x->end - x->at), &code), false);
        char text[32];
        text_copy(text, sizeof text, str_text(&shown));
        str_fini(&shown);
        jx_refuse(x->p, x->line, "\"%s\" is no part of an expression", text);
    }
    add(x, T_OP)->op = *x->at;
    skip(x, 1);
}

// The inside of {{ }} or {% %}, to its end.
static void read_tag(struct lexer *x, bool statement)
{
    char stack[256];
    int depth = 0;
    const int first_line = x->line;
    for (;;) {
        if (x->at >= x->end)
            jx_refuse(x->p, first_line, "a tag that begins with %s is not closed", statement ? "{%" : "{{");
        const int line = x->line;
        if (depth == 0 && close_tag(x, statement ? "%}" : "}}", statement)) {
            struct jtoken *token = add(x, statement ? T_BLOCK_END : T_PRINT_END);
            token->line = line;
            return;
        }
        size_t used = space_at(x->at, x->end);
        if (used) {
            skip(x, used);
        } else if (*x->at >= '0' && *x->at <= '9') {
            read_number(x);
        } else if (name_at(x->at, x->end, &used)) {
            const char *start = x->at;
            while (name_at(x->at, x->end, &used))
                x->at += used;
            add(x, T_NAME)->text = jx_intern(x->p, start, (size_t)(x->at - start));
        } else if (*x->at == '\'' || *x->at == '"') {
            read_text(x);
        } else {
            const char c = *x->at;
            if (c == '(' || c == '[' || c == '{') {
                if (depth == sizeof stack)
                    jx_refuse(x->p, x->line, "more than %d brackets inside each other", depth);
                stack[depth++] = c == '(' ? ')' : c == '[' ? ']' : '}';
            } else if (c == ')' || c == ']' || c == '}') {
                if (depth == 0 || stack[--depth] != c)
                    jx_refuse(x->p, x->line, "unexpected \"%c\"", c);
            }
            read_operator(x);
        }
    }
}

static bool begins_tag(const char *at, const char *end)
{
    return at + 1 < end && *at == '{' && (at[1] == '{' || at[1] == '%' || at[1] == '#');
}

// At "{%": whether it is {% NAME %}; *end_at: behind the name.
static bool is_word_tag(const char *at, const char *end, const char *name, const char **end_at)
{
    at += 2;
    at += sign_at(at, end) != 0;
    for (size_t used; (used = space_at(at, end));)
        at += used;
    size_t n = strlen(name);
    if ((size_t)(end - at) < n || memcmp(at, name, n) != 0)
        return false;
    for (at += n; at < end;) {
        size_t used = space_at(at, end);
        if (!used)
            break;
        at += used;
    }
    *end_at = at;
    return at < end && (*at == '%' || ((*at == '-' || *at == '+') && at + 1 < end && at[1] == '%'));
}

// {% raw %} was just seen at x->at; `inside` is behind the word.
static void read_raw(struct lexer *x, const char *inside)
{
    const int line = x->line;
    skip(x, (size_t)(inside - x->at));
    if (looks_at(x, "-%}")) {
        skip(x, 3);
        skip_space(x);
    } else if (looks_at(x, "%}")) {
        skip(x, 2);
    } else {
        jx_refuse(x->p, line, "the tag raw is not closed");
    }
    x->line_starting = x->at[-1] == '\n';
    const char *start = x->at, *behind;
    const int text_line = x->line;
    for (;; skip(x, 1)) {
        if (x->at >= x->end)
            jx_refuse(x->p, line, "{%% raw %%} without {%% endraw %%}");
        if (looks_at(x, "{%") && is_word_tag(x->at, x->end, "endraw", &behind))
            break;
    }
    add_data(x, start, x->at, sign_at(x->at + 2, x->end), true, text_line);
    skip(x, (size_t)(behind - x->at));
    if (!close_tag(x, "%}", true))
        jx_refuse(x->p, x->line, "the tag endraw is not closed");
}

static void read_comment(struct lexer *x)
{
    const int line = x->line;
    skip(x, 2);
    x->at += sign_at(x->at, x->end) != 0;
    while (x->at < x->end) {
        if (close_tag(x, "#}", true))
            return;
        skip(x, 1);
    }
    jx_refuse(x->p, line, "a comment that begins with {# has no end");
}

void jx_lex(struct jparser *p)
{
    struct lexer x = {.p = p, .at = p->text, .end = p->text + p->n, .line = 1, .line_starting = true};
    while (x.at < x.end) {
        const char *start = x.at;
        const int line = x.line;
        while (x.at < x.end && !begins_tag(x.at, x.end))
            skip(&x, 1);
        if (x.at == x.end) {
            add_data(&x, start, x.end, '+', false, line);
            break;
        }
        const bool statement = x.at[1] == '%', comment = x.at[1] == '#';
        const char *behind;
        const char sign = sign_at(x.at + 2, x.end);
        add_data(&x, start, x.at, sign, statement || comment, line);
        if (comment) {
            read_comment(&x);
        } else if (statement && is_word_tag(x.at, x.end, "raw", &behind)) {
            read_raw(&x, behind);
        } else {
            add(&x, statement ? T_BLOCK : T_PRINT);
            skip(&x, 2 + (sign != 0));
            read_tag(&x, statement);
        }
    }
    add(&x, T_END);
}
