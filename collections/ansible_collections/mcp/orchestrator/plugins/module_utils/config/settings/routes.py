# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[routes]: how requests come to the servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import switch
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import AUTHS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    host_name,
    network,
    number,
    number_or_zero,
    one_of,
    several,
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

    topology: str = setting("direct", one_of(*TOPOLOGIES))
    target_tls: bool = setting(False, switch)
    auth: str = setting("none", one_of(*AUTHS))
    host_header: tuple[str, ...] = setting((), several(host_name))
    source_ip: tuple[str, ...] = setting((), several(network))
    priority_start: int = setting(1000, number(1, 50000))
    priority_end: int = setting(1999, number(1, 50000))
    health_interval: int = setting(10, number(5, 300))
    health_timeout: int = setting(5, number(2, 120))
    healthy_threshold: int = setting(2, number(2, 10))
    unhealthy_threshold: int = setting(2, number(2, 10))
    deregistration_delay: int = setting(30, number(0, 3600))
    slow_start: int = setting(0, number_or_zero(30, 900))
    stickiness: int = setting(0, number_or_zero(1, 604800))
    wait_timeout: int = setting(120, number(1, 3600))
    full_verification_every: int = setting(12, number(1, 10000))

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
