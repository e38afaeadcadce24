#include "config.h"

#include "ui/compare/compare_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "corpus/corpus.h"
#include "stats/sequential.h"
#include "store/run_best.h"
#include "ui/compare/win_report.h"
#include "ui/compare/win_words.h"

// ---- checkpoints ----

void checkpoint_list_free(struct checkpoint_list *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->n; i++)
        compare_model_fini(&l->rows[i].model);
    free(l->rows);
    free(l);
}

// What helps depends on the run: an experiment's checkpoints are those of its parts, and what has ended writes none.
static int no_checkpoint(const struct run_list *runs, const struct run_row *row, struct err *e)
{
    struct run_row *part;
    const char *name = row->info.name;
    if (run_list_parts(runs, row, &part, 1))
        return err_set(e, ERR_STATE,
                       "%s is an experiment of several runs and has no checkpoint itself: name one of them, such as "
                       "%s",
                       name,
                       part->info.name);
    if (run_info_is_experiment(&row->info))
        return err_set(e, ERR_STATE, "%s is an experiment of several runs, none of which has begun: it has no checkpoint",
                       name);
    if (run_state_is_live(row->status.state))
        return err_set(e, ERR_STATE, "run %s has no checkpoint yet; c on its page asks for one", name);
    if (row->status.state == RUN_QUEUED)
        return err_set(e, ERR_STATE, "run %s has not begun: it has no checkpoint yet", name);
    if (row->status.state == RUN_DONE)
        return err_set(e, ERR_STATE, "run %s is done and keeps no checkpoint", name);
    return err_set(e, ERR_STATE, "run %s ended without a checkpoint; r on its page begins it again", name);
}

static int find_step(const struct checkpoint_list *l, const struct run_list *runs, const struct run_row *row,
                     const char *step, struct compare_model *out, struct err *e)
{
    const char *run = row->info.name;
    struct str have = {.max = 300};
    const bool best = step && strcmp(step, "best") == 0;
    int64_t number = -1;
    int n = 0, code = 0;
    if (step && !best && !text_to_i64(step, &number))
        return err_set(e, ERR_USAGE, "\"%s\" is no step: write %s@200, %s@best or %s@base", step, run, run, run);
    for (int i = 0; i < l->n; i++) {
        const struct checkpoint_choice *r = &l->rows[i];
        if (!r->model.run || strcmp(r->model.run, run) != 0)
            continue;
        if (!step ? r->is_last : best ? r->is_best : r->model.step == number) {
            *out = compare_model_copy(&r->model);
            str_fini(&have);
            return 0;
        }
        str_addf(&have, "%s%lld", n++ ? ", " : "", (long long)r->model.step);
    }
    if (n == 0)
        code = no_checkpoint(runs, row, e);
    else if (best)
        code =
            err_set(e, ERR_NOT_FOUND, "run %s keeps no best checkpoint; there are those of step %s", run, str_text(&have));
    else
        code = err_set(e, ERR_NOT_FOUND, "run %s keeps no checkpoint of step %s; there are: %s", run, step, str_text(&have));
    str_fini(&have);
    return code;
}

const char *checkpoint_choice_word(const struct checkpoint_choice *c)
{
    return c->is_base                 ? "base model"
           : c->is_best && c->is_last ? "best, newest"
           : c->is_best               ? "best"
           : c->is_last               ? "newest"
                                      : "";
}

int checkpoint_base_find(const struct run_info *run, struct compare_model *out, struct err *e)
{
    char *folder = run_base_folder(run->model ? run->model : "");
    if (!folder)
        return err_set(e, ERR_NOT_FOUND, "the model that run %s began from is not there any more: %s", run->name,
                       run->model ? run->model : "none is known");
    *out = compare_model_of_folder(folder);
    free(folder);
    return 0;
}

int checkpoint_list_find(const struct checkpoint_list *l, const struct run_list *runs, const char *word,
                         struct compare_model *out, struct err *e)
{
    const size_t n = strcspn(word, "@");
    char *run = mem_strndup(word, n), *shared = *word == '/' ? NULL : path_share(word);
    int code = 0;
    const struct run_row *row = run_list_find(runs, run);
    if (row && strcmp(word + n, "@base") == 0) {
        code = checkpoint_base_find(&row->info, out, e);
    } else if (row) {
        code = find_step(l, runs, row, word[n] ? word + n + 1 : NULL, out, e);
    } else if (file_is_dir(word) || (shared && file_is_dir(shared))) {
        char *absolute = realpath(file_is_dir(word) ? word : shared, NULL);
        *out = compare_model_of_folder(absolute ? absolute : word);
        free(absolute);
    } else {
        struct str shown = {.max = 300};
        str_add_visible(&shown, word, strlen(word), false);
        code = err_set(e, ERR_NOT_FOUND, "there is no run and no model folder %s", str_text(&shown));
        str_fini(&shown);
    }
    free(run);
    free(shared);
    return code;
}

// ---- prompts ----

void prompt_set_free(struct prompt_set *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n; i++) {
        free(s->prompts[i]);
        free(s->histories[i]);
    }
    free(s->prompts);
    free(s->histories);
    free(s->path);
    free(s);
}

static void add_prompt(struct prompt_set *s, char *history, char *text)
{
    MEM_GROW(s->prompts, s->n, s->cap);
    MEM_GROW(s->histories, s->n, s->cap_histories);
    s->histories[s->n] = history;
    s->prompts[s->n++] = text;
}

// A text file has a prompt a line, as attune sample has it.
static int read_lines(struct prompt_set *s, struct err *e)
{
    enum { MOST = 64 << 20 };
    char *text;
    size_t n_bytes;
    int code = file_read(s->path, MOST, &text, &n_bytes, e);
    if (code)
        return code;
    if (strlen(text) != n_bytes || !utf8_is_valid(text, n_bytes))
        code = err_set(e, ERR_INPUT, "%s is not text in UTF-8", s->path);
    for (char *line = text, *end; !code && *line && s->n < PROMPT_SET_MOST; line = end + (*end != '\0')) {
        end = line + strcspn(line, "\n");
        size_t n = (size_t)(end - line);
        n -= n > 0 && line[n - 1] == '\r';
        if (line + strspn(line, " \t\r") < end)
            add_prompt(s, NULL, mem_strndup(line, n));
    }
    free(text);
    return code;
}

static bool has_tools(const struct example *x)
{
    bool has = x->tools != NULL;
    for (int i = 0; i < x->n_turns; i++)
        has = has || x->turns[i].json;
    return has;
}

static int read_rows(struct prompt_set *s, struct err *e)
{
    struct corpus *c;
    int code = corpus_load(&c, s->path, PROMPT_SET_MOST, e);
    if (code)
        return code;
    for (size_t i = 0; i < c->n_examples; i++) {
        const struct example *x = &c->examples[i];
        struct example before = *x;
        before.n_turns--;
        if (x->n_turns > 0 && has_tools(x))
            s->n_with_tools++;
        else if (x->n_turns > 0 && *x->turns[x->n_turns - 1].text)
            add_prompt(s, x->n_turns > 1 ? example_turns_json(&before) : NULL, mem_strdup(x->turns[x->n_turns - 1].text));
    }
    corpus_free(c);
    return 0;
}

int prompt_set_read(struct prompt_set **out, const char *path, struct err *e)
{
    struct prompt_set *s = mem_alloc(1, sizeof *s);
    s->path = mem_strdup(path);
    int code = text_ends(path, ".txt") || text_ends(path, ".txt.gz") ? read_lines(s, e) : read_rows(s, e);
    if (!code && s->n == 0)
        code = err_set(e, ERR_INPUT,
                       s->n_with_tools ? "%s holds conversations with tools only: they cannot be asked here"
                                       : "%s holds no prompts",
                       path);
    if (code)
        prompt_set_free(s);
    else
        *out = s;
    return code;
}

// ---- votes ----

void win_table_free(struct win_table *t)
{
    for (int i = 0; t && i < t->n; i++) {
        free(t->rows[i].a);
        free(t->rows[i].b);
        free(t->rows[i].votes);
        free(t->rows[i].lengths);
        free(t->rows[i].parts);
    }
    for (int i = 0; t && i < t->n_parts; i++)
        free(t->parts[i]);
    if (t) {
        free(t->parts);
        free(t->next);
        free(t->rows);
        free(t->prompts);
    }
    free(t);
}

const struct win_row *win_table_find(const struct win_table *t, const char *a, const char *b, bool *turned)
{
    for (int i = 0; t && i < t->n; i++) {
        *turned = strcmp(t->rows[i].a, b) == 0 && strcmp(t->rows[i].b, a) == 0;
        if (*turned || (strcmp(t->rows[i].a, a) == 0 && strcmp(t->rows[i].b, b) == 0))
            return &t->rows[i];
    }
    return NULL;
}

static void add_vote(struct win_table *t, const struct judged_votes *v, int at, const int *parts)
{
    const struct judged_text *p = &v->pairs[v->votes[at].pair];
    struct win_vote vote;
    bool turned = false;
    if (!win_ballot(v, at, &vote))
        return;
    struct win_row *r = (struct win_row *)win_table_find(t, v->models[p->model_a], v->models[p->model_b], &turned);
    if (!r) {
        MEM_GROW(t->rows, t->n, t->cap);
        r = &t->rows[t->n++];
        *r = (struct win_row){.a = mem_strdup(v->models[p->model_a]), .b = mem_strdup(v->models[p->model_b])};
    }
    if (vote.share == WIN_BOTH_BAD) {
        r->n_bad++;
        return;
    }
    MEM_GROW(r->votes, r->n, r->cap);
    MEM_GROW(r->lengths, r->n, r->cap_lengths);
    MEM_GROW(r->parts, r->n, r->cap_parts);
    r->lengths[r->n] = (double)v->prompts[p->prompt].length;
    r->parts[r->n] = parts ? parts[p->prompt] : -1;
    r->votes[r->n++] = turned ? (struct win_vote){1 - vote.share, -vote.length_gap, vote.cluster} : vote;
}

static uint64_t hash_of(const char *prompt)
{
    uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
    for (; *prompt; prompt++)
        hash = (hash ^ (unsigned char)*prompt) * 0x100000001b3u;
    return hash;
}

static int by_hash(const void *x, const void *y)
{
    const struct prompt_votes *a = x, *b = y;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

const struct prompt_votes *win_table_prompt(const struct win_table *t, const char *prompt)
{
    const struct prompt_votes wanted = {.hash = hash_of(prompt)};
    return t && t->n_prompts ? bsearch(&wanted, t->prompts, (size_t)t->n_prompts, sizeof wanted, by_hash) : NULL;
}

static void add_prompt_votes(struct win_table *t, const struct judged_pair *p)
{
    const int64_t n = p->n_a + p->n_b + p->n_ties, fewer = p->n_a < p->n_b ? p->n_a : p->n_b;
    if (n == 0)
        return;
    MEM_GROW(t->prompts, t->n_prompts, t->cap_prompts);
    t->prompts[t->n_prompts++] =
        (struct prompt_votes){hash_of(p->pair.prompt), (double)fewer + (double)p->n_ties / 2, (int)n};
}

static void join_prompt_votes(struct win_table *t)
{
    int n = 0;
    if (t->n_prompts)
        qsort(t->prompts, (size_t)t->n_prompts, sizeof *t->prompts, by_hash);
    for (int i = 0; i < t->n_prompts; i++) {
        if (n > 0 && t->prompts[n - 1].hash == t->prompts[i].hash) {
            t->prompts[n - 1].minority += t->prompts[i].minority;
            t->prompts[n - 1].n += t->prompts[i].n;
        } else {
            t->prompts[n++] = t->prompts[i];
        }
    }
    t->n_prompts = n;
}

// What the cut says of each prompt: by->of_prompt, -1: nothing. By length it is left empty.
static int cut_prompts(struct win_table *t, struct store *s, const struct judged_votes *v, struct win_by *by, struct err *e)
{
    if (strcmp(t->cut.by, "length") == 0 || v->n_votes == 0)
        return 0;
    const int code = win_by_make(by, s, NULL, v, t->cut.by, t->cut.data, t->cut.n, e);
    t->parts = by->names;
    t->n_parts = by->n_names;
    by->names = NULL;
    by->n_names = 0;
    return code;
}

int win_table_read(struct win_table **out, const char *project, const struct win_cut *cut, struct err *e)
{
    struct store *s = NULL;
    struct judged_pair *pairs = NULL;
    struct judged_votes v = {0};
    struct win_by by = {0};
    struct win_table *t = mem_alloc(1, sizeof *t);
    int n = 0, code = store_open(&s, project, false, e);
    t->cut = cut ? *cut : (struct win_cut){.by = "length", .n = 3};
    if (!code)
        code = labels_judged(s, NULL, &pairs, &n, e);
    if (!code)
        code = judged_votes_read(s, NULL, &v, e);
    if (!code)
        code = cut_prompts(t, s, &v, &by, e);
    for (int i = 0; i < n && !code; i++)
        add_prompt_votes(t, &pairs[i]);
    for (int i = 0; i < v.n_votes && !code; i++)
        add_vote(t, &v, i, by.of_prompt);
    if (!code)
        join_prompt_votes(t);
    if (!code)
        code = win_table_fit(t, e);
    win_by_fini(&by);
    judged_votes_fini(&v);
    judged_pairs_free(pairs, n);
    store_close(s);
    if (code)
        win_table_free(t);
    else
        *out = t;
    return code;
}

void win_row_text(const struct win_row *r, const char *name_a, const char *name_b, bool turned, struct str *out)
{
    struct win_vote *votes = mem_alloc((size_t)r->n + 1, sizeof *votes);
    for (int i = 0; i < r->n; i++)
        votes[i] = (struct win_vote){turned ? 1 - r->votes[i].share : r->votes[i].share,
                                     turned ? -r->votes[i].length_gap : r->votes[i].length_gap, r->votes[i].cluster};
    const struct win_rate rate = win_rate_of(votes, r->n, 0.95);
    const struct sequential test = sequential_of(votes, r->n, 0.05);
    str_addf(out, "%s %d  %s %d  tie %d", name_a, rate.wins, name_b, rate.losses, rate.ties);
    if (r->n_bad)
        str_addf(out, "  both bad %lld", (long long)r->n_bad);
    if (r->n > 0)
        str_addf(out, "   %s wins %.0f %% (%.0f to %.0f): ", name_a, 100 * rate.rate, 100 * rate.interval.low,
                 100 * rate.interval.high);
    if (r->n > 0 && test.decided_at)
        str_addf(out, "%s is better", test.decided_for > 0.5 ? name_a : name_b);
    else if (r->n > 0)
        str_add(out, "undecided");
    free(votes);
}

void win_row_add_length(const struct win_row *r, struct str *out)
{
    const struct win_rate_length x = win_rate_length_controlled(r->votes, r->n, 0.95);
    if (x.state == LENGTH_CONTROLLED)
        str_addf(out, ", at equal length %.0f %% (%.0f to %.0f)", 100 * x.rate, 100 * x.interval.low, 100 * x.interval.high);
}
