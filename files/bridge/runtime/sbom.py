"""Write the bill of materials of the bridge's runtime, as build.py would make it here: a CycloneDX document on stdout.

https://cyclonedx.org/docs/1.6/json/. The packages of requirements.lock have a document of their own (make sbom); this
one lists what they are packed with: CPython, and the shared libraries of this host with their Debian packages.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bridge.runtime.build import LEFT_OUT_FILES, Problem, find_bash, find_libraries


def main() -> int:
    binary = Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()
    modules = [
        path
        for path in Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so")
        if not LEFT_OUT_FILES.fullmatch(path.name)
    ]
    try:
        bash = find_bash()
        loader, libraries = find_libraries([binary, bash, *modules])
    except Problem as problem:
        print(f"sbom.py: {problem}", file=sys.stderr)
        return 1
    files = sorted({loader.resolve(), binary, bash, *(path.resolve() for path in libraries.values())})
    packages = dict(filter(None, map(debian_package, files)))
    python = {
        "type": "application",
        "bom-ref": "cpython",
        "name": "cpython",
        "version": platform.python_version(),
        "purl": f"pkg:generic/cpython@{platform.python_version()}",
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "runtime", "name": "mcp-bridge-runtime"}},
        "components": [python, *packages.values(), *map(file_component, files)],
    }
    print(json.dumps(document, indent=1))
    return 0


def file_component(path: Path) -> dict[str, Any]:
    """Returns the CycloneDX component of one file, with its digest."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    hashes = [{"alg": "SHA-256", "content": digest}]
    return {"type": "file", "bom-ref": f"file:{path}", "name": str(path), "hashes": hashes}


def debian_package(path: Path) -> tuple[str, dict[str, Any]] | None:
    """The Debian package that a file is from, by its purl; None where it is from none."""
    owner = next((found for name in aliases(path) if (found := query("-S", name))), "")
    name = owner.rpartition(": ")[0].split(",")[0].strip()
    described = query("-W", "-f", "${Package} ${Version} ${Architecture}", name) if name else ""
    if len(described.split()) != 3:
        return None
    package, version, architecture = described.split()
    system = platform.freedesktop_os_release()
    distro = f"{system['ID']}-{system.get('VERSION_ID', '')}".rstrip("-")
    purl = f"pkg:deb/{quote(system['ID'])}/{quote(package)}@{quote(version)}?arch={architecture}&distro={quote(distro)}"
    return purl, {"type": "library", "bom-ref": purl, "name": package, "version": version, "purl": purl}


def aliases(path: Path) -> Iterator[str]:
    """The path, and what dpkg may know it by: /lib is a link to /usr/lib since Debian 12."""
    yield str(path)
    yield re.sub(r"^/usr/(lib|bin)", r"/\1", str(path))


def query(*arguments: str) -> str:
    """Returns the first line that dpkg-query says, empty where it fails or is not there."""
    try:
        found = subprocess.run(["dpkg-query", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return found.stdout.strip().splitlines()[0] if found.returncode == 0 and found.stdout.strip() else ""


if __name__ == "__main__":
    sys.exit(main())
