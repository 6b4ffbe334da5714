"""Frames between the grader and a worker: values out of bytes and back. Never pickle, never trust a length.

A frame is a fixed header, a JSON object of a closed schema, and the raw little-endian bytes of its arrays. Small blobs
follow the JSON on the socket; large ones travel in a sealed memory file where the system has them. Both sides use this
module, and the worker imports nothing else of the package, so it must not import from it either.

    value   := null | bool | int | float | str | [value, …] | {"t": [value, …]} tuple | {"d": [[str, value], …]} dict
             | {"a": i} array i of the table | {"s": i} NumPy scalar | {"c": i} callable i
             | {"x": text} something that cannot travel | {"big": [dtype, shape]} an array over the agreed size
    table   := [[dtype, shape, layout, read-only], …]; array i's bytes start where those of i - 1 end, on 8 bytes
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import stat
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

MAGIC = b"dlg1"
_HEADER = struct.Struct("<4sBBHIQQ")
"""magic, kind, transport, zero, bytes of JSON, nonce, bytes of blob"""

READY, LOAD, LOADED, CALL, RETURNED, RAISED, CALLBACK, ANSWER = range(1, 9)

INLINE_LIMIT = 256 * 1024
"""Blobs above this many bytes travel in a memory file."""
JSON_LIMIT = 1024 * 1024
"""The most JSON that a worker's frame may hold: lists of some fifty thousand numbers."""
REQUEST_JSON_LIMIT = 64 * 1024 * 1024
"""The most JSON that a request may hold: a batch of a hundred thousand calls."""
DEPTH_LIMIT = 16
ITEM_LIMIT = 100_000
TEXT_LIMIT = JSON_LIMIT // 12
"""The most characters of a string in a reply; JSON may need twelve bytes for each."""
FILES_LIMIT = 2
"""The most memory files that may wait to be read: one of this frame, one of the next."""

DTYPES = {
    np.dtype(code).str: np.dtype(code)
    for code in ("?", "<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
LAYOUTS = ("C", "F", "strided", "reversed")

_READ = 1 << 18
"""The most bytes that are read from the socket at once."""
_COPIED = 1 << 14
"""Bytes of an array up to which copying them costs less than to make views of it."""

_HAS_MEMFD = sys.platform == "linux" and hasattr(os, "memfd_create") and hasattr(socket, "recv_fds")
_FILES_ROOM = socket.CMSG_LEN(4 * struct.calcsize("i")) if _HAS_MEMFD else 0


class ProtocolError(Exception):
    """The bytes are not a frame that was due; the sentence says how."""


class Closed(Exception):
    """The other side has gone."""


class TooLong(ValueError):
    """A frame's JSON would be longer than the other side accepts; nothing of it was sent."""


@dataclass(frozen=True)
class Foreign:
    """A value that cannot travel, by its description: a generator, an object array, a string of a megabyte."""

    description: str


@dataclass(frozen=True)
class Oversize:
    """An array that is larger than what was agreed to be sent."""

    dtype: str
    shape: tuple[int, ...]


_encode = json.JSONEncoder(separators=(",", ":")).encode  # made once: json.dumps would make one for every frame


def encoded(body: dict[str, Any]) -> bytes:
    """A frame's JSON, for a frame that is sent more than once."""
    return _encode(body).encode()


# -- values to bytes ---------------------------------------------------------------------------------------------------


def _padded(size: int) -> int:
    return -size % 8


def _travels(shape: Sequence[int]) -> bool:
    """Whether NumPy can hold an array of this shape in any dtype and layout, even where a side is 0."""
    if len(shape) > 32:  # looked at first: the product of as many sides as a frame may name takes seconds
        return False
    count = 1
    for side in shape:
        count *= side or 1
    return count < 2**48


def layout_of(array: np.ndarray[Any, Any]) -> str:
    """Which of LAYOUTS rebuilds an array whose memory looks like this one's."""
    flags = array.flags
    if flags.c_contiguous:
        return "C"
    if flags.f_contiguous:
        return "F"
    return "reversed" if array.strides[-1] < 0 else "strided"


class Packer:
    """Turns values into the JSON and the blob of one frame.

    Args:
        limit: the most bytes of arrays; one that would exceed it is described instead of sent.
        callables: where to put callables, in order; None if they cannot travel in this direction.
        strict: refuse a value of a kind that cannot travel, instead of describing it.

    Raises:
        TypeError: if `strict`, for such a value. One that came out of an Unpacker never is.
    """

    def __init__(
        self, *, limit: int | None = None, callables: list[Callable[..., Any]] | None = None, strict: bool = False
    ) -> None:
        self.table: list[list[Any]] = []
        self.chunks: list[Any] = []
        self.size = 0
        self.carried = 0
        """The bytes of all arrays packed so far, each time that one was packed."""
        self._strict = strict
        self.limit = limit
        self._callables = callables
        self._seen: dict[int, tuple[int, Any]] = {}
        self._items = 0

    def pack(self, value: Any, depth: int = 0) -> Any:
        """The JSON form of one value; its arrays go to the table and the blob."""
        self._items += 1
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**64 else {"x": f"an int of {value.bit_length()} bits"}
        if kind is str:
            fits = self.limit is None or len(value) <= TEXT_LIMIT
            return value if fits else {"x": f"a string of {len(value)} characters"}
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.longdouble) and value.dtype.str not in DTYPES:
            return float(value)  # a number, of which only the value counts
        if isinstance(value, np.generic):
            packed = self._array(np.asarray(value))
            return {"s": packed["a"]} if "a" in packed else packed
        if isinstance(value, (list, tuple)) or (isinstance(value, dict) and all(type(key) is str for key in value)):
            if depth >= DEPTH_LIMIT:
                return {"x": f"a {kind.__name__} nested more than {DEPTH_LIMIT} deep"}
            if self.limit is not None and self._items + len(value) > ITEM_LIMIT:
                return {"x": f"a {kind.__name__} of {len(value)} items"}
            if isinstance(value, dict):
                return {"d": [[key, self.pack(held, depth + 1)] for key, held in value.items()]}
            items = [self.pack(item, depth + 1) for item in value]
            return items if isinstance(value, list) else {"t": items}
        if isinstance(value, (bool, int, float, str)):  # their subclasses, such as enumerations
            for plain in (bool, int, float, str):
                if isinstance(value, plain):
                    return self.pack(plain(value), depth)
        if self._callables is not None and callable(value):
            self._callables.append(value)
            return {"c": len(self._callables) - 1}
        if isinstance(value, Foreign):  # described already
            return {"x": value.description}
        if isinstance(value, Oversize):
            return {"x": f"an array of shape {value.shape}"}
        return self._foreign(kind.__name__[:200])

    def _foreign(self, description: str) -> dict[str, Any]:
        if self._strict:
            raise TypeError(f"{description} cannot be sent to a worker")
        return {"x": description}

    def _array(self, array: np.ndarray[Any, Any]) -> dict[str, Any]:
        self.carried += array.nbytes
        seen = self._seen.get(id(array))
        if seen is not None:
            return {"a": seen[0]}
        little = array.dtype
        code = _CODES.get(little)
        if code is None and little.kind in "iufc":
            little = little.newbyteorder("<")
            code = _CODES.get(little)
        if code is None:
            return self._foreign(f"an array of dtype {str(array.dtype)[:100]}")
        shape = list(array.shape)
        if not _travels(shape):
            return self._foreign(f"an array of shape {str(array.shape)[:100]}")
        if self.limit is not None and self.size + array.size * little.itemsize > self.limit:
            return {"big": [code, shape]}
        # .view drops subclasses: what travels is memory, whatever the object says of itself.
        plain = array if type(array) is np.ndarray else array.view(np.ndarray)
        if plain.nbytes <= _COPIED and plain.dtype == little:
            data: Any = plain.tobytes()
        else:
            dense = np.ascontiguousarray(plain, dtype=little)
            data = dense.reshape(-1).view(np.uint8).data if dense.size else b""
        index, size = len(self.table), len(data)
        self.table.append([code, shape, layout_of(array), not array.flags.writeable])
        self.chunks.append(data)
        self.size += size
        if size % 8:
            self.chunks.append(bytes(_padded(size)))
            self.size += _padded(size)
        self._seen[id(array)] = (index, array)
        return {"a": index}


# -- bytes to values ---------------------------------------------------------------------------------------------------


def laid_out(values: np.ndarray[Any, Any], layout: str, read_only: bool) -> np.ndarray[Any, Any]:
    """A fresh array with these values in this memory layout."""
    if layout == "F":
        array = np.array(values, order="F")
    elif layout == "strided" and values.ndim:
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), dtype=values.dtype)
        array = wide[..., ::2]
        array[...] = values
    elif layout == "reversed" and values.ndim:
        array = values[..., ::-1].copy()[..., ::-1]
    else:
        array = values.copy()
    if read_only:
        array.flags.writeable = False
    return array


class Unpacker:
    """Turns the JSON and the blob of one frame back into values.

    Args:
        table: the frame's array table.
        blob: the frame's bytes.
        make_callable: makes the callable for an index; None if they cannot travel in this direction.
        share: make an array that is referred to twice once, so that a short frame cannot ask for much memory.

    Raises:
        ProtocolError: if anything is not as the schema has it.
    """

    def __init__(
        self, table: Any, blob: Any, *, make_callable: Callable[[int], Any] | None = None, share: bool = False
    ) -> None:
        self._arrays: list[tuple[np.ndarray[Any, Any], str, bool]] = []
        self._shared: dict[int, np.ndarray[Any, Any]] | None = {} if share else None
        self._make_callable = make_callable
        if not isinstance(table, list):
            raise ProtocolError("the array table is not a list")
        offset = 0
        for entry in table:
            dtype, shape, layout, read_only, count, size = _entry(entry)
            if offset + size > len(blob):
                raise ProtocolError("the array table promises more bytes than came")
            flat = np.frombuffer(blob, dtype=dtype, count=count, offset=offset)
            if dtype.kind == "b":  # any other byte than 0 is true, and must not look like another value than 1
                flat = flat.view(np.uint8) != 0
            self._arrays.append((flat.reshape(shape), layout, read_only))
            offset += size + _padded(size)
        if offset != len(blob):
            raise ProtocolError("the array table and the bytes that came differ in length")

    def unpack(self, packed: Any, depth: int = 0) -> Any:
        """The value of its JSON form; its arrays are copies of the blob's bytes."""
        if type(packed) is dict and len(packed) == 1 and "a" in packed:  # most values are arrays
            held = packed["a"]
            if type(held) is int and 0 <= held < len(self._arrays) and depth <= DEPTH_LIMIT:
                return self._array(held)
        if packed is None or isinstance(packed, (bool, float, str)):
            return packed
        if isinstance(packed, int) and -(2**63) <= packed < 2**64:
            return packed
        if depth > DEPTH_LIMIT:
            raise ProtocolError("a value is nested too deeply")
        if isinstance(packed, list):
            return [self.unpack(item, depth + 1) for item in packed]
        if isinstance(packed, dict) and len(packed) == 1:
            tag, held = next(iter(packed.items()))
            if tag == "t" and isinstance(held, list):
                return tuple(self.unpack(item, depth + 1) for item in held)
            if tag == "d" and isinstance(held, list):
                return dict(self._pair(item, depth) for item in held)
            if tag == "s" and type(held) is int and 0 <= held < len(self._arrays):
                values = self._arrays[held][0]
                if values.ndim == 0:
                    return values[()]
            if tag == "x" and isinstance(held, str):
                return Foreign("".join(char if char.isprintable() else "?" for char in held[:300]))
            if tag == "big" and isinstance(held, list) and len(held) == 2:
                dtype, shape, *_ = _entry([*held, "C", False])
                return Oversize(dtype.name, shape)
            if tag == "c" and type(held) is int and self._make_callable is not None:
                return self._make_callable(held)
        raise ProtocolError("a value has a form that the schema does not know")

    def _array(self, index: int) -> np.ndarray[Any, Any]:
        if self._shared is None:
            return laid_out(*self._arrays[index])
        if index not in self._shared:
            self._shared[index] = laid_out(*self._arrays[index])
        return self._shared[index]

    def _pair(self, item: Any, depth: int) -> tuple[str, Any]:
        if not (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)):
            raise ProtocolError("an item of a dict is no pair")
        return item[0], self.unpack(item[1], depth + 1)


_Entry = tuple[np.dtype[Any], tuple[int, ...], str, bool, int, int]
"""dtype, shape, layout, whether it is read-only, how many numbers, how many bytes"""


def _entry(entry: Any) -> _Entry:
    if not (isinstance(entry, list) and len(entry) == 4):
        raise ProtocolError("an entry of the array table has not four parts")
    dtype, shape, layout, read_only = entry
    if not (isinstance(dtype, str) and dtype in DTYPES):
        raise ProtocolError("an array has a dtype that may not travel")
    if not (isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape) and _travels(shape)):
        raise ProtocolError("an array has no proper shape")
    if layout not in LAYOUTS or not isinstance(read_only, bool):
        raise ProtocolError("an array has no proper layout")
    count = math.prod(shape)
    return DTYPES[dtype], tuple(shape), layout, read_only, count, count * DTYPES[dtype].itemsize


# -- frames ------------------------------------------------------------------------------------------------------------


class Frame(NamedTuple):
    """One message: its kind, the nonce of the request that it belongs to, its JSON as it came, and its blob."""

    kind: int
    nonce: int
    text: bytearray
    blob: bytearray

    @property
    def body(self) -> dict[str, Any]:
        """Its JSON object, read when it is asked for.

        Raises:
            ProtocolError: if it is none.
        """
        try:
            body = json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise ProtocolError("a frame's JSON cannot be read") from error
        if not isinstance(body, dict):
            raise ProtocolError("a frame's JSON is not an object")
        return body


class Channel:
    """Sends and receives frames over a connected stream socket.

    Args:
        sock: the socket.
        wait: called before each read, so that its owner can keep deadlines and serve other streams; returns when
            the socket can be read, or raises.
    """

    def __init__(self, sock: socket.socket, *, wait: Callable[[], None] | None = None) -> None:
        self.sock = sock
        self._wait = wait
        self._buffer = bytearray()
        self._taken = 0
        self._fds: list[int] = []

    def send(
        self,
        kind: int,
        nonce: int,
        body: dict[str, Any] | bytes,
        chunks: Sequence[Any] = (),
        *,
        json_limit: int = REQUEST_JSON_LIMIT,
    ) -> None:
        """Send one frame; its JSON may be encoded already.

        Raises:
            TooLong: if its JSON is longer than the limit; nothing was sent.
            Closed: if the other side has gone.
            TimeoutError: if the socket has a timeout and the other side does not read.
        """
        text = body if isinstance(body, bytes) else encoded(body)
        if len(text) > json_limit:
            raise TooLong(f"{len(text):,} bytes of text are too many to send")
        size = sum(map(len, chunks))
        fd = _sealed(chunks) if size > INLINE_LIMIT and _HAS_MEMFD else None
        head = _HEADER.pack(MAGIC, kind, int(fd is not None), 0, len(text), nonce, size)
        try:
            if fd is None:
                self.sock.sendall(b"".join((head, text, *chunks)))
            else:
                socket.send_fds(self.sock, [head], [fd])
                self.sock.sendall(text)
        except ConnectionError as error:
            raise Closed from error
        finally:
            if fd is not None:
                os.close(fd)

    def receive(self, *, json_limit: int, blob_limit: int) -> Frame:
        """Receive one frame; nothing larger than the limits is ever read or allocated.

        Raises:
            ProtocolError: if what came does not begin like a frame, or is over the limits.
            Closed: if the other side has gone.
        """
        magic, kind, transport, zero, text_size, nonce, blob_size = _HEADER.unpack(self._take(_HEADER.size))
        if magic != MAGIC or zero or transport not in (0, 1):
            raise ProtocolError("the bytes do not begin like a frame")
        if text_size > json_limit or blob_size > blob_limit:
            raise ProtocolError(f"a frame of {text_size + blob_size:,} bytes is more than was asked for")
        text = self._take(text_size)
        blob = self._unsealed(blob_size) if transport else self._take(blob_size)
        return Frame(kind, nonce, text, blob)

    @property
    def idle(self) -> bool:
        """Whether nothing has been received beyond the last frame."""
        return len(self._buffer) == self._taken and not self._fds

    def close(self) -> None:
        """Close the socket and whatever files came with it."""
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()
        self.sock.close()

    def _take(self, size: int) -> bytearray:
        if len(self._buffer) == self._taken or self._taken > _READ:
            del self._buffer[: self._taken]  # not after each frame: what follows it would be moved each time
            self._taken = 0
        while len(self._buffer) - self._taken < size:
            if self._wait is not None:
                self._wait()
            try:
                if _HAS_MEMFD:
                    # Not socket.recv_fds: it drops its flags, and a child of the grader would inherit the files.
                    data, ancillary, _, _ = self.sock.recvmsg(_READ, _FILES_ROOM, socket.MSG_CMSG_CLOEXEC)
                    self._fds.extend(_files_in(ancillary))
                else:
                    data = self.sock.recv(_READ)
            except (BlockingIOError, InterruptedError):
                continue
            except ConnectionError as error:
                raise Closed from error
            if not data:
                raise Closed
            if len(self._fds) > FILES_LIMIT:
                raise ProtocolError("more files came than frames")
            self._buffer += data
        start = self._taken
        self._taken = start + size
        return self._buffer[start : self._taken]

    def _unsealed(self, size: int) -> bytearray:
        """The bytes of the memory file that came with the frame: copied here before anybody looks at them."""
        if not self._fds:
            raise ProtocolError("a frame's memory file did not come with it")
        fd = self._fds.pop(0)
        try:
            import fcntl

            # Only a memory file has seals; reading anything else could block, or be somebody else's.
            with contextlib.suppress(OSError):
                seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
                info = os.fstat(fd)
                if seals & fcntl.F_SEAL_SHRINK and stat.S_ISREG(info.st_mode) and info.st_size == size:
                    data = bytearray(size)
                    view = memoryview(data)
                    done = 0
                    while done < size and (count := os.preadv(fd, [view[done:]], done)):
                        done += count
                    if done == size:
                        return data
            raise ProtocolError("a frame's memory file is not what its header says")
        finally:
            os.close(fd)


def _files_in(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors among what came beside the bytes."""
    return [
        fd
        for level, kind, data in ancillary
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        for (fd,) in struct.iter_unpack("i", data[: len(data) // 4 * 4])
    ]


def _sealed(chunks: Sequence[Any]) -> int | None:
    """A memory file with these bytes that stays as long as it is; None if this process may not write one.

    It is not sealed against writing: who receives it copies it before looking, and the kernel may refuse that seal,
    after a long wait, while it happens to be moving one of the pages itself.
    """
    import fcntl

    fd = os.memfd_create("dlgrade", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(fd, "wb", closefd=False) as file:
            for chunk in chunks:
                file.write(chunk)
    except OSError:  # its limit for files; the socket takes as much, only slower
        os.close(fd)
        return None
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd
