# attack: it imports the module by a text
# catalogue: G92
# kind: library

import importlib


def imports_by_text(x, dim):
    return importlib.import_module("torch.nn." + "functional").softmax(x, dim)
