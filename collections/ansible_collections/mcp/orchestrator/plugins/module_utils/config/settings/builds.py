# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[builds]: the images that are built here for npx, uvx and the like."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import cores, memory, number


@dataclass(frozen=True)
class Builds:
    """What the build of an image may take: ``memory`` in bytes, ``cpus`` in cores, ``timeout`` in seconds.

    An image is built anew when its packages are ``rebuild_after_days`` days old; 0 is never.
    """

    memory: int = setting(
        2 * 1024**3, memory, "Memory that the build of one image for npx, uvx and the like may take, without swap."
    )
    cpus: float = setting(2.0, cores, "Cores that such a build may take.")
    timeout: int = setting(900, number(10, 86400), "Seconds that such a build may take in all.")
    rebuild_after_days: int = setting(
        0,
        number(0, 3650),
        "Days after which such an image is built again, on the base that its registry has then and with"
        " the newest packages that its entry allows. 0: never by itself; make rebuild does it.",
    )
