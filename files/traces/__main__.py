"""Sends spans of calls to an OTLP receiver: python -m traces --fleet … --directory … --endpoint … --headers …"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .delivery import Receiver
from .program import Program

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_LARGEST = 1024 * 1024


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options in ``arguments``. Exits with a usage message where they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m traces", description="Sends a span of each recorded call.")
    add = parser.add_argument
    add("--fleet", required=True)
    add("--directory", type=Path, required=True, help="the watcher's")
    add("--own", type=Path, required=True, help="where this program notes how far it is")
    add("--endpoint", required=True, help="the receiver's address with its path")
    add("--headers", type=Path, required=True, help="a JSON file of headers by name")
    add("--log-level", choices=LEVELS, default="INFO")
    return parser.parse_args(arguments)


def read_headers(path: Path) -> Mapping[str, str]:
    """Returns the headers in a file. Raises ValueError with the way out, and shows none of them."""
    try:
        with path.open("rb") as file:
            found: Any = json.loads(file.read(_LARGEST))
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: the headers cannot be read ({type(error).__name__}); run setup.sh again") from None


def main() -> int:
    """Sends until SIGTERM. Returns 1 where it cannot."""
    options = parse(None)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger("traces").setLevel(options.log_level)
    try:
        receiver = Receiver(options.endpoint, read_headers(options.headers))
        Program(options.fleet, options.directory, options.own, receiver).run()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
