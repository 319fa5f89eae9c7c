"""What processes and containers use: private memory and CPU seconds, read from the kernel."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
ENGINE = ("dockerd", "containerd", "containerd-shim")


def _stats() -> dict[int, tuple[str, list[str]]]:
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            head, rest = (entry / "stat").read_text().rsplit(")", 1)
            found[int(entry.name)] = (head.partition("(")[2], rest.split())
    return found


def below(roots: Iterable[int]) -> list[int]:
    """Returns the processes of the trees that begin with `roots`, these included."""
    children: dict[int, list[int]] = {}
    for pid, (_, fields) in _stats().items():
        children.setdefault(int(fields[1]), []).append(pid)
    found = list(roots)
    for pid in found:
        found += children.get(pid, ())
    return found


def inside(firsts: Iterable[int]) -> list[int]:
    """Returns the processes of the containers that begin with `firsts`, with those that the engine started in them."""
    worlds = {os.readlink(f"/proc/{pid}/ns/pid") for pid in firsts}
    found = []
    for pid in _stats():
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/pid") in worlds:
                found.append(pid)
    return found


def private_mb(pids: Iterable[int]) -> float:
    """Returns the megabytes that are no other process's (Private_*, proc_pid_smaps(5))."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    total += int(line.split()[1])
    return total / 1024


def engine_cpu() -> float:
    """Returns the CPU seconds that the engine has used so far, with all that it has started and waited for."""
    used = 0
    for name, fields in _stats().values():
        if name.startswith(ENGINE):
            used += sum(map(int, fields[11:15]))
    return used / TICK


def container_cpu(pid: int) -> float:
    """Returns the CPU seconds that the container of the process `pid` has used so far, on either version of cgroups."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if "cpuacct" in controllers.split(","):
            return int(Path(f"/sys/fs/cgroup/cpuacct{path}/cpuacct.usage").read_text()) / 1e9
        if number == "0" and Path(f"/sys/fs/cgroup{path}/cpu.stat").exists():
            words = Path(f"/sys/fs/cgroup{path}/cpu.stat").read_text().split()
            return int(words[words.index("usage_usec") + 1]) / 1e6
    raise RuntimeError(f"the cgroup of process {pid} does not say what it uses")
