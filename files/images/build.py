#!/usr/bin/env python3
"""Build the sample servers' images, and the bases below them, from Debian, PyPI and npm packages alone.

Usage: build.py IMAGE...   for instance: build.py mcp-sample/time:1

For machines that no image registry serves. An image whose recipe has not changed since it was built is left alone, and
so is one of the same name that was not built here. Prints one line per image on stdout: "NAME: built in 12 s" or
"NAME: already there". Fails with one line on stderr.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECIPES = {
    "mcp-base/debian:12": HERE / "debian",
    "mcp-base/python:3.11": HERE / "python",
    "mcp-base/node:20": HERE / "node",
    "mcp-sample/time:1": HERE / "time",
    "mcp-sample/everything:1": HERE / "everything",
    "mcp-sample/orders:1": HERE / "orders",
    "mcp-sample/postgres:15": HERE / "postgres",
}
LABEL = "mcp_recipe"
# What is built on where there is no apt to make a root file system with: such a machine needs a registry.
PULLED = """\
FROM debian:12-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates
"""


class BuildError(Exception):
    """An image could not be built; the text says why and what to do."""


def bases(image: str) -> list[str]:
    """Return the images of ours that IMAGE is built from, in the order its Dockerfile names them."""
    dockerfile = RECIPES[image] / "Dockerfile"
    if not dockerfile.exists():
        return []
    named = re.findall(r"^FROM (\S+)", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    return [base for base in dict.fromkeys(named) if base in RECIPES]


def recipe_digest(image: str) -> str:
    """Return 12 hex digits that change with any file of IMAGE's recipe or of the recipes below it."""
    digest = hashlib.sha256()
    for base in bases(image):
        digest.update(recipe_digest(base).encode())
    for path in sorted(path for path in RECIPES[image].rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(f"{path.relative_to(RECIPES[image])}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def is_current(image: str) -> bool:
    """Return whether the engine holds IMAGE by this recipe, or one that somebody else made."""
    label = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    argv = ["docker", "image", "inspect", "-f", label, image]
    found = subprocess.run(argv, capture_output=True, text=True, check=False)
    return found.returncode == 0 and found.stdout.strip() in ("", "<no value>", recipe_digest(image))


def build(image: str) -> None:
    """Build one image from its recipe's folder; raises BuildError."""
    folder, label = RECIPES[image], f"{LABEL}={recipe_digest(image)}"
    with tempfile.NamedTemporaryFile("w+", prefix="mcp-image-", suffix=".log", delete=False) as log:
        is_root = (folder / "bootstrap.sh").exists()
        if is_root and shutil.which("apt-get"):
            succeeded = import_root(folder / "bootstrap.sh", image, label, log.fileno())
        else:
            argv = ["docker", "build", "--force-rm", "--label", label, "--tag", image, "-" if is_root else str(folder)]
            # The classic builder is part of every engine; BuildKit needs a client plugin that Debian 12 lacks.
            environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
            given = {"input": PULLED if is_root else "", "text": True, "env": environment}
            succeeded = subprocess.run(argv, stdout=log, stderr=log, check=False, **given).returncode == 0
        if succeeded:
            Path(log.name).unlink()
            return
        log.seek(0)
        raise BuildError(f"{image}: {reason(log.read())}; can this machine reach it? The whole log is in {log.name}")


def reason(log: str) -> str:
    """Return the line of LOG that says best why a build failed: pip's, npm's or apt's first word, or the last line."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    complaints = [line for line in lines if re.match(r"ERROR: |E: |npm error (?!code|errno|syscall)", line)]
    return complaints[0] if complaints else (lines or ["it failed without output"])[-1]


def import_root(bootstrap: Path, image: str, label: str, log: int) -> bool:
    """Import what BOOTSTRAP writes as IMAGE; return whether that succeeded."""
    # Through a file: half a root file system must never become an image.
    with tempfile.TemporaryFile(prefix="mcp-image-") as root:
        if subprocess.run([str(bootstrap)], stdout=root, stderr=log, check=False).returncode:
            return False
        root.seek(0)
        argv = ["docker", "import", "--change", f"LABEL {label}", "--change", 'CMD ["bash"]', "-", image]
        return subprocess.run(argv, stdin=root, stdout=log, stderr=log, check=False).returncode == 0


def ensure(image: str, seen: set[str]) -> None:
    """Make the engine hold IMAGE, its bases first; raises BuildError."""
    if image in seen:
        return
    seen.add(image)
    if is_current(image):
        print(f"{image}: already there", flush=True)
        return
    for base in bases(image):
        ensure(base, seen)
    print(f"{image}: building", file=sys.stderr, flush=True)
    begun = time.monotonic()
    build(image)
    print(f"{image}: built in {time.monotonic() - begun:.0f} s", flush=True)


def main(wanted: list[str]) -> int:
    """Build what is WANTED; return the exit code."""
    unknown = [image for image in wanted if image not in RECIPES]
    try:
        if unknown or not wanted:
            raise BuildError(f"no recipe for {', '.join(unknown) or 'nothing'}; there are {', '.join(RECIPES)}")
        engine = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
        if engine.returncode:
            raise BuildError("no Docker engine answers; start one (systemctl start docker) and run this again")
        seen: set[str] = set()
        for image in wanted:
            ensure(image, seen)
    except FileNotFoundError as missing:
        print(f"build.py: {missing.filename} is not installed; install a Docker engine", file=sys.stderr)
        return 1
    except BuildError as failed:
        print(f"build.py: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
