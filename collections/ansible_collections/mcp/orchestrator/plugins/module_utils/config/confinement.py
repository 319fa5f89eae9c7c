# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a spec lets its server go, and what beside it would lift the walls around that. Pure.

Of the flags of ``docker run`` that the reader takes, these touch the network. ``--network`` says where to. Refused
beside a network that confines: ``--dns``, ``--dns-option``, ``--dns-search`` and ``--add-host``, ``--sysctl net.*`` but
for what tunes a container's own connections, ``--cap-add`` and ``--privileged`` where they give rights over networks,
processes or the kernel, ``--pid`` of others, ``--device`` of tunnels, memory and disks, volumes that are an engine's
socket. The ports of ``--publish`` are the fleet's to choose; ``--hostname`` and ``--domainname`` name the container to
itself alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

# These tune a container's own connections and open no way.
_HARMLESS_SYSCTLS = ("net.core.somaxconn", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_", "net.ipv4.ip_local_")
# Tunnels, the host's memory and its disks.
_DEVICES_OUT = re.compile(r"/dev/(net/|vhost|mem$|kmem$|port$|sd|vd|xvd|nvme|dm-|mapper/|loop|md[0-9])")
_SOCKETS = re.compile(r"(docker|podman|containerd|crio)\.sock$|/netns(/|$)")
# Rights over the network itself, over other processes, or over the kernel: with each of them a container can leave its
# network, or pretend to be another one (capabilities(7)).
_LIFTING = frozenset(
    {"ALL", "BPF", "DAC_READ_SEARCH", "NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO"}
)


def network_rights(spec: Spec) -> str:
    """Returns the rights by which its container could leave its network or pretend to be another; "" is none."""
    if spec.host_config.get("Privileged"):
        return "privileged"
    added = {str(each).upper().removeprefix("CAP_") for each in spec.host_config.get("CapAdd") or ()}
    return " ".join(sorted(added & _LIFTING))


def conflicts(spec: Spec) -> list[str]:
    """Returns why other options of the spec would break the isolation of its network, each with the way out."""
    egress = spec.egress
    said = f"network {egress}"
    found = []
    if egress.instance_metadata and egress.kind not in (EgressKind.INTERNET, EgressKind.HOSTS):
        found.append(f"instance_metadata has no effect with {said}; leave one of the two out")
    if not egress.is_confined and not egress.instance_metadata:
        return found
    said = said if egress.is_confined else "instance_metadata"
    rights = network_rights(spec)
    if rights:
        found.append(
            f"with {rights} its container could leave its network or pretend to be another one, so {said} cannot"
            " be enforced; leave one of the two out"
        )
    if egress.is_confined:
        found += [f"{word} {why}, so {said} cannot be enforced; leave one of the two out" for word, why in _ways(spec)]
    return found


def _ways(spec: Spec) -> Iterator[tuple[str, str]]:
    """What of a confined server's settings would be a way out of its network, and why."""
    host = spec.host_config
    for key, flag in (("Dns", "--dns"), ("DnsOptions", "--dns-option"), ("DnsSearch", "--dns-search")):
        if host.get(key):
            yield flag, "sends DNS queries, which can carry data out"
    if host.get("ExtraHosts"):
        yield "--add-host", "names addresses beside those that the server may reach"
    for name, value in sorted((host.get("Sysctls") or {}).items()):
        without_ipv6 = name.endswith(".disable_ipv6") and value == "1"
        if name.startswith("net.") and not name.startswith(_HARMLESS_SYSCTLS) and not without_ipv6:
            yield f"--sysctl {name}", "changes how its container handles packets"
    shared = str(host.get("PidMode") or "")
    if shared == "host" or shared.startswith("container:"):
        yield f"--pid {shared}", "shows it processes in other networks, which it could take over"
    for device in host.get("Devices") or ():
        path = str(device.get("PathOnHost") if isinstance(device, Mapping) else device)
        if _DEVICES_OUT.match(path):
            yield f"--device {path}", "bypasses its network"
    for volume in spec.volumes:
        if _SOCKETS.search(volume.partition(":")[0]):
            yield f"volume {volume}", "gives it the engine, which starts containers in any network"
