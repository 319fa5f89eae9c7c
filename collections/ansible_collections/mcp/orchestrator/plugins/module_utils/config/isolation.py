# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose the processes of a stdio server are, and so where the sessions of its clients live."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who asks about endpoints need not know what containers are made of
    from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec


def each_has_a_process(isolation: str | None) -> bool:
    """Returns whether each session has a process of its own, as it has by default."""
    return isolation in (None, "per_session")


def keeps_sessions(spec: Spec) -> bool:
    """Returns whether a client's session lives in one container of the server alone, as its bridge counts them."""
    return spec.transport == "stdio" and each_has_a_process(spec.isolation)


def shares_sessions(spec: Spec) -> bool:
    """Returns whether any container of the server takes a client's session, because its id says all of it."""
    return spec.transport == "stdio" and not each_has_a_process(spec.isolation)
