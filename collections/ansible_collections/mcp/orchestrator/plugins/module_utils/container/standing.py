# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is who among the containers of a server. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import bridged
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.drift import Drift, drift_of, short
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, World

# Never started, or beyond starting: they serve nobody and hold only a name.
HALF_MADE = ("created", "dead")
_STATUS_ORDER = ("dead", "created", "exited", "paused", "restarting", "running")


def replicas(spec: Spec) -> range:
    """Returns the numbers of a server's containers, from 1."""
    return range(1, spec.replicas + 1)


def attempt_of(spec: Spec, world: World, policy: Policy) -> str:
    """Names what is tried when ``spec`` is brought up now: another try of the same is expected to end the same way."""
    image = world.images.get(spec.image)
    parts = [spec.generation, short(image.newer or image.id) if image else "no image"]
    parts += [spec.restarted] if spec.restarted is not None else []
    return " ".join([*parts, policy.bridge_digest or "no bridge"] if bridged(spec) else parts)


@dataclass(frozen=True)
class Standing:
    """The containers of one slot.

    ``successor`` is the one that fits its spec, ``incumbent`` the one that serves besides it, ``others`` all but the
    successor; ``drifts`` are by container id.
    """

    successor: Container | None
    incumbent: Container | None
    others: tuple[Container, ...]
    drifts: dict[str, Drift]


def stand(spec: Spec, replica: int, world: World, policy: Policy) -> Standing:
    """Returns who is who in a slot. Raises UnsupportedSpec."""
    owned = owned_by(spec, replica, world)
    drifts = {each.id: drift_of(each, spec, world, policy) for each in owned}
    held = {each.port for each in world.containers if each.runs}
    fit = [
        each
        for each in owned
        if not drifts[each.id].replace
        and each.status not in HALF_MADE
        and (each.runs or each.port not in held | world.busy)
    ]
    successor = best_of(fit)
    others = tuple(each for each in owned if each is not successor)
    incumbent = best_of(each for each in others if each.runs)
    return Standing(successor, incumbent, others, drifts)


def owned_by(spec: Spec, replica: int, world: World) -> list[Container]:
    """Returns the containers of a slot but those that are being removed."""
    return [
        each
        for each in world.containers
        if each.service == spec.name and each.replica == replica and each.status != "removing"
    ]


def stopped_by_operator(spec: Spec, replica: int, world: World) -> Container | None:
    """Returns the container that an operator stopped for good: taken out of the engine's restart policy, then stopped.

    A stop alone says nothing: a kill, a full disk or a script look the same, and what is broken has to come back.
    """
    owned = owned_by(spec, replica, world)
    if spec.restart == "no" or any(each.runs for each in owned):
        return None
    stopped = [each for each in owned if each.status == "exited" and each.facts.restart == "no"]
    # A request to restart it, which came later, says otherwise.
    return best_of(each for each in stopped if each.spec is None or each.spec.restarted == spec.restarted)


def best_of(containers: Iterable[Container]) -> Container | None:
    """Returns the one that serves best: it answers, it runs, nobody knows that it does not answer, it is the newest."""
    return max(
        containers,
        key=lambda each: (each.ready is True, _status_rank(each), each.ready is not False, each.created, each.id),
        default=None,
    )


def _status_rank(container: Container) -> int:
    return _STATUS_ORDER.index(container.status) if container.status in _STATUS_ORDER else -1
