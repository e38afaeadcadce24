// Objectives of pairs: who is whose special case, what each loss does not depend on, every choice by finite
// differences, and what objectives take from the whole batch.
#include "config.h"

#include "testing.h"

#include "objective_batch.h"
#include "train/objective/batch_order.h"
#include "train/objective/stable.h"

// "beta=0.3 divergence=js"
static struct objective_run with(const char *name, const char *settings)
{
    json_t *values = json_object();
    char *list = strdup(settings), *save = NULL;
    for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        json_object_set_new(values, word, json_string(value));
    }
    struct objective_run r = configured(name, values);
    json_decref(values);
    free(list);
    return r;
}

// The losses and derivatives of all groups of a batch; *loss is their mean.
static void run_batch(struct objective_run *r, struct batch *b, double *metrics, double *loss)
{
    double extra[OBJECTIVE_MAX_METRICS] = {0};
    *loss = 0;
    memset(metrics, 0, OBJECTIVE_MAX_METRICS * sizeof *metrics);
    prepare(r, b);
    for (int g = 0; g < b->n; g++) {
        *loss += group_loss(r, b, g, extra) / b->n;
        for (int i = 0; i < OBJECTIVE_MAX_METRICS; i++)
            metrics[i] += extra[i] / b->n;
    }
}

static struct batch random_pairs(struct rng *rng, int n)
{
    struct batch b = {.n = n};
    for (int g = 0; g < n; g++) {
        b.first[g + 1] = 2 * (g + 1);
        random_group(rng, b.seqs + 2 * g, 2);
    }
    return b;
}

struct special_case {
    const char *name, *settings, *is, *with;
    double scale;  // loss = scale * the other's
    bool one_token; // of responses of one token
    bool no_reference; // where the reference says nothing
};

static const struct special_case cases[] = {
    {"rpo", "eta=0", "dpo", "", 1, false, false},
    {"rpo", "eta=0 sft=mean", "dpo", "", 1, false, false},
    {"rpo", "beta=0.4 eta=0.05", "rpo", "beta=0.4 eta=0.02 sft=mean", 1, true, false},
    {"dpop", "beta=0.1 lambda=0", "dpo", "", 1, false, false},
    {"r-dpo", "alpha=0", "dpo", "", 1, false, false},
    {"r-dpo", "", "dpo", "", 1, true, false},
    {"robust-dpo", "label-smoothing=0", "dpo", "", 1, false, false},
    {"gpo", "function=logistic", "dpo", "", 1, false, false},
    {"gpo", "function=squared beta=0.5", "ipo", "log-ratio=sum beta=0.25", 0.25, false, false}, // beta^2 (rho - 1 / beta)^2
    {"gpo", "function=hinge beta=1", "slic", "lambda=0", 1, false, true},
    {"f-dpo", "divergence=reverse-kl", "dpo", "", 1, false, false},
    {"f-dpo", "divergence=alpha alpha=1", "f-dpo", "divergence=forward-kl", 1, false, false},
    {"spl", "alpha=0.3 beta=0.3", "dpo", "beta=0.3", 1, false, false},
    {"spl", "alpha=0.3 beta=0", "dpo", "beta=0.3 reference-free=yes", 1, false, false},
    {"spl", "alpha=0.3 beta=0.7", "dpo", "beta=0.3 reference-free=yes", 1, false, true},
    {"cpo", "alpha=0", "dpo", "reference-free=yes", 1, false, false},
    {"cpo", "alpha=0 label-smoothing=0.2", "dpo", "label-smoothing=0.2", 1, false, true},
    {"dpo-norm", "beta=0.1", "dpo", "", 1, true, false},
    {"ipo", "log-ratio=mean", "ipo", "log-ratio=sum", 1, true, false},
    {"simpo", "beta=0.7 gamma-beta-ratio=0", "dpo", "beta=0.7 reference-free=yes", 1, true, false},
    {"simpo", "beta=5 gamma-beta-ratio=0", "dpo-norm", "", 1, false, true},
    {"beta-dpo", "alpha=0 keep-share=1", "dpo", "", 1, false, false},
    {"beta-dpo", "alpha=0 keep-share=1 beta=0.5", "dpo", "beta=0.5", 1, false, false},
};

static void special_cases_are_what_they_are_called(void **state)
{
    struct rng rng = rng_make(21, RNG_TEST, 0);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int round = 0; round < 40; round++) {
            const struct special_case *k = &cases[c];
            struct objective_run one = with(k->name, k->settings), other = with(k->is, k->with);
            struct batch a = random_pairs(&rng, 5);
            for (int i = 0; i < 10; i++) {
                a.seqs[i].n = k->one_token ? 1 : a.seqs[i].n;
                a.seqs[i].ref = k->no_reference ? 0 : a.seqs[i].ref;
            }
            struct batch b = a;
            prepare(&one, &a);
            prepare(&other, &b);
            for (int g = 0; g < a.n; g++) {
                double metrics[OBJECTIVE_MAX_METRICS];
                const double x = group_loss(&one, &a, g, metrics), y = k->scale * group_loss(&other, &b, g, metrics);
                if (!(fabs(x - y) <= 1e-12 * (1 + fabs(y))))
                    fail_msg("%s %s is %.15g, %s %s is %.15g", k->name, k->settings, x, k->is, k->with, y);
                for (int i = 2 * g; i < 2 * g + 2; i++)
                    assert_close(a.seqs[i].d_logp, k->scale * b.seqs[i].d_logp, 1e-12 * (1 + fabs(a.seqs[i].d_logp)));
            }
        }
}

// Rewards and losses that compare with the reference do not change when both models find a response e^5 times likelier.
static void log_ratios_are_all_that_counts(void **state)
{
    static const char *const names[] = {"dpo", "robust-dpo", "r-dpo", "dpo-norm", "dpop", "ipo", "gpo", "f-dpo", "exo",
                                        "discopop", "nca-pair", "bco-pair", "sppo-hard", "apo-zero", "apo-down", "beta-dpo",
                                        "aot-unpaired"};
    struct rng rng = rng_make(22, RNG_TEST, 0);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        struct objective_run r = with(names[k], ""), again = r;
        struct batch a = random_pairs(&rng, 6), b = a;
        double metrics[OBJECTIVE_MAX_METRICS], x, y;
        for (int i = 0; i < 12; i++) {
            const double c = 5 * rng_normal(&rng);
            b.seqs[i].logp += c;
            b.seqs[i].ref += c;
        }
        run_batch(&r, &a, metrics, &x);
        run_batch(&again, &b, metrics, &y);
        assert_close(x, y, 1e-10 * (1 + fabs(x)));
        for (int i = 0; i < 12; i++) {
            assert_close(a.seqs[i].d_logp, b.seqs[i].d_logp, 1e-10 * (1 + fabs(a.seqs[i].d_logp)));
            assert_close(a.seqs[i].reward, b.seqs[i].reward, 1e-10 * (1 + fabs(a.seqs[i].reward)));
        }
    }
}

static void objectives_without_a_reference_do_not_read_it(void **state)
{
    struct rng rng = rng_make(23, RNG_TEST, 0);
    int n = 0;
    for (const struct objective *const *o = objectives; *o; o++) {
        if ((*o)->data != DATA_PAIR || (*o)->needs.networks & NETWORK_REFERENCE || (*o)->needs.groups & GROUPS_COMPARISON)
            continue;
        struct objective_run r = with((*o)->name, "");
        struct batch a = random_pairs(&rng, 4), b = a;
        double metrics[OBJECTIVE_MAX_METRICS], x, y;
        for (int i = 0; i < 8; i++)
            b.seqs[i].ref = NAN;
        run_batch(&r, &a, metrics, &x);
        run_batch(&r, &b, metrics, &y);
        assert_true(x == y);
        n++;
    }
    assert_true(n >= 4);
}

// On the diagonal to the last bit, rewards included; at beta 0 the reference is neither needed nor read; else the reward is
// alpha log pi - beta log ref.
static void spl_has_dpo_on_its_diagonal_and_no_reference_at_beta_0(void **state)
{
    struct rng rng = rng_make(29, RNG_TEST, 0);
    struct objective_run spl = with("spl", "alpha=0.37 beta=0.37"), dpo = with("dpo", "beta=0.37"),
                         apart = with("spl", "alpha=1 beta=0.3"), alone = with("spl", "alpha=1 beta=0");
    assert_int_equal(objective_needs(&apart).networks, NETWORK_REFERENCE);
    assert_false(needs_any(objective_needs(&alone)));
    for (int round = 0; round < 200; round++) {
        struct seq s[2], t[2];
        random_group(&rng, s, 2);
        memcpy(t, s, sizeof t);
        assert_true(evaluate(&spl, s, 2) == evaluate(&dpo, t, 2));
        for (int i = 0; i < 2; i++)
            assert_true(s[i].d_logp == t[i].d_logp && s[i].reward == t[i].reward);
        evaluate(&apart, s, 2);
        for (int i = 0; i < 2; i++)
            assert_close(s[i].reward, s[i].logp - 0.3 * s[i].ref, 1e-13);
        s[0].ref = s[1].ref = NAN;
        evaluate(&alone, s, 2);
        for (int i = 0; i < 2; i++)
            assert_true(s[i].reward == s[i].logp);
    }
}

static void simpo_is_its_formula(void **state)
{
    struct objective_run r = with("simpo", "beta=2 gamma-beta-ratio=0.8");
    struct seq s[2] = {{.logp = -12, .n = 6}, {.logp = -15, .n = 8}};
    const double loss = evaluate(&r, s, 2), z = 2 * (-12.0 / 6 + 15.0 / 8) - 1.6;
    assert_close(loss, log(1 + exp(-z)), 1e-14);
    assert_close(s[0].reward - s[1].reward, z + 1.6, 1e-14);
}

// Every value of every choice and switch, not only the defaults. What the loss's own size costs in double is allowed
// for: forward KL takes it to 1e12.
static void check_choice(const struct objective *o, const char *settings, struct rng *rng)
{
    struct objective_run r = with(o->name, settings);
    struct batch b = random_pairs(rng, MAX_GROUPS);
    double metrics[OBJECTIVE_MAX_METRICS];
    prepare(&r, &b);
    for (int g = 0; g < b.n; g++) {
        const double loss = group_loss(&r, &b, g, metrics), h = 1e-5;
        for (int i = 0; i < 2; i++) {
            struct seq up[2], down[2];
            memcpy(up, b.seqs + 2 * g, sizeof up);
            memcpy(down, b.seqs + 2 * g, sizeof down);
            up[i].logp += h;
            down[i].logp -= h;
            const double slope = (o->loss(&r, up, 2, metrics) - o->loss(&r, down, 2, metrics)) / (2 * h);
            const double bound = 1e-6 * (1 + fabs(slope)) + 1e-14 * fabs(loss) / h;
            if (!(fabs(b.seqs[2 * g + i].d_logp - slope) <= bound))
                fail_msg("%s %s: d_logp is %.9g, by differences %.9g", o->name, settings, b.seqs[2 * g + i].d_logp, slope);
        }
    }
}

static void every_choice_has_the_right_derivatives(void **state)
{
    struct rng rng = rng_make(24, RNG_TEST, 0);
    int n = 0;
    for (const struct objective *const *o = objectives; *o; o++)
        for (const struct param *p = (*o)->params;
             (*o)->data == DATA_PAIR && !((*o)->needs.networks & NETWORK_SCORE) && p->name; p++) {
            static const char *const switches[] = {"no", "yes", NULL};
            const char *const *choices = p->type == PARAM_CHOICE ? p->choices : p->type == PARAM_BOOL ? switches : NULL;
            for (; choices && *choices; choices++, n++)
                for (int round = 0; round < 10; round++) {
                    char settings[80];
                    snprintf(settings, sizeof settings, "%s=%s", p->name, *choices);
                    check_choice(*o, settings, &rng);
                }
        }
    assert_true(n >= 18);
}

// Where curves and scores are continued as straight lines they go on without a step or a corner.
static void clamps_join_smoothly(void **state)
{
    static const struct {
        const char *name, *settings;
        int which; // the response that stands at the clamp; the other makes the pair a wrong one
        double logp[2];
    } joints[] = {
        {"gpo", "function=exponential beta=1", 0, {-20, 0}},
        {"f-dpo", "divergence=forward-kl beta=1", 0, {-40, 0}},
        {"f-dpo", "divergence=alpha alpha=0.5 beta=1", 0, {-80, 0}},
        {"orpo", "lambda=1", 1, {-4, -4e-6}},
    };
    for (size_t k = 0; k < sizeof joints / sizeof *joints; k++) {
        struct objective_run r = with(joints[k].name, joints[k].settings);
        const int i = joints[k].which;
        double losses[2], slopes[2];
        for (int above = 0; above < 2; above++) {
            struct seq s[2] = {{.logp = joints[k].logp[0], .n = 4}, {.logp = joints[k].logp[1], .n = 4}};
            s[i].logp *= above ? 1 - 1e-6 : 1 + 1e-6;
            losses[above] = evaluate(&r, s, 2);
            slopes[above] = s[i].d_logp;
        }
        assert_close(losses[0], losses[1], 1e-3 * fabs(losses[1]));
        assert_close(slopes[0], slopes[1], 1e-3 * fabs(slopes[1]));
        assert_true(fabs(slopes[0]) > 1e5);
    }
}

static void dpop_begins_without_its_penalty(void **state)
{
    struct objective_run r = with("dpop", "");
    struct seq same[2] = {{.logp = -9, .ref = -9, .n = 4}, {.logp = -5, .ref = -5, .n = 2}}, lost[2];
    memcpy(lost, same, sizeof lost);
    lost[0].logp -= 1e-9;
    evaluate(&r, same, 2);
    evaluate(&r, lost, 2);
    assert_close(same[0].d_logp, -0.15, 1e-12);
    assert_close(lost[0].d_logp, -0.15 * 51, 1e-6);
}

static void nca_and_exo_have_their_optima(void **state)
{
    struct objective_run nca = with("nca-pair", "beta=0.1"), exo = with("exo", "label-smoothing=0.2");
    struct seq s[2] = {{.logp = log(2) / 0.1, .n = 3}, {.logp = -4, .n = 3}};
    evaluate(&nca, s, 2);
    assert_close(s[0].d_logp, 0, 1e-15);
    struct seq t[2] = {{.logp = log(0.8 / 0.2) / 0.5, .n = 3}, {.n = 3}};
    assert_close(evaluate(&exo, t, 2), 0, 1e-15);
    assert_close(t[0].d_logp, 0, 1e-15);
}

// ---- objectives of the whole batch ----

static void order_sorts_with_ties_by_group(void **state)
{
    enum { N = 37 };
    struct rng rng = rng_make(25, RNG_TEST, 0);
    struct seq seqs[2 * N];
    int first[N + 1];
    for (int n = 1; n <= N; n++) {
        for (int g = 0; g <= n; g++)
            first[g] = 2 * g;
        for (int g = 0; g < n; g++)
            seqs[2 * g + 1].prepared = (double)rng_below(&rng, 6);
        batch_order(seqs, first, n, 1);
        for (int k = 1; k < n; k++) {
            const int a = batch_order_at(seqs, first, k - 1, 1), b = batch_order_at(seqs, first, k, 1);
            const double x = seqs[2 * a + 1].prepared, y = seqs[2 * b + 1].prepared;
            assert_true(x < y || (x == y && a < b));
        }
    }
}

static void aot_of_equal_or_single_pairs_is_dpo(void **state)
{
    static const char *const names[] = {"aot", "aot-unpaired"};
    struct rng rng = rng_make(26, RNG_TEST, 0);
    for (int k = 0; k < 2; k++)
        for (int n = 1; n <= 4; n++) {
            struct objective_run r = with(names[k], "beta=0.1 label-smoothing=0.1"),
                                 dpo = with("dpo", "label-smoothing=0.1");
            struct batch a = random_pairs(&rng, n);
            double metrics[OBJECTIVE_MAX_METRICS], x, y;
            for (int i = 2; i < 2 * n; i++)
                a.seqs[i] = a.seqs[i % 2];
            struct batch b = a;
            run_batch(&r, &a, metrics, &x);
            run_batch(&dpo, &b, metrics, &y);
            assert_close(x, y, 1e-12);
            for (int i = 0; i < 2 * n; i++)
                assert_close(a.seqs[i].d_logp, b.seqs[i].d_logp, 1e-12);
        }
}

// Which pair a response belongs to is nothing to aot-unpaired; where a group stands in the batch is nothing to either.
static void aot_depends_on_the_distribution_alone(void **state)
{
    struct rng rng = rng_make(27, RNG_TEST, 0);
    struct objective_run paired = with("aot", ""), unpaired = with("aot-unpaired", "");
    struct batch a = random_pairs(&rng, 8), turned = a, crossed = a;
    double metrics[OBJECTIVE_MAX_METRICS], x, y;
    for (int i = 0; i < 16; i++)
        turned.seqs[i] = a.seqs[(i + 6) % 16];
    for (int g = 0; g < 8; g++)
        crossed.seqs[2 * g] = a.seqs[2 * ((g + 3) % 8)];
    run_batch(&paired, &a, metrics, &x);
    run_batch(&paired, &turned, metrics, &y);
    assert_close(x, y, 1e-13);
    run_batch(&unpaired, &a, metrics, &x);
    run_batch(&unpaired, &turned, metrics, &y);
    assert_close(x, y, 1e-13);
    run_batch(&unpaired, &crossed, metrics, &y);
    assert_close(x, y, 1e-13);
}

// The running numbers are those of the paper's code over several batches, and an evaluation leaves them alone.
static void beta_dpo_follows_its_batches(void **state)
{
    struct rng rng = rng_make(28, RNG_TEST, 0);
    struct objective_run r = with("beta-dpo", "keep-share=1");
    double mean = 0, deviation = 0, metrics[OBJECTIVE_MAX_METRICS], loss;
    for (int step = 1; step <= 5; step++) {
        struct batch b = random_pairs(&rng, 6);
        double m = 0, v = 0;
        for (int g = 0; g < 6; g++)
            m += (b.seqs[2 * g].logp - b.seqs[2 * g].ref - b.seqs[2 * g + 1].logp + b.seqs[2 * g + 1].ref) / 6;
        for (int g = 0; g < 6; g++)
            v += pow(b.seqs[2 * g].logp - b.seqs[2 * g].ref - b.seqs[2 * g + 1].logp + b.seqs[2 * g + 1].ref - m, 2) / 5;
        mean = 0.9 * mean + 0.1 * m;
        deviation = 0.9 * deviation + 0.1 * sqrt(v);
        r.step = step;
        run_batch(&r, &b, metrics, &loss);
        assert_close(metrics[0], mean, 1e-12);
        assert_close(metrics[1], deviation, 1e-12);
        assert_close(metrics[2], fmax(1e-3, 0.1 * (1 + 0.6 * (m - mean))), 1e-12);
        assert_close(metrics[3], 6, 1e-12);

        struct objective_run before = r;
        struct batch other = random_pairs(&rng, 7);
        r.held_out = true;
        run_batch(&r, &other, metrics, &loss);
        assert_memory_equal(r.state, before.state, sizeof r.state);
        assert_close(metrics[0], mean, 1e-12);
        r.held_out = false;
    }
}

static void beta_dpo_takes_a_batch_of_one_and_one_without_deviation(void **state)
{
    struct objective_run r = with("beta-dpo", "");
    double metrics[OBJECTIVE_MAX_METRICS], loss;
    struct batch b = {.first = {0, 2}, .n = 1, .seqs = {{.logp = -4, .ref = -4, .n = 2}, {.logp = -7, .ref = -7, .n = 3}}};
    run_batch(&r, &b, metrics, &loss);
    assert_close(loss, log(2), 1e-15);
    assert_true(metrics[1] == 0 && metrics[3] == 1);
    b.n = 5; // equal pairs: the deviation is 0, and 4 of 5 are kept
    for (int g = 1; g < 5; g++) {
        b.first[g + 1] = 2 * g + 2;
        memcpy(b.seqs + 2 * g, b.seqs, 2 * sizeof *b.seqs);
    }
    run_batch(&r, &b, metrics, &loss);
    assert_close(loss, log(2), 1e-15);
    assert_close(metrics[3], 4, 1e-12);
}

// Probabilities of being kept, against those of drawing one after the other without replacement.
static void beta_dpo_draws_in_proportion_to_its_weights(void **state)
{
    enum { DRAWS = 20000 };
    static const double gaps[] = {0, 1, -2};
    struct objective_run r = with("beta-dpo", "keep-share=0.67");
    struct batch b = {.n = 3};
    double w[3], sum = 0;
    int kept[3] = {0};
    for (int g = 0; g < 3; g++) {
        b.first[g + 1] = 2 * g + 2;
        b.seqs[2 * g] = (struct seq){.logp = gaps[g], .n = 1};
        b.seqs[2 * g + 1].n = 1;
        sum += w[g] = exp(-gaps[g] * gaps[g] / 2);
    }
    const double mean = -1.0 / 3, deviation = sqrt(7.0 / 3); // of the gaps
    for (int step = 0; step < DRAWS; step++) {
        r.step = step;
        r.state[0] = -0.1 * mean / 0.9; // which the batch moves to 0 and 1
        r.state[1] = (1 - 0.1 * deviation) / 0.9;
        prepare(&r, &b);
        for (int g = 0; g < 3; g++)
            kept[g] += b.seqs[2 * g].prepared > 0;
    }
    for (int g = 0; g < 3; g++) { // the one left out is neither first nor second
        double out = 0;
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 3; k++)
                if (i != k && i != g && k != g)
                    out += w[i] / sum * w[k] / (sum - w[i]);
        assert_close((double)kept[g] / DRAWS, 1 - out, 4 * sqrt(out * (1 - out) / DRAWS) + 1e-9);
    }
    r.held_out = true; // an evaluation judges all pairs alike
    prepare(&r, &b);
    for (int g = 0; g < 3; g++)
        assert_close(b.seqs[2 * g].prepared, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_cases_are_what_they_are_called),
        cmocka_unit_test(log_ratios_are_all_that_counts),
        cmocka_unit_test(objectives_without_a_reference_do_not_read_it),
        cmocka_unit_test(spl_has_dpo_on_its_diagonal_and_no_reference_at_beta_0),
        cmocka_unit_test(simpo_is_its_formula),
        cmocka_unit_test(every_choice_has_the_right_derivatives),
        cmocka_unit_test(clamps_join_smoothly),
        cmocka_unit_test(dpop_begins_without_its_penalty),
        cmocka_unit_test(nca_and_exo_have_their_optima),
        cmocka_unit_test(order_sorts_with_ties_by_group),
        cmocka_unit_test(aot_of_equal_or_single_pairs_is_dpo),
        cmocka_unit_test(aot_depends_on_the_distribution_alone),
        cmocka_unit_test(beta_dpo_follows_its_batches),
        cmocka_unit_test(beta_dpo_takes_a_batch_of_one_and_one_without_deviation),
        cmocka_unit_test(beta_dpo_draws_in_proportion_to_its_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
