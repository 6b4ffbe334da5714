"""What can be found out about this machine without trying anything: what makes its times noisy, what runs on it.

People paste the result where others read it, so it holds no path, no name of a user and no name of a host. Whatever is
missing, unreadable or garbage is not known; it is never an error.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlgrade.sandbox import launch
from dlgrade.text import visible

READ_LIMIT = 1 << 16
"""Bytes that are read of any file: what is sought stands near its beginning."""
CUDA_SECONDS = 60.0
"""How long torch may take to import and to use each device."""
QUIET_LOAD = 0.5
"""The load of each core above which others are at work."""

_GIB = 1 << 30


def _affinity() -> int | None:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    else:
        return None


def _load() -> float | None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            return os.getloadavg()[0]
    return None


@dataclass(frozen=True)
class Machine:
    """Where facts come from; tests put others in their place.

    Args:
        root: what /proc, /sys, /dev and the like lie in.
        system: Linux, Darwin or Windows.
        release: the kernel's.
        cores: how many there are.
        usable: on how many of them this process may run, if that is known.
        load: how many processes wanted to run, over the last minute, if that is known.
        writable: whether this process may write to a file.
    """

    root: Path = Path("/")
    system: str = field(default_factory=platform.system)
    release: str = field(default_factory=platform.release)
    processor: str = field(default_factory=platform.machine)
    cores: int = field(default_factory=lambda: os.cpu_count() or 1)
    usable: int | None = field(default_factory=_affinity)
    load: float | None = field(default_factory=_load)
    writable: Callable[[Path], bool] = lambda path: os.access(path, os.W_OK)

    def at(self, path: str) -> Path:
        """Where a path of the machine lies."""
        return self.root / path.lstrip("/")

    def exists(self, path: str) -> bool:
        """Whether something is there."""
        try:
            return self.at(path).exists()
        except (OSError, ValueError):
            return False

    def text(self, path: str) -> str:
        """What a file holds; empty if it cannot be read."""
        try:
            with self.at(path).open("rb") as file:
                return file.read(READ_LIMIT).decode("utf-8", "replace").strip()
        except (OSError, ValueError):
            return ""

    def number(self, path: str) -> int | None:
        """The number that a file holds, if it holds one."""
        return _number(self.text(path))

    def field(self, path: str, name: str) -> str:
        """What stands after a name and a colon, at the first line that begins so; empty if none does."""
        found = re.search(rf"^{re.escape(name)}[ \t]*:[ \t]*(.*)$", self.text(path), re.MULTILINE)
        return found[1].strip() if found else ""


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else None


@dataclass(frozen=True)
class Advice:
    """What to do, as a sentence, and as a command if one does it."""

    says: str
    command: str | None = None


@dataclass(frozen=True)
class Delegation:
    """Whether this process may bound the memory of others by control groups."""

    delegated: bool
    says: str
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True)
class Noise:
    """Something that times depend on: `fine`, `noisy`, or `unknown`."""

    name: str
    state: str
    value: str
    why: str | None = None
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True)
class Device:
    """A CUDA device on which a sum was computed."""

    name: str
    capability: str
    memory: int


@dataclass(frozen=True)
class Cuda:
    """What torch said of CUDA."""

    usable: bool
    says: str
    runtime: str | None = None
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True)
class Graphics:
    """Whether CUDA can be used, as far as that is known without torch; and what torch says, if it was asked."""

    torch: str | None
    driver: str | None
    nodes: int
    says: str
    cuda: Cuda | None = None


_PATHS = re.compile(
    r"""(https?://\S+ | (?<!\S)/(?:proc/self|sys|dev)/[\w/.-]+)  # what is told
        | [^\s'":]* / [^:'"\n]* | (?:[A-Za-z]:)? \\ [^'"\n]*""",
    re.VERBOSE,
)


def without_paths(text: str) -> str:
    """The text safe to show to anyone: no path but the kernel's own, no character that acts."""
    text = _PATHS.sub(lambda found: found[1] or "…", text[: READ_LIMIT // 16])
    return visible(text, limit=300)


def container(machine: Machine) -> str | None:
    """What kind of container this is, if it looks like one."""
    groups = machine.text("/proc/1/cgroup") + machine.text("/proc/self/cgroup")
    if machine.exists("/run/secrets/kubernetes.io") or "kubepods" in groups:
        return "kubernetes"
    if machine.exists("/run/.containerenv") or "libpod" in groups:
        return "podman"
    if machine.exists("/.dockerenv") or re.search(r"/docker[/-]", groups):
        return "docker"
    if "/lxc" in groups or machine.exists("/dev/lxd") or machine.exists("/dev/incus"):
        return "lxc"
    known = re.search(r"cri-containerd|/nerdctl", groups) or machine.exists("/run/host/container-manager")
    return "other" if known else None


# -- control groups ----------------------------------------------------------------------------------------------------


def _group(machine: Machine) -> str | None:
    """The folder of this process's control group, version 2, if it can be seen."""
    own = re.search(r"^0::(/.*)$", machine.text("/proc/self/cgroup"), re.MULTILINE)
    mounts = [line.split() for line in machine.text("/proc/self/mounts").splitlines()]
    places = [words[1] for words in mounts if len(words) > 2 and words[2] == "cgroup2" and words[1].startswith("/")]
    if own is None or not places:
        return None
    folder = f"{places[0].rstrip('/')}/{own[1].strip('/')}".rstrip("/")
    return folder if machine.exists(f"{folder}/cgroup.procs") else None


def memory_group(machine: Machine) -> Delegation:
    """Whether this process may bound memory by control groups."""
    if machine.system != "Linux":
        return Delegation(False, "control groups are Linux's")
    folder = _group(machine)
    kind = container(machine)
    scope = Advice("Give dlgrade a group of its own:", "systemd-run --user --scope -p Delegate=yes dlgrade …")
    if folder is None:
        return Delegation(False, "this process's control group (version 2) cannot be seen", () if kind else (scope,))
    if not {"memory", "pids"} <= set(machine.text(f"{folder}/cgroup.controllers").split()):
        if re.search(r"^\d+:([^:]*,)?memory[,:]", machine.text("/proc/self/cgroup"), re.MULTILINE):
            says = "memory belongs to control groups of version 1 here"
            boot = Advice("Boot with control groups of version 2 alone:", "systemd.unified_cgroup_hierarchy=1")
            return Delegation(False, says, () if kind else (boot,))
        says = "memory and pids are not both among the controllers of this process's group"
        return Delegation(False, says, () if kind else (scope,))
    try:
        files = [machine.at(f"{folder}{name}") for name in ("", "/cgroup.procs", "/cgroup.subtree_control")]
        if all(machine.writable(path) for path in files):
            return Delegation(True, "a worker's memory and tasks are bounded by control groups of version 2")
    except (OSError, ValueError):
        pass
    ways = {
        "docker": Advice("Docker 28 and later:", "docker run --security-opt writable-cgroups=true …"),
        "podman": Advice("Make it writable:", "podman run --security-opt unmask=/sys/fs/cgroup …"),
    }
    says = "this process's group is not its own to write to"
    return Delegation(False, says, (ways[kind],) if kind in ways else () if kind else (scope,))


# -- noise -------------------------------------------------------------------------------------------------------------

_CPU = "/sys/devices/system/cpu"


def noise(machine: Machine) -> tuple[Noise, ...]:
    """What times depend on."""
    return tuple(look(machine) for look in (_cpus, _load_of, _governor, _turbo, _smt, _pages, _swap, _memory, _virtual))


def _unknown(name: str) -> Noise:
    return Noise(name, "unknown", "cannot be seen here")


def _cpus(machine: Machine) -> Noise:
    usable = machine.cores if machine.usable is None else machine.usable
    value = f"{usable}" if usable == machine.cores else f"{usable} of {machine.cores}"
    folder = _group(machine)
    quota = re.fullmatch(r"(\d{1,12}) ([1-9]\d{0,11})", machine.text(f"{folder}/cpu.max") if folder else "")
    if quota and (share := int(quota[1]) / int(quota[2])) < usable:
        why = "a quota halts a process in the middle of its work"
        mend = Advice("Raise the quota, or name whole cores instead, as `docker run --cpuset-cpus` does.")
        return Noise("cores", "noisy", f"{value}, by quota {share:.2g}", why, (mend,))
    if usable < 2:
        why = "the grader and the code that it times share one core"
        return Noise("cores", "noisy", value, why, (Advice("Use a machine with two cores, or allow a second one."),))
    return Noise("cores", "fine", value)


def _load_of(machine: Machine) -> Noise:
    if machine.load is None:
        return _unknown("load")
    each = machine.load / max(1, machine.usable or machine.cores)
    value = f"{each:.2f} per core"
    if each <= QUIET_LOAD:
        return Noise("load", "fine", value)
    why = "other programs compete for the cores and their caches"
    return Noise("load", "noisy", value, why, (Advice("Close what else is running. What takes most:", "top"),))


def _governor(machine: Machine) -> Noise:
    try:
        names = sorted(path.name for path in machine.at(_CPU).glob("cpu[0-9]*"))
    except OSError:
        names = []
    found = {machine.text(f"{_CPU}/{name}/cpufreq/scaling_governor") for name in names} - {""}
    if not found:
        return _unknown("frequency governor")
    value = visible(", ".join(sorted(found)), limit=60)
    if found == {"performance"}:
        return Noise("frequency governor", "fine", value)
    why = "the clock's frequency follows the load"
    mend = Advice("Keep it up, until the next boot:", "sudo cpupower frequency-set -g performance")
    return Noise("frequency governor", "noisy", value, why, (mend,))


def _turbo(machine: Machine) -> Noise:
    for path, on, off in ((f"{_CPU}/intel_pstate/no_turbo", 0, 1), (f"{_CPU}/cpufreq/boost", 1, 0)):
        state = machine.number(path)
        if state == off:
            return Noise("turbo", "fine", "off")
        if state == on:
            why = "the clock's frequency depends on the temperature and on the other cores"
            mend = Advice("Switch it off, until the next boot:", f"echo {off} | sudo tee {path}")
            return Noise("turbo", "noisy", "on", why, (mend,))
    return _unknown("turbo")


def _smt(machine: Machine) -> Noise:
    state = machine.number(f"{_CPU}/smt/active")
    if state == 0 and _hypervisor(machine):  # the cores that it was given may be threads of the host's
        return Noise("SMT", "unknown", "off, as far as a virtual machine is told")
    if state == 0:
        return Noise("SMT", "fine", "off")
    if state != 1:
        return _unknown("SMT")
    why = "two processes may share one core"
    mend = Advice("Switch it off, until the next boot:", f"echo off | sudo tee {_CPU}/smt/control")
    return Noise("SMT", "noisy", "on", why, (mend,))


def _pages(machine: Machine) -> Noise:
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    chosen = re.search(r"\[(always|madvise|never)\]", machine.text(path))
    if chosen is None:
        return _unknown("huge pages")
    if chosen[1] != "always":
        return Noise("huge pages", "fine", chosen[1])
    why = "the kernel joins pages whenever it finds time to"
    mend = Advice("Leave it to those who ask, until the next boot:", f"echo madvise | sudo tee {path}")
    return Noise("huge pages", "noisy", "always", why, (mend,))


def _bytes(machine: Machine, name: str) -> int | None:
    value = _number(machine.field("/proc/meminfo", name).removesuffix("kB").strip())
    return None if value is None else value * 1024


def _swap(machine: Machine) -> Noise:
    total, free = _bytes(machine, "SwapTotal"), _bytes(machine, "SwapFree")
    if total is None or free is None:
        return _unknown("swap")
    if free >= total:
        return Noise("swap", "fine", "none in use")
    why = "memory that was moved to disk comes back in the middle of a run"
    mend = Advice("Free memory, then empty it:", "sudo swapoff -a && sudo swapon -a")
    return Noise("swap", "noisy", f"{_gib(total - free)} in use", why, (mend,))


def _memory(machine: Machine) -> Noise:
    free, total = _bytes(machine, "MemAvailable"), _bytes(machine, "MemTotal")
    if free is None or total is None:
        return _unknown("memory")
    folder = _group(machine)
    bound = machine.number(f"{folder}/memory.max") if folder else None
    if bound is not None and 0 <= bound < total:
        total = bound
        free = min(free, bound - (machine.number(f"{folder}/memory.current") or 0))
    value = f"{_gib(max(0, free))} free of {_gib(total)}"
    if free >= launch.MEMORY_LIMIT:
        return Noise("memory", "fine", value)
    why = f"one worker may take {_gib(launch.MEMORY_LIMIT)}"
    return Noise("memory", "noisy", value, why, (Advice("Close what else is running, or allow this container more."),))


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"


def _hypervisor(machine: Machine) -> bool:
    return machine.exists("/sys/hypervisor/type") or "hypervisor" in machine.field("/proc/cpuinfo", "flags").split()


def _virtual(machine: Machine) -> Noise:
    if _hypervisor(machine):
        why = "neighbours on the same hardware take time that nobody here can see"
        mend = Advice("Believe ratios that are measured side by side, or grade on a machine of your own.")
        return Noise("hardware", "noisy", "virtual", why, (mend,))
    # Only x86 has a flag for it, so that elsewhere its absence says nothing.
    if machine.field("/proc/cpuinfo", "flags"):
        return Noise("hardware", "fine", "no sign of a hypervisor")
    return _unknown("hardware")


# -- versions ----------------------------------------------------------------------------------------------------------


def _version(package: str) -> str | None:
    try:
        found: str | None = importlib.metadata.version(package)
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError, KeyError):
        return None
    return visible(found, limit=60) if found else None


def versions(machine: Machine, dlgrade: str) -> dict[str, str | None]:
    """The versions of what a result depends on; None for what is absent or not known."""
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', machine.text("/etc/os-release"), re.MULTILINE)
    return {
        "dlgrade": dlgrade,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{package: _version(package) for package in ("numpy", "hypothesis", "click", "torch")},
        "blas": blas(),
        "platform": visible(f"{machine.system} {machine.processor}", limit=60),
        "distribution": visible(name[1], limit=60) if name else None,
        "kernel": visible(machine.release, limit=100) or None,
        "libc": _libc(),
    }


def blas(package: str = "numpy") -> str | None:
    """The linear algebra that NumPy was built with, read from its own account of that, without importing it."""
    try:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            return None
        tree = ast.parse(Path(spec.origin).with_name("__config__.py").read_bytes())
    except (ImportError, OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            found = _constants(node).get("blas")
            if isinstance(found, ast.Dict):
                words = [_constants(found).get(name) for name in ("name", "version")]
                said = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
                return visible(" ".join(said), limit=60) or None
    return None


def _constants(node: ast.Dict) -> dict[Any, ast.expr]:
    return {
        key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
    }


def _libc() -> str | None:
    try:
        return visible(" ".join(platform.libc_ver()).strip(), limit=60) or None
    except (OSError, ValueError):
        return None


# -- CUDA --------------------------------------------------------------------------------------------------------------


def graphics(machine: Machine, *, cuda: bool = False, torch: str | None = None) -> Graphics:
    """Whether CUDA can be used.

    Args:
        machine: where the driver is looked for.
        cuda: ask torch, in a process of its own.
        torch: torch's version, if it is not to be looked up.
    """
    torch = torch or _version("torch")
    line = machine.text("/proc/driver/nvidia/version").partition("\n")[0]
    found = re.search(r"\b\d{3,4}\.\d{1,4}(?:\.\d{1,4})?\b", line)
    try:
        nodes = len([*machine.at("/dev").glob("nvidia[0-9]*"), *machine.at("/dev").glob("dxg")])
    except OSError:
        nodes = 0
    driver = found[0] if found else None
    if torch is None:
        says = "no: torch is not installed"
    elif machine.system == "Darwin":
        says = "no: there is none for macOS"
    elif torch.endswith("+cpu"):
        says = "no: this torch was built without it"
    elif machine.system == "Linux" and not nodes and driver is None:
        says = "no: there is no NVIDIA driver"
    elif machine.system == "Linux" and not nodes:
        says = "no: there is a driver, but no device is visible (in a container: docker run --gpus all …)"
    else:
        says = "perhaps: --cuda tries it"
    return Graphics(torch, driver, nodes, says, ask_torch() if cuda and torch is not None else None)


_ASK = """
import json, torch
torch.cuda.init()
devices = []
for number in range(torch.cuda.device_count()):
    assert torch.ones(1000, device=f"cuda:{number}").sum().item() == 1000
    about = torch.cuda.get_device_properties(number)
    devices.append([about.name, f"{about.major}.{about.minor}", about.total_memory])
print()
print(json.dumps([torch.version.cuda or torch.version.hip, devices]))
"""


def ask_torch(seconds: float = CUDA_SECONDS) -> Cuda:
    """Import torch in a process of its own, and compute a sum on each device."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return Cuda(False, f"no: torch did not answer within {time.monotonic() - began:.0f} seconds")
    except OSError as error:
        return Cuda(False, f"no: it could not be tried: {without_paths(error.strerror or 'unknown')}")
    if done.returncode != 0:
        said = done.stderr[-4000:].decode("utf-8", "replace").strip().splitlines()
        return Cuda(False, f"no: {without_paths(said[-1])}" if said else f"no: torch ended with {done.returncode}")
    try:
        runtime, devices = json.loads(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1])
        found = tuple(Device(visible(str(n), limit=100), visible(str(c), limit=20), int(m)) for n, c, m in devices)
    except (ValueError, TypeError, IndexError):
        return Cuda(False, "no: torch's answer cannot be read")
    said_runtime = visible(str(runtime), limit=40) if runtime else None
    return Cuda(bool(found), "yes" if found else "no: torch sees no device", said_runtime, found)
