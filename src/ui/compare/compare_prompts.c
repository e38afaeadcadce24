// The prompts of a file as a list beside the answers, with what was voted on each in this sitting.
#include "config.h"

#include <string.h>

#include "ui/compare/compare_settings.h"

static void draw_prompt(struct canvas *c, struct rect line, int number, char mark, const char *prompt, bool here)
{
    struct str text = {.max = 200}; // on one line
    for (prompt += strspn(prompt, " \n\t\r"); *prompt && !text.truncated; prompt++)
        str_addc(&text, *prompt == '\n' || *prompt == '\t' || *prompt == '\r' ? ' ' : *prompt);
    canvas_textf(c, line.x + 1, line.y, 7, STYLE(COLOR_MUTED), "%6d", number);
    canvas_put(c, line.x + 8, line.y, mark ? (uint32_t)mark : ' ', STYLE(COLOR_GOOD, .attr = ATTR_BOLD));
    canvas_text(c, line.x + 10, line.y, line.width - 10, STYLE(COLOR_DEFAULT), str_text(&text));
    str_fini(&text);
    if (here) {
        canvas_put(c, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
        canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
    }
}

void compare_draw_prompts(struct compare_page *p, struct canvas *c, struct rect r)
{
    const struct prompt_set *set = compare_prompts(p);
    struct str title = {0};
    if (!set || r.height < 3)
        return;
    str_addf(&title, "Prompts  %d", set->n);
    struct rect in = canvas_box(c, r, STYLE(COLOR_MUTED), str_text(&title));
    str_fini(&title);
    const int at = compare_position(p) < 0 ? 0 : compare_position(p);
    int top = at - in.height / 2;
    top = top > set->n - in.height ? set->n - in.height : top;
    top = top < 0 ? 0 : top;
    for (int i = top; i < set->n && in.height > 0; i++) {
        const int prompt = compare_prompt_at(p, i);
        draw_prompt(c, rect_cut_top(&in, 1), prompt + 1, p->marks ? p->marks[prompt] : 0, set->prompts[prompt],
                    prompt == p->prompt_at);
    }
}
