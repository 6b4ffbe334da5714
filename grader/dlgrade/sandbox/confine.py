"""Shuts a process in: namespaces, a private root, landlock, limits, a filter of system calls. Standard library only.

A zygote goes into the namespaces and the root once; each worker that it forks sheds the rest. Every step raises if the
kernel refuses it: who is less confined than was asked for must not go on.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

LAYERS = ("root", "pid", "net", "landlock", "limits", "capabilities", "seccomp", "deathsig")
"""The layers, each of which the tests can leave out alone."""

FILES_LIMIT = 64

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = (
    0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _called(name: str, *args: object) -> int:
    """Call a function of the C library.

    Raises:
        OSError: if it says that it failed.
    """
    kinds: Mapping[type, Callable[[Any], Any]] = {str: str.encode, int: ctypes.c_ulong}
    held = [kinds[type(arg)](arg) if type(arg) in kinds else arg for arg in args]
    result: int = getattr(_libc(), name)(*held)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
    return result


def _system_call(number: int, what: str, *args: object) -> int:
    try:
        return _called("syscall", number, *args)
    except OSError as error:
        raise OSError(error.errno, error.strerror, what) from None


# -- namespaces and root: once, in the zygote --------------------------------------------------------------------------


def enter_namespaces(without: Collection[str] = ()) -> None:
    """Go into namespaces of our own; the next child is the first process of its process namespace.

    Raises:
        OSError: if the kernel does not let this user make them.
    """
    uid, gid = os.getuid(), os.getgid()
    flags = _NEWUSER | _NEWNS | _NEWIPC | _NEWUTS
    flags |= 0 if "net" in without else _NEWNET
    flags |= 0 if "pid" in without else _NEWPID
    _called("unshare", flags)
    for name, text in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
        try:
            Path("/proc/self", name).write_text(text)
        except OSError as error:  # which names the file if it cannot be opened, and not if it cannot be written
            raise OSError(error.errno, error.strerror, name) from None


def enter_root(readable: Iterable[Path], masked: Iterable[Path], at: Path) -> None:
    """Go into a root of our own that holds these files and folders only, at their own paths, read-only.

    Args:
        readable: files and folders.
        masked: folders below those that are to be empty.
        at: an empty folder to build it on; nothing is written there that lasts.

    Raises:
        OSError: if the kernel refuses.
    """
    _called("mount", None, "/", None, _REC | _PRIVATE, None)
    _called("mount", "tmpfs", str(at), "tmpfs", _NOSUID | _NODEV, "size=1m,mode=0755")
    for path in readable:
        place = at / path.relative_to("/")
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        _called("mount", str(path), str(place), None, _BIND | _REC, None)
        _called("mount", None, str(place), None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV, None)
    for path in masked:
        place = at / path.relative_to("/")
        if place.is_dir():
            _called("mount", "tmpfs", str(place), "tmpfs", _RDONLY | _NOSUID | _NODEV, "size=4k,mode=0755")
    old = at / "old"
    old.mkdir()
    _system_call(_PIVOT_ROOT[platform.machine()], "pivot_root", str(at), str(old))
    os.chdir("/")
    _called("umount2", "/old", 2)  # MNT_DETACH
    Path("/old").rmdir()
    _called("mount", None, "/", None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV, None)


class ProcessNamespaces:
    """Makes a fresh process namespace for each child to be forked; of a process that is the first of its own."""

    def __init__(self) -> None:
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def next(self) -> None:
        """Let the next child be the first process of a namespace of its own."""
        _called("setns", self._own, _NEWPID)
        _called("unshare", _NEWPID)


# -- landlock: the rules once, in the zygote; each worker goes under them ----------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _READ_FILE, _READ_DIR = 1, 4, 8
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version of landlock knows."""


def landlock_version() -> int:
    """The kernel's version of landlock.

    Raises:
        OSError: if it has none, or it is switched off.
    """
    return _system_call(_CREATE_RULESET, "landlock", None, 0, 1)


def landlock_rules(readable: Iterable[Path], masked: Collection[Path] = ()) -> int:
    """Rules by which these files and folders can be read and nothing else, as a descriptor to go under.

    Besides: no TCP, no signal and no abstract socket out of the domain, where the kernel knows of these.

    Args:
        readable: files and folders.
        masked: folders directly below those whose files cannot be read.

    Raises:
        OSError: if the kernel has no landlock.
    """
    version = landlock_version()
    rights = (1 << _RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("=QQQ", rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _system_call(_CREATE_RULESET, "landlock", ctypes.create_string_buffer(attributes, 24), size, 0)
    for path in readable:
        inside = [hidden for hidden in masked if path in hidden.parents]
        if inside:
            # Rules hold for all that is below, so what lies beside a masked folder is named one by one. The folder
            # itself must be listed for Python to find modules in it.
            _add_rule(rules, path, _READ_DIR)
            for entry in path.iterdir():
                if entry not in inside:
                    _add_rule(rules, entry, _READ_FILE | _READ_DIR | _EXECUTE)
        else:
            _add_rule(rules, path, _READ_FILE | _READ_DIR | _EXECUTE)
    return rules


def _add_rule(rules: int, path: Path, access: int) -> None:
    try:
        there = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not path.is_dir():
            access &= ~_READ_DIR
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, there), 12)
        _system_call(_ADD_RULE, "landlock", rules, 1, rule, 0)
    finally:
        os.close(there)


def enter_landlock(rules: int) -> None:
    """Go under these rules.

    Raises:
        OSError: if the kernel refuses.
    """
    _called("prctl", 38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    _system_call(_RESTRICT_SELF, "landlock", rules, 0)


# -- what each worker sheds --------------------------------------------------------------------------------------------


def die_with_parent() -> None:
    """Be killed when the parent dies, and at once if it is dead already."""
    parent = os.getppid()
    _called("prctl", 1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)


def limit(bounds: Mapping[str, int]) -> None:
    """Bound what every worker's bounds say, by the names that the system has for them, and its open files besides.

    Raises:
        OSError, ValueError: if the system refuses one.
    """
    for name, bound in {**bounds, "RLIMIT_NOFILE": FILES_LIMIT}.items():
        resource.setrlimit(getattr(resource, name), (bound, bound))


def drop_capabilities() -> None:
    """Give up every privilege, also those that a program could bring back.

    Raises:
        OSError: if the kernel refuses.
    """
    for capability in range(64):
        try:
            _called("prctl", 24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
        except OSError as error:
            if error.errno == errno.EINVAL:  # there are no more
                break
            if error.errno != errno.EPERM:  # an ordinary user has none to drop
                raise
    with contextlib.suppress(OSError):
        _called("prctl", 47, 4, 0, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0), 8)
    nothing = ctypes.create_string_buffer(24)
    _called("capset", header, nothing)


def close_all_but(kept: Sequence[int]) -> None:
    """Close every descriptor but these."""
    last = -1
    for descriptor in sorted(kept):
        if descriptor > last + 1:  # of an empty range beginning with 0 Python makes all there are
            os.closerange(last + 1, descriptor)
        last = descriptor
    os.closerange(last + 1, 65536)


# -- what Python and a framework need to read --------------------------------------------------------------------------


def readable_paths(framework: Iterable[str], site: str) -> tuple[list[Path], list[Path]]:
    """The files and folders that a worker may read, and those below them that it may not.

    The standard library, the framework's own folders, and the shared libraries that are loaded by now.
    """
    standard = Path(os.__file__).resolve().parent
    folders = [standard]
    dynamic = [Path(entry) for entry in sys.path if entry.endswith("lib-dynload")]
    folders += [path.resolve() for path in dynamic if standard not in path.resolve().parents]
    for name in framework:
        folders += [path for path in Path(site).resolve().glob(f"{name}*") if _belongs(path.name, name)]
    masked = [standard / name for name in ("site-packages", "dist-packages", "test", "idlelib", "ensurepip")]
    return [path for path in [*folders, *_loaded(folders)] if path.exists()], masked


def _belongs(entry: str, framework: str) -> bool:
    """Whether an entry of site-packages is the framework's: its package, its libraries, its metadata."""
    return entry in (framework, f"{framework}.libs") or (entry.startswith(f"{framework}-") and entry.endswith("-info"))


def _loaded(folders: Sequence[Path]) -> list[Path]:
    """The shared libraries that this process has loaded from elsewhere."""
    found = set()
    for line in Path("/proc/self/maps").read_text().splitlines():
        name = line.partition("/")
        path = Path("/" + name[2]) if name[1] else None
        if path is not None and ".so" in path.name and not any(folder in path.parents for folder in folders):
            found.add(path)
    return sorted(found)
