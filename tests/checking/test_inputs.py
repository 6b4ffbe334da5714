"""Inputs: the same for the same seed wherever they are drawn, kept on disk without trust, small where they fail."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from dlgrade.author import Agreement, arrays, check
from dlgrade.checking import inputs
from dlgrade.checking.inputs import Drawer, draw, smallest, source_of
from hypothesis import example, given
from hypothesis import strategies as st
from tiny import affine_agrees, dense_gradient

anything = Agreement(
    "affine",
    name="anything",
    oracle=lambda **_: 0.0,
    examples=40,
    given={
        "x": arrays(),
        "f": st.floats(),
        "n": st.integers(-(10**12), 10**12),
        "s": st.text(max_size=8),
        "t": st.lists(st.tuples(st.integers(-(2**62), 2**62), st.sampled_from("abc")), max_size=3),
        "none": st.none() | st.booleans(),
        "nested": st.fixed_dictionaries({"y": arrays(ndim=1)}),
    },
)


def told(drawn):
    """Everything about some inputs, as text."""
    return [repr([(key, _told(value)) for key, value in arguments.items()]) for arguments in drawn]


def _told(value):
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tolist(), value.flags.c_contiguous, value.flags.writeable
    if isinstance(value, dict):
        return {key: _told(item) for key, item in value.items()}
    return type(value), value


DRAW = """
import hashlib, sys
sys.path.insert(0, {here!r})
{before}
from test_inputs import anything, told
from dlgrade.checking.inputs import Drawer
print(hashlib.sha256("".join(told(Drawer().inputs(anything, content="c", seed=5))).encode()).hexdigest())
"""


def test_another_process_draws_the_same_whatever_else_is_loaded(tmp_path):
    numbers = ", ".join(f"{i * 7919 + 13}, {i * 1.37 + 0.111}" for i in range(400))
    (tmp_path / "odd_constants.py").write_text(f"A = [{numbers}]\nB = 'zebra', 'quagga', 'okapi'\n")
    here = str(__import__("pathlib").Path(__file__).parent)
    digests = set()
    for before in ("", f"sys.path.insert(0, {str(tmp_path)!r}); import odd_constants, decimal, unittest"):
        done = subprocess.run(
            [sys.executable, "-c", DRAW.format(here=here, before=before)], capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    import hashlib

    digests.add(
        hashlib.sha256("".join(told(Drawer().inputs(anything, content="c", seed=5))).encode()).hexdigest() + "\n"
    )
    assert len(digests) == 1


def test_hypothesis_is_left_as_it_was_found():
    found = inputs.providers._get_local_constants
    draw(source_of(anything), seed=1)
    assert inputs.providers._get_local_constants is found


def test_other_seeds_and_other_checks_have_other_inputs():
    drawer = Drawer()
    first = told(drawer.inputs(anything, content="c", seed=0))
    assert told(drawer.inputs(anything, content="c", seed=0)) == first
    assert told(drawer.inputs(anything, content="c", seed=1)) != first
    assert told(drawer.inputs(replace(anything, name="other"), content="c", seed=0)) != first


# -- explicit inputs ---------------------------------------------------------------------------------------------------


@check(examples=3)
@given(x=arrays(), n=st.integers(0, 3))
@example(x=np.array([[7.0]]), n=1)
@example(x=np.array([[5.0]]), n=2)
def law(total, x, n):
    """A law."""


def test_what_a_law_names_comes_first():
    drawn = Drawer().inputs(law, content="c", seed=0)
    assert len(drawn) == 5
    assert {float(arguments["x"][0, 0]) for arguments in drawn[:2]} == {5.0, 7.0}
    assert all(set(arguments) == {"x", "n"} for arguments in drawn)


def test_the_cases_of_an_agreement_come_first():
    case = {"x": np.array([[7.0]]), "w": np.array([[2.0]])}
    drawn = Drawer().inputs(replace(affine_agrees, cases=(case,), examples=4), content="c", seed=0)
    assert len(drawn) == 5
    assert drawn[0]["x"] == 7.0 and "shift" not in drawn[0]


def test_arrays_come_in_plain_memory_order():
    turned = replace(affine_agrees, given={"x": arrays((3, 4)).map(lambda x: x.T), "w": arrays((3, 2))})
    drawn = Drawer().inputs(turned, content="c", seed=0)
    assert all(arguments["x"].flags.c_contiguous and arguments["x"].shape == (4, 3) for arguments in drawn)


# -- kept on disk ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "inputs"


def files(folder):
    return [path for path in folder.iterdir() if path.is_file()]


def of_another_run(folder, item=anything, *, content="c", seed=0):
    return Drawer(folder).inputs(item, content=content, seed=seed)


@pytest.mark.parametrize("item", [anything, affine_agrees, dense_gradient, law], ids=lambda item: item.name)
def test_what_was_kept_is_what_was_drawn(folder, item, monkeypatch):
    drawn = told(of_another_run(folder, item))
    assert len(files(folder)) == 1
    monkeypatch.setattr(inputs, "draw", None)  # would raise
    assert told(of_another_run(folder, item)) == drawn


def test_nothing_is_pickled(folder):
    of_another_run(folder)
    (path,) = files(folder)
    data = path.read_bytes()
    size = int.from_bytes(data[32:40], "little")
    assert set(json.loads(data[40 : 40 + size])) == {"inputs", "table"}
    source = __import__("inspect").getsource(inputs)
    assert "pickle" not in source.replace("never by pickle", "")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-8],
        lambda data: data + b"12345678",
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
        lambda data: bytes(len(data)),
        lambda data: __import__("hashlib").sha256(b"\xff" * 40).digest() + b"\xff" * 40,
        lambda data: __import__("hashlib").sha256(b"\2" + bytes(7) + b"[]").digest() + b"\2" + bytes(7) + b"[]",
    ],
    ids=[
        "empty",
        "header_only",
        "truncated",
        "longer",
        "one_bit",
        "one_bit_of_a_number",
        "zeros",
        "absurd_length",
        "not_the_schema",
    ],
)
def test_a_spoilt_file_is_drawn_anew_and_written_over(folder, spoil):
    drawn = told(of_another_run(folder))
    (path,) = files(folder)
    good = path.read_bytes()
    path.write_bytes(spoil(good))
    assert told(of_another_run(folder)) == drawn
    assert path.read_bytes() == good


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    drawn = told(Drawer().inputs(anything, content="c", seed=0))
    assert told(of_another_run(tmp_path / "file" / "inputs")) == drawn
    blocked = tmp_path / "blocked"
    of_another_run(blocked)
    (path,) = files(blocked)
    path.unlink()
    path.mkdir()  # cannot be replaced by a file
    assert told(of_another_run(blocked)) == drawn
    assert files(blocked) == []  # nor is anything left beside it


def test_what_cannot_travel_is_drawn_every_time(folder):
    odd = replace(anything, given={"x": st.sampled_from((len, sum))}, name="odd")
    drawn = [arguments["x"] for arguments in of_another_run(folder, odd)]
    assert [arguments["x"] for arguments in of_another_run(folder, odd)] == drawn
    assert not folder.exists() or files(folder) == []


def test_the_key_changes_with_whatever_inputs_depend_on(folder, monkeypatch):
    def count():
        return len(files(folder))

    of_another_run(folder)
    for change in ({"seed": 1}, {"content": "d"}, {"item": replace(anything, name="renamed")},
                   {"item": replace(anything, examples=41)}):  # fmt: skip
        before = count()
        of_another_run(folder, **change)
        assert count() == before + 1, change
        of_another_run(folder, **change)
        assert count() == before + 1, change
    before = count()
    monkeypatch.setattr(inputs.hypothesis, "__version__", "0.0")
    of_another_run(folder)
    assert count() == before + 1


def test_an_oracle_is_asked_once_for_each_input():
    drawer, asked = Drawer(), []
    (first, second, *_) = drawer.inputs(anything, content="c", seed=0)
    for arguments in (first, first, second):
        drawer.kept(arguments, "oracle", lambda arguments: asked.append(1) or len(asked))
    assert len(asked) == 2
    assert drawer.kept(first, "oracle", None) == 1
    assert drawer.kept(first, "another", lambda arguments: "new") == "new"


# -- made small --------------------------------------------------------------------------------------------------------


def test_the_smallest_failing_input_is_found():
    source = source_of(replace(anything, given={"x": arrays(sides=(1, 6)), "n": st.integers(0, 1000)}))
    start = next(a for a in draw(source, seed=3) if a["x"].size > 10 and a["n"] > 50)
    found = smallest(source, lambda a: a["x"].shape[0] >= 2 and a["n"] >= 17, start, seed=3)
    assert found["x"].shape == (2, 1)
    assert found["n"] == 17


def test_where_nothing_smaller_fails_the_start_is_kept():
    source = source_of(affine_agrees)
    start = {"x": np.ones((9, 9)), "w": np.ones((9, 9)), "shift": 0.0}
    assert smallest(source, lambda a: a is start, start, seed=0) is start


def test_shrinking_stops_after_so_many_tries_or_so_much_time(monkeypatch):
    source = source_of(affine_agrees)
    start = draw(source, seed=0)[0]
    tried = []
    smallest(source, lambda a: tried.append(a) is None and a["x"].size >= 4, start, seed=0, tries=7)
    assert len(tried) == 7
    tried.clear()
    monkeypatch.setattr(inputs, "SHRINK_SECONDS", -1.0)
    smallest(source, lambda a: tried.append(a) is None, start, seed=0)
    assert tried == []


def test_a_test_that_raises_does_not_end_the_search_for_the_smallest():
    source = source_of(affine_agrees)
    start = draw(source, seed=0)[0]

    def fails(arguments):
        raise RuntimeError("the target is gone")

    assert smallest(source, fails, start, seed=0) is start
