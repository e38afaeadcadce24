// Judging pairs in the real program: a hundred with one key each, kill -9 in the middle, undo after a restart, a run
// that waits, and what the page shows at every size.
#include "config.h"

#include <signal.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "store/label_sets.h"
#include "store/labels_pending.h"
#include "ui/fixture.h"
#include "ui/rig.h"

enum { N = 100 };
static char *dir, *data;

static void write_pairs(int n)
{
    struct str s = {0};
    for (int i = 1; i <= n; i++)
        str_addf(&s,
                 "{\"prompt\": \"question %03d\", \"chosen\": \"good answer %03d\", \"rejected\": \"bad answer %03d, "
                 "and longer\"}\n",
                 i, i, i);
    assert_ok(file_write(data, s.data, s.len, e));
    str_fini(&s);
}

static int set_up(void **state)
{
    dir = test_folder();
    data = path_join(dir, "tasks.jsonl");
    write_pairs(N);
    return 0;
}

static int tear_down(void **state)
{
    assert_ok(file_remove_tree(dir, e));
    free(data);
    free(dir);
    return 0;
}

static void start_sized(struct rig *r, int width, int height, const char *locale)
{
    const char *args[] = {"label", data, "--annotator", "ann", "--seed", "7", "--repeats", "0", NULL};
    rig_start(r,
              &(struct rig_options){.project = dir, .width = width, .height = height, .args = args, .locale = locale});
}

static void start(struct rig *r)
{
    start_sized(r, 80, 24, NULL);
}

static void quit(struct rig *r)
{
    rig_send(r, "qq");
    assert_int_equal(rig_end(r), 0);
}

static void wait_count(struct rig *r, int done, int all)
{
    char text[40];
    snprintf(text, sizeof text, " %d/%d ", done, all);
    rig_wait(r, text);
}

// Judgements of the set that stand, in the order in which they were given; `all`: how many rows there are.
static int read_standing(struct judgement **out, int *all)
{
    struct store *s;
    struct label_set *sets;
    struct judgement *list;
    int n, n_sets, kept = 0;
    int64_t cursor = 0;
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(store_check(s, e));
    assert_ok(labels_recover(s, NULL, e)); // as the next console does
    assert_ok(label_sets(s, &sets, &n_sets, e));
    assert_int_equal(n_sets, 1);
    assert_ok(label_set_since(s, sets[0].id, &cursor, &list, &n, e));
    *all = n;
    for (int i = 0; i < n; i++) {
        bool stands = list[i].verdict != VERDICT_UNDO;
        for (int k = i + 1; k < n && stands; k++)
            stands = list[k].supersedes != list[i].id;
        if (stands)
            list[kept++] = list[i];
        else
            judgement_fini(&list[i]);
    }
    label_sets_free(sets, n_sets);
    store_close(s);
    *out = list;
    return kept;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void a_hundred_pairs_take_a_hundred_keys(void **state)
{
    static const enum verdict meant[] = {VERDICT_MUCH_A, VERDICT_A,        VERDICT_SLIGHT_A,
                                         VERDICT_TIE,    VERDICT_SLIGHT_B, VERDICT_B,
                                         VERDICT_MUCH_B, VERDICT_BOTH_BAD, VERDICT_CANNOT};
    struct rig r;
    struct judgement *said;
    double seconds[N];
    int all, n_swapped = 0;
    start(&r);
    wait_count(&r, 0, N);
    for (int i = 0; i < N; i++) {
        char key[2] = {(char)('1' + i % 9), 0};
        const double from = clock_seconds();
        rig_send(&r, key);
        wait_count(&r, i + 1, N);
        seconds[i] = clock_seconds() - from;
        rig_wait_gone(&r, "saving #"); // the next key is taken then
    }
    rig_wait(&r, "Nothing is left of this set");
    quit(&r);
    assert_int_equal(read_standing(&said, &all), N);
    assert_int_equal(all, N);
    for (int i = 0; i < N; i++) {
        const enum verdict v = meant[i % 9];
        assert_int_equal((int)said[i].verdict, verdict_is_graded(v) && said[i].swapped ? -(int)v : (int)v);
        assert_string_equal(said[i].annotator, "ann");
        assert_true(said[i].seconds >= 0 && said[i].seconds < 60);
        n_swapped += said[i].swapped;
        if (i % 8 == 7)
            assert_int_equal(n_swapped, (i + 1) / 2); // of each eight in a row
        for (int k = 0; k < i; k++)
            assert_true(said[k].pair != said[i].pair);
    }
    judgements_free(said, all);
    qsort(seconds, N, sizeof *seconds, compare);
    print_message("          key to the next pair: median %.1f ms, 99 of 100 within %.1f ms\n", seconds[N / 2] * 1e3,
                  seconds[98] * 1e3);
    assert_true(seconds[N / 2] < 3 * 0.016); // three times the bar, for busy machines
}

// Whether what the screen shows says that so many are saved.
static bool shows_count(struct rig *r, int done, int all)
{
    char text[40];
    snprintf(text, sizeof text, " %d/%d ", done, all);
    return rig_shows(r, text);
}

static void kill_9_loses_nothing_that_was_seen_and_leaves_no_half(void **state)
{
    const char *more = getenv("ATTUNE_KILLS");
    const int rounds = more ? atoi(more) : 30;
    struct rng random = rng_make((uint64_t)rounds, RNG_TEST, 9);
    int n_before = 0, n_saved_unseen = 0, n_unsaved = 0;
    write_pairs(rounds * 3 + 10);
    for (int i = 0; i < rounds; i++) {
        struct rig r;
        struct judgement *said;
        int all;
        start(&r);
        wait_count(&r, n_before, rounds * 3 + 10);
        int n_keys = 1 + (int)rng_below(&random, 2); // sometimes one goes through before
        for (int k = 0; k + 1 < n_keys; k++) {
            rig_send(&r, "3");
            wait_count(&r, ++n_before, rounds * 3 + 10);
        }
        rig_send(&r, i % 3 ? "2" : "u");
        usleep((useconds_t)rng_below(&random, i % 2 ? 12000 : 60000));
        kill(r.pid, SIGKILL);
        while (rig_read(&r, 0.2)) // what it has painted before
            continue;
        const bool seen_more = shows_count(&r, n_before + 1, rounds * 3 + 10);
        const bool seen_less = n_before > 0 && shows_count(&r, n_before - 1, rounds * 3 + 10);
        assert_int_equal(rig_end(&r), -SIGKILL);
        const int n = read_standing(&said, &all);
        if (i % 3 ? !(n == n_before + 1 || (n == n_before && !seen_more))
                  : !(n == n_before - 1 || (n == n_before && !seen_less)))
            fail_msg("round %d: %d judgements stand where %d did and %s was seen", i, n, n_before,
                     seen_more   ? "one more"
                     : seen_less ? "one less"
                                 : "no change");
        n_saved_unseen += n != n_before && !seen_more && !seen_less;
        n_unsaved += n == n_before;
        for (int k = 0; k < n; k++)
            assert_true(said[k].verdict <= VERDICT_CANNOT && said[k].row > 0 && said[k].at_ms > 0);
        judgements_free(said, n);
        n_before = n;
    }
    print_message("          %d kills: %d before it was saved, %d between disk and screen\n", rounds, n_unsaved,
                  n_saved_unseen);
    assert_true(n_before > 0);
}

static void undo_has_no_end_also_after_a_restart(void **state)
{
    struct rig r;
    struct str shown = {0};
    char first[40] = "";
    start(&r);
    rig_wait(&r, "question ");
    rig_text(&r, false, &shown);
    text_copy(first, sizeof first, strstr(str_text(&shown), "question "));
    first[strlen("question 000")] = '\0';
    for (int i = 0; i < 5; i++) {
        rig_send(&r, "2");
        wait_count(&r, i + 1, N);
    }
    quit(&r);
    start(&r);
    wait_count(&r, 5, N);
    for (int i = 4; i >= 0; i--) {
        rig_send(&r, "u");
        wait_count(&r, i, N);
        rig_wait(&r, "taken back: #");
    }
    rig_wait(&r, first);
    rig_send(&r, "u");
    rig_wait(&r, "nothing of yours to take back");
    rig_send(&r, "U");
    wait_count(&r, 1, N);
    rig_wait(&r, "again: #");
    quit(&r);
    str_fini(&shown);
}

static void words_go_with_the_judgement(void **state)
{
    struct rig r;
    struct judgement *said;
    int all;
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "R");
    rig_wait(&r, "told when you have judged them");
    rig_send(&r, "r");
    rig_wait(&r, "a correct");
    rig_send(&r, "ac");
    rig_send(&r, "r");
    rig_wait(&r, "because: correct, clear");
    rig_send(&r, "e");
    rig_wait(&r, "note (is saved with the judgement");
    rig_send(&r, "not sure\r");
    rig_wait(&r, "note: not sure");
    rig_send(&r, "4");
    wait_count(&r, 1, N);
    rig_wait(&r, "about the same");
    rig_send(&r, "R");
    rig_wait(&r, "the file prefers ");
    rig_send(&r, " "); // skipped
    wait_count(&r, 2, N);
    rig_send(&r, "f");
    wait_count(&r, 3, N);
    rig_send(&r, ":order skipped\r");
    rig_wait(&r, "you said: skipped");
    rig_send(&r, "1");
    rig_wait(&r, "Nothing is left of this set in the order \"skipped\"");
    rig_send(&r, "s");
    rig_wait(&r, "done 2   skipped 0   flagged 1   to do 0");
    quit(&r);
    assert_int_equal(read_standing(&said, &all), 3);
    assert_string_equal(said[0].note, "not sure");
    assert_string_equal(said[0].reasons, "ac");
    assert_int_equal(said[0].verdict, VERDICT_TIE);
    judgements_free(said, 3);
}

static void texts_are_searched_compared_and_corrected(void **state)
{
    struct rig r;
    struct str shown = {0};
    setenv("VISUAL", "sed -i s/answer/better/", 1);
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "/BAD\r");
    rig_wait(&r, "1 of 1 here, 1 in all three texts");
    rig_send(&r, "d");
    rig_wait(&r, "underlined");
    rig_send(&r, "z");
    rig_wait(&r, "(Tab: the other one)");
    rig_send(&r, "zE");
    rig_wait(&r, "saved the correction of #");
    wait_count(&r, 1, N + 1); // it is a pair of the set, judged
    rig_send(&r, ":go 101\r");
    rig_wait(&r, "you said: ");
    rig_text(&r, false, &shown);
    assert_non_null(strstr(str_text(&shown), " better "));
    rig_send(&r, ":go 500\r");
    rig_wait(&r, "there is no pair #500 here");
    rig_send(&r, "?");
    rig_wait(&r, "Keys and commands of the pairs to judge");
    rig_send(&r, "q");
    quit(&r);
    unsetenv("VISUAL");
    str_fini(&shown);
}

static void what_was_judged_is_written_as_data(void **state)
{
    struct rig r;
    char *out = path_join(dir, "out.jsonl"), *text;
    struct str keys = {0};
    size_t n;
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "4");
    wait_count(&r, 1, N);
    rig_send(&r, "7");
    wait_count(&r, 2, N);
    str_addf(&keys, ":export %s\r", out);
    rig_send(&r, str_text(&keys));
    rig_wait(&r, "1 pair; left out: 1 tie");
    quit(&r);
    assert_ok(file_read(out, 100000, &text, &n, e));
    assert_non_null(strstr(text, "\"margin\":3.0}"));
    free(text);
    free(out);
    str_fini(&keys);
}

static void a_range_is_marked_and_judged_with_one_key(void **state)
{
    struct rig r;
    struct judgement *said;
    int all;
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "\\number<=30\r");
    rig_wait(&r, "30 pairs that wait pass the filter");
    rig_wait(&r, "filtered  order: random");
    rig_send(&r, "p");
    rig_wait(&r, "0 of 30 marked");
    rig_send(&r, "jvjjj");
    rig_wait(&r, "4 of 30 marked, a range");
    rig_send(&r, "vGm");
    rig_wait(&r, "5 of 30 marked");
    rig_send(&r, "8");
    wait_count(&r, 5, N);
    rig_wait(&r, "saved 5 pairs \"both bad\"; u takes all back");
    rig_wait(&r, "0 of 25 marked");
    quit(&r);
    assert_int_equal(read_standing(&said, &all), 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(said[i].verdict, VERDICT_BOTH_BAD);
        assert_int_equal(said[i].act, said[0].id);
    }
    judgements_free(said, 5);
    start(&r);
    wait_count(&r, 5, N);
    rig_send(&r, "u");
    rig_wait(&r, "taken back: 5 pairs \"both bad\"");
    wait_count(&r, 0, N);
    rig_send(&r, "U");
    wait_count(&r, 5, N);
    rig_send(&r, ":filter number=20,21\rp");
    rig_wait(&r, "0 of 2 marked");
    rig_send(&r, "*2");
    wait_count(&r, 7, N);
    rig_wait(&r, "No pair that waits passes the filter");
    rig_send(&r, "p");
    rig_wait(&r, "Only pairs that pass number=20,21 come");
    rig_send(&r, ":filter colour=red\r");
    rig_wait(&r, "pairs have no \"colour\"");
    quit(&r);
}

// All of what one key judges, or nothing of it.
static void kill_9_leaves_no_part_of_what_is_judged_at_once(void **state)
{
    enum { ROUNDS = 12, AT_ONCE = 40 };
    struct rng random = rng_make(5, RNG_TEST, 10);
    int n_before = 0, n_whole = 0;
    write_pairs(ROUNDS * AT_ONCE);
    for (int i = 0; i < ROUNDS; i++) {
        struct rig r;
        struct judgement *said;
        int all;
        start(&r);
        wait_count(&r, n_before, ROUNDS * AT_ONCE);
        rig_send(&r, "p");
        char listed[40];
        snprintf(listed, sizeof listed, "0 of %d marked", ROUNDS * AT_ONCE - n_before);
        rig_wait(&r, listed);
        rig_send(&r, "v");
        for (int k = 1; k < AT_ONCE; k++)
            rig_send(&r, "j");
        rig_wait(&r, "40 of ");
        rig_send(&r, "4");
        usleep((useconds_t)rng_below(&random, i % 2 ? 15000 : 150000));
        kill(r.pid, SIGKILL);
        while (rig_read(&r, 0.2))
            continue;
        const bool seen = shows_count(&r, n_before + AT_ONCE, ROUNDS * AT_ONCE);
        assert_int_equal(rig_end(&r), -SIGKILL);
        const int n = read_standing(&said, &all);
        assert_true(n == n_before + AT_ONCE || (n == n_before && !seen));
        n_whole += n > n_before;
        judgements_free(said, n);
        n_before = n;
    }
    print_message("          %d kills, %d after all was saved\n", ROUNDS, n_whole);
}

static void an_annotator_who_fails_checks_is_named(void **state)
{
    struct rig r;
    struct str rows = {0}, command = {0};
    char *known = path_join(dir, "known.jsonl"), *out = path_join(dir, "stats.txt"), *text;
    size_t n;
    write_pairs(9);
    for (int i = 0; i < 5; i++)
        str_addf(&rows, "{\"prompt\": \"question 50%d\", \"chosen\": \"good answer\", \"rejected\": \"bad answer %d\"}\n", i, i);
    assert_ok(file_write(known, rows.data, rows.len, e));
    const char *args[] = {"label", data, "--annotator", "ann", "--repeats", "0", "--checks", known, "--check-share", "0.1", NULL};
    rig_start(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24, .args = args});
    for (int i = 0; i < 10; i++) {
        wait_count(&r, i, 10);
        rig_send(&r, "4"); // of everything
    }
    rig_wait(&r, "Nothing is left of this set");
    quit(&r);
    str_addf(&command, "%s/attune label stats --project %s >%s", getenv("ATTUNE_BUILDDIR"), dir, out);
    assert_int_equal(system(str_text(&command)), 0);
    assert_ok(file_read(out, 100000, &text, &n, e));
    assert_non_null(strstr(text, "0/1 passed"));
    assert_non_null(strstr(text, "ann failed 1 of 1 attention checks (100 %"));
    free(text);
    free(known);
    free(out);
    str_fini(&rows);
    str_fini(&command);
}

static void a_run_that_waits_hears_and_asks_for_more(void **state)
{
    struct store *s;
    struct run_writer *w;
    struct judgement *said;
    struct rig r;
    int64_t ids[3], cursor = 0;
    int n;
    char *name;
    struct asked_pair p = {
        .prompt = (char *)"tell me\033[31m of it",
        .a = (char *)"first",
        .b = (char *)"second",
        .model = (char *)"step 3",
        .turns = (char *)"[{\"role\":\"user\",\"content\":\"hello\"},{\"role\":\"assistant\",\"content\":\"yes?\"},"
                         "{\"role\":\"user\",\"content\":\"tell me\\u001b[31m of it\"}]"};
    assert_ok(store_open(&s, dir, true, e));
    assert_ok(store_add_run(s, "asks", "online-dpo", "m", "d", NULL, &name, e));
    char *run_dir = store_run_dir(s, name);
    assert_ok(run_writer_open(&w, run_dir, e));
    assert_ok(run_writer_begin(w, e));
    for (int i = 0; i < 2; i++) {
        p.step = i;
        assert_ok(run_writer_offer(w, &p, &ids[i], e));
    }
    assert_ok(run_writer_commit(w, e));
    const char *args[] = {"label", NULL};
    setenv("USER", "bob", 1);
    rig_start(&r, &(struct rig_options){.project = dir, .width = 80, .height = 24, .args = args});
    rig_wait(&r, "waiting for you: 2 pairs");
    rig_wait(&r, "3 user"); // turns are marked, and the last one is seen first
    rig_wait(&r, "by bob");
    assert_false(rig_shows(&r, "step 3")); // whose answers they are is not said
    rig_send(&r, "1");
    rig_wait(&r, "waiting for you: 1 pair");
    rig_send(&r, "R");
    rig_wait(&r, "both answers are of step 3");
    rig_wait(&r, "saved #1 ");
    assert_ok(labels_since(s, name, &cursor, &said, &n, e)); // as an engine listens between two steps
    assert_int_equal(n, 1);
    assert_int_equal(said[0].pair, ids[0]);
    assert_int_equal((int)said[0].verdict, said[0].swapped ? VERDICT_MUCH_B : VERDICT_MUCH_A);
    judgements_free(said, n);
    rig_send(&r, "7");
    rig_wait(&r, "asks for nothing at this moment");
    assert_ok(run_writer_begin(w, e));
    p.step = 5;
    assert_ok(run_writer_offer(w, &p, &ids[2], e));
    assert_ok(run_writer_commit(w, e));
    rig_wait(&r, "waiting for you: 1 pair"); // it comes by itself
    rig_wait(&r, "tell me^[[31m of it");     // no byte of it commands the terminal
    quit(&r);
    run_writer_close(w);
    store_close(s);
    free(run_dir);
    free(name);
}

static void the_page_is_as_kept_at_every_size(void **state)
{
    static const struct {
        int width, height;
        const char *locale, *name;
    } sizes[] = {{80, 24, NULL, "label-80x24.txt"},
                 {80, 24, "C", "label-80x24-ascii.txt"},
                 {200, 50, NULL, "label-200x50.txt"},
                 {40, 12, NULL, "label-40x12.txt"},
                 {120, 40, NULL, "label-120x40.txt"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rig r;
        start_sized(&r, sizes[i].width, sizes[i].height, sizes[i].locale);
        rig_expect(&r, sizes[i].name, false, " 0/100 ");
        quit(&r);
        char *session = path_join(dir, "console.json"); // the next one says nothing of this one
        remove(session);
        free(session);
    }
}

// A clock of seconds, and nothing else.
static void who_reads_is_left_in_peace(void **state)
{
    enum { SECONDS = 4 };
    struct rig r;
    start(&r);
    wait_count(&r, 0, N);
    rig_wait(&r, " 0:05 "); // before, it shows none
    // A message may come to its end meanwhile: one of three stretches is silent but for the clock.
    size_t least = SIZE_MAX;
    for (int i = 0; i < 3 && least > 12 * (SECONDS + 1); i++) {
        const size_t before = r.bytes;
        const double until = clock_seconds() + SECONDS;
        while (clock_seconds() < until)
            rig_read(&r, 0.1);
        least = r.bytes - before < least ? r.bytes - before : least;
    }
    print_message("          %zu bytes a second while nothing happens\n", least / SECONDS);
    assert_true(least <= 12 * (SECONDS + 1));
    quit(&r);
}

static void any_size_is_fine(void **state)
{
    struct rig r;
    struct rng random = rng_make(3, RNG_TEST, 4);
    start(&r);
    wait_count(&r, 0, N);
    for (int i = 0; i < 150; i++) {
        static const char *const keys[] = {"s", "z", "k", "d", "\t", "J", "r", "r"};
        rig_resize(&r, 1 + (int)rng_below(&random, 220), 1 + (int)rng_below(&random, 60));
        rig_send(&r, keys[rng_below(&random, 8)]);
        rig_read(&r, 0.005);
    }
    rig_resize(&r, 80, 24);
    rig_send(&r, "\f");
    wait_count(&r, 0, N);
    rig_send(&r, "\033");
    rig_wait(&r, "[1 Runs]");
    rig_send(&r, "q");
    assert_int_equal(rig_end(&r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hundred_pairs_take_a_hundred_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kill_9_loses_nothing_that_was_seen_and_leaves_no_half, set_up, tear_down),
        cmocka_unit_test_setup_teardown(undo_has_no_end_also_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_go_with_the_judgement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_searched_compared_and_corrected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_judged_is_written_as_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_range_is_marked_and_judged_with_one_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kill_9_leaves_no_part_of_what_is_judged_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_annotator_who_fails_checks_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_that_waits_hears_and_asks_for_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_is_as_kept_at_every_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_reads_is_left_in_peace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_size_is_fine, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
