#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "corpus/shapes.h"

static bool number_in(const json_t *value, double *number)
{
    if (json_is_number(value))
        *number = json_number_value(value);
    return json_is_number(value) || (json_is_string(value) && text_to_double(json_string_value(value), number));
}

// Whether all completions have a rating of this aspect.
static bool all_rated(const json_t *completions, const char *aspect)
{
    const json_t *completion;
    double number;
    size_t i;
    json_array_foreach(
        completions, i,
        completion) if (!number_in(json_object_get(json_object_get(json_object_get(completion, "annotations"), aspect),
                                                   "Rating"),
                                   &number)) return false;
    return true;
}

// The scores of all completions, of one kind for all of them: the overall scores, else the fine-grained ones, else the means
// of the ratings of those aspects that all have.
static bool completion_scores(struct row *r, const json_t *completions, struct response *answers)
{
    static const char *const keys[] = {"overall_score", "fine-grained_score", "score"};
    const json_t *completion;
    size_t i;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        bool all = true;
        json_array_foreach(completions, i, completion)
            all = all && number_in(json_object_get(completion, keys[k]), &answers[i].score);
        if (all)
            return true;
    }
    const char *aspect;
    json_t *unused;
    int n = 0;
    json_array_foreach(completions, i, completion)
        answers[i].score = 0;
    json_object_foreach(json_object_get(json_array_get(completions, 0), "annotations"), aspect, unused) {
        if (!all_rated(completions, aspect))
            continue;
        n++;
        json_array_foreach(completions, i, completion) {
            double number = 0;
            number_in(json_object_get(json_object_get(json_object_get(completion, "annotations"), aspect), "Rating"),
                      &number);
            answers[i].score += number;
        }
    }
    json_array_foreach(completions, i, completion)
        answers[i].score /= n ? n : 1;
    return n > 0 || row_refuse(r, "its completions have no score that all of them have");
}

static bool scored_prompt(struct row *r, const json_t *object, struct turn_list *prompt)
{
    const char *dialogue = dialogue_key(object);
    if (dialogue)
        return row_messages(r, json_object_get(object, dialogue), dialogue, prompt);
    const char *text = row_text(r, object, json_object_get(object, "instruction") ? "instruction" : "prompt");
    return text && row_add_turn(r, prompt, "user", text);
}

bool read_scored_completions(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    if (!scored_prompt(r, object, &prompt))
        return false;
    struct response answers[ROW_MAX_RESPONSES] = {0};
    const json_t *completion;
    size_t i;
    json_array_foreach(json_object_get(object, "completions"), i, completion) {
        if (i == ROW_MAX_RESPONSES)
            return row_refuse(r, "more than %d completions", ROW_MAX_RESPONSES);
        if (!json_is_object(completion))
            return row_refuse(r, "completion %zu is not an object", i + 1);
        const char *name = json_object_get(completion, "response") ? "response" : "text";
        answers[i].text = row_text(r, completion, name);
        if (!answers[i].text)
            return false;
    }
    if (!completion_scores(r, json_object_get(object, "completions"), answers))
        return false;
    return row_emit(r, true, &prompt, answers, (int)json_array_size(json_object_get(object, "completions")));
}

struct tree_walk {
    struct row *row;
    struct turn_list path;
    size_t n_emitted;
    char reason[sizeof((struct row *)0)->reason]; // the first reason why a place in the tree gave nothing
};

static void emit_ranked_replies(struct tree_walk *w, const json_t *replies)
{
    struct response answers[ROW_MAX_RESPONSES] = {0};
    int n = 0;
    const json_t *reply;
    size_t i;
    json_array_foreach(replies, i, reply) {
        const json_t *rank = json_object_get(reply, "rank"), *text = json_object_get(reply, "text");
        bool usable = json_is_integer(rank) && json_is_string(text) &&
                      strlen(json_string_value(text)) == json_string_length(text) &&
                      !json_is_true(json_object_get(reply, "deleted"));
        if (usable && n < ROW_MAX_RESPONSES)
            answers[n++] = (struct response){.text = json_string_value(text), .score = -(double)json_integer_value(rank)};
    }
    if (n >= 2 && row_emit(w->row, true, &w->path, answers, n))
        w->n_emitted++;
    if (w->row->reason[0]) { // one place of the tree does not spoil the others
        if (!w->reason[0])
            text_copy(w->reason, sizeof w->reason, w->row->reason);
        w->row->reason[0] = '\0';
    }
}

// Every prompt in the tree with two or more ranked answers is one list. Deeper than the most turns a prompt can
// have nothing is read, which also bounds the recursion.
static void walk_tree(struct tree_walk *w, const json_t *node, bool is_prompt)
{
    const json_t *text = json_object_get(node, "text"), *replies = json_object_get(node, "replies");
    if (!json_is_string(text) || !json_is_array(replies) || w->path.n == ROW_MAX_TURNS ||
        strlen(json_string_value(text)) != json_string_length(text))
        return;
    w->path.items[w->path.n++] = (struct turn){.role = is_prompt ? "user" : "assistant", .text = json_string_value(text)};
    if (is_prompt)
        emit_ranked_replies(w, replies);
    const json_t *reply;
    size_t i;
    json_array_foreach(replies, i, reply) {
        walk_tree(w, reply, !is_prompt);
    }
    w->path.n--;
}

bool read_message_tree(struct row *r, const json_t *object)
{
    struct tree_walk walk = {.row = r};
    walk_tree(&walk, json_object_get(object, "prompt"), true);
    if (walk.n_emitted)
        return true;
    return walk.reason[0] ? row_refuse(r, "%s", walk.reason)
                          : row_refuse(r, "no message of the tree has two ranked replies");
}

static bool add_texts(struct row *r, const json_t *object, const char *key, double score, struct response *answers, int *n)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(object, key), i, item) {
        if (*n == ROW_MAX_RESPONSES)
            return row_refuse(r, "more than %d answers", ROW_MAX_RESPONSES);
        answers[*n] = (struct response){.text = row_checked_text(r, item, key), .score = score};
        if (!answers[(*n)++].text)
            return false;
    }
    return true;
}

static const char *asking_key(const json_t *object)
{
    static const char *const keys[] = {"prompt", "instruction", "question", "input"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_object_get(object, keys[i]) && !json_is_null(json_object_get(object, keys[i])))
            return keys[i];
    return "prompt";
}

// Several good answers and several bad ones.
bool read_chosen_lists(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    struct response answers[ROW_MAX_RESPONSES] = {0};
    int n = 0;
    return prompt_turns(r, object, asking_key(object), &prompt) && add_texts(r, object, "chosen", 1, answers, &n) &&
           add_texts(r, object, "rejected", 0, answers, &n) && row_emit(r, true, &prompt, answers, n);
}

// Texts in one list, their ratings in another. A text without a rating is left out.
bool read_generations(struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    struct response answers[ROW_MAX_RESPONSES] = {0}, rated[ROW_MAX_RESPONSES] = {0};
    const json_t *ratings = json_object_get(object, json_object_get(object, "ratings") ? "ratings" : "rating");
    int n = 0, kept = 0;
    if (!prompt_turns(r, object, asking_key(object), &prompt) || !add_texts(r, object, "generations", 0, answers, &n))
        return false;
    if (json_array_size(ratings) != (size_t)n)
        return row_refuse(r, "there are %d generations, but %zu ratings", n, json_array_size(ratings));
    for (int i = 0; i < n; i++) {
        const json_t *rating = json_array_get(ratings, (size_t)i);
        if (json_is_null(rating))
            continue;
        if (!json_is_number(rating))
            return row_refuse(r, "rating %d is %s, must be a number", i + 1, row_type_name(rating));
        rated[kept] = answers[i];
        rated[kept++].score = json_number_value(rating);
    }
    return row_emit(r, true, &prompt, rated, kept);
}
