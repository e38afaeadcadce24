// The first layer of the proof: on vocabularies of a few tokens, where every answer can be enumerated, the real trainer,
// sampler and model arrive at the closed forms of preference matching and of KL-bound tuning (Xiao et al. 2024; sequences:
// with penalties by tokens the optimum is exp(r / beta) times ref(y_t) over the tokens that are charged for it).
#include "config.h"

#include "fixture.h"

#include <math.h>

#include "base/json.h"
#include "base/mem.h"
#include "cpu/cpu.h"
#include "train/online/rollouts.h"

enum { HIDDEN = 8, MOST_ANSWERS = 9 };

// What is said: the first token by `first`, a second one by `second` of the first where answers have two.
struct toy {
    const char *what;
    int n_tokens, length;
    double first[4], second[3][3];
    double rewards[MOST_ANSWERS]; // in the order of the answers, the first token's first
};
static const struct toy one_token = {"one token of four", 4, 1, {0.70, 0.20, 0.08, 0.02}, {{0}}, {1, 0.5, 0, -1}};
static const struct toy two_tokens = {"two tokens of three", 3, 2, {0.6, 0.3, 0.1},
                                      {{0.5, 0.45, 0.05}, {0.2, 0.7, 0.1}, {0.34, 0.33, 0.33}},
                                      {0.5, -0.2, 0.1, 0.0, 1.0, -0.5, 0.3, 0.3, -1.0}};

// Where it matters whom one plays against: who wins against the reference is not who wins against the best.
static const struct toy game = {"a game", 4, 1, {0.05, 0.25, 0.30, 0.40}, {{0}}, {4, 2, -1, -4}};

static int n_answers(const struct toy *t)
{
    return t->length == 1 ? t->n_tokens : t->n_tokens * t->n_tokens;
}

// ---- the model: a table of next tokens ----

// What passes through is the last token's embedding alone, a unit vector, so that row u of the head's transpose is the
// logits after token u. The token behind the others begins; it is never said.
static void write_table(struct model *m, const struct toy *toy)
{
    const int vocab = toy->n_tokens + 1;
    const double scale = sqrt(HIDDEN); // RMSNorm makes the unit vector so long
    float embed[5 * HIDDEN] = {0}, head[5 * HIDDEN];
    for (int u = 0; u < vocab; u++)
        embed[u * HIDDEN + u] = 1;
    for (int v = 0; v < vocab; v++)
        for (int u = 0; u < HIDDEN; u++) {
            const double p = v == toy->n_tokens ? 1e-9
                             : u == toy->n_tokens ? toy->first[v]
                             : u < toy->n_tokens && toy->length == 2 ? toy->second[u][v] : 0.25;
            head[v * HIDDEN + u] = (float)(log(p) / scale);
        }
    m->ops->upload(m->backend, model_weight(m, T_TOKEN_EMBED, 0), embed, (size_t)vocab * HIDDEN * sizeof *embed);
    m->ops->upload(m->backend, model_weight(m, T_HEAD_W, 0), head, (size_t)vocab * HIDDEN * sizeof *head);
    for (int kind = T_O_W; kind <= T_DOWN_W; kind++)
        if ((kind == T_O_W || kind == T_DOWN_W) && model_weight(m, (enum tensor_kind)kind, 0)) {
            const struct tensor *t = model_tensor(m, (enum tensor_kind)kind, 0);
            m->ops->zero(m->backend, model_weight(m, (enum tensor_kind)kind, 0),
                         (size_t)t->rows * (size_t)t->cols * sizeof(float));
        }
    model_weights_changed(m);
}

static struct model *make_model(const struct toy *toy, const struct backend_ops *ops, struct backend *backend)
{
    struct model *m;
    json_t *config =
        json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:s, s:b}", "model_type", "llama", "vocab_size",
                  toy->n_tokens + 1, "hidden_size", HIDDEN, "num_hidden_layers", 1, "num_attention_heads", 2,
                  "num_key_value_heads", 2, "intermediate_size", 8, "max_position_embeddings", 8, "rms_norm_eps", 1e-9,
                  "rope_theta", 10000.0, "hidden_act", "silu", "tie_word_embeddings", 0);
    assert_ok(model_new(&m, config, ops, backend, 5, e));
    json_decref(config);
    write_table(m, toy);
    return m;
}

// ---- its training ----

struct school {
    const struct toy *toy;
    const struct backend_ops *ops;
    struct backend *backend;
    struct dataset prompts;
    struct trainer *trainer;
};

// The token that begins is a way out for those that match everything: saying it must not pay.
static double reward_of(const struct toy *toy, const int32_t *tokens)
{
    for (int t = 0; t < toy->length; t++)
        if (tokens[t] >= toy->n_tokens)
            return -30;
    return toy->rewards[toy->length == 1 ? tokens[0] : tokens[0] * toy->n_tokens + tokens[1]];
}

static int score(void *with, struct rollout_batch *b, struct metric_list *facts, struct err *e)
{
    const struct school *s = with;
    for (int i = 0; i < b->data.n_seqs; i++) {
        assert_int_equal(b->data.seqs[i].n, s->toy->length);
        b->scores[i] = reward_of(s->toy, b->data.tokens + b->data.seqs[i].first);
    }
    return 0;
}

enum { STEPS = 300, SAMPLES = 128 };

static void begin(struct school *s, const struct toy *toy, const char *objective, json_t *given)
{
    struct settings settings;
    struct run_tables tables;
    const struct objective *o;
    struct group_source *source;
    const struct backend_options options = {.n_threads = 2};
    *s = (struct school){.toy = toy, .ops = backend_find("cpu")};
    assert_ok(s->ops->open(&s->backend, &options, e));
    s->prompts.groups = mem_alloc(1, sizeof *s->prompts.groups);
    s->prompts.groups[0] =
        (struct ds_group){.prompt = dataset_add_tokens(&s->prompts, &(int32_t){toy->n_tokens}, 1), .n_prompt = 1};
    s->prompts.n_groups = 1;
    assert_ok(objective_find(&o, objective, e));
    run_settings_init(&settings, &tables, o);
    assert_ok(settings_from_json(&settings, given, e));
    const struct rollout_options how = {.prompts = &s->prompts, .batch_size = 1, .samples = SAMPLES, .max_length = 8,
                                        .seed = 3,
                                        .sampling = {.max_new_tokens = toy->length, .temperature = 1, .top_p = 1},
                                        .score = score,
                                        .with = s};
    struct trainer_options t = {.optimizer = {.lr = 0.02, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .clip = 0},
                                .schedule = schedule_kind("linear"), .total_steps = STEPS, .batch_size = 1,
                                .max_batch_tokens = 4096, .longest = toy->length, .seed = 3};
    objective_configure(&t.objective, o, &settings);
    const struct needs needs = objective_needs(&t.objective);
    t.keep_reference = needs.networks & NETWORK_REFERENCE;
    rollouts_new(&source, &how);
    struct model *m = make_model(toy, s->ops, s->backend), *value;
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    assert_ok(trainer_new(&s->trainer, &t, m, source, e));
    if (needs.networks & NETWORK_VALUE) {
        assert_ok(model_copy(&value, m, LOAD_SCORE, e));
        assert_ok(model_set_trainable(value, TRAIN_ALL, e));
        assert_ok(trainer_add_value(s->trainer, value, e));
    }
    assert_ok(rollouts_attach(source, s->trainer, e));
    settings_fini(&settings);
}

static void end(struct school *s)
{
    struct model *m = s->trainer->model;
    trainer_free(s->trainer);
    model_free(m);
    dataset_fini(&s->prompts);
    s->ops->close(s->backend);
}

// The probability of every answer, by enumeration.
static void enumerate(const struct school *s, double *p)
{
    const struct toy *toy = s->toy;
    struct dataset d = {0};
    struct packed packed;
    struct seq seqs[MOST_ANSWERS];
    const int n = n_answers(toy), group = 0;
    d.groups = mem_alloc(1, sizeof *d.groups);
    d.seqs = mem_alloc(MOST_ANSWERS, sizeof *d.seqs);
    d.groups[0] =
        (struct ds_group){.prompt = dataset_add_tokens(&d, &(int32_t){toy->n_tokens}, 1), .n_prompt = 1, .n_seqs = n};
    d.n_groups = 1;
    for (int i = 0; i < n; i++) {
        const int32_t tokens[2] = {toy->length == 1 ? i : i / toy->n_tokens, i % toy->n_tokens};
        d.seqs[d.n_seqs++] = (struct ds_seq){.first = dataset_add_tokens(&d, tokens, (size_t)toy->length), .n = toy->length};
    }
    assert_ok(packed_init(&packed, &d, 4096, 0, e));
    assert_ok(forward_groups(s->trainer->decoder, &packed, &d, &group, 1, 4096, &(struct reading){0}, seqs, NULL, e));
    for (int i = 0; i < n; i++)
        p[i] = exp(seqs[i].logp);
    packed_fini(&packed);
    dataset_fini(&d);
}

// exp(r / beta) times ref of the tokens that are charged for it: those with at most alpha.
static void closed_form(const struct toy *toy, double beta, double alpha, double *p)
{
    double sum = 0;
    for (int i = 0; i < n_answers(toy); i++) {
        const int first = toy->length == 1 ? i : i / toy->n_tokens;
        const double refs[2] = {toy->first[first], toy->length == 1 ? 2 : toy->second[first][i % toy->n_tokens]};
        p[i] = exp(toy->rewards[i] / beta);
        for (int t = 0; t < 2; t++)
            p[i] *= refs[t] > alpha ? 1 : refs[t];
        sum += p[i];
    }
    for (int i = 0; i < n_answers(toy); i++)
        p[i] /= sum;
}

static void check(const struct toy *toy, const char *objective, json_t *given, double alpha)
{
    struct school s;
    struct step_result r;
    double want[MOST_ANSWERS], have[MOST_ANSWERS], worst = 0;
    begin(&s, toy, objective, given);
    closed_form(toy, 1, alpha, want);
    enumerate(&s, have);
    closed_form(toy, 1e9, 1, want); // where rewards are nothing: the reference
    for (int i = 0; i < n_answers(toy); i++)
        assert_close(have[i], want[i], 1e-5);
    closed_form(toy, 1, alpha, want);
    for (int i = 0; i < STEPS; i++)
        assert_ok(trainer_step(s.trainer, &r, e));
    enumerate(&s, have);
    for (int i = 0; i < n_answers(toy); i++)
        worst = fmax(worst, fabs(have[i] - want[i]));
    if (getenv("ATTUNE_TOYS"))
        print_message("%s, %s, alpha %g: off by %.2g\n", toy->what, objective, alpha, worst);
    if (!(worst <= 1e-3))
        fail_msg("%s, %s, alpha %g: off by %g from the closed form", toy->what, objective, alpha, worst);
    end(&s);
    json_decref(given);
}

static json_t *settings_of(const char *estimator, double alpha)
{
    json_t *given = json_pack("{s:f, s:i}", "beta", 1.0, "samples", SAMPLES);
    if (estimator)
        json_object_set_new(given, "estimator", json_string(estimator));
    if (alpha >= 0)
        json_object_set_new(given, "alpha", json_real(alpha));
    if (!estimator || strcmp(estimator, "gae") == 0)
        json_object_set_new(given, "value-lr", json_real(0.05));
    return given;
}

static json_t *rloo_settings(void)
{
    return json_pack("{s:f, s:i}", "beta", 1.0, "samples", SAMPLES);
}

// The table of closed forms against the published numbers of the toys.
static void closed_forms_are_the_known_ones(void **state)
{
    static const double alphas[] = {0, 0.15, 0.4, 1};
    static const double known[4][9] = {{.15036, .07467, .10079, .09120, .24790, .05531, .12311, .12311, .03355},
                                       {.24949, .12389, .00836, .15132, .41134, .00918, .02043, .02043, .00557},
                                       {.46852, .23266, .01570, .01705, .23174, .00517, .01304, .01266, .00345},
                                       {.32965, .14733, .02210, .03999, .38045, .01213, .03059, .02969, .00809}};
    static const double pm[4] = {.473991, .287490, .174371, .064148}, kl[4] = {.820207, .142137, .034484, .003172};
    double p[MOST_ANSWERS];
    for (int a = 0; a < 4; a++) {
        closed_form(&two_tokens, 1, alphas[a], p);
        for (int i = 0; i < 9; i++)
            assert_close(p[i], known[a][i], 1e-5);
    }
    for (int matched = 0; matched < 2; matched++) {
        closed_form(&one_token, 1, matched ? 0 : 1, p);
        for (int i = 0; i < 4; i++)
            assert_close(p[i], matched ? pm[i] : kl[i], 1e-6);
    }
}

static void one_token_matches_by_others(void **state)
{
    check(&one_token, "pm-rlhf", settings_of("rloo", -1), 0);
}

static void one_token_matches_by_value(void **state)
{
    check(&one_token, "pm-rlhf", settings_of("gae", -1), 0);
}

static void one_token_is_exaggerated_by_kl(void **state)
{
    check(&one_token, "rloo", rloo_settings(), 1);
    check(&one_token, "ppo", settings_of(NULL, -1), 1);
}

static void sequences_match_by_others(void **state)
{
    static const double alphas[] = {0, 0.15, 0.4, 1};
    for (int a = 0; a < 4; a++)
        check(&two_tokens, "conditional-pm-rlhf", settings_of("rloo", alphas[a]), alphas[a]);
    check(&two_tokens, "pm-rlhf", settings_of("rloo", -1), 0);
    check(&two_tokens, "rloo", rloo_settings(), 1);
}

static void sequences_match_by_value(void **state)
{
    static const double alphas[] = {0, 0.15, 0.4, 1};
    for (int a = 0; a < 4; a++)
        check(&two_tokens, "conditional-pm-rlhf", settings_of("gae", alphas[a]), alphas[a]);
    check(&two_tokens, "pm-rlhf", settings_of("gae", -1), 0);
    check(&two_tokens, "ppo", settings_of(NULL, -1), 1);
}

// Nash-MD's policy is its own best answer: where P(y > mixture) - tau log(pi / ref) is the same for all y. Found by going
// there.
static void nash_form(double tau, double mixture, double *p)
{
    const struct toy *toy = &game;
    double ref[4], sum = 0;
    for (int i = 0; i < 4; i++)
        p[i] = ref[i] = toy->first[i];
    for (int round = 0; round < 5000; round++) {
        double other[4], next[4], all = 0;
        sum = 0;
        for (int i = 0; i < 4; i++)
            sum += other[i] = pow(p[i], 1 - mixture) * pow(ref[i], mixture);
        for (int i = 0; i < 4; i++) {
            double won = 0;
            for (int k = 0; k < 4; k++)
                won += other[k] / sum / (1 + exp(toy->rewards[k] - toy->rewards[i]));
            next[i] = 0.9 * log(p[i]) + 0.1 * (log(ref[i]) + won / tau);
        }
        for (int i = 0; i < 4; i++)
            all += p[i] = exp(next[i]);
        for (int i = 0; i < 4; i++)
            p[i] /= all;
    }
}

// The opponent is sampled from the mixture, by the generator: which one it is shows in where the policy ends.
static void a_game_ends_where_nobody_wins(void **state)
{
    static const double mixtures[] = {0, 0.5, 1};
    double ends[4], want[4];
    for (int i = 0; i < 3; i++) {
        struct school s;
        struct step_result r;
        json_t *given = json_pack("{s:f, s:f, s:i}", "tau", 0.2, "mixture", mixtures[i], "samples", SAMPLES);
        begin(&s, &game, "nash-md", given);
        for (int k = 0; k < STEPS; k++)
            assert_ok(trainer_step(s.trainer, &r, e));
        enumerate(&s, ends);
        nash_form(0.2, mixtures[i], want);
        for (int k = 0; k < 4; k++) {
            if (getenv("ATTUNE_TOYS"))
                print_message("nash-md, mixture %g: %.4f, expected %.4f\n", mixtures[i], ends[k], want[k]);
            assert_close(ends[k], want[k], 0.02);
        }
        end(&s);
        json_decref(given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_forms_are_the_known_ones),  cmocka_unit_test(one_token_matches_by_others),
        cmocka_unit_test(one_token_matches_by_value),       cmocka_unit_test(one_token_is_exaggerated_by_kl),
        cmocka_unit_test(sequences_match_by_others),        cmocka_unit_test(sequences_match_by_value),
        cmocka_unit_test(a_game_ends_where_nobody_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
