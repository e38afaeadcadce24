// What config.json says and what is made of it.
#include "config.h"

#include "testing.h"

#include "base/json.h"
#include "model/arch.h"

// A config of a family with one more member; NULL value: as it is.
static json_t *config_of(const char *family, const char *member, const char *value)
{
    const bool gpt2 = strcmp(family, "gpt2") == 0, opt = strcmp(family, "opt") == 0;
    json_t *json, *config;
    if (gpt2)
        config = json_pack("{s:i, s:i, s:i, s:i}", "n_embd", 32, "n_layer", 4, "n_head", 4, "n_positions", 64);
    else
        config = json_pack("{s:i, s:i, s:i, s:i, s:i}", "hidden_size", 32, "num_hidden_layers", 4, "num_attention_heads", 4,
                           opt ? "ffn_dim" : "intermediate_size", 48, "max_position_embeddings", 64);
    json_object_set_new(config, "model_type", json_string(family));
    json_object_set_new(config, "vocab_size", json_integer(64));
    if (!gpt2 && !opt)
        json_object_set_new(config, "num_key_value_heads", json_integer(2));
    if (member) {
        assert_ok(json_parse(value, strlen(value), "value", &json, e));
        json_object_set_new(config, member, json);
    }
    return config;
}

static void members_that_change_the_result_are_refused_unless_neutral(void **state)
{
    static const struct {
        const char *family, *member, *value, *refused; // NULL: read without a word
    } rows[] = {
        {"llama", "logits_scaling", "8.0", "\"logits_scaling\" is 8.0"},
        {"llama", "logits_scaling", "1.0", NULL},
        {"llama", "embedding_multiplier", "12", "\"embedding_multiplier\" is 12"},
        {"llama", "residual_multiplier", "0.22", "\"residual_multiplier\""},
        {"llama", "attention_multiplier", "0.015625", "\"attention_multiplier\""},
        {"llama", "quantization_config", "{\"quant_method\": \"gptq\", \"bits\": 4}", "\"quantization_config\""},
        {"llama", "quantization_config", "null", NULL},
        {"llama", "partial_rotary_factor", "0.5", "\"partial_rotary_factor\" is 0.5"},
        {"llama", "partial_rotary_factor", "1", NULL},
        {"llama", "attn_logit_softcapping", "50.0", "\"attn_logit_softcapping\""},
        {"llama", "final_logit_softcapping", "30.0", "\"final_logit_softcapping\""},
        {"llama", "query_pre_attn_scalar", "256", "\"query_pre_attn_scalar\""},
        {"llama", "clip_qkv", "8", "\"clip_qkv\""},
        {"llama", "num_local_experts", "8", "\"num_local_experts\""},
        {"llama", "is_encoder_decoder", "true", "\"is_encoder_decoder\""},
        {"llama", "layer_types", "[\"full_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]", NULL},
        {"llama", "layer_types", "[\"full_attention\",\"sliding_attention\",\"full_attention\",\"full_attention\"]",
         "a llama model has none"},
        {"llama", "layer_types", "[\"full_attention\"]", "must be a list of 4 texts"},
        {"llama", "attention_bias", "true", NULL},
        {"mistral", "attention_bias", "true", "\"attention_bias\" is true"},
        {"mistral", "mlp_bias", "true", "\"mlp_bias\" is true"},
        {"qwen2", "attention_bias", "false", NULL}, // it always has one
        {"qwen2", "layer_types", "[\"linear_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]",
         "\"linear_attention\""},
        {"qwen2", "layer_types", "[\"sliding_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]",
         "there is no sliding window"},
        {"gpt2", "scale_attn_by_inverse_layer_idx", "true", "\"scale_attn_by_inverse_layer_idx\""},
        {"gpt2", "scale_attn_weights", "false", "\"scale_attn_weights\""},
        {"gpt2", "reorder_and_upcast_attn", "true", NULL},
        {"gpt2", "add_cross_attention", "true", "\"add_cross_attention\""},
        {"opt", "layer_norm_elementwise_affine", "false", "\"layer_norm_elementwise_affine\""},
        {"llama", "rope_scaling", "{\"rope_type\": \"longrope\", \"factor\": 4.0}", "\"longrope\" are not supported"},
        {"llama", "rope_scaling", "{\"type\": \"su\"}", "\"su\" are not supported"},
        {"llama", "rope_parameters",
         "{\"rope_type\": \"default\", \"partial_rotary_factor\": 0.25}", "\"partial_rotary_factor\""},
        {"llama", "rope_parameters", "{\"rope_type\": \"linear\"}", "\"factor\" is missing"},
        {"llama", "rope_parameters", "{\"rope_type\": \"llama3\", \"factor\": 8.0}", "\"low_freq_factor\" is missing"},
        {"llama", "rope_parameters", "{\"rope_type\": \"linear\", \"factor\": 0.5}", "impossible factor"},
        {"llama", "rope_parameters", "{\"rope_type\": \"default\", \"rope_theta\": 0.5}", "\"rope_theta\" must be larger"},
        {"llama", "rope_parameters", "[1]", "must be an object"},
        {"llama", "rope_parameters", "{\"full_attention\": {\"rope_type\": \"default\"}, \"chunked_attention\": {}}",
         "\"chunked_attention\""},
        {"llama", "rope_theta", "NaN", "\"rope_theta\" must be a number"},
        {"llama", "use_cache", "1e400", NULL}, // nobody reads it
        {"llama", "torch_dtype", "\"bfloat16\"", NULL},
        {"gemma", "x", "1", "\"gemma\" is not supported"},
        {"gemma3", "x", "1", "\"gemma3\" is not supported"}, // with pictures
        {"gemma2", "attn_logit_softcapping", "50.0", NULL},
        {"gemma2", "final_logit_softcapping", "-1", "must be above 0"},
        {"gemma2", "query_pre_attn_scalar", "null", "\"query_pre_attn_scalar\" is missing"},
        {"gemma2", "hidden_activation", "\"silu\"", "other than gelu_pytorch_tanh"},
        {"gemma3_text", "use_bidirectional_attention", "true", "\"use_bidirectional_attention\""},
        {"gemma3_text", "sliding_window", "null", "no \"sliding_window\""},
        {"llama", "hidden_act", "\"gelu_pytorch_tanh\"", NULL},
        {"llama", "hidden_act", "\"relu\"", "other than silu and gelu_pytorch_tanh"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *config = config_of(rows[i].family, rows[i].member, rows[i].value);
        struct notes notes = {0};
        struct err fault = {0};
        struct arch a;
        const int code = arch_from_config(&a, config, "config.json", &notes, &fault);
        if (!rows[i].refused != !code || (code && !strstr(fault.text, rows[i].refused)))
            fail_msg("%s with %s %s: code %d, \"%s\"", rows[i].family, rows[i].member, rows[i].value, code, fault.text);
        assert_int_equal(notes.n, 0);
        json_decref(config);
    }
}

static void unknown_members_are_named(void **state)
{
    json_t *config = config_of("llama", "shiny_new_gate", "true");
    struct notes notes = {0};
    struct arch a;
    assert_ok(arch_from_config(&a, config, "DIR/config.json", &notes, e));
    assert_int_equal(notes.n, 1);
    assert_string_equal(notes.texts[0], "DIR/config.json: \"shiny_new_gate\" is not known to Attune and was not read");
    notes_fini(&notes);
    json_decref(config);
    config = config_of("llama", "rope_parameters", "{\"rope_type\": \"default\", \"wobble\": 2}");
    assert_ok(arch_from_config(&a, config, "config.json", &notes, e));
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.texts[0], "\"wobble\""));
    notes_fini(&notes);
    json_decref(config);
}

static void what_gemma_3_does_otherwise_is_refused(void **state)
{
    static const struct {
        const char *more, *refused;
    } rows[] = {
        {"\"use_cache\": true", NULL},
        {"\"attn_logit_softcapping\": 0.5", "attn_logit_softcapping"},
        {"\"attn_logit_softcapping\": null", NULL},
        {"\"_sliding_window_pattern\": 3", "_sliding_window_pattern"},
        {"\"_sliding_window_pattern\": 6", NULL},
        {"\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4.0, \"rope_theta\": 1e6}",
         "full_attention and sliding_attention"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arch a;
        struct err fault = {0};
        struct notes notes = {0};
        struct str text = {0};
        json_error_t wrong;
        str_addf(&text, "{\"model_type\": \"gemma3_text\", \"vocab_size\": 64, \"hidden_size\": 32, \"num_hidden_layers\": "
                        "7, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"head_dim\": 16, "
                        "\"intermediate_size\": 48, \"sliding_window\": 8, %s}", rows[i].more);
        json_t *config = json_loads(str_text(&text), 0, &wrong);
        assert_non_null(config);
        const int code = arch_from_config(&a, config, "config.json", &notes, &fault);
        if (!rows[i].refused != !code || (rows[i].refused && !strstr(fault.text, rows[i].refused)))
            fail_msg("%s: \"%s\"", rows[i].more, fault.text);
        json_decref(config);
        notes_fini(&notes);
        str_fini(&text);
    }
}

static void contradictions_of_rotary_settings_are_refused(void **state)
{
    static const struct {
        const char *theta, *scaling, *parameters, *refused;
    } rows[] = {
        {"10000", "null", "{\"rope_type\": \"default\", \"rope_theta\": 10000.0}", NULL},
        {"10000", "null", "{\"rope_type\": \"default\", \"rope_theta\": 500000.0}", "\"rope_theta\" is 10000, but 500000"},
        {"500", "null", "{\"rope_type\": \"linear\", \"factor\": 2}", NULL},
        {"500", "{\"type\": \"linear\", \"factor\": 2.0}", "{\"rope_type\": \"linear\", \"factor\": 2}", NULL},
        {"500", "{\"type\": \"linear\", \"factor\": 4.0}",
         "{\"rope_type\": \"linear\", \"factor\": 2}", "contradict each other"},
        {"500", "{\"type\": \"dynamic\", \"factor\": 2.0}",
         "{\"rope_type\": \"linear\", \"factor\": 2}", "contradict each other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *config = config_of("llama", "rope_theta", rows[i].theta), *scaling, *parameters;
        struct err fault = {0};
        struct arch a;
        assert_ok(json_parse(rows[i].scaling, strlen(rows[i].scaling), "", &scaling, e));
        assert_ok(json_parse(rows[i].parameters, strlen(rows[i].parameters), "", &parameters, e));
        json_object_set_new(config, "rope_scaling", scaling);
        json_object_set_new(config, "rope_parameters", parameters);
        const int code = arch_from_config(&a, config, "config.json", NULL, &fault);
        if (!rows[i].refused != !code || (code && !strstr(fault.text, rows[i].refused)))
            fail_msg("row %zu: code %d, \"%s\"", i, code, fault.text);
        if (!code)
            assert_close(a.ropes[ATTN_FULL].theta, atof(rows[i].theta), 0);
        json_decref(config);
    }
}

static void windows_belong_to_layers(void **state)
{
    static const struct {
        const char *family, *members;
        int window;
        const char *layers; // s: sliding, f: full
    } rows[] = {
        {"mistral", "{\"sliding_window\": 8}", 8, "ssss"},
        {"mistral", "{\"sliding_window\": null}", 0, "ffff"},
        {"mistral", "{}", 4096, "ssss"}, // what transformers takes it for
        {"llama", "{\"sliding_window\": 8}", 0, "ffff"},
        {"qwen2", "{\"sliding_window\": 8, \"use_sliding_window\": false}", 0, "ffff"},
        {"qwen2", "{\"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 4}", 0, "ffff"},
        {"qwen2", "{\"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 1}", 8, "fsss"},
        {"gemma2", "{\"sliding_window\": 8}", 8, "sfsf"},
        {"gemma3_text", "{\"sliding_window\": 8, \"sliding_window_pattern\": 3}", 8, "ssfs"},
        {"qwen3", "{\"sliding_window\": 8, \"use_sliding_window\": true, \"layer_types\": [\"sliding_attention\", "
                  "\"full_attention\", \"full_attention\", \"sliding_attention\"]}", 8, "sffs"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *config = config_of(rows[i].family, NULL, NULL), *more;
        struct arch a;
        assert_ok(json_parse(rows[i].members, strlen(rows[i].members), "", &more, e));
        json_object_update(config, more);
        assert_ok(arch_from_config(&a, config, "config.json", NULL, e));
        assert_int_equal(a.sliding_window, rows[i].window);
        for (int layer = 0; layer < 4; layer++)
            assert_int_equal(arch_attn_kind(&a, layer), rows[i].layers[layer] == 's' ? ATTN_SLIDING : ATTN_FULL);
        json_decref(config);
        json_decref(more);
    }
}

static void kinds_of_layers_have_rotary_settings_of_their_own(void **state)
{
    json_t *config = config_of("qwen3", "rope_parameters", "{\"full_attention\": {\"rope_type\": \"linear\", \"factor\": "
                               "8.0, \"rope_theta\": 1000000.0}, \"sliding_attention\": {\"rope_type\": \"default\", "
                               "\"rope_theta\": 5000.0}}");
    struct arch a;
    assert_ok(arch_from_config(&a, config, "config.json", NULL, e));
    assert_close(a.ropes[ATTN_FULL].theta, 1e6, 0);
    assert_int_equal(a.ropes[ATTN_FULL].scaling, ROPE_LINEAR);
    assert_close(a.ropes[ATTN_SLIDING].theta, 5000, 0);
    assert_int_equal(a.ropes[ATTN_SLIDING].scaling, ROPE_PLAIN);
    assert_false(rope_same(&a.ropes[ATTN_FULL], &a.ropes[ATTN_SLIDING]));
    json_decref(config);
    // Gemma 3 before transformers 5: a base for each kind, and scaling for the full layers alone.
    config = config_of("gemma3_text", "rope_scaling", "{\"rope_type\": \"linear\", \"factor\": 8.0}");
    assert_ok(arch_from_config(&a, config, "config.json", NULL, e));
    assert_close(a.ropes[ATTN_FULL].theta, 1e6, 0);
    assert_close(a.ropes[ATTN_FULL].factor, 8, 0);
    assert_close(a.ropes[ATTN_SLIDING].theta, 1e4, 0);
    assert_int_equal(a.ropes[ATTN_SLIDING].scaling, ROPE_PLAIN);
    json_decref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_that_change_the_result_are_refused_unless_neutral),
        cmocka_unit_test(unknown_members_are_named),
        cmocka_unit_test(what_gemma_3_does_otherwise_is_refused),
        cmocka_unit_test(contradictions_of_rotary_settings_are_refused),
        cmocka_unit_test(windows_belong_to_layers),
        cmocka_unit_test(kinds_of_layers_have_rotary_settings_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
