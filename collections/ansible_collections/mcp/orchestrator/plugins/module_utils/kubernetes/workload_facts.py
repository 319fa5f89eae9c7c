# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a workload is made of beside its spec: what its image brings, its hosts' addresses, a digest of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import image_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    DOCKER_ERROR,
    DockerEngine,
    EngineError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.name_lookup import look_up
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import digest


def unresolved(spec: Spec) -> Spec:
    """Returns the spec as it is where no value of a variable was looked up."""
    return replace(spec, env=dict.fromkeys(spec.env, "")).with_generation()


def values_digest(digests: Mapping[str, str]) -> str | None:
    """Returns a digest of the keyed digests of all values, None without any: it changes with each of them, and says
    nothing of any."""
    if not digests:
        return None
    lines = "".join(f"{name}={digest}\n" for name, digest in sorted(digests.items()))
    return digest(lines)


def images_of(specs: Sequence[Spec], docker_host: str | None) -> tuple[dict[str, Image], str]:
    """Returns what the engine knows of images, and why it says nothing."""
    wanted = sorted({spec.image for spec in specs})
    if not wanted:
        return {}, ""
    if DOCKER_ERROR is not None:
        return {}, "the Python library docker is missing, so what images bring is not known; run setup.sh"
    try:
        with closing(DockerEngine(docker_host)) as engine:
            raw = {each: engine.image(each) for each in wanted}
    except EngineError as error:
        return {}, f"the engine could not be asked what images bring: {error}"
    return {each: image_of(found) for each, found in raw.items() if found is not None}, ""


def addresses_of(spec: Spec, before: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Returns the addresses of a server's hosts: those of ``before``, as long as they include all of today's."""
    result = {}
    for host, answer in look_up(spec.egress.hosts).items():
        admitted = tuple(each for each in answer if egress.admits(host, each, ()))
        former = tuple(each for each in before.get(host, ()) if egress.admits(host, each, ()))
        is_literal = egress.literal(host) is not None
        result[host] = admitted if is_literal else egress.still_allowed(admitted, former)
    return result
