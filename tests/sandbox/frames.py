"""What a worker may send: sound frames, mutated frames, frames by the grammar; and a reader that lets nothing pass.

A case is bytes, so that a fuzzer can write one, a file hold one and a test quote one: a byte for what the grader has
asked, a byte for how the answer arrives, and the answer.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import random
import re
import socket
import struct
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from dlgrade.sandbox import client, wire
from dlgrade.sandbox.calls import Call, Loaded, Raised, Returned
from dlgrade.sandbox.wire import Channel, Closed, Foreign, Oversize, Packer, ProtocolError
from dlgrade.text import visible
from hypothesis import strategies as st

READY, LOAD, CALL, CALL_AND_AFTER, CALL_AND_COST, CALL_WITH_CALLABLES = range(6)
NAMES = ("f", "f_backward")
CALLS = {
    CALL: Call("f", (np.zeros(3), 1)),
    CALL_AND_AFTER: Call("f", (np.zeros(3), 1), want_after=True),
    CALL_AND_COST: Call("f", (np.zeros(3), 1), measure="memory"),
    CALL_WITH_CALLABLES: Call("f", (len, np.zeros(3))),
}
BLOB_LIMIT = 1 << 16
"""The most bytes of arrays that the reader asks for here."""
FRAMES_PER_CASE = 4

PIECES = (1 << 18, 1, 7, 1000)
"""How many bytes arrive at a time."""
INTERRUPTED, RESET = 4, 8
"""Nothing has come yet when the reader looks; the connection is not closed but torn."""
NO_FILE, SEALED, UNSEALED, PIPE, LONGER, MANY, EMPTY, UNASKED = range(0, 128, 16)
"""The file that comes with the bytes: the blob's bytes in a sealed memory file, or what only looks like it."""


def header(
    *, magic: bytes = wire.MAGIC, kind: int = wire.RETURNED, transport: int = 0, zero: int = 0,
    text: int = 2, nonce: int = 7, blob: int = 0,
) -> bytes:  # fmt: skip
    """A frame's header, sound but for what is said."""
    return struct.pack("<4sBBHIQQ", magic, kind, transport, zero, text, nonce, blob)


# -- the reader --------------------------------------------------------------------------------------------------------


class Arriving:
    """A socket on which these bytes arrive, a piece at a time, with these files; then the other side has gone."""

    def __init__(
        self, data: bytes, files: list[int], *, piece: int = 1 << 18, interrupted: bool = False, reset: bool = False
    ):
        self._data = data
        self._at = 0
        self._files = files
        # Byte by byte is for short frames: a long one would only take long.
        self._piece = max(piece, len(data) // 100)
        self._interrupted = self._now = interrupted
        self._reset = reset

    def recvmsg(self, size: int, room: int = 0, flags: int = 0) -> tuple[bytes, list[Any], int, None]:
        if self._interrupted:
            self._now = not self._now
            if not self._now:
                raise BlockingIOError
        piece = self._data[self._at : self._at + min(size, self._piece)]
        self._at += len(piece)
        if not piece and self._reset:
            raise ConnectionResetError
        if not (piece and self._files and room):
            return piece, [], 0, None
        files, self._files = self._files, []
        return piece, [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", files).tobytes())], 0, None

    def recv(self, size: int) -> bytes:
        return self.recvmsg(size)[0]

    def sendall(self, data: Any) -> None:
        """What the reader says is not heard."""

    def sendmsg(self, buffers: Any, *_: Any) -> int:
        return sum(map(len, buffers))

    def close(self) -> None:
        for fd in self._files:
            os.close(fd)
        self._files = []


class _Session:
    """As much of a session as answers a callback."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def send(self, kind: int, nonce: int, body: dict[str, Any], chunks: Any = ()) -> None:
        self.channel.send(kind, nonce, body, chunks)

    def forgive(self, seconds: float) -> None:
        pass


def _memory_file(data: bytes, *, sealed: bool) -> int:
    import fcntl

    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    if data:
        os.write(fd, data)
    if sealed:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return fd


def _files(how: int, blob: bytes) -> list[int]:
    kind = how & 112
    if kind == NO_FILE or not wire._HAS_MEMFD:
        return []
    if kind == PIPE:
        reading, writing = os.pipe()
        os.close(writing)
        return [reading]
    if kind == MANY:
        return [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]
    if kind == EMPTY:
        return [_memory_file(b"", sealed=True)]
    return [_memory_file(blob + bytes(8) if kind == LONGER else blob, sealed=kind != UNSEALED)]


def arriving(case: bytes) -> Arriving:
    """The socket on which a case arrives."""
    how, data = case[1], case[2:]
    files: list[int] = []
    if how & 112 and wire._HAS_MEMFD:
        # As the header has it, what comes after the text is in the file.
        text = struct.unpack_from("<I", data, 8)[0] if len(data) >= 28 else 0
        inline = data if how & 112 == UNASKED else data[: 28 + text]
        files = _files(how, data[28 + text :])
        data = inline
    return Arriving(data, files, piece=PIECES[how & 3], interrupted=bool(how & INTERRUPTED), reset=bool(how & RESET))


def _echo(*values: Any) -> Any:
    """The callable that hands a stranger's values to everything that packs the grader's own."""
    return values[0] if len(values) == 1 else values


def _picky(*values: Any) -> Any:
    return values[0] @ values[1]


def _read_one(channel: Channel, asked: int, index: int) -> Any:
    if asked == READY:
        frame = channel.receive(json_limit=64, blob_limit=0)
        return "ready" if frame.kind == wire.READY else "not ready"
    if asked == LOAD:
        return client._loaded(channel.receive(json_limit=wire.JSON_LIMIT, blob_limit=0), NAMES)
    frame = channel.receive(json_limit=wire.JSON_LIMIT, blob_limit=BLOB_LIMIT)
    if frame.kind == wire.CALLBACK:
        client._answer(_Session(channel), frame, [_echo, _picky] if asked == CALL_WITH_CALLABLES else [])
        return "answered"
    return client._replied(frame, index, CALLS[asked])


class Surprise(AssertionError):
    """A case did what no bytes may do."""


def most_memory(case: bytes) -> int:
    """The bytes of memory that reading a case may take: the dearest JSON takes 50 times its text."""
    return 64 * len(case) + (1 << 20)


def read(case: bytes, *, sock: Any = None) -> list[str]:
    """What comes of a case, an outcome for each of its frames.

    Args:
        case: the case.
        sock: where its bytes arrive, if not on a socket of their own.

    Raises:
        Surprise: if a value is larger than what arrived allows, or text that is not safe to show came through.
        Exception: whatever else comes out of the reader; it is no less a surprise.
    """
    if len(case) < 2:
        return []
    asked = case[0] % 6
    channel = Channel(sock or arriving(case))
    outcomes = []
    try:
        for index in range(FRAMES_PER_CASE):
            try:
                reply = _read_one(channel, asked, index)
            except ProtocolError as error:
                if not str(error):
                    raise Surprise("a refusal says nothing") from error
                outcomes.append("refused: " + re.sub(r"\d[\d,]*", "N", str(error)))
                break
            except Closed:
                outcomes.append("gone")
                break
            if isinstance(reply, str):
                outcomes.append(reply)
            else:
                judge(reply, len(case))
                outcomes.append(type(reply).__name__.lower())
    finally:
        channel.close()
    return outcomes


# -- what may come out -------------------------------------------------------------------------------------------------


def judge(reply: Any, arrived: int) -> None:
    """Refuse a reply that is more than `arrived` bytes can tell, or that holds what no reply may."""
    if isinstance(reply, Returned):
        if not (reply.cost is None or (type(reply.cost) is int and 0 <= reply.cost < 2**62)):
            raise Surprise(f"a cost of {reply.cost!r}")
        weight = _Weight()
        weight.add(reply.value, 0)
        if reply.after is not None:
            for value in reply.after:
                weight.add(value, 0)
        # A value takes a character at the least, and a strided array twice its bytes.
        if weight.items > arrived or weight.characters > arrived or weight.bytes > 2 * arrived:
            raise Surprise(f"{arrived} bytes became {vars(weight)}")
    elif isinstance(reply, Raised):
        if not 1 <= len(reply.kinds) <= 10 or len(reply.frames) > 20:
            raise Surprise("an exception has too many parts")
        for text in (*reply.kinds, reply.message, *(part for f in reply.frames for part in (f.function, f.text))):
            _is_safe(text)
        if any(type(frame.line) is not int for frame in reply.frames):
            raise Surprise("a line's number is none")
    elif isinstance(reply, Loaded):
        if set(reply.defines) != set(NAMES) or len(reply.others) > 100:
            raise Surprise("what was loaded is not what was asked for")
        for found in reply.defines.values():
            for parameter in () if found is None or isinstance(found, str) else found:
                _is_safe(parameter.name)
                _is_safe(parameter.kind)
                if type(parameter.has_default) is not bool:
                    raise Surprise("a parameter has half a default")
            if isinstance(found, str):
                _is_safe(found)
        for text in reply.others:
            _is_safe(text)
    else:
        raise Surprise(f"a reply is a {type(reply).__name__}")


def _is_safe(text: Any) -> None:
    # An escape takes ten characters at the most.
    if type(text) is not str or len(text) > 10 * 1000 + 100 or visible(text, limit=len(text)) != text:
        raise Surprise(f"text that is not safe to show: {str(text)[:100]!r}")


class _Weight:
    def __init__(self) -> None:
        self.items = self.characters = self.bytes = 0
        self._seen: set[int] = set()

    def add(self, value: Any, depth: int) -> None:
        self.items += 1
        if depth > wire.DEPTH_LIMIT + 1:
            raise Surprise("a value is nested deeper than the limit")
        kind = type(value)
        if kind is str:
            self.characters += len(value)
        elif kind is Foreign:
            if not value.description.isprintable() or len(value.description) > 300:
                raise Surprise(f"a description that is not safe to show: {value.description!r}")
        elif kind is list or kind is tuple:
            for item in value:
                self.add(item, depth + 1)
        elif kind is dict:
            for key, item in value.items():
                self.characters += len(key)
                self.add(item, depth + 1)
        elif kind is np.ndarray:
            base = value if value.base is None else value.base
            if id(base) in self._seen:
                return
            self._seen.add(id(base))
            self.bytes += base.nbytes
            if value.dtype.str not in wire.DTYPES or not value.dtype.isnative:
                raise Surprise(f"an array of dtype {value.dtype}")
            if value.dtype.kind == "b" and (value.view(np.uint8) > 1).any():
                raise Surprise("a truth value is neither 0 nor 1")
        elif isinstance(value, np.generic):
            self.bytes += value.nbytes
            if value.dtype.str not in wire.DTYPES:
                raise Surprise(f"a scalar of dtype {value.dtype}")
        elif kind is int:
            if not -(2**63) <= value < 2**64:
                raise Surprise("an int over 64 bits")
        elif not (value is None or kind in (bool, float, Oversize)):
            raise Surprise(f"a value of type {kind.__name__}")


# -- sound frames, and mutations of them -------------------------------------------------------------------------------

_generator = np.random.default_rng(0)
ARRAYS = [
    wire.laid_out((3 * _generator.normal(size=shape)).astype(code), layout, False)
    for shape in [(), (0,), (3,), (2, 3), (2, 0, 3)]
    for code in ("f4", "f8", "i2", "?", "c16")
    for layout in wire.LAYOUTS
]

NASTY: list[Any] = [
    None, True, -1, 0, 1, 1.0, 2**31, 2**62, 2**63, 2**64, -(2**63) - 1, 10**400, 1e999, math.nan, "", "x", "\ud800",
    "\x1b]8;;x\x07\u202e\u2028", "y" * 5000, [], {}, [[]], [[[[]]]], {"a": 0}, {"a": 1}, {"a": 10**6}, {"a": -1},
    {"a": True}, {"s": 0}, {"t": []}, {"t": [{"t": [{"a": 0}]}]}, {"d": [["k", {"a": 0}]]}, {"d": [["k", 1], ["k", 2]]},
    {"x": "y"}, {"x": "\x1b[2J" * 100}, {"big": ["<f8", [2]]}, {"big": ["<f8", [2**47]]}, {"c": 0}, [-1],
    [2**47, 2**47], [0, 2**47], [0, 2**40, 2**40], [1] * 32, [1] * 33, [0] * 32, "O", "<f8", "|b1", "<c16", ">f8", "F",
    "strided", "reversed", ["<f8", [1], "C", False], [["|b1", [8], "reversed", True]],
]  # fmt: skip

DEAR: list[tuple[Any, Any]] = [
    ([], None), ({}, None), ({"t": []}, None), ({"d": []}, None), ({"x": "\u202e"}, None), ("\u0663", None),
    (10**18, None), (1e-320, None), ({"a": 0}, ["<f8", [0], "F", False]), ({"s": 0}, ["<f8", [], "C", False]),
    ({"big": ["<f8", [0] * 32]}, None), (None, ["|u1", [0], "reversed", True]), (None, ["<c16", [0] * 32, "F", True]),
    (None, ["<f8", [2**47], "C", True]), ([3, "f", "\x1b"], None), ({"d": [["\ud800", [[[[]]]]]]}, None),
]  # fmt: skip
"""Short values, and short entries of the table, that cost the most for their length."""


def _sound(draw: random.Random) -> tuple[int, int, dict[str, Any], bytes]:
    """What was asked, and the kind, the JSON object and the blob of a sound answer."""
    asked = draw.choice((CALL, CALL, CALL_AND_AFTER, CALL_AND_AFTER, CALL_AND_COST, CALL_WITH_CALLABLES, LOAD, READY))
    if asked == READY:
        return asked, wire.READY, {}, b""
    if draw.random() < 0.2:
        frames = [[3, "f", "return x"], [7, "g", "\x1b[31m"]][: draw.randrange(3)]
        kinds = ["ValueError", "Exception", "object"][: draw.randrange(1, 4)]
        return asked, wire.RAISED, {"index": 0, "kinds": kinds, "message": "no", "frames": frames}, b""
    if asked == LOAD:
        parameters = [["x", "POSITIONAL_OR_KEYWORD", False], ["axis", "KEYWORD_ONLY", True]][: draw.randrange(3)]
        defines = {"f": parameters, "f_backward": draw.choice([None, "int", parameters[:1]])}
        return asked, wire.LOADED, {"defines": defines, "others": ["g", "h"]}, b""
    packer = Packer(limit=1 << 12)
    one, two, three = draw.sample(ARRAYS, 3)
    value = draw.choice(
        [one, [one, two, three], (one, two), {"w": two, "n": 3}, [1.5, "s", None], two[()], iter(()), [[one], [one]]]
    )
    if asked == CALL_WITH_CALLABLES and draw.random() < 0.7:
        arguments = [packer.pack(item) for item in (value, three)[: draw.randrange(1, 3)]]
        body: dict[str, Any] = {"callable": draw.randrange(2), "args": arguments, "table": packer.table}
        return asked, wire.CALLBACK, body, b"".join(packer.chunks)
    after = [packer.pack(three), None] if asked == CALL_AND_AFTER else None
    body = {"index": 0, "value": packer.pack(value), "after": after, "cost": None, "table": packer.table}
    if asked == CALL_AND_COST:
        body["cost"] = draw.randrange(10**6)
    return asked, wire.RETURNED, body, b"".join(packer.chunks)


def _put_a_nasty_part(draw: random.Random, body: dict[str, Any]) -> None:
    """Replace, remove, repeat or wrap one part of the object, at any depth."""
    place: Any = body
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return
        key = draw.choice(keys)
        if isinstance(place[key], (dict, list)) and draw.random() < 0.7:
            place = place[key]
            continue
        act = draw.randrange(6)
        if act == 0:
            del place[key]
        elif act == 1 and isinstance(place, list):
            place[key:key] = [place[key]] * draw.choice((1, 1, 30))
        elif act == 2:
            for _ in range(draw.choice((1, 1, wire.DEPTH_LIMIT, 40))):
                place[key] = draw.choice(([place[key]], {"t": [place[key]]}, {"d": [["k", place[key]]]}))
        else:
            place[key] = copy.deepcopy(draw.choice(NASTY))
        return


def _swell(draw: random.Random, body: dict[str, Any]) -> None:
    """Make the object as long as a frame's text may be, of one part that is dear for its length."""
    part, entry = draw.choice(DEAR)
    if entry is not None:
        count = wire.JSON_LIMIT // (len(json.dumps(entry, separators=(",", ":"))) + 1)
        body["table"] = [entry] * (count - 20 if part is None else 1)
    if part is not None:
        count = wire.JSON_LIMIT // (len(json.dumps(part, separators=(",", ":"))) + 1) - 50
        body[draw.choice(("value", "args", "after", "others", "frames", "kinds"))] = [part] * count


def mutated(draw: random.Random, *, dear: float = 0.0) -> bytes:
    """A case: a sound answer, of which most often something is wrong.

    Args:
        draw: where chance comes from.
        dear: how many of the cases are as long as they may be.
    """
    if draw.random() < 0.02:
        return bytes([draw.randrange(256), draw.randrange(256)]) + draw.randbytes(draw.randrange(200))
    asked, kind, body, blob = _sound(draw)
    for _ in range(draw.choice((0, 1, 1, 2))):
        _put_a_nasty_part(draw, body)
    if dear and draw.random() < dear:
        _swell(draw, body)
    text = json.dumps(body, separators=(",", ":")).encode(
        draw.choice(("utf-16", "utf-32", "utf-8-sig")) if draw.random() < 0.01 else "utf-8"
    )
    how, transport = 0, 0
    if draw.random() < 0.1:
        how = draw.randrange(128)
        transport = int(how & 112 in (SEALED, UNSEALED, PIPE, LONGER, EMPTY))
    if draw.random() < 0.01:
        transport = 1 - transport
    if draw.random() < 0.03:
        asked = draw.randrange(6)
    if draw.random() < 0.03:
        kind = draw.randrange(256)
    data = bytearray(header(kind=kind, transport=transport, text=len(text), blob=len(blob)) + text + blob)
    if draw.random() < 0.05:
        data *= 2  # as if it had been asked twice
    for _ in range(draw.choice((0, 0, 0, 1, 3))):
        _spoil(draw, data)
    return bytes((asked, how)) + bytes(data)


def _spoil(draw: random.Random, data: bytearray) -> None:
    """Change some bytes, in the header as often as behind it."""
    if not data:
        return
    act = draw.randrange(6)
    at = draw.randrange(min(28, len(data)) if draw.random() < 0.3 else len(data))
    if act == 0:
        data[at] = draw.randrange(256)
    elif act == 1:
        data[at] ^= 1 << draw.randrange(8)
    elif act == 2:
        del data[at : at + draw.choice((1, 8, 1000))]
    elif act == 3:
        data[at:at] = draw.randbytes(draw.choice((1, 8, 100)))
    elif act == 4:
        data[at : at + 1] = draw.choice(
            (b"[", b"]", b"{", b"}", b'"', b"\\", b",", b"\\ud800", b"1e400", b"NaN", b"\0")
        )
    else:
        number = draw.choice((0, 1, 64, 65, BLOB_LIMIT, BLOB_LIMIT + 1, wire.JSON_LIMIT, 2**31, 2**32 - 1))
        place = draw.choice((8, 12, 20))
        if len(data) >= 28:
            struct.pack_into("<I", data, place, number)


# -- frames by the grammar ---------------------------------------------------------------------------------------------

_numbers = st.sampled_from([0, 1, 2, 3, 8, -1, 2**31, 2**47, 2**48, 2**63, 2**64]) | st.integers()
_codes = st.sampled_from([*wire.DTYPES, "O", ">f8", "<U1", "f8", ""])
_shapes = st.lists(st.integers(0, 4) | _numbers, max_size=4)
_entries = st.tuples(_codes, _shapes, st.sampled_from([*wire.LAYOUTS, "D"]), st.booleans()).map(list)
_tables = st.lists(_entries | st.sampled_from(NASTY), max_size=4)
_leaves = (
    st.none() | st.booleans() | _numbers | st.floats() | st.text(st.characters(), max_size=8) | st.sampled_from(NASTY)
    | st.builds(lambda tag, index: {tag: index}, st.sampled_from("asct"), st.integers(0, 3))
    | st.builds(lambda code, shape: {"big": [code, shape]}, _codes, _shapes)
    | st.builds(lambda text: {"x": text}, st.text(st.characters(), max_size=8))
)  # fmt: skip
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(lambda items: {"t": items})
        | st.lists(st.tuples(st.text(max_size=3), inner).map(list), max_size=3).map(lambda pairs: {"d": pairs})
        | st.dictionaries(st.sampled_from(["a", "s", "t", "d", "x", "big", "c"]), inner, max_size=2)
    ),
    max_leaves=10,
)
_indices = st.just(0) | _numbers
_bodies = (
    st.fixed_dictionaries(
        {"index": _indices, "value": _values, "after": st.none() | st.lists(_values, min_size=2, max_size=2) | _values,
         "cost": st.none() | _numbers, "table": _tables}
    )
    | st.fixed_dictionaries({"callable": _indices, "args": st.lists(_values, max_size=3), "table": _tables})
    | st.fixed_dictionaries(
        {"index": _indices, "kinds": st.lists(st.text(max_size=4) | _leaves, max_size=12),
         "message": st.text(st.characters()) | _leaves,
         "frames": st.lists(st.tuples(_numbers, st.text(max_size=4), st.text(max_size=4)).map(list) | _values,
                            max_size=22)}
    )
    | st.fixed_dictionaries(
        {"defines": st.fixed_dictionaries(
            dict.fromkeys(NAMES, st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.booleans()).map(list),
                                          max_size=3) | _leaves)),
         "others": st.lists(st.text(max_size=4) | _leaves, max_size=5)}
    )
    | st.dictionaries(st.text(max_size=5), _values, max_size=3)
    | _values
)  # fmt: skip


def _promised(body: Any) -> int:
    """The bytes of the blob that a table asks for, where it is sound enough to tell."""
    size = 0
    with contextlib.suppress(Exception):
        for code, shape, _, _ in body["table"]:
            count = math.prod(shape) * wire.DTYPES[code].itemsize
            size += count + -count % 8
    return size if 0 <= size <= BLOB_LIMIT else 0


@st.composite
def cases(draw: Callable[..., Any]) -> bytes:
    """Cases by the grammar of frames: any header, JSON of about the right form, a blob about long enough."""
    asked = draw(st.integers(0, 5))
    how = draw(st.just(0) | st.integers(0, 127))
    body = draw(_bodies)
    text = draw(st.just(json.dumps(body).encode()) | st.binary(max_size=40))
    blob = bytes(max(0, _promised(body) + draw(st.sampled_from([0, 0, 0, 0, -1, 1, 8]))))
    if blob and draw(st.booleans()):
        blob = draw(st.binary(min_size=1, max_size=16)) + blob[16:]
    right = {READY: wire.READY, LOAD: wire.LOADED}.get(asked, wire.RETURNED)
    kind = draw(st.sampled_from([right, right, wire.RAISED, wire.CALLBACK]) | st.integers(0, 255))
    exact = draw(st.sampled_from([True, True, True, False]))
    head = header(
        kind=kind,
        transport=draw(st.sampled_from([0, 1])) if how & 112 else 0,
        text=len(text) if exact else draw(st.integers(0, 2**32 - 1)),
        blob=len(blob) if exact else draw(st.integers(0, 2**64 - 1)),
    )
    data = head + text + blob
    return bytes((asked, how)) + (data if exact else data[: draw(st.integers(0, len(data)))])


def steps(count: int, seed: int, *, dear: float = 0.0) -> Iterator[bytes]:
    """That many mutated cases, always the same ones for a seed."""
    draw = random.Random(seed)
    for _ in range(count):
        yield mutated(draw, dear=dear)


def remade(draw: random.Random, case: bytes) -> bytes:
    """A case with one more nasty part in its JSON, and a header that tells the new length; another if it has none."""
    with contextlib.suppress(ValueError, RecursionError, struct.error):
        _, kind, transport, _, size, nonce, _ = struct.unpack_from("<4sBBHIQQ", case, 2)
        body = json.loads(case[30 : 30 + size])
        if isinstance(body, dict):
            _put_a_nasty_part(draw, body)
            text, blob = json.dumps(body, separators=(",", ":")).encode(), case[30 + size :]
            head = header(kind=kind, transport=transport & 1, text=len(text), nonce=nonce, blob=len(blob))
            return case[:2] + head + text + blob
    return mutated(draw)
