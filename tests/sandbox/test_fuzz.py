"""Twenty thousand frames that nobody would send: each is read or refused, in bounded time and memory.

tests/bench/fuzz.py reads a million, tests/bench/fuzz_atheris.py looks for new ones by coverage.
"""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import frames
import numpy as np
import pytest
from dlgrade.sandbox import client, wire
from dlgrade.sandbox.calls import Call, Loaded, Raised, Returned, Stopped
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.wire import Channel
from frames import CALL, CALL_AND_AFTER, CALL_WITH_CALLABLES, LOAD, Surprise, header
from hypothesis import HealthCheck, given, settings
from processes import linux_only
from sandbox_targets import open_files, submission

SEED = 20240229
COUNT = 19_700
BY_GRAMMAR = 300
DEAR = 1 / 4000
"""How many frames are as long as they may be."""
SECONDS = 3.0
"""More processor time than any frame may take."""


INTERESTING = {
    # a byte that is true and not 1, in an array
    "0200646c67310500000054000000070000000000000008000000000000007b22696e646578223a302c2276616c7565223a7b2261223a307d"
    "2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5b227c6231222c5b325d2c2243222c66616c73655d"
    "5d7d0280000000000000": ["returned", "gone"],
    # the same as a scalar
    "0200646c67310500000053000000070000000000000008000000000000007b22696e646578223a302c2276616c7565223a7b2273223a307d"
    "2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5b227c6231222c5b5d2c2243222c66616c73655d5d"
    "7d0200000000000000": ["returned", "gone"],
    # the same handed back by a callback
    "0500646c67310700000045000000070000000000000008000000000000007b2263616c6c61626c65223a302c2261726773223a5b7b226122"
    "3a307d5d2c227461626c65223a5b5b227c6231222c5b315d2c227265766572736564222c747275655d5d7dff00000000000000": [
        "answered",
        "gone",
    ],
    # text of another encoding
    "0200646c6731050000007a00000007000000000000000000000000000000fffe7b00220069006e0064006500780022003a0030002c002200"
    "760061006c007500650022003a0022003dd800de22002c0022006100660074006500720022003a006e0075006c006c002c00220063006f00"
    "7300740022003a006e0075006c006c002c0022007400610062006c00650022003a005b005d007d00": ["returned", "gone"],
    # half of a surrogate pair
    "0200646c67310500000053000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a7b2264223a5b5b"
    "225c7564383030222c225c7564666666225d5d7d2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5d"
    "7d": ["returned", "gone"],
    # the same array in every layout's clothes
    "0200646c673105000000a7000000070000000000000018000000000000007b22696e646578223a302c2276616c7565223a5b7b2261223a30"
    "7d2c7b2261223a317d2c7b2261223a317d2c7b2273223a327d5d2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c22746162"
    "6c65223a5b5b223c6638222c5b302c325d2c2273747269646564222c747275655d2c5b223c633136222c5b315d2c22726576657273656422"
    "2c747275655d2c5b223c6632222c5b5d2c2246222c66616c73655d5d7d000000000000000000000000000000000000000000000000": [
        "returned",
        "gone",
    ],
    # a side of 2**47 beside a side of 0
    "0200646c6731050000006b000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a7b2261223a307d"
    "2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5b223c633136222c5b302c31343037333734383833"
    "35353332375d2c2273747269646564222c66616c73655d5d7d": ["returned", "gone"],
    # a key twice
    "0200646c67310500000049000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a312c2276616c75"
    "65223a7b227a223a307d2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5d7d": ["refused"],
    # a memory file of the said size
    "0210646c67310501000054000000070000000000000008000000000000007b22696e646578223a302c2276616c7565223a7b2261223a307d"
    "2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5b223c6638222c5b315d2c2243222c66616c73655d"
    "5d7d0000000000000000": ["returned", "gone"],
    # files with a frame that needs none
    "0270646c67310500000039000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a312c2261667465"
    "72223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5d7d": ["returned", "gone"],
    # numbers that JSON does not have
    "0200646c67310500000052000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a5b4e614e2c2d49"
    "6e66696e6974792c31653939392c2d302e305d2c226166746572223a6e756c6c2c22636f7374223a"
    "6e756c6c2c227461626c65223a5b5d7d": [
        "returned",
        "gone",
    ],
    # answered
    "0500646c67310700000023000000070000000000000000000000000000007b2263616c6c61626c65223a312c2261726773223a5b5d2c2274"
    "61626c65223a5b5d7d": ["answered", "gone"],
    # gone
    "0066": ["gone"],
    # loaded
    "0100646c67310300000030000000070000000000000000000000000000007b22646566696e6573223a7b2266223a5b5d2c22665f6261636b"
    "77617264223a5b5d7d2c226f7468657273223a5b5d7d": ["loaded", "gone"],
    # not ready
    "0000646c6731af00000002000000070000000000000000000000000000007b7d": ["not ready", "gone"],
    # raised
    "0200646c67310600000033000000070000000000000000000000000000007b22696e646578223a302c226b696e6473223a5b22225d2c226d"
    "657373616765223a226e6f222c226672616d6573223a5b5d7d": ["raised", "gone"],
    # ready
    "0000646c67310100000002000000070000000000000000000000000000007b7d": ["ready", "gone"],
    # a callback names no callable
    "0500646c6731070000000e000000070000000000000000000000000000007b2263616c6c61626c65223a307d": ["refused"],
    # a cost is told in an unknown form
    "0200646c67310500000038000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a7b7d2c22616674"
    "6572223a6e756c6c2c22636f7374223a7b7d2c227461626c65223a5b5d7d": ["refused"],
    # a frame of N bytes is more than was asked for
    "0000646c6731010000000200000700000000000000220000000000007b7d": ["refused"],
    # a frame's JSON cannot be read
    "010e646c6731030000000000000007000000000000000000000000000000": ["refused"],
    # a frame's JSON is not an object
    "0400646c6731dd000000010000000700000000000000000000000000000039": ["refused"],
    # a frame's memory file did not come with it
    "0000646c67310101000002000000070000000000000000000000000000007b7d": ["refused"],
    # a frame's memory file is not what its header says
    "003f646c67310401000002000000070000000000000000000000000000007b7d": ["refused"],
    # a function is described in an unknown form
    "0100646c67310300000032000000070000000000000000000000000000007b22646566696e6573223a7b2266223a5b5d2c22665f6261636b"
    "77617264223a2d317d2c226f7468657273223a5b2d315d7d": ["refused"],
    # a parameter is described in an unknown form
    "0100646c67310300000037000000070000000000000000000000000000007b22646566696e6573223a7b2266223a5b5d2c22665f6261636b"
    "77617264223a5b6e756c6c5d7d2c226f7468657273223a5b2267225d7d": ["refused"],
    # a text is no text
    "0100646c67310600000025000000070000000000000000000000000000007b22696e646578223a302c226b696e6473223a5b224f225d2c22"
    "6672616d6573223a5b5d7d": ["refused"],
    # a traceback is told in an unknown form
    "0300646c67310600000038000000070000000000000000000000000000007b22696e646578223a302c226b696e6473223a5b227c6231225d"
    "2c226d657373616765223a226e6f222c226672616d6573223a5b5b5d5d7d": ["refused"],
    # a value has a form that the schema does not know
    "0500646c67310700000025000000070000000000000000000000000000007b2263616c6c61626c65223a302c2261726773223a5b7b7d5d2c"
    "227461626c65223a5b5d7d": ["refused"],
    # a value is nested too deeply
    "0500646c673107000000c9000000070000000000000000000000000000007b2263616c6c61626c65223a302c2261726773223a5b5b7b2264"
    "223a5b5b226b222c7b2274223a5b7b2274223a5b7b2264223a5b5b226b222c7b2264223a5b5b226b222c5b7b2274223a5b7b2264223a5b5b"
    "226b222c7b2274223a5b7b2274223a5b5b5b7b2274223a5b5b5b7b2264223a5b5b2277222c7b2261223a307d5d2c5b226e222c335d5d7d5d"
    "5d5d7d5d5d5d7d5d7d5d5d7d5d7d5d5d5d7d5d5d7d5d7d5d7d5d5d7d5d5d2c227461626c65223a5b5b223c6932222c5b305d2c2243222c66"
    "616c73655d5d7d": ["refused"],
    # an answer is out of order
    "0500646c67310500000002000000070000000000000000000000000000007b7d": ["refused"],
    # an array has a dtype that may not travel
    "0500646c6731070000003e000000070000000000000000000000000000007b2263616c6c61626c65223a312c2261726773223a5b7b226122"
    "3a307d5d2c227461626c65223a5b5b5b5b5d5d2c5b305d2c2243222c66616c73655d5d7d": ["refused"],
    # an array has no proper layout
    "0500646c6731070000003f000000070000000000000000000000000000007b2263616c6c61626c65223a312c2261726773223a5b7b226122"
    "3a307d5d2c227461626c65223a5b5b223c6638222c5b322c302c335d2c2243222c315d5d7d": ["refused"],
    # an array has no proper shape
    "0500646c67310700000040000000070000000000000000000000000000007b2263616c6c61626c65223a302c2261726773223a5b7b7d5d2c"
    "227461626c65223a5b5b223c6634222c5b7b2261223a317d5d2c2243222c66616c73655d5d7d": ["refused"],
    # an entry of the array table has not four parts
    "057f646c67310700000028000000070000000000000000000000000000007b2263616c6c61626c65223a302c2261726773223a5b7b7d5d2c"
    "227461626c65223a5b224f225d7d": ["refused"],
    # an exception is told in an unknown form
    "0200646c67310600000002000000070000000000000000000000000000007b7d": ["refused"],
    # an item of a dict is no pair
    "0200646c67310500000044000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a5b7b2264223a5b"
    "22225d7d5d2c226166746572223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5d7d": ["refused"],
    # more files came than frames
    "035364": ["refused"],
    # the answer to a call is of another kind
    "0200646c67310100000002000000070000000000000000000000000000007b7d": ["refused"],
    # the answer to loading is of another kind
    "0100646c67310100000002000000070000000000000000000000000000007b7d": ["refused"],
    # the answer to loading names other functions
    "0100646c67310300000002000000070000000000000000000000000000007b7d": ["refused"],
    # the arguments did not come back
    "0300646c67310500000045000000070000000000000000000000000000007b22696e646578223a20302c202276616c7565223a206e756c6c"
    "2c20226166746572223a206e756c6c2c2022636f7374223a206e756c6c2c20227461626c65223a205b5d7d": ["refused"],
    # the array table and the bytes that came differ in length
    "0500646c6731070000002a000000070000000000000008000000000000007b2263616c6c61626c65223a302c2261726773223a5b7b226122"
    "3a307d5d2c227461626c65223a5b5d7d0101010101010000": ["refused"],
    # the array table is not a list
    "0500646c67310700000018000000070000000000000000000000000000007b2263616c6c61626c65223a312c2261726773223a5b5d7d": [
        "refused"
    ],
    # the array table promises more bytes than came
    "0500646c6731070000003f000000070000000000000000000000000000007b2263616c6c61626c65223a302c2261726773223a5b7b226122"
    "3a307d5d2c227461626c65223a5b5b223c6638222c5b315d2c2243222c66616c73655d5d7d": ["refused"],
    # the bytes do not begin like a frame
    "1ba23b4a1e38bb43ac99a4c6aacb94bf9fa7d6553afc848a9cff04049342": ["refused"],
    # returned
    "0200646c67310500000039000000070000000000000000000000000000007b22696e646578223a302c2276616c7565223a312c2261667465"
    "72223a6e756c6c2c22636f7374223a6e756c6c2c227461626c65223a5b5d7d": ["returned", "gone"],
}
"""Cases, each the shortest that comes to its end, and what each of its frames comes to; first those that once went
wrong or look as if they could."""


def in_short(case: bytes) -> list[str]:
    """The outcomes of a case without their reasons."""
    return [outcome.partition(":")[0] for outcome in frames.read(case)]


@pytest.mark.parametrize("text", INTERESTING, ids=range(len(INTERESTING)))
def test_an_interesting_frame_comes_to_the_same_end_as_ever(text: str) -> None:
    case = bytes.fromhex(text)
    if case[1] & 112 and not wire._HAS_MEMFD:
        pytest.skip("only Linux has memory files that can be sealed")
    assert in_short(case) == INTERESTING[text]


@linux_only
def test_thousands_of_mutated_frames_are_read_or_refused_and_nothing_else() -> None:
    before = open_files()
    outcomes: Counter[str] = Counter()
    worst = 0.0
    for case in frames.steps(COUNT, SEED, dear=DEAR):
        start = time.thread_time()
        try:
            outcomes.update(frames.read(case))
        except Exception as surprise:
            raise Surprise(f"{type(surprise).__name__}: {surprise}; the case: {case.hex()[:4000]}") from surprise
        worst = max(worst, time.thread_time() - start)
    assert worst < SECONDS
    assert open_files() == before
    # Else the mutations are too coarse to get past the first test, or too fine to matter.
    assert all(outcomes[name] > 100 for name in ("ready", "loaded", "returned", "raised", "answered", "gone")), outcomes
    assert len([name for name in outcomes if name.startswith("refused")]) > 25, outcomes


@settings(
    max_examples=BY_GRAMMAR, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(frames.cases())
def test_frames_by_the_grammar_are_read_or_refused_and_nothing_else(case: bytes) -> None:
    frames.read(case)


def test_a_frame_takes_no_more_memory_than_its_length_allows() -> None:
    draw = iter(frames.steps(2000, SEED + 1, dear=1 / 1000))
    tracemalloc.start()
    try:
        for number, case in enumerate(draw):
            if number % 10 and len(case) < 1 << 19:
                continue
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            frames.read(case)
            assert tracemalloc.get_traced_memory()[1] - before < frames.most_memory(case), case.hex()[:4000]
    finally:
        tracemalloc.stop()


# -- the reader of these tests is the grader's -------------------------------------------------------------------------


def by_socket(case: bytes) -> list[str]:
    """What comes of a case that arrives on a real socket, with real files."""
    fake = frames.arriving(case)
    theirs, ours = socket.socketpair()
    theirs.settimeout(5)
    ours.settimeout(5)
    data, files = fake._data, fake._files
    if files and data:
        sent = socket.send_fds(theirs, [data], files)
        theirs.sendall(data[sent:])
    else:
        theirs.sendall(data)
    fake.close()
    theirs.close()
    return frames.read(case, sock=ours)


@linux_only
def test_a_real_socket_tells_the_same() -> None:
    for case in frames.steps(400, SEED + 2):
        # What has been read before the connection is torn differs; and an answer to whoever has gone tears it.
        if len(case) < 50_000 and case[0] % 6 != CALL_WITH_CALLABLES and not case[1] & frames.RESET:
            assert by_socket(case) == frames.read(case), case.hex()


@dataclass
class Scripted:
    """A worker that is no process, only somebody at the other end of a socket."""

    sock: socket.socket
    isolation: str = "process"
    output: Any = None
    ended: bool = False

    def cpu_seconds(self) -> None:
        return None

    def wait(self, timeout: float) -> int:
        return 0

    def out_of_memory(self) -> bool:
        return False

    def end(self) -> int:
        self.ended = True
        return 0


@pytest.fixture
def scripted() -> Iterator[Any]:
    """Makes a worker that answers each kind of request with these bytes, with the request's own nonce."""
    threads = []

    def start(answers: dict[int, bytes]) -> Scripted:
        ours, theirs = socket.socketpair()

        def play() -> None:
            """Answer, and hang up after the answer that is not sound."""
            channel = Channel(theirs)
            try:
                channel.send(wire.READY, 0, {})
                while True:
                    request = channel.receive(json_limit=1 << 20, blob_limit=1 << 20)
                    answer = answers.get(request.kind, b"")
                    theirs.sendall(answer[:12] + request.nonce.to_bytes(8, "little") + answer[20:])
                    if request.kind == max(answers):
                        return
            except (wire.Closed, OSError):
                pass
            finally:
                channel.close()

        threads.append(threading.Thread(target=play))
        threads[-1].start()
        return Scripted(ours)

    yield start
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_whatever_a_worker_says_a_target_gives_a_reply(scripted: Any) -> None:
    loaded = b'{"defines":{"f":[["x","POSITIONAL_ONLY",false]],"f_backward":null},"others":[]}'
    sound = header(kind=wire.LOADED, text=len(loaded)) + loaded
    call = Call("f", (np.zeros(3), 1), want_after=True)
    seen: Counter[str] = Counter()
    for case in frames.steps(300, SEED + 3):
        if case[0] not in (LOAD, CALL_AND_AFTER) or case[1] & 112:
            continue
        answers = {wire.LOAD: case[2:]} if case[0] == LOAD else {wire.LOAD: sound, wire.CALL: case[2:]}
        worker = scripted(answers)
        with WorkerTarget(submission("f = None"), module="task", names=frames.NAMES, process=worker) as target:
            reply = target.load() if case[0] == LOAD else target.call_many([call], seconds=5)[0]
        assert worker.ended
        assert isinstance(reply, (Loaded, Returned, Raised, Stopped))
        seen[type(reply).__name__] += 1
    assert seen.keys() == {"Loaded", "Returned", "Raised", "Stopped"}, seen


# -- the tests have teeth ----------------------------------------------------------------------------------------------


def test_a_reader_that_lets_something_pass_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b'{"index":0,"kinds":["E"],"message":"\\u001b[31m","frames":[]}'
    case = bytes((CALL, 0)) + header(kind=wire.RAISED, text=len(text)) + text
    assert in_short(case)[0] == "raised"
    monkeypatch.setattr(client, "visible", lambda text, limit: text)
    with pytest.raises(Surprise, match="not safe to show"):
        frames.read(case)


def test_a_reader_that_makes_too_much_of_a_frame_is_noticed() -> None:
    for value in ([0] * 100, "x" * 100, np.zeros(100), {"k": object()}, 2**64, [[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]):
        with pytest.raises(Surprise):
            frames.judge(Returned(value), 90)
    with pytest.raises(Surprise):
        frames.judge(Stopped, 90)
