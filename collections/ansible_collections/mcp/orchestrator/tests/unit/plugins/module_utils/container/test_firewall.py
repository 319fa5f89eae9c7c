# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host's packet filter has to have before a rule of ours is worth anything."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import firewall
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError, HostFirewall

CHAIN, LEADS_THERE = ":DOCKER-USER - [0:0]\n", "-A FORWARD -j DOCKER-USER\n"


def host(monkeypatch: pytest.MonkeyPatch, saved: str, saved_ipv6: str = "") -> HostFirewall:
    texts = {"iptables-save": f"*filter\n{saved}COMMIT\n", "ip6tables-save": f"*filter\n{saved_ipv6}COMMIT\n"}
    monkeypatch.setattr(firewall, "_command", lambda words, _text: texts[words[0]])
    monkeypatch.setattr(firewall.os, "geteuid", lambda: 0)
    monkeypatch.setattr(firewall.shutil, "which", lambda name: name)
    monkeypatch.setattr(firewall.host_network, "has_ipv6", lambda: True)
    return HostFirewall(local=True)


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ("", "the engine has no chain DOCKER-USER"),
        (LEADS_THERE.replace("USER", "OTHER"), "the engine has no chain DOCKER-USER"),
        # As after a boot without Docker, or a flush of FORWARD alone.
        (CHAIN, "no rule jumps to the chain DOCKER-USER on this host, .* restart the engine"),
    ],
)
def test_rules_that_would_bind_nothing_are_refused(monkeypatch: pytest.MonkeyPatch, saved: str, said: str) -> None:
    with pytest.raises(FirewallError, match=said):
        host(monkeypatch, saved).rules("f")


@pytest.mark.parametrize(("saved_ipv6", "used"), [("", False), (CHAIN, False), (CHAIN + LEADS_THERE, True)])
def test_the_chain_for_ipv6_is_used_where_something_leads_there(
    monkeypatch: pytest.MonkeyPatch, saved_ipv6: str, used: bool
) -> None:
    found = host(monkeypatch, CHAIN + LEADS_THERE, saved_ipv6)
    found.rules("f")
    assert found.host_network().user_chain_ipv6 is used
