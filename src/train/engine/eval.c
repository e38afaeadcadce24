// attune-engine eval: a model measured on held-out prompts. JSON lines: meanwhile {"progress": "answers are sampled",
// "done": 3, "all": 128}, with --details {"answer": {...}} for every answer, and at last {"evaluation": {...}} as
// eval_file.h has it.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/eval_models.h"
#include "train/learn/scoring.h"
#include "train/run/eval_measures.h"
#include "train/run/held_out.h"

const struct param engine_eval_params[] = {
    SESSION_PARAMS,
    {.name = "data", .type = PARAM_PATH, .fallback = "",
     .help = "The file whose prompts are answered; unset: the run's held-out rows."},
    READING_PARAMS,
    {.name = "reference", .type = PARAM_PATH, .fallback = "",
     .help = "The model that it is compared with; unset: the run's; or none."},
    {.name = "reward-model", .type = PARAM_PATH, .fallback = "",
     .help = "What scores the answers; unset: the run's; or none."},
    {.name = "gold-model", .type = PARAM_PATH, .fallback = "",
     .help = "A second judge; unset: the run's watch-model; or none."},
    {.name = "rows", .type = PARAM_INT, .fallback = "128", .min = 1, .max = 1000000, .help = "So many different prompts."},
    {.name = "samples", .type = PARAM_INT, .fallback = "2", .min = 1, .max = 256, .help = "Answers per prompt."},
    {.name = "max-tokens", .type = PARAM_INT, .fallback = "128", .min = 1, .max = 1048576, .help = "Longest answer."},
    {.name = "temperature", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 100, .help = "0: the likeliest token."},
    {.name = "top-p", .type = PARAM_FLOAT, .fallback = "1", .min = 0.0001, .max = 1, .help = "Only the likeliest share p."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 4294967295.0, .help = "Fixes the answers."},
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1e6,
     .help = "What rewards are divided by in the preference matching divergence; 0: the run's, else 1."},
    {.name = "styles", .type = PARAM_BOOL, .fallback = "no", .help = "Count the styles of the demo's stories."},
    {.name = "details", .type = PARAM_BOOL, .fallback = "no", .help = "A row for every answer too."},
    {.name = "max-batch-tokens", .type = PARAM_INT, .fallback = "4096", .min = 16, .max = 1048576,
     .help = "At most so many tokens are computed at once."},
    {.name = "json", .type = PARAM_BOOL, .fallback = "yes", .help = "The answer is always JSON."},
    {0}};

struct evaluation {
    const struct settings *s;
    struct eval_models models;
    struct corpus *corpus;
    bool *use; // per example; NULL: all
    bool held_out;
    double beta;
    struct eval_prompts prompts;
    struct eval_answers answers, of_reference;
    struct eval_measures measures;
};

static bool say_progress(void *arg, const char *what, int done, int all)
{
    return engine_print(json_pack("{s:s, s:i, s:i}", "progress", what, "done", done, "all", all), NULL) == 0;
}

static const struct eval_progress progress = {say_progress, NULL};

// ---- what is asked ----

// The rows that a run holds out are read as the run read them.
static int check_held_out(const struct settings *s, struct err *e)
{
    const char *given = settings_int(s, "limit")          ? "limit"
                        : *settings_text(s, "map")        ? "map"
                        : *settings_text(s, "label-from") ? "label-from"
                                                          : NULL;
    if (!given)
        return 0;
    return err_set(e, ERR_USAGE, "--%s is about a file that is given with --data, and these prompts are the rows that the run "
                   "holds out; --rows says how many of them are answered", given);
}

static int read_prompts(struct evaluation *v, struct err *e)
{
    struct session *x = &v->models.session;
    const char *data = settings_text(v->s, "data");
    const struct model *reference = v->models.others[EVAL_REFERENCE].model;
    int longest = x->model->arch.max_positions, code = 0;
    if (reference && reference->arch.max_positions < longest)
        longest = reference->arch.max_positions;
    v->held_out = !*data;
    if (*data)
        code = session_load_corpus(&v->corpus, data, v->s, e);
    else if (!v->models.run.settings)
        code = err_set(e, ERR_USAGE,
                       "there are no prompts: give --data FILE (%s is no checkpoint, whose run would have held-out rows)",
                       settings_text(v->s, "model"));
    else
        code = check_held_out(v->s, e);
    if (!code && !*data)
        code = held_out_load(&v->corpus, &v->use, v->models.run.objective, v->models.run.settings, e);
    if (!code)
        code = session_take_corpus(x, v->s, v->corpus, e);
    return code ? code : eval_prompts_take(&v->prompts, v->corpus, v->use, &x->text, (int)settings_int(v->s, "rows"),
                                           longest, e);
}

// ---- answers ----

static int draw(struct evaluation *v, struct model *m, struct eval_answers *a, struct err *e)
{
    const struct session *x = &v->models.session;
    const struct gen_options o = {.max_new_tokens = (int)settings_int(v->s, "max-tokens"),
                                  .temperature = (float)settings_float(v->s, "temperature"),
                                  .top_p = (float)settings_float(v->s, "top-p"),
                                  .seed = (uint64_t)settings_int(v->s, "seed"),
                                  .stop_ids = x->rules.stops, .n_stop = x->rules.n_stops};
    return eval_answers_draw(a, m, &v->prompts, x->tokenizer, (int)settings_int(v->s, "samples"), &o, &progress, e);
}

static int score(struct evaluation *v, struct eval_answers *a, struct err *e)
{
    int code = 0;
    for (int judge = 0; judge < 2 && !code; judge++) {
        const struct eval_other *o = &v->models.others[EVAL_REWARD + judge];
        if (o->model)
            code = eval_answers_score(a, judge, o->model, o->path, (int)settings_int(v->s, "max-batch-tokens"), &progress,
                                      e);
    }
    return code;
}

static int take_logp(void *arg, const struct scored *s, struct err *e)
{
    double **to = arg;
    *to[0]++ = s->seqs[0].logp;
    *to[1]++ = s->seqs[0].n;
    return 0;
}

// Of the same rows: how likely the model finds the answers that the data have.
static int measure_data(struct evaluation *v, struct err *e)
{
    const struct corpus *c = v->corpus;
    struct dataset d = {0};
    struct dataset_options text = v->models.session.text;
    struct err nothing = {0};
    if (c->kind != DATA_SFT && c->kind != DATA_PAIR)
        return 0;
    bool *use = mem_alloc(c->n_examples + 1, sizeof *use);
    for (int i = 0; i < v->prompts.n; i++)
        use[v->prompts.examples[i] - c->examples] = true;
    text.max_responses = 1;
    int code = dataset_build(&d, c, use, 0, &text, &nothing);
    if (!code) {
        double *logp = mem_alloc((size_t)d.n_groups, sizeof *logp);
        double *lengths = mem_alloc((size_t)d.n_groups, sizeof *lengths);
        double *to[] = {logp, lengths};
        code = scoring_run(v->models.session.model, &d, (struct needs){0}, (int)settings_int(v->s, "max-batch-tokens"),
                           take_logp, to, e);
        if (!code)
            eval_measures_data(&v->measures, logp, lengths, d.n_groups);
        free(logp);
        free(lengths);
    } else if (code == ERR_INPUT) { // none of the answers can be used: nothing is said of them
        code = 0;
    } else if (e) {
        *e = nothing;
    }
    dataset_fini(&d);
    free(use);
    return code;
}

// ---- what is said ----

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_bytes(text, strlen(text)) : json_null();
}

static json_t *how_of(const struct evaluation *v)
{
    const struct settings *s = v->s;
    const struct eval_other *o = v->models.others;
    return json_pack("{s:s, s:i, s:I, s:I, s:f, s:f, s:I, s:f, s:s, s:o, s:o, s:o, s:b}", "prompts", v->prompts.hash,
                     "rows", v->prompts.n, "samples", (json_int_t)settings_int(s, "samples"),
                     "max_tokens", (json_int_t)settings_int(s, "max-tokens"),
                     "temperature", settings_float(s, "temperature"), "top_p", settings_float(s, "top-p"), "seed",
                     (json_int_t)settings_int(s, "seed"), "beta", v->beta, "precision", settings_text(s, "precision"),
                     "reference",
                     text_or_null(o[EVAL_REFERENCE].key), "reward_model", text_or_null(o[EVAL_REWARD].key), "gold_model",
                     text_or_null(o[EVAL_GOLD].key), "styles", settings_bool(s, "styles"));
}

static json_t *of_of(const struct evaluation *v)
{
    const struct eval_other *o = v->models.others;
    return json_pack("{s:o, s:b, s:i, s:o, s:o, s:o}", "data", text_or_null(v->corpus->path), "held_out", v->held_out,
                     "left_out",
                     v->prompts.n_left_out, "reference", text_or_null(o[EVAL_REFERENCE].path), "reward_model",
                     text_or_null(o[EVAL_REWARD].path), "gold_model", text_or_null(o[EVAL_GOLD].path));
}

static int print_evaluation(const struct evaluation *v, struct err *e)
{
    json_t *measures = json_object();
    for (int i = 0; i < v->measures.n; i++) {
        const struct eval_measure *m = &v->measures.items[i];
        json_t *one = json_pack("{s:o}", "value", isnan(m->of.value) ? json_null() : json_computed(m->of.value));
        if (isfinite(m->of.low) && isfinite(m->of.high)) {
            json_object_set_new(one, "low", json_real(m->of.low));
            json_object_set_new(one, "high", json_real(m->of.high));
        }
        json_object_set_new(measures, m->name, one);
    }
    return engine_print(json_pack("{s:{s:o, s:o, s:o}}", "evaluation", "how", how_of(v), "of", of_of(v), "measures",
                                  measures), e);
}

static json_t *answer_json(const struct evaluation *v, const struct eval_answers *a, int i, bool of_reference)
{
    static const char *const scores[] = {"reward", "gold"};
    const int prompt = i / a->samples;
    json_t *one = json_pack("{s:b, s:i, s:i, s:I, s:o, s:i, s:b}", "reference", of_reference, "prompt", prompt, "sample",
                            i % a->samples, "line", (json_int_t)v->prompts.examples[prompt]->line,
                            "text", json_bytes(a->texts[i], strlen(a->texts[i])),
                            "n_tokens", a->data.seqs[i].n, "stopped", a->ended[i]);
    const struct {
        const char *name;
        const double *values;
    } sums[] = {{"logp", a->logp}, {"entropy", a->entropy}, {"ref", a->ref}, {"k3", a->k3}, {"kl", a->kl},
                {scores[0], a->scores[0]}, {scores[1], a->scores[1]}};
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++)
        if (sums[k].values)
            json_object_set_new(one, sums[k].name, json_computed(sums[k].values[i]));
    return json_pack("{s:o}", "answer", one);
}

static int print_answers(const struct evaluation *v, struct err *e)
{
    const struct eval_answers *const all[] = {&v->answers, &v->of_reference};
    int code = 0;
    for (int which = 0; which < 2; which++)
        for (int i = 0; i < all[which]->data.n_seqs && !code; i++)
            code = engine_print(answer_json(v, all[which], i, which), e);
    return code;
}

// ---- all of it ----

static int evaluate(struct evaluation *v, struct err *e)
{
    const struct eval_other *o = v->models.others;
    const bool compared = o[EVAL_REFERENCE].model && (o[EVAL_REWARD].model || o[EVAL_GOLD].model);
    int code = read_prompts(v, e);
    if (!code)
        code = draw(v, v->models.session.model, &v->answers, e);
    if (!code)
        code = eval_answers_measure(&v->answers, v->models.session.model, o[EVAL_REFERENCE].model,
                                    (int)settings_int(v->s, "max-batch-tokens"), &progress, e);
    if (!code)
        code = score(v, &v->answers, e);
    if (!code && compared) {
        code = draw(v, o[EVAL_REFERENCE].model, &v->of_reference, e);
        if (code)
            err_prefix(e, "the reference: ");
        else
            code = score(v, &v->of_reference, e);
    }
    if (code)
        return code;
    eval_measures_make(&v->measures, &(struct eval_question){.answers = &v->answers,
                                                             .reference = compared ? &v->of_reference : NULL,
                                                             .beta = v->beta, .styles = settings_bool(v->s, "styles")});
    code = measure_data(v, e);
    if (!code && settings_bool(v->s, "details"))
        code = print_answers(v, e);
    return code ? code : print_evaluation(v, e);
}

int engine_eval(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct evaluation v = {.s = s, .beta = settings_float(s, "beta")};
    int code = eval_models_open(&v.models, s, e);
    if (code)
        return code;
    if (v.beta == 0)
        v.beta = eval_run_number(&v.models.run, "beta", 1);
    if (v.beta <= 0) // a run without a penalty
        v.beta = 1;
    code = evaluate(&v, e);
    eval_answers_fini(&v.answers);
    eval_answers_fini(&v.of_reference);
    eval_prompts_fini(&v.prompts);
    free(v.use);
    corpus_free(v.corpus);
    eval_models_close(&v.models);
    return code;
}
