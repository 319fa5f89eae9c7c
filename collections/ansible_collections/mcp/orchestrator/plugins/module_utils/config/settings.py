# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""settings.conf: what holds for the whole installation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Aws:
    """Where the load balancer is. All empty: the local ALB."""

    region: str = ""
    alb_arn: str = ""
    listener_arn: str = ""
    vpc_id: str = ""
    instance_id: str = ""


@dataclass(frozen=True)
class Service:
    """How the fleet is kept: ``reconciliation_interval_seconds`` in seconds, the ports inclusive."""

    fleet: str = "mcp"
    reconciliation_interval_seconds: int = 300
    port_range_start: int = 20000
    port_range_end: int = 29999
    publish_address: str = "127.0.0.1"


@dataclass(frozen=True)
class Dashboard:
    """The monitor's door. An empty password is replaced by a generated one when the monitor is installed."""

    username: str = "admin"
    password: Secret = field(default_factory=lambda: Secret(""))
    path: str = "/monitor"


@dataclass(frozen=True)
class Logging:
    """How much the programs say."""

    level: str = "INFO"


@dataclass(frozen=True)
class Settings:
    """All of settings.conf, with defaults for what it does not say."""

    aws: Aws = field(default_factory=Aws)
    service: Service = field(default_factory=Service)
    dashboard: Dashboard = field(default_factory=Dashboard)
    logging: Logging = field(default_factory=Logging)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data by section; the password is left out."""
        return {
            section: {
                name: value for name, value in vars(getattr(self, section)).items() if not isinstance(value, Secret)
            }
            for section in ("aws", "service", "dashboard", "logging")
        }
