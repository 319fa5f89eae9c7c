# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, ApiError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.listener import find_listener


class Api:
    """A load balancer named ``shared`` with listeners on the given ports."""

    def __init__(self, *ports):
        self.ports = ports

    def call(self, operation, arguments):
        if arguments["Names"] != ["shared"]:
            raise ApiError(operation, "LoadBalancerNotFound", "")
        return {"LoadBalancers": [{"LoadBalancerArn": "arn:lb"}]}

    def pages(self, operation, key, arguments):
        return [{"Port": port, "ListenerArn": f"arn:{port}"} for port in self.ports]


def test_a_listener_is_found_by_its_port():
    assert find_listener(Api(80, 443), "shared", 443) == "arn:443"


def test_an_only_listener_needs_no_port():
    assert find_listener(Api(443), "shared", None) == "arn:443"


@pytest.mark.parametrize(
    ("ports", "name", "port", "said"),
    [
        ((80, 443), "shared", None, "listeners on: 80, 443; set listener_port to one of these"),
        ((80,), "shared", 443, "listeners on: 80; none listens on 443"),
        ((80,), "other", 80, "no load balancer named 'other'"),
    ],
)
def test_what_cannot_be_chosen_is_told_with_the_choice(ports, name, port, said):
    with pytest.raises(AlbError, match=said):
        find_listener(Api(*ports), name, port)
