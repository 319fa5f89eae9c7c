# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of an MCP client as a probe needs: discover or initialize, list the tools, call one, end the session."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.channel import Answer, BodyTooLarge, Channel
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.event_stream import messages
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.failure import ProbeFailure
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.legacy_sse import (
    LegacySseStream,
    open_legacy_stream,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.refusal import (
    lost_prefix,
    not_mcp,
    refusal,
    shorten,
    transport_failure,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget, ToolCall

# The revision without sessions, and the newest of those with them (modelcontextprotocol.io, specification).
SESSIONLESS_REVISION = "2026-07-28"
SESSION_REVISION = "2025-11-25"
CLIENT_INFO = {"name": "mcp-orchestrator-probe", "version": "0.1.0"}
# By this a bridge knows that no client uses its server, and lets it sleep (files/bridge/upstream/rest.py).
USER_AGENT = f"{CLIENT_INFO['name']}/{CLIENT_INFO['version']}"
_BASE_HEADERS = {"Accept": "application/json, text/event-stream", "User-Agent": USER_AGENT}
META = "io.modelcontextprotocol/"

METHOD_NOT_FOUND = -32601

# A server whose pages never end must not hold a probe until its deadline.
MOST_PAGES = 100
# Ending a session is worth this much even when the deadline has passed: a session left behind keeps a process alive.
GOODBYE_SECONDS = 1.0


class RpcError(Exception):
    """The server answered a request with a JSON-RPC error."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.code = error.get("code")
        self.message = shorten(str(error.get("message", "")))
        super().__init__(f"error {self.code}: {self.message}")


class McpClient:
    """One MCP client over streamable HTTP or the older HTTP+SSE, as much of one as a probe needs.

    The methods raise ProbeFailure.

    Attributes:
        protocol: the MCP revision that was agreed on; None before, or where none was.
        server: name and version, as the server introduces itself; None before.
        capabilities: the server's, as it announces them.
        seconds: what each step took, by its method, connecting left out.
    """

    def __init__(self, target: ProbeTarget, channel: Channel) -> None:
        self._target = target
        self._channel = channel
        self._posts = channel
        self._legacy: LegacySseStream | None = None
        self._session = ""
        self._last_id = 0
        self.protocol: str | None = None
        self.server: dict[str, str] | None = None
        self.capabilities: Mapping[str, Any] = {}
        self.seconds: dict[str, float] = {}

    def open(self) -> None:
        """Greets the server as a client of both eras does: server/discover first, initialize where that is unknown."""
        deadline = self._channel.deadline
        # A server that keeps silent about a method it does not know must leave time for the one that it does.
        self._channel.deadline = time.monotonic() + self._channel.remaining() / 2
        try:
            greeted = self._discover()
        except ProbeFailure as failure:
            if failure.cause not in ("timeout", "closed", "not_found", "not_mcp"):
                raise
            greeted = False
        finally:
            self._channel.deadline = deadline
        if greeted:
            return
        try:
            self._initialize()
        except ProbeFailure as failure:
            # As the specification asks of clients (2025-11-25, transports, Backwards Compatibility).
            if failure.cause not in ("not_found", "not_mcp") or not self._turn_to_legacy_sse():
                raise
            self._initialize()

    def tools(self) -> list[dict[str, Any]]:
        """All tools of the server, over all pages; none where it does not offer tools."""
        if "tools" not in self.capabilities:
            return []
        tools: list[dict[str, Any]] = []
        cursors: set[str] = set()
        params: dict[str, Any] = {}
        for _page in range(MOST_PAGES):
            try:
                page = self._ask("tools/list", params)
            except RpcError as error:
                if error.code == METHOD_NOT_FOUND:
                    return tools
                raise ProbeFailure("error", "tools/list", f"tools/list was answered with {error}") from error
            listed = page.get("tools")
            if not isinstance(listed, list):
                raise ProbeFailure("not_mcp", "tools/list", "the answer to tools/list holds no list of tools")
            tools += [tool for tool in listed if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str):
                return tools
            if cursor in cursors:
                break
            cursors.add(cursor)
            params = {"cursor": cursor}
        raise ProbeFailure("error", "tools/list", f"the pages of tools/list do not end ({len(tools)} tools so far)")

    def finds_asleep(self) -> bool:
        """Returns whether the bridge says through the server's route that the server sleeps, which wakes nobody."""
        try:
            channel = self._channel.to(self._target.url.rpartition("/")[0] + "/health")
            answer = channel.send("GET", {**self._headers({}), "Accept": "application/json"})
            told = _decode(answer.body()) if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError, BodyTooLarge):
            return False
        channel.close()
        return isinstance(told, dict) and told.get("state") == "asleep"

    def call(self, call: ToolCall, tools: list[dict[str, Any]]) -> None:
        """Calls a tool and holds its answer against the expectation."""
        schema = next((tool.get("inputSchema") for tool in tools if tool["name"] == call.tool), None)
        headers = {"Mcp-Name": header_value(call.tool), **_parameter_headers(schema, call.arguments)}
        try:
            result = self._ask("tools/call", {"name": call.tool, "arguments": dict(call.arguments)}, headers)
        except RpcError as error:
            raise ProbeFailure("error", "tools/call", f"{call.tool} was answered with {error}") from error
        text = _text(result.get("content"))
        if result.get("isError"):
            raise ProbeFailure("expectation", "tools/call", f"{call.tool} reports an error: {shorten(text)}")
        if call.expect is not None and not re.search(call.expect, text):
            reason = f"the answer of {call.tool} does not match /{call.expect}/; it begins with: {shorten(text)}"
            raise ProbeFailure("expectation", "tools/call", reason)

    def close(self) -> None:
        """Ends the session, if there is one, and the connection. What the server says to it does not matter."""
        if self._session:
            self._channel.deadline = max(self._channel.deadline, time.monotonic() + GOODBYE_SECONDS)
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._channel.send("DELETE", self._headers({}))
        if self._legacy is not None:
            self._legacy.close()
        self._channel.close()

    def _turn_to_legacy_sse(self) -> bool:
        """Whether the server speaks the older transport; if so, the rest of the conversation goes that way."""
        headers = {"User-Agent": USER_AGENT, **self._target.headers, "Accept": "text/event-stream"}
        self._legacy = open_legacy_stream(self._channel, self._target.url, headers)
        if self._legacy is not None:
            self._posts = self._legacy.posts
        return self._legacy is not None

    def _discover(self) -> bool:
        """Whether the server speaks the sessionless revision; if so, its name, version and capabilities are known."""
        self.protocol = SESSIONLESS_REVISION
        try:
            result = self._ask("server/discover", {})
        except RpcError:
            self.protocol = None
            return False
        except ProbeFailure:
            self.protocol = None
            raise
        versions = result.get("supportedVersions")
        if not isinstance(versions, list) or SESSIONLESS_REVISION not in versions:
            self.protocol = None
            return False
        meta = result.get("_meta")
        self._introduce(meta.get(f"{META}serverInfo") if isinstance(meta, dict) else None, result.get("capabilities"))
        return True

    def _initialize(self) -> None:
        params = {"protocolVersion": SESSION_REVISION, "capabilities": {}, "clientInfo": CLIENT_INFO}
        try:
            result = self._ask("initialize", params)
        except RpcError as error:
            raise ProbeFailure("error", "initialize", f"initialize was answered with {error}") from error
        version = result.get("protocolVersion")
        if not isinstance(version, str):
            raise ProbeFailure("not_mcp", "initialize", "the answer to initialize names no protocolVersion")
        self.protocol = version
        self._introduce(result.get("serverInfo"), result.get("capabilities"))
        began = time.monotonic()
        answer = self._post("initialized", {"jsonrpc": "2.0", "method": "notifications/initialized"}, {})
        if answer.status >= 300:
            self._heed_lost_prefix("initialized", answer)
            raise refusal("initialized", answer, _decode(self._read("initialized", answer)), self._target.url)
        self._read("initialized", answer)
        self._took("initialized", began)

    def _introduce(self, info: Any, capabilities: Any) -> None:
        if isinstance(info, dict):
            self.server = {"name": str(info.get("name", "")), "version": str(info.get("version", ""))}
        self.capabilities = capabilities if isinstance(capabilities, dict) else {}

    def _ask(self, method: str, params: dict[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Send a request and return its result; raises RpcError for a JSON-RPC error and ProbeFailure for the rest."""
        began = time.monotonic()
        self._last_id += 1
        sent = dict(headers or {})
        if self.protocol == SESSIONLESS_REVISION:
            sent["Mcp-Method"] = method
            params = {**params, "_meta": _sessionless_meta()}
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        connected_before = self._channel.connect_seconds
        answer = self._post(method, request, sent)
        self._heed_lost_prefix(method, answer)
        if self._legacy is not None and answer.status < 300:
            self._read(method, answer)
            reply = self._reply_among_events(method, self._legacy.messages)
        elif answer.status == 200 and answer.media_type == "text/event-stream":
            reply = self._reply_of_stream(method, answer)
        else:
            reply = self._reply_of_body(method, answer)
        if method == "initialize":
            self._session = answer.header("mcp-session-id")
        self._took(method, began, (self._channel.connect_seconds or 0) if connected_before is None else 0)
        error = reply.get("error")
        if (
            answer.status in (401, 403)
            or answer.status >= 500
            or (answer.status >= 300 and not isinstance(error, dict))
        ):
            raise refusal(method, answer, reply, self._target.url)
        if isinstance(error, dict):
            raise RpcError(error)
        result = reply.get("result")
        if not isinstance(result, dict):
            raise ProbeFailure("not_mcp", method, f"the answer to {method} holds neither a result nor an error")
        return result

    def _post(self, step: str, message: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        sent = self._headers(headers)
        sent["Content-Type"] = "application/json"
        try:
            return self._posts.send("POST", sent, json.dumps(message).encode())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise transport_failure(error, step, self._posts) from error

    def _heed_lost_prefix(self, step: str, answer: Answer) -> None:
        if self._legacy is not None and answer.status in (404, 405):
            raise lost_prefix(step, self._legacy.told, self._target.url)

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        sent = {**_BASE_HEADERS, **self._target.headers, **headers}
        if self.protocol:
            sent["MCP-Protocol-Version"] = self.protocol
        if self._session:
            sent["Mcp-Session-Id"] = self._session
        return sent

    def _reply_of_stream(self, method: str, answer: Answer) -> dict[str, Any]:
        reply = self._reply_among_events(method, messages(answer.lines()))
        answer.finish()
        return reply

    def _reply_among_events(self, method: str, events: Iterator[bytes]) -> dict[str, Any]:
        try:
            for data in events:
                reply = self._reply_among(_decode(data))
                if reply is not None:
                    return reply
        except (OSError, http.client.HTTPException, BodyTooLarge) as error:
            raise transport_failure(error, method, self._channel) from error
        raise ProbeFailure("closed", method, f"the event stream ended without an answer to {method}")

    def _reply_of_body(self, method: str, answer: Answer) -> dict[str, Any]:
        body = self._read(method, answer)
        reply = self._reply_among(_decode(body)) if answer.media_type == "application/json" else None
        if reply is not None:
            return reply
        if answer.status >= 300:
            decoded = _decode(body)
            if decoded is None and answer.media_type in ("", "text/plain"):
                decoded = body.decode(errors="replace")
            raise refusal(method, answer, decoded, self._target.url)
        raise not_mcp(method, answer)

    def _read(self, step: str, answer: Answer) -> bytes:
        try:
            return answer.body()
        except (OSError, http.client.HTTPException, BodyTooLarge) as error:
            raise transport_failure(error, step, self._channel) from error

    def _reply_among(self, decoded: Any) -> dict[str, Any] | None:
        """The reply to the last request; revision 2025-03-26 may send it among others in a list."""
        for message in decoded if isinstance(decoded, list) else [decoded]:
            if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
                continue
            # A request that was refused before its id was read is answered with the id null.
            if message.get("id") == self._last_id and ("result" in message or "error" in message):
                return message
            if message.get("id") is None and isinstance(message.get("error"), dict):
                return message
        return None

    def _took(self, step: str, began: float, connecting: float = 0) -> None:
        self.seconds[step] = self.seconds.get(step, 0) + time.monotonic() - began - connecting


def header_value(value: str) -> str:
    """A value as an MCP header carries it: plain printable ASCII as it is, anything else in base64.

    modelcontextprotocol.io, specification 2026-07-28, transports, Custom Headers.
    """
    plain = value.isascii() and value.isprintable() and value == value.strip() and not value.startswith("=?base64?")
    return value if plain else f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def _parameter_headers(schema: Any, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The Mcp-Param headers that a tool's schema asks for by ``x-mcp-header`` (same page)."""
    headers: dict[str, str] = {}
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, part in (properties if isinstance(properties, dict) else {}).items():
        if name not in arguments or not isinstance(part, dict):
            continue
        value = arguments[name]
        header = part.get("x-mcp-header")
        if isinstance(header, str) and isinstance(value, (str, int)):
            headers[f"Mcp-Param-{header}"] = header_value(value if isinstance(value, str) else json.dumps(value))
        if isinstance(value, dict):
            headers.update(_parameter_headers(part, value))
    return headers


def _text(content: Any) -> str:
    """The text parts of a tool's answer."""
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _sessionless_meta() -> dict[str, Any]:
    return {
        f"{META}protocolVersion": SESSIONLESS_REVISION,
        f"{META}clientInfo": CLIENT_INFO,
        f"{META}clientCapabilities": {},
    }


def _decode(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
