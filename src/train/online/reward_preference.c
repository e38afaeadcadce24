// A preference model as a reward: a prompt's answers are compared with each other, each pair in both orders, and an answer
// earns the mean of its log-odds against all (itself, 0, included). Where the model is of Bradley-Terry's kind this is its
// score less the prompt's mean; of two answers the difference is the log-odds of the first, so that sigmoid gives back what
// the model said (nash-md, dno, sppo).
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/quantized.h"
#include "train/learn/scoring.h"
#include "train/objective/stable.h"
#include "train/online/reward_kinds.h"

static const double MOST_ODDS = 20; // nats, for or against one answer

struct judge {
    struct model *model;
    struct tokenizer *tokenizer;
    struct text_rules rules;
    int max_batch_tokens;
};

static void close_judge(void *with)
{
    struct judge *j = with;
    if (!j)
        return;
    text_rules_fini(&j->rules);
    tokenizer_free(j->tokenizer);
    model_free(j->model);
    free(j);
}

// A text that is cut to what the rules say must be one that the model can take.
static int check_length(const struct judge *j, const char *dir, struct err *e)
{
    const int most = j->model->arch.max_positions;
    if (j->rules.max_length <= most)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "the preference model %s reads at most %d tokens, and was trained on %d (its "
                   TEXT_RULES_FILE " says so): they do not belong together; copy the whole checkpoint again, or train it "
                   "anew with max-length %d", dir, most, j->rules.max_length, most);
}

// As the model was trained, or, where it comes from elsewhere, as plain text.
static int open_rules(struct judge *j, const char *dir, struct err *e)
{
    struct err fault = {0};
    const int most = j->model->arch.max_positions;
    const struct text_rules_options o = {.chat_template = "auto", .system = "", .special_tokens = true, .fallback = "plain",
                                         .max_length = most, .max_prompt_length = most};
    if (text_rules_read(&j->rules, j->tokenizer, dir, &fault))
        return check_length(j, dir, e);
    if (fault.code && e)
        *e = fault;
    return fault.code ? fault.code : text_rules_open(&j->rules, j->tokenizer, &o, e);
}

static int load(void **with, const char *arg, const struct rewards_options *o, unsigned how, struct err *e)
{
    struct judge *j = mem_alloc(1, sizeof *j);
    j->max_batch_tokens = o->max_batch_tokens;
    if (*arg && !file_is_dir(arg)) {
        close_judge(j);
        return err_set(e, ERR_NOT_FOUND, "the preference model is not there: there is no folder %s", arg);
    }
    if (model_folder_has_score(arg)) {
        close_judge(j);
        return err_set(e, ERR_USAGE, "%s is a reward model, which scores an answer and compares none: give it as "
                       "--reward-model, or train a preference model (objective preference-model)", arg);
    }
    int code = *arg ? model_load(&j->model, arg, o->ops, o->backend, how, e)
                    : err_set(e, ERR_USAGE, "rewards: preference needs a folder, as in preference:runs/pm-1/checkpoints/step-100");
    if (!code) {
        char *where = model_find_tokenizer(arg);
        code = tokenizer_load(&j->tokenizer, where, e);
        free(where);
    }
    if (!code)
        code = open_rules(j, arg, e);
    if (code)
        close_judge(j);
    else
        *with = j;
    return code;
}

static int open_judge(void **with, const char *arg, const struct rewards_options *o, struct err *e)
{
    const unsigned how = LOAD_FROZEN | model_load_as(quantized_type(settings_text(o->settings, "reward-precision")));
    return load(with, arg, o, how, e);
}

static int look(const char *arg, const struct rewards_options *o, struct err *e)
{
    void *judge = NULL;
    int code = load(&judge, arg, o, LOAD_HEADERS, e);
    close_judge(judge);
    return code;
}

// All pairs of different answers of all prompts, as rows of preference data.
struct pairs {
    struct corpus corpus;
    struct turn *turns;
    struct response *responses;
    struct pair {
        int first, second; // answers of the batch
        double odds;       // a sum over the orders that were asked
        int n_orders;
    } *list;
    int n;
};

static void pairs_make(struct pairs *p, const struct reward_answers *a)
{
    const struct dataset *d = &a->batch->data;
    size_t most = 0;
    for (int g = 0; g < d->n_groups; g++)
        most += (size_t)d->groups[g].n_seqs * (size_t)d->groups[g].n_seqs / 2;
    *p = (struct pairs){.turns = mem_alloc(most + 1, sizeof *p->turns),
                        .responses = mem_alloc(2 * most + 1, sizeof *p->responses),
                        .list = mem_alloc(most + 1, sizeof *p->list)};
    p->corpus = (struct corpus){.kind = DATA_PAIR, .path = "the policy's answers", .unit = "pair",
                                .examples = mem_alloc(most + 1, sizeof *p->corpus.examples)};
    for (int g = 0; g < d->n_groups; g++)
        for (int i = d->groups[g].first_seq; i < d->groups[g].first_seq + d->groups[g].n_seqs; i++)
            for (int k = i + 1; k < d->groups[g].first_seq + d->groups[g].n_seqs; k++) {
                if (strcmp(a->texts[i], a->texts[k]) == 0)
                    continue;
                struct response *two = p->responses + 2 * p->n;
                p->turns[p->n] = (struct turn){.role = "user", .text = a->prompts[i]};
                two[0] = (struct response){.text = a->texts[i], .score = 1};
                two[1] = (struct response){.text = a->texts[k]};
                p->corpus.examples[p->n] = (struct example){.line = p->n + 1, .is_chat = a->chats[i],
                                                            .turns = &p->turns[p->n], .n_turns = 1, .responses = two,
                                                            .n_responses = 2};
                p->list[p->n++] = (struct pair){i, k, 0, 0};
            }
    p->corpus.n_examples = (size_t)p->n;
}

static void pairs_fini(struct pairs *p)
{
    free(p->corpus.examples);
    free(p->turns);
    free(p->responses);
    free(p->list);
}

static int take(void *arg, const struct scored *s, struct err *e)
{
    struct pair *pair = &((struct pairs *)arg)->list[s->group->example];
    pair->odds += sigmoid(s->seqs[0].logp - s->seqs[1].logp);
    pair->n_orders++;
    return 0;
}

static int score(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    struct judge *j = with;
    struct pairs p;
    struct dataset d = {0};
    const struct dataset_options how = {.rules = &j->rules, .to_score = true, .compare = true, .both_orders = true};
    pairs_make(&p, a);
    int code = p.n ? dataset_build(&d, &p.corpus, NULL, 0, &how, e) : 0;
    if (!code && d.n_left_out)
        code = err_set(e, ERR_INPUT, "the preference model cannot compare two answers: %s", d.left_out[0].reason);
    if (!code && p.n)
        code = scoring_run(j->model, &d, (struct needs){0}, j->max_batch_tokens, take, &p, e);
    const struct dataset *answers = &a->batch->data;
    for (int i = 0; i < a->n; i++)
        scores[i] = 0;
    for (int i = 0, g = 0; !code && i < p.n; i++) {
        const struct pair *x = &p.list[i];
        while (x->first >= answers->groups[g].first_seq + answers->groups[g].n_seqs)
            g++;
        const double won = x->odds / x->n_orders;
        if (isnan(won))
            code = err_set(
                e, ERR_NUMERIC,
                "the preference model's output is not finite: its weights are damaged or its training diverged");
        const double odds = fmin(fmax(log(won / (1 - won)), -MOST_ODDS), MOST_ODDS);
        scores[x->first] += odds / answers->groups[g].n_seqs;
        scores[x->second] -= odds / answers->groups[g].n_seqs;
    }
    dataset_fini(&d);
    pairs_fini(&p);
    return code;
}

const struct reward_kind reward_kind_preference = {
    .name = "preference", .help = "preference:DIR, how a preference model compares an answer with the prompt's others",
    .wants_texts = true,
    .compares = true, .look = look, .open = open_judge, .score = score, .close = close_judge};
