"""A wall between the server's processes: each is started in a Landlock domain of its own, which it and all that it
starts can never leave.

All of them have the same user, so that each could read the others' memory and environment, in which their clients'
tokens stand: with every capability dropped the bridge can give them no users of their own, and no namespaces. Landlock
asks for no privilege. Who is in a domain can look into no process outside of it (/proc/<pid>/environ, mem, fd, ptrace),
and from ABI 6 on send it no signal (landlock(7); https://docs.kernel.org/userspace-api/landlock.html). Nothing else is
restricted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import threading
from collections.abc import Callable
from typing import TypeVar

from .libc import Libc

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same number on all architectures
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
_REFER = 1 << 13  # LANDLOCK_ACCESS_FS_REFER
_SCOPE_SIGNAL = 1 << 1  # LANDLOCK_SCOPE_SIGNAL
# Moving a file to another directory is denied in every domain unless a rule allows it, and in ABI 1 no rule can.
_LEAST_ABI, _SIGNAL_ABI = 2, 6

Result = TypeVar("Result")


class Landlock:
    """Starts what is to be kept apart. `works`: whether the kernel and the container's seccomp profile let it."""

    def __init__(self) -> None:
        self._abi = 0
        self.works = False
        with contextlib.suppress(OSError):
            self._libc = Libc()
            self._abi = self._call(_CREATE_RULESET, None, self._libc.size(0), _VERSION)
            if self._abi >= _LEAST_ABI:
                self.works = True
                self.apart(lambda: None)
                return
        self.works = False

    def apart(self, start: Callable[[], Result]) -> Result:
        """Returns what `start` returns. Processes that it starts are in a new domain. Raises what it raises, and
        OSError where no domain can be made although others could."""
        if not self.works:
            return start()
        found: list[Result] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                self._restrict()
                found.append(start())
            except BaseException as error:  # raised again where it is expected
                failed.append(error)

        # A domain is the thread's, and its children inherit it; the bridge itself must stay outside.
        thread = threading.Thread(target=run)
        try:
            thread.start()
        except RuntimeError as error:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        thread.join()
        if failed:
            raise failed[0]
        return found[0]

    def _restrict(self) -> None:
        """Puts the thread into a new domain. Raises OSError."""
        with_signals = self._abi >= _SIGNAL_ABI
        # struct landlock_ruleset_attr: handled_access_fs, and from later ABIs on handled_access_net and scoped.
        attributes = struct.pack("=QQQ", _REFER, 0, _SCOPE_SIGNAL) if with_signals else struct.pack("=Q", _REFER)
        ruleset = self._call(_CREATE_RULESET, attributes, self._libc.size(len(attributes)), 0)
        try:
            root = os.open("/", os.O_PATH | os.O_CLOEXEC)
            try:
                # struct landlock_path_beneath_attr: allowed_access, parent_fd.
                self._call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", _REFER, root), 0)
            finally:
                os.close(root)
            self._call(_RESTRICT_SELF, ruleset, 0)
        finally:
            os.close(ruleset)

    def _call(self, *arguments: object) -> int:
        return self._libc.call("syscall", *arguments)
