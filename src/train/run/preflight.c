#include "config.h"

#include "train/run/preflight.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "corpus/lists.h"
#include "model/adapter.h"
#include "model/model.h"
#include "model/quantized.h"
#include "model/safetensors.h"
#include "text/tokenizer.h"
#include "train/data/dataset.h"
#include "train/online/reward_kinds.h"
#include "train/run/open_model.h"
#include "train/run/run.h"
#include "train/run/run_online.h"

enum {
    MOST_ROWS = 20000,     // of the data are read; the engine reads all and says the rest
    TOKENIZED_ROWS = 2000, // of those, from all over, to see that tokens and template work
};

struct flight {
    const struct objective *objective;
    const struct settings *settings;
    struct needs needs;
    struct preflight_about about;
    struct preflight_seen seen;
    struct memory_facts facts; // of the model, for the plan
    struct tokenizer *tokenizer;
    struct corpus *corpus, *eval_corpus;
    int max_length; // of a prompt with its answer
};

static const char *text(const struct flight *f, const char *name)
{
    return settings_text(f->settings, name);
}

static void add_file(struct flight *f, const struct st_file *weights)
{
    f->facts.file_bytes += (double)weights->map_bytes;
    for (size_t i = 0; i < weights->n_tensors; i++)
        f->facts.is_bf16_file |= weights->tensors[i].dtype == ST_BF16 && weights->tensors[i].n_dims > 1;
}

static double numbers_of(const struct st_file *file)
{
    double n = 0;
    for (size_t i = 0; file && i < file->n_tensors; i++)
        n += (double)file->tensors[i].n_elements;
    return n;
}

// Files as they are usual: of the type that the config names.
static void assume_weights(struct flight *f, const json_t *config)
{
    const char *dtype =
        json_string_value(json_object_get(config, json_object_get(config, "dtype") ? "dtype" : "torch_dtype"));
    const bool f32 = !dtype || strcmp(dtype, "float32") == 0;
    f->facts.file_bytes = (f32 ? 4 : 2) * (double)arch_n_params(&f->facts.arch);
    f->facts.is_bf16_file = dtype && strcmp(dtype, "bfloat16") == 0;
}

// What an adapter's own files say, beside what it stands on.
static int look_at_adapter(struct flight *f, const char *dir, struct err *e)
{
    struct adapter read = {0};
    struct notes notes = {0};
    int code = adapter_open(&read, dir, &notes, e);
    if (!code) {
        f->facts.adapter_params = numbers_of(read.file);
        f->facts.adapter_rank = read.rank;
        const char *trained_on = adapter_base_precision(&read);
        f->facts.base_type = trained_on ? quantized_type(trained_on) : DTYPE_F32;
    }
    adapter_close(&read);
    notes_fini(&notes);
    return code;
}

// A folder, by its config and the headers of all its weight files: as a run would load it.
static int look_at_folder(struct flight *f, const char *dir, struct err *e)
{
    struct model *m = NULL;
    f->facts.adapter = adapter_is_folder(dir);
    int code = f->facts.adapter ? look_at_adapter(f, dir, e) : 0;
    if (!code)
        code = model_load(&m, dir, NULL, NULL, LOAD_HEADERS | (f->needs.networks & NETWORK_SCORE ? LOAD_SCORE : 0), e);
    if (code)
        return code;
    f->facts.arch = m->arch;
    for (int i = 0; model_file(m, i); i++)
        add_file(f, model_file(m, i));
    model_free(m);
    return 0;
}

static int look_at_config(struct flight *f, const char *path, struct err *e)
{
    enum { MAX_CONFIG = 16 << 20 };
    struct notes notes = {0};
    json_t *config = NULL;
    if (!f->about.trained && (f->needs.networks & (NETWORK_SCORE | NETWORK_VALUE)))
        return err_set(e, ERR_USAGE, "objective %s starts from a trained model: give --model a folder, not %s",
                       f->objective->name, path);
    int code = json_read(path, MAX_CONFIG, &config, e);
    if (!code)
        code = arch_from_config(&f->facts.arch, config, path, &notes, e);
    if (!code && f->about.trained)
        assume_weights(f, config);
    notes_fini(&notes);
    json_decref(config);
    return code;
}

static int check_model(struct flight *f, struct err *e)
{
    const char *path = text(f, "model");
    f->facts.bf16 = strcmp(text(f, "precision"), "bf16") == 0;
    int code = text_ends(path, ".json") ? look_at_config(f, path, e) : look_at_folder(f, path, e);
    f->facts.adapter |= f->about.adapter;
    if (f->about.adapter_rank && !code) {
        f->facts.adapter_rank = f->about.adapter_rank;
        f->facts.adapter_params = memory_of_adapter(&f->facts.arch, f->about.adapter_rank, f->about.adapter_targets);
    }
    f->seen.params = code ? 0 : (double)arch_n_params(&f->facts.arch);
    return code;
}

static int check_lora(const struct flight *f, struct err *e)
{
    unsigned kinds;
    if (run_continues_adapter(f->settings) && !f->facts.adapter && !f->objective->of_runs)
        return err_set(e, ERR_USAGE, "%s is no adapter, so there is none to continue: leave the setting adapter out, or "
                                     "give lora-rank for a new one", text(f, "model"));
    if (settings_int(f->settings, "lora-rank") == 0)
        return 0;
    if (f->facts.adapter)
        return err_set(e, ERR_USAGE, "%s is an adapter, and a new adapter cannot stand on another one: merge it into a "
                                     "whole model first (attune export DIR OUT) and train on that, or train all "
                                     "weights (lora-rank 0)", text(f, "model"));
    return lora_read_targets(&f->facts.arch, text(f, "lora-targets"), &kinds, e);
}

static int check_tokenizer(struct flight *f, struct err *e)
{
    const char *dir = text(f, "tokenizer"), *model = text(f, "model");
    if (!*dir && text_ends(model, ".json"))
        return err_set(e, ERR_USAGE, "a new model needs a tokenizer: give --tokenizer a folder with a tokenizer.json");
    char *found = *dir ? mem_strdup(dir) : model_find_tokenizer(model);
    int code = tokenizer_load(&f->tokenizer, found, e);
    free(found);
    return code;
}

static int check_corpus(const struct flight *f, struct corpus **out, const char *path, struct err *e)
{
    const struct corpus_reading how = {text(f, "map"), text(f, "label-from")};
    const int64_t rows = settings_int(f->settings, "max-rows");
    int code = corpus_load_as(out, path, rows > 0 && rows < MOST_ROWS ? (size_t)rows : MOST_ROWS, &how, e);
    if (!code && !settings_bool(f->settings, "allow-refused"))
        code = corpus_check_refused(*out, e);
    if (code)
        return code;
    if (f->objective->data & DATA_PAIR)
        lists_to_pairs(*out, list_pairing_from(f->settings));
    return objective_check_data(f->objective, (*out)->kind, path, e);
}

static bool any_chat(const struct corpus *c)
{
    for (size_t i = 0; c && i < c->n_examples; i++)
        if (c->examples[i].is_chat)
            return true;
    return false;
}

// What of them cannot be used. Of a sample only what is far beyond the tenth that may be is an error; the engine sees all.
static int check_left_out(const struct flight *f, struct corpus *c, const struct dataset *d, size_t n_looked_at,
                          struct err *e)
{
    struct str name = {0};
    if (settings_bool(f->settings, "allow-refused"))
        return 0;
    if (n_looked_at == c->n_examples) {
        dataset_refuse_left_out(d, c);
        return corpus_check_refused(c, e);
    }
    if ((size_t)d->n_left_out * 20 < n_looked_at * 3)
        return 0;
    char *path = c->path;
    struct corpus sample = *c; // its own counts
    str_addf(&name, "%s (one in %zu was looked at)", path, c->n_examples / n_looked_at);
    sample.path = name.data;
    sample.refused = NULL;
    sample.n_refused = sample.cap_refused = 0;
    sample.n_rows = n_looked_at;
    dataset_refuse_left_out(d, &sample);
    int code = corpus_check_refused(&sample, e);
    c->arena = sample.arena; // it has grown
    free(sample.refused);
    str_fini(&name);
    return code;
}

// Rows from all over as tokens of this model's vocabulary.
static int check_tokens(struct flight *f, struct corpus *c, const struct dataset_options *o, struct err *e)
{
    const size_t n = c->n_examples, step = n > TOKENIZED_ROWS ? n / TOKENIZED_ROWS : 1;
    bool *looked_at = mem_alloc(n, sizeof *looked_at);
    size_t n_looked_at = 0;
    struct dataset d = {0};
    for (size_t i = 0; i < n; i += step, n_looked_at++)
        looked_at[i] = true;
    int code = dataset_build(&d, c, looked_at, 0, o, e);
    if (!code)
        code = check_left_out(f, c, &d, n_looked_at, e);
    if (!code && c == f->corpus && n_looked_at) {
        f->seen.groups = d.n_groups / (double)n_looked_at;
        f->seen.tokens = (double)d.n_tokens / (double)n_looked_at;
    }
    for (size_t i = 0; !code && i < d.n_tokens; i++)
        if (d.tokens[i] >= f->facts.arch.vocab_size)
            code = err_set(e, ERR_INPUT, "the tokenizer makes token %d, but the model's vocabulary has %d: they do not "
                                         "belong together", d.tokens[i], f->facts.arch.vocab_size);
    dataset_fini(&d);
    free(looked_at);
    return code;
}

static int check_text(struct flight *f, struct err *e)
{
    const struct text_rules_options o = {
        .chat_template = text(f, "chat-template"), .system = text(f, "system"),
        .special_tokens = strcmp(text(f, "special-tokens"), "text") != 0,
        .fallback = f->corpus->transcripts ? "hh" : "plain", .max_length = (int)settings_int(f->settings, "max-length"),
        .max_prompt_length = (int)settings_int(f->settings, "max-prompt-length")};
    struct text_rules rules;
    int code = text_rules_open(&rules, f->tokenizer, &o, e);
    if (code)
        return code;
    if (rules.max_length > f->facts.arch.max_positions)
        rules.max_length = f->facts.arch.max_positions;
    f->max_length = rules.max_length;
    if (!rules.chat && (any_chat(f->corpus) || any_chat(f->eval_corpus)))
        code = err_set(e, ERR_INPUT, "the data are conversations, which need a chat template: %s; choose one with "
                       "chat-template NAME", rules.no_chat);
    struct dataset_options build = {.rules = &rules};
    const struct needs later = {.groups = GROUPS_MISMATCH | GROUPS_OWN_ANSWERS}; // these follow from the rows
    dataset_options_for(&build, f->objective, needs_without(f->needs, later), 1);
    if (!code)
        code = check_tokens(f, f->corpus, &build, e);
    if (!code && f->eval_corpus)
        code = check_tokens(f, f->eval_corpus, &build, e);
    text_rules_fini(&rules);
    return code;
}

// ---- what scores answers ----

static int look_at_reward(void *with, const struct reward_kind *kind, const char *folder, struct err *e)
{
    const struct flight *f = with;
    const struct rewards_options o = {.settings = f->settings, .vocab_size = f->facts.arch.vocab_size,
                                      .tokenizer = f->tokenizer, .max_length = f->max_length};
    const bool is_there = !f->about.is_made_later || !f->about.is_made_later(f->about.with, folder);
    return is_there ? kind->look(folder, &o, e) : 0;
}

static int check_rewards(struct flight *f, struct err *e)
{
    return f->objective->online ? rewards_models(f->settings, look_at_reward, f, e) : 0;
}

// Opens the device that the run would have; what it has free is what the plan is held against.
static int check_device(struct flight *f, struct err *e)
{
    const struct backend_ops *ops;
    struct backend *backend = NULL;
    int code = engine_open_device(&ops, &backend, text(f, "device"), text(f, "precision"), 1, &f->seen.no_gpu, e);
    if (code)
        return code;
    text_copy(f->seen.device, sizeof f->seen.device, ops->device(backend));
    f->facts.on_gpu = strcmp(ops->name, "cuda") == 0;
    f->facts.available = (double)ops->memory_free(backend);
    ops->close(backend);
    return 0;
}

// What stops nothing, but should be known, among the rest.
static int open_watching(const struct objective *o, const struct settings *s, struct notes *notes, struct err *e)
{
    struct best best;
    if (o->online && notes)
        rewards_say_doubts(s, notes);
    return best_open(&best, o, s, notes, e);
}

int preflight_memory_as(const struct objective *o, const struct settings *s, const struct preflight_about *about,
                        struct memory_plan *plan, struct preflight_seen *seen, struct notes *notes, struct err *e)
{
    struct objective_run configured = {0};
    objective_configure(&configured, o, s);
    struct flight f = {.objective = o, .settings = s, .about = *about, .needs = objective_needs(&configured)};
    int code = open_watching(o, s, notes, e);
    if (!code)
        code = check_device(&f, e);
    if (!code)
        code = check_model(&f, e);
    if (!code)
        memory_plan_make(plan, &f.facts, o, f.needs, s);
    if (seen)
        *seen = f.seen;
    return code;
}

int preflight_memory(const struct objective *o, const struct settings *s, struct memory_plan *plan, struct notes *notes,
                     struct err *e)
{
    return preflight_memory_as(o, s, &(struct preflight_about){0}, plan, NULL, notes, e);
}

int preflight(const struct objective *o, const struct settings *s, struct memory_plan *plan, struct notes *notes,
              struct err *e)
{
    return preflight_as(o, s, &(struct preflight_about){0}, plan, NULL, notes, e);
}

int preflight_as(const struct objective *o, const struct settings *s, const struct preflight_about *about,
                 struct memory_plan *plan, struct preflight_seen *seen, struct notes *notes, struct err *e)
{
    struct objective_run configured = {0};
    objective_configure(&configured, o, s);
    struct flight f = {.objective = o, .settings = s, .about = *about, .needs = objective_needs(&configured)};
    *plan = (struct memory_plan){0};
    int code = o->online ? run_check_online(o, s, e) : 0;
    if (!code)
        code = run_check_base_precision(o, s, e);
    if (!code)
        code = open_watching(o, s, notes, e);
    if (!code)
        code = check_device(&f, e);
    if (!code)
        code = check_model(&f, e);
    if (!code)
        memory_plan_make(plan, &f.facts, o, f.needs, s);
    if (!code)
        code = check_lora(&f, e);
    if (!code)
        code = check_tokenizer(&f, e);
    if (!code)
        code = check_corpus(&f, &f.corpus, text(&f, "data"), e);
    if (!code && *text(&f, "eval-data"))
        code = check_corpus(&f, &f.eval_corpus, text(&f, "eval-data"), e);
    if (!code)
        code = check_text(&f, e);
    if (!code)
        code = check_rewards(&f, e);
    if (!code && !about->any_memory)
        code = memory_plan_check(plan, s, e);
    if (f.corpus) {
        f.seen.n_examples = (int64_t)f.corpus->n_examples;
        f.seen.is_part = f.corpus->n_rows >= MOST_ROWS && settings_int(s, "max-rows") != MOST_ROWS;
    }
    if (seen)
        *seen = f.seen;
    corpus_free(f.corpus);
    corpus_free(f.eval_corpus);
    tokenizer_free(f.tokenizer);
    return code;
}
