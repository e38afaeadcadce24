#include "config.h"

#include "train/data/comparison.h"

#include <string.h>

#include "base/rng.h"
#include "train/objective/stable.h"

// Never inside of a character: the bytes that continue one begin with the bits 10.
static bool inside(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static void add_beginning(struct str *out, const char *text, size_t limit)
{
    size_t n = strlen(text);
    if (n > limit)
        for (n = limit; n > 0 && inside(text[n]);)
            n--;
    str_addn(out, text, n);
}

static void add_end(struct str *out, const char *text, size_t limit)
{
    const size_t n = strlen(text);
    const char *from = n > limit ? text + n - limit : text;
    while (inside(*from))
        from++;
    str_add(out, from);
}

// One question as it is; a dialogue with who says what.
static void add_context(struct str *out, const struct example *x)
{
    if (x->n_turns == 1) {
        str_add(out, x->turns[0].text);
        return;
    }
    for (int i = 0; i < x->n_turns; i++)
        str_addf(out, "%s%s: %s", i ? "\n" : "", x->turns[i].role, x->turns[i].text);
}

void comparison_text(struct str *out, const struct example *x, bool flipped, size_t limit)
{
    struct str context = {0};
    add_context(&context, x);
    str_add(out, "[CONTEXT] ");
    add_end(out, str_text(&context), limit);
    str_add(out, "\n[RESPONSE A] ");
    add_beginning(out, x->responses[flipped].text, limit);
    str_add(out, "\n[RESPONSE B] ");
    add_beginning(out, x->responses[!flipped].text, limit);
    str_add(out, "\n[BETTER]");
    str_fini(&context);
}

size_t comparison_longest(const struct example *x)
{
    struct str context = {0};
    add_context(&context, x);
    size_t longest = context.len;
    for (int i = 0; i < 2; i++)
        longest = strlen(x->responses[i].text) > longest ? strlen(x->responses[i].text) : longest;
    str_fini(&context);
    return longest;
}

bool comparison_flipped(uint64_t seed, size_t index)
{
    uint32_t bits[4];
    rng_block(seed, (uint64_t)RNG_COMPARE << 32, index, bits);
    return bits[0] & 1;
}

void comparison_metrics(const struct dataset *d, const struct seq *seqs, struct metric_list *out)
{
    double agree = 0, first = 0;
    int n = 0;
    for (int g = 0; g + 1 < d->n_groups; g++) {
        const struct ds_group *here = &d->groups[g], *next = here + 1;
        if (here->example != next->example)
            continue;
        // The chosen response stands first in one of them, second in the other.
        const struct seq *s = seqs + here->first_seq, *t = seqs + next->first_seq;
        const double z = s[0].reward - s[1].reward, w = t[0].reward - t[1].reward;
        agree += (z > 0) == (w > 0);
        first += (sigmoid(here->flipped ? -z : z) + sigmoid(next->flipped ? -w : w)) / 2;
        n++;
    }
    if (n) {
        metric_add(out, "eval/orders_agree", agree / n);
        metric_add(out, "eval/position_bias", first / n - 0.5);
    }
}
