# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts run a server."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.placement import (
    NoHost,
    hosts_by_server,
    hosts_of,
    placed_here,
)
from hypothesis import given
from hypothesis import strategies as st

names = st.text("abcdef0123-.", min_size=1, max_size=8)
fleets = st.dictionaries(names, st.dictionaries(st.just("zone"), st.sampled_from("ab")), min_size=1, max_size=8)
counts = st.one_of(st.none(), st.integers(1, 9))


def spec(name: str, **placement: object) -> Spec:
    return Spec(name=name, image="one", placement={key: value for key, value in placement.items() if value} or None)


@given(fleets, counts)
def test_a_server_runs_on_as_many_hosts_as_it_wants_and_there_are(hosts: dict[str, dict[str, str]], count: int) -> None:
    chosen = hosts_of(spec("a", hosts=count), hosts)
    assert len(chosen) == len(set(chosen)) == min(count or len(hosts), len(hosts))


@given(fleets, counts)
def test_every_host_comes_to_the_same_answer(hosts: dict[str, dict[str, str]], count: int) -> None:
    desired = [spec(name, hosts=count) for name in "abcdefgh"]
    turned = dict(reversed(hosts.items()))
    runs = {host: {each.name for each in placed_here(desired, host, turned)[0]} for host in hosts}
    for each in desired:
        assert {host for host in hosts if each.name in runs[host]} == set(hosts_of(each, hosts))


@given(fleets, st.integers(1, 9), names)
def test_a_host_that_goes_moves_only_what_it_ran(hosts: dict[str, dict[str, str]], count: int, gone: str) -> None:
    left = {name: labels for name, labels in hosts.items() if name != gone}
    for name in "abcdefgh":
        before = hosts_of(spec(name, hosts=count), hosts)
        after = hosts_of(spec(name, hosts=count), left) if left else ()
        assert set(before) - {gone} <= set(after)
        if gone not in before:
            assert before == after


@given(fleets)
def test_labels_choose_among_the_hosts(hosts: dict[str, dict[str, str]]) -> None:
    desired = spec("a", labels={"zone": "a"})
    fit = {name for name, labels in hosts.items() if labels.get("zone") == "a"}
    if fit:
        assert set(hosts_of(desired, hosts)) == fit
    else:
        with pytest.raises(NoHost, match=r"none of the hosts .* has zone=a"):
            hosts_of(desired, hosts)


def test_a_hundred_servers_of_one_host_each_are_spread() -> None:
    hosts: dict[str, dict[str, str]] = {f"mcp-{number}": {} for number in range(4)}
    first = [hosts_of(spec(f"s{number}", hosts=1), hosts)[0] for number in range(100)]
    assert all(first.count(host) >= 12 for host in hosts)


def test_without_other_hosts_this_one_runs_all() -> None:
    desired = [spec("a", hosts=1), spec("b", labels={"zone": "z"})]
    assert placed_here(desired, "", {}) == (desired, {})


@given(fleets, counts)
def test_who_runs_what_is_known_everywhere(hosts: dict[str, dict[str, str]], count: int) -> None:
    desired = [spec(name, hosts=count) for name in "abc"]
    found = hosts_by_server(desired, hosts)
    for host in hosts:
        assert {name for name in found if host in found[name]} == {e.name for e in placed_here(desired, host, hosts)[0]}


def test_a_server_without_a_host_and_a_fleet_without_names_have_none() -> None:
    assert hosts_by_server([spec("a", labels={"zone": "z"}), spec("b")], {"one": {}}) == {"b": ["one"]}
    assert hosts_by_server([spec("a")], {}) == {}
