// The page of compares for who hears it: who answers, what was asked, what each said, and what was voted.
#include "config.h"

#include <math.h>

#include "ui/compare/compare_page.h"
#include "ui/runs/run_text.h"

static void tell_prompt(struct compare_page *p, struct str *out)
{
    const struct prompt_set *set = ui_prompts(p->c.ui);
    if (!p->c.prompt) {
        str_add(out, "No prompt yet: \"ask TEXT\" asks one, \"prompts FILE\" takes them from a file.\n");
        return;
    }
    str_add(out, "Prompt");
    if (compare_turn(&p->c) > 1)
        str_addf(out, ", turn %d", compare_turn(&p->c));
    if (set && p->prompt_at >= 0)
        str_addf(out, " %d of %d", compare_position(p) + 1, set->n);
    str_addf(out, ": %s\n", p->c.prompt);
}

static void tell_side(struct compare_page *p, int place, struct str *out)
{
    const struct compare_answer *x = &compare_at(&p->c, place)->answer;
    char number[32];
    compare_name(p, place, out);
    switch (x->state) {
    case SIDE_SILENT:
        str_add(out, " has said nothing.\n");
        return;
    case SIDE_WAITING:
        str_add(out, " has not begun to answer.\n");
        return;
    case SIDE_FAILED:
        str_addf(out, " could not answer: %s\n", x->trouble);
        return;
    case SIDE_STREAMING:
    case SIDE_WHOLE:
        break;
    }
    str_addf(out, ", %d %s%s", x->n_tokens, text_plural(x->n_tokens, "token", "tokens"),
             x->state == SIDE_STREAMING ? " so far" : "");
    if (!isnan(x->score) && !compare_hides_names(p))
        str_addf(out, ", reward %s", number_text(number, sizeof number, x->score, 7));
    str_addf(out, ": %s\n", x->text.len ? str_text(&x->text) : "(nothing)");
}

static void tell_votes(struct compare_page *p, struct str *out)
{
    const int beside = compare_beside(&p->c);
    bool turned = false;
    const char name[2] = {compare_other_letter(&p->c), 0};
    if (!compare_can_vote(p))
        return;
    if (p->graded)
        str_addf(out, "%s: %s.\n", p->leaked ? "Flagged, for an answer names its model; the vote was" : "Voted",
                 compare_grade_name(p->graded, p->graded_other).text);
    else
        str_addf(out,
                 "1 to 8 votes: 1 A is much better, 2 better, 3 slightly, 4 about the same, 5 to 7 the same for %s, 8 "
                 "both are bad.%s\n",
                 name, compare_hides_names(p) ? " Names are hidden until then." : "");
    const struct win_row *row = compare_hides_names(p)
                                    ? NULL
                                    : win_table_find(ui_wins(p->c.ui), compare_model_key(&compare_at(&p->c, 0)->model),
                                                     compare_model_key(&compare_at(&p->c, beside)->model), &turned);
    if (row) {
        str_add(out, "All votes: ");
        win_row_text(row, "A", name, turned, out);
        str_add(out, ".\n");
    }
}

static void tell_wins(struct compare_page *p, struct str *out)
{
    const struct win_table *t = ui_wins(p->c.ui);
    if (compare_hides_names(p) || !t || t->n == 0) {
        str_add(out, compare_hides_names(p) ? "Hidden until you vote.\n" : "No votes between two models yet.\n");
        return;
    }
    for (int i = 0; i < t->n; i++) {
        str_addf(out, "A %s, B %s: ", t->rows[i].a, t->rows[i].b);
        win_row_text(&t->rows[i], "A", "B", false, out);
        win_row_add_length(&t->rows[i], out);
        str_add(out, ".\n");
    }
    if (t->n_next) {
        str_add(out, "Least certain, \"next-models\" compares them: ");
        win_next_text(&t->next[0], out);
        str_add(out, ".\n");
    }
}

bool compare_tell(struct view *v, bool all, struct str *out)
{
    struct compare_page *p = v->state;
    if (p->panel == PANEL_WINS) {
        tell_wins(p, out);
        return true;
    }
    if (p->choosing || p->panel != PANEL_ANSWERS)
        return false;
    if (p->c.n == 0) {
        str_add(out, "No models yet: \"compare MODEL MODEL\" names two or more, as RUN, RUN@STEP, RUN@best, "
                     "RUN@base or a folder.\n");
        return true;
    }
    tell_prompt(p, out);
    for (int i = 0; i < p->c.n; i++)
        tell_side(p, i, out);
    tell_votes(p, out);
    return true;
}
