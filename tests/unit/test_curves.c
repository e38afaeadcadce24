// From run.db to the picture: reading in pieces, runs that go back, memory, which charts there are, window and cursor.
#include "config.h"

#include "testing.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "store/labels.h"
#include "store/run_db.h"
#include "ui/curves/curves.h"
#include "ui/runs/run_text.h"

struct world {
    char *dir;
    struct store *store;
    struct run_list list;
};

static struct world world;

static int set_up(void **state)
{
    world.dir = test_folder();
    assert_ok(store_open(&world.store, world.dir, true, e));
    run_list_init(&world.list, world.store);
    return 0;
}

static int tear_down(void **state)
{
    run_list_fini(&world.list);
    store_close(world.store);
    assert_ok(file_remove_tree(world.dir, e));
    free(world.dir);
    return 0;
}

static struct run_writer *new_run(const char *name, int64_t total_steps)
{
    struct run_writer *w;
    char *named;
    json_t *settings = json_object();
    assert_ok(store_add_run(world.store, name, "dpo", "m", "d", settings, &named, e));
    char *dir = store_run_dir(world.store, named);
    assert_ok(run_writer_open(&w, dir, e));
    struct run_status status = {.state = RUN_RUNNING, .total_steps = total_steps, .heartbeat_ms = clock_wall_ms()};
    run_status_self(&status);
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_status(w, &status, e));
    assert_ok(run_writer_commit(w, e));
    json_decref(settings);
    free(named);
    free(dir);
    return w;
}

static void write_points(struct run_writer *w, const char *key, int64_t from, int64_t to, int64_t every, double slope)
{
    assert_ok(run_writer_begin(w, e));
    for (int64_t step = from; step <= to; step += every)
        assert_ok(run_writer_metric(w, key, step, slope * (double)step, e));
    assert_ok(run_writer_commit(w, e));
}

static struct run_row *look(const char *name)
{
    struct err fault = {0};
    run_list_poll(&world.list, clock_seconds(), true, &fault);
    assert_int_equal(fault.code, 0);
    struct run_row *row = run_list_find(&world.list, name);
    assert_non_null(row);
    assert_string_equal(row->trouble, "");
    return row;
}

static const char *described(const char *name)
{
    static char text[400];
    struct str line = {0};
    run_describe(look(name), &line);
    text_copy(text, sizeof text, str_text(&line));
    str_fini(&line);
    return text;
}

// The list's line on a run: how many of its pairs wait for whoever sits here.
static void pairs_that_wait_are_told(void **state)
{
    struct run_writer *w = new_run("asks", 10);
    struct err fault = {0};
    int64_t id;
    bool again;
    assert_null(strstr(described("asks"), "waiting"));
    for (int i = 0; i < 2; i++) {
        const struct asked_pair offered = {.step = i, .prompt = "p", .a = "a", .b = "b"};
        assert_ok(run_writer_begin(w, e));
        assert_ok(run_writer_offer(w, &offered, &id, e));
        assert_ok(run_writer_commit(w, e));
    }
    assert_non_null(strstr(described("asks"), "waiting for you: 2 pairs  dpo"));
    struct run_status status = {.state = RUN_RUNNING, .phase = "waiting for you: 2 pairs", .heartbeat_ms = clock_wall_ms()};
    run_status_self(&status);
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_status(w, &status, e)); // the engine says it as well: once is enough
    assert_ok(run_writer_commit(w, e));
    assert_non_null(strstr(described("asks"), "waiting for you: 2 pairs  dpo"));
    struct asked_pair pair = {.id = id, .prompt = "p", .a = "a", .b = "b"};
    struct judgement j = {.verdict = VERDICT_A, .annotator = "somebody else", .seconds = NAN};
    asked_pair_hash(&pair);
    assert_ok(labels_add(world.store, "asks", &pair, &j, false, &again, e));
    const uint64_t before = world.list.generation; // attune.db alone has changed
    assert_true(run_list_poll(&world.list, clock_seconds(), true, &fault));
    assert_true(world.list.generation != before);
    assert_non_null(strstr(described("asks"), "waiting for you: 1 pair  dpo"));
    run_writer_close(w);
}

// Two updates of each batch, of which the first sampled its answers.
static void what_sampling_takes_is_told(void **state)
{
    struct run_writer *w = new_run("samples", 100);
    const double sampling[] = {1, 3, 5}, update[] = {0.5, 1.5};
    assert_null(strstr(described("samples"), "decode"));
    for (int batch = 0; batch < 3; batch++) {
        assert_ok(run_writer_begin(w, e));
        for (int i = 0; i < 2; i++) {
            const int step = 2 * batch + i + 1;
            if (i == 0) {
                assert_ok(run_writer_metric(w, "rollout/wait_s", step, sampling[batch], e));
                assert_ok(run_writer_metric(w, "rollout/tokens_per_s", step, 12300 + batch, e));
            }
            assert_ok(run_writer_metric(w, "step_s", step, update[i] + (i == 0 ? sampling[batch] : 0), e));
            if (batch == 2)
                break; // its second update has still to come
        }
        assert_ok(run_writer_commit(w, e));
        if (batch == 0) // 1 of 3 seconds
            assert_non_null(strstr(described("samples"), "decode 12.30 k tok/s, rollouts 33 % of step  dpo"));
    }
    assert_non_null(strstr(described("samples"), "decode 12.30 k tok/s, rollouts 50 % of step  dpo")); // 4 of 8
    const struct run_status done = {.state = RUN_DONE, .total_steps = 100};
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_status(w, &done, e));
    assert_ok(run_writer_commit(w, e));
    assert_null(strstr(described("samples"), "decode"));
    run_writer_close(w);
}

// The oldest of many batches count no longer, and those that a rewind took back never.
static void sampling_is_of_the_last_batches(void **state)
{
    struct run_writer *w = new_run("long", 1000);
    assert_ok(run_writer_begin(w, e));
    for (int step = 1; step <= 40; step++) {
        assert_ok(run_writer_metric(w, "rollout/wait_s", step, step <= 23 ? 9 : 2, e));
        assert_ok(run_writer_metric(w, "rollout/tokens_per_s", step, 40, e));
        assert_ok(run_writer_metric(w, "step_s", step, 10, e));
    }
    assert_ok(run_writer_commit(w, e));
    assert_non_null(strstr(described("long"), "decode 40 tok/s, rollouts 20 % of step"));
    assert_ok(run_writer_rewind(w, 30, e));
    assert_close(look("long")->sampling_share, (10 * 9 + 6 * 2) / 160.0, 1e-9); // steps 14 to 29
    run_writer_close(w);
}

static void poll_all(struct curves *c)
{
    bool changed;
    for (int i = 0; !curves_poll(c, clock_seconds() + 1, &changed); i++)
        assert_true(i < 10000);
}

static struct series *series_of(struct curves *c, const struct run_row *row, const char *key)
{
    struct metric *m = run_data_metric(run_cache_find(&c->cache, row), key);
    assert_non_null(m);
    return &m->series;
}

static void points_arrive_in_pieces_and_follow_the_run(void **state)
{
    struct curves c;
    curves_init(&c);
    struct run_writer *w = new_run("pieces", 20000);
    write_points(w, "loss", 1, 7000, 1, 1);
    struct run_row *row = look("pieces");
    curves_show(&c, &row, 1);
    // No time at all: each poll still gets one piece further.
    bool changed = false;
    int polls = 0;
    while (!curves_poll(&c, 0, &changed)) {
        assert_true(changed);
        assert_true(++polls < 20);
    }
    assert_true(polls >= 3);
    struct series *s = series_of(&c, row, "loss");
    assert_int_equal(s->n, 7000);
    assert_true(series_is_smooth(s));
    // More of it.
    write_points(w, "loss", 7001, 7010, 1, 1);
    look("pieces");
    poll_all(&c);
    assert_int_equal(s->n, 7010);
    assert_true(series_is_smooth(s));
    // Back to the checkpoint at 5000, and on with other values.
    assert_ok(run_writer_rewind(w, 5000, e));
    write_points(w, "loss", 5001, 5003, 1, -1);
    look("pieces");
    poll_all(&c);
    assert_int_equal(s->n, 5003);
    assert_true(series_value(s, 4999) == 5000 && series_value(s, 5000) == -5001);
    // Nothing new: nothing to draw.
    look("pieces");
    changed = false;
    assert_true(curves_poll(&c, clock_seconds() + 1, &changed));
    assert_false(changed);
    run_writer_close(w);
    curves_fini(&c);
}

static void only_what_is_shown_is_read_and_kept(void **state)
{
    struct curves c;
    curves_init(&c);
    struct run_writer *w = new_run("shown", 5000);
    static const char *const keys[] = {"loss", "kl", "grad_norm", "lr", "entropy", "own/number"};
    for (int i = 0; i < 6; i++)
        write_points(w, keys[i], 1, 5000, 1, 1);
    struct run_row *row = look("shown");
    curves_show(&c, &row, 1);
    c.full = true;
    poll_all(&c);
    assert_int_equal(c.n_charts, 6);
    assert_int_equal(series_of(&c, row, "loss")->n, 5000);
    assert_int_equal(series_of(&c, row, "kl")->n, 0);
    // With little memory what is looked at no longer goes, and comes back when it is wanted.
    c.cache.max_bytes = 40000;
    c.focus = 1;
    poll_all(&c);
    assert_int_equal(series_of(&c, row, "kl")->n, 5000);
    assert_int_equal(series_of(&c, row, "loss")->n, 0);
    c.focus = 0;
    poll_all(&c);
    assert_int_equal(series_of(&c, row, "loss")->n, 5000);
    assert_true(series_is_smooth(series_of(&c, row, "loss")));
    run_writer_close(w);
    curves_fini(&c);
}

static void metrics_stand_in_the_charts_of_the_table(void **state)
{
    struct curves c;
    curves_init(&c);
    struct run_writer *a = new_run("table-a", 100), *b = new_run("table-b", 100);
    struct run_row *rows[2];
    rows[0] = look("table-a");
    curves_show(&c, rows, 1);
    poll_all(&c);
    assert_int_equal(c.n_charts, 4); // nothing recorded: those that wait, empty
    assert_string_equal(c.charts[0].title, "loss");
    assert_string_equal(c.charts[3].title, "KL to the reference");
    static const char *const keys[] = {"own/number", "rewards/margins", "loss",   "style/b",
                                       "eval/loss",  "rewards/chosen",  "style/a", "rewards/ndcg", "eval/rewards/ndcg"};
    for (int i = 0; i < 9; i++)
        write_points(a, keys[i], 1, 10, 1, 1);
    look("table-a");
    poll_all(&c);
    assert_int_equal(c.n_charts, 5);
    assert_string_equal(c.charts[0].title, "loss");
    assert_int_equal(c.charts[0].n_parts, 2);
    assert_string_equal(c.charts[0].overlay, "eval/loss");
    assert_string_equal(c.charts[1].title, "rewards");
    assert_string_equal(c.charts[1].parts[0].key, "rewards/chosen");
    assert_string_equal(c.charts[1].overlay, "rewards/margins");
    assert_string_equal(c.charts[2].title, "styles");
    assert_int_equal(c.charts[2].n_parts, 2);
    assert_true(c.charts[2].parts[0].letter != c.charts[2].parts[1].letter);
    assert_string_equal(c.charts[3].title, "ranking of lists (NDCG)");
    assert_int_equal(c.charts[3].n_parts, 2);
    assert_string_equal(c.charts[4].title, "own/number");
    // A second run without held-out numbers: what both have is drawn.
    c.charts[1].scale = SCALE_SYMLOG;
    c.focus = 3;
    write_points(b, "loss", 1, 10, 1, 2);
    rows[0] = look("table-a");
    rows[1] = look("table-b");
    curves_show(&c, rows, 2);
    poll_all(&c);
    assert_string_equal(c.charts[0].overlay, "loss");
    assert_int_equal(c.charts[1].scale, SCALE_SYMLOG);
    assert_int_equal(c.focus, 3);
    struct plot_line lines[RASTER_LINES];
    assert_int_equal(curves_lines(&c, &c.charts[0], lines), 2);
    assert_true(lines[0].color != lines[1].color && lines[0].letter != lines[1].letter &&
                lines[0].dash != lines[1].dash);
    run_writer_close(a);
    run_writer_close(b);
    curves_fini(&c);
}

// Where all runs are to arrive is one line more, of the first run that knows it.
static void a_goal_is_drawn_once_over_several_runs(void **state)
{
    struct curves c;
    struct plot_line lines[RASTER_LINES];
    struct run_row *rows[2];
    curves_init(&c);
    struct run_writer *a = new_run("goal-a", 10), *b = new_run("goal-b", 10);
    write_points(a, "minority/share", 1, 10, 1, 0.01);
    write_points(a, "minority/goal", 1, 10, 1, 0.05);
    write_points(b, "minority/share", 1, 10, 1, 0.03);
    write_points(b, "minority/goal", 1, 10, 1, 0.05);
    rows[0] = look("goal-a");
    rows[1] = look("goal-b");
    curves_show(&c, rows, 2);
    poll_all(&c);
    assert_string_equal(c.charts[0].title, "minority's share");
    assert_string_equal(c.charts[0].goal, "minority/goal");
    assert_int_equal(curves_lines(&c, &c.charts[0], lines), 3);
    assert_int_equal(lines[2].letter, '=');
    assert_int_equal(lines[2].series->n, 10); // it was read
    curves_show(&c, rows, 1);
    poll_all(&c);
    assert_int_equal(curves_lines(&c, &c.charts[0], lines), 2); // of one run it is a part as others are
    run_writer_close(a);
    run_writer_close(b);
    curves_fini(&c);
}

static void the_window_grows_in_steps_up_to_the_plan(void **state)
{
    struct curves c;
    curves_init(&c);
    struct run_writer *w = new_run("window", 1100);
    write_points(w, "loss", 1, 70, 1, 1);
    write_points(w, "step_s", 1, 70, 1, 0);
    struct run_row *row = look("window");
    curves_show(&c, &row, 1);
    poll_all(&c);
    double x0, x1;
    curves_window(&c, &x0, &x1);
    assert_true(x0 == 0 && x1 == 80);
    write_points(w, "loss", 71, 1050, 1, 1);
    look("window");
    poll_all(&c);
    curves_window(&c, &x0, &x1);
    assert_true(x1 == 1100);
    // Following with a window of 80: it ends at most an eighth of itself beyond the newest step.
    c.fit = false;
    c.x0 = 0;
    c.x1 = 80;
    curves_window(&c, &x0, &x1);
    assert_true(x1 >= 1050 && x1 <= 1060 && x1 - x0 == 80);
    run_writer_close(w);
    curves_fini(&c);
}

static void changes_and_checkpoints_are_marked(void **state)
{
    struct curves c;
    curves_init(&c);
    struct run_writer *w = new_run("marks", 1000);
    write_points(w, "loss", 1, 1000, 1, 1);
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_event(w, 1, 250, "info", "set", "lr 5e-05 -> 1e-05", e));
    assert_ok(run_writer_event(w, 1, 300, "info", "eval", "not a change", e));
    struct run_checkpoint k = {.step = 500, .path = "checkpoints/step-500"};
    assert_ok(run_writer_checkpoint(w, &k, e));
    assert_ok(run_writer_checkpoint(w, &(struct run_checkpoint){.step = 400, .path = "checkpoints/step-400"}, e));
    assert_ok(run_writer_commit(w, e));
    char *dir = store_run_dir(world.store, "marks"), *kept = path_join(dir, k.path); // that of step 400 was removed
    assert_ok(file_make_dirs(kept, e));
    free(dir);
    free(kept);
    struct run_row *row = look("marks");
    curves_show(&c, &row, 1);
    poll_all(&c);
    assert_int_equal(c.data[0]->n_changes, 1);
    assert_int_equal(c.data[0]->n_checkpoints, 1);
    assert_true(c.data[0]->checkpoints[0] == 500);
    struct canvas canvas;
    struct str text = {0};
    canvas_init(&canvas, 80, 20, GLYPHS_ASCII, false);
    curves_draw(&c, &canvas, canvas_area(&canvas));
    canvas_save(&canvas, false, &text);
    assert_non_null(strstr(str_text(&text), "* step 250: lr 5e-05 -> 1e-05"));
    assert_non_null(strstr(str_text(&text), "^"));
    assert_non_null(strstr(str_text(&text), ":"));
    str_fini(&text);
    canvas_fini(&canvas);
    run_writer_close(w);
    curves_fini(&c);
}

static void pages_draw_at_any_size(void **state)
{
    struct rng rng = rng_make(41, RNG_TEST, 0);
    struct curves c;
    curves_init(&c);
    struct run_row *rows[CURVES_RUNS];
    look("shown");
    int n = world.list.n < CURVES_RUNS ? world.list.n : CURVES_RUNS;
    for (int i = 0; i < n; i++)
        rows[i] = world.list.rows[i];
    for (int round = 0; round < 400; round++) {
        struct canvas canvas;
        curves_show(&c, rows, 1 + (int)rng_below(&rng, (uint64_t)n));
        c.full = rng_below(&rng, 3) == 0;
        c.has_cursor = rng_below(&rng, 2);
        c.cursor = rng_uniform(&rng) * 8000;
        c.focus = c.n_charts > 0 ? (int)rng_below(&rng, (uint64_t)c.n_charts) : 0;
        c.fit = rng_below(&rng, 2);
        c.follow = rng_below(&rng, 2);
        c.x0 = rng_uniform(&rng) * 5000;
        c.x1 = c.x0 + 8 + rng_uniform(&rng) * 5000;
        c.x_kind = (enum x_kind)rng_below(&rng, 3);
        c.weight = rng_below(&rng, 2) ? 0 : 0.9;
        c.x_log = rng_below(&rng, 2);
        c.mode = (enum curves_mode)rng_below(&rng, 3);
        c.band = (enum band)rng_below(&rng, BAND_N);
        c.multiples = rng_below(&rng, 4) == 0;
        c.diff = rng_below(&rng, 3) == 0;
        c.has_range = rng_below(&rng, 2);
        c.other_end = rng_uniform(&rng) * 8000;
        c.raised = rows[rng_below(&rng, (uint64_t)n)]->info.id;
        c.pinned = rows[rng_below(&rng, (uint64_t)n)]->info.id;
        c.layout = rng_below(&rng, 3) ? NULL : &layouts[rng_below(&rng, 5)];
        c.keys_stamp = 0;
        bool changed;
        curves_poll(&c, clock_seconds() + 0.002, &changed);
        canvas_init(&canvas, 1 + (int)rng_below(&rng, 220), 1 + (int)rng_below(&rng, 60),
                    (enum glyphs)rng_below(&rng, 3), true);
        curves_draw(&c, &canvas, canvas_area(&canvas));
        canvas_fini(&canvas);
    }
    curves_fini(&c);
}

// "NAME.part" belongs to NAME, and to no other run whose name begins so.
static void a_run_of_several_trainings_has_its_parts(void **state)
{
    static const char *const names[] = {"paft-1", "paft-1.sft", "paft-1.dpo", "paft-10", "paft-10.sft"};
    struct run_row *parts[4];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        run_writer_close(new_run(names[i], 10));
    const struct run_row *run = look("paft-1");
    assert_int_equal(run_list_parts(&world.list, run, parts, 4), 2);
    assert_non_null(strstr(parts[0]->info.name, "paft-1."));
    assert_non_null(strstr(parts[1]->info.name, "paft-1."));
    assert_int_equal(run_list_parts(&world.list, run, parts, 1), 1);
    assert_int_equal(run_list_parts(&world.list, look("paft-1.sft"), parts, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_that_wait_are_told),
        cmocka_unit_test(what_sampling_takes_is_told),
        cmocka_unit_test(sampling_is_of_the_last_batches),
        cmocka_unit_test(points_arrive_in_pieces_and_follow_the_run),
        cmocka_unit_test(only_what_is_shown_is_read_and_kept),
        cmocka_unit_test(metrics_stand_in_the_charts_of_the_table),
        cmocka_unit_test(a_goal_is_drawn_once_over_several_runs),
        cmocka_unit_test(the_window_grows_in_steps_up_to_the_plan),
        cmocka_unit_test(changes_and_checkpoints_are_marked),
        cmocka_unit_test(pages_draw_at_any_size),
        cmocka_unit_test(a_run_of_several_trainings_has_its_parts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
