# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LiteLLM's admin API for MCP servers, which needs LiteLLM to have a database (https://docs.litellm.ai/docs/mcp)."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import Json
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.plan import Action

SECONDS = 30.0


class AdminError(Exception):
    """LiteLLM did not do what it was asked; the message says what, why and what to do. No key is in it."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to the address of the settings alone."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Follows none."""


class AdminApi:
    """``url`` is LiteLLM's address, ``key`` its master key or that of a proxy admin."""

    def __init__(self, url: str, key: Secret) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._opener = urllib.request.build_opener(_NoRedirect)

    def servers(self) -> list[Json]:
        """Returns every server that LiteLLM knows, those of its config too. Raises AdminError."""
        found = self._ask("GET", "/v1/mcp/server", None)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise AdminError(f"{self._url}/v1/mcp/server answers no list of servers; is it LiteLLM?")
        return found

    def do(self, action: Action) -> None:
        """Carries an action out. Raises AdminError."""
        if action.action == "delete":
            self._ask("DELETE", f"/v1/mcp/server/{quote(action.server_id, safe='')}", None)
        else:
            self._ask("POST" if action.action == "create" else "PUT", "/v1/mcp/server", action.body)

    def _ask(self, method: str, path: str, body: Json | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the settings take http and https alone
            self._url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._key.reveal()}", "Content-Type": "application/json"},
            method=method,
        )
        asked = f"{self._url}: {method} {path}"
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AdminError(f"{asked}: {self._reason(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise AdminError(f"{asked}: no answer: {printable(str(reason))}; is LiteLLM running there?") from None
        try:
            return json.loads(text) if text.strip() else None
        except ValueError:
            raise AdminError(f"{asked}: the answer is no JSON; is it LiteLLM?") from None

    def _reason(self, error: urllib.error.HTTPError) -> str:
        if error.code in (401, 403):  # its own words repeat parts of the key
            return f"{error.code}: the key of [litellm] is none of a proxy admin; name another"
        with error:
            text = error.read(4096).decode("utf-8", "replace").replace(self._key.reveal(), "…")
        try:
            told = json.loads(text)
            told = told.get("detail", told.get("error", told))
            told = told.get("error", told.get("message", told)) if isinstance(told, dict) else told
        except (ValueError, AttributeError):
            told = text
        return f"{error.code}: {printable(str(told), 300)}"
