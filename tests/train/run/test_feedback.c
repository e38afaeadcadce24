// People as the reward, one source step by step in this process: what they judge is learnt from in the next update, and as
// they said; who does not wait goes on with what they said before. Whole runs are in test_feedback_runs.c.
#include "config.h"

#include "whole.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/labels.h"
#include "train/run/feedback.h"
#include "train/run/feedback_pairs.h"

#define PERSON "feedback=person max-new-tokens=6 max-length=64 eval-every=0 probe-every=0 "

static void judge_as(const char *who, struct run *r, int64_t id, enum verdict verdict)
{
    struct run_reader *reader;
    struct asked_pair p;
    struct store *s;
    struct judgement j = {.verdict = verdict, .seconds = NAN};
    bool again;
    text_copy(j.annotator, sizeof j.annotator, who);
    assert_ok(recorder_flush(r->recorder, e));
    assert_ok(run_reader_open(&reader, r->dir, e));
    assert_ok(run_reader_pair(reader, id, &p, e));
    assert_ok(store_open(&s, project, false, e));
    assert_ok(labels_add(s, r->name, &p, &j, true, &again, e));
    store_close(s);
    asked_pair_fini(&p);
    run_reader_close(reader);
}

static void judge(struct run *r, int64_t id, enum verdict verdict)
{
    judge_as("ann", r, id, verdict);
}

static struct group_source *source_of(struct run *r)
{
    return r->trainer->source;
}

static int next(struct run *r, struct group_batch *b)
{
    struct err fault = {0};
    return source_of(r)->ops->next(source_of(r), b, &fault);
}

static double fact(const struct group_batch *b, const char *key)
{
    for (int i = 0; i < b->facts->n; i++)
        if (strcmp(b->facts->items[i].key, key) == 0)
            return b->facts->items[i].value;
    return NAN;
}

// In the file's words: "0,0,1" are the states of pairs 1, 2 and 3.
static char *states(struct run *r)
{
    struct run_reader *reader;
    struct asked_pair p;
    struct str text = {0};
    assert_ok(recorder_flush(r->recorder, e));
    assert_ok(run_reader_open(&reader, r->dir, e));
    for (int64_t id = 1; run_reader_pair(reader, id, &p, NULL) == 0; id++) {
        str_addf(&text, "%s%d", id > 1 ? "," : "", (int)p.state);
        asked_pair_fini(&p);
    }
    run_reader_close(reader);
    return str_take(&text);
}

static void assert_states(struct run *r, const char *wanted)
{
    char *text = states(r);
    assert_string_equal(text, wanted);
    free(text);
}

static char *answer_of(struct run *r, const struct group_batch *b, int k)
{
    return run_text_of(r, b->data, &b->data->seqs[b->data->groups[b->groups[0]].first_seq + k]);
}

// What is learnt from is the pair that was shown, the better answer first, with what the reference says of just these
// tokens.
static void what_is_judged_is_learnt_as_it_was_judged(void **state)
{
    struct run r;
    struct group_batch b;
    load_run(&r, "online-dpo", PERSON "feedback-open=4 batch-size=3 seed=5");
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    assert_string_equal(r.status.phase, "waiting for you: 4 pairs");
    assert_states(&r, "0,0,0,0");
    for (int64_t id = 1; id <= 2; id++) {
        struct run_reader *reader;
        struct asked_pair p;
        assert_ok(run_reader_open(&reader, r.dir, e));
        assert_ok(run_reader_pair(reader, id, &p, e));
        run_reader_close(reader);
        judge(&r, id, id == 1 ? VERDICT_B : VERDICT_MUCH_A);
        assert_int_equal(next(&r, &b), 0);
        assert_int_equal(b.n, 1);
        char *better = answer_of(&r, &b, 0), *worse = answer_of(&r, &b, 1);
        assert_string_equal(better, id == 1 ? p.b : p.a);
        assert_string_equal(worse, id == 1 ? p.a : p.b);
        const struct ds_group *g = &b.data->groups[b.groups[0]];
        assert_true(b.data->seqs[g->first_seq].label == 1 && b.data->seqs[g->first_seq + 1].label == 0);
        char *prompt = example_prompt_text(&r.corpus->examples[g->example]);
        assert_string_equal(prompt, p.prompt);
        // Before the first update the policy is the reference: all of it is in the loss, which is log 2 of a pair.
        struct seq seqs[2];
        struct reading reading = {.needs = {.columns = 0}};
        struct trainer *t = r.trainer;
        assert_ok(forward_groups(t->decoder, &t->packed, b.data, b.groups, 1, 4096, &reading, seqs, NULL, e));
        for (int k = 0; k < 2; k++)
            assert_close(b.data->refs[g->first_seq + k], seqs[k].logp, 1e-9);
        assert_true(fact(&b, "feedback/pairs") == 1 && fact(&b, "rollout/staleness") == 0);
        free(prompt);
        free(better);
        free(worse);
        asked_pair_fini(&p);
    }
    assert_states(&r, "1,1,0,0");
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    r.trainer->step = 3; // half of them are gone, so two more are asked
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    assert_string_equal(r.status.phase, "waiting for you: 4 pairs");
    judge(&r, 3, VERDICT_A);
    judge(&r, 6, VERDICT_A);
    assert_int_equal(next(&r, &b), 0);
    assert_int_equal(b.n, 2);
    assert_true(fact(&b, "rollout/staleness") == 1.5 && fact(&b, "feedback/waiting") == 2);
    unload_run(&r);
}

// Ties, two bad answers, flags and skips are heard and teach nothing; who corrects is heard, several people are added up.
static void verdicts_without_a_better_answer_teach_nothing(void **state)
{
    struct run r;
    struct group_batch b;
    struct judgement undone;
    load_run(&r, "online-dpo", PERSON "feedback-open=5 batch-size=4");
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    judge(&r, 1, VERDICT_TIE);
    judge(&r, 2, VERDICT_BOTH_BAD);
    judge(&r, 3, VERDICT_FLAG);
    judge(&r, 4, VERDICT_SKIP);
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    assert_string_equal(r.status.phase, "waiting for you: 2 pairs");
    judge(&r, 1, VERDICT_A); // on second thoughts
    judge(&r, 5, VERDICT_A);
    judge_as("bob", &r, 5, VERDICT_B); // one against one
    judge_as("bob", &r, 3, VERDICT_A); // flagged still
    assert_int_equal(next(&r, &b), 0);
    assert_int_equal(b.n, 1);
    assert_states(&r, "1,0,0,0,0");
    judge_as("cyd", &r, 5, VERDICT_MUCH_B);
    assert_ok(labels_undo(r.store, r.name, 5, "cyd", &undone, e));
    judgement_fini(&undone);
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    judge_as("cyd", &r, 5, VERDICT_MUCH_B);
    assert_int_equal(next(&r, &b), 0);
    assert_true(b.n == 1 && fact(&b, "feedback/pairs") == 1);
    assert_states(&r, "1,0,0,0,1");
    unload_run(&r);
}

// Where nothing waits any more, and nothing was found better, others are asked before the same update.
static void all_ties_are_followed_by_new_pairs(void **state)
{
    struct run r;
    struct group_batch b;
    load_run(&r, "online-dpo", PERSON "feedback-open=2 batch-size=4");
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    judge(&r, 1, VERDICT_TIE);
    judge(&r, 2, VERDICT_TIE);
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    assert_string_equal(r.status.phase, "waiting for you: 2 pairs");
    assert_states(&r, "0,0,0,0");
    judge(&r, 4, VERDICT_B);
    assert_int_equal(next(&r, &b), 0);
    feedback_end(r.feedback, 1); // the run is done
    assert_states(&r, "2,2,2,1");
    unload_run(&r);
}

// Batches are filled up with what was learnt from before, drawn by the step alone; a pair is in one batch once.
static void who_does_not_wait_learns_again(void **state)
{
    struct run r;
    struct group_batch b;
    char *first[8];
    load_run(&r, "online-dpo", PERSON "feedback-open=8 batch-size=3 feedback-idle=go-on");
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED); // nothing yet to go on with
    judge(&r, 1, VERDICT_A);
    assert_int_equal(next(&r, &b), 0);
    assert_true(b.n == 1 && fact(&b, "feedback/pairs") == 1 && fact(&b, "feedback/again") == 0);
    r.trainer->step = 1;
    assert_ok(settings_set(&r.settings, "feedback-idle", "wait", e)); // a person may change it on the way
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    assert_ok(settings_set(&r.settings, "feedback-idle", "go-on", e));
    assert_int_equal(next(&r, &b), 0);
    assert_true(b.n == 1 && fact(&b, "feedback/pairs") == 0 && fact(&b, "feedback/again") == 1);
    assert_true(isnan(fact(&b, "rollout/staleness")));
    for (int64_t id = 2; id <= 6; id++)
        judge(&r, id, VERDICT_A);
    for (int i = 0; i < 2; i++) {
        r.trainer->step++;
        assert_int_equal(next(&r, &b), 0);
        assert_int_equal(b.n, 3);
        assert_true(fact(&b, "feedback/pairs") == 3 - i && fact(&b, "feedback/again") == i); // 2, 3, 4; 5, 6 and one before
    }
    judge(&r, 6, VERDICT_TIE); // after it was learnt from: not again
    int differ = 0;
    for (int i = 0; i < 8; i++) {
        struct str both = {0};
        r.trainer->step = 10 + i % 4; // each twice
        assert_int_equal(next(&r, &b), 0);
        assert_true(b.n == 3 && fact(&b, "feedback/again") == 3);
        for (int g = 0; g < 3; g++) {
            const struct ds_seq *s = &b.data->seqs[b.data->groups[b.groups[g]].first_seq];
            char *text = run_text_of(&r, b.data, s);
            str_addf(&both, "%u %s;", b.data->groups[b.groups[g]].example, text);
            for (int k = 0; k < g; k++)
                assert_true(b.data->groups[b.groups[g]].example != b.data->groups[b.groups[k]].example);
            free(text);
        }
        first[i] = str_take(&both);
        if (i >= 4)
            assert_string_equal(first[i], first[i - 4]);
        differ += i > 0 && i < 4 && strcmp(first[i], first[i - 1]) != 0;
    }
    assert_true(differ > 0);
    for (int i = 0; i < 8; i++)
        free(first[i]);
    unload_run(&r);
}

// The best of two is the one that people find better.
static void the_better_answer_alone_is_imitated(void **state)
{
    struct run r;
    struct group_batch b;
    load_run(&r, "best-of-n", PERSON "samples=2 feedback-open=2 batch-size=4");
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    judge(&r, 2, VERDICT_B);
    assert_int_equal(next(&r, &b), 0);
    assert_true(b.n == 1 && b.data->groups[b.groups[0]].n_seqs == 1);
    assert_int_equal(b.data->seqs[b.data->groups[b.groups[0]].first_seq].response, 1);
    unload_run(&r);
}

static void what_was_not_packed_is_no_pair(void **state)
{
    struct run r;
    struct group_batch b;
    struct run_reader *reader;
    struct asked_pair p;
    struct rollout_batch into = {0};
    const double scores[2] = {1, 0};
    struct err fault = {0};
    load_run(&r, "online-dpo", PERSON "feedback-open=1 batch-size=4");
    assert_int_equal(next(&r, &b), ERR_INTERRUPTED);
    assert_ok(run_reader_open(&reader, r.dir, e));
    assert_ok(run_reader_pair(reader, 1, &p, e));
    run_reader_close(reader);
    const int vocab = r.model->arch.vocab_size;
    assert_ok(feedback_unpack(&into, &p, scores, vocab, e));
    assert_true(into.data.n_groups == 1 && into.data.n_seqs == 2 && into.scores[0] == 1 && into.scores[1] == 0);
    const size_t n = p.n_token_bytes;
    for (p.n_token_bytes = 0; p.n_token_bytes < n; p.n_token_bytes += 4) // cut off anywhere
        assert_int_equal(feedback_unpack(&into, &p, scores, vocab, &fault), ERR_INPUT);
    assert_int_equal(feedback_unpack(&into, &p, scores, 1, &fault), ERR_INPUT); // tokens that the model has not
    for (size_t word = 0; word < 6; word++) { // format, example, sizes
        int32_t was, wrong = -1;
        memcpy(&was, (char *)p.tokens + 4 * word, 4);
        memcpy((char *)p.tokens + 4 * word, &wrong, 4);
        assert_int_equal(feedback_unpack(&into, &p, scores, vocab, &fault), ERR_INPUT);
        memcpy((char *)p.tokens + 4 * word, &was, 4);
    }
    assert_int_equal(into.data.n_groups, 1);
    rollout_batch_fini(&into);
    asked_pair_fini(&p);
    unload_run(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_judged_is_learnt_as_it_was_judged),
        cmocka_unit_test(verdicts_without_a_better_answer_teach_nothing),
        cmocka_unit_test(all_ties_are_followed_by_new_pairs),
        cmocka_unit_test(who_does_not_wait_learns_again),
        cmocka_unit_test(the_better_answer_alone_is_imitated),
        cmocka_unit_test(what_was_not_packed_is_no_pair),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
