# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod of a server: what runs in it, as whom, with how much, and where.

Every pod keeps to the policy restricted (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
"""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.bridge_command import (
    BRIDGE_MOUNT,
    INTERPRETER,
    bridge_command,
    child_command,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import bridged
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.egress import NO_NAME_SERVER, literal
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import names
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.flags import Flags, flags
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.probes import grace, lifecycle, probes
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.storage import Storage, storage
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.user import user
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.variables import variables
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import (
    Object,
    Workload,
    cores,
    quantity,
)

CONTAINER = "server"
PULL_POLICIES = {"always": "Always", "missing": "IfNotPresent", "never": "Never"}
_BRIDGE_SIZE = 128 * 1024**2
_ABSENCE = 30
"""Seconds that a pod stays bound to a node which does not answer; Kubernetes would take 300."""
# Below the volume's own directory, which is the kubelet's: only its owner may set its mode, as a copy does.
_COPIED = "runtime"
_COPY = f"import shutil; shutil.copytree('{BRIDGE_MOUNT}', '/bridge/{_COPIED}', dirs_exist_ok=True)"


def pod(workload: Workload, findings: Findings) -> tuple[Object, bool]:
    """Returns a Deployment's ``template``, and whether two pods of it may not be there at once."""
    flagged, stored = flags(workload, findings), storage(workload, findings)
    group = user(workload, findings)
    security: Object = {"runAsNonRoot": True, **group, "seccompProfile": {"type": "RuntimeDefault"}, **flagged.security}
    if stored.shared and "runAsUser" in group:
        security["fsGroup"] = group.get("runAsGroup", group["runAsUser"])
    init = _bridge(workload, stored) if bridged(workload.spec) else []
    spec: Object = {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": security,
        "terminationGracePeriodSeconds": grace(workload),
        "nodeSelector": _nodes(workload),
        "tolerations": _tolerations(),
        "topologySpreadConstraints": _spread(workload),
        **_names(workload),
        **flagged.pod,
        **({"initContainers": init} if init else {}),
        "containers": [_container(workload, flagged, stored, findings)],
        **({"volumes": stored.volumes} if stored.volumes else {}),
    }
    if workload.spec.init:
        spec["shareProcessNamespace"] = True  # its first process reaps what others leave behind, as docker's init does
    return {"metadata": _metadata(workload), "spec": spec}, stored.shared and workload.most_replicas == 1


def _metadata(workload: Workload) -> Object:
    annotations = {**names.own_annotations(workload.spec.name), names.GENERATION: workload.spec.generation}
    if workload.values is not None:
        annotations[names.VALUES] = workload.values
    if workload.spec.restarted is not None:
        annotations[names.RESTARTED] = workload.spec.restarted
    marks = {names.NETWORK: "fleet"} if workload.spec.egress.kind is EgressKind.FLEET else {}
    return {"labels": dict(sorted({**workload.labels, **marks}.items())), "annotations": annotations}


def _container(workload: Workload, flagged: Flags, stored: Storage, findings: Findings) -> Object:
    spec = workload.spec
    capabilities: Object = {"drop": ["ALL"], **({"add": flagged.capabilities} if flagged.capabilities else {})}
    env = variables(workload, findings)
    optional: dict[str, Any] = {
        "workingDir": spec.workdir,
        **_process(workload, findings),
        "env": env,
        "volumeMounts": stored.mounts,
    }
    return {
        "name": CONTAINER,
        "image": _image(workload, findings),
        "imagePullPolicy": PULL_POLICIES["missing" if spec.build is not None else spec.pull],
        **{key: value for key, value in optional.items() if value},
        "ports": [{"name": "http", "containerPort": _port(workload, findings), "protocol": "TCP"}],
        "resources": _resources(workload, flagged),
        "securityContext": _confinement(capabilities, read_only=spec.read_only),
        **probes(workload, findings),
        **lifecycle(workload, findings),
    }


def _confinement(capabilities: Object, *, read_only: bool) -> Object:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": capabilities,
        "privileged": False,
        "readOnlyRootFilesystem": read_only,
    }


def _image(workload: Workload, findings: Findings) -> str:
    if workload.spec.build is not None:
        if not workload.cluster.image_registry:
            findings.error(
                "command",
                f"its image {workload.spec.image} is built on hosts, and the cluster cannot pull it; set"
                " image_registry in [kubernetes] of settings.conf, where runs push it",
            )
        elif not workload.pushed:
            findings.need(f"image {workload.image_reference}, which is {workload.spec.image} on a host of the fleet")
    if workload.spec.signature_key is not None:
        findings.error(
            "orchestrator.signature_key",
            "no kubelet verifies signatures; have an admission controller of the cluster do it, and write"
            ' "signature_key": "none" for the export',
        )
    return workload.image_reference


def _port(workload: Workload, findings: Findings) -> int:
    if workload.port is None:
        findings.error(
            "orchestrator.port",
            f"is not said, and image {workload.spec.image} "
            + ("is not known here" if workload.image is None else "does not expose exactly one port")
            + "; write the port on which the server listens",
        )
    return workload.port or 1


def _process(workload: Workload, findings: Findings) -> Object:
    spec = workload.spec
    if not bridged(spec):
        return _own_process(workload, findings)
    if not workload.cluster.bridge_image:
        findings.error(
            "command",
            "it speaks stdio and needs the bridge; build its image (make bridge-image), push it, and set bridge_image"
            " in [kubernetes] of settings.conf",
        )
    if workload.image is None and (spec.entrypoint is None):
        findings.error(
            "command",
            f"image {spec.image} is not known here, and with it the program that the bridge has to start; pull it on"
            " this host (docker pull), or name the program with --entrypoint",
        )
    child = child_command(spec, workload.image or Image(""))
    if workload.image is not None and not child and not spec.bridge.get("secret_args"):
        findings.error(
            "args", f"{spec.image} has neither an entrypoint nor a command; write what to run after the image"
        )
    policy = Policy(
        fleet=workload.fleet,
        allowed_origins=workload.settings.security.allowed_origins,
        log_level=workload.settings.logging.level.lower(),
        call_record=workload.settings.logging.calls,
    )
    return {"command": [_literal(word) for word in bridge_command(spec, child, policy)]}


def _own_process(workload: Workload, findings: Findings) -> Object:
    spec = workload.spec
    entrypoint = None if spec.entrypoint is None else list(spec.entrypoint)
    if entrypoint == []:  # --entrypoint "": the arguments are the command
        if not spec.command:
            findings.error("args", "has an empty --entrypoint and no command; write what to run after the image")
        return {"command": [_literal(word) for word in spec.command or ()]}
    words = {"command": entrypoint, "args": None if spec.command is None else list(spec.command)}
    return {key: [_literal(word) for word in value] for key, value in words.items() if value is not None}


def _literal(word: str) -> str:
    """A word of a command in which nothing is taken for ``$(VAR)``: two dollars are one."""
    return word.replace("$", "$$")


def _resources(workload: Workload, flagged: Flags) -> Object:
    spec, cluster = workload.spec, workload.cluster
    share = spec.memory * cluster.memory_request // 100
    reserved = min(spec.memory, share if flagged.reserved is None else flagged.reserved)
    return {
        "requests": {"cpu": cores(spec.cpus * cluster.cpu_request / 100), "memory": quantity(reserved)},
        "limits": {"cpu": cores(spec.cpus), "memory": quantity(spec.memory)},
    }


def _names(workload: Workload) -> Object:
    """How it looks names up: not at all where it may connect to some hosts only or nowhere, as on Docker, so that no
    look-up carries anything out. The names of those hosts are in its /etc/hosts."""
    egress = workload.spec.egress
    if egress.kind not in (EgressKind.HOSTS, EgressKind.NONE):
        return {}
    options = [{"name": "timeout", "value": "1"}, {"name": "attempts", "value": "1"}]
    made: Object = {"dnsPolicy": "None", "dnsConfig": {"nameservers": [NO_NAME_SERVER], "options": options}}
    aliases = [
        {"ip": address.partition("/")[0], "hostnames": [host]}
        for host in sorted(egress.hosts)
        if literal(host) is None
        for address in workload.addresses.get(host, ())
    ]
    return {**made, "hostAliases": aliases} if aliases else made


def _bridge(workload: Workload, stored: Storage) -> list[Object]:
    """The container that copies the bridge's runtime out of its image, for the server's to mount."""
    image = workload.cluster.bridge_image
    volume = {"emptyDir": {"sizeLimit": quantity(_BRIDGE_SIZE)}}
    stored.add("bridge", BRIDGE_MOUNT, volume, subPath=_COPIED, readOnly=True)
    few = {"cpu": "100m", "memory": "64Mi"}
    return [
        {
            "name": "bridge",
            "image": image,
            "command": [*INTERPRETER, "-c", _COPY],
            "resources": {"requests": few, "limits": {"cpu": "1", "memory": "128Mi"}},
            "securityContext": _confinement({"drop": ["ALL"]}, read_only=True),
            "volumeMounts": [{"name": "bridge", "mountPath": "/bridge"}],
        }
    ]


def _nodes(workload: Workload) -> dict[str, str]:
    parts = (workload.spec.platform or "linux").split("/")
    return {"kubernetes.io/os": "linux", **({"kubernetes.io/arch": parts[1]} if len(parts) > 1 else {})}


def _tolerations() -> list[Object]:
    keys = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    return [{"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _ABSENCE} for key in keys]


def _spread(workload: Workload) -> list[Object]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": workload.selector},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
