// Evaluations of checkpoints as curves: "measured/pm_divergence" beside what the run recorded itself.
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "ui/curves/curves.h"

// Those that say how runs compare; all of them stand on the page of evaluations.
static const char *const drawn[] = {"pm_divergence", "win_rate", "reward", "gold/reward", "kl/exact", "entropy"};

// One that all others must be comparable with: the first that has the measure, of the largest set of evaluations that
// answered the same prompts in the same way; NULL: none has it.
static const json_t *measure_of_all(const struct eval_table *t, const struct eval_name *measure)
{
    for (int i = 0; i < t->n; i++)
        if (t->rows[i].set == 1 && isfinite(eval_number(t->rows[i].evaluation, measure->name, "value")))
            return t->rows[i].evaluation;
    return NULL;
}

// The row of the run's next checkpoint after `step`; -1: none.
static int next_row(const struct eval_table *t, const char *run, int64_t step)
{
    int next = -1;
    for (int i = 0; i < t->n; i++)
        if (t->rows[i].set == 1 && strcmp(t->rows[i].run, run) == 0 && t->rows[i].step > step &&
            (next < 0 || t->rows[i].step < t->rows[next].step))
            next = i;
    return next;
}

static void take_measure(struct run_data *d, const char *run, const struct eval_table *t, const struct eval_name *measure)
{
    const json_t *all = measure_of_all(t, measure);
    struct str key = {0};
    struct metric *m = NULL;
    str_addf(&key, "measured/%s", measure->name);
    for (int row = next_row(t, run, -1); all && row >= 0; row = next_row(t, run, t->rows[row].step)) {
        const double value = eval_number(t->rows[row].evaluation, measure->name, "value");
        if (!isfinite(value) || !eval_comparable(all, t->rows[row].evaluation, measure))
            continue;
        m = m ? m : run_data_measured(d, str_text(&key));
        series_add(&m->series, t->rows[row].step, value);
    }
    str_fini(&key);
}

bool curves_take_evals(struct curves *c, const struct eval_table *t, uint64_t stamp)
{
    bool changed = false;
    for (int i = 0; i < c->n_runs && t; i++) {
        struct run_data *d = c->data[i];
        if (!d || d->evals == stamp)
            continue;
        d->evals = stamp;
        for (int k = 0; k < t->n_columns; k++)
            for (size_t j = 0; j < sizeof drawn / sizeof *drawn; j++)
                if (strcmp(t->columns[k].name, drawn[j]) == 0)
                    take_measure(d, c->rows[i]->info.name, t, &t->columns[k]);
        changed = true;
    }
    return changed;
}
