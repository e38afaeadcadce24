#!/usr/bin/env python3
"""Adapters of the models beside this file, as PEFT saves them, and the log-probabilities that PEFT gives.

    python3 tests/golden/models/make_adapters.py       (made with peft 0.21.2, transformers 5.24.0, torch 2.15)

adapters/NAME/: save_pretrained of a LoRA with random matrices; adapters.json: texts as in expected.json.
"""
import json
import os
import shutil
import tempfile

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = {
    "plain": ("llama", dict(r=3, lora_alpha=6, target_modules=["q_proj", "down_proj"])),
    "patterns": ("llama", dict(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj", "up_proj"],
                               rank_pattern={"v_proj": 4, r"layers\.(?!0)\w+\.self_attn\.q_proj": 1},
                               alpha_pattern={"model.layers.0.mlp.up_proj": 16,
                                              r".*\.\d+\.self_attn.(?:q_proj|v_proj)": 3})),
    "rslora": ("llama", dict(r=4, lora_alpha=8, target_modules=["o_proj"], use_rslora=True)),
    "regex": ("llama", dict(r=2, lora_alpha=4, target_modules=r".*layers\.1\.mlp\.(gate|up)_proj")),
    "layers": ("qwen3", dict(r=2, lora_alpha=4, target_modules=["k_proj", "o_proj"], layers_to_transform=[1])),
    "all-linear": ("qwen3", dict(r=2, lora_alpha=5, target_modules="all-linear")),
    "fused": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True,
                           rank_pattern={"h.1.attn.c_attn": 3})),
}


def main():
    with open(os.path.join(HERE, "expected.json")) as f:
        texts = json.load(f)["texts"]
    rows = []
    for n, (name, (family, settings)) in enumerate(CASES.items()):
        with tempfile.TemporaryDirectory() as base:
            shutil.copyfile(os.path.join(HERE, family, "model.safetensors"), os.path.join(base, "model.safetensors"))
            shutil.copyfile(os.path.join(HERE, family, "default.json"), os.path.join(base, "config.json"))
            model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").eval()
            model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
            g = torch.Generator().manual_seed(200 + n)
            for key, w in model.named_parameters():
                if "lora_" in key:
                    w.data = 0.3 * torch.randn(w.shape, generator=g)
            folder = os.path.join(HERE, "adapters", name)
            shutil.rmtree(folder, ignore_errors=True)
            model.eval().save_pretrained(folder)
            os.remove(os.path.join(folder, "README.md"))
            path = os.path.join(folder, "adapter_config.json")
            with open(path) as f:
                config = json.load(f)
            config["base_model_name_or_path"] = "base"
            with open(path, "w") as f:
                json.dump(config, f, indent=1, sort_keys=True)
                f.write("\n")
            logprobs = []
            with torch.no_grad():
                for ids in texts:
                    lp = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
                    logprobs.append([round(lp[i, ids[i + 1]].item(), 6) for i in range(len(ids) - 1)])
            rows.append({"family": family, "config": "default", "adapter": name, "logprobs": logprobs})
    with open(os.path.join(HERE, "adapters.json"), "w") as f:
        f.write('{"made_with": "peft %s, transformers %s, torch %s",\n "cases": [\n  ' %
                (peft.__version__, transformers.__version__, torch.__version__.split("+")[0]))
        f.write(",\n  ".join(json.dumps(one) for one in rows))
        f.write("\n]}\n")


if __name__ == "__main__":
    main()
