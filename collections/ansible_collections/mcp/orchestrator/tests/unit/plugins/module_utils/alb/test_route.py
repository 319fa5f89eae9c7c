# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import DesiredRoutesError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import (
    PATH,
    DesiredRoutes,
    Route,
    check_desired_routes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import canonical_transforms
from hypothesis import given, settings
from hypothesis import strategies as st

OWNER = Owner("mcp", "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/shared/1/2", "i-0aaa")
names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", fullmatch=True)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40), names, names)
def test_a_target_groups_name_is_one_that_aws_takes(fleet, server, setting):
    name = Owner(fleet, OWNER.listener_arn, "i").group_name(server, setting)

    assert len(name) <= 32
    assert re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name)
    assert Owner(fleet, OWNER.listener_arn, "i").may_own_group(name)


def test_target_groups_of_two_listeners_have_different_names():
    other = Owner("mcp", f"{OWNER.listener_arn}3", "i-0aaa")

    assert OWNER.group_name("time", "") != other.group_name("time", "")


def test_servers_whose_names_differ_only_in_signs_have_different_target_groups():
    assert OWNER.group_name("a.b", "") != OWNER.group_name("a-b", "")


@settings(deadline=None)
@given(st.from_regex(PATH, fullmatch=True), st.sampled_from(["", "/", "/a", "/a/b?c=d"]))
def test_removing_the_prefix_leaves_what_follows_it(path, rest):
    (transform,) = Route("time", path, strip_prefix=True).transforms
    rewrite = transform["UrlRewriteConfig"]["Rewrites"][0]

    assert rewrite["Replace"] == "/$1"
    matched = re.match(rewrite["Regex"], path + rest)
    assert matched is not None
    assert "/" + matched[1] == (rest or "/")


def test_a_dot_in_a_path_stands_for_itself_when_the_prefix_is_removed():
    (transform,) = Route("time", "/mcp/x.y", strip_prefix=True).transforms

    assert not re.match(transform["UrlRewriteConfig"]["Rewrites"][0]["Regex"], "/mcp/xzy/a")


def test_a_host_of_its_own_takes_the_place_of_any_other():
    route = Route("time", "/mcp/time", strip_prefix=True, host_header="localhost:8931")
    by_type = {transform["Type"]: transform for transform in route.transforms}

    rewrite = by_type["host-header-rewrite"]["HostHeaderRewriteConfig"]["Rewrites"][0]
    for host in ("mcp.example.com", "mcp.example.com:8080", "x"):
        assert re.sub(rewrite["Regex"], rewrite["Replace"], host, count=1) == "localhost:8931"
    assert set(by_type) == {"url-rewrite", "host-header-rewrite"}
    assert route.transforms == canonical_transforms(list(reversed(route.transforms)))


def test_a_server_that_keeps_its_prefix_has_no_transform():
    assert Route("time", "/mcp/time").transforms == []


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (Route("a b", "/a"), "a name holds"),
        (Route("a", "a"), "must begin with '/'"),
        (Route("a", "/a", host_header="a b"), "host_header 'a b' must be a host"),
        (Route("a", "/a", host_header="$1"), "host_header '$1' must be a host"),
        (Route("a", "/a/"), "must begin with '/'"),
        (Route("a", "/a*"), "must begin with '/'"),
        (Route("a", "/" + "a" * 126), "126 characters"),
        (Route("a", "/a", health_path="health"), "health_path 'health'"),
        (Route("a", "/a", health_matcher="500"), "health_matcher '500'"),
        (Route("a", "/a", health_matcher="200-"), "health_matcher '200-'"),
        (Route("a", "/a", ports=(0,)), "port 0"),
        (Route("a", "/a", priority=50001), "priority 50001"),
    ],
)
def test_what_aws_would_refuse_is_refused_with_the_route_and_the_reason(route, said):
    with pytest.raises(DesiredRoutesError, match=re.escape(said)):
        check_desired_routes(DesiredRoutes(OWNER, (route,)))


def test_all_faults_are_told_at_once():
    with pytest.raises(DesiredRoutesError) as told:
        check_desired_routes(DesiredRoutes(OWNER, (Route("a", "a"), Route("b", "b")), health_timeout=10))

    assert len(told.value.problems) == 3


@pytest.mark.parametrize(
    ("second", "what"),
    [(Route("a", "/b"), "name"), (Route("b", "/a"), "path and conditions"), (Route("b", "/b", priority=5), "priority")],
)
def test_two_routes_that_want_the_same_are_refused_with_both_places(second, what):
    with pytest.raises(DesiredRoutesError, match=rf"routes\[0\] \(a\) and routes\[1\] \({second.name}\): same {what}"):
        check_desired_routes(DesiredRoutes(OWNER, (Route("a", "/a", priority=5), second)))


def test_the_last_applied_digest_changes_with_everything_that_is_desired():
    several = [
        DesiredRoutes(OWNER, (Route("a", "/a", (1,)),)),
        DesiredRoutes(OWNER, (Route("a", "/a", (2,)),)),
        DesiredRoutes(OWNER, (Route("a", "/b", (1,)),)),
        DesiredRoutes(OWNER, (Route("a", "/a", (1,), True),)),
        DesiredRoutes(OWNER, (Route("a", "/a", (1,)),), deregistration_delay=1),
        DesiredRoutes(OWNER, (Route("a", "/a", (1,)),), extra_tags={"team": "x"}),
        DesiredRoutes(OWNER, (Route("a", "/a", (1,), health_matcher="200-299"),)),
    ]

    assert len({desired.last_applied for desired in several}) == len(several)


@pytest.mark.parametrize(
    "settings",
    [
        {"health_interval": 4},
        {"health_timeout": 1},
        {"healthy_threshold": 11},
        {"unhealthy_threshold": 1},
        {"deregistration_delay": 3601},
        {"slow_start": 29},
        {"stickiness": -1},
        {"priority_start": 0},
        {"priority_end": 50001},
    ],
)
def test_a_value_that_the_settings_would_refuse_is_refused_with_the_range(settings):
    (name,) = settings

    with pytest.raises(DesiredRoutesError, match=f"{name} is .*; it must be .* to "):
        check_desired_routes(DesiredRoutes(OWNER, (), **settings))
