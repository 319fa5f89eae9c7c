# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server on its way to Kubernetes: its spec, and everything else that its objects are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.recipe import REPOSITORY
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import Reference
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.kubernetes import Kubernetes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.bridge_command import BRIDGE_PORT
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import bridged
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import (
    is_label_key,
    is_label_value,
    object_name,
    own_annotations,
    own_labels,
    selector,
)

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON has it."""


@dataclass(frozen=True)
class Workload:
    """``image`` is what its image brings, None where that is not known. ``addresses`` are those of the hosts of its
    ``network``, as ranges. ``references`` are variables whose value is nothing but a reference, by name; ``values`` is
    a digest of all of them that shows a change and cannot be guessed, None without a key. ``secret`` has a digest of
    each value of the Secret that is made with its objects; None where somebody else makes it. ``is_for_files`` is
    whether its objects are written to files, where nobody follows what the load balancer says. ``pushed`` is the image
    that a run has pushed for it, by its digest, empty without one.
    """

    spec: Spec
    settings: Settings
    image: Image | None = None
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    values: str | None = None
    secret: Mapping[str, str] | None = None
    is_for_files: bool = False
    pushed: str = ""

    @property
    def fleet(self) -> str:
        """The name of the fleet."""
        return self.settings.service.fleet

    @property
    def cluster(self) -> Kubernetes:
        """The settings of the cluster."""
        return self.settings.kubernetes

    @cached_property
    def name(self) -> str:
        """The name of all its objects."""
        return object_name(self.fleet, self.spec.name)

    @cached_property
    def selector(self) -> dict[str, str]:
        """The labels by which its pods are selected."""
        return selector(self.fleet, self.spec.name)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels of its objects: what its entry says, as far as Kubernetes takes it, and ours."""
        said = {key: text for key, text in self.spec.labels.items() if is_label_key(key) and is_label_value(text)}
        return dict(sorted({**said, **own_labels(self.fleet, self.spec.name)}.items()))

    @property
    def port(self) -> int | None:
        """The port on which its container listens, None where it is not known."""
        if bridged(self.spec):
            return BRIDGE_PORT
        if self.spec.port is not None:
            return self.spec.port
        exposed = self.image.exposed if self.image is not None else ()
        return exposed[0] if len(exposed) == 1 else None

    @property
    def image_reference(self) -> str:
        """Its image as the cluster pulls it."""
        if self.spec.build is None or self.pushed:
            return self.pushed or self.spec.image
        return self.spec.image.replace(REPOSITORY, self.cluster.image_registry, 1)

    @property
    def most_replicas(self) -> int:
        """How many pods it may have."""
        return self.spec.autoscaling["max"] if self.spec.autoscaling else self.spec.replicas

    def object(self, api_version: str, kind: str, **fields: Any) -> Object:
        """Returns an object of its own with these fields beside the metadata."""
        metadata: Object = {"name": self.name, "namespace": self.cluster.namespace, "labels": self.labels}
        if annotations := own_annotations(self.spec.name):
            metadata["annotations"] = annotations
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def quantity(count: int) -> str:
    """Returns so many bytes as Kubernetes writes them."""
    for unit, size in (("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024)):
        if count and count % size == 0:
            return f"{count // size}{unit}"
    return str(count)


def cores(count: float) -> str:
    """Returns so many cores as Kubernetes writes them: whole ones, or thousandths of one."""
    thousandths = max(round(count * 1000), 1)
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"
