"""What only make kubernetes has the time for."""

from __future__ import annotations

import os

import pytest

takes_long = pytest.mark.skipif(
    os.environ.get("MCP_KUBERNETES") != "long", reason="takes long; make kubernetes runs it"
)
