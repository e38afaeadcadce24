// Labelling several pairs at once, by a filter, with attention checks.
#include "config.h"

#include "testing.h"

#include "base/clock.h"
#include "desk.h"
#include "ui/label/judge_report.h"
#include "ui/label/label_export.h"

// Marks the rows of the list whose numbers are from first to last, and judges them.
static void judge_rows(int first, int last, enum verdict v)
{
    struct label_mark *marked = calloc((size_t)now.n_list + 1, sizeof *marked);
    int n = 0;
    for (int i = 0; i < now.n_list; i++)
        if (now.list[i].number >= first && now.list[i].number <= last)
            marked[n++] = (struct label_mark){now.list[i].number, now.list[i].swapped};
    ask((struct label_request){.what = LABEL_JUDGE_MANY, .marked = marked, .n_marked = n, .verdict = v});
    free(marked);
}

static void several_pairs_are_judged_and_taken_back_as_one(void **state)
{
    struct store *s;
    struct judged_pair *judged;
    struct judgement undone;
    struct err fault;
    bool swapped[N + 1];
    int n, n_swapped = 0;
    open_file(0);
    judge(VERDICT_TIE);
    const int64_t alone = now.past[0].number;
    ask((struct label_request){.what = LABEL_LIST, .number = 1});
    assert_int_equal(now.n_list, N - 1);
    for (int i = 0; i < now.n_list; i++) {
        swapped[now.list[i].number] = now.list[i].swapped;
        assert_non_null(strstr(now.list[i].swapped ? now.list[i].right : now.list[i].left, "good answer"));
        n_swapped += i >= 7 && i < 31 && now.list[i].swapped;
    }
    assert_int_equal(n_swapped, 12); // down the list, four of each eight
    const int n_first = alone <= 20 ? 19 : 20;
    judge_rows(1, 20, VERDICT_A); // the left one, wherever the good one is
    assert_int_equal(now.n_list, N - 1 - n_first);
    assert_int_equal(now.tally.n_done, 1 + n_first);
    assert_int_equal(now.tally.n_left, n_first);
    const int before = now.tally.n_done;
    judge_rows(21, 24, VERDICT_BOTH_BAD);
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(labels_judged(s, NULL, &judged, &n, e));
    for (int i = 0; i < n; i++) {
        const int number = atoi(judged[i].pair.prompt + strlen("question "));
        if (number <= 20 && number != alone)
            assert_int_equal(judged[i].n_a, !swapped[number]);
    }
    judged_pairs_free(judged, n);
    open_as("ann"); // a restart
    ask((struct label_request){.what = LABEL_FIRST});
    ask((struct label_request){.what = LABEL_UNDO}); // the four
    assert_int_equal(now.tally.n_done, before);
    ask((struct label_request){.what = LABEL_UNDO}); // all of the first twenty
    assert_int_equal(now.tally.n_done, 1);
    assert_int_equal(now.n_waiting, N - 1);
    open_as("ann");
    ask((struct label_request){.what = LABEL_FIRST});
    ask((struct label_request){.what = LABEL_REDO});
    assert_int_equal(now.tally.n_done, before); // and again, as one
    assert_int_equal(now.tally.n_left, n_first);
    ask((struct label_request){.what = LABEL_REDO});
    assert_true(now.tally.n_done > before);
    assert_int_equal(now.n_redo, 0);
    assert_int_equal(ask_code((struct label_request){.what = LABEL_REDO}, &fault), ERR_NOT_FOUND);
    assert_ok(labels_undo(s, NULL, 0, "ann", &undone, e)); // the command as well
    judgement_fini(&undone);
    ask((struct label_request){.what = LABEL_LOOK});
    assert_int_equal(now.tally.n_done, before);
    ask((struct label_request){.what = LABEL_LIST, .number = 1});
    struct label_mark one = {now.list[0].number, now.list[0].swapped};
    struct label_request r = {.what = LABEL_JUDGE_MANY, .marked = &one, .n_marked = 1, .verdict = VERDICT_SKIP};
    ask(r);
    assert_int_equal(ask_code(r, &fault), ERR_STATE); // it waits no more
    store_close(s);
}

static void what_passes_a_filter_comes_and_nothing_else(void **state)
{
    struct err fault;
    open_file(0);
    ask((struct label_request){.what = LABEL_FILTER, .text = (char *)"answer:\"good answer 3\" number<35"});
    assert_int_equal(now.n_waiting, 6); // 3, 30 to 34
    assert_string_equal(now.filter, "answer:\"good answer 3\" number<35");
    for (int i = 0; i < 6; i++) {
        assert_true(now.number == 3 || (now.number >= 30 && now.number < 35));
        judge(VERDICT_TIE);
    }
    assert_false(now.has_pair);
    static const char *const wrong[] = {"model:x", "number<", "(", "colour=red or nothing:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(ask_code((struct label_request){.what = LABEL_FILTER, .text = (char *)wrong[i]}, &fault),
                         ERR_USAGE);
        assert_int_equal(now.n_waiting, 0); // as it was
    }
    ask((struct label_request){.what = LABEL_FILTER, .text = (char *)"gap>5"}); // 13 - 5 characters, or 14 - 6
    assert_int_equal(now.n_waiting, N - 6);
    ask((struct label_request){.what = LABEL_FILTER, .text = (char *)"answer-length=5"}); // "bad 1" to "bad 9", but for 3
    assert_int_equal(now.n_waiting, 8);
    ask((struct label_request){.what = LABEL_FILTER, .text = (char *)""});
    assert_int_equal(now.n_waiting, N - 6);
    ask((struct label_request){.what = LABEL_FILTER, .text = (char *)"question prompt-length<11"});
    assert_int_equal(now.n_waiting, 8);
    open_file(0); // another source, or the same anew: no filter
    assert_int_equal(now.n_waiting, N - 6);
}

enum { N_CHECKS = 6 };
static char *write_checks(void)
{
    struct str s = {0};
    char *path = path_join(dir, "known.jsonl");
    for (int i = 1; i <= N_CHECKS; i++)
        str_addf(&s, "{\"prompt\": \"question 9%d\", \"chosen\": \"good answer 9%d\", \"rejected\": \"bad 9%d\"}\n", i,
                 i, i);
    assert_ok(file_write(path, s.data, s.len, e));
    str_fini(&s);
    return path;
}

static bool is_check_shown(void)
{
    return strncmp(now.pair.prompt, "question 9", 10) == 0 && strlen(now.pair.prompt) == strlen("question 91");
}

// What `who` says of all pairs, in that order: right but for every n-th check. Returns how many checks came, and the places
// in which they did.
static int judge_all(enum label_order order, int fail_each, int *n_failed, int *places)
{
    int n_checks = 0;
    *n_failed = 0;
    ask((struct label_request){.what = LABEL_FIRST});
    ask((struct label_request){.what = LABEL_ORDER, .order = order});
    for (int i = 0; now.has_pair; i++) {
        const bool check = is_check_shown();
        assert_true(i < 2 * N);
        assert_true(isnan(now.share)); // of no pair: it would tell checks apart
        if (check)
            places[n_checks++] = i;
        const bool fail = check && n_checks % fail_each == 0;
        *n_failed += fail;
        if (fail)
            judge(n_checks % 2 ? VERDICT_TIE : now.swapped ? VERDICT_A : VERDICT_MUCH_B);
        else
            prefer_good();
    }
    return n_checks;
}

static void attention_checks_lie_among_the_others_and_are_no_data(void **state)
{
    enum { WANTED = 5 }; // 10 % of 45
    struct store *s;
    struct judged_votes v;
    struct judge_report r;
    struct label_exported count;
    struct err fault;
    int places[N], n_failed, last = 0;
    char *known = write_checks(), *out = path_join(dir, "out.jsonl");
    struct label_request file = {.what = LABEL_FILE, .text = data, .checks = known, .check_share = 0.1, .seed = 5};
    file.check_share = 0.4; // 27 of 67
    assert_int_equal(ask_code(file, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "would be 27"));
    file.check_share = 0.1;
    ask(file);
    assert_int_equal(now.tally.n_items, N + WANTED);
    for (int who = 0; who < 3; who++) {
        static const char *const names[] = {"ann", "bob", "cyd"};
        static const enum label_order orders[] = {LABEL_RANDOM, LABEL_UNCERTAIN, LABEL_IN_ORDER};
        open_as(names[who]);
        assert_int_equal(judge_all(orders[who], who + 2, &n_failed, places), WANTED);
        assert_int_equal(n_failed, WANTED / (who + 2));
        last = places[WANTED - 1];
        assert_true(places[0] < N - 10 && last > 10); // not all at the end, nor at the beginning
    }
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(judged_votes_read(s, NULL, &v, e));
    assert_ok(judge_report_make(&r, &v, e));
    for (int who = 0; who < 3; who++) {
        struct str warning = {0};
        const struct judge_line *l = &r.lines[who];
        assert_int_equal(l->n_checks, WANTED);
        assert_int_equal(l->n_failed, WANTED / (who + 2));
        // Clopper & Pearson: k or more of n have probability 2.5 % at the lower end.
        double tail = 0;
        const double p = l->failed.low;
        for (int k = 0; k < l->n_failed; k++) // all that are fewer
            tail += (k == 0 ? 1 : k == 1 ? 5 : 10) * pow(p, k) * pow(1 - p, WANTED - k);
        assert_close(1 - tail, 0.025, 1e-6);
        judge_line_warn(l, 0.2, &warning);
        assert_int_equal(strncmp(str_text(&warning), "failed 2 of 5 attention checks (40 %", 36) == 0, who == 0);
        str_clear(&warning);
        judge_line_warn(l, 0.1, &warning);
        assert_non_null(strstr(str_text(&warning), "attention checks"));
        str_fini(&warning);
    }
    assert_int_equal(r.n_shared, N); // agreement is of the others alone
    assert_close(r.percent, 1, 0);
    assert_ok(label_export(s, &(struct label_export){.set = "pairs"}, out, &count, e));
    assert_int_equal(count.written, N);
    assert_int_equal(count.checks, WANTED);
    assert_ok(label_export(s, &(struct label_export){.set = "pairs", .shape = LABELS_AS_JUDGEMENTS}, out, &count, e));
    assert_int_equal(count.written, 3 * N);
    assert_ok(label_export(s, &(struct label_export){.set = "pairs", .shape = LABELS_AS_JUDGEMENTS, .checks = true},
                           out, &count, e));
    assert_int_equal(count.written, 3 * (N + WANTED));
    judge_report_fini(&r);
    judged_votes_fini(&v);
    store_close(s);
    ask(file); // goes on
    assert_int_equal(now.tally.n_done, N + WANTED);
    file.name = (char *)"plain";
    file.checks = NULL;
    ask(file);
    file.checks = known;
    assert_int_equal(ask_code(file, &fault), ERR_STATE); // made without
    free(known);
    free(out);
}

static void open_shared(struct label_desk **d, const char *who, struct label_shown *shown)
{
    assert_ok(label_desk_open(d, dir, who, e));
    *shown = (struct label_shown){0};
    assert_ok(label_desk_do(*d, &(struct label_request){.what = LABEL_FIRST}, shown, e));
}

static void at(struct label_desk *d, struct label_request r, struct label_shown *shown)
{
    label_shown_fini(shown);
    assert_ok(label_desk_do(d, &r, shown, e));
}

// Votes by the number of their pair: how many there are of each.
static void count_votes(int *votes)
{
    struct store *s;
    struct judged_pair *judged;
    int n;
    memset(votes, 0, (N + 1) * sizeof *votes);
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(labels_judged(s, NULL, &judged, &n, e));
    for (int i = 0; i < n; i++)
        votes[atoi(judged[i].pair.prompt + strlen("question "))] += (int)(judged[i].n_a + judged[i].n_b + judged[i].n_ties);
    judged_pairs_free(judged, n);
    store_close(s);
}

static void a_pair_that_one_has_comes_to_nobody_else(void **state)
{
    struct label_desk *other;
    struct label_shown theirs;
    int votes[N + 1], n_both = 0;
    ask((struct label_request){.what = LABEL_FILE, .text = data, .shared = 0.75, .seed = 5});
    open_shared(&other, "bob", &theirs);
    for (int i = 0; now.has_pair || theirs.has_pair; i++) {
        assert_true(i < 2 * N);
        if (now.has_pair) {
            ask((struct label_request){.what = LABEL_JUDGE, .verdict = VERDICT_A, .seconds = 4});
            ask((struct label_request){.what = LABEL_SAVE});
        }
        for (int k = 0; k < 1 + i % 2 && theirs.has_pair; k++) { // bob is faster
            at(other, (struct label_request){.what = LABEL_JUDGE, .verdict = VERDICT_B, .seconds = 4}, &theirs);
            at(other, (struct label_request){.what = LABEL_SAVE}, &theirs);
        }
    }
    count_votes(votes);
    for (int i = 1; i <= N; i++) {
        assert_true(votes[i] == 1 || votes[i] == 2);
        n_both += votes[i] == 2;
    }
    assert_true(n_both >= 4 && n_both <= 18); // a quarter of 40, by lot
    assert_int_equal(theirs.tally.n_done + now.tally.n_done, N + n_both);
    label_shown_fini(&theirs);
    label_desk_close(other);
    open_as("cyd"); // nobody has a pair any more, and what one has judged does not come again
    ask((struct label_request){.what = LABEL_FIRST});
    assert_int_equal(now.n_waiting, n_both);
}

static void what_is_reserved_is_free_again_when_it_is_left_or_the_time_is_over(void **state)
{
    struct label_desk *other;
    struct label_shown theirs;
    struct store *s;
    ask((struct label_request){.what = LABEL_FILE, .text = data, .shared = 1, .seed = 5});
    const int64_t first = now.number;
    open_shared(&other, "bob", &theirs);
    assert_int_not_equal(theirs.number, first);
    assert_int_equal(theirs.n_waiting, N - 2); // the pair that ann sees, and the one after it
    at(other, (struct label_request){.what = LABEL_LIST, .number = 1}, &theirs);
    for (int i = 0; i < theirs.n_list; i++)
        assert_int_not_equal(theirs.list[i].number, first);
    label_shown_fini(&theirs);
    label_desk_close(other); // bob's are free
    ask((struct label_request){.what = LABEL_LOOK});
    assert_int_equal(now.n_waiting, N);
    assert_ok(store_open(&s, dir, false, e)); // ann's console was killed, ten minutes ago
    struct label_set set;
    struct label_claim *claims;
    int n;
    assert_ok(label_set_find(s, "pairs", &set, e));
    assert_ok(label_claims(s, set.id, clock_wall_ms(), &claims, &n, e));
    assert_int_equal(n, 2);
    const int64_t until = claims[0].until_ms;
    int64_t pairs[] = {claims[0].pair};
    assert_ok(label_claim(s, set.id, pairs, 1, "cyd", until - 1, until + 1000, e));
    free(claims);
    assert_ok(label_claims(s, set.id, until - 1, &claims, &n, e));
    for (int i = 0; i < n; i++)
        assert_string_equal(claims[i].annotator, "ann"); // it is hers as yet
    free(claims);
    assert_ok(label_claim(s, set.id, pairs, 1, "cyd", until, until + 1000, e));
    assert_ok(label_claims(s, set.id, until - 1, &claims, &n, e));
    assert_int_equal(n, 2);
    assert_true(strcmp(claims[0].annotator, "cyd") == 0 || strcmp(claims[1].annotator, "cyd") == 0);
    free(claims);
    assert_ok(label_claims(s, set.id, until + 2000, &claims, &n, e));
    assert_int_equal(n, 0);
    free(claims);
    label_set_fini(&set);
    store_close(s);
}

// ann's console was killed, and the clock set back: her claims, which would hold for an hour and more, hold nothing.
static void a_clock_that_is_set_back_keeps_no_pair(void **state)
{
    struct label_desk *other;
    struct label_shown theirs;
    char clock[32];
    snprintf(clock, sizeof clock, "%lld", (long long)(clock_wall_ms() / 1000 - 3600));
    ask((struct label_request){.what = LABEL_FILE, .text = data, .shared = 1, .seed = 5});
    const int64_t first = now.number;
    setenv("ATTUNE_CLOCK", clock, 1);
    open_shared(&other, "bob", &theirs);
    assert_int_equal(theirs.n_waiting, N);
    assert_int_equal(theirs.number, first);
    ask((struct label_request){.what = LABEL_JUDGE, .verdict = VERDICT_A, .seconds = 4}); // she lives after all
    ask((struct label_request){.what = LABEL_SAVE});
    assert_true(now.has_pair && now.number != first && now.number != theirs.number);
    unsetenv("ATTUNE_CLOCK");
    label_shown_fini(&theirs);
    label_desk_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_pairs_are_judged_and_taken_back_as_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_passes_a_filter_comes_and_nothing_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(attention_checks_lie_among_the_others_and_are_no_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pair_that_one_has_comes_to_nobody_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_reserved_is_free_again_when_it_is_left_or_the_time_is_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_back_keeps_no_pair, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
