# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of several hosts run a server. Pure, and the same on every host, so that hosts need not agree with each other.

Each host has a weight for each server that nothing but the two names decides (rendezvous hashing): a host that comes or
goes moves only the servers that it takes or leaves behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

Hosts = Mapping[str, Mapping[str, str]]
"""The labels of each host, by its name."""


class NoHost(Exception):
    """No host has the labels that a server wants; the sentence says which."""


def hosts_of(spec: Spec, hosts: Hosts) -> tuple[str, ...]:
    """Returns the names of the hosts that run ``spec``, in their order of preference. Raises NoHost."""
    wanted = spec.placement or {}
    labels: Mapping[str, str] = wanted.get("labels") or {}
    fit = [name for name, own in hosts.items() if all(own.get(key) == value for key, value in labels.items())]
    if not fit:
        described = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
        raise NoHost(
            f"orchestrator.placement.labels: none of the hosts {', '.join(sorted(hosts))} has {described};"
            " correct the labels, or give them to a host (mcp_host_labels in the inventory)"
        )
    ranked = sorted(fit, key=lambda name: (_weight(spec.name, name), name), reverse=True)
    return tuple(ranked[: wanted.get("hosts") or None])


def placed_here(specs: Sequence[Spec], host: str, hosts: Hosts) -> tuple[list[Spec], dict[str, str]]:
    """Returns the specs that ``host`` runs, and by server why no host can run it. Without ``hosts`` it runs all."""
    if not hosts:
        return list(specs), {}
    here: list[Spec] = []
    unschedulable: dict[str, str] = {}
    for spec in specs:
        try:
            if host in hosts_of(spec, hosts):
                here.append(spec)
        except NoHost as error:
            unschedulable[spec.name] = str(error)
    return here, unschedulable


def hosts_by_server(specs: Sequence[Spec], hosts: Hosts) -> dict[str, list[str]]:
    """Returns the names of the hosts that run each server, in their order; none for a server that no host can run."""
    found: dict[str, list[str]] = {}
    for spec in specs if hosts else ():
        try:
            found[spec.name] = sorted(hosts_of(spec, hosts))
        except NoHost:
            continue
    return found


def speaks(host: str, hosts: Collection[str]) -> bool:
    """Returns whether ``host`` brings the fleet to the cluster: the first by name of all. Where nothing is said of
    others, a host does."""
    return not hosts or host == min(hosts)


def _weight(server: str, host: str) -> bytes:
    return hashlib.sha256(f"{server}\0{host}".encode()).digest()
