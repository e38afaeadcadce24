// People as the reward: what they judge is learnt from in the next update, and as they said; while they say nothing a run
// waits, or goes on with what they said before; what was judged and heard is heard at the same updates again by a run that
// was killed, which ends with the same weights.
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

// ---- one source, step by step, in this process ----

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

// ---- whole runs ----

// One who judges the oldest pair as long as the parent lives, and looks at the next one only when that one was learnt from.
static pid_t start_person(const char *name)
{
    char *dir = run_dir(name);
    const pid_t pid = fork();
    for (int64_t last = 0; pid == 0; wait_ms(5)) {
        struct run_reader *r = NULL;
        struct store *s = NULL;
        struct asked_pair p = {0};
        struct pair_ref *list = NULL;
        struct judgement j = {.verdict = VERDICT_A, .seconds = NAN, .annotator = "ann"};
        int n = 0;
        bool again;
        if (getppid() == 1)
            _exit(0);
        if (run_reader_open(&r, dir, NULL) == 0 && store_open(&s, project, false, NULL) == 0) {
            const bool learnt = last == 0 || (run_reader_pair(r, last, &p, NULL) == 0 && p.state == PAIR_TAKEN);
            asked_pair_fini(&p);
            if (learnt && labels_waiting(s, r, name, "ann", &list, &n, NULL) == 0 && n > 0 &&
                run_reader_pair(r, list[0].id, &p, NULL) == 0) {
                j.verdict = strcmp(p.a, p.b) < 0 ? VERDICT_A : VERDICT_B;
                if (labels_add(s, name, &p, &j, false, &again, NULL) == 0)
                    last = p.id;
                asked_pair_fini(&p);
            }
            free(list);
        }
        store_close(s);
        run_reader_close(r);
    }
    free(dir);
    return pid;
}

static void end_person(pid_t pid)
{
    kill(pid, SIGKILL);
    finish(pid);
}

static void add_person(const char *name, const char *extra)
{
    struct str all = {0};
    str_addf(&all, PERSON "steps=36 save-every=4 %s", extra);
    add_run(name, "online-dpo", str_text(&all));
    str_fini(&all);
}

static int64_t step_now(const char *dir)
{
    struct run_reader *r;
    struct run_status s = {0};
    if (run_reader_open(&r, dir, NULL))
        return 0;
    if (run_reader_status(r, &s, NULL))
        s.step = 0;
    run_reader_close(r);
    return s.step;
}

// Kills the run n times, each time a little after the update that follows a new checkpoint: judgements were heard since. A
// machine is fast or slow: it is updates that are waited for, not a time.
static void kill_after_checkpoints(const char *name, int n)
{
    struct rng rng = rng_make(29, RNG_TEST, 0);
    char *dir = run_dir(name);
    for (int64_t reached = 0; n > 0; n--) {
        const pid_t pid = start(name, 0);
        for (int i = 0; i < 60000 && newest_step(dir) <= reached; i++)
            wait_ms(1);
        reached = newest_step(dir);
        for (int i = 0; i < 60000 && step_now(dir) <= reached; i++)
            wait_ms(1);
        wait_ms((int)rng_below(&rng, 20));
        kill(pid, SIGKILL);
        assert_int_equal(finish(pid), -SIGKILL);
    }
    free(dir);
}

static void killed_runs_hear_the_same_at_the_same_updates(void **state)
{
    add_person("alone", "feedback-open=4 passes=2 save-every=3"); // some of them between the passes
    add_person("killed", "feedback-open=4 passes=2 save-every=3 threads=2");
    pid_t person = start_person("alone");
    run_to_end("alone");
    end_person(person);
    person = start_person("killed");
    kill_after_checkpoints("killed", 3);
    run_to_end("killed");
    end_person(person);
    assert_int_equal(count_events("killed", "resume", "continued from"), 3);
    assert_same_file("alone", "killed", "checkpoints/step-36/model.safetensors");
    assert_same_file("alone", "killed", "checkpoints/step-36/state.safetensors");
    char *a = metrics_of("alone"), *b = metrics_of("killed");
    assert_string_equal(a, b);
    assert_non_null(strstr(a, "feedback/pairs 1:1 3:1 5:1"));
    free(a);
    free(b);
}

static void wait_for_phase(const char *name, const char *phase, int64_t step)
{
    char *dir = run_dir(name);
    struct run_status said = {0};
    for (int i = 0; i < 3000; i++, wait_ms(10)) {
        struct run_reader *r;
        if (run_reader_open(&r, dir, NULL) == 0) {
            const int code = run_reader_status(r, &said, NULL);
            run_reader_close(r);
            if (!code && strcmp(said.phase, phase) == 0 && said.step == step)
                break;
        }
    }
    free(dir);
    assert_string_equal(said.phase, phase);
    assert_int_equal(said.step, step);
}

static void judge_run(const char *name, int64_t id, enum verdict verdict)
{
    struct run r = {.name = (char *)name, .dir = run_dir(name)};
    struct run_reader *reader;
    struct asked_pair p;
    struct store *s;
    struct judgement j = {.verdict = verdict, .seconds = NAN, .annotator = "ann"};
    bool again;
    assert_ok(run_reader_open(&reader, r.dir, e));
    assert_ok(run_reader_pair(reader, id, &p, e));
    assert_ok(store_open(&s, project, false, e));
    assert_ok(labels_add(s, name, &p, &j, true, &again, e));
    store_close(s);
    asked_pair_fini(&p);
    run_reader_close(reader);
    free(r.dir);
}

static double cpu_seconds(pid_t pid)
{
    char path[64], *text;
    size_t n;
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text = calloc(1, 4096);
    n = fread(text, 1, 4095, f);
    fclose(f);
    assert_true(n > 0);
    const char *after_name = strrchr(text, ')');
    assert_int_equal(sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    free(text);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// The losses of steps 1 to n, on the heap.
static double *losses_of(const char *name, int64_t n)
{
    struct run_reader *r;
    struct metric_point *points;
    char *dir = run_dir(name);
    double *losses = calloc((size_t)n + 1, sizeof *losses);
    int64_t cursor = 0;
    int n_points;
    for (int64_t i = 0; i <= n; i++)
        losses[i] = NAN;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_points(r, "loss", &cursor, &points, &n_points, e));
    for (int i = 0; i < n_points; i++)
        if (points[i].step <= n)
            losses[points[i].step] = points[i].value;
    free(points);
    run_reader_close(r);
    free(dir);
    return losses;
}

// All judgements are there when it begins again, and yet each is heard no earlier than it was, also by updates that heard
// none.
static void a_run_that_went_on_hears_nothing_earlier(void **state)
{
    char text[200];
    int64_t heard = -1, first = 0;
    add_run("went-on", "online-dpo", PERSON "feedback-open=4 feedback-idle=go-on steps=100000 save-every=0");
    pid_t pid = start("went-on", 0);
    wait_for_phase("went-on", "waiting for you: 4 pairs", 0);
    for (int64_t id = 1; id <= 3; id++) {
        judge_run("went-on", id, id == 2 ? VERDICT_B : VERDICT_A);
        const int64_t before = heard;
        for (int i = 0; i < 1000 && (heard = step_of_event("went-on", "feedback", text, sizeof text)) == before; i++)
            wait_ms(10);
        assert_true(heard > before);
        first = id == 1 ? heard : first;
    }
    kill(pid, SIGKILL);
    finish(pid);
    assert_true(first == 1 && heard > 3);
    double *before = losses_of("went-on", heard);
    pid = start("went-on", 0);
    char *dir = run_dir("went-on");
    struct run_status said = {0};
    for (int i = 0; i < 3000 && said.step <= heard; i++, wait_ms(10)) {
        struct run_reader *r;
        assert_ok(run_reader_open(&r, dir, e));
        assert_ok(run_reader_status(r, &said, e));
        said.step = said.pid == pid ? said.step : 0; // else the earlier life's
        run_reader_close(r);
    }
    free(dir);
    post("went-on", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    double *after = losses_of("went-on", heard);
    for (int64_t i = 1; i <= heard; i++)
        if (before[i] != after[i])
            fail_msg("step %lld of %lld: %.17g, then %.17g", (long long)i, (long long)heard, before[i], after[i]);
    assert_int_equal(count_events("went-on", "feedback", NULL), 3); // repeated, not heard anew
    free(before);
    free(after);
}

// While it waits it costs next to nothing, hears what people want of it, and stops; what is judged while it is stopped
// counts.
static void a_run_that_waits_can_be_paused_stopped_and_resumed(void **state)
{
    add_person("waits", "feedback-open=3 steps=3");
    pid_t pid = start("waits", 0);
    wait_for_phase("waits", "waiting for you: 3 pairs", 0);
    const double before = cpu_seconds(pid);
    wait_ms(1000);
    assert_true(cpu_seconds(pid) - before < 0.5);
    judge_run("waits", 1, VERDICT_A);
    wait_for_phase("waits", "waiting for you: 2 pairs", 1);
    post("waits", CONTROL_PAUSE, "", "");
    wait_for_phase("waits", "paused", 1);
    judge_run("waits", 2, VERDICT_A);
    wait_ms(300);
    wait_for_phase("waits", "paused", 1);
    post("waits", CONTROL_STOP, "", "");
    assert_int_equal(finish(pid), 0);
    judge_run("waits", 3, VERDICT_B); // while nothing runs
    pid = start("waits", 0);
    wait_for_phase("waits", "waiting for you: 3 pairs", 2); // one update of both, then three new pairs
    assert_true(metric_at("waits", "feedback/pairs", 2) == 2);
    post("waits", CONTROL_CHECKPOINT, "", ""); // with pairs asked for an update that was not made
    for (int i = 0; i < 500 && step_of_event("waits", "checkpoint", NULL, 0) < 2; i++)
        wait_ms(10);
    kill(pid, SIGKILL);
    finish(pid);
    pid = start("waits", 0);
    wait_for_phase("waits", "waiting for you: 3 pairs", 2); // the same ones
    judge_run("waits", 4, VERDICT_A);
    assert_int_equal(finish(pid), 0);
    int64_t counts[PAIR_EXPIRED + 1];
    struct run_reader *r;
    char *dir = run_dir("waits");
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_pair_counts(r, counts, e));
    run_reader_close(r);
    free(dir);
    assert_true(counts[PAIR_WAITING] == 0 && counts[PAIR_TAKEN] == 4 && counts[PAIR_EXPIRED] == 2);
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const rows[][3] = {
        {"rloo", "samples=2", "choose online-dpo or best-of-n"},
        {"online-dpo", "samples=4", "give samples 2"},
        {"online-dpo", "dynamic-sampling=yes", "dynamic-sampling"},
        {"online-dpo", "rewards=length:20..60", "leave reward-model, reward-command and rewards out"},
        {"online-dpo", "keep-best=eval/reward", "keep-best: eval/reward is of held-out answers"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[20], text[600] = "";
        struct str extra = {0};
        str_addf(&extra, PERSON "probe-every=5 steps=1 %s", rows[i][1]);
        snprintf(name, sizeof name, "refused-%zu", i);
        add_run(name, rows[i][0], str_text(&extra));
        assert_int_equal(finish(start(name, 0)), err_exit_status(ERR_USAGE));
        step_of_event(name, "end", text, sizeof text);
        if (!strstr(text, rows[i][2]))
            fail_msg("%s %s: %s", rows[i][0], rows[i][1], text);
        str_fini(&extra);
    }
    // Rewards of weight 0 may watch.
    add_run("watched", "online-dpo", PERSON "probe-every=5 steps=1 feedback-open=1 rewards=length:20..60@0");
    pid_t person = start_person("watched");
    run_to_end("watched");
    end_person(person);
    assert_true(isfinite(metric_at("watched", "rewards/length/mean", 1)) && isnan(metric_at("watched", "reward", 1)));
    assert_true(isfinite(metric_at("watched", "eval/rewards/length/mean", 1)) &&
                isnan(metric_at("watched", "eval/reward", 1)));
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
        cmocka_unit_test(killed_runs_hear_the_same_at_the_same_updates),
        cmocka_unit_test(a_run_that_went_on_hears_nothing_earlier),
        cmocka_unit_test(a_run_that_waits_can_be_paused_stopped_and_resumed),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
