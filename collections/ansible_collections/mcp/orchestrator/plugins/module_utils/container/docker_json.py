# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the Engine API's JSON into the model of ``world``, with what podman says in other words.

The forms are those of https://docs.docker.com/reference/api/engine/version/v1.41/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import (
    BRIDGE_CALL_RECORD,
    BRIDGE_LOG_LEVEL,
    Confinement,
    Container,
    Facts,
    Image,
    Network,
)

# https://docs.docker.com/engine/network/drivers/bridge/#options
BRIDGE_NAME = "com.docker.network.bridge.name"


def container_of(raw: Mapping[str, Any]) -> Container:
    """Reads what the engine's ``GET /containers/{id}/json`` answers."""
    config, host, state = raw["Config"], raw["HostConfig"], raw["State"]
    found: Mapping[str, str] = config.get("Labels") or {}
    joined = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    networks = {name: (each or {}).get("NetworkID") or "" for name, each in joined.items()}
    return Container(
        id=raw["Id"],
        name=raw["Name"].lstrip("/"),
        service=found.get(labels.SERVICE, ""),
        generation=found.get(labels.GENERATION, ""),
        replica=_integer(found.get(labels.REPLICA)) or 1,
        port=_integer(found.get(labels.PORT)),
        bridge=found.get(labels.BRIDGE),
        seccomp=found.get(labels.SECCOMP, ""),
        origins=tuple(found.get(labels.ORIGINS, "").split()),
        log_level=found.get(labels.LOG_LEVEL, BRIDGE_LOG_LEVEL),
        call_record=found.get(labels.CALL_RECORD, BRIDGE_CALL_RECORD),
        spec=_spec(found.get(labels.SPEC)),
        image_id=raw.get("Image") or "",
        image=config.get("Image") or "",
        status=_status(state),
        health=_health(state.get("Health") or state.get("Healthcheck") or {}),
        exit_code=state.get("ExitCode") or 0,
        restarts=raw.get("RestartCount") or 0,
        error=state.get("Error") or "",
        created=_seconds(raw.get("Created")),
        started=_seconds(state.get("StartedAt")),
        facts=_without_podman(facts_of(host), host, networks),
        networks=networks,
        required_by=found.get(labels.REQUIRED_BY, ""),
        macs={name: ((each or {}).get("MacAddress") or "").lower() for name, each in joined.items()},
    )


def _health(told: Mapping[str, Any]) -> str:
    """starting, healthy, unhealthy, or empty without a health check.

    Docker calls a paused container unhealthy, and goes on to until the first probe after it runs again (seen: 20.10).
    Only a probe that failed says something of the server. One whose bridge is still at its first start is starting,
    however long that takes: on a busy host a restart would only take away the time that it has had.
    """
    status = str(told.get("Status") or "").replace("none", "")
    log = told.get("Log") or []
    if status == "unhealthy" and told.get("FailingStreak", 1) == 0:
        return "healthy" if log else "starting"
    if status == "unhealthy" and log and _kind(log[-1]) in ("starting", "late"):
        return "starting"
    return status


def _kind(probe: Mapping[str, Any]) -> str | None:
    """What a bridge's health check printed as the kind of its verdict."""
    try:
        said = json.loads(probe.get("Output") or "")
    except ValueError:
        return None
    return said.get("kind") if isinstance(said, dict) else None


def image_of(raw: Mapping[str, Any]) -> Image:
    """Reads what the engine's ``GET /images/{name}/json`` answers."""
    config = raw.get("Config") or {}
    ports = [port.partition("/")[::2] for port in config.get("ExposedPorts") or {}]
    return Image(
        id=_sha(raw["Id"]),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        exposed=tuple(sorted(int(number) for number, protocol in ports if protocol in ("", "tcp"))),
        digests=tuple(raw.get("RepoDigests") or ()),
        platform=platform_of(raw.get("Os") or "", raw.get("Architecture") or ""),
    )


def network_of(raw: Mapping[str, Any], fleet: str) -> Network:
    """Reads what the engine's ``GET /networks/{name}`` answers."""
    return Network(
        id=raw["Id"],
        ours=(raw.get("Labels") or {}).get(labels.FLEET) == fleet,
        subnet=next((each.get("Subnet") for each in (raw.get("IPAM") or {}).get("Config") or ()), None),
        bridge=(raw.get("Options") or {}).get(BRIDGE_NAME),
        server=(raw.get("Labels") or {}).get(labels.SERVICE, ""),
    )


def confinement_of(raw: Mapping[str, Any]) -> Confinement:
    """Reads what the engine's ``GET /info`` answers, with the ``Components`` of ``GET /version``."""
    options = [dict(part.partition("=")[::2] for part in each.split(",")) for each in raw.get("SecurityOptions") or ()]
    seccomp = next((each for each in options if each.get("name") == "seccomp"), None)
    return Confinement(
        seccomp="" if seccomp is None else seccomp.get("profile", "default"),
        podman=any("podman" in str(each.get("Name", "")).lower() for each in raw.get("Components") or ()),
        data=raw.get("DockerRootDir") or "",
        platform=platform_of(raw.get("OSType") or "", raw.get("Architecture") or ""),
    )


def platform_of(system: str, machine: str) -> str:
    """Returns a platform in the words of an image's manifest; empty where either part is not said.

    Images say amd64 and arm64 (Go's names), ``GET /info`` of Docker what uname says.
    """
    names = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386", "i386": "386"}
    return f"{system}/{names.get(machine, machine)}" if system and machine else ""


def facts_of(host: Mapping[str, Any]) -> Facts:
    """Reads a HostConfig, as inspected or as we compose it; engines echo the same settings in different words."""
    log = host.get("LogConfig") or {}
    options = log.get("Config") or {}
    security = [each.replace("=", ":") for each in host.get("SecurityOpt") or ()]
    return Facts(
        bindings=tuple(
            sorted(
                (port, binding.get("HostIp") or "", str(binding.get("HostPort") or ""))
                for port, bindings in (host.get("PortBindings") or {}).items()
                for binding in bindings or ()
            )
        ),
        memory=host.get("Memory") or 0,
        cpus=_cpus(host),
        pids=max(host.get("PidsLimit") or 0, 0),
        cap_add=_capabilities(host.get("CapAdd")),
        cap_drop=_capabilities(host.get("CapDrop")),
        privileged=bool(host.get("Privileged")),
        no_new_privileges=any(each in ("no-new-privileges", "no-new-privileges:true") for each in security),
        read_only=bool(host.get("ReadonlyRootfs")),
        init=bool(host.get("Init")),
        restart=(host.get("RestartPolicy") or {}).get("Name") or "no",
        network=host.get("NetworkMode") or "",
        log=(("driver", log.get("Type") or ""), *sorted((str(key), str(value)) for key, value in options.items())),
    )


# Podman echoes "drop ALL" as the list of what it would have granted; these are in that list in every release.
_GRANTED_BY_PODMAN = frozenset(
    {
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)


def _without_podman(facts: Facts, host: Mapping[str, Any], networks: Mapping[str, str]) -> Facts:
    """``facts`` as Docker would have echoed them; what Docker echoed stays as it is."""
    if not facts.cap_add and frozenset(facts.cap_drop) >= _GRANTED_BY_PODMAN:
        facts = replace(facts, cap_drop=("ALL",))
    if facts.network == "bridge" and len(networks) == 1:
        facts = replace(facts, network=next(iter(networks)))
    if (host.get("LogConfig") or {}).get("Config") is None:
        facts = replace(facts, log=())
    return facts


def _cpus(host: Mapping[str, Any]) -> float:
    if host.get("NanoCpus"):
        return float(host["NanoCpus"]) / 1e9
    if host.get("CpuQuota") and host.get("CpuPeriod"):
        return float(host["CpuQuota"]) / float(host["CpuPeriod"])
    return 0.0


def _capabilities(names: Any) -> tuple[str, ...]:
    return tuple(sorted({str(name).upper().removeprefix("CAP_") for name in names or ()}))


def _status(state: Mapping[str, Any]) -> str:
    status = str(state.get("Status") or "")
    return {"configured": "created", "stopped": "exited", "stopping": "exited"}.get(status, status)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _spec(text: str | None) -> Spec | None:
    try:
        return Spec.from_dict(json.loads(text or ""))
    except (ValueError, TypeError, AttributeError):
        return None


def _sha(identity: str) -> str:
    return identity if ":" in identity else f"sha256:{identity}"


def _seconds(text: Any) -> float:
    """An engine's RFC 3339 time with nanoseconds; the zero time is year 1."""
    if not isinstance(text, str) or text.startswith("0001-"):
        return 0.0
    head, _dot, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    fraction = rest[: len(rest) - len(zone)][:6].ljust(6, "0")
    try:
        return datetime.fromisoformat((f"{head}.{fraction}{zone}" if rest else head).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
