// What bench objectives found: as a table for people, in Markdown, and as JSON.
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "cli/bench.h"
#include "cli/print.h"

static double mean(const double *values, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    return n ? sum / n : NAN;
}

static const char *signed_number(char *out, size_t size, double value, const char *format)
{
    if (isnan(value))
        snprintf(out, size, "-");
    else
        snprintf(out, size, format, value);
    return out;
}

enum { N_COLUMNS = 9, CELL = 40 };
static const char *const titles[N_COLUMNS] = {"objective", "accuracy", "margin", "chosen", "rejected",
                                              "KL",        "length",   "change", "seconds"};

static void cells_of(const struct bench_row *row, char cells[N_COLUMNS][CELL])
{
    snprintf(cells[0], CELL, "%s", row->objective);
    signed_number(cells[1], CELL, 100 * row->accuracy, "%.1f%%");
    signed_number(cells[2], CELL, row->margin, "%+.3f");
    signed_number(cells[3], CELL, row->chosen, "%+.3f");
    signed_number(cells[4], CELL, row->rejected, "%+.3f");
    signed_number(cells[5], CELL, row->kl, "%.3f");
    signed_number(cells[6], CELL, row->length, "%.1f");
    signed_number(cells[7], CELL, row->length - row->length_before, "%+.1f");
    signed_number(cells[8], CELL, row->seconds, "%.1f");
}

static void rule(FILE *out, const struct bench_report *r, int width)
{
    const struct settings *s = r->settings;
    struct str text = {0};
    str_addf(&text, "Each objective: %s steps of %s pairs (those that read single responses: of as many responses) at "
                    "learning rate %s from %s, with its default parameters. The learning rate is one for all: the length of "
                    "AdamW's steps does not depend on the scale of a loss. Of %s %d pairs are held out (without ties) and "
                    "%d are trained on.\n\n",
             settings_text(s, "steps"), settings_text(s, "batch-size"), settings_text(s, "lr"), r->model, path_base(r->data),
             r->start->n, r->split->n_train);
    str_addf(&text, "accuracy: the share of held-out pairs whose chosen response gained more log-probability than the "
                    "rejected one; margin: by how many nats; chosen, rejected: the change of their log-probability in nats, "
                    "which is %.2f and %.2f at the start; KL: nats from the start in a sampled response; length: tokens of "
                    "sampled responses, and its change; seconds: of the training steps.\n",
             mean(r->start->chosen, r->start->n), mean(r->start->rejected, r->start->n));
    print_wrapped(out, str_text(&text), 0, 0, width);
    fputc('\n', out);
    str_fini(&text);
}

static void markdown_table(FILE *out, const struct bench_report *r)
{
    for (int c = 0; c < N_COLUMNS; c++)
        fprintf(out, "| %s ", titles[c]);
    fputs("|\n|---|", out);
    for (int c = 1; c < N_COLUMNS; c++)
        fputs("---:|", out);
    fputc('\n', out);
    for (int i = 0; i < r->n_rows; i++) {
        char cells[N_COLUMNS][CELL];
        if (r->rows[i].trouble)
            continue;
        cells_of(&r->rows[i], cells);
        for (int c = 0; c < N_COLUMNS; c++)
            fprintf(out, "| %s%s ", cells[c], c == 0 && r->rows[i].scored ? " (scores)" : "");
        fputs("|\n", out);
    }
    fputc('\n', out);
}

static void text_table(FILE *out, const struct bench_report *r)
{
    struct print_table t;
    print_table_init(&t, "lrrrrrrrr");
    for (int c = 0; c < N_COLUMNS; c++)
        print_table_cell(&t, PRINT_DIM, "%s", titles[c]);
    for (int i = 0; i < r->n_rows; i++) {
        char cells[N_COLUMNS][CELL];
        if (r->rows[i].trouble)
            continue;
        cells_of(&r->rows[i], cells);
        for (int c = 0; c < N_COLUMNS; c++)
            print_table_cell(&t, c ? -1 : PRINT_BOLD, "%s%s", cells[c], c == 0 && r->rows[i].scored ? "*" : "");
    }
    print_table_end(&t, out, print_width(out));
    fputc('\n', out);
}

// "Chosen log-probability down: dpo, ipo."
static void name_those(FILE *out, const struct bench_report *r, const char *what, bool (*is)(const struct bench_row *),
                       int width)
{
    struct str s = {0};
    int n = 0;
    str_addf(&s, "%s: ", what);
    for (int i = 0; i < r->n_rows; i++)
        if (!r->rows[i].trouble && is(&r->rows[i]))
            str_addf(&s, "%s%s", n++ ? ", " : "", r->rows[i].objective);
    str_add(&s, n ? "." : "none.");
    print_wrapped(out, str_text(&s), 0, 0, width);
    str_fini(&s);
}

static bool chosen_fell(const struct bench_row *row)
{
    return row->chosen < 0;
}

static bool chosen_rose(const struct bench_row *row)
{
    return row->chosen > 0;
}

enum { NOTABLE = 10 }; // per cent of the length
static bool shorter(const struct bench_row *row)
{
    return row->length < (1 - NOTABLE / 100.0) * row->length_before;
}

static bool longer(const struct bench_row *row)
{
    return row->length > (1 + NOTABLE / 100.0) * row->length_before;
}

void bench_print(FILE *out, const struct bench_report *r, bool markdown)
{
    const int width = markdown ? 120 : print_width(out);
    bool any_scores = false;
    rule(out, r, width);
    if (markdown)
        markdown_table(out, r);
    else
        text_table(out, r);
    for (int i = 0; i < r->n_rows; i++)
        any_scores = any_scores || (!r->rows[i].trouble && r->rows[i].scored);
    if (any_scores)
        fprintf(out, "%s accuracy and margin are of its scores or verdicts, not of probabilities.\n",
                markdown ? "(scores):" : "*");
    name_those(out, r, "Chosen log-probability down", chosen_fell, width);
    name_those(out, r, "Chosen log-probability up", chosen_rose, width);
    name_those(out, r, "Sampled responses shorter by more than a tenth", shorter, width);
    name_those(out, r, "Longer by more than a tenth", longer, width);
    for (int i = 0; i < r->n_rows; i++)
        if (r->rows[i].trouble) {
            struct str s = {0};
            str_addf(&s, "Without numbers: %s: %s", r->rows[i].objective, r->rows[i].trouble);
            print_wrapped(out, str_text(&s), 0, 0, width);
            str_fini(&s);
        }
}

static json_t *row_json(const struct bench_row *row)
{
    json_t *o = json_pack("{s:s, s:s}", "objective", row->objective, "title", row->title);
    json_object_set_new(o, "run", row->run ? look_json_text(row->run) : json_null());
    if (row->trouble) {
        json_object_set_new(o, "trouble", look_json_text(row->trouble));
        return o;
    }
    json_object_set_new(o, "measured_by", json_string(row->scored ? "scores" : "log-probabilities"));
    json_object_set_new(o, "accuracy", look_json_number(row->accuracy));
    json_object_set_new(o, "margin", look_json_number(row->margin));
    json_object_set_new(o, "chosen_change", look_json_number(row->chosen));
    json_object_set_new(o, "rejected_change", look_json_number(row->rejected));
    json_object_set_new(o, "kl", look_json_number(row->kl));
    json_object_set_new(o, "length", look_json_number(row->length));
    json_object_set_new(o, "length_before", look_json_number(row->length_before));
    json_object_set_new(o, "seconds", look_json_number(row->seconds));
    return o;
}

json_t *bench_json(const struct bench_report *r)
{
    json_t *rows = json_array();
    for (int i = 0; i < r->n_rows; i++)
        json_array_append_new(rows, row_json(&r->rows[i]));
    json_t *start = json_pack("{s:f, s:f}", "chosen", mean(r->start->chosen, r->start->n), "rejected",
                              mean(r->start->rejected, r->start->n));
    json_t *o = json_object();
    json_object_set_new(o, "model", look_json_text(r->model));
    json_object_set_new(o, "data", look_json_text(r->data));
    json_object_set_new(o, "steps", json_integer(settings_int(r->settings, "steps")));
    json_object_set_new(o, "batch_size", json_integer(settings_int(r->settings, "batch-size")));
    json_object_set_new(o, "lr", json_real(settings_float(r->settings, "lr")));
    json_object_set_new(o, "seed", json_integer(settings_int(r->settings, "seed")));
    json_object_set_new(o, "pairs", json_integer(r->split->n_train));
    json_object_set_new(o, "held_out", json_integer(r->start->n));
    json_object_set_new(o, "start", start);
    json_object_set_new(o, "rows", rows);
    return o;
}
