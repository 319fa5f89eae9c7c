#!/usr/bin/env python3
"""Do on a fresh host what a new user does: unpack this project's HEAD, run setup.sh, and run it once more.

Usage: fresh.py [--without-systemd]. Exits 0 when both runs succeed and the second changes nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time

from host import HERE, Host, HostError

PROJECT = HERE.parents[1]
# What the test host's image holds and a Debian machine out of the box does not.
NOT_FRESH = ("docker.io", "containerd", "runc", "iptables", "python3-venv", "python3-pip-whl")


def unpack_head(host: Host, directory: str) -> None:
    """Put the committed files of this project into DIRECTORY on HOST; raises HostError."""
    argv = ["git", "-C", str(PROJECT), "archive", "--prefix", f"{directory.strip('/')}/", "HEAD"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as archive:
        unpack = ["docker", "cp", "-", f"{host.name}:/"]
        unpacked = subprocess.run(unpack, stdin=archive.stdout, capture_output=True, text=True, check=False)
    if archive.returncode or unpacked.returncode:
        raise HostError(f"{host.name}: HEAD could not be unpacked: {unpacked.stderr.strip()}")


def set_up(host: Host, directory: str) -> int:
    """Run setup.sh as the host's user, show what it says, and return how many changes it reports; raises HostError."""
    begun = time.monotonic()
    # A login as a person has it: none of this process's variables, which an engine's exec would not pass on anyway.
    argv = ["docker", "exec", host.name, "runuser", "-l", host.user, "-c", f"cd {directory} && sudo ./setup.sh 2>&1"]
    said = []
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            print(f"  {line}", end="", flush=True)
            said.append(line)
    if running.returncode:
        raise HostError(f"setup.sh exited with {running.returncode}")
    changes = [int(count) for line in said for count in re.findall(r"\bchanged=(\d+)", line)]
    if not changes:
        raise HostError("setup.sh reported no changes, not even none")
    print(f"==> setup.sh: {time.monotonic() - begun:.0f} s, changed={sum(changes)}", flush=True)
    return sum(changes)


def see_files(host: Host) -> None:
    """Raise HostError, with a line for each, where a file of the installation is open to more than need it."""
    argv = ["docker", "cp", str(HERE / "files.py"), f"{host.name}:/root/files.py"]
    subprocess.run(argv, capture_output=True, check=True)
    host.run("/usr/bin/python3", "/root/files.py")


def main() -> int:
    """Obey the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--without-systemd", action="store_true", help="PID 1 is something that starts nothing")
    systemd = not parser.parse_args().without_systemd
    host = Host(f"mcp-fresh-{os.getpid()}", systemd=systemd)
    directory = f"/home/{host.user}/mcp-orchestrator"
    try:
        with host:
            host.run("apt-get", "purge", "-qq", "--yes", *NOT_FRESH, timeout=120)
            unpack_head(host, directory)
            set_up(host, directory)
            see_files(host)
            if changed := set_up(host, directory):
                raise HostError(f"the second run of setup.sh changed {changed} things; it should have found all done")
    except (HostError, AssertionError, subprocess.CalledProcessError) as failed:
        print(f"fresh.py: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
