"""Reads zips member by member, in memory and within limits. Nothing is extracted: no name in a zip becomes a path."""

from __future__ import annotations

import functools
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import BinaryIO

from dlgrade.gradebook.sources import PRUNED, Clock, Entry, PassedOver, Unread, moment, pruned

MEMBERS_LIMIT = 50_000
DIRECTORY_LIMIT = 16 << 20
"""Bytes that the list of an archive's members may have, since it is read whole."""
READ_LIMIT = 512 << 20
"""Bytes that are unpacked of one archive, all members together."""
RATIO_LIMIT = 200
"""How many times its packed size a large member may have; text packs to a tenth."""
SMALL = 1_000_001
"""Bytes that may be read of any member, whatever it claims to be."""
_NAME_LIMIT = 1000
_DEPTH_LIMIT = 40

# What the learning platforms and every desktop write. The others may ask for gigabytes of memory before the first byte.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DRIVE = re.compile(r"[A-Za-z]:")
_END, _END_SIZE = b"PK\x05\x06", 22
_END_64, _END_64_SIZE, _LOCATOR_SIZE = b"PK\x06\x06", 56, 20


@dataclass
class _Budget:
    """What may still be unpacked."""

    left: int


def members(
    file: BinaryIO, label: str, fallback: datetime, *, zone: tzinfo | None = None, limit: int = READ_LIMIT
) -> Iterator[Entry | PassedOver]:
    """The members of a zip, each to be read while the file is open. Those of equal names are all there.

    Args:
        file: the archive, which stays open.
        label: where it lies, for people.
        fallback: the time of a member that has none.
        zone: the zone of times that do not say theirs; the machine's if None.
        limit: the bytes that may be unpacked.
    """
    try:
        large = _list_size(file) > DIRECTORY_LIMIT
        archive = None if large else zipfile.ZipFile(file)
    except Exception as error:  # whatever damaged bytes make the library stumble over
        yield PassedOver(label, _told(error))
        return
    if archive is None or len(archive.infolist()) > MEMBERS_LIMIT:
        yield PassedOver(label, f"It holds more than {MEMBERS_LIMIT:,} files: pack what is handed in, and only that.")
        return
    budget = _Budget(limit)
    told = set()
    for info in archive.infolist():
        name = _name(info).replace("\\", "/")
        where = f"{label}/{name}"[:_NAME_LIMIT]
        mode = stat.S_IFMT(info.external_attr >> 16)
        parts = [part for part in name.split("/") if part not in ("", ".")]
        hidden = next((index for index, part in enumerate(parts[:-1], 1) if pruned(part)), None)
        why = _refusal(info, name, parts, mode)
        if why is not None:
            yield PassedOver(where, why)
        elif name.endswith("/") or mode == stat.S_IFDIR or not parts:
            continue
        elif hidden is not None:
            folder = "/".join(parts[:hidden])
            if folder not in told:
                told.add(folder)
                yield PassedOver(f"{label}/{folder}", PRUNED)
        else:
            when = _time(info, fallback, zone)
            read = functools.partial(_read, archive, info, budget)
            yield Entry(tuple(parts[:-1]), parts[-1], where, when, Clock.ARCHIVE, read)


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name; some desktops write it in UTF-8 without saying so."""
    if not info.flag_bits & 0x800 and not info.filename.isascii():
        try:
            return info.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.filename


def _refusal(info: zipfile.ZipInfo, name: str, parts: list[str], mode: int) -> str | None:
    """Why a member is not even to be looked at; None if it is."""
    if "\0" in info.orig_filename:
        return "Its name holds a null byte."
    if name.startswith("/") or _DRIVE.match(name):
        return "Its name is an absolute path."
    if ".." in parts:
        return "Its name leads out of the archive."
    if len(name) > _NAME_LIMIT or len(parts) > _DEPTH_LIMIT:
        return "Its name is too long."
    if mode == stat.S_IFLNK:
        return "It is a link, and links are not followed."
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "It is no file: a pipe, a socket or a device."
    return None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget, limit: int) -> bytes | Unread:
    if info.flag_bits & _ENCRYPTED:
        return Unread("It is encrypted: ask for it without a password.")
    if info.compress_type not in _METHODS:
        return Unread("It is compressed in a way that only few programs know: pack it as an ordinary zip.")
    if min(limit, info.file_size) > SMALL and info.file_size > RATIO_LIMIT * max(1, info.compress_size):
        return Unread(f"It would unpack to more than {RATIO_LIMIT} times its size, as only an attack does.")
    wanted = min(limit, info.file_size)
    if wanted > budget.left:
        return Unread("The archive holds more than is ever handed in; what came before was read.")
    budget.left -= wanted
    try:
        with archive.open(info) as member:
            data = member.read(limit)
    except Exception as error:  # whatever damaged bytes make the library stumble over
        return Unread(_told(error))
    if len(data) < wanted:
        return Unread("It is cut off: the archive is damaged.")
    return data


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"It cannot be read: {error.strerror}."
    if isinstance(error, zlib.error) or "CRC" in str(error):
        return "Its bytes are not those that were packed: the archive is damaged."
    return "It is no zip, or it is damaged: download it or ask for it again."


def _list_size(file: BinaryIO) -> int:
    """Bytes of the list of members, as the end of a zip tells it; 0 if there is no such end."""
    size = file.seek(0, 2)
    start = max(0, size - (1 << 16) - _END_SIZE - _END_64_SIZE - _LOCATOR_SIZE)
    file.seek(start)
    tail = file.read()
    at = len(tail) - _END_SIZE
    if at < 0 or tail[at : at + 4] != _END or tail[-2:] != b"\0\0":
        at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        return 0
    (told,) = struct.unpack_from("<L", tail, at + 12)
    at_64 = at - _LOCATOR_SIZE - _END_64_SIZE
    if at_64 >= 0 and tail[at_64 : at_64 + 4] == _END_64:
        (told,) = struct.unpack_from("<Q", tail, at_64 + 40)
    return min(int(told), size)


def _time(info: zipfile.ZipInfo, fallback: datetime, zone: tzinfo | None) -> datetime:
    """When a member was last changed: by the field that counts seconds in UTC if it has one, else as a wall clock."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == 0x5455 and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            (seconds,) = struct.unpack_from("<l", extra, 5)
            return moment(seconds * 1_000_000_000)
        extra = extra[4 + size :]
    if info.date_time <= (1980, 1, 1, 0, 0, 0):
        return fallback  # what is written where there is no time
    try:
        wall = datetime(*info.date_time)  # a wall clock's: the zone follows
        there = wall.astimezone() if zone is None else wall.replace(tzinfo=zone)
        return there.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return fallback
