#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "base/mem.h"
#include "model/generation_config.h"
#include "model/model.h"
#include "model/safetensors.h"

static char *folder;
static const struct backend_ops *ops;
static struct backend *backend;

static const char *const configs[] = {
    "{\"model_type\":\"llama\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"num_key_value_heads\":2,\"intermediate_size\":24,\"max_position_embeddings\":32,\"tie_word_embeddings\":true}",
    "{\"model_type\":\"llama\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
    "\"intermediate_size\":24,\"attention_bias\":true,\"mlp_bias\":true,\"max_position_embeddings\":32}",
    "{\"model_type\":\"qwen2\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"num_key_value_heads\":1,\"intermediate_size\":24,\"max_position_embeddings\":32}",
    "{\"model_type\":\"gpt2\",\"vocab_size\":19,\"n_embd\":16,\"n_layer\":2,\"n_head\":4,\"n_positions\":32}",
    "{\"model_type\":\"opt\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"ffn_dim\":24,\"max_position_embeddings\":32,\"do_layer_norm_before\":false,\"word_embed_proj_dim\":8}",
    "{\"model_type\":\"qwen3\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"num_key_value_heads\":2,\"head_dim\":6,\"intermediate_size\":24,\"max_position_embeddings\":32}",
    "{\"model_type\":\"gemma2\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"num_key_value_heads\":2,\"head_dim\":6,\"intermediate_size\":24,\"max_position_embeddings\":32}",
    "{\"model_type\":\"gemma3_text\",\"vocab_size\":19,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
    "\"num_key_value_heads\":2,\"head_dim\":6,\"intermediate_size\":24,\"max_position_embeddings\":32}",
};
enum { N_CONFIGS = sizeof configs / sizeof *configs };

static struct model *new_model(const char *config, uint64_t seed)
{
    json_t *json;
    struct model *m;
    assert_ok(json_parse(config, strlen(config), "config", &json, e));
    assert_ok(model_new(&m, json, ops, backend, seed, e));
    json_decref(json);
    return m;
}

static void assert_same_weights(const struct model *a, const struct model *b)
{
    assert_int_equal(a->n_floats, b->n_floats);
    assert_memory_equal(a->weights, b->weights, a->n_floats * sizeof(float));
}

static void what_is_saved_loads_the_same_in_every_family(void **state)
{
    char *dir = path_join(folder, "saved");
    for (int i = 0; i < N_CONFIGS; i++) {
        struct model *m = new_model(configs[i], 5), *again;
        assert_int_equal(arch_n_params(&m->arch) <= (int64_t)m->n_floats, 1);
        assert_ok(model_save(m, dir, SAVE_F32, e));
        assert_ok(model_load(&again, dir, ops, backend, 0, e));
        assert_same_weights(m, again);
        model_free(again);
        model_free(m);
    }
    free(dir);
}

static void arch_counts_the_parameters_that_the_table_holds(void **state)
{
    for (int i = 0; i < N_CONFIGS; i++) {
        struct model *m = new_model(configs[i], 5);
        int64_t n = 0;
        for (int t = 0; t < m->n_tensors; t++)
            n += (int64_t)m->tensors[t].rows * m->tensors[t].cols;
        assert_int_equal(n, arch_n_params(&m->arch));
        model_free(m);
    }
}

// c_attn.weight is stored (in, 3 * out): q's columns first. Our own q is (out, in).
static void gpt2_layout_is_the_published_one(void **state)
{
    struct model *m = new_model(configs[3], 5);
    char *dir = path_join(folder, "gpt2"), *path = path_join(dir, "model.safetensors");
    struct st_file *f;
    assert_ok(model_save(m, dir, SAVE_F32, e));
    assert_ok(st_open(&f, path, e));
    const struct st_tensor *fused = st_find(f, "transformer.h.1.attn.c_attn.weight");
    assert_non_null(fused);
    assert_int_equal(fused->dims[0], 16);
    assert_int_equal(fused->dims[1], 48);
    const float *values = (const float *)(const void *)fused->bytes;
    static const enum tensor_kind kinds[] = {T_Q_W, T_K_W, T_V_W};
    for (int part = 0; part < 3; part++)
        for (int out = 0; out < 16; out++)
            for (int in = 0; in < 16; in++)
                assert_close(values[in * 48 + part * 16 + out], model_weight(m, kinds[part], 1)[out * 16 + in], 0);
    assert_null(st_find(f, "lm_head.weight"));
    st_close(f);
    model_free(m);
    free(dir);
    free(path);
}

static void bf16_and_sharded_weights_load(void **state)
{
    struct model *m = new_model(configs[0], 9), *again;
    char *dir = path_join(folder, "sharded"), *single = path_join(dir, "model.safetensors");
    assert_ok(model_save(m, dir, SAVE_BF16, e));
    assert_ok(model_load(&again, dir, ops, backend, 0, e));
    for (size_t i = 0; i < m->n_floats; i++)
        assert_close(again->weights[i], m->weights[i], fabs(m->weights[i]) * 0x1p-8);

    // The same weights in two files with an index.
    struct st_file *f;
    assert_ok(st_open(&f, single, e));
    json_t *map = json_object();
    for (int shard = 0; shard < 2; shard++) {
        struct st_spec specs[64];
        size_t n = 0;
        char name[32];
        snprintf(name, sizeof name, "model-%d.safetensors", shard);
        for (size_t i = (size_t)shard; i < f->n_tensors; i += 2) {
            specs[n] = (struct st_spec){f->tensors[i].name, ST_BF16, f->tensors[i].n_dims, {0}};
            memcpy(specs[n++].dims, f->tensors[i].dims, sizeof specs[0].dims);
            json_object_set_new(map, f->tensors[i].name, json_string(name));
        }
        // And one that the index says is in the other file: whatever stands here, it does not count.
        const struct st_tensor *other = &f->tensors[1 - shard];
        void *zeros = mem_alloc(other->n_bytes, 1);
        specs[n] = (struct st_spec){other->name, ST_BF16, other->n_dims, {0}};
        memcpy(specs[n++].dims, other->dims, sizeof specs[0].dims);
        char *path = path_join(dir, name);
        struct st_writer *w;
        assert_ok(st_writer_open(&w, path, specs, n, NULL, e));
        for (size_t i = (size_t)shard; i < f->n_tensors; i += 2)
            assert_ok(st_writer_add(w, f->tensors[i].bytes, f->tensors[i].n_bytes, e));
        assert_ok(st_writer_add(w, zeros, other->n_bytes, e));
        free(zeros);
        assert_ok(st_writer_commit(w, e));
        free(path);
    }
    st_close(f);
    json_t *index = json_pack("{s:o}", "weight_map", map);
    char *path = path_join(dir, "model.safetensors.index.json");
    assert_ok(json_write(path, index, e));
    json_decref(index);
    assert_ok(file_remove_tree(single, e));
    struct model *sharded;
    assert_ok(model_load(&sharded, dir, ops, backend, 0, e));
    assert_same_weights(again, sharded);
    model_free(sharded);
    model_free(again);
    model_free(m);
    free(path);
    free(single);
    free(dir);
}

static void expect_refusal(const char *dir, int code, const char *text)
{
    struct model *m = NULL;
    struct err fault = {0};
    int got = model_load(&m, dir, ops, backend, 0, &fault);
    if (got != code || !strstr(fault.text, text))
        fail_msg("code %d, \"%s\" should be %d and hold \"%s\"", got, fault.text, code, text);
}

static void change_config(const char *dir, const char *key, json_t *value)
{
    char *path = path_join(dir, "config.json");
    json_t *config;
    assert_ok(json_read(path, 1 << 20, &config, e));
    json_object_set_new(config, key, value);
    assert_ok(json_write(path, config, e));
    json_decref(config);
    free(path);
}

static void folders_that_do_not_fit_are_refused_in_words(void **state)
{
    char *dir = path_join(folder, "bad");
    struct model *m = new_model(configs[0], 1);
    expect_refusal("/nonexistent", ERR_NOT_FOUND, "no model folder");
    assert_ok(model_save(m, dir, SAVE_F32, e));
    change_config(dir, "intermediate_size", json_integer(25));
    expect_refusal(dir, ERR_INPUT, "has the shape (24, 16), but config.json asks for (25, 16)");
    change_config(dir, "intermediate_size", json_integer(24));
    change_config(dir, "num_hidden_layers", json_integer(3));
    expect_refusal(dir, ERR_INPUT, "model.layers.2.input_layernorm.weight");
    change_config(dir, "num_hidden_layers", json_integer(1));
    expect_refusal(dir, ERR_UNSUPPORTED, "which a plain llama model does not have");
    change_config(dir, "num_hidden_layers", json_integer(2));
    change_config(dir, "num_key_value_heads", json_integer(3));
    expect_refusal(dir, ERR_INPUT, "4 attention heads cannot share 3");
    change_config(dir, "num_key_value_heads", json_string("2"));
    expect_refusal(dir, ERR_INPUT, "\"num_key_value_heads\" must be a whole number");
    change_config(dir, "num_key_value_heads", json_integer(2));
    change_config(dir, "vocab_size", json_integer(1LL << 40));
    expect_refusal(dir, ERR_INPUT, "\"vocab_size\"");
    change_config(dir, "vocab_size", json_integer(19));
    change_config(dir, "model_type", json_string("mamba"));
    expect_refusal(dir, ERR_UNSUPPORTED, "supported are llama");
    change_config(dir, "model_type", json_string("llama"));
    char *weights = path_join(dir, "model.safetensors");
    assert_ok(file_remove_tree(weights, e));
    expect_refusal(dir, ERR_NOT_FOUND, "has no model.safetensors");
    model_free(m);
    free(weights);
    free(dir);
}

static void a_full_disk_leaves_the_old_model_whole(void **state)
{
    char *dir = path_join(folder, "full"), *temporary = path_join(folder, "full.tmp");
    struct model *m = new_model(configs[0], 1), *other = new_model(configs[0], 2), *again;
    assert_ok(model_save(m, dir, SAVE_F32, e));
    for (int n = 1;; n++) { // the n-th write fails, and all after it, until none does
        char text[16];
        struct err fault = {0};
        snprintf(text, sizeof text, "%d", n);
        setenv("ATTUNE_FAULT_WRITE", text, 1);
        file_fault_init();
        int code = model_save(other, dir, SAVE_F32, &fault);
        unsetenv("ATTUNE_FAULT_WRITE");
        file_fault_init();
        assert_false(file_exists(temporary));
        assert_ok(model_load(&again, dir, ops, backend, 0, e));
        assert_same_weights(again, code ? m : other);
        model_free(again);
        if (!code) {
            assert_true(n > 10);
            break;
        }
        assert_int_equal(code, ERR_LIMIT);
        assert_non_null(strstr(fault.text, "No space left"));
    }
    model_free(other);
    model_free(m);
    free(temporary);
    free(dir);
}

static void adapters_survive_peft_files_and_merge(void **state)
{
    for (int i = 0; i < N_CONFIGS; i++) {
        char *base = path_join(folder, "base"), *dir = path_join(folder, "adapter");
        struct model *m = new_model(configs[i], 3), *loaded, *again;
        assert_ok(model_save(m, base, SAVE_F32, e));
        model_free(m);
        assert_ok(model_load(&loaded, base, ops, backend, 0, e));
        struct err fault = {0};
        assert_int_equal(model_add_lora(loaded, 3, 6, "nothing", 1, &fault), ERR_USAGE);
        assert_ok(model_add_lora(loaded, 3, 6, i % 2 ? "" : "all-linear", 1, e));
        assert_ok(model_set_trainable(loaded, TRAIN_ADAPTER, e));
        for (size_t j = 0; j < loaded->n_lora_floats; j++) // b is not zero, as after training
            loaded->lora_weights[j] = 0.01f * (float)(j % 13) - 0.05f;
        assert_ok(model_save(loaded, dir, SAVE_F32, e));
        assert_ok(model_load(&again, dir, ops, backend, 0, e));
        assert_int_equal(again->lora.rank, 3);
        assert_close(again->lora.alpha, 6, 0);
        assert_memory_equal(again->lora_weights, loaded->lora_weights, loaded->n_lora_floats * sizeof(float));

        const struct lora_pair pair = *model_lora(again, T_V_W, 0);
        const float *a = again->lora_weights + pair.a, *b = again->lora_weights + pair.b;
        float *want = mem_alloc((size_t)pair.in * (size_t)pair.out, sizeof *want);
        for (int o = 0; o < pair.out; o++)
            for (int k = 0; k < pair.in; k++) {
                double sum = 0;
                for (int r = 0; r < 3; r++)
                    sum += (double)b[o * 3 + r] * a[r * pair.in + k];
                want[o * pair.in + k] = (float)(model_weight(again, T_V_W, 0)[o * pair.in + k] + 2 * sum);
            }
        assert_ok(model_merge_lora(again, e));
        for (int j = 0; j < pair.in * pair.out; j++)
            assert_close(model_weight(again, T_V_W, 0)[j], want[j], 1e-6);
        assert_null(again->lora_weights);
        free(want);
        model_free(again);
        model_free(loaded);
        free(base);
        free(dir);
    }
}

static void hash_of(const char *dir, char hash[65])
{
    char again[65];
    assert_ok(model_folder_hash(dir, hash, e));
    assert_int_equal(strlen(hash), 64);
    assert_ok(model_folder_hash(dir, again, e)); // remembered
    assert_string_equal(again, hash);
}

// Caches and resumed runs rely on it: another adapter on the same base, another alpha and another rotary base are
// other models, though the base's weight file is the same.
static void the_hash_tells_adapters_and_configs_apart(void **state)
{
    char *base = path_join(folder, "hashed"), *dir = path_join(folder, "hashed-adapter");
    char *config = path_join(dir, "adapter_config.json"), hashes[5][65];
    struct model *m = new_model(configs[0], 3), *adapted;
    json_t *json;
    assert_ok(model_save(m, base, SAVE_F32, e));
    model_free(m);
    hash_of(base, hashes[0]);
    assert_ok(model_load(&m, base, ops, backend, LOAD_SCORE, e));
    assert_ok(model_copy(&adapted, m, LOAD_SCORE, e));
    assert_same_weights(m, adapted);
    assert_true(adapted->weights != m->weights && !adapted->grads);
    model_free(adapted);
    model_free(m);
    for (int i = 1; i <= 2; i++) {
        assert_ok(model_load(&adapted, base, ops, backend, 0, e));
        assert_ok(model_add_lora(adapted, 2, 4, "", (uint64_t)i, e));
        assert_ok(model_save(adapted, dir, SAVE_F32, e));
        model_free(adapted);
        hash_of(dir, hashes[i]);
    }
    assert_ok(json_read(config, 1 << 20, &json, e));
    json_object_set_new(json, "lora_alpha", json_real(5));
    assert_ok(json_write(config, json, e));
    json_decref(json);
    hash_of(dir, hashes[3]);
    change_config(base, "rope_theta", json_real(12345));
    hash_of(base, hashes[4]);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hashes[i], hashes[k]);
    change_config(base, "rope_theta", json_real(12345));
    hash_of(base, hashes[0]);
    assert_string_equal(hashes[0], hashes[4]);
    free(base);
    free(dir);
    free(config);
}

// transformers takes the stored head where it differs from the embedding, whatever tie_word_embeddings says.
static void a_tied_model_with_another_head_keeps_it(void **state)
{
    char *dir = path_join(folder, "own-head"), *again = path_join(folder, "own-head-again");
    json_t *json;
    assert_ok(json_parse(configs[0], strlen(configs[0]), "config", &json, e));
    json_object_set_new(json, "tie_word_embeddings", json_false());
    struct model *untied, *m;
    assert_ok(model_new(&untied, json, ops, backend, 4, e));
    assert_ok(model_save(untied, dir, SAVE_F32, e));
    change_config(dir, "tie_word_embeddings", json_true());
    assert_ok(model_load(&m, dir, ops, backend, 0, e));
    assert_false(m->arch.tied);
    assert_int_equal(m->notes.n, 1);
    assert_non_null(strstr(m->notes.texts[0], "another head"));
    assert_same_weights(m, untied);
    assert_ok(model_save(m, again, SAVE_F32, e)); // says what it is
    model_free(m);
    assert_ok(model_load(&m, again, ops, backend, 0, e));
    assert_false(m->arch.tied);
    assert_int_equal(m->notes.n, 0);
    model_free(m);
    // the same head twice is one
    const struct tensor *head = model_tensor(untied, T_HEAD_W, 0), *embed = model_tensor(untied, T_TOKEN_EMBED, 0);
    memcpy(untied->weights + head->offset, untied->weights + embed->offset,
           (size_t)head->rows * (size_t)head->cols * sizeof *untied->weights);
    assert_ok(model_save(untied, dir, SAVE_F32, e));
    change_config(dir, "tie_word_embeddings", json_true());
    assert_ok(model_load(&m, dir, ops, backend, 0, e));
    assert_true(m->arch.tied);
    assert_int_equal(m->notes.n, 0);
    model_free(m);
    model_free(untied);
    json_decref(json);
    free(dir);
    free(again);
}

static void weights_that_are_not_finite_are_refused_by_name(void **state)
{
    char *dir = path_join(folder, "nan"), *adapter = path_join(folder, "nan-adapter");
    struct model *m = new_model(configs[0], 1), *loaded;
    float *w = model_weight(m, T_UP_W, 1);
    w[7] = NAN;
    assert_ok(model_save(m, dir, SAVE_F32, e));
    expect_refusal(dir, ERR_NUMERIC, "element 7 of tensor \"model.layers.1.mlp.up_proj.weight\" is not a number");
    w[7] = -INFINITY;
    assert_ok(model_save(m, dir, SAVE_BF16, e));
    expect_refusal(dir, ERR_NUMERIC, "is infinite");
    w[7] = 0;
    assert_ok(model_save(m, dir, SAVE_F32, e));
    assert_ok(model_load(&loaded, dir, ops, backend, 0, e));
    assert_ok(model_add_lora(loaded, 2, 4, "q_proj", 1, e));
    loaded->lora_weights[3] = NAN;
    assert_ok(model_save(loaded, adapter, SAVE_F32, e));
    expect_refusal(adapter, ERR_NUMERIC,
                   "element 3 of tensor \"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\"");
    model_free(loaded);
    model_free(m);
    free(dir);
    free(adapter);
}

static void a_number_too_large_for_a_format_is_not_written_as_infinite(void **state)
{
    char *dir = path_join(folder, "large");
    struct model *m = new_model(configs[0], 1), *again;
    struct err fault = {0};
    model_weight(m, T_UP_W, 0)[5] = -70000;
    assert_int_equal(model_save(m, dir, SAVE_F16, &fault), ERR_NUMERIC);
    assert_non_null(strstr(fault.text, "\"model.layers.0.mlp.up_proj.weight\" holds -70000, which float16 cannot hold"));
    assert_non_null(strstr(fault.text, "bf16"));
    assert_false(file_exists(dir));
    assert_ok(model_save(m, dir, SAVE_BF16, e));
    assert_ok(model_load(&again, dir, ops, backend, 0, e));
    assert_close(model_weight(again, T_UP_W, 0)[5], -70000, 256);
    model_free(again);
    model_weight(m, T_UP_W, 0)[5] = 3.4e38f;
    assert_int_equal(model_save(m, dir, SAVE_BF16, &fault), ERR_NUMERIC);
    assert_non_null(strstr(fault.text, "bfloat16 cannot hold"));
    assert_ok(model_save(m, dir, SAVE_F32, e));
    model_free(m);
    free(dir);
}

// The index, __metadata__ and generation_config.json: what they say that nobody knows, and what is another model.
static void files_beside_the_weights_are_understood_or_named(void **state)
{
    static const char other[] = "{\"repetition_penalty\": 1.1, \"temperature\": 0.7}",
                      fine[] = "{\"repetition_penalty\": 1.0}";
    char *dir = path_join(folder, "beside"), *single = path_join(dir, "model.safetensors");
    char *shard = path_join(dir, "model-1.safetensors"), *index = path_join(dir, "model.safetensors.index.json");
    char *settings = path_join(dir, "generation_config.json");
    struct model *m = new_model(configs[0], 1), *again;
    struct notes notes = {0};
    assert_ok(model_save(m, dir, SAVE_F32, e));
    model_free(m);
    assert_ok(generation_config_note(dir, &notes, e)); // there is none
    assert_ok(file_write(settings, fine, strlen(fine), e));
    assert_ok(generation_config_note(dir, &notes, e));
    assert_int_equal(notes.n, 0);
    assert_ok(file_write(settings, other, strlen(other), e));
    assert_ok(generation_config_note(dir, &notes, e));
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.texts[0], "\"repetition_penalty\" is 1.1"));
    notes_fini(&notes);

    struct st_file *f;
    json_t *map = json_object();
    assert_ok(st_open(&f, single, e));
    struct st_spec *specs = mem_alloc(f->n_tensors, sizeof *specs);
    for (size_t i = 0; i < f->n_tensors; i++) {
        specs[i] = (struct st_spec){f->tensors[i].name, ST_F32, f->tensors[i].n_dims, {0}};
        memcpy(specs[i].dims, f->tensors[i].dims, sizeof specs[i].dims);
        json_object_set_new(map, f->tensors[i].name, json_string("model-1.safetensors"));
    }
    for (int flax = 0; flax < 2; flax++) {
        struct st_writer *w;
        json_t *metadata = json_pack("{s:s, s:s}", "format", flax ? "flax" : "pt", "author", "somebody");
        assert_ok(st_writer_open(&w, shard, specs, f->n_tensors, metadata, e));
        for (size_t i = 0; i < f->n_tensors; i++)
            assert_ok(st_writer_add(w, f->tensors[i].bytes, f->tensors[i].n_bytes, e));
        assert_ok(st_writer_commit(w, e));
        json_decref(metadata);
        assert_ok(file_remove_tree(single, e));
        json_t *whole = json_pack("{s:O, s:{s:i}, s:i}", "weight_map", map, "metadata", "total_size", 1, "novelty", 3);
        assert_ok(json_write(index, whole, e));
        json_decref(whole);
        if (flax) {
            expect_refusal(dir, ERR_UNSUPPORTED, "model-1.safetensors: \"format\" is \"flax\"");
            break;
        }
        assert_ok(model_load(&again, dir, ops, backend, 0, e));
        assert_int_equal(again->notes.n, 1);
        assert_non_null(strstr(again->notes.texts[0], "index.json: \"novelty\" is not known"));
        model_free(again);
    }
    st_close(f);
    free(specs);
    json_decref(map);
    free(dir);
    free(single);
    free(shard);
    free(index);
    free(settings);
}

static void a_reward_head_is_saved_and_loaded(void **state)
{
    char *base = path_join(folder, "plain"), *dir = path_join(folder, "reward");
    struct model *m = new_model(configs[0], 3), *reward, *again;
    assert_ok(model_save(m, base, SAVE_F32, e));
    char *base_config = path_join(base, "config.json");
    json_t *padded;
    assert_ok(json_read(base_config, 1 << 20, &padded, e));
    json_object_set_new(padded, "pad_token_id", json_integer(2)); // with the end token, where a reward model reads
    json_object_set_new(padded, "eos_token_id", json_pack("[ii]", 1, 2));
    assert_ok(json_write(base_config, padded, e));
    json_decref(padded);
    free(base_config);
    assert_ok(model_load(&reward, base, ops, backend, LOAD_SCORE, e));
    assert_int_equal(reward->pad_id, -1);
    float *score = model_weight(reward, T_SCORE_W, 0);
    for (int i = 0; i < 16; i++) {
        assert_close(score[i], 0, 0);
        score[i] = (float)i;
    }
    assert_ok(model_save(reward, dir, SAVE_F32, e));
    assert_ok(model_load(&again, dir, ops, backend, LOAD_SCORE, e));
    assert_close(model_weight(again, T_SCORE_W, 0)[15], 15, 0);
    char *path = path_join(dir, "config.json");
    json_t *config;
    assert_ok(json_read(path, 1 << 20, &config, e));
    assert_string_equal(json_string_value(json_array_get(json_object_get(config, "architectures"), 0)),
                        "LlamaForSequenceClassification");
    assert_true(json_is_null(json_object_get(config, "pad_token_id")));
    json_decref(config);
    model_free(m);
    model_free(reward);
    model_free(again);
    free(path);
    free(base);
    free(dir);
}

static void decay_covers_matrices_and_nothing_else(void **state)
{
    struct model *m = new_model(configs[3], 3);
    struct param_range *ranges;
    assert_ok(model_set_trainable(m, TRAIN_ALL, e));
    int n = model_param_ranges(m, 0, &ranges);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        assert_int_equal(ranges[i].begin, at);
        at = ranges[i].end;
        for (int t = 0; t < m->n_tensors; t++)
            if (m->tensors[t].offset >= ranges[i].begin && m->tensors[t].offset < ranges[i].end)
                assert_int_equal(ranges[i].decay, m->tensors[t].rows > 1);
    }
    assert_int_equal(at, m->n_floats);
    free(ranges);
    model_free(m);
}

// cos and inv_freq of transformers 4.57 for the Llama 3.2 1B and a YaRN setting (tests/golden/make_rope_golden.py).
static void rotary_frequencies_match_the_reference(void **state)
{
    char *path = test_source("tests/golden/rope.json");
    json_t *rows, *row;
    size_t i, j;
    assert_ok(json_read(path, 1 << 20, &rows, e));
    json_array_foreach(rows, i, row) {
        struct arch a;
        assert_ok(arch_from_config(&a, json_object_get(row, "config"), "golden", NULL, e));
        json_t *speeds = json_object_get(row, "inv_freq"), *speed;
        float got[256], factor;
        assert_int_equal(json_array_size(speeds), a.head_dim / 2);
        rope_frequencies(&a.ropes[ATTN_FULL], a.head_dim, got, &factor);
        assert_close(factor, json_number_value(json_object_get(row, "factor")), 1e-6);
        json_array_foreach(speeds, j, speed)
            assert_close(got[j], json_number_value(speed), 2e-6 * json_number_value(speed));
    }
    json_decref(rows);
    free(path);
}

static int open_all(void **state)
{
    struct err fault;
    ops = backend_find("cpu");
    folder = test_folder();
    return ops->open(&backend, &(struct backend_options){.n_threads = 2}, &fault);
}

static int close_all(void **state)
{
    ops->close(backend);
    int code = file_remove_tree(folder, NULL);
    free(folder);
    return code;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_loads_the_same_in_every_family),
        cmocka_unit_test(arch_counts_the_parameters_that_the_table_holds),
        cmocka_unit_test(gpt2_layout_is_the_published_one),
        cmocka_unit_test(bf16_and_sharded_weights_load),
        cmocka_unit_test(folders_that_do_not_fit_are_refused_in_words),
        cmocka_unit_test(a_full_disk_leaves_the_old_model_whole),
        cmocka_unit_test(adapters_survive_peft_files_and_merge),
        cmocka_unit_test(the_hash_tells_adapters_and_configs_apart),
        cmocka_unit_test(a_tied_model_with_another_head_keeps_it),
        cmocka_unit_test(weights_that_are_not_finite_are_refused_by_name),
        cmocka_unit_test(a_number_too_large_for_a_format_is_not_written_as_infinite),
        cmocka_unit_test(files_beside_the_weights_are_understood_or_named),
        cmocka_unit_test(a_reward_head_is_saved_and_loaded),
        cmocka_unit_test(decay_covers_matrices_and_nothing_else),
        cmocka_unit_test(rotary_frequencies_match_the_reference),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
