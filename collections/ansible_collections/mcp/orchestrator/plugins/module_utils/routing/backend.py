# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What brings a load balancer to what a hop wants of it. The ALB code is one backend; another is one more class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop


@dataclass(frozen=True)
class HopResult:
    """What a backend found and did; in check mode, what it would do.

    ``actions`` are dicts with server, action, reason, before and after, in order; ``diff`` the same as two texts.
    ``routes`` maps each name to what the backend knows its route by, such as an ALB's rule_arn, target_group_arn and
    priority. ``base_url`` is where clients reach the balancer, None where that is not known. ``errors`` are of single
    routes, each with server (None for all of them) and message. ``handing_over`` names the servers of other hosts that
    only this host serves as yet; ``served_from_cluster`` those that leave a cluster and that no host is known to serve.
    ``draining`` has the ports of this host that a balancer leads nothing to but the
    sessions which began there, by server. ``warnings`` are sentences about the balancer; among them are those of
    ``shadows``, by route: which rules of others match the route's path as well. ``listener`` is what people are shown
    of the balancer, as files/routes.schema.json describes a listener. ``failure`` is why nothing could be done at all,
    None where something could.
    """

    changed: bool = False
    actions: Sequence[Mapping[str, Any]] = ()
    diff: Mapping[str, str] = field(default_factory=lambda: {"before": "", "after": ""})
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    base_url: str | None = None
    errors: Sequence[Mapping[str, Any]] = ()
    handing_over: Sequence[str] = ()
    served_from_cluster: Sequence[str] = ()
    draining: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    shadows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    listener: Mapping[str, Any] | None = None
    failure: str | None = None


class Backend(Protocol):
    """Something that routes."""

    def converge(self, hop: Hop) -> HopResult:
        """Makes the hop's balancer route as desired, and returns what came of it; raises nothing of its own."""
