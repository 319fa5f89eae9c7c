# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server may go from its container: anywhere, to the others of its fleet, to some hosts, or nowhere.

``internet`` servers are in the fleet's ordinary network, which leads everywhere but to the host and to the metadata of
its cloud. The others are in networks which the engine gives no way out:
no address translation, and rules of ours that turn away what leaves them. A server of a list of hosts is let out by
its container's MAC address, which without capabilities it cannot change, to the addresses that those names had when
they were last looked up; names stand in its ``/etc/hosts``, and no other name is answered, so that a look-up carries
nothing out either. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config import addresses
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import Ruleset

INTERNET, FLEET, NONE, HOSTS, ENGINE = "internet", "fleet", "none", "hosts", "engine"
# Nothing answers there: the engine's own name server then knows the containers of the network and no other name.
NO_NAME_SERVER = "127.0.0.1"
# Addresses that a name had before stay allowed, since names of big services take turns between several.
ADDRESSES_KEPT = 16
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


def kind_of(spec: Spec) -> str:
    """INTERNET, FLEET, NONE or HOSTS, or ENGINE for a network of the engine that the spec names."""
    if isinstance(spec.network, tuple):
        return HOSTS
    if spec.network in (None, INTERNET):
        return INTERNET
    return spec.network if spec.network in (FLEET, NONE) else ENGINE


def confined(spec: Spec) -> bool:
    """Whether the firewall is needed to keep the server where it may be."""
    return kind_of(spec) in (FLEET, NONE, HOSTS)


def is_guest(spec: Spec) -> bool:
    """Whether its containers are let further than their network, by their MAC address."""
    return kind_of(spec) == HOSTS or bool(spec.instance_metadata)


def described(spec: Spec) -> str:
    """Where the server may go, in words for people."""
    kind = kind_of(spec)
    if kind == HOSTS:
        return "only " + ", ".join(spec.network or ()) if spec.network else "nowhere"
    words = {INTERNET: "anywhere", FLEET: "only servers of its fleet that have network fleet too", NONE: "nowhere"}
    return words.get(kind, f"as network {spec.network} lets it")


def forges(spec: Spec) -> str:
    """The rights by which its container could leave its network or pretend to be another; empty when it has none."""
    if spec.host_config.get("Privileged"):
        return "privileged"
    added = {str(each).upper().removeprefix("CAP_") for each in spec.host_config.get("CapAdd") or ()}
    return " ".join(sorted(added & _LIFTING))


def conflicts(spec: Spec) -> list[str]:
    """Why what the spec says beside its network would lift the walls around it; each with the way out."""
    said = f"network {' '.join(spec.network) or 'of no host' if isinstance(spec.network, tuple) else spec.network}"
    found = []
    if spec.instance_metadata and kind_of(spec) not in (INTERNET, HOSTS):
        found.append(f"instance_metadata has no effect with {said}; leave one of the two out")
    if not confined(spec) and not spec.instance_metadata:
        return found
    said = said if confined(spec) else "instance_metadata"
    if forges(spec):
        found.append(
            f"with {forges(spec)} its container could leave its network or pretend to be another one, so {said} cannot"
            " be enforced; leave one of the two out"
        )
    if confined(spec):
        found += [f"{word} {why}, so {said} cannot be enforced; leave one of the two out" for word, why in _ways(spec)]
    return found


def _ways(spec: Spec) -> Iterator[tuple[str, str]]:
    """What of a confined server's settings would be a way out of its network, and why."""
    host = spec.host_config
    for key, flag in (("Dns", "--dns"), ("DnsOptions", "--dns-option"), ("DnsSearch", "--dns-search")):
        if host.get(key):
            yield flag, "has names looked up that carry something out"
    if host.get("ExtraHosts"):
        yield "--add-host", "names addresses beside those that the server may reach"
    for name in sorted(host.get("Sysctls") or ()):
        if name.startswith("net.") and not name.startswith(_HARMLESS_SYSCTLS):
            yield f"--sysctl {name}", "changes how its container handles packets"
    shared = str(host.get("PidMode") or "")
    if shared == "host" or shared.startswith("container:"):
        yield f"--pid {shared}", "shows it processes in other networks, which it could take over"
    for device in host.get("Devices") or ():
        path = str(device.get("PathOnHost") if isinstance(device, Mapping) else device)
        if _DEVICES_OUT.match(path):
            yield f"--device {path}", "leads past its network"
    for volume in spec.volumes:
        if _SOCKETS.search(volume.partition(":")[0]):
            yield f"volume {volume}", "hands it the engine, which makes containers in any network"


def mac_address(fleet: str, server: str, port: int) -> str:
    """The MAC address of the container that publishes ``port``; locally administered, as all addresses of engines."""
    digest = hashlib.sha256(f"{fleet}/{server}/{port}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x0A, *digest[:5]))


def literal(host: str) -> str | None:
    """``host`` as rules name it, when it is an IPv4 address or a range of them."""
    network = addresses.ipv4_network(host)
    return None if network is None else str(network)


def admits(host: str, address: str, own: Collection[str]) -> bool:
    """Whether ``host`` may lead to ``address``: what is written as an address is meant, what a name has is not."""
    return literal(host) is not None or addresses.is_admissible(address, own)


def hosts_file(found_for: Mapping[str, Sequence[str]]) -> str:
    """The ``/etc/hosts`` of a server that may reach these names."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [
        f"{address.removesuffix('/32')} {host}"
        for host, found in sorted(found_for.items())
        if literal(host) is None
        for address in found
    ]
    return "\n".join(lines) + "\n"


def bridge_name(fleet: str, kind: str) -> str:
    """The interface of the fleet's network for servers of that kind."""
    return rules.bridge_of(fleet, {INTERNET: rules.ORDINARY, FLEET: rules.PEERS}.get(kind, rules.CLOSED))


def allowed_before(present: Ruleset, fleet: str, own: Collection[str] = ()) -> dict[tuple[str, str], tuple[str, ...]]:
    """The addresses that rules let through, by server and host; of a name only those that it may lead to."""
    return {
        (guest.server, host): tuple(each for each in found if admits(host, each, own))
        for guest in rules.guests_in(present, fleet)
        for host, found in guest.addresses.items()
    }


def still_allowed(answer: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    """The addresses to let through for a name that now has those of ``answer``."""
    if set(answer) <= set(before):
        return tuple(before)
    return tuple(dict.fromkeys((*answer, *before)))[:ADDRESSES_KEPT]
