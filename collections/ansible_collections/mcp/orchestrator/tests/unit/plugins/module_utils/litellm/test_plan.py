# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for LiteLLM's database: it converges, touches ours alone, and keeps what people have set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import Entry, service_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.plan import plan
from hypothesis import given, settings
from hypothesis import strategies as st

IDS = "1234"


def entry(number: str, *, url: str = "http://lb", timeout: float | None = None) -> Entry:
    return Entry(f"s-{number}", f"s_{number}", url, "http", timeout=timeout, server_id=number)


def done(held: dict[str, Any], actions: list[Any]) -> dict[str, Any]:
    """What a database holds once LiteLLM has carried the actions out, by server."""
    rows = {told["server_id"]: told for told in held.values()}
    for action in actions:
        assert (action.server_id in rows) == (action.action != "create")
        if action.action == "delete":
            del rows[action.server_id]
        else:
            rows[action.server_id] = {**rows.get(action.server_id, {}), **action.body}
    return {str(service_of(told, "mcp")): told for told in rows.values()}


ENTRIES = st.dictionaries(
    st.sampled_from(IDS), st.builds(entry, st.just(""), url=st.sampled_from("xy"), timeout=st.sampled_from([None, 5.0]))
).map(lambda found: [replace(each, service=f"s-{id}", name=f"s_{id}", server_id=id) for id, each in found.items()])


@settings(max_examples=100)
@given(ENTRIES, ENTRIES)
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(first: list[Entry], second: list[Entry]) -> None:
    held = done({}, plan("mcp", {}, first, []))
    after = done(held, plan("mcp", held, second, []))
    assert set(after) == {each.service for each in second}
    assert plan("mcp", after, second, []) == []


def test_what_people_have_added_stays() -> None:
    held = done({}, plan("mcp", {}, [entry("1")], []))
    held["s-1"] |= {"mcp_access_groups": ["dev"], "mcp_info": {**held["s-1"]["mcp_info"], "mcp_server_cost_info": 1}}
    assert plan("mcp", held, [entry("1")], []) == []
    (action,) = plan("mcp", held, [entry("1", url="http://other")], [])
    assert (action.action, action.reason) == ("update", "other url")
    assert action.body["mcp_info"]["mcp_server_cost_info"] == 1
    assert "mcp_access_groups" not in action.body


def test_a_server_with_an_error_is_not_removed() -> None:
    held = done({}, plan("mcp", {}, [entry("1"), entry("2")], []))
    assert [each.service for each in plan("mcp", held, [], ["s-1"])] == ["s-2"]


def test_a_renamed_server_is_changed_and_not_made_anew() -> None:
    held = done({}, plan("mcp", {}, [entry("1")], []))
    (action,) = plan("mcp", held, [replace(entry("1"), service="new", name="new")], [])
    assert (action.action, action.server_id, action.body["server_name"]) == ("update", "1", "new")
