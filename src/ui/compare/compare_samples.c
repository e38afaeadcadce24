// What runs wrote down while they trained, side by side: their samples of one prompt, at one step.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/compare/compare_page.h"

enum { MOST_SAMPLES = 2000 };

// The newest sample up to the step, of that prompt (NULL: any), else the oldest behind it. list: newest first.
static const struct run_sample *sample_at(const struct run_sample *list, int n, int64_t step, const char *prompt)
{
    const struct run_sample *later = NULL;
    for (int i = 0; i < n; i++) {
        if (prompt && strcmp(list[i].prompt, prompt) != 0)
            continue;
        if (list[i].step <= step)
            return &list[i];
        later = &list[i];
    }
    return later;
}

static void put_sample(struct compare_page *p, const struct run_row *r, const struct run_sample *sample)
{
    const int place = p->c.n;
    struct compare_model m = {.run = mem_strdup(r->info.name), .step = sample->step};
    struct str label = {0};
    str_addf(&label, "%s@%lld", r->info.name, (long long)sample->step);
    text_copy(m.label, sizeof m.label, str_text(&label));
    str_fini(&label);
    compare_put(&p->c, place, m);
    struct compare_answer *x = &compare_at(&p->c, place)->answer;
    str_add(&x->text, sample->response);
    x->state = SIDE_WHOLE;
    for (int i = 0; i < sample->n_credits; i++) {
        MEM_GROW(x->tokens, x->n_tokens, x->cap_tokens);
        x->tokens[x->n_tokens++] = (struct compare_token){
            .n_bytes = sample->credits[i].n_bytes, .logp = NAN, .entropy = NAN, .reference = NAN, .other = NAN};
    }
}

// One run beside itself, as it was when it first answered.
static const struct run_sample *first_of(const struct run_sample *list, int n, const struct run_sample *other)
{
    for (int i = n - 1; i >= 0; i--)
        if (&list[i] != other && strcmp(list[i].prompt, other->prompt) == 0)
            return &list[i];
    return NULL;
}

static int read_run(struct compare_page *p, const struct run_row *r, bool alone, int64_t step, struct err *e)
{
    struct run_sample *list = NULL;
    int n = 0, code = r->reader ? run_reader_samples(r->reader, MOST_SAMPLES, &list, &n, e) : 0;
    const struct run_sample *sample = code ? NULL : sample_at(list, n, step, p->c.n ? p->c.prompt : NULL);
    if (!code && !sample)
        code = err_set(e, ERR_NOT_FOUND,
                       p->c.n ? "run %s wrote no sample of the prompt that the other one answered"
                              : "run %s has written no samples",
                       r->info.name);
    if (!code) {
        compare_set_conversation(&p->c, NULL, sample->prompt);
        const struct run_sample *first = alone ? first_of(list, n, sample) : NULL;
        if (first)
            put_sample(p, r, first);
        put_sample(p, r, sample);
    }
    run_samples_free(list, n);
    return code;
}

void compare_samples(struct compare_page *p, int64_t step)
{
    struct run_row *rows[COMPARE_MOST];
    struct err fault = {0};
    int n = run_list_selected(ui_runs(p->c.ui), rows, COMPARE_MOST);
    if (n == 0 && ui_run(p->c.ui))
        rows[n++] = ui_run(p->c.ui);
    while (p->c.n > 0)
        compare_remove(&p->c, p->c.n - 1);
    p->graded = 0;
    p->token = p->prompt_at = -1;
    for (int i = 0; i < n; i++)
        if (read_run(p, rows[i], n == 1, step, &fault))
            ui_say_error(p->c.ui, "%s", fault.text);
    if (!fault.code && n > 0)
        ui_say(p->c.ui, "What the runs wrote at step %lld. a adds a model that answers now.", (long long)step);
}
