"""What a file of rules may say, and what takes the place of what."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules as reconciler
from firewall.rules import Rules, RulesError, chain_of, closed, interfaces_of, is_intact, present, read, transaction

MARK = '-m comment --comment "mcp_fleet=f"'
GOOD = f"""*filter
:MCP-f - [0:0]
-A MCP-f -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
-A MCP-f -d 203.0.113.7/32 -m comment --comment "time: it's api.test" -j RETURN
-A MCP-f -j REJECT --reject-with icmp-admin-prohibited
-I DOCKER-USER -i mcp-x-c {MARK} -j MCP-f
-I INPUT -i mcp-x-c {MARK} -j MCP-f
COMMIT
*nat
-I POSTROUTING -s 172.20.0.0/16 ! -o mcp-x-c {MARK} -j MASQUERADE
COMMIT
"""


@pytest.mark.parametrize("fleet", ["mcp", "a-fleet-with-a-very-long-name-32"])
def test_names_are_those_that_the_reconciler_gives(fleet: str) -> None:
    assert chain_of(fleet) == reconciler.chain_of(fleet)
    assert interfaces_of(fleet) == reconciler.bridges_of(fleet)


def test_what_the_reconciler_saves_is_read_as_what_it_meant() -> None:
    allowed = reconciler.AllowedContainer("time", "0a:00:00:00:00:01", {"api.test": ("203.0.113.7/32",)}, metadata=True)
    ruleset = reconciler.ruleset("f", reconciler.HostNetwork(("9.9.9.9",)), ["20000:29999"], "172.20.0.0/16", [allowed])
    ipv4, ipv6 = (read(text, "f") for text in reconciler.restorable(ruleset, "f"))
    assert sorted((*ipv4.inside, *ipv4.outside["filter"])) == sorted(ruleset.filter_rules)
    assert ipv4.outside["nat"] == ruleset.nat_rules
    assert sorted((*ipv6.inside, *ipv6.outside["filter"])) == sorted(ruleset.ipv6_rules)
    assert is_intact(ipv4, "f")
    assert is_intact(ipv6, "f")


def test_saved_rules_are_read() -> None:
    rules = read(GOOD, "f")
    assert len(rules.inside) == 3
    assert rules.outside == {
        "filter": (f"-A INPUT -i mcp-x-c {MARK} -j MCP-f", f"-A DOCKER-USER -i mcp-x-c {MARK} -j MCP-f"),
        "nat": (f"-A POSTROUTING -s 172.20.0.0/16 ! -o mcp-x-c {MARK} -j MASQUERADE",),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ends too early"),
        ("*filter\nCOMMIT\n", "ends too early"),
        (GOOD.removesuffix("COMMIT\n"), "ends too early"),
        (GOOD[:150], "is cut short"),
        (GOOD.replace("*nat", "*raw"), "line 9 is not a rule of the fleet"),
        (GOOD.replace("-I INPUT", "-I OTHERS"), "line 7 is for the chain OTHERS"),
        (GOOD.replace(":MCP-f", ":MCP-other"), "line 2 is not a rule of the fleet"),
        ("*filter\n-F\nCOMMIT\n", "line 2 is not a rule of the fleet"),
        ("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", "line 2 is not a rule of the fleet"),
        ("*filter\n-A MCP-fo -j RETURN\nCOMMIT\n", "line 2 is not a rule of the fleet"),
        ("*filter\n-D INPUT -j MCP-f\nCOMMIT\n", "line 2 is not a rule of the fleet"),
        (
            '*filter\n-I INPUT -m comment --comment "mcp_fleet=fo" -j DROP\nCOMMIT\n',
            "line 2 is not a rule of the fleet",
        ),
    ],
)
def test_what_is_none_of_the_fleets_rules_is_refused(text: str, said: str) -> None:
    with pytest.raises(RulesError, match=said):
        read(text, "f")


def test_only_what_bears_the_fleets_mark_is_its_own() -> None:
    saved = (
        "*filter\n:INPUT ACCEPT [0:0]\n:DOCKER-USER - [0:0]\n:MCP-f - [0:0]\n:MCP-f2 - [0:0]\n"
        "-A INPUT -i mcp-x-c -m comment --comment mcp_fleet=f -j MCP-f\n"
        '-A INPUT -i mcp-y-c -m comment --comment "mcp_fleet=f2" -j MCP-f2\n'
        "-A INPUT -p tcp -j ACCEPT\n-A DOCKER-USER -j RETURN\n-A MCP-f -j DROP\n-A MCP-f2 -j DROP\nCOMMIT\n"
    )
    rules = present(saved, "f")
    assert rules.inside == ("-A MCP-f -j DROP",)
    assert rules.outside["filter"] == ("-A INPUT -i mcp-x-c -m comment --comment mcp_fleet=f -j MCP-f",)
    assert "DOCKER-USER" in rules.chains


def test_the_engines_chain_is_made_only_where_it_is_missing() -> None:
    desired = read(GOOD, "f")
    assert ":DOCKER-USER - [0:0]" in transaction(Rules(), desired, "f")
    assert ":DOCKER-USER" not in transaction(Rules(chains=frozenset({"DOCKER-USER"})), desired, "f")


def test_rules_keep_their_order() -> None:
    lines = transaction(Rules(), read(GOOD, "f"), "f").splitlines()
    assert [line.split()[1] for line in lines if line.startswith("-I")] == ["DOCKER-USER", "INPUT", "POSTROUTING"]


@pytest.mark.parametrize(
    ("rules", "intact"),
    [
        (Rules(), False),
        (read(GOOD, "f"), True),
        (Rules((), read(GOOD, "f").outside), False),  # somebody has emptied the chain
        (Rules(("-A MCP-f -j DROP",)), False),  # or taken the way to it
        (closed("f", "v4"), True),
        (closed("f", "v6"), True),
    ],
)
def test_rules_in_place_are_good_when_they_lead_to_something(rules: Rules, intact: bool) -> None:
    assert is_intact(rules, "f") is intact
