from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.site import PROJECT, Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The product, installed once for the session with the sample config, and torn down after it."""
    root = tmp_path_factory.mktemp("site")
    for parent in list(root.parents)[:2]:
        parent.chmod(0o755)
    site = Site(root)
    sample = PROJECT / "files" / "mcp.config.json"
    (site.etc / "mcp.config.json").write_bytes(Path(sample).read_bytes())
    run = site.install()
    try:
        assert run.code == 0, run.output
        yield site
    finally:
        site.play("teardown")
