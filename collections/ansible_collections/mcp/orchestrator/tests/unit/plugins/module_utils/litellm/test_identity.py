# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ids at LiteLLM stay through edits, renamings and everything that comes and goes."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.identity import renamed, server_ids
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.sets(st.sampled_from("abcdefg"), max_size=5)


@settings(max_examples=100)
@given(st.lists(NAMES, min_size=1, max_size=6))
def test_ids_are_unique_and_stay_through_any_history(history: list[set[str]]) -> None:
    world: dict[str, str] = {}
    for services in history:
        after = server_ids("mcp", services, world, {})
        assert set(after) == services
        assert len(set(after.values())) == len(after)
        assert all(after[service] == world[service] for service in services & set(world))
        world = after


@given(NAMES, st.data())
def test_a_renamed_server_keeps_its_id_and_its_former_name_gets_another(
    services: set[str], data: st.DataObject
) -> None:
    services |= {"h"}
    world = server_ids("mcp", services, {}, {})
    old = data.draw(st.sampled_from(sorted(services)))
    after = server_ids("mcp", services - {old} | {"new"}, world, {"new": old})
    assert after["new"] == world[old]
    again = server_ids("mcp", services | {"new"}, after, {})
    assert again["new"] == world[old] != again[old]


def test_a_server_that_comes_back_has_the_id_that_it_had() -> None:
    first = server_ids("mcp", ["time"], {}, {})
    assert server_ids("mcp", ["time", "docs"], {}, {})["time"] == first["time"]
    assert server_ids("other", ["time"], {}, {})["time"] != first["time"]


def test_an_id_that_two_entries_bear_stays_with_one() -> None:
    ids = server_ids("mcp", ["a", "b"], {"a": "same", "b": "same"}, {})
    assert ids["a"] == "same" != ids["b"]


def test_only_an_entry_that_went_and_came_unchanged_and_alone_is_a_renamed_one() -> None:
    assert renamed(["old"], ["new"], {"old": "1"}, {"new": "1"}) == {"new": "old"}
    assert renamed(["old"], ["new"], {"old": "1"}, {"new": "2"}) == {}
    assert renamed(["old", "older"], ["new"], {"old": "1", "older": "1"}, {"new": "1"}) == {}
    assert renamed(["old"], ["new", "newer"], {"old": "1"}, {"new": "1", "newer": "1"}) == {}
    assert renamed([], ["new"], {"old": "1"}, {"new": "1"}) == {}
