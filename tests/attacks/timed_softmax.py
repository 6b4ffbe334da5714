"""What the attacks on the clock are handed in for: softmax of tensors, timed beside the same operations."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
from dlgrade.author import Agreement, Timing, arrays
from dlgrade.model import EntryPoint, Exercise, Tensor

RIGHT = b"""
import torch


def softmax(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers.div_(powers.sum(-1, keepdim=True))
"""


def library(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))  # noqa: F821 -- where it is run there is torch
    return powers / powers.sum(-1, keepdim=True)


def probabilities(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def timed_softmax(name: str = "softmax", device: str = "cpu", size: int = 4096) -> Exercise:
    """The exercise: a right answer may take twice the time that the operations take, on rows of 256 numbers.

    Args:
        name: of the exercise and its entry point.
        device: where it is timed.
        size: how many rows it is timed on.
    """
    parameter = inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Tensor)
    signature = inspect.Signature([parameter], return_annotation=Tensor)
    checks = (
        Agreement(name, name="agrees", oracle=probabilities, given={"x": arrays(ndim=2, within=3)}, examples=10),
        Timing(
            name, name="fast", baseline=library, size=size, limit=2.0, device=device, unit="rows",
            given=lambda rng, n: {"x": rng.standard_normal((n, 256), dtype=np.float32)},
        ),
    )  # fmt: skip
    points = {name: EntryPoint(name, signature, "")}
    return Exercise(name, "00_tests", Path(), "Softmax", "torch", "", "", points, checks)
