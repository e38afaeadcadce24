// attune-engine credit: for every response of a file, or one that is given, what each of its tokens earned: its
// log-probability under the model and under the reference, and beta times their difference
// (or alpha times the one less beta times the other). One JSON line an example.
#include "config.h"

#include "train/learn/credit.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/session.h"

const struct param engine_credit_params[] = {
    SESSION_PARAMS,
    {.name = "reference", .type = PARAM_PATH, .help = "The folder of the model that it is compared with."},
    {.name = "data", .type = PARAM_PATH, .fallback = "", .help = "The file whose responses are looked at."},
    READING_PARAMS,
    GIVEN_PARAMS,
    {.name = "beta",
     .type = PARAM_FLOAT,
     .fallback = "1",
     .min = 0,
     .max = 1e6,
     .help = "The factor of the rewards; 1: nats."},
    {.name = "alpha",
     .type = PARAM_FLOAT,
     .fallback = "",
     .min = 1e-6,
     .max = 1e6,
     .help = "The factor of the model's own log-probabilities, where it is not beta: of spl."},
    {0}};

// (n_tokens of all responses): first[group] is where a group's begin.
static int all_logprobs(const struct session *x, const struct dataset *d, const size_t *first, float *out,
                        struct err *e)
{
    enum { MAX_TOKENS = 1 }; // a group at a time
    struct decoder *decoder;
    struct packed packed;
    int code = decoder_new(&decoder, x->model, false, e);
    if (code)
        return code;
    code = packed_init(&packed, d, MAX_TOKENS, 0, e);
    for (int g = 0; !code && g < d->n_groups; g++)
        code = credit_logprobs(decoder, &packed, d, g, out + first[g], e);
    packed_fini(&packed);
    decoder_free(decoder);
    return code;
}

static json_t *response_json(const struct tokenizer *t, const struct dataset *d, const struct ds_seq *s,
                             const float *logp, const float *ref, struct credit_weights w, struct err *e)
{
    double sum = 0, sum_ref = 0;
    json_t *tokens = json_array();
    for (int i = 0; i < s->n; i++) {
        const int32_t id = d->tokens[s->first + (size_t)i];
        char *text;
        size_t n;
        if (tokenizer_decode_more(t, &id, 1, false, &text, &n, e)) {
            json_decref(tokens);
            return NULL;
        }
        json_array_append_new(tokens, json_pack("{s:o, s:i, s:o, s:o, s:o}", "text", json_bytes(text, n), "id", id,
                                                "logp", json_computed((double)logp[i]), "ref",
                                                json_computed((double)ref[i]), "reward",
                                                json_computed(credit_of(w, (double)logp[i], (double)ref[i]))));
        free(text);
        sum += (double)logp[i];
        sum_ref += (double)ref[i];
    }
    return json_pack("{s:f, s:o, s:o, s:o, s:o}", "label", s->label, "logp", json_computed(sum), "ref",
                     json_computed(sum_ref), "reward", json_computed(credit_of(w, sum, sum_ref)), "tokens", tokens);
}

static int print_groups(const struct session *x, const struct corpus *c, const struct dataset *d, const float *logp,
                        const float *ref, struct credit_weights w, struct err *e)
{
    int code = 0;
    for (int g = 0; g < d->n_groups && !code; g++) {
        const struct ds_group *group = &d->groups[g];
        json_t *responses = json_array();
        for (int i = 0; i < group->n_seqs && !code; i++) {
            const struct ds_seq *s = &d->seqs[group->first_seq + i];
            json_t *row = response_json(x->tokenizer, d, s, logp, ref, w, e);
            if (row)
                json_array_append_new(responses, row);
            else
                code = e ? e->code : ERR_FAIL;
            logp += s->n;
            ref += s->n;
        }
        json_t *line = json_pack("{s:I, s:f, s:f, s:o}", "line", (json_int_t)c->examples[group->example].line, "alpha",
                                 w.policy, "beta", w.reference, "responses", responses);
        if (!code)
            code = engine_print(line, e);
        else
            json_decref(line);
    }
    return code;
}

// The reference, with the same options but for its folder.
static int open_reference(struct session *x, const struct settings *s, struct err *e)
{
    const struct param *const tables[] = {engine_credit_params, NULL};
    struct settings copy;
    json_t *all = settings_to_json(s, false);
    json_object_set_new(all, "model", json_string(settings_text(s, "reference")));
    settings_init(&copy, tables);
    int code = settings_from_json(&copy, all, e);
    if (!code)
        code = session_open(x, &copy, false, e);
    settings_fini(&copy);
    json_decref(all);
    return code ? err_prefix(e, "the reference: ") : 0;
}

static int credit(struct session *x, struct session *reference, const struct corpus *c, const struct dataset *d,
                  struct credit_weights w, struct err *e)
{
    size_t *first = mem_alloc((size_t)d->n_groups + 1, sizeof *first);
    for (int g = 0; g < d->n_groups; g++) {
        first[g + 1] = first[g];
        for (int i = 0; i < d->groups[g].n_seqs; i++)
            first[g + 1] += (size_t)d->seqs[d->groups[g].first_seq + i].n;
    }
    float *logp = mem_alloc(first[d->n_groups], sizeof *logp), *ref = mem_alloc(first[d->n_groups], sizeof *ref);
    int code = 0;
    for (size_t i = 0; i < d->n_tokens && !code; i++)
        if (d->tokens[i] >= reference->model->arch.vocab_size || d->tokens[i] >= x->model->arch.vocab_size)
            code =
                err_set(e, ERR_INPUT,
                        "the tokenizer makes token %d, which one of the two models does not have: they do not belong "
                        "together",
                        d->tokens[i]);
    if (!code)
        code = all_logprobs(x, d, first, logp, e);
    if (!code)
        code = all_logprobs(reference, d, first, ref, e);
    if (!code)
        code = print_groups(x, c, d, logp, ref, w, e);
    free(logp);
    free(ref);
    free(first);
    return code;
}

int engine_credit(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct session x, reference = {0};
    struct corpus *c = NULL;
    struct dataset d = {0};
    const double beta = settings_float(s, "beta");
    const struct credit_weights w = {*settings_text(s, "alpha") ? settings_float(s, "alpha") : beta, beta};
    if (w.policy == 0)
        return err_set(e, ERR_USAGE, "with beta 0 and no alpha every reward is 0: give --alpha as well");
    int code = session_open(&x, s, false, e);
    if (code)
        return code;
    if (x.has_score)
        code =
            err_set(e, ERR_USAGE, "%s is a reward model: its tokens have no probabilities", settings_text(s, "model"));
    if (!code)
        code = session_load_given(&c, s, e);
    if (!code)
        code = session_take_corpus(&x, s, c, e);
    if (!code)
        code = dataset_build(&d, c, NULL, 0, &x.text, e);
    if (!code)
        dataset_say_left_out(&d, c);
    if (!code)
        code = open_reference(&reference, s, e);
    if (!code)
        code = credit(&x, &reference, c, &d, w, e);
    dataset_fini(&d);
    corpus_free(c);
    session_close(&reference);
    session_close(&x);
    return code;
}
