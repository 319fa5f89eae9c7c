"""The API of a cluster as JSON over HTTP, without any client's own ideas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter

Object = dict[str, Any]
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
PLACES = {
    "Namespace": "api/v1/namespaces",
    "Node": "api/v1/nodes",
    "CustomResourceDefinition": "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "ServiceAccount": "api/v1/namespaces/{}/serviceaccounts",
    "Secret": "api/v1/namespaces/{}/secrets",
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Service": "api/v1/namespaces/{}/services",
    "Endpoints": "api/v1/namespaces/{}/endpoints",
    "Pod": "api/v1/namespaces/{}/pods",
    "Event": "api/v1/namespaces/{}/events",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "ReplicaSet": "apis/apps/v1/namespaces/{}/replicasets",
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "MutatingWebhookConfiguration": "apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "Ingress": "apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "PodDisruptionBudget": "apis/policy/v1beta1/namespaces/{}/poddisruptionbudgets",
    "HorizontalPodAutoscaler": "apis/autoscaling/v2beta2/namespaces/{}/horizontalpodautoscalers",
    "Role": "apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "TargetGroupBinding": "apis/elbv2.k8s.aws/v1beta1/namespaces/{}/targetgroupbindings",
    "ExternalSecret": "apis/external-secrets.io/v1/namespaces/{}/externalsecrets",
}
"""The path of the collection of each kind that the tests know, by kind."""


class ApiError(Exception):
    """What the API server refused. ``status`` is its HTTP status, ``message`` its words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Api:
    """``url`` is where the server is; ``certificate`` are the files of a client's certificate and key, or ``token``."""

    def __init__(
        self, url: str, authority: str, certificate: tuple[str, str] | None = None, token: str | None = None
    ) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = authority
        self._session.cert = certificate
        self._session.mount("https://", HTTPAdapter(pool_maxsize=16))
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Ends its connections."""
        self._session.close()

    def get(self, path: str, **parameters: str) -> Any:
        """Returns what a path is answered with; raises ApiError."""
        return self._do("GET", path, parameters)

    def text(self, path: str, **parameters: str) -> str:
        """Returns an answer that is no JSON, such as a log."""
        answer = self._session.get(f"{self.url}/{path}", params=parameters, timeout=60)
        _raise(answer)
        return answer.text

    def list(self, kind: str, namespace: str = "", **parameters: str) -> list[Object]:
        """Returns all objects of a kind, as the server has them."""
        items: list[Object] = self.get(PLACES[kind].format(namespace), **parameters)["items"]
        return items

    def read(self, kind: str, name: str, namespace: str = "") -> Object:
        """Returns one object."""
        return dict(self.get(f"{PLACES[kind].format(namespace)}/{name}"))

    def create(self, body: Object, namespace: str = "") -> Object:
        """Creates an object and returns what it has become."""
        return dict(self._do("POST", PLACES[body["kind"]].format(namespace), {}, body))

    def patch(
        self, kind: str, name: str, body: Object, namespace: str = "", *, part: str = "", form: str = MERGE
    ) -> Object:
        """Changes an object, or a ``part`` of it such as its status, by a merge patch."""
        path = f"{PLACES[kind].format(namespace)}/{name}{'/' + part if part else ''}"
        return dict(self._do("PATCH", path, {"fieldManager": "somebody"}, body, form))

    def apply(self, body: Object, manager: str, namespace: str = "", *, force: bool = False) -> Object:
        """Applies an object on the server's side as ``manager``."""
        path = f"{PLACES[body['kind']].format(namespace)}/{body['metadata']['name']}"
        return dict(self._do("PATCH", path, {"fieldManager": manager, "force": str(force).lower()}, body, APPLY))

    def delete(self, kind: str, name: str, namespace: str = "", **options: Any) -> None:
        """Removes an object. ``options`` are those of DeleteOptions."""
        self._do("DELETE", f"{PLACES[kind].format(namespace)}/{name}", {}, options)

    def post(self, path: str, body: Object) -> Object:
        """Posts to a path that is no collection of PLACES."""
        return dict(self._do("POST", path, {}, body))

    def watch(self, kind: str, seconds: int = 300) -> Iterator[tuple[str, Object]]:
        """Yields what is there and what becomes of it in all namespaces: ADDED, MODIFIED or DELETED, and the object."""
        path = PLACES[kind].replace("namespaces/{}/", "")
        parameters = {"watch": "1", "timeoutSeconds": str(seconds)}
        with self._session.get(
            f"{self.url}/{path}", params=parameters, stream=True, timeout=(5, seconds + 5)
        ) as answer:
            _raise(answer)
            for line in answer.iter_lines(chunk_size=None):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]

    def _do(
        self, method: str, path: str, parameters: dict[str, str], body: Object | None = None, form: str = ""
    ) -> Any:
        headers = {"Content-Type": form or "application/json"} if body is not None else {}
        answer = self._session.request(
            method,
            f"{self.url}/{path}",
            params=parameters,
            data=None if body is None else json.dumps(body),
            headers=headers,
            timeout=60,
        )
        _raise(answer)
        return answer.json()


def _raise(answer: requests.Response) -> None:
    if answer.status_code < 400:
        return
    try:
        message = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = answer.text
    raise ApiError(answer.status_code, message)
