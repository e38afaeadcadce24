#include "config.h"

#include "train/run/probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "demo/demo.h"
#include "model/generate.h"
#include "train/learn/credit.h"

enum { KEPT_SAMPLES = 4 };

struct prober {
    struct trainer *trainer;
    struct probe_options options;
    struct gen_prompt *prompts;
    const struct example **examples;
    uint32_t *numbers; // of the examples in their corpus
    int n;
};

static bool same_prompt(const struct example *a, const struct example *b)
{
    if (a->n_turns != b->n_turns)
        return false;
    for (int i = 0; i < a->n_turns; i++)
        if (strcmp(a->turns[i].text, b->turns[i].text) != 0)
            return false;
    return true;
}

static int take_prompts(struct prober *p, struct err *e)
{
    const struct corpus *c = p->options.corpus;
    for (size_t i = 0; i < c->n_examples && p->n < p->options.n_prompts; i++) {
        const struct example *x = &c->examples[i];
        bool fresh = !p->options.use || p->options.use[i];
        for (int k = 0; fresh && k < p->n; k++)
            fresh = !same_prompt(p->examples[k], x);
        if (!fresh)
            continue;
        struct err fault = {0};
        int32_t *ids;
        int n;
        int code = dataset_prompt_tokens(p->options.text, x, &ids, &n, &fault);
        if (code == ERR_INPUT) // a conversation that the template refuses; training leaves it out as well
            continue;
        if (code) {
            if (e)
                *e = fault;
            return code;
        }
        p->examples[p->n] = x;
        p->numbers[p->n] = (uint32_t)i;
        p->prompts[p->n++] = (struct gen_prompt){ids, n, 1};
    }
    return 0;
}

int prober_new(struct prober **out, struct trainer *t, const struct probe_options *o, struct err *e)
{
    struct prober *p = mem_alloc(1, sizeof *p);
    p->trainer = t;
    p->options = *o;
    p->prompts = mem_alloc((size_t)o->n_prompts, sizeof *p->prompts);
    p->examples = mem_alloc((size_t)o->n_prompts, sizeof *p->examples);
    p->numbers = mem_alloc((size_t)o->n_prompts, sizeof *p->numbers);
    int code = take_prompts(p, e);
    if (code) {
        prober_free(p);
        return code;
    }
    *out = p;
    return 0;
}

void prober_free(struct prober *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n; i++)
        free((void *)p->prompts[i].tokens);
    free(p->prompts);
    free(p->examples);
    free(p->numbers);
    free(p);
}

// The samples as groups of one response, to be scored by the reference.
static void samples_dataset(struct dataset *d, const struct prober *p, const struct gen_sample *samples, int n)
{
    size_t n_tokens = 0;
    for (int i = 0; i < n; i++)
        n_tokens += (size_t)(p->prompts[samples[i].prompt].n_tokens + samples[i].n_tokens);
    *d = (struct dataset){.tokens = mem_alloc(n_tokens, sizeof *d->tokens),
                          .groups = mem_alloc((size_t)n, sizeof *d->groups),
                          .seqs = mem_alloc((size_t)n, sizeof *d->seqs)};
    for (int i = 0; i < n; i++) {
        const struct gen_prompt *prompt = &p->prompts[samples[i].prompt];
        if (samples[i].n_tokens == 0)
            continue;
        d->groups[d->n_groups++] = (struct ds_group){.prompt = d->n_tokens, .n_prompt = prompt->n_tokens,
                                                     .first_seq = d->n_seqs, .n_seqs = 1, .example = (uint32_t)i};
        memcpy(d->tokens + d->n_tokens, prompt->tokens, (size_t)prompt->n_tokens * sizeof *d->tokens);
        d->n_tokens += (size_t)prompt->n_tokens;
        d->seqs[d->n_seqs++] = (struct ds_seq){.first = d->n_tokens, .n = samples[i].n_tokens};
        memcpy(d->tokens + d->n_tokens, samples[i].tokens, (size_t)samples[i].n_tokens * sizeof *d->tokens);
        d->n_tokens += (size_t)samples[i].n_tokens;
    }
}

static double sample_logp(const struct gen_sample *s)
{
    double sum = 0;
    for (int i = 0; i < s->n_tokens; i++)
        sum += s->logprobs[i];
    return sum;
}

// Mean over samples of log pi - log pi_ref.
static int measure_kl(struct prober *p, const struct gen_sample *samples, int n, double *kl, struct err *e)
{
    struct trainer *t = p->trainer;
    struct dataset d;
    struct packed packed = {0};
    samples_dataset(&d, p, samples, n);
    *kl = NAN;
    if (d.n_groups == 0) {
        dataset_fini(&d);
        return 0;
    }
    int *groups = mem_alloc((size_t)d.n_groups, sizeof *groups);
    struct seq *seqs = mem_alloc((size_t)d.n_seqs, sizeof *seqs);
    for (int i = 0; i < d.n_groups; i++)
        groups[i] = i;
    int code = packed_init(&packed, &d, t->options.max_batch_tokens, 0, e);
    if (!code) {
        code = forward_groups(live_reference_enter(t->reference), &packed, &d, groups, d.n_groups,
                              t->options.max_batch_tokens, &(struct reading){0}, seqs, NULL, e);
        live_reference_leave(t->reference);
    }
    double sum = 0;
    for (int i = 0; !code && i < d.n_groups; i++)
        sum += sample_logp(&samples[d.groups[i].example]) - seqs[i].logp;
    *kl = sum / d.n_groups;
    packed_fini(&packed);
    free(groups);
    free(seqs);
    dataset_fini(&d);
    return code;
}

// What the rewards say of them, as "eval/reward", "eval/rewards/...".
static int score_samples(struct prober *p, const struct gen_sample *samples, int n, struct metric_list *out, struct err *e)
{
    struct rollout_batch b = {.ended = mem_alloc((size_t)n + 1, sizeof *b.ended),
                              .scores = mem_alloc((size_t)n + 1, sizeof *b.scores)};
    struct metric_list facts = {0};
    double reward = 0;
    samples_dataset(&b.data, p, samples, n);
    for (int i = 0; i < b.data.n_groups; i++) {
        struct ds_group *g = &b.data.groups[i];
        b.ended[i] = samples[g->example].stopped;
        g->example = p->numbers[samples[g->example].prompt];
    }
    int code = b.data.n_groups ? p->options.score(p->options.with, &b, &facts, e) : 0;
    for (int i = 0; i < b.data.n_seqs && !code; i++)
        reward += b.scores[i] / b.data.n_seqs;
    if (!code && b.data.n_seqs && !isnan(reward)) // NaN: a person is the reward
        metric_add(out, "eval/reward", reward);
    for (int i = 0; i < facts.n && !code; i++)
        metric_add(out, metric_held_out(facts.items[i].key), facts.items[i].value);
    rollout_batch_fini(&b);
    return code;
}

static int sample_text(const struct prober *p, const struct gen_sample *s, char **text, struct err *e)
{
    size_t n;
    return tokenizer_decode_more(p->options.text->rules->tokenizer, s->tokens, (size_t)s->n_tokens, true, text, &n, e);
}

// What each token of a sample earned, with its length in the text. ref: log-probabilities under the reference.
static int sample_credits(const struct prober *p, const struct gen_sample *s, const float *ref, struct run_sample *row,
                          struct err *e)
{
    const struct credit_weights w = credit_weights(&p->trainer->options.objective);
    row->credits = mem_alloc((size_t)s->n_tokens, sizeof *row->credits);
    row->reward = 0;
    for (int i = 0; i < s->n_tokens; i++) {
        char *text;
        size_t n;
        int code = tokenizer_decode_more(p->options.text->rules->tokenizer, &s->tokens[i], 1, true, &text, &n, e);
        if (code)
            return code;
        free(text);
        row->credits[row->n_credits++] = (struct run_credit){(int)n, credit_of(w, (double)s->logprobs[i], (double)ref[i])};
        row->reward += row->credits[i].reward;
    }
    return 0;
}

// ref: NULL without a reference.
static int keep_sample(const struct prober *p, struct recorder *r, const struct gen_sample *s, const float *ref,
                       struct err *e)
{
    const struct example *x = p->examples[s->prompt];
    struct run_sample row = {.step = p->trainer->step, .logp = sample_logp(s), .reward = NAN};
    int code = sample_text(p, s, &row.response, e);
    if (!code && ref)
        code = sample_credits(p, s, ref, &row, e);
    if (code) {
        free(row.response);
        free(row.credits);
        return code;
    }
    row.prompt = mem_strdup(x->n_turns ? x->turns[x->n_turns - 1].text : "");
    recorder_sample(r, &row);
    return 0;
}

// The first few, each alone through the reference: the tokens' numbers are wanted, not their sum.
static int keep_samples(const struct prober *p, struct recorder *r, const struct gen_sample *samples, int n,
                        struct err *e)
{
    struct trainer *t = p->trainer;
    struct dataset d;
    struct packed packed = {0};
    n = n < KEPT_SAMPLES ? n : KEPT_SAMPLES;
    samples_dataset(&d, p, samples, n);
    float *ref = mem_alloc((size_t)p->options.max_tokens + 1, sizeof *ref);
    int code = p->options.kl && d.n_groups ? packed_init(&packed, &d, 1, 0, e) : 0;
    for (int i = 0, group = 0; i < n && !code; i++) {
        const bool known = p->options.kl && samples[i].n_tokens > 0;
        if (known) {
            code = credit_logprobs(live_reference_enter(t->reference), &packed, &d, group++, ref, e);
            live_reference_leave(t->reference);
        }
        if (!code)
            code = keep_sample(p, r, &samples[i], known ? ref : NULL, e);
    }
    packed_fini(&packed);
    free(ref);
    dataset_fini(&d);
    return code;
}

// The share of each style among the responses that have one, and of those that have none among all.
static int count_styles(const struct prober *p, const struct gen_sample *samples, int n, struct metric_list *out,
                        struct err *e)
{
    static char keys[DEMO_N_STYLES][40];
    int counts[DEMO_N_STYLES] = {0}, n_styled = 0;
    for (int i = 0; i < n; i++) {
        char *text;
        int code = sample_text(p, &samples[i], &text, e);
        if (code)
            return code;
        int style = demo_style(text, strlen(text));
        free(text);
        if (style != DEMO_NO_STYLE) {
            counts[style]++;
            n_styled++;
        }
    }
    for (int i = 0; i < DEMO_N_STYLES && n_styled; i++) {
        if (!*keys[i]) // once: the recorder's thread may still read the name that an earlier probe gave it
            snprintf(keys[i], sizeof keys[i], "style/%s", demo_styles[i].name);
        metric_add(out, keys[i], (double)counts[i] / n_styled);
    }
    if (n_styled) { // all but the style that the corpus leans to, and what people would have of them
        double truth[DEMO_N_STYLES];
        demo_shares_matching(truth);
        metric_add(out, "minority/share", 1 - (double)counts[DEMO_COZY] / n_styled);
        metric_add(out, "minority/goal", 1 - truth[DEMO_COZY]);
    }
    metric_add(out, "style/none", (double)(n - n_styled) / n);
    return 0;
}

int probe(struct prober *p, struct recorder *r, struct metric_list *out, struct err *e)
{
    struct gen_sample *samples = NULL;
    int n = 0;
    double length = 0, kl = NAN;
    if (p->n == 0)
        return 0;
    // Every probe draws anew, and a resumed run draws what the run left alone would.
    struct rng draw = rng_make(p->options.seed, RNG_SAMPLE, (uint32_t)p->trainer->step);
    struct gen_options options = {.max_new_tokens = p->options.max_tokens, .temperature = 1, .top_p = 1,
                                  .seed = rng_u64(&draw), .stop_ids = p->options.text->rules->stops,
                                  .n_stop = p->options.text->rules->n_stops,
                                  .ends = p->options.stops ? stop_texts_end : NULL, .ends_arg = p->options.stops};
    int code = generate(p->trainer->model, p->prompts, p->n, &options, NULL, NULL, &samples, &n, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++)
        length += samples[i].n_tokens;
    if (p->options.kl) {
        code = measure_kl(p, samples, n, &kl, e);
        metric_add(out, "kl", kl);
    }
    metric_add(out, p->options.score ? "eval/completions/mean_length" : "completions/mean_length", length / n);
    if (!code && p->options.score)
        code = score_samples(p, samples, n, out, e);
    if (!code && p->options.styles)
        code = count_styles(p, samples, n, out, e);
    if (!code && r)
        code = keep_samples(p, r, samples, n, e);
    generate_free(samples, n);
    return code;
}
