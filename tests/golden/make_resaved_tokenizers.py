#!/usr/bin/env python3
"""The tokenizers of tests/data as transformers 5 saves them again, and the ids that it gives.

    python3 tests/golden/make_resaved_tokenizers.py      (made with transformers 5.24.0, tokenizers of the same day)

resaved/NAME/: save_pretrained. resaved.json: for each text its ids with and without what the tokenizer adds.
"""
import json
import os
import shutil
import tempfile

import tokenizers
import transformers
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")
TEXTS = ["Hello there, my friend.", " leading space", "a  b\n\n c\t", "na\u00efve caf\u00e9 \u4f60\u597d \U0001f642", "",
         "<|bos|>text<|eos|>", "x<s>y</s> z", "call <|tool|> now<image>", "1234567 + 89", "line\r\nline"]
CASES = {
    "bytes": ("tokenizer-bytes", {}, {}),
    "bytes-extra-list": ("tokenizer-bytes", {}, {"extra_special_tokens": ["<|tool|>"]}),
    "bytes-extra-named": ("tokenizer-bytes", {"extra_special_tokens": {"image_token": "<image>"}}, {}),
    "bytes-padded": ("tokenizer-bytes", {"model_max_length": 64, "padding_side": "left"}, {"pad_token": "<|pad|>"}),
    "spm": ("tokenizer-spm", {}, {}),
    "spm-as-llama": ("tokenizer-spm", {"tokenizer_class": "LlamaTokenizer"}, {}),
}


def main():
    rows = []
    for name, (source, config, tokens) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            for file in os.listdir(os.path.join(DATA, source)):
                shutil.copyfile(os.path.join(DATA, source, file), os.path.join(folder, file))
            path = os.path.join(folder, "tokenizer_config.json")
            with open(path) as f:
                settings = dict(json.load(f), **config)
            with open(path, "w") as f:
                json.dump(settings, f)
            t = AutoTokenizer.from_pretrained(folder)
            if tokens:
                t.add_special_tokens(tokens)
            out = os.path.join(HERE, "resaved", name)
            shutil.rmtree(out, ignore_errors=True)
            t.save_pretrained(out)
        t = AutoTokenizer.from_pretrained(out)
        rows.append({"name": name, "bos": t.bos_token_id, "eos": t.eos_token_id,
                     "ids": [[t(x)["input_ids"], t(x, add_special_tokens=False)["input_ids"]] for x in TEXTS]})
    with open(os.path.join(HERE, "resaved.json"), "w") as f:
        f.write('{"made_with": "transformers %s, tokenizers %s",\n "texts": %s,\n "cases": [\n  ' %
                (transformers.__version__, tokenizers.__version__, json.dumps(TEXTS)))
        f.write(",\n  ".join(json.dumps(row) for row in rows))
        f.write("\n]}\n")


if __name__ == "__main__":
    main()
