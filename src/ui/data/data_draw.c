// The page of a data set drawn: its rows as a list, the texts of the one under the cursor, and beside them the set in
// numbers.
#include "config.h"

#include "ui/data/data_draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

// ---- texts of a row ----

struct block {
    char *title, *text; // heap
    struct style style; // of the title
};
enum { MOST_BLOCKS = 66 };

static void add_block(struct block *blocks, int *n, char *text, enum color color, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void add_block(struct block *blocks, int *n, char *text, enum color color, const char *format, ...)
{
    struct str title = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&title, format, args);
    va_end(args);
    blocks[(*n)++] = (struct block){str_take(&title), text, STYLE(color, .attr = ATTR_BOLD)};
}

static char *plain_copy(const char *text)
{
    struct str s = {0};
    str_add(&s, text);
    return str_take(&s);
}

// The prompt first, then the answers; of pairs the chosen one first.
static int blocks_of(const struct data_set *d, size_t row, struct block *out)
{
    const struct example *x = &d->corpus->examples[row];
    const struct survey_row *s = &d->survey->rows[row];
    const char *unit = d->survey->tokens ? "tokens" : "characters";
    const enum data_kind kind = d->corpus->kind;
    int n = 0;
    if (kind != DATA_SFT || x->n_turns > 1 || (x->n_turns == 1 && x->turns[0].text[0]))
        add_block(out, &n, example_prompt_text(x), COLOR_TITLE, "prompt, %u %s", s->prompt, unit);
    for (int i = 0; i < x->n_responses && n < MOST_BLOCKS; i++) {
        const double score = x->responses[i].score;
        const bool is_worse = kind == DATA_PAIR ? i > 0 : kind == DATA_BINARY && score <= 0;
        const enum color color = is_worse ? COLOR_BAD : COLOR_GOOD;
        char *text = plain_copy(x->responses[i].text);
        if (kind == DATA_PAIR && s->flags & SURVEY_TIE)
            add_block(out, &n, text, COLOR_WARN, "one of a tie, %u %s", i ? s->second : s->first, unit);
        else if (kind == DATA_PAIR && x->responses[0].score < 1)
            add_block(out, &n, text, color, "%s by %.0f %% of the votes, %u %s", i ? "rejected" : "chosen", 100 * score,
                      i ? s->second : s->first, unit);
        else if (kind == DATA_PAIR)
            add_block(out, &n, text, color, "%s, %u %s", i ? "rejected" : "chosen", i ? s->second : s->first, unit);
        else if (kind == DATA_BINARY)
            add_block(out, &n, text, color, "%s, %u %s", score > 0 ? "good" : "bad", s->first, unit);
        else if (kind == DATA_LIST)
            add_block(out, &n, text, COLOR_TITLE, "score %g", score + 0.0); // no -0
        else
            add_block(out, &n, text, COLOR_TITLE, "text, %u %s", s->first, unit);
    }
    return n;
}

static void free_blocks(struct block *blocks, int n)
{
    for (int i = 0; i < n; i++) {
        free(blocks[i].title);
        free(blocks[i].text);
    }
}

void data_row_tell(const struct data_set *d, size_t row, struct str *out)
{
    struct block blocks[MOST_BLOCKS];
    const int n = blocks_of(d, row, blocks);
    for (int i = 0; i < n; i++)
        str_addf(out, "%s: %s\n", blocks[i].title, blocks[i].text);
    free_blocks(blocks, n);
}

// From line `skip` on; returns all lines.
static int draw_block(const struct block *b, struct canvas *c, struct rect r, int skip)
{
    struct rect old = canvas_clip(c, r);
    const struct rect in = {r.x, r.y - skip, r.width, 1 << 20};
    canvas_text(c, in.x, in.y, in.width, b->style, b->title);
    const int lines = 1 + canvas_paragraph(c, (struct rect){in.x, in.y + 1, in.width, in.height}, 0,
                                           STYLE(COLOR_DEFAULT), b->text, strlen(b->text));
    canvas_unclip(c, old);
    return lines;
}

// Side by side where there is room for a pair, else one below the other. Returns all lines.
static int draw_texts(const struct block *blocks, int n, struct canvas *c, struct rect r, int skip)
{
    int line = 0;
    struct rect old = canvas_clip(c, r);
    const bool beside = n == 3 && r.width >= 100;
    for (int i = 0; i < (beside ? 1 : n); i++)
        line += draw_block(&blocks[i], c, (struct rect){r.x, r.y + line - skip, r.width, 1 << 20}, 0) + 1;
    if (beside) {
        const int half = (r.width - 2) / 2;
        const int left = draw_block(&blocks[1], c, (struct rect){r.x, r.y + line - skip, half, 1 << 20}, 0);
        const int right = draw_block(&blocks[2], c, (struct rect){r.x + half + 2, r.y + line - skip, half, 1 << 20}, 0);
        line += left > right ? left : right;
    }
    canvas_unclip(c, old);
    return line;
}

// A few lines of each: what does not fit is one key away.
static void draw_preview(const struct data_set *d, size_t row, struct canvas *c, struct rect r)
{
    struct block blocks[MOST_BLOCKS];
    int n = blocks_of(d, row, blocks);
    canvas_hline(c, r.x, r.y, r.width, STYLE(COLOR_MUTED));
    rect_cut_top(&r, 1);
    if (n == 3 && r.width >= 120) {
        const int each = (r.width - 4) / 3;
        for (int i = 0; i < n; i++)
            draw_block(&blocks[i], c, (struct rect){r.x + i * (each + 2), r.y, each, r.height}, 0);
    } else {
        for (int i = 0; i < n && r.height > 0; i++) {
            const int left = n - i, most = i == 0 && n > 1 ? (r.height + 2 * n - 1) / (2 * n) + 1 : r.height / left;
            const int needs = draw_block(&blocks[i], c, (struct rect){r.x, r.y, r.width, 0}, 0);
            draw_block(&blocks[i], c, rect_cut_top(&r, needs < most || left == 1 ? needs : most), 0);
        }
    }
    free_blocks(blocks, n);
}

static void draw_full(struct data_state *s, const struct data_set *d, struct canvas *c, struct rect r)
{
    struct block blocks[MOST_BLOCKS];
    const int n = blocks_of(d, s->row, blocks);
    const struct example *x = &d->corpus->examples[s->row];
    canvas_textf(c, r.x + 1, r.y, r.width - 2, STYLE(COLOR_MUTED), "row %zu of %zu, %s%s%s %lld", s->row + 1,
                 d->corpus->n_examples, x->file ? x->file : "", x->file ? ", " : "", d->corpus->unit,
                 (long long)x->line);
    rect_cut_top(&r, 2);
    r = rect_inset(r, 1, 0);
    s->height = r.height;
    s->lines = draw_texts(blocks, n, c, (struct rect){r.x, r.y, r.width, 0}, 0);
    s->scroll = scroll_top(s->scroll, -1, s->lines, s->height);
    draw_texts(blocks, n, c, r, s->scroll);
    free_blocks(blocks, n);
}

// ---- the list ----

// What the columns before the text are.
static const struct column {
    const char *title, *field;
    int kinds, width;
} columns[] = {
    {"ROW", "row", DATA_SFT | DATA_PAIR | DATA_BINARY | DATA_LIST | DATA_PROMPT, 7},
    {"LABEL", "label", DATA_BINARY, 5},
    {"ANSWERS", "answers", DATA_LIST, 7},
    {"PROMPT", "prompt-length", DATA_SFT | DATA_PAIR | DATA_BINARY | DATA_LIST | DATA_PROMPT, 6},
    {"ANSWER", "response-length", DATA_SFT | DATA_BINARY, 6},
    {"BEST", "response-length", DATA_LIST, 6},
    {"CHOSEN", "chosen-length", DATA_PAIR, 6},
    {"REJECT", "rejected-length", DATA_PAIR, 6},
    {"GAP", "gap", DATA_PAIR, 6},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns, FLAG_COLUMNS = 9 };

static void draw_head(const struct data_state *s, const struct data_set *d, struct canvas *c, struct rect line)
{
    int x = line.x + 2;
    for (int i = 0; i < N_COLUMNS; i++) {
        if (!(columns[i].kinds & (int)d->corpus->kind))
            continue;
        const bool sorted = strcmp(columns[i].field, data_orders[s->order]) == 0;
        canvas_text_right(c, x, line.y, columns[i].width, STYLE(COLOR_MUTED, .attr = sorted ? ATTR_UNDERLINE : 0),
                          columns[i].title);
        x += columns[i].width + 1;
    }
    canvas_text(c, x + 1, line.y, FLAG_COLUMNS, STYLE(COLOR_MUTED), "FLAGS");
    canvas_text(c, x + 1 + FLAG_COLUMNS, line.y, line.x + line.width - x - 1 - FLAG_COLUMNS, STYLE(COLOR_MUTED), "TEXT");
}

// On one line: blanks for line ends.
static void draw_one_line(struct canvas *c, int x, int y, int width, const char *text)
{
    struct str line = {.max = 1000};
    for (text += strspn(text, " \n\t\r"); *text && !line.truncated; text++)
        str_addc(&line, *text == '\n' || *text == '\t' || *text == '\r' ? ' ' : *text);
    canvas_text(c, x, y, width, STYLE(COLOR_DEFAULT), str_text(&line));
    str_fini(&line);
}

// The last turn of the prompt, where the rows differ; of texts alone the text.
static const char *first_text(const struct example *x)
{
    for (int t = x->n_turns - 1; t >= 0; t--)
        if (x->turns[t].text[0])
            return x->turns[t].text;
    return x->n_responses ? x->responses[0].text : "";
}

static void draw_row(const struct data_set *d, size_t row, struct canvas *c, struct rect line)
{
    const struct data_item item = {d, row};
    struct filter_value v;
    char text[40], flags[64] = "";
    int x = line.x + 2;
    for (int i = 0; i < N_COLUMNS; i++) {
        if (!(columns[i].kinds & (int)d->corpus->kind))
            continue;
        if (data_field(&item, columns[i].field, 0, &v)) {
            snprintf(text, sizeof text, strcmp(columns[i].field, "gap") == 0 ? "%+.0f" : "%.0f", v.number);
            canvas_text_right(c, x, line.y, columns[i].width, STYLE(COLOR_DEFAULT), v.text ? v.text : text);
        }
        x += columns[i].width + 1;
    }
    for (int i = 0; data_field(&item, "flag", i, &v); i++)
        if (strcmp(v.text, "prompt") != 0) // seen in most sets, and no fault
            snprintf(flags + strlen(flags), sizeof flags - strlen(flags), "%s%.3s", *flags ? " " : "", v.text);
    canvas_text(c, x + 1, line.y, FLAG_COLUMNS - 1, STYLE(COLOR_WARN), flags);
    draw_one_line(c, x + 1 + FLAG_COLUMNS, line.y, line.x + line.width - x - 1 - FLAG_COLUMNS,
                  first_text(&d->corpus->examples[row]));
}

static void draw_list(struct data_state *s, const struct data_set *d, struct canvas *c, struct rect r)
{
    draw_head(s, d, c, rect_cut_top(&r, 1));
    s->visible = r.height > 0 ? r.height : 1;
    s->top = (size_t)scroll_top((int)s->top, (int)s->cursor, (int)s->rows.n, s->visible);
    if (s->rows.n == 0)
        canvas_text(c, r.x + 2, r.y, r.width - 3, STYLE(COLOR_MUTED),
                    s->rows.is_done ? "No row passes the filter: \\ changes it." : "Looking ...");
    for (size_t i = s->top; i < s->rows.n && r.height > 0; i++) {
        struct rect line = rect_cut_top(&r, 1);
        draw_row(d, s->rows.rows[i], c, line);
        if (i == s->cursor) {
            canvas_put(c, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
}

// ---- the page ----

static void draw_title(const struct data_state *s, const struct data_set *d, size_t n_counted, struct canvas *c,
                       struct rect r)
{
    struct str right = {0};
    const size_t all = d->corpus ? d->corpus->n_examples : 0;
    if (s->looking)
        str_addf(&right, "looking, %zu of %zu ", s->n_looked, s->rows.n);
    else if (d->corpus && !s->rows.is_done)
        str_addf(&right, "%zu of %zu looked at ", s->rows.looked_at, all);
    else if (d->is_part)
        str_add(&right, "the first rows; reading the others ... ");
    else if (d->counting)
        str_addf(&right, "tokens counted in %zu of %zu ", n_counted, all);
    else if (d->corpus)
        str_addf(&right, "%s ", d->survey->tokens ? "lengths in tokens" : "lengths in characters");
    canvas_text_right(c, r.x, r.y, r.width, STYLE(COLOR_MUTED), str_text(&right));
    canvas_text_end(c, r.x + 1, r.y, r.width - 3 - (int)right.len, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), d->from.path);
    str_fini(&right);
}

static void draw_filter(const struct data_state *s, const struct data_set *d, struct canvas *c, struct rect r)
{
    char right[100] = "";
    int n = snprintf(right, sizeof right, "%zu of %zu rows", s->rows.n, d->corpus->n_examples);
    if (s->order)
        n += snprintf(right + n, sizeof right - (size_t)n, " by %s%s", data_orders[s->order],
                      s->is_up ? "" : ", largest first");
    const int x = canvas_text(c, r.x + 1, r.y, -1, STYLE(COLOR_MUTED),
                              s->filter[0] ? "filter " : data_kind_name(d->corpus->kind));
    if (s->filter[0])
        canvas_text(c, x, r.y, r.x + r.width - x - n - 3, STYLE(COLOR_ACCENT), s->filter);
    else
        canvas_textf(c, x, r.y, r.x + r.width - x - n - 3, STYLE(COLOR_MUTED), ": %s", d->corpus->shape);
    canvas_text_right(c, r.x, r.y, r.width - 1, STYLE(COLOR_DEFAULT), right);
}

static int draw_pane_lines(const struct data_state *s, const struct data_set *d, struct canvas *c, struct rect r, int skip)
{
    return s->pane == PANE_REFUSED ? data_refused_draw(d, c, r, skip) : data_summary_draw(d, s->batch, c, r, skip);
}

static void draw_pane(struct data_state *s, const struct data_set *d, struct canvas *c, struct rect r, bool here)
{
    static const char *const titles[] = {"The set in numbers", "The set in numbers", "Refused rows"};
    const struct rect in = rect_inset(canvas_box(c, r, STYLE(here ? COLOR_ACCENT : COLOR_MUTED), titles[s->pane]), 1, 0);
    const int lines = draw_pane_lines(s, d, c, (struct rect){in.x, in.y, in.width, 0}, 0);
    if (here) {
        s->height = in.height;
        s->lines = lines;
        s->scroll = scroll_top(s->scroll, -1, lines, in.height);
    }
    const int skip = here ? s->scroll : 0;
    draw_pane_lines(s, d, c, in, skip);
    if (lines - skip > in.height)
        canvas_text_right(c, r.x, r.y + r.height - 1, r.width - 2, STYLE(COLOR_ACCENT),
                          here ? " PgDn more " : " Tab, PgDn more ");
}

static void draw_nothing(const struct data_set *d, struct canvas *c, struct rect r)
{
    static const char none[] =
        "No data set is open: \":data FILE\" opens one; of a run or of the form for a new run its own is shown.";
    const char *text = d->fault.code ? d->fault.text : d->from.path ? "Reading ..." : none;
    canvas_paragraph(c, rect_inset(r, 2, 1), 0, STYLE(d->fault.code ? COLOR_BAD : COLOR_MUTED), text, strlen(text));
}

void data_draw(struct data_state *s, const struct data_set *d, size_t n_counted, struct canvas *c, struct rect area)
{
    if (d->from.path)
        draw_title(s, d, n_counted, c, rect_cut_top(&area, 1));
    if (!d->corpus || d->fault.code) {
        draw_nothing(d, c, area);
        return;
    }
    if (s->full && s->rows.n) {
        draw_full(s, d, c, area);
        return;
    }
    draw_filter(s, d, c, rect_cut_top(&area, 1));
    const bool wide = area.width >= 140;
    if (!wide && s->pane != PANE_ROWS) {
        draw_pane(s, d, c, area, true);
        return;
    }
    const int preview = area.height >= 12 ? area.height * 2 / 5 + (area.height >= 30 ? 2 : 1) : 0;
    struct rect texts = rect_cut_bottom(&area, preview);
    if (wide) {
        struct rect left = rect_cut_left(&area, area.width - 78);
        draw_pane(s, d, c, area, s->pane != PANE_ROWS);
        draw_list(s, d, c, left);
    } else {
        draw_list(s, d, c, area);
    }
    if (s->rows.n && preview)
        draw_preview(d, s->rows.rows[s->cursor < s->rows.n ? s->cursor : 0], c, rect_inset(texts, 1, 0));
}
