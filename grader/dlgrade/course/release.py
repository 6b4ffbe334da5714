"""Derives assignments/ from solutions/: stubs, public checks, misconceptions; and finds where the two have drifted."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from dlgrade.course.find import CHECKS, HOW_AUTHORED, MISCONCEPTIONS, TIMES, Course, ExerciseFolder, read_text
from dlgrade.course.secrecy import hidden_names, require_secrecy
from dlgrade.course.start import stub_of
from dlgrade.course.stub import parsed, require_regions
from dlgrade.errors import UsageError

_IGNORED = "__pycache__"


def require_authored(course: Course, command: str) -> None:
    """See that a course has its solutions.

    Raises:
        UsageError: if it has only what was released.
    """
    if not course.authored:
        raise UsageError(
            f"`dlgrade {command}` needs a course with its solutions, and {course.root} has none.",
            mend=f"Run it in the folder of one, or name it: --course DIR\n{HOW_AUTHORED}",
        )


def derived(course: Course) -> dict[Path, str]:
    """Every file of assignments/ as it should be, by its path below that folder.

    Raises:
        AuthorError: if something in solutions/ cannot be released, or a secret of its would be.
    """
    files: dict[Path, str] = {}
    for folder in course.exercises:
        reference = folder.path / folder.file_name
        require_regions(read_text(reference), str(reference))
        below = Path(folder.unit) / folder.name
        files[below / folder.file_name] = stub_of(folder)
        for name in (CHECKS, MISCONCEPTIONS):
            files[below / name] = read_text(folder.path / name)
            tree = parsed(files[below / name], str(folder.path / name))
            if name == MISCONCEPTIONS:
                files[below / name] = _public_misconceptions(files[below / name], tree, folder)
        if (folder.path / TIMES).is_file():
            files[below / TIMES] = read_text(folder.path / TIMES)
    require_secrecy(course, {path: text.encode() for path, text in files.items()})
    return files


def _public_misconceptions(source: str, tree: ast.Module, folder: ExerciseFolder) -> str:
    """An exercise's misconceptions without those that a hidden check must catch, since they name it."""
    secret = hidden_names(folder)
    lines: list[str | None] = list(source.splitlines(keepends=True))
    for node in tree.body:
        named = {
            keyword.value.value
            for keyword in ast.walk(node)
            if isinstance(keyword, ast.keyword)
            and keyword.arg == "caught_by"
            and isinstance(keyword.value, ast.Constant)
        }
        if named & secret:
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]) - 1
            last = node.end_lineno or node.lineno
            while last < len(lines) and not (lines[last] or "").strip():
                last += 1  # with the empty lines that follow it
            lines[first:last] = [None] * (last - first)
    kept = "".join(line for line in lines if line is not None)
    return kept if kept == source else f"{kept.rstrip()}\n"


def release(course: Course) -> dict[Path, str]:
    """Make assignments/ what it should be; the paths that were not, each with what was wrong with it.

    Raises:
        AuthorError: if something in solutions/ cannot be released.
        UsageError: if assignments/ cannot be written.
    """
    changed = drift(course)
    try:
        _make(course.root / "assignments", changed, derived(course))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}.") from error
    return changed


def _make(base: Path, changed: Iterable[Path], wanted: Mapping[Path, str]) -> None:
    for relative in changed:
        path = base / relative
        if relative in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[relative], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    for folder in sorted((f for f in base.rglob("*") if f.is_dir()), reverse=True):
        if folder.name == _IGNORED:
            shutil.rmtree(folder)
        elif folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


def drift(course: Course) -> dict[Path, str]:
    """The paths below assignments/ that are not as they should be, each with why: missing, edited or extra."""
    base = course.root / "assignments"
    wanted = derived(course)
    present = {p.relative_to(base) for p in base.rglob("*") if p.is_file() and _IGNORED not in p.parts}
    found = dict.fromkeys(wanted.keys() - present, "missing") | dict.fromkeys(present - wanted.keys(), "extra")
    for path in present & wanted.keys():
        if (base / path).read_bytes() != wanted[path].encode("utf-8"):
            found[path] = "edited"
    return dict(sorted(found.items()))
