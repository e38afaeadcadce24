// A reward model: its score of the answer's last token, or of a token-level one the mean over the answer's tokens.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/quantized.h"
#include "train/learn/scoring.h"
#include "train/online/reward_kinds.h"

struct scorer {
    struct model *model;
    int max_batch_tokens;
};

static void close_scorer(void *with)
{
    struct scorer *s = with;
    if (s)
        model_free(s->model);
    free(s);
}

static bool same_tokens(const struct tokenizer *a, const struct tokenizer *b)
{
    const int n = tokenizer_vocab_size(a);
    if (n != tokenizer_vocab_size(b))
        return false;
    for (int i = 0; i < n; i++) {
        const char *x = tokenizer_token(a, i), *y = tokenizer_token(b, i);
        if ((!x != !y) || (x && strcmp(x, y) != 0))
            return false;
    }
    return true;
}

// Whether it reads what the policy says: the same tokens mean the same texts only where the tokenizers are the same.
static int check_fit(const struct scorer *s, const char *dir, const struct rewards_options *o, struct err *e)
{
    struct tokenizer *t = NULL;
    char *where = model_find_tokenizer(dir);
    int code = o->tokenizer ? tokenizer_load(&t, where, e) : 0;
    if (!code && o->tokenizer && !same_tokens(t, o->tokenizer))
        code = err_set(e, ERR_UNSUPPORTED, "the reward model %s has another tokenizer than the policy: its score of the "
                       "policy's tokens would mean nothing; use a reward model that was trained from the policy's family, "
                       "or score texts with --reward-command", dir);
    if (!code && s->model->arch.vocab_size < o->vocab_size)
        code = err_set(e, ERR_UNSUPPORTED, "the reward model %s knows %d tokens, the policy says %d", dir,
                       s->model->arch.vocab_size, o->vocab_size);
    if (!code && s->model->arch.max_positions < o->max_length)
        code = err_set(e, ERR_UNSUPPORTED, "the reward model %s reads at most %d tokens, and a prompt with its answer may "
                       "have %d: give max-length %d", dir, s->model->arch.max_positions, o->max_length,
                       s->model->arch.max_positions);
    tokenizer_free(t);
    free(where);
    return code;
}

// It would get a head of zeros, and every answer would earn the same.
static int check_head(const char *dir, struct err *e)
{
    if (!file_is_dir(dir))
        return err_set(e, ERR_NOT_FOUND, "the reward model is not there: there is no folder %s", dir);
    if (model_folder_has_score(dir))
        return 0;
    return err_set(e, ERR_USAGE, "the reward model %s scores nothing: train one with the objective rm, rm-list or rm-token",
                   dir);
}

static int load(void **with, const char *arg, const struct rewards_options *o, unsigned how, struct err *e)
{
    struct scorer *s = mem_alloc(1, sizeof *s);
    s->max_batch_tokens = o->max_batch_tokens;
    int code = *arg ? check_head(arg, e)
                    : err_set(e, ERR_USAGE, "rewards: model needs a folder, as in model:runs/rm-1/checkpoints/step-100");
    if (!code)
        code = model_load(&s->model, arg, o->ops, o->backend, LOAD_SCORE | how, e);
    if (!code)
        code = check_fit(s, arg, o, e);
    if (code)
        close_scorer(s);
    else
        *with = s;
    return code;
}

static int open_scorer(void **with, const char *arg, const struct rewards_options *o, struct err *e)
{
    const unsigned how = LOAD_FROZEN | model_load_as(quantized_type(settings_text(o->settings, "reward-precision")));
    return load(with, arg, o, how, e);
}

static int look(const char *arg, const struct rewards_options *o, struct err *e)
{
    void *scorer = NULL;
    int code = load(&scorer, arg, o, LOAD_HEADERS, e);
    close_scorer(scorer);
    return code;
}

struct taking {
    double *scores;
    int n;
};

static int take(void *arg, const struct scored *s, struct err *e)
{
    struct taking *t = arg;
    for (int i = 0; i < s->group->n_seqs; i++)
        t->scores[t->n++] = s->seqs[i].score;
    return 0;
}

static int score(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    const struct scorer *s = with;
    struct taking t = {scores, 0};
    const struct needs needs = {.networks = NETWORK_SCORE | (s->model->scores_tokens ? NETWORK_TOKEN_SCORE : 0u)};
    return scoring_run(s->model, &a->batch->data, needs, s->max_batch_tokens, take, &t, e);
}

const struct reward_kind reward_kind_model = {
    .name = "model", .help = "model:DIR, the score of a reward model", .look = look, .open = open_scorer, .score = score,
    .close = close_scorer};
