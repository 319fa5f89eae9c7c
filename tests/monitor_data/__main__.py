"""Makes such a site: python -m tests.monitor_data DIRECTORY --servers 100 --days 30"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / part) for part in ("collections", "files")]

from tests.monitor_data.site import make_site  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.monitor_data", description="Makes the files of a site.")
    add = parser.add_argument
    add("directory", type=Path, help="as /var/lib/mcp-orchestrator; what is in it is overwritten")
    add("--servers", type=int, default=100)
    add("--days", type=int, default=30)
    add("--lines", type=int, default=400, help="lines of log of a server, about")
    add("--calls", type=int, default=1500, help="calls of a server, about")
    add("--seed", type=int, default=7)
    options = parser.parse_args()
    began = time.monotonic()
    make_site(
        options.directory,
        servers=options.servers,
        days=options.days,
        lines=options.lines,
        calls=options.calls,
        seed=options.seed,
    )
    print(f"{options.directory}: {options.servers} servers, {options.days} days, {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
