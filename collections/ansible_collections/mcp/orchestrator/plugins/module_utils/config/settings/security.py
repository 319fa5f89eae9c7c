# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[security]: what entries may have beyond their container, and which pages may speak to servers."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import DEFAULT_ROOTS, root
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.origin import host, origin
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader, setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import matching, several, switch


def _roots(text: str) -> tuple[str, ...]:
    return () if text == "none" else several(Reader(root, "a directory"))(text)


@dataclass(frozen=True)
class Security:
    """What servers may have that hands them more than their container, all off, and which pages may speak to them.

    ``allowed_origins`` are web origins as browsers write them, such as ``https://app.example.com``; ``allowed_hosts``
    are names under which a local load balancer on loopback is called. Paths of the host are had below
    ``host_path_roots`` alone; ``shared_volumes`` are the named volumes that several servers may have.
    ``require_digests`` refuses images, and bases of those built here, whose names may come to mean others.
    """

    allow_privileged: bool = setting(False, switch, "Whether servers may have --privileged.")
    allow_docker_socket: bool = setting(False, switch, "Whether servers may have the engine's socket.")
    allow_host_paths: bool = setting(
        False, switch, "Whether servers may have any path of the host, not only those below host_path_roots."
    )
    allow_host_network: bool = setting(False, switch, "Whether servers may have --network host.")
    allow_host_namespaces: bool = setting(
        False, switch, "Whether servers may share the host's namespaces, as with --pid host."
    )
    allow_capabilities: bool = setting(False, switch, "Whether servers may have --cap-add.")
    allow_devices: bool = setting(False, switch, "Whether servers may have devices of the host.")
    allow_security_opt: bool = setting(False, switch, "Whether servers may have --security-opt.")
    require_digests: bool = setting(
        False,
        switch,
        "Whether every image, and every base of an image that is built here, has to be named with its"
        " digest (NAME@sha256:…).",
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        several(Reader(origin, "an origin")),
        "Exact origins whose pages may call the servers from a browser, for example"
        " https://app.example.com. Pages on http://localhost may anyway. A change starts new containers,"
        " and needs setup.sh with the embedded load balancer.",
        empty="no others",
    )
    allowed_hosts: tuple[str, ...] = setting(
        (),
        several(Reader(host, "a name")),
        "Further names under which the embedded load balancer is called, beside localhost and those of"
        " [routes] host_header, for example mcp.example.com where a proxy on this host forwards requests."
        " Other names are refused, since a page in a browser on this host could otherwise reach the"
        " servers. A change needs setup.sh.",
        empty="no others",
    )
    host_path_roots: tuple[str, ...] = setting(
        DEFAULT_ROOTS,
        Reader(_roots, "a list of directories, or none"),
        "The directories of the host that servers may have paths of (-v /srv/x:/x); none for no path at"
        " all. What lies elsewhere, and a link that leads elsewhere, is refused.",
    )
    shared_volumes: tuple[str, ...] = setting(
        (),
        several(matching(r"[A-Za-z0-9][A-Za-z0-9_.-]+", "the name of a volume")),
        "Named volumes that more than one server may have. Through any other each could change what the"
        " other keeps, so both are refused.",
        empty="no volume",
    )

    def allowed(self) -> frozenset[str]:
        """Returns the ``allow_…`` keys that are on."""
        return frozenset(name for name, on in vars(self).items() if on is True and name.startswith("allow_"))
