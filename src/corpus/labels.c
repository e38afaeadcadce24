#include "config.h"

#include "corpus/labels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/str.h"

bool emit_voted(struct row *r, bool is_chat, const struct turn_list *prompt, struct response first,
                struct response second, double share)
{
    const bool swapped = share < 0.5;
    struct response both[2] = {swapped ? second : first, swapped ? first : second};
    both[0].score = swapped ? 1 - share : share;
    both[1].score = 1 - both[0].score;
    return row_emit(r, is_chat, prompt, both, 2);
}

static const json_t *there(const json_t *object, const char *key)
{
    const json_t *value = row_member(object, key);
    return json_is_null(value) ? NULL : value;
}

bool label_number(struct row *r, const json_t *object, const char *key, double *number)
{
    const json_t *value = there(object, key);
    const char *text;
    if (json_is_number(value))
        *number = json_number_value(value);
    else if (json_is_boolean(value))
        *number = json_is_true(value);
    else if (json_is_unreadable(value, &text))
        return row_refuse(r, "\"%s\" is %.40s, must be a number", key, text);
    else if (!json_is_string(value) || !text_to_double(json_string_value(value), number))
        return value ? row_refuse(r, "\"%s\" is %s, must be a number", key, row_type_name(value))
                     : row_refuse(r, "the label \"%s\" is missing", key);
    return true;
}

// "votes": [for the first answer, for the second] or with a third number, of ties. A tie is half a vote for each.
static bool read_votes(struct row *r, const json_t *votes, double *share)
{
    double n[3] = {0}, sum = 0;
    const size_t size = json_array_size(votes);
    if (!json_is_array(votes))
        return row_refuse(r, "\"votes\" is %s, must be a list of counts: of the first answer, of the second, and of "
                             "ties if there are any", row_type_name(votes));
    for (size_t i = 0; i < 3 && i < size; i++) {
        const json_t *count = json_array_get(votes, i);
        n[i] = json_number_value(count);
        if (!json_is_number(count) || n[i] < 0)
            return row_refuse(r, "\"votes\" must be counts: of the first answer, of the second, and of ties if there "
                                 "are any");
        sum += n[i];
    }
    if (size < 2 || size > 3)
        return row_refuse(r, "\"votes\" has %zu numbers, must have two or three", size);
    if (!(sum > 0) || !isfinite(sum))
        return row_refuse(r, "\"votes\" holds no vote");
    *share = (n[0] + n[2] / 2) / sum;
    return true;
}

static bool read_share(struct row *r, const json_t *stated, double *share)
{
    const char *text;
    if (json_is_unreadable(stated, &text))
        return row_refuse(r, "\"share\" is %.40s, must be a probability between 0 and 1", text);
    if (!json_is_number(stated))
        return row_refuse(r, "\"share\" is %s, must be a probability between 0 and 1", row_type_name(stated));
    *share = json_number_value(stated);
    return (*share >= 0 && *share <= 1) ||
           row_refuse(r, "\"share\" is %g, must be a probability between 0 and 1", *share);
}

bool label_is_vote(const char *member)
{
    int64_t number;
    if (strncmp(member, "annotator", 9) != 0)
        return false;
    member += 9 + (member[9] == '_');
    return text_to_i64(member, &number);
}

// 0, 1 or 2, also as 2.0 (a column with gaps) or "2" (a table of texts); -1: none of them.
static int choice_of(const json_t *vote)
{
    double number = -1;
    if (json_is_number(vote))
        number = json_number_value(vote);
    else if (json_is_string(vote) && !text_to_double(json_string_value(vote), &number))
        number = -1;
    return number == 0 || number == 1 || number == 2 ? (int)number : -1;
}

// "annotator1", "annotator_2", ...: 1, 2, or 0 for a tie, which is half a vote for each; or all in a list, "annotators".
// Whoever did not vote is left out. A text under "annotator" is somebody's name.
static bool read_annotators(struct row *r, const json_t *object, int *n, double *share)
{
    int votes[3] = {0};
    const char *key;
    json_t *vote;
    size_t i;
    json_object_foreach((json_t *)object, key, vote) {
        if (!label_is_vote(key) || json_is_null(vote))
            continue;
        if (choice_of(vote) < 0)
            return row_refuse(r, "\"%.40s\" must be 0 (a tie), 1 or 2", key);
        votes[choice_of(vote)]++;
    }
    const json_t *list = json_object_get(object, "annotators");
    json_array_foreach(list, i, vote) {
        if (!json_is_number(vote)) // names
            break;
        if (choice_of(vote) < 0)
            return row_refuse(r, "vote %zu of \"annotators\" must be 0 (a tie), 1 or 2", i + 1);
        votes[choice_of(vote)]++;
    }
    *n = votes[0] + votes[1] + votes[2];
    if (*n > 0)
        *share = (votes[1] + votes[0] / 2.0) / *n;
    return true;
}

bool label_has_votes(const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
        if (strcmp(key, "share") == 0 || strcmp(key, "votes") == 0 || label_is_vote(key) ||
            (strcmp(key, "annotators") == 0 && json_is_number(json_array_get(value, 0))))
            return true;
    return false;
}

// The three ways of saying how sure a preference is: one of them, or none (*said false).
static bool read_sureness(struct row *r, const json_t *object, bool *said, double *share)
{
    const json_t *stated = there(object, "share"), *votes = there(object, "votes");
    int n = 0;
    double by_annotators = 0;
    if (!read_annotators(r, object, &n, &by_annotators))
        return false;
    const int ways = (stated != NULL) + (votes != NULL) + (n > 0);
    *said = ways > 0;
    if (ways > 1)
        return row_refuse(r, "\"share\", \"votes\" and annotators: only one of them can say it");
    if (n > 0)
        *share = by_annotators;
    return votes ? read_votes(r, votes, share) : stated ? read_share(r, stated, share) : true;
}

// The i-th of "a|b|c".
static const char *nth_key(const char *keys, int i, char key[64])
{
    while (i-- && keys)
        keys = strchr(keys, '|') ? strchr(keys, '|') + 1 : NULL;
    snprintf(key, 64, "%.*s", keys ? (int)strcspn(keys, "|") : 0, keys ? keys : "");
    return key;
}

static bool numbered(struct row *r, const json_t *object, const char *key, double first, double second, bool ties,
                     double *share)
{
    double n;
    if (!label_number(r, object, key, &n))
        return false;
    if (n != first && n != second && !(ties && n == 0))
        return row_refuse(r, "\"%s\" is %g, must be %g (the first answer) or %g (the second)", key, n, first, second);
    *share = n == first ? 1 : n == second ? 0 : 0.5;
    return true;
}

static bool is_among(const char *word, const char *const *words)
{
    while (*words && strcasecmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

// Which of the two, or neither: by side, or by the name of its model.
static bool winner(struct row *r, const json_t *object, const char *key, double *share)
{
    static const char *const first[] = {"model_a", "a", "response_a", "assistant_a", NULL},
                            *const second[] = {"model_b", "b", "response_b", "assistant_b", NULL},
                            *const neither[] = {"tie", "tie (bothbad)", "tie (both bad)", "both_bad", "bothbad", "both bad",
                                                "both", "neither", "draw", "equal", NULL};
    const char *who = json_string_value(there(object, key)), *a = json_string_value(there(object, "model_a")),
               *b = json_string_value(there(object, "model_b"));
    const bool is_a = who && (is_among(who, first) || (a && strcmp(who, a) == 0)),
               is_b = who && (is_among(who, second) || (b && strcmp(who, b) == 0));
    if (is_a && is_b)
        return row_refuse(r, "\"%s\" is \"%.40s\", which both are called", key, who);
    if (!is_a && !is_b && !(who && is_among(who, neither)))
        return row_refuse(r, "\"%s\" must be model_a, model_b or tie", key);
    *share = is_a ? 1 : is_b ? 0 : 0.5;
    return true;
}

bool label_share(struct row *r, const json_t *object, enum label_rule rule, const char *keys, double *share)
{
    char a[64], b[64], c[64];
    double x, y, z;
    bool said = false;
    *share = 1;
    nth_key(keys, 0, a);
    nth_key(keys, 1, b);
    nth_key(keys, 2, c);
    switch (rule) {
    case LABEL_FIRST:
        return read_sureness(r, object, &said, share);
    case LABEL_VOTES:
        if (!read_sureness(r, object, &said, share))
            return false;
        return said || row_refuse(r, "there is no vote (\"annotator1\", ..., \"votes\" or \"share\")");
    case LABEL_ZERO_ONE:
        return numbered(r, object, a, 0, 1, false, share);
    case LABEL_ONE_ZERO:
        return numbered(r, object, a, 1, 0, false, share);
    case LABEL_ONE_TWO:
        return numbered(r, object, a, 1, 2, true, share);
    case LABEL_SIGNED_3:
        if (!label_number(r, object, a, &x))
            return false;
        if (!(x >= -3 && x <= 3))
            return row_refuse(r, "\"%s\" is %g, must be from -3 (the first answer) to 3 (the second)", a, x);
        *share = (3 - x) / 6;
        return true;
    case LABEL_SCORES:
        if (!label_number(r, object, a, &x) || !label_number(r, object, b, &y))
            return false;
        *share = x > y ? 1 : x < y ? 0 : 0.5;
        return true;
    case LABEL_WINNER_FLAGS:
        if (!label_number(r, object, a, &x) || !label_number(r, object, b, &y) || !label_number(r, object, c, &z))
            return false;
        if ((x != 0) + (y != 0) + (z != 0) != 1)
            return row_refuse(r, "exactly one of \"%s\", \"%s\" and \"%s\" must be 1", a, b, c);
        *share = x != 0 ? 1 : y != 0 ? 0 : 0.5;
        return true;
    case LABEL_WINNER:
        return winner(r, object, a, share);
    }
    return false;
}

bool label_contradicted(struct row *r, const json_t *object, double share, const char *scores)
{
    double other = 0.5, x, y;
    char a[64], b[64];
    bool said = false;
    if (!read_sureness(r, object, &said, &other))
        return true;
    if (said && (share - 0.5) * (other - 0.5) < 0)
        return !row_refuse(r, "its votes contradict its label");
    nth_key(scores, 0, a);
    nth_key(scores, 1, b);
    if (*a && json_is_number(there(object, a)) && json_is_number(there(object, b)) && label_number(r, object, a, &x) &&
        label_number(r, object, b, &y) && (share - 0.5) * (x - y) < 0)
        return !row_refuse(r, "\"%s\" and \"%s\" contradict its label", a, b);
    return false;
}

bool label_good(struct row *r, const json_t *object, const char *key, double *score)
{
    const json_t *label = row_member(object, key);
    const char *word = json_string_value(label);
    if (json_is_boolean(label))
        *score = json_is_true(label);
    else if (json_is_integer(label) && (json_integer_value(label) == 0 || json_integer_value(label) == 1))
        *score = (double)json_integer_value(label);
    else if (json_is_real(label) && (json_real_value(label) == 0 || json_real_value(label) == 1))
        *score = json_real_value(label);
    else if (word && (strcasecmp(word, "true") == 0 || strcmp(word, "1") == 0))
        *score = 1;
    else if (word && (strcasecmp(word, "false") == 0 || strcmp(word, "0") == 0))
        *score = 0;
    else
        return label ? row_refuse(r, "\"%s\" must be true or false", key)
                     : row_refuse(r, "the field \"%s\" is missing", key);
    return true;
}
