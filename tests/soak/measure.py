"""What a site has and takes, to be compared over weeks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.chaos import scene
from tests.e2e.support.site import FLEET, Site
from tests.soak.hours import STEADY, TAGGED

PROGRAMS = ("watcher", "monitor", "local_alb", "haproxy", "bridge")
MIB = 1024 * 1024


def taken(site: Site) -> dict[str, float]:
    """Returns sizes in MiB and numbers of things: disk by directory, private memory and open files by program, objects
    of the engine, rules of the packet filter and images made for the site. The bridge is that of the steady server."""
    found: dict[str, float] = {}
    for place in sorted(site.var.iterdir()):
        files = [each for each in (place.rglob("*") if place.is_dir() else [place]) if each.is_file()]
        name = place.name if place.is_dir() else "files"
        found[f"disk {name}"] = found.get(f"disk {name}", 0.0) + sum(each.stat().st_size for each in files) / MIB
        found["files"] = found.get("files", 0) + len(files)
    found["disk"] = sum(size for name, size in found.items() if name.startswith("disk "))
    for program in PROGRAMS:
        processes = _bridges(site) if program == "bridge" else scene.processes(site, program)
        found[f"processes {program}"] = len(processes)
        found[f"memory {program}"] = sum(_private(each) for each in processes)
        found[f"open {program}"] = sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in processes)
    api = site.docker.api
    ours = {"label": f"mcp_fleet={FLEET}"}
    found["containers"] = len(api.containers(all=True, filters=ours))
    found["networks"] = len(api.networks(filters=ours))
    found["images"] = len(images(site))
    rules = subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
    found["rules"] = len(re.findall(rf"\bmcp_fleet={FLEET}\b|\bMCP-{FLEET}\b", rules))
    return {name: round(value, 2) for name, value in found.items()}


def images(site: Site) -> list[str]:
    """Returns the tags of the images that were made for the site."""
    return sorted(tag for each in site.docker.api.images(name=TAGGED) for tag in each["RepoTags"] or ())


def _bridges(site: Site) -> list[int]:
    """The processes of the bridge of the server that nobody touches, without what starts it and its children."""
    (container,) = scene.containers_of(site, STEADY)
    listed = container.top()
    found = [int(row[listed["Titles"].index("PID")]) for row in listed["Processes"]]
    commands = {each: Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0") for each in found}
    return [each for each, words in commands.items() if b"bridge" in words and b"ld.so" in words[0]]


def _private(process: int) -> float:
    """The memory in MiB that a process shares with no other (proc_pid_smaps_rollup(5))."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+)", text, re.MULTILINE)) / 1024
