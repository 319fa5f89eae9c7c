#!/usr/bin/env python3
"""Edit the config and the settings of an installed host in every way and at every moment, and see each edit followed.

Usage: edits.py [--short]. Runs on a host with systemd, as root. An edit is followed when a run that began after it has
written the state.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

ETC = Path("/etc/mcp-orchestrator")
STATE = Path("/var/lib/mcp-orchestrator/state.json")
CONFIG, SETTINGS, DROP_INS = ETC / "mcp.config.json", ETC / "settings.conf", ETC / "mcp.config.d"
# A run names its tasks where it prints as Ansible does by itself.
TASKS_IN_THE_JOURNAL = Path("/etc/systemd/system/mcp-reconcile.service.d/tasks.conf")
STEPS = ("Read the config", "Converge the containers", "Converge the routes", "Ask every server", "Write the state")
PATIENCE = 60.0


def write(path: Path) -> None:
    """Write into the file, as `echo >>` does."""
    with path.open("a") as file:
        file.write("\n")


def rename(path: Path) -> None:
    """Put another file in its place, as most editors do."""
    new = path.with_suffix(".new")
    new.write_text(path.read_text() + "\n")
    new.chmod(path.stat().st_mode)
    new.rename(path)


def drop_in(_path: Path) -> None:
    """Add a file of further servers, or remove it."""
    file = DROP_INS / "edits.json"
    if file.exists():
        file.unlink()
    else:
        file.write_text('{"mcpServers": {}}')


WAYS: dict[str, tuple[Callable[[Path], None], Path]] = {
    "the config is written": (write, CONFIG),
    "the config is replaced": (rename, CONFIG),
    "a drop-in comes or goes": (drop_in, DROP_INS),
    "the settings are written": (write, SETTINGS),
    "the settings are replaced": (rename, SETTINGS),
}


def run_began() -> float:
    """When the last run that has written the state began, in seconds since the epoch; 0 while it is being written."""
    try:
        began = json.loads(STATE.read_text())["run"]["started"]
        return datetime.fromisoformat(began.replace("Z", "+00:00")).timestamp()
    except (OSError, ValueError, KeyError):
        return 0.0


def followed(edited: float, what: str) -> float:
    """Wait until a run that began after the time EDITED has written the state; return how long that took."""
    while run_began() < edited - 1:  # the state has whole seconds
        if time.time() > edited + PATIENCE:
            sys.exit(f"edits.py: {what}: no run followed within {PATIENCE:g} s")
        time.sleep(0.1)
    return time.time() - edited


def systemctl(*arguments: str) -> str:
    """What systemctl says, whatever its exit code."""
    return subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def at_rest() -> None:
    """Wait until no run is under way or about to begin."""
    quiet = 0
    while quiet < 5:
        is_idle = systemctl("is-active", "mcp-reconcile.service") in ("inactive", "failed")
        quiet = quiet + 1 if is_idle and not systemctl("list-jobs", "--no-legend", "mcp-*") else 0
        time.sleep(0.1)


def edit_during_a_run(step: str, way: str) -> None:
    """Start a run, edit when it comes to STEP, and see that another run follows."""
    at_rest()
    time.sleep(1.1)  # the state has whole seconds
    edit, path = WAYS[way]
    argv = ["journalctl", "-fu", "mcp-reconcile.service", "-n", "0", "-o", "cat"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as journal:
        systemctl("start", "--no-block", "mcp-reconcile.service")
        for line in journal.stdout or ():
            if line.startswith("TASK [") and step in line:
                break
        edit(path)
        edited = time.time()
        journal.terminate()
    took = followed(edited, f"{way} at '{step}'")
    print(f"{way} at '{step}': followed after {took:.1f} s")


def edit_at_rest(way: str) -> None:
    """Edit while no run is under way, and see that one follows."""
    at_rest()
    time.sleep(1.1)
    edit, path = WAYS[way]
    edit(path)
    print(f"{way} at rest: followed after {followed(time.time(), way + ' at rest'):.1f} s")


def edit_after_the_folder_was_removed() -> None:
    """A watched folder that somebody removed comes back, and a replaced file is followed as before."""
    for file in DROP_INS.iterdir():
        file.unlink()
    DROP_INS.rmdir()
    followed(time.time(), "a folder is removed")
    at_rest()
    if not DROP_INS.is_dir():
        sys.exit("edits.py: the folder of the drop-ins did not come back")
    edit_at_rest("the config is replaced")


def many_edits() -> None:
    """Twenty edits within ten seconds: the last one is followed."""
    at_rest()
    for number in range(20):
        edit, path = list(WAYS.values())[number % len(WAYS)]
        edit(path)
        time.sleep(0.5)
    print(f"twenty edits in ten seconds: the last followed after {followed(time.time(), 'twenty edits'):.1f} s")


def edits_that_make_runs_fail() -> None:
    """Runs that fail at once, one after the other, end neither the watch nor what it starts."""
    good = SETTINGS.read_text()
    try:
        for number in range(8):
            SETTINGS.write_text(f"{good}\n[service\n# {number}\n")
            time.sleep(0.4)
    finally:
        SETTINGS.write_text(good)
    edited = time.time()
    print(f"after eight edits that cannot be read: followed after {followed(edited, 'a repaired file'):.1f} s")
    at_rest()
    if systemctl("is-active", "mcp-reconcile.path") != "active":
        sys.exit("edits.py: the watch has ended")


def main() -> None:
    """Do them all, or with --short one of each kind."""
    short = sys.argv[1:] == ["--short"]
    if os.geteuid() != 0:
        sys.exit("edits.py: run it as root")
    DROP_INS.mkdir(exist_ok=True)
    TASKS_IN_THE_JOURNAL.parent.mkdir(exist_ok=True)
    TASKS_IN_THE_JOURNAL.write_text("[Service]\nEnvironment=ANSIBLE_STDOUT_CALLBACK=default\n")
    systemctl("daemon-reload")
    systemctl("stop", "mcp-reconcile.timer")  # it would follow every edit, later
    try:
        for way in list(WAYS)[1:3] if short else WAYS:
            edit_at_rest(way)
            for step in STEPS[2:3] if short else STEPS:
                edit_during_a_run(step, way)
        if not short:  # it takes the drop-ins with it
            edit_after_the_folder_was_removed()
        many_edits()
        edits_that_make_runs_fail()
    finally:
        TASKS_IN_THE_JOURNAL.unlink()
        systemctl("daemon-reload")
        systemctl("start", "mcp-reconcile.timer")
        (DROP_INS / "edits.json").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
