"""Asks a throw-away process what a submission's syntax tree says; nothing of it is executed, here or there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dlgrade.text import visible

SECONDS = 30
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
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        command = [sys.executable, "-S", "-s", "-P", "-B", str(_PARSER)]
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONUTF8": "1", **({"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {})},
        )

    def result(self) -> Facts | Unreadable:
        """What the source says, or why it cannot be read."""
        try:
            printed, _ = self._popen.communicate(self._source, timeout=SECONDS)
            data = json.loads(printed)
        except (subprocess.TimeoutExpired, ValueError, OSError):
            self.close()
            return Unreadable("Python's parser cannot read it within its limits: is an expression nested too deeply?")
        if "error" in data:
            kind, message, line, text = data["error"]
            said = visible(_told(str(kind), str(message)), limit=300)
            return Unreadable(said, line if isinstance(line, int) else None, visible(str(text), limit=200))
        uses, asked = (tuple(Use(str(name), int(line)) for name, line in data[key]) for key in ("uses", "asked"))
        return Facts(uses, asked, frozenset(data["own"]))

    def close(self) -> None:
        """End the process if it has not ended."""
        if self._popen.returncode is None:
            with self._popen:  # closes its pipes and waits
                self._popen.kill()


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
