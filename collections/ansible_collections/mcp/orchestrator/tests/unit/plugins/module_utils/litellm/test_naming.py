# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names at LiteLLM: taken there, known again here, and never one for two servers."""

from __future__ import annotations

import re

from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.naming import (
    heard_as,
    litellm_name,
    server_of,
    without_rivals,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SERVERS = st.lists(
    st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,6}[A-Za-z0-9])?", fullmatch=True), max_size=8, unique=True
)


@settings(max_examples=100)
@given(SERVERS)
def test_each_server_has_a_name_of_its_own_or_an_error_that_names_the_others(servers: list[str]) -> None:
    named, refused = without_rivals(servers, {})
    assert set(named) | set(refused) == set(servers)
    names = [litellm_name(server) for server in named]
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in names)
    assert len({heard_as(name) for name in names}) == len(names)
    assert [server_of(litellm_name(server), named) for server in named] == named
    for server, reason in refused.items():
        rivals = [each for each in servers if each != server and heard_as(each) == heard_as(server)]
        assert rivals
        assert all(f"mcpServers.{each}" in reason for each in rivals)


@settings(max_examples=100)
@given(SERVERS, SERVERS)
def test_a_name_that_a_server_has_stays_its_own_whatever_comes(servers: list[str], more: list[str]) -> None:
    named, _refused = without_rivals(servers, {})
    after, _refused = without_rivals([*servers, *more], {litellm_name(server): server for server in named})
    assert set(named) <= set(after)


def test_names_that_differ_in_what_a_header_does_not_tell_are_rivals() -> None:
    _named, refused = without_rivals(["a-b", "a_b", "A.b", "a--b", "ab"], {})
    assert sorted(refused) == ["A.b", "a--b", "a-b", "a_b"]
