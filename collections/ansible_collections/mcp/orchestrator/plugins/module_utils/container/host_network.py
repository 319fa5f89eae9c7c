# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of this host: whom containers ask for names, its addresses, its bridges, the ports that are in use."""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules

# The second is what systemd-resolved, which itself answers on loopback, was told; the engine reads it then too.
RESOLV_CONFS = ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf")
ENGINE_SETTINGS = "/etc/docker/daemon.json"
ROUTES = "/proc/net/fib_trie"
IPV6_ADDRESSES = "/proc/net/if_inet6"
INTERFACES = "/sys/class/net"
_LISTEN = "0A"
_OF_THE_ENGINE = re.compile(r"br-[0-9a-f]{12}|docker0|docker_gwbridge|mcp-[0-9a-f]{7}-[a-z]")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,15}")


def resolvers(files: Sequence[str] = RESOLV_CONFS, settings: str = ENGINE_SETTINGS) -> tuple[str, ...]:
    """Returns the name servers that containers ask, without loopback's, which lead no container out of itself."""
    named = [*(each for path in files for each in _name_servers(path)), *_of_the_engine(settings)]
    found = {address for address in map(_address, named) if address is not None and not address.is_loopback}
    return tuple(map(str, sorted(found, key=lambda each: (each.version, int(each)))))


def own_addresses(path: str = ROUTES) -> frozenset[str]:
    """Returns the IPv4 addresses of this host, as the kernel's table of local routes has them (proc_net(5))."""
    lines = _lines(path)
    return frozenset(
        before.split()[-1]
        for before, line in itertools.pairwise(lines)
        if line.strip() == "/32 host LOCAL" and "--" in before
    )


def uplinks(directory: str = INTERFACES) -> tuple[str, ...]:
    """Returns the bridges that are named like those of containers and have a port that leads out of this host."""
    return tuple(
        sorted(
            name
            for name in _entries(directory)
            if any(fnmatch(name, pattern.replace("+", "*")) for pattern in rules.CONTAINERS)
            and _NAME.fullmatch(name)
            and not _OF_THE_ENGINE.fullmatch(name)
            and any(_leads_out(f"{directory}/{port}") for port in _entries(f"{directory}/{name}/brif"))
        )
    )


def listening_ports(tables: Sequence[str] = ("/proc/net/tcp", "/proc/net/tcp6")) -> frozenset[int]:
    """Returns the TCP ports on which something listens on this host, in the network namespace of this process."""
    ports: set[int] = set()
    for table in tables:
        try:
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        ports.update(int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTEN)
    return frozenset(ports)


def has_ipv6() -> bool:
    """Returns whether this host speaks IPv6 and can filter it."""
    return os.path.exists(IPV6_ADDRESSES) and shutil.which("ip6tables-restore") is not None


def _leads_out(port: str) -> bool:
    """Whether an interface is of hardware, or of other interfaces as bonds and VLANs are, and not a container's."""
    return os.path.exists(f"{port}/device") or any(each.startswith("lower_") for each in _entries(port))


def _name_servers(path: str) -> Iterator[str]:
    for line in _lines(path):
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            yield words[1].partition("%")[0]


def _of_the_engine(path: str) -> list[str]:
    try:
        settings = json.loads("\n".join(_lines(path)) or "{}")
    except ValueError:
        return []
    named = settings.get("dns") if isinstance(settings, dict) else None
    return [each for each in named if isinstance(each, str)] if isinstance(named, list) else []


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
