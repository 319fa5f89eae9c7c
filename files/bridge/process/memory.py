"""How much memory this process and its children may use, and have used: the container's limit, whichever version of
cgroups the host has (https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
_V2 = ("memory.max", "memory.current", ("inactive_file", "active_file"))


class Memory:
    """The group with the least limit among those that this process is in. `limit`: bytes; the host's own memory where
    no group has less. `root`: where the host's files are."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.limit = _total(root)
        self._group: Path | None = None
        self._names = _V2
        for group, names in _groups(root):
            with contextlib.suppress(OSError, ValueError):  # not there, or "max"
                limit = int((group / names[0]).read_text())
                if limit < self.limit:
                    self.limit, self._group, self._names = limit, group, names

    def is_short(self, left: float) -> bool:
        """Says whether less than the share `left` of the limit is free. What the kernel keeps of files is free, too.
        False where there is no limit."""
        if self._group is None:
            return False
        _, usage, cached = self._names
        with contextlib.suppress(OSError, ValueError):
            used = int((self._group / usage).read_text())
            if used <= (1 - left) * self.limit:  # mostly, and the other file is long
                return False
            lines = (self._group / "memory.stat").read_text().splitlines()
            values = dict(line.split(" ", 1) for line in lines)
            return used - sum(int(values.get(name, "0")) for name in cached) > (1 - left) * self.limit
        return False


def _groups(root: Path) -> Iterator[tuple[Path, tuple[str, str, tuple[str, str]]]]:
    mount = root / "sys/fs/cgroup"
    # A container sees its own group at the root of the mount; a process outside of one at its path, or above it.
    yield mount / "memory", _V1
    yield mount, _V2
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            below = Path(path.lstrip("/"))
            for group in (below, *below.parents):
                if number == "0":
                    yield mount / group, _V2
                elif "memory" in controllers.split(","):
                    yield mount / "memory" / group, _V1


def _total(root: Path) -> int:
    """The host's memory; 1 GiB where it does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return 1 << 30
