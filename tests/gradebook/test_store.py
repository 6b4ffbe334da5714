"""The gradebook keeps what it was given: through two writers, deaths in the middle, full disks and damage."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from dlgrade.errors import GraderError, UsageError
from dlgrade.gradebook import store
from dlgrade.gradebook.sources import Clock
from dlgrade.gradebook.store import Adjustment, Gradebook
from dlgrade.model import Verdict
from graded_samples import DAY, DUE, NOW, broken, check, made

HERE = Path(__file__).parent
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from dlgrade.gradebook.store import Gradebook
from graded_samples import check, made
one = made("ada", *[check(f"check_{n}", 1.0) for n in range(20)])
with Gradebook.open(Path(sys.argv[1]), write=True) as book:
    print("open", flush=True)
    if len(sys.argv) > 2:
        sys.stdin.read()
    for last in range(10, 1_000_000, 10):
        book.add(*(replace(one, attempt=attempt) for attempt in range(last - 9, last + 1)))
        print(last, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gradebook.db"


@pytest.fixture
def book(path):
    with Gradebook.open(path, write=True) as book:
        yield book


def process(script, *arguments, **options):
    """A second process that finds the samples."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(
        command,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


# -- what is added -----------------------------------------------------------------------------------------------------


def test_what_was_added_comes_back(book, path):
    first, second = made("ada", when=DUE), made("Zoë\x00\u202e\udcff", exercise="conv2d", attempt=2, points=4)
    assert book.add(first, second) == 2
    found = list(book.records())
    assert found == [replace(first, number=1), replace(second, number=2)]
    assert found[1].student == "Zoë\x00\u202e\\udcff", "half a surrogate pair has no bytes"
    assert [one.student for one in book.records("ada")] == ["ada"]
    assert [one.exercise for one in book.records(exercise="conv2d")] == ["conv2d"]
    assert list(book.records("ada", "conv2d")) == []
    assert found[0].report.checks == (check(),)
    assert (found[1].report.points, found[1].points, found[1].verdict) == (4.0, 4.0, Verdict.FAILED)
    book.close()
    with Gradebook.open(path) as again:
        assert list(again.records()) == found
        assert again.faults() == ()


def test_records_come_one_at_a_time(book):
    book.add(*(made(f"student_{n}") for n in range(50)))
    records = book.records()
    assert next(records).student == "student_0"
    assert book.add(made("meanwhile")) == 1
    records.close()


def test_the_same_is_added_once(book):
    one = made()
    assert book.add(one) == 1
    assert book.add(one) == 0
    assert book.add(one, one) == 0
    assert book.has("ada", "softmax", 1, "k")
    assert book.add(made("kim", points=4)) == 1
    assert book.has("kim", "softmax", 1, "k"), "what failed need not be graded again"
    for other in (
        ("bob", "softmax", 1, "k"),
        ("ada", "conv2d", 1, "k"),
        ("ada", "softmax", 2, "k"),
        ("ada", "softmax", 1, "j"),
    ):
        assert not book.has(*other)


def test_the_report_that_counts_is_the_last(book):
    """Checks are changed, and changed back: then the first report counts again, so it is there twice."""
    for key, added in (("old", 1), ("new", 1), ("new", 0), ("old", 1), ("old", 0)):
        assert book.add(made(key=key)) == added
        assert book.has("ada", "softmax", 1, key)
    assert [one.key for one in book.records()] == ["old", "new", "old"]
    assert not book.has("ada", "softmax", 1, "new")


def test_what_was_broken_is_made_again(book):
    assert book.add(broken()) == 1
    assert not book.has("ada", "softmax", 1, "k")
    assert book.add(broken()) == 0, "it says nothing new"
    assert book.add(made()) == 1
    assert book.has("ada", "softmax", 1, "k")
    assert book.add(broken()) == 0, "a verdict that is there is kept"


def test_all_or_none_are_added(book):
    bad = replace(made("bob"), attempt=2**70)
    with pytest.raises(OverflowError):
        book.add(made("ada"), bad)
    assert list(book.records()) == []
    assert book.add(made("ada")) == 1


@pytest.mark.parametrize("fields", [{"when": datetime(2026, 1, 1)}, {"attempt": 0}])
def test_a_record_that_cannot_be_graded_is_refused(fields):
    with pytest.raises(UsageError):
        made(**fields)


def test_adjustments_come_back(book):
    book.adjust("ada", "softmax", 1.5, "oral exam", "eve", NOW)
    book.adjust("bob", "softmax", -2, "copied", "eve", NOW)
    ada, bob = book.adjustments()
    assert (ada.points, ada.reason, ada.who, ada.at, ada.number) == (1.5, "oral exam", "eve", NOW, 1)
    assert list(book.adjustments("bob")) == [bob]
    none = [(points, "r", "w") for points in (0, -0.0, float("nan"), float("-inf"), 1e9, 1e308, 1e-300)]
    for points, reason, who in (*none, (1, " ", "w"), (1, "r", "")):
        with pytest.raises(UsageError):
            book.adjust("ada", "softmax", points, reason, who, NOW)
    assert len(list(book.adjustments())) == 2


def test_several_adjustments_are_made_together_or_not_at_all(book):
    one = Adjustment("ada", "softmax", 1.0, "oral exam", "eve", NOW)
    with pytest.raises(UsageError):
        book.adjust_all([one, replace(one, points=0.0)])
    assert list(book.adjustments()) == []
    book.adjust_all([one, replace(one, student="bob")])
    assert [one.student for one in book.adjustments()] == ["ada", "bob"]


def test_an_adjustment_that_is_taken_back_stays_for_the_record(book):
    for points in (1.5, 1000.0, 2.0):
        book.adjust("ada", "softmax", points, "oral exam", "eve", NOW)
    first, typo, last = book.adjustments()
    book.undo(typo, "a typo", "eve", NOW)
    assert list(book.adjustments()) == [first, last]
    *_, undone = book.adjustments(undone=True)
    assert (undone.points, undone.reason, undone.undoes) == (-1000.0, "a typo", 2)
    with pytest.raises(UsageError, match="taken back already"):
        book.undo(typo, "again", "eve", NOW)
    assert book.faults() == ()


def test_what_is_withdrawn_counts_no_more_until_it_is_graded_anew(book):
    book.add(made("ada", key="1"), made("ada", key="2"), made("ada", attempt=2), made("bob"))
    assert book.withdraw([("ada", "softmax", 1), ("zoe", "softmax", 1)], "a wrong file", "eve", NOW) == 1
    assert [(one.student, one.attempt) for one in book.records()] == [("ada", 2), ("bob", 1)]
    assert not book.has("ada", "softmax", 1, "2")
    assert book.withdraw([("ada", "softmax", 1)], "again", "eve", NOW) == 0
    (one,) = book.withdrawals()
    assert (one.student, one.attempt, one.until, one.reason, one.who, one.at) == (
        "ada",
        1,
        2,
        "a wrong file",
        "eve",
        NOW,
    )
    assert [one.withdrawn for one in book.latest()] == [True, False, False]
    assert len(list(book.records(withdrawn=True))) == 4, "nothing is lost"
    assert book.add(made("ada", key="2")) == 1
    assert book.has("ada", "softmax", 1, "2")
    assert [one.key for one in book.records("ada")] == ["k", "2"]
    assert [one.withdrawn for one in book.latest()] == [False, False, False]
    assert book.faults() == ()
    for reason, who in ((" ", "eve"), ("r", "")):
        with pytest.raises(UsageError):
            book.withdraw([("bob", "softmax", 1)], reason, who, NOW)


def test_a_time_that_becomes_known_is_added(book):
    unknown = replace(made(), clock=Clock.DOWNLOAD)
    later = replace(made(when=DUE + DAY), clock=Clock.GRADESCOPE)
    assert [book.add(one) for one in (unknown, later, unknown, later)] == [1, 1, 0, 0]
    assert book.add(replace(made(when=DUE + 2 * DAY), clock=Clock.FILE)) == 0, "of two known ones the earlier counts"
    assert book.add(replace(made(when=DUE), clock=Clock.GRADESCOPE)) == 1


@pytest.mark.parametrize("table", ["report", "adjustment", "withdrawal"])
def test_nothing_is_ever_changed(book, path, table):
    book.add(made("ada"), made("bob"))
    book.adjust("ada", "softmax", 1, "oral exam", "eve", NOW)
    book.withdraw([("bob", "softmax", 1)], "a wrong file", "eve", NOW)
    book.close()
    other = sqlite3.connect(path)
    columns = [row[1] for row in other.execute(f"PRAGMA table_info({table})")]
    before = other.execute(f"SELECT * FROM {table}").fetchall()
    whole = ", ".join(columns)
    for statement in (
        f"UPDATE {table} SET student = 'eve'",
        f"DELETE FROM {table}",
        f"DELETE FROM {table} WHERE number = 1",
        f"INSERT OR REPLACE INTO {table} ({whole}) SELECT {whole} FROM {table}",
        f"REPLACE INTO {table} SELECT * FROM {table} WHERE number = 1",
        f"INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT (number) DO UPDATE SET student = 'eve'",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(statement)
    assert other.execute(f"SELECT * FROM {table}").fetchall() == before
    other.close()


# -- who may write -----------------------------------------------------------------------------------------------------


def test_a_second_writer_is_told_and_a_reader_is_not_hindered(path, monkeypatch):
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.1)
    with process(WRITER, path, "wait") as first:
        assert first.stdout.readline() == "open\n"
        with pytest.raises(UsageError, match=r"Another process is writing to .*gradebook\.db") as raised:
            Gradebook.open(path, write=True)
        assert "Wait until it has finished" in raised.value.mend
        with Gradebook.open(path) as reader:
            assert list(reader.records()) == []
        first.kill()
    with Gradebook.open(path, write=True) as book:  # the lock died with its process
        assert book.add(made()) == 1
        with pytest.raises(UsageError, match="Another process"):
            Gradebook.open(path, write=True)
    with Gradebook.open(path, write=True) as book:
        assert book.add(made()) == 0


def test_a_reader_leaves_nothing_behind(book, path):
    book.add(made())
    book.close()
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    with Gradebook.open(path) as reader:
        assert len(list(reader.records())) == 1
        with pytest.raises(UsageError, match="may not be written"):
            reader.add(made(student="eve"))
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_foreign_program_that_writes_is_told(book, path, monkeypatch):
    book._connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UsageError, match="Another process is writing"):
        book.add(made())
    other.execute("ROLLBACK")
    other.close()
    assert book.add(made()) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_writer_may_die_at_any_moment(path):
    draw = random.Random(0)
    told = 0
    for lines in range(20):
        with process(WRITER, path) as writer:
            assert writer.stdout.readline() == "open\n"
            said = [writer.stdout.readline() for _ in range(lines)]
            time.sleep(draw.uniform(0, 0.03))
            writer.kill()
            said += writer.stdout.readlines()
        # A line can be cut by the kill; a whole one was said after its commit.
        told = max([told, *(int(line) for line in said if line.endswith("\n"))])
        with Gradebook.open(path) as book:
            assert book.faults() == ()
            attempts = [one.attempt for one in book.records()]
        assert attempts == list(range(1, len(attempts) + 1))
        assert len(attempts) % 10 == 0, "ten were added at a time, all or none"
        assert len(attempts) >= told, "what was said to be kept is kept"
    assert told >= 190, "it was killed among what it wrote, not only before"


def test_what_is_added_outlives_the_loss_of_power(book):
    """As far as a test can tell: the settings that SQLite promises it for."""
    (mode,), (level,) = (
        book._connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")
    )
    assert (mode, level) == ("wal", 2)


# -- what the machine does ---------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_loses_nothing(book):
    book.add(made("ada"))
    pages = book._connection.execute("PRAGMA page_count").fetchone()[0]
    book._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(GraderError, match="The disk is full") as raised:
        book.add(*(made(f"student_{n}") for n in range(100)))
    assert "Make room" in raised.value.mend
    assert [one.student for one in book.records()] == ["ada"]
    book._connection.execute("PRAGMA max_page_count = 1000000")
    assert book.add(made("bob")) == 1
    assert book.faults() == ()


LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
from dlgrade.cli import main
from dlgrade.errors import DlgradeError
import sys
sys.argv = sys.argv[:2]
try:
    exec(WRITER)
except DlgradeError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_file_that_cannot_grow_is_told(path):
    with process(f"WRITER = {WRITER!r}\n{LIMITED}", path) as writer:
        out, err = writer.communicate(timeout=60)
    assert err == ""
    assert out.splitlines()[-2].startswith("GraderError ")
    assert "fails" in out or "full" in out
    kept = int(out.splitlines()[-3])
    with Gradebook.open(path, write=True) as book:
        assert book.faults() == ()
        assert len(list(book.records())) == kept
        assert book.add(made("bob")) == 1


NOBODY = """
import os, sys
from pathlib import Path
from dlgrade.errors import UsageError
from dlgrade.gradebook.store import Gradebook
from graded_samples import made
made()  # imports all that is needed
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
path = Path(sys.argv[1])
with Gradebook.open(path) as book:
    print(len(list(book.records())), book.faults())
try:
    Gradebook.open(path, write=True)
except UsageError as error:
    print(error)
try:
    Gradebook.open(path.parent / "new" / "gradebook.db", write=True)
except UsageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions")
def test_a_gradebook_that_may_not_be_written_can_be_read(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    path = folder / "gradebook.db"
    with Gradebook.open(path, write=True) as book:
        book.add(made())
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == os.getuid() and above.name.startswith(("pytest-", "popen-", "test_")):
            above.chmod(0o755)
    for name in folder.iterdir():
        name.chmod(0o444)
    folder.chmod(0o555)
    try:
        with process(NOBODY, path) as reader:
            out, err = reader.communicate(timeout=60)
    finally:
        folder.chmod(0o755)
    assert err == ""
    said = out.splitlines()
    assert said[0] == "1 ()"
    assert said[1] == f"{path} may not be written."
    assert said[3].startswith(f"The folder {folder / 'new'} cannot be made")


@pytest.mark.parametrize("name", ["a text", "another database", "nothing", "a folder"])
def test_what_is_no_gradebook_is_told(path, name):
    if name == "a text":
        path.write_text("student,points\n" * 100)
    elif name == "another database":
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE grade (points)")
        other.close()
    elif name == "nothing":
        path.touch()
    else:
        path.mkdir()
    with pytest.raises(UsageError) as raised:
        Gradebook.open(path)
    assert raised.value.mend
    if name in ("a text", "another database"):
        before = path.read_bytes()
        with pytest.raises(UsageError):
            Gradebook.open(path, write=True)
        assert path.read_bytes() == before, "it is not ours to change"
    if name == "nothing":  # what a death right after the start leaves behind
        with Gradebook.open(path, write=True) as book:
            assert book.add(made()) == 1


def test_a_folder_stands_for_the_gradebook_in_it(book, path):
    with Gradebook.open(path.parent) as again:
        assert again.path == path
    with pytest.raises(UsageError, match="There is no gradebook"):
        Gradebook.open(path.parent / "elsewhere" / "gradebook.db")


def filled(path, count=300):
    with Gradebook.open(path, write=True) as book:
        book.add(*(made(f"student_{n}", *[check(f"check_{c}") for c in range(8)]) for n in range(count)))


def test_a_corrupted_page_is_told(path, dlgrade):
    filled(path)
    sound = path.read_bytes()
    draw = random.Random(1)
    pages = len(sound) // 4096
    for page in sorted(draw.sample(range(pages), 25)):
        data = bytearray(sound)
        data[page * 4096 : (page + 1) * 4096] = draw.randbytes(4096)
        path.write_bytes(data)
        try:
            with Gradebook.open(path) as book:
                faults = book.faults()
                assert faults, page
        except (GraderError, UsageError) as error:
            assert error.mend
        ran = dlgrade("grades", path, "--verify")
        assert ran.code in (2, 3), page
        assert "Keep a copy of the file" in ran.err


def test_a_changed_byte_is_told(path):
    """One digit of the points, changed so that SQLite has nothing to complain of."""
    filled(path, 20)
    data = path.read_bytes()
    for old, new in ((b'"points":3', b'"points":4'), (b"student_7", b"student_8")):
        place = data.rindex(old)
        path.write_bytes(data[:place] + new + data[place + len(old) :])
        with Gradebook.open(path) as book:
            faults = book.faults()
        assert faults, old
        assert "damaged" in " ".join(faults)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM report WHERE number = 3", "There are 19 rows in report, where 20 were added"),
        ("DELETE FROM report WHERE number = 20", "There are 19 rows in report, where 20 were added"),
        ("UPDATE report SET points = 100 WHERE number = 3", "The report number 3 is damaged"),
        ("UPDATE report SET handed_in = 'soon' WHERE number = 3", "The report number 3 is damaged"),
        ("UPDATE report SET report = '{}' WHERE number = 3", "Report 3 (softmax of student_2) is damaged"),
        ("UPDATE report SET student = x'ff' WHERE number = 3", "The report number 3 is damaged"),
        ("UPDATE report SET report = CAST(report AS BLOB) WHERE number = 3", "The report number 3 is damaged"),
        ("UPDATE report SET student = CAST(x'ff' AS TEXT) WHERE number = 3", "gradebook.db is damaged"),
    ],
)
def test_whoever_takes_the_triggers_away_is_told_on(path, statement, said):
    filled(path, 20)
    tampered(path, statement)
    with Gradebook.open(path) as book:
        assert said in " ".join(book.faults())


def tampered(path, statement):
    other = sqlite3.connect(path)
    for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        other.execute(f"DROP TRIGGER {name}")
    other.execute(statement)
    other.commit()
    other.close()


@pytest.mark.parametrize(
    ("table", "change", "readers"),
    [
        ("adjustment", "points = 100", ["adjustments"]),
        ("adjustment", "student = 'eve'", ["adjustments"]),
        ("withdrawal", "attempt = 2", ["withdrawals", "records"]),
        ("withdrawal", "until = 0", ["withdrawals", "records"]),
    ],
)
def test_a_changed_adjustment_or_withdrawal_is_told_and_counts_for_nobody(path, table, change, readers):
    with Gradebook.open(path, write=True) as book:
        book.add(made("ada"))
        book.adjust("ada", "softmax", 1, "oral exam", "eve", NOW)
        book.withdraw([("ada", "softmax", 1)], "a wrong file", "eve", NOW)
    tampered(path, f"UPDATE {table} SET {change}")
    with Gradebook.open(path) as book:
        assert f"The {table} number 1 is damaged." in book.faults()
        for reader in readers:
            with pytest.raises(GraderError, match=f"The {table} number 1 is damaged"):
                list(getattr(book, reader)())


@pytest.mark.parametrize(
    "changed",
    [{"exercise": "conv2d"}, {"submission": "0"}, {"verdict": Verdict.FAILED}, {"points": 9.0}, {"max_points": 9.0}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_row_that_does_not_say_what_its_report_does_is_told(book, changed):
    book.add(replace(made(), **changed))
    assert book.faults() == ("Report 1 is not what its row says.",)


# -- versions ----------------------------------------------------------------------------------------------------------


def oldest(path):
    """A gradebook as an imaginary earlier version wrote it: another name for when an attempt was handed in."""
    with Gradebook.open(path, write=True) as book:
        book.add(made("ada"), made("bob"))
    other = sqlite3.connect(path)
    for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        other.execute(f"DROP TRIGGER {name}")
    other.execute("ALTER TABLE report RENAME COLUMN handed_in TO happened")
    other.execute("PRAGMA user_version = 2")
    other.commit()
    other.close()


def migrate(connection):
    connection.execute("ALTER TABLE report RENAME COLUMN happened TO handed_in")


def test_an_older_gradebook_is_read_as_it_is_and_written_as_a_new_one(path, monkeypatch):
    oldest(path)
    before = path.read_bytes()
    monkeypatch.setattr(store, "MIGRATIONS", {})
    with pytest.raises(UsageError, match="older dlgrade that this one does not know"):
        Gradebook.open(path)
    monkeypatch.setattr(store, "MIGRATIONS", {2: migrate})
    with Gradebook.open(path) as book:
        assert [one.student for one in book.records()] == ["ada", "bob"]
    assert path.read_bytes() == before
    with Gradebook.open(path, write=True) as book:
        assert book.add(made("eve")) == 1
    with Gradebook.open(path) as book:
        assert len(list(book.records())) == 3
        assert book.faults() == ()
    copy = path.with_name("gradebook.db.version-2")
    with Gradebook.open(copy) as book:
        assert [one.student for one in book.records()] == ["ada", "bob"]


def test_a_migration_that_fails_changes_nothing(path, monkeypatch):
    oldest(path)

    def stumble(connection):
        migrate(connection)
        connection.execute("DROP TABLE adjustment")
        raise sqlite3.OperationalError("no more")

    monkeypatch.setattr(store, "MIGRATIONS", {2: stumble})
    with pytest.raises(GraderError):
        Gradebook.open(path, write=True)
    monkeypatch.setattr(store, "MIGRATIONS", {2: migrate})
    with Gradebook.open(path, write=True) as book:
        assert len(list(book.records())) == 2
        assert book.faults() == ()


VERSION_1 = """
CREATE TABLE report (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    student TEXT NOT NULL, exercise TEXT NOT NULL, attempt INTEGER NOT NULL,
    handed_in TEXT NOT NULL, submission TEXT NOT NULL, key TEXT NOT NULL, graded_at TEXT NOT NULL,
    verdict TEXT NOT NULL, points REAL NOT NULL, max_points REAL NOT NULL,
    report_sha256 TEXT NOT NULL, checksum TEXT NOT NULL, report TEXT NOT NULL
);
CREATE INDEX report_by_attempt ON report (student, exercise, attempt, number);
CREATE TABLE adjustment (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    student TEXT NOT NULL, exercise TEXT NOT NULL, points REAL NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL,
    made_at TEXT NOT NULL, checksum TEXT NOT NULL
);
CREATE TRIGGER report_is_never_changed BEFORE UPDATE ON report
BEGIN SELECT RAISE(ABORT, 'the gradebook is append-only'); END;
PRAGMA application_id = 0x646C6762;
PRAGMA user_version = 1;
"""


def test_a_gradebook_of_the_first_version_is_brought_up_to_date(path):
    """It knew of no clock, and of no withdrawal; its checksums are what they were."""
    other = sqlite3.connect(path)
    other.executescript(VERSION_1)
    for one in (made("ada", points=3), made("bob", points=4)):
        row = [one.student, one.exercise, one.attempt, one.when.isoformat(), one.submission, one.key,
               one.graded_at.isoformat(), one.verdict.value, one.points, one.max_points, one.digest]  # fmt: skip
        checksum = hashlib.sha256(json.dumps(row, separators=(",", ":")).encode()).hexdigest()
        marks = ", ".join("?" * 13)
        columns = ", ".join(column for column in (*store._REPORT_COLUMNS, "checksum", "report") if column != "clock")
        other.execute(f"INSERT INTO report ({columns}) VALUES ({marks})", (*row, checksum, one.text))
    row = ["ada", "softmax", 1.5, "oral exam", "eve", NOW.isoformat()]
    checksum = hashlib.sha256(json.dumps(row, separators=(",", ":")).encode()).hexdigest()
    columns = "student, exercise, points, reason, who, made_at, checksum"
    other.execute(f"INSERT INTO adjustment ({columns}) VALUES ({', '.join('?' * 7)})", (*row, checksum))
    other.commit()
    other.close()
    before = path.read_bytes()
    with Gradebook.open(path) as book:
        assert [(one.student, one.points, one.clock) for one in book.records()] == [("ada", 3.0, ""), ("bob", 4.0, "")]
        assert list(book.withdrawals()) == []
    assert path.read_bytes() == before, "whoever only reads changes nothing"
    with Gradebook.open(path, write=True) as book:
        assert book.faults() == ()
        (given,) = book.adjustments()
        assert (given.points, given.undoes) == (1.5, 0)
        book.undo(given, "a typo", "eve", NOW)
        assert book.add(made("ada", points=3)) == 0
        assert book.add(replace(made("eve"), clock="timestamp.txt")) == 1
        assert book.withdraw([("bob", "softmax", 1)], "wrong file", "eve", NOW) == 1
    with Gradebook.open(path) as book:
        assert book.faults() == ()
        assert [(one.student, one.clock) for one in book.records()] == [("ada", ""), ("eve", "timestamp.txt")]
    with Gradebook.open(path.with_name("gradebook.db.version-1")) as book:
        assert len(list(book.records())) == 2


def test_a_clock_that_was_taken_away_is_told(path):
    with Gradebook.open(path, write=True) as book:
        book.add(replace(made("ada"), clock="time of the download"))
    other = sqlite3.connect(path)
    other.execute("DROP TRIGGER report_is_never_changed")
    other.execute("UPDATE report SET clock = ''")
    other.commit()
    other.close()
    with Gradebook.open(path) as book:
        assert "The report number 1 is damaged" in " ".join(book.faults())


def test_an_adjustment_whose_taking_back_is_lost_is_told(path):
    with Gradebook.open(path, write=True) as book:
        book.adjust("ada", "softmax", 1, "oral exam", "eve", NOW)
        book.undo(*book.adjustments(), "a typo", "eve", NOW)
    other = sqlite3.connect(path)
    other.execute("DROP TRIGGER adjustment_is_never_changed")
    other.execute("UPDATE adjustment SET undoes = 0")
    other.commit()
    other.close()
    with Gradebook.open(path) as book:
        assert "The adjustment number 2 is damaged" in " ".join(book.faults())


def test_a_newer_gradebook_is_told(path):
    filled(path, 1)
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 4")
    other.close()
    for write in (False, True):
        with pytest.raises(UsageError, match="newer dlgrade") as raised:
            Gradebook.open(path, write=write)
        assert raised.value.mend == "Bring dlgrade up to date."
