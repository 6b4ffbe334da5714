"""Laws: what they say of an answer that breaks them, and that the grader's own stumbles are never a student's."""

import numpy as np
import pytest
from dlgrade.author import Mismatch, arrays, assert_close, check
from dlgrade.checking.inputs import SHRINK_TRIES, Drawer
from dlgrade.checking.run import run_check
from dlgrade.checking.trial import TrustedTarget
from dlgrade.model import Outcome
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tiny import (
    REFERENCE,
    RIGHT,
    affine_agrees,
    exercise_of,
    judged,
    message,
    passed,
    reported_trusted,
    run_call,
    total_agrees,
    trusted,
)


@check()
@given(x=arrays(within=3))
def doubles(total, x):
    """Twice the elements, twice the total."""
    assert_close(total(2 * x), 2 * total(x), scale=np.abs(x).sum() or 1.0)


@check()
@given(x=arrays((3, 4)), y=arrays((3, 4)))
def adds_up(affine, x, y):
    """affine is additive in x."""
    w = np.eye(4)[:, ::-1]
    assert_close(affine(x + y, w), affine(x, w) + affine(y, w), scale=np.abs(x).max() + np.abs(y).max())


@check()
@given(x=arrays())
def is_not_negative(total, x):
    """The total of squares is not negative."""
    assert total(x * x) >= 0


def test_a_law_that_holds_passes():
    for law in (doubles, adds_up, is_not_negative):
        assert passed(trusted(law))
        assert passed(judged(law, "def affine(x, w, shift=0.0): return x @ w\ndef total(x): return x.sum()"))


def test_a_mismatch_shows_both_sides_and_the_worst_element():
    finding = trusted(adds_up, affine=lambda x, w, shift=0.0: np.maximum(x, 0) @ w)
    assert finding.outcome == Outcome.FAILED
    evidence = finding.evidence
    assert evidence.message == "It does not hold here."
    assert evidence.rung == "law"
    assert evidence.worst is not None
    assert evidence.expected.count(">") == evidence.got.count(">") == 1
    assert f">{evidence.worst.got:>{len(evidence.worst.got)}}<" in evidence.got.replace(" ", "")
    assert [call.name for call in finding.failing] == ["affine"] * 3


def test_a_plain_assert_says_what_the_law_says():
    finding = trusted(is_not_negative, total=lambda x: -1.0)
    assert finding.outcome == Outcome.FAILED
    assert finding.evidence.call == "total(np.array([[4.0]]))"
    assert finding.evidence.expected is None


@check()
@given(x=arrays())
def with_words(total, x):
    """Says why."""
    if total(x) != 0:
        raise AssertionError("the total is not zero")


def test_the_words_of_an_assertion_are_the_message():
    assert message(trusted(with_words)) == "The total is not zero."


def test_one_raised_by_the_submission_is_told_as_that():
    finding = judged(doubles, "def total(x): return x.nothing")
    assert finding.outcome == Outcome.RAISED
    assert "AttributeError" in message(finding)
    assert finding.evidence.traceback[-1].text == "def total(x): return x.nothing"
    assert message(judged(doubles, "def total(x): raise NotImplementedError")) == "total is not started yet."


def test_a_result_of_another_kind_fails_before_the_law_looks_at_it():
    finding = trusted(doubles, total=lambda x: None)
    assert (finding.outcome, finding.evidence.rung) == (Outcome.FAILED, "structure")


@check()
@given(x=arrays((2, 3)))
def writes_into_the_answer(moments, x):
    """Writes into the answer and unpacks it, as laws do."""
    deviations, variance = moments(x)
    deviations *= deviations
    assert_close(deviations.mean(), variance, scale=np.abs(x).max() ** 2)
    assert f"{variance:.1f}" and {variance: "a number can be a key"}
    assert isinstance(moments(x), tuple)


def test_a_law_sees_one_kind_of_answer_whatever_was_returned():
    def moments(x):
        return [np.broadcast_to(x - x.mean(), x.shape), np.array(x.var())]

    assert passed(trusted(writes_into_the_answer, moments=moments))


# -- the law itself stumbles -------------------------------------------------------------------------------------------


@check()
@given(x=arrays((2, 3)))
def looks_at_the_third_column(affine, x):
    """Looks at the third column."""
    assert_close(affine(x, np.eye(3))[:, 2], x[:, 2])


def test_a_law_that_stumbles_over_a_wrong_answer_fails():
    report = reported_trusted([affine_agrees, looks_at_the_third_column], affine=lambda x, w, shift=0.0: x[:, :1])
    assert [result.outcome for result in report.checks] == [Outcome.FAILED, Outcome.FAILED]
    assert "cannot even be computed from what was returned (IndexError" in report.checks[1].evidence.message


@check()
@given(x=arrays((2, 3)))
def is_a_bad_law(affine, x):
    """Stumbles over right answers too."""
    assert affine(x, np.eye(3))[:, 7] == 0


@pytest.mark.parametrize("order", ["after", "before"])
def test_a_law_that_stumbles_over_a_right_answer_is_broken_and_never_a_fail(order):
    checks = [affine_agrees, is_a_bad_law]
    report = reported_trusted(checks if order == "after" else checks[::-1])
    outcomes = {result.name: result.outcome for result in report.checks}
    assert outcomes == {"affine_agrees": Outcome.PASSED, "is_a_bad_law": Outcome.BROKEN}
    assert report.verdict == "broken"


def test_one_agreement_of_two_is_not_enough_to_be_right():
    wrong = lambda x, w, shift=0.0: x @ w if x.shape[1] != 3 else (x @ w)[:, :2]  # noqa: E731
    only_small = type(affine_agrees)(
        "affine", name="only_small", given={"x": arrays((1, 1)), "w": arrays((1, 1))}, oracle=lambda x, w: x @ w
    )
    report = reported_trusted([only_small, affine_agrees, is_a_bad_law], affine=wrong)
    assert [result.outcome for result in report.checks] == [Outcome.PASSED, Outcome.FAILED, Outcome.FAILED]


@check()
@given(x=arrays((2, 3)))
def looks_at_two_functions(affine, total, x):
    """Looks at the third column, and at its total."""
    assert_close(total(affine(x, np.eye(3))[:, 2:3]), x[:, 2].sum() + 0 * affine(x, np.eye(3))[0, 2])


@pytest.mark.parametrize("order", ["after", "before"])
def test_where_one_of_two_functions_is_wrong_a_law_that_stumbles_is_not_broken(order):
    checks = [affine_agrees, total_agrees, looks_at_two_functions]
    narrow = lambda x, w, shift=0.0: x[:, :1]  # noqa: E731
    report = reported_trusted(checks if order == "after" else checks[::-1], affine=narrow)
    outcomes = {result.name: result.outcome for result in report.checks}
    assert outcomes == {
        "affine_agrees": Outcome.FAILED, "total_agrees": Outcome.PASSED, "looks_at_two_functions": Outcome.FAILED,
    }  # fmt: skip


def test_where_no_agreement_says_that_an_answer_is_right_it_is_not_held_to_be():
    report = reported_trusted([looks_at_the_third_column], affine=lambda x, w, shift=0.0: x[:, :1])
    assert [result.outcome for result in report.checks] == [Outcome.FAILED]


@check()
@given(x=arrays())
def shows_a_ragged_answer(ranked, x):
    """Shows an answer that is no array."""
    got = ranked([float(v) for v in x.ravel()])
    raise Mismatch("it is something else", got=got, want=[([0], 1.0)])


def test_a_mismatch_of_what_is_no_array_is_shown_as_it_is():
    finding = trusted(shows_a_ragged_answer)
    assert finding.outcome == Outcome.FAILED
    assert finding.evidence.expected == "[([0], 1.0)]"


@check()
@given(x=arrays(), n=st.integers(0, 3))
def assumes(total, x, n):
    """Speaks of some inputs only."""
    assume(n > 1)
    assert n > 1
    assert_close(total(x), x.sum(), scale=np.abs(x).sum() or 1.0)


def test_a_law_may_assume():
    assert passed(trusted(assumes))
    assert trusted(assumes, total=lambda x: x.sum() + 1).outcome == Outcome.FAILED


@check()
@given(case=st.fixed_dictionaries({"x": arrays((2, 2))}))
def writes_into_its_arguments(total, case):
    """Writes into what was drawn, between two calls."""
    x = case["x"]
    before = total(x)
    x += 1
    assert_close(total(x), before + 4, scale=np.abs(x).sum() + 4)


def test_a_law_that_writes_into_its_arguments_changes_nobodys_inputs():
    drawer = Drawer()
    wrong = {"total": lambda x: 0.0}
    first = trusted(writes_into_its_arguments, drawer=drawer, **wrong)
    for _ in range(3):
        assert passed(trusted(writes_into_its_arguments, drawer=drawer))
    again = trusted(writes_into_its_arguments, drawer=drawer, **wrong)
    assert first.evidence == again.evidence
    one, two = first.failing
    assert two.args[0].sum() == one.args[0].sum() + 4  # each call is shown as it was made


# -- the counterexample ------------------------------------------------------------------------------------------------


def test_the_counterexample_is_the_minimal_one():
    """Wrong only for at least two rows and three columns: that is the smallest shape, of the simplest numbers."""
    calls = 0

    def total(x):
        nonlocal calls
        calls += 1
        return float(x.sum()) + (x.shape[0] >= 2 and x.shape[1] >= 3)

    finding = trusted(doubles, total=total)
    assert finding.failing[0].args[0].shape == (2, 3)
    assert np.abs(finding.failing[1].args[0]).max() <= 3
    assert calls < 2 * SHRINK_TRIES + 200  # two calls in a law, and the replay
    source = "def total(x): return float(x.sum()) + (x.shape[0] >= 2 and x.shape[1] >= 3)"
    assert judged(doubles, source).failing[0].args[0].shape == (2, 3)


def test_one_that_then_fails_in_another_way_is_shown_as_it_failed_first():
    made = []

    def total(x):
        made.append(1)
        return -1.0 if len(made) == 1 else None

    finding = trusted(is_not_negative, total=total)
    assert len(made) > 1
    assert (finding.evidence.rung, finding.evidence.call is not None) == ("law", True)


def test_the_diagnosis_has_more_than_the_one_input_that_failed():
    finding = trusted(is_not_negative, total=lambda x: -1.0)
    assert len(finding.failing) == 1
    assert len({call.args[0].tobytes() for call in finding.fresh}) > 5


def test_what_is_pasted_shows_the_failure():
    total = lambda x: float(np.maximum(x, 0).sum()) + 1  # noqa: E731
    finding = trusted(doubles, total=total)
    twice, once = run_call(finding.evidence.call, {"total": total})
    assert twice != 2 * once


def test_of_many_calls_the_first_are_shown_and_the_rest_counted():
    @check()
    @given(x=arrays((1, 1)))
    def often(total, x):
        """Calls often."""
        assert sum(total(x) for _ in range(9)) is None

    finding = trusted(often)
    assert finding.evidence.call.count("total(") == 4
    assert finding.evidence.call.endswith("# and 5 more")


@check(examples=0)
@given(x=arrays())
@example(x=np.array([[7.0]]))
@example(x=np.array([[5.0]]))
def only_examples(total, x):
    """Only what is named is tried."""
    assert_close(total(x), x.sum(), scale=10)


def test_the_inputs_that_a_law_names_are_tried():
    seen = []
    assert passed(trusted(only_examples, total=lambda x: seen.append(float(x[0, 0])) or RIGHT["total"](x)))
    assert sorted(seen) == [5.0, 7.0]
    assert trusted(only_examples, total=lambda x: x.sum() + (x[0, 0] == 7)).outcome == Outcome.FAILED


def test_agreement_is_found_out_once_for_all_stumbles():
    asked = []

    def total(x):
        asked.append(1)
        return float(x.sum())

    @check(examples=30)
    @given(x=arrays())
    def stumbles(total, x):
        """Stumbles."""
        total(x)
        raise KeyError("ours")

    report = reported_trusted([stumbles, total_agrees], total=total)
    assert [result.outcome for result in report.checks] == [Outcome.BROKEN, Outcome.PASSED]
    assert "KeyError" in report.checks[0].evidence.message


@check()
@given(x=arrays((2, 3)), w=arrays((3, 2)))
def adds_the_shift(affine, x, w):
    """The shift is added to every element."""
    assert_close(affine(x=x, w=w, shift=2.0), affine(w=w, x=x) + 2.0, scale=np.abs(x).max() * np.abs(w).max() + 2)


def test_a_law_may_name_arguments_that_a_submission_calls_otherwise():
    """What has no default is passed by position, whoever calls."""
    renamed = "def affine(a, b, shift=0.0): return a @ b + np.asarray(shift, a.dtype)"
    assert passed(judged(adds_the_shift, renamed))
    assert passed(judged(adds_the_shift, renamed.replace("(a, b, shift", "(a, b, /, shift")))
    finding = judged(adds_the_shift, renamed.replace("+ np", "- np"))
    assert finding.evidence.call.splitlines()[0].startswith("affine(np.array([[")


def test_counterexamples_of_one_submission_share_their_tries(monkeypatch):
    """One mistake may fail many checks; the first are made small, the later ones as far as a few tries go."""
    from dlgrade.checking import trial

    allowed = []

    def smallest(source, fails, start, *, seed, tries):
        allowed.append(tries)
        for _ in range(tries):
            fails(start)
        return start

    monkeypatch.setattr(trial, "smallest", smallest)
    made = trial.Trial(exercise_of(REFERENCE), TrustedTarget({**RIGHT, "total": lambda x: -1.0}), Drawer(), 0, "tiny")
    made.tries = 1000
    for _ in range(4):
        run_check(is_not_negative, made)
    assert allowed == [SHRINK_TRIES, SHRINK_TRIES, 200, trial.LEAST_TRIES]
