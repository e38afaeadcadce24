// A model that stays loaded, asked several things at once: answers find who asked, in whatever order they come, and nobody
// waits for a process that is busy.
#include "testing.h"

#include <signal.h>

#include "base/clock.h"
#include "launch/server.h"

static struct engine_server *server;

struct heard {
    struct str words;
    int n_rows, n_ends, code, fail_at; // fail_at: the row that is refused, from 1 on
    struct err fault;
};

static int hear_row(void *arg, const json_t *row, struct err *e)
{
    struct heard *h = arg;
    if (++h->n_rows == h->fail_at)
        return err_set(e, ERR_IO, "the disk is full");
    str_add(&h->words, json_string_value(json_object_get(row, "word")));
    str_addc(&h->words, ' ');
    return 0;
}

static void hear_end(void *arg, int code, const struct err *e)
{
    struct heard *h = arg;
    h->n_ends++;
    h->code = code;
    if (code)
        h->fault = *e;
}

static int start(void **state)
{
    json_t *loaded = json_pack("{s:s}", "model", "m");
    assert_ok(engine_server_start(&server, loaded, e));
    json_decref(loaded);
    return 0;
}

static int end(void **state)
{
    engine_server_end(server, ERR_INTERRUPTED, NULL);
    return 0;
}

static int64_t ask(const char *what, const char *word, struct heard *h)
{
    json_t *words = json_pack("[s, s]", word, word);
    int64_t id = 0;
    assert_ok(engine_server_ask(server, what, NULL, words, &(struct engine_asker){hear_row, hear_end, h}, &id, e));
    json_decref(words);
    return id;
}

// Until so many ends were heard by h; the error of the process, if it ended.
static int take_until(struct heard *h, int n_ends)
{
    const double until = clock_seconds() + 20;
    struct pollfd fds[2];
    int code = 0;
    while (h->n_ends < n_ends && !code) {
        code = engine_server_take(server, NULL);
        if (clock_seconds() > until)
            fail_msg("no end came");
        if (h->n_ends < n_ends)
            poll(fds, (nfds_t)engine_server_fds(server, fds), 1000);
    }
    return code;
}

static void answers_find_who_asked(void **state)
{
    struct heard a = {0}, b = {0}, c = {0};
    ask("hold", "x", &a);
    ask("words", "two", &b);
    ask("release", "x", &c);
    assert_int_equal(engine_server_n_asked(server), 3);
    assert_int_equal(take_until(&a, 1), 0);
    assert_string_equal(str_text(&a.words), "held after ");
    assert_string_equal(str_text(&b.words), "two two ");
    assert_string_equal(str_text(&c.words), "first ");
    assert_int_equal(b.n_ends + c.n_ends, 2);
    assert_int_equal(a.code + b.code + c.code, 0);
    assert_int_equal(engine_server_n_asked(server), 0);
    str_fini(&a.words);
    str_fini(&b.words);
    str_fini(&c.words);
}

static void what_fails_says_why_and_others_go_on(void **state)
{
    struct heard a = {0}, b = {0};
    ask("fail", "x", &a);
    ask("words", "y", &b);
    assert_int_equal(take_until(&b, 1), 0);
    assert_int_equal(a.code, ERR_LIMIT);
    assert_string_equal(a.fault.text, "that is too much");
    assert_int_equal(b.code, 0);
    str_fini(&b.words);
}

static void a_cancelled_question_ends_once_and_has_no_more_rows(void **state)
{
    struct heard a = {0}, b = {0};
    const int64_t id = ask("hold", "x", &a);
    while (!a.n_rows)
        assert_ok(engine_server_take(server, e));
    engine_server_cancel(server, id);
    engine_server_cancel(server, id);
    engine_server_cancel(server, 999);
    ask("release", "x", &b); // which answers what was held as well
    assert_int_equal(take_until(&b, 1), 0);
    assert_int_equal(a.n_ends, 1);
    assert_int_equal(a.code, ERR_INTERRUPTED);
    assert_string_equal(str_text(&a.words), "held ");
    str_fini(&a.words);
    str_fini(&b.words);
}

static void a_row_that_is_refused_ends_its_question(void **state)
{
    struct heard a = {.fail_at = 2};
    ask("words", "x", &a);
    assert_int_equal(take_until(&a, 1), 0);
    assert_int_equal(a.code, ERR_IO);
    assert_string_equal(a.fault.text, "the disk is full");
    str_fini(&a.words);
}

static void nobody_waits_for_a_process_that_does_not_read(void **state)
{
    enum { SIZE = 1 << 20 }; // more than a pipe holds
    struct heard a = {0}, b = {0};
    char *word = malloc(SIZE + 1);
    memset(word, 'w', SIZE);
    word[SIZE] = 0;
    ask("sleep", "x", &a);
    const double begun = clock_seconds();
    ask("words", word, &b);
    assert_ok(engine_server_take(server, e));
    assert_true(clock_seconds() - begun < 0.2);
    struct pollfd fds[2];
    assert_int_equal(engine_server_fds(server, fds), 2); // there is more to send
    assert_int_equal(take_until(&b, 1), 0);
    assert_int_equal(b.words.len, 2 * (SIZE + 1));
    assert_int_equal(engine_server_fds(server, fds), 1);
    free(word);
    str_fini(&b.words);
}

static void a_process_that_dies_ends_all_questions(void **state)
{
    struct heard a = {0}, b = {0};
    struct err fault = {0};
    int64_t id;
    struct pollfd fds[2];
    ask("hold", "x", &a);
    ask("die", "x", &b);
    assert_int_equal(take_until(&b, 1), ERR_NOT_FOUND);
    assert_int_equal(a.n_ends, 1);
    assert_int_equal(a.code, ERR_NOT_FOUND);
    assert_string_equal(b.fault.text, "the weights are gone");
    assert_int_equal(engine_server_fds(server, fds), 0);
    assert_int_equal(
        engine_server_ask(server, "words", NULL, NULL, &(struct engine_asker){hear_row, hear_end, &a}, &id, &fault),
        ERR_STATE);
    assert_int_equal(a.n_ends, 1);
    str_fini(&a.words);
}

static void what_is_no_answer_ends_the_process(void **state)
{
    struct heard a = {0};
    ask("nonsense", "x", &a);
    assert_int_equal(take_until(&a, 1), ERR_INPUT);
    assert_non_null(strstr(a.fault.text, "serve-model"));
}

static void questions_are_bounded(void **state)
{
    struct heard a = {0};
    struct err fault = {0};
    int64_t id;
    for (int i = 0; i < ENGINE_SERVER_MOST; i++)
        ask("words", "x", &a);
    assert_int_equal(
        engine_server_ask(server, "words", NULL, NULL, &(struct engine_asker){hear_row, hear_end, &a}, &id, &fault),
        ERR_LIMIT);
    assert_int_equal(take_until(&a, ENGINE_SERVER_MOST), 0);
    str_fini(&a.words);
}

static int keep(void *arg, const json_t *row, struct err *e)
{
    return hear_row(arg, row, e);
}

static void a_call_waits_for_its_answer(void **state)
{
    struct heard a = {.fail_at = 2};
    struct err fault = {0};
    json_t *words = json_pack("[s, s, s]", "a", "b", "c");
    assert_int_equal(engine_server_call(server, "words", NULL, words, keep, &a, &fault), ERR_IO);
    assert_ok(engine_server_call(server, "words", NULL, words, keep, &a, e));
    assert_string_equal(str_text(&a.words), "a a b c ");
    assert_int_equal(engine_server_call(server, "fail", NULL, words, keep, &a, &fault), ERR_LIMIT);
    json_decref(words);
    str_fini(&a.words);
}

int main(void)
{
    char *peer = test_build("tests/unit/launch_peer");
    setenv("ATTUNE_ENGINE", peer, 1);
    free(peer);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_find_who_asked, start, end),
        cmocka_unit_test_setup_teardown(what_fails_says_why_and_others_go_on, start, end),
        cmocka_unit_test_setup_teardown(a_cancelled_question_ends_once_and_has_no_more_rows, start, end),
        cmocka_unit_test_setup_teardown(a_row_that_is_refused_ends_its_question, start, end),
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_process_that_does_not_read, start, end),
        cmocka_unit_test_setup_teardown(a_process_that_dies_ends_all_questions, start, end),
        cmocka_unit_test_setup_teardown(what_is_no_answer_ends_the_process, start, end),
        cmocka_unit_test_setup_teardown(questions_are_bounded, start, end),
        cmocka_unit_test_setup_teardown(a_call_waits_for_its_answer, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
