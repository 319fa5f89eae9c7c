# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a run looks at everything."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.service import Service
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.verification import is_full_verification_due

EVERY_TWELFTH = Settings(
    service=Service(reconciliation_interval_seconds=300), routes=Routes(full_verification_every=12)
)


@pytest.mark.parametrize("gap", [300, 330, 360])
def test_one_run_at_least_in_so_many_looks_at_everything(gap: int) -> None:
    begin = 1_700_000_123.0
    dues = [is_full_verification_due(EVERY_TWELFTH, begin + run * gap) for run in range(48)]
    assert all(any(dues[start : start + 12]) for start in range(36))
    assert sum(dues) <= 8


def test_every_run_looks_at_everything_where_that_is_said() -> None:
    always = Settings(routes=Routes(full_verification_every=1))
    assert all(is_full_verification_due(always, 1_700_000_000.0 + second) for second in range(0, 3000, 7))
