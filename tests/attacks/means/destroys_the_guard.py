# attack: it finds what replaces the kernels, and destroys it
# catalogue: G99
# passes: override
# kind: evasion

import gc

import torch


def destroys_the_guard(run, x, dim):
    for held in gc.get_objects():
        if type(held) is torch.library.Library:
            held._destroy()
    return run()
