"""The list of system calls is what the work needs: the work is traced again, and nothing is on the list for nothing."""

import errno
import platform
import sys

import numpy as np
import pytest
from dlgrade.sandbox import launch, seccomp
from dlgrade.sandbox.calls import Call, Returned
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.forks import Unconfined, Zygote
from sandbox_targets import PATIENT, submission

x86_64_linux_only = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="tracing is written for x86-64 Linux only"
)

NUMPY_WORK = """
import threading, time
import numpy as np

def small(x):
    print("a line")
    return x * 2

def large(n):
    return np.ones(n)

def ask(step):
    return [step(i) for i in range(3)]

def fail(x):
    import fractions, statistics, json, dataclasses, collections, itertools, functools, textwrap
    raise ValueError("no")

def algebra(x):
    from numpy.polynomial import chebyshev
    rng = np.random.default_rng()
    y = rng.normal(size=(300, 300))
    parts = [np.linalg.svd(x), np.linalg.inv(x), np.linalg.eigh(x @ x.T), np.linalg.qr(x), np.fft.fft2(x), y @ y.T]
    parts += [np.einsum("ij,jk->ik", x, x), np.sort(y, axis=0), np.pad(x, 2), np.median(y), np.unique(y)]
    parts += [np.lib.stride_tricks.sliding_window_view(x, (2, 2)), np.histogram(y), np.random.rand(3)]
    parts += [chebyshev.chebval(0.5, [1, 2]), np.where(y > 0)]
    return len(parts)

def grow(n):
    kept = [bytes(1000) for _ in range(n)]
    kept += [np.zeros(n) for _ in range(20)]
    kept = np.concatenate(kept[-20:])
    kept.resize(40 * n, refcheck=False)
    return len(kept)

def threads(n):
    done = []
    some = [threading.Thread(target=lambda: done.append(np.ones((50, 50)) @ np.ones((50, 50)))) for _ in range(n)]
    for one in some: one.start()
    for one in some: one.join()
    time.sleep(0.001)
    lock = threading.Lock()
    with lock: pass
    return len(done)

def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)

def memory_error(n):
    try:
        np.ones(n)
    except MemoryError:
        return -1
"""
NUMPY_CALLS = [
    Call("small", (np.ones(3),)), Call("large", (400_000,)), Call("small", (np.ones(400_000),)),
    Call("ask", (lambda i: i * 2.0,)), Call("fail", (1,)), Call("algebra", (np.eye(20) * 2 + 0.1,)),
    Call("grow", (100_000,)), Call("threads", (3,)), Call("deep", (500,)), Call("memory_error", (10**10,)),
    Call("small", (np.ones(3),), measure="memory"), Call("small", (np.ones(3),), measure="lines"),
]  # fmt: skip

TORCH_WORK = """
import torch
import torch.nn.functional as F

def work(n):
    x = torch.randn(n, n, requires_grad=True)
    w = torch.randn(4, 3, 3, 3, requires_grad=True)
    loss = torch.softmax(x @ x.T, 1).log().sum() + F.conv2d(torch.randn(2, 3, 16, 16), w, padding=1).pow(2).mean()
    loss.backward()
    torch.linalg.svd(x.detach()); torch.fft.fft(x.detach()); torch.einsum("ij,jk->ik", x.detach(), x.detach())
    y = torch.nn.LSTM(4, 4)(torch.randn(3, 2, 4))[0]
    y.sum().backward()
    return float(loss.detach()) + float(x.detach().unfold(0, 2, 1).sum()) * 0
"""
TORCH_CALLS = [Call("work", (64,)), Call("work", (64,))]

SELDOM = {
    "tgkill": "abort()",
    "rt_sigreturn": "where a signal arrives",
    "sigaltstack": "faulthandler, and threads in newer versions",
    "readlink": "paths that are links",
    "readlinkat": "the same on machines without readlink",
    "mbind": "torch on machines of several memory nodes",
    "clone": "threads, since clone3 is refused",
    "exit_group": "exit()",
    "exit": "threads that end while the process goes on",
    "sched_yield": "locks that are fought for",
    "clock_gettime": "clocks where the kernel's page of them is not mapped",
    "clock_getres": "the same",
    "getrusage": "time.process_time where there is no clock for it",
    "prlimit64": "the size of a new thread's stack",
    "uname": "platform.uname()",
    "sysinfo": "the C library's qsort, for large arrays",
    "getuid": "os.getuid()", "geteuid": "os.path.expanduser()", "getgid": "os.getgid()", "getegid": "os.getegid()",
    "getcwd": "relative entries of the path",
    "sched_getaffinity": "os.process_cpu_count()",
    "recvfrom": "sockets without files", "sendto": "the same",
    "arch_prctl": "threads of older C libraries", "rseq": "newer C libraries", "set_robust_list": "threads",
    "pread64": "shared libraries that are loaded late", "mremap": "arrays that grow", "madvise": "memory given back",
    "getpid": "random states", "gettid": "threads", "getdents64": "modules that are imported late",
    "ftruncate": "memory files that are made by their size",
    "clock_nanosleep": "sleep()", "fstat": "older C libraries", "brk": "small memory", "mprotect": "stacks of threads",
}  # fmt: skip
"""What is on the list although a run of this work need not make it on this machine, with what makes it."""


@pytest.fixture(scope="module")
def traced():
    """The names of the system calls that the work makes."""
    from syscall_tracer import Tracer

    known = {number: name for name, number in seccomp.machine().numbers.items()}

    def trace(framework, source, calls):
        names = tuple({call.name: None for call in calls})
        try:
            zygote = Zygote(framework, "landlock", without=("seccomp",), memory=1 << 36)
        except Unconfined as error:
            pytest.skip(str(error))
        with zygote, WorkerTarget(submission(source), module="task", names=names, start=zygote.worker) as target:
            target.load()
            process = target._process
            tracer = Tracer(process.pid)
            try:
                tracer.attach()
            except OSError as error:
                pytest.skip(f"processes may not be traced here: {error}")
            replies = target.call_many(calls, seconds=PATIENT)
            assert len(replies) == len(calls), replies
            target.close()
            tracer.join(10)
        return {known.get(number, f"number {number}") for number in tracer.calls}, replies

    return trace


@x86_64_linux_only
def test_numpy_work_makes_no_call_that_is_not_on_the_list(traced):
    seen, replies = traced("numpy", NUMPY_WORK, NUMPY_CALLS)
    assert [type(reply) for reply in replies].count(Returned) == len(NUMPY_CALLS) - 1
    listed = {*seccomp.ALLOWED, *seccomp.conditions(1), *seccomp.REFUSED}
    assert seen - listed == set()
    unneeded = {*seccomp.ALLOWED, *seccomp.conditions(1)} - seen - set(SELDOM)
    assert unneeded == set(), "on the list, and neither seen nor explained"


@x86_64_linux_only
def test_torch_work_makes_no_call_that_is_not_on_the_list(traced, monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setitem(launch.FRAMEWORKS, "torch", ("typing_extensions", "sympy", "torch", "numpy"))
    seen, replies = traced("torch", TORCH_WORK, TORCH_CALLS)
    assert all(isinstance(reply, Returned) for reply in replies), replies
    assert seen - {*seccomp.ALLOWED, *seccomp.conditions(1), *seccomp.REFUSED} == set()


@pytest.mark.parametrize("level", ["landlock", "strict"])
def test_the_same_work_is_done_under_the_filter(level):
    try:
        zygote = Zygote("numpy", level)
        names = tuple({call.name: None for call in NUMPY_CALLS})
        with zygote, WorkerTarget(submission(NUMPY_WORK), module="task", names=names, start=zygote.worker) as target:
            replies = target.call_many(NUMPY_CALLS, seconds=PATIENT)
            assert [type(r) for r in replies].count(Returned) == len(NUMPY_CALLS) - 1, replies
            assert target.take_output() == "a line\n" * 3 + "a line"
    except Unconfined as error:
        pytest.skip(str(error))


# -- the filter itself, run here as the kernel would -------------------------------------------------------------------


def verdict(steps, number, *arguments, arch=None, machine=None):
    """What a filter says of a call: 0 for allowed, an errno, or None for death."""
    machine = machine or seccomp.MACHINES["x86_64"]
    words = {0: number, 4: machine.audit if arch is None else arch}
    for place, value in enumerate(arguments):
        words[16 + 8 * place] = value & 0xFFFFFFFF
    at, held = 0, 0
    while True:
        code, yes, no, operand = steps[at]
        at += 1
        if code == 0x20:
            held = words.get(operand, 0)
        elif code == 0x54:
            held &= operand
        elif code in (0x15, 0x35):
            at += yes if (held == operand if code == 0x15 else held >= operand) else no
        else:
            return {0x7FFF: 0, 0x8000: None}.get(operand >> 16, operand & 0xFFFF)


@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_each_machine_has_a_number_for_each_call(name):
    machine = seccomp.MACHINES[name]
    only_x86 = {"readlink", "arch_prctl"}
    for call in (*seccomp.ALLOWED, *seccomp.conditions(1), *seccomp.REFUSED):
        assert call in machine.numbers or (name != "x86_64" and call in only_x86), call
    assert len(set(machine.numbers.values())) == len(machine.numbers)
    steps = seccomp.program(machine, 7)
    assert len(steps) < 4096
    for call in seccomp.ALLOWED:
        if call in machine.numbers:
            assert verdict(steps, machine.numbers[call], machine=machine) == 0, call
    for call, code in seccomp.REFUSED.items():
        assert verdict(steps, machine.numbers[call], machine=machine) == code


def test_what_is_not_on_the_list_is_refused_and_foreign_calls_kill():
    steps = seccomp.program(seccomp.MACHINES["x86_64"], 7)
    listed = set(seccomp.MACHINES["x86_64"].numbers.values())
    for number in set(range(500)) - listed:
        assert verdict(steps, number) == errno.EPERM, number
    assert verdict(steps, 0, arch=0x40000003) is None, "a call of the 32-bit machine"
    assert verdict(steps, 0x40000000) is None, "a call of x32"


CONDITIONS = {
    "a thread": ("clone", (0x3D0F00,), 0),
    "a process": ("clone", (17,), errno.EPERM),
    "a file that is read": ("openat", (0, 0, 0o2000000), 0),
    "a file that is written": ("openat", (0, 0, 0o1), errno.EPERM),
    "a file that is read and written": ("openat", (0, 0, 0o2), errno.EPERM),
    "a file that is made": ("openat", (0, 0, 0o100), errno.EPERM),
    "a file without a name": ("openat", (0, 0, 0o20200000), errno.EPERM),
    "sealing": ("fcntl", (3, 1033), 0),
    "a signal to an owner": ("fcntl", (3, 8, 1), errno.EPERM),
    "a signal to an owner, newer": ("fcntl", (3, 15, 1), errno.EPERM),
    "its own abort": ("tgkill", (7, 7, 6), 0),
    "another's abort": ("tgkill", (8, 8, 6), errno.EPERM),
    "its own limits": ("prlimit64", (0, 7), 0),
    "another's limits": ("prlimit64", (8, 7), errno.EPERM),
}


@pytest.mark.parametrize("call, arguments, code", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_arguments_that_are_looked_at(name, call, arguments, code):
    machine = seccomp.MACHINES[name]
    assert verdict(seccomp.program(machine, 7), machine.numbers[call], *arguments, machine=machine) == code


def test_a_machine_without_a_table_is_not_confined(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="no table of system calls for riscv64"):
        seccomp.machine()
