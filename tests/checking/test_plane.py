"""The picture of where a result is wrong: its last two dimensions about the worst element, never large."""

from __future__ import annotations

import json

import numpy as np
from dlgrade.checking.compare import PLANE_SIDE, plane
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays


def test_a_small_array_is_there_whole() -> None:
    want = np.arange(6.0).reshape(2, 3)
    got = want + np.array([[0, 0, 0.5], [0, -1, 0]])
    found = plane(got, want, got != want)
    assert found is not None
    assert (found.compared, found.shape, found.start) == ("values", (2, 3), (0, 0))
    assert found.got == ((0.0, 1.0, 2.5), (3.0, 3.0, 5.0))
    assert found.off == ((0.0, 0.0, 0.5), (0.0, -1.0, 0.0))


def test_of_a_large_one_there_is_the_part_about_the_worst() -> None:
    want = np.zeros((3, 40, 50))
    got = want.copy()
    got[2, 39, 20], got[0, 0, 0] = 7.0, 1.0
    found = plane(got, want, got != want, "gradient")
    assert found is not None
    assert found.shape == (3, 40, 50) and found.start == (2, 40 - PLANE_SIDE, 20 - PLANE_SIDE // 2)
    assert {len(row) for row in (*found.got, *found.off)} == {PLANE_SIDE} == {len(found.off)}
    assert found.off[-1][PLANE_SIDE // 2] == 7.0


def test_what_is_close_enough_is_no_error_and_what_is_not_finite_no_number() -> None:
    want = np.ones(4)
    got = np.array([1 + 1e-12, np.nan, np.inf, 2.0])
    found = plane(got, want, np.array([False, True, True, True]))
    assert found is not None
    assert found.off == ((0.0, None, None, 1.0),) and found.got == ((1.0, None, None, 2.0),)
    json.dumps([found.got, found.off], allow_nan=False)


def test_where_nothing_can_be_compared_there_is_no_picture() -> None:
    one, other = np.zeros(3), np.ones(3)
    for got, want, wrong in (
        (one, other, None),
        (one, np.ones(4), np.ones(3, bool)),
        ("text", other, np.ones(3, bool)),
        (one, one, np.zeros(3, bool)),
        (1.0, 2.0, np.True_),
        (one.astype(complex), other, np.ones(3, bool)),
    ):
        assert plane(got, want, wrong) is None


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_any_two_arrays_give_numbers_of_json_and_few(data) -> None:
    shape = data.draw(array_shapes(min_dims=1, max_dims=4, max_side=20))
    got, want = (data.draw(arrays(np.float64, shape, fill=st.just(0.0))) for _ in range(2))
    found = plane(got, want, ~(got == want))
    if found is not None:
        assert len(json.dumps([found.got, found.off], allow_nan=False)) < 10_000
        assert len(found.start) == len(found.shape) == len(shape)
