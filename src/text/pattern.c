#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "text/pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct pattern {
    char *literal; // NULL: a regular expression
    size_t n_literal;
    pcre2_code *code;
};

// Where the two syntaxes use the same letters for different things, Oniguruma's meaning is spelled out
// (\s is White_Space there, \p{Xps} with U+180E in PCRE2) or refused.
static int translate(const char *regex, struct str *out, const char *where, struct err *e)
{
    bool in_class = false;
    for (const char *p = regex; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
            if (*p == 's' || *p == 'S')
                str_add(out, *p == 's' ? "\\p{White_Space}" : "\\P{White_Space}");
            else if (strchr("hHRXKGkgZ", *p))
                return err_set(e, ERR_UNSUPPORTED,
                               "%s: the regular expression uses \\%c, which is not supported: %.200s", where, *p,
                               regex);
            else
                str_addf(out, "\\%c", *p);
            continue;
        }
        bool nested = in_class && *p == '[' && p[1] != ':';
        if (nested || (in_class && *p == '&' && p[1] == '&'))
            return err_set(e, ERR_UNSUPPORTED,
                           "%s: the regular expression uses classes inside of classes, which is not supported: %.200s",
                           where, regex);
        if (!in_class && *p == '[') {
            in_class = true;
            str_addc(out, *p);
            if (p[1] == '^')
                str_addc(out, *++p);
            if (p[1] == ']') // a class may begin with a literal bracket
                str_addc(out, *++p);
            continue;
        }
        if (in_class && *p == '[') { // [:alpha:]
            const char *end = strstr(p, ":]");
            if (end) {
                str_addn(out, p, (size_t)(end - p) + 2);
                p = end + 1;
                continue;
            }
        }
        if (in_class && *p == ']')
            in_class = false;
        str_addc(out, *p);
    }
    return 0;
}

int pattern_regex(struct pattern **out, const char *regex, const char *where, struct err *e)
{
    struct str ours = {0};
    int code = translate(regex, &ours, where, e);
    if (code) {
        str_fini(&ours);
        return code;
    }
    int number;
    PCRE2_SIZE offset;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)str_text(&ours), ours.len, PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE,
                                         &number, &offset, NULL);
    str_fini(&ours);
    if (!compiled) {
        PCRE2_UCHAR why[200] = "";
        pcre2_get_error_message(number, why, sizeof why);
        return err_set(e, ERR_UNSUPPORTED, "%s: cannot use the regular expression %.200s: %s", where, regex,
                       (const char *)why);
    }
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); // without JIT it only takes longer
    struct pattern *p = mem_alloc(1, sizeof *p);
    p->code = compiled;
    *out = p;
    return 0;
}

int pattern_from_json(struct pattern **out, const json_t *value, const char *where, struct err *e)
{
    const json_t *regex = json_object_get(value, "Regex");
    const json_t *literal = json_is_string(value) ? value : json_object_get(value, "String");
    if (json_is_string(regex)) {
        if (strlen(json_string_value(regex)) != json_string_length(regex))
            return err_set(e, ERR_UNSUPPORTED, "%s: the regular expression holds a NUL", where);
        return pattern_regex(out, json_string_value(regex), where, e);
    }
    if (!json_is_string(literal))
        return err_set(e, ERR_INPUT, "%s: \"pattern\" must be {\"String\": text} or {\"Regex\": text}", where);
    if (json_string_length(literal) == 0)
        return err_set(e, ERR_INPUT, "%s: \"pattern\" is an empty text", where);
    struct pattern *p = mem_alloc(1, sizeof *p);
    p->n_literal = json_string_length(literal);
    p->literal = mem_strndup(json_string_value(literal), p->n_literal);
    *out = p;
    return 0;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    free(p->literal);
    pcre2_code_free(p->code);
    free(p);
}

void pattern_walk_init(struct pattern_walk *w, const struct pattern *p)
{
    w->pattern = p;
    w->match = p->code ? pcre2_match_data_create(1, NULL) : NULL;
    if (p->code && !w->match)
        BUG("no memory for a match");
}

void pattern_walk_fini(struct pattern_walk *w)
{
    pcre2_match_data_free(w->match);
}

int pattern_find(struct pattern_walk *w, const char *text, size_t n, size_t from, size_t *start, size_t *end,
                 struct err *e)
{
    const struct pattern *p = w->pattern;
    if (p->literal) {
        const char *hit = from < n ? memmem(text + from, n - from, p->literal, p->n_literal) : NULL;
        if (!hit)
            return 0;
        *start = (size_t)(hit - text);
        *end = *start + p->n_literal;
        return 1;
    }
    int n_groups = pcre2_match(p->code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK, w->match, NULL);
    if (n_groups == PCRE2_ERROR_JIT_STACKLIMIT) // the interpreter keeps its stack on the heap
        n_groups = pcre2_match(p->code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, w->match, NULL);
    if (n_groups == PCRE2_ERROR_NOMATCH)
        return 0;
    if (n_groups < 0) {
        PCRE2_UCHAR why[200] = "";
        pcre2_get_error_message(n_groups, why, sizeof why);
        return err_set(e, ERR_LIMIT, "cannot split the text with the tokenizer's regular expression: %s",
                       (const char *)why);
    }
    const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(w->match);
    *start = bounds[0];
    *end = bounds[1];
    return 1;
}
