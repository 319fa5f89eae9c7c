# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the kubelet asks whether a server lives, and how long a pod goes on after it is told to end.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.bridge_command import BRIDGE_MOUNT, LIBRARIES
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import (
    LONGEST_START,
    bridged,
    host_header,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

STOP_SECONDS = 10
"""Seconds from asking a server to stop to killing it, where nobody says another number: Docker's own."""
_STARTUP_PERIOD = 2
SLEEP_ACTION = (1, 30)
"""The version in which the hook ``sleep`` is on by default (KEP-3960)."""


def probes(workload: Workload, findings: Findings) -> Object:
    """Returns the probes of the container: the same question as on a host, in the kubelet's words.

    The kubelet takes 200 to 399. A server without a path for health, which may answer 405, is asked for a connection.
    """
    spec = workload.spec
    if spec.health_matcher == "200":
        host = host_header(spec, workload.image)
        headers = [] if host is None else [{"name": "Host", "value": host}]
        ask: Object = {
            "httpGet": {"path": spec.health_path, "port": "http", **({"httpHeaders": headers} if host else {})}
        }
    else:
        ask = {"tcpSocket": {"port": "http"}}
        findings.note("orchestrator.health_path", "is not said, so the kubelet asks for a connection alone")
    return {
        "startupProbe": {**ask, "periodSeconds": _STARTUP_PERIOD, "timeoutSeconds": 5}
        | {"failureThreshold": LONGEST_START // _STARTUP_PERIOD},
        "readinessProbe": {**ask, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 2},
        # Slower than readiness: what is only late must not be started anew.
        "livenessProbe": {**ask, "periodSeconds": 20, "timeoutSeconds": 10, "failureThreshold": 6},
    }


def farewell(workload: Workload) -> int:
    """Returns for how many seconds a pod goes on serving: until the load balancer sends it nothing new, and then for as
    long as open streams may end."""
    return workload.cluster.deregistration_lag + workload.settings.routes.deregistration_delay


def grace(workload: Workload) -> int:
    """Returns after how many seconds a pod that ends is killed."""
    stop = workload.spec.stop_timeout
    return farewell(workload) + (STOP_SECONDS if stop is None else stop)


def lifecycle(workload: Workload, findings: Findings) -> Object:
    """Returns the hook by which a pod that ends goes on serving; nothing where it need not."""
    seconds = farewell(workload)
    if not seconds:
        return {}
    if workload.cluster.version_number >= SLEEP_ACTION:
        return {"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}}
    if bridged(workload.spec):
        # The runtime's bash can wait without a program of the image.
        command = [*LIBRARIES, f"{BRIDGE_MOUNT}/bash", "-p", "-c", f"read -t {seconds} -u 9 9<> <(:) || true"]
    else:
        command = ["sleep", str(seconds)]
        findings.note("version", f"before {'.'.join(map(str, SLEEP_ACTION))} its image needs the program sleep")
    return {"lifecycle": {"preStop": {"exec": {"command": command}}}}
