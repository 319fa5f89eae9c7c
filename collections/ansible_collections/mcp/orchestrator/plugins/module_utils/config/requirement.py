# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server needs beside itself (``orchestrator.requires``): other containers, and steps that run once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import KEY
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.pinning import check_image_pin
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.volume import UnsafeVolume, tmpfs, volume
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import size
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import REQUIREMENT, RESOURCES
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.shape import Record
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import secrets_among
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import FROM_THE_REQUEST
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import with_own_variables
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import COMPLETED

REQUIRES = f"{KEY}.requires"
HEALTHY = "healthy"
STARTED = "started"
START_SECONDS = 60
STEP_SECONDS = 300
# The network of a requirement has no room for another: these networks are not the server's own.
_NO_NETWORK_OF_ITS_OWN = ("host", "none")


@dataclass(frozen=True)
class Requirement:
    """One requirement of ``server``. Its container, its variables and volumes have the name ``full_name``."""

    server: str
    name: str
    parsed: ParsedEntry
    condition: str
    timeout: int
    health: tuple[str, ...] | None = None

    @property
    def full_name(self) -> str:
        """The name under which the world knows it: a server may not have it too."""
        return f"{self.server}.{self.name}"


def read_requirements(
    server: str,
    said: Mapping[str, Mapping[str, Any]],
    own: Mapping[str, Secret],
    permissions: Permissions,
    require_digests: bool,
    findings: Findings,
) -> tuple[Requirement, ...]:
    """Reads requirements whose shape is right, in their order. ``own`` are the variables of the entry itself.

    What is wrong goes to ``findings``.
    """
    return tuple(_read(server, name, each, own, permissions, require_digests, findings) for name, each in said.items())


def variables_used(said: Mapping[str, Mapping[str, Any]], own: Mapping[str, Secret]) -> set[str]:
    """Returns the names of the entry's ``own`` variables to which the variables of its requirements refer."""
    texts = [str(value) for each in said.values() for value in each.get("env", {}).values()]
    return set().union(*(with_own_variables(text, own)[1] for text in texts))


def check_network(parsed: ParsedEntry, requirements: Collection[Requirement], findings: Findings) -> None:
    """Refuses requirements of a server in a network that can have no other beside it."""
    egress = parsed.egress
    if requirements and egress is not None and egress.kind is EgressKind.ENGINE:
        network = str(egress.engine_network)
        if network in _NO_NETWORK_OF_ITS_OWN or network.startswith("container:"):
            findings.error(
                REQUIRES,
                f"needs a network that the server shares with them, which is not possible with network {network};"
                " leave one of the two out",
            )


def check_names(requirements: Collection[Requirement], servers: Collection[str], findings: Findings) -> None:
    """Refuses a requirement whose container would bear the name of another server's."""
    for each in requirements:
        if each.full_name in servers:
            findings.error(
                f"{REQUIRES}.{each.name}",
                f"its container is called as that of the server {each.full_name}; rename one of the two",
            )


def _read(
    server: str,
    name: str,
    said: Mapping[str, Any],
    own: Mapping[str, Secret],
    permissions: Permissions,
    require_digests: bool,
    findings: Findings,
) -> Requirement:
    path = f"{REQUIRES}.{name}"
    health = tuple(said["health"]) if said.get("health") else None
    condition = said.get("condition", HEALTHY if health else STARTED)
    if condition == HEALTHY and health is None:
        findings.error(f"{path}.condition", f"'{HEALTHY}' needs health, the command that tells whether it is well")
    if condition == COMPLETED and health is not None:
        findings.error(f"{path}.health", f"has no use in a step, which comes to an end; leave it out or '{COMPLETED}'")
    parsed = ParsedEntry(
        image=_image(said, path, require_digests, findings),
        entrypoint=_words(said, "entrypoint"),
        command=_words(said, "command"),
        user=said.get("user"),
        read_only=said.get("read_only"),
        stop_timeout=said.get("stop_timeout"),
    )
    _limit(parsed, said.get("resources", {}))
    _fill_env(parsed, said.get("env", {}), own, path, findings)
    for key in ("entrypoint", "command", "health"):
        _refuse_secrets(said.get(key, ()), f"{path}.{key}", findings)
    for position, text in enumerate(said.get("volumes", ())):
        place = f"{path}.volumes[{position}]"
        read = _mounted(text, lambda each: volume(each, permissions), place, findings)
        parsed.volumes += read
        parsed.volume_places |= {each.partition(":")[0]: place for each in read}
    for position, text in enumerate(said.get("tmpfs", ())):
        parsed.tmpfs += _mounted(text, tmpfs, f"{path}.tmpfs[{position}]", findings)
    seconds = said.get("timeout", STEP_SECONDS if condition == COMPLETED else START_SECONDS)
    return Requirement(server, name, parsed, condition, seconds, health)


def nested_records(said: Mapping[str, Any]) -> Iterator[tuple[str, Record, Any]]:
    """Yields what of requirements has keys, each with its path and the record that lists them."""
    for name, each in said.items():
        path = key_path(REQUIRES, name)
        yield path, REQUIREMENT, each
        if isinstance(each, dict):
            yield f"{path}.resources", RESOURCES, each.get("resources")


def _image(said: Mapping[str, Any], path: str, require_digests: bool, findings: Findings) -> str:
    image = str(said.get("image", ""))
    if not image:
        findings.error(f"{path}.image", "is missing: it names the image that is run")
        return image
    check_image_pin(image, f"{path}.image", require_digests, findings)
    return image


def _words(said: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    return tuple(said[key]) if key in said else None


def _limit(parsed: ParsedEntry, resources: Mapping[str, Any]) -> None:
    memory = resources.get("memory")
    parsed.memory = size(memory) if isinstance(memory, str) else memory
    parsed.cpus = float(resources["cpus"]) if "cpus" in resources else None
    parsed.pids = resources.get("pids")


def _fill_env(
    parsed: ParsedEntry, given: Mapping[str, Any], own: Mapping[str, Secret], path: str, findings: Findings
) -> None:
    """Variables, in which references to the entry's own go first, as they do in its arguments."""
    for name, value in given.items():
        if value is None:
            continue
        place = key_path(f"{path}.env", name)
        parsed.places[name] = place
        text, _names = with_own_variables(value if isinstance(value, str) else str(value), own)
        if f"${{{FROM_THE_REQUEST}:" in text:
            findings.error(place, "takes a client's header, and no client calls it; only the server's own env can")
        parsed.env[name] = Secret(text)


def _refuse_secrets(words: Sequence[str], path: str, findings: Findings) -> None:
    for position, shown in secrets_among(list(words)):
        findings.error(
            f"{path}[{position}]",
            f"{shown} looks like a secret, which everybody on the host can read in the arguments; put it into env of"
            " the requirement and let a shell of the image take it from there",
        )


def _mounted(text: str, read: Callable[[str], str], path: str, findings: Findings) -> list[str]:
    try:
        return [read(text)]
    except UnsafeVolume as error:
        findings.error(path, f"'{printable(text)}' is not allowed: {error}")
    except ValueError as error:
        findings.error(path, f"'{printable(text)}' {error}")
    return []
