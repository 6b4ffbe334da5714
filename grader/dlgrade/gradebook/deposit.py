"""Writes what was collected into a folder, and adds to what is there already.

Nothing is ever lost: a file is written beside and renamed, an earlier attempt gets its new place before its old one is
taken, the receipts come last, and what they do not know is kept as an attempt. So a run that was cut off is finished by
the next.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dlgrade.course.atomic import replace_file
from dlgrade.errors import UsageError
from dlgrade.gradebook.collect import Collected, Collection
from dlgrade.gradebook.receipts import ATTEMPTS, NAME, Receipt, read, text_of
from dlgrade.gradebook.sources import Clock, moment
from dlgrade.gradebook.store import lock
from dlgrade.gradebook.whose import folder_name

LOCK = f".{NAME}-writer"
"""What a run holds while it writes."""


@dataclass(frozen=True)
class Deposited:
    """What a run added to a folder, and how many attempts lie there now."""

    added: tuple[Receipt, ...]
    total: int
    absent: tuple[Receipt, ...] = ()
    """What arrived and was left out, since somebody took it out of the folder."""


@dataclass(frozen=True)
class _File:
    path: Path
    when: datetime
    source: bytes


@dataclass(frozen=True)
class _Kept:
    receipt: Receipt
    source: bytes | None
    """None if the file that the receipt is for is gone."""


def deposit(collection: Collection, to: Path, *, restore: bool = False) -> Deposited:
    """Write each student's last attempt as DIR/<student>/<exercise>.py, earlier ones into DIR/<student>/attempts/, and
    DIR/receipts.csv. What is there already is left as it is, but for its number if an older attempt is found.

    What has a receipt and no file any more somebody took out: it is not written again unless `restore` asks for it.

    One run at a time: a second one waits a little, then is refused.

    Raises:
        UsageError: if the folder cannot be written, or its receipts cannot be read, or another run writes there.
        GraderError: the disk is full or failing.
    """
    with ExitStack() as held:
        try:
            to.mkdir(parents=True, exist_ok=True)
            lock(to / NAME, LOCK, held)
            return _deposit(collection, to, _known(to), restore)
        except OSError as error:
            mend = "Nothing that was there is lost: make room or name another folder, and run it again."
            raise UsageError(f"{error.filename or to} cannot be written: {error.strerror}.", mend=mend) from error


def _known(to: Path) -> list[Receipt]:
    try:
        return read(to)
    except (ValueError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        mend = "Mend the line, or rename the file: the submissions beside it are collected again then."
        raise UsageError(f"The receipts cannot be read: {why}.", where=str(to / NAME), mend=mend) from error


def _deposit(collection: Collection, to: Path, known: list[Receipt], restore: bool) -> Deposited:
    folders = {one.student: one.folder for one in known}
    groups: dict[tuple[str, str], list[Receipt]] = {}
    for one in known:
        groups.setdefault((one.student, one.exercise), []).append(one)
    arriving: dict[tuple[str, str], list[Collected]] = {}
    for new in collection.submissions:
        arriving.setdefault((new.student, new.exercise), []).append(new)
        if new.student not in folders:
            folders[new.student] = folder_name(new.student, folders.values())
    added: list[Receipt] = []
    absent: list[Receipt] = []
    for key, submissions in sorted(arriving.items()):
        before = groups.get(key, [])
        merged = _merged(before, submissions, folders[key[0]], to, restore)
        arrived = {one.submission.sha256 for one in submissions}
        absent += [one.receipt for one in merged if one.source is None and one.receipt.sha256 in arrived]
        if any(one.source is not None for one in merged):
            _write(merged, to)
        groups[key] = [one.receipt for one in merged]
        was = {(one.sha256, one.when) for one in before}
        added += [one.receipt for one in merged if (one.receipt.sha256, one.receipt.when) not in was]
    everything = [one for those in groups.values() for one in those]
    if everything != known or not (to / NAME).exists():
        if hasattr(os, "sync"):
            os.sync()  # what the receipts speak of is on the disk before they are; once, since a class has thousands
        replace_file(to / NAME, text_of(everything).encode("utf-8", "backslashreplace"))
    return Deposited(tuple(added), len(everything) - len(absent), tuple(absent))


def _merged(before: list[Receipt], arriving: list[Collected], folder: str, to: Path, restore: bool) -> list[_Kept]:
    """All attempts of one student at one exercise in the order of time, with the bytes that are at hand."""
    exercise = arriving[0].exercise
    present = _present(to / folder, exercise)
    sources = {digest: file.source for digest, file in present.items()}
    told = {(one.sha256, one.when) for one in before}
    taken_out = set() if restore else {digest for digest, _ in told} - present.keys()
    sources |= {
        one.submission.sha256: one.submission.source for one in arriving if one.submission.sha256 not in taken_out
    }
    hashes = {one.sha256 for one in before} | {one.submission.sha256 for one in arriving}
    receipts = [*before]
    for digest, file in present.items():
        if digest not in hashes:
            note = ("lay there without a receipt",)
            origin, size = str(file.path), len(file.source)
            receipts.append(
                Receipt(arriving[0].student, exercise, 0, file.when, Clock.FILE, digest, size, origin, note, folder)
            )
    for one in arriving:
        made = Receipt(
            one.student,
            exercise,
            len(before) + one.attempt,
            one.when,
            one.clock,
            one.submission.sha256,
            len(one.submission.source),
            one.origin,
            one.notes,
            folder,
        )
        if (made.sha256, made.when) not in told:
            receipts.append(made)
    kept: list[Receipt] = []
    for receipt in sorted(receipts, key=lambda one: (one.when, one.attempt)):
        if not kept or kept[-1].sha256 != receipt.sha256:
            kept.append(receipt)
    numbered = [dataclasses.replace(one, attempt=number) for number, one in enumerate(kept, 1)]
    return [_Kept(one, sources.get(one.sha256)) for one in numbered]


def _present(folder: Path, exercise: str) -> dict[str, _File]:
    """The files of an exercise that lie in a student's folder, by hash."""
    paths = [folder / f"{exercise}.py"]
    earlier = folder / ATTEMPTS
    if earlier.is_dir():
        ours = re.compile(rf"{re.escape(exercise)}\.\d+\.py")
        paths += sorted(path for path in earlier.iterdir() if ours.fullmatch(path.name))
    found: dict[str, _File] = {}
    for path in paths:
        if path.is_file():
            data = path.read_bytes()
            found[hashlib.sha256(data).hexdigest()] = _File(path, moment(path.stat().st_mtime_ns), data)
    return found


def _write(merged: list[_Kept], to: Path) -> None:
    """Put every attempt in its place, the last but one first: what moves is copied before its old place is taken."""
    for one in [*reversed(merged[:-1]), merged[-1]]:
        receipt = one.receipt
        folder = to / receipt.folder
        name = f"{receipt.exercise}.py"
        if one is not merged[-1]:
            folder, name = folder / ATTEMPTS, f"{receipt.exercise}.{receipt.attempt}.py"
        if one.source is None or _holds(folder / name, one.source):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        # A submission gets the time at which it was handed in.
        modified = receipt.when if receipt.when.year >= 1980 else None
        replace_file(folder / name, one.source, modified=modified, synced=False)


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
