// The data set of the page Data, read on a thread of its own in three steps, each of which is seen as soon as it is there:
// the first rows, all rows with their lengths in characters, and the lengths in tokens.
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "text/tokenizer.h"
#include "ui/ui_internal.h"

enum { FIRST_ROWS = 200, MOST_ROWS = 1000000 };
enum step { STEP_FIRST, STEP_ALL, STEP_TOKENS, STEP_END };

struct data_job {
    struct data_source from;
    enum step step;
    const struct corpus *corpus; // STEP_TOKENS: of the set, which stays until the job has ended
    struct data_set found;       // what the step made
    atomic_size_t n_counted;
    atomic_bool give_up; // nobody wants it any more
};

// ---- on its thread ----

static bool go_on(void *arg, size_t n_rows)
{
    struct data_job *j = arg;
    atomic_store(&j->n_counted, n_rows);
    return !atomic_load(&j->give_up);
}

static void share(struct data_job *j, const struct corpus_reading *how)
{
    struct corpus *other = NULL;
    struct err fault = {0};
    if (!*j->from.held_out || corpus_load_as(&other, j->from.held_out, MOST_ROWS, how, &fault)) {
        text_copy(j->found.held_out_fault, sizeof j->found.held_out_fault, fault.code ? fault.text : "");
        return;
    }
    struct survey *theirs = survey_new(other, &(struct survey_options){.go_on = go_on, .go_with = j});
    if (theirs)
        survey_share(j->found.survey, theirs);
    survey_free(theirs);
    corpus_free(other);
}

static int read_work(void *arg, struct err *e)
{
    struct data_job *j = arg;
    const struct corpus_reading how = {j->from.map, j->from.label_from};
    const size_t most = j->step == STEP_FIRST ? FIRST_ROWS : MOST_ROWS;
    int code = corpus_load_as(&j->found.corpus, j->from.path, most, &how, e);
    if (code)
        return code;
    j->found.is_part = j->step == STEP_FIRST && j->found.corpus->n_rows >= FIRST_ROWS;
    j->found.is_cut = j->step == STEP_ALL && j->found.corpus->n_rows >= MOST_ROWS;
    j->found.survey = survey_new(j->found.corpus, &(struct survey_options){.go_on = go_on, .go_with = j});
    if (!j->found.survey)
        return err_set(e, ERR_INTERRUPTED, "another data set was opened");
    if (!j->found.is_part)
        share(j, &how);
    return 0;
}

static int count_work(void *arg, struct err *e)
{
    struct data_job *j = arg;
    const struct corpus_reading how = {j->from.map, j->from.label_from};
    struct tokenizer *t = NULL;
    int code = tokenizer_load(&t, j->from.tokenizer, e);
    if (code)
        return code;
    j->found.survey = survey_new(j->corpus, &(struct survey_options){survey_tokens, t, go_on, j});
    tokenizer_free(t);
    if (!j->found.survey)
        return err_set(e, ERR_INTERRUPTED, "another data set was opened");
    share(j, &how);
    return 0;
}

// ---- in the console's thread ----

static void next_step(struct ui *ui, struct data_job *j);

static void free_job(struct data_job *j)
{
    data_set_fini(&j->found);
    data_source_fini(&j->from);
    free(j);
}

static void take(struct data_set *d, struct data_job *j)
{
    if (j->found.corpus) {
        survey_free(d->survey);
        corpus_free(d->corpus);
        d->corpus = j->found.corpus;
        d->is_part = j->found.is_part;
        d->is_cut = j->found.is_cut;
    } else {
        survey_free(d->survey);
    }
    d->survey = j->found.survey;
    memcpy(d->held_out_fault, j->found.held_out_fault, sizeof d->held_out_fault);
    j->found = (struct data_set){0};
}

static void step_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct data_job *j = arg;
    struct data_set *d = &ui->data;
    if (ui->data_job != j) { // another set was opened meanwhile
        corpus_free(j->step == STEP_TOKENS ? (struct corpus *)j->corpus : NULL);
        free_job(j);
        return;
    }
    d->version++;
    ui->more = true; // the view may go on
    if (code && j->step == STEP_TOKENS)
        text_copy(d->tokenizer_fault, sizeof d->tokenizer_fault, e->text);
    else if (code)
        d->fault = *e;
    else
        take(d, j);
    const bool whole = code || (j->step == STEP_FIRST && !d->is_part);
    j->step = code || j->step == STEP_TOKENS ? STEP_END : whole ? STEP_TOKENS : (enum step)(j->step + 1);
    next_step(ui, j);
}

static void next_step(struct ui *ui, struct data_job *j)
{
    if (j->step == STEP_TOKENS && !*j->from.tokenizer)
        j->step = STEP_END;
    ui->data.counting = j->step == STEP_TOKENS;
    if (j->step == STEP_END) {
        ui->data_job = NULL;
        free_job(j);
        return;
    }
    j->corpus = ui->data.corpus;
    atomic_store(&j->n_counted, 0);
    job_start(ui, j->step == STEP_TOKENS ? count_work : read_work, step_done, j);
}

// What a job still reads is freed when that ends.
void data_jobs_forget(struct ui *ui)
{
    struct data_job *j = ui->data_job;
    const uint64_t version = ui->data.version;
    if (j) {
        atomic_store(&j->give_up, true);
        if (j->step == STEP_TOKENS)
            ui->data.corpus = NULL;
    }
    ui->data_job = NULL;
    data_set_fini(&ui->data);
    ui->data.version = version + 1;
}

void ui_read_data(struct ui *ui, const struct data_source *from, bool again)
{
    if (!again && ui->data.from.path && data_source_equal(from, &ui->data.from))
        return;
    const struct data_source mine = data_source_copy(from); // `from` may be that of the set
    data_jobs_forget(ui);
    ui->data.from = mine;
    struct data_job *j = mem_alloc(1, sizeof *j);
    j->from = data_source_copy(&mine);
    ui->data_job = j;
    next_step(ui, j);
}

const struct data_set *ui_data(struct ui *ui, size_t *n_counted)
{
    *n_counted = ui->data_job ? atomic_load(&ui->data_job->n_counted) : 0;
    return &ui->data;
}

// ---- between the form and the page ----

void ui_show_data(struct ui *ui, const struct data_source *from)
{
    ui->data_is_of_form = true;
    ui_read_data(ui, from, false);
    ui->show(ui, PAGE_DATA);
}

bool ui_take_data_of_form(struct ui *ui)
{
    const bool is = ui->data_is_of_form;
    ui->data_is_of_form = false;
    return is;
}

void ui_new_run_on(struct ui *ui, const struct data_source *from)
{
    data_source_fini(&ui->train_on);
    ui->train_on = data_source_copy(from);
    ui->engine_failed = false;
    ui->show(ui, PAGE_LAUNCH);
}

bool ui_take_train_on(struct ui *ui, struct data_source *out)
{
    const bool is = ui->train_on.path != NULL;
    if (is) {
        data_source_fini(out);
        *out = ui->train_on;
        ui->train_on = (struct data_source){0};
    }
    return is;
}

void ui_back_to_form(struct ui *ui)
{
    ui->show(ui, PAGE_LAUNCH);
}
