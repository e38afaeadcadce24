// What can be typed next in the prompt: names of commands, then what may follow one. It is taken from what is at hand; files
// are looked for by Tab alone (prompt.c), for a disk may be slow.
#include "config.h"

#include <string.h>

#include "ui/curves/export_kinds.h"
#include "ui/ui_internal.h"

// Of "off|mean STEPS|0..0.99|METRIC" what can be written as it stands: capitals and numbers stand for something else.
static void add_choices(struct words *out, const char *choices)
{
    for (size_t n; *choices; choices += n + (choices[n] == '|')) {
        n = strcspn(choices, "|");
        const size_t word = strcspn(choices, " |");
        if (*choices >= 'a' && *choices <= 'z')
            words_addn(out, choices, word);
    }
}

static void add_live(const struct param *params, const char *before, struct words *out)
{
    for (const struct param *p = params; p && p->name; p++) {
        const size_t n = strlen(p->name);
        if (!*before && p->live)
            words_add(out, p->name);
        if (strncmp(before, p->name, n) == 0 && before[n] == ' ')
            for (int i = 0; p->choices && p->choices[i]; i++)
                words_add(out, p->choices[i]);
    }
}

// What may be changed of the run while it runs, and the choices of what was named.
static void add_settings(struct ui *ui, const char *before, struct words *out)
{
    const struct engine_description *d = ui_want_description(ui);
    const struct run_row *r = ui_run(ui);
    const struct engine_objective *o = d && r ? engine_find_objective(d, r->info.objective) : NULL;
    if (d)
        add_live(d->params, before, out);
    if (o)
        add_live(o->params, before, out);
}

static void add_objectives(struct ui *ui, struct words *out)
{
    const struct engine_description *d = ui_want_description(ui);
    for (int i = 0; d && i < d->n_objectives; i++)
        words_add_about(out, d->objectives[i].name, d->objectives[i].title);
}

static void add_export_kinds(const char *before, struct words *out)
{
    for (const struct export_kind *k = export_kinds; !*before && k->name; k++)
        words_add(out, k->name);
}

static void add_words(struct ui *ui, const struct command_row *row, const char *before, struct words *out)
{
    struct view *v = &ui->views[ui->page];
    if (v->ops->complete)
        v->ops->complete(v, row->id, before, out);
    if (out->n) // the page knows more than the table
        return;
    if (row->id == CMD_VIEW)
        add_choices(out, *before ? "" : "save|export");
    else if (strcmp(row->arg, "RUN") == 0 || text_starts(row->arg, "RUN|"))
        for (int i = ui->runs.n - 1; i >= 0; i--)
            words_add_about(out, ui->runs.rows[i]->info.name, ui->runs.rows[i]->info.objective);
    else if (strchr(row->arg, '|'))
        add_choices(out, *before ? "" : row->arg);
    else if (strcmp(row->arg, "OBJECTIVE") == 0)
        add_objectives(ui, out);
    else if (row->id == CMD_EXPORT && strcmp(row->arg, "WHAT FILE") == 0)
        add_export_kinds(before, out);
    else if (row->id == CMD_SET)
        add_settings(ui, before, out);
}

// Several words are completed one after the other; a run's name or a file may have blanks.
static size_t word_from(const struct command_row *row, const char *line, size_t argument)
{
    const char *blank = strchr(row->arg, ' '), *last = strrchr(line + argument, strchr(row->arg, ',') && !blank ? ',' : ' ');
    const char *value = row->id == CMD_START ? strrchr(line + argument, '=') : NULL;
    if (value && (!last || value > last)) // of an input of a recipe
        last = value;
    if (blank && strstr(blank, "FILE")) // "WHAT FILE"
        last = strchr(line + argument, ' ');
    else if (strstr(row->arg, "FILE"))
        last = NULL;
    return last && strpbrk(row->arg, " .") ? (size_t)(last + 1 - line) : argument;
}

void offers_find(struct ui *ui, const char *line, int max, struct offers *out)
{
    *out = (struct offers){0};
    const size_t name = strcspn(line, " ");
    if (!line[name]) {
        out->n_rows = command_search(line, ui->page, out->rows, max < MAX_FOUND ? max : MAX_FOUND);
        return;
    }
    char text[64];
    if (name >= sizeof text)
        return;
    memcpy(text, line, name);
    text[name] = '\0';
    out->row = command_by_name(text, ui->page);
    if (!out->row || !out->row->arg)
        return;
    const size_t argument = name + strspn(line + name, " ");
    struct str before = {0};
    out->from = word_from(out->row, line, argument);
    str_addn(&before, line + argument, out->from - argument);
    const char *file = strstr(out->row->arg, "FILE"), *blank = strchr(out->row->arg, ' ');
    out->is_file = (file && (!blank || blank > file || before.len > 0)) ||
                   (out->row->id == CMD_START && text_ends(str_text(&before), "="));
    add_words(ui, out->row, str_text(&before), &out->words);
    words_filter(&out->words, line + out->from);
    str_fini(&before);
}

const struct command_row *offers_row(const struct ui *ui, enum command_id id)
{
    for (const struct command_row *r = command_rows; r->id; r++)
        if (r->id == id && r->arg && r->pages >> ui->page & 1)
            return r;
    return NULL;
}

void offers_fini(struct offers *o)
{
    words_fini(&o->words);
}
