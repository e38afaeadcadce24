// Controls: rows that people write and engines apply between steps.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store_internal.h"

int store_post_control(struct store *s, const char *run, enum control_kind kind, const char *key, const char *value,
                       struct err *e)
{
    struct control c;
    if (kind == CONTROL_SET && (!key || !*key || !value || !*value))
        return err_set(e, ERR_USAGE, "a change of a setting needs its name and its new value");
    if (!text_copy(c.key, sizeof c.key, key ? key : "") || !text_copy(c.value, sizeof c.value, value ? value : ""))
        return err_set(e, ERR_USAGE, "names and values of settings that are changed have at most %zu bytes",
                       sizeof c.key - 1);
    int64_t id;
    int code = sql_prepare(&s->sql, &s->post, "INSERT INTO controls(run, at_ms, kind, key, value) VALUES(?, ?, ?, ?, ?)", e);
    if (!code)
        code = sql_begin(&s->sql, e);
    if (code)
        return code;
    code = store_run_id(s, run, &id, e);
    if (!code) {
        sqlite3_bind_int64(s->post, 1, id);
        sqlite3_bind_int64(s->post, 2, clock_wall_ms());
        sqlite3_bind_int(s->post, 3, (int)kind);
        sqlite3_bind_text(s->post, 4, c.key, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s->post, 5, c.value, -1, SQLITE_TRANSIENT);
        code = sql_step(&s->sql, s->post, e);
    }
    if (code) {
        sql_rollback(&s->sql);
        return code;
    }
    return sql_commit(&s->sql, e);
}

int store_controls_after(struct store *s, const char *run, int64_t after, struct control *out, int max, struct err *e)
{
    int code = sql_prepare(&s->sql, &s->controls,
                           "SELECT c.id, c.at_ms, c.kind, c.key, c.value FROM controls c JOIN runs r ON r.id = c.run "
                           "WHERE r.name = ? AND c.id > ? ORDER BY c.id LIMIT ?",
                           e);
    if (code)
        return code;
    sqlite3_bind_text(s->controls, 1, run, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s->controls, 2, after);
    sqlite3_bind_int(s->controls, 3, max);
    int n = 0;
    while ((code = sql_step(&s->sql, s->controls, e)) > 0) {
        struct control *c = &out[n];
        int kind = sqlite3_column_int(s->controls, 2);
        const char *key = (const char *)sqlite3_column_text(s->controls, 3);
        const char *value = (const char *)sqlite3_column_text(s->controls, 4);
        if (kind < CONTROL_PAUSE || kind > CONTROL_SET || n == max) {
            code = err_set(e, ERR_INPUT, "%s: a control of run %s is of an unknown kind (%d)", s->sql.path, run, kind);
            sqlite3_reset(s->controls);
            break;
        }
        *c = (struct control){.id = sqlite3_column_int64(s->controls, 0),
                              .at_ms = sqlite3_column_int64(s->controls, 1),
                              .kind = (enum control_kind)kind};
        text_copy(c->key, sizeof c->key, key ? key : "");
        text_copy(c->value, sizeof c->value, value ? value : "");
        n++;
    }
    return code < 0 ? code : n;
}

// What was a number stays one.
static json_t *value_like(const json_t *before, const char *text)
{
    double number;
    int64_t whole;
    if (json_is_integer(before) && text_to_i64(text, &whole))
        return json_integer(whole);
    if (json_is_number(before) && text_to_double(text, &number))
        return json_real(number);
    return json_string(text);
}

int store_changed_settings(struct store *s, const char *run, int64_t *last, int64_t applied, json_t *settings,
                           struct err *e)
{
    enum { SOME = 32 };
    struct control list[SOME];
    while (*last < applied) {
        int n = store_controls_after(s, run, *last, list, SOME, e);
        if (n < 0)
            return n;
        for (int i = 0; i < n && list[i].id <= applied; i++) {
            *last = list[i].id;
            if (list[i].kind != CONTROL_SET)
                continue;
            const json_t *before = json_object_get(settings, list[i].key);
            json_object_set_new(settings, list[i].key, value_like(before, list[i].value));
        }
        if (n < SOME)
            *last = applied;
    }
    return 0;
}

int64_t store_last_control(struct store *s, const char *run)
{
    int64_t last = 0;
    if (sql_prepare(&s->sql, &s->last,
                    "SELECT max(c.id) FROM controls c JOIN runs r ON r.id = c.run WHERE r.name = ?", NULL) != 0)
        return 0;
    sqlite3_bind_text(s->last, 1, run, -1, SQLITE_TRANSIENT);
    if (sql_step(&s->sql, s->last, NULL) > 0)
        last = sqlite3_column_int64(s->last, 0);
    sqlite3_reset(s->last);
    return last;
}
