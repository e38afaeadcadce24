#include "config.h"

#include "train/run/feedback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "train/run/feedback_pairs.h"

enum { MOST_ROUNDS = 8, WAIT_MS = 50 }; // of prompts that are answered before an update

struct feedback {
    struct group_source source; // first
    struct group_source *rollouts;
    struct run *run;
    int most_open;
    struct feedback_pairs pairs;
    // What the next update begins with, for checkpoints: the number of the next prompt, and the last judgement heard.
    int64_t position, cursor;
    // The same as it is now, in the middle of it.
    int64_t asked, heard;
    int64_t asked_for; // the update before which pairs were asked last
    int64_t version;   // labels_version of which all was heard
    struct hearing {   // where updates of an earlier life stopped hearing, by step
        int64_t step, last;
    } *earlier;
    int n_earlier, cap_earlier;
    struct metric_list facts;
};

static bool goes_on(const struct feedback *f)
{
    return strcmp(settings_text(&f->run->settings, "feedback-idle"), "go-on") == 0;
}

// ---- asking ----

// The two answers of a group, unless they read the same: then there is nothing to judge.
static void offer(struct feedback *f, const struct rollout_batch *b, int group)
{
    struct run *r = f->run;
    const struct ds_group *g = &b->data.groups[group];
    const struct example *x = &r->corpus->examples[g->example];
    struct asked_pair p = {.step = f->asked_for, .a = run_text_of(r, &b->data, &b->data.seqs[g->first_seq]),
                           .b = run_text_of(r, &b->data, &b->data.seqs[g->first_seq + 1])};
    if (strcmp(p.a, p.b) == 0) {
        asked_pair_fini(&p);
        return;
    }
    struct str model = {0};
    str_addf(&model, "step %lld", (long long)r->trainer->step);
    p.model = str_take(&model);
    p.prompt = example_prompt_text(x);
    p.turns = example_turns_json(x);
    feedback_pack(b, group, &p);
    recorder_offer(r->recorder, &p);
}

static int ask_round(struct feedback *f, int n, struct err *e)
{
    struct rollout_batch b;
    struct metric_list facts = {0};
    int code = rollouts_answer(f->rollouts, f->asked, n, &b, &facts, e);
    if (code)
        return code;
    f->asked += n;
    if (!f->facts.n)
        f->facts = facts;
    for (int g = 0; g < b.data.n_groups; g++)
        offer(f, &b, g);
    rollout_batch_fini(&b);
    code = recorder_flush(f->run->recorder, e); // their numbers are the file's
    return code ? code : feedback_pairs_read(&f->pairs, f->run->dir, e);
}

// Answers prompts until as many pairs wait as may.
static int ask(struct feedback *f, struct err *e)
{
    const int64_t began = f->asked;
    int room = f->most_open - feedback_pairs_count(&f->pairs).waiting;
    for (int round = 0; room > 0 && round < MOST_ROUNDS; round++) {
        int code = ask_round(f, room < f->source.batch_size ? room : f->source.batch_size, e);
        if (code)
            return code;
        room = f->most_open - feedback_pairs_count(&f->pairs).waiting;
    }
    const struct feedback_counts now = feedback_pairs_count(&f->pairs);
    if (now.waiting || now.fresh || (goes_on(f) && now.stored))
        return 0;
    return err_set(e, ERR_STATE,
                   "both answers to each of %lld prompts are the same text, so there is nothing to judge: a higher "
                   "temperature, or more max-new-tokens, tells them apart", (long long)(f->asked - began));
}

// Before each update once, where half of the pairs are gone, so that many answers are sampled at a time.
static int ask_for_update(struct feedback *f, int64_t step, struct err *e)
{
    if (f->asked_for != step) {
        f->facts = (struct metric_list){0};
        f->asked_for = step;
        return feedback_pairs_count(&f->pairs).waiting <= f->most_open / 2 ? ask(f, e) : 0;
    }
    const struct feedback_counts now = feedback_pairs_count(&f->pairs);
    return now.waiting || now.fresh ? 0 : ask(f, e);
}

// ---- hearing ----

// The last judgement that may be heard before this update: any, or where an earlier life stopped.
static int64_t last_to_hear(const struct feedback *f, int64_t step)
{
    for (int i = 0; i < f->n_earlier; i++)
        if (f->earlier[i].step >= step)
            return f->earlier[i].step == step ? f->earlier[i].last : f->cursor;
    return INT64_MAX;
}

// One judgement after the other: what is asked meanwhile depends on them alone, not on when somebody looked.
static int hear(struct feedback *f, int64_t last, struct err *e)
{
    struct judgement *list;
    struct err fault = {0};
    int n;
    int64_t cursor = f->heard;
    const int64_t version = labels_version(f->run->store);
    if (version == f->version && last == INT64_MAX)
        return 0;
    int code = labels_since(f->run->store, f->run->name, &cursor, &list, &n, &fault);
    if (code == ERR_STATE && last == INT64_MAX) // somebody holds the store for long: next time
        return 0;
    if (code == ERR_STATE) // what was heard before must be heard again first
        return err_set(e, ERR_INTERRUPTED, "the store is in use");
    if (code) {
        *e = fault;
        return code;
    }
    for (int i = 0; i < n && list[i].id <= last && !code; i++) {
        feedback_pairs_hear(&f->pairs, &list[i]);
        f->heard = list[i].id;
        code = ask_for_update(f, f->asked_for, e);
    }
    judgements_free(list, n);
    if (!code && last == INT64_MAX)
        f->version = version;
    return code;
}

// ---- batches ----

static int add_pair(const struct feedback *f, struct run_reader *reader, const struct feedback_pair *p,
                    struct rollout_batch *b, struct err *e)
{
    const double scores[2] = {p->grades < 0, p->grades > 0};
    struct asked_pair whole;
    int code = run_reader_pair(reader, p->id, &whole, e);
    if (code)
        return code;
    code = feedback_unpack(b, &whole, scores, f->run->model->arch.vocab_size, e);
    asked_pair_fini(&whole);
    return code;
}

// Which pairs the update is made of, in list: new ones, the oldest first, and behind them stored ones, drawn by the update's
// number. Returns how many, *fresh of them new.
static int choose(const struct feedback *f, int64_t step, int *list, int *fresh)
{
    const struct feedback_pairs *t = &f->pairs;
    int *stored = mem_alloc((size_t)t->n + 1, sizeof *stored), n_stored = 0, n = 0;
    const bool again = goes_on(f);
    struct rng rng = rng_make((uint64_t)settings_int(&f->run->settings, "seed"), RNG_FEEDBACK, (uint32_t)step);
    for (int i = 0; i < t->n; i++) {
        if (!feedback_pair_teaches(&t->list[i]))
            continue;
        if (t->list[i].used)
            stored[n_stored++] = i;
        else if (n < f->source.batch_size)
            list[n++] = i;
    }
    *fresh = n;
    while (again && n < f->source.batch_size && n_stored > 0) {
        const int k = (int)rng_below(&rng, (uint64_t)n_stored);
        list[n++] = stored[k];
        stored[k] = stored[--n_stored];
    }
    free(stored);
    return n;
}

static void describe(struct feedback *f, int64_t step, const int *list, int n, int fresh)
{
    double staleness = 0;
    for (int i = 0; i < fresh; i++)
        staleness += (double)(step - f->pairs.list[list[i]].step) / fresh;
    metric_add(&f->facts, "feedback/pairs", fresh);
    metric_add(&f->facts, "feedback/again", n - fresh);
    metric_add(&f->facts, "feedback/waiting", feedback_pairs_count(&f->pairs).waiting);
    if (fresh)
        metric_add(&f->facts, "rollout/staleness", staleness); // updates between saying and learning
}

static void record_hearing(struct feedback *f, int64_t step, int64_t last, int fresh)
{
    if (f->heard != f->cursor && last == INT64_MAX)
        recorder_event(f->run->recorder, step, "info", "feedback", 0,
                       "learns from %d newly judged %s (judgements up to %lld)", fresh,
                       text_plural(fresh, "pair", "pairs"), (long long)f->heard);
}

static int learn(struct feedback *f, int64_t step, int64_t last, struct group_batch *out, struct err *e)
{
    struct run_reader *reader = NULL;
    struct rollout_batch b = {0};
    int *list = mem_alloc((size_t)f->source.batch_size, sizeof *list), fresh;
    const int n = choose(f, step, list, &fresh);
    int code = run_reader_open(&reader, f->run->dir, e);
    for (int i = 0; i < n && !code; i++)
        code = add_pair(f, reader, &f->pairs.list[list[i]], &b, e);
    run_reader_close(reader);
    if (code) {
        rollout_batch_fini(&b);
        free(list);
        return code;
    }
    for (int c = 0; c < N_TOKEN_COLUMNS; c++)
        b.data.token_columns[c] = mem_alloc(b.data.n_tokens, sizeof *b.data.token_columns[c]);
    rollouts_learn(f->rollouts, &b, out);
    BUG_IF(out->n != n);
    describe(f, step, list, n, fresh);
    out->facts = &f->facts;
    record_hearing(f, step, last, fresh);
    for (int i = 0; i < fresh; i++) {
        f->pairs.list[list[i]].used = true;
        recorder_close_pair(f->run->recorder, f->pairs.list[list[i]].id, PAIR_TAKEN, step);
    }
    f->position = f->asked;
    f->cursor = f->heard;
    free(list);
    return 0;
}

// Says so, and lets the run's loop see what people ask of the run.
static int wait_for_people(struct feedback *f, struct err *e)
{
    struct run *r = f->run;
    char text[sizeof r->status.phase];
    const int n = feedback_pairs_count(&f->pairs).waiting;
    snprintf(text, sizeof text, "waiting for you: %d %s", n, text_plural(n, "pair", "pairs"));
    r->status.seconds_left = 0; // nobody knows
    if (strcmp(r->status.phase, text) != 0)
        run_phase(r, RUN_RUNNING, "%s", text);
    nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000}, NULL);
    return err_set(e, ERR_INTERRUPTED, "no pair is judged yet");
}

static int next_feedback(struct group_source *s, struct group_batch *out, struct err *e)
{
    struct feedback *f = (struct feedback *)s;
    const int64_t step = f->run->trainer->step + 1, last = last_to_hear(f, step);
    int code = ask_for_update(f, step, e);
    if (!code)
        code = hear(f, last, e);
    if (code)
        return code;
    const struct feedback_counts now = feedback_pairs_count(&f->pairs);
    if (now.fresh || (goes_on(f) && now.stored)) {
        run_phase(f->run, RUN_RUNNING, "training");
        return learn(f, step, last, out, e);
    }
    if (last < INT64_MAX) // a power cut took what was asked then: from here on it is another run
        f->n_earlier = 0;
    return wait_for_people(f, e);
}

// ---- a run that goes on ----

static json_t *save_feedback(const struct group_source *s, bool before_last)
{
    const struct feedback *f = (const struct feedback *)s;
    return json_pack("{s:I, s:I}", "position", (json_int_t)f->position, "judgement", (json_int_t)f->cursor);
}

static int restore_feedback(struct group_source *s, const json_t *saved, const char *dir, struct err *e)
{
    struct feedback *f = (struct feedback *)s;
    int code = json_get_int(saved, "position", 0, 0, INT64_MAX, &f->position, "the state of the data", e);
    if (!code)
        code = json_get_int(saved, "judgement", 0, 0, INT64_MAX, &f->cursor, "the state of the data", e);
    f->asked = f->position;
    f->heard = f->cursor;
    return code;
}

// Steps go back where an even earlier life was taken up again: what was heard then replaces what came later before.
static int read_earlier(struct feedback *f, int64_t after_step, struct err *e)
{
    struct run_reader *reader;
    struct run_event *events = NULL;
    int n = 0;
    int code = run_reader_open(&reader, f->run->dir, e);
    if (code)
        return code;
    code = run_reader_events(reader, 0, &events, &n, e);
    for (int i = 0; i < n; i++) {
        const char *number = strstr(events[i].text, "judgements up to ");
        const int64_t last = number ? strtoll(number + strlen("judgements up to "), NULL, 10) : 0;
        if (strcmp(events[i].kind, "feedback") != 0 || last <= 0)
            continue;
        while (f->n_earlier > 0 && f->earlier[f->n_earlier - 1].step >= events[i].step)
            f->n_earlier--;
        if (events[i].step <= after_step)
            continue;
        MEM_GROW(f->earlier, f->n_earlier, f->cap_earlier);
        f->earlier[f->n_earlier++] = (struct hearing){events[i].step, last};
    }
    run_events_free(events, n);
    run_reader_close(reader);
    return code;
}

int feedback_resume(struct group_source *s, int64_t step, struct err *e)
{
    struct feedback *f = (struct feedback *)s;
    struct judgement *list;
    int64_t cursor = 0;
    int n;
    int code = read_earlier(f, step, e);
    if (!code)
        code = feedback_pairs_read(&f->pairs, f->run->dir, e);
    if (!code)
        code = labels_since(f->run->store, f->run->name, &cursor, &list, &n, e);
    if (code)
        return code;
    for (int i = 0; i < n && list[i].id <= f->cursor; i++)
        feedback_pairs_hear(&f->pairs, &list[i]);
    judgements_free(list, n);
    return 0;
}

void feedback_end(struct group_source *s, int64_t step)
{
    const struct feedback *f = (const struct feedback *)s;
    for (int i = 0; i < f->pairs.n; i++)
        if (!f->pairs.list[i].used)
            recorder_close_pair(f->run->recorder, f->pairs.list[i].id, PAIR_EXPIRED, step);
}

// ---- the source ----

static int write_batch(struct group_source *s, const char *dir, bool in_batch, struct err *e)
{
    const struct feedback *f = (const struct feedback *)s;
    return f->rollouts->ops->write(f->rollouts, dir, in_batch, e);
}

static int read_batch(struct group_source *s, const char *dir, struct group_batch *out, struct err *e)
{
    struct feedback *f = (struct feedback *)s;
    return f->rollouts->ops->read(f->rollouts, dir, out, e);
}

static void close_feedback(struct group_source *s)
{
    struct feedback *f = (struct feedback *)s;
    group_source_close(f->rollouts);
    feedback_pairs_fini(&f->pairs);
    free(f->earlier);
    free(f);
}

static const struct group_source_ops ops = {.name = "feedback", .next = next_feedback, .save = save_feedback,
                                            .restore = restore_feedback, .write = write_batch, .read = read_batch,
                                            .close = close_feedback};

void feedback_new(struct group_source **out, struct run *r, struct group_source *rollouts)
{
    struct feedback *f = mem_alloc(1, sizeof *f);
    f->source = (struct group_source){&ops, rollouts->data, rollouts->batch_size};
    f->rollouts = rollouts;
    f->run = r;
    f->most_open = (int)settings_int(&r->settings, "feedback-open");
    f->version = -1;
    *out = &f->source;
}

struct group_source *feedback_rollouts(struct group_source *s)
{
    return ((struct feedback *)s)->rollouts;
}
