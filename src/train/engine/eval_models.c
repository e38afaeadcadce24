#include "config.h"

#include "train/engine/eval_models.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/engine/answers.h"
#include "train/online/rewards.h"
#include "train/run/open_model.h"

enum { MAX_STATE_JSON = 1 << 20 };

int eval_run_read(struct eval_run *r, const char *model, struct err *e)
{
    char *path = path_join(model, "state.json");
    int code = 0;
    *r = (struct eval_run){0};
    if (file_exists(path)) {
        code = json_read(path, MAX_STATE_JSON, &r->root, e);
        r->settings = json_object_get(r->root, "settings");
        r->objective = json_string_value(json_object_get(r->root, "objective"));
        if (!code && (!json_is_object(r->settings) || !r->objective))
            code = err_set(e, ERR_INPUT, "%s does not say what its run was: it is damaged", path);
    }
    free(path);
    return code;
}

void eval_run_fini(struct eval_run *r)
{
    json_decref(r->root);
    *r = (struct eval_run){0};
}

const char *eval_run_text(const struct eval_run *r, const char *name)
{
    const char *value = json_string_value(json_object_get(r->settings, name));
    return value ? value : "";
}

double eval_run_number(const struct eval_run *r, const char *name, double fallback)
{
    const json_t *value = json_object_get(r->settings, name);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

static const struct role {
    const char *option, *setting; // of the command; of the run, for where the option is left open
    const char *what;
    bool scores, watched;
} roles[EVAL_N_OTHERS] = {
    [EVAL_REFERENCE] = {"reference", "model", "the reference", false},
    [EVAL_REWARD] = {"reward-model", "reward-model", "the reward model", true},
    [EVAL_GOLD] = {"gold-model", "watch-model", "the gold model", true, true},
};

// The same ids must be the same tokens: answers are handed on as ids.
static int check_vocabulary(const struct session *x, const struct eval_other *o, const struct role *role, struct err *e)
{
    struct tokenizer *t = NULL;
    const int n = tokenizer_vocab_size(x->tokenizer);
    char *dir = model_find_tokenizer(o->path);
    int code = tokenizer_load(&t, dir, e), at = 0;
    for (; !code && at < n; at++) {
        const char *ours = tokenizer_token(x->tokenizer, at), *theirs = tokenizer_token(t, at);
        if (!ours != !theirs || (ours && strcmp(ours, theirs) != 0))
            break;
    }
    if (code)
        err_prefix(e, "%s: ", role->what);
    else if (at < n || tokenizer_vocab_size(t) != n)
        code = err_set(e, ERR_USAGE,
                       "%s %s has another tokenizer than the model (token %d is not the same): answers of the one mean "
                       "nothing to the other; take one that was trained from the same model", role->what, o->path, at);
    else if (o->model->arch.vocab_size < n || (!role->scores && o->model->arch.vocab_size != x->model->arch.vocab_size))
        code = err_set(e, ERR_USAGE, "%s %s knows %d tokens, the model %d: they do not belong together", role->what, o->path,
                       o->model->arch.vocab_size, role->scores ? n : x->model->arch.vocab_size);
    tokenizer_free(t);
    free(dir);
    return code;
}

// What the option names, or, where it is left open, what the run has; heap. A reward model may stand in the list of rewards.
static char *path_of(const struct eval_models *m, const struct role *role, const struct settings *s)
{
    const char *given = settings_text(s, role->option), *of_run = eval_run_text(&m->run, role->setting);
    char *found = *given || !role->scores ? NULL : rewards_model_of(of_run, eval_run_text(&m->run, "rewards"), role->watched);
    return found ? found : mem_strdup(*given ? given : of_run);
}

static int open_at(struct eval_models *m, int which, const char *path, struct err *e)
{
    const struct role *role = &roles[which];
    struct eval_other *o = &m->others[which];
    const struct session *x = &m->session;
    if (!*path || strcmp(path, "none") == 0 || (which == EVAL_REFERENCE && text_ends(path, ".json"))) // a new model has none
        return 0;
    if (!file_is_dir(path))
        return err_set(e, ERR_NOT_FOUND, "%s, %s, is not there: name another with --%s, or none", role->what, path,
                       role->option);
    const bool has_score = model_folder_has_score(path);
    if (role->scores && !has_score)
        return err_set(e, ERR_USAGE, "%s %s scores nothing: train one with the objective rm, rm-list or rm-token",
                       role->what, path);
    if (!role->scores && has_score)
        return err_set(e, ERR_USAGE, "%s %s is a reward model: its tokens have no probabilities", role->what, path);
    o->path = mem_strdup(path);
    int code = engine_load_model(&o->model, path, x->ops, x->backend, (has_score ? LOAD_SCORE : 0) | LOAD_FROZEN, 1, o->key,
                                 e);
    if (code)
        return err_prefix(e, "%s: ", role->what);
    engine_note(&o->model->notes);
    return check_vocabulary(x, o, role, e);
}

static int open_other(struct eval_models *m, int which, const struct settings *s, struct err *e)
{
    char *path = path_of(m, &roles[which], s);
    int code = open_at(m, which, path, e);
    free(path);
    return code;
}

int eval_models_open(struct eval_models *m, const struct settings *s, struct err *e)
{
    const char *model = settings_text(s, "model");
    *m = (struct eval_models){0};
    int code = session_open(&m->session, s, true, e);
    if (!code && m->session.has_score)
        code = err_set(e, ERR_USAGE, "%s is a reward model, which says nothing that could be measured; it is a judge with "
                       "--reward-model", model);
    if (!code)
        code = eval_run_read(&m->run, model, e);
    for (int i = 0; i < EVAL_N_OTHERS && !code; i++)
        code = open_other(m, i, s, e);
    if (code)
        eval_models_close(m);
    return code;
}

void eval_models_close(struct eval_models *m)
{
    for (int i = 0; i < EVAL_N_OTHERS; i++) {
        model_free(m->others[i].model);
        free(m->others[i].path);
    }
    eval_run_fini(&m->run);
    session_close(&m->session);
    *m = (struct eval_models){0};
}
