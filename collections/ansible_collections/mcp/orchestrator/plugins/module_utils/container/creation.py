# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making one container and starting it, on another port where its own was taken meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import mount
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import UnsupportedSpec, compose
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.egress_control import EgressControl
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import EngineError, EngineUnreachable
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import EnvChanged, Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host_files import FileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.image_pulls import ImagePulls
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import NoFreePort, PortAllocator
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import World

# More creations at once make an engine slower, not faster.
AT_ONCE = 8
PORT_TRIES = 5


class CreationError(Exception):
    """A container that cannot be made; the message is for its server."""


class StartError(CreationError):
    """A container that was made and could not be started."""


@dataclass(frozen=True)
class Made:
    """A container that is to serve; ``since`` (seconds since the epoch) it has had time to become healthy."""

    id: str
    name: str
    port: int | None
    since: float


FAILURES = (CreationError, EngineError, EnvChanged, UnsupportedSpec, NoFreePort, FirewallError, FileError)
"""What making a container raises."""


class Creation:
    """The containers that one run makes. Its methods may be called from several threads.

    ``mounting`` are all specs whose containers may write to the host's folders.
    """

    def __init__(
        self,
        host: Host,
        world: World,
        policy: Policy,
        *,
        environment: Environment,
        images: ImagePulls,
        egress: EgressControl,
        mounting: Sequence[Spec],
    ) -> None:
        self._host = host
        self._world = world
        self._policy = policy
        self._environment = environment
        self._images = images
        self._egress = egress
        self._mounting = mounting
        held = {each.port for each in world.containers if each.port is not None}
        self._ports = PortAllocator(policy.port_range_start, policy.port_range_end, world.busy | held)
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    def reserve(self, ports: Iterable[int]) -> None:
        """Notes the ports that a plan gives to containers which are not made yet."""
        self._ports.reserve(ports)

    def start(self, identity: str) -> None:
        """Starts a container that is there. Raises EngineError."""
        with self._slots:
            self._host.engine.start(identity)

    def create(self, spec: Spec, replica: int, action: Action) -> Made:
        """Makes the container that ``action`` plans and starts it.

        Raises CreationError, StartError, EngineError, EnvChanged, UnsupportedSpec, NoFreePort, FirewallError and
        FileError.
        """
        image = self._images.get(spec.image, spec.platform)
        values = self._environment.of(spec)
        mounts = self._mounts(spec)
        port = action.port or 0
        for tries_left in range(PORT_TRIES, 0, -1):
            body = compose(spec, image, self._policy, port, replica)
            body["Env"] = values
            body["HostConfig"]["Binds"] = [*mounts, *body["HostConfig"]["Binds"], *self._egress.allow(spec, port)]
            with self._slots:
                identity = self._host.engine.create_container(action.target, body, spec.platform)
                try:
                    for network in self._policy.networks_of(spec)[1:]:
                        # Engines before API 1.44 take one network when a container is made.
                        self._host.engine.connect(network, identity)
                    self._host.engine.start(identity)
                except EngineError as error:
                    self._clear_away(identity, error)
                    self._egress.revoke(identity, port, spec.name)
                    if not error.port_taken:
                        raise StartError(str(error)) from error
                    if tries_left == 1:
                        raise
                else:
                    return Made(identity, action.target, port, self._host.clock.now())
            port = self._ports.take(spec.name, replica)
        raise CreationError(f"{PORT_TRIES} ports in a row were taken during the run; run again")

    def create_required(self, spec: Spec, action: Action) -> Made:
        """Makes the container of what a server requires, with the volumes that it names, and starts it.

        Raises as ``create`` does. No rule opens a way for it: nothing leaves its network.
        """
        body = compose(spec, self._images.get(spec.image, spec.platform), self._policy, None)
        body["Env"] = self._environment.of(spec)
        body["HostConfig"]["Binds"] = self._mounts(spec)
        with self._slots:
            identity = self._host.engine.create_container(action.target, body, spec.platform)
            try:
                self._host.engine.start(identity)
            except EngineError as error:
                self._clear_away(identity, error)
                raise StartError(str(error)) from error
        return Made(identity, action.target, None, self._host.clock.now())

    def _mounts(self, spec: Spec) -> list[str]:
        """What a server mounts, looked at once more: pulling an image takes its time. Raises CreationError."""
        sources = {**self._world.sources, **self._host.files.look(mount.paths_of([spec]))}
        world = replace(self._world, sources=sources)
        problem = mount.problem(spec, self._mounting, world, self._policy)
        if problem is not None:
            raise CreationError(problem)
        return mount.binds(spec, world)

    def _clear_away(self, identity: str, error: EngineError) -> None:
        """The engine leaves what it could not start, and left there it would hold the name."""
        if not isinstance(error, EngineUnreachable):
            self._host.engine.remove(identity)
