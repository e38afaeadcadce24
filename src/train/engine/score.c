// attune-engine score: for every example of a file the log-probability of each response, of a reward model its score,
// of a preference model the probability that the first wins; one JSON line each, in the order of the file.
#include "config.h"

#include <string.h>

#include "base/json.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/session.h"
#include "train/objective/stable.h"
#include "train/learn/scoring.h"

const struct param engine_score_params[] = {
    SESSION_PARAMS,
    {.name = "data", .type = PARAM_PATH, .fallback = "", .help = "The file whose responses are scored."},
    READING_PARAMS,
    GIVEN_PARAMS,
    HISTORY_PARAM,
    {.name = "max-batch-tokens", .type = PARAM_INT, .fallback = "4096", .min = 16, .max = 1048576,
     .help = "At most so many tokens are computed at once."},
    {.name = "tokens", .type = PARAM_BOOL, .fallback = "no",
     .help = "Say of every token its log-probability, or its reward of a token-level reward model."},
    {.name = "judge", .type = PARAM_BOOL, .fallback = "no",
     .help = "Ask a preference model which response of each pair is better, in both orders."},
    {.name = "json", .type = PARAM_BOOL, .fallback = "yes", .help = "The answer is always JSON."},
    {0}};

struct asked {
    const struct session *session;
    const struct corpus *corpus;
    const struct dataset *data;
    bool tokens;
    // print_judgement: of the pair in its first order
    double as_a;
    uint32_t seen; // its example, from 1; 0: none yet
};

// The tokens of response i, with what the model says of each.
static json_t *tokens_of(const struct asked *a, const struct scored *s, int i)
{
    const struct ds_seq *seq = &a->data->seqs[s->group->first_seq + i];
    json_t *list = json_array();
    int before = 0;
    for (int k = 0; k < i; k++)
        before += a->data->seqs[s->group->first_seq + k].n;
    for (int j = 0; j < seq->n; j++) {
        const char *piece = tokenizer_token(a->session->tokenizer, a->data->tokens[seq->first + (size_t)j]);
        json_array_append_new(list, json_pack("[o, o]", json_bytes(piece ? piece : "", piece ? strlen(piece) : 0),
                                              json_computed((double)s->tokens[before + j])));
    }
    return list;
}

static int print_scores(void *arg, const struct scored *s, struct err *e)
{
    const struct asked *a = arg;
    const bool scored = a->session->needs.networks & NETWORK_SCORE;
    json_t *responses = json_array();
    for (int i = 0; i < s->group->n_seqs; i++) {
        const struct seq *seq = &s->seqs[i];
        json_t *one = json_pack("{s:o, s:i, s:f}", scored ? "score" : "logp", json_computed(scored ? seq->score : seq->logp),
                                "n_tokens", seq->n, "label", seq->label);
        if (a->tokens)
            json_object_set_new(one, "tokens", tokens_of(a, s, i));
        json_array_append_new(responses, one);
    }
    return engine_print(json_pack("{s:I, s:i, s:b, s:o}", "line", (json_int_t)a->corpus->examples[s->group->example].line,
                                  "prompt_tokens", s->group->n_prompt, "shortened", s->group->cut, "responses",
                                  responses), e);
}

// Of a pair in both orders the second one says it; a pair that is there in one order alone (the other was left out)
// does not count.
static int print_judgement(void *arg, const struct scored *s, struct err *e)
{
    struct asked *a = arg;
    const double z = s->seqs[0].logp - s->seqs[1].logp, as_a = a->as_a;
    const bool complete = s->group->flipped && a->seen == s->group->example + 1;
    a->as_a = sigmoid(z);
    a->seen = s->group->example + 1;
    if (!complete)
        return 0;
    return engine_print(json_pack("{s:I, s:b, s:o, s:o, s:o, s:f}", "line",
                                  (json_int_t)a->corpus->examples[s->group->example].line, "shortened", s->group->cut,
                                  "first_wins",
                                  json_computed((as_a + sigmoid(z)) / 2), "as_a", json_computed(as_a), "as_b",
                                  json_computed(sigmoid(z)), "label",
                                  s->seqs[0].label), e);
}

static int check_question(const struct session *x, const struct corpus *c, bool judge, bool tokens, struct err *e)
{
    if (judge && x->has_score)
        return err_set(e, ERR_USAGE, "--judge asks a preference model, but this model has a reward head: leave --judge "
                                     "out");
    if (judge && tokens)
        return err_set(e, ERR_USAGE, "--judge says one probability for a pair: leave --tokens out");
    if (judge && c->kind != DATA_PAIR)
        return err_set(e, ERR_USAGE, "--judge compares two responses, but %s holds "
                                     "%s", c->path, data_kind_name(c->kind));
    if (tokens && x->has_score && !(x->needs.networks & NETWORK_TOKEN_SCORE))
        return err_set(e, ERR_USAGE, "this reward model scores whole responses: --tokens needs one of the objective "
                                     "rm-token");
    return 0;
}

int engine_score(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct session x;
    struct corpus *c = NULL;
    struct dataset d = {0};
    const bool judge = settings_bool(s, "judge"), tokens = settings_bool(s, "tokens");
    int code = session_open(&x, s, false, e);
    if (code)
        return code;
    x.text.compare = x.text.both_orders = judge;
    code = session_load_given(&c, s, e);
    if (!code)
        code = check_question(&x, c, judge, tokens, e);
    if (!code)
        code = session_take_corpus(&x, s, c, e);
    if (!code)
        code = dataset_build(&d, c, NULL, 0, &x.text, e);
    if (!code)
        dataset_say_left_out(&d, c);
    struct asked asked = {.session = &x, .corpus = c, .data = &d, .tokens = tokens};
    if (!code)
        code = scoring_run(x.model, &d, x.needs, (int)settings_int(s, "max-batch-tokens"),
                           judge ? print_judgement : print_scores, &asked, e);
    dataset_fini(&d);
    corpus_free(c);
    session_close(&x);
    return code;
}
