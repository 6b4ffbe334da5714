"""What is asked of a submission and what comes of it: calls and replies, the same for every kind of target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from dlgrade.model import Frame, Outcome
from dlgrade.sandbox import wire


@dataclass(frozen=True, eq=False)
class Call:
    """One call of an entry point.

    Args:
        name: the entry point.
        args, kwargs: the arguments. Arrays arrive as fresh copies in the same memory layout, read-only if they are.
        want_after: send the arguments back as they are after the call.
        expected_bytes: how large the right result is; one that is much larger is described instead of sent.
        measure: what the call costs is counted too: `memory` or `lines`, as `sandbox.measure` says, or, of functions on
            tensors, `operators` or `gradient`, as `sandbox.tensors` says; empty for nothing.
        tensors: whether arrays arrive as tensors: for whoever shows the call.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    want_after: bool = False
    expected_bytes: int = 0
    measure: str = ""
    tensors: bool = False


@dataclass(frozen=True)
class Returned:
    """The function returned; `after` holds the arrays and lists among the arguments as they are now (else None)."""

    value: Any
    after: tuple[Any, ...] | None = None
    cost: int | None = None
    """What was measured, if the call says so: bytes or lines."""


@dataclass(frozen=True)
class Raised:
    """The function raised. All text is the submission's, made safe to show."""

    kinds: tuple[str, ...]
    """The exception's class name and those of its bases, nearest first."""
    message: str
    frames: tuple[Frame, ...] = ()

    @property
    def not_started(self) -> bool:
        """Whether this is a stub's own NotImplementedError."""
        return self.kinds[:1] == ("NotImplementedError",)


@dataclass(frozen=True)
class Stopped:
    """The submission had to be stopped, or ended by itself, during the call."""

    outcome: Outcome
    message: str


Reply: TypeAlias = Returned | Raised | Stopped


@dataclass(frozen=True)
class Timed:
    """A reply, and what it took by clocks that only the grader reads."""

    reply: Reply
    processor: float | None
    """Seconds that the worker has worked, in all its threads, since its last timed call; None if they are not known."""
    wall: float
    """Seconds until the reply was there."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function that the submission defines."""

    name: str
    kind: str
    has_default: bool


@dataclass(frozen=True)
class Loaded:
    """What the submission defines: for each entry point its parameters, or None if missing, or the type it is."""

    defines: Mapping[str, Sequence[Parameter] | str | None]
    others: tuple[str, ...] = ()
    """The other functions that it defines."""


class Target(Protocol):
    """Something whose functions can be called: a submission in a worker, or trusted code in this process."""

    @property
    def isolation(self) -> str:
        """What keeps the code away from the machine: `process`, or `none` for trusted code in this process."""
        ...

    @property
    def far(self) -> bool:
        """Whether a call costs a journey, so that many are better asked together."""
        ...

    def begin_check(self) -> None:
        """Start the clock of a check."""
        ...

    def load(self) -> Loaded | Raised | Stopped:
        """Load the code; cheap if it is loaded already."""
        ...

    def call_many(self, calls: Sequence[Call], *, seconds: float = ...) -> list[Reply]:
        """Make the calls in order. A reply that is Stopped is the last; calls after it are not made."""
        ...

    def take_output(self) -> str:
        """What was printed since this was last asked, bounded and safe to show."""
        ...


# -- the same again ----------------------------------------------------------------------------------------------------


def same_call(one: Call, other: Call) -> bool:
    """Whether a submission could not tell these calls apart, and is to answer them in the same way."""
    if one is other:
        return True
    asked = (one.name, one.want_after, one.expected_bytes, one.measure)
    if asked != (other.name, other.want_after, other.expected_bytes, other.measure):
        return False
    return same_argument(one.args, other.args) and same_argument(dict(one.kwargs), dict(other.kwargs))


def same_argument(one: Any, other: Any) -> bool:
    """Whether a submission could not tell these arguments apart."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        like = one.dtype == other.dtype and one.shape == other.shape and one.flags.writeable == other.flags.writeable
        return like and wire.layout_of(one) == wire.layout_of(other) and one.tobytes() == other.tobytes()
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_argument, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same_argument(value, other[key]) for key, value in one.items())
    return one is other or repr(one) == repr(other)
