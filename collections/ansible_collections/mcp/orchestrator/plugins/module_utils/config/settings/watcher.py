# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[watcher]: the program that has a run started when a container needs one."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import switch


@dataclass(frozen=True)
class Watcher:
    """Whether there is a watcher, and whom it has asked."""

    enabled: bool = setting(
        True,
        switch,
        "Whether the watcher runs: it starts a run at once when a container of the fleet has died or was removed."
        " Without systemd it also starts the runs of the interval and those after an edit. A change needs setup.sh.",
    )
    ask_registries: bool = setting(
        True,
        switch,
        "Whether the engine asks registries once a day for another image under the tag of each server, without a login,"
        " so that the monitor can say so. Nothing is pulled. A change needs setup.sh.",
    )
