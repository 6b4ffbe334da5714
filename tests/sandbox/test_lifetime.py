"""A worker's life: deadlines that only the grader's clocks decide, deaths, replacements, and nothing left behind."""

from __future__ import annotations

import inspect
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dlgrade.errors import GraderError
from dlgrade.model import Outcome
from dlgrade.sandbox import client, launch
from dlgrade.sandbox.calls import Call, Loaded, Returned, Stopped
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.forks import Zygote
from processes import LONG, alive, linux_only, unreaped, until
from sandbox_targets import PATIENT, ask, open_files, posix_only, submission

Submit = Callable[..., WorkerTarget]
HASTY = 0.2
"""Seconds of processor time for a call that will not end."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the wall, calls get little more than their processor time."""
    monkeypatch.setattr(client, "WALL_FACTOR", 2.0)


# -- deadlines ---------------------------------------------------------------------------------------------------------

ENDLESS = {
    "loop": "while True: pass",
    "sleep": "import time; time.sleep(1000)",
    "wait": "import threading; threading.Event().wait()",
    "no signals": """
        import signal
        for number in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True: pass
    """,
    "catches everything": """
        while True:
            try:
                while True: pass
            except BaseException: pass
    """,
    "blocked": "import os; os.read(os.pipe()[0], 1)",
    "stopped": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "arithmetic": "(10**8) ** (10**8)",
    "regular expression": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "prints": "while True: print('still here' * 1000, flush=True)",
    "calls back": "while True: x()",
}


@posix_only
@pytest.mark.parametrize("statement", ENDLESS.values(), ids=ENDLESS)
def test_a_call_that_does_not_end_is_ended(submit: Submit, statement: str) -> None:
    target = submit("def f(x):\n    if True:\n        " + statement.strip() + "\n")
    assert isinstance(target.load(), Loaded)
    start = time.monotonic()
    reply = ask(target, lambda: 1, seconds=HASTY)
    assert isinstance(reply, Stopped)
    assert reply.outcome == Outcome.TIMED_OUT
    assert time.monotonic() - start < 60


def test_a_file_that_does_not_end_is_ended(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LOAD_SECONDS", HASTY)
    target = submit("while True: pass")
    reply = target.load()
    assert isinstance(reply, Stopped)
    assert reply.outcome == Outcome.TIMED_OUT
    assert ask(target, 1) == reply


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], float]:
    """A callable after which the submission takes so many seconds by the grader's clock, which else runs so slowly that
    no machine is too busy for it."""
    waited = soon = 0.0
    send = client._Session.send

    def wait(seconds: float) -> float:
        nonlocal soon
        soon = seconds
        return seconds

    def sent(session: client._Session, *said: Any) -> None:
        nonlocal waited, soon
        send(session, *said)
        waited, soon = waited + soon, 0.0

    monkeypatch.setattr(client._Session, "send", sent)

    clock = SimpleNamespace(**vars(time))
    clock.monotonic = lambda: waited + time.monotonic() / 100
    monkeypatch.setattr(client, "time", clock)
    return wait


def test_each_call_of_a_batch_has_its_own_time(submit: Submit, wait: Callable[[float], float]) -> None:
    target = submit("def f(wait, x): return wait(x)")
    calls = [Call("f", (wait, x)) for x in (0.4, 0.4, 0.4, 100, 0)]
    replies = target.call_many(calls, seconds=0.4)
    assert replies[:3] == [Returned(0.4)] * 3
    assert isinstance(replies[3], Stopped)
    assert len(replies) == 4


@linux_only
def test_time_is_processor_time_where_it_can_be_read(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with something else fails nobody: waiting is allowed much longer than working."""
    monkeypatch.setattr(client, "WALL_FACTOR", 50.0)
    target = submit("import time\ndef f(x): time.sleep(x)\ndef g():\n    while True: pass", "f", "g")
    assert isinstance(target.load(), Loaded)
    assert ask(target, 0.6, seconds=HASTY) == Returned(None)
    start = time.monotonic()
    assert isinstance(ask(target, name="g", seconds=HASTY), Stopped)
    assert time.monotonic() - start < HASTY * 50


def test_all_calls_of_a_check_together_have_an_end(submit: Submit, wait: Callable[[float], float]) -> None:
    target = submit("def f(wait, x): return wait(x)")
    target.load()
    target.begin_check()
    replies = target.call_many([Call("f", (wait, 11.0))] * 9, seconds=PATIENT)
    assert replies[:-1] == [Returned(11.0)] * 5
    assert isinstance(replies[-1], Stopped)
    assert replies[-1].outcome == Outcome.TIMED_OUT
    target.begin_check()
    assert ask(target, wait, 11.0) == Returned(11.0)


def test_what_the_grader_does_itself_is_not_the_submission_s_time(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what it works out between two calls, nor in a callback."""
    monkeypatch.setattr(client, "CHECK_SECONDS", 3.0)
    monkeypatch.setattr(client, "WALL_FACTOR", 10.0)
    target = submit("def f(step): return step()")
    target.load()
    target.begin_check()
    skipped = 0.0
    clock = time.monotonic
    monkeypatch.setattr(client.time, "monotonic", lambda: clock() + skipped)

    def later() -> int:
        nonlocal skipped
        skipped += 100
        return 7

    assert ask(target, lambda: 1, seconds=1.0) == Returned(1)
    later()
    assert ask(target, lambda: 1, seconds=1.0) == Returned(1)
    assert ask(target, later, seconds=1.0) == Returned(7)
    assert ask(target, lambda: 1, seconds=1.0) == Returned(1)


def test_an_answer_that_came_in_time_is_not_late_because_nobody_looked(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = submit("def f(x): return x")
    target.load()
    send, clock, skipped = client._Session.send, time.monotonic, 0.0
    monkeypatch.setattr(client.time, "monotonic", lambda: clock() + skipped)

    def away(session: client._Session, *request: Any) -> None:
        nonlocal skipped
        send(session, *request)
        assert select.select([session.process.sock], [], [], 30)[0]
        skipped += 1000

    monkeypatch.setattr(client._Session, "send", away)
    assert ask(target, 5) == Returned(5)


# -- deaths ------------------------------------------------------------------------------------------------------------

DEATHS = {
    "leaves": ("import os; os._exit(0)", "exit code 0"),
    "leaves with a code": ("import os; os._exit(7)", "exit code 7"),
    "kills itself": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "abort": ("import os; os.abort()", "SIGABRT"),
    "processor time": ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "processor time"),
    "ends from a thread": ("import os, threading; threading.Thread(target=os._exit, args=(3,)).start(); x()", "code 3"),
}


@posix_only
@pytest.mark.parametrize(("statement", "says"), DEATHS.values(), ids=DEATHS)
def test_a_death_is_told_and_the_next_call_has_a_new_worker(
    submit: Submit, started: list[launch.Process], statement: str, says: str
) -> None:
    target = submit(f"def f(x): {statement}\ndef g(): return 'alive'", "f", "g")
    reply = ask(target, lambda: started[-1].popen.wait(LONG))
    assert isinstance(reply, Stopped)
    assert reply.outcome == (Outcome.TIMED_OUT if "processor" in says else Outcome.CRASHED)
    assert says in reply.message
    assert ask(target, name="g") == Returned("alive")
    assert len(started) == 2


@pytest.mark.parametrize("statement", ["import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_a_death_while_loading_is_told_once_and_for_all(
    submit: Submit, started: list[launch.Process], statement: str
) -> None:
    target = submit(statement)
    reply = target.load()
    assert isinstance(reply, Stopped)
    assert reply.outcome == Outcome.CRASHED
    assert ask(target) == target.load() == reply
    assert len(started) == 1


def test_a_batch_ends_with_the_call_that_died(submit: Submit) -> None:
    target = submit("import os\ndef f(x): return x if x else os._exit(0)")
    replies = target.call_many([Call("f", (x,)) for x in (1, 2, 0, 3)])
    assert replies[:2] == [Returned(1), Returned(2)]
    assert isinstance(replies[2], Stopped)
    assert len(replies) == 3


def test_what_keeps_dying_is_not_called_any_more(submit: Submit, started: list[launch.Process]) -> None:
    target = submit("import os\ndef f(): os._exit(0)\ndef g(): return 1", "f", "g")
    replies = [ask(target) for _ in range(5)]
    assert all(isinstance(reply, Stopped) and reply.outcome == Outcome.CRASHED for reply in replies)
    assert len(started) == client.DEATHS_LIMIT
    assert "not called again" in replies[-1].message  # type: ignore[union-attr]
    assert ask(target, name="g") == Returned(1)
    assert len(started) == client.DEATHS_LIMIT + 1


def test_each_entry_point_is_told_its_own_deaths(submit: Submit) -> None:
    target = submit("import os\ndef f(): os._exit(0)\ndef g():\n    while True: pass", "f", "g")
    for _ in range(client.DEATHS_LIMIT):
        ask(target)
    assert ask(target, name="g", seconds=HASTY).outcome == Outcome.TIMED_OUT  # type: ignore[union-attr]
    assert ask(target).outcome == Outcome.CRASHED  # type: ignore[union-attr]


def test_a_death_between_two_calls_is_noticed(submit: Submit, started: list[launch.Process]) -> None:
    target = submit("def f(): return 1")
    assert ask(target) == Returned(1)
    started[-1].popen.kill()
    started[-1].popen.wait(LONG)
    reply = ask(target)
    assert isinstance(reply, Stopped)
    assert reply.outcome == Outcome.CRASHED


def test_a_new_worker_starts_from_the_beginning(submit: Submit) -> None:
    """Nothing that a submission kept in memory survives its worker."""
    target = submit(
        """
        import os
        seen = []
        def f(x):
            seen.append(x)
            return len(seen)
        def g(): os._exit(0)
        """,
        "f", "g",
    )  # fmt: skip
    assert [ask(target, 1), ask(target, 1)] == [Returned(1), Returned(2)]
    ask(target, name="g")
    assert ask(target, 1) == Returned(1)


def test_a_worker_that_does_not_start_is_the_graders_fault(
    submit: Submit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "worker.py"
    broken.write_text("raise SystemExit('no such thing as luck')")
    monkeypatch.setattr(launch, "_WORKER", broken)
    with WorkerTarget(submission(""), module="task", names=["f"]) as target, pytest.raises(GraderError, match="luck"):
        target.load()


def test_a_missing_framework_is_the_graders_fault_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(launch.FRAMEWORKS, "none", ("no_such_framework",))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(GraderError, match="not installed"):
        launch.start("none")
    assert list(tmp_path.iterdir()) == []


# -- nothing is left behind --------------------------------------------------------------------------------------------

STRAYS = {
    "in its own session": "libc.setsid()",
    "in its own group": "libc.setpgid(0, 0)",
    "twice removed": "libc.fork() and os._exit(0); libc.setsid(); libc.fork() and os._exit(0)",
    "ignoring signals": "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 15)]; libc.setsid()",
    "without its variables": "os.environ.clear(); libc.setsid()",
}


@linux_only
@pytest.mark.parametrize("leave", STRAYS.values(), ids=STRAYS)
def test_a_process_that_slipped_away_is_ended(submit: Submit, leave: str) -> None:
    """Started through ctypes, since the tripwire against os.fork is no wall."""
    target = submit(
        f"""
        import ctypes, os
        libc = ctypes.CDLL(None)
        def f():
            reading, writing = os.pipe()
            if libc.fork() == 0:
                {leave}
                os.write(writing, str(os.getpid()).encode())
                while True: libc.sleep(1000)
            return int(os.read(reading, 20))
        """
    )
    reply = ask(target)
    assert isinstance(reply, Returned), reply
    assert alive(reply.value)
    target.close()
    until(lambda: not alive(reply.value))


@linux_only
def test_a_process_that_outlives_the_worker_keeps_nobody_waiting(submit: Submit) -> None:
    """It holds the socket open, so nobody sees the worker hang up."""
    target = submit(
        """
        import ctypes, os
        libc = ctypes.CDLL(None)
        def f():
            if libc.fork() == 0:
                libc.setsid()
                while True: libc.sleep(1000)
            os._exit(0)
        """
    )
    target.load()
    start = time.monotonic()
    assert isinstance(ask(target, seconds=HASTY), Stopped)
    assert time.monotonic() - start < 60


@posix_only
@pytest.mark.parametrize(
    "litter",
    [
        "open('file', 'w').write('x')",
        "os.mkdir('a'); open('a/b', 'w').write('x'); os.chmod('a', 0)",
        "os.chmod('.', 0)",
        "os.symlink('/', 'root'); os.symlink('nowhere', 'dangling')",
        "os.mkfifo('pipe')",
        "[(os.mkdir('d' * 200), os.chdir('d' * 200)) for _ in range(30)]",
    ],
    ids=["file", "closed folder", "closed scratch", "links", "fifo", "very deep"],
)
def test_the_scratch_folder_is_removed_whatever_is_in_it(
    submit: Submit, started: list[launch.Process], litter: str
) -> None:
    target = submit(f"import os\ndef f(): {litter}")
    scratch = Path(started[-1].scratch)
    assert scratch.is_dir()
    assert isinstance(ask(target), Returned)
    target.close()
    assert not scratch.exists()
    assert Path("/etc").is_dir()


def test_a_deep_folder_is_removed_without_a_deep_stack(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.joinpath(*["d"] * 150).mkdir(parents=True)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        launch.remove(folder)
    finally:
        sys.setrecursionlimit(limit)
    assert not folder.exists()


@linux_only
def test_a_link_in_the_scratch_folder_is_not_followed(submit: Submit, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    tmp_path.chmod(0o755)
    target = submit(f"import os\ndef f(): os.symlink({str(tmp_path)!r}, 'link')")
    assert isinstance(ask(target), Returned)
    target.close()
    assert (tmp_path / "kept").read_text() == "x"
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@linux_only
def test_the_grader_keeps_no_file_no_thread_and_no_child() -> None:
    source = """
        import numpy as np
        def f(x): return np.tile(x, 4)
        def g(): import os; os._exit(0)
        def h(): 
            while True: pass
    """
    x = np.zeros(100_000)

    def one_life() -> None:
        with WorkerTarget(submission(source), module="task", names=["f", "g", "h"]) as target:
            assert isinstance(ask(target, x), Returned)
            assert isinstance(ask(target, name="g"), Stopped)
            assert isinstance(ask(target, x), Returned)
            assert isinstance(ask(target, name="h", seconds=HASTY), Stopped)

    one_life()  # what is imported late may stay
    # What other tests started may have been left to this process, and has ended.
    files, threads, zombies = open_files(), threading.active_count(), unreaped()
    for _ in range(2):
        one_life()
    assert open_files() == files
    assert threading.active_count() == threads
    assert unreaped() <= zombies


def test_closing_twice_is_closing_once(submit: Submit) -> None:
    target = submit("")
    target.close()
    target.close()


def test_an_error_of_the_grader_ends_the_worker_too(submit: Submit, started: list[launch.Process]) -> None:
    class Interrupt(BaseException):
        pass

    def step() -> Any:
        raise Interrupt

    target = submit("def f(step): return step()")
    with pytest.raises(Interrupt):
        ask(target, step)
    assert isinstance(started[-1].popen, subprocess.Popen)
    assert started[-1].popen.returncode is not None


@posix_only
def test_ended_once_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may be another group's by then."""
    for ended_by_itself in (False, True):
        process = launch.start("numpy")
        if ended_by_itself:
            process.sock.close()
            assert process.wait(30) is not None
        first = process.end()
        with monkeypatch.context() as patch:
            patch.setattr(os, "killpg", lambda *_: pytest.fail("it is somebody else"))
            patch.setattr(os, "kill", lambda *_: pytest.fail("it is somebody else"))
            assert process.end() == first == process.wait(0)


@linux_only
def test_its_group_is_killed_before_its_number_is_given_back(submit: Submit) -> None:
    """Whoever waits for it to end ends what it leaves in its group, too."""
    target = submit(
        """
        import ctypes, os
        libc = ctypes.CDLL(None)
        def f():
            pid = libc.fork()
            if pid == 0:
                while True: libc.sleep(1000)
            return pid
        """
    )
    reply = ask(target)
    assert isinstance(reply, Returned) and alive(reply.value)
    worker = target._process
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait(30) == -signal.SIGKILL
    until = time.monotonic() + 30
    while alive(reply.value) and time.monotonic() < until:
        time.sleep(0.01)
    assert not alive(reply.value)


@linux_only
def test_whoever_works_for_too_long_is_told_so(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's signal says that it was the processor time; at the hard limit it would only kill."""
    script = launch._WORKER.read_text()
    assert '"RLIMIT_CPU": 900' in script
    target = submit("import resource\ndef f(): return resource.getrlimit(resource.RLIMIT_CPU)")
    reply = ask(target)
    assert isinstance(reply, Returned)
    soft, hard = reply.value
    assert soft == 900 < hard


@pytest.mark.parametrize(
    "start", [launch.start, lambda framework: Zygote(framework, "landlock")], ids=["own", "zygote"]
)
@pytest.mark.parametrize("how", [KeyboardInterrupt, OSError])
def test_what_interrupts_a_start_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, start: Callable[[str], Any], how: type[BaseException]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise how

    files = open_files()
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        patch.setattr(subprocess, "Popen", interrupted)
        with pytest.raises(GraderError if how is OSError else how):
            start("numpy")
    assert not list(tmp_path.iterdir())
    assert open_files() == files
