# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file by which the monitor tells clients where to log in. Pure.

It names the servers of the whole fleet, also those of other hosts: a shared balancer asks any host's monitor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import Step
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import texts, word

VERSION = 1

Json = dict[str, Any]


def login_document(run: Mapping[str, Any], settings: Mapping[str, Any], config: Step, former: Any) -> Json:
    """Returns the file's content, as files/login.schema.json describes it.

    ``run`` is the state's; ``former`` is the content of the file that is to be replaced, whatever it is: a server whose
    entry has an error goes on as it was, and so do its clients.
    """
    issuer = word(_section(settings, "jwt").get("issuer")) or ""
    usual = _section(settings, "routes").get("auth")
    asking = {
        name
        for name, spec in config.by_name("servers").items()
        if spec.get("enabled", True) and (spec.get("auth") or usual) == "jwt"
    }
    wrong = {error.server for error in config.own_errors if error.server is not None}
    known = set(texts(former.get("servers")) or []) if isinstance(former, Mapping) else set()
    return {
        "version": VERSION,
        "run": run["id"],
        "issuer": issuer if issuer.startswith("https://") else None,
        "scopes": (word(_section(settings, "jwt").get("scope")) or "").split(),
        "servers": sorted(asking | (wrong & known)),
        "origins": texts(_section(settings, "security").get("allowed_origins")) or [],
    }


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, Mapping) else {}
