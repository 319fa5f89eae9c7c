"""A whole site whose servers a cluster runs: installed, changed, broken and taken down as an operator does it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.site import FLEET
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


def test_a_teardown_takes_the_fleet_out_of_the_cluster(site: ClusterSite) -> None:
    site.run_on("kubernetes")
    site.write_config({"time": stdio()})
    assert site.reconcile().code == 0
    assert site.objects()
    gone = site.play("teardown")
    assert gone.code == 0, gone.output
    assert site.objects() == []
    assert site.cluster.api.read("Namespace", site.namespace)
