"""Asks a throw-away process what a submission's syntax tree says; nothing of it is executed, here or there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dlgrade.errors import GraderError
from dlgrade.sandbox import launch
from dlgrade.text import visible

SECONDS = 60
"""The process has a processor limit of its own; this is for one that waits."""

_PARSER = Path(__file__).with_name("parser.py")


@dataclass(frozen=True)
class Use:
    """A dotted name as the source uses it, aliases seen through."""

    name: str
    line: int


@dataclass(frozen=True)
class Facts:
    """What a source says, nothing of it executed."""

    uses: tuple[Use, ...]
    """The names that it uses and does not bind."""
    asked: tuple[Use, ...] = ()
    """The attributes that it asks of values which only a run would know."""
    own: frozenset[str] = frozenset()
    """The names that it binds: variables, functions, classes; and its own attributes, each with a dot before it."""


@dataclass(frozen=True)
class Unreadable:
    """The source cannot be parsed: why, and where if the parser knows."""

    message: str
    line: int | None = None
    text: str = ""


class Reading:
    """A syntax tree being read by a throw-away process that was started at once.

    Args:
        source: the submission's bytes.

    Raises:
        GraderError: if no process can be started.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._popen = _parser(stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def result(self) -> Facts | Unreadable:
        """What the source says, or why it cannot be read.

        Raises:
            GraderError: if the parser fails for a reason that is not the source, twice.
        """
        for again in (True, False):
            try:
                printed, _ = self._popen.communicate(self._source, timeout=SECONDS)
            except (subprocess.TimeoutExpired, OSError):
                printed = b""
            status = self._popen.returncode
            self.close()
            ready, _, said = printed.partition(b"\n")
            understood = _understood(said)
            if understood is not None:
                return understood
            if ready.strip() == READY and _is_of_the_source(status):
                return Unreadable(
                    "Python's parser cannot read it within its limits: is an expression nested too deeply?"
                )
            if again:
                self._popen = _parser(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        how = f"did not finish within {SECONDS} s" if status is None else f"ended with status {status}"
        raise GraderError(
            f"The process that reads a submission's syntax {how}, twice.",
            mend="The machine may be out of memory, or far too busy: run the same command again.",
        )

    def close(self) -> None:
        """End the process if it has not ended."""
        if self._popen.returncode is None:
            with self._popen:  # closes its pipes and waits
                self._popen.kill()


def _is_of_the_source(status: int | None) -> bool:
    """Whether a parser that began and gave no answer was stopped by its own limits; whatever else ended it is ours."""
    if status is None:
        return sys.platform == "win32"  # where it has no limit on processor time
    return status > 0 or -status in _ENDS


READY = b"ready"
_ENDS = [getattr(signal, name) for name in ("SIGXCPU", "SIGSEGV", "SIGBUS", "SIGABRT") if hasattr(signal, name)]
"""How a process ends that has used up its time, its stack or its memory."""


class Parsers:
    """Forks a throw-away process for each syntax tree, for a grader that reads many.

    Close it, or use it in a `with`.

    Raises:
        GraderError: if no process can be started.
    """

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        self._open()

    def read(self, source: bytes) -> Facts | Unreadable:
        """What a source says, or why it cannot be read.

        Raises:
            GraderError: if the parser fails for a reason that is not the source.
        """
        understood = _understood(self._asked(source))
        # A process of its own tells how it came to its end.
        return understood if understood is not None else Reading(source).result()

    def _open(self) -> None:
        if self._popen is None and hasattr(os, "fork") and hasattr(socket, "send_fds"):
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._popen = _parser("serve", stdin=theirs.fileno(), stdout=subprocess.DEVNULL, group=True)
            launch.LEADERS.add(self._popen.pid)

    def _asked(self, source: bytes) -> bytes:
        """What a forked process says of a source; empty if there is none, or it said nothing."""
        self._open()
        if self._popen is None:
            return b""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                try:
                    socket.send_fds(self._control, [b"?"], [theirs.fileno()])
                except OSError:  # it is gone, which may befall anybody on a machine without memory
                    self.close()
                    return b""
            ours.settimeout(SECONDS)
            printed = bytearray()
            try:
                ours.sendall(source)
                ours.shutdown(socket.SHUT_WR)
                while piece := ours.recv(1 << 20):
                    printed += piece
            except OSError:
                return b""
        return bytes(printed)

    def close(self) -> None:
        """End the process and what it forked."""
        if self._popen is not None:
            self._control.close()
            launch.end_group(self._popen)
            launch.LEADERS.discard(self._popen.pid)
            self._popen = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _parser(*options: str, stdin: int, stdout: int, group: bool = False) -> subprocess.Popen[bytes]:
    kept = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}
    try:
        return subprocess.Popen(
            [sys.executable, "-S", "-s", "-P", "-B", str(_PARSER), *options],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            env={"PYTHONUTF8": "1", **kept},
            start_new_session=group,
        )
    except OSError as error:
        raise GraderError(f"A process that reads a submission's syntax could not be started: {error}") from error


def _understood(printed: bytes) -> Facts | Unreadable | None:
    """What a parser said; None if that is no answer."""
    try:
        data = json.loads(printed)
    except ValueError:
        return None
    if "error" in data:
        kind, message, line, text = data["error"]
        said = visible(_told(str(kind), str(message)), limit=300)
        return Unreadable(said, line if isinstance(line, int) else None, visible(str(text), limit=200))
    uses, asked = (tuple(Use(str(name), int(line)) for name, line in data[key]) for key in ("uses", "asked"))
    return Facts(uses, asked, frozenset(data["own"]))


def _told(kind: str, message: str) -> str:
    if kind == "TabError":
        return "Tabs and spaces are mixed in its indentation: indent with four spaces everywhere."
    if kind == "IndentationError":
        return f"Its indentation is wrong: {message}."
    if "null bytes" in message:
        return "It contains null bytes, so it is not a text file: save it as UTF-8 text."
    if kind == "SyntaxError":
        return f"It has a syntax error: {message}."
    return f"Python's parser cannot read it: {message or kind}."
