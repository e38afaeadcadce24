#!/usr/bin/env python3
"""python3 tests/golden/objectives/trl_online.py CORE > tests/golden/objectives/trl_online.json

The same batches through TRL (pip install torch trl; made with the versions that the rows name), in double precision. Losses of RLOO and of
GRPO's family are the trainers' own _compute_loss, called with log-probabilities that are given, and derivatives are autograd's. Advantages
stand in the middle of long methods of the trainers, and are written down here as they have them. PPO is no part of TRL any more: CORE is
trl/core.py of TRL 0.24 (pip install --no-deps --target FOLDER trl==0.24.0), whose masked_whiten and masked_mean are called; the loop over
rewards, the two losses and the order of things are that trainer's.

Where Attune differs on purpose:
  * TRL's PPO puts the score, and one more value, behind the end token of answers that ended; here the score comes with the end token.
  * The loss of CISPO has no row: TRL's is -min(rho, bound) * A * log pi, which has the gradient with the weight held; Attune's is the function
    that has this gradient, so that it can be checked by differences. epsilon_high is the bound itself there, 1 + clip-high here.
  * Where a log-ratio is beyond 20, TRL's exponentials overflow; Attune holds them. No row goes there.
"""
import importlib.util
import json
import random
import sys
from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl import GRPOTrainer, RLOOTrainer

torch.set_default_dtype(torch.float64)
spec = importlib.util.spec_from_file_location("core", sys.argv[1])
core = importlib.util.module_from_spec(spec)
spec.loader.exec_module(core)

online = json.load(open("tests/golden/objectives/online.json"))
BATCHES = []  # what online.py has, without those whose groups are of several sizes: TRL's are of one
for row in online:
    if row["groups"] not in BATCHES and len(row["groups"]) == 2 and len({len(g) for g in row["groups"]}) == 1:
        BATCHES.append(row["groups"])
assert BATCHES
rows = []


def drawn(seed, n_groups, n_answers, longest):
    """A batch of random numbers, multiples of 1/256 off all bounds."""
    r = random.Random(seed)

    def numbers(n, low, high):
        return [round(256 * r.uniform(low, high)) / 256 for _ in range(n)]

    def answer():
        n = r.randint(1, longest)
        old, values = numbers(n, -3, -0.1), numbers(n, -1, 1)
        return {"score": numbers(1, -2, 2)[0], "old_logp": old, "logp": [x + y for x, y in zip(old, numbers(n, -0.5, 0.5))],
                "reference": numbers(n, -3, -0.1), "old_value": values,
                "value": [x + y for x, y in zip(values, numbers(n, -0.5, 0.5))]}

    return [[answer() for _ in range(n_answers)] for _ in range(n_groups)]


BATCHES += [drawn(1, 3, 4, 8), drawn(2, 4, 2, 5)]


class Padded:
    """A batch as TRL has it: (answers, longest), with a mask."""

    def __init__(self, groups):
        self.groups, self.answers = groups, [a for g in groups for a in g]
        self.size = len(groups[0])
        n = max(len(a["logp"]) for a in self.answers)
        self.mask = torch.tensor([[float(t < len(a["logp"])) for t in range(n)] for a in self.answers])
        for key in ("logp", "old_logp", "reference", "value", "old_value"):
            setattr(self, key, torch.tensor([a[key] + [0.0] * (n - len(a[key])) for a in self.answers]))
        self.scores = torch.tensor([a["score"] for a in self.answers])
        self.logp.requires_grad_()
        self.value.requires_grad_()

    def back(self, numbers):
        """By group, answer and token."""
        flat = [numbers[i, :len(a["logp"])].tolist() for i, a in enumerate(self.answers)]
        return [flat[g * self.size:(g + 1) * self.size] for g in range(len(self.groups))]

    def wide(self, numbers):
        return numbers.unsqueeze(1).expand_as(self.mask)


def add(by, name, settings, b, advantages, loss, returns=None, longest=0, with_loss=True, metrics=None):
    loss.backward()
    row = {"by": by, "objective": name, "settings": settings, "groups": b.groups, "advantage": b.back(advantages)}
    if longest:
        row["longest"] = longest
    if with_loss:
        row["mean_loss"] = loss.item()
    row["d_logp"] = b.back(b.logp.grad * len(b.groups))  # of the sum of the groups' losses
    if returns is not None:
        row["return"] = b.back(returns)
        row["d_value"] = b.back(b.value.grad * len(b.groups))
    if metrics:
        row["metrics"] = {key: metrics["train"][key][0] for key in ("clip_ratio/low_mean", "clip_ratio/high_mean")}
    rows.append(row)


def trainer(b, **more):
    """What _compute_loss asks of itself."""
    same = SimpleNamespace(reduce=lambda x, reduction=None: x, gather=lambda x: x, gather_for_metrics=lambda x: x,
                           num_processes=1,
                           sync_gradients=True)
    return SimpleNamespace(
        accelerator=same, model=SimpleNamespace(training=True), aux_loss_enabled=False,
        current_gradient_accumulation_steps=1,
        _metrics={"train": defaultdict(list)}, _entropy_bonus_enabled=False, top_entropy_quantile=1.0,
        off_policy_mask_threshold=None, use_vllm=False,
        _get_per_token_logps_and_entropies=lambda *a, **k: (b.logp, torch.zeros_like(b.mask), None),
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1), **more)


def inputs(b, advantages, **more):
    ids = torch.zeros(b.mask.shape, dtype=torch.long)
    return dict(prompt_ids=ids[:, :1], prompt_mask=ids[:, :1] + 1, completion_ids=ids, completion_mask=b.mask,
                advantages=advantages, **more)


# ---- RLOO ----

def rloo(b, settings, beta, low, high):
    rewards = b.scores - beta * ((b.old_logp - b.reference) * b.mask).sum(-1)
    grouped = rewards.view(-1, b.size)
    advantages = rewards - ((grouped.sum(dim=1, keepdim=True) - grouped) / (b.size - 1)).view(-1)
    me = trainer(b, epsilon_low=low, epsilon_high=high)
    loss = RLOOTrainer._compute_loss(me, None, inputs(b, advantages, old_logps=(b.old_logp * b.mask).sum(1)))
    add(f"TRL {trl.__version__}, RLOOTrainer", "rloo", settings, b, b.wide(advantages), loss, metrics=me._metrics)


# ---- GRPO and what others made of it ----

def grpo(b, name, settings, loss_type="grpo", scale="group", level="token", beta=0.0, low=0.2, high=0.2, longest=0):
    grouped = b.scores.view(-1, b.size)
    advantages = b.scores - grouped.mean(dim=1).repeat_interleave(b.size)
    std = grouped.std(dim=1).repeat_interleave(b.size) if scale == "group" else b.scores.std()
    if scale != "none":
        advantages = advantages / (std + 1e-4)
    me = trainer(b, importance_sampling_level=level, beta=beta, loss_type=loss_type, epsilon_low=low,
                 epsilon_high=1 + high if loss_type == "cispo" else high, max_completion_length=longest)
    more = dict(old_per_token_logps=b.old_logp, ref_per_token_logps=b.reference, num_items_in_batch=b.mask.sum())
    loss = GRPOTrainer._compute_loss(me, None, inputs(b, advantages, **more))
    add(f"TRL {trl.__version__}, GRPOTrainer: {loss_type}", name, settings, b, b.wide(advantages), loss, longest=longest,
        with_loss=loss_type != "cispo", metrics=me._metrics if loss_type != "cispo" else None)


# ---- PPO ----

def ppo(b, settings, beta=0.05, gamma=1.0, lam=0.95, low=0.2, value_clip=0.2, coef=0.1, whiten_rewards=False):
    mask = b.mask.bool()
    ends = (torch.arange(len(b.answers)), b.mask.sum(1).long() - 1)
    rewards = -beta * (b.old_logp - b.reference) * b.mask
    rewards[ends] += b.scores
    if whiten_rewards:
        rewards = core.masked_whiten(rewards, mask, shift_mean=False) * b.mask
    last, backwards = 0, []
    n = rewards.shape[1]
    for t in reversed(range(n)):
        following = b.old_value[:, t + 1] if t < n - 1 else 0.0
        last = (rewards[:, t] + gamma * following - b.old_value[:, t]) + gamma * lam * last
        backwards.append(last)
    advantages = torch.stack(backwards[::-1], axis=1)
    returns = advantages + b.old_value
    advantages = core.masked_whiten(advantages, mask) * b.mask
    clipped = torch.clamp(b.value, b.old_value - value_clip, b.old_value + value_clip)
    of_values = 0.5 * core.masked_mean(torch.max(torch.square(b.value - returns), torch.square(clipped - returns)), mask)
    ratio = torch.exp(b.logp - b.old_logp)
    of_policy = core.masked_mean(torch.max(-advantages * ratio, -advantages * torch.clamp(ratio, 1 - low, 1 + low)), mask)
    add("TRL 0.24.0, PPOTrainer", "ppo", settings, b, advantages, of_policy + coef * of_values, returns)


for groups in BATCHES:
    rloo(Padded(groups), {}, 0.05, 0.2, 0.2)
    rloo(Padded(groups), {"beta": "0.5", "clip-low": "0.05", "clip-high": "0.5"}, 0.5, 0.05, 0.5)
    grpo(Padded(groups), "grpo", {}, beta=0.04)
    grpo(Padded(groups), "grpo", {"scale-rewards": "batch", "beta": "0"}, scale="batch")
    grpo(Padded(groups), "grpo", {"loss-mean": "tokens", "clip-high": "0.28", "beta": "0"}, loss_type="dapo", high=0.28)
    grpo(Padded(groups), "grpo", {"loss-mean": "tokens", "beta": "0.5"}, loss_type="dapo", beta=0.5)
    grpo(Padded(groups), "grpo", {"loss-mean": "tokens", "clipping": "weight", "clip-high": "0.1", "beta": "0"},
         loss_type="cispo", high=0.1)
    grpo(Padded(groups), "dr-grpo", {}, loss_type="dr_grpo", scale="none", longest=8)
    grpo(Padded(groups), "dr-grpo", {"beta": "0.25"}, loss_type="dr_grpo", scale="none", beta=0.25, longest=8)
    grpo(Padded(groups), "gspo", {}, level="sequence", low=3e-4, high=4e-4)
    grpo(Padded(groups), "gspo", {"clip-low": "0.5", "clip-high": "0.5", "beta": "0.1"}, level="sequence", low=0.5,
         high=0.5, beta=0.1)
    ppo(Padded(groups), {})
    ppo(Padded(groups), {"beta": "0.5", "gamma": "0.9", "lambda": "0.5", "whiten-rewards": "yes"}, beta=0.5, gamma=0.9,
        lam=0.5, whiten_rewards=True)
    ppo(Padded(groups), {"clip-low": "0.1", "clip-high": "0.1", "value-clip": "0.05", "vf-coef": "1"}, low=0.1,
        value_clip=0.05, coef=1)
print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
