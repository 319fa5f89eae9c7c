# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which load balancer is in front, and on which of this host's addresses servers, router and monitor listen.

Each listens where the balancer in front of it reaches it and nowhere else: on loopback where that balancer is on this
host, else on the address that targets of this host are reached at. Pure, but for the two questions to the host.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.publish_address import (
    PUBLISH_ADDRESS_KEY,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings

LOOPBACK = "127.0.0.1"
AWS = "aws"
LOCAL = "local"


@dataclass(frozen=True)
class Exposure:
    """``balancer`` is the load balancer that clients call: ``aws``, or ``local`` for the embedded one.

    The others are the addresses to bind: of the servers' published ports, of the router that node-router puts before
    them, and of the monitor.
    """

    balancer: str
    servers: str
    router: str
    monitor: str


class HostAddresses(Protocol):
    """What is asked of a host."""

    def default_source(self) -> str | None:
        """Returns the IPv4 address that this host's packets to the world bear; None without a default route."""

    def has(self, address: str) -> bool:
        """Returns whether ``address`` is one of this host's own."""


def balancer_of(settings: Settings) -> str:
    """Returns ``aws`` where the settings name a load balancer of AWS, else ``local``."""
    return AWS if settings.aws.is_named else LOCAL


def exposure_of(settings: Settings, host: HostAddresses, settings_path: str | None = None) -> Exposure:
    """Returns the balancer in front and the addresses to bind. ``settings_path`` names the file in errors.

    An EC2 instance is reached as a target at its primary private address, which its default route has as its source.
    Raises ConfigFileError when the address of a host behind a load balancer of AWS cannot be known.
    """
    balancer = balancer_of(settings)
    if settings.service.publish_address:
        reached_at = settings.service.publish_address
    elif balancer == AWS:
        reached_at = _target_address(settings, host, settings_path)
    else:
        reached_at = LOOPBACK
    behind_router = settings.routes.topology == "node-router"
    return Exposure(
        balancer=balancer, servers=LOOPBACK if behind_router else reached_at, router=reached_at, monitor=reached_at
    )


def _target_address(settings: Settings, host: HostAddresses, settings_path: str | None) -> str:
    registered = settings.aws.target_address
    if registered and host.has(registered):
        return registered
    address = host.default_source()
    if address is None:
        message = (
            "is empty, and this host has no default route from which the address for the load balancer could be read;"
            " set it to that address"
        )
        label = os.path.basename(settings_path or "settings.conf")
        raise ConfigFileError([ConfigError(label, PUBLISH_ADDRESS_KEY, message)])
    return address
