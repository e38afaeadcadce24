#include "config.h"

#include "train/run/run_online.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cpu/cpu.h"
#include "demo/demo.h"
#include "train/online/rewards.h"
#include "train/online/rollouts.h"
#include "train/run/feedback.h"
#include "train/run/imitate.h"
#include "train/run/open_model.h"

static bool go_on(void *arg, const char *what, int done, int all)
{
    struct run *r = arg;
    run_phase(r, r->status.state, "%s: %d/%d", what, done, all);
    return !signals_asked_to_stop() && !controls_hold_stop(&r->controls);
}

// Where the truth is known (probe-styles): what share of the answers is not of the style that the corpus leans to.
static void count_minority(const struct run *r, const struct rollout_batch *b, struct metric_list *facts)
{
    double n_styled = 0, n_minority = 0;
    for (int i = 0; i < b->data.n_seqs; i++) {
        if (!rollout_counts(b, i))
            continue;
        char *text = run_text_of(r, &b->data, &b->data.seqs[i]);
        const int style = demo_style(text, strlen(text));
        n_styled += style != DEMO_NO_STYLE;
        n_minority += style != DEMO_NO_STYLE && style != DEMO_COZY;
        free(text);
    }
    if (n_styled > 0)
        metric_add(facts, "rollout/minority", n_minority / n_styled);
}

int run_score(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    struct run *r = with;
    if (settings_bool(&r->settings, "probe-styles"))
        count_minority(r, b, facts);
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
                                            .vocab_size = r->model->arch.vocab_size, .tokenizer = r->tokenizer,
                                            .corpus = r->corpus,
                                            .held_out = r->eval_corpus, .say = tell, .with = r,
                                            .max_length = r->rules.max_length};
    struct rollout_options o = {.prompts = &r->train, .max_length = r->rules.max_length, .score = run_score, .keep = keep,
                                .progress = go_on, .with = r};
    run_phase(r, RUN_STARTING, "loading what answers are scored by");
    int code = run_check_online(r->objective, s, e);
    if (!code)
        rewards_say_doubts(s, &r->doubts);
    if (!code)
        code = rewards_open(&r->rewards, &rewards, e);
    if (code)
        return code;
    rollout_options_read(&o, s);
    o.machine = engine_backend_options(settings_text(s, "precision"), run_threads(s).answering);
    o.sampling.stop_ids = r->rules.stops;
    o.sampling.n_stop = r->rules.n_stops;
    code = stop_texts_read(&r->stops, settings_text(s, "stop"), r->tokenizer, e);
    if (code)
        return code;
    if (r->stops) {
        o.sampling.ends = stop_texts_end;
        o.sampling.ends_arg = r->stops;
    }
    rollouts_new(out, &o);
    if (rewards_are_a_persons(s)) {
        feedback_new(out, r, *out);
        r->feedback = *out;
    }
    return 0;
}

int run_attach_rollouts(struct run *r, struct group_source *source, struct err *e)
{
    return rollouts_attach(r->feedback ? feedback_rollouts(r->feedback) : source, r->trainer, e);
}

char *run_value_from(const struct run *r)
{
    const struct settings *s = &r->settings;
    return strcmp(settings_text(s, "value-from"), "reward-model") == 0
               ? rewards_model_of(settings_text(s, "reward-model"), settings_text(s, "rewards"), false)
               : NULL;
}

struct run_threads run_threads(const struct settings *s)
{
    int all = (int)settings_int(s, "threads");
    if (!settings_find(s, "rollout-ahead") || settings_int(s, "rollout-ahead") == 0)
        return (struct run_threads){.training = all};
    if (all == 0) {
        struct cpu_probe cpu;
        cpu_probe(&cpu);
        all = cpu.n_cores;
    }
    return (struct run_threads){.training = all - all / 2, .answering = all > 1 ? all / 2 : 1};
}

int64_t run_updates_of_a_batch(const struct settings *s)
{
    return settings_int(s, "minibatches") * settings_int(s, "passes");
}

// Answers that were cut off are left out before the objective picks; it knows whose answer is whose by their numbers.
static int check_masking(const struct objective *o, const struct settings *s, struct err *e)
{
    if (!settings_bool(s, "mask-truncated"))
        return 0;
    if (rewards_are_a_persons(s))
        return err_set(e, ERR_USAGE,
                       "with feedback person it is people who say what is learnt from: leave mask-truncated out");
    if (o->online->mixed)
        return err_set(e, ERR_USAGE, "%s compares the policy's answers with others, one by one: leave mask-truncated out, "
                       "and take off what answers earn that are cut off (missing-end-penalty)", o->name);
    return 0;
}

static int check_ahead(const struct objective *o, const struct settings *s, struct err *e)
{
    if (!settings_int(s, "rollout-ahead"))
        return 0;
    if (settings_bool(s, "dynamic-sampling"))
        return err_set(e, ERR_USAGE, "dynamic-sampling draws other prompts once answers are scored, rollout-ahead samples "
                       "before that: choose one of them");
    if (o->online->reference_says)
        return err_set(e, ERR_USAGE, "the reference says some of the answers that %s learns from, and is at work in "
                       "training as well: use rollout-ahead 0", o->name);
    return 0;
}

// What a person can be asked: which of two answers is better.
static int check_person(const struct objective *o, const struct settings *s, struct err *e)
{
    if (!o->online->by_order)
        return err_set(e, ERR_USAGE,
                       "%s learns from a score of each answer, and with feedback person people say which of two is better: "
                       "choose online-dpo or best-of-n, or make a reward model of their judgements (attune label export, "
                       "objective rm)", o->name);
    if (settings_int(s, "samples") != 2)
        return err_set(e, ERR_USAGE,
                       "with feedback person two answers to each prompt are compared, not %lld: give samples 2",
                       (long long)settings_int(s, "samples"));
    if (settings_int(s, "rollout-ahead"))
        return err_set(e, ERR_USAGE, "with feedback person answers wait for people as it is: leave rollout-ahead out");
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
        return err_set(e, ERR_USAGE,
                       "%lld minibatches do not divide a batch of %lld prompts: choose a divisor of batch-size",
                       (long long)cuts, (long long)batch);
    if (settings_int(s, "max-new-tokens") >= settings_int(s, "max-length"))
        return err_set(e, ERR_USAGE, "max-new-tokens %lld leaves no room for a prompt within max-length %lld: use less of "
                       "the one or more of the other", (long long)settings_int(s, "max-new-tokens"),
                       (long long)settings_int(s, "max-length"));
    struct stop_texts *stops = NULL;
    int code = rewards_are_a_persons(s) ? check_person(o, s, e) : check_ahead(o, s, e);
    if (!code)
        code = check_masking(o, s, e);
    if (!code)
        code = stop_texts_read(&stops, settings_text(s, "stop"), NULL, e);
    stop_texts_free(stops);
    if (!code && o->imitates)
        code = run_check_texts(s, e);
    return code ? code : rewards_check(s, e);
}
