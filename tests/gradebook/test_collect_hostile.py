"""Hostile and damaged archives and notebooks: each is told in a sentence, none ends the run, nothing gets out."""

import json
import random
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
from class_samples import code, member, notebook, put, tiny_course, told, zipped
from dlgrade.gradebook import archives, notebooks
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.notebooks import Notebook, module_of, read_notebook
from dlgrade.gradebook.sources import Unread

ENTRY_POINTS = {"softmax": ("softmax", "softmax_backward"), "cross_entropy": ("cross_entropy",)}


@pytest.fixture
def course(tmp_path):
    return tiny_course(tmp_path / "tiny")


def collected(tmp_path, course, data):
    """What comes of a class with a good student, and one who hands in these bytes as a zip."""
    root = put(tmp_path / "submissions", {"ada/softmax.py": "x = 1\n", "mallory.zip": data})
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    found = collect([root], course)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before, "nothing is written"
    assert ("ada", "softmax", 1, b"x = 1\n") in told(found)
    assert {one.student for one in found.submissions} <= {"ada", "mallory"}
    assert all(one.why.endswith(".") for one in found.passed_over)
    return found


def mallorys(found):
    return [source for student, _, _, source in told(found) if student == "mallory"]


def flagged(data, flag):
    """The zip with a flag set on all its members."""
    data = bytearray(data)
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(magic)
        while place >= 0:
            (flags,) = struct.unpack_from("<H", data, place + at)
            struct.pack_into("<H", data, place + at, flags | flag)
            place = data.find(magic, place + 4)
    return bytes(data)


def claiming(data, *, size=None, packed=None):
    """The zip with other sizes in its list of members."""
    data = bytearray(data)
    place = data.find(b"PK\x01\x02")
    if packed is not None:
        struct.pack_into("<L", data, place + 20, packed)
    if size is not None:
        struct.pack_into("<L", data, place + 24, size)
    return bytes(data)


GOOD = zipped([("softmax.py", "y = 2\n" * 50)])
NAMES = [
    "../softmax.py",
    "../../../../tmp/softmax.py",
    "a/../../softmax.py",
    "..\\softmax.py",
    "/etc/softmax.py",
    "//host/share/softmax.py",
    "C:\\softmax.py",
    "c:softmax.py",
    "\\\\host\\softmax.py",
    "a/" * 60 + "softmax.py",
    "a" * 5000 + "/softmax.py",
    "..",
    "/",
    "",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20])
def test_a_name_that_leads_elsewhere(tmp_path, course, name):
    found = collected(tmp_path, course, zipped([(name, "evil"), ("softmax.py", "y = 2\n")]))
    assert mallorys(found) == [b"y = 2\n"]
    assert len(found.passed_over) == bool(name)
    assert {one.why for one in found.passed_over} <= {
        "Its name is an absolute path.",
        "Its name leads out of the archive.",
        "Its name is too long.",
    }


@pytest.mark.parametrize(
    "name", ["CON/softmax.py", "nul.py", "a\x1b[2J/softmax.py", "a\u202eb/softmax.py", "SOFTMAX.py"]
)
def test_an_unusual_name_survives(tmp_path, course, name):
    collected(tmp_path, course, zipped([(name, "z"), ("softmax.py", "y = 2\n")]))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_what_is_no_file(tmp_path, course, kind):
    found = collected(tmp_path, course, zipped([(member("softmax.py", mode=kind | 0o777), "/etc/passwd")]))
    assert mallorys(found) == []
    (one,) = found.passed_over
    assert ("It is a link" if kind == stat.S_IFLNK else "It is no file") in one.why


def test_encrypted(tmp_path, course):
    for flag in (0x1, 0x41, 0x2001):
        found = collected(tmp_path, course, flagged(GOOD, flag))
        (one,) = found.passed_over
        assert one.why == "It is encrypted: ask for it without a password."
        assert (one.student, one.exercise) == ("mallory", "softmax")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_may_ask_for_any_memory(tmp_path, course, method):
    found = collected(tmp_path, course, zipped([("softmax.py", "y")], compression=method))
    assert found.passed_over[0].why.startswith("It is compressed in a way")


def test_a_bomb_is_read_no_further_than_a_submission_may_go(tmp_path, course):
    bomb = b"\0" * 50_000_000
    data = zipped([("softmax.py", bomb), ("02_losses.ipynb", bomb), ("more.zip", bomb)])
    assert len(data) < 200_000
    found = collected(tmp_path, course, data)
    assert [len(source) for source in mallorys(found)] == [1_000_001]
    attack = "It would unpack to more than 200 times its size, as only an attack does."
    assert [one.why for one in found.passed_over] == [attack] * 3, "the notebook is of two exercises"


def test_a_bomb_that_lies_about_its_size(tmp_path, course):
    bomb = zipped([("softmax.py", b"\0" * 3_000_000)])
    for size, packed in ((10, None), (0, None), (0xFFFFFFF0, None), (3_000_000, 0), (3_000_000, 2_900_000)):
        found = collected(tmp_path, course, claiming(bomb, size=size, packed=packed))
        assert all(len(source) <= 1_000_001 for source in mallorys(found))


def test_zips_in_zips(tmp_path, course):
    inner = zipped([("softmax.py", "deep")])
    one = zipped([("part.zip", inner)])
    assert mallorys(collected(tmp_path, course, one)) == [b"deep"]
    three = zipped([("a.zip", zipped([("b.zip", inner)]))])
    found = collected(tmp_path, course, three)
    assert mallorys(found) == []
    assert found.passed_over[0].why.startswith("It is a zip in a zip in a zip")


def test_what_may_be_unpacked_of_one_archive_is_bounded(tmp_path, course, monkeypatch):
    monkeypatch.setattr("dlgrade.gradebook.collect.NESTED_READ_LIMIT", 2000)
    found = collected(tmp_path, course, zipped([(f"v{n}/softmax.py", str(n) * 1000) for n in range(5)]))
    assert len(mallorys(found)) == 2
    assert {one.why for one in found.passed_over} == {
        "The archive holds more than is ever handed in; what came before was read."
    }


def test_too_many_members(tmp_path, course, monkeypatch):
    data = zipped([(f"{n}.txt", "") for n in range(50)])
    monkeypatch.setattr(archives, "MEMBERS_LIMIT", 40)
    assert "more than 40 files" in collected(tmp_path, course, data).passed_over[0].why
    monkeypatch.setattr(archives, "DIRECTORY_LIMIT", 1000)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # the list is not even read
    assert "more than 40 files" in collected(tmp_path, course, data).passed_over[0].why


def test_members_that_share_their_bytes(tmp_path, course):
    """Many names for one compressed stream, as in a bomb without nesting."""
    data = bytearray(zipped([(f"v{n}/softmax.py", "z" * 10_000) for n in range(20)]))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        struct.pack_into("<L", data, at + 42, 0)
        at = data.find(b"PK\x01\x02", at + 4)
    assert len(mallorys(collected(tmp_path, course, bytes(data)))) <= 1


def test_cut_off_anywhere(tmp_path, course):
    for length in range(0, len(GOOD), 3):
        found = collected(tmp_path, course, GOOD[:length])
        assert mallorys(found) == []
        assert [one.why[:9] for one in found.passed_over] == ["It is no "]


def test_bits_flipped_anywhere(tmp_path, course):
    rng = random.Random(20)
    right = b"y = 2\n" * 50
    data = zipped([("softmax.py", right), ("a/02_losses.ipynb", notebook(code("def softmax(x): 1"))), ("b.zip", GOOD)])
    lost = 0
    for _ in range(250):
        flipped = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = collected(tmp_path, course, bytes(flipped))
        assert {source for source in mallorys(found) if source.startswith(b"y")} <= {right}, "a checksum is looked at"
        lost += not mallorys(found)
    assert lost > 20, "they are damaged"


def test_any_bytes_at_all(tmp_path, course):
    rng = random.Random(21)
    for _ in range(40):
        data = b"PK\x03\x04" + rng.randbytes(rng.randrange(400)) + b"PK\x05\x06" + rng.randbytes(rng.randrange(60))
        assert mallorys(collected(tmp_path, course, data)) == []


def test_members_of_one_name_are_all_attempts(tmp_path, course):
    found = collected(tmp_path, course, zipped([("softmax.py", "1"), ("softmax.py", "2"), ("Softmax.py", "3")]))
    assert sorted(mallorys(found)) == [b"1", b"2", b"3"]


def test_a_name_in_utf_8_that_does_not_say_so(tmp_path, course):
    data = bytearray(zipped([("zoë/softmax.py", "1"), ("li/softmax.py", "2")]))
    for magic, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        data[data.find(magic) + at] &= ~0x08
    path = tmp_path / "class.zip"
    path.write_bytes(data)
    assert {one.student for one in collect([path], course).submissions} == {"zoë", "li"}


def test_a_given_path_that_is_no_zip(tmp_path, course):
    path = tmp_path / "class.zip"
    path.write_bytes(b"nonsense")
    assert collect([path], course).passed_over[0].why.startswith("It is no zip, or it is damaged")


# -- notebooks ---------------------------------------------------------------------------------------------------------


def module(*cells, exercise="softmax"):
    read = read_notebook(notebook(*cells))
    assert isinstance(read, Notebook)
    found = module_of(read, exercise, ENTRY_POINTS)
    return found.source.decode("utf-8", "surrogatepass"), found.notes


def test_code_cells_become_a_module():
    source, notes = module(
        {"cell_type": "markdown", "source": "# def softmax(x): 1"},
        code(["import numpy as np\n", "EPS = 1e-9"]),
        code("def softmax(x):\n    return helper(x)"),
        code("print(softmax(3))\nplt.plot([1])"),
        code("def helper(x):\n    return x"),
        code("x = cross_entropy(1)"),
        code("def cross_entropy(x):\n    return 1"),
    )
    assert source == (
        "import numpy as np\nEPS = 1e-9\n\ndef softmax(x):\n    return helper(x)\n\ndef helper(x):\n    return x\n\n"
        "x = cross_entropy(1)\n\ndef cross_entropy(x):\n    return 1\n"
    )
    assert notes == ("from its cells 2, 3, 5, 6, 7",)


def test_another_exercises_cell_goes_along_only_if_it_is_used():
    cells = (code("def softmax(x): return x"), code("def cross_entropy(x): return softmax(x)"), code("def ("))
    assert module(*cells)[0] == "def softmax(x): return x\n"
    assert module(*cells, exercise="cross_entropy")[0].count("def ") == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%matplotlib inline", "pass  # %matplotlib inline"),
        ("%%time\nx = 1", "pass  # %%time\nx = 1"),
        ("!pip install \\\n  numpy\nx = 1", "pass  # !pip install \\\n#   numpy\nx = 1"),
        ("if x:\n    !ls\n", "if x:\n    pass  # !ls"),
        ("out = !ls", "out = None  # !ls"),
        ("t = %timeit -o f()", "t = None  # t = %timeit -o f()"),
        ("np.sum?", "pass  # np.sum?"),
        ("?np.sum", "pass  # ?np.sum"),
        ("import dlgrade\ncheck('softmax')", "pass  # import dlgrade\npass  # check('softmax')"),
        ("from dlgrade.a import (\n    b,\n)\ny = 1", "pass  # from dlgrade.a import (\n#     b,\n# )\ny = 1"),
        ("a = (b\n     %c)", "a = (b\n     %c)"),
        ("a = b \\\n  %c", "a = b \\\n  %c"),
        ("s = '''\n%magic\n!ls\n'''", "s = '''\n%magic\n!ls\n'''"),
        ("s = 'it\\'s' # '''\n%magic", "s = 'it\\'s' # '''\npass  # %magic"),
        ("x = a != b", "x = a != b"),
        ("x = 1\r\n%magic\r\n", "x = 1\npass  # %magic"),
    ],
)  # fmt: skip
def test_magics_become_comments(before, after):
    source, _ = module(code("def softmax(x): 1"), code(f"Z = 1\n{before}"))
    after = after.replace("out = None  # !ls", "out = None  # out = !ls")
    assert source == f"def softmax(x): 1\n\nZ = 1\n{after}\n"


@pytest.mark.parametrize("magic", ["%%bash", "%%html", "%%writefile softmax.py", "%%script perl", "%% "])
def test_a_cell_of_another_language_is_left_out(magic):
    assert module(code("def softmax(x): 1"), code(f"{magic}\nimport nothing"))[0] == "def softmax(x): 1\n"


def test_of_answers_with_one_grade_id_the_first_that_defines_counts():
    source, notes = module(
        code("A = 1", grade_id="softmax", solution=True),
        code("def softmax(x): return 1", grade_id="softmax", solution=True),
        code("def softmax_backward(x): return 1", grade_id="softmax", solution=True),
        code("def softmax(x): return 2", grade_id="softmax", solution=True),
        code("def softmax(x): return 3"),
    )
    assert source == "A = 1\n\ndef softmax(x): return 1\n\ndef softmax_backward(x): return 1\n"
    assert notes[1:] == ("defined again, and not taken, in cells 4, 5", "cells 1, 2, 3, 4 share a grade_id")


def test_without_marks_the_last_definition_counts():
    source, _ = module(code("def softmax(x): return 1"), code("softmax = lambda x: 2"))
    assert source == "def softmax(x): return 1\n\nsoftmax = lambda x: 2\n"


def test_tests_are_left_out():
    source, _ = module(
        code("def softmax(x): return 1", grade_id="softmax", solution=True),
        code("import nothing\nassert softmax(1) == 2", grade_id="t", grade=True, locked=True, points=1),
        code("import numpy", grade_id="given", locked=True),
    )
    assert source == "def softmax(x): return 1\n\nimport numpy\n"


def test_damaged_cells_are_told_and_survived():
    cells = [
        None,
        [],
        3,
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": 1},
        {"cell_type": "code", "source": [1]},
    ]
    _, notes = module(*cells, code("def softmax(x): 1"), {"cell_type": "code", "source": "a = 1", "metadata": 4})
    assert notes == ("from its cells 8, 9", "cells 1, 2, 3, 4, 5, 6, 7 are damaged")


def test_a_notebook_of_format_3():
    data = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "def softmax(x): 1"}]}, 1, {}]}
    read = read_notebook(json.dumps(data).encode())
    assert isinstance(read, Notebook)
    assert module_of(read, "softmax", ENTRY_POINTS).source == b"def softmax(x): 1\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "JSON is damaged at line 1"),
        (b'{"cells": [\n', "JSON is damaged at line 2"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"1" * 10_000, "JSON is damaged"),
        (b"\xff\xfe{\0}\0", "not UTF-8"),
        (b"[]", "no list of cells"),
        (b'{"cells": {}}', "no list of cells"),
        (b'"cells"', "no list of cells"),
        (notebook(code("\n%" * 600_000), code("\n!" * 600_000)), "more code than any solution"),
        (b" " * (notebooks.NOTEBOOK_LIMIT + 1), "larger than 10 MB"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_notebook(tmp_path, course, data, why):
    read = read_notebook(data)
    assert isinstance(read, Unread)
    assert why in read.why
    root = put(tmp_path / "submissions", {"ada/softmax.ipynb": data, "bob/02_losses.ipynb": data, "eve/x.ipynb": data})
    found = collect([root], course)
    assert [(one.student, one.exercise) for one in found.submissions] == [
        ("ada", "softmax"),
        ("bob", "cross_entropy"),
        ("bob", "softmax"),
    ]
    assert all(why in one.notes[0] and one.submission.source == data[:1_000_001] for one in found.submissions)
    assert [why in one.why for one in found.passed_over] == [True]


def test_a_notebook_gives_the_exercises_that_it_defines(tmp_path, course):
    cells = code("def softmax(x): 1"), code("def conv2d(x): 1")
    files = {
        "ada/homework.ipynb": notebook(*cells),
        "ada/.ipynb_checkpoints/homework-checkpoint.ipynb": notebook(*cells, *cells),
        "bob/softmax.ipynb": notebook(code("def sofmax(x): 1")),
        "eve/notes.ipynb": notebook(code("1 + 1")),
        "eve_02_losses.ipynb": notebook(*cells),
    }
    found = collect([put(tmp_path / "submissions", files)], course)
    assert [one[:2] for one in told(found)] == [
        ("ada", "conv2d"),
        ("ada", "softmax"),
        ("bob", "softmax"),
        ("eve", "conv2d"),
        ("eve", "softmax"),
    ]
    assert "no cell defines softmax or softmax_backward" in found.submissions[2].notes
    assert [one.student for one in found.passed_over if one.path.endswith("notes.ipynb")] == ["eve"]


JUNK = [
    None,
    True,
    0,
    -1.5,
    "",
    "x\ud800",
    [],
    {},
    [None],
    [["a"]],
    {"a": {"b": []}},
    "def softmax(x): 1",
    "%",
    10**30,
    "'''",
]


def mutated(value, rng):
    """The same JSON with one thing in it replaced, removed or doubled, wherever it lies."""
    if rng.random() < 0.15 or not isinstance(value, (dict, list)) or not value:
        return rng.choice(JUNK)
    key = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
    value = dict(value) if isinstance(value, dict) else list(value)
    action = rng.random()
    if action < 0.15:
        del value[key]
    elif action < 0.3 and isinstance(value, list):
        value.insert(key, value[key])
    else:
        value[key] = mutated(value[key], rng)
    return value


def test_notebooks_with_anything_anywhere():
    rng = random.Random(22)
    start = {
        "nbformat": 4,
        "metadata": {"kernelspec": {"name": "python3"}},
        "cells": [
            code(["import numpy as np\n"], grade_id="imports", locked=True),
            code("def softmax(x):\n    return x", grade_id="softmax", solution=True),
            code("def cross_entropy(x):\n    return x", grade_id="cross_entropy", solution=True),
            code("check('softmax')", grade_id="t", grade=True, points=2),
            {"cell_type": "markdown", "source": ["a"], "metadata": {}},
        ],
        "worksheets": [{"cells": [{"cell_type": "code", "input": "a = 1"}]}],
    }
    read_ones = 0
    for _ in range(3000):
        value = start
        for _ in range(rng.randint(1, 6)):
            value = mutated(value, rng)
        read = read_notebook(json.dumps(value).encode())
        if isinstance(read, Unread):
            assert read.why.endswith(".")
            continue
        read_ones += 1
        for exercise in ENTRY_POINTS:
            found = module_of(read, exercise, ENTRY_POINTS)
            assert found.defines <= set(ENTRY_POINTS[exercise])
    assert read_ones > 1000


def test_notebooks_with_any_text_in_their_cells():
    rng = random.Random(23)
    pieces = [
        "'",
        '"',
        "'''",
        '"""',
        "\\",
        "\n",
        "\n%",
        "\n!",
        "(",
        ")",
        "#",
        "def softmax(x):",
        " ",
        "=",
        "import dlgrade",
        "é",
        "\ud800",
    ]
    for _ in range(1500):
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(0, 40)))
        source, _ = module(code(f"def softmax(x): 1\n{text}"))
        assert source.count("\n") >= text.replace("\r", "").rstrip("\n").count("\n")


@pytest.mark.parametrize(
    "text", ["(" * 900_000, "'" * 900_000, "a = " * 200_000, "\n%" * 400_000, " " * 900_000, "x." * 400_000]
)
def test_long_cells_take_no_long_time(text):
    module(code("def softmax(x): 1"), code(text))


def test_a_run_of_zips_leaves_no_file_open(tmp_path, course):
    put(tmp_path / "submissions", {f"s{n}.zip": GOOD for n in range(30)})
    held = Path("/proc/self/fd")
    if not held.is_dir():
        pytest.skip("there is no such folder here")
    before = len(list(held.iterdir()))
    assert len(collect([tmp_path / "submissions"], course).submissions) == 30
    assert len(list(held.iterdir())) == before
