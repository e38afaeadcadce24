// Rows that belong together: the messages of a tree, one a row, and responses of one prompt, one a row. They are kept
// until the group is whole; the examples have the line of the row that asks.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "corpus/shapes.h"

struct node {
    const char *id, *parent, *text, *file;
    int64_t line;
    bool lost; // its parent is not there, or another message has its name
    double rank;
    bool is_prompt, has_rank;
    int parent_at, next_of_parent, first_child; // -1: none
};
struct rated {
    const char *prompt, *text, *file, *system;
    int64_t line;
    double score;
    size_t place; // in the file
};
struct open_group {
    // trees
    struct node *nodes;
    size_t n, cap;
    struct rated *rated;
    size_t n_rated, cap_rated;
};

static struct open_group *group_of(struct row *r)
{
    if (!r->open)
        r->open = mem_alloc(1, sizeof *r->open);
    return r->open;
}

static void close_group(struct row *r)
{
    if (r->open) {
        free(r->open->nodes);
        free(r->open->rated);
    }
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
                                     .text = arena_strdup(arena, text), .line = r->line, .file = r->file,
                                     .is_prompt = is_prompt,
                                     .has_rank = json_is_number(rank), .rank = json_number_value(rank),
                                     .parent_at = -1, .next_of_parent = -1, .first_child = -1};
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static int by_id_and_line(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;
    const int order = by_id(a, b);
    return order ? order : (*x)->line < (*y)->line ? -1 : (*x)->line > (*y)->line;
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
        x->lost = *x->parent && (!found || *found == x);
        if (!found || *found == x)
            continue;
        x->parent_at = (int)(*found - g->nodes);
        x->next_of_parent = (*found)->first_child;
        (*found)->first_child = (int)i;
    }
    free(sorted);
}

// The second of two messages with one id is none: nobody could say which of them is answered.
static void refuse_doubles(struct row *r, struct open_group *g)
{
    struct node **sorted = mem_alloc(g->n, sizeof *sorted);
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++)
        sorted[i] = &g->nodes[i];
    qsort(sorted, g->n, sizeof *sorted, by_id_and_line);
    for (size_t i = 1; i < g->n; i++)
        sorted[i]->lost = strcmp(sorted[i]->id, sorted[i - 1]->id) == 0;
    free(sorted);
    for (size_t i = 0; i < g->n; i++) {
        if (g->nodes[i].lost)
            corpus_refuse(r->corpus, g->nodes[i].line, g->nodes[i].file, "another message has the same message_id");
        else
            g->nodes[kept++] = g->nodes[i];
    }
    g->n = kept;
}

static bool hangs_in_the_air(const struct open_group *g, int i)
{
    int n = 0;
    for (int at = i; at >= 0 && n++ <= ROW_MAX_TURNS; at = g->nodes[at].parent_at)
        if (g->nodes[at].lost)
            return true;
    return false;
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
    refuse_doubles(r, g);
    link_nodes(g);
    for (size_t i = 0; i < g->n; i++) {
        struct response answers[ROW_MAX_RESPONSES] = {0};
        struct turn_list path = {.n = 0};
        int n = 0;
        for (int c = g->nodes[i].first_child; c >= 0; c = g->nodes[c].next_of_parent)
            if (g->nodes[c].has_rank && !g->nodes[c].is_prompt && n < ROW_MAX_RESPONSES)
                answers[n++] = (struct response){.text = g->nodes[c].text, .score = -g->nodes[c].rank};
        r->line = g->nodes[i].line;
        r->file = g->nodes[i].file;
        r->system = NULL;
        r->reason[0] = '\0';
        if (!g->nodes[i].is_prompt || n < 2)
            continue;
        if (hangs_in_the_air(g, (int)i))
            row_refuse(r, "the message that it follows is not in the file, or was deleted");
        else if (!path_to(g, (int)i, &path))
            row_refuse(r, "the dialogue before it is too long, or goes round in a circle");
        else if (row_emit(r, true, &path, answers, n))
            r->corpus->examples[r->corpus->n_examples - 1].file = r->file;
        if (r->reason[0])
            corpus_refuse(r->corpus, r->line, r->file, r->reason);
    }
    r->reason[0] = '\0'; // what one place lacks does not refuse a row
    close_group(r);
}

// ---- rated responses, one a row, those of a prompt wherever they stand: {"prompt", "response", "helpfulness", ...} ----

bool read_rated_response(struct row *r, const json_t *object)
{
    struct arena *arena = &r->corpus->arena;
    const char *prompt = row_text(r, object, "prompt"), *text = prompt ? row_text(r, object, "response") : NULL;
    struct rated one = {.line = r->line, .file = r->file, .system = r->system ? arena_strdup(arena, r->system) : NULL};
    if (!text || !label_number(r, object, r->label_from && *r->label_from ? r->label_from : "helpfulness", &one.score))
        return false;
    if (text[strspn(text, " \t\r\n")] == '\0')
        return row_refuse(r, "the response is empty");
    struct open_group *g = group_of(r);
    one.prompt = arena_strdup(arena, prompt);
    one.text = arena_strdup(arena, text);
    one.place = g->n_rated;
    MEM_GROW(g->rated, g->n_rated, g->cap_rated);
    g->rated[g->n_rated++] = one;
    return true;
}

static int by_prompt(const void *a, const void *b)
{
    const struct rated *x = a, *y = b;
    const int order = strcmp(x->prompt, y->prompt);
    return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static int by_first_place(const void *a, const void *b)
{
    const struct rated *const *x = a, *const *y = b;
    return (*x)->place < (*y)->place ? -1 : (*x)->place > (*y)->place;
}

// The answers [first, ...) of one prompt: a list, or the reason why they are none, for each of their rows.
static void emit_rated(struct row *r, const struct rated *first, const struct rated *end)
{
    struct response answers[ROW_MAX_RESPONSES] = {0};
    struct turn_list prompt = {.n = 0};
    int n = 0;
    for (const struct rated *x = first; x < end && strcmp(x->prompt, first->prompt) == 0; x++) {
        if (n == ROW_MAX_RESPONSES)
            corpus_refuse(r->corpus, x->line, x->file, "more responses to one prompt than a list can have");
        else
            answers[n++] = (struct response){.text = x->text, .score = x->score};
    }
    r->line = first->line;
    r->file = first->file;
    r->system = first->system;
    r->reason[0] = '\0';
    row_add_turn(r, &prompt, "user", first->prompt);
    if (n < 2)
        row_refuse(r, "it is the only rated response to its prompt");
    else if (row_emit(r, true, &prompt, answers, n))
        r->corpus->examples[r->corpus->n_examples - 1].file = r->file;
    for (int i = 0; r->reason[0] && i < n; i++)
        corpus_refuse(r->corpus, first[i].line, first[i].file, r->reason);
}

// In the order in which the prompts came.
void finish_rated_responses(struct row *r)
{
    struct open_group *g = r->open;
    if (!g)
        return;
    qsort(g->rated, g->n_rated, sizeof *g->rated, by_prompt);
    const struct rated **firsts = mem_alloc(g->n_rated, sizeof *firsts);
    size_t n = 0;
    for (size_t i = 0; i < g->n_rated; i++)
        if (i == 0 || strcmp(g->rated[i].prompt, g->rated[i - 1].prompt) != 0)
            firsts[n++] = &g->rated[i];
    qsort(firsts, n, sizeof *firsts, by_first_place);
    for (size_t i = 0; i < n; i++)
        emit_rated(r, firsts[i], g->rated + g->n_rated);
    free(firsts);
    r->reason[0] = '\0';
    close_group(r);
}
