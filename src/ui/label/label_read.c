// How the label page's texts are read: panes, scrolling, what is looked for in them.
#include "config.h"

#include "base/str.h"
#include "ui/label/label_view.h"

static enum view_result find(struct view *v, const char *arg, int step)
{
    struct label_state *s = v->state;
    int n = 0, at = -1;
    for (int i = 0; i < LABEL_PANES; i++)
        n += arg ? text_pane_find(&s->panes[i], arg) : text_pane_found(&s->panes[i]);
    if (n == 0) {
        ui_say(v->ui, arg ? "Nothing in these texts reads so." : "There is nothing to go to: / looks for a text.");
        return VIEW_CHANGED;
    }
    // Within the pane that is read, or the next one that has it.
    for (int i = 0; i < LABEL_PANES && at < 0; i++)
        if (text_pane_found(&s->panes[(s->focus + i) % LABEL_PANES]))
            at = (s->focus + i) % LABEL_PANES;
    s->focus = (enum label_pane)at;
    const int place = text_pane_find_next(&s->panes[at], step);
    ui_say(v->ui, "%d of %d here, %d in all three texts", place, text_pane_found(&s->panes[at]), n);
    return VIEW_CHANGED;
}

static enum view_result scroll(struct label_state *s, enum command_id id)
{
    struct text_pane *p = s->with_guideline && s->width < 160 ? &s->guideline : &s->panes[s->focus];
    const int page = text_pane_page(p);
    switch (id) {
    case CMD_UP:
        return text_pane_scroll(p, -1) ? VIEW_CHANGED : VIEW_KEPT;
    case CMD_DOWN:
        return text_pane_scroll(p, 1) ? VIEW_CHANGED : VIEW_KEPT;
    case CMD_PAGE_UP:
        return text_pane_scroll(p, -page) ? VIEW_CHANGED : VIEW_KEPT;
    case CMD_PAGE_DOWN:
        return text_pane_scroll(p, page) ? VIEW_CHANGED : VIEW_KEPT;
    case CMD_FIRST:
        return text_pane_scroll_to(p, 0) ? VIEW_CHANGED : VIEW_KEPT;
    default:
        return text_pane_scroll_to(p, 1 << 30) ? VIEW_CHANGED : VIEW_KEPT;
    }
}

static enum view_result scroll_both(struct label_state *s, int lines)
{
    text_pane_scroll(&s->panes[LABEL_LEFT], lines);
    text_pane_scroll(&s->panes[LABEL_RIGHT], lines);
    return VIEW_CHANGED;
}

static enum view_result turn_pane(struct label_state *s, int step)
{
    s->focus = (enum label_pane)((s->focus + LABEL_PANES + step) % LABEL_PANES);
    return VIEW_CHANGED;
}

static enum view_result flip(bool *what)
{
    *what = !*what;
    return VIEW_CHANGED;
}

enum view_result label_read(struct view *v, enum command_id id, const char *arg)
{
    struct label_state *s = v->state;
    switch (id) {
    case CMD_UP:
    case CMD_DOWN:
    case CMD_PAGE_UP:
    case CMD_PAGE_DOWN:
    case CMD_FIRST:
    case CMD_LAST:
        return scroll(s, id);
    case CMD_BOTH_DOWN:
        return scroll_both(s, 1);
    case CMD_BOTH_UP:
        return scroll_both(s, -1);
    case CMD_NEXT_PANE:
    case CMD_RIGHT:
        return turn_pane(s, 1);
    case CMD_PREVIOUS_PANE:
    case CMD_LEFT:
        return turn_pane(s, -1);
    case CMD_FULL:
        return flip(&s->is_full);
    case CMD_STATISTICS:
        if (!s->statistics && s->now.kind != LABEL_OF_NOTHING)
            label_ask(v, (struct label_request){.what = LABEL_FIT});
        s->statistics = (s->statistics + 1) % (s->width >= 160 || s->height >= 34 ? 2 : 3);
        return VIEW_CHANGED;
    case CMD_DIFF:
        s->with_diff = !s->with_diff;
        label_fill_panes(s);
        return VIEW_CHANGED;
    case CMD_FIND:
        if (!arg)
            ui_ask(v->ui, CMD_FIND, "find in the texts", "");
        return arg ? find(v, arg, 1) : VIEW_KEPT;
    case CMD_FIND_NEXT:
        return find(v, NULL, 1);
    case CMD_FIND_PREVIOUS:
        return find(v, NULL, -1);
    default:
        return VIEW_IGNORED;
    }
}
