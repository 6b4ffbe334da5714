"""Why a submission on tensors is slow: what it does at two small sizes, counted in runs of their own, never timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from dlgrade.author import Timing
from dlgrade.sandbox.calls import Call, Returned, Target
from dlgrade.sandbox.wire import Foreign, Oversize

SMALL, LARGE = 16, 8
"""The two sizes are these parts of the one that is timed."""
LOOP = 1.6
"""Counts that grow by this much, where the size doubles, come from a loop over it."""
SQUARE = 3.0
"""Memory that grows by this much, where the size doubles, is of its square."""
_READS = "_local_scalar_dense"
_COPIES = {"clone", "copy_", "cat", "_to_copy", "stack", "index_put_"}


def calls(check: Timing, made: Callable[[int, str], Call]) -> list[Call]:
    """The calls that tell: operators, memory and lines of Python, each at two sizes."""
    small, large = max(2, check.size // SMALL), max(4, check.size // LARGE)
    return [made(size, how) for how in ("operators", "memory", "lines") for size in (small, large)]


def cause(target: Target, asked: Sequence[Call]) -> str:
    """What makes it slow, as a sentence; empty where nothing shows."""
    target.begin_check()
    replies = target.call_many(asked)
    if len(replies) < len(asked) or not all(isinstance(reply, Returned) for reply in replies):
        return ""
    costs = [reply.cost or 0 for reply in replies if isinstance(reply, Returned)]
    first, second = (_counted(reply.value) for reply in replies[:2] if isinstance(reply, Returned))
    operators, memory, lines = costs[0:2], costs[2:4], costs[4:6]
    if operators[1] > LOOP * operators[0] and operators[1] > 40:
        name = max(second, key=lambda key: second[key] - first[key])
        copies = sum(second[key] for key in _COPIES)
        said = (
            f"A Python loop: at twice the size it calls {operators[1]:,} operators of torch instead of "
            f"{operators[0]:,}, `{name}` most of all. Let one operation work on the whole tensor."
        )
        if name in _COPIES or copies > 0.4 * operators[1]:
            said += " It copies in each round: write into a tensor that is there, or stack once at the end."
        return said
    if second[_READS]:
        return (
            f"It reads numbers out of tensors into Python, {second[_READS]:,} times (`.item()`, `.tolist()`, `if` or "
            "`int()` of a tensor): each waits for everything before it."
        )
    if lines[1] > LOOP * lines[0] and lines[1] > 200:
        return f"A Python loop: at twice the size it executes {lines[1]:,} lines of Python instead of {lines[0]:,}."
    if memory[1] > SQUARE * memory[0] > 0:
        return (
            f"A tensor of the square of the size: where the size doubles, the memory that it needs grows "
            f"{memory[1] / memory[0]:.1f} times, to {memory[1] / 2**20:.1f} MiB at an eighth of what is timed."
        )
    wide = sum(count for (_, dtype), count in _typed(replies[1]).items() if dtype == "float64")
    if wide and not any(getattr(value, "dtype", None) == "float64" for value in asked[0].args):
        return f"It computes in float64, in {wide} of its operators, though its inputs are float32."
    total = sum(second.values())
    if total > 12:
        return f"It runs {total} operators, each of which reads and writes whole tensors: use fewer passes over them."
    return ""


def _typed(reply: object) -> Counter[tuple[str, str]]:
    """Operators and the dtypes of their results, as a worker counted them; it may say anything."""
    counted: Counter[tuple[str, str]] = Counter()
    value = reply.value if isinstance(reply, Returned) else None
    if isinstance(value, (Foreign, Oversize)) or not isinstance(value, list):
        return counted
    for entry in value:
        if isinstance(entry, list) and [type(part) for part in entry] == [str, str, int] and entry[2] > 0:
            counted[entry[0].removeprefix("aten::")[:60], entry[1][:20]] += entry[2]
    return counted


def _counted(value: object) -> Counter[str]:
    by_name: Counter[str] = Counter()
    for (name, _), count in _typed(Returned(value)).items():
        by_name[name] += count
    return by_name
