// Where objectives of pairs end: a policy that is a softmax over four responses learns from pairs as people with known
// rewards would label them, in exact expectation (both orders of each pair, weighted by their probabilities), until nothing
// moves.
#include "config.h"

#include "testing.h"

#include "objective_batch.h"
#include "train/objective/stable.h"

enum { N = 4 };
static const double rewards[N] = {1, 0.5, 0, -1}, reference[N] = {0.70, 0.20, 0.08, 0.02};

static void softmax(const double *logits, double *p)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < N; i++)
        most = fmax(most, logits[i]);
    for (int i = 0; i < N; i++)
        sum += p[i] = exp(logits[i] - most);
    for (int i = 0; i < N; i++)
        p[i] /= sum;
}

// The expected slope by each logit: pair (i, j) is compared share[i][j] of the time, and i called the better one with
// probability sigmoid(r_i - r_j).
static void expected_slopes(struct objective_run *r, const double *logits, const double share[N][N], double *slopes)
{
    double p[N];
    softmax(logits, p);
    memset(slopes, 0, N * sizeof *slopes);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const double weight = share[i][j] * sigmoid(rewards[i] - rewards[j]);
            struct seq s[2] = {{.logp = log(p[i]), .ref = log(reference[i]), .label = 1, .n = 1},
                               {.logp = log(p[j]), .ref = log(reference[j]), .n = 1}};
            if (weight == 0)
                continue;
            evaluate(r, s, 2);
            for (int k = 0; k < N; k++)
                slopes[k] += weight * (s[0].d_logp * ((k == i) - p[k]) + s[1].d_logp * ((k == j) - p[k]));
        }
}

// From the reference, downhill; pi is where it ends.
static void descend(const char *objective, const char *settings, const double share[N][N], double rate, double *pi)
{
    double logits[N], slopes[N];
    json_t *values = json_loads(settings, 0, NULL);
    assert_non_null(values);
    struct objective_run r = configured(objective, values);
    for (int i = 0; i < N; i++)
        logits[i] = log(reference[i]);
    for (int step = 0; step < 2000; step++) {
        expected_slopes(&r, logits, share, slopes);
        for (int i = 0; i < N; i++)
            logits[i] -= rate * slopes[i];
    }
    for (int i = 0; i < N; i++)
        assert_true(fabs(slopes[i]) < 1e-9); // there is nowhere left to go
    softmax(logits, pi);
    json_decref(values);
}

static void expect_shares(const double *pi, const double *want, double within, const char *what)
{
    for (int i = 0; i < N; i++)
        if (!(fabs(pi[i] - want[i]) <= within))
            fail_msg("%s: response %d has %.6f, not %.6f", what, i, pi[i], want[i]);
}

static const double all_pairs[N][N] = {{0, 1, 1, 1}, {1, 0, 1, 1}, {1, 1, 0, 1}, {1, 1, 1, 0}};
// Only neighbours are compared, some often: what the optimum is does not depend on it.
static const double chain[N][N] = {{0, 2, 0, 0}, {2, 0, 0.5, 0}, {0, 0.5, 0, 1}, {0, 0, 1, 0}};

static void spl_ends_where_its_formula_says(void **state)
{
    static const double plane[][2] = {{1, 0}, {1, 1}, {0.5, 0.5}, {1, 0.3}, {0.5, 0.1}, {0.5, 0}, {2, 1}, {0.5, 1}};
    for (size_t k = 0; k < sizeof plane / sizeof *plane; k++)
        for (int chained = 0; chained < 2; chained++) {
            const double alpha = plane[k][0], beta = plane[k][1];
            double exponents[N], want[N], pi[N];
            char settings[80];
            for (int i = 0; i < N; i++)
                exponents[i] = beta / alpha * log(reference[i]) + rewards[i] / alpha;
            softmax(exponents, want);
            snprintf(settings, sizeof settings, "{\"alpha\": %g, \"beta\": %g}", alpha, beta);
            descend("spl", settings, chained ? chain : all_pairs, 1 / (alpha * alpha), pi);
            expect_shares(pi, want, 1e-6, settings);
        }
}

// The corners by numbers that were worked out elsewhere: preference matching and KL-bound RLHF of these responses, and DPO,
// which is the latter.
static void its_corners_are_preference_matching_and_dpo(void **state)
{
    static const double matching[N] = {0.473991, 0.287490, 0.174371, 0.064148},
                        kl[N] = {0.820207, 0.142137, 0.034484, 0.003172};
    double pi[N];
    descend("spl", "{\"alpha\": 1, \"beta\": 0}", all_pairs, 1, pi);
    expect_shares(pi, matching, 1e-6, "spl at (1, 0)");
    descend("spl", "{\"alpha\": 1, \"beta\": 1}", all_pairs, 1, pi);
    expect_shares(pi, kl, 1e-6, "spl at (1, 1)");
    descend("dpo", "{\"beta\": 1}", all_pairs, 1, pi);
    expect_shares(pi, kl, 1e-6, "dpo");
}

// ---- one iteration of self-play ----

// People prefer i to a draw of the player: the mean of sigmoid(r_i - r_j).
static double wins(const double *player, int i)
{
    double sum = 0;
    for (int j = 0; j < N; j++)
        sum += player[j] * sigmoid(rewards[i] - rewards[j]);
    return sum;
}

static const double player[N] = {0.1, 0.4, 0.3, 0.2}; // pi_t

// pi_{t+1} ~ ref^(tau / eta) pi_t^(1 - tau / eta) exp(P(y > pi_t) / eta): the optimum that Zhang et al. 2024 derive, of
// pairs that pi_t says and people label.
static void inpo_ends_where_mirror_descent_goes(void **state)
{
    static const double eta = 0.8, tau = 0.3;
    double logits[N], slopes[N], p[N], want[N];
    json_t *values = json_pack("{s:f, s:f}", "eta", eta, "tau", tau);
    struct objective_run r = configured("inpo", values);
    const double share = r.objective->online->anchor(r.values);
    assert_close(share, tau / eta, 1e-12);
    for (int i = 0; i < N; i++) {
        logits[i] = log(player[i]);
        want[i] = share * log(reference[i]) + (1 - share) * log(player[i]) + wins(player, i) / eta;
    }
    softmax(want, want);
    for (int step = 0; step < 4000; step++) {
        softmax(logits, p);
        memset(slopes, 0, sizeof slopes);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                const double weight = player[i] * player[j] * sigmoid(rewards[i] - rewards[j]);
                struct seq s[2] = {{.label = 1, .n = 1}, {.n = 1}};
                for (int k = 0; k < 2; k++) {
                    const int at = k ? j : i;
                    s[k].logp = log(p[at]);
                    s[k].ref = share * log(reference[at]) + (1 - share) * log(player[at]);
                }
                evaluate(&r, s, 2);
                for (int k = 0; k < N; k++)
                    slopes[k] += weight * (s[0].d_logp * ((k == i) - p[k]) + s[1].d_logp * ((k == j) - p[k]));
            }
        for (int i = 0; i < N; i++)
            logits[i] -= 0.3 * slopes[i];
    }
    expect_shares(p, want, 1e-6, "inpo");
    json_decref(values);
}

// All answers at once, as often as they come: pi ~ pi_t exp(r / eta), r the share of wins.
static void dno_ends_where_its_regression_does(void **state)
{
    static const double eta = 0.5;
    double logits[N], p[N], want[N];
    json_t *values = json_pack("{s:f}", "eta", eta);
    struct objective_run r = configured("dno", values);
    for (int i = 0; i < N; i++) {
        logits[i] = log(player[i]);
        want[i] = log(player[i]) + wins(player, i) / eta;
    }
    softmax(want, want);
    for (int step = 0; step < 20000; step++) {
        struct seq s[N];
        double slope[N] = {0};
        softmax(logits, p);
        for (int i = 0; i < N; i++)
            s[i] = (struct seq){.logp = log(p[i]), .ref = log(player[i]), .label = wins(player, i), .n = 1};
        evaluate(&r, s, N);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++)
                slope[k] += s[i].d_logp * ((k == i) - p[k]);
        for (int i = 0; i < N; i++)
            logits[i] -= slope[i];
    }
    expect_shares(p, want, 1e-6, "dno");
    json_decref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spl_ends_where_its_formula_says),
        cmocka_unit_test(its_corners_are_preference_matching_and_dpo),
        cmocka_unit_test(inpo_ends_where_mirror_descent_goes),
        cmocka_unit_test(dno_ends_where_its_regression_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
