# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where servers answer on this host and in the cluster, as one endpoint for each. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint


def joined(here: Sequence[Endpoint], in_cluster: Sequence[Endpoint], protected: Collection[str] = ()) -> list[Endpoint]:
    """Returns one endpoint for each server, of both sides where both have one.

    A server of which only the cluster's side is known has none where it is in ``protected``: a host may serve it too,
    and would lose its targets.
    """
    pods = {each.name: each for each in in_cluster}
    both = [_both(each, pods[each.name]) if each.name in pods else each for each in here]
    names = {each.name for each in here} | set(protected)
    return [*both, *(each for each in in_cluster if each.name not in names)]


def _both(here: Endpoint, in_cluster: Endpoint) -> Endpoint:
    """What this host knows of a server, which is at least what a route needs, and what runs it in the cluster."""
    states = (here.state, in_cluster.state)
    state = next((each for each in ("running", "planned", "failed") if each in states), here.state)
    return replace(here, state=state, workload=in_cluster.workload)
