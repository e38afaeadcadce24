#include "config.h"

#include "train/run/run_online.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "train/online/rewards.h"
#include "train/online/rollouts.h"
#include "train/run/feedback.h"

static bool go_on(void *arg, const char *what, int done, int all)
{
    struct run *r = arg;
    run_phase(r, r->status.state, "%s: %d/%d", what, done, all);
    return !signals_asked_to_stop() && !controls_hold_stop(&r->controls);
}

int run_score(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    struct run *r = with;
    return rewards_score(r->rewards, b, false, facts, e);
}

int run_score_held_out(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    struct run *r = with;
    return rewards_score(r->rewards, b, true, facts, e);
}

static void tell(void *with, const char *text)
{
    struct run *r = with;
    recorder_event(r->recorder, r->status.step, "warn", "reward", 0, "%s", text);
}

// ---- what is kept of the answers ----

static double sum_of(const float *column, const struct ds_seq *s)
{
    double sum = 0;
    for (int t = 0; t < s->n; t++)
        sum += (double)column[s->first + (size_t)t];
    return sum;
}

static void keep(void *with, const struct rollout_batch *b, int64_t step)
{
    struct run *r = with;
    const struct dataset *d = &b->data;
    for (int g = 0; g < d->n_groups; g++) {
        const struct ds_group *group = &d->groups[g];
        for (int k = 0; k < group->n_seqs; k++) {
            const int i = group->first_seq + k;
            const struct ds_seq *s = &d->seqs[i];
            struct run_rollout row = {.step = step, .prompt_number = b->first_prompt + g, .sample = k, .ended = b->ended[i],
                                      .score = b->scores[i], .n_tokens = s->n,
                                      .logp = sum_of(d->token_columns[TOKEN_FULL_LOGP], s),
                                      .ref = d->refs ? d->refs[i] : NAN, .response = run_text_of(r, d, s)};
            row.tokens = mem_alloc((size_t)s->n, sizeof *row.tokens);
            memcpy(row.tokens, d->tokens + s->first, (size_t)s->n * sizeof *row.tokens);
            row.prompt = example_prompt_text(&r->corpus->examples[group->example]);
            recorder_rollout(r->recorder, &row);
        }
    }
}

// ---- the source ----

int run_open_rollouts(struct run *r, struct group_source **out, struct err *e)
{
    const struct settings *s = &r->settings;
    const struct rewards_options rewards = {.settings = s, .ops = r->ops, .backend = r->backend,
                                            .max_batch_tokens = (int)settings_int(s, "max-batch-tokens"),
                                            .vocab_size = r->model->arch.vocab_size, .tokenizer = r->tokenizer, .corpus = r->corpus,
                                            .held_out = r->eval_corpus, .say = tell, .with = r};
    struct rollout_options o = {.prompts = &r->train, .max_length = r->rules.max_length, .score = run_score, .keep = keep,
                                .progress = go_on, .with = r};
    run_phase(r, RUN_STARTING, "loading what answers are scored by");
    int code = run_check_online(r->objective, s, e);
    if (!code)
        code = rewards_open(&r->rewards, &rewards, e);
    if (code)
        return code;
    rollout_options_read(&o, s);
    o.sampling.stop_ids = r->rules.stops;
    o.sampling.n_stop = r->rules.n_stops;
    rollouts_new(out, &o);
    if (rewards_are_a_persons(s)) {
        feedback_new(out, r, *out);
        r->feedback = *out;
    }
    return 0;
}

void run_attach_rollouts(struct run *r, struct group_source *source)
{
    rollouts_attach(r->feedback ? feedback_rollouts(r->feedback) : source, r->trainer);
}

const char *run_value_from(const struct run *r)
{
    const char *model = settings_text(&r->settings, "reward-model");
    return *model && strcmp(settings_text(&r->settings, "value-from"), "reward-model") == 0 ? model : NULL;
}

int64_t run_updates_of_a_batch(const struct settings *s)
{
    return settings_int(s, "minibatches") * settings_int(s, "passes");
}

// What a person can be asked: which of two answers is better.
static int check_person(const struct objective *o, const struct settings *s, struct err *e)
{
    if (!o->online->pick)
        return err_set(e, ERR_USAGE,
                       "%s learns from a score of each answer, and with feedback person people say which of two is better: "
                       "choose online-dpo or best-of-n, or make a reward model of their judgements (attune label export, "
                       "objective rm)", o->name);
    if (settings_int(s, "samples") != 2)
        return err_set(e, ERR_USAGE,
                       "with feedback person two answers to each prompt are compared, not %lld: give samples 2",
                       (long long)settings_int(s, "samples"));
    if (settings_bool(s, "dynamic-sampling"))
        return err_set(e, ERR_USAGE,
                       "dynamic-sampling replaces prompts by what their answers score, and with feedback person nobody "
                       "scores them: leave it out");
    return 0;
}

int run_check_online(const struct objective *o, const struct settings *s, struct err *e)
{
    const int64_t batch = settings_int(s, "batch-size"), cuts = settings_int(s, "minibatches");
    if (batch % cuts)
        return err_set(e, ERR_USAGE, "%lld minibatches do not divide a batch of %lld prompts: choose a divisor of batch-size",
                       (long long)cuts, (long long)batch);
    if (settings_int(s, "max-new-tokens") >= settings_int(s, "max-length"))
        return err_set(e, ERR_USAGE, "max-new-tokens %lld leaves no room for a prompt within max-length %lld: use less of the one or "
                       "more of the other", (long long)settings_int(s, "max-new-tokens"),
                       (long long)settings_int(s, "max-length"));
    int code = rewards_are_a_persons(s) ? check_person(o, s, e) : 0;
    return code ? code : rewards_check(s, e);
}
