#include "config.h"

#include "train/online/rewards.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "train/online/reward_kinds.h"

static const char *const norms[] = {"none", "batch", NULL};
static const char *const judges[] = {"reward", "person", NULL};
static const char *const idles[] = {"wait", "go-on", NULL};

static const char *const precisions[] = {"file", "int8", "nf4", NULL};

const struct param reward_params[] = {
    {.name = "reward-model", .type = PARAM_PATH, .fallback = "", .group = "rewards",
     .help = "A folder with the reward model that scores answers: a checkpoint of objective rm, or a classifier of transformers."},
    {.name = "reward-precision", .type = PARAM_CHOICE, .fallback = "file", .choices = precisions, .group = "rewards",
     .help = "How the weights of reward models and preference models are kept: as their file has them, or the linear layers in 8 bits "
             "(int8) or 4 (nf4): less memory, and scores that differ a little."},
    {.name = "watch-model", .type = PARAM_PATH, .fallback = "", .group = "rewards",
     .help = "Another reward model, which is only watched: when it falls while the reward rises, the reward is "
             "over-optimized."},
    {.name = "rewards", .type = PARAM_TEXT, .fallback = "", .group = "rewards",
     .help = "More rewards: [NAME=]KIND[:WHAT][@WEIGHT], separated by commas, such as length:20..60@0.2,regex:[.!?]$. "
             "Kinds: model, preference, length, regex, json, repetition, style, command. Weight 0: only watched. preference "
             "alone says only which of a prompt's answers is better: these sum to 0, so that there is no curve reward."},
    {.name = "reward-command", .type = PARAM_TEXT, .fallback = "", .group = "rewards",
     .help = "A program that scores answers, run in the folder where the run is started (of a recipe in that of its file): it reads "
             "JSON lines {id, prompt, response, tokens, ended} and writes lines {id, score}."},
    {.name = "reward-timeout", .type = PARAM_FLOAT, .fallback = "60", .min = 0.1, .max = 86400, .unit = "seconds",
     .group = "rewards",
     .help = "How long that program may take for a batch before it is started again."},
    {.name = "reward-clip", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1e9, .group = "rewards",
     .help = "What an answer earns in all is kept within plus and minus this; 0: never."},
    {.name = "reward-norm", .type = PARAM_CHOICE, .fallback = "none", .choices = norms, .group = "rewards",
     .help = "Bring what the answers of a batch earn to mean 0 and spread 1. The curves reward and eval/reward are of "
             "before."},
    {.name = "missing-end-penalty", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1e9, .group = "rewards",
     .help = "Taken off an answer that was cut off before it ended."},
    {.name = "overlong-buffer", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 65536, .unit = "tokens",
     .group = "rewards",
     .help = "Answers that come within so many tokens of max-new-tokens lose up to overlong-factor, more the longer they "
             "are (DAPO); 0: none."},
    {.name = "overlong-factor", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1e6, .group = "rewards",
     .help = "What an answer loses that is as long as can be, with overlong-buffer."},
    {.name = "feedback", .type = PARAM_CHOICE, .fallback = "reward", .choices = judges, .group = "feedback",
     .help = "Who says which answer is better: the rewards, or a person, who judges pairs of answers while the run goes on "
             "(attune label)."},
    {.name = "feedback-open", .type = PARAM_INT, .fallback = "16", .min = 1, .max = 4096, .unit = "pairs",
     .group = "feedback",
     .help = "With feedback person: at most so many pairs wait to be judged at once; the fewer, the newer they are."},
    {.name = "feedback-idle", .type = PARAM_CHOICE, .fallback = "wait", .choices = idles, .live = true, .group = "feedback",
     .help = "What the run does while nobody judges: wait, or go on with pairs that were judged before, which then also "
             "fill up batches."},
    {0}};

static const struct reward_kind *const kinds[] = {&reward_kind_model, &reward_kind_preference, &reward_kind_length,
                                                  &reward_kind_regex, &reward_kind_json,       &reward_kind_repetition,
                                                  &reward_kind_style, &reward_kind_command,    NULL};

struct reward {
    char *name;
    char mean_key[96], std_key[96]; // "rewards/NAME/mean"
    double weight;
    const struct reward_kind *kind;
    void *with;
};
enum { MOST_REWARDS = 16 };
// Nobody means more than this; far beyond it f32 has no room for what is made of a reward.
static const double FARTHEST = 1e9;

struct rewards {
    struct rewards_options o;
    struct reward list[MOST_REWARDS];
    int n;
    bool are_relative; // what is learnt from only compares: a prompt's answers earn 0 together
    rewards_visit visit; // of VISIT
    void *visit_with;
};

static const struct reward_kind *find_kind(const char *name, struct err *e)
{
    const char *names[16];
    size_t n = 0;
    for (const struct reward_kind *const *k = kinds; *k; k++) {
        if (strcmp((*k)->name, name) == 0)
            return *k;
        names[n++] = (*k)->name;
    }
    struct str near = {.max = 300};
    str_add_near(&near, name, names, n);
    err_set(e, ERR_USAGE,
            "rewards: there is no kind \"%.60s\"%s; there are model, preference, length, regex, json, repetition, "
            "style and command",
            name, str_text(&near));
    str_fini(&near);
    return NULL;
}

// A name that is free: the kind's, or with a number behind it. A name that was given must be free itself.
static int name_reward(const struct rewards *r, struct reward *x, const char *given, struct err *e)
{
    struct str name = {0};
    str_add(&name, given ? given : x->kind->name);
    for (int i = 0, number = 2; i < r->n; i++)
        if (strcmp(r->list[i].name, str_text(&name)) == 0) {
            if (given) {
                str_fini(&name);
                return err_set(e, ERR_USAGE, "rewards: two are named \"%.60s\"", given);
            }
            str_clear(&name);
            str_addf(&name, "%s-%d", x->kind->name, number++);
            i = -1;
        }
    x->name = str_take(&name);
    snprintf(x->mean_key, sizeof x->mean_key, "rewards/%.60s/mean", x->name);
    snprintf(x->std_key, sizeof x->std_key, "rewards/%.60s/std", x->name);
    return 0;
}

// The list alone; as well what loads nothing; the folders of models; all, which stays open.
enum depth { READ, TRY, VISIT, OPEN };

static int add(struct rewards *r, const char *name, const char *kind, const char *arg, double weight, enum depth depth,
               struct err *e)
{
    struct reward x = {.weight = weight, .kind = find_kind(kind, e)};
    if (!x.kind)
        return ERR_USAGE;
    if (r->n == MOST_REWARDS)
        return err_set(e, ERR_USAGE, "there are more than %d rewards", MOST_REWARDS);
    int code = name_reward(r, &x, name, e);
    if (!code && depth == VISIT && x.kind->look)
        code = r->visit(r->visit_with, x.kind, arg, e);
    if (!code && (depth == OPEN || (depth == TRY && !x.kind->look)))
        code = x.kind->open(&x.with, arg, &r->o, e);
    if (!code && depth == TRY && x.with && x.kind->close) {
        x.kind->close(x.with);
        x.with = NULL;
    }
    if (code)
        free(x.name);
    else
        r->list[r->n++] = x;
    return code;
}

static int add_all(struct rewards *r, const struct settings *s, enum depth depth, struct err *e)
{
    const char *at = settings_text(s, "rewards"), *model = settings_text(s, "reward-model"),
               *watched = settings_text(s, "watch-model"), *program = settings_text(s, "reward-command");
    int code = *model ? add(r, NULL, "model", model, 1, depth, e) : 0;
    if (!code && *watched)
        code = add(r, "watched", "model", watched, 0, depth, e);
    if (!code && *program)
        code = add(r, NULL, "command", program, 1, depth, e);
    while (!code) {
        struct reward_part p;
        const int more = reward_part_read(&at, &p, e);
        if (more <= 0) {
            code = more;
            break;
        }
        code = add(r, p.name, p.kind, p.arg, p.weight, depth, e);
        reward_part_fini(&p);
    }
    if (depth == VISIT)
        return code;
    const bool person = rewards_are_a_persons(s);
    bool any = false, compares = false, scores = false;
    for (int i = 0; i < r->n; i++) {
        any = any || r->list[i].weight != 0;
        compares = compares || (r->list[i].weight != 0 && r->list[i].kind->compares);
        scores = scores || (r->list[i].weight != 0 && !r->list[i].kind->compares);
    }
    r->are_relative = compares && !scores;
    if (!code && compares && settings_find(s, "samples") && settings_int(s, "samples") < 2)
        code = err_set(e, ERR_USAGE,
                       "rewards: preference compares a prompt's answers with each other, and there is one: give "
                       "samples 2 or more");
    if (!code && any && person)
        code = err_set(e, ERR_USAGE,
                       "with feedback person nothing is learnt from rewards: leave reward-model, reward-command and rewards "
                       "out, or only watch them (watch-model, or a weight of 0 such as length:20..60@0)");
    if (!code && !any && !person)
        code = err_set(e, ERR_USAGE, "there is no reward to learn from: give --reward-model the folder of a reward model "
                                     "(objective rm makes one from pairs), a rule such as --rewards length:20..60, or "
                                     "a program with --reward-command");
    return code;
}

bool rewards_are_a_persons(const struct settings *s)
{
    return strcmp(settings_text(s, "feedback"), "person") == 0;
}

int rewards_check(const struct settings *s, struct err *e)
{
    struct rewards r = {.o.settings = s};
    int code = add_all(&r, s, TRY, e);
    for (int i = 0; i < r.n; i++)
        free(r.list[i].name);
    return code;
}

int rewards_models(const struct settings *s, rewards_visit visit, void *with, struct err *e)
{
    struct rewards r = {.o.settings = s, .visit = visit, .visit_with = with};
    int code = add_all(&r, s, VISIT, e);
    for (int i = 0; i < r.n; i++)
        free(r.list[i].name);
    return code;
}

int rewards_weighed(const struct settings *s, const char *metric)
{
    struct rewards r = {.o.settings = s};
    int found = -1;
    add_all(&r, s, READ, NULL); // as far as it can be read
    for (int i = 0; i < r.n; i++) {
        if (strcmp(metric, r.list[i].mean_key) == 0)
            found = r.list[i].weight != 0;
        free(r.list[i].name);
    }
    return found;
}

static bool is_told(const struct rewards *r, int i)
{
    return r->n > 1 || r->list[i].weight != 1;
}

bool rewards_tell(const struct settings *s, const char *metric, struct str *told)
{
    struct rewards r = {.o.settings = s};
    bool found = false;
    add_all(&r, s, READ, NULL);
    for (int i = 0; i < r.n; i++) {
        const struct reward *x = &r.list[i];
        if (!x->kind->compares && is_told(&r, i)) {
            found = found || strcmp(metric, x->mean_key) == 0 || strcmp(metric, x->std_key) == 0;
            if (told)
                str_addf(told, ", eval/%s", x->mean_key);
        }
        free(x->name);
    }
    return found;
}

bool rewards_are_relative(const struct settings *s)
{
    struct rewards r = {.o.settings = s};
    add_all(&r, s, READ, NULL);
    for (int i = 0; i < r.n; i++)
        free(r.list[i].name);
    return r.are_relative;
}

void rewards_say_doubts(const struct settings *s, struct notes *notes)
{
    if (rewards_are_relative(s))
        notes_add(notes, "answers are only compared with the prompt's others, which sums to 0: there is no curve reward, "
                         "and reward_std says how far answers are apart; whether they become better say a watch-model and the "
                         "win rates of attune eval --reward-model");
}

bool rewards_score_single_answers(const struct settings *s)
{
    struct rewards r = {.o.settings = s};
    bool compares = rewards_are_a_persons(s);
    add_all(&r, s, READ, NULL);
    for (int i = 0; i < r.n; i++) {
        compares = compares || (r.list[i].weight != 0 && r.list[i].kind->compares);
        free(r.list[i].name);
    }
    return !compares;
}

int rewards_open(struct rewards **out, const struct rewards_options *o, struct err *e)
{
    struct rewards *r = mem_alloc(1, sizeof *r);
    r->o = *o;
    int code = add_all(r, o->settings, OPEN, e);
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
    for (int i = 0; i < r->n; i++) {
        if (r->list[i].kind->close)
            r->list[i].kind->close(r->list[i].with);
        free(r->list[i].name);
    }
    free(r);
}

// ---- a batch ----

static int add_texts(const struct rewards *r, const struct rollout_batch *b, bool held_out, struct reward_answers *a,
                     struct err *e)
{
    const struct dataset *d = &b->data;
    const struct corpus *c = held_out && r->o.held_out ? r->o.held_out : r->o.corpus;
    a->prompts = mem_alloc((size_t)a->n + 1, sizeof *a->prompts);
    a->texts = mem_alloc((size_t)a->n + 1, sizeof *a->texts);
    a->chats = mem_alloc((size_t)a->n + 1, sizeof *a->chats);
    int code = 0;
    for (int g = 0; g < d->n_groups; g++)
        for (int k = 0; k < d->groups[g].n_seqs && !code; k++) {
            const int i = d->groups[g].first_seq + k;
            size_t n;
            a->chats[i] = c && c->examples[d->groups[g].example].is_chat;
            a->prompts[i] = c ? example_prompt_text(&c->examples[d->groups[g].example]) : mem_strdup("");
            code = tokenizer_decode_more(r->o.tokenizer, d->tokens + d->seqs[i].first, (size_t)d->seqs[i].n, true,
                                         &a->texts[i], &n, e);
        }
    return code;
}

static void drop_texts(struct reward_answers *a)
{
    for (int i = 0; a->texts && i < a->n; i++) {
        free(a->prompts[i]);
        free(a->texts[i]);
    }
    free(a->prompts);
    free(a->texts);
    free(a->chats);
}

struct spread {
    double mean, std; // n - 1 in it
};

static struct spread spread_of(const double *x, int n)
{
    struct spread s = {0, 0};
    for (int i = 0; i < n; i++)
        s.mean += x[i] / n;
    for (int i = 0; i < n && n > 1; i++)
        s.std += (x[i] - s.mean) * (x[i] - s.mean) / (n - 1);
    s.std = sqrt(s.std);
    return s;
}

// Of the answers that are told of. mean_key NULL: the mean says nothing.
static void tell_spread(const char *mean_key, const char *std_key, const struct rollout_batch *b, const double *scores,
                        struct metric_list *facts)
{
    double *told = mem_alloc((size_t)b->data.n_seqs + 1, sizeof *told);
    int n = 0;
    for (int i = 0; i < b->data.n_seqs; i++)
        if (rollout_counts(b, i))
            told[n++] = scores[i];
    const struct spread s = spread_of(told, n);
    if (mean_key)
        metric_add(facts, mean_key, s.mean);
    metric_add(facts, std_key, s.std);
    free(told);
}

static bool are_alone(const struct dataset *d)
{
    for (int g = 0; g < d->n_groups; g++)
        if (d->groups[g].n_seqs > 1)
            return false;
    return true;
}

static int score_all(struct rewards *r, const struct reward_answers *a, double *totals, struct metric_list *facts,
                     struct err *e)
{
    double *scores = mem_alloc((size_t)a->n + 1, sizeof *scores);
    int code = 0;
    for (int i = 0; i < a->n; i++)
        totals[i] = 0;
    for (int k = 0; k < r->n && !code; k++) {
        const struct reward *x = &r->list[k];
        if (x->kind->compares && are_alone(&a->batch->data)) { // held-out prompts are answered once
            for (int i = 0; i < a->n && x->weight != 0; i++)
                totals[i] = NAN;
            continue;
        }
        code = x->kind->score(x->with, a, scores, e);
        for (int i = 0; i < a->n && !code; i++) {
            if (!(fabs(scores[i]) <= FARTHEST && fabs(x->weight * scores[i]) <= FARTHEST))
                code = err_set(e, ERR_NUMERIC, "reward %s of an answer is %g, with a weight of %g: rewards are to lie "
                               "between -%g and %g", x->name, scores[i], x->weight, FARTHEST, FARTHEST);
            totals[i] += x->weight * scores[i];
        }
        if (!code && is_told(r, k)) // else it is the reward
            tell_spread(x->mean_key, x->std_key, a->batch, scores, facts);
    }
    free(scores);
    return code;
}

// DAPO (Yu et al. 2025, eq. 13): 0 up to `buffer` tokens before the longest, then falling to -1.
static double overlong(double n, double longest, double buffer)
{
    return buffer <= 0 || n <= longest - buffer ? 0 : fmax(longest - buffer - n, -buffer) / buffer;
}

// A batch that is brought to mean 0 would have a curve of zeros: what is told of it, and what held-out answers earn, is of
// before, without the penalties, which are in the unit of after. Where rewards only compare a prompt's answers their mean is
// always 0, and a curve of it would look like one of a run that learns nothing: of them the spread alone is told.
static void settle(const struct rewards *r, const struct rollout_batch *b, bool held_out, double *totals,
                   struct metric_list *facts)
{
    const struct settings *s = r->o.settings;
    const double clip = settings_float(s, "reward-clip"), missing = settings_float(s, "missing-end-penalty"),
                 buffer = (double)settings_int(s, "overlong-buffer"), longest = (double)settings_int(s, "max-new-tokens"),
                 factor = settings_float(s, "overlong-factor");
    const bool scaled = strcmp(settings_text(s, "reward-norm"), "batch") == 0;
    const int n = b->data.n_seqs;
    for (int i = 0; i < n && clip > 0; i++)
        totals[i] = fmin(fmax(totals[i], -clip), clip);
    if (held_out && (scaled || r->are_relative))
        return;
    if (scaled || r->are_relative)
        tell_spread(r->are_relative ? NULL : "reward", "reward_std", b, totals, facts);
    const struct spread all = spread_of(totals, n);
    for (int i = 0; i < n; i++) {
        if (scaled)
            totals[i] = (totals[i] - all.mean) / (all.std + 1e-8);
        totals[i] += factor * overlong(b->data.seqs[i].n, longest, buffer) - (b->ended[i] ? 0 : missing);
    }
}

int rewards_score(struct rewards *r, struct rollout_batch *b, bool held_out, struct metric_list *facts, struct err *e)
{
    struct reward_answers a = {.batch = b, .n = b->data.n_seqs};
    bool texts = false;
    for (int i = 0; i < r->n; i++)
        texts = texts || r->list[i].kind->wants_texts;
    int code = texts ? add_texts(r, b, held_out, &a, e) : 0;
    if (!code)
        code = score_all(r, &a, b->scores, facts, e);
    if (!code)
        settle(r, b, held_out, b->scores, facts);
    for (int i = 0; i < b->data.n_seqs && rewards_are_a_persons(r->o.settings); i++)
        b->scores[i] = NAN; // the person's word comes later
    drop_texts(&a);
    return code;
}
