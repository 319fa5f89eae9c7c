"""Who asks: the peer of the connection, or the one that the balancer names in X-Forwarded-For where the peer is it.

A balancer on this host is known by the user that its process runs as, so that no other user of the host can pose as it;
one elsewhere by the networks it may come from, containers of this host not counted. The manager of the MCP tools is as
one, which says for whom it calls. Of the header only the last entry counts, which the balancer appends (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html);
whatever stands before it is hearsay.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONNECTION = "monitor.connection"
"""What is known of the connection that a request came by, for as long as it lasts; in the environ of WSGI."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Who has one address of IPv6 has all of its network, and could be a new client with each guess.
IPV6_CLIENT_PREFIX = 64


@dataclass(frozen=True)
class Balancer:
    """By what the balancer is known: ``users`` of processes of this host, ``networks`` for one elsewhere.

    ``proc`` and ``sys`` are where the kernel tells of connections, routes and interfaces.
    """

    users: Collection[int] = ()
    networks: tuple[Network, ...] = ()
    proc: Path = Path("/proc/self/net")
    sys: Path = Path("/sys/class/net")

    def is_peer(self, peer: Address, port: int, server_port: int) -> bool:
        """Whether the connection from this address and port to ours is the balancer's."""
        # A port may serve connections of several users to several of our addresses at once; one of them is enough.
        found = _connections(self.proc, port)
        owners = {uid for near, far_port, uid in found if (near, far_port) == (peer, server_port)}
        if owners:
            return owners <= set(self.users)
        return any(peer in network for network in self.networks) and not self._is_container(peer)

    def _is_container(self, peer: Address) -> bool:
        """Whether the way to it leads over a bridge of this host."""
        narrowest = max(_routes(self.proc), key=lambda route: (peer in route[0], route[0].prefixlen), default=None)
        if narrowest is None or peer not in narrowest[0]:
            return False
        return (self.sys / narrowest[1] / "bridge").exists()


def client_of(environ: Mapping[str, Any], balancer: Balancer) -> str:
    """A name for who asks, of bounded length: an address, or a network of IPv6."""
    peer = _address(str(environ.get("REMOTE_ADDR", "")))
    if peer is None:
        return "unknown"
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", ""))
    if forwarded and _is_from(balancer, peer, environ):
        return _name(_address(_last(forwarded)) or peer)
    return _name(peer)


def _is_from(balancer: Balancer, peer: Address, environ: Mapping[str, Any]) -> bool:
    """Whether it is the balancer that asks. The kernel is asked once for a connection: thousands take it long."""
    known: dict[str, bool] = environ.get(CONNECTION, {})
    if "balancer" not in known:
        known["balancer"] = balancer.is_peer(peer, _port(environ, "REMOTE_PORT"), _port(environ, "SERVER_PORT"))
    return known["balancer"]


def _last(forwarded: str) -> str:
    """The last entry of the header, without the port that an ALB adds where it is told to."""
    entry = forwarded.rpartition(",")[2].strip()
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _port(environ: Mapping[str, Any], name: str) -> int:
    text = str(environ.get(name, ""))
    return int(text) if text.isdecimal() else 0


def _name(address: Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, IPV6_CLIENT_PREFIX), strict=False))


def _connections(proc: Path, port: int) -> Iterator[tuple[Address, int, int]]:
    """The near address, the port at the far end and the user of each connection of this host that has this port at its
    near end (proc(5): /proc/net/tcp)."""
    for name in ("tcp", "tcp6"):
        for line in _lines(proc / name):
            if f":{port:04X} " not in line:  # nearly all, which need no closer look
                continue
            words = line.split()
            address, _, near_port = words[1].partition(":")
            if int(near_port, 16) == port:
                yield _from_hex(address), int(words[2].partition(":")[2], 16), int(words[7])


def _routes(proc: Path) -> Iterator[tuple[Network, str]]:
    """The destination and interface of each route (proc(5): /proc/net/route; the kernel's ipv6_route)."""
    for line in _lines(proc / "route"):
        words = line.split()
        mask = bin(int(words[7], 16)).count("1")
        yield ipaddress.ip_network((_from_hex(words[1]), mask), strict=False), words[0]
    for line in _lines(proc / "ipv6_route", heading=False):
        words = line.split()
        # Unlike the others this table has its addresses in the order of the network.
        address = ipaddress.IPv6Address(bytes.fromhex(words[0]))
        yield ipaddress.ip_network((address, int(words[1], 16)), strict=False), words[9]


def _lines(path: Path, heading: bool = True) -> list[str]:
    try:
        return path.read_text("ascii").splitlines()[heading:]
    except OSError:
        return []  # a kernel without that family


def _from_hex(text: str) -> Address:
    """An address as the kernel prints it: words of 32 bits in the host's order."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = b"".join(socket.htonl(word).to_bytes(4, "big") for word in words)
    address = ipaddress.ip_address(packed)
    return getattr(address, "ipv4_mapped", None) or address
