"""A tiny exercise made in memory, and ways to run one check of it on student source or on functions."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dlgrade.author import Agreement, Check, Gradient, Misconception, Policy, arrays
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_check, run_checks
from dlgrade.checking.transcript import Transcripts
from dlgrade.checking.trial import Finding, Trial, TrustedTarget
from dlgrade.model import EntryPoint, Exercise, Outcome, Report, Submission
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.syntax import Facts, Reading
from hypothesis import strategies as st

REFERENCE = '''
"""Small functions of every kind of signature."""
import numpy as np

def affine(x: np.ndarray, w: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """x @ w + shift.

    >>> affine(np.array([[1.0, 2.0]]), np.array([[3.0], [0.5]]), shift=1.0)
    array([[5.]])
    """
    return x @ w + np.asarray(shift, x.dtype)

def total(x: np.ndarray) -> float:
    """The sum of all elements.

    >>> total(np.array([0.25, 0.5]))
    0.75
    """
    return float(x.sum())

def moments(x: np.ndarray) -> tuple[np.ndarray, float]:
    """The deviations from the mean, and the mean of their squares."""
    return x - x.mean(), float(x.var())

def dense(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """tanh(x @ w)."""
    return np.tanh(x @ w)

def dense_backward(grad: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of dense."""
    slope = grad * (1 - np.tanh(x @ w) ** 2)
    return slope @ w.T, x.T @ slope

def loss(x: np.ndarray, t: np.ndarray) -> float:
    """Half the mean square of x - t over the rows."""
    return float(((x - t) ** 2).sum() / 2 / len(x))

def loss_backward(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The gradient of loss."""
    return (x - t) / len(x)

def waves(x: np.ndarray) -> tuple[np.ndarray, float]:
    """sin(x), and the sum of x * x."""
    return np.sin(x), float((x * x).sum())

def waves_backward(dsine: np.ndarray, dsum: float, x: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """The gradient of waves."""
    return dsine * np.cos(x) + dsum * 2 * x

def ranked(scores: list[float]) -> list[tuple[list[int], float]]:
    """Each place with its score, best first."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [([i], scores[i]) for i in order]
'''


def exercise_of(
    source: str, checks: Sequence[Check] = (), *, name: str = "tiny", hidden: Sequence[str] = ()
) -> Exercise:
    """An exercise whose reference is this source."""
    scope: dict[str, Any] = {"__name__": name}
    exec(compile(source, f"{name}.py", "exec"), scope)
    points = {
        key: EntryPoint(key, inspect.signature(value, eval_str=True), inspect.getdoc(value) or "")
        for key, value in scope.items()
        if inspect.isfunction(value) and not key.startswith("_")
    }
    return Exercise(
        name, "00_tests", Path(), "Tiny", "numpy", source, source, points, tuple(checks), frozenset(hidden)
    )  # fmt: skip


TINY = exercise_of(REFERENCE)


def reference_functions() -> dict[str, Callable[..., Any]]:
    scope: dict[str, Any] = {}
    exec(REFERENCE, scope)
    return {name: scope[name] for name in TINY.entry_points}


RIGHT = reference_functions()

# -- inputs and checks -------------------------------------------------------------------------------------------------


@st.composite
def pairs(draw: Any, *, square: bool = False, within: float = 3.0) -> dict[str, Any]:
    """x and w that can be multiplied."""
    n, k, m = (draw(st.integers(1, 4)) for _ in range(3))
    if square:
        n = k = m = max(n, 2)
    return {"x": draw(arrays((n, k), within=within)), "w": draw(arrays((k, m), within=within))}


@st.composite
def shifted(draw: Any) -> dict[str, Any]:
    """x, w and a shift."""
    return {**draw(pairs()), "shift": draw(st.sampled_from((0.0, 1.0, -2.5)))}


@st.composite
def batches(draw: Any) -> dict[str, Any]:
    """x and t of one shape, more than one row of more than one."""
    shape = (draw(st.integers(2, 5)), draw(st.integers(2, 4)))
    return {"x": draw(arrays(shape, within=3)), "t": draw(arrays(shape, within=3)) + 0.125}


affine_agrees = Agreement(
    "affine", name="affine_agrees", given=shifted(), oracle=lambda x, w, shift=0.0: x @ w + shift, points=3
)
total_agrees = Agreement(
    "total", name="total_agrees", given={"x": arrays(within=3)}, oracle=lambda x: float(x.sum()),
    scale=lambda x: np.abs(x).sum() or 1.0,
)  # fmt: skip
moments_agrees = Agreement(
    "moments",
    name="moments_agrees",
    given={"x": arrays(sides=(2, 4), within=3)},
    oracle=lambda x: (x - x.mean(), float(np.mean((x - x.mean()) ** 2))),
    scale=lambda x: (np.abs(x).max() or 1.0, np.abs(x).max() ** 2 or 1.0),
    parts=("deviations", "variance"),
)
ranked_agrees = Agreement(
    "ranked",
    name="ranked_agrees",
    given={"scores": st.lists(st.sampled_from((0.5, 1.5, -2.0, 3.25)), min_size=1, max_size=4)},
    oracle=RIGHT["ranked"],
)
dense_gradient = Gradient(
    "dense",
    name="dense_gradient",
    backward="dense_backward",
    wrt=("x", "w"),
    oracle=RIGHT["dense_backward"],
    forward_oracle=RIGHT["dense"],
    given=pairs(within=1.0),
)
square_gradient = Gradient(
    "dense",
    name="square_gradient",
    backward="dense_backward",
    wrt=("x", "w"),
    oracle=RIGHT["dense_backward"],
    forward_oracle=RIGHT["dense"],
    given=pairs(square=True, within=1.0),
)
loss_gradient = Gradient(
    "loss",
    name="loss_gradient",
    backward="loss_backward",
    wrt="x",
    cotangents=(),
    oracle=RIGHT["loss_backward"],
    forward_oracle=RIGHT["loss"],
    given=batches(),
    examples=10,
)
waves_gradient = Gradient(
    "waves",
    name="waves_gradient",
    backward="waves_backward",
    wrt="x",
    cotangents=("dsine", "dsum"),
    outputs=("sine", None),
    oracle=RIGHT["waves_backward"],
    forward_oracle=RIGHT["waves"],
    given={"x": arrays(within=1)},
)


# -- running -----------------------------------------------------------------------------------------------------------


def trusted(
    check: Check,
    *,
    seed: int = 0,
    explain: bool = True,
    exercise: Exercise = TINY,
    drawer: Drawer | None = None,
    target: Any = None,
    **functions: Callable[..., Any],
) -> Finding:
    """What a check finds of these functions, the others being the reference's, in this process."""
    assert not isinstance(check, Policy)
    known = {**RIGHT, **functions} if exercise is TINY else functions
    trial = Trial(exercise, target or TrustedTarget(known), drawer or Drawer(), seed, "tiny", explain=explain)
    return run_check(check, trial)


def submission_of(source: str | bytes, name: str = "tiny") -> Submission:
    data = source if isinstance(source, bytes) else textwrap.dedent(source).encode()
    return Submission(f"{name}.py", data, hashlib.sha256(data).hexdigest())


def worker_of(source: str, exercise: Exercise = TINY) -> WorkerTarget:
    """A worker that holds this source; `import numpy as np` comes before it."""
    submission = submission_of("import numpy as np\n" + textwrap.dedent(source), exercise.name)
    return WorkerTarget(submission, module=exercise.name, names=list(exercise.entry_points))


def judged(check: Check, source: str, *, exercise: Exercise = TINY, seed: int = 0) -> Finding:
    """What a check finds of a student's source in a worker."""
    assert not isinstance(check, Policy)
    with worker_of(source, exercise) as target:
        return run_check(check, Trial(exercise, target, Drawer(), seed, "tiny"))


def reported(
    checks: Sequence[Check],
    source: str,
    *,
    misconceptions: Sequence[Misconception] = (),
    reference: str = REFERENCE,
    seed: int = 0,
    drawer: Drawer | None = None,
    transcripts: Transcripts | None = None,
    on_result: Callable[[Any], None] = lambda result: None,
) -> Report:
    """The whole report of a student's source."""
    exercise = exercise_of(reference, checks)
    submission = submission_of("import numpy as np\n" + textwrap.dedent(source))
    reading = Reading(submission.source)
    with WorkerTarget(submission, module="tiny", names=list(exercise.entry_points), seed=seed) as target:
        return run_checks(
            exercise,
            submission,
            target,
            facts=reading.result,
            misconceptions=lambda: misconceptions,
            drawer=drawer or Drawer(),
            content="tiny",
            seed=seed,
            transcripts=transcripts,
            on_result=on_result,
        )


def reported_trusted(
    checks: Sequence[Check],
    *,
    misconceptions: Sequence[Misconception] = (),
    seed: int = 0,
    **functions: Callable[..., Any],
) -> Report:
    """The whole report of these functions, in this process."""
    exercise = exercise_of(REFERENCE, checks)
    return run_checks(
        exercise,
        submission_of(""),
        TrustedTarget({**RIGHT, **functions}),
        facts=lambda: Facts(()),
        misconceptions=lambda: misconceptions,
        drawer=Drawer(),
        content="tiny",
        seed=seed,
    )


def passed(finding: Finding) -> bool:
    return finding.outcome == Outcome.PASSED


def verdict(finding: Finding) -> tuple[Outcome, str | None]:
    """The outcome and the rung."""
    return finding.outcome, finding.evidence.rung if finding.evidence else None


def message(finding: Finding) -> str:
    assert finding.evidence is not None
    return finding.evidence.message


def run_call(text: str, functions: Mapping[str, Callable[..., Any]]) -> list[Any]:
    """What the calls of a counterexample give when they are pasted: the value of its every expression."""
    import ast

    scope: dict[str, Any] = {"np": np, **functions}
    values = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Expr):
            values.append(eval(compile(ast.Expression(node.value), "pasted", "eval"), scope))
        else:
            exec(compile(ast.Module([node], []), "pasted", "exec"), scope)
    return values
