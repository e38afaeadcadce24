#!/usr/bin/env python3
"""Makes the small tokenizers under tests/data/ and the ids that test_tokenizer compares with.

Needs the `tokenizers` package (made with 0.23.3). Run it in the root of the source tree:
    python3 tests/golden/make_tokenizer_golden.py
It writes tests/data/tokenizer-bytes, tests/data/tokenizer-spm, tests/data/tokenizer-train.txt and
tests/golden/tokenizer.json.
"""
import copy
import json
import os
import random

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

TEXT = """The lamp in the harbour house burned all night. Mara said it was for the boats, and nobody asked again.
In the morning the sea was flat and grey; three gulls walked along the wall as if they owned it.
"We're late," said Tom. "It's 7:45 and they've gone without us." He didn't sound sorry, he'd slept well.
They walked past the bakery, the bakery's cat, the school, and the long row of houses with 12 green doors.
At the end of the row there was a garden. In the garden there was a well. In the well there was a voice.
"Who's there?" asked Mara. "I'm there," said the well. "I'll be there when you're not. Don't drop coins."
So they sat down and waited, and the sun went over them, and in the evening the boats came back with 340 fish.
Caf\u00e9 na\u00efve \u00fcber stra\u00dfe; \u65e5\u672c\u8a9e; \u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!
"""

TEXTS = [
    "", " ", "a", "The lamp in the harbour house", " the  sea   was\n\nflat\t\tand grey ",
    "We're late, they'VE said: it's 7:45!",
    "1234567 and 12.5", "caf\u00e9 cafe\u0301 \ufb01sh \u00bd \u2167",
    "\u65e5\u672c\u8a9e \u041f\u0440\u0438\u0432\u0435\u0442",
    "\U0001f600 smiles \U0001f469\u200d\U0001f469\u200d\U0001f467", "<|bos|>the well<|eos|>",
    "x <pad>  y<pad>z apad pad pads, pad",
    "<s>the boats</s>", "in the\u2581garden \u2581\u2581there", "tab\tnull\0end",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "thethethethethethethethethethethethethethethethethethe" * 3, "trailing space ",
    "\u00a0odd\u3000spaces\u2028here\u180e\x85.",
    "(brackets)[and]{signs}#$%&*+-/<=>@\\^_`|~", "\u0130stanbul \u1e9e \u01c5", "\r\nline\r\n\r\nend",
    "'s 's ''s \u2019s", "a'b'c", "|||a||",
]


def random_texts(n, seed):
    r = random.Random(seed)
    bits = ["the ", " well", "\n", "  ", "\t", "'re", "42", "<|bos|>", "<|eos|>", "<pad>", "</s>", "\u00e9", "e\u0301",
            "\u8a9e", "\u2581",
            "\U0001f600", ",", ".", "-", "boats", "Mara", "x", "S", "\u00a0", "pad", "<", ">", "|", "\ufffd", "\u0661"]
    return ["".join(r.choice(bits) for _ in range(r.randrange(1, 14))) for _ in range(n)]


def token(i, content, **flags):
    out = dict(id=i, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    out.update(flags)
    return out


def byte_tokenizer():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=340, min_frequency=2, special_tokens=["<|bos|>", "<|eos|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    j = json.loads(t.to_str())
    j["model"]["merges"] = [" ".join(m) for m in j["model"]["merges"]]  # the older of both forms
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    j.update(added_tokens=[token(0, "<|bos|>"), token(1, "<|eos|>"),
                           token(340, "<pad>", lstrip=True, special=False, normalized=True),
                           token(341, "pad", single_word=True, rstrip=True, special=False)],
             pre_tokenizer=level, decoder=level, post_processor=None)
    return j


def spm_tokenizer():
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.train_from_iterator([TEXT.replace("\n", " ")],
                          trainers.BpeTrainer(vocab_size=170, min_frequency=2, show_progress=False))
    learned = json.loads(t.to_str())["model"]
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for i in range(256):
        vocab["<0x%02X>" % i] = 3 + i
    for text in sorted(learned["vocab"], key=learned["vocab"].get):
        if text not in "\u65e5\u672c\u8a9e":  # left to the bytes
            vocab.setdefault(text, len(vocab))
    model = dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None, end_of_word_suffix=None,
                 fuse_unk=True, byte_fallback=True, ignore_merges=False, vocab=vocab, merges=learned["merges"])
    space = {"String": "\u2581"}
    return dict(version="1.0", truncation=None, padding=None,
                added_tokens=[token(0, "<unk>"), token(1, "<s>"), token(2, "</s>", rstrip=True)],
                normalizer={"type": "Sequence", "normalizers": [
                    {"type": "Prepend", "prepend": "\u2581"},
                    {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
                pre_tokenizer=None,
                post_processor={"type": "TemplateProcessing",
                                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                           {"Sequence": {"id": "A", "type_id": 0}}],
                                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
                decoder={"type": "Sequence", "decoders": [
                    {"type": "Replace", "pattern": space, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
                model=model)


LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def split(pattern, behavior, invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def metaspace(scheme, do_split):
    return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": do_split}


# name, base, what replaces the base's parts ("model.x" reaches into the model)
VARIANTS = [
    ("bytes", "bytes", {}),
    ("bytes, space before", "bytes", {"pre_tokenizer": dict(LEVEL, add_prefix_space=True, use_regex=True)}),
    ("bytes, Qwen's split and NFC", "bytes",
     {"normalizer": {"type": "NFC"}, "pre_tokenizer": sequence(split(QWEN, "Isolated"), LEVEL)}),
    ("bytes, Llama 3's split, ignore_merges", "bytes", {
        "pre_tokenizer": sequence(split(LLAMA3, "Isolated"), LEVEL), "model.ignore_merges": True,
        "post_processor": {"type": "Sequence", "processors": [LEVEL, {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<|bos|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "<|eos|>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {s: {"id": s, "ids": [i], "tokens": [s]} for i, s in enumerate(["<|bos|>", "<|eos|>"])}}]}}),
    ("bytes, digits one by one", "bytes", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True},
                                                                     dict(LEVEL, use_regex=True))}),
    ("bytes, digits together, punctuation", "bytes", {
        "pre_tokenizer": sequence({"type": "Digits", "individual_digits": False},
                                  {"type": "Punctuation", "behavior": "Contiguous"}, LEVEL),
        "post_processor": {"type": "RobertaProcessing", "sep": ["<|eos|>", 1], "cls": ["<|bos|>", 0],
                           "trim_offsets": True, "add_prefix_space": False}}),
    ("bytes, split with previous", "bytes",
     {"pre_tokenizer": sequence(split("|", "MergedWithPrevious", kind="String"), LEVEL)}),
    ("bytes, split with next", "bytes", {"pre_tokenizer": sequence(split("[a|]", "MergedWithNext"), LEVEL)}),
    ("bytes, words only", "bytes", {"pre_tokenizer": sequence(split(r"\p{L}+|\p{N}+", "Removed", invert=True), LEVEL)}),
    ("bytes, contiguous, inverted", "bytes", {"pre_tokenizer": sequence(split(r"\s", "Contiguous", invert=True), LEVEL)}),
    ("bytes, an empty match", "bytes", {"pre_tokenizer": sequence(split(r"(?=e)|\d*", "Isolated"), LEVEL)}),
    ("bytes, spaces removed", "bytes", {"pre_tokenizer": sequence({"type": "WhitespaceSplit"}, LEVEL)}),
    ("bytes, NFKC, lower case, strip", "bytes", {"normalizer": {"type": "Sequence", "normalizers": [
        {"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": True},
        {"type": "Replace", "pattern": {"Regex": "[ \\t]+"}, "content": " "}]}}),
    ("bytes, NFD", "bytes", {"normalizer": {"type": "NFD"}}),
    ("spm", "spm", {}),
    ("spm, metaspace first", "spm",
     {"normalizer": None, "pre_tokenizer": metaspace("first", False), "decoder": metaspace("first", False)}),
    ("spm, metaspace split", "spm",
     {"normalizer": None, "pre_tokenizer": metaspace("always", True), "decoder": metaspace("always", True)}),
    ("spm, metaspace never", "spm",
     {"normalizer": None, "pre_tokenizer": metaspace("never", True), "decoder": metaspace("never", True)}),
    ("spm, unknowns apart", "spm", {"model.byte_fallback": False, "model.fuse_unk": False}),
    ("spm, unknowns fused", "spm", {"model.byte_fallback": False}),
    ("spm, no unknown", "spm", {"model.byte_fallback": False, "model.unk_token": None, "decoder": None}),
]


def apply(base, changes):
    j = copy.deepcopy(base)
    for key, value in changes.items():
        (j["model"] if key.startswith("model.") else j)[key.removeprefix("model.")] = value
    return j


def cases_of(j, texts):
    t = Tokenizer.from_str(json.dumps(j))
    out = []
    for text in texts:
        case = {"text": text}
        for name, specials, parse in (("plain", False, False), ("parsed", False, True), ("whole", True, True)):
            t.encode_special_tokens = not parse
            case[name] = t.encode(text, add_special_tokens=specials).ids
        for name, skip in (("decoded", False), ("decoded_skip", True)):
            case[name] = t.decode(case["whole"], skip_special_tokens=skip)
        for name in ("parsed", "whole"):  # what is the same is not written again
            if case[name] == case["plain"]:
                del case[name]
        out.append(case)
    return out


def write(path, value, **how):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, **how)
        f.write("\n")


def main():
    bases = {"bytes": byte_tokenizer(), "spm": spm_tokenizer()}
    ends = {"bytes": ("<|bos|>", "<|eos|>"), "spm": ("<s>", "</s>")}
    for name, j in bases.items():
        folder = "tests/data/tokenizer-" + name
        write(folder + "/tokenizer.json", j, indent=0)
        write(folder + "/tokenizer_config.json", dict(bos_token=ends[name][0], eos_token=ends[name][1],
              clean_up_tokenization_spaces=False, tokenizer_class="PreTrainedTokenizerFast"), indent=2)
    with open("tests/data/tokenizer-train.txt", "w", encoding="utf-8") as f:
        f.write(TEXT)
    variants = []
    for i, (name, base, changes) in enumerate(VARIANTS):
        texts = TEXTS + random_texts(12, i)
        variants.append(dict(name=name, base=base, changes=changes, cases=cases_of(apply(bases[base], changes), texts)))
    model = bases["bytes"]["model"]
    write("tests/golden/tokenizer.json", dict(
        made_with="tokenizers " + __import__("tokenizers").__version__, variants=variants,
        trained=dict(vocab_size=340, vocab=model["vocab"], merges=model["merges"])), separators=(",", ":"))


main()
