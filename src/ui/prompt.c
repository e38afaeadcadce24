// The line at the bottom: ":" with the list of what matches above it, a question with a text, or yes and no.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/export_kinds.h"
#include "ui/keys.h"
#include "ui/ui_internal.h"

static const struct prompt_answer nothing = {ANSWER_NONE, CMD_NONE, NULL};

static void open_as(struct ui *ui, enum prompt_kind kind, enum command_id id, const char *label, const char *text)
{
    prompt_close(ui);
    struct prompt *p = &ui->prompt;
    p->kind = kind;
    p->id = id;
    p->chosen = -1;
    text_copy(p->label, sizeof p->label, label);
    line_edit_offer(&p->line, text);
    ui->dirty = true;
}

void prompt_open(struct ui *ui)
{
    open_as(ui, PROMPT_COMMAND, CMD_NONE, ":", "");
}

void ui_ask(struct ui *ui, enum command_id id, const char *label, const char *text)
{
    open_as(ui, PROMPT_ASK, id, label, text);
}

void ui_confirm(struct ui *ui, enum command_id id, const char *arg, const char *question)
{
    open_as(ui, PROMPT_CONFIRM, id, question, "");
    ui->prompt.arg = arg ? mem_strdup(arg) : NULL;
}

void prompt_close(struct ui *ui)
{
    ui->prompt.kind = PROMPT_NONE;
    free(ui->prompt.arg);
    ui->prompt.arg = NULL;
    ui->dirty = true;
}

// What the list above the prompt shows: matches of the first word, until an argument is being typed.
static int find_rows(const struct ui *ui, const struct command_row **found, int max)
{
    const char *typed = str_text(&ui->prompt.line.text);
    if (strchr(typed, ' '))
        return 0;
    return command_search(typed, ui->page, found, max);
}

// Behind "export " the list is of what there is to write.
static int find_kinds(const struct ui *ui, const struct export_kind **found, int max)
{
    const char *typed = str_text(&ui->prompt.line.text), *blank = strchr(typed, ' ');
    char name[64];
    int n = 0;
    if (!blank || blank - typed >= (long)sizeof name || strchr(blank + 1, ' '))
        return 0;
    text_copy(name, (size_t)(blank - typed) + 1, typed);
    const struct command_row *row = command_by_name(name, ui->page);
    for (const struct export_kind *k = export_kinds; row && row->id == CMD_EXPORT && k->name && n < max; k++)
        if (text_starts(k->name, blank + 1))
            found[n++] = k;
    return n;
}

static void take_kind(struct ui *ui, const struct export_kind *kind)
{
    struct str s = {0};
    str_addf(&s, "export %s ", kind->name);
    line_edit_set(&ui->prompt.line, str_text(&s));
    str_fini(&s);
    ui->prompt.chosen = -1;
}

static void take_row(struct ui *ui, const struct command_row *row)
{
    struct str s = {0};
    str_addf(&s, "%s%s", row->name, row->arg ? " " : "");
    line_edit_set(&ui->prompt.line, str_text(&s));
    str_fini(&s);
    ui->prompt.chosen = -1;
}

// What Enter runs: the row that was chosen, the line as it is, or the best match of a few letters.
static struct prompt_answer take_line(struct ui *ui)
{
    const struct command_row *found[MAX_FOUND];
    struct prompt *p = &ui->prompt;
    const char *typed = str_text(&p->line.text);
    int n = find_rows(ui, found, MAX_FOUND);
    const struct command_row *row = NULL;
    if (p->chosen >= 0 && p->chosen < n)
        row = found[p->chosen];
    else if (n > 0 && typed[0] && !command_by_name(typed, ui->page))
        row = found[0];
    const struct prompt_answer answer = {ANSWER_LINE, CMD_NONE, mem_strdup(row ? row->name : typed)};
    prompt_close(ui);
    return answer;
}

static struct prompt_answer command_key(struct ui *ui, int key)
{
    struct prompt *p = &ui->prompt;
    const struct command_row *found[MAX_FOUND];
    const struct export_kind *kinds[MAX_FOUND];
    const int n_kinds = find_kinds(ui, kinds, MAX_FOUND), n = n_kinds ? n_kinds : find_rows(ui, found, MAX_FOUND);
    switch (key) {
    case KEY_ENTER_:
        if (n_kinds && p->chosen >= 0 && p->chosen < n)
            take_kind(ui, kinds[p->chosen]);
        return take_line(ui);
    case KEY_TAB_:
        if (n_kinds)
            take_kind(ui, kinds[p->chosen >= 0 && p->chosen < n ? p->chosen : 0]);
        else if (n > 0)
            take_row(ui, found[p->chosen >= 0 && p->chosen < n ? p->chosen : 0]);
        return nothing;
    case KEY_UP_:
        p->chosen = p->chosen < 0 ? n - 1 : p->chosen - 1;
        return nothing;
    case KEY_DOWN_:
        p->chosen = p->chosen + 1 < n ? p->chosen + 1 : -1;
        return nothing;
    case KEY_BACKSPACE_:
        if (p->line.text.len == 0) {
            prompt_close(ui);
            return nothing;
        }
        break;
    }
    if (line_edit_key(&p->line, key))
        p->chosen = -1;
    return nothing;
}

static struct prompt_answer take_text(struct ui *ui)
{
    const char *text = str_text(&ui->prompt.line.text);
    struct prompt_answer answer = nothing;
    if (text[0])
        answer = (struct prompt_answer){ANSWER_COMMAND, ui->prompt.id, mem_strdup(text)};
    prompt_close(ui);
    return answer;
}

static struct prompt_answer take_yes(struct ui *ui)
{
    const struct prompt_answer answer = {ANSWER_COMMAND, ui->prompt.id, ui->prompt.arg};
    ui->prompt.arg = NULL;
    prompt_close(ui);
    return answer;
}

struct prompt_answer prompt_key(struct ui *ui, int key)
{
    struct prompt *p = &ui->prompt;
    if (key == KEY_ESCAPE_) {
        prompt_close(ui);
    } else if (p->kind == PROMPT_COMMAND) {
        return command_key(ui, key);
    } else if (p->kind == PROMPT_ASK) {
        if (key == KEY_ENTER_)
            return take_text(ui);
        line_edit_key(&p->line, key);
    } else if (key == 'y' || key == 'Y') {
        return take_yes(ui);
    } else {
        prompt_close(ui);
        ui_say(ui, "Nothing was done.");
    }
    return nothing;
}

bool prompt_paste(struct ui *ui, const char *text, size_t n_bytes)
{
    struct prompt *p = &ui->prompt;
    if (p->kind == PROMPT_CONFIRM)
        return false;
    if (!line_edit_paste(&p->line, text, n_bytes))
        ui_say_error(ui, "What was pasted is longer than a line can be (%zu bytes).", n_bytes);
    p->chosen = -1;
    return true;
}

static void draw_found(struct ui *ui, struct canvas *c, struct rect above)
{
    const struct command_row *found[MAX_FOUND];
    const struct export_kind *kinds[MAX_FOUND];
    int max = above.height - 3 < MAX_FOUND ? above.height - 3 : MAX_FOUND;
    const int n_kinds = max > 0 ? find_kinds(ui, kinds, max) : 0;
    const int n = n_kinds ? n_kinds : max > 0 ? find_rows(ui, found, max) : 0;
    if (n == 0)
        return;
    struct rect box = rect_cut_bottom(&above, n + 2);
    if (box.width > 110)
        box.width = 110;
    canvas_fill(c, box, ' ', STYLE(COLOR_DEFAULT));
    struct rect in = canvas_box(c, box, STYLE(COLOR_MUTED), n_kinds ? "What there is to write" : "Commands");
    for (int i = 0; i < n; i++) {
        struct rect row = rect_cut_top(&in, 1);
        if (n_kinds) {
            canvas_text(c, row.x + 1, row.y, 14, STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD), kinds[i]->name);
            canvas_text(c, row.x + 16, row.y, row.width - 17, STYLE(COLOR_MUTED), kinds[i]->help);
        } else {
            canvas_textf(c, row.x + 1, row.y, 24, STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD), "%s %s", found[i]->name,
                         found[i]->arg ? found[i]->arg : "");
            canvas_text(c, row.x + 26, row.y, 12, STYLE(COLOR_ACCENT), found[i]->keys);
            canvas_text(c, row.x + 39, row.y, row.width - 40, STYLE(COLOR_MUTED), found[i]->help);
        }
        if (i == ui->prompt.chosen)
            canvas_restyle(c, row, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
    }
}

static void add_question(const struct prompt *p, struct str *out)
{
    str_addf(out, "%s  y / n ", p->label);
}

int prompt_lines(const struct ui *ui, int width)
{
    struct str text = {0};
    if (ui->prompt.kind != PROMPT_CONFIRM)
        return 1;
    add_question(&ui->prompt, &text);
    int lines = canvas_paragraph((struct canvas *)&ui->canvas, (struct rect){0, 0, width - 2, 0}, 0, STYLE(COLOR_DEFAULT),
                                 str_text(&text), text.len);
    str_fini(&text);
    return lines;
}

void prompt_draw(struct ui *ui, struct canvas *c, struct rect line, struct rect above)
{
    struct prompt *p = &ui->prompt;
    if (p->kind == PROMPT_COMMAND)
        draw_found(ui, c, above);
    canvas_fill(c, line, ' ', STYLE(COLOR_DEFAULT));
    if (p->kind == PROMPT_CONFIRM) {
        struct str text = {0};
        add_question(p, &text);
        canvas_paragraph(c, rect_inset(line, 1, 0), 0, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), str_text(&text), text.len);
        str_fini(&text);
        return;
    }
    int x = canvas_text(c, line.x + 1, line.y, line.width * 2 / 3, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), p->label);
    if (p->kind == PROMPT_ASK)
        x = canvas_text(c, x, line.y, -1, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), "> ");
    line_edit_draw(&p->line, c, x, line.y, line.x + line.width - x - 1, STYLE(COLOR_DEFAULT));
}
