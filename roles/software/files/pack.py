"""Pack what a host needs of this project into one archive that is named by its content.

Usage: pack.py PROJECT OUTPUT_DIRECTORY. Prints the archive's path; the same files give the same name, so a host that
has the release already is left alone.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path

SHIPPED = (
    "ansible.cfg",
    "collections",
    "files",
    "inventory/local",
    "playbooks",
    "roles",
    "LICENSE",
    "requirements.lock",
)
LEFT_OUT = {"__pycache__", "tests", "changelogs", ".ansible", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def shipped_files(project: Path) -> list[Path]:
    """Return the files to ship, sorted, relative to the project."""
    found = []
    for name in SHIPPED:
        top = project / name
        candidates = [top] if top.is_file() else top.rglob("*")
        for path in candidates:
            relative = path.relative_to(project)
            if path.is_file() and LEFT_OUT.isdisjoint(relative.parts):
                found.append(relative)
    return sorted(found)


def pack(project: Path, output: Path) -> Path:
    """Write the archive and return its path; the same content gives the same bytes and name."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for relative in shipped_files(project):
            member = archive.gettarinfo(project / relative, str(relative))
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mtime = 0
            member.mode = 0o755 if member.mode & 0o100 else 0o644
            with (project / relative).open("rb") as content:
                archive.addfile(member, content)
    digest = hashlib.sha256(plain.getvalue()).hexdigest()[:12]
    target = output / f"mcp-orchestrator-{digest}.tar.gz"
    if not target.exists():
        output.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}.part")  # another run may pack the same at the same time
        part.write_bytes(gzip.compress(plain.getvalue(), compresslevel=6, mtime=0))
        part.rename(target)
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{pack(Path(sys.argv[1]), Path(sys.argv[2]))}\n")
