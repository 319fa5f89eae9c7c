"""A whole site whose servers a cluster runs: installed, changed, broken and taken down as an operator does it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import removal_by_hand

from tests.e2e.support.site import FLEET
from tests.e2e.support.waiting import until
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.cluster_site import ClusterSite
from tests.kubernetes.marks import takes_long
from tests.kubernetes.workload_scene import SECRET, http, stdio

pytestmark = takes_long


@pytest.fixture(scope="module")
def site(cluster: Cluster) -> Iterator[ClusterSite]:
    root = Path(tempfile.mkdtemp(prefix="mcp-e2e-", dir="/var/tmp"))
    made = ClusterSite(root, cluster, f"site-{FLEET}")
    made.run_on("docker")
    made.write_config({"time": {**stdio(), "disabled": True}})
    run = made.install()
    try:
        assert run.code == 0, run.output
        yield made
    finally:
        made.play("teardown")
        shutil.rmtree(root, ignore_errors=True)


def test_a_fleet_comes_to_the_cluster_is_kept_there_and_goes(site: ClusterSite) -> None:
    bootstrap = site.play("bootstrap_kubernetes", "-e", f"bootstrap_kubeconfig={site.cluster.kubeconfig}")
    assert bootstrap.code == 0, bootstrap.output
    site.run_on("kubernetes")
    site.write_config({"time": stdio(), "orders": http(replicas=2)})

    told = site.reconcile("--check", "--diff")
    assert told.code == 0, told.output
    assert site.objects() == []
    assert "Deployment" in told.output
    assert SECRET not in told.output

    first = site.reconcile()
    assert first.code == 0, first.output
    assert site.state()["summary"]["text"] == "All 2 servers answer"
    assert site.servers()["orders"]["replicas"] == {"desired": 2, "serving": 2}
    assert site.servers()["time"]["container"]["logs"] == f"kubectl -n {site.namespace} logs deployment/{FLEET}-time"
    assert SECRET not in first.output + (site.var / "state.json").read_text()
    assert site.reconcile().changed == 0

    site.write_config({"time": stdio(), "orders": http("mcp/orders:crash-loop", replicas=2)})
    failed = site.reconcile()
    assert failed.code == 2
    assert "Traceback" not in failed.output
    broken = site.servers()["orders"]
    assert (broken["condition"], broken["replicas"]["serving"]) == ("degraded", 2)
    assert "CrashLoopBackOff" in broken["error"]
    assert "serves again" in broken["error"]

    site.write_config({"time": stdio()})
    gone = site.reconcile()
    assert gone.code == 0, gone.output
    assert not [each for each in site.objects() if "orders" in each]

    site.run_on("docker")
    site.write_config({"time": {**stdio(), "disabled": True}})
    assert site.reconcile().code == 0
    assert site.objects(), "who runs the fleet elsewhere says when it leaves the cluster"
    left = site.play("leave_kubernetes")
    assert left.code == 0, left.output
    assert site.objects() == []


HERE = {"command": "docker", "args": ["run", "--rm", "-i", "mcp-sample/time:1"]}


def placed(where: str, entry: dict[str, Any] | None = None) -> dict[str, Any]:
    """An entry that says where its server runs."""
    made = entry or HERE
    return {**made, "orchestrator": {**made.get("orchestrator", {}), "placement": where}}


def of(server: str, names: Iterable[str]) -> list[str]:
    return [each for each in names if each.endswith(f"{FLEET}-{server}")]


def test_one_site_runs_servers_on_its_host_and_in_the_cluster_and_moves_one_at_a_time(site: ClusterSite) -> None:
    site.run_on("docker")
    site.write_config({"time": HERE, "orders": placed("cluster", http())})
    told = site.reconcile("--check", "--diff")
    assert told.code == 0, told.output
    assert "Deployment" in told.output
    assert (site.objects(), site.containers()) == ([], {})
    first = site.reconcile()
    assert first.code == 0, first.output
    assert site.state()["summary"]["text"] == "All 2 servers answer"
    assert (of("orders", site.containers()), of("time", site.objects())) == ([], [])
    assert site.servers()["orders"]["text"]["where"] == "1 pod"
    assert site.reconcile().changed == 0

    site.write_config({"time": placed("both"), "orders": placed("cluster", http())})
    refused = site.reconcile()
    assert refused.code == 2
    assert "needs a listener in [aws]" in site.servers()["time"]["error"]
    assert of("time", site.containers()), "what serves of an entry that is wrong goes on"

    site.write_config({"time": placed("cluster"), "orders": placed("cluster", http())})
    moved = site.reconcile()
    assert moved.code == 0, moved.output
    assert of("time", site.objects())
    assert not of("time", site.containers())

    site.cluster.stop_api_server()
    try:
        site.write_config({"time": placed("hosts"), "orders": placed("cluster", http())})
        cut_off = site.reconcile()
    finally:
        site.cluster.start_api_server()
    assert cut_off.code == 2
    assert "Traceback" not in cut_off.output
    assert site.servers()["time"]["observed"] == "running", "a host serves without the cluster"
    assert site.servers()["time"]["route"]["url"]

    until(lambda: site.reconcile().code == 0 and not of("time", site.objects()), "its pods are gone")
    assert of("time", site.containers())
    assert of("orders", site.objects())
    assert site.reconcile().changed == 0

    refused = site.play("leave_kubernetes")
    assert refused.code == 2
    assert "The cluster is to run orders" in refused.output
    site.write_config({"time": placed("hosts"), "orders": placed("hosts")})
    too_early = site.play("leave_kubernetes")
    assert too_early.code == 2
    assert "No host serves orders as yet" in too_early.output
    site.write_config({"time": {**HERE, "disabled": True}, "orders": placed("hosts", {**HERE, "disabled": True})})
    gone = site.reconcile()
    assert gone.code == 0, gone.output
    assert site.objects() == []


def test_a_teardown_takes_the_fleet_out_of_the_cluster(site: ClusterSite) -> None:
    site.run_on("kubernetes")
    site.write_config({"time": stdio()})
    assert site.reconcile().code == 0
    assert site.objects()
    site.cluster.stop_api_server()
    try:
        begun = site.play("teardown")
    finally:
        site.cluster.start_api_server()
    assert begun.code == 2
    assert f"kubectl -n {site.namespace} delete " in begun.output
    assert "Traceback" not in begun.output
    assert begun.of("fleet : Remove every container of the fleet") == "ok"
    assert not (site.root / "home" / "monitor").exists()
    assert (site.root / "home" / "venv").exists(), "the teardown can be run again"
    until(lambda: bool(site.objects()), "the API server answers")

    gone = site.play("teardown")
    assert gone.code == 0, gone.output
    assert site.objects() == []
    assert site.cluster.api.read("Namespace", site.namespace)


def test_the_command_that_is_told_removes_what_a_teardown_has_left(site: ClusterSite) -> None:
    settings = read_settings(str(site.etc / "settings.conf"))
    made = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "left", "labels": {"mcp_fleet": FLEET}}}
    site.cluster.api.create({**made, "spec": {"ports": [{"port": 80}]}}, site.namespace)
    site.cluster.kubectl(*removal_by_hand(settings).split()[1:])
    assert site.objects() == []
