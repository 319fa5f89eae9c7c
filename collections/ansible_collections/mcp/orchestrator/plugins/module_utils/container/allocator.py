# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps planned so far have taken: names, ports and pulls. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import PortAllocator
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.standing import replicas
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import World


class Allocator:
    """Hands out names and ports for the containers of one plan, each once."""

    def __init__(self, specs: Sequence[Spec], world: World, policy: Policy) -> None:
        self._policy = policy
        self._names = {each.name for each in world.containers} | world.strangers
        self._reserved = {policy.name_of(spec.name, replica) for spec in specs for replica in replicas(spec)}
        self._busy = world.busy
        held = {each.port for each in world.containers if each.port is not None}
        self._ports = PortAllocator(policy.port_range_start, policy.port_range_end, world.busy | held)
        self._pulled: set[str] = set()

    def take_name(self, spec: Spec, replica: int, freed: Iterable[str]) -> str:
        """Returns the server's own name, or beside an older container one with the generation in it."""
        self._names -= set(freed)
        own = self._policy.name_of(spec.name, replica)
        name = own
        count = 1
        while name in self._names or (name != own and name in self._reserved):
            name = f"{own}-{spec.generation}" if count == 1 else f"{own}-{spec.generation}-{count}"
            count += 1
        self._names.add(name)
        return name

    def take_port(self, spec: Spec, replica: int, freed: Iterable[int]) -> int:
        """Returns a free port of the range. Raises NoFreePort."""
        self._ports.release(set(freed) - self._busy)
        return self._ports.take(spec.name, replica)

    def take_pull(self, reference: str) -> bool:
        """Returns whether an image is still to be pulled; of all servers that need it the first one pulls it."""
        if reference in self._pulled:
            return False
        self._pulled.add(reference)
        return True
