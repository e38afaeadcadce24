// What the members of config.json are, by family. A member that Attune does not read but that other models compute with
// is refused unless its value is the one that changes nothing, also where transformers would pass over it: it says
// that the weights were made for another computation.
#include "config.h"

#include "model/arch_reader.h"

#define U(name) {name, MEMBER_USED, NULL}
#define H(name) {name, MEMBER_HARMLESS, NULL}
#define N(name, neutral) {name, MEMBER_NEUTRAL, neutral}

static const struct member_row common[] = {
    U("model_type"), U("architectures"), U("vocab_size"), U("tie_word_embeddings"), U("eos_token_id"),
    // the tokenizer says which they are
    H("bos_token_id"), H("pad_token_id"),
    // numbers as they are stored; Attune computes in f32 whatever they are
    H("torch_dtype"), H("dtype"), H("initializer_range"), H("init_std"),
    // dropout: Attune trains without
    H("attention_dropout"), H("attn_pdrop"), H("resid_pdrop"), H("embd_pdrop"), H("dropout"), H("layerdrop"),
    H("hidden_dropout"), H("residual_dropout"), H("embedding_dropout"), H("activation_dropout"), H("classifier_dropout"),
    // where it came from and what else a program wants to know
    H("transformers_version"), H("_name_or_path"), H("name_or_path"), H("_commit_hash"), H("auto_map"), H("license"),
    H("tokenizer_class"), H("prefix"), H("task_specific_params"), H("finetuning_task"), H("unsloth_fixed"),
    H("unsloth_version"), H("transformers.js_config"), H("is_llama_config"), H("_attn_implementation"),
    H("attn_implementation"), H("_attn_implementation_autoset"), H("use_flash_attn"), H("_flash_attn_2_enabled"),
    H("torchscript"), H("use_bfloat16"), H("tp_degree"), H("pretraining_tp"), H("chunk_size_feed_forward"),
    H("base_model_tp_plan"), H("base_model_pp_plan"),
    // what a pass gives back
    H("use_cache"), H("cache_implementation"), H("output_attentions"), H("output_hidden_states"), H("output_past"),
    H("output_scores"), H("return_dict"), H("return_dict_in_generate"), H("gradient_checkpointing"), H("is_decoder"),
    // classifiers
    H("id2label"), H("label2id"), H("num_labels"), H("problem_type"), H("_num_labels"), H("sep_token_id"),
    H("cls_token_id"), H("unk_token_id"), H("mask_token_id"),
    // settings of generate(), which older files have here; attune sample has its own
    H("max_length"), H("min_length"), H("max_new_tokens"), H("do_sample"), H("early_stopping"), H("num_beams"),
    H("num_beam_groups"), H("diversity_penalty"), H("temperature"), H("top_k"), H("top_p"), H("typical_p"),
    H("repetition_penalty"), H("length_penalty"), H("no_repeat_ngram_size"), H("encoder_no_repeat_ngram_size"),
    H("bad_words_ids"), H("num_return_sequences"), H("remove_invalid_values"), H("forced_bos_token_id"),
    H("forced_eos_token_id"), H("suppress_tokens"), H("begin_suppress_tokens"), H("exponential_decay_length_penalty"),
    H("decoder_start_token_id"), H("tf_legacy_loss"),
    // another computation
    N("quantization_config", "{}"), N("compression_config", "{}"), N("pruned_heads", "{}"), N("per_layer_config", "{}"),
    N("is_encoder_decoder", "false"), N("add_cross_attention", "false"), N("cross_attention_hidden_size", ""),
    N("tie_encoder_decoder", "false"), N("use_bidirectional_attention", "false"), N("is_causal", "true"),
    N("logits_scaling", "1"), N("logit_scale", "1"), N("embedding_multiplier", "1"), N("residual_multiplier", "1"),
    N("attention_multiplier", ""), N("scale_emb", "1"), N("scale_depth", ""), N("dim_model_base", ""),
    N("lm_head_multiplier", "1"), N("final_logit_softcapping", ""), N("attn_logit_softcapping", ""),
    N("query_pre_attn_scalar", ""), N("clip_qkv", ""), N("qkv_clip", ""), N("normalize_embedding", "false"),
    N("partial_rotary_factor", "1"), N("rotary_pct", "1"), N("rotary_dim", ""), N("rope_interleaved", "false"),
    N("rotary_emb_base", ""), N("rope_local_base_freq", ""), N("no_rope_layers", "[]"), N("no_rope_layer_interval", "0"),
    N("alibi", "false"), N("use_alibi", "false"), N("parallel_attn", "false"), N("use_parallel_residual", "false"),
    N("parallel_residual", "false"), N("qk_layernorm", "false"), N("qk_norm", "false"), N("use_qk_norm", "false"),
    N("attention_bias", "false"), N("qkv_bias", "false"), N("mlp_bias", "false"), N("lm_head_bias", "false"),
    N("num_experts", "0 1"), N("num_local_experts", "0 1"), N("n_routed_experts", "0"), N("layer_types", "[]"),
    N("attention_chunk_size", ""), N("sliding_window", ""), N("sliding_window_pattern", ""),
    N("attn_temperature_tuning", "false"),
    N("mtp_num_layers", "0"), N("num_nextn_predict_layers", "0"), N("hidden_activation", ""),
    {0},
};

// What read_llama reads.
static const struct member_row llama_like[] = {
    U("hidden_size"), U("num_hidden_layers"), U("num_attention_heads"), U("num_key_value_heads"), U("intermediate_size"),
    U("max_position_embeddings"), U("original_max_position_embeddings"), U("head_dim"), U("rms_norm_eps"), U("hidden_act"),
    U("rope_theta"), U("rope_scaling"), U("rope_parameters"), U("layer_types"),
    {0},
};
// A window that these do not have, whatever their config says.
static const struct member_row llama[] = {
    U("attention_bias"), U("mlp_bias"), H("sliding_window"), H("use_sliding_window"), H("max_window_layers"), {0},
};
static const struct member_row mistral[] = {U("sliding_window"), H("use_sliding_window"), H("max_window_layers"), {0}};
static const struct member_row qwen2[] = {
    U("sliding_window"),    U("use_sliding_window"),
    U("max_window_layers"), H("attention_bias") /* always */,
    H("use_mrope"),         {0},
};
static const struct member_row qwen3[] = {
    U("sliding_window"), U("use_sliding_window"), U("max_window_layers"), U("attention_bias"), H("use_mrope"), {0},
};
static const struct member_row gemma[] = {
    U("sliding_window"), U("query_pre_attn_scalar"), U("attn_logit_softcapping"), U("final_logit_softcapping"),
    U("hidden_activation"), U("rope_local_base_freq"), U("sliding_window_pattern"), U("_sliding_window_pattern"), {0},
};
static const struct member_row gpt2[] = {
    U("n_embd"), U("n_layer"), U("n_head"), U("n_positions"), U("n_ctx"), U("n_inner"), U("layer_norm_epsilon"),
    U("activation_function"), N("scale_attn_weights", "true"), N("scale_attn_by_inverse_layer_idx", "false"),
    H("reorder_and_upcast_attn") /* the same in f32 */, H("summary_type"), H("summary_use_proj"), H("summary_activation"),
    H("summary_proj_to_labels"), H("summary_first_dropout"), {0},
};
static const struct member_row opt[] = {
    U("hidden_size"), U("num_hidden_layers"), U("num_attention_heads"), U("ffn_dim"), U("max_position_embeddings"),
    U("word_embed_proj_dim"), U("do_layer_norm_before"), U("_remove_final_layer_norm"), U("enable_bias"),
    U("activation_function"), N("layer_norm_elementwise_affine", "true"), {0},
};

const struct member_row *const *arch_members(enum arch_family family)
{
    static const struct member_row *const tables[][4] = {
        [ARCH_LLAMA] = {llama, llama_like, common}, [ARCH_MISTRAL] = {mistral, llama_like, common},
        [ARCH_QWEN2] = {qwen2, llama_like, common}, [ARCH_QWEN3] = {qwen3, llama_like, common},
        [ARCH_GEMMA2] = {gemma, llama_like, common}, [ARCH_GEMMA3] = {gemma, llama_like, common},
        [ARCH_GPT2] = {gpt2, common}, [ARCH_OPT] = {opt, common}};
    return tables[family];
}
