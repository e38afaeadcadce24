#include "config.h"

#include "train/learn/numbers.h"

#include <stddef.h>
#include <string.h>

#include "base/rng.h"
#include "train/objective/stable.h"

// What the head can say of a token beside its log-probability: where that stands, what a response sums of it, and how the
// derivative by the sum goes back. A new one is a row here, its flag, and its arrays in struct packed.
static const struct column {
    unsigned read;       // enum objective_read
    size_t head;         // struct head_reads: the array that the head fills
    size_t said;         // struct packed: that array
    size_t sum;          // struct seq
    double (*of)(double);       // what is summed of it; NULL: itself
    bool is_sent;
    size_t slopes;       // struct decoder_slopes: the array that goes back
    size_t coef;         // struct packed: that array
    size_t slope;        // struct seq: the derivative by the sum
    double (*slope_of)(double); // of `of`; NULL: 1
} columns[] = {
    {READ_KL, offsetof(struct head_reads, kl), offsetof(struct packed, kl), offsetof(struct seq, kl), NULL, true,
     offsetof(struct decoder_slopes, kl), offsetof(struct packed, kl_coef), offsetof(struct seq, d_kl), NULL},
    {READ_SUM_SQUARES, offsetof(struct head_reads, sum_squares), offsetof(struct packed, sum_squares),
     offsetof(struct seq, sum_squares), NULL, false, 0, 0, 0, NULL},
    {READ_RIVAL, offsetof(struct head_reads, gaps), offsetof(struct packed, gaps), offsetof(struct seq, rival),
     softplus, true,
     offsetof(struct decoder_slopes, gap), offsetof(struct packed, gap_coef), offsetof(struct seq, d_rival), sigmoid},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

// The member of that type at an offset of a struct.
#define AT(type, base, offset) (*(type *)((char *)(base) + (offset)))

struct reading reading_for(const struct objective_run *r, struct live_reference *reference)
{
    const struct objective *o = r->objective;
    return (struct reading){.needs = objective_needs(r), .tail_cut = r->options.tail_cut,
                            .n_rivals = o->n_rivals ? o->n_rivals(r->values) : 0, .seed = r->seed, .step = r->step,
                            .reference = reference, .inv_temperature = r->inv_temperature};
}

// One number of [0, 1) a target: by seed, step, response of the data and place in it, thus by nothing of how the batch
// is packed.
static void draw(float *draws, const struct reading *r, int seq, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t bits[4];
        rng_block(r->seed, (uint64_t)RNG_RIVAL << 32 | (uint32_t)r->step, (uint64_t)seq << 32 | (uint32_t)i, bits);
        draws[i] = (float)(bits[0] >> 8) * 0x1p-24f;
    }
}

// What is known of the targets before the head is asked: how much each counts, and its draw.
static void describe_targets(struct packed *p, const struct dataset *data, const int *groups, int n,
                             const struct reading *r)
{
    int k = 0, first = 0; // the next packed response; the place of the group's first one
    for (int g = 0; g < n; g++) {
        const struct ds_group *group = &data->groups[groups[g]];
        int shortest = data->seqs[group->first_seq].n;
        for (int i = 1; i < group->n_seqs; i++)
            if (data->seqs[group->first_seq + i].n < shortest)
                shortest = data->seqs[group->first_seq + i].n;
        for (; k < p->batch.n_seqs && p->places[k] < first + group->n_seqs; k++) {
            const struct seq_span *span = &p->spans[k];
            for (int j = 0; j < span->n_targets; j++)
                p->weights[span->first_target + j] = j < shortest ? 1 : 1 - r->tail_cut;
            if (r->needs.reads & READ_RIVAL)
                draw(p->draws + span->first_target, r, group->first_seq + p->places[k] - first, span->n_targets);
        }
        first += group->n_seqs;
    }
}

static int read_head(struct decoder *d, struct packed *p, const struct reading *r, bool stats, struct err *e)
{
    struct head_reads reads = {.logprobs = p->logprobs};
    p->batch.inv_temperature = r->inv_temperature;
    if (r->needs.columns & COLUMN_SETS)
        reads.set_logprobs = p->set_logprobs;
    if (stats) {
        reads.entropy = p->entropy;
        reads.is_top = p->is_top;
    }
    for (int c = 0; c < N_COLUMNS; c++)
        if (r->needs.reads & columns[c].read)
            AT(float *, &reads, columns[c].head) = AT(float *, p, columns[c].said);
    if (reads.gaps) {
        reads.draws = p->draws;
        reads.n_rivals = r->n_rivals;
    }
    int code = reads.kl ? live_reference_forward(r->reference, &p->batch, &reads.reference, e) : 0;
    return code ? code : decoder_head(d, &p->batch, &reads, e);
}

static void read_tokens(struct packed *p, const struct seq_span *span, struct seq *s, struct needs needs, bool stats,
                        struct tally *tally)
{
    for (int c = 0; c < N_COLUMNS; c++) {
        const float *said = AT(float *, p, columns[c].said);
        for (int j = span->first_target; (needs.reads & columns[c].read) && j < span->first_target + span->n_targets; j++)
            AT(double, s, columns[c].sum) += columns[c].of ? columns[c].of(said[j]) : (double)said[j];
    }
    for (int j = span->first_target; j < span->first_target + span->n_targets; j++) {
        s->logp += p->weights[j] * p->logprobs[j];
        s->tail += (1 - p->weights[j]) * p->logprobs[j];
        if (stats) {
            tally->entropy += p->entropy[j];
            tally->top += p->is_top[j];
        }
    }
}

// Each token's numbers, where they stay while the batch does.
static void give_tokens(struct packed *p, const struct seq_span *span, const struct dataset *data, const struct ds_seq *of,
                        struct needs needs, struct seq *s)
{
    const size_t n = (size_t)span->n_targets;
    float *logp;
    packed_take_tokens(p, span->n_targets, &logp, &s->tokens.d_logp);
    memcpy(logp, p->logprobs + span->first_target, n * sizeof *logp);
    s->tokens.logp = s->tokens.full_logp = logp;
    if (needs.columns & COLUMN_SETS) {
        memcpy(logp + n, p->set_logprobs + span->first_target, n * sizeof *logp);
        s->tokens.logp = logp + n;
    }
    for (int c = 0; c < N_TOKEN_COLUMNS; c++)
        if (data->token_columns[c])
            s->tokens.columns[c] = data->token_columns[c] + of->first;
}

// What the reward head says of a response: of its last token, or the mean over all of them.
static double read_score(const struct packed *p, int k)
{
    const struct seq_span *span = &p->spans[k];
    double sum = 0;
    if (!p->batch.score_rows)
        return p->scores[k];
    for (int j = span->first_target; j < span->first_target + span->n_targets; j++)
        sum += p->scores[j];
    return sum / span->n_targets;
}

int numbers_read(struct decoder *d, struct packed *p, const struct dataset *data, const int *groups, int n,
                 const struct reading *r, struct seq *seqs, struct tally *tally, struct err *e)
{
    const bool scored = r->needs.networks & NETWORK_SCORE, stats = (r->needs.reads & READ_TOKEN_STATS) && tally;
    describe_targets(p, data, groups, n, r);
    int code = scored ? decoder_scores(d, &p->batch, p->scores, e) : read_head(d, p, r, stats, e);
    if (code)
        return code;
    int k = 0, first = 0; // the next packed response; the place of the group's first one
    for (int g = 0; g < n; g++) {
        const struct ds_group *group = &data->groups[groups[g]];
        for (; k < p->batch.n_seqs && p->places[k] < first + group->n_seqs; k++) {
            const int number = group->first_seq + p->places[k] - first;
            const struct seq_span *span = &p->spans[k];
            struct seq *s = &seqs[p->places[k]];
            *s = (struct seq){.ref = data->refs ? data->refs[number] : 0, .label = data->seqs[number].label,
                              .mismatched = data->seqs[number].mismatched, .n = span->n_targets,
                              .prompt_odds = data->prompt_odds ? data->prompt_odds[groups[g]] : 0,
                              .score = scored ? read_score(p, k) : 0, .prepared = s->prepared};
            if (!scored)
                read_tokens(p, span, s, r->needs, stats, tally);
            if (r->needs.columns & COLUMN_TOKENS)
                give_tokens(p, span, data, &data->seqs[number], r->needs, s);
        }
        first += group->n_seqs;
    }
    return 0;
}

// Of one response: its derivatives by sums become derivatives by what the head said of each token.
static void send_columns(struct packed *p, const struct seq_span *span, const struct seq *s, struct needs needs,
                         double share)
{
    for (int c = 0; c < N_COLUMNS; c++) {
        const struct column *x = &columns[c];
        if (!x->is_sent || !(needs.reads & x->read))
            continue;
        const float *said = AT(float *, p, x->said);
        const double slope = AT(const double, s, x->slope);
        float *coef = AT(float *, p, x->coef);
        for (int j = span->first_target; j < span->first_target + span->n_targets; j++)
            coef[j] = (float)(x->slope_of ? slope * x->slope_of(said[j]) * share : slope * share);
    }
}

int numbers_send(struct decoder *d, struct packed *p, const struct seq *seqs, struct needs needs, double share,
                 struct err *e)
{
    struct decoder_slopes slopes = {0};
    const bool with_sets = needs.columns & COLUMN_SETS;
    for (int k = 0; k < p->batch.n_seqs; k++) {
        const struct seq_span *span = &p->spans[k];
        const struct seq *s = &seqs[p->places[k]];
        const double d_score = s->d_score * share;
        if (!p->batch.score_rows)
            p->score_coef[k] = (float)d_score;
        for (int j = span->first_target; j < span->first_target + span->n_targets; j++) {
            const double own = s->tokens.d_logp ? s->tokens.d_logp[j - span->first_target] : 0;
            p->coef[j] = (float)((s->d_logp * p->weights[j] + (with_sets ? 0 : own)) * share);
            p->set_coef[j] = (float)(own * share);
            if (p->batch.score_rows)
                p->score_coef[j] = (float)(d_score / span->n_targets);
        }
        send_columns(p, span, s, needs, share);
    }
    if (needs.networks & NETWORK_SCORE) {
        slopes.score = p->score_coef;
    } else {
        slopes.logprob = p->coef;
        slopes.set_logprob = with_sets ? p->set_coef : NULL;
        for (int c = 0; c < N_COLUMNS; c++)
            if (columns[c].is_sent && (needs.reads & columns[c].read))
                AT(const float *, &slopes, columns[c].slopes) = AT(float *, p, columns[c].coef);
    }
    return decoder_send(d, &p->batch, &slopes, e);
}
