#include "config.h"

#include "ui/launch/launch_plan.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/human.h"
#include "base/str.h"

void launch_plan_fini(struct launch_plan *p)
{
    json_decref(p->answer);
    *p = (struct launch_plan){0};
}

static const json_t *cost_of(const struct launch_plan *p)
{
    return json_object_get(p->answer, "cost");
}

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

double launch_plan_seconds(const struct launch_plan *p)
{
    const double steps = number(cost_of(p), "steps");
    return p->like_step_s > 0 && steps > 0 ? steps * p->like_step_s : number(cost_of(p), "seconds");
}

struct pen {
    struct canvas *c;
    struct rect r;
};

static void say(struct pen *p, struct style style, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct pen *p, struct style style, const char *format, ...)
{
    struct str s = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&s, format, args);
    va_end(args);
    const struct rect none = {p->r.x, p->r.y, p->r.width, 0};
    const int lines = canvas_paragraph(p->c, none, 0, style, str_text(&s), s.len);
    canvas_paragraph(p->c, rect_cut_top(&p->r, lines), 0, style, str_text(&s), s.len);
    str_fini(&s);
}

static void draw_time(const struct launch_plan *p, struct pen *pen)
{
    char text[32], all[32];
    const json_t *cost = cost_of(p);
    const double steps = number(cost, "steps"), seconds = launch_plan_seconds(p);
    const bool measured = p->like_step_s > 0 && steps > 0;
    if (steps > 0)
        say(pen, STYLE(COLOR_DEFAULT), "steps   %.0f of about %.0f tokens%s", steps, number(cost, "tokens"),
            json_is_true(json_object_get(cost, "at_most")) ? " at most" : "");
    else
        say(pen, STYLE(COLOR_MUTED), "steps   known once all of the data is read: only its first rows were looked at");
    if (seconds <= 0)
        return;
    if (measured)
        say(pen, STYLE(COLOR_DEFAULT), "time    about %s, at %.3g s a step as in %s, which was like it; evaluations and "
            "samples come on top", human_seconds(text, sizeof text, seconds), p->like_step_s, p->like);
    else
        say(pen, STYLE(COLOR_DEFAULT), "time    %s %s: a guess from what a matrix product reaches on this machine now, for "
            "no run like it was done here yet", json_is_true(json_object_get(cost, "at_most")) ? "less than" : "about",
            human_seconds(text, sizeof text, seconds));
    if (p->n_runs > 1)
        say(pen, STYLE(COLOR_DEFAULT), "sweep   %d runs, at most %d at once: about %s of computing in all", p->n_runs,
            p->at_most, human_seconds(all, sizeof all, seconds * p->n_runs));
}

// The lines of the plan that are of that kind ("mapped", "spare"); NULL: what must be there. head: what is said of them, with
// their sum.
static void draw_lines_of(const json_t *memory, const char *kind, const char *head, struct pen *pen)
{
    char text[32];
    const json_t *row;
    size_t i;
    if (head && number(memory, kind) > 0)
        say(pen, STYLE(COLOR_MUTED), "beside  %10s  %s", human_bytes(text, sizeof text, number(memory, kind)), head);
    json_array_foreach(json_object_get(memory, "lines"), i, row) {
        const bool apart = json_is_true(json_object_get(row, "mapped")) || json_is_true(json_object_get(row, "spare"));
        if (kind ? json_is_true(json_object_get(row, kind)) : !apart)
            say(pen, STYLE(COLOR_MUTED), "        %10s  %s", human_bytes(text, sizeof text, number(row, "bytes")),
                json_string_value(json_object_get(row, "what")));
    }
}

static void draw_memory(const struct launch_plan *p, struct pen *pen)
{
    char text[32], has[32];
    const json_t *memory = json_object_get(p->answer, "memory"), *row;
    size_t i;
    const double bytes = number(memory, "bytes") * (p->n_runs < p->at_most ? p->n_runs : p->at_most),
                 free = number(memory, "available");
    pen->r.y++;
    pen->r.height--;
    say(pen, STYLE(bytes > free && free > 0 ? COLOR_BAD : COLOR_DEFAULT), "memory  about %s%s, %s are free%s",
        human_bytes(text, sizeof text, bytes), p->n_runs > 1 && p->at_most > 1 ? " for all that work at once" : "",
        human_bytes(has, sizeof has, free), json_is_true(json_object_get(memory, "gpu")) ? " on the GPU" : "");
    draw_lines_of(memory, NULL, NULL, pen);
    draw_lines_of(memory, "mapped", "mapped from files, best when it is free as well:", pen);
    draw_lines_of(memory, "spare", "for speed, taken only where four times as much is free:", pen);
    json_array_foreach(json_object_get(memory, "warnings"), i, row)
        say(pen, STYLE(COLOR_WARN), "note    %s", json_string_value(row));
}

static void draw_lines(const struct launch_plan *p, const char *command, struct pen *pen)
{
    if (!p->is_there) {
        say(pen, STYLE(COLOR_MUTED), "Checking model, data and memory ...");
        return;
    }
    if (p->fault.code) {
        say(pen, STYLE(COLOR_BAD), "It could not be started: %s", p->fault.text);
        return;
    }
    say(pen, STYLE(COLOR_GOOD), "ok      model, data, texts, tokens, device and memory were checked");
    const char *no_gpu = json_string_value(json_object_get(p->answer, "no_gpu"));
    if (no_gpu)
        say(pen, STYLE(COLOR_MUTED), "device  the CPU, for %s", no_gpu);
    const char *device = json_string_value(json_object_get(p->answer, "device"));
    if (device && !no_gpu && strcmp(device, "cpu") != 0)
        say(pen, STYLE(COLOR_DEFAULT), "device  %s", device);
    const json_t *rows = json_object_get(cost_of(p), "rows");
    if (json_is_integer(rows))
        say(pen, STYLE(COLOR_DEFAULT), "rows    %lld", (long long)json_integer_value(rows));
    draw_time(p, pen);
    draw_memory(p, pen);
    pen->r.y++;
    pen->r.height--;
    say(pen, STYLE(COLOR_MUTED), "$ %s", command);
}

int launch_plan_draw(const struct launch_plan *p, const char *command, int top, struct canvas *c, struct rect area)
{
    const struct rect in =
        rect_inset(canvas_box(c, area, STYLE(COLOR_ACCENT), "What it would take; nothing is started"), 1, 0);
    struct canvas none;
    canvas_init(&none, 1, 1, c->glyphs, true);
    const int beyond = launch_plan_draw_lines(p, command, 0, &none, in) - in.height;
    canvas_fini(&none);
    top = top > beyond ? beyond : top;
    top = top < 0 ? 0 : top;
    launch_plan_draw_lines(p, command, top, c, in);
    if (beyond > 0 && area.height > 1)
        canvas_text_right(c, area.x, area.y + area.height - 1, area.width - 2, STYLE(COLOR_ACCENT),
                          top < beyond ? " Down: more " : " Up: the beginning ");
    return top;
}

int launch_plan_draw_lines(const struct launch_plan *p, const char *command, int top, struct canvas *c, struct rect area)
{
    enum { ENDLESS = 1 << 20 };
    struct pen pen = {c, {area.x, area.y - top, area.width, ENDLESS}};
    const struct rect old = canvas_clip(c, area);
    draw_lines(p, command, &pen);
    canvas_unclip(c, old);
    return ENDLESS - pen.r.height;
}
