"""The gradebook: reports, adjustments and withdrawals in SQLite, appended and never changed.

SQLite through the standard library: three tables, a few statements, and no object that ever changes, which is what a
mapper such as SQLAlchemy is for. It would be one more thing to install and to keep up with, for instructors only.

Each row carries a checksum over what it says, so that a damaged disk is told and not graded. A report that is made
again (other checks, other versions) is a row more: of the rows of one attempt the last counts.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dlgrade.bounds import MANY, Bounds
from dlgrade.errors import DlgradeError, GraderError, UsageError
from dlgrade.gradebook.sources import tells_more
from dlgrade.model import Report, Verdict
from dlgrade.report.as_json import from_json, to_json
from dlgrade.text import visible

FILE = "gradebook.db"
VERSION = 2
"""Of the tables. The second knows which clock told when an attempt was handed in, and of withdrawals."""
APPLICATION = 0x646C6762
"""What SQLite's files say whose they are by: "dlgb"."""
BUSY_SECONDS = 5.0
"""How long one who wants to write waits for another who does."""

_REPORT_COLUMNS = (
    "student", "exercise", "attempt", "handed_in", "submission", "key", "graded_at", "verdict", "points", "max_points",
    "report_sha256", "clock",
)  # fmt: skip
_ADJUSTED = Bounds(least=-MANY, most=MANY)
_ADJUSTMENT_COLUMNS = ("student", "exercise", "points", "reason", "who", "made_at")
_WITHDRAWAL_COLUMNS = ("student", "exercise", "attempt", "until", "reason", "who", "made_at")
_APPENDED = ("report", "adjustment", "withdrawal")


def _guards(table: str) -> tuple[str, ...]:
    """What keeps anybody from changing what is in a table."""
    return tuple(
        f"""CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
        BEGIN SELECT RAISE(ABORT, 'the gradebook is append-only'); END"""
        for name, event, when in (
            ("is_never_changed", "UPDATE", ""),
            ("is_never_deleted", "DELETE", ""),
            # INSERT OR REPLACE deletes without asking the trigger above.
            ("is_never_replaced", "INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE number = NEW.number)"),
        )
    )


_WITHDRAWALS = (
    # `until`: the last report on the attempt that does not count; what is graded after it does.
    """CREATE TABLE withdrawal (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        student TEXT NOT NULL, exercise TEXT NOT NULL, attempt INTEGER NOT NULL, until INTEGER NOT NULL,
        reason TEXT NOT NULL, who TEXT NOT NULL, made_at TEXT NOT NULL, checksum TEXT NOT NULL
    )""",
    "CREATE INDEX withdrawal_by_attempt ON withdrawal (student, exercise, attempt, until)",
    *_guards("withdrawal"),
)
_TABLES = (
    # The report comes last: SQLite keeps long rows in pages of their own, which whoever wants only points never reads.
    """CREATE TABLE report (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        student TEXT NOT NULL, exercise TEXT NOT NULL, attempt INTEGER NOT NULL,
        handed_in TEXT NOT NULL, submission TEXT NOT NULL, key TEXT NOT NULL, graded_at TEXT NOT NULL,
        verdict TEXT NOT NULL, points REAL NOT NULL, max_points REAL NOT NULL,
        report_sha256 TEXT NOT NULL, clock TEXT NOT NULL DEFAULT '', checksum TEXT NOT NULL, report TEXT NOT NULL
    )""",
    "CREATE INDEX report_by_attempt ON report (student, exercise, attempt, number)",
    """CREATE TABLE adjustment (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        student TEXT NOT NULL, exercise TEXT NOT NULL, points REAL NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL,
        made_at TEXT NOT NULL, checksum TEXT NOT NULL
    )""",
    *_guards("report"),
    *_guards("adjustment"),
    *_WITHDRAWALS,
)


def _to_version_2(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE report ADD COLUMN clock TEXT NOT NULL DEFAULT ''")
    for statement in _WITHDRAWALS:
        connection.execute(statement)


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _to_version_2}
"""What brings the tables of a version to the next one; each runs inside one transaction."""
RESCUE = (
    "Keep a copy of the file. `dlgrade grade` into an empty folder makes every report again from the submissions; "
    "adjustments are still in a backup, or in: sqlite3 gradebook.db .recover"
)


@dataclass(frozen=True)
class Record:
    """One report on one attempt of one student, as the gradebook keeps it."""

    student: str
    exercise: str
    attempt: int
    when: datetime
    """When it was handed in."""
    submission: str
    """The SHA-256 of its bytes."""
    key: str
    """A digest of all that the report follows from: submission, checks, versions, seed."""
    graded_at: datetime
    verdict: Verdict
    points: float
    max_points: float
    text: str = field(repr=False)
    """The report as JSON."""
    digest: str = field(repr=False)
    """The SHA-256 of the text."""
    number: int = 0
    """The place in the gradebook: of two reports on one attempt, the higher one counts."""
    clock: str = ""
    """What told when it was handed in; empty if that was not kept."""

    @property
    def report(self) -> Report:
        """The report itself.

        Raises:
            GraderError: if it is damaged.
        """
        try:
            if _sha256(self.text) != self.digest:
                raise UsageError("Its checksum does not fit.")
            return from_json(json.loads(self.text))
        except (ValueError, RecursionError, UsageError) as error:
            what = f"Report {self.number} ({_shown(self.exercise)} of {_shown(self.student)}) is damaged."
            raise GraderError(what, mend=RESCUE) from error


@dataclass(frozen=True)
class Adjustment:
    """Points that a person gave or took, and why."""

    student: str
    exercise: str
    points: float
    reason: str
    who: str
    at: datetime
    number: int = 0


@dataclass(frozen=True)
class Withdrawal:
    """An attempt that does not count any more, as far as it had been graded by then; graded anew, it counts again."""

    student: str
    exercise: str
    attempt: int
    until: int
    """The number of the last report that does not count."""
    reason: str
    who: str
    at: datetime
    number: int = 0


def record(
    report: Report, *, student: str, attempt: int, when: datetime, key: str, graded_at: datetime, clock: str = ""
) -> Record:
    """A report made ready for the gradebook.

    Args:
        report: what was found.
        student: whose submission it was.
        attempt: which of the student's attempts at the exercise, from 1.
        when: when it was handed in, with its zone.
        key: a digest of all that the report follows from.
        graded_at: now, with its zone.
        clock: what told when it was handed in.

    Raises:
        UsageError: if a time has no zone or the attempt no number.
    """
    if attempt < 1:
        raise UsageError(f"Attempts are counted from 1, not from {attempt}.")
    for moment in (when, graded_at):
        _zoned(moment)
    # In ASCII, so that whoever looks into the file with another program meets nothing that a terminal obeys.
    text = json.dumps(to_json(report), separators=(",", ":"), allow_nan=False).replace("\x7f", "\\u007f")
    return Record(
        student=_storable(student),
        exercise=_storable(report.exercise),
        attempt=attempt,
        when=when,
        submission=_storable(report.submission.sha256),
        key=_storable(key),
        graded_at=graded_at,
        verdict=report.verdict,
        points=float(report.points),
        max_points=float(report.max_points),
        text=text,
        digest=_sha256(text),
        clock=_storable(clock),
    )


class Gradebook:
    """An open gradebook. `Gradebook.open` makes one; close it, or use it in a `with`.

    Whoever writes holds a lock until it is closed, which the system takes away from a process that dies.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, cleanup: ExitStack) -> None:
        self.path = path
        self._connection = connection
        self._cleanup = cleanup

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Self:
        """Open a gradebook, or make one if it is to be written.

        Args:
            path: its file, or the folder that it lies in.
            write: whether to add to it; only one process at a time can.

        Raises:
            UsageError: there is none, it is no gradebook, another process writes to it, or it may not be written.
            GraderError: it is damaged, or the disk is full or failing.
        """
        try:
            path = path / FILE if path.is_dir() else path
            there = path.is_file()
        except PermissionError as error:
            raise UsageError(f"{path} cannot be looked at: {error.strerror}.") from error
        with ExitStack() as opened:
            if write:
                connection = _to_write(path, opened)
            elif there:
                connection = _to_read(path, opened)
            else:
                raise UsageError(
                    f"There is no gradebook {path}.", mend="`dlgrade grade SUBMISSIONS --out DIR` makes one in DIR."
                )
            return cls(path, connection, opened.pop_all())

    def close(self) -> None:
        """Close it; what was added stays added."""
        with _told(self.path):
            self._cleanup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def add(self, *records: Record) -> int:
        """Add reports, all of them or none; those that are there already are passed over.

        A report is there if the one that counts for the attempt has its key. One that was broken is not: whatever comes
        out with the same key next is added. Nor is one on bytes that were handed in earlier than was known, or at a
        time that was not known.

        Returns:
            How many were added.

        Raises:
            UsageError: the gradebook may not be written.
            GraderError: the disk is full or failing; nothing that was there is lost.
        """
        with _told(self.path), _transaction(self._connection):
            return sum(self._add(one) for one in records)

    def _add(self, record: Record) -> bool:
        known = self._counting(record.student, record.exercise, record.attempt)
        if known is not None and known[0] == record.key:
            stays = known[1] != Verdict.BROKEN or record.verdict is Verdict.BROKEN
            if stays and not tells_more(record.when, record.clock, datetime.fromisoformat(known[2]), known[3]):
                return False
        row = (
            record.student, record.exercise, record.attempt, record.when.isoformat(), record.submission, record.key,
            record.graded_at.isoformat(), record.verdict.value, record.points, record.max_points, record.digest,
            record.clock,
        )  # fmt: skip
        self._insert("report", (*_REPORT_COLUMNS, "checksum", "report"), (*row, _sealed(row), record.text))
        return True

    def has(self, student: str, exercise: str, attempt: int, key: str) -> bool:
        """Whether the report that counts for this attempt has this key and is not broken, so need not be made again."""
        with _told(self.path):
            known = self._counting(_storable(student), _storable(exercise), attempt)
        return known is not None and known[:2] in ((key, Verdict.PASSED.value), (key, Verdict.FAILED.value))

    def _counting(self, student: str, exercise: str, attempt: int) -> tuple[str, str, str, str] | None:
        """Key, verdict, time and clock of the report that counts for an attempt."""
        attempt_is = "student = ? AND exercise = ? AND attempt = ?"
        found: tuple[str, str, str, str] | None = self._connection.execute(
            f"SELECT key, verdict, handed_in, clock FROM report WHERE {attempt_is} AND number > "
            f"(SELECT coalesce(max(until), 0) FROM withdrawal WHERE {attempt_is}) ORDER BY number DESC LIMIT 1",
            (student, exercise, attempt) * 2,
        ).fetchone()
        return found

    def records(
        self, student: str | None = None, exercise: str | None = None, *, withdrawn: bool = False
    ) -> Iterator[Record]:
        """The reports in the order in which they were added, one at a time.

        Args:
            student: only this one's.
            exercise: only those on this one.
            withdrawn: also those that do not count any more.

        Raises:
            GraderError: one is damaged.
        """
        until: dict[tuple[str, str, int], int] = {}
        for one in () if withdrawn else self.withdrawals(student, exercise):
            until[one.student, one.exercise, one.attempt] = one.until
        columns = ("number", *_REPORT_COLUMNS, "checksum", "report")
        for number, *row, checksum, text in self._rows("report", columns, student, exercise):
            self._require(isinstance(text, str) and _sealed(row) == checksum, "report", number)
            if number <= until.get((row[0], row[1], row[2]), 0):
                continue
            try:
                yield Record(
                    row[0], row[1], row[2], datetime.fromisoformat(row[3]), row[4], row[5],
                    datetime.fromisoformat(row[6]), Verdict(row[7]), row[8], row[9], text, row[10], number, row[11],
                )  # fmt: skip
            except (TypeError, ValueError) as error:
                raise self._damaged("report", number) from error

    def adjust(self, student: str, exercise: str, points: float, reason: str, who: str, at: datetime) -> None:
        """Give a student points for an exercise, or take them.

        Args:
            student: whom.
            exercise: for which one.
            points: how many; negative ones are taken. They are not made fewer by lateness.
            reason: why, for the student to read.
            who: who decided.
            at: now, with its zone.

        Raises:
            UsageError: there is no reason, or the points are no number; or the gradebook may not be written.
            GraderError: the disk is full or failing; nothing that was there is lost.
        """
        if not _ADJUSTED.hold(points):
            raise UsageError(f"{points} are no points.")
        if not reason.strip() or not who.strip():
            raise UsageError("An adjustment needs a reason and the name of whoever decided it.")
        _zoned(at)
        row = (*map(_storable, (student, exercise)), float(points), *map(_storable, (reason, who)), at.isoformat())
        with _told(self.path), _transaction(self._connection):
            self._insert("adjustment", (*_ADJUSTMENT_COLUMNS, "checksum"), (*row, _checksum(row)))

    def adjustments(self, student: str | None = None, exercise: str | None = None) -> Iterator[Adjustment]:
        """The adjustments in the order in which they were made.

        Args:
            student: only this one's.
            exercise: only those of this one.

        Raises:
            GraderError: one is damaged.
        """
        columns = ("number", *_ADJUSTMENT_COLUMNS, "checksum")
        for number, *row, checksum in self._rows("adjustment", columns, student, exercise):
            self._require(_checksum(row) == checksum, "adjustment", number)
            try:
                yield Adjustment(row[0], row[1], row[2], row[3], row[4], datetime.fromisoformat(row[5]), number)
            except (TypeError, ValueError) as error:
                raise self._damaged("adjustment", number) from error

    def withdraw(self, attempts: Iterable[tuple[str, str, int]], reason: str, who: str, at: datetime) -> int:
        """Have attempts not count any more, all of them or none. Nothing is lost: graded anew, one counts again.

        Args:
            attempts: student, exercise and number of each. One that does not count anyway is passed over.
            reason: why.
            who: who decided.
            at: now, with its zone.

        Returns:
            How many there were.

        Raises:
            UsageError: there is no reason, or the gradebook may not be written.
            GraderError: the disk is full or failing; nothing that was there is lost.
        """
        if not reason.strip() or not who.strip():
            raise UsageError("A withdrawal needs a reason and the name of whoever decided it.")
        _zoned(at)
        done = 0
        with _told(self.path), _transaction(self._connection):
            for student, exercise, attempt in attempts:
                place = (_storable(student), _storable(exercise), attempt)
                if self._counting(*place) is None:
                    continue
                last = "SELECT max(number) FROM report WHERE student = ? AND exercise = ? AND attempt = ?"
                (until,) = self._connection.execute(last, place).fetchone()
                row = (*place, until, _storable(reason), _storable(who), at.isoformat())
                self._insert("withdrawal", (*_WITHDRAWAL_COLUMNS, "checksum"), (*row, _checksum(row)))
                done += 1
        return done

    def withdrawals(self, student: str | None = None, exercise: str | None = None) -> Iterator[Withdrawal]:
        """The withdrawals in the order in which they were made.

        Args:
            student: only this one's.
            exercise: only those of this one.

        Raises:
            GraderError: one is damaged.
        """
        columns = ("number", *_WITHDRAWAL_COLUMNS, "checksum")
        for number, *row, checksum in self._rows("withdrawal", columns, student, exercise):
            self._require(_checksum(row) == checksum, "withdrawal", number)
            try:
                yield Withdrawal(
                    row[0], row[1], row[2], row[3], row[4], row[5], datetime.fromisoformat(row[6]), number
                )  # fmt: skip
            except (TypeError, ValueError) as error:
                raise self._damaged("withdrawal", number) from error

    def faults(self) -> tuple[str, ...]:
        """Look through the whole file: a sentence for each thing that is wrong with it; none if it is sound."""
        found: list[str] = []
        try:
            with _told(self.path):
                said = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(10)")]
            found += [f"SQLite says: {visible(line, limit=200)}." for line in said if line != "ok"]
            for table in _APPENDED:
                with _told(self.path):
                    rows, last = self._connection.execute(f"SELECT count(*), max(number) FROM {table}").fetchone()
                    noted = self._connection.execute(
                        "SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)
                    ).fetchone()
                ever = max(last or 0, noted[0] if noted else 0)
                if rows != ever:
                    found.append(f"There are {rows} rows in {table}, where {ever} were added.")
            found += self._unlike()
        except DlgradeError as error:
            found.append(error.what)
        return tuple(found)

    def _unlike(self) -> Iterator[str]:
        """Rows that do not say what their reports do."""
        for one in self.records(withdrawn=True):
            report = one.report
            says = (report.exercise, report.submission.sha256, report.verdict, report.points, report.max_points)
            if says != (one.exercise, one.submission, one.verdict, one.points, one.max_points):
                yield f"Report {one.number} is not what its row says."
        for _ in (*self.adjustments(), *self.withdrawals()):
            pass

    def _insert(self, table: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", row)

    def _rows(
        self, table: str, columns: tuple[str, ...], student: str | None, exercise: str | None
    ) -> Iterator[tuple[Any, ...]]:
        wanted = {"student": student, "exercise": exercise}
        given = {column: _storable(value) for column, value in wanted.items() if value is not None}
        where = f"WHERE {' AND '.join(f'{column} = ?' for column in given)}" if given else ""
        with _told(self.path):
            yield from self._connection.execute(
                f"SELECT {', '.join(columns)} FROM {table} {where} ORDER BY number", tuple(given.values())
            )

    def _require(self, sound: bool, table: str, number: int) -> None:
        if not sound:
            raise self._damaged(table, number)

    def _damaged(self, table: str, number: int) -> GraderError:
        return GraderError(f"The {table} number {number} is damaged.", where=str(self.path), mend=RESCUE)


# -- opening -----------------------------------------------------------------------------------------------------------


def _to_write(path: Path, opened: ExitStack) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error
    lock(path, f"{path.name}-writer", opened)
    with _told(path):
        connection = _connected(path, "rwc", opened)
        version = _version(path, connection)
        # Readers go on while one writes, and what is committed survives the loss of power.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "trusted_schema = OFF"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if version is None:
            with _transaction(connection):
                if _version(path, connection) is None:
                    _create(connection)
        elif version < VERSION:
            _keep_copy(path, connection, version)
            _migrate(path, connection, version)
        return connection


def _to_read(path: Path, opened: ExitStack) -> sqlite3.Connection:
    with _told(path):
        try:
            # Not "ro": such a connection may not take away the files that SQLite keeps beside a gradebook in use, and
            # leaves them there when it is the last one to close.
            connection = _connected(path, "rw", opened)
            connection.execute("PRAGMA query_only = ON")
            version = _version(path, connection)
        except sqlite3.OperationalError as error:
            # Beside the file SQLite wants a place for what readers share; where it may not write, nobody else does.
            closed = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
            if not closed or path.with_name(f"{path.name}-wal").exists():
                raise
            connection = _connected(path, "ro&immutable=1", opened)
            version = _version(path, connection)
        if version is None:
            raise UsageError(f"{path} is empty.", mend="`dlgrade grade SUBMISSIONS --out DIR` fills it.")
        if version < VERSION:
            older, connection = connection, sqlite3.connect(":memory:", isolation_level=None)
            opened.callback(connection.close)
            older.backup(connection)
            _migrate(path, connection, version)
        return connection


def lock(path: Path, name: str, opened: ExitStack) -> None:
    """Hold the right to write a file, until `opened` is closed or the process ends.

    The lock is SQLite's own on an empty database beside the file: it holds wherever a gradebook itself does, and no
    process that was forked meanwhile inherits it.

    Args:
        path: the file, whose folder is there.
        name: the name of the empty database.
        opened: keeps the lock.

    Raises:
        UsageError: another process holds it, or the folder may not be written.
        GraderError: the disk is full or failing.
    """
    try:
        held = sqlite3.connect(
            path.with_name(name), isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
        )
        opened.callback(held.close)
        held.execute("PRAGMA journal_mode = MEMORY")
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise _busy(path) from error
        raise _fault(path, error) from error


def _connected(path: Path, mode: str, opened: ExitStack) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_SECONDS
    )
    opened.callback(connection.close)
    return connection


def _version(path: Path, connection: sqlite3.Connection) -> int | None:
    """The version of the tables; None if there are none yet.

    Raises:
        UsageError: the file is somebody else's, or newer than this program.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application == 0 and version == 0 and tables == 0:
        return None
    if application != APPLICATION:
        raise UsageError(f"{path} is a database, but no gradebook.", mend="Name another file.")
    if version > VERSION:
        raise UsageError(
            f"{path} was written by a newer dlgrade (its tables are of version {version}, mine of {VERSION}).",
            mend="Bring dlgrade up to date.",
        )
    if any(step not in MIGRATIONS for step in range(version, VERSION)):
        raise UsageError(f"{path} was written by an older dlgrade that this one does not know (version {version}).")
    return version


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _migrate(path: Path, connection: sqlite3.Connection, version: int) -> None:
    with _transaction(connection):
        for step in range(version, VERSION):
            MIGRATIONS[step](connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _keep_copy(path: Path, connection: sqlite3.Connection, version: int) -> None:
    """Keep the gradebook as it was before its tables change, beside it."""
    copy = path.with_name(f"{path.name}.version-{version}")
    if copy.exists():
        return
    unfinished = path.with_name(f"{copy.name}.tmp")
    unfinished.unlink(missing_ok=True)
    target = sqlite3.connect(unfinished)
    try:
        connection.backup(target)
    finally:
        target.close()
    unfinished.rename(copy)


# -- faults ------------------------------------------------------------------------------------------------------------


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever SQLite complains of becomes a sentence for people."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise  # the gradebook was used after it was closed, or by another thread: a mistake of ours
    except sqlite3.Error as error:
        raise _fault(path, error) from error


def _fault(path: Path, error: sqlite3.Error) -> DlgradeError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _busy(path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return UsageError(
            f"{path} may not be written.", mend="Change the permissions of the file and of its folder, or copy it."
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return UsageError(
            f"{path} cannot be opened.",
            mend="Look whether its folder is there, and whether you may write in it: SQLite keeps files beside it.",
        )
    if code == sqlite3.SQLITE_FULL:
        return GraderError(
            f"The disk is full: {path} cannot grow.",
            mend="Nothing that was in it is lost. Make room, and run the same command again.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return GraderError(
            f"{path} cannot be read or written: the disk or the network behind it fails ({error}).",
            mend="What was in it before is kept. See to the disk, and run the same command again.",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return UsageError(f"{path} is no gradebook, or its beginning is damaged.", mend=RESCUE)
    if code == sqlite3.SQLITE_CORRUPT:
        return GraderError(f"{path} is damaged.", mend=RESCUE)
    return GraderError(f"{path} cannot be used: {error}.", mend=RESCUE)


def _busy(path: Path) -> UsageError:
    return UsageError(
        f"Another process is writing to {path}.", mend="Wait until it has finished; then run the same command again."
    )


# -- values ------------------------------------------------------------------------------------------------------------


def _zoned(moment: datetime) -> None:
    if moment.utcoffset() is None:
        raise UsageError(f"The time {moment} has no zone.", mend=f"Say which, such as {moment.replace(tzinfo=UTC)}.")


def _storable(text: str) -> str:
    """The text with halves of surrogate pairs escaped, which UTF-8 has no bytes for; file names can hold them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(row: list[Any] | tuple[Any, ...]) -> str:
    # A damaged row may hold bytes, which JSON has none of.
    return _sha256(json.dumps(row, separators=(",", ":"), default=repr))


def _sealed(row: list[Any] | tuple[Any, ...]) -> str:
    """The checksum of a report's row. Those of the first version say nothing of a clock, which is the last."""
    return _checksum(row if row[-1] else row[:-1])


def _shown(text: str) -> str:
    return visible(text, limit=80)
