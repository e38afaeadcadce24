#!/usr/bin/env python3
"""Where a prompt ends among the tokens of prompt and answer as one text, by the offsets of Hugging Face's tokenizers.

Needs the `tokenizers` package (made with VERSION below, which is checked) and, for the real ones, the assets beside the
source tree. Run it in the root of the source tree: python3 tests/golden/text/make_boundary.py [ASSETS]. It writes
tests/golden/text/boundary.json: per tokenizer and pair the ids of the whole text, without what a post-processor adds, and
how many of them hold no character of the answer.
"""
import gzip
import json
import os
import random
import sys

import tokenizers

VERSION = "0.23.3"
OWN = ["tests/data/tokenizer-bytes", "tests/data/tokenizer-spm"]
REAL = ["gpt2", "smollm2", "qwen3", "phi-3"]
# None where a normalizer composes across the boundary ("cafe" + U+0301): the offsets give the accent to the prompt's e,
# while the token does hold a character of the answer.
PAIRS = [
    ("Once upon a time", ", there was a girl."), ("Lily said, \"", "I want to play.\""), ("print(", "x+1)"),
    ("micro", "scope"), ("line one\n", "line two"), ("line one", "\nline two"), ("The lamp", " in the harbour"),
    ("The lamp ", "in the harbour"), ("", "the boats"), ("the boats", ""), ("caf", "\u00e9 na\u00efve"),
    ("\u65e5\u672c", "\u8a9e"), ("a \U0001f469", "\u200d\U0001f467 b"), ("12", "34"),
    ("we'", "re late"), ("don", "'t"), ("  ", "  x"), ("x  ", "  "), ("end.", "\n\n\nNext"), ("\t", "\tx"),
    ("pa", "d pad"), ("the well <|eos|>", " and more"), ("in the\u2581", "garden"), ("Answer: ", "42"), ("A:", " 42"),
]


def with_true_offsets(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as f:
        j = json.load(f)

    def walk(x):
        if isinstance(x, dict):
            if "trim_offsets" in x:
                x["trim_offsets"] = False
            for v in x.values():
                walk(v)
        elif isinstance(x, list):
            for v in x:
                walk(v)

    walk(j["post_processor"])
    walk(j["pre_tokenizer"])
    j["padding"] = j["truncation"] = None
    return tokenizers.Tokenizer.from_str(json.dumps(j))


def more_pairs(n, seed):
    r = random.Random(seed)
    bits = ["the ", " well", "\n", "  ", "\t", "'re", "42", "\u00e9", "e", "\u8a9e", "\U0001f600", ",", ".", "-",
            "boats", "Mara",
            "x", "S", "\u00a0", "<", ">", "|", "ing", "er", " a", "\u0661", "\u2581"]
    text = lambda: "".join(r.choice(bits) for _ in range(r.randrange(0, 8)))
    return [(text(), text()) for _ in range(n)]


def rows(t, pairs):
    out = []
    for prompt, answer in pairs:
        e = t.encode(prompt + answer, add_special_tokens=False)
        before = 0
        while before < len(e.ids) and e.offsets[before][1] <= len(prompt):
            before += 1
        out.append([prompt, answer, e.ids, before])
    return out


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit("made with tokenizers " + VERSION)
    assets = sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"
    golden = {"tokenizers": VERSION, "own": {}, "real": {}}
    for name in OWN:
        golden["own"][name] = rows(with_true_offsets(os.path.join(name, "tokenizer.json")), PAIRS + more_pairs(150, 7))
    for name in REAL:
        path = os.path.join(assets, "tokenizers", name, "tokenizer.json.gz")
        golden["real"]["tokenizers/" + name] = rows(with_true_offsets(path), PAIRS + more_pairs(60, 8))
    with open("tests/golden/text/boundary.json", "w", encoding="utf-8") as f:
        json.dump(golden, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


main()
