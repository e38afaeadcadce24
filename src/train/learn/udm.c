#include "config.h"

#include "train/learn/udm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "train/objective/stable.h"
#include "train/objective/weighting.h"

// Accelerated gradient descent (Nesterov 1983) with the step that the largest curvature allows; columns of very
// different size are not expected here. The constant's column is all ones and is not held small.
enum { ROUNDS = 400, POWER_ROUNDS = 30 };

static double row_times(const double *row, const double *w, int d)
{
    double sum = w[d];
    for (int k = 0; k < d; k++)
        sum += row[k] * w[k];
    return sum;
}

static void add_row(double *to, const double *row, double factor, int d)
{
    for (int k = 0; k < d; k++)
        to[k] += factor * row[k];
    to[d] += factor;
}

// At most: 1 + the largest eigenvalue of sum_i weight_i / 4 (x_i, 1)(x_i, 1)', by power iteration with a little to
// spare.
static double curvature(const double *x, const double *weights, int n, int d, double *v, double *next)
{
    double largest = 0;
    for (int k = 0; k <= d; k++)
        v[k] = 1 / sqrt(d + 1.0);
    for (int round = 0; round < POWER_ROUNDS; round++) {
        double square = 0;
        memset(next, 0, ((size_t)d + 1) * sizeof *next);
        for (int i = 0; i < n; i++)
            add_row(next, x + (size_t)i * (size_t)d, weights[i] / 4 * row_times(x + (size_t)i * (size_t)d, v, d), d);
        for (int k = 0; k <= d; k++)
            square += next[k] * next[k];
        largest = sqrt(square);
        for (int k = 0; k <= d && largest > 0; k++)
            v[k] = next[k] / largest;
    }
    return 1 + 1.2 * largest;
}

void logistic_fit(const double *x, const double *y, const double *weights, int n, int d, double *w)
{
    const size_t m = (size_t)d + 1;
    double *ahead = mem_alloc(m, sizeof *ahead), *slope = mem_alloc(m, sizeof *slope),
           *last = mem_alloc(m, sizeof *last);
    const double bound = curvature(x, weights, n, d, ahead, slope);
    double momentum = 1;
    memset(w, 0, m * sizeof *w);
    memset(ahead, 0, m * sizeof *ahead);
    for (int round = 0; round < ROUNDS; round++) {
        double turned = 0;
        for (int k = 0; k < d; k++)
            slope[k] = ahead[k];
        slope[d] = 0;
        for (int i = 0; i < n; i++) {
            const double *row = x + (size_t)i * (size_t)d;
            add_row(slope, row, -weights[i] * y[i] * sigmoid(-y[i] * row_times(row, ahead, d)), d);
        }
        memcpy(last, w, m * sizeof *w);
        const double next = (1 + sqrt(1 + 4 * momentum * momentum)) / 2;
        for (size_t k = 0; k < m; k++) {
            w[k] = ahead[k] - slope[k] / bound;
            turned += slope[k] * (w[k] - last[k]);
        }
        // Going uphill: start again without momentum (O'Donoghue and Candes 2015).
        momentum = turned > 0 ? 1 : next;
        const double carry = turned > 0 ? 0 : (next - 1) / next;
        for (size_t k = 0; k < m; k++)
            ahead[k] = w[k] + carry * (w[k] - last[k]);
    }
    free(ahead);
    free(slope);
    free(last);
}

// ---- prompts as numbers ----

struct embedding {
    struct model *m;
    int d;
    float *row;
};

static void embed(const struct embedding *x, const struct dataset *data, int group, double *out)
{
    const struct ds_group *g = &data->groups[group];
    const struct tensor *table = model_tensor(x->m, T_TOKEN_EMBED, -1);
    memset(out, 0, (size_t)x->d * sizeof *out);
    for (int i = 0; i < g->n_prompt; i++) {
        if (model_read(x->m, table, data->tokens[g->prompt + (size_t)i], 1, x->row, NULL))
            break; // sync said it, and says it to whoever computes next
        for (int k = 0; k < x->d; k++)
            out[k] += x->row[k];
    }
    for (int k = 0; k < x->d; k++)
        out[k] /= g->n_prompt;
}

static bool is_good(const struct dataset *d, int group)
{
    return d->seqs[d->groups[group].first_seq].label > 0.5;
}

// Columns with mean 0 and variance 1; where a column says nothing it becomes 0.
static void standardize(double *x, int n, int d, double *mean, double *scale)
{
    for (int k = 0; k < d; k++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < n; i++)
            sum += x[(size_t)i * (size_t)d + (size_t)k];
        mean[k] = sum / n;
        for (int i = 0; i < n; i++) {
            const double above = x[(size_t)i * (size_t)d + (size_t)k] - mean[k];
            squares += above * above;
        }
        scale[k] = squares > 1e-24 * n ? sqrt(n / squares) : 0;
        for (int i = 0; i < n; i++) {
            double *at = &x[(size_t)i * (size_t)d + (size_t)k];
            *at = (*at - mean[k]) * scale[k];
        }
    }
}

// w of standardized columns becomes w of the columns as they are.
static void unstandardize(double *w, int d, const double *mean, const double *scale)
{
    for (int k = 0; k < d; k++) {
        w[k] *= scale[k];
        w[d] -= w[k] * mean[k];
    }
}

static void fill_odds(struct dataset *data, const struct embedding *x, const double *w)
{
    double *prompt = mem_alloc((size_t)x->d, sizeof *prompt);
    free(data->prompt_odds);
    data->prompt_odds = mem_alloc((size_t)data->n_groups + 1, sizeof *data->prompt_odds);
    for (int i = 0; i < data->n_groups; i++) {
        embed(x, data, i, prompt);
        data->prompt_odds[i] = row_times(prompt, w, x->d);
    }
    free(prompt);
}

static struct udm_result measure(const struct dataset *d)
{
    double right[2] = {0}, n[2] = {0}, weight = 0;
    for (int i = 0; i < d->n_groups; i++) {
        const bool good = is_good(d, i);
        n[good]++;
        right[good] += d->prompt_odds[i] == 0 ? 0.5 : (d->prompt_odds[i] > 0) == good;
        weight += good ? 0 : udm_weight(d->prompt_odds[i]);
    }
    return (struct udm_result){n[0] && n[1] ? (right[0] / n[0] + right[1] / n[1]) / 2 : 0.5, n[0] ? weight / n[0] : 1};
}

struct udm_result udm_fill(struct dataset *train, struct dataset *held_out, struct model *m, uint64_t seed)
{
    enum { MOST = 1024 };
    const int n = train->n_groups < MOST ? train->n_groups : MOST, d = m->arch.d_embed;
    struct rng rng = rng_make(seed, RNG_UDM, 0);
    uint32_t *order = mem_alloc((size_t)train->n_groups, sizeof *order);
    struct embedding e = {m, d, mem_alloc((size_t)d, sizeof *e.row)};
    double *x = mem_alloc((size_t)n * (size_t)d, sizeof *x), *y = mem_alloc((size_t)n, sizeof *y);
    double *weights = mem_alloc((size_t)n, sizeof *weights), *w = mem_alloc((size_t)d + 1, sizeof *w);
    double *mean = mem_alloc((size_t)d, sizeof *mean), *scale = mem_alloc((size_t)d, sizeof *scale);
    int n_good = 0;
    for (int i = 0; i < train->n_groups; i++)
        order[i] = (uint32_t)i;
    rng_shuffle(&rng, order, (size_t)train->n_groups);
    for (int i = 0; i < n; i++) {
        embed(&e, train, (int)order[i], x + (size_t)i * (size_t)d);
        y[i] = is_good(train, (int)order[i]) ? 1 : -1;
        n_good += y[i] > 0;
    }
    if (n_good > 0 && n_good < n) { // else there is nothing to tell apart, and all odds are even
        for (int i = 0; i < n; i++)
            weights[i] = n / (2.0 * (y[i] > 0 ? n_good : n - n_good));
        standardize(x, n, d, mean, scale);
        logistic_fit(x, y, weights, n, d, w);
        unstandardize(w, d, mean, scale);
    }
    fill_odds(train, &e, w);
    fill_odds(held_out, &e, w);
    free(order);
    free(e.row);
    free(x);
    free(y);
    free(weights);
    free(w);
    free(mean);
    free(scale);
    return measure(train);
}
