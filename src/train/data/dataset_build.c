// Examples become groups: texts as tokens, cut to what fits, what teaches nothing left out.
#include "config.h"

#include "train/data/dataset.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "corpus/row.h"
#include "train/data/comparison.h"
#include "train/data/dataset_lists.h"
#include "train/data/mismatch.h"

// Longest prompt: at least a quarter of the room stays for responses, or a few tokens for a letter.
static size_t prompt_room(const struct dataset_options *o)
{
    enum { LETTER_ROOM = 4 };
    const int max_length = o->rules->max_length, most = max_length - (max_length + 3) / 4;
    if (o->compare)
        return (size_t)(max_length - LETTER_ROOM);
    return (size_t)(o->rules->max_prompt_length < most ? o->rules->max_prompt_length : most);
}

// An example's texts as tokens, before it is known what of them is kept.
struct texts {
    struct encoded answers[ROW_MAX_RESPONSES], ask;
    int n;
    bool plain_specials;
};

static void texts_fini(struct texts *t)
{
    for (int i = 0; i < t->n; i++)
        encoded_fini(&t->answers[i]);
    encoded_fini(&t->ask);
}

static int texts_encode(struct texts *t, const struct dataset_options *o, const struct example *ex, int n_responses,
                        struct err *e)
{
    int code = 0;
    t->n = 0;
    t->ask = (struct encoded){0};
    t->plain_specials = false;
    if (o->asks)
        code = text_rules_encode(o->rules, ex, NULL, &t->ask, e);
    for (int i = 0; i < n_responses && !code; i++) {
        code = (o->compare ? text_rules_encode_open : text_rules_encode)(o->rules, ex, &ex->responses[i],
                                                                         &t->answers[i], e);
        t->n += !code;
        t->plain_specials = t->plain_specials || (!code && t->answers[i].plain_specials);
    }
    if (code)
        texts_fini(t);
    return code;
}

// How many tokens all of them begin with, of the prompt alone.
static size_t common_beginning(const struct texts *t, bool asks)
{
    const struct encoded *first = &t->answers[0];
    size_t n = first->n_before;
    for (int i = 1; i <= t->n; i++) {
        const struct encoded *other = i < t->n ? &t->answers[i] : &t->ask;
        if (i == t->n && !asks)
            break;
        n = other->n_before < n ? other->n_before : n;
        size_t same = 0;
        while (same < n && other->ids[same] == first->ids[same])
            same++;
        n = same;
    }
    return n;
}

// Prompts lose their beginning (but keep bos): all of an example's texts the same, because they share it. Returns how
// many tokens went.
static size_t cut_prompts(struct texts *t, size_t *shared, size_t room, bool asks, int32_t bos)
{
    size_t longest = asks ? t->ask.n_before : 0, n;
    for (int i = 0; i < t->n; i++)
        longest = t->answers[i].n_before > longest ? t->answers[i].n_before : longest;
    n = longest > room ? longest - room : 0;
    n = n < *shared ? n : *shared - 1;
    if (n == 0)
        return 0;
    for (int i = 0; i < t->n; i++)
        encoded_cut_prompt(&t->answers[i], n, bos);
    if (asks)
        encoded_cut_prompt(&t->ask, n, bos);
    *shared -= n;
    return n;
}

// Responses lose their end.
static void add_responses(struct dataset *d, const struct texts *t, const struct example *ex, struct ds_group *g,
                          size_t max_length, bool *cut)
{
    const size_t shared = (size_t)g->n_prompt;
    for (int i = 0; i < t->n; i++) {
        const struct encoded *x = &t->answers[i];
        size_t end = x->n;
        if (end > max_length) {
            end = max_length;
            *cut = true;
        }
        if (end <= x->n_before)
            continue;
        const size_t n_context = x->n_before - shared;
        MEM_GROW(d->seqs, d->n_seqs, d->cap_seqs);
        d->seqs[d->n_seqs++] =
            (struct ds_seq){.first = dataset_add_tokens(d, x->ids + shared, end - shared) + n_context,
                            .n = (int)(end - x->n_before), .n_context = (int)n_context,
                            .label = ex->responses[i].score, .response = i};
        g->n_seqs++;
    }
}

// The group as it is, or each of its responses as one of its own with the same prompt.
static void add_groups(struct dataset *d, const struct ds_group *g, const struct dataset_options *o)
{
    const int n = o->singly ? g->n_seqs : 1;
    int kept = g->first_seq;
    for (int i = 0; i < n; i++) {
        struct ds_group one = *g;
        if (o->singly) {
            const struct ds_seq s = d->seqs[g->first_seq + i];
            if (o->bad_only && s.label >= 0.5)
                continue;
            one.first_seq = kept;
            one.n_seqs = 1;
            d->seqs[kept++] = s;
        }
        MEM_GROW(d->groups, d->n_groups, d->cap_groups);
        d->groups[d->n_groups++] = one;
    }
    if (o->singly)
        d->n_seqs = kept;
}

// What is left of an example after some responses proved unusable: a list needs two that differ in label (one where
// responses count singly or are only scored), others all.
static bool still_teaches(struct dataset *d, struct ds_group *g, const struct dataset_options *o, bool is_list,
                          int n_responses)
{
    if (is_list)
        return g->n_seqs > 0 && (o->singly || o->to_score || dataset_settle_list(d, g));
    return g->n_seqs > 0 && g->n_seqs == n_responses &&
           !(g->n_seqs == 2 && dataset_same_tokens(d, &d->seqs[g->first_seq], &d->seqs[g->first_seq + 1]));
}

static void leave_out(struct dataset *d, size_t example, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void leave_out(struct dataset *d, size_t example, const char *format, ...)
{
    struct str reason = {.max = 300};
    va_list args;
    if (d->n_left_out && d->left_out[d->n_left_out - 1].example == example) // in the other order of a comparison
        return;
    va_start(args, format);
    str_vaddf(&reason, format, args);
    va_end(args);
    MEM_GROW(d->left_out, d->n_left_out, d->cap_left_out);
    d->left_out[d->n_left_out++] = (struct ds_left_out){(uint32_t)example, mem_strdup(str_text(&reason))};
    str_fini(&reason);
}

// Why too little of an example's answers is left.
static const char *too_little(const struct texts *t, const struct ds_group *g, bool is_list)
{
    for (int i = 0; i < t->n && !is_list; i++)
        if (t->answers[i].n <= t->answers[i].n_before)
            return "an answer is empty";
    if (g->n_seqs < t->n && !is_list)
        return "the prompt leaves no room for an answer";
    return is_list ? "fewer than two answers are left that differ" : "the answers are the same tokens";
}

static void add_group(struct dataset *d, struct texts *t, const struct example *ex, size_t index, bool is_list,
                      bool flipped, const struct dataset_options *o)
{
    const size_t tokens_before = d->n_tokens;
    const int seqs_before = d->n_seqs, n_responses = t->n;
    size_t shared = common_beginning(t, o->asks);
    if (shared == 0) {
        leave_out(d, index, "there is no token to begin with: the prompt is empty, and the tokenizer has no beginning");
        return;
    }
    const size_t n_cut = cut_prompts(t, &shared, prompt_room(o), o->asks, o->rules->bos);
    bool cut = n_cut > 0;
    struct ds_group g = {.prompt = dataset_add_tokens(d, t->answers[0].ids, shared), .n_prompt = (int)shared,
                         .n_dropped = (int)n_cut, .first_seq = d->n_seqs, .example = (uint32_t)index,
                         .flipped = flipped};
    if (o->asks) {
        g.ask = dataset_add_tokens(d, t->ask.ids, t->ask.n);
        g.n_ask = (int)t->ask.n;
    }
    add_responses(d, t, ex, &g, (size_t)o->rules->max_length, &cut);
    if (!still_teaches(d, &g, o, is_list, n_responses)) {
        leave_out(d, index, "%s%s", too_little(t, &g, is_list), cut ? " (shortened to max-length)" : "");
        d->n_tokens = tokens_before;
        d->n_seqs = seqs_before;
        return;
    }
    g.cut = cut;
    add_groups(d, &g, o);
    d->n_lost += n_responses - g.n_seqs;
    d->n_plain_specials += t->plain_specials;
}

static int add_example(struct dataset *d, const struct dataset_options *o, const struct example *ex, size_t index,
                       bool is_list, bool flipped, struct err *e)
{
    struct texts *t = mem_alloc(1, sizeof *t);
    struct err fault = {0};
    int code = texts_encode(t, o, ex, o->max_responses && ex->n_responses > o->max_responses ? o->max_responses
                                                                                            : ex->n_responses, &fault);
    if (!code) {
        add_group(d, t, ex, index, is_list, flipped, o);
        texts_fini(t);
    } else if (code == ERR_INPUT) { // such as roles in an order that the template forbids: this row's fault alone
        leave_out(d, index, "%s", fault.text);
        code = 0;
    } else if (e) {
        *e = fault;
    }
    free(t);
    return code;
}

// A prompt to be answered. Longer ones lose their beginning.
static int add_prompt(struct dataset *d, const struct dataset_options *o, const struct example *ex, size_t index,
                      struct err *e)
{
    struct err fault = {0};
    struct encoded x;
    int code = text_rules_encode(o->rules, ex, NULL, &x, &fault);
    if (code == ERR_INPUT) {
        leave_out(d, index, "%s", fault.text);
        return 0;
    }
    if (code) {
        if (e)
            *e = fault;
        return code;
    }
    const size_t room = prompt_room(o), n_cut = x.n > room ? x.n - room : 0;
    if (n_cut)
        encoded_cut_prompt(&x, n_cut, o->rules->bos);
    if (x.n == 0) {
        leave_out(d, index, "there is no token to begin with: the prompt is empty, and the tokenizer has no beginning");
    } else {
        MEM_GROW(d->groups, d->n_groups, d->cap_groups);
        d->groups[d->n_groups++] = (struct ds_group){.prompt = dataset_add_tokens(d, x.ids, x.n), .n_prompt = (int)x.n,
                                                     .n_dropped = (int)n_cut, .example = (uint32_t)index, .cut = n_cut > 0};
        d->n_plain_specials += x.plain_specials;
    }
    encoded_fini(&x);
    return 0;
}

static int prompt_length(const struct text_rules *r, const struct example *ex, size_t *n, struct err *e)
{
    struct encoded x;
    int code = text_rules_encode(r, ex, NULL, &x, e);
    if (code)
        return code;
    *n = x.n;
    encoded_fini(&x);
    return 0;
}

// A pair as one question with a letter for an answer. Where it is too long, all three texts are cut to the same length.
static int add_comparison(struct dataset *d, const struct dataset_options *o, const struct example *pair, size_t index,
                          bool flipped, struct err *e)
{
    const char *const letters[] = {"A", "B"}, *const after_text[] = {" A", " B"};
    const char *const *letter = text_rules_is_chat(o->rules, pair) ? letters : after_text;
    const size_t room = prompt_room(o);
    struct turn turn = {.role = "user", .text = ""};
    const struct response answers[2] = {{.text = letter[flipped], .score = pair->responses[0].score},
                                        {.text = letter[!flipped], .score = pair->responses[1].score}};
    const struct example shown = {.line = pair->line, .is_chat = pair->is_chat, .turns = &turn, .n_turns = 1,
                                  .responses = answers, .n_responses = 2};
    struct str text = {0};
    size_t limit = comparison_longest(pair), n = 0;
    for (bool fits = false; !fits;) {
        str_clear(&text);
        comparison_text(&text, pair, flipped, limit);
        turn.text = str_text(&text);
        // A template that does not take it refuses it in add_example, with the reason.
        fits = prompt_length(o->rules, &shown, &n, NULL) || n <= room || limit == 0;
        limit = fits ? limit : limit * room / n * 15 / 16;
    }
    const int before = d->n_groups;
    int code = add_example(d, o, &shown, index, false, flipped, e);
    for (int i = before; i < d->n_groups; i++)
        d->groups[i].cut = d->groups[i].cut || limit < comparison_longest(pair);
    str_fini(&text);
    return code;
}

static int add_pair_in_orders(struct dataset *d, const struct dataset_options *o, const struct example *pair,
                              size_t index, struct err *e)
{
    const bool one = o->both_orders ? false : comparison_flipped(o->seed, index);
    int code = add_comparison(d, o, pair, index, one, e);
    if (!code && o->both_orders)
        code = add_comparison(d, o, pair, index, true, e);
    return code;
}

int dataset_build(struct dataset *d, const struct corpus *c, const bool *use, int limit,
                  const struct dataset_options *o, struct err *e)
{
    *d = (struct dataset){0};
    int code = 0;
    const int most = o->both_orders ? 2 * limit : limit;
    for (size_t i = 0; !code && i < c->n_examples && (limit == 0 || d->n_groups < most); i++) {
        if (use && !use[i])
            continue;
        if (o->skip_ties && !o->prompts && c->kind == DATA_PAIR && pair_is_tie(&c->examples[i]))
            d->n_ties++;
        else if (o->prompts)
            code = add_prompt(d, o, &c->examples[i], i, e);
        else if (o->compare)
            code = add_pair_in_orders(d, o, &c->examples[i], i, e);
        else
            code = add_example(d, o, &c->examples[i], i, c->kind == DATA_LIST, false, e);
    }
    for (int i = 0; i < d->n_groups; i++)
        d->n_cut += d->groups[i].cut;
    if (!code && d->n_groups == 0 && o->bad_only && d->n_left_out == 0)
        code = err_set(e, ERR_INPUT, "%s has no response that is marked as bad: this objective learns from such alone",
                       c->path);
    if (!code && d->n_groups == 0) {
        struct str why = {.max = 400};
        if (d->n_left_out)
            str_addf(&why, ", and %d cannot be used; line %lld: %s", d->n_left_out,
                     (long long)c->examples[d->left_out[0].example].line, d->left_out[0].reason);
        code = err_set(e, ERR_INPUT, "%s has no example that can be used: %d %s%s", c->path, d->n_ties,
                       text_plural(d->n_ties, "is a tie", "are ties"), str_text(&why));
        str_fini(&why);
    }
    if (!code && o->mismatched)
        code = dataset_mismatch(d, c, o->rules, o->seed, e);
    if (code)
        dataset_fini(d);
    else
        dataset_rehash(d);
    return code;
}

int dataset_prompt_tokens(const struct dataset_options *o, const struct example *ex, int32_t **ids, int *n,
                          struct err *e)
{
    struct encoded x;
    int code = text_rules_encode(o->rules, ex, NULL, &x, e);
    if (code)
        return code;
    const size_t room = prompt_room(o);
    if (x.n > room && room > 0)
        encoded_cut_prompt(&x, x.n - room, o->rules->bos);
    if (x.n == 0) {
        encoded_fini(&x);
        return err_set(e, ERR_INPUT,
                       "the prompt is empty and the tokenizer has no token to begin with: write a prompt");
    }
    *ids = x.ids;
    *n = (int)x.n;
    return 0;
}

void dataset_options_for(struct dataset_options *o, const struct objective *objective, struct needs needs, uint64_t seed)
{
    o->max_responses = objective->data & DATA_SFT ? 1 : 0;
    o->skip_ties = !(objective->needs.groups & GROUPS_TIES);
    o->prompts = objective->online;
    o->singly = objective->data & DATA_BINARY;
    o->bad_only = needs.groups & GROUPS_BAD;
    o->asks = needs.groups & (GROUPS_OWN_ANSWERS | GROUPS_MISMATCH);
    o->mismatched = needs.groups & GROUPS_MISMATCH;
    o->compare = needs.groups & GROUPS_COMPARISON;
    o->seed = seed;
}
