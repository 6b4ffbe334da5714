"""Workers for the tests of the sandbox. Whatever a test does to one, nothing of it may be left afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dlgrade.sandbox import launch
from dlgrade.sandbox.client import WorkerTarget
from sandbox_targets import submission


@pytest.fixture(scope="session")
def spare() -> Iterator[list[launch.Process]]:
    """One worker ahead: it imports NumPy while the test before it runs."""
    ahead: list[launch.Process] = []
    yield ahead
    for process in ahead:
        process.end()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[launch.Process]:
    """Every process that a target of this test was given."""
    processes: list[launch.Process] = []
    start = launch.start

    def recorded(framework: str) -> launch.Process:
        processes.append(start(framework))
        return processes[-1]

    monkeypatch.setattr(launch, "start", recorded)
    return processes


@pytest.fixture
def submit(started: list[launch.Process], spare: list[launch.Process]) -> Iterator[Callable[..., WorkerTarget]]:
    """Makes the target for a submission's source; in the end no process and no folder may be left of any."""
    start = launch.start  # the recording one
    while len(spare) < 2:
        spare.append(start("numpy"))
    started.clear()
    targets = []

    def make(source: str | bytes, *names: str, **options: Any) -> WorkerTarget:
        process = spare.pop(0) if spare else start("numpy")
        if process not in started:
            started.append(process)
        target = WorkerTarget(submission(source), module="task", names=names or ("f",), process=process, **options)
        targets.append(target)
        return target

    yield make
    for target in targets:
        target.close()
    for process in started:
        assert process.popen.returncode is not None, "a worker outlived its target"
        assert not Path(process.scratch).exists(), "a scratch folder was left behind"
        assert process.sock.fileno() == -1, "a socket was left open"
