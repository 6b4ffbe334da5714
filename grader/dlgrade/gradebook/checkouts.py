"""When a file of a git checkout was last committed, read from .git itself, within limits.

No program is started: git obeys the repository's own settings, and those name programs (a file system monitor, hooks,
remotes of which missing objects are fetched). Dulwich, the library, has no bound on what a stranger's objects unpack
to. What is needed of git is little: a reference, a commit, a tree.

The time is the committer's clock, which is the student's own: `dlgrade collect` says where a time comes from.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from dlgrade.gradebook.sources import Unread, open_file

OBJECT_LIMIT = 4 << 20
"""Bytes that a commit or a tree may have."""
READ_LIMIT = 64 << 20
"""Bytes that are unpacked of one repository, all objects together."""
COMMITS_LIMIT = 5000
"""Commits that are gone back through for one file."""
_INDEX_LIMIT = 64 << 20
_PACKS_LIMIT = 100
_REFERENCES_LIMIT = 4 << 20
_DEPTH_LIMIT = 100
_SHA = re.compile(r"[0-9a-f]{40}")
_REFERENCE = re.compile(r"refs/[\w@+,=-][\w./@+,=-]{0,200}")
_COMMITTER = re.compile(rb"committer (.*) (-?\d{1,15}) [+-]\d{4}")
_KINDS = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_DELTA_FROM_OFFSET, _DELTA_FROM_NAME = 6, 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Committed:
    """When a file got the content that it has, and what there is to say about that."""

    when: datetime
    notes: tuple[str, ...]


class _Unreadable(Exception):
    """Why a repository tells nothing, in a sentence."""


@dataclass(frozen=True)
class _Commit:
    tree: str
    parents: tuple[str, ...]
    committer: str
    when: datetime


@dataclass(frozen=True)
class _Pack:
    path: Path
    index: bytes

    def offset(self, name: bytes) -> int | None:
        """Where an object begins."""
        first = name[0]
        low = 0 if first == 0 else self._count(first - 1)
        high, end = self._count(first), self._count(255)
        while low < high:
            middle = (low + high) // 2
            at = 1032 + 20 * middle
            found = self.index[at : at + 20]
            if found == name:
                (offset,) = struct.unpack_from(">L", self.index, 1032 + 24 * end + 4 * middle)
                if offset & 0x80000000:
                    (offset,) = struct.unpack_from(">Q", self.index, 1032 + 28 * end + 8 * (offset & 0x7FFFFFFF))
                return int(offset)
            low, high = (middle + 1, high) if found < name else (low, middle)
        return None

    def _count(self, first: int) -> int:
        return int(struct.unpack_from(">L", self.index, 8 + 4 * first)[0])


def checkout_in(folder: Path) -> Checkout | None:
    """The git checkout in a folder; None if it is none."""
    try:
        mode = (folder / ".git").lstat().st_mode
    except (OSError, ValueError):
        return None
    return Checkout(folder / ".git", stat.S_ISDIR(mode))


@dataclass
class Checkout:
    """A git checkout: what its .git says, read when it is asked for and kept.

    `sound` is whether .git is a folder: that of a submodule is a file that points elsewhere, and is not followed.
    """

    git: Path
    sound: bool = True
    _left: int = READ_LIMIT
    _commits: dict[str, _Commit] = field(default_factory=dict)
    _entries: dict[tuple[str, bytes], str | None] = field(default_factory=dict)
    _packs: list[_Pack] | None = None

    def committed(self, inside: tuple[str, ...], data: bytes) -> Committed | Unread:
        """When the file got this content: the time of the commit that brought it, as far back as it has been there.

        Args:
            inside: where the file lies in the checkout: its folders and its name.
            data: its bytes.
        """
        if not self.sound:
            return Unread("Its .git is no folder, and what it points to is not read.")
        path = [os.fsencode(part) for part in inside]
        try:
            start = self._head()
            blob = self._blob(start, path)
            if blob is None:
                return Unread("It is in no commit.")
            if blob not in {_name_of(data), _name_of(data.replace(b"\r\n", b"\n"))}:
                return Unread("It was changed after the last commit.")
            return self._brought(start, path, blob)
        except _Unreadable as error:
            return Unread(str(error))
        except (OSError, ValueError, IndexError, struct.error, zlib.error, OverflowError):
            return Unread("Its repository is damaged.")

    def _brought(self, name: str, path: list[bytes], blob: str) -> Committed:
        """Back through the history for as long as the file is the same."""
        cut_off = ""
        for _ in range(COMMITS_LIMIT):
            commit = self._commit(name)
            before = None
            for parent in commit.parents:
                try:
                    same = self._blob(parent, path) == blob
                except _Unreadable:
                    cut_off = "its history is cut off: it may be older"
                    continue
                if same:
                    before = parent
                    break
            if before is None:
                notes = (f"committed by {commit.committer}", *([cut_off] if cut_off else []))
                return Committed(commit.when, notes)
            name = before
        raise _Unreadable(f"Its history is longer than {COMMITS_LIMIT:,} commits.")

    # -- references and objects --

    def _head(self) -> str:
        said = self._text("HEAD", 1000).strip()
        if said.startswith("ref: "):
            reference = said.removeprefix("ref: ").strip()
            if not _REFERENCE.fullmatch(reference) or ".." in reference:
                raise _Unreadable("Its repository is on a branch of an odd name.")
            try:
                said = self._text(reference, 1000).strip()
            except _Unreadable:
                said = self._packed(reference)
        if re.fullmatch("[0-9a-f]{64}", said):
            raise _Unreadable("Its repository names commits by SHA-256, which is not read here.")
        if not _SHA.fullmatch(said):
            raise _Unreadable("Nothing was ever committed in its repository.")
        return said

    def _packed(self, reference: str) -> str:
        try:
            lines = self._text("packed-refs", _REFERENCES_LIMIT).splitlines()
        except _Unreadable:
            lines = []
        ending = f" {reference}"
        return next((line.removesuffix(ending) for line in lines if line.endswith(ending)), "")

    def _text(self, name: str, limit: int) -> str:
        return self._bytes(self.git / name, limit).decode("utf-8", "replace")

    def _bytes(self, path: Path, limit: int) -> bytes:
        file = open_file(path)
        if isinstance(file, Unread):
            raise _Unreadable("Its repository lacks what it speaks of.")
        with file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise _Unreadable("Its repository is larger than a student's work is.")
        return data

    def _commit(self, name: str) -> _Commit:
        if name not in self._commits:
            head = self._object(name, b"commit").partition(b"\n\n")[0].split(b"\n")
            fields = [line.decode("ascii", "replace").partition(" ") for line in head]
            found = next((match for line in head if (match := _COMMITTER.fullmatch(line))), None)
            trees = [value for key, _, value in fields if key == "tree"]
            parents = tuple(value for key, _, value in fields if key == "parent")
            if found is None or len(trees) != 1 or not all(_SHA.fullmatch(one) for one in (*trees, *parents)):
                raise _Unreadable("Its last commit is damaged.")
            when = _EPOCH + timedelta(seconds=int(found[2]))
            self._commits[name] = _Commit(trees[0], parents, _said(found[1]), when)
        return self._commits[name]

    def _blob(self, commit: str, path: list[bytes]) -> str | None:
        """The name of a file's content in a commit; None if it has no such file."""
        found: str | None = self._commit(commit).tree
        for part in path:
            if found is None:
                return None
            if (found, part) not in self._entries:
                self._entries[found, part] = _entry(self._object(found, b"tree"), part)
            found = self._entries[found, part]
        return found

    def _object(self, name: str, kind: bytes) -> bytes:
        packed = self._from_pack(bytes.fromhex(name), 0)
        found = self._loose(name) if packed is None else packed
        if found[0] != kind:
            raise _Unreadable("Its repository is damaged.")
        return found[1]

    def _loose(self, name: str) -> tuple[bytes, bytes]:
        packed = self._bytes(self.git / "objects" / name[:2] / name[2:], OBJECT_LIMIT)
        unpacked = self._inflated(zlib.decompressobj(), [packed], OBJECT_LIMIT)
        head, null, data = unpacked.partition(b"\0")
        if not null:
            raise ValueError
        return head.split(b" ")[0], data

    def _inflated(self, stream: zlib._Decompress, pieces: list[bytes], limit: int) -> bytes:
        data = b"".join(stream.decompress(piece, limit + 1) for piece in pieces)
        if len(data) > limit or len(data) > self._left:
            raise _Unreadable("Its repository is larger than a student's work is.")
        self._left -= len(data)
        if not stream.eof:
            raise ValueError
        return data

    # -- packs --

    def _from_pack(self, name: bytes, depth: int) -> tuple[bytes, bytes] | None:
        if self._packs is None:
            self._packs = [_Pack(path.with_suffix(".pack"), self._index(path)) for path in self._indexes()]
        for pack in self._packs:
            offset = pack.offset(name)
            if offset is not None:
                file = open_file(pack.path)
                if isinstance(file, Unread):
                    raise _Unreadable("Its repository lacks what it speaks of.")
                with file:
                    return self._at(file, offset, depth)
        return None

    def _indexes(self) -> list[Path]:
        try:
            with os.scandir(self.git / "objects" / "pack") as listed:
                names = sorted(one.name for one in listed if one.name.endswith(".idx"))
        except FileNotFoundError:
            return []
        if len(names) > _PACKS_LIMIT:
            raise _Unreadable("Its repository is larger than a student's work is.")
        return [self.git / "objects" / "pack" / name for name in names]

    def _index(self, path: Path) -> bytes:
        data = self._bytes(path, _INDEX_LIMIT)
        if data[:8] != b"\xfftOc\0\0\0\2":
            raise _Unreadable("Its repository is of a version that is not read here.")
        return data

    def _at(self, file: BinaryIO, offset: int, depth: int) -> tuple[bytes, bytes]:
        """The object that begins there in a pack."""
        if depth > _DEPTH_LIMIT:
            raise ValueError
        file.seek(offset)
        head = file.read(64)
        kind, size, at = head[0] >> 4 & 7, head[0] & 15, 1
        shift = 4
        while head[at - 1] & 0x80:
            size |= (head[at] & 0x7F) << shift
            shift += 7
            at += 1
        if size > OBJECT_LIMIT:
            raise _Unreadable("Its repository is larger than a student's work is.")
        base: tuple[bytes, bytes] | None = None
        if kind == _DELTA_FROM_OFFSET:
            back, at = head[at] & 0x7F, at + 1
            while head[at - 1] & 0x80:
                back, at = (back + 1) << 7 | head[at] & 0x7F, at + 1
            if not 0 < back <= offset:
                raise ValueError
            base = self._at(file, offset - back, depth + 1)
        elif kind == _DELTA_FROM_NAME:
            base = self._from_pack(head[at : at + 20], depth + 1)
            at += 20
            if base is None:
                raise ValueError
        file.seek(offset + at)
        # No stream of deflate is much longer than what it holds.
        data = self._inflated(zlib.decompressobj(), [file.read(size + size // 100 + 1000)], size)
        if len(data) != size:
            raise ValueError
        if base is None:
            return _KINDS.get(kind, b""), data
        return base[0], _applied(base[1], data)


def _said(name: bytes) -> str:
    # Notes are told apart by semicolons.
    return name[:200].decode("utf-8", "replace").replace(";", ",")


def _name_of(data: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _entry(tree: bytes, name: bytes) -> str | None:
    at = 0
    while at < len(tree):
        end = tree.index(b"\0", at)
        if tree[at:end].partition(b" ")[2] == name:
            return tree[end + 1 : end + 21].hex()
        at = end + 21
    return None


def _applied(base: bytes, delta: bytes) -> bytes:
    """What a delta makes of the object that it is to."""
    size, at = _length(delta, 0)
    made, at = _length(delta, at)
    if size != len(base) or made > OBJECT_LIMIT:
        raise ValueError
    result = bytearray()
    while at < len(delta):
        order = delta[at]
        at += 1
        if order & 0x80:
            values = []
            for bit in range(7):
                values.append(delta[at] if order >> bit & 1 else 0)
                at += order >> bit & 1
            start = int.from_bytes(bytes(values[:4]), "little")
            count = int.from_bytes(bytes(values[4:]), "little") or 0x10000
            if start + count > len(base):
                raise ValueError
            result += base[start : start + count]
        elif order:
            result += delta[at : at + order]
            at += order
        else:
            raise ValueError
        if len(result) > made:
            raise ValueError
    if len(result) != made:
        raise ValueError
    return bytes(result)


def _length(delta: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = delta[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise ValueError
