"""Laws that ask together: what they find is what each finds by itself, and they ask less often."""

import numpy as np
import pytest
from dlgrade.author import arrays, assert_close, check
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.law import ROUNDS
from dlgrade.checking.trial import TrustedTarget
from dlgrade.model import Outcome
from dlgrade.sandbox.calls import Stopped
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tiny import RIGHT, judged, passed, trusted


class Distant(TrustedTarget):
    """Counts the messages and the calls that it gets."""

    far = True

    def __init__(self, **functions):
        super().__init__({**RIGHT, **functions})
        self.messages, self.made = 0, []

    def call_many(self, calls, *, seconds=0):
        self.messages += 1
        self.made += calls
        return super().call_many(calls)


@check()
@given(x=arrays((2, 3), within=3))
def doubles(total, x):
    """Twice the elements, twice the total."""
    assert_close(total(2 * x), 2 * total(x), scale=np.abs(x).sum() or 1.0)


@check()
@given(x=arrays((2, 3), within=3), n=st.integers(0, 3))
def mixed(total, affine, x, n):
    """Makes several calls of several functions, on some inputs only."""
    assume(n > 0)
    for column in range(n):
        alone = affine(x, np.eye(3))[:, column : column + 1]
        assert_close(total(alone), alone.sum(), scale=np.abs(x).sum() or 1.0)


WRONG = {
    "right": {},
    "always": {"total": lambda x: 1.0 + x.sum()},
    "of negative ones": {"total": lambda x: float(np.maximum(x, 0).sum())},
    "of large ones": {"total": lambda x: float(np.clip(x, -2.5, 2.5).sum())},
    "raises": {"total": lambda x: [][int(x[0, 0])]},
    "of another kind": {"total": lambda x: None},
}


@pytest.mark.parametrize("functions", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("law", [doubles, mixed])
def test_what_is_found_is_what_a_law_finds_by_itself(law, functions):
    near = trusted(law, drawer=Drawer(), **functions)
    distant = trusted(law, drawer=Drawer(), target=Distant(**functions))
    assert distant.outcome == near.outcome
    assert distant.evidence == near.evidence
    shown = [[str(call) for call in finding.fresh] for finding in (near, distant)]
    assert shown[0] == shown[1]


def test_many_inputs_ask_in_few_messages_and_each_call_is_made_once():
    target = Distant()
    assert passed(trusted(doubles, target=target))
    inputs = len(target.made) // 2
    assert inputs >= doubles.examples
    assert len({(call.name, call.args[0].tobytes()) for call in target.made}) > inputs
    assert target.messages <= 4 * ROUNDS


def test_whoever_fails_at_once_is_not_asked_much():
    target = Distant(total=lambda x: np.nan)
    trusted(doubles, target=target, explain=False)
    assert len(target.made) <= 65


@check()
@given(x=arrays((2, 2)))
def writes_into_what_it_got(moments, x):
    """Writes into an answer and asks again."""
    deviations, _ = moments(x)
    deviations += 1
    assert_close(deviations.mean(), 1.0, scale=1 + np.abs(x).max())
    again, _ = moments(x)
    assert_close(again.mean(), 0.0, scale=1 + np.abs(x).max())


def test_a_law_may_write_into_what_it_got():
    assert passed(trusted(writes_into_what_it_got, target=Distant()))


forgetful = np.random.default_rng(0)


@check()
@given(x=arrays((2, 2)))
def draws_by_itself(total, x):
    """Draws inside its body, and so never repeats itself."""
    y = forgetful.standard_normal((2, 2))
    assert_close(total(x + y), (x + y).sum(), scale=1 + np.abs(x).sum() + np.abs(y).sum())


def test_a_law_that_does_not_repeat_itself_gets_answers_to_what_it_asks():
    assert passed(trusted(draws_by_itself, target=Distant()))


@check()
@given(x=arrays((2, 2)))
def is_careful(total, x):
    """Handles every exception."""
    try:
        value = total(x)
    except Exception:
        raise AssertionError("the total raised") from None
    assert_close(value, x.sum(), scale=1 + np.abs(x).sum())


def test_a_law_that_handles_exceptions_does_not_see_that_it_waits():
    assert passed(trusted(is_careful, target=Distant()))


@check()
@given(x=arrays((2, 2)))
def counts_lines(total, x):
    """Measures, after a call that is not measured."""
    total(x)
    assert total.lines_executed(x) < 50


def test_what_is_measured_is_measured_alone():
    target = Distant()
    assert passed(trusted(counts_lines, target=target))
    assert sum(bool(call.measure) for call in target.made) == sum(not call.measure for call in target.made) // 2


class Mortal(Distant):
    """Stops at a call that holds the number 7, and is not asked on in that message."""

    def call_many(self, calls, *, seconds=0):
        replies = []
        for call in calls:
            if np.any(call.args[0] == 7):
                return [*replies, Stopped(Outcome.TIMED_OUT, "It did not finish in time.")]
            replies += super().call_many([call])
        return replies


@check()
@given(x=st.sampled_from([1.0, 2.0, 3.0]))
@example(x=1.0)
@example(x=2.0)
@example(x=3.0)
@example(x=7.0)
@example(x=5.0)
@example(x=6.0)
@example(x=8.0)
def is_the_number(total, x):
    """The total of one number is the number."""
    assert total(np.array([x])) == x


def test_a_call_that_stops_the_worker_is_the_finding_unless_another_failed_before():
    finding = trusted(is_the_number, target=Mortal())
    assert finding.outcome == Outcome.TIMED_OUT
    assert "7." in str(finding.failing[0].args)


def test_it_holds_of_a_real_worker():
    source = "def affine(x, w, shift=0.0): return x @ w\ndef total(x): return float(x.sum())"
    assert passed(judged(mixed, source))
    wrong = judged(doubles, "def total(x): return float(np.maximum(x, 0).sum())")
    assert wrong.evidence == trusted(doubles, total=lambda x: float(np.maximum(x, 0).sum())).evidence
