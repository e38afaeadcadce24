// What an annotator has begun: notes, reasons and better answers that outlive leaving the page and a killed console.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/label_drafts.h"
#include "ui/label/label_view.h"

static const char *dir_of(struct view *v)
{
    return store_dir(ui_store(v->ui));
}

void label_keep_draft(struct view *v, const char *note)
{
    struct label_state *s = v->state;
    struct err fault = {0};
    note = note ? note : s->note ? s->note : "";
    if (s->now.has_pair && label_draft_write(dir_of(v), s->now.annotator, s->now.pair.hash, note, s->reasons, &fault))
        ui_say_error(v->ui, "%s", fault.text);
}

static bool is_reasons(const char *text)
{
    for (; *text; text++) {
        const struct label_reason *r = label_reasons;
        while (r->letter && r->letter != *text)
            r++;
        if (!r->letter)
            return false;
    }
    return true;
}

void label_take_draft(struct view *v)
{
    struct label_state *s = v->state;
    struct label_draft d;
    if (!s->now.has_pair || !label_draft_read(dir_of(v), s->now.annotator, s->now.pair.hash, &d))
        return;
    if (*d.note) {
        free(s->note);
        s->note = mem_strdup(d.note);
    }
    if (is_reasons(d.reasons) && strlen(d.reasons) < sizeof s->reasons)
        text_copy(s->reasons, sizeof s->reasons, d.reasons);
    label_draft_fini(&d);
}

void label_forget_draft(struct view *v)
{
    const struct label_state *s = v->state;
    if (s->now.has_pair)
        label_draft_remove(dir_of(v), s->now.annotator, s->now.pair.hash);
}
