from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.site import PROJECT, Site


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The product, installed once for the session with the sample config, and torn down after it."""
    # Not one of pytest's folders: those are root's alone, and the services run as users of their own.
    root = Path(tempfile.mkdtemp(prefix="mcp-e2e-", dir="/var/tmp"))
    site = Site(root)
    (site.etc / "mcp.config.json").write_bytes((PROJECT / "files" / "mcp.config.json").read_bytes())
    run = site.install()
    try:
        assert run.code == 0, run.output
        yield site
    finally:
        site.play("teardown")
        shutil.rmtree(root)
