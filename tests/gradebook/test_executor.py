"""Processes that grade: each task comes back once, whoever dies; nothing is left, whoever ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dlgrade.errors import GraderError, UsageError
from dlgrade.gradebook import executor
from dlgrade.gradebook.executor import Failure, Processes, Waiting, _Process
from executor_targets import doing, dying, refusing, task
from processes import LONG, alive, linux_only, running, until

HERE = Path(__file__).parent
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def named(folder, kind):
    """The processes that have left a file of this kind."""
    return {int(path.name.removeprefix(f"{kind}-")) for path in folder.glob(f"{kind}-*")}


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Whoever is told to end has the time to, however busy the machine is; whoever does not hear is killed all the
    same."""
    monkeypatch.setattr(executor, "END_SECONDS", 60.0)


@posix_only
def test_each_task_comes_back_once_whoever_dies(tmp_path):
    names = ["a", "b", "dies-once", "dies", "raises-once", "raises", "is-interrupted", "sleeps 60", "d"]
    tasks = [task(name, seconds=1.0 if name.startswith("sleeps") else 60.0) for name in names]
    answers = list(Processes(doing(tmp_path), 2).run(tasks))
    assert sorted(one.key for one, _ in answers) == sorted(names)
    of = {one.key: answer for one, answer in answers}
    done = {name for name, answer in of.items() if isinstance(answer, str) and answer.startswith(f"{name} by ")}
    assert done == {"a", "b", "is-interrupted", "d", "dies-once", "raises-once"}
    assert of["dies"] == Failure("The process that graded it was killed by SIGKILL.")
    assert of["raises"] == Failure("ValueError: it is what it is")
    assert of["sleeps 60"] == Failure("The process that graded it did not finish within 1 s.")
    assert not any(map(alive, named(tmp_path, "pid")))


def test_no_tasks_need_no_process(tmp_path):
    assert list(Processes(doing(tmp_path), 2).run([])) == []
    assert not named(tmp_path, "pid")


def test_what_cannot_be_made_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"Not here\.") as caught:
        list(Processes(refusing, 2).run([task("a")]))
    assert (caught.value.where, caught.value.mend) == ("--isolation", "Somewhere else.")


def test_processes_that_die_as_they_start_are_told(monkeypatch):
    monkeypatch.setattr(executor, "STARTS_LIMIT", 2)
    with pytest.raises(GraderError, match=r"2 in a row did not start. The last one ended by itself \(exit code 3\)"):
        list(Processes(dying, 1).run([task("a")]))


@linux_only
def test_whoever_stops_early_ends_what_is_under_way(tmp_path):
    run = Processes(doing(tmp_path), 2).run([task("a"), task("sleeps 600 a"), task("sleeps 600 b")])
    assert next(run)[0].key == "a"
    until(lambda: list(tmp_path.glob("tried-sleeps*")))
    run.close()
    begun = named(tmp_path, "pid")
    assert begun and named(tmp_path, "left") == begun, "they end when they are told, not only when they are killed"
    assert not any(map(alive, begun))


@linux_only
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_whoever_gave_the_tasks_is_gone_and_so_are_the_processes(tmp_path, number):
    script = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from executor_targets import doing, task\n"
        "from dlgrade.gradebook.executor import Processes\n"
        "if __name__ == '__main__':\n"
        f"    list(Processes(doing({str(tmp_path)!r}), 2).run([task('sleeps 600 a'), task('sleeps 600 b')]))\n"
    )
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, tmp_path / "script.py"]
    with running(command, start_new_session=True, stderr=subprocess.PIPE) as parent:
        until(lambda: len(list(tmp_path.glob("tried-sleeps*"))) == 2)
        # As a terminal does it: Ctrl-C reaches all of them.
        (os.killpg if number == signal.SIGINT else os.kill)(parent.pid, number)
        _, said = parent.communicate(timeout=LONG)
    assert said.count(b"Traceback") == (number == signal.SIGINT), said
    until(lambda: not any(map(alive, named(tmp_path, "pid"))))


def test_what_is_timed_runs_alone(tmp_path):
    tasks = [task(f"sleeps 0.2 {n}", alone=n < 2) for n in range(5)]
    assert len(list(Processes(doing(tmp_path), 2).run(tasks))) == 5
    slept = [line.split() for line in (tmp_path / "slept").read_text().splitlines()]
    spans = [(float(begun), float(ended), alone == "True") for begun, ended, alone in slept]
    for number, (begun, ended, alone) in enumerate(spans):
        beside = [one for other, one in enumerate(spans) if other != number and one[0] < ended and begun < one[1]]
        assert not (alone and beside)
    assert [alone for *_, alone in sorted(spans)] == [False] * 3 + [True] * 2


def process(*known, busy=None):
    one = _Process(None, None, 0.0, True, busy, set(known))
    return one


def test_a_process_stays_with_the_exercise_that_it_knows():
    waiting = Waiting([task(f"{name}{n}", exercise=name) for name, many in (("a", 3), ("b", 2)) for n in range(many)])
    first, second = process(), process("a")
    assert waiting.take(first, [process("a")]).exercise == "b", "what no other knows, though there is less of it"
    assert waiting.take(first, []).exercise == "a", "the largest"
    assert waiting.take(second, [first]).key == "a1"
    assert waiting.take(process("b"), [first, second]).key == "b1"
    assert waiting.take(process("b"), [first, second]).key == "a2", "it helps the others in the end"
    assert waiting.take(first, []) is None


def test_a_task_that_is_put_back_is_next():
    waiting = Waiting([task("a"), task("b")])
    first = waiting.take(process(), [])
    waiting.put(first, first=True)
    assert waiting.take(process(), []) is first
    assert len(waiting) == 1


@posix_only
def test_to_leave_is_tried_again_where_it_cannot_be(tmp_path, capfd):
    """A process is told to end while it collects garbage, where Python only prints what is raised."""
    [(_, answer)] = Processes(doing(tmp_path), 1).run([task("collects-garbage", seconds=1.0)])
    assert "did not finish within 1 s" in answer.why
    assert "Traceback" not in capfd.readouterr().err
    begun = named(tmp_path, "pid")
    assert len(begun) == 2
    assert named(tmp_path, "left") == begun, "both unwound"
