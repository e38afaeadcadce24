#include "config.h"

#include "stats/win_slices.h"

#include <stdlib.h>

#include "base/mem.h"

struct prompt {
    double of;
    int cluster;
};

static int by_prompt(const void *x, const void *y)
{
    const struct prompt *a = x, *b = y;
    return a->of != b->of ? (a->of > b->of) - (a->of < b->of) : (a->cluster > b->cluster) - (a->cluster < b->cluster);
}

// Where, behind `at`, a number ends that prompts have, as near to `wanted` as may be.
static int boundary_near(const struct prompt *prompts, int n, int at, int wanted)
{
    int before = wanted > at ? wanted : at, behind = wanted > at ? wanted : at + 1;
    while (before > at && before < n && prompts[before].of == prompts[before - 1].of)
        before--;
    while (behind < n && prompts[behind].of == prompts[behind - 1].of)
        behind++;
    return before > at && wanted - before <= behind - wanted ? before : behind;
}

void win_slices_by_name(const struct win_vote *votes, const int *names, int n, int n_names, double level,
                        struct win_slice *out)
{
    struct win_vote *part = mem_alloc((size_t)n + 1, sizeof *part);
    for (int s = 0; s < n_names; s++) {
        int n_part = 0;
        for (int i = 0; i < n; i++)
            if (names[i] == s)
                part[n_part++] = votes[i];
        out[s] = (struct win_slice){s, s, win_rate_of(part, n_part, level)};
    }
    free(part);
}

int win_slices_by_quantile(const struct win_vote *votes, const double *of, int n, int n_slices, double level,
                           struct win_slice *out)
{
    struct prompt *prompts = mem_alloc((size_t)n + 1, sizeof *prompts);
    int *names = mem_alloc((size_t)n + 1, sizeof *names), n_prompts = 0, made = 0;
    double from[WIN_SLICES_MOST], to[WIN_SLICES_MOST];
    for (int i = 0; i < n; i++)
        prompts[i] = (struct prompt){of[i], votes[i].cluster};
    qsort(prompts, (size_t)n, sizeof *prompts, by_prompt);
    for (int i = 0; i < n; i++) // each prompt once, however many votes it has
        if (i == 0 || by_prompt(&prompts[n_prompts - 1], &prompts[i]) != 0)
            prompts[n_prompts++] = prompts[i];
    for (int s = 0, at = 0; s < n_slices && at < n_prompts; s++) {
        const int end = boundary_near(prompts, n_prompts, at, at + (n_prompts - at) / (n_slices - s)); // of what is left
        from[made] = prompts[at].of;
        to[made++] = prompts[end - 1].of;
        at = end;
    }
    for (int i = 0; i < n; i++)
        for (int s = 0; s < made; s++)
            if (of[i] >= from[s] && of[i] <= to[s])
                names[i] = s;
    win_slices_by_name(votes, names, n, made, level, out);
    for (int s = 0; s < made; s++) {
        out[s].from = from[s];
        out[s].to = to[s];
    }
    free(names);
    free(prompts);
    return made;
}
