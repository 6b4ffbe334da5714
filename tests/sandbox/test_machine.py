"""What is found out about a machine: fake roots for what cannot be provoked here, and real refusals for what can."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from dlgrade.errors import GraderError
from dlgrade.sandbox import machine as machines
from dlgrade.sandbox import refusal as refusals
from dlgrade.sandbox.forks import Unconfined
from dlgrade.sandbox.machine import Machine, ask_torch, blas, container, graphics, memory_group, noise, without_paths
from dlgrade.sandbox.refusal import Refusal, advice, isolation

GROUPS = "0::/user.slice/user-1000.slice/session-2.scope\n"
GROUP = "sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope"
MOUNTS = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"
ORDINARY = "CapEff:\t0000000000000000\nSeccomp:\t0\n"
FILTERED = "CapEff:\t00000000a80425fb\nSeccomp:\t2\n"
ROOT = "CapEff:\t000001ffffffffff\nSeccomp:\t0\n"
USERNS = "proc/sys/kernel/apparmor_restrict_unprivileged_userns"
CPU = "sys/devices/system/cpu"


@pytest.fixture
def fake(tmp_path: Path) -> Any:
    """A machine whose files are these; what a file holds may be bytes, and None makes a folder of its name."""

    def make(files: dict[str, str | bytes | None] | None = None, **options: Any) -> Machine:
        for name, held in (files or {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if held is None:
                path.mkdir()
            else:
                path.write_bytes(held if isinstance(held, bytes) else held.encode())
        plain = {"system": "Linux", "release": "6.8.0-45-generic", "cores": 8, "usable": 8, "load": 0.4}
        return Machine(root=tmp_path, **{**plain, **options})

    return make


def said(level: str, what: str, machine: Machine) -> str:
    """The advice on an error, as one text."""
    found = advice(level, Refusal.read(f"The level {level} cannot be had here: {what}."), machine)
    return "\n".join(f"{one.says} {one.command or ''}" for one in found)


def looked(machine: Machine, name: str) -> machines.Noise:
    return next(one for one in noise(machine) if one.name == name)


# -- levels ------------------------------------------------------------------------------------------------------------


class Nothing:
    """Stands for a nursery and for a worker that is ready."""

    def __init__(self) -> None:
        self.sock, self.other = socket.socketpair()
        self.other.send(b"x")
        self.ended = 0

    def close(self) -> None:
        self.end()

    def end(self) -> None:
        self.sock.close()
        self.other.close()
        self.ended += 1


def refusing(**errors: Exception) -> Any:
    def reach(framework: str, level: str) -> Any:
        if level in errors:
            raise errors[level]
        return Nothing()

    return reach


def test_the_highest_level_that_is_reached(fake: Any) -> None:
    assert isolation(fake(), reach=refusing(), start=lambda _: Nothing()).level == "strict"
    no = Unconfined("The level strict cannot be had here: unshare: Operation not permitted.")
    found = isolation(fake(), reach=refusing(strict=no), start=lambda _: Nothing())
    assert found.level == "landlock"
    assert [level.state for level in found.levels] == ["refused", "reached", "reached"]
    assert found.levels[0].refused == "unshare: Operation not permitted"
    assert found.levels[0].advice and not found.levels[1].advice


def test_what_was_started_is_ended(fake: Any) -> None:
    made: list[Nothing] = []

    def start(*_: str) -> Nothing:
        made.append(Nothing())
        return made[-1]

    isolation(fake(), reach=start, start=start)
    assert [one.ended for one in made] == [1, 1, 1]


@pytest.mark.parametrize("error", [GraderError("A zygote does not answer."), OSError(errno.EMFILE, "Too many files")])
def test_a_failure_that_is_no_refusal_is_broken(fake: Any, error: Exception) -> None:
    found = isolation(fake(), reach=refusing(strict=error, landlock=error), start=lambda _: Nothing())
    assert [level.state for level in found.levels] == ["broken", "broken", "reached"]
    assert found.level == "process"
    assert "report" in found.levels[0].advice[0].says


def test_a_worker_that_does_not_start_is_broken(fake: Any) -> None:
    class Dead(Nothing):
        def __init__(self) -> None:
            super().__init__()
            self.sock.recv(1)
            self.other.close()
            self.output = Path("/dev/null").open("rb")  # noqa: SIM115 -- closed with the worker

        def end(self) -> None:
            self.output.close()
            super().end()

    found = isolation(fake(), reach=refusing(), start=lambda _: Dead())
    assert [level.state for level in found.levels] == ["reached", "reached", "broken"]
    assert found.levels[2].refused is not None and "does not start" in found.levels[2].refused


@pytest.mark.parametrize(
    ("system", "word"), [("Darwin", "virtual machine"), ("Windows", "WSL 2"), ("FreeBSD", "virtual machine")]
)
def test_where_there_is_no_linux(fake: Any, system: str, word: str) -> None:
    no = Unconfined("The level strict cannot be had here: it needs Linux.")
    found = isolation(
        fake(system=system, usable=None, load=None), reach=refusing(strict=no, landlock=no), start=lambda _: Nothing()
    )
    assert (found.level, found.container) == ("process", None)
    assert word in found.levels[0].advice[0].says
    assert not found.memory_group.delegated and not found.memory_group.advice


# -- advice ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what",
    [
        "/proc/self/setgroups: Permission denied",
        "/proc/self/uid_map: Operation not permitted",
        "[Errno 1] Operation not permitted",  # of a write, which Python does not name the file of
    ],
)
def test_ubuntu_says_no_when_the_map_is_written(fake: Any, what: str) -> None:
    found = said("strict", what, fake({USERNS: "1\n", "proc/self/status": ORDINARY}))
    assert "AppArmor" in found
    assert "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" in found
    assert "/etc/sysctl.d" in found and "docker" not in found


@pytest.mark.parametrize(
    ("uid", "capabilities", "told"),
    [("0", "0", True), ("1000", "0", False), ("0", "80000000", False), ("x", "x", False)],
)
def test_root_without_a_capability(fake: Any, uid: str, capabilities: str, told: bool) -> None:
    machine = fake({"proc/self/status": f"Uid:\t{uid}\t0\nCapEff:\t{capabilities}\n"})
    assert ("SETFCAP" in said("strict", "[Errno 1] Operation not permitted", machine)) == told
    assert "SETFCAP" not in said("strict", "unshare: Operation not permitted", machine)


def test_root_is_not_told_of_settings_for_others(fake: Any) -> None:
    machine = fake({USERNS: "1", "proc/self/status": ROOT, "proc/sys/kernel/unprivileged_userns_clone": "0"})
    assert "sysctl" not in said("strict", "unshare: Operation not permitted", machine)


@pytest.mark.parametrize(
    ("setting", "value", "what", "command"),
    [
        ("kernel/unprivileged_userns_clone", "0", "Operation not permitted", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "No space left on device", "user.max_user_namespaces=15000"),
    ],
)
def test_settings_that_forbid_namespaces(fake: Any, setting: str, value: str, what: str, command: str) -> None:
    machine = fake({f"proc/sys/{setting}": f"{value}\n", "proc/self/status": ORDINARY})
    assert f"sudo sysctl -w {command}" in said("strict", f"unshare: {what}", machine)
    allowed = fake({f"proc/sys/{setting}": "1\n"})
    assert command not in said("strict", "unshare: Operation not permitted", allowed)


def test_namespaces_that_are_used_up(fake: Any) -> None:
    machine = fake({"proc/sys/user/max_user_namespaces": "63000", "proc/self/status": ORDINARY})
    assert "used up" in said("strict", "unshare: No space left on device", machine)


@pytest.mark.parametrize(
    ("marks", "kind", "word"),
    [
        (
            {".dockerenv": ""},
            "docker",
            "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined",
        ),
        (
            {"run/.containerenv": ""},
            "podman",
            "podman run --security-opt seccomp=unconfined --security-opt label=disable",
        ),
        ({"run/secrets/kubernetes.io/token": ""}, "kubernetes", "seccompProfile: {type: Unconfined}"),
        ({"proc/1/cgroup": "3:cpu:/docker/0123abcd\n"}, "docker", "--cap-add SYS_ADMIN` alone is not enough"),
        ({"proc/1/cgroup": "0::/kubepods.slice/pod1\n", ".dockerenv": ""}, "kubernetes", "securityContext"),
        ({"proc/1/cgroup": "0::/machine.slice/libpod-0123.scope\n"}, "podman", "podman run"),
        ({"dev/lxd/sock": ""}, "lxc", "security.nesting=true"),
        ({"run/host/container-manager": "systemd-nspawn"}, "other", "unshare, setns, mount, umount2 and pivot_root"),
    ],
)
@pytest.mark.parametrize("step", ["unshare: Operation not permitted", "mount: Permission denied"])
def test_a_container_is_started_otherwise(fake: Any, marks: Any, kind: str, word: str, step: str) -> None:
    machine = fake({**marks, "proc/self/status": FILTERED})
    assert container(machine) == kind
    assert word in said("strict", step, machine)


def test_an_unconfined_container_on_ubuntu_needs_the_hosts_setting_too(fake: Any) -> None:
    """Under Docker's profile AppArmor refuses mounts; without it the host's rule for ordinary programs holds."""
    machine = fake({".dockerenv": "", USERNS: "1", "proc/self/status": FILTERED})
    found = said("strict", "mount: Permission denied", machine)
    assert "apparmor=unconfined" in found
    assert "on the host, allow" in found and "apparmor_restrict_unprivileged_userns=0" in found


def test_a_machine_that_runs_containers_is_none(fake: Any) -> None:
    groups = "0::/system.slice/docker.service\n1:cpu:/system.slice/containerd.service\n"
    assert container(fake({"proc/self/cgroup": groups, "proc/1/cgroup": "0::/init.scope\n"})) is None


@pytest.mark.parametrize("level", ["strict", "landlock"])
@pytest.mark.parametrize(
    ("code", "files", "options", "words"),
    [
        (errno.ENOSYS, {}, {"release": "5.4.0-100"}, ["older than Linux 5.13"]),
        (errno.ENOSYS, {}, {}, ["CONFIG_SECURITY_LANDLOCK"]),
        (errno.ENOSYS, {}, {"release": "unreadable"}, ["CONFIG_SECURITY_LANDLOCK"]),
        (errno.ENOSYS, {".dockerenv": ""}, {}, ["The host's kernel", "before 2022"]),
        (errno.ENOSYS, {}, {"release": "5.10.102.1-microsoft-standard-WSL2"}, ["wsl --update"]),
        (
            errno.EOPNOTSUPP,
            {"sys/kernel/security/lsm": "capability,yama,apparmor"},
            {},
            ["boot parameter", "/etc/default/grub", "lsm=landlock,yama,apparmor"],
        ),
        (errno.EOPNOTSUPP, {"sys/kernel/security/lsm": "a; rm -r /"}, {}, ["boot parameter"]),
        (errno.EOPNOTSUPP, {}, {"release": "6.6.87.2-microsoft-standard-WSL2"}, [".wslconfig"]),
        (errno.EPERM, {".dockerenv": ""}, {}, ["profile refuses landlock"]),
        (errno.EPERM, {}, {}, ["plain login"]),
    ],
)
def test_landlock_is_missing_for_many_reasons(
    fake: Any, level: str, code: int, files: Any, options: Any, words: list[str]
) -> None:
    found = said(level, f"landlock: {os.strerror(code)}", fake(files, **options))
    assert [word for word in words if word not in found] == []
    assert "rm -r" not in found
    assert not found.rstrip().endswith(":"), "a colon promises a command"


def test_what_strict_needs_besides_landlock(fake: Any) -> None:
    machine = fake({USERNS: "1", "proc/self/status": ORDINARY})
    assert "AppArmor" in said("strict", "landlock: Function not implemented", machine)
    assert "AppArmor" not in said("landlock", "landlock: Function not implemented", machine)


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ("/proc/self/setgroups: No such file or directory", "mount -t proc"),
        ("unshare: Invalid argument", "CONFIG_USER_NS"),
        ("unshare: Operation not permitted", "chroot"),
        ("pivot_root: Invalid argument", "ramdisk"),
        ("pivot_root: Operation not permitted", "dmesg"),
        ("A worker could not be confined: OSError: [Errno 22] Invalid argument: 'seccomp'", "CONFIG_SECCOMP_FILTER"),
        ("[Errno 38] there is no table of system calls for riscv64: 'seccomp'", "x86-64 and aarch64"),
        ("A worker could not be confined: ValueError: not allowed to raise maximum limit", "ulimit"),
        ("This worker was to be confined at the level landlock, but a socket could be made", "report"),
        ("it does not answer", "report"),
        ("", "report"),
    ],
)
def test_every_other_refusal_has_advice(fake: Any, what: str, word: str) -> None:
    assert word in said("strict", what, fake())


def test_a_filter_from_outside_a_container(fake: Any) -> None:
    assert "plain login" in said("strict", "unshare: Operation not permitted", fake({"proc/self/status": FILTERED}))


def test_the_first_windows_subsystem_has_no_kernel(fake: Any) -> None:
    assert "wsl --set-version" in said("strict", "unshare: x", fake(release="4.4.0-19041-Microsoft"))


@pytest.mark.parametrize(
    "text",
    [
        "/home/jane doe/.venv/lib/numpy: Permission denied",
        "[Errno 13] Permission denied: '/Users/jane/venv'",
        "[WinError 2] cannot find: 'C:\\Users\\jane\\python.exe'",
        "cannot find C:\\Users\\jane doe\\python.exe",
        "cannot find \\\\server\\jane\\python.exe",
        'File "/root/jane/zygote.py", line 3',
        "file:///home/jane/x",
        "~/jane (/home/jane)",
        "\x1b[31m/home/jane",
    ],
)
def test_no_path_is_told(text: str) -> None:
    shown = without_paths(text)
    assert "jane" not in shown and "\x1b" not in shown
    assert "jane" not in Refusal.read(f"The level strict cannot be had here: {text}").said


def test_the_kernels_own_paths_and_errors_are_told() -> None:
    for text in ("/proc/self/uid_map: Permission denied", "see http://www.nvidia.com/Download/index.aspx"):
        assert without_paths(text) == text
    assert "Permission denied" in without_paths("/home/jane/x: Permission denied")


def test_of_a_traceback_the_last_line(fake: Any) -> None:
    what = "The level strict cannot be had here: Traceback:\n  File '/home/jane/x.py'\nImportError: no numpy"
    assert Refusal.read(what).said == "ImportError: no numpy"
    dead = GraderError(
        "A zygote does not answer.", mend="What it said:\n  File '/home/jane/x'\nImportError: no numpy\n"
    )
    absent = GraderError("numpy is not installed here", mend="Install it: python -m pip install numpy")
    found = isolation(fake(), reach=refusing(strict=dead, landlock=absent), start=lambda _: Nothing())
    assert found.levels[0].refused == "A zygote does not answer. ImportError: no numpy"
    assert found.levels[1].refused == "numpy is not installed here. Install it: python -m pip install numpy"


# -- control groups ----------------------------------------------------------------------------------------------------


def test_a_delegated_group(fake: Any) -> None:
    files = {"proc/self/cgroup": GROUPS, "proc/self/mounts": MOUNTS, f"{GROUP}/cgroup.controllers": "cpu memory pids\n"}
    files |= {f"{GROUP}/cgroup.procs": "1\n", f"{GROUP}/cgroup.subtree_control": ""}
    assert memory_group(fake(files)).delegated
    for name in ("cgroup.procs", "cgroup.subtree_control", "session-2.scope"):
        found = memory_group(fake(writable=lambda path, name=name: path.name != name))
        assert not found.delegated
        assert found.advice[0].command == "systemd-run --user --scope -p Delegate=yes dlgrade …"
    (Path(fake().root) / GROUP / "cgroup.controllers").write_text("cpu pids")
    assert not memory_group(fake()).delegated


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({}, "cannot be seen"),
        ({"proc/self/cgroup": "0::/gone\n", "proc/self/mounts": MOUNTS}, "cannot be seen"),
        (
            {"proc/self/cgroup": b"0::/\xff\x00\xfe\n", "proc/self/mounts": b"\xff\x00 cgroup2 cgroup2"},
            "cannot be seen",
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,memory:/\n0::/\n",
                "proc/self/mounts": MOUNTS,
                "sys/fs/cgroup/cgroup.procs": "",
                "sys/fs/cgroup/cgroup.controllers": "hugetlb",
            },
            "version 1",
        ),
    ],
)
def test_no_delegated_group(fake: Any, files: Any, word: str) -> None:
    found = memory_group(fake(files))
    assert not found.delegated and word in found.says
    assert "user.slice" not in found.says


@pytest.mark.parametrize(("mark", "word"), [(".dockerenv", "writable-cgroups"), ("run/.containerenv", "unmask")])
def test_the_group_of_a_container(fake: Any, mark: str, word: str) -> None:
    group = "sys/fs/cgroup"
    files = {mark: "", "proc/self/cgroup": "0::/\n", "proc/self/mounts": MOUNTS}
    files |= {f"{group}/cgroup.controllers": "memory pids", f"{group}/cgroup.procs": ""}
    found = memory_group(fake(files, writable=lambda _: False))
    assert word in str(found.advice[0].command)


# -- noise -------------------------------------------------------------------------------------------------------------

QUIET = {
    **{f"{CPU}/cpu{n}/cpufreq/scaling_governor": "performance\n" for n in range(12)},
    f"{CPU}/intel_pstate/no_turbo": "1\n",
    f"{CPU}/smt/active": "0\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "proc/meminfo": "MemTotal: 16000000 kB\nMemAvailable: 9000000 kB\nSwapTotal: 1000 kB\nSwapFree: 1000 kB\n",
    "proc/cpuinfo": "processor : 0\nflags\t\t: fpu vme\n",
}
LOUD = [
    (
        "frequency governor",
        {f"{CPU}/cpu11/cpufreq/scaling_governor": "powersave"},
        "performance, powersave",
        "cpupower",
    ),
    ("turbo", {f"{CPU}/intel_pstate/no_turbo": "0"}, "on", "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate"),
    ("turbo", {f"{CPU}/intel_pstate/no_turbo": "?", f"{CPU}/cpufreq/boost": "1"}, "on", "echo 0 | sudo tee"),
    ("SMT", {f"{CPU}/smt/active": "1"}, "on", "smt/control"),
    ("huge pages", {"sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never"}, "always", "madvise"),
    ("swap", {"proc/meminfo": "SwapTotal: 4194304 kB\nSwapFree: 1048576 kB\n"}, "3.0 GiB in use", "swapoff"),
    ("memory", {"proc/meminfo": "MemTotal: 4194304 kB\nMemAvailable: 1048576 kB"}, "1.0 GiB free of 4.0 GiB", "Close"),
    ("hardware", {"proc/cpuinfo": "flags : fpu hypervisor vme"}, "virtual", "side by side"),
    ("hardware", {"sys/hypervisor/type": "xen"}, "virtual", "side by side"),
]


def test_a_quiet_machine(fake: Any) -> None:
    found = noise(fake(QUIET))
    assert {one.name: one.state for one in found if one.state != "fine"} == {}
    assert not any(one.advice or one.why for one in found)


@pytest.mark.parametrize(("name", "files", "value", "mend"), LOUD, ids=[f"{row[0]}-{n}" for n, row in enumerate(LOUD)])
def test_each_noise(fake: Any, name: str, files: Any, value: str, mend: str) -> None:
    one = looked(fake({**QUIET, **files}), name)
    assert (one.state, one.value) == ("noisy", value)
    assert one.why and mend in f"{one.advice[0].says} {one.advice[0].command}"


@pytest.mark.parametrize(
    ("name", "options", "state", "value"),
    [
        ("cores", {"usable": 1}, "noisy", "1 of 8"),
        ("cores", {"usable": None, "cores": 1}, "noisy", "1"),
        ("cores", {"usable": 4}, "fine", "4 of 8"),
        ("load", {"load": 5.0}, "noisy", "0.62 per core"),
        ("load", {"load": 5.0, "usable": 2}, "noisy", "2.50 per core"),
        ("load", {"load": 4.0}, "fine", "0.50 per core"),
        ("load", {"load": None}, "unknown", "cannot be seen here"),
    ],
)
def test_cores_and_load(fake: Any, name: str, options: Any, state: str, value: str) -> None:
    one = looked(fake(**options), name)
    assert (one.state, one.value) == (state, value)


def test_a_virtual_machine_knows_nothing_of_threads(fake: Any) -> None:
    assert looked(fake({**QUIET, "proc/cpuinfo": "flags : hypervisor"}), "SMT").state == "unknown"


def test_limits_of_the_group(fake: Any) -> None:
    files = {"proc/self/cgroup": "0::/\n", "proc/self/mounts": MOUNTS, "sys/fs/cgroup/cgroup.procs": ""}
    files |= {"sys/fs/cgroup/cpu.max": "150000 100000\n"}
    files |= {"sys/fs/cgroup/memory.max": f"{3 << 30}\n", "sys/fs/cgroup/memory.current": f"{2 << 30}\n"}
    machine = fake({**QUIET, **files})
    assert looked(machine, "cores").value == "8, by quota 1.5"
    assert looked(machine, "cores").state == "noisy"
    assert looked(machine, "memory").value == "1.0 GiB free of 3.0 GiB"
    free = fake({"sys/fs/cgroup/cpu.max": "max 100000\n", "sys/fs/cgroup/memory.max": "max\n"})
    assert looked(free, "cores").state == looked(free, "memory").state == "fine"


GARBAGE = [
    b"",
    b"\x00" * 100,
    b"\xff\xfe[always",
    b"-1",
    b"9" * 5000,
    b"\n:\n:\n",
    b"flags:\nCapEff: zz\nSeccomp: \n",
    None,
]


@pytest.mark.parametrize("held", GARBAGE, ids=[repr(held)[:12] for held in GARBAGE])
def test_garbage_is_not_known(fake: Any, held: bytes | None) -> None:
    names = [*QUIET, "proc/self/status", "proc/self/cgroup", "proc/self/mounts", "proc/1/cgroup", "etc/os-release"]
    names += [USERNS, f"{CPU}/cpufreq/boost", "sys/kernel/security/lsm", "proc/driver/nvidia/version"]
    names += ["sys/fs/cgroup/cpu.max", "sys/fs/cgroup/cgroup.procs"]
    machine = fake(dict.fromkeys(names, held))
    states = {one.name: one.state for one in noise(machine)}
    del states["cores"], states["load"]
    if held is not None and b"flags" not in held:
        assert states.pop("frequency governor") in ("unknown", "noisy")
        assert set(states.values()) == {"unknown"}, states
    assert not memory_group(machine).delegated
    assert container(machine) is None
    assert graphics(machine, torch="2.0").driver is None
    assert machines.versions(machine, "1")["distribution"] is None
    for what in ("unshare", "landlock", "mount", "pivot_root"):
        assert said("strict", f"{what}: Operation not permitted", machine)


def test_one_bad_byte_spoils_nothing_else(fake: Any) -> None:
    machine = fake({"proc/meminfo": b"Bad: \xff kB\n" + QUIET["proc/meminfo"].encode()})
    assert looked(machine, "swap").value == "none in use"


def test_a_file_that_cannot_be_read_and_one_without_end(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = fake({"a": "x" * 10_000_000})
    assert len(machine.text("/a")) == machines.READ_LIMIT
    (machine.root / "loop").symlink_to("loop")
    assert machine.text("/loop") == "" and not machine.exists("/loop")
    assert machine.text("/a\x00b") == "" and not machine.exists("/a\x00b")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert machine.text("/a") == ""


# -- versions and CUDA -------------------------------------------------------------------------------------------------


def test_versions(fake: Any) -> None:
    machine = fake({"etc/os-release": 'NAME="X"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\nHOME_URL="https://x"\n'})
    found = machines.versions(machine, "1.2.3")
    assert (found["dlgrade"], found["distribution"], found["kernel"]) == (
        "1.2.3",
        "Ubuntu 24.04.1 LTS",
        "6.8.0-45-generic",
    )
    assert (
        found["python"] == f"{sys.implementation.name.replace('cp', 'CP')} {'.'.join(map(str, sys.version_info[:3]))}"
    )
    import numpy

    assert found["numpy"] == numpy.__version__
    built = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    assert found["blas"] == f"{built['name']} {built['version']}"


@pytest.mark.parametrize("text", ["", "CONFIG = {", "CONFIG = {'blas': 1}", "CONFIG = {'blas': {'name': f()}}", "\x00"])
def test_an_unknown_blas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "fakenum").mkdir()
    (tmp_path / "fakenum" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "fakenum" / "__config__.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert blas("fakenum") is None
    assert blas("there_is_no_such_package") is None


NVRM = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build  (jane@host-12-34)  Thu Feb 22\n"
)


@pytest.mark.parametrize(
    ("torch", "files", "options", "says"),
    [
        ("", {}, {}, "not installed"),
        ("2.4.0+cpu", {"dev/nvidia0": ""}, {}, "built without"),
        ("2.4.0", {}, {}, "no NVIDIA driver"),
        ("2.4.0", {"proc/driver/nvidia/version": NVRM}, {}, "--gpus all"),
        ("2.4.0", {"proc/driver/nvidia/version": NVRM, "dev/nvidia0": "", "dev/nvidiactl": ""}, {}, "perhaps"),
        ("2.4.0", {"dev/dxg": ""}, {}, "perhaps"),
        ("2.4.0", {}, {"system": "Windows"}, "perhaps"),
        ("2.4.0", {}, {"system": "Darwin"}, "macOS"),
    ],
)
def test_cuda_without_torch(
    fake: Any, monkeypatch: pytest.MonkeyPatch, torch: str, files: Any, options: Any, says: str
) -> None:
    monkeypatch.setattr(machines, "_version", lambda _: torch or None)
    found = graphics(fake(files, **options))
    assert says in found.says and found.cuda is None
    assert found.driver == ("550.54.14" if "proc/driver/nvidia/version" in files else None)
    assert found.nodes == sum("nvidia0" in name or "dxg" in name for name in files)


TORCH = """
import os, sys, time
if "AWAY" in os.environ: time.sleep(60)
if "DEAD" in os.environ: os._exit(3)
print("a warning")
class version: cuda, hip = "12.4", None
class Sum:
    def sum(self): return self
    def item(self): return 1000 - ("WRONG" in os.environ)
class about: name, major, minor, total_memory = "H100\\x1b[31m", 9, 0, 85_000_000_000
class cuda:
    def init():
        if "NONE" in os.environ: raise RuntimeError("Found no NVIDIA driver in '/home/jane/x'")
    def device_count(): return 2
    def get_device_properties(number): return about
def ones(n, device): return Sum()
"""


@pytest.mark.parametrize(
    ("mood", "says"),
    [
        ("", "yes"),
        ("WRONG", "no: AssertionError"),
        ("NONE", "no: RuntimeError: Found no NVIDIA driver in '…'"),
        ("DEAD", "no: torch ended with 3"),
        ("AWAY", "no: torch did not answer within"),
    ],
)
def test_torch_is_asked_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str, says: str
) -> None:
    (tmp_path / "torch.py").write_text(TORCH)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    if mood:
        monkeypatch.setenv(mood, "1")
    began = time.monotonic()
    found = ask_torch(seconds=1.0 if mood == "AWAY" else 60.0)
    assert time.monotonic() - began < 30
    assert found.says.startswith(says)
    assert found.usable == (mood == "")
    if found.usable:
        assert (found.runtime, len(found.devices)) == ("12.4", 2)
        assert found.devices[0] == machines.Device("H100\\x1b[31m", "9.0", 85_000_000_000)


# -- real refusals -----------------------------------------------------------------------------------------------------

CALLS = {"unshare": (272, 97), "mount": (165, 40), "pivot_root": (155, 41), "landlock_create_ruleset": (444, 444)}

REFUSE = """
import sys
from dlgrade.sandbox import seccomp
number, code = int(sys.argv[1]), int(sys.argv[2])
seccomp.install([(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | code), (0x06, 0, 0, 0x7FFF0000)])
from dlgrade.sandbox.machine import Machine
from dlgrade.sandbox.refusal import isolation
for level in isolation(Machine()).levels:
    print(level.name, level.state, level.refused, *(f"{one.says} {one.command}" for one in level.advice), sep="|")
"""


@pytest.fixture(scope="module")
def reached() -> set[str]:
    return {level.name for level in isolation(Machine()).levels if level.state == "reached"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters system calls")
@pytest.mark.parametrize(
    ("call", "code", "level", "refused", "words"),
    [
        ("unshare", errno.EPERM, "strict", "unshare: Operation not permitted", ""),
        ("mount", errno.EACCES, "strict", "mount: Permission denied", ""),
        ("pivot_root", errno.EPERM, "strict", "pivot_root: Operation not permitted", ""),
        ("landlock_create_ruleset", errno.ENOSYS, "landlock", "landlock: Function not implemented", "has no landlock"),
        ("landlock_create_ruleset", errno.EOPNOTSUPP, "landlock", "landlock: Operation not supported", "lsm="),
    ],
)
def test_a_system_call_is_really_refused(
    reached: set[str], call: str, code: int, level: str, refused: str, words: str
) -> None:
    if level not in reached:
        pytest.skip(f"{level} is not reached here to begin with")
    number = CALLS[call][machines.platform.machine() == "aarch64"]
    done = subprocess.run(
        [sys.executable, "-c", REFUSE, str(number), str(code)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = {line.split("|")[0]: line.split("|") for line in done.stdout.splitlines()}
    assert found[level][1:3] == ["refused", refused]
    assert found[level][3:] and refusals._REPORT.says not in "".join(found[level][3:])
    assert words in "".join(found[level][3:])
    assert found["process"][1] == "reached"
    if level == "strict" and "landlock" in reached:
        assert found["landlock"][1] == "reached"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has user namespaces")
def test_user_namespaces_are_really_used_up(reached: set[str]) -> None:
    """The limit is one namespace's own: this one is made for the test, and gone with it."""
    if "strict" not in reached:
        pytest.skip("strict is not reached here to begin with")
    program = textwrap.dedent(
        """
        import ctypes, os
        from pathlib import Path
        uid, gid = os.getuid(), os.getgid()
        assert ctypes.CDLL(None).unshare(0x10000000) == 0
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            Path("/proc/self", name).write_text(text)
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        from dlgrade.sandbox.machine import Machine
        from dlgrade.sandbox.refusal import isolation
        level = isolation(Machine()).levels[0]
        print(level.state, level.refused, level.advice[0].command, sep="|")
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    state, refused, command = done.stdout.strip().split("|")
    assert (state, refused) == ("refused", "unshare: No space left on device")
    assert command == "sudo sysctl -w user.max_user_namespaces=15000"


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can drop what only root has")
def test_capabilities_are_really_dropped(reached: set[str]) -> None:
    if "strict" not in reached:
        pytest.skip("strict is not reached here to begin with")
    program = textwrap.dedent(
        """
        from dlgrade.sandbox import confine
        from dlgrade.sandbox.machine import Machine
        from dlgrade.sandbox.refusal import isolation
        confine.drop_capabilities()
        level = isolation(Machine()).levels[0]
        print(level.state, level.refused, level.advice[0].says, sep="|")
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    state, refused, says = done.stdout.strip().split("|")
    assert (state, refused) == ("refused", "uid_map: Operation not permitted")
    assert "SETFCAP" in says
