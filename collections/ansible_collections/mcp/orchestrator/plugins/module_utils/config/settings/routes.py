# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[routes]: how requests come to the servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import AUTHS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    host_name,
    network,
    number,
    number_or_zero,
    one_of,
    several,
    switch,
)

TOPOLOGIES = ("direct", "node-router")
# A rule takes five condition values in all, and the path has two of them (user guide, "Quotas for your Application
# Load Balancers").
FREE_VALUES = 3


@dataclass(frozen=True)
class Routes:
    """How the load balancer treats all routes. Times are in seconds.

    ``host_header`` and ``source_ip`` are conditions that every request has to meet; ``auth`` says who has to prove
    themselves, unless a server says otherwise; ``target_tls`` is whether the load balancer speaks HTTPS to the hosts'
    routers; ``full_verification_every`` counts the reconciler's runs. The ranges of the numbers are those of
    CreateTargetGroup, ModifyTargetGroupAttributes and CreateRule (API reference).
    """

    topology: str = setting(
        "direct",
        one_of(*TOPOLOGIES),
        "direct: a rule and a target group for each server. node-router: one for all of them, and on each"
        " host a HAProxy that routes by path; for more than 99 servers.",
    )
    target_tls: bool = setting(
        False,
        switch,
        "Whether the load balancer speaks HTTPS to the hosts, for topology = node-router. The router"
        " makes itself a certificate, which an ALB does not check. A change needs setup.sh, and requests"
        " fail for some seconds.",
    )
    auth: str = setting(
        "none",
        one_of(*AUTHS),
        "Who may pass the load balancer to the servers. oidc and jwt need an HTTPS listener, and their"
        " provider in [oidc] or [jwt].",
    )
    host_header: tuple[str, ...] = setting(
        (),
        several(host_name),
        "Host names, one of which every request has to have. A rule takes three values of host_header and"
        " source_ip in all.",
        empty="any",
    )
    source_ip: tuple[str, ...] = setting(
        (), several(network), "Networks, from one of which every request has to come.", empty="any"
    )
    priority_start: int = setting(1000, number(1, 50000), "The first of the priorities that may be given to our rules.")
    priority_end: int = setting(1999, number(1, 50000), "The last of them.")
    health_interval: int = setting(10, number(5, 300), "Seconds between two health checks of the load balancer.")
    health_timeout: int = setting(5, number(2, 120), "Seconds that a health check may take; less than health_interval.")
    healthy_threshold: int = setting(2, number(2, 10), "Health checks in a row that make a target healthy.")
    unhealthy_threshold: int = setting(2, number(2, 10), "Health checks in a row that make a target unhealthy.")
    deregistration_delay: int = setting(
        30,
        number(0, 3600),
        "Seconds in which the open streams of a container that is replaced may end. Behind the embedded load balancer"
        " and the node router its sessions go on meanwhile.",
    )
    session_drain: int = setting(
        900,
        number(0, 3600),
        "Seconds in which the sessions of a server with isolation per_session may go on in a container that is"
        " replaced, while new ones go to its successor. It ends with the last session. For the embedded load"
        " balancer and the node router; behind an ALB such a session ends at once.",
    )
    slow_start: int = setting(
        0,
        number_or_zero(30, 900),
        "Seconds in which a new container gets a growing share of the requests; 0 is its full share at once.",
    )
    stickiness: int = setting(
        0,
        number_or_zero(1, 604800),
        "Seconds in which a client that keeps cookies stays with the same replica; 0 is off.",
    )
    wait_timeout: int = setting(
        120, number(1, 3600), "Seconds that a new container may take to become healthy for the load balancer."
    )
    full_verification_every: int = setting(
        12,
        number(1, 10000),
        "Once in so many runs of the reconciler, everything is checked: targets, attributes and tags too.",
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yields the keys that cannot hold together with others, each with the reason and the way out."""
        if self.target_tls and self.topology != "node-router":
            reason = "'true' needs topology = node-router: the ports of the servers themselves speak plain HTTP"
            yield "target_tls", reason
        if self.priority_end < self.priority_start:
            yield "priority_end", f"'{self.priority_end}' is below priority_start"
        if self.health_timeout >= self.health_interval:
            yield "health_timeout", f"'{self.health_timeout}' is not less than health_interval ({self.health_interval})"
        if len(self.host_header) + len(self.source_ip) > FREE_VALUES:
            yield "source_ip", f"and host_header have more than {FREE_VALUES} values in all, the most a rule takes"
