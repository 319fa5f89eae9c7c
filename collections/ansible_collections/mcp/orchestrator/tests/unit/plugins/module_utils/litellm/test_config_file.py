# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our part of LiteLLM's config: ours alone changes, and theirs stays to the byte."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.config_file import (
    NotMerged,
    entries_in,
    merged,
)
from hypothesis import given, settings
from hypothesis import strategies as st

TIME = {"server_id": "1", "url": "http://x/mcp/time", "mcp_info": {"mcp_fleet": "mcp", "mcp_service": "time"}}
THEIRS = """# our gateway
model_list: []   # none yet
mcp_servers:   # these are mine
    # about theirs
    theirs:
        url: "http://y"   # keep
        # the end of it

    other: {url: 'http://z'}
general_settings:
  master_key: os.environ/KEY
"""

TEXT = st.text(max_size=20).filter(lambda text: "\x00" not in text)
ENTRY = st.fixed_dictionaries(
    {"url": TEXT, "server_id": TEXT, "mcp_info": st.just(TIME["mcp_info"])},
    optional={"description": TEXT, "allowed_tools": st.lists(TEXT, max_size=2), "timeout": st.floats(1, 99)},
)
ENTRIES = st.dictionaries(st.from_regex(r"[A-Za-z0-9_]{1,6}", fullmatch=True), ENTRY, max_size=3)
# What people write, with a place for our part or none.
WRITTEN = st.sampled_from(
    [
        THEIRS,
        THEIRS.replace("\n", "\r\n"),
        "",
        "# only a remark\n",
        "a: 1",
        "mcp_servers:\na: 1\n",
        "mcp_servers: {}  # none\na: 1\n",
        "mcp_servers: null\n",
        "include: [more.yaml]\nmcp_servers: # none\n\n# tail\n",
        "mcp_servers:\n  x: &x\n    url: http://x\n  y:\n    <<: *x\n",
        "list:\n- a\n- b\n",
        "a: |\n  mcp_servers:\n   x\n",
    ]
)


@settings(max_examples=25, deadline=None)
@given(WRITTEN, ENTRIES, ENTRIES)
def test_what_is_theirs_stays_and_ours_follows(text: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    theirs = entries_in(text)
    first, second = ({f"our_{name}": told for name, told in each.items()} for each in (first, second))
    once = merged(text, "mcp", first)
    assert entries_in(once) == {**theirs, **first}
    assert merged(once, "mcp", first) == once
    again = merged(once, "mcp", second)
    assert again == merged(text, "mcp", second)
    kept = [line for line in merged(again, "mcp", {}).splitlines() if "MCP Orchestrator" not in line]
    for line in text.replace("{}", "").replace("null", "").splitlines():
        assert line in kept


def test_a_line_of_theirs_is_not_even_moved() -> None:
    text = merged(THEIRS, "mcp", {"time": TIME})
    begin, end = (text.index(f"    # {word} MCP") for word in ("BEGIN", "END"))
    assert text[:begin] + text[text.index("\n", end) + 1 :] == THEIRS


def test_entries_that_a_program_has_written_anew_are_known_by_their_mark() -> None:
    text = yaml.safe_dump(yaml.safe_load(merged(THEIRS, "mcp", {"time": TIME})))
    assert "BEGIN" not in text
    after = merged(text, "mcp", {"docs": TIME})
    assert set(entries_in(after)) == {"theirs", "other", "docs"}


def test_another_fleet_s_part_is_another_s() -> None:
    other = {**TIME, "mcp_info": {"mcp_fleet": "second", "mcp_service": "time"}}
    text = merged(merged("", "mcp", {"time": TIME}), "second", {"time_2": other})
    assert set(entries_in(merged(text, "mcp", {}))) == {"time_2"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mcp_servers: {x: {url: y}}\n", "in braces"),
        ("mcp_servers: [x]\n", "no mapping"),
        ("mcp_servers: {}\nmcp_servers: {}\n", "twice"),
        ("a: [\n", "not YAML (line 2)"),
        ("- a\n", "no mapping"),
        ("{a: 1}\n", "line of its own"),
        ("# END MCP Orchestrator, fleet mcp\n", "not one pair (lines 1)"),
    ],
)
def test_a_file_that_cannot_hold_ours_is_left_alone_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(NotMerged, match=reason.replace("(", "[(]").replace(")", "[)]")):
        merged(text, "mcp", {"time": TIME})
