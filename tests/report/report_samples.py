"""Reports made by hand, for the tests of the renderers: every outcome, hidden checks and hostile strings."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from dlgrade.model import COMPARED, Bar, CheckResult, Evidence, Frame, Outcome, Plane, Race, Report, Submission, Worst
from hypothesis import strategies as st

SECRET = "SECRET"
"""Stands in every field of a hidden check that must not leave."""

HOSTILE = (
    "\x1b[31mred\x1b[0m \x9b2J [bold red]markup[/] [/] :boom: \u202egnp \x00\x08\x07 \ud800 \ufffe <script>&]]> \r\x0b"
)


def submission(path: str = "02_losses/softmax.py", source: bytes = b"def softmax(): ...") -> Submission:
    return Submission(path, source, hashlib.sha256(source).hexdigest())


def result(name: str, says: str, outcome: Outcome = Outcome.PASSED, points: float = 0, **fields: object) -> CheckResult:
    values: dict[str, object] = dict(
        kind="agreement",
        entry_points=("softmax",),
        points=points,
        max_points=3.0,
        hidden=False,
        seconds=0.0128,
    )
    return CheckResult(name=name, says=says, outcome=outcome, **(values | fields))  # type: ignore[arg-type]


def report(*checks: CheckResult, **fields: object) -> Report:
    values: dict[str, object] = dict(
        exercise="softmax",
        unit="02_losses",
        isolation="strict",
        device="cpu",
        seed=7,
        seconds=0.412,
        submission=submission(),
        checks=checks,
    )
    return Report(**(values | fields))  # type: ignore[arg-type]


AXIS = "You normalised over axis 0 whatever `axis` says: divide by the sum along `axis`, with `keepdims=True`."

GOOD = result("agrees", "Equals scipy's softmax on scores of any size.", points=3.0)
WRONG = result(
    "agrees",
    "Equals scipy's softmax on scores of any size.",
    Outcome.FAILED,
    evidence=Evidence(
        message="2 of 4 values differ from what was expected.",
        rung="values",
        call="softmax(np.array([[0.0, 1.0], [2.0, 3.0]]), axis=1)",
        expected="[[0.26894142 0.73105858]\n [0.26894142 0.73105858]]",
        got="[[0.11920292 0.11920292]\n [0.88079708 0.88079708]]",
        worst=Worst((0, 1), "0.73105858", "0.11920292", 0.61185566),
    ),
    misconception="wrong_axis",
    hint=AXIS,
)
LAW = result(
    "sums_to_one",
    "Along `axis` the outputs are a probability distribution.",
    Outcome.FAILED,
    kind="property",
    max_points=2.0,
    evidence=Evidence(
        message="The values sum to 0.238 and to 1.762 where they should sum to 1.",
        rung="values",
        call="softmax(np.array([[0.0, 1.0], [2.0, 3.0]]), axis=1)",
        worst=Worst((1,), "1", "1.7615941559557646", 0.76),
    ),
    misconception="wrong_axis",
    hint=AXIS,
)
LONG_CALL = f"softmax(np.array([{', '.join(f'{value}.125' for value in range(40))}]), axis=0)"
NAN = result(
    "large_scores",
    "Scores of a thousand give no NaN and no infinity, and a warning from numpy is not silenced but avoided.",
    Outcome.FAILED,
    points=0.5,
    evidence=Evidence(
        message="The result holds NaN.",
        rung="finite",
        call=LONG_CALL,
        expected=f"[{' '.join(['0.0'] * 38)} 0.1 0.9]",
        got=f"[{' '.join(['nan'] * 40)}]",
        worst=Worst((0,), "0.0", "nan", float("nan")),
        output="RuntimeWarning: overflow encountered in exp\n" + "".join(f"step {n}\n" for n in range(30)),
        notes=("numpy warned: overflow encountered in exp", "the same happens with `axis=1`"),
    ),
    misconception="overflows",
    hint="exp() overflows near 709: subtract the maximum along `axis` first.",
)
RAISED = result(
    "backward",
    "The backward pass agrees with finite differences.",
    Outcome.RAISED,
    kind="gradient",
    entry_points=("softmax", "softmax_backward"),
    evidence=Evidence(
        message="ValueError: operands could not be broadcast together with shapes (2,3) (2,)",
        rung="runs",
        call="softmax_backward(np.ones((2, 3)), np.ones((2, 3)))",
        traceback=(
            Frame(31, "softmax_backward", "return _jacobian(grad, out)"),
            Frame(24, "_jacobian", "    return out * (grad - (grad * out).sum(-1))  # each row's inner product, once"),
        ),
        output="(2, 3) (2,)\n",
    ),
    hint="A sum over an axis drops it.",
)
RECURSES = result(
    "recursion",
    "Comes to an end.",
    Outcome.RAISED,
    max_points=0.0,
    evidence=Evidence(
        message="RecursionError: maximum recursion depth exceeded",
        traceback=tuple(Frame(12, "softmax", "return softmax(x)") for _ in range(20)),
    ),
)
KNOWN = (Bar("limit", 3.0), Bar("torch's own operator", 1.0), Bar("reference", 1.24), Bar("a_loop_over_rows", 412.5))
SLOW = result(
    "fast",
    "On 4096 rows of 1024 scores it takes at most 3 times what torch's own takes.",
    Outcome.TOO_SLOW,
    kind="timing",
    max_points=4.0,
    evidence=Evidence(
        message="It takes 37.8 times what torch's own operator takes at 4096 x 1024; at most 3 times are allowed.",
        rung="timing",
        notes=("A Python loop: operator calls grow with the size, from 40 to 320 where the rows grew from 8 to 64.",),
        race=Race("4096 x 1024", "cpu", "processor", 5, 6.314, (Bar("yours", 37.8, 36.9, 38.5), *KNOWN)),
    ),
    misconception="loops_over_rows",
    hint="Each row costs a call of several operators: reduce along `dim` with `keepdim=True` instead.",
)
JUST_SLOW = replace(
    SLOW,
    name="fast_when_small",
    says="On 64 rows of 512 scores, too.",
    misconception=None,
    hint=None,
    evidence=Evidence(
        message="It takes 3.4 times what torch's own operator takes at 64 x 512; at most 3 times are allowed.",
        rung="timing",
        race=Race("64 x 512", "cpu", "wall", 21, 0.0412, (Bar("yours", 3.4, 3.12, 3.71), *KNOWN)),
    ),
)
FAST = replace(
    SLOW,
    name="fast_backward",
    says="So does the backward pass.",
    outcome=Outcome.PASSED,
    points=4.0,
    misconception=None,
    hint=None,
    evidence=Evidence(
        "", race=Race("4096 x 1024", "cpu", "processor", 5, 9.1, (Bar("yours", 1.31, 1.26, 1.4), *KNOWN[:2]))
    ),
)
PLANE = Plane(
    "values",
    (2, 3, 4),
    (1, 0, 0),
    ((0.25, 0.25, 0.5, 0.0), (1.0, None, 0.0, 2.0), (0.0, 0.0, 0.0, 1.0)),
    ((0.25, 0.0, -0.5, 0.0), (1e-9, None, 0.0, 2.0), (0.0, 0.0, 0.0, 0.0)),
)
PICTURED = [
    replace(WRONG, evidence=replace(WRONG.evidence, plane=PLANE), hint=None, misconception=None),
    replace(RAISED, outcome=Outcome.FAILED, evidence=Evidence("The gradient is wrong.", rung="values",
            plane=replace(PLANE, compared="gradient")), hint=None),
    replace(RAISED, outcome=Outcome.FAILED, evidence=Evidence("The differences are off.", rung="forward",
            plane=Plane("slopes", (70,), (60,), ((1.0, 2.0, -3.0, 4.0),), ((0.0, 1.0, -6.0, 0.0),))), hint=None),
]  # fmt: skip
STUB = Evidence("`softmax_backward` still raises NotImplementedError.", rung="not_started")
NOT_STARTED = [
    result("a", "Equals the oracle's gradient.", Outcome.RAISED, evidence=STUB, entry_points=("softmax_backward",)),
    result("b", "Keeps the shape.", Outcome.RAISED, evidence=STUB, entry_points=("softmax", "softmax_backward")),
]
NOT_LOADED = Evidence(
    "SyntaxError: '(' was never closed",
    rung="exists",
    traceback=(Frame(3, "<module>", "def softmax(x"),),
)
UNLOADED = [
    result("agrees", "Equals scipy's softmax on scores of any size.", Outcome.RAISED, evidence=NOT_LOADED),
    result("sums_to_one", "Along `axis` the outputs sum to 1.", Outcome.RAISED, evidence=NOT_LOADED, max_points=2.0),
    result("shift", "A common shift changes nothing.", Outcome.RAISED, evidence=NOT_LOADED, max_points=2.0),
]
OTHERS = [
    result("slow", "Takes at most 3 times what numpy takes.", Outcome.TOO_SLOW, kind="timing",
           evidence=Evidence("21 times as slow as the baseline; 3 times is allowed.", rung="cost")),
    result("hang", "Comes to an end.", Outcome.TIMED_OUT, evidence=Evidence("No answer within 10 s.")),
    result("memory", "Needs no more memory than its result.", Outcome.OUT_OF_MEMORY,
           evidence=Evidence("Asked for more than 2 GiB.")),
    result("crash", "Survives an empty array.", Outcome.CRASHED, evidence=Evidence("The process died (SIGSEGV).")),
    result("protocol", "Returns an array.", Outcome.PROTOCOL_VIOLATION,
           evidence=Evidence("The answer is not one that the grader understands.")),
    result("library", "Does not call a library's softmax.", Outcome.FORBIDDEN, kind="policy",
           evidence=Evidence("Line 4 imports `scipy.special.softmax`.")),
    result("cuda", "Works on the GPU.", Outcome.SKIPPED, evidence=Evidence("There is no GPU here.")),
    result("noisy", "Is vectorised.", Outcome.INCONCLUSIVE, kind="timing",
           evidence=Evidence("This machine is too busy: the baseline itself varied by 80 %.")),
    result("broken", "Equals torch.", Outcome.BROKEN,
           evidence=Evidence("The oracle failed: ImportError: no module named torch.")),
    result("bare", "Has a docstring.", Outcome.FAILED, kind="policy", max_points=0.0),
]  # fmt: skip
HIDDEN = [
    result(
        name,
        SECRET,
        outcome,
        kind="property",
        hidden=True,
        entry_points=(SECRET,),
        seconds=123.0,
        evidence=Evidence(
            SECRET, SECRET, SECRET, SECRET, SECRET, Worst((9,), SECRET, SECRET, 9.0), (Frame(9, SECRET, SECRET),),
            SECRET, (SECRET,), Race(SECRET, SECRET, "wall", 9, 9.0, (Bar(SECRET, 9.0),)),
            Plane("gradient", (4242, 2), (4240, 0), ((1.0, 2.0), (3.0, 4.0)), ((1.0, 2.0), (3.0, 4.0))),
        ),
        misconception=SECRET,
        hint=SECRET,
    )
    for name, outcome in [("large_batches", Outcome.FAILED), ("odd_sizes", Outcome.FAILED), ("empty", Outcome.RAISED)]
]  # fmt: skip
EVIL = [
    result(
        HOSTILE,
        HOSTILE,
        Outcome.RAISED,
        entry_points=(HOSTILE,),
        evidence=Evidence(
            HOSTILE, HOSTILE, f"f({HOSTILE})", HOSTILE, HOSTILE, Worst((0,), HOSTILE, HOSTILE, float("inf")),
            (Frame(1, HOSTILE, HOSTILE),), f"{HOSTILE}\n{HOSTILE}", (HOSTILE,),
            Race(HOSTILE, HOSTILE, "wall", 5, 1.0, (Bar("yours", 2.0, 1.5, 2.5), Bar(HOSTILE, 3.0))),
        ),
        misconception=HOSTILE,
        hint=HOSTILE,
    ),
    result("todo", HOSTILE, Outcome.RAISED, entry_points=(HOSTILE,), evidence=Evidence(HOSTILE, rung="not_started")),
]  # fmt: skip

REPORTS = {
    "passed": report(
        GOOD, replace(LAW, outcome=Outcome.PASSED, points=2.0, evidence=None, misconception=None, hint=None)
    ),
    "wrong": report(WRONG, LAW, replace(GOOD, name="dtype", says="Keeps the dtype."), NAN),
    "raised": report(RAISED, RECURSES, isolation="process"),
    "too_slow": report(GOOD, SLOW, JUST_SLOW, FAST, exercise="softmax_fast"),
    "pictured": report(*PICTURED),
    "not_started": report(GOOD, *NOT_STARTED),
    "not_loaded": report(*UNLOADED),
    "others": report(*OTHERS),
    "hidden": report(GOOD, *HIDDEN, seconds=83.4),
    "hostile": report(
        *EVIL, exercise=HOSTILE, unit=HOSTILE, isolation=HOSTILE, device=HOSTILE, submission=submission(HOSTILE)
    ),
}


# -- arbitrary reports -------------------------------------------------------------------------------------------------


TEXT = st.text(max_size=20)


@st.composite
def planes(draw: st.DrawFn) -> Plane:
    """Planes with any numbers in them."""
    rows, columns, axes = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cells = (
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 5e-324, -1.7e308, 1.7e308])
    )
    sides = (columns,) if axes == 1 else (rows, columns)
    rows = 1 if axes == 1 else rows
    grid = st.lists(st.lists(cells, min_size=columns, max_size=columns).map(tuple), min_size=rows, max_size=rows)
    more = draw(st.integers(0, 9))
    return Plane(
        draw(st.sampled_from(COMPARED)),
        (*[3] * (axes - len(sides)), *(side + more for side in sides)),
        (*[2] * (axes - len(sides)), *(draw(st.integers(0, more)) for _ in sides)),
        tuple(draw(grid)),
        tuple(draw(grid)),
    )


def reports(texts: st.SearchStrategy[str] = TEXT) -> st.SearchStrategy[Report]:
    """Reports of any outcome with any strings in them."""
    numbers = st.floats(0, 1e6)
    maybe = st.none() | texts
    several = st.lists(texts, max_size=2).map(tuple)
    evidence = st.builds(
        Evidence,
        message=texts,
        rung=maybe | st.just("not_started"),
        call=maybe,
        expected=maybe,
        got=maybe,
        worst=st.none()
        | st.builds(
            Worst,
            index=st.lists(st.integers(0, 99), max_size=3).map(tuple),
            expected=texts,
            got=texts,
            error=st.none() | numbers,
        ),
        traceback=st.lists(
            st.builds(Frame, line=st.integers(1, 99), function=texts, text=texts), max_size=12
        ).map(tuple),
        output=maybe,
        notes=several,
        race=st.none()
        | st.builds(
            Race,
            size=texts,
            device=texts,
            clock=st.sampled_from(["processor", "wall"]),
            rounds=st.integers(0, 99),
            milliseconds=numbers,
            bars=st.lists(
                st.builds(
                    Bar,
                    label=texts | st.sampled_from(["yours", "limit", "torch's own operator"]),
                    ratio=numbers,
                    low=st.none() | numbers,
                    high=st.none() | numbers,
                ),
                max_size=4,
            ).map(tuple),
        ),
    )  # fmt: skip
    evidence = st.tuples(evidence, st.none() | planes()).map(lambda pair: replace(pair[0], plane=pair[1]))
    results = st.builds(
        CheckResult,
        name=texts,
        kind=st.sampled_from(["agreement", "property", "gradient", "example", "policy", "timing"]),
        entry_points=several,
        says=texts,
        outcome=st.sampled_from(Outcome),
        points=numbers,
        max_points=numbers,
        hidden=st.booleans(),
        seconds=numbers,
        evidence=st.none() | evidence,
        misconception=maybe,
        hint=maybe,
    )
    return st.builds(
        Report,
        exercise=texts,
        unit=texts,
        isolation=texts | st.just("process"),
        device=texts,
        seed=st.integers(),
        seconds=numbers,
        submission=st.builds(submission, path=texts, source=st.binary(max_size=4)),
        checks=st.lists(results, max_size=4).map(tuple),
    )


ANY_TEXT = st.text(st.characters(), max_size=20) | st.just(HOSTILE)
"""Any text at all, with halves of surrogate pairs, which no encoding has bytes for."""
