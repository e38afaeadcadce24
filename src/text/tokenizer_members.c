// What the members of a tokenizer's files are. Components (normalizer, pre-tokenizer, decoder, post-processor) are checked
// by their types where they are read; here is which of their settings anybody knows.
#include "config.h"

#include <string.h>

#include "base/members.h"
#include "text/tokenizer_config.h"

#define U(name) {name, MEMBER_USED, NULL}
#define H(name) {name, MEMBER_HARMLESS, NULL}
#define N(name, neutral) {name, MEMBER_NEUTRAL, neutral}

static const struct member_row root_members[] = {
    U("added_tokens"), U("normalizer"), U("pre_tokenizer"), U("post_processor"), U("decoder"), U("model"), H("version"),
    H("truncation"), H("padding"), // of one use of the tokenizer
    {0}};

static const struct member_row model_members[] = {
    U("type"), U("vocab"), U("merges"), U("unk_token"), U("fuse_unk"), U("byte_fallback"), U("ignore_merges"), U("dropout"),
    U("continuing_subword_prefix"), U("end_of_word_suffix"), {0}};

static const struct member_row token_members[] = {U("id"), U("content"), U("special"), U("normalized"), U("lstrip"),
                                                  U("rstrip"), U("single_word"), H("__type"), {0}};

static const struct member_row component_members[] = {U("type"),
                                                      U("normalizers"),
                                                      U("pretokenizers"),
                                                      U("decoders"),
                                                      U("processors"),
                                                      U("prepend"),
                                                      U("pattern"),
                                                      U("content"),
                                                      U("strip_left"),
                                                      U("strip_right"),
                                                      U("add_prefix_space"),
                                                      U("use_regex"),
                                                      U("replacement"),
                                                      U("prepend_scheme"),
                                                      U("split"),
                                                      U("behavior"),
                                                      U("invert"),
                                                      U("individual_digits"),
                                                      U("start"),
                                                      U("stop"),
                                                      U("single"),
                                                      U("special_tokens"),
                                                      U("sep"),
                                                      U("cls"),
                                                      H("pair") /* of two texts */,
                                                      H("trim_offsets") /* where, not which */,
                                                      H("str_rep"),
                                                      {0}};

static const struct member_row config_members[] = {
    U("bos_token"), U("eos_token"), U("unk_token"), U("sep_token"), U("pad_token"), U("cls_token"), U("mask_token"),
    U("additional_special_tokens"), U("extra_special_tokens"), U("model_specific_special_tokens"),
    U("added_tokens_decoder"), U("add_bos_token"),
    U("add_eos_token"), U("add_prefix_space"), U("chat_template"), U("tokenizer_class"),
    // how long, how padded, and by which program
    H("model_max_length"), H("max_len"), H("max_length"), H("max_len_single_sentence"), H("padding_side"),
    H("truncation_side"), H("truncation_strategy"), H("stride"), H("pad_to_multiple_of"), H("pad_token_type_id"),
    H("model_input_names"), H("name_or_path"), H("_name_or_path"), H("tokenizer_file"), H("special_tokens_map_file"),
    H("vocab_file"), H("merges_file"), H("backend"), H("is_local"), H("local_files_only"), H("auto_map"), H("from_slow"),
    H("processor_class"), H("feature_extractor_type"), H("device_map"), H("use_fast"), H("tokenizer_type"), H("vocab_size"),
    H("trust_remote_code"), H("token"), H("revision"), H("transformers_version"), H("init_inputs"), H("response_schema"),
    H("add_special_tokens"), H("special_tokens"), H("full_tokenizer_file"), H("mergeable_ranks"), H("pat_str"),
    // what tokenizer.json says exactly
    H("legacy"), H("sp_model_kwargs"), H("do_lower_case"), H("do_normalize"), H("normalization"),
    H("split_by_unicode_script"),
    H("clean_up_tokenization_spaces"), H("spaces_between_special_tokens"), H("errors"), H("trim_offsets"),
    // texts of chats that came before templates, and of pictures and sounds
    H("use_default_system_prompt"), H("image_token"), H("boi_token"), H("eoi_token"), H("audio_token"), H("video_token"),
    H("image_token_id"),
    // other tokens for the same text
    N("split_special_tokens", "false"), {0}};

static int check(const json_t *object, const struct member_row *rows, const char *where, struct notes *notes, struct err *e)
{
    const struct member_row *const tables[] = {rows, NULL};
    return json_is_object(object) ? members_check(object, tables, where, notes, e) : 0;
}

// A component, and those in it when it is a Sequence.
static int check_component(const json_t *component, const char *where, int depth, struct notes *notes, struct err *e)
{
    static const char *const lists[] = {"normalizers", "pretokenizers", "decoders", "processors"};
    int code = check(component, component_members, where, notes, e);
    for (size_t i = 0; i < 4 && depth < SEQUENCE_DEPTH; i++) {
        const json_t *list = json_object_get(component, lists[i]);
        for (size_t k = 0; k < json_array_size(list) && !code; k++)
            code = check_component(json_array_get(list, k), where, depth + 1, notes, e);
    }
    return code;
}

int tokenizer_check_json(const json_t *root, const char *where, struct notes *notes, struct err *e)
{
    static const char *const components[] = {"normalizer", "pre_tokenizer", "post_processor", "decoder"};
    const json_t *added = json_object_get(root, "added_tokens");
    int code = check(root, root_members, where, notes, e);
    if (!code)
        code = check(json_object_get(root, "model"), model_members, where, notes, e);
    for (size_t i = 0; i < 4 && !code; i++)
        code = check_component(json_object_get(root, components[i]), where, 0, notes, e);
    for (size_t i = 0; i < json_array_size(added) && !code; i++)
        code = check(json_array_get(added, i), token_members, where, notes, e);
    return code;
}

int tokenizer_check_config(const json_t *config, const char *where, struct notes *notes, struct err *e)
{
    return check(config, config_members, where, notes, e);
}
