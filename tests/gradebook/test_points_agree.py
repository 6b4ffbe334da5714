"""Three students' points, worked out by hand in fractions: every table, page and export has them to the last digit."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import json
import sqlite3
from datetime import timedelta
from fractions import Fraction

import pytest
from dlgrade.gradebook.store import Gradebook
from dlgrade.points import number
from graded_samples import DAY, DUE, NOW, check, made

COURSE = """\
title = "Small"
timezone = "Europe/Berlin"
late = [{until = "1d", credit = 0.95}, {until = "7d", credit = 0.45}]
[[unit]]
folder = "02_losses"
exercises = ["softmax", "cross_entropy"]
due = 2026-11-30T23:59:00
[[unit]]
folder = "05_convolution"
due = 2026-11-30T23:59:00
weight = 2
[exercise.cross_entropy]
weight = 0.5
"""
HOURS, DAYS = timedelta(hours=3), 2 * DAY
RECORDS = (
    made("ada", points=9.5, when=DUE + HOURS),
    made("ada", points=8.55, exercise="cross_entropy"),
    made("ada", points=5, exercise="conv2d"),
    made("bob", points=7, when=DUE + DAYS),
    made("bob", points=7.35, exercise="cross_entropy"),
    made("bob", points=1.9, exercise="conv2d", when=DUE + HOURS),
    made("carl", *(check(str(n), n / 10, max_points=most) for n, most in ((1, 0.1), (2, 0.2), (3, 9.7)))),
    made("carl", points=10, exercise="conv2d", when=DUE + DAYS),
)
ADJUSTED = (("ada", "conv2d", 1.667), ("bob", "softmax", -0.125), ("carl", "conv2d", 0.1), ("carl", "conv2d", 0.2))
A_DAY, A_WEEK = Fraction(95, 100), Fraction(45, 100)
POINTS = {
    ("ada", "softmax"): Fraction(19, 2) * A_DAY,
    ("ada", "cross_entropy"): Fraction(855, 100),
    ("ada", "conv2d"): 5 + Fraction(1667, 1000),
    ("bob", "softmax"): 7 * A_WEEK - Fraction(1, 8),
    ("bob", "cross_entropy"): Fraction(735, 100),
    ("bob", "conv2d"): Fraction(19, 10) * A_DAY,
    ("carl", "softmax"): Fraction(6, 10),
    ("carl", "conv2d"): 10 * A_WEEK + Fraction(3, 10),
}
WEIGHTS = {"softmax": Fraction(1), "cross_entropy": Fraction(1, 2), "conv2d": Fraction(2)}
TOTALS = {
    student: sum(WEIGHTS[exercise] * points for (whose, exercise), points in POINTS.items() if whose == student)
    for student in ("ada", "bob", "carl")
}
SHARES = {"ada": "0.761", "bob": "0.2946", "carl": "0.2914"}
"""Of 35: 26.634, 10.31 and 10.2."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("agree")
    for name in ("02_losses/softmax", "02_losses/cross_entropy", "05_convolution/conv2d"):
        (root / "assignments" / name).mkdir(parents=True)
        (root / "assignments" / name / f"{name.partition('/')[2]}.py").write_text('"""It."""\n', "utf-8")
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text(COURSE, "utf-8")
    with Gradebook.open(root / "gradebook.db", write=True) as book:
        book.add(*RECORDS)
        for student, exercise, points in ADJUSTED:
            book.adjust(student, exercise, points, "oral exam", "eve", NOW)
    return root


@pytest.fixture
def run(place, dlgrade):
    def run(*arguments):
        ran = dlgrade("--course", place, *arguments, cwd=place)
        assert ran.code == 0, ran.text
        return ran.out

    return run


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables(run, place):
    run("grades", "--csv", "grades.csv")
    run("export", "csv", "--out", "exported.csv")
    for name in ("grades.csv", "exported.csv"):
        found = {(row["student"], row["exercise"]): Fraction(row["graded_points"]) for row in table(place / name)}
        assert found == POINTS
    shown = [line.split() for line in run("grades").splitlines()]
    for (student, exercise), points in POINTS.items():
        (row,) = [row for row in shown if row[:2] == [student, exercise]]
        assert number(float(points)) in row[3:]
    page = run("grades", "--format", "html")
    assert all(f">{number(float(points))}<" in page for points in POINTS.values())
    assert all(f">{number(float(total))} <" in page for total in TOTALS.values())


def test_totals(run, place):
    assert run("grades", "--totals", "--csv", "totals.csv") == "3 totals are in totals.csv.\n"
    rows = {row["student"]: row for row in table(place / "totals.csv")}
    assert {student: Fraction(row["points"]) for student, row in rows.items()} == TOTALS
    assert {student: row["share"] for student, row in rows.items()} == SHARES
    assert {row["max_points"] for row in rows.values()} == {"35"}
    assert [row["missing"] for row in rows.values()] == ["", "", "cross_entropy"]
    told = [line.split() for line in run("grades", "--totals").splitlines()]
    assert told == [
        ["student", "total", "share", "missing", "to", "be", "regraded"],
        ["ada", "26.634/35", "76.1", "%", "–", "–"],
        ["bob", "10.31/35", "29.46", "%", "–", "–"],
        ["carl", "10.2/35", "29.14", "%", "cross_entropy", "–"],
    ]


@pytest.mark.parametrize("options", [["--exercise", "softmax"], ["--format", "html"]])
def test_totals_are_of_all_and_no_page(place, dlgrade, options):
    assert dlgrade("--course", place, "grades", place, "--totals", *options).code == 2


def test_feedback(run, place):
    run("feedback")
    pages = {
        student: (place / "feedback" / student / "feedback.md").read_text("utf-8").replace("`", "")
        for student in TOTALS
    }
    assert "9.025 + 8.55 × 0.5 + 6.667 × 2 = 26.634" in pages["ada"] and "26.634 of 35 points, 76.1 %" in pages["ada"]
    assert "3.025 + 7.35 × 0.5 + 1.805 × 2 = 10.31" in pages["bob"] and "10.31 of 35 points, 29.46 %" in pages["bob"]
    assert "0.6 + 0 × 0.5 + 4.8 × 2 = 10.2" in pages["carl"]
    for (student, exercise), points in POINTS.items():
        section = pages[student].partition(f"\n## {exercise}\n")[2].partition("\n## ")[0]
        assert f"| = {number(float(points))} |" in section
    html = (place / "feedback" / "ada" / "feedback.html").read_text("utf-8")
    assert "9.025 + 8.55 × 0.5 + 6.667 × 2 = 26.634" in html


def test_learning_management_systems(run, place):
    run("export", "canvas", "--out", "canvas.csv")
    run("export", "ags", "--out", "ags")
    run("export", "gradescope", "--out", "gradescope")
    canvas = {row["SIS Login ID"]: row for row in table(place / "canvas.csv")}
    for (student, exercise), points in POINTS.items():
        score = json.loads((place / "ags" / exercise / f"{student}.json").read_text())["scoreGiven"]
        result = json.loads((place / "gradescope" / exercise / student / "results.json").read_text())["score"]
        assert Fraction(canvas[student][exercise]) == Fraction(repr(score)) == Fraction(repr(result)) == points
    run("export", "canvas", "--out", "units.csv", "--column", "02_losses=Losses (1)")
    units = {row["SIS Login ID"]: row["Losses (1)"] for row in table(place / "units.csv")}
    assert units == {"": "15.00", "ada": "13.30", "bob": "6.70", "carl": "0.60"}


@pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed")
def test_nbgrader(run, place):
    run("export", "nbgrader", "--db", "nbgrader.db")
    query = """SELECT submitted_assignment.student_id, assignment.name,
                      grade.auto_score, submitted_notebook.late_submission_penalty
               FROM grade JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
               JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
               JOIN assignment ON submitted_assignment.assignment_id = assignment.id"""
    with contextlib.closing(sqlite3.connect(place / "nbgrader.db")) as connection:
        found = {
            (student, exercise): Fraction(repr(score)) - Fraction(repr(penalty or 0.0))
            for student, exercise, score, penalty in connection.execute(query)
        }
    assert found == POINTS


def test_what_is_rounded_says_so(run, place, tmp_path, dlgrade):
    """A third is shown in four digits, and an equation with it is none."""
    with Gradebook.open(tmp_path / "gradebook.db", write=True) as book:
        book.add(made("ada", points=1 / 3, when=DUE + HOURS), made("ada", points=5, exercise="conv2d"))
    ran = dlgrade("--course", place, "feedback", "--at", tmp_path)
    assert ran.code == 0
    page = (tmp_path / "feedback" / "ada" / "feedback.md").read_text("utf-8")
    assert "≈ 0.3167" in page and "0.3167 + 5 × 2 ≈ 10.3167" in page
