// attune label wins: which of the models whose answers were judged is better.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/look.h"
#include "cli/print.h"
#include "stats/win_slices.h"
#include "ui/compare/win_by.h"
#include "ui/compare/win_report.h"
#include "ui/compare/win_words.h"

static const struct param options[] = {
    {.name = "level", .type = PARAM_FLOAT, .fallback = "0.95", .min = 0.5, .max = 0.999,
     .help = "How often intervals are to hold; the sequential test stops falsely at most in the rest of all cases."},
    {.name = "by", .type = PARAM_TEXT, .fallback = "",
     .help = "Rates of parts as well: by the length of the prompt, by words that prompts share, by their beginning, or by a "
             "member of the rows of --data."},
    {.name = "data", .type = PARAM_PATH, .fallback = "", .help = "The file that the prompts came from, for --by MEMBER."},
    {.name = "slices", .type = PARAM_INT, .fallback = "3", .min = 2, .max = WIN_SLICES_MOST,
     .help = "Into how many parts --by length (about equally many prompts each), words and beginning cut."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_label_wins = {
    .name = "label wins",
    .synopsis = "attune label wins [RUN] [--level SHARE] [--by length|words|beginning|MEMBER] [--data FILE] [--json]",
    .summary = "Shows which model wins, by the judgements of pairs whose answers came from two models.",
    .help = "A tie is half a win for each; \"both bad\" counts for nobody. Each annotator has one vote for a pair. The "
            "interval of a win rate is one over prompts, for votes on the same prompt say much the same. \"At equal "
            "length\" is what a logistic regression with the length of the answers predicts for a difference of none (as "
            "AlpacaEval 2 does), so that a model is not better for its longer answers alone.\n\n"
            "The verdict may be looked at after every vote: \"decided\" comes falsely in at most 5 of 100 cases (with "
            "the level 0.95), however often one looks. It takes the first vote on each prompt, in the order in which "
            "they were given. Until it is decided, judge more pairs, on new prompts.\n\n"
            "\"--by length\" cuts the prompts by their length into parts of about equal size; \"--by category --data "
            "prompts.jsonl\" takes what the rows of that file say. Without a file, "
            "\"--by words --slices 5\" makes clusters of prompts that share a word which tells them from the others, \"--by "
            "beginning\" of those that begin with the same two; what is in none is \"others\". Intervals of many parts miss "
            "more often than one: a part that stands out is a reason to judge more of it.\n\n"
            "Strengths are those of Bradley and Terry, in log-odds: 0 is the mean of the models that have met. \"Next\" are "
            "the two whose order is the least certain by them: a vote between these says most about who is where.\n"
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

static void print_undecided(const struct sequential *s, int64_t n)
{
    const double in_all = sequential_needed(s);
    printf("  %-16s%snot decided%s after %lld %s", "verdict", print_on(stdout, PRINT_WARN), print_off(stdout), (long long)n,
           text_plural(n, "prompt", "prompts"));
    if (n >= 10 && in_all <= 100000) {
        const double digits = pow(10, fmax(floor(log10(in_all)) - 1, 0)); // two of them: it is a guess
        printf("; at this rate after about %.0f", ceil(in_all / digits) * digits);
    }
    printf("\n");
}

// ---- parts ----

struct parts {
    const char *by; // "": none
    int n_slices;
    double level;
    struct win_by names; // of a member
};

static bool by_length(const struct parts *p)
{
    return strcmp(p->by, "length") == 0;
}

// Returns how many; out: the caller frees.
static int parts_of(const struct parts *p, const struct win_two *w, const struct judged_votes *v, struct win_slice **out)
{
    const int n = w->rate.n, n_most = by_length(p) ? p->n_slices : p->names.n_names;
    *out = mem_alloc((size_t)n_most + 1, sizeof **out);
    double *lengths = mem_alloc((size_t)n + 1, sizeof *lengths);
    int *names = mem_alloc((size_t)n + 1, sizeof *names), made = n_most;
    for (int i = 0; i < n; i++) {
        lengths[i] = (double)v->prompts[w->votes[i].cluster].length;
        names[i] = by_length(p) ? -1 : p->names.of_prompt[w->votes[i].cluster];
    }
    if (by_length(p))
        made = win_slices_by_quantile(w->votes, lengths, n, n_most, p->level, *out);
    else
        win_slices_by_name(w->votes, names, n, n_most, p->level, *out);
    free(names);
    free(lengths);
    return made;
}

static void print_parts(const struct parts *p, const struct win_two *w, const struct judged_votes *v)
{
    enum { COLUMNS = 22, MOST_COLUMNS = 60 };
    struct win_slice *list;
    const int n = *p->by ? parts_of(p, w, v, &list) : 0;
    if (!*p->by)
        return;
    printf("  by %s\n", p->by);
    for (int i = 0; i < n; i++) {
        struct str name = {0};
        const struct win_rate *r = &list[i].rate;
        if (by_length(p))
            str_addf(&name, "%.0f to %.0f", list[i].from, list[i].to);
        else
            add_name(&name, p->names.names[i]);
        if (r->n) {
            const int columns = (int)utf8_text_columns(str_text(&name), name.len);
            printf("    ");
            print_visible(stdout, str_text(&name), MOST_COLUMNS);
            printf("%*s %5.1f %%  [%.1f, %.1f]  %d %s on %d %s\n", columns < COLUMNS ? COLUMNS - columns : 0, "",
                   100 * r->rate, 100 * r->interval.low, 100 * r->interval.high, r->n, text_plural(r->n, "vote", "votes"),
                   r->n_clusters, text_plural(r->n_clusters, "prompt", "prompts"));
        }
        str_fini(&name);
    }
    free(list);
}

static void print_verdict(const struct sequential *s, const char *a, const char *b)
{
    const int64_t n = s->wins + s->ties + s->losses;
    const double e = fmax(s->e_a, s->e_b), needed = 2 / s->alpha;
    if (s->decided_at)
        printf("  %-16s%sdecided%s: %s is better, after %lld of %lld prompts\n", "verdict", print_on(stdout, PRINT_GOOD),
               print_off(stdout), s->decided_for == 1 ? a : b, (long long)s->decided_at, (long long)n);
    else
        print_undecided(s, n);
    printf("  %-16sevidence %.3g (%.3g decides); at all times %.1f to %.1f %%\n", "", s->decided_at ? s->e_max : e, needed,
           100 * s->rate.low, 100 * s->rate.high);
}

static void print_two(const struct win_two *w, const struct judged_votes *v, const struct parts *p)
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
    print_parts(p, w, v);
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

// What a person would do best to judge now.
static void print_next(const struct win_report *r, const struct judged_votes *v)
{
    int n;
    struct bt_pair *list = bt_doubts(&r->strengths, r->level, &n);
    struct str a = {0}, b = {0};
    if (n) {
        add_name(&a, v->models[r->players[list->a]]);
        add_name(&b, v->models[r->players[list->b]]);
    }
    if (n && isnan(list->beats))
        printf("Next: %s against %s, which have not met, not even through others.\n", str_text(&a), str_text(&b));
    else if (n)
        printf("Next: %s against %s, whose order is the least certain: %.0f %% [%.0f, %.0f], and %.0f %% that %s is the "
               "better one.\n",
               str_text(&a), str_text(&b), 100 * list->beats, 100 * list->interval.low, 100 * list->interval.high,
               100 * list->doubt, str_text(&b));
    str_fini(&b);
    str_fini(&a);
    free(list);
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
    print_next(r, v);
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
    json_object_set_new(o, "prompts_needed", look_json_number(sequential_needed(s)));
    json_object_set_new(o, "win_rate_at_all_times", interval_json(s->rate));
    return o;
}

static json_t *parts_json(const struct parts *p, const struct win_two *w, const struct judged_votes *v)
{
    struct win_slice *list;
    const int n = parts_of(p, w, v, &list);
    json_t *all = json_array();
    for (int i = 0; i < n; i++) {
        json_t *o = json_object();
        if (by_length(p)) {
            json_object_set_new(o, "from", look_json_number(list[i].from));
            json_object_set_new(o, "to", look_json_number(list[i].to));
        } else {
            json_object_set_new(o, "name", look_json_text(p->names.names[i]));
        }
        json_object_set_new(o, "votes", json_integer(list[i].rate.n));
        json_object_set_new(o, "prompts", json_integer(list[i].rate.n_clusters));
        json_object_set_new(o, "win_rate", look_json_number(list[i].rate.rate));
        json_object_set_new(o, "interval", interval_json(list[i].rate.interval));
        json_array_append_new(all, o);
    }
    free(list);
    return all;
}

static json_t *two_json(const struct win_two *w, const struct judged_votes *v, const struct parts *p)
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
    if (*p->by)
        json_object_set_new(o, "parts", parts_json(p, w, v));
    return o;
}

// All pairs of models, the least certain order first.
static json_t *next_json(const struct win_report *r, const struct judged_votes *v)
{
    int n;
    struct bt_pair *list = bt_doubts(&r->strengths, r->level, &n);
    json_t *all = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:o, s:f}",
                                             "a", look_json_text(v->models[r->players[list[i].a]]),
                                             "b", look_json_text(v->models[r->players[list[i].b]]),
                                             "beats", look_json_number(list[i].beats),
                                             "interval", interval_json(list[i].interval), "doubt", list[i].doubt));
    free(list);
    return all;
}

static json_t *report_json(const struct win_report *r, const struct judged_votes *v, const struct parts *parts)
{
    json_t *twos = json_array(), *strengths = json_array();
    struct ranked *order = ranking(r, v);
    for (int i = 0; i < r->n_twos; i++)
        json_array_append_new(twos, two_json(&r->twos[i], v, parts));
    for (int i = 0; i < r->strengths.n_players; i++) {
        const struct bt_player *p = order[i].player;
        json_array_append_new(strengths, json_pack("{s:o, s:o, s:o, s:i, s:i}", "model", look_json_text(order[i].model),
                                                   "strength", look_json_number(p->strength), "interval",
                                                   interval_json(p->interval), "group", p->group, "votes", p->n));
    }
    free(order);
    return json_pack("{s:f, s:o, s:o, s:o, s:b}", "level", r->level, "comparisons", twos, "strengths", strengths, "next",
                     next_json(r, v), "held", r->strengths.is_held);
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
    const char *name = a.n_words ? a.words[0] : NULL, *data = settings_text(&a.settings, "data");
    struct parts parts = {settings_text(&a.settings, "by"), (int)settings_int(&a.settings, "slices"),
                          settings_float(&a.settings, "level"), {0}};
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = judged_votes_read(s, name, &v, &e);
    if (!code)
        code = win_report_make(&r, &v, settings_float(&a.settings, "level"), &e);
    if (!code && *parts.by && !by_length(&parts))
        code = win_by_make(&parts.names, s, name, &v, parts.by, data, parts.n_slices, &e);
    if (code) {
        status = args_fail(&a, &e);
    } else if (args_json(&a)) {
        look_print_json(report_json(&r, &v, &parts));
    } else if (r.n_twos == 0) {
        printf("No pair of answers by two different models has been judged yet%s%s.\n", name ? " in run " : "",
               name ? name : "");
    } else {
        for (int i = 0; i < r.n_twos; i++) {
            if (i)
                printf("\n");
            print_two(&r.twos[i], &v, &parts);
        }
        if (r.strengths.n_players > 2)
            print_strengths(&r, &v);
    }
    win_by_fini(&parts.names);
    win_report_fini(&r);
    judged_votes_fini(&v);
    store_close(s);
    args_close(&a);
    return status;
}
