"""Reads the code of a notebook as one module. Nothing of it is run, nor parsed: a stranger's nesting can end a parser.

Which cells become the module of an exercise, in the notebook's order:

1. A cell that nbgrader marks as an answer, or whose grade_id names the exercise, is the exercise's if it defines one of
   its entry points. Of several that define the same one, as when a cell was split or copied, the first counts, and what
   comes later with the same definition is left out. Without such marks the last definition counts, as it does for
   whoever runs the notebook from top to bottom.
2. Cells that define or import something go along, since an answer may use it; those that define another exercise's
   entry points, only if what goes along names what they define.
3. Tests, and cells that only call or show something, are left out. Cells are never cut: magics, shell escapes and
   imports of dlgrade become comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dlgrade.gradebook.sources import Unread

NOTEBOOK_LIMIT = 10_000_000
"""Bytes that a notebook may have, outputs and pictures included."""
CELLS_LIMIT = 5000
CODE_LIMIT = 2_000_000
"""Characters of code in all its cells: twice what a submission may have."""


@dataclass(frozen=True)
class Cell:
    """A code cell. `number` counts all cells of the notebook from 1; `defines` is what its top level gives a name."""

    number: int
    code: str
    defines: frozenset[str]
    brings: bool
    """Whether it defines or imports anything."""
    grade_id: str | None
    answer: bool
    tests: bool


@dataclass(frozen=True)
class Notebook:
    """The code cells of a notebook, and what was wrong with it."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """A notebook's code as the source of one exercise's module."""

    source: bytes
    notes: tuple[str, ...]
    defines: frozenset[str]
    """Those of the exercise's entry points that are defined."""


def read_notebook(data: bytes) -> Notebook | Unread:
    """The code cells of a notebook (format 4, or 3 with its worksheets); damaged cells are told and passed over."""
    if len(data) > NOTEBOOK_LIMIT:
        return Unread(f"The notebook is larger than {NOTEBOOK_LIMIT // 1_000_000} MB: clear its outputs.")
    try:
        read = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Unread("The notebook is not UTF-8 text.")
    except RecursionError:
        return Unread("The notebook's JSON is nested too deeply.")
    except ValueError as error:
        line = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        return Unread(f"The notebook's JSON is damaged{line}.")
    found = _raw_cells(read)
    if found is None:
        return Unread("It is no notebook: it has no list of cells.")
    cells: list[Cell] = []
    damaged: list[int] = []
    seen: dict[str, list[int]] = {}
    length = 0
    for number, raw in enumerate(found[:CELLS_LIMIT], 1):
        kind = raw.get("cell_type") if isinstance(raw, dict) else None
        if kind in ("markdown", "raw", "heading"):
            continue
        text = _text(raw.get("source", raw.get("input"))) if kind == "code" else None
        if text is None:
            damaged.append(number)
            continue
        length += len(text)
        if length > CODE_LIMIT:
            return Unread("The notebook holds more code than any solution does.")
        cell = _cell(number, text, raw)
        cells.append(cell)
        if cell.grade_id is not None:
            seen.setdefault(cell.grade_id, []).append(number)
    notes = []
    if damaged:
        notes.append(f"cells {_numbers(damaged)} are damaged")
    twice = sorted({number for numbers in seen.values() if len(numbers) > 1 for number in numbers})
    if twice:
        notes.append(f"cells {_numbers(twice)} share a grade_id")
    if len(found) > CELLS_LIMIT:
        notes.append(f"only the first {CELLS_LIMIT} of {len(found)} cells were read")
    return Notebook(tuple(cells), tuple(notes))


def module_of(notebook: Notebook, exercise: str, entry_points: Mapping[str, Collection[str]]) -> Module:
    """The source of an exercise's module.

    Args:
        notebook: the notebook.
        exercise: the exercise's name.
        entry_points: those of all exercises that the notebook may hold, by exercise.
    """
    wanted = frozenset(entry_points[exercise])
    others = {name for other, names in entry_points.items() if other != exercise for name in names} - wanted
    answers, again = _answers(notebook, exercise, wanted)
    left_out = set(again).union(*(_answers(notebook, one, frozenset(names))[1] for one, names in entry_points.items()))
    waiting = list(answers)
    theirs: dict[str, list[Cell]] = {}
    for cell in notebook.cells:
        if cell.number in left_out or cell.tests or not cell.brings:
            continue
        if cell.defines & others or (cell.answer and cell.grade_id != exercise and cell.grade_id in entry_points):
            for name in cell.defines:
                theirs.setdefault(name, []).append(cell)
        else:
            waiting.append(cell)
    chosen: set[int] = set()
    while waiting:
        cell = waiting.pop()
        if cell.number not in chosen:
            chosen.add(cell.number)
            for word in set(_WORD.findall(cell.code)) & theirs.keys():
                waiting += theirs.pop(word)
    kept = [cell for cell in notebook.cells if cell.number in chosen]
    source = "\n\n".join(cell.code.rstrip("\n") for cell in kept)
    notes = [f"from its cells {_numbers([cell.number for cell in kept])}"] if kept else []
    if again:
        notes.append(f"defined again, and not taken, in cells {_numbers(sorted(again))}")
    defines = wanted & {name for cell in kept for name in cell.defines}
    if not defines:
        notes.append(f"no cell defines {' or '.join(sorted(wanted))}")
    # A surrogate that JSON let through stays what it is: no UTF-8, as the grader will say.
    data = f"{source}\n".encode("utf-8", "surrogatepass") if source else b""
    return Module(data, (*notes, *notebook.notes), defines)


def _answers(notebook: Notebook, exercise: str, wanted: frozenset[str]) -> tuple[list[Cell], set[int]]:
    """The cells that answer an exercise, and the numbers of those left out since they define the same again."""
    marked = [cell for cell in notebook.cells if _is_marked(cell, exercise) and not cell.tests]
    firsts: dict[str, Cell] = {}
    for cell in marked:
        for name in cell.defines & wanted:
            firsts.setdefault(name, cell)
    if not firsts:
        return [cell for cell in notebook.cells if cell.defines & wanted and not cell.tests], set()
    winners = {cell.number: cell for cell in firsts.values()}
    again = {
        cell.number
        for cell in notebook.cells
        if cell.number not in winners
        and any(name in firsts and firsts[name].number < cell.number for name in cell.defines)
    }
    loose = [c for c in notebook.cells if c.defines & wanted and c.number not in winners and c.number not in again]
    answers = [*winners.values(), *(cell for cell in loose if not cell.tests)]
    return answers, again


def _is_marked(cell: Cell, exercise: str) -> bool:
    return cell.answer or cell.grade_id == exercise


def _raw_cells(read: Any) -> list[Any] | None:
    if not isinstance(read, dict):
        return None
    cells = read.get("cells")
    if cells is None and isinstance(read.get("worksheets"), list):
        sheets = [sheet.get("cells") for sheet in read["worksheets"] if isinstance(sheet, dict)]
        return [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    return cells if isinstance(cells, list) else None


def _text(source: Any) -> str | None:
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return None


def _numbers(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:20]))
    return shown if len(numbers) <= 20 else f"{shown}, … ({len(numbers)} in all)"


# -- a cell's lines ----------------------------------------------------------------------------------------------------

# Cell magics whose body is this notebook's Python. The body of any other is another language, or goes elsewhere.
_PYTHON_BODY = {"time", "capture", "prun"}
_LINE_MAGIC = re.compile(r"\s*(?:%{1,2}[A-Za-z_]|!|\?{1,2}[\w.%])|\s*%{0,2}[\w.]+\?{1,2}\s*$")
_ASSIGNED_MAGIC = re.compile(r"(\s*)([^\W\d]\w*)\s*=\s*(?:%[A-Za-z_]|!)")
_OURS = re.compile(r"\s*(?:(?:from|import)\s+dlgrade\b|(?:\w+\s*=\s*)?check\(\s*[\"'][^\"'\n]*[\"'][^()\n]*\)\s*$)")
_DEFINITION = re.compile(r"(?:async\s+def|def|class)\s+([^\W\d]\w*)")
_IMPORT = re.compile(r"(?:import|from)\s")
_NAMES = re.compile(r"([^\W\d]\w*)\s*(?::[^=]{0,200})?=(?!=)")
_SOME_ASSIGNMENT = re.compile(r"[^\W\d][\w.,\s*\[\]]*=(?!=)")
_WORD = re.compile(r"[^\W\d]\w*")
# What changes how the next characters are read. In a triple-quoted string a single quote is none of it.
_MARK = re.compile(r"\\.|'''|\"\"\"|['\"#(\[{)\]}]")


def _cell(number: int, text: str, raw: dict[str, Any]) -> Cell:
    metadata = raw.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    marks = marks if isinstance(marks, dict) else {}
    grade_id = marks.get("grade_id")
    answer = marks.get("solution") is True
    code, defines, brings = _as_module(text)
    return Cell(
        number,
        code,
        defines,
        brings,
        grade_id if isinstance(grade_id, str) and grade_id else None,
        answer,
        tests=marks.get("grade") is True and not answer,
    )


def _as_module(text: str) -> tuple[str, frozenset[str], bool]:
    """A cell's code with what only a notebook understands made comments, what it defines, and whether it brings any."""
    lines = re.split(r"(?<=\n)", text.replace("\r\n", "\n").replace("\r", "\n"))
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and re.split(r"[^\w]", first[2:], maxsplit=1)[0] not in _PYTHON_BODY:
        return "", frozenset(), False
    kept: list[str] = []
    defines: set[str] = set()
    brings = False
    quote, depth, continued, hidden = "", 0, False, 0
    for line in lines:
        begins = not (quote or depth or continued)
        comment = f"# {line}" if hidden else _comment(line) if begins else None
        if comment is not None:
            kept.append(comment)
            # An import of ours may go on in brackets, a shell escape after a backslash.
            opened = max(0, hidden - 1) + line.count("(") - line.count(")") if hidden or _OURS.match(line) else 0
            hidden = opened + 1 if opened > 0 or line.rstrip().endswith("\\") else 0
            continue
        kept.append(line)
        if begins:
            found = _definition(line)
            brings = brings or found is not None
            defines |= {found} if found and not line[:1].isspace() else set()
        quote, depth, continued = _after(line, quote, depth)
    return "".join(kept), frozenset(defines), brings


def _comment(line: str) -> str | None:
    """What a line that is no Python becomes: a statement that does nothing, since a block may need one."""
    assigned = _ASSIGNED_MAGIC.match(line)
    if assigned:
        return f"{assigned[1]}{assigned[2]} = None  # {line.lstrip()}"
    if _LINE_MAGIC.match(line) or _OURS.match(line):
        bare = line.lstrip()
        return f"{line[: len(line) - len(bare)]}pass  # {bare}"
    return None


def _definition(line: str) -> str | None:
    """The name that a line defines, empty if it brings something of no single name, None if it brings nothing."""
    bare = line.lstrip()
    found = _DEFINITION.match(bare)
    if found:
        return found[1]
    if _IMPORT.match(bare):
        return ""
    if line[:1].isspace():
        return None
    found = _NAMES.match(bare)
    if found:
        return found[1]
    return "" if _SOME_ASSIGNMENT.match(bare) else None


def _after(line: str, quote: str, depth: int) -> tuple[str, int, bool]:
    """Whether the next line lies in a string or in brackets, or goes on from this one."""
    for found in _MARK.finditer(line):
        mark = found[0]
        if quote:
            if mark == quote or (len(quote) == 1 and mark == quote * 3):
                quote = ""
        elif mark == "#":
            return "", depth, False
        elif mark[0] in "'\"":
            quote = mark
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth = max(0, depth - 1)
    continued = line.rstrip("\n").endswith("\\")
    if len(quote) == 1 and not continued:
        quote = ""  # an error that the parser will tell
    return quote, depth, continued
