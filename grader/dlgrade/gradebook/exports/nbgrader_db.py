"""Grades in nbgrader's own gradebook, through its API, so that its formgrader and its exporter show them.

Where nbgrader knows the course that `dlgrade release --notebooks` wrote, an exercise is the grade cell that it has
there, and its automatic score is the computed grade: nbgrader's late penalty is of a whole notebook. Any other is an
assignment with one notebook and one grade cell, all of the exercise's name. Its automatic score is the points with what
was given or taken by hand, its late penalty what lateness takes of them: what is left is the computed grade. Scores and
extra credit that people gave in the formgrader are theirs, and stay.

Where the grader failed there is no score, and nbgrader lists the submission as one to be graded by hand. nbgrader knows
no missing score: its exporter writes 0.0 for that, as it does for whoever handed nothing in. What was exported once and
is withdrawn here later stays there: nbgrader's gradebook is never made smaller.

All is written to a copy first, which then becomes the gradebook if there was none. One that is there already is not
replaced: whoever has it open would go on writing into the old file, and nobody could know. SQLite copies the new
content into it instead, in one transaction, which waits for whoever is writing, and which a crash undoes.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sqlite3
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlgrade.course.notebooks import grade_cell
from dlgrade.errors import DlgradeError, GraderError, UsageError
from dlgrade.gradebook.exports.entries import Entry
from dlgrade.gradebook.exports.roster import Roster, person_of
from dlgrade.gradebook.policy import GradingPolicy
from dlgrade.points import added
from dlgrade.text import visible

COURSE = "default_course"
"""What nbgrader calls a course that has no name."""
BUSY_SECONDS = 10.0


@dataclass(frozen=True)
class Exported:
    """How many scores were written, and how many have a score by hand beside them, which is what counts there."""

    scores: int
    by_hand: int


def export(path: Path, entries: Sequence[Entry], policy: GradingPolicy, roster: Roster) -> Exported:
    """Write grades to nbgrader's gradebook; twice is the same as once.

    Args:
        path: nbgrader's gradebook.db; it is made if there is none.
        entries: the grades.
        policy: says when exercises were due.
        roster: the students' names.

    Raises:
        UsageError: nbgrader is not installed, the file is no gradebook of its or has other assignments of these names,
            or somebody writes to it meanwhile.
        GraderError: it cannot be read or written.
    """
    api = _api()
    path = path.absolute()
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file.", where="--db")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as place:
            copy = Path(place) / path.name
            if not path.exists():
                exported = _fill(api, copy, entries, policy, roster)
                # nbgrader may have made one meanwhile: a link, unlike a renamed file, never replaces it.
                os.link(copy, path)
                return exported
            with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)) as there:
                _require_nbgraders(there, path)
                before = _changes(there)
                with contextlib.closing(sqlite3.connect(copy)) as target:
                    there.backup(target, progress=_patience(path))
                exported = _fill(api, copy, entries, policy, roster)
                if _changes(there) != before:
                    raise UsageError(
                        f"{path} was changed meanwhile.", where="--db", mend="Close nbgrader, and run this again."
                    )
                with contextlib.closing(sqlite3.connect(copy)) as done:
                    done.backup(there, progress=_patience(path))
            return exported
    except FileExistsError as error:
        raise UsageError(f"{path} was made meanwhile.", where="--db", mend="Run this again.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", where="--db") from error
    except sqlite3.Error as error:
        raise _fault(path, error) from error


def _api() -> Any:
    try:
        # Its libraries warn of each other.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("nbgrader.api")
    except ImportError as error:
        raise UsageError(
            f"nbgrader's gradebook needs nbgrader, which cannot be imported here ({visible(str(error), limit=200)}).",
            mend="Install it: python -m pip install 'dlgrade[instructor]'",
        ) from error


def _changes(connection: sqlite3.Connection) -> int:
    """A number that changes when anybody else changes the file."""
    found: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return found


def _patience(path: Path) -> Callable[[int, int, int], None]:
    """Ends a copy that has to wait for somebody else: by itself it would wait for ever."""
    until = time.monotonic() + BUSY_SECONDS

    def progress(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > until:
            raise _busy(path)

    return progress


def _require_nbgraders(connection: sqlite3.Connection, path: Path) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not {"assignment", "student", "submitted_assignment", "grade", "alembic_version"} <= tables:
        raise UsageError(f"{path} is a database, but no gradebook of nbgrader's.", where="--db")


def _fill(api: Any, path: Path, entries: Sequence[Entry], policy: GradingPolicy, roster: Roster) -> Exported:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with (
            warnings.catch_warnings(),
            _commands_of_this_environment(),
            api.Gradebook(f"sqlite:///{path}", _course(path)) as book,
        ):
            warnings.simplefilter("ignore")
            # nbgrader commits every value, and a copy that is lost with the power is no loss.
            book.db.execute(text("PRAGMA synchronous = OFF"))
            return _entered(api, book, entries, policy, roster)
    except SQLAlchemyError as error:
        raise UsageError(
            f"nbgrader cannot use its gradebook: {visible(str(error), limit=300)}",
            where="--db",
            mend="If an older nbgrader made it: nbgrader db upgrade",
        ) from error


def _course(path: Path) -> str:
    """The course that the gradebook is of: nbgrader would add another one if it were called otherwise."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            found = [str(row[0]) for row in connection.execute("SELECT id FROM course")]
        except sqlite3.OperationalError:
            found = []
    return COURSE if COURSE in found or not found else found[0]


@dataclass(frozen=True)
class _Place:
    """Where nbgrader keeps the points of an exercise."""

    assignment: str
    notebook: str
    cell: str


def _entered(api: Any, book: Any, entries: Sequence[Entry], policy: GradingPolicy, roster: Roster) -> Exported:
    places: dict[str, _Place] = {}
    for exercise in dict.fromkeys(entry.grade.exercise for entry in entries):
        its = [entry.grade.max_points for entry in entries if entry.grade.exercise == exercise]
        places[exercise] = _released(api, book, policy.of(exercise).unit, exercise) or _assignment(
            api, book, exercise, policy.of(exercise).due, max(its)
        )
    for student in dict.fromkeys(entry.grade.student for entry in entries):
        person = person_of(roster, student)
        known = {"first_name": person.first_name, "last_name": person.last_name, "email": person.email}
        book.update_or_create_student(student, **{key: value for key, value in known.items() if value})
    written = by_hand = 0
    for entry in entries:
        grade, place = entry.grade, places[entry.grade.exercise]
        submission = book.update_or_create_submission(place.assignment, grade.student)
        notebook = book.find_submission_notebook(place.notebook, place.assignment, grade.student)
        cell = book.find_grade(place.cell, place.notebook, place.assignment, grade.student)
        handed_in = _naive(entry.handed_in)
        if place.assignment == grade.exercise:
            submission.timestamp = handed_in
            cell.auto_score, notebook.late_submission_penalty = _scores(entry)
        else:
            submission.timestamp = max(filter(None, (submission.timestamp, handed_in)), default=None)
            cell.auto_score = grade.graded_points
        cell.needs_manual_grade = not entry.graded
        book.db.commit()
        written += entry.graded
        by_hand += cell.manual_score is not None
    return Exported(written, by_hand)


def _released(api: Any, book: Any, unit: str, exercise: str) -> _Place | None:
    """The place of an exercise in the course that nbgrader was given, if it was."""
    place = _Place(unit, unit, grade_cell(exercise))
    try:
        book.find_grade_cell(place.cell, place.notebook, place.assignment)
    except api.MissingEntry:
        return None
    return place


def _assignment(api: Any, book: Any, exercise: str, due: datetime | None, most: float) -> _Place:
    try:
        cells = {
            (notebook.name, cell.name)
            for notebook in book.find_assignment(exercise).notebooks
            for cell in (*notebook.grade_cells, *notebook.task_cells)
        }
    except api.MissingEntry:
        cells = set()
    if cells - {(exercise, exercise)}:
        raise UsageError(
            f"nbgrader has an assignment {exercise} of its own, with cells that have points.",
            where="--db",
            mend="Name another gradebook, or leave this exercise out: --exercise",
        )
    book.update_or_create_assignment(exercise, duedate=_naive(due))
    book.update_or_create_notebook(exercise, exercise)
    # A cell without a type counts in none of nbgrader's sums.
    book.update_or_create_grade_cell(exercise, exercise, exercise, max_score=most, cell_type="code")
    return _Place(exercise, exercise, exercise)


def _scores(entry: Entry) -> tuple[float | None, float | None]:
    """The automatic score and the late penalty, whose difference is the computed grade."""
    grade = entry.grade
    if grade.graded_points is None:
        return None, None
    # By hand nobody is left with less than nothing, which the sum of the two would be.
    given = added((grade.points, grade.adjusted)) if grade.graded_points > 0 else grade.points
    return given, added((given, -grade.graded_points))


def _naive(when: datetime | None) -> datetime | None:
    """The time as nbgrader keeps it: in UTC, without saying so."""
    return None if when is None else when.astimezone(UTC).replace(tzinfo=None)


@contextlib.contextmanager
def _commands_of_this_environment() -> Iterator[None]:
    """nbgrader runs `alembic`, which is where its Python is, and that need not be on the path."""
    kept = os.environ.get("PATH")
    os.environ["PATH"] = os.pathsep.join(filter(None, (str(Path(sys.executable).parent), kept)))
    try:
        yield
    finally:
        if kept is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = kept


def _fault(path: Path, error: sqlite3.Error) -> DlgradeError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UsageError(
            f"Another process uses {path}.",
            where="--db",
            mend="Nothing was changed. Close nbgrader, and run this again.",
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return UsageError(f"{path} cannot be used: {error}.", where="--db")
    return GraderError(f"{path} cannot be used: {error}.", where="--db")


def _busy(path: Path) -> UsageError:
    mend = "Nothing was changed. Close nbgrader, and run this again."
    return UsageError(f"Another process uses {path}.", where="--db", mend=mend)
