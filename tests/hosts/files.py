#!/usr/bin/env python3
"""Whether every file of an installation is open to those alone who need it.

Usage, as root on the host: files.py [--etc DIRECTORY] [--var DIRECTORY], and the users where they have other names.
Prints a line for each file that is open to more than the table says, or that no row of the table names, and exits 1.
"""

from __future__ import annotations

import argparse
import glob
import os
import pwd
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = "root"
OBSERVER = "mcp-observability"
# What an installation has outside of its directories; what is not there is not looked for.
ELSEWHERE = (
    "/var/log/dockerd.log",
    "/run/mcp-orchestrator",
    "/run/mcp-orchestrator/*",
    "/var/log/mcp-orchestrator-setup.log",
    "/etc/systemd/system/mcp-*",
)


@dataclass(frozen=True)
class Row:
    """Whose the files are that a pattern names, and the most that their mode may allow."""

    pattern: str
    owner: str
    groups: tuple[str, ...]
    mode: int


def table(
    etc: Path, var: Path, monitor: str, manager: str, alb: str, router: str, tracer: str = "mcp-traces"
) -> list[Row]:
    """The rows, of which the first that names a file holds for it."""
    root = (ROOT,)
    return [
        # What an operator writes, with secrets in it, and what setup.sh makes of them.
        Row(f"{etc}", ROOT, root, 0o755),
        Row(f"{etc}/monitor.users.json", ROOT, (monitor,), 0o640),
        Row(f"{etc}/monitor.tokens.json", ROOT, (monitor,), 0o640),
        Row(f"{etc}/local_alb.credentials", ROOT, (alb,), 0o640),
        Row(f"{etc}/node_router.credentials", ROOT, (router,), 0o640),
        *_of_tracer(etc, var, monitor, tracer),
        Row(f"{etc}/templates", ROOT, root, 0o755),
        Row(f"{etc}/templates/**", ROOT, root, 0o755),
        Row(f"{etc}/verify.d", ROOT, root, 0o755),
        Row(f"{etc}/verify.d/**", ROOT, root, 0o755),
        Row(f"{etc}/mcp.config.d", ROOT, root, 0o700),
        Row(f"{etc}/mcp.config.d/*", ROOT, root, 0o660),
        Row(f"{etc}/*.conf", ROOT, root, 0o660),
        Row(f"{etc}/*.json", ROOT, root, 0o660),
        Row(f"{etc}/*", ROOT, root, 0o600),
        *_of_observers(var),
        # What runs leave: services pass through, and see what is theirs.
        Row(f"{var}", ROOT, root, 0o751),
        Row(f"{var}/state.json", ROOT, (monitor,), 0o640),
        Row(f"{var}/routes.json", ROOT, (monitor,), 0o640),
        Row(f"{var}/tools.json", ROOT, (monitor,), 0o640),
        Row(f"{var}/login.json", ROOT, (monitor,), 0o640),
        Row(f"{var}/verify.json", ROOT, (monitor,), 0o640),
        Row(f"{var}/requests", ROOT, (monitor,), 0o1730),
        Row(f"{var}/monitor", monitor, (monitor,), 0o750),
        Row(f"{var}/monitor/*", monitor, (monitor,), 0o600),
        Row(f"{var}/manager", manager, (monitor,), 0o750),
        Row(f"{var}/manager/manager.sock", manager, (manager,), 0o666),  # its folder lets the monitor in alone
        Row(f"{var}/results", ROOT, (monitor,), 0o750),
        Row(f"{var}/results/*", ROOT, (monitor,), 0o640),
        Row(f"{var}/audit.jsonl*", ROOT, (monitor,), 0o640),
        Row(f"{var}/overrides.json*", ROOT, root, 0o600),
        Row(f"{var}/litellm.json", ROOT, root, 0o600),
        Row(f"{var}/local_alb", alb, (ROOT, alb), 0o750),
        Row(f"{var}/local_alb/**", alb, (ROOT, alb), 0o750),
        Row(f"{var}/node_router", router, (ROOT, router), 0o750),
        Row(f"{var}/node_router/**", router, (ROOT, router), 0o750),
        Row(f"{var}/supervisor", ROOT, root, 0o700),
        Row(f"{var}/supervisor/**", ROOT, root, 0o750),
        # What the watcher records of servers, and runs of themselves, for the monitor to show: setgid is for its group.
        *(
            Row(f"{var}/{name}{below}", ROOT, (ROOT, monitor), 0o2750)
            for name in ("samples", "logs", "calls", "history", "log")
            for below in ("", "/**")
        ),
        Row(f"{var}/*", ROOT, root, 0o700),  # whatever else there is
        Row(f"{var}/*/**", ROOT, root, 0o755),
        Row("/run/mcp-orchestrator", ROOT, root, 0o700),
        Row("/run/mcp-orchestrator/*", ROOT, root, 0o644),  # flock makes the lock so; the folder is root's alone
        Row("/var/log/*", ROOT, ("adm", ROOT), 0o640),
        Row("/etc/systemd/system/*.d", ROOT, root, 0o755),
        Row("/etc/systemd/system/*", ROOT, root, 0o644),
    ]


def _of_tracer(etc: Path, var: Path, monitor: str, tracer: str) -> Iterator[Row]:
    """What there is where spans are sent."""
    yield Row(f"{etc}/traces.headers.json", ROOT, (tracer,), 0o640)
    yield Row(f"{var}/traces", tracer, (monitor,), 0o2750)
    yield Row(f"{var}/traces/*", tracer, (monitor,), 0o640)


def _of_observers(var: Path) -> Iterator[Row]:
    """What make observe makes: one user reads it all, and writes data."""
    place = f"{var}/observability"
    yield Row(place, ROOT, (OBSERVER,), 0o750)
    for name in ("prometheus", "alertmanager"):
        yield Row(f"{place}/{name}", OBSERVER, (OBSERVER,), 0o750)
        yield Row(f"{place}/{name}/**", OBSERVER, (OBSERVER,), 0o770)
    yield Row(f"{place}/dashboards", ROOT, (OBSERVER,), 0o750)
    yield Row(f"{place}/dashboards/*.json", ROOT, (ROOT,), 0o644)
    yield Row(f"{place}/**", ROOT, (OBSERVER,), 0o640)


def files(etc: Path, var: Path, elsewhere: Sequence[str] = ELSEWHERE) -> Iterator[Path]:
    """All that an installation has made; ``elsewhere`` are patterns for what is outside of its directories."""
    for top in (etc, var):
        yield top
        yield from sorted(top.rglob("*"))
    for pattern in elsewhere:
        yield from map(Path, sorted(glob.glob(pattern)))


def deviations(rows: list[Row], found: Iterable[Path]) -> Iterator[str]:
    """What is wrong with the files, in words."""
    for path in found:
        try:
            status = path.lstat()
        except FileNotFoundError:  # a service has replaced it meanwhile
            continue
        if stat.S_ISLNK(status.st_mode):
            continue
        row = next((row for row in rows if _names(row.pattern, path)), None)
        if row is None:
            yield f"{path}: no row of the table names it"
            continue
        owner, group, mode = _user(status.st_uid), _group(path), stat.S_IMODE(status.st_mode)
        if owner != row.owner or group not in row.groups or mode & ~row.mode:
            yield (
                f"{path}: {owner}:{group} {mode:04o}, where {row.owner}:{' or '.join(row.groups)}"
                f" and at most {row.mode:04o} is enough"
            )


def _names(pattern: str, path: Path) -> bool:
    if pattern.endswith("/**"):
        return any(parent.match(pattern[:-3]) for parent in path.parents)
    return path.match(pattern)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(path: Path) -> str:
    try:
        return path.group()
    except (KeyError, FileNotFoundError):
        return "?"


def main() -> int:
    """Obey the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--etc", type=Path, default=Path("/etc/mcp-orchestrator"))
    parser.add_argument("--var", type=Path, default=Path("/var/lib/mcp-orchestrator"))
    parser.add_argument("--monitor", default="mcp-monitor")
    parser.add_argument("--manager", default="mcp-manager")
    parser.add_argument("--alb", default="mcp-alb")
    parser.add_argument("--router", default="mcp-router")
    parser.add_argument("--tracer", default="mcp-traces")
    given = parser.parse_args()
    if os.geteuid() != 0:
        print("files.py: only root sees all files", file=sys.stderr)
        return 2
    rows = table(given.etc, given.var, given.monitor, given.manager, given.alb, given.router, given.tracer)
    found = list(deviations(rows, files(given.etc, given.var)))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
