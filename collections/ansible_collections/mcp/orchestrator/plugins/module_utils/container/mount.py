# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what a server mounts is what its entry says, as the host has it now. Pure.

The config's reader judges how a path is written. Here it is judged where its links lead, what it is, and who could put
another link in its place: the engine follows links again whenever it starts the container (mount(2)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import (
    below_any,
    is_below,
    is_engine_socket,
    is_system_directory,
    listed,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Source, World

_NETWORKED = ("nfs", "nfs4", "cifs", "smb3")
_ANY = "or set allow_host_paths in settings.conf to allow any path"


def paths_of(specs: Iterable[Spec]) -> set[str]:
    """Returns the paths of the host that specs mount."""
    return {source for spec in specs for source, _target, _modes in _mounts(spec) if source.startswith("/")}


def mounting(specs: Iterable[Spec], world: World) -> tuple[Spec, ...]:
    """Returns all specs whose containers write to the host's folders now or soon."""
    seen = (*world.containers, *world.required)
    return (*specs, *(each.spec for each in seen if each.spec is not None and each.runs))


def names_of(specs: Iterable[Spec]) -> set[str]:
    """Returns the names of the volumes that specs mount."""
    return {source for spec in specs for source, _target, _modes in _mounts(spec) if not source.startswith("/")}


def device_paths(volume: Mapping[str, Any]) -> set[str]:
    """Returns the paths of the host that an inspected volume is made of, by the options of its driver.

    The local driver hands ``type``, ``device`` and ``o`` to mount(8); of other drivers any option may name a path.
    """
    said = volume.get("Options") or {}
    if said.get("type") in _NETWORKED:
        return set()
    options = [str(value) for value in said.values()]
    words = [word.partition("=")[2] if "=" in word else word for each in options for word in each.split(",")]
    return {path for word in words for path in word.split(":") if path.startswith("/")}


def binds(spec: Spec, world: World) -> list[str]:
    """Returns the mounts of a server in the engine's words, without a link in any source."""
    result = []
    for source, target, modes in _mounts(spec):
        found = world.sources.get(source)
        real = found.path if found is not None and source.startswith("/") else source
        result.append(":".join([real, target, *([modes] if modes else [])]))
    return result


def problem(spec: Spec, others: Iterable[Spec], world: World, policy: Policy) -> str | None:
    """Returns why a server cannot have what it mounts, with the way out; None when it can.

    ``others`` are all specs whose containers run or may, its own among them.
    """
    known = list(others)
    for source, _target, _modes in _mounts(spec):
        reason = _path_problem(source, world, policy) if source.startswith("/") else _volume(source, world, policy)
        if reason is None and source.startswith("/") and "allow_host_paths" not in policy.permissions:
            reason = _swappable(source, known, world)
        if reason is not None:
            return f"volume {source}: {reason}"
    return None


def unresolved(spec: Spec, world: World) -> list[str]:
    """Returns the paths of the host whose links cannot be followed from here."""
    return sorted(source for source in paths_of([spec]) if source not in world.sources)


def _mounts(spec: Spec) -> Iterator[tuple[str, str, str]]:
    for each in spec.volumes:
        source, _colon, rest = each.partition(":")
        target, _colon, modes = rest.partition(":")
        yield source, target, modes


def _path_problem(path: str, world: World, policy: Policy) -> str | None:
    found = world.sources.get(path)
    if found is None:
        return None
    if found.kind == "missing":
        return (
            "there is nothing on this host, and the engine would make an empty folder owned by root;"
            f" make it first (mkdir -p {path}) and give it to the user that the server runs as"
        )
    if found.kind == "unknown":
        return f"it cannot be inspected: {found.why}; correct the path, or run as a user who may"
    if found.kind == "socket" and is_engine_socket(found.path):
        if "allow_docker_socket" in policy.permissions:
            return None
        return "it is the engine's socket; set allow_docker_socket in settings.conf if you mean it"
    if "allow_host_paths" in policy.permissions:
        return None
    return _outside(path, found, world, policy)


def _outside(path: str, found: Source, world: World, policy: Policy) -> str | None:
    if found.kind not in ("directory", "file"):
        return f"it is a {found.kind} of the host; mount a directory or a file, {_ANY}"
    data = world.confinement.data
    if data and (is_below(found.path, data) or is_below(data, found.path)):
        return f"the engine keeps all containers in {data}; choose another place, {_ANY}"
    real = [world.sources[root].path if root in world.sources else root for root in policy.permissions.host_path_roots]
    roots = [root for root in real if not is_system_directory(root)]
    if not below_any(found.path, roots):
        where = listed(policy.permissions.host_path_roots or ("the directories of host_path_roots",))
        lies = f"it leads to {found.path}, which" if found.path != path else "it"
        return f"{lies} is not in {where}; mount that path itself once host_path_roots has it, {_ANY}"
    return None


def _swappable(path: str, others: Iterable[Spec], world: World) -> str | None:
    """Who could put a link in the place of a source: a server that may write above it."""
    found = world.sources.get(path)
    if found is None:
        return None
    for other in others:
        for source, _target, modes in _mounts(other):
            above = world.sources.get(source)
            if above is None or "ro" in modes.split(",") or not source.startswith("/"):
                continue
            if found.path != above.path and is_below(found.path, above.path):
                return (
                    f"it lies in {source}, where server {other.name} may write and could put a link to any path in its"
                    f" place; move it elsewhere, or let {other.name} have {source} read-only (:ro)"
                )
    return None


def _volume(name: str, world: World, policy: Policy) -> str | None:
    volume = world.volumes.get(name)
    if volume is None:
        return None
    found = volume.get("Labels") or {}
    if labels.FLEET in found and (labels.DATA not in found or labels.STEP in found):
        return "a fleet keeps its own data in it; choose another name"
    for path in sorted(device_paths(volume)):
        reason = _device(path, world, policy)
        if reason is not None:
            return f"it was made from {path}, and {reason}"
    return None


def _device(path: str, world: World, policy: Policy) -> str | None:
    if "allow_host_paths" in policy.permissions:
        return None
    found = world.sources.get(path)
    if found is None or found.kind in ("missing", "unknown"):
        return f"that cannot be checked from here; make the volume without it, {_ANY}"
    return _outside(path, found, world, policy)
