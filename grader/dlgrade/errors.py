"""The errors that dlgrade shows to people, each saying what, where and how to mend; never raised for a wrong answer.

DlgradeError
├── UsageError      the command was called wrongly                  exit code 2
├── AuthorError     an exercise or the course has a mistake in it   exit code 2
└── GraderError     dlgrade itself, or this machine, failed         exit code 3
"""

from __future__ import annotations

import traceback


class DlgradeError(Exception):
    """An error with a sentence for its reader.

    Args:
        what: the fault in one sentence.
        where: the file and line, or the command-line argument, that it is about.
        mend: what to do about it.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f"\n{self.mend}" if self.mend else ""
        return f"{place}{self.what}{mend}"


class UsageError(DlgradeError):
    """The command was called with something that it cannot work on."""

    exit_code = 2


class AuthorError(DlgradeError):
    """An exercise or the course file has a mistake that its author must mend."""

    exit_code = 2


class GraderError(DlgradeError):
    """dlgrade or the machine failed; nobody's submission is to blame."""

    exit_code = 3


def line_in(error: BaseException, path: str) -> int | None:
    """The last line of a file that was being executed when an exception arose; None if it was none of them."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == path]
    return lines[-1] if lines else None
