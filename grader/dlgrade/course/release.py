"""Derives assignments/ from solutions/: stubs, public checks, misconceptions; and finds where the two have drifted."""

from __future__ import annotations

import shutil
from pathlib import Path

from dlgrade.course.find import Course
from dlgrade.course.load import CHECKS, MISCONCEPTIONS
from dlgrade.course.start import stub_of
from dlgrade.course.stub import require_regions
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
        require_regions(reference.read_text(encoding="utf-8"), str(reference))
        below = Path(folder.unit) / folder.name
        files[below / folder.file_name] = stub_of(folder)
        for name in (CHECKS, MISCONCEPTIONS):
            files[below / name] = (folder.path / name).read_text(encoding="utf-8")
    return files


def release(course: Course) -> list[Path]:
    """Make assignments/ what it should be; the paths that changed."""
    base = course.root / "assignments"
    changed = drift(course)
    wanted = derived(course)
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
    return changed


def drift(course: Course) -> list[Path]:
    """The paths below assignments/ that are missing, edited, or should not be there."""
    base = course.root / "assignments"
    wanted = derived(course)
    present = {p.relative_to(base) for p in base.rglob("*") if p.is_file() and _IGNORED not in p.parts}
    edited = {
        path for path in present & wanted.keys() if (base / path).read_bytes() != wanted[path].encode("utf-8")
    }  # fmt: skip
    return sorted(edited | (present ^ wanted.keys()))
