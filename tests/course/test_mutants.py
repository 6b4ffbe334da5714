"""Mutants: every kind of small mistake is planted, nothing else is touched, and what never ends is stopped."""

import ast

import pytest
from dlgrade.course.mutants import mutants
from dlgrade.course.mutation import Endless, functions_of

SOURCE = '''\
"""A module."""

import numpy as np

LIMIT = 3


def area(x: np.ndarray, axis: int = -1, wide: "tuple[int, 2]" = None) -> np.ndarray:
    """Return 1 + 1 of it."""
    total, found = np.zeros(4), [v for v in x if v > 0 and v < LIMIT]
    while len(found) < 2:
        found += [1.5]
        if not found:
            break
    total[1:3] = -x.sum(axis=axis, keepdims=True) / 2
    return total.T @ x if axis else np.where(total == 0, x, "a")
'''

WANTED = {
    "/ becomes *": ("keepdims=True) / 2", "keepdims=True) * 2"),
    "@ becomes *": ("total.T @ x", "total.T * x"),
    "what stands right of @ is left out": ("total.T @ x", "total.T"),
    "the two sides of / change places": ("= -x.sum(axis=axis, keepdims=True) / 2",
                                         "= 2 / -x.sum(axis=axis, keepdims=True)"),
    "- is left out": ("= -x.sum", "= x.sum"),
    "> becomes >=": ("v > 0", "v >= 0"),
    "< becomes <=": ("len(found) < 2", "len(found) <= 2"),
    "== becomes !=": ("total == 0", "total != 0"),
    "not is left out": ("if not found", "if found"),
    "and becomes or": ("v > 0 and v < LIMIT", "v > 0 or v < LIMIT"),
    "`v > 0` is left out": ("if v > 0 and v < LIMIT", "if v < LIMIT"),
    "`if v > 0 and v < LIMIT` is left out": (" if v > 0 and v < LIMIT]", "]"),
    "3 becomes 4": ("LIMIT = 3", "LIMIT = 4"),
    "1.5 becomes 3.0": ("1.5", "3.0"),
    "'a' becomes 'a_'": ("'a'", "'a_'"),
    "1 becomes 2": ("total[1:3]", "total[2:3]"),
    "the slice's start is left out": ("total[1:3]", "total[:3]"),
    "True becomes False": ("keepdims=True", "keepdims=False"),
    "keepdims= is left out": (", keepdims=True", ""),
    "axis becomes 0": ("axis=axis", "axis=0"),
    "zeros becomes ones": ("np.zeros", "np.ones"),
    "sum becomes mean": ("x.sum(", "x.mean("),
    "T is left out": ("total.T @", "total @"),
    "the branches of where() change places": ("(total == 0, x, 'a')", "(total == 0, 'a', x)"),
    "+= becomes =": ("found += [1.5]", "found = [1.5]"),
    "the statement is left out": ("        found += [1.5]\n", "        pass\n"),
    "break becomes continue": ("break", "continue"),
    "the condition is taken to be true": ("total.T @ x if axis else np.where(total == 0, x, 'a')", "total.T @ x"),
    "places 1 and 2 are exchanged": ("(np.zeros(4), [v for v in x if v > 0 and v < LIMIT])",
                                     "([v for v in x if v > 0 and v < LIMIT], np.zeros(4))"),
}  # fmt: skip


@pytest.mark.parametrize("what", WANTED)
def test_each_kind_of_mistake_is_planted(what):
    old, new = WANTED[what]
    plain = ast.unparse(ast.parse(SOURCE))
    assert plain.count(old) == 1, old
    planted = [mutant for mutant in mutants(SOURCE) if mutant.what == what]
    assert plain.replace(old, new) in {mutant.source for mutant in planted}


def test_every_mutant_is_a_module_of_its_own_that_differs_in_one_statement():
    found = mutants(SOURCE)
    assert len({mutant.source for mutant in found}) == len(found) > 60
    plain = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in found:
        lines = mutant.source.splitlines()
        ast.parse(mutant.source)
        assert mutant.before != mutant.after
        if len(lines) == len(plain):
            assert sum(one != other for one, other in zip(plain, lines, strict=True)) == 1, mutant.what
        assert mutant.before.split("\n")[0] in mutant.before


def test_docstrings_annotations_and_imports_are_left_alone():
    for mutant in mutants(SOURCE):
        assert '"""A module."""' in mutant.source and '"""Return 1 + 1 of it."""' in mutant.source
        assert "import numpy as np" in mutant.source
        assert "'tuple[int, 2]'" in mutant.source and "-> np.ndarray" in mutant.source


def test_a_mutant_that_never_ends_is_stopped():
    source = "def f(n):\n    while n > 0:\n        n = n - 1\n    return n\n"
    endless = next(m for m in mutants(source) if m.what == "- becomes +")
    with pytest.raises(Endless):
        functions_of(endless, "task", ("f",))["f"](3)
    ending = next(m for m in mutants(source) if m.what == "> becomes >=")
    assert functions_of(ending, "task", ("f",))["f"](3) == -1
