"""Submissions as the tests of the sandbox write them, and short words for asking them something."""

from __future__ import annotations

import hashlib
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from dlgrade.model import Submission
from dlgrade.sandbox import wire
from dlgrade.sandbox.calls import Call, Reply
from dlgrade.sandbox.client import WorkerTarget

PATIENT = 30.0
"""Seconds for a call that is not about time: these machines are busy."""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals and process groups like these")
needs_memfd = pytest.mark.skipif(not wire._HAS_MEMFD, reason="only Linux has memory files that can be sealed")


def submission(source: str | bytes) -> Submission:
    """A file that somebody handed in."""
    data = source if isinstance(source, bytes) else textwrap.dedent(source).encode()
    return Submission("task.py", data, hashlib.sha256(data).hexdigest())


def ask(target: WorkerTarget, *args: Any, name: str = "f", seconds: float = PATIENT, **options: Any) -> Reply:
    """The reply to one call."""
    return target.call_many([Call(name, args, **options)], seconds=seconds)[0]


def open_files() -> set[str]:
    """What this process has open."""
    return {f"{path.name}: {path.readlink()}" for path in Path("/proc/self/fd").iterdir() if path.exists()}
