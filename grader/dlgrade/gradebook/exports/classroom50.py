"""Classroom 50's result/v1: one JSON value for each student and exercise.

It carries the raw report: scores are the sums of the tests, and there is no place for lateness or adjustments, which
are left out. Points are integers there. Where a check's are not, all points of the exercise are multiplied by the
smallest number that makes them whole (2 for halves, at most 100: hundredths are rounded); it is the same for everybody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from dlgrade.errors import UsageError
from dlgrade.gradebook.exports.entries import Entry
from dlgrade.gradebook.exports.roster import Roster, person_of
from dlgrade.gradebook.whose import safe_name
from dlgrade.model import Outcome, Report, Verdict
from dlgrade.points import number
from dlgrade.report.redact import public
from dlgrade.text import visible

SCHEMA = "classroom50/result/v1"
TAG = "submit/"
"""What the tags of submissions begin with; Classroom 50 takes no others."""


@dataclass(frozen=True)
class Place:
    """Where a submission lies, as Classroom 50 names it."""

    submission: str
    commit: str
    release: str
    review: str


def place_of(entry: Entry, organization: str, classroom: str, assignment: str, username: str) -> Place:
    """Where a submission lies by Classroom 50's conventions; its tag is made of its time and hash.

    Raises:
        UsageError: nothing was handed in.
    """
    record = entry.record
    if record is None:
        raise UsageError(f"{visible(entry.grade.student)} handed nothing in.")
    stamp = (entry.handed_in or record.graded_at).astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    tag = f"{TAG}{stamp}-{record.submission[:7]}"
    name = "-".join((classroom, assignment, username)).lower()
    repository = f"https://github.com/{quote(organization, safe='')}/{quote(name, safe='')}"
    return Place(tag, repository, f"{repository}/releases/tag/{quote(tag, safe='')}", repository)


@dataclass(frozen=True)
class Asked:
    """What Classroom 50's runner says of the one submission that it asks for."""

    place: Place
    assignment: str | None
    username: str | None


def asked_of(environment: Mapping[str, str]) -> Asked | None:
    """What the runner says by its environment; None where there is no runner.

    Raises:
        UsageError: it does not say where the submission lies.
    """
    tag = environment.get("SUBMISSION_TAG")
    if not tag:
        return None
    commit = environment.get("COMMIT_URL", "")
    if not commit:
        raise UsageError("SUBMISSION_TAG is set, and COMMIT_URL is not.", mend="Classroom 50's runner sets both.")
    release, review = environment.get("RELEASE_URL") or commit, environment.get("REVIEW_URL") or commit
    place = Place(tag, commit, release, review)
    return Asked(place, environment.get("ASSIGNMENT"), environment.get("USERNAME"))


@dataclass(frozen=True)
class Results:
    """The results by path, and what the points of each exercise are multiplied by."""

    results: Mapping[str, dict[str, Any]]
    factors: Mapping[str, int]


def results_of(
    entries: Sequence[Entry], roster: Roster, classroom: str, organization: str, asked: Asked | None = None
) -> Results:
    """A result for each submission that has a score.

    Args:
        entries: what is exported, with reports.
        roster: what others call the students; their sis_login_id is their name on GitHub.
        classroom: the classroom's short name.
        organization: its organization on GitHub.
        asked: what the runner says, if it asks.
    """
    results: dict[str, dict[str, Any]] = {}
    handed_in = [(entry, entry.record) for entry in entries if entry.record is not None]
    reports: dict[str, list[Report]] = {entry.grade.exercise: [] for entry in entries}
    for entry, record in handed_in:
        reports[entry.grade.exercise].append(record.report)
    factors = {name: factor_of(its) for name, its in reports.items()}
    for entry, record in handed_in:
        report, name = record.report, entry.grade.exercise
        if not entry.graded or report.verdict is Verdict.BROKEN:
            continue
        username = person_of(roster, entry.grade.student).sis_login_id or entry.grade.student
        if asked is None:
            assignment, place = name, place_of(entry, organization, classroom, name, username)
        else:
            assignment, place = asked.assignment or name, asked.place
            username = asked.username or username
        results[f"{safe_name(name)}/{safe_name(username)}.json"] = result(
            report,
            classroom=classroom,
            assignment=assignment,
            username=username,
            place=place,
            when=record.graded_at,
            factor=factors[name],
        )
    return Results(results, factors)


def factor_of(reports: Sequence[Report]) -> int:
    """What points are multiplied by to be whole, in all reports on one exercise."""
    points = {value for report in reports for check in report.checks for value in (check.points, check.max_points)}
    return math.lcm(1, *(_hundredths(value).denominator for value in points))


def result(report: Report, *, classroom: str, assignment: str, username: str, place: Place, when: datetime,
           factor: int) -> dict[str, Any]:  # fmt: skip
    """One result.

    Args:
        report: what was found.
        classroom: the classroom's short name.
        assignment: the assignment's.
        username: the student's on GitHub.
        place: where the submission lies.
        when: the time of grading, with its zone.
        factor: of `factor_of`.

    Raises:
        UsageError: the report is broken, so that there is no score.
    """
    if report.verdict is Verdict.BROKEN:
        raise UsageError(f"{visible(report.exercise)} of {visible(username)} has no score.")
    if not place.submission.startswith(TAG):
        raise UsageError(f"The submission's tag does not begin with {TAG}: {visible(place.submission)!r}.")
    tests: list[dict[str, Any]] = []
    for check in map(public, report.checks):
        most, got = _whole(check.max_points, factor), _whole(check.points, factor)
        name = visible(check.says or check.name, limit=200)
        passed = check.outcome in (Outcome.PASSED, Outcome.SKIPPED)
        tests.append({"test-name": name, "passed": passed, "score": min(got, most), "max-score": most})
    return {
        "schema": SCHEMA,
        "classroom": classroom,
        "assignment": assignment,
        "usernames": [username],
        "submission": place.submission,
        "commit": place.commit,
        "release": place.release,
        "review": place.review,
        "datetime": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }


def _hundredths(points: float) -> Fraction:
    return Fraction(number(points, digits=2))


def _whole(points: float, factor: int) -> int:
    return int(_hundredths(points) * factor)
