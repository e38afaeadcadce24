// attune label stats: what the judgements say of those who gave them.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "ui/label/judge_report.h"

static const struct param options[] = {
    {.name = "most-failed", .type = PARAM_FLOAT, .fallback = "0.2", .min = 0, .max = 1,
     .help = "The share of attention checks that an annotator may fail before it is said so."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_label_stats = {
    .name = "label stats",
    .synopsis = "attune label stats [RUN] [--most-failed SHARE] [--json]",
    .options = options,
    .summary = "Shows how people judged: speed, agreement with themselves and with others, and biases.",
    .help = "Counts the judgements that stand, of a run's pairs or of all. Times are those of answers that took no "
            "longer than 60 seconds; the longer ones are counted as idle. Pairs that an annotator judged twice (the same "
            "prompt with the same two answers, on either side) say how steady the annotator is, and pairs that several "
            "judged how far they agree: \"same side\" is the share in which both prefer the same answer, of those where "
            "both prefer one; kappa is Cohen's, of A, tie and B; weighted is that of the grades with quadratic weights; "
            "alpha is Krippendorff's; AC2 is Gwet's.\n\n"
            "A good judge prefers neither the answer shown first nor the longer one for its own sake: p is the exact "
            "binomial test of one half. Ability is fitted together with how hard each pair is: 1 is what a typical "
            "annotator has, 0 guesses, less says the opposite of the others; it stays near 1 until pairs overlap. "
            "\"attune label export --soft\" uses it.\n\n"
            "Attention checks (\"attune label FILE --checks FILE\") are pairs whose answer is known. One is failed by any "
            "other answer than that the better one is better; they count for times and biases, not for agreement and "
            "ability.",
    .json = true,
    .run = run,
};

// ---- as a table ----

enum { NUMBER = 32 };

static const char *percent(char *out, int k, int n)
{
    if (n == 0)
        text_copy(out, NUMBER, "-");
    else
        snprintf(out, NUMBER, "%.0f %%", 100.0 * k / n);
    return out;
}

static const char *coefficient(char *out, double value)
{
    if (isnan(value))
        text_copy(out, NUMBER, "-");
    else
        snprintf(out, NUMBER, "%.2f", value);
    return out;
}

static void heading(struct print_table *t, const char *const *titles, int n)
{
    for (int i = 0; i < n; i++)
        print_table_cell(t, PRINT_DIM, "%s", titles[i]);
}

static void name_cell(struct print_table *t, const char *name)
{
    struct str shown = {0};
    str_add_visible(&shown, name, strlen(name), false);
    print_table_cell(t, PRINT_BOLD, "%s", str_text(&shown));
    str_fini(&shown);
}

static void print_work(const struct judge_report *r, const struct judged_votes *v)
{
    static const char *const titles[] = {"ANNOTATOR", "ANSWERS", "TIES", "SKIPS",  "FLAGS",
                                         "AN HOUR",   "MEDIAN",  "IDLE", "ABILITY"};
    struct print_table t;
    char text[NUMBER];
    print_table_init(&t, "Lrrrrrrrr");
    t.spare = "---23--1-";
    heading(&t, titles, 9);
    for (int i = 0; i < r->n; i++) {
        const struct judge_line *l = &r->lines[i];
        name_cell(&t, v->annotators[i]);
        print_table_cell(&t, -1, "%d", l->n);
        print_table_cell(&t, -1, "%d", l->n_ties);
        print_table_cell(&t, -1, "%d", l->n_skips);
        print_table_cell(&t, -1, "%d", l->n_flags);
        print_table_cell(&t, -1, isnan(l->per_hour) ? "-" : "%.0f", l->per_hour);
        print_table_cell(&t, -1, isnan(l->median_s) ? "-" : "%.1f s", l->median_s);
        print_table_cell(&t, -1, "%d", l->n_idle);
        print_table_cell(&t, -1, "%s", coefficient(text, l->ability));
    }
    print_table_end(&t, stdout, print_width(stdout));
}

static void bias_cell(struct print_table *t, const struct bias *b)
{
    if (b->n == 0)
        print_table_cell(t, -1, "-");
    else
        print_table_cell(t, b->p < 0.05 ? PRINT_WARN : -1, "%.0f %% of %d, p %.2g", 100 * b->share, b->n, b->p);
}

static bool has_checks(const struct judge_report *r)
{
    bool some = false;
    for (int i = 0; i < r->n; i++)
        some |= r->lines[i].n_checks > 0;
    return some;
}

static void print_biases(const struct judge_report *r, const struct judged_votes *v)
{
    static const char *const titles[] = {"ANNOTATOR", "ITSELF", "OTHERS", "SHOWN FIRST", "LONGER", "< 3 S", "CHECKS"};
    struct print_table t;
    char text[NUMBER];
    const int columns = has_checks(r) ? 7 : 6; // who has none sees nothing of them
    print_table_init(&t, columns == 7 ? "Lrrrrrr" : "Lrrrrr");
    heading(&t, titles, columns);
    for (int i = 0; i < r->n; i++) {
        const struct judge_line *l = &r->lines[i];
        name_cell(&t, v->annotators[i]);
        if (l->self.n)
            print_table_cell(&t, -1, "%d/%d same", l->self.n_same, l->self.n);
        else
            print_table_cell(&t, -1, "-");
        print_table_cell(&t, -1, "%s", percent(text, l->n_met_side, l->n_met));
        bias_cell(&t, &l->side);
        bias_cell(&t, &l->length);
        print_table_cell(&t, -1, "%s", percent(text, l->fast.k, l->fast.n));
        if (columns == 7)
            print_table_cell(&t, -1, "%d/%d passed", l->n_checks - l->n_failed, l->n_checks);
    }
    print_table_end(&t, stdout, print_width(stdout));
}

static void print_agreement(const struct judge_report *r, const struct judged_votes *v)
{
    static const char *const titles[] = {"ANNOTATORS", "", "PAIRS", "SAME VERDICT", "SAME SIDE", "KAPPA", "WEIGHTED"};
    struct print_table t;
    char text[NUMBER];
    print_table_init(&t, "LLrrrrr");
    heading(&t, titles, 7);
    for (int i = 0; i < r->n_twos; i++) {
        const struct judge_match *m = &r->twos[i].match;
        name_cell(&t, v->annotators[r->twos[i].a]);
        name_cell(&t, v->annotators[r->twos[i].b]);
        print_table_cell(&t, -1, "%d", m->n);
        print_table_cell(&t, -1, "%s", percent(text, m->n_same, m->n));
        print_table_cell(&t, -1, "%s", percent(text, m->n_side, m->n_sided));
        print_table_cell(&t, -1, "%s", coefficient(text, m->kappa));
        print_table_cell(&t, -1, "%s", coefficient(text, m->weighted));
    }
    print_table_end(&t, stdout, print_width(stdout));
    printf("\n%d %s that two or more graded: same verdict %s\n", r->n_shared, text_plural(r->n_shared, "pair", "pairs"),
           percent(text, (int)lround(1000 * r->percent), r->n_shared ? 1000 : 0));
    printf("  alpha %s", coefficient(text, r->alpha_ordinal));
    printf(" (ordinal, of grades), %s (of A, tie, B);", coefficient(text, r->alpha_nominal));
    printf(" AC2 %s\n", coefficient(text, r->gwet));
}

// A line for each whose numbers call for a word.
static void print_warnings(const struct judge_report *r, const struct judged_votes *v, double most_failed)
{
    bool is_first = true;
    for (int i = 0; i < r->n; i++) {
        struct str text = {0}, line = {0};
        judge_line_warn(&r->lines[i], most_failed, &text);
        if (text.len) {
            printf("%s", is_first ? "\n" : "");
            is_first = false;
            str_add_visible(&line, v->annotators[i], strlen(v->annotators[i]), false);
            str_addf(&line, " %s", str_text(&text));
            print_wrapped(stdout, str_text(&line), 0, 2, print_width(stdout));
        }
        str_fini(&line);
        str_fini(&text);
    }
}

// ---- the pairs that people are least at one about ----

enum { MOST_CONTESTED = 10 };

// Those with several votes whose margin is nearest to 0, the nearest first. Returns how many.
static int contested(const struct judge_report *r, const struct judged_votes *v, int *pairs)
{
    int n = 0;
    for (int i = 0; i < v->n_pairs; i++) {
        const struct annotator_pair *p = &r->fit.pairs[i];
        if (p->n < 2)
            continue;
        int at = n < MOST_CONTESTED ? n++ : n;
        for (; at > 0 && fabs(r->fit.pairs[pairs[at - 1]].margin) > fabs(p->margin); at--)
            if (at < MOST_CONTESTED)
                pairs[at] = pairs[at - 1];
        if (at < MOST_CONTESTED)
            pairs[at] = i;
    }
    return n;
}

static void print_contested(const struct judge_report *r, const struct judged_votes *v)
{
    int pairs[MOST_CONTESTED], n = contested(r, v, pairs);
    if (n == 0)
        return;
    printf("least agreed upon:");
    for (int i = 0; i < n && i < 5; i++) {
        const struct judged_text *p = &v->pairs[pairs[i]];
        printf("%s %s%spair %lld", i ? "," : "", p->run < 0 ? "" : v->runs[p->run], p->run < 0 ? "" : " ",
               (long long)p->id);
    }
    printf("\n");
}

static void print_all(const struct judge_report *r, const struct judged_votes *v, const char *run, double most_failed)
{
    printf("%d %s judged by %d %s (%s%s)\n\n", r->n_answered, text_plural(r->n_answered, "pair", "pairs"), r->n,
           text_plural(r->n, "annotator", "annotators"), run ? "run " : "all runs, and pairs that were brought along",
           run ? run : "");
    print_work(r, v);
    printf("\n");
    print_biases(r, v);
    if (r->n_twos) {
        printf("\n");
        print_agreement(r, v);
        print_contested(r, v);
    }
    print_warnings(r, v, most_failed);
}

// ---- as JSON ----

static json_t *match_json(const struct judge_match *m)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:o, s:o}", "pairs", m->n, "same_verdict", m->n_same, "same_side", m->n_side,
                     "of_sides", m->n_sided, "kappa", look_json_number(m->kappa), "weighted_kappa",
                     look_json_number(m->weighted));
}

static json_t *bias_json(const struct bias *b)
{
    return json_pack("{s:i, s:i, s:o, s:[f, f], s:f}", "count", b->k, "of", b->n, "share", look_json_number(b->share),
                     "interval", b->interval.low, b->interval.high, "p", b->p);
}

static json_t *line_json(const struct judge_line *l, const char *name, double most_failed)
{
    struct str warning = {0};
    judge_line_warn(l, most_failed, &warning);
    json_t *o = json_pack("{s:o, s:i, s:i, s:i, s:i, s:i}", "annotator", look_json_text(name), "answers", l->n, "again",
                          l->n_again, "ties", l->n_ties, "skips", l->n_skips, "flags", l->n_flags);
    json_object_set_new(o, "timed", json_integer(l->n_timed));
    json_object_set_new(o, "idle", json_integer(l->n_idle));
    json_object_set_new(o, "per_hour", look_json_number(l->per_hour));
    json_object_set_new(o, "median_seconds", look_json_number(l->median_s));
    json_object_set_new(o, "ability", look_json_number(l->ability));
    json_object_set_new(o, "self", match_json(&l->self));
    json_object_set_new(o, "others", json_pack("{s:i, s:i}", "same_side", l->n_met_side, "of_sides", l->n_met));
    json_object_set_new(o, "shown_first", bias_json(&l->side));
    json_object_set_new(o, "longer", bias_json(&l->length));
    json_object_set_new(o, "under_3_s", bias_json(&l->fast));
    json_object_set_new(o, "checks",
                        json_pack("{s:i, s:i, s:[f, f]}", "failed", l->n_failed, "of", l->n_checks, "interval",
                                  l->failed.low, l->failed.high));
    json_object_set_new(o, "warning", json_string(str_text(&warning)));
    str_fini(&warning);
    return o;
}

static json_t *report_json(const struct judge_report *r, const struct judged_votes *v, double most_failed)
{
    json_t *lines = json_array(), *twos = json_array(), *close = json_array();
    int pairs[MOST_CONTESTED], n = contested(r, v, pairs);
    for (int i = 0; i < r->n; i++)
        json_array_append_new(lines, line_json(&r->lines[i], v->annotators[i], most_failed));
    for (int i = 0; i < r->n_twos; i++) {
        json_t *o = match_json(&r->twos[i].match);
        json_object_set_new(
            o, "annotators",
            json_pack("[o, o]", look_json_text(v->annotators[r->twos[i].a]), look_json_text(v->annotators[r->twos[i].b])));
        json_array_append_new(twos, o);
    }
    for (int i = 0; i < n; i++) {
        const struct judged_text *text = &v->pairs[pairs[i]];
        const struct annotator_pair *p = &r->fit.pairs[pairs[i]];
        json_array_append_new(close, json_pack("{s:o, s:I, s:f, s:[f, f], s:i}", "run",
                                               text->run < 0 ? json_null() : look_json_text(v->runs[text->run]), "pair",
                                               (json_int_t)text->id, "share_b", p->share, "interval", p->interval.low,
                                               p->interval.high, "votes", p->n));
    }
    return json_pack("{s:i, s:o, s:o, s:{s:i, s:o, s:o, s:o, s:o}, s:o}", "pairs", r->n_answered, "annotators", lines,
                     "together", twos, "all", "pairs", r->n_shared, "same_verdict", look_json_number(r->percent),
                     "alpha_ordinal", look_json_number(r->alpha_ordinal), "alpha_nominal",
                     look_json_number(r->alpha_nominal), "gwet_ac2", look_json_number(r->gwet), "least_agreed", close);
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct judged_votes v = {0};
    struct judge_report r = {0};
    int status = 0;
    if (!args_open(&a, &command_label_stats, argc, argv, 0, 1, &status))
        return status;
    const char *name = a.n_words ? a.words[0] : NULL;
    const double most_failed = settings_float(&a.settings, "most-failed");
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = judged_votes_read(s, name, &v, &e);
    if (!code)
        code = judge_report_make(&r, &v, &e);
    if (code)
        status = args_fail(&a, &e);
    else if (args_json(&a))
        look_print_json(report_json(&r, &v, most_failed));
    else if (v.n_votes == 0)
        printf("Nobody has judged anything yet%s%s. \"attune label --help\" says how.\n", name ? " of run " : "",
               name ? name : "");
    else
        print_all(&r, &v, name, most_failed);
    judge_report_fini(&r);
    judged_votes_fini(&v);
    store_close(s);
    args_close(&a);
    return status;
}
