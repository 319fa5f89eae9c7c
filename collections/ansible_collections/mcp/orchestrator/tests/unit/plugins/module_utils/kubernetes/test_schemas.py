# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is rendered is what Kubernetes takes, from the oldest to the newest schema that is at hand."""

from __future__ import annotations

import kubernetes_validate
import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.server import render
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.text import document
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.restricted import violations
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    ON_AWS,
    cluster,
    sample_fleet,
)

OF_CONTROLLERS = {"TargetGroupBinding", "ExternalSecret"}
VERSIONS = kubernetes_validate.utils.all_versions()


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_a_fleet_with_everything_is_valid(version: str) -> None:
    settings = cluster(version=".".join(version.split(".")[:2]))
    checked = set()
    for workload in sample_fleet(settings):
        objects, findings = render(workload)
        assert not findings.errors
        for each in yaml.safe_load_all(document([], objects)):
            if each["kind"] not in OF_CONTROLLERS:
                kubernetes_validate.validate(each, version, strict=True)
                checked.add(each["kind"])
    assert len(checked) == 7


def test_a_misspelt_field_would_be_found() -> None:
    objects, _findings = render(next(sample_fleet(ON_AWS)))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**objects[0], "automountToken": False}, VERSIONS[-1], strict=True)


def test_every_pod_keeps_to_the_policy_restricted() -> None:
    for workload in sample_fleet(ON_AWS):
        objects, _findings = render(workload)
        (deployment,) = (each for each in objects if each["kind"] == "Deployment")
        assert not violations(deployment["spec"]["template"]["spec"])


def test_a_cluster_of_1_20_gets_the_versions_that_it_has() -> None:
    kinds = {
        each["kind"]: each["apiVersion"]
        for workload in sample_fleet(cluster(version="1.20"))
        for each in render(workload)[0]
    }
    assert kinds["HorizontalPodAutoscaler"] == "autoscaling/v2beta2"
    assert kinds["PodDisruptionBudget"] == "policy/v1beta1"
    assert kinds["Ingress"] == kinds["NetworkPolicy"] == "networking.k8s.io/v1"
