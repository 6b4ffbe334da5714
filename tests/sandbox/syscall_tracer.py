"""Which system calls a process makes, seen by tracing it as a debugger would."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import threading
from collections import Counter

_SEIZE, _INTERRUPT, _SYSCALL, _PEEKUSER, _CONT = 0x4206, 0x4207, 24, 3, 7
_MARK_CALLS, _FOLLOW_THREADS = 1, 8
_ALL_KINDS, _OF_THIS_THREAD = 0x40000000, 0x20000000
_NUMBER_AT = 15 * 8  # orig_rax in struct user_regs_struct


class Tracer(threading.Thread):
    """Counts the system calls of a process and its threads, by number, until it ends; only on x86-64.

    Raises:
        OSError: if the system does not let one process trace another.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        assert platform.machine() == "x86_64"
        self.pid = pid
        self.calls: Counter[int] = Counter()
        self.error: OSError | None = None
        self._attached = threading.Event()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.restype = ctypes.c_long
        self._libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def attach(self) -> None:
        """Start, and return when every call is seen from now on."""
        self.start()
        self._attached.wait()
        if self.error is not None:
            raise self.error

    def _ptrace(self, request: int, pid: int, address: int = 0, data: int = 0) -> int:
        ctypes.set_errno(0)
        result: int = self._libc.ptrace(request, pid, address, data)
        if result == -1 and ctypes.get_errno():
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "ptrace")
        return result

    def run(self) -> None:
        try:
            self._ptrace(_SEIZE, self.pid, 0, _MARK_CALLS | _FOLLOW_THREADS)
            self._ptrace(_INTERRUPT, self.pid)
        except OSError as error:
            self.error = error
            self._attached.set()
            return
        entering: dict[int, bool] = {}
        alive = {self.pid}
        while alive:
            try:
                task, status = os.waitpid(-1, _ALL_KINDS | _OF_THIS_THREAD)
            except ChildProcessError:
                return
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                alive.discard(task)
                continue
            alive.add(task)
            number, passed_on = os.WSTOPSIG(status), 0
            try:
                if number == signal.SIGTRAP | 0x80:
                    entering[task] = not entering.get(task, False)
                    if entering[task]:
                        self.calls[self._ptrace(_PEEKUSER, task, _NUMBER_AT)] += 1
                elif status >> 16 == 0 and number != signal.SIGTRAP:
                    passed_on = number
                self._ptrace(_SYSCALL, task, 0, passed_on)
            except ProcessLookupError:
                alive.discard(task)
            self._attached.set()
