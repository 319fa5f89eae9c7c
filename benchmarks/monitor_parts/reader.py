"""Somebody who looks at a page again and again, in a process of his own, so that he waits for the monitor alone.

python -m benchmarks.monitor_parts.reader PORT PATH prints the seconds within which 99 of 100 pages were there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "files")]

from benchmarks.monitor_parts.serving import Monitor  # noqa: E402

SECONDS = 4.0
PAUSE_SECONDS = 0.03


def main() -> None:
    """Asks for some seconds, and prints."""
    served = Monitor(0, int(sys.argv[1]))
    took: list[float] = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        took.append(served.get(sys.argv[2])[1])
        time.sleep(PAUSE_SECONDS)
    print(sorted(took)[len(took) * 99 // 100])


if __name__ == "__main__":
    main()
