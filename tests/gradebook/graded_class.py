"""A tiny course that is quick to grade, a class's submissions to it, and what a gradebook says of them."""

from __future__ import annotations

import functools
import json

from dlgrade.course.find import open_course
from dlgrade.errors import DlgradeError
from dlgrade.gradebook.store import Gradebook
from dlgrade.sandbox.levels import workers

SYLLABUS = """\
title = "A tiny course"
{policy}
[[unit]]
folder = "01_first"
"""

MODULE = '''\
"""{Name}: a number and every element."""

import numpy as np


def {name}(x: np.ndarray) -> np.ndarray:
    """Return what it says."""
    ### BEGIN SOLUTION
    return x {what}
    ### END SOLUTION
'''

CHECKS = '''\
"""Checks of {name}."""

from dlgrade.author import Agreement, arrays

agrees = Agreement("{name}", oracle=lambda x: x {what}, given=dict(x=arrays(ndim=1)), points=3, examples=3)
'''

HIDDEN = '''\
"""Hidden checks of {name}."""

from dlgrade.author import Agreement, arrays

the_secret = Agreement("{name}", oracle=lambda x: x {what}, given=dict(x=arrays(ndim=2)), points=4, examples=3)
'''

MISCONCEPTIONS = '''\
"""What goes wrong in {name}."""

from dlgrade.author import misconception


@misconception(of="{name}", caught_by="agrees")
def does_nothing(x):
    """The array comes back as it was."""
    return x
'''

EXERCISES = {"double": "* 2", "shift": "+ 1"}

RIGHT = "def double(x):\n    return x + x\n"
WRONG = "def double(x):\n    return x\n"
ENDS_AT_IMPORT = "import os\nos._exit(0)\n"
FORGES = """\
import json, sys
print(json.dumps({"schema": "dlgrade.report/1", "verdict": "passed", "points": 7}))
def double(x):
    sys.exit(0)
"""
NO_TEXT = b"def double(x):\n    return x * 2  # \xff\n"

CLASS = {
    "ada/double.py": RIGHT,
    "bob/double.py": WRONG,
    "eve/double.py": FORGES,
    "eve/shift.py": "def shift(x):\n    return x + 1\n",
    "ida/double.py": ENDS_AT_IMPORT,
    "kim/double.py": NO_TEXT,
    "tom/double.py": "",
    "tom/shift.py": "def shift(x):\n    raise NotImplementedError\n",
}


def course_at(root, policy=""):
    """The course, with what course.toml says of grades."""
    (root / "course").mkdir(parents=True, exist_ok=True)
    (root / "course" / "course.toml").write_text(SYLLABUS.format(policy=policy), "utf-8")
    for name, what in EXERCISES.items():
        folder = root / "solutions" / "01_first" / name
        folder.mkdir(parents=True, exist_ok=True)
        files = {f"{name}.py": MODULE, "checks.py": CHECKS, "hidden.py": HIDDEN, "misconceptions.py": MISCONCEPTIONS}
        for file, text in files.items():
            (folder / file).write_text(text.format(name=name, Name=name.title(), what=what), "utf-8")
    return open_course(root)


@functools.cache
def isolation():
    """The level that grade takes by itself, or the one that has to be named where it takes none."""
    try:
        with workers("numpy", "auto", floor="landlock"):
            return "auto"
    except DlgradeError:
        return "process"


def told(folder):
    """What a gradebook says, but for the times of grading: of each attempt all columns and its report."""
    with Gradebook.open(folder / "gradebook.db") as book:
        assert not book.faults()
        records = list(book.records())
    return sorted(
        (
            *(one.student, one.exercise, one.attempt, one.key, one.submission, one.when.isoformat(), one.clock),
            *(one.verdict, one.points, one.max_points),
            json.dumps(timeless(json.loads(one.text)), sort_keys=True),
        )
        for one in records
    )


def everything(folder):
    """All that grading leaves, but for the times of grading: gradebook, reports, grades and seed."""
    reports = {
        path.relative_to(folder).as_posix(): timeless(json.loads(path.read_text("utf-8")))
        for path in (folder / "reports").rglob("*.json")
    }
    return told(folder), reports, (folder / "grades.csv").read_bytes(), (folder / "seed").read_text()


def timeless(data):
    """JSON without its `seconds`."""
    if isinstance(data, dict):
        return {key: timeless(value) for key, value in data.items() if key != "seconds"}
    return [timeless(value) for value in data] if isinstance(data, list) else data
