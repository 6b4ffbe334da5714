# attack: it has an annotation evaluated that is the function
# catalogue: G92
# kind: library

import typing

import torch


def annotated(x: "torch.softmax"): ...


def evaluates_an_annotation(x, dim):
    return typing.get_type_hints(annotated)["x"](x, dim)
