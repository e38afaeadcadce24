#include "config.h"

#include "train/objective/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "corpus/corpus.h"
#include "train/objective/ranking.h"

void metric_add(struct metric_list *list, const char *key, double value)
{
    BUG_IF(list->n == METRICS_MAX);
    list->items[list->n++] = (struct metric){key, value};
}

double metric_value(const struct metric_list *list, const char *key)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->items[i].key, key) == 0)
            return list->items[i].value;
    return NAN;
}

// What the sign of a reward says about a response that is good or bad.
static double told(double reward, bool good)
{
    return reward == 0 ? 0.5 : (reward > 0) == good;
}

static void tally_single(struct tally *t, const struct seq *s, bool good)
{
    t->n_good += good;
    t->n_bad += !good;
    *(good ? &t->chosen : &t->rejected) += s->reward;
    *(good ? &t->logp_chosen : &t->logp_rejected) += s->logp;
    t->accuracy += told(s->reward, good);
}

// Of the first response of a pair. A list's labels are scores of any size, and say no more than an order.
static double share_of_votes(const struct objective *o, const struct seq *s)
{
    if (!(o->data & DATA_LIST))
        return s[0].label;
    return s[0].label > s[1].label ? 1 : s[0].label < s[1].label ? 0 : 0.5;
}

// The objective's own metrics of more groups: sums, or what is extreme of those that say so by their names.
static void fold(struct tally *t, int i, double more)
{
    const bool first = !(t->seen & 1u << i);
    t->seen |= 1u << i;
    if (t->largest & 1u << i)
        t->extra[i] = first || more > t->extra[i] ? more : t->extra[i];
    else if (t->least & 1u << i)
        t->extra[i] = first || more < t->extra[i] ? more : t->extra[i];
    else
        t->extra[i] += more;
}

void tally_group(struct tally *t, const struct objective_run *r, const struct seq *s, int n, double loss,
                 const double *extra)
{
    const bool singles = r->objective->data & DATA_BINARY;
    t->n_groups++;
    t->loss += loss;
    for (int i = 0; i < n; i++) {
        if (s[i].mismatched)
            continue;
        t->n_tokens += s[i].n;
        t->logp += s[i].logp;
        if (singles)
            tally_single(t, &s[i], s[i].label > (r->objective->rewards ? 0 : 0.5));
    }
    struct ranking ranking;
    if (!singles && ranking_of(s, n, &ranking)) {
        t->n_ordered++;
        t->chosen += ranking.chosen;
        t->rejected += ranking.rejected;
        t->accuracy += ranking.accuracy;
        t->logp_chosen += ranking.logp_chosen;
        t->logp_rejected += ranking.logp_rejected;
        if (n > 2) {
            t->n_lists++;
            t->ndcg += ranking.ndcg;
        }
    }
    if (n == 2 && r->objective->log_odds)
        calibration_add(&t->calibration, s[0].reward - s[1].reward, share_of_votes(r->objective, s));
    for (int i = 0; r->objective->metrics && r->objective->metrics[i]; i++) {
        t->largest |= text_ends(r->objective->metrics[i], "/max") ? 1u << i : 0;
        t->least |= text_ends(r->objective->metrics[i], "/min") ? 1u << i : 0;
        fold(t, i, extra[i]);
    }
}

void tally_add(struct tally *to, const struct tally *from)
{
    to->n_groups += from->n_groups;
    to->n_good += from->n_good;
    to->n_bad += from->n_bad;
    to->n_ordered += from->n_ordered;
    to->n_lists += from->n_lists;
    to->loss += from->loss;
    to->chosen += from->chosen;
    to->rejected += from->rejected;
    to->accuracy += from->accuracy;
    to->logp_chosen += from->logp_chosen;
    to->logp_rejected += from->logp_rejected;
    to->logp += from->logp;
    to->ndcg += from->ndcg;
    to->n_tokens += from->n_tokens;
    to->entropy += from->entropy;
    to->top += from->top;
    to->calibration.n += from->calibration.n;
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        to->calibration.predicted[i] += from->calibration.predicted[i];
        to->calibration.happened[i] += from->calibration.happened[i];
    }
    to->largest |= from->largest;
    to->least |= from->least;
    for (int i = 0; i < OBJECTIVE_MAX_METRICS; i++)
        if (from->seen & 1u << i)
            fold(to, i, from->extra[i]);
}

// Names with "eval/" before them, made once per name.
static const char *named(const char *key, bool held_out)
{
    static struct {
        const char *key;
        char *held_out;
    } *made;
    static size_t n, cap;
    if (!held_out)
        return key;
    for (size_t i = 0; i < n; i++)
        if (strcmp(made[i].key, key) == 0)
            return made[i].held_out;
    char text[80];
    snprintf(text, sizeof text, "eval/%s", key);
    MEM_GROW(made, n, cap);
    made[n].key = key;
    made[n].held_out = mem_strdup(text);
    return made[n++].held_out;
}

// A class that is absent has no means, and there is no margin then.
static void add_singles(const struct tally *t, bool held_out, struct metric_list *out)
{
    if (t->n_good) {
        metric_add(out, named("rewards/chosen", held_out), t->chosen / t->n_good);
        metric_add(out, named("logps/chosen", held_out), t->logp_chosen / t->n_good);
    }
    if (t->n_bad) {
        metric_add(out, named("rewards/rejected", held_out), t->rejected / t->n_bad);
        metric_add(out, named("logps/rejected", held_out), t->logp_rejected / t->n_bad);
    }
    if (t->n_good && t->n_bad)
        metric_add(out, named("rewards/margins", held_out), t->chosen / t->n_good - t->rejected / t->n_bad);
    metric_add(out, named("rewards/accuracies", held_out), t->accuracy / (t->n_good + t->n_bad));
    metric_add(out, named("count/chosen", held_out), t->n_good);
    metric_add(out, named("count/rejected", held_out), t->n_bad);
}

const char *metric_held_out(const char *key)
{
    return named(key, true);
}

// Of the objective's own. Shares of single groups would not add up to that of all: a group of one is always whole.
static double own_metric(const struct tally *t, const char *const *names, int i)
{
    const double mean = t->extra[i] / t->n_groups;
    if ((t->largest | t->least) & 1u << i)
        return t->extra[i];
    if (!text_ends(names[i], "/ess"))
        return mean;
    const double of_weights = t->extra[i - 1] / t->n_groups;
    return mean > 0 ? of_weights * of_weights / mean : 0;
}

void tally_metrics(const struct tally *t, const struct objective_run *r, bool held_out, struct metric_list *out)
{
    const bool singles = r->objective->data & DATA_BINARY;
    const double groups = t->n_groups, ordered = t->n_ordered;
    const bool scored = objective_needs(r).networks & NETWORK_SCORE;
    metric_add(out, named("loss", held_out), t->loss / groups);
    if (t->n_ordered) {
        metric_add(out, named("rewards/chosen", held_out), t->chosen / ordered);
        metric_add(out, named("rewards/rejected", held_out), t->rejected / ordered);
        metric_add(out, named("rewards/margins", held_out), (t->chosen - t->rejected) / ordered);
        metric_add(out, named("rewards/accuracies", held_out), t->accuracy / ordered);
        if (!scored) {
            metric_add(out, named("logps/chosen", held_out), t->logp_chosen / ordered);
            metric_add(out, named("logps/rejected", held_out), t->logp_rejected / ordered);
        }
    }
    if (held_out && t->calibration.n > 0)
        metric_add(out, "eval/rewards/ece", calibration_error(&t->calibration));
    if (t->n_lists)
        metric_add(out, named("rewards/ndcg", held_out), t->ndcg / t->n_lists);
    if (singles)
        add_singles(t, held_out, out);
    if (objective_needs(r).reads & READ_TOKEN_STATS) {
        metric_add(out, named("mean_token_accuracy", held_out), t->top / t->n_tokens);
        metric_add(out, named("entropy", held_out), t->entropy / t->n_tokens);
    }
    for (int i = 0; r->objective->metrics && r->objective->metrics[i]; i++)
        metric_add(out, named(r->objective->metrics[i], held_out), own_metric(t, r->objective->metrics, i));
}
