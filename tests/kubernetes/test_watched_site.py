"""What an operator sees of servers in a cluster on a whole site with its watcher: the page, the API, and requests."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.api_token import make_token
from tests.e2e.support.site import FLEET
from tests.e2e.support.waiting import until
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import PATIENCE, Cluster
from tests.kubernetes.cluster_site import ClusterSite
from tests.kubernetes.marks import takes_long
from tests.kubernetes.watched import give_access
from tests.kubernetes.workload_scene import http, stdio

pytestmark = takes_long


class Api:
    """The monitor's API of a site."""

    def __init__(self, site: ClusterSite) -> None:
        self._site = site
        self._token = make_token(site, "admin")

    def get(self, path: str) -> Any:
        """Returns what is at a path."""
        return self._ask(path)

    def answer(self, path: str) -> dict[str, Any]:
        """Asks for something and returns its answer, once a run has given it."""
        asked = self._ask(path, {})
        return dict(until(lambda: self._answer(asked["id"]), f"{path} is answered", PATIENCE))

    def _answer(self, identity: str) -> dict[str, Any] | None:
        path = self._site.var / "results" / f"{identity}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def _ask(self, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._site.url}/monitor/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def site(cluster: Cluster) -> Iterator[ClusterSite]:
    root = Path(tempfile.mkdtemp(prefix="mcp-e2e-", dir="/var/tmp"))
    made = ClusterSite(root, cluster, f"watched-{FLEET}", watcher=True)
    made.run_on("kubernetes")
    made.write_config({"time": stdio(), "orders": http(replicas=2)})
    try:
        give_access(cluster, made.etc / "settings.conf", made.etc)
        run = made.install()
        assert run.code == 0, run.output
        yield made
    finally:
        made.play("teardown")
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def api(site: ClusterSite) -> Api:
    return Api(site)


def pods(site: ClusterSite, server: str) -> list[Object]:
    found = site.cluster.api.list("Pod", site.namespace, labelSelector=f"mcp_fleet={FLEET},mcp_service={server}")
    return [each for each in found if not each["metadata"].get("deletionTimestamp")]


def triggers(api: Api) -> list[str]:
    return [each["trigger"] for each in api.get("/runs")["runs"]]


def test_the_api_has_the_logs_the_events_and_the_usage_of_pods(site: ClusterSite, api: Api) -> None:
    def lines() -> list[str]:
        return [each["text"] for each in api.get("/servers/time/logs")["lines"]]

    until(lambda: "the server listens" in lines(), "its log is there", PATIENCE)
    (pod,) = pods(site, "time")
    name = pod["metadata"]["name"]
    site.cluster.api.patch("Pod", name, {"metadata": {"annotations": {"ended": "OOMKilled 137"}}}, site.namespace)
    (event,) = until(
        lambda: [each for each in api.get("/servers/time/events")["events"] if each["event"] == "restarted"],
        "its restart is told",
        PATIENCE,
    )
    assert name in event["text"]
    assert event["run"] == ""
    used = until(lambda: api.get("/servers/time/stats")["now"], "its sample is there", PATIENCE)
    assert (used["containers"], used["cpu"], used["memory_limit"] > 0) == (1, None, True)
    until(lambda: api.get("/servers/time/stats")["now"]["oom_kills"] == 1, "it is counted", PATIENCE)


def test_another_hand_starts_a_run_and_a_run_starts_none(site: ClusterSite, api: Api) -> None:
    before = len(triggers(api))
    site.cluster.api.delete("NetworkPolicy", f"{FLEET}-time", site.namespace)
    reason = "watcher: time had its NetworkPolicy removed"
    until(lambda: triggers(api)[0] == reason, "a run has made it again", PATIENCE)
    assert site.cluster.api.read("NetworkPolicy", f"{FLEET}-time", site.namespace)
    assert site.reconcile().code == 0
    assert [each for each in triggers(api)[: len(triggers(api)) - before] if each.startswith("watcher")] == [reason]


def test_what_operators_ask_for_is_done_or_refused_with_a_reason(site: ClusterSite, api: Api) -> None:
    (old,) = pods(site, "time")
    assert api.answer("/servers/time/restart")["status"] == "done"
    (new,) = pods(site, "time")
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert api.answer("/servers/time/stop")["status"] == "done"
    assert site.servers()["time"]["condition"] == "stopped"
    until(lambda: not pods(site, "time"), "its pods are gone", PATIENCE)
    assert api.answer("/servers/time/start")["status"] == "done"
    assert len(pods(site, "time")) == 1
    pulled = api.answer("/servers/time/pull")
    assert pulled["status"] == "refused"
    assert "its nodes keep the image" in pulled["messages"][0]
