# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Through all hops, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import fleet_lock
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import Backend, HopResult
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop


def reconcile(hops: Sequence[Hop], backend: Backend, fleet: str, run_token: str | None) -> list[HopResult] | None:
    """Converges the hops in their order and returns one result for each that was reached.

    ``run_token`` is what converging the containers returned. With one the fleet is held meanwhile, and where another
    run has converged it since, nothing is done and None returned. Raises FleetBusy when others hold the fleet for too
    long.
    """
    if run_token is None:
        return through(hops, backend)
    with fleet_lock(fleet) as lock:
        return through(hops, backend) if lock.is_current(run_token) else None


def through(hops: Sequence[Hop], backend: Backend) -> list[HopResult]:
    """Converges hop after hop, and ends after one that failed as a whole.

    What has served so far goes on while the next hop cannot take over.
    """
    results: list[HopResult] = []
    for hop in hops:
        results.append(backend.converge(hop))
        if results[-1].failure is not None:
            break
    return results
