# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.placement import Sides, sides_of

Read = Callable[..., Fleet]
CLUSTER = "[kubernetes]\nkubeconfig = /etc/kubeconfig\nrouter_networks = 10.0.0.0/24\n"
LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/mcp/0123456789abcdef/fedcba9876543210"
SHARED = f"{CLUSTER}[aws]\nlistener_arn = {LISTENER}\ntarget_type = ip\ntarget_address = 10.0.0.7\n"


def entry(placement: Any = None, **more: Any) -> dict[str, Any]:
    extension = {} if placement is None else {"orchestrator": {"placement": placement}}
    return {"command": "docker", "args": ["run", "one"], **extension, **more}


def sides(fleet: Fleet) -> Sides:
    assert fleet.errors == []
    return sides_of(fleet.specs, fleet.settings)


@pytest.mark.parametrize(
    ("runtime", "hosts", "cluster", "asks"),
    [("docker", ("plain", "two"), (), False), ("kubernetes", (), ("plain", "two"), True)],
)
def test_without_a_word_the_runtime_of_the_settings_decides(
    read: Read, runtime: str, hosts: tuple[str, ...], cluster: tuple[str, ...], asks: bool
) -> None:
    fleet = read({"plain": entry(), "two": entry(2)}, f"{CLUSTER}[service]\nruntime = {runtime}\n")
    assert sides(fleet) == Sides(hosts, cluster, asks)


@pytest.mark.parametrize("runtime", ["docker", "kubernetes"])
def test_an_entry_says_where_its_server_runs_whatever_the_settings_say(read: Read, runtime: str) -> None:
    servers = {
        "a": entry("hosts"),
        "b": entry("both"),
        "c": entry({"on": "cluster"}),
        "d": entry("cluster", disabled=True),
        "e": entry({"on": "hosts", "hosts": 1}, disabled=True),
    }
    fleet = read(servers, f"{SHARED}[service]\nruntime = {runtime}\n")
    assert sides(fleet) == Sides(("a", "b", "e"), ("b", "c"), True)
    assert fleet.specs[4].placement == {"on": "hosts", "hosts": 1}


def test_where_a_server_runs_makes_no_new_container(read: Read) -> None:
    generations = {read({"x": entry(each)}, SHARED).specs[0].generation for each in (None, "hosts", "both", "cluster")}
    assert len(generations) == 1


def test_a_word_for_hosts_alone_has_a_run_look_for_what_the_server_has_left_in_the_cluster(read: Read) -> None:
    assert sides(read({"x": entry("hosts")}, CLUSTER)).asks_cluster
    assert not sides(read({"x": entry("hosts")})).asks_cluster


@pytest.mark.parametrize(
    ("placement", "settings", "told"),
    [
        ("cluster", "", "make bootstrap-kubernetes"),
        ("cluster", "[kubernetes]\nkubeconfig = /k\n", "settings.conf: [kubernetes] router_networks: is empty"),
        ("both", CLUSTER, "needs a listener in [aws] with target_type = ip"),
        (
            {"on": "both"},
            SHARED.replace("target_type = ip\ntarget_address = 10.0.0.7\n", ""),
            "settings.conf: [aws] target_type",
        ),
        ("there", "", 'must be "hosts", "cluster", "both", "all"'),
    ],
)
def test_a_server_that_cannot_be_where_it_is_wanted_fails_alone_with_the_way_out(
    read: Read, placement: Any, settings: str, told: str
) -> None:
    fleet = read({"x": entry(placement), "y": entry()}, settings)
    assert {error.server for error in fleet.errors} == {"x"}
    assert any(told in error.message for error in fleet.errors), fleet.errors
    assert all(error.path.endswith("orchestrator.placement") for error in fleet.errors)


def test_a_choice_among_hosts_is_refused_behind_routers_and_a_side_of_its_own_is_not(read: Read) -> None:
    routers = "[routes]\ntopology = node-router\n"
    assert read({"x": entry("hosts")}, routers).errors == []
    assert "cannot choose among hosts" in read({"x": entry({"on": "hosts", "hosts": 1})}, routers).errors[0].message
