// attune-engine agree: two reward models on the same responses.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/objective/agreement.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/session.h"
#include "train/learn/scoring.h"

const struct param engine_agree_params[] = {
    SESSION_PARAMS,
    {.name = "other", .type = PARAM_PATH, .help = "The folder of the second reward model."},
    {.name = "data", .type = PARAM_PATH, .help = "The file whose responses both score."},
    READING_PARAMS,
    {.name = "max-batch-tokens", .type = PARAM_INT, .fallback = "4096", .min = 16, .max = 1048576,
     .help = "At most so many tokens are computed at once."},
    {.name = "json", .type = PARAM_BOOL, .fallback = "yes", .help = "The answer is always JSON."},
    {0}};

struct sheet {
    const char *model;
    const struct dataset *data;
    const int *first; // of the corpus's responses, by example
    double *scores;
};

static int note(void *arg, const struct scored *s, struct err *e)
{
    const struct sheet *x = arg;
    for (int i = 0; i < s->group->n_seqs; i++) {
        if (!isfinite(s->seqs[i].score))
            return err_set(e, ERR_NUMERIC, "the score that %s gives to a response of example %d is no number: its weights "
                                           "are too large or damaged, or they come from a training that diverged", x->model,
                           s->group->example + 1);
        x->scores[x->first[s->group->example] + x->data->seqs[s->group->first_seq + i].response] = s->seqs[i].score;
    }
    return 0;
}

// Each with its own tokenizer and template: what one of them leaves out has no score of it.
static int score_with(const struct settings *s, const char *model, const struct corpus *c, struct sheet *sheet,
                      struct err *e)
{
    struct session x;
    struct dataset d = {0};
    struct settings own;
    const struct param *const tables[] = {engine_agree_params, NULL};
    settings_init(&own, tables);
    int code = 0;
    for (const struct param *p = engine_agree_params; p->name && !code; p++)
        if (settings_given(s, p->name))
            code = settings_set(&own, p->name, strcmp(p->name, "model") == 0 ? model : settings_text(s, p->name), e);
    if (!code)
        code = session_open(&x, &own, false, e);
    settings_fini(&own);
    if (code)
        return code;
    if (!x.has_score)
        code = err_set(e, ERR_USAGE, "%s is no reward model: train one with the objective rm, rm-list or rm-token",
                       model);
    if (!code)
        code = session_take_corpus(&x, s, c, e);
    if (!code)
        code = dataset_build(&d, c, NULL, 0, &x.text, e);
    if (!code)
        dataset_say_left_out(&d, c);
    sheet->data = &d;
    sheet->model = model;
    if (!code)
        code = scoring_run(x.model, &d, x.needs, (int)settings_int(s, "max-batch-tokens"), note, sheet, e);
    dataset_fini(&d);
    session_close(&x);
    return code;
}

// NAN where a measure is not defined: no pairs, or scores that are all the same.
static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

int engine_agree(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct corpus *c = NULL;
    int code = session_load_corpus(&c, settings_text(s, "data"), s, e);
    if (code)
        return code;
    const int n = (int)c->n_examples;
    int *first = mem_alloc((size_t)n + 1, sizeof *first);
    for (int i = 0; i < n; i++)
        first[i + 1] = first[i] + c->examples[i].n_responses;
    const size_t n_scores = (size_t)first[n] + 1;
    double *scores[2], *labels = mem_alloc(n_scores, sizeof *labels);
    for (int m = 0; m < 2; m++) {
        scores[m] = mem_alloc(n_scores, sizeof *scores[m]);
        for (size_t i = 0; i < n_scores; i++)
            scores[m][i] = NAN;
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < c->examples[i].n_responses; k++)
            labels[first[i] + k] = c->examples[i].responses[k].score;
    for (int m = 0; m < 2 && !code; m++)
        code = score_with(s, settings_text(s, m ? "other" : "model"), c,
                          &(struct sheet){.first = first, .scores = scores[m]}, e);
    if (!code) {
        const struct agreement r = agreement_of(scores[0], scores[1], labels, first, n);
        json_t *accuracy = json_pack("[o, o]", number_or_null(r.accuracy[0]), number_or_null(r.accuracy[1]));
        code = engine_print(json_pack("{s:i, s:o, s:i, s:o, s:o, s:i, s:o}", "responses", r.n_responses,
                                      "correlation", number_or_null(r.correlation), "pairs", r.n_pairs,
                                      "margin_correlation", number_or_null(r.margin_correlation),
                                      "ranked_alike", number_or_null(r.ranked_alike),
                                      "labelled_pairs", r.n_labelled, "accuracy", accuracy), e);
    }
    free(first);
    free(labels);
    free(scores[0]);
    free(scores[1]);
    corpus_free(c);
    return code;
}
