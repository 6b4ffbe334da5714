"""A tiny course on disk, right in every respect, for tests to break in one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from dlgrade.course.find import open_course
from dlgrade.course.load import load_exercise, load_misconceptions

COURSE = """\
title = "A tiny course"

[[unit]]
folder = "01_first"
title = "First"

[[unit]]
folder = "02_second"
"""

REFERENCE = '''\
"""Scale: a number times every element."""

import numpy as np


def scale(x: np.ndarray, factor: float = 2.0) -> np.ndarray:
    """Return `x` times `factor`.

    >>> scale(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    ### BEGIN SOLUTION
    the_secret = x.dtype.type(factor)
    return x * the_secret
    ### END SOLUTION


def scale_backward(grad: np.ndarray, factor: float = 2.0) -> np.ndarray:
    """Return the gradient with respect to `x`."""
    ### BEGIN SOLUTION
    return _another_secret(grad) * grad.dtype.type(factor)
    ### END SOLUTION


### BEGIN SOLUTION
def _another_secret(grad):
    return grad


### END SOLUTION
'''

CHECKS = '''\
"""Checks of scale."""

from dlgrade.author import Agreement, Example, Gradient, Policy, arrays, assert_close, check
from hypothesis import given
from hypothesis import strategies as st


def _scale(x, factor=2.0):
    return x * factor


def _backward(grad, factor=2.0):
    return grad * factor


inputs = dict(x=arrays(ndim=1), factor=st.sampled_from([2.0, -0.5]))
examples = Example(points=1)
permitted = Policy()
agrees = Agreement("scale", oracle=_scale, given=inputs, points=3, examples=4)


@check(points=2, examples=4)
@given(**inputs)
def is_additive(scale, x, factor):
    """The result for a sum is the sum of the results."""
    assert_close(scale(x + x, factor), scale(x, factor) + scale(x, factor))


gradient = Gradient(
    "scale", backward="scale_backward", wrt="x", oracle=_backward, forward_oracle=_scale, given=inputs, examples=12
)
'''

MISCONCEPTIONS = '''\
"""What goes wrong in scale."""

from dlgrade.author import misconception


@misconception(of="scale", caught_by="agrees")
def ignores_factor(x, factor=2.0):
    """The factor is fixed at 2: multiply by the argument `factor`."""
    return x * 2


@misconception(of="scale_backward", caught_by="gradient")
def divides(grad, factor=2.0):
    """You divide by the factor: multiply."""
    return grad / factor
'''

HIDDEN = '''\
"""Hidden checks of scale."""

from dlgrade.author import assert_close, check
from hypothesis import given
from hypothesis import strategies as st


@check(points=4, examples=4)
@given(factor=st.sampled_from([3.0, 7.0]))
def the_hidden_law(scale, factor):
    """Nobody is told of this."""
    import numpy as np

    assert_close(scale(np.array([1.0]), factor), np.array([factor]))
'''


@dataclass(frozen=True)
class TinyCourse:
    """The course and its one exercise."""

    root: Path

    @property
    def exercise(self):
        return self.root / "solutions" / "01_first" / "scale"

    @property
    def course_file(self):
        return self.root / "course" / "course.toml"

    def path(self, name):
        return self.course_file if name == "course.toml" else self.exercise / name

    def edit(self, name, old, new):
        """Replace what is there exactly once."""
        text = self.path(name).read_text("utf-8")
        assert text.count(old) == 1, (old, text.count(old))
        self.path(name).write_text(text.replace(old, new), "utf-8", newline="\n")

    def line(self, name, mark):
        """The number of the only line, or of the last one, that holds this text."""
        lines = self.path(name).read_text("utf-8", errors="replace").splitlines()
        return max(number for number, line in enumerate(lines, 1) if mark in line)

    def load(self, *, hidden=True):
        """Open the course and load its exercise with everything."""
        course = open_course(self.root)
        exercise = load_exercise(course.named(["scale"])[0], authored=course.authored, hidden=hidden)
        return exercise, load_misconceptions(exercise, hidden=hidden)


@pytest.fixture
def tiny(tmp_path):
    course = TinyCourse(tmp_path / "tiny")
    course.exercise.mkdir(parents=True)
    course.course_file.parent.mkdir()
    files = {
        "course.toml": COURSE,
        "scale.py": REFERENCE,
        "checks.py": CHECKS,
        "misconceptions.py": MISCONCEPTIONS,
        "hidden.py": HIDDEN,
    }
    for name, text in files.items():
        course.path(name).write_text(text, "utf-8", newline="\n")
    return course
