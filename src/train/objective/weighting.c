#include "config.h"

#include "train/objective/weighting.h"

#include <math.h>

#include "corpus/corpus.h"

static const struct param params[] = {
    {.name = "wpo", .type = PARAM_BOOL, .fallback = "no", .group = "objective",
     .help = "Weigh each pair by how likely the present model finds both responses (WPO, Zhou et al. 2024), so that "
             "pairs that it would never say itself teach less."},
    {.name = "ld-alpha", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1, .group = "objective",
     .help = "How much the tokens count by which one response of a pair is longer than the other (LD-DPO, Liu et al. "
             "2024); below 1 length is learnt less. It weighs log-probabilities, also imitated ones, not KL or rivals."},
    {0}};
static const struct param none[] = {{0}};

const struct param *weighting_params(const struct objective *o)
{
    // A loss of one pair as the data has it, in log-probabilities.
    const bool of_a_pair = o->data == DATA_PAIR && o->needs.groups == 0 && !o->prepare;
    return of_a_pair && !(o->needs.networks & NETWORK_SCORE) ? params : none;
}

struct weighting weighting_from(const struct objective *o, const struct settings *s)
{
    if (weighting_params(o) == none)
        return (struct weighting){0};
    return (struct weighting){settings_bool(s, "wpo"), 1 - settings_float(s, "ld-alpha")};
}

// w = prod_i exp(1/n_i sum_t (log pi(y_t) - log sum_v pi(v)^2)): arXiv:2406.11827, aligned by the model's own
// confidence sum_v pi(v)^2. A token's term is at most half the logarithm of the vocabulary's size.
double weighting_factor(const struct weighting *w, const struct seq *s, int n)
{
    const double largest = 100;
    double exponent = 0;
    for (int i = 0; w->wpo && i < n; i++)
        exponent += (s[i].logp + s[i].tail - s[i].sum_squares) / s[i].n;
    return exp(fmin(exponent, largest));
}
