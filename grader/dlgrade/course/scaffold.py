"""Writes the skeleton of a new exercise: three files that are whole from the first minute."""

from __future__ import annotations

import difflib
from pathlib import Path

from dlgrade.course.find import CHECKS, MISCONCEPTIONS, Course, name_problem
from dlgrade.errors import UsageError

_REFERENCE = '''\
"""{title}: say in one line what it is for."""

import numpy as np


def {name}(x: np.ndarray, factor: float = 2.0) -> np.ndarray:
    """Return `x` times `factor`.

    Args:
        x: any shape, float64 or float32. It is not modified.
        factor: what to multiply by.

    Returns:
        An array of the shape and dtype of `x`.

    >>> {name}(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    ### BEGIN SOLUTION
    return x * x.dtype.type(factor)
    ### END SOLUTION
'''

_CHECKS = '''\
"""Checks of {name}: an oracle, and a law for each idea that the exercise teaches."""

import numpy as np
from dlgrade.author import Agreement, Example, Policy, arrays, assert_close, check
from hypothesis import given
from hypothesis import strategies as st


def _oracle(x, factor=2.0):
    """Obviously right, however slow: it is what the student's results are compared with."""
    return np.array([value * factor for value in x.ravel()]).reshape(x.shape)


inputs = dict(x=arrays(ndim=2, within=30), factor=st.sampled_from([2.0, -0.5]))

examples = Example(points=1)
permitted = Policy()
agrees = Agreement("{name}", oracle=_oracle, given=inputs, points=3)


@check(points=2)
@given(**inputs)
def is_additive({name}, x, factor):
    """The result for a sum is the sum of the results."""
    assert_close({name}(x + x, factor), {name}(x, factor) + {name}(x, factor))
'''

_MISCONCEPTIONS = '''\
"""What students get wrong in {name}, each with the sentence that cures it."""

from dlgrade.author import misconception


@misconception(of="{name}", caught_by="agrees")
def ignores_factor(x, factor=2.0):
    """The factor is fixed at 2: multiply by the argument `factor`."""
    return x * 2


@misconception(of="{name}", caught_by="is_additive")
def adds_the_factor(x, factor=2.0):
    """The factor is added: multiply by it."""
    return x + x.dtype.type(factor)
'''


def new_exercise(course: Course, unit: str, name: str) -> list[Path]:
    """Write the skeleton of an exercise into solutions/; the paths written.

    Raises:
        UsageError: if there is no such unit, the name cannot be used, or there is such an exercise already.
    """
    folders = [u.folder for u in course.units]
    if unit not in folders:
        near = difflib.get_close_matches(unit, folders, n=1, cutoff=0.5)
        mend = f"Did you mean {near[0]}?" if near else f"Its units: {', '.join(folders)}."
        raise UsageError(f"The course has no unit {unit!r}.", mend=mend)
    problem = name_problem(name)
    if problem is not None:
        raise UsageError(f"{name!r} cannot be an exercise's name: {problem}.")
    taken = next((e for e in course.exercises if e.name == name), None)
    if taken is not None:
        raise UsageError(f"There is an exercise {name} already.", where=str(taken.path), mend="Choose another name.")
    folder = course.root / "solutions" / unit / name
    title = name.replace("_", " ").capitalize()
    written = []
    try:
        folder.mkdir(parents=True)
        for file, text in ((f"{name}.py", _REFERENCE), (CHECKS, _CHECKS), (MISCONCEPTIONS, _MISCONCEPTIONS)):
            path = folder / file
            path.write_text(text.format(name=name, title=title), encoding="utf-8", newline="\n")
            written.append(path)
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be written: {error.strerror}.") from error
    return written
