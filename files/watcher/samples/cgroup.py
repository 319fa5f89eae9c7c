"""What a container uses, from its cgroup's files: https://docs.kernel.org/admin-guide/cgroup-v2.html and
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html. They are read in microseconds, where the engine's own
statistics take a second each (Docker 20.10)."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass

PROC = "/proc"
_LARGEST = 64 * 1024
_ROOT, _POINT, _KIND, _OPTIONS = 3, 4, 0, 2


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters of one container: ``cpu`` in nanoseconds and ``oom_kills`` since its start; ``memory`` in bytes without
    the file pages that the kernel drops first, and ``processes``, are of now."""

    cpu: int
    memory: int
    processes: int
    oom_kills: int


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Where the files of one container's first process are: the directories of its controllers."""

    cpu: str
    memory: str
    pids: str
    is_v2: bool

    def usage(self) -> Usage:
        """Reads what is used. Raises OSError or ValueError once the container has ended."""
        if self.is_v2:
            return Usage(
                cpu=_field(f"{self.cpu}/cpu.stat", b"usage_usec ") * 1000,
                memory=_working_set(f"{self.memory}/memory.current", f"{self.memory}/memory.stat", b"inactive_file "),
                processes=int(_read(f"{self.pids}/pids.current")),
                oom_kills=_field(f"{self.memory}/memory.events", b"oom_kill "),
            )
        current, stat = f"{self.memory}/memory.usage_in_bytes", f"{self.memory}/memory.stat"
        return Usage(
            cpu=int(_read(f"{self.cpu}/cpuacct.usage")),
            memory=_working_set(current, stat, b"total_inactive_file "),
            processes=int(_read(f"{self.pids}/pids.current")),
            oom_kills=_field(f"{self.memory}/memory.oom_control", b"oom_kill "),
        )


class Cgroups:
    """Finds the cgroup of a process; ``proc`` is where the kernel shows processes."""

    def __init__(self, proc: str = PROC) -> None:
        self._proc = proc
        self._mounts = mounts_of(_text(f"{proc}/self/mountinfo"))

    def find(self, pid: int, container: str) -> Cgroup | None:
        """Returns the cgroup of a container's first process; None where that process has ended meanwhile."""
        try:
            found = paths_of(_text(f"{self._proc}/{pid}/cgroup"))
        except OSError:
            return None
        is_v2 = "" in self._mounts and "memory" not in self._mounts
        names = ("", "", "") if is_v2 else ("cpuacct", "memory", "pids")
        places = []
        for name in names:
            path, mount = found.get(name), self._mounts.get(name)
            # Another process may have the number by now.
            if path is None or mount is None or container not in path:
                return None
            root, point = mount
            inside = path[len(root) :] if root != "/" and path.startswith(root) else path
            places.append(posixpath.normpath(f"{point}/{inside}"))
        cpu, memory, pids = places
        return Cgroup(cpu, memory, pids, is_v2)


def mounts_of(mountinfo: str) -> dict[str, tuple[str, str]]:
    """Returns root and place of the hierarchy of each controller of version 1; that of version 2 has the name "".
    See proc_pid_mountinfo(5)."""
    found: dict[str, tuple[str, str]] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) <= _POINT or len(rest) <= _OPTIONS:
            continue
        if rest[_KIND] == "cgroup2":
            found.setdefault("", (fields[_ROOT], fields[_POINT]))
        elif rest[_KIND] == "cgroup":
            for controller in rest[_OPTIONS].split(","):
                found.setdefault(controller, (fields[_ROOT], fields[_POINT]))
    return found


def paths_of(cgroup: str) -> dict[str, str]:
    """Returns the path of each controller in ``/proc/PID/cgroup``; that of version 2 has the name ""."""
    found: dict[str, str] = {}
    for line in cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def network_of(net_dev: bytes) -> tuple[int, int]:
    """Returns bytes received and sent by all interfaces but loopback, from ``/proc/PID/net/dev``."""
    received = sent = 0
    for line in net_dev.splitlines()[2:]:
        name, _, counters = line.partition(b":")
        fields = counters.split()
        if name.strip() != b"lo" and len(fields) > 8:
            received += int(fields[0])
            sent += int(fields[8])
    return received, sent


def network(pid: int, proc: str = PROC) -> tuple[int, int]:
    """Reads what ``network_of`` returns for the network of a process. Raises OSError once it has ended."""
    return network_of(_read(f"{proc}/{pid}/net/dev"))


def _working_set(current: str, stat: str, field: bytes) -> int:
    return max(int(_read(current)) - _field(stat, field), 0)


def _field(path: str, name: bytes) -> int:
    """The number behind ``name`` at the beginning of a line; 0 where there is no such line."""
    content = b"\n" + _read(path)
    at = content.find(b"\n" + name)
    if at < 0:
        return 0
    start = at + 1 + len(name)
    return int(content[start : content.find(b"\n", start)])


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LARGEST)
    finally:
        os.close(descriptor)


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
