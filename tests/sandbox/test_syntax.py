"""Reading a submission's syntax tree in a throw-away process: what it says, and that nothing of it is executed."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dlgrade.errors import GraderError
from dlgrade.sandbox import launch, syntax
from dlgrade.sandbox.syntax import Facts, Parsers, Reading, Unreadable, Use
from processes import group, linux_only, until
from sandbox_targets import posix_only


def read(source: str | bytes) -> Facts | Unreadable:
    return Reading(source.encode() if isinstance(source, str) else source).result()


def uses(source: str | bytes) -> dict[str, int]:
    """Each name that the source uses, with the line where it does so first."""
    facts = read(source)
    assert isinstance(facts, Facts), facts
    return {use.name: use.line for use in facts.uses}


# -- what it says ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("import scipy", "scipy", 1),
        ("import scipy.special", "scipy.special", 1),
        ("import scipy.special\nscipy.special.softmax(1)", "scipy.special.softmax", 2),
        ("import scipy.special as sp\nsp.softmax(1)", "scipy.special.softmax", 2),
        ("from scipy import special\nspecial.softmax(1)", "scipy.special.softmax", 2),
        ("from scipy.special import softmax as innocent\n\ninnocent(1)", "scipy.special.softmax", 1),
        ("from scipy.special import *", "scipy.special.*", 1),
        ("from . import other", "..other", 1),
        ("def f():\n    import torch as t\n    return t.nn.functional.softmax", "torch.nn.functional.softmax", 3),
        ("import numpy as np\nx = np.exp(1).sum()", "numpy.exp", 2),
        ("import numpy as np\nx = [np.linalg.inv][0]", "numpy.linalg.inv", 2),
        ("import numpy as np\ndel np.exp", "numpy.exp", 2),
        ("import numpy as np\nnp.exp = 1", "numpy.exp", 2),
        ("eval('1')", "eval", 1),
        ("f = getattr(1, 'x')", "getattr", 1),
        ("@torch.jit.script\ndef f(): pass", "torch.jit.script", 1),
        ("f'{torch.x}'", "torch.x", 1),
        ("lambda: torch.x", "torch.x", 1),
    ],
)
def test_a_use_is_found_by_its_full_name(source: str, name: str, line: int) -> None:
    assert uses(source)[name] == line


@pytest.mark.parametrize(
    "source",
    [
        "torch = 1\ntorch.x",
        "def f(torch): return torch.x",
        "def torch(): pass\ntorch.x",
        "class torch: pass\ntorch.x",
        "for torch in []: torch.x",
        "with f() as torch: torch.x",
        "[torch.x for torch in []]",
        "(torch := 1)\ntorch.x",
        "'torch.x'",
        "# torch.x",
        "x.torch",
    ],
)
def test_a_name_that_the_source_binds_itself_is_no_library(source: str) -> None:
    assert not [name for name in uses(source) if name.startswith("torch")]


def test_a_binding_does_not_hide_an_import() -> None:
    assert "torch.x" in uses("import torch as t\ndef f(t): pass\nt.x")


def test_the_whole_of_a_dotted_name_is_one_use() -> None:
    assert uses("import a\na.b.c.d") == {"a": 1, "a.b.c.d": 2}


def test_no_number_of_uses_hides_one_more() -> None:
    lines = "".join(f"np.x{n}\n" for n in range(20_000))
    found = uses(f"import numpy as np\n{lines}import scipy\n")
    assert found["scipy"] == 20_002
    assert len(found) == 20_002


def test_long_names_are_cut_at_their_ends() -> None:
    name = f"scipy.{'x' * 1000}"
    assert list(uses(name)) == [name[:300]]
    assert [len(name) for name in uses("".join(f"a{'.b' * n}\n" for n in range(400)))] == sorted(
        {min(300, 1 + 2 * n) for n in range(400)}
    )


def test_uses_come_in_the_order_of_their_lines() -> None:
    facts = read("import b\nimport a\n\nb.x\na.x")
    assert facts == Facts((Use("b", 1), Use("a", 2), Use("b.x", 4), Use("a.x", 5)))


@pytest.mark.parametrize("source", [b"", b"\n\n", b"# nothing\n", "# ∂y/∂x\nπ = 1".encode(), b"x = '\\d'"])
def test_what_says_nothing_is_readable(source: bytes) -> None:
    assert read(source).uses == ()


@pytest.mark.parametrize(
    "source",
    [
        b"\xef\xbb\xbfimport scipy",
        b"# -*- coding: latin-1 -*-\nx = '\xe9'; import scipy",
        b"# coding: cp1252\nx = '\x80'; import scipy",
        b"import scipy\r\nx = 1\r\n",
        b"import scipy\x0c",
    ],
    ids=["byte-order mark", "latin-1", "cp1252", "Windows lines", "form feed"],
)
def test_what_python_reads_is_read(source: bytes) -> None:
    assert "scipy" in uses(source)


# -- what cannot be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        (b"x = 1\ny = (2,\n", 2, "'(' was never closed"),
        (b"def f(x)\n    return x", 1, "expected ':'"),
        (b"x = 1\nreturn = 2", 2, "invalid syntax"),
        (b"if x:\n\ty = 1\n        z = 2\n", 3, "Tabs and spaces are mixed"),
        (b"def f():\nreturn 1", 2, "indentation is wrong"),
        (b"x = 1\n  y = 2", 2, "indentation is wrong"),
        (b"x = 'abc", 1, "unterminated string"),
        (b"x = '\xe9'", None, "utf-8"),
        (b"# coding: no-such-thing\n", None, "unknown encoding"),
        (b"x = 1\0", None, "null bytes"),
        (b"x = \xe2\x80\xae1", 1, "invalid"),
    ],
)
def test_a_fault_is_told_with_its_line(source: bytes, line: int | None, says: str) -> None:
    found = read(source)
    assert isinstance(found, Unreadable)
    assert says in found.message
    if line is not None:
        assert found.line == line


def test_the_line_at_fault_is_shown_and_commands_no_terminal() -> None:
    found = read("x = 1\ny = 'a\x1b[31m\u202e' z".encode())
    assert isinstance(found, Unreadable)
    assert found.text == "y = 'a\\x1b[31m\\u202e' z"


DEEP = {
    "parentheses": b"x = " + b"(" * 100_000 + b")" * 100_000,
    "brackets": b"x = " + b"[" * 50_000,
    "minuses": b"x = " + b"-" * 100_000 + b"1",
    "nots": b"x = " + b"not " * 100_000 + b"1",
    "attributes": b"x" + b".y" * 200_000,
    "calls": b"x" + b"()" * 200_000,
    "sums": b"x = 1" + b"+1" * 200_000,
    "comparisons": b"x = 1" + b"<1" * 200_000,
    "conditions": b"if x: pass\n" + b"elif x: pass\n" * 30_000,
    "lambdas": b"x = " + b"lambda: " * 50_000 + b"1",
    "text": b"x = f'" + b"{f'" * 100,
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_read_or_refused_in_bounded_time(source: bytes) -> None:
    start = time.monotonic()
    found = read(source)
    assert isinstance(found, (Facts, Unreadable))
    assert time.monotonic() - start < 2 * syntax.SECONDS
    if isinstance(found, Unreadable):
        assert found.message


def test_a_line_of_nine_hundred_kilobytes() -> None:
    assert uses(b"x = [" + b"1234567," * 110_000 + b"]; import scipy")["scipy"] == 1
    assert read(b"x = '" + b"y" * 900_000 + b"'") == Facts((), own=frozenset({"x"}))


def test_many_long_names_stay_bounded() -> None:
    """Each use would be the alias spelled out: a short file could ask for gigabytes."""
    source = f"from a{'.b' * 20_000} import c as n\n" + "".join(f"n.x{i}\n" for i in range(50_000))
    assert max(map(len, uses(source))) == 300


@pytest.fixture
def parser_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Have another script read syntax; the folder that it may count in."""

    def make(script: str) -> Path:
        path = tmp_path / "parser.py"
        path.write_text(f"import os, sys, time\nHERE = {str(tmp_path)!r}\nsys.stdin.buffer.read()\n{script}")
        monkeypatch.setattr(syntax, "_PARSER", path)
        return tmp_path

    return make


BEGUN = 'print("ready", flush=True); open(f"{HERE}/tried-{time.time_ns()}", "w").close()\n'


@posix_only
@pytest.mark.parametrize(
    "end",
    ["sys.exit(1)", "os.kill(os.getpid(), 11)", "os.kill(os.getpid(), 24)", "os.abort()", "print('{'); sys.exit(1)"],
)
def test_a_source_that_ends_the_parser_cannot_be_read(parser_that: Callable[[str], Path], end: str) -> None:
    folder = parser_that(BEGUN + end)
    found = read(b"x = 1")
    assert isinstance(found, Unreadable)
    assert "nested too deeply?" in found.message
    assert len(list(folder.glob("tried-*"))) == 1


@posix_only
@pytest.mark.parametrize(
    "end",
    [
        BEGUN + "os.kill(os.getpid(), 9)",  # as a system without memory does
        BEGUN + "print('{')",
        BEGUN + "time.sleep(1000)",
        "sys.exit(1)",  # before it has begun
        "print('no JSON')",
    ],
)
def test_a_parser_that_breaks_is_not_the_source_s_fault(
    parser_that: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    folder = parser_that(end)
    monkeypatch.setattr(syntax, "SECONDS", 5.0 if "sleep" in end else 60.0)
    reading = Reading(b"x = 1" * 500_000)
    with pytest.raises(GraderError, match="The process that reads a submission's syntax"):
        reading.result()
    assert reading._popen.returncode is not None
    assert len(list(folder.glob("tried-*"))) == (2 if end.startswith(BEGUN) else 0), (
        "once more, in case it was a chance"
    )


@posix_only
def test_a_parser_that_breaks_once_is_asked_again(parser_that: Callable[[str], Path]) -> None:
    parser_that(
        "if not os.path.exists(f'{HERE}/tried'):\n    open(f'{HERE}/tried', 'w').close(); os.kill(os.getpid(), 9)\n"
        """print('ready\\n{"uses": [], "asked": [], "own": []}')"""
    )
    assert read(b"x = 1") == Facts(())


@posix_only
def test_a_parser_may_take_only_so_much_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = syntax._PARSER.read_text()
    assert "\nMEMORY = 1 << 30\n" in text
    source = b"x = [" + b"1," * 300_000 + b"]"
    assert read(source).uses == ()
    modest = tmp_path / "parser.py"
    modest.write_text(text.replace("\nMEMORY = 1 << 30\n", "\nMEMORY = 48 << 20\n"))
    monkeypatch.setattr(syntax, "_PARSER", modest)
    assert read(b"x = []") == Facts((), own=frozenset({"x"}))
    assert isinstance(read(source), Unreadable)


# -- many, by forks ----------------------------------------------------------------------------------------------------

SOURCES = [
    b"import numpy as np\nimport scipy.special as sp\nx = sp.softmax(np.ones(3))\n",
    b"def f(:\n",
    b"\xff\xfe\x00",
    b"",
    b"(" * 5000,
    b"x" + b"+x" * 200_000,
    b"\xef\xbb\xbf# -*- coding: utf-8 -*-\nx = 1\n",
    b"x = [" + b"1," * 300_000 + b"]",
]


@posix_only
def test_what_forks_read_is_what_a_process_of_its_own_reads() -> None:
    with Parsers() as parsers:
        for source in [*SOURCES, *SOURCES[::-1]]:
            assert parsers.read(source) == Reading(source).result()
        assert parsers._popen is not None and parsers._popen.poll() is None, "it outlived all of them"


@posix_only
def test_where_nobody_forks_a_process_of_its_own_reads() -> None:
    with Parsers() as parsers:
        assert parsers._popen is not None
        parsers._popen.kill()
        parsers._popen.wait()
        assert parsers.read(b"x = 1") == Facts((), own=frozenset({"x"}))
        assert parsers.read(b"y = 1") == Facts((), own=frozenset({"y"}))


@linux_only
def test_a_child_that_is_killed_is_not_the_source_s_fault() -> None:
    """A process of its own reads what the forked one did not live to say, as on a machine without memory."""
    with Parsers() as parsers:
        assert parsers._popen is not None
        leader = parsers._popen.pid
        source = b"x" + b"+x" * 200_000
        done = threading.Event()

        def kill() -> None:
            while not done.is_set():
                for pid in group(leader) - {leader}:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            assert parsers.read(source) == Reading(source).result()
        finally:
            done.set()
            killer.join()
        assert parsers._popen.pid == leader


@linux_only
def test_no_fork_is_no_fault_of_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    crowded = tmp_path / "parser.py"
    crowded.write_text(syntax._PARSER.read_text().replace("forked = os.fork()", "raise OSError(11, 'too many')"))
    monkeypatch.setattr(syntax, "_PARSER", crowded)
    with Parsers() as parsers:
        for _ in range(2):
            assert parsers.read(b"x = 1") == Facts((), own=frozenset({"x"}))
        assert parsers._popen is not None and parsers._popen.poll() is None


@linux_only
def test_it_is_no_stray_and_begins_again() -> None:
    """Whoever hunts for what a worker left behind lets it live; whoever else ends it does not end it for good."""
    with Parsers() as parsers:
        assert parsers._popen is not None
        assert parsers._popen.pid in launch.LEADERS
        first = parsers._popen
        first.kill()
        first.wait()
        for name in (b"x", b"y"):
            assert parsers.read(name + b" = 1") == Facts((), own=frozenset({name.decode()}))
        assert parsers._popen.pid != first.pid
        assert first.pid not in launch.LEADERS
        leader = parsers._popen.pid
    assert leader not in launch.LEADERS


@linux_only
def test_nothing_is_left_when_it_is_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    patient = tmp_path / "parser.py"
    slow = "    time.sleep(1000 if b'slow' in source else 0)\n    try:\n        tree = ast.parse(source)"
    text = syntax._PARSER.read_text().replace("    try:\n        tree = ast.parse(source)", slow)
    patient.write_text(text.replace("import json", "import json\nimport time", 1))
    monkeypatch.setattr(syntax, "_PARSER", patient)
    monkeypatch.setattr(launch, "END_SECONDS", 0.2)
    with Parsers() as parsers:
        assert isinstance(parsers.read(b"first = 1"), Facts), "it has started"
        with monkeypatch.context() as hasty, pytest.raises(GraderError, match="did not finish"):
            hasty.setattr(syntax, "SECONDS", 0.5)
            parsers.read(b"slow = 1")
        assert isinstance(parsers.read(b"quick = 1"), Facts), "nobody waits for the one before"
        leader = parsers._popen.pid if parsers._popen is not None else 0
        assert group(leader)
    until(lambda: not group(leader))


# -- never executed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "open({file!r}, 'w')",
        "import os; os.mkdir({file!r})",
        "x: open({file!r}, 'w') = 1",
        "def f(x=open({file!r}, 'w')): pass",
        "@open({file!r}, 'w').write\ndef f(): pass",
        "class A(metaclass=open({file!r}, 'w')): pass",
        'f"{{open({file!r})}}"',
        "# -*- coding: utf-8 -*-\nopen({file!r}, 'w')",
    ],
)
def test_nothing_of_it_is_executed(tmp_path: Path, source: str) -> None:
    file = tmp_path / "executed"
    text = source.format(file=str(file))
    ast.parse(text)  # it is readable, so that not being executed means something
    assert isinstance(read(text), Facts)
    assert not file.exists()
    assert not list(tmp_path.iterdir())
