# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_kubernetes_access does: from its arguments to its result."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError, require
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.access import (
    access_objects,
    account_name,
    is_own,
    watched_kinds,
    watcher_name,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import ApiServer, MissingClient
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.difference import differences
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import NAMESPACE, SECRET, Kind
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_PATIENCE = 30.0
"""Seconds within which the controller makes the token."""


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_kubernetes_access, as its documentation describes it. Raises ModuleError."""
    try:
        settings = read_settings(arguments["settings"])
        cluster = ApiServer(arguments["kubeconfig"], arguments["context"] or "", settings.kubernetes.namespace)
        if arguments["state"] == "absent":
            return _removed(settings, cluster, arguments, check_mode=check_mode)
        return _made(settings, cluster, arguments, check_mode=check_mode)
    except MissingClient as error:
        require("kubernetes", str(error))
        raise
    except (ClusterError, ConfigFileError) as error:
        raise ModuleError(str(error)) from error
    except OSError as error:
        raise ModuleError(
            f"{error.filename or arguments['path']}: {error.strerror}; check its owner and mode"
        ) from error


def _made(settings: Settings, cluster: ApiServer, arguments: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    told = []
    for kind, each in access_objects(settings, arguments["quota"]):
        reason = _difference(kind, each, cluster, settings.service.fleet)
        if not reason:
            continue
        told.append(f"{kind.kind} {each['metadata']['name']}: {reason}")
        if not check_mode:
            cluster.apply(kind, each, MANAGER, force=True)
    is_foretold = check_mode and bool(told)  # the tokens are still to come
    fleet = settings.service.fleet
    watched = {"watched": [kind.path(cluster.namespace) for kind in watched_kinds(settings)]}
    for path, name, more in (
        (arguments["path"], account_name(fleet), None),
        (arguments["watcher_path"], watcher_name(fleet), watched),
    ):
        if path and not is_foretold:
            told += _written(path, _kubeconfig(name, cluster, more), check_mode=check_mode)
    return _result(told)


def _written(path: str, text: str, *, check_mode: bool) -> list[str]:
    """Writes a kubeconfig where it is another one; returns what there is to tell of it."""
    if _content(path) == text:
        return []
    if not check_mode:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        replace_file(path, text.encode(), OWNER_ONLY)
    return [f"{path}: it has no kubeconfig of this account"]


def _removed(
    settings: Settings, cluster: ApiServer, arguments: Mapping[str, Any], *, check_mode: bool
) -> dict[str, Any]:
    """Removes what was made but the namespace, in which others may have something."""
    told = []
    for kind, each in reversed(access_objects(settings, {"pods": "0"})):
        name = each["metadata"]["name"]
        there = None if kind == NAMESPACE else cluster.get(kind, name)
        if there is None or not is_own(there, settings.service.fleet):
            continue
        told.append(f"{kind.kind} {name}: removed")
        if not check_mode:
            cluster.remove(kind, name, there["metadata"]["uid"])
    return _result(told)


def _result(told: list[str]) -> dict[str, Any]:
    return {
        "changed": bool(told),
        "changes": told,
        "diff": {"before": "", "after": "".join(f"{each}\n" for each in told)},
    }


def _difference(kind: Kind, each: Object, cluster: ApiServer, fleet: str) -> str:
    """Why an object has to be applied, empty where it need not. Raises ClusterError where it is somebody else's."""
    name = each["metadata"]["name"]
    there = cluster.get(kind, name)
    if there is None:
        return "it is missing"
    if kind != NAMESPACE and not is_own(there, fleet):
        raise ClusterError(
            f"{kind.kind} {name} in {cluster.namespace} is somebody else's; remove it, or rename the fleet"
        )
    return "; ".join(str(one) for one in differences(each, there, MANAGER))


def _kubeconfig(name: str, cluster: ApiServer, more: Mapping[str, Any] | None) -> str:
    """A kubeconfig of an account, which is JSON and so YAML as well. Raises ClusterError.

    ``more`` is what else its reader has to know; kubectl passes over extensions.
    """
    namespace = cluster.namespace
    token = base64.b64decode(_token(cluster, f"{name}-token")).decode()
    configuration = cluster.configuration
    server: dict[str, Any] = {"server": configuration.host}
    if configuration.ssl_ca_cert:
        with open(configuration.ssl_ca_cert, "rb") as file:
            server["certificate-authority-data"] = base64.b64encode(file.read()).decode()
    if not configuration.verify_ssl:
        server["insecure-skip-tls-verify"] = True
    context: dict[str, Any] = {"cluster": "cluster", "user": name, "namespace": namespace}
    if more is not None:
        context["extensions"] = [{"name": MANAGER, "extension": dict(more)}]
    made = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": server}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": namespace, "context": context}],
        "current-context": namespace,
    }
    return json.dumps(made, indent=2) + "\n"


def _token(
    cluster: ApiServer,
    name: str,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
) -> str:
    until = now() + _PATIENCE
    while True:
        token = ((cluster.get(SECRET, name) or {}).get("data") or {}).get("token")
        if token:
            return str(token)
        if now() >= until:
            raise ClusterError(f"the cluster makes no token in Secret {name}; check its controller manager")
        pause(0.2)


def _content(path: str) -> str | None:
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None
