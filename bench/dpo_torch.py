#!/usr/bin/python3
"""The peer of `attune-engine bench`: a DPO step as TRL does it, in eager PyTorch on the CPU.

Chosen and rejected concatenated and padded to one length, reference forward without gradient in every step, full
logits, log_softmax, AdamW. Random weights: only time and memory are measured. Runs with Debian's python3-torch:

    OPENBLAS_CORETYPE=SkylakeX /usr/bin/python3 bench/dpo_torch.py --rounds 6
"""
import argparse
import resource
import time

import torch
import torch.nn.functional as F

p = argparse.ArgumentParser()
p.add_argument("--d", type=int, default=288)
p.add_argument("--layers", type=int, default=6)
p.add_argument("--heads", type=int, default=6)
p.add_argument("--ff", type=int, default=768)
p.add_argument("--vocab", type=int, default=32000)
p.add_argument("--pairs", type=int, default=8)
p.add_argument("--tokens", type=int, default=256, help="of each whole sequence, half of them prompt")
p.add_argument("--rounds", type=int, default=5)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--bf16", action="store_true", help="autocast")
o = p.parse_args()
torch.set_num_threads(o.threads)
torch.manual_seed(0)
HD = o.d // o.heads


class Norm(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(o.d))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.w


def rotate(x, cos, sin):
    a, b = x[..., : HD // 2], x[..., HD // 2:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        lin = lambda i, j: torch.nn.Linear(i, j, bias=False)
        self.n1, self.n2 = Norm(), Norm()
        self.q, self.k, self.v, self.o = (lin(o.d, o.d) for _ in range(4))
        self.gate, self.up, self.down = lin(o.d, o.ff), lin(o.d, o.ff), lin(o.ff, o.d)

    def forward(self, x, cos, sin, mask):
        B, T, _ = x.shape
        h = self.n1(x)
        split = lambda y: y.view(B, T, o.heads, HD).transpose(1, 2)
        q, k, v = rotate(split(self.q(h)), cos, sin), rotate(split(self.k(h)), cos, sin), split(self.v(h))
        a = torch.softmax(q @ k.transpose(-1, -2) / HD ** 0.5 + mask, -1)
        x = x + self.o((a @ v).transpose(1, 2).reshape(B, T, o.d))
        h = self.n2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(o.vocab, o.d)
        self.layers = torch.nn.ModuleList(Layer() for _ in range(o.layers))
        self.norm = Norm()

    def forward(self, ids):
        T = ids.shape[1]
        angle = torch.arange(T)[:, None] * (10000.0 ** (-torch.arange(0, HD, 2) / HD))[None]
        mask = torch.full((T, T), float("-inf")).triu(1)
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, angle.cos(), angle.sin(), mask)
        return self.norm(x) @ self.embed.weight.T


def logps(model, ids, mask):
    logits = model(ids)[:, :-1].float()
    lp = torch.gather(logits.log_softmax(-1), 2, ids[:, 1:, None]).squeeze(2)
    return (lp * mask[:, 1:]).sum(1)


model, ref = Model(), Model()
ref.load_state_dict(model.state_dict())
opt = torch.optim.AdamW(model.parameters(), lr=1e-6)
prompt = o.tokens // 2
ids = torch.randint(0, o.vocab, (2 * o.pairs, o.tokens))
ids[o.pairs:, :prompt] = ids[: o.pairs, :prompt]
mask = torch.zeros(2 * o.pairs, o.tokens)
mask[:, prompt:] = 1
for step in range(o.rounds + 1):
    start = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=o.bf16):
        with torch.no_grad():
            r = logps(ref, ids, mask)
        l = logps(model, ids, mask)
    d = (l - r)[: o.pairs] - (l - r)[o.pairs:]
    loss = -F.logsigmoid(0.1 * d).mean()
    opt.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    took = time.perf_counter() - start
    if step:
        print(f"step {step}: {took:.3f} s, {ids.numel() / took:.0f} tokens/s (both branches), loss {loss.item():.4f}", flush=True)
print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
