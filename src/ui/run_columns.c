#include "config.h"

#include "ui/run_columns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/utf8.h"
#include "ui/run_text.h"

const struct run_column run_columns[COL_N] = {
    [COL_MARK] = {"", NULL, 2, 1, false},
    [COL_NAME] = {"NAME", "name", 12, 1, false},
    [COL_STATE] = {"STATE", "state", 8, 2, false},
    [COL_OBJECTIVE] = {"OBJ", "objective", 5, 6, false},
    [COL_STEP] = {"STEP", "step", 10, 3, true},
    [COL_BAR] = {"", NULL, 12, 13, false},
    [COL_LOSS] = {"LOSS", "loss", 6, 4, true},
    [COL_MARGIN] = {"MARGIN", "margin", 6, 5, true},
    [COL_TREND] = {"TREND", NULL, 16, 12, false},
    [COL_ACCURACY] = {"ACC", "accuracy", 5, 7, true},
    [COL_KL] = {"KL", "kl", 5, 9, true},
    [COL_ALERT] = {"ALERT", "alert", 6, 7, false}, // only while there is one
    [COL_SPEED] = {"TOK/S", "speed", 7, 10, true},
    [COL_LEFT] = {"LEFT", "left", 7, 8, true},
    [COL_AGE] = {"AGE", "age", 6, 11, true},
};

static int at_most(int most, int n)
{
    return n < most ? n : most;
}

// What these columns would need to show everything: of steps the final count, so that nothing moves while runs go on.
static void measure(struct run_row *const *rows, int n, int wanted[COL_N])
{
    for (int i = 0; i < n; i++) {
        const struct run_row *r = rows[i];
        int name = (int)utf8_text_columns(r->info.name, strlen(r->info.name));
        int objective = (int)strlen(r->info.objective);
        int step = 2 * snprintf(NULL, 0, "%lld", (long long)r->status.total_steps) + 1;
        wanted[COL_NAME] = name > wanted[COL_NAME] ? name : wanted[COL_NAME];
        wanted[COL_OBJECTIVE] = objective > wanted[COL_OBJECTIVE] ? objective : wanted[COL_OBJECTIVE];
        wanted[COL_STEP] = step > wanted[COL_STEP] ? step : wanted[COL_STEP];
    }
}

// Columns of these ranks, as far as there is room.
static void add_columns(struct run_layout *l, int *left, int from, int to, const int wanted[COL_N], bool has_alert)
{
    for (int rank = from; rank <= to; rank++) {
        for (int i = 0; i < COL_N; i++) {
            int width = wanted[i] ? at_most(run_columns[i].width, wanted[i]) : run_columns[i].width;
            if (run_columns[i].rank == rank && (i != COL_ALERT || has_alert) && *left >= run_columns[i].width + 1) {
                l->width[i] = width;
                *left -= width + 1;
            }
        }
    }
}

struct run_layout run_columns_fit(int width, struct run_row *const *rows, int n, bool has_alert)
{
    enum { MOST_NAME = 36, NUMBERS = 9, LAST = 13 };
    struct run_layout l = {0};
    int left = width - 1;
    int wanted[COL_N] = {[COL_NAME] = 4, [COL_OBJECTIVE] = 3, [COL_STEP] = 7};
    measure(rows, n, wanted);
    add_columns(&l, &left, 1, NUMBERS, wanted, has_alert);
    for (bool more = true; more && left > 0;) { // names that are cut grow, both alike, before the rest has its room
        more = false;
        for (int i = COL_NAME; i <= COL_OBJECTIVE; i++) {
            if (l.width[i] && l.width[i] < at_most(MOST_NAME, wanted[i]) && left > 0) {
                l.width[i]++;
                left--;
                more = true;
            }
        }
    }
    add_columns(&l, &left, NUMBERS + 1, LAST, wanted, has_alert);
    l.width[COL_NAME] += at_most(MOST_NAME - l.width[COL_NAME], left);
    return l;
}

static void draw_number(struct canvas *c, int x, int y, int width, double value)
{
    char text[32];
    struct style style = isnan(value) ? STYLE(COLOR_MUTED) : STYLE(COLOR_DEFAULT);
    canvas_text_right(c, x, y, width, style, number_text(text, sizeof text, value, width));
}

static void draw_mark(struct canvas *c, int x, int y, const struct run_row *r)
{
    struct style series = STYLE(COLOR_SERIES + r->index % N_SERIES_COLORS, .attr = ATTR_BOLD);
    canvas_put(c, x, y, r->selected ? 0x25a0 : ' ', series);
    canvas_put(c, x + 1, y, (uint32_t)r->letter, series);
}

static void draw_step(struct canvas *c, int x, int y, int width, const struct run_row *r)
{
    char text[48];
    char total[24];
    if (r->status.total_steps > 0) {
        int n = snprintf(text, sizeof text, "%lld/%lld", (long long)r->status.step, (long long)r->status.total_steps);
        if (n > width)
            snprintf(text, sizeof text, "%lld/%s", (long long)r->status.step, human_count(total, sizeof total, (double)r->status.total_steps));
    } else
        snprintf(text, sizeof text, "%lld", (long long)r->status.step);
    canvas_text_right(c, x, y, width, STYLE(COLOR_DEFAULT), r->reader ? text : "-");
}

static void draw_cell(struct canvas *c, int x, int y, int width, enum column column, const struct run_row *r)
{
    char text[64] = "";
    bool live = run_state_is_live(r->status.state) && r->reader;
    switch (column) {
    case COL_MARK:
        draw_mark(c, x, y, r);
        break;
    case COL_NAME:
        canvas_text(c, x, y, width, STYLE(COLOR_DEFAULT, .attr = live ? ATTR_BOLD : 0), r->info.name);
        break;
    case COL_STATE:
        canvas_text(c, x, y, width, run_state_style(r), run_state_text(r));
        break;
    case COL_OBJECTIVE:
        canvas_text(c, x, y, width, STYLE(COLOR_DEFAULT), r->info.objective);
        break;
    case COL_STEP:
        draw_step(c, x, y, width, r);
        break;
    case COL_BAR:
        if (r->status.total_steps > 0)
            canvas_bar(c, x, y, width, (double)r->status.step / (double)r->status.total_steps, STYLE(COLOR_ACCENT));
        break;
    case COL_LOSS:
        if (isnan(r->values[VALUE_LOSS]) && r->health.step[HEALTH_LOSS] >= 0) // recorded, but no number
            canvas_text_right(c, x, y, width, STYLE(COLOR_BAD, .attr = ATTR_BOLD), "nan");
        else
            draw_number(c, x, y, width, r->values[VALUE_LOSS]);
        break;
    case COL_MARGIN:
        draw_number(c, x, y, width, r->values[VALUE_MARGIN]);
        break;
    case COL_TREND:
        canvas_spark(c, x, y, width, r->spark.mean, r->spark.n, STYLE(COLOR_SERIES + r->index % N_SERIES_COLORS));
        break;
    case COL_ACCURACY:
        draw_number(c, x, y, width, r->values[VALUE_ACCURACY]);
        break;
    case COL_KL:
        draw_number(c, x, y, width, r->values[VALUE_KL]);
        break;
    case COL_ALERT:
        if (r->alert)
            canvas_text(c, x, y, width, STYLE(COLOR_WARN, .attr = ATTR_BOLD), r->alert->word);
        break;
    case COL_SPEED:
        if (live && r->status.tokens_per_s > 0)
            canvas_text_right(c, x, y, width, STYLE(COLOR_DEFAULT), human_count(text, sizeof text, r->status.tokens_per_s));
        break;
    case COL_LEFT:
        if (live && r->status.seconds_left > 0)
            canvas_text_right(c, x, y, width, STYLE(COLOR_DEFAULT), human_seconds(text, sizeof text, r->status.seconds_left));
        break;
    case COL_AGE:
        canvas_text_right(c, x, y, width, STYLE(COLOR_MUTED), age_text(text, sizeof text, r->info.created_ms));
        break;
    case COL_N:
        break;
    }
}

void run_columns_draw(struct canvas *c, struct rect line, const struct run_layout *l, const struct run_row *r)
{
    int x = line.x + 1;
    for (int i = 0; i < COL_N; i++) {
        if (l->width[i]) {
            draw_cell(c, x, line.y, l->width[i], (enum column)i, r);
            x += l->width[i] + 1;
        }
    }
}
