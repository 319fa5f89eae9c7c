# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of env, on their only way: from the config's reader to the engine's create call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import KeyFileError, Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.session_key import SessionKeys

# Shorter values (a flag, a number) would blacken innocent words of a log, and hide nothing that cannot be guessed.
_REDACTED_LENGTH = 4


Values = Mapping[str, Mapping[str, Secret]]
"""By server and name."""


class EnvChanged(Exception):
    """The values cannot be read now, or are not those that the spec was made from."""


class Environment:
    """Reads values when the first is needed: a run that makes no container needs none.

    ``read`` gives them with the fleet's key, with which the specs' digests were made; it raises EnvChanged. Of several
    threads one reads. ``session_keys`` are those of the servers' session ids, which are no part of a spec: another key
    replaces no container.
    """

    def __init__(self, read: Callable[[], tuple[Values, bytes]], session_keys: SessionKeys | None = None) -> None:
        self._read = read
        self._session_keys = session_keys
        self._lock = threading.Lock()
        self._known: tuple[Values, bytes] | None = None
        self._trouble: EnvChanged | None = None

    def of(self, spec: Spec) -> list[str]:
        """Returns ``NAME=value`` for each variable of ``spec`` and for its session keys, for the engine only. Raises
        EnvChanged."""
        try:
            keys = [] if self._session_keys is None else self._session_keys.of(spec)
        except KeyFileError as error:
            raise EnvChanged(str(error)) from error
        return [*self._own(spec), *keys]

    def redacted(self, server: str, text: str) -> str:
        """Returns ``text`` without any value of the server's env that is long enough to be a secret."""
        try:
            known, _key = self._held()
        except EnvChanged as trouble:
            return (
                text
                if text == str(trouble)
                else f"it failed; the reason is not shown, as it may hold a secret: {trouble}"
            )
        values = {secret.reveal() for secret in known.get(server, {}).values()}
        for value in sorted(values, key=len, reverse=True):
            if len(value) >= _REDACTED_LENGTH:
                text = text.replace(value, "***")
        return text

    def _own(self, spec: Spec) -> list[str]:
        if not spec.env:
            return []
        known, key = self._held()
        values = known.get(spec.name, {})
        for name, digest in spec.env.items():
            if name not in values or values[name].digest(key, spec.name, name) != digest:
                raise EnvChanged(
                    f"env {name} changed during the run; the next run applies it"
                    if known
                    else f"the value of env {name} cannot be read: the module was given no config"
                )
        return [f"{name}={values[name].reveal()}" for name in spec.env]

    def _held(self) -> tuple[Values, bytes]:
        with self._lock:
            if self._trouble is not None:
                raise self._trouble
            if self._known is None:
                try:
                    self._known = self._read()
                except EnvChanged as trouble:
                    self._trouble = trouble
                    raise
            return self._known
