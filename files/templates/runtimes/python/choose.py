"""Runs once, when the image is built: makes /opt/server/start, and writes down what was installed.

Reads recipe.json (package, executable, module) and pip's report.json; writes installed.json (package, version, digest).
"""

import json
import re
import shlex
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

HERE = Path("/opt/server")


def plain(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def make_executable() -> None:
    """Lets the programs that wheels bring along run.

    Some packages do so when they first start, such as mcp-grafana 2, and by then their files are read-only.
    """
    for path in Path(sysconfig.get_path("platlib")).rglob("bin/*"):
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
            path.chmod(path.stat().st_mode | 0o111)


def main() -> str | None:
    """Does it; returns what is wrong, if anything is."""
    recipe = json.loads((HERE / "recipe.json").read_text())
    report = json.loads((HERE / "report.json").read_text())
    wished = plain(re.split(r"[\[@ ]", recipe["package"])[0])
    requested = [each for each in report["install"] if each.get("requested")]
    named = [each for each in requested if plain(each["metadata"]["name"]) == wished]
    # The first requirement may be an address, which tells no name; pip reports it among those that were asked for.
    by_address = [each for each in requested if each.get("is_direct")]
    found = (named or by_address or requested)[0]
    name, version = found["metadata"]["name"], found["metadata"]["version"]
    source = found.get("download_info", {})
    digest = source.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    digest = f"sha256:{digest}" if digest else source.get("vcs_info", {}).get("commit_id", "")

    if recipe["module"]:
        command = ["/opt/server/bin/python", "-m", recipe["module"]]
    else:
        programs = sorted(each.name for each in distribution(name).entry_points if each.group == "console_scripts")
        wanted = recipe["executable"] or (programs[0] if len(programs) == 1 else name)
        if not (HERE / "bin" / wanted).exists():
            return f"{name} {version} has no program '{wanted}'; it has: {', '.join(programs) or 'none'}"
        command = [f"/opt/server/bin/{wanted}"]
    start = HERE / "start"
    start.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    start.chmod(0o755)
    make_executable()
    (HERE / "installed.json").write_text(json.dumps({"package": name, "version": version, "digest": digest}))
    return None


if __name__ == "__main__":
    wrong = main()
    if wrong:
        sys.exit(f"ERROR: {wrong}")
