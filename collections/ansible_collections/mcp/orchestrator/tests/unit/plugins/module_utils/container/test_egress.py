# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where servers may go: the rules as text, and what a run does about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.confinement import conflicts
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress, rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import BRIDGE_NAME
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import Ruleset
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    POLICY,
    run,
    spec,
    whole_run,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)


def test_addresses_that_take_turns_stay_allowed_and_old_ones_go_in_the_end() -> None:
    assert egress.still_allowed(("b",), ("a", "b")) == ("a", "b")
    assert egress.still_allowed(("c",), ("a", "b")) == ("c", "a", "b")
    assert egress.still_allowed((), ("a",)) == ("a",)
    allowed: tuple[str, ...] = ()
    for number in range(40):
        allowed = egress.still_allowed((str(number),), allowed)
    assert allowed == tuple(str(number) for number in range(39, 39 - egress.ADDRESSES_KEPT, -1))


def test_rules_stand_before_a_container_starts_and_go_with_the_last_one() -> None:
    engine = SimulatedEngine()
    desired = [spec("a", network=("api.test",)), spec("b", network="none")]
    first, _retired = whole_run(engine, desired)
    assert [each["action"] for each in first["actions"]][:2] == ["write_rules", "create_network"]
    assert engine.files["/volumes/f-a.hosts/hosts"].endswith("192.88.99.7 api.test\n")
    assert [run(engine, desired, retire=retire)["actions"] for retire in (False, True)] == [[], []]
    _converged, retired = whole_run(engine, [])
    assert [each["action"] for each in retired["actions"]][-2:] == ["remove_rules", "remove_network"]
    assert (engine.kept_rules, engine.kept) == (Ruleset(), {})


def test_a_network_with_a_stranger_in_it_stays_and_the_rest_goes() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a"), spec("b", network="none")])
    engine.guests["f-closed"] = ["theirs", "probe"]
    _converged, retired = whole_run(engine, [])
    assert (retired["errors"], engine.of_fleet("f"), set(engine.nets)) == ([], [], {"other", "f-closed"})
    (kept,) = retired["kept"]
    assert kept == (
        "network f-closed stays: containers theirs, probe, not of this fleet, are connected to it; remove it with:"
        " docker network disconnect -f f-closed theirs && docker network disconnect -f f-closed probe"
        " && docker network rm f-closed"
    )
    engine.guests.clear()
    assert (run(engine, [], retire=True)["kept"], set(engine.nets)) == ([], {"other"})


def test_where_no_rule_can_be_kept_the_server_that_needs_one_fails_alone() -> None:
    engine = SimulatedEngine()
    engine.firewall_error = "podman cannot be controlled"
    result = run(engine, [spec("a", network="fleet"), spec("b")])
    (error,) = result["errors"]
    assert error == {"server": "a", "message": "network fleet cannot be enforced here: podman cannot be controlled"}
    assert [each["state"] for each in result["endpoints"]] == ["failed", "running"]


def test_a_name_that_does_not_answer_for_once_keeps_its_addresses() -> None:
    engine = SimulatedEngine()
    desired = [spec("a", network=("api.test",))]
    whole_run(engine, desired)
    rules, files = engine.kept_rules, dict(engine.files)
    engine.names = {}
    result = run(engine, desired)
    assert (result["actions"], result["errors"]) == ([], [])
    assert (engine.kept_rules, engine.files) == (rules, files)


def test_a_host_with_ordinary_servers_alone_has_rules_too_and_saves_them() -> None:
    engine = SimulatedEngine()
    first, _retired = whole_run(engine, [spec("a")])
    assert [each["action"] for each in first["actions"]][:2] == ["write_rules", "create_network"]
    assert engine.saved_rules == rules.restorable(engine.kept_rules, "f") != ("", "")
    assert (first["unprotected"], run(engine, [spec("a")])["actions"]) == ("", [])


def test_saved_rules_that_are_missing_or_others_than_those_that_stand_are_written_anew() -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a")])
    right = engine.saved_rules
    for damaged in (("", ""), ("*filter\nCOMMIT\n", "")):
        engine.saved_rules = damaged
        (action,) = run(engine, [spec("a")])["actions"]
        assert (action["action"], action["reason"]) == (
            "write_rules",
            "its firewall rules are not saved for the next boot",
        )
        assert engine.saved_rules == right


def test_no_container_starts_before_its_rules_are_saved() -> None:
    engine = SimulatedEngine()

    def full(_subject: str) -> None:
        raise FirewallError("the rules cannot be saved: no space left on device")

    engine.faults["save_rules"] = full
    result = run(engine, [spec("a")])
    assert (engine.held, {each["server"] for each in result["errors"]}) == ({}, {None, "a"})


def test_where_no_rule_can_be_kept_the_run_says_what_is_open() -> None:
    engine = SimulatedEngine()
    engine.firewall_error = "podman cannot be controlled"
    for _run in range(2):
        result = run(engine, [spec("a")])
        assert (result["errors"], [each["state"] for each in result["endpoints"]]) == ([], ["running"])
        assert result["unprotected"] == (
            "no firewall rule keeps the fleet's servers from the instance's metadata and from this host's ports:"
            " podman cannot be controlled"
        )


def test_a_network_that_no_rule_binds_is_told_and_ordinary_servers_run_in_it() -> None:
    engine = SimulatedEngine()
    engine.loose = {rules.bridge_of("f", "n"), rules.bridge_of("f", "c")}
    for _run in range(2):
        result = run(engine, [spec("a"), spec("b", network="none")])
        assert [each["server"] for each in result["errors"]] == ["b"]
        assert "f-closed and f-net is not an interface of this host to which rules apply" in result["unprotected"]


def test_a_network_of_an_earlier_release_is_made_anew_once_it_is_empty() -> None:
    engine = SimulatedEngine()
    engine.nets["f-net"] = {"Id": "old", "Labels": {"mcp_fleet": "f"}, "Options": {}}
    result = run(engine, [spec("a")])
    assert [each["action"] for each in result["actions"]][:3] == ["write_rules", "remove_network", "create_network"]
    assert engine.nets["f-net"]["Options"][BRIDGE_NAME] == rules.bridge_of("f", "n")


def test_a_network_of_an_earlier_release_with_containers_in_it_is_told_until_somebody_removes_it() -> None:
    engine = SimulatedEngine()
    run(engine, [spec("a")])
    engine.nets["f-net"]["Options"] = {}
    engine.loose = {rules.bridge_of("f", "n")}
    result = run(engine, [spec("a")])
    assert (result["actions"], result["errors"]) == ([], [])
    assert "if an earlier release made it, remove its containers and the network" in result["unprotected"]


@pytest.mark.parametrize(
    "address", ["10.0.0.5", "127.0.0.1", "169.254.169.254", "100.64.1.1", "192.88.99.99", "0.0.0.0"]
)
def test_a_name_is_let_to_addresses_of_the_internet_alone(address: str) -> None:
    engine = SimulatedEngine()
    engine.names = {"api.test": (f"{address}/32", "192.88.99.7/32")}
    result = run(engine, [spec("a", network=("api.test",))])
    (error,) = result["errors"]
    assert error["server"] == "a"
    assert f"api.test has the address {address}, which is not of the internet" in error["message"]
    assert [allowed.addresses for allowed in rules.allowed_in(engine.kept_rules, "f")] == [
        {"api.test": ("192.88.99.7/32",)}
    ]
    assert address not in engine.files["/volumes/f-a.hosts/hosts"].replace("127.0.0.1 localhost", "")


def test_what_an_earlier_release_let_a_name_to_is_taken_away() -> None:
    engine = SimulatedEngine()
    desired = [spec("a", network=("api.test", "10.0.0.0/8"))]
    engine.names |= {"10.0.0.0/8": ("10.0.0.0/8",)}
    whole_run(engine, desired)
    (allowed,) = rules.allowed_in(engine.kept_rules, "f")
    earlier = replace(allowed, addresses={**allowed.addresses, "api.test": ("192.88.99.7/32", "10.0.0.5/32")})
    engine.kept_rules = rules.ruleset("f", engine.own_host_network, POLICY.closed_ports, None, [earlier])
    run(engine, desired)
    (allowed,) = rules.allowed_in(engine.kept_rules, "f")
    assert allowed.addresses == {"api.test": ("192.88.99.7/32",), "10.0.0.0/8": ("10.0.0.0/8",)}


def test_a_server_that_may_read_its_instance_s_metadata_is_known_by_its_address_and_shown() -> None:
    engine = SimulatedEngine()
    result = run(engine, [spec("a", instance_metadata=True), spec("b")])
    (allowed,) = rules.allowed_in(engine.kept_rules, "f")
    (made,) = [each for each in engine.of_fleet("f") if each["Config"].get("MacAddress")]
    assert (allowed.server, allowed.metadata, allowed.mac) == ("a", True, made["Config"]["MacAddress"])
    assert ["instance metadata" in each["exceptions"] for each in result["endpoints"]] == [True, False]
    whole_run(engine, [spec("a"), spec("b")])
    assert rules.allowed_in(engine.kept_rules, "f") == []


WAYS_OUT: dict[str, dict[str, Any]] = {
    "--dns": {"Dns": ["9.9.9.9"]},
    "--dns-option": {"DnsOptions": ["ndots:2"]},
    "--dns-search": {"DnsSearch": ["x.test"]},
    "--add-host": {"ExtraHosts": ["x:10.0.0.1"]},
    "--sysctl net.ipv4.ip_forward": {"Sysctls": {"net.ipv4.ip_forward": "1"}},
    "--pid host": {"PidMode": "host"},
    "--device /dev/net/tun": {"Devices": [{"PathOnHost": "/dev/net/tun"}]},
    "SYS_ADMIN": {"CapAdd": ["CAP_SYS_ADMIN"]},
    "NET_ADMIN NET_RAW": {"CapAdd": ["NET_RAW", "NET_ADMIN"]},
    "privileged": {"Privileged": True},
}


@pytest.mark.parametrize("network", ["none", "fleet", ("api.test",)])
@pytest.mark.parametrize("way", WAYS_OUT)
def test_what_would_be_a_way_out_is_refused_beside_a_network_that_has_none(network: Any, way: str) -> None:
    engine = SimulatedEngine()
    result = run(engine, [spec("a", network=network, host_config=WAYS_OUT[way]), spec("b")])
    (error,) = result["errors"]
    assert error["server"] == "a"
    assert way in error["message"]
    assert "cannot be enforced; leave one of the two out" in error["message"]


def test_what_opens_no_way_out_stands_beside_every_network() -> None:
    harmless = {
        "Sysctls": {"net.core.somaxconn": "1024", "kernel.msgmax": "1", "net.ipv6.conf.all.disable_ipv6": "1"},
        "CapAdd": ["NET_BIND_SERVICE"],
        "Devices": [{"PathOnHost": "/dev/ttyUSB0"}],
    }
    assert conflicts(spec("a", network="none", host_config=harmless)) == []
    assert conflicts(spec("a", host_config=WAYS_OUT["--dns"])) == []
    (message,) = conflicts(spec("a", network="none", volumes=("/run/docker.sock:/run/docker.sock",)))
    assert "gives it the engine" in message


def test_the_right_to_forge_addresses_does_not_stand_beside_that_to_read_the_metadata() -> None:
    (message,) = conflicts(spec("a", instance_metadata=True, host_config={"CapAdd": ["NET_RAW"]}))
    assert "so instance_metadata cannot be enforced" in message
    (message,) = conflicts(spec("a", instance_metadata=True, network="none"))
    assert message == "instance_metadata has no effect with network none; leave one of the two out"
