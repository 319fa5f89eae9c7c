# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is allowed as ``[service] publish_address`` and seldom intended."""

from __future__ import annotations

import os

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings

ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104
PUBLISH_ADDRESS_KEY = "[service] publish_address"


def publish_address_warnings(settings: Settings, settings_path: str | None = None) -> list[str]:
    """Returns one warning where the ports are opened on every address of the host, else none.

    ``settings_path`` names the file in the warning.
    """
    address = settings.service.publish_address
    if address not in ANY_ADDRESS:
        return []
    label = os.path.basename(settings_path or "settings.conf")
    return [
        f"{label}: {PUBLISH_ADDRESS_KEY}: {address} opens the ports on every address of this host, public ones and"
        " those of other networks too; leave it empty for the address that the load balancer reaches, or name one"
    ]
