"""Every attack at every level that this machine reaches: no forged pass, nothing got, nothing harmed, nothing left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("the ground that attacks are run on looks into /proc, which only Linux has", allow_module_level=True)

from attempts import CLASSES, Attack, Range, attacks, read_header
from dlgrade.checking.inputs import Drawer
from dlgrade.errors import GraderError, UsageError
from dlgrade.sandbox.levels import LEVELS, workers
from ground import Ground, Surroundings

ATTACKS = attacks()
SOUND_EVERY = {"strict": 5, "landlock": 5, "process": 25}
"""After how many attacks a right submission is checked again; where each worker is a fresh process, more seldom."""


def cases() -> Iterator[object]:
    for level in LEVELS:
        for attack in ATTACKS:
            why = attack.unfit(level)
            marks = [pytest.mark.skip(reason=why)] if why else []
            if attack.hole(level):
                marks.append(pytest.mark.xfail(strict=True, reason=attack.hole(level)))
            yield pytest.param(level, attack, id=f"{level}-{attack}", marks=marks)


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with Ground(tmp_path_factory.mktemp("ground")) as made:
        yield made


@pytest.fixture(scope="session")
def range_at(ground: Ground) -> Iterator[Callable[[str], Range]]:
    """The range of a level, opened when it is first asked for; in the end a right submission still passes at each."""
    opened: dict[str, Range | str] = {}
    drawer = Drawer()

    def open_range(level: str) -> Range:
        if level not in opened:
            try:
                opened[level] = Range(workers("numpy", level), ground, drawer)
            except (UsageError, GraderError) as error:
                opened[level] = str(error)
        found = opened[level]
        if isinstance(found, str):
            pytest.skip(f"this machine does not reach {level}: {found}")
        return found

    with contextlib.ExitStack() as stack:
        yield open_range
        for found in opened.values():
            if isinstance(found, Range):
                stack.callback(found.workers.close)
        for found in opened.values():
            if isinstance(found, Range):
                assert found.sound() == []


@pytest.mark.parametrize(("level", "attack"), list(cases()))
def test_an_attack_comes_to_nothing(range_at: Callable[[str], Range], level: str, attack: Attack) -> None:
    range_ = range_at(level)
    assert range_.attempt(attack) == []
    if range_.attempts % SOUND_EVERY[level] == 0:
        assert range_.sound() == []


# -- the collection ----------------------------------------------------------------------------------------------------


def test_there_are_enough_of_every_class() -> None:
    counts = Counter(attack.kind for attack in ATTACKS)
    assert len(ATTACKS) >= 105
    assert set(counts) == set(CLASSES)
    assert min(counts.values()) >= 8


def test_a_header_with_a_slip_is_no_header(tmp_path: Path) -> None:
    good = "# attack: a\n# catalogue: A1\n# outcome: failed\n# wants: nothing\n"
    for text in (good.replace("wants", "want"), good.replace("failed", "fialed"), good.replace("attack", "wants")):
        path = tmp_path / "slip.py"
        path.write_text(text)
        with pytest.raises(ValueError, match=r"slip\.py"):
            read_header(path)


# -- the ground sees what is done to it --------------------------------------------------------------------------------


@pytest.fixture
def places(ground: Ground, tmp_path: Path) -> dict[str, str]:
    return ground.ready(tmp_path / "folder")


def connects(family: int, address: object) -> None:
    with socket.socket(family) as sock:
        sock.connect(address)


MARKS: dict[str, Callable[[dict[str, str]], object]] = {
    "it wrote mark": lambda at: Path(at["FOLDER"], "mark").touch(),
    "it connected to a port": lambda at: connects(socket.AF_INET, ("127.0.0.1", int(at["PORT"]))),
    "it connected to a abstract socket": lambda at: connects(socket.AF_UNIX, f"\0{at['ABSTRACT']}"),
    "it connected to a socket": lambda at: connects(socket.AF_UNIX, at["NAMED"]),
    "it sent the grader a signal": lambda at: os.kill(int(at["GRADER"]), signal.SIGUSR1),
    "it left a file in /dev/shm": lambda at: Path("/dev/shm", f"{at['SHM']}-left").touch(),
    "it changed the secret": lambda at: Path(at["SECRET"]).write_text("42"),
}


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_seen_once(ground: Ground, places: dict[str, str], mark: str) -> None:
    assert ground.marks() == []
    MARKS[mark](places)
    assert ground.marks() == [mark]
    for path in Path(places["FOLDER"]).iterdir():
        path.unlink()
    assert ground.marks() == []


def test_a_bystander_that_is_killed_is_missed(ground: Ground, places: dict[str, str]) -> None:
    os.kill(int(places["PID"]), signal.SIGSTOP)
    os.waitid(os.P_PID, int(places["PID"]), os.WSTOPPED | os.WNOWAIT)
    [mark] = ground.marks()
    assert "became T" in mark


def test_whatever_is_left_is_seen(ground: Ground) -> None:
    before = Surroundings.now(set())
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="a stray thread")
    thread.start()
    folder = Path(tempfile.mkdtemp(prefix="dlgrade-"))
    with subprocess.Popen(["sleep", "60"], env={}) as child, (folder / "file").open("w"):
        left = Surroundings.now(set()).left_since(before)
        carried = subprocess.Popen(["sleep", "60"], env={"DLGRADE_WORKER": "t0ken"}, start_new_session=True)
        assert carried.pid in Surroundings.now({b"t0ken"}).processes
        for process in (child, carried):
            process.kill()
            process.wait()
    stop.set()
    thread.join()
    (folder / "file").unlink()
    folder.rmdir()
    kinds = [line.partition(" is left")[0] for line in left]
    assert kinds == ["a process", "of threads", "of files", "of folders"]
    assert Surroundings.now(set()).left_since(before) == []
