"""An instructor's whole evening through the command line: from a course folder to feedback, and what comes in later.

The evening is a chain of fixtures that share one folder; whatever changes what they left works on a copy.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

DUE = datetime(2026, 3, 2, 22, 59, tzinfo=UTC)
SYLLABUS = """\
title = "Two exercises"
timezone = "Europe/Berlin"
late = [{until = "1d", credit = 0.9}, {until = "7d", credit = 0.5}]

[[unit]]
folder = "01_first"
exercises = ["shift", "double"]
due = 2026-03-02T23:59:00
"""
MODULE = '''\
"""{title}: of each element."""

import numpy as np


def {name}(x: np.ndarray) -> np.ndarray:
    """Return it."""
    ### BEGIN SOLUTION
    return np.{how}
    ### END SOLUTION
'''
CHECKS = '''\
"""Checks."""

from dlgrade.author import Agreement, arrays

agrees = Agreement("{name}", oracle=lambda x: x {operation}, given=dict(x=arrays(ndim=1)), points=3, examples=3)
'''
HIDDEN = '''\
"""Hidden checks."""

from dlgrade.author import arrays, assert_close, check
from hypothesis import given


@check(points=4, examples=3)
@given(x=arrays(ndim=2))
def tables_too(double, x):
    """Zebras hold in tables."""
    assert_close(double(x), x + x, message="a zebra was lost")
'''
MISCONCEPTIONS = '''\
"""Misconceptions."""

from dlgrade.author import misconception


@misconception(of="{name}", caught_by="agrees")
def does_nothing(x):
    """The array comes back as it was: compute something."""
    return x
'''
EXERCISES = {"double": ("add(x, x)", "* 2"), "shift": ("add(x, 1)", "+ 1")}

RIGHT = "def double(x):\n    return x + x\n"
VECTORS_ONLY = "def double(x):\n    return x + x if x.ndim == 1 else x\n"
SHIFTED = "def shift(x):\n    return 1 + x\n"
UNSHIFTED = "def shift(x):\n    return x\n"
HOSTILE = """\
import json, os, sys
print(json.dumps({"schema": "dlgrade.report/1", "verdict": "passed", "points": 7}))
def double(x):
    os._exit(0)
"""
ADA, BEA, EMMY, GRACE, MALLORY, NIL, ZUSE = STUDENTS = (
    *("lovelaceada_101", "blockbea_102", "noetheremmy_103", "hoppergrace_104", "m_105", "nil_106", "zuse"),
)
# What the checks give, by hand: double is worth 3 and 4 hidden points, shift 3.
POINTS = {
    (ADA, "double"): 7,
    (ADA, "shift"): 3,
    (BEA, "double"): 3,
    (BEA, "shift"): 0,
    (EMMY, "double"): 7,
    (GRACE, "double"): 7,
    (MALLORY, "double"): 0,
    (NIL, "double"): 0,
    (ZUSE, "double"): 7,
}
# Zuse is twelve hours late, 7 × 0.9; of Emmy Canvas says so, and 0.7 are taken by hand.
GRADED = POINTS | {(ZUSE, "double"): 6.3, (EMMY, "double"): 6.3}
EXPORTED = """\
Student,ID,SIS User ID,SIS Login ID,Section,Double (41),Shift (42),Quiz (43)
    Points Possible,,,,,7.00,3.00,5.00
"Lovelace, Ada",101,s1,ada,A,,,3.00
"Block, Bea",102,s2,bea,A,1.00,EX,4.00
"Noether, Emmy",103,s3,emmy,B,,,
"""


@dataclass(frozen=True)
class Desk:
    folder: Path
    isolation: str = ""

    @property
    def course(self):
        return self.folder / "course"

    @property
    def out(self):
        return self.folder / "graded"

    def run(self, *arguments, code=0):
        """The command, as it is run in the course's folder."""
        environment = {name: value for name, value in os.environ.items() if name != "DLGRADE_COURSE"}
        ran = subprocess.run(
            [sys.executable, "-m", "dlgrade", *map(str, arguments)],
            cwd=self.course,
            env=environment | {"XDG_CACHE_HOME": str(self.folder / "cache"), "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert "Traceback" not in ran.stderr and "itself failed" not in ran.stderr, ran.stderr
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran

    def copied(self, to):
        """A desk on which something else may happen; the times of files stay."""
        return Desk(shutil.copytree(self.folder, to / "desk"), self.isolation)

    def grade(self, *options, code=0):
        where = ("../submissions", "--out", "../graded", "--isolation", self.isolation)
        return self.run("grade", *where, *options, code=code)

    def export(self, form, *options, code=0):
        return self.run("export", form, "--at", "../graded", "--out", f"../exports/{form}", *options, code=code)


def put(path, text, when=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    if when is not None:
        os.utime(path, (when.timestamp(), when.timestamp()))


def pack(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def answered(notebook):
    """A student's notebook: the released one, with one of its stubs filled in."""
    data = json.loads(notebook.read_text("utf-8"))
    (cell,) = (cell for cell in data["cells"] if "def double(" in "".join(cell["source"]))
    cell["source"] = "".join(cell["source"]).replace("raise NotImplementedError", "return np.add(x, x)")
    return json.dumps(data)


def bytes_below(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def grades(desk, column="graded_points", code=0):
    """What the command computes now."""
    desk.run("grades", "../graded", "--csv", "../now.csv", code=code)
    return points_in(desk.folder / "now.csv", column)


def points_in(path, column):
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return {(row["student"], row["exercise"]): float(row[column]) if row[column] else None for row in rows}


# -- the evening -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder with due times and a late policy."""
    folder = tmp_path_factory.mktemp("evening")
    put(folder / "course" / "course" / "course.toml", SYLLABUS)
    for name, (how, operation) in EXERCISES.items():
        place = folder / "course" / "solutions" / "01_first" / name
        for file, text in ((name, MODULE), ("checks", CHECKS), ("misconceptions", MISCONCEPTIONS)):
            put(place / f"{file}.py", text.format(name=name, title=name.title(), how=how, operation=operation))
    put(folder / "course" / "solutions" / "01_first" / "double" / "hidden.py", HIDDEN)
    level = json.loads(Desk(folder).run("doctor", "--format", "json").stdout)["isolation"]["level"]
    # Where nothing better can be had, the command wants to be told by name.
    return Desk(folder, "auto" if level in ("strict", "landlock") else "process")


@pytest.fixture(scope="module")
def released(course):
    """Handed out to students."""
    course.run("release")
    course.run("release", "--to", "../students")
    return course


@pytest.fixture(scope="module")
def handed_in(released):
    """Canvas's download, and the folder of one who was late."""
    folder = released.folder
    put(folder / "late" / ZUSE / "double.py", RIGHT, DUE + timedelta(hours=12))
    files = {
        "lovelaceada_101_5551_double.py": RIGHT,
        "lovelaceada_101_5552_shift.py": SHIFTED,
        "blockbea_102_5553_double-1.py": VECTORS_ONLY,
        "blockbea_102_5554_shift.py": UNSHIFTED,
        "noetheremmy_LATE_103_5555_double.py": "# mine\n" + RIGHT,
        "hoppergrace_104_5556_01_first.ipynb": answered(folder / "students" / "01_first" / "01_first.ipynb"),
        "m_105_5557_double.py": HOSTILE,
        "nil_106_5558_double.py": "",
    }
    pack(folder / "submissions.zip", files)
    return released


@pytest.fixture(scope="module")
def collected(handed_in):
    """Gathered in one folder, and what was said."""
    return handed_in, handed_in.run("collect", "../submissions.zip", "../late", "--to", "../submissions")


@pytest.fixture(scope="module")
def graded(collected):
    """Graded, with nothing done by hand yet."""
    desk, _ = collected
    desk.grade()
    return desk


@pytest.fixture(scope="module")
def desk(graded, tmp_path_factory):
    """The same evening once what Canvas calls late has cost its points."""
    adjusted = graded.copied(tmp_path_factory.mktemp("adjusted"))
    adjusted.run("adjust", EMMY, "double", "-0.7", "--reason", "Late.", "--who", "tom", "--at", "../graded")
    return adjusted


def test_the_course_is_understood(course):
    said = course.run("course", "check").stdout
    assert "3 + 4 hidden" in said and "2026-03-02 23:59 CET" in said
    assert "90 % of the points for 1 d, 50 % of the points for 7 d, then nothing" in said


def test_what_is_handed_out_has_no_secret(released):
    assert "Everything is as it was released." in released.run("release", "--verify", "../students").stdout
    for files in (released.folder / "students", released.course / "assignments"):
        text = b"".join(bytes_below(files).values()).lower()
        assert b"notimplementederror" in text
        for secret in (b"zebra", b"tables_too", b"np.add", b"begin solution"):
            assert secret not in text


def test_what_was_handed_in_is_gathered(collected, tmp_path):
    desk, said = collected
    assert "9 attempts of 7 students at 2 exercises." in said.stdout and "New: 9." in said.stdout
    assert f"Canvas says that these are late: double of {EMMY}." in said.stderr
    assert "It is the stub, as it was released." in said.stdout, "of the unit's notebook only one cell was worked on"
    with (desk.folder / "submissions" / "receipts.csv").open(newline="", encoding="utf-8") as file:
        assert {(row["student"], row["exercise"]) for row in csv.DictReader(file)} == POINTS.keys()
    looked = desk.run("collect", "../submissions.zip", "../late", "--dry-run", "--to", tmp_path / "nowhere")
    assert "9 attempts of 7 students at 2 exercises. Nothing was written." in looked.stdout
    assert not (tmp_path / "nowhere").exists()


def test_the_class_is_graded(graded):
    assert points_in(graded.out / "grades.csv", "points") == POINTS
    reports = graded.out / "reports"
    assert {path.relative_to(reports) for path in reports.rglob("*.json")} == {
        Path(student) / f"{exercise}.json" for student, exercise in POINTS
    }


def test_grading_again_does_nothing(graded, tmp_path):
    desk = graded.copied(tmp_path)
    before = bytes_below(desk.out)
    assert "0 of 9 would be graded" in desk.grade("--dry-run").stdout
    desk.grade()
    assert bytes_below(desk.out) == before


def test_grades_are_points_by_policy(graded):
    assert grades(graded) == POINTS | {(ZUSE, "double"): 6.3}


def test_grades_are_points_by_policy_and_by_hand(desk):
    assert grades(desk) == points_in(desk.out / "grades.csv", "graded_points") == GRADED
    desk.run("adjust", "noetheremmy", "double", "-0.7", "--reason", "Twice?", "--at", "../graded", code=2)
    lines = [line.split() for line in desk.run("grades", "../graded").stdout.splitlines()]
    totals = {line[0]: line[1] for line in lines if line and line[0] in STUDENTS and "/10" in line[1]}
    expected = {ADA: "10", BEA: "3", EMMY: "6.3", GRACE: "7", MALLORY: "0", NIL: "0", ZUSE: "6.3"}
    assert totals == {student: f"{points}/10" for student, points in expected.items()}
    desk.run("grades", "../graded", "--format", "html", "--out", "../grades.html")
    assert "6.3" in (desk.folder / "grades.html").read_text("utf-8")


def test_how_the_class_did(desk):
    said = desk.run("stats", "../graded").stdout
    assert "double: 7 students, 7 points" in said and "does_nothing: The array comes back as it was" in said
    assert "tables_too (hidden)" in said
    # (7 + 3 + 7 + 7 + 0 + 0 + 7) / 7
    assert "mean 4.43, median 7" in said
    desk.run("stats", "../graded", "--format", "html", "--out", "../stats.html")
    assert "The array comes back as it was" in (desk.folder / "stats.html").read_text("utf-8")
    desk.run("similar", "../submissions", "--out", "../similar.html")
    assert (desk.folder / "similar.html").stat().st_size


def test_everybody_has_feedback_that_tells_no_secret(desk):
    desk.run("feedback", "--at", "../graded")
    pages = bytes_below(desk.out / "feedback")
    whose = json.loads(pages.pop(Path("students.json")))
    assert set(whose) == set(STUDENTS)
    assert {path.name for path in pages} == {"feedback.html", "feedback.md"} and len(pages) == 2 * len(STUDENTS)
    assert b"zebra" not in b"".join(pages.values()).lower()
    assert "Hidden check" in page(desk, BEA) and "compute something" in page(desk, BEA)
    assert "12 h late: 90 % of the points" in page(desk, ZUSE)
    assert "Late." in page(desk, EMMY)


def page(desk, student):
    return (desk.out / "feedback" / student / "feedback.html").read_text("utf-8")


# -- exports -----------------------------------------------------------------------------------------------------------


def test_exports_hold_the_same_points(desk):
    exports = desk.folder / "exports"
    for form in ("csv", "junit", "gradescope", "ags"):
        assert "9 grades are in" in desk.export(form).stdout
    assert points_in(exports / "csv", "graded_points") == GRADED

    suites = ElementTree.parse(exports / "junit").getroot().iter("testsuite")
    found = {}
    for suite in suites:
        for one in suite.iter("property"):
            exercise, _, what = one.get("name").partition(".")
            if what == "graded_points":
                found[suite.get("name"), exercise] = float(one.get("value"))
    assert found == GRADED

    read = {
        (path.parent.name, path.parent.parent.name): json.loads(path.read_text("utf-8"))
        for path in (exports / "gradescope").rglob("results.json")
    }
    assert {place: one["score"] for place, one in read.items()} == GRADED

    read = {(path.stem, path.parent.name): json.loads(path.read_text("utf-8"))
            for path in (exports / "ags").glob("*/*.json")}  # fmt: skip
    assert {place: one["scoreGiven"] for place, one in read.items()} == GRADED
    assert {place: one["scoreMaximum"] for place, one in read.items()} == {one: most(*one) for one in GRADED}


def test_classroom50_has_the_points_of_the_checks(desk):
    desk.export("classroom50", "--classroom", "dl", "--organization", "uni")
    read = {(path.stem, path.parent.name): json.loads(path.read_text("utf-8"))
            for path in (desk.folder / "exports" / "classroom50").glob("*/*.json")}  # fmt: skip
    assert {place: one["score"] for place, one in read.items()} == POINTS
    assert {place: one["max-score"] for place, one in read.items()} == {one: most(*one) for one in POINTS}


def most(student, exercise):
    return {"double": 7, "shift": 3}[exercise]


def test_canvas_gets_its_own_file_back_with_the_scores_in(desk):
    put(desk.folder / "exported.csv", EXPORTED)
    desk.export("canvas", "--into", "../exported.csv", code=2)  # four students are not in it
    said = desk.export("canvas", "--into", "../exported.csv", "--skip-unknown").stdout
    assert "4 cells are filled in" in said and "1 cells say EX or N/A, and stay" in said
    assert "4 grades are in ../exports/canvas." in said
    filled = (desk.folder / "exports" / "canvas").read_text("utf-8")
    expected = EXPORTED.replace("ada,A,,,", "ada,A,7.00,3.00,").replace("bea,A,1.00,", "bea,A,3.00,")
    assert filled == expected.replace("emmy,B,,", "emmy,B,6.30,")
    put(desk.folder / "filled.csv", filled)
    desk.export("canvas", "--into", "../filled.csv", "--skip-unknown")
    assert (desk.folder / "exports" / "canvas").read_text("utf-8") == filled


def test_a_new_file_for_canvas_has_its_columns_in_course_order(desk):
    desk.export("canvas")
    rows = list(csv.DictReader(io.StringIO((desk.folder / "exports" / "canvas").read_text("utf-8"))))
    assert list(rows[0])[-2:] == ["shift", "double"]
    found = {(row["SIS Login ID"], name): float(row[name]) for row in rows[1:] for name in EXERCISES if row[name]}
    assert found == GRADED


def test_an_autograder_for_gradescope(desk):
    desk.run("export", "gradescope-zip", "--exercise", "double", "--at", "../graded", "--out", "../double.zip")
    with zipfile.ZipFile(desk.folder / "double.zip") as archive:
        assert {"run_autograder", "setup.sh"} <= set(archive.namelist())
        assert b"np.add" not in b"".join(archive.read(name) for name in archive.namelist())


# -- what comes in later -----------------------------------------------------------------------------------------------


def test_a_second_hand_in_changes_only_what_it_is_about(desk, tmp_path):
    desk = desk.copied(tmp_path)
    before = bytes_below(desk.out / "reports")
    pack(
        desk.folder / "submissions-2.zip",
        {"blockbea_102_6001_double-2.py": RIGHT, "lovelaceada_101_5551_double.py": RIGHT},
    )
    assert "New: 1." in desk.run("collect", "../submissions-2.zip", "--to", "../submissions").stdout
    # The bytes are known from others, so nothing has to run.
    assert "0 of 9 would be graded" in desk.grade("--dry-run").stdout
    desk.grade()
    after = bytes_below(desk.out / "reports")
    assert {path for path in after if after[path] != before[path]} == {Path(BEA) / "double.json"}
    assert grades(desk) == GRADED | {(BEA, "double"): 7}


def test_a_changed_check_is_graded_anew(desk, tmp_path):
    desk = desk.copied(tmp_path)
    hidden = desk.course / "solutions" / "01_first" / "double" / "hidden.py"
    put(hidden, hidden.read_text("utf-8").replace("points=4", "points=5"))
    said = desk.grade("--dry-run").stdout
    (line,) = (line.split() for line in said.splitlines() if line.startswith("double "))
    assert line[1:6] == ["0", "0", str(len(STUDENTS)), "0", "0"], "all of them are outdated, and none of shift"
    assert f"{len(STUDENTS)} of 9 would be graded" in said
    desk.grade()
    now = grades(desk, "points")
    assert now == {place: points + (place[1] == "double" and points == 7) for place, points in POINTS.items()}


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_hidden_check_that_is_wrong_is_nobodys_zero_and_found(desk, tmp_path):
    desk = desk.copied(tmp_path)
    hidden = desk.course / "solutions" / "01_first" / "double" / "hidden.py"
    put(hidden, hidden.read_text("utf-8").replace("x + x, message=", "x + x, 1, ", 1))
    ran = desk.grade("--student", ZUSE, code=3)
    assert "`dlgrade selftest double` says what is wrong with the checks" in ran.stderr
    assert "TypeError" in desk.run("selftest", "double", code=1).stderr
    # What the others have stays, and zuse has nothing rather than none.
    now = grades(desk, code=3)
    assert now.pop((ZUSE, "double")) is None and now.items() <= GRADED.items()
    said = desk.export("ags", code=3)
    assert "8 grades are in" in said.stdout and "dlgrade selftest double" in said.stderr
    put(hidden, HIDDEN)
    desk.grade()
    assert grades(desk) == GRADED


def test_what_needs_a_library_that_is_not_here_is_no_mistake(course, dlgrade, tmp_path, monkeypatch):
    from dlgrade.sandbox import launch

    desk = course.copied(tmp_path)
    shift = desk.course / "solutions" / "01_first" / "shift" / "shift.py"
    put(shift, shift.read_text("utf-8").replace("import numpy as np", "import torch"))
    monkeypatch.setattr(launch, "missing", lambda framework: "torch" if framework == "torch" else "")
    ran = dlgrade("--course", desk.course, "course", "check")
    assert ran.code == 0 and "3 + 4 hidden" in ran.out
    assert "the points of shift are not known" in ran.err and "python -m pip install torch" in ran.err
    ran = dlgrade("--course", desk.course, "release", "--notebooks", tmp_path / "notebooks")
    assert ran.code == 2 and "python -m pip install torch" in ran.err and not (tmp_path / "notebooks").exists()


def test_where_nobody_looks_at_a_terminal_progress_is_a_line(monkeypatch, capsys):
    from types import SimpleNamespace

    from dlgrade.cli import grade
    from dlgrade.model import Verdict

    now = iter([100.0, 100.0, 110.0, 110.0, 110.0, 110.0])
    monkeypatch.setattr(grade.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(grade, "SAID_EVERY", 10.0)
    lines = grade._Lines(4)
    lines.graded(SimpleNamespace(attempts=2, report=SimpleNamespace(verdict=Verdict.FAILED)))
    assert capsys.readouterr().err == "2 of 4 graded (12.0/min, 10 s left): 2 failed, 0 broken\n"
