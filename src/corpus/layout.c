// Shapes that are a row of the table: recognized by their members, read by what the row says of them.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "corpus/shapes.h"

// The first of "a|b|c" that the row has; NULL when it has none (or names is NULL).
static const char *present(const json_t *object, const char *names, char key[64])
{
    for (const char *at = names; at && *at; at = strchr(at, '|') ? strchr(at, '|') + 1 : "") {
        snprintf(key, 64, "%.*s", (int)strcspn(at, "|"), at);
        if (row_member(object, key) && !json_is_null(row_member(object, key)))
            return key;
    }
    return NULL;
}

static const char *label_keys(const struct shape *s, const char *label_from)
{
    return label_from && s->other && strcmp(label_from, s->other) == 0 ? s->other_keys : s->keys;
}

// All of "a|b" must be there: labels that take several members.
static bool has_all(const json_t *object, const char *names)
{
    char key[64];
    for (const char *at = names; at && *at; at = strchr(at, '|') ? strchr(at, '|') + 1 : "") {
        snprintf(key, sizeof key, "%.*s", (int)strcspn(at, "|"), at);
        if (!row_member(object, key))
            return false;
    }
    return true;
}

bool shape_fits(const struct shape *s, const json_t *object)
{
    char key[64];
    if (s->fits)
        return s->fits(object);
    if ((s->prompt && !present(object, s->prompt, key)) || (s->first && !present(object, s->first, key)) ||
        (s->second && !present(object, s->second, key)) || (s->answer && !present(object, s->answer, key)))
        return false;
    if (!s->answers)
        return has_all(object, s->keys);
    const json_t *first = json_array_get(row_member(object, s->answers), 0);
    return row_member(first, s->text) && row_member(first, *s->keys == '-' ? s->keys + 1 : s->keys);
}

static bool read_layout_pair(const struct shape *s, struct row *r, const json_t *object)
{
    struct turn_list before = {.n = 0}, first, second;
    struct response answers[2];
    char key[64], other[64];
    double share;
    if (s->prompt && !prompt_turns(r, object, present(object, s->prompt, key), &before))
        return false;
    const char *a = present(object, s->first, key), *b = present(object, s->second, other);
    if (!a || !b)
        return row_refuse(r, "the field \"%.*s\" is missing", (int)strcspn(a ? s->second : s->first, "|"),
                          a ? s->second : s->first);
    if (!read_side(r, object, a, &before, &first) || !read_side(r, object, b, &before, &second) ||
        !take_answer(r, &first, a, &answers[0]) || !take_answer(r, &second, b, &answers[1]))
        return false;
    if (!same_turns(&first, &second))
        return row_refuse(r, "the dialogues of \"%s\" and \"%s\" differ before their last answers", a, b);
    return label_share(r, object, s->rule, label_keys(s, r->label_from), &share) &&
           (s->rule == LABEL_FIRST || !label_contradicted(r, object, share, s->scores)) &&
           emit_voted(r, true, &first, answers[0], answers[1], share);
}

static bool read_layout_answer(const struct shape *s, struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0}, said;
    struct response answer;
    char key[64];
    double good = 1; // of texts to imitate
    if (!prompt_turns(r, object, present(object, s->prompt, key), &prompt))
        return false;
    const char *name = present(object, s->answer, key);
    if (!read_side(r, object, name, &prompt, &said) || !take_answer(r, &said, name, &answer) ||
        (s->keys && !label_good(r, object, label_keys(s, r->label_from), &good)))
        return false;
    answer.score = good;
    return row_emit(r, true, &said, &answer, 1);
}

static bool read_layout_list(const struct shape *s, struct row *r, const json_t *object)
{
    struct turn_list prompt = {.n = 0};
    struct response answers[ROW_MAX_RESPONSES] = {0};
    char key[64];
    const json_t *item;
    size_t i, n = json_array_size(row_member(object, s->answers));
    const bool rank = *s->keys == '-';
    if (n > ROW_MAX_RESPONSES)
        return row_refuse(r, "more than %d answers", ROW_MAX_RESPONSES);
    if (!prompt_turns(r, object, present(object, s->prompt, key), &prompt))
        return false;
    json_array_foreach(row_member(object, s->answers), i, item) {
        if (!json_is_object(item))
            return row_refuse(r, "item %zu of \"%s\" is %s, must be an object", i + 1, s->answers, row_type_name(item));
        answers[i].text = row_text(r, item, s->text);
        if (!answers[i].text || !label_number(r, item, s->keys + rank, &answers[i].score))
            return false;
        answers[i].score = rank ? -answers[i].score : answers[i].score;
    }
    return row_emit(r, true, &prompt, answers, (int)n);
}

bool shape_read(const struct shape *s, struct row *r, const json_t *object)
{
    if (s->read)
        return s->read(r, object);
    return s->kind == DATA_PAIR ? read_layout_pair(s, r, object)
         : s->kind == DATA_LIST ? read_layout_list(s, r, object) : read_layout_answer(s, r, object);
}

// ---- what of a row is looked at ----

// Whether `member` is one of "a|b|c d", or the head of a path among them.
static bool named(const char *names, const char *member)
{
    const size_t n = strlen(member);
    for (const char *at = names; at && *at;) {
        const size_t length = strcspn(at, "| ");
        if (length >= n && strncmp(at, member, n) == 0 && (length == n || at[n] == '.'))
            return true;
        at += length;
        at += *at != '\0';
    }
    return false;
}

bool shape_uses(const struct shape *s, const char *label_from, const char *member)
{
    static const char always[] = "system system_prompt tools", votes[] = "share votes annotators",
                      of_instructions[] = "input context history"; // see instruction_turns
    const bool votes_count = s->fits ? named(s->uses, "votes") : s->kind == DATA_PAIR;
    if (named(s->uses, member) || named(s->prompt, member) || named(s->first, member) || named(s->second, member) ||
        named(s->answer, member) || named(s->answers, member) || named(s->scores, member) || named(always, member))
        return true;
    if (named(s->prompt, "instruction") && named(of_instructions, member))
        return true;
    if (!s->answers && (named(label_keys(s, label_from), member) || (label_from && strcmp(label_from, member) == 0)))
        return true;
    return votes_count && (named(votes, member) || label_is_vote(member));
}

bool shape_has_label(const struct shape *s, const char *label_from)
{
    if (s->other)
        return strcmp(label_from, s->other) == 0 || strcmp(label_from, "better") == 0;
    return named(s->labels, label_from);
}

const char *shape_meant(const struct shape *s, const json_t *row, const char *member)
{
    static const char *const names[] = {"prompt",   "chosen",     "rejected", "completion", "response",
                                        "messages", "label",      "answers",  "completions", "instruction",
                                        "output",   "share",      "votes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t distance = text_distance(names[i], member);
        if (distance > 0 && distance <= 2 && distance < strlen(names[i]) / 2 && !json_object_get(row, names[i]))
            return names[i];
    }
    return NULL;
}
