// Losses and slopes of two pairs as a program of other people's writing computes them (golden_pairwise.json, where the
// assets are): a second opinion on the golden rows that this project makes for itself.
#include "config.h"

#include "testing.h"

#include "objective_batch.h"

#define BETA_01 "beta=0.1"

static const struct naming {
    const char *there, *objective, *settings;
} namings[] = {
    {"dpo b=.1", "dpo", BETA_01},
    {"cdpo b=.1 e=.1", "dpo", BETA_01 " label-smoothing=0.1"},
    {"robust b=.1 e=.1", "robust-dpo", BETA_01 " label-smoothing=0.1"},
    {"hinge b=.1", "gpo", BETA_01 " function=hinge"},
    {"gpo square b=.1", "gpo", BETA_01 " function=squared"},
    {"gpo exp b=.1", "gpo", BETA_01 " function=exponential"},
    {"gpo truncquad b=.1", "gpo", BETA_01 " function=truncated-quadratic"},
    {"gpo savage (1+e^z)^-2 b=1", "gpo", "beta=1 function=savage"},
    {"ipo sum tau=.1", "ipo", BETA_01 " log-ratio=sum"},
    {"ipo avg tau=.1", "ipo", BETA_01 " log-ratio=mean"},
    {"dpop b=.3 lam=50", "dpop", "beta=0.3 lambda=50"},
    {"r-dpo b=.1 alpha=.05 (+)", "r-dpo", BETA_01 " alpha=0.05 length-sign=plus"},
    {"rpo b=.1 eta=.005 (sum nll)", "rpo", BETA_01 " eta=0.005 sft=sum"},
    {"simpo b=2.5 gamma=1.375", "simpo", "beta=2.5 gamma-beta-ratio=0.55"},
    {"orpo lam=.1 (avg nll)", "orpo", "lambda=0.1"},
    {"cpo b=.1 alpha=1 (avg nll)", "cpo", BETA_01 " alpha=1"},
    {"slic delta=1 lam=.1 yref=yw", "slic", "delta=1 lambda=0.1"},
    {"exo-pair b=.1 eps=1e-3", "exo", BETA_01 " label-smoothing=0.001"},
    {"nca-pair b=.1", "nca-pair", BETA_01},
    {"bco-pair delta=0 b=.1", "bco-pair", BETA_01},
    {"sppo-hard b=.1", "sppo-hard", BETA_01},
    {"apo-zero b=.1", "apo-zero", BETA_01},
    {"apo-down b=.1", "apo-down", BETA_01},
    {"discopop b=.05 tau=.05", "discopop", "beta=0.05 tau=0.05"},
    {"f-dpo fwdKL b=.1", "f-dpo", BETA_01 " divergence=forward-kl"},
    {"f-dpo JS b=.1", "f-dpo", BETA_01 " divergence=js"},
    {"f-dpo alpha=.5 (TRL new) b=.1", "f-dpo", BETA_01 " divergence=alpha alpha=0.5"},
    {"npo b=.1 (yl only)", "npo", BETA_01},
    {"kto b=.1 z0=.3 lD=lU=1 (w=desirable,l=undesirable; sum)", "kto", BETA_01},
    {"dro policy loss tau=1 r=(1,-1) V=.2 (already /tau)", "dro-v", "tau=1"},
};

static const struct seq pairs[2][2] = {
    {{.logp = -12, .ref = -13, .n = 6, .label = 1}, {.logp = -15, .ref = -14, .n = 8}},
    {{.logp = -20, .ref = -18, .n = 10, .label = 1}, {.logp = -10, .ref = -11.5, .n = 5}},
};

static json_t *settings_of(const char *text)
{
    json_t *values = json_object();
    char *list = strdup(text), *save = NULL;
    for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        json_object_set_new(values, word, json_string(value));
    }
    free(list);
    return values;
}

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static void compare(const struct naming *at, const json_t *row)
{
    double metrics[OBJECTIVE_MAX_METRICS];
    struct seq s[2];
    json_t *values = settings_of(at->settings);
    struct objective_run r = configured(at->objective, values);
    const bool rejected_alone = strcmp(at->objective, "npo") == 0, scored = strcmp(at->objective, "dro-v") == 0;
    memcpy(s, pairs[json_integer_value(json_object_get(row, "pair"))], sizeof s);
    for (int i = 0; i < 2; i++) {
        s[i].prepared = strcmp(at->objective, "kto") == 0 ? 0.3 : 0; // z0, which the batch would say
        s[i].value = 0.2;
        if (scored)
            s[i].label = i == 0 ? 1 : -1;
    }
    r.n_groups = 1;
    const double loss = rejected_alone ? objective_loss(&r, s + 1, 1, metrics) : objective_loss(&r, s, 2, metrics);
    const double have[] = {loss, rejected_alone ? 0 : s[0].d_logp, s[1].d_logp};
    const double want[] = {number(row, "loss"), number(row, "dlw"), number(row, "dll")};
    for (int i = 0; i < 3; i++)
        if (!(fabs(have[i] - want[i]) <= 1e-6 * (1 + fabs(want[i]))))
            fail_msg("%s: number %d is %.9g, not %.9g", at->there, i, have[i], want[i]);
    json_decref(values);
}

static void other_peoples_numbers_come_out(void **state)
{
    char *path = test_asset("../golden/golden_pairwise.json");
    json_t *rows, *row;
    size_t index, n_compared = 0;
    if (!path)
        skip();
    assert_ok(json_read(path, 1 << 20, &rows, e));
    json_array_foreach(rows, index, row)
        for (size_t i = 0; i < sizeof namings / sizeof *namings; i++)
            if (strcmp(namings[i].there, json_string_value(json_object_get(row, "name"))) == 0) {
                compare(&namings[i], row);
                n_compared++;
            }
    assert_int_equal(n_compared, json_array_size(rows)); // none is passed over
    json_decref(rows);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_peoples_numbers_come_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
