# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[service]: the fleet as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    address,
    matching,
    number,
    one_of,
    switch,
)

_FLEET = matching(r"[a-z0-9][a-z0-9-]{0,31}", "the name of a fleet; use small letters, digits and '-', at most 32")


@dataclass(frozen=True)
class Service:
    """How the fleet is kept. The interval is in seconds, the range of ports includes both ends.

    ``publish_address`` is empty where it follows from the rest (see ``routing/exposure.py``). ``max_servers`` bounds
    what requests make. ``strict`` makes unknown keys of the config errors instead of warnings. ``prune_images`` lets
    images go with the last container that used them.
    """

    fleet: str = setting(
        "mcp", _FLEET, "The name of the fleet, which everything made for it carries. Nothing without it is touched."
    )
    runtime: str = setting(
        "docker",
        one_of("docker", "kubernetes"),
        "What runs the servers: the Docker engine of each host, or the cluster of [kubernetes].",
    )
    reconciliation_interval_seconds: int = setting(
        300, number(10, 86400), "Seconds between two runs of the reconciler."
    )
    port_range_start: int = setting(20000, number(1024, 65535), "The first of the servers' ports on this host.")
    port_range_end: int = setting(29999, number(1024, 65535), "The last of them.")
    publish_address: str = setting(
        "",
        address,
        "The address of this host at which the load balancer reaches the servers' ports, the router's and"
        " the monitor's. 0.0.0.0 is every address of the host, public ones too.",
        empty="127.0.0.1 for the embedded load balancer; with a listener, target_address where it is one of"
        " this host's, else the source address of the default route, which on EC2 is the private address"
        " that targets have",
    )
    max_servers: int = setting(
        100,
        number(1, 10000),
        "How many servers there may be for a request to make another one. The config itself may hold more.",
    )
    strict: bool = setting(False, switch, "Whether unknown keys of mcp.config.json are errors instead of warnings.")
    prune_images: bool = setting(
        False, switch, "Whether an image is removed with the last container of the fleet that used it."
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yields the keys that cannot hold together with others, each with the reason."""
        if self.port_range_start > self.port_range_end:
            yield "port_range_end", f"'{self.port_range_end}' is below port_range_start"
