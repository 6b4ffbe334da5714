"""Finds the course, its exercises and a student's files. Light: nothing here loads an exercise."""

from __future__ import annotations

import difflib
import itertools
import keyword
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlgrade.bounds import POINTS
from dlgrade.course.author_file import (
    HIDDEN_POINTS,
    AuthorFile,
    kind_of,
    line_of_item,
    lines_of,
    near_mend,
    no_toml,
    quoted,
)
from dlgrade.errors import AuthorError, UsageError
from dlgrade.model import Submission

VARIABLE = "DLGRADE_COURSE"
COURSE_FILE = Path("course") / "course.toml"
HOW_AUTHORED = (
    "The installed package has no solutions: an author needs a copy of the course's repository, or begins a course of "
    f'their own, with an empty folder solutions/ and a {COURSE_FILE.as_posix()}: title = "…", [[unit]], folder = '
    '"01_first".'
)
OWN_FOLDERS = ("course", "solutions", "assignments")
"""A course's own folders, given away whole: to students, to other instructors. No name of a student may lie there."""
CHECKS, MISCONCEPTIONS, HIDDEN = "checks.py", "misconceptions.py", "hidden.py"
"""What lies in an exercise's folder beside its module; hidden.py is never released."""
TIMES = "timing.toml"
"""What lies there besides where something is timed; derived, and released."""
EQUIVALENT, VARIANTS = "equivalent.toml", "variants"
"""What may lie there besides, for the selftest only: never released."""
SOURCE_LIMIT = 1_000_000
"""Bytes that a submission's file may have."""
_IMPORTS_TORCH = re.compile(r"^(?:import|from)\s+torch\b", re.MULTILINE)
_PRUNED = {"__pycache__", "node_modules", "site-packages", "venv", "env"}
_FOLDERS_LIMIT = 5000


@dataclass(frozen=True)
class Unit:
    """One numbered folder of exercises; those that `exercises` names come first, in its order."""

    folder: str
    title: str
    exercises: tuple[str, ...] = ()

    def place(self, path: Path) -> tuple[int, str]:
        """What to sort the unit's folders by."""
        listed = self.exercises.index(path.name) if path.name in self.exercises else len(self.exercises)
        return listed, path.name


@dataclass(frozen=True)
class ExerciseFolder:
    """Where an exercise lies; not loaded yet."""

    name: str
    unit: str
    path: Path
    hidden_points: float = 0.0
    """What checks are worth that are not here, since the course was released without them."""

    @property
    def file_name(self) -> str:
        """The name of the file that a student writes."""
        return f"{self.name}.py"

    @property
    def framework(self) -> str:
        """What the exercise is written in, `numpy` or `torch`: its own file says so by importing it."""
        return "torch" if _IMPORTS_TORCH.search(read_text(self.path / self.file_name)) else "numpy"


@dataclass(frozen=True)
class Course:
    """A course folder: its syllabus, and where its exercises lie.

    `authored` is whether the exercises are the authors' (in `solutions/`) or the released ones (in `assignments/`).
    """

    root: Path
    title: str
    units: tuple[Unit, ...]
    exercises: tuple[ExerciseFolder, ...]
    authored: bool

    def named(self, names: Sequence[str]) -> list[ExerciseFolder]:
        """The exercises of these names, in course order: `softmax`, `softmax.py`, `02_losses/softmax` or `02_losses`.

        Raises:
            UsageError: if there is no such exercise or unit; says which names are near.
        """
        chosen: set[str] = set()
        for name in names:
            bare = name.rstrip("/").removesuffix(".py")
            found = {
                exercise.name
                for exercise in self.exercises
                if bare in (exercise.name, exercise.unit, f"{exercise.unit}/{exercise.name}")
            }
            if not found:
                raise self._unknown(name, bare)
            chosen |= found
        return [exercise for exercise in self.exercises if exercise.name in chosen]

    def _unknown(self, name: str, bare: str) -> UsageError:
        units = list(dict.fromkeys(exercise.unit for exercise in self.exercises))
        known = [*(exercise.name for exercise in self.exercises), *units]
        there_are = f"There are: {', '.join(known)}."
        if any(bare == unit.folder for unit in self.units):
            return UsageError(f"The unit {bare} has no exercises yet.", mend=there_are)
        near = difflib.get_close_matches(bare.rpartition("/")[2].lower(), known, n=3, cutoff=0.6)
        mend = f"Did you mean {' or '.join(near)}?" if near else there_are
        return UsageError(f"There is no exercise {name!r} in this course.", mend=mend)


def bundled_root() -> Path:
    """The course that comes with the package: inside it when installed, around it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    content = package / "content"
    return content if content.is_dir() else package.parent.parent


def find_root(given: str | None = None, *, bundled: bool = True) -> Path:
    """The folder of the course in use: the one given, else one that this folder lies in, else the bundled one.

    Args:
        given: the folder that the command line names.
        bundled: whether the one that came with dlgrade will do; not for an author, whose work it is not.

    Raises:
        UsageError: if the one given is no course, or there is none.
    """
    root = given or os.environ.get(VARIABLE)
    if root:
        if not (Path(root) / COURSE_FILE).is_file():
            raise UsageError(
                f"No course found in {root}.",
                where="--course" if given else VARIABLE,
                mend=f"A course folder holds {COURSE_FILE.as_posix()}.",
            )
        return Path(root)
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise UsageError("The folder that you are in is no longer there.", mend="Go to another one.") from None
    for folder in (here, *here.parents):
        if (folder / COURSE_FILE).is_file():
            return folder
    if not bundled or not (bundled_root() / COURSE_FILE).is_file():
        mend = f"Go to the folder of a course, which holds {COURSE_FILE.as_posix()}, or name it: dlgrade --course DIR …"
        raise UsageError(f"No course found in {here}.", mend=mend if bundled else f"{mend}\n{HOW_AUTHORED}")
    return bundled_root()


def own_folder(path: Path) -> Path | None:
    """The folder among a course's own that a path lies in, whichever course that is; None if it lies in none."""
    real = Path(os.path.realpath(path))
    for root in real.parents:
        own = root / real.relative_to(root).parts[0]
        if own.name in OWN_FOLDERS and (root / COURSE_FILE).is_file():
            return own
    return None


def open_course(root: Path) -> Course:
    """Read a course's syllabus and list its exercises.

    Raises:
        AuthorError: the first mistake in them.
    """
    course, mistakes = read_course(root)
    if mistakes:
        raise mistakes[0]
    return course


def is_authored(root: Path) -> bool:
    """Whether a course's exercises are its authors', not released ones."""
    return (root / "solutions").is_dir()


def read_course(root: Path) -> tuple[Course, list[AuthorError]]:
    """Read a course's syllabus and list its exercises as far as that goes, with every mistake in them.

    Raises:
        AuthorError: if course.toml cannot be read at all.
    """
    path = root / COURSE_FILE
    data, text = read_toml(path)
    file = AuthorFile(path, lines_of(text))
    entries = data.get("unit", [])
    places = dict(_units(file, entries))
    units = tuple(_unit(file, entries[index], folder, index) for folder, index in places.items())
    authored = is_authored(root)
    base = root / ("solutions" if authored else "assignments")
    exercises = list(_exercises(base, units, file, strict=authored))
    if authored:
        strays, misnamed = _strays(base, units, file, places)
        named = [unit for unit in units if unit.folder not in misnamed]
        _listed_are_there(base, named, exercises, file, text, places)
        exercises += _exercises(base, strays, file, strict=True, seen={one.name: one.path for one in exercises})
    else:
        exercises = [replace(one, hidden_points=_hidden_points(file, data, one.name)) for one in exercises]
    return Course(root, str(data.get("title", root.name)), units, tuple(exercises), authored), file.mistakes


_HOW_UNIT = 'Write them as [[unit]] with folder = "02_losses".'


def _units(file: AuthorFile, entries: object) -> Iterator[tuple[str, int]]:
    """The folder of each unit, and which of the tables it is."""
    if not isinstance(entries, list):
        file.mistake(f"`unit` is {kind_of(entries)}.", ("", 0, "unit"), _HOW_UNIT)
        return
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        where = ("unit", index, "folder")
        folder = entry.get("folder") if isinstance(entry, dict) else None
        if not isinstance(folder, str):
            file.mistake("Each unit needs a folder.", where, _HOW_UNIT)
        elif Path(folder).name != folder or folder in ("", ".."):
            file.mistake(f"A unit's folder is one folder's name, which {quoted(folder)} is not.", where)
        elif folder in seen:
            file.mistake(f"The unit {folder} is listed twice.", where)
        else:
            seen.add(folder)
            yield folder, index


def _unit(file: AuthorFile, entry: Mapping[str, Any], folder: str, index: int) -> Unit:
    """The unit of a table, with the exercises that it lists."""
    names, where = entry.get("exercises", []), ("unit", index, "exercises")
    others = [name for name in names if not isinstance(name, str)] if isinstance(names, list) else [names]
    for other in others:
        holds = "holds" if isinstance(names, list) else "is"
        mend = 'They are names in a list: exercises = ["softmax"].'
        file.mistake(f"`exercises` of the unit {folder} {holds} {kind_of(other)}.", where, mend)
    listed = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    for name in dict.fromkeys(name for name in listed if listed.count(name) > 1):
        file.mistake(f"The unit {folder} lists the exercise {quoted(name)} twice.", where, "Keep one of them.")
    return Unit(folder, str(entry.get("title", folder)), tuple(dict.fromkeys(listed)))


def _hidden_points(file: AuthorFile, data: Mapping[str, Any], exercise: str) -> float:
    entries = data.get("exercise", {})
    entry = entries.get(exercise, {}) if isinstance(entries, dict) else {}
    points = entry.get(HIDDEN_POINTS, 0) if isinstance(entry, dict) else 0
    if POINTS.hold(points):
        return float(points)
    file.mistake(
        f"`{HIDDEN_POINTS}` is {quoted(points)}.", (f"exercise.{exercise}", 0, HIDDEN_POINTS), f"It is {POINTS}."
    )
    return 0.0


def _exercises(
    base: Path, units: Iterable[Unit], file: AuthorFile, *, strict: bool, seen: Mapping[str, Path] | None = None
) -> Iterator[ExerciseFolder]:
    """The exercises below a folder, besides those that were `seen`. In a released course, where students may keep
    folders of their own, any other folder is passed over; among the solutions it is a mistake (`strict`)."""
    known = dict(seen or {})
    for unit in units:
        folder = base / unit.folder
        for path in sorted(folder.iterdir(), key=unit.place) if folder.is_dir() else ():
            if not path.is_dir() or path.name.startswith((".", "_")):
                continue
            # An empty folder is what git leaves behind where another branch has an exercise.
            if not any(path.glob("*.py")) or (not strict and not (path / f"{path.name}.py").is_file()):
                continue
            problem, mend = name_problem(path.name), ""
            if problem is not None:
                problem = f"{path.name!r} cannot be an exercise's name: {problem}."
            elif path.name in known:
                problem, mend = f"Two exercises are named {path.name}.", f"The other is {known[path.name]}."
            if problem is not None:
                file.mistakes.append(AuthorError(problem, where=str(path), mend=mend))
                continue
            known[path.name] = path
            yield ExerciseFolder(path.name, unit.folder, path)


def _listed_are_there(
    base: Path,
    units: Iterable[Unit],
    exercises: Sequence[ExerciseFolder],
    file: AuthorFile,
    text: str,
    places: Mapping[str, int],
) -> None:
    """See that each unit has the exercises that it lists."""
    unit_of = {exercise.name: exercise.unit for exercise in exercises}
    for unit in units:
        inside = [name for name, folder in unit_of.items() if folder == unit.folder]
        for name in unit.exercises:
            if name in inside:
                continue
            mend = f"Its folder would be {base / unit.folder / name}."
            if name in unit_of:
                mend = f"It lies in {unit_of[name]}."
            elif difflib.get_close_matches(name, inside, n=1, cutoff=0.7):
                mend = near_mend(name, inside)
            first = file.line("unit", places[unit.folder], "exercises")
            what = f"The unit {unit.folder} lists the exercise {quoted(name)}, which is not in it."
            file.mistake(what, line_of_item(text, first, name), mend)


def _strays(
    base: Path, units: Sequence[Unit], file: AuthorFile, places: Mapping[str, int]
) -> tuple[list[Unit], set[str]]:
    """The folders of exercises that are no unit, and the units whose folders they may be, under another name."""
    absent = [unit.folder for unit in units if not (base / unit.folder).is_dir()]
    found, misnamed = [], set()
    for path in sorted(base.iterdir()):
        if not path.is_dir() or path.name in places or not any(path.glob("[!._]*/*.py")):
            continue
        found.append(Unit(path.name, path.name))
        near = [name for name in absent if name.partition("_")[0] == path.name.partition("_")[0]]
        near = (near or difflib.get_close_matches(path.name, absent, n=1, cutoff=0.6))[:1]
        if near:
            absent.remove(near[0])
            misnamed.add(near[0])
            what = f"The unit {near[0]} has no folder, and the folder {path.name} is no unit of the course."
            mend = f'Did you mean folder = "{path.name}"?'
            file.mistake(what, ("unit", places[near[0]], "folder"), mend)
        else:
            what = f"The folder {path.name} is no unit of the course."
            file.mistakes.append(AuthorError(what, where=str(path), mend=f"Add it to {file.path}."))
    return found, misnamed


# The worker has a module of each of these names already, or will lie beside one.
_TAKEN = sys.stdlib_module_names | {"numpy", "torch", "scipy", "hypothesis", "dlgrade", "wire"}

# No file can be called so on Windows, whatever comes after a dot.
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}


def name_problem(name: str) -> str | None:
    """Why an exercise cannot have this name; None if it can."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        return "it must be lower-case words, such as batch_norm"
    if name in _DEVICES:
        return "Windows has a device of that name"
    if f"{name}.py" in (CHECKS, MISCONCEPTIONS, HIDDEN):
        return "every exercise has a file of that name"
    return "Python or a library has a module of that name" if name in _TAKEN else None


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """What one of the authors' TOML files says, and its text.

    Raises:
        AuthorError: if it cannot be read or is not valid TOML.
    """
    text = read_text(path)
    try:
        return tomllib.loads(text), text
    except (ValueError, RecursionError) as error:  # which TOMLDecodeError is, and what numbers of 5000 digits raise
        found = re.search(r"(.*) \(at line (\d+), ", str(error))
        why, mend = no_toml(found[1], text, int(found[2])) if found else (str(error), "")
        where = f"{path}:{found[2]}" if found else str(path)
        raise AuthorError(f"It is not valid TOML: {why}.", where=where, mend=mend) from error


def read_text(path: Path) -> str:
    """The text of one of the authors' files.

    Raises:
        AuthorError: if there is no such file or it is not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AuthorError(f"There is no {path.name}.", where=str(path.parent)) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise AuthorError("It is not UTF-8 text.", where=f"{path}:{line}") from error
    except OSError as error:
        raise AuthorError(f"It cannot be read: {error.strerror}.", where=str(path)) from error


# -- a student's files -------------------------------------------------------------------------------------------------


def find_files(at: Path, names: Iterable[str]) -> dict[str, list[Path]]:
    """The files of these names under a folder, in any layout; hidden folders and environments are passed over."""
    wanted: dict[str, list[Path]] = {name: [] for name in names}
    for folder, folders, files in itertools.islice(os.walk(at), _FOLDERS_LIMIT):
        pruned = [f for f in folders if f.startswith(".") or f in _PRUNED or f.endswith(".egg-info")]
        folders[:] = sorted(set(folders) - set(pruned))
        for name in (*files, *folders):
            if name in wanted:
                wanted[name].append(Path(folder) / name)
    return wanted


def read_submission(path: Path) -> Submission:
    """The bytes of a student's file; of one that is far too large, no more than shows it.

    Raises:
        UsageError: if there is no such file, or it is a folder, or may not be read.
    """
    try:
        with path.open("rb") as file:
            source = file.read(SOURCE_LIMIT + 1)
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", mend="`dlgrade start` makes a folder with all files.") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder, not a file.", mend="Rename it, or name the file with --at.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    return Submission.of(str(path), source)


def unreadable_bytes(submission: Submission) -> tuple[str, int | None] | None:
    """Why a submission's bytes are no source text, with the line if one is to blame; None if they may be."""
    source = submission.source
    if not source.strip():
        return "It is empty.", None
    if len(source) > SOURCE_LIMIT:
        return f"It is larger than {SOURCE_LIMIT // 1_000_000} MB, which no solution is.", None
    if source[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "It is saved as UTF-16: save it as UTF-8.", None
    if b"\0" in source:
        line = source[: source.index(b"\0")].count(b"\n") + 1
        return "It contains null bytes, so it is not a text file: save it as UTF-8 text.", line
    if b"coding" in b"".join(source.split(b"\n", 2)[:2]):
        return None  # it may declare another encoding; Python's parser knows what to do with that
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source[: error.start].count(b"\n") + 1
        byte = source[error.start]
        return f"It is not UTF-8 text (byte 0x{byte:02x} on line {line}): save it as UTF-8.", line
    return None
