# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Origins of settings.conf are those that browsers send."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.origin import origin


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.com:443", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        ("https://10.0.0.7:8443", "https://10.0.0.7:8443"),
        ("http://[fd00::7]:3000", "http://[fd00::7]:3000"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(text: str, sent: str) -> None:
    assert origin(text) == sent


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("*", "write each origin"),
        ("https://*.example.com", "write each origin"),
        ("null", "write the origin of a page that is served"),
        ("https://app.example.com/", "without a path"),
        ("https://app.example.com/chat", "without a path"),
        ("https://me@app.example.com", "without a path"),
        ("app.example.com", "write for example https://app.example.com"),
        ("https://", "is not an origin"),
        ("https://app.example.com:0", "is not an origin"),
        ("https://app.example.com:65536", "is not an origin"),
        ("https://exämple.com", "is not an origin"),
    ],
)
def test_what_no_browser_sends_and_what_lets_everybody_in_is_refused(text: str, way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        origin(text)
