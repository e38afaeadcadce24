#!/usr/bin/env python3
"""Tiny models of every supported family as Hugging Face transformers 5 saves them, and the log-probabilities that it gives.

    python3 tests/golden/models/make_hf_folders.py      (made with transformers 5.24.0, torch 2.15)

FAMILY/model.safetensors: random weights in bf16, written by save_pretrained. FAMILY/NAME.json: config.json of the same
weights with other settings (kinds of rotary positions, windows), by save_pretrained as well. expected.json: for each of
them the log-probability of every token after the first of two texts, computed in f32 with a log-softmax in double. One text
is longer than the original length of the rotary scalings.
"""
import json
import os
import shutil
import tempfile

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
VOCAB, LENGTH = 64, 128
ROPES = {
    "default": {"rope_type": "default", "rope_theta": 10000.0},
    "theta": {"rope_type": "default", "rope_theta": 500.0},
    "linear": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0},
    "llama3": {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 32},
    "yarn": {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 32},
    "yarn-more": {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 32,
                  "beta_fast": 16.0, "beta_slow": 2.0, "truncate": False, "mscale": 1.0, "mscale_all_dim": 0.7},
}
SIZES = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=LENGTH, bos_token_id=1, eos_token_id=2, rms_norm_eps=1e-5)


def ropes(**more):
    return {name: dict(rope_parameters=dict(rope), **more) for name, rope in ROPES.items()}


QWEN_WINDOW = dict(rope_parameters=ROPES["default"], use_sliding_window=True, sliding_window=16)
FAMILIES = {
    "llama": (dict(SIZES, tie_word_embeddings=False), ropes()),
    "llama-bias": (dict(SIZES, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, head_dim=6),
                   {"default": dict(rope_parameters=ROPES["default"])}),
    "mistral": (dict(SIZES, tie_word_embeddings=False),
                {**ropes(sliding_window=None), "window": dict(rope_parameters=ROPES["default"], sliding_window=16)}),
    "qwen2": (dict(SIZES, tie_word_embeddings=True),
              {**ropes(), "window": dict(QWEN_WINDOW, max_window_layers=1),
               "no-window": dict(QWEN_WINDOW, max_window_layers=2)}),
    "qwen3": (dict(SIZES, tie_word_embeddings=True, head_dim=12),
              {**ropes(), "window": dict(QWEN_WINDOW, layer_types=["sliding_attention", "full_attention"])}),
    "gemma2": (dict(SIZES, head_dim=12, query_pre_attn_scalar=10, sliding_window=16),
               {**{name: more for name, more in ropes().items() if name in ("default", "linear", "yarn")},
                "no-caps": dict(attn_logit_softcapping=None, final_logit_softcapping=None),
                "small-caps": dict(attn_logit_softcapping=1.5, final_logit_softcapping=4.0)}),
    "gemma3_text": (dict(SIZES, head_dim=12, query_pre_attn_scalar=10, sliding_window=16, rms_norm_eps=1e-6),
                    {"default": dict(layer_types=["sliding_attention", "full_attention"]),
                     "all-sliding": {},
                     "scaled": dict(layer_types=["sliding_attention", "full_attention"], rope_parameters={
                         "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
                         "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5000.0}})}),
    "gpt2": (dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=LENGTH, bos_token_id=1, eos_token_id=2),
             {"default": {}, "gelu": dict(activation_function="gelu"), "upcast": dict(reorder_and_upcast_attn=True)}),
    "opt": (dict(vocab_size=VOCAB, hidden_size=32, ffn_dim=48, num_hidden_layers=2, num_attention_heads=4,
                 max_position_embeddings=LENGTH, word_embed_proj_dim=32, bos_token_id=2, eos_token_id=2, pad_token_id=1),
            {"default": {}}),
    "opt-projected": (dict(vocab_size=VOCAB, hidden_size=32, ffn_dim=48, num_hidden_layers=2, num_attention_heads=4,
                           max_position_embeddings=LENGTH, word_embed_proj_dim=16, do_layer_norm_before=False,
                           bos_token_id=2,
                           eos_token_id=2, pad_token_id=1), {"default": {}}),
}


def fill(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, w in model.named_parameters():
        noise = torch.randn(w.shape, generator=g)
        if w.dim() == 1:
            one = 1.0 if ("norm" in name or "ln_" in name) and "gemma" not in model.config.model_type else 0.0
            w.data = (one * name.endswith("weight") + 0.2 * noise)
        else:
            w.data = noise * (0.6 if "embed" in name or "wte" in name else 1.2 / w.shape[-1] ** 0.5)


def log_probabilities(folder, texts):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    out = []
    with torch.no_grad():
        for ids in texts:
            lp = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
            out.append([round(lp[i, ids[i + 1]].item(), 6) for i in range(len(ids) - 1)])
    return out


def main():
    g = torch.Generator().manual_seed(3)
    texts = [torch.randint(3, VOCAB, (n,), generator=g).tolist() for n in (12, 100)]
    expected = []
    for seed, (family, (sizes, variants)) in enumerate(FAMILIES.items()):
        folder = os.path.join(HERE, family)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name, more in variants.items():
            config = AutoConfig.for_model(family.split("-")[0], **dict(sizes, **more))
            model = AutoModelForCausalLM.from_config(config)
            fill(model, 50 + seed)
            with tempfile.TemporaryDirectory() as saved:
                model.to(torch.bfloat16).save_pretrained(saved)
                if not os.path.exists(os.path.join(folder, "model.safetensors")):
                    shutil.copyfile(os.path.join(saved, "model.safetensors"), os.path.join(folder, "model.safetensors"))
                shutil.copyfile(os.path.join(saved, "config.json"), os.path.join(folder, name + ".json"))
                expected.append({"family": family, "config": name, "logprobs": log_probabilities(saved, texts)})
    with open(os.path.join(HERE, "expected.json"), "w") as f:
        f.write('{"made_with": "transformers %s, torch %s",\n "texts": %s,\n "cases": [\n  ' %
                (transformers.__version__, torch.__version__.split("+")[0], json.dumps(texts)))
        f.write(",\n  ".join(json.dumps(one) for one in expected))
        f.write("\n]}\n")


if __name__ == "__main__":
    main()
