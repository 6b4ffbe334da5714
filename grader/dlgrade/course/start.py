"""Copies a course's stubs into a student's folder; never over anything that is there."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from dlgrade.course.find import Course, ExerciseFolder, read_text
from dlgrade.course.stub import parsed, strip_solutions
from dlgrade.errors import UsageError

README = """\
# {title}

{table}

Open a file, read what it asks for, and replace `raise NotImplementedError`. Then:

    dlgrade check                 every exercise that you have started
    dlgrade check {example:<15} only this one
"""


@dataclass(frozen=True)
class Started:
    """What was written, and what was there already and left alone."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def stub_of(folder: ExerciseFolder) -> str:
    """The stub of an exercise, from its reference or as it was released."""
    path = folder.path / folder.file_name
    return strip_solutions(read_text(path), str(path))


def is_stub(source: bytes, stub: str) -> bool:
    """Whether somebody's file is the stub, but for white space."""
    return source.split() == stub.encode().split()


def title_of(folder: ExerciseFolder) -> str:
    """The first line of an exercise's docstring."""
    path = folder.path / folder.file_name
    tree = parsed(read_text(path), str(path))
    return (ast.get_docstring(tree) or folder.name).split("\n")[0]


def is_started(course: Course, at: Path) -> bool:
    """Whether a folder holds what `start` writes."""
    return any((at / folder.unit / folder.file_name).is_file() for folder in course.exercises)


def start(course: Course, to: Path) -> Started:
    """Write the stubs and a README into a folder, unit by unit.

    Raises:
        UsageError: if the folder cannot be made or written to.
    """
    wanted: dict[Path, str] = {}
    rows = ["| exercise | file |", "|---|---|"]
    for folder in course.exercises:
        path = Path(folder.unit) / folder.file_name
        wanted[path] = stub_of(folder)
        rows.append(f"| {title_of(folder)} | [{path.as_posix()}]({path.as_posix()}) |")
    if not course.exercises:
        raise UsageError(f"The course in {course.root} has no exercises yet.")
    example = course.exercises[0].name
    wanted[Path("README.md")] = README.format(title=course.title, table="\n".join(rows), example=example)
    written, kept = [], []
    for relative, text in wanted.items():
        path = to / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(path.parent, error) from error
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            written.append(path)
        except FileExistsError:
            kept.append(path)
        except OSError as error:
            raise _unwritable(path, error) from error
    return Started(tuple(written), tuple(kept))


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be written: {error.strerror}.", mend="Name another folder: dlgrade start DIR")
