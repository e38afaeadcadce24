// The page of evaluations in words: what its foot says of the row and the column under the cursor, and all of it for who
// hears it.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ui/runs/evals.h"
#include "ui/runs/run_text.h"

int evals_cursor(const struct evals_state *s)
{
    const int row = s->at ? eval_table_row_of(s->table, s->at) : 0;
    return row < 0 ? 0 : row;
}

// The first measure, when the one that was chosen is not there any more.
int evals_chosen(const struct evals_state *s)
{
    const int column = eval_table_find(s->table, s->chosen);
    return column >= 0 ? column : s->table->n_columns ? EVAL_MEASURES : EVAL_RUN;
}

// "pm_divergence: from what ...; less is better.  0.0312, 95 % 0.02 to 0.04, the best of its set".
void evals_describe_measure(const struct evals_state *s, int row, struct str *out)
{
    const int column = evals_chosen(s), measure = column - EVAL_MEASURES;
    char value[32], from[32], to[32];
    if (measure < 0) {
        str_add(out, column == EVAL_SET    ? "Evaluations of one set answered the same prompts in the same way."
                     : column == EVAL_STEP ? "The step of the checkpoint that was measured."
                                           : "Runs, the newest first.");
        return;
    }
    const struct eval_name *what = s->table->columns + measure;
    const double low = eval_table_value(s->table, row, measure, "low"),
                 high = eval_table_value(s->table, row, measure, "high");
    str_addf(out, "%s%s%s%s: %s", what->name, *what->meaning ? ", " : "", what->meaning,
             what->better > 0   ? "; more is better"
             : what->better < 0 ? "; less is better"
                                : "",
             number_text(value, sizeof value, eval_table_value(s->table, row, measure, "value"), 9));
    if (!isnan(low) && !isnan(high))
        str_addf(out, ", 95 %% %s to %s", number_text(from, sizeof from, low, 9), number_text(to, sizeof to, high, 9));
    str_add(out, eval_table_is_best(s->table, row, measure) ? " (*: the best of those measured alike)." : ".");
}

// A checkpoint of the project as RUN@STEP, what else there is by its path.
static void add_path(struct str *out, const char *project, const json_t *of, const char *key, const char *title)
{
    const char *path = json_string_value(json_object_get(of, key)), *inside = path;
    const size_t n = strlen(project);
    char run[128];
    long long step;
    int used = 0;
    if (!path || !*path)
        return;
    if (strncmp(path, project, n) == 0 && path[n] == '/')
        inside = path + n + 1;
    if (inside != path && sscanf(inside, "runs/%127[^/]/checkpoints/step-%lld%n", run, &step, &used) == 2 && !inside[used])
        str_addf(out, "  %s %s@%lld", title, run, step);
    else
        str_addf(out, "  %s %s", title, path);
}

void evals_describe_how(const char *project, const struct eval_row *one, struct str *out)
{
    const json_t *how = json_object_get(one->evaluation, "how"), *of = json_object_get(one->evaluation, "of");
    const double rows = json_number_value(json_object_get(how, "rows")),
                 samples = json_number_value(json_object_get(how, "samples"));
    char at[40];
    str_addf(out, "%s step %lld", one->run, (long long)one->step);
    const json_int_t ms = json_integer_value(json_object_get(one->evaluation, "at"));
    if (ms > 0)
        str_addf(out, ", measured %s", clock_text(at, sizeof at, ms, "%Y-%m-%d %H:%M"));
    str_addf(out, ", set %d: %.0f %s, %.0f %s to each, at most %.0f tokens, temperature %g, top-p %g, seed %.0f, beta %g",
             one->set, rows, text_plural((int64_t)rows, "prompt", "prompts"), samples,
             text_plural((int64_t)samples, "answer", "answers"), json_number_value(json_object_get(how, "max_tokens")),
             json_number_value(json_object_get(how, "temperature")), json_number_value(json_object_get(how, "top_p")),
             json_number_value(json_object_get(how, "seed")), json_number_value(json_object_get(how, "beta")));
    add_path(out, project, of, "reward_model", "reward model");
    add_path(out, project, of, "gold_model", "gold model");
    add_path(out, project, of, "reference", "reference");
    add_path(out, project, of, "data", "data");
}


// ---- for who hears it ----

enum { MOST_ROWS = 100 };

// "win_rate 0.61, 95 % 0.5 to 0.7, the best of those measured alike"
static void tell_value(const struct eval_table *t, int row, int measure, struct str *out)
{
    char value[32], from[32], to[32];
    const double low = eval_table_value(t, row, measure, "low"), high = eval_table_value(t, row, measure, "high");
    str_addf(out, "%s %s", t->columns[measure].name,
             number_text(value, sizeof value, eval_table_value(t, row, measure, "value"), 9));
    if (!isnan(low) && !isnan(high))
        str_addf(out, ", 95 %% %s to %s", number_text(from, sizeof from, low, 9), number_text(to, sizeof to, high, 9));
    if (eval_table_is_best(t, row, measure))
        str_add(out, ", the best of those measured alike");
}

static void tell_list(const struct evals_state *s, struct str *out)
{
    const struct eval_table *t = s->table;
    const int measure = evals_chosen(s) - EVAL_MEASURES;
    str_addf(out, "%d %s of checkpoints, sorted by %s%s. Those of one set answered the same prompts in the same "
             "way.\n", t->n, text_plural(t->n, "evaluation", "evaluations"), s->order.by,
             s->order.reversed ? ", the other way round" : "");
    for (int i = 0; i < t->n && i < MOST_ROWS; i++) {
        str_addf(out, "%d: %s step %lld, set %d", i + 1, t->rows[i].run, (long long)t->rows[i].step, t->rows[i].set);
        if (measure >= 0 && !isnan(eval_table_value(t, i, measure, "value"))) {
            str_add(out, ": ");
            tell_value(t, i, measure, out);
        }
        str_add(out, ".\n");
    }
    if (t->n > MOST_ROWS)
        str_addf(out, "And %d more: \"sort\" brings the best to the beginning.\n", t->n - MOST_ROWS);
    str_add(out, "A line's number, \"down\", \"up\" and \"find\" go to an evaluation and say all of it, \"right\" and "
                 "\"left\" "
                 "choose the measure, \"sort MEASURE\" puts its best first.\n");
}

static void tell_row(const struct evals_state *s, const char *project, struct str *out)
{
    const struct eval_table *t = s->table;
    const int row = evals_cursor(s);
    int n = 0;
    str_addf(out, "Evaluation %d of %d, sorted by %s: %s step %lld.\n", row + 1, t->n, s->order.by, t->rows[row].run,
             (long long)t->rows[row].step);
    evals_describe_measure(s, row, out);
    str_add(out, "\n");
    for (int i = 0; i < t->n_columns; i++)
        if (!isnan(eval_table_value(t, row, i, "value"))) {
            str_add(out, n++ ? "; " : "All of it: ");
            tell_value(t, row, i, out);
        }
    str_add(out, n ? ".\n" : "");
    evals_describe_how(project, t->rows + row, out);
    str_add(out, "\n");
}

bool evals_tell(const struct evals_state *s, const char *project, bool all, struct str *out)
{
    if (s->trouble)
        str_addf(out, "%s\n", s->trouble);
    if (!s->is_read)
        str_add(out, "The evaluations are still being read; \"repeat\" looks again.\n");
    else if (!s->table->n)
        str_add(out, "No checkpoint of these runs has been measured yet: attune eval --run NAME, in a shell, does it.\n");
    else if (all)
        tell_list(s, out);
    else
        tell_row(s, project, out);
    return true;
}
