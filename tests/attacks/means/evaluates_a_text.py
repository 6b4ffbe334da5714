# attack: it evaluates a text
# catalogue: G92
# kind: library

import torch


def evaluates_a_text(x, dim):
    return eval("torch.soft" + "max(x, dim)", {"torch": torch, "x": x, "dim": dim})
