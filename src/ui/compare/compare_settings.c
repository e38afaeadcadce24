#include "config.h"

#include "ui/compare/compare_settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ui/runs/run_text.h"

enum { NAME_COLUMNS = 22 };

static const struct run_row *row_of(struct compare_page *p, int place)
{
    const char *run = compare_at(&p->c, place)->model.run;
    return run ? run_list_find(ui_runs(p->c.ui), run) : NULL;
}

static void add_value(struct str *s, const json_t *value)
{
    if (json_is_string(value))
        str_add(s, json_string_value(value));
    else if (json_is_number(value))
        str_addf(s, "%.10g", json_number_value(value));
    else if (value && !json_is_null(value))
        str_add(s, json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "...");
    if (s->len == 0)
        str_add(s, "-");
}

// A line of one text a side. Long ones lose their beginning: paths differ at their end.
static void draw_line(struct compare_page *p, struct canvas *c, struct rect line, const char *name,
                      struct str texts[COMPARE_MOST], struct style style)
{
    const int columns = (line.width - NAME_COLUMNS - 1) / p->c.n;
    if (line.height < 1)
        return;
    canvas_text(c, line.x + 1, line.y, NAME_COLUMNS - 1, STYLE(COLOR_MUTED), name);
    for (int i = 0; i < p->c.n; i++)
        canvas_text_end(c, line.x + NAME_COLUMNS + i * columns, line.y, columns - 1, style, str_text(&texts[i]));
}

static void clear_texts(struct str texts[COMPARE_MOST])
{
    for (int i = 0; i < COMPARE_MOST; i++)
        str_clear(&texts[i]);
}

static bool all_same(const struct compare_page *p, const struct str texts[COMPARE_MOST])
{
    for (int i = 1; i < p->c.n; i++)
        if (strcmp(str_text(&texts[i]), str_text(&texts[0])) != 0)
            return false;
    return true;
}

// The names of all settings that some of the runs have.
static json_t *names_of(struct compare_page *p)
{
    json_t *names = json_object(), *value;
    const char *name;
    for (int i = 0; i < p->c.n; i++) {
        const struct run_row *r = row_of(p, i);
        json_object_foreach(r ? r->settings : NULL, name, value) json_object_set_new(names, name, json_true());
    }
    return names;
}

static int draw_differences(struct compare_page *p, struct canvas *c, struct rect *r)
{
    struct str texts[COMPARE_MOST] = {0};
    json_t *names = names_of(p), *value;
    const char *name;
    int n = 0;
    for (int i = 0; i < p->c.n; i++) {
        const struct run_row *row = row_of(p, i);
        str_add(&texts[i], row ? row->info.objective : "-");
    }
    if (!all_same(p, texts))
        draw_line(p, c, rect_cut_top(r, 1), "objective", texts, STYLE(COLOR_DEFAULT));
    json_object_foreach(names, name, value)
    {
        clear_texts(texts);
        for (int i = 0; i < p->c.n; i++) {
            const struct run_row *row = row_of(p, i);
            add_value(&texts[i], row ? json_object_get(row->settings, name) : NULL);
        }
        if (all_same(p, texts))
            continue;
        if (n++ >= p->panel_top)
            draw_line(p, c, rect_cut_top(r, 1), name, texts, STYLE(COLOR_DEFAULT));
    }
    for (int i = 0; i < COMPARE_MOST; i++)
        str_fini(&texts[i]);
    json_decref(names);
    return n;
}

static void draw_numbers(struct compare_page *p, struct canvas *c, struct rect *r)
{
    static const enum run_value shown[] = {VALUE_LOSS, VALUE_MARGIN, VALUE_ACCURACY, VALUE_KL, VALUE_LENGTH};
    struct str texts[COMPARE_MOST] = {0};
    char number[32];
    for (int k = -1; k < (int)(sizeof shown / sizeof *shown); k++) {
        bool any = false;
        clear_texts(texts);
        for (int i = 0; i < p->c.n; i++) {
            const struct run_row *row = row_of(p, i);
            const double value = !row ? NAN : k < 0 ? (double)row->status.step : row->values[shown[k]];
            any = any || !isnan(value);
            if (k < 0 && row) // a whole number
                str_addf(&texts[i], "%lld", (long long)row->status.step);
            else
                str_add(&texts[i], number_text(number, sizeof number, value, 10));
        }
        if (any)
            draw_line(p, c, rect_cut_top(r, 1), k < 0 ? "run is at step" : run_value_key(shown[k]), texts,
                      STYLE(COLOR_DEFAULT));
    }
    for (int i = 0; i < COMPARE_MOST; i++)
        str_fini(&texts[i]);
}

void compare_draw_settings(struct compare_page *p, struct canvas *c, struct rect r)
{
    struct str names[COMPARE_MOST] = {0};
    struct rect in =
        canvas_box(c, r, STYLE(COLOR_MUTED), "What differs in how they were trained; D goes back to the answers");
    if (compare_hides_names(p)) {
        canvas_text(c, in.x + 1, in.y, in.width - 2, STYLE(COLOR_MUTED), "Hidden until you vote.");
        return;
    }
    for (int i = 0; i < p->c.n; i++)
        compare_name(p, i, &names[i]);
    draw_line(p, c, rect_cut_top(&in, 1), "", names, STYLE(COLOR_TITLE, .attr = ATTR_BOLD));
    draw_numbers(p, c, &in);
    if (draw_differences(p, c, &in) == 0)
        canvas_text(c, in.x + 1, in.y, in.width - 2, STYLE(COLOR_MUTED), "Their settings are the same.");
    for (int i = 0; i < COMPARE_MOST; i++)
        str_fini(&names[i]);
}
