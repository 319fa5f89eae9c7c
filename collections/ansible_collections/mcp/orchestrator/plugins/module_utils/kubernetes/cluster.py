# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One namespace of a cluster, as the fleet asks for and changes it.

All that is asked may be asked again: a list, an apply (server-side) and a removal of what has a uid. So answers that
say "later" are waited for, and so is an API server that is being started anew, for a bounded time.
"""

from __future__ import annotations

import json
import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import (
    NOT_FOUND,
    TOO_MANY,
    ClusterError,
    refusal,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import POD, Kind
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.port_forward import Forward, Stream, forward
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

CONNECTIONS = 8
PATIENCE = 60.0
"""Seconds for which a request is tried again: an API server that is upgraded is back by then."""
FIRST_PATIENCE = 10.0
"""The same for an API server that has never answered, whose address may be wrong."""
_LONGEST_PAUSE = 5.0
_TIMEOUT = (5, 30)
_LATER = frozenset({TOO_MANY, 500, 502, 503, 504})
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_NAMES_ALONE = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Cluster(Protocol):
    """What is asked of a cluster. All raise ClusterError."""

    namespace: str

    def get(self, kind: Kind, name: str) -> Object | None:
        """Returns an object, None where there is none."""

    def objects(
        self, kind: Kind, selector: str = "", *, fields: str = "", names_alone: bool = False
    ) -> list[Object] | None:
        """Returns all objects that bear these labels and have these fields, None where the kind is not known.

        With ``names_alone`` they have their metadata and nothing else.
        """

    def apply(self, kind: Kind, each: Object, manager: str, *, force: bool) -> Object:
        """Applies an object on the server's side. Without ``force`` it fails where others own a field otherwise."""

    def give(self, kind: Kind, each: Object, managed_fields: Sequence[Object]) -> None:
        """Says who owns the fields of an object, if it still is in this version."""

    def remove(self, kind: Kind, name: str, uid: str) -> None:
        """Removes an object, if it still is the one with this uid."""

    def log(self, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
        """Returns the last lines of a container's log, of its former process with ``previous``."""

    def forward(self, pod: str, port: int) -> AbstractContextManager[Forward]:
        """Leads a port of this host to one of a pod, until the block ends."""


class ApiServer:
    """A cluster behind Kubernetes' own Python client. The library is loaded here, where it is needed."""

    def __init__(
        self,
        kubeconfig: str,
        context: str,
        namespace: str,
        *,
        patience: float = PATIENCE,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Raises ClusterError where there is no way to a cluster."""
        self.namespace = namespace
        self._patience = patience
        self._pause = pause
        self._client = _client(kubeconfig, context)
        self._is_known = False
        self._counting = threading.Lock()
        self.requests: dict[str, int] = {}
        """How many of each method were sent, tries included; lists are counted as LIST."""

    def get(self, kind: Kind, name: str) -> Object | None:
        """Returns an object, None where there is none."""
        try:
            return self._json("GET", kind.path(self.namespace, name), f"read {kind.text} {name}")
        except ClusterError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def objects(
        self, kind: Kind, selector: str = "", *, fields: str = "", names_alone: bool = False
    ) -> list[Object] | None:
        """Returns all objects that bear these labels and have these fields, None where the kind is not known."""
        headers = {"accept": _NAMES_ALONE if names_alone else "application/json", "accept-encoding": "gzip"}
        asked = {"label_selector": selector, "field_selector": fields}
        query = {name: text for name, text in asked.items() if text}
        try:
            found = self._json(
                "GET", kind.path(self.namespace), f"list {kind.plural}", counted="LIST", header_params=headers, **query
            )
        except ClusterError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return [{**each, "apiVersion": kind.api_version, "kind": kind.kind} for each in found.get("items") or ()]

    def apply(self, kind: Kind, each: Object, manager: str, *, force: bool) -> Object:
        """Applies an object on the server's side."""
        name = each["metadata"]["name"]
        return self._json(
            "PATCH",
            kind.path(self.namespace, name),
            f"apply {kind.kind} {name}",
            body=each,
            content_type=_APPLY,
            field_manager=manager,
            force_conflicts=force,
        )

    def give(self, kind: Kind, each: Object, managed_fields: Sequence[Object]) -> None:
        """Says who owns the fields of an object, if it still is in this version."""
        metadata = each["metadata"]
        self._json(
            "PATCH",
            kind.path(self.namespace, metadata["name"]),
            f"take {kind.kind} {metadata['name']} over",
            body=[
                {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
                {"op": "replace", "path": "/metadata/managedFields", "value": list(managed_fields)},
            ],
            content_type=_JSON_PATCH,
        )

    def remove(self, kind: Kind, name: str, uid: str) -> None:
        """Removes an object, if it still is the one with this uid."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        try:
            self._json("DELETE", kind.path(self.namespace, name), f"remove {kind.kind} {name}", body=options)
        except ClusterError as error:
            if error.status not in (NOT_FOUND, 409):  # another of that name is not what was to go
                raise

    def log(self, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
        """Returns the last lines of a container's log, of its former process with ``previous``."""
        query = [("container", container), ("tailLines", lines), ("previous", "true" if previous else "false")]
        path = f"{POD.path(self.namespace, pod)}/log"
        return self._send("GET", path, f"read the log of pod {pod}", query_params=query).decode("utf-8", "replace")

    def forward(self, pod: str, port: int) -> AbstractContextManager[Forward]:
        """Leads a port of this host to one of a pod, until the block ends."""
        return forward(lambda: self._stream(pod, port))

    def _stream(self, pod: str, port: int) -> Stream:
        """A new connection to a port of a pod. Raises ClusterError."""
        from kubernetes.stream.ws_client import create_websocket, get_websocket_url
        from websocket import WebSocketBadStatusException, WebSocketException

        client, doing = self._client.client, f"connect to port {port} of pod {pod}"
        headers: dict[str, str] = {}
        client.update_params_for_auth(headers, [], ["BearerToken"])
        url = f"{self._address}{POD.path(self.namespace, pod)}/portforward"
        try:
            made: Stream = create_websocket(
                client.configuration, get_websocket_url(url, [("ports", str(port))]), headers
            )
        except WebSocketBadStatusException as error:
            raise refusal(error.status_code, error.resp_body, doing, self.namespace) from error
        except (WebSocketException, OSError) as error:
            raise ClusterError(f"cannot {doing}: {self._address} does not answer: {_reason(error)}") from error
        return made

    def _json(self, method: str, path: str, doing: str, **parameters: Any) -> Object:
        body = self._send(method, path, doing, **parameters)
        try:
            found = json.loads(body)
        except ValueError as error:
            raise ClusterError(
                f"cannot {doing}: the answer is no JSON; check who answers at {self._address}"
            ) from error
        return found if isinstance(found, dict) else {}

    def _send(self, method: str, path: str, doing: str, *, counted: str = "", **parameters: Any) -> bytes:
        start, pause = time.monotonic(), 0.25
        while True:
            with self._counting:
                name = counted or method
                self.requests[name] = self.requests.get(name, 0) + 1
            error, asked = self._once(method, path, doing, parameters)
            if isinstance(error, bytes):
                return error
            pause = max(asked, min(pause * 2, _LONGEST_PAUSE))
            patience = self._patience if self._is_known else min(self._patience, FIRST_PATIENCE)
            if asked < 0 or time.monotonic() + pause > start + patience:
                raise error
            self._pause(pause)

    def _once(
        self, method: str, path: str, doing: str, parameters: Mapping[str, Any]
    ) -> tuple[bytes | ClusterError, float]:
        """One try: the answer, or the error with the seconds after which another makes sense, -1 where none does."""
        from kubernetes.client.rest import ApiException
        from urllib3.exceptions import HTTPError

        # The library writes into what it is given.
        given = {name: dict(value) if isinstance(value, dict) else value for name, value in parameters.items()}
        given["query_params"] = list(given.get("query_params", ()))
        try:
            answer = self._client.request(method.lower(), path, serialize=False, _request_timeout=_TIMEOUT, **given)
            self._is_known = True
            return bytes(answer.data), 0.0
        except ApiException as error:
            if not error.status:
                reason = " ".join(str(error.reason).split())
                return ClusterError(f"cannot {doing}: {self._address} does not answer: {reason}"), 0.0
            self._is_known = True
            made = refusal(error.status, error.body, doing, self.namespace)
            return made, _retry_after(error.headers) if error.status in _LATER else -1.0
        except (HTTPError, OSError) as error:
            return ClusterError(f"cannot {doing}: {self._address} does not answer: {_reason(error)}"), 0.0

    @property
    def configuration(self) -> Any:
        """The library's configuration: where the API server is, and by which authority it is known."""
        return self._client.configuration

    @property
    def _address(self) -> str:
        return str(self._client.configuration.host)


def _client(kubeconfig: str, context: str) -> Any:
    try:
        from kubernetes import config
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.dynamic import DynamicClient
    except ImportError as error:
        raise MissingClient(traceback.format_exc()) from error
    from yaml import YAMLError

    settings = Configuration()
    try:
        if not kubeconfig and os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=settings)
        else:
            config.load_kube_config(kubeconfig or None, context or None, settings, persist_config=False)
    except (config.ConfigException, OSError, YAMLError, KeyError, TypeError, ValueError) as error:
        where = kubeconfig or "KUBECONFIG, or ~/.kube/config"
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ClusterError(
            f"kubeconfig {where} cannot be used: {reason}; name a file that kubectl can use as kubeconfig in"
            " [kubernetes] of settings.conf"
        ) from error
    settings.retries = False
    settings.connection_pool_maxsize = CONNECTIONS
    return DynamicClient(ApiClient(settings), discoverer=_NoDiscovery)


class MissingClient(Exception):
    """The library is not there; the message is the traceback of its import."""


class _NoDiscovery:
    """Looks nothing up: where the kinds are is known."""

    def __init__(self, client: Any, cache_file: str | None) -> None:
        pass


def _retry_after(headers: Any) -> float:
    try:
        return max(0.0, float((headers or {}).get("Retry-After", 0)))
    except (TypeError, ValueError):
        return 0.0


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", None) or error
    return " ".join(str(inner).split()) or type(error).__name__
