"""The doctests of the stub, and what an exercise forbids."""

import pytest
from dlgrade.author import Agreement, Example, Policy, arrays
from dlgrade.checking.doctests import alike
from dlgrade.model import Outcome
from tiny import exercise_of, judged, message, reported, trusted, verdict

# -- examples ----------------------------------------------------------------------------------------------------------

SPEC = '''
import numpy as np

def half(x: np.ndarray) -> np.ndarray:
    """Half of x.

    >>> x = np.array([1.0, 3.0])
    >>> half(x)
    array([0.5, 1.5])
    >>> half(x)[1]
    np.float64(1.5)
    >>> float(half(x).sum())
    2.0
    >>> half(x - x)
    array([0., 0.])
    """
    return x / 2

def third(x: float) -> float:
    """A third of x.

    >>> third(1.0)
    0.333333333
    >>> print(round(half(np.array([third(3.0)]))[0], 3))
    0.5
    """
    return x / 3
'''
HALVES = exercise_of(SPEC, name="halves")
RIGHT = "def half(x): return x / 2\ndef third(x): return x / 3\n"


def judge(source):
    return judged(Example(name="examples"), source, exercise=HALVES)


def test_right_answers_print_what_the_examples_say():
    assert judge(RIGHT).outcome == Outcome.PASSED
    assert (
        judge("def half(x): return (x + 1e-9) * 0.5\ndef third(x): return np.float64(x / 3)").outcome == Outcome.PASSED
    )


def test_a_number_that_came_as_an_array_prints_as_a_number():
    assert judge(RIGHT.replace("x / 3", "np.array(x / 3)")).outcome == Outcome.PASSED


def test_rounding_around_zero_is_no_difference():
    assert judge(RIGHT + "def half(x): return x / 2 + 1e-17").outcome == Outcome.PASSED
    assert judge(RIGHT + "def half(x): return -x / -2").outcome == Outcome.PASSED  # prints -0.


def test_a_wrong_answer_shows_the_example():
    finding = judge(RIGHT.replace("x / 2", "x / 2 + 0.001"))
    assert verdict(finding) == (Outcome.FAILED, "example")
    assert message(finding) == "An example in the docstring of half gives something else."
    assert finding.evidence.call == "x = np.array([1.0, 3.0])\nhalf(x)"  # it can be pasted as it is
    assert finding.evidence.expected == "array([0.5, 1.5])"
    assert finding.evidence.got == "array([0.501, 1.501])"


def test_an_entry_point_that_is_used_in_anothers_example():
    finding = judge("def half(x): return x / 2 * (1 if len(x) > 1 else 3)\ndef third(x): return x / 3")
    assert finding.evidence.call.startswith("print(round(half(")
    assert {call.name for call in finding.failing} == {"half", "third"}


@pytest.mark.parametrize(
    ("source", "outcome", "rung", "words"),
    [
        ("def half(x): raise KeyError('k')\ndef third(x): return x", Outcome.RAISED, "runs", "It raised KeyError: 'k'"),
        (
            "def half(x): raise NotImplementedError\ndef third(x): return x",
            Outcome.FAILED,
            "not_started",
            "half is not",
        ),
        ("def half(x): return None\ndef third(x): return x", Outcome.FAILED, "structure", "half: it returned None"),
        ("def half(x): return x[:1] / 2\ndef third(x): return x", Outcome.FAILED, "example", "something else"),
        ("def third(x): return x / 3", Outcome.FAILED, "exists", "defines no function half"),
        (RIGHT.replace("x / 3", "'x'"), Outcome.FAILED, "structure", "third: it returned"),
        (RIGHT.replace("x / 2", "x.astype('f4') / 2"), Outcome.FAILED, "example", "something else"),
    ],
)
def test_an_example_that_does_not_hold(source, outcome, rung, words):
    finding = judge(source)
    assert verdict(finding) == (outcome, rung)
    assert words in message(finding)


def test_an_example_that_cannot_be_computed_from_a_wrong_answer():
    finding = judge("def half(x): return np.zeros(()) if len(x) else x\ndef third(x): return x")
    assert finding.outcome == Outcome.FAILED


STUMBLES = exercise_of(
    '''
import numpy as np

def half(x: np.ndarray) -> np.ndarray:
    """Half of x.

    >>> half(np.array([1.0]))[3]
    np.float64(0.5)
    """
    return x / 2
''',
    [Agreement("half", oracle=lambda x: x / 2, given={"x": arrays(ndim=1)}, examples=3, name="half_agrees")],
    name="stumbles",
)


def test_an_example_that_stumbles_over_a_right_answer_is_ours():
    finding = judged(Example(name="examples"), "def half(x): return x / 2", exercise=STUMBLES)
    assert verdict(finding) == (Outcome.BROKEN, "example")
    assert "The check examples failed by itself (IndexError" in message(finding)
    wrong = judged(Example(name="examples"), "def half(x): return x[:1]", exercise=STUMBLES)
    assert verdict(wrong) == (Outcome.FAILED, "example")
    assert "could not be computed from what was returned (IndexError" in message(wrong)


@pytest.mark.parametrize(
    ("got", "want", "same"),
    [
        ("array([0.5, 1.5])\n", "array([0.50000000001, 1.5])\n", True),
        ("array([0.5, 1.5])\n", "array([0.5001, 1.5])\n", False),
        ("np.float64(0.5)", "0.5", True),
        ("0.5", "np.float32(0.5)", True),
        ("np.int64(3)", "3", True),
        ("np.True_", "True", True),
        ("np.True_", "False", False),
        ("[ 1.,  2.]", "[1., 2.]", True),
        ("[1., 2.]", "[1., 2., 3.]", False),
        ("1e-17", "0.0", True),
        ("1e-3", "0.0", False),
        ("-0.", "0.", True),
        ("[1.0, 1e-12]", "[1.0, 0.0]", True),
        ("nan", "nan", True),
        ("inf", "-inf", False),
        ("nan", "0.0", False),
        ("['a', 'b']", "['a', 'b']", True),
        ("['a', 'c']", "['a', 'b']", False),
        ("(2, 3)", "(3, 2)", False),
        ("array([1.], dtype=float32)", "array([1.])", False),
        ("array([1.], dtype=float32)", "array([1.], dtype=float32)", True),
        ("1.0", "1.0000001", True),
        ("100000.0", "100001.0", False),
        ("", "None", False),
    ],
)
def test_when_two_texts_say_the_same(got, want, same):
    assert alike(got, want) is same


def test_trusted_functions_pass_their_own_examples():
    assert trusted(Example(name="examples")).outcome == Outcome.PASSED


# -- policies ----------------------------------------------------------------------------------------------------------

BODY = "def affine(x, w, shift=0.0):\n    return x @ w + shift\n"
FORBIDDEN = {
    "import": ("import scipy", "'scipy'"),
    "import_below": ("import scipy.special as sp", "'scipy.special'"),
    "from_import": ("from scipy import special", "'scipy.special'"),
    "from_below": ("from scipy.special import softmax as s", "'scipy.special.softmax'"),
    "inside_a_function": ("def f():\n    import torch\n", "'torch'"),
    "in_a_string_run": ("def f(): return eval('1')", "'eval'"),
    "exec": ("exec('x = 1')", "'exec'"),
    "dunder_import": ("t = __import__('torch')", "'__import__'"),
    "importlib": ("import importlib\nt = importlib.import_module('torch')", "'importlib'"),
    "dotted": ("def f(x): return np.linalg.norm(x)", "'numpy.linalg.norm'"),
    "alias_of_alias": ("import numpy.linalg as la\ndef f(x): return la.norm(x)", "'numpy.linalg.norm'"),
    "from_alias": ("from numpy import linalg as la\ndef f(x): return la.norm(x)", "'numpy.linalg.norm'"),
    "name_alone": ("from numpy.linalg import norm", "'numpy.linalg.norm'"),
}
ALLOWED = {
    "numpy": "import numpy as np\nimport numpy",
    "math": "import math\nfrom itertools import product",
    "a_parameter": "def f(torch): return torch.sum()",
    "a_variable": "scipy = 3\ny = scipy + 1",
    "an_own_function": "def compile(x): return x\ny = compile(3)",
    "an_attribute": "class A:\n    eval = 3\ny = A.eval",
    "a_method": "def f(model): return model.eval()",
    "a_string": "'import torch'  # import scipy",
    "a_longer_name": "def torchlike(x): return x\ny = torchlike(1)",
    "another_norm": "def norm(x): return x\ny = norm(3)",
}
rules = Policy(name="rules", forbid=(*Policy(name="all").forbid, "numpy.linalg.norm"), because="it is the exercise")


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_is_forbidden_is_found_with_its_line(name):
    source, named = FORBIDDEN[name]
    report = reported([rules], "\n\n" + source + "\n" + BODY)
    (result,) = report.checks
    assert result.outcome == Outcome.FORBIDDEN
    assert result.evidence.message == f"{named} may not be used here: it is the exercise."
    (frame,) = result.evidence.traceback
    assert named.strip("'").rpartition(".")[2].strip("_") in frame.text
    assert frame.line >= 4


@pytest.mark.parametrize("name", ALLOWED)
def test_what_only_looks_forbidden_is_fine(name):
    report = reported([rules], ALLOWED[name] + "\n" + BODY)
    assert [result.outcome for result in report.checks] == [Outcome.PASSED]


def test_nothing_is_executed_to_find_it(tmp_path):
    witness = tmp_path / "executed"
    reported([rules], f"open({str(witness)!r}, 'w')\n" + BODY)
    assert not witness.exists()
