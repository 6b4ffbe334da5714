"""Which levels of isolation this machine reaches, why not the others, and how to get them.

Each is found by starting a worker at it. What the kernel refused is then looked up among the reasons that are known;
what else can be seen, the machine's settings and whether this is a container, chooses the advice.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dlgrade.errors import GraderError
from dlgrade.sandbox import launch
from dlgrade.sandbox.forks import Unconfined
from dlgrade.sandbox.levels import LEVELS, MEANING, reach, said_instead
from dlgrade.sandbox.machine import Advice, Delegation, Machine, container, memory_group, without_paths

_SYS_ADMIN, _SETFCAP = 1 << 21, 1 << 31


@dataclass(frozen=True)
class Level:
    """A level of isolation: whether it is `reached` here, `refused` by the system, or `broken` for another reason."""

    name: str
    state: str
    keeps: str
    refused: str | None = None
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True)
class Isolation:
    """How confined a worker can be here: the highest level that is reached, and all of them."""

    level: str | None
    container: str | None
    levels: tuple[Level, ...]
    memory_group: Delegation


def isolation(
    machine: Machine,
    *,
    reach: Callable[[str, str], Any] = reach,
    start: Callable[[str], Any] = launch.start,
) -> Isolation:
    """The levels that can be had here, each found by starting a worker at it.

    Args:
        machine: where the reasons are looked for.
        reach: makes a nursery at a level, as levels.reach does.
        start: starts a worker that is not confined, as launch.start does.
    """
    group = memory_group(machine)  # before a level is tried: that may move this process to a group below
    found = []
    for name in LEVELS:
        try:
            if name == "process":
                _started(start("numpy"))
            else:
                reach("numpy", name).close()
            found.append(Level(name, "reached", MEANING[name]))
        except Unconfined as error:
            refusal = Refusal.read(error.what)
            found.append(Level(name, "refused", MEANING[name], refusal.said, tuple(advice(name, refusal, machine))))
        except (GraderError, OSError) as error:
            refusal = Refusal.read(_in_a_line(error))
            known = tuple(advice(name, refusal, machine)) if refusal.step else ()
            found.append(Level(name, "broken", MEANING[name], refusal.said, known or (_REPORT,)))
    level = next((level.name for level in found if level.state == "reached"), None)
    return Isolation(level, container(machine), tuple(found), group)


_REPORT = Advice("This is not a refusal that dlgrade knows. Please report it, with all of this.")


def _in_a_line(error: GraderError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    rest = error.mend.strip().splitlines()[-1:]  # of a traceback, the error itself
    return ". ".join([error.what.rstrip("."), *rest])


def _started(worker: launch.Running) -> None:
    """Wait until a worker says that it is ready, and end it.

    Raises:
        GraderError: if it does not.
    """
    said = said_instead(worker)
    if said is not None:
        raise GraderError(f"A worker does not start: {said}")


_STEPS = (
    "uid_map", "gid_map", "setgroups", "pivot_root", "umount2", "unshare", "setns", "mount", "landlock", "seccomp",
    "prctl", "capset", "maximum limit",
)  # fmt: skip
_CODES = (
    errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOSPC, errno.EINVAL, errno.ENOENT, errno.EROFS,
)  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """The step at which a level could not be had: its name and the kernel's error, if they are known ones."""

    step: str
    code: int
    said: str

    @classmethod
    def read(cls, what: str) -> Refusal:
        """Understand what the error of a level says."""
        lines = what.partition("cannot be had here: ")[2].strip() or what.strip() or "nothing was said"
        said = without_paths(lines.splitlines()[-1].strip().rstrip("."))  # of a traceback, the error
        if "was to be confined" in said:
            return cls("door", 0, said)
        if re.fullmatch(r"\[Errno \d+\] [\w ]+", said):  # a file was opened, but what was written to it is refused
            said = f"uid_map: {said.partition('] ')[2]}"
        step = next((step for step in _STEPS if re.search(rf"\b{step}\b", said)), "")
        code = next((code for code in _CODES if os.strerror(code).lower() in said.lower()), 0)
        return cls(step, code, said)


def advice(level: str, refusal: Refusal, machine: Machine) -> list[Advice]:
    """How to get a level that was refused."""
    if machine.system != "Linux":
        where = "WSL 2" if machine.system == "Windows" else "a Linux virtual machine"
        return [Advice(f"Isolation is made of what Linux has: use {where}, or a Linux container.")]
    if _wsl(machine) == 1:
        return [Advice("WSL 1 has no Linux kernel. Move this distribution to WSL 2.", "wsl --set-version NAME 2")]
    match refusal.step:
        case "landlock":
            rest = obstacles(machine) if level == "strict" else []
            return [*_for_landlock(refusal, machine), *rest]
        case "unshare" | "setns" | "setgroups" | "uid_map" | "gid_map":
            return _for_namespaces(refusal, machine)
        case "mount" | "pivot_root" | "umount2":
            return _for_root(refusal, machine)
        case "seccomp" | "prctl":
            return [
                Advice(
                    "dlgrade's filter of system calls is for x86-64 and aarch64, and needs a kernel with "
                    "CONFIG_SECCOMP_FILTER; an emulated processor has neither. Use such a machine."
                )
            ]
        case "maximum limit":
            return [Advice("A hard limit of this shell is below what a worker is given. See them:", "ulimit -H -a")]
        case _:
            return [_REPORT]


def _wsl(machine: Machine) -> int | None:
    if "microsoft" not in machine.release.lower():
        return None
    return 1 if machine.release.startswith("4.4.") and machine.release.endswith("-Microsoft") else 2


def _privileged(machine: Machine, capability: int) -> bool:
    effective = machine.field("/proc/self/status", "CapEff")
    return bool(re.fullmatch(r"[0-9a-f]{1,16}", effective)) and bool(int(effective, 16) & capability)


def _filtered(machine: Machine) -> bool:
    return machine.field("/proc/self/status", "Seccomp") == "2"


def obstacles(machine: Machine) -> list[Advice]:
    """The settings of this machine that forbid user namespaces."""
    found = []
    here = "On the host, allow" if container(machine) else "Allow"
    if machine.number("/proc/sys/user/max_user_namespaces") == 0:
        found.append(
            Advice(
                f"No user namespace may be made here: user.max_user_namespaces is 0. {here} some, until the next boot:",
                "sudo sysctl -w user.max_user_namespaces=15000",
            )
        )
    if _privileged(machine, _SYS_ADMIN):  # what follows does not hold for it
        return found
    if machine.number("/proc/sys/kernel/unprivileged_userns_clone") == 0:
        found.append(
            Advice(
                "Only root may make user namespaces here: kernel.unprivileged_userns_clone is 0. "
                f"{here} everybody to, until the next boot:",
                "sudo sysctl -w kernel.unprivileged_userns_clone=1",
            )
        )
    if (machine.number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") or 0) > 0:
        found.append(
            Advice(
                "AppArmor gives user namespaces only to programs with a profile that says `userns,` (Ubuntu since "
                f"23.10). Write such a profile for the Python that runs dlgrade, or, for all programs: {here.lower()} "
                "them until the next boot:",
                "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
            )
        )
    if found:
        found.append(Advice("A setting that is to last goes into a file in /etc/sysctl.d."))
    return found


_LOOSE = {
    "docker": "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined …",
    "podman": "podman run --security-opt seccomp=unconfined --security-opt label=disable …",
    "kubernetes": "securityContext: {seccompProfile: {type: Unconfined}, appArmorProfile: {type: Unconfined}}",
    "lxc": "lxc config set NAME security.nesting=true",
}


def _loosen(machine: Machine) -> list[Advice]:
    """How to start the container, so that a sandbox can be built in it."""
    kind = container(machine) or "other"
    says = (
        "Start it with a profile that allows unshare, setns, mount, umount2 and pivot_root, which also loosens "
        "everything else in the container"
    )
    if kind == "docker":
        says += " (`--cap-add SYS_ADMIN` alone is not enough: Docker's own profile still refuses pivot_root)"
    return [Advice(f"{says}:" if kind in _LOOSE else f"{says}.", _LOOSE.get(kind))]


def _for_namespaces(refusal: Refusal, machine: Machine) -> list[Advice]:
    if refusal.code in (errno.ENOENT, errno.EROFS):
        return [Advice("/proc is not mounted here, or read-only. Mount it:", "sudo mount -t proc proc /proc")]
    if refusal.code in (errno.EINVAL, errno.ENOSYS):
        return [Advice("This kernel was built without namespaces: it needs CONFIG_USER_NS, PID_NS, NET_NS, IPC_NS.")]
    found = obstacles(machine)
    root = machine.field("/proc/self/status", "Uid").split()[:1] == ["0"]
    if refusal.step == "uid_map" and root and not _privileged(machine, _SETFCAP):
        says = "Root cannot be mapped into a namespace without the capability SETFCAP, which was dropped here. Keep it"
        mend = Advice(f"{says}, or run dlgrade as an ordinary user:", "docker run --user 1000 …")
        return [mend if container(machine) == "docker" else Advice(f"{says}, or run dlgrade as an ordinary user.")]
    if container(machine) and (_filtered(machine) or not found):
        sure = "refuses" if _filtered(machine) else "or its host probably refuses"
        return [Advice(f"The container's profile {sure} to make namespaces."), *_loosen(machine), *found]
    if found:
        return found
    if refusal.code == errno.ENOSPC:
        return [
            Advice(
                "The limit on namespaces is used up, or they are nested too deep. Raise it, until the next boot:",
                "sudo sysctl -w user.max_user_namespaces=15000 user.max_pid_namespaces=15000",
            )
        ]
    if _filtered(machine):
        return [
            Advice(
                "Whatever started this shell filters system calls (a service with RestrictNamespaces=, a snap, an "
                "editor's sandbox). Run dlgrade from a plain login."
            )
        ]
    return [Advice("A security module refuses namespaces, or this is a chroot. Ask the machine's administrator.")]


def _for_root(refusal: Refusal, machine: Machine) -> list[Advice]:
    if refusal.step == "pivot_root" and refusal.code == errno.EINVAL:
        return [Advice("The root of this machine is a ramdisk, which cannot be left. Boot from another file system.")]
    if container(machine):
        return [Advice("The container's profile refuses to mount."), *_loosen(machine), *obstacles(machine)]
    return obstacles(machine) or [
        Advice("A security module (AppArmor, SELinux) refuses mounts. Its log, `sudo dmesg`, says which rule.")
    ]


def _for_landlock(refusal: Refusal, machine: Machine) -> list[Advice]:
    wsl = _wsl(machine) is not None
    if refusal.code == errno.EOPNOTSUPP:
        modules = machine.text("/sys/kernel/security/lsm")
        known = modules.split(",") if re.fullmatch(r"[a-z0-9_,]{1,200}", modules) else []
        rest = ",".join(name for name in known if name not in ("capability", "landlock"))
        place = "`kernelCommandLine` of .wslconfig" if wsl else "GRUB_CMDLINE_LINUX of /etc/default/grub"
        whose = ", on the host" if container(machine) else ""
        there = "that are there" if rest else "that /sys/kernel/security/lsm lists"
        says = (
            f"The kernel has landlock, but it is off since the boot. Put it before the modules {there} in the boot "
            f"parameter lsm= (in {place}{whose}), and boot again"
        )
        return [Advice(f"{says}:", f"lsm=landlock,{rest}") if rest else Advice(f"{says}.")]
    if refusal.code == errno.ENOSYS:
        found = re.match(r"(\d{1,3})\.(\d{1,4})", machine.release)
        old = found is not None and (int(found[1]), int(found[2])) < (5, 13)
        what = "is older than Linux 5.13" if old else "was built without CONFIG_SECURITY_LANDLOCK"
        where = "The host's kernel" if container(machine) else "This kernel"
        mend = "Update it:" if wsl else "Use a newer kernel." if old else "Use your distribution's own."
        absent = [Advice(f"{where} has no landlock: it {what}. {mend}", "wsl --update" if wsl else None)]
        if container(machine) and not old:
            absent.append(Advice("Or the container's software is from before 2022 and does not know it: update that."))
        return absent
    if container(machine):
        return [Advice("The container's profile refuses landlock: before 2022 none allowed it. Update the software.")]
    return [Advice("Whatever started this shell refuses landlock. Run dlgrade from a plain login.")]
