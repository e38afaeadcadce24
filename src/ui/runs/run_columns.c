#include "config.h"

#include "ui/runs/run_columns.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/runs/run_fields.h"
#include "ui/runs/run_text.h"

static const struct run_column usual[] = {
    {"letter", "", CELL_MARK, 2, 1, false},
    {"name", "NAME", CELL_NAME, 12, 1, false},
    {"state", "STATE", CELL_STATE, 8, 2, false},
    {"objective", "OBJ", CELL_OBJECTIVE, 5, 6, false},
    {"step", "STEP", CELL_STEP, 10, 3, true},
    {"", "", CELL_BAR, 12, 13, false},
    {"loss", "LOSS", CELL_LOSS, 6, 4, true},
    {"margin", "MARGIN", CELL_NUMBER, 6, 5, true},
    {"", "TREND", CELL_TREND, 16, 12, false},
    {"accuracy", "ACC", CELL_NUMBER, 5, 7, true},
    {"kl", "KL", CELL_NUMBER, 5, 9, true},
    {"alert", "ALERT", CELL_ALERT, 6, 7, false}, // only while there is one
    {"speed", "TOK/S", CELL_SPEED, 7, 10, true},
    {"left", "LEFT", CELL_LEFT, 7, 8, true},
    {"age", "AGE", CELL_AGE, 6, 11, true},
    {"tag", "TAGS", CELL_TAGS, 8, 11, false}, // only where a run has some
};

void run_columns_usual(struct run_columns *c)
{
    *c = (struct run_columns){.n = (int)(sizeof usual / sizeof *usual)};
    memcpy(c->list, usual, sizeof usual);
}

// ---- columns that a person chose ----

static void make_title(struct run_column *c, const char *field)
{
    const char *slash = strrchr(field, '/');
    text_copy(c->title, sizeof c->title, slash ? slash + 1 : field);
    for (char *at = c->title; *at; at++)
        *at = *at == '@' ? ' ' : (char)toupper((unsigned char)*at);
}

static void make_column(struct run_column *c, const char *field)
{
    *c = (struct run_column){.cell = CELL_FIELD, .width = 7, .right = true};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i].field[0] && strcmp(usual[i].field, field) == 0)
            *c = usual[i];
    text_copy(c->field, sizeof c->field, field);
    if (c->cell == CELL_FIELD)
        make_title(c, field);
    if (text_ends(field, "@trend") || strcmp(field, "trend") == 0) {
        c->cell = CELL_TREND;
        c->width = 16;
        c->right = false;
    } else if (strcmp(field, "progress") == 0 || strcmp(field, "bar") == 0) {
        c->cell = CELL_BAR;
        c->width = 12;
        c->right = false;
    }
}

int run_columns_parse(struct run_columns *c, const char *text, struct err *e)
{
    struct run_columns made = {.list = {usual[0], usual[1]}, .n = 2, .chosen = true};
    int code = 0;
    for (text += strspn(text, " ,"); *text && !code; text += strspn(text, " ,")) {
        char field[96];
        size_t n = strcspn(text, " ,");
        snprintf(field, sizeof field, "%.*s", (int)(n < sizeof field ? n : sizeof field), text);
        text += n;
        if (made.n == RUN_COLUMNS_MAX)
            return err_set(e, ERR_USAGE, "columns: at most %d beside the name", RUN_COLUMNS_MAX - 2);
        code = run_field_check(field, e);
        if (code || strcmp(field, "name") == 0 || strcmp(field, "letter") == 0)
            continue;
        make_column(&made.list[made.n], field);
        made.list[made.n].rank = made.n;
        made.n++;
    }
    if (!code)
        *c = made;
    return code;
}

// ---- widths ----

static int at_most(int most, int n)
{
    return n < most ? n : most;
}

// What the columns would need to show everything: of steps the final count, so that nothing moves while runs go on.
static int wanted_width(const struct run_column *c, const struct run_row *r)
{
    char text[200];
    switch (c->cell) {
    case CELL_MARK:
        return r->info.pinned ? 3 : 2;
    case CELL_NAME:
        return (int)utf8_text_columns(r->info.name, strlen(r->info.name));
    case CELL_OBJECTIVE:
        return (int)strlen(r->info.objective);
    case CELL_STEP:
        return 2 * snprintf(NULL, 0, "%lld", (long long)r->status.total_steps) + 1;
    case CELL_ALERT:
        return r->alert ? c->width : 0;
    case CELL_TAGS:
        return (int)utf8_text_columns(r->info.tags, strlen(r->info.tags));
    case CELL_FIELD:
        run_field_text(r, c->field, 7, text, sizeof text);
        return (int)utf8_text_columns(text, strlen(text));
    default:
        return c->width;
    }
}

static void measure(const struct run_columns *c, struct run_row *const *rows, int n, int *wanted)
{
    static const int least[] = {[CELL_NAME] = 4, [CELL_OBJECTIVE] = 3, [CELL_STEP] = 7, [CELL_FIELD] = 0};
    for (int k = 0; k < c->n; k++) {
        const struct run_column *column = &c->list[k];
        wanted[k] = least[column->cell];
        for (int i = 0; i < n; i++) {
            int width = wanted_width(column, rows[i]);
            wanted[k] = width > wanted[k] ? width : wanted[k];
        }
        if (c->chosen && wanted[k] < (int)strlen(column->title))
            wanted[k] = (int)strlen(column->title);
    }
}

// How much of what it wants a column has before others have theirs.
static int first_width(const struct run_column *c, int wanted)
{
    enum { MOST_TEXT = 24 };
    switch (c->cell) {
    case CELL_NAME:
    case CELL_OBJECTIVE:
    case CELL_STEP:
        return at_most(c->width, wanted);
    case CELL_TAGS:
    case CELL_FIELD:
        return at_most(MOST_TEXT, wanted);
    case CELL_MARK:
    case CELL_ALERT:
        return wanted;
    default:
        return c->width;
    }
}

// Columns of these ranks, as far as there is room.
static void add_columns(const struct run_columns *c, struct run_layout *l, int *left, int from, int to, const int *wanted)
{
    for (int rank = from; rank <= to; rank++) {
        for (int i = 0; i < c->n; i++) {
            const struct run_column *column = &c->list[i];
            const int width = first_width(column, wanted[i]);
            const int room = column->cell == CELL_TAGS || column->cell == CELL_FIELD ? width : column->width;
            if (column->rank == rank && width > 0 && *left >= room + 1) {
                l->width[i] = width;
                *left -= width + 1;
            }
        }
    }
}

static bool may_grow(const struct run_column *c)
{
    return c->cell == CELL_NAME || c->cell == CELL_OBJECTIVE;
}

struct run_layout run_columns_fit(const struct run_columns *c, int width, struct run_row *const *rows, int n)
{
    enum { MOST_NAME = 36, NUMBERS = 9, LAST = RUN_COLUMNS_MAX };
    struct run_layout l = {0};
    int left = width - 1, wanted[RUN_COLUMNS_MAX], name = 1;
    measure(c, rows, n, wanted);
    add_columns(c, &l, &left, 1, NUMBERS, wanted);
    for (bool more = true; more && left > 0;) { // names that are cut grow, both alike, before the rest has its room
        more = false;
        for (int i = 0; i < c->n; i++) {
            if (may_grow(&c->list[i]) && l.width[i] && l.width[i] < at_most(MOST_NAME, wanted[i]) && left > 0) {
                l.width[i]++;
                left--;
                more = true;
            }
        }
    }
    add_columns(c, &l, &left, NUMBERS + 1, LAST, wanted);
    l.width[name] += at_most(MOST_NAME - l.width[name], left);
    return l;
}

bool run_layout_has(const struct run_columns *c, const struct run_layout *l, enum run_cell cell)
{
    for (int i = 0; i < c->n; i++)
        if (c->list[i].cell == cell && l->width[i])
            return true;
    return false;
}

// ---- drawing ----

void run_columns_draw_head(struct canvas *c, struct rect line, const struct run_columns *columns, const struct run_layout *l,
                           const char *sort, char sign)
{
    int x = line.x + 1;
    for (int i = 0; i < columns->n; i++) {
        const struct run_column *column = &columns->list[i];
        char title[32];
        if (!l->width[i])
            continue;
        bool sorted = *sort && strcmp(sort, column->field) == 0;
        struct style style = sorted ? STYLE(COLOR_ACCENT, .attr = ATTR_BOLD | ATTR_UNDERLINE) : STYLE(COLOR_MUTED);
        const bool room = (int)strlen(column->title) < l->width[i];
        snprintf(title, sizeof title, "%s%.1s", column->title, sorted && room ? (char[2]){sign} : "");
        if (column->right)
            canvas_text_right(c, x, line.y, l->width[i], style, title);
        else
            canvas_text(c, x, line.y, l->width[i], style, title);
        x += l->width[i] + 1;
    }
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
    if (r->info.pinned)
        canvas_put(c, x + 2, y, 'P', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
}

static void draw_step(struct canvas *c, int x, int y, int width, const struct run_row *r)
{
    char text[48];
    char total[24];
    if (r->status.total_steps > 0) {
        int n = snprintf(text, sizeof text, "%lld/%lld", (long long)r->status.step, (long long)r->status.total_steps);
        if (n > width)
            snprintf(text, sizeof text, "%lld/%s", (long long)r->status.step,
                     human_count(total, sizeof total, (double)r->status.total_steps));
    } else
        snprintf(text, sizeof text, "%lld", (long long)r->status.step);
    canvas_text_right(c, x, y, width, STYLE(COLOR_DEFAULT), r->has_db ? text : "-");
}

static void draw_loss(struct canvas *c, int x, int y, int width, const struct run_row *r)
{
    if (isnan(r->values[VALUE_LOSS]) && r->health.step[HEALTH_LOSS] >= 0) // recorded, but no number
        canvas_text_right(c, x, y, width, STYLE(COLOR_BAD, .attr = ATTR_BOLD), "nan");
    else
        draw_number(c, x, y, width, r->values[VALUE_LOSS]);
}

static void draw_trend(struct canvas *c, int x, int y, int width, const struct run_column *column, const struct run_row *r)
{
    const struct course *course = column->field[0] ? NULL : &r->spark;
    const char *field = strcmp(column->field, "trend") == 0 ? "margin@trend" : column->field;
    for (int i = 0; !course && r->extras && i < r->list->wants.n; i++)
        if (strcmp(r->list->wants.list[i].name, field) == 0)
            course = &r->extras[i].course;
    if (course)
        canvas_spark(c, x, y, width, course->mean, course->n, STYLE(COLOR_SERIES + r->index % N_SERIES_COLORS));
}

static void draw_field(struct canvas *c, int x, int y, int width, const struct run_column *column, const struct run_row *r)
{
    char text[200];
    struct filter_value v;
    struct str shown = {.max = 300};
    const bool there = run_field(r, column->field, 0, &v), number = !there || !isnan(v.number);
    run_field_text(r, column->field, width, text, sizeof text);
    str_add_visible(&shown, *text ? text : "-", *text ? strlen(text) : 1, false);
    struct style style = STYLE(*text ? COLOR_DEFAULT : COLOR_MUTED);
    if (number)
        canvas_text_right(c, x, y, width, style, str_text(&shown));
    else
        canvas_text(c, x, y, width, style, str_text(&shown));
    str_fini(&shown);
}

static void draw_cell(struct canvas *c, int x, int y, int width, const struct run_column *column, const struct run_row *r)
{
    char text[64] = "";
    bool live = run_state_is_live(r->status.state) && r->has_db;
    switch (column->cell) {
    case CELL_MARK:
        draw_mark(c, x, y, r);
        break;
    case CELL_NAME:
        // A sweep's parts are told apart by their ends.
        (strchr(r->info.name, '.') ? canvas_text_end : canvas_text)(
            c, x, y, width, STYLE(COLOR_DEFAULT, .attr = live ? ATTR_BOLD : 0), r->info.name);
        break;
    case CELL_STATE:
        canvas_text(c, x, y, width, run_state_style(r), run_state_text(r));
        break;
    case CELL_OBJECTIVE:
        canvas_text(c, x, y, width, STYLE(COLOR_DEFAULT), r->info.objective);
        break;
    case CELL_STEP:
        draw_step(c, x, y, width, r);
        break;
    case CELL_BAR:
        if (r->status.total_steps > 0)
            canvas_bar(c, x, y, width, (double)r->status.step / (double)r->status.total_steps, STYLE(COLOR_ACCENT));
        break;
    case CELL_LOSS:
        draw_loss(c, x, y, width, r);
        break;
    case CELL_NUMBER:
        draw_number(c, x, y, width, run_field_number(r, column->field));
        break;
    case CELL_TREND:
        draw_trend(c, x, y, width, column, r);
        break;
    case CELL_ALERT:
        if (r->alert)
            canvas_text(c, x, y, width, STYLE(COLOR_WARN, .attr = ATTR_BOLD), r->alert->word);
        break;
    case CELL_SPEED:
        if (live && r->status.tokens_per_s > 0)
            canvas_text_right(c, x, y, width, STYLE(COLOR_DEFAULT), human_count(text, sizeof text, r->status.tokens_per_s));
        break;
    case CELL_LEFT:
        if (live && r->status.seconds_left > 0)
            canvas_text_right(c, x, y, width, STYLE(COLOR_DEFAULT),
                              human_seconds(text, sizeof text, r->status.seconds_left));
        break;
    case CELL_AGE:
        canvas_text_right(c, x, y, width, STYLE(COLOR_MUTED), age_text(text, sizeof text, r->info.created_ms));
        break;
    case CELL_TAGS:
        canvas_text(c, x, y, width, STYLE(COLOR_ACCENT), r->info.tags);
        break;
    case CELL_FIELD:
        draw_field(c, x, y, width, column, r);
        break;
    }
}

void run_columns_draw(struct canvas *c, struct rect line, const struct run_columns *columns, const struct run_layout *l,
                      const struct run_row *r)
{
    int x = line.x + 1;
    for (int i = 0; i < columns->n; i++) {
        if (l->width[i]) {
            draw_cell(c, x, line.y, l->width[i], &columns->list[i], r);
            x += l->width[i] + 1;
        }
    }
}

void run_columns_draw_numbers(struct canvas *c, struct rect line, const struct run_columns *columns,
                              const struct run_layout *l, const double *numbers, struct style style)
{
    char text[32];
    int x = line.x + 1;
    for (int i = 0; i < columns->n; i++) {
        if (!l->width[i])
            continue;
        if (!isnan(numbers[i]))
            canvas_text_right(c, x, line.y, l->width[i], style,
                              number_text(text, sizeof text, numbers[i], l->width[i] < 5 ? 5 : l->width[i]));
        x += l->width[i] + 1;
    }
}

int run_columns_name_end(const struct run_columns *c, const struct run_layout *l)
{
    int end = 1;
    for (int i = 0; i < c->n; i++) {
        end += l->width[i] ? l->width[i] + 1 : 0;
        if (c->list[i].cell == CELL_NAME)
            break;
    }
    return end;
}
