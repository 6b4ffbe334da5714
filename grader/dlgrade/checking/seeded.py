"""Timing where the data lie: inputs that stay on a GPU, and results of which only random sums come back.

The inputs are changed by a seed that is sent when the clock starts: what cannot be known before cannot be prepared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dlgrade.sandbox.calls import Call, Raised, Reply, Returned, Stopped
from dlgrade.sandbox.client import WorkerTarget

RTOL = 1e-5
"""By how much results may differ on the average, in units of their root mean square: float32 leaves 1e-6, TF32 3e-4."""
ROOM = 8.0
"""A random sum of n errors, each at most e, is within this many times e times the root of n, but for one in 10^15."""


def prepare(target: WorkerTarget, plain: Call, *, seconds: float) -> Raised | Stopped | None:
    """Send a call's arguments to where they are to lie; what went wrong if that did."""
    reply = target.call_many([replace(plain, measure="keep")], seconds=seconds)[0]
    return reply if isinstance(reply, Raised | Stopped) else None


def call(name: str, seed: int) -> Call:
    """The call of a function with what lies there, changed by a seed; the reply holds what its results come to."""
    return Call(name, (seed,), measure="fresh")


def fault(own: Reply, rival: Reply, *, rtol: float = RTOL) -> str:
    """How two functions' results differ by their random sums; empty if they do not.

    Args:
        own: the submission's reply.
        rival: the baseline's reply to the same seed.
        rtol: the error allowed in each element, in units of the results' root mean square.
    """
    assert isinstance(own, Returned) and isinstance(rival, Returned)
    theirs, ours = _results(own.value), _results(rival.value)
    assert ours is not None
    if theirs is None or len(theirs) != len(ours):
        return f"it returned no {'tensor' if len(ours) == 1 else f'{len(ours)} tensors'}"
    for place, (got, want) in enumerate(zip(theirs, ours, strict=True), 1):
        who = "it" if len(ours) == 1 else f"result {place} of {len(ours)}"
        for what, left, right in zip(("has shape", "has dtype", "is on the device"), got[:3], want[:3], strict=True):
            if left != right:
                return f"{who} {what} {_shown(left)}, not {_shown(right)}"
        count = max(1, math.prod(want[0]))
        allowed = ROOM * rtol * want[3][0] + 1e-12  # the norm is the root mean square times the root of their number
        for left, right in zip(got[3], want[3], strict=True):
            if math.isnan(left) != math.isnan(right) or (math.isfinite(right) and not abs(left - right) <= allowed):
                return f"{who} is not the library's, by random sums over its {count:,} elements"
    return ""


def _shown(value: Any) -> str:
    return str(tuple(value)) if isinstance(value, list) else str(value)


def _results(value: Any) -> Sequence[Any] | None:
    """What a worker says its results come to; None if that is not of the form it should have: it may say anything."""
    if not isinstance(value, list):
        return None
    for entry in value:
        if not (isinstance(entry, list) and len(entry) == 4 and isinstance(entry[0], list)):
            return None
        shape, dtype, device, sums = entry
        if not all(type(side) is int and side >= 0 for side in shape):
            return None
        if type(dtype) is not str or type(device) is not str or not isinstance(sums, list) or len(sums) != 3:
            return None
        if not all(type(number) is float for number in sums):
            return None
    return value
