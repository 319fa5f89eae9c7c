"""The images of `make nine`, from Debian's, PyPI's and npm's packages alone. Usage: python -m tests.nine.images"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "images"
NAMES = {
    "mcp-base/node:24": "node",
    "mcp-nine/postgres": "postgres",
    "mcp-nine/timescaledb": "timescaledb",
    "mcp-nine/netdata": "netdata",
    "mcp-nine/prometheus": "prometheus",
    "mcp-nine/playwright": "playwright",
    "mcp-nine/stand-in": "stand_in",
}


def build() -> int:
    """Builds what is missing or has another recipe, a line each; returns the exit code."""
    place = importlib.util.spec_from_file_location("build", PROJECT / "files" / "images" / "build.py")
    assert place is not None
    assert place.loader is not None
    images = importlib.util.module_from_spec(place)
    place.loader.exec_module(images)
    images.RECIPES.update({name: HERE / folder for name, folder in NAMES.items()})
    return int(images.main(list(NAMES)))


if __name__ == "__main__":
    sys.exit(build())
