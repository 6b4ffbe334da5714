"""The ladder of an Agreement: the first rung that fails is the diagnosis, and what is right in any style passes."""

# ruff: noqa: E501 -- students write one-liners

import functools

import numpy as np
import pytest
from dlgrade.model import Outcome
from tiny import (
    RIGHT,
    affine_agrees,
    judged,
    message,
    moments_agrees,
    passed,
    ranked_agrees,
    total_agrees,
    trusted,
    verdict,
)

FAILED = Outcome.FAILED
SIGNATURE = "def affine(x, w, shift=0.0):\n    "


def affine(body: str) -> str:
    return SIGNATURE + body.replace("\n", "\n    ")


# -- the rungs, each as the first that fails ---------------------------------------------------------------------------

LADDER = {
    # exists
    "missing": (FAILED, "exists", "tiny.py defines no function affine.", ""),
    "misnamed": (FAILED, "exists", "Did you mean affine where you wrote afine?", "def afine(x, w, shift=0.0): return x"),
    "no_function": (FAILED, "exists", "affine is no function but a value of type 'float'.", "affine = 3.0"),
    # signature
    "too_few": (FAILED, "signature", "takes too few arguments", "def affine(x): return x"),
    "without_optional": (FAILED, "signature", "no parameter 'shift'", "def affine(x, w): return x @ w"),
    "extra": (FAILED, "signature", "requires one more argument, 'b'", "def affine(x, w, b, shift=0.0): return x @ w"),
    "lost_default": (FAILED, "signature", "'shift' has lost its default", "def affine(x, w, shift): return x @ w"),
    "keyword_only": (FAILED, "signature", "takes too few", "def affine(x, *, w, shift=0.0): return x @ w"),
    "new_keyword": (FAILED, "signature", "the keyword 'b'", "def affine(x, w, shift=0.0, *, b): return x @ w"),
    "optional_by_keyword_only": (
        FAILED, "signature", "'shift'", "def affine(x, w, *, shift=0.0): return x @ w + np.asarray(shift, x.dtype)",
    ),
    "optional_elsewhere": (
        FAILED, "signature", "'shift'",
        "def affine(x, w, scale=1.0, shift=0.0): return scale * (x @ w) + np.asarray(shift, x.dtype)",
    ),
    # runs
    "raises": (Outcome.RAISED, "runs", "It raised ZeroDivisionError: division by zero", affine("return 1 / 0")),
    "not_started": (FAILED, "not_started", "affine is not started yet.", affine("raise NotImplementedError")),
    "exits": (Outcome.RAISED, "runs", "calls exit()", affine("raise SystemExit(0)")),
    # structure
    "none": (FAILED, "structure", "returned None, not an array", affine("x @ w")),
    "list": (FAILED, "structure", "returned a list of", affine("return (x @ w + shift).tolist()")),
    "tuple": (FAILED, "structure", "returned a tuple of 2, not an array", affine("return x @ w, shift")),
    "generator": (FAILED, "structure", "a value of type 'generator'", affine("yield x @ w")),
    "objects": (FAILED, "structure", "an array of dtype object", affine("return (x @ w).astype(object)")),
    "string": (FAILED, "structure", "a value of type 'str'", affine("return str(x)")),
    "dict": (FAILED, "structure", "a value of type 'dict'", affine("return {'out': x}")),
    "bool": (FAILED, "structure", "a value of type 'bool'", affine("return True")),
    "scalar": (FAILED, "structure", "a value of type 'float', not an array", affine("return float(x.sum())")),
    "numpy_scalar": (FAILED, "structure", "a NumPy float64 scalar, not an array", affine("return x.sum()")),
    # shape
    "transposed": (FAILED, "shape", "it has shape"[1:], affine("return (x @ w + np.asarray(shift, x.dtype)).T")),
    "broadcasts": (FAILED, "shape", "shape (1, ", affine("return (x @ w + shift).astype(x.dtype)[None]")),
    # dtype
    "float64": (FAILED, "float32", "has dtype float64, not float32", affine("return x.astype(float) @ w + shift")),
    "float16": (FAILED, "dtype", "has dtype float16, not float64", affine("return (x @ w + shift).astype('f2')")),
    "int": (FAILED, "dtype", "has dtype int64, not float64", affine("return (x @ w + shift).astype(int)")),
    "complex": (FAILED, "dtype", "has dtype complex128", affine("return (x @ w + shift) + 0j")),
    "bools": (FAILED, "dtype", "has dtype bool", affine("return (x @ w + shift) > 0")),
    # finite
    "nan": (FAILED, "finite", "holds nan where the right value is finite", affine("return x @ w * np.nan")),
    "one_inf": (FAILED, "finite", "holds inf", affine("y = x @ w + shift\ny.flat[-1] = np.inf\nreturn y")),
    # values
    "slightly_off": (
        FAILED, "values", "differ", affine("return (x @ w + np.asarray(shift, x.dtype)) * x.dtype.type(1 + 1e-9)"),
    ),
    "single_inside": (
        FAILED, "values", "differ",
        affine("return (x.astype('f4') @ w.astype('f4') + np.float32(shift)).astype(x.dtype)"),
    ),
    "zeros": (FAILED, "values", "", affine("return np.zeros_like(x @ w)")),
    # values, of one way to call it only
    "another_default": (
        FAILED, "values", "", "def affine(x, w, shift=1.0): return x @ w + np.asarray(shift, x.dtype)",
    ),
    "deaf_to_the_keyword": (
        FAILED, "values", "",
        "def affine(*args, **kw): return args[0] @ args[1] + np.asarray((args[2:] or [0.0])[0], args[0].dtype)",
    ),
    "deaf_to_the_position": (
        FAILED, "values", "",
        "def affine(x, w, *rest, **kw): return x @ w + np.asarray(kw.get('shift', 0.0), x.dtype)",
    ),
    # arguments
    "in_place": (
        FAILED, "arguments", "changed its argument x in place",
        affine("y = x @ w + np.asarray(shift, x.dtype)\nx *= 2\nreturn y"),
    ),
    "relabelled": (
        FAILED, "arguments", "changed its argument x in place",
        affine("y = x @ w + np.asarray(shift, x.dtype)\nx.dtype = 'S8' if x.itemsize == 8 else 'S4'\nreturn y"),
    ),
    # again
    "keeps_state": (
        FAILED, "repeatable", "Called again with the same arguments, it answers differently",
        "calls = []\n"
        + affine("calls.append(1)\nreturn x @ w + np.asarray(shift, x.dtype) * (1 if len(calls) < 35 else 3)"),
    ),
    "order_matters": (
        FAILED, "repeatable", "answers differently",
        "kept = {}\n"
        + affine(
            "key = len(kept)\nif key < 20:\n    kept[key] = 1\n    return x @ w + np.asarray(shift, x.dtype)\n"
            "last, kept['last'] = kept.get('last', 0.0), float(x.sum())\n"
            "return x @ w + np.asarray(shift + (1e-3 if last > x.sum() else 0), x.dtype)"
        ),
    ),
    # other forms
    "float32_only": (
        FAILED, "float32", "Given float32, ",
        affine("return x @ w + np.asarray(shift, x.dtype) + (x.dtype == np.float32)"),
    ),
    "strided_only": (
        FAILED, "strided", "Given an array that is not contiguous in memory, ",
        affine("flat = x.base.ravel()[:x.size].reshape(x.shape) if x.base is not None and not x.flags.f_contiguous "
               "and not x.flags.c_contiguous else x\nreturn flat @ w + np.asarray(shift, x.dtype)"),
    ),
    "column_major_only": (
        FAILED, "column_major", "Given an array in column-major memory order, ",
        affine("y = np.ravel(x, order='K').reshape(x.shape) if x.flags.f_contiguous else x\n"
               "return y @ w + np.asarray(shift, x.dtype)"),
    ),
    "read_only_only": (
        Outcome.RAISED, "read_only", "Given a read-only array, it raised ValueError",
        affine("x *= -1\nx *= -1\nreturn x @ w + np.asarray(shift, x.dtype)"),
    ),
    "lies_about_equality": (
        FAILED, "values", "differ",
        "class Yes(np.ndarray):\n"
        "    def __eq__(self, other): return np.ones(self.shape, bool)\n"
        "    def __sub__(self, other): return np.zeros(self.shape)\n"
        "    def __array_ufunc__(self, *a, **k): return np.zeros(self.shape)\n"
        + affine("return np.zeros((len(x), w.shape[1]), x.dtype).view(Yes)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LADDER)
def test_the_first_rung_that_fails_is_the_diagnosis(name):
    outcome, rung, words, source = LADDER[name]
    finding = judged(affine_agrees, source)
    assert verdict(finding) == (outcome, rung), message(finding)
    assert words in message(finding)


TOTAL = {
    "array_for_float": ("structure", lambda x: x),
    "shape_1": ("structure", lambda x: np.array([x.sum()])),
    "complex": ("structure", lambda x: complex(x.sum())),
    "bool": ("structure", lambda x: bool(x.sum())),
    "numpy_bool": ("structure", lambda x: np.bool_(x.sum())),
    "text": ("structure", lambda x: "1.0"),
    "none": ("structure", lambda x: None),
    "nan": ("finite", lambda x: float("nan")),
    "slightly_off": ("values", lambda x: float(x.sum()) + 1e-9 * float(np.abs(x).sum()) + 1e-9 * (x.size == 0)),
}


@pytest.mark.parametrize("name", TOTAL)
def test_a_wrong_number(name):
    rung, total = TOTAL[name]
    assert verdict(trusted(total_agrees, total=total)) == (FAILED, rung)


MOMENTS = {
    "too_short": ("structure", "a tuple of 1", lambda x: (x - x.mean(),)),
    "too_long": ("structure", "a tuple of 3", lambda x: (x - x.mean(), x.var(), 0.0)),
    "array_alone": ("structure", "an array"[2:], lambda x: x - x.mean()),
    "swapped": ("structure", "Result 1 of 2 is a NumPy float64 scalar", lambda x: (x.var(), x - x.mean())),
    "first_none": ("structure", "Result 1 of 2 is None", lambda x: (None, x.var())),
    "second_wrong": ("values", "variance", lambda x: (x - x.mean(), 2 * x.var() + 1)),
    "first_shape": ("shape", "deviations has shape", lambda x: ((x - x.mean())[None], x.var() + 1)),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_a_wrong_tuple(name):
    rung, words, moments = MOMENTS[name]
    finding = trusted(moments_agrees, moments=moments)
    assert verdict(finding) == (FAILED, rung)
    assert words in message(finding)


NESTED = {
    "empty": lambda scores: [],
    "too_short": lambda scores: RIGHT["ranked"](scores)[:-1],
    "too_long": lambda scores: [*RIGHT["ranked"](scores), ([0], 0.0)],
    "regrouped": lambda scores: [([], s) if i else ([*t, *t], s) for i, (t, s) in enumerate(RIGHT["ranked"](scores))],
    "reversed": lambda scores: RIGHT["ranked"](scores)[::-1],
    "scores_only": lambda scores: [s for _, s in RIGHT["ranked"](scores)],
}


@pytest.mark.parametrize("name", NESTED)
def test_a_wrong_nested_list(name):
    finding = trusted(ranked_agrees, ranked=NESTED[name])
    assert finding.outcome == FAILED, finding
    assert finding.evidence.rung in ("structure", "values")


def test_lists_and_tuples_mean_the_same_where_results_nest():
    finding = trusted(ranked_agrees, ranked=lambda scores: tuple([t, s] for t, s in RIGHT["ranked"](scores)))
    assert passed(finding) or "a tuple of" in message(finding)
    assert passed(trusted(ranked_agrees, ranked=lambda s: [[[int(i) for i in t], v] for t, v in RIGHT["ranked"](s)]))


def test_rungs_below_the_first_that_fails_are_not_reported():
    """Wrong in shape for some inputs, in dtype for others, in values for all: the shape is what is told."""

    def affine(x, w, shift=0.0):
        y = x @ w + shift + 1
        return y.astype(np.float16) if len(x) % 2 else y[None]

    finding = trusted(affine_agrees, affine=affine)
    assert verdict(finding) == (FAILED, "shape")
    assert "dtype" not in message(finding) and "differ" not in message(finding)


# -- right answers in every style --------------------------------------------------------------------------------------

STYLES = {
    "loops": """
        def affine(x, w, shift=0.0):
            out = np.empty((len(x), w.shape[1]), dtype=x.dtype)
            for i in range(len(x)):
                for j in range(w.shape[1]):
                    out[i, j] = sum(x[i, k] * w[k, j] for k in range(len(w))) + x.dtype.type(shift)
            return out
        """,
    "backwards": """
        def affine(x, w, shift=0.0):
            return (x[:, ::-1] @ w[::-1] + np.asarray(shift, x.dtype))
        """,
    "einsum": """
        def affine(x, w, shift=0.0):
            return np.einsum("ik,kj->ij", x, w) + np.asarray(shift, x.dtype)
        """,
    "in_float64_inside": """
        def affine(x, w, shift=0.0):
            return (x.astype(float) @ w.astype(float) + shift).astype(x.dtype)
        """,
    "any_arguments": "def affine(*args, **kw): return args[0] @ args[1] + np.asarray((args[2:] or [kw.get('shift', 0.0)])[0], args[0].dtype)",
    "renamed": "def affine(a, b, shift=0.0): return a @ b + np.asarray(shift, a.dtype)",
    "more_options": "def affine(x, w, shift=0.0, verbose=False): return x @ w + np.asarray(shift, x.dtype)",
    "another_default": "def affine(x, w, shift=0): return x @ w + np.asarray(shift, x.dtype)",
    "annotated": "def affine(x: 'list', w: int, shift: str = 0.0) -> None: return x @ w + np.asarray(shift, x.dtype)",
    "fortran_result": "def affine(x, w, shift=0.0): return np.asfortranarray(x @ w + np.asarray(shift, x.dtype))",
    "view_of_a_result": "def affine(x, w, shift=0.0): return (w.T @ x.T + np.asarray(shift, x.dtype)).T",
    "reversed_view": "def affine(x, w, shift=0.0): return (x @ w[:, ::-1] + np.asarray(shift, x.dtype))[:, ::-1]",
    "broadcast_view": "def affine(x, w, shift=0.0): return np.broadcast_to(x @ w + np.asarray(shift, x.dtype), (len(x), w.shape[1]))",
    "read_only_result": """
        def affine(x, w, shift=0.0):
            y = x @ w + np.asarray(shift, x.dtype)
            y.flags.writeable = False
            return y
        """,
    "big_endian_result": "def affine(x, w, shift=0.0): return (x @ w + np.asarray(shift, x.dtype)).astype(x.dtype.newbyteorder('>'))",
    "matrix": "def affine(x, w, shift=0.0): return np.asmatrix(x) * np.asmatrix(w) + np.asarray(shift, x.dtype)",
    "subclass": """
        class Tensor(np.ndarray): pass
        def affine(x, w, shift=0.0): return (x @ w + np.asarray(shift, x.dtype)).view(Tensor)
        """,
    "masked_array": "def affine(x, w, shift=0.0): return np.ma.masked_array(x @ w + np.asarray(shift, x.dtype))",
    "memory_map_like": """
        def affine(x, w, shift=0.0):
            y = np.ascontiguousarray(x @ w + np.asarray(shift, x.dtype))
            return np.frombuffer(memoryview(y), dtype=x.dtype).reshape(y.shape)
        """,
    "partial": """
        import functools
        def _affine(scale, x, w, shift=0.0): return scale * (x @ w) + np.asarray(shift, x.dtype)
        affine = functools.partial(_affine, 1)
        """,
    "instance": """
        class Affine:
            def __call__(self, x, w, shift=0.0): return x @ w + np.asarray(shift, x.dtype)
        affine = Affine()
        """,
    "method": """
        class Affine:
            @classmethod
            def run(cls, x, w, shift=0.0): return x @ w + np.asarray(shift, x.dtype)
        affine = Affine.run
        """,
    "decorated": """
        import functools
        def logged(function):
            @functools.wraps(function)
            def inner(*args, **kwargs):
                print("called")
                return function(*args, **kwargs)
            return inner
        @logged
        def affine(x, w, shift=0.0): return x @ w + np.asarray(shift, x.dtype)
        """,
    "decorated_over_a_narrower_one": """
        import functools
        def shifted(function):
            @functools.wraps(function)
            def affine(x, w, shift=0.0): return function(x, w) + np.asarray(shift, x.dtype)
            return affine
        @shifted
        def affine(x, w): return x @ w
        """,
    "decorated_carelessly": """
        def logged(function):
            def inner(*args, **kwargs): return function(*args, **kwargs)
            return inner
        @logged
        def affine(x, w, shift=0.0): return x @ w + np.asarray(shift, x.dtype)
        """,
    "vectorised_scalar_code": """
        def affine(x, w, shift=0.0):
            inner = np.vectorize(lambda i, j: x[i] @ w[:, j] + x.dtype.type(shift), otypes=[x.dtype])
            return inner(*np.indices((len(x), w.shape[1])))
        """,
    "vectorize_object": """
        affine = np.vectorize(lambda x, w, shift: x @ w + np.asarray(shift, x.dtype), signature="(n,k),(k,m),()->(n,m)")
        _inner = affine
        def affine(x, w, shift=0.0): return _inner(x, w, shift).astype(x.dtype)
        """,
    "cached_by_content": """
        kept = {}
        def affine(x, w, shift=0.0):
            key = (x.tobytes(), w.tobytes(), x.shape, w.shape, x.dtype, x.strides, w.strides, shift)
            if key not in kept:
                kept[key] = x @ w + np.asarray(shift, x.dtype)
            return kept[key]
        """,
    "cached_helper": """
        import functools
        @functools.lru_cache
        def constant(shift, dtype): return np.asarray(shift, dtype)
        def affine(x, w, shift=0.0): return x @ w + constant(shift, x.dtype)
        """,
    "prints": "def affine(x, w, shift=0.0):\n    print(x)\n    return x @ w + np.asarray(shift, x.dtype)",
    "warns": "import warnings\ndef affine(x, w, shift=0.0):\n    warnings.warn('careful')\n    return x @ w + np.asarray(shift, x.dtype)",
    "copies_first": "def affine(x, w, shift=0.0):\n    x = x.copy()\n    x *= 2\n    return x @ w / 2 + np.asarray(shift, x.dtype)",
}  # fmt: skip


@pytest.mark.parametrize("name", STYLES)
def test_what_is_right_passes_in_any_style(name):
    finding = judged(affine_agrees, STYLES[name])
    assert passed(finding), message(finding)


def test_a_view_of_the_input_is_fine():
    check = type(affine_agrees)("affine", name="keeps", given=affine_agrees.given, oracle=lambda x, w, shift=0.0: x.T)
    assert passed(trusted(check, affine=lambda x, w, shift=0.0: x.T))
    assert passed(judged(check, "def affine(x, w, shift=0.0): return x.T"))


NUMBERS = {
    "float": lambda x: float(x.sum()),
    "numpy_float": lambda x: x.sum(),
    "zero_d_array": lambda x: np.array(x.sum()),
    "other_order": lambda x: sum(sum(row) for row in x[::-1].tolist()),
    "vectorize_object": np.vectorize(lambda x: x.sum(), signature="(n,m)->()"),
    "partial": functools.partial(np.sum, axis=None),
    "subclass": lambda x: type("Money", (float,), {})(x.sum()),
    "higher_precision": lambda x: np.float64(x.astype(np.longdouble).sum()),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_a_number_whatever_its_type(name):
    finding = trusted(total_agrees, total=NUMBERS[name])
    assert passed(finding), message(finding)


TUPLES = {
    "list": lambda x: [x - x.mean(), float(x.var())],
    "zero_d": lambda x: (x - x.mean(), np.array(x.var())),
    "two_pass": lambda x: (x - x.sum() / x.size, float(((x - x.sum() / x.size) ** 2).sum() / x.size)),
    "named": lambda x: __import__("collections").namedtuple("Moments", "deviations variance")(x - x.mean(), x.var()),
}


@pytest.mark.parametrize("name", TUPLES)
def test_a_tuple_may_be_a_list_and_its_numbers_arrays(name):
    finding = trusted(moments_agrees, moments=TUPLES[name])
    assert passed(finding), message(finding)


def test_a_result_much_larger_than_its_arguments_passes():
    check = type(total_agrees)(
        "affine", name="large", given=affine_agrees.given, examples=2,
        oracle=lambda x, w, shift=0.0: np.full((300, 300), x.sum()),
    )  # fmt: skip
    finding = judged(check, "def affine(x, w, shift=0.0): return np.full((300, 300), x.sum(), x.dtype)")
    assert passed(finding), message(finding)


def test_a_result_of_gigabytes_is_described_not_sent():
    finding = judged(affine_agrees, "def affine(x, w, shift=0.0): return np.broadcast_to(x.sum(), (50000, 50000))")
    assert verdict(finding) == (FAILED, "shape")
    assert "(50000, 50000)" in message(finding)


def test_a_float32_result_that_float32_cannot_hold_is_infinite():
    check = type(total_agrees)(
        "affine", name="huge", given=affine_agrees.given, oracle=lambda x, w, shift=0.0: (x + 4) * 1e38,
        scale=lambda x, w, shift=0.0: 1e38,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        finding = trusted(check, affine=lambda x, w, shift=0.0: (x + 4) * x.dtype.type(1e38))
    assert passed(finding), message(finding)


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_the_counterexample_is_the_smallest():
    finding = judged(affine_agrees, affine("return x @ w - np.asarray(shift, x.dtype)"))
    # The smallest arrays, of the smallest integers that the simplest kind of values holds.
    assert finding.evidence.call == "affine(np.array([[2.0]]), np.array([[2.0]]), shift=1.0)"
    assert finding.evidence.worst.index == (0, 0)
    assert (finding.evidence.worst.expected, finding.evidence.worst.got) == ("5", "3")


def test_a_failing_input_that_raises_is_made_small_too():
    finding = judged(
        affine_agrees, affine("if x.shape[1] > 1: raise ValueError('no')\nreturn x @ w + np.asarray(shift, x.dtype)")
    )
    assert verdict(finding) == (Outcome.RAISED, "runs")
    assert finding.evidence.call == "affine(np.array([[2.0, 1.0]]), np.array([[2.0], [1.0]]), shift=0.0)"
    assert [frame.function for frame in finding.evidence.traceback] == ["affine"]
    assert finding.evidence.traceback[0].text == "if x.shape[1] > 1: raise ValueError('no')"


def test_a_worker_that_dies_is_told_and_not_asked_for_a_smaller_case():
    finding = judged(affine_agrees, affine("import os\nos._exit(3)"))
    assert finding.outcome == Outcome.CRASHED
    assert "exit code 3" in message(finding)


def test_the_first_float_argument_says_the_dtype_of_the_result():
    mixed = affine_agrees.given.map(lambda given: {"x": given["x"].astype(np.float32), "w": given["w"]})
    check = type(affine_agrees)("affine", name="mixed", given=mixed, oracle=lambda x, w, shift=0.0: x.T)
    assert passed(trusted(check, affine=lambda x, w, shift=0.0: x.T))
    wider = trusted(check, affine=lambda x, w, shift=0.0: x.T.astype(w.dtype))
    assert verdict(wider) == (FAILED, "dtype")
    assert "float64, not float32" in message(wider)


RANKED_WRONGLY = {
    "sorts the caller's list": (
        "def ranked(scores):\n"
        "    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))\n"
        "    pairs = [([i], scores[i]) for i in order]\n"
        "    scores.sort()\n"
        "    return pairs",
        "arguments",
    ),
    "nudges a number in the caller's list": (
        "def ranked(scores):\n"
        "    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))\n"
        "    pairs = [([i], scores[i]) for i in order]\n"
        "    scores[0] *= 1 + 1e-15\n"
        "    return pairs",
        "arguments",
    ),
    "places that are floats": (
        "def ranked(scores):\n"
        "    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))\n"
        "    return [([float(i)], scores[i]) for i in order]",
        "structure",
    ),
}


@pytest.mark.parametrize("source, rung", RANKED_WRONGLY.values(), ids=RANKED_WRONGLY)
def test_lists_of_lists_are_looked_at_as_arrays_are(source, rung):
    finding = judged(ranked_agrees, source)
    assert finding.evidence.rung == rung


def test_of_a_number_only_the_value_counts_to_the_digits_that_its_precision_has():
    def single(x):
        return np.float32(x.sum())

    assert passed(trusted(total_agrees, total=single))
    off = trusted(total_agrees, total=lambda x: np.float32(x.sum() * (1 + 1e-4)))
    assert off.evidence.rung == "values"
    little = trusted(total_agrees, total=lambda x: np.float32(x.sum() + 5e-6 * np.abs(x).sum()))
    assert little.evidence.rung == "values"
    assert trusted(total_agrees, total=lambda x: float(np.float32(x.sum()))).outcome == Outcome.FAILED


NESTS = {
    "def ranked(scores): return [((i,), s) for i, s in enumerate(scores)]":
        "In what it returned, part 1 of item 1 is a tuple of 1, not a list.",
    "def ranked(scores): return [([i], 'x') for i, s in enumerate(scores)]":
        "In what it returned, part 2 of item 1 is a value of type 'str', not a number.",
    "def ranked(scores): return [[[0.5], 1.0] for s in scores]":
        "In what it returned, item 1 of part 1 of item 1 is a value of type 'float', not a number.",
    "def ranked(scores): return tuple(scores)": "It returned a tuple of ",
}  # fmt: skip


@pytest.mark.parametrize("source, said", NESTS.items())
def test_what_is_of_the_wrong_kind_within_a_nest_is_found(source, said):
    finding = judged(ranked_agrees, source)
    assert finding.evidence.rung == "structure"
    assert finding.evidence.message.startswith(said)
