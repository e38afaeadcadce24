#!/usr/bin/env python3
"""The peer of `attune-engine bench --case decode-15m|decode-110m|rloo-15m`: `transformers` on the CPU.

decode: `generate` of 64 prompts at once, 16 + 64 tokens. rloo: `generate` of 8 prompts x 8 answers, 64 + 64 tokens, then one
forward with gradient over prompt and answer, a leave-one-out loss, backward, clipping and AdamW; no reference. Random
weights, and answers that do not end: only time and memory are measured. Needs PyTorch 2 and transformers, such as of a
virtual environment:

    python3 bench/rloo_transformers.py --case rloo-15m --rounds 3
"""
import argparse
import resource
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

SHAPES = {"15m": (288, 6, 6, 768), "110m": (768, 12, 12, 2048)}
VOCAB = 32000

p = argparse.ArgumentParser()
p.add_argument("--case", choices=["decode-15m", "decode-110m", "rloo-15m"], default="rloo-15m")
p.add_argument("--rounds", type=int, default=3)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--bf16", action="store_true", help="weights of decode in bf16, autocast of rloo")
o = p.parse_args()
torch.set_num_threads(o.threads)
torch.manual_seed(0)
d, layers, heads, ff = SHAPES[o.case.split("-")[1]]
learns = o.case.startswith("rloo")
config = LlamaConfig(vocab_size=VOCAB, hidden_size=d, num_hidden_layers=layers, num_attention_heads=heads,
                     num_key_value_heads=heads, intermediate_size=ff, max_position_embeddings=128, rms_norm_eps=1e-5,
                     tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=None)
model = LlamaForCausalLM(config)
if o.bf16 and not learns:
    model = model.to(torch.bfloat16)
prompts, samples, n_prompt, n_new = (8, 8, 64, 64) if learns else (64, 1, 16, 64)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)


@torch.no_grad()
def answer():
    model.eval()
    ids = torch.randint(0, VOCAB, (prompts, n_prompt)).repeat_interleave(samples, 0)
    return model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                          min_new_tokens=n_new, max_new_tokens=n_new, pad_token_id=0)


def learn(ids):
    model.train()
    scores = (ids[:, n_prompt] % 7).float().view(prompts, samples)
    advantages = (scores - (scores.sum(1, keepdim=True) - scores) / (samples - 1)).view(-1)
    logits = model(ids, attention_mask=torch.ones_like(ids), logits_to_keep=n_new + 1, use_cache=False).logits[:, :-1]
    logp = logits.float().log_softmax(-1).gather(2, ids[:, n_prompt:, None]).squeeze(2).sum(1)
    loss = -(advantages * torch.exp(logp - logp.detach())).mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


for step in range(o.rounds + 1):
    start, worked = time.perf_counter(), time.process_time()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=o.bf16 and learns):
        ids = answer()
        sampled = time.perf_counter() - start
        if learns:
            learn(ids)
    took, processor = time.perf_counter() - start, time.process_time() - worked
    assert ids.shape == (prompts * samples, n_prompt + n_new)
    if step:
        print(f"step {step}: {took:.3f} s, processors {processor:.3f} s, sampling {sampled:.3f} s, {prompts * samples * n_new / sampled:.0f} tokens/s sampled",
              flush=True)
print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
