#include "config.h"

#include "train/run/open_model.h"
#include "train/run/run.h"
#include "train/run/run_online.h"
#include "train/run/imitate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "corpus/lists.h"
#include "model/quantized.h"
#include "train/data/order.h"
#include "train/learn/reference.h"
#include "train/learn/own_answers.h"
#include "train/learn/udm.h"
#include "train/online/rewards.h"
#include "train/online/rollouts.h"

static void report_notes(const struct run *r, const struct notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        recorder_event(r->recorder, 0, "warn", "model", 0, "%s", notes->texts[i]);
}

static int load_tokenizer(struct run *r, struct needs needs, struct err *e)
{
    const char *dir = settings_text(&r->settings, "tokenizer"), *model = settings_text(&r->settings, "model");
    if (!*dir && text_ends(model, ".json"))
        return err_set(e, ERR_USAGE, "a new model needs a tokenizer: give --tokenizer a folder with a tokenizer.json");
    char *found = model_find_tokenizer(*dir ? dir : model);
    int code = tokenizer_load(&r->tokenizer, found, e);
    free(found);
    if (code)
        return code;
    report_notes(r, tokenizer_notes(r->tokenizer));
    dataset_options_for(&r->text, r->objective, needs, (uint64_t)settings_int(&r->settings, "seed"));
    return 0;
}

static int load_corpus(struct run *r, struct corpus **out, const char *path, size_t limit, struct err *e)
{
    const struct corpus_reading how = {settings_text(&r->settings, "map"), settings_text(&r->settings, "label-from")};
    int code = corpus_load_as(out, path, limit, &how, e);
    if (!code && !settings_bool(&r->settings, "allow-refused"))
        code = corpus_check_refused(*out, e);
    if (code)
        return code;
    if (r->objective->data & DATA_PAIR)
        lists_to_pairs(*out, list_pairing_from(&r->settings));
    return objective_check_data(r->objective, (*out)->kind, path, e);
}

// The half of the training rows that `part` names; what is held out is the same for both.
static int take_part(struct run *r, struct err *e)
{
    const char *part = settings_text(&r->settings, "part");
    const size_t n = r->corpus->n_examples;
    size_t n_left = 0;
    if (strcmp(part, "all") == 0)
        return 0;
    if (!r->trained) {
        r->trained = mem_alloc(n, sizeof *r->trained);
        memset(r->trained, true, n * sizeof *r->trained);
    }
    corpus_part(r->corpus, part[0] - '0', (uint64_t)settings_int(&r->settings, "seed"), r->trained);
    for (size_t i = 0; i < n; i++)
        n_left += r->trained[i];
    if (n_left == 0)
        return err_set(e, ERR_INPUT, "the half %s of the prompts of %s holds no row: use more rows or part all", part,
                       r->corpus->path);
    recorder_event(r->recorder, 0, "info", "data", 0, "part %s: %zu of %zu rows", part, n_left, n);
    return 0;
}

static int load_corpora(struct run *r, struct err *e)
{
    const char *data = settings_text(&r->settings, "data"), *eval = settings_text(&r->settings, "eval-data");
    const double share = settings_float(&r->settings, "eval-share");
    int code = load_corpus(r, &r->corpus, data, (size_t)settings_int(&r->settings, "max-rows"), e);
    if (!code && *eval) {
        code = load_corpus(r, &r->eval_corpus, eval, 0, e);
    } else if (!code && share > 0) {
        const size_t n = r->corpus->n_examples;
        size_t n_out = 0;
        r->held_out = mem_alloc(n, sizeof *r->held_out);
        r->trained = mem_alloc(n, sizeof *r->trained);
        corpus_split(r->corpus, share, (uint64_t)settings_int(&r->settings, "seed"), r->held_out);
        for (size_t i = 0; i < n; i++) {
            r->trained[i] = !r->held_out[i];
            n_out += r->held_out[i];
        }
        if (n_out == 0 || n_out == n) { // too few rows to hold some out
            free(r->held_out);
            free(r->trained);
            r->held_out = r->trained = NULL;
            recorder_event(r->recorder, 0, "warn", "data", 0,
                           "no row is held out: the split by prompts left none of %zu %s on one side; give a file with "
                           "eval-data, or another seed or eval-share", n, text_plural((int64_t)n, "row", "rows"));
        }
    }
    if (!code)
        code = take_part(r, e);
    if (!code && r->objective->imitates)
        code = run_load_texts(r, e);
    if (code)
        return code;
    recorder_event(r->recorder, 0, "info", "data", 0, "%s: %s, %zu %s, %zu of them good", data, r->corpus->shape,
                   r->corpus->n_rows, text_plural((int64_t)r->corpus->n_rows, "row", "rows"), r->corpus->n_examples);
    const int64_t n_refused = (int64_t)r->corpus->n_refused;
    if (n_refused)
        recorder_event(r->recorder, 0, "warn", "data", 0, "%lld %s of %s %s line %lld: %s", (long long)n_refused,
                       text_plural(n_refused, "row", "rows"), data,
                       text_plural(n_refused, "was refused,", "were refused; the first is"),
                       (long long)r->corpus->refused[0].line, r->corpus->refused[0].reason);
    return 0;
}

// Rows that only their tokens show to be of no use count like those that could not be read.
static int check_left_out(struct run *r, struct err *e)
{
    struct corpus *held_out = r->eval_corpus ? r->eval_corpus : r->corpus;
    dataset_refuse_left_out(&r->train, r->corpus);
    dataset_refuse_left_out(&r->eval, held_out);
    if (settings_bool(&r->settings, "allow-refused"))
        return 0;
    int code = corpus_check_refused(r->corpus, e);
    return code || held_out == r->corpus ? code : corpus_check_refused(held_out, e);
}

// What of the examples is not as the file has it.
static void report_dataset(struct run *r)
{
    if (r->train.n_cut)
        recorder_event(r->recorder, 0, "warn", "data", 0, "of %d %s %d %s shortened to %d tokens", r->train.n_groups,
                       text_plural(r->train.n_groups, "example", "examples"), r->train.n_cut,
                       text_plural(r->train.n_cut, "was", "were"), r->rules.max_length);
    if (r->train.n_left_out)
        recorder_event(r->recorder, 0, "warn", "data", 0, "%d %s left out, the first is line %lld: %s", r->train.n_left_out,
                       text_plural(r->train.n_left_out, "example is", "examples are"),
                       (long long)r->corpus->examples[r->train.left_out[0].example].line, r->train.left_out[0].reason);
    if (r->train.n_lost)
        recorder_event(r->recorder, 0, "warn", "data", 0, "%d %s left out of lists that keep two or more "
                       "(empty, or alike after shortening)", r->train.n_lost,
                       text_plural(r->train.n_lost, "response was", "responses were"));
    if (r->train.n_plain_specials)
        recorder_event(r->recorder, 0, "warn", "data", 0, "in %d %s a message says what looks like one of the tokenizer's "
                       "special tokens; it stays ordinary text", r->train.n_plain_specials,
                       text_plural(r->train.n_plain_specials, "example", "examples"));
    if (r->train.n_ties)
        recorder_event(r->recorder, 0, "warn", "data", 0, "%d %s left out: %s learns from pairs with a better answer "
                       "(reward models learn from ties as well)", r->train.n_ties,
                       text_plural(r->train.n_ties, "tie was", "ties were"), r->objective->name);
    if (r->text.singly)
        run_report_singles(r);
}

static int build_datasets(struct run *r, struct needs needs, struct err *e)
{
    int code = run_open_rules(r, e);
    if (code)
        return code;
    struct dataset_options held_out = r->text;
    held_out.both_orders = held_out.compare;
    code = dataset_build(&r->train, r->corpus, r->trained, 0, &r->text, e);
    if (!code && !r->objective->online && (r->eval_corpus || r->held_out)) // whose answers come from probes
        code = dataset_build(&r->eval, r->eval_corpus ? r->eval_corpus : r->corpus, r->held_out,
                             (int)settings_int(&r->settings, "eval-rows"), &held_out, e);
    if (!code)
        code = check_left_out(r, e);
    if (code)
        return code;
    report_dataset(r);
    if ((needs.networks & NETWORK_VALUE) && !r->objective->online) {
        const struct moments rewards = dataset_label_moments(&r->train);
        dataset_standardize(&r->train, &rewards);
        dataset_standardize(&r->eval, &rewards);
    }
    code = run_check_vocabulary(r, &r->train, e);
    if (!code)
        code = run_check_vocabulary(r, &r->eval, e);
    if (!code && r->objective->imitates)
        code = run_build_texts(r, e);
    if (code)
        return code;
    const int64_t steps = settings_int(&r->settings, "steps"), batch = settings_int(&r->settings, "batch-size");
    r->total_steps = steps ? steps
                           : (int64_t)ceil(settings_float(&r->settings, "epochs") * r->train.n_groups / (double)batch) *
                                 (r->objective->online ? run_updates_of_a_batch(&r->settings) : 1);
    if (r->total_steps < 1)
        r->total_steps = 1;
    return 0;
}

// Only the groups that training will see in the steps it makes: (train.n_groups) on the heap.
static bool *wanted_groups(const struct run *r)
{
    const int64_t all = r->objective->of_runs ? 0 : r->total_steps * settings_int(&r->settings, "batch-size");
    bool *wanted = mem_alloc((size_t)r->train.n_groups, sizeof *wanted);
    data_order_reach(r->train.n_groups, (uint64_t)settings_int(&r->settings, "seed"), all, NULL, wanted);
    return wanted;
}

static int weigh_prompts(struct run *r, struct err *e)
{
    run_phase(r, RUN_STARTING, "training a classifier of the prompts");
    const struct udm_result u = udm_fill(&r->train, &r->eval, r->model, (uint64_t)settings_int(&r->settings, "seed"));
    recorder_event(r->recorder, 0, "info", "data", 0,
                   "a classifier tells %.0f %% of the prompts of good and bad responses apart (50 %% is guessing); bad "
                   "responses weigh %.2f on average", 100 * u.accuracy, u.mean_weight);
    return 0;
}

static int fill_own_answers(struct run *r, struct err *e)
{
    char *train_path = path_join(r->dir, "samples-train.bin"), *eval_path = path_join(r->dir, "samples-eval.bin");
    struct own_answers_options o = {.path = train_path, .model_key = r->model_key, .max_length = r->rules.max_length,
                                .per_prompt = (int)settings_int(&r->settings, "samples"),
                                .max_tokens = (int)settings_int(&r->settings, "sample-max-tokens"),
                                .seed = (uint64_t)settings_int(&r->settings, "seed"), .stop = r->rules.stops,
                                .n_stop = r->rules.n_stops, .progress = run_loading, .arg = r};
    bool *wanted = wanted_groups(r);
    int code = own_answers_add(&r->train, wanted, r->model, &o, e);
    o.path = eval_path;
    if (!code && r->eval.n_groups)
        code = own_answers_add(&r->eval, NULL, r->model, &o, e);
    free(wanted);
    free(train_path);
    free(eval_path);
    return code;
}

static int fill_references(struct run *r, struct err *e)
{
    struct objective_run configured = {0};
    objective_configure(&configured, r->objective, &r->settings);
    const double tail_cut = configured.options.tail_cut;
    if (run_is_staged(r))
        return run_load_stages(r, tail_cut, e);
    char *train_path = path_join(r->dir, "reference-train.bin"), *eval_path = path_join(r->dir, "reference-eval.bin");
    char *train_from, *eval_from;
    struct reference_options o = {.path = train_path, .model_key = r->model_key, .progress = run_loading,
                                  .from = &train_from, .arg = r, .tail_cut = tail_cut,
                                  .max_batch_tokens = (int)settings_int(&r->settings, "max-batch-tokens")};
    bool *wanted = wanted_groups(r);
    int code = reference_fill(&r->train, wanted, r->model, &o, e);
    run_report_borrowed(r, train_from);
    o.path = eval_path;
    o.from = &eval_from;
    if (!code && r->eval.n_groups) {
        code = reference_fill(&r->eval, NULL, r->model, &o, e);
        free(eval_from);
    }
    free(wanted);
    free(train_path);
    free(eval_path);
    return code;
}

struct trainer_options run_trainer_options(const struct run *r)
{
    const struct settings *s = &r->settings;
    struct trainer_options o = {
        .optimizer = {.lr = settings_float(s, "lr"), .beta1 = settings_float(s, "beta1"),
                      .beta2 = settings_float(s, "beta2"), .eps = settings_float(s, "eps"),
                      .weight_decay = settings_float(s, "weight-decay"), .clip = settings_float(s, "clip"),
                      .l1 = settings_find(s, "l1") && !r->objective->of_runs ? settings_float(s, "l1") : 0},
        .schedule = schedule_kind(settings_text(s, "schedule")),
        .warmup = settings_float(s, "warmup"),
        .total_steps = r->total_steps,
        .batch_size = (int)settings_int(s, "batch-size"),
        .max_batch_tokens = (int)settings_int(s, "max-batch-tokens"),
        .seed = (uint64_t)settings_int(s, "seed"),
        .recompute = settings_bool(s, "recompute")};
    if (r->objective->online) {
        const double temperature = settings_float(s, "temperature");
        o.objective.is_cut = rollout_is_cut(s);
        o.objective.inv_temperature = temperature != 1 ? 1 / (float)temperature : 0;
        o.longest = (int)settings_int(s, "max-new-tokens");
        o.minibatches = (int)settings_int(s, "minibatches");
        o.passes = (int)settings_int(s, "passes");
    }
    objective_configure(&o.objective, r->objective, s);
    return o;
}

static int load_model(struct run *r, struct needs needs, struct err *e)
{
    const struct settings *s = &r->settings;
    const char *path = settings_text(s, "model"), *tokenizer = settings_text(s, "tokenizer");
    const char *base = settings_text(s, "base-precision");
    const unsigned how = (needs.networks & NETWORK_SCORE ? LOAD_SCORE : 0) | model_load_as(quantized_type(base)) |
                         ((settings_int(s, "lora-rank") || run_continues_adapter(s)) && !r->objective->of_runs ? LOAD_FROZEN : 0);
    int code = run_check_base_precision(r->objective, s, e);
    if (!code)
        code = engine_load_model(&r->model, path, r->ops, r->backend, how, (uint64_t)settings_int(s, "seed"), r->model_key, e);
    if (code)
        return code;
    if (dtype_is_quantized(quantized_type(base))) { // other weights than the file's: what is kept of those is not theirs
        const size_t n = strlen(r->model_key);
        snprintf(r->model_key + n, sizeof r->model_key - n, "+%s", base);
    }
    report_notes(r, &r->model->notes);
    r->model->scores_tokens = needs.networks & NETWORK_TOKEN_SCORE;
    r->is_new_model = text_ends(path, ".json");
    if (*tokenizer) {
        free(r->model->tokenizer_dir);
        r->model->tokenizer_dir = mem_strdup(tokenizer);
    }
    return 0;
}

// An adapter that was loaded with its model becomes part of it, unless it is to be continued: the reference is the model as
// it came. A new adapter on top of it is refused: its files could name only the first one's base, and would say something
// else there.
static int make_trainable(const struct run *r, struct model *m, struct err *e)
{
    const struct settings *s = &r->settings;
    const int64_t rank = settings_int(s, "lora-rank");
    if (r->objective->of_runs) // others train; this one holds what comes out
        return model_set_trainable(m, TRAIN_NOTHING, e);
    if (m->lora_weights && rank)
        return err_set(e, ERR_USAGE, "%s is an adapter, and a new adapter cannot stand on another one: merge it into a "
                                     "whole model first (attune export DIR OUT) and train on that, or train all "
                                     "weights (lora-rank 0)", settings_text(s, "model"));
    if (run_continues_adapter(s))
        return m->lora_weights ? model_set_trainable(m, TRAIN_ADAPTER, e)
                               : err_set(e, ERR_USAGE, "%s is no adapter, so there is none to continue: leave the setting adapter out, or "
                                                       "give lora-rank for a new one", settings_text(s, "model"));
    if (m->lora_weights && dtype_is_quantized(m->base_type))
        recorder_event(r->recorder, 0, "info", "model", 0, "the adapter was trained on a base in %s: its linear layers are "
                       "dequantized, and the adapter is merged into these numbers", quantized_name(m->base_type));
    int code = m->lora_weights ? model_merge_lora(m, e) : 0;
    if (!code && rank)
        code = model_add_lora(m, (int)rank, (float)settings_float(s, "lora-alpha"),
                              settings_text(s, "lora-targets"), (uint64_t)settings_int(s, "seed"), e);
    return code ? code : model_set_trainable(m, rank ? TRAIN_ADAPTER : TRAIN_ALL, e);
}

// A second model of the same weights, with a score head: what the prompts are worth.
static int add_value_network(struct run *r, struct err *e)
{
    struct model *m = NULL;
    if (r->is_new_model)
        return err_set(e, ERR_USAGE, "objective %s starts its value network from the model's weights: give --model a "
                                     "folder, not %s", r->objective->name, settings_text(&r->settings, "model"));
    run_phase(r, RUN_STARTING, "loading the value network");
    char *from = r->objective->online ? run_value_from(r) : NULL;
    const unsigned frozen = r->model->frozen ? LOAD_FROZEN | model_load_as(r->model->base_type) : 0;
    int code = from ? model_load(&m, from, r->ops, r->backend, LOAD_SCORE | frozen, e)
               : frozen ? model_load(&m, settings_text(&r->settings, "model"), r->ops, r->backend,
                                             LOAD_SCORE | frozen, e)
                        : model_copy(&m, r->model, LOAD_SCORE, e);
    free(from);
    if (!code && (code = make_trainable(r, m, e)))
        model_free(m);
    return code ? code : trainer_add_value(r->trainer, m, e);
}

static bool probes(const struct run *r, struct needs needs)
{
    return settings_int(&r->settings, "probe-every") > 0 && !(needs.networks & NETWORK_SCORE) &&
           !(needs.groups & GROUPS_COMPARISON);
}

static int make_prober(struct run *r, struct needs needs, struct err *e)
{
    const struct settings *s = &r->settings;
    struct probe_options o = {.text = &r->text, .corpus = r->eval_corpus ? r->eval_corpus : r->corpus,
                              .use = r->eval_corpus ? NULL : r->held_out,
                              .n_prompts = (int)settings_int(s, "probe-prompts"),
                              .max_tokens = (int)settings_int(s, "probe-max-tokens"),
                              .seed = (uint64_t)settings_int(s, "seed"), .styles = settings_bool(s, "probe-styles"),
                              .kl = !r->is_new_model, .stops = r->stops,
                              .score = r->objective->online ? run_score_held_out : NULL, .with = r};
    if (!probes(r, needs))
        return 0;
    return prober_new(&r->prober, r->trainer, &o, e);
}

// What is made of the data and the model as it starts, before the first step; in this order, for each may change what the
// next one reads.
static const struct {
    struct needs need;
    int (*prepare)(struct run *r, struct err *e);
} prepared[] = {
    {{.columns = COLUMN_PROMPT_ODDS}, weigh_prompts},
    {{.groups = GROUPS_OWN_ANSWERS}, fill_own_answers},
    {{.networks = NETWORK_REFERENCE}, fill_references},
};

int run_load(struct run *r, struct err *e)
{
    const struct settings *s = &r->settings;
    struct objective_run configured = {0};
    objective_configure(&configured, r->objective, s);
    const struct needs needs = r->needs = objective_needs(&configured);
    run_phase(r, RUN_STARTING, "reading the data");
    int code = load_corpora(r, e);
    if (!code)
        code = load_tokenizer(r, needs, e);
    if (!code)
        code = engine_open_device(&r->ops, &r->backend, settings_text(s, "device"), settings_text(s, "precision"),
                                  run_threads(s).training, &r->no_gpu, e);
    if (!code) {
        run_phase(r, RUN_STARTING, "loading the model");
        code = load_model(r, needs, e);
    }
    if (!code) {
        run_phase(r, RUN_STARTING, "tokenizing %zu examples", r->corpus->n_examples);
        code = build_datasets(r, needs, e);
    }
    if (!code)
        code = make_trainable(r, r->model, e);
    for (size_t i = 0; !code && !r->objective->online && i < sizeof prepared / sizeof *prepared; i++)
        if (needs_any(needs_both(needs, prepared[i].need)))
            code = prepared[i].prepare(r, e);
    if (code)
        return code;
    struct trainer_options options = run_trainer_options(r);
    const bool online = r->objective->online;
    options.keep_reference = (probes(r, needs) && !r->is_new_model) || (online && (needs.networks & NETWORK_REFERENCE));
    struct group_source *source = NULL;
    if (online)
        code = run_open_rollouts(r, &source, e);
    else
        group_source_of_dataset(&source, &r->train, options.batch_size, options.seed);
    if (!code)
        code = trainer_new(&r->trainer, &options, r->model, source, e);
    if (!code && online)
        code = run_attach_rollouts(r, source, e);
    if (!code && (needs.networks & NETWORK_VALUE))
        code = add_value_network(r, e);
    if (!code && r->objective->imitates)
        code = run_add_texts(r, e);
    if (!code && r->eval.n_groups)
        code = evaluator_init(&r->evaluator, r->trainer, &r->eval, e);
    return code ? code : make_prober(r, needs, e);
}

void run_unload(struct run *r)
{
    prober_free(r->prober);
    evaluator_fini(&r->evaluator);
    trainer_free(r->trainer);
    rewards_free(r->rewards);
    stop_texts_free(r->stops);
    stages_fini(&r->stages);
    dataset_fini(&r->train);
    dataset_fini(&r->eval);
    dataset_fini(&r->texts);
    model_free(r->model);
    if (r->backend)
        r->ops->close(r->backend);
    text_rules_fini(&r->rules);
    tokenizer_free(r->tokenizer);
    corpus_free(r->corpus);
    corpus_free(r->eval_corpus);
    corpus_free(r->texts_corpus);
    free(r->held_out);
    free(r->trained);
}
