"""Values as text: what is pasted makes the same values again, and what is shown is aligned, short and harmless."""

import numpy as np
import pytest
from dlgrade.checking.literal import SHOWN, aligned, call_text, literal, shown, weight, worst_index
from dlgrade.sandbox.calls import Call
from dlgrade.sandbox.wire import Foreign, layout_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tiny import run_call

quick = settings(max_examples=200, deadline=None, database=None, derandomize=True)

BLOCK = np.arange(24.0).reshape(2, 3, 4) / 7
VALUES = {
    "float64": BLOCK,
    "float32": BLOCK.astype(np.float32),
    "float16": BLOCK.astype(np.float16),
    "int64": np.arange(-3, 3),
    "int32": np.arange(-3, 3, dtype=np.int32),
    "uint8": np.arange(250, 256, dtype=np.uint8),
    "bool": np.array([True, False]),
    "complex": np.array([1 + 2j, -0.1j, complex(np.inf, np.nan)]),
    "special": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e308]),
    "special32": np.array([np.nan, -np.inf, 1e-45], dtype=np.float32),
    "zero_d": np.array(0.1),
    "empty": np.zeros((0, 3)),
    "empty32": np.zeros((2, 0), dtype=np.float32),
    "column_major": np.asfortranarray(BLOCK[0]),
    "strided": np.repeat(BLOCK[0], 2, axis=-1)[..., ::2],
    "strided32": np.repeat(BLOCK[0].astype(np.float32), 2, axis=-1)[..., ::2],
    "reversed": BLOCK[..., ::-1],
    "large": np.linspace(0, 1, 5000),
    "float": 0.1 + 0.2,
    "infinite": float("inf"),
    "minus_infinite": -float("inf"),
    "not_a_number": float("nan"),
    "scalar32": np.float32(0.1),
    "scalar64": np.float64(0.1),
    "scalar_int": np.int32(7),
    "scalar_bool": np.bool_(True),
    "text": "a 'quoted'\n\x1b[31m\u202e",
    "again and again": np.resize([0.5, -0.0, np.nan], (40, 5)),
    "again in float32": np.resize(np.array([1, 2], dtype=np.float32), (3, 4, 7)),
    "zeros of two signs": np.resize([0.0, -0.0], 100),
    "not quite again": np.append(np.resize([1, 2, 3], 99), 7),
    "again by columns": np.asfortranarray(np.resize([1, 2], (9, 9))),
    "nested": [[1, 2.5, "a"], (None, True), (3,), []],
    "arrays_in_lists": [np.array([1.0, -np.inf]), (np.array([2], dtype=np.int8),)],
    "dict": {"w": np.array([[1.5]]), "b": [0.5]},
}


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (np.ndarray, np.generic)):
        assert one.dtype == other.dtype and one.shape == other.shape
        assert np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
        if one.dtype.kind == "f":  # whether a NaN has a sign is nobody's concern
            assert np.array_equal(np.signbit(one) & ~np.isnan(one), np.signbit(other) & ~np.isnan(other))
        assert layout_of(np.asarray(one)) == layout_of(np.asarray(other))
    else:
        assert one == other or (one != one and other != other)


@pytest.mark.parametrize("name", VALUES)
def test_a_literal_makes_the_value_again(name):
    assert_same(eval(literal(VALUES[name]), {"np": np}), VALUES[name])


@pytest.mark.parametrize("name", [name for name, value in VALUES.items() if isinstance(value, np.ndarray)])
def test_a_tensor_is_made_again(name):
    torch = pytest.importorskip("torch")
    value = VALUES[name]
    if layout_of(value) == "reversed":
        pytest.skip("there is no such tensor")
    made = eval(literal(value, tensors=True), {"torch": torch})
    assert_same(made.numpy(), value)


@pytest.mark.parametrize("name", ["column_major", "strided", "again in float32"])
def test_a_gradient_stands_in_grad_when_its_call_is_pasted(name):
    torch = pytest.importorskip("torch")
    one = np.array(1.0, dtype=VALUES[name].dtype)
    call = Call("square", ((one,), (0,), VALUES[name]), {}, tensors=True, measure="gradient")
    pasted = {"torch": torch, "square": lambda x: (x * x).sum()}
    exec(call_text(call), pasted)
    assert_same((pasted["t0"].grad / 2).contiguous().numpy(), np.ascontiguousarray(VALUES[name]))


def test_what_comes_again_is_told_in_short():
    assert all(len(literal(VALUES[name])) < 70 for name in VALUES if name.startswith("again in"))


@quick
@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.bool_, np.complex128]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_any_array_is_made_again(array):
    assert_same(eval(literal(array), {"np": np}), array)


@pytest.mark.parametrize("name", VALUES)
def test_a_call_makes_its_arguments_again(name):
    seen = []
    value = VALUES[name]
    call = Call("f", (value, 2.0), {"other": value})
    run_call(call_text(call), {"f": lambda *args, **kwargs: seen.append((args, kwargs))})
    ((args, kwargs),) = seen
    assert_same(list(args), [value, 2.0])
    assert_same(kwargs, {"other": value})


def test_what_is_read_only_is_so_again():
    x = np.array([[1.0, 2.0], [3.0, 4.0]], order="F")
    x.flags.writeable = False
    seen = []
    text = call_text(Call("f", (x,), {"w": x}))
    run_call(text, {"f": lambda *args, **kwargs: seen.append((*args, *kwargs.values()))})
    for array in seen[0]:
        assert not array.flags.writeable
        assert array.flags.f_contiguous
        np.testing.assert_array_equal(array, x)


def test_a_callable_is_shown_by_its_name():
    def step(prefix):
        return prefix

    assert call_text(Call("beam_search", (step, 0), {})) == "beam_search(step, 0)"


def test_fewer_elements_weigh_less_and_then_shorter_text():
    assert weight({"x": np.zeros((2, 2))}) > weight({"x": np.full((1, 3), 0.123456)})
    assert weight({"x": np.full(2, 0.125)}) > weight({"x": np.zeros(2)})
    assert weight({"case": {"x": np.zeros(3)}, "y": [np.zeros(2)]})[0] == 5


# -- under each other --------------------------------------------------------------------------------------------------


def rows(text):
    return [line for line in text.split("\n") if "[" in line or "]" in line]


def test_columns_are_aligned_and_the_worst_is_marked():
    want = np.array([[1.0, -20.25], [3.0, 4.0]])
    got = np.array([[1.0, -20.25], [3.5, 400.0]])
    expected, given_, worst = aligned(got, want, got != want)
    assert worst.index == (1, 1) and (worst.expected, worst.got, worst.error) == ("4", "400", 396.0)
    assert [len(line) for line in expected.split("\n")] == [len(line) for line in given_.split("\n")]
    assert expected == "[[      1  -20.25 ]\n [      3 >     4<]]"
    assert given_ == "[[      1  -20.25 ]\n [    3.5 >   400<]]"
    for text in (expected, given_):
        assert text.count(">") == text.count("<") == 1


def test_the_worst_is_one_that_is_not_finite_if_there_is_one():
    want = np.array([1.0, 1.0, 1.0])
    for bad in (np.nan, np.inf, -np.inf):
        got = np.array([1e300, bad, 1.0])
        assert worst_index(got, want, got != want) == (1,)
        _, _, worst = aligned(got, want, got != want)
        assert worst.got == str(float(bad)) and worst.error is None


def test_only_what_is_wrong_can_be_the_worst():
    got, want = np.array([5.0, 1.001]), np.array([1.0, 1.0])
    assert aligned(got, want, np.array([False, True]))[2].index == (1,)
    assert aligned(got, want)[2] is None


def test_digits_grow_until_the_difference_shows():
    for error in (1e-3, 1e-7, 1e-10, 1e-13, 2.3e-16):
        got, want = np.array([1.0, 1.0 + error]), np.array([1.0, 1.0])
        expected, given_, worst = aligned(got, want, got != want)
        assert worst.expected != worst.got
        assert expected != given_
    assert aligned(np.array([1.25]), np.array([2.0]), np.array([True]))[0] == "[>   2<]"


@pytest.mark.parametrize("shape", [(5000,), (100, 100), (4, 5, 6, 7), (65, 1), (2, 3, 500)])
def test_a_big_array_is_shown_about_its_worst_element(shape):
    rng = np.random.default_rng(0)
    want = np.ones(shape)
    for _ in range(5):
        index = tuple(int(rng.integers(side)) for side in shape)
        got = want.copy()
        got[index] = 1234.5
        _, given_, worst = aligned(got, want, got != want)
        assert worst.index == index
        assert ">1234.5<" in given_
        assert given_.startswith("[") and f"of shape {shape}:" in given_.split("\n")[0]
        spans = [tuple(map(int, span.split(":"))) for span in given_.split("] of")[0].strip("[").split(", ")]
        assert all(low <= i < high for i, (low, high) in zip(index, spans, strict=True))
        assert np.prod([high - low for low, high in spans]) <= SHOWN
        assert len(given_) < 3000


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (np.array(2.0), np.array(1.0)),
        (2.0, 1.0),
        (np.float32(2), 1.0),
        (np.array([1]), np.array([2])),
        (np.array([True]), np.array([False])),
        (np.array([1j]), np.array([1.0])),
        (np.array([1.0]), np.array([1j])),
        (np.array([250], dtype=np.uint8), np.array([251], dtype=np.uint8)),
        (3, True),
    ],
)
def test_every_kind_of_number_can_be_compared(got, want):
    expected, given_, worst = aligned(got, want, np.asarray(got) != np.asarray(want))
    assert expected and given_ and worst is not None


def test_an_empty_array_and_other_shapes_are_shown_as_they_are():
    assert aligned(np.zeros((0, 2)), np.zeros((0, 2)))[2] is None
    expected, given_, worst = aligned(np.zeros(2), np.ones((1, 2)), None)
    assert (expected, given_, worst) == ("[[1., 1.]]", "[0., 0.]", None)
    assert aligned([1, [2]], [1, [3]])[:2] == ("[1, [3]]", "[1, [2]]")
    assert aligned(None, np.ones(1))[:2] == ("[1.]", "None")


HOSTILE = "\x1b[2J\x00\u202egnp \x07\x9b31m"


@pytest.mark.parametrize("value", [HOSTILE, [HOSTILE], {"k": HOSTILE}, Foreign(HOSTILE), (Foreign(HOSTILE),)])
def test_hostile_text_is_escaped(value):
    from dlgrade.checking.compare import described

    for text in (shown(value), described(value)):
        assert text.isprintable(), text
    assert len(shown("x" * 10**6)) <= 600
