#include "config.h"

#include "train/objective/picks.h"

#include "train/objective/stable.h"

int best_said(const struct said *said, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (said[i].score > said[best].score)
            best = i;
    return best;
}

int worst_said(const struct said *said, int n)
{
    int worst = 0;
    for (int i = 1; i < n; i++)
        if (said[i].score < said[worst].score)
            worst = i;
    return worst;
}

double share_won(const struct said *said, int i, int first, int end)
{
    double sum = 0;
    for (int k = first; k < end; k++)
        sum += sigmoid(said[i].score - said[k].score);
    return sum / (end - first);
}

int pick_best_and_worst(const struct said *said, int n, int *taken, double *labels)
{
    const int best = best_said(said, n), worst = worst_said(said, n);
    if (said[best].score == said[worst].score)
        return 0;
    taken[0] = best;
    taken[1] = worst;
    labels[0] = 1;
    labels[1] = 0;
    return 2;
}
