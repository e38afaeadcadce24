#include "config.h"

#include "train/run/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "model/safetensors.h"
#include "store/eval_file.h"
#include "store/run_best.h"
#include "train/data/text_rules.h"

enum { FORMAT = 1, CHUNK = 1 << 18, MAX_STATE_JSON = 1 << 20 };

static int64_t step_of(const char *name)
{
    int64_t step;
    return text_starts(name, "step-") && text_to_i64(name + 5, &step) ? step : -1;
}

// ---- writing ----

// Device memory through a small buffer, so that saving needs no second copy of the state.
static int add_block(struct st_writer *w, const struct model *m, const float *from, size_t n, float *buffer,
                     struct err *e)
{
    for (size_t at = 0; at < n; at += CHUNK) {
        const size_t now = n - at < CHUNK ? n - at : CHUNK;
        m->ops->download(m->backend, buffer, from + at, now * sizeof *buffer);
        int code = st_writer_add(w, buffer, now * sizeof *buffer, e);
        if (code)
            return code;
    }
    return 0;
}

static const char policy_file[] = "state.safetensors", value_file[] = "state.value.safetensors";

static int write_state(const struct optimizer *o, const char *dir, const char *name, struct err *e)
{
    static const char *const parts[] = {"weights", "m", "v"};
    struct st_spec specs[3 * OPTIMIZER_MAX_BLOCKS];
    char names[3 * OPTIMIZER_MAX_BLOCKS][48];
    struct st_writer *w;
    int n = 0;
    for (int b = 0; b < o->n_blocks; b++)
        for (int p = 0; p < 3; p++, n++) {
            snprintf(names[n], sizeof names[n], "%s.%s", o->blocks[b].name, parts[p]);
            specs[n] = (struct st_spec){.name = names[n], .dtype = ST_F32, .n_dims = 1, .dims = {(int64_t)o->blocks[b].n}};
        }
    char *path = path_join(dir, name);
    int code = st_writer_open(&w, path, specs, (size_t)n, NULL, e);
    free(path);
    if (code)
        return code;
    float *buffer = mem_alloc(CHUNK, sizeof *buffer);
    for (int b = 0; b < o->n_blocks && !code; b++) {
        const float *from[] = {o->blocks[b].weights, o->m[b], o->v[b]};
        for (int p = 0; p < 3 && !code; p++)
            code = add_block(w, o->model, from[p], o->blocks[b].n, buffer, e);
    }
    free(buffer);
    if (code) {
        st_writer_abort(w);
        return code;
    }
    return st_writer_commit(w, e);
}

static int write_facts(const struct trainer *t, const char *dir, const struct checkpoint_facts *facts,
                       const json_t *settings, struct err *e)
{
    json_t *source, *state = json_array();
    int code = trainer_save_source(t, dir, &source, e);
    if (code) {
        json_decref(state);
        return code;
    }
    for (int i = 0; i < OBJECTIVE_MAX_STATE; i++)
        json_array_append_new(state, json_sprintf("%a", t->options.objective.state[i])); // NaN and infinities too
    json_t *root = json_pack("{s:i, s:s, s:I, s:I, s:o, s:I, s:i, s:s, s:s, s:s, s:o, s:O}", "format", FORMAT, "attune",
                             PACKAGE_VERSION, "step", (json_int_t)t->step, "updates", (json_int_t)t->optimizer.t,
                             "source", source, "seed",
                             (json_int_t)t->options.seed, "batch_size", t->options.batch_size, "objective",
                             facts->objective, "model_key", facts->model_key, "data_hash", facts->data_hash,
                             "objective_state", state, "settings", settings);
    char *path = path_join(dir, "state.json");
    code = root ? json_write(path, root, e) : err_set(e, ERR_FAIL, "the state of step %lld cannot be written as JSON",
                                                          (long long)t->step);
    free(path);
    json_decref(root);
    return code;
}

// The oldest but `best`, unless it is among the newest `keep`; whether there was one.
static bool remove_oldest(const char *checkpoints, int keep, int64_t best)
{
    int64_t oldest = INT64_MAX;
    int n = 0;
    bool has_best = false;
    struct str path = {0};
    DIR *d = opendir(checkpoints);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        int64_t step = step_of(entry->d_name);
        n += step >= 0;
        has_best |= step >= 0 && step == best;
        oldest = step >= 0 && step != best && step < oldest ? step : oldest;
    }
    if (d)
        closedir(d);
    n -= has_best && best < oldest; // which stays beside the newest
    if (n <= keep)
        return false;
    str_addf(&path, "%s/step-%lld", checkpoints, (long long)oldest);
    int code = file_remove_tree(str_text(&path), NULL);
    str_fini(&path);
    return code == 0;
}

// A best.json that cannot be read may name any of them: then all stay.
void checkpoint_remove_old(const char *run_dir, int keep)
{
    struct run_best best = {.step = -1};
    struct err fault = {0};
    if (run_best_read(run_dir, &best, &fault) && fault.code != ERR_NOT_FOUND)
        return;
    char *checkpoints = path_join(run_dir, "checkpoints");
    while (remove_oldest(checkpoints, keep, best.step))
        continue;
    free(checkpoints);
}

int checkpoint_write(const struct trainer *t, const char *run_dir, const struct checkpoint_facts *facts,
                     const json_t *settings, const struct text_rules *rules, enum save_dtype dtype, int keep,
                     char **name_out, struct err *e)
{
    char *checkpoints = path_join(run_dir, "checkpoints");
    struct str folder = {0}, temporary = {0};
    str_addf(&folder, "%s/step-%lld", checkpoints, (long long)t->step);
    str_addf(&temporary, "%s.tmp", str_text(&folder));
    int code = file_make_dirs(checkpoints, e);
    if (!code)
        code = file_remove_tree(str_text(&temporary), e);
    if (!code)
        code = model_save(t->model, str_text(&temporary), dtype, e);
    if (!code)
        code = write_state(&t->optimizer, str_text(&temporary), policy_file, e);
    if (!code && t->value)
        code = write_state(&t->value->optimizer, str_text(&temporary), value_file, e);
    if (!code && rules)
        code = text_rules_write(rules, str_text(&temporary), e);
    if (!code)
        code = write_facts(t, str_text(&temporary), facts, settings, e);
    if (!code)
        code = file_sync_dir(str_text(&temporary), e);
    if (!code)
        code = file_remove_tree(str_text(&folder), e); // the same step again: after a rewind
    if (!code && rename(str_text(&temporary), str_text(&folder)) < 0)
        code = err_errno(e, "cannot move the checkpoint to %s", str_text(&folder));
    if (!code)
        code = file_sync_dir(checkpoints, e);
    if (code) {
        file_remove_tree(str_text(&temporary), NULL);
        err_prefix(e, "cannot write the checkpoint of step %lld: ", (long long)t->step);
    } else {
        checkpoint_remove_old(run_dir, keep);
        *name_out = mem_strdup(path_base(str_text(&folder)));
    }
    str_fini(&folder);
    str_fini(&temporary);
    free(checkpoints);
    return code;
}

// ---- finding and reading ----

char *checkpoint_latest(const char *run_dir, int64_t *step)
{
    char *checkpoints = path_join(run_dir, "checkpoints"), *found = NULL;
    int64_t newest = -1;
    DIR *d = opendir(checkpoints);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        char *path = path_join(checkpoints, entry->d_name);
        char *facts = path_join(path, "state.json");
        if (text_starts(entry->d_name, "step-") && text_ends(entry->d_name, ".tmp")) {
            file_remove_tree(path, NULL);
        } else if (step_of(entry->d_name) > newest && file_exists(facts)) {
            newest = step_of(entry->d_name);
            free(found);
            found = mem_strdup(path);
        }
        free(facts);
        free(path);
    }
    if (d)
        closedir(d);
    free(checkpoints);
    *step = newest;
    return found;
}

static bool same_text(const json_t *root, const char *key, const char *now)
{
    const char *then = json_string_value(json_object_get(root, key));
    return then && strcmp(then, now) == 0;
}

static bool same_batches(const struct trainer *t, const json_t *root)
{
    return json_integer_value(json_object_get(root, "batch_size")) == t->options.batch_size &&
           json_integer_value(json_object_get(root, "seed")) == (json_int_t)t->options.seed;
}

static int check_facts(const struct trainer *t, const json_t *root, const struct checkpoint_facts *facts, bool is_fork,
                       const char *where, struct err *e)
{
    const struct {
        const char *key, *now, *what;
    } texts[] = {{"objective", facts->objective, "the objective has"},
                 {"model_key", facts->model_key, "the model's weights, adapter or config.json has"},
                 {"data_hash", facts->data_hash, "the data, its tokenizer, chat template or truncation has"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const bool counts = !is_fork || strcmp(texts[i].key, "model_key") == 0;
        if (counts && !same_text(root, texts[i].key, texts[i].now))
            return err_set(e, ERR_STATE, "cannot continue from %s: %s changed since; start a new run from that folder",
                           where, texts[i].what);
    }
    if (!is_fork && !same_batches(t, root))
        return err_set(e, ERR_STATE, "cannot continue from %s: the batch size or the seed has changed since; start a new "
                       "run from that folder", where);
    return 0;
}

static int restore_block(const struct model *m, const struct st_file *f, const char *block, const char *part, float *to,
                         size_t n, struct err *e)
{
    char name[48];
    snprintf(name, sizeof name, "%s.%s", block, part);
    const struct st_tensor *tensor = st_find(f, name);
    if (!tensor || tensor->dtype != ST_F32 || tensor->n_elements != n)
        return err_set(e, ERR_INPUT, "%s does not hold %s as %zu floats: it is damaged or of another model", f->path,
                       name, n);
    m->ops->upload(m->backend, to, tensor->bytes, n * sizeof *to);
    return 0;
}

static int restore_state(struct optimizer *o, const char *dir, const char *name, struct err *e)
{
    const struct model *m = o->model;
    struct st_file *f;
    char *path = path_join(dir, name);
    int code = st_open(&f, path, e);
    free(path);
    if (code)
        return code;
    for (int b = 0; b < o->n_blocks && !code; b++) {
        const struct param_block *block = &o->blocks[b];
        code = restore_block(m, f, block->name, "weights", block->weights, block->n, e);
        if (!code)
            code = restore_block(m, f, block->name, "m", o->m[b], block->n, e);
        if (!code)
            code = restore_block(m, f, block->name, "v", o->v[b], block->n, e);
    }
    model_weights_changed(o->model);
    if (!code)
        code = m->ops->sync(m->backend, e);
    st_close(f);
    return code;
}

static double state_number(const json_t *text)
{
    return json_is_string(text) ? strtod(json_string_value(text), NULL) : json_number_value(text);
}

// Checkpoints of Attune before sources were counted apart have the next group alone.
static int restore_source(struct trainer *t, const json_t *root, const char *dir, struct err *e)
{
    const json_t *saved = json_object_get(root, "source");
    json_t *old = saved ? NULL
                        : json_pack("{s:s, s:{s:O*}}", "name", "dataset", "state", "position",
                                    json_object_get(root, "next_group"));
    int code = trainer_restore_source(t, saved ? saved : old, dir, e);
    json_decref(old);
    return code;
}

// What a fork has otherwise begins anew; for a run's own checkpoint all of it is the same.
static int take(struct trainer *t, const char *dir, const struct checkpoint_facts *facts, bool is_fork, json_t **settings,
                struct err *e)
{
    json_t *root = NULL;
    char *path = path_join(dir, "state.json");
    int64_t step = 0, updates = 0, format = 0;
    int code = json_read(path, MAX_STATE_JSON, &root, e);
    if (!code)
        code = json_get_int(root, "format", 0, 0, INT32_MAX, &format, path, e);
    if (!code && format != FORMAT)
        code = err_set(e, ERR_UNSUPPORTED, "%s was written by another version of Attune (format %lld)", path,
                       (long long)format);
    if (!code)
        code = check_facts(t, root, facts, is_fork, dir, e);
    if (!code)
        code = json_get_int(root, "step", -1, 0, INT64_MAX, &step, path, e);
    if (!code)
        code = json_get_int(root, "updates", -1, 0, INT64_MAX, &updates, path, e);
    const bool same_objective = !code && same_text(root, "objective", facts->objective);
    if (!code)
        code = restore_state(&t->optimizer, dir, policy_file, e);
    if (!code && t->value && same_objective)
        code = restore_state(&t->value->optimizer, dir, value_file, e);
    if (!code && same_objective && same_text(root, "data_hash", facts->data_hash) && same_batches(t, root))
        code = restore_source(t, root, dir, e);
    if (!code) {
        const json_t *state = json_object_get(root, "objective_state");
        for (size_t i = 0; i < OBJECTIVE_MAX_STATE && same_objective; i++)
            t->options.objective.state[i] = state_number(json_array_get(state, i));
        t->step = step;
        t->optimizer.t = updates;
        if (t->value && same_objective)
            t->value->optimizer.t = updates; // they are updated together
        *settings = json_incref(json_object_get(root, "settings"));
    }
    json_decref(root);
    free(path);
    return code;
}

int checkpoint_restore(struct trainer *t, const char *dir, const struct checkpoint_facts *facts, json_t **settings,
                       struct err *e)
{
    return take(t, dir, facts, false, settings, e);
}

int checkpoint_fork(struct trainer *t, const char *dir, const struct checkpoint_facts *facts, struct err *e)
{
    json_t *theirs = NULL;
    int code = take(t, dir, facts, true, &theirs, e);
    json_decref(theirs);
    return code;
}

// ---- hashing ----

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// What stands beside the model: what resuming needs, and what was measured later.
static bool is_of_model(const char *name)
{
    return !text_starts(name, "state.") && strcmp(name, EVAL_FILE) != 0;
}

int checkpoint_digest(const char *dir, char sha256[65], int64_t *bytes, struct err *e)
{
    char **names = NULL;
    size_t n = 0, cap = 0;
    struct sha256 all;
    DIR *d = opendir(dir);
    if (!d)
        return err_errno(e, "cannot read the checkpoint %s", dir);
    for (struct dirent *entry; (entry = readdir(d));)
        if (entry->d_name[0] != '.') {
            MEM_GROW(names, n, cap);
            names[n++] = mem_strdup(entry->d_name);
        }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    int code = 0;
    *bytes = 0;
    sha256_init(&all);
    for (size_t i = 0; i < n; i++) {
        char *path = path_join(dir, names[i]), one[65];
        *bytes += file_size(path) > 0 ? file_size(path) : 0;
        if (!code && is_of_model(names[i]) && !(code = sha256_file(path, one, e))) {
            sha256_add(&all, names[i], strlen(names[i]) + 1);
            sha256_add(&all, one, 64);
        }
        free(path);
        free(names[i]);
    }
    free(names);
    sha256_hex(&all, sha256);
    return code;
}
