# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a run looks at everything, where the others trust what the tags say."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings


def is_full_verification_due(settings: Settings, now: float) -> bool:
    """Returns whether a run at ``now``, in seconds since the epoch, is the one in so many that looks at everything.

    Runs are at most a fifth of their interval longer apart than the interval, so at least one falls into the first 1.2
    of every so many intervals of the clock. That needs no memory of how many there were.
    """
    interval = settings.service.reconciliation_interval_seconds
    return now % (interval * settings.routes.full_verification_every) < interval * 1.2
