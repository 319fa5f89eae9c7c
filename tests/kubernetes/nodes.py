"""What stands for the nodes of a cluster: nodes.py URL FOLDER PORT NODE...

It registers the nodes, gives each pod a node and an address, and says of it what a kubelet would; nothing runs. A pod
fails as tests.kubernetes.pod_status says. A node with the annotation ``fault: lost`` is one that no longer answers.
Its log is asked of it by the API server, at PORT, as of a kubelet: lines come with its start, and with the annotation
``says``, a list as JSON. With another annotation ``ended``, ``REASON CODE``, its container ends and is started again.
Ways to ports of pods are asked for there as well.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

from tests.kubernetes import pod_status
from tests.kubernetes.api import STRATEGIC, Api, ApiError, Object
from tests.kubernetes.container_logs import ContainerLogs, since_of, written
from tests.kubernetes.port_forward import serve_port_forward

HEARTBEAT_SECONDS = 10
RETRY_SECONDS = 1.0
ARCHITECTURES = ("amd64", "amd64", "arm64")
LOST = "lost"
STAND_IN = "stand-in"
"""The label of a pod in whose place a server at this port of the machine answers to a port forward."""


class Nodes:
    """All nodes. ``port`` is where their logs are asked for."""

    def __init__(self, api: Api, names: list[str], port: int) -> None:
        self._api = api
        self._port = port
        self._nodes: dict[str, Object] = {name: {} for name in names}
        self._said: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._turn = 0
        self.logs = ContainerLogs()
        self._heard: dict[tuple[str, str], str] = {}
        self._restarts: dict[str, int] = {}

    def register(self) -> None:
        """Makes the nodes that are not there yet."""
        for number, name in enumerate(self._nodes):
            labels = {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": ARCHITECTURES[number % len(ARCHITECTURES)],
                "topology.kubernetes.io/zone": f"zone-{number}",
            }
            try:
                self._api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
            except ApiError as error:
                if error.status != 409:
                    raise

    def beat(self) -> None:
        """Says of each node that it is there, or that nobody knows."""
        for name in self._nodes:
            self._tell(name)

    def follow_nodes(self) -> None:
        """Follows what others make of the nodes: they are cordoned, and lost."""
        for kind, node in self._api.watch("Node"):
            name = node["metadata"]["name"]
            if kind == "DELETED" or name not in self._nodes:
                continue
            was_lost, took_pods, self._nodes[name] = self._is_lost(name), self._takes_pods(name), node
            if self._is_lost(name) != was_lost:
                self._tell(name)
            if self._is_lost(name) and not was_lost:
                self._silence(name)
            if self._takes_pods(name) and not took_pods:
                self._resume(name)

    def follow_pods(self) -> None:
        """Follows all pods and says what becomes of them."""
        for kind, pod in self._api.watch("Pod"):
            uid = pod["metadata"]["uid"]
            if kind == "DELETED":
                self._said.pop(uid, None)
                self._addresses.pop(uid, None)
                self.logs.forget(uid)
                continue
            self._settle(pod)

    def uid_of(self, namespace: str, name: str) -> str:
        """Returns that of a pod; raises ApiError where there is none."""
        return str(self._api.read("Pod", name, namespace)["metadata"]["uid"])

    def place_of(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Returns where a port of a pod is: at its own address, or at a port of this machine that its label names.

        Raises ApiError where there is no such pod.
        """
        pod = self._api.read("Pod", name, namespace)
        stand_in = (pod["metadata"].get("labels") or {}).get(STAND_IN)
        return ("127.0.0.1", int(stand_in)) if stand_in else (pod["status"]["podIP"], port)

    def _silence(self, node: str) -> None:
        """No pod of a lost node is ready: the controller manager says so when a kubelet does not speak any more."""
        not_ready = {"status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": _now()}]}}
        for pod in self._api.get("api/v1/pods", fieldSelector=f"spec.nodeName={node}")["items"]:
            with suppress(ApiError):  # it has just gone
                metadata = pod["metadata"]
                self._api.patch(
                    "Pod", metadata["name"], not_ready, metadata["namespace"], part="status", form=STRATEGIC
                )

    def _resume(self, node: str) -> None:
        """A node that is back says anew of its pods what others have said meanwhile, ends those that are to go, and
        takes pods that had no node."""
        for place in (node, ""):
            for pod in self._api.get("api/v1/pods", fieldSelector=f"spec.nodeName={place}")["items"]:
                self._said.pop(pod["metadata"]["uid"], None)
                self._settle(pod)

    def _settle(self, pod: Object) -> None:
        """Does what is due of a pod; what is no longer as it was is told by an event of its own."""
        try:
            self._handle(pod)
        except ApiError as error:
            if error.status not in (404, 409, 422):
                raise

    def _handle(self, pod: Object) -> None:
        metadata, node = pod["metadata"], pod["spec"].get("nodeName")
        if node is None:
            if not metadata.get("deletionTimestamp"):
                self._place(pod)
        elif node in self._nodes and not self._is_lost(node):
            if metadata.get("deletionTimestamp"):
                self._end(pod)
            elif pod["status"].get("phase") not in ("Failed", "Succeeded"):
                self._say(pod)
                self._heed(pod)

    def _heed(self, pod: Object) -> None:
        """Does what a test wants of a container that runs."""
        metadata = pod["metadata"]
        uid, name, namespace = metadata["uid"], metadata["name"], metadata["namespace"]
        if self._said.get(uid) in pod_status.NOT_STARTED:
            return
        if not self.logs.has(uid):
            self._begin(pod)
        if (says := self._news(pod, "says")) is not None:
            self.logs.say(uid, *json.loads(says))
        if (ended := self._news(pod, "ended")) is not None:
            reason, code = ended.split()[:2]
            self._restarts[uid] = self._restarts.get(uid, 0) + 1
            self.logs.restart(uid)
            self._begin(pod)
            said = pod_status.status(pod, "", _now(), self._address(pod))
            said = pod_status.restarted(said, reason, int(code), self._restarts[uid])
            self._api.patch("Pod", name, {"status": said}, namespace, part="status")

    def _begin(self, pod: Object) -> None:
        log = pod_status.LOGS.get(pod_status.fault_of(pod), pod_status.GOOD_LOG)
        if pod_status.fault_of(pod) == "crash-loop":
            self.logs.say(pod["metadata"]["uid"], *log.splitlines())
            self.logs.restart(pod["metadata"]["uid"])
        self.logs.say(pod["metadata"]["uid"], *log.splitlines())

    def _news(self, pod: Object, annotation: str) -> str | None:
        """Returns an annotation that has another value than it had."""
        key = pod["metadata"]["uid"], annotation
        value = (pod["metadata"].get("annotations") or {}).get(annotation)
        if value is None or self._heard.get(key) == value:
            return None
        self._heard[key] = value
        return str(value)

    def _end(self, pod: Object) -> None:
        """Lets go of a pod that is to end and has."""
        metadata = pod["metadata"]
        known = {"uid": metadata["uid"]}
        self._api.delete("Pod", metadata["name"], metadata["namespace"], gracePeriodSeconds=0, preconditions=known)

    def _place(self, pod: Object) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        wanted = (pod["spec"].get("nodeSelector") or {}).items()
        fitting = [
            each
            for each, node in self._nodes.items()
            if self._takes_pods(each) and wanted <= ((node.get("metadata") or {}).get("labels") or dict(wanted)).items()
        ]
        if not fitting or pod_status.fault_of(pod) == pod_status.UNSCHEDULABLE:
            if self._is_news(pod, pod_status.UNSCHEDULABLE):
                self._write(pod, pod_status.UNSCHEDULABLE, pod_status.unscheduled(_now()))
            return
        self._turn += 1
        target = {"apiVersion": "v1", "kind": "Node", "name": fitting[self._turn % len(fitting)]}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
        self._api.post(f"api/v1/namespaces/{namespace}/pods/{name}/binding", body)

    def _say(self, pod: Object) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        fault, secret = pod_status.fault_of(pod), ""
        if not fault and self._said.get(pod["metadata"]["uid"]) != "":
            secret = next((each for each in sorted(pod_status.secrets_of(pod)) if not self._has(each, namespace)), "")
            if secret:
                fault = "missing-secret"
                self._later(lambda: self._again(name, namespace))
        if self._is_news(pod, fault):
            self._write(pod, fault, pod_status.status(pod, fault, _now(), self._address(pod), secret=secret), secret)

    def _write(self, pod: Object, fault: str, said: Object, secret: str = "") -> None:
        self._api.patch("Pod", pod["metadata"]["name"], {"status": said}, pod["metadata"]["namespace"], part="status")
        self._said[pod["metadata"]["uid"]] = fault
        if fault:
            self._tell_event(pod, fault, secret)

    def _again(self, name: str, namespace: str) -> None:
        with suppress(ApiError, requests.RequestException):  # it is gone, or its next event comes
            self._handle(self._api.read("Pod", name, namespace))

    def _has(self, secret: str, namespace: str) -> bool:
        try:
            return bool(self._api.read("Secret", secret, namespace))
        except ApiError as error:
            if error.status == 404:
                return False
            raise

    def _is_news(self, pod: Object, fault: str) -> bool:
        """Whether this was not what was said of a pod last."""
        return self._said.get(pod["metadata"]["uid"]) != fault

    def _address(self, pod: Object) -> str:
        uid = pod["metadata"]["uid"]
        known = pod["status"].get("podIP") or self._addresses.get(uid)
        if known is None:
            used = set(self._addresses.values())
            places = (f"10.244.{high}.{low}" for high in range(256) for low in range(1, 255))
            known = next(each for each in places if each not in used)
        self._addresses[uid] = known
        return known

    def _is_lost(self, name: str) -> bool:
        annotations = (self._nodes[name].get("metadata") or {}).get("annotations") or {}
        return annotations.get(pod_status.ANNOTATION) == LOST

    def _takes_pods(self, name: str) -> bool:
        return not self._is_lost(name) and not (self._nodes[name].get("spec") or {}).get("unschedulable")

    def _tell(self, name: str) -> None:
        """The status of a node. A lost one's is what the controller manager says of it after its patience."""
        plenty = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        ready: Object = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": _now()}
        if self._is_lost(name):
            ready |= {"status": "Unknown", "reason": "NodeStatusUnknown"}
        said = {
            "capacity": plenty,
            "allocatable": plenty,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._port}},
            "conditions": [ready],
        }
        self._api.patch("Node", name, {"status": said}, part="status")

    def _tell_event(self, pod: Object, fault: str, secret: str = "") -> None:
        metadata, now = pod["metadata"], _now()
        reason, message = pod_status.EVENTS[fault]
        said = message.format(image=pod["spec"]["containers"][-1]["image"], secret=secret)
        about = {"apiVersion": "v1", "kind": "Pod", **{key: metadata[key] for key in ("name", "namespace", "uid")}}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
            "involvedObject": about,
            "reason": reason,
            "message": said,
            "type": "Warning",
            "source": {"component": "kubelet"},
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
        }
        self._api.create(body, metadata["namespace"])

    @staticmethod
    def _later(do: Callable[[], None]) -> None:
        timer = threading.Timer(RETRY_SECONDS, do)
        timer.daemon = True
        timer.start()


def serve_kubelet(nodes: Nodes, folder: Path, port: int) -> None:
    """Serves the logs of containers, and ports of pods, as a kubelet does, until the process ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            parts, options = asked.path.strip("/").split("/"), parse_qs(asked.query)
            follow, previous = (options.get(name) == ["true"] for name in ("follow", "previous"))
            since, last = since_of(options.get("sinceTime", [""])[0]), int(options.get("tailLines", ["100000"])[0])
            try:
                if parts[0] == "portForward":
                    port = int(options["port"][0])
                    serve_port_forward(self, *nodes.place_of(parts[1], parts[2], port), parts[2])
                    return
                found = nodes.logs.read(nodes.uid_of(parts[1], parts[2]), previous=previous, follow=follow)
                if follow:
                    self._send(found, since, options)
                else:
                    self._send(iter([each for each in found if each is not None][-last:]), since, options)
            except ApiError as error:
                self.send_error(error.status)
            except KeyError:
                self.send_error(400, "the container is waiting to start, or there was none before")

        def _send(self, found: Iterator[tuple[int, str] | None], since: int, options: dict[str, list[str]]) -> None:
            """Sends lines as they come. As from a kubelet, the answer begins with the first of them."""
            begun = False
            for each in found:
                if each is not None and each[0] >= since:
                    if not begun:
                        self.send_response(200)
                        self.end_headers()
                    begun = True
                    line = written(*each) if options.get("timestamps") == ["true"] else each[1]
                    self.wfile.write(f"{line}\n".encode())
            if not begun:
                self.send_response(200)
                self.end_headers()

        def log_message(self, format: str, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def for_ever(do: Callable[[], None], pause: float) -> None:
    """Does something again and again; an API server that is away is waited for."""
    while True:
        try:
            do()
        except (ApiError, requests.RequestException, ValueError) as error:
            print(f"{do.__name__}: {error}", file=sys.stderr, flush=True)
            time.sleep(0.3)
        time.sleep(pause)


def main() -> None:
    url, folder, port, *names = sys.argv[1:]
    place = Path(folder)
    serve(Nodes(node_api(url, place), names, int(port)), place, int(port))


def node_api(url: str, folder: Path) -> Api:
    """Returns the nodes' way to the API server."""
    return Api(url, str(folder / "ca.pem"), (str(folder / "nodes.pem"), str(folder / "nodes-key.pem")))


def serve(nodes: Nodes, place: Path, port: int) -> None:
    """Is these nodes until the process ends."""
    nodes.register()
    for do, pause in ((nodes.beat, HEARTBEAT_SECONDS), (nodes.follow_nodes, 0)):
        threading.Thread(target=for_ever, args=(do, pause), daemon=True).start()
    threading.Thread(target=serve_kubelet, args=(nodes, place, port), daemon=True).start()
    for_ever(nodes.follow_pods, 0)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()
