"""How fast mcp_workload keeps 100 servers in a cluster, against the floor of the lists that it must make and against
kubectl apply of the same objects.

A real API server with its controllers, on this machine, which make kubernetes builds; the nodes are made up.
Prints a table for people, and as its last line one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import module, workload_module  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER  # noqa: E402

from tests.e2e.support.waiting import until  # noqa: E402
from tests.kubernetes.api import ApiError  # noqa: E402
from tests.kubernetes.cluster import Cluster, running  # noqa: E402
from tests.kubernetes.programs import are_built  # noqa: E402
from tests.kubernetes.workload_scene import WorkloadScene, http  # noqa: E402

SERVERS = 100
REPEATS = 25
THREADS = 8
KINDS = ("ServiceAccount", "NetworkPolicy", "Deployment", "Service", "Ingress")
TARGETS = {"noop_ratio": ("<=", 1.5), "create_ratio": ("<=", 0.8)}


def alternating(*tried: Callable[[], Any]) -> list[list[float]]:
    """How long each takes, in seconds, in turns: what else the machine does is then the same for all."""
    times: list[list[float]] = [[] for _ in tried]
    for _ in range(REPEATS):
        for what, taken in zip(tried, times, strict=True):
            start = time.perf_counter()
            what()
            taken.append(time.perf_counter() - start)
    return times


def scene_in(cluster: Cluster, root: Path, namespace: str) -> WorkloadScene:
    """A fleet of 100 servers that is to be in a namespace of its own."""
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    folder = root / namespace
    folder.mkdir()
    scene = WorkloadScene(cluster, namespace, folder)
    scene.settings(timeout=300)
    scene.config({f"s{number:03}": http() for number in range(SERVERS)})
    return scene


def discard(scene: WorkloadScene) -> None:
    """Removes the namespace with all that is in it."""
    scene.cluster.api.delete("Namespace", scene.namespace)

    def gone() -> bool:
        try:
            return not scene.cluster.api.read("Namespace", scene.namespace)
        except ApiError as error:
            return error.status == 404

    until(gone, "the namespace is gone", 120)


def measure_module(scene: WorkloadScene) -> dict[str, float]:
    """From nothing to the last object and the last ready pod; then runs that change nothing, and their lists alone."""
    arguments = scene.arguments()
    scene.cluster.audit.mark()
    start = time.time()
    made = result_of(workload_module.run, arguments, False)
    spent = time.time() - start
    if made.get("failed"):
        raise RuntimeError(made["msg"])
    patches = [each.at for each in scene.cluster.audit.calls("admin") if each.verb == "patch"]

    def nothing() -> None:
        again = result_of(workload_module.run, arguments, False)
        if again["changed"] or again.get("failed"):
            raise RuntimeError(f"a run that should change nothing has: {again['actions']}")

    noop, floor = alternating(nothing, lambda: lists(scene))
    return {
        "objects": len(patches),
        "create_seconds": max(patches) - start,
        "create_until_ready_seconds": spent,
        "noop_seconds": median(noop),
        "noop_floor_seconds": median(floor),
        "noop_ratio": median(noop) / median(floor),
        "noop_peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def lists(scene: WorkloadScene) -> None:
    """What a run that changes nothing has to ask for, over connections of its own as a run's are."""
    api, namespace = scene.cluster.new_api(), scene.namespace
    with closing(api), ThreadPoolExecutor(THREADS) as pool:
        known = pool.submit(api.read, "ConfigMap", "mcp", namespace)
        found = list(pool.map(lambda kind: api.list(kind, namespace, labelSelector="mcp_fleet=mcp"), KINDS))
        known.result()
    assert [len(each) for each in found] == [SERVERS] * len(KINDS)


def measure_kubectl(scene: WorkloadScene) -> dict[str, float]:
    """kubectl apply of the same objects, as make export-k8s writes them."""
    arguments = scene.arguments()
    files = scene.folder / "k8s"
    exported = {key: arguments[key] for key in ("config", "settings", "key_file", "docker_host")}
    module.run({**exported, "path": str(files), "format": "objects"}, False)
    (files / "kustomization.yaml").unlink()
    start = time.time()
    scene.cluster.kubectl("apply", "--server-side", f"--field-manager={MANAGER}", "-f", str(files))
    return {"kubectl_seconds": time.time() - start}


def main() -> int:
    """Measures everything and prints it."""
    if not are_built():
        print("the API server is not built on this machine; make kubernetes builds it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="mcp-bench-") as root, running(Path(root)) as cluster:
        ours = scene_in(cluster, Path(root), "ours")
        figures = measure_module(ours)
        discard(ours)
        figures |= measure_kubectl(scene_in(cluster, Path(root), "theirs"))
    figures["create_ratio"] = figures["create_seconds"] / figures["kubectl_seconds"]
    for name, value in figures.items():
        print(f"{name:28} {value:10.3f}")
    met = all(figures[name] <= most for name, (_sign, most) in TARGETS.items())
    print(json.dumps({"benchmark": "workload", "figures": figures, "targets": TARGETS, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
