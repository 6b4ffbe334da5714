"""The untrusted side: holds one submission, calls its functions when asked, answers with bytes. It knows no answer.

Started as a script by its path, in a fresh process with an environment of its own; of the package it sees only the
files `wire.py` and `measure.py` beside it. Whatever the submission does to this process, the grader reads nothing but
frames from it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlgrade.sandbox import wire

MESSAGE_LIMIT = 2000
FRAMES_LIMIT = 20
DATA_LIMIT = 2 << 30
"""A framework's own libraries may take much address space, but little of it is written to."""


def _take_channel() -> socket.socket:
    """The socket to the grader, moved away from the descriptors that the submission's prints use."""
    if sys.platform == "win32":
        sock = socket.fromshare(sys.stdin.buffer.read())
    else:
        sock = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return sock


def limits(memory: int) -> dict[str, int]:
    """What a worker may take: bytes of address space and of memory of its own (any number if `memory` is 0), of a core
    dump and of a file, seconds of processor time."""
    memories = {"RLIMIT_AS": memory, "RLIMIT_DATA": min(memory, DATA_LIMIT)} if memory else {}
    return memories | {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 1 << 24, "RLIMIT_CPU": 900}


def _limit_resources(memory: int) -> None:
    """Bound what this process may take, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for name, bound in limits(memory).items():
        # At the soft limit of processor time the system sends a signal that tells why; at the hard one it only kills.
        hard = bound + 5 if name == "RLIMIT_CPU" else bound
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (bound, hard))


def import_framework(names: list[str], site: str) -> None:
    """Import the framework, then take the folder that it came from off the path: what lies beside it is not here."""
    sys.path.append(site)
    for name in names:
        __import__(name)
    sys.path.remove(site)
    sys.path_importer_cache.clear()


def refuse(names: list[str], site: str) -> None:
    """Let nothing but the standard library and the framework be imported, and no process be started.

    A tripwire with a clear message, not a wall: code that means harm can reach around anything in its own process.
    """
    allowed = frozenset(sys.stdlib_module_names) | frozenset(names)
    processes = ("os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.", "pty.", "os.startfile")
    # These start processes below what is audited.
    starters = ("multiprocessing.popen_", "multiprocessing.resource_tracker")
    library = names[-1]  # those before it are here because it needs them
    own = [Path(site, name).resolve() for name in names]

    def foreign(path: object) -> bool:
        """Whether a file belongs to another library, by whatever name it would be loaded."""
        if not isinstance(path, (str, bytes)):
            return False
        real = Path(os.fsdecode(path)).resolve()
        installed = not {"site-packages", "dist-packages"}.isdisjoint(real.parts)
        return installed and not any(real.is_relative_to(folder) for folder in own)

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import":
            if str(arguments[0]).startswith(starters):
                raise PermissionError("a submission may not start processes")
            top = str(arguments[0]).partition(".")[0]
            # What sysconfig loads carries the platform in its name.
            known = top in allowed or top.startswith("_sysconfigdata")
            if not known or foreign(arguments[1]):
                raise ImportError(f"{top!r} cannot be imported here: the exercise is to be solved with {library} alone")
        elif event in ("open", "ctypes.dlopen"):
            if foreign(arguments[0]):
                raise PermissionError(
                    f"other libraries are not here: the exercise is to be solved with {library} alone"
                )
        elif event.startswith(processes):
            raise PermissionError("a submission may not start processes")

    sys.addaudithook(guard)


class Worker:
    """Serves requests until the grader hangs up.

    Args:
        codec: the module `wire`.
        measures: the ways to call a function that count its cost.
        channel: the line to the grader.
        tensors: the module `tensors`, for exercises in torch.
    """

    def __init__(self, codec: Any, measures: Any, channel: wire.Channel, tensors: Any = None) -> None:
        self.wire = codec
        self.measures = measures
        self.channel = channel
        self.tensors = tensors
        self.carrier: Any = None
        self.refused: Any = None
        self.file = ""
        self.lines: list[str] = []
        self.module = types.ModuleType("submission")

    def serve(self) -> None:
        """Answer requests, one after the other."""
        codec = self.wire
        while True:
            request = self.channel.receive(json_limit=codec.REQUEST_JSON_LIMIT, blob_limit=1 << 40)
            if request.kind == codec.LOAD:
                self.load(request)
            elif request.kind == codec.CALL:
                self.call_all(request)

    def load(self, request: wire.Frame) -> None:
        """Compile and run the submission's file, then say what it defines."""
        body = request.body
        self.file = body["file"]
        source = bytes(request.blob[: body["size"]])
        self.lines = source.decode("utf-8", "replace").splitlines()
        random.seed(body["seed"])
        # NumPy imports its generators when they are first asked for, which takes as long as many a whole check.
        if "numpy.random" in sys.modules or b"random" in source:
            sys.modules["numpy"].random.seed(body["seed"] % 2**32)
        if self.tensors is not None:
            sys.modules["torch"].manual_seed(body["seed"])
            self.tensors.quieten()
            if body["steady"]:
                self.tensors.steady_memory()
            self.carrier = self.tensors.Carrier(self.wire.Foreign, body["device"])
            self.measures = {**self.measures, **self.carrier.measures}
            self.refused = self.tensors.refuse_operators(body["refused"])
        self.module = types.ModuleType(body["module"])
        self.module.__file__ = self.file
        sys.modules[body["module"]] = self.module
        try:
            exec(compile(source, self.file, "exec", dont_inherit=True), self.module.__dict__)
        except BaseException as error:
            self.raised(request.nonce, 0, error)
            return
        defines = {name: self.describe(name) for name in body["names"]}
        own = [name[:200] for name, held in self.module.__dict__.items() if isinstance(held, types.FunctionType)]
        others = [name for name in own if name not in defines][:100]
        self.channel.send(self.wire.LOADED, request.nonce, {"defines": defines, "others": others})

    def describe(self, name: str) -> Any:
        """None if there is no such name, the type's name if it is no function, else its parameters.

        A callable that tells nothing of its parameters is described as one that takes any.
        """
        import inspect

        if name not in self.module.__dict__:
            return None
        found = self.module.__dict__[name]
        if not callable(found):
            return type(found).__name__[:200]
        try:
            # Of a decorated function the wrapper's own, which is what is called.
            parameters = inspect.signature(found, follow_wrapped=False).parameters.values()
        except Exception:
            return [["args", "VAR_POSITIONAL", False], ["kwargs", "VAR_KEYWORD", False]]
        empty = inspect.Parameter.empty
        return [[p.name[:200], p.kind.name, p.default is not empty] for p in parameters][:100]

    def call_all(self, request: wire.Frame) -> None:
        """Make the calls of one request in order, answering each as soon as it is done."""
        codec, body = self.wire, request.body
        unpacker = codec.Unpacker(body["table"], request.blob, make_callable=self.callback_for(request.nonce))
        for index, (name, args, kwargs, want_after, limit, measure) in enumerate(body["calls"]):
            positional = [unpacker.unpack(value) for value in args]
            keywords = {key: unpacker.unpack(value) for key, value in kwargs.items()}
            home = None
            if self.carrier is not None:
                positional, keywords, home = self.carrier.entered(positional, keywords)
            arguments = [*positional, *keywords.values()] if want_after else None
            try:
                function, cost = self.module.__dict__[name], None
                if measure:
                    value, cost = self.measures[measure](function, positional, keywords)
                else:
                    value = function(*positional, **keywords)
                value = self.leaving(value, home)
                try:
                    self.returned(request.nonce, index, value, arguments, limit, cost, home)
                except codec.TooLong:
                    large = codec.Foreign(f"a {type(value).__name__} too large to send")
                    self.returned(request.nonce, index, large, arguments, limit, cost, home)
            except BaseException as error:
                self.raised(request.nonce, index, error)

    def returned(
        self, nonce: int, index: int, value: Any, arguments: list[Any] | None, limit: int, cost: int | None, home: Any
    ) -> None:
        """Answer with a result and, if they are wanted, the arguments as they are now and what it cost."""
        packer = self.wire.Packer(limit=limit)
        packed = packer.pack(value)
        after = None
        if arguments is not None:
            packer.limit = None  # what came in may go back
            kept = [a if hasattr(a, "dtype") or isinstance(a, list) else None for a in arguments]
            after = [packer.pack(self.leaving(a, home)) for a in kept]
        reply = {"index": index, "value": packed, "after": after, "cost": cost, "table": packer.table}
        self.channel.send(self.wire.RETURNED, nonce, reply, packer.chunks, json_limit=self.wire.JSON_LIMIT)

    def leaving(self, value: Any, home: Any) -> Any:
        """A result as it travels; tensors of this call live at home."""
        return value if self.carrier is None else self.carrier.leave(value, home)

    def callback_for(self, nonce: int) -> Callable[[int], Callable[..., Any]]:
        """Makes the functions that stand for the grader's callables during one request."""
        codec, channel = self.wire, self.channel

        def make(index: int) -> Callable[..., Any]:
            def callback(*args: Any) -> Any:
                packer = codec.Packer(limit=codec.INLINE_LIMIT)
                body = {"callable": index, "args": [packer.pack(arg) for arg in args], "table": packer.table}
                channel.send(codec.CALLBACK, nonce, body, packer.chunks, json_limit=codec.JSON_LIMIT)
                answer = channel.receive(json_limit=codec.REQUEST_JSON_LIMIT, blob_limit=1 << 40)
                told = answer.body
                if "error" in told:
                    raise ValueError(told["error"])
                return codec.Unpacker(told["table"], answer.blob).unpack(told["value"])

            return callback

        return make

    def raised(self, nonce: int, index: int, error: BaseException) -> None:
        """Answer with an exception: its type, its message and the frames that lie in the submission's own file."""
        frames = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename == self.file:
                line = trace.tb_lineno or 0
                text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
                frames.append([line, code.co_name[:200], text[:200]])
            trace = trace.tb_next
        if isinstance(error, SyntaxError) and error.filename == self.file and not frames:
            frames.append([error.lineno or 0, "<module>", (error.text or "").strip()[:200]])
        try:
            message = str(error)[:MESSAGE_LIMIT]
        except BaseException:
            message = ""
        kinds = [kind.__name__[:200] for kind in type(error).__mro__[:10]]
        body = {"index": index, "kinds": kinds, "message": message, "frames": frames[-FRAMES_LIMIT:]}
        self.channel.send(self.wire.RAISED, nonce, body)


def beside(name: str) -> Any:
    """A module that lies beside this file, loaded without the package around it."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _die_with_parent() -> None:
    """Be killed with the grader, even in an endless loop, where the system can do that."""
    parent = os.environ.pop("DLGRADE_TIED", "")
    if parent and sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL
        if os.getppid() != int(parent):  # it was gone before
            os._exit(0)


def main() -> None:
    """Take the channel, import the framework, shut the door behind it, serve."""
    _die_with_parent()
    sock = _take_channel()
    site, memory, *names = sys.argv[1:]
    _limit_resources(int(memory))
    import_framework(names, site)
    codec, measure = beside("wire"), beside("measure")
    tensors = beside("tensors") if "torch" in names else None
    refuse(names, site)
    channel = codec.Channel(sock)
    channel.send(codec.READY, 0, {})
    with contextlib.suppress(codec.Closed):
        Worker(codec, measure.MEASURES, channel, tensors).serve()


if __name__ == "__main__":
    main()
