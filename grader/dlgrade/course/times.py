"""Proves the limits of timing checks: what the authors' own versions take, right ones well below, slow ones well above.

What was measured is kept in the exercise's folder, by device, so that a report can show the reference and the slow
versions beside the student's own.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlgrade.author import Timing
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import worker_of
from dlgrade.checking.timing import Measured, measure
from dlgrade.checking.trial import Finding, Trial
from dlgrade.course.find import MISCONCEPTIONS, TIMES, VARIANTS, ExerciseFolder, read_text
from dlgrade.course.load import content_digest, load_exercise, load_misconceptions, read_times
from dlgrade.model import Exercise, Outcome, Submission

MARGIN = 1.25
"""By what factor right versions lie below the limit, and slow ones above it."""
WORK = 1 / 3
"""What the baseline works, at least, in units of the echo: of less, the noise of the way there and back is too much."""
_HEAD = """\
# What each version takes, in units of the library's time.
# Derived by `dlgrade selftest --timing`; not to be edited.
"""


@dataclass(frozen=True)
class Time:
    """What one of the authors' versions takes, in units of the baseline's time; the limit, and which side it is on."""

    check: str
    device: str
    version: str
    right: bool
    limit: float
    ratio: float = 0
    low: float = 0
    high: float = 0
    rounds: int = 0
    milliseconds: float = 0
    fault: str = ""
    skipped: str = ""


def prove_times(
    folder: ExerciseFolder, *, devices: Collection[str] = ("cpu", "cuda"), keep: bool = True
) -> Iterator[Time]:
    """Time every version of an exercise's authors, and keep what was measured if nothing falls short.

    Args:
        folder: where the exercise lies.
        devices: on which devices.
        keep: whether to write down what was measured.

    Raises:
        AuthorError: if the exercise cannot be loaded.
        GraderError: if no worker can be started.
    """
    exercise = load_exercise(folder, authored=True, hidden=True)
    trial_content = content_digest(folder.path)
    found: list[Time] = []
    for check in exercise.checks:
        if isinstance(check, Timing) and check.device in devices:
            for version, source, right in _versions(exercise, check):
                time = _timed(exercise, check, version, source, right, trial_content)
                found.append(time)
                yield time
                if time.skipped:
                    break
    if keep and found and not any(time.fault for time in found):
        _keep(folder.path / TIMES, [time for time in found if not time.skipped])


def _versions(exercise: Exercise, check: Timing) -> Iterator[tuple[str, str, bool]]:
    """The name of each version, its source, and whether it is within the limit."""
    yield "reference", exercise.source, True
    for path in sorted((exercise.folder / VARIANTS).glob("*.py")):
        yield path.stem, read_text(path), True
    for item in load_misconceptions(exercise):
        if item.caught_by == check.name:
            yield item.name, _alone(exercise.folder / MISCONCEPTIONS, item.name, check.entry_point), False


def _alone(path: Path, name: str, entry_point: str) -> str:
    """A misconception as a submission: its file without what declares it as one."""
    tree = ast.parse(read_text(path))
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dlgrade"):
            continue
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [d for d in node.decorator_list if "misconception" not in ast.unparse(d)]
        body.append(node)
    tree.body = body
    return f"{ast.unparse(tree)}\n\n{entry_point} = {name}\n"


def _timed(exercise: Exercise, check: Timing, version: str, source: str, right: bool, content: str) -> Time:
    submission = Submission.of(exercise.file_name, source.encode())
    plain = Time(check.name, check.device, version, right, check.limit)
    with worker_of(exercise, submission) as target:
        measured = measure(check, Trial(exercise, target, Drawer(), 0, content), target)
    if isinstance(measured, Finding):
        return _unmeasured(plain, check, measured)
    low, high = measured.interval()
    return replace(
        plain, ratio=measured.ratio(), low=low, high=high, rounds=measured.rounds,
        milliseconds=1e3 * measured.baseline_seconds(), fault=_fault(check, version, right, measured),
    )  # fmt: skip


def _unmeasured(plain: Time, check: Timing, finding: Finding) -> Time:
    said = finding.evidence.message if finding.evidence is not None else ""
    if finding.outcome is Outcome.SKIPPED:
        return replace(plain, skipped=said)
    if finding.outcome is Outcome.TOO_SLOW and not plain.right:
        return replace(plain, ratio=float("inf"), low=float("inf"), high=float("inf"))
    return replace(plain, fault=f"{check.where}: {plain.version} cannot be timed by {check.name}. {said}")


def _fault(check: Timing, version: str, right: bool, measured: Measured) -> str:
    ratio = measured.ratio()
    if not measured.steady():
        return f"{check.where}: {version} could not be timed: this machine is too restless (or the baseline too quick)."
    work, way = measured.baseline_seconds(), float(np.median(measured.echo))
    if work < WORK * way:
        return (
            f"{check.where}: the baseline works {1e3 * work:.2f} ms at this size, and the way of the data there and "
            f"back takes {1e3 * way:.2f} ms, so that its noise decides: choose smaller data and longer work."
        )
    if right and ratio * MARGIN > check.limit:
        return (
            f"{check.where}: {version} is right and takes {ratio:.2f} times the baseline, too near the limit of "
            f"{check.limit:g}: raise it above {ratio * MARGIN:.2g}."
        )
    if not right and ratio < check.limit * MARGIN:
        return (
            f"{check.where}: {version} is slow and takes {ratio:.2f} times the baseline, too near the limit of "
            f"{check.limit:g}: lower it below {ratio / MARGIN:.2g}."
        )
    return ""


# -- what is kept ------------------------------------------------------------------------------------------------------


def _keep(path: Path, times: list[Time]) -> None:
    """Write what was measured, leaving what other devices measured."""
    known = read_times(path)
    for time in times:
        known.setdefault(time.device, {})[time.check] = {}
    for time in times:
        if time.ratio != float("inf"):  # one that was given up has no figure
            known[time.device][time.check][time.version] = round(time.ratio, 2)
    lines = [_HEAD]
    for device in sorted(known):
        for check, versions in known[device].items():
            lines.append(f"\n[{device}.{check}]\n")
            lines += [f"{name} = {ratio}\n" for name, ratio in versions.items()]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
