// Rules: what can be told of an answer by looking at it.
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "demo/demo.h"
#include "text/pattern.h"
#include "train/online/reward_kinds.h"

static int open_nothing(void **with, const char *arg, const struct rewards_options *o, struct err *e)
{
    *with = NULL;
    return *arg ? err_set(e, ERR_USAGE, "rewards: this kind takes nothing behind a colon, not \"%.60s\"", arg) : 0;
}

// ---- length: 1 within a band of tokens, falling to 0 over half its width on either side ----

struct band {
    double least, most;
};

static int open_length(void **with, const char *arg, const struct rewards_options *o, struct err *e)
{
    struct band b = {0};
    char least[32];
    const char *dots = strstr(arg, "..");
    text_copy(least, sizeof least, arg);
    least[dots && dots - arg < 31 ? dots - arg : 0] = '\0';
    if (!dots || !text_to_double(least, &b.least) || !text_to_double(dots + 2, &b.most) ||
        !(b.least >= 0 && b.most >= b.least))
        return err_set(e, ERR_USAGE, "rewards: length needs a band of tokens such as length:20..60, not \"%.60s\"", arg);
    *with = mem_alloc(1, sizeof b);
    memcpy(*with, &b, sizeof b);
    return 0;
}

static int score_length(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    const struct band *b = with;
    const double fall = fmax((b->most - b->least) / 2, 1);
    for (int i = 0; i < a->n; i++) {
        const double n = a->batch->data.seqs[i].n, off = n < b->least ? b->least - n : n > b->most ? n - b->most : 0;
        scores[i] = fmax(0, 1 - off / fall);
    }
    return 0;
}

// ---- regex: 1 where it matches ----

static int open_regex(void **with, const char *arg, const struct rewards_options *o, struct err *e)
{
    struct pattern *p = NULL;
    int code = *arg ? pattern_regex(&p, arg, "rewards: regex", e)
                    : err_set(e, ERR_USAGE, "rewards: regex needs an expression, as in regex:[.!?]$");
    *with = p;
    return code;
}

static int score_regex(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    struct pattern_walk walk;
    pattern_walk_init(&walk, with);
    for (int i = 0; i < a->n; i++) { // a text that was cut within a character, or takes too long to search, has no match
        const size_t n = strlen(a->texts[i]);
        size_t start, end;
        scores[i] = utf8_is_valid(a->texts[i], n) && pattern_find(&walk, a->texts[i], n, 0, &start, &end, NULL) > 0;
    }
    pattern_walk_fini(&walk);
    return 0;
}

static void close_regex(void *with)
{
    pattern_free(with);
}

// ---- json: 1 where the answer is one JSON value ----

static int score_json(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    for (int i = 0; i < a->n; i++) {
        json_t *value = NULL;
        scores[i] = json_parse(a->texts[i], strlen(a->texts[i]), "an answer", &value, NULL) == 0;
        json_decref(value);
    }
    return 0;
}

// ---- repetition: from 0 down to -1, the share of runs of four words that were there before ----

enum { RUN_WORDS = 4 };

static uint64_t hash_word(const char *word, size_t n, uint64_t h)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)tolower((unsigned char)word[i])) * 0x100000001b3u; // FNV-1a
    return (h ^ ' ') * 0x100000001b3u;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double repetition(const char *text)
{
    const char *words[RUN_WORDS];
    size_t lengths[RUN_WORDS], n_words = 0, n_runs = 0, cap = 0, n_distinct = 0;
    uint64_t *runs = NULL;
    for (const char *at = text; *(at += strspn(at, " \t\r\n"));) {
        const size_t n = strcspn(at, " \t\r\n");
        words[n_words % RUN_WORDS] = at;
        lengths[n_words++ % RUN_WORDS] = n;
        at += n;
        if (n_words < RUN_WORDS)
            continue;
        uint64_t h = 0xcbf29ce484222325u;
        for (size_t k = 0; k < RUN_WORDS; k++)
            h = hash_word(words[(n_words + k) % RUN_WORDS], lengths[(n_words + k) % RUN_WORDS], h);
        MEM_GROW(runs, n_runs, cap);
        runs[n_runs++] = h;
    }
    if (n_runs)
        qsort(runs, n_runs, sizeof *runs, by_value);
    for (size_t i = 0; i < n_runs; i++)
        n_distinct += i == 0 || runs[i] != runs[i - 1];
    free(runs);
    return n_runs ? (double)n_distinct / (double)n_runs - 1 : 0;
}

static int score_repetition(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    for (int i = 0; i < a->n; i++)
        scores[i] = repetition(a->texts[i]);
    return 0;
}

// ---- style: the demo's known truth ----

enum { STYLE_TRUTH = DEMO_N_STYLES };
static const double OF_NO_STYLE = 4; // nats below what is liked least

static int open_style(void **with, const char *arg, const struct rewards_options *o, struct err *e)
{
    int *style = mem_alloc(1, sizeof *style);
    for (*style = 0; *style < DEMO_N_STYLES; ++*style)
        if (strcmp(demo_styles[*style].name, arg) == 0)
            break;
    *with = style;
    if (*style < DEMO_N_STYLES || strcmp(arg, "truth") == 0)
        return 0;
    free(style);
    *with = NULL;
    return err_set(e, ERR_USAGE, "rewards: style needs one of the demo's, as in style:song, or style:truth for what people "
                   "like of them, not \"%.60s\"", arg);
}

static double truth(int style)
{
    double least = 0;
    for (int s = 0; s < DEMO_N_STYLES; s++)
        least = fmin(least, demo_styles[s].utility);
    return style == DEMO_NO_STYLE ? least - OF_NO_STYLE : demo_styles[style].utility;
}

static int score_style(void *with, const struct reward_answers *a, double *scores, struct err *e)
{
    const int *wanted = with;
    for (int i = 0; i < a->n; i++) {
        const int style = demo_style(a->texts[i], strlen(a->texts[i]));
        scores[i] = *wanted == STYLE_TRUTH ? truth(style) : style == *wanted;
    }
    return 0;
}

const struct reward_kind reward_kind_length = {
    .name = "length",
    .help = "length:20..60, 1 within that many tokens, falling to 0 over half the band's width",
    .open = open_length,
    .score = score_length,
    .close = free};
const struct reward_kind reward_kind_regex = {.name = "regex",
                                              .help = "regex:EXPRESSION, 1 where it matches",
                                              .wants_texts = true,
                                              .open = open_regex,
                                              .score = score_regex,
                                              .close = close_regex};
const struct reward_kind reward_kind_json = {.name = "json",
                                             .help = "json, 1 where the answer is one JSON value",
                                             .wants_texts = true,
                                             .open = open_nothing,
                                             .score = score_json,
                                             .close = free};
const struct reward_kind reward_kind_repetition = {
    .name = "repetition",
    .help = "repetition, 0 down to -1: the share of repeated runs of four words",
    .wants_texts = true,
    .open = open_nothing,
    .score = score_repetition,
    .close = free};
const struct reward_kind reward_kind_style = {.name = "style", .help = "style:song or style:truth, of the demo's endings",
                                              .wants_texts = true, .open = open_style,
                                              .score = score_style, .close = free};
