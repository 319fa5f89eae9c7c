"""Verifies published servers in two versions each: what changed between them is told, and nothing of the same version.

Usage: python -m tests.published.run. Installs the servers from PyPI and npm into a directory of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from verify.changes import Change
from verify.comparison import Comparison
from verify.read import read_file
from verify.target import Target
from verify.work import CaseWork


@dataclass(frozen=True)
class Published:
    """A server: its package, an older and a newer version, and the cases that are right for both.

    ``beside`` are further packages that a version needs, because it takes newer ones than it works with.
    """

    name: str
    package: str
    versions: tuple[str, str]
    cases: str
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)


SERVERS = (
    Published(
        "time",
        "mcp-server-time",
        ("0.5.1", "2026.10.19"),
        """
  - name: tells the time
    steps:
      - {call_tool: get_current_time, arguments: {timezone: UTC}, expect: [{path: json.timezone, equals: UTC}]}
  - name: refuses a zone that there is not
    steps:
      - {call_tool: get_current_time, arguments: {timezone: Mars/Olympus}, expect: [{error: [tool, protocol]}]}
""",
        {"0.5.1": ["mcp<2"]},
    ),
    Published(
        "everything",
        "@modelcontextprotocol/server-everything",
        ("2025.9.25", "2026.8.31"),
        """
  - name: echoes
    steps:
      - {call_tool: echo, arguments: {message: hello}, expect: [{matches: hello}]}
""",
    ),
)


def installed(server: Published, version: str, folder: Path) -> tuple[str, ...]:
    """Installs one version, and returns the command that starts it."""
    place = folder / f"{server.name}-{version}"
    if server.package.startswith("@"):
        words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place)]
        subprocess.run([*words, f"{server.package}@{version}"], check=True)
        return ("node", str(next(place.glob(f"node_modules/{server.package}/dist/index.js"))), "stdio")
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    subprocess.run(
        [place / "bin/pip", "install", "-q", f"{server.package}=={version}", *server.beside.get(version, ())],
        check=True,
    )
    return (str(place / "bin" / server.package),)


def changes(suite: Path, command: Sequence[str], *, record: bool = False) -> list[Change]:
    """Verifies one version, and records it as the baseline or compares it with that."""
    read = read_file(suite)
    target = Target(read.servers[0], command=tuple(command))
    works = [CaseWork(read, case, target, "auto") for case in read.cases]
    comparison = Comparison(target, works, {}, suite.parent / "baseline" / f"{target.name}.json")

    async def done() -> list[Change]:
        for work in works:
            result = await work.tried(3 if record else 1)
            for failure in result.failures:
                print(f"  {result.case}: {failure}")
        return await (comparison.record() if record else comparison.compare())

    return anyio.run(done)


def main() -> int:
    """Returns 1 where a version is said to differ from itself, or not to differ from another one."""
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for server in SERVERS:
            older, newer = (installed(server, version, folder) for version in server.versions)
            suite = folder / f"{server.name}.yml"
            suite.write_text(f"servers: [{server.name}]\ncases:{server.cases}")
            changes(suite, older, record=True)
            for version, command in zip(server.versions, (older, newer), strict=True):
                found = changes(suite, command)
                print(f"{server.package} {server.versions[0]} -> {version}: {len(found)} changes")
                print("".join(f"  {each}\n" for each in found), end="")
                wrong += bool(found) != (version == server.versions[1])
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
