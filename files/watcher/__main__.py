"""Watches the fleet's containers: python -m watcher --fleet … --directory …"""

from __future__ import annotations

import sys

# Nothing but a cluster's API server speaks TLS, and asyncio goes without: 4 MB less in a process that is always there.
if "--kubeconfig" not in sys.argv:
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]

import asyncio
import logging

from watcher.options import parse
from watcher.program import watch


def main() -> None:
    """Watches until SIGTERM. Exits 2 where the command line is wrong."""
    options = parse(None)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger("watcher").setLevel(options.log_level)
    asyncio.run(watch(options))


if __name__ == "__main__":
    main()
