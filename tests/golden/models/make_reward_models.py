#!/usr/bin/env python3
"""Tiny reward models as Hugging Face transformers 5 saves them (score.weight and no lm_head), and the scores that it gives.

    python3 tests/golden/models/make_reward_models.py      (made with transformers 5.24.0, torch 2.15)

reward/FAMILY/model.safetensors, config.json: random weights in bf16, by save_pretrained. rewards.json: the score of each text
of expected.json, computed in f32.
"""
import json
import os
import shutil

import torch
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification

from make_hf_folders import FAMILIES, HERE, fill

UNTIED = {"llama", "mistral"} # by their configs; the others' head would be the token embedding


def main():
    with open(os.path.join(HERE, "expected.json")) as f:
        texts = json.load(f)["texts"]
    shutil.rmtree(os.path.join(HERE, "reward"), ignore_errors=True)
    cases = []
    for seed, family in enumerate(("llama", "mistral", "qwen2", "gpt2", "opt")):
        sizes, variants = FAMILIES[family]
        config = AutoConfig.for_model(family, **dict(sizes, **variants["default"], num_labels=1, pad_token_id=0))
        assert bool(config.tie_word_embeddings) == (family not in UNTIED)
        folder = os.path.join(HERE, "reward", family)
        model = AutoModelForSequenceClassification.from_config(config)
        fill(model, 70 + seed)
        model.to(torch.bfloat16).save_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        with torch.no_grad():
            scores = [round(model.eval()(torch.tensor([ids])).logits[0, 0].item(), 6) for ids in texts]
            model.config.pad_token_id = 2 # the end token: the score is then that of the token before it
            padded = [round(model(torch.tensor([ids + [2]])).logits[0, 0].item(), 6) for ids in texts]
            assert max(abs(a - b) for a, b in zip(scores, padded)) < 1e-5
        cases.append({"family": family, "untied": family in UNTIED, "scores": scores})
    with open(os.path.join(HERE, "rewards.json"), "w") as f:
        f.write('{"made_with": "transformers %s, torch %s",\n "cases": [\n  ' %
                (transformers.__version__, torch.__version__.split("+")[0]))
        f.write(",\n  ".join(json.dumps(one) for one in cases))
        f.write("\n]}\n")


if __name__ == "__main__":
    main()
