#include "config.h"

#include "ui/runs/runs_draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/runs/run_fields.h"
#include "ui/runs/run_text.h"

int runs_lines(const struct runs_table *t, struct runs_line **out)
{
    struct runs_line *lines = mem_alloc((size_t)t->n + 2 * (size_t)t->n_groups + 1, sizeof *lines);
    int n = 0;
    for (int g = 0; g < t->n_groups; g++) {
        lines[n++] = (struct runs_line){LINE_GROUP, g};
        if (t->groups[g].n > 1)
            lines[n++] = (struct runs_line){LINE_SPREAD, g};
        for (int i = 0; i < t->groups[g].n; i++)
            lines[n++] = (struct runs_line){LINE_RUN, t->groups[g].first + i};
    }
    for (int i = 0; i < t->n && t->n_groups == 0; i++)
        lines[n++] = (struct runs_line){LINE_RUN, i};
    *out = lines;
    return n;
}

static void draw_empty(struct canvas *c, struct rect r, const char *project)
{
    static const struct {
        const char *key, *text;
        bool strong;
    } lines[] = {
        {"d", "Start the demo", true},
        {"", "A small model learns what people prefer (DPO); it and its pairs come", false},
        {"", "with Attune. Curves move within seconds; it takes a minute or two.", false},
        {NULL, "", false},
        {"a", "Tune your own model on your own data", true},
        {"", "A Hugging Face folder; JSONL with prompt, chosen, rejected, HH", false},
        {"", "transcripts, ShareGPT or message lists.", false},
        {NULL, "", false},
        {"?", "All keys", true},
    };
    r = rect_inset(r, r.width >= 70 ? 3 : 1, r.height > 16 ? 2 : 0);
    struct rect line = rect_cut_top(&r, 2);
    canvas_textf(c, line.x, line.y, line.width, STYLE(COLOR_DEFAULT), "There are no runs yet in %s", project);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        line = rect_cut_top(&r, 1);
        if (line.height < 1)
            return;
        if (lines[i].key && lines[i].key[0])
            canvas_textf(c, line.x, line.y, -1, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD | ATTR_REVERSE), " %s ", lines[i].key);
        canvas_text(c, line.x + 5, line.y, line.width - 5, STYLE(COLOR_DEFAULT, .attr = lines[i].strong ? ATTR_BOLD : 0),
                    lines[i].text);
    }
}

// All settings of the run, down the columns.
static void draw_settings(struct canvas *c, struct rect r, const json_t *settings)
{
    enum { COLUMNS = 38 };
    const char *name;
    json_t *value;
    int x = r.x, y = r.y;
    json_object_foreach((json_t *)settings, name, value) {
        char number[64];
        const char *text = json_is_string(value)  ? json_string_value(value)
                           : json_is_true(value)  ? "yes"
                           : json_is_false(value) ? "no"
                                                  : "";
        if (json_is_number(value)) {
            snprintf(number, sizeof number, "%.12g", json_number_value(value));
            text = number;
        }
        if (!*text || strcmp(name, "model") == 0 || strcmp(name, "data") == 0)
            continue;
        if (x + COLUMNS > r.x + r.width)
            return;
        canvas_text(c, x, y, 18, STYLE(COLOR_MUTED), name);
        canvas_text(c, x + 19, y, COLUMNS - 21, STYLE(COLOR_DEFAULT), text);
        if (++y >= r.y + r.height) {
            y = r.y;
            x += COLUMNS;
        }
    }
}

static bool has_words(const struct run_row *run)
{
    return run->info.tags[0] || run->info.note[0];
}

// What a person said of it: tags and note.
static int draw_words(struct canvas *c, struct rect r, const struct run_row *run)
{
    if (!has_words(run) || r.height < 1)
        return 0;
    int x = canvas_text(c, r.x, r.y, r.width, STYLE(COLOR_ACCENT), run->info.tags);
    x += run->info.tags[0] ? 2 : 0;
    canvas_text(c, x, r.y, r.x + r.width - x, STYLE(COLOR_DEFAULT), run->info.note);
    return 1;
}

// The run under the cursor, in the lines below the list.
static void draw_detail(struct canvas *c, struct rect r, const struct run_row *run)
{
    struct str text = {0};
    canvas_hline(c, r.x, r.y, r.width, STYLE(COLOR_MUTED));
    run_describe(run, &text);
    bool bad = run_is_bad(run);
    struct rect in = {r.x + 1, r.y + 1, r.width - 2, r.height - 1};
    canvas_text(c, in.x, in.y, in.width, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), run->info.name);
    in.y++;
    in.height--;
    int lines = canvas_paragraph(c, in, 0, STYLE(bad ? COLOR_BAD : COLOR_DEFAULT), str_text(&text), text.len);
    str_fini(&text);
    rect_cut_top(&in, lines);
    lines = draw_words(c, in, run);
    rect_cut_top(&in, lines);
    if (in.height > 4) {
        canvas_textf(c, in.x, in.y, in.width, STYLE(COLOR_MUTED), "model %s   data %s", run->info.model, run->info.data);
        rect_cut_top(&in, 2);
        draw_settings(c, in, run->settings);
    }
}

// Why a run failed may take more than the two lines that others have: it gets what the list leaves free.
static int detail_lines(struct rect area, const struct run_row *run, int n_runs)
{
    if (area.height >= 34)
        return 14;
    if (area.height < 14)
        return 0;
    struct str text = {0};
    run_describe(run, &text);
    const size_t columns = (size_t)(area.width > 24 ? area.width - 12 : 12); // words at the lines' ends do not fill them
    int lines = 3 + has_words(run) + (int)(utf8_text_columns(str_text(&text), text.len) / columns);
    int free_lines = area.height - 1 - n_runs;
    if ((run_is_bad(run) || run->alert) && free_lines < 8) // what is wrong is told whole, also below a long list
        free_lines = area.height >= 16 ? 8 : 6;
    str_fini(&text);
    return lines <= 4 || free_lines <= 4 ? 4 : free_lines < lines ? free_lines : lines;
}

// ---- the list ----

// What was chosen, where it is not the usual: nothing is hidden without a word.
static bool has_choice(const struct runs_table *t, const struct run_list *l, const char *trouble, const char *unknown,
                       int n_cut)
{
    const struct runs_look *k = &t->look;
    return l->n_unread || (l->wants.n && l->n_behind) || *k->filter || *k->group || *k->sort || k->archived || *trouble ||
           unknown || n_cut;
}

// Of the columns that a person chose, those that there is no room for.
static int cut_columns(const struct runs_table *t, const struct run_layout *l)
{
    int n = 0;
    for (int i = 2; t->columns.chosen && i < t->columns.n; i++)
        n += t->columns.list[i].cell != CELL_ALERT && t->columns.list[i].cell != CELL_TAGS && l->width[i] == 0;
    return n;
}

static void draw_choice(const struct runs_scene *s, const struct runs_table *t, const struct run_list *l,
                        const char *unknown, const char *near, int n_cut, struct canvas *c, struct rect r)
{
    const struct runs_look *k = &t->look;
    struct style muted = STYLE(COLOR_MUTED), strong = STYLE(COLOR_ACCENT, .attr = ATTR_BOLD);
    struct str chosen = {.max = 300};
    int x = r.x + 1, right = r.x + r.width - 1;
    if (k->archived)
        x = canvas_text(c, x, r.y, -1, STYLE(COLOR_WARN, .attr = ATTR_BOLD), "archive") + 2;
    if (l->n_unread || (l->wants.n && l->n_behind))
        str_addf(&chosen, "reading %d more  ", l->n_unread ? l->n_unread : l->n_behind);
    if (n_cut)
        str_addf(&chosen, "%d %s not fit  ", n_cut, text_plural(n_cut, "column does", "columns do"));
    if (*k->group)
        str_addf(&chosen, "group %s  ", k->group);
    if (*k->sort)
        str_addf(&chosen, "sort %s%s  ", k->sort, k->descending ? "-" : "+");
    str_addf(&chosen, "%d of %d", t->n, t->n_all);
    int width = (int)chosen.len;
    if (right - x - width > 20 && !unknown && !*s->trouble)
        canvas_text(c, right - width, r.y, width, muted, str_text(&chosen));
    else
        width = 0;
    if (*s->trouble) {
        canvas_text(c, x, r.y, right - x, STYLE(COLOR_WARN), s->trouble);
    } else if (unknown) {
        canvas_textf(c, x, r.y, right - x, STYLE(COLOR_WARN), "no run has %s%s", unknown, near);
    } else if (*k->filter) {
        x = canvas_text(c, x, r.y, -1, muted, "filter ");
        canvas_text(c, x, r.y, right - x - width - 1, strong, k->filter);
    }
    str_fini(&chosen);
}

static void draw_nothing(const struct runs_table *t, struct canvas *c, struct rect r)
{
    const char *text = t->n_all == 0 && t->look.archived ? "The archive is empty. V goes back to the list."
                       : *t->look.filter               ? "No run passes the filter. \\ changes it; empty, it shows all."
                                                       : "There are no runs here.";
    canvas_text(c, r.x + 1, r.y, r.width - 2, STYLE(COLOR_MUTED), text);
}

static void draw_group(const struct runs_table *t, const struct runs_line *line, const struct run_layout *layout,
                       struct canvas *c, struct rect r)
{
    const struct run_group *g = &t->groups[line->at];
    double numbers[RUN_COLUMNS_MAX], mean, sd;
    const bool spread = line->kind == LINE_SPREAD;
    for (int i = 0; i < t->columns.n; i++) {
        const struct run_column *k = &t->columns.list[i];
        const bool averaged = k->cell == CELL_LOSS || k->cell == CELL_NUMBER || (k->cell == CELL_FIELD && k->right);
        numbers[i] = NAN;
        if (averaged && run_group_mean(t, g, k->field, &mean, &sd) > 0)
            numbers[i] = spread ? sd : mean;
    }
    struct style style = STYLE(COLOR_ACCENT, .attr = spread ? 0 : ATTR_BOLD);
    int width = 0;
    for (int i = 0; i < t->columns.n && !(width && numbers[i] == numbers[i]); i++)
        width += layout->width[i] ? layout->width[i] + 1 : 0;
    if (spread)
        canvas_text(c, r.x + 3, r.y, width > 4 ? width - 4 : 0, style, "standard deviation");
    else
        canvas_textf(c, r.x + 1, r.y, width > 2 ? width - 2 : 0, style, "%s %s  n=%d", t->look.group, g->name, g->n);
    run_columns_draw_numbers(c, r, &t->columns, layout, numbers, style);
}

static int line_of(const struct runs_table *t, const struct runs_line *lines, int n, const struct run_row *run)
{
    for (int i = 0; i < n; i++)
        if (lines[i].kind == LINE_RUN && t->rows[lines[i].at] == run)
            return i;
    return -1;
}

// The cursor is shown, and with the first run of a group also what stands above it.
static void scroll(struct runs_scene *s, const struct runs_line *lines, int n, int cursor)
{
    int first = cursor;
    while (first > 0 && lines[first - 1].kind != LINE_RUN)
        first--;
    if (cursor >= 0 && first < s->top)
        s->top = first;
    if (cursor >= s->top + s->visible)
        s->top = cursor - s->visible + 1;
    if (s->top > n - s->visible)
        s->top = n > s->visible ? n - s->visible : 0;
}

const struct run_row *runs_scene_at(const struct runs_scene *s, const struct runs_table *t, int y)
{
    struct runs_line *lines;
    const int n = runs_lines(t, &lines), at = s->top + y - s->first_y;
    const bool is_run = y >= s->first_y && y < s->first_y + s->visible && at < n && lines[at].kind == LINE_RUN;
    const struct run_row *run = is_run ? t->rows[lines[at].at] : NULL;
    free(lines);
    return run;
}

void runs_draw(struct runs_scene *s, const struct runs_table *t, const struct run_list *l, struct canvas *c,
               struct rect area)
{
    const int page_y = area.y;
    s->visible = 0;
    if (t->n_all == 0 && !t->look.archived && !*t->look.filter) {
        draw_empty(c, area, s->project);
        return;
    }
    struct str near = {.max = 200};
    const char *unknown = runs_table_unknown(t, l, &near);
    struct run_layout layout = run_columns_fit(&t->columns, area.width, t->rows, t->n);
    const int n_cut = cut_columns(t, &layout);
    if (has_choice(t, l, s->trouble, unknown, n_cut))
        draw_choice(s, t, l, unknown, str_text(&near), n_cut, c, rect_cut_top(&area, 1));
    str_fini(&near);
    if (t->n == 0) {
        draw_nothing(t, c, area);
        return;
    }
    struct runs_line *lines;
    int n = runs_lines(t, &lines), cursor = line_of(t, lines, n, s->cursor);
    s->has_spark = !t->columns.chosen && run_layout_has(&t->columns, &layout, CELL_TREND);
    struct rect detail = {0};
    if (cursor >= 0)
        detail = rect_cut_bottom(&area, detail_lines(area, s->cursor, n));
    run_columns_draw_head(c, rect_cut_top(&area, 1), &t->columns, &layout, *t->look.sort ? t->look.sort : "age",
                         !*t->look.sort ? 0 : t->look.descending ? '-' : '+');
    s->visible = area.height > 0 ? area.height : 1;
    s->first_y = area.y - page_y;
    scroll(s, lines, n, cursor);
    for (int i = s->top; i < n && area.height > 0; i++) {
        struct rect line = rect_cut_top(&area, 1);
        if (lines[i].kind != LINE_RUN) {
            draw_group(t, &lines[i], &layout, c, line);
            continue;
        }
        run_columns_draw(c, line, &t->columns, &layout, t->rows[lines[i].at]);
        if (i == cursor) {
            canvas_put(c, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            // Not the whole line: a terminal would be sent all of both lines again at every step.
            line.width = run_columns_name_end(&t->columns, &layout);
            canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
    free(lines);
    if (detail.height > 0)
        draw_detail(c, detail, s->cursor);
}
