#!/usr/bin/env bash
# Linux 6.18, CPython 3.11.
#
# ru_maxrss, which getrusage and `time -f %M` tell as a process's peak, outlives exec: a small program that a large one
# starts has the large one's peak. VmHWM of /proc/self/status is of the program itself.
#
# Why it matters: a test that bounds the memory of a child process measures its own.
set -euo pipefail
python3 - <<'PYTHON'
import subprocess
import sys

CHILD = """
import resource
status = open("/proc/self/status").read()
peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >= 200 * 1024, peak >= 200 * 1024)
"""
ballast = b"x" * (300 * 1024**2)
told = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout.split()
said = f"a small child of a process of 300 MB: large by getrusage {told[0]}, large by VmHWM {told[1]}"
print(said)
expected = "a small child of a process of 300 MB: large by getrusage True, large by VmHWM False"
sys.exit(None if said == expected else f"this has changed; it was:\n{expected}")
PYTHON
