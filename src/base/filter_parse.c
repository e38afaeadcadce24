// The text of a filter to its tree: descent by the grammar of filter.h, with the place of what is wrong.
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/filter_tree.h"
#include "base/mem.h"
#include "base/str.h"

enum { MAX_DEPTH = 40, MAX_REGEX = 200 };

struct parser {
    struct filter *f;
    const char *at;
    int depth;
    struct err *e;
};

static int parse_any(struct parser *p);

// The place counts characters, from 1.
static int wrong(struct parser *p, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int wrong(struct parser *p, const char *at, const char *format, ...)
{
    struct str why = {.max = 300};
    int place = 1;
    for (const char *c = p->f->text; c < at; c++)
        place += ((unsigned char)*c & 0xc0) != 0x80;
    va_list args;
    va_start(args, format);
    str_vaddf(&why, format, args);
    va_end(args);
    int code = err_set(p->e, ERR_USAGE, "the filter, at character %d: %s", place, str_text(&why));
    str_fini(&why);
    return code;
}

static int add_node(struct parser *p, int kind, int left, int right)
{
    MEM_GROW(p->f->nodes, p->f->n_nodes, p->f->cap_nodes);
    p->f->nodes[p->f->n_nodes] = (struct filter_node){kind, left, right};
    return p->f->n_nodes++;
}

static void skip_blanks(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool is_end_of_word(char c)
{
    return !c || isspace((unsigned char)c) || strchr("()|,", c);
}

// A word in capitals that stands alone.
static bool take_keyword(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(p->at, word, n) != 0 || !is_end_of_word(p->at[n]) || p->at[n] == ',' || p->at[n] == '|')
        return false;
    p->at += n;
    return true;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_-./@+", c)) || (unsigned char)c >= 0x80;
}

static bool take_op(struct parser *p, enum filter_op *op)
{
    static const struct {
        const char *text;
        enum filter_op op;
    } ops[] = {{"!=", OP_IS_NOT}, {"<=", OP_AT_MOST}, {">=", OP_AT_LEAST}, {"==", OP_IS}, {"=", OP_IS}, {":", OP_HOLDS},
               {"<", OP_LESS}, {">", OP_MORE}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (text_starts(p->at, ops[i].text)) {
            *op = ops[i].op;
            p->at += strlen(ops[i].text);
            return true;
        }
    }
    return false;
}

// ---- words ----

static int compile(struct parser *p, const char *start, struct filter_word *w)
{
    char why[200];
    // Repetitions by number and references back can take a matcher beyond any memory or time.
    bool costly = strchr(w->text, '{') != NULL;
    for (const char *c = w->text; *c; c++)
        costly = costly || (*c == '\\' && c[1] && isdigit((unsigned char)*++c));
    if (costly || strlen(w->text) > MAX_REGEX)
        return wrong(p, start, "a pattern has at most %d characters, no { and no \\1", MAX_REGEX);
    int code = regcomp(&w->regex, w->text, REG_EXTENDED | REG_ICASE | REG_NOSUB);
    if (code) {
        regerror(code, &w->regex, why, sizeof why);
        return wrong(p, start, "the pattern between / and / is none: %s", why);
    }
    w->kind = WORD_REGEX;
    return 0;
}

static int quoted(struct parser *p, struct filter_word *w)
{
    struct str s = {0};
    const char *start = p->at++;
    for (; *p->at && *p->at != '"'; p->at++) {
        if (*p->at == '\\' && (p->at[1] == '"' || p->at[1] == '\\'))
            p->at++;
        str_addc(&s, *p->at);
    }
    w->text = mem_strdup(str_text(&s));
    str_fini(&s);
    if (*p->at != '"')
        return wrong(p, start, "the closing \" is missing");
    p->at++;
    if (!filter_number(w->text, &w->number))
        w->number = NAN;
    return 0;
}

// Where "/pattern/" ends: at the first / before a blank or what separates words; NULL: it is a path or the like.
static const char *end_of_regex(const char *at)
{
    for (const char *c = at + 1; *c && !isspace((unsigned char)*c); c++) {
        if (*c == '\\' && c[1] && !isspace((unsigned char)c[1]))
            c++;
        else if (*c == '/' && is_end_of_word(c[1]))
            return c;
    }
    return NULL;
}

static int take_word(struct parser *p, struct filter_word *w)
{
    const char *start = p->at, *end = *start == '/' ? end_of_regex(start) : NULL;
    if (*start == '"')
        return quoted(p, w);
    if (end) {
        w->text = mem_strndup(start + 1, (size_t)(end - start - 1));
        w->number = NAN;
        p->at = end + 1;
        return compile(p, start, w);
    }
    while (!is_end_of_word(*p->at) && *p->at != '"')
        p->at++;
    w->text = mem_strndup(start, (size_t)(p->at - start));
    w->kind = strpbrk(w->text, "*?") ? WORD_GLOB : WORD_TEXT;
    if (!filter_number(w->text, &w->number))
        w->number = NAN;
    return 0;
}

// One word or several: "dpo,ipo", "dpo|ipo".
static int take_words(struct parser *p, struct filter_term *t)
{
    for (;;) {
        MEM_GROW(t->words, t->n_words, t->cap_words);
        struct filter_word *w = &t->words[t->n_words];
        *w = (struct filter_word){.number = NAN};
        t->n_words++;
        int code = take_word(p, w);
        if (code)
            return code;
        if ((*p->at != ',' && *p->at != '|') || p->at[1] == '|' || (is_end_of_word(p->at[1]) && *p->at == '|'))
            return 0;
        p->at++;
        if (is_end_of_word(*p->at))
            return wrong(p, p->at, "another value is missing after %c", p->at[-1]);
    }
}

static int check_value(struct parser *p, const struct filter_term *t, const char *start)
{
    if (t->op < OP_LESS)
        return 0;
    if (t->n_words > 1)
        return wrong(p, start, "%s can be compared with one number only", t->field);
    if (isnan(t->words[0].number))
        return wrong(p, start, "\"%.40s\" is no number to compare %s with; write one such as 0.6, 1e-5, 20k, 5%% or 2h",
                     t->words[0].text, t->field);
    return 0;
}

// FIELD OP VALUES; `name` ends where the operator begins.
static int field_term(struct parser *p, struct filter_term *t, const char *name, size_t n_name, const char *op_at)
{
    const char *op_end = p->at;
    t->field = mem_strndup(name, n_name);
    if (t->op != OP_HOLDS)
        skip_blanks(p);
    const char *start = p->at;
    if (is_end_of_word(*p->at))
        return wrong(p, p->at, "a value is missing after %s%.*s", t->field, (int)(op_end - op_at), op_at);
    int code = take_words(p, t);
    if (!code && t->op == OP_HOLDS && strcmp(t->field, "has") == 0) {
        if (t->n_words > 1)
            return wrong(p, start, "has: takes one name of a field");
        t->has = true;
        free(t->field);
        t->field = mem_strdup(t->words[0].text);
    }
    return code ? code : check_value(p, t, start);
}

static int parse_term(struct parser *p, int *node)
{
    MEM_GROW(p->f->terms, p->f->n_terms, p->f->cap_terms);
    int at = p->f->n_terms++;
    struct filter_term *t = &p->f->terms[at];
    *t = (struct filter_term){.op = OP_HOLDS};
    const char *name = p->at, *end = name;
    while (is_name(*end))
        end++;
    const char *op_at = end;
    while (isspace((unsigned char)*op_at) && end > name)
        op_at++;
    bool is_field = *name != '"' && (op_at == end ? *op_at && strchr("=!<>:", *op_at) : *op_at && strchr("=<>", *op_at)) &&
                    !(*op_at == '!' && op_at[1] != '=');
    if (!is_field && op_at > end && text_starts(op_at, "!="))
        is_field = *name != '"';
    int code;
    if (is_field && end == name)
        return wrong(p, name, "the name of a field is missing before %c; quotes make it a plain text", *op_at);
    if (is_field) {
        p->at = op_at;
        take_op(p, &t->op);
        code = field_term(p, t, name, (size_t)(end - name), op_at);
    } else {
        code = take_words(p, t);
    }
    *node = add_node(p, NODE_TERM, at, -1);
    return code;
}

// ---- the tree: any of (all of (not (term or group))) ----

static int parse_group(struct parser *p, int *node)
{
    const char *start = p->at++;
    *node = parse_any(p);
    if (*node < 0)
        return *node;
    skip_blanks(p);
    if (*p->at != ')')
        return wrong(p, start, "the ) that belongs to this ( is missing");
    p->at++;
    return 0;
}

static int parse_not(struct parser *p, int *node)
{
    skip_blanks(p);
    const char *start = p->at;
    bool no = take_keyword(p, "NOT");
    if (!no && (*p->at == '-' || (*p->at == '!' && p->at[1] != '='))) {
        no = true;
        p->at++;
    }
    if (++p->depth > MAX_DEPTH)
        return wrong(p, start, "this is nested too deeply");
    int code = 0;
    if (no) {
        skip_blanks(p);
        code = is_end_of_word(*p->at) && *p->at != '(' ? wrong(p, p->at, "what is not to be is missing") : parse_not(p, node);
        if (!code)
            *node = add_node(p, NODE_NOT, *node, -1);
    } else if (*p->at == '(') {
        code = parse_group(p, node);
    } else if (is_end_of_word(*p->at)) {
        code = wrong(p, p->at, "a word or FIELD=VALUE is missing %s%.1s", *p->at ? "before " : "at the end", p->at);
    } else {
        code = parse_term(p, node);
    }
    p->depth--;
    return code;
}

static bool at_or(const struct parser *p)
{
    struct parser look = *p;
    return *p->at == '|' || take_keyword(&look, "OR");
}

static int parse_all(struct parser *p)
{
    int left, right, code = parse_not(p, &left);
    while (!code) {
        skip_blanks(p);
        bool said = take_keyword(p, "AND") || (text_starts(p->at, "&&") && (p->at += 2));
        if (!said && (!*p->at || *p->at == ')' || at_or(p)))
            return left;
        code = parse_not(p, &right);
        if (!code)
            left = add_node(p, NODE_AND, left, right);
    }
    return code;
}

// The node, or a negative error.
static int parse_any(struct parser *p)
{
    int left = parse_all(p);
    while (left >= 0) {
        skip_blanks(p);
        if (*p->at == '|')
            p->at += p->at[1] == '|' ? 2 : 1;
        else if (!take_keyword(p, "OR"))
            break;
        int right = parse_all(p);
        left = right < 0 ? right : add_node(p, NODE_OR, left, right);
    }
    return left;
}

int filter_parse(struct filter **out, const char *text, struct err *e)
{
    struct filter *f = mem_alloc(1, sizeof *f);
    struct parser p = {.f = f, .e = e};
    f->text = mem_strdup(text);
    f->root = -1;
    p.at = f->text;
    int code = 0;
    if (strlen(text) > FILTER_MAX_BYTES)
        code = err_set(e, ERR_USAGE, "the filter has more than %d bytes", FILTER_MAX_BYTES);
    skip_blanks(&p);
    if (!code && *p.at) {
        f->root = parse_any(&p);
        code = f->root < 0 ? f->root : *p.at ? wrong(&p, p.at, "the ( that belongs to this ) is missing") : 0;
    }
    if (code) {
        filter_free(f);
        return code;
    }
    *out = f;
    return 0;
}
