// What filter.c and filter_parse.c share: the tree of a filter. Others use filter.h.
#pragma once

#include <regex.h>
#include <stdbool.h>

#include "base/filter.h"

enum filter_op { OP_HOLDS, OP_IS, OP_IS_NOT, OP_LESS, OP_AT_MOST, OP_MORE, OP_AT_LEAST };

struct filter_word {
    enum { WORD_TEXT, WORD_GLOB, WORD_REGEX } kind;
    char *text;
    double number; // NaN: it is none
    regex_t regex; // WORD_REGEX
};
struct filter_term {
    char *field;   // NULL: the main texts
    bool has;      // "has:field": whether there is a value
    enum filter_op op;
    struct filter_word *words; // one of which is to answer
    int n_words, cap_words;
    bool tried, seen; // an item was asked for the field; one had it
};
struct filter_node {
    enum { NODE_TERM, NODE_AND, NODE_OR, NODE_NOT } kind;
    int left, right; // nodes; TERM: left is the term
};
struct filter {
    char *text;
    struct filter_term *terms;
    int n_terms, cap_terms;
    struct filter_node *nodes;
    int n_nodes, cap_nodes;
    int root; // -1: empty
};
