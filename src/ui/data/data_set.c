#include "config.h"

#include "ui/data/data_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

// ---- where it comes from ----

static char *copy(const char *text)
{
    return mem_strdup(text ? text : "");
}

struct data_source data_source_copy(const struct data_source *s)
{
    return (struct data_source){copy(s->path), copy(s->map), copy(s->label_from), copy(s->tokenizer), copy(s->held_out)};
}

void data_source_fini(struct data_source *s)
{
    free(s->path);
    free(s->map);
    free(s->label_from);
    free(s->tokenizer);
    free(s->held_out);
    *s = (struct data_source){0};
}

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool data_source_equal(const struct data_source *a, const struct data_source *b)
{
    return same(a->path, b->path) && same(a->map, b->map) && same(a->label_from, b->label_from) &&
           same(a->tokenizer, b->tokenizer) && same(a->held_out, b->held_out);
}

void data_set_fini(struct data_set *d)
{
    data_source_fini(&d->from);
    survey_free(d->survey);
    corpus_free(d->corpus);
    *d = (struct data_set){0};
}

// ---- fields ----

static bool text_value(struct filter_value *out, const char *text)
{
    *out = (struct filter_value){text, NAN};
    return text != NULL;
}

static bool number_value(struct filter_value *out, double number)
{
    *out = (struct filter_value){NULL, number};
    return !isnan(number);
}

// The i-th turn of the prompt that is of the role, or (NULL) that is not the system's.
static const char *turn_text(const struct example *x, const char *role, int i)
{
    for (int t = 0; t < x->n_turns; t++) {
        const bool is_system = x->is_chat && strcmp(x->turns[t].role, "system") == 0;
        if ((role ? x->is_chat && strcmp(x->turns[t].role, role) == 0 : !is_system) && i-- == 0)
            return x->turns[t].text;
    }
    return NULL;
}

static const char *response_text(const struct example *x, int i)
{
    return i < x->n_responses ? x->responses[i].text : NULL;
}

static const char *side_of(const struct survey_row *r)
{
    return r->flags & SURVEY_TIE ? "tie" : r->first > r->second ? "longer" : r->first < r->second ? "shorter" : "equal";
}

static const char *flag_text(uint32_t flags, int i)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{SURVEY_SAME, "same"}, {SURVEY_OPPOSITE, "opposite"}, {SURVEY_PROMPT, "prompt"}, {SURVEY_TIE, "tie"},
                 {SURVEY_SHARED, "shared"}};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (flags & names[k].flag && i-- == 0)
            return names[k].name;
    return NULL;
}

enum field {
    F_PROMPT, F_CHOSEN, F_REJECTED, F_RESPONSE, F_SYSTEM, F_FILE, F_LABEL, F_SIDE, F_FLAG, F_ROW, F_LINE, F_TURNS, F_ANSWERS,
    F_SCORE, F_SHARE, F_PROMPT_LENGTH, F_CHOSEN_LENGTH, F_REJECTED_LENGTH, F_RESPONSE_LENGTH, F_GAP, N_FIELDS,
};
const char *const data_fields[] = {
    [F_PROMPT] = "prompt", [F_CHOSEN] = "chosen", [F_REJECTED] = "rejected", [F_RESPONSE] = "response",
    [F_SYSTEM] = "system",
    [F_FILE] = "file", [F_LABEL] = "label", [F_SIDE] = "side", [F_FLAG] = "flag", [F_ROW] = "row", [F_LINE] = "line",
    [F_TURNS] = "turns", [F_ANSWERS] = "answers", [F_SCORE] = "score", [F_SHARE] = "share",
    [F_PROMPT_LENGTH] = "prompt-length", [F_CHOSEN_LENGTH] = "chosen-length", [F_REJECTED_LENGTH] = "rejected-length",
    [F_RESPONSE_LENGTH] = "response-length", [F_GAP] = "gap", [N_FIELDS] = NULL,
};

// Fields that have one value, a number.
static double number_of(const struct data_set *d, size_t row, enum field field)
{
    const struct example *x = &d->corpus->examples[row];
    const struct survey_row *s = &d->survey->rows[row];
    const bool pair = d->corpus->kind == DATA_PAIR;
    switch (field) {
    case F_ROW:
        return (double)row + 1;
    case F_LINE:
        return (double)x->line;
    case F_TURNS:
        return x->n_turns;
    case F_ANSWERS:
        return x->n_responses;
    case F_SHARE:
        return pair ? x->responses[0].score : NAN;
    case F_PROMPT_LENGTH:
        return s->prompt;
    case F_CHOSEN_LENGTH:
        return pair ? s->first : NAN;
    case F_REJECTED_LENGTH:
        return pair ? s->second : NAN;
    case F_RESPONSE_LENGTH:
        return x->n_responses && !pair ? s->first : NAN;
    case F_GAP:
        return pair ? (double)s->first - (double)s->second : NAN;
    default:
        return NAN;
    }
}

static bool field_value(const struct data_set *d, size_t row, enum field field, int i, struct filter_value *out)
{
    const struct example *x = &d->corpus->examples[row];
    const enum data_kind kind = d->corpus->kind;
    switch (field) {
    case F_PROMPT:
        return text_value(out, turn_text(x, NULL, i));
    case F_CHOSEN:
        return text_value(out, kind == DATA_PAIR && i == 0 ? x->responses[0].text : NULL);
    case F_REJECTED:
        return text_value(out, kind == DATA_PAIR && i == 0 ? x->responses[1].text : NULL);
    case F_RESPONSE:
        return text_value(out, response_text(x, i));
    case F_SYSTEM:
        return text_value(out, turn_text(x, "system", i));
    case F_FILE:
        return text_value(out, i == 0 ? x->file : NULL);
    case F_LABEL:
        return text_value(out, kind == DATA_BINARY && i == 0 ? (x->responses[0].score > 0 ? "good" : "bad") : NULL);
    case F_SIDE:
        return text_value(out, kind == DATA_PAIR && i == 0 ? side_of(&d->survey->rows[row]) : NULL);
    case F_FLAG:
        return text_value(out, flag_text(d->survey->rows[row].flags, i));
    case F_SCORE:
        return kind == DATA_LIST && i < x->n_responses && number_value(out, x->responses[i].score);
    default:
        return i == 0 && number_value(out, number_of(d, row, field));
    }
}

bool data_field(const void *item, const char *field, int i, struct filter_value *out)
{
    const struct data_item *at = item;
    const struct example *x = &at->set->corpus->examples[at->row];
    if (!field)
        return text_value(out, i < x->n_turns ? x->turns[i].text : response_text(x, i - x->n_turns));
    for (int k = 0; k < N_FIELDS; k++)
        if (strcmp(field, data_fields[k]) == 0)
            return field_value(at->set, at->row, (enum field)k, i, out);
    return false;
}

// ---- rows in order ----

const char *const data_orders[] = {"row", "prompt-length", "chosen-length", "rejected-length", "gap", "response-length",
                                   NULL};
static const enum field order_fields[] = {F_ROW, F_PROMPT_LENGTH,  F_CHOSEN_LENGTH, F_REJECTED_LENGTH,
                                          F_GAP, F_RESPONSE_LENGTH};

void data_rows_begin(struct data_rows *r, const struct data_set *d, struct filter *filter, int order, bool is_up)
{
    data_rows_fini(r);
    *r = (struct data_rows){.filter = filter, .order = order, .is_up = is_up || order == 0, .version = d->version};
    r->n_all = d->corpus ? d->corpus->n_examples : 0;
    r->rows = mem_alloc(r->n_all + 1, sizeof *r->rows);
}

struct placed {
    double value;
    uint32_t row;
};

// Rows without the value come last either way; equal ones stay in the order of the file.
static int compare(const struct placed *x, const struct placed *y, int up)
{
    if (isnan(x->value) != isnan(y->value))
        return isnan(x->value) ? 1 : -1;
    if (!isnan(x->value) && x->value != y->value)
        return x->value < y->value ? -up : up;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int smallest_first(const void *a, const void *b)
{
    return compare(a, b, 1);
}

static int largest_first(const void *a, const void *b)
{
    return compare(a, b, -1);
}

static void sort_rows(struct data_rows *r, const struct data_set *d)
{
    if (r->order == 0)
        return;
    struct placed *all = mem_alloc(r->n + 1, sizeof *all);
    for (size_t i = 0; i < r->n; i++)
        all[i] = (struct placed){number_of(d, r->rows[i], order_fields[r->order]), r->rows[i]};
    qsort(all, r->n, sizeof *all, r->is_up ? smallest_first : largest_first);
    for (size_t i = 0; i < r->n; i++)
        r->rows[i] = all[i].row;
    free(all);
}

bool data_rows_continue(struct data_rows *r, const struct data_set *d, double until_s)
{
    enum { EACH = 64 };
    const size_t all = r->n_all;
    while (!r->is_done) {
        for (int i = 0; i < EACH && r->looked_at < all; i++, r->looked_at++) {
            const struct data_item item = {d, r->looked_at};
            if (filter_matches(r->filter, data_field, &item))
                r->rows[r->n++] = (uint32_t)r->looked_at;
        }
        if (r->looked_at == all) {
            sort_rows(r, d);
            r->is_done = true;
        } else if (clock_seconds() >= until_s) {
            break;
        }
    }
    return r->is_done;
}

void data_rows_fini(struct data_rows *r)
{
    free(r->rows);
    filter_free(r->filter);
    *r = (struct data_rows){0};
}
