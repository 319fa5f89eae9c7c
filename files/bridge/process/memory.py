"""How much memory and how many tasks this process and its children may use, and do use: the container's limits,
whichever version of cgroups the host has (https://docs.kernel.org/admin-guide/cgroup-v2.html, and memory.html and
pids.html of cgroup-v1)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from os import PathLike

# The files of the limit, the use, the details and the count of processes that were killed; and in the details, what
# the kernel keeps of files, and what of that is mapped, which running programs need.
_V1 = (
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "memory.oom_control"),
    (("total_inactive_file", "total_active_file"), "total_mapped_file"),
)
_V2 = (
    ("memory.max", "memory.current", "memory.stat", "memory.events"),
    (("inactive_file", "active_file"), "file_mapped"),
)


class Memory:
    """The group with the least limit among those that this process is in. `limit`: bytes; the host's own memory where
    no group has less. `root`: where the host's files are."""

    def __init__(self, root: str | PathLike[str] = "") -> None:
        self.limit = _total(root)
        self._group: str | None = None
        self._names = _V2
        for group, version in _groups(root, "memory"):
            names = _V1 if version == 1 else _V2
            limit = _number(f"{group}/{names[0][0]}")
            if limit is not None and limit < self.limit:
                self.limit, self._group, self._names = limit, group, names

    @property
    def used(self) -> int | None:
        """The bytes in use. What the kernel keeps of files is free, but for what is mapped. None without a limit."""
        if self._group is None:
            return None
        (_, usage, details, _), (cached, mapped) = self._names
        found = _values(f"{self._group}/{details}")
        kept = sum(found.get(name, 0) for name in cached) - found.get(mapped, 0)
        used = _number(f"{self._group}/{usage}")
        return None if used is None else used - max(0, kept)

    @property
    def killed(self) -> int:
        """How many processes the kernel has killed for want of memory."""
        if self._group is None:
            return 0
        return _values(f"{self._group}/{self._names[0][3]}").get("oom_kill", 0)


class Tasks:
    """The same for processes and threads, which count alike. `limit`: None where there is none."""

    def __init__(self, root: str | PathLike[str] = "") -> None:
        self.limit: int | None = None
        self._group: str | None = None
        for group, _ in _groups(root, "pids"):
            limit = _number(f"{group}/pids.max")
            if limit is not None and (self.limit is None or limit < self.limit):
                self.limit, self._group = limit, group

    @property
    def used(self) -> int | None:
        """How many there are. None without a limit."""
        return None if self._group is None else _number(f"{self._group}/pids.current")


def _groups(root: str | PathLike[str], controller: str) -> Iterator[tuple[str, int]]:
    """The groups that this process may be in, and the version of each."""
    mount = f"{root}/sys/fs/cgroup"
    # A container sees its own group at the root of the mount; a process outside of one at its path, or above it.
    yield f"{mount}/{controller}", 1
    yield mount, 2
    with contextlib.suppress(OSError):
        for line in _read(f"{root}/proc/self/cgroup").splitlines():
            number, controllers, path = line.split(":", 2)
            below = path.rstrip("/")
            while below:
                if number == "0":
                    yield mount + below, 2
                elif controller in controllers.split(","):
                    yield f"{mount}/{controller}{below}", 1
                below = below.rpartition("/")[0]


def _read(file: str) -> str:
    with open(file) as opened:
        return opened.read()


def _number(file: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):  # not there, or "max"
        return int(_read(file))
    return None


def _values(file: str) -> Mapping[str, int]:
    with contextlib.suppress(OSError, ValueError):
        return {name: int(value) for name, value in (line.split() for line in _read(file).splitlines())}
    return {}


def _total(root: str | PathLike[str]) -> int:
    """The host's memory; 1 GiB where it does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _read(f"{root}/proc/meminfo").splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return 1 << 30
