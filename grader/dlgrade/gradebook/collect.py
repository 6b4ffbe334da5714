"""Finds submissions in folders, zips, git checkouts and notebooks: whose each is, what it solves, since when it is."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import io
import re
from collections.abc import Collection as Holding
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import BinaryIO

from dlgrade.course.find import SOURCE_LIMIT, Course, read_text, unreadable_bytes
from dlgrade.course.start import is_stub, stub_of
from dlgrade.course.stub import parsed, public_functions
from dlgrade.errors import UsageError
from dlgrade.gradebook import archives, receipts
from dlgrade.gradebook.checkouts import Checkout, checkout_in
from dlgrade.gradebook.metadata import Group, People, gradescope, instant
from dlgrade.gradebook.notebooks import NOTEBOOK_LIMIT, module_of, read_notebook
from dlgrade.gradebook.sources import Clock, Entry, PassedOver, Unread, file_entry, open_file, walk
from dlgrade.gradebook.whose import (
    Names,
    Owner,
    container_name,
    names_of,
    on_platform,
    owner,
    platforms,
    safe_name,
)
from dlgrade.model import Submission
from dlgrade.text import visible

NESTED_LIMIT = 20 << 20
"""Bytes that a zip inside a zip may have, since it is held in memory."""
NESTED_READ_LIMIT = 32 << 20
ATTEMPTS_LIMIT = 100
"""Attempts of one student at one exercise; of more, the latest."""
_NAMED = 5
"""Names in a zip that are told of one that is not collected."""
NO_CODE = "It is neither Python nor a notebook."
SAME = "It is the same, byte for byte, as the student's attempt before it: they are one attempt."
_METADATA_LIMIT = 64 << 20
_PACKED = {".tar", ".gz", ".tgz", ".rar", ".7z", ".bz2", ".xz", ".zst"}
_GROUPS = {"student", "exercise"}


@dataclass(frozen=True)
class Collected:
    """One attempt of a student at an exercise. `student` is a name that any file system can hold."""

    student: str
    exercise: str
    attempt: int
    when: datetime
    clock: Clock
    """What `when` was read from. If it is among `sources.UNKNOWN`, `when` only orders attempts."""
    submission: Submission
    origin: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collection:
    """All that was found, by student, exercise and attempt; and what was passed over."""

    submissions: tuple[Collected, ...]
    passed_over: tuple[PassedOver, ...]


@dataclass(frozen=True)
class _Found:
    """An attempt before all are known: `number` tells students of one name in `container` apart."""

    collected: Collected
    depth: int
    container: str
    number: str | None = None


@dataclass(frozen=True)
class _Given:
    """A path that was given, or the zip that it only wraps.

    `label` is where it lies, for people; `name` what --pattern is looked for in; `stem` what may be a student's name.
    """

    label: str
    name: str
    stem: str
    kind: str
    """`folder`, `zip` or `file`."""
    folder: Path | None = None
    """Where it lies, if it is a folder."""
    zone: tzinfo | None = None


@dataclass(frozen=True)
class _Container:
    """What was given, with what says whose all in it is, and when it was handed in."""

    given: _Given
    student: str | None
    whole: bool
    """Whether all in it is that student's, whatever the folders in it are called."""
    people: People
    times: Mapping[tuple[str, ...], str]
    """The texts of nbgrader's timestamp.txt, by the folders in which they lie."""
    receipts: Mapping[tuple[str, str, str], receipts.Receipt]
    """Of a folder into which submissions were collected, by folder, exercise and hash."""
    one_zip: bool = False
    """Whether a single zip is all that lies in it."""
    _checkouts: dict[tuple[str, ...], Checkout | None] = field(default_factory=dict)

    def checkout(self, folders: tuple[str, ...], names: Names) -> tuple[Checkout, tuple[str, ...]] | None:
        """The innermost git checkout that a file in these folders lies in, and where in it.

        It is the student's own, or lies in the student's folder: one around the whole class is the instructor's.
        """
        somebodys = next((depth for depth, one in enumerate(folders, 1) if not names.means_nobody(one)), None)
        if self.student is not None and (self.whole or somebodys is None):
            somebodys = 0  # all of it
        for depth in range(len(folders), (len(folders) if somebodys is None else somebodys - 1), -1):
            at, folder = folders[:depth], self.given.folder
            if at not in self._checkouts:
                self._checkouts[at] = None if folder is None else checkout_in(folder.joinpath(*at))
            found = self._checkouts[at]
            if found is not None:
                return found, folders[depth:]
        return None


def collect(
    paths: Iterable[Path],
    course: Course,
    pattern: str | None = None,
    *,
    without: Holding[Path] = (),
    zone: tzinfo | None = None,
) -> Collection:
    """Find all submissions below these paths. The order of the paths makes no difference.

    A submission that is there but cannot be graded (empty, too large, no text) is collected all the same, with a note,
    so that it gets its verdict. Equal bytes handed in again with nothing else between are one attempt, at the earlier
    time. A stub that nobody worked on is no submission: whoever hands in a whole folder, or a unit's notebook, has not
    handed in what was not begun.

    Args:
        paths: folders, zips, Python files and notebooks.
        course: the course whose exercises they are.
        pattern: a regular expression with the groups `student`, `exercise` or both, looked for in each file's path,
            from the name of the path given. What it does not match is passed over.
        without: folders to leave out.
        zone: the course's, for times that do not say theirs: of those in zips the machine's if None.

    Raises:
        UsageError: for a path that is not there or a pattern that is none; never for what is in a submission.
        AuthorError: for an exercise whose file cannot be read, where there are notebooks.
    """
    resolved = sorted({path.resolve(): path for path in paths}.items())
    rules = _Rules(course, names_of(course), compiled(pattern))
    outside = [folder.resolve() for folder in without]
    found: list[_Found] = []
    passed: list[PassedOver] = []
    for real, path in resolved:
        with ExitStack() as open_files:
            if real.is_dir():
                listed = list(walk(path, without=outside))
                kind = "folder"
            elif real.suffix.lower() == ".zip":
                file = open_file(real)
                if isinstance(file, Unread):
                    raise UsageError(f"{path}: {file.why}")
                open_files.enter_context(file)
                listed = list(archives.members(file, str(path), _when(real), zone=zone))
                kind = "zip"
            elif real.is_file():
                listed = [file_entry(real, (), str(path), real.stat())]
                kind = "file"
            else:
                raise UsageError(f"There is no folder or file {path}.")
            name = real.name if kind == "folder" else real.stem
            given_as = _Given(str(path), real.name, name, kind, real if kind == "folder" else None, zone)
            for one in _within(listed, given_as, rules):
                if isinstance(one, _Found):
                    found.append(one)
                else:
                    passed.append(one)
    found, untouched = _worked_on(found, rules)
    passed += untouched
    submissions, more = _numbered(_apart(found))
    order = sorted([*passed, *more], key=lambda one: (one.path, one.why, one.student or "", one.exercise or ""))
    return Collection(tuple(submissions), tuple(order))


def compiled(pattern: str | None) -> re.Pattern[str] | None:
    """A pattern that says who and which.

    Raises:
        UsageError: if it is no regular expression, or has other groups or none.
    """
    if pattern is None:
        return None
    mend = r"For example: (?P<student>[^/]+)/(?P<exercise>\w+)\.py"
    try:
        found = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"It is no regular expression: {error}.", where="--pattern", mend=mend) from error
    named = found.groupindex.keys()
    if not named or named - _GROUPS:
        raise UsageError(
            "Its named groups are student and exercise, one of them or both, and no other.",
            where="--pattern",
            mend=mend,
        )
    return found


@dataclass(frozen=True)
class _Rules:
    """What is known before any file: the course, its names, the instructor's pattern."""

    course: Course
    names: Names
    pattern: re.Pattern[str] | None
    _entry_points: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _stubs: dict[str, str] = field(default_factory=dict)

    def is_untouched(self, submission: Submission, exercise: str) -> bool:
        """Whether nobody worked on it."""
        if not self._stubs:
            self._stubs.update({folder.name: stub_of(folder) for folder in self.course.exercises})
        return is_stub(submission.source, self._stubs[exercise])

    def entry_points(self) -> Mapping[str, tuple[str, ...]]:
        """Of every exercise; read when the first notebook asks for them."""
        if not self._entry_points:
            for folder in self.course.exercises:
                path = folder.path / folder.file_name
                tree = parsed(read_text(path), str(path))
                self._entry_points[folder.name] = tuple(node.name for node in public_functions(tree))
        return self._entry_points


def _worked_on(found: Sequence[_Found], rules: _Rules) -> tuple[list[_Found], list[PassedOver]]:
    """What somebody worked on, and the stubs that nobody did."""
    kept: list[_Found] = []
    untouched: list[PassedOver] = []
    for one in found:
        its = one.collected
        if rules.is_untouched(its.submission, its.exercise):
            untouched.append(PassedOver(its.origin, "It is the stub, as it was released.", its.student, its.exercise))
        else:
            kept.append(one)
    return kept, untouched


# -- one path that was given -------------------------------------------------------------------------------------------


def _within(listed: Sequence[Entry | PassedOver], given: _Given, rules: _Rules) -> Iterator[_Found | PassedOver]:
    entries = [one for one in listed if isinstance(one, Entry) and not one.name.startswith(".")]
    yield from (one for one in listed if isinstance(one, PassedOver))
    yield from (_hidden(one) for one in listed if isinstance(one, Entry) and _may_be_work(one.name))
    student, whole = (None, False) if given.kind == "file" else _one_student(entries, given, rules.names)
    people: dict[str, Group] = {}
    times: dict[tuple[str, ...], str] = {}
    kept: dict[tuple[str, str, str], receipts.Receipt] = {}
    rest: list[Entry] = []
    for entry in entries:
        about = all(rules.names.means_nobody(folder) for folder in entry.folders)
        if entry.name == Clock.GRADESCOPE and about:
            data = entry.read(_METADATA_LIMIT)
            if isinstance(data, Unread):
                yield PassedOver(entry.label, data.why)
            else:
                people |= gradescope(data)
        elif entry.name == Clock.NBGRADER and _in_submitted(given.stem, entry.folders, rules.names):
            data = entry.read(1000)
            if not isinstance(data, Unread):
                times[entry.folders] = data.decode("utf-8", "replace")
        elif given.folder is not None and not entry.folders and entry.name == receipts.NAME:
            try:
                kept = {(one.folder, one.exercise, one.sha256): one for one in receipts.read(given.folder)}
            except (ValueError, OSError):
                yield PassedOver(entry.label, "It cannot be read as receipts, so the files' own times were taken.")
        else:
            rest.append(entry)
    work = [entry for entry in entries if entry.name.lower().endswith((".py", ".ipynb", ".zip"))]
    one_zip = len(work) == 1 and all(rules.names.means_nobody(folder) for folder in work[0].folders)
    container = _Container(given, student, whole, people, times, kept, one_zip)
    for entry in rest:
        if entry.name.lower().endswith(".zip") and given.kind != "file":
            yield from _nested(entry, container, rules)
        else:
            yield from _attempts(entry, container, rules)


def _may_be_work(hidden: str) -> bool:
    """Whether a hidden file may be somebody's work all the same; what macOS keeps beside each file is not."""
    return hidden.startswith(".") and not hidden.startswith("._") and hidden.lower().endswith((".py", ".ipynb", ".zip"))


def _hidden(entry: Entry) -> PassedOver:
    return PassedOver(entry.label, "Its name begins with a dot, as hidden files' do: rename it if it was handed in.")


def _in_submitted(name: str, folders: tuple[str, ...], names: Names) -> bool:
    """Whether these are nbgrader's submitted/<student>/<assignment>; a student could make the like further in."""
    trail = (name, *folders)
    at = len(trail) - 3
    return at >= 0 and trail[at] == "submitted" and all(names.means_nobody(folder) for folder in trail[1:at])


def _one_student(entries: Iterable[Entry], given: _Given, names: Names) -> tuple[str | None, bool]:
    """Whose all in a container is that no folder in it says, and whether that is all of it.

    A student's own folder or zip bears the student's name. It is one if work lies in it directly, or if it is a zip
    with one folder around the work.
    """
    itself = container_name(given.stem, names)
    inside = _inside(entries, names)
    if inside.is_class:
        return None, False
    return itself, itself is not None and len(inside.names) == 1 and (inside.direct or given.kind == "zip")


@dataclass(frozen=True)
class _Inside:
    """What the names in a container say: whose its folders, zips and files may be."""

    names: tuple[str, ...]
    direct: bool
    """Whether work lies in it under no name."""
    platform: bool
    """Whether a platform gave one of the names."""

    @property
    def is_class(self) -> bool:
        """Whether they are several students'."""
        return len(self.names) > 1 or self.platform


def _inside(entries: Iterable[Entry], names: Names) -> _Inside:
    inside: set[str] = set()
    direct = platform = False
    for entry in entries:
        stem, _, ending = entry.name.rpartition(".")
        packed = ending.lower() == "zip"
        named = names.exercise(stem) is not None or bool(names.unit(stem))
        folders = (*entry.folders, stem) if packed else entry.folders
        top = next((folder for folder in folders if not names.means_nobody(folder)), None)
        if top is not None and (packed or (named and ending.lower() in ("py", "ipynb"))):
            inside.add(top)
            platform = platform or on_platform(top) is not None
        elif top is None and not packed and ending.lower() in ("py", "ipynb"):
            flat = None if named else owner((), stem, None, names)
            direct = direct or named
            inside |= set() if flat is None else {flat.student}
            platform = platform or (flat is not None and on_platform(stem) is not None)
    return _Inside(tuple(sorted(inside)), direct, platform)


class _Wrapping(enum.Enum):
    """What a zip inside a container is, by the names on it and in it."""

    NONE = enum.auto()
    """A student's own, or one whose folders say whose they are."""
    CLASS = enum.auto()
    """A class's zip: what is around it only wraps it."""
    UNSAID = enum.auto()
    """A class's, or one student's with several folders: whoever took it for one could merge or part students."""


def _wrapping(
    entry: Entry, members: Iterable[Entry], container: _Container, rules: _Rules
) -> tuple[_Wrapping, _Inside]:
    """What a zip is that lies in a container.

    In a class's folder or zip, the name of a zip says whose it is, and the folders in it are the student's own. Where
    nothing lies beside it, it may as well be the class's.
    """
    stem = entry.name[: -len(".zip")]
    inside = _inside(members, rules.names)
    said = rules.pattern is not None and "student" in rules.pattern.groupindex
    somebodys = any(not rules.names.means_nobody(folder) for folder in entry.folders)
    if said or somebodys or container.people or on_platform(stem) is not None or not inside.is_class:
        return _Wrapping.NONE, inside
    given = container.given
    nameless = container_name(stem, rules.names) is None
    # A zip named as the zip around it says nothing more than that one, which may be a class's.
    if container.one_zip and (nameless or (given.kind == "zip" and stem.casefold() == given.stem.casefold())):
        return _Wrapping.CLASS, inside
    several = len(inside.names) > 1 and not rules.names.means_nobody(stem)
    unsaid = several and (container.one_zip or (nameless and inside.platform))
    return _Wrapping.UNSAID if unsaid else _Wrapping.NONE, inside


def _unsaid(inside: _Inside) -> str:
    shown = ", ".join(visible(name, limit=40) for name in inside.names[:_NAMED])
    more = f" and {len(inside.names) - _NAMED} more" if len(inside.names) > _NAMED else ""
    return (
        f"Nothing says whether it is a class's or one student's with several folders ({shown}{more}). A class's: "
        "unpack it, and collect what was in it. One student's: put it into a folder with the student's name, in what "
        "you collect."
    )


def _nested(entry: Entry, container: _Container, rules: _Rules) -> Iterator[_Found | PassedOver]:
    """What is in a zip that lies in a folder or in another zip. It was handed in when it lay there."""
    with ExitStack() as inside:
        if entry.path is not None:
            opened = open_file(entry.path)
            if isinstance(opened, Unread):
                yield PassedOver(entry.label, opened.why)
                return
            file = inside.enter_context(opened)
        else:
            data = entry.read(NESTED_LIMIT + 1)
            if isinstance(data, Unread) or len(data) > NESTED_LIMIT:
                large = f"It is a zip in a zip, of more than {NESTED_LIMIT >> 20} MB: unpack the outer one first."
                yield PassedOver(entry.label, data.why if isinstance(data, Unread) else large)
                return
            file = io.BytesIO(data)
        listed = list(archives.members(file, entry.label, entry.when, limit=NESTED_READ_LIMIT))
        members = [one for one in listed if isinstance(one, Entry) and not one.name.startswith(".")]
        wrapping, found = _wrapping(entry, members, container, rules)
        if wrapping is _Wrapping.UNSAID:
            yield PassedOver(entry.label, _unsaid(found))
            return
        if wrapping is _Wrapping.CLASS:
            yield from _unwrapped(entry, file, container.given, rules)
            return
        for one in listed:
            if isinstance(one, PassedOver):
                yield one
            elif one.name.lower().endswith(".zip"):
                if entry.path is not None:
                    yield from _nested(_moved(one, entry), container, rules)
                else:
                    yield PassedOver(one.label, "It is a zip in a zip in a zip: unpack the outer ones first.")
            elif not one.name.startswith("."):
                yield from _attempts(_moved(one, entry), container, rules)
            elif _may_be_work(one.name):
                yield _hidden(one)


def _unwrapped(entry: Entry, file: BinaryIO, given: _Given, rules: _Rules) -> Iterator[_Found | PassedOver]:
    """What is in a class's zip that something else only wraps, as if it had been given itself."""
    limit = archives.READ_LIMIT if entry.path is not None else NESTED_READ_LIMIT
    listed = list(archives.members(file, entry.label, entry.when, zone=given.zone, limit=limit))
    stem = entry.name[: -len(".zip")]
    name = "/".join((given.name, *entry.folders, stem))
    yield from _within(listed, _Given(entry.label, name, stem, "zip", zone=given.zone), rules)


def _moved(entry: Entry, outer: Entry) -> Entry:
    """A member as it lies in the container: the archive is a folder, and its time is when it was handed in."""
    folders = (*outer.folders, outer.name[: -len(".zip")], *entry.folders)
    return dataclasses.replace(entry, folders=folders, when=outer.when, clock=outer.clock)


# -- one file ----------------------------------------------------------------------------------------------------------


def _attempts(entry: Entry, container: _Container, rules: _Rules) -> Iterator[_Found | PassedOver]:
    stem, dot, ending = entry.name.rpartition(".")
    ending = ending.lower() if dot else ""
    whose = _whose(entry, stem, container, rules)
    if ending not in ("py", "ipynb"):
        packed = "Of archives only zips are opened: unpack it, and collect the folder."
        why = packed if f".{ending}" in _PACKED else NO_CODE
        named = [] if isinstance(whose, PassedOver) else [safe_name(one.student) for one in whose[0]]
        if named == [container.student] and not container.whole:
            named = []  # a folder around a class bears nobody's name, and what lies in it may be anything
        yield from (PassedOver(entry.label, why, student) for student in named)
        if not named:
            yield PassedOver(entry.label, why)
        return
    if isinstance(whose, PassedOver):
        yield whose
        return
    owners, exercise = whose
    stem_of_file, stem = stem, owners[0].stem
    if exercise is None and ending == "py":
        exercise = rules.names.exercise(stem)
        if exercise is None:
            why = "It is named after no exercise of the course."
            yield from (PassedOver(entry.label, why, safe_name(one.student)) for one in owners)
            return
    when, clock, noted = _handed_in(entry, stem_of_file, container, rules.names)
    for one in owners:
        student = safe_name(one.student)
        notes = (*one.notes, *noted)
        if ending == "py":
            assert exercise is not None
            data = entry.read(SOURCE_LIMIT + 1)
            modules: list[tuple[str | None, bytes | Unread, tuple[str, ...]]] = [(exercise, data, ())]
        else:
            modules = list(_modules(entry, stem, exercise, rules))
        if not modules:
            why = "The notebook defines no entry point of an exercise, and is named after none."
            yield PassedOver(entry.label, why, student)
        for solved, source, more in modules:
            if isinstance(source, Unread) or solved is None:
                assert isinstance(source, Unread)
                yield PassedOver(entry.label, source.why, student, solved)
                continue
            submission = Submission.of(entry.label, source)
            receipt = container.receipts.get((entry.folders[0] if entry.folders else "", solved, submission.sha256))
            fault = unreadable_bytes(submission)
            said = (*notes, *more, *(() if fault is None else (fault[0],)))
            attempt = Collected(student, solved, 0, when, clock, submission, entry.label, said)
            if receipt is not None:
                attempt = dataclasses.replace(
                    attempt, student=receipt.student, when=receipt.when, clock=receipt.clock, notes=receipt.notes
                )
            yield _Found(attempt, len(entry.folders), container.given.label, one.number)


def _whose(
    entry: Entry, stem: str, container: _Container, rules: _Rules
) -> tuple[list[Owner], str | None] | PassedOver:
    """Whose a file is, several in a team; and the exercise, if the pattern says that."""
    exercise = None
    student = None
    if rules.pattern is not None:
        inside = "/".join((*entry.folders, entry.name))
        name = container.given.name
        path = name if not entry.folders and entry.name == name else f"{name}/{inside}"
        match = rules.pattern.search(path)
        if match is None:
            return PassedOver(entry.label, "--pattern does not match it.")
        groups = match.groupdict()
        student = groups.get("student")
        if "exercise" in groups:
            exercise = rules.names.exercise(groups["exercise"] or "")
            if exercise is None:
                said = groups["exercise"]
                return PassedOver(entry.label, f"--pattern finds {said!r} in it, which is no exercise of the course.")
        if "student" in groups and not student:
            return PassedOver(entry.label, "--pattern finds no student in it.")
    if student is not None:
        return [Owner(student, stem)], exercise
    for folder in entry.folders:
        if folder in container.people:
            return [Owner(name, stem, None, notes) for name, notes in container.people[folder].submitters], exercise
        if not rules.names.means_nobody(folder):
            break
    if container.whole and container.student is not None:
        return [Owner(container.student, stem)], exercise
    found = owner(entry.folders, stem, container.student, rules.names)
    if found is None:
        why = "It does not say whose it is: put it into a folder with the student's name, or use --pattern."
        return PassedOver(entry.label, why)
    return [found], exercise


def _handed_in(entry: Entry, stem: str, container: _Container, names: Names) -> tuple[datetime, Clock, tuple[str, ...]]:
    for folder in entry.folders:
        person = container.people.get(folder)
        if person is not None and person.when is not None:
            return person.when, Clock.GRADESCOPE, ()
    for depth in range(len(entry.folders), 0, -1):
        text = container.times.get(entry.folders[:depth])
        if text is not None:
            when, note = instant(text, container.given.zone)
            if when is not None:
                return when, Clock.NBGRADER, () if note is None else (note,)
            return entry.when, entry.clock, ("timestamp.txt holds no time",)
    platform = None if container.whole else platforms(entry.folders, stem, names)
    if platform is not None:
        return entry.when, Clock.LATE if platform.late else Clock.DOWNLOAD, ()
    if container.people:  # of a platform that says when, but not of this one
        return entry.when, Clock.DOWNLOAD, ()
    found = container.checkout(entry.folders, names) if entry.path is not None else None
    if found is not None:
        checkout, inside = found
        data = entry.read(NOTEBOOK_LIMIT + 1)
        committed = data if isinstance(data, Unread) else checkout.committed((*inside, entry.name), data)
        if isinstance(committed, Unread):
            return entry.when, entry.clock, (f"{committed.why} Its time is that of the file",)
        return committed.when, Clock.GIT, committed.notes
    return entry.when, entry.clock, ()


def _modules(
    entry: Entry, stem: str, exercise: str | None, rules: _Rules
) -> Iterator[tuple[str | None, bytes | Unread, tuple[str, ...]]]:
    """What a notebook holds: each exercise with the source of its module and notes."""
    named = exercise or rules.names.exercise(stem)
    expected = (named,) if named else rules.names.unit(stem)
    data = entry.read(NOTEBOOK_LIMIT + 1)
    notebook = data if isinstance(data, Unread) else read_notebook(data)
    if isinstance(notebook, Unread):
        if isinstance(data, bytes) and expected:  # its bytes as they are, so that it gets a verdict
            yield from ((one, data[: SOURCE_LIMIT + 1], (notebook.why,)) for one in expected)
        else:
            yield from ((one, notebook, ()) for one in expected or (None,))
        return
    assert isinstance(data, bytes)
    mark = f"notebook {hashlib.sha256(data).hexdigest()[:16]}"
    entry_points = rules.entry_points()
    for one in (named,) if named else entry_points:
        module = module_of(notebook, one, entry_points)
        if module.defines or one == named:
            yield one, module.source, (mark, *module.notes)


def _when(path: Path) -> datetime:
    return file_entry(path, (), "", path.stat()).when


# -- all of them -------------------------------------------------------------------------------------------------------


def _apart(found: Iterable[_Found]) -> list[_Found]:
    """Students whom only the platform's number tells apart get it into their names."""
    found = list(found)
    numbers: dict[tuple[str, str], set[str]] = {}
    for one in found:
        if one.number is not None:
            numbers.setdefault((one.container, one.collected.student), set()).add(one.number)
    shared = {student for (_, student), those in numbers.items() if len(those) > 1}
    return [
        dataclasses.replace(
            one,
            collected=dataclasses.replace(
                one.collected,
                student=f"{one.collected.student}_{one.number}",
                notes=(*one.collected.notes, "several students bear this name"),
            ),
        )
        if one.number is not None and one.collected.student in shared
        else one
        for one in found
    ]


def _numbered(found: Iterable[_Found]) -> tuple[list[Collected], list[PassedOver]]:
    """Each student's attempts at each exercise in the order of time."""
    groups: dict[tuple[str, str], list[_Found]] = {}
    for one in found:
        groups.setdefault((one.collected.student, one.collected.exercise), []).append(one)
    submissions: list[Collected] = []
    passed: list[PassedOver] = []
    for (student, exercise), those in sorted(groups.items()):
        # Of equal times the file that lies less deep is the later one: copies are kept in folders.
        those.sort(key=lambda one: (one.collected.when, -one.depth, one.collected.origin))
        attempts: list[Collected] = []
        for one in those:
            if not attempts or attempts[-1].submission.sha256 != one.collected.submission.sha256:
                attempts.append(one.collected)
            else:
                passed.append(PassedOver(one.collected.origin, SAME, student, exercise))
        for early in attempts[:-ATTEMPTS_LIMIT]:
            why = f"There are more than {ATTEMPTS_LIMIT} attempts, and this is none of the latest."
            passed.append(PassedOver(early.origin, why, student, exercise))
        latest = attempts[-ATTEMPTS_LIMIT:]
        submissions += [dataclasses.replace(late, attempt=number) for number, late in enumerate(latest, 1)]
    return submissions, passed
