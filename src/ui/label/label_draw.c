// The label page: the question, both answers side by side, the scale, and what was said so far.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/word_diff.h"
#include "ui/label/label_view.h"

enum { WIDE = 160, SIDE_WIDTH = 50 };

// ---- pieces ----

static void draw_pane(struct label_state *s, struct canvas *c, struct rect r, enum label_pane which, const char *title)
{
    const bool here = s->focus == which;
    struct text_pane *p = &s->panes[which];
    struct rect in = rect_inset(canvas_box(c, r, STYLE(here ? COLOR_ACCENT : COLOR_MUTED), title), 1, 0);
    text_pane_draw(p, c, in);
    const int below = text_pane_below(p), above = text_pane_top(p);
    char more[60];
    if ((below <= 0 && above <= 0) || r.width < 24)
        return;
    if (above > 0 && below > 0)
        snprintf(more, sizeof more, " %d lines above, %d below ", above, below);
    else
        snprintf(more, sizeof more, " %d more %s%s ", below + above, text_plural(below + above, "line", "lines"),
                 above ? " above" : "");
    canvas_text_right(c, r.x + 2, r.y + r.height - 1, r.width - 4, STYLE(COLOR_ACCENT), more);
}

// "0:07".
static const char *time_text(char *out, size_t size, double seconds)
{
    const int s = (int)fmin(fmax(seconds, 0), 1e8); // who brings judgements along may say anything
    snprintf(out, size, "%d:%02d", s / 60, s % 60);
    return out;
}

// What takes a second or two is told in tenths.
static const char *pace_text(char *out, size_t size, double seconds)
{
    if (!(seconds < 9.95))
        return time_text(out, size, seconds);
    snprintf(out, size, "%.1f s", fmax(seconds, 0));
    return out;
}

static void draw_info(const struct label_state *s, struct canvas *c, struct rect r)
{
    const struct label_shown *n = &s->now;
    const struct style strong = STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD);
    const int right = r.x + r.width - 1;
    char text[64];
    int x = canvas_text(c, r.x + 1, r.y, -1, STYLE(COLOR_MUTED), n->kind == LABEL_OF_RUN ? "run" : "set") + 1;
    x = canvas_text(c, x, r.y, r.width / 3, strong, n->source) + 2;
    if (n->kind == LABEL_OF_RUN)
        x = canvas_textf(c, x, r.y, right - x, STYLE(COLOR_DEFAULT), "waiting for you: %d %s", n->n_waiting,
                         text_plural(n->n_waiting, "pair", "pairs")) +
            2;
    else
        x = canvas_textf(c, x, r.y, right - x, STYLE(COLOR_DEFAULT), "%d/%d", n->tally.n_done + n->tally.n_skipped,
                         n->tally.n_items) +
            2;
    enum { LONG_S = 5 }; // who is quick is not to be watched by a clock
    if (s->seen_s > 0 && n->has_pair && clock_seconds() - s->seen_s >= LONG_S)
        x = canvas_text(c, x, r.y, right - x, STYLE(COLOR_DEFAULT),
                        time_text(text, sizeof text, clock_seconds() - s->seen_s)) +
            2;
    struct str end = {0};
    if (r.width >= 110)
        str_add(&end, "blind, sides shuffled  ");
    if (n->filter && *n->filter)
        str_add(&end, "filtered  ");
    str_addf(&end, "order: %s", label_order_name(n->order));
    if (r.width >= 60)
        str_addf(&end, "  by %s", n->annotator);
    if ((int)end.len < right - x)
        canvas_text_right(c, x, r.y, right - x, STYLE(n->order == LABEL_DISPUTED ? COLOR_WARN : COLOR_MUTED),
                          str_text(&end));
    str_fini(&end);
}

static const struct {
    const char *wide, *narrow;
} scale[] = {{"Left much", "L much"},  {"Left", "L better"},           {"Left slightly", "L slight"},
             {"About the", "same"},    {"Right slightly", "R slight"}, {"Right", "R better"},
             {"Right much", "R much"}, {"Both", "both bad"},           {"Cannot", "can't"}};
enum { N_SCALE = sizeof scale / sizeof *scale };

// Two lines: words, and the keys under them.
static void draw_scale(const struct label_state *s, struct canvas *c, struct rect r)
{
    const double width = (double)r.width / N_SCALE;
    for (int i = 0; i < N_SCALE; i++) {
        const bool is_before = s->now.was_judged && (int)s->now.before - (int)VERDICT_MUCH_A == i;
        const char *word = width >= 8.5 ? scale[i].narrow
                           : i == 0     ? "L++"
                           : i == 1     ? "L+"
                           : i == 2     ? "L"
                           : i == 3     ? "="
                           : i == 4     ? "R"
                           : i == 5     ? "R+"
                           : i == 6     ? "R++"
                           : i == 7     ? "bad"
                                        : "?";
        const int x = r.x + (int)(width * i), columns = (int)(width * (i + 1)) - (int)(width * i),
                  n = (int)strlen(word);
        const struct style key = STYLE(COLOR_ACCENT, .attr = (uint8_t)(ATTR_BOLD | (is_before ? ATTR_REVERSE : 0)));
        canvas_text(c, x + (columns > n ? (columns - n) / 2 : 0), r.y, columns, STYLE(COLOR_DEFAULT), word);
        canvas_textf(c, x + (columns > 3 ? (columns - 3) / 2 : 0), r.y + 1, columns, key, "[%d]", i + 1);
    }
}

static void draw_reasons(const struct label_state *s, struct canvas *c, int x, int y, int right)
{
    for (const struct label_reason *l = label_reasons; l->letter; l++) {
        const bool chosen = strchr(s->reasons, l->letter) != NULL;
        x = canvas_textf(c, x, y, right - x,
                         chosen ? STYLE(COLOR_ACCENT, .attr = ATTR_BOLD | ATTR_UNDERLINE) : STYLE(COLOR_MUTED), "%c %s",
                         l->letter, l->name) +
            2;
    }
}

// The note, the reasons, or what was said before of this pair.
static void draw_words(const struct label_state *s, struct canvas *c, struct rect r)
{
    const struct label_shown *n = &s->now;
    const int right = r.x + r.width - 1;
    int x = r.x + 1;
    if (n->was_judged)
        x = canvas_textf(c, x, r.y, right - x, STYLE(COLOR_WARN), "you said: %s", label_words(n->before)) + 2;
    for (int i = 0; n->order == LABEL_DISPUTED && i < n->n_votes; i++)
        x = canvas_textf(c, x, r.y, right - x, STYLE(COLOR_WARN), "%s: %s", n->votes[i].who,
                         label_words(n->votes[i].verdict)) +
            2;
    if (s->choosing_reasons) {
        draw_reasons(s, c, x, r.y, right);
        return;
    }
    struct str text = {0};
    for (const struct label_reason *l = label_reasons; l->letter; l++)
        if (strchr(s->reasons, l->letter))
            str_addf(&text, "%s%s", text.len ? ", " : "", l->name);
    if (text.len)
        x = canvas_textf(c, x, r.y, right - x, STYLE(COLOR_ACCENT), "because: %s", str_text(&text)) + 2;
    if (s->note)
        canvas_textf(c, x, r.y, right - x, STYLE(COLOR_ACCENT), "note: %s", s->note);
    else if (!text.len && x == r.x + 1 && r.width >= 70)
        canvas_text(c, x, r.y, right - x, STYLE(COLOR_MUTED), "one key labels and goes on");
    str_fini(&text);
}

static void draw_saved(const struct label_state *s, struct canvas *c, struct rect r)
{
    char text[64];
    int x = r.x + 1;
    if (s->busy && s->n_queued) {
        canvas_text(c, x, r.y, r.width - 2, STYLE(COLOR_WARN), "saving ...");
        return;
    }
    if (s->said[0])
        x = canvas_text(c, x, r.y, r.width - 2, STYLE(COLOR_GOOD), s->said) + 2;
    if (s->said[0] && s->now.save_s > 0.01)
        x = canvas_textf(c, x, r.y, r.x + r.width - 1 - x, STYLE(COLOR_MUTED), "(the disk took %.0f ms)",
                         s->now.save_s * 1000) +
            2;
    enum { ENOUGH = 5 }; // for a pace
    if (s->now.tally.n_timed < ENOUGH || r.x + r.width - x < 30)
        return;
    struct str end = {0};
    str_addf(&end, "median %s", pace_text(text, sizeof text, s->now.tally.median_s));
    if (isfinite(s->now.tally.per_hour))
        str_addf(&end, ", %.0f/h", s->now.tally.per_hour);
    canvas_text_right(c, x, r.y, r.x + r.width - 1 - x, STYLE(COLOR_MUTED), str_text(&end));
    str_fini(&end);
}

// ---- statistics ----

struct lines {
    struct canvas *c;
    struct rect r;
};

static void line(struct lines *l, struct style style, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void line(struct lines *l, struct style style, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    if (l->r.height < 1)
        return;
    va_start(args, format);
    str_vaddf(&text, format, args);
    va_end(args);
    const struct rect at = rect_cut_top(&l->r, 1);
    canvas_text(l->c, at.x, at.y, at.width, style, str_text(&text));
    str_fini(&text);
}

static const char *share_text(char *out, size_t size, int k, int n)
{
    if (n)
        snprintf(out, size, "%d of %d, %.1f %%", k, n, 100.0 * k / n);
    else
        snprintf(out, size, "none yet");
    return out;
}

static void p_line(struct lines *l, const char *what, int k, int n, double p)
{
    char share[64], value[32];
    const bool odd = n > 0 && p < 0.05;
    snprintf(value, sizeof value, p < 0.001 ? "p < .001" : "p = %.3f", p);
    line(l, odd ? STYLE(COLOR_WARN) : STYLE(COLOR_DEFAULT), "%-14s %s  %s%s", what,
         share_text(share, sizeof share, k, n), n ? value : "",
         !n    ? ""
         : odd ? "  odd"
               : "  ok");
}

static void draw_session(const struct label_shown *n, struct lines *l)
{
    const struct label_tally *t = &n->tally;
    const struct style plain = STYLE(COLOR_DEFAULT);
    char a[64], b[64];
    line(l, plain, "done %d   skipped %d   flagged %d   to do %d", t->n_done - t->n_flagged, t->n_skipped, t->n_flagged,
         n->n_waiting);
    if (l->r.height > 0 && t->n_items) {
        canvas_bar(l->c, l->r.x, l->r.y, l->r.width > 30 ? 30 : l->r.width, (double)t->n_done / t->n_items,
                   STYLE(COLOR_ACCENT));
        rect_cut_top(&l->r, 1);
    }
    line(l, STYLE(COLOR_MUTED), "label  %4d%4d%4d%4d%4d%4d%4d%4d%4d", 1, 2, 3, 4, 5, 6, 7, 8, 9);
    line(l, plain, "count  %4d%4d%4d%4d%4d%4d%4d%4d%4d", t->counts[0], t->counts[1], t->counts[2], t->counts[3],
         t->counts[4], t->counts[5], t->counts[6], t->counts[7], t->counts[8]);
    p_line(l, "left chosen", t->n_left, t->n_sided, t->p_left);
    p_line(l, "longer chosen", t->n_longer, t->n_length, t->p_longer);
    line(l, plain, "%-14s %s", "under 3 s", share_text(a, sizeof a, t->n_fast, t->n_timed));
    if (isfinite(t->median_s))
        line(l, plain, "%-14s median %s, 90 %% within %s", "time", pace_text(a, sizeof a, t->median_s),
             pace_text(b, sizeof b, t->p90_s));
    if (isfinite(t->per_hour))
        line(l, plain, "%-14s %.0f pairs an hour", "pace", t->per_hour);
    if (t->n_again == 0) {
        line(l, plain, "%-14s none yet: some pairs come again later", "second looks");
        return;
    }
    line(l, plain, "%-14s %s the same side", "second looks",
         share_text(a, sizeof a, t->n_again_side, t->n_again_sided));
    line(l, plain, "%-14s %s the same grade", "", share_text(a, sizeof a, t->n_again_same, t->n_again));
}

// In so many columns, whatever the letters are.
enum { WHO_COLUMNS = 16 };
static void add_who(struct str *out, const char *name)
{
    struct str shown = {.max = 64};
    size_t at = 0, columns = 0;
    str_add_visible(&shown, name, strlen(name), false);
    while (at < shown.len) {
        uint32_t code;
        const size_t n = utf8_decode(shown.data + at, shown.len - at, &code);
        const size_t wide = code == UTF8_BAD ? 1 : (size_t)utf8_columns(code);
        if (columns + wide > WHO_COLUMNS)
            break;
        at += n;
        columns += wide;
    }
    str_addn(out, str_text(&shown), at);
    for (; columns < WHO_COLUMNS; columns++)
        str_addc(out, ' ');
    str_fini(&shown);
}

static void draw_agreement(const struct label_shown *n, struct lines *l)
{
    const struct label_tally *t = &n->tally;
    line(l, STYLE(COLOR_MUTED), "%-16s %5s %7s %6s %7s", "with", "pairs", "exact", "side", "kappa");
    for (int i = 0; i < t->n_others; i++) {
        const struct label_other *o = &t->others[i];
        char exact[16] = "-", side[16] = "-", kappa[16] = "-";
        if (o->n)
            snprintf(exact, sizeof exact, "%.2f", (double)o->n_same / o->n);
        if (o->n_sided)
            snprintf(side, sizeof side, "%.2f", (double)o->n_side / o->n_sided);
        if (isfinite(o->kappa))
            snprintf(kappa, sizeof kappa, "%.2f", o->kappa);
        struct str who = {0};
        add_who(&who, o->name);
        line(l, STYLE(COLOR_DEFAULT), "%s %5d %7s %6s %7s", str_text(&who), o->n, exact, side, kappa);
        str_fini(&who);
    }
    if (t->n_others == 0)
        line(l, STYLE(COLOR_MUTED), "nobody else has judged these pairs");
    for (int i = 0; i < n->n_abilities; i++) {
        const struct label_ability *a = &n->abilities[i];
        struct str who = {0};
        add_who(&who, *a->who ? a->who : "the file");
        line(l, STYLE(COLOR_DEFAULT), "%s ability %5.2f", str_text(&who), a->ability);
        str_fini(&who);
    }
    if (n->n_abilities)
        line(l, STYLE(COLOR_MUTED), "ability: 1 is ordinary, 0 guesses");
    if (isfinite(t->alpha))
        line(l, STYLE(COLOR_DEFAULT), "all: Krippendorff's alpha (ordinal) %.2f", t->alpha);
}

static void draw_history(const struct label_shown *n, struct lines *l)
{
    char text[32];
    for (int i = 0; i < n->n_past && l->r.height > 0; i++) {
        const struct label_past *p = &n->past[i];
        line(l, STYLE(COLOR_DEFAULT), "#%-6lld %-22s %5s %s%s", (long long)p->number, label_words(p->verdict),
             isnan(p->seconds) ? "" : pace_text(text, sizeof text, p->seconds), p->noted ? "note " : "",
             p->is_final ? "final" : "");
    }
    if (n->n_past == 0)
        line(l, STYLE(COLOR_MUTED), "nothing judged yet");
}

static struct lines box_of(struct canvas *c, struct rect r, const char *title)
{
    return (struct lines){c, rect_inset(canvas_box(c, r, STYLE(COLOR_MUTED), title), 1, 0)};
}

static void draw_statistics(const struct label_state *s, struct canvas *c, struct rect r)
{
    enum { SESSION = 13, AGREEMENT = 12 };
    const bool short_of_room = r.height < SESSION + AGREEMENT;
    struct lines l;
    if (!short_of_room || s->statistics == 1) {
        l = box_of(c, rect_cut_top(&r, SESSION), short_of_room ? "Your judgements  (s: agreement)" : "Your judgements");
        draw_session(&s->now, &l);
    }
    if (r.height < 3)
        return;
    l = box_of(c, rect_cut_top(&r, r.height > AGREEMENT + 4 ? AGREEMENT : r.height), "Agreement");
    draw_agreement(&s->now, &l);
    if (r.height < 3)
        return;
    l = box_of(c, r, "History: u undo, U redo");
    draw_history(&s->now, &l);
}

static void draw_guideline(struct label_state *s, struct canvas *c, struct rect r)
{
    const struct lines l = box_of(c, r, "Guideline");
    if (s->now.guideline && *s->now.guideline)
        text_pane_draw(&s->guideline, c, l.r);
    else
        canvas_paragraph(c, l.r, 0, STYLE(COLOR_MUTED), "There is none yet: :guideline TEXT writes one.", 46);
}

static void draw_side(struct label_state *s, struct canvas *c, struct rect r)
{
    if (s->now.kind == LABEL_OF_SET)
        draw_guideline(s, c, rect_cut_bottom(&r, r.height / 4));
    if (s->statistics) {
        draw_statistics(s, c, r);
        return;
    }
    struct lines l = box_of(c, r, "History: u undo, U redo   (s statistics)");
    draw_history(&s->now, &l);
}

// ---- the page ----

static void add_title(struct str *out, const struct label_state *s, enum label_pane which, const char *text)
{
    const char *side = which == LABEL_LEFT ? "Left" : "Right";
    if (s->with_diff)
        str_addf(out, "%s: own words underlined", side);
    else
        str_addf(out, "%s  %zu characters", side, text ? utf8_text_columns(text, strlen(text)) : 0);
}

static void draw_answers(struct label_state *s, struct canvas *c, struct rect r)
{
    const struct asked_pair *p = &s->now.pair;
    struct str left = {0}, right = {0};
    add_title(&left, s, LABEL_LEFT, s->now.swapped ? p->b : p->a);
    add_title(&right, s, LABEL_RIGHT, s->now.swapped ? p->a : p->b);
    if (s->is_full || r.width < 60) {
        const bool is_right = s->focus == LABEL_RIGHT;
        str_add(is_right ? &right : &left, "  (Tab: the other one)");
        draw_pane(s, c, r, is_right ? LABEL_RIGHT : LABEL_LEFT, str_text(is_right ? &right : &left));
    } else {
        draw_pane(s, c, rect_cut_left(&r, r.width / 2), LABEL_LEFT, str_text(&left));
        draw_pane(s, c, r, LABEL_RIGHT, str_text(&right));
    }
    str_fini(&left);
    str_fini(&right);
}

static void draw_texts(struct label_state *s, struct canvas *c, struct rect r)
{
    const bool small = r.width < 60 || r.height < 10;
    if (s->statistics && s->width < WIDE) {
        draw_statistics(s, c, r);
        return;
    }
    if ((s->is_full || small) && s->focus == LABEL_PROMPT) {
        draw_pane(s, c, r, LABEL_PROMPT, "Prompt");
        return;
    }
    if (!s->is_full && !small) {
        const int lines = text_pane_lines(&s->panes[LABEL_PROMPT], r.width - 4) + 2, most = r.height * 2 / 5;
        draw_pane(s, c, rect_cut_top(&r, lines < most ? lines : most > 3 ? most : 3), LABEL_PROMPT, "Prompt");
    }
    if (s->with_guideline && s->width < WIDE)
        draw_guideline(s, c, r);
    else
        draw_answers(s, c, r);
}

static void draw_big_scale(const struct label_state *s, struct canvas *c, struct rect r)
{
    struct rect in = canvas_box(c, r, STYLE(COLOR_ACCENT), "Which answer is better?");
    const double width = (double)in.width / N_SCALE;
    for (int i = 0; i < N_SCALE; i++) {
        const char *second = i == 3 ? "same" : i == 7 ? "bad" : i == 8 ? "judge" : "better";
        const bool is_before = s->now.was_judged && (int)s->now.before - (int)VERDICT_MUCH_A == i;
        const int x = in.x + (int)(width * i), columns = (int)width;
        canvas_text(c, x + (columns - (int)strlen(scale[i].wide)) / 2, in.y, columns, STYLE(COLOR_DEFAULT),
                    scale[i].wide);
        canvas_text(c, x + (columns - (int)strlen(second)) / 2, in.y + 1, columns, STYLE(COLOR_DEFAULT), second);
        canvas_textf(c, x + (columns - 3) / 2, in.y + 2, columns,
                     STYLE(COLOR_ACCENT, .attr = (uint8_t)(ATTR_BOLD | (is_before ? ATTR_REVERSE : 0))), "[%d]", i + 1);
    }
    draw_words(s, c, (struct rect){in.x, in.y + 4, in.width, 1});
}

static void draw_nothing(const struct label_state *s, struct canvas *c, struct rect area)
{
    const struct label_shown *n = &s->now;
    struct str text = {0};
    struct style style = STYLE(COLOR_DEFAULT);
    if (s->trouble[0]) {
        style = STYLE(COLOR_BAD);
        str_add(&text, s->trouble);
    } else if (n->kind == LABEL_OF_NOTHING) {
        str_add(&text, s->busy ? "Reading ..."
                               : "No pairs wait for you.\n\nA run started with --feedback person asks for them by "
                                 "itself. Or press O and name a "
                                 "file of pairs: it becomes a set that is judged one key a pair, and \"attune label "
                                 "FILE\" does the same from "
                                 "the shell.");
    } else if (n->kind == LABEL_OF_RUN) {
        str_add(&text, "The run asks for nothing at this moment. When it does, the pair comes here by itself.");
    } else {
        str_addf(&text, "Nothing is left of this set in the order \"%s\".", label_order_name(n->order));
        if (n->filter && *n->filter)
            str_addf(&text, "\n\nOnly pairs that pass %s come; an empty filter (\\) brings the others.", n->filter);
        if (n->tally.n_skipped)
            str_addf(&text, "\n\n%d %s skipped: \":order skipped\" brings them.", n->tally.n_skipped,
                     text_plural(n->tally.n_skipped, "pair was", "pairs were"));
        str_add(&text, "\n\nw writes what was judged as data for training. u takes the last judgement back.");
    }
    canvas_paragraph(c, rect_inset(area, 2, 1), 0, style, str_text(&text), text.len);
    str_fini(&text);
}

void label_draw(struct label_state *s, struct canvas *c, struct rect area)
{
    s->width = area.width;
    s->height = area.height;
    if (s->now.kind != LABEL_OF_NOTHING)
        draw_info(s, c, rect_cut_top(&area, 1));
    if (area.width >= WIDE)
        draw_side(s, c, rect_cut_right(&area, SIDE_WIDTH));
    if (s->now.kind != LABEL_OF_NOTHING && area.height > 8)
        draw_saved(s, c, rect_cut_bottom(&area, 1));
    if (s->listing && area.height > 5) {
        draw_scale(s, c, rect_cut_bottom(&area, 2));
        label_list_draw(s, c, area);
        return;
    }
    if (!s->now.has_pair) {
        if (s->statistics && area.width < WIDE && s->now.kind != LABEL_OF_NOTHING)
            draw_statistics(s, c, area);
        else
            draw_nothing(s, c, area);
        return;
    }
    if (area.height >= 30 && area.width >= 130) {
        draw_big_scale(s, c, rect_cut_bottom(&area, 7));
    } else {
        if (area.height > 12)
            draw_words(s, c, rect_cut_bottom(&area, 1));
        draw_scale(s, c, rect_cut_bottom(&area, 2));
    }
    draw_texts(s, c, area);
}
