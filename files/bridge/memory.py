"""How much memory this process and its children may use: the container's limit, whichever version of cgroups the host
has (https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_V1, _V2 = "memory/memory.limit_in_bytes", "memory.max"


def limit(root: Path = Path("/")) -> int:
    """Bytes: the least of the host's memory and the limits of all groups that this process is in."""
    found = [_total(root)]
    for file in _files(root):
        with contextlib.suppress(OSError, ValueError):  # not there, or "max"
            found.append(int(file.read_text()))
    return min(found)


def _files(root: Path) -> Iterator[Path]:
    mount = root / "sys/fs/cgroup"
    # A container sees its own group at the root of the mount; a process outside of one at its path, or above it.
    yield mount / _V1
    yield mount / _V2
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            below = Path(path.lstrip("/"))
            for group in (below, *below.parents):
                if number == "0":
                    yield mount / group / _V2
                elif "memory" in controllers.split(","):
                    yield mount / "memory" / group / Path(_V1).name


def _total(root: Path) -> int:
    """The host's memory; 1 GiB where it does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return 1 << 30
