"""The misconception that is named is the submission's own mistake, or none is."""

from dataclasses import replace

import numpy as np
import pytest
from dlgrade.author import Agreement, arrays, assert_close, check, misconception
from dlgrade.checking.diagnosis import diagnose
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_checks
from dlgrade.checking.trial import Finding, TrustedTarget
from dlgrade.model import Evidence, Outcome
from dlgrade.sandbox.calls import Call
from hypothesis import given
from hypothesis import strategies as st
from tiny import affine_agrees, dense_gradient, exercise_of, reported, reported_trusted, total_agrees, trusted

CAUGHT = "affine_agrees"


@misconception(of="affine", caught_by=CAUGHT)
def forgets_the_shift(x, w, shift=0.0):
    """Add the shift."""
    return x @ w


@misconception(of="affine", caught_by=CAUGHT)
def subtracts_the_shift(x, w, shift=0.0):
    """The shift is added."""
    return x @ w - np.asarray(shift, x.dtype)


@misconception(of="affine", caught_by=CAUGHT)
def needs_a_square(x, w, shift=0.0):
    """It need not be square."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("not square")
    return x @ w + np.asarray(shift, x.dtype)


@misconception(of="affine", caught_by=CAUGHT)
def writes_into_x(x, w, shift=0.0):
    """Do not write into x."""
    result = x @ w + np.asarray(shift, x.dtype)
    x *= 0
    return result


@misconception(of="affine", caught_by=CAUGHT)
def doubles_x_in_place(x, w, shift=0.0):
    """Do not double x."""
    result = x @ w + np.asarray(shift, x.dtype)
    x *= 2
    return result


KNOWN = [forgets_the_shift, subtracts_the_shift, needs_a_square, writes_into_x, doubles_x_in_place]


def named(function, *, known=KNOWN, checks=(affine_agrees,)):
    report = reported_trusted(list(checks), misconceptions=known, affine=function)
    assert report.checks[0].outcome in (Outcome.FAILED, Outcome.RAISED)
    return report.checks[0].misconception, report.checks[0].hint


@pytest.mark.parametrize("item", KNOWN, ids=lambda item: item.name)
def test_the_one_that_fits_is_named(item):
    assert named(item.code) == (item.name, item.cure)


def test_the_one_that_fits_is_named_through_a_worker():
    source = "def affine(x, w, shift=0.0):\n    return x @ w - np.asarray(shift, x.dtype)"
    report = reported([affine_agrees], source, misconceptions=KNOWN)
    assert (report.checks[0].misconception, report.checks[0].hint) == ("subtracts_the_shift", "The shift is added.")


def test_other_rounding_and_other_containers_still_fit():
    assert named(lambda x, w, shift=0.0: np.einsum("ik,kj->ij", x[:, ::-1], w[::-1]))[0] == "forgets_the_shift"


def test_of_two_that_fit_none_is_named():
    @misconception(of="affine", caught_by=CAUGHT)
    def leaves_the_shift_out(x, w, shift=0.0):
        """The same in other words."""
        return np.dot(x, w)

    assert named(forgets_the_shift.code, known=[*KNOWN, leaves_the_shift_out]) == (None, None)


def test_one_that_fits_the_failing_inputs_only_is_not_named():
    """On the counterexample, which is 1 x 1, both are the same."""

    def forgets_for_one_row(x, w, shift=0.0):
        return x @ w if len(x) == 1 else x @ w - np.asarray(shift / 2, x.dtype)

    report = reported_trusted([affine_agrees], misconceptions=KNOWN, affine=forgets_for_one_row)
    assert report.checks[0].evidence.call == "affine(np.array([[2.0]]), np.array([[2.0]]), shift=1.0)"
    assert report.checks[0].misconception is None


def test_one_whose_check_passed_is_not_named():
    @misconception(of="affine", caught_by="another_check")
    def subtracts(x, w, shift=0.0):
        """Never to be shown."""
        return x @ w - np.asarray(shift, x.dtype)

    another = Agreement("affine", name="another_check", oracle=lambda x, w: x @ w, given={
        "x": arrays((2, 2), within=3), "w": arrays((2, 2), within=3),
    })  # fmt: skip
    report = reported_trusted([affine_agrees, another], misconceptions=[subtracts], affine=subtracts.code)
    assert [result.outcome for result in report.checks] == [Outcome.FAILED, Outcome.PASSED]
    assert report.checks[0].misconception is None


def test_one_of_another_entry_point_is_not_named():
    @misconception(of="total", caught_by=CAUGHT)
    def of_total(x):
        """Another function's."""
        return 0.0

    assert named(lambda x, w, shift=0.0: x @ w * 0, known=[of_total]) == (None, None)


def test_a_right_answer_is_told_nothing():
    asked = []
    exercise = exercise_of("import numpy as np\ndef total(x: np.ndarray) -> float: return x.sum()", [total_agrees])
    from tiny import RIGHT, Facts, TrustedTarget, submission_of

    report = run_checks(
        exercise, submission_of(""), TrustedTarget({"total": RIGHT["total"]}), facts=lambda: Facts(()),
        misconceptions=lambda: asked.append(1) or [], drawer=Drawer(), content="", seed=0,
    )  # fmt: skip
    assert report.verdict == "passed"
    assert asked == []  # they are not even loaded


def test_exceptions_are_compared_by_their_kind():
    def raises_another(x, w, shift=0.0):
        if w.shape[0] != w.shape[1]:
            raise TypeError("not square")
        return x @ w + np.asarray(shift, x.dtype)

    assert named(raises_another) == (None, None)


def test_changes_in_place_are_compared():
    def triples(x, w, shift=0.0):
        result = x @ w + np.asarray(shift, x.dtype)
        x *= 3
        return result

    assert named(triples) == (None, None)


def test_a_law_and_a_gradient_are_diagnosed_too():
    @check()
    @given(x=arrays((2, 2)))
    def adds_the_shift(affine, x):
        """The shift is added."""
        assert affine(x, np.eye(2), shift=1.0)[0, 0] == x[0, 0] + 1

    @misconception(of="affine", caught_by="adds_the_shift")
    def forgets(x, w, shift=0.0):
        """Add the shift."""
        return x @ w

    @misconception(of="dense_backward", caught_by="dense_gradient")
    def forgets_the_slope(grad, x, w):
        """Multiply by the slope."""
        return grad @ w.T, x.T @ grad

    report = reported_trusted(
        [adds_the_shift, dense_gradient], misconceptions=[forgets, forgets_the_slope],
        affine=forgets.code, dense_backward=forgets_the_slope.code,
    )  # fmt: skip
    assert [result.misconception for result in report.checks] == ["forgets", "forgets_the_slope"]


def test_what_is_not_started_is_not_diagnosed():
    report = reported([affine_agrees], "def affine(x, w, shift=0.0): raise NotImplementedError", misconceptions=KNOWN)
    assert report.checks[0].misconception is None


def test_an_answer_of_no_known_kind_does_not_end_the_report():
    for body in ("return {'a': x}", "return {'a': {x.sum()}}", "yield x", "x.dtype = 'S8'; return 1"):
        report = reported([affine_agrees], f"def affine(x, w, shift=0.0):\n    {body}", misconceptions=KNOWN)
        assert report.checks[0].outcome == Outcome.FAILED
        assert report.checks[0].misconception is None


ASKS = '''
"""Asks a function."""

def largest(step: object, count: int) -> float:
    """The largest of step(0), …, step(count - 1)."""
    return max(step(i) for i in range(count))
'''


@check(examples=2)
@given(count=st.integers(2, 4))
def asks_once(largest, count):
    """It asks step once for each number."""
    asked = []

    def step(i):
        asked.append(i)
        return float(i)

    assert largest(step, count) == count - 1
    assert sorted(asked) == list(range(count))


@misconception(of="largest", caught_by="asks_once")
def asks_twice(step, count):
    """You ask twice."""
    return max(max(step(i), step(i)) for i in range(count))


@misconception(of="largest", caught_by="asks_once")
def asks_beyond(step, count):
    """You ask for one more, and throw the answer away."""
    return [step(i) for i in range(count + 1)][count - 1]


@pytest.mark.parametrize("mistake", [asks_twice, asks_beyond], ids=lambda item: item.name)
def test_what_a_callable_is_asked_tells_mistakes_apart(mistake):
    """Both compute what is right."""
    exercise = exercise_of(ASKS, [asks_once], name="asks")
    finding = trusted(asks_once, exercise=exercise, largest=mistake.code)
    target, known = TrustedTarget({"largest": mistake.code}), [asks_twice, asks_beyond]
    assert diagnose(finding, target, known, {"asks_once"}, right=lambda call, reply: True) is mistake


@misconception(of="affine", caught_by="loses_no_digit")
def shifts_twice_where_it_is_large(x, w, shift=0.0):
    """Add the shift once."""
    return x @ w + np.asarray(shift if abs(shift) < 1000 else 2 * shift, x.dtype)


@check(examples=4)
@given(x=arrays((2, 3), within=1), w=arrays((3, 2), within=1))
def loses_no_digit(affine, x, w):
    """It agrees with the definition to the last digits."""
    assert_close(affine(x, w), x @ w, rtol=1e-13)


def test_a_misconception_that_is_right_where_the_submission_fails_explains_nothing():
    """It is like the submission to nine digits, and so is the right answer: the mistake is in the last ones."""

    def off_by_little(x, w, shift=0.0):
        return (x @ w) * (1 + 1e-11) + np.asarray(shift, x.dtype)

    known = [shifts_twice_where_it_is_large]
    report = reported_trusted([affine_agrees, loses_no_digit], misconceptions=known, affine=off_by_little)
    failed = [result for result in report.checks if result.outcome == Outcome.FAILED]
    assert [result.name for result in failed] == ["loses_no_digit"]
    assert failed[0].misconception is None


# -- what an answer is compared by -------------------------------------------------------------------------------------


def explains(mistake, total, call, *, rung="values", fresh=(), right=False):
    """Whether a mistake in `total` explains a submission's, where this call failed."""
    known = misconception(of="total", caught_by="a_check")(mistake)
    finding = Finding(Outcome.FAILED, Evidence("", rung=rung), failing=(call,), fresh=tuple(fresh))
    target = total if isinstance(total, TrustedTarget) else TrustedTarget({"total": total})
    return diagnose(finding, target, [known], frozenset({"a_check"}), right=lambda call, reply: right) is known


def off_by_one(x):
    """Do not add one."""
    return float(x.sum()) + 1


def loops(x):
    """Use the array's own sum."""
    result = 0.0
    for value in x.ravel():
        result += value
    return result


NUMBERS = Call("total", (np.arange(1.0, 13.0),))


def test_what_is_kept_between_calls_may_be_right_each_time():
    assert explains(off_by_one, off_by_one, NUMBERS, rung="repeatable", right=True)
    assert not explains(off_by_one, off_by_one, NUMBERS, right=True)


def test_only_a_law_speaks_of_what_a_callable_is_asked():
    """Where a result has another structure, a mistake that is right there explains nothing."""

    def asks(step):
        return step(1)

    call = Call("total", (lambda n: n,))
    assert explains(asks, asks, call, rung="law", right=True)
    assert not explains(asks, asks, call, rung="structure", right=True)


def test_what_is_right_but_costs_too_much_is_told_by_its_cost():
    measured = replace(NUMBERS, measure="lines")
    assert explains(loops, lambda x: loops(x), measured, right=True)
    assert not explains(loops, lambda x: sum(loops(x) for _ in range(3)) / 3, measured, right=True)
    assert not explains(loops, lambda x: float(x.sum()), measured, right=True)


def test_numbers_are_the_same_to_the_digits_of_what_was_given():
    def nearly(x):
        return off_by_one(x) * (1 + 1e-6)

    single = Call("total", (NUMBERS.args[0].astype(np.float32),))
    assert explains(off_by_one, nearly, single)
    assert not explains(off_by_one, nearly, NUMBERS)


def test_what_does_not_live_to_the_last_call_is_not_explained():
    class Dies(TrustedTarget):
        def call_many(self, calls, *, seconds=0):
            return super().call_many(calls[:1])

    assert not explains(off_by_one, Dies({"total": off_by_one}), NUMBERS, fresh=[Call("total", (np.ones(2),))])


def test_of_many_fresh_calls_the_last_are_asked_too():
    many = [Call("total", (np.full(2, float(n)),)) for n in range(100)]

    def right_where_it_is_large(x):
        return off_by_one(x) - (x[0] >= 90)

    assert explains(off_by_one, off_by_one, NUMBERS, fresh=many)
    assert not explains(off_by_one, right_where_it_is_large, Call("total", (np.ones(2),)), fresh=many)


@misconception(of="affine", caught_by="affine_of_three_agrees")
def forgets_the_shift_of_three(x, w, shift=0.0):
    """Add the shift."""
    return (x[:, :1] * w[:1] + x[:, 1:2] * w[1:2]) + x[:, 2:] * w[2:]


affine_of_three_agrees = Agreement(
    "affine",
    name="affine_of_three_agrees",
    oracle=lambda x, w, shift: x @ w + shift,
    given={"x": arrays((2, 3), within=3), "w": arrays((3, 1), within=3), "shift": st.sampled_from((1.0, 2.0))},
    cases=[{"x": np.array([[1.1, 1e5, -1e5]]), "w": np.ones((3, 1)), "shift": 2.0}],
    scale=lambda x, w, shift: np.abs(x).max() * np.abs(w).max() * len(w) + abs(shift),
)


def named_of_three(function):
    report = reported_trusted([affine_of_three_agrees], misconceptions=[forgets_the_shift_of_three], affine=function)
    assert report.checks[0].outcome == Outcome.FAILED
    return report.checks[0].misconception


def test_what_is_left_where_large_numbers_cancel_need_not_have_the_same_digits():
    """In float32 one way gives 1.1015625 and the other 1.1, which the check would forgive."""

    def adds_from_the_right(x, w, shift=0.0):
        return x[:, :1] * w[:1] + (x[:, 1:2] * w[1:2] + x[:, 2:] * w[2:])

    assert named_of_three(adds_from_the_right) == "forgets_the_shift_of_three"


def test_what_the_check_would_not_forgive_is_another_mistake():
    assert named_of_three(lambda x, w, shift=0.0: x @ w * np.asarray(1 + 1e-6, x.dtype)) is None
    assert named_of_three(lambda x, w, shift=0.0: (x @ w)[:, 0]) is None


def test_what_a_check_forgives_in_float64_tells_mistakes_apart_all_the_same():
    """Next to a large number the check sees no difference between 1 and 50; who made the mistake does."""

    def beside_a_large_number(small):
        return lambda x, w, shift=0.0: np.where(np.arange(len(x))[:, None] > 0, small, 1e9).astype(x.dtype)

    agrees = replace(affine_of_three_agrees, cases=[], scale=lambda x, w, shift: 1e12)
    known = [
        replace(forgets_the_shift_of_three, code=beside_a_large_number(small), name=name)
        for name, small in (("one", 1.0), ("fifty", 50.0))
    ]
    report = reported_trusted([agrees], misconceptions=known, affine=beside_a_large_number(50.0))
    assert report.checks[0].misconception == "fifty"


# -- errors ------------------------------------------------------------------------------------------------------------


def test_a_runtime_error_is_told_by_its_first_words():
    """torch raises it for whatever goes wrong, with sizes further on in what it says."""

    @misconception(of="affine", caught_by=CAUGHT)
    def loses_the_way(x, w, shift=0.0):
        """Do not lose it."""
        raise RuntimeError(f"it has lost the way at {x.shape}")

    def raising(said):
        def affine(x, w, shift=0.0):
            raise RuntimeError(said)

        return named(affine, known=[loses_the_way])

    assert raising("it has overwritten the way") == (None, None)
    assert raising("a gradient has another shape") == (None, None)
    assert raising("") == (None, None)
    assert raising("it has lost the way at (7, 7)") == ("loses_the_way", "Do not lose it.")
