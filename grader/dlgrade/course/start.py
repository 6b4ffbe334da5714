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

    dlgrade check            every exercise that you have started
    dlgrade check softmax    one of them
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


def title_of(folder: ExerciseFolder) -> str:
    """The first line of an exercise's docstring."""
    path = folder.path / folder.file_name
    tree = parsed(read_text(path), str(path))
    return (ast.get_docstring(tree) or folder.name).split("\n")[0]


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
    wanted[Path("README.md")] = README.format(title=course.title, table="\n".join(rows))
    written, kept = [], []
    for relative, text in wanted.items():
        path = to / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            written.append(path)
        except FileExistsError:
            kept.append(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.", mend="Name another folder.") from error
    return Started(tuple(written), tuple(kept))
