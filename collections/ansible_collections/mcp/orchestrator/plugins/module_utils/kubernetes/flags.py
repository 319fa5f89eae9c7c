# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What flags of docker run become in a pod: a field, a note that they have no effect, or an error.

Sysctls and capabilities are those that the policies baseline and restricted take
(https://kubernetes.io/docs/concepts/security/pod-security-standards/).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

_SAFE_SYSCTLS = frozenset(
    {"net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies"}
    | {"kernel.shm_rmid_forced"}
)
_SAFE_SINCE_1_29 = frozenset(
    {"net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"}
    | {"net.ipv4.tcp_keepalive_time"}
)
_NO_EFFECT = {
    "CpuShares": ("--cpu-shares", "processor time is shared by what pods request (cpu_request in settings.conf)"),
    "CpusetCpus": ("--cpuset-cpus", "the kubelet assigns processors"),
    "CpusetMems": ("--cpuset-mems", "the kubelet assigns memory nodes"),
    "OomScoreAdj": ("--oom-score-adj", "the kubelet sets it"),
    "Ulimits": ("--ulimit", "limits are those of the nodes' container runtime"),
    "StopSignal": ("--stop-signal", "the image's own, or SIGTERM, is sent"),
    "Domainname": ("--domainname", "the cluster's domain is used"),
}
_REFUSED = {
    "Devices": ("--device", "devices are for a device plugin of the cluster; remove it"),
    "DeviceCgroupRules": ("--device-cgroup-rule", "devices are for a device plugin of the cluster; remove it"),
    "DeviceRequests": ("--gpus", "name the resource of the cluster's device plugin in a patch of the export"),
    "Privileged": ("--privileged", "no pod is privileged; remove it"),
    "SecurityOpt": ("--security-opt", "pods have the policy restricted; remove it"),
    "PidMode": ("--pid", "no pod sees processes of others; remove it"),
    "IpcMode": ("--ipc", "no pod shares memory with others; remove it"),
    "UTSMode": ("--uts", "no pod shares the node's name; remove it"),
    "UsernsMode": ("--userns", "no pod chooses its user namespace here; remove it"),
    "CgroupnsMode": ("--cgroupns", "no pod shares the node's cgroups; remove it"),
}


@dataclass
class Flags:
    """``pod`` are fields of a pod's spec, ``security`` of its security context; ``capabilities`` are added ones;
    ``reserved`` is the memory that is requested, in bytes, None where no flag says it."""

    pod: Object = field(default_factory=dict)
    security: Object = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    reserved: int | None = None


def flags(workload: Workload, findings: Findings) -> Flags:
    """Returns what the entry's flags of docker run become, apart from those that are fields of the spec."""
    made = Flags()
    said: Mapping[str, Any] = {**workload.spec.host_config, **workload.spec.container_config}
    for name, value in sorted(said.items()):
        if name in _MAPPED:
            _MAPPED[name](made, value, workload, findings)
        elif name in _NO_EFFECT:
            flag, why = _NO_EFFECT[name]
            findings.note(flag, f"has no effect on Kubernetes: {why}")
        elif name in _REFUSED:
            findings.error(*_REFUSED[name])
        elif name != "ShmSize":  # storage.py
            findings.error(name, "Kubernetes has nothing like it; remove it")
    return made


def _aliases(made: Flags, value: Any, workload: Workload, findings: Findings) -> None:
    names: dict[str, list[str]] = {}
    for each in value:
        host, _colon, address = str(each).partition(":")
        if address == "host-gateway":
            findings.error("--add-host", f"'{each}' is the host of the container, and a pod has none; write an address")
        else:
            names.setdefault(address, []).append(host)
    if names:
        made.pod["hostAliases"] = [{"ip": address, "hostnames": hosts} for address, hosts in names.items()]


def _dns(key: str) -> Callable[[Flags, Any, Workload, Findings], None]:
    def put(made: Flags, value: Any, workload: Workload, findings: Findings) -> None:
        options = [dict(zip(("name", "value"), str(each).split(":", 1), strict=False)) for each in value]
        made.pod.setdefault("dnsConfig", {})[key] = options if key == "options" else list(value)
        if key == "nameservers":
            made.pod["dnsPolicy"] = "None"

    return put


def _groups(made: Flags, value: Any, workload: Workload, findings: Findings) -> None:
    words = [str(each) for each in value if not str(each).isdecimal()]
    if words:
        findings.error("--group-add", f"'{words[0]}' is no number; write the group's number")
    made.security["supplementalGroups"] = [int(each) for each in value if str(each).isdecimal()]


def _hostname(made: Flags, value: Any, workload: Workload, findings: Findings) -> None:
    if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", str(value)):
        made.pod["hostname"] = value
    else:
        findings.error("--hostname", f"'{value}' is not the name of a pod; use small letters, digits and '-'")


def _sysctls(made: Flags, value: Any, workload: Workload, findings: Findings) -> None:
    safe = _SAFE_SYSCTLS | (_SAFE_SINCE_1_29 if workload.cluster.version_number >= (1, 29) else frozenset())
    for name in sorted(set(value) - safe):
        findings.error(f"--sysctl {name}", f"is not among those that pods may set: {', '.join(sorted(safe))}")
    made.security["sysctls"] = [{"name": name, "value": str(value[name])} for name in sorted(value) if name in safe]


def _capabilities(made: Flags, value: Any, workload: Workload, findings: Findings) -> None:
    names = sorted({str(each).removeprefix("CAP_") for each in value})
    for name in names:
        if name != "NET_BIND_SERVICE":
            findings.error(f"--cap-add {name}", "pods get NET_BIND_SERVICE at most; remove it")
    made.capabilities = [name for name in names if name == "NET_BIND_SERVICE"]


def _reservation(made: Flags, value: Any, workload: Workload, findings: Findings) -> None:
    made.reserved = int(value)


_MAPPED: Mapping[str, Callable[[Flags, Any, Workload, Findings], None]] = {
    "CapAdd": _capabilities,
    "Dns": _dns("nameservers"),
    "DnsOptions": _dns("options"),
    "DnsSearch": _dns("searches"),
    "ExtraHosts": _aliases,
    "GroupAdd": _groups,
    "Hostname": _hostname,
    "MemoryReservation": _reservation,
    "Sysctls": _sysctls,
}
