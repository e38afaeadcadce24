#include "config.h"

#include "train/objective/ranking.h"

#include "train/objective/lists.h"

// Means over the responses that have this label.
static void means_of_label(const struct seq *s, int n, double label, double *reward, double *logp)
{
    int count = 0;
    *reward = *logp = 0;
    for (int i = 0; i < n; i++)
        if (s[i].label == label) {
            *reward += s[i].reward;
            *logp += s[i].logp;
            count++;
        }
    *reward /= count;
    *logp /= count;
}

static double pair_accuracy(const struct seq *s, int n)
{
    double right = 0;
    int pairs = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            if (s[i].label > s[j].label) {
                right += s[i].reward > s[j].reward ? 1 : s[i].reward == s[j].reward ? 0.5 : 0;
                pairs++;
            }
    return right / pairs;
}

// Equal rewards share the mean of their ranks' discounts; the best possible order is that of the labels.
static double discounted_gain(const struct seq *s, int n, double lowest)
{
    double sum = 0, best = 0;
    for (int i = 0; i < n; i++) {
        int above = 0, alike_before = 0;
        for (int j = 0; j < n; j++) {
            above += s[j].label > s[i].label;
            alike_before += j < i && s[j].label == s[i].label;
        }
        best += (s[i].label - lowest) / log(2 + above + alike_before);
        sum += (s[i].label - lowest) * list_discount(s, n, i, false);
    }
    return sum / best;
}

bool ranking_of(const struct seq *s, int n, struct ranking *out)
{
    while (n > 0 && s[n - 1].mismatched)
        n--;
    if (n < 2)
        return false;
    double best = s[0].label, worst = s[0].label;
    for (int i = 1; i < n; i++) {
        best = fmax(best, s[i].label);
        worst = fmin(worst, s[i].label);
    }
    if (!(best > worst))
        return false;
    means_of_label(s, n, best, &out->chosen, &out->logp_chosen);
    means_of_label(s, n, worst, &out->rejected, &out->logp_rejected);
    out->accuracy = pair_accuracy(s, n);
    out->ndcg = discounted_gain(s, n, worst);
    return true;
}
