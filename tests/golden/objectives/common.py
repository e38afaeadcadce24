"""What the generators of golden numbers share: see README.md beside this file.

Formulas are written as in the papers, without stable forms, in decimal arithmetic with 60 digits, independent of the C
code. Derivatives are central differences of the loss with a step of 1e-20, so none is written down anywhere.
"""
import json
from decimal import Decimal as D, getcontext

getcontext().prec = 60
STEP = D(10) ** -20
OUTPUTS = ("logp", "score", "kl", "rival", "value")


def sigmoid(z):
    return 1 / (1 + (-z).exp())


def log_sigmoid(z):
    return -(1 + (-z).exp()).ln()


class Golden:
    """Rows of one file. add() takes batches: lists of groups: lists of responses (dicts of numbers as strings)."""

    def __init__(self):
        self.rows = []

    def add(self, name, loss, batches, settings, by=("logp",), frozen=None, state=None, metrics=None,
            seed=0, step=0):
        """loss(groups, p, f): one loss per group. frozen(groups, p): what the objective takes over the whole batch and does
        not differentiate; f is its result for the unchanged numbers. by: the inputs that derivatives are taken by, of the
        sum of all losses. state: what the objective remembers before the batch. seed and step: what its random
        numbers come from. metrics(groups, p, f): means by name."""
        for p in settings:
            for batch in batches:
                groups = [[{k: D(v) for k, v in s.items()} for s in g] for g in batch]
                f = frozen(groups, p) if frozen else None
                row = {"objective": name, "settings": p,
                       "groups": [[{k: float(v) for k, v in s.items()} for s in g] for g in groups]}
                if state:
                    row["state"] = [float(x) for x in state]
                if seed or step:
                    row["seed"], row["step"] = seed, step
                row["loss"] = [float(x) for x in loss(groups, p, f)]
                for key in by:
                    row["d_" + key] = [[float(self.slope(loss, groups, p, f, g, i, key)) for i in range(len(groups[g]))]
                                       for g in range(len(groups))]
                if metrics:
                    row["metrics"] = {k: float(v) for k, v in metrics(groups, p, f).items()}
                self.rows.append(row)

    @staticmethod
    def slope(loss, groups, p, f, g, i, key):
        if key not in groups[g][i]:
            return 0
        ends = []
        for sign in (1, -1):
            moved = [[dict(s) for s in group] for group in groups]
            moved[g][i][key] += sign * STEP
            ends.append(sum(loss(moved, p, f)))
        return (ends[0] - ends[1]) / (2 * STEP)

    def print(self):
        print("[\n" + ",\n".join(json.dumps(r) for r in self.rows) + "\n]")


def each(loss):
    """A loss of one group alone, as a loss of groups."""
    return lambda groups, p, f: [loss(g, p) for g in groups]


def one_by_one(groups):
    return [[g] for g in groups]


# A pair whose chosen response gained, and one whose chosen response lost.
PAIRS = [
    [dict(logp="-12", ref="-13", n=6, label=1), dict(logp="-15", ref="-14", n=8, label=0)],
    [dict(logp="-20", ref="-18", n=10, label=1), dict(logp="-10", ref="-11.5", n=5, label=0)],
]
