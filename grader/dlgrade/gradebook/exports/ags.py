"""Scores as LTI's Assignment and Grade Services take them: one JSON value for each student and exercise.

The computed grade is what counts: policy, lateness and adjustments are in `scoreGiven`, and `comment` says why. Where
the grader failed there is neither a score nor `FullyGraded`, so that a platform keeps what it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dlgrade.gradebook.exports.entries import Entry
from dlgrade.gradebook.exports.files import to_json
from dlgrade.gradebook.exports.roster import Roster, person_of
from dlgrade.gradebook.whose import safe_name
from dlgrade.model import plain
from dlgrade.text import visible

STEP = timedelta(milliseconds=1)
"""A platform drops a score that is not newer than the one that it has."""


def path_of(entry: Entry) -> str:
    """Where an entry's score lies in the folder."""
    return f"{safe_name(entry.grade.exercise)}/{safe_name(entry.grade.student)}.json"


def score(entry: Entry, roster: Roster, now: datetime, last: datetime | None = None) -> dict[str, Any]:
    """One score.

    Args:
        entry: the grade.
        roster: whose `id` is the platform's userId; without it the gradebook's name is.
        now: the time, with its zone.
        last: the timestamp of the score that was exported before, which this one must exceed.
    """
    grade = entry.grade
    at = now if last is None else max(now, last + STEP)
    data: dict[str, Any] = {"userId": person_of(roster, grade.student).id or grade.student}
    # Points out of none, which a platform does not take: given by hand where nobody handed anything in.
    scored = entry.graded and grade.max_points > 0
    if scored:
        data |= {"scoreGiven": plain(grade.graded_points), "scoreMaximum": plain(grade.max_points)}
    data |= {
        "comment": visible(grade.told),
        "timestamp": _moment(at),
        "activityProgress": "Completed" if entry.graded else "Submitted",
        "gradingProgress": "FullyGraded" if scored else "PendingManual" if entry.graded else "Failed",
    }
    if entry.handed_in is not None:
        data["submission"] = {"submittedAt": _moment(entry.handed_in)}
    return data


def scores(entries: Sequence[Entry], roster: Roster, now: datetime, last: Mapping[str, datetime]) -> dict[str, bytes]:
    """All scores, by their paths.

    Args:
        entries: the grades.
        roster: what the platform calls the students.
        now: the time, with its zone.
        last: the timestamps of an earlier export, by path.
    """
    return {path_of(entry): to_json(score(entry, roster, now, last.get(path_of(entry)))) for entry in entries}


def timestamp_of(data: object) -> datetime | None:
    """The timestamp of a score that was exported; None if that is no score."""
    try:
        when = datetime.fromisoformat(data["timestamp"]) if isinstance(data, dict) else None
    except (KeyError, TypeError, ValueError):
        return None
    return when if when is not None and when.utcoffset() is not None else None


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds")
