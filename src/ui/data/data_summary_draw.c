// A data set in numbers: what could fool who trains on it, which fields are read, what is refused.
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ui/data/data_draw.h"

// Lines one below the other, of which the first `skip` are not seen.
struct pen {
    struct canvas *c;
    struct rect r;
    int skip, line;
};

static bool is_seen(const struct pen *p)
{
    return p->line >= p->skip && p->line - p->skip < p->r.height;
}

static int y_of(const struct pen *p)
{
    return p->r.y + p->line - p->skip;
}

static void pen_text(struct pen *p, int indent, struct style style, const char *text)
{
    struct rect r = {p->r.x + indent, y_of(p), p->r.width - indent, 1 << 20};
    struct rect old = canvas_clip(p->c, p->r);
    p->line += canvas_paragraph(p->c, r, 0, style, text, strlen(text));
    canvas_unclip(p->c, old);
}

static void pen_line(struct pen *p, int indent, struct style style, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void pen_line(struct pen *p, int indent, struct style style, const char *format, ...)
{
    struct str s = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&s, format, args);
    va_end(args);
    pen_text(p, indent, style, str_text(&s));
    str_fini(&s);
}

static void pen_title(struct pen *p, const char *title)
{
    p->line += p->line > 0;
    pen_text(p, 0, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), title);
}

// Without the rest of its line; what is there is seen.
static void pen_bar(const struct pen *p, int x, int width, size_t n, size_t most)
{
    const bool blocks = p->c->utf8 && p->c->glyphs != GLYPHS_ASCII;
    const int all = (int)((double)n / (double)most * width * 8 + 0.5), eighths = n && all < 1 ? 1 : all;
    for (int i = 0; i * 8 < eighths; i++) {
        const int part = eighths - i * 8;
        if (blocks || part >= 4 || i == 0)
            canvas_put(p->c, p->r.x + x + i, y_of(p), !blocks ? '#' : part >= 8 ? 0x2588 : 0x2590 - (uint32_t)part,
                       STYLE(COLOR_ACCENT));
    }
}

static double percent(size_t n, size_t of)
{
    return of ? 100 * (double)n / (double)of : 0;
}

// ---- the longer answer ----

static void draw_gaps(struct pen *p, const struct survey *s)
{
    size_t most = 1;
    const int labels = 20, bar = p->r.width - labels - 8;
    for (int k = 0; k < SURVEY_GAPS; k++)
        most = s->gaps[k] > most ? s->gaps[k] : most;
    for (int k = 0; k < SURVEY_GAPS; k++, p->line++) {
        const long from = (long)(k - SURVEY_GAPS / 2) * s->gap_step, to = from + (long)s->gap_step - 1;
        char label[48];
        if (k == 0)
            snprintf(label, sizeof label, "%ld or less", to);
        else if (k == SURVEY_GAPS - 1)
            snprintf(label, sizeof label, "%ld or more", from);
        else if (from == to)
            snprintf(label, sizeof label, "%ld", from);
        else
            snprintf(label, sizeof label, "%ld to %ld", from, to);
        if (!is_seen(p))
            continue;
        canvas_text_right(p->c, p->r.x, y_of(p), labels - 1, STYLE(COLOR_MUTED), label);
        pen_bar(p, labels, bar, s->gaps[k], most);
        canvas_textf(p->c, p->r.x + labels + (bar > 0 ? bar : 0) + 1, y_of(p), 7, STYLE(COLOR_DEFAULT), "%zu", s->gaps[k]);
    }
}

static void draw_longer(struct pen *p, const struct survey *s)
{
    double low, high;
    const size_t n = s->n_longer + s->n_shorter + s->n_equal;
    const double share = survey_longer(s, &low, &high);
    const char *unit = s->tokens ? "tokens" : "characters";
    if (n == 0)
        return;
    pen_title(p, "Which answer is longer");
    pen_line(p, 1, STYLE(COLOR_DEFAULT),
             "the chosen one in %.1f %%, the rejected one in %.1f %%, neither in %.1f %% of %zu %s",
             percent(s->n_longer, n), percent(s->n_shorter, n), percent(s->n_equal, n), n,
             text_plural((int64_t)n, "pair", "pairs"));
    const bool tells = low > 0.5 || high < 0.5;
    pen_line(p, 1, STYLE(tells ? COLOR_WARN : COLOR_DEFAULT),
             "who always takes the longer one is right in %.1f %% (95 %%: %.1f to %.1f)%s", 100 * share, 100 * low,
             100 * high, tells ? ": length alone tells something" : "");
    pen_line(p, 1, STYLE(COLOR_DEFAULT), "chosen - rejected: %+.1f %s on average", s->mean_gap, unit);
    draw_gaps(p, s);
}

// ---- lengths ----

static void bin_label(char *out, size_t size, int k)
{
    if (k <= 1)
        snprintf(out, size, "%d", k);
    else if (k == SURVEY_BINS - 1)
        snprintf(out, size, "%ld or more", 1l << (k - 1));
    else
        snprintf(out, size, "%ld to %ld", 1l << (k - 1), (1l << k) - 1);
}

// A line for each doubling, a bar for each kind of text.
static void draw_bins(struct pen *p, const struct survey *s)
{
    int first = SURVEY_BINS, last = -1;
    const int labels = 17, each = s->n_parts ? (p->r.width - labels) / s->n_parts : 0;
    size_t most[SURVEY_PARTS] = {1, 1, 1};
    for (int k = 0; k < SURVEY_BINS; k++)
        for (int i = 0; i < s->n_parts; i++) {
            const size_t n = s->parts[i].bins[k];
            most[i] = n > most[i] ? n : most[i];
            first = n && k < first ? k : first;
            last = n ? k : last;
        }
    for (int k = first; k <= last; k++, p->line++) {
        char label[48];
        bin_label(label, sizeof label, k);
        if (!is_seen(p))
            continue;
        canvas_text_right(p->c, p->r.x, y_of(p), labels - 1, STYLE(COLOR_MUTED), label);
        for (int i = 0; i < s->n_parts && each > 3; i++)
            pen_bar(p, labels + i * each, each - 1, s->parts[i].bins[k], most[i]);
    }
}

static void draw_lengths(struct pen *p, const struct survey *s)
{
    char mean[32];
    pen_title(p, s->tokens ? "Lengths in tokens, of the texts alone" : "Lengths in characters");
    pen_line(p, 1, STYLE(COLOR_MUTED), "%-10s%8s%8s%8s%8s", "", "MEAN", "MEDIAN", "95 %", "MOST");
    for (int i = 0; i < s->n_parts; i++) {
        const struct survey_lengths *l = &s->parts[i];
        snprintf(mean, sizeof mean, "%.1f", l->mean);
        pen_line(p, 1, STYLE(COLOR_DEFAULT), "%-10s%8s%8u%8u%8u", l->name, mean, l->median, l->p95, l->max);
    }
    const int labels = 17, each = s->n_parts ? (p->r.width - labels) / s->n_parts : 0;
    if (is_seen(p))
        for (int i = 0; i < s->n_parts && each > 3; i++)
            canvas_text(p->c, p->r.x + labels + i * each, y_of(p), each - 1, STYLE(COLOR_MUTED), s->parts[i].name);
    p->line++;
    draw_bins(p, s);
}

// ---- rows ----

static void line_if(struct pen *p, size_t n, size_t of, const char *what)
{
    if (n)
        pen_line(p, 1, STYLE(COLOR_WARN), "%zu (%.1f %%) %s", n, percent(n, of), what);
}

static void draw_rows(struct pen *p, const struct data_set *d)
{
    const struct corpus *c = d->corpus;
    const struct survey *s = d->survey;
    pen_line(p, 0, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "%s", data_kind_name(c->kind));
    pen_line(p, 1, STYLE(COLOR_DEFAULT), "%s", c->shape);
    pen_line(p, 1, STYLE(COLOR_DEFAULT), "%s%zu %s read, %zu %s to learn from, %zu different %s",
             d->is_part ? "the first " : "", c->n_rows, text_plural((int64_t)c->n_rows, "row", "rows"), c->n_examples,
             text_plural((int64_t)c->n_examples, "example", "examples"), s->n_prompts,
             text_plural((int64_t)s->n_prompts, "prompt", "prompts"));
    if (d->is_cut)
        pen_line(p, 1, STYLE(COLOR_WARN), "there are more rows, which are not looked at here");
    line_if(p, c->n_refused, c->n_rows, "refused: Tab shows each and why");
    line_if(p, s->n_same, s->n, "the same as an earlier one, but for case and blanks (flag:same)");
    line_if(p, s->n_opposite, s->n, "say the opposite of another one (flag:opposite)");
    line_if(p, s->n_shared, s->n, "have a prompt that is held out as well (flag:shared)");
    if (*d->from.held_out && !*d->held_out_fault && !s->n_shared && !d->is_part)
        pen_line(p, 1, STYLE(COLOR_DEFAULT), "none of the prompts is held out as well");
    if (*d->held_out_fault)
        pen_line(p, 1, STYLE(COLOR_WARN), "what is held out cannot be read: %s", d->held_out_fault);
    if (s->n_ties || s->n_split)
        pen_line(p, 1, STYLE(COLOR_DEFAULT), "%zu %s, %zu %s: reward models learn from both, others leave ties out",
                 s->n_ties, text_plural((int64_t)s->n_ties, "tie", "ties"), s->n_split,
                 text_plural((int64_t)s->n_split, "split vote", "split votes"));
    if (c->kind == DATA_BINARY)
        pen_line(p, 1, STYLE(COLOR_DEFAULT), "%zu good (%.1f %%), %zu bad", s->n_good, percent(s->n_good, s->n),
                 s->n - s->n_good);
}

static void draw_steps(struct pen *p, const struct data_set *d, int64_t batch)
{
    if (!batch || d->is_part)
        return;
    const size_t n = d->corpus->n_examples, steps = (n + (size_t)batch - 1) / (size_t)batch;
    pen_title(p, "Training");
    pen_line(p, 1, STYLE(COLOR_DEFAULT), "once through it at batch size %lld: %zu %s, less what is held out; t opens the "
             "form with it, where d says minutes and memory", (long long)batch, steps,
             text_plural((int64_t)steps, "step", "steps"));
}

static void draw_fields(struct pen *p, const struct corpus *c, bool used)
{
    struct str line = {0};
    for (size_t i = 0; i < c->n_fields; i++) {
        const struct corpus_field *f = &c->fields[i];
        if (f->used != used)
            continue;
        str_addf(&line, "%s%s", line.len ? ", " : "", f->name);
        if (f->meant)
            str_addf(&line, " (did you mean %s?)", f->meant);
    }
    if (line.len)
        pen_line(p, 1, STYLE(used ? COLOR_DEFAULT : COLOR_WARN), "%s: %s", used ? "read" : "not read", str_text(&line));
    str_fini(&line);
}

static void draw_refusals(struct pen *p, const struct corpus *c)
{
    enum { MOST = 64 };
    struct refusal reasons[MOST];
    const int n = corpus_refusals(c, reasons, MOST);
    if (n)
        pen_title(p, "Why rows are refused");
    for (int i = 0; i < n; i++)
        pen_line(p, 1, STYLE(COLOR_DEFAULT), "%zu, the first in %s%s%s %lld: %s", reasons[i].n,
                 reasons[i].file ? reasons[i].file : "", reasons[i].file ? ", " : "", c->unit,
                 (long long)reasons[i].line, reasons[i].reason);
    if (c->all_refused)
        pen_line(p, 1, STYLE(COLOR_WARN), "among them are %s", c->all_refused);
}

int data_summary_draw(const struct data_set *d, int64_t batch, struct canvas *c, struct rect r, int skip)
{
    struct pen p = {c, r, skip, 0};
    draw_rows(&p, d);
    draw_longer(&p, d->survey);
    draw_lengths(&p, d->survey);
    if (d->tokenizer_fault[0])
        pen_line(&p, 1, STYLE(COLOR_WARN), "tokens cannot be counted: %s", d->tokenizer_fault);
    draw_refusals(&p, d->corpus);
    if (d->corpus->n_fields) {
        pen_title(&p, "Fields of the rows");
        draw_fields(&p, d->corpus, true);
        draw_fields(&p, d->corpus, false);
    }
    draw_steps(&p, d, batch);
    return p.line;
}

int data_refused_draw(const struct data_set *d, struct canvas *c, struct rect r, int skip)
{
    enum { MOST = 2000 };
    struct pen p = {c, r, skip, 0};
    const struct corpus *corpus = d->corpus;
    if (!corpus->n_refused)
        pen_line(&p, 0, STYLE(COLOR_MUTED), "No row is refused.");
    for (size_t i = 0; i < corpus->n_refused && i < MOST; i++) {
        const struct refused_row *row = &corpus->refused[i];
        pen_line(&p, 0, STYLE(COLOR_DEFAULT), "%s%s%s %lld: %s", row->file ? row->file : "", row->file ? ", " : "",
                 corpus->unit, (long long)row->line, row->reason);
    }
    if (corpus->n_refused > MOST)
        pen_line(&p, 0, STYLE(COLOR_MUTED), "and %zu more, which attune data import --json lists", corpus->n_refused - MOST);
    return p.line;
}
