// What surrounds a page: the strip at the top, the run's own lines on its pages, the message or prompt, the hints.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/manner.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/machine.h"
#include "ui/runs/run_text.h"
#include "ui/term/keys.h"
#include "ui/ui_internal.h"

// Of the numbered pages with their names, and of the page that is shown where it has no number.
static int strip_columns(enum page here)
{
    int n = here == PAGE_HELP ? (int)strlen("[Help]") : (int)here >= N_NUMBERED ? (int)strlen(ui_page_title(here)) + 2 : 0;
    for (int page = 0; page < N_NUMBERED; page++)
        n += ui_page_exists((enum page)page) ? (int)strlen(ui_page_title((enum page)page)) + 4 : 0;
    return n;
}

static void add_zone(struct ui *ui, struct rect r, enum page page, const struct command_row *row)
{
    if (ui->n_zones < MAX_ZONES)
        ui->zones[ui->n_zones++] = (struct zone){r, row, page};
}

// Whether the digits of the strip turn pages here; where they are judgements, or keys of one's own, Alt and a digit does.
static bool digits_turn(const struct ui *ui)
{
    const enum page here = ui->page;
    const struct view *v = &ui->views[here];
    if (v->is_open && v->ops->takes_digits && !v->ops->takes_digits(v)) // nothing is there to be judged
        return true;
    for (int page = 0; page < N_NUMBERED; page++) {
        const struct command_row *by_digit = command_by_key('1' + page, here),
                                 *by_alt = command_by_key(('1' + page) | KEY_ALT_, here);
        if (by_alt && (!by_digit || by_digit->id != by_alt->id))
            return false;
    }
    return true;
}

static void draw_strip(struct ui *ui, struct rect r)
{
    struct canvas *c = &ui->canvas;
    struct style muted = STYLE(COLOR_MUTED);
    int x = r.x + 1;
    if (!digits_turn(ui)) // as long as the name, so that the pages stay where they are
        x = canvas_text(c, x + 1, r.y, -1, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), "Alt-N:") + 1;
    else if (r.width >= 60)
        x = canvas_text(c, x, r.y, -1, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), "attune") + 2;
    struct str right = {0};
    if (manner_is(MANNER_READ_ONLY))
        str_add(&right, "read-only ");
    if (ui->frozen)
        str_add(&right, "FROZEN (Z) ");
    if (ui->link_period_s > 0)
        str_addf(&right, "slow link: a frame %s ",
                 ui->link_period_s < 1 ? "in 0.5 s" : ui->link_period_s > 1 ? "in 2 s" : "a second");
    if (ui->runs.n_live)
        str_addf(&right, "%d live ", ui->runs.n_live);
    // What goes on has its place; where both have not, pages are numbers alone.
    const bool whole = strip_columns(ui->page) + (int)right.len <= r.width - x;
    for (int page = PAGE_RUNS; page < PAGE_HELP; page++) {
        bool here = page == (int)ui->page;
        if (!ui_page_exists((enum page)page) || (page >= PAGE_LAUNCH && !here))
            continue;
        char label[40];
        if (page < N_NUMBERED && !here && !whole)
            snprintf(label, sizeof label, " %d", page + 1);
        else if (page < N_NUMBERED)
            snprintf(label, sizeof label, here ? "[%d %s]" : " %d %s ", page + 1, ui_page_title((enum page)page));
        else
            snprintf(label, sizeof label, whole ? "[%s]" : " [%s]", ui_page_title((enum page)page));
        const int from = x;
        x = canvas_text(c, x, r.y, -1, here ? STYLE(COLOR_ACCENT, .attr = ATTR_BOLD) : muted, label);
        add_zone(ui, (struct rect){from, r.y, x - from, 1}, (enum page)page, NULL);
    }
    if (ui->page == PAGE_HELP)
        x = canvas_text(c, whole ? x : x + 1, r.y, -1, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), "[Help]");
    int room = r.x + r.width - x - 1;
    if (ui->machine) {
        struct str busy = {0};
        machine_text(ui->machine, room - (int)right.len - 2, &busy);
        if (busy.len)
            str_addf(&right, "%s%s ", right.len ? " " : "", str_text(&busy));
        str_fini(&busy);
    }
    if ((int)right.len == room + 1) // without the blank at the edge
        right.data[--right.len] = '\0';
    if ((int)right.len <= room)
        canvas_text_right(c, x + 1, r.y, room, ui->frozen ? STYLE(COLOR_WARN) : muted, str_text(&right));
    str_fini(&right);
}

// What is wrong is told whole, as long as the page keeps its room; settings have one line.
static int description_lines(const struct run_row *r, struct rect area)
{
    if (!run_is_bad(r) && !r->alert)
        return 1;
    struct str text = {0};
    struct canvas none;
    run_describe(r, &text);
    canvas_init(&none, 1, 1, GLYPHS_ASCII, true);
    int most = area.height >= 30 ? 5 : 3;
    int lines = canvas_paragraph(&none, (struct rect){0, 0, area.width - 2, 0}, 0, STYLE(COLOR_DEFAULT),
                                 str_text(&text), text.len);
    canvas_fini(&none);
    str_fini(&text);
    return lines < most ? lines : most;
}

static void draw_run_strip(struct ui *ui, struct run_row *r, struct rect area)
{
    struct canvas *c = &ui->canvas;
    char text[64];
    int x = area.x + 1, y = area.y, right = area.x + area.width - 1;
    canvas_put(c, x, y, (uint32_t)r->letter, STYLE(COLOR_SERIES + r->index % N_SERIES_COLORS, .attr = ATTR_BOLD));
    x = canvas_text(c, x + 2, y, area.width / 3, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), r->info.name) + 1;
    x = canvas_text(c, x, y, -1, run_state_style(r), run_state_text(r)) + 2;
    if (r->alert)
        x = canvas_text(c, x, y, -1, STYLE(COLOR_WARN, .attr = ATTR_BOLD), r->alert->name) + 2;
    if (r->status.total_steps > 0) {
        int width = area.width >= 120 ? 20 : area.width >= 72 ? 10 : 0;
        double share = (double)r->status.step / (double)r->status.total_steps;
        if (width) {
            canvas_bar(c, x, y, width, share, STYLE(COLOR_ACCENT));
            x += width + 1;
        }
        x = canvas_textf(c, x, y, right - x, STYLE(COLOR_DEFAULT), "%lld/%lld", (long long)r->status.step,
                         (long long)r->status.total_steps) + 2;
    }
    if (run_state_is_live(r->status.state) && r->status.tokens_per_s > 0)
        x = canvas_textf(c, x, y, right - x, STYLE(COLOR_MUTED), "%s tok/s",
                         human_count(text, sizeof text, r->status.tokens_per_s)) +
            2;
    if (run_state_is_live(r->status.state) && r->status.seconds_left > 0)
        x = canvas_textf(c, x, y, right - x, STYLE(COLOR_MUTED), "%s left",
                         human_seconds(text, sizeof text, r->status.seconds_left)) +
            2;
    if (area.height < 2)
        return;
    struct str line = {0};
    run_describe(r, &line);
    struct style style = STYLE(run_is_bad(r) ? COLOR_BAD : r->alert ? COLOR_WARN : COLOR_MUTED);
    if (area.height > 2)
        canvas_paragraph(c, (struct rect){area.x + 1, y + 1, area.width - 2, area.height - 1}, 0, style,
                         str_text(&line), line.len);
    else
        canvas_text(c, area.x + 1, y + 1, area.width - 2, style, str_text(&line));
    str_fini(&line);
}

enum { PLACE_FIND = 18, PLACE_HELP = 19, PLACE_OUT = 20 }; // of the table's last column

// "Enter keep  Esc leave": the keys as those of the table are drawn.
static void draw_given_hints(struct canvas *c, struct rect r, const char *hints)
{
    int x = r.x + 1;
    while (*hints) {
        char key[16], title[60];
        size_t n = strcspn(hints, " "), all = strstr(hints, "  ") ? (size_t)(strstr(hints, "  ") - hints) : strlen(hints);
        n = n < all ? n : all;
        snprintf(key, sizeof key, "%.*s", (int)n, hints);
        snprintf(title, sizeof title, "%.*s", (int)(all - n), hints + n);
        if (x + (int)all > r.x + r.width - 1)
            return;
        x = canvas_text(c, x, r.y, -1, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), key);
        x = canvas_text(c, x, r.y, -1, STYLE(COLOR_DEFAULT), title) + 2;
        hints += all + strspn(hints + all, " ");
    }
}

// What the keys do where a page's own are not asked.
static const char *hints_now(struct ui *ui)
{
    struct view *v = &ui->views[ui->page];
    switch (ui->prompt.kind) {
    case PROMPT_COMMAND:
        return "Enter run  Tab complete  Up/Down choose  Ctrl-r earlier ones  Esc leave";
    case PROMPT_ASK:
        return "Enter take  Esc leave  Tab complete  Ctrl-u empty";
    case PROMPT_CONFIRM:
        return "y yes  n no";
    case PROMPT_NONE:
        break;
    }
    return v->ops->hints ? v->ops->hints(v) : NULL;
}

// A hint's key, of those that the row has the first. Returns its columns with its title, without the gap after.
static int hint_width(const struct command_row *row, enum page page, char *key, size_t size)
{
    const char *keys = row_keys(row, page);
    snprintf(key, size, "%.*s", (int)strcspn(keys, " "), keys);
    return (int)(strlen(key) + 1 + strlen(row->title));
}

static bool is_hint(struct ui *ui, const struct command_row *row, int place)
{
    const bool needs_run = ui->page == PAGE_RUNS && ui->runs.n == 0 && place < 18 && row->id != CMD_NEW &&
                           row->id != CMD_DEMO && row->id != CMD_RECIPES;
    return row->hint == place && row->pages >> ui->page & 1 && *row_keys(row, ui->page) && !needs_run &&
           run_takes(ui, row->id);
}

// Find, help and the way out are always there, at the end; on a small screen the last two.
static int columns_kept(struct ui *ui, int width, int place)
{
    int n = 0;
    char key[16];
    for (const struct command_row *row = command_rows; row->id; row++) {
        const bool is_last = row->hint == PLACE_HELP || row->hint == PLACE_OUT || (row->hint == PLACE_FIND && width >= 60);
        if (is_last && row->hint > place && is_hint(ui, row, row->hint))
            n += hint_width(row, ui->page, key, sizeof key) + 2;
    }
    return n;
}

// As many as fit of what can be done now, in the order of the table's last column.
static void draw_hints(struct ui *ui, struct rect r)
{
    struct canvas *c = &ui->canvas;
    const char *given = hints_now(ui);
    int x = r.x + 1;
    if (given) {
        draw_given_hints(c, r, given);
        return;
    }
    for (int place = 1; place <= PLACE_OUT; place++) {
        const int end = r.x + r.width - 1 - columns_kept(ui, r.width, place);
        for (const struct command_row *row = command_rows; row->id; row++) {
            char key[16];
            if (!is_hint(ui, row, place))
                continue;
            const int width = hint_width(row, ui->page, key, sizeof key);
            if (x + width > end)
                continue;
            add_zone(ui, (struct rect){x, r.y, width, 1}, ui->page, row);
            x = canvas_text(c, x, r.y, -1, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), key) + 1;
            x = canvas_text(c, x, r.y, -1, STYLE(COLOR_DEFAULT), row->title) + 2;
        }
    }
}

// Returns how many lines the message has in this width.
static int draw_message(struct ui *ui, struct rect r)
{
    struct style style = ui->message_is_error ? STYLE(COLOR_BAD, .attr = ATTR_BOLD) : STYLE(COLOR_DEFAULT);
    const char *text = ui->teach ? teach_text(ui) : ui->message;
    return canvas_paragraph(&ui->canvas, rect_inset(r, 1, 0), 0, ui->teach ? STYLE(COLOR_ACCENT) : style, text,
                            strlen(text));
}

// What is asked or said is never cut: it takes lines from the page.
static int foot_lines(struct ui *ui, struct rect r)
{
    int most = r.height / 2;
    int lines = ui->prompt.kind ? prompt_lines(ui, r.width)
                                : draw_message(ui, (struct rect){r.x, r.y, r.width, 0});
    return lines < 1 ? 1 : lines > most ? most : lines;
}

static void draw_view(struct ui *ui, struct rect r)
{
    if (r.width < 1 || r.height < 1)
        return;
    struct view *v = &ui->views[ui->page];
    ui->page_area = r;
    struct rect old = canvas_clip(&ui->canvas, r);
    v->ops->draw(v, &ui->canvas, r);
    canvas_unclip(&ui->canvas, old);
}

void ui_draw(struct ui *ui)
{
    struct canvas *c = &ui->canvas;
    canvas_clear(c);
    ui->n_zones = 0;
    ui->page_area = (struct rect){0};
    struct rect r = canvas_area(c);
    if (r.width < 40 || r.height < 12) {
        canvas_textf(c, 0, 0, r.width, STYLE(COLOR_WARN), "need 40x12, have %dx%d", r.width, r.height);
        return;
    }
    bool small = r.width < 60 || r.height < 15;
    draw_strip(ui, rect_cut_top(&r, 1));
    int lines = foot_lines(ui, r);
    // Without the hint line a message has the page's last line while it is there, as on a small screen.
    const bool shares = small || ui->no_hints,
               no_foot = ui->no_hints && !small && !ui->message[0] && !ui->prompt.kind && !ui->teach;
    struct rect hints = rect_cut_bottom(&r, no_foot ? 0 : shares ? lines : 1);
    struct rect line = shares ? hints : rect_cut_bottom(&r, lines);
    struct run_row *run = ui_run(ui);
    if (run && (IN_RUN >> ui->page & 1))
        draw_run_strip(ui, run, rect_cut_top(&r, small ? 1 : 1 + description_lines(run, r)));
    draw_view(ui, r);
    if (!ui->no_hints && (!small || (!ui->message[0] && !ui->prompt.kind && !ui->teach)))
        draw_hints(ui, hints);
    if (ui->prompt.kind) {
        prompt_draw(ui, c, line, r);
    } else {
        draw_message(ui, line);
    }
}
