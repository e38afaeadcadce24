// The page of compares on a canvas: who answers, the prompt, the answers side by side with what differs or how tokens are
// read, and below them the numbers.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ui/compare/compare_page.h"
#include "ui/compare/compare_settings.h"
#include "ui/runs/heat.h"
#include "ui/runs/run_text.h"

static const struct style differs = {.fg = COLOR_ACCENT, .attr = ATTR_BOLD},
                          under_cursor = {.fg = COLOR_DEFAULT, .attr = ATTR_REVERSE};

// ---- what a pane shows ----

// The number that a token's style says; NaN: not known.
static double look_value(enum compare_look look, const struct compare_token *t)
{
    return look == LOOK_ENTROPY ? t->entropy : t->logp - (look == LOOK_OTHER ? t->other : t->reference);
}

// Who was tuned, and who is what tuning began from, is seen of this.
static bool hides_look(const struct compare_page *p)
{
    return p->c.look == LOOK_REFERENCE && compare_hides_names(p);
}

static void fill_tokens(struct compare_page *p, struct compare_side *s, bool in_focus)
{
    const struct compare_answer *x = &s->answer;
    const bool plain = p->c.look == LOOK_TEXT || hides_look(p);
    struct canvas_span *spans = mem_alloc((size_t)x->n_tokens + 1, sizeof *spans);
    double largest = 0;
    for (int i = 0; i < x->n_tokens; i++) {
        const double value = look_value(p->c.look, &x->tokens[i]);
        largest = isnan(value) ? largest : fmax(largest, fabs(value));
    }
    for (int i = 0; i < x->n_tokens; i++) {
        const double value = plain ? NAN : look_value(p->c.look, &x->tokens[i]);
        spans[i] = (struct canvas_span){(size_t)x->tokens[i].n_bytes,
                                        isnan(value) ? STYLE(COLOR_DEFAULT) : heat_style(heat_of(value, largest))};
        if (in_focus && i == p->token)
            spans[i].style = under_cursor;
    }
    spans[x->n_tokens] = (struct canvas_span){0, STYLE(COLOR_DEFAULT)};
    text_pane_add_spans(&s->pane, spans, x->n_tokens + 1, str_text(&x->text), x->text.len);
    free(spans);
}

static void fill_difference(struct compare_side *s, const struct compare_side *other)
{
    struct word_diff d;
    const struct str *text = &s->answer.text;
    word_diff_make(&d, str_text(text), text->len, str_text(&other->answer.text), other->answer.text.len);
    struct canvas_span *spans = mem_alloc((size_t)d.n_pieces[0] + 1, sizeof *spans);
    for (int i = 0; i < d.n_pieces[0]; i++)
        spans[i] = (struct canvas_span){d.pieces[0][i].n_bytes, d.pieces[0][i].shared ? STYLE(COLOR_DEFAULT) : differs};
    if (d.n_pieces[0] > 0)
        text_pane_add_spans(&s->pane, spans, d.n_pieces[0], str_text(text), text->len);
    free(spans);
    word_diff_fini(&d);
}

static void fill_pane(struct compare_page *p, int place, int width)
{
    struct compare_side *s = compare_at(&p->c, place), *other = compare_other(&p->c, place);
    const struct compare_answer *x = &s->answer;
    const bool in_focus = place == p->c.focus, told_apart = place == 0 || place == compare_beside(&p->c);
    const int top = s->begins ? 0 : text_pane_top(&s->pane);
    text_pane_clear(&s->pane);
    compare_fill_turns(&p->c, s, &s->pane);
    if (p->c.look != LOOK_TEXT || (in_focus && p->token >= 0))
        fill_tokens(p, s, in_focus);
    else if (!p->c.plain && told_apart && other && other->answer.text.len > 0)
        fill_difference(s, other);
    else
        text_pane_add(&s->pane, STYLE(COLOR_DEFAULT), str_text(&x->text), x->text.len);
    if (x->state == SIDE_FAILED) {
        text_pane_add(&s->pane, STYLE(COLOR_DEFAULT), "\n", x->text.len > 0);
        text_pane_add(&s->pane, STYLE(COLOR_BAD), x->trouble, strlen(x->trouble));
    }
    text_pane_lines(&s->pane, width);
    text_pane_scroll_to(&s->pane, top);
    s->drawn = true;
    // What was said before stands above: while the answer is too short to fill the pane, its beginning would slip away.
    s->begins = s->begins && (x->state == SIDE_WAITING || x->state == SIDE_STREAMING);
}

static const char *empty_text(const struct compare *c, const struct compare_answer *x)
{
    return x->state == SIDE_WAITING ? "..."
           : x->state == SIDE_WHOLE ? "(it said nothing)"
           : !c->prompt             ? "Waiting for a prompt."
                                    : "";
}

static void draw_side(struct compare_page *p, struct canvas *c, struct rect r, int place)
{
    struct compare_side *s = compare_at(&p->c, place);
    const struct compare_answer *x = &s->answer;
    const bool in_focus = place == p->c.focus;
    struct str title = {0}, right = {0};
    char number[32];
    compare_name(p, place, &title);
    if (!isnan(x->score) && !compare_hides_names(p))
        str_addf(&right, " rm %s", number_text(number, sizeof number, x->score, 7));
    str_addf(&right, " %d tok%s ", x->n_tokens, x->state == SIDE_WAITING || x->state == SIDE_STREAMING ? " ..." : "");
    struct rect in = rect_inset(
        canvas_box(c, r, in_focus ? STYLE(COLOR_ACCENT, .attr = ATTR_BOLD) : STYLE(COLOR_MUTED), str_text(&title)), 1, 0);
    const int room = r.width - 5 - (int)utf8_text_columns(str_text(&title), title.len);
    if (room >= (int)right.len)
        canvas_text_right(c, r.x + r.width - 1 - (int)right.len, r.y, (int)right.len, STYLE(COLOR_MUTED), str_text(&right));
    str_fini(&title);
    str_fini(&right);
    if (in.width < 1 || in.height < 1)
        return;
    if (!s->drawn)
        fill_pane(p, place, in.width);
    if (x->text.len == 0 && x->state != SIDE_FAILED && !compare_history(&p->c, s))
        canvas_text(c, in.x, in.y, in.width, STYLE(COLOR_MUTED), empty_text(&p->c, x));
    else
        text_pane_draw(&s->pane, c, in);
    if (text_pane_below(&s->pane) > 0)
        canvas_text(c, r.x + r.width - 12, r.y + r.height - 1, -1, STYLE(COLOR_ACCENT), " PgDn more ");
}

// One beside the other, four in two rows, one alone where there is no room.
static void draw_sides(struct compare_page *p, struct canvas *c, struct rect r)
{
    const int n = p->c.n, columns = n == 4 && r.width < 140 ? 2 : n;
    if (p->zoomed || r.width / columns < 20 || (columns < n && r.height < 8)) {
        draw_side(p, c, r, p->c.focus);
        return;
    }
    const int rows = (n + columns - 1) / columns, height = r.height / rows;
    for (int row = 0; row < rows; row++) {
        struct rect line = rect_cut_top(&r, row == rows - 1 ? r.height : height);
        for (int i = 0; i < columns && row * columns + i < n; i++)
            draw_side(p, c, rect_cut_left(&line, line.width / (columns - i)), row * columns + i);
    }
}

// ---- the lines around ----

static void draw_head(struct compare_page *p, struct canvas *c, struct rect r)
{
    const struct compare *x = &p->c;
    struct str how = {0}, name = {0};
    str_addf(&how, "T %.4g  top-p %.4g  seed %lld  at most %d tok", x->temperature, x->top_p, (long long)x->seed,
             x->max_tokens);
    str_add(&how, x->blind ? "  blind" : "");
    int at = r.x + 1;
    const int end = r.x + r.width - 1 - (int)how.len;
    for (int i = 0; i < x->n && at < end - 8; i++) {
        str_clear(&name);
        compare_name(p, i, &name);
        const struct style style = i == x->focus ? STYLE(COLOR_ACCENT, .attr = ATTR_BOLD) : STYLE(COLOR_DEFAULT);
        at = canvas_text(c, at, r.y, end - at - 1 > 0 ? end - at - 1 : 0, style, str_text(&name)) + 2;
    }
    if (r.width >= (int)how.len + 10)
        canvas_text_right(c, r.x, r.y, r.width - 1, STYLE(COLOR_MUTED), str_text(&how));
    str_fini(&how);
    str_fini(&name);
}

static void draw_prompt(struct compare_page *p, struct canvas *c, struct rect r)
{
    const struct prompt_set *set = compare_prompts(p);
    const char *file = p->set ? strrchr(p->set, '/') : NULL;
    struct str title = {.max = 200};
    str_add(&title, "Prompt");
    if (compare_turn(&p->c) > 1)
        str_addf(&title, ", turn %d", compare_turn(&p->c));
    if (p->set && set && p->prompt_at >= 0)
        str_addf(&title, " %d of %d  %s", compare_position(p) + 1, set->n, file ? file + 1 : p->set);
    if (p->order)
        str_addf(&title, " by %s", compare_order_name(p->prompt_order));
    struct rect in = rect_inset(canvas_box(c, r, STYLE(COLOR_MUTED), str_text(&title)), 1, 0);
    str_fini(&title);
    const char *text = p->c.prompt ? p->c.prompt : "e asks something; o opens a file of prompts.";
    const int lines = canvas_paragraph(c, in, 0, STYLE(p->c.prompt ? COLOR_DEFAULT : COLOR_MUTED), text, strlen(text));
    if (lines > in.height)
        canvas_textf(c, r.x + r.width - 16, r.y + r.height - 1, 15, STYLE(COLOR_ACCENT), " %d lines more ",
                     lines - in.height);
}

struct measures {
    double logp, entropy, ratio; // means of a token
};

static struct measures measure(const struct compare_answer *x)
{
    struct measures m = {0};
    for (int i = 0; i < x->n_tokens; i++) {
        m.logp += x->tokens[i].logp / x->n_tokens;
        m.entropy += x->tokens[i].entropy / x->n_tokens;
        m.ratio += (x->tokens[i].logp - x->tokens[i].reference) / x->n_tokens;
    }
    if (x->n_tokens == 0)
        m.logp = m.entropy = m.ratio = NAN;
    return m;
}

enum { NUMBER_COLUMNS = 9 };

static void draw_number(struct canvas *c, int *x, int y, double value)
{
    char number[32];
    if (value == floor(value) && fabs(value) < 1e6)
        snprintf(number, sizeof number, "%.0f", value);
    else
        number_text(number, sizeof number, value, NUMBER_COLUMNS - 1);
    canvas_text_right(c, *x, y, NUMBER_COLUMNS, STYLE(COLOR_DEFAULT), number);
    *x += NUMBER_COLUMNS;
}

// A line for each side: how long, how fast, how sure, how far from the reference, how good.
static void draw_numbers(struct compare_page *p, struct canvas *c, struct rect r)
{
    static const char *const titles[] = {"tokens", "first s", "tok/s", "logp/tok", "entropy", "KL/tok", "reward"};
    const int n = sizeof titles / sizeof *titles,
              most = (r.width - 4) / NUMBER_COLUMNS < n ? (r.width - 4) / NUMBER_COLUMNS : n;
    for (int i = 0; i < most; i++)
        canvas_text_right(c, r.x + 3 + i * NUMBER_COLUMNS, r.y, NUMBER_COLUMNS, STYLE(COLOR_MUTED), titles[i]);
    const bool hidden = compare_hides_names(p); // who has a reference, or a high reward, is no secret to many
    for (int i = 0; i < p->c.n && i + 1 < r.height; i++) {
        const struct compare_answer *x = &compare_at(&p->c, i)->answer;
        const struct measures m = measure(x);
        const double seconds = x->ended_s - x->first_s;
        const double values[] = {x->n_tokens,
                                 x->first_s > 0 ? x->first_s - x->asked_s : NAN,
                                 x->ended_s > 0 && x->n_tokens > 1 && seconds > 0 ? (x->n_tokens - 1) / seconds : NAN,
                                 m.logp,
                                 m.entropy,
                                 hidden ? NAN : m.ratio,
                                 hidden ? NAN : x->score};
        int at = r.x + 3;
        canvas_put(c, r.x + 1, r.y + 1 + i, (uint32_t)('A' + i),
                   STYLE(COLOR_ACCENT, .attr = i == p->c.focus ? ATTR_BOLD : 0));
        for (int k = 0; k < most; k++)
            draw_number(c, &at, r.y + 1 + i, values[k]);
    }
}

static void add_probability(struct str *s, const char *name, double logp)
{
    char number[32];
    if (!isnan(logp))
        str_addf(s, "  %s %s", name, number_text(number, sizeof number, exp(logp), 8));
}

static void draw_token(struct compare_page *p, struct canvas *c, struct rect r)
{
    const struct compare_side *s = compare_at(&p->c, p->c.focus);
    const struct compare_token *t = &s->answer.tokens[p->token];
    struct str line = {0};
    char number[32], other[16];
    size_t at = 0;
    for (int i = 0; i < p->token; i++)
        at += (size_t)s->answer.tokens[i].n_bytes;
    str_addf(&line, "%d/%d \"", p->token + 1, s->answer.n_tokens);
    if (at + (size_t)t->n_bytes <= s->answer.text.len)
        str_add_visible(&line, s->answer.text.data + at, (size_t)t->n_bytes, false);
    str_addc(&line, '"');
    add_probability(&line, "p", t->logp);
    const double reference = compare_hides_names(p) ? NAN : t->reference; // as for hides_look
    add_probability(&line, "before", reference);
    const int beside = compare_beside(&p->c);
    snprintf(other, sizeof other, "under %c", 'A' + (p->c.focus == 0 ? beside : 0));
    add_probability(&line, other, t->other);
    if (!isnan(reference))
        str_addf(&line, "  log-ratio %s", number_text(number, sizeof number, t->logp - reference, 8));
    if (!isnan(t->entropy))
        str_addf(&line, "  entropy %s", number_text(number, sizeof number, t->entropy, 8));
    canvas_text(c, r.x + 1, r.y, r.width - 2, STYLE(COLOR_DEFAULT), str_text(&line));
    str_fini(&line);
}

// What the look means, or what two answers share.
static void draw_meaning(struct compare_page *p, struct canvas *c, struct rect r)
{
    static const char *const meanings[N_LOOKS] = {"", "tokens: log pi / pi_ref, against what each run started from",
                                                  "tokens: entropy of what they were chosen from",
                                                  "tokens: how much more likely here than under the other side"};
    struct str line = {0};
    struct compare *x = &p->c;
    const int beside = compare_beside(x);
    const struct compare_side *focus = compare_at(x, x->focus);
    if (hides_look(p))
        str_add(&line, "tokens against what each run started from: hidden until you vote");
    else if (x->look == LOOK_REFERENCE && !focus->model.reference)
        str_addf(&line, "%c is no run's checkpoint: v MODEL says what it is compared with", 'A' + x->focus);
    else if ((x->look == LOOK_REFERENCE && focus->answer.has_reference && !focus->asked[ASK_REFERENCE].turn &&
              !focus->answer.reference_tokens) ||
             (x->look == LOOK_OTHER && focus->answer.other && !focus->asked[ASK_OTHER].turn && !focus->answer.other_tokens))
        str_add(&line, "the other model cuts this text into other tokens: they cannot be compared");
    else if (x->look != LOOK_TEXT)
        str_add(&line, meanings[x->look]);
    else if (beside >= 0 && compare_at(x, 0)->answer.text.len > 0 && compare_at(x, beside)->answer.text.len > 0) {
        const struct str *a = &compare_at(x, 0)->answer.text, *b = &compare_at(x, beside)->answer.text;
        struct word_diff d;
        word_diff_make(&d, a->data, a->len, b->data, b->len);
        const int all = d.n_words[0] + d.n_words[1];
        str_addf(&line, "A and %c share %d %s (%d %%)", 'A' + beside, d.n_shared, text_plural(d.n_shared, "word", "words"),
                 all ? (int)(200.0 * d.n_shared / all + 0.5) : 100);
        if (d.n_same_start > 0)
            str_addf(&line, ", the first %d at the beginning", d.n_same_start);
        word_diff_fini(&d);
    }
    canvas_text(c, r.x + 1, r.y, r.width - 2, STYLE(COLOR_MUTED), str_text(&line));
    str_fini(&line);
}

static void draw_votes(struct compare_page *p, struct canvas *c, struct rect r)
{
    struct compare *x = &p->c;
    const int beside = compare_beside(x);
    struct str line = {0};
    bool turned = false;
    const char name[2] = {compare_other_letter(x), 0};
    if (!compare_can_vote(p))
        return;
    const struct win_row *row = compare_hides_names(p)
                                    ? NULL
                                    : win_table_find(ui_wins(x->ui), compare_model_key(&compare_at(x, 0)->model),
                                                     compare_model_key(&compare_at(x, beside)->model), &turned);
    if (p->graded && p->leaked)
        str_add(&line, "flagged: an answer names its model   ");
    else if (p->graded)
        str_addf(&line, "voted: %s   ", compare_grade_name(p->graded, p->graded_other).text);
    if (row)
        win_row_text(row, "A", name, turned, &line);
    else if (compare_hides_names(p))
        str_addf(&line, "names are hidden until you vote: 1 A ... 4 same ... 7 %s, 8 both bad", name);
    else if (!p->graded)
        str_addf(&line, "no votes yet: 1 A much better ... 4 same ... 7 %s much better, 8 both bad", name);
    canvas_text(c, r.x + 1, r.y, r.width - 2, STYLE(COLOR_DEFAULT), str_text(&line));
    str_fini(&line);
}

// What the same prompt got at other checkpoints of the run in focus, as far as somebody went there.
static void draw_trajectory(struct compare_page *p, struct canvas *c, struct rect r)
{
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    const struct compare_side *focus = compare_at(&p->c, p->c.focus);
    struct str line = {0};
    int n = 0;
    if (!focus->model.run || !p->c.prompt || compare_hides_names(p))
        return;
    str_addf(&line, "%s, this prompt:", focus->model.run);
    for (int i = l ? l->n - 1 : -1; i >= 0; i--) {
        const struct compare_model *m = &l->rows[i].model;
        const struct compare_answer *x = m->run && strcmp(m->run, focus->model.run) == 0 ? compare_kept(&p->c, m) : NULL;
        if (!x)
            continue;
        char number[32];
        str_addf(&line, "  @%lld %d tok", (long long)m->step, x->n_tokens);
        str_addf(&line, " logp %s", number_text(number, sizeof number, measure(x).logp, 6));
        if (!isnan(x->score))
            str_addf(&line, " rm %s", number_text(number, sizeof number, x->score, 6));
        n++;
    }
    if (n > 1)
        canvas_text(c, r.x + 1, r.y, r.width - 2, STYLE(COLOR_MUTED), str_text(&line));
    str_fini(&line);
}

static void draw_nothing(struct canvas *c, struct rect r)
{
    static const char text[] = "Two to four models answer the same prompt with the same seed, side by side.\n\n"
                               "a  adds a checkpoint of a run, or a model's folder\n"
                               "=  on the list of runs (1) compares those that are selected\n\n"
                               "From the shell: attune compare dpo-1@100 dpo-1@200";
    canvas_paragraph(c, rect_inset(r, r.width >= 60 ? 3 : 1, 1), 0, STYLE(COLOR_DEFAULT), text, strlen(text));
}

static int prompt_lines(const struct compare_page *p, const struct rect r)
{
    struct canvas none;
    canvas_init(&none, 1, 1, GLYPHS_ASCII, true);
    const char *text = p->c.prompt ? p->c.prompt : "";
    const int lines =
        canvas_paragraph(&none, (struct rect){0, 0, r.width - 4, 0}, 0, STYLE(COLOR_DEFAULT), text, strlen(text));
    canvas_fini(&none);
    const int most = r.height >= 40 ? 8 : r.height >= 18 ? 3 : 1;
    return 2 + (lines < 1 ? 1 : lines < most ? lines : most);
}

void compare_draw(struct compare_page *p, struct canvas *c, struct rect area)
{
    if (p->choosing) {
        compare_draw_choices(p, c, area);
        return;
    }
    if (p->c.n == 0) { // votes are there before models are: they say which are to be compared
        if (p->panel == PANEL_WINS)
            compare_draw_wins(p, c, area);
        else
            draw_nothing(c, area);
        return;
    }
    const bool small = area.height < 14, hidden = compare_hides_names(p);
    if (hidden != p->drew_hidden)
        compare_changed(&p->c);
    p->drew_hidden = hidden;
    draw_head(p, c, rect_cut_top(&area, 1));
    if (area.width >= 160 && p->set && p->panel == PANEL_ANSWERS) {
        compare_draw_prompts(p, c, rect_cut_left(&area, 42));
        rect_cut_left(&area, 1);
    }
    draw_prompt(p, c, rect_cut_top(&area, prompt_lines(p, area)));
    if (!small) {
        draw_votes(p, c, rect_cut_bottom(&area, 1));
        const struct rect meaning = rect_cut_bottom(&area, 1);
        const bool has_token = p->token >= 0 && p->token < compare_at(&p->c, p->c.focus)->answer.n_tokens;
        if (has_token)
            draw_token(p, c, meaning);
        else
            draw_meaning(p, c, meaning);
        if (area.height >= 24)
            draw_trajectory(p, c, rect_cut_bottom(&area, 1));
        draw_numbers(p, c, rect_cut_bottom(&area, 1 + p->c.n));
    }
    if (p->panel == PANEL_SETTINGS)
        compare_draw_settings(p, c, area);
    else if (p->panel == PANEL_WINS)
        compare_draw_wins(p, c, area);
    else if (p->panel == PANEL_SCORES)
        compare_draw_scores(p, c, area);
    else
        draw_sides(p, c, area);
}
