"""nbgrader: its own exporter and API tell our scores; people's scores stay; twice is the same as once."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import os
import sqlite3
import subprocess
import sys
import warnings

import pytest
from dlgrade.errors import UsageError
from dlgrade.gradebook.exports import nbgrader_db
from dlgrade.gradebook.exports.roster import Person
from dlgrade.gradebook.store import Gradebook
from export_samples import GRADED, HOSTILE, RECORDS, course_at, entries_of, gradebook_at
from graded_samples import NOW, POLICY, made

pytestmark = pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed")
ROSTER = {"ada": Person("ada", first_name="Ada", last_name="Lovelace", email="ada@example.org")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return gradebook_at(tmp_path_factory.mktemp("nbgrader"))


@pytest.fixture(scope="module")
def exported(folder):
    """nbgrader's gradebook with our grades. nbgrader takes seconds to be imported and to make one."""
    path = folder / "nbgrader.db"
    done = nbgrader_db.export(path, entries_of(folder), POLICY, ROSTER)
    assert done == nbgrader_db.Exported(4, 0)
    return path


@pytest.fixture
def db(exported, tmp_path):
    path = tmp_path / "gradebook.db"
    path.write_bytes(exported.read_bytes())
    return path


def dump(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@contextlib.contextmanager
def opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nbgrader.api import Gradebook as Theirs

        with Theirs(f"sqlite:///{path}") as book:
            yield book


def execute(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount >= 1


def test_nbgraders_own_exporter_tells_our_scores(db, tmp_path):
    home = {name: str(tmp_path / name) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
    command = [sys.executable, "-m", "nbgrader", "export", f"--db=sqlite:///{db}", "--to=out.csv"]
    ran = subprocess.run(
        command, cwd=tmp_path, env={**kept, **home}, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    table = csv.DictReader((tmp_path / "out.csv").read_text("utf-8").splitlines())
    rows = {(row["student_id"], row["assignment"]): row for row in table}
    for place, points in GRADED.items():
        assert float(rows[place]["score"]) == (points or 0.0), place
        assert float(rows[place]["max_score"]) == 10
    ada = rows["ada", "softmax"]
    assert (float(ada["raw_score"]), float(ada["late_submission_penalty"])) == (7.0, 0.7)
    assert (ada["last_name"], ada["first_name"], ada["email"]) == ("Lovelace", "Ada", "ada@example.org")
    assert ada["duedate"] == "2026-11-30 22:59:00" and ada["timestamp"] == "2026-12-01 01:59:00", "in UTC"
    assert float(rows["bob", "conv2d"]["raw_score"]) == 9.25


def test_nbgraders_api_tells_our_scores(db):
    with opened(db) as book:
        # What the formgrader lists.
        listed = {one["student"]: one for one in book.submission_dicts("softmax")}
        assert {name: one["score"] for name, one in listed.items()} == {"ada": 7, "bob": 3.5, "eve": 0, HOSTILE: 10}
        assert {name for name, one in listed.items() if one["needs_manual_grade"]} == {"eve"}, "to be graded, not zero"
        assert all(one["max_score"] == 10 for one in listed.values())
        eve = book.find_grade("softmax", "softmax", "softmax", "eve")
        assert (eve.auto_score, eve.needs_manual_grade) == (None, True)
        assert [one.id for one in book.db.query(type(book.find_assignment("softmax").course))] == ["default_course"]


def test_what_nbgrader_was_released_is_where_the_scores_go(db, folder):
    with opened(db) as book:
        book.update_or_create_assignment("02_losses")
        book.update_or_create_notebook("02_losses", "02_losses")
        for name, most in (("check_softmax", 10), ("check_cross_entropy", 5)):
            book.update_or_create_grade_cell(name, "02_losses", "02_losses", max_score=most, cell_type="code")
    for _ in range(2):
        nbgrader_db.export(db, entries_of(folder), POLICY, ROSTER)
    with opened(db) as book:
        listed = {one["student"]: one for one in book.submission_dicts("02_losses")}
        assert {name: one["score"] for name, one in listed.items()} == {"ada": 6.3, "bob": 3.5, "eve": 0, HOSTILE: 10}
        assert all(one["max_score"] == 15 for one in listed.values())
        assert book.find_submission("02_losses", "eve").needs_manual_grade
        assert {one["score"] for one in book.submission_dicts("conv2d")} >= {9.25}, "this one is not nbgrader's"


def test_twice_is_the_same_as_once(db, folder):
    before = dump(db)
    nbgrader_db.export(db, entries_of(folder), POLICY, ROSTER)
    assert dump(db) == before


def test_grades_follow_and_scores_by_hand_stay(db, tmp_path):
    execute(db, "UPDATE grade SET manual_score = 9, extra_credit = 1 WHERE auto_score = 7.0")
    better = made("eve", points=4, key="again")
    done = nbgrader_db.export(db, entries_of(gradebook_at(tmp_path / "c", (*RECORDS, better))), POLICY, {})
    assert (done.scores, done.by_hand) == (5, 1)
    with opened(db) as book:
        ada = book.find_grade("softmax", "softmax", "softmax", "ada")
        assert (ada.auto_score, ada.manual_score, ada.extra_credit) == (7, 9, 1)
        assert book.find_student("ada").last_name == "Lovelace", "what is not known now is not taken away"
        assert book.find_submission("softmax", "eve").score == 4
        assert not book.find_submission("softmax", "eve").needs_manual_grade


def test_whoever_has_it_open_sees_the_new_scores(db, tmp_path):
    with contextlib.closing(sqlite3.connect(db)) as reader:
        file = db.stat().st_ino
        better = gradebook_at(tmp_path / "c", (*RECORDS, made("eve", points=4, key="again")))
        nbgrader_db.export(db, entries_of(better), POLICY, {})
        assert reader.execute("SELECT count(*) FROM grade WHERE auto_score = 4").fetchone() == (1,)
        assert db.stat().st_ino == file


def test_what_another_process_writes_meanwhile_is_not_lost(db, folder, monkeypatch):
    fill = nbgrader_db._fill

    def meanwhile(*arguments):
        execute(db, "UPDATE grade SET manual_score = 3")
        return fill(*arguments)

    monkeypatch.setattr(nbgrader_db, "_fill", meanwhile)
    with pytest.raises(UsageError, match="was changed meanwhile"):
        nbgrader_db.export(db, entries_of(folder), POLICY, {})
    with contextlib.closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT DISTINCT manual_score FROM grade").fetchall() == [(3.0,)]
    assert sorted(path.name for path in db.parent.iterdir()) == ["gradebook.db"]


def test_while_another_process_writes_nothing_is_changed(db, folder, monkeypatch):
    monkeypatch.setattr(nbgrader_db, "BUSY_SECONDS", 0.2)
    before = dump(db)
    with contextlib.closing(sqlite3.connect(db, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UsageError, match="Another process uses"):
            nbgrader_db.export(db, entries_of(folder), POLICY, {})
        writer.execute("ROLLBACK")
        writer.execute("BEGIN")
        writer.execute("SELECT * FROM grade").fetchall()  # it may go on reading, which a write must wait for
        with pytest.raises(UsageError, match="Another process uses"):
            nbgrader_db.export(db, entries_of(gradebook_at(db.parent / "c", RECORDS[:1])), POLICY, {})
        writer.execute("ROLLBACK")
    assert dump(db) == before


def test_a_gradebook_that_is_made_meanwhile_is_not_replaced(folder, tmp_path, monkeypatch):
    path, fill = tmp_path / "gradebook.db", nbgrader_db._fill

    def meanwhile(*arguments):
        path.write_bytes(b"nbgrader's")
        return fill(*arguments)

    monkeypatch.setattr(nbgrader_db, "_fill", meanwhile)
    with pytest.raises(UsageError, match="was made meanwhile"):
        nbgrader_db.export(path, entries_of(folder), POLICY, {})
    assert path.read_bytes() == b"nbgrader's"


def test_what_is_nbgraders_own_is_left_alone(db, folder):
    execute(db, "UPDATE base_cell SET name = 'test_softmax'")
    before = dump(db)
    with pytest.raises(UsageError, match="nbgrader has an assignment softmax of its own"):
        nbgrader_db.export(db, entries_of(folder), POLICY, {})
    assert dump(db) == before


def test_what_is_no_gradebook_of_nbgraders(folder, tmp_path):
    ours = tmp_path / "ours"
    gradebook_at(ours)
    (tmp_path / "text").write_text("no database\n" * 100, "utf-8")
    for path, said in ((ours / "gradebook.db", "no gradebook of nbgrader's"), (tmp_path / "text", "cannot be used")):
        before = path.read_bytes()
        with pytest.raises(UsageError, match=said):
            nbgrader_db.export(path, entries_of(folder), POLICY, {})
        assert path.read_bytes() == before


def test_nobody_is_left_with_less_than_nothing(tmp_path):
    gradebook_at(tmp_path, (made("bob", points=2, exercise="conv2d"),))
    with Gradebook.open(tmp_path, write=True) as book:
        book.adjust("bob", "conv2d", -9.0, "copied", "ida", NOW)
    (entry,) = entries_of(tmp_path)
    assert entry.grade.graded_points == 0 and nbgrader_db._scores(entry) == (2.0, 2.0)


def test_without_nbgrader_it_says_what_to_install(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)
    with pytest.raises(UsageError) as caught:
        nbgrader_db.export(tmp_path / "x.db", entries_of(folder), POLICY, {})
    assert "python -m pip install 'dlgrade[instructor]'" in str(caught.value) and list(tmp_path.iterdir()) == []


def test_by_the_command(dlgrade, folder, db, tmp_path):
    course_at(tmp_path / "course")
    ran = dlgrade("--course", tmp_path / "course", "export", "nbgrader", "--at", folder, "--db", db)
    assert ran.code == 3 and f"4 scores are in {db}." in ran.out and "No grade: softmax of eve" in ran.err
