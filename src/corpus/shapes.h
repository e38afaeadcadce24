// The shapes of data that are known: one row each in shapes.c, the readers by kind in shape_*.c.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "corpus/row.h"

struct shape {
    const char *name; // in words, for the person
    enum data_kind kind;
    bool (*fits)(const json_t *object);             // by the fields' names and types alone
    bool (*read)(struct row *r, const json_t *object); // emits examples, or refuses the row and returns false
};
extern const struct shape shapes[]; // the more particular before the more general; ends with name NULL

// shape_pairs.c
bool read_message_pair(struct row *r, const json_t *object);
bool read_transcript_pair(struct row *r, const json_t *object);
bool read_instruction_pair(struct row *r, const json_t *object);
bool read_text_pair(struct row *r, const json_t *object);
bool read_voted_pair(struct row *r, const json_t *object);
// shape_lists.c
bool read_scored_completions(struct row *r, const json_t *object);
bool read_message_tree(struct row *r, const json_t *object);
// shape_single.c
bool read_instruction(struct row *r, const json_t *object);
bool read_dialogue(struct row *r, const json_t *object);
bool read_completion(struct row *r, const json_t *object);
bool read_labelled_dialogue(struct row *r, const json_t *object);
bool read_labelled_completion(struct row *r, const json_t *object);
bool read_plain(struct row *r, const json_t *object);
bool read_question(struct row *r, const json_t *object);
bool read_prompt(struct row *r, const json_t *object);

// Shared by the readers.
// The member that holds the dialogue: "messages" or "conversations"; NULL when there is none.
const char *dialogue_key(const json_t *object);
// Instruction and input as one message of the user, after the system text and earlier rounds where there are some.
bool instruction_turns(struct row *r, const json_t *object, struct turn_list *out);
// Takes the assistant's last message off the list.
bool take_answer(struct row *r, struct turn_list *list, const char *name, const char **answer);
// The system text that some collections keep beside the dialogue, as its first turn.
bool system_turn(struct row *r, const json_t *object, struct turn_list *out);
