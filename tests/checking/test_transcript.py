"""What right answers said: whoever says the same passes unjudged, and whatever anybody says, no verdict is another."""

import textwrap
from dataclasses import replace

import numpy as np
import pytest
from dlgrade.author import Example, arrays, assert_close, check
from dlgrade.checking import run, transcript
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.transcript import Transcripts
from dlgrade.sandbox.calls import same_argument
from dlgrade.sandbox.client import Request, WorkerTarget
from hypothesis import given
from hypothesis import strategies as st
from tiny import REFERENCE, affine_agrees, dense_gradient, moments_agrees, reported, total_agrees


@check()
@given(x=arrays((2, 3), within=3))
def doubles(total, x):
    """Twice the elements, twice the total."""
    assert_close(total(2 * x), 2 * total(x), scale=np.abs(x).sum() or 1.0)


@check()
@given(x=arrays((2, 3), within=3))
def goes_on(affine, total, x):
    """What it asks second follows from what it was told first."""
    moved = affine(x, np.eye(3), 1.0)
    assert_close(total(moved), moved.sum(), scale=np.abs(moved).sum() or 1.0)


CHECKS = [Example(name="examples"), total_agrees, affine_agrees, moments_agrees, doubles, goes_on, dense_gradient]

RIGHT = {
    "the reference": "",
    "loud": """
        def total(x):
            print('.', end='')
            return float(x.sum())""",
    "summed in another order": """
        def total(x):
            return float(sum(sorted(x.ravel().tolist())))""",
    "another product": """
        def affine(x, w, shift=0.0):
            return np.einsum('ij,jk->ik', x, w) + x.dtype.type(shift)""",
}
_COUNTS = """
        made = []
        def total(x):
            print('.', end='')
            made.append(x)
            if len(made) == {0}:
                {1}
            return float(x.sum())"""
CLASS = {
    **RIGHT,
    "unlike all": """
        def total(x):
            return 1.0""",
    "not started": """
        def total(x):
            raise NotImplementedError""",
    "of another signature": """
        def affine(x, w, shift):
            return x @ w + np.asarray(shift, x.dtype)""",
    "of negative ones": """
        def total(x):
            return float(np.maximum(x, 0).sum())""",
    "of other numbers": """
        def affine(x, w, shift=0.0):
            return x @ w + np.asarray(abs(shift), x.dtype)""",
    "writes into its argument": """
        def affine(x, w, shift=0.0):
            y = x @ w
            x *= 2
            return y + np.asarray(shift, x.dtype)""",
    "right at first": _COUNTS.format(60, "return 0.5"),
    "right for longer": _COUNTS.format(150, "return 0.5"),
    "raises once": _COUNTS.format(61, "raise ValueError"),
    "dies at first": _COUNTS.format(2, "import os; os._exit(3)"),
    "dies later": _COUNTS.format(140, "import os; os._exit(3)"),
    "answers too much": _COUNTS.format(62, "import sys; sys.modules['wire'].Channel.send = None"),
}


@pytest.fixture(scope="module")
def drawer():
    return Drawer()


def report_of(source, drawer, transcripts=None, checks=CHECKS):
    text = REFERENCE + textwrap.dedent(source)
    found = reported(checks, text, drawer=drawer, transcripts=transcripts)
    results = tuple(replace(result, seconds=0) for result in found.checks)
    return replace(found, seconds=0, checks=results)


@pytest.fixture(scope="module")
def alone(drawer):
    """The report that each of the class gets by itself."""
    return {name: report_of(source, drawer) for name, source in CLASS.items()}


def test_the_class_is_of_all_kinds(alone):
    passed = {name for name, report in alone.items() if report.verdict == "passed"}
    assert passed == set(RIGHT)
    assert len({str(report.checks) for name, report in alone.items() if name not in passed}) == len(alone) - len(passed)


@pytest.mark.parametrize("order", [[*CLASS, *RIGHT], [*CLASS][::-1]])
def test_everybody_gets_the_report_that_he_gets_alone(alone, drawer, order):
    transcripts = Transcripts()
    for name in order:
        assert report_of(CLASS[name], drawer, transcripts) == alone[name], name


def test_who_says_the_same_is_not_judged(drawer, monkeypatch):
    transcripts = Transcripts()
    first = report_of("", drawer, transcripts)
    monkeypatch.setattr(run, "_judge", lambda check, trial: pytest.fail(f"{check.name} was judged again"))
    again = report_of("# another file", drawer, transcripts)
    assert again.verdict == "passed"
    assert again.checks == first.checks


def test_nobody_is_asked_twice(drawer, monkeypatch):
    asked = []

    exchange = WorkerTarget._exchange

    def overheard(self, said, seconds):
        asked.append(len(said.request.calls))
        exchange(self, said, seconds)

    monkeypatch.setattr(WorkerTarget, "_exchange", overheard)
    source = CLASS["summed in another order"]
    report_of(source, drawer)
    alone = asked[:]
    transcripts = Transcripts()
    report_of("", drawer, transcripts)
    asked.clear()
    report_of(source, drawer, transcripts)
    assert asked == alone


@pytest.mark.parametrize("room", [0, 1, 2, 5])
def test_what_there_is_no_room_for_is_judged(alone, drawer, room):
    sizes = []
    kept = Transcripts()
    report_of("", drawer, kept)
    step = kept._first[f"tiny 0 {doubles.name} cpu"]
    while step.request is not None:
        sizes.append(step.request.size)
        (step,) = step.after.values()
    transcripts = Transcripts(sum(sizes[:room]))
    for name in ("the reference", "right for longer", "the reference", "of negative ones"):
        assert report_of(CLASS[name], drawer, transcripts, [doubles]) == report_of(CLASS[name], drawer, None, [doubles])
    assert transcripts._room == 0


def test_so_many_answers_are_kept_and_no_more(drawer, monkeypatch):
    monkeypatch.setattr(transcript, "BRANCHES", 2)
    transcripts = Transcripts()
    for number in range(4):
        source = f"def total(x):\n    return float(x.sum()) * (1 + {number} * 2.3e-16)"
        assert report_of(source, drawer, transcripts, [total_agrees]).verdict == "passed"
    (first,) = transcripts._first.values()
    assert len(first.after) == 2


@check()
@given(x=arrays((2, 3), within=3))
def measures(total, x):
    """Its cost is part of what it says."""
    assert total.lines_executed(x) < 20


def test_who_costs_more_does_not_say_the_same(drawer):
    transcripts = Transcripts()
    assert report_of("", drawer, transcripts, [measures]).verdict == "passed"
    slow = "def total(x):\n    for _ in range(50):\n        result = float(x.sum())\n    return result"
    assert report_of(slow, drawer, transcripts, [measures]).verdict == "failed"


@check()
@given(n=st.integers(0, 5))
def is_asked(ask, n):
    """What it calls back is no part of its answer."""
    asked = []
    ask(asked.append, n)
    assert asked == [n]


def test_who_only_answers_the_same_does_not_say_the_same(drawer):
    transcripts = Transcripts()
    reference = "from typing import Any\ndef ask(step: Any, n: int) -> Any:\n    return step(n)\n"
    verdicts = [
        reported([is_asked], source, reference=reference, drawer=drawer, transcripts=transcripts).verdict
        for source in (reference, reference + "# the same", "def ask(step, n):\n    return None\n")
    ]
    assert verdicts == ["passed", "passed", "failed"]


def test_a_request_knows_its_calls():
    from dlgrade.sandbox.calls import Call

    x = np.arange(6.0).reshape(2, 3)
    request = Request([Call("f", (x,), {"axis": 0}), Call("g", ([1, "a"], None))])
    again = [Call("f", (x.copy(),), {"axis": 0}), Call("g", ([1, "a"], None))]
    assert request.asks(again)
    others = [
        again[:1],
        [*again, again[0]],
        again[::-1],
        [replace(again[0], name="g"), again[1]],
        [replace(again[0], want_after=True), again[1]],
        [replace(again[0], measure="lines"), again[1]],
        [replace(again[0], expected_bytes=8), again[1]],
        [replace(again[0], args=(x + 0.0 * x.T.sum() - 0.0, 1)), again[1]],
        [replace(again[0], args=(x.astype(np.float32),)), again[1]],
        [replace(again[0], args=(np.asfortranarray(x),)), again[1]],
        [replace(again[0], args=(np.where(x == 0, -0.0, x),)), again[1]],
        [replace(again[0], kwargs={"axis": 0.0}), again[1]],
        [replace(again[0], kwargs={"axis": False}), again[1]],
        [again[0], Call("g", ([1, "b"], None))],
        [again[0], Call("g", ((1, "a"), None))],
    ]  # fmt: skip
    for calls in others:
        assert not request.asks(calls), calls


def read_only(x):
    x.flags.writeable = False
    return x


APART = {
    "a dtype of the same bytes": (np.zeros(3), np.zeros(3, dtype=np.int64)),
    "a shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "a length of nothing": (np.zeros((0, 3)), np.zeros((0, 2))),
    "whether it can be written": (np.zeros(3), read_only(np.zeros(3))),
    "a layout of the same bytes": (np.ones((3, 3)), np.asfortranarray(np.ones((3, 3)))),
    "the order of names": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "the sign of zero": ([0.0], [-0.0]),
    "a sequence": ([1, 2], (1, 2)),
    "a number more": ([1], [1, 2]),
}


@pytest.mark.parametrize("name", APART)
def test_arguments_that_a_submission_could_tell_apart(name):
    one, other = APART[name]
    assert same_argument(one, one) and same_argument(other, other)
    assert not same_argument(one, other)
    assert not same_argument(other, one)


def test_not_a_number_is_the_same_again():
    assert same_argument([float("nan"), np.array([np.nan])], [float("nan"), np.array([np.nan])])
