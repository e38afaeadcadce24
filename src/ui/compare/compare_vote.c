// Votes between two answers of a compare. A vote is a label: a pair that a person brought, with the weights that wrote each
// side.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "store/label_sets.h"
#include "ui/compare/compare_page.h"

static const struct {
    enum verdict verdict, turned; // turned: when what stands second is the pair's A
    const char *name;
} grades[] = {
    {VERDICT_MUCH_A, VERDICT_MUCH_B, "A is much better"},         {VERDICT_A, VERDICT_B, "A is better"},
    {VERDICT_SLIGHT_A, VERDICT_SLIGHT_B, "A is slightly better"}, {VERDICT_TIE, VERDICT_TIE, "about the same"},
    {VERDICT_SLIGHT_B, VERDICT_SLIGHT_A, "%c is slightly better"}, {VERDICT_B, VERDICT_A, "%c is better"},
    {VERDICT_MUCH_B, VERDICT_MUCH_A, "%c is much better"},         {VERDICT_BOTH_BAD, VERDICT_BOTH_BAD, "both are bad"},
};

char compare_other_letter(const struct compare *c)
{
    const int beside = compare_beside(c);
    return (char)('A' + (beside > 0 ? beside : 1));
}

struct compare_grade_name compare_grade_name(int key, char other)
{
    struct compare_grade_name out;
    const char *name = grades[key - '1'].name;
    const bool is_other = name[0] == '%';
    snprintf(out.text, sizeof out.text, "%.1s%s", is_other ? &other : name, name + (is_other ? 2 : 1));
    return out;
}

bool compare_hides_names(const struct compare_page *p)
{
    return p->c.blind && !p->graded;
}

void compare_name(struct compare_page *p, int place, struct str *out)
{
    str_addc(out, (char)('A' + place));
    if (!compare_hides_names(p))
        str_addf(out, " %s", compare_at(&p->c, place)->model.label);
}

void compare_shuffle(struct compare_page *p)
{
    struct compare *c = &p->c;
    for (int i = 0; i < c->n; i++)
        c->order[i] = i;
    if (c->blind && c->n == 2) {
        const bool turned = label_side(p->shuffle_seed, p->n_shuffled++);
        c->order[0] = turned;
        c->order[1] = !turned;
    } else if (c->blind) {
        struct rng r = rng_make(p->shuffle_seed, RNG_SIDES, (uint32_t)p->n_shuffled++);
        for (int i = c->n - 1; i > 0; i--) {
            const int k = (int)rng_below(&r, (uint64_t)i + 1), kept = c->order[i];
            c->order[i] = c->order[k];
            c->order[k] = kept;
        }
    }
    compare_changed(c);
}

bool compare_can_vote(const struct compare_page *p)
{
    return compare_beside(&p->c) >= 0 && p->c.prompt;
}

// The two answers as a pair of the store: A is the side that was chosen first, wherever it stands. Prompt and turns are the
// caller's to free (forget_pair), all else is borrowed.
static bool make_pair(struct compare_page *p, struct asked_pair *pair, bool *swapped)
{
    struct compare *c = &p->c;
    const int beside = compare_beside(c);
    if (!compare_can_vote(p)) {
        ui_say_error(c->ui, "A vote needs two answers: a adds a side, e asks something");
        return false;
    }
    *swapped = c->order[beside] < c->order[0];
    struct compare_side *a = compare_at(c, *swapped ? beside : 0), *b = compare_at(c, *swapped ? 0 : beside);
    const char *history = compare_history(c, a);
    if (a->answer.state != SIDE_WHOLE || b->answer.state != SIDE_WHOLE) {
        ui_say_error(c->ui, "Vote when both have answered");
        return false;
    }
    if (!compare_same_history(c, a, b)) {
        ui_say_error(c->ui, "They answer two conversations, which no vote compares: F goes on with all from one answer");
        return false;
    }
    if (strcmp(str_text(&a->answer.text), str_text(&b->answer.text)) == 0) {
        ui_say_error(c->ui, "Both answers are the same text: there is nothing to vote on");
        return false;
    }
    *pair = (struct asked_pair){.prompt = compare_asked_text(c, a),
                                .turns = history ? compare_turns_with(history, c->prompt, NULL) : NULL,
                                .a = (char *)str_text(&a->answer.text),
                                .b = (char *)str_text(&b->answer.text),
                                .model = (char *)compare_model_key(&a->model),
                                .model_b = (char *)compare_model_key(&b->model),
                                .at_ms = clock_wall_ms()};
    asked_pair_hash(pair);
    return true;
}

static void forget_pair(struct asked_pair *pair)
{
    free(pair->prompt);
    free(pair->turns);
}

static char mark_of(enum verdict v)
{
    return v == VERDICT_FLAG ? '!' : v == VERDICT_BOTH_BAD ? 'x' : v == VERDICT_TIE ? '=' : v < VERDICT_TIE ? 'A' : 'B';
}

// A vote that was to be blind and could not be: the pair is kept out of the data and of what votes add up to, with the
// reason.
static void flag(struct judgement *j, const char *grade, const char *name, struct str *note)
{
    str_addf(note, "an answer names its model (%s); the vote was: %s", name, grade);
    j->verdict = VERDICT_FLAG;
    j->note = note->data;
}

// Behind those that stand; what was taken back before can be said again no more.
static void remember(struct compare_page *p, const struct judgement *j, int key, char other)
{
    while (p->n_said > p->n_votes)
        free(p->votes[--p->n_said].note);
    if (p->n_votes == MOST_VOTES) {
        free(p->votes[0].note);
        memmove(p->votes, p->votes + 1, (size_t)--p->n_votes * sizeof *p->votes);
    }
    struct compare_said *v = &p->votes[p->n_votes++];
    *v = (struct compare_said){*j, mem_strdup(j->note ? j->note : ""), p->prompt_at, key, other};
    v->j.note = NULL;
    p->n_said = p->n_votes;
}

static void mark(struct compare_page *p, int at, char mark)
{
    if (p->marks && at >= 0)
        p->marks[at] = mark;
}

enum view_result compare_vote(struct compare_page *p, int key)
{
    struct compare *c = &p->c;
    struct asked_pair pair;
    struct err fault = {0};
    bool swapped = false, again = false;
    if (!make_pair(p, &pair, &swapped))
        return VIEW_KEPT;
    const double begun = fmax(compare_at(c, 0)->answer.ended_s, compare_at(c, compare_beside(c))->answer.ended_s);
    const char other = compare_other_letter(c);
    const struct compare_grade_name grade = compare_grade_name(key, other);
    struct judgement j = {.verdict = swapped ? grades[key - '1'].turned : grades[key - '1'].verdict,
                          .swapped = swapped,
                          .seconds = begun > 0 ? clock_seconds() - begun : NAN};
    text_copy(j.annotator, sizeof j.annotator, labels_annotator());
    char name[64];
    struct str note = {0};
    const bool leaked = c->blind && compare_names_itself(p, name, sizeof name);
    if (leaked)
        flag(&j, grade.text, name, &note);
    const int code = labels_add(ui_store(c->ui), NULL, &pair, &j, true, &again, &fault);
    text_copy(j.hash, sizeof j.hash, pair.hash);
    forget_pair(&pair);
    if (!code && !again)
        remember(p, &j, key, other);
    str_fini(&note);
    if (code) {
        ui_say_error(c->ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    mark(p, p->prompt_at, mark_of(j.verdict));
    p->graded = key;
    p->graded_other = other;
    p->leaked = leaked;
    ui_look_for_wins(c->ui);
    if (leaked)
        ui_say(c->ui, "Flagged, and no vote: an answer says \"%s\", so this was not blind. j goes on.", name);
    else
        ui_say(c->ui, "Saved: %s. %s, u takes it back.", grade.text, p->marks ? "j goes on" : "r asks again");
    return VIEW_CHANGED;
}

// ---- taking back ----

static bool is_shown(struct compare_page *p, const struct compare_said *v)
{
    struct asked_pair pair;
    bool swapped;
    const struct compare *c = &p->c;
    const int beside = compare_beside(c);
    if (beside < 0 || compare_at(&p->c, 0)->answer.state != SIDE_WHOLE ||
        compare_at(&p->c, beside)->answer.state != SIDE_WHOLE || !make_pair(p, &pair, &swapped))
        return false;
    const bool same = strcmp(pair.hash, v->j.hash) == 0;
    forget_pair(&pair);
    return same;
}

// Says a vote of this sitting again; it stands as another row, and has its number from now on.
static int say_again(struct compare_page *p, struct compare_said *v, struct err *e)
{
    struct store *s = ui_store(p->c.ui);
    struct asked_pair pair = {0};
    bool again;
    int code = label_pair(s, v->j.pair, &pair, e);
    if (code)
        return code;
    v->j.note = *v->note ? v->note : NULL;
    code = labels_add(s, NULL, &pair, &v->j, true, &again, e);
    v->j.note = NULL;
    asked_pair_fini(&pair);
    if (!code) {
        mark(p, v->prompt_at, mark_of(v->j.verdict));
        if (is_shown(p, v)) {
            p->graded = v->key;
            p->graded_other = v->other;
            p->leaked = v->j.verdict == VERDICT_FLAG;
        }
    }
    return code;
}

// What was said of the same pair before; NULL: nothing.
static struct compare_said *before(struct compare_page *p, const struct compare_said *v)
{
    for (struct compare_said *x = (struct compare_said *)v - 1; x >= p->votes; x--)
        if (x->j.pair == v->j.pair)
            return x;
    return NULL;
}

enum view_result compare_unvote(struct compare_page *p)
{
    struct ui *ui = p->c.ui;
    struct err fault = {0};
    int64_t row;
    if (p->n_votes == 0) {
        ui_say(ui, "No vote of this sitting is left to take back.");
        return VIEW_KEPT;
    }
    struct compare_said *v = &p->votes[p->n_votes - 1], *earlier = before(p, v);
    int code = labels_take_back(ui_store(ui), v->j.id, labels_annotator(), &row, &fault);
    if (!code) {
        p->n_votes--;
        p->graded = is_shown(p, v) ? 0 : p->graded;
        mark(p, v->prompt_at, 0);
        code = earlier ? say_again(p, earlier, &fault) : 0;
    }
    ui_look_for_wins(ui);
    if (code)
        ui_say_error(ui, "%s", fault.text);
    else
        ui_say(ui, earlier ? "The last vote was taken back: the one before it stands again. U gives it again."
                           : "The last vote was taken back; U gives it again.");
    return VIEW_CHANGED;
}

enum view_result compare_revote(struct compare_page *p)
{
    struct ui *ui = p->c.ui;
    struct err fault = {0};
    if (p->n_votes == p->n_said) {
        ui_say(ui, "No vote was taken back that could be given again.");
        return VIEW_KEPT;
    }
    struct compare_said *v = &p->votes[p->n_votes];
    if (say_again(p, v, &fault)) {
        ui_say_error(ui, "%s", fault.text);
        return VIEW_CHANGED;
    }
    p->n_votes++;
    ui_look_for_wins(ui);
    ui_say(ui, "Saved again: %s.", compare_grade_name(v->key, v->other).text);
    return VIEW_CHANGED;
}
