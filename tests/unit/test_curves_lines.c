// What charts make of several runs: groups over seeds, differences to the pinned run, forks where their parents were,
// evaluations of checkpoints; and what a project remembers of the page.
#include "config.h"

#include "testing.h"

#include "base/clock.h"
#include "store/run_db.h"
#include "ui/curves/curves.h"
#include "ui/curves/curves_summary.h"
#include "ui/curves/curves_wide.h"

static char *dir;
static struct store *store;
static struct run_list list;

static int set_up(void **state)
{
    dir = test_folder();
    assert_ok(store_open(&store, dir, true, e));
    run_list_init(&list, store);
    return 0;
}

static int tear_down(void **state)
{
    run_list_fini(&list);
    store_close(store);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    return 0;
}

static struct run_writer *write_run(const char *name, double beta, int seed, const char *parent, int64_t from, int64_t to,
                                    double slope, enum run_state run_state)
{
    struct run_writer *w;
    char *named;
    json_t *settings = json_pack("{s:f, s:i, s:s}", "beta", beta, "seed", seed, "schedule", "cosine");
    if (parent)
        assert_ok(store_add_fork(store, name, "dpo", "m", "d", settings, parent, from, &named, e));
    else
        assert_ok(store_add_run(store, name, "dpo", "m", "d", settings, &named, e));
    char *folder = store_run_dir(store, named);
    assert_ok(run_writer_open(&w, folder, e));
    struct run_status status = {.state = run_state, .total_steps = to, .heartbeat_ms = clock_wall_ms()};
    run_status_self(&status);
    assert_ok(run_writer_begin(w, e));
    for (int64_t step = from + 1; step <= to; step++) {
        assert_ok(run_writer_metric(w, "kl", step, slope * (double)step, e));
        assert_ok(run_writer_metric(w, "step_s", step, 2, e));
        assert_ok(run_writer_metric(w, "tokens_per_s", step, 100, e));
    }
    assert_ok(run_writer_status(w, &status, e));
    assert_ok(run_writer_commit(w, e));
    json_decref(settings);
    free(named);
    free(folder);
    return w;
}

static struct run_row *look(const char *name)
{
    struct err fault = {0};
    run_list_poll(&list, clock_seconds(), true, &fault);
    assert_int_equal(fault.code, 0);
    struct run_row *row = run_list_find(&list, name);
    assert_non_null(row);
    return row;
}

static void poll_all(struct curves *c)
{
    bool changed;
    for (int i = 0; !curves_poll(c, clock_seconds() + 1, &changed); i++)
        assert_true(i < 10000);
}

static const struct chart *chart_of(const struct curves *c, const char *key)
{
    for (int i = 0; i < c->n_charts; i++)
        if (chart_has(&c->charts[i], key))
            return &c->charts[i];
    fail_msg("no chart has %s", key);
    return NULL;
}

static void screen_of(struct curves *c, int width, int height, struct str *out)
{
    struct canvas canvas;
    canvas_init(&canvas, width, height, GLYPHS_ASCII, false);
    str_clear(out);
    curves_draw(c, &canvas, canvas_area(&canvas));
    canvas_save(&canvas, false, out);
    canvas_fini(&canvas);
}

static void runs_stand_together_over_seeds_or_by_a_setting(void **state)
{
    struct run_writer *w[4] = {
        write_run("a", 0.1, 1, NULL, 0, 100, 1, RUN_DONE), write_run("b", 0.3, 1, NULL, 0, 100, 10, RUN_DONE),
        write_run("c", 0.1, 2, NULL, 0, 100, 2, RUN_DONE), write_run("d", 0.1, 3, NULL, 0, 50, 6, RUN_RUNNING)};
    static const char *const names[] = {"a", "b", "c", "d"};
    struct run_row *rows[4];
    struct curves c;
    struct plot_line lines[RASTER_LINES];
    struct str text = {0};
    curves_init(&c);
    for (int i = 0; i < 4; i++)
        rows[i] = look(names[i]);
    curves_show(&c, rows, 4);
    c.mode = MODE_GROUPS;
    c.band = BAND_RANGE;
    c.weight = 0;
    poll_all(&c);
    int n = curves_lines(&c, chart_of(&c, "kl"), lines);
    assert_int_equal(n, 2);
    assert_string_equal(lines[0].label, "a (n 3)");
    assert_string_equal(lines[1].label, "b (n 1)");
    assert_int_equal(lines[0].series->n, 50); // as far as the one that still runs has come
    assert_close(series_value(lines[0].series, 9), 30, 1e-5);
    assert_close(series_value(lines[0].low, 9), 10, 1e-5);
    assert_close(series_value(lines[0].high, 9), 60, 1e-5);
    strcpy(c.group_by, "beta");
    poll_all(&c);
    n = curves_lines(&c, chart_of(&c, "kl"), lines);
    assert_int_equal(n, 2);
    assert_string_equal(lines[1].label, "beta 0.3 (n 1)");
    strcpy(c.group_by, "schedule");
    c.band = BAND_SD;
    poll_all(&c);
    assert_int_equal(curves_lines(&c, chart_of(&c, "kl"), lines), 1);
    assert_close(series_value(lines[0].series, 9), 47.5, 1e-4);
    assert_close(series_value(lines[0].high, 9), 47.5 + 10 * sqrt((14.0625 + 27.5625 + 7.5625 + 1.5625) / 3), 1e-3);
    screen_of(&c, 80, 24, &text);
    assert_non_null(strstr(str_text(&text), "by schedule, sd"));
    // Raising any of a group raises the group.
    strcpy(c.group_by, GROUP_SEEDS);
    c.raised = rows[2]->info.id;
    poll_all(&c);
    assert_int_equal(curves_lines(&c, chart_of(&c, "kl"), lines), 2);
    assert_true(lines[0].raised && !lines[0].dim && lines[1].dim && !lines[1].raised);
    str_fini(&text);
    for (int i = 0; i < 4; i++)
        run_writer_close(w[i]);
    curves_fini(&c);
}

static void differences_are_to_the_pinned_run(void **state)
{
    struct run_row *rows[3] = {look("a"), look("b"), look("c")};
    struct curves c;
    struct plot_line lines[RASTER_LINES];
    struct str text = {0};
    curves_init(&c);
    curves_show(&c, rows, 3);
    c.mode = MODE_DELTA;
    c.weight = 0;
    c.pinned = rows[2]->info.id;
    poll_all(&c);
    const struct chart *kl = chart_of(&c, "kl");
    assert_int_equal(curves_lines(&c, kl, lines), 2);
    assert_int_equal(lines[1].letter, rows[1]->letter);
    assert_close(series_value(lines[0].series, 9), -10, 1e-5);
    assert_close(series_value(lines[1].series, 9), 80, 1e-5);
    screen_of(&c, 120, 30, &text);
    char title[64];
    snprintf(title, sizeof title, "kl minus %c", rows[2]->letter);
    assert_non_null(strstr(str_text(&text), title));
    // The runs themselves, with the difference at the cursor beside them.
    c.mode = MODE_RUNS;
    c.has_cursor = c.has_range = true;
    c.cursor = 10;
    c.other_end = 20;
    c.focus = (int)(kl - c.charts);
    poll_all(&c);
    screen_of(&c, 200, 50, &text);
    assert_non_null(strstr(str_text(&text), "at step 10: kl"));
    assert_non_null(strstr(str_text(&text), "minus pinned"));
    assert_non_null(strstr(str_text(&text), "+80.00"));
    assert_non_null(strstr(str_text(&text), "steps 10-20"));
    assert_non_null(strstr(str_text(&text), "+1000")); // b's slope in 100 steps
    str_clear(&text);
    curves_describe_range(&c, &text);
    assert_string_equal(str_text(&text),
                        "steps 10-20  a: 11 points  slope/100 +100.0  change +10.00  least 10.00  most 20.00  mean 15.00  "
                        "sd 3.317  area 150.0");
    // Small multiples have one scale: what b reaches stands on a's axis too.
    c.has_cursor = c.has_range = false;
    c.multiples = true;
    poll_all(&c);
    screen_of(&c, 200, 50, &text);
    assert_non_null(strstr(str_text(&text), "kl, each run alone, one scale"));
    int axes = 0;
    for (const char *at = str_text(&text); (at = strstr(at, " 1000+")); at++)
        axes++;
    assert_int_equal(axes, 3);
    str_fini(&text);
    curves_fini(&c);
}

static void settings_that_differ_are_listed(void **state)
{
    struct run_row *rows[2] = {look("a"), look("b")};
    struct curves c;
    struct str text = {0};
    curves_init(&c);
    curves_show(&c, rows, 2);
    c.diff = true;
    poll_all(&c);
    screen_of(&c, 80, 30, &text);
    assert_non_null(strstr(str_text(&text), "settings that differ"));
    assert_non_null(strstr(str_text(&text), "beta                  0.1                 0.3"));
    assert_null(strstr(str_text(&text), "schedule"));
    assert_null(strstr(str_text(&text), "seed"));
    rows[1] = rows[0];
    str_fini(&text);
    curves_fini(&c);
}

static void a_fork_goes_on_where_its_parent_was(void **state)
{
    struct run_writer *w[2] = {write_run("fork", 0.5, 1, "a", 40, 90, 3, RUN_DONE),
                               write_run("fork-2", 0.5, 1, "fork", 60, 70, 4, RUN_DONE)};
    struct run_row *rows[3] = {look("fork-2"), look("fork"), look("a")};
    struct curves c;
    struct plot_line lines[RASTER_LINES];
    struct str text = {0};
    curves_init(&c);
    curves_show(&c, rows, 3);
    c.weight = 0;
    c.x_kind = X_TIME;
    poll_all(&c);
    assert_ptr_equal(curves_parent(&c, 0), rows[1]);
    assert_ptr_equal(curves_parent(&c, 1), rows[2]);
    assert_null(curves_parent(&c, 2));
    assert_int_equal(curves_lines(&c, chart_of(&c, "kl"), lines), 3);
    assert_int_equal(series_step(lines[0].series, 0), 61);
    for (int i = 0; i < 3; i++) // two seconds a step, and what had passed before it began
        assert_close(x_map_value(lines[i].map, 65), 130, 1e-6);
    assert_close(x_map_step(lines[0].map, 130), 65, 1e-6);
    c.x_kind = X_TOKENS;
    poll_all(&c);
    assert_close(x_map_value(curves_map(&c, 0), 70), 14000, 1e-3);
    c.x_kind = X_STEP;
    screen_of(&c, 80, 24, &text);
    assert_non_null(strstr(str_text(&text), "Y")); // the mark of a fork
    // Without its parent it begins at no time.
    curves_show(&c, rows, 1);
    c.x_kind = X_TIME;
    poll_all(&c);
    assert_close(x_map_value(curves_map(&c, 0), 70), 20, 1e-6);
    str_fini(&text);
    run_writer_close(w[0]);
    run_writer_close(w[1]);
    curves_fini(&c);
}

static void hour(struct run_writer *w, int64_t at_s, int64_t step, const char *kind)
{
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_event(w, at_s * 1000, step, "info", kind, "", e));
    assert_ok(run_writer_commit(w, e));
}

// Two runs one after the other, of which the first stood still for ten minutes; hours are those of events.
static void the_clock_is_that_of_events(void **state)
{
    struct run_writer *w[2] = {write_run("wall", 0.6, 1, NULL, 0, 100, 1, RUN_DONE),
                               write_run("wall-2", 0.6, 2, NULL, 0, 40, 1, RUN_DONE)};
    hour(w[0], 1000, 0, "start");
    hour(w[0], 1100, 50, "pause");
    hour(w[0], 1700, 50, "resume");
    hour(w[0], 1900, 100, "end");
    hour(w[1], 2000, 0, "start");
    hour(w[1], 2080, 40, "end");
    struct run_row *rows[2] = {look("wall"), look("wall-2")};
    struct curves c;
    curves_init(&c);
    curves_show(&c, rows, 2);
    c.x_kind = X_WALL;
    poll_all(&c);
    assert_true(curves_has_map(&c, 0, X_WALL));
    const struct x_map *first = curves_map(&c, 0), *second = curves_map(&c, 1);
    assert_close(x_map_value(first, 0), 0, 1e-6);
    assert_close(x_map_value(first, 25), 50, 1e-6);
    assert_close(x_map_value(first, 75), 800, 1e-6);
    assert_close(x_map_step(first, 400), 50, 1e-6); // while it was paused
    assert_close(x_map_value(second, 20), 1040, 1e-6);
    // A run that was continued from step 40 on: what came after that is said again. What is known now gives way.
    struct x_map m = {0};
    x_map_mark(&m, 0, 10, false);
    x_map_mark(&m, 80, 90, true);
    x_map_mark(&m, 60, 70, false);
    assert_close(x_map_value(&m, 30), 40, 1e-6);
    x_map_mark(&m, 40, 170, false);
    assert_close(x_map_value(&m, 20), 90, 1e-6);
    x_map_mark(&m, 80, 160, false); // the clock was set back
    assert_close(x_map_value(&m, 80), 170, 1e-6);
    x_map_fini(&m);
    run_writer_close(w[0]);
    run_writer_close(w[1]);
    curves_fini(&c);
}

static void add_evaluation(json_t *all, const char *run, int step, const char *prompts, double divergence)
{
    json_array_append_new(all, json_pack("{s:s, s:i, s:{s:s, s:i, s:f, s:s}, s:{s:{s:f}, s:{s:f}}}", "run", run, "step",
                                         step, "how", "prompts", prompts, "samples", 2, "beta", 0.1, "reward_model", "j",
                                         "measures", "pm_divergence", "value", divergence, "style/song", "value", 0.5));
}

static void evaluations_of_checkpoints_are_curves(void **state)
{
    struct run_row *row = look("a");
    struct curves c;
    json_t *all = json_array(), *more;
    add_evaluation(all, "a", 80, "p", 0.2);
    add_evaluation(all, "a", 40, "others", 5); // of the same checkpoint as well
    add_evaluation(all, "a", 40, "p", 0.4);
    add_evaluation(all, "a", 60, "others", 9);
    add_evaluation(all, "c", 20, "p", 0.7);
    struct eval_table *t = eval_table_new(json_incref(all));
    curves_init(&c);
    curves_show(&c, &row, 1);
    poll_all(&c);
    assert_true(curves_take_evals(&c, t, 1));
    assert_false(curves_take_evals(&c, t, 1));
    poll_all(&c);
    const struct metric *m = run_data_metric(c.data[0], "measured/pm_divergence");
    assert_non_null(m);
    assert_int_equal(m->series.n, 2);
    assert_int_equal(series_step(&m->series, 0), 40);
    assert_close(series_value(&m->series, 0), 0.4, 1e-6);
    assert_close(series_value(&m->series, 1), 0.2, 1e-6);
    assert_null(run_data_metric(c.data[0], "measured/style/song"));
    assert_string_equal(chart_of(&c, "measured/pm_divergence")->title, "PM divergence of checkpoints");
    eval_table_free(t);
    more = json_deep_copy(all);
    add_evaluation(more, "a", 100, "p", 0.1);
    t = eval_table_new(more);
    assert_true(curves_take_evals(&c, t, 2));
    assert_int_equal(m->series.n, 3);
    eval_table_free(t);
    json_decref(all);
    curves_fini(&c);
}

static void a_project_remembers_how_things_are_shown(void **state)
{
    struct curves a, b;
    struct chart chart = {.title = "loss", .scale = SCALE_LOG, .clip = {1, 5}}, other = {.title = "loss"};
    curves_init(&a);
    curves_init(&b);
    a.layout = layout_find("preference");
    strcpy(a.filter, "!eval");
    strcpy(a.group_by, "beta");
    a.mode = MODE_GROUPS;
    a.band = BAND_INTERVAL;
    a.x_kind = X_TOKENS;
    a.x_log = a.diff = true;
    a.weight = 0.97;
    a.pinned = 7;
    curves_remember_look(&a, &chart);
    json_t *kept = json_object();
    curves_save(&a, kept);
    assert_non_null(kept);
    curves_restore(&b, kept);
    assert_ptr_equal(b.layout, a.layout);
    assert_string_equal(b.filter, "!eval");
    assert_string_equal(b.group_by, "beta");
    assert_true(b.mode == MODE_GROUPS && b.band == BAND_INTERVAL && b.x_kind == X_TOKENS && b.x_log && b.diff &&
                b.weight == 0.97 && b.pinned == 7);
    curves_recall_look(&b, &other);
    assert_true(other.scale == SCALE_LOG && other.clip.low == 1 && other.clip.high == 5);
    json_t *again = json_object();
    curves_save(&b, again);
    assert_true(json_equal(kept, again));
    json_decref(again);
    json_decref(kept);
    // From another version, or damaged by hand: what makes no sense is left.
    kept = json_pack("{s:i, s:s, s:f, s:s, s:s, s:[], s:{s:i}}", "layout", 3, "x", "miles", "smooth", 17.0, "mode", "",
                     "band", "none at all", "filter", "charts", "loss", 1);
    assert_non_null(kept);
    curves_restore(&b, kept);
    curves_restore(&b, NULL);
    assert_true(b.x_kind == X_TOKENS && b.weight == 0.97 && b.layout == a.layout && b.mode == MODE_GROUPS);
    json_decref(kept);
    curves_fini(&a);
    curves_fini(&b);
}

// A metric that goes down and up again: at each of its values stands the mean of what was measured there, on the way there
// and back; where it was alone, that.
static void curves_by_another_metric_are_means_at_its_values(void **state)
{
    struct run_writer *w = write_run("wave", 0.1, 1, NULL, 0, 100, 1, RUN_DONE);
    struct curves c;
    struct plot_line lines[RASTER_LINES];
    assert_ok(run_writer_begin(w, e));
    for (int step = 1; step <= 100; step++) {
        assert_ok(run_writer_metric(w, "wave", step, fabs(step - 50.0) - 10, e));
        assert_ok(run_writer_metric(w, "reward", step, step == 70 ? NAN : step * step, e));
    }
    assert_ok(run_writer_commit(w, e));
    struct run_row *row = look("wave");
    curves_init(&c);
    curves_show(&c, &row, 1);
    c.weight = 0;
    strcpy(c.x_metric, "wave");
    c.x_kind = X_METRIC;
    c.full = true;
    poll_all(&c);
    c.focus = (int)(chart_of(&c, "reward") - c.charts);
    poll_all(&c);
    assert_int_equal(curves_lines(&c, chart_of(&c, "reward"), lines), 1);
    assert_int_equal(lines[0].series->n, 51);
    for (int k = 0; k <= 50; k++) {
        const double x = x_map_value(lines[0].map, (double)series_step(lines[0].series, (uint32_t)k));
        const double down = (50 - k) * (50 - k), up = (50 + k) * (50 + k);
        assert_close(x, k - 10, 0.001);
        assert_close(series_value(lines[0].series, (uint32_t)k), k == 50 ? up : k == 20 ? down : (down + up) / 2, 1e-3 * up);
    }
    double x0, x1;
    curves_window(&c, &x0, &x1);
    assert_true(x0 <= -10 && x0 > -30 && x1 >= 40 && x1 < 60);
    // Of epochs there are as many as the settings say, where no number of steps was given.
    assert_false(curves_has_map(&c, 0, X_EPOCHS));
    json_object_set_new(row->settings, "epochs", json_real(2));
    c.x_kind = X_EPOCHS;
    poll_all(&c);
    assert_close(x_map_value(curves_map(&c, 0), 75), 1.5, 1e-12);
    json_object_set_new(row->settings, "steps", json_integer(100));
    poll_all(&c);
    assert_false(curves_has_map(&c, 0, X_EPOCHS));
    run_writer_close(w);
    curves_fini(&c);
}

// One number a run, and boxes whose quartiles were worked out by hand.
static void runs_are_summed_up_in_numbers(void **state)
{
    static const double slopes[] = {1, 2, 4, 8, 5};
    struct run_writer *w[5];
    struct run_row *rows[5];
    struct plot_line lines[RASTER_LINES];
    struct curves c;
    struct str text = {0};
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "sum-%d", i);
        w[i] = write_run(name, i < 4 ? 0.1 : 0.5, i, NULL, 0, 10, slopes[i], RUN_DONE);
        assert_ok(run_writer_begin(w[i], e));
        assert_ok(run_writer_metric(w[i], "kl", 11, NAN, e)); // no newest value
        assert_ok(run_writer_commit(w[i], e));
        rows[i] = look(name);
    }
    curves_init(&c);
    curves_show(&c, rows, 5);
    c.summary = SUMMARY_BOX;
    strcpy(c.summary_y, "kl");
    strcpy(c.summary_x, "beta");
    poll_all(&c);
    assert_close(curves_summary_value(&c, 2, "kl"), 40, 1e-5);
    assert_close(curves_summary_value(&c, 2, "kl@min"), 4, 1e-5);
    assert_close(curves_summary_value(&c, 2, "kl@max"), 40, 1e-5);
    assert_close(curves_summary_value(&c, 4, "beta"), 0.5, 1e-9);
    assert_true(isnan(curves_summary_value(&c, 4, "schedule")) && isnan(curves_summary_value(&c, 4, "nothing")));
    screen_of(&c, 100, 24, &text);
    assert_non_null(strstr(str_text(&text), "kl by beta, 5 runs"));
    assert_non_null(strstr(str_text(&text), "beta 0.1 (n 4)"));
    assert_non_null(strstr(str_text(&text), "30.00 (17.50..50.00)")); // of 10, 20, 40, 80
    assert_non_null(strstr(str_text(&text), "50.00 (50.00..50.00)"));
    assert_non_null(strstr(str_text(&text), "==#=="));
    // A heat map of ten points in five columns: each cell is the mean of two; kl of run i rises by its slope at each step.
    struct heat_map heat;
    c.summary = SUMMARY_HEAT;
    poll_all(&c);
    curves_heat_map(&c, 5, &heat);
    assert_true(heat.n_columns == 5 && heat.has[4] && heat.last_step == 11);
    for (int i = 0; i < 5; i++)
        assert_close(heat.cells[i][0], slopes[i] * 1.5, 1e-5); // steps 1 and 2 of 0 .. 2.2
    assert_close(heat.low, 1.5, 1e-5);
    assert_true(heat_level(&heat, heat.low) == 0 && heat_level(&heat, heat.high) == HEAT_LEVELS - 1 &&
                heat_level(&heat, NAN) == -1);
    assert_close(heat.cells[2][4], 38, 1e-5); // steps 9, 10 and one that is no number
    // Lines through a number, the same number for all, and what is not there.
    struct parallel_axis axes[PARALLEL_MOST];
    struct err e2 = {0};
    assert_ok(curves_summarize(&c, SUMMARY_PARALLEL, "beta,kl@max objective", e));
    assert_int_equal(curves_parallel_axes(&c, axes), 3);
    assert_string_equal(axes[1].name, "kl@max");
    assert_true(axes[0].place[0] == axes[0].place[3] && axes[0].place[4] > axes[0].place[0]);
    assert_true(axes[1].place[0] < axes[1].place[1] && axes[1].place[3] > axes[1].place[4]);
    assert_true(axes[2].n_texts == 1 && axes[2].place[0] == 0.5);
    assert_int_equal(curves_summarize(&c, SUMMARY_PARALLEL, "beta", &e2), ERR_USAGE);
    assert_int_equal(curves_summarize(&c, SUMMARY_HEAT, "beta", &e2), ERR_NOT_FOUND);
    assert_true(c.summary == SUMMARY_PARALLEL);
    // The same colours and dashes for what is not told apart.
    static const int own[] = {0, 1, 0, 0, 2};
    c.summary = SUMMARY_NONE;
    strcpy(c.color_by, "beta");
    for (int i = 0; i < 5; i++)
        assert_int_equal(curves_color(&c, i), i < 4 ? 0 : 1);
    strcpy(c.color_by, "sum-[023] *-1");
    for (int i = 0; i < 5; i++)
        assert_int_equal(curves_color(&c, i), own[i]);
    const int n = curves_lines(&c, chart_of(&c, "kl"), lines);
    assert_int_equal(n, 5);
    assert_true(lines[0].color == lines[2].color && lines[0].dash == lines[2].dash && lines[1].color == COLOR_SERIES + 1);
    c.color_by[0] = '\0';
    assert_int_equal(curves_color(&c, 3), rows[3]->index);
    c.summary = SUMMARY_SCATTER;
    screen_of(&c, 100, 24, &text);
    for (int i = 0; i < 5; i++)
        assert_non_null(strchr(strstr(str_text(&text), "kl by beta, 5 runs"), rows[i]->letter));
    for (int width = 1; width < 60; width += 7) // any room does
        for (int height = 1; height < 20; height += 3)
            screen_of(&c, width, height, &text);
    str_fini(&text);
    for (int i = 0; i < 5; i++)
        run_writer_close(w[i]);
    curves_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_is_that_of_events),
        cmocka_unit_test(runs_stand_together_over_seeds_or_by_a_setting),
        cmocka_unit_test(differences_are_to_the_pinned_run),
        cmocka_unit_test(settings_that_differ_are_listed),
        cmocka_unit_test(a_fork_goes_on_where_its_parent_was),
        cmocka_unit_test(evaluations_of_checkpoints_are_curves),
        cmocka_unit_test(curves_by_another_metric_are_means_at_its_values),
        cmocka_unit_test(runs_are_summed_up_in_numbers),
        cmocka_unit_test(a_project_remembers_how_things_are_shown),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
