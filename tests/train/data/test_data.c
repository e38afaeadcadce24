// Examples to tokens, tokens to packed batches, the order of training, and the learning rate over a run.
#include "config.h"

#include "fixture.h"
#include "train/data/order.h"

#include <math.h>

#include "base/rng.h"

static struct world world;
static struct tokenizer *tokenizer;

static struct text_rules rules;

static struct dataset_options under(const char *chat_template, int max_length, int max_prompt_length)
{
    text_rules_fini(&rules);
    test_rules(&rules, tokenizer, chat_template, max_length, max_prompt_length);
    return (struct dataset_options){.rules = &rules};
}

static struct dataset_options options(int max_length, int max_prompt_length)
{
    return under("auto", max_length, max_prompt_length);
}

static char *decode(const struct dataset *d, size_t first, int n)
{
    char *text;
    size_t n_bytes;
    assert_ok(tokenizer_decode(tokenizer, d->tokens + first, (size_t)n, true, &text, &n_bytes, e));
    return text;
}

// Builds from rows that are written for it.
static void build(struct dataset *d, struct corpus **c, const char *rows, const struct dataset_options *o)
{
    char *path = path_join(world.dir, "rows.jsonl");
    assert_ok(file_write(path, rows, strlen(rows), e));
    assert_ok(corpus_load(c, path, 0, e));
    assert_ok(dataset_build(d, *c, NULL, 0, o, e));
    free(path);
}

static void responses_end_with_the_end_token(void **state)
{
    struct dataset d;
    struct corpus *c;
    const struct dataset_options o = options(64, 32);
    build(&d, &c,
          "{\"prompt\": \"Day 1: the river\", \"chosen\": \" is kind and warm.\", \"rejected\": \" is lost again.\"}\n",
          &o);
    assert_int_equal(d.n_groups, 1);
    assert_int_equal(d.n_seqs, 2);
    char *prompt = decode(&d, d.groups[0].prompt, d.groups[0].n_prompt), *chosen = decode(&d, d.seqs[0].first, d.seqs[0].n),
         *rejected = decode(&d, d.seqs[1].first, d.seqs[1].n);
    assert_string_equal(prompt, "Day 1: the river");
    assert_string_equal(chosen, " is kind and warm.");
    assert_string_equal(rejected, " is lost again.");
    assert_close(d.seqs[0].label, 1, 0);
    assert_close(d.seqs[1].label, 0, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(d.tokens[d.seqs[i].first + (size_t)d.seqs[i].n - 1], tokenizer_eos(tokenizer));
    free(prompt);
    free(chosen);
    free(rejected);
    dataset_fini(&d);
    corpus_free(c);
}

static void long_examples_are_cut_the_same_way_and_counted(void **state)
{
    struct dataset d;
    struct corpus *c;
    const struct dataset_options o = options(16, 8);
    // The second pair differs only behind the cut: nothing is left to learn from it.
    build(&d, &c,
          "{\"prompt\": \"Day 1: the river the river the river the river the river the moon\", \"chosen\": \" is kind and "
          "warm is kind and warm is kind and warm is kind and warm.\", \"rejected\": \" is lost again.\"}\n"
          "{\"prompt\": \"Day 2: the moon\", \"chosen\": \" was a joy to see was a joy to see was a joy to see was a joy to "
          "see was a joy to see now\", \"rejected\": \" was a joy to see was a joy to see was a joy to see was a joy to see "
          "was a joy to see then\"}\n",
          &o);
    assert_int_equal(d.n_groups, 1);
    assert_int_equal(d.n_cut, 1);
    assert_int_equal(d.n_left_out, 1);
    assert_int_equal(d.groups[0].n_prompt, 8);
    assert_int_equal(d.seqs[0].n, 8);
    char *prompt = decode(&d, d.groups[0].prompt, 8); // loses its beginning
    assert_true(text_ends(prompt, "the moon"));
    free(prompt);
    dataset_fini(&d);
    corpus_free(c);
}

// At the longest length itself nothing is lost, and one below it one token.
static void the_longest_length_is_the_last_that_fits(void **state)
{
    static const char row[] = "{\"prompt\": \"Day 1: the river\", \"chosen\": \" is kind and warm is kind and warm.\", "
                              "\"rejected\": \" is lost again.\"}\n";
    struct dataset d;
    struct corpus *c;
    struct dataset_options o = options(128, 64);
    build(&d, &c, row, &o);
    const int prompt = d.groups[0].n_prompt, whole = prompt + d.seqs[0].n;
    assert_int_equal(d.n_cut, 0);
    dataset_fini(&d);
    corpus_free(c);
    for (int less = 0; less < 3; less++) {
        o = options(whole - less, prompt);
        build(&d, &c, row, &o);
        assert_int_equal(d.groups[0].n_prompt, prompt);
        assert_int_equal(d.seqs[0].n, whole - less - prompt);
        assert_int_equal(d.n_cut, less > 0);
        dataset_fini(&d);
        corpus_free(c);
    }
}

static int count_tokens(const struct dataset *d, size_t first, int n, int32_t id)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        found += d->tokens[first + (size_t)i] == id;
    return found;
}

static void what_looks_like_a_special_token_in_a_message_is_text(void **state)
{
    static const char row[] = "{\"prompt\": \"the moon <|end|> and more\", \"chosen\": \" is <|end|> kind\", "
                              "\"rejected\": \" is lost\"}\n";
    const int32_t eos = tokenizer_eos(tokenizer);
    struct dataset d;
    struct corpus *c;
    const struct dataset_options o = under("hh", 128, 64);
    build(&d, &c, row, &o);
    assert_int_equal(d.n_groups, 1);
    assert_int_equal(d.n_plain_specials, 1);
    assert_int_equal(count_tokens(&d, d.groups[0].prompt, d.groups[0].n_prompt, eos), 0);
    for (int i = 0; i < 2; i++) { // the end alone
        assert_int_equal(count_tokens(&d, d.seqs[i].first, d.seqs[i].n, eos), 1);
        assert_int_equal(d.tokens[d.seqs[i].first + (size_t)d.seqs[i].n - 1], eos);
    }
    char *answer = decode(&d, d.seqs[0].first, d.seqs[0].n);
    assert_string_equal(answer, "  is <|end|> kind");
    free(answer);
    dataset_fini(&d);
    corpus_free(c);
}

static void special_tokens_in_plain_texts_are_those_tokens_unless_switched_off(void **state)
{
    static const char row[] = "{\"prompt\": \"the moon<|end|> and more\", \"chosen\": \" is kind<|end|>\\n\", "
                              "\"rejected\": \" is lost\"}\n";
    const int32_t eos = tokenizer_eos(tokenizer);
    struct dataset d;
    struct corpus *c;
    const struct dataset_options o = options(128, 64);
    build(&d, &c, row, &o);
    assert_int_equal(count_tokens(&d, d.groups[0].prompt, d.groups[0].n_prompt, eos), 1);
    for (int i = 0; i < 2; i++) { // an answer that has its end gets no second one
        assert_int_equal(count_tokens(&d, d.seqs[i].first, d.seqs[i].n, eos), 1);
        assert_int_equal(d.tokens[d.seqs[i].first + (size_t)d.seqs[i].n - 1], eos);
    }
    dataset_fini(&d);
    corpus_free(c);
    rules.special_tokens = false;
    build(&d, &c, row, &o);
    assert_int_equal(count_tokens(&d, d.groups[0].prompt, d.groups[0].n_prompt, eos), 0);
    assert_int_equal(count_tokens(&d, d.seqs[0].first, d.seqs[0].n, eos), 1);
    dataset_fini(&d);
    corpus_free(c);
}

static void chat_responses_follow_the_template(void **state)
{
    struct dataset d;
    struct corpus *c;
    const struct dataset_options o = under("hh", 128, 100);
    build(&d, &c,
          "{\"prompt\": [{\"role\": \"user\", \"content\": \"the river\"}], \"chosen\": [{\"role\": \"assistant\", "
          "\"content\": \"is kind\"}], \"rejected\": [{\"role\": \"assistant\", \"content\": \"is lost\"}]}\n",
          &o);
    json_t *messages = json_pack("[{ss,ss},{ss,ss}]", "role", "user", "content", "the river", "role", "assistant",
                                 "content", "is kind");
    struct str rendered = {0};
    assert_ok(chat_template_render(rules.chat, &(struct chat_request){.messages = messages}, NULL, &rendered, e));
    json_decref(messages);
    const struct ds_group *g = &d.groups[0];
    char *whole = decode(&d, g->prompt, g->n_prompt), *answer = decode(&d, d.seqs[0].first, d.seqs[0].n);
    struct str joined = {0};
    str_addf(&joined, "%s%s", whole, answer);
    assert_true(text_starts(str_text(&rendered), str_text(&joined)) || text_starts(str_text(&joined), str_text(&rendered)));
    assert_non_null(strstr(answer, "is kind"));
    assert_null(strstr(whole, "is kind"));
    str_fini(&joined);
    str_fini(&rendered);
    free(whole);
    free(answer);
    dataset_fini(&d);
    corpus_free(c);
}

static void conversations_that_the_template_refuses_are_left_out(void **state)
{
    struct dataset d;
    struct corpus *c;
    const struct dataset_options o = under("mistral-v1", 128, 100);
    build(&d, &c,
          "{\"prompt\": [{\"role\": \"user\", \"content\": \"the river\"}, {\"role\": \"user\", \"content\": \"again\"}], "
          "\"chosen\": [{\"role\": \"assistant\", \"content\": \"is kind\"}], \"rejected\": [{\"role\": \"assistant\", "
          "\"content\": \"is lost\"}]}\n"
          "{\"prompt\": [{\"role\": \"user\", \"content\": \"the moon\"}], \"chosen\": [{\"role\": \"assistant\", "
          "\"content\": \"is kind\"}], \"rejected\": [{\"role\": \"assistant\", \"content\": \"is lost\"}]}\n",
          &o);
    assert_int_equal(d.n_groups, 1);
    assert_int_equal(d.n_left_out, 1);
    assert_int_equal(d.groups[0].example, 1);
    assert_int_equal(d.n_seqs, 2);
    assert_non_null(strstr(d.left_out[0].reason, "take turns"));
    dataset_fini(&d);
    // When nothing else is there, the reason is in the error.
    struct err fault = {0};
    const bool use[] = {true, false};
    assert_int_equal(dataset_build(&d, c, use, 0, &o, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "take turns"));
    corpus_free(c);
}

static void the_hash_covers_what_is_learnt(void **state)
{
    static const char *const rows[] = {
        "{\"prompt\": \"the river\", \"chosen\": \" is kind\", \"rejected\": \" is lost\"}\n",
        "{\"prompt\": \"the river\", \"chosen\": \" is lost\", \"rejected\": \" is kind\"}\n",
        "{\"prompt\": \"the rivers\", \"chosen\": \" is kind\", \"rejected\": \" is lost\"}\n",
        "{\"prompt\": \"the river\", \"chosen\": \" is kind\", \"rejected\": \" is lost\"}\n"};
    char hashes[4][65];
    const struct dataset_options o = options(64, 32);
    for (int i = 0; i < 4; i++) {
        struct dataset d;
        struct corpus *c;
        build(&d, &c, rows[i], &o);
        memcpy(hashes[i], d.hash, 65);
        dataset_fini(&d);
        corpus_free(c);
    }
    assert_string_equal(hashes[0], hashes[3]);
    assert_string_not_equal(hashes[0], hashes[1]);
    assert_string_not_equal(hashes[0], hashes[2]);
}

// Rows, targets and segments of what is packed, written down from the definition.
static void packing_shares_the_prompt_and_pads_nothing(void **state)
{
    static int32_t tokens[] = {1, 2, 3, /* chosen */ 4, 5, 6, /* rejected */ 7, /* prompt */ 8, 9, /* text */ 10, 11};
    static struct ds_group groups[] = {{.n_prompt = 3, .n_seqs = 2},
                                       {.prompt = 7, .n_prompt = 2, .first_seq = 2, .n_seqs = 1, .example = 1}};
    static struct ds_seq seqs[] = {{.first = 3, .n = 3, .label = 1}, {.first = 6, .n = 1},
                                   {.first = 9, .n = 2, .label = 1}};
    const struct dataset d = {.tokens = tokens, .n_tokens = 11, .groups = groups, .n_groups = 2, .seqs = seqs, .n_seqs = 3};
    const int order[] = {0, 1};
    struct packed p;
    assert_ok(packed_init(&p, &d, 64, 0, e));
    assert_int_equal(pack_groups(&p, &d, order, 2, 64, 0), 2);
    const struct seq_batch *b = &p.batch;
    // 1 2 3 | 4 5 | (7 is only a target) | 8 9 | 10
    static const int32_t rows[] = {1, 2, 3, 4, 5, 8, 9, 10}, positions[] = {0, 1, 2, 3, 4, 0, 1, 2};
    static const int32_t targets[] = {4, 5, 6, 7, 10, 11}, predicted_by[] = {2, 3, 4, 2, 6, 7};
    assert_int_equal(b->n_tokens, 8);
    assert_memory_equal(b->tokens, rows, sizeof rows);
    assert_memory_equal(b->positions, positions, sizeof positions);
    assert_int_equal(b->n_targets, 6);
    assert_memory_equal(b->target_ids, targets, sizeof targets);
    assert_memory_equal(b->target_rows, predicted_by, sizeof predicted_by);
    assert_int_equal(b->n_segments, 4);
    assert_int_equal(b->segments[1].prefix_start, 0);
    assert_int_equal(b->segments[1].prefix_len, 3);
    assert_int_equal(b->segments[3].prefix_start, 5);
    assert_int_equal(b->segments[3].prefix_len, 2);
    assert_int_equal(b->n_seqs, 3);
    assert_int_equal(b->seqs[1].first_target, 3);
    assert_int_equal(b->seqs[1].n_targets, 1);
    // A bound of 6 rows takes the first group alone; a reward head reads every response's last token.
    assert_int_equal(pack_groups(&p, &d, order, 2, 6, 0), 1);
    // The first has 4 targets, the second 2.
    p.most_targets = 5;
    assert_int_equal(pack_groups(&p, &d, order, 2, 64, 0), 1);
    p.most_targets = 6;
    assert_int_equal(pack_groups(&p, &d, order, 2, 64, 0), 2);
    p.most_targets = 3; // that the first alone has more
    assert_int_equal(pack_groups(&p, &d, order, 2, 64, 0), 2);
    packed_fini(&p);
    assert_ok(packed_init(&p, &d, 64, NETWORK_SCORE, e));
    assert_int_equal(pack_groups(&p, &d, order, 2, 64, NETWORK_SCORE), 2);
    assert_int_equal(p.batch.n_tokens, 11);
    assert_int_equal(p.batch.tokens[p.batch.seqs[0].last_row], 6);
    assert_int_equal(p.batch.tokens[p.batch.seqs[1].last_row], 7);
    assert_int_equal(p.batch.tokens[p.batch.seqs[2].last_row], 11);
    packed_fini(&p);
}

// A response whose prompt goes on differently brings that part along; what it is learnt from begins behind it.
static void packing_puts_a_responses_own_context_before_it(void **state)
{
    static int32_t tokens[] = {1, 2, /* context, chosen */ 3, 4, 5, /* rejected */ 6, 7};
    static struct ds_group groups[] = {{.n_prompt = 2, .n_seqs = 2}};
    static struct ds_seq seqs[] = {{.first = 3, .n = 2, .n_context = 1, .label = 1}, {.first = 5, .n = 2}};
    const struct dataset d = {.tokens = tokens, .n_tokens = 7, .groups = groups, .n_groups = 1, .seqs = seqs, .n_seqs = 2};
    const int order[] = {0};
    struct packed p;
    assert_ok(packed_init(&p, &d, 64, 0, e));
    assert_int_equal(pack_groups(&p, &d, order, 1, 64, 0), 1);
    const struct seq_batch *b = &p.batch; // 1 2 | 3 4 | 6
    static const int32_t rows[] = {1, 2, 3, 4, 6}, positions[] = {0, 1, 2, 3, 2};
    static const int32_t targets[] = {4, 5, 6, 7}, predicted_by[] = {2, 3, 1, 4};
    assert_int_equal(b->n_tokens, 5);
    assert_memory_equal(b->tokens, rows, sizeof rows);
    assert_memory_equal(b->positions, positions, sizeof positions);
    assert_int_equal(b->n_targets, 4);
    assert_memory_equal(b->target_ids, targets, sizeof targets);
    assert_memory_equal(b->target_rows, predicted_by, sizeof predicted_by);
    packed_fini(&p);
}

static void pairs_become_good_and_bad_responses(void **state)
{
    static const char rows[] = "{\"prompt\": \"the river\", \"chosen\": \" is kind\", \"rejected\": \" is lost\"}\n"
                               "{\"prompt\": \"the moon\", \"chosen\": \" is bright\", \"rejected\": \" is cold\"}\n";
    struct dataset d;
    struct corpus *c;
    struct dataset_options o = options(64, 32);
    o.singly = true;
    build(&d, &c, rows, &o);
    assert_int_equal(d.n_groups, 4);
    assert_int_equal(d.n_seqs, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(d.groups[i].n_seqs, 1);
        assert_int_equal(d.groups[i].first_seq, i);
        assert_int_equal(d.groups[i].example, i / 2);
        assert_int_equal(d.groups[i].prompt, d.groups[i - i % 2].prompt);
        assert_close(d.seqs[i].label, i % 2 == 0, 0);
    }
    char *bad = decode(&d, d.seqs[3].first, d.seqs[3].n);
    assert_string_equal(bad, " is cold");
    free(bad);
    dataset_fini(&d);
    corpus_free(c);
    o.bad_only = true;
    build(&d, &c, rows, &o);
    assert_int_equal(d.n_groups, 2);
    assert_int_equal(d.n_seqs, 2);
    bad = decode(&d, d.seqs[1].first, d.seqs[1].n);
    assert_string_equal(bad, " is cold");
    free(bad);
    dataset_fini(&d);
    corpus_free(c);
}

// n prompts, `often` more rows of the first one.
static void build_mismatched(struct dataset *d, int n, int often, uint64_t seed)
{
    struct corpus *c;
    struct str rows = {0};
    struct dataset_options o = options(24, 12);
    o.mismatched = o.asks = true;
    o.seed = seed;
    for (int i = 0; i < n + often; i++)
        str_addf(&rows, "{\"prompt\": \"Day %d\", \"completion\": \" is %d of the long days of the moon\", \"label\": %s}\n",
                 i < n ? i : 0, i, i % 2 ? "true" : "false");
    build(d, &c, str_text(&rows), &o);
    str_fini(&rows);
    corpus_free(c);
}

static bool same_prompt(const struct dataset *d, int a, int b)
{
    const struct ds_group *x = &d->groups[a], *y = &d->groups[b];
    return x->n_ask == y->n_ask &&
           memcmp(d->tokens + x->ask, d->tokens + y->ask, (size_t)x->n_ask * sizeof *d->tokens) == 0;
}

static int donor_of(const struct dataset *d, int group)
{
    const struct ds_seq *s = &d->seqs[d->groups[group].first_seq + 1];
    for (int i = 0; i < d->n_groups; i++) { // its text says its number; it may have been cut
        const struct ds_seq *own = &d->seqs[d->groups[i].first_seq];
        const int n = own->n < s->n ? own->n : s->n;
        if (n > 0 && memcmp(d->tokens + own->first, d->tokens + s->first, (size_t)n * sizeof *d->tokens) == 0)
            return i;
    }
    fail();
    return -1;
}

// Also where one prompt has half of the rows, or most of them.
static void answers_to_other_prompts_are_never_to_the_same(void **state)
{
    static const struct {
        int n, often;
    } shapes[] = {{2, 0}, {40, 0}, {10, 5}, {10, 9}, {3, 20}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct dataset d;
        int used[64] = {0};
        build_mismatched(&d, shapes[k].n, shapes[k].often, k);
        assert_int_equal(d.n_groups, shapes[k].n + shapes[k].often);
        for (int i = 0; i < d.n_groups; i++) {
            const struct ds_group *g = &d.groups[i];
            const struct ds_seq *own = &d.seqs[g->first_seq], *other = own + 1;
            const int from = donor_of(&d, i);
            assert_int_equal(g->n_seqs, 2);
            assert_false(own->mismatched);
            assert_true(other->mismatched);
            assert_false(same_prompt(&d, i, from));
            assert_true(g->n_prompt + other->n <= 24);
            if (g->n_prompt + other->n < 24) // whole, with its end
                assert_int_equal(d.tokens[other->first + (size_t)other->n - 1], tokenizer_eos(tokenizer));
            used[from]++;
        }
        for (int i = 0; i < d.n_groups && 2 * (shapes[k].often + 1) <= d.n_groups; i++)
            assert_int_equal(used[i], 1);
        dataset_fini(&d);
    }
}

static void answers_to_other_prompts_follow_the_seed(void **state)
{
    struct dataset a, b, c;
    int differ = 0, counts[6][6] = {{0}};
    build_mismatched(&a, 40, 0, 3);
    build_mismatched(&b, 40, 0, 3);
    build_mismatched(&c, 40, 0, 4);
    assert_string_equal(a.hash, b.hash);
    assert_string_not_equal(a.hash, c.hash);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(donor_of(&a, i), donor_of(&b, i));
        differ += donor_of(&a, i) != donor_of(&c, i);
    }
    assert_true(differ > 30);
    dataset_fini(&a);
    dataset_fini(&b);
    dataset_fini(&c);
    // Every other prompt is as likely as the next.
    for (uint64_t seed = 0; seed < 500; seed++) {
        build_mismatched(&a, 6, 0, seed);
        for (int i = 0; i < 6; i++)
            counts[i][donor_of(&a, i)]++;
        dataset_fini(&a);
    }
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 6; k++)
            assert_true(i == k ? counts[i][k] == 0 : counts[i][k] > 60 && counts[i][k] < 140);
}

static void one_prompt_alone_has_no_other(void **state)
{
    struct corpus *c;
    struct dataset d;
    struct err fault = {0};
    struct dataset_options o = options(24, 12);
    build(&d, &c, "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": true}\n"
                  "{\"prompt\": \"a\", \"completion\": \"c\", \"label\": false}\n", &o);
    dataset_fini(&d);
    o.mismatched = true;
    assert_int_equal(dataset_build(&d, c, NULL, 0, &o, &fault), ERR_INPUT);
    assert_non_null(strstr(fault.text, "the same prompt"));
    corpus_free(c);
}

static void packing_can_leave_out_answers_to_other_prompts(void **state)
{
    struct dataset d;
    struct packed p;
    build_mismatched(&d, 4, 0, 1);
    const int order[] = {2, 0};
    assert_ok(packed_init(&p, &d, 256, false, e));
    assert_int_equal(pack_groups(&p, &d, order, 2, 256, false), 2);
    assert_int_equal(p.batch.n_seqs, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(p.places[i], i);
    p.without_mismatched = true;
    assert_int_equal(pack_groups(&p, &d, order, 2, 256, false), 2);
    assert_int_equal(p.batch.n_seqs, 2);
    assert_int_equal(p.places[0], 0);
    assert_int_equal(p.places[1], 2);
    assert_int_equal(p.batch.seqs[1].n_targets, d.seqs[d.groups[0].first_seq].n);
    assert_int_equal(p.batch.target_ids[p.batch.seqs[1].first_target], d.tokens[d.seqs[d.groups[0].first_seq].first]);
    packed_fini(&p);
    dataset_fini(&d);
}

static void each_epoch_is_its_own_permutation(void **state)
{
    enum { N = 50 };
    struct data_order a, b;
    int first[N], second[N], n_same = 0;
    data_order_init(&a, N, 3);
    data_order_init(&b, N, 3);
    bool seen[N] = {0};
    for (int i = 0; i < N; i++) {
        first[i] = data_order_at(&a, i);
        assert_false(seen[first[i]]);
        seen[first[i]] = true;
    }
    for (int i = 0; i < N; i++)
        second[i] = data_order_at(&a, N + i);
    for (int i = 0; i < N; i++)
        n_same += first[i] == second[i];
    assert_true(n_same < N / 2);
    for (int i = 0; i < N; i++)
        assert_int_equal(data_order_at(&b, N + i), second[i]); // without having been through the first epoch
    for (int i = 0; i < N; i++)
        assert_int_equal(data_order_at(&b, i), first[i]); // nor does it matter where one comes from
    data_order_fini(&a);
    data_order_fini(&b);
}

static void the_learning_rate_rises_and_falls(void **state)
{
    assert_int_equal(schedule_warmup_steps(0.1, 200), 20);
    assert_int_equal(schedule_warmup_steps(30, 200), 30);
    assert_int_equal(schedule_warmup_steps(300, 200), 200);
    assert_close(schedule_factor(SCHEDULE_LINEAR, 1, 4, 104), 0.25, 1e-15);
    assert_close(schedule_factor(SCHEDULE_LINEAR, 4, 4, 104), 1, 1e-15);
    assert_close(schedule_factor(SCHEDULE_LINEAR, 5, 4, 104), 1, 1e-15);
    assert_close(schedule_factor(SCHEDULE_LINEAR, 55, 4, 104), 0.5, 1e-15);
    assert_close(schedule_factor(SCHEDULE_LINEAR, 104, 4, 104), 0.01, 1e-12);
    assert_close(schedule_factor(SCHEDULE_COSINE, 1, 0, 100), 1, 1e-15);
    assert_close(schedule_factor(SCHEDULE_COSINE, 51, 0, 100), 0.55, 1e-12);
    assert_true(schedule_factor(SCHEDULE_COSINE, 100, 0, 100) < 0.101);
    assert_close(schedule_factor(SCHEDULE_CONSTANT, 77, 10, 100), 1, 0);
}

static int make_world(void **state)
{
    world_make(&world, "llama");
    assert_ok(tokenizer_load(&tokenizer, world.tokenizer_dir, e));
    return 0;
}

static int remove_world(void **state)
{
    text_rules_fini(&rules);
    tokenizer_free(tokenizer);
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_end_with_the_end_token),
        cmocka_unit_test(long_examples_are_cut_the_same_way_and_counted),
        cmocka_unit_test(the_longest_length_is_the_last_that_fits),
        cmocka_unit_test(what_looks_like_a_special_token_in_a_message_is_text),
        cmocka_unit_test(special_tokens_in_plain_texts_are_those_tokens_unless_switched_off),
        cmocka_unit_test(chat_responses_follow_the_template),
        cmocka_unit_test(conversations_that_the_template_refuses_are_left_out),
        cmocka_unit_test(the_hash_covers_what_is_learnt),
        cmocka_unit_test(packing_shares_the_prompt_and_pads_nothing),
        cmocka_unit_test(packing_puts_a_responses_own_context_before_it),
        cmocka_unit_test(pairs_become_good_and_bad_responses),
        cmocka_unit_test(answers_to_other_prompts_are_never_to_the_same),
        cmocka_unit_test(answers_to_other_prompts_follow_the_seed),
        cmocka_unit_test(one_prompt_alone_has_no_other),
        cmocka_unit_test(packing_can_leave_out_answers_to_other_prompts),
        cmocka_unit_test(each_epoch_is_its_own_permutation),
        cmocka_unit_test(the_learning_rate_rises_and_falls),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
