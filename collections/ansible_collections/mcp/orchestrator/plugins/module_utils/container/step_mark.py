# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which steps have run, and on which data. Pure.

A container that has come to its end is removed by whoever tidies up, so it is an empty volume that remembers, as with
failures. The volumes that hold the data are made here with a label that tells one from the next of the same name: when
an engine says that a volume was created changes with what is written into it (seen: Docker 20.10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels, mount
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Mark, World


def volume_name(fleet: str, step: str) -> str:
    """Returns the name of the volume that says that a step has run."""
    return f"{fleet}-{step}.done"


def labels_of(fleet: str, step: str, mark: Mark) -> dict[str, str]:
    """Returns how a mark is written on its volume."""
    return {labels.FLEET: fleet, labels.SERVICE: step, labels.STEP: mark.generation, labels.DATA: mark.data}


def marks_in(volumes: Iterable[Mapping[str, Any]]) -> dict[str, Mark]:
    """Reads the marks among the fleet's volumes as the engine lists them, by the names of their steps."""
    found = [each.get("Labels") or {} for each in volumes]
    return {
        each.get(labels.SERVICE, ""): Mark(each[labels.STEP], each.get(labels.DATA, ""))
        for each in found
        if labels.STEP in each
    }


def data_in(volumes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Reads which volumes hold data of requirements, each with what tells it from another of its name."""
    return {
        each["Name"]: found.get(labels.DATA, "")
        for each in volumes
        if labels.STEP not in (found := each.get("Labels") or {})
    }


def data_of(server: Spec, data: Mapping[str, str]) -> str | None:
    """Returns which data the requirements of a server have; None while a volume of theirs is missing."""
    names = sorted(mount.names_of(server.requirements))
    if any(name not in data for name in names):
        return None
    return " ".join(f"{name}={data[name]}" for name in names)


def missing(step: Spec, server: Spec, world: World) -> str | None:
    """Returns why a step has to run; None where it has, as it is now and on the data that is there now."""
    mark = world.marks.get(step.name)
    data = data_of(server, world.data)
    if mark is None:
        return "it has not run yet"
    if mark.generation != step.generation:
        return "it is another than the one that has run"
    return "the data on which it has run is gone" if mark.data != data else None


def stale(servers: Iterable[Spec], protected: Iterable[str], world: World) -> Iterator[str]:
    """Returns the steps whose marks say nothing any more: nobody requires them, and their data is gone.

    While the data is there the mark stays with it, also when the fleet is taken down: whoever puts the server back
    finds its data as the step has left it.
    """
    wanted = {each.name for server in servers for each in server.requirements}
    kept = tuple(f"{server}." for server in protected)
    for step, mark in world.marks.items():
        said = dict(each.split("=", 1) for each in mark.data.split())
        gone = not said or any(identity and world.data.get(name) != identity for name, identity in said.items())
        if step not in wanted and not step.startswith(kept) and gone:
            yield step
