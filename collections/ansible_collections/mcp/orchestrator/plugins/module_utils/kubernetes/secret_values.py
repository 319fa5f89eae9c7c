# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of Secrets: read when they are needed, and in nothing but the Secret that goes to the API server."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import EnvChanged, Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import names
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.apply import Withheld
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.managed_fields import Tree, field, owners
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object


class SecretValues:
    """The values of all servers. ``specs`` are by the value of the label ``mcp_service``."""

    def __init__(self, environment: Environment, specs: Mapping[str, Spec]) -> None:
        self._environment = environment
        self._specs = specs

    def settled(self, secret: Object, observed: Object | None, server: str) -> Object:
        """Returns a Secret with its values, those that are there where its digest says that they are the same and
        nobody else has written them. Raises Withheld."""
        if observed is None or _digest(secret) is None or _digest(secret) != _digest(observed):
            return self.completed(secret, server)
        there, own = observed.get("data") or {}, _own(observed)
        if any(name not in there or field(own, name) is None for name in secret["data"]):
            return self.completed(secret, server)
        return {**secret, "data": {name: there[name] for name in secret["data"]}}

    def completed(self, each: Object, server: str) -> Object:
        """Returns an object with its secret values. Raises Withheld."""
        if each["kind"] != "Secret":
            return each
        try:
            values = dict(word.split("=", 1) for word in self._environment.of(self._specs[server]))
        except EnvChanged as error:
            raise Withheld(str(error)) from error
        return {**each, "data": {name: _encoded(values.get(name, "")) for name in each["data"]}}

    def redacted(self, server: str, text: str) -> str:
        """Returns text of a pod without any of the server's secret values."""
        return self._environment.redacted(self._specs[server].name, text)


def masked(each: Object) -> Object:
    """Returns an object as it may be shown."""
    shown = {**each, "metadata": {key: value for key, value in each["metadata"].items() if key != "managedFields"}}
    if each["kind"] == "Secret":
        shown |= {key: dict.fromkeys(each[key], "***") for key in ("data", "stringData") if key in each}
    return shown


def secret_digests(spec: Spec, session_keys: Sequence[str]) -> dict[str, str]:
    """Returns a digest of each value of a server's Secret. ``session_keys`` are as ``SessionKeys.of`` returns them."""
    found = dict(spec.env)
    for word in session_keys:
        name, _equals, value = word.partition("=")
        found[name] = names.digest(value)
    return found


def _digest(secret: Object) -> str | None:
    said = (secret["metadata"].get("annotations") or {}).get(names.VALUES)
    return None if said is None else str(said)


def _own(secret: Object) -> Tree:
    """What of a Secret's data is ours."""
    own = next((each.tree for each in owners(secret) if each.name == names.MANAGER), {})
    return field(own, "data") or {}


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
