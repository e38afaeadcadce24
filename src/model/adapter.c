#include "config.h"

#include "model/adapter.h"

#include <math.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/members.h"
#include "base/str.h"

enum { MAX_CONFIG = 16 << 20, MAX_RANK = 65536, MAX_PATTERN = 1000, MAX_PATTERNS = 100000 };

// A key of "rank_pattern" or "alpha_pattern" and its value.
struct adapter_pattern {
    pcre2_code *code;
    bool is_rank;
    double value;
};

#define U(name) {name, MEMBER_USED, NULL}
#define H(name) {name, MEMBER_HARMLESS, NULL}
#define N(name, neutral) {name, MEMBER_NEUTRAL, neutral}

static const struct member_row members[] = {
    U("peft_type"), U("task_type"), U("base_model_name_or_path"), U("r"), U("lora_alpha"), U("use_rslora"),
    U("rank_pattern"), U("alpha_pattern"), U("target_modules"), U("modules_to_save"), U("init_lora_weights"),
    // which modules have matrices: the file's tensors say it
    U("layers_to_transform"), U("layers_pattern"), U("exclude_modules"),
    // of training alone, or of other programs
    H("lora_dropout"), H("inference_mode"), H("auto_mapping"), H("revision"), H("peft_version"), H("loftq_config"),
    H("eva_config"), H("corda_config"), H("lora_ga_config"), H("megatron_config"), H("megatron_core"),
    H("qalora_group_size"), H("ensure_weight_tying"), H("use_adapter_name"), H("runtime_config"),
    // how the base stores its matrices, which PEFT knows better than this says
    H("fan_in_fan_out"),
    // another computation
    N("bias", "none"), N("use_dora", "false"), N("use_qalora", "false"), N("use_bdlora", "false {}"),
    N("lora_bias", "false"),
    N("layer_replication", "[]"), N("trainable_token_indices", "[] {}"), N("target_parameters", "[]"),
    N("alora_invocation_tokens", "[]"), N("arrow_config", "{}"), N("kasa_config", "{}"), N("velora_config", "{}"),
    N("monteclora_config", "{}"), N("use_mora", "false"),
    {0},
};

// ---- patterns ----

// PEFT matches with Python's regular expressions, which PCRE2 reads alike as far as the names of modules need them.
// NULL for what is none, or too long.
static pcre2_code *compile(const char *key)
{
    struct str text = {0};
    int number;
    PCRE2_SIZE offset;
    if (strlen(key) > MAX_PATTERN)
        return NULL;
    str_addf(&text, "^(?:.*\\.)?(?:%s)$", key);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)str_text(&text), text.len, PCRE2_NEVER_BACKSLASH_C, &number, &offset, NULL);
    str_fini(&text);
    return code;
}

static int add_pattern(struct adapter *a, const char *key, const json_t *value, bool is_rank, struct err *e)
{
    const char *member = is_rank ? "rank_pattern" : "alpha_pattern";
    struct adapter_pattern p = {.is_rank = is_rank, .value = json_number_value(value)};
    int code = 0;
    if (!json_is_number(value) || !isfinite(p.value) ||
        (is_rank && !(json_is_integer(value) && p.value >= 1 && p.value <= MAX_RANK)))
        code = err_set(e, ERR_INPUT, "%s: the value of \"%.100s\" in \"%s\" is no %s", a->where, key, member,
                       is_rank ? "rank" : "number");
    else if (!(p.code = compile(key)))
        code = err_set(e, ERR_UNSUPPORTED, "%s: the pattern \"%.100s\" in \"%s\" is one that Attune cannot read",
                       a->where, key, member);
    if (!code)
        a->patterns[a->n_patterns++] = p;
    return code;
}

static int read_patterns(struct adapter *a, bool is_rank, struct err *e)
{
    const char *member = is_rank ? "rank_pattern" : "alpha_pattern", *key;
    json_t *object = json_object_get(a->config, member), *value;
    if (!object || json_is_null(object))
        return 0;
    if (!json_is_object(object) || json_object_size(object) > MAX_PATTERNS)
        return err_set(e, ERR_INPUT, "%s: \"%s\" must be an object of modules and numbers", a->where, member);
    a->patterns = mem_realloc(a->patterns, a->n_patterns + json_object_size(object) + 1, sizeof *a->patterns);
    json_object_foreach(object, key, value) {
        int code = add_pattern(a, key, value, is_rank, e);
        if (code)
            return code;
    }
    return 0;
}

// As PEFT does it: the first key that is the module's name, or a pattern of the end of it from a dot on. ERR_LIMIT when a
// pattern takes longer than any honest one.
static int pattern_value(const struct adapter *a, const char *module, bool is_rank, double *value, struct err *e)
{
    enum { MAX_STEPS = 1000000 };
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    int code = limits && match ? PCRE2_ERROR_NOMATCH : PCRE2_ERROR_NOMEMORY;
    if (limits)
        pcre2_set_match_limit(limits, MAX_STEPS);
    for (size_t i = 0; i < a->n_patterns && code == PCRE2_ERROR_NOMATCH; i++) {
        if (a->patterns[i].is_rank != is_rank)
            continue;
        code = pcre2_match(a->patterns[i].code, (PCRE2_SPTR)module, strlen(module), 0, 0, match, limits);
        if (code >= 0)
            *value = a->patterns[i].value;
    }
    pcre2_match_data_free(match);
    pcre2_match_context_free(limits);
    return code >= 0 || code == PCRE2_ERROR_NOMATCH
               ? 0
               : err_set(e, ERR_LIMIT, "%s: a pattern of \"%s\" takes too long for the module \"%.200s\"", a->where,
                         is_rank ? "rank_pattern" : "alpha_pattern", module);
}

// ---- the config ----

// Initializations that change the base's weights: the adapter then belongs to weights that no file holds.
static int check_initialization(const struct adapter *a, struct err *e)
{
    static const char *const fine[] = {"true", "false", "gaussian", "eva", "orthogonal"};
    const char *name = json_string_value(json_object_get(a->config, "init_lora_weights"));
    for (size_t i = 0; name && i < sizeof fine / sizeof *fine; i++)
        if (strcmp(name, fine[i]) == 0)
            return 0;
    return !name ? 0 : err_set(e, ERR_UNSUPPORTED, "%s: \"init_lora_weights\" is \"%.40s\", which changes the weights of "
                               "the base: save the adapter as a plain one (in PEFT: save_pretrained with "
                               "path_initial_model_for_weight_conversion)", a->where, name);
}

static int check_saved_modules(struct adapter *a, struct err *e)
{
    const json_t *list = json_object_get(a->config, "modules_to_save");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || (strcmp(name, "score") != 0 && strcmp(name, "classifier") != 0))
            return err_set(e, ERR_UNSUPPORTED, "%s: \"modules_to_save\" names \"%.60s\", a whole module beside the adapter: "
                           "merge it into a whole model first (in PEFT: merge_and_unload)", a->where, name ? name : "?");
        a->scores = true;
    }
    return list && !json_is_null(list) && !json_is_array(list)
               ? err_set(e, ERR_INPUT, "%s: \"modules_to_save\" must be a list", a->where)
               : 0;
}

static bool is_set(const json_t *value)
{
    return value && !json_is_null(value) && !(json_is_array(value) && json_array_size(value) == 0) &&
           !(json_is_string(value) && json_string_length(value) == 0);
}

static int read_config(struct adapter *a, struct notes *notes, struct err *e)
{
    static const struct member_row *const tables[] = {members, NULL};
    const char *type, *task;
    int64_t rank = 0;
    if (!json_is_object(a->config))
        return err_set(e, ERR_INPUT, "%s must hold a JSON object", a->where);
    int code = json_get_text(a->config, "peft_type", "", &type, a->where, e);
    if (!code && strcmp(type, "LORA") != 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: only adapters of type LORA are supported, not \"%.40s\"", a->where, type);
    if (!code)
        code = members_check(a->config, tables, a->where, notes, e);
    if (!code)
        code = json_get_int(a->config, "r", 0, 1, MAX_RANK, &rank, a->where, e);
    if (!code && rank == 0)
        return err_set(e, ERR_INPUT, "%s: the rank \"r\" is missing", a->where);
    if (!code)
        code = json_get_double(a->config, "lora_alpha", 8, &a->alpha, a->where, e);
    if (!code)
        code = json_get_bool(a->config, "use_rslora", false, &a->rslora, a->where, e);
    if (!code)
        code = json_get_text(a->config, "task_type", "", &task, a->where, e);
    if (!code && !is_set(json_object_get(a->config, "target_modules")))
        code = err_set(e, ERR_INPUT, "%s: \"target_modules\" is missing", a->where);
    if (!code)
        code = check_initialization(a, e);
    if (!code)
        code = check_saved_modules(a, e);
    if (!code)
        code = read_patterns(a, true, e);
    if (!code)
        code = read_patterns(a, false, e);
    if (code)
        return code;
    a->rank = (int)rank;
    a->scores_tokens = strcmp(task, "TOKEN_CLS") == 0;
    a->everywhere = !is_set(json_object_get(a->config, "layers_to_transform")) &&
                    !is_set(json_object_get(a->config, "exclude_modules"));
    return 0;
}

bool adapter_is_folder(const char *dir)
{
    char *path = path_join(dir, "adapter_config.json");
    const bool found = file_exists(path);
    free(path);
    return found;
}

int adapter_open(struct adapter *a, const char *dir, struct notes *notes, struct err *e)
{
    char *weights = path_join(dir, "adapter_model.safetensors"), *pickled = path_join(dir, "adapter_model.bin");
    *a = (struct adapter){.dir = dir, .where = path_join(dir, "adapter_config.json")};
    int code = json_read(a->where, MAX_CONFIG, &a->config, e);
    if (!code)
        code = read_config(a, notes, e);
    if (!code && !file_exists(weights) && file_exists(pickled))
        code = err_set(e, ERR_UNSUPPORTED, "%s can run code when it is read: save the adapter as adapter_model.safetensors "
                       "(PEFT's save_pretrained does)", pickled);
    if (!code)
        code = st_open(&a->file, weights, e);
    if (!code)
        a->used = mem_alloc(a->file->n_tensors + 1, sizeof *a->used);
    free(weights);
    free(pickled);
    if (code)
        adapter_close(a);
    return code;
}

void adapter_close(struct adapter *a)
{
    for (size_t i = 0; i < a->n_patterns; i++)
        pcre2_code_free(a->patterns[i].code);
    free(a->patterns);
    free(a->used);
    st_close(a->file);
    json_decref(a->config);
    free(a->where);
    *a = (struct adapter){0};
}

char *adapter_base(const char *dir, struct err *e)
{
    char *path = path_join(dir, "adapter_config.json"), *found = NULL;
    json_t *config = NULL;
    int code = json_read(path, MAX_CONFIG, &config, e);
    const char *name = json_string_value(json_object_get(config, "base_model_name_or_path"));
    char *beside = name && *name ? path_join(dir, name) : NULL;
    if (!code && !beside)
        err_set(e, ERR_INPUT, "%s does not say which model it adapts (base_model_name_or_path)", path);
    else if (!code && file_is_dir(name))
        found = mem_strdup(name);
    else if (!code && file_is_dir(beside))
        found = mem_strdup(beside);
    else if (!code)
        err_set(e, ERR_NOT_FOUND, "the adapter in %s adapts the model \"%.300s\", which is not a folder here; download it "
                "and write its path as base_model_name_or_path into adapter_config.json", dir, name);
    free(beside);
    json_decref(config);
    free(path);
    return found;
}

// ---- tensors ----

// With PEFT's prefix; adapters of a model without a head have its modules without "model." in front.
static const struct st_tensor *find_part(const struct adapter *a, const char *module, const char *part)
{
    const char *const starts[] = {"", "model.", "transformer."};
    const struct st_tensor *found = NULL;
    struct str name = {0};
    for (size_t i = 0; i < sizeof starts / sizeof *starts && !found; i++) {
        if (!text_starts(module, starts[i]))
            continue;
        str_clear(&name);
        str_addf(&name, "base_model.model.%s.%s", module + strlen(starts[i]), part);
        found = st_find(a->file, str_text(&name));
    }
    str_fini(&name);
    if (found)
        a->used[found - a->file->tensors] = true;
    return found;
}

int adapter_find(const struct adapter *a, const char *module, struct adapter_pair *pair, struct err *e)
{
    const struct st_tensor *down = find_part(a, module, "lora_A.weight"), *up = find_part(a, module, "lora_B.weight");
    *pair = (struct adapter_pair){0};
    if (!down && !up)
        return 0;
    if (!down || !up)
        return err_set(e, ERR_INPUT, "%s holds only one of the two matrices of \"%.200s\"", a->file->path, module);
    double ranks = a->rank, alpha = a->alpha;
    int code = pattern_value(a, module, true, &ranks, e);
    if (!code)
        code = pattern_value(a, module, false, &alpha, e);
    if (code)
        return code;
    const int rank = (int)ranks;
    if (down->n_dims != 2 || up->n_dims != 2 || down->dims[0] != rank || up->dims[1] != rank)
        return err_set(e, ERR_INPUT, "%s: the matrices of \"%.200s\" do not have the rank %d that adapter_config.json says",
                       a->file->path, module, rank);
    *pair = (struct adapter_pair){down, up, rank, alpha / (a->rslora ? sqrt(rank) : rank)};
    return 0;
}

const struct st_tensor *adapter_score(const struct adapter *a)
{
    const struct st_tensor *found = st_find(a->file, "base_model.model.score.weight");
    if (found)
        a->used[found - a->file->tensors] = true;
    return found;
}

const char *adapter_base_precision(const struct adapter *a)
{
    return json_string_value(json_object_get(a->file->metadata, ADAPTER_BASE_PRECISION));
}

bool adapter_targets(const struct adapter *a, const char *module)
{
    const json_t *targets = json_object_get(a->config, "target_modules"), *item;
    const size_t n = strlen(module);
    if (!json_is_array(targets))
        return true;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        item = json_array_get(targets, i);
        const char *name = json_string_value(item);
        const size_t n_name = json_string_length(item);
        if (name && n_name <= n && strcmp(module + n - n_name, name) == 0 && (n_name == n || module[n - n_name - 1] == '.'))
            return true;
    }
    return false;
}

int adapter_all_used(const struct adapter *a, struct err *e)
{
    enum { NAMED = 3 };
    struct str names = {0};
    size_t n = 0;
    for (size_t i = 0; i < a->file->n_tensors; i++)
        if (!a->used[i] && ++n <= NAMED)
            str_addf(&names, "%s\"%.200s\"", n > 1 ? ", " : "", a->file->tensors[i].name);
    if (n > NAMED)
        str_addf(&names, " and %zu more", n - NAMED);
    int code = n == 0 ? 0
                      : err_set(e, ERR_UNSUPPORTED, "%s: by adapter_config.json and the base nothing reads %s, which would "
                                "be ignored (is it an adapter of another model?)", a->file->path, str_text(&names));
    str_fini(&names);
    return code;
}
