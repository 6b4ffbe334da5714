"""What is asked of a worker: calls, batches, callbacks, and what comes of each."""

from __future__ import annotations

import itertools
import math
import socket
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dlgrade.model import Outcome
from dlgrade.sandbox import client, launch, wire
from dlgrade.sandbox.calls import Call, Loaded, Parameter, Raised, Returned, Stopped
from dlgrade.sandbox.client import Request, WorkerTarget
from dlgrade.sandbox.wire import Foreign, Oversize
from sandbox_targets import ask

Submit = Callable[..., WorkerTarget]

# -- calls -------------------------------------------------------------------------------------------------------------


def test_loading_tells_what_is_defined(submit: Submit) -> None:
    target = submit(
        """
        import math
        limit = 3
        def f(x, /, axis=-1, *rest, keep, **more): ...
        def spare(): ...
        class Callable:
            def __call__(self, x): ...
        g = Callable()
        """,
        "f", "g", "limit", "absent",
    )  # fmt: skip
    loaded = target.load()
    assert isinstance(loaded, Loaded)
    assert loaded.others == ("spare",)
    assert loaded.defines == {
        "f": (
            Parameter("x", "POSITIONAL_ONLY", False),
            Parameter("axis", "POSITIONAL_OR_KEYWORD", True),
            Parameter("rest", "VAR_POSITIONAL", False),
            Parameter("keep", "KEYWORD_ONLY", False),
            Parameter("more", "VAR_KEYWORD", False),
        ),
        "g": (Parameter("x", "POSITIONAL_OR_KEYWORD", False),),
        "limit": "int",
        "absent": None,
    }
    assert target.load() is loaded


def test_arguments_and_results_of_every_kind(submit: Submit) -> None:
    target = submit("def f(*args, **kwargs): return [args, kwargs]")
    x = np.arange(6, dtype=np.float32).reshape(2, 3).T
    reply = ask(target, 1, -0.0, "text", None, True, [[1, 2.5], ["a", ("b",)]], x, kwargs={"axis": -1, "y": x})
    assert isinstance(reply, Returned)
    args, kwargs = reply.value
    assert args[:6] == (1, -0.0, "text", None, True, [[1, 2.5], ["a", ("b",)]])
    assert math.copysign(1, args[1]) == -1
    assert np.array_equal(args[6], x)
    assert args[6].flags.f_contiguous
    assert args[6].dtype == np.float32
    assert kwargs["axis"] == -1
    assert np.array_equal(kwargs["y"], x)
    assert reply.after is None


def test_each_argument_is_a_fresh_array_even_within_a_batch(submit: Submit) -> None:
    target = submit("def f(x):\n    x += 1\n    return x")
    x = np.zeros(3)
    replies = target.call_many([Call("f", (x,)), Call("f", (x,))])
    assert [reply.value.tolist() for reply in replies if isinstance(reply, Returned)] == [[1.0] * 3] * 2
    assert x.tolist() == [0.0] * 3


def test_a_read_only_argument_cannot_be_written(submit: Submit) -> None:
    x = np.zeros(3)
    x.flags.writeable = False
    reply = ask(submit("def f(x):\n    x += 1"), x)
    assert isinstance(reply, Raised)
    assert reply.kinds[0] == "ValueError"


def test_arguments_come_back_as_they_are_after_the_call(submit: Submit) -> None:
    target = submit("def f(x, n, y=None):\n    x[0] = 9\n    return x[1:]")
    reply = ask(target, np.zeros(3), 5, kwargs={"y": np.ones(2)}, want_after=True)
    assert isinstance(reply, Returned)
    assert reply.after is not None
    x, n, y = reply.after
    assert x.tolist() == [9.0, 0.0, 0.0]
    assert n is None
    assert y.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("change", ["x.shape = (6, 1)", "x.dtype = np.int64", "x.resize(7, refcheck=False)"])
def test_an_argument_that_was_changed_in_kind_comes_back_so(submit: Submit, change: str) -> None:
    reply = ask(submit(f"import numpy as np\ndef f(x):\n    {change}"), np.zeros(6), want_after=True)
    assert isinstance(reply, Returned), reply
    assert reply.after is not None
    assert (reply.after[0].shape, reply.after[0].dtype) != ((6,), np.float64)


def test_after_a_call_that_raised_the_others_of_its_batch_are_answered(submit: Submit) -> None:
    target = submit("def f(x): return 1 / x")
    one, two, three = target.call_many([Call("f", (1,)), Call("f", (0,)), Call("f", (4,))])
    assert one == Returned(1.0)
    assert isinstance(two, Raised)
    assert two.kinds[:3] == ("ZeroDivisionError", "ArithmeticError", "Exception")
    assert [(frame.line, frame.function, frame.text) for frame in two.frames] == [(1, "f", "def f(x): return 1 / x")]
    assert three == Returned(0.25)


def test_a_large_batch_is_one_message(submit: Submit) -> None:
    target = submit("def f(x): return x.sum()")
    arrays = [np.full(4, float(n)) for n in range(2000)]
    replies = target.call_many([Call("f", (array,)) for array in arrays])
    assert [reply.value for reply in replies if isinstance(reply, Returned)] == [4.0 * n for n in range(2000)]


def test_no_calls_are_no_work(submit: Submit, started: list[launch.Process]) -> None:
    assert submit("").call_many([]) == []


def test_large_arrays_go_there_and_back(submit: Submit) -> None:
    x = np.random.default_rng(0).normal(size=(2_500_000,))  # 20 MB: more than the worker may write to one file
    reply = ask(submit("def f(x): return -x"), x, want_after=True)
    assert isinstance(reply, Returned), reply
    assert np.array_equal(reply.value, -x)
    assert reply.after is not None
    assert np.array_equal(reply.after[0], x)


def test_a_long_text_arrives_and_a_long_list_comes_back(submit: Submit) -> None:
    target = submit("def f(text): return [len(text), [0.1] * 40_000]")
    reply = ask(target, "word " * 100_000)
    assert reply == Returned([500_000, [0.1] * 40_000])


def test_a_result_that_is_too_long_is_described_and_nobody_accused(submit: Submit) -> None:
    target = submit("def f(n): return ['x' * 10_000] * n")
    reply = ask(target, 1000, want_after=True)
    assert reply == Returned(Foreign("a list too large to send"), (None,))
    assert ask(target, 2) == Returned(["x" * 10_000] * 2)


def test_how_large_a_result_may_be_follows_from_what_was_sent_and_what_is_expected(submit: Submit) -> None:
    target = submit("import numpy as np\ndef f(n, *_): return np.zeros(n)")
    assert ask(target, 100_000) == Returned(Oversize("float64", (100_000,)))
    for call in (
        Call("f", (100_000,), expected_bytes=800_000),
        Call("f", (100_000, np.zeros(100_000))),
        Call("f", (100_000, [np.zeros(60_000), np.zeros(40_000)])),
    ):
        # The second of two alike carries as much as the first.
        for reply in target.call_many([call, call]):
            assert isinstance(reply, Returned)
            assert reply.value.shape == (100_000,)


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ("(i for i in x)", "generator"),
        ("{1, 2}", "set"),
        ("f", "function"),
        ("np", "module"),
        ("np.array([None])", "an array of dtype object"),
        ("np.array(['a'])", "an array of dtype <U1"),
        ("10**30", "an int of 100 bits"),
        ("3j", "complex"),
        ("b'1'", "bytes"),
        ("open('/dev/null')", "TextIOWrapper"),
    ],
)
def test_a_result_that_cannot_travel_is_described(submit: Submit, result: str, kind: str) -> None:
    reply = ask(submit(f"import numpy as np\ndef f(x): return {result}"), np.zeros(2))
    assert reply == Returned(Foreign(kind))


def test_what_an_author_cannot_send_is_the_graders_fault(submit: Submit) -> None:
    target = submit("def f(x): return 1")
    with pytest.raises(TypeError, match="cannot be sent to a worker"):
        ask(target, {1, 2})
    assert ask(target, [1]) == Returned(1)


def test_besides_a_large_result_there_is_room_for_the_arguments_made_wider(submit: Submit) -> None:
    target = submit(
        "import numpy as np\ndef f(x):\n    large = np.zeros(8 * len(x[0]), np.float32)\n"
        "    x[0] = x[0].astype(np.complex128)\n    return large"
    )
    sent = np.zeros(100_000, np.float32)
    reply = ask(target, [sent], want_after=True)
    assert isinstance(reply, Returned), reply
    assert reply.value.nbytes == 8 * sent.nbytes
    assert reply.after is not None
    assert (reply.after[0][0].shape, reply.after[0][0].dtype) == (sent.shape, np.complex128)


def test_what_was_heard_before_is_for_the_same_check_only(submit: Submit) -> None:
    target = submit("made = []\ndef f():\n    made.append(1)\n    return len(made)")
    said = [target.ask(Request([Call("f")])) for _ in range(2)]
    target.recall(said)
    assert ask(target) == Returned(1)
    target.begin_check()
    assert ask(target) == Returned(3)


# -- callbacks ---------------------------------------------------------------------------------------------------------


def test_a_callable_argument_is_called_here(submit: Submit) -> None:
    target = submit(
        """
        def f(step, n):
            state, seen = [0, "a"], []
            for _ in range(n):
                scores, state = step(state)
                seen.append(scores)
            return seen, state
        """
    )
    asked = []

    def step(state: Any) -> Any:
        asked.append(state)
        return np.full(2, state[0]), [state[0] + 1, state[1] + "b"]

    reply = ask(target, step, 3)
    assert isinstance(reply, Returned)
    seen, state = reply.value
    assert [scores.tolist() for scores in seen] == [[0, 0], [1, 1], [2, 2]]
    assert state == [3, "abbb"]
    assert asked == [[0, "a"], [1, "ab"], [2, "abb"]]


def test_callbacks_within_a_batch_and_several_callables(submit: Submit) -> None:
    target = submit("def f(a, b, x): return a(x) - b(x)")
    calls = [Call("f", (np.exp, np.sin, np.full(3, float(n)))) for n in range(3)]
    for n, reply in enumerate(target.call_many(calls)):
        assert isinstance(reply, Returned)
        assert np.array_equal(reply.value, np.exp(np.full(3, float(n))) - np.sin(np.full(3, float(n))))


def test_large_arrays_in_callbacks(submit: Submit) -> None:
    target = submit("import numpy as np\ndef f(step, n): return step(np.ones(n)).sum()")
    assert ask(target, lambda x: np.repeat(x, 10), 30_000) == Returned(np.float64(300_000))
    # One that is too large arrives as its description.
    got = []
    ask(target, got.append, 60_000)
    assert got == [Oversize("float64", (60_000,))]


def test_a_callback_that_raises_raises_in_the_submission(submit: Submit) -> None:
    target = submit(
        """
        def f(step):
            try:
                return step(1)
            except ValueError as error:
                return str(error)
        """
    )

    def step(_: Any) -> Any:
        raise KeyError("no such state")

    assert ask(target, step) == Returned("'no such state'")


def test_callbacks_are_counted(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CALLBACK_LIMIT", 50)
    target = submit("def f(step, n):\n    for _ in range(n): step()\n    return n")
    asked = []
    assert ask(target, lambda: asked.append(1), 50) == Returned(50)
    reply = ask(target, lambda: asked.append(1), 51)
    assert isinstance(reply, Stopped)
    assert reply.outcome == Outcome.TIMED_OUT
    assert len(asked) == 100


def test_there_is_an_end_to_callbacks_however_fast_they_are(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    target = submit("def f(step): return 1")
    target.load()
    asked = itertools.count(1)

    def calls_back(*_: Any, **__: Any) -> wire.Frame:
        assert next(asked) < 10**6
        return wire.Frame(wire.CALLBACK, 0, b"", b"")

    monkeypatch.setattr(target, "_receive", calls_back)
    monkeypatch.setattr(client, "_answer", lambda *_: 0.0)
    reply = ask(target, lambda: None)
    assert isinstance(reply, Stopped)
    assert reply.outcome == Outcome.TIMED_OUT


def test_what_a_callback_returns_that_cannot_be_sent_is_the_graders_fault(submit: Submit) -> None:
    with pytest.raises(TypeError, match="cannot be sent to a worker"):
        ask(submit("def f(step): return step()"), lambda: {1, 2})


# -- what is raised ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("raise NotImplementedError", "NotImplementedError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("exit()", "NameError"),  # what site adds is not here
        ("raise GeneratorExit", "GeneratorExit"),
        ("return f(x)", "RecursionError"),
        ("raise MemoryError", "MemoryError"),
        ("import numpy as np; return np.ones(10**11)", "MemoryError"),
        ("return bytearray(3 << 30)", "MemoryError"),
        ("return x +", "SyntaxError"),
        ("raise type('Odd', (BaseException,), {})", "Odd"),
    ],
)
def test_whatever_is_raised_is_told(submit: Submit, statement: str, kind: str) -> None:
    target = submit(f"def f(x): {statement}")
    reply = ask(target, 1)
    assert isinstance(reply, Raised), reply
    assert reply.kinds[0] in (kind, f"_Array{kind}")  # as NumPy calls its own, in some versions
    assert reply.not_started == (kind == "NotImplementedError")
    assert reply.frames
    assert ("MemoryError" in reply.kinds) == ("MemoryError" in kind)
    assert ask(target, 1) == reply  # the same worker, or the same answer from loading


def test_an_exception_of_its_own_is_not_the_stubs() -> None:
    assert Raised(("NotImplementedError", "RuntimeError"), "").not_started
    assert not Raised(("TooLarge", "NotImplementedError", "RuntimeError"), "").not_started


def test_a_traceback_shows_the_submissions_own_lines_only(submit: Submit) -> None:
    target = submit("import numpy as np\n\ndef f(x):\n    return g(x)\n\ndef g(x):\n    return np.linalg.inv(x)\n")
    reply = ask(target, np.zeros((2, 2)))
    assert isinstance(reply, Raised)
    assert [(frame.line, frame.function) for frame in reply.frames] == [(4, "f"), (7, "g")]
    assert reply.frames[1].text == "return np.linalg.inv(x)"


@pytest.mark.parametrize("how", ["raise ValueError", "x = [", "import nothing_like_it", "\tx = 1\n        y = 2"])
def test_a_file_that_cannot_be_loaded_says_so_every_time(submit: Submit, started: list[Any], how: str) -> None:
    target = submit(how.encode())
    replies = [target.load(), ask(target, 1), ask(target, 1)]
    assert isinstance(replies[0], Raised)
    assert replies == [replies[0]] * 3
    assert len(started) == 1


def test_a_call_has_its_own_time_however_long_the_grader_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker used before, in calls that nobody had to wait for, is no part of the next one's time."""
    monkeypatch.setattr(client, "WALL_FACTOR", 1000.0)
    ours, theirs = socket.socketpair()
    used, answers = [0.0], True

    def cpu_seconds() -> float:
        """The next of these, from then on the last; the worker answers once it is clocked."""
        if answers:
            theirs.send(b".")
        return used.pop(0) if len(used) > 1 else used[0]

    process = SimpleNamespace(sock=ours, output=None, pid=0, cpu_seconds=cpu_seconds)
    with ours, theirs:
        session = client._Session(process)  # type: ignore[arg-type]
        session.allow(0.1)
        session._wait()
        ours.recv(100)
        used[:] = [10.0]
        session.allow(0.1)
        time.sleep(0.2)
        session._wait()
        ours.recv(100)
        used, answers = [20.0, 20.05, 20.2], False
        session.allow(0.1)
        with pytest.raises(client._Late):
            session._wait()
        assert time.monotonic() < session._deadline, "it is late by its processor time"
