#include "config.h"

#include "model/generation_config.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/members.h"

#define H(name) {name, MEMBER_HARMLESS, NULL}
#define N(name, neutral) {name, MEMBER_NEUTRAL, neutral}

static const struct member_row members[] = {
    // attune sample has these itself
    H("do_sample"), H("temperature"), H("top_k"), H("top_p"), H("min_p"), H("max_length"), H("max_new_tokens"),
    H("num_return_sequences"),
    // ends of answers are the tokenizer's and the chat template's
    H("bos_token_id"), H("eos_token_id"), H("pad_token_id"), H("decoder_start_token_id"), H("transformers_version"),
    H("_from_model_config"), H("use_cache"), H("use_mtp"), H("cache_implementation"), H("cache_config"), H("max_cache_len"),
    H("return_legacy_cache"), H("output_attentions"), H("output_hidden_states"), H("output_scores"), H("output_logits"),
    H("return_dict_in_generate"), H("max_time"), H("early_stopping"), H("compile_config"), H("disable_compile"),
    H("continuous_batching_config"), H("low_memory"), H("prefill_chunk_size"), H("remove_invalid_values"), H("is_assistant"),
    H("num_assistant_tokens"), H("num_assistant_tokens_schedule"), H("assistant_confidence_threshold"),
    H("prompt_lookup_num_tokens"), H("max_matching_ngram_size"), H("assistant_early_exit"), H("assistant_lookbehind"),
    H("target_lookbehind"), H("assistant_ensemble_weight"), H("speculation_type"), H("diversity_penalty"),
    H("num_beam_groups"),
    H("length_penalty"), H("exponential_decay_length_penalty"), H("encoder_no_repeat_ngram_size"), H("trust_remote_code"),
    // other answers
    N("repetition_penalty", "1"), N("encoder_repetition_penalty", "1"), N("no_repeat_ngram_size", "0"), N("num_beams", "1"),
    N("top_h", "1"), N("typical_p", "1"), N("epsilon_cutoff", "0"), N("eta_cutoff", "0"), N("penalty_alpha", "0"),
    N("min_length", "0"), N("min_new_tokens", "0"), N("bad_words_ids", "[]"), N("force_words_ids", "[]"),
    N("constraints", "[]"),
    N("forced_bos_token_id", ""), N("forced_eos_token_id", ""), N("suppress_tokens", "[]"), N("begin_suppress_tokens", "[]"),
    N("forced_decoder_ids", "[]"), N("sequence_bias", "{} []"), N("guidance_scale", "1"), N("watermarking_config", "{}"),
    N("dola_layers", ""), N("stop_strings", "[]"), N("renormalize_logits", "false"), N("token_healing", "false"), {0}};

int generation_config_note(const char *dir, struct notes *notes, struct err *e)
{
    enum { MAX_CONFIG = 1 << 20 };
    static const struct member_row *const tables[] = {members, NULL};
    char *path = path_join(dir, "generation_config.json");
    json_t *config = NULL;
    struct err other = {0};
    int code = file_exists(path) ? json_read(path, MAX_CONFIG, &config, e) : 0;
    if (!code && config && members_check(config, tables, path, notes, &other))
        notes_add(notes, "%s; attune sample draws without it", other.text); // it changes nothing that is trained or scored
    json_decref(config);
    free(path);
    return code;
}
