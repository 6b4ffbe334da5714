"""A gradebook whose grades are known by hand, and the course that it is of; what all exports are tried on."""

from __future__ import annotations

from datetime import timedelta

from dlgrade.gradebook.exports.entries import read_entries
from dlgrade.gradebook.store import Gradebook
from dlgrade.model import Evidence, Outcome
from graded_samples import DUE, NOW, POLICY, broken, check, made

COURSE = """\
title = "Small"
timezone = "Europe/Berlin"
late = [{until = "1d", credit = 0.9}, {until = "7d", credit = 0.5}]
[[unit]]
folder = "02_losses"
due = 2026-11-30T23:59:00
[[unit]]
folder = "05_convolution"
due = 2026-12-07T23:59:00
weight = 2
"""
SECRET = "the inputs that nobody may see"
HOSTILE = "=cmd|' /C calc'!A0"
HIDDEN = check("secret", 0.0, hidden=True, says=SECRET, entry_points=("softmax",), max_points=4.0)
RECORDS = (
    made("ada", points=7, when=DUE + timedelta(hours=3)),  # 6.3 of 10
    made("bob", check("agrees", 3.0), check("shift", 0.5, max_points=1.5, outcome=Outcome.FAILED), HIDDEN),
    made("bob", points=8, exercise="conv2d"),
    broken("eve"),
    made(HOSTILE, points=10),
)
ADJUSTED = ("bob", "conv2d", 1.25, "oral exam", "ida")
GRADED = {
    ("ada", "softmax"): 6.3,
    ("bob", "softmax"): 3.5,
    ("bob", "conv2d"): 9.25,
    ("eve", "softmax"): None,
    (HOSTILE, "softmax"): 10.0,
}


def course_at(root):
    """The course, with nothing in its exercises but what makes them known."""
    for place in ("02_losses/softmax", "05_convolution/conv2d"):
        folder = root / "assignments" / place
        folder.mkdir(parents=True)
        (folder / f"{folder.name}.py").write_text(f'"""{folder.name}."""\n', "utf-8")
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text(COURSE, "utf-8")
    return root


def gradebook_at(folder, records=RECORDS):
    with Gradebook.open(folder / "gradebook.db", write=True) as book:
        book.add(*records)
        book.adjust(*ADJUSTED, NOW)
    return folder


def entries_of(folder):
    with Gradebook.open(folder) as book:
        return read_entries(book, POLICY)


def entry_of(folder, student, exercise="softmax"):
    (found,) = [one for one in entries_of(folder) if (one.grade.student, one.grade.exercise) == (student, exercise)]
    return found


def hidden_evidence():
    return Evidence(SECRET, call=SECRET)
