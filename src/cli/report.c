#include "config.h"

#include "cli/report.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/str.h"
#include "cli/print.h"
#include "store/run_db.h"
#include "ui/curves/curves_picture.h"
#include "ui/term/palette.h"
#include "ui/runs/run_text.h"

static const char style[] =
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:1500px;padding:16px;font:15px/1.5 system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper)}h1{font-size:24px;margin:0 0 4px}"
    "h2{font-size:18px;margin:34px 0 10px;border-bottom:1px solid var(--line);padding-bottom:4px}"
    "h3{font-size:15px;margin:18px 0 6px}p{margin:6px 0}.muted{color:var(--muted)}"
    "code,pre,td.v,.text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:13px}"
    "pre{background:var(--box);padding:10px;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px}"
    "th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid var(--line)}"
    "th{font-weight:600;white-space:nowrap}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "td.v{overflow-wrap:anywhere;min-width:9em}small{display:block;color:var(--muted);font-size:12px}"
    ".best{font-weight:700}"
    ".charts{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr))}"
    ".charts svg{width:100%;height:auto;background:var(--box);display:block}.charts .paper{fill:none}"
    ".pair{display:grid;gap:10px;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));margin:4px 0 0}"
    ".pair>div{background:var(--box);padding:8px 10px}"
    ".text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}"
    ".prompt{margin:18px 0 0;border-left:3px solid var(--line);padding-left:10px}"
    ".alert{border-left:4px solid var(--warn);padding:4px 10px;margin:6px 0;background:var(--box)}"
    ".error{border-color:var(--bad)}.alert b{margin-right:8px}summary{cursor:pointer;color:var(--muted);margin:8px 0}"
    "small{font-weight:400}.run{white-space:nowrap}h1{overflow-wrap:anywhere}"
    ".key{font-weight:700;font-family:monospace}ul{margin:4px 0;padding-left:20px}";

static void add_variables(struct str *out, bool dark)
{
    str_addf(out, ":root{--ink:#%06x;--paper:#%06x;--muted:#%06x;--warn:#%06x;--bad:#%06x;--box:%s;--line:%s}",
             (unsigned)palette_ink(COLOR_DEFAULT, dark), (unsigned)palette_paper(dark),
             (unsigned)palette_ink(COLOR_MUTED, dark),
             (unsigned)palette_ink(COLOR_WARN, dark), (unsigned)palette_ink(COLOR_BAD, dark), dark ? "#181c22" : "#f5f6f8",
             dark ? "#333941" : "#d5d9df");
    for (int i = 0; i < N_SERIES_COLORS; i++)
        str_addf(out, ".r%d{color:#%06x}", i, (unsigned)palette_ink((enum color)(COLOR_SERIES + i), dark));
}

// ---- what came out ----

static void add_number(struct str *out, double value)
{
    char text[32];
    str_addf(out, "<td class=\"n\">%s</td>", isnan(value) ? "-" : print_number(text, sizeof text, value));
}

static void summary(const struct report *r, struct str *out)
{
    static const struct {
        const char *title;
        enum run_value value;
    } columns[] = {{"loss", VALUE_LOSS}, {"margin", VALUE_MARGIN}, {"accuracy", VALUE_ACCURACY}, {"KL", VALUE_KL},
                   {"length", VALUE_LENGTH}};
    enum { N = sizeof columns / sizeof *columns };
    str_add(out, "<div class=\"wide\"><table><tr><th>run<th>objective<th>state<th class=\"n\">steps");
    for (int c = 0; c < N; c++)
        str_addf(out, "<th class=\"n\">%s", columns[c].title);
    str_add(out, "<th class=\"n\">took<th>created</tr>\n");
    for (int i = 0; i < r->plots->n_rows; i++) {
        const struct run_row *row = r->plots->rows[i];
        const struct run_status *s = &row->status;
        char text[64];
        str_add(out, "<tr><td>");
        report_name(out, r, row);
        if (*row->info.note) {
            str_add(out, "<small>");
            report_text(out, row->info.note);
            str_add(out, "</small>");
        }
        str_add(out, "<td>");
        report_text(out, row->info.objective);
        str_addf(out, "<td>%s<td class=\"n\">%lld/%lld", run_state_text(row), (long long)s->step, (long long)s->total_steps);
        for (int c = 0; c < N; c++)
            add_number(out, row->values[columns[c].value]);
        const int64_t ended = s->ended_ms > 0 ? s->ended_ms : s->heartbeat_ms;
        const bool timed = s->started_ms > 0 && ended > s->started_ms;
        str_addf(out, "<td class=\"n\">%s",
                 timed ? human_seconds(text, sizeof text, (double)(ended - s->started_ms) / 1000) : "-");
        str_addf(out, "<td>%s</tr>\n", print_time(text, sizeof text, row->info.created_ms));
    }
    str_add(out, "</table></div>\n");
}

// What the console's health rules find in the run, then what the run said itself.
static int add_alerts(const struct report *r, const struct run_row *row, struct str *out)
{
    int n = 0;
    struct run_event *events = NULL;
    int n_events = 0;
    for (const struct health_rule *rule = health_rules; rule->name; rule++) {
        struct str why = {0};
        if (rule->fires(&row->health, &why)) {
            str_add(out, "<div class=\"alert\"><b>");
            report_name(out, r, row);
            str_addf(out, "</b> <code>%s</code> ", rule->name);
            report_text(out, str_text(&why));
            str_add(out, ".</div>\n");
            n++;
        }
        str_fini(&why);
    }
    if (row->reader && run_reader_events(row->reader, 0, &events, &n_events, NULL) == 0)
        for (int i = 0; i < n_events; i++) {
            const bool is_error = strcmp(events[i].level, "error") == 0;
            if (!is_error && strcmp(events[i].level, "warn") != 0)
                continue;
            str_addf(out, "<div class=\"alert%s\"><b>", is_error ? " error" : "");
            report_name(out, r, row);
            str_addf(out, "</b> %s at step %lld: ", is_error ? "ERROR" : "warning", (long long)events[i].step);
            report_text(out, events[i].text);
            str_add(out, "</div>\n");
            n++;
        }
    run_events_free(events, n_events);
    return n;
}

static void alerts(const struct report *r, struct str *out)
{
    int n = 0;
    str_add(out, "<h2>Health</h2>\n");
    for (int i = 0; i < r->plots->n_rows; i++)
        n += add_alerts(r, r->plots->rows[i], out);
    if (n == 0)
        str_add(out, "<p>No rule found anything, and no run said anything went wrong.</p>\n");
}

enum { OPEN_CHARTS = 12 }; // what tells most comes first; the rest is a click away

static void curves(const struct report *r, struct str *out)
{
    const struct curves *c = &r->plots->curves;
    const struct curves_look look = {.width = 400, .height = 260, .theme = THEME_AUTO, .embedded = true};
    if (r->plots->n_charts == 0)
        return;
    str_addf(out, "<h2>Curves</h2>\n<p class=\"muted\">x counts %s",
             c->x_kind == X_STEP     ? "steps"
             : c->x_kind == X_TIME   ? "training time"
             : c->x_kind == X_WALL   ? "time by the clock"
             : c->x_kind == X_EPOCHS ? "epochs"
                                     : "tokens");
    char smoothing[32];
    if (c->weight > 0)
        str_addf(out, "; smoothed (%s), behind it the points as recorded",
                 smooth_name(smoothing, sizeof smoothing, c->smooth_kind, c->weight));
    str_add(out, ". ");
    for (int i = 0; i < r->plots->n_rows && r->plots->n_rows > 1; i++) {
        report_name(out, r, r->plots->rows[i]);
        str_add(out, "&ensp;");
    }
    str_add(out, "</p>\n<div class=\"charts\">\n");
    for (int i = 0; i < r->plots->n_charts; i++) {
        if (i == OPEN_CHARTS)
            str_addf(out, "</div>\n<details><summary>The other %d curves</summary><div class=\"charts\">\n",
                     r->plots->n_charts - i);
        curves_picture_plain(c, i, &look, out);
    }
    str_add(out, r->plots->n_charts > OPEN_CHARTS ? "</div></details>\n" : "</div>\n");
}

void report_html(struct report *r, struct str *out)
{
    char time[64];
    struct str title = {0};
    for (int i = 0; i < r->plots->n_rows && i < 4; i++)
        str_addf(&title, "%s%s", i ? ", " : "", r->plots->rows[i]->info.name);
    if (r->plots->n_rows > 4)
        str_addf(&title, " and %d more", r->plots->n_rows - 4);
    str_add(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
                 "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<meta "
                 "name=\"viewport\" content=\"width=device-width\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\"><title>");
    report_text(out, str_text(&title));
    str_add(out, "</title>\n<style>");
    add_variables(out, false);
    str_add(out, "@media(prefers-color-scheme:dark){");
    add_variables(out, true);
    str_addc(out, '}');
    str_add(out, style);
    painter_svg_style(out, THEME_AUTO);
    str_add(out, ".charts .paper{fill:none}</style></head><body>\n<h1>");
    report_text(out, str_text(&title));
    str_addf(out, "</h1>\n<p class=\"muted\">Attune %s, %s</p>\n", PACKAGE_VERSION,
             print_time(time, sizeof time, clock_wall_ms()));
    summary(r, out);
    alerts(r, out);
    curves(r, out);
    report_evaluations(r, out);
    report_samples(r, out);
    report_settings(r, out);
    report_origins(r, out);
    report_commands(r, out);
    str_add(out, "</body></html>\n");
    str_fini(&title);
}
