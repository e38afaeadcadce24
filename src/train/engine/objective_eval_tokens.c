// The calculator for objectives that learn from the policy's own answers: numbers of every token come in, advantages and
// derivatives of every token come out. A line is a prompt's answers: {"score": [1, 0], "old_logp": [[-0.5, -2], [-1]],
// "logp": [[...],
// [...]], ...}.
#include "config.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/engine/objective_eval.h"
#include "train/objective/metrics.h"

enum { LOGP, VALUE, FIRST_COLUMN, N_ARRAYS = FIRST_COLUMN + N_TOKEN_COLUMNS };
enum { MOST_ANSWERS = 4096, MOST_TOKENS = 1 << 20 };

static const struct {
    const char *name;
    int array;
    unsigned networks; // that it is needed with; 0: always
    const char *what;
} inputs[] = {
    {"logp", LOGP, 0, "log-probabilities of each answer's tokens, now"},
    {"old_logp", FIRST_COLUMN + TOKEN_OLD_LOGP, 0, "the same when the answer was said"},
    {"sampler_logp", FIRST_COLUMN + TOKEN_SAMPLER_LOGP, 0, "what the sampler drew them with, for is-correction"},
    {"reference", FIRST_COLUMN + TOKEN_REFERENCE, NETWORK_REFERENCE, "the same under the reference"},
    {"value", VALUE, NETWORK_TOKEN_VALUE, "what the value network says before each token, now"},
    {"old_value", FIRST_COLUMN + TOKEN_OLD_VALUE, NETWORK_TOKEN_VALUE, "the same when the answer was said"},
};
enum { N_INPUTS = sizeof inputs / sizeof *inputs };

struct answer {
    float *arrays[N_ARRAYS];
    double *slopes[2]; // by LOGP and VALUE
};
struct tokens_eval {
    struct objective_run *run;
    struct needs needs;
    struct seq *seqs;
    struct said *said;
    struct answer *answers;
    size_t n, cap, cap_said, cap_answers;
    int *first;
    size_t n_groups, cap_groups;
};

static bool is_needed(const struct tokens_eval *v, int input)
{
    if (inputs[input].array == FIRST_COLUMN + TOKEN_SAMPLER_LOGP)
        return v->run->correction.by != CORRECT_NOTHING;
    return !inputs[input].networks || (v->needs.networks & inputs[input].networks);
}

static int check_names(const json_t *line, const char *where, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)line, name, value) {
        bool known = strcmp(name, "score") == 0 || strcmp(name, "ended") == 0 || strcmp(name, "longest") == 0;
        for (int i = 0; i < N_INPUTS; i++)
            known = known || strcmp(name, inputs[i].name) == 0;
        if (!known)
            return err_set(e, ERR_INPUT, "%s: there is no number \"%.60s\"; there are score, ended, longest and, of every "
                           "token, logp, old_logp, sampler_logp, reference, value and old_value", where, name);
    }
    return 0;
}

// Every answer has its element in all arrays of the line.
static int check_sizes(const json_t *line, size_t n, const char *where, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)line, name, value) {
        if (strcmp(name, "longest") == 0)
            continue;
        if (!json_is_array(value))
            return err_set(e, ERR_INPUT, "%s: \"%s\" is to be an array with an element for each answer", where, name);
        if (json_array_size(value) != n)
            return err_set(e, ERR_INPUT,
                           "%s: \"score\" has %zu answers, \"%s\" has %zu: a line has one of each for every answer",
                           where, n, name, json_array_size(value));
    }
    return 0;
}

static bool read_ended(const json_t *list, int i)
{
    const json_t *x = json_array_get(list, (size_t)i);
    return !list || json_is_true(x) || (json_is_number(x) && json_number_value(x) != 0);
}

// The tokens' numbers of answer i; *n is how many its other arrays have, 0: none yet.
static int read_array(const json_t *list, int i, const char *name, const char *where, int *n, float **out, struct err *e)
{
    const json_t *numbers = json_array_get(list, (size_t)i);
    const size_t size = json_array_size(numbers);
    if (!json_is_array(numbers) || size == 0 || size > MOST_TOKENS)
        return err_set(e, ERR_INPUT,
                       "%s: \"%s\" is to be an array for each answer, with a number for each of its tokens", where,
                       name);
    if (*n && (int)size != *n)
        return err_set(e, ERR_INPUT, "%s: answer %d has %d tokens, but \"%s\" holds %zu numbers of it", where, i + 1,
                       *n, name, size);
    *n = (int)size;
    *out = mem_alloc(size, sizeof **out);
    for (size_t k = 0; k < size; k++) {
        const json_t *x = json_array_get(numbers, k);
        if (!json_is_number(x))
            return err_set(e, ERR_INPUT, "%s: number %zu of answer %d in \"%s\" is none", where, k + 1, i + 1, name);
        if (!(fabs(json_number_value(x)) <= (double)FLT_MAX))
            return err_set(e, ERR_INPUT, "%s: number %zu of answer %d in \"%s\", %g, is too large for single precision",
                           where, k + 1, i + 1, name, json_number_value(x));
        (*out)[k] = (float)json_number_value(x);
    }
    return 0;
}

static int read_answer(struct tokens_eval *v, const json_t *line, int i, const char *where, struct err *e)
{
    const json_t *score = json_array_get(json_object_get(line, "score"), (size_t)i);
    MEM_GROW(v->seqs, v->n, v->cap);
    MEM_GROW(v->said, v->n, v->cap_said);
    MEM_GROW(v->answers, v->n, v->cap_answers);
    struct answer *a = &v->answers[v->n];
    struct seq *s = &v->seqs[v->n];
    *a = (struct answer){0};
    *s = (struct seq){.score = json_number_value(score)};
    v->said[v->n] = (struct said){.score = s->score, .ended = read_ended(json_object_get(line, "ended"), i)};
    v->n++;
    if (!json_is_number(score) || !(fabs(s->score) <= (double)FLT_MAX))
        return err_set(e, ERR_INPUT, "%s: the score of answer %d is no number, or too large for single precision",
                       where, i + 1);
    for (int k = 0; k < N_INPUTS; k++) {
        const json_t *list = json_object_get(line, inputs[k].name);
        int code = list ? read_array(list, i, inputs[k].name, where, &s->n, &a->arrays[inputs[k].array], e) : 0;
        if (!list && is_needed(v, k))
            code = err_set(e, ERR_INPUT, "%s: \"%s\" is missing, which %s needs: %s", where, inputs[k].name,
                           v->run->objective->name, inputs[k].what);
        if (code)
            return code;
    }
    return 0;
}

static int read_line(struct tokens_eval *v, const json_t *line, const char *where, struct err *e)
{
    const struct objective *o = v->run->objective;
    const int least = (int)o->params->min; // of the first parameter, samples
    const size_t n = json_array_size(json_object_get(line, "score"));
    int64_t longest = v->run->longest;
    if (!json_is_object(line) || n == 0 || n > MOST_ANSWERS)
        return err_set(e, ERR_INPUT, "%s: this is no object with what the answers to a prompt earned and their tokens' "
                       "numbers, such as {\"score\": [1, 0], \"old_logp\": [[-0.5, -2], [-1]], \"logp\": [[-0.4, "
                       "-2.1], [-1.2]]}", where);
    int code = check_names(line, where, e);
    if (!code)
        code = check_sizes(line, n, where, e);
    if (!code && (int)n < least)
        code = err_set(e, ERR_INPUT, "%s: there is %zu answer, but %s compares at least %d to each prompt", where, n,
                       o->name, least);
    if (!code)
        code = json_get_int(line, "longest", longest, 0, MOST_TOKENS, &longest, where, e);
    v->run->longest = (int)longest;
    for (int i = 0; i < (int)n && !code; i++)
        code = read_answer(v, line, i, where, e);
    MEM_GROW(v->first, v->n_groups + 1, v->cap_groups);
    v->first[++v->n_groups] = (int)v->n;
    return code;
}

static int read_lines(struct tokens_eval *v, const char *text, const char *name, struct err *e)
{
    int code = 0;
    long long line = 0;
    v->cap_groups = 16;
    v->first = mem_alloc(v->cap_groups, sizeof *v->first);
    for (const char *at = text; *at && !code;) {
        const size_t n = strcspn(at, "\n");
        char where[400];
        line++;
        snprintf(where, sizeof where, "%s:%lld", name, line);
        if (strspn(at, " \t\r") < n) {
            json_t *value = NULL;
            code = json_parse(at, n, where, &value, e);
            if (!code)
                code = read_line(v, value, where, e);
            json_decref(value);
        }
        at += n + (at[n] == '\n');
    }
    if (!code && v->n_groups == 0)
        code = err_set(e, ERR_INPUT, "%s holds no group: one JSON object a line is read, such as {\"score\": [1, 0], "
                       "\"old_logp\": [[-0.5, -2], [-1]], \"logp\": [[-0.4, -2.1], [-1.2]]}", name);
    return code;
}

// Arrays that are still missing are zeros; then everything points to them.
static void point(struct tokens_eval *v)
{
    const bool value = v->needs.networks & NETWORK_TOKEN_VALUE;
    for (size_t i = 0; i < v->n; i++) {
        struct answer *a = &v->answers[i];
        struct seq *s = &v->seqs[i];
        struct said *x = &v->said[i];
        for (int k = 0; k < N_ARRAYS; k++)
            if (!a->arrays[k])
                a->arrays[k] = mem_alloc((size_t)s->n, sizeof **a->arrays);
        for (int k = 0; k < 2; k++)
            a->slopes[k] = mem_alloc((size_t)s->n, sizeof **a->slopes);
        s->tokens = (struct token_numbers){.logp = a->arrays[LOGP],
                                           .value = value ? a->arrays[VALUE] : NULL,
                                           .d_logp = a->slopes[0],
                                           .d_value = value ? a->slopes[1] : NULL};
        for (int c = 0; c < N_TOKEN_COLUMNS; c++)
            s->tokens.columns[c] = a->arrays[FIRST_COLUMN + c];
        for (int t = 0; t < s->n; t++)
            s->logp += (double)a->arrays[LOGP][t];
        for (int t = 0; t < s->n; t++)
            s->ref += (double)a->arrays[FIRST_COLUMN + TOKEN_REFERENCE][t];
        float **c = a->arrays + FIRST_COLUMN;
        *x = (struct said){.n = s->n, .score = s->score, .ended = x->ended, .logp = c[TOKEN_OLD_LOGP],
                           .ref = c[TOKEN_REFERENCE], .value = value ? c[TOKEN_OLD_VALUE] : NULL,
            .reward = c[TOKEN_REWARD], .advantage = c[TOKEN_ADVANTAGE],
                           .returns = c[TOKEN_RETURN]};
    }
}

// By group, answer and token.
static json_t *by_token(const struct tokens_eval *v, int array, int slope)
{
    json_t *groups = json_array();
    for (size_t g = 0; g < v->n_groups; g++) {
        json_t *group = json_array();
        for (int i = v->first[g]; i < v->first[g + 1]; i++) {
            json_t *numbers = json_array();
            for (int t = 0; t < v->seqs[i].n; t++)
                json_array_append_new(numbers, json_computed(slope >= 0 ? v->answers[i].slopes[slope][t]
                                                                        : (double)v->answers[i].arrays[array][t]));
            json_array_append_new(group, numbers);
        }
        json_array_append_new(groups, group);
    }
    return groups;
}

static bool is_finite(const struct tokens_eval *v, size_t g)
{
    static const int made[] = {FIRST_COLUMN + TOKEN_REWARD, FIRST_COLUMN + TOKEN_ADVANTAGE, FIRST_COLUMN + TOKEN_RETURN};
    bool finite = true;
    for (int i = v->first[g]; i < v->first[g + 1]; i++)
        for (int t = 0; t < v->seqs[i].n; t++) {
            for (int k = 0; k < 3; k++)
                finite = finite && isfinite(v->answers[i].arrays[made[k]][t]);
            finite = finite && isfinite(v->answers[i].slopes[0][t]) && isfinite(v->answers[i].slopes[1][t]);
        }
    return finite;
}

static int compute(struct tokens_eval *v, json_t *losses, struct tally *tally, struct err *e)
{
    struct objective_run *r = v->run;
    r->n_groups = (int)v->n_groups;
    for (size_t i = 0; i < v->n; i++)
        r->n_tokens += v->seqs[i].n;
    r->objective->online->judge(r, v->said, v->first, r->n_groups);
    for (size_t g = 0; g < v->n_groups; g++) {
        double extra[OBJECTIVE_MAX_METRICS] = {0};
        struct seq *s = v->seqs + v->first[g];
        const int n = v->first[g + 1] - v->first[g];
        const double loss = objective_loss(r, s, n, extra);
        if (!isfinite(loss) || !is_finite(v, g))
            return err_set(
                e, ERR_NUMERIC,
                "the loss of group %zu, an advantage or a derivative is not finite: its numbers are too large", g + 1);
        json_array_append_new(losses, json_real(loss));
        tally_group(tally, r, s, n, loss, extra);
    }
    return 0;
}

static json_t *answer_of(struct tokens_eval *v, json_t *losses, const struct tally *tally)
{
    struct metric_list list = {0};
    json_t *metrics = json_object(), *state = json_array();
    int n_state = OBJECTIVE_MAX_STATE;
    tally_metrics(tally, v->run, false, &list);
    for (int i = 0; i < list.n; i++)
        json_object_set_new(metrics, list.items[i].key, json_computed(list.items[i].value));
    while (n_state > 0 && v->run->state[n_state - 1] == 0)
        n_state--;
    for (int i = 0; i < n_state; i++)
        json_array_append_new(state, json_computed(v->run->state[i]));
    json_t *o = json_pack("{s:s, s:i, s:f, s:O, s:o, s:o, s:o}", "objective", v->run->objective->name, "groups",
                          v->run->n_groups, "loss", tally->loss / v->run->n_groups, "losses", losses, "reward",
                          by_token(v, FIRST_COLUMN + TOKEN_REWARD, -1), "advantage",
                          by_token(v, FIRST_COLUMN + TOKEN_ADVANTAGE, -1), "d_logp", by_token(v, 0, 0));
    if (v->needs.networks & NETWORK_TOKEN_VALUE) {
        json_object_set_new(o, "return", by_token(v, FIRST_COLUMN + TOKEN_RETURN, -1));
        json_object_set_new(o, "d_value", by_token(v, 0, 1));
    }
    json_object_set_new(o, "metrics", metrics);
    json_object_set_new(o, "state", state);
    return o;
}

int objective_eval_tokens(struct objective_run *r, const char *text, const char *where, json_t **out, struct err *e)
{
    struct tokens_eval v = {.run = r, .needs = objective_needs(r)};
    json_t *losses = json_array();
    struct tally tally = {0};
    int code = read_lines(&v, text, where, e);
    if (!code) {
        point(&v);
        code = compute(&v, losses, &tally, e);
    }
    if (!code)
        *out = answer_of(&v, losses, &tally);
    json_decref(losses);
    for (size_t i = 0; i < v.n; i++) {
        for (int k = 0; k < N_ARRAYS; k++)
            free(v.answers[i].arrays[k]);
        for (int k = 0; k < 2; k++)
            free(v.answers[i].slopes[k]);
    }
    free(v.seqs);
    free(v.said);
    free(v.answers);
    free(v.first);
    return code;
}
