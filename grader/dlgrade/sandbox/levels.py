"""How confined a worker can be on this machine: found out by doing it, never by asking for versions."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from dlgrade.errors import UsageError
from dlgrade.sandbox import launch
from dlgrade.sandbox.forks import Nursery, Unconfined

LEVELS = ("strict", "landlock", "process")
"""From the most confined to the least."""

MEANING = {
    "strict": "it sees no file, process or network of this machine",
    "landlock": "it can open no file of this machine and reach no network, but see which files there are",
    "process": "not isolated: for your own code only",
}
"""What a level keeps a submission from."""

READY_SECONDS = 20.0
"""How long a worker that is only tried may take to be ready."""


@dataclass
class Workers:
    """Starts workers that are all confined alike.

    Args:
        framework: what they import.
        isolation: their level.
        missing: why each level above cannot be had here.
    """

    framework: str
    isolation: str
    nursery: Nursery | None
    missing: dict[str, str] = field(default_factory=dict)

    def start(self) -> launch.Running:
        """Start a worker.

        Raises:
            GraderError: if there is none.
        """
        return launch.start(self.framework) if self.nursery is None else self.nursery.worker()

    def close(self) -> None:
        """End every worker."""
        if self.nursery is not None:
            self.nursery.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def workers(framework: str, wanted: str = "auto", *, floor: str = "process") -> Workers:
    """Workers at the level that is wanted, or at the highest that this machine reaches.

    Args:
        framework: what they import.
        wanted: one of LEVELS, or `auto`.
        floor: the lowest level that `auto` may come down to; one that is named may be lower.

    Raises:
        UsageError: if that level cannot be had here; says why, and how to see more.
        GraderError: if no worker can be started at all.
    """
    missing: dict[str, str] = {}
    candidates: Iterable[str] = LEVELS[: LEVELS.index(floor) + 1] if wanted == "auto" else (wanted,)
    for level in candidates:
        if level == "process":
            return Workers(framework, level, None, missing)
        try:
            return Workers(framework, level, reach(framework, level), missing)
        except Unconfined as error:
            missing[level] = error.what
    told = "\n".join(missing.values())
    if wanted == "auto":
        raise UsageError(
            f"Nothing is run here at a level of isolation below {floor}, and this machine does not reach it.\n{told}",
            mend="`dlgrade doctor` says how to reach it; `--isolation process` runs strangers' code unprotected.",
        )
    raise UsageError(told, where="--isolation", mend="`dlgrade doctor` says which levels can be had, and how.")


def reach(framework: str, level: str) -> Nursery:
    """A nursery at a level that one of its workers was seen to have.

    Raises:
        Unconfined: if the level cannot be had here.
        GraderError: if it does not start for another reason.
    """
    if sys.platform != "linux":
        raise Unconfined(f"The level {level} cannot be had here: it needs Linux.")
    nursery = Nursery(framework, level)
    try:
        # A worker that has found all its doors shut says that it is ready; one that has not says why, and ends.
        said = said_instead(nursery.worker())
        if said is not None:
            raise Unconfined(f"The level {level} cannot be had here: {said}")
    except BaseException:
        nursery.close()
        raise
    return nursery


def said_instead(worker: launch.Running) -> str | None:
    """What a worker says instead of being ready, None if it is ready; it is ended."""
    try:
        ready, _, _ = select.select([worker.sock], [], [], READY_SECONDS)
        if not ready:
            return "it does not answer"
        return None if worker.sock.recv(1) else worker.output.read(4000).decode("utf-8", "replace").strip()
    finally:
        worker.end()
