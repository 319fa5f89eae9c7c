# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where servers may go: the rules as text, and what a run does about them."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import run, spec, whole_run
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)

GUEST = egress.Guest("a", "0a:00:00:00:00:01", {"api.test": ("203.0.113.7/32", "203.0.113.8/32")})
RULES = egress.ruleset("f", "172.30.0.0/16", [GUEST])


def test_rules_are_read_back_from_what_iptables_saves_whatever_its_release() -> None:
    saved = "\n".join(
        [
            *("*filter", ":INPUT ACCEPT [0:0]", ":MCP-f - [0:0]", "-A INPUT -i eth0 -j ACCEPT", *RULES.filter_rules),
            *("-A DOCKER-USER -j RETURN", "COMMIT", "*nat", *RULES.nat_rules, "COMMIT"),
        ]
    )
    older = saved.replace('"mcp_fleet=f"', "mcp_fleet=f").replace("0a:00", "0A:00")
    assert egress.same(egress.ours(saved, "f"), RULES)
    assert egress.same(egress.ours(older, "f"), RULES)
    assert egress.ours(saved, "ff") == egress.Ruleset()
    assert egress.allowed_before(egress.ours(saved, "f"), "f") == {
        ("a", "api.test"): ("203.0.113.7/32", "203.0.113.8/32")
    }


def test_one_transaction_replaces_the_rules_and_another_leaves_nothing() -> None:
    made = egress.transaction(egress.Ruleset(), RULES, "f").splitlines()
    assert made[:3] == ["*filter", ":MCP-f - [0:0]", "-A MCP-f -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"]
    assert [line for line in made if line.startswith("-D")] == []
    gone = egress.transaction(RULES, egress.Ruleset(), "f").splitlines()
    assert gone[1] == ":MCP-f - [0:0]"
    assert gone[gone.index("*nat") - 2] == "-X MCP-f"
    assert [line for line in gone if line.startswith(("-A", "-I"))] == []
    assert len([line for line in gone if line.startswith("-D")]) == 5


def test_addresses_that_take_turns_stay_allowed_and_old_ones_go_in_the_end() -> None:
    assert egress.still_allowed(("b",), ("a", "b")) == ("a", "b")
    assert egress.still_allowed(("c",), ("a", "b")) == ("c", "a", "b")
    assert egress.still_allowed((), ("a",)) == ("a",)
    allowed: tuple[str, ...] = ()
    for number in range(40):
        allowed = egress.still_allowed((str(number),), allowed)
    assert allowed == tuple(str(number) for number in range(39, 39 - egress.ADDRESSES_KEPT, -1))


@pytest.mark.parametrize("fleet", ["f", "a-fleet-with-a-name-that-is-longer-than-any-chain-may-be"])
def test_names_fit_where_they_have_to(fleet: str) -> None:
    assert len(egress.chain_of(fleet)) <= 28
    assert len({egress.bridge_name(fleet, kind) for kind in (egress.NONE, egress.FLEET)}) == 2
    assert len(egress.bridge_name(fleet, egress.NONE)) <= 15


def test_rules_stand_before_a_container_starts_and_go_with_the_last_one() -> None:
    engine = SimulatedEngine()
    wished = [spec("a", network=("api.test",)), spec("b", network="none")]
    first, _retired = whole_run(engine, wished)
    assert [each["action"] for each in first["actions"]][:2] == ["write_rules", "create_network"]
    assert engine.files["/volumes/f-a.hosts/hosts"].endswith("203.0.113.7 api.test\n")
    assert [run(engine, wished, retire=retire)["actions"] for retire in (False, True)] == [[], []]
    _converged, retired = whole_run(engine, [])
    assert [each["action"] for each in retired["actions"]][-2:] == ["remove_rules", "remove_network"]
    assert (engine.kept_rules, engine.kept) == (egress.Ruleset(), {})


def test_where_no_rule_can_be_kept_the_server_that_needs_one_fails_alone() -> None:
    engine = SimulatedEngine()
    engine.lawless = "podman cannot be told"
    result = run(engine, [spec("a", network="fleet"), spec("b")])
    (error,) = result["errors"]
    assert error == {"server": "a", "message": "network fleet cannot be enforced here: podman cannot be told"}
    assert [each["state"] for each in result["endpoints"]] == ["failed", "running"]


def test_a_name_that_does_not_answer_for_once_keeps_its_addresses() -> None:
    engine = SimulatedEngine()
    wished = [spec("a", network=("api.test",))]
    whole_run(engine, wished)
    rules, files = engine.kept_rules, dict(engine.files)
    engine.names = {}
    result = run(engine, wished)
    assert (result["actions"], result["errors"]) == ([], [])
    assert (engine.kept_rules, engine.files) == (rules, files)
