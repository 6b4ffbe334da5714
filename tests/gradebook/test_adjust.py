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
    assert desk("adjust", "bob", "softmax", "-50", "--reason", "r").out == "softmax of bob: 4 → 0 (−50: r)\n"
    assert desk("adjust", "eve", "02_losses/softmax", "1", "--reason", "r").out.startswith(
        "softmax of eve: no grade yet"
    )


def test_somebody_who_handed_nothing_in(desk):
    ran = desk("adjust", "bob", "cross_entropy", "2", "--reason", "on paper")
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
        (["ada", "softmax", "1e308", "--reason", "r"], "1e+308 are no points"),
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
