# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inverse of the reader of ``docker run``, for tests: a spec as the arguments that mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

_HOST_FLAGS = {
    "CapAdd": "--cap-add",
    "CgroupnsMode": "--cgroupns",
    "CpuShares": "--cpu-shares",
    "CpusetCpus": "--cpuset-cpus",
    "CpusetMems": "--cpuset-mems",
    "DeviceCgroupRules": "--device-cgroup-rule",
    "Dns": "--dns",
    "DnsOptions": "--dns-option",
    "DnsSearch": "--dns-search",
    "ExtraHosts": "--add-host",
    "GroupAdd": "--group-add",
    "IpcMode": "--ipc",
    "MemoryReservation": "--memory-reservation",
    "OomScoreAdj": "--oom-score-adj",
    "PidMode": "--pid",
    "SecurityOpt": "--security-opt",
    "ShmSize": "--shm-size",
    "UTSMode": "--uts",
    "UsernsMode": "--userns",
}
_CONTAINER_FLAGS = {"Domainname": "--domainname", "Hostname": "--hostname", "StopSignal": "--stop-signal"}


def run_arguments_of(spec: Spec) -> list[str]:
    """Returns the arguments behind ``docker run``; variables by name alone."""
    words = ["-i"] if spec.transport == "stdio" else []
    for flag, value in (
        ("--memory", spec.memory),
        ("--cpus", f"{spec.cpus:g}"),
        ("--pids-limit", spec.pids),
        # A list of hosts has no flag; none is what it is but for them.
        ("--network", "none" if spec.egress.kind is EgressKind.HOSTS else spec.egress.plain_network),
        ("--user", spec.user),
        ("--workdir", spec.workdir),
        ("--platform", spec.platform),
        ("--pull", None if spec.pull == "missing" else spec.pull),
        ("--stop-timeout", spec.stop_timeout),
        ("--publish", spec.port),
    ):
        words += [] if value is None else [flag, str(value)]
    words += [f"--read-only={str(spec.read_only).lower()}", f"--init={str(spec.init).lower()}"]
    for flag, values in (
        ("--env", spec.env),
        ("--volume", spec.volumes),
        ("--tmpfs", spec.tmpfs),
        ("--label", [f"{name}={text}" for name, text in spec.labels.items()]),
    ):
        words += [word for value in values for word in (flag, value)]
    words += _of_host_config(spec.host_config)
    words += [
        word
        for name, flag in _CONTAINER_FLAGS.items()
        if name in spec.container_config
        for word in (flag, spec.container_config[name])
    ]
    rest: tuple[str, ...] = spec.command or ()
    if spec.entrypoint is not None:
        words.append(f"--entrypoint={spec.entrypoint[0] if spec.entrypoint else ''}")
        rest = (*spec.entrypoint[1:], *rest)
    return [*words, spec.image, *rest]


def _of_host_config(config: Mapping[str, Any]) -> list[str]:
    words = ["--privileged"] if config.get("Privileged") else []
    for name, flag in _HOST_FLAGS.items():
        if name in config:
            values = config[name] if isinstance(config[name], list) else [config[name]]
            words += [word for value in values for word in (flag, str(value))]
    for name, value in config.get("Sysctls", {}).items():
        words += ["--sysctl", f"{name}={value}"]
    for limit in config.get("Ulimits", ()):
        words += ["--ulimit", f"{limit['Name']}={limit['Soft']}:{limit['Hard']}"]
    for device in config.get("Devices", ()):
        words += ["--device", f"{device['PathOnHost']}:{device['PathInContainer']}:{device['CgroupPermissions']}"]
    for request in config.get("DeviceRequests", ()):
        devices = ",".join(request.get("DeviceIDs", ()))
        count = "all" if request.get("Count") == -1 else str(request.get("Count"))
        words += ["--gpus", f'"device={devices}"' if devices else count]
    return words
