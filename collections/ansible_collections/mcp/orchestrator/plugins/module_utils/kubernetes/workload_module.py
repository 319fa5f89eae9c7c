# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_workload does: from its arguments to its result."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import (
    fail_on_errors,
    fleet_error,
    require,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import Reference
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import KeyFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.arguments import (
    ArgumentError,
    environment_of,
    specs_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.labels import SERVICE
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.placement import speaks
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.session_key import SessionKeys
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.verification import Verification, not_installed
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.beside_hosts import (
    of_another_host,
    pods_by_server,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import ApiServer, MissingClient
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.converge import Desired, Outcome, converge
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.directory import hosts_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import Rendering, render_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import (
    Kind,
    binding_kind,
    desired_kinds,
    fleet_kinds,
    removal_by_hand,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import object_name, selector
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.observe import World, observe
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import server_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.secret_values import (
    SecretValues,
    secret_digests,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.text import YAML_ERROR
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.verification_objects import (
    Question,
    goes_first,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.wait import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Workload
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_facts import (
    addresses_of,
    images_of,
    values_digest,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_report import (
    actions_of,
    diffs_of,
    endpoints_of,
    probes_of,
    readiness_of,
    routes_of,
)


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_workload, as its documentation describes it. Raises ModuleError."""
    require("yaml", YAML_ERROR)
    try:
        settings = read_settings(arguments["settings"])
        specs = specs_of(arguments["servers"])
        if not speaks(arguments.get("host") or "", arguments.get("hosts") or {}):
            leaving = set(arguments.get("leaving") or ())
            return of_another_host(spec.name for spec in specs if spec.enabled and spec.name not in leaving)
        return _run(arguments, settings, specs, check_mode=check_mode)
    except (ArgumentError, ConfigFileError, KeyFileError) as error:
        raise fleet_error(str(error), actions=[]) from error


def _run(
    arguments: Mapping[str, Any], settings: Settings, specs: Sequence[Spec], *, check_mode: bool
) -> dict[str, Any]:
    try:
        return _converged(arguments, settings, specs, open_cluster(settings), check_mode=check_mode)
    except ClusterError as error:
        left = "" if specs else f"; what the cluster still has of the fleet goes with: {removal_by_hand(settings)}"
        raise fleet_error(f"{error}{left}", actions=[]) from error


def open_cluster(settings: Settings) -> ApiServer:
    """Returns the cluster of the settings. Raises ClusterError where there is no way to one, and ModuleError."""
    try:
        return ApiServer(settings.kubernetes.kubeconfig, settings.kubernetes.context, settings.kubernetes.namespace)
    except MissingClient as error:
        require("kubernetes", str(error))
        raise


def _converged(
    arguments: Mapping[str, Any], settings: Settings, specs: Sequence[Spec], cluster: ApiServer, *, check_mode: bool
) -> dict[str, Any]:
    fleet = settings.service.fleet
    elsewhere = {spec.name for spec in specs if spec.enabled} & set(arguments.get("leaving") or ())
    returned = elsewhere & set(arguments.get("returned") or ())
    leaving = elsewhere - returned
    to_run = [spec for spec in specs if spec.enabled and spec.name not in elsewhere]
    images, silence = images_of(to_run, arguments["docker_host"])
    session_keys = SessionKeys(arguments["session_key_file"], fleet)
    references = _references(arguments, settings)
    makes_secrets = settings.kubernetes.secrets == "made"
    bare = [
        Workload(
            spec,
            settings,
            images.get(spec.image),
            pushed=(arguments.get("images") or {}).get(spec.name, ""),
            references=references.get(spec.name, {}),
            values=values_digest(spec.env),
            secret=secret_digests(spec, session_keys.of(spec)) if makes_secrets else None,
        )
        for spec in to_run
    ]
    kinds = fleet_kinds(settings)
    world = _observed(cluster, settings, kinds, bare, {selector(fleet, name)[SERVICE] for name in returned})
    rendering = _verifiable(render_fleet([_located(each, world) for each in bare], settings), to_run)
    if rendering.errors and to_run:
        raise fleet_error("; ".join(f"settings.conf: {each}" for each in rendering.errors), actions=[])
    wrong = [name for name, found in rendering.findings.items() if found.errors]
    protected = [*arguments["protected"], *wrong, *sorted(leaving)]
    labels = {name: selector(fleet, name)[SERVICE] for name in (*rendering.findings, *protected)}
    values = SecretValues(
        environment_of({**arguments, "fleet": fleet}, to_run), {labels[spec.name]: spec for spec in to_run}
    )
    desired = Desired(
        fleet,
        rendering,
        kinds,
        labels,
        protected,
        repair=settings.kubernetes.repair_drift,
        timeout=float(settings.kubernetes.rollout_timeout),
        verified={each.spec.name: Question.of(each) for each in bare if each.spec.verify and each.spec.runs},
        verify=Verification(arguments["verify"]) if arguments["verify"] else not_installed,
    )
    outcome = converge(desired, world, cluster, values, Clock(time.time, time.sleep), check_mode=check_mode)
    endpoints = endpoints_of(to_run, images, outcome, fleet, cluster.namespace)
    pods = pods_by_server(cluster, world, fleet, {labels[each]: each for each in leaving})
    return fail_on_errors({**_result(outcome, desired, endpoints, cluster, settings, silence), "leaving": pods})


def _verifiable(rendering: Rendering, specs: Sequence[Spec]) -> Rendering:
    """Without servers that have to be verified and cannot be."""
    objects = dict(rendering.objects)
    for spec in specs:
        if spec.verify and goes_first(objects.get(spec.name, ())):
            rendering.findings[spec.name].error(
                "orchestrator.verify",
                "needs a second pod beside the one that serves, and only one at a time writes into its claim; mount the"
                " claim read-only, or leave verify out",
            )
            del objects[spec.name]
    return replace(rendering, objects=objects)


def _observed(
    cluster: ApiServer, settings: Settings, kinds: Sequence[Kind], bare: Sequence[Workload], returned: Collection[str]
) -> World:
    """What the cluster has. ``returned`` are the values of ``mcp_service`` of servers that go with all they have.

    Where requests come from a listener's target groups, mcp_target_group_binding keeps what binds pods to these.
    """
    fleet, binding = settings.service.fleet, binding_kind(settings)
    others = settings.aws.is_named and bool(bare)
    seen = [kind for kind in kinds if kind != binding or returned or not others]
    world = observe(cluster, fleet, seen, desired_kinds(bare, kinds))
    if not others:
        return world
    own = [each for each in world.objects if each["kind"] != binding.kind or server_of(each) in returned]
    return replace(world, objects=own)


def _references(arguments: Mapping[str, Any], settings: Settings) -> dict[str, dict[str, Reference]]:
    """The variables that the cluster fetches itself, which the specs do not tell."""
    if not (settings.kubernetes.ssm_store or settings.kubernetes.secretsmanager_store):
        return {}
    return read_fleet(arguments["config"], arguments["settings"], b"", EmptyResolver()).references


def _located(workload: Workload, world: World) -> Workload:
    """A workload with the addresses of its hosts: those that it was allowed before, as long as they are right."""
    if not workload.spec.egress.hosts:
        return workload
    name = object_name(workload.fleet, workload.spec.name)
    before = hosts_of(each for each in world.objects if each["metadata"]["name"] == name)
    return replace(workload, addresses=addresses_of(workload.spec, before))


def _result(
    outcome: Outcome,
    desired: Desired,
    endpoints: list[dict[str, Any]],
    cluster: ApiServer,
    settings: Settings,
    silence: str,
) -> dict[str, Any]:
    rendering = desired.rendering
    errors = [
        {"server": server, "message": message} for server, each in rendering.findings.items() for message in each.errors
    ]
    errors += [{"server": server, "message": message} for server, each in outcome.errors.items() for message in each]
    names = {label: server for server, label in desired.labels.items()}
    routes = routes_of(endpoints, "" if settings.aws.is_named else settings.kubernetes.public_url)
    return {
        "changed": bool(outcome.actions),
        "actions": actions_of(outcome, names),
        "diff": diffs_of(outcome.planned.actions),
        "endpoints": endpoints,
        "unserved": [each["name"] for each in endpoints if each["state"] not in ("running", "stopped")],
        "routes": routes,
        "probes": probes_of(endpoints, routes),
        "readiness": readiness_of(endpoints, datetime.now(UTC)),
        "errors": errors,
        "left": list(outcome.planned.left),
        "postponed": [each.to_dict() for each in outcome.postponed],
        "requests": dict(sorted(cluster.requests.items())),
        **_told(rendering),
        "on_other_hosts": [],
        "warnings": [*filter(None, [silence]), *outcome.planned.left],
    }


def _told(rendering: Rendering) -> dict[str, list[dict[str, Any]]]:
    notes: list[dict[str, Any]] = [{"server": None, "message": message} for message in rendering.notes]
    needs: list[dict[str, Any]] = []
    for server, found in rendering.findings.items():
        notes += [{"server": server, "message": message} for message in found.notes]
        needs += [{"server": server, "message": message} for message in found.needs if server in rendering.objects]
    return {"notes": notes, "needs": needs}
