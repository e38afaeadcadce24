#!/usr/bin/env python3
"""Writes rope.json: rotary frequencies by Hugging Face transformers for the scalings that Attune knows.

    pip install torch transformers; python3 tests/golden/make_rope_golden.py > tests/golden/rope.json
"""
import json

import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

BASE = dict(model_type="llama", vocab_size=32, num_hidden_layers=1, intermediate_size=64)
CASES = [
    dict(hidden_size=128, num_attention_heads=2, head_dim=64, max_position_embeddings=131072, rope_theta=500000.0,
         rope_scaling=dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                           original_max_position_embeddings=8192)),
    dict(hidden_size=128, num_attention_heads=2, head_dim=64, max_position_embeddings=8192, rope_theta=10000.0,
         rope_scaling=dict(rope_type="linear", factor=4.0)),
    dict(hidden_size=128, num_attention_heads=1, head_dim=128, max_position_embeddings=131072, rope_theta=1000000.0,
         rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768)),
]
rows = []
for case in CASES:
    config = LlamaConfig(**{k: v for k, v in {**BASE, **case}.items() if k != "model_type"})
    inv_freq, factor = ROPE_INIT_FUNCTIONS[case["rope_scaling"]["rope_type"]](config, torch.device("cpu"))
    rows.append(dict(config={**BASE, **case}, inv_freq=[float(x) for x in inv_freq], factor=float(factor)))
print(json.dumps(rows, indent=1))
