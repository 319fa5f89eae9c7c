# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Through all hops, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import Backend, HopResult
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop


def reconcile(hops: Sequence[Hop], backend: Backend) -> list[HopResult]:
    """Converges the hops in their order and returns one result for each that was reached.

    Ends after a hop that failed as a whole: what has served so far goes on while the next one cannot take over.
    """
    results: list[HopResult] = []
    for hop in hops:
        results.append(backend.converge(hop))
        if results[-1].failure is not None:
            break
    return results
