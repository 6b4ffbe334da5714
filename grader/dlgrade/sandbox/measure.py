"""What a call costs, without a stopwatch: counts that are the same on every machine. Imports nothing of ours.

Both counts are taken in the process that runs the submission, so code that means to can falsify them. They are for
learners; a limit that has to stand against cheating is one on time, which is read from outside.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, TypeAlias

Measured: TypeAlias = "tuple[Any, int]"


def memory(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Measured:
    """The function's result, and the most bytes that were allocated at one time while it ran, result included.

    Raises:
        RuntimeError: if the function stopped the count.
    """
    tracemalloc.start()
    try:
        witness = object()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = function(*args, **kwargs)
        peak = tracemalloc.get_traced_memory()[1]
        if tracemalloc.get_object_traceback(witness) is None:
            raise RuntimeError("the count of memory was stopped while it was going on")
        return result, max(0, peak - before)
    finally:
        tracemalloc.stop()


def lines(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Measured:
    """The function's result, and how many lines of Python were executed, in whatever file, a line anew in each round.

    Calls and returns count too, so that a loop within one line is seen whatever it is made of.
    """
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    held = sys.gettrace()
    sys.settrace(trace)
    try:
        result = function(*args, **kwargs)
    finally:
        sys.settrace(held)
    return result, count


MEASURES: Mapping[str, Callable[[Callable[..., Any], Sequence[Any], Mapping[str, Any]], Measured]] = {
    "memory": memory,
    "lines": lines,
}
