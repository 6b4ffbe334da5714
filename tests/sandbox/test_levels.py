"""Levels of isolation: reached by doing, refused with the reason, and nothing of a zygote is left behind."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from dlgrade.errors import GraderError, UsageError
from dlgrade.model import Outcome
from dlgrade.sandbox import client, forks, launch, levels
from dlgrade.sandbox.calls import Call, Raised, Returned, Stopped
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.forks import Unconfined, Zygote
from processes import LONG, alive, descendants, linux_only, running, until
from sandbox_targets import PATIENT, submission

pytestmark = linux_only


@pytest.fixture(scope="module", params=["strict", "landlock"])
def confined(request):
    """Workers at each level that this machine reaches."""
    try:
        with levels.workers("numpy", request.param) as workers:
            yield workers
    except UsageError as error:
        pytest.skip(str(error))


def target_of(workers, source, *names, **options):
    return WorkerTarget(
        submission(textwrap.dedent(source)), module="task", names=names or ("f",), start=workers.start, **options
    )


def ask(target, *args, name="f"):
    return target.call_many([Call(name, args)], seconds=PATIENT)[0]


# -- which level -------------------------------------------------------------------------------------------------------


def test_a_level_is_reached_by_doing_and_said(confined):
    with target_of(confined, "def f(x): return x * 2") as target:
        assert target.isolation == confined.isolation
        assert np.array_equal(ask(target, np.ones(3)).value, 2 * np.ones(3))


def test_auto_takes_the_highest_that_can_be_had(monkeypatch):
    made = []

    def reach(framework, level):
        made.append(level)
        if level == "strict":
            raise Unconfined("The level strict cannot be had here: unshare: no.")
        return forks.Nursery(framework, level)

    monkeypatch.setattr(levels, "reach", reach)
    monkeypatch.setattr(forks.Nursery, "__init__", lambda self, *args: setattr(self, "close", lambda: None))
    workers = levels.workers("numpy")
    assert made == ["strict", "landlock"]
    assert workers.isolation == "landlock"
    assert workers.missing == {"strict": "The level strict cannot be had here: unshare: no."}


def nothing(framework, level):
    raise Unconfined(f"The level {level} cannot be had here: no.")


def test_below_its_floor_nothing_is_run_unless_it_is_named(monkeypatch):
    monkeypatch.setattr(levels, "reach", nothing)
    with pytest.raises(UsageError) as error:
        levels.workers("numpy", floor="landlock")
    assert "below landlock" in str(error.value)
    assert "The level strict cannot be had here: no.\nThe level landlock cannot be had here: no." in str(error.value)
    assert "dlgrade doctor" in error.value.mend and "--isolation process" in error.value.mend
    assert levels.workers("numpy", "process", floor="landlock").isolation == "process"
    assert levels.workers("numpy").isolation == "process"


def test_a_level_that_is_named_is_that_or_nothing(monkeypatch):
    monkeypatch.setattr(levels, "reach", nothing)
    with pytest.raises(UsageError) as error:
        levels.workers("numpy", "strict")
    assert str(error.value).startswith("--isolation: The level strict cannot be had here: no.")


def test_it_needs_linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Unconfined, match="it needs Linux"):
        levels.reach("numpy", "landlock")


# What the kernel refuses, by a filter of ours around the whole grader: the calls, the errno, and what is reached.
KERNELS = {
    "without landlock": ([444, 445, 446], 38, "process", "landlock: Function not implemented"),
    "without user namespaces": ([272], 1, "landlock", "unshare: Operation not permitted"),
    "without pivot_root": ([155], 1, "landlock", "pivot_root: Operation not permitted"),
    "without mounts": ([165], 1, "landlock", "mount: Operation not permitted"),
    "without seccomp": (["PR_SET_SECCOMP"], 22, "process", "seccomp"),
    "without pidfds": ([434], 38, "process", ""),
}
AROUND = """
import sys
from dlgrade.sandbox import seccomp
calls, code = {calls!r}, {code}
steps = [(0x20, 0, 0, 0)]
for call in calls:
    if call == "PR_SET_SECCOMP":
        steps += [(0x15, 0, 4, 157), (0x20, 0, 0, 16), (0x15, 0, 1, 22), (0x06, 0, 0, 0x50000 | code), (0x20, 0, 0, 0)]
    else:
        steps += [(0x15, 0, 1, call), (0x06, 0, 0, 0x50000 | code)]
seccomp.install([*steps, (0x06, 0, 0, 0x7FFF0000)])
import json
from dlgrade.sandbox.levels import workers
with workers("numpy") as found:
    print(json.dumps([found.isolation, found.missing]))
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of its calls are x86-64's")
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_a_kernel_that_refuses_a_step(kernel):
    calls, code, level, why = kernel
    script = AROUND.format(calls=calls, code=code)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    reached, missing = json.loads(ran.stdout)
    best = levels.workers("numpy")
    best.close()
    if best.isolation != "strict":
        pytest.skip(f"this machine reaches {best.isolation} only, for reasons of its own")
    assert reached == level
    assert why in "\n".join(missing.values())
    assert set(missing) == set(levels.LEVELS[: levels.LEVELS.index(level)])


PRETENDING = {
    "seccomp": ("landlock", "self.seccomp.install(", "(lambda steps: None)(", "a socket could be made"),
    "landlock": ("landlock", "confine.enter_landlock(rules)", "pass", "the root folder could be listed"),
    "limits": ("landlock", "confine.limit(", "(lambda bounds: None)(", "its memory is not limited"),
    "root": ("strict", "confine.enter_root(", "(lambda *_: None)(", "the machine's own root folder is there"),
    "pid": ("strict", "self.namespaces.next()", "pass", "it is not alone in its process namespace"),
}


@pytest.mark.parametrize("layer", PRETENDING)
def test_a_layer_that_pretends_is_found_out(layer, monkeypatch):
    """The kernel says yes and does nothing: the worker tries its doors, and does not start."""
    level, old, new, said = PRETENDING[layer]
    try:
        levels.reach("numpy", level).close()
    except Unconfined as error:
        pytest.skip(str(error))
    original = Path(forks._ZYGOTE)
    zygote_source = original.read_text("utf-8")
    assert zygote_source.count(old) == 1
    folder = Path(launch.scratch_folder())
    try:
        for name in ("worker", "wire", "measure", "confine", "seccomp"):
            (folder / f"{name}.py").write_text(original.with_name(f"{name}.py").read_text("utf-8"), "utf-8")
        (folder / "zygote.py").write_text(zygote_source.replace(old, new), "utf-8")
        monkeypatch.setattr(forks, "_ZYGOTE", folder / "zygote.py")
        with pytest.raises(Unconfined, match=said):
            levels.reach("numpy", level).close()
    finally:
        launch.remove(folder)


# -- workers of a zygote -----------------------------------------------------------------------------------------------


def test_each_worker_is_fresh_and_random_states_come_from_the_grader(confined):
    source = """
    import random
    import numpy as np
    kept = []
    def f(x):
        kept.append(x)
        return [len(kept), random.random(), float(np.random.rand()), float(np.random.default_rng().random())]
    """
    told = []
    for seed in (1, 1, 2):
        with target_of(confined, source, seed=seed) as target:
            told.append(ask(target, 0).value)
    assert [each[0] for each in told] == [1, 1, 1], "what one left behind is not there for the next"
    assert told[0][1:3] == told[1][1:3] != told[2][1:3], "seeded by the grader"
    assert len({each[3] for each in told}) == 3, "fresh randomness is fresh in each"


def test_a_dead_worker_is_replaced_and_how_it_died_is_told(confined):
    source = """
    import os, signal, ctypes
    def f(how):
        if how == "exit": os._exit(3)
        if how == "abort": os.abort()
        if how == "segfault": ctypes.string_at(0)
        return how
    """
    with target_of(confined, source) as target:
        # The first process of a namespace ignores its own SIGABRT, and is then killed by what abort() does next.
        for how, said in (("exit", ["exit code 3"]), ("abort", ["SIGABRT", "SIGSEGV"])):
            reply = ask(target, how)
            assert isinstance(reply, Stopped) and reply.outcome == Outcome.CRASHED
            assert any(words in reply.message for words in said), reply
    with target_of(confined, source) as target:
        assert "SIGSEGV" in ask(target, "segfault").message
        assert ask(target, "fine") == Returned("fine")


def test_a_death_is_told_however_late_the_zygote_speaks(confined, monkeypatch):
    """On a busy machine whoever merely died is not accused of hanging up."""
    monkeypatch.setattr(client, "DYING_SECONDS", 0.5)
    with levels.workers("numpy", confined.isolation) as others:
        zygote = others.nursery._zygote._popen.pid
        with target_of(others, "import os\ndef f(x): os._exit(3)") as target:
            target.load()
            slow = ({zygote} | descendants(zygote)) - {target._process.pid}
            send = client._Session.send

            def go_on():
                for pid in slow:
                    os.kill(pid, signal.SIGCONT)

            late = threading.Timer(2.0, go_on)

            def stopped(session, *request):
                for pid in slow:
                    os.kill(pid, signal.SIGSTOP)
                late.start()
                send(session, *request)

            monkeypatch.setattr(client._Session, "send", stopped)
            reply = ask(target, 1)
            late.join()
            assert isinstance(reply, Stopped)
            assert (reply.outcome, "exit code 3" in reply.message) == (Outcome.CRASHED, True), reply


def test_a_limit_on_memory_is_told_as_one(confined):
    with target_of(confined, "import numpy as np\ndef f(n): return float(np.ones(n).sum())") as target:
        assert ask(target, 10**6) == Returned(1e6)
        reply = ask(target, 10**9)
        assert isinstance(reply, Raised) and "MemoryError" in reply.kinds
        assert ask(target, 10**6) == Returned(1e6)


def test_prints_and_callbacks_and_large_arrays_go_their_way(confined):
    source = """
    import sys
    def f(step, x):
        print("printed"); print("said", file=sys.stderr)
        return [step(i) for i in range(3)], x + 1
    """
    with target_of(confined, source) as target:
        reply = ask(target, lambda i: i * 10, np.zeros(300_000))
        assert reply.value[0] == [0, 10, 20]
        assert reply.value[1].sum() == 300_000
        assert target.take_output() == "printed\nsaid"


def test_deadlines_are_processor_time_as_ever(confined, monkeypatch):
    with target_of(confined, "def f(x):\n    while True: pass") as target:
        start = time.monotonic()
        reply = target.call_many([Call("f", (1,))], seconds=0.3)[0]
        assert isinstance(reply, Stopped) and reply.outcome == Outcome.TIMED_OUT
        assert time.monotonic() - start < 10


def test_a_zygote_is_replaced_after_so_many_forks(confined, monkeypatch):
    monkeypatch.setattr(forks, "FORKS_LIMIT", 2)
    with forks.Nursery("numpy", confined.isolation) as nursery:
        first = [nursery.worker() for _ in range(2)]
        zygote = nursery._zygote
        third = nursery.worker()
        assert nursery._zygote is not zygote
        assert zygote._popen.poll() is None, "its last workers are still running"
        for worker in (*first, third):
            worker.end()
    assert zygote._popen.poll() is not None


def test_a_zygote_that_has_a_second_thread_forks_nothing(tmp_path, monkeypatch):
    """A child would inherit the locks of a thread that it does not have, and hang."""
    site = launch.site_of("numpy")
    for entry in site.glob("numpy*"):
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.setitem(launch.FRAMEWORKS, "threaded", ("numpy", "threaded"))
    monkeypatch.setattr(launch, "site_of", lambda framework: tmp_path)
    try:
        with Zygote("threaded", "landlock") as zygote, pytest.raises(GraderError, match="the zygote has 2 threads"):
            zygote.worker()
    except Unconfined as error:
        pytest.skip(str(error))


GRADER = """
import sys
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.calls import Call
from dlgrade.sandbox.levels import workers
from dlgrade.model import Submission
source = b"def f(x):\\n    print('begun', flush=True)\\n    while True: pass\\n"
with workers("numpy", sys.argv[1]) as found:
    target = WorkerTarget(Submission("task.py", source, ""), module="task", names=["f"], start=found.start)
    target.load()
    print(*([found.nursery._zygote._popen.pid] if found.nursery else []), target._process.pid, flush=True)
    target.call_many([Call("f", (1,))], seconds=60)
"""


HOW = pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])


@HOW
def test_workers_die_with_the_grader(confined, how):
    ends_with_the_grader(confined.isolation, how, 2)


@HOW
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ties a process to its parent")
def test_a_worker_that_is_not_confined_dies_with_the_grader_too(how):
    ends_with_the_grader("process", how, 1)


def ends_with_the_grader(level, how, count):
    command = [sys.executable, "-c", GRADER, level]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as grader:
        pids = [int(word) for word in grader.stdout.readline().split()]
        assert len(pids) == count and all(alive(pid) for pid in pids)
        time.sleep(0.3)
        grader.send_signal(how)
        grader.wait(LONG)
        until(lambda: not any(map(alive, pids)))


def test_two_graders_at_once(confined):
    graders = [
        subprocess.Popen(
            [sys.executable, "-m", "dlgrade", "check", "--isolation", confined.isolation, "--format", "json", "--at",
             str(Path(__file__).parent.parent / "submissions" / "right" / "cross_entropy.py")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    reports = []
    for grader in graders:
        out, err = grader.communicate(timeout=120)
        assert grader.returncode == 0, err
        reports.append(json.loads(out))
    assert [report["isolation"] for report in reports] == [confined.isolation] * 2
    assert [report["verdict"] for report in reports] == ["passed"] * 2


LIMITED = """
import resource, sys
from dlgrade.errors import GraderError
from dlgrade.sandbox.levels import workers
from dlgrade.sandbox import launch
found = workers("numpy", sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]),) * 2)
held = []
try:
    while True: held.append(found.start())
except GraderError as error:
    print(type(error).__name__, error)
for each in held: each.end()
found.close()
"""


@pytest.mark.parametrize("level", ["strict", "landlock", "process"])
def test_out_of_file_descriptors_is_the_graders_fault(level):
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, level, "24"], capture_output=True, text=True, timeout=120, check=False
    )
    if "UsageError" in ran.stderr:
        pytest.skip(f"{level} cannot be had here")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("GraderError A worker "), ran.stdout
    assert "Too many open files" in ran.stdout


@pytest.mark.parametrize("level", ["strict", "landlock", "process"])
def test_a_full_disk_is_the_graders_fault(level, monkeypatch):
    """Simulated where folders are made: no test fills a disk."""

    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/dlgrade-x")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(GraderError, match="No folder could be made for a worker: No space left on device") as error:
        levels.workers("numpy", level).start()
    assert "TMPDIR" in error.value.mend


def test_nothing_of_a_zygote_is_left(confined, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = sorted(Path("/proc/self/fd").iterdir())
    with levels.workers("numpy", confined.isolation) as workers:
        with target_of(workers, "def f(x): return x") as target:
            assert ask(target, 1) == Returned(1)
        pid = workers.nursery._zygote._popen.pid
    assert not alive(pid)
    assert list(tmp_path.iterdir()) == []
    assert len(sorted(Path("/proc/self/fd").iterdir())) <= len(files)


# -- what a worker cannot do -------------------------------------------------------------------------------------------

FORBIDDEN = {
    "read a file": "open('/etc/passwd').read()",
    "list the root": "os.listdir('/')",
    "list the temporary folder": "os.listdir('/tmp')",
    "read /proc": "open('/proc/self/environ').read()",
    "write a file": "open('/tmp/x', 'w')",
    "files without end": "[os.dup(1) for _ in range(100)]",
    "write beside the interpreter": "open(os.__file__ + '.x', 'w')",
    "make a folder": "os.mkdir('/tmp/dlgrade-made')",
    "remove a file": "os.unlink('/etc/passwd')",
    "rename a file": "os.rename('/etc/passwd', '/etc/x')",
    "change the folder": "os.chdir('/etc')",
    "change modes": "os.chmod('/', 0o777)",
    "a socket": "socket.socket()",
    "a local socket": "socket.socket(socket.AF_UNIX)",
    "a pair of sockets": "socket.socketpair()",
    "a process": "ctypes_call('fork')",
    "a process by posix_spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "another program": "ctypes_call('execv', b'/bin/true', None)",
    "a signal": "os.kill(1, 0)",
    "a signal to all": "os.kill(-1, 9)",
    "a signal to the parent": "os.kill(os.getppid(), 9)",
    "tracing": "ctypes_call('ptrace', 0, 0, 0, 0)",
    "another's memory": "ctypes_call('process_vm_readv', 1, None, 0, None, 0, 0)",
    "namespaces": "ctypes_call('unshare', 0x10000000)",
    "mounts": "ctypes_call('mount', b'none', b'/tmp', b'tmpfs', 0, None)",
    "another user": "os.setuid(0)",
    "its limits": "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "its name": "ctypes_call('prctl', 15, b'sshd', 0, 0, 0)",
    "to be dumped": "ctypes_call('prctl', 4, 1, 0, 0, 0)",
    "its deathbed": "ctypes_call('prctl', 1, 0, 0, 0, 0)",
    "shared memory": "ctypes_call('shmget', 1, 4096, 0o1666)",
    "keys": "ctypes_call('syscall', 250, 0, 0, 0, 0, 0)",
    "io_uring": "ctypes_call('syscall', 425, 8, 0)",
    "bpf": "ctypes_call('syscall', 321, 0, 0, 0)",
    "the clock": "time.clock_settime(time.CLOCK_REALTIME, 0)",
    "the host's name": "socket.sethostname('x')",
    "a queue": "ctypes_call('mq_open', b'/x', 0o102, 0o600, None)",
    "priorities": "os.nice(-5)",
    "a terminal": "ctypes_call('ioctl', 1, 0x5412, b'x')",
}


@pytest.mark.parametrize("attempt", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_a_confined_worker_cannot_do(confined, attempt):
    source = f"""
    import ctypes, os, resource, signal, socket, time
    def ctypes_call(name, *args):
        libc = ctypes.CDLL(None, use_errno=True)
        if getattr(libc, name)(*args) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    def f(x):
        try:
            {attempt}
        except (OSError, ImportError, ValueError):
            return "refused"
        return "done"
    """
    with target_of(confined, source) as target:
        assert ask(target, 0) == Returned("refused")


def test_at_strict_it_does_not_even_see_which_files_there_are(tmp_path):
    try:
        workers = levels.workers("numpy", "strict")
    except UsageError as error:
        pytest.skip(str(error))
    source = """
    import os
    def f(paths):
        return [os.path.exists(path) for path in paths] + [os.getpid()]
    """
    here = [str(Path(__file__).resolve()), str(tmp_path), "/etc/passwd", "/proc/self", "/sys", "/dev/null"]
    import scipy

    with workers, target_of(workers, source) as target:
        visible = [str(Path(np.__file__)), os.__file__]
        value = ask(target, [*here, scipy.__file__, *visible]).value
        assert value == [False] * (len(here) + 1) + [True, True, 1]


@pytest.mark.parametrize("level", ["strict", "landlock", "auto"])
def test_without_proc_nothing_pretends(level):
    """Taken away for the test's own processes only, in a mount namespace of theirs."""
    right = Path(__file__).parent.parent / "submissions" / "right" / "cross_entropy.py"
    command = f'umount -l /proc && exec "$0" -m dlgrade check --isolation {level} --format json --at "$1"'
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command, sys.executable, str(right)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if "unshare" in ran.stderr or "umount" in ran.stderr:
        pytest.skip(f"no namespace can be made for the test: {ran.stderr.strip()}")
    if level == "auto":
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["isolation"] == "process"
    else:
        assert ran.returncode == 2
        assert f"The level {level} cannot be had here: /proc/self/maps: No such file or directory." in ran.stderr
