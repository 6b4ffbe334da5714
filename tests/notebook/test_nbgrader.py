"""The real nbgrader on a released course, from generate_assignment to its exported scores: they are dlgrade's."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
import sqlite3
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed")

UNIT, OTHER = "02_losses", "05_convolution"
HEAD = '"""Softmax."""\n\nimport numpy as np\n\n\n'
RIGHT = (
    HEAD
    + """\
def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def softmax_backward(grad: np.ndarray, probs: np.ndarray, axis: int = -1) -> np.ndarray:
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True))
"""
)
PARTLY = RIGHT.replace("np.exp(x - x.max(axis=axis, keepdims=True))", "np.exp(x)")
LOUD = RIGHT.replace("    powers =", '    print("so loud", file=__import__("sys").stderr)\n    powers =')
RAISES = RIGHT.replace("    powers =", '    raise RuntimeError("no")\n    powers =')
STDERR_CELL = "import sys, warnings\nprint('oh dear', file=sys.stderr)\nwarnings.warn('and more')"
SUBMITTED = {"right": RIGHT, "partly": PARTLY, "loud": LOUD, "raises": RAISES}


def answered(notebook, source):
    """A student's notebook: the released one with an answer in it, and loud and failing cells around."""
    nb = json.loads(notebook.read_text("utf-8"))
    (answer,) = [cell for cell in nb["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")]
    answer["source"] = source
    place = nb["cells"].index(answer)
    for number, text in enumerate((STDERR_CELL, "raise ValueError('a try that failed')")):
        other = {"cell_type": "code", "id": f"mine-{number}", "metadata": {}, "source": text, "outputs": []}
        nb["cells"].insert(place, {**other, "execution_count": None})
    return json.dumps(nb)


@pytest.fixture(scope="module")
def graded(place, course):
    """The course in nbgrader's hands once its students' notebooks are autograded; what each step printed."""
    root = place.root / "nbgrader"
    written = place.dlgrade("--course", course, "release", "--notebooks", root)
    assert written.code == 0, written.err
    said = SimpleNamespace(root=root, written=written)
    said.generated = [place.nbgrader("generate_assignment", unit, "--force", cwd=root) for unit in (UNIT, OTHER)]
    said.verified = place.dlgrade("release", "--verify", root)
    released = root / "release" / UNIT
    for student, source in SUBMITTED.items():
        submission = root / "submitted" / student / UNIT
        shutil.copytree(released, submission)
        (submission / f"{UNIT}.ipynb").write_text(answered(released / f"{UNIT}.ipynb", source), "utf-8")
    # What a student does to the checks is undone by nbgrader, which puts the instructor's files back.
    checks = root / "submitted" / "raises" / UNIT / "assignments" / UNIT / "softmax" / "checks.py"
    checks.write_text("easy = 1", "utf-8")
    said.autograded = place.nbgrader("autograde", UNIT, cwd=root)
    said.feedback = place.nbgrader("generate_feedback", UNIT, cwd=root)
    said.exported = place.nbgrader("export", "--to", "scores.csv", cwd=root)
    return said


def test_nbgrader_would_generate_what_was_released(graded):
    assert [ran.code for ran in graded.generated] == [0, 0], graded.generated
    assert graded.verified.out.split() == ["extra", "gradebook.db"], "nbgrader's own release is byte for byte ours"


def test_the_scores_are_ours(graded, place, course):
    assert graded.autograded.code == 0, graded.autograded.err
    assert graded.exported.code == 0, graded.exported.err
    with (graded.root / "scores.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == UNIT]
    scores = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in rows}
    expected = {}
    for student, source in SUBMITTED.items():
        (place.root / "one").mkdir(exist_ok=True)
        (place.root / "one" / "softmax.py").write_text(source, "utf-8")
        ran = place.dlgrade("--course", course, "check", "softmax", "--at", place.root / "one", "--format", "json")
        report = json.loads(ran.out)
        expected[student] = (report["points"], report["max_points"])
    assert scores == expected
    assert scores["right"] == scores["loud"] == (20, 20)
    assert 0 < scores["partly"][0] < 20
    assert scores["raises"][0] < scores["partly"][0]


def test_the_feedback_shows_the_report(graded):
    assert graded.feedback.code == 0, graded.feedback.err
    page = (graded.root / "feedback" / "partly" / UNIT / f"{UNIT}.html").read_text("utf-8")
    assert "subtract the maximum" in page


def test_nbgrader_validates_a_right_notebook(graded, place):
    right = graded.root / "submitted" / "right" / UNIT / f"{UNIT}.ipynb"
    ran = place.nbgrader("validate", right, cwd=graded.root)
    assert "Success! Your notebook passes all the tests." in ran.out, ran.out + ran.err


def test_a_fault_of_ours_is_neither_zero_nor_full_marks(graded, place):
    """The checks do not load: nbgrader stops at this student, and leaves the grade to a person."""
    checks = graded.root / "source" / UNIT / "assignments" / UNIT / "softmax" / "checks.py"
    text = checks.read_bytes()
    checks.write_text("raise RuntimeError('broken by its author')", "utf-8")
    try:
        shutil.copytree(graded.root / "submitted" / "right", graded.root / "submitted" / "unlucky")
        ran = place.nbgrader("autograde", UNIT, "--student", "unlucky", cwd=graded.root)
    finally:
        checks.write_bytes(text)
    assert ran.code != 0
    assert f"There was an error processing assignment '{UNIT}' for student 'unlucky'" in ran.err
    with sqlite3.connect(graded.root / "gradebook.db") as book:
        (row,) = book.execute(
            "select auto_score, manual_score, needs_manual_grade from grade "
            "join submitted_notebook on grade.notebook_id = submitted_notebook.id "
            "join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id "
            "where student_id = 'unlucky'"
        )
    book.close()
    assert row == (None, None, 1)


def test_nothing_was_written_elsewhere(graded, place):
    assert {path.name for path in place.root.iterdir()} <= {"home", "course", "nbgrader", "one"}
