"""The trusted end of the wire: drives one submission in workers, keeps the deadlines, believes nothing it is told."""

from __future__ import annotations

import functools
import hashlib
import math
import os
import secrets
import select
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlgrade.errors import GraderError
from dlgrade.model import Frame, Outcome, Submission
from dlgrade.sandbox import launch, wire
from dlgrade.sandbox.calls import Call, Loaded, Parameter, Raised, Reply, Returned, Stopped, Timed, same_call
from dlgrade.text import visible

START_SECONDS = 60.0
"""How long a worker may take to import its framework before the machine is held to be broken."""
LOAD_SECONDS = 5.0
CALL_SECONDS = 2.0
"""Processor time for one call, where it can be read from outside; a busy machine then fails nobody."""
WALL_FACTOR = 5.0
"""A call that waits instead of working may take this many times its processor time."""
OUTPUT_LIMIT = 4000
"""Characters of a submission's prints that are kept for each check."""
CHECK_SECONDS = 60.0
"""Wall time for all calls of one check together, without what the grader does between them."""
DYING_SECONDS = 5.0
"""How long a worker that hung up may take to end, before it is held to live on."""
THREADS_LIMIT = 256
"""Threads that a worker may have: many more than a library starts on a large machine."""
CROWD_SECONDS = 0.02
CALLBACK_LIMIT = 100_000
REPLY_FLOOR = 64 * 1024
"""Bytes of arrays that a reply may always hold: enough for a small wrong answer to be looked at."""
DEATHS_LIMIT = 2
"""How often an entry point may cost a worker its life before it is not called any more."""


class _Late(Exception):
    """A deadline passed."""


class _Crowd(Exception):
    """There are more threads than any right answer has."""


def _nonce() -> int:
    return secrets.randbits(64)


def _safe(text: Any, limit: int = 300) -> str:
    if not isinstance(text, str):
        raise wire.ProtocolError("a text is no text")
    return visible(text, limit=limit)


class _Session:
    """One worker process with the submission loaded in it."""

    def __init__(self, process: launch.Running) -> None:
        self.process = process
        self.output = bytearray()
        self.dropped = 0
        self._deadline = 0.0
        self._soft = 0.0
        self._seconds = 0.0
        self._cpu_deadline: float | None = None
        self._looked = False
        self._pipe = _readable(process)
        process.sock.settimeout(0.0)
        self.channel = wire.Channel(process.sock, wait=self._wait)

    def allow(self, seconds: float, until: float = math.inf) -> None:
        """Set the deadline of what comes next: `seconds` of processor time, a multiple of that on the wall.

        Args:
            seconds: the processor time; wall time alone decides where it cannot be read.
            until: a moment of the monotonic clock that is not to be passed either.
        """
        now = time.monotonic()
        self._seconds, self._cpu_deadline, self._looked = seconds, None, False
        self._soft = min(now + seconds, until)
        self._deadline = min(now + seconds * WALL_FACTOR, until)

    def forgive(self, seconds: float) -> None:
        """Put the deadline off: so long it was not the worker that kept the other side waiting."""
        self._soft += seconds
        self._deadline += seconds

    def send(self, kind: int, nonce: int, body: dict[str, Any] | bytes, chunks: Sequence[Any] = ()) -> None:
        """Send a request; a worker that does not read it in time is late."""
        self.process.sock.settimeout(max(0.01, self._deadline - time.monotonic()))
        try:
            self.channel.send(kind, nonce, body, chunks)
        except TimeoutError as error:
            raise _Late from error
        finally:
            self.process.sock.settimeout(0.0)

    def _wait(self) -> None:
        """Return when the socket can be read; meanwhile keep the submission's prints from filling their pipe."""
        while True:
            now = time.monotonic()
            if now >= self._deadline:
                # It may have been the grader that was kept from looking in time.
                if not self._looked and select.select([self.process.sock], [], [], 0)[0]:
                    self._looked = True
                    return
                raise _Late
            until = self._deadline
            if now < self._soft:
                until = self._soft
            elif self._cpu_deadline is not None:
                used = self.process.cpu_seconds()
                if used is None or used >= self._cpu_deadline:
                    raise _Late
                until = min(self._deadline, now + max(0.05, self._cpu_deadline - used))
            # Looked at now and then: on nothing else rests how many there may be.
            until = min(until, now + CROWD_SECONDS)
            streams = [self.process.sock] if self._pipe is None else [self.process.sock, self._pipe]
            ready, _, _ = select.select(streams, [], [], until - now)
            if self._pipe is not None and self._pipe in ready:
                self._drain()
            if self.process.sock in ready:
                return
            # Asked only now: most calls are answered sooner than it takes to ask how long they work.
            if self._cpu_deadline is None and (cpu := self.process.cpu_seconds()) is not None:
                self._cpu_deadline = cpu + self._seconds
            if self.process.pid > 0 and launch.threads_of(self.process.pid) > THREADS_LIMIT:
                raise _Crowd

    def _drain(self) -> bool:
        """Take one piece of what was printed; whether there was any."""
        assert self._pipe is not None
        piece = self._pipe.recv(1 << 16) if hasattr(self._pipe, "recv") else self._pipe.read(1 << 16)
        if not piece:
            self._pipe = None
            return False
        room = max(0, 4 * OUTPUT_LIMIT - len(self.output))
        self.output += piece[:room]
        self.dropped += len(piece) - len(piece[:room])
        return True

    def take_output(self) -> str:
        """What was printed since the last time."""
        for _ in range(64):  # more than a pipe holds
            if self._pipe is None or not select.select([self._pipe], [], [], 0)[0] or not self._drain():
                break
        text, dropped = self.output.decode("utf-8", "replace"), self.dropped
        self.output.clear()
        self.dropped = 0
        shown = visible(text, limit=OUTPUT_LIMIT, lines=True).rstrip()
        return f"{shown}\n… ({dropped:,} more bytes were printed)" if dropped else shown


def _readable(process: launch.Running) -> Any:
    """The stream of the worker's prints as something that `select` can wait for."""
    pipe = process.output
    if os.name == "posix":
        return pipe
    # Windows selects on sockets only, so a thread carries the pipe's bytes into one.
    ours, theirs = socket.socketpair()

    def carry() -> None:
        assert pipe is not None
        with theirs:
            try:
                while piece := pipe.read(1 << 16):
                    theirs.sendall(piece)
            except (OSError, ValueError):
                return

    threading.Thread(target=carry, daemon=True).start()
    return ours


class Request:
    """Calls, and the bytes that ask for them: made once for all submissions that are asked the same.

    Args:
        calls: the calls.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = tuple(calls)
        self.names = tuple(dict.fromkeys(call.name for call in calls))
        self.callables: list[Callable[..., Any]] = []
        packer = wire.Packer(callables=self.callables, strict=True)
        packed, self.limits = [], []
        """The most bytes of arrays that each reply may hold."""
        for call in calls:
            before = packer.carried
            args = [packer.pack(arg) for arg in call.args]
            kwargs = {key: packer.pack(value) for key, value in call.kwargs.items()}
            sent = packer.carried - before
            result_limit = REPLY_FLOOR + 8 * max(sent, call.expected_bytes)
            packed.append([call.name, args, kwargs, call.want_after, result_limit, call.measure])
            # What comes back besides: the arguments, which a function may have made wider but not longer.
            self.limits.append(result_limit + REPLY_FLOOR + 4 * sent)
        self.text = wire.encoded({"calls": packed, "table": packer.table})
        self.chunks: Sequence[Any] = packer.chunks

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.text) + sum(len(chunk) for chunk in self.chunks)

    def asks(self, calls: Sequence[Call]) -> bool:
        """Whether it asks for these calls, and for nothing else."""
        return len(calls) == len(self.calls) and all(map(same_call, self.calls, calls))


@dataclass
class Said:
    """What a worker answered to a request: bytes that nobody has looked into, and how it was stopped if it was."""

    request: Request
    frames: list[wire.Frame] = field(default_factory=list)
    stopped: Raised | Stopped | None = None

    @functools.cached_property
    def digest(self) -> bytes | None:
        """A digest of every byte of it; None where the bytes are not all that it said."""
        if self.stopped is not None or self.request.callables:
            return None
        digest = hashlib.sha256()
        for frame in self.frames:
            digest.update(b"%d %d %d " % (frame.kind, len(frame.text), len(frame.blob)) + frame.text)
            digest.update(frame.blob)
        return digest.digest()


class WorkerTarget:
    """A submission in a worker process, as a Target.

    The worker is started at once, or an already started one is taken over. One that dies is replaced at the next call,
    and an entry point that keeps killing workers is not called any more.

    Args:
        submission: what to load.
        module: the name that the module has for itself, the exercise's.
        names: the entry points.
        seed: the state that the worker's random generators start from.
        device: where the tensors of a torch exercise live.
        refused: operators of torch that raise there.
        steady: keep freed memory there, for what is timed.
        process: a worker that was started earlier, to save the wait.
        start: starts one that works on a device; by default a process of its own that is not confined.
    """

    far = True

    def __init__(
        self,
        submission: Submission,
        *,
        module: str,
        names: Sequence[str],
        seed: int = 0,
        device: str = "cpu",
        refused: Sequence[str] = (),
        steady: bool = False,
        process: launch.Running | None = None,
        start: Callable[..., launch.Running] | None = None,
    ) -> None:
        self._submission = submission
        self._module = module
        self._names = tuple(names)
        self._seed = seed
        self.device = device
        self._refused = tuple(refused)
        self._steady = steady
        self._start = start or functools.partial(launch.start, "numpy")
        self._process: launch.Running | None = process or self._started()
        self.isolation = self._process.isolation
        self._session: _Session | None = None
        self._loaded: Loaded | Raised | Stopped | None = None
        self._deaths: dict[str, list[Stopped]] = {}
        self._output = ""
        self._left = math.inf
        """Seconds that the calls of this check may still take together."""
        self.heard: list[tuple[Request, bytes | None]] | None = None
        """What was asked in this check so far, with the digests of the answers; None where nobody wants it."""
        self._before: deque[Said] = deque()
        self._marked: tuple[launch.Running | None, float] | None = None

    def _started(self) -> launch.Running:
        # Most ways to start a worker know of no other device than the CPU.
        return self._start() if self.device == "cpu" else self._start(device=self.device)

    def __enter__(self) -> WorkerTarget:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and everything that it started."""
        if self._session is not None:
            self._session.channel.close()
            self._session = None
        if self._process is not None:
            self._process.end()
            self._process = None

    def take_output(self) -> str:
        """What the submission printed since this was last asked."""
        now = self._session.take_output() if self._session is not None else ""
        before, self._output = self._output, ""
        return "\n".join(part for part in (before, now) if part)

    def begin_check(self) -> None:
        """Start the clock of a check: all its calls together may take CHECK_SECONDS."""
        self._left = CHECK_SECONDS
        self.heard = None
        self._before.clear()

    def load(self) -> Loaded | Raised | Stopped:
        """Load the submission, in a new worker if the last one died."""
        if self._session is not None and self._loaded is not None:
            return self._loaded
        if self._loaded is not None and not isinstance(self._loaded, Loaded):
            return self._loaded  # it would only fail again
        self._loaded = self._guarded("", self._load)
        return self._loaded

    def call_many(self, calls: Sequence[Call], *, seconds: float = CALL_SECONDS) -> list[Reply]:
        """Make the calls in order, in one message; each may take `seconds` of processor time."""
        if not calls:
            return []
        said = self._said_before(calls) or self.ask(Request(calls), seconds=seconds)
        if self.heard is not None:
            self.heard.append((said.request, said.digest))
        replies: list[Reply] = []

        def read() -> None:
            for frame, call in zip(said.frames, calls, strict=False):
                replies.append(_replied(frame, len(replies), call))

        stopped = self._guarded(lambda: calls[len(replies)].name, read) or said.stopped
        return [*replies, stopped] if stopped is not None else replies

    def ask(self, request: Request, *, seconds: float = CALL_SECONDS) -> Said:
        """Ask for calls; what is answered is kept as it came.

        Args:
            request: the calls.
            seconds: the processor time that each may take.
        """
        for name in request.names:
            deaths = self._deaths.get(name, [])
            if len(deaths) >= DEATHS_LIMIT:
                message = f"{deaths[-1].message} (not called again after {DEATHS_LIMIT} times)"
                return Said(request, stopped=Stopped(deaths[-1].outcome, message))
        loaded = self.load()
        if not isinstance(loaded, Loaded):
            return Said(request, stopped=loaded)
        said = Said(request)

        def exchange() -> None:
            self._exchange(said, seconds)

        said.stopped = self._guarded(lambda: request.calls[len(said.frames)].name, exchange)
        return said

    def recall(self, said: Sequence[Said]) -> None:
        """Take these answers for those to the calls of this check that come next, while they are the same calls."""
        self._before = deque(said)

    def _said_before(self, calls: Sequence[Call]) -> Said | None:
        if self._before and self._before[0].request.asks(calls):
            return self._before.popleft()
        self._before.clear()
        return None

    def timed(self, call: Call, *, seconds: float = CALL_SECONDS) -> Timed:
        """Make one call and say what it took. What the worker did since its last timed call counts too."""
        self.load()
        process = self._process
        before = process.cpu_seconds() if process is not None else None
        if self._marked is not None and self._marked[0] is process:
            before = self._marked[1]
        start = time.perf_counter()
        reply = self.call_many([call], seconds=seconds)[0]
        wall = time.perf_counter() - start
        after = self._process.cpu_seconds() if self._process is not None else None
        same = self._process is process and before is not None and after is not None
        self._marked = (process, after) if after is not None else None
        return Timed(reply, after - before if same and after is not None and before is not None else None, wall)

    def keep_to(self, core: int) -> None:
        """Let the worker run on one core only, where the system can do that and lets us."""
        if self._process is not None and self._process.pid > 0:
            launch.keep_to(self._process.pid, core)

    def again(self, submission: Submission | None = None, names: Sequence[str] = (), device: str = "") -> WorkerTarget:
        """Another worker, confined alike, for what is timed.

        Args:
            submission: what to load; by default the same again. Trusted code of ours may use every operator.
            names: its entry points.
            device: where tensors live; by default where they do here.
        """
        return WorkerTarget(
            submission or self._submission,
            module=self._module if submission is None else "baseline",
            names=names or self._names,
            seed=self._seed,
            device=device or self.device,
            refused=self._refused if submission is None else (),
            steady=True,
            start=self._start,
        )

    # -- the two requests ----------------------------------------------------------------------------------------------

    def _load(self) -> Loaded | Raised:
        session = self._ready()
        session.allow(LOAD_SECONDS)
        nonce, source = _nonce(), self._submission.source
        body = {
            "file": f"{self._module}.py",
            "module": self._module,
            "names": list(self._names),
            "seed": self._seed,
            "device": self.device,
            "steady": self._steady,
            "refused": list(self._refused),
            "size": len(source),
        }
        session.send(wire.LOAD, nonce, body, [source])
        frame = self._receive(session, nonce, blob_limit=0)
        return _loaded(frame, self._names)

    def _exchange(self, said: Said, seconds: float) -> None:
        session, request = self._session, said.request
        assert session is not None
        nonce, begun = _nonce(), time.monotonic()
        session.allow(seconds, begun + self._left)
        callbacks = 0
        try:
            session.send(wire.CALL, nonce, request.text, request.chunks)
            while len(said.frames) < len(request.calls):
                most = request.limits[len(said.frames)]
                if request.callables:  # a callback's arguments have a limit of their own
                    most = max(most, wire.INLINE_LIMIT)
                last = len(said.frames) == len(request.calls) - 1
                frame = self._receive(session, nonce, blob_limit=most, last=last)
                if frame.kind == wire.CALLBACK:
                    callbacks += 1
                    if callbacks > CALLBACK_LIMIT:
                        raise _Late
                    begun += _answer(session, frame, request.callables)
                else:
                    said.frames.append(frame)
                    session.allow(seconds, begun + self._left)
        finally:
            self._left -= time.monotonic() - begun

    # -- life and death ------------------------------------------------------------------------------------------------

    def _ready(self) -> _Session:
        """A session with a worker that has imported its framework."""
        if self._session is None:
            if self._process is None:
                self._process = self._started()
                if self._process.isolation != self.isolation:
                    raise GraderError(
                        f"A worker is confined at the level {self._process.isolation}, not {self.isolation}."
                    )
            self._session = _Session(self._process)
            self._session.allow(START_SECONDS)
            try:
                frame = self._session.channel.receive(json_limit=64, blob_limit=0)
                ready = frame.kind == wire.READY and frame.nonce == 0
            except (wire.ProtocolError, wire.Closed, _Late, _Crowd, ConnectionError):
                ready = False
            if not ready:
                said = self._session.take_output()
                self.close()
                raise GraderError(
                    "A worker process did not start, so nothing could be checked.",
                    mend=f"What it said:\n{said}" if said else "It said nothing.",
                )
        return self._session

    def _receive(self, session: _Session, nonce: int, *, blob_limit: int, last: bool = True) -> wire.Frame:
        frame = session.channel.receive(json_limit=wire.JSON_LIMIT, blob_limit=blob_limit)
        if frame.nonce != nonce:
            raise wire.ProtocolError("an answer does not belong to the question that was asked")
        if last and frame.kind != wire.CALLBACK and not session.channel.idle:
            raise wire.ProtocolError("there is more than one answer to a question")
        return frame

    def _guarded(self, name: str | Callable[[], str], act: Callable[[], Any]) -> Any:
        """Do one exchange with the worker; whatever goes wrong in it ends the worker and is told as Stopped."""
        try:
            return act()
        except _Late:
            stopped = Stopped(
                Outcome.TIMED_OUT,
                "It did not finish in time: is there a loop that never ends, or one over single elements of many?",
            )
        except _Crowd:
            stopped = Stopped(Outcome.CRASHED, f"It started more than {THREADS_LIMIT} threads, and was ended.")
        except wire.ProtocolError as error:
            stopped = Stopped(Outcome.PROTOCOL_VIOLATION, f"It interfered with the grader's own messages: {error}.")
        except (wire.Closed, ConnectionError):
            stopped = self._epitaph()
        except BaseException:
            self.close()
            raise
        culprit = name if isinstance(name, str) else name()
        self._deaths.setdefault(culprit, []).append(stopped)
        self._bury()
        return stopped

    def _epitaph(self) -> Stopped:
        """How a worker that hung up came to its end."""
        assert self._process is not None
        status = self._process.wait(timeout=DYING_SECONDS)
        if self._process.out_of_memory():
            return Stopped(Outcome.OUT_OF_MEMORY, "It ran out of memory.")
        if status is None:
            return Stopped(Outcome.PROTOCOL_VIOLATION, "It hung up on the grader.")
        if status < 0:
            try:
                what = signal.Signals(-status).name
            except ValueError:
                what = f"signal {-status}"
            if what == "SIGXCPU":
                return Stopped(Outcome.TIMED_OUT, "It used up its processor time.")
            return Stopped(Outcome.CRASHED, f"The process was killed by {what} while your code was running.")
        return Stopped(
            Outcome.CRASHED,
            f"The process ended (exit code {status}) before it answered; does your code call exit()?",
        )

    def _bury(self) -> None:
        """End the worker, keeping what it printed."""
        if self._session is not None:
            said = self._session.take_output()
            self._output = "\n".join(part for part in (self._output, said) if part)[-2 * OUTPUT_LIMIT :]
        self.close()


# -- what a worker says, checked ---------------------------------------------------------------------------------------


def _loaded(frame: wire.Frame, names: Sequence[str]) -> Loaded | Raised:
    if frame.kind == wire.RAISED:
        return _raised(frame.body, 0)
    if frame.kind != wire.LOADED:
        raise wire.ProtocolError("the answer to loading is of another kind")
    body = frame.body
    defines, others = body.get("defines"), body.get("others")
    if not isinstance(defines, dict) or set(defines) != set(names) or not isinstance(others, list):
        raise wire.ProtocolError("the answer to loading names other functions")
    described = {name: _described(found) for name, found in defines.items()}
    return Loaded(described, tuple(_safe(name, 100) for name in others[:100]))


def _replied(frame: wire.Frame, index: int, call: Call) -> Returned | Raised:
    if frame.kind == wire.RETURNED:
        return _returned(frame, index, call)
    if frame.kind == wire.RAISED:
        return _raised(frame.body, index)
    raise wire.ProtocolError("the answer to a call is of another kind")


def _answer(session: _Session, frame: wire.Frame, callables: list[Callable[..., Any]]) -> float:
    """Run the grader's own callable for the submission; the seconds that it took, which are not the submission's."""
    body, begun = frame.body, time.monotonic()
    index, args = body.get("callable"), body.get("args")
    if type(index) is not int or not 0 <= index < len(callables) or not isinstance(args, list):
        raise wire.ProtocolError("a callback names no callable")
    unpacker = wire.Unpacker(body.get("table"), frame.blob, share=True)
    values = [unpacker.unpack(arg) for arg in args]
    packer = wire.Packer(strict=True)
    try:
        result = callables[index](*values)
    except Exception as error:
        answer: dict[str, Any] = {"error": str(error)[:500]}
    else:
        answer = {"value": packer.pack(result), "table": packer.table}
    spent = time.monotonic() - begun
    session.forgive(spent)
    session.send(wire.ANSWER, frame.nonce, answer, packer.chunks)
    return spent


def _returned(frame: wire.Frame, index: int, call: Call) -> Returned:
    body = frame.body
    if set(body) != {"index", "value", "after", "cost", "table"} or body["index"] != index:
        raise wire.ProtocolError("an answer is out of order")
    cost = body["cost"]
    if not (type(cost) is int and 0 <= cost < 2**62 if call.measure else cost is None):
        raise wire.ProtocolError("a cost is told in an unknown form")
    unpacker = wire.Unpacker(body["table"], frame.blob, share=True)
    value = unpacker.unpack(body["value"])
    if not call.want_after:
        return Returned(value, cost=cost)
    if not isinstance(body["after"], list) or len(body["after"]) != len(call.args) + len(call.kwargs):
        raise wire.ProtocolError("the arguments did not come back")
    after = (unpacker.unpack(item) for item in body["after"])
    arrays = tuple(item if hasattr(item, "nbytes") or isinstance(item, list) else None for item in after)
    return Returned(value, arrays, cost)


def _raised(body: dict[str, Any], index: int) -> Raised:
    kinds, frames = body.get("kinds"), body.get("frames")
    if body.get("index") != index or not isinstance(kinds, list) or not kinds or not isinstance(frames, list):
        raise wire.ProtocolError("an exception is told in an unknown form")
    told = []
    for frame in frames[:20]:
        if not (isinstance(frame, list) and len(frame) == 3 and type(frame[0]) is int and 0 <= frame[0] < 2**31):
            raise wire.ProtocolError("a traceback is told in an unknown form")
        told.append(Frame(frame[0], _safe(frame[1]), _safe(frame[2])))
    names = tuple(_safe(kind, 100) for kind in kinds[:10])
    return Raised(names, _safe(body.get("message"), 1000), tuple(told))


def _described(found: Any) -> tuple[Parameter, ...] | str | None:
    if found is None:
        return None
    if isinstance(found, str):
        return _safe(found, 100)
    if not isinstance(found, list):
        raise wire.ProtocolError("a function is described in an unknown form")
    parameters = []
    for entry in found:
        if not (isinstance(entry, list) and len(entry) == 3 and isinstance(entry[2], bool)):
            raise wire.ProtocolError("a parameter is described in an unknown form")
        parameters.append(Parameter(_safe(entry[0], 100), _safe(entry[1], 30), entry[2]))
    return tuple(parameters)
