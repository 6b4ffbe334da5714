"""Whose a file is and which exercise it solves, by its name and the folders that it lies in.

The outermost name decides: what a student packs or puts into a folder cannot make it another student's.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dlgrade.course.find import Course
from dlgrade.text import seen_or_not

# Folders that say nothing about who: what a course, a platform or an editor puts around the work.
_WRAPPER = re.compile(
    r"(?:(?:week|hw|homework|assignments?|labs?|sheet|exercises?|ex|units?|set|tasks?|problems?|ps|pset|parts?|day|project)"
    r"[ _-]*\d*|submissions?|submitted|uploads?|exports?|downloads?|dlgrade-course|src|code|python|py|notebooks?|"
    r"solutions?|attempts|class|course|all|students?|work|files?|assignment_\d+_export)(?: ?\(\d+\))?",
    re.IGNORECASE,
)
_BULK = re.compile(r".*[ _-](?:submissions?|exports?|downloads?)(?:[ _-]*\(?\d+\)?)?", re.IGNORECASE)
"""How platforms name the archive of a whole class."""

# Moodle: "Ada Lovelace_4711_assignsubmission_file_/softmax.py", or all of it in the file's name.
_MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.DOTALL)
# Canvas: "lovelaceada_LATE_101_5551_softmax-1.py"; without names "anon_x7Yz2_5551_softmax.py".
_CANVAS = re.compile(r"(?P<name>[^_].*?)(?P<late>_LATE)?_(?P<number>\d+)_(?P<upload>\d+)_(?P<file>.+)", re.DOTALL)
_CANVAS_ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<name>anon_[^_]+)_(?P<upload>\d+)_(?P<file>.+)", re.DOTALL)

# What browsers, platforms and desktops add to the name of a file that is there already.
_AGAIN = re.compile(r"(?:[ _-]?\(\d+\)|[-_.]\d+|[ _-]+copy(?: ?\(?\d+\)?)?)$", re.IGNORECASE)
_NOBODY = {"my", "old", "new", "test", "tests", "draft", "copy", "backup", "final", "wrong", "solution", "the", "temp"}
"""What stands beside an exercise's name and is no student."""


@dataclass(frozen=True)
class Names:
    """What the course's exercises are called, as people write it."""

    exercises: Mapping[str, str]
    units: Mapping[str, tuple[str, ...]]

    def exercise(self, stem: str) -> str | None:
        """The exercise that a file of this name solves; what a browser adds to a name is no part of it."""
        return next((self.exercises[key] for key in _spellings(stem) if key in self.exercises), None)

    def unit(self, stem: str) -> tuple[str, ...]:
        """The exercises of the unit that a file of this name is for; empty if there is none."""
        return next((self.units[key] for key in _spellings(stem) if key in self.units), ())

    def means_nobody(self, folder: str) -> bool:
        """Whether a folder's name says nothing about whose the files in it are."""
        key = _key(folder)
        return key in self.exercises or key in self.units or _WRAPPER.fullmatch(folder) is not None


def names_of(course: Course) -> Names:
    """How to recognise the course's exercises and units. A spelling that could be two of them is neither."""
    exercises = _unambiguous((_key(folder.name), folder.name) for folder in course.exercises)
    units: dict[str, tuple[str, ...]] = {}
    for unit in course.units:
        inside = tuple(folder.name for folder in course.exercises if folder.unit == unit.folder)
        for key in (_key(unit.folder), _key(unit.folder).lstrip("0123456789")):
            if key and key not in exercises:
                units[key] = inside
    return Names(exercises, units)


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for key, name in pairs:
        found.setdefault(key, set()).add(name)
    return {key: next(iter(names)) for key, names in found.items() if len(names) == 1}


def _key(text: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _spellings(stem: str) -> Iterable[str]:
    yield _key(stem)
    for _ in range(2):
        shorter = _AGAIN.sub("", stem)
        if shorter == stem:
            return
        stem = shorter
        yield _key(stem)


@dataclass(frozen=True)
class Owner:
    """Whose a file is, as its names tell.

    `number` is what tells students of one name apart, where the platform gives one. `stem` is the file's name without
    what a platform put before it.
    """

    student: str
    stem: str
    number: str | None = None
    notes: tuple[str, ...] = ()
    late: bool = False
    """Whether the platform says so."""


def owner(folders: Iterable[str], stem: str, container: str | None, names: Names) -> Owner | None:
    """Whose a file is.

    Args:
        folders: the folders that it lies in, outermost first.
        stem: its name without the ending.
        container: whose all in the container is that nothing else says; None if that is unknown.
        names: what the exercises are called.
    """
    for folder in folders:
        if names.means_nobody(folder):
            continue
        found = on_platform(folder)
        return Owner(folder, stem) if found is None else dataclasses.replace(found, stem=stem)
    found = on_platform(stem)
    if found is not None:
        return found
    if names.exercise(stem) is None and not names.unit(stem):
        flat = _flat(stem, names)
        if flat is not None:
            return flat
    return None if container is None else Owner(container, stem)


def on_platform(name: str) -> Owner | None:
    """Whom a file or folder is of by the way in which Moodle or Canvas name what they give out."""
    found = _MOODLE.fullmatch(name)
    if found:
        participant = f"Moodle's participant {found['number']}"
        return Owner(found["name"], found["file"] or "", found["number"], (participant,))
    found = _CANVAS.fullmatch(name)
    if found:
        student = f"{found['name']}_{found['number']}"
    else:
        found = _CANVAS_ANONYMOUS.fullmatch(name)
        if not found:
            return None
        student = found["name"]
    notes = ("Canvas says that it is late",) if found["late"] else ()
    return Owner(student, found["file"], None, notes, bool(found["late"]))


def platforms(folders: Iterable[str], stem: str, names: Names) -> Owner | None:
    """Whose a file is if a platform gave it its name: the outermost that says anything; None if it is no platform's."""
    outermost = next((folder for folder in folders if not names.means_nobody(folder)), stem)
    return on_platform(outermost)


def _flat(stem: str, names: Names) -> Owner | None:
    """`ada_softmax` and `softmax_ada`: the longest name of an exercise or unit that stands at either end."""
    bare = _AGAIN.sub("", stem)
    parts = re.split(r"([\s_.-]+)", bare)
    for cut in range(2, len(parts), 2):
        before, after = "".join(parts[: cut - 1]), "".join(parts[cut:])
        if names.exercise(after) or names.unit(after):
            return _unless_nobody(before, after)
    for cut in range(len(parts) - 1, 1, -2):
        before, after = "".join(parts[: cut - 1]), "".join(parts[cut:])
        if names.exercise(before) or names.unit(before):
            return _unless_nobody(after, before)
    return None


def _unless_nobody(student: str, stem: str) -> Owner | None:
    return None if not student or student.casefold() in _NOBODY else Owner(student, stem)


def container_name(name: str, names: Names) -> str | None:
    """Whom a container may be of by its own name; None if it says nothing about that."""
    return None if not name or names.means_nobody(name) or _BULK.fullmatch(name) else name


# -- names that every file system can hold -----------------------------------------------------------------------------

_LENGTH = 100
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?|receipts\.csv", re.IGNORECASE | re.DOTALL)


def safe_name(text: str) -> str:
    """A student's name as one that every system can give a folder, and every screen can show.

    What is changed gets a mark from the whole name, so that different students stay different.

    >>> safe_name("Ada Lovelace")
    'Ada Lovelace'
    """
    plain = unicodedata.normalize("NFC", text).strip()
    kept = "".join(char if seen and char not in '<>:"/\\|?*' else "_" for char, seen in seen_or_not(plain))
    kept = kept.rstrip(". ")
    if kept.startswith(".") or _RESERVED.fullmatch(kept) or not kept:
        kept = f"_{kept}"
    if kept == plain and len(kept) <= _LENGTH and len(kept.encode()) <= 2 * _LENGTH:
        return kept
    mark = f"~{_mark(plain)}"
    kept = kept[: _LENGTH - len(mark)].encode()[: 2 * _LENGTH - len(mark)].decode("utf-8", "ignore")
    return f"{kept.rstrip('. ')}{mark}"


def folder_name(student: str, taken: Iterable[str]) -> str:
    """The folder of a student where these are other students' already: its own name, unless only case tells it apart.

    Args:
        student: a safe name.
        taken: the folders of others.
    """
    same = _case(student)
    return f"{student}~{_mark(student)}" if any(_case(other) == same for other in taken) else student


def _case(text: str) -> str:
    return unicodedata.normalize("NFKC", text.casefold())


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
