// Learns a byte-level BPE vocabulary from text (Sennrich et al. 2016, with GPT-2's bytes and pre-tokenizer).
#pragma once

#include <stddef.h>

#include "base/err.h"

#define BPE_TRAIN_TEXT_MAX ((size_t)64 << 20)

// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json to out_dir (made when absent): first
// `specials` (NULL-terminated; in this order bos, eos, pad, others; a lone one is bos and eos), then the 256
// bytes in the order of their characters, then one token a merge, up to exactly vocab_size.
//
// Deterministic: each merge joins the most frequent pair of neighbours inside of words; of equally frequent
// ones that whose left id is lower, then whose right id is lower. Texts of special tokens inside `text`
// separate words and are not learned. ERR_INPUT when no pair occurs twice before vocab_size is reached.
int bpe_train(const char *text, size_t n, int vocab_size, const char *const *specials, const char *out_dir,
              struct err *e);
