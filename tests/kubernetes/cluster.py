"""A cluster of a test's own: etcd, a real API server and controller manager, and nodes that only say they run pods.

Everything listens on 127.0.0.1, lives in one folder, and ends with the process that has started it.
"""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import yaml

from tests.e2e.support.certificates import make_authority, make_certificate
from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import until
from tests.kubernetes.api import Api, ApiError, Object
from tests.kubernetes.audit import AuditLog
from tests.kubernetes.programs import FOLDER

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
NODES = ("node-a", "node-b", "node-c")
# Those that make of a Deployment pods with addresses and take both away again, and those that guard them.
CONTROLLERS = (
    "deployment",
    "replicaset",
    "endpoint",
    "endpointslice",
    "namespace",
    "serviceaccount",
    "serviceaccount-token",
    "garbagecollector",
    "podgc",
    "disruption",
    "horizontalpodautoscaling",
    "nodelifecycle",
    "resourcequota",
)
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "users": ["system:apiserver", "controllers", "nodes"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata"},
    ],
}


class Cluster:
    """``url`` is where its API server is, ``kubeconfig`` a file by which one is its administrator, as ``api`` is.

    ``nodes`` is the module of the program that stands for the nodes.
    """

    def __init__(self, folder: Path, nodes: str = "tests.kubernetes.nodes") -> None:
        self.folder = folder
        self._nodes = nodes
        self.etcd, self.peers, self.port = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        make_authority(folder)
        make_certificate(folder, "server", "/CN=kube-apiserver", "IP:127.0.0.1", "DNS:localhost")
        make_certificate(folder, "accounts", "/CN=accounts")
        for name, subject in (
            ("admin", "/O=system:masters/CN=admin"),
            ("controllers", "/O=system:masters/CN=controllers"),
            ("nodes", "/O=system:masters/CN=nodes"),
        ):
            make_certificate(folder, name, subject)
            shown = {"client-certificate-data": f"{name}.pem", "client-key-data": f"{name}-key.pem"}
            self._write_kubeconfig(name, shown)
        (folder / "audit.yaml").write_text(yaml.safe_dump(_AUDIT))
        self.kubeconfig = folder / "admin.kubeconfig"
        self.api = self.new_api()
        self.audit = AuditLog(folder / "audit.log")

    def new_api(self) -> Api:
        """Returns another way to the API server as its administrator, with connections of its own."""
        place = self.folder
        return Api(self.url, str(place / "ca.pem"), (str(place / "admin.pem"), str(place / "admin-key.pem")))

    def start(self) -> None:
        """Starts everything, and waits until pods would run."""
        self._start_etcd()
        self.start_api_server()
        self._start_controllers()
        self.kubectl("apply", "--server-side", "-f", str(Path(__file__).parent / "crds.yaml"))
        self.start_nodes()
        until(self._is_inhabited, "the nodes are ready", PATIENCE)

    def stop(self) -> None:
        """Ends everything."""
        self.api.close()
        for name in reversed(self.processes):
            self.processes[name].kill()
        for process in self.processes.values():
            process.wait()

    def start_api_server(self) -> None:
        """Starts the API server, and waits until it is ready."""
        place = self.folder
        self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--advertise-address=192.0.2.1",  # nobody asks there: see the next one
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--tls-cert-file={place}/server.pem",
            f"--tls-private-key-file={place}/server-key.pem",
            f"--client-ca-file={place}/ca.pem",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={place}/accounts.pem",
            f"--service-account-signing-key-file={place}/accounts-key.pem",
            "--authorization-mode=RBAC",
            "--kubelet-preferred-address-types=InternalIP",
            f"--audit-policy-file={place}/audit.yaml",
            f"--audit-log-path={place}/audit.log",
            "--profiling=false",
        )
        until(lambda: self._is_running("kube-apiserver") and self._is_ready(), "the API server is ready", PATIENCE)

    def stop_api_server(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Ends the API server alone; what it knew stays in etcd."""
        process = self.processes.pop("kube-apiserver")
        process.send_signal(number)
        process.wait(PATIENCE)

    def start_nodes(self) -> None:
        """Starts what stands for the nodes, with the kubelets' own port."""
        words = [sys.executable, "-m", self._nodes, self.url, str(self.folder), str(free_port()), *NODES]
        self._run("nodes", program=words)

    def stop_nodes(self) -> None:
        """Ends all kubelets: pods keep what has been said of them, and nothing new becomes of any."""
        process = self.processes.pop("nodes")
        process.kill()
        process.wait()

    def kubectl(self, *words: str, user: Path | None = None) -> str:
        """Runs kubectl as the administrator or with another kubeconfig, and returns what it wrote.

        Raises AssertionError with its complaint where it fails.
        """
        done = subprocess.run(
            [FOLDER / "kubectl", f"--cache-dir={self.folder}/kubectl", "--kubeconfig", user or self.kubeconfig, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def account_kubeconfig(self, namespace: str, account: str) -> Path:
        """Returns a kubeconfig of a ServiceAccount, by a token of its own."""
        path = f"api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
        token = self.api.post(path, body)["status"]["token"]
        return self._write_kubeconfig(f"{namespace}-{account}", {"token": token}, namespace)

    def _start_etcd(self) -> None:
        clients, peers = f"http://127.0.0.1:{self.etcd}", f"http://127.0.0.1:{self.peers}"
        self._run(
            "etcd",
            f"--data-dir={self.folder}/etcd",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
        )

    def _start_controllers(self) -> None:
        self._run(
            "kube-controller-manager",
            f"--kubeconfig={self.folder}/controllers.kubeconfig",
            f"--controllers={','.join(CONTROLLERS)}",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.folder}/accounts-key.pem",
            f"--root-ca-file={self.folder}/ca.pem",
            "--leader-elect=false",
            "--port=0",
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--horizontal-pod-autoscaler-sync-period=2s",
            "--node-monitor-grace-period=120s",  # a machine may be busy; nodes say themselves when they are lost
            "--profiling=false",
        )

    def _run(self, name: str, *options: str, program: list[str] | None = None) -> None:
        words = program or [str(FOLDER / name), *options]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *words],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _is_running(self, name: str) -> bool:
        code = self.processes[name].poll()
        assert code is None, f"{name} ended with {code}: {(self.folder / f'{name}.log').read_text()[-3000:]}"
        return True

    def _is_ready(self) -> bool:
        try:
            return self.api.text("readyz") == "ok"
        except (ApiError, requests.RequestException):
            return False

    def _is_inhabited(self) -> bool:
        for name in self.processes:
            self._is_running(name)
        ready = [each["metadata"]["name"] for each in self.api.list("Node") if is_true(each, "Ready")]
        return sorted(ready) == sorted(NODES) and bool(self.api.list("ServiceAccount", "default"))

    def _write_kubeconfig(self, name: str, user: dict[str, str], namespace: str = "default") -> Path:
        encoded = {
            key: base64.b64encode((self.folder / value).read_bytes()).decode() if key.endswith("-data") else value
            for key, value in user.items()
        }
        authority = base64.b64encode((self.folder / "ca.pem").read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        context = {"cluster": "test", "user": name, "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": encoded}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        }
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path


def is_true(each: Object, condition: str) -> bool:
    """Whether a condition of an object holds."""
    said = each.get("status", {}).get("conditions", ())
    return any(one["type"] == condition and one["status"] == "True" for one in said)


@contextmanager
def running(folder: Path, nodes: str = "tests.kubernetes.nodes") -> Iterator[Cluster]:
    """A cluster in a folder, until the block ends."""
    cluster = Cluster(folder, nodes)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
