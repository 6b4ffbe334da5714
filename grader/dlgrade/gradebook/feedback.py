"""Writes each student's feedback: a folder with one page over all exercises, as HTML and as Markdown."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path

from dlgrade.course.atomic import write_file
from dlgrade.gradebook.grades import Attempt, Grade, Total, counting, grades, totals
from dlgrade.gradebook.policy import Extension, GradingPolicy, local
from dlgrade.gradebook.sources import UNKNOWN
from dlgrade.gradebook.store import Gradebook
from dlgrade.gradebook.whose import safe_name
from dlgrade.model import Report, Verdict
from dlgrade.points import percent, product, share_of
from dlgrade.report import feedback as told

FOLDER = "feedback"
PAGE = "feedback.html"
MARKDOWN = "feedback.md"
INDEX = "students.json"
"""Which folder is whose: there each name is written whole, whatever is in it."""
UNKNOWN_TIME = "at an unknown time"


@dataclass(frozen=True)
class Ledger:
    """What a gradebook says of a class, without the reports themselves."""

    course: str
    policy: GradingPolicy
    grades: tuple[Grade, ...]
    attempts: Mapping[tuple[str, str], Sequence[Attempt]]
    totals: Mapping[str, Total]
    max_points: Mapping[str, float]


def ledger(
    book: Gradebook, policy: GradingPolicy, extensions: Sequence[Extension], course: str = ""
) -> Ledger:  # fmt: skip
    """Read what grades follow from.

    Args:
        book: the gradebook.
        policy: the course's.
        extensions: the students'.
        course: what it is called.

    Raises:
        GraderError: the gradebook is damaged.
    """
    # Their texts are most of them, and are read again one student at a time.
    records = [replace(one, text="") for one in book.records()]
    found = grades(records, policy, extensions, book.adjustments())
    max_points: dict[str, float] = {}
    for grade in found:
        max_points[grade.exercise] = max(max_points.get(grade.exercise, 0.0), grade.max_points)
    return Ledger(
        course=course,
        policy=policy,
        grades=found,
        attempts=counting(records),
        totals={total.student: total for total in totals(found, policy)},
        max_points=max_points,
    )


def folders(students: Iterable[str]) -> dict[str, str]:
    """A folder's name for each student, which every file system can hold and tells apart, whatever its case.

    Whoever would share one has it marked, all of them, so that nobody's page ever lies where another's was.
    """
    names = {student: safe_name(student) for student in sorted(set(students))}
    for length in (8, 64):
        same: dict[str, list[str]] = defaultdict(list)
        for student, name in names.items():
            same[name.casefold()].append(student)
        for shared in same.values():
            if len(shared) > 1:
                names |= {student: f"{safe_name(student)}~{_digest(student)[:length]}" for student in shared}
    return names


def _digest(student: str) -> str:
    return hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()


def _feedback(
    ledger: Ledger, student: str, mine: Mapping[str, Grade], reports: Mapping[int, Report], exercises: Collection[str]
) -> told.Feedback:
    names = ledger.policy.in_order(ledger.max_points)
    accounts = tuple(
        _account(ledger, student, name, mine.get(name), reports) for name in names if not exercises or name in exercises
    )
    total = ledger.totals.get(student)
    summed = None
    if total is not None and not exercises:
        summed = told.Total(total.points, total.max_points, percent(share_of(total.points, total.max_points)))
    return told.Feedback(student, ledger.course, accounts, summed)


def _account(
    ledger: Ledger, student: str, exercise: str, grade: Grade | None, reports: Mapping[int, Report]
) -> told.Account:
    terms = ledger.policy.of(exercise)
    due = local(terms.due) if terms.due is not None else None
    most = ledger.max_points[exercise]
    if grade is None:
        return told.Account(exercise, 0.0, most, None, "", "", 0.0, 0.0, terms.weight, due)
    changes = tuple(told.Change(one.points, one.reason) for one in grade.changes)
    if not grade.attempt:
        graded = grade.graded_points
        return told.Account(exercise, 0.0, most, None, "", "", 0.0, graded, terms.weight, due, changes=changes)
    zone = terms.due.tzinfo if terms.due is not None else ledger.policy.zone
    tried = tuple(
        told.Attempt(
            one.attempt,
            _moment(one.when, one.clock, zone),
            None if one.verdict is Verdict.BROKEN else one.points,
            one.number == grade.number,
        )
        for one in ledger.attempts.get((student, exercise), ())
    )
    when = grade.when
    return told.Account(
        exercise=exercise,
        points=grade.points,
        max_points=grade.max_points,
        credit=grade.credit,
        share="" if grade.credit is None else percent(grade.credit),
        lateness=grade.reason,
        earned=None if grade.credit is None else product(grade.points, grade.credit),
        graded=grade.graded_points,
        weight=terms.weight,
        due=due,
        when=None if when is None else _moment(when, grade.clock, zone),
        changes=changes,
        attempts=tried,
        rule=str(ledger.policy.attempts),
        report=reports.get(grade.number),
    )


def _moment(when: datetime, clock: str, zone: tzinfo | None) -> str:
    return UNKNOWN_TIME if clock in UNKNOWN else local(when.astimezone(zone) if zone else when)


def write_feedback(
    book: Gradebook,
    ledger: Ledger,
    to: Path,
    *,
    students: Collection[str] = (),
    exercises: Collection[str] = (),
    on_written: Callable[[str], None] = lambda student: None,
) -> int:
    """Write a folder for each student; say how many were written.

    Each file is written beside and then renamed, so that whatever ends it leaves no half of one.

    Args:
        book: the gradebook.
        ledger: what was read from it.
        to: where the folders go.
        students: only these; all if there are none.
        exercises: only these; all if there are none.
        on_written: told each student.

    Raises:
        UsageError: a file cannot be written.
        GraderError: the gradebook is damaged.
    """
    of_student: dict[str, dict[str, Grade]] = defaultdict(dict)
    for grade in ledger.grades:
        of_student[grade.student][grade.exercise] = grade
    named = folders(of_student)
    chosen = [student for student in sorted(of_student) if not students or student in students]
    for student in chosen:
        mine = of_student[student]
        reports = dict(_reports(book, student, {grade.number for grade in mine.values() if grade.number}))
        found = _feedback(ledger, student, mine, reports, exercises)
        page, markdown = told.to_html(found), told.to_markdown(found)
        write_file(to / named[student] / PAGE, page, synced=False)
        write_file(to / named[student] / MARKDOWN, markdown, synced=False)
        on_written(student)
    write_file(to / INDEX, json.dumps({named[one]: one for one in sorted(named)}, indent=1) + "\n")
    return len(chosen)


def _reports(book: Gradebook, student: str, numbers: Collection[int]) -> Iterator[tuple[int, Report]]:
    for one in book.records(student):
        if one.number in numbers:
            yield one.number, one.report
