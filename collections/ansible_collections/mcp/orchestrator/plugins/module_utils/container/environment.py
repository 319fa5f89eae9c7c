# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of env, on their only way: from the config's reader to the engine's create call."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

# Shorter values (a flag, a number) would blacken innocent words of a log, and hide nothing that cannot be guessed.
_REDACTED_LENGTH = 4


class EnvChanged(Exception):
    """The values read now are not those that the spec was made from."""


class Environment:
    """Values by server and name; ``key`` is the fleet's key, with which the specs' digests were made."""

    def __init__(self, values: Mapping[str, Mapping[str, Secret]], key: bytes) -> None:
        self._values = values
        self._key = key

    def of(self, spec: Spec) -> list[str]:
        """``NAME=value`` for each variable of ``spec``, for the engine only. Raises EnvChanged."""
        values = self._values.get(spec.name, {})
        for name, digest in spec.env.items():
            if name not in values or values[name].digest(self._key, spec.name, name) != digest:
                raise EnvChanged(
                    f"env {name} changed while the run was under way; the next run applies it"
                    if self._values
                    else f"the value of env {name} cannot be read: the module was given no config"
                )
        return [f"{name}={values[name].reveal()}" for name in spec.env]

    def redacted(self, server: str, text: str) -> str:
        """``text`` without any value of the server's env that is long enough to be a secret."""
        values = {secret.reveal() for secret in self._values.get(server, {}).values()}
        for value in sorted(values, key=len, reverse=True):
            if len(value) >= _REDACTED_LENGTH:
                text = text.replace(value, "***")
        return text
