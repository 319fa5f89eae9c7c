# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from hypothesis import settings

KEY = b"k" * 32

# The machine is shared: how long an example takes says nothing.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Fleet]:
    """Reads servers by name, and settings as text, as a fleet."""

    def read_servers(servers: dict[str, Any] | None = None, settings: str = "", key: bytes = KEY) -> Fleet:
        config_file = tmp_path / "mcp.config.json"
        config_file.write_text(json.dumps({"mcpServers": servers or {}}))
        settings_file = tmp_path / "settings.conf"
        settings_file.write_text(settings)
        return read_fleet([str(config_file)], str(settings_file), key)

    return read_servers


@pytest.fixture
def read_args(read: Callable[..., Fleet]) -> Callable[..., Fleet]:
    """Reads one server ``x`` that is started with ``docker run`` and these arguments."""

    def read_server(*args: str, **entry: Any) -> Fleet:
        return read({"x": {"command": "docker", "args": ["run", *args], **entry}})

    return read_server
