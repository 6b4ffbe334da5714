"""Why a submission on tensors is slow: what it does at two small sizes, counted in runs of their own, never timed.

The counts are taken in the worker, which may say anything: they explain a verdict, and are never part of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from dlgrade.author import Timing
from dlgrade.sandbox.calls import Call, Returned, Target

SMALL, LARGE = 16, 8
"""The two sizes are these parts of the one that is timed."""
LOOP = 1.6
"""Counts that grow by this much, where the size doubles, come from a loop over it."""
FASTER = 2.4
"""Memory that grows by this much, where the size doubles, grows faster than the size."""
MANY_OPERATORS, MANY_LINES, MANY_READS, MANY_PASSES, MANY_ROUNDS = 40, 200, 20, 12, 64
"""How many there must be before they are held to be the cause."""

_CURE = "Let one operation work on the whole tensor: only what needs the round before it belongs into a loop."
_READ = "_local_scalar_dense"
_COPIES = frozenset("cat clone copy_ index_put_ stack _to_copy".split())  # noqa: SIM905 -- as its neighbour
_VIEWS = frozenset(
    """
    _reshape_alias _unsafe_view alias as_strided detach diagonal empty empty_like empty_strided expand
    lift_fresh movedim narrow new_empty permute reshape select slice split split_with_sizes squeeze t transpose
    unbind unflatten unfold unsqueeze view
    """.split()  # noqa: SIM905 -- a list of this many would be as many lines
)
"""Operators that touch no number."""


def calls(check: Timing, made: Callable[[int, str], Call]) -> list[Call]:
    """The calls that tell: operators, memory and lines of Python, each at two sizes."""
    small, large = max(2, check.size // SMALL), max(4, check.size // LARGE)
    return [made(size, how) for how in ("operators", "memory", "lines") for size in (small, large)]


def cause(target: Target, asked: Sequence[Call]) -> str:
    """What makes it slow, in a sentence or two; empty where nothing shows."""
    target.begin_check()
    replies = target.call_many(asked)
    costs = [reply.cost or 0 if isinstance(reply, Returned) else 0 for reply in replies] + [0] * len(asked)
    operators, memory, lines = costs[0:2], costs[2:4], costs[4:6]
    first, second = (_counted(reply) for reply in [*replies, None, None][:2])
    reads = second[_READ]
    if operators[1] > LOOP * operators[0] > 0 and operators[1] > MANY_OPERATORS:
        return _loop(operators, first, second)
    if reads > MANY_READS or (reads and getattr(target, "device", "cpu") != "cpu"):
        return (
            f"It reads numbers out of tensors into Python, {_times(reads)} (`.item()`, or `if`, `int()` or `float()` "
            "of a tensor): Python waits for each. Let them stay tensors."
        )
    if lines[1] > LOOP * lines[0] > 0 and lines[1] > MANY_LINES:
        grown = f"{lines[1]:,} lines of Python instead of {lines[0]:,}"
        return f"A Python loop: at twice the size it executes {grown}. {_CURE}"
    if memory[1] > FASTER * memory[0] > 0:
        return (
            f"Its memory grows faster than its input: at twice the size it needs {memory[1] / memory[0]:.1f} times as "
            "much. Is there a temporary of the square of the size?"
        )
    wide = sum(count for _, dtype, count in _entries(replies[1:2]) if dtype == "float64")
    if wide and "float32" in (given := _dtypes(asked[0])) and "float64" not in given:
        return f"It computes in float64, though its input is float32: {_times(wide)} an operator returns float64."
    passes = sum(count for name, count in second.items() if name not in _VIEWS)
    if passes > MANY_ROUNDS:
        name = _most_often(second)
        said = f"A Python loop: for one result it calls {operators[1]:,} operators of torch"
        return f"{said}, `{name}` {_times(second[name])}. {_CURE}"
    if passes > MANY_PASSES:
        return (
            f"It runs {passes} operators besides views, and each is a pass over its tensors, which it reads and "
            "writes: use fewer."
        )
    return ""


def _loop(operators: Sequence[int], first: Counter[str], second: Counter[str]) -> str:
    """A loop over the size, and what is done in it."""
    grown = second - first
    said = f"A Python loop: at twice the size it calls {operators[1]:,} operators of torch instead of {operators[0]:,}"
    if not grown:
        return f"{said}. {_CURE}"
    name = _most_often(grown)
    said += f", `{name}` {_times(second[name])}. "
    if grown[_READ]:
        return said + "It reads numbers out of tensors into Python in each round: let them stay tensors."
    if sum(grown[copy] for copy in _COPIES) >= 0.25 * sum(grown.values()):
        return said + "It copies in each round: let one operation work on the whole tensor, or stack once at the end."
    return said + _CURE


def _most_often(counts: Counter[str]) -> str:
    """The operator that ran most often; a view only where there is nothing else."""
    return max(sorted(counts), key=lambda name: (name not in _VIEWS, counts[name]))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _dtypes(call: Call) -> set[str]:
    values: tuple[Any, ...] = (*call.args, *call.kwargs.values())
    return {str(value.dtype) for value in values if isinstance(value, np.ndarray)}


def _entries(replies: Sequence[object]) -> Iterator[tuple[str, str, int]]:
    """Operators, the dtypes of their results, and how often they ran, where a worker tells that in the right form."""
    for reply in replies:
        value = reply.value if isinstance(reply, Returned) else None
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, list) and [type(part) for part in entry] == [str, str, int]:
                name, dtype, count = entry[0].removeprefix("aten::"), entry[1], entry[2]
                if len(name) < 60 and name.isascii() and name.isidentifier() and 0 < count < 2**40:
                    yield name, dtype, count


def _counted(reply: object) -> Counter[str]:
    by_name: Counter[str] = Counter()
    for name, _, count in _entries([reply]):
        by_name[name] += count
    return by_name
