# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host and its engine, as a run reaches them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.clock import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import Engine
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import Firewall, HostFirewall
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host_files import HostFiles, LocalFiles
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host_network import listening_ports
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.name_lookup import NameLookup, look_up
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import (
    AskSessions,
    Probe,
    http_probe,
    sessions_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.verification import (
    Verification,
    Verify,
    not_installed,
)


@dataclass(frozen=True)
class Host:
    """Everything that a run reads or changes, each part replaceable by a test.

    ``listening_ports`` returns the TCP ports of this host on which something listens; to ask takes longer than a run
    that has nothing to do.
    """

    engine: Engine
    firewall: Firewall
    files: HostFiles
    look_up: NameLookup = look_up
    probe: Probe = http_probe
    ask_sessions: AskSessions = sessions_of
    verify: Verify = not_installed
    clock: Clock = field(default_factory=Clock)
    listening_ports: Callable[[], frozenset[int]] = frozenset

    @classmethod
    def of(cls, engine: Engine, rules_directory: str | None = None, verify: Sequence[str] = ()) -> Host:
        """Returns this host with ``engine``, which may run on another one: then nothing of this host is its own.

        ``rules_directory`` is where the firewall's rules are saved for the next boot, None for nowhere. ``verify`` is
        the command that verifies a server.
        """
        return cls(
            engine=engine,
            firewall=HostFirewall(engine.local, rules_directory),
            files=LocalFiles(engine.local),
            listening_ports=listening_ports if engine.local else frozenset,
            verify=Verification(verify) if verify else not_installed,
        )
