// When too much of a file cannot be used, somebody has to look before anything is trained on the rest.
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "corpus/corpus.h"

// Reasons that differ only in numbers and quoted values are one.
static bool same_reason(const char *a, const char *b)
{
    for (;;) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            while (isdigit((unsigned char)*a) || *a == '.')
                a++;
            while (isdigit((unsigned char)*b) || *b == '.')
                b++;
            continue;
        }
        if (*a != *b)
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

void corpus_refuse(struct corpus *c, int64_t line, const char *file, const char *reason)
{
    const struct refused_row *last = c->n_refused ? &c->refused[c->n_refused - 1] : NULL;
    if (last && last->line == line && last->file == file)
        return;
    MEM_GROW(c->refused, c->n_refused, c->cap_refused);
    c->refused[c->n_refused++] = (struct refused_row){.line = line, .reason = arena_strdup(&c->arena, reason), .file = file};
}

static int by_count(const void *a, const void *b)
{
    const struct refusal *x = a, *y = b;
    return x->n > y->n ? -1 : x->n < y->n ? 1 : x->line < y->line ? -1 : x->line > y->line;
}

int corpus_refusals(const struct corpus *c, struct refusal *out, int most)
{
    int n = 0;
    for (size_t i = 0; i < c->n_refused; i++) {
        int k = 0;
        while (k < n && !same_reason(out[k].reason, c->refused[i].reason))
            k++;
        if (k == n && n < most)
            out[n++] = (struct refusal){
                .file = c->refused[i].file, .line = c->refused[i].line, .reason = c->refused[i].reason};
        if (k < n)
            out[k].n++;
    }
    qsort(out, (size_t)n, sizeof *out, by_count);
    return n;
}

int corpus_check_refused(const struct corpus *c, struct err *e)
{
    enum { MOST = 32, SHOWN = 4 };
    for (size_t i = 0; i < c->n_refused; i++)
        if (c->refused[i].cut)
            return err_set(e, ERR_INPUT, "%s was cut: it ends in the middle of %s %lld (%s), and nobody knows what "
                                         "followed. Copy it again, or say allow-refused to train on what is there",
                                         c->path, c->unit,
                           (long long)c->refused[i].line, c->refused[i].reason);
    struct refusal reasons[MOST];
    struct str text = {0};
    const bool many = c->n_refused > c->n_rows / 10;
    if (!c->n_refused || (!many && !c->all_refused))
        return 0;
    const int n = corpus_refusals(c, reasons, MOST);
    for (int i = 0; i < n && i < SHOWN; i++)
        str_addf(&text, "%s%zu %s: %s%s%s %lld: %.160s", i ? "; " : "", reasons[i].n,
                 text_plural((int64_t)reasons[i].n, "row", "rows"), reasons[i].file ? reasons[i].file : "",
                 reasons[i].file ? ", " : "", c->unit, (long long)reasons[i].line, reasons[i].reason);
    if (n > SHOWN)
        str_addf(&text, "; and %d more reasons", n - SHOWN);
    int code = err_set(e, ERR_INPUT, "%zu of %zu rows of %s would be left out%s%s (%s). Mend the file, name its members "
                       "with map, or say allow-refused to train on the rest", c->n_refused, c->n_rows, c->path,
                       c->all_refused ? ", among them " : "", c->all_refused ? c->all_refused : "", str_text(&text));
    str_fini(&text);
    return code;
}
