"""Grades one submission where Gradescope runs an autograder: the folders that it documents, below any root.

The submission runs as confined as the container lets it. Lateness follows from `created_at` in Gradescope's metadata
and is never taken from a clock here; where Gradescope gives a student more time than the course does, that counts.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dlgrade.course.find import Course, open_course
from dlgrade.errors import GraderError
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.exports.gradescope import FILE, fault, results
from dlgrade.gradebook.exports.gradescope_zip import SETTINGS, Settings, read_settings
from dlgrade.gradebook.grades import Grade, grades
from dlgrade.gradebook.policy import GradingPolicy, Terms
from dlgrade.gradebook.store import record
from dlgrade.model import Report, Submission
from dlgrade.text import visible

WHOEVER = "handed-in"
"""The folder that the submission is copied to; a student's own folders lie below it and so cannot say whose it is."""
_METADATA_LIMIT = 64 << 20


@dataclass(frozen=True)
class Run:
    """What became of a run: what Gradescope is told, what the instructor reads, and whether it was graded."""

    results: dict[str, Any]
    said: str
    graded: bool


def results_path(root: Path) -> Path:
    """Where Gradescope looks for the results."""
    return root / "results" / FILE


def autograde(root: Path, now: datetime) -> Run:
    """Grade the submission below a root. Whatever of ours fails is told in the results, without a score.

    Args:
        root: Gradescope's /autograder.
        now: the time of grading, with its zone; no part of any verdict.
    """
    try:
        return _autograde(root, now)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        told = fault("The grader failed.", error=visible(why, limit=2000), previous=_previous(root))
        return Run(told, f"The grader failed: {why}", False)


def _autograde(root: Path, now: datetime) -> Run:
    source = root / "source"
    settings = read_settings((source / SETTINGS).read_bytes())
    course = open_course(source)
    metadata = _metadata(root)
    terms = settings.policy.of(settings.exercise)
    when = _moment(metadata.get("created_at"))
    if when is None:
        if terms.due is not None:
            raise GraderError("Gradescope does not say when it was handed in: lateness cannot be told.")
        when = now
    submission, notes = _submission(root / "submission", course)
    if submission is None:
        said = f"There is no {settings.exercise}.py in what was handed in."
        return Run({"score": 0, "output": f"{said}\n{notes}".strip(), "output_format": "text"}, said, True)
    report = _graded(course, settings, submission)
    grade = _grade(report, when, now, settings, _moment(_assignment(metadata).get("due_date")))
    told = results(report, grade, settings.visibility)
    if notes:
        told["output"] = f"{told['output']}\n{notes}"
    said = f"{settings.exercise}: {report.verdict}, {grade.reason}. Isolation: {report.isolation}."
    if report.isolation == "process":
        said += " The submission could read and write whatever this container holds, the checks and the results too."
    return Run(told, said, not grade.to_be_regraded)


def _graded(course: Course, settings: Settings, submission: Submission) -> Report:
    from dlgrade.gradebook.executor import Task
    from dlgrade.gradebook.grading import Grader, Setting, load, seconds_for
    from dlgrade.report.as_json import from_json
    from dlgrade.sandbox import levels

    folder = course.named([settings.exercise])[0]
    framework = folder.framework
    with levels.workers(framework, settings.isolation) as workers:
        level = workers.isolation
    loaded = load(course, folder)
    # The report is of these bytes, wherever they lay.
    bare = replace(submission, path=folder.file_name)
    task = Task("", folder.name, loaded.digest, bare, seconds_for(loaded.exercise))
    with Grader(Setting(course, settings.seed, {framework: level})) as grader:
        return from_json(json.loads(grader(task)))


def _grade(report: Report, when: datetime, now: datetime, settings: Settings, due_there: datetime | None) -> Grade:
    """The computed grade of this one submission, by the later of the course's and Gradescope's due times."""
    terms = settings.policy.of(settings.exercise)
    if terms.due is not None and due_there is not None:
        terms = Terms(terms.exercise, terms.unit, max(terms.due, due_there))
    policy = GradingPolicy((terms,), settings.policy.late)
    one = record(report, student=WHOEVER, attempt=1, when=when, key="", graded_at=now)
    return grades([one], policy)[0]


def _submission(folder: Path, course: Course) -> tuple[Submission | None, str]:
    """What was handed in, in whatever form `dlgrade collect` understands, and what is to be said of it."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "class" / WHOEVER
        shutil.copytree(folder, copy, symlinks=True)
        found = collect([copy.parent], course)
    its = max(found.submissions, key=lambda one: one.attempt, default=None)
    passed = [f"{one.path.removeprefix(f'{copy}/')}: {one.why}" for one in found.passed_over]
    notes = list(its.notes) if its is not None else passed[:5]
    return (None if its is None else its.submission), visible("\n".join(notes), lines=True)


def _metadata(root: Path) -> Mapping[str, Any]:
    try:
        with (root / "submission_metadata.json").open("rb") as file:
            data = json.loads(file.read(_METADATA_LIMIT))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _assignment(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    found = metadata.get("assignment")
    return found if isinstance(found, dict) else {}


def _previous(root: Path) -> list[Any]:
    """The scores of what was handed in before, which stand whatever happens to this one."""
    found = _metadata(root).get("previous_submissions")
    listed = found if isinstance(found, list) else []
    return [one.get("score") for one in listed if isinstance(one, dict)]


def _moment(text: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return when if when is not None and when.utcoffset() is not None else None
