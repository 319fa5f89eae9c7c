"""Nodes whose pods really serve: running_nodes.py URL FOLDER PORT NODE...

As the made-up nodes are, but each pod's containers run on this machine's Docker engine, in a network of their own, and
the pod's address is its container's. Init containers come first, the probes for startup and readiness are asked, and a
pod that is to end runs its hook and has its grace. There is no liveness probe, and nothing keeps a NetworkPolicy.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import docker
import requests
from docker.models.containers import Container

from tests.kubernetes import pod_containers, pod_status
from tests.kubernetes.api import Api, ApiError, Object
from tests.kubernetes.cluster import Cluster, running
from tests.kubernetes.nodes import Nodes, node_api, serve

MODULE = "tests.kubernetes.running_nodes"
LABEL = "mcp_test_cluster"
AT_ONCE = threading.Semaphore(2)


class RunningNodes(Nodes):
    """``folder`` is the cluster's."""

    def __init__(self, api: Api, names: list[str], port: int, folder: Path) -> None:
        super().__init__(api, names, port)
        self.api, self.folder, self.network = api, folder, network_of(folder)
        self.engine = docker.from_env()
        if not self.engine.networks.list(names=[self.network]):
            self.engine.networks.create(self.network, labels={LABEL: self.network})
        self._pods: dict[str, RunningPod] = {}

    def _say(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if uid not in self._pods:
            self._pods[uid] = RunningPod(self, pod)
            threading.Thread(target=self._pods[uid].live, daemon=True).start()

    def _heed(self, pod: Object) -> None:
        """What a container does is its own matter here."""

    def _end(self, pod: Object) -> None:
        known = self._pods.get(pod["metadata"]["uid"])
        if known is None:
            super()._end(pod)
        elif not known.ending.is_set():
            known.ending.set()
            seconds = pod["metadata"]["deletionGracePeriodSeconds"]
            threading.Thread(target=lambda: (known.end(seconds), Nodes._end(self, pod)), daemon=True).start()

    def tell(self, pod: Object, fault: str, secret: str = "") -> None:
        """Says what became of a pod."""
        now, address = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), pod["status"].get("podIP", "")
        with suppress(ApiError, requests.RequestException):  # it is gone
            self._write(pod, fault, pod_status.status(pod, fault, now, address, secret=secret), secret)

    def secret(self, namespace: str, name: str, key: str) -> str | None:
        """Returns the value of a Secret's key."""
        try:
            data = self.api.read("Secret", name, namespace).get("data") or {}
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return base64.b64decode(data[key]).decode() if key in data else None


class RunningPod:
    """One pod and its container."""

    def __init__(self, nodes: RunningNodes, pod: Object) -> None:
        self._nodes, self._pod = nodes, {**pod, "status": {}}
        self._folder = nodes.folder / "pods" / pod["metadata"]["uid"]
        self.ending, self._starting = threading.Event(), threading.Lock()
        self.container: Container | None = None

    def live(self) -> None:
        """Starts the pod's containers one after the other, and tells whether it is ready, until it is to end."""
        while not self.ending.is_set():
            try:
                with AT_ONCE, self._starting:
                    if not self.ending.is_set():
                        self._start()
                break
            except docker.errors.ImageNotFound:
                self._nodes.tell(self._pod, "image-pull-error")
            except LookupError as missing:
                self._nodes.tell(self._pod, "missing-secret", str(missing.args[0]))
            except (docker.errors.APIError, RuntimeError) as error:
                print(f"{self._pod['metadata']['name']}: {error}", file=sys.stderr, flush=True)
                self._nodes.tell(self._pod, "crash-loop")
            self.ending.wait(5)
        if not self.ending.is_set():
            self._watch()

    def end(self, grace: int) -> None:
        """Runs the hook, then asks the container to end, and kills it when the grace is over."""
        deadline = time.monotonic() + grace
        with self._starting:
            container = self.container
        if container is None:
            return
        hook = ((self._server().get("lifecycle") or {}).get("preStop") or {}).get("exec")
        if hook:
            code, said = container.exec_run(hook["command"])
            if code:
                print(f"preStop of {container.name} failed with {code}: {said!r}", file=sys.stderr, flush=True)
        container.stop(timeout=max(1, round(deadline - time.monotonic())))
        container.remove(v=True, force=True)

    def _server(self) -> Object:
        return dict(self._pod["spec"]["containers"][0])

    def _start(self) -> None:
        for each in self._pod["spec"].get("initContainers", ()):
            first = self._made(each)
            try:
                first.start()
                if code := first.wait()["StatusCode"]:
                    raise RuntimeError(f"init container {each['name']} ended with {code}: {first.logs()!r}")
            finally:
                first.remove(v=True, force=True)
        made = self._made(self._server())
        made.start()
        made.reload()
        self.container = made
        self._pod["status"]["podIP"] = made.attrs["NetworkSettings"]["Networks"][self._nodes.network]["IPAddress"]
        threading.Thread(target=self._read_log, args=(made,), daemon=True).start()
        self._nodes.tell(self._pod, pod_status.NEVER_READY)

    def _read_log(self, container: Container) -> None:
        with suppress(docker.errors.APIError, requests.RequestException):  # it is gone
            for line in container.logs(stream=True, follow=True):
                self._nodes.logs.say(self._pod["metadata"]["uid"], line.decode(errors="replace").rstrip("\n"))

    def _made(self, container: Object) -> Container:
        metadata, nodes = self._pod["metadata"], self._nodes

        def secret(name: str, key: str) -> str | None:
            return nodes.secret(metadata["namespace"], name, key)

        for place in pod_containers.directories(self._pod, container, self._folder):
            if not place.exists():
                place.mkdir(parents=True)
                place.chmod(0o777)
        words = pod_containers.arguments(self._pod, container, self._folder, secret)
        return nodes.engine.containers.create(
            **words,
            name=f"{nodes.network}-{metadata['uid']}-{container['name']}",
            network=nodes.network,
            labels={LABEL: nodes.network},
        )

    def _watch(self) -> None:
        """Asks the probes, and starts a container again that has ended."""
        server, was_ready, failures = self._server(), False, 0
        probe = server.get("startupProbe") or server["readinessProbe"]
        while not self.ending.wait(probe["periodSeconds"]):
            assert self.container
            with suppress(docker.errors.NotFound):
                self.container.reload()
                if self.container.status == "exited" and not self.ending.is_set():
                    self.container.start()
            answers = _answers(server, probe, self._pod["status"]["podIP"])
            failures = 0 if answers else failures + 1
            if answers:
                probe = server["readinessProbe"]
            is_ready = answers or (was_ready and failures < probe["failureThreshold"])
            if is_ready != was_ready and not self.ending.is_set():
                self._nodes.tell(self._pod, "" if is_ready else pod_status.NEVER_READY)
            was_ready = is_ready


def _answers(container: Object, probe: Object, address: str) -> bool:
    port = next(each["containerPort"] for each in container["ports"] if each["name"] == "http")
    connection = http.client.HTTPConnection(address, port, timeout=probe["timeoutSeconds"])
    try:
        if "tcpSocket" in probe:
            connection.connect()
            return True
        asked = probe["httpGet"]
        headers = {each["name"]: each["value"] for each in asked.get("httpHeaders", ())}
        connection.request("GET", asked["path"], headers=headers)
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def network_of(folder: Path) -> str:
    """Returns the name of the network of the pods of the cluster in a folder."""
    return f"mcp-pods-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


@contextmanager
def running_pods(folder: Path) -> Iterator[Cluster]:
    """A cluster in a folder whose pods serve, until the block ends; nothing of it is left on the engine."""
    try:
        with running(folder, MODULE) as cluster:
            yield cluster
    finally:
        engine, ours = docker.from_env(), {"label": f"{LABEL}={network_of(folder)}"}
        for container in engine.containers.list(all=True, filters=ours):
            container.remove(v=True, force=True)
        for network in engine.networks.list(filters=ours):
            network.remove()


def main() -> None:
    url, folder, port, *names = sys.argv[1:]
    place = Path(folder)
    serve(RunningNodes(node_api(url, place), names, int(port), place), place, int(port))


if __name__ == "__main__":
    main()
