# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.build_network import (
    BuildNetwork,
    build_network,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import BRIDGE_NAME
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import EngineError
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


def ready(engine: SimulatedEngine, locks: Path) -> BuildNetwork:
    return build_network(engine, engine, POLICY, str(locks))


def test_it_is_ruled_and_saved_before_it_is_made_and_the_servers_find_the_rules_as_they_want_them(
    tmp_path: Path,
) -> None:
    engine = SimulatedEngine()
    engine.faults["create_network"] = lambda _name: assert_ruled(engine)
    assert ready(engine, tmp_path) == BuildNetwork("f-build")
    options = engine.nets["f-build"]["Options"]
    assert options == {"com.docker.network.bridge.enable_icc": "false", BRIDGE_NAME: rules.bridge_of("f", "b")}
    desired = [spec("a", build={"runtime": "node", "package": "a"})]
    assert "write_rules" not in [each["action"] for each in run(engine, desired)["actions"]]
    assert ready(engine, tmp_path) == BuildNetwork("f-build")


def assert_ruled(engine: SimulatedEngine) -> None:
    assert engine.kept_rules.filter_rules
    assert engine.saved_rules == rules.restorable(engine.kept_rules, "f")


def test_a_build_keeps_the_ways_of_the_servers_that_run(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    whole_run(engine, [spec("a", network=("api.test",)), spec("b", instance_metadata=True)])
    before = rules.allowed_in(engine.kept_rules, "f")
    engine.kept_rules = Ruleset(engine.kept_rules.filter_rules[:-1], engine.kept_rules.nat_rules)
    ready(engine, tmp_path)
    assert rules.allowed_in(engine.kept_rules, "f") == before
    assert engine.saved_rules == rules.restorable(engine.kept_rules, "f")


def test_it_goes_with_the_last_server_that_is_built(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    ready(engine, tmp_path)
    desired = [spec("a", build={"runtime": "node", "package": "a"})]
    whole_run(engine, desired)
    assert "f-build" in engine.nets
    _converged, retired = whole_run(engine, [spec("b")])
    assert ("remove_network", "f-build") in [(each["action"], each["target"]) for each in retired["actions"]]
    whole_run(engine, [])
    assert (engine.kept_rules, engine.saved_rules, set(engine.nets)) == (Ruleset(), ("", ""), {"other"})


def test_where_no_rules_can_be_kept_builds_run_and_the_run_says_what_is_open(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    engine.firewall_error = "podman cannot be controlled"
    found = ready(engine, tmp_path)
    assert (found.name, set(engine.nets)) == (None, {"other"})
    assert found.unprotected.startswith("no firewall rule keeps image builds from the instance's metadata")
    engine.firewall_error = ""
    engine.loose = {rules.bridge_of("f", "b")}
    assert "f-build is not an interface of this host" in ready(engine, tmp_path).unprotected


def test_a_network_of_somebody_elses_is_left_alone_and_one_of_an_earlier_release_is_made_anew(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    engine.nets["f-build"] = {"Id": "theirs", "Labels": {}, "Options": {}}
    with pytest.raises(EngineError, match="a network f-build exists that is not of fleet f"):
        ready(engine, tmp_path)
    engine.nets["f-build"] = {"Id": "old", "Labels": {"mcp_fleet": "f"}, "Options": {}}
    assert ready(engine, tmp_path) == BuildNetwork("f-build")
    assert engine.nets["f-build"]["Id"] != "old"
