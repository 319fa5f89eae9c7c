# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired routes: what a fleet wants of a listener, checked and ready to be compared with what is observed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import DesiredRoutesError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import (
    NO_PORTS,
    TAG_ATTRIBUTES,
    TAG_PATH,
    TAG_SECRET,
    TAG_SERVICE,
    TAG_URL,
    Owner,
    digest,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule import (
    Json,
    canonical_conditions,
    canonical_transforms,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule_options import secret_mark
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.target_group import ATTRIBUTE_DEFAULTS, Target
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import readers_of

# Letters that a path pattern takes as themselves and that a tag's value may hold as well.
PATH = re.compile(r"(/[A-Za-z0-9_.:+@=-]+)+")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
MATCHER = re.compile(r"[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,128})(:[0-9]{1,5})?")
PATTERN_LENGTH = 128
HIGHEST_PRIORITY = 50000
# What the settings say where their file is silent.
_DEFAULTS = Routes()


@dataclass(frozen=True)
class Route:
    """One server's desired rule and target group; ``ports`` are those of this host that serve it, by ``protocol``.

    ``host_header`` is what they get as Host; empty is what the client sends.
    ``keeps_sessions`` is whether a target that is replaced may have sessions to finish; ``superseded`` are the ports of
    this host on which such targets may be. ``only`` are the path patterns where they are not the path and everything
    below it. ``shares`` names the route whose target group it leads to, empty where it has its own; such a route has no
    ports. ``gives_way`` is whether it comes after the rules of others for paths inside its own, ``needs_https`` whether
    it makes no sense on a listener without. ``elsewhere`` is whether others bring its targets: this host's leave when
    one of those is healthy.
    """

    name: str
    path: str
    ports: tuple[int, ...] = ()
    strip_prefix: bool = False
    health_path: str = "/"
    health_matcher: str = "200"
    protocol: str = "HTTP"
    priority: int | None = None
    extra_conditions: list[Json] = field(default_factory=list)
    front_actions: list[Json] = field(default_factory=list)
    client_secret: str = field(default="", repr=False)
    keeps_sessions: bool = False
    superseded: tuple[int, ...] = ()
    host_header: str = ""
    only: tuple[str, ...] = ()
    shares: str = ""
    gives_way: bool = False
    needs_https: bool = False
    elsewhere: bool = False

    @property
    def patterns(self) -> list[str]:
        """The path patterns: ``/x/*`` alone does not match ``/x``, and ``/x*`` would take ``/xy`` as well."""
        return list(self.only) or [self.path, f"{self.path}/*"]

    @cached_property
    def conditions(self) -> list[Json]:
        """The rule's conditions in canonical form."""
        path = {"Field": "path-pattern", "PathPatternConfig": {"Values": self.patterns}}
        return canonical_conditions([path, *self.extra_conditions])

    @cached_property
    def transforms(self) -> list[Json]:
        """The rule's transforms in canonical form: the prefix removed where the server cannot serve below it, and the
        Host that it is to get."""
        transforms = []
        if self.strip_prefix:
            prefix = re.sub(r"([.+])", r"\\\1", self.path)
            rewrite = {"Regex": f"^{prefix}/?(.*)$", "Replace": "/$1"}
            transforms.append({"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [rewrite]}})
        if self.host_header:
            rewrite = {"Regex": "^.*$", "Replace": self.host_header}
            transforms.append({"Type": "host-header-rewrite", "HostHeaderRewriteConfig": {"Rewrites": [rewrite]}})
        return canonical_transforms(transforms)


@dataclass(frozen=True)
class DesiredRoutes:
    """All that a run wants: the routes and the settings that they share. Times are seconds.

    ``protected`` names servers whose desired state is not known: what they have stays as it is.
    ``on_other_hosts`` names those that other hosts are to run: their rules stay, and this host's targets leave as soon
    as another host's serve. ``leaving`` has those that leave a cluster for hosts, with the addresses of their pods.
    ``session_drain`` is 0 where the listener does not lead sessions to draining targets.
    """

    owner: Owner
    routes: tuple[Route, ...] = ()
    protected: frozenset[str] = frozenset()
    on_other_hosts: frozenset[str] = frozenset()
    leaving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    target_type: str = "instance"
    vpc_id: str = ""
    health_interval: int = _DEFAULTS.health_interval
    health_timeout: int = _DEFAULTS.health_timeout
    healthy_threshold: int = _DEFAULTS.healthy_threshold
    unhealthy_threshold: int = _DEFAULTS.unhealthy_threshold
    deregistration_delay: int = _DEFAULTS.deregistration_delay
    session_drain: int = 0
    slow_start: int = _DEFAULTS.slow_start
    stickiness: int = _DEFAULTS.stickiness
    extra_tags: Mapping[str, str] = field(default_factory=dict)
    priority_start: int = _DEFAULTS.priority_start
    priority_end: int = _DEFAULTS.priority_end

    @cached_property
    def not_ours_to_remove(self) -> frozenset[str]:
        """The servers whose rules and target groups stay although this run has no route for them."""
        return self.protected | self.on_other_hosts

    @cached_property
    def group_names(self) -> dict[str, str]:
        """Each server's target group by name.

        Besides what AWS cannot change later, the name covers the health path and the prefix: old and new targets
        that disagree about these cannot share a group without one of them failing.
        """
        own = {
            route.name: self.owner.group_name(
                route.name, [self.target_type, route.protocol, route.health_path, route.strip_prefix]
            )
            for route in self.routes
            if not route.shares
        }
        return {route.name: own[route.shares or route.name] for route in self.routes}

    def health_check(self, route: Route) -> Json:
        """Returns the target group's health check as CreateTargetGroup wants it."""
        return {
            "HealthCheckEnabled": True,
            "HealthCheckProtocol": route.protocol,
            "HealthCheckPort": "traffic-port",
            "HealthCheckPath": route.health_path,
            "HealthCheckIntervalSeconds": self.health_interval,
            "HealthCheckTimeoutSeconds": self.health_timeout,
            "HealthyThresholdCount": self.healthy_threshold,
            "UnhealthyThresholdCount": self.unhealthy_threshold,
            "Matcher": {"HttpCode": route.health_matcher},
        }

    @property
    def drain_patience(self) -> int | None:
        """How long a run waits for a target that may drain for longer; None where every drain is awaited."""
        return self.deregistration_delay if self.session_drain else None

    def attributes(self, route: Route) -> dict[str, str]:
        """Returns the attributes of a route's target group, all that this module answers for."""
        desired = dict(ATTRIBUTE_DEFAULTS)
        delay = max(self.deregistration_delay, self.session_drain if route.keeps_sessions else 0)
        desired["deregistration_delay.timeout_seconds"] = str(delay)
        desired["slow_start.duration_seconds"] = str(self.slow_start)
        if self.stickiness:
            desired["stickiness.enabled"] = "true"
            desired["stickiness.lb_cookie.duration_seconds"] = str(self.stickiness)
        return desired

    def targets(self, route: Route) -> list[Target]:
        """Returns this host's targets of a route."""
        return [Target(self.owner.target_id, port) for port in route.ports]

    def rule_tags(self, route: Route) -> dict[str, str]:
        """Returns the tags of a route's rule."""
        tags = {**self.extra_tags, **self.owner.tags, TAG_SERVICE: route.name}
        if route.client_secret:
            tags[TAG_SECRET] = secret_mark(route.client_secret, self.owner.listener_arn)
        return tags

    def group_tags(self, route: Route, base_url: str) -> dict[str, str]:
        """Returns the tags of a route's target group; the last two let a later run trust what it did not look at."""
        return {
            **self.extra_tags,
            **self.owner.tags,
            TAG_SERVICE: route.name,
            TAG_PATH: route.path,
            **({TAG_URL: f"{base_url}{route.path}"} if base_url else {}),
            TAG_ATTRIBUTES: digest(self.attributes(route)),
            self.owner.port_tag: " ".join(str(port) for port in sorted(route.ports)) or NO_PORTS,
        }

    @cached_property
    def last_applied(self) -> str:
        """A digest of everything that this run wants."""
        return digest(
            [
                1,
                self.owner.target_id,
                dict(self.extra_tags),
                [self.priority_start, self.priority_end],
                [
                    [
                        route.name,
                        self.group_names[route.name],
                        sorted(route.ports),
                        self.health_check(route),
                        self.attributes(route),
                        route.conditions,
                        route.transforms,
                        route.front_actions,
                        route.priority,
                        self.rule_tags(route),
                    ]
                    for route in sorted(self.routes, key=lambda route: route.name)
                ],
            ],
            16,
        )


def check_desired_routes(desired: DesiredRoutes) -> None:
    """Refuses routes that AWS would refuse or that contradict each other, all at once.

    Raises DesiredRoutesError. Lengths are those of CreateRule and CreateTargetGroup in the API reference.
    """
    problems = [problem for route in desired.routes for problem in _route_problems(route)]
    problems += _duplicates(desired)
    if not desired.owner.target_id and any(route.ports for route in desired.routes):
        problems.append("target_id is empty, so nothing can be registered; set it to this host's instance id")
    problems += _out_of_range(desired)
    if desired.health_timeout >= desired.health_interval:
        problems.append(
            f"health_timeout ({desired.health_timeout}) must be smaller than health_interval "
            f"({desired.health_interval})"
        )
    if desired.priority_start > desired.priority_end:
        problems.append(
            f"priority_start ({desired.priority_start}) must not be above priority_end ({desired.priority_end})"
        )
    if problems:
        raise DesiredRoutesError(problems)


def _out_of_range(desired: DesiredRoutes) -> list[str]:
    """Holds the shared values against what the settings of the same names take."""
    readers = readers_of(Routes)
    problems = []
    for name in [each.name for each in fields(desired) if each.name in readers]:
        value = getattr(desired, name)
        try:
            readers[name](str(value))
        except ValueError:
            problems.append(f"{name} is {value}; it must be {readers[name].accepts}")
    return problems


def _route_problems(route: Route) -> list[str]:
    where = f"route '{route.name}'"
    problems = []
    if not NAME.fullmatch(route.name):
        problems.append(f"{where}: a name holds letters, digits, '_', '.' and '-', at most 63 of them")
    if not PATH.fullmatch(route.path) or len(route.path) > PATTERN_LENGTH - 2:
        problems.append(
            f"{where}: path '{route.path}' must begin with '/', not end with it, hold only letters, digits and "
            f"_ . : + @ = - / and be at most {PATTERN_LENGTH - 2} characters long"
        )
    if not route.health_path.startswith("/") or len(route.health_path) > 1024:
        problems.append(f"{where}: health_path '{route.health_path}' must begin with '/' (at most 1024 characters)")
    if not MATCHER.fullmatch(route.health_matcher):
        problems.append(
            f"{where}: health_matcher '{route.health_matcher}' must name codes between 200 and 499, "
            "such as '200', '200,202' or '200-299'"
        )
    if route.host_header and not HOST.fullmatch(route.host_header):
        problems.append(
            f"{where}: host_header '{route.host_header}' must be a host with or without a port, such as localhost:8000"
        )
    problems += [f"{where}: port {port} is not between 1 and 65535" for port in route.ports if not 0 < port < 65536]
    if route.priority is not None and not 1 <= route.priority <= HIGHEST_PRIORITY:
        problems.append(f"{where}: priority {route.priority} is not between 1 and {HIGHEST_PRIORITY}")
    return problems


def _duplicates(desired: DesiredRoutes) -> list[str]:
    problems = []
    for what, of in (
        ("name", lambda route: route.name),
        ("path and conditions", lambda route: str(route.conditions)),
        ("priority", lambda route: route.priority),
    ):
        first: dict[Any, int] = {}
        for index, route in enumerate(desired.routes):
            key = of(route)
            if key is not None and first.setdefault(key, index) != index:
                other = desired.routes[first[key]]
                problems.append(f"routes[{first[key]}] ({other.name}) and routes[{index}] ({route.name}): same {what}")
    return problems
