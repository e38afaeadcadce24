#include "config.h"

#include "export/table_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

enum { FLUSH_BYTES = 1 << 16 };

struct table_file {
    struct file_out *file; // NULL: standard output
    enum table_form form;
    const char *const *columns;
    int n_columns, at;     // at: the column that comes next
    bool visible;
    struct str text;
    int64_t n_rows;
};

static int flush(struct table_file *t, struct err *e)
{
    int code = t->text.truncated ? err_set(e, ERR_LIMIT, "a row is too large") : 0;
    if (!code && t->file)
        code = file_out_write(t->file, str_text(&t->text), t->text.len, e);
    else if (!code && fwrite(str_text(&t->text), 1, t->text.len, stdout) != t->text.len)
        code = err_errno(e, "cannot write to the standard output");
    str_clear(&t->text);
    return code;
}

static void add_csv(struct str *s, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        str_add(s, text);
        return;
    }
    str_addc(s, '"');
    for (; *text; text++) {
        if (*text == '"')
            str_addc(s, '"');
        str_addc(s, *text);
    }
    str_addc(s, '"');
}

static void add_json(struct str *s, const char *text)
{
    const size_t n = strlen(text);
    str_addc(s, '"');
    for (size_t i = 0; i < n;) {
        uint32_t code;
        const size_t used = utf8_decode(text + i, n - i, &code);
        if (code == UTF8_BAD)
            str_add(s, "\\ufffd");
        else if (code == '"' || code == '\\')
            str_addf(s, "\\%c", (char)code);
        else if (code == '\n')
            str_add(s, "\\n");
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            str_addf(s, "\\u%04x", (unsigned)code);
        else
            str_addn(s, text + i, used);
        i += used;
    }
    str_addc(s, '"');
}

int table_open(struct table_file **out, const char *path, enum table_form form, const char *const *columns, int n_columns,
               struct err *e)
{
    struct table_file *t = mem_alloc(1, sizeof *t);
    *t = (struct table_file){.form = form, .columns = columns, .n_columns = n_columns};
    if (strcmp(path, "-") == 0) {
        t->visible = isatty(STDOUT_FILENO);
    } else {
        const int code = file_out_open(&t->file, path, e);
        if (code) {
            free(t);
            return code;
        }
    }
    for (int i = 0; i < n_columns && form == TABLE_CSV; i++) {
        str_add(&t->text, i ? "," : "");
        add_csv(&t->text, columns[i]);
    }
    if (form == TABLE_CSV)
        str_add(&t->text, "\r\n");
    *out = t;
    return 0;
}

// What separates cells stands before each but the first, also before those that are left out.
static void skip_to(struct table_file *t, int column)
{
    for (; t->at < column; t->at++)
        if (t->at > 0)
            str_addc(&t->text, ',');
}

static void begin_cell(struct table_file *t, int column)
{
    BUG_IF(column < t->at || column >= t->n_columns);
    if (t->form == TABLE_CSV) {
        skip_to(t, column + 1);
        return;
    }
    str_addc(&t->text, t->at == 0 ? '{' : ',');
    add_json(&t->text, t->columns[column]);
    str_addc(&t->text, ':');
    t->at = column + 1;
}

void table_text(struct table_file *t, int column, const char *text)
{
    struct str shown = {0};
    begin_cell(t, column);
    if (t->visible)
        str_add_visible(&shown, text, strlen(text), false);
    if (t->form == TABLE_CSV)
        add_csv(&t->text, t->visible ? str_text(&shown) : text);
    else
        add_json(&t->text, t->visible ? str_text(&shown) : text);
    str_fini(&shown);
}

void table_number(struct table_file *t, int column, double value)
{
    char text[40];
    begin_cell(t, column);
    if (!isfinite(value)) {
        str_add(&t->text, t->form == TABLE_JSONL ? "null" : isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { // %g leaves out zeros at the end
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    str_add(&t->text, text);
}

void table_int(struct table_file *t, int column, int64_t value)
{
    begin_cell(t, column);
    str_addf(&t->text, "%lld", (long long)value);
}

int table_end_row(struct table_file *t, struct err *e)
{
    if (t->form == TABLE_CSV)
        skip_to(t, t->n_columns);
    str_add(&t->text, t->form == TABLE_CSV ? "\r\n" : t->at ? "}\n" : "{}\n");
    t->at = 0;
    t->n_rows++;
    return t->text.len >= FLUSH_BYTES ? flush(t, e) : 0;
}

int64_t table_rows(const struct table_file *t)
{
    return t->n_rows;
}

int table_commit(struct table_file *t, struct err *e)
{
    int code = flush(t, e);
    if (t->file && code)
        file_out_abort(t->file);
    else if (t->file)
        code = file_out_commit(t->file, e);
    else if (!code && fflush(stdout) != 0)
        code = err_errno(e, "cannot write to the standard output");
    str_fini(&t->text);
    free(t);
    return code;
}

void table_abort(struct table_file *t)
{
    if (!t)
        return;
    if (t->file)
        file_out_abort(t->file);
    str_fini(&t->text);
    free(t);
}
