// What answers earn: rules worked out by hand, the notation of the list, what becomes of a total, reward models against the
// scores that the model itself gives, and programs that answer well, badly, late or not at all.
#include "config.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

#include "base/json.h"
#include "base/mem.h"
#include "train/learn/scoring.h"
#include "train/online/reward_kinds.h"

static struct world world;
static struct tokenizer *tokenizer;

static int set_up(void **state)
{
    world_make(&world, "llama");
    return tokenizer_load(&tokenizer, world.tokenizer_dir, NULL);
}

static int tear_down(void **state)
{
    tokenizer_free(tokenizer);
    world_remove(&world);
    return 0;
}

// ---- a batch of given texts, all to one prompt ----

static struct rollout_batch batch_of(const char *const *texts, int n)
{
    struct rollout_batch b = {.ended = mem_alloc((size_t)n, sizeof *b.ended),
                              .scores = mem_alloc((size_t)n, sizeof *b.scores)};
    struct dataset *d = &b.data;
    d->groups = mem_alloc(1, sizeof *d->groups);
    d->seqs = mem_alloc((size_t)n, sizeof *d->seqs);
    d->groups[0] = (struct ds_group){.prompt = dataset_add_tokens(d, &(int32_t){5}, 1), .n_prompt = 1, .n_seqs = n};
    d->n_groups = 1;
    for (int i = 0; i < n; i++) {
        int32_t *ids;
        size_t n_ids;
        assert_ok(tokenizer_encode(tokenizer, texts[i], strlen(texts[i]), false, false, &ids, &n_ids, e));
        d->seqs[d->n_seqs++] = (struct ds_seq){.first = dataset_add_tokens(d, ids, n_ids), .n = (int)n_ids};
        b.ended[i] = true;
        free(ids);
    }
    return b;
}

static void settings_for(struct settings *s, const char *list)
{
    static const struct param *const tables[] = {reward_params, rollout_params, NULL};
    char *copy = strdup(list), *save = NULL;
    settings_init(s, tables);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        assert_ok(settings_set(s, word, value, e));
    }
    free(copy);
}

static char said[400]; // what a person was told last

static void hear(void *with, const char *text)
{
    text_copy(said, sizeof said, text);
}

// The totals of texts under settings; a negative code where that cannot be, with *fault.
static int totals(const char *list, const char *const *texts, int n, double *out, struct metric_list *facts,
                  struct err *fault)
{
    struct settings s;
    struct rewards *r;
    struct metric_list none = {0};
    struct rollout_batch b = batch_of(texts, n);
    settings_for(&s, list);
    const struct rewards_options o = {
        .settings = &s, .max_batch_tokens = 256, .vocab_size = 1, .tokenizer = tokenizer, .say = hear};
    int code = rewards_open(&r, &o, fault);
    if (!code) {
        code = rewards_score(r, &b, false, facts ? facts : &none, fault);
        for (int i = 0; i < n && !code; i++)
            out[i] = b.scores[i];
        rewards_free(r);
    }
    rollout_batch_fini(&b);
    settings_fini(&s);
    return code;
}

static void expect(const char *list, const char *const *texts, int n, const double *want)
{
    double have[8];
    assert_ok(totals(list, texts, n, have, NULL, e));
    for (int i = 0; i < n; i++)
        if (!(fabs(have[i] - want[i]) <= 1e-12))
            fail_msg("%s: \"%s\" earns %g, not %g", list, texts[i], have[i], want[i]);
}

static void rules_score_as_they_say(void **state)
{
    const char *const texts[] = {"It is good.", "{\"a\": [1, 2]}", "a b c d a b c d a b c d", ""};
    expect("rewards=regex:[.]$", texts, 3, (const double[]){1, 0, 0});
    expect("rewards=json", texts, 3, (const double[]){0, 1, 0});
    // Nine runs of four words, four different ones.
    expect("rewards=repetition", texts, 3, (const double[]){0, 0, 4.0 / 9 - 1});
    const char *const endings[] = {" they sang a song.", " they went home to bed.", " nothing."};
    expect("rewards=style:song", endings, 3, (const double[]){1, 0, 0});
    expect("rewards=style:truth", endings, 3, (const double[]){log(0.5), log(1.5), log(0.5) - 4});
}

static void lengths_fall_off_the_band(void **state)
{
    const char *const texts[] = {"a", "a a a a", "a a a a a a a a a a a a"};
    struct rollout_batch b = batch_of(texts, 3);
    char list[60];
    const int n = b.data.seqs[1].n, longer = b.data.seqs[2].n, shorter = b.data.seqs[0].n;
    // A band of 4 tokens from the second text's length on falls over 2.
    snprintf(list, sizeof list, "rewards=length:%d..%d", n, n + 4);
    const double off = longer - (n + 4), under = n - shorter;
    expect(list, texts, 3, (const double[]){fmax(0, 1 - under / 2), 1, off > 0 ? fmax(0, 1 - off / 2) : 1});
    rollout_batch_fini(&b);
}

static void lists_have_names_weights_and_escapes(void **state)
{
    const char *const texts[] = {"a,b", "ab"};
    struct metric_list facts = {0};
    double have[2];
    expect("rewards=regex:a\\,b@2,x=regex:b@-0.5", texts, 2, (const double[]){1.5, -0.5});
    assert_ok(totals("rewards=regex:b@2,only=regex:a\\,b@0", texts, 2, have, &facts, e));
    assert_close(have[0], 2, 0); // what is watched earns nothing
    assert_close(metric_value(&facts, "rewards/only/mean"), 0.5, 1e-15);
    assert_close(metric_value(&facts, "rewards/regex/mean"), 1, 1e-15);
}

static void bad_lists_are_refused(void **state)
{
    static const char *const rows[][2] = {{"rewards=lenght:1..2", "length"},   {"rewards=length:5", "band"},
                                          {"rewards=regex:(", "regex"}, {"rewards=json@x", "no number"},
        {"rewards=json:1", "nothing"}, {"rewards=a=json,a=json", "two are named"}, {"rewards=style:sad", "style:song"},
        {"rewards=json@0", "no reward"}, {"top-k=0", "no reward"},
                                          {"rewards=model:/nowhere", "/nowhere"}};
    const char *const texts[] = {"a"};
    double have[1];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err fault = {0};
        assert_int_not_equal(totals(rows[i][0], texts, 1, have, NULL, &fault), 0);
        if (!strstr(fault.text, rows[i][1]))
            fail_msg("%s: \"%s\" does not say \"%s\"", rows[i][0], fault.text, rows[i][1]);
        // Before there is a run all of it is known but what must be loaded.
        struct settings s;
        struct err early = {0};
        settings_for(&s, rows[i][0]);
        assert_int_equal(rewards_check(&s, &early), strstr(rows[i][0], "model:") ? 0 : fault.code);
        assert_string_equal(early.text, strstr(rows[i][0], "model:") ? "" : fault.text);
        settings_fini(&s);
    }
}

static void totals_are_clipped_scaled_and_punished_in_this_order(void **state)
{
    const char *const texts[] = {"x.", "x", "x."};
    struct rollout_batch b = batch_of(texts, 3);
    struct rewards *r;
    struct settings s;
    struct metric_list none = {0}, told = {0};
    settings_for(&s, "rewards=regex:[.]@10 reward-clip=4 reward-norm=batch missing-end-penalty=0.5 max-new-tokens=10 "
                     "overlong-buffer=8 overlong-factor=2");
    const struct rewards_options o = {.settings = &s, .tokenizer = tokenizer};
    assert_ok(rewards_open(&r, &o, e));
    b.ended[2] = false;
    assert_ok(rewards_score(r, &b, false, &told, e));
    // 4, 0, 4: mean 8/3, spread 4 / sqrt(3); a text of n tokens is over 10 - 8 = 2 by n - 2.
    for (int i = 0; i < 3; i++) {
        const double n = b.data.seqs[i].n, total = ((i == 1 ? 0 : 4) - 8.0 / 3) / (4 / sqrt(3));
        assert_close(b.scores[i], total - 2 * fmax(0, n - 2) / 8 - (i == 2 ? 0.5 : 0), 1e-7);
    }
    assert_close(metric_value(&told, "reward"), 8.0 / 3, 1e-12); // as it was before: else the curve were one of zeros
    assert_close(metric_value(&told, "reward_std"), 4 / sqrt(3), 1e-12);
    assert_ok(rewards_score(r, &b, true, &none, e));
    for (int i = 0; i < 3; i++)
        assert_close(b.scores[i], i == 1 ? 0 : 4, 0);
    rewards_free(r);
    settings_fini(&s);
    rollout_batch_fini(&b);
    expect("rewards=regex:[.]@10 reward-clip=4", texts, 3, (const double[]){4, 0, 4}); // which no scale hides
}

// f32 has no room for what would be made of them, and rejection sampling never ends among infinite ones.
static void rewards_beyond_all_measure_are_refused(void **state)
{
    static const char *const lists[] = {"rewards=regex:x@1e308,a=regex:x@1e308", "rewards=regex:x@-1e10",
                                        "rewards=length:0..1,watched=regex:x@2e9"};
    const char *const texts[] = {"x"};
    double have[1];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct err fault = {0};
        struct metric_list facts = {0};
        assert_int_equal(totals(lists[i], texts, 1, have, &facts, &fault), ERR_NUMERIC);
        assert_non_null(strstr(fault.text, "are to lie between -1e+09 and 1e+09"));
    }
    expect("rewards=regex:x@1e9", texts, 1, (const double[]){1e9});
}

static int take(void *arg, const struct scored *s, struct err *e)
{
    double **out = arg;
    for (int i = 0; i < s->group->n_seqs; i++)
        *(*out)++ = s->seqs[i].score;
    return 0;
}

static int look(void *with, const struct reward_kind *kind, const char *folder, struct err *e)
{
    struct rewards_options o = *(const struct rewards_options *)with;
    o.ops = NULL; // no weight is loaded
    o.backend = NULL;
    return kind->look(folder, &o, e);
}

static void replace_in(const char *dir, const char *name, const char *key, json_t *value)
{
    json_t *o;
    char *path = path_join(dir, name);
    assert_ok(json_read(path, 1 << 20, &o, e));
    json_object_set_new(o, key, value);
    assert_ok(json_write(path, o, e));
    json_decref(o);
    free(path);
}

static void a_reward_model_scores_as_it_does_alone(void **state)
{
    const char *const texts[] = {" is kind and warm.", " was sad and gray.", " is bright today."};
    struct bench b;
    struct settings s;
    struct rewards *r;
    struct str list = {0};
    struct metric_list none = {0};
    double alone[3], *at = alone;
    bench_make(&b, &world, &(struct bench_options){.objective = "rm", .steps = 3, .settings = "lr=0.01"});
    struct step_result step;
    for (int i = 0; i < 3; i++)
        assert_ok(trainer_step(b.trainer, &step, e));
    char *dir = path_join(world.dir, "scorer");
    assert_ok(model_save(b.model, dir, SAVE_F32, e));
    struct rollout_batch answers = batch_of(texts, 3);
    assert_ok(scoring_run(b.model, &answers.data, (struct needs){.networks = NETWORK_SCORE}, 256, take, &at, e));
    str_addf(&list, "reward-model=%s watch-model=%s", dir, dir);
    settings_for(&s, str_text(&list));
    const struct rewards_options o = {.settings = &s, .ops = b.ops, .backend = b.backend, .max_batch_tokens = 256,
                                      .tokenizer = tokenizer,
                                      .vocab_size = b.model->arch.vocab_size,
                                      .max_length = b.model->arch.max_positions};
    struct rewards_options longer = o;
    longer.max_length++; // not after hours, when the first long answer comes
    assert_int_equal(rewards_open(&r, &longer, NULL), ERR_UNSUPPORTED);
    assert_int_equal(rewards_models(&s, look, &longer, NULL), ERR_UNSUPPORTED);
    assert_ok(rewards_models(&s, look, (void *)&o, e));
    assert_ok(rewards_open(&r, &o, e));
    assert_ok(rewards_score(r, &answers, false, &none, e));
    for (int i = 0; i < 3; i++)
        assert_close(answers.scores[i], alone[i], 1e-6 * (1 + fabs(alone[i])));
    assert_true(fabs(alone[0] - alone[1]) > 1e-3);
    assert_close(metric_value(&none, "rewards/watched/mean"), (alone[0] + alone[1] + alone[2]) / 3, 1e-5);
    rewards_free(r);
    struct err fault = {0};
    replace_in(dir, "config.json", "intermediate_size", json_integer(b.model->arch.d_ff + 8));
    assert_int_equal(rewards_models(&s, look, (void *)&o, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "has the shape"));
    settings_fini(&s);
    str_fini(&list);
    rollout_batch_fini(&answers);
    bench_free(&b);
    free(dir);
}

static int take_odds(void *arg, const struct scored *s, struct err *e)
{
    *(double *)arg += 0.5 / (1 + exp(s->seqs[1].logp - s->seqs[0].logp));
    return 0;
}

// What the model says of two texts to an empty prompt, asked in both orders, by the way of the score command.
static double first_wins(const struct bench *b, const struct text_rules *rules, const char *first, const char *second)
{
    const struct turn turn = {.role = "user", .text = ""};
    const struct response two[] = {{.text = first, .score = 1}, {.text = second}};
    struct example x = {.line = 1, .turns = &turn, .n_turns = 1, .responses = two, .n_responses = 2};
    const struct corpus c = {.kind = DATA_PAIR, .path = "two texts", .examples = &x, .n_examples = 1};
    const struct dataset_options how = {.rules = rules, .to_score = true, .compare = true, .both_orders = true};
    struct dataset d;
    double won = 0;
    assert_ok(dataset_build(&d, &c, NULL, 0, &how, e));
    assert_ok(scoring_run(b->model, &d, (struct needs){0}, 256, take_odds, &won, e));
    dataset_fini(&d);
    return won;
}

// Each answer's mean log-odds against all of the prompt's, equal ones and itself with 0.
static void a_preference_model_compares_answers_with_each_other(void **state)
{
    const char *const texts[] = {" is kind and warm.", " was sad and gray.", " is kind and warm.", " is bright today."};
    struct bench b;
    struct settings s;
    struct rewards *r;
    struct step_result step;
    struct text_rules rules;
    struct str list = {0};
    struct metric_list none = {0};
    double odds[4][4] = {{0}};
    bench_make(&b, &world, &(struct bench_options){.objective = "preference-model", .steps = 12, .settings = "lr=0.02"});
    for (int i = 0; i < 12; i++)
        assert_ok(trainer_step(b.trainer, &step, e));
    char *dir = path_join(world.dir, "judge");
    assert_ok(model_save(b.model, dir, SAVE_F32, e));
    const struct text_rules_options plain = {.chat_template = "auto", .system = "", .special_tokens = true,
                                             .fallback = "plain", .max_length = b.model->arch.max_positions,
        .max_prompt_length = b.model->arch.max_positions};
    assert_ok(text_rules_open(&rules, tokenizer, &plain, e));
    struct rollout_batch answers = batch_of(texts, 4);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            const double won = i == k || (i + k == 2 && i != 1) ? 0.5 : first_wins(&b, &rules, texts[i], texts[k]);
            odds[i][k] = log(won / (1 - won));
        }
    str_addf(&list, "rewards=preference:%s", dir);
    settings_for(&s, str_text(&list));
    const struct rewards_options o = {.settings = &s, .ops = b.ops, .backend = b.backend, .max_batch_tokens = 256,
                                      .tokenizer = tokenizer,
                                      .vocab_size = b.model->arch.vocab_size};
    assert_ok(rewards_open(&r, &o, e));
    assert_ok(rewards_score(r, &answers, false, &none, e));
    for (int i = 0; i < 4; i++)
        assert_close(answers.scores[i], (odds[i][0] + odds[i][1] + odds[i][2] + odds[i][3]) / 4, 1e-5);
    assert_close(answers.scores[0], answers.scores[2], 1e-6);
    assert_true(fabs(answers.scores[0] - answers.scores[1]) > 1e-3);
    struct notes doubts = {0};
    rewards_say_doubts(&s, &doubts);
    assert_int_equal(doubts.n, 1);
    assert_true(isnan(metric_value(&none, "reward"))); // 0 by construction: no curve
    assert_true(metric_value(&none, "reward_std") > 0);
    notes_fini(&doubts);
    rewards_free(r);
    assert_ok(text_rules_write(&rules, dir, e));
    assert_ok(rewards_models(&s, look, (void *)&o, e));
    rules.max_length++; // the first long comparison would be too long for the model, after hours
    assert_ok(text_rules_write(&rules, dir, e));
    assert_int_equal(rewards_models(&s, look, (void *)&o, NULL), ERR_UNSUPPORTED);
    assert_int_equal(rewards_open(&r, &o, NULL), ERR_UNSUPPORTED);
    settings_fini(&s);
    str_fini(&list);
    text_rules_fini(&rules);
    rollout_batch_fini(&answers);
    bench_free(&b);
    free(dir);
}

static void the_reward_model_of_a_run_may_stand_in_its_list(void **state)
{
    static const struct {
        const char *setting, *list;
        bool watched;
        const char *want;
    } rows[] = {
        {"", "", false, NULL},
        {"rm", "model:other", false, "rm"},
        {"", "length:1..9,a=model:w@0,model:x\\,y@2,model:z", false, "x,y"},
        {"", "length:1..9,model:x,a=model:w@0", true, "w"},
        {"", "preference:p,command:model", false, NULL},
        {"", "model", false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *found = rewards_model_of(rows[i].setting, rows[i].list, rows[i].watched);
        if (!found != !rows[i].want || (found && strcmp(found, rows[i].want) != 0))
            fail_msg("%s %s: %s", rows[i].setting, rows[i].list, found ? found : "none");
        free(found);
    }
}

// ---- programs ----

static void write_program(const char *name, const char *body)
{
    char *path = path_join(world.dir, name);
    assert_ok(file_write(path, body, strlen(body), e));
    free(path);
}

static int ask(const char *name, const char *more, double *have, struct err *fault)
{
    static const char *const texts[] = {"one", "two words", "x \"y\" \\ z"};
    struct str list = {0};
    char *path = path_join(world.dir, name);
    str_addf(&list, "rewards=command:sh\t%s %s", path, more);
    said[0] = '\0';
    int code = totals(str_text(&list), texts, 3, have, NULL, fault);
    str_fini(&list);
    free(path);
    return code;
}

// Scores id + 0.5, the last of three first.
#define ANSWER_ALL                                                                                                     \
    "n=0; while read -r line; do n=$((n + 1)); if [ $n = 3 ]; then for i in 2 1 0; do echo \"{\\\"id\\\": $i, "        \
    "\\\"score\\\": $i.5}\"; done; n=0; fi; done\n"

static void a_program_scores_in_any_order(void **state)
{
    double have[3];
    write_program("good.sh", "echo noise >&2\n" ANSWER_ALL);
    assert_ok(ask("good.sh", "", have, e));
    for (int i = 0; i < 3; i++)
        assert_close(have[i], i + 0.5, 0);
    assert_string_equal(said, "");
}

// Known before there is a run; what the shell alone can know is left to it.
static void a_program_that_cannot_be_started_is_refused_early(void **state)
{
    static const char *const rows[][2] = {
        {"%s/absent.sh --x", "there is no program"},  {"cd '%s' && ./absent.sh", "there is no program"},
        {"cd '%s' && ./plain.sh|cat", "chmod +x"},    {"%s", "is not a program"},
        {"cd '%s' && ./runs.sh", NULL},               {"%s/runs.sh >&2", NULL},
        {"X=%s/absent.sh sh", NULL},                  {"sh %s/absent.sh", NULL},
        {"cd '%s' || ./absent.sh", NULL},             {"\"%s/absent.sh\"", NULL},
    };
    write_program("plain.sh", "x");
    write_program("runs.sh", "x");
    char *runs = path_join(world.dir, "runs.sh");
    assert_int_equal(chmod(runs, 0755), 0);
    free(runs);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err fault = {0};
        struct settings s;
        const char *at = strstr(rows[i][0], "%s");
        struct str command = {0};
        str_addf(&command, "%.*s%s%s", (int)(at - rows[i][0]), rows[i][0], world.dir, at + 2);
        settings_for(&s, "top-k=0");
        assert_ok(settings_set(&s, "reward-command", str_text(&command), e));
        const int code = rewards_check(&s, &fault);
        if (!rows[i][1] ? code != 0 : !code || !strstr(fault.text, rows[i][1]))
            fail_msg("%s: %d \"%s\"", str_text(&command), code, fault.text);
        settings_fini(&s);
        str_fini(&command);
    }
}

static void a_program_that_dies_is_started_again(void **state)
{
    double have[3];
    struct str body = {0};
    str_addf(&body, "if [ ! -e %s/died ]; then touch %s/died; read -r line; exit 3; fi\n" ANSWER_ALL, world.dir, world.dir);
    write_program("dies.sh", str_text(&body));
    assert_ok(ask("dies.sh", "", have, e));
    assert_close(have[2], 2.5, 0);
    assert_non_null(strstr(said, "has ended"));
    assert_non_null(strstr(said, "started again"));
    str_fini(&body);
}

// Numbers of answers begin with 0 in every batch: what is said too often would be the scores of the next one.
static void a_program_that_says_more_than_it_is_asked_is_an_error(void **state)
{
    static const char *const texts[] = {"one", "two", "three"};
    struct rollout_batch b = batch_of(texts, 3);
    struct settings s;
    struct rewards *r;
    struct metric_list none = {0};
    struct err fault = {0};
    struct str list = {0};
    char *path = path_join(world.dir, "twice.sh"), *done = path_join(world.dir, "said-twice");
    struct str body = {0};
    str_addf(&body, "while read -r a && read -r b && read -r c; do for n in 1 2; do for i in 0 1 2; do\n"
             "echo \"{\\\"id\\\": $i, \\\"score\\\": $n}\"; [ $n$i = 12 ] && sleep 0.2; done; done; : >%s; done\n", done);
    write_program("twice.sh", str_text(&body));
    str_addf(&list, "rewards=command:sh\t%s", path);
    settings_for(&s, str_text(&list));
    const struct rewards_options o = {.settings = &s, .tokenizer = tokenizer};
    assert_ok(rewards_open(&r, &o, e));
    assert_ok(rewards_score(r, &b, false, &none, e));
    assert_close(b.scores[2], 1, 0);
    for (int i = 0; i < 1000 && access(done, F_OK) != 0; i++)
        poll(NULL, 0, 20);
    assert_int_equal(rewards_score(r, &b, false, &none, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "more than it is asked"));
    rewards_free(r);
    settings_fini(&s);
    rollout_batch_fini(&b);
    str_fini(&list);
    str_fini(&body);
    free(path);
    free(done);
}

static void programs_that_cannot_be_meant_are_errors(void **state)
{
    static const char *const rows[][2] = {
        {"while read -r l; do echo hello; done\n", "said \"hello\" as its line 1, which is no JSON"},
        {"echo; while read -r l; do echo '[0, 1]'; done\n", "as its line 2, which has no whole number \"id\""},
        {"while read -r l; do echo '{\"id\": 0, \"score\": \"much\"}'; done\n", "\"score\": a line is to be such as"},
        {"while read -r l; do echo '{\"id\": 0, \"score\": NaN}'; done\n", "has no finite number"},
        {"while read -r l; do echo '{\"id\": 9, \"score\": 1}'; done\n", "none of this batch"},
        {"while read -r l; do echo '{\"id\": 1, \"score\": 1}'; done\n", "scored already"},
        {"exit 1\n", "also when it was started again"},
        {"sleep 60\n", "takes too long"},
        {"while read -r l; do echo '{\"id\": 0, \"score\": 1}'; done | sleep 60\n", "flush=True"},
        {"head -c 3000000 /dev/zero | tr '\\0' x; sleep 60\n", "more than a megabyte"},
    };
    double have[3];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err fault = {0};
        write_program("bad.sh", rows[i][0]);
        const char *patience = strstr("takes too long flush=True", rows[i][1]) ? "reward-timeout=0.3" : "reward-timeout=30";
        assert_int_not_equal(ask("bad.sh", patience, have, &fault), 0);
        if (!strstr(fault.text, rows[i][1]) || !strstr(fault.text, "bad.sh"))
            fail_msg("%s: \"%s\" does not say \"%s\" of bad.sh", rows[i][0], fault.text, rows[i][1]);
    }
}

// The folder that is put before a program may be longer than what is shown of a command.
static void a_program_of_a_long_folder_is_named(void **state)
{
    static const char *const texts[] = {"one"};
    struct rollout_batch b = batch_of(texts, 1);
    struct settings s;
    struct rewards *r;
    struct metric_list none = {0};
    struct err fault = {0};
    struct str command = {0};
    str_addf(&command, "cd '%0200d/../..' && sh far.sh", 0);
    settings_for(&s, "rewards=length:1..2@0");
    assert_ok(settings_set(&s, "reward-command", str_text(&command), e));
    const struct rewards_options o = {.settings = &s, .tokenizer = tokenizer};
    assert_ok(rewards_open(&r, &o, e));
    assert_int_equal(rewards_score(r, &b, false, &none, &fault), ERR_IO);
    assert_non_null(strstr(fault.text, "\"sh far.sh\" has ended"));
    rewards_free(r);
    settings_fini(&s);
    rollout_batch_fini(&b);
    str_fini(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_score_as_they_say),           cmocka_unit_test(lengths_fall_off_the_band),
        cmocka_unit_test(lists_have_names_weights_and_escapes), cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(totals_are_clipped_scaled_and_punished_in_this_order),
        cmocka_unit_test(rewards_beyond_all_measure_are_refused),
        cmocka_unit_test(a_reward_model_scores_as_it_does_alone),
        cmocka_unit_test(a_preference_model_compares_answers_with_each_other),
        cmocka_unit_test(the_reward_model_of_a_run_may_stand_in_its_list),
        cmocka_unit_test(a_program_scores_in_any_order),
        cmocka_unit_test(a_program_that_says_more_than_it_is_asked_is_an_error),
        cmocka_unit_test(a_program_that_dies_is_started_again), cmocka_unit_test(programs_that_cannot_be_meant_are_errors),
        cmocka_unit_test(a_program_of_a_long_folder_is_named),
        cmocka_unit_test(a_program_that_cannot_be_started_is_refused_early),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
