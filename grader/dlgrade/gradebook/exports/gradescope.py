"""Gradescope's results.json: one for each submission.

Its tests carry the raw report, each check with its points; the total (`score`) is the computed grade, with lateness and
adjustments, and `output` says why. Hidden checks appear when grades are published, and then with category and points
only. A report that is broken has no score at all, which Gradescope shows as a failure of the autograder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dlgrade.gradebook.exports.entries import Entry
from dlgrade.gradebook.exports.files import to_json
from dlgrade.gradebook.grades import Grade
from dlgrade.gradebook.whose import safe_name
from dlgrade.model import CheckResult, Outcome, Report, Verdict, plain
from dlgrade.report.markdown import to_markdown
from dlgrade.report.outline import word
from dlgrade.report.redact import public
from dlgrade.text import visible

VISIBILITIES = ("after_published", "after_due_date", "hidden", "visible")
"""Of hidden checks. Gradescope keeps the total from students while any is not shown."""
FILE = "results.json"
_UNDECIDED = (Outcome.SKIPPED, Outcome.INCONCLUSIVE, Outcome.BROKEN)


def folder_of(entries: Sequence[Entry], visibility: str = VISIBILITIES[0]) -> dict[str, bytes]:
    """A results.json for each submission, by path.

    Raises:
        GraderError: a report is damaged.
    """
    return {
        f"{safe_name(entry.grade.exercise)}/{safe_name(entry.grade.student)}/{FILE}": to_json(
            results(entry.record.report, entry.grade, visibility)
        )
        for entry in entries
        if entry.record is not None
    }


def results(report: Report, grade: Grade, visibility: str = VISIBILITIES[0]) -> dict[str, Any]:
    """What Gradescope is told of one submission.

    Args:
        report: what was found.
        grade: computed from it.
        visibility: of hidden checks.
    """
    broken = report.verdict is Verdict.BROKEN or grade.graded_points is None
    tests = [_test(number, report, check, visibility, broken) for number, check in enumerate(report.checks, 1)]
    # Not the seed: whoever has it can draw the inputs.
    extra = {
        "dlgrade": {
            "exercise": report.exercise, "unit": report.unit, "verdict": report.verdict.value,
            "isolation": report.isolation, "device": report.device,
            "sha256": report.submission.sha256, "credit": plain(grade.credit), "reason": visible(grade.told),
        }
    }  # fmt: skip
    output = f"{visible(report.exercise)}: {visible(grade.told)}"
    data = {
        "execution_time": plain(round(report.seconds, 3)),
        "output": output,
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": extra,
    }
    return data if broken else {"score": plain(grade.graded_points), **data}


def fault(why: str, **extra: Any) -> dict[str, Any]:
    """What Gradescope is told when there is no report: no score, so that nobody has a zero of it.

    Args:
        why: what went wrong, in a sentence.
        extra: to be kept with it.
    """
    output = f"{why}\nThis is not your mistake, and there is no score: please tell your instructor."
    return {
        "output": visible(output, lines=True), "output_format": "text", "stdout_visibility": "hidden",
        "extra_data": {"dlgrade": {"verdict": Verdict.BROKEN.value, **extra}},
    }  # fmt: skip


def _test(number: int, report: Report, check: CheckResult, visibility: str, broken: bool) -> dict[str, Any]:
    shown = public(check)
    about: dict[str, Any] = {"check": shown.name, "kind": shown.kind, "outcome": shown.outcome.value}
    if not shown.hidden:
        about["seconds"] = plain(shown.seconds)
    test: dict[str, Any] = {
        "name": visible(shown.says or shown.name, limit=300),
        "name_format": "text",
        "number": str(number),
        "max_score": plain(shown.max_points),
        "output": _output(report, shown),
        "output_format": "md",
        "tags": [report.exercise, shown.kind],
        "visibility": visibility if shown.hidden else "visible",
        "extra_data": about,
    }
    if not broken:
        test["score"] = plain(shown.points)
    if shown.outcome not in _UNDECIDED:
        test["status"] = "passed" if shown.outcome is Outcome.PASSED else "failed"
    return test


def _output(report: Report, check: CheckResult) -> str:
    """What the Markdown of a report says of one of its checks, below the claim."""
    _, _, told = to_markdown([replace(report, checks=(check,))]).partition("\n### ")
    told = told.partition("\n")[2].strip()
    return told or ("" if check.outcome is Outcome.PASSED else word(check))
