#!/usr/bin/env python3
"""python3 tests/golden/optimizer/adamw.py > tests/golden/optimizer/adamw.json

AdamW as torch has it (torch.optim.AdamW, 2.x, double), three updates of four numbers of a matrix and three of a norm's
weight. Matrices decay and norms do not. Gradients are scaled down to the norm `clip` before; what stands in "grads" is
before that, and their norms are 13, 0.65 and 2.5: a wrong factor shows in how the updates weigh against each other. With
l1 each update is followed by the proximal step of lr * l1 * |w - start|, which is torch.nn.functional.softshrink.
"""
import json
import torch

MATRIX, NORM = [0.5, -0.25, 0.75, -1.0], [1.0, 0.9, 1.1]
GRADS = [[3.0, -4.0, 0.0, 12.0, 0.0, 0.0, 0.0], [0.0, 0.15, 0.0, 0.0, 0.2, -0.6, 0.0], [-1.0, 0.8, 0.4, -1.6, 1.2, 0.0, 0.8]]
RATES = [0.01, 0.02, 0.005]


def trace(clip, weight_decay, eps=1e-8, l1=0.0):
    parts = [torch.nn.Parameter(torch.tensor(x, dtype=torch.float64)) for x in (MATRIX, NORM)]
    starts = [p.detach().clone() for p in parts]
    groups = [{"params": [parts[0]], "weight_decay": weight_decay}, {"params": [parts[1]], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=eps)
    steps = []
    for grads, lr in zip(GRADS, RATES):
        g = torch.tensor(grads, dtype=torch.float64)
        norm = float(torch.linalg.vector_norm(g))
        if clip and norm > clip:
            g = g * (clip / norm)
        parts[0].grad, parts[1].grad = g[:4].clone(), g[4:].clone()
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        if l1:
            with torch.no_grad():
                for p, start in zip(parts, starts):
                    p.copy_(start + torch.nn.functional.softshrink(p - start, lr * l1))
        steps.append({"lr": lr, "grads": grads, "norm": norm, "weights": torch.cat(parts).tolist()})
    return {"clip": clip, "weight_decay": weight_decay, "beta1": 0.9, "beta2": 0.95, "eps": eps, "l1": l1, "steps": steps}


rows = [trace(1.0, 0.0), trace(1.0, 0.1), trace(0.0, 0.1), trace(5.0, 0.0, eps=0.1), trace(1.0, 0.0, l1=0.4)]
print('{"torch": %s, "matrix": %s, "norm": %s, "rows": [' % tuple(map(json.dumps, (torch.__version__, MATRIX, NORM))))
print(",\n".join(json.dumps(row).replace('{"lr"', '\n  {"lr"') for row in rows) + "]}")
