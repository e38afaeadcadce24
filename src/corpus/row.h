// One row on its way from JSON to examples: what the shapes share. A reader either emits examples or refuses the
// row with one reason; texts are copied into the corpus's arena.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "corpus/corpus.h"

#define ROW_MAX_TURNS 256
#define ROW_MAX_RESPONSES 64

struct turn_list {
    struct turn items[ROW_MAX_TURNS];
    int n;
};
struct row {
    struct corpus *corpus;
    int64_t line;
    size_t cap_examples;
    const char *tools;     // of the row, as JSON; NULL: none
    const char *system;    // its system text beside the dialogue; NULL or "": none
    const char *file;      // that it comes from, as of an example
    const char *label_from; // which of several labels counts ("safer"); NULL: the usual one
    struct open_group *open; // what rows that belong together have so far; see groups.c
    char reason[400]; // "" while nothing is wrong
};

// Says why the row is refused (the first reason stays) and returns false, for `return row_refuse(...)`.
bool row_refuse(struct row *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

// "a number", "a list"; of what no number holds its text ("NaN").
const char *row_type_name(const json_t *value);
// A member by its name, or by a path through objects and lists: "question.full_text", "messages.0.content".
const json_t *row_member(const json_t *object, const char *path);
// A value that must be a text without NUL characters; NULL, with the row refused, when it is not.
const char *row_checked_text(struct row *r, const json_t *value, const char *name);
// A member that must be a text without NUL characters; NULL, with the row refused, when it is not. Borrowed.
const char *row_text(struct row *r, const json_t *object, const char *key);
// The same for a member that may be absent or null (then "").
const char *row_text_or_empty(struct row *r, const json_t *object, const char *key);

// The role behind a name that collections use ("gpt", "human"); NULL for names that no template has.
const char *message_role(const char *name);
// A list of messages ({role, content}, {from, value}; content as text or as a list of text parts), appended.
// What else a template may write of a message (tool_calls, ...) goes along as its json. `name`: the member's, for reasons. A
// single message object counts as a list of one.
bool row_messages(struct row *r, const json_t *list, const char *name, struct turn_list *out);
// The member that holds the dialogue: "messages" or "conversations"; NULL when there is none.
const char *dialogue_key(const json_t *object);
// Pictures and sounds beside the texts: refuses the row, and returns true.
bool row_refuse_media(struct row *r, const json_t *object);
bool row_add_turn(struct row *r, struct turn_list *list, const char *role, const char *text);

// A "\n\nHuman: ...\n\nAssistant: ..." dialogue of n bytes, appended turn by turn.
bool row_transcript(struct row *r, const char *text, size_t n, const char *name, struct turn_list *out);

// Checks what every kind must keep (a prompt that ends with the user, no empty answers, two that differ) and adds
// the example. Texts of turns and responses may be borrowed from the row.
bool row_emit(struct row *r, bool is_chat, const struct turn_list *prompt, const struct response *responses, int n);
bool row_emit_text(struct row *r, const char *prompt, const struct response *responses, int n); // a plain prompt
