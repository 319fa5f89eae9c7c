# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which new containers have yet to pass their server's verification (``orchestrator.verify``).

An empty volume says so from before such a container is made until it has passed: a run that is killed in between
leaves a container that is well, and the next one must not take it for one that clients may be led to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import Engine
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import World


def volume_name(fleet: str, server: str) -> str:
    """Returns the name of the volume that says that a server's new containers have not passed."""
    return f"{fleet}-{server}.unverified"


def generations_in(volumes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Reads the generations that have not passed among the fleet's volumes as the engine lists them, by server."""
    found = [each.get("Labels") or {} for each in volumes]
    return {each.get(labels.SERVICE, ""): each[labels.UNVERIFIED] for each in found if labels.UNVERIFIED in each}


def has_to_pass(spec: Spec, world: World) -> bool:
    """Returns whether a container of ``spec`` that is there has yet to pass."""
    return spec.verify and world.unverified.get(spec.name) == spec.generation


def stale(specs: Sequence[Spec], protected: Iterable[str], world: World) -> Iterator[str]:
    """Returns the servers of which it says nothing any more."""
    known = {spec.name: spec for spec in specs}
    kept = frozenset(protected)
    for server in world.unverified:
        if server not in kept and (server not in known or not has_to_pass(known[server], world)):
            yield server


class Unverified:
    """The notes of one fleet. Its methods raise EngineError."""

    def __init__(self, engine: Engine, fleet: str) -> None:
        self._engine = engine
        self._fleet = fleet

    def note(self, spec: Spec) -> None:
        """Says that containers of ``spec`` have yet to pass. The labels of a volume cannot be changed."""
        volume = volume_name(self._fleet, spec.name)
        self._engine.remove_volume(volume)
        marks = {labels.FLEET: self._fleet, labels.SERVICE: spec.name, labels.UNVERIFIED: spec.generation}
        self._engine.create_volume(volume, marks)

    def forget(self, spec: Spec) -> None:
        """Says nothing more of them: they have passed, or are gone."""
        self._engine.remove_volume(volume_name(self._fleet, spec.name))
