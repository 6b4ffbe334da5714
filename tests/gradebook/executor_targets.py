"""What the processes of the tests of the executor do; they import it by its name."""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import os
import signal
import time
from pathlib import Path

from dlgrade.errors import UsageError
from dlgrade.gradebook.executor import Task
from dlgrade.model import Submission


def task(name, *, exercise="softmax", seconds=60.0, alone=False):
    source = name.encode()
    submission = Submission("x.py", source, hashlib.sha256(source).hexdigest())
    return Task(name, exercise, "", submission, seconds, alone)


def doing(folder):
    """Makes what does what a task's source says."""
    return functools.partial(_doing, Path(folder))


@contextlib.contextmanager
def _doing(folder):
    try:
        (folder / f"pid-{os.getpid()}").touch()
        yield functools.partial(_do, folder)
    finally:
        (folder / f"left-{os.getpid()}").touch()


def _do(folder, task):
    what, _, rest = task.submission.source.decode().partition(" ")
    first = folder / f"tried-{task.key.replace(' ', '-')}"
    tried = first.exists()
    first.touch()
    if what == "dies" or (what == "dies-once" and not tried):
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "is-interrupted":
        os.kill(os.getpid(), signal.SIGINT)
    if what == "raises" or (what == "raises-once" and not tried):
        raise ValueError("it is what it is")
    if what == "sleeps":
        begun = time.monotonic()
        time.sleep(float(rest.split()[0]))
        with (folder / "slept").open("a") as file:
            file.write(f"{begun} {time.monotonic()} {task.alone}\n")
    if what == "collects-garbage":
        gc.callbacks.append(_linger)
        gc.collect()
        time.sleep(600)
    return f"{task.key} by {os.getpid()}"


def _linger(phase, info):
    """Whatever is raised in here is lost."""
    gc.callbacks.remove(_linger)
    time.sleep(600)


def refusing():
    raise UsageError("Not here.", where="--isolation", mend="Somewhere else.")


def dying():
    os._exit(3)
