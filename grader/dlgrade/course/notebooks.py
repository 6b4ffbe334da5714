"""Writes a unit's exercises as a notebook, for students and for nbgrader; the same bytes every time.

An exercise is three cells: what it is about, the stub, and a cell that checks it. nbgrader knows a cell by the mark in
its metadata (schema 3): an answer is a solution cell, and what checks it is a locked test cell that is worth the points
of the exercise's public checks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from dlgrade.course.find import ExerciseFolder, Unit, read_text
from dlgrade.course.start import stub_of, title_of
from dlgrade.course.stub import regions, strip_solutions
from dlgrade.errors import UsageError

STUB = "raise NotImplementedError"
"""What nbgrader shall put in the place of a solution, as `strip_solutions` does."""
HELPERS = "# Room for helpers, if you want any: delete the next line then.\n"
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_SCHEMA = 3
_UNFIT = re.compile(r"[^a-zA-Z0-9-]+")


@dataclass(frozen=True)
class Mark:
    """What nbgrader is told of a cell; `points` makes it a test, anything else an answer."""

    grade_id: str
    points: float | None = None


@dataclass(frozen=True)
class _Cell:
    id: str
    source: str
    kind: str = "code"
    mark: Mark | None = None


def student_notebook(
    unit: Unit, exercises: Sequence[ExerciseFolder], text: tuple[Path, str] | None, *, to_root: str
) -> bytes:
    """A unit's notebook for students; its answers are marked, so that they are found whoever collects them.

    Args:
        unit: the unit.
        exercises: those of the unit.
        text: its reading and where that lies in the course.
        to_root: the way from the notebook to the course.

    Raises:
        UsageError: if nbformat is not installed.
    """
    cells = [*_introduction(unit, text, to_root)]
    for folder in exercises:
        cells += [
            _heading(folder),
            _Cell(f"answer-{folder.name}", stub_of(folder).rstrip("\n"), mark=Mark(folder.name)),
            _check(folder),
        ]
    return _written([_as_node(cell) for cell in cells])


def grade_cell(exercise: str) -> str:
    """What nbgrader calls the cell that holds the points of an exercise."""
    return f"check_{exercise}"


def nbgrader_notebooks(
    unit: Unit, exercises: Sequence[ExerciseFolder], text: tuple[Path, str] | None, points: Mapping[str, float]
) -> tuple[bytes, bytes]:
    """A unit's notebook as nbgrader's source/ has it, with solutions, and as its release/ has it, without.

    Args:
        unit: the unit.
        exercises: those of the unit.
        text: its reading and where that lies beside the notebook.
        points: what the public checks of each exercise are worth.

    Raises:
        UsageError: if nbformat is not installed.
    """
    cells = [*_introduction(unit, text, ".")]
    for folder in exercises:
        check = replace(_check(folder), mark=Mark(grade_cell(folder.name), points[folder.name]))
        cells += [_heading(folder), *_answers(folder), check]
    source = _written([_as_node(cell) for cell in cells])
    return source, _written([_as_node(_without_solution(cell), released=True) for cell in cells])


# -- cells -------------------------------------------------------------------------------------------------------------


def _introduction(unit: Unit, text: tuple[Path, str] | None, to_root: str) -> Iterator[_Cell]:
    """What the unit's reading says before its first section, and where the rest of it is."""
    if text is None:
        yield _Cell("introduction", f"# {unit.title}", "markdown")
        return
    path, whole = text
    first = re.split(r"^##\s", whole, maxsplit=1, flags=re.MULTILINE)[0].strip()
    if not first.startswith("# "):
        first = f"# {unit.title}\n\n{first}".strip()
    link = f"[Read the whole text]({to_root}/{path.as_posix()})".replace("(./", "(")
    yield _Cell("introduction", f"{first}\n\n{link}", "markdown")


def _heading(folder: ExerciseFolder) -> _Cell:
    return _Cell(f"about-{folder.name}", f"## {title_of(folder)}", "markdown")


def _check(folder: ExerciseFolder) -> _Cell:
    return _Cell(f"check-{folder.name}", f'from dlgrade.notebook import check\n\ncheck("{folder.name}")')


def _answers(folder: ExerciseFolder) -> Iterator[_Cell]:
    """The reference, cut where a solution region stands at the top level.

    nbgrader puts its stub in the place of every region, and between functions that would raise when the cell is run. So
    such a region, a helper, gets a cell of its own.
    """
    path = folder.path / folder.file_name
    source = read_text(path)
    lines = source.splitlines()
    found = regions(source, str(path))
    pieces: list[tuple[str, bool]] = []
    start = 0
    for region in found:
        if not region.indent:
            pieces += [("\n".join(lines[start : region.first - 1]), False)]
            pieces += [(HELPERS + "\n".join(lines[region.first - 1 : region.last]), True)]
            start = region.last
    pieces.append(("\n".join(lines[start:]), False))
    counts = {False: 0, True: 0}
    for place, (text, helper) in enumerate(pieces):
        if not text.strip():
            continue
        text = text.strip("\n")
        if not regions(text, str(path)):
            # nbgrader would replace an answer without a region as a whole.
            yield _Cell(f"part-{place}-{folder.name}", text)
            continue
        counts[helper] += 1
        name = f"{folder.name}_helpers" if helper else folder.name
        grade_id = name if counts[helper] == 1 else f"{name}_{counts[helper]}"
        yield _Cell(f"answer-{grade_id}", text, mark=Mark(grade_id))


def _without_solution(cell: _Cell) -> _Cell:
    if cell.mark is None or cell.mark.points is not None:
        return cell
    if cell.source.startswith(HELPERS):
        return replace(cell, source=f"{HELPERS}{STUB}")
    return replace(cell, source=strip_solutions(cell.source, cell.id).rstrip("\n"))


# -- as nbformat has it ------------------------------------------------------------------------------------------------


def _as_node(cell: _Cell, *, released: bool = False) -> Any:
    v4 = _nbformat().v4
    make = v4.new_code_cell if cell.kind == "code" else v4.new_markdown_cell
    # An id is at most 64 characters, and names may be longer.
    fit = _UNFIT.sub("-", cell.id)
    name = fit if len(fit) <= 64 else f"{fit[:50]}-{hashlib.sha256(fit.encode()).hexdigest()[:8]}"
    return make(cell.source, id=name, metadata=_metadata(cell, released) if cell.mark else {})


def _metadata(cell: _Cell, released: bool) -> dict[str, Any]:
    assert cell.mark is not None
    test = cell.mark.points is not None
    marks: dict[str, Any] = {
        "grade": test,
        "grade_id": cell.mark.grade_id,
        "locked": test,
        "schema_version": _SCHEMA,
        "solution": not test,
        "task": False,
    }
    if test:
        marks["points"] = cell.mark.points
    if not released:
        return {"nbgrader": marks}
    marks |= {"cell_type": cell.kind, "checksum": _checksum(cell)}
    return {"deletable": False, **({"editable": False} if test else {}), "nbgrader": marks}


def _checksum(cell: _Cell) -> str:
    """What nbgrader computes of a cell, to tell later whether it is still what was released."""
    assert cell.mark is not None
    points = cell.mark.points
    test = points is not None
    parts = [cell.source, cell.kind, str(test), str(not test), str(test), cell.mark.grade_id]
    if points is not None:
        parts.append(str(float(points)))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def _written(cells: Sequence[Any]) -> bytes:
    nbformat = _nbformat()
    notebook = nbformat.v4.new_notebook(
        cells=list(cells), metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    )
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return f"{text.rstrip()}\n".encode()


def _nbformat() -> ModuleType:
    try:
        import nbformat
    except ImportError as error:
        raise UsageError(
            "Notebooks are written with nbformat, which is not installed here.",
            mend="Install it: python -m pip install 'dlgrade[instructor]'",
        ) from error
    module: ModuleType = nbformat
    return module
