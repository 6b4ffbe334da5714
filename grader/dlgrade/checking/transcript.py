"""What right answers said: whoever says the same, byte for byte, is right without being judged again.

A verdict follows from the bytes that were sent and those that came back. In a class all submissions are asked the same,
and most right ones answer with the same bytes. So what a check asked and heard on its way to a pass is kept; the next
submission is asked this first, and only where it answers differently does the check itself run, on what was heard
already.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dlgrade.checking.trial import Finding
from dlgrade.sandbox.client import Request, Said, WorkerTarget

ROOM = 1 << 25
"""The most bytes of requests that are kept: more than all styles of nine exercises need."""
BRANCHES = 64
"""The most answers to one request that are kept."""


@dataclass
class _Step:
    """A point on the way through a check: what is asked next and where each answer leads, or how it was passed."""

    request: Request | None = None
    after: dict[bytes, _Step] = field(default_factory=dict)
    finding: Finding | None = None


class Transcripts:
    """The ways on which checks were passed; for submissions that are asked the same, one after another.

    Args:
        room: the most bytes of requests that are kept; what comes later is judged each time.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._first: dict[str, _Step] = {}
        self._room = room

    def finding(self, check: str, target: WorkerTarget) -> Finding | None:
        """The finding if the target says what somebody said who passed; else what it said is not asked again.

        Args:
            check: what tells the check, its inputs and their order from all others.
            target: the submission, which defines all that the check calls; its check has begun.
        """
        target.heard = []
        step = self._first.get(check)
        said: list[Said] = []
        while step is not None and step.request is not None:
            said.append(target.ask(step.request))
            digest = said[-1].digest
            step = step.after.get(digest) if digest is not None else None
        if step is not None and step.finding is not None:
            return step.finding
        target.recall(said)
        return None

    def keep(self, check: str, target: WorkerTarget, finding: Finding) -> None:
        """Keep what the target said in the check that it has just passed."""
        step = self._first.setdefault(check, _Step())
        for request, digest in target.heard or ():
            if digest is None or step.finding is not None:
                return  # what calls back is more than its answers; a check may ask otherwise each time
            if step.request is None and request.size <= self._room:
                step.request = request
                self._room -= request.size
            known = digest in step.after
            if step.request is not request or (not known and len(step.after) >= BRANCHES):
                return
            step = step.after.setdefault(digest, _Step())
        if step.request is None:
            step.finding = finding
