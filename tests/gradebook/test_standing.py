"""Grades that do not stand on the same ground are said: other checks than the course's now, attempts never graded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from class_samples import put
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.grade import counted, keep_seed, plan
from dlgrade.gradebook.grading import Setting
from dlgrade.gradebook.policy import Attempts, GradingPolicy
from dlgrade.gradebook.standing import Outdated, standing
from dlgrade.gradebook.store import Gradebook
from graded_class import RIGHT, WRONG, course_at
from graded_samples import NOW, broken, check, made

LAST, BEST = (GradingPolicy((), attempts=attempts) for attempts in (Attempts.LAST, Attempts.BEST))


class Class:
    """A tiny course, what was handed in, and a gradebook of reports that nobody had to grade."""

    def __init__(self, folder, submissions):
        self.course = course_at(folder / "course")
        put(folder / "in", submissions)
        self.path = folder / "graded" / "gradebook.db"
        self.path.parent.mkdir()
        self.collected = collect([folder / "in"], self.course).submissions
        keep_seed(self.path.parent, 7)

    def grade(self, policy=LAST, *, of=7.0, isolation="strict", students=None, fails=False):
        setting = Setting(self.course, 7, {"numpy": isolation})
        with Gradebook.open(self.path, write=True) as book:
            for one in plan(counted(self.collected, policy), setting, ()):
                its = one.collected
                if students is None or its.student in students:
                    place = {"exercise": its.exercise, "attempt": its.attempt}
                    right = made(its.student, check(points=of, max_points=of), **place)
                    record = broken(its.student, **place) if fails else right
                    book.add(replace(record, key=one.key, submission=its.submission.sha256))

    def standing(self, policy=LAST, seed=7):
        with Gradebook.open(self.path) as book:
            return standing(book.latest(), self.course, policy, seed)

    def change(self):
        path = self.course.root / "solutions" / "01_first" / "double" / "checks.py"
        path.write_text(path.read_text().replace("points=3", "points=5"))


@pytest.fixture
def class_of(tmp_path):
    return lambda submissions: Class(tmp_path, submissions)


TWO = {"ada/double.py": RIGHT, "bob/double.py": WRONG}


@pytest.mark.parametrize("isolation", ["strict", "landlock", "process"])
def test_what_the_course_would_grade_the_same_is_not_outdated(class_of, isolation):
    two = class_of(TWO)
    two.grade(isolation=isolation)
    assert two.standing() == standing((), two.course, LAST, 7)


def test_what_other_checks_graded_is_outdated(class_of):
    two = class_of(TWO)
    two.grade()
    two.change()
    assert two.standing().outdated == (Outdated("double", 2, 2, (7.0,)),)
    two.grade(students=["bob"], of=9.0)
    assert two.standing().outdated == (Outdated("double", 1, 2, (7.0, 9.0)),)
    assert two.standing(seed=None).outdated == (Outdated("double", 0, 2, (7.0, 9.0)),), "the points alone tell"
    two.grade(of=9.0)
    assert two.standing().outdated == ()


def test_another_seed_is_another_ground(class_of):
    two = class_of(TWO)
    two.grade()
    assert [one.attempts for one in two.standing(seed=8).outdated] == [2]


def test_what_the_grader_failed_on_is_told_elsewhere(class_of):
    two = class_of(TWO)
    two.grade(fails=True)
    two.change()
    assert two.standing().outdated == ()


ATTEMPTS = {"ada/1/double.py": RIGHT, "ada/2/double.py": WRONG, "bob/double.py": WRONG}


def test_attempts_before_the_last_may_count_and_were_never_graded(class_of):
    three = class_of(ATTEMPTS)
    assert [one.attempt for one in three.collected if one.student == "ada"] == [1, 2]
    three.grade(LAST)
    assert three.standing(LAST).ungraded == ()
    assert three.standing(BEST).ungraded == (("ada", "double"),)
    three.grade(BEST)
    assert three.standing(BEST).ungraded == ()


def test_what_was_withdrawn_was_graded(class_of):
    three = class_of(ATTEMPTS)
    three.grade(BEST)
    with Gradebook.open(three.path, write=True) as book:
        book.withdraw([("ada", "double", 1)], "gone", "eve", NOW)
    assert three.standing(BEST).ungraded == ()
    three.change()
    assert three.standing(BEST).outdated == (Outdated("double", 2, 2, (7.0,)),), "it does not count any more"


COMMANDS = [
    ["grades"],
    ["stats"],
    ["feedback", "--at"],
    ["export", "csv", "--out", "grades.csv", "--at"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_is_silent_about_it(class_of, dlgrade, command, tmp_path):
    three = class_of(ATTEMPTS)
    three.grade()

    def said():
        ran = dlgrade("--course", three.course.root, *command, three.path.parent, cwd=tmp_path)
        assert ran.code == 0, ran.text
        return " ".join(line for line in ran.err.splitlines() if line.startswith("Note:"))

    assert said() == ""
    course_at(three.course.root, 'attempts = "best"')
    assert said() == (
        "Note: the best attempt counts, and 1 earlier attempt was never graded: double of ada. "
        "`dlgrade grade` with the same submissions grades it."
    )
    three.change()
    three.grade(students=["bob"], of=9.0)
    assert "those that are here now: double (1 of 2, out of 7 and 9 points). `dlgrade grade`" in said()
    (three.path.parent / "seed").write_text("none")
    assert "those that are here now: double (some, out of 7 and 9 points)." in said()
