// attune-engine objective-eval: an objective as a calculator. Standard input holds one group a line, an object with an
// array per number ({"logp": [-12, -15], "ref": [-13, -14], "n": [6, 8]}); all lines together are the batch. One JSON
// value comes out: losses, derivatives, and what a training step would log.
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "corpus/corpus.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/objective_eval.h"
#include "train/objective/metrics.h"

const struct param engine_objective_eval_params[] = {
    {.name = "objective", .type = PARAM_TEXT, .help = "The objective's name."},
    {.name = "settings",
     .type = PARAM_TEXT,
     .fallback = "{}",
     .help = "Its parameters as a JSON object; others get their defaults."},
    {.name = "state",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "What the objective remembers from earlier steps, numbers separated by commas; empty: zeros."},
    {.name = "step", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e15, .help = "The number of the step."},
    {.name = "seed", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 4294967295.0, .help = "The run's seed."},
    {.name = "where", .type = PARAM_TEXT, .fallback = "standard input", .help = "What the input is called in errors."},
    {0}};

enum { MAX_INPUT_BYTES = 64 << 20, MAX_RESPONSES = 4096 };

// The numbers of struct seq by their names in the input. need: of which they are required.
static const struct field {
    const char *name;
    size_t at;
    struct needs need;
    const char *what;
} fields[] = {
    {"logp", offsetof(struct seq, logp), {0}, "the responses' summed log-probabilities"},
    {"ref", offsetof(struct seq, ref), {.networks = NETWORK_REFERENCE}, "their log-probabilities under the reference"},
    {"score", offsetof(struct seq, score), {.networks = NETWORK_SCORE}, "the reward head's scores"},
    {"label", offsetof(struct seq, label), {0}, "1 or 0 of good and bad ones, scores of lists"},
    {"kl", offsetof(struct seq, kl), {.reads = READ_KL}, "sums over tokens of KL(reference || policy)"},
    {"sum_squares", offsetof(struct seq, sum_squares), {.reads = READ_SUM_SQUARES}, "sums over tokens of log sum_v pi(v)^2"},
    {"rival", offsetof(struct seq, rival), {.reads = READ_RIVAL},
     "sums over tokens of softplus(token's logit - rival's logit)"},
    {"value", offsetof(struct seq, value), {.networks = NETWORK_VALUE}, "the value network's numbers at the prompt's end"},
    {"tail", offsetof(struct seq, tail), {0}, "what ld-alpha took from logp"},
    {"prompt_odds", offsetof(struct seq, prompt_odds), {0}, "log-odds that answers to the prompt are good"},
};
static const struct {
    const char *name;
    size_t at;
    struct needs need;
} slopes[] = {
    {"d_logp", offsetof(struct seq, d_logp), {0}},
    {"d_score", offsetof(struct seq, d_score), {.networks = NETWORK_SCORE}},
    {"d_kl", offsetof(struct seq, d_kl), {.reads = READ_KL}},
    {"d_rival", offsetof(struct seq, d_rival), {.reads = READ_RIVAL}},
    {"d_value", offsetof(struct seq, d_value), {.networks = NETWORK_VALUE}},
};
enum { N_FIELDS = sizeof fields / sizeof *fields, N_SLOPES = sizeof slopes / sizeof *slopes };

struct eval {
    struct objective_run run;
    struct needs needs;
    struct seq *seqs;
    size_t n_seqs, cap_seqs;
    int *first; // (n_groups + 1)
    size_t n_groups, cap_groups;
};

static double *number_at(struct seq *s, size_t offset)
{
    return (double *)(void *)((char *)s + offset);
}

static int read_stdin(struct str *s, struct err *e)
{
    char bytes[16384];
    ssize_t n;
    s->max = MAX_INPUT_BYTES;
    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            str_addn(s, bytes, (size_t)n);
    if (n < 0)
        return err_errno(e, "cannot read standard input");
    if (s->truncated)
        return err_set(e, ERR_LIMIT, "the input is larger than 64 MiB");
    return strlen(str_text(s)) == s->len ? 0 : err_set(e, ERR_INPUT, "the input holds NUL bytes: it is no text");
}

// How many numbers a member holds: an array's length; a plain number counts for every response.
static int member_size(const json_t *value, const char *name, const char *where, int *n, struct err *e)
{
    if (json_is_number(value)) {
        *n = 0;
        return 0;
    }
    if (!json_is_array(value) || json_array_size(value) == 0)
        return err_set(e, ERR_INPUT, "%s: \"%s\" is to be an array of numbers, one for each response", where, name);
    if (json_array_size(value) > MAX_RESPONSES)
        return err_set(e, ERR_LIMIT, "%s: \"%s\" holds %zu numbers; a group has at most %d responses", where, name,
                       json_array_size(value), MAX_RESPONSES);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_number(json_array_get(value, i)))
            return err_set(e, ERR_INPUT, "%s: element %zu of \"%s\" is no number", where, i + 1, name);
    *n = (int)json_array_size(value);
    return 0;
}

static bool is_known(const char *name)
{
    for (int f = 0; f < N_FIELDS; f++)
        if (strcmp(fields[f].name, name) == 0)
            return true;
    return strcmp(name, "n") == 0 || strcmp(name, "mismatched") == 0;
}

// All arrays of a group are of one length, which is its number of responses.
static int group_size(const json_t *group, const char *where, int *size, struct err *e)
{
    const char *name, *sized_by = NULL;
    json_t *value;
    int code = 0;
    *size = 1;
    json_object_foreach((json_t *)group, name, value) {
        int n = 0;
        if (!is_known(name)) {
            struct str names = {0};
            for (int f = 0; f < N_FIELDS; f++)
                str_addf(&names, "%s, ", fields[f].name);
            code = err_set(e, ERR_INPUT, "%s: there is no number \"%s\"; there are: %sn, mismatched", where, name,
                           str_text(&names));
            str_fini(&names);
        } else {
            code = member_size(value, name, where, &n, e);
        }
        if (!code && n && sized_by && n != *size)
            code = err_set(e, ERR_INPUT,
                           "%s: \"%s\" holds %d numbers, \"%s\" holds %d: a group has one of each for every response",
                           where, sized_by, *size, name, n);
        if (code)
            return code;
        if (n && !sized_by) {
            sized_by = name;
            *size = n;
        }
    }
    return 0;
}

static bool is_picked(const struct online *o, int n)
{
    return n == o->n_picked || (o->more && n > o->n_picked && (n - o->n_picked) % o->more == 0);
}

// The sizes that the objective's data make: one text or vote, a pair, a list, and what is added to them.
static int check_size(const struct objective *o, struct needs needs, int n, const char *where, struct err *e)
{
    const bool list = o->data & DATA_LIST, pair = o->data & DATA_PAIR, single = o->data & (DATA_SFT | DATA_BINARY);
    const int extra = needs.groups & GROUPS_MISMATCH ? 1 : 0, least = (single ? 1 : 2) + extra;
    const int most =
        list || (needs.groups & GROUPS_OWN_ANSWERS) ? MAX_RESPONSES : (pair && !(o->data & DATA_SFT) ? 2 : 1) + extra;
    const char *added = needs.groups & GROUPS_MISMATCH ? ", the last of them of another prompt"
                        : needs.groups & GROUPS_OWN_ANSWERS ? ", samples of the reference after the data's" : "";
    if (o->online) // which is of answers that were picked
        return is_picked(o->online, n)
                   ? 0
                   : err_set(e, ERR_INPUT,
                             "%s: the group has %d response%s, but %s learns from %d%s of those it samples", where, n,
                             n == 1 ? "" : "s", o->name, o->online->n_picked,
                             o->online->more == 1 ? " or more"
                             : o->online->more    ? ", or 4, 6, ..."
                                                  : "");
    if (n >= least && n <= most)
        return 0;
    if (least == most)
        return err_set(e, ERR_INPUT, "%s: the group has %d response%s, but %s takes %d%s", where, n, n == 1 ? "" : "s",
                       o->name, least, added);
    if (most == MAX_RESPONSES)
        return err_set(e, ERR_INPUT, "%s: the group has %d response%s, but %s takes at least %d%s", where, n,
                       n == 1 ? "" : "s", o->name, least, added);
    return err_set(e, ERR_INPUT, "%s: the group has %d response%s, but %s takes %d to %d%s", where, n,
                   n == 1 ? "" : "s", o->name, least, most, added);
}

static double number_of(const json_t *member, int i)
{
    return json_number_value(json_is_array(member) ? json_array_get(member, (size_t)i) : member);
}

static int read_lengths(const struct eval *v, const json_t *group, struct seq *s, int n, const char *where,
                        struct err *e)
{
    const json_t *lengths = json_object_get(group, "n");
    if (!lengths && !(v->needs.networks & NETWORK_SCORE))
        return err_set(e, ERR_INPUT, "%s: \"n\" is missing: the responses' lengths in tokens", where);
    for (int i = 0; i < n; i++) {
        const double length = lengths ? number_of(lengths, i) : 1;
        if (!(length >= 1 && length <= 1e9 && length == floor(length)))
            return err_set(e, ERR_INPUT, "%s: the length %g in \"n\" is no whole number from 1 on", where, length);
        s[i].n = (int)length;
    }
    return 0;
}

// Where the data say which is which, labels may be left out: texts, pairs, whose first response is the chosen one, and
// a bad response with samples after it.
static int default_labels(const struct eval *v, struct seq *s, int n, const char *where, struct err *e)
{
    const struct objective *o = v->run.objective;
    const int plain = n - (v->needs.groups & GROUPS_MISMATCH ? 1 : 0);
    if (v->needs.groups & GROUPS_OWN_ANSWERS) {
        for (int i = 1; i < n; i++)
            s[i].label = 1;
        return 0;
    }
    if (plain == 2 && (o->online || (o->data & DATA_PAIR))) {
        s[0].label = 1;
        return 0;
    }
    if (plain == 1 && (o->online || (o->data & DATA_SFT))) {
        s[0].label = 1;
        return 0;
    }
    return err_set(e, ERR_INPUT, "%s: \"label\" is missing: %s", where,
                   o->data & DATA_LIST ? "the responses' scores, higher is better"
                                       : "1 of a good response, 0 of a bad one");
}

static int read_group(struct eval *v, const json_t *group, const char *where, struct err *e)
{
    int n = 0, code;
    if (!json_is_object(group))
        return err_set(e, ERR_INPUT,
                       "%s: this is no object such as {\"logp\": [-12, -15], \"ref\": [-13, -14], \"n\": [6, 8]}",
                       where);
    code = group_size(group, where, &n, e);
    if (!code)
        code = check_size(v->run.objective, v->needs, n, where, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++) {
        MEM_GROW(v->seqs, v->n_seqs, v->cap_seqs);
        v->seqs[v->n_seqs++] = (struct seq){0};
    }
    struct seq *s = v->seqs + v->n_seqs - n;
    for (int f = 0; f < N_FIELDS; f++) {
        const json_t *member = json_object_get(group, fields[f].name);
        const bool needed = f == 0 ? !(v->needs.networks & NETWORK_SCORE) : needs_any(needs_both(v->needs, fields[f].need));
        if (!member && needed)
            return err_set(e, ERR_INPUT, "%s: \"%s\" is missing, which %s needs: %s", where, fields[f].name,
                           v->run.objective->name, fields[f].what);
        for (int i = 0; member && i < n; i++)
            *number_at(&s[i], fields[f].at) = number_of(member, i);
    }
    const json_t *mismatched = json_object_get(group, "mismatched");
    for (int i = 0; i < n; i++)
        s[i].mismatched = mismatched ? number_of(mismatched, i) != 0 : i == n - 1 && (v->needs.groups & GROUPS_MISMATCH);
    code = read_lengths(v, group, s, n, where, e);
    if (!code && !json_object_get(group, "label"))
        code = default_labels(v, s, n, where, e);
    MEM_GROW(v->first, v->n_groups + 1, v->cap_groups);
    v->first[++v->n_groups] = (int)v->n_seqs;
    return code;
}

static int read_groups(struct eval *v, const struct str *text, const char *name, struct err *e)
{
    int code = 0;
    long long line = 0;
    v->cap_groups = 16;
    v->first = mem_alloc(v->cap_groups, sizeof *v->first);
    for (const char *at = str_text(text); *at && !code;) {
        const size_t n = strcspn(at, "\n");
        char where[400];
        line++;
        if (strspn(at, " \t\r") < n) {
            json_error_t fault;
            json_t *group = json_loadb(at, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
            snprintf(where, sizeof where, "%s:%lld", name, line);
            code = group
                       ? read_group(v, group, where, e)
                       : err_set(e, ERR_INPUT, "%s is not valid JSON: column %d: %s", where, fault.column, fault.text);
            json_decref(group);
        }
        at += n + (at[n] == '\n');
    }
    if (!code && v->n_groups == 0)
        code = err_set(e, ERR_INPUT, "%s holds no group: one JSON object a line is read, such as "
                                     "{\"logp\": [-12, -15], \"ref\": [-13, -14], \"n\": [6, 8]}", name);
    return code;
}

static int read_state(struct objective_run *r, const char *text, struct err *e)
{
    int n = 0;
    while (*text) {
        char number[64];
        const size_t length = strcspn(text, ",");
        snprintf(number, sizeof number, "%.*s", (int)(length < 60 ? length : 60), text);
        if (n == OBJECTIVE_MAX_STATE)
            return err_set(e, ERR_USAGE, "--state: at most %d numbers are remembered", OBJECTIVE_MAX_STATE);
        if (!text_to_double(number, &r->state[n++]))
            return err_set(e, ERR_USAGE, "--state: \"%s\" is no number", number);
        text += length + (text[length] == ',');
    }
    return 0;
}

static json_t *numbers_by_group(struct eval *v, size_t offset)
{
    json_t *groups = json_array();
    for (size_t g = 0; g < v->n_groups; g++) {
        json_t *group = json_array();
        for (int i = v->first[g]; i < v->first[g + 1]; i++)
            json_array_append_new(group, json_real(*number_at(&v->seqs[i], offset)));
        json_array_append_new(groups, group);
    }
    return groups;
}

static int compute(struct eval *v, json_t *losses, struct tally *tally, struct err *e)
{
    struct objective_run *r = &v->run;
    r->n_groups = (int)v->n_groups;
    for (size_t i = 0; i < v->n_seqs; i++)
        r->n_tokens += v->seqs[i].mismatched ? 0 : v->seqs[i].n;
    if (r->objective->prepare)
        r->objective->prepare(r, v->seqs, v->first, r->n_groups);
    for (size_t g = 0; g < v->n_groups; g++) {
        double extra[OBJECTIVE_MAX_METRICS] = {0};
        struct seq *s = v->seqs + v->first[g];
        const int n = v->first[g + 1] - v->first[g];
        const double loss = objective_loss(r, s, n, extra);
        bool finite = isfinite(loss);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < N_SLOPES; k++)
                finite = finite && isfinite(*number_at(&s[i], slopes[k].at)) && isfinite(s[i].reward);
        if (!finite)
            return err_set(e, ERR_NUMERIC,
                           "the loss of group %zu or a derivative is not finite: its numbers are too large", g + 1);
        json_array_append_new(losses, json_real(loss));
        tally_group(tally, r, s, n, loss, extra);
    }
    return 0;
}

// What a step would log, without the accuracies of tokens that are not there.
static json_t *logged(const struct eval *v, const struct tally *tally)
{
    struct metric_list list = {0};
    json_t *metrics = json_object();
    tally_metrics(tally, &v->run, false, &list);
    for (int i = 0; i < list.n; i++)
        if (isfinite(list.items[i].value) && strcmp(list.items[i].key, "entropy") != 0 &&
            strcmp(list.items[i].key, "mean_token_accuracy") != 0)
            json_object_set_new(metrics, list.items[i].key, json_real(list.items[i].value));
    return metrics;
}

static json_t *answer(struct eval *v, const struct settings *values, json_t *losses, const struct tally *tally)
{
    json_t *o = json_pack("{s:s, s:o, s:i, s:f, s:O}", "objective", v->run.objective->name, "settings",
                          settings_to_json(values, true), "groups", v->run.n_groups, "loss",
                          tally->loss / v->run.n_groups, "losses", losses);
    for (int k = 0; k < N_SLOPES; k++)
        if (needs_any(slopes[k].need) ? needs_any(needs_both(v->needs, slopes[k].need))
                                      : !(v->needs.networks & NETWORK_SCORE))
            json_object_set_new(o, slopes[k].name, numbers_by_group(v, slopes[k].at));
    json_object_set_new(o, "rewards", numbers_by_group(v, offsetof(struct seq, reward)));
    json_object_set_new(o, "metrics", logged(v, tally));
    json_t *state = json_array();
    int n = OBJECTIVE_MAX_STATE;
    while (n > 0 && v->run.state[n - 1] == 0)
        n--;
    for (int i = 0; i < n; i++)
        json_array_append_new(state, json_real(v->run.state[i]));
    json_object_set_new(o, "state", state);
    return o;
}

static int configure(struct eval *v, struct settings *values, const struct settings *s, struct err *e)
{
    json_t *given = NULL;
    int code = json_parse(settings_text(s, "settings"), strlen(settings_text(s, "settings")), "--settings", &given, e);
    if (!code)
        code = settings_from_json(values, given, e);
    json_decref(given);
    if (code)
        return code;
    objective_configure(&v->run, v->run.objective, values);
    v->run.seed = (uint64_t)settings_int(s, "seed");
    v->run.step = settings_int(s, "step");
    v->needs = objective_needs(&v->run);
    return read_state(&v->run, settings_text(s, "state"), e);
}

int engine_objective_eval(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    struct eval v = {0};
    struct settings values;
    struct str text = {0};
    struct tally tally = {0};
    json_t *losses = json_array();
    int code = objective_find(&v.run.objective, settings_text(s, "objective"), e);
    if (code) {
        json_decref(losses);
        return code;
    }
    const struct param *const tables[] = {v.run.objective->params, objective_options(v.run.objective), NULL};
    settings_init(&values, tables);
    code = configure(&v, &values, s, e);
    if (!code)
        code = read_stdin(&text, e);
    if (!code && (v.needs.columns & COLUMN_TOKENS)) {
        json_t *said = NULL;
        code = objective_eval_tokens(&v.run, str_text(&text), settings_text(s, "where"), &said, e);
        if (!code)
            json_object_set_new(said, "settings", settings_to_json(&values, true));
        if (!code)
            code = engine_print(said, e);
    } else {
        if (!code)
            code = read_groups(&v, &text, settings_text(s, "where"), e);
        if (!code)
            code = compute(&v, losses, &tally, e);
        if (!code)
            code = engine_print(answer(&v, &values, losses, &tally), e);
    }
    json_decref(losses);
    settings_fini(&values);
    str_fini(&text);
    free(v.seqs);
    free(v.first);
    return code;
}
