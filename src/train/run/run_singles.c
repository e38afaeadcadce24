// What a run says about data of single responses before it starts: how pairs and lists were read, and whether good
// and bad ones are out of balance.
#include "config.h"

#include "train/run/run.h"

static void report_reading(struct run *r)
{
    if (r->corpus->kind == DATA_BINARY)
        return;
    int n_examples = 0; // groups of one example follow each other
    for (int i = 0; i < r->train.n_groups; i++)
        n_examples += i == 0 || r->train.groups[i].example != r->train.groups[i - 1].example;
    const char *what = r->corpus->kind == DATA_PAIR ? "pairs" : "lists";
    if (r->text.bad_only)
        recorder_event(r->recorder, 0, "info", "data", 0, "of %s only the bad responses are read: %d %s, %d examples",
                       what, n_examples, what, r->train.n_groups);
    else
        recorder_event(r->recorder, 0, "info", "data", 0, "%s are read as %s: %d %s, %d examples", what,
                       r->corpus->kind == DATA_PAIR ? "good and bad responses" : "single responses with their scores",
                       n_examples, what, r->train.n_groups);
}

// KTO's rule: weight times number of the good over the same of the bad between 1 and 4/3.
static void report_weights(struct run *r, int n_good, int n_bad)
{
    if (!settings_find(&r->settings, "desirable-weight"))
        return;
    const double good = settings_float(&r->settings, "desirable-weight") * n_good;
    const double bad = settings_float(&r->settings, "undesirable-weight") * n_bad;
    if (good >= 0.999 * bad && good <= 4.001 / 3 * bad)
        return;
    const bool raise_good = n_good < n_bad;
    recorder_event(
        r->recorder, 0, "warn", "data", 0,
        "%d good and %d bad responses: with these weights the good ones count %.3g times as much as the bad ones, "
        "where 1 to 1.33 is advised; try %s-weight %.3g and %s-weight 1",
        n_good, n_bad, bad > 0 ? good / bad : 0, raise_good ? "desirable" : "undesirable",
        raise_good ? 1.1 * n_bad / n_good : n_good / (1.1 * n_bad), raise_good ? "undesirable" : "desirable");
}

void run_report_singles(struct run *r)
{
    int n_good = 0;
    report_reading(r);
    if (r->text.bad_only || r->corpus->kind == DATA_LIST)
        return;
    for (int i = 0; i < r->train.n_groups; i++)
        n_good += r->train.seqs[r->train.groups[i].first_seq].label > 0.5;
    const int n_bad = r->train.n_groups - n_good;
    if (n_good == 0 || n_bad == 0)
        recorder_event(r->recorder, 0, "warn", "data", 0,
                       "all %d responses are marked %s: without any of the other kind %s learns only to %s them",
                       r->train.n_groups, n_good ? "good" : "bad", r->objective->name, n_good ? "imitate" : "avoid");
    else
        report_weights(r, n_good, n_bad);
}
