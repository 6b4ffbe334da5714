"""`from dlgrade.notebook import check; check("softmax")`: an exercise checked where it was written, in a notebook.

What is checked is what was run: the kernel's own history of cells, in its order, read as one module (never run here)
and sent through `dlgrade check` in a process of its own, as confined as the machine allows. Not the notebook's file: it
may not be saved, nobody tells a kernel reliably which file is its own, and who edits a cell, runs it and checks it
means that cell. Under `nbgrader autograde` the two are the same, since it runs every cell once, from the top.

In an nbgrader test cell the points are the cell's value, which nbgrader takes as partial credit. What it does otherwise
decides what is done here:

- Anything on stderr, and any exception, is no points: nothing is written there, and nothing is raised.
- No output at all, or one that is no number, is full marks: there is always a number.
- If dlgrade itself fails, or a check could not be decided, the number is infinite. nbgrader refuses more points than a
  cell has: it stops at this submission, names it, exits with an error, and leaves its grades marked as needing to be
  graded by hand. It is neither a zero nor full marks.

**Points inside nbgrader are as forgeable as nbgrader is.** It puts locked test cells back, but the kernel is the
student's: a cell before can replace this module, or have anything printed as any cell's value. Where that matters, let
dlgrade grade what nbgrader collected and hand the grades over: `dlgrade grade submitted/ --out graded`, then
`dlgrade export nbgrader`. There the notebook's code is read, never run, and no process that runs it can reach a grade.
"""

from __future__ import annotations

import ast
import html
import json
import math
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlgrade.course.find import Course, ExerciseFolder, find_root, open_course, read_text
from dlgrade.course.stub import parsed, public_functions
from dlgrade.errors import DlgradeError, GraderError, UsageError
from dlgrade.gradebook.notebooks import CELLS_LIMIT, CODE_LIMIT, Cell, Notebook, module_of, read_notebook
from dlgrade.gradebook.sources import Unread
from dlgrade.model import Outcome, Report, Verdict, plain
from dlgrade.text import visible

SECONDS = 840
"""How long a check may take in all; nbgrader's own limit must be longer, as `dlgrade release --notebooks` sets it."""
# Isolated, the interpreter does not see a user's own packages; dlgrade and what it needs may lie there.
_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from dlgrade.cli import main; main()"
_HIGHEST = 45
_FRAME = 'sandbox="" style="width: 100%; height: {height}rem; border: 0"'


@dataclass(frozen=True, repr=False)
class Checked:
    """The points for an exercise, as a number, and the report that they come from; shown as the report in Jupyter."""

    report: Report | None
    """None if there is none, which is never the student's fault."""
    fault: str = ""
    """Why not."""

    @property
    def points(self) -> float:
        """The points; infinite if they could not be decided, which nbgrader takes for neither a zero nor full marks."""
        undecided = self.report is None or self.report.verdict is Verdict.BROKEN
        return math.inf if undecided or _skipped(self.report) else self.report.points  # type: ignore[union-attr]

    def __float__(self) -> float:
        return float(self.points)

    def __repr__(self) -> str:
        return repr(plain(self.points))

    def _repr_markdown_(self) -> str:
        if self.report is None:
            return "\n".join(f"    {line}" for line in self._said().splitlines())
        from dlgrade.report.markdown import to_markdown

        return to_markdown([self.report])

    def _repr_html_(self) -> str:
        if self.report is None:
            return f"<pre>{html.escape(self._said())}</pre>"
        from dlgrade.report.html import to_html

        wrong = sum(check.outcome is not Outcome.PASSED for check in self.report.checks)
        height = min(_HIGHEST, 14 + 3 * len(self.report.checks) + 14 * wrong)
        # In a frame, so that neither the page's style nor the notebook's reaches the other.
        page = html.escape(to_html([self.report]), quote=True)
        return f'<iframe title="dlgrade" srcdoc="{page}" {_FRAME.format(height=height)}></iframe>'

    def _said(self) -> str:
        return f"Not checked.\n{visible(self.fault, limit=5000, lines=True)}"


def check(name: str) -> Checked:
    """Check what was run in this notebook against an exercise.

    Args:
        name: the exercise: "softmax".

    Returns:
        The points as a number, shown as the whole report. Nothing is raised: see `Checked.fault`.

    Raises:
        UsageError: if this is no notebook.
    """
    shell = _shell()
    if shell is None:
        raise UsageError("check() reads the cells of a notebook, and this is none.", mend=f"Run: dlgrade check {name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Checked(_report(name, _history(shell)))
        except DlgradeError as error:
            return Checked(None, str(error))
        except Exception as error:
            return Checked(None, f"dlgrade itself failed: {type(error).__name__}: {error}")


def _skipped(report: Report | None) -> bool:
    """Whether a check that is worth points needs something that this machine has not."""
    checks = report.checks if report else ()
    return any(one.outcome is Outcome.SKIPPED and one.points < one.max_points for one in checks)


# -- what was run ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Run:
    """A cell as it was run; `failed` if it is known to have raised."""

    text: str
    failed: bool


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _history(shell: Any) -> list[_Run]:
    """The cells that the kernel has run, this one included; the oldest are left out if they are too many."""
    texts = [str(text) for text in shell.history_manager.input_hist_raw]
    failed = getattr(shell.history_manager, "exceptions", {})  # of IPython 9 and later
    runs = [_Run(text, number in failed) for number, text in enumerate(texts)]
    length, first = 0, len(runs)
    while first > max(0, len(runs) - CELLS_LIMIT) and length + len(runs[first - 1].text) <= CODE_LIMIT:
        first -= 1
        length += len(runs[first].text)
    return runs[first:]


def _notebook(runs: Sequence[_Run]) -> Notebook:
    """The cells as a notebook, without those that raised and were mended: run again later, they define the same."""
    cells = [{"cell_type": "code", "metadata": {}, "source": run.text} for run in runs]
    read = read_notebook(json.dumps({"cells": cells}).encode())
    if isinstance(read, Unread):
        raise UsageError(read.why)
    kept: list[Cell] = []
    later: set[str] = set()
    for cell in reversed(read.cells):
        failed = runs[cell.number - 1].failed or not _parses(cell.code)
        if not (failed and cell.defines <= later):
            kept.append(cell)
        later |= cell.defines
    return replace(read, cells=tuple(reversed(kept)))


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


# -- the check ---------------------------------------------------------------------------------------------------------


def _report(name: str, runs: Sequence[_Run]) -> Report:
    root = find_root().resolve()
    course = open_course(root)
    named = course.named([name])
    if len(named) != 1:
        raise UsageError(f"{name} is a unit of {len(named)} exercises.", mend="Name one of them.")
    module = module_of(_notebook(runs), named[0].name, _entry_points(course.exercises))
    return _checked(course, named[0], module.source)


def _entry_points(exercises: Iterable[ExerciseFolder]) -> dict[str, tuple[str, ...]]:
    paths = {folder.name: folder.path / folder.file_name for folder in exercises}
    return {
        name: tuple(node.name for node in public_functions(parsed(read_text(path), str(path))))
        for name, path in paths.items()
    }


def _checked(course: Course, folder: ExerciseFolder, source: bytes) -> Report:
    """The report on a module's source, from the command line's own engine in a process of its own."""
    from dlgrade.report.as_json import from_json

    package = Path(__file__).resolve().parent.parent
    engine = [sys.executable, "-I", "-c", _BOOT, str(package), "--course", str(course.root), "check", folder.name]
    with tempfile.TemporaryDirectory(prefix="dlgrade-", ignore_cleanup_errors=True) as scratch:
        (Path(scratch) / folder.file_name).write_bytes(source)
        try:
            done = subprocess.run(
                [*engine, "--at", folder.file_name, "--format", "json", "--isolation", "auto"],
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise GraderError(f"The check did not end within {SECONDS} seconds.") from None
    try:
        return from_json(json.loads(done.stdout))
    except (ValueError, UsageError):
        said = done.stderr.decode("utf-8", "replace").strip() or f"The check ended with {done.returncode}."
        raise GraderError(said.removeprefix("Error: ")) from None
