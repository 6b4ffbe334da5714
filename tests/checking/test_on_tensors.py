"""An exercise on tensors, from its folder to the report: what is right passes, mistakes are told as what they are."""

from __future__ import annotations

import hashlib
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from dlgrade.author import Policy
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.policy import run_policy
from dlgrade.checking.run import run_checks, worker_of
from dlgrade.checking.trial import Trial, TrustedTarget
from dlgrade.course.find import ExerciseFolder
from dlgrade.course.load import load_exercise, load_misconceptions, load_reference
from dlgrade.errors import AuthorError
from dlgrade.model import CheckResult, Outcome, Report, Submission, Verdict
from dlgrade.sandbox.levels import Workers, workers
from dlgrade.sandbox.syntax import Facts, Reading

REFERENCE = '''
"""Shares: numbers as parts of their sum."""
import torch


def shares(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Return exp(x) / sum(exp(x)) along `dim`.

    >>> shares(torch.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    >>> shares(torch.tensor([[1.0, 1.0], [1.0, 1.0]]), dim=0)[0]
    tensor([0.5000, 0.5000])
    """
    ### BEGIN SOLUTION
    e = torch.exp(x - x.amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)
    ### END SOLUTION


def largest(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the largest number of each row, and its place.

    >>> largest(torch.tensor([[1.0, 3.0], [2.0, 0.0]]))
    (tensor([3., 2.]), tensor([1, 0]))
    """
    ### BEGIN SOLUTION
    values, places = x.max(-1)
    return values, places
    ### END SOLUTION
'''
CHECKS = '''
"""Checks."""
import torch
from dlgrade.author import Agreement, Example, Gradient, Policy, arrays, assert_close, check
from hypothesis import given
from hypothesis import strategies as st

inputs = dict(x=arrays(sides=(2, 4), within=3), dim=st.sampled_from((0, -1)))


def library(x, dim=-1):
    return torch.softmax(x, dim)


examples = Example(points=1)
agrees = Agreement("shares", oracle=library, given=inputs, points=3, examples=8)
finds = Agreement(
    "largest", oracle=lambda x: tuple(torch.max(x, -1)), given=dict(x=arrays(sides=(2, 4), within=3)), examples=5,
    parts=("the largest", "its place"),
)
gradient = Gradient("shares", wrt="x", forward_oracle=library, given=inputs, points=2, examples=4)
permitted = Policy()


@check(points=2, examples=5)
@given(**inputs)
def sums_to_one(shares, x, dim):
    """Along `dim` they sum to 1."""
    assert_close(shares(x, dim).sum(dim), 1.0)


@check(points=2, examples=3)
@given(x=arrays((40, 50)))
def is_frugal(shares, x):
    """It holds at most three tensors of the size of x."""
    peak = shares.peak_memory(x)
    assert peak <= 3 * x.nbytes, f"it held {peak / x.nbytes:.1f} times x"
'''
MISCONCEPTIONS = '''
"""Mistakes."""
import torch
from dlgrade.author import misconception


@misconception(of="shares", caught_by="agrees")
def over_everything(x, dim=-1):
    """Sum along `dim` only, not over everything."""
    return torch.exp(x) / torch.exp(x).sum()


@misconception(of="shares", caught_by="gradient")
def cuts_the_sum(x, dim=-1):
    """The sum depends on x too: do not detach it."""
    e = torch.exp(x)
    return e / e.sum(dim, keepdim=True).detach()
'''
RIGHT_SHARES = """
    def shares(x, dim=-1):
        e = torch.exp(x - x.amax(dim, keepdim=True))
        return e / e.sum(dim, keepdim=True)
"""
RIGHT_LARGEST = """
    def largest(x):
        return x.max(-1)
"""


def written(folder: Path) -> ExerciseFolder:
    """The exercise in a folder of its own."""
    for name, text in (("shares", REFERENCE), ("checks", CHECKS), ("misconceptions", MISCONCEPTIONS)):
        (folder / f"{name}.py").write_text(text.lstrip())
    return ExerciseFolder("shares", "00_tests", folder)


Judge = Callable[..., Report]


@pytest.fixture(scope="module")
def started() -> Iterator[Workers]:
    with workers("torch") as found:
        yield found


@pytest.fixture(scope="module")
def judge(started: Workers, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The report on functions that are handed in; what is not given is right."""
    exercise = load_exercise(written(tmp_path_factory.mktemp("shares")), authored=True)
    known = load_misconceptions(exercise)
    drawer = Drawer()

    def judged(shares: str = RIGHT_SHARES, largest: str = RIGHT_LARGEST, *, seed: int = 0) -> Report:
        source = "import torch\n" + textwrap.dedent(shares) + textwrap.dedent(largest)
        data = source.encode()
        submission = Submission("shares.py", data, hashlib.sha256(data).hexdigest())
        reading = Reading(data)
        with worker_of(exercise, submission, seed=seed, start=started.start) as target:
            return run_checks(
                exercise, submission, target, facts=reading.result, misconceptions=lambda: known, drawer=drawer,
                content="shares", seed=seed,
            )  # fmt: skip

    return judged


def named(report: Report, name: str) -> CheckResult:
    return next(result for result in report.checks if result.name == name)


def failing(report: Report) -> dict[str, Outcome]:
    return {result.name: result.outcome for result in report.checks if result.outcome != Outcome.PASSED}


def message(report: Report, name: str) -> str:
    evidence = named(report, name).evidence
    assert evidence is not None
    return evidence.message


# -- what is right -----------------------------------------------------------------------------------------------------

RIGHT = {
    "as the reference": RIGHT_SHARES,
    "in place on its own": """
        def shares(x, dim=-1):
            e = (x - x.amax(dim, keepdim=True)).exp_()
            return e / e.sum(dim, keepdim=True)
    """,
    "a backward of its own": """
        class Shares(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, dim):
                e = torch.exp(x - x.amax(dim, keepdim=True))
                p = e / e.sum(dim, keepdim=True)
                ctx.save_for_backward(p)
                ctx.dim = dim
                return p

            @staticmethod
            def backward(ctx, grad):
                (p,) = ctx.saved_tensors
                return p * (grad - (grad * p).sum(ctx.dim, keepdim=True)), None

        def shares(x, dim=-1):
            return Shares.apply(x, dim)
    """,
    "by its logarithm": """
        def shares(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
            z = x - x.max(dim=dim, keepdim=True).values
            return torch.exp(z - torch.log(torch.sum(torch.exp(z), dim, True)))
    """,
    "with a main block": RIGHT_SHARES
    + """
    if __name__ == "__main__":
        print(shares(torch.randn(2, 3)))
    """,
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_has_full_marks(judge: Judge, name: str) -> None:
    report = judge(RIGHT[name])
    assert failing(report) == {}, [result.evidence for result in report.checks]
    assert (report.verdict, report.points, report.max_points) == (Verdict.PASSED, 11, 11)


def test_the_same_answer_and_seed_are_the_same_report(judge: Judge) -> None:
    wrong = RIGHT_SHARES.replace("e.sum(dim", "e.sum(0")
    one, two = ([result.evidence for result in judge(wrong, seed=3).checks] for _ in range(2))
    assert one == two


def test_the_reference_is_carried_to_arrays(tmp_path: Path) -> None:
    import numpy as np

    functions = load_reference(load_exercise(written(tmp_path), authored=True))
    found = functions["shares"](np.zeros((1, 4)), dim=1)
    assert type(found) is np.ndarray
    assert found.tolist() == [[0.25] * 4]


# -- what is wrong -----------------------------------------------------------------------------------------------------


def changed(old: str, new: str) -> str:
    assert old in RIGHT_SHARES
    return RIGHT_SHARES.replace(old, new)


QUOTIENT = "e / e.sum(dim, keepdim=True)"


def returning(value: str) -> str:
    """The right answer, but for what it returns; `_` stands for what it would."""
    return changed(f"return {QUOTIENT}", f"return {value}".replace("_", f"({QUOTIENT})", 1))


WRONG = {
    "wrong values": (returning("_ + 0.1"), "values", Outcome.FAILED, "differ"),
    "wrong shape": (returning("_[None]"), "shape", Outcome.FAILED, "shape"),
    "doubled precision": (returning("_.double()"), "float32", Outcome.FAILED, "dtype float64, not float32"),
    "halved precision": (returning("_.half()"), "dtype", Outcome.FAILED, "dtype float16, not float64"),
    "a type that cannot travel": (returning("_.bfloat16()"), "structure", Outcome.FAILED, "bfloat16"),
    "NumPy": (returning("_.detach().numpy()"), "structure", Outcome.FAILED, "a NumPy array"),
    "a list": (returning("_.tolist()"), "structure", Outcome.FAILED, "list"),
    "a sparse tensor": (returning("_.to_sparse()"), "structure", Outcome.FAILED, "sparse"),
    "not a number": (returning("_ * torch.nan"), "finite", Outcome.FAILED, "finite"),
    "changes its argument": (changed("x - x.amax", "x.sub_(1) - x.amax"), "arguments", Outcome.FAILED, "x"),
    "raises": (returning("_ @ e[:1, :1, None]"), "runs", Outcome.RAISED, "It raised RuntimeError"),
    "views any memory": (changed("(x -", "(x.view(-1).view(x.shape) -"), "column_major", Outcome.RAISED, "view size"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_told_as_what_it_is(judge: Judge, name: str) -> None:
    source, rung, outcome, words = WRONG[name]
    result = named(judge(source), "agrees")
    assert result.evidence is not None
    assert (result.outcome, result.evidence.rung) == (outcome, rung), result.evidence
    assert words in result.evidence.message


def test_a_wrong_part_of_several_results_is_named(judge: Judge) -> None:
    report = judge(largest="\ndef largest(x):\n    values, places = x.max(-1)\n    return values, places + 1\n")
    assert failing(report).keys() == {"finds", "examples"}
    assert "its place" in message(report, "finds")


def test_a_function_that_is_missing(judge: Judge) -> None:
    report = judge(largest="")
    assert failing(report) == {"finds": Outcome.FAILED, "examples": Outcome.FAILED}
    assert "defines no function largest" in message(report, "finds")


def test_an_example_that_does_not_hold(judge: Judge) -> None:
    result = named(judge(returning("e / e.sum()")), "examples")
    assert result.outcome == Outcome.FAILED
    assert result.evidence is not None
    assert result.evidence.call == "shares(torch.tensor([[1.0, 1.0], [1.0, 1.0]]), dim=0)[0]"
    assert result.evidence.expected == "tensor([0.5000, 0.5000])"
    assert result.evidence.got == "tensor([0.2500, 0.2500])"


# -- gradients ---------------------------------------------------------------------------------------------------------

CUT = {
    "detach": returning("_.detach()"),
    "no_grad": changed("def shares", "@torch.no_grad()\n    def shares"),
    "data": changed("(x -", "(x.data -").replace("x.amax", "x.data.amax"),
    "numbers": returning("torch.tensor(_.tolist(), dtype=x.dtype)"),
}


@pytest.mark.parametrize("name", CUT)
def test_a_gradient_that_is_cut_off_is_told_so(judge: Judge, name: str) -> None:
    report = judge(CUT[name])
    assert failing(report) == {"gradient": Outcome.RAISED}
    assert "autograd has lost the way from the result back to the arguments" in message(report, "gradient")


def test_a_gradient_that_is_cut_in_part_is_wrong_and_its_mistake_named(judge: Judge) -> None:
    report = judge("\ndef shares(x, dim=-1):\n    e = x.exp()\n    return e / e.sum(dim, True).detach()\n")
    assert failing(report) == {"gradient": Outcome.FAILED}
    result = named(report, "gradient")
    assert "What autograd finds disagrees with your own shares" in message(report, "gradient")
    assert (result.misconception, result.hint) == ("cuts_the_sum", "The sum depends on x too: do not detach it.")


def test_a_backward_of_its_own_that_is_wrong(judge: Judge) -> None:
    report = judge(RIGHT["a backward of its own"].replace("grad - (grad", "grad + (grad"))
    assert failing(report) == {"gradient": Outcome.FAILED}


def test_a_forward_that_rounds_is_told_apart_from_its_gradient(judge: Judge) -> None:
    source = RIGHT["a backward of its own"].replace(
        "ctx.save_for_backward(p)", "ctx.save_for_backward(p)\n                p = p.float().to(x.dtype)"
    )
    report = judge(source)
    assert named(report, "agrees").outcome == Outcome.FAILED
    result = named(report, "gradient")
    assert result.outcome == Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.notes == (
        "Your shares is not right yet, so autograd through shares was judged by the right gradient alone.",
    )


# -- what is said can be pasted ----------------------------------------------------------------------------------------


def pasted(text: str, **functions: Callable[..., Any]) -> dict[str, Any]:
    """What is there after the lines of a counterexample were executed; `_` is what its last line gives."""
    scope: dict[str, Any] = {"torch": torch, **functions}
    *before, last = text.splitlines()
    exec("\n".join(before), scope)
    scope["_"] = eval(last, scope)
    return scope


def function_of(source: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {"torch": torch}
    exec(textwrap.dedent(source), scope)
    found: Callable[..., Any] = scope["shares"]
    return found


@pytest.mark.parametrize(
    "source",
    [
        returning("_ + 0.1"),
        changed("dim=-1", "dim=-1, eps=0.25").replace(
            f"return {QUOTIENT}", "return e / (e.sum(dim, keepdim=True) + eps)"
        ),
        returning("e / e.sum(0, keepdim=True)"),
        changed("(x -", "((x if x.dtype == torch.float64 else x * 2) -"),
        changed("(x -", "((x if x.is_contiguous() else x * 2) -"),
        changed("(x -", "((x * 2 if x.stride(-1) == 2 else x) -"),
        changed("(x -", "((x * 2 if x.stride(0) == 1 < x.stride(1) else x) -"),
    ],
    ids=["shifted", "another parameter", "another dimension", "float32", "not contiguous", "strided", "column-major"],
)
def test_a_counterexample_reproduces(judge: Judge, source: str) -> None:
    result = named(judge(source), "agrees")
    assert result.outcome == Outcome.FAILED
    assert result.evidence is not None
    wrong = pasted(result.evidence.call or "", shares=function_of(source))["_"]
    right = pasted(result.evidence.call or "", shares=function_of(RIGHT_SHARES))["_"]
    assert wrong.dtype == right.dtype
    assert not torch.allclose(wrong, right, rtol=1e-4)


def test_a_counterexample_of_a_gradient_reproduces(judge: Judge) -> None:
    source = returning("e / e.sum(dim, keepdim=True).detach()")
    evidence = named(judge(source), "gradient").evidence
    assert evidence is not None
    grads = []
    for function in (function_of(source), function_of(RIGHT_SHARES)):
        scope: dict[str, Any] = {"torch": torch, "shares": function}
        exec(evidence.call or "", scope)
        (grad,) = [
            held.grad
            for held in scope.values()
            if isinstance(held, torch.Tensor) and held.is_leaf and held.requires_grad
        ]
        grads.append(grad)
    assert grads[0].dtype == torch.float64
    assert not torch.allclose(*grads)


# -- misconceptions, laws, policy --------------------------------------------------------------------------------------


def test_a_known_mistake_is_named(judge: Judge) -> None:
    report = judge("\ndef shares(x, dim=-1):\n    e = x.exp()\n    return e.div(e.sum())\n")
    result = named(report, "agrees")
    assert (result.misconception, result.hint) == ("over_everything", "Sum along `dim` only, not over everything.")


def test_a_law_is_refuted(judge: Judge) -> None:
    report = judge(returning("_ * 1.5"))
    assert failing(report)["sums_to_one"] == Outcome.FAILED


def test_memory_is_a_law_too(judge: Judge) -> None:
    report = judge(
        changed(
            f"return {QUOTIENT}", "held = [e + n for n in range(4)]\n        return held[0] / e.sum(dim, keepdim=True)"
        )
    )
    assert failing(report) == {"is_frugal": Outcome.FAILED}
    assert "It held 6.0 times x." in message(report, "is_frugal")


def test_what_is_forbidden_is_told_with_its_line(judge: Judge) -> None:
    report = judge("\ndef shares(x, dim=-1):\n    return torch.softmax(x, dim)\n")
    result = named(report, "permitted")
    assert result.outcome == Outcome.FORBIDDEN
    assert result.evidence is not None
    assert result.evidence.message == (
        "'torch.softmax' may not be used here: the exercise is to build it from torch's elementary tensor operations."
    )
    assert [(frame.line, frame.text) for frame in result.evidence.traceback] == [(4, "return torch.softmax(x, dim)")]
    assert {name for name, outcome in failing(report).items() if outcome == Outcome.FORBIDDEN} == {
        "examples", "agrees", "gradient", "sums_to_one", "is_frugal", "permitted",
    }  # fmt: skip
    assert message(report, "agrees").startswith("torch's own softmax may not be used here")


def test_what_runs_is_looked_at_on_more_than_one_input(tmp_path: Path) -> None:
    exercise = load_exercise(written(tmp_path), authored=True)
    runs = itertools.count(1)

    def shares(x: Any, dim: int = -1) -> Any:
        raise AssertionError("it is only looked at")

    def largest(x: Any) -> Any:
        raise AssertionError("it is only looked at")

    def operators(*_: Any) -> tuple[Any, None]:
        return [["aten::_softmax" if next(runs) == 3 else "aten::exp"]], None

    shares.measures = largest.measures = {"operators": operators}  # type: ignore[attr-defined]
    trial = Trial(exercise, TrustedTarget({"shares": shares, "largest": largest}), Drawer(), 0, "shares")
    finding = run_policy(Policy(name="permitted"), trial, Facts(()), [])
    assert finding.outcome == Outcome.FORBIDDEN
    assert finding.evidence is not None
    assert finding.evidence.message.startswith("It runs torch's own softmax")


# -- without torch -----------------------------------------------------------------------------------------------------


def test_without_torch_the_exercise_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(AuthorError, match="torch"):
        load_exercise(folder, authored=True)


def test_what_cannot_be_imported_is_not_said_to_be_for_numpy(judge: Judge) -> None:
    report = judge("""
        def shares(x, dim=-1):
            import scipy
    """)
    assert "'scipy' cannot be imported here: the exercise is to be solved with torch alone" in message(report, "agrees")
