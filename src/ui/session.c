// A session that is simply there: which page, run and selection were shown, what each page keeps (view_ops.save), and how
// the runs stood, in one small file of the project folder. It is written when a person has done something and has been still
// for a moment, and at the end; by rename, so that a machine that stops leaves the old one or the new one.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/manner.h"
#include "base/mem.h"
#include "ui/kept.h"
#include "ui/runs/run_text.h"
#include "ui/term/screen.h"
#include "ui/session.h"
#include "ui/state_files.h"
#include "ui/ui_internal.h"

enum { MAX_BYTES = 4 * 1024 * 1024, MAX_NAMED = 3, STILL_S = 3, PATIENCE_S = 5 };
static const char file_name[] = "console.json";

static char *session_path(struct ui *ui)
{
    return path_join(store_dir(ui->store), file_name);
}

// ---- saving ----

static json_t *views_now(struct ui *ui)
{
    const json_t *before = kept_object(ui->session, "pages");
    json_t *pages = before ? json_deep_copy(before) : json_object(); // of pages that were not opened this time
    for (int page = 0; page < PAGE_N; page++) {
        const struct view *v = &ui->views[page];
        if (!v->is_open || !v->ops->save)
            continue;
        json_t *own = json_object();
        v->ops->save(v, own);
        json_object_set_new(pages, v->ops->title, own);
    }
    return pages;
}

// How the runs stand, as far as news can come of it: those that live, and those with an alert.
static json_t *runs_now(struct ui *ui)
{
    json_t *live = json_array(), *alerts = json_object();
    int64_t last = 0;
    for (int i = 0; i < ui->runs.n; i++) {
        const struct run_row *r = ui->runs.rows[i];
        last = r->info.id > last ? r->info.id : last;
        if (r->status.state == RUN_QUEUED || run_state_is_live(r->status.state))
            json_array_append_new(live, json_string(r->info.name));
        if (r->alert)
            json_object_set_new(alerts, r->info.name, json_string(r->alert->name));
    }
    json_t *runs = json_object();
    json_object_set_new(runs, "live", live);
    json_object_set_new(runs, "alerts", alerts);
    json_object_set_new(runs, "last_id", json_integer(last));
    return runs;
}

// Where a person was. Who leaves by q, q was on the page before the list.
static enum page page_now(const struct ui *ui)
{
    enum { AT_ONCE_S = 2 };
    if (ui->page == PAGE_HELP)
        return ui->back_to;
    if (ui->page == PAGE_RUNS && ui->quit && ui->left_page != PAGE_RUNS && clock_seconds() - ui->left_page_s < AT_ONCE_S)
        return ui->left_page;
    return ui->page;
}

static json_t *session_now(struct ui *ui)
{
    const enum page page = page_now(ui);
    json_t *now = json_object(), *selected = json_array();
    for (int i = 0; i < ui->runs.n; i++)
        if (ui->runs.rows[i]->selected)
            json_array_append_new(selected, json_string(ui->runs.rows[i]->info.name));
    json_object_set_new(now, "version", json_integer(1));
    json_object_set_new(now, "page", json_string(ui_page_title(page)));
    json_object_set_new(now, "run", json_string(ui->run_name));
    json_object_set_new(now, "selected", selected);
    json_object_set_new(now, "colors", json_string(ui->colors));
    json_object_set_new(now, "glyphs", json_integer(ui->canvas.glyphs));
    json_object_set_new(now, "pictures", json_string(ui->pictures));
    json_object_set_new(now, "mouse", json_boolean(ui->mouse));
    json_object_set_new(now, "hints", json_boolean(!ui->no_hints));
    const json_t *before = kept_object(ui->session, "runs");
    // not said, not forgotten
    json_object_set_new(now, "runs", ui->has_news && before ? json_deep_copy(before) : runs_now(ui));
    json_object_set_new(now, "pages", views_now(ui));
    return now;
}

struct write {
    char *path;
    json_t *value;
};

static int write_session(void *arg, struct err *e)
{
    const struct write *w = arg;
    return json_write(w->path, w->value, e);
}

static void session_written(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct write *w = arg;
    if (code && !ui->session_failed) {
        ui_say_error(ui, "What you see here cannot be kept for the next time: %s", e->text);
        ui->session_failed = true; // said once
    }
    json_decref(w->value);
    free(w->path);
    free(w);
}

// NULL when it says what the last one said. It becomes the session that later ones are compared with.
static struct write *what_to_write(struct ui *ui)
{
    json_t *now = session_now(ui), *last = json_deep_copy(ui->session);
    json_object_del(last, "at_ms");
    const bool same = json_equal(now, last);
    json_decref(last);
    if (same) {
        json_decref(now);
        return NULL;
    }
    json_object_set_new(now, "at_ms", json_integer(clock_wall_ms()));
    json_decref(ui->session);
    ui->session = now;
    struct write *w = mem_alloc(1, sizeof *w);
    *w = (struct write){session_path(ui), json_deep_copy(now)};
    return w;
}

void session_touch(struct ui *ui, double now_s)
{
    if (ui->keeps_session)
        ui->session_due_s = now_s + STILL_S;
}

static void say_news(struct ui *ui);

// All runs were looked at, and what is wrong with them is known.
static bool are_read(const struct ui *ui)
{
    for (int i = 0; i < ui->runs.n; i++) {
        const struct run_row *r = ui->runs.rows[i];
        if (r->looked_s < 0 || (r->reader && r->health_version != r->version))
            return false;
    }
    return true;
}

void session_tick(struct ui *ui, double now_s)
{
    if (ui->has_news && !ui->message[0] && !ui->prompt.kind && (are_read(ui) || now_s > ui->news_until_s)) {
        ui->has_news = false;
        say_news(ui);
    }
    if (!ui->keeps_session || !ui->session_due_s || now_s < ui->session_due_s)
        return;
    ui->session_due_s = 0;
    struct write *w = what_to_write(ui);
    if (w)
        job_start(ui, write_session, session_written, w);
}

void session_save(struct ui *ui)
{
    struct err fault = {0};
    if (!ui->keeps_session)
        return;
    jobs_wait(ui, 1);  // one that is being written is not to come after this one
    json_object_del(ui->session, "version"); // the time of leaving counts, also where nothing else changed
    struct write *w = what_to_write(ui);
    session_written(ui, w, write_session(w, &fault), &fault);
}

// ---- coming back ----

static void add_name(struct str *names, int *n, const char *format, const char *name, const char *what)
{
    if ((*n)++ >= MAX_NAMED)
        return;
    str_add(names, *n > 1 ? ", " : "");
    str_addf(names, format, name, what);
}

static void add_more(struct str *names, int n)
{
    if (n > MAX_NAMED)
        str_addf(names, " and %d more", n - MAX_NAMED);
}

static bool holds(const json_t *names, const char *name)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)names, i, value)
        if (json_is_string(value) && strcmp(json_string_value(value), name) == 0)
            return true;
    return false;
}

// On examples that training has not seen where the run was evaluated, else on its own.
static double accuracy_of(const struct run_row *r)
{
    return r->health.eval_accuracy == r->health.eval_accuracy ? r->health.eval_accuracy : r->values[VALUE_ACCURACY];
}

struct news {
    struct str ended, begun, alerts;
    int n_ended, n_begun, n_alerts;
    const struct run_row *best; // of those that ended
};

static void find_news(struct ui *ui, struct news *news)
{
    const json_t *runs = kept_object(ui->session, "runs");
    const json_t *live = kept_array(runs, "live"), *alerts = kept_object(runs, "alerts");
    const int64_t last = kept_int(runs, "last_id", 0, INT64_MAX, 0);
    for (int i = 0; i < ui->runs.n; i++) {
        const struct run_row *r = ui->runs.rows[i];
        const bool is_new = r->info.id > last, lives = run_state_is_live(r->status.state) || r->status.state == RUN_QUEUED;
        if (!lives && (is_new || holds(live, r->info.name))) {
            add_name(&news->ended, &news->n_ended, "%s %s", r->info.name, run_state_text(r));
            if (accuracy_of(r) == accuracy_of(r) && (!news->best || accuracy_of(r) > accuracy_of(news->best)))
                news->best = r;
        } else if (is_new) {
            add_name(&news->begun, &news->n_begun, "%s%s", r->info.name, "");
        }
        if (r->alert && strcmp(kept_text(alerts, r->info.name, ""), r->alert->name) != 0)
            add_name(&news->alerts, &news->n_alerts, "%s on %s", r->alert->name, r->info.name);
    }
}

// "Since 14:32 (3 h ago): dpo-1 done, ipo-2 failed; begun: kto-1; alert: kl_budget on rloo-1; best dpo-1, accuracy 0.741."
static void say_news(struct ui *ui)
{
    struct news news = {0};
    struct str s = {0};
    char at[40], ago[40];
    const int64_t left_ms = kept_int(ui->session, "at_ms", 0, INT64_MAX, 0);
    if (!left_ms || clock_wall_ms() < left_ms)
        return;
    find_news(ui, &news);
    add_more(&news.ended, news.n_ended);
    add_more(&news.begun, news.n_begun);
    add_more(&news.alerts, news.n_alerts);
    const bool long_ago = clock_wall_ms() - left_ms > 20 * 3600 * 1000LL;
    age_text(ago, sizeof ago, left_ms);
    str_addf(&s, "Since %s (%s%s):", clock_text(at, sizeof at, left_ms, long_ago ? "%Y-%m-%d %H:%M" : "%H:%M"), ago,
             strcmp(ago, "now") == 0 ? "" : " ago");
    if (news.n_ended)
        str_addf(&s, " %s;", str_text(&news.ended));
    if (news.n_begun)
        str_addf(&s, " begun: %s;", str_text(&news.begun));
    if (news.n_alerts)
        str_addf(&s, " %s: %s;", text_plural(news.n_alerts, "alert", "alerts"), str_text(&news.alerts));
    if (news.best && news.n_ended > 1)
        str_addf(&s, " best of them %s, accuracy %.3f;", news.best->info.name, accuracy_of(news.best));
    if (news.n_ended + news.n_begun + news.n_alerts == 0)
        str_add(&s, " nothing ended, no new alert;");
    s.data[s.len - 1] = '.';
    ui_say(ui, "%s", str_text(&s));
    str_fini(&s);
    str_fini(&news.ended);
    str_fini(&news.begun);
    str_fini(&news.alerts);
}

// A file that cannot be read is put aside, not overwritten: somebody may want to know what it was.
static void put_aside(struct ui *ui, const char *path, const struct err *why)
{
    struct str aside = {0};
    str_addf(&aside, "%s.damaged", path);
    const bool moved = ui->keeps_session && rename(path, str_text(&aside)) == 0;
    ui_say_error(ui, "What the console kept of the last time is not used: %s%s%s", why->text,
                 moved ? ". It was renamed " : "", moved ? str_text(&aside) : "");
    str_fini(&aside);
}

// Another terminal than the last time may show less.
static void restore_looks(struct ui *ui)
{
    const char *colors = kept_text(ui->session, "colors", "");
    const enum glyphs glyphs = (enum glyphs)kept_int(ui->session, "glyphs", GLYPHS_ASCII, GLYPHS_BRAILLE, ui->canvas.glyphs);
    if (glyphs < ui->canvas.glyphs)
        ui->canvas.glyphs = glyphs;
    if (*colors && screen_set_colors(colors))
        text_copy(ui->colors, sizeof ui->colors, colors);
    pictures_set(ui, kept_text(ui->session, "pictures", ""));
    ui->mouse = kept_bool(ui->session, "mouse", ui->mouse);
    ui->no_hints = !kept_bool(ui->session, "hints", !ui->no_hints);
}

static enum page page_named(const char *title)
{
    for (int page = 0; page < PAGE_HELP; page++)
        if (ui_page_exists((enum page)page) && strcmp(ui_page_title((enum page)page), title) == 0)
            return (enum page)page;
    return PAGE_RUNS;
}

void session_load(struct ui *ui)
{
    struct err fault = {0};
    char *path = session_path(ui);
    ui->keeps_session = !manner_is(MANNER_READ_ONLY); // what was kept is used, and left as it is
    if (file_exists(path)) {
        int code = json_read(path, MAX_BYTES, &ui->session, &fault);
        if (!code && !json_is_object(ui->session))
            code = err_set(&fault, ERR_INPUT, "%s: it is no JSON object", path);
        if (code) {
            put_aside(ui, path, &fault);
            json_decref(ui->session);
            ui->session = NULL;
        }
    }
    free(path);
    if (!ui->session)
        ui->session = json_object();
}

void session_return(struct ui *ui)
{
    if (!ui->session)
        return;
    const json_t *selected = kept_array(ui->session, "selected");
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)selected, i, name)
        if (json_is_string(name))
            run_list_select(&ui->runs, json_string_value(name));
    state_load_history(ui);
    restore_looks(ui);
    const char *run = kept_text(ui->session, "run", "");
    if (run_list_find(&ui->runs, run))
        ui_choose_run(ui, run);
    const enum page page = page_named(kept_text(ui->session, "page", ""));
    if (page != PAGE_RUNS)
        ui_show(ui, page);
    ui->has_news = true;
    ui->news_until_s = clock_seconds() + PATIENCE_S;
}
