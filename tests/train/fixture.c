#include "config.h"

#include "fixture.h"

#include "base/json.h"
#include "base/rng.h"
#include "cpu/cpu.h"
#include "text/bpe_train.h"
#include "train/learn/reference.h"
#include "train/learn/own_answers.h"
#include "train/learn/udm.h"

static const char *const things[] = {"the apple", "the house", "a small dog", "the river", "an old book", "the moon",
                                     "a green hat", "the garden", "my friend", "the train"};
static const char *const good[] = {" is kind and warm", " was a joy to see", " made us all smile", " is bright today"};
static const char *const bad[] = {" is cold and dull", " was sad and gray", " made a bad noise", " is lost again"};

static void write_text(const char *path, const struct str *text)
{
    assert_ok(file_write(path, str_text(text), text->len, e));
}

void world_pairs(const struct world *w, int n)
{
    struct str text = {0};
    struct rng r = rng_make(11, RNG_TEST, 1);
    for (int i = 0; i < n; i++)
        str_addf(&text, "{\"prompt\": \"Day %d: %s\", \"chosen\": \"%s.\", \"rejected\": \"%s.\"}\n", i + 1,
                 things[rng_below(&r, 10)], good[rng_below(&r, 4)], bad[rng_below(&r, 4)]);
    write_text(w->pairs_path, &text);
    str_fini(&text);
}

static void make_tokenizer(const struct world *w)
{
    static const char *const specials[] = {"<|end|>", NULL};
    struct str text = {0};
    for (int i = 0; i < 200; i++)
        str_addf(&text, "Day %d: %s%s. %s%s.\n", i, things[i % 10], good[i % 4], things[(i + 3) % 10], bad[i % 4]);
    assert_ok(bpe_train(str_text(&text), text.len, 320, specials, w->tokenizer_dir, e));
    str_fini(&text);
}

static const struct {
    const char *family, *config;
} families[] = {
    {"gpt2",
     "{'model_type': 'gpt2', 'vocab_size': 320, 'n_embd': 32, 'n_layer': 2, 'n_head': 4, 'n_positions': 128, "
     "'n_ctx': 128, 'layer_norm_epsilon': 1e-5, 'activation_function': 'gelu_new', 'bos_token_id': 0, "
     "'eos_token_id': 0}"},
    {"opt",
     "{'model_type': 'opt', 'vocab_size': 320, 'hidden_size': 32, 'num_hidden_layers': 2, "
     "'num_attention_heads': 4, 'ffn_dim': 64, 'max_position_embeddings': 128, 'word_embed_proj_dim': 32, "
     "'do_layer_norm_before': true, 'activation_function': 'relu', 'tie_word_embeddings': true, 'bos_token_id': "
     "0, 'eos_token_id': 0}"},
    {"llama",
     "{'model_type': 'llama', 'vocab_size': 320, 'hidden_size': 32, 'num_hidden_layers': 2, "
     "'num_attention_heads': 4, 'num_key_value_heads': 2, 'intermediate_size': 64, 'max_position_embeddings': "
     "128, 'rms_norm_eps': 1e-5, 'rope_theta': 10000.0, 'hidden_act': 'silu', 'tie_word_embeddings': false, "
     "'bos_token_id': 0, 'eos_token_id': 0}"},
    {"qwen3",
     "{'model_type': 'qwen3', 'vocab_size': 320, 'hidden_size': 32, 'num_hidden_layers': 2, "
     "'num_attention_heads': 4, 'num_key_value_heads': 2, 'head_dim': 12, 'intermediate_size': 64, "
     "'max_position_embeddings': 128, 'rms_norm_eps': 1e-5, 'rope_theta': 10000.0, 'hidden_act': 'silu', "
     "'tie_word_embeddings': false, 'bos_token_id': 0, 'eos_token_id': 0}"},
    // a window, and caps of scores and logits
    {"gemma2",
     "{'model_type': 'gemma2', 'vocab_size': 320, 'hidden_size': 32, 'num_hidden_layers': 2, "
     "'num_attention_heads': 4, 'num_key_value_heads': 2, 'head_dim': 12, 'intermediate_size': 64, "
     "'max_position_embeddings': 128, 'rms_norm_eps': 1e-6, 'hidden_activation': 'gelu_pytorch_tanh', "
     "'query_pre_attn_scalar': 12, 'sliding_window': 5, 'layer_types': ['sliding_attention', 'full_attention'], "
     "'tie_word_embeddings': true, 'bos_token_id': 0, 'eos_token_id': 0, 'attn_logit_softcapping': 2.0, "
     "'final_logit_softcapping': 5.0, 'rope_theta': 1000.0}"},
};

static void make_config(const struct world *w, const char *family)
{
    struct str text = {0};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const char *c = families[i].config; strcmp(families[i].family, family) == 0 && *c; c++)
            str_addf(&text, "%c", *c == '\'' ? '"' : *c);
    assert_true(text.len > 0);
    write_text(w->config_path, &text);
    str_fini(&text);
}

static void make_model(const struct world *w)
{
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *m;
    char key[80];
    assert_ok(engine_open_backend(&ops, &backend, "cpu", "f32", 1, e));
    assert_ok(engine_load_model(&m, w->config_path, ops, backend, 0, 5, key, e));
    free(m->tokenizer_dir);
    m->tokenizer_dir = strdup(w->tokenizer_dir);
    assert_ok(model_save(m, w->model_dir, SAVE_F32, e));
    model_free(m);
    ops->close(backend);
}

void world_make(struct world *w, const char *family)
{
    w->dir = test_folder();
    w->tokenizer_dir = path_join(w->dir, "tokenizer");
    w->config_path = path_join(w->dir, "new.json");
    w->model_dir = path_join(w->dir, "model");
    w->pairs_path = path_join(w->dir, "pairs.jsonl");
    make_tokenizer(w);
    make_config(w, family);
    make_model(w);
    world_pairs(w, 80);
}

// The final norm passes on its bias alone, which points to that token's embedding (it is the head as well): its own logit is
// then above 100, and the others are far below.
void model_say(struct model *m, int token)
{
    const struct tensor *norm = model_tensor(m, T_FINAL_NORM_W, 0);
    float *zero = calloc((size_t)norm->cols, sizeof *zero), *bias = calloc((size_t)norm->cols, sizeof *bias);
    if (token >= 0) {
        double square = 0;
        m->ops->download(m->backend, bias, model_weight(m, T_TOKEN_EMBED, 0) + (size_t)token * (size_t)norm->cols,
                         (size_t)norm->cols * sizeof *bias);
        for (int i = 0; i < norm->cols; i++)
            square += (double)bias[i] * (double)bias[i];
        for (int i = 0; i < norm->cols; i++)
            bias[i] *= (float)(200 / square);
    }
    m->ops->upload(m->backend, model_weight(m, T_FINAL_NORM_W, 0), zero, (size_t)norm->cols * sizeof *zero);
    m->ops->upload(m->backend, model_weight(m, T_FINAL_NORM_B, 0), bias, (size_t)norm->cols * sizeof *bias);
    m->ops->weights_changed(m->backend);
    free(zero);
    free(bias);
}

char *world_sayer(const struct world *w, const char *name, int token)
{
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *m;
    char key[80], *dir = path_join(w->dir, name);
    assert_ok(engine_open_backend(&ops, &backend, "cpu", "f32", 1, e));
    assert_ok(engine_load_model(&m, w->model_dir, ops, backend, false, 5, key, e));
    model_say(m, token);
    assert_ok(model_save(m, dir, SAVE_F32, e));
    model_free(m);
    ops->close(backend);
    return dir;
}

void world_remove(struct world *w)
{
    assert_ok(file_remove_tree(w->dir, e));
    free(w->dir);
    free(w->tokenizer_dir);
    free(w->config_path);
    free(w->model_dir);
    free(w->pairs_path);
}

static void give(struct settings *s, const char *pairs)
{
    char *list = strdup(pairs ? pairs : ""), *save = NULL;
    for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        assert_ok(settings_set(s, word, value, e));
    }
    free(list);
}

void test_rules(struct text_rules *r, const struct tokenizer *t, const char *chat_template, int max_length,
                int max_prompt_length)
{
    const struct text_rules_options o = {.chat_template = chat_template, .special_tokens = true, .fallback = "plain",
                                         .max_length = max_length, .max_prompt_length = max_prompt_length};
    assert_ok(text_rules_open(r, t, &o, e));
}

void bench_make(struct bench *b, const struct world *w, const struct bench_options *o)
{
    const struct objective *objective;
    char key[80];
    *b = (struct bench){0};
    assert_ok(objective_find(&objective, o->objective, e));
    run_settings_init(&b->settings, &b->tables, objective);
    give(&b->settings, "batch-size=4 lr=0.01 schedule=constant warmup=0");
    give(&b->settings, o->settings);
    struct run r = {.objective = objective, .settings = b->settings, .total_steps = o->steps};
    struct trainer_options options = run_trainer_options(&r);
    options.ranks = o->ranks;
    const struct needs needs = objective_needs(&options.objective);

    b->ops = o->ops ? o->ops : backend_find("cpu");
    const struct backend_options machine = {.n_threads = o->threads ? o->threads : 1, .precision = o->precision};
    assert_ok(b->ops->open(&b->backend, &machine, e));
    assert_ok(tokenizer_load(&b->tokenizer, w->tokenizer_dir, e));
    assert_ok(corpus_load(&b->corpus, w->pairs_path, 0, e));
    test_rules(&b->rules, b->tokenizer, "auto", 128, 64);
    b->text = (struct dataset_options){.rules = &b->rules};
    dataset_options_for(&b->text, objective, needs, options.seed);
    bool *held_out = calloc(b->corpus->n_examples, 1), *trained = calloc(b->corpus->n_examples, 1);
    for (size_t i = 0; i < b->corpus->n_examples; i++) {
        held_out[i] = i % 4 == 3;
        trained[i] = !held_out[i];
    }
    assert_ok(dataset_build(&b->train, b->corpus, trained, 0, &b->text, e));
    struct dataset_options held_out_text = b->text;
    held_out_text.both_orders = b->text.compare;
    assert_ok(dataset_build(&b->held_out, b->corpus, held_out, 0, &held_out_text, e));
    free(held_out);
    free(trained);
    assert_ok(engine_load_model(&b->model, w->model_dir, b->ops, b->backend,
                                (needs.networks & NETWORK_SCORE ? LOAD_SCORE : 0) | (o->lora_rank ? LOAD_FROZEN : 0), 1,
                                key, e));
    b->model->scores_tokens = needs.networks & NETWORK_TOKEN_SCORE;
    if (o->lora_rank)
        assert_ok(model_add_lora(b->model, o->lora_rank, 16, "", 1, e));
    assert_ok(model_set_trainable(b->model, o->lora_rank ? TRAIN_ADAPTER : TRAIN_ALL, e));
    if (needs.networks & NETWORK_VALUE) {
        const struct moments rewards = dataset_label_moments(&b->train);
        dataset_standardize(&b->train, &rewards);
        dataset_standardize(&b->held_out, &rewards);
    }
    if (needs.columns & COLUMN_PROMPT_ODDS)
        udm_fill(&b->train, &b->held_out, b->model, options.seed);
    if (needs.groups & GROUPS_OWN_ANSWERS) {
        const int32_t stop = tokenizer_eos(b->tokenizer);
        const struct own_answers_options own = {.model_key = key, .per_prompt = 3, .max_tokens = 8, .max_length = 128,
                                                .seed = 1, .stop = &stop, .n_stop = 1};
        assert_ok(own_answers_add(&b->train, NULL, b->model, &own, e));
        assert_ok(own_answers_add(&b->held_out, NULL, b->model, &own, e));
    }
    if (needs.networks & NETWORK_REFERENCE) {
        const struct reference_options reference = {.model_key = key, .max_batch_tokens = 512,
                                                    .tail_cut = options.objective.options.tail_cut};
        assert_ok(reference_fill(&b->train, NULL, b->model, &reference, e));
        assert_ok(reference_fill(&b->held_out, NULL, b->model, &reference, e));
    }
    struct group_source *source;
    group_source_of_dataset(&source, &b->train, options.batch_size, options.seed);
    assert_ok(trainer_new(&b->trainer, &options, b->model, source, e));
    if (needs.networks & NETWORK_VALUE) {
        struct model *value;
        assert_ok(engine_load_model(&value, w->model_dir, b->ops, b->backend, LOAD_SCORE, 1, key, e));
        if (o->lora_rank)
            assert_ok(model_add_lora(value, o->lora_rank, 16, "", 1, e));
        assert_ok(model_set_trainable(value, o->lora_rank ? TRAIN_ADAPTER : TRAIN_ALL, e));
        assert_ok(trainer_add_value(b->trainer, value, e));
    }
}

void bench_free(struct bench *b)
{
    trainer_free(b->trainer);
    model_free(b->model);
    dataset_fini(&b->train);
    dataset_fini(&b->held_out);
    corpus_free(b->corpus);
    text_rules_fini(&b->rules);
    tokenizer_free(b->tokenizer);
    b->ops->close(b->backend);
    settings_fini(&b->settings);
}

float *bench_weights(const struct bench *b, size_t *n)
{
    struct param_block blocks[2];
    const int n_blocks = model_param_blocks(b->model, blocks);
    float *all = NULL;
    *n = 0;
    for (int i = 0; i < n_blocks; i++) {
        all = realloc(all, (*n + blocks[i].n) * sizeof *all);
        b->ops->download(b->backend, all + *n, blocks[i].weights, blocks[i].n * sizeof *all);
        *n += blocks[i].n;
    }
    return all;
}

void bench_evaluate(struct bench *b, struct metric_list *out)
{
    struct evaluator v;
    *out = (struct metric_list){0};
    assert_ok(evaluator_init(&v, b->trainer, &b->held_out, e));
    assert_ok(evaluate(&v, out, e));
    evaluator_fini(&v);
}
