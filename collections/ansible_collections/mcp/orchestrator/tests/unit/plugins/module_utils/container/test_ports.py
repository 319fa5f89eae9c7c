# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice of a port on the host."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import NoFreePort, free_port


def test_a_server_has_the_same_port_every_time_and_the_next_one_when_that_is_taken() -> None:
    first = free_port("time", 20000, 29999, ())
    assert free_port("time", 20000, 29999, ()) == first
    assert free_port("time", 20000, 29999, {first}) == first + 1


def test_the_search_for_a_port_goes_round_the_range() -> None:
    assert {free_port("time", 5, 7, {5, 6, 7} - {port}) for port in (5, 6, 7)} == {5, 6, 7}


def test_a_full_range_is_told_with_the_way_out() -> None:
    with pytest.raises(NoFreePort, match="widen port_range_start and port_range_end"):
        free_port("time", 5, 6, {5, 6})
