"""Cgroups where they are delegated. Made-up folders stand for the kernel's: few machines have them to be had."""

import os
import signal
from pathlib import Path

import pytest
from dlgrade.model import Outcome
from dlgrade.sandbox import cgroup, forks
from dlgrade.sandbox.calls import Call, Stopped
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.forks import Unconfined, Zygote
from processes import linux_only
from sandbox_targets import submission

pytestmark = linux_only


@pytest.fixture
def kernel(tmp_path):
    """A cgroup of this process with everything delegated."""
    here = tmp_path / "cgroup" / "user" / "scope"
    here.mkdir(parents=True)
    (here / "cgroup.controllers").write_text("cpu memory pids\n")
    (here / "cgroup.subtree_control").write_text("\n")
    (here / "cgroup.procs").write_text("")
    own = tmp_path / "own"
    own.write_text("12:memory:/old\n0::/user/scope\n")
    return tmp_path / "cgroup", own, here


def test_this_process_moves_aside_before_it_limits_what_is_below(kernel):
    mount, own, here = kernel
    groups = cgroup.delegated(mount, own)
    assert groups.folder == here
    assert (here / "grader" / "cgroup.procs").read_text() == str(os.getpid())
    assert (here / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_it_moves_only_once(kernel):
    mount, own, here = kernel
    (here / "cgroup.subtree_control").write_text("memory pids\n")
    own.write_text("0::/user/scope/grader\n")
    assert cgroup.delegated(mount, own).folder == here
    assert not (here / "grader").exists()


def spoil(what):
    def change(mount, own, here):
        if what == "version 1 only":
            own.write_text("12:memory:/old\n")
        elif what == "no memory controller":
            (here / "cgroup.controllers").write_text("cpu hugetlb\n")
        elif what == "no such folder":
            own.write_text("0::/elsewhere\n")
        elif what == "no /proc":
            own.unlink()
        else:
            (here / "cgroup.subtree_control").unlink()
            (here / "cgroup.subtree_control").mkdir()

    return change


@pytest.mark.parametrize(
    "what", ["version 1 only", "no memory controller", "no such folder", "no /proc", "control cannot be written"]
)
def test_where_nothing_is_delegated_there_are_none(kernel, what):
    mount, own, here = kernel
    spoil(what)(mount, own, here)
    assert cgroup.delegated(mount, own) is None


def test_a_group_has_its_limits_and_says_whether_they_killed(kernel):
    mount, own, _ = kernel
    group = cgroup.delegated(mount, own).new(1 << 30)
    assert (group.folder / "memory.max").read_text() == str(1 << 30)
    assert (group.folder / "memory.swap.max").read_text() == "0"
    assert int((group.folder / "pids.max").read_text()) == cgroup.TASKS_LIMIT
    group.add(77)
    assert (group.folder / "cgroup.procs").read_text() == "77"
    assert not group.ran_out()
    (group.folder / "memory.events").write_text("low 0\noom 1\noom_kill 0\n")
    assert not group.ran_out()
    (group.folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.ran_out()
    group.remove()
    assert (group.folder / "cgroup.kill").read_text() == "1", "the kernel's own files do not keep a folder from going"


def test_a_worker_that_the_kernel_kills_for_its_memory_is_told_as_one(kernel, monkeypatch):
    mount, own, _ = kernel
    monkeypatch.setattr(forks, "delegated", lambda: cgroup.delegated(mount, own))
    try:
        with (
            Zygote("numpy", "landlock") as zygote,
            WorkerTarget(
                submission("def f(x):\n    while True: pass"), module="task", names=("f",), start=zygote.worker
            ) as target,
        ):
            target.load()
            process = target._process
            assert (process.group.folder / "cgroup.procs").read_text() == str(process.pid)
            (process.group.folder / "memory.events").write_text("oom_kill 1\n")
            signal.pidfd_send_signal(process.handle, signal.SIGKILL)
            reply = target.call_many([Call("f", (1,))])[0]
            assert reply == Stopped(Outcome.OUT_OF_MEMORY, "It ran out of memory.")
    except Unconfined as error:
        pytest.skip(str(error))


@pytest.mark.skipif(cgroup.delegated() is None, reason="no cgroup v2 is delegated to this process")
def test_the_kernels_own_limit():
    group = cgroup.delegated().new(1 << 30)
    assert Path(group.folder, "memory.max").read_text().strip() == str(1 << 30)
    group.remove()
