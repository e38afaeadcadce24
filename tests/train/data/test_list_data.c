// Learning from lists: from rows with scores to datasets, training, evaluation; and pairs made of lists.
#include "config.h"

#include "fixture.h"

#include <math.h>

#include "base/json.h"
#include "base/rng.h"
#include "corpus/lists.h"

static struct world world;

// Lists of two to five answers that are good (score 3), mixed (2) or bad (1), with ties.
static void write_lists(const char *path, int n)
{
    static const char *const things[] = {"the apple", "the house", "the river", "the moon", "my friend"};
    static const char *const texts[3][3] = {{" is cold and dull.", " was sad and gray.", " is lost again."},
                                            {" is kind and lost.", " was a sad sight.", " is bright and dull."},
                                            {" is kind and warm.", " was a joy to see.", " is bright today."}};
    struct str rows = {0};
    struct rng r = rng_make(21, RNG_TEST, 2);
    for (int i = 0; i < n; i++) {
        str_addf(&rows, "{\"instruction\": \"Day %d: %s\", \"completions\": [", i + 1, things[rng_below(&r, 5)]);
        const int n_more = (int)rng_below(&r, 4);
        for (int k = 0; k < 2 + n_more; k++) {
            const int quality = k == 0 ? 0 : k == 1 ? 2 : (int)rng_below(&r, 3);
            str_addf(&rows, "%s{\"response\": \"%s\", \"overall_score\": %d}", k ? ", " : "",
                     texts[quality][(i + k) % 3], quality + 1);
        }
        str_add(&rows, "]}\n");
    }
    assert_ok(file_write(path, str_text(&rows), rows.len, e));
    str_fini(&rows);
}

// Rows from lines "prompt response=score response=score ...".
static void load(struct corpus **c, const char *lines)
{
    struct str rows = {0};
    char *copy = strdup(lines), *line_at = NULL, *word_at = NULL;
    for (char *line = strtok_r(copy, "\n", &line_at); line; line = strtok_r(NULL, "\n", &line_at)) {
        str_addf(&rows, "{\"instruction\": \"%s\", \"completions\": [", strtok_r(line, " ", &word_at));
        const char *comma = "";
        for (char *word = strtok_r(NULL, " ", &word_at); word; word = strtok_r(NULL, " ", &word_at)) {
            char *score = strchr(word, '=');
            *score++ = '\0';
            str_addf(&rows, "%s{\"response\": \"%s\", \"score\": %s}", comma, word, score);
            comma = ", ";
        }
        str_add(&rows, "]}\n");
    }
    assert_ok(corpus_parse(c, "lists.jsonl", str_text(&rows), rows.len, 0, e));
    str_fini(&rows);
    free(copy);
}

static void build_with(struct dataset *d, struct corpus **c, const char *rows, int max_length,
                       struct dataset_options o)
{
    struct tokenizer *t;
    struct text_rules rules;
    load(c, rows);
    assert_ok(tokenizer_load(&t, world.tokenizer_dir, e));
    test_rules(&rules, t, "auto", max_length, 16);
    o.rules = &rules;
    assert_ok(dataset_build(d, *c, NULL, 0, &o, e));
    text_rules_fini(&rules);
    tokenizer_free(t);
}

static void build(struct dataset *d, struct corpus **c, const char *rows, int max_length)
{
    build_with(d, c, rows, max_length, (struct dataset_options){0});
}

static void expect_labels(const struct dataset *d, int group, const double *labels, int n)
{
    assert_int_equal(d->groups[group].n_seqs, n);
    for (int i = 0; i < n; i++)
        assert_close(d->seqs[d->groups[group].first_seq + i].label, labels[i], 0);
}

static void lists_keep_their_responses_labels(void **state)
{
    struct dataset d;
    struct corpus *c;
    build(&d, &c,
          "a x=2 y=7.5\n"
          "b x=1 y=1 z=-3 w=0\n", 32);
    assert_int_equal(d.n_groups, 2);
    expect_labels(&d, 0, (double[]){2, 7.5}, 2);
    expect_labels(&d, 1, (double[]){1, 1, -3, 0}, 4);
    assert_int_equal(d.n_lost, 0);
    dataset_fini(&d);
    corpus_free(c);
}

// The same text twice, the same text with two scores; a list goes only when no order is left.
static void lists_lose_responses_and_keep_the_labels_of_the_others(void **state)
{
    struct dataset d;
    struct corpus *c;
    build(&d, &c,
          "a x=9 y=7 z=5 x=8\n"
          "b x=1 y=2 x=1 z=3\n"
          "c x=1 y=2 x=4 z=3\n"
          "d x=1 x=2\n"
          "e x=1 y=1 z=2 z=3\n", 32);
    assert_int_equal(d.n_groups, 3);
    expect_labels(&d, 0, (double[]){7, 5}, 2);
    expect_labels(&d, 1, (double[]){1, 2, 3}, 3);
    expect_labels(&d, 2, (double[]){2, 3}, 2);
    assert_int_equal(d.n_lost, 5);
    assert_int_equal(d.n_left_out, 2);
    assert_int_equal(d.n_seqs, 7);
    dataset_fini(&d);
    corpus_free(c);
}

// What is only scored stays, and everything says which response of its row it is.
static void lists_to_score_keep_what_is_alike_and_know_what_it_was(void **state)
{
    struct dataset d;
    struct corpus *c;
    build_with(&d, &c,
               "a x<|end|>=9 y=7 z=5\n" // which is text like any other
               "c x=1 y=2 x=4 z=3\n", 32, (struct dataset_options){.to_score = true});
    assert_int_equal(d.n_groups, 2);
    expect_labels(&d, 0, (double[]){9, 7, 5}, 3);
    expect_labels(&d, 1, (double[]){1, 2, 4, 3}, 4);
    for (int i = 0; i < 7; i++)
        assert_int_equal(d.seqs[i].response, i < 3 ? i : i - 3);
    dataset_fini(&d);
    corpus_free(c);
}

static json_t *ask_engine(const char *command, const char *model, const char *more)
{
    struct str line = {0}, said = {0};
    char *engine = test_build("attune-engine"), bytes[4096];
    json_t *answer;
    size_t n;
    str_addf(&line, "%s %s --model %s %s", engine, command, model, more);
    FILE *out = popen(str_text(&line), "r");
    while ((n = fread(bytes, 1, sizeof bytes, out)) > 0)
        str_addn(&said, bytes, n);
    assert_int_equal(pclose(out), 0);
    assert_ok(json_parse(str_text(&said), said.len, command, &answer, e));
    str_fini(&line);
    str_fini(&said);
    free(engine);
    return answer;
}

// Two reward models are judged by the labels of the responses that they scored, not by those of their neighbours.
static void agreement_is_by_the_labels_of_the_responses_that_were_scored(void **state)
{
    static const char row[] = "{\"instruction\": \"a\", \"completions\": ["
                              "{\"response\": \"x<|end|>\", \"score\": 9}, "
                              "{\"response\": \"the moon is kind\", \"score\": 7}, "
                              "{\"response\": \"y\", \"score\": 8}]}\n";
    struct bench b;
    struct step_result step;
    char *file = path_join(world.dir, "marked.jsonl"), *dir = path_join(world.dir, "judge");
    struct str more = {0};
    bench_make(&b, &world, &(struct bench_options){.objective = "rm", .settings = "lr=0.003", .steps = 2});
    for (int i = 0; i < 2; i++)
        assert_ok(trainer_step(b.trainer, &step, e));
    assert_ok(model_save(b.model, dir, SAVE_F32, e));
    bench_free(&b);
    assert_ok(file_write(file, row, sizeof row - 1, e));
    str_addf(&more, "--data %s --tokenizer %s", file, world.tokenizer_dir);
    json_t *scored = ask_engine("score", dir, str_text(&more)), *list = json_object_get(scored, "responses");
    static const double labels[] = {9, 7, 8};
    double scores[3], right = 0;
    assert_int_equal(json_array_size(list), 3);
    for (size_t i = 0; i < 3; i++)
        scores[i] = json_number_value(json_object_get(json_array_get(list, i), "score"));
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < i; j++)
            right += (scores[i] > scores[j]) == (labels[i] > labels[j]);
    str_addf(&more, " --other %s", dir);
    json_t *agreed = ask_engine("agree", dir, str_text(&more));
    assert_int_equal(json_integer_value(json_object_get(agreed, "responses")), 3);
    assert_int_equal(json_integer_value(json_object_get(agreed, "labelled_pairs")), 3);
    assert_close(json_number_value(json_array_get(json_object_get(agreed, "accuracy"), 0)), right / 3, 1e-12);
    json_decref(scored);
    json_decref(agreed);
    str_fini(&more);
    free(file);
    free(dir);
}

static void responses_that_differ_behind_the_cut_alone_go(void **state)
{
    struct dataset d;
    struct corpus *c;
    build(&d, &c, "a qqqqqqqqqqqqqqqqqqqqqqqqqx=1 b=7 qqqqqqqqqqqqqqqqqqqqqqqqqy=5 c=3\n", 12);
    assert_int_equal(d.n_groups, 1);
    expect_labels(&d, 0, (double[]){7, 3}, 2);
    assert_int_equal(d.n_lost, 2);
    dataset_fini(&d);
    corpus_free(c);
}

static const char ranked[] = "a x=2 y=7 z=7 w=1\n"
                             "b x=2 y=1\n"
                             "c x=2 x=1 y=1\n";

static void lists_are_counted(void **state)
{
    struct corpus *c;
    struct list_summary s;
    load(&c, ranked);
    lists_summarize(c, &s);
    assert_int_equal(s.n_responses, 9);
    assert_int_equal(s.shortest, 2);
    assert_int_equal(s.longest, 4);
    assert_int_equal(s.n_pairs, 8);
    assert_int_equal(s.n_ties, 2);
    assert_int_equal(s.n_with_ties, 2);
    corpus_free(c);
}

static void expect_pair(const struct example *x, const char *prompt, const char *chosen, const char *rejected)
{
    assert_string_equal(x->turns[0].text, prompt);
    assert_int_equal(x->n_responses, 2);
    assert_string_equal(x->responses[0].text, chosen);
    assert_string_equal(x->responses[1].text, rejected);
    assert_close(x->responses[0].score, 1, 0);
    assert_close(x->responses[1].score, 0, 0);
}

static void lists_become_pairs(void **state)
{
    struct corpus *c;
    load(&c, ranked);
    lists_to_pairs(c, (struct list_pairing){LIST_PAIRS_NO, 0});
    assert_int_equal(c->kind, DATA_LIST);
    lists_to_pairs(c, (struct list_pairing){LIST_PAIRS_BEST_WORST, 0});
    assert_int_equal(c->kind, DATA_PAIR);
    assert_int_equal(c->n_examples, 2); // the third list's best and worst are the same text
    expect_pair(&c->examples[0], "a", "y", "w");
    expect_pair(&c->examples[1], "b", "x", "y");
    lists_to_pairs(c, (struct list_pairing){LIST_PAIRS_ALL, 0}); // pairs stay as they are
    assert_int_equal(c->n_examples, 2);
    corpus_free(c);

    load(&c, ranked);
    lists_to_pairs(c, (struct list_pairing){LIST_PAIRS_ALL, 0});
    assert_int_equal(c->n_examples, 7);
    static const char *const pairs[7][3] = {{"a", "x", "w"}, {"a", "y", "x"}, {"a", "y", "w"}, {"a", "z", "x"},
                                            {"a", "z", "w"}, {"b", "x", "y"}, {"c", "x", "y"}};
    for (int i = 0; i < 7; i++)
        expect_pair(&c->examples[i], pairs[i][0], pairs[i][1], pairs[i][2]);
    corpus_free(c);
}

// Eight answers whose words were counted by hand: "b" and "c" are said thrice, "d" and "a" twice, the others once.
static void lists_become_diverse_pairs(void **state)
{
    static const char rows[] = "{\"prompt\": \"q\", \"completions\": ["
                               "{\"response\": \"b c\", \"score\": 9}, {\"response\": \"b z\", \"score\": 8}, " // 1/3; 2/3
                               "{\"response\": \"a d\", \"score\": 7}, {\"response\": \"c y\", \"score\": 6}, " // 1/2; 2/3
                               "{\"response\": \"a d\", \"score\": 5}, {\"response\": \"x w\", \"score\": 4}, " // 1/2; 1
                               "{\"response\": \"v\", \"score\": 3}, {\"response\": \"B, C.\", \"score\": 2}]}\n" // 1; 1/3
                               "{\"prompt\": \"equal\", \"completions\": [{\"response\": \"a\", \"score\": 1}, "
                               "{\"response\": \"b\", \"score\": 1}]}\n";
    static const struct {
        double share;
        const char *chosen, *rejected;
    } wanted[] = {{0.01, "b c", "B, C."}, {0.25, "b z", "B, C."}, {0.5, "b z", "B, C."}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct corpus *c;
        assert_ok(corpus_parse(&c, "lists.jsonl", rows, strlen(rows), 0, e));
        lists_to_pairs(c, (struct list_pairing){LIST_PAIRS_DIVPO, wanted[i].share});
        assert_int_equal(c->kind, DATA_PAIR);
        assert_int_equal(c->n_examples, 1); // nothing is better in the second list
        expect_pair(&c->examples[0], "q", wanted[i].chosen, wanted[i].rejected);
        assert_non_null(strstr(c->shape, "as pairs (divpo)"));
        corpus_free(c);
    }
}

static bool reads_lists(const struct objective *o)
{
    return (o->data & DATA_LIST) && !(o->data & DATA_BINARY);
}

static void objectives_of_lists_learn_the_held_out_order(void **state)
{
    for (const struct objective *const *o = objectives; *o; o++) {
        struct bench b;
        struct metric_list before, after;
        struct step_result r;
        if (!reads_lists(*o))
            continue;
        bench_make(&b, &world, &(struct bench_options){.objective = (*o)->name, .settings = "lr=0.004", .steps = 50});
        bench_evaluate(&b, &before);
        for (int i = 0; i < 50; i++)
            assert_ok(trainer_step(b.trainer, &r, e));
        bench_evaluate(&b, &after);
        const double accuracy = metric_value(&after, "eval/rewards/accuracies");
        const double ndcg = metric_value(&after, "eval/rewards/ndcg");
        if (!(accuracy > 0.85) || !(ndcg > metric_value(&before, "eval/rewards/ndcg")) ||
            !(metric_value(&after, "eval/rewards/margins") > metric_value(&before, "eval/rewards/margins")))
            fail_msg("%s: held-out accuracy %g, ndcg %g after %g", (*o)->name, accuracy, ndcg,
                     metric_value(&before, "eval/rewards/ndcg"));
        if ((*o)->needs.networks & NETWORK_REFERENCE) // nothing is learnt yet: every reward is a tie
            assert_close(metric_value(&before, "eval/rewards/accuracies"), 0.5, 0.2);
        bench_free(&b);
    }
}

static void lists_of_any_length_share_a_step_however_it_is_cut(void **state)
{
    for (const struct objective *const *o = objectives; *o; o++) {
        struct bench whole, pieces;
        struct step_result a, b;
        struct bench_options options = {.objective = (*o)->name, .steps = 3, .settings = "batch-size=9 lr=0.001"};
        if (!reads_lists(*o))
            continue;
        bench_make(&whole, &world, &options);
        options.settings = "batch-size=9 lr=0.001 max-batch-tokens=60";
        bench_make(&pieces, &world, &options);
        for (int step = 0; step < 3; step++) {
            assert_ok(trainer_step(whole.trainer, &a, e));
            assert_ok(trainer_step(pieces.trainer, &b, e));
            assert_int_equal(a.n_tokens, b.n_tokens);
            assert_close(b.loss, a.loss, 2e-4 * fabs(a.loss) + 1e-9);
            assert_close(b.grad_norm, a.grad_norm, 2e-3 * a.grad_norm);
            assert_close(metric_value(&b.metrics, "rewards/chosen"), metric_value(&a.metrics, "rewards/chosen"), 1e-3);
        }
        bench_free(&whole);
        bench_free(&pieces);
    }
}

static int make_world(void **state)
{
    world_make(&world, "llama");
    write_lists(world.pairs_path, 80);
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_keep_their_responses_labels),
        cmocka_unit_test(lists_lose_responses_and_keep_the_labels_of_the_others),
        cmocka_unit_test(lists_to_score_keep_what_is_alike_and_know_what_it_was),
        cmocka_unit_test(agreement_is_by_the_labels_of_the_responses_that_were_scored),
        cmocka_unit_test(responses_that_differ_behind_the_cut_alone_go),
        cmocka_unit_test(lists_are_counted),
        cmocka_unit_test(lists_become_pairs),
        cmocka_unit_test(lists_become_diverse_pairs),
        cmocka_unit_test(objectives_of_lists_learn_the_held_out_order),
        cmocka_unit_test(lists_of_any_length_share_a_step_however_it_is_cut),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
