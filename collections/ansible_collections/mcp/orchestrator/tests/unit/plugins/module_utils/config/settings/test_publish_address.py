# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports that are opened on every address of the host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet

Read = Callable[..., Fleet]
AWS = "[aws]\nalb_name = shared\n"
PUBLISH = "[service]\npublish_address = "


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_ports_on_every_address_are_warned_of(read: Read, address: str) -> None:
    (warning,) = read({}, AWS + PUBLISH + address).warnings
    assert warning.startswith(f"settings.conf: [service] publish_address: {address} opens the ports on every address")


@pytest.mark.parametrize("settings", ["", AWS, AWS + PUBLISH + "10.0.1.7"])
def test_other_addresses_are_not_warned_of(read: Read, settings: str) -> None:
    assert read({}, settings).warnings == []
