#include "config.h"

#include "train/online/rewards.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/model.h"
#include "train/learn/scoring.h"

const struct param reward_params[] = {
    {.name = "reward-model", .type = PARAM_PATH, .fallback = "", .group = "rewards",
     .help = "A folder with the reward model that scores answers: a checkpoint of objective rm, or a classifier of transformers."},
    {.name = "watch-model", .type = PARAM_PATH, .fallback = "", .group = "rewards",
     .help = "Another reward model, which is only watched: when it falls while the reward rises, the reward is "
             "over-optimized."},
    {0}};

struct rewards {
    struct model *models[2];
    int max_batch_tokens;
};

int rewards_open(struct rewards **out, const struct rewards_options *o, struct err *e)
{
    static const char *const names[] = {"reward-model", "watch-model"};
    struct rewards *r = mem_alloc(1, sizeof *r);
    int code = 0;
    r->max_batch_tokens = o->max_batch_tokens;
    for (int i = 0; i < 2 && !code; i++)
        if (*settings_text(o->settings, names[i]))
            code = model_load(&r->models[i], settings_text(o->settings, names[i]), o->ops, o->backend, LOAD_SCORE | LOAD_FROZEN, e);
    if (!code && !r->models[0])
        code = err_set(e, ERR_USAGE, "there is no reward: give --reward-model a folder");
    if (code)
        rewards_free(r);
    else
        *out = r;
    return code;
}

void rewards_free(struct rewards *r)
{
    if (!r)
        return;
    model_free(r->models[0]);
    model_free(r->models[1]);
    free(r);
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

int rewards_score(struct rewards *r, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    static const char *const keys[] = {"rewards/model/mean", "rewards/watched/mean"};
    double *watched = mem_alloc((size_t)b->data.n_seqs + 1, sizeof *watched);
    int code = 0;
    for (int i = 0; i < 2 && !code; i++) {
        struct taking t = {i ? watched : b->scores, 0};
        if (!r->models[i])
            continue;
        const struct needs needs = {.networks = NETWORK_SCORE | (r->models[i]->scores_tokens ? NETWORK_TOKEN_SCORE : 0u)};
        code = scoring_run(r->models[i], &b->data, needs, r->max_batch_tokens, take, &t, e);
        double mean = 0;
        for (int k = 0; k < b->data.n_seqs; k++)
            mean += t.scores[k] / b->data.n_seqs;
        metric_add(facts, keys[i], mean);
    }
    free(watched);
    return code;
}
