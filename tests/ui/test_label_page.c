// Judging pairs in the real program: a hundred with one key each, kill -9 in the middle, undo after a restart, a run
// that waits, and what the page shows at every size.
#include "config.h"

#include <signal.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ui/label_page.h"
#include "ui/side_by_side.h"

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
    rig_quit(&r);
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
    rig_quit(&r);
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
    rig_quit(&r);
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
    rig_quit(&r);
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
    rig_quit(&r);
    unsetenv("VISUAL");
    str_fini(&shown);
}

// The next pair comes while the editor has the terminal: what is written there stays the answer to the one before.
static void a_correction_goes_with_the_pair_that_was_shown(void **state)
{
    struct rig r;
    struct store *s;
    struct judgement *said;
    struct asked_pair judged, corrected;
    int all;
    setenv("VISUAL", "sleep 1; sed -i s/answer/better/", 1);
    start(&r);
    wait_count(&r, 0, N);
    rig_send(&r, "1E");
    rig_wait(&r, "saved the correction of #");
    wait_count(&r, 2, N + 1);
    rig_quit(&r);
    unsetenv("VISUAL");
    assert_int_equal(read_standing(&said, &all), 2);
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(label_pair(s, said[0].pair, &judged, e));
    assert_ok(label_pair(s, said[1].pair, &corrected, e));
    assert_string_equal(corrected.prompt, judged.prompt);
    assert_string_equal(corrected.b, said[0].swapped ? judged.b : judged.a);
    assert_non_null(strstr(corrected.a, "better"));
    asked_pair_fini(&judged);
    asked_pair_fini(&corrected);
    judgements_free(said, 2);
    store_close(s);
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
    rig_quit(&r);
    assert_ok(file_read(out, 100000, &text, &n, e));
    assert_non_null(strstr(text, "\"margin\":3.0}"));
    free(text);
    free(out);
    str_fini(&keys);
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
    rig_quit(&r);
    run_writer_close(w);
    store_close(s);
    free(run_dir);
    free(name);
}

static void the_page_is_as_kept_at_every_size(void **state)
{
    struct rig r;
    start(&r);
    rig_expect_grid(&r, "label", " 0/100 ");
    rig_quit(&r);
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
    rig_quit(&r);
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
    const struct CMUnitTest bars[] = { // of time: alone
        cmocka_unit_test_setup_teardown(a_hundred_pairs_take_a_hundred_keys, set_up, tear_down),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_reads_is_left_in_peace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_is_as_kept_at_every_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kill_9_loses_nothing_that_was_seen_and_leaves_no_half, set_up, tear_down),
        cmocka_unit_test_setup_teardown(undo_has_no_end_also_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_go_with_the_judgement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_searched_compared_and_corrected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_correction_goes_with_the_pair_that_was_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_judged_is_written_as_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_that_waits_hears_and_asks_for_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_size_is_fine, set_up, tear_down),
    };
    return run_side_by_side(1, bars, sizeof bars / sizeof *bars, NULL, NULL) +
           run_side_by_side(4, tests, sizeof tests / sizeof *tests, NULL, NULL);
}
