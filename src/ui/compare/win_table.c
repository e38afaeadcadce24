// What the votes of the project add up to beyond two models at a time: slices of win rates, and whose order is uncertain.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/bradley_terry.h"
#include "stats/win_slices.h"
#include "ui/compare/compare_lists.h"
#include "ui/compare/win_words.h"

enum { USUAL_SLICES = 3 };

// ---- slices ----

static bool is_made(const char *by)
{
    for (int i = 0; i < WIN_WORDS_N; i++)
        if (strcmp(by, win_words_names[i]) == 0)
            return true;
    return strcmp(by, "length") == 0;
}

int win_cut_read(struct win_cut *out, const char *words, const char *set, struct err *e)
{
    struct win_cut cut = {.n = USUAL_SLICES};
    const size_t n = strcspn(words, " ");
    const char *rest = words + n + strspn(words + n, " ");
    int64_t count = USUAL_SLICES;
    if (n == 0 || n >= sizeof cut.by)
        return err_set(e, ERR_USAGE, "slices: length, words, beginning, or a member of the prompts' rows is wanted");
    memcpy(cut.by, words, n);
    if (!is_made(cut.by)) {
        if (!*rest && !set)
            return err_set(e, ERR_USAGE,
                           "slices: %s is a member of which rows? Name the file of the prompts behind it, or open it with o",
                           cut.by);
        if (!text_copy(cut.data, sizeof cut.data, *rest ? rest : set))
            return err_set(e, ERR_USAGE, "slices: the path of the file is too long");
    } else if (*rest && (!text_to_i64(rest, &count) || count < 2 || count > WIN_SLICES_MOST)) {
        return err_set(e, ERR_USAGE, "slices %s: %s is no number of slices from 2 to %d", cut.by, rest, WIN_SLICES_MOST);
    }
    cut.n = (int)count;
    *out = cut;
    return 0;
}

static void add_rate(const struct win_rate *r, struct str *out)
{
    str_addf(out, ": %.0f %% (%.0f to %.0f) of %d", 100 * r->rate, 100 * r->interval.low, 100 * r->interval.high, r->n);
}

static void add_named(const struct win_table *t, const struct win_row *r, struct str *out)
{
    struct win_slice *slices = mem_alloc((size_t)t->n_parts + 1, sizeof *slices);
    int shown = 0;
    win_slices_by_name(r->votes, r->parts, r->n, t->n_parts, 0.95, slices);
    for (int i = 0; i < t->n_parts; i++) {
        if (slices[i].rate.n == 0)
            continue;
        str_addf(out, shown++ ? "   " : "by %s  ", t->cut.by);
        str_add_visible(out, t->parts[i], strlen(t->parts[i]), false);
        add_rate(&slices[i].rate, out);
    }
    free(slices);
}

void win_row_add_slices(const struct win_table *t, const struct win_row *r, struct str *out)
{
    struct win_slice slices[WIN_SLICES_MOST];
    if (t->n_parts > 0) {
        add_named(t, r, out);
        return;
    }
    const int n = win_slices_by_quantile(r->votes, r->lengths, r->n, t->cut.n, 0.95, slices);
    if (n < 2)
        return;
    str_add(out, "by the prompt's length");
    for (int i = 0; i < n; i++) {
        str_addf(out, "%s %.0f-%.0f", i ? "  " : "", slices[i].from, slices[i].to);
        add_rate(&slices[i].rate, out);
    }
}

// ---- whose order is uncertain ----

static int player_of(const char **names, int *n, const char *name)
{
    int i = 0;
    while (i < *n && strcmp(names[i], name) != 0)
        i++;
    names[i] = name;
    *n += i == *n;
    return i;
}

static void take_doubts(struct win_table *t, const struct bt_fit *fit, const char *const *names)
{
    int n;
    struct bt_pair *doubts = bt_doubts(fit, 0.95, &n);
    t->next = mem_alloc((size_t)n + 1, sizeof *t->next);
    for (int i = 0; i < n; i++)
        t->next[t->n_next++] = (struct win_next){names[doubts[i].a], names[doubts[i].b], doubts[i].beats, doubts[i].doubt,
                                                 doubts[i].interval};
    free(doubts);
}

int win_table_fit(struct win_table *t, struct err *e)
{
    const char **names = mem_alloc(2 * (size_t)t->n + 1, sizeof *names);
    struct bt_vote *votes;
    struct bt_fit fit = {0};
    int n = 0, n_votes = 0, n_names = 0, code = 0;
    for (int i = 0; i < t->n; i++)
        n += t->rows[i].n;
    votes = mem_alloc((size_t)n + 1, sizeof *votes);
    for (int i = 0; i < t->n; i++) {
        const struct win_row *r = &t->rows[i];
        const int a = player_of(names, &n_names, r->a), b = player_of(names, &n_names, r->b);
        for (int k = 0; k < r->n && a != b; k++)
            votes[n_votes++] = (struct bt_vote){a, b, r->votes[k].share, r->votes[k].cluster};
    }
    if (n_names > 2)
        code = bt_fit(&fit, n_names, votes, n_votes, 0.95, e);
    if (n_names > 2 && !code)
        take_doubts(t, &fit, names);
    bt_fini(&fit);
    free(votes);
    free(names);
    return code;
}

void win_next_text(const struct win_next *x, struct str *out)
{
    str_addf(out, "%s against %s: ", x->a, x->b);
    if (isnan(x->beats))
        str_add(out, "they have not met, not even through others");
    else
        str_addf(out, "%.0f %% (%.0f to %.0f), %.0f %% that %s is the better one", 100 * x->beats, 100 * x->interval.low,
                 100 * x->interval.high, 100 * x->doubt, x->b);
}
