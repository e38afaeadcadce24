// The page's work at the desk: requests go in jobs, one after the other; a judgement is written down before the next pair is
// shown, and on the disk before the next key is taken.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/label/label_view.h"

struct label_job {
    struct view *v;
    struct label_desk *desk; // NULL: opens one
    char *dir, annotator[64];
    struct label_request request;
    struct label_shown out;
};

void label_forget_words(struct label_state *s)
{
    free(s->note);
    s->note = NULL;
    s->reasons[0] = '\0';
    s->choosing_reasons = false;
}

static int work(void *arg, struct err *e)
{
    struct label_job *j = arg;
    int code = j->desk ? 0 : label_desk_open(&j->desk, j->dir, j->annotator, e);
    return code ? code : label_desk_do(j->desk, &j->request, &j->out, e);
}

static bool is_same_pair(const struct label_shown *a, const struct label_shown *b)
{
    return a->has_pair && b->has_pair && a->number == b->number && a->swapped == b->swapped &&
           a->was_judged == b->was_judged && strcmp(a->pair.hash, b->pair.hash) == 0 &&
           strcmp(a->source, b->source) == 0;
}

void label_note_whose(struct label_state *s)
{
    const struct label_shown *n = &s->now;
    const char *a = n->pair.model ? n->pair.model : "", *b = n->pair.model_b && *n->pair.model_b ? n->pair.model_b : a;
    struct str text = {0};
    str_addf(&text, "#%lld:", (long long)n->number);
    if (*a && strcmp(a, b) == 0)
        str_addf(&text, " both answers are of %s", a);
    else if (*a || *b)
        str_addf(&text, " left is of %s, right of %s", n->swapped ? b : a, n->swapped ? a : b);
    if (!isnan(n->share))
        str_addf(&text, "%s the file %s", text.len > 8 ? ";" : "",
                 n->share == 0.5  ? "has a tie"
                 : n->share > 0.5 ? "prefers left"
                                  : "prefers right");
    for (int i = 0; i < n->n_votes; i++)
        str_addf(&text, "; %s: %s", n->votes[i].who, label_words(n->votes[i].verdict));
    if (!strchr(str_text(&text), ' '))
        str_add(&text, " nothing is known of where its answers come from");
    text_copy(s->revealed, sizeof s->revealed, str_text(&text));
    str_fini(&text);
}

static void show_new(struct view *v, struct label_shown *out)
{
    struct label_state *s = v->state;
    const bool same = is_same_pair(&s->now, out);
    label_shown_fini(&s->now);
    s->now = *out;
    *out = (struct label_shown){0};
    if (same)
        return;
    label_forget_words(s);
    s->seen_s = 0;
    if (s->now.note_before && *s->now.note_before)
        s->note = mem_strdup(s->now.note_before);
    if (s->now.reasons_before)
        text_copy(s->reasons, sizeof s->reasons, s->now.reasons_before);
    label_take_draft(v);
    label_fill_panes(s);
}

static void count_saved(struct view *v, struct label_state *s, const struct label_request *r)
{
    enum { NOW_AND_THEN = 50 };
    if (r->what != LABEL_SAVE)
        return;
    s->n_said++;
    if (s->n_said % NOW_AND_THEN == 0 && !s->statistics)
        ui_say(v->ui, "%d judgements in this sitting: s shows what they add up to.", s->n_said);
}

static void done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct label_job *j = arg;
    struct view *v = j->v;
    struct label_state *s = v->state;
    const bool lost = j->desk == NULL, was_judged = j->request.what == LABEL_JUDGE;
    s->busy = false;
    s->desk = j->desk;
    s->trouble[0] = '\0';
    if (lost)
        text_copy(s->trouble, sizeof s->trouble, e->text);
    else if (code)
        ui_say_error(ui, "%s", e->text);
    if (!code && j->request.what == LABEL_JUDGE)
        label_note_whose(s);
    if (!code && j->out.said[0])
        text_copy(s->said, sizeof s->said, j->out.said);
    if (!code && was_judged)
        label_forget_draft(v);
    if (!code && j->request.what == LABEL_EDIT)
        unlink(j->request.name); // it was saved: no draft any more
    if (!lost)
        show_new(v, &j->out);
    if (!code)
        count_saved(v, s, &j->request);
    for (int i = 0; code && i < s->n_queued; i++) // what came behind was meant for another pair
        label_request_fini(&s->queued[i]);
    s->n_queued = code ? 0 : s->n_queued;
    label_shown_fini(&j->out);
    label_request_fini(&j->request);
    free(j->dir);
    free(j);
    if (!code && !lost && was_judged) {
        label_ask(v, (struct label_request){.what = LABEL_SAVE});
    } else if (s->n_queued) {
        struct label_request next = s->queued[0];
        memmove(s->queued, s->queued + 1, (size_t)--s->n_queued * sizeof *s->queued);
        label_ask(v, next);
    }
    if (!s->busy && s->write_to) {
        char *path = s->write_to;
        s->write_to = NULL;
        label_write(v, &s->now, path);
        free(path);
    }
}

static double seconds_seen(const struct label_state *s)
{
    return s->seen_s > 0 ? clock_seconds() - s->seen_s : NAN; // a script judges what nobody saw
}

// Requests by which a person goes to another pair; what others do may change it as well.
static bool moves(enum label_what what)
{
    return what != LABEL_LOOK && what != LABEL_SAVE && what != LABEL_FIT && what != LABEL_EDIT && what != LABEL_GUIDE &&
           what != LABEL_LIST;
}

// Requests by which something of a person's is kept.
static bool writes(enum label_what what)
{
    return what == LABEL_JUDGE || what == LABEL_SAVE || what == LABEL_UNDO || what == LABEL_REDO || what == LABEL_EDIT ||
           what == LABEL_GUIDE || what == LABEL_JUDGE_MANY;
}

int64_t label_meant(const struct label_state *s)
{
    bool moved = s->busy && moves(s->doing);
    for (int i = 0; i < s->n_queued; i++)
        moved = moved || moves(s->queued[i].what);
    return moved || !s->now.has_pair ? 0 : s->now.number;
}

void label_ask(struct view *v, struct label_request r)
{
    struct label_state *s = v->state;
    if (s->busy) {
        if (s->n_queued < LABEL_QUEUED && r.what != LABEL_LOOK)
            s->queued[s->n_queued++] = r;
        else
            label_request_fini(&r);
        return;
    }
    struct label_job *j = mem_alloc(1, sizeof *j);
    const struct label_options *o = ui_label_options(v->ui);
    *j = (struct label_job){.v = v, .desk = s->desk, .dir = mem_strdup(store_dir(ui_store(v->ui))), .request = r};
    if (!text_copy(j->annotator, sizeof j->annotator, o && o->annotator ? o->annotator : labels_annotator()))
        j->annotator[sizeof j->annotator - 1] = '\0';
    if (r.what == LABEL_JUDGE) { // what is said of the pair goes with it
        j->request.seconds = seconds_seen(s);
        j->request.note = s->note ? mem_strdup(s->note) : NULL;
        j->request.reasons = mem_strdup(s->reasons);
    }
    s->busy = true;
    s->doing = r.what;
    s->looked_s = clock_seconds();
    ui_work(v->ui, writes(r.what) ? "A judgement is being saved" : NULL, work, done, j);
}
