// attune label wins: which of the models whose answers were judged is better.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "ui/win_report.h"

static const struct param options[] = {
    {.name = "level", .type = PARAM_FLOAT, .fallback = "0.95", .min = 0.5, .max = 0.999,
     .help = "How often intervals are to hold; the sequential test stops falsely at most in the rest of all cases."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_label_wins = {
    .name = "label wins",
    .synopsis = "attune label wins [RUN] [--level SHARE] [--json]",
    .summary = "Shows which model wins, by the judgements of pairs whose answers came from two models.",
    .help = "A tie is half a win for each; \"both bad\" counts for nobody. Each annotator has one vote for a pair. The "
            "interval of a win rate is one over prompts, for votes on the same prompt say much the same. \"At equal "
            "length\" is what a logistic regression with the length of the answers predicts for a difference of none (as "
            "AlpacaEval 2 does), so that a model is not better for its longer answers alone.\n\n"
            "The verdict may be looked at after every vote: \"decided\" comes falsely in at most 5 of 100 cases (with "
            "the level 0.95), however often one looks. It takes the first vote on each prompt, in the order in which "
            "they were given. Until it is decided, judge more pairs, on new prompts.\n\n"
            "Strengths are those of Bradley and Terry, in log-odds: 0 is the mean of the models that have met.\n"
            "A line of \"attune label --stdin\" names the models: {\"prompt\": \"...\", \"a\": \"...\", \"b\": \"...\", "
            "\"model\": \"dpo-1\", \"model_b\": \"sft\", \"verdict\": \"A\"}.",
    .options = options,
    .json = true,
    .run = run,
};

static const char *const why_not[] = {
    [LENGTH_TOO_FEW] = "needs 3 prompts",
    [LENGTH_CONSTANT] = "all differences of length are the same",
    [LENGTH_SEPARATES] = "length (or nothing but one side) decides every vote",
};

static void add_name(struct str *out, const char *name)
{
    str_add_visible(out, name, strlen(name), false);
}

static void print_rate(const char *what, double rate, struct interval i)
{
    printf("  %-16s%5.1f %%  [%.1f, %.1f]", what, 100 * rate, 100 * i.low, 100 * i.high);
}

static void print_verdict(const struct sequential *s, const char *a, const char *b)
{
    const int64_t n = s->wins + s->ties + s->losses;
    const double e = fmax(s->e_a, s->e_b), needed = 2 / s->alpha;
    if (s->decided_at)
        printf("  %-16s%sdecided%s: %s is better, after %lld of %lld prompts\n", "verdict", print_on(stdout, PRINT_GOOD),
               print_off(stdout), s->decided_for == 1 ? a : b, (long long)s->decided_at, (long long)n);
    else
        printf("  %-16s%snot decided%s after %lld %s\n", "verdict", print_on(stdout, PRINT_WARN), print_off(stdout),
               (long long)n, text_plural(n, "prompt", "prompts"));
    printf("  %-16sevidence %.3g (%.3g decides); at all times %.1f to %.1f %%\n", "", s->decided_at ? s->e_max : e, needed,
           100 * s->rate.low, 100 * s->rate.high);
}

static void print_two(const struct win_two *w, const struct judged_votes *v)
{
    struct str a = {0}, b = {0};
    add_name(&a, v->models[w->a]);
    add_name(&b, v->models[w->b]);
    printf("%s%s%s against %s%s%s\n", print_on(stdout, PRINT_BOLD), str_text(&a), print_off(stdout),
           print_on(stdout, PRINT_BOLD), str_text(&b), print_off(stdout));
    printf("  %-16s%d won, %d %s, %d lost, on %d %s", "votes", w->rate.wins, w->rate.ties,
           text_plural(w->rate.ties, "tie", "ties"), w->rate.losses, w->rate.n_clusters,
           text_plural(w->rate.n_clusters, "prompt", "prompts"));
    if (w->n_both_bad)
        printf("; %d both bad", w->n_both_bad);
    printf("\n");
    if (w->rate.n) {
        print_rate("win rate", w->rate.rate, w->rate.interval);
        printf("  sign test p = %.2g\n", w->sign_p);
    }
    if (w->length.state == LENGTH_CONTROLLED) {
        print_rate("at equal length", w->length.rate, w->length.interval);
        printf("  %s answers win, p = %.2g\n", w->length.effect > 0 ? "longer" : "shorter", w->length.effect_p);
    } else if (w->rate.n) {
        printf("  %-16s-  (%s)\n", "at equal length", why_not[w->length.state]);
    }
    print_verdict(&w->sequence, str_text(&a), str_text(&b));
    if (fabs(w->side_r) > 0.1)
        printf("  %ssides%s           %s was shown first in %.0f %% of the judgements\n", print_on(stdout, PRINT_WARN),
               print_off(stdout), str_text(&a), 50 * (1 + w->side_r));
    str_fini(&b);
    str_fini(&a);
}

struct ranked {
    const struct bt_player *player;
    const char *model;
};

static int strongest_first(const void *x, const void *y)
{
    const struct bt_player *a = ((const struct ranked *)x)->player, *b = ((const struct ranked *)y)->player;
    if (a->group != b->group)
        return a->group - b->group;
    return (b->strength > a->strength) - (b->strength < a->strength);
}

// Players, group by group, the strongest first. The caller frees.
static struct ranked *ranking(const struct win_report *r, const struct judged_votes *v)
{
    struct ranked *list = mem_alloc((size_t)r->strengths.n_players + 1, sizeof *list);
    for (int i = 0; i < r->strengths.n_players; i++)
        list[i] = (struct ranked){&r->strengths.players[i], v->models[r->players[i]]};
    qsort(list, (size_t)r->strengths.n_players, sizeof *list, strongest_first);
    return list;
}

static void print_strengths(const struct win_report *r, const struct judged_votes *v)
{
    struct print_table t;
    struct ranked *order = ranking(r, v);
    print_table_init(&t, "Lrrr");
    print_table_cell(&t, PRINT_DIM, "MODEL");
    print_table_cell(&t, PRINT_DIM, "STRENGTH");
    print_table_cell(&t, PRINT_DIM, "%.0f %% INTERVAL", 100 * r->level);
    print_table_cell(&t, PRINT_DIM, "VOTES");
    for (int i = 0; i < r->strengths.n_players; i++) {
        const struct bt_player *p = order[i].player;
        struct str name = {0};
        add_name(&name, order[i].model);
        print_table_cell(&t, PRINT_BOLD, "%s", str_text(&name));
        print_table_cell(&t, -1, "%+.2f", p->strength);
        if (isnan(p->std_error))
            print_table_cell(&t, -1, "-");
        else
            print_table_cell(&t, -1, "%+.2f to %+.2f", p->interval.low, p->interval.high);
        print_table_cell(&t, -1, "%d", p->n);
        str_fini(&name);
    }
    printf("\n");
    print_table_end(&t, stdout, print_width(stdout));
    if (r->strengths.is_held)
        printf("Some models only ever won or only ever lost: every two that met got one more tie, so that strengths are "
               "finite.\n");
    if (r->strengths.n_groups > 1)
        printf("Models of %d groups have never met, not even through others: strengths compare within a group only.\n",
               r->strengths.n_groups);
    free(order);
}

// ---- as JSON ----

static json_t *interval_json(struct interval i)
{
    json_t *both = json_array();
    json_array_append_new(both, look_json_number(i.low));
    json_array_append_new(both, look_json_number(i.high));
    return both;
}

static json_t *sequence_json(const struct sequential *s, const struct win_two *w, const struct judged_votes *v)
{
    json_t *o = json_object();
    json_object_set_new(o, "prompts", json_integer(s->wins + s->ties + s->losses));
    json_object_set_new(o, "alpha", json_real(s->alpha));
    json_object_set_new(o, "evidence_a", look_json_number(s->e_a));
    json_object_set_new(o, "evidence_b", look_json_number(s->e_b));
    json_object_set_new(o, "needed", json_real(2 / s->alpha));
    json_object_set_new(o, "decided",
                        s->decided_at ? look_json_text(v->models[s->decided_for == 1 ? w->a : w->b]) : json_null());
    json_object_set_new(o, "decided_after", s->decided_at ? json_integer(s->decided_at) : json_null());
    json_object_set_new(o, "win_rate_at_all_times", interval_json(s->rate));
    return o;
}

static json_t *two_json(const struct win_two *w, const struct judged_votes *v)
{
    json_t *o = json_object(), *length = json_object();
    json_object_set_new(o, "a", look_json_text(v->models[w->a]));
    json_object_set_new(o, "b", look_json_text(v->models[w->b]));
    json_object_set_new(o, "wins", json_integer(w->rate.wins));
    json_object_set_new(o, "ties", json_integer(w->rate.ties));
    json_object_set_new(o, "losses", json_integer(w->rate.losses));
    json_object_set_new(o, "both_bad", json_integer(w->n_both_bad));
    json_object_set_new(o, "prompts", json_integer(w->rate.n_clusters));
    json_object_set_new(o, "win_rate", look_json_number(w->rate.rate));
    json_object_set_new(o, "interval", interval_json(w->rate.interval));
    json_object_set_new(o, "bootstrap_interval", interval_json(w->bootstrap));
    json_object_set_new(o, "sign_test_p", json_real(w->sign_p));
    json_object_set_new(length, "win_rate", look_json_number(w->length.rate));
    json_object_set_new(length, "interval", interval_json(w->length.interval));
    json_object_set_new(length, "effect", look_json_number(w->length.effect));
    json_object_set_new(length, "effect_p", look_json_number(w->length.effect_p));
    if (w->length.state != LENGTH_CONTROLLED)
        json_object_set_new(length, "missing", json_string(why_not[w->length.state]));
    json_object_set_new(o, "at_equal_length", length);
    json_object_set_new(o, "sequential", sequence_json(&w->sequence, w, v));
    json_object_set_new(o, "side_correlation", look_json_number(w->side_r));
    return o;
}

static json_t *report_json(const struct win_report *r, const struct judged_votes *v)
{
    json_t *twos = json_array(), *strengths = json_array();
    struct ranked *order = ranking(r, v);
    for (int i = 0; i < r->n_twos; i++)
        json_array_append_new(twos, two_json(&r->twos[i], v));
    for (int i = 0; i < r->strengths.n_players; i++) {
        const struct bt_player *p = order[i].player;
        json_array_append_new(strengths, json_pack("{s:o, s:o, s:o, s:i, s:i}", "model", look_json_text(order[i].model),
                                                   "strength", look_json_number(p->strength), "interval",
                                                   interval_json(p->interval), "group", p->group, "votes", p->n));
    }
    free(order);
    return json_pack("{s:f, s:o, s:o, s:b}", "level", r->level, "comparisons", twos, "strengths", strengths, "held",
                     r->strengths.is_held);
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct judged_votes v = {0};
    struct win_report r = {0};
    int status = 0;
    if (!args_open(&a, &command_label_wins, argc, argv, 0, 1, &status))
        return status;
    const char *name = a.n_words ? a.words[0] : NULL;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = judged_votes_read(s, name, &v, &e);
    if (!code)
        code = win_report_make(&r, &v, settings_float(&a.settings, "level"), &e);
    if (code) {
        status = args_fail(&a, &e);
    } else if (args_json(&a)) {
        look_print_json(report_json(&r, &v));
    } else if (r.n_twos == 0) {
        printf("No pair of answers by two different models has been judged yet%s%s.\n", name ? " in run " : "",
               name ? name : "");
    } else {
        for (int i = 0; i < r.n_twos; i++) {
            if (i)
                printf("\n");
            print_two(&r.twos[i], &v);
        }
        if (r.strengths.n_players > 2)
            print_strengths(&r, &v);
    }
    win_report_fini(&r);
    judged_votes_fini(&v);
    store_close(s);
    args_close(&a);
    return status;
}
