// The pairs that wait, as a list in which some are marked and judged with one key.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/label/label_view.h"

static int place_of(const struct label_state *s, int64_t number)
{
    for (int i = 0; i < s->n_marked; i++)
        if (s->marked[i] == number)
            return i;
    return -1;
}

static void set_mark(struct label_state *s, int64_t number, bool on)
{
    const int at = place_of(s, number);
    if (on && at < 0) {
        MEM_GROW(s->marked, s->n_marked, s->cap_marked);
        s->marked[s->n_marked++] = number;
    } else if (!on && at >= 0) {
        s->marked[at] = s->marked[--s->n_marked];
    }
}

static void hold_row(struct label_state *s)
{
    const int last = s->now.n_list - 1;
    s->row = s->row > last ? last : s->row;
    s->row = s->row < 0 ? 0 : s->row;
    if (s->range > last)
        s->range = -1;
}

static bool in_range(const struct label_state *s, int row)
{
    return s->range >= 0 && ((row >= s->range && row <= s->row) || (row <= s->range && row >= s->row));
}

// Of the rows that are listed.
static bool is_marked(const struct label_state *s, int row)
{
    return in_range(s, row) || place_of(s, s->now.list[row].number) >= 0;
}

static void end_range(struct label_state *s)
{
    for (int i = 0; i < s->now.n_list; i++)
        if (in_range(s, i))
            set_mark(s, s->now.list[i].number, true);
    s->range = -1;
}

static enum view_result mark_all(struct label_state *s)
{
    const bool none = s->n_marked == 0 && s->range < 0;
    s->n_marked = 0;
    s->range = -1;
    for (int i = 0; i < s->now.n_list && none; i++)
        set_mark(s, s->now.list[i].number, true);
    return VIEW_CHANGED;
}

static enum view_result turn_list(struct view *v)
{
    struct label_state *s = v->state;
    s->listing = !s->listing && s->now.kind != LABEL_OF_NOTHING;
    s->n_marked = s->row = s->top = 0;
    s->range = -1;
    label_ask(v, (struct label_request){.what = LABEL_LIST, .number = s->listing});
    return VIEW_CHANGED;
}

enum view_result label_list_judge(struct view *v, enum verdict verdict)
{
    struct label_state *s = v->state;
    hold_row(s);
    if (s->busy || s->now.n_list == 0) // what is listed is not what there will be
        return VIEW_KEPT;
    end_range(s);
    struct label_request r = {.what = LABEL_JUDGE_MANY, .verdict = verdict};
    r.marked = mem_alloc((size_t)s->now.n_list, sizeof *r.marked);
    for (int i = 0; i < s->now.n_list; i++)
        if (s->n_marked ? is_marked(s, i) : i == s->row)
            r.marked[r.n_marked++] = (struct label_mark){s->now.list[i].number, s->now.list[i].swapped};
    s->n_marked = 0;
    label_ask(v, r);
    return VIEW_CHANGED;
}

static enum view_result move(struct label_state *s, int by)
{
    s->row += by;
    hold_row(s);
    return VIEW_CHANGED;
}

static enum view_result show_pair(struct view *v)
{
    struct label_state *s = v->state;
    if (s->now.n_list == 0)
        return VIEW_KEPT;
    label_ask(v, (struct label_request){.what = LABEL_GO, .number = s->now.list[s->row].number});
    return turn_list(v);
}

static enum view_result mark_row(struct label_state *s)
{
    if (s->now.n_list == 0)
        return VIEW_KEPT;
    const int64_t number = s->now.list[s->row].number;
    set_mark(s, number, place_of(s, number) < 0);
    return move(s, 1);
}

enum view_result label_list_command(struct view *v, enum command_id id)
{
    struct label_state *s = v->state;
    const int page = s->height > 6 ? s->height - 6 : 1;
    if (id == CMD_LABEL_LIST)
        return turn_list(v);
    const bool of_list = id == CMD_SELECT || id == CMD_SELECT_ALL || id == CMD_RANGE || id == CMD_OPEN;
    if (!s->listing && of_list) {
        ui_say(v->ui, "p lists the pairs that wait: there they are marked.");
        return VIEW_KEPT;
    }
    if (!s->listing)
        return VIEW_IGNORED;
    hold_row(s);
    switch (id) {
    case CMD_UP:
        return move(s, -1);
    case CMD_DOWN:
        return move(s, 1);
    case CMD_PAGE_UP:
        return move(s, -page);
    case CMD_PAGE_DOWN:
        return move(s, page);
    case CMD_FIRST:
        return move(s, -LABEL_LIST_MOST);
    case CMD_LAST:
        return move(s, LABEL_LIST_MOST);
    case CMD_SELECT:
        return mark_row(s);
    case CMD_SELECT_ALL:
        return mark_all(s);
    case CMD_RANGE:
        if (s->range >= 0)
            end_range(s);
        else
            s->range = s->row;
        return VIEW_CHANGED;
    case CMD_OPEN:
        return show_pair(v);
    default:
        return VIEW_IGNORED;
    }
}

// ---- drawing ----

static void draw_row(const struct label_state *s, struct canvas *c, struct rect r, int row)
{
    const struct label_row *l = &s->now.list[row];
    const bool marked = is_marked(s, row), here = row == s->row;
    const uint8_t attr = here ? ATTR_REVERSE : marked ? ATTR_BOLD : 0;
    const struct style style = marked ? STYLE(COLOR_ACCENT, .attr = attr) : STYLE(COLOR_DEFAULT, .attr = attr);
    const int number = 10, width = (r.width - number - 2) / 3;
    const char *const texts[] = {l->prompt, l->left, l->right};
    canvas_textf(c, r.x, r.y, number, style, "%c%c#%lld", here ? '>' : ' ', marked ? '*' : ' ', (long long)l->number);
    for (int i = 0; i < 3; i++)
        canvas_text(c, r.x + number + i * (width + 1), r.y, width, i ? STYLE(COLOR_DEFAULT) : style, texts[i]);
}

void label_list_draw(struct label_state *s, struct canvas *c, struct rect area)
{
    const struct label_shown *n = &s->now;
    int n_marked = 0;
    hold_row(s);
    for (int i = 0; i < n->n_list; i++)
        n_marked += is_marked(s, i);
    struct rect head = rect_cut_top(&area, 1);
    const int width = (head.width - 12) / 3;
    static const char *const titles[] = {"prompt", "left", "right"};
    for (int i = 0; i < 3; i++)
        canvas_text(c, head.x + 10 + i * (width + 1), head.y, width, STYLE(COLOR_MUTED), titles[i]);
    struct rect foot = rect_cut_bottom(&area, 1);
    canvas_textf(c, foot.x + 1, foot.y, foot.width - 2, STYLE(COLOR_MUTED), "%d of %d marked%s%s", n_marked, n->n_list,
                 s->range >= 0 ? ", a range" : "",
                 n->n_waiting > n->n_list ? "; more wait than are listed: \\ narrows them" : "");
    if (n->n_list == 0)
        canvas_text(c, area.x + 1, area.y, area.width - 2, STYLE(COLOR_MUTED),
                    s->busy                   ? "Reading ..."
                    : n->filter && *n->filter ? "No pair that waits passes the filter."
                                              : "No pair waits in this order.");
    s->top = scroll_top(s->top, s->row, n->n_list, area.height);
    for (int i = 0; i < area.height && s->top + i < n->n_list; i++)
        draw_row(s, c, (struct rect){area.x, area.y + i, area.width, 1}, s->top + i);
}
