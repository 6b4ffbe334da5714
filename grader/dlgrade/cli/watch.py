"""Waits for files to be saved."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

LOOK_SECONDS = 0.1
SETTLE_SECONDS = 0.05
"""An editor may write a file in several steps; it is looked at once nothing has changed for so long."""

_State = tuple[int, int, int] | None


class Watch:
    """Files of which the next change is waited for.

    They are looked at again and again: no notice is missed, on whatever file system they lie, and for the few files of
    a course it costs less than a thousandth of a processor.

    Args:
        paths: the files, which may come and go.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known = {path: _state(path) for path in paths}

    def changed(self) -> list[Path]:
        """Wait until files are saved; those, in their order. One that is deleted is waited for until it is back."""
        while True:
            now = {path: _state(path) for path in self._known}
            while now != self._known:
                before, self._known = self._known, now
                time.sleep(SETTLE_SECONDS)
                now = {path: _state(path) for path in self._known}
                if now == self._known:
                    saved = [path for path in now if now[path] is not None and now[path] != before[path]]
                    if saved:
                        return saved
            time.sleep(LOOK_SECONDS)


def _state(path: Path) -> _State:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
