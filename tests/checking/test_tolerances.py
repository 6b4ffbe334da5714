"""How close is close enough: in units of a scale, never absolutely."""

import numpy as np
import pytest
from dlgrade.author import Agreement, arrays, close
from dlgrade.checking.compare import difference, same, structure_problem
from dlgrade.model import Outcome
from dlgrade.sandbox.wire import Foreign, Oversize
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import message, passed, trusted, verdict

quick = settings(max_examples=150, deadline=None, database=None, derandomize=True)


def differs(got, want, *, scale=1.0, rtol=1e-10, dtype=np.float64, parts=()):
    found = difference(got, want, scale=scale, rtol=rtol, float_dtype=dtype, parts=parts)
    return found.rung if found else None


@quick
@given(x=arrays(within=5), error=st.sampled_from((0.0, 1e-13, 1e-11, 1e-9, 1e-3)), power=st.sampled_from((-6, 6, -100)))
def test_scaling_the_inputs_changes_no_verdict_of_a_linear_oracle(x, error, power):
    unit = 10.0**power

    def finding(unit):
        check = Agreement("affine", name="linear", given={}, oracle=lambda x, w: x @ w, cases=(), examples=0)
        check = Agreement(
            "affine", name="linear", given={}, oracle=lambda x, w: x @ w, examples=0,
            cases=({"x": x * unit, "w": np.ones((x.shape[1], 1))},),
        )  # fmt: skip
        wrong = trusted(check, affine=lambda x, w, shift=0.0: (x @ w) * x.dtype.type(1 + error), explain=False)
        return wrong.outcome

    assert finding(1.0) == finding(unit)
    if x.sum(axis=1).any():
        assert (finding(unit) == Outcome.PASSED) == (error < 1e-10)


@quick
@given(
    want=arrays(within=3),
    noise=arrays((4, 4), within=1),
    size=st.sampled_from((1e-12, 3e-11, 3e-10, 1e-6)),
    unit=st.sampled_from((1e-6, 1.0, 1e6, 1e-30, 1e30)),
)
def test_a_verdict_does_not_depend_on_the_unit(want, noise, size, unit):
    largest = np.abs(want).max()
    error = noise[: want.shape[0], : want.shape[1]] * size * largest
    plain = differs(want + error, want, scale=largest or 1.0)
    scaled = differs((want + error) * unit, want * unit, scale=(largest or 1.0) * unit)
    near_the_edge = np.isclose(np.abs(error).max(), 1e-10 * largest, rtol=1e-3)
    assert plain == scaled or near_the_edge


def scaled_check(scale=None, expected=1.0):
    return Agreement(
        "affine",
        name="scaled",
        given={"x": arrays((2, 2), within=3), "w": arrays((2, 2), within=3)},
        oracle=lambda x, w: np.array([[1.0, 1e-12], [expected, 0.0]]),
        scale=scale,
    )


def answers(array):
    return {"affine": lambda x, w, shift=0.0: np.array(array, dtype=x.dtype)}


def test_by_default_errors_are_measured_against_the_largest_expected_element():
    assert passed(trusted(scaled_check(), **answers([[1.0, 0.0], [1.0, 1e-11]])))
    assert verdict(trusted(scaled_check(), **answers([[1.0, 0.0], [1.0, 1e-9]]))) == (Outcome.FAILED, "values")


def test_with_a_scale_of_its_own_each_element_is_measured_against_that():
    check = scaled_check(scale=lambda x, w: np.array([[1.0, 1e-12], [1.0, 1e-12]]))
    assert verdict(trusted(check, **answers([[1.0, 0.0], [1.0, 0.0]]))) == (Outcome.FAILED, "values")
    assert passed(trusted(check, **answers([[1.0, 1e-12], [1.0, 1e-23]])))


def test_the_scale_is_asked_with_the_check_s_own_arguments():
    seen = []
    check = scaled_check(scale=lambda x, w: seen.append((x.dtype, x.shape, w.shape)) or 1.0)
    assert passed(trusted(check, **answers([[1.0, 1e-12], [1.0, 0.0]])))
    assert set(seen) == {(np.dtype(np.float64), (2, 2), (2, 2))}


def test_where_zero_is_expected_the_inputs_are_the_scale():
    check = Agreement(
        "affine", name="zero", given={}, oracle=lambda x, w: 0 * (x @ w), examples=0,
        cases=({"x": np.full((1, 1), 1e-6), "w": np.full((1, 1), 1e-6)},),
    )  # fmt: skip
    assert passed(trusted(check, affine=lambda x, w, shift=0.0: x * x.dtype.type(1e-11)))
    assert not passed(trusted(check, affine=lambda x, w, shift=0.0: x * x.dtype.type(1e-9)))


def test_whole_numbers_are_exact_however_large():
    big = 10**15
    assert differs([big + 1], [big], scale=(float(big),)) == "values"
    assert differs(np.array([big + 1]), np.array([big]), scale=float(big)) == "values"
    assert differs(np.array([big]), np.array([big], dtype=np.int64)) is None
    assert differs(np.array([3], dtype=np.int32), np.array([3])) is None


def test_nan_and_infinities_agree_with_themselves_only():
    want = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert differs(want.copy(), want) is None
    for place, other in ((0, 0.0), (0, np.inf), (1, -np.inf), (1, 1e308), (2, np.nan)):
        got = want.copy()
        got[place] = other
        assert differs(got, want) == "values"
    assert differs(np.array([np.nan]), np.array([1.0])) == "finite"


@pytest.mark.parametrize(
    ("got", "want", "rung"),
    [
        ([1.0], [1.0, 2.0], "structure"),
        ([[1.0], 2.0], [1.0, [2.0]], "structure"),
        (None, np.ones(2), "structure"),
        (np.ones(2), None, "structure"),
        (None, None, None),
        ((np.ones(2), None), (np.ones(2), None), None),
        ("a", "a", None),
        ("a", "b", "values"),
        (1.0, "a", "structure"),
        (Foreign("generator"), 1.0, "structure"),
        (Foreign("generator"), "a", "structure"),
        ({"w": np.ones(2)}, {"w": np.ones(2)}, None),
        ({"w": np.ones(2)}, {"w": np.zeros(2)}, "values"),
        ({"v": np.ones(2)}, {"w": np.ones(2)}, "structure"),
        ({"w": np.ones(2), "b": 1.0}, {"w": np.ones(2)}, "structure"),
        ({"w": np.ones(2)}, {"w": np.ones(2), "b": 1.0}, "structure"),
        ({"w": np.ones(2), "b": 1.0}, {"b": 1.0, "w": np.ones(2)}, None),
        (True, True, None),
        (False, True, "values"),
        (np.array([True]), np.array([False]), "values"),
        (np.array([1.0]), np.array([True]), "dtype"),
        (np.array([1]), np.array([True]), "dtype"),
        (np.array([True]), np.array([1]), "dtype"),
        (np.array([1]), np.array([1.0]), "dtype"),
        (np.array([1j]), np.array([1j]), None),
        (np.array([1j]), np.array([2j]), "values"),
        (Oversize("float64", (3,)), np.ones(2), "shape"),
        (Oversize("complex128", (2,)), np.ones(2), "dtype"),
        ([["a", "b"], ["c"]], [["a", "b"], ["c"]], None),
        ([["a", "b"], ["c"]], [["a"], ["b", "c"]], "structure"),
        ([], [], None),
    ],
)
def test_the_rung_on_which_two_results_differ(got, want, rung):
    assert differs(got, want) == rung


def test_of_several_results_each_is_measured_against_its_own_scale():
    want = (np.array([1e6]), 1.0)
    assert differs((np.array([1e6 + 1e-5]), 1.0), want, scale=(1e6, 1.0)) is None
    assert differs((np.array([1e6]), 1.0 + 1e-5), want, scale=(1e6, 1.0)) == "values"


def test_complex_results_have_the_precision_of_the_inputs():
    got = np.array([1j], dtype=np.complex64)
    assert differs(got, np.array([1j]), dtype=np.float32) is None
    assert differs(got, np.array([1j]), dtype=np.float64) == "dtype"


def test_what_kind_a_result_is():
    assert structure_problem(np.bool_(True), bool) is None
    assert structure_problem(np.array(True), bool) is None
    assert structure_problem(1, bool) is not None
    assert structure_problem(1, int) is None
    assert structure_problem(True, int) == "it returned a value of type 'bool', not a number"
    assert structure_problem([1, 2], list[int]) is None
    assert structure_problem([1, 2.5], list[str]) is not None
    assert structure_problem((1, 2, 3), tuple[int, ...]) is None
    assert structure_problem(None, np.ndarray | None) is None
    assert structure_problem(1.0, np.ndarray | None) is not None
    assert structure_problem(object(), type(lambda: 0).__call__ and "a forward reference") is None
    assert structure_problem(1.0, __import__("inspect").Signature.empty) is None
    assert structure_problem(Foreign("\x1b[2J x"), float) == r"it returned \x1b[2J x, not a number"


def test_same_is_blind_to_rounding_and_to_nothing_else():
    x = np.array([1.0, 2.0])
    assert same(x, x + 1e-12) and not same(x, x + 1e-8)
    assert same(x.astype(np.float32), (x + 1e-6).astype(np.float32))
    assert not same(x.astype(np.float32), (x * 1.001).astype(np.float32))
    assert not same(x, x.astype(np.float32))
    assert not same(x, x[None])
    assert same([x, 1.0], (x, 1.0)) and not same([x], [x, x])
    assert same({"a": x}, {"a": x}) and not same({"a": x}, {"a": x + 1}) and not same({"a": x}, {"b": x})
    assert same(None, None) and not same(None, 0.0)
    assert same(1, 1) and not same(1, 1.0)
    assert same("a", "a") and not same("a", 1.0)
    assert same(np.array([np.nan]), np.array([np.nan]))
    assert not same(Foreign("set"), x)


def test_close_is_relative_to_the_scale():
    assert close(np.array([1.0 + 1e-11]), np.array([1.0]), rtol=1e-10).all()
    assert not close(np.array([1e-20]), np.array([2e-20]), rtol=1e-10).any()


@pytest.mark.parametrize("scale", [np.inf, np.nan, np.array([1.0, np.inf])])
def test_what_would_let_anything_agree_is_no_scale(scale):
    with pytest.raises(ValueError, match="the scale of a comparison is not finite"):
        close(np.array([1.0, 5.0]), np.array([1.0, 2.0]), rtol=1e-10, scale=scale)


def test_the_message_names_the_part_and_counts():
    found = difference(
        (np.ones(3), np.zeros(2)), (np.ones(3), np.ones(2)), scale=1.0, rtol=1e-10, float_dtype=np.float64,
        parts=("dx", "dw"),
    )  # fmt: skip
    assert found.message == "in dw, 2 of 2 elements differ"
    check = scaled_check()
    assert message(trusted(check, **answers([[1.0, 0.0], [2.0, 0.0]]))) == "1 of 4 elements differ."
