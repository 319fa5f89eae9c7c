# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of the docker flags that map to the spec: one reader for each puts its value into the parsed entry.

A reader raises ValueError with a reason that reads after the flag and its value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.mount import mount
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.volume import container_path, tmpfs, volume
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import (
    SMALLEST_MEMORY,
    cores,
    size,
    whole_number,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import secrets_among
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.names import is_secret_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions

Reader = Callable[[ParsedEntry, str], None]

_PUBLISH = re.compile(
    r"(?:(?:\[[0-9a-fA-F:.]+\]|[0-9.]+|localhost):)?(?:[0-9]*:)?(?P<port>[0-9]+)(?:/(?P<protocol>[a-z]+))?"
)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*")
_SET_OF_NUMBERS = re.compile(r"[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*")
_ULIMITS = frozenset(
    {"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nofile", "nproc"}
    | {"rss", "sigpending", "stack"}
)
# A process with these goes before those of the host and of other servers, whatever its share of the CPU: setrlimit(2).
_PRIORITY_ULIMITS = frozenset({"nice", "rtprio", "rttime"})
# What tunes the container's own connections. Others of net.* make it answer for its neighbours (proxy_arp, forwarding),
# or give it an IPv6 address that no rule knows.
_SYSCTL = re.compile(
    r"(?:(?P<name>net\.core\.somaxconn|net\.ipv4\.(?:tcp_[a-z0-9_]+|ip_local_port_range|ip_unprivileged_port_start)"
    r"|kernel\.(?:msg|sem|shm)[a-z_]*|fs\.mqueue\.[a-z_]+)=(?P<value>\S+(?: \S+)*)"
    r"|(?P<off>net\.ipv6\.conf\.(?:all|default|lo|eth0)\.disable_ipv6)=1)"
)
_SIGNAL = re.compile(r"(?:SIG)?[A-Z][A-Z0-9+-]{1,10}|[1-9][0-9]?")


def network(parsed: ParsedEntry, value: str, permissions: Permissions) -> None:
    """Reads ``--network``."""
    value = value.removeprefix("name=")
    if value in {"bridge", "default", "internet"}:
        parsed.egress = Egress()
    elif value.startswith(("container:", "ns:")) or (value == "host" and "allow_host_network" not in permissions):
        way_out = "; set allow_host_network in settings.conf if you mean it" if value == "host" else "; remove it"
        raise ValueError(f"is not allowed: the container would share the network of others{way_out}")
    elif not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value):
        raise ValueError("is not the name of a network")
    else:
        parsed.egress = Egress.named(value)


def volumes(parsed: ParsedEntry, value: str, permissions: Permissions) -> None:
    """Reads ``--volume``."""
    parsed.volumes.append(volume(value, permissions))


def mounts(parsed: ParsedEntry, value: str, permissions: Permissions) -> None:
    """Reads ``--mount``."""
    kind, text = mount(value, permissions)
    (parsed.tmpfs if kind == "tmpfs" else parsed.volumes).append(text)


def label(parsed: ParsedEntry, value: str) -> None:
    """Reads ``--label``; refuses the fleet's own labels, and secrets, which everybody on the host could read there."""
    name, _equals, text = value.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_./-]*", name):
        raise ValueError("has no name; write name=value")
    if name.startswith("mcp_"):
        raise ValueError("is a label of the fleet itself; choose another name")
    if is_secret_name(name) or any(True for _secret in secrets_among([name, text])):
        raise ValueError("would show a secret to everybody who lists containers; put it into env")
    parsed.labels[name] = text


def _add_host(parsed: ParsedEntry, value: str) -> None:
    name, separator, address = value.partition("=") if "=" in value else value.partition(":")
    address = address.strip("[]")
    if not separator or not _HOST.fullmatch(name):
        raise ValueError("is not host:address")
    if address != "host-gateway":
        _ip(address)
    _more(parsed.host_config, "ExtraHosts", f"{name}:{address}")


def _ip(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("has no IP address") from None


def _more(config: dict[str, Any], name: str, value: Any) -> None:
    config[name] = [*config.get(name, []), value]


def _entrypoint(parsed: ParsedEntry, value: str) -> None:
    if value.startswith("["):
        raise ValueError("is a list; write only the program, and its arguments behind the image")
    parsed.entrypoint = (value,) if value else ()


def _memory(parsed: ParsedEntry, value: str) -> None:
    number = size(value)
    if number < SMALLEST_MEMORY:
        raise ValueError("is less than 6m, the engine's minimum")
    parsed.memory = number


def _publish(parsed: ParsedEntry, value: str) -> None:
    match = _PUBLISH.fullmatch(value)
    if not match:
        raise ValueError("is not a port; write the port that the server listens on, for example 8000:8000")
    if match["protocol"] not in {None, "tcp"}:
        raise ValueError(f"publishes {match['protocol']}; MCP is spoken over tcp")
    parsed.ports.append(whole_number(match["port"], 1, 65535))


def _user(parsed: ParsedEntry, value: str) -> None:
    if not _USER.fullmatch(value):
        raise ValueError("is not a user; write name, uid or uid:gid")
    parsed.user = value


def _ulimit(parsed: ParsedEntry, value: str) -> None:
    name, _equals, limits = value.partition("=")
    soft, _colon, hard = limits.partition(":")
    if name in _PRIORITY_ULIMITS:
        raise ValueError("would give the server priority over others on the host; remove it, or give it more --cpus")
    if name not in _ULIMITS:
        raise ValueError("is not a known limit; write for example nofile=1024:2048")
    numbers = [whole_number(each, -1, 2**62) for each in (soft, hard or soft)]
    _more(parsed.host_config, "Ulimits", {"Name": name, "Soft": numbers[0], "Hard": numbers[1]})


def _sysctl(parsed: ParsedEntry, value: str) -> None:
    match = _SYSCTL.fullmatch(value)
    if not match:
        raise ValueError(
            "affects more than the container itself; allowed are net.core.somaxconn, net.ipv4.tcp_*, kernel.msg*,"
            " kernel.shm* and fs.mqueue.*"
        )
    setting = {match["name"] or match["off"]: match["value"] or "1"}
    parsed.host_config["Sysctls"] = {**parsed.host_config.get("Sysctls", {}), **setting}


def _matching(pattern: str, meaning: str, put: Reader) -> Reader:
    def read(parsed: ParsedEntry, value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"is not {meaning}")
        put(parsed, value)

    return read


def _field(name: str, read: Callable[[str], Any]) -> Reader:
    return lambda parsed, value: setattr(parsed, name, read(value))


def _host(name: str, read: Callable[[str], Any]) -> Reader:
    return lambda parsed, value: parsed.host_config.__setitem__(name, read(value))


def _in_container(name: str) -> Reader:
    return lambda parsed, value: parsed.container_config.__setitem__(name, value)


def _listed(name: str, read: Callable[[str], Any] = str) -> Reader:
    return lambda parsed, value: _more(parsed.host_config, name, read(value))


def _number(least: int, most: int) -> Callable[[str], int]:
    return lambda value: whole_number(value, least, most)


READERS: dict[str, Reader] = {
    "add-host": _add_host,
    "cpu-shares": _host("CpuShares", _number(2, 262144)),
    "cpus": _field("cpus", cores),
    "cpuset-cpus": _matching(_SET_OF_NUMBERS.pattern, "a set of cores; write 0-3 or 0,1", _host("CpusetCpus", str)),
    "cpuset-mems": _matching(_SET_OF_NUMBERS.pattern, "a set of nodes; write 0-3 or 0,1", _host("CpusetMems", str)),
    "dns": _listed("Dns", _ip),
    "dns-option": _matching(r"[a-z0-9:.-]+", "an option of resolv.conf", _listed("DnsOptions")),
    "dns-search": _matching(_HOST.pattern + r"|\.", "a domain", _listed("DnsSearch")),
    "domainname": _matching(_HOST.pattern, "a domain", _in_container("Domainname")),
    "entrypoint": _entrypoint,
    "group-add": _matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "a group", _listed("GroupAdd")),
    "hostname": _matching(_HOST.pattern, "a host's name", _in_container("Hostname")),
    "label": label,
    "memory": _memory,
    "memory-reservation": _host("MemoryReservation", size),
    "oom-score-adj": _host("OomScoreAdj", _number(0, 1000)),
    "pids-limit": _field("pids", _number(1, 4194304)),
    "platform": _matching(
        r"linux/[a-z0-9]+(/v[0-9]+)?", "a platform; write linux/amd64 or linux/arm64", _field("platform", str)
    ),
    "publish": _publish,
    "pull": _matching(r"always|missing|never", "always, missing or never", _field("pull", str)),
    "shm-size": _host("ShmSize", size),
    "stop-signal": _matching(_SIGNAL.pattern, "a signal; write for example SIGINT", _in_container("StopSignal")),
    "stop-timeout": _field("stop_timeout", _number(0, 3600)),
    "sysctl": _sysctl,
    "tmpfs": lambda parsed, value: parsed.tmpfs.append(tmpfs(value)),
    "ulimit": _ulimit,
    "user": _user,
    "workdir": _field("workdir", container_path),
}
GUARDED: dict[str, Callable[[ParsedEntry, str, Permissions], None]] = {
    "mount": mounts,
    "network": network,
    "volume": volumes,
}
SWITCHES: dict[str, str] = {"init": "init", "publish-all": "publish_all", "read-only": "read_only"}


def _devices(parsed: ParsedEntry, value: str) -> None:
    parts = value.split(":")
    if not re.fullmatch(r"/dev/[A-Za-z0-9/_.-]+(:/[A-Za-z0-9/_.-]+)?(:[rwm]{1,3})?", value):
        raise ValueError("is not a device; write /dev/name[:/dev/name[:rwm]]")
    inside = next((part for part in parts[1:] if part.startswith("/")), parts[0])
    rights = parts[-1] if len(parts) > 1 and not parts[-1].startswith("/") else "rwm"
    _more(
        parsed.host_config,
        "Devices",
        {"PathOnHost": parts[0], "PathInContainer": inside, "CgroupPermissions": rights},
    )


def _gpus(parsed: ParsedEntry, value: str) -> None:
    if value == "all":
        request: dict[str, Any] = {"Count": -1}
    elif value.isdecimal() and value.isascii():
        request = {"Count": whole_number(value, 1, 64)}
    else:
        match = re.fullmatch(r'"?device=([A-Za-z0-9_,-]+)"?', value)
        if not match:
            raise ValueError("is not all, a number or device=ID")
        request = {"DeviceIDs": match[1].split(",")}
    _more(parsed.host_config, "DeviceRequests", {**request, "Capabilities": [["gpu"]]})


def _security_option(parsed: ParsedEntry, value: str) -> None:
    if re.fullmatch(r"seccomp[:=](?!unconfined$).*", value):
        raise ValueError(
            "names a file, which only docker's command line reads; write seccomp=unconfined, or leave it out for the"
            " fleet's own profile"
        )
    _more(parsed.host_config, "SecurityOpt", value)


def _namespace(name: str) -> Reader:
    return _matching(r"host|private|shareable|container:[A-Za-z0-9_.-]+", "host or private", _host(name, str))


# For refused flags that settings.conf lets through.
ALLOWED: dict[str, Reader] = {
    "cap-add": _matching(r"(CAP_)?[A-Za-z_]+", "a capability", lambda d, v: _more(d.host_config, "CapAdd", v.upper())),
    "cgroupns": _namespace("CgroupnsMode"),
    "device": _devices,
    "device-cgroup-rule": _matching(
        r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}", "a rule; write 'c 1:3 rwm'", _listed("DeviceCgroupRules")
    ),
    "gpus": _gpus,
    "ipc": _namespace("IpcMode"),
    "pid": _namespace("PidMode"),
    "privileged": lambda parsed, _value: parsed.host_config.__setitem__("Privileged", True),
    "security-opt": _matching(r"[a-z-]+([:=]\S+)?", "a security option", _security_option),
    "userns": _namespace("UsernsMode"),
    "uts": _namespace("UTSMode"),
}
# What a refused flag may say without being asked: it is so anyway.
HARMLESS: dict[str, frozenset[str]] = {
    "cgroupns": frozenset({"", "private"}),
    "ipc": frozenset({"", "none", "private", "shareable"}),
    "pid": frozenset({"", "private"}),
    "security-opt": frozenset({"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}),
    "uts": frozenset({"", "private"}),
    "userns": frozenset({"", "private"}),
}
