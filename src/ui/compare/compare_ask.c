// The questions of a compare. A side may be given another model, or none be left of it, while its question is under way:
// every question has a turn of its own, and what comes for a turn that no side waits for is dropped.
#include "config.h"

#include "ui/compare/compare_ask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct ask {
    struct compare *compare;
    enum compare_question question;
    uint64_t turn;
};

static struct compare_side *side_of(const struct ask *a)
{
    struct compare *c = a->compare;
    for (int i = 0; i < c->n; i++)
        if (c->sides[i].asked[a->question].turn == a->turn)
            return &c->sides[i];
    return NULL;
}

// ---- rows ----

static void take_piece(struct compare_answer *x, const json_t *row)
{
    const char *piece = json_string_value(json_object_get(row, "piece"));
    if (x->n_tokens == 0)
        x->first_s = clock_seconds();
    MEM_GROW(x->tokens, x->n_tokens, x->cap_tokens);
    x->tokens[x->n_tokens++] = (struct compare_token){.id = (int32_t)json_integer_value(json_object_get(row, "id")),
                                                      .n_bytes = piece ? (int)strlen(piece) : 0,
                                                      .logp = json_number_value(json_object_get(row, "logp")),
                                                      .entropy = NAN,
                                                      .reference = NAN,
                                                      .other = NAN};
    str_add(&x->text, piece ? piece : "");
    x->state = SIDE_STREAMING;
}

// The whole text: a character that never became whole is in it, and what stop texts cut off is not.
static void take_whole(struct compare_answer *x, const char *text)
{
    if (strcmp(str_text(&x->text), text) == 0)
        return;
    const size_t before = x->text.len;
    str_clear(&x->text);
    str_add(&x->text, text);
    if (x->text.len > before && x->n_tokens > 0)
        x->tokens[x->n_tokens - 1].n_bytes += (int)(x->text.len - before);
}

static void take_answer(struct compare_answer *x, const json_t *row)
{
    const char *text = json_string_value(json_object_get(row, "text"));
    if (text)
        take_whole(x, text);
    else
        take_piece(x, row);
}

// How some model reads the tokens that were said; nothing where it cuts the text into others.
static void take_tokens(struct compare_answer *x, enum compare_question question, const json_t *row)
{
    const json_t *tokens = json_object_get(row, "tokens");
    const bool same = json_is_true(json_object_get(row, "same_tokens")) && (int)json_array_size(tokens) == x->n_tokens;
    for (int i = 0; same && i < x->n_tokens; i++) {
        const json_t *token = json_array_get(tokens, (size_t)i);
        const double logp = json_number_value(json_object_get(token, "logp"));
        if (question == ASK_OWN)
            x->tokens[i].entropy = json_number_value(json_object_get(token, "entropy"));
        else if (question == ASK_REFERENCE)
            x->tokens[i].reference = logp;
        else
            x->tokens[i].other = logp;
    }
    if (question == ASK_REFERENCE)
        x->reference_tokens = same;
    else if (question == ASK_OTHER)
        x->other_tokens = same;
}

static int take_row(void *arg, const json_t *row, struct err *e)
{
    struct ask *a = arg;
    struct compare_side *s = side_of(a);
    if (!s)
        return 0;
    s->drawn = false;
    if (a->question == ASK_ANSWER) {
        take_answer(&s->answer, row);
        compare_changed(a->compare); // what differs from it
    } else if (a->question == ASK_SCORE) {
        const json_t *score = json_object_get(json_array_get(json_object_get(row, "responses"), 0), "score");
        s->answer.score = json_is_number(score) ? json_number_value(score) : NAN;
    } else {
        take_tokens(&s->answer, a->question, row);
    }
    return 0;
}

static void end_answer(struct compare *c, struct compare_side *s, int code, const struct err *e)
{
    s->answer.state = code ? SIDE_FAILED : SIDE_WHOLE;
    s->answer.ended_s = clock_seconds();
    if (code)
        text_copy(s->answer.trouble, sizeof s->answer.trouble, e->text);
    compare_changed(c);
}

static void end(void *arg, int code, const struct err *e)
{
    struct ask *a = arg;
    struct compare_side *s = side_of(a);
    if (s) {
        s->asked[a->question].turn = 0;
        s->drawn = false;
        if (a->question == ASK_ANSWER)
            end_answer(a->compare, s, code, e);
        else if (code && code != ERR_INTERRUPTED)
            ui_say_error(a->compare->ui, "%s", e->text);
        if (!code)
            compare_want(a->compare);
    }
    free(a);
}

// ---- questions ----

static void ask(struct compare *c, struct compare_side *s, enum compare_question question, const char *folder,
                const char *what, json_t *options, json_t *words)
{
    struct ask *a = mem_alloc(1, sizeof *a);
    struct err fault = {0};
    *a = (struct ask){c, question, ++c->last_turn};
    s->asked[question].turn = a->turn;
    if (ui_ask_model(c->ui, folder, what, options, words, &(struct engine_asker){take_row, end, a}, &s->asked[question].id,
                     &fault))
        end(a, fault.code, &fault);
}

void compare_ask_answer(struct compare *c, struct compare_side *s)
{
    json_t *options = json_pack("{s:i, s:f, s:f, s:I, s:b, s:b, s:s*}", "max-tokens", c->max_tokens, "temperature",
                                c->temperature, "top-p", c->top_p, "seed", (json_int_t)c->seed, "stream", true,
                                "tokens", true, "history", compare_history(c, s));
    ask(c, s, ASK_ANSWER, s->model.folder, "sample", options, json_pack("[s]", c->prompt));
}

void compare_ask_cancel(struct compare *c, struct compare_side *s)
{
    for (int q = 0; q < N_QUESTIONS; q++) {
        if (s->asked[q].turn)
            ui_cancel_question(c->ui, s->asked[q].id);
        s->asked[q].turn = 0;
    }
}

static void ask_tokens(struct compare *c, struct compare_side *s, enum compare_question question, const char *folder)
{
    struct str ids = {0};
    for (int i = 0; i < s->answer.n_tokens; i++)
        str_addf(&ids, "%s%d", i ? "," : "", (int)s->answer.tokens[i].id);
    ask(c, s, question, folder, "tokens",
        json_pack("{s:s, s:s, s:s*}", "prompt", c->prompt, "ids", str_text(&ids), "history", compare_history(c, s)),
        json_pack("[s]", str_text(&s->answer.text)));
    str_fini(&ids);
}

// A reference that a run started from, or the one that the folder names.
static void want_reference(struct compare *c, struct compare_side *s)
{
    if (s->answer.has_reference || !s->model.reference)
        return;
    s->answer.has_reference = true;
    ask_tokens(c, s, ASK_REFERENCE, s->model.reference);
}

static void want_other(struct compare *c, int place)
{
    struct compare_side *s = compare_at(c, place), *other = compare_other(c, place);
    if (!other || !other->model.folder || (s->answer.other && strcmp(s->answer.other, other->model.folder) == 0))
        return;
    free(s->answer.other);
    s->answer.other = mem_strdup(other->model.folder);
    for (int i = 0; i < s->answer.n_tokens; i++)
        s->answer.tokens[i].other = NAN;
    ask_tokens(c, s, ASK_OTHER, other->model.folder);
}

void compare_want(struct compare *c)
{
    for (int i = 0; i < c->n; i++) {
        struct compare_side *s = compare_at(c, i);
        struct compare_answer *x = &s->answer;
        if (x->state != SIDE_WHOLE || x->n_tokens == 0 || !s->model.folder)
            continue;
        if (c->reward && !x->has_score) {
            x->has_score = true;
            ask(c, s, ASK_SCORE, c->reward, "score",
                json_pack("{s:s, s:s, s:s*}", "prompt", c->prompt, "response", str_text(&x->text), "history",
                          compare_history(c, s)),
                NULL);
        }
        if (c->look == LOOK_TEXT && !c->every_number)
            continue;
        if (!x->has_entropy) {
            x->has_entropy = true;
            ask_tokens(c, s, ASK_OWN, s->model.folder);
        }
        if ((c->look == LOOK_REFERENCE || c->every_number) && !s->asked[ASK_REFERENCE].turn)
            want_reference(c, s);
        if ((c->look == LOOK_OTHER || c->every_number) && !s->asked[ASK_OTHER].turn)
            want_other(c, i);
    }
}
