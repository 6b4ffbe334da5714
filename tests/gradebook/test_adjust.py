"""`dlgrade adjust`: points by hand, with their reason; and what lateness says of times that nobody knows."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from dlgrade.gradebook.sources import Clock
from dlgrade.gradebook.store import Gradebook
from graded_samples import DAY, DUE, broken, made

COURSE = """\
timezone = "Europe/Berlin"
late = [{until = "1d", credit = 0.5}]
[[unit]]
folder = "02_losses"
due = 2026-11-30T23:59:00
"""


@pytest.fixture
def desk(tmp_path, dlgrade):
    """A course, and a gradebook in the folder where one is: ada late by two days, bob on time, eve's is broken."""
    root = tmp_path / "root"
    for name in ("softmax", "cross_entropy"):
        (root / "solutions" / "02_losses" / name).mkdir(parents=True)
        (root / "solutions" / "02_losses" / name / f"{name}.py").write_text("")
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text(COURSE)
    out = tmp_path / "out"
    with Gradebook.open(out / "gradebook.db", write=True) as book:
        book.add(made("ada", points=10, when=DUE + DAY), made("bob", points=4), broken("eve"))

    def run(*arguments, cwd=out):
        return dlgrade("--course", root, *arguments, cwd=cwd)

    run.out = out
    return run


def grades(desk):
    ran = desk("grades", ".", "--csv", "all.csv")
    assert ran.code in (0, 3)
    with (desk.out / "all.csv").open(newline="") as file:
        return {
            (row["student"], row["exercise"]): (row["graded_points"], row["reason"]) for row in csv.DictReader(file)
        }


def test_points_are_given_and_taken(desk):
    ran = desk("adjust", "ada", "softmax", "1.5", "--reason", "oral exam", "--who", "eve")
    assert (ran.code, ran.out) == (0, "softmax of ada: 5 → 6.5 (+1.5: oral exam)\n")
    ran = desk("adjust", "ada", "softmax", "-2", "--reason", "copied the loop", "--who", "eve")
    assert (ran.code, ran.out) == (0, "softmax of ada: 6.5 → 4.5 (−2: copied the loop)\n")
    assert grades(desk)["ada", "softmax"] == (
        "4.5",
        "1 d late: 50 % of the points; +1.5 (oral exam, eve); −2 (copied the loop, eve)",
    )
    assert (
        desk("adjust", "bob", "softmax", "-50", "--reason", "r", "--beyond").out == "softmax of bob: 4 → 0 (−50: r)\n"
    )
    assert desk("adjust", "eve", "02_losses/softmax", "1", "--reason", "r").out.startswith(
        "softmax of eve: no grade yet"
    )


def test_somebody_who_handed_nothing_in(desk):
    ran = desk("adjust", "bob", "cross_entropy", "2", "--reason", "on paper", "--beyond")
    assert (ran.code, ran.out) == (0, "cross_entropy of bob: nothing → 2 (+2: on paper)\n")
    ran = desk("adjust", "zoe", "softmax", "2", "--reason", "on paper")
    assert ran.code == 2
    assert "The gradebook has nothing of 'zoe'" in ran.err and "--new" in ran.err
    assert desk("adjust", "zoe", "softmax", "2", "--reason", "on paper", "--new").code == 0
    assert grades(desk)["zoe", "softmax"][0] == "2"


def test_a_table_that_lies_there_follows(desk, tmp_path):
    (desk.out / "grades.csv").write_text("old")
    assert desk("adjust", "bob", "softmax", "1", "--reason", "r", "--at", desk.out, cwd=tmp_path).code == 0
    assert "bob,softmax,4,10,failed,1,5," in (desk.out / "grades.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["adda", "softmax", "1", "--reason", "r"], "Did you mean ada?"),
        (["ada", "sofmax", "1", "--reason", "r"], "Did you mean softmax?"),
        (["ada", "02_losses", "1", "--reason", "r"], "02_losses is a unit"),
        (["ada", "softmax", "nan", "--reason", "r"], "nan are no points"),
        (["ada", "softmax", "1e308", "--reason", "r"], "the most that can be given or taken at once"),
        (["ada", "softmax", "many", "--reason", "r"], "not a valid float"),
        (["ada", "softmax", "1", "--reason", " "], "needs a reason"),
        (["ada", "softmax", "1"], "Missing option '--reason'"),
        (["ada", "softmax", "1", "--reason", "r", "--at", "/"], "There is no gradebook"),
    ],
)
def test_what_cannot_be_is_told(desk, arguments, said):
    ran = desk("adjust", *arguments)
    assert ran.code == 2
    assert said in ran.err
    with Gradebook.open(desk.out) as book:
        assert list(book.adjustments()) == []


def test_text_from_the_keyboard_acts_on_no_terminal(desk):
    ran = desk("adjust", "ada", "softmax", "1", "--reason", "see\x1b[2J")
    assert "see\\x1b[2J" in ran.out
    assert "\x1b" not in ran.text


def test_an_unknown_time_is_graded_as_on_time_and_said(desk):
    with Gradebook.open(desk.out, write=True) as book:
        late = made("ada", points=10, when=DUE + 9 * DAY, attempt=2)
        book.add(replace(late, clock=Clock.DOWNLOAD), replace(made("dan", when=DUE + DAY, points=6), clock=Clock.FILE))
        book.add(replace(made("fay", points=7, when=DUE + 9 * DAY), clock=Clock.LATE))
    found = grades(desk)
    assert found["ada", "softmax"] == ("10", "handed in at an unknown time: graded as on time")
    assert found["fay", "softmax"] == (
        "7",
        "handed in at an unknown time: graded as on time, though Canvas says that it is late",
    )
    assert found["dan", "softmax"] == ("3", "1 d late: 50 % of the points")
    ran = desk("grades", ".")
    assert "Note: When 2 of 5 submissions were handed in is not known" in ran.err
    assert "Graded as on time: softmax of ada, softmax of fay." in ran.err
    assert "Canvas says that these are late: softmax of fay." in ran.err
    assert "a grade is lower for lateness by the time of a file, which copying can change: softmax of dan." in ran.err


# -- what nobody can have meant ----------------------------------------------------------------------------------------


def standing(desk):
    with Gradebook.open(desk.out) as book:
        return [(one.student, one.exercise, one.points, one.reason) for one in book.adjustments()]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ("1e9", "1000000000 points are more than 1,000,000"),
        ("10.5", "+10.5 is more than the exercise is worth, as far as the gradebook knows: softmax is worth 10."),
        ("-11", "−11 is more than the exercise is worth"),
        ("0", "0 are no points"),
        ("-0.0", "0 are no points"),
        ("inf", "inf are no points"),
        ("0.00001", "nothing to 4 decimals"),
    ],
)
def test_points_that_nobody_means_are_refused(desk, points, said):
    ran = desk("adjust", "ada", "softmax", points, "--reason", "typo")
    assert ran.code == 2 and said in ran.err
    assert standing(desk) == []


def test_more_than_an_exercise_is_worth_is_given_where_it_is_meant(desk):
    assert "--beyond" in desk("adjust", "ada", "softmax", "12", "--reason", "bonus").err
    assert desk("adjust", "ada", "softmax", "12", "--reason", "bonus", "--beyond").code == 0
    assert grades(desk)["ada", "softmax"][0] == "17"
    ran = desk("adjust", "ada", "cross_entropy", "1", "--reason", "on paper")
    assert ran.code == 2 and "nobody handed in cross_entropy yet" in ran.err


# -- taking back -------------------------------------------------------------------------------------------------------


def test_what_is_taken_back_is_shown_to_nobody(desk):
    desk("adjust", "ada", "softmax", "2", "--reason", "oral exam", "--who", "eve")
    desk("adjust", "ada", "softmax", "9", "--reason", "typo", "--who", "eve")
    ran = desk("adjust", "--undo", "ada", "softmax", "--dry-run")
    assert ran.out == "softmax of ada: 16 → 7 (taken back: +9: typo)\nNothing was written.\n"
    assert len(standing(desk)) == 2
    ran = desk("adjust", "--undo", "ada", "softmax", "--who", "eve")
    assert (ran.code, ran.out) == (0, "softmax of ada: 16 → 7 (taken back: +9: typo)\n")
    assert grades(desk)["ada", "softmax"] == ("7", "1 d late: 50 % of the points; +2 (oral exam, eve)")
    desk("feedback", "--student", "ada")
    page = (desk.out / "feedback" / "ada" / "feedback.md").read_text("utf-8")
    assert "oral exam" in page and "typo" not in page and "taken back" not in page
    with Gradebook.open(desk.out) as book:
        assert [one.reason for one in book.adjustments(undone=True)] == ["oral exam", "typo", "taken back"]


def test_of_several_one_can_be_named(desk):
    for points in ("2", "3"):
        desk("adjust", "ada", "softmax", points, "--reason", "r")
    assert desk("adjust", "--undo", "ada", "softmax", "-2").err.endswith(
        "There is no adjustment of −2 for softmax of ada to take back.\nThere are: +2, +3.\n"
    )
    assert desk("adjust", "--undo", "ada", "softmax", "2").code == 0
    assert standing(desk) == [("ada", "softmax", 3.0, "r")]
    assert "There is no adjustment for softmax of bob" in desk("adjust", "--undo", "bob", "softmax").err


# -- from a table ------------------------------------------------------------------------------------------------------


def test_a_table_is_made_as_a_whole(desk):
    path = desk.out / "oral.csv"
    path.write_text('student;exercise;points;reason\nada;softmax;1,5;"oral, good"\n\nbob;softmax;-1;oral\n', "utf-8")
    ran = desk("adjust", "--from", path, "--dry-run")
    said = "softmax of ada: 5 → 6.5 (+1.5: oral, good)\nsoftmax of bob: 4 → 3 (−1: oral)\n"
    assert (ran.code, ran.out) == (0, f"{said}Nothing was written.\n")
    assert standing(desk) == []
    ran = desk("adjust", "--from", path)
    assert (ran.code, ran.out) == (0, f"{said}2 adjustments were made.\n")
    assert standing(desk) == [("ada", "softmax", 1.5, "oral, good"), ("bob", "softmax", -1.0, "oral")]
    ran = desk("adjust", "--from", path)
    assert ran.code == 2 and "oral.csv:2: ada has +1.5 for softmax with this reason already" in ran.err
    assert len(standing(desk)) == 2, "a table that is read twice counts once"


def test_every_mistake_in_a_table_is_told_with_its_line_and_nothing_is_made(desk):
    path = desk.out / "oral.csv"
    path.write_text(
        "student,exercise,points,reason\nbob,softmax,1,oral\nadda,softmax,1,oral\nada,sofmax,1,oral\n"
        "ada,softmax,many,oral\nada,softmax,0,oral\nada,softmax,99,oral\nada,softmax,1,\nbob,softmax,2,oral\nbob\n",
        "utf-8",
    )
    ran = desk("adjust", "--from", path)
    assert ran.code == 2 and standing(desk) == []
    for line, said in (
        (3, "nothing of 'adda'.\nDid you mean ada?"),
        (4, "sofmax"),
        (5, "'many' are no points"),
        (6, "0 are no points"),
        (7, "+99 is more than the exercise is worth"),
        (8, "needs a reason"),
        (9, "bob has two lines for softmax"),
        (10, "has 1 cells, not 4"),
    ):
        told = ran.err.partition(f"oral.csv:{line}: ")[2].partition("oral.csv:")[0]
        assert said in told, (line, ran.err)
    assert ran.err.endswith("8 mistakes. Nothing was written.\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "names no student"), ("student,points\n", "no column exercise"), ("student,exercise,points,why\n", "'why'")],
)
def test_a_table_of_something_else_is_refused(desk, text, said):
    (desk.out / "oral.csv").write_text(text, "utf-8")
    ran = desk("adjust", "--from", "oral.csv")
    assert ran.code == 2 and said in ran.err
    assert desk("adjust", "ada", "softmax", "1", "--from", "oral.csv").code == 2


def test_students_are_not_told_who_decided(desk):
    """Not even by the name that the grader is logged in with."""
    desk("adjust", "ada", "softmax", "1", "--reason", "sheet error", "--who", "grader17")
    desk("export", "ags", "--out", "ags")
    desk("export", "gradescope", "--out", "gradescope")
    desk("feedback")
    written = [path for name in ("ags", "gradescope", "feedback") for path in (desk.out / name).rglob("*")]
    texts = [path.read_text("utf-8") for path in written if path.is_file()]
    assert sum("sheet error" in text for text in texts) == 4
    assert not [text for text in texts if "grader17" in text]
    assert "grader17" in grades(desk)["ada", "softmax"][1]
    assert "grader17" in desk("grades", ".").out and "grader17" in desk("grades", ".", "--format", "html").out
