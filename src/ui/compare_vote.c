// Votes between two answers of a compare. A vote is a label: a pair that a person brought, with the weights that wrote each
// side.
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "store/label_sets.h"
#include "ui/compare_page.h"

static const struct {
    enum verdict verdict, turned; // turned: when what stands second is the pair's A
    const char *name;
} grades[] = {
    {VERDICT_MUCH_A, VERDICT_MUCH_B, "A is much better"},         {VERDICT_A, VERDICT_B, "A is better"},
    {VERDICT_SLIGHT_A, VERDICT_SLIGHT_B, "A is slightly better"}, {VERDICT_TIE, VERDICT_TIE, "about the same"},
    {VERDICT_SLIGHT_B, VERDICT_SLIGHT_A, "B is slightly better"}, {VERDICT_B, VERDICT_A, "B is better"},
    {VERDICT_MUCH_B, VERDICT_MUCH_A, "B is much better"},         {VERDICT_BOTH_BAD, VERDICT_BOTH_BAD, "both are bad"},
};

const char *compare_grade_name(int key)
{
    return grades[key - '1'].name;
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

// The two answers as a pair of the store: A is the side that was chosen first, wherever it stands. Borrowed.
static bool make_pair(struct compare_page *p, struct asked_pair *pair, bool *swapped)
{
    struct compare *c = &p->c;
    const int beside = compare_beside(c);
    if (beside < 0 || !c->prompt) {
        ui_say_error(c->ui, "A vote needs two answers: a adds a side, e asks something; Alt-1 to Alt-6, { and } turn pages");
        return false;
    }
    *swapped = c->order[beside] < c->order[0];
    struct compare_side *a = compare_at(c, *swapped ? beside : 0), *b = compare_at(c, *swapped ? 0 : beside);
    if (a->answer.state != SIDE_WHOLE || b->answer.state != SIDE_WHOLE) {
        ui_say_error(c->ui, "Vote when both have answered");
        return false;
    }
    if (strcmp(str_text(&a->answer.text), str_text(&b->answer.text)) == 0) {
        ui_say_error(c->ui, "Both answers are the same text: there is nothing to vote on");
        return false;
    }
    *pair = (struct asked_pair){.prompt = c->prompt,
                                .a = (char *)str_text(&a->answer.text),
                                .b = (char *)str_text(&b->answer.text),
                                .model = (char *)compare_model_key(&a->model),
                                .model_b = (char *)compare_model_key(&b->model),
                                .at_ms = clock_wall_ms()};
    asked_pair_hash(pair);
    return true;
}

static char mark_of(enum verdict v)
{
    return v == VERDICT_FLAG ? '!' : v == VERDICT_BOTH_BAD ? 'x' : v == VERDICT_TIE ? '=' : v < VERDICT_TIE ? 'A' : 'B';
}

// A vote that was to be blind and could not be: the pair is kept out of the data and of what votes add up to, with the reason.
static void flag(struct judgement *j, int key, const char *name, struct str *note)
{
    str_addf(note, "an answer names its model (%s); the vote was: %s", name, compare_grade_name(key));
    j->verdict = VERDICT_FLAG;
    j->note = note->data;
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
    struct judgement j = {.verdict = swapped ? grades[key - '1'].turned : grades[key - '1'].verdict,
                          .swapped = swapped,
                          .seconds = begun > 0 ? clock_seconds() - begun : NAN};
    text_copy(j.annotator, sizeof j.annotator, labels_annotator());
    char name[64];
    struct str note = {0};
    const bool leaked = c->blind && compare_names_itself(p, name, sizeof name);
    if (leaked)
        flag(&j, key, name, &note);
    const int code = labels_add(ui_store(c->ui), NULL, &pair, &j, true, &again, &fault);
    str_fini(&note);
    if (code) {
        ui_say_error(c->ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    if (!again) {
        if (p->n_votes == MOST_VOTES) {
            memmove(p->votes, p->votes + 1, (size_t)--p->n_votes * sizeof *p->votes);
            memmove(p->voted_at, p->voted_at + 1, (size_t)p->n_votes * sizeof *p->voted_at);
        }
        p->voted_at[p->n_votes] = p->prompt_at;
        p->votes[p->n_votes++] = j.id;
    }
    if (p->marks && p->prompt_at >= 0)
        p->marks[p->prompt_at] = mark_of(j.verdict);
    p->graded = key;
    p->leaked = leaked;
    ui_look_for_wins(c->ui);
    if (leaked)
        ui_say(c->ui, "Flagged, and no vote: an answer says \"%s\", so this was not blind. j goes on.", name);
    else
        ui_say(c->ui, "Saved: %s. %s, u takes it back.", compare_grade_name(key), p->marks ? "j goes on" : "r asks again");
    return VIEW_CHANGED;
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
    if (labels_take_back(ui_store(ui), p->votes[p->n_votes - 1], labels_annotator(), &row, &fault)) {
        ui_say_error(ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    p->n_votes--;
    p->graded = 0;
    if (p->marks && p->voted_at[p->n_votes] >= 0)
        p->marks[p->voted_at[p->n_votes]] = 0;
    ui_look_for_wins(ui);
    ui_say(ui, "The last vote was taken back.");
    return VIEW_CHANGED;
}
