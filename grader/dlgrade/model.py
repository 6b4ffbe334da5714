"""What the grader knows and says, as frozen values: exercises, submissions, outcomes, reports. No torch, no I/O."""

from __future__ import annotations

import enum
import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlgrade.points import added

if TYPE_CHECKING:
    from dlgrade.author import Check

SCHEMA = "dlgrade.report/1"
NOT_STARTED = "not_started"
"""The rung of a check whose entry point is still the stub."""


class Outcome(enum.StrEnum):
    """What became of one check."""

    PASSED = "passed"
    FAILED = "failed"
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    TOO_SLOW = "too_slow"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    PROTOCOL_VIOLATION = "protocol_violation"
    FORBIDDEN = "forbidden"
    SKIPPED = "skipped"
    """Needs something that is absent here."""
    INCONCLUSIVE = "inconclusive"
    """Too noisy to time."""
    BROKEN = "broken"
    """Our fault: never scored against a student."""


class Verdict(enum.StrEnum):
    """What a whole report comes to."""

    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"


class Tensor:
    """Stands for torch.Tensor in the signatures of entry points: what the grader compares is NumPy."""


@dataclass(frozen=True)
class EntryPoint:
    """A function that the exercise's module defines and the student must define."""

    name: str
    signature: inspect.Signature
    doc: str

    @property
    def on_tensors(self) -> bool:
        """Whether it takes tensors, not arrays."""
        return any(parameter.annotation is Tensor for parameter in self.signature.parameters.values())


@dataclass(frozen=True)
class Exercise:
    """One exercise, loaded and valid.

    `source` is the module as the course's folder holds it: the reference where solutions are present, else the stub.
    """

    name: str
    unit: str
    folder: Path
    title: str
    framework: str
    source: str
    stub: str
    entry_points: Mapping[str, EntryPoint]
    checks: Sequence[Check]
    hidden: frozenset[str] = frozenset()
    """The names of the checks that students never see."""
    times: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What the authors' own versions cost, in units of the baseline's cost, by the timing check."""

    @property
    def file_name(self) -> str:
        """The name of the file that a student writes."""
        return f"{self.name}.py"

    @property
    def max_points(self) -> float:
        """The points of all checks together."""
        return added(check.points for check in self.checks)


@dataclass(frozen=True)
class Submission:
    """The bytes that somebody handed in for one exercise; never an imported module."""

    path: str
    source: bytes
    sha256: str

    @classmethod
    def of(cls, path: str, source: bytes) -> Submission:
        """The submission of these bytes."""
        return cls(path, source, hashlib.sha256(source).hexdigest())


@dataclass(frozen=True)
class Frame:
    """One line of the student's own file in a traceback."""

    line: int
    function: str
    text: str


@dataclass(frozen=True)
class Worst:
    """The element of an array that is furthest from what was expected."""

    index: tuple[int, ...]
    expected: str
    got: str
    error: float | None


@dataclass(frozen=True)
class Bar:
    """What one version costs, in units of the baseline's cost; `low` and `high` bound it where it was measured now."""

    label: str
    ratio: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Race:
    """How a submission was timed against a baseline."""

    size: str
    device: str
    clock: str
    """What was counted: `processor` time, or time on the `wall`."""
    rounds: int
    milliseconds: float
    """What the baseline takes."""
    bars: tuple[Bar, ...]
    """The submission (`yours`), the `limit`, the baseline, then what else is known."""
    against: str = "torch's own operator"
    """What the baseline is called, among the bars too."""


@dataclass(frozen=True)
class Plane:
    """Where a result is wrong over its last two dimensions, or over the part of them about its worst element.

    It is of a larger input than the smallest counterexample, on which a pattern can be seen.
    """

    compared: str
    """What: `values`; a `gradient`, with the right one; or `slopes`, finite differences with the right gradient."""
    shape: tuple[int, ...]
    """The shape of the whole result."""
    start: tuple[int, ...]
    """The index of the first element shown, one number for each axis."""
    got: tuple[tuple[float | None, ...], ...]
    """Row by row; None where it is not finite."""
    off: tuple[tuple[float | None, ...], ...]
    """How far above what was expected, 0 where it is close enough; None where that is no finite number."""


COMPARED = ("values", "gradient", "slopes")
"""What a plane can be of."""


@dataclass(frozen=True)
class Evidence:
    """Why a check did not pass, as text that is safe to show. Everything that came from a submission is escaped."""

    message: str
    """What is wrong, in a sentence."""
    rung: str | None = None
    """The first rung of the ladder that failed: exists, signature, structure, shape, dtype, finite, values, …"""
    call: str | None = None
    """The smallest counterexample, as a call that can be copied and run."""
    expected: str | None = None
    got: str | None = None
    worst: Worst | None = None
    traceback: tuple[Frame, ...] = ()
    output: str | None = None
    """What the submission printed during the check."""
    notes: tuple[str, ...] = ()
    race: Race | None = None
    plane: Plane | None = None


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check on one submission."""

    name: str
    kind: str
    entry_points: tuple[str, ...]
    says: str
    outcome: Outcome
    points: float
    max_points: float
    hidden: bool
    seconds: float
    evidence: Evidence | None = None
    misconception: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Report:
    """All outcomes of one submission to one exercise: the one value that every renderer and exporter reads."""

    exercise: str
    unit: str
    isolation: str
    device: str
    seed: int
    seconds: float
    submission: Submission
    checks: tuple[CheckResult, ...] = field(default=())

    @property
    def points(self) -> float:
        """The points that were earned."""
        return added(result.points for result in self.checks)

    @property
    def max_points(self) -> float:
        """The points that could be earned."""
        return added(result.max_points for result in self.checks)

    @property
    def verdict(self) -> Verdict:
        """`broken` if anything was our fault or could not be decided, else `failed` if any check was not passed."""
        outcomes = {result.outcome for result in self.checks}
        if outcomes & {Outcome.BROKEN, Outcome.INCONCLUSIVE} or not outcomes:
            return Verdict.BROKEN
        return Verdict.PASSED if outcomes <= {Outcome.PASSED, Outcome.SKIPPED} else Verdict.FAILED


def plain(value: Any) -> Any:
    """A number as JSON would like it: whole floats as integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
