# attack: it takes getattr out of a generator's frame
# catalogue: G92
# kind: library

import torch

scope = (each for each in ()).gi_frame.f_builtins


def walks_a_frame(x, dim):
    return scope["getattr"](torch, "soft" + "max")(x, dim)
