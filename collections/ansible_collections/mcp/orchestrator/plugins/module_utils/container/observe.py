# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seeing the world: one list, the inspects of what is ours, the images and the network that the specs name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import (
    egress,
    labels,
    mount,
    step_mark,
    unverified,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import (
    confinement_of,
    container_of,
    image_of,
    network_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    Engine,
    EngineError,
    EngineUnreachable,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import Firewall, FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.name_lookup import NameLookup
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import Probe
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import (
    Container,
    Image,
    Network,
    World,
)

THREADS = 8


def observe(host: Host, specs: Sequence[Spec], policy: Policy) -> World:
    """Returns the world as it is now, but for the ports of this host on which other programs listen.

    Raises EngineError when the engine cannot be asked.
    """
    engine, firewall = host.engine, host.firewall
    listed = engine.containers()
    ours: list[dict[str, Any]] = []
    strangers: list[dict[str, Any]] = []
    for each in listed:
        (ours if (each.get("Labels") or {}).get(labels.FLEET) == policy.fleet else strangers).append(each)
    wanted = [each for spec in specs for each in spec.parts]
    references = sorted({spec.image for spec in wanted if spec.enabled})
    with ThreadPoolExecutor(THREADS) as pool:
        networks = pool.submit(engine.networks, policy.networks, policy.fleet)
        itself = pool.submit(engine.info)
        memory = pool.submit(engine.volumes, f"{labels.FLEET}={policy.fleet}")
        rules = pool.submit(_firewall_facts, firewall, policy)
        registry = {reference: pool.submit(_registry_digest, engine, reference) for reference in _to_ask(specs)}
        images = dict(zip(references, pool.map(engine.image, references), strict=True))
        inspected = [raw for raw in pool.map(engine.container, [each["Id"] for each in ours]) if raw is not None]
        seen = [container_of(raw) for raw in inspected]
        containers = [each for each in seen if not each.required_by]
        volumes = memory.result()
        served = _served(engine, specs, images, containers)
        failures = _failures(volumes)
        named = sorted(mount.names_of(wanted))
        mounted = {name: each for name, each in zip(named, pool.map(engine.volume, named), strict=True) if each}
        asked = _worth_asking(containers, failures)
        answers = dict(
            zip(asked, pool.map(lambda each: _ready(asked[each], specs, policy, host.probe), asked), strict=True)
        )
    found = {each["Name"]: network_of(each, policy.fleet) for each in networks.result()}
    policy = policy.with_private((), found.values())
    digests = {reference: answer.result() for reference, answer in registry.items()}
    return World(
        containers=tuple(replace(each, ready=answers.get(each.id)) for each in containers),
        images={
            reference: _image(raw or served.get(reference), digests.get(reference), is_tagged=raw is not None)
            for reference, raw in images.items()
        },
        networks=found,
        strangers=frozenset(name.lstrip("/") for each in strangers for name in each.get("Names") or ()),
        busy=_published(strangers),
        now=host.clock.now(),
        failures=failures,
        unanswered={reference: answer.why for reference, answer in digests.items() if answer.why},
        hosts_files=_hosts_files(volumes),
        sources=host.files.look(_sources(wanted, seen, mounted, policy)),
        volumes=mounted,
        required=tuple(each for each in seen if each.required_by),
        marks=step_mark.marks_in(volumes),
        unverified=unverified.generations_in(volumes),
        data=step_mark.data_in([*mounted.values(), *volumes]),
        confinement=confinement_of(itself.result()),
        unbound=_unbound(found, policy, firewall),
        **rules.result(),
        **_looked_up(host.look_up, specs, containers, rules.result()),
    )


def _hosts_files(volumes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {
        each["Labels"].get(labels.SERVICE, ""): each.get("Mountpoint", "")
        for each in volumes
        if labels.HOSTS in (each.get("Labels") or {})
    }


def _unbound(networks: Mapping[str, Network], policy: Policy, firewall: Firewall) -> frozenset[str]:
    known = {name: policy.bridges[name] for name, each in networks.items() if each.ours and name in policy.bridges}
    return frozenset(name for name, bridge in known.items() if not firewall.has_bridge(bridge))


def _sources(
    specs: Sequence[Spec],
    containers: Sequence[Container],
    volumes: Mapping[str, Mapping[str, Any]],
    policy: Policy,
) -> set[str]:
    """The paths of the host that decide what servers may mount; none where none mounts anything of the host's."""
    made_of = [each.spec for each in containers if each.spec is not None]
    found = mount.paths_of([*specs, *made_of]) | {
        path for each in volumes.values() for path in mount.device_paths(each)
    }
    return found | set(policy.permissions.host_path_roots) if found else set()


def with_listeners(world: World, ports: Iterable[int]) -> World:
    """Returns ``world``, knowing that something listens on ``ports`` of this host."""
    own = {int(host) for each in world.containers if each.runs for _port, _address, host in each.facts.bindings if host}
    return replace(world, busy=world.busy | (frozenset(ports) - own))


def _firewall_facts(firewall: Firewall, policy: Policy) -> dict[str, Any]:
    """The rules as they stand and are saved, and what they depend on; or why none can be kept."""
    try:
        return {
            "rules": firewall.rules(policy.fleet),
            "host_network": firewall.host_network(),
            "saved": firewall.saved(policy.fleet),
        }
    except FirewallError as error:
        return {"firewall_error": str(error)}


def _looked_up(
    look_up: NameLookup, specs: Sequence[Spec], containers: Sequence[Container], rules: Mapping[str, Any]
) -> dict[str, Any]:
    """The addresses of all hosts in lists, and those which names have and must not lead to."""
    wanted = [*(spec for spec in specs if spec.enabled), *(each.spec for each in containers if each.spec is not None)]
    hosts = {host for spec in wanted for host in spec.egress.hosts}
    if not hosts or "firewall_error" in rules:
        return {}
    found, own = look_up(hosts), rules["host_network"].own
    admitted = {host: tuple(each for each in found[host] if egress.admits(host, each, own)) for host in found}
    refused = {host: tuple(each for each in found[host] if each not in admitted[host]) for host in found}
    return {"addresses": admitted, "refused": {host: each for host, each in refused.items() if each}}


@dataclass(frozen=True)
class _Registry:
    """A registry's answer: a digest, or why there is none."""

    digest: str = ""
    why: str = ""


def _to_ask(specs: Sequence[Spec]) -> list[str]:
    """The references that may have become another image; one with a digest cannot."""
    return sorted({spec.image for spec in specs if spec.enabled and spec.pull == "always" and "@" not in spec.image})


def _registry_digest(engine: Engine, reference: str) -> _Registry:
    try:
        return _Registry(digest=engine.registry_digest(reference))
    except EngineUnreachable:
        raise
    except EngineError as error:
        return _Registry(why=str(error))


def _image(raw: Mapping[str, Any] | None, registry: _Registry | None, *, is_tagged: bool) -> Image | None:
    if raw is None:
        return None
    image = image_of(raw)
    digest = registry.digest if registry is not None else ""
    if not digest or any(known.endswith(f"@{digest}") for known in image.digests):
        return image if is_tagged else None
    return replace(image, newer=digest)


def _served(
    engine: Engine, specs: Sequence[Spec], images: Mapping[str, Any], containers: Sequence[Container]
) -> dict[str, dict[str, Any] | None]:
    """What containers are made of whose tag this host no longer holds, by the tag: what the registry has is compared
    with that."""
    return {
        spec.image: engine.image(container.image_id)
        for spec in specs
        for container in containers
        if container.service == spec.name
        and container.image == spec.image
        and spec.image in _to_ask(specs)
        and images.get(spec.image) is None
    }


def _failures(volumes: Iterable[Mapping[str, Any]]) -> dict[str, Failure]:
    read = (Failure.from_volume(volume) for volume in volumes)
    return {failure.server: failure for failure in read if failure is not None}


def _worth_asking(containers: Sequence[Container], failures: Mapping[str, Failure]) -> dict[str, Container]:
    """Those whose answer decides something: a server with several containers, or one that is not plainly healthy."""
    counts: dict[tuple[str, int], int] = {}
    for each in containers:
        counts[each.service, each.replica] = counts.get((each.service, each.replica), 0) + 1
    return {
        each.id: each
        for each in containers
        if each.runs
        and each.port is not None
        and (
            counts[each.service, each.replica] > 1
            or each.health in ("starting", "unhealthy")
            or each.status != "running"
            or each.restarts > 0
            or each.service in failures
        )
    }


def _ready(container: Container, specs: Sequence[Spec], policy: Policy, probe: Probe) -> bool:
    spec = next((each for each in specs if _made_from(container, each)), container.spec)
    if container.status != "running" or spec is None or container.port is None:
        return False
    return probe(policy.reach_address, container.port, spec.health_path, spec.health_matcher).ok


def _made_from(container: Container, spec: Spec) -> bool:
    return spec.name == container.service and spec.generation == container.generation


def _published(listed: Iterable[Mapping[str, Any]]) -> frozenset[int]:
    return frozenset(
        int(port["PublicPort"]) for each in listed for port in each.get("Ports") or () if port.get("PublicPort")
    )
