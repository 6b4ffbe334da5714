"""The wire: every value that may travel arrives as it was, and nothing else gets past the reader."""

from __future__ import annotations

import errno
import json
import math
import os
import socket
import struct
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dlgrade.sandbox import wire
from dlgrade.sandbox.wire import Channel, Closed, Foreign, Oversize, Packer, ProtocolError, Unpacker
from frames import header
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from processes import linux_only
from sandbox_targets import needs_memfd, open_files

often = settings(max_examples=150, deadline=None, database=None, derandomize=True)
JSON, BLOB = 1 << 16, 1 << 16
"""The limits that frames are read with here."""


# -- values there and back ---------------------------------------------------------------------------------------------


def through(value: Any, *, packer: Packer | None = None, **options: Any) -> Any:
    """A value after its way through bytes."""
    packer = packer or Packer()
    body = json.loads(json.dumps({"value": packer.pack(value), "table": packer.table}))
    return Unpacker(body["table"], bytearray(b"".join(packer.chunks)), **options).unpack(body["value"])


def same(one: Any, other: Any) -> bool:
    """Whether two values are alike in type, structure and every bit; a NaN is like another."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (np.ndarray, np.generic)):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)
    return bool(one == other)


arrays = hnp.arrays(
    st.sampled_from(list(wire.DTYPES.values())), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
)
laid_out = st.builds(wire.laid_out, arrays, st.sampled_from(wire.LAYOUTS), st.booleans())
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
scalars = st.builds(lambda array: array.reshape(-1)[0], arrays.filter(lambda array: array.size > 0))
values = st.recursive(
    plain | laid_out | scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@often
@given(values)
def test_every_kind_of_value_arrives_as_it_was(value: Any) -> None:
    assert same(through(value), value)
    assert same(through(value, packer=Packer(limit=1 << 20), share=True), value)


@often
@given(laid_out)
def test_an_array_keeps_its_layout_and_whether_it_may_be_written(array: Any) -> None:
    found = through(array)
    assert found.flags.writeable == array.flags.writeable
    assert wire.layout_of(found) == wire.layout_of(array)
    assert found.flags.c_contiguous == array.flags.c_contiguous
    assert found.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize("layout", wire.LAYOUTS)
def test_each_layout_is_what_its_name_says(layout: str) -> None:
    values = np.arange(6.0).reshape(2, 3)
    array = wire.laid_out(values, layout, False)
    assert np.array_equal(array, values)
    expected = {"C": (24, 8), "F": (8, 16), "strided": (48, 16), "reversed": (24, -8)}
    assert array.strides == expected[layout]
    assert not np.shares_memory(array, values)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, -0.0, np.float32(-0.0), np.array([math.nan, -math.inf, -0.0])]
)
def test_what_is_no_ordinary_number_arrives_too(value: Any) -> None:
    assert same(through(value), value)


@pytest.mark.parametrize("code", [">f8", ">i4", ">u2", ">c16", ">f2"])
def test_big_endian_arrays_arrive_with_the_same_values(code: str) -> None:
    array = np.array([[1, 2], [3, 400]]).astype(code)
    found = through(array)
    assert found.dtype == array.dtype.newbyteorder("<")
    assert np.array_equal(found, array)


def test_a_subclass_travels_as_what_it_holds() -> None:
    class Liar(np.ndarray):
        def __eq__(self, other: object) -> Any:
            return True

    found = through(np.zeros(3).view(Liar))
    assert type(found) is np.ndarray
    assert type(through(np.ma.masked_array([1.0, 2.0], mask=[True, False]))) is np.ndarray


def test_a_repeated_array_is_sent_once() -> None:
    array = np.arange(1000.0)
    packer = Packer()
    packer.pack([array, array])
    assert len(packer.table) == 1
    assert packer.carried == 2 * array.nbytes


def test_repeated_arrays_are_copies_of_their_own_unless_they_are_to_be_shared() -> None:
    array = np.arange(3.0)
    one, other = through([array, array])
    assert not np.shares_memory(one, other)
    one, other = through([array, array], share=True)
    assert one is other


def test_many_references_to_one_array_take_the_memory_of_one() -> None:
    blob = bytearray(1 << 16)
    packed = [{"a": 0}] * 20_000
    tracemalloc.start()
    try:
        Unpacker([["<f8", [1 << 13], "strided", False]], blob, share=True).unpack(packed)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (iter([1]), "list_iterator"),
        ((i for i in range(3)), "generator"),
        ({1, 2}, "set"),
        (len, "builtin_function_or_method"),
        (object(), "object"),
        ({1: 2}, "dict"),
        (b"bytes", "bytes"),
        (1j, "complex"),
        (np.array([object()]), "an array of dtype object"),
        (np.array(["text"]), "an array of dtype <U4"),
        (np.array([b"text"]), "an array of dtype |S4"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "an array of dtype datetime64[D]"),
        (np.zeros(2, dtype=[("a", "f4"), ("b", "f4")]), "an array of dtype [('a', '<f4'), ('b', '<f4')]"),
        (np.zeros(2, dtype=np.longdouble), f"an array of dtype {np.dtype(np.longdouble)}"),
        (np.zeros((1,) * 33), f"an array of shape {(1,) * 33}"[:115]),
        (np.zeros((0, 2**50)), f"an array of shape (0, {2**50})"),
        (2**64, "an int of 65 bits"),
        (-(2**63) - 1, "an int of 64 bits"),
        ("x" * (wire.TEXT_LIMIT + 1), f"a string of {wire.TEXT_LIMIT + 1} characters"),
        ([0] * (wire.ITEM_LIMIT + 1), f"a list of {wire.ITEM_LIMIT + 1} items"),
        (dict.fromkeys(map(str, range(wire.ITEM_LIMIT + 1))), f"a dict of {wire.ITEM_LIMIT + 1} items"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_travel_is_described(value: Any, described: str) -> None:
    found = through(value, packer=Packer(limit=1 << 20))
    assert isinstance(found, Foreign)
    assert found.description.startswith(described)


def test_a_value_nested_without_end_is_described() -> None:
    endless: list[Any] = []
    endless.append(endless)
    found = through(endless, packer=Packer(limit=1 << 20))
    for _ in range(wire.DEPTH_LIMIT):
        (found,) = found
    assert isinstance(found, Foreign)


def test_an_array_over_the_limit_is_described_with_its_shape() -> None:
    assert through(np.zeros((1000, 3), dtype=np.float32), packer=Packer(limit=11_999)) == Oversize("float32", (1000, 3))
    assert through(np.zeros((1000, 3), dtype=np.float32), packer=Packer(limit=12_000)).shape == (1000, 3)


def test_the_limit_is_for_all_arrays_together() -> None:
    packed = through([np.zeros(100), np.zeros(100), np.zeros(1)], packer=Packer(limit=1000))
    assert [type(item) for item in packed] == [np.ndarray, Oversize, np.ndarray]


def test_the_trusted_side_sends_long_texts_and_refuses_what_it_cannot_send() -> None:
    assert through("x" * 500_000, packer=Packer(strict=True)) == "x" * 500_000
    for value in (object(), {1, 2}, np.array([object()])):
        with pytest.raises(TypeError, match="cannot be sent"):
            Packer(strict=True).pack([value])
    # What a submission returned may go back to it, whatever it was.
    for value in (Foreign("generator"), Oversize("float64", (10**6,))):
        assert isinstance(through(value, packer=Packer(strict=True)), Foreign)


def test_callables_travel_by_number_where_they_may() -> None:
    callables: list[Callable[..., Any]] = []
    packed = Packer(callables=callables).pack([len, np.exp])
    assert packed == [{"c": 0}, {"c": 1}]
    assert callables == [len, np.exp]
    assert Unpacker([], b"", make_callable=lambda index: f"callable {index}").unpack(packed[1]) == "callable 1"


def test_a_description_is_bounded_and_has_nothing_a_terminal_obeys() -> None:
    found = Unpacker([], b"").unpack({"x": "\x1b[31m\u202e" + "x" * 10_000})
    assert found.description.startswith("?[31m?xxx")
    assert len(found.description) == 300


# -- the closed schema -------------------------------------------------------------------------------------------------

F8 = ["<f8", [2], "C", False]


@pytest.mark.parametrize(
    "value",
    [
        {"z": 0},
        {"a": 0, "s": 0},
        {},
        {"a": 1},
        {"a": -1},
        {"a": True},
        {"a": 0.0},
        {"a": "0"},
        {"a": None},
        {"s": 0},  # two elements are no scalar
        {"s": 1},
        {"t": 0},
        {"t": {"a": 0}},
        {"d": {}},
        {"d": [[1, 2]]},
        {"d": [["key"]]},
        {"d": [["key", 1, 2]]},
        {"d": ["ab"]},
        {"x": 1},
        {"x": None},
        {"big": ["<f8"]},
        {"big": ["O", [1]]},
        {"big": ["<f8", [-1]]},
        {"c": 0},  # nothing that a worker says is called
        2**64,
        -(2**63) - 1,
        [[{"z": 0}]],
    ],
    ids=repr,
)
def test_a_value_of_another_form_is_refused(value: Any) -> None:
    unpacker = Unpacker([F8], bytearray(16))
    with pytest.raises(ProtocolError):
        unpacker.unpack(value)


def test_a_value_nested_too_deeply_is_refused() -> None:
    value: Any = 0
    for _ in range(wire.DEPTH_LIMIT + 2):
        value = {"t": [value]}
    with pytest.raises(ProtocolError, match="nested"):
        Unpacker([], b"").unpack(value)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (["O", [2], "C", False], "dtype"),
        (["|O", [2], "C", False], "dtype"),
        (["<U1", [2], "C", False], "dtype"),
        (["<V8", [2], "C", False], "dtype"),
        (["<f16", [1], "C", False], "dtype"),
        ([">f8", [2], "C", False], "dtype"),
        (["f8", [2], "C", False], "dtype"),
        ([["<f8"], [2], "C", False], "dtype"),
        (["<f8", [-2], "C", False], "shape"),
        (["<f8", [-1, -2], "C", False], "shape"),
        (["<f8", [2.0], "C", False], "shape"),
        (["<f8", [True, True], "C", False], "shape"),
        (["<f8", 2, "C", False], "shape"),
        (["<f8", [1] * 33, "C", False], "shape"),
        (["<f8", [2**62], "C", False], "shape"),
        (["<f8", [0, 2**40, 2**40], "C", False], "shape"),
        (["<f8", [2**32, 2**32], "C", False], "shape"),
        (["<f8", [2], "D", False], "layout"),
        (["<f8", [2], 0, False], "layout"),
        (["<f8", [2], ["C"], False], "layout"),
        (["<f8", [2], "C", 0], "layout"),
        (["<f8", [2], "C"], "parts"),
        (["<f8", [2], "C", False, 0], "parts"),
        ("<f8", "parts"),
        (None, "parts"),
    ],
)
def test_an_entry_of_the_table_of_another_form_is_refused(entry: Any, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        Unpacker([entry], bytearray(16))


@pytest.mark.parametrize("layout", wire.LAYOUTS)
@pytest.mark.parametrize("shape", [[0, 2**47], [2**47, 0], [0, 0], [0]])
def test_an_empty_array_may_have_any_shape_that_numpy_holds(layout: str, shape: list[int]) -> None:
    found = Unpacker([["<c16", shape, layout, False]], b"").unpack({"a": 0})
    assert found.shape == tuple(shape)


@pytest.mark.parametrize("table", [None, {}, "[]", 0, {"0": F8}])
def test_a_table_that_is_no_list_is_refused(table: Any) -> None:
    with pytest.raises(ProtocolError, match="not a list"):
        Unpacker(table, b"")


@pytest.mark.parametrize(
    ("table", "size", "says"),
    [
        ([F8], 15, "more bytes than came"),
        ([F8], 8, "more bytes than came"),
        ([F8], 0, "more bytes than came"),
        ([F8, F8], 16, "more bytes than came"),
        ([["<f8", [1 << 20, 1 << 20], "C", False]], 16, "more bytes than came"),
        ([F8], 24, "differ in length"),
        ([], 8, "differ in length"),
        ([["|u1", [3], "C", False]], 3, "differ in length"),  # the padding is part of it
    ],
)
def test_a_table_that_lies_about_the_bytes_is_refused(table: Any, size: int, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        Unpacker(table, bytearray(size))


# -- frames ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Channel]]:
    """Somebody's raw end, and the reader's channel; a reader that waits longer than 5 s fails."""
    theirs, ours = socket.socketpair()
    ours.settimeout(5)
    channel = Channel(ours)
    yield theirs, channel
    theirs.close()
    channel.close()


def receive(channel: Channel) -> wire.Frame:
    return channel.receive(json_limit=JSON, blob_limit=BLOB)


@pytest.mark.parametrize("size", [0, 1, 1000, wire.INLINE_LIMIT, wire.INLINE_LIMIT + 1, 3_000_000])
def test_a_frame_arrives_whole_inline_or_by_memory_file(ends: tuple[socket.socket, Channel], size: int) -> None:
    theirs, channel = ends
    data = np.random.default_rng(0).bytes(size)
    body = {"value": [1, None, "text"], "nan": math.nan}
    sender = threading.Thread(
        target=Channel(theirs).send, args=(wire.RETURNED, 2**64 - 1, body, [data[:10], data[10:]])
    )
    sender.start()
    frame = channel.receive(json_limit=JSON, blob_limit=size)
    sender.join()
    assert (frame.kind, frame.nonce, bytes(frame.blob)) == (wire.RETURNED, 2**64 - 1, data)
    assert frame.body["value"] == body["value"]
    assert math.isnan(frame.body["nan"])
    assert channel.idle


def test_frames_that_come_together_are_taken_one_by_one(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    sender = Channel(theirs)
    for nonce in range(5):
        sender.send(wire.RETURNED, nonce, {"n": nonce}, [bytes([nonce]) * 10])
    for nonce in range(5):
        frame = receive(channel)
        assert (frame.nonce, frame.body, bytes(frame.blob)) == (nonce, {"n": nonce}, bytes([nonce]) * 10)
        assert channel.idle == (nonce == 4)


@needs_memfd
def test_large_frames_that_come_together_keep_their_own_files(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    sender = Channel(theirs)
    for nonce in range(4):
        sender.send(wire.RETURNED, nonce, {}, [bytes([nonce]) * 400_000])
    for nonce in range(4):
        assert channel.receive(json_limit=JSON, blob_limit=400_000).blob == bytes([nonce]) * 400_000


@needs_memfd
def test_a_memory_file_that_may_not_be_written_goes_inline(
    ends: tuple[socket.socket, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, channel = ends
    monkeypatch.setattr(wire, "_sealed", lambda chunks: None)
    sender = threading.Thread(target=Channel(theirs).send, args=(wire.RETURNED, 1, {}, [bytes(1_000_000)]))
    sender.start()
    assert len(channel.receive(json_limit=JSON, blob_limit=1_000_000).blob) == 1_000_000
    sender.join()


@needs_memfd
def test_no_seal_is_asked_for_that_the_kernel_may_be_too_busy_for(
    ends: tuple[socket.socket, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses to seal against writing while it holds a page itself, to compact memory for example."""
    import fcntl

    asked = fcntl.fcntl

    def busy(fd: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_ADD_SEALS and argument & fcntl.F_SEAL_WRITE:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return asked(fd, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", busy)
    theirs, channel = ends
    Channel(theirs).send(wire.RETURNED, 1, {}, [b"." * 1_000_000])
    assert channel.receive(json_limit=JSON, blob_limit=1_000_000).blob == b"." * 1_000_000


def test_a_frame_with_too_much_text_is_not_sent_at_all(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    with pytest.raises(wire.TooLong):
        Channel(theirs).send(wire.RETURNED, 1, {"value": "x" * 1000}, json_limit=1000)
    Channel(theirs).send(wire.RETURNED, 2, {})
    assert receive(channel).nonce == 2


def test_whoever_has_gone_is_noticed(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    theirs.sendall(header()[:10])
    theirs.close()
    with pytest.raises(Closed):
        receive(channel)
    with pytest.raises(Closed):
        channel.send(wire.CALL, 0, {}, [bytes(100_000)])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"GET / HTTP/1.1\r\nHost: grader\r\n\r\n", "begin like a frame"),
        (b"\x80\x04\x95" + bytes(40), "begin like a frame"),  # a pickle
        (header(magic=b"dlg2"), "begin like a frame"),
        (header(zero=1), "begin like a frame"),
        (header(transport=2), "begin like a frame"),
        (header(blob=2**62), "more than was asked for"),
        (header(blob=2**64 - 1), "more than was asked for"),
        (header(text=2**32 - 1), "more than was asked for"),
        (header(blob=BLOB + 1), "more than was asked for"),
        (header(text=JSON + 1), "more than was asked for"),
        (header(text=0), "cannot be read"),
        (header(text=2) + b"{]", "cannot be read"),
        (header(text=4) + b"\xff\xfe\xfd\xfc", "cannot be read"),
        (header(text=5000) + b"9" * 5000, "cannot be read"),  # a number that only a quadratic algorithm reads
        (header(text=JSON) + b"[" * JSON, "cannot be read"),
        (header(text=JSON) + b'{"a":' * (JSON // 5) + b"[", "cannot be read"),
        (header(text=2) + b"[]", "not an object"),
        (header(text=4) + b"null", "not an object"),
        (header(transport=1, blob=8) + b"{}", "did not come with it"),
    ],
)
def test_bytes_that_are_no_frame_are_refused(ends: tuple[socket.socket, Channel], data: bytes, says: str) -> None:
    theirs, channel = ends
    theirs.sendall(data)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match=says):
            _ = receive(channel).body
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def _memory_file(size: int, *seals: str) -> int:
    import fcntl

    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.truncate(fd, size)
    for seal in seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, getattr(fcntl, f"F_SEAL_{seal}"))
    return fd


def _pipe() -> int:
    reading, writing = os.pipe()
    os.close(writing)
    return reading


def _regular_file() -> int:
    fd, name = tempfile.mkstemp()
    Path(name).unlink()
    os.write(fd, bytes(64))
    return fd


@needs_memfd
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: _memory_file(64), id="not sealed"),
        pytest.param(lambda: _memory_file(64, "GROW"), id="sealed, but may shrink"),
        pytest.param(lambda: _memory_file(63, "SHRINK"), id="smaller"),
        pytest.param(lambda: _memory_file(65, "SHRINK"), id="larger"),
        pytest.param(lambda: _memory_file(0, "SHRINK"), id="empty"),
        pytest.param(_pipe, id="a pipe"),
        pytest.param(_regular_file, id="a regular file"),
        pytest.param(lambda: os.open("/dev/zero", os.O_RDONLY), id="a device"),
        pytest.param(lambda: os.open("/", os.O_RDONLY), id="a folder"),
        pytest.param(lambda: socket.socket().detach(), id="a socket"),
    ],
)
def test_a_file_that_is_no_sealed_memory_of_the_said_size_is_refused(
    ends: tuple[socket.socket, Channel], make: Callable[[], int]
) -> None:
    theirs, channel = ends
    before = open_files()
    fd = make()
    socket.send_fds(theirs, [header(transport=1, blob=64) + b"{}"], [fd])
    os.close(fd)
    with pytest.raises(ProtocolError, match="not what its header says"):
        receive(channel)
    assert open_files() == before


@needs_memfd
def test_a_memory_file_is_copied_before_anybody_looks(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    fd = _memory_file(64, "SHRINK")
    os.pwrite(fd, b"a" * 64, 0)
    socket.send_fds(theirs, [header(transport=1, blob=64) + b"{}"], [fd])
    frame = receive(channel)
    os.pwrite(fd, b"b" * 64, 0)
    os.close(fd)
    assert frame.blob == b"a" * 64


@needs_memfd
def test_files_that_nobody_asked_for_do_not_pile_up(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    before = open_files()
    theirs.sendall(header(text=1000))
    for _ in range(20):
        socket.send_fds(theirs, [b" "], [theirs.fileno()] * 4)
    with pytest.raises(ProtocolError, match="more files"):
        receive(channel)
    channel.close()
    assert len(open_files()) <= len(before)


@needs_memfd
def test_a_file_that_came_is_not_inherited(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    fd = _memory_file(64, "SHRINK")
    socket.send_fds(theirs, [header()], [fd])
    os.close(fd)
    channel._take(28)
    assert [os.get_inheritable(held) for held in channel._fds] == [False]


def test_a_truth_value_is_0_or_1_whatever_byte_came() -> None:
    table = [["|b1", [4], "C", False], ["|b1", [], "C", False]]
    array, scalar = Unpacker(table, bytearray(b"\x00\x01\x02\x80" + bytes(4) + b"\x03" + bytes(7))).unpack(
        [{"a": 0}, {"s": 1}]
    )
    assert array.tobytes() == b"\x00\x01\x01\x01" and scalar.tobytes() == b"\x01"


@linux_only
def test_what_is_sent_and_received_leaves_no_file_open(ends: tuple[socket.socket, Channel]) -> None:
    theirs, channel = ends
    before = open_files()
    for _ in range(3):
        Channel(theirs).send(wire.RETURNED, 1, {}, [bytes(500_000)])
        channel.receive(json_limit=JSON, blob_limit=500_000)
    assert open_files() == before


# -- cost --------------------------------------------------------------------------------------------------------------


def test_a_short_frame_cannot_cost_much_time() -> None:
    """The dearest forms that fit into a frame's text: many values, many entries, many references."""
    count = wire.JSON_LIMIT // 32
    bodies = [
        ([[] for _ in range(count)], []),
        ([{"t": []} for _ in range(count)], []),
        ([{"a": 0} for _ in range(count)], [["<f8", [0], "F", False]]),
        ([], [["<f8", [0], "reversed", True] for _ in range(count)]),
        ([10**18] * count, []),
    ]
    start = time.process_time()
    for value, table in bodies:
        Unpacker(table, b"", share=True).unpack(value)
    assert time.process_time() - start < 5


def test_sides_beyond_what_an_array_has_are_not_even_multiplied():
    class Untouchable(list):
        def __iter__(self):
            raise AssertionError("their product may take seconds")

    assert not wire._travels(Untouchable([2**62] * 33))
    assert wire._travels([1] * 32) and not wire._travels([2**24, 2**24]) and not wire._travels([0, 2**48])
