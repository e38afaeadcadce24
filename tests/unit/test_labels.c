// Pairs that runs ask for and judgements of them: states, votes, corrections, cursors; rewinds, old files, lost numbers.
#include "config.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "base/mem.h"
#include "store/labels.h"

struct place {
    char *dir, *run_dir;
    struct store *store;
    struct run_writer *writer;
    struct run_reader *reader;
};

static struct place place_open(void)
{
    struct place p = {.dir = test_folder()};
    char *name;
    assert_ok(store_open(&p.store, p.dir, true, e));
    assert_ok(store_add_run(p.store, "r", "online-dpo", "m", "d", NULL, &name, e));
    free(name);
    p.run_dir = store_run_dir(p.store, "r");
    assert_ok(run_writer_open(&p.writer, p.run_dir, e));
    assert_ok(run_reader_open(&p.reader, p.run_dir, e));
    return p;
}

static void place_close(struct place *p)
{
    run_reader_close(p->reader);
    run_writer_close(p->writer);
    store_close(p->store);
    assert_ok(file_remove_tree(p->dir, e));
    free(p->run_dir);
    free(p->dir);
}

static int64_t offer(struct run_writer *w, int64_t step, const char *prompt, const char *a, const char *b)
{
    static const unsigned char tokens[] = {1, 0, 255, 7};
    const struct asked_pair pair = {.step = step, .at_ms = 1000 + step, .prompt = (char *)prompt, .a = (char *)a,
                                    .b = (char *)b, .turns = "[]", .model = "step 3", .tokens = (void *)tokens,
        .n_token_bytes = sizeof tokens};
    int64_t id = 0;
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_offer(w, &pair, &id, e));
    assert_ok(run_writer_commit(w, e));
    return id;
}

static void close_pair(struct run_writer *w, int64_t id, enum pair_state state, int64_t step)
{
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_close_pair(w, id, state, step, e));
    assert_ok(run_writer_commit(w, e));
}

// The code of judging the run's pair; *out: what became of it.
static int judge(const struct place *p, int64_t id, const char *annotator, enum verdict v, bool replace,
                 struct judgement *out, bool *again)
{
    struct asked_pair pair;
    struct judgement j = {.verdict = v, .seconds = 1.5, .note = "why", .swapped = true};
    struct err fault;
    text_copy(j.annotator, sizeof j.annotator, annotator);
    assert_ok(run_reader_pair(p->reader, id, &pair, e));
    int code = labels_add(p->store, "r", &pair, &j, replace, again, &fault);
    asked_pair_fini(&pair);
    *out = j;
    return code;
}

static void says(const struct place *p, int64_t id, const char *annotator, enum verdict v)
{
    struct judgement j;
    bool again = true;
    assert_int_equal(judge(p, id, annotator, v, false, &j, &again), 0);
    assert_false(again);
}

static void assert_waiting(const struct place *p, const char *annotator, int n, int64_t first)
{
    struct pair_ref *list;
    int got;
    assert_ok(labels_waiting(p->store, p->reader, "r", annotator, &list, &got, e));
    assert_int_equal(got, n);
    if (n)
        assert_int_equal(list[0].id, first);
    free(list);
}

static void verdicts_have_names_and_numbers(void **state)
{
    static const struct {
        const char *name;
        int number;
    } wanted[] = {{"much-A", -3}, {"A", -2}, {"slightly-A", -1}, {"tie", 0}, {"slightly-B", 1}, {"B", 2}, {"much-B", 3},
                {"both-bad", 4}, {"cannot", 5}, {"skip", 6}, {"flag", 7}};
    enum verdict v;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_true(verdict_from_name(wanted[i].name, &v));
        assert_int_equal((int)v, wanted[i].number);
        assert_string_equal(verdict_name(v), wanted[i].name);
        assert_int_equal(verdict_is_graded(v), wanted[i].number <= 3);
    }
    assert_false(verdict_from_name("undo", &v));
    assert_false(verdict_from_name("a", &v));
    assert_false(verdict_from_name("", &v));
    assert_string_equal(verdict_name(VERDICT_UNDO), "undo");
}

static void a_pair_is_read_as_it_was_offered(void **state)
{
    struct place p = place_open();
    struct asked_pair got, other = {.prompt = "ab", .turns = "[]", .a = "c", .b = "d"};
    struct err fault;
    assert_int_equal(run_reader_pair(p.reader, 1, &got, &fault), ERR_NOT_FOUND);
    const int64_t id = offer(p.writer, 4, "a", "bc", "d");
    assert_ok(run_reader_pair(p.reader, id, &got, e));
    assert_int_equal(got.step, 4);
    assert_int_equal(got.at_ms, 1004);
    assert_int_equal(got.state, PAIR_WAITING);
    assert_string_equal(got.prompt, "a");
    assert_string_equal(got.turns, "[]");
    assert_string_equal(got.a, "bc");
    assert_string_equal(got.b, "d");
    assert_string_equal(got.model, "step 3");
    assert_int_equal(got.n_token_bytes, 4);
    assert_memory_equal(got.tokens, ((unsigned char[]){1, 0, 255, 7}), 4);
    asked_pair_hash(&other); // the same letters, cut otherwise
    assert_string_not_equal(got.hash, other.hash);
    struct asked_pair colon = {.a = "b:c", .b = "d"}, elsewhere = {.a = "b", .b = "c:d"};
    asked_pair_hash(&colon);
    asked_pair_hash(&elsewhere);
    assert_string_not_equal(colon.hash, elsewhere.hash);
    asked_pair_fini(&got);
    assert_int_equal(run_reader_pair(p.reader, id + 1, &got, &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "run r has asked for no pair 2"));
    place_close(&p);
}

static void what_waits_is_open_and_unanswered(void **state)
{
    struct place p = place_open();
    int64_t ids[6], counts[3];
    assert_waiting(&p, "ann", 0, 0);
    for (int i = 0; i < 6; i++) {
        char text[20];
        snprintf(text, sizeof text, "prompt %d", i);
        ids[i] = offer(p.writer, i, text, "a", "b");
    }
    assert_waiting(&p, "ann", 6, ids[0]);
    says(&p, ids[0], "ann", VERDICT_B); // an answer is one for all
    assert_waiting(&p, "ann", 5, ids[1]);
    assert_waiting(&p, "bob", 5, ids[1]);
    says(&p, ids[1], "ann", VERDICT_SKIP); // a skip for who skipped
    assert_waiting(&p, "ann", 4, ids[2]);
    assert_waiting(&p, "bob", 5, ids[1]);
    says(&p, ids[5], "bob", VERDICT_FLAG);
    close_pair(p.writer, ids[2], PAIR_TAKEN, 7);
    close_pair(p.writer, ids[3], PAIR_EXPIRED, 7);
    assert_waiting(&p, "ann", 1, ids[4]);
    assert_ok(run_reader_pair_counts(p.reader, counts, e));
    assert_int_equal(counts[PAIR_WAITING], 4);
    assert_int_equal(counts[PAIR_TAKEN], 1);
    assert_int_equal(counts[PAIR_EXPIRED], 1);
    close_pair(p.writer, ids[2], PAIR_EXPIRED, 9); // was closed: stays as it is
    assert_ok(run_reader_pair_counts(p.reader, counts, e));
    assert_int_equal(counts[PAIR_TAKEN], 1);
    // Taken back, it waits again; of another run's pair with the same number nothing is known here.
    struct judgement undone;
    assert_ok(labels_undo(p.store, "r", ids[0], "ann", &undone, e));
    assert_int_equal(undone.verdict, VERDICT_B);
    assert_int_equal(undone.pair, ids[0]);
    assert_string_equal(undone.run, "r");
    judgement_fini(&undone);
    assert_waiting(&p, "ann", 2, ids[0]);
    char *name;
    struct pair_ref *list;
    struct judged_pair *judged;
    int n;
    assert_ok(labels_judged(p.store, "r", &judged, &n, e)); // not as a pair without votes either
    assert_int_equal(n, 2);
    assert_int_equal(judged[0].pair.id, ids[1]);
    judged_pairs_free(judged, n);
    assert_ok(store_add_run(p.store, "other", "dpo", "m", "d", NULL, &name, e));
    free(name);
    assert_ok(labels_waiting(p.store, p.reader, "other", "ann", &list, &n, e));
    assert_int_equal(n, 4);
    free(list);
    assert_ok(labels_waiting(p.store, NULL, "other", "ann", &list, &n, e)); // nobody has taken it up
    assert_int_equal(n, 0);
    free(list);
    place_close(&p);
}

static void an_annotator_has_one_vote(void **state)
{
    struct place p = place_open();
    struct judgement j, undone;
    struct err fault;
    bool again;
    const int64_t id = offer(p.writer, 1, "p", "a", "b");
    says(&p, id, "ann", VERDICT_A);
    assert_int_equal(judge(&p, id, "ann", VERDICT_A, false, &j, &again), 0);
    assert_true(again);
    assert_int_equal(j.id, 1);
    assert_int_equal(judge(&p, id, "ann", VERDICT_B, false, &j, &again), ERR_STATE);
    assert_int_equal(judge(&p, id, "ann", VERDICT_MUCH_B, true, &j, &again), 0);
    assert_false(again);
    assert_int_equal(j.supersedes, 1);
    says(&p, id, "bob", VERDICT_SKIP);
    says(&p, id, "bob", VERDICT_A); // a skip is no answer that would have to be replaced
    says(&p, id, "cyd", VERDICT_TIE);
    struct judged_pair *list;
    int n;
    assert_ok(labels_judged(p.store, "r", &list, &n, e));
    assert_int_equal(n, 1);
    assert_int_equal(list[0].n_a, 1);
    assert_int_equal(list[0].n_b, 1);
    assert_int_equal(list[0].n_ties, 1);
    assert_int_equal(list[0].n_skips, 0);
    assert_close(list[0].grades, 1, 0); // 3 - 2 + 0
    assert_string_equal(list[0].run, "r");
    judged_pairs_free(list, n);
    // Undo takes a correction back with what it corrected, and each judgement once.
    assert_ok(labels_undo(p.store, NULL, 0, "ann", &undone, e));
    assert_int_equal(undone.verdict, VERDICT_MUCH_B);
    judgement_fini(&undone);
    assert_int_equal(labels_undo(p.store, NULL, 0, "ann", &undone, &fault), ERR_NOT_FOUND);
    assert_int_equal(labels_undo(p.store, "none", 0, "bob", &undone, &fault), ERR_NOT_FOUND);
    says(&p, id, "ann", VERDICT_BOTH_BAD);
    struct judgement bad = {.verdict = VERDICT_UNDO, .annotator = "ann"};
    struct asked_pair pair = {.id = id};
    assert_int_equal(labels_add(p.store, "r", &pair, &bad, false, &again, &fault), ERR_USAGE);
    bad = (struct judgement){.verdict = VERDICT_A};
    assert_int_equal(labels_add(p.store, "r", &pair, &bad, false, &again, &fault), ERR_USAGE);
    place_close(&p);
}

static void brought_pairs_are_told_apart_by_their_texts(void **state)
{
    struct place p = place_open();
    bool again;
    int64_t ids[3];
    for (int i = 0; i < 3; i++) {
        struct asked_pair pair = {.prompt = "p", .a = i < 2 ? "a" : "c", .b = "b"};
        struct judgement j = {.verdict = VERDICT_A, .seconds = NAN};
        snprintf(j.annotator, sizeof j.annotator, "person %d", i);
        asked_pair_hash(&pair);
        assert_ok(labels_add(p.store, NULL, &pair, &j, false, &again, e));
        ids[i] = j.pair;
    }
    assert_int_equal(ids[0], ids[1]);
    assert_true(ids[2] != ids[0]);
    struct judged_pair *list;
    int n;
    assert_ok(labels_judged(p.store, NULL, &list, &n, e));
    assert_int_equal(n, 2);
    assert_int_equal(list[0].n_a, 2);
    assert_string_equal(list[0].run, "");
    judged_pairs_free(list, n);
    assert_ok(labels_judged(p.store, "r", &list, &n, e));
    assert_int_equal(n, 0);
    judged_pairs_free(list, n);
    place_close(&p);
}

static void an_engine_reads_each_judgement_once(void **state)
{
    struct place p = place_open();
    struct store *engine;
    struct judgement *list, j, undone;
    int64_t cursor = 0;
    int n;
    bool again;
    const int64_t id = offer(p.writer, 1, "p", "a", "b");
    assert_ok(store_open(&engine, p.dir, false, e));
    const int64_t version = labels_version(engine);
    assert_int_equal(labels_version(engine), version);
    assert_ok(labels_since(engine, "r", &cursor, &list, &n, e));
    assert_int_equal(n, 0);
    assert_int_equal(cursor, 0);
    judgements_free(list, n);
    says(&p, id, "ann", VERDICT_A);
    assert_true(labels_version(engine) != version);
    assert_int_equal(judge(&p, id, "ann", VERDICT_B, true, &j, &again), 0);
    assert_ok(labels_since(engine, "r", &cursor, &list, &n, e));
    assert_int_equal(n, 2);
    struct asked_pair pair;
    assert_ok(run_reader_pair(p.reader, id, &pair, e));
    assert_int_equal(list[1].pair, id);
    assert_string_equal(list[1].hash, pair.hash);
    assert_string_equal(list[1].annotator, "ann");
    assert_int_equal(list[1].verdict, VERDICT_B);
    assert_int_equal(list[1].supersedes, list[0].id);
    assert_true(list[1].swapped);
    assert_close(list[1].seconds, 1.5, 0);
    assert_string_equal(list[1].note, "why");
    judgements_free(list, n);
    asked_pair_fini(&pair);
    assert_ok(labels_undo(p.store, "r", 0, "ann", &undone, e));
    judgement_fini(&undone);
    assert_ok(labels_since(engine, "r", &cursor, &list, &n, e));
    assert_int_equal(n, 1);
    assert_int_equal(list[0].verdict, VERDICT_UNDO);
    assert_int_equal(list[0].supersedes, j.id);
    assert_true(isnan(list[0].seconds));
    judgements_free(list, n);
    assert_ok(labels_since(engine, "r", &cursor, &list, &n, e));
    assert_int_equal(n, 0);
    judgements_free(list, n);
    store_close(engine);
    place_close(&p);
}

static void a_rewind_keeps_pairs_and_their_judgements(void **state)
{
    struct place p = place_open();
    int64_t counts[3];
    const int64_t early = offer(p.writer, 2, "early", "a", "b"), late = offer(p.writer, 5, "late", "a", "b");
    const int64_t changed = offer(p.writer, 6, "changed", "a", "b"), before = offer(p.writer, 1, "before", "a", "b");
    says(&p, late, "ann", VERDICT_A);
    close_pair(p.writer, early, PAIR_TAKEN, 5);
    close_pair(p.writer, before, PAIR_TAKEN, 4);
    assert_ok(run_writer_rewind(p.writer, 4, e));
    assert_ok(run_reader_pair_counts(p.reader, counts, e));
    assert_int_equal(counts[PAIR_WAITING], 1); // early was learnt from in a step that is computed again
    assert_int_equal(counts[PAIR_TAKEN], 1);
    assert_int_equal(counts[PAIR_EXPIRED], 2);
    assert_waiting(&p, "ann", 1, early);
    assert_int_equal(offer(p.writer, 5, "late", "a", "b"), late); // with the judgement it has
    assert_true(offer(p.writer, 6, "changed", "a", "otherwise") > changed);
    assert_true(offer(p.writer, 7, "changed", "a", "b") > changed); // of another step
    assert_true(offer(p.writer, 5, "late", "a", "b") > late); // twice in the step, offered once before
    assert_waiting(&p, "ann", 4, early);
    place_close(&p);
}

// A power cut may take the run's newest pairs; their numbers come again, and other texts do not inherit the judgements.
static void a_judgement_belongs_to_its_texts(void **state)
{
    struct place p = place_open();
    const int64_t id = offer(p.writer, 1, "p", "a", "b");
    says(&p, id, "ann", VERDICT_A);
    assert_waiting(&p, "ann", 0, 0);
    run_reader_close(p.reader);
    run_writer_close(p.writer);
    assert_ok(file_remove_tree(p.run_dir, e));
    assert_ok(file_make_dirs(p.run_dir, e));
    assert_ok(run_writer_open(&p.writer, p.run_dir, e));
    assert_ok(run_reader_open(&p.reader, p.run_dir, e));
    assert_int_equal(offer(p.writer, 1, "another p", "a", "b"), id);
    assert_waiting(&p, "ann", 1, id);
    says(&p, id, "ann", VERDICT_B);
    struct judged_pair *list;
    int n;
    assert_ok(labels_judged(p.store, "r", &list, &n, e)); // the labels have outlived the folder
    assert_int_equal(n, 2);
    assert_string_equal(list[0].pair.prompt, "p");
    assert_int_equal(list[0].n_a, 1);
    assert_string_equal(list[1].pair.prompt, "another p");
    assert_int_equal(list[1].n_b, 1);
    judged_pairs_free(list, n);
    place_close(&p);
}

static void execute(const char *path, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

// A run.db of version 4 has no pairs, is read as it is, and has them once its engine goes on.
static void a_run_of_an_older_version_asks_for_nothing(void **state)
{
    struct place p = place_open();
    struct asked_pair pair;
    struct err fault;
    run_reader_close(p.reader);
    run_writer_close(p.writer);
    char *path = path_join(p.run_dir, "run.db");
    execute(path, "DROP TABLE pairs_asked; PRAGMA user_version=4");
    assert_ok(run_reader_open(&p.reader, p.run_dir, e));
    assert_waiting(&p, "ann", 0, 0);
    assert_int_equal(run_reader_pair(p.reader, 1, &pair, &fault), ERR_NOT_FOUND);
    int64_t counts[3];
    assert_ok(run_reader_pair_counts(p.reader, counts, e));
    assert_int_equal(counts[0] + counts[1] + counts[2], 0);
    run_reader_close(p.reader);
    assert_ok(run_writer_open(&p.writer, p.run_dir, e));
    assert_ok(run_reader_open(&p.reader, p.run_dir, e));
    assert_waiting(&p, "ann", 0, 0);
    offer(p.writer, 1, "p", "a", "b");
    assert_waiting(&p, "ann", 1, 1);
    free(path);
    place_close(&p);
}

// Two people at once, and an engine that reads meanwhile: each judgement comes to it once, in order.
static void several_write_while_an_engine_reads(void **state)
{
    enum { PEOPLE = 2, EACH = 100 };
    struct place p = place_open();
    for (int i = 0; i < EACH; i++) {
        char text[20];
        snprintf(text, sizeof text, "prompt %d", i);
        offer(p.writer, i, text, "a", "b");
    }
    run_reader_close(p.reader);
    p.reader = NULL;
    store_close(p.store); // not across a fork
    p.store = NULL;
    for (int k = 0; k < PEOPLE; k++)
        if (fork() == 0) {
            int code = store_open(&p.store, p.dir, false, NULL);
            if (!code)
                code = run_reader_open(&p.reader, p.run_dir, NULL);
            for (int i = 1; !code && i <= EACH; i++) {
                struct judgement j;
                bool again;
                code = judge(&p, i, k ? "ann" : "bob", VERDICT_A, false, &j, &again);
            }
            _exit(code ? 1 : 0);
        }
    struct store *engine;
    struct judgement *list;
    int64_t cursor = 0;
    int seen = 0, n, ended = 0, by_ann = 0, per_pair[EACH + 1] = {0};
    assert_ok(store_open(&engine, p.dir, false, e));
    while (true) {
        int status;
        const bool last = ended == PEOPLE;
        while (ended < PEOPLE && waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            ended++;
        }
        assert_ok(labels_since(engine, "r", &cursor, &list, &n, e));
        for (int i = 0; i < n; i++, seen++) {
            per_pair[list[i].pair]++;
            by_ann += strcmp(list[i].annotator, "ann") == 0;
        }
        judgements_free(list, n);
        if (last)
            break;
        usleep(2000);
    }
    assert_int_equal(seen, PEOPLE * EACH);
    assert_int_equal(by_ann, EACH);
    for (int i = 1; i <= EACH; i++)
        assert_int_equal(per_pair[i], PEOPLE);
    store_close(engine);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_have_names_and_numbers),
        cmocka_unit_test(a_pair_is_read_as_it_was_offered),
        cmocka_unit_test(what_waits_is_open_and_unanswered),
        cmocka_unit_test(an_annotator_has_one_vote),
        cmocka_unit_test(brought_pairs_are_told_apart_by_their_texts),
        cmocka_unit_test(an_engine_reads_each_judgement_once),
        cmocka_unit_test(a_rewind_keeps_pairs_and_their_judgements),
        cmocka_unit_test(a_judgement_belongs_to_its_texts),
        cmocka_unit_test(a_run_of_an_older_version_asks_for_nothing),
        cmocka_unit_test(several_write_while_an_engine_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
