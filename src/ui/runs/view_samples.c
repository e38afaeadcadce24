// What the model writes: the newest samples of the run as a list, and the one under the cursor in full.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/runs/heat.h"
#include "ui/kept.h"
#include "ui/runs/run_text.h"
#include "ui/view.h"

enum { MAX_SAMPLES = 200, MORE_COLUMNS = 12 };

struct samples_state {
    char run[128];
    int64_t version;
    struct run_sample *samples; // newest first
    int n;
    int64_t chosen_id;          // the sample under the cursor; -1: the newest, whichever it is
    int top, visible;
    int scroll, text_lines, text_height;
    bool plain;                 // without the tokens' rewards
    char trouble[300];
};

static int open_samples(struct view *v, struct err *e)
{
    v->state = mem_alloc(1, sizeof(struct samples_state));
    return 0;
}

static void forget(struct samples_state *s)
{
    run_samples_free(s->samples, s->n);
    s->samples = NULL;
    s->n = 0;
    s->version = -1;
    s->chosen_id = -1;
    s->top = s->scroll = 0;
    s->trouble[0] = '\0';
}

static void close_samples(struct view *v)
{
    forget(v->state);
    free(v->state);
}

static void shown_samples(struct view *v)
{
    struct samples_state *s = v->state;
    struct run_row *r = ui_run(v->ui);
    if (r && strcmp(s->run, r->info.name) != 0) {
        forget(s);
        text_copy(s->run, sizeof s->run, r->info.name);
    }
}

static void save_samples(const struct view *v, json_t *into)
{
    const struct samples_state *s = v->state;
    json_object_set_new(into, "plain", json_boolean(s->plain));
    json_object_set_new(into, "run", json_string(s->run));
    json_object_set_new(into, "sample", json_integer(s->chosen_id));
    json_object_set_new(into, "scroll", json_integer(s->scroll));
}

static void restore_samples(struct view *v, const json_t *from)
{
    struct samples_state *s = v->state;
    forget(s);
    s->plain = kept_bool(from, "plain", false);
    text_copy(s->run, sizeof s->run, kept_text(from, "run", ""));
    s->chosen_id = kept_int(from, "sample", -1, INT64_MAX, -1);
    s->scroll = (int)kept_int(from, "scroll", 0, 1000000, 0);
}

static enum view_refresh refresh_samples(struct view *v)
{
    struct samples_state *s = v->state;
    struct run_row *r = ui_run(v->ui);
    struct run_sample *samples;
    struct err fault = {0};
    int n;
    shown_samples(v);
    if (!r || !r->has_db || r->version == s->version)
        return REFRESH_DRAW; // the strip above shows the step
    struct run_reader *reader = run_row_reader(r);
    if (!reader)
        return REFRESH_DRAW;
    s->version = r->version;
    if (s->n > 0 && run_reader_samples(reader, 1, &samples, &n, &fault) == 0) {
        bool same = n == 1 && samples[0].id == s->samples[0].id;
        run_samples_free(samples, n);
        if (same)
            return REFRESH_DRAW;
    }
    if (run_reader_samples(reader, MAX_SAMPLES, &samples, &n, &fault)) {
        text_copy(s->trouble, sizeof s->trouble, fault.text);
        return REFRESH_DRAW;
    }
    run_samples_free(s->samples, s->n);
    s->samples = samples;
    s->n = n;
    return REFRESH_DRAW;
}

static int chosen(const struct samples_state *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->samples[i].id == s->chosen_id)
            return i;
    return 0;
}

// The list has one line a sample: line ends become blanks.
static void draw_first_line(struct canvas *c, int x, int y, int columns, const char *text)
{
    struct str line = {.max = 2000};
    text += strspn(text, " \n\t\r"); // a response goes on after its prompt, often with a space
    for (; *text && !line.truncated; text++)
        str_addc(&line, *text == '\n' || *text == '\t' || *text == '\r' ? ' ' : *text);
    canvas_text(c, x, y, columns, STYLE(COLOR_DEFAULT), str_text(&line));
    str_fini(&line);
}

static void draw_list(struct samples_state *s, struct canvas *c, struct rect r)
{
    bool has_reward = false; // only some objectives give one
    for (int i = 0; i < s->n; i++)
        has_reward = has_reward || isfinite(s->samples[i].reward);
    canvas_textf(c, r.x + 1, r.y, r.width - 1, STYLE(COLOR_MUTED), "%7s %s%6s  %s", "STEP",
                 has_reward ? " REWARD " : "", "LENGTH", "RESPONSE");
    rect_cut_top(&r, 1);
    int cursor = chosen(s);
    s->visible = r.height > 0 ? r.height : 1;
    s->top = scroll_top(s->top, cursor, s->n, s->visible);
    for (int i = s->top; i < s->n && r.height > 0; i++) {
        struct rect line = rect_cut_top(&r, 1);
        const struct run_sample *sample = s->samples + i;
        char reward[32];
        int x = canvas_textf(c, line.x + 1, line.y, -1, STYLE(COLOR_DEFAULT), "%7lld ", (long long)sample->step);
        if (has_reward)
            x = canvas_textf(c, x, line.y, -1, STYLE(COLOR_DEFAULT), "%7s ",
                             number_text(reward, sizeof reward, sample->reward, 7));
        x = canvas_textf(c, x, line.y, -1, STYLE(COLOR_DEFAULT), "%6zu  ",
                         utf8_text_columns(sample->response, strlen(sample->response)));
        draw_first_line(c, x, line.y, line.x + line.width - x, sample->response);
        if (i == cursor) {
            canvas_put(c, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
}

// All of it, its first line at the rectangle's; returns how many lines it has.
static int draw_texts(struct canvas *c, struct rect at, const struct run_sample *sample, bool heat)
{
    const int prompt_lines = canvas_paragraph(c, at, 0, STYLE(COLOR_MUTED), sample->prompt, strlen(sample->prompt));
    at.y += prompt_lines;
    canvas_hline(c, at.x, at.y++, at.width, STYLE(COLOR_MUTED));
    return prompt_lines + 1 +
           (heat ? heat_paragraph(c, at, sample)
                 : canvas_paragraph(c, at, 0, STYLE(COLOR_DEFAULT), sample->response, strlen(sample->response)));
}

static void draw_sample(struct samples_state *s, struct canvas *c, struct rect r)
{
    const struct run_sample *sample = s->samples + chosen(s);
    char logp[32], reward[32], title[160];
    bool has_reward = isfinite(sample->reward);
    snprintf(title, sizeof title, "step %lld   log-probability %s%s%s", (long long)sample->step,
             number_text(logp, sizeof logp, sample->logp, 8), has_reward ? "   reward " : "",
             has_reward ? number_text(reward, sizeof reward, sample->reward, 8) : "");
    struct rect in = rect_inset(canvas_box(c, r, STYLE(COLOR_MUTED), title), 1, 0);
    if (in.height < 1 || in.width < 1)
        return;
    const bool heat = sample->n_credits > 0 && !s->plain;
    struct rect old = canvas_clip(c, (struct rect){0}); // its lines are counted first
    s->text_lines = draw_texts(c, (struct rect){in.x, in.y, in.width, 100000}, sample, heat);
    canvas_unclip(c, old);
    s->scroll = scroll_top(s->scroll, -1, s->text_lines, in.height);
    old = canvas_clip(c, in);
    draw_texts(c, (struct rect){in.x, in.y - s->scroll, in.width, 100000}, sample, heat);
    canvas_unclip(c, old);
    if (heat)
        heat_legend(c, r.x + 2, r.y + r.height - 1, r.width - 4 - MORE_COLUMNS, sample);
    s->text_height = in.height;
    if (s->text_lines - s->scroll > in.height)
        canvas_text(c, r.x + r.width - MORE_COLUMNS, r.y + r.height - 1, -1, STYLE(COLOR_ACCENT), " PgDn more ");
}

static void draw_samples(struct view *v, struct canvas *c, struct rect area)
{
    struct samples_state *s = v->state;
    struct run_row *r = ui_run(v->ui);
    if (s->trouble[0] || s->n == 0) {
        const char *text =
            s->trouble[0]                                             ? s->trouble
            : r && r->trouble[0]                                      ? r->trouble
            : r && (r->looked_s < 0 || (r->has_db && s->version < 0)) ? "Reading ..."
            : r && run_info_is_experiment(&r->info)
                ? "This is an experiment of several runs: the samples are on the pages of these. J and K go to the "
                  "next run and the one before."
            : r && run_state_is_live(r->status.state) ? "No samples yet: the run writes some at every evaluation."
                                                      : "This run has written no samples.";
        canvas_paragraph(c, rect_inset(area, 2, 1), 0, STYLE(s->trouble[0] ? COLOR_BAD : COLOR_MUTED), text, strlen(text));
        return;
    }
    if (area.width >= 140) {
        draw_list(s, c, rect_cut_left(&area, area.width * 2 / 5));
        rect_cut_left(&area, 1);
    } else {
        draw_list(s, c, rect_cut_top(&area, area.height > 30 ? area.height / 3 : area.height * 2 / 5));
    }
    draw_sample(s, c, area);
}

static enum view_result choose(struct samples_state *s, int to)
{
    if (s->n == 0)
        return VIEW_IGNORED;
    to = to < 0 ? 0 : to >= s->n ? s->n - 1 : to;
    if (to == chosen(s) && s->scroll == 0)
        return VIEW_IGNORED;
    // At the newest one the cursor follows: the next sample takes its place.
    s->chosen_id = to == 0 ? -1 : s->samples[to].id;
    s->scroll = 0;
    return VIEW_CHANGED;
}

static enum view_result scroll(struct samples_state *s, int lines)
{
    int most = s->text_lines > s->text_height ? s->text_lines - s->text_height : 0;
    int to = s->scroll + lines;
    const int before = s->scroll;
    s->scroll = to < 0 ? 0 : to > most ? most : to;
    return s->scroll == before ? VIEW_IGNORED : VIEW_CHANGED;
}

static enum view_result go_to(struct view *v, const char *arg)
{
    int64_t line;
    if (!arg)
        ui_ask(v->ui, CMD_GO, "go to sample", "");
    else if (text_to_i64(arg, &line) && line >= 1 && line <= INT32_MAX)
        return choose(v->state, (int)line - 1);
    else
        ui_say_error(v->ui, "go: %s is no line: the first one is 1", arg);
    return VIEW_CHANGED;
}

static enum view_result command_samples(struct view *v, enum command_id id, const char *arg)
{
    struct samples_state *s = v->state;
    switch (id) {
    case CMD_UP:
        return choose(s, chosen(s) - 1);
    case CMD_DOWN:
        return choose(s, chosen(s) + 1);
    case CMD_FIRST:
        return choose(s, 0);
    case CMD_LAST:
        return choose(s, s->n - 1);
    case CMD_GO:
        return go_to(v, arg);
    case CMD_HEAT:
        s->plain = !s->plain;
        if (s->n == 0 || s->samples[chosen(s)].n_credits == 0)
            ui_say(v->ui, "Rewards of tokens are %s where there are some: this %s.", s->plain ? "hidden" : "shown",
                   s->n ? "sample has none" : "run has no samples");
        return VIEW_CHANGED;
    case CMD_PAGE_UP:
        return scroll(s, -(s->text_height > 1 ? s->text_height - 1 : 1));
    case CMD_PAGE_DOWN:
        return scroll(s, s->text_height > 1 ? s->text_height - 1 : 1);
    default:
        return VIEW_IGNORED;
    }
}

static bool sample_value(const void *item, const char *name, int i, struct filter_value *out)
{
    const struct run_sample *sample = item;
    *out = (struct filter_value){.number = NAN};
    if (!name) {
        out->text = i == 0 ? sample->response : i == 1 ? sample->prompt : NULL;
        return out->text;
    }
    if (i > 0)
        return false;
    if (strcmp(name, "response") == 0 || strcmp(name, "prompt") == 0)
        out->text = *name == 'r' ? sample->response : sample->prompt;
    else
        out->number = strcmp(name, "step") == 0     ? (double)sample->step
                      : strcmp(name, "reward") == 0 ? sample->reward
                      : strcmp(name, "logp") == 0   ? sample->logp
                      : strcmp(name, "length") == 0 ? (double)utf8_text_columns(sample->response, strlen(sample->response))
                                                    : NAN;
    return out->text || !isnan(out->number);
}

static int find_count(struct view *v, int *at)
{
    const struct samples_state *s = v->state;
    *at = s->n ? chosen(s) : -1;
    return s->n;
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    const struct samples_state *s = v->state;
    return filter_matches(f, sample_value, &s->samples[i]);
}

static void find_go(struct view *v, int i)
{
    choose(v->state, i);
}

static bool copy_samples(struct view *v, struct str *out)
{
    const struct samples_state *s = v->state;
    if (s->n > 0)
        str_addf(out, "%s\n%s", s->samples[chosen(s)].prompt, s->samples[chosen(s)].response);
    return s->n > 0;
}

static bool tell_samples(struct view *v, bool all, struct str *out)
{
    const struct samples_state *s = v->state;
    char number[32];
    if (s->n == 0)
        return false; // the screen says why
    if (all)
        str_add(out, "The newest first; \"down\", \"up\" and a line's number go to another one.\n");
    const struct run_sample *x = &s->samples[chosen(s)];
    str_addf(out, "Sample %d of %d, step %lld", chosen(s) + 1, s->n, (long long)x->step);
    if (!isnan(x->reward))
        str_addf(out, ", reward %s", number_text(number, sizeof number, x->reward, 7));
    str_addf(out, ".\nPrompt: %s\nResponse: %s\n", x->prompt, x->response);
    return true;
}

const struct view_ops view_samples = {
    .tell = tell_samples,
    .find = &(const struct find_ops){find_count, find_matches, find_go},
    .title = "Samples",
    .open = open_samples,
    .close = close_samples,
    .shown = shown_samples,
    .draw = draw_samples,
    .command = command_samples,
    .refresh = refresh_samples,
    .save = save_samples,
    .restore = restore_samples,
    .copy = copy_samples,
};
