// The line at the bottom: ":" with the list of what matches above it, a question with a text, or yes and no.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/term/keys.h"
#include "ui/launch/path_complete.h"
#include "ui/state_files.h"
#include "ui/ui_internal.h"

static const struct prompt_answer nothing = {ANSWER_NONE, CMD_NONE, NULL};

static void open_as(struct ui *ui, enum prompt_kind kind, enum command_id id, const char *label, const char *text)
{
    prompt_close(ui);
    struct prompt *p = &ui->prompt;
    p->kind = kind;
    p->id = id;
    p->chosen = -1;
    p->back = 0;
    text_copy(p->label, sizeof p->label, label);
    line_edit_offer(&p->line, text);
    ui->dirty = true;
}

void prompt_fini(struct ui *ui)
{
    prompt_close(ui);
    line_edit_fini(&ui->prompt.line);
    words_fini(&ui->history);
}

void prompt_open(struct ui *ui, const char *line)
{
    open_as(ui, PROMPT_COMMAND, CMD_NONE, ":", "");
    line_edit_set(&ui->prompt.line, line);
}

void ui_ask(struct ui *ui, enum command_id id, const char *label, const char *text)
{
    open_as(ui, PROMPT_ASK, id, label, text);
}

void ui_ask_live(struct ui *ui, enum command_id id, const char *label, const char *text)
{
    open_as(ui, PROMPT_ASK, id, label, text);
    ui->prompt.live = true;
    ui->prompt.arg = mem_strdup(text);
}

void ui_confirm(struct ui *ui, enum command_id id, const char *arg, const char *question)
{
    open_as(ui, PROMPT_CONFIRM, id, question, "");
    ui->prompt.arg = arg ? mem_strdup(arg) : NULL;
}

void prompt_close(struct ui *ui)
{
    ui->prompt.kind = PROMPT_NONE;
    ui->prompt.live = false;
    free(ui->prompt.arg);
    ui->prompt.arg = NULL;
    words_fini(&ui->prompt.files);
    ui->dirty = true;
}

static void put_line(struct prompt *p, const char *line)
{
    line_edit_set(&p->line, line);
    words_fini(&p->files);
    p->chosen = -1;
}

// The line with the word that is being typed replaced by what is offered.
static void take_offer(struct prompt *p, const struct offers *o, int i)
{
    struct str s = {0};
    if (!o->row) {
        str_addf(&s, "%s%s", o->rows[i]->name, o->rows[i]->arg ? " " : "");
    } else {
        str_addn(&s, str_text(&p->line.text), o->from);
        str_add(&s, (p->files.n ? &p->files : &o->words)->texts[i]);
    }
    put_line(p, str_text(&s));
    str_fini(&s);
}

static int n_offers(const struct prompt *p, const struct offers *o)
{
    const int n = !o->row ? o->n_rows : p->files.n ? p->files.n : o->words.n;
    return n < MAX_FOUND ? n : MAX_FOUND;
}

static void remember(struct ui *ui, const char *line)
{
    enum { MOST = 50 };
    struct words *h = &ui->history;
    if (!*line || (h->n > 0 && strcmp(h->texts[h->n - 1], line) == 0))
        return;
    state_add_history(ui, line);
    if (h->n == MOST) {
        free(h->texts[0]);
        memmove(h->texts, h->texts + 1, (size_t)--h->n * sizeof *h->texts);
    }
    words_add(h, line);
}

// What Enter runs: the row that was chosen, the line as it is, or the best match of a few letters.
static struct prompt_answer take_line(struct ui *ui)
{
    struct prompt *p = &ui->prompt;
    const char *typed = str_text(&p->line.text);
    struct offers o;
    offers_find(ui, typed, MAX_FOUND, &o);
    const int n = n_offers(p, &o);
    if (p->chosen >= 0 && p->chosen < n)
        take_offer(p, &o, p->chosen);
    else if (!o.row && n > 0 && typed[0] && !command_by_name(typed, ui->page))
        take_offer(p, &o, 0);
    struct str line = {0};
    str_add(&line, str_text(&p->line.text));
    while (line.len > 0 && line.data[line.len - 1] == ' ')
        line.data[--line.len] = '\0';
    remember(ui, str_text(&line));
    offers_fini(&o);
    prompt_close(ui);
    const struct prompt_answer answer = {ANSWER_LINE, CMD_NONE, mem_strdup(str_text(&line))};
    str_fini(&line);
    return answer;
}

// One file, what several have in common, or which there are.
static void complete_file(struct prompt *p, const struct offers *o)
{
    char *longer = NULL;
    const enum path_completed done = path_complete(str_text(&p->line.text) + o->from, &longer, &p->files);
    if (done == PATH_LONGER) {
        struct str s = {0};
        str_addn(&s, str_text(&p->line.text), o->from);
        str_add(&s, longer);
        put_line(p, str_text(&s));
        str_fini(&s);
    }
    free(longer);
}

// The first Tab writes what all that is offered begins with, or the first one.
static void complete(struct ui *ui)
{
    struct prompt *p = &ui->prompt;
    const char *typed = str_text(&p->line.text);
    struct offers o;
    offers_find(ui, typed, MAX_FOUND, &o);
    const int n = n_offers(p, &o);
    const size_t common = o.row && o.words.n > 1 && p->chosen < 0 ? words_common(&o.words) : 0;
    if (o.is_file && !o.words.n && !p->files.n) {
        complete_file(p, &o);
    } else if (common > strlen(typed + o.from)) {
        struct str s = {0};
        str_addn(&s, typed, o.from);
        str_addn(&s, o.words.texts[0], common);
        put_line(p, str_text(&s));
        str_fini(&s);
    } else if (n > 0) {
        take_offer(p, &o, p->chosen >= 0 && p->chosen < n ? p->chosen : 0);
    }
    offers_fini(&o);
}

static void choose(struct ui *ui, int step)
{
    struct prompt *p = &ui->prompt;
    struct offers o;
    offers_find(ui, str_text(&p->line.text), MAX_FOUND, &o);
    const int n = n_offers(p, &o);
    p->chosen += step;
    if (p->chosen < -1)
        p->chosen = n - 1;
    else if (p->chosen >= n)
        p->chosen = -1;
    offers_fini(&o);
}

static void go_back(struct ui *ui, int step)
{
    struct prompt *p = &ui->prompt;
    const int to = p->back + step;
    if (to < 0 || to > ui->history.n)
        return;
    put_line(p, to ? ui->history.texts[ui->history.n - to] : "");
    p->back = to;
}

static struct prompt_answer command_key(struct ui *ui, int key)
{
    enum { CTRL_N = 14, CTRL_P = 16, CTRL_R = 18 };
    struct prompt *p = &ui->prompt;
    switch (key) {
    case KEY_ENTER_:
        return take_line(ui);
    case KEY_TAB_:
        complete(ui);
        return nothing;
    case KEY_UP_:
    case KEY_BACKTAB_:
        choose(ui, -1);
        return nothing;
    case KEY_DOWN_:
        choose(ui, 1);
        return nothing;
    case CTRL_P:
    case CTRL_R:
        go_back(ui, 1);
        return nothing;
    case CTRL_N:
        go_back(ui, -1);
        return nothing;
    case KEY_BACKSPACE_:
        if (p->line.text.len == 0) {
            prompt_close(ui);
            return nothing;
        }
        break;
    }
    if (line_edit_key(&p->line, key)) {
        p->chosen = -1;
        words_fini(&p->files);
    }
    return nothing;
}

// The text between `from` and the cursor becomes another one.
static void put_word(struct prompt *p, size_t from, const char *word, size_t n)
{
    struct str s = {0};
    const char *text = str_text(&p->line.text);
    str_addn(&s, text, from);
    str_addn(&s, word, n);
    str_add(&s, text + p->line.at);
    line_edit_set(&p->line, str_text(&s));
    p->line.at = from + n;
    str_fini(&s);
}

// Tab in an answer: more of the path before the cursor, or of a word that the command knows.
static void complete_answer(struct ui *ui)
{
    struct prompt *p = &ui->prompt;
    const struct command_row *row = offers_row(ui, p->id);
    const char *arg = row ? row->arg : "";
    char *before = mem_strndup(str_text(&p->line.text), p->line.at), *longer = NULL;
    size_t from = p->line.at;
    while (from > 0 && (strstr(arg, "FILE") || !strchr(" =", before[from - 1])))
        from--;
    p->line.offered = false;
    words_fini(&p->files);
    const bool of_recipe = row && row->id == CMD_START && from > 0 && before[from - 1] == '=';
    if (strstr(arg, "FILE") || of_recipe || strpbrk(before + from, "/~")) {
        if (path_complete(before + from, &longer, &p->files) == PATH_LONGER)
            put_word(p, from, longer, strlen(longer));
    } else if (row) {
        struct str line = {0};
        struct offers o;
        str_addf(&line, "%s %s", row->name, before);
        offers_find(ui, str_text(&line), 1, &o);
        const size_t common = words_common(&o.words);
        if (common > strlen(before + from))
            put_word(p, from, o.words.texts[0], common);
        else if (o.words.n > 1) {
            p->files = o.words;
            o.words = (struct words){0};
        }
        offers_fini(&o);
        str_fini(&line);
    }
    free(before);
    free(longer);
}

static struct prompt_answer take_text(struct ui *ui)
{
    const char *text = str_text(&ui->prompt.line.text);
    struct prompt_answer answer = nothing;
    ui->prompt_was_live = ui->prompt.live;
    if (text[0] || ui->prompt.live)
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
        if (p->live)
            ui->typed(ui, p->id, p->arg);
        prompt_close(ui);
    } else if (p->kind == PROMPT_COMMAND) {
        return command_key(ui, key);
    } else if (p->kind == PROMPT_ASK) {
        if (key == KEY_ENTER_)
            return take_text(ui);
        if (key == KEY_TAB_) {
            complete_answer(ui);
            return nothing;
        }
        words_fini(&p->files);
        if (line_edit_key(&p->line, key) && p->live)
            ui->typed(ui, p->id, str_text(&p->line.text));
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
    if (p->live)
        ui->typed(ui, p->id, str_text(&p->line.text));
    words_fini(&p->files);
    return true;
}

static void draw_row(struct canvas *c, struct rect line, const struct command_row *row, enum page page)
{
    canvas_textf(c, line.x + 1, line.y, 24, STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD), "%s %s", row->name,
                 row->arg ? row->arg : "");
    canvas_text(c, line.x + 26, line.y, 12, STYLE(COLOR_ACCENT), row_keys(row, page));
    canvas_text(c, line.x + 39, line.y, line.width - 40, STYLE(COLOR_MUTED), row->help);
}

static void draw_offers(struct ui *ui, struct canvas *c, struct rect above)
{
    const struct prompt *p = &ui->prompt;
    struct offers o;
    ui->prompt.offered = (struct rect){0};
    offers_find(ui, p->kind == PROMPT_ASK ? "" : str_text(&p->line.text), above.height - 3, &o);
    const struct words *words = p->files.n ? &p->files : &o.words;
    int n = p->kind == PROMPT_ASK ? p->files.n : n_offers(p, &o);
    n = n < above.height - 3 ? n : above.height - 3;
    if (n <= 0) {
        offers_fini(&o);
        return;
    }
    struct rect box = rect_cut_bottom(&above, n + 2);
    if (box.width > 110)
        box.width = 110;
    canvas_fill(c, box, ' ', STYLE(COLOR_DEFAULT));
    char title[80] = "Commands";
    if (p->kind == PROMPT_ASK)
        snprintf(title, sizeof title, words->n > n ? "%d of %d to choose from" : "%d to choose from", n, words->n);
    else if (o.row)
        snprintf(title, sizeof title, words->n > n ? "%s %s: %d of %d" : "%s %s", o.row->name, o.row->arg, n, words->n);
    struct rect in = canvas_box(c, box, STYLE(COLOR_MUTED), title);
    ui->prompt.offered = in;
    for (int i = 0; i < n; i++) {
        struct rect line = rect_cut_top(&in, 1);
        if (o.row || p->kind == PROMPT_ASK)
            canvas_text(c, line.x + 1, line.y, line.width - 2, STYLE(COLOR_DEFAULT), words->texts[i]);
        else
            draw_row(c, line, o.rows[i], ui->page);
        if (i == p->chosen)
            canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
    }
    offers_fini(&o);
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
    if (p->kind == PROMPT_COMMAND || (p->kind == PROMPT_ASK && p->files.n))
        draw_offers(ui, c, above);
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
