"""What students hand in, and the schema of what they get back."""

import json
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
RIGHT = (ROOT / "solutions" / "02_losses" / "softmax" / "softmax.py").read_text("utf-8")
STUB = (ROOT / "assignments" / "02_losses" / "softmax" / "softmax.py").read_text("utf-8")
SCHEMA = json.loads((ROOT / "grader" / "dlgrade" / "report" / "report.schema.json").read_text("utf-8"))


def returning(expression, before=""):
    """A module whose softmax returns this instead of the right probabilities `p` of `x`."""
    return f"""\
import numpy as np
{textwrap.dedent(before)}

def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    p = powers / powers.sum(axis=axis, keepdims=True)
    return {expression}


def softmax_backward(grad, probs, axis=-1):
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True))
"""
