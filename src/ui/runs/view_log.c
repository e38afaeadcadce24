// What happened: the run's events, and what its engine printed. The newest line is at the bottom and is followed until
// the person moves up.
#include "config.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/kept.h"
#include "ui/term/sgr.h"
#include "ui/view.h"

enum level { LEVEL_ALL, LEVEL_WARN, LEVEL_ENGINE, N_LEVELS };
enum { TAIL_BYTES = 64 * 1024, AT_ALERT = -2 };

struct log_state {
    char run[128];
    enum level level;
    bool wrap;
    struct run_event *events; // oldest first
    int n, cap;
    int64_t version;
    struct sgr_text tail;     // the end of engine.log
    int64_t tail_size;        // of the whole file when it was read
    int back;                 // lines above the newest; 0: follows
    int lines, height;        // of the last drawing
    int found;                // line of what is shown (an event, or a line of the output) that / found; -1: none, AT_ALERT:
                              // what this console found
    bool seek;                // it is to be brought into sight
    size_t *index;            // (n_index) what / looks through: places of events, or bytes where lines of the output begin
    int n_index, index_cap;
    char trouble[300];
};

static int open_log(struct view *v, struct err *e)
{
    struct log_state *s = mem_alloc(1, sizeof *s);
    s->wrap = true;
    v->state = s;
    return 0;
}

static void forget(struct log_state *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->events[i].text);
    s->n = 0;
    sgr_fini(&s->tail);
    s->tail_size = -2; // not looked for; -1: there is no file
    s->version = -1;
    s->back = 0;
    s->found = -1;
    s->trouble[0] = '\0';
}

static void close_log(struct view *v)
{
    struct log_state *s = v->state;
    forget(s);
    free(s->events);
    free(s->index);
    free(s);
}

static void shown_log(struct view *v)
{
    struct log_state *s = v->state;
    struct run_row *r = ui_run(v->ui);
    if (r && strcmp(s->run, r->info.name) != 0) {
        forget(s);
        text_copy(s->run, sizeof s->run, r->info.name);
    }
}

static void save_log(const struct view *v, json_t *into)
{
    const struct log_state *s = v->state;
    json_object_set_new(into, "level", json_integer(s->level));
    json_object_set_new(into, "wrap", json_boolean(s->wrap));
}

static void restore_log(struct view *v, const json_t *from)
{
    struct log_state *s = v->state;
    s->level = (enum level)kept_int(from, "level", 0, N_LEVELS - 1, s->level);
    s->wrap = kept_bool(from, "wrap", s->wrap);
}

static void read_tail(struct view *v, struct run_row *r)
{
    struct log_state *s = v->state;
    char *dir = store_run_dir(ui_store(v->ui), r->info.name);
    char *path = path_join(dir, "engine.log");
    free(dir);
    int64_t size = file_size(path);
    int fd = size != s->tail_size && size > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        int64_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
        char *bytes = mem_alloc(TAIL_BYTES + 1, 1);
        ssize_t n = pread(fd, bytes, TAIL_BYTES, from);
        close(fd);
        const size_t n_bytes = n > 0 ? (size_t)n : 0;
        const char *line = from > 0 ? memchr(bytes, '\n', n_bytes) : NULL; // not from the middle of one, or of a sequence
        const size_t skip = line ? (size_t)(line + 1 - bytes) : 0;
        sgr_read(&s->tail, bytes + skip, n_bytes - skip);
        free(bytes);
        s->tail_size = size;
    }
    if (size <= 0)
        s->tail_size = size < 0 ? -1 : 0;
    free(path);
}

static enum view_refresh refresh_log(struct view *v)
{
    struct log_state *s = v->state;
    struct run_row *r = ui_run(v->ui);
    struct run_event *events;
    struct err fault = {0};
    int n;
    shown_log(v);
    if (!r)
        return REFRESH_NOTHING;
    if (s->level == LEVEL_ENGINE)
        read_tail(v, r);
    if (!r->has_db || r->version == s->version)
        return REFRESH_DRAW;
    struct run_reader *reader = run_row_reader(r);
    if (!reader)
        return REFRESH_DRAW;
    s->version = r->version;
    if (run_reader_events(reader, s->n ? s->events[s->n - 1].id : 0, &events, &n, &fault)) {
        text_copy(s->trouble, sizeof s->trouble, fault.text);
        return REFRESH_DRAW;
    }
    for (int i = 0; i < n; i++) {
        MEM_GROW(s->events, s->n, s->cap);
        s->events[s->n++] = events[i]; // its text is taken over
    }
    free(events);
    return REFRESH_DRAW;
}

static struct style level_style(const char *level)
{
    if (strcmp(level, "error") == 0)
        return STYLE(COLOR_BAD, .attr = ATTR_BOLD);
    return strcmp(level, "warn") == 0 ? STYLE(COLOR_WARN, .attr = ATTR_BOLD) : STYLE(COLOR_MUTED);
}

static bool is_shown(const struct log_state *s, const struct run_event *event)
{
    return s->level == LEVEL_ALL || strcmp(event->level, "info") != 0;
}

// What nobody could write down: an engine that was killed has no last word, and run.db has no other writer; alerts are
// what this console made of the metrics. They stand behind the recorded events as long as they are so.
static int found_events(const struct run_row *r, struct run_event *out, char *text, size_t size)
{
    int n = 0;
    if (!r || r->trouble[0])
        return 0;
    if (r->status.state == RUN_DEAD) {
        snprintf(text, size, "the engine, process %d, is gone without a word, killed from outside or by a lack of memory; "
                 "the end of its output (v) may say more. r goes on from the newest checkpoint", r->status.pid);
        out[n] = (struct run_event){.at_ms = r->status.heartbeat_ms, .step = r->status.step, .text = text};
        text_copy(out[n].level, sizeof out[n].level, "error");
        text_copy(out[n++].kind, sizeof out[n].kind, "dead");
    }
    if (r->alert) {
        out[n] = (struct run_event){.at_ms = r->status.heartbeat_ms, .step = r->status.step, .text = (char *)r->alert_text};
        text_copy(out[n].level, sizeof out[n].level, "warn");
        text_copy(out[n].kind, sizeof out[n].kind, r->alert->name);
        n++;
    }
    return n;
}

enum { TEXT_COLUMN = 35, MOST_FOUND = 2 };

// One event at `at` (or nothing where r is empty); returns how many lines it takes.
static int draw_event(const struct log_state *s, struct canvas *c, struct rect r, int y, const struct run_event *event)
{
    char time[32];
    bool narrow = r.width < 70;
    int column = narrow ? 14 : TEXT_COLUMN;
    struct rect text = {r.x + column, y, r.width - column - 1, 100000};
    int lines = 1;
    if (s->wrap)
        lines = canvas_paragraph(c, text, 0, STYLE(COLOR_DEFAULT), event->text, strlen(event->text));
    else
        canvas_text(c, text.x, y, text.width, STYLE(COLOR_DEFAULT), event->text);
    canvas_text(c, r.x + 1, y, -1, STYLE(COLOR_MUTED), clock_text(time, sizeof time, event->at_ms, "%H:%M:%S"));
    canvas_text(c, r.x + 10, y, narrow ? 3 : 5, level_style(event->level), event->level);
    if (!narrow) {
        canvas_textf(c, r.x + 15, y, 7, STYLE(COLOR_MUTED), "%7lld", (long long)event->step);
        canvas_text(c, r.x + 23, y, 11, STYLE(COLOR_DEFAULT), event->kind);
    }
    return lines > 0 ? lines : 1;
}

// Scrolls so that this line of the page stands in its upper half.
static void bring_into_sight(struct log_state *s, int line)
{
    const int back = s->lines - line - (s->height + 1) / 2, most = s->lines > s->height ? s->lines - s->height : 0;
    s->back = back < 0 ? 0 : back > most ? most : back;
    s->seek = false;
}

// Draws everything twice: once outside of the clip to count the lines, then with the wanted line at the bottom.
static void draw_events(struct log_state *s, struct canvas *c, struct rect r, const struct run_row *run)
{
    struct run_event found[MOST_FOUND];
    char text[300];
    int lines = 0, n_found = found_events(run, found, text, sizeof text);
    struct rect old = canvas_clip(c, (struct rect){0});
    int found_line = 0;
    for (int i = 0, k = 0; i < s->n; i++)
        if (is_shown(s, s->events + i)) {
            found_line = k++ == s->found ? lines : found_line;
            lines += draw_event(s, c, r, 0, s->events + i);
        }
    for (int i = 0; i < n_found; i++) {
        found_line = s->found == AT_ALERT && i + 1 == n_found ? lines : found_line;
        lines += draw_event(s, c, r, 0, found + i);
    }
    canvas_unclip(c, old);
    s->lines = lines;
    s->height = r.height;
    if (s->seek)
        bring_into_sight(s, found_line);
    if (s->back > lines - r.height)
        s->back = lines > r.height ? lines - r.height : 0;
    int y = lines <= r.height ? r.y : r.y + r.height - lines + s->back;
    old = canvas_clip(c, r);
    for (int i = 0, k = 0; i < s->n; i++)
        if (is_shown(s, s->events + i)) {
            if (k++ == s->found)
                canvas_put(c, r.x, y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            y += draw_event(s, c, r, y, s->events + i);
        }
    for (int i = 0; i < n_found; i++) {
        if (s->found == AT_ALERT && i + 1 == n_found)
            canvas_put(c, r.x, y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
        y += draw_event(s, c, r, y, found + i);
    }
    canvas_unclip(c, old);
}

// Bytes of the line of the engine's output that begins there, with its end; 0: none does.
static size_t line_bytes(const struct log_state *s, size_t from)
{
    const char *at = str_text(&s->tail.text) + from;
    const size_t left = s->tail.text.len - from;
    const char *end = left ? memchr(at, '\n', left) : NULL;
    return end ? (size_t)(end + 1 - at) : left;
}

// The i-th line of the engine's output; NULL: there are not so many.
static const char *tail_line(const struct log_state *s, int i)
{
    size_t from = 0;
    for (size_t n; (n = line_bytes(s, from)) > 0; from += n)
        if (i-- == 0)
            return str_text(&s->tail.text) + from;
    return NULL;
}

static void draw_tail(struct log_state *s, struct canvas *c, struct rect r)
{
    r = rect_inset(r, 1, 0);
    const struct rect none = {r.x, r.y, r.width, 0};
    const char *text = str_text(&s->tail.text);
    const int lines = canvas_paragraph(c, none, 0, STYLE(COLOR_DEFAULT), text, s->tail.text.len);
    const char *found = s->found >= 0 ? tail_line(s, s->found) : NULL;
    const int before =
        found && found > text ? canvas_paragraph(c, none, 0, STYLE(COLOR_DEFAULT), text, (size_t)(found - text) - 1) : 0;
    s->lines = lines;
    s->height = r.height;
    if (s->seek)
        bring_into_sight(s, before);
    if (s->back > lines - r.height)
        s->back = lines > r.height ? lines - r.height : 0;
    int skip = lines > r.height ? lines - r.height - s->back : 0;
    if (s->tail.n_spans)
        canvas_paragraph_spans(c, r, skip, s->tail.spans, s->tail.n_spans, text, s->tail.text.len);
    if (found && before >= skip && before - skip < r.height)
        canvas_put(c, r.x - 1, r.y + before - skip, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
}

// "None" is said only of what was read.
static const char *nothing_text(const struct log_state *s, const struct run_row *run)
{
    if (s->level == LEVEL_ENGINE)
        return s->tail_size >= -1 ? "The engine has printed nothing." : "Reading ...";
    if (run && run->has_db && s->version != run->version)
        return "Reading ...";
    return s->n > 0             ? "No warnings and no errors."
           : run && run->has_db ? "Nothing was recorded yet."
                                : "The engine has not started yet.";
}

static void draw_log(struct view *v, struct canvas *c, struct rect area)
{
    const struct run_row *run = ui_run(v->ui);
    static const char *const titles[] = {"all events", "warnings and errors", "the engine's own output (engine.log)"};
    struct log_state *s = v->state;
    struct rect head = rect_cut_top(&area, 1);
    canvas_hline(c, head.x, head.y, head.width, STYLE(COLOR_MUTED));
    canvas_textf(c, head.x + 2, head.y, head.width - 3, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), " %s ", titles[s->level]);
    if (s->level == LEVEL_ENGINE)
        draw_tail(s, c, area);
    else
        draw_events(s, c, area, run);
    if (run && run->trouble[0])
        canvas_paragraph(c, rect_inset(area, 1, 0), 0, STYLE(COLOR_BAD), run->trouble, strlen(run->trouble));
    else if (s->trouble[0])
        canvas_text(c, area.x + 1, area.y, area.width - 2, STYLE(COLOR_BAD), s->trouble);
    else if (s->lines == 0)
        canvas_text(c, area.x + 1, area.y, area.width - 2, STYLE(COLOR_MUTED), nothing_text(s, run));
    if (s->back > 0)
        canvas_textf(c, head.x + head.width - 24, head.y, -1, STYLE(COLOR_ACCENT), " %d below, G follows ", s->back);
}

static enum view_result command_log(struct view *v, enum command_id id, const char *arg)
{
    struct log_state *s = v->state;
    int page = s->height > 1 ? s->height - 1 : 1, most = s->lines > s->height ? s->lines - s->height : 0;
    const int before = s->back;
    int to = before;
    switch (id) {
    case CMD_UP:
        to++;
        break;
    case CMD_DOWN:
        to--;
        break;
    case CMD_PAGE_UP:
        to += page;
        break;
    case CMD_PAGE_DOWN:
        to -= page;
        break;
    case CMD_FIRST:
        to = most;
        break;
    case CMD_LAST:
        to = 0;
        break;
    case CMD_ALERT:
        s->level = s->level == LEVEL_ENGINE ? LEVEL_ALL : s->level;
        s->found = AT_ALERT;
        s->seek = true;
        refresh_log(v);
        return VIEW_CHANGED;
    case CMD_WRAP:
        s->wrap = !s->wrap;
        ui_say(v->ui, s->wrap ? "Long lines are broken." : "Long lines are cut at the edge.");
        return VIEW_CHANGED;
    case CMD_LEVEL:
        s->level = (s->level + 1) % N_LEVELS;
        s->back = 0;
        s->found = -1;
        refresh_log(v);
        return VIEW_CHANGED;
    default:
        return VIEW_IGNORED;
    }
    s->back = to < 0 ? 0 : to > most ? most : to;
    return s->back == before ? VIEW_IGNORED : VIEW_CHANGED;
}

static bool event_value(const void *item, const char *name, int i, struct filter_value *out)
{
    const struct run_event *event = item;
    const char *const texts[] = {event->text, event->kind, event->level};
    static const char *const names[] = {"text", "kind", "level"};
    *out = (struct filter_value){.number = NAN};
    for (int k = 0; k < 3; k++)
        if (name ? i == 0 && strcmp(name, names[k]) == 0 : k == i)
            out->text = texts[k];
    if (name && i == 0 && strcmp(name, "step") == 0)
        out->number = (double)event->step;
    return out->text || !isnan(out->number);
}

static bool line_value(const void *item, const char *name, int i, struct filter_value *out)
{
    *out = (struct filter_value){.text = i == 0 && (!name || strcmp(name, "text") == 0) ? item : NULL, .number = NAN};
    return out->text;
}

static void add_place(struct log_state *s, size_t place)
{
    MEM_GROW(s->index, s->n_index, s->index_cap);
    s->index[s->n_index++] = place;
}

// Every search begins here: what is looked through afterwards is that of now.
static int find_count(struct view *v, int *at)
{
    struct log_state *s = v->state;
    s->n_index = 0;
    if (s->level == LEVEL_ENGINE) {
        for (size_t from = 0, n; (n = line_bytes(s, from)) > 0; from += n)
            add_place(s, from);
    } else {
        for (int i = 0; i < s->n; i++)
            if (is_shown(s, s->events + i))
                add_place(s, (size_t)i);
    }
    *at = s->found >= 0 ? s->found : -1;
    return s->n_index;
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    const struct log_state *s = v->state;
    if (s->level != LEVEL_ENGINE)
        return filter_matches(f, event_value, &s->events[s->index[i]]);
    const char *line = str_text(&s->tail.text) + s->index[i];
    const size_t n = line_bytes(s, s->index[i]);
    char *copy = mem_strndup(line, n - (line[n - 1] == '\n'));
    bool matches = filter_matches(f, line_value, copy);
    free(copy);
    return matches;
}

static void find_go(struct view *v, int i)
{
    struct log_state *s = v->state;
    s->found = i;
    s->seek = true;
}

const struct view_ops view_log = {
    .find = &(const struct find_ops){find_count, find_matches, find_go},
    .title = "Log",
    .open = open_log,
    .close = close_log,
    .shown = shown_log,
    .draw = draw_log,
    .command = command_log,
    .refresh = refresh_log,
    .save = save_log,
    .restore = restore_log,
};
