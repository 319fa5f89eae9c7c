#!/usr/bin/env python3
"""Whether our services are kept from the address at which EC2 gives out an instance's credentials.

Usage, as root on the host: metadata.py UNIT.... Lets something of its own answer there while it looks, asks from within
the cgroup of each unit, and exits 1 with a line for each that got an answer. A host without cgroups v2 is passed over.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

METADATA = ("169.254.169.254", 80)
PATIENCE_SECONDS = 1.0
HIERARCHIES = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


def hierarchy() -> Path | None:
    """Where cgroups v2 are mounted; None where they are not."""
    return next((each for each in HIERARCHIES if (each / "cgroup.controllers").exists()), None)


def reaches(cgroup: Path | None) -> bool:
    """Whether a process in that cgroup, or in this one's own, gets to the address."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if cgroup is not None:
                (cgroup / "cgroup.procs").write_text(str(os.getpid()))
            socket.create_connection(METADATA, PATIENCE_SECONDS).close()
            code = 0
        except OSError:
            pass
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main() -> int:
    """Obey the command line; return the exit code."""
    top = hierarchy()
    if top is None:
        print("cgroups v2 are not mounted here, and without them systemd keeps no unit from an address")
        return 0
    subprocess.run(["ip", "address", "add", f"{METADATA[0]}/32", "dev", "lo"], check=True)
    try:
        with socket.create_server(METADATA):
            if not reaches(None):
                print("nothing answers at the address although it should, so that nothing can be said")
                return 1
            open_units = [unit for unit in sys.argv[1:] if reaches(top / "system.slice" / unit)]
    finally:
        subprocess.run(["ip", "address", "del", f"{METADATA[0]}/32", "dev", "lo"], check=True)
    for unit in open_units:
        print(f"{unit} reaches {METADATA[0]}")
    return 1 if open_units else 0


if __name__ == "__main__":
    sys.exit(main())
