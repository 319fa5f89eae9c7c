# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's life as a state machine: configs, runs, runs that are killed or overtaken, and a world that breaks.

After each step: what is not ours is as it was, no port is held twice, and what the last run routed answers. At any time
two whole runs lead to the desired fleet, and then nothing is left to do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels, rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import Ruleset
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import (
    POLICY,
    damages,
    fleets,
    inflict,
    run,
    stranger,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    Killed,
    SimulatedEngine,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.test_converge_properties import (
    assert_desired_state,
    foreign,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule


class Life(RuleBasedStateMachine):
    """What may happen to a fleet, in any order."""

    @initialize(specs=fleets())
    def begin(self, specs: list[Spec]) -> None:
        self.engine = SimulatedEngine()
        self.specs = specs
        self.routed: dict[str, list[int]] = {}
        self.theirs: dict[str, Any] = {}

    @rule(specs=fleets())
    def edit(self, specs: list[Spec]) -> None:
        self.specs = specs

    @rule(name=st.sampled_from(["f-a", "f-b.2", "x"]), port=st.integers(20000, 20040))
    def a_stranger_comes(self, name: str, port: int) -> None:
        if all(each["Name"] != name for each in self.engine.held.values()):
            stranger(self.engine, name, port, mcp_fleet="another")
            self.theirs = foreign(self.engine)

    @rule(damage=damages())
    def break_something(self, damage: list[tuple[str, int]]) -> None:
        inflict(self.engine, damage)
        self.theirs = foreign(self.engine)
        self.routed = {}

    @rule()
    def flush_the_firewall(self) -> None:
        self.engine.kept_rules = Ruleset()

    @rule(sick=st.booleans())
    def let_the_desired_generations_fail(self, sick: bool) -> None:
        self.engine.sick = {spec.generation for spec in self.specs} if sick else set()
        self.routed = {}

    @rule(seconds=st.sampled_from([60, 3600, 100_000]))
    def let_time_pass(self, seconds: int) -> None:
        self.engine.clock.time += seconds

    @rule(calls=st.integers(0, 25), retire=st.booleans())
    def kill_a_run(self, calls: int, retire: bool) -> None:
        self.engine.calls_left = calls
        with contextlib.suppress(Killed):
            run(self.engine, self.specs, retire=retire)
        self.engine.calls_left = None
        self.routed = {}

    @rule()
    def converge(self) -> None:
        self._route(run(self.engine, self.specs))

    @rule(newer=fleets())
    def be_overtaken(self, newer: list[Spec]) -> None:
        """A run converges, another with a newer config does everything, and the first one finds itself overtaken."""
        run(self.engine, self.specs)
        self.specs = newer
        self.reconcile()

    @rule()
    def reconcile(self) -> None:
        self._route(run(self.engine, self.specs))
        run(self.engine, self.specs, retire=True)

    @rule()
    def settle(self) -> None:
        """Nothing ails any more: two runs suffice, and a third finds nothing to do."""
        self.engine.sick = set()
        self.engine.kept = {name: each for name, each in self.engine.kept.items() if not name.endswith(".failures")}
        for _run in range(2):
            self.reconcile()
        last = run(self.engine, self.specs)
        assert (last["actions"], last["retire_needed"]) == ([], bool(last["errors"]))
        assert run(self.engine, self.specs, retire=True)["actions"] == []
        assert_desired_state(self.engine, self.specs, last["errors"])
        self._assert_rules()

    @invariant()
    def what_is_not_ours_is_as_it_was(self) -> None:
        if hasattr(self, "engine"):
            assert foreign(self.engine) == self.theirs
            assert self.engine.nets["other"]["Id"] == "net-other"

    @invariant()
    def no_port_is_held_twice(self) -> None:
        if hasattr(self, "engine"):
            held = [
                port
                for each in self.engine.held.values()
                if SimulatedEngine._runs(each)
                for port in SimulatedEngine._ports(each)
            ]
            assert len(held) == len(set(held))

    @invariant()
    def what_is_routed_answers(self) -> None:
        if hasattr(self, "engine"):
            for server, ports in self.routed.items():
                assert all(self._serves(server, port) for port in ports), (server, ports)

    def _route(self, result: dict[str, Any]) -> None:
        """Routes follow the endpoints, as the site's playbook has it between converging and retiring."""
        self.routed = {each["name"]: each["ports"] for each in result["endpoints"] if each["state"] == "running"}

    def _serves(self, server: str, port: int) -> bool:
        return any(
            each["Config"]["Labels"].get(labels.SERVICE) == server
            and SimulatedEngine._runs(each)
            and port in SimulatedEngine._ports(each)
            for each in self.engine.of_fleet(POLICY.fleet)
        )

    def _assert_rules(self) -> None:
        """The rules let through the containers that are there, and nobody else."""
        allowed = {rule.split("--mac-source ")[1].split(" ")[0] for rule in _openings(self.engine.kept_rules)}
        there = self.engine.of_fleet(POLICY.fleet)
        assert allowed <= {each["Config"].get("MacAddress") for each in there}
        # A server that a stranger keeps from starting has its rules waiting for it.
        expected = bool(there) or any(spec.enabled for spec in self.specs)
        assert bool(self.engine.kept_rules.filter_rules) == expected
        assert self.engine.saved_rules == rules.restorable(self.engine.kept_rules, POLICY.fleet)


def _openings(kept: Ruleset) -> Sequence[str]:
    return [rule for rule in kept.filter_rules if "--mac-source" in rule]


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow])
