"""`dlgrade selftest` proves an exercise, and says of one that falls short what, where and with which exit code."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dlgrade.checking.inputs import Drawer
from processes import linux_only, session, until

KEYS = ["exercise", "reference_points", "max_points", "stub_points", "misconceptions", "caught", "mutants", "killed",
        "equivalent", "flaky", "seconds"]  # fmt: skip


@pytest.fixture
def proved(tiny, dlgrade):
    """Prove the tiny exercise: the exit code, its object in the JSON, and what was said."""

    def prove(*options):
        options = options or ("--seeds", "4", "--mutant-seeds", "0")
        ran = dlgrade("--course", tiny.root, "selftest", "--format", "json", *options)
        (proof,) = json.loads(ran.out)
        assert set(KEYS) <= set(proof)
        return ran.code, proof, ran.err

    return prove


def test_an_exercise_that_holds(proved):
    code, proof, said = proved()
    assert (code, said) == (0, "")
    assert [proof[key] for key in KEYS[:-1]] == ["scale", 11, 11, 0, 2, 2, 0, 0, 0, []]
    assert proof["faults"] == []
    assert proof["seconds"] > 0


def test_the_table(tiny, dlgrade):
    write(tiny, "variants/looped.py", VARIANT)
    ran = dlgrade("selftest", "--seeds", "2", cwd=tiny.root)
    assert ran.code == 0
    head, row, *rest = ran.out.splitlines()
    columns = "exercise reference stub variants caught mutants killed equivalent score flaky room seeds seconds"
    assert head.split() == columns.split()
    row = row.replace(" %", "%").replace("%", "% ")
    told = dict(zip(columns.split(), row.split(), strict=True))
    assert float(told.pop("room")) > 10
    assert float(told.pop("seconds")) > 0
    assert told == {
        "exercise": "scale", "reference": "11/11", "stub": "0", "variants": "1", "caught": "2/2", "mutants": "10",
        "killed": "10", "equivalent": "0", "score": "100.0%", "flaky": "0", "seeds": "2",
    }  # fmt: skip
    assert rest == ["", "Everything holds."]


VARIANT = """\
import numpy as np


def scale(x, factor=2.0):
    return np.array([v * factor for v in x], dtype=x.dtype)


def scale_backward(grad, factor=2.0):
    return scale(grad, factor)
"""


def write(tiny, name, text):
    path = tiny.exercise / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")
    return path


# What is replaced in which file, the sentence, and the text of the line that it must name.
SHORTCOMINGS = {
    "the oracle disagrees with the reference": (
        *("checks.py", "return x * factor", "return x * factor * 1.5"),
        *("the oracle of agrees disagrees with the reference.", "agrees ="),
    ),
    "the reference breaks a law": (
        *("checks.py", "assert_close(scale(x + x, factor), ", "assert_close(scale(x + 1, factor), "),
        *("the reference breaks the law is_additive.", "assert_close(scale(x + 1"),
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
        *("agrees cannot be computed.\n    The check agrees failed by itself (NameError:", "len(nothing)"),
    ),
    "a law that fails by itself": (
        *("checks.py", "    assert_close(scale(x + x", "    half = nothing / 2\n    assert_close(scale(x + x"),
        *("is_additive cannot be computed.\n    The check is_additive failed by itself (NameError:", "half = nothing"),
    ),
    "inputs that cannot be drawn": (
        *("checks.py", "x=arrays(ndim=1)", "x=arrays(ndim=1).map(lambda x: x / nothing)"),
        *("agrees cannot be computed.\n    The check agrees failed by itself (NameError:", "x / nothing"),
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
    for what in ("always gives 0.0", "always gives 1.0", "always gives nan", "gives back its argument x"):
        assert f"{place}: a scale that {what} passes every check that calls it (seed 0)." in said
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
    often = f"with seed {seeds[0]} ({len(seeds)} of 4 seeds)"
    assert f"{place}: holds_mostly is flaky: the reference fails it {often}, though it is right." in said
    assert proof["reference_points"] == proof["max_points"] == 12


def test_an_exercise_that_cannot_be_loaded_is_in_the_json_too(tiny, proved):
    tiny.edit("checks.py", "points=3", "points=-3")
    code, proof, said = proved()
    assert code == 1
    assert (proof["exercise"], proof["max_points"]) == ("scale", 0)
    assert "agrees has points=-3" in proof["faults"][0]
    assert proof["faults"][0] in said


def test_only_the_named_are_proved(tiny, dlgrade):
    ran = dlgrade("--course", tiny.root, "selftest", "sclae")
    assert ran.code == 2
    assert "There is no exercise 'sclae' in this course.\nDid you mean scale?" in ran.err


# -- right answers in another style ------------------------------------------------------------------------------------


def test_a_law_that_is_false_for_a_right_answer_in_another_style(tiny, proved):
    tiny.edit("checks.py", "assert_close(scale(x + x, factor), scale(x, factor) + scale(x, factor))",
              "assert (scale(x, factor) + 0.0 == x * factor).all() and scale(x, factor).base is None")  # fmt: skip
    write(tiny, "variants/close.py", VARIANT.replace("v * factor for v", "v * (factor * 3.0) / 3.0 + 1e-14 for v"))
    code, proof, said = proved()
    assert code == 1
    place = f"{tiny.path('checks.py')}:{tiny.line('checks.py', '@check(points=2')}"
    sentence = f"{place}: is_additive is false: close fails it with seed 0 (4 of 4 seeds), though it is right."
    assert sentence in said
    assert (proof["variants"], proof["flaky"]) == (1, ["is_additive"])


def test_a_variant_that_lacks_an_entry_point(tiny, proved):
    path = write(tiny, "variants/half.py", VARIANT.replace("def scale_backward", "def backward"))
    code, _, said = proved()
    assert code == 1
    assert f"{path}: It defines no function scale_backward." in said


def test_a_tolerance_without_room(tiny, proved):
    tiny.edit("checks.py", "scale(x, factor) + scale(x, factor))", "scale(x, factor) + scale(x, factor), rtol=1e-13)")
    write(
        tiny, "variants/rough.py", VARIANT.replace("v * factor for v", "v * factor * (1 + 4e-14 * (abs(v) > 3)) for v")
    )
    code, proof, said = proved()
    assert code == 1
    assert "the tolerance of is_additive is only" in said
    assert "times the error of rough, which is right. Widen it to 10 times, or restate the law." in said
    assert 1 < proof["tightest"] < 10


HUBER = '''\
"""Scale: Huber's loss, whose slope has a kink at 1 and at -1, where `arrays` draws integers."""

import numpy as np


def scale(x: np.ndarray) -> np.ndarray:
    """Return x**2 / 2 up to 1, and |x| - 1/2 beyond."""
    ### BEGIN SOLUTION
    return np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5)
    ### END SOLUTION


def scale_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the gradient with respect to `x`."""
    ### BEGIN SOLUTION
    return grad * np.clip(x, -1, 1)
    ### END SOLUTION
'''
HUBER_CHECKS = """\
from dlgrade.author import Agreement, Gradient, arrays


def _forward(x):
    return abs(x) * (abs(x) > 1) - 0.5 * (abs(x) > 1) + x * x / 2 * (abs(x) <= 1)


def _backward(grad, x):
    return grad * x.clip(-1, 1)


inputs = dict(x=arrays(ndim=2))
agrees = Agreement("scale", oracle=_forward, given=inputs)
oracles = dict(oracle=_backward, forward_oracle=_forward)
gradient = Gradient("scale", backward="scale_backward", wrt="x", given=inputs, step=STEP, **oracles)
"""


@pytest.mark.parametrize(("step", "what"), [(1e-5, "the tolerance of gradient is only"), (1e-3, "the reference fails")])
def test_a_gradient_near_a_kink_is_told_to_keep_away_from_it(tiny, proved, step, what):
    """It has no tolerance to widen: with the usual step the reference only comes near it, with a large one it fails."""
    tiny.path("scale.py").write_text(HUBER, "utf-8")
    tiny.path("checks.py").write_text(HUBER_CHECKS.replace("STEP", str(step)), "utf-8")
    tiny.path("misconceptions.py").write_text('"""None."""\n', "utf-8")
    tiny.path("hidden.py").unlink()
    code, _, said = proved()
    assert code == 1
    assert f"{tiny.path('checks.py')}:{tiny.line('checks.py', 'gradient = ')}: {what}" in said
    assert "Finite differences are wrong at a kink" in said
    assert "arrays(…).map(lambda x: x + 0.1) draws none." in said
    assert "iden it" not in said
    tiny.edit("checks.py", "x=arrays(ndim=2)", "x=arrays(ndim=2).map(lambda x: x + 0.1)")
    tiny.edit("checks.py", f"step={step}", "step=1e-5")
    assert proved()[0] == 0, "the advice can be followed"


def test_a_line_of_the_solution_in_the_public_checks_is_noted(tiny, dlgrade, proved):
    assert proved()[1]["notes"] == [], "what misconceptions and the stub say too is no news"
    tiny.edit(
        "checks.py", "    return x * factor\n", "    the_secret = x.dtype.type(factor)\n    return x * the_secret\n"
    )
    code, proof, said = proved()
    assert (code, said) == (0, "")
    where = f"{tiny.path('scale.py')}:{tiny.line('scale.py', 'the_secret = ')}"
    there = tiny.line("checks.py", "the_secret = ")
    note = f"{where}: students get this line of the solution, in line {there} of checks.py: "
    note += "the_secret = x.dtype.type(factor)"
    assert proof["notes"][0] == note
    assert [one.rpartition(": ")[2] for one in proof["notes"][1:]] == ["return x * the_secret"]
    ran = dlgrade("--course", tiny.root, "selftest", "--seeds", "1", "--mutant-seeds", "0")
    assert (ran.code, ran.err) == (0, "".join(f"\nNote: {one}\n" for one in proof["notes"]))
    assert ran.out.endswith("\nEverything holds.\n")


# -- mutants -----------------------------------------------------------------------------------------------------------

WITH_LEAST = "    least = 0.0 if x.size else 1.0\n    return x * the_secret + least\n"
MUTANTS = ("--seeds", "2", "--mutant-seeds", "2")


def test_a_mutant_that_no_check_tells_from_the_reference(tiny, proved):
    tiny.edit(
        "scale.py",
        "    return x * the_secret\n",
        "    least = 0.0 if x.size else 1.0\n    return x * the_secret + least\n",
    )
    code, proof, said = proved(*MUTANTS)
    assert code == 1
    place = f"{tiny.path('scale.py')}:{tiny.line('scale.py', 'least = 0.0')}"
    assert (
        f"{place}: no check fails with seed 0 where 1.0 becomes 2.0:\n"
        "    least = 0.0 if x.size else 1.0\n"
        "    least = 0.0 if x.size else 2.0\n"
        "    Add a check or an input that tells them apart, or say in equivalent.toml why none can."
    ) in said
    assert proof["killed"] < proof["mutants"]
    assert proof["equivalent"] == 0


ENTRY = """\
[[mutant]]
before = 'least = 0.0 if x.size else 1.0'
after = 'least = 0.0 if x.size else {after}'
because = 'No array is empty.'
"""


def test_a_mutant_that_computes_the_same_by_its_authors_word(tiny, proved):
    tiny.edit(
        "scale.py",
        "    return x * the_secret\n",
        "    least = 0.0 if x.size else 1.0\n    return x * the_secret + least\n",
    )
    entries = [ENTRY.format(after=after) for after in ("2.0", "0.5")]
    entries += [ENTRY.replace("else {after}'", "'").replace("0.0 if x.size '", "0.0'")]
    write(tiny, "equivalent.toml", "\n".join(entries))
    _, proof, said = proved(*MUTANTS)
    assert "1.0 becomes" not in said
    assert proof["equivalent"] >= 2
    assert proof["killed"] + proof["equivalent"] + said.count("no check fails") == proof["mutants"]


def test_an_entry_that_no_surviving_mutant_needs(tiny, proved):
    path = write(tiny, "equivalent.toml", ENTRY.format(after="2.0"))
    code, _, said = proved(*MUTANTS)
    assert code == 1
    assert f"{path}:1: no mutant that survives is this one: remove the entry, or mend it.\n    least = 0.0" in said


@pytest.mark.parametrize(
    "text, sentence",
    [
        (ENTRY.replace("because = 'No array is empty.'", ""), "Entry 1 has no 'because'."),
        ("[[mutant]\n", "It is not valid TOML: "),
    ],
    ids=["no reason", "no TOML"],
)
def test_a_list_of_equivalents_that_is_not_what_it_should_be(tiny, proved, text, sentence):
    path = write(tiny, "equivalent.toml", text)
    code, _, said = proved(*MUTANTS)
    assert code == 1
    assert f"{path}: {sentence}" in said


def test_the_other_float_dtype_must_fail(tiny, proved):
    tiny.path("checks.py").write_text(WEAK.replace("arrays(ndim=1)", "arrays(ndim=1, within=3)") + TYPELESS, "utf-8")
    tiny.path("hidden.py").unlink()
    tiny.path("misconceptions.py").write_text('"""None."""\n', "utf-8")
    tiny.edit("scale.py", "x.dtype.type(factor)", "np.float64(factor)")
    _, _, said = proved("--seeds", "2", "--mutant-seeds", "0")
    assert "a scale_backward that gives the other float dtype passes every check that calls it (seed 0)." not in said
    assert "a scale_backward that gives back its argument factor passes" not in said


TYPELESS = """

from dlgrade.author import Agreement

agrees = Agreement("scale_backward", oracle=lambda grad, factor=2.0: grad * factor, given=dict(grad=arrays(ndim=1)))
"""


def test_exercises_side_by_side_are_proved_as_one_by_one(tiny, dlgrade):
    other = tiny.root / "solutions" / "01_first" / "again"
    shutil.copytree(tiny.exercise, other)
    (other / "scale.py").rename(other / "again.py")
    options = ("--seeds", "2", "--mutant-seeds", "1", "--format", "json")
    ran = [dlgrade("--course", tiny.root, "selftest", *options, "-j", jobs) for jobs in (1, 2)]
    one, two = (json.loads(each.out) for each in ran)
    assert [proof["exercise"] for proof in one] == ["again", "scale"]
    for proof in (*one, *two):
        assert proof.pop("seconds") > 0
    assert one == two


@linux_only
def test_whoever_is_killed_leaves_no_process_behind():
    course = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "dlgrade",
        "--course",
        course,
        "selftest",
        "bleu",
        "lstm_cell",
        "--seeds",
        "100000",
    ]
    with subprocess.Popen(
        [*command, "-j", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as run:
        try:
            until(lambda: len(session(run.pid)) >= 3)
            time.sleep(1.0)
            run.kill()
            run.wait()
            until(lambda: not session(run.pid))
        finally:
            if session(run.pid):
                os.killpg(run.pid, 9)
