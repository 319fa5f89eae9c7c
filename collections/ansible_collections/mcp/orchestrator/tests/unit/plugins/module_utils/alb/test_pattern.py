# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.pattern import patterns_overlap
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("left", "right", "overlap"),
    [
        ("/mcp/time", "/mcp/time", True),
        ("/mcp/time", "/mcp/time/*", False),
        ("/mcp/time/*", "/mcp/timex", False),
        ("/mcp/*", "/mcp/time", True),
        ("/mcp/t?me", "/mcp/time", True),
        ("/mcp/t?me", "/mcp/tme", False),
        ("/*/health", "/mcp/*", True),
        ("/a*b", "/a", False),
        ("*", "", True),
        ("/Mcp", "/mcp", False),
    ],
)
def test_patterns_overlap_where_some_path_matches_both(left, right, overlap):
    for one, other in ((left, right), (right, left)):
        assert patterns_overlap(one, other) is overlap


@settings(deadline=None)
@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_a_pattern_overlaps_a_path_if_and_only_if_it_matches_it(pattern, path):
    expression = "".join({"*": ".*", "?": "."}.get(letter, letter) for letter in pattern)

    assert patterns_overlap(pattern, path) is bool(re.fullmatch(expression, path))
