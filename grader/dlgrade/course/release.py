"""Derives assignments/ from solutions/: stubs, public checks, misconceptions; and finds where the two have drifted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from dlgrade.course.find import CHECKS, MISCONCEPTIONS, TIMES, Course, read_text
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
            mend="Run it in a checkout of the course, or name one: --course DIR",
        )


def derived(course: Course) -> dict[Path, str]:
    """Every file of assignments/ as it should be, by its path below that folder."""
    files: dict[Path, str] = {}
    for folder in course.exercises:
        reference = folder.path / folder.file_name
        require_regions(read_text(reference), str(reference))
        below = Path(folder.unit) / folder.name
        files[below / folder.file_name] = stub_of(folder)
        for name in (CHECKS, MISCONCEPTIONS):
            files[below / name] = read_text(folder.path / name)
            parsed(files[below / name], str(folder.path / name))
        if (folder.path / TIMES).is_file():
            files[below / TIMES] = read_text(folder.path / TIMES)
    return files


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
