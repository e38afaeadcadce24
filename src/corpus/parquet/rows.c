// Rows from columns: definition levels say how far the path to a value is there, repetition levels in which list the next
// one goes on.
#include "config.h"

#include <string.h>

#include "corpus/parquet/file.h"

static int def_at(const struct parquet *p, int leaf)
{
    const struct pq_column *c = &p->columns[leaf];
    return c->at_level < c->n_levels ? (c->def ? c->def[c->at_level] : 0) : -1;
}

// The list in which the next value goes on; 0, a new row, behind the last.
static int rep_at(const struct parquet *p, int leaf)
{
    const struct pq_column *c = &p->columns[leaf];
    return c->rep && c->at_level < c->n_levels ? c->rep[c->at_level] : 0;
}

// Passes over one entry of every leaf: all must agree that the node is not there.
static bool pass_absent(struct parquet *p, const struct pq_node *n)
{
    for (int leaf = n->first_leaf; leaf < n->end_leaf; leaf++) {
        const int def = def_at(p, leaf);
        if (def < 0 || def >= n->def)
            return false;
        p->columns[leaf].at_level++;
    }
    return true;
}

static json_t *value(struct parquet *p, const struct pq_node *n);

static json_t *leaf_value(struct parquet *p, const struct pq_node *n)
{
    struct pq_column *c = &p->columns[n->first_leaf];
    if (def_at(p, n->first_leaf) != n->def || c->at_value >= c->n_values)
        return NULL;
    c->at_level++;
    return pq_value_json(n, c->values[c->at_value++]);
}

// Whether all leaves go on in the list of the node, or none.
static bool goes_on(const struct parquet *p, const struct pq_node *n, bool *on)
{
    *on = rep_at(p, n->first_leaf) == n->rep;
    for (int leaf = n->first_leaf; leaf < n->end_leaf; leaf++)
        if (rep_at(p, leaf) > n->rep || (rep_at(p, leaf) == n->rep) != *on)
            return false;
    return true;
}

static json_t *field(struct parquet *p, const struct pq_node *n);

// All that a repeated node holds; of each its only member where `inner`.
static json_t *repeated(struct parquet *p, const struct pq_node *n, bool inner)
{
    json_t *list = json_array();
    bool on = true, good = true;
    if (def_at(p, n->first_leaf) < n->def) {
        good = pass_absent(p, n);
        on = false;
    }
    while (good && on) {
        json_t *item = inner ? field(p, n + 1) : value(p, n);
        good = item && json_array_append_new(list, item) == 0 && goes_on(p, n, &on);
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *object_value(struct parquet *p, const struct pq_node *n)
{
    json_t *object = json_object();
    for (const struct pq_node *child = n + 1; child < p->nodes + n->end; child = p->nodes + child->end) {
        json_t *member = field(p, child);
        if (!member || json_object_set_new(object, child->name, member)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

// {"key": value} where the keys are texts; else the list stays.
static json_t *map_of(const struct pq_node *entry, json_t *entries)
{
    const char *key_name = entry[1].name;
    size_t i;
    json_t *item, *map = json_object();
    json_array_foreach(entries, i, item) {
        const char *key;
        json_t *member;
        json_t *name = json_object_get(item, key_name), *is = NULL;
        json_object_foreach(item, key, member)
            is = member != name ? member : is;
        if (!json_is_string(name) || strlen(json_string_value(name)) != json_string_length(name)) {
            json_decref(map);
            return entries;
        }
        if (is)
            json_object_set(map, json_string_value(name), is);
        else
            json_object_set_new(map, json_string_value(name), json_null());
    }
    json_decref(entries);
    return map;
}

// Lists have three levels, the list, a repeated group and the element in it; older writers left the last one out. By the
// specification's rules.
static bool has_inner_element(const struct pq_node *list, const struct pq_node *r)
{
    const size_t n = strlen(list->name);
    return r->n_children == 1 && r[1].repetition != REPEATED && strcmp(r->name, "array") != 0 &&
           !(strncmp(r->name, list->name, n) == 0 && strcmp(r->name + n, "_tuple") == 0);
}

static json_t *value(struct parquet *p, const struct pq_node *n)
{
    const bool wraps = n->n_children == 1 && n[1].repetition == REPEATED;
    if (n->n_children == 0)
        return leaf_value(p, n);
    if (n->meaning == MEANS_LIST && wraps)
        return repeated(p, n + 1, has_inner_element(n, n + 1));
    if (n->meaning == MEANS_MAP && wraps && n[1].n_children == 2 && n[2].n_children == 0) {
        json_t *entries = repeated(p, n + 1, false);
        return entries && n[2].meaning == MEANS_TEXT ? map_of(n + 1, entries) : entries;
    }
    return object_value(p, n);
}

static json_t *field(struct parquet *p, const struct pq_node *n)
{
    if (n->repetition == REPEATED)
        return repeated(p, n, false);
    if (n->repetition == OPTIONAL && def_at(p, n->first_leaf) < n->def)
        return pass_absent(p, n) ? json_null() : NULL;
    return value(p, n);
}

json_t *pq_assemble_row(struct parquet *p)
{
    for (int leaf = 0; leaf < p->n_leaves; leaf++)
        if (rep_at(p, leaf) != 0 || p->columns[leaf].at_level >= p->columns[leaf].n_levels)
            return NULL;
    return object_value(p, &p->nodes[0]);
}
