#!/usr/bin/env python3
"""The peer of `attune-engine bench --device cuda --case ...`: transformers and PyTorch on the same card.

DPO as TRL does it: chosen and rejected concatenated and padded to one length, full logits, log-softmax in f32, fused AdamW,
bf16 weights, sdpa attention; the reference's log-probabilities are cached, as Attune's are (`live` beside a name computes them
in every step). Random weights: time and memory are all that is measured. One line a number: NAME VALUE UNIT REMARK.

    python3 bench/gpu_transformers.py dpo-1.3b lora-7b decode-1.3b
"""
import sys
import time

import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForCausalLM

torch.manual_seed(0)
DEVICE = "cuda"
CASES = {  # model, pairs, tokens of a sequence, half of them prompt
    "dpo-124m": ("gpt2", 16, 512),
    "dpo-1.3b": ("opt", 8, 512),
    "dpo-1.3b-real": ("opt", 32, 0),
    "lora-7b": ("llama", 4, 512),
    "decode-1.3b": ("opt", 64, 256),
}


def model_of(kind):
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(DEVICE):
        if kind == "gpt2":
            m = GPT2LMHeadModel(GPT2Config(n_positions=1024, attn_pdrop=0, embd_pdrop=0, resid_pdrop=0))
        elif kind == "opt":
            m = OPTForCausalLM(OPTConfig(hidden_size=2048, num_hidden_layers=24, num_attention_heads=32, ffn_dim=8192,
                                         word_embed_proj_dim=2048, dropout=0, tie_word_embeddings=False))
        else:
            m = LlamaForCausalLM(LlamaConfig(hidden_size=4096, num_hidden_layers=32, num_attention_heads=32,
                                             intermediate_size=11008, vocab_size=32000))
    torch.set_default_dtype(torch.float32)
    return m


class Adapted(torch.nn.Module):
    """A frozen linear layer with an adapter of rank 16 beside it, as PEFT computes it."""

    def __init__(self, base, rank=16):
        super().__init__()
        self.base = base
        self.a = torch.nn.Parameter(torch.randn(rank, base.in_features, device=DEVICE, dtype=torch.bfloat16) * 0.01)
        self.b = torch.nn.Parameter(torch.zeros(base.out_features, rank, device=DEVICE, dtype=torch.bfloat16))

    def forward(self, x):
        return self.base(x) + 2 * F.linear(F.linear(x, self.a), self.b)


def adapt(m):
    for p in m.parameters():
        p.requires_grad_(False)
    for layer in m.model.layers:
        for part, names in ((layer.self_attn, "q_proj k_proj v_proj o_proj"), (layer.mlp, "gate_proj up_proj down_proj")):
            for name in names.split():
                setattr(part, name, Adapted(getattr(part, name)))


def batch(pairs, tokens, vocab):
    """Sequences of a whole length each, or of log-normal ones (median 186, at most 1024) as the data have them."""
    n = 2 * pairs
    if tokens:
        lengths = torch.full((n,), tokens)
    else:
        lengths = torch.exp(torch.randn(n) * 0.8).mul(186).clamp(4, 1024).long()
    width = int(lengths.max())
    mask = (torch.arange(width)[None] < lengths[:, None]).to(DEVICE)
    ids = torch.randint(0, vocab, (n, width), device=DEVICE)
    learnt = mask & (torch.arange(width, device=DEVICE)[None] >= (lengths.to(DEVICE) // 2)[:, None])
    return ids, mask.long(), learnt, int(lengths.sum())


def logps(m, ids, mask, learnt):
    logits = m(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
    lp = torch.gather(logits.log_softmax(-1), 2, ids[:, 1:, None]).squeeze(2)
    return (lp * learnt[:, 1:]).sum(1)


def step(m, optimizer, ids, mask, learnt, piece):
    """One update; pieces of so many pairs at once, chosen and rejected together."""
    pairs = ids.shape[0] // 2
    optimizer.zero_grad(set_to_none=True)
    for i in range(0, pairs, piece):
        rows = list(range(i, min(i + piece, pairs))) + list(range(pairs + i, pairs + min(i + piece, pairs)))
        l = logps(m, ids[rows], mask[rows], learnt[rows])
        half = len(rows) // 2
        (-F.logsigmoid(0.1 * (l[:half] - l[half:])).mean() * half / pairs).backward()
    torch.nn.utils.clip_grad_norm_([p for p in m.parameters() if p.requires_grad], 1.0)
    optimizer.step()


def timed(f, before=2, rounds=3):
    took = []
    for i in range(before + rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        f()
        torch.cuda.synchronize()
        took.append(time.perf_counter() - start)
    return sorted(took[before:])[rounds // 2]


def tell(name, value, unit, remark="-"):
    print(name, value, unit, remark, flush=True)


def measure(name):
    kind, pairs, tokens = CASES[name]
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    m = model_of(kind)
    vocab = m.config.vocab_size
    if name.startswith("decode"):
        m.eval()
        ids = torch.randint(5, vocab, (pairs, tokens // 2), device=DEVICE)
        with torch.no_grad():
            took = timed(lambda: m.generate(ids, attention_mask=torch.ones_like(ids), do_sample=True, top_k=0,
                                            min_new_tokens=tokens // 2, max_new_tokens=tokens // 2, pad_token_id=1), 1, 1)
        tell(name, f"{1000 * took:.0f}", "ms", "default cache")
        tell(name, f"{pairs * (tokens // 2) / took:.0f}", "tokens/s")
    else:
        m.train()
        if name == "lora-7b":
            adapt(m)
        optimizer = torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], lr=1e-6, fused=True)
        ids, mask, learnt, n = batch(pairs, tokens, vocab)
        took = timed(lambda: step(m, optimizer, ids, mask, learnt, 8 if tokens == 0 else pairs))
        tell(name, f"{1000 * took:.1f}", "ms", "reference cached")
        tell(name, f"{n / took:.0f}", "tokens/s", "of both whole sequences, without padding")
    tell(name, f"{torch.cuda.max_memory_allocated() / 2**30:.1f}", "GiB")


for case in sys.argv[1:]:
    if case not in CASES:
        continue
    try:
        measure(case)
    except torch.cuda.OutOfMemoryError:
        tell(case, "-", "-", "does not fit into this card's memory")
