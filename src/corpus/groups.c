// Rows that belong together: the messages of a tree, one a row, and responses of one prompt, one a row. They are kept
// until the group is whole; the examples have the line of the row that asks.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "corpus/shapes.h"

struct node {
    const char *id, *parent, *text;
    int64_t line;
    double rank;
    bool is_prompt, has_rank;
    int parent_at, next_of_parent, first_child; // -1: none
};
struct open_group {
    // trees
    struct node *nodes;
    size_t n, cap;
    // rated responses
    const char *prompt;
    int64_t line;
    struct response answers[ROW_MAX_RESPONSES];
    int n_answers;
};

static struct open_group *group_of(struct row *r)
{
    if (!r->open)
        r->open = mem_alloc(1, sizeof *r->open);
    return r->open;
}

static void close_group(struct row *r)
{
    if (r->open)
        free(r->open->nodes);
    free(r->open);
    r->open = NULL;
}

// ---- trees: {"message_id", "parent_id", "role", "text", "rank"} ----

bool read_tree_message(struct row *r, const json_t *object)
{
    struct arena *arena = &r->corpus->arena;
    const char *id = row_text(r, object, "message_id"), *parent = row_text_or_empty(r, object, "parent_id");
    const char *text = id && parent ? row_text(r, object, "text") : NULL;
    const char *role = text ? row_text(r, object, "role") : NULL;
    if (!role)
        return false;
    const bool is_prompt = strcmp(role, "prompter") == 0 || strcmp(role, "user") == 0;
    if (!is_prompt && strcmp(role, "assistant") != 0)
        return row_refuse(r, "the role \"%.40s\" is neither prompter nor assistant", role);
    const json_t *rank = json_object_get(object, "rank");
    if (json_is_true(json_object_get(object, "deleted")))
        return true; // nobody sees it
    struct open_group *g = group_of(r);
    MEM_GROW(g->nodes, g->n, g->cap);
    g->nodes[g->n++] = (struct node){.id = arena_strdup(arena, id), .parent = arena_strdup(arena, parent),
                                     .text = arena_strdup(arena, text), .line = r->line, .is_prompt = is_prompt,
                                     .has_rank = json_is_number(rank), .rank = json_number_value(rank),
                                     .parent_at = -1, .next_of_parent = -1, .first_child = -1};
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

// Children stand in the order of the file.
static void link_nodes(struct open_group *g)
{
    struct node **sorted = mem_alloc(g->n, sizeof *sorted);
    for (size_t i = 0; i < g->n; i++)
        sorted[i] = &g->nodes[i];
    qsort(sorted, g->n, sizeof *sorted, by_id);
    for (size_t i = g->n; i-- > 0;) {
        struct node *x = &g->nodes[i];
        const struct node key = {.id = x->parent}, *wanted = &key;
        struct node **found = *x->parent ? bsearch(&wanted, sorted, g->n, sizeof *sorted, by_id) : NULL;
        if (!found || *found == x)
            continue;
        x->parent_at = (int)(*found - g->nodes);
        x->next_of_parent = (*found)->first_child;
        (*found)->first_child = (int)i;
    }
    free(sorted);
}

// The dialogue up to node i; false when it is too long, or leads round in a circle.
static bool path_to(struct open_group *g, int i, struct turn_list *out)
{
    int n = 0;
    for (int at = i; at >= 0; at = g->nodes[at].parent_at)
        if (++n > ROW_MAX_TURNS)
            return false;
    out->n = n;
    for (int at = i; at >= 0; at = g->nodes[at].parent_at)
        out->items[--n] = (struct turn){.role = g->nodes[at].is_prompt ? "user" : "assistant", .text = g->nodes[at].text};
    return true;
}

void finish_tree_messages(struct row *r)
{
    struct open_group *g = r->open;
    if (!g)
        return;
    link_nodes(g);
    for (size_t i = 0; i < g->n; i++) {
        struct response answers[ROW_MAX_RESPONSES] = {0};
        struct turn_list path = {.n = 0};
        int n = 0;
        for (int c = g->nodes[i].first_child; c >= 0; c = g->nodes[c].next_of_parent)
            if (g->nodes[c].has_rank && !g->nodes[c].is_prompt && n < ROW_MAX_RESPONSES)
                answers[n++] = (struct response){.text = g->nodes[c].text, .score = -g->nodes[c].rank};
        r->line = g->nodes[i].line;
        r->reason[0] = '\0';
        if (g->nodes[i].is_prompt && n >= 2 && path_to(g, (int)i, &path))
            row_emit(r, true, &path, answers, n);
    }
    r->reason[0] = '\0'; // what one place lacks does not refuse a row
    close_group(r);
}

// ---- rated responses, the ones of a prompt in rows that follow each other: {"prompt", "response", "helpfulness", ...} ----

static void emit_rated(struct row *r)
{
    struct open_group *g = r->open;
    struct turn_list prompt = {.n = 0};
    const int64_t line = r->line;
    if (g->n_answers >= 2) {
        r->line = g->line;
        row_add_turn(r, &prompt, "user", g->prompt);
        row_emit(r, true, &prompt, g->answers, g->n_answers);
        r->line = line;
    }
    g->n_answers = 0;
}

bool read_rated_response(struct row *r, const json_t *object)
{
    struct arena *arena = &r->corpus->arena;
    const char *prompt = row_text(r, object, "prompt"), *text = prompt ? row_text(r, object, "response") : NULL;
    double score;
    if (!text || !label_number(r, object, r->label_from && *r->label_from ? r->label_from : "helpfulness", &score))
        return false;
    struct open_group *g = group_of(r);
    if (g->n_answers && strcmp(g->prompt, prompt) != 0)
        emit_rated(r);
    if (r->reason[0]) { // of the group before, not of this row
        r->reason[0] = '\0';
    }
    if (g->n_answers == ROW_MAX_RESPONSES)
        return row_refuse(r, "more than %d responses to one prompt", ROW_MAX_RESPONSES);
    if (g->n_answers == 0) {
        g->prompt = arena_strdup(arena, prompt);
        g->line = r->line;
    }
    g->answers[g->n_answers++] = (struct response){.text = arena_strdup(arena, text), .score = score};
    return true;
}

void finish_rated_responses(struct row *r)
{
    if (r->open)
        emit_rated(r);
    r->reason[0] = '\0';
    close_group(r);
}
