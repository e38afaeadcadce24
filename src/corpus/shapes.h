// The shapes of data that are known: one row each in shapes.c. Most are a row and no more: the names of their members
// and how the label is read. The others have readers of their own, by kind in shape_*.c.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "corpus/labels.h"
#include "corpus/row.h"

// Names of members may be paths ("question.full_text"); where several are given with "|", the first that is there counts.
struct shape {
    const char *name; // in words, for the person
    enum data_kind kind;
    // A reader of its own. fits: by the fields' names and types alone; read: emits examples, or refuses the row and
    // returns false; finish: behind the last row, for rows that belong together; uses: the members that it may look at.
    bool (*fits)(const json_t *object);
    bool (*read)(struct row *r, const json_t *object);
    void (*finish)(struct row *r);
    const char *uses;
    // Or none (fits NULL): what the members are. A row fits when all of them are there.
    const char *prompt;          // a text (then a user's message), a transcript, messages
    const char *first, *second;  // pairs: two texts, messages, or dialogues that repeat the prompt
    enum label_rule rule;        // pairs: how keys say which is better
    const char *keys;
    const char *scores;          // pairs: two numbers "a|b" that may not contradict the label
    const char *other, *other_keys; // with label_from `other` (instead of "better"): these instead
    const char *labels;          // of a reader of its own: what label_from may name
    const char *answer;          // binary: the text; keys: the label
    const char *answers;         // lists: the member with them; keys: of each, its score, or its rank behind a "-"
    const char *text;            // of each, the text
    bool transcripts;            // dialogues in HH's form
};
extern const struct shape shapes[]; // the more particular before the more general; ends with name NULL

bool shape_fits(const struct shape *s, const json_t *object);
bool shape_read(const struct shape *s, struct row *r, const json_t *object);
// Whether the shape may look at this member of a row.
bool shape_uses(const struct shape *s, const char *label_from, const char *member);
// Whether label_from names one of its labels.
bool shape_has_label(const struct shape *s, const char *label_from);
// How a member that the shape does not use might have been meant ("rejected" for "rejcted"); NULL: no idea.
const char *shape_meant(const struct shape *s, const json_t *row, const char *member);

// shape_pairs.c
bool read_message_pair(struct row *r, const json_t *object);
bool read_transcript_pair(struct row *r, const json_t *object);
bool read_instruction_pair(struct row *r, const json_t *object);
bool read_text_pair(struct row *r, const json_t *object);
bool read_voted_pair(struct row *r, const json_t *object);
bool read_text_lists_pair(struct row *r, const json_t *object);
// shape_lists.c
bool read_scored_completions(struct row *r, const json_t *object);
bool read_message_tree(struct row *r, const json_t *object);
bool read_chosen_lists(struct row *r, const json_t *object);
bool read_generations(struct row *r, const json_t *object);
// groups.c
bool read_tree_message(struct row *r, const json_t *object);
void finish_tree_messages(struct row *r);
bool read_rated_response(struct row *r, const json_t *object);
void finish_rated_responses(struct row *r);
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
// Instruction and input as one message of the user, after the system text and earlier rounds where there are some.
bool instruction_turns(struct row *r, const json_t *object, struct turn_list *out);
// Takes the assistant's last message off the list.
bool take_answer(struct row *r, struct turn_list *list, const char *name, struct response *answer);
// A prompt, whatever it is: a text (after the system's), a transcript, messages, an object with messages.
bool prompt_turns(struct row *r, const json_t *object, const char *key, struct turn_list *out);
// One side of a pair: a text, a message, or messages that may repeat the dialogue before (`before`) or not.
bool read_side(struct row *r, const json_t *object, const char *key, const struct turn_list *before,
               struct turn_list *side);
bool is_transcript(const char *text); // HH's "Human:" and "Assistant:"
bool dialogue_repeated(const json_t *answer); // it has the dialogue before it as well
bool same_turns(const struct turn_list *a, const struct turn_list *b);
