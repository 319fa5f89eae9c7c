# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[security]: what entries may have beyond their container, and which pages may speak to servers."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import DEFAULT_ROOTS, root
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import switch
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.origin import host, origin
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import matching, several


def _roots(text: str) -> tuple[str, ...]:
    return () if text == "none" else several(root)(text)


@dataclass(frozen=True)
class Security:
    """What servers may have that hands them more than their container, all off, and which pages may speak to them.

    ``allowed_origins`` are web origins as browsers write them, such as ``https://app.example.com``; ``allowed_hosts``
    are names under which a local load balancer on loopback is called. Paths of the host are had below
    ``host_path_roots`` alone; ``shared_volumes`` are the named volumes that several servers may have.
    ``require_digests`` refuses images, and bases of those built here, whose names may come to mean others.
    """

    allow_privileged: bool = setting(False, switch)
    allow_docker_socket: bool = setting(False, switch)
    allow_host_paths: bool = setting(False, switch)
    allow_host_network: bool = setting(False, switch)
    allow_host_namespaces: bool = setting(False, switch)
    allow_capabilities: bool = setting(False, switch)
    allow_devices: bool = setting(False, switch)
    allow_security_opt: bool = setting(False, switch)
    require_digests: bool = setting(False, switch)
    allowed_origins: tuple[str, ...] = setting((), several(origin))
    allowed_hosts: tuple[str, ...] = setting((), several(host))
    host_path_roots: tuple[str, ...] = setting(DEFAULT_ROOTS, _roots)
    shared_volumes: tuple[str, ...] = setting(
        (), several(matching(r"[A-Za-z0-9][A-Za-z0-9_.-]+", "the name of a volume"))
    )

    def allowed(self) -> frozenset[str]:
        """Returns the ``allow_…`` keys that are on."""
        return frozenset(name for name, on in vars(self).items() if on is True and name.startswith("allow_"))
