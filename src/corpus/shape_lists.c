#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "corpus/shapes.h"

// The score of one completion: its overall score, else the fine-grained one, else the mean of its ratings.
static bool completion_score(struct row *r, const json_t *completion, size_t index, double *score)
{
    static const char *const keys[] = {"overall_score", "fine-grained_score", "score"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *value = json_object_get(completion, keys[i]);
        if (json_is_number(value)) {
            *score = json_number_value(value);
            return true;
        }
        if (json_is_string(value) && text_to_double(json_string_value(value), score))
            return true;
    }
    const json_t *annotations = json_object_get(completion, "annotations");
    const char *aspect;
    json_t *annotation;
    double sum = 0;
    int n = 0;
    json_object_foreach((json_t *)annotations, aspect, annotation)
    {
        const json_t *rating = json_object_get(annotation, "Rating");
        double number;
        if (json_is_string(rating) && text_to_double(json_string_value(rating), &number)) {
            sum += number;
            n++;
        }
    }
    if (n == 0)
        return row_refuse(r, "completion %zu has no score", index + 1);
    *score = sum / n;
    return true;
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
    if (!system_turn(r, object, &prompt) || !scored_prompt(r, object, &prompt))
        return false;
    struct response answers[ROW_MAX_RESPONSES];
    const json_t *completion;
    size_t i;
    json_array_foreach(json_object_get(object, "completions"), i, completion) {
        if (i == ROW_MAX_RESPONSES)
            return row_refuse(r, "more than %d completions", ROW_MAX_RESPONSES);
        if (!json_is_object(completion))
            return row_refuse(r, "completion %zu is not an object", i + 1);
        const char *name = json_object_get(completion, "response") ? "response" : "text";
        answers[i].text = row_text(r, completion, name);
        if (!answers[i].text || !completion_score(r, completion, i, &answers[i].score))
            return false;
    }
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
    struct response answers[ROW_MAX_RESPONSES];
    int n = 0;
    const json_t *reply;
    size_t i;
    json_array_foreach(replies, i, reply) {
        const json_t *rank = json_object_get(reply, "rank"), *text = json_object_get(reply, "text");
        bool usable = json_is_integer(rank) && json_is_string(text) &&
                      strlen(json_string_value(text)) == json_string_length(text) &&
                      !json_is_true(json_object_get(reply, "deleted"));
        if (usable && n < ROW_MAX_RESPONSES)
            answers[n++] = (struct response){json_string_value(text), -(double)json_integer_value(rank)};
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
    w->path.items[w->path.n++] = (struct turn){is_prompt ? "user" : "assistant", json_string_value(text)};
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
