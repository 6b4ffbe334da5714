"""Submissions that attack the wire, the client's patience or its terminal: a sound outcome, and the grader lives on."""

from __future__ import annotations

import itertools
import os
import select
import signal
import textwrap
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dlgrade.model import Outcome
from dlgrade.sandbox import client, launch
from dlgrade.sandbox.calls import Call, Loaded, Raised, Returned, Stopped
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.text import visible
from processes import LONG, linux_only
from sandbox_targets import PATIENT, ask, needs_memfd, open_files, posix_only

Submit = Callable[..., WorkerTarget]
HASTY = 0.3
"""Seconds of processor time for a call that will not end."""

PRELUDE = """
import array, json, os, socket, struct, sys, threading, time
import numpy as np

def inside():
    '''The worker that holds us, and the request that it is answering.'''
    frame = sys._getframe()
    while frame is not None:
        if type(frame.f_locals.get("self")).__name__ == "Worker" and "request" in frame.f_locals:
            return frame.f_locals["self"], frame.f_locals["request"]
        frame = frame.f_back

def frame(kind, nonce, body, blob=b"", text=None, size=None, transport=0):
    text = json.dumps(body).encode() if text is None else text
    head = struct.pack("<4sBBHIQQ", b"dlg1", kind, transport, 0, len(text), nonce, len(blob) if size is None else size)
    return head + text + blob

def answer(value, index=0, **more):
    return {"index": index, "value": value, "after": None, "cost": None, "table": [], **more}

def g(): return "honest"
"""
LOADED, RETURNED, RAISED, CALLBACK, ANSWER = 3, 5, 6, 7, 8


def hostile(body: str) -> str:
    """A submission whose f(x) knows the worker, its socket and the nonce."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    given = "    worker, request = inside()\n    s, n = worker.channel.sock, request.nonce"
    return f"{PRELUDE}\ndef f(x):\n{given}\n{lines}\n"


def outcome_of(reply: object) -> Outcome:
    assert isinstance(reply, Stopped), reply
    return reply.outcome


# -- messages that nobody asked for ------------------------------------------------------------------------------------

VIOLATIONS = {
    "another nonce": "s.sendall(frame(5, n ^ 1, answer(1)))",
    "nonce zero": "s.sendall(frame(5, 0, answer(1)))",
    "two answers": "s.sendall(frame(5, n, answer(1)) * 2)",
    "an answer and a byte": "s.sendall(frame(5, n, answer(1)) + b'.')",
    "a later call's answer": "s.sendall(frame(5, n, answer(1, index=1)))",
    "an earlier call's answer": "s.sendall(frame(5, n, answer(1, index=-1)))",
    "no index": "body = answer(1); del body['index']; s.sendall(frame(5, n, body))",
    "another part": "s.sendall(frame(5, n, answer(1, passed=True)))",
    "no value": "body = answer(1); del body['value']; s.sendall(frame(5, n, body))",
    "a table that lies": "s.sendall(frame(5, n, answer({'a': 0}, table=[['<f8', [9], 'C', False]])))",
    "an overflowing shape": "s.sendall(frame(5, n, answer({'a': 0}, table=[['<f8', [0, 2**40, 2**40], 'C', False]])))",
    "an object array": "s.sendall(frame(5, n, answer({'a': 0}, table=[['|O', [1], 'C', False]]), bytes(8)))",
    "a huge int": "s.sendall(frame(5, n, answer(10**4000)))",
    "a callable": "s.sendall(frame(5, n, answer({'c': 0})))",
    "a pickle": "import pickle; s.sendall(pickle.dumps({'outcome': 'passed'}) * 9)",
    "a report": "s.sendall(frame(5, n, {'schema': 'dlgrade.report/1', 'verdict': 'passed', 'points': 10}))",
    "noise": "s.sendall(os.urandom(1000))",
    "a frame of 2**62 bytes": "s.sendall(frame(5, n, answer(1), size=2**62))",
    "a megabyte more than due": "s.sendall(frame(5, n, answer(1), size=1 << 20))",
    "a JSON bomb": "s.sendall(frame(5, n, 0, text=b'[' * 900_000))",
    "JSON of another kind": "s.sendall(frame(5, n, [1]))",
    "no JSON": "s.sendall(frame(5, n, 0, text=b'PASS'))",
    "kind LOADED": "s.sendall(frame(3, n, {'defines': {'f': [], 'g': []}, 'others': []}))",
    "kind CALL": "s.sendall(frame(4, n, answer(1)))",
    "kind READY": "s.sendall(frame(1, n, answer(1)))",
    "kind 255": "s.sendall(frame(255, n, answer(1)))",
    "an exception without a name": "s.sendall(frame(6, n, {'index': 0, 'kinds': [], 'message': '', 'frames': []}))",
    "an exception of numbers": "s.sendall(frame(6, n, {'index': 0, 'kinds': [1], 'message': '', 'frames': []}))",
    "an exception without text": "s.sendall(frame(6, n, {'index': 0, 'kinds': ['E'], 'message': None, 'frames': []}))",
    "a traceback of text": "s.sendall(frame(6, n, {'index': 0, 'kinds': ['E'], 'message': '', 'frames': ['x']}))",
    "a line without number": "s.sendall(frame(6, n, dict(index=0, kinds=['E'], message='', frames=[['1', '', '']])))",
    "a line past any file": "s.sendall(frame(6, n, dict(index=0, kinds=['E'], message='', frames=[[2**99, '', '']])))",
    "another call's exception": "s.sendall(frame(6, n, {'index': 1, 'kinds': ['E'], 'message': '', 'frames': []}))",
    "a callback that nobody gave": "s.sendall(frame(7, n, {'callable': 0, 'args': [], 'table': []}))",
    "a callback below zero": "s.sendall(frame(7, n, {'callable': -1, 'args': [], 'table': []}))",
    "hanging up": "s.shutdown(socket.SHUT_RDWR)",
    "closing every file": "os.closerange(0, 99)",
    "every file that is open": "for fd in range(99):\n    try: os.write(fd, b'PASS' * 99)\n    except OSError: pass",
}  # fmt: skip


@posix_only
@pytest.mark.parametrize("attack", VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_message_that_was_not_due_is_a_violation(submit: Submit, attack: str) -> None:
    # Asleep afterwards, so that no honest answer comes behind the forged one and is found to be one too many.
    reply = ask(submit(hostile(attack + "\ntime.sleep(99)"), "f", "g"), np.zeros(2))
    assert outcome_of(reply) == Outcome.PROTOCOL_VIOLATION


def test_after_a_violation_the_next_call_has_a_new_worker(submit: Submit, started: list[launch.Process]) -> None:
    target = submit(hostile(VIOLATIONS["another nonce"]), "f", "g")
    assert outcome_of(ask(target, 1)) == Outcome.PROTOCOL_VIOLATION
    assert ask(target, name="g") == Returned("honest")
    assert len(started) == 2


AFTERWARDS = {
    "none": "None",
    "too few": "[{'a': 0}]",
    "too many": "[{'a': 0}, None, None]",
    "no list": "{'a': 0}",
}


@pytest.mark.parametrize("after", AFTERWARDS.values(), ids=AFTERWARDS)
def test_arguments_that_do_not_come_back_one_by_one_are_a_violation(submit: Submit, after: str) -> None:
    attack = f"s.sendall(frame(5, n, answer(1, after={after}, table=[['|u1', [8], 'C', False]]), bytes(8)))"
    attack += "; time.sleep(99)"
    reply = ask(submit(hostile(attack).replace("f(x)", "f(x, y)"), "f", "g"), np.zeros(2), 3, want_after=True)
    assert outcome_of(reply) == Outcome.PROTOCOL_VIOLATION


def test_arguments_that_come_back_as_something_else_are_gone(submit: Submit) -> None:
    """Whoever compares arguments gets arrays, or None, and nothing that breaks the comparison."""
    attack = "s.sendall(frame(5, n, answer(1, after=['text', {'x': 'y'}]))); time.sleep(9)"
    target = submit(hostile(attack).replace("f(x)", "f(x, y)"), "f", "g")
    assert ask(target, np.zeros(2), np.zeros(2), want_after=True) == Returned(1, (None, None))


def test_an_answer_before_the_question_is_a_violation(submit: Submit, started: list[launch.Process]) -> None:
    attack = """
        def forge():
            while not os.path.exists("heard"): time.sleep(0.01)
            s.sendall(frame(5, n, answer(1)))
        threading.Thread(target=forge, daemon=True).start()
        return 2
    """
    target = submit(hostile(attack), "f", "g")
    assert ask(target, 1) == Returned(2)
    Path(started[-1].scratch, "heard").touch()
    assert select.select([started[-1].sock], [], [], LONG)[0]
    assert outcome_of(ask(target, name="g")) == Outcome.PROTOCOL_VIOLATION


def test_an_answer_while_loading_is_a_violation(submit: Submit) -> None:
    target = submit(PRELUDE + "\nworker, request = inside()\nworker.channel.sock.sendall(frame(5, 7, answer(1)))\n")
    assert outcome_of(target.load()) == Outcome.PROTOCOL_VIOLATION


@pytest.mark.parametrize(
    "body",
    [
        "{'defines': {}, 'others': []}",
        "{'defines': {'f': [], 'g': [], 'h': []}, 'others': []}",
        "{'defines': {'f': 1, 'g': []}, 'others': []}",
        "{'defines': {'f': [['x']], 'g': []}, 'others': []}",
        "{'defines': {'f': [['x', 'VAR', 1]], 'g': []}, 'others': []}",
        "{'defines': {'f': [], 'g': []}, 'others': [1]}",
        "{'defines': {'f': [], 'g': []}, 'others': None}",
        "{'defines': None, 'others': []}",
    ],
)
def test_a_description_of_another_form_is_a_violation(submit: Submit, body: str) -> None:
    attack = f"worker, request = inside()\nworker.channel.sock.sendall(frame(3, request.nonce, {body}))\n"
    assert outcome_of(submit(PRELUDE + attack, "f", "g").load()) == Outcome.PROTOCOL_VIOLATION


def test_nonces_do_not_repeat_and_do_not_count(submit: Submit) -> None:
    target = submit(hostile("return n"), "f")
    nonces = [ask(target, 1).value for _ in range(50)]  # type: ignore[union-attr]
    assert len(set(nonces)) == 50
    assert max(nonces) > 2**60
    assert len({b - a for a, b in itertools.pairwise(nonces)}) > 40


@needs_memfd
@pytest.mark.parametrize(
    "files",
    ["[os.pipe()[0]]", "[os.open('/dev/zero', os.O_RDONLY)]", "[os.memfd_create('x')]", "[]"],
    ids=["pipe", "device", "unsealed", "none"],
)
def test_a_file_that_is_not_what_it_should_be_is_a_violation(submit: Submit, files: str) -> None:
    attack = f"""
        data = frame(5, n, answer({{'a': 0}}, table=[['<f8', [8], 'C', False]]), size=64, transport=1)
        files = {files}
        s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', files))] if files else [])
        time.sleep(9)
    """
    assert outcome_of(ask(submit(hostile(attack)), 1)) == Outcome.PROTOCOL_VIOLATION


@needs_memfd
def test_files_that_are_pushed_at_the_grader_do_not_fill_its_table(submit: Submit) -> None:
    attack = """
        s.sendall(frame(5, n, 0, text=b' ' * 1000)[:28])
        for _ in range(200):
            s.sendmsg([b' '], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [1] * 4))])
    """
    target = submit(hostile(attack))
    assert isinstance(target.load(), Loaded)
    before = open_files()
    assert outcome_of(ask(target, 1)) == Outcome.PROTOCOL_VIOLATION
    assert len(open_files()) < len(before)


def test_a_short_answer_cannot_take_much_memory(submit: Submit) -> None:
    attack = """
        table = [['<f8', [1 << 13], 'strided', False]]
        s.sendall(frame(5, n, answer([{'a': 0}] * 50_000, table=table), bytes(1 << 16)))
    """
    target = submit(hostile(attack))
    target.load()
    tracemalloc.start()
    try:
        ask(target, 1)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


# -- patience ----------------------------------------------------------------------------------------------------------

SLOW = {
    "drips": "for byte in frame(5, n, answer('x' * 9999)):\n    s.sendall(bytes([byte])); time.sleep(0.01)",
    "half a frame": "s.sendall(frame(5, n, answer(1))[:-3]); time.sleep(99)",
    "never reads": "time.sleep(99)",
    "stops": "import signal; s.sendall(b'dlg1'); os.kill(os.getpid(), signal.SIGSTOP)",
}


@posix_only
@pytest.mark.parametrize("attack", SLOW.values(), ids=SLOW)
def test_a_slow_answer_is_late_however_busy_it_looks(
    submit: Submit, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    monkeypatch.setattr(client, "WALL_FACTOR", 2.0)
    target = submit(hostile(attack))
    target.load()
    start = time.monotonic()
    assert outcome_of(ask(target, 1, seconds=HASTY)) == Outcome.TIMED_OUT
    assert time.monotonic() - start < 60


@posix_only
def test_a_worker_that_does_not_read_is_late(
    submit: Submit, started: list[launch.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WALL_FACTOR", 2.0)
    target = submit("def f(x): pass")
    assert ask(target, 1) == Returned(None)
    worker = started[-1].pid
    os.kill(worker, signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(worker, os.WUNTRACED)[1])
    reply = ask(target, "x" * 3_000_000, seconds=HASTY)
    assert outcome_of(reply) == Outcome.TIMED_OUT


def test_half_an_answer_and_an_end_is_a_crash(submit: Submit) -> None:
    reply = ask(submit(hostile("s.sendall(frame(5, n, answer(1))[:-3]); os._exit(0)")), 1)
    assert outcome_of(reply) == Outcome.CRASHED


# -- what it prints ----------------------------------------------------------------------------------------------------


def test_prints_are_kept_for_each_check(submit: Submit) -> None:
    target = submit(
        "import sys\nprint('loading')\ndef f(x):\n    print('x =', x)\n    print('oh', file=sys.stderr)\n    return x"
    )
    assert ask(target, 1) == Returned(1)
    assert target.take_output() == "loading\nx = 1\noh"
    assert target.take_output() == ""
    assert ask(target, 2) == Returned(2)
    assert target.take_output() == "x = 2\noh"


def test_a_hundred_megabytes_of_prints_are_counted_not_kept(submit: Submit) -> None:
    target = submit("import os\ndef f(n):\n    for _ in range(n): os.write(1, b'x' * 100_000)\n    return n")
    target.load()
    tracemalloc.start()
    try:
        assert ask(target, 1000) == Returned(1000)
        output = target.take_output()
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert len(output) < client.OUTPUT_LIMIT + 200
    assert output.startswith("xxxx")
    lost = int(output.rpartition("(")[2].partition(" ")[0].replace(",", ""))
    assert lost == 100_000_000 - 4 * client.OUTPUT_LIMIT
    assert ask(target, 0) == Returned(0)
    assert target.take_output() == ""


def test_prints_in_the_background_never_end_but_asking_does(submit: Submit) -> None:
    target = submit(
        """
        import os, threading
        def noise():
            while True: os.write(1, b"x" * 60_000)
        threading.Thread(target=noise, daemon=True).start()
        def f(x): return x
        """
    )
    for n in range(5):
        assert ask(target, n) == Returned(n)
        assert len(target.take_output()) < client.OUTPUT_LIMIT + 200


PRINTS = {
    "our frames": 'os.write(1, frame(5, n, answer("forged")) * 99); os.write(2, frame(5, n, answer("forged")) * 99)',
    "a verdict": 'print(json.dumps({"schema": "dlgrade.report/1", "verdict": "passed"}))',
    "bytes that are no text": "os.write(1, bytes(range(256)) * 99)",
    "nothing, with its prints closed": "for fd in (1, 2):\n    try: os.close(fd)\n    except OSError: pass",
    "into a pipe of its own": "r, w = os.pipe(); os.dup2(w, 1)",
}


@pytest.mark.parametrize("attack", PRINTS.values(), ids=PRINTS)
def test_prints_never_disturb_an_answer(submit: Submit, attack: str) -> None:
    target = submit(hostile(attack + "\nreturn x"))
    for n in range(3):
        assert ask(target, n) == Returned(n)
    assert len(target.take_output()) < 10 * client.OUTPUT_LIMIT  # an escape may take ten characters


NASTY = "\x1b]0;owned\x07\x1b[2J\x1b[31m\u202eevil\u2066\u200b\x00\x9b\r\ud800"


@pytest.mark.parametrize("place", ["print", "message", "kind", "code", "other", "line"])
def test_no_text_of_a_submission_can_command_a_terminal(submit: Submit, place: str) -> None:
    tame = ascii(NASTY.replace("\x00", "").replace("\ud800", ""))  # as far as names can hold it
    code = f"f.__code__ = (lambda x: 1 / x).__code__.replace(co_name={tame}, co_varnames=({tame},))"
    source = {
        "print": f"def f(x): print({tame})",
        "message": f"def f(x): raise ValueError({NASTY!a})",
        "kind": f"def f(x): raise type({tame}, (Exception,), {{}})",
        "code": f"def f(x): pass\n{code}",
        "other": f"def f(x): pass\nglobals()[{NASTY!a}] = lambda: 0",
        "line": f"def f(x): raise ValueError  # {NASTY[:-2]}".replace("\x00", ""),
    }[place]
    target = submit(source)
    loaded, reply = target.load(), ask(target, 0)
    assert isinstance(loaded, Loaded)
    parameters = loaded.defines["f"]
    assert isinstance(parameters, tuple)
    said = [target.take_output(), *loaded.others, *(parameter.name for parameter in parameters)]
    if isinstance(reply, Raised):
        said += [*reply.kinds, reply.message, *(f"{frame.function} {frame.text}" for frame in reply.frames)]
    assert any("evil" in text for text in said)
    for text in said:
        assert visible(text, limit=10_000, lines=True) == text  # nothing is left to escape


# -- what it does to its own process -----------------------------------------------------------------------------------

PATCHES = {
    "json": "import json; json.dumps = json.loads = json.JSONEncoder.encode = lambda *a, **k: '{}'",
    "struct": "import struct; struct.pack = struct.unpack = struct.Struct = None",
    "numpy": "import numpy; numpy.ascontiguousarray = numpy.frombuffer = numpy.asarray = lambda *a, **k: x",
    "numpy's comparison": "import numpy; numpy.allclose = numpy.array_equal = lambda *a, **k: True",
    "the wire's packer": "import wire; wire.Packer.pack = lambda self, value, depth=0: 1",
    "the wire's reader": "import wire; wire.Unpacker.unpack = lambda self, packed, depth=0: packed",
    "the wire's limits": "import wire; wire.JSON_LIMIT = wire.ITEM_LIMIT = 10**12",
    "the wire's frames": "import wire; wire.MAGIC = b'evil'",
    "the wire's channel": "import wire; wire.Channel.send = lambda *a, **k: None",
    "all of the wire": "import wire; wire.__dict__.clear()",
    "builtins": "import builtins; builtins.len = builtins.isinstance = builtins.type = lambda *a: 1",
    "modules": "import sys; sys.modules.clear()",
    "the socket": "import socket; socket.socket.sendall = socket.socket.recv = lambda *a: b''",
    "the recursion limit": "import sys; sys.setrecursionlimit(2**31 - 1)",
    "warnings": "import warnings; warnings.simplefilter('error'); import numpy; numpy.seterr(all='raise')",
    "the garbage collector": "import gc; [held.clear() for held in gc.get_objects() if type(held) is dict]",
    "its own limits": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))",
    "trace": "import sys; sys.settrace(lambda *a: 1 / 0)",
}


@posix_only
@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES)
def test_whatever_it_breaks_in_its_process_the_grader_gets_an_outcome(
    submit: Submit, monkeypatch: pytest.MonkeyPatch, patch: str
) -> None:
    """Not which outcome matters: it did the damage itself. What matters is that the answer is a plain value or none."""
    monkeypatch.setattr(client, "WALL_FACTOR", 2.0)
    target = submit(f"def f(x):\n    {patch}\n    return x * 2\ndef g(): return 'honest'", "f", "g")
    x = np.arange(3.0)
    target.load()
    for reply in (ask(target, x, seconds=HASTY), ask(target, x, seconds=HASTY)):
        assert isinstance(reply, (Returned, Raised, Stopped))
        if isinstance(reply, Returned):
            assert type(reply.value) in (np.ndarray, int, str, list, dict)
        if isinstance(reply, Stopped):
            assert reply.outcome in (Outcome.PROTOCOL_VIOLATION, Outcome.TIMED_OUT, Outcome.CRASHED)
    target.close()
    assert ask(target, name="g") == Returned("honest")


LIARS = {
    "equality": "class A(np.ndarray):\n    def __eq__(s, o): return True\n    __ne__ = __sub__ = __eq__",
    "conversion": "class A(np.ndarray):\n    def __array__(s, *a, **k): return np.ones(2)\n    dtype = shape = None",
    "ufuncs": "class A(np.ndarray):\n    def __array_ufunc__(s, *a, **k): return 0\n    def view(s, *a): return s",
}


@pytest.mark.parametrize("liar", LIARS.values(), ids=LIARS)
def test_a_result_that_lies_leaves_its_lies_behind(submit: Submit, liar: str) -> None:
    reply = ask(submit(f"import numpy as np\n{liar}\ndef f(x): return np.zeros(2).view(A)"), 1)
    assert isinstance(reply, (Returned, Raised, Stopped))
    if isinstance(reply, Returned):
        assert type(reply.value) is np.ndarray


@linux_only
def test_threads_of_a_submission_may_call_back_at_once_and_harm_only_themselves(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WALL_FACTOR", 2.0)
    target = submit(
        """
        import threading
        def f(step):
            threads = [threading.Thread(target=step, args=(n,)) for n in range(20)]
            [t.start() for t in threads]
            [t.join(0.02) for t in threads]
            return "done"
        def g(): return "honest"
        """,
        "f", "g",
    )  # fmt: skip
    reply = target.call_many([Call("f", (lambda n: n,))], seconds=HASTY)[0]
    assert isinstance(reply, (Returned, Stopped))
    target.close()
    assert ask(target, name="g") == Returned("honest")
    assert threading.active_count() < 10


@linux_only
def test_too_much_memory_is_refused_to_the_worker_not_taken_from_the_machine(submit: Submit) -> None:
    target = submit(
        """
        import numpy as np
        def f(n):
            held = []
            while True: held.append(np.empty(50 << 20, np.uint8))
        def g(): return "honest"
        """,
        "f", "g",
    )  # fmt: skip
    reply = ask(target, 1)
    assert isinstance(reply, Raised)
    assert "MemoryError" in reply.kinds
    assert ask(target, name="g") == Returned("honest")


@linux_only
def test_too_large_a_file_is_refused(submit: Submit) -> None:
    reply = ask(submit("def f():\n    with open('big', 'wb') as file:\n        while True: file.write(bytes(1 << 20))"))
    assert isinstance(reply, Raised)
    assert reply.kinds[0] == "OSError"


COSTS = {"none": "None", "negative": "-1", "huge": "2**70", "text": "'9'", "true": "True", "float": "1.0"}


@pytest.mark.parametrize("cost", COSTS.values(), ids=COSTS)
def test_a_cost_that_is_no_count_is_a_violation(submit: Submit, cost: str) -> None:
    attack = f"s.sendall(frame(5, n, answer(1, cost={cost}))); time.sleep(99)"
    reply = submit(hostile(attack), "f", "g").call_many([Call("f", (1,), measure="lines")], seconds=PATIENT)[0]
    assert outcome_of(reply) == Outcome.PROTOCOL_VIOLATION


def test_a_cost_that_nobody_asked_for_is_a_violation(submit: Submit) -> None:
    reply = ask(submit(hostile("s.sendall(frame(5, n, answer(1, cost=3))); time.sleep(99)"), "f", "g"), 1)
    assert outcome_of(reply) == Outcome.PROTOCOL_VIOLATION
