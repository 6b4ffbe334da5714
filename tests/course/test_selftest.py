"""`dlgrade selftest` proves an exercise, and says of one that falls short what, where and with which exit code."""

import json

import pytest
from dlgrade.checking.inputs import Drawer

KEYS = ["exercise", "reference_points", "max_points", "stub_points", "misconceptions", "caught", "flaky", "seconds"]


@pytest.fixture
def proved(tiny, dlgrade):
    """Prove the tiny exercise: the exit code, its object in the JSON, and what was said."""

    def prove(*options):
        ran = dlgrade("--course", tiny.root, "selftest", "--format", "json", "--seeds", "4", *options)
        (proof,) = json.loads(ran.out)
        assert set(KEYS) <= set(proof)
        return ran.code, proof, ran.err

    return prove


def test_an_exercise_that_holds(proved):
    code, proof, said = proved()
    assert (code, said) == (0, "")
    assert [proof[key] for key in KEYS[:-1]] == ["scale", 11, 11, 0, 2, 2, []]
    assert proof["faults"] == []
    assert proof["seconds"] > 0


def test_the_table(tiny, dlgrade):
    ran = dlgrade("selftest", "--seeds", "2", cwd=tiny.root)
    assert ran.code == 0
    head, row, *rest = ran.out.splitlines()
    assert head.split() == ["exercise", "reference", "stub", "caught", "flaky", "seeds", "seconds"]
    assert row.split()[:-1] == ["scale", "11/11", "0", "2/2", "0", "2"]
    assert rest == ["", "Everything holds."]


# What is replaced in which file, the sentence, and the text of the line that it must name.
SHORTCOMINGS = {
    "the oracle disagrees with the reference": (
        *("checks.py", "return x * factor", "return x * factor * 1.5"),
        *("the oracle of agrees disagrees with the reference.", "agrees ="),
    ),
    "the reference breaks a law": (
        *("checks.py", "assert_close(scale(x + x, factor), ", "assert_close(scale(x + 1, factor), "),
        *("the reference breaks the law is_additive.", "@check("),
    ),
    "the reference fails its gradient": (
        *("scale.py", "return _another_secret(grad) *", "return -_another_secret(grad) *"),
        *("the reference fails the gradient check gradient.", None),
    ),
    "the reference is not what its docstring says": (
        *("scale.py", "array([2., 4.])", "array([2., 5.])"),
        *("the reference does not give what the examples in its docstrings say.", None),
    ),
    "the reference uses what is forbidden": (
        *("checks.py", "Policy()", 'Policy(forbid=["numpy.ndarray"])'),
        *("the reference uses what its own policy forbids.", "permitted ="),
    ),
    "an oracle that fails by itself": (
        *("checks.py", "return x * factor", "return x * factor / len(nothing)"),
        *("agrees cannot be computed.\n    The check agrees failed by itself (NameError:", "agrees ="),
    ),
    "a misconception that is not caught": (
        *("misconceptions.py", "return x * 2", "return x * x.dtype.type(factor)"),
        *("agrees does not catch the misconception ignores_factor.", '@misconception(of="scale", '),
    ),
    "a stub that earns points": (
        *("checks.py", "Policy()", "Policy(points=1)"),
        *("the stub earns points for permitted.", "permitted ="),
    ),
    "a stub that does not load": (
        *("scale.py", "### END SOLUTION\n\n\ndef scale_backward", "### END SOLUTION\n\n\nscale(_another_secret(2))\n"
          "def scale_backward"),
        *("the stub does not load.", None),
    ),
    "an entry point that no check calls": (
        *("scale.py", "def scale_backward", "def unscale(x: np.ndarray) -> np.ndarray:\n    ### BEGIN SOLUTION\n"
          "    return x\n    ### END SOLUTION\n\n\ndef scale_backward"),
        *("no check calls the entry point unscale.", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shortcoming", SHORTCOMINGS.values(), ids=SHORTCOMINGS)
def test_what_falls_short(tiny, proved, shortcoming):
    name, old, new, sentence, mark = shortcoming
    if "_another_secret(2)" in new:  # a helper that the stub lacks, used at import
        tiny.edit(name, "### BEGIN SOLUTION\ndef _another_secret(grad):\n    return grad\n\n\n### END SOLUTION\n", "")
        helper = "### BEGIN SOLUTION\ndef _another_secret(grad):\n    return np.ones(1) * grad\n\n\n### END SOLUTION\n"
        tiny.edit(name, "import numpy as np\n", f"import numpy as np\n\n{helper}")
    tiny.edit(name, old, new)
    code, proof, said = proved()
    assert code == 1
    assert sentence in said
    assert said.strip() == "\n\n".join(proof["faults"]), "what is said is in the JSON too"
    if mark:
        assert f"{tiny.path(name)}:{tiny.line(name, mark)}: {sentence.splitlines()[0]}" in said
    assert str(tiny.exercise) in said
    assert "This is not your mistake" not in said


def test_a_disagreement_shows_its_counterexample(tiny, proved):
    tiny.edit("checks.py", "return x * factor", "return x * factor * 1.5")
    _, proof, said = proved()
    assert (proof["reference_points"], proof["max_points"]) == (8, 11)
    assert "scale(np.array([" in said
    assert "expected: " in said and "got: " in said


WEAK = '''\
from dlgrade.author import arrays, assert_close, check
from hypothesis import given


@check()
@given(x=arrays(ndim=1))
def keeps_the_shape(scale, x):
    """The result has the shape of `x`."""
    assert scale(x).shape == x.shape


@check()
@given(grad=arrays(ndim=1))
def backward_keeps_the_shape(scale_backward, grad):
    """The gradient has the shape of `grad`."""
    assert scale_backward(grad).shape == grad.shape
'''


def test_functions_that_compute_nothing_must_fail(tiny, proved):
    tiny.path("checks.py").write_text(WEAK, "utf-8")
    tiny.path("hidden.py").unlink()
    tiny.path("misconceptions.py").write_text('"""None."""\n', "utf-8")
    code, proof, said = proved()
    assert code == 1
    place = f"{tiny.path('scale.py')}:{tiny.line('scale.py', 'def scale(')}"
    for what in ("always gives 0.0", "always gives 1.0", "always gives nan", "gives back its first argument"):
        assert f"{place}: a scale that {what} passes every check that calls it." in said
    assert f"{tiny.path('scale.py')}:{tiny.line('scale.py', 'def scale_backward(')}: a scale_backward that" in said
    assert (proof["misconceptions"], proof["caught"], proof["flaky"]) == (0, 0, [])


FLAKY = '''
@check(points=1, examples=4)
@given(x=arrays(ndim=1), number=st.integers(0, 50))
def holds_mostly(scale, x, number):
    """It holds unless it does not."""
    assert number != UNLUCKY
    assert_close(scale(x), 2 * x)


gradient = '''


def test_a_flaky_check(tiny, proved):
    tiny.edit("checks.py", "gradient = ", FLAKY)
    exercise, _ = tiny.load()
    law = next(check for check in exercise.checks if check.name == "holds_mostly")
    drawer = Drawer()
    drawn = [{item["number"] for item in drawer.inputs(law, content="", seed=seed)} for seed in range(4)]
    unlucky = min(set.union(*drawn[1:]) - drawn[0])  # not drawn with seed 0, so the reference seems right at first
    tiny.edit("checks.py", "UNLUCKY", str(unlucky))
    code, proof, said = proved()
    assert code == 1
    assert proof["flaky"] == ["holds_mostly"]
    seeds = [seed for seed in range(4) if unlucky in drawn[seed]]
    place = f"{tiny.path('checks.py')}:{tiny.line('checks.py', '@check(points=1')}"
    assert (
        f"{place}: holds_mostly is flaky: the reference fails it with seed {seeds[0]} ({len(seeds)} of 4 seeds)."
        in said
    )
    assert proof["reference_points"] == proof["max_points"] == 12


def test_an_exercise_that_cannot_be_loaded_is_in_the_json_too(tiny, proved):
    tiny.edit("checks.py", "points=3", "points=-3")
    code, proof, said = proved()
    assert code == 1
    assert (proof["exercise"], proof["max_points"]) == ("scale", 0)
    assert "negative points" in proof["faults"][0]
    assert proof["faults"][0] in said


def test_only_the_named_are_proved(tiny, dlgrade):
    ran = dlgrade("--course", tiny.root, "selftest", "sclae")
    assert ran.code == 2
    assert "There is no exercise 'sclae' in this course.\nDid you mean scale?" in ran.err
