"""Writes each student's feedback: a folder with one page over all exercises, as HTML and as Markdown."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path

from dlgrade.course.atomic import write_file
from dlgrade.errors import UsageError
from dlgrade.gradebook.grades import Attempt, Grade, Total, counting, grades, totals
from dlgrade.gradebook.policy import Extension, GradingPolicy, local
from dlgrade.gradebook.sources import UNKNOWN
from dlgrade.gradebook.store import Gradebook
from dlgrade.gradebook.whose import safe_name
from dlgrade.model import Report, Verdict
from dlgrade.points import percent, product, share_of
from dlgrade.report import feedback as told

FOLDER = "feedback"
STEM, HTML, MD = "feedback", ".html", ".md"
PAGE, MARKDOWN = f"{STEM}{HTML}", f"{STEM}{MD}"
INDEX = "students.json"
"""Which folder is whose: there each name is written whole, whatever is in it."""
_MARKS = (8, 64)
"""Characters that tell folders of one name apart; the second if the first are the same."""
UNKNOWN_TIME = "at an unknown time"


@dataclass(frozen=True)
class Written:
    """How many students' pages were written, and whose earlier ones were removed."""

    students: int
    removed: tuple[str, ...]


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
    for length in _MARKS:
        same: dict[str, list[str]] = defaultdict(list)
        for student, name in names.items():
            same[name.casefold()].append(student)
        for shared in same.values():
            if len(shared) > 1:
                names |= {student: _marked(student, length) for student in shared}
    return names


def _marked(student: str, length: int) -> str:
    digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe_name(student)}~{digest[:length]}"


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
    stem: str = STEM,
    on_written: Callable[[str], None] = lambda student: None,
) -> Written:
    """Write a folder for each student, and remove the pages of whoever has no grade any more.

    Each file is written beside and then renamed, so that whatever ends it leaves no half of one. Only pages go, in
    folders that the index says were made here; what else lies in them stays.

    Args:
        book: the gradebook.
        ledger: what was read from it.
        to: where the folders go.
        students: only these; all if there are none.
        exercises: only these; all if there are none.
        stem: what the pages are called, of `stem_of`: those of some exercises never lie where those of all do.
        on_written: told each student.

    Raises:
        UsageError: a file cannot be written, or the index is not one of these.
        GraderError: the gradebook is damaged.
    """
    of_student: dict[str, dict[str, Grade]] = defaultdict(dict)
    for grade in ledger.grades:
        of_student[grade.student][grade.exercise] = grade
    named = folders(of_student)
    before = _index(to)
    chosen = [student for student in sorted(of_student) if not students or student in students]
    for student in chosen:
        mine = of_student[student]
        reports = dict(_reports(book, student, {grade.number for grade in mine.values() if grade.number}))
        found = _feedback(ledger, student, mine, reports, exercises)
        page, markdown = told.to_html(found), told.to_markdown(found)
        write_file(to / named[student] / f"{stem}{HTML}", page, synced=False)
        write_file(to / named[student] / f"{stem}{MD}", markdown, synced=False)
        on_written(student)
    write_file(to / INDEX, json.dumps({named[one]: one for one in sorted(named)}, indent=1) + "\n")
    terms = ledger.policy.terms
    parts = {*ledger.max_points, *(one.exercise for one in terms), *(one.unit for one in terms)}
    stale = sorted(before.keys() - set(named.values()))
    removed = [before[folder] for folder in stale if _remove_pages(to / folder, parts)]
    return Written(len(chosen), tuple(removed))


def stem_of(asked: Iterable[str]) -> str:
    """What pages are called that are of these exercises or units, as they were asked for; of all if of none."""
    return "-".join([STEM, *dict.fromkeys(one.rstrip("/").removesuffix(".py").rpartition("/")[2] for one in asked)])


def _index(to: Path) -> dict[str, str]:
    """The folders that were written here before, and whose they are.

    Raises:
        UsageError: something else lies in the index's place.
    """
    path = to / INDEX
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(_is_of(folder, found[folder]) for folder in found):
        raise UsageError(
            f"{path} is there already, and is not what this command wrote.", where="--to", mend="Name another folder."
        )
    return found


def _is_of(folder: str, student: object) -> bool:
    return isinstance(student, str) and folder in (safe_name(student), *(_marked(student, one) for one in _MARKS))


def _remove_pages(folder: Path, parts: Iterable[str]) -> bool:
    """Remove the pages in a student's folder, and the folder if it is empty then; whether there were any."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    some = "|".join(map(re.escape, sorted(parts)))
    ours = re.compile(rf"{STEM}(?:-(?:{some}))*(?:{re.escape(HTML)}|{re.escape(MD)})")
    try:
        pages = [path for path in folder.iterdir() if ours.fullmatch(path.name)]
        for page in pages:
            page.unlink()
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be removed: {error.strerror}.") from error
    with suppress(OSError):  # it holds something that is not ours
        folder.rmdir()
    return bool(pages)


def _reports(book: Gradebook, student: str, numbers: Collection[int]) -> Iterator[tuple[int, Report]]:
    for one in book.records(student):
        if one.number in numbers:
            yield one.number, one.report
