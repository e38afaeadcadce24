// Labelling without a screen: what comes next and on which sides, also after a restart; undo and redo; second looks;
// annotators who disagree; a run's pairs; and what it all adds up to.
#include "config.h"

#include "testing.h"

#include "desk.h"
#include "store/labels_pending.h"

static void every_pair_comes_once_with_balanced_sides_whatever_happens_between(void **state)
{
    bool seen[N + 1] = {0};
    int n_swapped = 0, in_order = 0;
    open_file(0);
    assert_string_equal(now.source, "pairs");
    assert_int_equal(now.n_waiting, N);
    for (int i = 0; i < N; i++) {
        assert_true(now.has_pair);
        assert_false(seen[now.number]);
        seen[now.number] = true;
        in_order += now.number == i + 1;
        n_swapped += now.swapped;
        if (i % 8 == 7)
            assert_int_equal(n_swapped, (i + 1) / 2);
        char wanted[40];
        snprintf(wanted, sizeof wanted, "good answer %d", (int)now.number);
        assert_string_equal(now.pair.a, wanted);
        assert_close(now.share, now.swapped ? 0 : 1, 0);
        const int64_t number = now.number;
        const bool swapped = now.swapped;
        if (i % 5 == 2) { // a restart changes nothing
            open_as("ann");
            ask((struct label_request){.what = LABEL_FIRST});
            assert_int_equal(now.number, number);
            assert_int_equal(now.swapped, swapped);
        }
        if (i % 7 == 3) { // nor does a look, nor a judgement that is taken back
            ask((struct label_request){.what = LABEL_LOOK});
            assert_int_equal(now.number, number);
            judge(VERDICT_MUCH_B);
            ask((struct label_request){.what = LABEL_UNDO});
            assert_int_equal(now.number, number);
            assert_int_equal(now.swapped, swapped);
            assert_false(now.was_judged);
        }
        prefer_good();
    }
    assert_false(now.has_pair);
    assert_int_equal(now.n_waiting, 0);
    assert_true(in_order < 10); // it is by lot
    assert_int_equal(now.tally.n_done, N);
    assert_int_equal(now.tally.n_longer, N);
    assert_int_equal(now.tally.n_length, N);
    assert_int_equal(now.tally.n_left, N / 2);
    assert_int_equal(now.tally.counts[VERDICT_A - VERDICT_MUCH_A], N / 2);
    assert_close(now.tally.median_s, 4, 0);
    assert_close(now.tally.per_hour, 900, 1e-9);
    open_file(0); // the same file goes on as the same set
    assert_int_equal(now.tally.n_done, N);
}

static void undo_has_no_end_and_outlives_a_restart(void **state)
{
    int64_t order[N];
    open_file(0);
    for (int i = 0; i < N; i++) {
        order[i] = now.number;
        judge((enum verdict)(i % 7 - 3));
    }
    for (int i = N - 1; i >= 0; i--) {
        if (i % 10 == 5) {
            open_as("ann");
            ask((struct label_request){.what = LABEL_FIRST});
        }
        ask((struct label_request){.what = LABEL_UNDO});
        assert_int_equal(now.number, order[i]);
        assert_int_equal(now.n_redo, N - i);
    }
    struct err fault;
    assert_int_equal(ask_code((struct label_request){.what = LABEL_UNDO}, &fault), ERR_NOT_FOUND);
    assert_true(now.has_pair); // the picture stays
    open_as("ann");
    ask((struct label_request){.what = LABEL_FIRST});
    assert_int_equal(now.tally.n_done, 0);
    for (int i = 0; i < 3; i++)
        ask((struct label_request){.what = LABEL_REDO});
    assert_int_equal(now.tally.n_done, 3);
    assert_int_equal(now.past[0].number, order[2]);
    assert_int_equal(now.past[0].verdict, VERDICT_SLIGHT_A);
    assert_int_equal(now.number, order[3]);
    judge(VERDICT_TIE); // something new is said: what was undone before is past
    assert_int_equal(now.n_redo, 0);
    assert_int_equal(ask_code((struct label_request){.what = LABEL_REDO}, &fault), ERR_NOT_FOUND);
}

static void a_share_of_the_pairs_comes_again_with_sides_exchanged(void **state)
{
    bool first_side[N + 1], seen[N + 1] = {0};
    int n_again = 0;
    open_file(0.3);
    for (int i = 0; now.has_pair; i++) {
        assert_true(i < 2 * N);
        if (seen[now.number]) {
            n_again++;
            assert_int_equal(now.swapped, !first_side[now.number]);
            assert_false(now.was_judged); // that it was judged is not said
            judge(VERDICT_A);             // the left one, whichever it is: the other one than at first
        } else {
            seen[now.number] = true;
            first_side[now.number] = now.swapped;
            judge(VERDICT_A);
        }
    }
    assert_true(n_again >= 5 && n_again <= 20); // 40 times 0.3, by lot
    assert_int_equal(now.tally.n_again, n_again);
    assert_int_equal(now.tally.n_again_same, 0);
    assert_int_equal(now.tally.n_again_side, 0);
    assert_int_equal(now.tally.n_again_sided, n_again);
    assert_int_equal(now.tally.n_done, N); // second looks are no votes
    const int n_past = now.tally.n_timed;
    ask((struct label_request){.what = LABEL_UNDO}); // of the last second look: the vote stands
    assert_int_equal(now.tally.n_done, N);
    assert_int_equal(now.tally.n_timed, n_past - 1);
    assert_int_equal(now.swapped, !first_side[now.number]);
}

static void what_a_killed_console_had_written_down_is_not_lost(void **state)
{
    struct store *s;
    struct judged_pair *judged;
    struct str row = {0};
    int n;
    open_file(0);
    prefer_good();
    with_save = false;
    const int64_t number = now.number;
    prefer_good();
    assert_int_not_equal(now.number, number);
    const int64_t next = now.number;
    assert_int_equal(now.tally.n_done, 2);
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(labels_judged(s, NULL, &judged, &n, e));
    assert_int_equal(n, 1); // not in the store yet
    judged_pairs_free(judged, n);
    assert_ok(labels_recover(s, &n, e));
    assert_int_equal(n, 0); // its writer lives
    label_desk_close(desk); // as one that is gone without saving
    desk = NULL;
    assert_ok(labels_recover(s, &n, e));
    assert_int_equal(n, 1);
    assert_ok(labels_recover(s, &n, e));
    assert_int_equal(n, 0);
    assert_ok(labels_judged(s, NULL, &judged, &n, e));
    assert_int_equal(n, 2);
    judged_pairs_free(judged, n);
    open_as("ann");
    ask((struct label_request){.what = LABEL_FIRST});
    assert_int_equal(now.tally.n_done, 2);
    assert_int_equal(now.number, next);
    // What is half written, or of a pair that is not there, is dropped.
    static const char *const rows[] = {"{\"pair\":1,\"verdi", "{\"pair\":1}",
                                       "{\"pair\":77777,\"annotator\":\"ann\",\"verdict\":1}\n", ""};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str_clear(&row);
        str_addf(&row, "%s/labels-left%d.pending", dir, (int)i);
        assert_ok(file_write(str_text(&row), rows[i], strlen(rows[i]), e));
        assert_ok(labels_recover(s, &n, e));
        assert_int_equal(n, 0);
        assert_false(file_exists(str_text(&row)));
    }
    with_save = true;
    prefer_good();
    assert_int_equal(now.tally.n_done, 3);
    store_close(s);
    str_fini(&row);
}

static void what_is_skipped_can_be_asked_for_and_changed(void **state)
{
    open_file(0);
    const int64_t first = now.number;
    judge(VERDICT_SKIP);
    const int64_t second = now.number;
    judge(VERDICT_FLAG);
    judge(VERDICT_A);
    assert_int_equal(now.tally.n_skipped, 1);
    assert_int_equal(now.tally.n_flagged, 1);
    assert_int_equal(now.tally.n_done, 2);
    ask((struct label_request){.what = LABEL_ORDER, .order = LABEL_SKIPPED});
    assert_int_equal(now.number, first);
    assert_true(now.was_judged);
    judge(VERDICT_SKIP);
    assert_false(now.has_pair); // it does not come again and again
    ask((struct label_request){.what = LABEL_ORDER, .order = LABEL_SKIPPED});
    judge(VERDICT_BOTH_BAD);
    assert_int_equal(now.tally.n_skipped, 0);
    ask((struct label_request){.what = LABEL_GO, .number = second});
    assert_int_equal(now.before, VERDICT_FLAG);
    judge(VERDICT_SKIP); // a judgement becomes a skip
    assert_int_equal(now.tally.n_skipped, 1);
    assert_int_equal(now.tally.n_flagged, 0);
    struct err fault;
    assert_int_equal(ask_code((struct label_request){.what = LABEL_GO, .number = N + 1}, &fault), ERR_NOT_FOUND);
}

static void annotators_who_disagree_are_settled_by_a_last_word(void **state)
{
    struct store *s;
    struct judged_pair *judged;
    int n;
    open_file(0);
    ask((struct label_request){.what = LABEL_ORDER, .order = LABEL_IN_ORDER});
    for (int i = 0; i < 10; i++) // ann sees the first ten as the file does
        prefer_good();
    open_as("bob");
    ask((struct label_request){.what = LABEL_FIRST});
    ask((struct label_request){.what = LABEL_ORDER, .order = LABEL_IN_ORDER});
    for (int i = 0; i < 10; i++)
        judge((i == 3 || i == 6) != now.swapped ? VERDICT_MUCH_B : VERDICT_MUCH_A);
    assert_int_equal(now.tally.n_others, 1);
    assert_string_equal(now.tally.others[0].name, "ann");
    assert_int_equal(now.tally.others[0].n, 10);
    assert_int_equal(now.tally.others[0].n_same, 0);
    assert_int_equal(now.tally.others[0].n_side, 8);
    open_as("cyd");
    ask((struct label_request){.what = LABEL_FIRST});
    ask((struct label_request){.what = LABEL_ORDER, .order = LABEL_DISAGREE});
    assert_true(now.number == 4 || now.number == 7); // the two that they see differently come first
    assert_int_equal(now.n_votes, 2);
    ask((struct label_request){.what = LABEL_ORDER, .order = LABEL_UNCERTAIN});
    assert_true(now.number == 4 || now.number == 7);
    ask((struct label_request){.what = LABEL_FIT});
    assert_int_equal(now.n_abilities, 4); // cyd, ann, bob and the file
    assert_string_equal(now.abilities[0].who, "cyd");
    assert_close(now.abilities[0].ability, 1, 1e-9); // has said nothing
    assert_true(now.abilities[1].ability >
                now.abilities[2].ability); // ann sees it as the file does, bob does not always
    ask((struct label_request){.what = LABEL_ORDER, .order = LABEL_DISPUTED});
    assert_int_equal(now.n_waiting, 2);
    assert_int_equal(now.number, 4);
    judge(now.swapped ? VERDICT_A : VERDICT_B); // B, the bad one
    assert_int_equal(now.number, 7);
    judge(VERDICT_SKIP); // not settled
    assert_false(now.has_pair);
    assert_int_equal(now.tally.n_skipped, 0);
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(labels_judged(s, NULL, &judged, &n, e));
    for (int i = 0; i < n; i++) {
        const bool settled = strcmp(judged[i].pair.prompt, "question 4") == 0;
        assert_int_equal(judged[i].n_a, settled ? 0 : strcmp(judged[i].pair.prompt, "question 7") == 0 ? 1 : 2);
        assert_int_equal(judged[i].n_a + judged[i].n_b, settled ? 1 : 2);
    }
    assert_int_equal(n, 10);
    judged_pairs_free(judged, n);
    store_close(s);
}

// A key that was pressed before somebody else closed the pair is no judgement of the one that came in its place.
static void a_judgement_is_of_the_pair_it_was_meant_for(void **state)
{
    struct err fault = {0};
    open_file(0);
    const int64_t number = now.number, other = number == 1 ? 2 : 1;
    ask((struct label_request){.what = LABEL_GO, .number = other});
    assert_int_equal(
        ask_code((struct label_request){.what = LABEL_JUDGE, .verdict = VERDICT_A, .number = number, .seconds = 4}, &fault),
        ERR_STATE);
    assert_non_null(strstr(fault.text, "nothing was judged"));
    assert_int_equal(now.number, other);
    ask((struct label_request){.what = LABEL_SAVE});
    assert_int_equal(now.tally.n_done, 0);
    ask((struct label_request){.what = LABEL_JUDGE, .verdict = VERDICT_A, .number = other, .seconds = 4});
    ask((struct label_request){.what = LABEL_SAVE});
    assert_int_equal(now.tally.n_done, 1);
}

static void a_correction_is_a_pair(void **state)
{
    struct store *s;
    struct judged_pair *judged;
    struct err fault;
    int n;
    open_file(0);
    const char *left = now.swapped ? now.pair.b : now.pair.a;
    char *before = mem_strdup(left), *prompt = mem_strdup(now.pair.prompt);
    const int64_t number = now.number;
    assert_int_equal(
        ask_code((struct label_request){.what = LABEL_EDIT, .text = before, .number = number, .is_b = now.swapped}, &fault),
        ERR_USAGE);
    const bool is_b = now.swapped;
    ask((struct label_request){.what = LABEL_GO, .number = number == 1 ? 2 : 1}); // another one is shown meanwhile
    ask((struct label_request){
        .what = LABEL_EDIT, .text = (char *)"better", .number = number, .is_b = is_b, .seconds = NAN});
    ask((struct label_request){.what = LABEL_GO, .number = number});
    assert_false(now.was_judged); // still to be judged
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(labels_judged(s, NULL, &judged, &n, e));
    assert_int_equal(n, 1);
    assert_string_equal(judged[0].pair.prompt, prompt);
    assert_string_equal(judged[0].pair.a, "better");
    assert_string_equal(judged[0].pair.b, before);
    assert_int_equal(judged[0].n_a, 1);
    judged_pairs_free(judged, n);
    store_close(s);
    ask((struct label_request){.what = LABEL_UNDO}); // as every judgement
    assert_int_equal(now.number, N + 1);
    free(before);
    free(prompt);
}

static void pairs_of_a_run_come_as_it_asks_for_them(void **state)
{
    struct store *s;
    struct run_writer *w;
    struct judgement j = {.verdict = VERDICT_A, .annotator = "bob", .seconds = NAN};
    struct asked_pair p = {.prompt = (char *)"p", .a = (char *)"x", .b = (char *)"y"};
    int64_t ids[4];
    bool again;
    char *name;
    assert_ok(store_open(&s, dir, true, e));
    assert_ok(store_add_run(s, "r", "online-dpo", "m", "d", NULL, &name, e));
    ask((struct label_request){.what = LABEL_RUN, .text = name});
    assert_int_equal(now.kind, LABEL_OF_RUN);
    assert_false(now.has_pair); // nothing runs yet
    char *run_dir = store_run_dir(s, name);
    assert_ok(run_writer_open(&w, run_dir, e));
    assert_ok(run_writer_begin(w, e));
    for (int i = 0; i < 4; i++) {
        p.step = i + 1;
        assert_ok(run_writer_offer(w, &p, &ids[i], e));
    }
    assert_ok(run_writer_commit(w, e));
    ask((struct label_request){.what = LABEL_LOOK});
    assert_int_equal(now.n_waiting, 4);
    assert_int_equal(now.number, ids[0]);
    ask((struct label_request){.what = LABEL_FIRST, .text = (char *)"none"}); // some run waits: that one
    assert_string_equal(now.source, "r");
    p.id = ids[0];
    asked_pair_hash(&p);
    assert_ok(labels_add(s, name, &p, &j, false, &again, e)); // bob was faster
    ask((struct label_request){.what = LABEL_LOOK});
    assert_int_equal(now.number, ids[1]);
    assert_int_equal(now.n_waiting, 3);
    judge(VERDICT_A);
    assert_int_equal(now.number, ids[2]);
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_close_pair(w, ids[2], PAIR_EXPIRED, 9, e));
    assert_ok(run_writer_commit(w, e));
    ask((struct label_request){.what = LABEL_LOOK});
    assert_int_equal(now.number, ids[3]);
    judge(VERDICT_SKIP);
    assert_false(now.has_pair);
    ask((struct label_request){.what = LABEL_UNDO});
    ask((struct label_request){.what = LABEL_UNDO});
    assert_int_equal(now.number, ids[1]);
    run_writer_close(w);
    store_close(s);
    free(run_dir);
    free(name);
}

static void files_that_hold_no_pairs_are_refused_in_words(void **state)
{
    struct err fault;
    char *path = path_join(dir, "prompts.jsonl");
    const char *rows = "{\"prompt\": \"only this\"}\n";
    assert_ok(file_write(path, rows, strlen(rows), e));
    assert_int_equal(ask_code((struct label_request){.what = LABEL_FILE, .text = path}, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "prompts"));
    assert_int_equal(ask_code((struct label_request){.what = LABEL_SET, .text = (char *)"no"}, &fault), ERR_NOT_FOUND);
    assert_int_equal(ask_code((struct label_request){.what = LABEL_FILE, .text = (char *)"/no/such"}, &fault),
                     ERR_NOT_FOUND);
    assert_int_equal(ask_code((struct label_request){.what = LABEL_JUDGE}, &fault), ERR_STATE);
    ask((struct label_request){.what = LABEL_FIRST}); // a project without anything
    assert_int_equal(now.kind, LABEL_OF_NOTHING);
    rows =
        "{\"prompt\": \"p\", \"responses\": [{\"response\": \"a\", \"score\": 1}, {\"response\": \"b\", \"score\": 3}, "
        "{\"response\": \"c\", \"score\": 2}]}\n";
    assert_ok(file_write(path, rows, strlen(rows), e));
    ask((struct label_request){.what = LABEL_FILE, .text = path});
    assert_int_equal(now.n_waiting, 2); // a list: each answer with the next one
    free(path);
}

static void orders_have_names(void **state)
{
    enum label_order o;
    assert_true(label_order_from_name("disa", &o));
    assert_int_equal(o, LABEL_DISAGREE);
    assert_false(label_order_from_name("dis", &o)); // of two
    assert_false(label_order_from_name("", &o));
    assert_string_equal(label_order_name(LABEL_IN_ORDER), "in-order");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_pair_comes_once_with_balanced_sides_whatever_happens_between, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(undo_has_no_end_and_outlives_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_share_of_the_pairs_comes_again_with_sides_exchanged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_killed_console_had_written_down_is_not_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_skipped_can_be_asked_for_and_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(annotators_who_disagree_are_settled_by_a_last_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_judgement_is_of_the_pair_it_was_meant_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_correction_is_a_pair, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pairs_of_a_run_come_as_it_asks_for_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_hold_no_pairs_are_refused_in_words, set_up, tear_down),
        cmocka_unit_test(orders_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
