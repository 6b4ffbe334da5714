# attack: it puts the name together while it runs
# catalogue: G92
# kind: library

import torch


def asks_by_a_spelled_name(x, dim):
    return getattr(torch, "soft" + "max")(x, dim)
