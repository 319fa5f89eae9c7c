"""What stands for the AWS Load Balancer Controller: it brings ready pods into the target groups of TargetGroupBindings.

As kubernetes-sigs/aws-load-balancer-controller does at 3.x (resource_manager.go and multicluster_manager.go in
pkg/targetgroupbinding, targetgroupbinding_mutator.go and targetgroupbinding_validator.go in webhooks/elbv2): a binding
is admitted when its target group is there, whose ARN it gets and keeps. Ready addresses are registered, and those that
are no longer ready deregistered; with multiClusterTargetGroup, as ours have, only targets that it has noted as its own
in a ConfigMap. A binding that goes takes its targets along, by a finalizer. It looks every ``pause`` seconds, where the
real one is told.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from tests.kubernetes.api import ApiError, Object
from tests.kubernetes.cluster import Cluster

FINALIZER = "elbv2.k8s.aws/resources"
KIND = "TargetGroupBinding"
IMMUTABLE = ("targetGroupARN", "targetType", "ipAddressType", "vpcID")
Targets = set[tuple[str, int]]


class Controller:
    """``elbv2`` is a client of boto3."""

    def __init__(self, cluster: Cluster, elbv2: Any, pause: float) -> None:
        self._api, self._elbv2, self._pause = cluster.new_api(), elbv2, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it; what it has registered stays."""
        self._stop.set()
        self._thread.join()
        self._api.close()

    def admit(self, review: Object) -> Object:
        """Returns the answer to the API server that asks whether a binding may be written."""
        asked = review["request"]
        spec = asked["object"]["spec"]
        answer: Object = {"uid": asked["uid"], "allowed": True}
        if asked["operation"] == "CREATE":
            try:
                group = self._group(spec)
            except (ClientError, ValueError) as error:
                return {**answer, "allowed": False, "status": {"message": str(error)}}
            added = {
                "targetGroupARN": group["TargetGroupArn"],
                "ipAddressType": "ipv4",
                "vpcID": group["VpcId"],
                "targetGroupProtocol": group["Protocol"],
            }
            patch = [{"op": "add", "path": f"/spec/{name}", "value": value} for name, value in added.items()]
            return {**answer, "patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
        before = asked["oldObject"]["spec"]
        changed = [f"spec.{name}" for name in IMMUTABLE if spec.get(name) != before.get(name)]
        if changed:
            message = f"{KIND} update may not change these fields: {','.join(changed)}"
            return {**answer, "allowed": False, "status": {"message": message}}
        return answer

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            try:
                for binding in self._api.list(KIND):
                    self._reconcile(binding)
            except (ApiError, BotoCoreError, ClientError, requests.RequestException) as error:
                print(f"target groups: {error}", file=sys.stderr, flush=True)

    def _reconcile(self, binding: Object) -> None:
        metadata, arn = binding["metadata"], binding["spec"]["targetGroupARN"]
        if metadata.get("deletionTimestamp"):
            self._clean_up(binding)
            return
        if FINALIZER not in (metadata.get("finalizers") or ()):
            self._change(binding, {"finalizers": [*(metadata.get("finalizers") or ()), FINALIZER]})
        ready, registered, own = self._ready(binding), self._registered(arn), self._noted(binding)
        self._call("deregister_targets", arn, (registered - ready) & (own or set()))
        self._call("register_targets", arn, ready - registered)
        if ready != own:
            self._note(binding, ready, is_new=own is None)

    def _clean_up(self, binding: Object) -> None:
        metadata, arn = binding["metadata"], binding["spec"]["targetGroupARN"]
        if FINALIZER not in (metadata.get("finalizers") or ()):
            return
        own = self._noted(binding)
        self._call("deregister_targets", arn, self._registered(arn) & (own or set()))
        if own is not None:
            self._api.delete("ConfigMap", _memory(binding), metadata["namespace"])
        self._change(binding, {"finalizers": [each for each in metadata["finalizers"] if each != FINALIZER]})

    def _group(self, spec: Object) -> Object:
        """The target group of a new binding. Raises ValueError where another binding has it."""
        by = (
            {"TargetGroupArns": [spec["targetGroupARN"]]}
            if "targetGroupARN" in spec
            else {"Names": [spec["targetGroupName"]]}
        )
        group = dict(self._elbv2.describe_target_groups(**by)["TargetGroups"][0])
        for each in self._api.list(KIND):
            if each["spec"]["targetGroupARN"] == group["TargetGroupArn"]:
                raise ValueError(
                    f"TargetGroup {group['TargetGroupArn']} is already bound to {each['metadata']['name']}"
                )
        return group

    def _registered(self, arn: str) -> Targets:
        """What a target group has, without what is leaving it."""
        found = self._elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        staying = [each["Target"] for each in found if each["TargetHealth"]["State"] != "draining"]
        return {(each["Id"], each["Port"]) for each in staying}

    def _ready(self, binding: Object) -> Targets:
        """The ready addresses of a binding's Service."""
        name, namespace = binding["spec"]["serviceRef"]["name"], binding["metadata"]["namespace"]
        try:
            endpoints = self._api.read("Endpoints", name, namespace)
        except ApiError as error:
            if error.status == 404:
                return set()
            raise
        return {
            (address["ip"], port["port"])
            for subset in endpoints.get("subsets") or ()
            for address in subset.get("addresses") or ()
            for port in subset["ports"]
        }

    def _call(self, operation: str, arn: str, targets: Targets) -> None:
        if targets:
            told = [{"Id": address, "Port": port} for address, port in sorted(targets)]
            getattr(self._elbv2, operation)(TargetGroupArn=arn, Targets=told)

    def _noted(self, binding: Object) -> Targets | None:
        """The targets that are its own, None where it has noted none yet."""
        try:
            memory = self._api.read("ConfigMap", _memory(binding), binding["metadata"]["namespace"])
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        pairs = [each.rpartition(":") for each in memory["data"]["targets"].split(",") if each]
        return {(address, int(port)) for address, _colon, port in pairs}

    def _note(self, binding: Object, targets: Targets, *, is_new: bool) -> None:
        namespace = binding["metadata"]["namespace"]
        data = {"targets": ",".join(f"{address}:{port}" for address, port in sorted(targets))}
        if is_new:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _memory(binding)}, "data": data}
            self._api.create(body, namespace)
        else:
            self._api.patch("ConfigMap", _memory(binding), {"data": data}, namespace)

    def _change(self, binding: Object, metadata: Object) -> None:
        self._api.patch(KIND, binding["metadata"]["name"], {"metadata": metadata}, binding["metadata"]["namespace"])


def _memory(binding: Object) -> str:
    return f"aws-lbc-targets-{binding['metadata']['name']}"


@contextmanager
def target_groups(cluster: Cluster, elbv2: Any, pause: float) -> Iterator[Controller]:
    """The controller of a cluster until the block ends."""
    controller = Controller(cluster, elbv2, pause)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({**review, "response": controller.admit(review)}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cluster.folder / "server.pem", cluster.folder / "server-key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        cluster.api.create(_webhook(cluster, server.server_port))
        yield controller
    finally:
        cluster.api.delete("MutatingWebhookConfiguration", "aws-load-balancer-webhook")
        controller.close()
        server.shutdown()
        server.server_close()


def _webhook(cluster: Cluster, port: int) -> Object:
    authority = base64.b64encode((cluster.folder / "ca.pem").read_bytes()).decode()
    rule = {
        "apiGroups": ["elbv2.k8s.aws"],
        "apiVersions": ["v1beta1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["targetgroupbindings"],
    }
    hook = {
        "name": "mtargetgroupbinding.elbv2.k8s.aws",
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": authority},
        "rules": [rule],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "aws-load-balancer-webhook"},
        "webhooks": [hook],
    }
