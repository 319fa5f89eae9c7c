# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observed routes: a listener with its rules, and the target groups around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import TAG_PATH, TAG_URL
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import Rule
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import TargetGroup


@dataclass(frozen=True)
class Listener:
    """The listener that the routes hang on."""

    arn: str
    load_balancer_arn: str
    protocol: str
    port: int


@dataclass(frozen=True)
class LoadBalancer:
    """What is known of the listener's load balancer once it was worth a call."""

    arn: str
    dns_name: str
    vpc_id: str
    idle_timeout: int | None = None


@dataclass(frozen=True)
class ObservedRoutes:
    """What one observation saw.

    ``groups`` are the target groups on the listener's load balancer, and all others whose names could be ours.
    ``last_applied`` is what this host's last complete run left behind, None where it did not complete.
    """

    listener: Listener
    rules: tuple[Rule, ...] = ()
    groups: tuple[TargetGroup, ...] = ()
    last_applied: str | None = None
    last_applied_group: str | None = None
    load_balancer: LoadBalancer | None = None

    @cached_property
    def group_by_name(self) -> Mapping[str, TargetGroup]:
        """The target groups by name; a name is unique in a region."""
        return {group.name: group for group in self.groups}

    @cached_property
    def group_by_arn(self) -> Mapping[str, TargetGroup]:
        """The target groups by ARN."""
        return {group.arn: group for group in self.groups}

    @cached_property
    def base_url(self) -> str:
        """Where the listener answers, without a path; empty where nothing tells it."""
        if self.load_balancer is not None and self.load_balancer.dns_name:
            scheme = "https" if self.listener.protocol == "HTTPS" else "http"
            usual = 443 if scheme == "https" else 80
            port = "" if self.listener.port == usual else f":{self.listener.port}"
            return f"{scheme}://{self.load_balancer.dns_name}{port}"
        for group in self.groups:
            url, path = (group.tags or {}).get(TAG_URL, ""), (group.tags or {}).get(TAG_PATH, "")
            if url and path and url.endswith(path):
                return url.removesuffix(path)
        return ""
