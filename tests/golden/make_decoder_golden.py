#!/usr/bin/env python3
"""Tiny decoders of every supported architecture, written from their published definitions in plain torch with
autograd in double precision, and what they give for one packed batch: log-probabilities, reward scores, and the
gradient of every parameter. Run: python3 tests/golden/make_decoder_golden.py (made with torch 2.15).

Per case CASE/weights and CASE/grads: a Hugging Face folder each (config.json, model.safetensors in f32), the second
with the gradient of every parameter in its place. expected.json holds the batch, coefficients and expectations.

Loss = sum_i coef_i log p(target_i) + sum_s score_coef_s score_s. Every response is a text of its own here (prompt and
response together, no sharing, no packing), which is what packing with shared prompts must reproduce.
"""
import json
import math
import os
import struct

import numpy as np
import torch

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "decoder")
torch.set_default_dtype(torch.float64)


def write_safetensors(path, tensors):
    header, offset, blobs = {}, 0, []
    for name in sorted(tensors):
        a = np.ascontiguousarray(tensors[name].detach().numpy().astype(np.float32))
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
        blobs.append(a.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


class Params:
    """Parameters by their Hugging Face names, f32-representable, each a leaf of autograd."""

    def __init__(self, seed):
        self.g = torch.Generator().manual_seed(seed)
        self.t = {}

    def add(self, name, *shape, around=0.0, spread=0.25):
        w = around + spread * torch.randn(*shape, generator=self.g)
        w = w.to(torch.float32).to(torch.float64).requires_grad_()
        self.t[name] = w
        return w

    def linear(self, name, out, into, bias):
        self.add(name + ".weight", out, into, spread=0.9 / math.sqrt(into))
        if bias:
            self.add(name + ".bias", out, spread=0.2)

    def norm(self, name, n, bias):
        self.add(name + ".weight", n, around=1.0, spread=0.2)
        if bias:
            self.add(name + ".bias", n, spread=0.2)

    def __getitem__(self, name):
        return self.t[name]

    def __contains__(self, name):
        return name in self.t

    def apply(self, name, x):  # y = x W^T + b
        y = x @ self.t[name + ".weight"].T
        return y + self.t[name + ".bias"] if name + ".bias" in self.t else y


def rms_norm(x, w, eps):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * w


def layer_norm(p, name, x, eps):
    m = x.mean(-1, keepdim=True)
    v = ((x - m) ** 2).mean(-1, keepdim=True)
    return (x - m) / torch.sqrt(v + eps) * p[name + ".weight"] + p[name + ".bias"]


def capped(x, cap):
    return cap * torch.tanh(x / cap) if cap else x


def attend(q, k, v, n_heads, n_kv, window, scale=None, cap=None):
    t = q.shape[0]
    d = q.shape[1] // n_heads
    q = q.view(t, n_heads, d).transpose(0, 1)
    k = k.view(t, n_kv, d).transpose(0, 1).repeat_interleave(n_heads // n_kv, 0)
    v = v.view(t, n_kv, d).transpose(0, 1).repeat_interleave(n_heads // n_kv, 0)
    s = capped(q @ k.transpose(1, 2) * (scale or 1 / math.sqrt(d)), cap)
    i, j = torch.arange(t)[:, None], torch.arange(t)[None, :]
    seen = j <= i
    if window:
        seen = seen & (i - j < window)
    s = s.masked_fill(~seen, -math.inf)
    return (torch.softmax(s, -1) @ v).transpose(0, 1).reshape(t, n_heads * d)


def rope_inv_freq(c, d):
    theta = c.get("rope_parameters", c).get("rope_theta", 10000.0)
    inv = 1.0 / (theta ** (torch.arange(0, d, 2) / d))
    s = c.get("rope_scaling")
    if not s:
        return inv, 1.0
    kind = s["rope_type"]
    if kind == "linear":
        return inv / s["factor"], 1.0
    if kind == "llama3":  # Llama 3.1's reference code
        low = s["original_max_position_embeddings"] / s["low_freq_factor"]
        high = s["original_max_position_embeddings"] / s["high_freq_factor"]
        out = []
        for f in inv.tolist():
            wave = 2 * math.pi / f
            if wave < high:
                out.append(f)
            elif wave > low:
                out.append(f / s["factor"])
            else:
                smooth = (s["original_max_position_embeddings"] / wave - s["low_freq_factor"]) / (
                    s["high_freq_factor"] - s["low_freq_factor"])
                out.append((1 - smooth) * f / s["factor"] + smooth * f)
        return torch.tensor(out), 1.0
    # YaRN, section 3.3 of Peng et al. 2023
    length, base = s["original_max_position_embeddings"], c.get("rope_theta", 10000.0)

    def dim_of(rotations):
        return d * math.log(length / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(math.floor(dim_of(32)), 0), min(math.ceil(dim_of(1)), d - 1)
    ramp = ((torch.arange(d // 2) - low) / max(high - low, 1e-3)).clamp(0, 1)
    return inv / s["factor"] * ramp + inv * (1 - ramp), 0.1 * math.log(s["factor"]) + 1


def rotate(x, c, n_heads):
    t = x.shape[0]
    d = x.shape[1] // n_heads
    inv, factor = rope_inv_freq(c, d)
    angle = torch.arange(t)[:, None].to(torch.float64) * inv[None, :]
    cos, sin = torch.cos(angle) * factor, torch.sin(angle) * factor
    x = x.view(t, n_heads, d)
    a, b = x[..., : d // 2], x[..., d // 2:]
    cos, sin = cos[:, None, :], sin[:, None, :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).reshape(t, n_heads * d)


class Llama:
    """llama, mistral, qwen2, qwen3 (which norms each head's query and key before they are rotated)."""

    def __init__(self, config, seed):
        c = self.c = config
        p = self.p = Params(seed)
        d = c.get("head_dim", c["hidden_size"] // c["num_attention_heads"])
        bias = c["model_type"] == "qwen2" or c.get("attention_bias", False)
        out_bias = c["model_type"] != "qwen2" and c.get("attention_bias", False)
        mlp_bias = c.get("mlp_bias", False)
        p.add("model.embed_tokens.weight", c["vocab_size"], c["hidden_size"], spread=0.6)
        for i in range(c["num_hidden_layers"]):
            n = f"model.layers.{i}."
            p.norm(n + "input_layernorm", c["hidden_size"], False)
            p.linear(n + "self_attn.q_proj", c["num_attention_heads"] * d, c["hidden_size"], bias)
            p.linear(n + "self_attn.k_proj", c["num_key_value_heads"] * d, c["hidden_size"], bias)
            p.linear(n + "self_attn.v_proj", c["num_key_value_heads"] * d, c["hidden_size"], bias)
            p.linear(n + "self_attn.o_proj", c["hidden_size"], c["num_attention_heads"] * d, out_bias)
            if c["model_type"] == "qwen3":
                p.norm(n + "self_attn.q_norm", d, False)
                p.norm(n + "self_attn.k_norm", d, False)
            p.norm(n + "post_attention_layernorm", c["hidden_size"], False)
            p.linear(n + "mlp.gate_proj", c["intermediate_size"], c["hidden_size"], mlp_bias)
            p.linear(n + "mlp.up_proj", c["intermediate_size"], c["hidden_size"], mlp_bias)
            p.linear(n + "mlp.down_proj", c["hidden_size"], c["intermediate_size"], mlp_bias)
        p.norm("model.norm", c["hidden_size"], False)
        if not c["tie_word_embeddings"]:
            p.linear("lm_head", c["vocab_size"], c["hidden_size"], False)
        self.width = c["hidden_size"]

    def head_norm(self, name, x, heads):
        if name + "_norm.weight" not in self.p:
            return x
        each = x.view(x.shape[0], heads, -1)
        return rms_norm(each, self.p[name + "_norm.weight"], self.c["rms_norm_eps"]).reshape(x.shape)

    def hidden(self, ids):
        c, p = self.c, self.p
        eps, nh, nkv = c["rms_norm_eps"], c["num_attention_heads"], c["num_key_value_heads"]
        x = p["model.embed_tokens.weight"][ids]
        for i in range(c["num_hidden_layers"]):
            n = f"model.layers.{i}."
            h = rms_norm(x, p[n + "input_layernorm.weight"], eps)
            q, k = (self.head_norm(n + "self_attn." + w, p.apply(n + "self_attn." + w + "_proj", h), many)
                    for w, many in (("q", nh), ("k", nkv)))
            q, k = rotate(q, c, nh), rotate(k, c, nkv)
            v = p.apply(n + "self_attn.v_proj", h)
            sliding = c.get("layer_types", ["sliding_attention"] * c["num_hidden_layers"])[i] == "sliding_attention"
            window = c.get("sliding_window") if sliding else None
            x = x + p.apply(n + "self_attn.o_proj", attend(q, k, v, nh, nkv, window))
            h = rms_norm(x, p[n + "post_attention_layernorm.weight"], eps)
            g, u = p.apply(n + "mlp.gate_proj", h), p.apply(n + "mlp.up_proj", h)
            x = x + p.apply(n + "mlp.down_proj", g * torch.sigmoid(g) * u)
        return rms_norm(x, p["model.norm.weight"], eps)

    def last_hidden(self, h):
        return h

    def logits(self, h):
        return h @ self.p["model.embed_tokens.weight" if self.c["tie_word_embeddings"] else "lm_head.weight"].T


class Gemma:
    """gemma2 and gemma3_text: norms of weight 1 + w, before and after attention and MLP; embeddings times sqrt(width); gelu;
    caps on scores and logits; layers with a window, in the third version with angles of their own."""

    def __init__(self, config, seed):
        c = self.c = config
        p = self.p = Params(seed)
        self.width = w = c["hidden_size"]
        d, nh, nkv = c["head_dim"], c["num_attention_heads"], c["num_key_value_heads"]
        p.add("model.embed_tokens.weight", c["vocab_size"], w, spread=0.3)
        for i in range(c["num_hidden_layers"]):
            n = f"model.layers.{i}."
            for name in ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                         "post_feedforward_layernorm"):
                p.add(n + name + ".weight", w, spread=0.3)
            if c["model_type"] == "gemma3_text":
                p.add(n + "self_attn.q_norm.weight", d, spread=0.3)
                p.add(n + "self_attn.k_norm.weight", d, spread=0.3)
            p.linear(n + "self_attn.q_proj", nh * d, w, False)
            p.linear(n + "self_attn.k_proj", nkv * d, w, False)
            p.linear(n + "self_attn.v_proj", nkv * d, w, False)
            p.linear(n + "self_attn.o_proj", w, nh * d, False)
            p.linear(n + "mlp.gate_proj", c["intermediate_size"], w, False)
            p.linear(n + "mlp.up_proj", c["intermediate_size"], w, False)
            p.linear(n + "mlp.down_proj", w, c["intermediate_size"], False)
        p.add("model.norm.weight", w, spread=0.3)

    def norm(self, name, x):
        return rms_norm(x, 1 + self.p[name + ".weight"], self.c["rms_norm_eps"])

    def heads(self, name, x, many):
        if name + "_norm.weight" not in self.p:
            return x
        return self.norm(name + "_norm", x.view(x.shape[0], many, -1)).reshape(x.shape)

    def hidden(self, ids):
        c, p = self.c, self.p
        nh, nkv = c["num_attention_heads"], c["num_key_value_heads"]
        x = p["model.embed_tokens.weight"][ids] * math.sqrt(c["hidden_size"])
        for i in range(c["num_hidden_layers"]):
            n, kind = f"model.layers.{i}.", c["layer_types"][i]
            rope = {"rope_parameters": c["rope_parameters"].get(kind, c["rope_parameters"])}
            h = self.norm(n + "input_layernorm", x)
            q, k = (rotate(self.heads(n + "self_attn." + w, p.apply(n + f"self_attn.{w}_proj", h), many), rope, many)
                    for w, many in (("q", nh), ("k", nkv)))
            a = attend(q, k, p.apply(n + "self_attn.v_proj", h), nh, nkv,
                       c["sliding_window"] if kind == "sliding_attention" else None, c["query_pre_attn_scalar"] ** -0.5,
                       c["attn_logit_softcapping"])
            x = x + self.norm(n + "post_attention_layernorm", p.apply(n + "self_attn.o_proj", a))
            h = self.norm(n + "pre_feedforward_layernorm", x)
            g, u = p.apply(n + "mlp.gate_proj", h), p.apply(n + "mlp.up_proj", h)
            g = 0.5 * g * (1 + torch.tanh(math.sqrt(2 / math.pi) * (g + 0.044715 * g ** 3)))
            x = x + self.norm(n + "post_feedforward_layernorm", p.apply(n + "mlp.down_proj", g * u))
        return self.norm("model.norm", x)

    def last_hidden(self, h):
        return h

    def logits(self, h):
        return capped(h @ self.p["model.embed_tokens.weight"].T, self.c["final_logit_softcapping"])


class Gpt2:
    """Radford et al. 2019; Conv1D weights are stored (in, out), q, k and v in one."""

    def __init__(self, config, seed):
        c = self.c = config
        p = self.p = Params(seed)
        d = self.width = c["n_embd"]
        p.add("transformer.wte.weight", c["vocab_size"], d, spread=0.6)
        p.add("transformer.wpe.weight", c["n_positions"], d, spread=0.3)
        for i in range(c["n_layer"]):
            n = f"transformer.h.{i}."
            for name, into, out in (("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, 4 * d),
                                    ("mlp.c_proj", 4 * d, d)):
                p.add(n + name + ".weight", into, out, spread=0.9 / math.sqrt(into))
                p.add(n + name + ".bias", out, spread=0.2)
            p.norm(n + "ln_1", d, True)
            p.norm(n + "ln_2", d, True)
        p.norm("transformer.ln_f", d, True)

    def conv(self, name, x):
        return x @ self.p[name + ".weight"] + self.p[name + ".bias"]

    def hidden(self, ids):
        c, p = self.c, self.p
        eps, d = c["layer_norm_epsilon"], c["n_embd"]
        x = p["transformer.wte.weight"][ids] + p["transformer.wpe.weight"][: len(ids)]
        for i in range(c["n_layer"]):
            n = f"transformer.h.{i}."
            q, k, v = self.conv(n + "attn.c_attn", layer_norm(p, n + "ln_1", x, eps)).split(d, -1)
            x = x + self.conv(n + "attn.c_proj", attend(q, k, v, c["n_head"], c["n_head"], None))
            u = self.conv(n + "mlp.c_fc", layer_norm(p, n + "ln_2", x, eps))
            u = 0.5 * u * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u ** 3)))
            x = x + self.conv(n + "mlp.c_proj", u)
        return layer_norm(p, "transformer.ln_f", x, eps)

    def last_hidden(self, h):
        return h

    def logits(self, h):
        return h @ self.p["transformer.wte.weight"].T


class Opt:
    """Zhang et al. 2022; positions start at row 2; the 350m order puts norms after the residual sums."""

    def __init__(self, config, seed):
        c = self.c = config
        p = self.p = Params(seed)
        d, e = c["hidden_size"], c["word_embed_proj_dim"]
        self.width = d
        p.add("model.decoder.embed_tokens.weight", c["vocab_size"], e, spread=0.6)
        p.add("model.decoder.embed_positions.weight", c["max_position_embeddings"] + 2, d, spread=0.3)
        if e != d:
            p.linear("model.decoder.project_in", d, e, False)
            p.linear("model.decoder.project_out", e, d, False)
        for i in range(c["num_hidden_layers"]):
            n = f"model.decoder.layers.{i}."
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                p.linear(n + "self_attn." + name, d, d, True)
            p.norm(n + "self_attn_layer_norm", d, True)
            p.linear(n + "fc1", c["ffn_dim"], d, True)
            p.linear(n + "fc2", d, c["ffn_dim"], True)
            p.norm(n + "final_layer_norm", d, True)
        if c["do_layer_norm_before"]:
            p.norm("model.decoder.final_layer_norm", d, True)

    def hidden(self, ids):
        c, p = self.c, self.p
        before, nh = c["do_layer_norm_before"], c["num_attention_heads"]
        x = p["model.decoder.embed_tokens.weight"][ids]
        if "model.decoder.project_in.weight" in p:
            x = p.apply("model.decoder.project_in", x)
        x = x + p["model.decoder.embed_positions.weight"][2: 2 + len(ids)]
        for i in range(c["num_hidden_layers"]):
            n = f"model.decoder.layers.{i}."
            h = layer_norm(p, n + "self_attn_layer_norm", x, 1e-5) if before else x
            q, k, v = (p.apply(n + "self_attn." + w, h) for w in ("q_proj", "k_proj", "v_proj"))
            x = x + p.apply(n + "self_attn.out_proj", attend(q, k, v, nh, nh, None))
            if not before:
                x = layer_norm(p, n + "self_attn_layer_norm", x, 1e-5)
            h = layer_norm(p, n + "final_layer_norm", x, 1e-5) if before else x
            x = x + p.apply(n + "fc2", torch.relu(p.apply(n + "fc1", h)))
            if not before:
                x = layer_norm(p, n + "final_layer_norm", x, 1e-5)
        return layer_norm(p, "model.decoder.final_layer_norm", x, 1e-5) if before else x

    def last_hidden(self, h):  # as wide as the embedding: what the model's last hidden state is for its heads
        return self.p.apply("model.decoder.project_out", h) if "model.decoder.project_out.weight" in self.p else h

    def logits(self, h):
        return self.last_hidden(h) @ self.p["model.decoder.embed_tokens.weight"].T


def llama(**more):
    return {"model_type": "llama", "vocab_size": 37, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "intermediate_size": 24, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True, "bos_token_id": 1,
            "eos_token_id": 2, **more}


def qwen3(**more):  # heads of a size of their own; settings as transformers 5 writes them
    c = llama(model_type="qwen3", head_dim=6, rope_parameters={"rope_type": "default", "rope_theta": 1000.0}, **more)
    del c["rope_theta"]
    return c


def gemma(**more):
    return {"vocab_size": 37, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 6, "intermediate_size": 24, "max_position_embeddings": 64, "rms_norm_eps": 1e-6,
            "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 7, "sliding_window": 5,
            "layer_types": ["sliding_attention", "full_attention"], "tie_word_embeddings": True, "bos_token_id": 1,
            "eos_token_id": 2, **more}


def opt(**more):
    return {"model_type": "opt", "vocab_size": 37, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
            "ffn_dim": 24, "max_position_embeddings": 32, "word_embed_proj_dim": 16, "do_layer_norm_before": True,
            "activation_function": "relu", "tie_word_embeddings": True, "bos_token_id": 2, "eos_token_id": 2, **more}


CASES = [
    ("llama-gqa-tied", Llama, llama()),
    ("llama-rope3-bias", Llama, llama(
        tie_word_embeddings=False, attention_bias=True, mlp_bias=True, rope_theta=500.0,
        rope_scaling={"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 2.0,
                      "original_max_position_embeddings": 16})),
    ("llama-yarn", Llama, llama(
        num_hidden_layers=1, rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16})),
    ("mistral-window", Llama, llama(model_type="mistral", sliding_window=5, tie_word_embeddings=False)),
    ("qwen2-bias-untied", Llama, llama(model_type="qwen2", tie_word_embeddings=False, rms_norm_eps=1e-6,
                                       rope_theta=1000.0)),
    ("gpt2", Gpt2, {"model_type": "gpt2", "vocab_size": 37, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32,
                    "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new", "bos_token_id": 36,
                    "eos_token_id": 36}),
    ("opt-pre-norm", Opt, opt()),
    ("opt-post-norm-projected", Opt, opt(word_embed_proj_dim=8, do_layer_norm_before=False)),
    ("qwen3", Llama, qwen3()),
    ("qwen3-window-bias", Llama, qwen3(
        attention_bias=True, tie_word_embeddings=False, use_sliding_window=True, sliding_window=4,
        layer_types=["full_attention", "sliding_attention"])),
    ("gemma2", Gemma, gemma(model_type="gemma2", attn_logit_softcapping=2.0, final_logit_softcapping=5.0,
                            rope_parameters={"rope_type": "default", "rope_theta": 1000.0})),
    ("gemma3", Gemma, gemma(
        model_type="gemma3_text", attn_logit_softcapping=None, final_logit_softcapping=None,
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 1000.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}})),
]

GROUPS = [  # prompt and its responses
    {"prompt": [1, 5, 9, 13, 4, 7, 7], "responses": [[3, 11, 22, 2], [30, 8, 8, 19, 36, 0, 2]]},
    {"prompt": [1, 20], "responses": [[15, 2], [6], [21, 14, 33, 27, 10, 12, 2]]},
    {"prompt": [1], "responses": [[35, 34, 5, 2]]},
]


def run(model, coefs, score_coefs, score):
    loss, logprobs, scores, i, s = 0, [], [], 0, 0
    for group in GROUPS:
        for response in group["responses"]:
            ids = group["prompt"] + response
            h = model.hidden(torch.tensor(ids))
            lp = torch.log_softmax(model.logits(h), -1)
            for j, token in enumerate(response):
                value = lp[len(group["prompt"]) + j - 1, token]
                logprobs.append(value.item())
                loss = loss + coefs[i] * value
                i += 1
            value = (model.last_hidden(h[-1]) * score).sum()
            scores.append(value.item())
            loss = loss + score_coefs[s] * value
            s += 1
    return loss, logprobs, scores


def main():
    g = torch.Generator().manual_seed(7)
    n_targets = sum(len(r) for group in GROUPS for r in group["responses"])
    n_seqs = sum(len(group["responses"]) for group in GROUPS)
    coefs = [round(x, 4) for x in torch.randn(n_targets, generator=g).tolist()]
    score_coefs = [round(x, 4) for x in torch.randn(n_seqs, generator=g).tolist()]
    out = {"made_with": f"tests/golden/make_decoder_golden.py, torch {torch.__version__}, float64", "groups": GROUPS,
           "coef": coefs, "score_coef": score_coefs, "cases": []}
    for n, (name, kind, config) in enumerate(CASES):
        model = kind(config, 100 + n)
        score = model.p.add("score.weight", 1, config.get("word_embed_proj_dim", model.width))
        loss, logprobs, scores = run(model, coefs, score_coefs, score)
        loss.backward()
        for part, tensors in (("weights", model.p.t), ("grads", {k: v.grad for k, v in model.p.t.items()})):
            folder = os.path.join(HERE, name, part)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "config.json"), "w") as f:
                json.dump(config, f, indent=1)
                f.write("\n")
            write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
        out["cases"].append({"name": name, "logprobs": [round(x, 9) for x in logprobs],
                             "scores": [round(x, 9) for x in scores], "loss": round(loss.item(), 9)})
    with open(os.path.join(HERE, "expected.json"), "w") as f:
        json.dump(out, f, indent=None, separators=(", ", ": "))
        f.write("\n")


if __name__ == "__main__":
    main()
