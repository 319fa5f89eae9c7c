"""A fleet that moves from a host to a cluster and back, behind one load balancer, as docs/kubernetes.md tells it.

The cluster's pods run on this machine's engine beside the host's containers, and the local ALB stands for AWS's: both
have addresses that it takes for targets, so that requests are really served by the one and by the other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from tests.credentials import ACCESS_KEY
from tests.e2e.support.local_alb import LISTENER_ARN, LocalAlb, running
from tests.e2e.support.site import FLEET, PROJECT, Run, Site
from tests.e2e.support.site import settings as settings_text
from tests.e2e.support.waiting import until
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.moving_clients import Asked, MovingClients, Tally
from tests.kubernetes.running_nodes import running_pods
from tests.kubernetes.target_groups import target_groups

HOST = "127.0.0.1"
BRIDGE_IMAGE = "mcp-test/bridge:1"
ROUTES = "health_interval = 5\nhealth_timeout = 2\nhealthy_threshold = 2\n"
DELAY = 10
"""Seconds for which what is under way at a target that is to go may take."""
_SETTINGS = """publish_address = 127.0.0.1
runtime = {runtime}
[aws]
listener_arn = {listener}
target_type = ip
target_address = {host}
[kubernetes]
kubeconfig = {kubeconfig}
namespace = {namespace}
version = 1.20
bridge_image = {bridge}
router_networks = 172.16.0.0/12
deregistration_lag = 5
"""
LAG = 2.0
"""Seconds after which pods that have come or gone are seen at the target groups."""
_PYTHON = ("get_current_time", {"timezone": "UTC"}, '"timezone": "UTC"')
_NODE = ("echo", {"message": "here"}, "here")
_ORDERS = ("order_status", {"order": "A-1"}, "shipped")


def _stdio(image: str, isolation: str, *words: str) -> dict[str, Any]:
    args = ["run", "--rm", "-i", *words, image]
    return {"command": "docker", "args": args, "orchestrator": {"isolation": isolation}}


# One of each kind in turn: its name, its entry, what it is asked, and whether its sessions outlast its container. Most
# are in Node.js, whose processes start with a quarter of the work: sessions of their own begin all the time.
KINDS: tuple[tuple[str, dict[str, Any], tuple[str, dict[str, Any], str], bool], ...] = (
    ("pooled", _stdio("mcp-sample/everything:1", "pooled", "--memory", "768m"), _NODE, True),
    ("shared", _stdio("mcp-sample/everything:1", "shared", "--memory", "768m"), _NODE, True),
    ("own", _stdio("mcp-sample/everything:1", "per_session", "--memory", "768m"), _NODE, False),
    (
        "http",
        {
            "command": "docker",
            "args": ["run", "--rm", "-p", "8000:8000", "mcp-sample/orders:1"],
            "orchestrator": {"health_path": "/health"},
        },
        _ORDERS,
        False,
    ),
    ("python", _stdio("mcp-sample/time:1", "pooled", "-e", "TZ=UTC"), _PYTHON, True),
)


class MoveScene(Site):
    """``balancer`` stands for AWS's, ``elbv2`` is a client of its API."""

    def __init__(self, root: Path, cluster: Cluster, balancer: LocalAlb) -> None:
        super().__init__(root)
        self.cluster, self.balancer, self.namespace = cluster, balancer, f"move-{FLEET}"
        self.asked: list[Asked] = []
        self.run_on("docker")

    def run_on(self, runtime: str) -> None:
        """Writes the settings."""
        more = _SETTINGS.format(
            runtime=runtime,
            listener=LISTENER_ARN,
            host=HOST,
            kubeconfig=self.etc / "kubeconfig",
            namespace=self.namespace,
            bridge=BRIDGE_IMAGE,
        )
        text = settings_text(ROUTES).replace("deregistration_delay = 1", f"deregistration_delay = {DELAY}")
        (self.etc / "settings.conf").write_text(text + more)

    def write_fleet(self, count: int, placements: Mapping[str, str] = MappingProxyType({})) -> None:
        """Writes a config of so many servers; ``placements`` are those of some, by name."""
        servers = {}
        self.asked = []
        for number in range(count):
            kind, entry, (tool, arguments, answer), moves = KINDS[number % len(KINDS)]
            name = f"{kind}-{number // len(KINDS)}"
            placed = {"placement": placements[name]} if name in placements else {}
            servers[name] = {**entry, "orchestrator": {**entry["orchestrator"], **placed}}
            url = f"{self.balancer.url}/mcp/{name}/mcp"
            self.asked.append(Asked(name, url, tool, arguments, answer, moves))
        self.write_config(servers)

    def bootstrap(self) -> None:
        """Gives the fleet its place in the cluster, as an administrator."""
        run = self.play("bootstrap_kubernetes", "-e", f"bootstrap_kubeconfig={self.cluster.kubeconfig}")
        assert run.code == 0, run.output

    def targets(self) -> dict[str, dict[str, str]]:
        """The state of each target, by target group and address."""
        api = self.balancer.client
        return {
            group["TargetGroupName"]: {
                f"{each['Target']['Id']}:{each['Target']['Port']}": each["TargetHealth"]["State"]
                for each in api.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
                    "TargetHealthDescriptions"
                ]
            }
            for group in api.describe_target_groups()["TargetGroups"]
        }

    def served_by(self) -> dict[str, set[str]]:
        """Who serves each server, by name: "host", "pods" or both, by the healthy targets of its group."""
        found: dict[str, set[str]] = {each.name: set() for each in self.asked}
        for group, targets in self.targets().items():
            server = next((name for name in found if group.startswith(f"{FLEET}-{name}-")), None)
            if server is not None:
                healthy = [address for address, state in targets.items() if state == "healthy"]
                found[server] |= {"host" if each.startswith(f"{HOST}:") else "pods" for each in healthy}
        return found

    def is_served_by(self, who: str, *, alone: bool = True) -> None:
        """Waits until all servers are served by "host" or "pods", and by nobody else where it is ``alone``."""

        def is_so() -> bool:
            return all(each == {who} if alone else who in each for each in self.served_by().values())

        until(is_so, lambda: f"{who}: {self.served_by()}")

    def pods(self) -> list[str]:
        """The pods that are there, those that are to end among them."""
        return [each["metadata"]["name"] for each in self.cluster.api.list("Pod", self.namespace)]


def build_bridge_image() -> None:
    """Builds the image as make bridge-image does."""
    words = [sys.executable, "-m", "bridge.runtime.image", "--tag", BRIDGE_IMAGE]
    subprocess.run(words, cwd=PROJECT / "files", check=True, stdout=subprocess.DEVNULL)


@contextmanager
def move_scene() -> Iterator[MoveScene]:
    """All of it until the block ends; nothing is left."""
    # Not one of pytest's folders: those are root's alone, and the services run as users of their own.
    root = Path(tempfile.mkdtemp(prefix="mcp-move-", dir="/var/tmp"))
    root.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        folders = {name: root / name for name in ("cluster", "balancer", "site")}
        for each in folders.values():
            each.mkdir()
        build_bridge_image()
        balancer = stack.enter_context(running(LocalAlb(folders["balancer"])))
        access = {"AWS_ENDPOINT_URL": balancer.endpoint_url, **{name.upper(): key for name, key in ACCESS_KEY.items()}}
        stack.enter_context(patch.dict(os.environ, access))
        cluster = stack.enter_context(running_pods(folders["cluster"]))
        stack.enter_context(target_groups(cluster, balancer.client, LAG))
        site = MoveScene(folders["site"], cluster, balancer)
        stack.callback(site.play, "teardown")
        yield site


@dataclass(frozen=True)
class Stage:
    """What clients met from the stage before to the end of this one. ``seconds`` is how long that took."""

    name: str
    seconds: float
    tally: Tally


def walk(site: MoveScene, clients: MovingClients) -> Iterator[Stage]:
    """The way of docs/kubernetes.md with clients at work: a host to the cluster and back. Yields each stage.

    A run is the part of setup.sh that concerns servers, which an edit of the settings starts as well.
    """
    begun = time.monotonic()

    def seen(name: str) -> Stage:
        nonlocal begun
        begun, former = time.monotonic(), begun
        return Stage(name, begun - former, clients.take())

    until(lambda: clients.visits >= len(site.asked), "the clients have begun")
    yield seen("on the host")
    site.run_on("kubernetes")
    _good(site.reconcile())
    site.is_served_by("pods", alone=False)  # the host goes at once where pods are healthy before the run comes to it
    yield seen("a run with runtime = kubernetes")
    _good(site.reconcile())
    site.is_served_by("pods")
    assert not site.containers()
    yield seen("the next run")
    until(lambda: clients.visits >= len(site.asked), "the clients go on")
    yield seen("on the cluster")
    assert _good(site.reconcile()).changed == 0
    site.run_on("docker")
    _good(site.reconcile())
    site.is_served_by("host", alone=False)
    yield seen("a run with runtime = docker")
    _good(site.play("leave_kubernetes"))
    until(lambda: not site.pods(), lambda: f"the pods have ended: {site.pods()}", 180)
    site.is_served_by("host")
    yield seen("make leave-kubernetes")
    until(lambda: clients.visits >= len(site.asked), "the clients go on")
    yield seen("on the host again")


def _good(run: Run) -> Run:
    assert run.code == 0, run.output
    return run
