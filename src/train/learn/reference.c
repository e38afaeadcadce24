#include "config.h"

#include "train/learn/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "model/decoder.h"
#include "train/learn/reference_file.h"
#include "train/learn/trainer.h"

static void make_key(struct reference_key *key, const struct dataset *d, const struct model *m,
                     const struct reference_options *o)
{
    const char *how = m->ops->arithmetic(m->backend);
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, o->model_key, strlen(o->model_key));
    sha256_add(&s, d->hash, 64);
    if (o->tail_cut != 0)
        sha256_add(&s, &o->tail_cut, sizeof o->tail_cut);
    sha256_hex(&s, key->what);
    sha256_init(&s);
    sha256_add(&s, m->ops->name, strlen(m->ops->name) + 1);
    sha256_add(&s, how, strlen(how));
    sha256_add(&s, &o->max_batch_tokens, sizeof o->max_batch_tokens);
    sha256_hex(&s, key->how);
}

static bool is_known(const struct dataset *d, int group)
{
    const struct ds_group *g = &d->groups[group];
    for (int i = 0; i < g->n_seqs; i++)
        if (isnan(d->refs[g->first_seq + i]))
            return false;
    return true;
}

// What is known is kept every SAVE_S seconds and when the work is stopped. Groups are always computed in the same pieces
// of AT_ONCE, wherever an earlier attempt ended.
static int compute(struct dataset *d, const int *groups, int n, const struct reference_key *key, struct model *m,
                   const struct reference_options *o, struct err *e)
{
    enum { AT_ONCE = 64, SAVE_S = 30 };
    double saved = clock_seconds();
    struct decoder *decoder;
    struct packed packed;
    int most = 1;
    int code = decoder_new(&decoder, m, false, e);
    if (code)
        return code;
    code = packed_init(&packed, d, o->max_batch_tokens, 0, e);
    if (code) {
        decoder_free(decoder);
        return code;
    }
    for (int i = 0; i < n; i++)
        most = d->groups[groups[i]].n_seqs > most ? d->groups[groups[i]].n_seqs : most;
    struct seq *seqs = mem_alloc((size_t)most * AT_ONCE, sizeof *seqs);
    for (int at = 0; !code && at < n; at += AT_ONCE) {
        const int now = n - at < AT_ONCE ? n - at : AT_ONCE;
        if (o->progress && !o->progress(o->arg, "computing reference log-probabilities", at, n))
            code = err_set(e, ERR_INTERRUPTED, "stopped while computing reference log-probabilities");
        else
            code = forward_groups(decoder, &packed, d, groups + at, now, o->max_batch_tokens,
                                  &(struct reading){.tail_cut = o->tail_cut}, seqs, NULL, e);
        for (int g = 0, k = 0; !code && g < now; g++)
            for (int i = 0; i < d->groups[groups[at + g]].n_seqs; i++, k++)
                d->refs[d->groups[groups[at + g]].first_seq + i] = seqs[k].logp;
        if (!code && o->path && clock_seconds() - saved > SAVE_S && at + now < n) {
            code = reference_file_write(o->path, key, d->refs, (size_t)d->n_seqs, e);
            saved = clock_seconds();
        }
    }
    if (code == ERR_INTERRUPTED && o->path)
        reference_file_write(o->path, key, d->refs, (size_t)d->n_seqs, NULL); // best effort: a stop stays a stop
    for (int i = 0; !code && i < n; i++)
        if (!is_known(d, groups[i]))
            code = err_set(e, ERR_NUMERIC, "the reference model's log-probabilities are not finite: the model's weights "
                                           "are damaged or do not fit in f32");
    free(seqs);
    packed_fini(&packed);
    decoder_free(decoder);
    return code;
}

// The numbers that an earlier run of the project has computed of the same groups, if there is one.
static bool borrow(struct dataset *d, const bool *wanted, const struct reference_key *key,
                   const struct reference_options *o)
{
    bool *responses = mem_alloc((size_t)d->n_seqs, sizeof *responses);
    for (int i = 0; i < d->n_groups; i++)
        for (int k = 0; k < d->groups[i].n_seqs; k++)
            responses[d->groups[i].first_seq + k] = !wanted || wanted[i];
    const bool found = reference_file_borrow(o->path, key, responses, d->refs, (size_t)d->n_seqs, o->from);
    free(responses);
    return found;
}

int reference_fill(struct dataset *d, const bool *wanted, struct model *m, const struct reference_options *o,
                   struct err *e)
{
    struct reference_key key;
    make_key(&key, d, m, o);
    if (o->from)
        *o->from = NULL;
    free(d->refs);
    d->refs = mem_try_alloc((size_t)d->n_seqs, sizeof *d->refs, "reference log-probabilities", e);
    if (!d->refs)
        return ERR_LIMIT;
    for (int i = 0; i < d->n_seqs; i++)
        d->refs[i] = NAN;
    const bool has_own = o->path && reference_file_read(o->path, &key, false, d->refs, (size_t)d->n_seqs);

    int *groups = mem_alloc((size_t)d->n_groups, sizeof *groups), n = 0;
    for (int i = 0; i < d->n_groups; i++)
        if ((!wanted || wanted[i]) && !is_known(d, i))
            groups[n++] = i;
    int code = 0;
    if (n > 0 && o->kept_only)
        code = err_set(e, ERR_STATE, "%s does not hold the reference log-probabilities of this run any more, and the "
                                     "weights they came from are gone: start a new run", o->path);
    else if (n > 0) {
        if (has_own || !o->path || !o->from || !borrow(d, wanted, &key, o))
            code = compute(d, groups, n, &key, m, o, e);
        if (!code && o->path)
            code = reference_file_write(o->path, &key, d->refs, (size_t)d->n_seqs, e);
    }
    free(groups);
    return code;
}
